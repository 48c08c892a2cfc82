//! One conversation: frames in both directions on one stream, and a close that says why.

mod quic;
mod tcp;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use quinn::{Connection, RecvStream, SendStream};
use sotay_feed::SignKey;
use sotay_feed::limits::FRAME_BYTES_MAX;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsStream;

use self::quic::{QuicRecv, QuicSend};
pub(crate) use self::tcp::Order;
use self::tcp::{TcpRecv, TcpSend};
use crate::close::Close;
use crate::frame::FrameFault;

/// Bytes taken from the stream at a time.
const CHUNK_BYTES: usize = 64 * 1024;
/// How long a clean close waits for the other side to have everything.
pub const CLOSE_LINGER: Duration = Duration::from_secs(5);

/// Why a link gives no more frames or takes none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The other side ended the session and said why.
    #[error("the other side ended the session with code {}", .0.code)]
    Closed(Close),
    /// The other side's program dropped the connection without a reason.
    #[error("the other side dropped the connection")]
    Dropped,
    /// The other side broke the framing; the session was closed with the reason of [`FrameFault::code`].
    #[error("the other side broke the framing: {0}")]
    Fault(#[from] FrameFault),
    /// A frame to send is empty or over [`FRAME_BYTES_MAX`]: our own mistake. The link is unharmed.
    #[error("a frame of {len} bytes cannot be sent: 1 to {FRAME_BYTES_MAX} bytes are allowed")]
    Unsendable {
        /// Its length.
        len: usize,
    },
    /// Nothing was heard for the idle time-out: no network, or the other side is gone.
    #[error("nothing was heard from the other side")]
    Idle,
    /// The other side no longer knows this connection: it was restarted.
    #[error("the other side was restarted")]
    Reset,
    /// This side closed it.
    #[error("the session was closed here")]
    Local,
    /// The transport was aborted or misused by the other side.
    #[error("the connection was aborted")]
    Aborted,
}

/// Both directions of one conversation with a proven peer.
#[derive(Debug)]
pub struct Link {
    send: LinkSend,
    recv: LinkRecv,
    peer: SignKey,
}

impl Link {
    pub(crate) fn quic(connection: Connection, peer: SignKey, send: SendStream, recv: RecvStream) -> Self {
        let send = QuicSend {
            connection: connection.clone(),
            stream: send,
        };
        Self {
            send: LinkSend(Sending::Quic(send)),
            recv: LinkRecv(Receiving::Quic(Box::new(QuicRecv::new(connection, recv)))),
            peer,
        }
    }

    pub(crate) fn tcp(
        stream: TlsStream<TcpStream>,
        remote: SocketAddr,
        peer: SignKey,
        orders: watch::Receiver<Order>,
    ) -> Self {
        let (send, recv) = tcp::halves(stream, remote, orders);
        Self {
            send: LinkSend(Sending::Tcp(Box::new(send))),
            recv: LinkRecv(Receiving::Tcp(Box::new(recv))),
            peer,
        }
    }

    /// The key the other side proved to own.
    pub fn peer(&self) -> SignKey {
        self.peer
    }

    /// What carries it.
    pub fn carrier(&self) -> Carrier {
        match &self.send.0 {
            Sending::Quic(_) => Carrier::Quic,
            Sending::Tcp(_) => Carrier::Tcp,
        }
    }

    /// Where the other side is now; over QUIC it changes when a phone changes networks. Not for logs at INFO or above.
    pub fn remote_address(&self) -> SocketAddr {
        match &self.send.0 {
            Sending::Quic(send) => send.connection.remote_address(),
            Sending::Tcp(send) => send.remote,
        }
    }

    /// See [`LinkSend::send`].
    pub async fn send(&mut self, frame: Arc<[u8]>) -> Result<(), LinkError> {
        self.send.send(frame).await
    }

    /// See [`LinkRecv::recv`].
    pub async fn recv(&mut self) -> Result<Option<Bytes>, LinkError> {
        self.recv.recv().await
    }

    /// See [`LinkSend::close`].
    pub async fn close(mut self, close: Close) {
        match &mut self.recv.0 {
            Receiving::Quic(_) => self.send.close(close).await,
            Receiving::Tcp(recv) => {
                tokio::join!(self.send.close(close), recv.drain());
            }
        }
    }

    /// One half for each of two tasks. The connection lives until both are dropped or one closes it.
    pub fn split(self) -> (LinkSend, LinkRecv) {
        (self.send, self.recv)
    }
}

/// What comes next on a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// A whole frame.
    Frame(Bytes),
    /// A part of a frame of so many bytes; the rest is under way. Told once for each frame that comes in parts.
    Begun(usize),
    /// The other side has ended the session well.
    End,
}

/// What carries a link. Both prove the same keys and carry the same frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Carrier {
    /// QUIC over UDP: the rule.
    Quic,
    /// TLS over TCP: where UDP does not come through. Slower after losses, and a change of networks ends it.
    Tcp,
}

#[derive(Debug)]
enum Sending {
    Quic(QuicSend),
    Tcp(Box<TcpSend>),
}

/// The sending half of a [`Link`].
#[derive(Debug)]
pub struct LinkSend(Sending);

impl LinkSend {
    /// Sends one frame; returns when the transport has taken it, which is before the other side has it. Over QUIC the
    /// bytes are shared, not copied. Not cancel-safe: a dropped future may leave half a frame, so drop the link with it.
    pub async fn send(&mut self, frame: Arc<[u8]>) -> Result<(), LinkError> {
        match &mut self.0 {
            Sending::Quic(send) => send.send(frame).await,
            Sending::Tcp(send) => Box::pin(send.send(frame)).await,
        }
    }

    /// Ends the session: waits until the other side has every frame sent before (at most [`CLOSE_LINGER`]), then
    /// closes the connection with the reason. Frames not yet received are discarded; over TCP the receiving half has to
    /// be read on meanwhile, or dropped.
    pub async fn close(self, close: Close) {
        match self.0 {
            Sending::Quic(send) => send.close(close).await,
            Sending::Tcp(send) => send.close(close).await,
        }
    }

    /// Closes the connection at once; frames on their way may be lost.
    pub fn abort(&self, close: Close) {
        match &self.0 {
            Sending::Quic(send) => send.abort(close),
            Sending::Tcp(send) => send.abort(close),
        }
    }
}

#[derive(Debug)]
enum Receiving {
    Quic(Box<QuicRecv>),
    Tcp(Box<TcpRecv>),
}

/// The receiving half of a [`Link`].
#[derive(Debug)]
pub struct LinkRecv(Receiving);

impl LinkRecv {
    /// The next frame; `None` when the other side has sent its last one and closed with [`Close::DONE`]. Cancel-safe.
    pub async fn recv(&mut self) -> Result<Option<Bytes>, LinkError> {
        loop {
            match self.next().await? {
                Next::Frame(frame) => return Ok(Some(frame)),
                Next::Begun(_) => {}
                Next::End => return Ok(None),
            }
        }
    }

    /// The same for who wants to know of a frame before all of it is here: it waits in memory, and may take its time.
    /// Cancel-safe, as [`LinkRecv::recv`] is.
    pub async fn next(&mut self) -> Result<Next, LinkError> {
        match &mut self.0 {
            Receiving::Quic(recv) => recv.next().await,
            // In a box: the many links over QUIC keep no room for what the few over TCP need.
            Receiving::Tcp(recv) => Box::pin(recv.next()).await,
        }
    }

    /// The other side is known: from now on as much of it is buffered as of any, see
    /// [`crate::Limits::first_window_bytes`]. Over TCP the operating system decides.
    pub fn widen(&self) {
        if let Receiving::Quic(recv) = &self.0 {
            recv.widen();
        }
    }
}
