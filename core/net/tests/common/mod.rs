//! A relay and a phone on the loopback address.
#![allow(dead_code)] // Each test program uses its part.

pub mod trusts_anyone;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sotay_feed::{DeviceKeys, SignKey};
use sotay_net::{Connector, Limits, Link, Listener, Presence, RelayAddress, Settings};

pub const DEFECT: Duration = Duration::from_secs(60);

pub async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEFECT, what)
        .await
        .expect("an event that must come did not")
}

pub fn keys(number: u8) -> DeviceKeys {
    DeviceKeys::from_seeds([number; 32], [number; 32])
}

pub const RELAY: u8 = 1;
pub const PHONE: u8 = 2;

pub fn loopback() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

pub fn listener(limits: Limits) -> (Arc<Listener>, RelayAddress) {
    let listener = Listener::bind(loopback(), &keys(RELAY), limits).unwrap();
    let port = listener.local_address().unwrap().port();
    (Arc::new(listener), address(port, keys(RELAY).public().sign))
}

pub fn address(port: u16, key: SignKey) -> RelayAddress {
    RelayAddress::new("127.0.0.1", port, key).unwrap()
}

pub fn connector(settings: Settings) -> Connector {
    Connector::new(&keys(PHONE), settings)
}

pub fn frame(bytes: &[u8]) -> Arc<[u8]> {
    bytes.into()
}

/// A connected pair; the phone's first frame has arrived.
pub async fn pair(listener: &Arc<Listener>, connector: &Connector, address: &RelayAddress) -> (Link, Link) {
    let accepting = listener.clone();
    let relay = tokio::spawn(async move {
        let mut link = accepting.accept().await.unwrap().establish().await.unwrap();
        assert_eq!(link.recv().await.unwrap().unwrap(), &b"hello"[..]);
        link
    });
    let mut phone = within(connector.connect(address, Presence::Foreground))
        .await
        .unwrap();
    phone.send(frame(b"hello")).await.unwrap();
    (phone, within(relay).await.unwrap())
}

/// Both ends know the other's key, and frames of these sizes come from the relay whole and in order.
pub async fn both_know_each_other_and_frames_arrive_whole(mut phone: Link, mut relay: Link, sizes: &[usize]) {
    assert_eq!(phone.peer(), keys(RELAY).public().sign);
    assert_eq!(relay.peer(), keys(PHONE).public().sign);
    let sent = sizes.to_vec();
    let sender = tokio::spawn(async move {
        for (number, size) in (0u8..).zip(sent) {
            relay.send(vec![number; size].into()).await.unwrap();
        }
        relay
    });
    for (number, size) in (0u8..).zip(sizes) {
        let got = within(phone.recv()).await.unwrap().unwrap();
        assert!(
            got.len() == *size && got.iter().all(|byte| *byte == number),
            "frame {number}"
        );
    }
    drop(within(sender).await);
}
