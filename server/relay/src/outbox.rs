//! What waits to be sent to one phone: a short list between the shard and the connection's task.
//!
//! Not a channel of tokio's, which keeps blocks of 32 places ready for a phone that is told nothing for hours.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sotay_net::Close;
use tokio::sync::Notify;

/// Frames that wait for one phone. The session's credit bounds their bytes; a phone that lets so many wait is closed.
pub(crate) const OUTBOX_FRAMES_MAX: usize = 2048;
/// What a phone may let wait when all of them together let wait more than the limit.
pub(crate) const OUTGOING_PART_BYTES: usize = 64 * 1024;

/// What the shard asks of a connection.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// To be sent.
    Frame(Arc<[u8]>),
    /// The last thing: close, once everything before has arrived.
    Close(Close),
}

impl Outgoing {
    fn bytes(&self) -> usize {
        match self {
            Self::Frame(frame) => frame.len(),
            Self::Close(_) => 0,
        }
    }
}

/// Bytes that wait to be sent to all phones, and how many may.
#[derive(Debug)]
pub(crate) struct Outgoings {
    bytes: AtomicUsize,
    max: usize,
}

impl Outgoings {
    /// None yet.
    pub fn new(max: usize) -> Arc<Self> {
        let bytes = AtomicUsize::new(0);
        Arc::new(Self { bytes, max })
    }

    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Outgoing>,
    /// Bytes that wait, and those of the frame that is being sent.
    bytes: usize,
    /// One of the two ends is gone: nothing is taken any more, what waits is still handed out.
    over: bool,
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Notify,
    frames_max: usize,
    all: Arc<Outgoings>,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Nothing in here panics half-way.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The way to one phone. Never waits.
#[derive(Debug)]
pub(crate) struct Outbox(Arc<Shared>);

/// The other end of an [`Outbox`].
#[derive(Debug)]
pub(crate) struct Inbox(Arc<Shared>);

/// A way for so many frames; `all` counts the bytes of every phone's.
pub(crate) fn outbox(frames_max: usize, all: Arc<Outgoings>) -> (Outbox, Inbox) {
    let shared = Arc::new(Shared {
        queue: Mutex::default(),
        changed: Notify::new(),
        frames_max,
        all,
    });
    (Outbox(shared.clone()), Inbox(shared))
}

impl Outbox {
    /// Whether there was room: for the frame in this phone's queue, and for its bytes among those of all.
    pub fn send(&self, outgoing: Outgoing) -> bool {
        let (shared, bytes) = (&self.0, outgoing.bytes());
        let mut queue = shared.queue();
        if queue.over || queue.waiting.len() >= shared.frames_max {
            return false;
        }
        let all = shared.all.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if bytes > 0 && all > shared.all.max && queue.bytes + bytes > OUTGOING_PART_BYTES {
            shared.all.bytes.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        queue.bytes += bytes;
        queue.waiting.push_back(outgoing);
        drop(queue);
        shared.changed.notify_one();
        true
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.0.queue().over = true;
        self.0.changed.notify_one();
    }
}

impl Inbox {
    /// The next one; `None` once nothing waits and the shard has let go. Its bytes count until [`Self::sent`]. Cancel-safe.
    pub async fn recv(&mut self) -> Option<Outgoing> {
        loop {
            {
                let mut queue = self.0.queue();
                if let Some(outgoing) = queue.waiting.pop_front() {
                    if queue.waiting.is_empty() {
                        // Whoever was told much once keeps no room for it.
                        queue.waiting = VecDeque::new();
                    }
                    return Some(outgoing);
                }
                if queue.over {
                    return None;
                }
            }
            // What came since the look is remembered.
            self.0.changed.notified().await;
        }
    }

    /// So many bytes of what was received wait no longer.
    pub fn sent(&self, bytes: usize) {
        self.0.queue().bytes -= bytes;
        self.0.all.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// What waits now, as if it were sent at once.
    #[cfg(test)]
    pub fn try_recv(&mut self) -> Option<Outgoing> {
        let outgoing = self.0.queue().waiting.pop_front()?;
        self.sent(outgoing.bytes());
        Some(outgoing)
    }

    /// Whether the shard has let go and nothing waits.
    #[cfg(test)]
    pub fn is_over(&self) -> bool {
        let queue = self.0.queue();
        queue.over && queue.waiting.is_empty()
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        queue.over = true;
        queue.waiting = VecDeque::new();
        let bytes = std::mem::take(&mut queue.bytes);
        drop(queue);
        self.0.all.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn frame(bytes: usize) -> Outgoing {
        Outgoing::Frame(vec![0; bytes].into())
    }

    #[test]
    fn what_waits_for_all_phones_is_bounded_and_who_lets_little_wait_is_spared() {
        let all = Outgoings::new(3 * OUTGOING_PART_BYTES);
        let (slow, slow_inbox) = outbox(100, all.clone());
        let (quick, mut quick_inbox) = outbox(100, all.clone());
        for _ in 0..3 {
            assert!(slow.send(frame(OUTGOING_PART_BYTES)));
        }
        assert!(!slow.send(frame(1)), "one byte over the limit");
        assert!(
            slow.send(Outgoing::Close(Close::DONE)),
            "a goodbye weighs nothing"
        );
        assert!(quick.send(frame(OUTGOING_PART_BYTES)));
        assert!(!quick.send(frame(1)));
        assert!(quick_inbox.try_recv().is_some());
        assert!(quick.send(frame(1)));
        drop(slow_inbox);
        assert!(!slow.send(frame(1)), "nobody is there");
        assert_eq!(all.bytes(), 1);
    }

    #[test]
    fn one_frame_more_than_may_wait_is_not_taken_and_neither_is_a_goodbye() {
        let (phone, mut inbox) = outbox(OUTBOX_FRAMES_MAX, Outgoings::new(usize::MAX));
        for _ in 0..OUTBOX_FRAMES_MAX {
            assert!(phone.send(frame(1)));
        }
        assert!(!phone.send(frame(1)));
        assert!(!phone.send(Outgoing::Close(Close::DONE)));
        assert!(inbox.try_recv().is_some());
        assert!(phone.send(frame(1)));
    }

    #[tokio::test]
    async fn what_waited_is_handed_out_after_the_shard_let_go_and_counts_until_it_is_sent() {
        let all = Outgoings::new(100);
        let (phone, mut inbox) = outbox(10, all.clone());
        assert!(phone.send(frame(5)) && phone.send(frame(7)));
        drop(phone);
        assert!(matches!(inbox.recv().await, Some(Outgoing::Frame(frame)) if frame.len() == 5));
        assert_eq!(all.bytes(), 12, "it is on its way");
        inbox.sent(5);
        assert_eq!(all.bytes(), 7);
        assert!(matches!(inbox.recv().await, Some(Outgoing::Frame(frame)) if frame.len() == 7));
        assert!(inbox.recv().await.is_none());
        drop(inbox);
        assert_eq!(all.bytes(), 0, "the second was never sent");
    }

    #[tokio::test]
    async fn whoever_waits_is_woken_by_a_frame_and_by_the_end() {
        let (phone, mut inbox) = outbox(10, Outgoings::new(100));
        let reader = tokio::spawn(async move {
            let mut frames = 0;
            while let Some(Outgoing::Frame(_)) = inbox.recv().await {
                frames += 1;
            }
            frames
        });
        for _ in 0..3 {
            tokio::task::yield_now().await;
            assert!(phone.send(frame(1)));
        }
        drop(phone);
        let frames = tokio::time::timeout(Duration::from_secs(60), reader).await;
        assert_eq!(frames.expect("it is woken").unwrap(), 3);
    }

    #[test]
    fn a_way_to_an_idle_phone_takes_no_more_than_a_few_words() {
        assert!(size_of::<Shared>() <= 160, "{}", size_of::<Shared>());
    }
}
