//! A link over TLS on TCP, for networks that let no UDP through (P12.7).
//!
//! Frames are those of QUIC. What QUIC does below the stream is done here: the reason of a close is a goodbye on the
//! stream, and liveness is the operating system's affair (keep-alive probes, a limit for unacknowledged bytes).

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, watch};
use tokio_rustls::TlsStream;

use super::{CLOSE_LINGER, LinkError, Next};
use crate::close::{Close, GOODBYE_BYTES};
use crate::frame::{Assembler, FrameFault, GOODBYE_PREFIX, prefix};

/// Bytes kept ready for the next read of an idle connection.
const READ_BYTES: usize = 4 * 1024;
/// How long a goodbye to somebody who broke the rules, or at the end of the program, may take.
const LAST_WORD_MAX: Duration = Duration::from_secs(1);

/// What the owner of all connections of one side asks of each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Order {
    /// Go on.
    #[default]
    Stay,
    /// The network that it went through is gone.
    Lost,
    /// Say goodbye and end.
    Close(Close),
}

/// Both halves write: frames, and the reason when the receiving half finds a fault.
#[derive(Debug)]
struct Writer {
    stream: Mutex<WriteHalf<TlsStream<TcpStream>>>,
    said_goodbye: AtomicBool,
}

impl Writer {
    async fn goodbye(&self, close: Close) -> std::io::Result<()> {
        let mut stream = self.stream.lock().await;
        if self.said_goodbye.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let words = [GOODBYE_PREFIX.to_be_bytes().as_slice(), &close.goodbye()].concat();
        stream.write_all(&words).await?;
        stream.shutdown().await
    }
}

#[derive(Debug)]
pub(super) struct TcpSend {
    writer: Arc<Writer>,
    /// Whether the receiving half has seen the end of what the other side sends.
    over: watch::Receiver<bool>,
    pub remote: SocketAddr,
}

#[derive(Debug)]
pub(super) struct TcpRecv {
    stream: ReadHalf<TlsStream<TcpStream>>,
    writer: Arc<Writer>,
    /// `None` once their giver is gone.
    orders: Option<watch::Receiver<Order>>,
    over: watch::Sender<bool>,
    buffer: BytesMut,
    assembler: Assembler,
    /// What has arrived of the other side's goodbye.
    farewell: Option<BytesMut>,
    ended: Option<LinkError>,
}

pub(super) fn halves(
    stream: TlsStream<TcpStream>,
    remote: SocketAddr,
    orders: watch::Receiver<Order>,
) -> (TcpSend, TcpRecv) {
    let (reader, writer) = tokio::io::split(stream);
    let writer = Arc::new(Writer {
        stream: Mutex::new(writer),
        said_goodbye: AtomicBool::new(false),
    });
    let (told, over) = watch::channel(false);
    let send = TcpSend {
        writer: writer.clone(),
        over,
        remote,
    };
    let recv = TcpRecv {
        stream: reader,
        writer,
        orders: Some(orders),
        over: told,
        buffer: BytesMut::new(),
        assembler: Assembler::default(),
        farewell: None,
        ended: None,
    };
    (send, recv)
}

impl TcpSend {
    pub async fn send(&mut self, frame: Arc<[u8]>) -> Result<(), LinkError> {
        let prefix = prefix(&frame).ok_or(LinkError::Unsendable { len: frame.len() })?;
        let mut stream = self.writer.stream.lock().await;
        if self.writer.said_goodbye.load(Ordering::Relaxed) {
            return Err(LinkError::Local);
        }
        // One buffer: a record for the prefix alone would cost more than the copy.
        let sent = async {
            stream.write_all(&[&prefix[..], &frame].concat()).await?;
            stream.flush().await
        };
        sent.await.map_err(|error| lost(&error))
    }

    pub async fn close(mut self, close: Close) {
        let farewell = async {
            self.writer.goodbye(close).await?;
            // The socket must not be dropped with bytes of the other side unread: that would reset the connection and
            // take our last frames with it. An error means that nobody reads any more.
            let _ = self.over.wait_for(|over| *over).await;
            std::io::Result::Ok(())
        };
        // A time-out means that the other side does not listen, an error that it is gone.
        let _ = tokio::time::timeout(CLOSE_LINGER, farewell).await;
    }

    /// Must be called inside the runtime, as everything here.
    pub fn abort(&self, close: Close) {
        let writer = self.writer.clone();
        tokio::spawn(async move {
            let _ = tokio::time::timeout(LAST_WORD_MAX, writer.goodbye(close)).await;
        });
    }
}

impl TcpRecv {
    pub async fn next(&mut self) -> Result<Next, LinkError> {
        loop {
            match &self.ended {
                None => {}
                Some(LinkError::Closed(Close::DONE)) => return Ok(Next::End),
                Some(error) => return Err(error.clone()),
            }
            match self.step().await {
                Ok(Some(next)) => return Ok(next),
                Ok(None) => {}
                Err(end) => {
                    self.ended = Some(end);
                    // Nobody waits for it when the sending half is gone.
                    let _ = self.over.send(true);
                }
            }
        }
    }

    /// Reads until the other side has nothing more to say, so that a close can end in peace.
    pub async fn drain(&mut self) {
        while let Ok(Next::Frame(_) | Next::Begun(_)) = self.next().await {}
    }

    /// What comes next, or some progress towards it. Cancel-safe: whatever was read is kept.
    async fn step(&mut self) -> Result<Option<Next>, LinkError> {
        if let Some(words) = &mut self.farewell {
            if let Some(close) = words.first_chunk::<GOODBYE_BYTES>() {
                return Err(LinkError::Closed(Close::of_goodbye(close)));
            }
            return match self.stream.read_buf(words).await {
                Ok(0) => Err(LinkError::Dropped),
                Ok(_) => Ok(None),
                Err(error) => Err(lost(&error)),
            };
        }
        match self.assembler.next_frame() {
            Ok(Some(frame)) => return Ok(Some(Next::Frame(frame))),
            Ok(None) => {
                if let Some(len) = self.assembler.begun() {
                    return Ok(Some(Next::Begun(len)));
                }
            }
            Err(FrameFault::TooLarge { len }) if len == GOODBYE_PREFIX as usize => {
                self.farewell = Some(BytesMut::from(&self.assembler.take_rest()[..]));
                return Ok(None);
            }
            Err(fault) => {
                self.last_word(Close::new(fault.code(), None)).await;
                return Err(fault.into());
            }
        }
        self.buffer.reserve(READ_BYTES);
        let orders = &mut self.orders;
        let order = async {
            match orders {
                Some(orders) => orders.changed().await.map(|()| *orders.borrow_and_update()),
                None => std::future::pending().await,
            }
        };
        let order = tokio::select! {
            biased;
            read = self.stream.read_buf(&mut self.buffer) => return match read {
                Ok(0) if self.writer.said_goodbye.load(Ordering::Relaxed) => Err(LinkError::Local),
                Ok(0) => Err(LinkError::Dropped),
                Ok(_) => {
                    self.assembler.push(self.buffer.split().freeze());
                    Ok(None)
                }
                Err(error) => Err(lost(&error)),
            },
            order = order => order,
        };
        match order {
            Ok(Order::Stay) => Ok(None),
            Ok(Order::Lost) => Err(LinkError::Idle),
            Ok(Order::Close(close)) => {
                self.last_word(close).await;
                Err(LinkError::Local)
            }
            Err(_) => {
                self.orders = None;
                Ok(None)
            }
        }
    }

    async fn last_word(&self, close: Close) {
        // Whoever does not take it finds the connection closed.
        let _ = tokio::time::timeout(LAST_WORD_MAX, self.writer.goodbye(close)).await;
    }
}

fn lost(error: &std::io::Error) -> LinkError {
    match error.kind() {
        ErrorKind::TimedOut => LinkError::Idle,
        ErrorKind::ConnectionReset => LinkError::Reset,
        ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => LinkError::Dropped,
        _ => LinkError::Aborted,
    }
}
