//! The thread that owns a device: one loop, everything in order, nothing under a lock.

use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sotay_feed::SignKey;
use sotay_store::SqliteStore;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::device::{Device, LinkId, LinkOutput};
use crate::error::DeviceError;
use crate::event::Event;

/// Jobs that wait for the worker; beyond it network tasks wait, so a slow disk slows the network down.
pub(crate) const JOBS_WAITING_MAX: usize = 256;
/// Events kept for an app that does not fetch them; then [`Event::Missed`] stands for what was dropped.
pub const EVENTS_WAITING_MAX: usize = 10_000;

/// How long nobody has asked for anything before what can wait is done: [`Device::rest`].
const REST_AFTER: Duration = Duration::from_secs(2);

/// Which end of a connection this phone is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// It connected to a relay or to a phone that hosts; `live` goes on after everything was exchanged.
    Caller { live: bool },
    /// It hosts, and a phone connected to it.
    Host,
}

pub(crate) type Call = Box<dyn FnOnce(&mut Device<SqliteStore>, i64) + Send>;

/// What the worker is asked to do.
pub(crate) enum Job {
    /// A call of the app.
    Call(Call),
    /// A connection is up, and the other end has proven its key; outputs go to `out`, and why the device ended it, if it did.
    Up {
        link: LinkId,
        peer: SignKey,
        side: Side,
        out: mpsc::UnboundedSender<ToLink>,
    },
    /// A frame came in.
    Frame { link: LinkId, frame: Vec<u8> },
    /// A connection is gone.
    Down { link: LinkId },
    /// Finish what is queued and end.
    Stop,
    /// The same, because the profile is locked now.
    Lock,
}

/// What a connection is told: what to do next, or why the device cannot go on with it.
pub(crate) type ToLink = Result<LinkOutput, DeviceError>;

/// When a profile locks itself, and whether it is locked.
#[derive(Default)]
pub(crate) struct Idle {
    /// `None` is never.
    pub after: Option<Duration>,
    touched: AtomicI64,
    locked: AtomicBool,
}

impl Idle {
    pub fn new(after: Option<Duration>) -> Self {
        let idle = Self {
            after,
            ..Self::default()
        };
        idle.touch();
        idle
    }

    /// Somebody is there.
    pub fn touch(&self) {
        self.touched.store(now_ms(), Ordering::Relaxed);
    }

    pub fn is_locked(&self) -> bool {
        self.locked.load(Ordering::Acquire)
    }

    /// How long it may go on without a touch. A clock that was set back counts as a touch.
    fn left(&self) -> Option<Duration> {
        let after = self.after?;
        let passed = now_ms().saturating_sub(self.touched.load(Ordering::Relaxed));
        match u64::try_from(passed) {
            Ok(passed) => Some(after.saturating_sub(Duration::from_millis(passed))),
            Err(_) => {
                self.touch();
                Some(after)
            }
        }
    }
}

/// Milliseconds since 1970 UTC by the system's clock.
pub(crate) fn now_ms() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
    }
}

/// Events on their way to the app.
#[derive(Default)]
pub(crate) struct EventQueue {
    state: Mutex<Waiting>,
    arrived: Condvar,
}

#[derive(Default)]
struct Waiting {
    events: VecDeque<Event>,
    wakes: u64,
    closed: bool,
}

impl EventQueue {
    pub fn push(&self, event: Event) {
        let mut state = self.lock();
        if state.events.len() >= EVENTS_WAITING_MAX {
            state.events.clear();
            state.events.push_back(Event::Missed);
        }
        state.events.push_back(event);
        self.arrived.notify_all();
    }

    /// The oldest event; waits for one up to `timeout`, or until the queue is closed.
    pub fn next(&self, timeout: Duration) -> Option<Event> {
        let until = Instant::now() + timeout;
        let mut state = self.lock();
        loop {
            if let Some(event) = state.events.pop_front() {
                return Some(event);
            }
            let left = until
                .checked_duration_since(Instant::now())
                .filter(|_| !state.closed)?;
            state = self
                .arrived
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Waits until there are events or somebody woke the queue; `false` when it is closed and empty.
    pub fn wait(&self, wakes: &mut u64) -> bool {
        let mut state = self.lock();
        loop {
            let woken = state.wakes != *wakes;
            *wakes = state.wakes;
            if woken || !state.events.is_empty() {
                return true;
            }
            if state.closed {
                return false;
            }
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Lets `time` pass, less if the queue is closed meanwhile.
    pub fn pause(&self, time: Duration) {
        let state = self.lock();
        let _state = self
            .arrived
            .wait_timeout_while(state, time, |state| !state.closed);
    }

    /// Up to `most` events, oldest first.
    pub fn take(&self, most: usize) -> Vec<Event> {
        let mut state = self.lock();
        let count = state.events.len().min(most);
        state.events.drain(..count).collect()
    }

    /// Makes [`EventQueue::wait`] return once.
    pub fn wake(&self) {
        self.lock().wakes += 1;
        self.arrived.notify_all();
    }

    /// Nothing more will come.
    pub fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
    }

    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) struct Worker {
    device: Device<SqliteStore>,
    links: BTreeMap<LinkId, mpsc::UnboundedSender<ToLink>>,
    events: Arc<EventQueue>,
    idle: Arc<Idle>,
}

impl Worker {
    pub fn new(device: Device<SqliteStore>, events: Arc<EventQueue>, idle: Arc<Idle>) -> Self {
        Self {
            device,
            links: BTreeMap::new(),
            events,
            idle,
        }
    }

    /// Works until told to stop or until every sender of jobs is gone.
    pub fn run(mut self, runtime: &Handle, mut jobs: mpsc::Receiver<Job>) {
        loop {
            let job = runtime.block_on(async {
                match self.next_deadline() {
                    None => Wake::Job(jobs.recv().await),
                    Some(wait) => match tokio::time::timeout(wait, jobs.recv()).await {
                        Ok(job) => Wake::Job(job),
                        Err(_) => Wake::Deadline,
                    },
                }
            });
            let mut next = match job {
                Wake::Job(None) => return self.stop(),
                Wake::Job(Some(job)) => Some(job),
                Wake::Deadline => {
                    self.tick();
                    self.guarded(|worker| worker.device.rest());
                    None
                }
            };
            if self.idle.left().is_some_and(|left| left.is_zero()) {
                return self.lock();
            }
            // Everything that waits is done before edits are sealed: calls that come together travel together.
            while let Some(job) = next {
                match job {
                    Job::Stop => return self.stop(),
                    Job::Lock => return self.lock(),
                    _ => {}
                }
                self.guarded(|worker| worker.work(job));
                next = jobs.try_recv().ok();
            }
            self.guarded(|worker| {
                let result = worker.device.push_local();
                worker.report(worker_result(result));
            });
            self.drain();
        }
    }

    fn work(&mut self, job: Job) {
        let now = now_ms();
        match job {
            Job::Call(call) => call(&mut self.device, now),
            Job::Up {
                link,
                peer,
                side,
                out,
            } => {
                self.links.insert(link, out);
                let result = match side {
                    Side::Host => self.device.link_accept(link, peer, now),
                    Side::Caller { live } if self.device.is_phone(&peer) => {
                        self.device.link_up_to_phone(link, peer, live, now)
                    }
                    Side::Caller { live } => self.device.link_up(link, peer, live, now),
                };
                self.link_result(link, result);
            }
            Job::Frame { link, frame } => {
                let result = self.device.link_frame(link, &frame, now);
                self.link_result(link, result);
            }
            Job::Down { link } => {
                self.links.remove(&link);
                let result = self.device.link_down(link);
                self.report(worker_result(result));
            }
            Job::Stop | Job::Lock => {}
        }
        self.drain();
    }

    /// A store that fails ends the session; what was acknowledged is on disk, the rest is asked for again later.
    fn link_result(&mut self, link: LinkId, result: Result<(), DeviceError>) {
        if let Err(error) = result {
            self.report(Some(error.to_string()));
            if let Some(out) = self.links.remove(&link) {
                let _ = out.send(Err(error));
            }
            let down = self.device.link_down(link);
            self.report(worker_result(down));
        }
    }

    fn report(&mut self, trouble: Option<String>) {
        if let Some(text) = trouble {
            tracing::warn!(%text, "worker");
            self.events.push(Event::Trouble { text });
        }
    }

    /// A panic in a call must not take the app down: the documents in memory are dropped and read again from disk.
    fn guarded(&mut self, f: impl FnOnce(&mut Self)) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| f(self))) {
            tracing::error!(what = panic_text(&*panic), "panic contained");
            self.device.forget_open_documents();
            self.events.push(Event::Trouble {
                text: "internal error; documents were reloaded".to_owned(),
            });
        }
    }

    fn next_deadline(&self) -> Option<Duration> {
        let earliest = self
            .links
            .keys()
            .filter_map(|&link| self.device.link_deadline(link))
            .map(|(at, _)| at)
            .min()
            .map(|at| Duration::from_millis(u64::try_from(at.saturating_sub(now_ms())).unwrap_or(0)));
        let rest = self.device.has_rest().then_some(REST_AFTER);
        earliest.into_iter().chain(self.idle.left()).chain(rest).min()
    }

    fn tick(&mut self) {
        let now = now_ms();
        let links: Vec<LinkId> = self.links.keys().copied().collect();
        for link in links {
            if self.device.link_deadline(link).is_some_and(|(at, _)| at <= now) {
                let result = self.device.link_tick(link, now);
                self.link_result(link, result);
            }
        }
    }

    fn drain(&mut self) {
        for (&link, out) in &self.links {
            while let Some(output) = self.device.next_output(link) {
                // A closed receiver means the connection task ended; its `Down` is on the way.
                let _ = out.send(Ok(output));
            }
        }
        while let Some(event) = self.device.next_event() {
            self.events.push(event);
        }
    }

    /// Ends like [`Worker::stop`]; whoever calls from now on is told why.
    fn lock(self) {
        self.idle.locked.store(true, Ordering::Release);
        let events = Arc::clone(&self.events);
        self.stop();
        // Last of all: streams of apps end with it.
        events.push(Event::Locked);
    }

    fn stop(mut self) {
        let links: Vec<LinkId> = self.links.keys().copied().collect();
        for link in links {
            let result = self.device.link_down(link);
            self.report(worker_result(result));
        }
        self.guarded(|worker| worker.device.rest());
        self.drain();
    }
}

enum Wake {
    Job(Option<Job>),
    Deadline,
}

fn worker_result(result: Result<(), DeviceError>) -> Option<String> {
    result.err().map(|error| error.to_string())
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("unknown panic")
}
