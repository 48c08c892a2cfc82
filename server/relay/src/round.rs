//! When a round of the shard ends, and its one commit begins.

use std::time::Duration;

use crate::fair::Fair;

/// Frames dealt with in one round.
pub(crate) const ROUND_FRAMES_MAX: usize = 128;
/// What frames may cost before a round ends, in bytes.
pub(crate) const ROUND_BYTES_MAX: u64 = 2 * 1024 * 1024;
/// A round of frames of busy units takes as long as the last commit did, and at least and at most so long: on a quick disk
/// nobody waits long, on a slow one no more than half of the time is spent on commits.
pub(crate) const ROUND_TIME_MIN: Duration = Duration::from_millis(4);
pub(crate) const ROUND_TIME_MAX: Duration = Duration::from_millis(20);

/// What a round has dealt with so far.
#[derive(Debug)]
pub(crate) struct Round {
    frames: usize,
    cost: u64,
    last_commit: Duration,
}

impl Round {
    /// The round after a commit that took so long.
    pub fn after(last_commit: Duration) -> Self {
        Self {
            frames: 0,
            cost: 0,
            last_commit,
        }
    }

    /// One more frame was dealt with.
    pub fn dealt(&mut self, cost: u64) {
        self.frames += 1;
        self.cost += cost;
    }

    /// Whether there is room for another frame, so long after the round began.
    ///
    /// Who comes seldom waits for nobody: once all such have been dealt with the commit begins. Among those who always
    /// have something to say a round is one turn of each, but not so short that commits take most of the time.
    pub fn goes_on(&self, passed: Duration, fair: &Fair) -> bool {
        let time = self.last_commit.clamp(ROUND_TIME_MIN, ROUND_TIME_MAX);
        self.frames < ROUND_FRAMES_MAX
            && self.cost < ROUND_BYTES_MAX
            && passed < time
            && !fair.fresh_are_done()
            && !(fair.all_had_turns() && passed >= self.last_commit.min(time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fair::{ENVELOPE_COST_BYTES, Lane};
    use crate::link::LinkId;
    use crate::room::Room;
    use bytes::Bytes;
    use sotay_feed::UnitId;

    const MS: Duration = Duration::from_millis(1);
    /// Envelopes of a greedy unit in one frame, and their bytes.
    const ENVELOPES: u32 = 20;
    const FRAME: usize = 64 * 1024;
    const GREEDY: LinkId = LinkId(1);

    fn unit(number: u8) -> Lane {
        Lane::Unit(UnitId::from_bytes([number; 32]))
    }

    /// A shard as the clock of a simulation sees it: checking one envelope takes 60 µs, storing one in a commit 30 µs.
    struct Machine {
        fair: Fair,
        now: Duration,
        last_commit: Duration,
        /// What every commit takes beside its envelopes.
        flush: Duration,
        stored: u64,
    }

    /// When units that say little want something: a frame of one envelope.
    struct Seldom {
        at: Vec<Duration>,
        next: usize,
    }

    impl Machine {
        fn new(flush: Duration) -> Self {
            Self {
                fair: Fair::default(),
                now: Duration::ZERO,
                last_commit: Duration::ZERO,
                flush,
                stored: 0,
            }
        }

        fn arrive(&mut self, greedy: bool, seldom: &mut Seldom, waiting: &mut Vec<(LinkId, Duration)>) {
            while greedy && self.fair.idle(GREEDY) {
                self.fair
                    .push(GREEDY, unit(1), Bytes::from(vec![0; FRAME]), Room::default());
            }
            while let Some(at) = seldom.at.get(seldom.next).filter(|at| **at <= self.now) {
                let link = LinkId(10 + seldom.next as u64);
                let lane = unit(2 + (seldom.next % 50) as u8);
                self.fair
                    .push(link, lane, Bytes::from(vec![0; 700]), Room::default());
                waiting.push((link, *at));
                seldom.next += 1;
            }
        }

        /// One round; how long each frame of a seldom unit took from its arrival to the end of the commit.
        fn round(
            &mut self,
            greedy: bool,
            seldom: &mut Seldom,
            waiting: &mut Vec<(LinkId, Duration)>,
        ) -> Vec<Duration> {
            let (start, mut round, mut staged) = (self.now, Round::after(self.last_commit), 0);
            self.arrive(greedy, seldom, waiting);
            self.fair.begin_round();
            let mut dealt = Vec::new();
            while round.goes_on(self.now - start, &self.fair) {
                let Some((link, frame, _room)) = self.fair.next() else {
                    break;
                };
                let envelopes = if link == GREEDY { ENVELOPES } else { 1 };
                self.now += envelopes * Duration::from_micros(60);
                staged += envelopes;
                let cost = frame.len() as u64 + u64::from(envelopes) * ENVELOPE_COST_BYTES;
                self.fair.spent(cost);
                round.dealt(cost);
                dealt.push(link);
                self.arrive(greedy, seldom, waiting);
            }
            self.last_commit = self.flush + staged * Duration::from_micros(30);
            self.now += self.last_commit.max(MS / 10);
            self.stored += u64::from(staged);
            let mut waits = Vec::new();
            waiting.retain(|(link, at)| {
                let done = dealt.contains(link);
                if done {
                    waits.push(self.now - *at);
                }
                !done
            });
            waits
        }
    }

    /// The longest and the mean wait of units that say something every 20 ms or so, and what was stored in ten seconds.
    fn ten_seconds(greedy: bool, flush: Duration) -> (Duration, Duration, u64) {
        let mut machine = Machine::new(flush);
        // Moments that have nothing to do with those of rounds: steps of the golden ratio.
        let at = (0..500u32).map(|n| n * 20 * MS + (MS * 20).mul_f64(f64::from(n) * 0.618_034 % 1.0));
        let mut seldom = Seldom {
            at: at.collect(),
            next: 0,
        };
        let (mut waiting, mut waits) = (Vec::new(), Vec::new());
        while machine.now < 10_000 * MS {
            if machine.fair.is_empty() && !greedy {
                let Some(at) = seldom.at.get(seldom.next) else {
                    break;
                };
                machine.now = machine.now.max(*at);
            }
            waits.extend(machine.round(greedy, &mut seldom, &mut waiting));
        }
        assert!(waits.len() >= 495, "{}", waits.len());
        let mean = waits.iter().sum::<Duration>() / waits.len() as u32;
        (waits.into_iter().max().unwrap(), mean, machine.stored)
    }

    #[test]
    fn who_comes_seldom_waits_for_a_frame_and_two_commits_of_a_greedy_unit() {
        for flush in [MS, 3 * MS, 10 * MS] {
            let (longest, mean, _) = ten_seconds(true, flush);
            // The commit that runs, which holds what the greedy unit brought in the time of a round and one frame more;
            // its own, which holds as much again at most.
            let frame = ENVELOPES * Duration::from_micros(60);
            let round = (flush * 2).clamp(ROUND_TIME_MIN, ROUND_TIME_MAX) + frame;
            let commit = flush + round / 2;
            assert!(longest <= 2 * commit + 2 * frame, "{flush:?}: {longest:?}");
            assert!(mean <= 3 * commit / 2 + frame, "{flush:?}: {mean:?}");
        }
    }

    #[test]
    fn a_greedy_unit_alone_gets_on_and_beside_others_nearly_as_well() {
        let mut machine = Machine::new(3 * MS);
        let mut nobody = Seldom {
            at: Vec::new(),
            next: 0,
        };
        while machine.now < 10_000 * MS {
            machine.round(true, &mut nobody, &mut Vec::new());
        }
        let (_, _, beside) = ten_seconds(true, 3 * MS);
        assert!(machine.stored >= 70_000, "{}", machine.stored);
        assert!(
            beside * 10 >= machine.stored * 8,
            "{beside} of {}",
            machine.stored
        );
    }

    #[test]
    fn a_round_has_limits_in_frames_cost_and_time() {
        let mut fair = Fair::default();
        for _ in 0..1000 {
            fair.push(GREEDY, unit(1), Bytes::from_static(b"x"), Room::default());
        }
        fair.begin_round();
        let mut frames = Round::after(Duration::ZERO);
        for _ in 0..ROUND_FRAMES_MAX {
            assert!(frames.goes_on(Duration::ZERO, &fair));
            frames.dealt(1);
        }
        assert!(!frames.goes_on(Duration::ZERO, &fair));
        let mut cost = Round::after(Duration::ZERO);
        cost.dealt(ROUND_BYTES_MAX - 1);
        assert!(cost.goes_on(Duration::ZERO, &fair));
        cost.dealt(1);
        assert!(!cost.goes_on(Duration::ZERO, &fair));
        for (last, time) in [(0, 4), (3, 4), (9, 9), (20, 20), (500, 20)] {
            let round = Round::after(last * MS);
            assert!(round.goes_on(time * MS - MS / 1000, &fair), "{last}");
            assert!(!round.goes_on(time * MS, &fair), "{last}");
        }
    }

    #[test]
    fn busy_units_share_a_round_that_is_no_shorter_than_a_commit() {
        let mut fair = Fair::default();
        for link in 0..4 {
            for _ in 0..10 {
                fair.push(
                    LinkId(link),
                    unit(link as u8),
                    Bytes::from(vec![0; FRAME]),
                    Room::default(),
                );
            }
        }
        // While they are fresh.
        while !fair.fresh_are_done() {
            let (_, frame, _room) = fair.next().unwrap();
            fair.spent(frame.len() as u64);
        }
        fair.begin_round();
        let round = Round::after(3 * MS);
        let mut dealt = 0;
        while round.goes_on(2 * MS, &fair) && dealt < 20 {
            let (_, frame, _room) = fair.next().unwrap();
            fair.spent(frame.len() as u64);
            dealt += 1;
        }
        assert_eq!(dealt, 20, "commits would take most of the time");
        assert!(!round.goes_on(3 * MS, &fair));
    }
}
