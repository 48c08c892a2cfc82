//! Records of quizzes and repetition.

use std::collections::BTreeSet;

use sotay_engine::study::quiz::{
    Citation, ExamRules as Rules, ExamStatus, Given, Marks, Question, Standing, Task,
};
use sotay_engine::{DueQuestion, Judged, QuizEntry};

use crate::error::HandbookError;
use crate::library_view::{PublisherView, number, parse_hash, publisher};

/// Marks of an attempt, on the scale of ten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct QuizMarks {
    /// Tenths of a point: 85 is 8,5 of 10.
    pub tenths: u32,
    /// Questions answered rightly.
    pub right: u32,
    /// Questions that count.
    pub total: u32,
}

impl From<Marks> for QuizMarks {
    fn from(marks: Marks) -> Self {
        Self {
            tenths: marks.tenths,
            right: number(marks.right),
            total: number(marks.total),
        }
    }
}

/// When an exam is open and how often it may be tried. Times are seconds since 1970 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct ExamRules {
    /// First second.
    pub opens: i64,
    /// The second from which it is closed.
    pub closes: i64,
    /// How many attempts count.
    pub attempts: u32,
    /// Minutes for one attempt, if limited.
    pub minutes: Option<u32>,
}

impl From<Rules> for ExamRules {
    fn from(rules: Rules) -> Self {
        let Rules {
            opens,
            closes,
            attempts,
            minutes,
        } = rules;
        Self {
            opens,
            closes,
            attempts,
            minutes,
        }
    }
}

impl From<ExamRules> for Rules {
    fn from(rules: ExamRules) -> Self {
        let ExamRules {
            opens,
            closes,
            attempts,
            minutes,
        } = rules;
        Self {
            opens,
            closes,
            attempts,
            minutes,
        }
    }
}

/// Whether an exam can be taken now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum ExamState {
    /// It opens later.
    NotYet {
        /// Seconds until then.
        seconds: i64,
    },
    /// It is open.
    Open {
        /// Attempts that are left.
        attempts_left: u32,
        /// Seconds until it closes.
        seconds_left: i64,
    },
    /// All attempts are used.
    NoAttemptsLeft,
    /// It is over.
    Closed,
}

/// A quiz of the unit and how the holder stands with it.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct QuizView {
    /// Its id, in hexadecimal.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Questions that are asked.
    pub questions: u32,
    /// Questions that are not asked any more: their document was replaced or withdrawn.
    pub retired: u32,
    /// Attempts on all phones.
    pub attempts: u32,
    /// The best marks.
    pub best: Option<QuizMarks>,
    /// Those of the attempt handed in last.
    pub last: Option<QuizMarks>,
    /// The rules, if it is an exam.
    pub rules: Option<ExamRules>,
    /// Whether it can be taken now, if it is an exam.
    pub exam: Option<ExamState>,
    /// The unit that published it.
    pub publisher: PublisherView,
}

/// How a question is answered.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum AskedKind {
    /// One choice is ticked.
    One,
    /// Any number of choices is ticked.
    Several,
    /// True or false.
    Truth,
    /// A number is typed.
    Number,
}

/// A choice to show.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ChoiceView {
    /// What an answer names it by.
    pub number: u8,
    /// Its text.
    pub text: String,
}

/// A question as it is asked.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct AskedQuestion {
    /// What an answer names it by.
    pub question: String,
    /// Its text.
    pub text: String,
    /// How it is answered.
    pub kind: AskedKind,
    /// The choices, in the order shown.
    pub choices: Vec<ChoiceView>,
}

/// A quiz as one attempt shows it. Hand it back as it is.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct QuizSheet {
    /// The quiz.
    pub quiz: String,
    /// Its title.
    pub title: String,
    /// What questions and choices were shuffled by.
    pub seed: u64,
    /// When it was begun, in seconds since 1970 UTC.
    pub started: i64,
    /// The questions, in the order shown.
    pub questions: Vec<AskedQuestion>,
}

/// What was answered to a question.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum GivenAnswer {
    /// Choices ticked, by their numbers.
    Choices {
        /// Which.
        numbers: Vec<u8>,
    },
    /// True or false.
    Truth {
        /// Which.
        said: bool,
    },
    /// A number, in thousandths: `7,5` is 7500.
    Number {
        /// Which.
        thousandths: i64,
    },
}

impl From<GivenAnswer> for Given {
    fn from(given: GivenAnswer) -> Self {
        match given {
            GivenAnswer::Choices { numbers } => Self::Choices(numbers.into_iter().collect()),
            GivenAnswer::Truth { said } => Self::Truth(said),
            GivenAnswer::Number { thousandths } => Self::Number(thousandths),
        }
    }
}

/// The answer to one question of a sheet.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct QuizAnswer {
    /// The question.
    pub question: String,
    /// The answer.
    pub given: GivenAnswer,
}

/// How an attempt counts in an exam.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum ExamStanding {
    /// In time.
    Counts,
    /// Handed in in time, and it arrived after the close: it counts, with a note.
    CountsLate {
        /// Seconds after the close.
        seconds: i64,
    },
    /// Begun before the opening or handed in after the close.
    OutsideWindow,
    /// Took longer than allowed.
    TooSlow,
    /// More attempts than allowed.
    TooMany,
}

/// Why an answer is right, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct PassageView {
    /// The explanation.
    pub explanation: String,
    /// The document.
    pub document: String,
    /// The section, counted from 0.
    pub number: u32,
    /// How the section is cited.
    pub section: String,
    /// The passage, word for word.
    pub quote: String,
}

/// A question after it was answered, or left out.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct JudgedQuestion {
    /// The question.
    pub question: String,
    /// Its text.
    pub text: String,
    /// Whether the answer is right; none without one.
    pub right: Option<bool>,
    /// Why, and where it stands.
    pub passage: PassageView,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct QuizResult {
    /// Its marks.
    pub marks: QuizMarks,
    /// How it counts, in an exam.
    pub standing: Option<ExamStanding>,
    /// Question by question, in the order shown.
    pub questions: Vec<JudgedQuestion>,
}

/// An attempt of the holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct AttemptView {
    /// When it was begun, in seconds since 1970 UTC.
    pub started: i64,
    /// When it was handed in.
    pub finished: i64,
    /// Its marks.
    pub marks: QuizMarks,
}

/// A question to repeat.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct DueQuestionView {
    /// The quiz it is from.
    pub quiz: String,
    /// The question.
    pub asked: AskedQuestion,
    /// Since when it is due, in seconds since 1970 UTC.
    pub due: i64,
    /// Days from the last answer to then.
    pub interval_days: i64,
    /// How often it was answered.
    pub reviews: u32,
    /// How often it was forgotten.
    pub lapses: u32,
}

/// What came of a repetition.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct RepeatResult {
    /// Whether the answer was right.
    pub right: bool,
    /// Why, and where it stands.
    pub passage: Option<PassageView>,
}

/// How the holder's learning stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct StudyOverviewView {
    /// Documents of the library.
    pub documents: u32,
    /// Those begun and not finished.
    pub begun: u32,
    /// Those finished.
    pub finished: u32,
    /// Seconds of reading and listening.
    pub seconds: u64,
    /// Quizzes with a question to ask.
    pub quizzes: u32,
    /// Attempts.
    pub attempts: u32,
    /// Questions that were ever answered and are still asked.
    pub questions: u32,
    /// Those to repeat now.
    pub due: u32,
    /// When the next one is due, in seconds since 1970 UTC.
    pub next_due: Option<i64>,
}

/// What a question of a package asks, with the right answer.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum QuizTask {
    /// One choice is right.
    One {
        /// The choices.
        choices: Vec<String>,
        /// Index of the right one.
        right: u8,
    },
    /// Several choices may be right.
    Several {
        /// The choices.
        choices: Vec<String>,
        /// Indices of the right ones.
        right: Vec<u8>,
    },
    /// A statement that is true or false.
    Truth {
        /// Which.
        right: bool,
    },
    /// A number, in thousandths.
    Number {
        /// The right one.
        right: i64,
        /// How far off still counts.
        tolerance: u32,
    },
}

/// A question to publish, with the passage that proves its answer.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct QuizQuestion {
    /// Its text.
    pub text: String,
    /// What is asked.
    pub task: QuizTask,
    /// Why the answer is right, and where it stands.
    pub passage: PassageView,
}

/// A quiz to publish.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct NewQuiz {
    /// Its title.
    pub title: String,
    /// The questions.
    pub questions: Vec<QuizQuestion>,
    /// Rules, if it is an exam.
    #[uniffi(default = None)]
    pub exam: Option<ExamRules>,
}

fn id(question: &Question) -> String {
    data_encoding::HEXLOWER.encode(&question.id())
}

pub(crate) fn quiz(entry: &QuizEntry) -> QuizView {
    let exam = |status| match status {
        ExamStatus::NotYet { seconds } => ExamState::NotYet { seconds },
        ExamStatus::Open {
            attempts_left,
            seconds_left,
        } => ExamState::Open {
            attempts_left,
            seconds_left,
        },
        ExamStatus::NoAttemptsLeft => ExamState::NoAttemptsLeft,
        ExamStatus::Closed => ExamState::Closed,
    };
    QuizView {
        id: entry.id.to_string(),
        title: entry.package.title.clone(),
        questions: number(entry.package.questions.len() - entry.retired.len()),
        retired: number(entry.retired.len()),
        attempts: number(entry.attempts),
        best: entry.best.map(Into::into),
        last: entry.last.map(Into::into),
        rules: entry.package.exam.map(Into::into),
        exam: entry.exam.map(exam),
        publisher: publisher(&entry.from),
    }
}

pub(crate) fn asked(question: &Question, order: &[u8]) -> AskedQuestion {
    let choice = |&at: &u8| {
        Some(ChoiceView {
            number: at,
            text: question.choices().get(usize::from(at))?.clone(),
        })
    };
    AskedQuestion {
        question: id(question),
        text: question.text.clone(),
        kind: match question.task {
            Task::One { .. } => AskedKind::One,
            Task::Several { .. } => AskedKind::Several,
            Task::Truth { .. } => AskedKind::Truth,
            Task::Number { .. } => AskedKind::Number,
        },
        choices: order.iter().filter_map(choice).collect(),
    }
}

pub(crate) fn standing(standing: Standing) -> ExamStanding {
    match standing {
        Standing::Counts => ExamStanding::Counts,
        Standing::CountsLate { seconds } => ExamStanding::CountsLate { seconds },
        Standing::OutsideWindow => ExamStanding::OutsideWindow,
        Standing::TooSlow => ExamStanding::TooSlow,
        Standing::TooMany => ExamStanding::TooMany,
    }
}

pub(crate) fn passage(question: &Question) -> PassageView {
    let cited = &question.citation;
    PassageView {
        explanation: question.explanation.clone(),
        document: cited.document.to_string(),
        number: cited.section,
        section: cited.label.clone(),
        quote: cited.quote.clone(),
    }
}

pub(crate) fn judged_view(judged: &Judged) -> JudgedQuestion {
    JudgedQuestion {
        question: id(&judged.question),
        text: judged.question.text.clone(),
        right: judged.right,
        passage: passage(&judged.question),
    }
}

pub(crate) fn due(due: &DueQuestion) -> DueQuestionView {
    let own: Vec<u8> = (0..=u8::MAX).take(due.question.choices().len()).collect();
    DueQuestionView {
        quiz: due.package.to_string(),
        asked: asked(&due.question, &own),
        due: due.schedule.due,
        interval_days: due.schedule.interval_days,
        reviews: due.schedule.reviews,
        lapses: due.schedule.lapses,
    }
}

pub(crate) fn question(question: Question) -> QuizQuestion {
    QuizQuestion {
        passage: passage(&question),
        text: question.text,
        task: match question.task {
            Task::One { choices, right } => QuizTask::One { choices, right },
            Task::Several { choices, right } => QuizTask::Several {
                choices,
                right: right.into_iter().collect(),
            },
            Task::Truth { right } => QuizTask::Truth { right },
            Task::Number { right, tolerance } => QuizTask::Number { right, tolerance },
        },
    }
}

pub(crate) fn question_of(question: QuizQuestion) -> Result<Question, HandbookError> {
    let passage = question.passage;
    Ok(Question {
        text: question.text,
        task: match question.task {
            QuizTask::One { choices, right } => Task::One { choices, right },
            QuizTask::Several { choices, right } => Task::Several {
                choices,
                right: right.into_iter().collect::<BTreeSet<u8>>(),
            },
            QuizTask::Truth { right } => Task::Truth { right },
            QuizTask::Number { right, tolerance } => Task::Number { right, tolerance },
        },
        explanation: passage.explanation,
        citation: Citation {
            document: parse_hash(&passage.document, "document")?,
            section: passage.number,
            label: passage.section,
            quote: passage.quote,
        },
    })
}
