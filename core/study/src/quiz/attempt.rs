//! Attempts: an append-only set of what was answered. Best, last and marks are computed from it, never stored.

use super::package::{ExamRules, MAX_CHOICES, MAX_QUESTIONS, Package, QuestionId, Task};
use crate::library::Hash;
use crate::wire::{Reader, WireError, Writer, only_canonical};
use sotay_feed::InOrder;
use std::collections::{BTreeMap, BTreeSet};

/// Version of the encoding.
const VERSION: u64 = 1;
/// Largest attempt, in bytes.
pub const MAX_ATTEMPT_BYTES: usize = 16 * 1024;

/// What was answered to one question. Choices are counted as the package has them, however they were shuffled.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Given {
    /// Choices ticked; one for a question with one right answer.
    Choices(BTreeSet<u8>),
    /// True or false.
    Truth(bool),
    /// A number in thousandths.
    Number(i64),
}

/// One attempt at a package, finished.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attempt {
    /// When it began, in seconds since 1970 UTC, by the device's clock.
    pub started: i64,
    /// When it was handed in.
    pub finished: i64,
    /// Id of the package.
    pub package: Hash,
    /// The seed that questions and choices were shuffled by.
    pub seed: u64,
    /// The answers; a question without one was left out.
    pub given: BTreeMap<QuestionId, Given>,
}

/// Marks of one attempt, on the scale of ten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Marks {
    /// Tenths of a point: 85 is 8.5 of 10.
    pub tenths: u32,
    /// Questions answered rightly.
    pub right: usize,
    /// Questions of the package.
    pub total: usize,
}

impl std::fmt::Display for Marks {
    /// `8,5`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{},{}", self.tenths / 10, self.tenths % 10)
    }
}

/// Whether an answer is right.
pub fn is_right(task: &Task, given: &Given) -> bool {
    match (task, given) {
        (Task::One { right, .. }, Given::Choices(ticked)) => ticked.len() == 1 && ticked.contains(right),
        (Task::Several { right, .. }, Given::Choices(ticked)) => ticked == right,
        (Task::Truth { right }, Given::Truth(said)) => said == right,
        (Task::Number { right, tolerance }, Given::Number(typed)) => {
            right.abs_diff(*typed) <= u64::from(*tolerance)
        }
        _ => false,
    }
}

impl Attempt {
    /// The attempt's id: the same attempt arriving twice is one.
    pub fn id(&self) -> Hash {
        Hash::of("sotay/v1/quiz-attempt", &self.encode())
    }

    /// Marks against the package it was made for; every question counts the same.
    pub fn marks(&self, package: &Package) -> Marks {
        let right = package
            .questions
            .iter()
            .filter(|q| {
                self.given
                    .get(&q.id())
                    .is_some_and(|given| is_right(&q.task, given))
            })
            .count();
        let total = package.questions.len();
        let tenths = if total == 0 {
            0
        } else {
            (right * 200 + total) / (total * 2)
        };
        Marks {
            tenths: tenths as u32,
            right,
            total,
        }
    }

    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.array(6)
            .uint(VERSION)
            .bytes(&self.package.0)
            .int(self.started)
            .int(self.finished)
            .uint(self.seed);
        w.array(self.given.len());
        for (question, given) in &self.given {
            w.array(3).bytes(question);
            match given {
                Given::Choices(ticked) => {
                    w.uint(0).array(ticked.len());
                    ticked.iter().for_each(|t| {
                        w.uint((*t).into());
                    });
                }
                Given::Truth(said) => {
                    w.uint(1).uint((*said).into());
                }
                Given::Number(typed) => {
                    w.uint(2).int(*typed);
                }
            }
        }
        w.finish()
    }

    /// Reads canonical bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes, MAX_ATTEMPT_BYTES)?;
        r.tuple(6, "attempt")?;
        r.version(VERSION)?;
        let package = Hash(r.hash("package")?);
        let (started, finished) = (r.int("started")?, r.int("finished")?);
        let seed = r.uint(u64::MAX, "seed")?;
        let mut given = BTreeMap::new();
        for _ in 0..r.array(MAX_QUESTIONS, "answers")? {
            r.tuple(3, "answer")?;
            let question: QuestionId = r.fixed("question")?;
            let answer = match r.uint(2, "answer")? {
                0 => {
                    let len = r.array(MAX_CHOICES, "choices")?;
                    Given::Choices(
                        (0..len)
                            .map(|_| Ok(r.uint(255, "choice")? as u8))
                            .collect::<Result<_, WireError>>()?,
                    )
                }
                1 => Given::Truth(r.uint(1, "truth")? == 1),
                _ => Given::Number(r.int("number")?),
            };
            given.insert(question, answer);
        }
        let read = Self {
            started,
            finished,
            package,
            seed,
            given,
        };
        only_canonical(bytes, &read.encode())?;
        Ok(read)
    }
}

/// All attempts of a member. Grows only; merging is the union.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attempts(BTreeSet<Attempt>);

impl Attempts {
    /// Adds an attempt; one that is there already changes nothing.
    pub fn add(&mut self, attempt: Attempt) {
        self.0.insert(attempt);
    }

    /// Takes in what another device knows.
    pub fn merge(&mut self, other: &Self) {
        self.0.extend(other.0.iter().cloned());
    }

    /// The attempts at one package, in order of start.
    pub fn of<'a>(&'a self, package: &'a Hash) -> impl Iterator<Item = &'a Attempt> {
        self.0.iter().filter(move |a| a.package == *package)
    }

    /// All attempts, in order of start.
    pub fn all(&self) -> impl Iterator<Item = &Attempt> {
        self.0.iter()
    }

    /// The best marks at a package.
    pub fn best(&self, package: &Package) -> Option<Marks> {
        self.of(&package.id()).map(|a| a.marks(package)).max()
    }

    /// The marks of the attempt that was handed in last.
    pub fn last(&self, package: &Package) -> Option<Marks> {
        self.of(&package.id())
            .max_by_key(|a| (a.finished, a.started))
            .map(|a| a.marks(package))
    }
}

/// Whether an exam can be taken now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExamStatus {
    /// It opens later.
    NotYet {
        /// Seconds until then.
        seconds: i64,
    },
    /// It is open.
    Open {
        /// Attempts that are left, at least 1.
        attempts_left: u32,
        /// Seconds until it closes.
        seconds_left: i64,
    },
    /// All attempts are used.
    NoAttemptsLeft,
    /// It is over.
    Closed,
}

/// How an attempt counts in an exam.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// In time.
    Counts,
    /// Handed in in time, but it arrived after the close: it counts, with a note. Branches without a network are the rule.
    CountsLate {
        /// Seconds after the close at which it arrived.
        seconds: i64,
    },
    /// Begun before the opening or handed in after the close.
    OutsideWindow,
    /// Took longer than allowed.
    TooSlow,
    /// More attempts than allowed: the earlier ones count.
    TooMany,
}

impl ExamRules {
    /// What may be done at `now`, after `attempts` that were made.
    pub fn status(&self, now: i64, attempts: usize) -> ExamStatus {
        let used = u32::try_from(attempts).unwrap_or(u32::MAX);
        if now < self.opens {
            ExamStatus::NotYet {
                seconds: self.opens - now,
            }
        } else if now >= self.closes {
            ExamStatus::Closed
        } else if used >= self.attempts {
            ExamStatus::NoAttemptsLeft
        } else {
            ExamStatus::Open {
                attempts_left: self.attempts - used,
                seconds_left: self.closes - now,
            }
        }
    }

    /// How each attempt counts. Given with the time at which it arrived; the same set gives the same standings in every
    /// order. Attempts of two devices that did not know of each other may be too many: the first ones handed in count.
    pub fn standings(&self, attempts: &[(Attempt, i64)]) -> Vec<Standing> {
        let mut order: Vec<usize> = (0..attempts.len()).collect();
        order.in_order_by_key(|i| {
            (
                attempts[*i].0.finished,
                attempts[*i].0.started,
                attempts[*i].0.id(),
            )
        });
        let mut standings = vec![Standing::TooMany; attempts.len()];
        let mut counted = 0;
        for i in order {
            let (attempt, arrived) = &attempts[i];
            let seconds = attempt.finished.saturating_sub(attempt.started);
            let slow = self.minutes.is_some_and(|m| seconds > i64::from(m) * 60);
            standings[i] = if attempt.started < self.opens || attempt.finished >= self.closes || seconds < 0 {
                Standing::OutsideWindow
            } else if slow {
                Standing::TooSlow
            } else if counted >= self.attempts {
                Standing::TooMany
            } else {
                counted += 1;
                let late = arrived.saturating_sub(self.closes);
                if late >= 0 {
                    Standing::CountsLate { seconds: late }
                } else {
                    Standing::Counts
                }
            };
        }
        standings
    }
}

#[cfg(test)]
mod tests {
    use super::super::package::tests::package;
    use super::*;

    /// An attempt with the first `right` questions answered rightly, at a time.
    fn attempt(right: usize, started: i64) -> Attempt {
        let p = package();
        let answers = [
            Given::Choices(BTreeSet::from([0])),
            Given::Choices(BTreeSet::from([0, 2])),
            Given::Truth(false),
            Given::Number(7_420),
        ];
        let given = p
            .questions
            .iter()
            .zip(answers)
            .take(right)
            .map(|(q, a)| (q.id(), a))
            .collect();
        Attempt {
            started,
            finished: started + 100,
            package: p.id(),
            seed: 1,
            given,
        }
    }

    #[test]
    fn answers_of_every_kind_are_judged() {
        let p = package();
        assert_eq!(attempt(4, 0).marks(&p).to_string(), "10,0");
        assert_eq!(attempt(3, 0).marks(&p).to_string(), "7,5");
        for (i, wrong) in [
            Given::Choices(BTreeSet::from([0, 1])),
            Given::Choices(BTreeSet::from([0])),
            Given::Truth(true),
            Given::Number(7_399),
        ]
        .into_iter()
        .enumerate()
        {
            assert!(!is_right(&p.questions[i].task, &wrong), "{i}");
        }
        assert!(is_right(&p.questions[3].task, &Given::Number(7_600)));
        assert!(!is_right(&p.questions[3].task, &Given::Truth(true)));
    }

    #[test]
    fn best_and_last_are_computed_and_merging_is_the_union() {
        let p = package();
        let (mut phone, mut tablet) = (Attempts::default(), Attempts::default());
        phone.add(attempt(3, 1_500));
        tablet.add(attempt(2, 1_700));
        tablet.add(attempt(2, 1_700));
        let before = phone.clone();
        phone.merge(&tablet);
        tablet.merge(&before);
        tablet.merge(&before);
        assert_eq!(phone, tablet);
        assert_eq!(phone.of(&p.id()).count(), 2);
        assert_eq!(phone.best(&p).map(|m| m.tenths), Some(75));
        assert_eq!(phone.last(&p).map(|m| m.tenths), Some(50));
        assert_eq!(Attempts::default().best(&p), None);
    }

    #[test]
    fn an_exam_opens_closes_and_runs_out_of_attempts() {
        let rules = package().exam.unwrap();
        assert_eq!(rules.status(900, 0), ExamStatus::NotYet { seconds: 100 });
        assert_eq!(
            rules.status(1_000, 1),
            ExamStatus::Open {
                attempts_left: 1,
                seconds_left: 1_000
            }
        );
        assert_eq!(rules.status(1_999, 2), ExamStatus::NoAttemptsLeft);
        assert_eq!(rules.status(2_000, 0), ExamStatus::Closed);
    }

    #[test]
    fn a_late_arrival_counts_with_a_note_and_a_third_attempt_does_not() {
        let rules = package().exam.unwrap();
        let mut slow = attempt(4, 1_050);
        slow.finished = slow.started + 901;
        let list = vec![
            (attempt(4, 1_800), 9_000),
            (attempt(1, 1_100), 1_300),
            (attempt(2, 1_850), 1_960),
            (attempt(2, 1_950), 2_100),
            (attempt(2, 900), 1_100),
            (slow, 1_960),
        ];
        let wanted = [
            Standing::CountsLate { seconds: 7_000 },
            Standing::Counts,
            Standing::TooMany,
            Standing::OutsideWindow,
            Standing::OutsideWindow,
            Standing::TooSlow,
        ];
        assert_eq!(rules.standings(&list), wanted);
        let reversed: Vec<_> = list.iter().rev().cloned().collect();
        let mut back = rules.standings(&reversed);
        back.reverse();
        assert_eq!(back, wanted);
    }

    #[test]
    fn the_bytes_come_back_and_others_are_refused() {
        let a = attempt(4, -5);
        let bytes = a.encode();
        assert_eq!(Attempt::decode(&bytes), Ok(a));
        for cut in 0..bytes.len() {
            assert!(Attempt::decode(&bytes[..cut]).is_err());
        }
        let mut newer = bytes.clone();
        newer[1] = 2;
        assert_eq!(Attempt::decode(&newer), Err(WireError::Version(2)));
        assert_eq!(
            Attempt::decode(&[bytes, vec![0]].concat()),
            Err(WireError::NotCanonical)
        );
        let hex: String = attempt(0, 7)
            .encode()
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        let package = package().id();
        assert_eq!(hex, format!("86015820{package}07186b0180"));
    }

    proptest::proptest! {
        #[test]
        fn garbage_is_read_without_a_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..120)) {
            let _ = Attempt::decode(&bytes);
        }
    }
}
