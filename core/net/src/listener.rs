//! The accepting end: a relay, or the phone that hosts a room.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use quinn::{ConnectionError, Endpoint, EndpointConfig, TransportErrorCode};
use quinn_proto::HashedConnectionIdGenerator;
use ring::{hkdf, hmac};
use sotay_feed::{DeviceKeys, SignKey};

use crate::close::Close;
use crate::door::{self, Door};
use crate::handshake::{QUIC_VERSION, Tls};
use crate::link::{Link, Order};
use crate::tls::{self, Identity};
use crate::transport;

/// Handshakes in flight above which an unproven source address must first prove itself (one more round trip).
pub const HANDSHAKES_RETRY_ABOVE: usize = 1_000;
/// Handshakes in flight above which a new one is refused.
pub const HANDSHAKES_REFUSE_ABOVE: usize = 5_000;
/// Time for a handshake and for opening the session's stream.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(15);
/// Handshakes waiting to be looked at.
pub const INCOMING_MAX: usize = 4096;
/// Bytes buffered for one handshake that waits to be looked at.
pub const INCOMING_BUFFER_BYTES: u64 = 64 * 1024;
/// Bytes buffered for all of them.
pub const INCOMING_BUFFER_TOTAL_BYTES: u64 = 32 * 1024 * 1024;
/// How long the address token of a retry is good.
pub const RETRY_TOKEN_LIFETIME: Duration = Duration::from_secs(15);
/// Socket buffers asked of the operating system, which may give less: a burst of a whole district fits.
pub const SOCKET_BUFFER_BYTES: usize = 4 * 1024 * 1024;
/// How long a shutdown waits for the last packets.
pub const SHUTDOWN_MAX: Duration = Duration::from_secs(3);

/// What an operator or a test may want otherwise. Units in the names of the defaults.
#[derive(Debug, Clone)]
pub struct Limits {
    /// See [`transport::IDLE_TIMEOUT`].
    pub idle_timeout: Duration,
    /// See [`HANDSHAKE_TIMEOUT`].
    pub handshake_timeout: Duration,
    /// See [`HANDSHAKES_RETRY_ABOVE`].
    pub retry_above: usize,
    /// See [`HANDSHAKES_REFUSE_ABOVE`].
    pub refuse_above: usize,
    /// See [`transport::CONGESTION_FLOOR_BYTES`].
    pub congestion_floor_bytes: u64,
    /// Bytes buffered of a connection until [`crate::LinkRecv::widen`] is called for it; by default as many as afterwards.
    pub first_window_bytes: u32,
    /// Whether the TCP port of the same number is listened on too, for phones behind networks that block UDP.
    pub tcp: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            idle_timeout: transport::IDLE_TIMEOUT,
            handshake_timeout: HANDSHAKE_TIMEOUT,
            retry_above: HANDSHAKES_RETRY_ABOVE,
            refuse_above: HANDSHAKES_REFUSE_ABOVE,
            congestion_floor_bytes: transport::CONGESTION_FLOOR_BYTES,
            first_window_bytes: transport::RELAY_RECEIVE_WINDOW_BYTES,
            tcp: true,
        }
    }
}

/// Why the port cannot be listened on. The environment's fault.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another program has the port.
    #[error("another program is using the port")]
    InUse,
    /// The port is reserved for the administrator, or forbidden.
    #[error("not allowed to use the port")]
    Denied,
    /// The address is not one of this machine.
    #[error("the address does not belong to this machine")]
    NotHere,
    /// Anything else the operating system reports.
    #[error("cannot listen: {0}")]
    Io(std::io::Error),
}

impl From<std::io::Error> for BindError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::AddrInUse => BindError::InUse,
            std::io::ErrorKind::PermissionDenied => BindError::Denied,
            std::io::ErrorKind::AddrNotAvailable => BindError::NotHere,
            _ => BindError::Io(error),
        }
    }
}

/// Why a handshake did not become a link. The other side's or the network's fault; nothing needs doing here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// Not finished, or no stream opened, within the time.
    #[error("the handshake took too long")]
    Timeout,
    /// The other side speaks another version of the protocol.
    #[error("the other side speaks another version")]
    Version,
    /// The other side proved no usable key.
    #[error("the other side proved no usable key")]
    Key,
    /// The other side went away or broke the transport's rules.
    #[error("the handshake was aborted")]
    Aborted,
}

/// Handshakes turned away before any work was done for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Turned {
    /// Had to prove their address first.
    pub retried: u64,
    /// Were refused.
    pub refused: u64,
}

/// What to do with a new handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Admission {
    Accept,
    Retry,
    Refuse,
}

fn admission(in_flight: usize, validated: bool, draining: bool, limits: &Limits) -> Admission {
    if draining || in_flight >= limits.refuse_above {
        Admission::Refuse
    } else if in_flight >= limits.retry_above && !validated {
        Admission::Retry
    } else {
        Admission::Accept
    }
}

/// A bound port that accepts links: over UDP and, unless told otherwise, over TCP.
#[derive(Debug)]
pub struct Listener {
    endpoint: Endpoint,
    door: Option<Door>,
    limits: Limits,
    in_flight: Arc<AtomicUsize>,
    draining: AtomicBool,
    retried: AtomicUsize,
    refused: AtomicUsize,
}

impl Listener {
    /// Listens with `keys` as identity. Must be called inside a tokio runtime.
    pub fn bind(address: SocketAddr, keys: &DeviceKeys, limits: Limits) -> Result<Self, BindError> {
        let identity = Identity::new(keys);
        let (socket, tcp) = door::sockets(address, limits.tcp)?;
        let runtime = Arc::new(quinn::TokioRuntime);
        let endpoint = Endpoint::new(
            endpoint_config(keys),
            Some(server_config(keys, &identity, &limits)),
            socket,
            runtime,
        )?;
        let door = tcp
            .map(|socket| Door::open(socket, &identity, limits.idle_timeout))
            .transpose()?;
        Ok(Self {
            endpoint,
            door,
            limits,
            in_flight: Arc::default(),
            draining: AtomicBool::new(false),
            retried: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
        })
    }

    /// The address bound, with the port the system chose if 0 was asked.
    pub fn local_address(&self) -> Result<SocketAddr, BindError> {
        Ok(self.endpoint.local_addr()?)
    }

    /// The next handshake worth doing; `None` after [`Self::shutdown`]. Finish each in a task of its own. Cancel-safe.
    pub async fn accept(&self) -> Option<Handshake> {
        loop {
            let entry = tokio::select! {
                incoming = self.endpoint.accept() => Entry::Quic(Box::new(incoming?)),
                entrant = door::next(self.door.as_ref()) => Entry::Tcp(Box::new(entrant)),
            };
            let validated = match &entry {
                Entry::Quic(incoming) => incoming.remote_address_validated() || !incoming.may_retry(),
                // The operating system has seen an answer from the address.
                Entry::Tcp(_) => true,
            };
            let draining = self.draining.load(Ordering::Relaxed);
            match admission(
                self.in_flight.load(Ordering::Relaxed),
                validated,
                draining,
                &self.limits,
            ) {
                Admission::Accept => {
                    return Some(Handshake {
                        entry,
                        timeout: self.limits.handshake_timeout,
                        _in_flight: InFlight::enter(&self.in_flight),
                    });
                }
                Admission::Retry => {
                    self.retried.fetch_add(1, Ordering::Relaxed);
                    if let Entry::Quic(incoming) = entry {
                        // `may_retry` was asked; an error would drop the handshake, which refuses it.
                        let _ = incoming.retry();
                    }
                }
                Admission::Refuse => {
                    self.refused.fetch_add(1, Ordering::Relaxed);
                    if let Entry::Quic(incoming) = entry {
                        incoming.refuse();
                    }
                }
            }
        }
    }

    /// From now on every new handshake is refused; open links go on.
    pub fn refuse_new(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Handshakes turned away so far.
    pub fn turned(&self) -> Turned {
        Turned {
            retried: self.retried.load(Ordering::Relaxed) as u64,
            refused: self.refused.load(Ordering::Relaxed) as u64,
        }
    }

    /// Handshakes being done now.
    pub fn handshakes_in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Closes every link with `close`, then waits at most [`SHUTDOWN_MAX`] until the last packets are out.
    pub async fn shutdown(&self, close: Close) {
        self.endpoint.close(close.error_code(), &close.phrase());
        let all_gone = async {
            tokio::join!(self.endpoint.wait_idle(), async {
                if let Some(door) = &self.door {
                    door.end(Order::Close(close)).await;
                }
            })
        };
        // A time-out only means that some phone will find out by its idle time-out.
        let _ = tokio::time::timeout(SHUTDOWN_MAX, all_gone).await;
    }
}

/// A secret of this relay for one purpose, the same after every restart.
fn derived(keys: &DeviceKeys, context: &str) -> [u8; 32] {
    blake3::derive_key(context, &*keys.sign_seed())
}

/// Reset tokens and connection ids outlive a restart, so that phones of the previous process are told at once that it
/// is gone instead of waiting for their idle time-out.
fn endpoint_config(keys: &DeviceKeys) -> EndpointConfig {
    let reset = hmac::Key::new(hmac::HMAC_SHA256, &derived(keys, "sotay/v1/quic-reset"));
    let mut config = EndpointConfig::new(Arc::new(reset));
    let mut cid_key = [0; 8];
    cid_key.copy_from_slice(&derived(keys, "sotay/v1/quic-connection-id")[..8]);
    let cid_key = u64::from_be_bytes(cid_key);
    config.supported_versions(vec![QUIC_VERSION]);
    config.cid_generator(move || Box::new(HashedConnectionIdGenerator::from_key(cid_key)));
    config
}

fn server_config(keys: &DeviceKeys, identity: &Identity, limits: &Limits) -> quinn::ServerConfig {
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(Tls::new(tls::server(identity))));
    let token_salt = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]);
    let token_key = token_salt.extract(&derived(keys, "sotay/v1/quic-token"));
    config
        .transport_config(Arc::new(transport::relay(
            limits.idle_timeout,
            limits.congestion_floor_bytes,
            limits.first_window_bytes,
        )))
        .token_key(Arc::new(token_key))
        .retry_token_lifetime(RETRY_TOKEN_LIFETIME)
        .migration(true)
        .max_incoming(INCOMING_MAX)
        .incoming_buffer_size(INCOMING_BUFFER_BYTES)
        .incoming_buffer_size_total(INCOMING_BUFFER_TOTAL_BYTES);
    config
}

/// Counts one handshake as long as it lives.
#[derive(Debug)]
struct InFlight(Arc<AtomicUsize>);

impl InFlight {
    fn enter(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Who knocked, and how.
#[derive(Debug)]
enum Entry {
    Quic(Box<quinn::Incoming>),
    Tcp(Box<door::Entrant>),
}

/// A handshake that was let in.
#[derive(Debug)]
pub struct Handshake {
    entry: Entry,
    timeout: Duration,
    _in_flight: InFlight,
}

impl Handshake {
    /// Does the handshake and, over QUIC, waits for the phone to open its stream.
    pub async fn establish(self) -> Result<Link, HandshakeError> {
        let Self {
            entry,
            timeout,
            _in_flight,
        } = self;
        let established = async {
            match entry {
                Entry::Quic(incoming) => establish(*incoming).await,
                Entry::Tcp(entrant) => entrant.establish().await,
            }
        };
        tokio::time::timeout(timeout, established)
            .await
            .unwrap_or(Err(HandshakeError::Timeout))
    }
}

async fn establish(incoming: quinn::Incoming) -> Result<Link, HandshakeError> {
    let connection = incoming.accept()?.await?;
    let proven = connection
        .peer_identity()
        .and_then(|key| key.downcast::<SignKey>().ok());
    let peer = *proven.ok_or(HandshakeError::Key)?;
    let (send, recv) = connection.accept_bi().await?;
    Ok(Link::quic(connection, peer, send, recv))
}

/// TLS alert `no_application_protocol` (RFC 7301 §3.2).
const ALERT_NO_APPLICATION_PROTOCOL: u8 = 120;

/// Whether a handshake failed because the two sides speak different versions.
pub(crate) fn is_version(error: &ConnectionError) -> bool {
    let alert = TransportErrorCode::crypto(ALERT_NO_APPLICATION_PROTOCOL);
    match error {
        ConnectionError::VersionMismatch => true,
        ConnectionError::TransportError(error) => error.code == alert,
        ConnectionError::ConnectionClosed(close) => close.error_code == alert,
        _ => false,
    }
}

/// Codes of TLS alerts: 0x100 and the alert's number (RFC 9001 §4.8).
const TLS_ALERTS: std::ops::RangeInclusive<u64> = 0x100..=0x1ff;

impl From<ConnectionError> for HandshakeError {
    fn from(error: ConnectionError) -> Self {
        match &error {
            _ if is_version(&error) => HandshakeError::Version,
            ConnectionError::TimedOut => HandshakeError::Timeout,
            ConnectionError::TransportError(error) if TLS_ALERTS.contains(&u64::from(error.code)) => {
                HandshakeError::Key
            }
            _ => HandshakeError::Aborted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_must_first_prove_its_addresses_and_is_then_refused() {
        let limits = Limits {
            retry_above: 2,
            refuse_above: 4,
            ..Limits::default()
        };
        let ask = |in_flight, validated| admission(in_flight, validated, false, &limits);
        assert_eq!(ask(1, false), Admission::Accept);
        assert_eq!(ask(2, false), Admission::Retry);
        assert_eq!(ask(2, true), Admission::Accept);
        assert_eq!(ask(3, true), Admission::Accept);
        assert_eq!(ask(4, true), Admission::Refuse);
        assert_eq!(admission(0, true, true, &limits), Admission::Refuse);
    }

    #[test]
    fn secrets_for_different_purposes_differ_and_outlive_a_restart() {
        let keys = || DeviceKeys::from_seeds([1; 32], [2; 32]);
        assert_eq!(
            derived(&keys(), "sotay/v1/quic-reset"),
            derived(&keys(), "sotay/v1/quic-reset")
        );
        assert_ne!(
            derived(&keys(), "sotay/v1/quic-reset"),
            derived(&keys(), "sotay/v1/quic-token")
        );
    }
}
