//! Quiz packages: questions with their answers, explanations and the passage that proves the answer.

use crate::library::{Document, Hash};
use crate::wire::{Reader, WireError, Writer, only_canonical};
use std::collections::BTreeSet;

/// Version of the encoding.
pub const PACKAGE_VERSION: u64 = 1;
/// Largest package, in bytes: fits one envelope.
pub const MAX_PACKAGE_BYTES: usize = 56 * 1024;
/// Most questions of one package.
pub const MAX_QUESTIONS: usize = 200;
/// Most choices of one question.
pub const MAX_CHOICES: usize = 10;
/// Longest question, choice, explanation or quoted passage, in characters.
pub const MAX_TEXT_CHARS: usize = 2_000;
/// Longest title, in characters.
pub const MAX_TITLE_CHARS: usize = 300;
/// Thousandths in one: how number answers are written.
pub const THOUSANDTHS: i64 = 1_000;

/// Names a question: the first 16 bytes of its hash, the same in every package that holds it.
pub type QuestionId = [u8; 16];

/// What is asked, with the right answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// One choice is right.
    One {
        /// The choices.
        choices: Vec<String>,
        /// Index of the right one.
        right: u8,
    },
    /// Several choices may be right; all of them and no other count.
    Several {
        /// The choices.
        choices: Vec<String>,
        /// Indices of the right ones, at least one.
        right: BTreeSet<u8>,
    },
    /// The statement is true or false.
    Truth {
        /// Whether it is true.
        right: bool,
    },
    /// A number is typed in.
    Number {
        /// The right number in thousandths (`7,5` is 7500).
        right: i64,
        /// How far off still counts, in thousandths.
        tolerance: u32,
    },
}

/// The passage that proves the answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Citation {
    /// Id of the document.
    pub document: Hash,
    /// Index of the section in the document.
    pub section: u32,
    /// How the section is cited (`Điều 5`).
    pub label: String,
    /// The passage, verbatim in the section.
    pub quote: String,
}

impl std::fmt::Debug for Citation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:?} section {} ({} bytes)",
            self.document,
            self.section,
            self.quote.len()
        )
    }
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The question as it is read.
    pub text: String,
    /// What is asked.
    pub task: Task,
    /// Why the answer is right; shown after answering.
    pub explanation: String,
    /// Where it stands.
    pub citation: Citation,
}

/// When an exam is open and how often it may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExamRules {
    /// First second, since 1970 UTC.
    pub opens: i64,
    /// The second from which it is closed, since 1970 UTC.
    pub closes: i64,
    /// How many attempts count, at least 1.
    pub attempts: u32,
    /// Minutes for one attempt, if limited.
    pub minutes: Option<u32>,
}

/// A package of questions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its title.
    pub title: String,
    /// The questions.
    pub questions: Vec<Question>,
    /// Rules, if it is an exam.
    pub exam: Option<ExamRules>,
}

/// Why a package was refused. The publisher's to mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    /// Something is over its limit; which question, if one.
    #[error("{what} is over its limit (question {question:?})")]
    OverLimit {
        /// What it is.
        what: &'static str,
        /// Index of the question.
        question: Option<usize>,
    },
    /// A text that must be there is empty.
    #[error("question {0}: an empty text")]
    Empty(usize),
    /// The right answer is not among the choices, or there are fewer than two choices, or two are the same.
    #[error("question {0}: the choices do not fit")]
    Choices(usize),
    /// Two questions are the same.
    #[error("question {0} is there twice")]
    Twice(usize),
    /// There is no question.
    #[error("the package holds no question")]
    NoQuestion,
    /// The exam closes before it opens, or allows no attempt.
    #[error("the exam can never be taken")]
    Exam,
}

/// What is wrong with a question's citation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CitationFault {
    /// The document is not in the library.
    NoDocument,
    /// The document has no such section.
    NoSection,
    /// The section does not hold the quoted passage.
    NotQuoted,
}

impl Question {
    /// The question's id: the same question has the same id everywhere.
    pub fn id(&self) -> QuestionId {
        let mut w = Writer::new();
        write_question(&mut w, self);
        let hash = Hash::of("sotay/v1/quiz-question", &w.finish());
        let mut id = [0; 16];
        id.copy_from_slice(&hash.0[..16]);
        id
    }

    /// The choices, if it has any.
    pub fn choices(&self) -> &[String] {
        match &self.task {
            Task::One { choices, .. } | Task::Several { choices, .. } => choices,
            Task::Truth { .. } | Task::Number { .. } => &[],
        }
    }

    /// Looks whether the cited passage is there. `find` gives a document by its id.
    pub fn check_citation<'a>(
        &self,
        find: impl Fn(&Hash) -> Option<&'a Document>,
    ) -> Result<(), CitationFault> {
        let document = find(&self.citation.document).ok_or(CitationFault::NoDocument)?;
        let section = document
            .sections
            .get(self.citation.section as usize)
            .ok_or(CitationFault::NoSection)?;
        if section.text().contains(&self.citation.quote) {
            Ok(())
        } else {
            Err(CitationFault::NotQuoted)
        }
    }
}

impl Package {
    /// Checks everything that can be checked without the library.
    pub fn check(&self) -> Result<(), PackageError> {
        let over = |what, question| Err(PackageError::OverLimit { what, question });
        if self.questions.is_empty() {
            return Err(PackageError::NoQuestion);
        }
        if self.title.chars().count() > MAX_TITLE_CHARS {
            return over("title", None);
        }
        if self.questions.len() > MAX_QUESTIONS {
            return over("questions", None);
        }
        if self
            .exam
            .is_some_and(|e| e.opens >= e.closes || e.attempts == 0 || e.minutes == Some(0))
        {
            return Err(PackageError::Exam);
        }
        let mut seen = BTreeSet::new();
        for (i, question) in self.questions.iter().enumerate() {
            check_question(i, question)?;
            if !seen.insert(question.id()) {
                return Err(PackageError::Twice(i));
            }
        }
        if self.encode().len() > MAX_PACKAGE_BYTES {
            over("package", None)
        } else {
            Ok(())
        }
    }

    /// The package's id.
    pub fn id(&self) -> Hash {
        Hash::of("sotay/v1/quiz-package", &self.encode())
    }

    /// The questions that still stand: those whose document `in_force` says is in force. The others are retired, not
    /// deleted; old attempts keep their meaning.
    pub fn standing(&self, in_force: impl Fn(&Hash) -> bool) -> impl Iterator<Item = &Question> {
        self.questions
            .iter()
            .filter(move |q| in_force(&q.citation.document))
    }

    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.array(4).uint(PACKAGE_VERSION).text(&self.title);
        match self.exam {
            Some(exam) => {
                w.array(4)
                    .int(exam.opens)
                    .int(exam.closes)
                    .uint(exam.attempts.into());
                w.uint(exam.minutes.unwrap_or(0).into());
            }
            None => {
                w.null();
            }
        }
        w.array(self.questions.len());
        self.questions
            .iter()
            .for_each(|question| write_question(&mut w, question));
        w.finish()
    }

    /// Reads canonical bytes; a package that [`Package::check`] refuses is refused.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes, MAX_PACKAGE_BYTES)?;
        r.tuple(4, "package")?;
        r.version(PACKAGE_VERSION)?;
        let title = r.text(MAX_TITLE_CHARS, "title")?;
        let exam = if r.null() { None } else { Some(read_exam(&mut r)?) };
        let mut questions = Vec::new();
        for _ in 0..r.array(MAX_QUESTIONS, "questions")? {
            questions.push(read_question(&mut r)?);
        }
        let read = Self {
            title,
            questions,
            exam,
        };
        only_canonical(bytes, &read.encode())?;
        read.check().map_err(|_| WireError::Malformed("package"))?;
        Ok(read)
    }
}

fn check_question(i: usize, question: &Question) -> Result<(), PackageError> {
    let long = |text: &str| text.chars().count() > MAX_TEXT_CHARS;
    let c = &question.citation;
    let texts = [&question.text, &question.explanation, &c.quote, &c.label];
    if texts.into_iter().chain(question.choices()).any(|t| long(t)) {
        return Err(PackageError::OverLimit {
            what: "text",
            question: Some(i),
        });
    }
    if question.choices().len() > MAX_CHOICES {
        return Err(PackageError::OverLimit {
            what: "choices",
            question: Some(i),
        });
    }
    if question.text.trim().is_empty()
        || c.quote.trim().is_empty()
        || question.choices().iter().any(|t| t.trim().is_empty())
    {
        return Err(PackageError::Empty(i));
    }
    let choices = question.choices();
    let different = choices.iter().collect::<BTreeSet<_>>().len() == choices.len() && choices.len() > 1;
    let fits = match &question.task {
        Task::One { right, .. } => different && usize::from(*right) < choices.len(),
        Task::Several { right, .. } => {
            different && !right.is_empty() && right.iter().all(|r| usize::from(*r) < choices.len())
        }
        Task::Truth { .. } | Task::Number { .. } => true,
    };
    if fits {
        Ok(())
    } else {
        Err(PackageError::Choices(i))
    }
}

fn write_question(w: &mut Writer, question: &Question) {
    w.array(4).text(&question.text);
    match &question.task {
        Task::One { choices, right } => {
            w.array(3).uint(0);
            write_choices(w, choices);
            w.uint((*right).into());
        }
        Task::Several { choices, right } => {
            w.array(3).uint(1);
            write_choices(w, choices);
            w.array(right.len());
            right.iter().for_each(|r| {
                w.uint((*r).into());
            });
        }
        Task::Truth { right } => {
            w.array(2).uint(2).uint((*right).into());
        }
        Task::Number { right, tolerance } => {
            w.array(3).uint(3).int(*right).uint((*tolerance).into());
        }
    }
    w.text(&question.explanation);
    let c = &question.citation;
    w.array(4)
        .bytes(&c.document.0)
        .uint(c.section.into())
        .text(&c.label)
        .text(&c.quote);
}

fn write_choices(w: &mut Writer, choices: &[String]) {
    w.array(choices.len());
    choices.iter().for_each(|choice| {
        w.text(choice);
    });
}

fn read_exam(r: &mut Reader<'_>) -> Result<ExamRules, WireError> {
    r.tuple(4, "exam")?;
    let (opens, closes) = (r.int("opens")?, r.int("closes")?);
    let attempts = r.uint(u32::MAX.into(), "attempts")? as u32;
    let minutes = r.uint(u32::MAX.into(), "minutes")? as u32;
    Ok(ExamRules {
        opens,
        closes,
        attempts,
        minutes: (minutes > 0).then_some(minutes),
    })
}

fn read_question(r: &mut Reader<'_>) -> Result<Question, WireError> {
    r.tuple(4, "question")?;
    let text = r.text(MAX_TEXT_CHARS, "question")?;
    let fields = r.array(3, "task")?;
    let kind = r.uint(255, "task")?;
    let task = match (kind, fields) {
        (0, 3) => Task::One {
            choices: read_choices(r)?,
            right: r.uint(255, "right")? as u8,
        },
        (1, 3) => {
            let choices = read_choices(r)?;
            let mut right = BTreeSet::new();
            for _ in 0..r.array(MAX_CHOICES, "right")? {
                right.insert(r.uint(255, "right")? as u8);
            }
            Task::Several { choices, right }
        }
        (2, 2) => Task::Truth {
            right: r.uint(1, "right")? == 1,
        },
        (3, 3) => Task::Number {
            right: r.int("right")?,
            tolerance: r.uint(u32::MAX.into(), "tolerance")? as u32,
        },
        _ => return Err(WireError::Malformed("task")),
    };
    let explanation = r.text(MAX_TEXT_CHARS, "explanation")?;
    r.tuple(4, "citation")?;
    let citation = Citation {
        document: Hash(r.hash("document")?),
        section: r.uint(u32::MAX.into(), "section")? as u32,
        label: r.text(MAX_TEXT_CHARS, "label")?,
        quote: r.text(MAX_TEXT_CHARS, "quote")?,
    };
    Ok(Question {
        text,
        task,
        explanation,
        citation,
    })
}

fn read_choices(r: &mut Reader<'_>) -> Result<Vec<String>, WireError> {
    (0..r.array(MAX_CHOICES, "choices")?)
        .map(|_| r.text(MAX_TEXT_CHARS, "choice"))
        .collect()
}

#[cfg(test)]
#[path = "package_tests.rs"]
pub(crate) mod tests;
