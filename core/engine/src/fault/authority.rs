//! Errors about the root, the level above, and admission from afar as an app shows them.

use super::Fault;
use crate::device::{BranchError, JoinError, RemoteError, RemovalError, RootError, SecretaryError};
use crate::rooted::RootSignError;

/// The words of the codes of this file, in the form of a catalogue.
pub(super) const WORDS: &str = include_str!("../../data/authority_faults.tsv");

impl From<&RemoteError> for Fault {
    fn from(error: &RemoteError) -> Self {
        match error {
            RemoteError::Closed => Self::input("remote_closed"),
            RemoteError::Text(error) => error.into(),
            RemoteError::NotEndorsed => Self::input("not_endorsed"),
            RemoteError::SamePerson => Self::input("same_person"),
            RemoteError::Admit(error) => error.into(),
        }
    }
}

impl From<&SecretaryError> for Fault {
    fn from(error: &SecretaryError) -> Self {
        match error {
            SecretaryError::NoBranch => Self::input("no_such_unit"),
            SecretaryError::Admit(error) => error.into(),
        }
    }
}

impl From<&RootError> for Fault {
    fn from(error: &RootError) -> Self {
        match error {
            RootError::Already => (&JoinError::Already).into(),
            RootError::OtherPaper => Self::input("other_paper"),
            RootError::Quorum(quorum) => Self::input("root_quorum")
                .with("found", quorum.found)
                .with("needed", quorum.needed),
            RootError::NoRoot => Self::input("no_root"),
            RootError::NoUnit => Self::input("no_such_unit"),
            RootError::NoPhone => (&RemovalError::NoPhone).into(),
            RootError::TooMany => (&BranchError::TooMany).into(),
            RootError::Device(error) => error.into(),
        }
    }
}

impl From<&RootSignError> for Fault {
    fn from(error: &RootSignError) -> Self {
        match error {
            RootSignError::Twice => Self::input("root_signed_twice"),
            RootSignError::OtherRoot => Self::input("other_root"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{codes_after, words_of};
    use super::*;

    #[test]
    fn every_code_of_authority_has_words_in_both_languages_and_no_words_are_without_a_code() {
        let source = include_str!("authority.rs").split("#[cfg(test)]").next().unwrap();
        words_of(&codes_after(source, &["input(\""]), WORDS);
    }
}
