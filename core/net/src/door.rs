//! The TCP side of the accepting end, and what both ends of a TCP connection share (P12.7).

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener as StdListener, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use sotay_feed::SignKey;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::link::{Link, Order};
use crate::listener::{HandshakeError, SOCKET_BUFFER_BYTES};
use crate::tls::{self, ALPN, Identity};

/// Connections that wait to be looked at; the system may allow fewer.
pub const BACKLOG: i32 = 4096;
/// Times that a pair of free ports is looked for when the system may choose.
const PORTS_TRIED_MAX: usize = 16;
/// Pause after the system refused to hand over a connection: it lacks descriptors or memory.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// A bound TCP port.
#[derive(Debug)]
pub(crate) struct Door {
    listener: TcpListener,
    config: Arc<rustls::ServerConfig>,
    idle_timeout: Duration,
    orders: watch::Sender<Order>,
}

/// Somebody who connected and has proven nothing.
pub(crate) struct Entrant {
    stream: TcpStream,
    remote: SocketAddr,
    config: Arc<rustls::ServerConfig>,
    idle_timeout: Duration,
    orders: watch::Receiver<Order>,
}

impl std::fmt::Debug for Entrant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entrant(…)")
    }
}

/// A UDP socket and, if wanted, a TCP one with the same port number.
pub(crate) fn sockets(address: SocketAddr, tcp: bool) -> std::io::Result<(UdpSocket, Option<StdListener>)> {
    let mut tried = 0;
    loop {
        tried += 1;
        let udp = udp(address)?;
        if !tcp {
            return Ok((udp, None));
        }
        match self::tcp(udp.local_addr()?) {
            Ok(tcp) => return Ok((udp, Some(tcp))),
            // Another program has this one; the system chooses another.
            Err(error)
                if error.kind() == ErrorKind::AddrInUse && address.port() == 0 && tried < PORTS_TRIED_MAX => {
            }
            Err(error) => return Err(error),
        }
    }
}

fn socket(address: SocketAddr, kind: Type, protocol: Protocol) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        // "[::]" means every address; systems differ in what they do by themselves.
        socket.set_only_v6(false)?;
    }
    Ok(socket)
}

fn udp(address: SocketAddr) -> std::io::Result<UdpSocket> {
    let socket = socket(address, Type::DGRAM, Protocol::UDP)?;
    // The system may give less or nothing; then bursts are smaller.
    let _ = socket.set_recv_buffer_size(SOCKET_BUFFER_BYTES);
    let _ = socket.set_send_buffer_size(SOCKET_BUFFER_BYTES);
    socket.bind(&address.into())?;
    Ok(socket.into())
}

fn tcp(address: SocketAddr) -> std::io::Result<StdListener> {
    let socket = socket(address, Type::STREAM, Protocol::TCP)?;
    // Connections of the previous process, which linger in the system, do not keep the port.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

impl Door {
    /// Must be called inside a tokio runtime.
    pub fn open(socket: StdListener, identity: &Identity, idle_timeout: Duration) -> std::io::Result<Self> {
        Ok(Self {
            listener: TcpListener::from_std(socket)?,
            config: Arc::new(tls::server(identity)),
            idle_timeout,
            orders: watch::Sender::default(),
        })
    }

    /// Tells every connection, and waits until all are gone.
    pub async fn end(&self, order: Order) {
        self.orders.send_replace(order);
        self.orders.closed().await;
    }

    async fn next(&self) -> Entrant {
        loop {
            match self.listener.accept().await {
                Ok((stream, remote)) => {
                    return Entrant {
                        stream,
                        remote,
                        config: self.config.clone(),
                        idle_timeout: self.idle_timeout,
                        orders: self.orders.subscribe(),
                    };
                }
                // One that was given up before it was handed over.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(_) => tokio::time::sleep(EXHAUSTED_PAUSE).await,
            }
        }
    }
}

/// Never, where TCP is not listened on.
pub(crate) async fn next(door: Option<&Door>) -> Entrant {
    match door {
        Some(door) => door.next().await,
        None => std::future::pending().await,
    }
}

impl Entrant {
    pub async fn establish(self) -> Result<Link, HandshakeError> {
        // Probes begin only when the phone has been silent for so long, as QUIC gives up then.
        settle(&self.stream, Some(self.idle_timeout), self.idle_timeout);
        let stream = TlsAcceptor::from(self.config).accept(self.stream).await;
        let stream = stream.map_err(|error| HandshakeError::from(fault(&error)))?;
        let session = stream.get_ref().1;
        if session.alpn_protocol() != Some(ALPN) {
            return Err(HandshakeError::Version);
        }
        let peer = proven(session.peer_certificates()).ok_or(HandshakeError::Key)?;
        Ok(Link::tcp(stream.into(), self.remote, peer, self.orders))
    }
}

/// The key that the other side proved.
pub(crate) fn proven(shown: Option<&[rustls::pki_types::CertificateDer<'static>]>) -> Option<SignKey> {
    tls::key_of(shown?.first()?)
}

/// Small frames leave at once; a peer that is gone is found out by the operating system.
pub(crate) fn settle(stream: &TcpStream, probe_every: Option<Duration>, give_up_after: Duration) {
    // A system that refuses one of these is slower to notice, no more.
    let _ = stream.set_nodelay(true);
    let socket = SockRef::from(stream);
    if let Some(every) = probe_every {
        let _ = socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(every).with_interval(every));
    }
    #[cfg(any(target_os = "android", target_os = "linux"))]
    let _ = socket.set_tcp_user_timeout(Some(give_up_after));
    #[cfg(not(any(target_os = "android", target_os = "linux")))]
    let _ = give_up_after;
}

/// Why a TLS handshake over TCP failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No common version of the protocol.
    Version,
    /// What was shown is no usable key, or was not proven.
    Key,
    /// No TLS, or other rules broken.
    Rules,
    /// The connection ended.
    Gone,
}

/// What an error of the TLS stream means.
pub(crate) fn fault(error: &std::io::Error) -> Fault {
    use rustls::{AlertDescription, Error};
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match inner {
        Some(Error::NoApplicationProtocol)
        | Some(Error::AlertReceived(AlertDescription::NoApplicationProtocol)) => Fault::Version,
        Some(Error::InvalidCertificate(_) | Error::NoCertificatesPresented) => Fault::Key,
        Some(Error::PeerIncompatible(_)) => Fault::Key,
        Some(_) => Fault::Rules,
        None => Fault::Gone,
    }
}

impl From<Fault> for HandshakeError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Version => HandshakeError::Version,
            Fault::Key => HandshakeError::Key,
            Fault::Rules | Fault::Gone => HandshakeError::Aborted,
        }
    }
}
