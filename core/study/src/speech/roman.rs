//! Roman numerals: only after a word that numbers, or where nothing else can be meant.

use super::data::context::{OPEN_NAMES, ROMAN_NEAR, ROMAN_TRIGGERS};
use super::number;
use super::scan::{Said, Scan, ends_with_word, leading_word};
use super::syllable::is_syllable;

/// How many bytes back one of [`ROMAN_NEAR`] still makes a longer numeral one.
const NEAR_BYTES: usize = 80;

/// Speaks a Roman numeral.
pub(super) fn numeral(scan: &mut Scan<'_>) -> bool {
    let text = leading_word(scan.rest());
    let Some(value) = number::roman(text) else {
        return false;
    };
    let after = &scan.rest()[text.len()..];
    if text == "L" || after.starts_with(|c: char| c.is_ascii_digit() || c == '\'') || is_initial(after) {
        return false;
    }
    let open_name = text == "X" && scan.follows(OPEN_NAMES);
    let triggered = scan.follows(ROMAN_TRIGGERS) && !open_name;
    if !(triggered || scan.said_in_list() == Said::Roman || stands_alone(scan, text)) {
        return false;
    }
    let digits = value.to_string();
    let words = if ends_with_word(scan.context(), "thứ") {
        number::ordinal(&digits, scan.region)
    } else {
        number::cardinal(&digits, scan.region)
    };
    scan.replace(text.len(), &words, Said::Roman);
    true
}

/// The "V." of "V.I. Lênin".
fn is_initial(after: &str) -> bool {
    after
        .strip_prefix('.')
        .is_some_and(|next| next.starts_with(char::is_alphabetic))
}

/// "III" can be nothing else, "VI" and "XX" need a congress or a term nearby.
fn stands_alone(scan: &Scan<'_>, text: &str) -> bool {
    if text.len() < 2 || text.contains('L') {
        return false;
    }
    let repeated = text.bytes().all(|b| b == b'X');
    if !repeated && !is_syllable(text) {
        return true;
    }
    let from = (0..=scan.at.saturating_sub(NEAR_BYTES))
        .rev()
        .find(|i| scan.lower.is_char_boundary(*i))
        .unwrap_or(0);
    let before = &scan.lower[from..scan.at];
    ROMAN_NEAR.iter().any(|word| before.contains(word))
}
