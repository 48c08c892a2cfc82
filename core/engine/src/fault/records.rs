//! Errors of seals, of feedback and of pages as an app shows them.

use sotay_membership::seal::{SealFileError, VerifyFault};
use sotay_paper::DocxError;

use super::{Fault, FaultKind};
use crate::device::{PageError, SealError};
use crate::error::NextAction;

/// The words of the codes of this file, in the form of a catalogue.
pub(super) const WORDS: &str = include_str!("../../data/records_faults.tsv");

impl From<&SealError> for Fault {
    fn from(error: &SealError) -> Self {
        let sync = |code| Self::new(FaultKind::Input, code, NextAction::RetryLater);
        let role = |code| Self::new(FaultKind::NotAllowed, code, NextAction::AskOfficer);
        match error {
            SealError::NoChair => Self::input("seal_no_chair"),
            SealError::NoClerk => Self::input("seal_no_clerk"),
            SealError::OnePerson => Self::input("seal_one_person"),
            SealError::NoOffice => role("seal_no_office"),
            SealError::NotNamed => role("seal_not_named"),
            SealError::Unknown => Self::input("no_seal"),
            SealError::Withdrawn => Self::input("seal_withdrawn"),
            SealError::Outdated => Self::input("seal_outdated"),
            SealError::SignedAlready => Self::input("seal_signed_already"),
            SealError::NothingNew => Self::input("seal_nothing_new"),
            SealError::NotSealed => Self::input("seal_not_sealed"),
            SealError::Missing(count) => sync("seal_missing").with("count", count),
            SealError::Ahead(count) => sync("seal_ahead").with("count", count),
            SealError::OtherText => sync("seal_other_text"),
            SealError::TooLong { len, limit } => {
                Self::input("seal_too_long").with("len", len).with("limit", limit)
            }
            SealError::Device(error) => error.into(),
        }
    }
}

impl From<&VerifyFault> for Fault {
    fn from(error: &VerifyFault) -> Self {
        let seal = |code, at: &usize| Self::input(code).with("number", at + 1);
        match error {
            VerifyFault::File(SealFileError::TooLarge(len)) => {
                Self::input("seal_file_too_large").with("len", len)
            }
            VerifyFault::File(SealFileError::Foreign) => Self::input("not_a_seal_file"),
            VerifyFault::File(SealFileError::Version(_)) => {
                Self::new(FaultKind::Input, "seal_file_newer", NextAction::Update)
            }
            VerifyFault::File(_) | VerifyFault::Record { .. } | VerifyFault::Envelope { .. } => {
                Self::input("seal_file_damaged")
            }
            VerifyFault::OtherUnit(_) | VerifyFault::SealOfOtherUnit { .. } => {
                Self::input("seal_file_other_unit")
            }
            VerifyFault::Founding => Self::input("seal_file_founding"),
            VerifyFault::Signature { .. } => Self::input("seal_file_signature"),
            VerifyFault::UnknownDevice { .. } => Self::input("seal_file_unknown_device"),
            VerifyFault::Nothing => Self::input("seal_file_empty"),
            VerifyFault::Text { at } => seal("seal_file_text", at),
            VerifyFault::Mark { at, .. } | VerifyFault::OtherSeal { at } => seal("seal_file_other_seal", at),
            VerifyFault::Unsigned { at, chair: true, .. } => seal("seal_file_no_chair", at),
            VerifyFault::Unsigned { at, .. } => seal("seal_file_no_clerk", at),
            VerifyFault::Chain { at } => seal("seal_file_chain", at),
        }
    }
}

impl From<&PageError> for Fault {
    fn from(error: &PageError) -> Self {
        match error {
            PageError::Template(error) => Self::input("page_template").with("reason", error),
            PageError::Device(error) => error.into(),
        }
    }
}

impl From<&DocxError> for Fault {
    fn from(_: &DocxError) -> Self {
        Self::internal("docx")
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{codes_after, words_of};
    use super::*;

    #[test]
    fn every_code_of_records_has_words_in_both_languages_and_no_words_are_without_a_code() {
        let source = include_str!("records.rs").split("#[cfg(test)]").next().unwrap();
        let calls = [
            "input(\"",
            "sync(\"",
            "role(\"",
            "seal(\"",
            "FaultKind::Input, \"",
        ];
        words_of(&codes_after(source, &calls), WORDS);
    }
}
