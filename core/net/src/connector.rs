//! The connecting end: a phone that looks for its relay.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ConnectionError, Endpoint, EndpointConfig, TokenMemoryCache, TransportErrorCode};
use rustls::pki_types::ServerName;
use sotay_feed::{DeviceKeys, SignKey};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use crate::address::RelayAddress;
use crate::close::Close;
use crate::door::{self, Fault};
use crate::link::{Carrier, Link, Order};
use crate::listener::{SHUTDOWN_MAX, is_version};
use crate::tls::{self, ALPN, Identity};
use crate::transport;

/// Time to reach a relay, name resolution included.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Addresses of one host name that are tried.
pub const ADDRESSES_TRIED_MAX: usize = 4;
/// Head start of one address before the next is tried beside it (RFC 8305 §5).
pub const ADDRESS_HEAD_START: Duration = Duration::from_millis(250);
/// Head start of QUIC before TCP is tried beside it: a handshake at a round trip of 600 ms fits. None where TCP was what
/// worked last.
pub const QUIC_HEAD_START: Duration = Duration::from_secs(1);

/// What an app or a test may want otherwise.
#[derive(Debug, Clone)]
pub struct Settings {
    /// See [`CONNECT_TIMEOUT`].
    pub connect_timeout: Duration,
    /// See [`transport::IDLE_TIMEOUT`].
    pub idle_timeout: Duration,
    /// See [`transport::KEEP_ALIVE`]; used in the foreground only.
    pub keep_alive: Duration,
    /// See [`transport::CONGESTION_FLOOR_BYTES`].
    pub congestion_floor_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connect_timeout: CONNECT_TIMEOUT,
            idle_timeout: transport::IDLE_TIMEOUT,
            keep_alive: transport::KEEP_ALIVE,
            congestion_floor_bytes: transport::CONGESTION_FLOOR_BYTES,
        }
    }
}

/// Whether somebody is looking at the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// The link stays open and is kept alive, so that changes of others arrive at once.
    Foreground,
    /// Connect, sync, close; no packet is sent only to keep the link.
    Background,
}

/// Why no link came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// No network, or the host name cannot be resolved. Wait for the network.
    #[error("the network or the relay's name is not reachable")]
    Unreachable,
    /// Nothing answered in time: no network, UDP blocked, or the relay is down. Try again later.
    #[error("the relay did not answer in time")]
    Timeout,
    /// Whoever answered has another key. Do not trust it; ask the relay's operator for the right address.
    #[error("the relay at this address has another key than the one expected")]
    WrongRelayKey,
    /// The relay is stopping or overloaded. Come back later.
    #[error("the relay accepts no sessions now")]
    Refused {
        /// When, if it said so.
        retry_after: Option<Duration>,
    },
    /// The relay speaks another version of the protocol: one side must be updated.
    #[error("the relay speaks another version of the protocol")]
    Version,
    /// What answered is not a relay of this protocol, or it broke the handshake's rules.
    #[error("what answers at this address is not a relay")]
    NotARelay,
}

impl ConnectError {
    /// Of several addresses' errors the one that says most.
    fn weight(self) -> u8 {
        match self {
            ConnectError::Unreachable => 0,
            ConnectError::Timeout => 1,
            ConnectError::NotARelay => 2,
            ConnectError::Refused { .. } => 3,
            ConnectError::Version => 4,
            ConnectError::WrongRelayKey => 5,
        }
    }

    fn new(error: ConnectionError) -> Self {
        match error {
            error if is_version(&error) => ConnectError::Version,
            ConnectionError::TimedOut => ConnectError::Timeout,
            ConnectionError::ConnectionClosed(close)
                if close.error_code == TransportErrorCode::CONNECTION_REFUSED =>
            {
                ConnectError::Refused { retry_after: None }
            }
            ConnectionError::ApplicationClosed(close) => ConnectError::Refused {
                retry_after: Close::read(close.error_code, &close.reason).and_then(|close| close.retry_after),
            },
            ConnectionError::LocallyClosed | ConnectionError::CidsExhausted => ConnectError::Unreachable,
            _ => ConnectError::NotARelay,
        }
    }
}

/// Connects to relays with one device's identity. Clones share the sockets.
#[derive(Debug, Clone)]
pub struct Connector(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    identity: Identity,
    settings: Settings,
    tokens: Arc<TokenMemoryCache>,
    sockets: Mutex<Sockets>,
    /// What every TCP connection is told.
    orders: watch::Sender<Order>,
    /// TCP was what worked last in this network.
    udp_blocked: AtomicBool,
}

/// One socket per address family, made when first needed: a phone may have only one of them.
#[derive(Debug, Default)]
struct Sockets {
    v4: Option<Endpoint>,
    v6: Option<Endpoint>,
}

fn unspecified(v6: bool) -> SocketAddr {
    if v6 {
        (Ipv6Addr::UNSPECIFIED, 0).into()
    } else {
        (Ipv4Addr::UNSPECIFIED, 0).into()
    }
}

impl Connector {
    /// `keys` are this device's; its signing key is what the relay will know it by.
    pub fn new(keys: &DeviceKeys, settings: Settings) -> Self {
        Self(Arc::new(Inner {
            identity: Identity::new(keys),
            settings,
            tokens: Arc::default(),
            sockets: Mutex::default(),
            orders: watch::Sender::default(),
            udp_blocked: AtomicBool::new(false),
        }))
    }

    /// Connects and opens the session's stream: over QUIC or, where nothing comes through, over TCP. Several addresses
    /// of one name are tried beside each other.
    pub async fn connect(&self, address: &RelayAddress, presence: Presence) -> Result<Link, ConnectError> {
        let link = tokio::time::timeout(self.0.settings.connect_timeout, self.race(address, presence))
            .await
            .unwrap_or(Err(ConnectError::Timeout))?;
        let by_tcp = link.carrier() == Carrier::Tcp;
        self.0.udp_blocked.store(by_tcp, Ordering::Relaxed);
        Ok(link)
    }

    async fn race(&self, address: &RelayAddress, presence: Presence) -> Result<Link, ConnectError> {
        let found = tokio::net::lookup_host((address.host(), address.port()))
            .await
            .map_err(|_| ConnectError::Unreachable)?;
        let blocked = self.0.udp_blocked.load(Ordering::Relaxed);
        let head_start = if blocked { Duration::ZERO } else { QUIC_HEAD_START };
        let mut attempts = JoinSet::new();
        for (place, target) in (0..).zip(found.take(ADDRESSES_TRIED_MAX)) {
            for carrier in [Carrier::Quic, Carrier::Tcp] {
                let (connector, address) = (self.clone(), address.clone());
                attempts.spawn(async move {
                    tokio::time::sleep(ADDRESS_HEAD_START * place).await;
                    match carrier {
                        Carrier::Quic => connector.attempt(&address, target, presence).await,
                        Carrier::Tcp => {
                            tokio::time::sleep(head_start).await;
                            connector.attempt_tcp(&address, target, presence).await
                        }
                    }
                });
            }
        }
        let mut worst = ConnectError::Unreachable;
        while let Some(done) = attempts.join_next().await {
            match done {
                Ok(Ok(link)) => return Ok(link),
                // More attempts would be answered no better.
                Ok(Err(ConnectError::WrongRelayKey)) => return Err(ConnectError::WrongRelayKey),
                Ok(Err(error)) if error.weight() > worst.weight() => worst = error,
                // A weaker reason than one seen before, or a task that the runtime ended.
                Ok(Err(_)) | Err(_) => {}
            }
        }
        Err(worst)
    }

    async fn attempt_tcp(
        &self,
        address: &RelayAddress,
        target: SocketAddr,
        presence: Presence,
    ) -> Result<Link, ConnectError> {
        let settings = &self.0.settings;
        let orders = self.0.orders.subscribe();
        // Nobody listens, or no way there: QUIC's answer says more.
        let stream = TcpStream::connect(target)
            .await
            .map_err(|_| ConnectError::Unreachable)?;
        let keep_alive = (presence == Presence::Foreground).then_some(settings.keep_alive);
        door::settle(&stream, keep_alive, settings.idle_timeout);
        let (tls, pin) = tls::client(&self.0.identity, address.key());
        let name =
            ServerName::try_from(server_name(address)).expect("sixteen digits and a suffix are a name");
        let stream = TlsConnector::from(Arc::new(tls)).connect(name, stream).await;
        let stream = stream.map_err(|error| match door::fault(&error) {
            _ if pin.other_shown() => ConnectError::WrongRelayKey,
            Fault::Version => ConnectError::Version,
            Fault::Key | Fault::Rules => ConnectError::NotARelay,
            Fault::Gone => ConnectError::Unreachable,
        })?;
        let session = stream.get_ref().1;
        if session.alpn_protocol() != Some(ALPN) {
            return Err(ConnectError::Version);
        }
        let peer = door::proven(session.peer_certificates()).ok_or(ConnectError::NotARelay)?;
        Ok(Link::tcp(stream.into(), target, peer, orders))
    }

    async fn attempt(
        &self,
        address: &RelayAddress,
        target: SocketAddr,
        presence: Presence,
    ) -> Result<Link, ConnectError> {
        let endpoint = self
            .endpoint(target.is_ipv6())
            .map_err(|_| ConnectError::Unreachable)?;
        let (tls, pin) = tls::client(&self.0.identity, address.key());
        let crypto = QuicClientConfig::try_from(tls).expect("AES-128-GCM is among the suites, as QUIC asks");
        let settings = &self.0.settings;
        let keep_alive = (presence == Presence::Foreground).then_some(settings.keep_alive);
        let transport = transport::phone(settings.idle_timeout, settings.congestion_floor_bytes, keep_alive);
        let mut config = quinn::ClientConfig::new(Arc::new(crypto));
        config
            .transport_config(Arc::new(transport))
            .token_store(self.0.tokens.clone());
        let connecting = endpoint
            .connect_with(config, target, &server_name(address))
            .map_err(|_| ConnectError::Unreachable)?;
        let explain = |error| {
            if pin.other_shown() {
                ConnectError::WrongRelayKey
            } else {
                ConnectError::new(error)
            }
        };
        let connection = connecting.await.map_err(explain)?;
        let peer = peer_key(&connection).ok_or(ConnectError::NotARelay)?;
        let (send, recv) = connection.open_bi().await.map_err(explain)?;
        Ok(Link::quic(connection, peer, send, recv))
    }

    fn endpoint(&self, v6: bool) -> std::io::Result<Endpoint> {
        let mut sockets = self.0.sockets.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = if v6 { &mut sockets.v6 } else { &mut sockets.v4 };
        if let Some(endpoint) = slot {
            return Ok(endpoint.clone());
        }
        let socket = UdpSocket::bind(unspecified(v6))?;
        let runtime = Arc::new(quinn::TokioRuntime);
        let endpoint = Endpoint::new(EndpointConfig::default(), None, socket, runtime)?;
        Ok(slot.insert(endpoint).clone())
    }

    /// The phone is on another network: open links over QUIC go on from a new socket without a new handshake, those over
    /// TCP end with [`LinkError::Idle`](crate::LinkError::Idle) and have to be made anew. Call it when the
    /// operating system reports a change; must be called inside the tokio runtime. An address family that the new
    /// network lacks keeps its old socket.
    pub fn rebind(&self) -> Result<(), ConnectError> {
        self.0.udp_blocked.store(false, Ordering::Relaxed);
        self.0.orders.send_replace(Order::Lost);
        let sockets = self.0.sockets.lock().unwrap_or_else(PoisonError::into_inner);
        let families = [(&sockets.v4, false), (&sockets.v6, true)];
        let rebound = families.map(|(endpoint, v6)| {
            let endpoint = endpoint.as_ref()?;
            let socket = UdpSocket::bind(unspecified(v6)).and_then(|socket| endpoint.rebind(socket));
            Some(socket.is_ok())
        });
        if rebound.contains(&Some(true)) || rebound == [None, None] {
            Ok(())
        } else {
            Err(ConnectError::Unreachable)
        }
    }

    /// Closes every open link and waits at most [`SHUTDOWN_MAX`] until the relays have been told.
    pub async fn shutdown(&self) {
        let endpoints = {
            let mut sockets = self.0.sockets.lock().unwrap_or_else(PoisonError::into_inner);
            [sockets.v4.take(), sockets.v6.take()]
        };
        self.0.orders.send_replace(Order::Close(Close::DONE));
        // A time-out only means that a relay will find out by its idle time-out.
        let _ = tokio::time::timeout(SHUTDOWN_MAX, self.0.orders.closed()).await;
        for endpoint in endpoints.into_iter().flatten() {
            endpoint.close(Close::DONE.error_code(), &Close::DONE.phrase());
            let _ = tokio::time::timeout(SHUTDOWN_MAX, endpoint.wait_idle()).await;
        }
    }
}

/// The key the relay proved, from its raw public key.
fn peer_key(connection: &quinn::Connection) -> Option<SignKey> {
    let identity = connection.peer_identity()?;
    door::proven(Some(
        identity.downcast_ref::<Vec<rustls::pki_types::CertificateDer<'static>>>()?,
    ))
}

/// Names are not checked; it keeps the address tokens of different relays apart.
fn server_name(address: &RelayAddress) -> String {
    format!("{}.relay.invalid", address.key().device_id())
}
