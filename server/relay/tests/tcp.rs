//! Phones whose networks block UDP, and those who abuse the TCP port.

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream as StdStream};
use std::time::Duration;

use common::{FOUNDER, Phone, Relay, SECRETARY, founder, grants, within};
use sotay_net::{Carrier, Presence, RelayAddress};
use sotay_sync::CloseCode;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream, UdpSocket};

/// A network that swallows datagrams: the relay's address as it is seen from inside.
async fn blocked(relay: &Relay) -> (RelayAddress, UdpSocket) {
    let (silent, tcp) = loop {
        let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        if let Ok(tcp) = TcpListener::bind(silent.local_addr().unwrap()).await {
            break (silent, tcp);
        }
    };
    let (port, target) = (tcp.local_addr().unwrap().port(), relay.listen());
    tokio::spawn(async move {
        while let Ok((mut phone, _)) = tcp.accept().await {
            tokio::spawn(async move {
                let mut relay = TcpStream::connect(target).await.unwrap();
                let _ = copy_bidirectional(&mut phone, &mut relay).await;
            });
        }
    });
    let address = RelayAddress::new("127.0.0.1", port, relay.address().key()).unwrap();
    (address, silent)
}

#[tokio::test]
async fn a_phone_behind_a_network_without_udp_pushes_and_pulls_over_tcp() {
    let dir = tempfile::tempdir().unwrap();
    let relay = Relay::start(dir.path(), &[]);
    let (inside, _silent) = blocked(&relay).await;
    let (mut founder, _) = founder(FOUNDER, &grants());
    founder.write_changes(300, 1500);
    let link = within(founder.connector.connect(&inside, Presence::Foreground))
        .await
        .unwrap();
    assert_eq!(link.carrier(), Carrier::Tcp);
    assert!(founder.sync_by(link, &relay).await.caught_up());
    // One that comes over QUIC gets it, and one over TCP after it.
    let main = founder.main();
    let mut secretary = Phone::new(SECRETARY, founder.roll().unit);
    assert!(secretary.sync(&relay).await.caught_up());
    assert_eq!(secretary.frontier(&main).get(founder.keys.id()), 300);
    let mut again = Phone::new(SECRETARY, founder.roll().unit);
    let link = within(again.connector.connect(&inside, Presence::Background))
        .await
        .unwrap();
    assert!(again.sync_by(link, &relay).await.caught_up());
    assert_eq!(again.frontier(&main), secretary.frontier(&main));
    relay
        .await_metric("sotay_relay_handshakes_total{outcome=\"ok\"}", 3.0)
        .await;
    relay.await_metric("sotay_relay_sessions", 0.0).await;
}

#[tokio::test]
async fn a_relay_that_stops_says_so_over_tcp_and_does_not_wait_for_long() {
    let dir = tempfile::tempdir().unwrap();
    let relay = Relay::start(dir.path(), &[]);
    let (inside, _silent) = blocked(&relay).await;
    let (mut founder, _) = founder(FOUNDER, &grants());
    let link = within(founder.connector.connect(&inside, Presence::Foreground))
        .await
        .unwrap();
    let session = founder.session(&relay, true);
    relay.await_metric("sotay_relay_sessions", 1.0).await;
    relay.terminate();
    let talk = founder.talk(link, session, |_| false).await;
    let common::Ended::Closed(reason) = talk.ended else {
        panic!("{:?}", talk.ended)
    };
    assert_eq!(reason.code, CloseCode::Draining);
    assert!(relay.wait().await.success());
}

/// Says so much on the TCP port.
fn begin(to: SocketAddr, bytes: &[u8]) -> StdStream {
    let mut stream = StdStream::connect(to).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(bytes).unwrap();
    stream
}

/// Reads until the relay ends it.
fn until_ended(mut stream: StdStream) {
    // A reset is an end as well.
    let ended = stream.read_to_end(&mut Vec::new());
    let waited = |error: &std::io::Error| error.kind() == std::io::ErrorKind::WouldBlock;
    assert!(!ended.as_ref().is_err_and(waited), "it was never ended");
}

#[tokio::test]
async fn other_protocols_and_dawdlers_on_the_tcp_port_hurt_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let relay = Relay::start(dir.path(), &[]);
    let to = relay.listen();
    // Two hundred that open a handshake and never go on, held for the whole test.
    let dawdlers: Vec<StdStream> = (0..200)
        .map(|number| begin(to, &[0x16, 0x03, 0x01, 0x02, 0x00][..number % 6]))
        .collect();
    let garbage = tokio::task::spawn_blocking(move || {
        for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0; 2000], &[0xff; 70_000]] {
            until_ended(begin(to, bytes));
        }
    });
    within(garbage).await.unwrap();
    let (mut founder, _) = founder(FOUNDER, &grants());
    assert!(founder.sync(&relay).await.caught_up());
    assert_eq!(relay.page("/readyz").0, 200);
    // Each of them is given up after the time for a handshake.
    let given_up = tokio::task::spawn_blocking(|| dawdlers.into_iter().for_each(until_ended));
    within(given_up).await.unwrap();
    relay
        .await_metric("sotay_relay_handshakes_total{outcome=\"timeout\"}", 200.0)
        .await;
}

#[tokio::test]
async fn without_tcp_in_the_configuration_nobody_answers_there() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("relay.toml");
    std::fs::write(&config, "tcp = false\n").unwrap();
    let relay = Relay::start(&dir.path().join("data"), &["--config", config.to_str().unwrap()]);
    assert!(StdStream::connect(relay.listen()).is_err());
    let (mut founder, _) = founder(FOUNDER, &grants());
    assert!(founder.sync(&relay).await.caught_up());
}
