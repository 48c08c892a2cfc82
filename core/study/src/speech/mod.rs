//! What a text-to-speech voice is given to say.
//!
//! The platform speaks; this module prepares Vietnamese Party and administrative text for it: numbers, dates, times,
//! document codes, abbreviations and units become words, marks that are not pauses go, and a section is cut into
//! sentences with stable ids that drive highlighting and reading progress. Everything here is a pure function of the
//! text and a [`SpeechProfile`].
//!
//! ```
//! use sotay_study::speech::{SpeechProfile, speak};
//! let spoken = speak("họp lúc 19h30 ngày 05/4", &SpeechProfile::default());
//! assert_eq!(spoken, "họp lúc mười chín giờ ba mươi phút ngày năm tháng tư");
//! ```

mod calendar;
mod clean;
mod clock;
mod code;
mod data;
mod heads;
mod identifier;
mod number;
mod punctuation;
mod quantity;
mod reader;
mod roman;
mod scan;
mod sentence;
mod share;
mod syllable;
mod word;

pub use reader::{Heard, Reader, ReaderState, SpeechFailed, SpeechOutput, Utterance};
pub use sentence::{
    MAX_SENTENCE_CHARS, Pause, PauseKind, Sentence, SentenceId, SpokenSentence, prepare, sentences,
};

use unicode_normalization::UnicodeNormalization;

/// Whose everyday number words are spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Region {
    /// "một nghìn không trăm linh năm".
    #[default]
    Northern,
    /// "một ngàn không trăm lẻ năm".
    Southern,
}

impl Region {
    fn thousand(self) -> &'static str {
        match self {
            Region::Northern => "nghìn",
            Region::Southern => "ngàn",
        }
    }

    fn empty_tens(self) -> &'static str {
        match self {
            Region::Northern => "linh",
            Region::Southern => "lẻ",
        }
    }
}

/// How a member wants texts to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct SpeechProfile {
    /// Whose number words are used.
    pub region: Region,
}

impl SpeechProfile {
    /// A profile with the number words of `region`.
    pub fn new(region: Region) -> Self {
        Self { region }
    }
}

/// Abbreviations that stand for the same words wherever they stand, with these words.
pub(crate) fn abbreviations() -> impl Iterator<Item = (&'static str, &'static str)> {
    use data::abbreviations::{ABBREVIATIONS, When};
    let plain = |written: &str| written.chars().count() > 1 && written.chars().all(char::is_alphabetic);
    ABBREVIATIONS
        .iter()
        .filter(move |(written, _, when)| *when == When::Always && plain(written))
        .map(|(written, spoken, _)| (*written, *spoken))
}

/// One line or paragraph as it is to be spoken, in NFC.
///
/// Line breaks are kept: every line is read by itself, with its own bullet or clause letter.
pub fn speak(text: &str, profile: &SpeechProfile) -> String {
    let lines: Vec<String> = text
        .lines()
        .map(|line| speak_piece(line, profile, true))
        .collect();
    lines.join("\n")
}

/// A piece of one line; only one that begins its line can begin with a bullet or a clause letter.
fn speak_piece(text: &str, profile: &SpeechProfile, begins_line: bool) -> String {
    let line = clean::clean(text).replace('\n', " ");
    let scan = scan::Scan::new(&line, profile.region);
    clean::tidy(&scan.run(begins_line)).nfc().collect()
}
