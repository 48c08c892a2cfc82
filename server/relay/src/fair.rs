//! Which waiting frame is dealt with next: units take turns by what their frames cost, and within a unit its phones.
//!
//! Deficit round robin with a lane for those who come seldom: a unit that had nothing waiting is *fresh* and is served
//! before those that always have something, for one turn; then it goes to the end of the line of the others. However many
//! phones a unit has and however much they say, who says little waits for one frame of it.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use sotay_feed::{SignKey, UnitId};

use crate::link::LinkId;
use crate::room::Room;

/// What a unit may spend in one turn, in bytes of frames in and out. A frame that costs more is paid off in later turns.
pub(crate) const TURN_BYTES: i64 = 64 * 1024;
/// What every frame costs beside its bytes.
pub(crate) const FRAME_COST_BYTES: i64 = 512;
/// What every envelope taken in costs beside its bytes: a signature is checked in the time in which so many are stored.
pub(crate) const ENVELOPE_COST_BYTES: u64 = 2048;
/// Frames of fresh lanes that are dealt with while others wait; then one of those comes between.
pub(crate) const FRESH_FRAMES_MAX: usize = 16;

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
    /// Lanes that came since they were last found empty.
    fresh: VecDeque<Lane>,
    /// Lanes that had a turn. One stays in line for a while when it is empty, so that nobody is fresh again at once.
    order: VecDeque<Lane>,
    served: Option<Lane>,
    /// Frames of fresh lanes since the last one of another.
    fresh_frames: usize,
    /// Whether a fresh lane was served since the round began.
    fresh_served: bool,
    /// Of several lanes that wait in line the last one, from the beginning of a round until its turn has ended.
    last: Option<Lane>,
    had_turns: bool,
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
        let fresh = &mut self.fresh;
        let turn = self.lanes.entry(lane).or_insert_with(|| {
            fresh.push_back(lane);
            Turn {
                links: VecDeque::new(),
                credit: TURN_BYTES,
            }
        });
        turn.links.push_back(link);
    }

    /// A round begins.
    pub fn begin_round(&mut self) {
        let waits = |lane: &&Lane| self.lanes.get(lane).is_some_and(|turn| !turn.links.is_empty());
        let mut waiting = self.order.iter().filter(waits);
        self.last = waiting.next_back().filter(|_| waiting.next().is_some()).copied();
        self.had_turns = false;
        self.fresh_served = false;
    }

    /// Whether everybody who waited in line had a turn. One who waits alone goes on: nobody gains by an early commit.
    pub fn all_had_turns(&self) -> bool {
        self.had_turns
    }

    /// Whether those who come seldom have been served, and now wait for nothing but the commit.
    pub fn fresh_are_done(&self) -> bool {
        self.fresh_served && self.fresh.is_empty()
    }

    /// The next frame. Its room is free again once the caller drops it.
    pub fn next(&mut self) -> Option<(LinkId, Bytes, Room)> {
        loop {
            let others_turn = self.fresh_frames >= FRESH_FRAMES_MAX && !self.order.is_empty();
            let is_fresh = !self.fresh.is_empty() && !others_turn;
            let line = if is_fresh {
                &mut self.fresh
            } else {
                &mut self.order
            };
            let lane = *line.front()?;
            let turn = self.lanes.get_mut(&lane)?;
            if turn.credit <= 0 || (is_fresh && turn.links.is_empty()) {
                // What it owes it pays off in line, also while it has nothing to say.
                turn.credit += if turn.credit <= 0 { TURN_BYTES } else { 0 };
                line.pop_front();
                self.order.push_back(lane);
                self.turn_ended(lane);
                continue;
            }
            let Some(link) = turn.links.pop_front() else {
                self.order.pop_front();
                self.lanes.remove(&lane);
                self.turn_ended(lane);
                continue;
            };
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
            self.fresh_frames = if is_fresh { self.fresh_frames + 1 } else { 0 };
            self.fresh_served |= is_fresh;
            self.served = Some(lane);
            return Some((link, frame, room));
        }
    }

    /// What the last frame given out has cost. A fresh lane that has nothing more, or has spent its turn, is done.
    pub fn spent(&mut self, bytes: u64) {
        let cost = i64::try_from(bytes).unwrap_or(i64::MAX / 2) + FRAME_COST_BYTES;
        let Some(lane) = self.served.take() else {
            return;
        };
        if let Some(turn) = self.lanes.get_mut(&lane) {
            turn.credit = turn.credit.saturating_sub(cost);
            if self.fresh.front() == Some(&lane) && (turn.credit <= 0 || turn.links.is_empty()) {
                turn.credit += if turn.credit <= 0 { TURN_BYTES } else { 0 };
                self.fresh.pop_front();
                self.order.push_back(lane);
            }
        }
    }

    fn turn_ended(&mut self, lane: Lane) {
        self.had_turns |= self.last == Some(lane);
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

    /// The places in which a connection was served.
    fn places(order: &[u64], link: u64) -> Vec<usize> {
        let served = order.iter().enumerate().filter(|(_, one)| **one == link);
        served.map(|(place, _)| place).collect()
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
        assert_eq!(places(&order, 100), [2, 3], "after one turn of who came first");
        assert!(fair.is_empty());
    }

    #[test]
    fn who_comes_seldom_is_served_before_those_who_always_have_something() {
        let mut fair = Fair::default();
        for link in 0..60 {
            push(&mut fair, link, unit(1), 60_000);
        }
        for _ in 0..5 {
            let (_, frame, _room) = fair.next().unwrap();
            fair.spent(frame.len() as u64);
        }
        for (link, number) in [(100, 2), (101, 3)] {
            push(&mut fair, link, unit(number), 1000);
        }
        assert_eq!(served(&mut fair)[..2], [100, 101]);
    }

    #[test]
    fn who_is_fresh_is_so_for_one_turn_only() {
        let mut fair = Fair::default();
        for link in 0..60 {
            push(&mut fair, link, unit(1), 60_000);
        }
        let (_, frame, _room) = fair.next().unwrap();
        fair.spent(frame.len() as u64);
        for _ in 0..10 {
            push(&mut fair, 100, unit(2), 30_000);
        }
        // What the first unit has left of its turn, then one turn of the other, then turn by turn.
        let order = served(&mut fair);
        let places = places(&order, 100);
        assert_eq!(places[..3], [1, 2, 3], "{order:?}");
        assert!(places[3] > 4, "{order:?}");
    }

    #[test]
    fn who_says_a_little_again_and_again_is_not_fresh_while_others_wait() {
        let mut fair = Fair::default();
        for link in 0..60 {
            push(&mut fair, link, unit(1), 60_000);
        }
        let (mut busy, mut small) = (0, 0);
        for _ in 0..400 {
            // As soon as its frame was dealt with it has another one.
            if fair.idle(LinkId(100)) {
                push(&mut fair, 100, unit(2), 100);
            }
            let (link, frame, _room) = fair.next().unwrap();
            fair.spent(frame.len() as u64);
            let cost = frame.len() as i64 + FRAME_COST_BYTES;
            *(if link == LinkId(100) {
                &mut small
            } else {
                &mut busy
            }) += cost;
        }
        assert!(small <= busy + 2 * TURN_BYTES, "{small} {busy}");
        assert!(busy <= small + 2 * TURN_BYTES, "{small} {busy}");
    }

    #[test]
    fn a_flood_of_strangers_leaves_a_busy_unit_every_seventeenth_frame() {
        let mut fair = Fair::default();
        for link in 0..10 {
            push(&mut fair, link, unit(1), 60_000);
        }
        let (_, frame, _room) = fair.next().unwrap();
        fair.spent(frame.len() as u64);
        let (_, frame, _room) = fair.next().unwrap();
        fair.spent(frame.len() as u64);
        for link in 100..200 {
            let key = sotay_feed::DeviceKeys::from_seeds([link as u8; 32], [1; 32])
                .public()
                .sign;
            push(&mut fair, link, Lane::Device(key), 100);
        }
        let order = served(&mut fair);
        let busy: Vec<usize> = (0..order.len()).filter(|place| order[*place] < 100).collect();
        // Two were its own while it was fresh.
        let first = FRESH_FRAMES_MAX - 2;
        let between = FRESH_FRAMES_MAX + 1;
        assert_eq!(
            busy[..3],
            [first, first + between, first + 2 * between],
            "{order:?}"
        );
    }

    #[test]
    fn a_frame_that_costs_many_turns_is_paid_off_even_if_nothing_more_comes_at_once() {
        let mut fair = Fair::default();
        push(&mut fair, 1, unit(1), 10);
        for link in 10..20 {
            push(&mut fair, link, unit(2), 60_000);
        }
        let (link, _, _room) = fair.next().unwrap();
        assert_eq!(link, LinkId(1));
        // It made the relay send four turns' worth.
        fair.spent(4 * TURN_BYTES as u64);
        push(&mut fair, 1, unit(1), 10);
        let order = served(&mut fair);
        assert!(places(&order, 1)[0] >= 4, "{order:?}");
    }

    #[test]
    fn a_round_ends_when_all_had_turns_unless_one_waits_alone() {
        let frames = |fair: &mut Fair| {
            fair.begin_round();
            let mut frames = 0;
            while !fair.all_had_turns() && !fair.fresh_are_done() && frames < 1000 {
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
        for link in 100..103 {
            push(&mut fair, link, unit(2), 60_000);
        }
        assert_eq!(frames(&mut fair), 4, "a turn of each while they are fresh");
        assert_eq!(
            frames(&mut fair),
            3,
            "a turn of each in line, in which they pay off what they owe"
        );
        push(&mut fair, 200, unit(3), 1000);
        assert_eq!(frames(&mut fair), 1, "who is fresh need not wait for others");
        assert_eq!(frames(&mut fair), 56, "alone it goes on");
        assert!(fair.is_empty());
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
