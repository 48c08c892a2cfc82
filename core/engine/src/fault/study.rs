//! Errors of library, search, reading and quizzes as an app shows them.

use sotay_study::library::{AssembleError, ImportError, PublishError, TableError};
use sotay_study::quiz::{ExamStatus, PackageError};
use sotay_study::search::{MAX_QUERY_CHARS, SearchError};

use super::{Fault, FaultKind};
use crate::aloud::AloudError;
use crate::device::{LibraryError, PublishFileError, QuizError};
use crate::error::NextAction;
use crate::recording::RecordingError;

/// The words of the codes of this file, in the form of a catalogue.
pub(super) const WORDS: &str = include_str!("../../data/study_faults.tsv");

impl From<&PublishError> for Fault {
    fn from(error: &PublishError) -> Self {
        match error {
            PublishError::OverLimit(what) => Self::input("document_limit").with("what", what),
            PublishError::Empty(what) => Self::input("document_field").with("what", what),
            PublishError::Pack => Self::internal("pack"),
        }
    }
}

impl From<&ImportError> for Fault {
    fn from(error: &ImportError) -> Self {
        match error {
            ImportError::SecrecyMark(_) => Self::input("secrecy_mark"),
            ImportError::TooLarge => Self::input("document_too_large"),
            ImportError::UnsupportedFormat(format) => {
                Self::input("unsupported_format").with("format", format)
            }
            ImportError::UnknownFormat => Self::input("unknown_format"),
            ImportError::PasswordProtected => Self::input("password_protected"),
            ImportError::BrokenArchive => Self::input("broken_archive"),
            ImportError::BrokenXml { part, .. } => Self::input("broken_xml").with("part", part),
            ImportError::BrokenPdf => Self::input("broken_pdf"),
            ImportError::ScannedPdf { pages } => Self::input("scanned_pdf").with("pages", pages),
            ImportError::UnknownEncoding => Self::input("unknown_encoding"),
            ImportError::Empty => Self::input("empty_document"),
            ImportError::NotPublishable(error) => error.into(),
        }
    }
}

impl From<&TableError> for Fault {
    fn from(error: &TableError) -> Self {
        match error {
            TableError::NoColumn(column) => Self::input("table_no_column").with("column", column),
            TableError::TooManyRows => Self::input("table_too_long"),
            TableError::ShortRow(row) => Self::input("table_short_row").with("row", row),
            TableError::Date(row) => Self::input("table_date").with("row", row),
            TableError::SecrecyMark(row, _) => Self::input("table_secrecy_mark").with("row", row),
            TableError::NotPublishable(row, error) => match error {
                PublishError::OverLimit(what) | PublishError::Empty(what) => {
                    Self::input("table_row").with("row", row).with("what", what)
                }
                PublishError::Pack => error.into(),
            },
        }
    }
}

impl From<&LibraryError> for Fault {
    fn from(error: &LibraryError) -> Self {
        let index = || Self::new(FaultKind::Storage, "index_failed", NextAction::RetryLater);
        match error {
            LibraryError::Publish(error) => error.into(),
            LibraryError::Unknown => Self::input("no_document"),
            LibraryError::Incomplete(AssembleError::PartsMissing { found, wanted }) => {
                let missing = Self::new(FaultKind::Input, "document_incomplete", NextAction::RetryLater);
                missing.with("found", found).with("wanted", wanted)
            }
            LibraryError::Incomplete(_) => {
                Self::new(FaultKind::Storage, "document_broken", NextAction::Report)
            }
            LibraryError::Index(_) | LibraryError::Search(SearchError::Index(_)) => index(),
            LibraryError::Search(SearchError::QueryTooLong(len)) => Self::input("query_too_long")
                .with("len", len)
                .with("limit", MAX_QUERY_CHARS),
            LibraryError::Mark(_) => Self::input("too_many_marks"),
            LibraryError::Device(error) => error.into(),
        }
    }
}

impl From<&AloudError> for Fault {
    fn from(error: &AloudError) -> Self {
        match error {
            AloudError::Voice(_) => Self::new(FaultKind::Input, "voice_failed", NextAction::RetryLater),
            AloudError::Library(error) => error.into(),
            AloudError::Call(error) => error.into(),
        }
    }
}

impl From<&PublishFileError> for Fault {
    fn from(error: &PublishFileError) -> Self {
        let not_here = |code| Self::new(FaultKind::NotAllowed, code, NextAction::AskOfficer);
        match error {
            PublishFileError::LeftOut => not_here("publishing_left_out"),
            PublishFileError::Unreadable(reason) => Self::input("file_unreadable").with("reason", reason),
            PublishFileError::Import(error) => error.into(),
            PublishFileError::Library(error) => error.into(),
        }
    }
}

impl From<&QuizError> for Fault {
    fn from(error: &QuizError) -> Self {
        use sotay_study::broadcast::ScheduleError;
        let numbered = |code, question: &usize| Self::input(code).with("question", question + 1);
        match error {
            QuizError::Package(error) => match error {
                PackageError::OverLimit { what, .. } => Self::input("quiz_limit").with("what", what),
                PackageError::Empty(question) => numbered("quiz_empty", question),
                PackageError::Choices(question) => numbered("quiz_choices", question),
                PackageError::Twice(question) => numbered("quiz_twice", question),
                PackageError::NoQuestion => Self::input("quiz_no_question"),
                PackageError::Exam => Self::input("quiz_exam_rules"),
            },
            QuizError::Citation { question, .. } => numbered("quiz_citation", question),
            QuizError::Unknown => Self::input("no_quiz"),
            QuizError::Retired => Self::input("quiz_retired"),
            QuizError::Exam(ExamStatus::NotYet { .. }) => Self::input("exam_not_yet"),
            QuizError::Exam(ExamStatus::NoAttemptsLeft) => Self::input("exam_no_attempts"),
            QuizError::Exam(ExamStatus::Closed | ExamStatus::Open { .. }) => Self::input("exam_closed"),
            QuizError::Schedule(error) => match error {
                ScheduleError::OverLimit(what) => Self::input("schedule_limit").with("what", what),
                ScheduleError::NotALink => Self::input("schedule_link"),
                ScheduleError::NoTitle => Self::input("schedule_title"),
            },
            QuizError::Library(error) => error.into(),
            QuizError::Device(error) => error.into(),
        }
    }
}

impl From<&RecordingError> for Fault {
    fn from(error: &RecordingError) -> Self {
        match error {
            RecordingError::Unknown => Self::input("no_recording"),
            RecordingError::Unreadable(error) => Self::input("file_unreadable").with("reason", error.kind()),
            RecordingError::Other => Self::input("other_recording"),
            RecordingError::Unwritable(error) => {
                Self::new(FaultKind::Storage, "cannot_write", NextAction::RetryLater)
                    .with("reason", error.kind())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{codes_after, entries, words_of};
    use super::super::words;
    use super::*;
    use sotay_handbook::Lang;

    #[test]
    fn every_code_of_study_has_words_in_both_languages_and_no_words_are_without_a_code() {
        let source = include_str!("study.rs").split("#[cfg(test)]").next().unwrap();
        let calls = [
            "input(\"",
            "numbered(\"",
            "FaultKind::Input, \"",
            "FaultKind::Storage, \"",
            "not_here(\"",
        ];
        words_of(&codes_after(source, &calls), WORDS);
        for (key, [vi, _]) in entries(WORDS) {
            assert_eq!(words(key, Lang::Vi), vi);
        }
    }

    #[test]
    fn a_refused_file_is_told_with_what_to_do() {
        let fault = Fault::from(&ImportError::ScannedPdf { pages: 12 });
        for lang in [Lang::Vi, Lang::En] {
            let text = fault.text(lang);
            assert!(text.contains("12") && !text.contains('{'), "{text}");
        }
    }
}
