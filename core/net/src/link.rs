//! One conversation: frames in both directions on one stream, and a close that says why.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use quinn::{Connection, ConnectionError, ReadError, RecvStream, SendStream, WriteError};
use sotay_feed::SignKey;
use sotay_feed::limits::FRAME_BYTES_MAX;

use crate::close::Close;
use crate::frame::{Assembler, FrameFault, prefix};

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

impl From<ConnectionError> for LinkError {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::ApplicationClosed(close) => {
                Close::read(close.error_code, &close.reason).map_or(LinkError::Dropped, LinkError::Closed)
            }
            ConnectionError::TimedOut => LinkError::Idle,
            ConnectionError::Reset => LinkError::Reset,
            ConnectionError::LocallyClosed => LinkError::Local,
            ConnectionError::VersionMismatch
            | ConnectionError::TransportError(_)
            | ConnectionError::ConnectionClosed(_)
            | ConnectionError::CidsExhausted => LinkError::Aborted,
        }
    }
}

/// Both directions of one conversation with a proven peer.
#[derive(Debug)]
pub struct Link {
    send: LinkSend,
    recv: LinkRecv,
    peer: SignKey,
}

impl Link {
    pub(crate) fn new(connection: Connection, peer: SignKey, send: SendStream, recv: RecvStream) -> Self {
        Self {
            send: LinkSend {
                connection: connection.clone(),
                stream: send,
            },
            recv: LinkRecv {
                connection,
                stream: recv,
                assembler: Assembler::default(),
                failed: None,
            },
            peer,
        }
    }

    /// The key the other side proved to own.
    pub fn peer(&self) -> SignKey {
        self.peer
    }

    /// Where the other side is now; it changes when a phone changes networks. Not for logs at INFO or above.
    pub fn remote_address(&self) -> SocketAddr {
        self.send.connection.remote_address()
    }

    /// Measured round trip.
    pub fn round_trip(&self) -> Duration {
        self.send.connection.rtt()
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
    pub async fn close(self, close: Close) {
        self.send.close(close).await;
    }

    /// One half for each of two tasks. The connection lives until both are dropped or one closes it.
    pub fn split(self) -> (LinkSend, LinkRecv) {
        (self.send, self.recv)
    }
}

/// The sending half of a [`Link`].
#[derive(Debug)]
pub struct LinkSend {
    connection: Connection,
    stream: SendStream,
}

impl LinkSend {
    /// Sends one frame; returns when the transport has taken it, which is before the other side has it. The bytes are
    /// shared, not copied. Not cancel-safe: a dropped future may leave half a frame, so drop the link with it.
    pub async fn send(&mut self, frame: Arc<[u8]>) -> Result<(), LinkError> {
        let prefix = prefix(&frame).ok_or(LinkError::Unsendable { len: frame.len() })?;
        let mut chunks = [Bytes::copy_from_slice(&prefix), Bytes::from_owner(frame)];
        match self.stream.write_all_chunks(&mut chunks).await {
            Ok(()) => Ok(()),
            Err(WriteError::ConnectionLost(error)) => Err(error.into()),
            // The other side stopped reading: its reason comes with the close of the connection.
            Err(WriteError::Stopped(_)) => Err(ended(&self.connection).await),
            Err(WriteError::ClosedStream | WriteError::ZeroRttRejected) => Err(LinkError::Local),
        }
    }

    /// Ends the session: waits until the other side has every frame sent before (at most [`CLOSE_LINGER`]), then
    /// closes the connection with the reason. Frames not yet received are discarded.
    pub async fn close(mut self, close: Close) {
        if self.stream.finish().is_ok() {
            // An error means that the connection is gone already, a time-out that the other side does not listen.
            let _ = tokio::time::timeout(CLOSE_LINGER, self.stream.stopped()).await;
        }
        self.connection.close(close.error_code(), &close.phrase());
    }

    /// Closes the connection at once; frames on their way may be lost.
    pub fn abort(&self, close: Close) {
        self.connection.close(close.error_code(), &close.phrase());
    }
}

/// The receiving half of a [`Link`].
#[derive(Debug)]
pub struct LinkRecv {
    connection: Connection,
    stream: RecvStream,
    assembler: Assembler,
    failed: Option<FrameFault>,
}

impl LinkRecv {
    /// The next frame; `None` when the other side has sent its last one and closed with [`Close::DONE`]. Cancel-safe.
    pub async fn recv(&mut self) -> Result<Option<Bytes>, LinkError> {
        if let Some(fault) = self.failed {
            return Err(fault.into());
        }
        loop {
            match self.assembler.next_frame() {
                Ok(Some(frame)) => return Ok(Some(frame)),
                Ok(None) => {}
                Err(fault) => return Err(self.fail(fault)),
            }
            match self.stream.read_chunk(CHUNK_BYTES, true).await {
                Ok(Some(chunk)) => self.assembler.push(chunk.bytes),
                Ok(None) => {
                    if let Err(fault) = self.assembler.finish() {
                        return Err(self.fail(fault));
                    }
                    return match ended(&self.connection).await {
                        LinkError::Closed(Close::DONE) => Ok(None),
                        other => Err(other),
                    };
                }
                Err(ReadError::ConnectionLost(error)) => {
                    return match LinkError::from(error) {
                        LinkError::Closed(Close::DONE) if self.assembler.finish().is_ok() => Ok(None),
                        other => Err(other),
                    };
                }
                Err(ReadError::Reset(_)) => return Err(ended(&self.connection).await),
                Err(ReadError::ClosedStream | ReadError::IllegalOrderedRead | ReadError::ZeroRttRejected) => {
                    return Err(LinkError::Local);
                }
            }
        }
    }

    fn fail(&mut self, fault: FrameFault) -> LinkError {
        self.failed = Some(fault);
        self.connection
            .close(Close::new(fault.code(), None).error_code(), b"");
        fault.into()
    }
}

/// The stream is over; the reason follows as the close of the connection, unless the other side forgets it.
async fn ended(connection: &Connection) -> LinkError {
    match tokio::time::timeout(CLOSE_LINGER, connection.closed()).await {
        Ok(error) => error.into(),
        Err(_) => LinkError::Aborted,
    }
}
