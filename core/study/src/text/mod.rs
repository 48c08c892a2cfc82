//! Vietnamese text as a searcher sees it: cleaned characters, syllables, and three keys for each syllable.
//!
//! | key | keeps | so that |
//! |---|---|---|
//! | exact | lower-case NFC | the very spelling can be preferred |
//! | canonical | letters and tone, not where the tone mark sits, nor final i/y | `hòa` = `hoà`, `kỷ` = `kỉ` |
//! | folded | bare letters, đ as d | typing without marks finds accented text |
//!
//! Everything here is a pure function; nothing allocates more than a small multiple of its input.

mod keystroke;
mod number;
mod syllable;
mod token;
mod validity;

pub use keystroke::{telex, vni};
pub use number::{NumberRun, month_word, number_run};
pub use syllable::{Keys, has_marks, keys};
pub use token::{Token, TokenKind, tokens};
pub use validity::is_syllable;

use unicode_normalization::UnicodeNormalization;

/// Brings text into the form everything else in this crate works on.
///
/// NFC; soft hyphens, zero-width characters and byte order marks removed; every kind of space but the line feed
/// becomes a plain space; CR LF and CR become LF; other control characters are removed; the look-alikes of đ (eth
/// and African D) become đ. Punctuation and letters are otherwise left as they were found.
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.nfc().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}' => {}
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            '\r' => {
                if chars.peek() != Some(&'\n') {
                    out.push('\n');
                }
            }
            '\n' => out.push('\n'),
            '\u{2028}' | '\u{2029}' | '\u{b}' | '\u{c}' | '\u{85}' => out.push('\n'),
            'Ð' | 'Ɖ' => out.push('Đ'),
            'ð' | 'ɖ' => out.push('đ'),
            c if c.is_whitespace() => out.push(' '),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// [`clean`], then runs of spaces become one and the ends are trimmed: one line of running text.
pub fn clean_line(text: &str) -> String {
    let cleaned = clean(text);
    let mut out = String::with_capacity(cleaned.len());
    for word in cleaned.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soft_hyphens_and_zero_width_characters_vanish_inside_words() {
        assert_eq!(clean("ph\u{ad}ương\u{200b} án\u{feff}"), "phương án");
    }

    #[test]
    fn decomposed_text_becomes_composed() {
        assert_eq!(clean("nghi\u{323} quye\u{302}\u{301}t"), "nghị quyết");
    }

    #[test]
    fn odd_spaces_and_line_ends_become_plain_ones() {
        assert_eq!(clean("a\u{a0}b\r\nc\rd\u{2028}e\tf"), "a b\nc\nd\ne f");
        assert_eq!(clean_line("  a \u{a0} b\n c "), "a b c");
    }

    #[test]
    fn the_letter_eth_is_read_as_d_with_stroke() {
        assert_eq!(clean("Ðảng ðã"), "Đảng đã");
    }
}
