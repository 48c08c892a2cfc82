//! Spaced repetition: FSRS, its state recomputed from the review log, so that two devices with the same log agree.
//!
//! The long-term scheduler is used: intervals are whole days, which also hides the last bits of floating-point arithmetic
//! in which processors may differ.

use super::package::{Package, QuestionId};
use super::{Attempts, is_right};
use chrono::{DateTime, Utc};
use rs_fsrs::{Card, FSRS, Parameters};
use sotay_feed::{InOrder, IntoTree};
use std::collections::{BTreeMap, BTreeSet};

/// Seconds in a day.
const DAY: i64 = 86_400;
/// Times after this (the year 9999, in seconds since 1970 UTC) are errors of a clock.
const LATEST: i64 = 253_402_300_799;

/// How well a question was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rating {
    /// Not known.
    Again,
    /// Known with difficulty.
    Hard,
    /// Known.
    Good,
    /// Known without thinking.
    Easy,
}

/// One review. The log is a set: the order of arrival does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Review {
    /// The question.
    pub question: QuestionId,
    /// When, in seconds since 1970 UTC.
    pub at: i64,
    /// How well it was known.
    pub rating: Rating,
}

/// The log of all reviews of a member. Grows only; merging is the union.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReviewLog(BTreeSet<Review>);

/// Where a question stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// When it is due, in seconds since 1970 UTC.
    pub due: i64,
    /// Days between the last review and then.
    pub interval_days: i64,
    /// Number of reviews.
    pub reviews: u32,
    /// How often it was forgotten.
    pub lapses: u32,
}

impl ReviewLog {
    /// Adds a review; one that is there already, or whose time no clock shows, changes nothing.
    pub fn add(&mut self, review: Review) {
        if (0..=LATEST).contains(&review.at) {
            self.0.insert(review);
        }
    }

    /// Adds what attempts say: a right answer is known, a wrong one is not, one left out says nothing.
    pub fn add_attempts(&mut self, attempts: &Attempts, package: &Package) {
        for attempt in attempts.of(&package.id()) {
            for question in &package.questions {
                if let Some(given) = attempt.given.get(&question.id()) {
                    let rating = if is_right(&question.task, given) {
                        Rating::Good
                    } else {
                        Rating::Again
                    };
                    self.add(Review {
                        question: question.id(),
                        at: attempt.finished,
                        rating,
                    });
                }
            }
        }
    }

    /// Takes in what another device knows.
    pub fn merge(&mut self, other: &Self) {
        self.0.extend(other.0.iter().copied());
    }

    /// Where every reviewed question stands.
    pub fn schedules(&self) -> BTreeMap<QuestionId, Schedule> {
        // The set is in order of question, then time.
        let mut by_question: BTreeMap<QuestionId, Vec<&Review>> = BTreeMap::new();
        for review in &self.0 {
            by_question.entry(review.question).or_default().push(review);
        }
        by_question
            .into_iter()
            .filter_map(|(question, reviews)| Some((question, replay(&reviews)?)))
            .into_map()
    }

    /// The questions that are due at `now`, the longest overdue first.
    pub fn due(&self, now: i64) -> Vec<QuestionId> {
        let mut due: Vec<(i64, QuestionId)> = self
            .schedules()
            .into_iter()
            .filter(|(_, s)| s.due <= now)
            .map(|(q, s)| (s.due, q))
            .collect();
        due.in_order();
        due.into_iter().map(|(_, question)| question).collect()
    }
}

/// Replays the reviews of one question, in order of time.
fn replay(reviews: &[&Review]) -> Option<Schedule> {
    let scheduler = FSRS::new(Parameters {
        enable_short_term: false,
        enable_fuzz: false,
        ..Parameters::default()
    });
    let mut card = Card::default();
    for review in reviews {
        let at: DateTime<Utc> = DateTime::from_timestamp(review.at, 0)?;
        let rating = match review.rating {
            Rating::Again => rs_fsrs::Rating::Again,
            Rating::Hard => rs_fsrs::Rating::Hard,
            Rating::Good => rs_fsrs::Rating::Good,
            Rating::Easy => rs_fsrs::Rating::Easy,
        };
        card = scheduler.next(card, at, rating).card;
    }
    let last = reviews.last()?;
    Some(Schedule {
        due: last.at.saturating_add(card.scheduled_days.saturating_mul(DAY)),
        interval_days: card.scheduled_days,
        reviews: reviews.len() as u32,
        lapses: card.lapses.max(0) as u32,
    })
}

#[cfg(test)]
mod tests {
    use super::super::package::tests::package;
    use super::super::{Attempt, Given};
    use super::*;
    use proptest::prelude::*;

    const Q: QuestionId = [1; 16];
    const START: i64 = 1_700_000_000;

    fn log(reviews: &[(i64, Rating)]) -> ReviewLog {
        let mut log = ReviewLog::default();
        for (day, rating) in reviews {
            log.add(Review {
                question: Q,
                at: START + day * DAY,
                rating: *rating,
            });
        }
        log
    }

    #[test]
    fn intervals_grow_while_a_question_is_known_and_shrink_when_it_is_forgotten() {
        let interval = |reviews: &[(i64, Rating)]| log(reviews).schedules()[&Q].interval_days;
        let once = interval(&[(0, Rating::Good)]);
        let twice = interval(&[(0, Rating::Good), (once, Rating::Good)]);
        assert!(once >= 1 && twice > once, "{once} {twice}");
        let forgotten = interval(&[
            (0, Rating::Good),
            (once, Rating::Good),
            (once + twice, Rating::Again),
        ]);
        assert!(forgotten < twice);
        assert!(interval(&[(0, Rating::Easy)]) > interval(&[(0, Rating::Hard)]));
    }

    #[test]
    fn a_question_is_due_from_its_day_on() {
        let log = log(&[(0, Rating::Good)]);
        let due = log.schedules()[&Q].due;
        assert!(log.due(due - 1).is_empty());
        assert_eq!(log.due(due), [Q]);
    }

    #[test]
    fn attempts_are_reviews_and_unanswered_questions_are_not() {
        let p = package();
        let ids: Vec<QuestionId> = p.questions.iter().map(super::super::Question::id).collect();
        let given = BTreeMap::from([(ids[2], Given::Truth(false)), (ids[3], Given::Number(1))]);
        let mut attempts = Attempts::default();
        attempts.add(Attempt {
            started: START,
            finished: START + 60,
            package: p.id(),
            seed: 1,
            given,
        });
        let mut log = ReviewLog::default();
        log.add_attempts(&attempts, &p);
        log.add_attempts(&attempts, &p);
        let schedules = log.schedules();
        assert_eq!(schedules.len(), 2);
        assert!(schedules[&ids[2]].interval_days > schedules[&ids[3]].interval_days);
    }

    #[test]
    fn times_that_no_clock_shows_are_passed_over() {
        let mut log = ReviewLog::default();
        for at in [-1, LATEST + 1, i64::MAX, i64::MIN] {
            log.add(Review {
                question: Q,
                at,
                rating: Rating::Good,
            });
        }
        assert!(log.schedules().is_empty());
        log.add(Review {
            question: Q,
            at: LATEST,
            rating: Rating::Good,
        });
        assert_eq!(log.schedules().len(), 1);
    }

    #[test]
    fn the_scheduler_gives_the_intervals_that_were_written_down() {
        let reviews = [
            (0, Rating::Good),
            (3, Rating::Good),
            (14, Rating::Hard),
            (30, Rating::Again),
            (31, Rating::Good),
        ];
        let found: Vec<i64> = (1..=reviews.len())
            .map(|n| log(&reviews[..n]).schedules()[&Q].interval_days)
            .collect();
        assert_eq!(found, GOLDEN);
    }

    const GOLDEN: [i64; 5] = [3, 11, 17, 3, 4];

    fn reviews() -> impl Strategy<Value = Vec<Review>> {
        let ratings = prop_oneof![
            Just(Rating::Again),
            Just(Rating::Hard),
            Just(Rating::Good),
            Just(Rating::Easy)
        ];
        let review = (0u8..3, 0i64..400, ratings);
        proptest::collection::vec(review, 0..25).prop_map(|list| {
            let at = |day: i64| START + day * DAY / 3;
            list.into_iter()
                .map(|(q, day, rating)| Review {
                    question: [q; 16],
                    at: at(day),
                    rating,
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn two_devices_have_the_same_due_list_in_every_order_of_merging(
            all in reviews(), split in proptest::collection::vec(0u8..3, 25), now in 0i64..500
        ) {
            let mut devices = vec![ReviewLog::default(); 3];
            for (i, review) in all.iter().enumerate() {
                devices[usize::from(split[i % split.len()])].add(*review);
            }
            let join = |order: [usize; 4]| {
                let mut log = ReviewLog::default();
                order.iter().for_each(|i| log.merge(&devices[*i]));
                log
            };
            let (a, b) = (join([0, 1, 2, 0]), join([2, 1, 0, 1]));
            prop_assert_eq!(&a, &b);
            prop_assert_eq!(a.due(START + now * DAY), b.due(START + now * DAY));
            prop_assert_eq!(a.schedules(), b.schedules());
        }
    }
}
