//! Changes handed to listeners: in order, in batches, from one thread, never under a lock.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use crate::event::Event;
use crate::worker::EventQueue;

/// Events in one batch; more come in the next one.
pub const BATCH_EVENTS_MAX: usize = 1_000;
/// Least time between two batches. Events that come meanwhile travel together.
pub const BATCH_GAP: Duration = Duration::from_millis(50);
/// Failures in a row after which a listener is dropped.
pub const LISTENER_FAILURES_MAX: u32 = 8;
/// Listeners of one profile.
pub const LISTENERS_MAX: usize = 64;

/// A listener could not take a batch. What went wrong is the listener's own business; here it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenerFailed;

/// Somebody who wants to know of changes. Calls come from one thread, one after the other.
pub trait Listener: Send + Sync {
    /// First call: from here on nothing is missed, so whatever is shown is read once now.
    fn on_start(&self) -> Result<(), ListenerFailed>;

    /// Changes, oldest first; at most [`BATCH_EVENTS_MAX`].
    fn on_events(&self, events: &[Event]) -> Result<(), ListenerFailed>;
}

/// Why there is no subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    /// The engine was shut down.
    #[error("the handbook is closed")]
    Stopped,
    /// There are [`LISTENERS_MAX`] already: cancel subscriptions that are not needed.
    #[error("there are {LISTENERS_MAX} listeners already")]
    TooMany,
    /// The operating system gives no thread.
    #[error("the operating system gives no thread")]
    NoThread,
}

/// What a listener was given so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SubscriptionStats {
    /// Calls that began, the first one included.
    pub batches: u64,
    /// Events in them.
    pub events: u64,
    /// Nanoseconds spent inside the listener.
    pub nanos: u64,
    /// Failures in a row.
    pub failures: u32,
    /// Whether it still listens.
    pub active: bool,
}

struct Slot {
    listener: Arc<dyn Listener>,
    ended: AtomicBool,
    started: AtomicBool,
    failures: AtomicU32,
    batches: AtomicU64,
    events: AtomicU64,
    nanos: AtomicU64,
}

impl Slot {
    /// Hands a batch over. A listener that fails too often is dropped: an app that lost its screen must not be called
    /// for ever.
    fn deliver(&self, events: &[Event]) {
        if !self.started.swap(true, Ordering::Relaxed) {
            self.call(0, || self.listener.on_start());
        }
        if !events.is_empty() {
            self.call(events.len(), || self.listener.on_events(events));
        }
    }

    fn call(&self, count: usize, call: impl FnOnce() -> Result<(), ListenerFailed>) {
        if self.ended.load(Ordering::Acquire) {
            return;
        }
        // Counted before the call, so that a listener that asks finds the batch it is holding.
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.events.fetch_add(count as u64, Ordering::Relaxed);
        let began = Instant::now();
        let taken = catch_unwind(AssertUnwindSafe(call)).unwrap_or(Err(ListenerFailed));
        let nanos = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
        if taken.is_ok() {
            self.failures.store(0, Ordering::Relaxed);
            return;
        }
        let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        tracing::warn!(failures, "a listener failed");
        if failures >= LISTENER_FAILURES_MAX {
            tracing::error!("a listener failed {LISTENER_FAILURES_MAX} times in a row and is dropped");
            self.ended.store(true, Ordering::Release);
        }
    }
}

/// A running subscription; dropping it ends it.
pub struct Subscription {
    slot: Arc<Slot>,
    listeners: Weak<Listeners>,
}

impl Subscription {
    /// No call begins after this returns; one that is running comes to its end.
    pub fn cancel(&self) {
        self.slot.ended.store(true, Ordering::Release);
        if let Some(listeners) = self.listeners.upgrade() {
            listeners.forget_ended();
        }
    }

    /// What the listener was given so far.
    pub fn stats(&self) -> SubscriptionStats {
        let slot = &self.slot;
        SubscriptionStats {
            batches: slot.batches.load(Ordering::Relaxed),
            events: slot.events.load(Ordering::Relaxed),
            nanos: slot.nanos.load(Ordering::Relaxed),
            failures: slot.failures.load(Ordering::Relaxed),
            active: !slot.ended.load(Ordering::Acquire),
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.cancel();
    }
}

struct Pump {
    thread: ThreadId,
    ended: Receiver<()>,
}

/// The listeners of one engine. The thread begins with the first of them.
#[derive(Default)]
pub(crate) struct Listeners {
    slots: Mutex<Vec<Arc<Slot>>>,
    pump: Mutex<Option<Pump>>,
}

impl Listeners {
    pub fn subscribe(
        self: &Arc<Self>,
        queue: &Arc<EventQueue>,
        listener: Arc<dyn Listener>,
    ) -> Result<Subscription, SubscribeError> {
        if queue.is_closed() {
            return Err(SubscribeError::Stopped);
        }
        let slot = Arc::new(Slot {
            listener,
            ended: AtomicBool::new(false),
            started: AtomicBool::new(false),
            failures: AtomicU32::new(0),
            batches: AtomicU64::new(0),
            events: AtomicU64::new(0),
            nanos: AtomicU64::new(0),
        });
        self.start(queue)?;
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|slot| !slot.ended.load(Ordering::Acquire));
        if slots.len() >= LISTENERS_MAX {
            return Err(SubscribeError::TooMany);
        }
        slots.push(Arc::clone(&slot));
        drop(slots);
        queue.wake();
        Ok(Subscription {
            slot,
            listeners: Arc::downgrade(self),
        })
    }

    fn start(self: &Arc<Self>, queue: &Arc<EventQueue>) -> Result<(), SubscribeError> {
        let mut pump = self.pump.lock().unwrap_or_else(PoisonError::into_inner);
        if pump.is_some() {
            return Ok(());
        }
        let (done, ended) = sync_channel(1);
        let (listeners, queue) = (Arc::clone(self), Arc::clone(queue));
        let thread = std::thread::Builder::new()
            .name("sotay-changes".to_owned())
            .spawn(move || {
                listeners.run(&queue);
                let _ = done.send(());
            })
            .map_err(|_| SubscribeError::NoThread)?;
        *pump = Some(Pump {
            thread: thread.thread().id(),
            ended,
        });
        Ok(())
    }

    fn run(&self, queue: &EventQueue) {
        let mut wakes = 0;
        while queue.wait(&mut wakes) {
            let events = queue.take(BATCH_EVENTS_MAX);
            // The list is copied, so that a listener may subscribe, cancel or shut down.
            let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner).clone();
            for slot in &slots {
                slot.deliver(&events);
            }
            drop(slots);
            self.forget_ended();
            if events.len() < BATCH_EVENTS_MAX {
                queue.pause(BATCH_GAP);
            }
        }
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn forget_ended(&self) {
        let mut ended = Vec::new();
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|slot| {
            let keep = !slot.ended.load(Ordering::Acquire);
            if !keep {
                ended.push(Arc::clone(slot));
            }
            keep
        });
        drop(slots);
        // What a listener does when it is dropped is not known, so no lock is held then.
        drop(ended);
    }

    /// Waits for the last call to end, unless a listener itself is asking or does not come back within `limit`.
    pub fn join(&self, limit: Duration) {
        let pump = self.pump.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(pump) = pump else { return };
        if pump.thread != std::thread::current().id()
            && pump.ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout)
        {
            tracing::warn!("a listener does not come back");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Sender, channel};

    const LONG: Duration = Duration::from_secs(20);

    enum Told {
        Start(ThreadId),
        Events(ThreadId, usize),
    }

    struct Recorder(Sender<Told>);

    impl Listener for Recorder {
        fn on_start(&self) -> Result<(), ListenerFailed> {
            let _ = self.0.send(Told::Start(std::thread::current().id()));
            Ok(())
        }

        fn on_events(&self, events: &[Event]) -> Result<(), ListenerFailed> {
            let _ = self
                .0
                .send(Told::Events(std::thread::current().id(), events.len()));
            Ok(())
        }
    }

    fn running() -> (Arc<Listeners>, Arc<EventQueue>) {
        (Arc::default(), Arc::default())
    }

    #[test]
    fn ten_thousand_events_arrive_in_order_in_few_batches_from_one_thread_after_a_start() {
        let (listeners, queue) = running();
        let (sender, told) = channel();
        let _subscription = listeners.subscribe(&queue, Arc::new(Recorder(sender))).unwrap();
        let Ok(Told::Start(thread)) = told.recv_timeout(LONG) else {
            panic!("no start")
        };
        for _ in 0..10_000 {
            queue.push(Event::Names);
        }
        let (mut seen, mut batches) = (0, 0);
        while seen < 10_000 {
            let Ok(Told::Events(from, count)) = told.recv_timeout(LONG) else {
                panic!("{seen} came")
            };
            assert_eq!(from, thread);
            assert!(count <= BATCH_EVENTS_MAX);
            seen += count;
            batches += 1;
        }
        assert!(batches < 100, "{batches}");
        queue.close();
        listeners.join(LONG);
        assert_eq!(
            listeners.subscribe(&queue, Arc::new(Recorder(channel().0))).err(),
            Some(SubscribeError::Stopped)
        );
    }

    struct Broken(Sender<()>);

    impl Listener for Broken {
        fn on_start(&self) -> Result<(), ListenerFailed> {
            Err(ListenerFailed)
        }

        fn on_events(&self, _: &[Event]) -> Result<(), ListenerFailed> {
            let _ = self.0.send(());
            panic!("as asked")
        }
    }

    #[test]
    fn a_listener_that_panics_is_dropped_after_a_few_calls_and_others_go_on() {
        let (listeners, queue) = running();
        let (sender, calls) = channel();
        let broken = listeners.subscribe(&queue, Arc::new(Broken(sender))).unwrap();
        let (sender, told) = channel();
        let _good = listeners.subscribe(&queue, Arc::new(Recorder(sender))).unwrap();
        // The start was the first failure.
        for _ in 1..LISTENER_FAILURES_MAX {
            queue.push(Event::Names);
            calls.recv_timeout(LONG).expect("called");
        }
        while told
            .recv_timeout(LONG)
            .is_ok_and(|told| matches!(told, Told::Start(_)))
        {}
        queue.push(Event::Names);
        assert!(matches!(told.recv_timeout(LONG), Ok(Told::Events(..))));
        queue.close();
        listeners.join(LONG);
        assert_eq!(broken.stats().failures, LISTENER_FAILURES_MAX);
        assert!(!broken.stats().active);
    }

    #[test]
    fn a_cancelled_listener_hears_nothing_more() {
        let (listeners, queue) = running();
        let (sender, told) = channel();
        let subscription = listeners.subscribe(&queue, Arc::new(Recorder(sender))).unwrap();
        assert!(matches!(told.recv_timeout(LONG), Ok(Told::Start(_))));
        subscription.cancel();
        queue.push(Event::Names);
        queue.close();
        listeners.join(LONG);
        assert!(told.try_recv().is_err());
    }

    #[test]
    fn one_listener_over_the_limit_is_refused() {
        let (listeners, queue) = running();
        let one = || listeners.subscribe(&queue, Arc::new(Recorder(channel().0)));
        let all: Vec<_> = (0..LISTENERS_MAX).map(|_| one().unwrap()).collect();
        assert_eq!(one().err(), Some(SubscribeError::TooMany));
        drop(all);
        assert!(one().is_ok());
        queue.close();
        listeners.join(LONG);
    }
}
