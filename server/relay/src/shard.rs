//! The thread that owns the database and the sessions: one loop, everything in order, nothing under a lock.
//!
//! A round deals with frames that wait, unit by unit in turn, makes what they brought durable in one commit, and only
//! then releases what the sessions want to send. Which frame is next `fair` decides, when a round ends `round` does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use sotay_feed::{SignKey, Space, SpaceKind};
use sotay_store::{Store, StoreError};
use sotay_sync::message::Message;
use sotay_sync::{
    CloseCode, Group, Output, Replica, Role, Session, SessionConfig, SessionError, SessionEvent, SharedItems,
    SyncStatus,
};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::books::Books;
use crate::fair::{ENVELOPE_COST_BYTES, Fair, Lane};
use crate::health::Health;
use crate::labels::{deny_label, refuse_label};
use crate::limits::Limits;
use crate::link::{BUSY_RETRY, DRAIN_RETRY, Job, LinkId, Reload, carried, seconds};
use crate::metrics::{Direction, Metrics};
use crate::outbox::{Outbox, Outgoing};
use crate::quota::Quotas;
use crate::room::{Part, Parts, Room};
use crate::round::Round;
use crate::strangers::Strangers;

/// How often contacts are looked through for what is worth writing.
const CONTACTS_EVERY_MS: i64 = 60_000;
/// Longer frames are not looked at for a denial, which has a fixed form (P8.8).
const DENY_FRAME_BYTES_MAX: usize = 64;
/// A space may have gained something, nobody knows from which arrival on.
pub(crate) const WHEREVER: u64 = u64::MAX;

/// One session and the way to its connection.
pub(crate) struct Seat {
    pub session: Session,
    pub peer: SignKey,
    out: Outbox,
    part: Part,
    lane: Lane,
    deadline: Option<i64>,
    /// Those it listens to, in order.
    pub spaces: Box<[Space]>,
    /// Envelopes in and out that were counted.
    counted: [u64; 2],
    /// When it came, and whether it has had everything since, milliseconds since 1970.
    since: i64,
    whole: bool,
    /// Its connection is gone; what it said before is still dealt with.
    gone: bool,
}

/// Envelopes that a space gained in this round.
struct Grown {
    after: u64,
    /// The session they came through, if only one.
    from: Option<LinkId>,
}

/// What the thread owns.
pub(crate) struct Shard<S> {
    pub replica: Replica<Group<S>>,
    pub books: Books,
    pub fair: Fair,
    parts: Parts,
    /// Sessions that may want something since the last commit.
    pub touched: BTreeSet<LinkId>,
    /// Boxed: half of the places in the nodes of such a map are empty.
    pub seats: BTreeMap<LinkId, Box<Seat>>,
    by_peer: BTreeMap<SignKey, BTreeSet<LinkId>>,
    strangers: Strangers,
    subscribers: BTreeMap<Space, BTreeSet<LinkId>>,
    deadlines: BTreeSet<(i64, LinkId)>,
    grown: BTreeMap<Space, Grown>,
    draining: bool,
    /// How long the last commit took that wrote anything.
    commit_took: Duration,
    /// What came in the middle of a round and is no phone's; dealt with after its commit.
    later: Vec<Job>,
    /// When contacts were last staged, milliseconds since 1970.
    contacts_at: i64,
    sessions_per_device: usize,
    pub metrics: Arc<Metrics>,
    health: Arc<Health>,
}

impl Seat {
    /// Whether the phone is known to hold all there is in its spaces.
    fn follows<S: Store>(&self, replica: &Replica<S>) -> bool {
        let synced = |space: &Space| self.session.peer_status(replica, space);
        self.spaces
            .iter()
            .all(|space| matches!(synced(space), Ok(SyncStatus::Synced { .. } | SyncStatus::Unknown)))
    }
}

enum Wake {
    Job(Option<Job>),
    Deadline,
    Waiting,
}

/// Milliseconds since 1970 UTC by the system's clock.
pub(crate) fn now_ms() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
    }
}

impl<S: Store> Shard<S> {
    pub fn new(
        mut replica: Replica<Group<S>>,
        books: Books,
        limits: &Limits,
        metrics: Arc<Metrics>,
        health: Arc<Health>,
    ) -> Self {
        replica.set_policy(books.permissions.policy());
        replica.set_gate(Box::new(books.quotas.clone()));
        Self {
            replica,
            books,
            fair: Fair::default(),
            parts: Parts::of(limits.waiting_bytes),
            touched: BTreeSet::new(),
            seats: BTreeMap::new(),
            by_peer: BTreeMap::new(),
            strangers: Strangers::of(limits.sessions),
            subscribers: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            grown: BTreeMap::new(),
            draining: false,
            commit_took: Duration::ZERO,
            later: Vec::new(),
            contacts_at: 0,
            sessions_per_device: limits.sessions_per_device,
            metrics,
            health,
        }
    }

    /// Works until every sender of jobs is gone.
    pub fn run(mut self, runtime: &Handle, mut jobs: mpsc::Receiver<Job>) {
        loop {
            let wake = match (self.fair.is_empty(), self.wait()) {
                (false, _) => Wake::Waiting,
                (true, None) => Wake::Job(runtime.block_on(jobs.recv())),
                (true, Some(wait)) => {
                    let next = async { tokio::time::timeout(wait, jobs.recv()).await };
                    runtime.block_on(next).map_or(Wake::Deadline, Wake::Job)
                }
            };
            match wake {
                Wake::Job(None) => return self.close_books(),
                Wake::Job(Some(job)) => self.take(job, now_ms()),
                Wake::Deadline | Wake::Waiting => {}
            }
            // Bounded by the queue's length: senders wait for a place in it.
            for _ in 0..jobs.max_capacity() {
                let Ok(job) = jobs.try_recv() else { break };
                self.take(job, now_ms());
            }
            self.round(now_ms(), || jobs.try_recv().ok());
        }
    }

    fn wait(&self) -> Option<Duration> {
        let at = self.deadlines.first().map(|(at, _)| *at);
        let at = at.into_iter().chain(self.books.pruner.next()).min()?;
        Some(Duration::from_millis(u64::try_from(at - now_ms()).unwrap_or(0)))
    }

    /// Puts a frame in line, and deals with everything else at once.
    fn take(&mut self, job: Job, now: i64) {
        match job {
            Job::Up {
                link,
                peer,
                out,
                part,
            } => self.up(link, peer, (out, part), now),
            Job::Frame { link, frame, room } => self.line_up(link, frame, room),
            Job::Down { link } => {
                if let Some(seat) = self.seats.get_mut(&link) {
                    seat.gone = true;
                    self.touched.insert(link);
                }
            }
            // Read when the next round begins.
            Job::News => {}
            Job::Admin(question) => self.answer(question, now),
            Job::Reload(reload) => {
                let Reload {
                    served,
                    limits,
                    retention,
                } = *reload;
                self.books.pruner.retention = retention;
                self.books.permissions.served = served;
                self.books.quotas.with(|quotas| quotas.set_limits(limits));
                self.replica.set_policy(self.books.permissions.policy());
                self.turn_away();
            }
            Job::Drain => {
                self.draining = true;
                for (link, seat) in &mut self.seats {
                    seat.session
                        .close(CloseCode::Draining, Some(seconds(DRAIN_RETRY)));
                    self.touched.insert(*link);
                }
            }
        }
    }

    /// A session that was closed here may still be heard of until its connection knows.
    fn line_up(&mut self, link: LinkId, frame: Bytes, room: Room) {
        match self.seats.get(&link) {
            Some(seat) => self.fair.push(link, seat.lane, frame, room),
            None => {
                self.metrics.waiting.dec();
            }
        }
    }

    /// Deals with what waits and with what `more` comes meanwhile, up to a round's limits; then one commit, then the
    /// answers. Whoever comes in the middle and is fresh need not wait for the next round.
    fn round(&mut self, now: i64, mut more: impl FnMut() -> Option<Job>) {
        self.hear();
        let (start, mut round) = (Instant::now(), Round::after(self.commit_took));
        self.fair.begin_round();
        while round.goes_on(start.elapsed(), &self.fair) {
            let Some((link, frame, room)) = self.fair.next() else {
                break;
            };
            self.hold(&frame, now);
            let cost = self.frame(link, &frame, now);
            self.fair.spent(cost);
            self.metrics.waiting.dec();
            drop(room);
            // What it is told rests on nothing that a commit has yet to make durable.
            if self.replica.store().is_flushed() && self.touched.remove(&link) {
                self.release(link, now);
            }
            round.dealt(cost);
            // Bounded: the connections read no further while what they have read waits.
            while let Some(job) = more() {
                match job {
                    Job::Up { .. } | Job::Frame { .. } | Job::Down { .. } => self.take(job, now),
                    Job::Admin(_) | Job::Reload(_) | Job::News | Job::Drain => self.later.push(job),
                }
            }
        }
        self.tick(now);
        self.commit();
        for job in std::mem::take(&mut self.later) {
            self.take(job, now);
        }
        self.settle(now);
        // Written with the next commit; nothing waits for it. Looking for what changed costs a walk over all devices.
        if now.saturating_sub(self.contacts_at).abs() >= CONTACTS_EVERY_MS {
            self.contacts_at = now;
            if let Err(error) = self.books.contacts.stage(self.replica.store_mut(), false) {
                self.note_store(&error);
            }
            match self.replica.store().server_bytes() {
                Ok(bytes) => bytes.into_iter().for_each(|bytes| self.metrics.on_server(bytes)),
                Err(error) => self.note_store(&error),
            }
        }
        self.prune(now);
    }

    /// The last contacts are worth a commit of their own.
    fn close_books(mut self) {
        let staged = self.books.contacts.stage(self.replica.store_mut(), true);
        if let Err(error) = staged.and_then(|()| self.replica.flush()) {
            self.note_store(&error);
        }
    }

    /// Makes durable what the round brought. If that fails nobody is told that it worked: all come back.
    pub fn commit(&mut self) {
        let (writes, start) = (self.replica.store().staged_bytes() > 0, Instant::now());
        let flushed = self.replica.flush();
        if writes {
            self.commit_took = start.elapsed();
        }
        let fullest = self.books.quotas.with(|quotas| quotas.fullest(now_ms()));
        self.metrics.fullest_space.set(fullest);
        if flushed.is_ok() {
            self.books.quotas.with(Quotas::committed);
        } else {
            self.books.quotas.with(Quotas::give_back);
        }
        if let Err(error) = flushed {
            self.note_store(&error);
            for link in &self.touched {
                if let Some(seat) = self.seats.get_mut(link) {
                    seat.session.abandon();
                }
            }
        }
    }

    fn up(&mut self, link: LinkId, peer: SignKey, (out, part): (Outbox, Part), now: i64) {
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
        } else if self.books.permissions.blocked_devices.contains(&peer.device_id()) {
            session.close(CloseCode::Blocked, None);
        }
        let seat = Seat {
            session,
            peer,
            out,
            part,
            lane: Lane::Device(peer),
            deadline: None,
            spaces: Box::default(),
            counted: [0; 2],
            since: now,
            whole: false,
            gone: false,
        };
        self.seats.insert(link, Box::new(seat));
        self.touched.insert(link);
        let of_device = self.by_peer.entry(peer).or_default();
        of_device.insert(link);
        let too_many = of_device.len() > self.sessions_per_device;
        let oldest = too_many.then(|| of_device.pop_first()).flatten();
        let stranger = self.strangers.came(link, self.seats.len());
        for leaving in oldest.into_iter().chain(stranger) {
            if let Some(seat) = self.seats.get_mut(&leaving) {
                seat.session.close(CloseCode::Busy, Some(seconds(BUSY_RETRY)));
                self.touched.insert(leaving);
            }
        }
    }

    /// What it cost: bytes taken in and queued for sending, and the signatures that were checked.
    fn frame(&mut self, link: LinkId, frame: &Bytes, now: i64) -> u64 {
        let Some(seat) = self.seats.get_mut(&link) else {
            return 0;
        };
        let before = seat.session.stats();
        let result = seat.session.on_frame(&mut self.replica, frame, now);
        let after = seat.session.stats();
        self.note(link, &result);
        self.touched.insert(link);
        let checked = (after.envelopes_in - before.envelopes_in) * ENVELOPE_COST_BYTES;
        frame.len() as u64 + (after.bytes_out - before.bytes_out) + checked
    }

    fn tick(&mut self, now: i64) {
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
                self.touched.insert(link);
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

    pub fn note_store(&self, error: &StoreError) {
        if matches!(error, StoreError::Moved) {
            return tracing::info!(
                "another relay wrote the same space at the same moment; its phones come back"
            );
        }
        tracing::error!(%error, "the database fails");
        self.health.store_failed(error);
    }

    /// Releases what the sessions want done, then what other sessions gain by it.
    pub fn settle(&mut self, now: i64) {
        for link in std::mem::take(&mut self.touched) {
            self.release(link, now);
        }
        // Fan-out makes sessions send, never receive: nothing grows from it.
        for (space, grown) in std::mem::take(&mut self.grown) {
            if grown.after != WHEREVER {
                self.books.contacts.grown(space.unit, now);
            }
            self.fan_out(&space, &grown, now);
        }
    }

    /// A space has more than `after`; who brought it need not be told.
    pub fn gained(&mut self, space: Space, after: u64, from: Option<LinkId>) {
        gained(&mut self.grown, space, after, from);
    }

    /// Spaces that somebody listens to.
    pub fn subscribed(&self) -> Vec<Space> {
        self.subscribers.keys().copied().collect()
    }

    fn fan_out(&mut self, space: &Space, grown: &Grown, now: i64) {
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
                self.release(link, now);
            }
        }
    }

    /// Polls one session dry.
    fn release(&mut self, link: LinkId, now: i64) {
        let Some(seat) = self.seats.get_mut(&link) else {
            return;
        };
        let (mut opened, mut caught_up, mut over) = (Vec::new(), false, false);
        while let Some(output) = seat.session.poll() {
            match output {
                Output::Frame(frame) => {
                    count_denial(&self.metrics, &frame, now);
                    over |= !seat.out.send(Outgoing::Frame(frame)) && !seat.gone;
                }
                Output::Close(reason) => {
                    // When it cannot be queued the connection closes by itself, once its queue is empty.
                    seat.out.send(Outgoing::Close(carried(reason)));
                    over = true;
                }
                Output::Event(SessionEvent::Opened { space }) => opened.push(space),
                Output::Event(SessionEvent::Hello { now: theirs, .. }) => {
                    self.metrics.skew(now.saturating_sub(theirs));
                }
                Output::Event(SessionEvent::CaughtUp) => caught_up = true,
                // Who does not stay says so by closing.
                Output::Event(SessionEvent::Closed(reason)) => caught_up |= reason.code == CloseCode::Done,
                Output::Event(SessionEvent::Received { space, after, .. }) => {
                    gained(&mut self.grown, space, after, Some(link));
                }
                Output::Event(SessionEvent::Rejected { reason, .. }) => {
                    self.metrics.refuse(refuse_label(reason), now);
                }
                Output::Event(_) => {}
            }
        }
        count(&self.metrics, seat);
        let ends = over || (seat.gone && self.fair.idle(link));
        if (caught_up || (ends && seat.whole)) && seat.follows(&self.replica) {
            if !std::mem::replace(&mut seat.whole, true) {
                self.metrics.synced(now.saturating_sub(seat.since), now);
            }
            self.books.contacts.whole(seat.peer.device_id(), now);
        }
        if ends {
            return self.forget(link);
        }
        let mut lost = Vec::new();
        if !opened.is_empty() {
            let spaces = seat.session.subscriptions().into_boxed_slice();
            // A phone opens its own unit before those above it. A roll alone is listened to by strangers too.
            let inside = |space: &&Space| space.kind != SpaceKind::Roll && spaces.contains(space);
            if let (Lane::Device(_), Some(first)) = (seat.lane, opened.iter().find(inside)) {
                seat.lane = Lane::Unit(first.unit);
                self.parts.give(first.unit, &seat.part);
                self.strangers.is_none(link);
                self.books.contacts.seen(seat.peer.device_id(), first.unit, now);
            }
            // Both are in order.
            let lacks = |of: &[Space], space: &&Space| of.binary_search(space).is_err();
            for space in spaces.iter().filter(|space| lacks(&seat.spaces, space)) {
                self.subscribers.entry(*space).or_default().insert(link);
            }
            lost.extend(seat.spaces.iter().filter(|space| lacks(&spaces, space)).copied());
            seat.spaces = spaces;
        }
        for space in &lost {
            unsubscribe(&mut self.subscribers, space, link);
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
        self.strangers.is_none(link);
        for _ in 0..self.fair.forget(link) {
            self.metrics.waiting.dec();
        }
        for space in &seat.spaces {
            unsubscribe(&mut self.subscribers, space, link);
        }
        if let Some(links) = self.by_peer.get_mut(&seat.peer) {
            links.remove(&link);
            if links.is_empty() {
                self.by_peer.remove(&seat.peer);
            }
        }
    }
}

fn gained(grown: &mut BTreeMap<Space, Grown>, space: Space, after: u64, from: Option<LinkId>) {
    let grown = grown.entry(space).or_insert(Grown { after, from });
    grown.after = grown.after.min(after);
    grown.from = grown.from.filter(|one| Some(*one) == from);
}

fn unsubscribe(subscribers: &mut BTreeMap<Space, BTreeSet<LinkId>>, space: &Space, link: LinkId) {
    if let Some(links) = subscribers.get_mut(space) {
        links.remove(&link);
        if links.is_empty() {
            subscribers.remove(space);
        }
    }
}

/// Adds what a session moved since it was last counted.
fn count(metrics: &Metrics, seat: &mut Seat) {
    let stats = seat.session.stats();
    let now = [stats.envelopes_in, stats.envelopes_out];
    let [taken, given] = std::mem::replace(&mut seat.counted, now);
    for (direction, envelopes) in [("in", now[0] - taken), ("out", now[1] - given)] {
        if envelopes > 0 {
            metrics
                .envelopes
                .get_or_create(&Direction { direction })
                .inc_by(envelopes);
        }
    }
}

/// What the operator sees first when `--allow` names the wrong unit. A session tells its denials to the phone only.
fn count_denial(metrics: &Metrics, frame: &[u8], now: i64) {
    if frame.len() <= DENY_FRAME_BYTES_MAX
        && let Ok(Message::Deny(deny)) = Message::decode(frame)
    {
        metrics.deny(deny_label(deny.reason), now);
    }
}

#[cfg(test)]
#[path = "shard_tests.rs"]
mod tests;
