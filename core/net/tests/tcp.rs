//! TLS over TCP, where UDP does not come through: the same keys, frames and reasons (P12.7). Nothing here sleeps.

mod common;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use common::{
    address, both_know_each_other_and_frames_arrive_whole, connector, frame, keys, listener, loopback, pair,
    within,
};
use sotay_feed::limits::FRAME_BYTES_MAX;
use sotay_net::{
    Carrier, Close, ConnectError, FrameFault, HandshakeError, Limits, Link, LinkError, Listener, Presence,
    RelayAddress, Settings,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

/// A network that swallows datagrams and lets TCP through to `target`.
struct Network {
    _silent: UdpSocket,
    port: u16,
}

impl Network {
    async fn to(target: u16) -> Self {
        // Both ports of one number.
        let (silent, tcp) = loop {
            let silent = UdpSocket::bind(loopback()).await.unwrap();
            match TcpListener::bind(silent.local_addr().unwrap()).await {
                Ok(tcp) => break (silent, tcp),
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse),
            }
        };
        let port = tcp.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut phone, _)) = tcp.accept().await {
                tokio::spawn(async move {
                    let relay = SocketAddr::from(([127, 0, 0, 1], target));
                    let mut relay = TcpStream::connect(relay).await.unwrap();
                    let _ = copy_bidirectional(&mut phone, &mut relay).await;
                });
            }
        });
        Self {
            _silent: silent,
            port,
        }
    }
}

/// A connected pair over TCP.
async fn tcp_pair() -> (Link, Link, Arc<Listener>) {
    let (listener, at) = listener(Limits::default());
    let network = Network::to(at.port()).await;
    let connector = connector(Settings::default());
    let (phone, relay) = pair(&listener, &connector, &address(network.port, at.key())).await;
    assert_eq!((phone.carrier(), relay.carrier()), (Carrier::Tcp, Carrier::Tcp));
    (phone, relay, listener)
}

#[tokio::test]
async fn a_phone_whose_network_blocks_udp_gets_through_and_both_ends_know_each_others_key() {
    let (phone, relay, _listener) = tcp_pair().await;
    both_know_each_other_and_frames_arrive_whole(phone, relay, &[1, 2, 4096, 65_536, FRAME_BYTES_MAX]).await;
}

#[tokio::test]
async fn where_udp_comes_through_it_is_used() {
    let (listener, at) = listener(Limits::default());
    let (phone, relay) = pair(&listener, &connector(Settings::default()), &at).await;
    assert_eq!((phone.carrier(), relay.carrier()), (Carrier::Quic, Carrier::Quic));
}

#[tokio::test]
async fn a_clean_close_over_tcp_delivers_every_frame_and_then_code_and_wait() {
    let (mut phone, mut relay, _listener) = tcp_pair().await;
    let close = Close::new(3, Some(Duration::from_secs(90)));
    let closing = tokio::spawn(async move {
        relay.send(vec![9; 200_000].into()).await.unwrap();
        relay.close(close).await;
    });
    assert_eq!(within(phone.recv()).await.unwrap().unwrap().len(), 200_000);
    for _ in 0..2 {
        assert_eq!(
            within(phone.recv()).await,
            Err(LinkError::Closed(close)),
            "and it stays"
        );
    }
    drop(phone);
    within(closing).await.unwrap();
}

#[tokio::test]
async fn a_session_over_tcp_that_is_over_ends_without_an_error() {
    let (phone, mut relay, _listener) = tcp_pair().await;
    let closing = tokio::spawn(phone.close(Close::DONE));
    assert_eq!(within(relay.recv()).await, Ok(None));
    drop(relay);
    within(closing).await.unwrap();
}

#[tokio::test]
async fn a_listener_that_stops_tells_its_reason_over_tcp_too() {
    let (mut phone, mut relay, listener) = tcp_pair().await;
    let close = Close::new(4, Some(Duration::from_secs(5)));
    let stopping = tokio::spawn(async move { listener.shutdown(close).await });
    assert_eq!(within(relay.recv()).await, Err(LinkError::Local));
    drop(relay);
    assert_eq!(within(phone.recv()).await, Err(LinkError::Closed(close)));
    within(stopping).await.unwrap();
}

#[tokio::test]
async fn a_connection_that_breaks_off_is_no_clean_end() {
    let (phone, mut relay, _listener) = tcp_pair().await;
    drop(phone);
    let end = within(relay.recv()).await;
    assert!(
        matches!(end, Err(LinkError::Dropped | LinkError::Reset)),
        "{end:?}"
    );
}

#[tokio::test]
async fn a_link_over_tcp_ends_when_the_phone_changes_networks_and_the_next_one_works() {
    let (listener, at) = listener(Limits::default());
    let network = Network::to(at.port()).await;
    let (connector, through) = (connector(Settings::default()), address(network.port, at.key()));
    let (mut phone, _relay) = pair(&listener, &connector, &through).await;
    connector.rebind().unwrap();
    assert_eq!(within(phone.recv()).await, Err(LinkError::Idle));
    let (again, _relay) = pair(&listener, &connector, &through).await;
    assert_eq!(again.carrier(), Carrier::Tcp);
}

#[tokio::test]
async fn another_key_behind_tcp_is_a_typed_error() {
    let (listener, at) = listener(Limits::default());
    let network = Network::to(at.port()).await;
    let relay = tokio::spawn(async move { listener.accept().await.unwrap().establish().await });
    let other = address(network.port, keys(9).public().sign);
    let refused = within(connector(Settings::default()).connect(&other, Presence::Background)).await;
    assert_eq!(refused.unwrap_err(), ConnectError::WrongRelayKey);
    assert!(within(relay).await.unwrap().is_err(), "it gets no link");
}

#[tokio::test]
async fn a_frame_that_cannot_be_sent_over_tcp_is_our_error_and_the_link_goes_on() {
    let (mut phone, mut relay, _listener) = tcp_pair().await;
    for len in [0, FRAME_BYTES_MAX + 1] {
        let refused = phone.send(vec![0; len].into()).await;
        assert_eq!(refused, Err(LinkError::Unsendable { len }));
    }
    phone.send(frame(b"next")).await.unwrap();
    assert_eq!(within(relay.recv()).await.unwrap().unwrap(), &b"next"[..]);
}

/// Connects, says so much and nothing more.
async fn knock(at: &RelayAddress, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect((at.host(), at.port())).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

#[tokio::test]
async fn whoever_connects_and_dawdles_over_the_handshake_is_given_up() {
    let (listener, at) = listener(Limits {
        handshake_timeout: Duration::from_millis(200),
        ..Limits::default()
    });
    // The beginning of a TLS record that never goes on.
    for begun in [&b""[..], &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01]] {
        let mut stream = knock(&at, begun).await;
        let handshake = within(listener.accept()).await.unwrap();
        assert_eq!(listener.handshakes_in_flight(), 1);
        let given_up = within(handshake.establish()).await;
        assert_eq!(given_up.unwrap_err(), HandshakeError::Timeout);
        assert_eq!(listener.handshakes_in_flight(), 0);
        // It is told by the end of the connection; unread bytes make that a reset.
        let _ = within(stream.read(&mut [0; 64])).await;
    }
}

#[tokio::test]
async fn what_is_no_tls_is_turned_away_at_once() {
    let (listener, at) = listener(Limits::default());
    let _stream = knock(&at, b"GET / HTTP/1.1\r\nhost: relay\r\n\r\n").await;
    let handshake = within(listener.accept()).await.unwrap();
    let refused = within(handshake.establish()).await;
    assert_eq!(refused.unwrap_err(), HandshakeError::Aborted);
}

#[tokio::test]
async fn too_many_handshakes_over_tcp_are_refused_and_counted() {
    let (listener, at) = listener(Limits {
        retry_above: 1,
        refuse_above: 1,
        ..Limits::default()
    });
    let _first = knock(&at, b"").await;
    let held = within(listener.accept()).await.unwrap();
    let mut second = knock(&at, b"").await;
    let accepting = listener.clone();
    let third = tokio::spawn(async move { accepting.accept().await });
    assert_eq!(
        within(second.read(&mut [0; 1])).await.unwrap_or(0),
        0,
        "it was closed"
    );
    assert_eq!(listener.turned().refused, 1);
    drop(held);
    let _third = knock(&at, b"").await;
    assert!(within(third).await.unwrap().is_some());
}

#[tokio::test]
async fn without_tcp_nobody_answers_there() {
    let (_listener, at) = listener(Limits {
        tcp: false,
        ..Limits::default()
    });
    assert!(TcpStream::connect((at.host(), at.port())).await.is_err());
}

/// Another implementation: our keys and TLS, but whatever bytes it likes.
mod hostile {
    use super::common::trusts_anyone;
    use super::*;
    use rustls::client::AlwaysResolvesClientRawPublicKeys;
    use rustls::crypto::ring;
    use rustls::pki_types::PrivatePkcs8KeyDer;
    use rustls::sign::CertifiedKey;
    use tokio_rustls::TlsConnector;
    use tokio_rustls::client::TlsStream;

    /// Connects with this application protocol, or with none.
    pub async fn connect(port: u16, alpn: Option<&[u8]>) -> std::io::Result<TlsStream<TcpStream>> {
        let phone = keys(common::PHONE);
        let (pkcs8, spki) = trusts_anyone::identity(phone.public().sign.as_bytes(), &phone.sign_seed());
        let signer = ring::sign::any_eddsa_type(&PrivatePkcs8KeyDer::from(pkcs8)).unwrap();
        let identity = Arc::new(CertifiedKey::new(vec![spki.into()], signer));
        let mut tls = rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(trusts_anyone::TrustsAnyone))
            .with_client_cert_resolver(Arc::new(AlwaysResolvesClientRawPublicKeys::new(identity)));
        tls.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let name = "x.invalid".try_into().unwrap();
        TlsConnector::from(Arc::new(tls)).connect(name, stream).await
    }
}

/// The relay's end of a connection on which these bytes were sent, and what that end says.
async fn after(bytes: &[u8]) -> (Result<Option<bytes::Bytes>, LinkError>, Vec<u8>) {
    let (listener, at) = listener(Limits::default());
    let relay = tokio::spawn(async move {
        let mut link = listener.accept().await.unwrap().establish().await.unwrap();
        link.recv().await
    });
    let mut stream = within(hostile::connect(at.port(), Some(sotay_net::ALPN)))
        .await
        .unwrap();
    stream.write_all(bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    // Ends with the connection, however it ends.
    let _ = within(stream.read_to_end(&mut answer)).await;
    (within(relay).await.unwrap(), answer)
}

#[tokio::test]
async fn an_oversized_frame_over_tcp_is_a_typed_fault_and_closes_with_its_code() {
    let len = FRAME_BYTES_MAX as u32 + 1;
    let (end, answer) = after(&len.to_be_bytes()).await;
    let fault = FrameFault::TooLarge { len: len as usize };
    assert_eq!(end, Err(LinkError::Fault(fault)));
    assert_eq!(answer, [0xff, 0xff, 0xff, 0xff, 0, 16, 0xff, 0xff, 0xff, 0xff]);
    let (end, _) = after(&[0, 0, 0, 0]).await;
    assert_eq!(end, Err(LinkError::Fault(FrameFault::Empty)));
}

#[tokio::test]
async fn a_goodbye_is_read_whole_and_half_of_one_is_none() {
    let goodbye = [0xff, 0xff, 0xff, 0xff, 0, 7, 0, 0, 3, 0xe8];
    let close = Close::new(7, Some(Duration::from_secs(1)));
    assert_eq!(after(&goodbye).await.0, Err(LinkError::Closed(close)));
    for len in [0, 4, 9] {
        assert_eq!(
            after(&goodbye[..len]).await.0,
            Err(LinkError::Dropped),
            "{len} bytes"
        );
    }
}

#[tokio::test]
async fn a_phone_of_another_version_or_of_none_is_told_so_over_tcp() {
    for alpn in [Some(&b"sotay/2"[..]), None] {
        let (listener, at) = listener(Limits::default());
        let relay = tokio::spawn(async move { listener.accept().await.unwrap().establish().await });
        // What it is told is the TLS library's affair.
        let _stream = within(hostile::connect(at.port(), alpn)).await;
        assert_eq!(within(relay).await.unwrap().unwrap_err(), HandshakeError::Version);
    }
}
