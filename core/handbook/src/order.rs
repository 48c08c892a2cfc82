//! Order keys: fractional indexes in hexadecimal, so that something can be placed between two others without moving
//! them. Position is never identity: entries with equal keys are parted by their ids.

use fractional_index::FractionalIndex;

use crate::limits::KEY_BYTES_MAX;

/// A key after `before` and before `after`; keys that are no indexes, or leave no room, are passed over.
pub(crate) fn between(before: Option<&str>, after: Option<&str>) -> String {
    let index = |key: Option<&str>| FractionalIndex::from_string(key?).ok();
    let (before, after) = (index(before), index(after));
    let made = FractionalIndex::new(before.as_ref(), after.as_ref())
        .or_else(|| before.as_ref().map(FractionalIndex::new_after))
        .unwrap_or_default()
        .to_string();
    match before {
        // A chain of insertions at one place makes keys long; the end of the list is always short.
        Some(before) if made.len() > KEY_BYTES_MAX => before.to_string(),
        _ if made.len() > KEY_BYTES_MAX => FractionalIndex::default().to_string(),
        _ => made,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_between_two_sorts_between_them() {
        let first = between(None, None);
        let last = between(Some(&first), None);
        let middle = between(Some(&first), Some(&last));
        let start = between(None, Some(&first));
        assert!(start < first && first < middle && middle < last);
    }

    #[test]
    fn a_thousand_entries_at_the_end_keep_short_keys() {
        let mut key = between(None, None);
        for _ in 0..1000 {
            let next = between(Some(&key), None);
            assert!(next > key);
            key = next;
        }
        assert!(key.len() <= 20, "{} bytes", key.len());
    }

    #[test]
    fn nonsense_and_keys_out_of_order_still_give_a_key() {
        assert_eq!(between(Some("not hex"), None), between(None, None));
        let (low, high) = (between(None, None), between(Some(&between(None, None)), None));
        assert!(between(Some(&high), Some(&low)) > high);
    }

    #[test]
    fn insertions_at_one_place_never_exceed_the_limit() {
        let (low, mut high) = (between(None, None), between(Some(&between(None, None)), None));
        for _ in 0..5000 {
            high = between(Some(&low), Some(&high));
            assert!(high.len() <= KEY_BYTES_MAX);
        }
    }
}
