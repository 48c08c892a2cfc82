//! Quizzes and broadcasts that the unit published, and what the holder answered.
//!
//! A quiz package and a broadcast schedule are publications of one envelope each (clauses L1.4, L1.5). Attempts and
//! repetitions travel in the holder's private space (clauses L2.3, L2.4); they are sets that only grow, so two devices
//! that hold the same records show the same marks and the same due list, whatever order the records came in.

use std::collections::BTreeSet;

use sotay_feed::{InOrder, IntoTree, Kind, Space, SpaceKind, UnitId};
use sotay_store::{Bucket, Put, Store};
use sotay_study::broadcast::ScheduleError;
use sotay_study::library::{Hash, LinkKind};
use sotay_study::quiz::{
    Attempt, Attempts, CitationFault, ExamStatus, Given, Marks, Package, PackageError, Question, QuestionId,
    Rating, Review, ReviewLog, Schedule, Standing, is_right,
};

use super::Device;
use super::above::{Origin, origin_put};
use super::broadcasts::{PROGRAMMES_ABOVE, read_programme};
use super::library::{LibraryError, put, tagged};
use super::{directives, templates};
use crate::error::DeviceError;

/// Form of a publication: a quiz package (clause L1.4).
pub(super) const QUIZ: u8 = 2;
/// Form of a publication: a broadcast schedule (clause L1.5).
pub(super) const PROGRAMME: u8 = 3;
/// Form of a study record: an attempt (clause L2.3).
pub(super) const ATTEMPT: u8 = 1;
/// Form of a study record: a repetition (clause L2.4).
pub(super) const REVIEW: u8 = 2;

/// Bytes of a repetition: question, time, rating.
const REVIEW_BYTES: usize = 25;
const RATINGS: [Rating; 4] = [Rating::Again, Rating::Hard, Rating::Good, Rating::Easy];

/// Why something about quizzes or broadcasts did not happen. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum QuizError {
    /// The package is over a limit or does not fit together. The publisher's to mend.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// The passage that a question cites is not in the library.
    #[error("question {question}: its passage is not in the library ({fault:?})")]
    Citation {
        /// Index of the question.
        question: usize,
        /// What is missing.
        fault: CitationFault,
    },
    /// There is no such package, or no such question in it.
    #[error("there is no such quiz or question on this device")]
    Unknown,
    /// None of its questions is asked any more: their documents were replaced or withdrawn.
    #[error("every question of the quiz is retired")]
    Retired,
    /// The exam cannot be taken now.
    #[error("the exam cannot be taken: {0:?}")]
    Exam(ExamStatus),
    /// The schedule is over a limit. The publisher's to mend.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// The library failed.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// Anything that can happen to every call.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

/// A quiz of the unit and how the holder stands with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuizEntry {
    /// Its id.
    pub id: Hash,
    /// Its questions and rules.
    pub package: Package,
    /// Questions whose document is not in force any more; they are not asked.
    pub retired: BTreeSet<QuestionId>,
    /// Attempts on all devices of the holder.
    pub attempts: usize,
    /// The best marks.
    pub best: Option<Marks>,
    /// The marks of the attempt handed in last.
    pub last: Option<Marks>,
    /// Whether it can be taken now, if it is an exam.
    pub exam: Option<ExamStatus>,
    /// Who published it.
    pub from: Origin,
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandedIn {
    /// Its marks.
    pub marks: Marks,
    /// How it counts, in an exam.
    pub standing: Option<Standing>,
}

/// A question to repeat today.
#[derive(Debug, Clone, PartialEq)]
pub struct DueQuestion {
    /// Package that asks it.
    pub package: Hash,
    /// The question.
    pub question: Question,
    /// Where it stands.
    pub schedule: Schedule,
}

/// How the holder's learning stands, on all devices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StudyOverview {
    /// Documents of the library.
    pub documents: usize,
    /// Those begun and not finished.
    pub begun: usize,
    /// Those finished.
    pub finished: usize,
    /// Seconds of reading and listening.
    pub seconds: u64,
    /// Quizzes that hold a question to ask.
    pub quizzes: usize,
    /// Attempts at quizzes.
    pub attempts: usize,
    /// Questions that were ever answered and are still asked.
    pub questions: usize,
    /// Those to repeat now.
    pub due: usize,
    /// When the next one is due after now, in seconds since 1970 UTC.
    pub next_due: Option<i64>,
}

/// What the holder answered, from all devices.
#[derive(Default)]
pub(super) struct Studied {
    attempts: Attempts,
    reviews: ReviewLog,
}

impl Studied {
    pub fn load<S: Store>(store: &S) -> Result<Self, DeviceError> {
        let mut studied = Self::default();
        for (_, bytes) in store.list(Bucket::Study, b"a")? {
            let attempt = Attempt::decode(&bytes).map_err(|_| DeviceError::damaged("attempts"))?;
            studied.attempts.add(attempt);
        }
        for (_, bytes) in store.list(Bucket::Study, b"r")? {
            let review = read_review(&bytes).ok_or(DeviceError::damaged("repetitions"))?;
            studied.reviews.add(review);
        }
        Ok(studied)
    }

    /// Takes in a study record that is no reading mark; the row to store, if it is of a form this version knows.
    pub fn learn(&mut self, form: u8, bytes: &[u8]) -> Option<Put> {
        match form {
            ATTEMPT => {
                let attempt = Attempt::decode(bytes).ok()?;
                let key = [b"a", &attempt.id().0[..]].concat();
                self.attempts.add(attempt);
                Some(put(Bucket::Study, key, bytes))
            }
            REVIEW => {
                self.reviews.add(read_review(bytes)?);
                Some(put(Bucket::Study, [b"r", bytes].concat(), bytes))
            }
            _ => None,
        }
    }

    /// The log of everything that was answered: repetitions, and the attempts at these packages.
    fn log(&self, packages: &[Package]) -> ReviewLog {
        let mut log = self.reviews.clone();
        for package in packages {
            log.add_attempts(&self.attempts, package);
        }
        log
    }
}

/// The rows of a publication that is no document; nothing if it is of no form this version knows. Schedules and directives
/// of units above stand in rows of their own, for what they do depends on the level.
pub(super) fn publication((unit, own): (UnitId, bool), form: u8, bytes: &[u8]) -> Option<Vec<Put>> {
    let prefix = |kept: &[u8], from_above: &[u8]| match own {
        true => kept.to_vec(),
        false => [from_above, unit.as_bytes()].concat(),
    };
    match form {
        QUIZ => {
            let id = Package::decode(bytes).ok()?.id();
            let row = put(Bucket::Library, quiz_key(&id), bytes);
            Some(vec![row, origin_put(QUIZ, &id, unit)])
        }
        PROGRAMME => {
            read_programme(bytes)?;
            let id = Hash::of("sotay/v1/broadcast-schedule", bytes);
            let key = [prefix(b"b", PROGRAMMES_ABOVE), id.0.to_vec()].concat();
            Some(vec![
                put(Bucket::Library, key, bytes),
                origin_put(PROGRAMME, &id, unit),
            ])
        }
        directives::DIRECTIVE => {
            let hash = directives::hash_of(bytes)?;
            let key = [prefix(directives::OWN, directives::ABOVE), hash.to_vec()].concat();
            Some(vec![put(Bucket::Library, key, bytes)])
        }
        templates::TEMPLATE => {
            let hash = templates::hash_of(bytes)?;
            let key = [prefix(templates::OWN, templates::ABOVE), hash.to_vec()].concat();
            Some(vec![put(Bucket::Library, key, bytes)])
        }
        templates::WITHDRAWAL => {
            let hash: [u8; 32] = bytes.try_into().ok()?;
            let key = prefix(templates::WITHDRAWN, templates::WITHDRAWN_ABOVE);
            Some(vec![put(Bucket::Library, [key, hash.to_vec()].concat(), &[])])
        }
        _ => None,
    }
}

fn quiz_key(id: &Hash) -> Vec<u8> {
    [b"q", &id.0[..]].concat()
}

fn write_review(review: &Review) -> Vec<u8> {
    let rating = RATINGS.iter().position(|rating| *rating == review.rating);
    [
        &review.question[..],
        &review.at.to_be_bytes(),
        &[rating.unwrap_or_default() as u8],
    ]
    .concat()
}

fn read_review(bytes: &[u8]) -> Option<Review> {
    let bytes: &[u8; REVIEW_BYTES] = bytes.try_into().ok()?;
    Some(Review {
        question: bytes[..16].try_into().ok()?,
        at: i64::from_be_bytes(bytes[16..24].try_into().ok()?),
        rating: *RATINGS.get(usize::from(bytes[24]))?,
    })
}

impl<S: Store> Device<S> {
    /// Publishes a quiz to everybody in the unit. Officers only. Every question's passage has to stand in the library.
    pub fn publish_quiz(&mut self, package: &Package) -> Result<Hash, QuizError> {
        package.check()?;
        for (question, asked) in package.questions.iter().enumerate() {
            let document = match self.document(asked.citation.document) {
                Ok(document) => Some(document),
                Err(LibraryError::Unknown | LibraryError::Incomplete(_)) => None,
                Err(error) => return Err(error.into()),
            };
            asked
                .check_citation(|_| document.as_ref())
                .map_err(|fault| QuizError::Citation { question, fault })?;
        }
        let space = self.space(SpaceKind::Broadcast)?;
        self.may_publish(&space)?;
        let id = package.id();
        self.publish_once(quiz_key(&id), QUIZ, &package.encode())?;
        Ok(id)
    }

    /// The quizzes of the unit, by title. `now` in seconds since 1970 UTC.
    pub fn quizzes(&self, now: i64) -> Result<Vec<QuizEntry>, QuizError> {
        let (in_force, origins) = (self.in_force()?, self.origins(QUIZ)?);
        let own = self.origin(self.home()?.unit)?;
        let entry = |package: Package| {
            let from = origins.get(&package.id()).unwrap_or(&own);
            self.quiz_entry(package, &in_force, from, now)
        };
        let mut entries: Vec<QuizEntry> = self.packages()?.into_iter().map(entry).collect();
        entries.in_order_by(|a, b| (&a.package.title, a.id).cmp(&(&b.package.title, b.id)));
        Ok(entries)
    }

    fn quiz_entry(&self, package: Package, in_force: &BTreeSet<Hash>, from: &Origin, now: i64) -> QuizEntry {
        let attempts = &self.library.studied.attempts;
        let id = package.id();
        let retired: BTreeSet<QuestionId> = package
            .questions
            .iter()
            .filter(|question| !in_force.contains(&question.citation.document))
            .map(Question::id)
            .collect();
        let made = attempts.of(&id).count();
        let last = attempts.of(&id).max_by_key(|a| (a.finished, a.started));
        QuizEntry {
            best: attempts.of(&id).map(|a| marks(a, &package, &retired)).max(),
            last: last.map(|a| marks(a, &package, &retired)),
            exam: package.exam.map(|rules| rules.status(now, made)),
            attempts: made,
            id,
            package,
            retired,
            from: from.clone(),
        }
    }

    /// Hands in an attempt. An exam is refused that was not open when the attempt began; what was handed in too late is
    /// kept and does not count.
    pub fn hand_in(&mut self, attempt: Attempt) -> Result<HandedIn, QuizError> {
        let bytes = self
            .stored(quiz_key(&attempt.package))?
            .ok_or(QuizError::Unknown)?;
        let package = Package::decode(&bytes).map_err(|_| DeviceError::damaged("quiz"))?;
        let known: BTreeSet<QuestionId> = package.questions.iter().map(Question::id).into_set();
        if !attempt.given.keys().all(|question| known.contains(question)) {
            return Err(QuizError::Unknown);
        }
        let made = self.library.studied.attempts.of(&attempt.package).count();
        if let Some(rules) = package.exam {
            match rules.status(attempt.started, made) {
                ExamStatus::Open { .. } => {}
                closed => return Err(QuizError::Exam(closed)),
            }
        }
        self.publish_study(ATTEMPT, &attempt.encode())?;
        let own = self.origin(self.home()?.unit)?;
        let entry = self.quiz_entry(package, &self.in_force()?, &own, attempt.finished);
        let of: Vec<(Attempt, i64)> = self
            .library
            .studied
            .attempts
            .of(&entry.id)
            .map(|a| (a.clone(), a.finished))
            .collect();
        let at = of.iter().position(|(known, _)| *known == attempt);
        let standing = entry
            .package
            .exam
            .and_then(|rules| rules.standings(&of).get(at?).copied());
        Ok(HandedIn {
            marks: marks(&attempt, &entry.package, &entry.retired),
            standing,
        })
    }

    /// The holder's attempts at a quiz, in order of start, with their marks.
    pub fn attempts(&self, quiz: Hash) -> Result<Vec<(Attempt, Marks)>, QuizError> {
        let bytes = self.stored(quiz_key(&quiz))?.ok_or(QuizError::Unknown)?;
        let package = Package::decode(&bytes).map_err(|_| DeviceError::damaged("quiz"))?;
        let own = self.origin(self.home()?.unit)?;
        let entry = self.quiz_entry(package, &self.in_force()?, &own, 0);
        let of = self.library.studied.attempts.of(&quiz);
        Ok(of
            .map(|a| (a.clone(), marks(a, &entry.package, &entry.retired)))
            .collect())
    }

    /// The questions to repeat at `now` (seconds since 1970 UTC), the longest overdue first.
    pub fn due(&self, now: i64) -> Result<Vec<DueQuestion>, QuizError> {
        let (packages, in_force) = (self.packages()?, self.in_force()?);
        let log = self.library.studied.log(&packages);
        let schedules = log.schedules();
        let mut due = Vec::new();
        for id in log.due(now) {
            let asked = packages.iter().find_map(|package| {
                let mut standing = package.standing(|document| in_force.contains(document));
                standing
                    .find(|question| question.id() == id)
                    .map(|question| (package.id(), question.clone()))
            });
            if let (Some((package, question)), Some(schedule)) = (asked, schedules.get(&id)) {
                due.push(DueQuestion {
                    package,
                    question,
                    schedule: *schedule,
                });
            }
        }
        Ok(due)
    }

    /// Notes the answer to a repeated question; true when it is right. `felt` is how well a right answer was known.
    pub fn repeat(
        &mut self,
        question: QuestionId,
        given: &Given,
        felt: Option<Rating>,
        now: i64,
    ) -> Result<bool, QuizError> {
        let packages = self.packages()?;
        let mut questions = packages.iter().flat_map(|package| &package.questions);
        let asked = questions.find(|q| q.id() == question).ok_or(QuizError::Unknown)?;
        let right = is_right(&asked.task, given);
        let rating = if right {
            felt.unwrap_or(Rating::Good)
        } else {
            Rating::Again
        };
        let review = Review {
            question,
            at: now,
            rating,
        };
        self.publish_study(REVIEW, &write_review(&review))?;
        Ok(right)
    }

    /// How the holder's learning stands at `now` (seconds since 1970 UTC).
    pub fn study_overview(&self, now: i64) -> Result<StudyOverview, QuizError> {
        let library = self.library()?;
        let (packages, in_force) = (self.packages()?, self.in_force()?);
        let asked: BTreeSet<QuestionId> = packages
            .iter()
            .flat_map(|package| package.standing(|document| in_force.contains(document)))
            .map(Question::id)
            .collect();
        let schedules = self.library.studied.log(&packages).schedules();
        let times = || {
            schedules
                .iter()
                .filter(|(id, _)| asked.contains(*id))
                .map(|(_, s)| s.due)
        };
        let finished = library.iter().filter(|entry| entry.read.finished).count();
        let begun = |entry: &&super::LibraryEntry| !entry.read.finished && entry.read.furthest > 0;
        Ok(StudyOverview {
            documents: library.len(),
            begun: library.iter().filter(begun).count(),
            finished,
            seconds: library.iter().map(|entry| entry.read.seconds).sum(),
            quizzes: packages
                .iter()
                .filter(|package| package.questions.iter().any(|q| asked.contains(&q.id())))
                .count(),
            attempts: self.library.studied.attempts.all().count(),
            questions: times().count(),
            due: times().filter(|due| *due <= now).count(),
            next_due: times().filter(|due| *due > now).min(),
        })
    }

    fn packages(&self) -> Result<Vec<Package>, DeviceError> {
        let rows = self.replica.store().list(Bucket::Library, b"q")?;
        rows.iter()
            .map(|(_, bytes)| Package::decode(bytes).map_err(|_| DeviceError::damaged("quiz")))
            .collect()
    }

    /// The documents that are here and neither replaced nor withdrawn.
    fn in_force(&self) -> Result<BTreeSet<Hash>, DeviceError> {
        let shelf = self.shelf()?;
        let stands = |id: &Hash| {
            let superseded = super::library::superseded_in(&shelf, id);
            superseded.iter().all(|by| by.by == LinkKind::Amends)
        };
        Ok(shelf.iter().map(|(m, _)| m.id()).filter(stands).collect())
    }

    fn publish_study(&mut self, form: u8, bytes: &[u8]) -> Result<(), DeviceError> {
        let home = self.home()?;
        let space = Space::private(home.unit, home.member);
        self.publish(&space, vec![(Kind::STUDY, tagged(form, bytes))], Vec::new())?;
        self.absorb()
    }
}

/// Marks of an attempt: of the questions that still stand and those that it answered while they stood.
fn marks(attempt: &Attempt, package: &Package, retired: &BTreeSet<QuestionId>) -> Marks {
    let mut counted = package.clone();
    counted.questions.retain(|question| {
        let id = question.id();
        !retired.contains(&id) || attempt.given.contains_key(&id)
    });
    attempt.marks(&counted)
}

#[cfg(test)]
#[path = "quizzes_tests.rs"]
pub(super) mod tests;
