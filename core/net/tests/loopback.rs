//! Real sockets on the loopback address. Nothing here sleeps: every wait is for an event that must come, under a
//! generous limit that only a defect reaches.

mod common;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use sotay_feed::limits::FRAME_BYTES_MAX;
use sotay_net::{
    Close, ConnectError, FrameFault, HandshakeError, Limits, LinkError, Listener, Next, Presence,
    RelayAddress, STRANGER_WINDOW_BYTES, Settings,
};
use tokio::net::UdpSocket;

use common::{
    DEFECT, PHONE, RELAY, address, both_know_each_other_and_frames_arrive_whole, connector, frame, keys,
    listener, loopback, pair, within,
};

#[tokio::test]
async fn frames_arrive_whole_in_order_and_both_ends_know_each_others_key() {
    let (listener, address) = listener(Limits::default());
    let connector = connector(Settings::default());
    let (phone, relay) = pair(&listener, &connector, &address).await;
    both_know_each_other_and_frames_arrive_whole(phone, relay, &[1, 2, 1199, 1200, 65_536, FRAME_BYTES_MAX])
        .await;
}

#[tokio::test]
async fn a_clean_close_delivers_every_frame_and_then_code_and_wait() {
    let (listener, address) = listener(Limits::default());
    let connector = connector(Settings::default());
    let (mut phone, mut relay) = pair(&listener, &connector, &address).await;
    let close = Close::new(3, Some(Duration::from_secs(90)));
    let closing = tokio::spawn(async move {
        relay.send(vec![9; 200_000].into()).await.unwrap();
        relay.close(close).await;
    });
    assert_eq!(within(phone.recv()).await.unwrap().unwrap().len(), 200_000);
    assert_eq!(within(phone.recv()).await, Err(LinkError::Closed(close)));
    within(closing).await.unwrap();
}

#[tokio::test]
async fn a_session_that_is_over_ends_without_an_error() {
    let (listener, address) = listener(Limits::default());
    let connector = connector(Settings::default());
    let (phone, mut relay) = pair(&listener, &connector, &address).await;
    let closing = tokio::spawn(phone.close(Close::DONE));
    assert_eq!(within(relay.recv()).await, Ok(None));
    within(closing).await.unwrap();
}

#[tokio::test]
async fn an_abort_tells_its_reason_too() {
    let (listener, address) = listener(Limits::default());
    let connector = connector(Settings::default());
    let (phone, mut relay) = pair(&listener, &connector, &address).await;
    let (send, _recv) = phone.split();
    send.abort(Close::new(5, None));
    assert_eq!(
        within(relay.recv()).await,
        Err(LinkError::Closed(Close::new(5, None)))
    );
}

#[tokio::test]
async fn a_relay_with_another_key_is_a_typed_error_and_gets_no_link() {
    let (listener, address) = listener(Limits::default());
    let wrong = RelayAddress::new("127.0.0.1", address.port(), keys(99).public().sign).unwrap();
    let accepting = listener.clone();
    let relay = tokio::spawn(async move { accepting.accept().await.unwrap().establish().await });
    let phone = within(connector(Settings::default()).connect(&wrong, Presence::Background)).await;
    assert_eq!(phone.unwrap_err(), ConnectError::WrongRelayKey);
    assert_eq!(within(relay).await.unwrap().unwrap_err(), HandshakeError::Aborted);
}

#[tokio::test]
async fn nobody_at_the_address_is_a_time_out() {
    // Bound, so that nobody else gets the port, and never read.
    let silent = UdpSocket::bind(loopback()).await.unwrap();
    let address = address(silent.local_addr().unwrap().port(), keys(RELAY).public().sign);
    let settings = Settings {
        connect_timeout: Duration::from_millis(200),
        ..Settings::default()
    };
    let answer = within(connector(settings).connect(&address, Presence::Background)).await;
    assert_eq!(answer.unwrap_err(), ConnectError::Timeout);
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_unreachable() {
    let address = RelayAddress::new("relay.invalid", 7843, keys(RELAY).public().sign).unwrap();
    let settings = Settings {
        connect_timeout: DEFECT,
        ..Settings::default()
    };
    let answer = within(connector(settings).connect(&address, Presence::Background)).await;
    assert_eq!(answer.unwrap_err(), ConnectError::Unreachable);
}

#[tokio::test]
async fn a_relay_that_is_stopping_refuses_new_links_and_keeps_the_old() {
    let (listener, address) = listener(Limits::default());
    let connector = connector(Settings::default());
    let (mut phone, mut relay) = pair(&listener, &connector, &address).await;
    listener.refuse_new();
    let accepting = listener.clone();
    let loop_task = tokio::spawn(async move { accepting.accept().await.is_none() });
    let answer = within(connector.connect(&address, Presence::Background)).await;
    assert_eq!(answer.unwrap_err(), ConnectError::Refused { retry_after: None });
    assert!(listener.turned().refused >= 1);
    phone.send(frame(b"still here")).await.unwrap();
    assert_eq!(within(relay.recv()).await.unwrap().unwrap(), &b"still here"[..]);
    drop((phone, relay));
    within(listener.shutdown(Close::DONE)).await;
    assert!(within(loop_task).await.unwrap());
}

#[tokio::test]
async fn a_crowd_of_handshakes_must_prove_its_addresses_and_still_gets_in() {
    let limits = Limits {
        retry_above: 0,
        ..Limits::default()
    };
    let (listener, address) = listener(limits);
    let (_phone, _relay) = pair(&listener, &connector(Settings::default()), &address).await;
    assert_eq!(listener.turned().retried, 1);
}

#[tokio::test]
async fn a_phone_that_opens_no_stream_is_given_up() {
    let limits = Limits {
        handshake_timeout: Duration::from_secs(2),
        ..Limits::default()
    };
    let (listener, address) = listener(limits);
    let accepting = listener.clone();
    let relay = tokio::spawn(async move { accepting.accept().await.unwrap().establish().await });
    let mut phone = within(connector(Settings::default()).connect(&address, Presence::Foreground))
        .await
        .unwrap();
    assert_eq!(within(relay).await.unwrap().unwrap_err(), HandshakeError::Timeout);
    assert_eq!(listener.handshakes_in_flight(), 0);
    assert_eq!(within(phone.recv()).await, Err(LinkError::Dropped));
}

#[tokio::test]
async fn garbage_on_the_port_hurts_nobody() {
    let (listener, address) = listener(Limits::default());
    let socket = UdpSocket::bind(loopback()).await.unwrap();
    let target = SocketAddr::from(([127, 0, 0, 1], address.port()));
    // Every first byte (long headers, short headers, version negotiation) at the sizes that matter.
    for first in 0..=255u8 {
        for size in [1, 20, 1199, 1200, 1500] {
            let mut datagram = vec![first.wrapping_mul(31); size];
            datagram[0] = first;
            if size > 5 && first % 2 == 0 {
                datagram[1..5].copy_from_slice(&1u32.to_be_bytes());
            }
            socket.send_to(&datagram, target).await.unwrap();
        }
    }
    let connector = connector(Settings::default());
    let (mut phone, mut relay) = pair(&listener, &connector, &address).await;
    relay.send(frame(b"unharmed")).await.unwrap();
    assert_eq!(within(phone.recv()).await.unwrap().unwrap(), &b"unharmed"[..]);
}

#[tokio::test]
async fn a_frame_that_cannot_be_sent_is_our_error_and_the_link_goes_on() {
    let (listener, address) = listener(Limits::default());
    let connector = connector(Settings::default());
    let (mut phone, mut relay) = pair(&listener, &connector, &address).await;
    for len in [0, FRAME_BYTES_MAX + 1] {
        let refused = phone.send(vec![0; len].into()).await;
        assert_eq!(refused, Err(LinkError::Unsendable { len }));
    }
    phone.send(frame(b"next")).await.unwrap();
    assert_eq!(within(relay.recv()).await.unwrap().unwrap(), &b"next"[..]);
}

/// What another implementation may do wrong: plain quinn with our keys, without our framing.
mod hostile {
    use super::common::trusts_anyone;
    use super::*;
    use quinn::crypto::rustls::QuicClientConfig;
    use rustls::client::AlwaysResolvesClientRawPublicKeys;
    use rustls::crypto::ring;
    use rustls::pki_types::PrivatePkcs8KeyDer;
    use rustls::sign::CertifiedKey;

    pub const SEND_WINDOW_BYTES: u64 = 8 * 1024;

    /// A client that claims the key `shown` and signs with the key of `seed`.
    pub async fn connect(
        port: u16,
        alpn: &[u8],
        shown: [u8; 32],
        seed: [u8; 32],
    ) -> Result<quinn::Connection, quinn::ConnectionError> {
        let (pkcs8, spki) = trusts_anyone::identity(&shown, &seed);
        let signer = ring::sign::any_eddsa_type(&PrivatePkcs8KeyDer::from(pkcs8)).unwrap();
        let identity = Arc::new(CertifiedKey::new(vec![spki.into()], signer));
        let mut tls = rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(trusts_anyone::TrustsAnyone))
            .with_client_cert_resolver(Arc::new(AlwaysResolvesClientRawPublicKeys::new(identity)));
        tls.alpn_protocols = vec![alpn.to_vec()];
        let mut config = quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap()));
        let mut transport = quinn::TransportConfig::default();
        // What it could write has arrived, but for so much.
        transport.send_window(SEND_WINDOW_BYTES);
        config.transport_config(Arc::new(transport));
        let endpoint = quinn::Endpoint::client(loopback()).unwrap();
        let target = SocketAddr::from(([127, 0, 0, 1], port));
        endpoint.connect_with(config, target, "x.invalid").unwrap().await
    }
}

async fn hostile_stream(port: u16) -> (quinn::Connection, quinn::SendStream) {
    let (connection, send, _) = hostile_streams(port).await;
    (connection, send)
}

async fn hostile_streams(port: u16) -> (quinn::Connection, quinn::SendStream, quinn::RecvStream) {
    let phone = keys(PHONE);
    let connection = within(hostile::connect(
        port,
        b"sotay/1",
        *phone.public().sign.as_bytes(),
        *phone.sign_seed(),
    ))
    .await
    .unwrap();
    let (send, recv) = connection.open_bi().await.unwrap();
    (connection, send, recv)
}

#[tokio::test]
async fn an_oversized_frame_is_a_typed_fault_and_closes_with_its_code() {
    let (listener, address) = listener(Limits::default());
    let accepting = listener.clone();
    let relay = tokio::spawn(async move { accepting.accept().await.unwrap().establish().await.unwrap() });
    let (connection, mut send) = hostile_stream(address.port()).await;
    let len = FRAME_BYTES_MAX + 1;
    send.write_all(&(len as u32).to_be_bytes()).await.unwrap();
    let mut relay = within(relay).await.unwrap();
    let fault = Err(LinkError::Fault(FrameFault::TooLarge { len }));
    assert_eq!(within(relay.recv()).await, fault);
    assert_eq!(within(relay.recv()).await, fault);
    match within(connection.closed()).await {
        quinn::ConnectionError::ApplicationClosed(close) => {
            assert_eq!(close.error_code, quinn::VarInt::from_u32(17));
        }
        other => panic!("{other}"),
    }
}

/// What a stranger can make a relay hold that reads no further: one small window, and nothing in further streams.
#[tokio::test]
async fn a_stranger_fills_a_small_window_and_opens_no_second_stream_and_who_is_known_fills_a_large_one() {
    const PIECE: usize = 1024;
    let (listener, address) = listener(Limits {
        first_window_bytes: STRANGER_WINDOW_BYTES,
        ..Limits::default()
    });
    let accepting = listener.clone();
    let relay = tokio::spawn(async move { accepting.accept().await.unwrap().establish().await.unwrap() });
    let (connection, mut send, mut heard) = hostile_streams(address.port()).await;
    send.write_all(&(FRAME_BYTES_MAX as u32).to_be_bytes())
        .await
        .unwrap();
    let (mut relay_send, relay_recv) = within(relay).await.unwrap().split();
    let (written, count) = tokio::sync::watch::channel(0);
    tokio::spawn(async move {
        while send.write_all(&[7; PIECE]).await.is_ok() {
            written.send_modify(|written| *written += PIECE);
        }
    });
    // While this goes forth, what may arrive does.
    for _ in 0..50 {
        relay_send.send(frame(b"hear")).await.unwrap();
        within(heard.read_exact(&mut [0; 8])).await.unwrap();
    }
    let most = STRANGER_WINDOW_BYTES as usize + hostile::SEND_WINDOW_BYTES as usize + PIECE;
    assert!(*count.borrow() <= most, "{} bytes", *count.borrow());
    let mut second = std::pin::pin!(connection.open_bi());
    let waits = second.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(waits.is_pending(), "a second stream");
    // Still nothing is read.
    relay_recv.widen();
    let mut count = count;
    within(count.wait_for(|written| *written >= 200 * PIECE))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_frame_that_comes_in_parts_is_told_when_it_begins() {
    let (listener, address) = listener(Limits::default());
    let accepting = listener.clone();
    let relay = tokio::spawn(async move { accepting.accept().await.unwrap().establish().await.unwrap() });
    let (_connection, mut send) = hostile_stream(address.port()).await;
    send.write_all(b"\x00\x00\x00\x05abc").await.unwrap();
    let (_send, mut recv) = within(relay).await.unwrap().split();
    assert_eq!(within(recv.next()).await, Ok(Next::Begun(5)));
    send.write_all(b"de\x00\x00\x00\x01f").await.unwrap();
    for whole in ["abcde", "f"] {
        let frame = within(recv.next()).await;
        assert_eq!(frame, Ok(Next::Frame(whole.into())));
    }
}

#[tokio::test]
async fn keys_are_changed_again_and_again_in_the_middle_of_a_session() {
    let (listener, address) = listener(Limits::default());
    let accepting = listener.clone();
    let relay = tokio::spawn(async move { accepting.accept().await.unwrap().establish().await.unwrap() });
    let (connection, mut send) = hostile_stream(address.port()).await;
    send.write_all(b"\x00\x00\x00\x01a").await.unwrap();
    let mut relay = within(relay).await.unwrap();
    assert_eq!(relay.peer(), keys(PHONE).public().sign);
    assert_eq!(within(relay.recv()).await.unwrap().unwrap(), &b"a"[..]);
    for _ in 0..3 {
        connection.force_key_update();
        send.write_all(b"\x00\x00\x00\x02bc").await.unwrap();
        assert_eq!(within(relay.recv()).await.unwrap().unwrap(), &b"bc"[..]);
    }
}

#[tokio::test]
async fn a_stream_that_ends_inside_a_frame_is_a_typed_fault() {
    let (listener, address) = listener(Limits::default());
    let accepting = listener.clone();
    let relay = tokio::spawn(async move { accepting.accept().await.unwrap().establish().await.unwrap() });
    let (_connection, mut send) = hostile_stream(address.port()).await;
    send.write_all(b"\x00\x00\x00\x05abc").await.unwrap();
    send.finish().unwrap();
    let mut relay = within(relay).await.unwrap();
    assert_eq!(
        within(relay.recv()).await,
        Err(LinkError::Fault(FrameFault::Truncated))
    );
}

#[tokio::test]
async fn a_phone_cannot_show_a_key_that_it_does_not_own() {
    let (listener, address) = listener(Limits::default());
    let accepting = listener.clone();
    let relay = tokio::spawn(async move { accepting.accept().await.unwrap().establish().await });
    let stolen = *keys(7).public().sign.as_bytes();
    // The client believes the handshake done before the relay has checked its signature.
    let client = within(hostile::connect(address.port(), b"sotay/1", stolen, [8; 32])).await;
    assert_eq!(within(relay).await.unwrap().unwrap_err(), HandshakeError::Key);
    if let Ok(connection) = client {
        assert!(matches!(
            within(connection.closed()).await,
            quinn::ConnectionError::ConnectionClosed(_)
        ));
    }
}

#[tokio::test]
async fn a_phone_of_another_version_is_told_so() {
    let (listener, address) = listener(Limits::default());
    let accepting = listener.clone();
    let relay = tokio::spawn(async move { accepting.accept().await.unwrap().establish().await });
    let phone = keys(PHONE);
    let own = *phone.public().sign.as_bytes();
    let client = within(hostile::connect(
        address.port(),
        b"sotay/2",
        own,
        *phone.sign_seed(),
    ))
    .await;
    assert!(client.is_err());
    assert_eq!(within(relay).await.unwrap().unwrap_err(), HandshakeError::Version);
}

/// Carries datagrams between one phone and the relay until it is cut.
struct Wire {
    port: u16,
    cut: Arc<AtomicBool>,
}

impl Wire {
    async fn to(target: u16) -> Self {
        let outer = UdpSocket::bind(loopback()).await.unwrap();
        let inner = UdpSocket::bind(loopback()).await.unwrap();
        inner
            .connect(SocketAddr::from(([127, 0, 0, 1], target)))
            .await
            .unwrap();
        let port = outer.local_addr().unwrap().port();
        let cut = Arc::new(AtomicBool::new(false));
        let is_cut = cut.clone();
        tokio::spawn(async move {
            let (mut up, mut down) = ([0; 2048], [0; 2048]);
            let mut phone = None;
            loop {
                tokio::select! {
                    Ok((len, from)) = outer.recv_from(&mut up) => {
                        phone = Some(from);
                        if !is_cut.load(Ordering::SeqCst) {
                            inner.send(&up[..len]).await.unwrap();
                        }
                    }
                    Ok(len) = inner.recv(&mut down) => {
                        if let (Some(phone), false) = (phone, is_cut.load(Ordering::SeqCst)) {
                            outer.send_to(&down[..len], phone).await.unwrap();
                        }
                    }
                }
            }
        });
        Self { port, cut }
    }
}

#[tokio::test]
async fn a_peer_that_vanishes_is_found_by_the_idle_time_out_on_both_ends() {
    let idle_timeout = Duration::from_secs(3);
    let (listener, address) = listener(Limits {
        idle_timeout,
        ..Limits::default()
    });
    let wire = Wire::to(address.port()).await;
    let through = RelayAddress::new("127.0.0.1", wire.port, address.key()).unwrap();
    let connector = connector(Settings {
        idle_timeout,
        keep_alive: Duration::from_millis(200),
        ..Settings::default()
    });
    let (mut phone, mut relay) = pair(&listener, &connector, &through).await;
    wire.cut.store(true, Ordering::SeqCst);
    assert_eq!(within(relay.recv()).await, Err(LinkError::Idle));
    assert_eq!(within(phone.recv()).await, Err(LinkError::Idle));
}

#[tokio::test]
async fn a_transfer_goes_on_from_another_network_address() {
    let (listener, address) = listener(Limits::default());
    let connector = connector(Settings::default());
    let (mut phone, mut relay) = pair(&listener, &connector, &address).await;
    let before = relay.remote_address();
    const FRAMES: usize = 60;
    let receiver = tokio::spawn(async move {
        let mut got = Vec::new();
        while got.len() < FRAMES {
            let frame = relay.recv().await.unwrap().unwrap();
            assert_eq!(frame.len(), 50_000);
            got.push(usize::from(frame[0]));
            relay.send(frame_of(frame[0])).await.unwrap();
        }
        (got, relay.remote_address(), relay)
    });
    for number in 0..FRAMES {
        phone.send(vec![number as u8; 50_000].into()).await.unwrap();
        if number % 20 == 10 {
            connector.rebind().unwrap();
        }
    }
    for number in 0..FRAMES {
        assert_eq!(within(phone.recv()).await.unwrap().unwrap(), &[number as u8][..]);
    }
    let (got, after, _relay) = within(receiver).await.unwrap();
    assert_eq!(got, (0..FRAMES).collect::<Vec<_>>());
    assert_ne!(after, before);
}

fn frame_of(byte: u8) -> Arc<[u8]> {
    frame(&[byte])
}

#[tokio::test]
async fn a_rebind_before_any_link_changes_nothing() {
    let connector = connector(Settings::default());
    connector.rebind().unwrap();
    let (listener, address) = listener(Limits::default());
    pair(&listener, &connector, &address).await;
}

#[tokio::test]
async fn a_phone_that_shuts_down_tells_its_relay() {
    let (listener, address) = listener(Limits::default());
    let connector = connector(Settings::default());
    let (_phone, mut relay) = pair(&listener, &connector, &address).await;
    within(connector.shutdown()).await;
    assert_eq!(within(relay.recv()).await, Ok(None));
}

#[tokio::test]
async fn a_restarted_relay_resets_the_links_of_its_predecessor_at_once() {
    let (old, address) = listener(Limits::default());
    let wire = Wire::to(address.port()).await;
    let through = RelayAddress::new("127.0.0.1", wire.port, address.key()).unwrap();
    let connector = connector(Settings::default());
    let (mut phone, relay) = pair(&old, &connector, &through).await;
    // A killed process sends nothing: nothing may pass while the old one goes.
    wire.cut.store(true, Ordering::SeqCst);
    drop(relay);
    within(old.shutdown(Close::DONE)).await;
    drop(old);
    let target = SocketAddr::from(([127, 0, 0, 1], address.port()));
    // The port is free once the old endpoint's task has ended.
    let _new = loop {
        match Listener::bind(target, &keys(RELAY), Limits::default()) {
            Ok(listener) => break listener,
            Err(sotay_net::BindError::InUse) => tokio::task::yield_now().await,
            Err(other) => panic!("{other}"),
        }
    };
    wire.cut.store(false, Ordering::SeqCst);
    phone.send(frame(b"anyone?")).await.unwrap();
    assert_eq!(within(phone.recv()).await, Err(LinkError::Reset));
}

#[tokio::test]
async fn a_port_in_use_is_said_so() {
    let (_listener, address) = listener(Limits::default());
    let target = SocketAddr::from(([127, 0, 0, 1], address.port()));
    let second = Listener::bind(target, &keys(RELAY), Limits::default());
    assert!(matches!(second, Err(sotay_net::BindError::InUse)));
    let elsewhere = Listener::bind(([192, 0, 2, 1], 0).into(), &keys(RELAY), Limits::default());
    assert!(matches!(elsewhere, Err(sotay_net::BindError::NotHere)));
}
