//! One phone's connection: a task that carries frames to the shard and back, and decides nothing.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sotay_feed::SignKey;
use sotay_net::{Close, Handshake, Link, LinkRecv, LinkSend};
use sotay_sync::CloseCode;
use tokio::sync::{Semaphore, mpsc};

use crate::labels::{close_label, handshake_label, link_label};
use crate::metrics::{Direction, Metrics, Reason};

/// Sessions at one time; a further one is told to come back.
pub(crate) const SESSIONS_MAX: usize = 20_000;
/// How long a phone that came while all sessions were taken should wait at least.
pub(crate) const BUSY_RETRY: Duration = Duration::from_secs(30);
/// Frames that wait for one phone. The session's credit bounds their bytes; a phone that lets so many wait is closed.
pub(crate) const OUTBOX_FRAMES_MAX: usize = 2048;

/// Number of a connection in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LinkId(pub u64);

/// What a connection asks of the shard.
#[derive(Debug)]
pub(crate) enum Job {
    /// A phone has proven its key; what is meant for it goes to `out`.
    Up {
        link: LinkId,
        peer: SignKey,
        out: mpsc::Sender<Outgoing>,
    },
    /// A frame came in.
    Frame { link: LinkId, frame: Bytes },
    /// The connection is gone.
    Down { link: LinkId },
    /// End every session: the relay is stopping.
    Drain,
}

/// What the shard asks of a connection.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// To be sent.
    Frame(Arc<[u8]>),
    /// The last thing: close, once everything before has arrived.
    Close(Close),
}

/// What every connection task needs.
#[derive(Clone)]
pub(crate) struct Links {
    pub jobs: mpsc::Sender<Job>,
    pub sessions: Arc<Semaphore>,
    pub metrics: Arc<Metrics>,
    /// Dropped with the last task, so that a drain knows when all are gone.
    pub _alive: mpsc::Sender<()>,
}

impl Links {
    /// Does the handshake and serves the phone until either side ends it.
    pub async fn serve(self, link: LinkId, handshake: Handshake) {
        let connection = match handshake.establish().await {
            Ok(connection) => connection,
            Err(error) => {
                tracing::debug!(link = link.0, %error, "handshake failed");
                return self.metrics.handshake(handshake_label(error));
            }
        };
        let Ok(_place) = self.sessions.clone().try_acquire_owned() else {
            self.metrics.handshake("full");
            let retry_after = Some(jittered(BUSY_RETRY));
            return connection
                .close(Close::new(CloseCode::Busy.number(), retry_after))
                .await;
        };
        self.metrics.handshake("ok");
        self.metrics.sessions.inc();
        let reason = self.converse(link, connection).await;
        self.metrics.sessions.dec();
        self.metrics.closed.get_or_create(&Reason { reason }).inc();
        tracing::debug!(link = link.0, reason, "session ended");
    }

    /// Returns why it ended.
    async fn converse(&self, link: LinkId, connection: Link) -> &'static str {
        let (out, outbox) = mpsc::channel(OUTBOX_FRAMES_MAX);
        let peer = connection.peer();
        if self.jobs.send(Job::Up { link, peer, out }).await.is_err() {
            connection.close(draining()).await;
            return "stopping";
        }
        let (send, recv) = connection.split();
        let reason = tokio::select! {
            reason = self.write(send, outbox) => reason,
            reason = self.read(link, recv) => reason,
        };
        // The shard is gone when the relay stops; then it has forgotten the session too.
        let _ = self.jobs.send(Job::Down { link }).await;
        reason
    }

    /// Waits for a place in the shard's queue before it reads on: a busy disk slows phones down, it does not fill
    /// memory.
    async fn read(&self, link: LinkId, mut recv: LinkRecv) -> &'static str {
        let bytes = self
            .metrics
            .frame_bytes
            .get_or_create_owned(&Direction { direction: "in" });
        loop {
            match recv.recv().await {
                Ok(Some(frame)) => {
                    bytes.inc_by(frame.len() as u64);
                    self.metrics.waiting.inc();
                    if self.jobs.send(Job::Frame { link, frame }).await.is_err() {
                        self.metrics.waiting.dec();
                        return "stopping";
                    }
                }
                Ok(None) => return "done",
                Err(error) => return link_label(&error),
            }
        }
    }

    async fn write(&self, mut send: LinkSend, mut outbox: mpsc::Receiver<Outgoing>) -> &'static str {
        let bytes = self
            .metrics
            .frame_bytes
            .get_or_create_owned(&Direction { direction: "out" });
        while let Some(outgoing) = outbox.recv().await {
            match outgoing {
                Outgoing::Frame(frame) => {
                    let len = frame.len() as u64;
                    if let Err(error) = send.send(frame).await {
                        return link_label(&error);
                    }
                    bytes.inc_by(len);
                }
                Outgoing::Close(close) => {
                    send.close(close).await;
                    return close_label(CloseCode::from_number(close.code));
                }
            }
        }
        // The shard let go without a word: the queue was full, or the shard itself has ended.
        send.close(Close::new(CloseCode::Busy.number(), Some(jittered(BUSY_RETRY))))
            .await;
        "slow"
    }
}

/// What a phone is told when the relay stops.
pub(crate) fn draining() -> Close {
    Close::new(CloseCode::Draining.number(), Some(jittered(DRAIN_RETRY)))
}

/// How long phones stay away at least from a relay that is restarted.
pub(crate) const DRAIN_RETRY: Duration = Duration::from_secs(5);
/// Over how long the return of many phones is spread.
pub(crate) const RETRY_SPREAD: Duration = Duration::from_secs(30);

/// `at_least`, and an even draw from [`RETRY_SPREAD`] on top.
pub(crate) fn jittered(at_least: Duration) -> Duration {
    // Without randomness from the system phones still add their own jitter.
    let draw = getrandom::u32().unwrap_or(0);
    at_least + RETRY_SPREAD.mul_f64(f64::from(draw) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotay_feed::DeviceKeys;
    use sotay_net::{Connector, FrameFault, Limits, LinkError, Listener, Presence, RelayAddress, Settings};
    use sotay_sync::PeerFault;

    #[tokio::test]
    async fn a_phone_beyond_the_limit_of_sessions_is_told_to_come_back_later() {
        let device = |number| DeviceKeys::from_seeds([number; 32], [number; 32]);
        let listener = Listener::bind(([127, 0, 0, 1], 0).into(), &device(1), Limits::default()).unwrap();
        let port = listener.local_address().unwrap().port();
        let address = RelayAddress::new("127.0.0.1", port, device(1).public().sign).unwrap();
        let (jobs, mut queue) = mpsc::channel(1);
        let metrics = Arc::new(Metrics::new("nowhere".into()));
        let links = Links {
            jobs,
            sessions: Arc::new(Semaphore::new(1)),
            metrics: metrics.clone(),
            _alive: mpsc::channel(1).0,
        };
        tokio::spawn(async move {
            for number in 0.. {
                let Some(handshake) = listener.accept().await else {
                    return;
                };
                tokio::spawn(links.clone().serve(LinkId(number), handshake));
            }
        });
        let connector = Connector::new(&device(2), Settings::default());
        let mut first = connector.connect(&address, Presence::Background).await.unwrap();
        first.send(b"hello"[..].into()).await.unwrap();
        assert!(matches!(queue.recv().await, Some(Job::Up { .. })));
        let mut second = connector.connect(&address, Presence::Background).await.unwrap();
        second.send(b"hello"[..].into()).await.unwrap();
        let LinkError::Closed(close) = second.recv().await.unwrap_err() else {
            panic!("another end")
        };
        assert_eq!(close.code, CloseCode::Busy.number());
        assert!(close.retry_after.unwrap() >= BUSY_RETRY);
        let text = metrics.text();
        assert!(text.contains("handshakes_total{outcome=\"full\"} 1"), "{text}");
        assert!(text.contains("sotay_relay_sessions 1"), "{text}");
    }

    #[test]
    fn waits_are_spread_and_never_shorter_than_asked() {
        let waits: Vec<Duration> = (0..64).map(|_| jittered(DRAIN_RETRY)).collect();
        assert!(
            waits
                .iter()
                .all(|wait| (DRAIN_RETRY..=DRAIN_RETRY + RETRY_SPREAD).contains(wait))
        );
        assert!(waits.iter().any(|wait| *wait != waits[0]));
    }

    #[test]
    fn the_carriers_close_codes_are_those_of_the_session() {
        assert_eq!(
            FrameFault::TooLarge { len: 1 }.code(),
            PeerFault::FrameTooLarge(1).code()
        );
        let malformed = PeerFault::Malformed(sotay_feed::cbor::CborError::NotCanonical);
        assert_eq!(FrameFault::Empty.code(), malformed.code());
        assert_eq!(Close::DONE.code, CloseCode::Done.number());
    }
}
