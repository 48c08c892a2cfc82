//! Errors of signed snapshots as an app shows them.

use super::{Fault, FaultKind};
use crate::device::CoverError;
use crate::error::NextAction;

/// The words of the codes of this file, in the form of a catalogue.
pub(super) const WORDS: &str = include_str!("../../data/cover_faults.tsv");

impl From<&CoverError> for Fault {
    fn from(error: &CoverError) -> Self {
        let later = |code| Self::new(FaultKind::Input, code, NextAction::RetryLater);
        let role = |code| Self::new(FaultKind::NotAllowed, code, NextAction::AskOfficer);
        match error {
            CoverError::NoOfficer => role("cover_no_officer"),
            CoverError::Space => Self::input("cover_space"),
            CoverError::Future => Self::input("cover_future"),
            CoverError::Nothing => Self::input("cover_nothing"),
            CoverError::Waits(_) => role("cover_waits"),
            CoverError::Unknown => Self::input("no_cover"),
            CoverError::SignedAlready => role("cover_signed_already"),
            CoverError::Beneath(_) => Self::input("cover_beneath"),
            CoverError::NotHere(count) => later("cover_not_here").with("count", count),
            CoverError::NoKey => role("cover_no_key"),
            CoverError::Differs(_) => role("cover_differs"),
            CoverError::Device(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{codes_after, words_of};
    use super::*;

    #[test]
    fn every_code_of_snapshots_has_words_in_both_languages_and_no_words_are_without_a_code() {
        let source = include_str!("covers.rs").split("#[cfg(test)]").next().unwrap();
        words_of(&codes_after(source, &["later(\"", "role(\"", "input(\""]), WORDS);
    }
}
