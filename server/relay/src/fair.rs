//! Which waiting frame is dealt with next: units take turns by what their frames cost, and within a unit its phones.
//!
//! Deficit round robin: the unit at the front is served until it has spent what it was given, then it goes to the end.
//! However many phones a unit has and however much they say, the others wait for one turn of it at most.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use sotay_feed::{SignKey, UnitId};

use crate::link::{LinkId, Room};

/// What a unit may spend in one turn, in bytes of frames in and out. A frame that costs more is paid off in later turns.
pub(crate) const TURN_BYTES: i64 = 64 * 1024;
/// What every frame costs beside its bytes.
pub(crate) const FRAME_COST_BYTES: i64 = 512;

/// Who takes turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lane {
    /// The phones of a unit that are served.
    Unit(UnitId),
    /// A phone that is served nothing yet.
    Device(SignKey),
}

#[derive(Debug, Default)]
struct Turn {
    links: VecDeque<LinkId>,
    credit: i64,
}

#[derive(Debug)]
struct Waiting {
    lane: Lane,
    frames: VecDeque<(Bytes, Room)>,
}

/// Frames that wait. Bounded by the room that each of them holds.
#[derive(Debug, Default)]
pub(crate) struct Fair {
    links: BTreeMap<LinkId, Waiting>,
    lanes: BTreeMap<Lane, Turn>,
    order: VecDeque<Lane>,
    served: Option<Lane>,
    /// Turns that ended since the round began, and lanes that waited then.
    ended: usize,
    waited: usize,
}

impl Fair {
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// Whether nothing of a connection waits.
    pub fn idle(&self, link: LinkId) -> bool {
        !self.links.contains_key(&link)
    }

    /// Frames of one connection stay in order, also when it changes its lane.
    pub fn push(&mut self, link: LinkId, lane: Lane, frame: Bytes, room: Room) {
        if let Some(waiting) = self.links.get_mut(&link) {
            waiting.lane = lane;
            waiting.frames.push_back((frame, room));
            return;
        }
        let frames = VecDeque::from([(frame, room)]);
        self.links.insert(link, Waiting { lane, frames });
        self.line_up(link, lane);
    }

    fn line_up(&mut self, link: LinkId, lane: Lane) {
        let order = &mut self.order;
        let turn = self.lanes.entry(lane).or_insert_with(|| {
            order.push_back(lane);
            Turn {
                links: VecDeque::new(),
                credit: TURN_BYTES,
            }
        });
        turn.links.push_back(link);
    }

    /// A round begins.
    pub fn begin_round(&mut self) {
        self.ended = 0;
        self.waited = self.lanes.len();
    }

    /// Whether everybody who waited had a turn. One who waits alone goes on: nobody gains by an early commit.
    pub fn all_had_turns(&self) -> bool {
        self.waited > 1 && self.ended >= self.waited
    }

    /// The next frame. Its room is free again once the caller drops it.
    pub fn next(&mut self) -> Option<(LinkId, Bytes, Room)> {
        loop {
            let lane = *self.order.front()?;
            let turn = self.lanes.get_mut(&lane)?;
            let Some(&link) = turn.links.front() else {
                self.order.pop_front();
                self.lanes.remove(&lane);
                self.ended += 1;
                continue;
            };
            if turn.credit <= 0 {
                turn.credit += TURN_BYTES;
                self.order.rotate_left(1);
                self.ended += 1;
                continue;
            }
            turn.links.pop_front();
            // Forgotten meanwhile.
            let Some(waiting) = self.links.get_mut(&link) else {
                continue;
            };
            let Some((frame, room)) = waiting.frames.pop_front() else {
                self.links.remove(&link);
                continue;
            };
            let lane_now = waiting.lane;
            if waiting.frames.is_empty() {
                self.links.remove(&link);
            } else {
                self.line_up(link, lane_now);
            }
            self.served = Some(lane);
            return Some((link, frame, room));
        }
    }

    /// What the last frame given out has cost.
    pub fn spent(&mut self, bytes: u64) {
        let cost = i64::try_from(bytes).unwrap_or(i64::MAX / 2) + FRAME_COST_BYTES;
        if let Some(turn) = self.served.take().and_then(|lane| self.lanes.get_mut(&lane)) {
            turn.credit = turn.credit.saturating_sub(cost);
        }
    }

    /// How many frames of it waited.
    pub fn forget(&mut self, link: LinkId) -> usize {
        self.links.remove(&link).map_or(0, |waiting| waiting.frames.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(number: u8) -> Lane {
        Lane::Unit(UnitId::from_bytes([number; 32]))
    }

    fn push(fair: &mut Fair, link: u64, lane: Lane, bytes: usize) {
        fair.push(LinkId(link), lane, Bytes::from(vec![0; bytes]), Room::default());
    }

    /// Serves everything and gives the order of connections.
    fn served(fair: &mut Fair) -> Vec<u64> {
        std::iter::from_fn(|| {
            let (link, frame, _room) = fair.next()?;
            fair.spent(frame.len() as u64);
            Some(link.0)
        })
        .collect()
    }

    #[test]
    fn a_unit_with_sixty_busy_phones_delays_another_by_one_turn() {
        let mut fair = Fair::default();
        for link in 0..60 {
            for _ in 0..3 {
                push(&mut fair, link, unit(1), 60_000);
            }
        }
        push(&mut fair, 100, unit(2), 1000);
        push(&mut fair, 100, unit(2), 1000);
        let order = served(&mut fair);
        assert_eq!(order.len(), 182);
        let place = |nth| {
            order
                .iter()
                .enumerate()
                .filter(|(_, link)| **link == 100)
                .nth(nth)
        };
        assert!(place(0).unwrap().0 <= 2, "{order:?}");
        assert!(place(1).unwrap().0 <= 4, "{order:?}");
        assert!(fair.is_empty());
    }

    #[test]
    fn a_round_ends_when_all_had_turns_unless_one_waits_alone() {
        let frames = |fair: &mut Fair| {
            fair.begin_round();
            let mut frames = 0;
            while !fair.all_had_turns() && frames < 1000 {
                let Some((_, frame, _room)) = fair.next() else {
                    break;
                };
                fair.spent(frame.len() as u64);
                frames += 1;
            }
            frames
        };
        let mut fair = Fair::default();
        for link in 0..60 {
            push(&mut fair, link, unit(1), 60_000);
        }
        push(&mut fair, 100, unit(2), 1000);
        let first = frames(&mut fair);
        assert!((2..=5).contains(&first), "{first}");
        assert!(fair.idle(LinkId(100)));
        assert_eq!(frames(&mut fair), 61 - first, "alone it goes on");
    }

    #[test]
    fn frames_of_one_phone_stay_in_order_when_it_is_let_into_its_unit() {
        let mut fair = Fair::default();
        let key = sotay_feed::DeviceKeys::from_seeds([1; 32], [1; 32]).public().sign;
        for len in 1..=3 {
            push(&mut fair, 7, Lane::Device(key), len);
        }
        for len in 4..=6 {
            push(&mut fair, 7, unit(1), len);
        }
        let mut lens = Vec::new();
        while let Some((_, frame, _)) = fair.next() {
            lens.push(frame.len());
            fair.spent(1);
        }
        assert_eq!(lens, [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn phones_of_one_unit_take_turns() {
        let mut fair = Fair::default();
        for link in [1, 1, 1, 2, 3] {
            push(&mut fair, link, unit(1), 10);
        }
        assert_eq!(served(&mut fair), [1, 2, 3, 1, 1]);
    }

    #[test]
    fn nothing_is_left_of_a_connection_that_is_forgotten() {
        let mut fair = Fair::default();
        push(&mut fair, 1, unit(1), 10);
        push(&mut fair, 2, unit(1), 10);
        assert_eq!(fair.forget(LinkId(1)), 1);
        assert!(fair.idle(LinkId(1)));
        assert_eq!(served(&mut fair), [2]);
        assert!(fair.next().is_none() && fair.lanes.is_empty() && fair.order.is_empty());
    }
}
