//! Text at the boundary: NFC, and edits by difference so that concurrent typing merges.

use std::borrow::Cow;

use automerge::transaction::{Transactable, Transaction};
use automerge::{AutomergeError, ObjId, ReadDoc};
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::limits::{TEXT_CHARS_MAX, TEXT_DIFF_CELLS_MAX};

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

/// Makes the text object read `new` (normalised) by inserting and deleting only what differs, so that what others type
/// meanwhile stays. Returns whether anything differed.
pub fn set_text(tx: &mut Transaction<'_>, text: &ObjId, new: &str) -> Result<bool, TextError> {
    let new = nfc(new);
    let chars = new.chars().count();
    if chars > TEXT_CHARS_MAX {
        return Err(TextError::TooLong(chars));
    }
    let old = tx.text(text)?;
    if old == new {
        return Ok(false);
    }
    let start = common(old.chars(), new.chars());
    let old_len = old.chars().count();
    let end = common(old.chars().rev(), new.chars().rev()).min(old_len.min(chars) - start);
    let (removed, added) = (old_len - start - end, chars - start - end);
    if removed * added <= TEXT_DIFF_CELLS_MAX {
        tx.update_text(text, new)?;
    } else {
        let middle: String = new.chars().skip(start).take(added).collect();
        tx.splice_text(text, start, removed as isize, &middle)?;
    }
    Ok(true)
}

fn common(one: impl Iterator<Item = char>, other: impl Iterator<Item = char>) -> usize {
    one.zip(other).take_while(|(one, other)| one == other).count()
}

#[cfg(test)]
mod tests {
    use automerge::{ObjType, ROOT};

    use super::*;

    fn with_text(text: &str) -> (automerge::Automerge, ObjId) {
        let mut crdt = crate::empty();
        let mut tx = crdt.transaction();
        let object = tx.put_object(ROOT, "t", ObjType::Text).unwrap();
        tx.splice_text(&object, 0, 0, text).unwrap();
        tx.commit();
        (crdt, object)
    }

    fn set(crdt: &mut automerge::Automerge, object: &ObjId, new: &str) -> Result<bool, TextError> {
        let mut tx = crdt.transaction();
        let outcome = set_text(&mut tx, object, new);
        tx.commit();
        outcome
    }

    #[test]
    fn composed_and_decomposed_vietnamese_become_one() {
        let decomposed = "Nguye\u{302}\u{303}n";
        assert_eq!(nfc(decomposed), "Nguyễn");
        assert!(matches!(nfc("Nguyễn"), Cow::Borrowed(_)));
        let (mut crdt, object) = with_text("");
        set(&mut crdt, &object, decomposed).unwrap();
        assert_eq!(crdt.text(&object).unwrap(), "Nguyễn");
        assert!(
            !set(&mut crdt, &object, "Nguyễn").unwrap(),
            "equal text writes nothing"
        );
    }

    #[test]
    fn indexes_count_code_points() {
        let (crdt, object) = with_text("Đảng 🇻🇳");
        assert_eq!(crdt.length(&object), 7);
    }

    #[test]
    fn concurrent_edits_of_one_text_both_stay() {
        let (mut ours, object) = with_text("họp chi bộ tháng năm");
        let mut theirs = ours.fork();
        set(&mut ours, &object, "họp chi bộ thường kỳ tháng năm").unwrap();
        set(&mut theirs, &object, "họp chi bộ tháng năm, bảy giờ").unwrap();
        ours.merge(&mut theirs).unwrap();
        assert_eq!(
            ours.text(&object).unwrap(),
            "họp chi bộ thường kỳ tháng năm, bảy giờ"
        );
    }

    #[test]
    fn a_text_at_the_limit_is_taken_and_one_character_more_is_refused() {
        let (mut crdt, object) = with_text("");
        set(&mut crdt, &object, &"ă".repeat(TEXT_CHARS_MAX)).unwrap();
        let long = "ă".repeat(TEXT_CHARS_MAX + 1);
        let refused = set(&mut crdt, &object, &long);
        assert!(matches!(refused, Err(TextError::TooLong(n)) if n == TEXT_CHARS_MAX + 1));
        assert_eq!(crdt.length(&object), TEXT_CHARS_MAX);
    }

    #[test]
    fn a_text_rewritten_from_end_to_end_keeps_its_ends_and_is_not_compared_for_long() {
        let old = format!("đầu {} cuối", "a".repeat(5_000));
        let new = format!("đầu {} cuối", "b".repeat(6_000));
        let (mut crdt, object) = with_text(&old);
        set(&mut crdt, &object, &new).unwrap();
        assert_eq!(crdt.text(&object).unwrap(), new);
        assert_eq!(
            crdt.stats().num_ops,
            1 + old.chars().count() as u64 + 6_000,
            "only the middle was written anew"
        );
    }
}
