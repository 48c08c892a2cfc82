//! Room for frames that wait to be dealt with: of a session, of its unit and of all. Whoever has none left is read no
//! further, so that a busy disk slows phones down and does not fill memory.
//!
//! A unit has a part of its own: else its phones, if they are many, would take all room, and who comes seldom would wait at
//! the door of a hall in which only the others are served.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, Weak};

use sotay_feed::UnitId;
use sotay_feed::limits::FRAME_BYTES_MAX;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What a frame that waits takes beside its bytes.
const FRAME_ROOM_BYTES: usize = 256;
/// The room of all is so many times that of one unit.
pub(crate) const UNITS_AT_ONCE: usize = 4;

/// The room that a waiting frame takes; free when dropped.
#[derive(Debug, Default)]
pub(crate) struct Room {
    _own: Option<OwnedSemaphorePermit>,
    _unit: Option<OwnedSemaphorePermit>,
    _all: Option<OwnedSemaphorePermit>,
}

/// A frame longer than this has to find room when it begins, so that those that never end do not fill memory.
pub(crate) const EARLY_ABOVE_BYTES: usize = 16 * 1024;

/// The unit's part in which a session takes its room; none until the shard has let it into a unit.
#[derive(Debug, Clone, Default)]
pub(crate) struct Part(Arc<OnceLock<Arc<Semaphore>>>);

impl Part {
    /// Whether its session was let into a unit.
    pub fn is_given(&self) -> bool {
        self.0.get().is_some()
    }
}

/// The parts of all units that have a session.
#[derive(Debug)]
pub(crate) struct Parts {
    bytes: usize,
    units: BTreeMap<UnitId, Weak<Semaphore>>,
}

impl Parts {
    /// Of a room of so many bytes.
    pub fn of(all_bytes: usize) -> Self {
        Self {
            bytes: (all_bytes / UNITS_AT_ONCE).max(FRAME_BYTES_MAX + FRAME_ROOM_BYTES),
            units: BTreeMap::new(),
        }
    }

    /// A session is its unit's from now on, and stays so.
    pub fn give(&mut self, unit: UnitId, part: &Part) {
        let known = self.units.get(&unit).and_then(Weak::upgrade);
        let room = known.unwrap_or_else(|| {
            let room = Arc::new(Semaphore::new(self.bytes));
            self.units.retain(|_, room| room.strong_count() > 0);
            self.units.insert(unit, Arc::downgrade(&room));
            room
        });
        // One that has a part keeps it.
        let _ = part.0.set(room);
    }
}

/// Where the frames of one session find room.
#[derive(Debug)]
pub(crate) struct Hall {
    own: Arc<Semaphore>,
    part: Part,
    commons: Arc<Commons>,
}

/// What all sessions share.
#[derive(Debug)]
pub(crate) struct Commons {
    all: Arc<Semaphore>,
    /// Those that were let into no unit together, for the frames that they have begun.
    strangers: Arc<Semaphore>,
}

impl Commons {
    /// Room of so many bytes.
    pub fn of(all_bytes: usize) -> Arc<Self> {
        let strangers = (all_bytes / UNITS_AT_ONCE).max(FRAME_BYTES_MAX + FRAME_ROOM_BYTES);
        Arc::new(Self {
            all: Arc::new(Semaphore::new(all_bytes)),
            strangers: Arc::new(Semaphore::new(strangers)),
        })
    }
}

impl Hall {
    /// For a session that may let so many bytes wait.
    pub fn new(own_bytes: usize, part: Part, commons: Arc<Commons>) -> Self {
        Self {
            own: Arc::new(Semaphore::new(own_bytes)),
            part,
            commons,
        }
    }

    /// Waits for room for a frame of so many bytes that is here.
    pub async fn room(&self, bytes: usize) -> Room {
        self.take(bytes, None).await
    }

    /// Waits for room for a frame of so many bytes of which a part is here. Whoever was let into no unit takes it from what
    /// all strangers have together: they cannot keep others waiting by never going on.
    pub async fn room_early(&self, bytes: usize) -> Room {
        self.take(bytes, Some(&self.commons.strangers)).await
    }

    async fn take(&self, bytes: usize, strangers: Option<&Arc<Semaphore>>) -> Room {
        let bytes = u32::try_from(bytes + FRAME_ROOM_BYTES).expect("a frame is no longer than its limit");
        // No semaphore is ever closed, and each is larger than any frame.
        let own = self.own.clone().acquire_many_owned(bytes).await.ok();
        let unit = match self.part.0.get().or(strangers) {
            Some(unit) => unit.clone().acquire_many_owned(bytes).await.ok(),
            None => None,
        };
        let all = self.commons.all.clone().acquire_many_owned(bytes).await.ok();
        Room {
            _own: own,
            _unit: unit,
            _all: all,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    const FRAME: usize = FRAME_BYTES_MAX;
    const ALL: usize = 8 * (FRAME + FRAME_ROOM_BYTES);

    fn ready(room: impl Future<Output = Room>) -> Option<Room> {
        match pin!(room).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(room) => Some(room),
            Poll::Pending => None,
        }
    }

    /// Room if there is some now.
    fn now(hall: &Hall, bytes: usize) -> Option<Room> {
        ready(hall.room(bytes))
    }

    #[test]
    fn strangers_who_begin_frames_and_do_not_end_them_keep_only_each_other_waiting() {
        let (all, mut parts) = (Commons::of(ALL), Parts::of(ALL));
        let hostile: Vec<Hall> = (0..50).map(|_| session(&all, None)).collect();
        let begun = |hall: &Hall| ready(hall.room_early(FRAME));
        let held: Vec<Room> = hostile.iter().filter_map(begun).collect();
        assert_eq!(held.len(), 8 / UNITS_AT_ONCE);
        // A phone that is known, and one that says who it is.
        let (known, greeting) = (session(&all, Some((&mut parts, 1))), session(&all, None));
        assert!(begun(&known).is_some() && now(&greeting, 1000).is_some());
        assert!(begun(&greeting).is_none());
        drop(held);
        assert!(begun(&greeting).is_some());
    }

    fn session(all: &Arc<Commons>, of: Option<(&mut Parts, u8)>) -> Hall {
        let part = Part::default();
        if let Some((parts, unit)) = of {
            parts.give(UnitId::from_bytes([unit; 32]), &part);
        }
        Hall::new(2 * (FRAME + FRAME_ROOM_BYTES), part, all.clone())
    }

    #[test]
    fn a_unit_of_many_phones_takes_its_part_and_leaves_the_rest_to_others() {
        let (all, mut parts) = (Commons::of(ALL), Parts::of(ALL));
        let greedy: Vec<Hall> = (0..50).map(|_| session(&all, Some((&mut parts, 1)))).collect();
        let taken: Vec<Room> = greedy.iter().filter_map(|hall| now(hall, FRAME)).collect();
        assert_eq!(taken.len(), 8 / UNITS_AT_ONCE);
        let normal = session(&all, Some((&mut parts, 2)));
        let stranger = session(&all, None);
        assert!(now(&normal, FRAME).is_some() && now(&stranger, FRAME).is_some());
        drop(taken);
        assert!(now(&greedy[20], FRAME).is_some());
    }

    #[test]
    fn a_session_has_its_own_limit_and_all_have_theirs() {
        let (all, mut parts) = (Commons::of(ALL), Parts::of(ALL));
        let one = session(&all, None);
        let held = [now(&one, FRAME), now(&one, FRAME)];
        assert!(held.iter().all(Option::is_some));
        assert!(now(&one, 1).is_none(), "one byte over its own");
        drop(held);
        let many: Vec<Hall> = (1..=9)
            .map(|unit| session(&all, Some((&mut parts, unit))))
            .collect();
        let taken: Vec<Room> = many.iter().filter_map(|hall| now(hall, FRAME)).collect();
        assert_eq!(taken.len(), 8, "one frame over what all may let wait");
    }

    #[test]
    fn parts_of_units_that_are_gone_are_forgotten() {
        let (all, mut parts) = (Commons::of(ALL), Parts::of(ALL));
        for unit in 0..100 {
            drop(session(&all, Some((&mut parts, unit))));
        }
        assert!(parts.units.len() <= 2, "{}", parts.units.len());
        let first = session(&all, Some((&mut parts, 7)));
        let second = session(&all, Some((&mut parts, 7)));
        assert!(Arc::ptr_eq(
            first.part.0.get().unwrap(),
            second.part.0.get().unwrap()
        ));
    }
}
