//! Text at the boundary: NFC, and edits by difference so that concurrent typing merges.

use std::borrow::Cow;

use automerge::transaction::{Transactable, Transaction};
use automerge::{AutomergeError, ObjId, ReadDoc};
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::limits::TEXT_CHARS_MAX;

/// Why a text was not written. The caller's fault.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// Over [`TEXT_CHARS_MAX`] code points after normalisation.
    #[error("text of {0} characters is longer than {TEXT_CHARS_MAX}")]
    TooLong(usize),
    /// The object is gone, or is no text.
    #[error("text cannot be written: {0}")]
    Write(#[from] AutomergeError),
}

/// The text in normalisation form C, borrowed when it already is.
///
/// Vietnamese input methods differ in composed and decomposed letters; both must become the same key, the same search
/// hit and the same hash. Map keys that come from input go through here as well.
pub fn nfc(text: &str) -> Cow<'_, str> {
    if is_nfc(text) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect())
    }
}

/// Makes the text object read `new` (normalised) by inserting and deleting only what differs. Returns whether anything
/// differed.
pub fn set_text(tx: &mut Transaction<'_>, text: &ObjId, new: &str) -> Result<bool, TextError> {
    let new = nfc(new);
    let chars = new.chars().count();
    if chars > TEXT_CHARS_MAX {
        return Err(TextError::TooLong(chars));
    }
    if tx.text(text)? == new {
        return Ok(false);
    }
    tx.update_text(text, new)?;
    Ok(true)
}
