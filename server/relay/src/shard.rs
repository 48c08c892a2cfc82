//! The thread that owns the database and the sessions: one loop, everything in order, nothing under a lock.
//!
//! A round gathers the jobs that wait, deals with each, and only then releases what the sessions want to send. What a
//! session queued was durable before it was queued, so gathering several sessions' envelopes into one commit will
//! change the inside of a round and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use sotay_feed::{SignKey, Space};
use sotay_net::Close;
use sotay_store::{Store, StoreError};
use sotay_sync::message::Message;
use sotay_sync::{
    CloseCode, CloseReason, Output, Replica, Role, Session, SessionConfig, SessionError, SessionEvent,
    SessionStats, SharedItems,
};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::health::Health;
use crate::labels::{deny_label, refuse_label};
use crate::link::{BUSY_RETRY, DRAIN_RETRY, Job, LinkId, Outgoing, jittered};
use crate::metrics::{Direction, Metrics, Reason};

/// Jobs dealt with in one round.
const ROUND_JOBS_MAX: usize = 64;
/// Longer frames are not looked at for a denial, which has a fixed form (P8.8).
const DENY_FRAME_BYTES_MAX: usize = 64;
/// Sessions of one device; the oldest goes, for it is usually what is left of a connection the phone has lost.
pub(crate) const SESSIONS_PER_DEVICE_MAX: usize = 4;

/// One session and the way to its connection.
struct Seat {
    session: Session,
    peer: SignKey,
    out: mpsc::Sender<Outgoing>,
    deadline: Option<i64>,
    spaces: Vec<Space>,
    counted: SessionStats,
}

/// Envelopes that a space gained in this round.
struct Grown {
    after: u64,
    /// The session they came through, if only one.
    from: Option<LinkId>,
}

/// What the thread owns.
pub(crate) struct Shard<S> {
    replica: Replica<S>,
    seats: BTreeMap<LinkId, Seat>,
    by_peer: BTreeMap<SignKey, BTreeSet<LinkId>>,
    subscribers: BTreeMap<Space, BTreeSet<LinkId>>,
    deadlines: BTreeSet<(i64, LinkId)>,
    grown: BTreeMap<Space, Grown>,
    draining: bool,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
}

enum Wake {
    Job(Option<Job>),
    Deadline,
}

/// Milliseconds since 1970 UTC by the system's clock.
fn now_ms() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
    }
}

impl<S: Store> Shard<S> {
    pub fn new(replica: Replica<S>, metrics: Arc<Metrics>, health: Arc<Health>) -> Self {
        Self {
            replica,
            seats: BTreeMap::new(),
            by_peer: BTreeMap::new(),
            subscribers: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            grown: BTreeMap::new(),
            draining: false,
            metrics,
            health,
        }
    }

    /// Works until every sender of jobs is gone.
    pub fn run(mut self, runtime: &Handle, mut jobs: mpsc::Receiver<Job>) {
        loop {
            let wake = runtime.block_on(async {
                match self.wait() {
                    None => Wake::Job(jobs.recv().await),
                    Some(wait) => match tokio::time::timeout(wait, jobs.recv()).await {
                        Ok(job) => Wake::Job(job),
                        Err(_) => Wake::Deadline,
                    },
                }
            });
            let mut next = match wake {
                Wake::Job(None) => return,
                Wake::Job(Some(job)) => Some(job),
                Wake::Deadline => None,
            };
            let (mut touched, mut done) = (BTreeSet::new(), 0);
            while let Some(job) = next {
                self.work(job, now_ms(), &mut touched);
                done += 1;
                next = if done < ROUND_JOBS_MAX {
                    jobs.try_recv().ok()
                } else {
                    None
                };
            }
            self.tick(now_ms(), &mut touched);
            self.settle(touched);
        }
    }

    fn wait(&self) -> Option<Duration> {
        let (at, _) = self.deadlines.first()?;
        Some(Duration::from_millis(u64::try_from(at - now_ms()).unwrap_or(0)))
    }

    fn work(&mut self, job: Job, now: i64, touched: &mut BTreeSet<LinkId>) {
        match job {
            Job::Up { link, peer, out } => self.up(link, peer, out, now, touched),
            Job::Frame { link, frame } => {
                self.metrics.waiting.dec();
                self.frame(link, &frame, now);
                touched.insert(link);
            }
            Job::Down { link } => {
                touched.remove(&link);
                self.forget(link);
            }
            Job::Drain => {
                self.draining = true;
                for (link, seat) in &mut self.seats {
                    seat.session
                        .close(CloseCode::Draining, Some(seconds(DRAIN_RETRY)));
                    touched.insert(*link);
                }
            }
        }
    }

    fn up(
        &mut self,
        link: LinkId,
        peer: SignKey,
        out: mpsc::Sender<Outgoing>,
        now: i64,
        touched: &mut BTreeSet<LinkId>,
    ) {
        let config = SessionConfig {
            role: Role::Relay,
            peer,
            spaces: Vec::new(),
            live: true,
            first: Default::default(),
        };
        let mut session = Session::accept(config);
        let started = session.start(&mut self.replica, now);
        self.note(link, &started);
        if self.draining {
            session.close(CloseCode::Draining, Some(seconds(DRAIN_RETRY)));
        }
        let seat = Seat {
            session,
            peer,
            out,
            deadline: None,
            spaces: Vec::new(),
            counted: SessionStats::default(),
        };
        self.seats.insert(link, seat);
        touched.insert(link);
        let of_device = self.by_peer.entry(peer).or_default();
        of_device.insert(link);
        if of_device.len() > SESSIONS_PER_DEVICE_MAX
            && let Some(oldest) = of_device.pop_first()
            && let Some(seat) = self.seats.get_mut(&oldest)
        {
            seat.session.close(CloseCode::Busy, Some(seconds(BUSY_RETRY)));
            touched.insert(oldest);
        }
    }

    fn frame(&mut self, link: LinkId, frame: &Bytes, now: i64) {
        // A session that was closed here may still be heard of until its connection knows.
        if let Some(seat) = self.seats.get_mut(&link) {
            let result = seat.session.on_frame(&mut self.replica, frame, now);
            self.note(link, &result);
        }
    }

    fn tick(&mut self, now: i64, touched: &mut BTreeSet<LinkId>) {
        let due: Vec<LinkId> = self
            .deadlines
            .iter()
            .take_while(|(at, _)| *at <= now)
            .map(|(_, link)| *link)
            .collect();
        for link in due {
            if let Some(seat) = self.seats.get_mut(&link) {
                let result = seat.session.on_tick(&mut self.replica, now);
                self.note(link, &result);
                touched.insert(link);
            }
        }
    }

    /// A fault of the phone is its own affair; one of our disk is the operator's.
    fn note(&self, link: LinkId, result: &Result<(), SessionError>) {
        match result {
            Ok(()) => {}
            Err(SessionError::Peer(fault)) => {
                tracing::debug!(link = link.0, %fault, "a phone broke the protocol")
            }
            Err(SessionError::Store(error)) => self.note_store(error),
            Err(SessionError::TooManySpaces(count)) => {
                tracing::error!(count, "an accepting session was given spaces to open");
            }
        }
    }

    fn note_store(&self, error: &StoreError) {
        tracing::error!(%error, "the database fails");
        self.health.store_failed(error);
    }

    /// Releases what the sessions want done, then what other sessions gain by it.
    fn settle(&mut self, touched: BTreeSet<LinkId>) {
        for link in touched {
            self.release(link);
        }
        // Fan-out makes sessions send, never receive: nothing grows from it.
        for (space, grown) in std::mem::take(&mut self.grown) {
            self.fan_out(&space, &grown);
        }
    }

    fn fan_out(&mut self, space: &Space, grown: &Grown) {
        let Some(links) = self.subscribers.get(space) else {
            return;
        };
        let links: Vec<LinkId> = links
            .iter()
            .copied()
            .filter(|link| grown.from != Some(*link))
            .collect();
        if links.is_empty() {
            return;
        }
        let shared = match SharedItems::since(&self.replica, space, grown.after) {
            Ok(shared) => shared,
            Err(error) => return self.note_store(&error),
        };
        for link in links {
            if let Some(seat) = self.seats.get_mut(&link) {
                let result = seat.session.on_stored(&mut self.replica, &shared);
                self.note(link, &result);
                self.release(link);
            }
        }
    }

    /// Polls one session dry.
    fn release(&mut self, link: LinkId) {
        let Some(seat) = self.seats.get_mut(&link) else {
            return;
        };
        let (mut opened, mut over) = (false, false);
        while let Some(output) = seat.session.poll() {
            match output {
                Output::Frame(frame) => {
                    count_denial(&self.metrics, &frame);
                    over |= seat.out.try_send(Outgoing::Frame(frame)).is_err();
                }
                Output::Close(reason) => {
                    // When it cannot be queued the connection closes by itself, once its queue is empty.
                    let _ = seat.out.try_send(Outgoing::Close(carried(reason)));
                    over = true;
                }
                Output::Event(SessionEvent::Opened { .. }) => opened = true,
                Output::Event(SessionEvent::Received { space, after, .. }) => {
                    let grown = self.grown.entry(space).or_insert(Grown {
                        after,
                        from: Some(link),
                    });
                    grown.after = grown.after.min(after);
                    grown.from = grown.from.filter(|from| *from == link);
                }
                Output::Event(SessionEvent::Rejected { reason, .. }) => {
                    let reason = Reason {
                        reason: refuse_label(reason),
                    };
                    self.metrics.refused.get_or_create(&reason).inc();
                }
                Output::Event(_) => {}
            }
        }
        count(&self.metrics, seat);
        if over {
            return self.forget(link);
        }
        if opened {
            seat.spaces = seat.session.subscriptions();
            for space in &seat.spaces {
                self.subscribers.entry(*space).or_default().insert(link);
            }
        }
        let deadline = seat.session.deadline().map(|(at, _)| at);
        if let Some(at) = std::mem::replace(&mut seat.deadline, deadline) {
            self.deadlines.remove(&(at, link));
        }
        self.deadlines.extend(deadline.map(|at| (at, link)));
    }

    fn forget(&mut self, link: LinkId) {
        let Some(seat) = self.seats.remove(&link) else {
            return;
        };
        if let Some(at) = seat.deadline {
            self.deadlines.remove(&(at, link));
        }
        for space in &seat.spaces {
            if let Some(links) = self.subscribers.get_mut(space) {
                links.remove(&link);
                if links.is_empty() {
                    self.subscribers.remove(space);
                }
            }
        }
        if let Some(links) = self.by_peer.get_mut(&seat.peer) {
            links.remove(&link);
            if links.is_empty() {
                self.by_peer.remove(&seat.peer);
            }
        }
    }
}

/// Adds what a session moved since it was last counted.
fn count(metrics: &Metrics, seat: &mut Seat) {
    let (now, before) = (seat.session.stats(), seat.counted);
    seat.counted = now;
    for (direction, envelopes) in [
        ("in", now.envelopes_in - before.envelopes_in),
        ("out", now.envelopes_out - before.envelopes_out),
    ] {
        if envelopes > 0 {
            metrics
                .envelopes
                .get_or_create(&Direction { direction })
                .inc_by(envelopes);
        }
    }
}

/// What the operator sees first when `--allow` names the wrong unit. A session tells its denials to the phone only.
fn count_denial(metrics: &Metrics, frame: &[u8]) {
    if frame.len() <= DENY_FRAME_BYTES_MAX
        && let Ok(Message::Deny(deny)) = Message::decode(frame)
    {
        let reason = Reason {
            reason: deny_label(deny.reason),
        };
        metrics.denied.get_or_create(&reason).inc();
    }
}

fn carried(reason: CloseReason) -> Close {
    let retry_after = reason
        .retry_after
        .map(|seconds| Duration::from_secs(seconds.into()));
    Close::new(reason.code.number(), retry_after)
}

fn seconds(at_least: Duration) -> u32 {
    u32::try_from(jittered(at_least).as_secs()).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[path = "shard_tests.rs"]
mod tests;
