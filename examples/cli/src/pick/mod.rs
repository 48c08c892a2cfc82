//! Whom or what did the person name: members, meetings, entries, days and times.

mod people;
mod phones;
mod things;
mod when;

pub(crate) use people::People;
pub(crate) use phones::phone;
pub(crate) use things::{
    Numbered, criterion, document, entry, meeting, member_device, review_item, review_pick,
};
pub(crate) use when::{date, date_or_none, dong_or_none, month, points, time, time_or_none};

use unicode_normalization::UnicodeNormalization;

/// What takes a value back or leaves it out.
const NONE_WORDS: [&str; 2] = ["none", "không"];

/// For comparing what people type: NFC, lower case, every run of white space one space.
pub(crate) fn folded(text: &str) -> String {
    let lower = text.nfc().collect::<String>().to_lowercase();
    lower.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(crate) fn is_none_word(text: &str) -> bool {
    NONE_WORDS.contains(&folded(text).as_str())
}

/// A number as lists print it; longer runs of digits are ids.
fn list_number(text: &str) -> Option<u32> {
    const DIGITS_MAX: usize = 5;
    (text.len() <= DIGITS_MAX && text.bytes().all(|b| b.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}
