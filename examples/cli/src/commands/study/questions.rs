//! `questions.toml` in the profile folder: questions without an answer, kept for the secretary.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::{Code, Failure};
use crate::files;

/// Name of the file in the profile folder.
const FILE: &str = "questions.toml";
/// Bytes of the file.
const BYTES_MAX: usize = 1024 * 1024;
/// Questions that are kept.
const QUESTIONS_MAX: usize = 200;
/// Characters of one of them.
const CHARS_MAX: usize = 1_000;
const VERSION: u32 = 1;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    version: u32,
    #[serde(default, rename = "question")]
    questions: Vec<Question>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    /// As it was asked.
    pub text: String,
    /// When, in milliseconds since 1970 UTC.
    pub at_ms: i64,
}

/// The file, read.
#[derive(Debug)]
pub(crate) struct Questions {
    path: PathBuf,
    all: Vec<Question>,
}

impl Questions {
    /// Reads the file of a profile folder; a missing one keeps nothing.
    pub fn read(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Ok(Self {
                path,
                all: Vec::new(),
            });
        }
        let text = files::read(&path.to_string_lossy(), BYTES_MAX)?;
        let bad = |reason: String| {
            Failure::new(Code::QuestionsFile)
                .with("file", path.display())
                .with("reason", reason)
        };
        let form: Form = toml::from_str(&text).map_err(|error| bad(error.message().to_owned()))?;
        if form.version != VERSION {
            return Err(bad(format!("version {}", form.version)));
        }
        Ok(Self {
            path,
            all: form.questions,
        })
    }

    /// The questions, oldest first.
    pub fn all(&self) -> &[Question] {
        &self.all
    }

    /// Keeps a question; one that is kept already changes nothing.
    pub fn keep(&mut self, text: &str, at_ms: i64) -> Result<(), Failure> {
        let text = text.trim();
        if self.all.iter().any(|question| question.text == text) {
            return Ok(());
        }
        if self.all.len() >= QUESTIONS_MAX || text.chars().count() > CHARS_MAX {
            return Err(Failure::new(Code::CannotKeep)
                .with("limit", QUESTIONS_MAX)
                .with("chars", CHARS_MAX));
        }
        self.all.push(Question {
            text: text.to_owned(),
            at_ms,
        });
        self.write()
    }

    /// Forgets the question with this number, counted from 1.
    pub fn forget(&mut self, number: usize) -> Result<(), Failure> {
        let at = number.checked_sub(1).filter(|at| *at < self.all.len());
        let missing = || {
            Failure::new(Code::NoQuestion)
                .with("text", number)
                .with("count", self.all.len())
        };
        self.all.remove(at.ok_or_else(missing)?);
        self.write()
    }

    fn write(&self) -> Result<(), Failure> {
        let form = Form {
            version: VERSION,
            questions: self.all.clone(),
        };
        let text = toml::to_string(&form).map_err(|_| Failure::new(Code::Mistake).with("place", FILE))?;
        files::write(&self.path, &text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_kept_once_up_to_the_limit_and_forgotten_by_number() {
        let folder = tempfile::tempdir().unwrap();
        let mut questions = Questions::read(folder.path()).unwrap();
        for n in 0..QUESTIONS_MAX {
            questions.keep(&format!("hỏi {n}"), 5).unwrap();
        }
        questions.keep("hỏi 0", 6).unwrap();
        assert_eq!(questions.keep("nữa", 7).unwrap_err().name(), "cannot_keep");
        questions.forget(1).unwrap();
        assert_eq!(
            questions.keep(&"a".repeat(CHARS_MAX + 1), 7).unwrap_err().name(),
            "cannot_keep"
        );
        assert_eq!(questions.forget(QUESTIONS_MAX).unwrap_err().name(), "no_question");
        assert_eq!(Questions::read(folder.path()).unwrap().all(), questions.all());
        assert_eq!(questions.all()[0].text, "hỏi 1");
    }

    #[test]
    fn a_file_of_another_form_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "version = 2").unwrap();
        assert_eq!(
            Questions::read(folder.path()).unwrap_err().name(),
            "questions_file"
        );
    }
}
