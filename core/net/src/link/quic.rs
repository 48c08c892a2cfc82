//! A link over one stream of a QUIC connection.

use std::sync::Arc;

use bytes::Bytes;
use quinn::{Connection, ConnectionError, ReadError, RecvStream, SendStream, WriteError};

use super::{CHUNK_BYTES, CLOSE_LINGER, LinkError, Next};
use crate::close::Close;
use crate::frame::{Assembler, FrameFault, prefix};
use crate::transport;

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

#[derive(Debug)]
pub(super) struct QuicSend {
    pub connection: Connection,
    pub stream: SendStream,
}

impl QuicSend {
    pub async fn send(&mut self, frame: Arc<[u8]>) -> Result<(), LinkError> {
        let prefix = prefix(&frame).ok_or(LinkError::Unsendable { len: frame.len() })?;
        let mut chunks = [Bytes::copy_from_slice(&prefix), Bytes::from_owner(frame)];
        match self.stream.write_all_chunks(&mut chunks).await {
            Ok(()) => Ok(()),
            Err(WriteError::ConnectionLost(error)) => Err(error.into()),
            // The other side stopped reading: its reason comes with the close of the connection.
            Err(WriteError::Stopped(_)) => Err(Box::pin(ended(&self.connection)).await),
            Err(WriteError::ClosedStream | WriteError::ZeroRttRejected) => Err(LinkError::Local),
        }
    }

    pub async fn close(mut self, close: Close) {
        if self.stream.finish().is_ok() {
            // An error means that the connection is gone already, a time-out that the other side does not listen.
            let _ = tokio::time::timeout(CLOSE_LINGER, self.stream.stopped()).await;
        }
        self.abort(close);
    }

    pub fn abort(&self, close: Close) {
        self.connection.close(close.error_code(), &close.phrase());
    }
}

#[derive(Debug)]
pub(super) struct QuicRecv {
    connection: Connection,
    stream: RecvStream,
    assembler: Assembler,
    failed: Option<FrameFault>,
}

impl QuicRecv {
    pub fn new(connection: Connection, stream: RecvStream) -> Self {
        Self {
            connection,
            stream,
            assembler: Assembler::default(),
            failed: None,
        }
    }

    pub fn widen(&self) {
        self.connection
            .set_receive_window(transport::RELAY_RECEIVE_WINDOW_BYTES.into());
    }

    pub async fn next(&mut self) -> Result<Next, LinkError> {
        if let Some(fault) = self.failed {
            return Err(fault.into());
        }
        loop {
            match self.assembler.next_frame() {
                Ok(Some(frame)) => return Ok(Next::Frame(frame)),
                Ok(None) => {
                    if let Some(len) = self.assembler.begun() {
                        return Ok(Next::Begun(len));
                    }
                }
                Err(fault) => return Err(self.fail(fault)),
            }
            match self.stream.read_chunk(CHUNK_BYTES, true).await {
                Ok(Some(chunk)) => self.assembler.push(chunk.bytes),
                Ok(None) => {
                    if let Err(fault) = self.assembler.finish() {
                        return Err(self.fail(fault));
                    }
                    return match Box::pin(ended(&self.connection)).await {
                        LinkError::Closed(Close::DONE) => Ok(Next::End),
                        other => Err(other),
                    };
                }
                Err(ReadError::ConnectionLost(error)) => {
                    return match LinkError::from(error) {
                        LinkError::Closed(Close::DONE) if self.assembler.finish().is_ok() => Ok(Next::End),
                        other => Err(other),
                    };
                }
                Err(ReadError::Reset(_)) => return Err(Box::pin(ended(&self.connection)).await),
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

/// The stream is over; the reason follows as the close of the connection, unless the other side forgets it. Callers put it
/// into a box: what it needs would else be kept ready in every link.
async fn ended(connection: &Connection) -> LinkError {
    match tokio::time::timeout(CLOSE_LINGER, connection.closed()).await {
        Ok(error) => error.into(),
        Err(_) => LinkError::Aborted,
    }
}
