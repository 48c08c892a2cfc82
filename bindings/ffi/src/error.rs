//! The one error of this library, and small readers of what apps pass as text.

use std::str::FromStr;

use sotay_engine::handbook::Lang;
use sotay_engine::{Fault, FaultKind};

use crate::kinds::NextAction;

/// What went wrong, for programs and for people. No text in it names a member or quotes a document.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ErrorDetail {
    /// Stable name, for programs: `vote_open`, `disk_full`, …
    pub code: String,
    /// What happened, in Vietnamese.
    pub vi: String,
    /// What happened, in English.
    pub en: String,
    /// What to do next; [`crate::next_action_text`] has the words.
    pub next_action: NextAction,
}

/// Why a call did not happen. Nothing was changed then, unless the code is `cancelled` or one of the network's: what was
/// exchanged before stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
#[uniffi::export(Debug, Display)]
pub enum HandbookError {
    /// What was given does not fit: correct it.
    #[error("{} [{}]", .detail.en, .detail.code)]
    Input {
        /// Code, words, next action.
        detail: ErrorDetail,
    },
    /// The role of this phone's holder does not allow it.
    #[error("{} [{}]", .detail.en, .detail.code)]
    NotAllowed {
        /// Code, words, next action.
        detail: ErrorDetail,
    },
    /// Disk, folder or database.
    #[error("{} [{}]", .detail.en, .detail.code)]
    Storage {
        /// Code, words, next action.
        detail: ErrorDetail,
    },
    /// The vault is locked, refuses, or lost its key.
    #[error("{} [{}]", .detail.en, .detail.code)]
    Vault {
        /// Code, words, next action.
        detail: ErrorDetail,
    },
    /// Network or relay.
    #[error("{} [{}]", .detail.en, .detail.code)]
    Network {
        /// Code, words, next action.
        detail: ErrorDetail,
    },
    /// The task was cancelled.
    #[error("{} [{}]", .detail.en, .detail.code)]
    Cancelled {
        /// Code, words, next action.
        detail: ErrorDetail,
    },
    /// The handbook was shut down.
    #[error("{} [{}]", .detail.en, .detail.code)]
    Stopped {
        /// Code, words, next action.
        detail: ErrorDetail,
    },
    /// A mistake of this software; documents were read again from disk.
    #[error("{} [{}]", .detail.en, .detail.code)]
    Internal {
        /// Code, words, next action.
        detail: ErrorDetail,
    },
}

impl From<Fault> for HandbookError {
    fn from(fault: Fault) -> Self {
        let detail = ErrorDetail {
            code: fault.code.to_owned(),
            vi: fault.text(Lang::Vi),
            en: fault.text(Lang::En),
            next_action: fault.action,
        };
        match fault.kind {
            FaultKind::Input => Self::Input { detail },
            FaultKind::NotAllowed => Self::NotAllowed { detail },
            FaultKind::Storage => Self::Storage { detail },
            FaultKind::Vault => Self::Vault { detail },
            FaultKind::Network => Self::Network { detail },
            FaultKind::Cancelled => Self::Cancelled { detail },
            FaultKind::Stopped => Self::Stopped { detail },
            FaultKind::Internal => Self::Internal { detail },
        }
    }
}

/// Something the app implements threw what it did not declare. Its text may hold anything, so it is not repeated.
impl From<uniffi::UnexpectedUniFFICallbackError> for HandbookError {
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Fault::from(&sotay_engine::CallError::Panicked).into()
    }
}

/// Errors of the engine as [`HandbookError`].
pub(crate) trait OrFault<T> {
    /// Turns the error into what apps see.
    fn or_fault(self) -> Result<T, HandbookError>;
}

impl<T, E> OrFault<T> for Result<T, E>
where
    for<'a> Fault: From<&'a E>,
{
    fn or_fault(self) -> Result<T, HandbookError> {
        self.map_err(|error| Fault::from(&error).into())
    }
}

/// A panic in this library becomes an error of every language, not an abort.
pub(crate) fn guarded<T>(f: impl FnOnce() -> Result<T, HandbookError>) -> Result<T, HandbookError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).unwrap_or_else(|_| {
        tracing::error!("panic contained at the bridge");
        Err(Fault::from(&sotay_engine::CallError::Panicked).into())
    })
}

/// Reads an id, a day, a month or a time. `what` names the parameter.
pub(crate) fn parse<T: FromStr>(text: &str, what: &'static str) -> Result<T, HandbookError> {
    text.parse().map_err(|_| Fault::malformed(what).into())
}

/// The same for what may be left out.
pub(crate) fn parse_opt<T: FromStr>(
    text: Option<&String>,
    what: &'static str,
) -> Result<Option<T>, HandbookError> {
    text.map(|text| parse(text, what)).transpose()
}

/// The same for a list.
pub(crate) fn parse_all<T: FromStr>(texts: &[String], what: &'static str) -> Result<Vec<T>, HandbookError> {
    texts.iter().map(|text| parse(text, what)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_at_the_bridge_is_an_internal_error_with_words() {
        let result: Result<(), HandbookError> = guarded(|| panic!("as asked"));
        let Err(HandbookError::Internal { detail }) = result else {
            panic!("another error")
        };
        assert_eq!(
            (detail.code.as_str(), detail.next_action),
            ("internal", NextAction::Report)
        );
        assert!(!detail.vi.is_empty() && detail.vi != detail.en);
    }

    #[test]
    fn a_malformed_text_is_told_by_the_name_of_its_parameter() {
        let read: Result<sotay_engine::handbook::Date, _> = parse("2025-02-30", "deadline");
        let Err(HandbookError::Input { detail }) = read else {
            panic!("another error")
        };
        assert_eq!(detail.code, "malformed");
        assert!(detail.vi.contains("deadline") && detail.en.contains("deadline"));
    }
}
