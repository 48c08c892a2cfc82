//! Quizzes: packages of questions with their passages, attempts, exams, spaced repetition, and drafts made from a
//! document for a person to review.

mod attempt;
#[cfg(feature = "publishing")]
mod draft;
mod package;
mod repetition;
mod shuffle;

pub use attempt::{Attempt, Attempts, ExamStatus, Given, MAX_ATTEMPT_BYTES, Marks, Standing, is_right};
#[cfg(feature = "publishing")]
pub use draft::{Draft, DraftKind, MAX_DRAFTS, drafts};
pub use package::{
    Citation, CitationFault, ExamRules, MAX_CHOICES, MAX_PACKAGE_BYTES, MAX_QUESTIONS, MAX_TEXT_CHARS,
    MAX_TITLE_CHARS, PACKAGE_VERSION, Package, PackageError, Question, QuestionId, THOUSANDTHS, Task,
};
pub use repetition::{Rating, Review, ReviewLog, Schedule};
pub use shuffle::Shown;
