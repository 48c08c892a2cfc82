//! Text that people wrote. Its `Debug` shows only the length: text of a document never reaches a log.

use std::fmt;
use std::ops::Deref;

use serde::{Serialize, Serializer};
use sotay_document::nfc;

use crate::limits::{LINE_CHARS_MAX, TEXT_CHARS_MAX};

/// Text that people wrote.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Words(String);

impl Words {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Number of characters (code points).
    pub fn chars_count(&self) -> usize {
        self.0.chars().count()
    }

    /// As a document keeps a paragraph: NFC, LF, no control characters. Spaces at its ends stay, somebody may be typing.
    pub(crate) fn paragraph(&self) -> Result<String, TooLong> {
        bounded(paragraph_of(&self.0), TEXT_CHARS_MAX)
    }

    /// As a document keeps a line: like a paragraph, with every run of white space made one space.
    pub(crate) fn line(&self) -> Result<String, TooLong> {
        bounded(line_of(&self.0), LINE_CHARS_MAX)
    }
}

/// What [`Words::paragraph`] makes of a text of any length; used on what arrives from other devices.
pub(crate) fn paragraph_of(text: &str) -> String {
    let text = nfc(text).replace("\r\n", "\n");
    let breaks = ['\n', '\r', '\u{2028}', '\u{2029}', '\u{b}', '\u{c}', '\u{85}'];
    let lines: Vec<String> = text.split(breaks).map(clean).collect();
    lines.join("\n")
}

/// What [`Words::line`] makes of a text of any length.
pub(crate) fn line_of(text: &str) -> String {
    let text = nfc(text);
    let words: Vec<String> = text
        .split_whitespace()
        .map(clean)
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ")
}

/// A text over its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLong {
    pub chars: usize,
    pub limit: usize,
}

fn bounded(text: String, limit: usize) -> Result<String, TooLong> {
    let chars = text.chars().count();
    if chars > limit {
        Err(TooLong { chars, limit })
    } else {
        Ok(text)
    }
}

/// Without control characters, without what has no width, and without what turns the direction of the text after it:
/// they could make a printed line read otherwise than it is stored. Joiners stay, emoji need them; tabs become spaces.
fn clean(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(
                c,
                '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{61c}'
            )
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars()
        .map(|c| if c == '\t' { ' ' } else { c })
        .filter(|&c| !hidden(c))
        .collect()
}

impl Deref for Words {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Words {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Words {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl PartialEq<str> for Words {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Words {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Words({} characters)", self.chars_count())
    }
}

impl Serialize for Words {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decomposed_letters_controls_and_foreign_line_ends_become_one_plain_form() {
        let typed = Words::from("\u{feff}Nguye\u{302}\u{303}n \tVăn\u{0} A \r\n\r\nhai\u{202e}\rba\n\n");
        assert_eq!(typed.paragraph().unwrap(), "Nguyễn  Văn A \n\nhai\nba\n\n");
        assert_eq!(typed.line().unwrap(), "Nguyễn Văn A hai ba");
    }

    #[test]
    fn emoji_and_other_scripts_stay() {
        assert_eq!(Words::from("đồng ý 👍🏽 ✓").line().unwrap(), "đồng ý 👍🏽 ✓");
    }

    #[test]
    fn one_character_over_the_limit_is_refused_with_both_numbers() {
        let fits = Words::from("ế".repeat(LINE_CHARS_MAX));
        assert!(fits.line().is_ok());
        let over = Words::from("ế".repeat(LINE_CHARS_MAX + 1));
        assert_eq!(
            over.line(),
            Err(TooLong {
                chars: LINE_CHARS_MAX + 1,
                limit: LINE_CHARS_MAX
            })
        );
        let over = Words::from("a".repeat(TEXT_CHARS_MAX + 1));
        assert_eq!(
            over.paragraph(),
            Err(TooLong {
                chars: TEXT_CHARS_MAX + 1,
                limit: TEXT_CHARS_MAX
            })
        );
    }

    #[test]
    fn debug_shows_no_text() {
        assert_eq!(format!("{:?}", Words::from("bí mật")), "Words(6 characters)");
    }
}
