//! One phone's connection: a task that carries frames to the shard and back, and decides nothing.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sotay_feed::SignKey;
use sotay_net::{Close, Handshake, Link, LinkError, LinkRecv, LinkSend, Next};
use sotay_sync::{CloseCode, CloseReason};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::admin::Question;
use crate::labels::{close_label, handshake_label, link_label};
use crate::limits::Limits;
use crate::metrics::{Direction, Metrics, Reason};
use crate::outbox::{Inbox, OUTBOX_FRAMES_MAX, Outbox, Outgoing, Outgoings, outbox};
use crate::permissions::Served;
use crate::prune::Retention;
use crate::room::{Commons, EARLY_ABOVE_BYTES, Hall, Part, Room};

/// How long a phone that came while all sessions were taken should wait at least.
pub(crate) const BUSY_RETRY: Duration = Duration::from_secs(30);

/// Time for a frame that has begun: the longest at 12 kbit/s. Who takes longer comes back and offers it again.
const FRAME_TIMEOUT: Duration = Duration::from_secs(180);

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
        out: Outbox,
        part: Part,
    },
    /// A frame came in.
    Frame { link: LinkId, frame: Bytes, room: Room },
    /// The connection is gone.
    Down { link: LinkId },
    /// The operator asks something.
    Admin(Question),
    /// The configuration was read again.
    Reload(Box<Reload>),
    /// Another relay wrote into the database that they share, or its server came or went.
    News,
    /// End every session: the relay is stopping.
    Drain,
}

/// What of a configuration may change while phones are served.
#[derive(Debug)]
pub(crate) struct Reload {
    /// What to serve; `None`: any.
    pub served: Option<Served>,
    /// Those of the quotas.
    pub limits: Limits,
    /// What may be dropped, and when.
    pub retention: Retention,
}

/// What every connection task needs.
pub(crate) struct Links {
    pub jobs: mpsc::Sender<Job>,
    pub sessions: Arc<Semaphore>,
    /// Room for waiting frames of all sessions.
    pub waiting: Arc<Commons>,
    /// Bytes that wait to be sent to all phones.
    pub outgoing: Arc<Outgoings>,
    pub limits: Arc<Limits>,
    pub metrics: Arc<Metrics>,
    /// Dropped with the last task, so that a drain knows when all are gone.
    pub _alive: mpsc::Sender<()>,
}

impl Links {
    /// Does the handshake and serves the phone until either side ends it.
    pub async fn serve(self: Arc<Self>, link: LinkId, handshake: Handshake) {
        // In a box, as everything below that is over soon: an idle phone costs what is left.
        let Some((connection, _place)) = Box::pin(self.meet(link, handshake)).await else {
            return;
        };
        self.metrics.handshake("ok");
        self.metrics.sessions.inc();
        let reason = self.converse(link, connection).await;
        self.metrics.sessions.dec();
        self.metrics.closed.get_or_create(&Reason { reason }).inc();
        tracing::debug!(link = link.0, reason, "session ended");
    }

    /// The handshake, and a place among the sessions.
    async fn meet(&self, link: LinkId, handshake: Handshake) -> Option<(Link, OwnedSemaphorePermit)> {
        let connection = match handshake.establish().await {
            Ok(connection) => connection,
            Err(error) => {
                tracing::debug!(link = link.0, %error, "handshake failed");
                self.metrics.handshake(handshake_label(error));
                return None;
            }
        };
        let Ok(place) = self.sessions.clone().try_acquire_owned() else {
            self.metrics.handshake("full");
            let retry_after = Some(jittered(BUSY_RETRY));
            connection
                .close(Close::new(CloseCode::Busy.number(), retry_after))
                .await;
            return None;
        };
        Some((connection, place))
    }

    /// Returns why it ended.
    async fn converse(&self, link: LinkId, connection: Link) -> &'static str {
        let (out, inbox) = outbox(OUTBOX_FRAMES_MAX, self.outgoing.clone());
        let peer = connection.peer();
        let part = Part::default();
        let up = Job::Up {
            link,
            peer,
            out,
            part: part.clone(),
        };
        if Box::pin(self.jobs.send(up)).await.is_err() {
            Box::pin(connection.close(draining())).await;
            return "stopping";
        }
        let (send, recv) = connection.split();
        let reason = tokio::select! {
            reason = self.write(send, inbox) => reason,
            reason = self.read(link, recv, part) => reason,
        };
        // The shard is gone when the relay stops; then it has forgotten the session too.
        let _ = Box::pin(self.jobs.send(Job::Down { link })).await;
        reason
    }

    /// Waits for a place in the shard's queue before it reads on: a busy disk slows phones down, it does not fill
    /// memory.
    async fn read(&self, link: LinkId, mut recv: LinkRecv, part: Part) -> &'static str {
        let bytes = self
            .metrics
            .frame_bytes
            .get_or_create_owned(&Direction { direction: "in" });
        let hall = Hall::new(
            self.limits.session_waiting_bytes,
            part.clone(),
            self.waiting.clone(),
        );
        let mut known = false;
        loop {
            // A box only for what comes in parts: most phones are silent.
            let (frame, room) = match recv.next().await {
                Ok(Next::Frame(frame)) => {
                    let room = Box::pin(hall.room(frame.len())).await;
                    (frame, room)
                }
                Ok(Next::Begun(len)) => match Box::pin(rest(recv.recv(), &hall, len, FRAME_TIMEOUT)).await {
                    Ok(whole) => whole,
                    Err(reason) => return reason,
                },
                Ok(Next::End) => return "done",
                Err(error) => return link_label(&error),
            };
            if !known && part.is_given() {
                known = true;
                recv.widen();
            }
            bytes.inc_by(frame.len() as u64);
            self.metrics.waiting.inc();
            let job = Job::Frame { link, frame, room };
            if Box::pin(self.jobs.send(job)).await.is_err() {
                self.metrics.waiting.dec();
                return "stopping";
            }
        }
    }

    async fn write(&self, mut send: LinkSend, mut inbox: Inbox) -> &'static str {
        let bytes = self
            .metrics
            .frame_bytes
            .get_or_create_owned(&Direction { direction: "out" });
        while let Some(outgoing) = inbox.recv().await {
            match outgoing {
                Outgoing::Frame(frame) => {
                    let len = frame.len();
                    let sent = Box::pin(send.send(frame)).await;
                    inbox.sent(len);
                    if let Err(error) = sent {
                        return link_label(&error);
                    }
                    bytes.inc_by(len as u64);
                }
                Outgoing::Close(close) => {
                    Box::pin(send.close(close)).await;
                    return close_label(CloseCode::from_number(close.code));
                }
            }
        }
        // The shard let go without a word: the queue was full, or the shard itself has ended.
        let close = Close::new(CloseCode::Busy.number(), Some(jittered(BUSY_RETRY)));
        Box::pin(send.close(close)).await;
        "slow"
    }
}

/// The rest of a frame of so many bytes, with its room; or why the session ends. A long one is read on when there is room.
async fn rest(
    recv: impl Future<Output = Result<Option<Bytes>, LinkError>>,
    hall: &Hall,
    len: usize,
    within: Duration,
) -> Result<(Bytes, Room), &'static str> {
    let early = match len > EARLY_ABOVE_BYTES {
        true => Some(hall.room_early(len).await),
        false => None,
    };
    let whole = tokio::time::timeout(within, recv).await;
    let frame = match whole.map_err(|_| "timeout")? {
        Ok(Some(frame)) => frame,
        Ok(None) => return Err("done"),
        Err(error) => return Err(link_label(&error)),
    };
    let room = match early {
        Some(room) => room,
        None => hall.room(frame.len()).await,
    };
    Ok((frame, room))
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

/// How a session's end travels.
pub(crate) fn carried(reason: CloseReason) -> Close {
    let retry_after = reason
        .retry_after
        .map(|seconds| Duration::from_secs(seconds.into()));
    Close::new(reason.code.number(), retry_after)
}

/// So many seconds at least, spread.
pub(crate) fn seconds(at_least: Duration) -> u32 {
    u32::try_from(jittered(at_least).as_secs()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotay_feed::DeviceKeys;
    use sotay_net::{Connector, FrameFault, Listener, Presence, RelayAddress, Settings};
    use sotay_sync::PeerFault;

    #[tokio::test]
    async fn a_phone_beyond_the_limit_of_sessions_is_told_to_come_back_later() {
        let device = |number| DeviceKeys::from_seeds([number; 32], [number; 32]);
        let listener = Listener::bind(
            ([127, 0, 0, 1], 0).into(),
            &device(1),
            sotay_net::Limits::default(),
        )
        .unwrap();
        let port = listener.local_address().unwrap().port();
        let address = RelayAddress::new("127.0.0.1", port, device(1).public().sign).unwrap();
        let (jobs, mut queue) = mpsc::channel(1);
        let metrics = Arc::new(Metrics::new("nowhere".into()));
        let links = Arc::new(Links {
            jobs,
            sessions: Arc::new(Semaphore::new(1)),
            waiting: Commons::of(Limits::default().waiting_bytes),
            outgoing: Outgoings::new(Limits::default().outgoing_bytes),
            limits: Arc::default(),
            metrics: metrics.clone(),
            _alive: mpsc::channel(1).0,
        });
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

    #[tokio::test]
    async fn a_frame_that_has_begun_is_read_on_when_there_is_room_and_given_up_after_its_time() {
        let long = EARLY_ABOVE_BYTES + 1;
        let all = Commons::of(4 * 300_000);
        let hall = || Hall::new(300_000, Part::default(), all.clone());
        let never = || std::future::pending::<Result<Option<Bytes>, LinkError>>();
        let short = Duration::from_millis(1);
        for len in [1, long] {
            let gone = rest(never(), &hall(), len, short).await;
            assert_eq!(gone.unwrap_err(), "timeout");
        }
        let frame = Bytes::from(vec![7; long]);
        let comes = async || Ok(Some(frame.clone()));
        let (got, room) = rest(comes(), &hall(), long, FRAME_TIMEOUT).await.unwrap();
        assert_eq!(got, frame);
        // Strangers hold what they have: the next one is not read on.
        let held = hall().room_early(300_000 - long - 512).await;
        let other = hall();
        let mut waits = Box::pin(rest(comes(), &other, long, FRAME_TIMEOUT));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(waits.as_mut().poll(&mut context).is_pending());
        drop((held, room));
        assert!(waits.await.is_ok());
    }

    #[test]
    fn the_task_of_a_phone_that_says_nothing_takes_less_than_a_kilobyte() {
        fn future<A, B, C, F>(_: impl Fn(A, B, C) -> F) -> usize {
            size_of::<F>()
        }
        assert!(future(Links::serve) < 1024, "{}", future(Links::serve));
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
