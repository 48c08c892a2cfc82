//! A section as sentences that a player steps through: stable ids, byte ranges for highlighting, pauses.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use super::scan::{leading_word, starts_with_any};
use super::{SpeechProfile, clean, number, speak_piece};

/// Longest sentence, in characters; a longer one is cut at a semicolon, a comma or a space. Platform voices refuse
/// utterances of a few thousand characters, and words grow about threefold when numbers are written out.
pub const MAX_SENTENCE_CHARS: usize = 600;

/// How long a clause must be, in characters, before a semicolon may end a sentence that is too long.
const MIN_CUT_CHARS: usize = 40;

/// A sentence's name: where it stands and what it says. It survives a change of font, NFC/NFD and soft hyphens, and
/// changes when the wording does, so that a highlight never lands on other words.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SentenceId {
    /// Index of the paragraph in the section, from 0; blank lines are not counted.
    pub paragraph: u32,
    /// Index of the sentence in its paragraph, from 0.
    pub sentence: u32,
    /// First four bytes of the BLAKE3 hash of the cleaned text.
    pub digest: u32,
}

impl fmt::Display for SentenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{}s{}-{:08x}", self.paragraph, self.sentence, self.digest)
    }
}

impl fmt::Debug for SentenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a voice rests at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PauseKind {
    /// A comma.
    Comma,
    /// A semicolon or a colon.
    Clause,
    /// The end of a sentence.
    Sentence,
    /// The end of a paragraph.
    Paragraph,
}

impl PauseKind {
    /// The suggested rest at normal speed.
    pub fn duration(self) -> Duration {
        Duration::from_millis(match self {
            PauseKind::Comma => 200,
            PauseKind::Clause => 350,
            PauseKind::Sentence => 500,
            PauseKind::Paragraph => 900,
        })
    }
}

/// A place where the voice rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Byte offset, in the spoken text, behind which the rest comes.
    pub at: usize,
    /// Why; gives the length.
    pub kind: PauseKind,
}

impl Pause {
    /// The suggested rest, in milliseconds at normal speed.
    pub fn millis(&self) -> u64 {
        self.kind.duration().as_millis() as u64
    }
}

/// One sentence of a section, as a range of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// Its stable name.
    pub id: SentenceId,
    /// Bytes of the section that are highlighted while it is spoken.
    pub range: Range<usize>,
    /// The rest after it: [`PauseKind::Sentence`], or [`PauseKind::Paragraph`] for the last of a paragraph.
    pub closing: PauseKind,
}

/// A sentence with its words for the voice.
#[derive(Clone, PartialEq, Eq)]
pub struct SpokenSentence {
    /// Which sentence.
    pub sentence: Sentence,
    /// What is spoken, in NFC.
    pub spoken: String,
    /// Where the voice rests, in order; the last one closes the sentence.
    pub pauses: Vec<Pause>,
}

impl fmt::Debug for SpokenSentence {
    // Text of a document stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpokenSentence")
            .field("sentence", &self.sentence)
            .field("spoken_bytes", &self.spoken.len())
            .field("pauses", &self.pauses.len())
            .finish()
    }
}

/// Cuts a section into sentences. Lines are paragraphs; together the ranges cover everything but blanks.
pub fn sentences(section_text: &str) -> Vec<Sentence> {
    let mut found = Vec::new();
    let mut paragraph = 0;
    let mut offset = 0;
    for line in section_text.split(['\n', '\r']) {
        let pieces = cut(line);
        let count = pieces.len();
        for (index, piece) in pieces.into_iter().enumerate() {
            let digest = digest(&clean::clean(&line[piece.clone()]));
            let closing = if index + 1 == count {
                PauseKind::Paragraph
            } else {
                PauseKind::Sentence
            };
            let id = SentenceId {
                paragraph,
                sentence: index as u32,
                digest,
            };
            found.push(Sentence {
                id,
                range: offset + piece.start..offset + piece.end,
                closing,
            });
        }
        paragraph += u32::from(count > 0);
        offset += line.len() + 1;
    }
    found
}

/// Cuts a section into sentences and writes out what is spoken. Pieces with nothing to say (a line of dashes) are left out.
pub fn prepare(section_text: &str, profile: &SpeechProfile) -> Vec<SpokenSentence> {
    sentences(section_text)
        .into_iter()
        .filter_map(|sentence| {
            let spoken = speak_piece(
                &section_text[sentence.range.clone()],
                profile,
                sentence.id.sentence == 0,
            );
            let pauses = pauses(&spoken, sentence.closing);
            (!spoken.is_empty()).then_some(SpokenSentence {
                sentence,
                spoken,
                pauses,
            })
        })
        .collect()
}

fn pauses(spoken: &str, closing: PauseKind) -> Vec<Pause> {
    let mut found: Vec<Pause> = spoken
        .char_indices()
        .filter_map(|(at, c)| {
            let kind = match c {
                ',' => PauseKind::Comma,
                ';' | ':' => PauseKind::Clause,
                '.' | '!' | '?' => PauseKind::Sentence,
                _ => return None,
            };
            let at = at + 1;
            (spoken[at..].starts_with(' ')).then_some(Pause { at, kind })
        })
        .collect();
    found.push(Pause {
        at: spoken.len(),
        kind: closing,
    });
    found
}

/// Stable across releases and platforms, which the standard library's hasher does not promise.
fn digest(text: &str) -> u32 {
    let [a, b, c, d, ..] = *blake3::hash(text.as_bytes()).as_bytes();
    u32::from_be_bytes([a, b, c, d])
}

/// Ranges of the sentences of one line, without the blanks around them.
fn cut(line: &str) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut from = 0;
    while let Some(end) = next_end(line, start, from) {
        push_piece(line, start..end, &mut pieces);
        (start, from) = (end, end);
    }
    push_piece(line, start..line.len(), &mut pieces);
    pieces
}

/// The end of the sentence that begins at `start`, if another one follows it in the line.
fn next_end(line: &str, start: usize, from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(found) = line[at..].find(['.', '!', '?', '…']) {
        let mark = at + found;
        let closers =
            line[mark..].trim_start_matches(['.', '!', '?', '…', '/', '"', '”', '’', ')', '»', '\'']);
        let end = line.len() - closers.len();
        if closers.starts_with(char::is_whitespace)
            && begins_sentence(closers)
            && !is_inner(line, start, mark, end)
        {
            return Some(end);
        }
        at = end;
    }
    None
}

fn begins_sentence(after: &str) -> bool {
    after
        .trim_start()
        .chars()
        .next()
        .is_some_and(|c| !c.is_lowercase() && !matches!(c, ',' | ';' | ':' | '.'))
}

/// True when the full stop at `mark` belongs to a clause number, an abbreviation or an initial.
fn is_inner(line: &str, start: usize, mark: usize, end: usize) -> bool {
    if end > mark + 1 || !line[mark..].starts_with('.') {
        return false;
    }
    let before = line[start..mark].trim_start();
    let word = before.rsplit(|c: char| c.is_whitespace()).next().unwrap_or("");
    (start == 0 && is_head(before)) || is_abbreviation(word) || is_initial(before, word)
}

/// "1", "2.1", "a", "II", "Điều 5", "Chương IV" at the beginning of a line.
fn is_head(before: &str) -> bool {
    const NUMBERED: [&str; 10] = [
        "điều",
        "chương",
        "mục",
        "phần",
        "tiểu mục",
        "phụ lục",
        "khoản",
        "câu",
        "bước",
        "bài",
    ];
    let lower = clean::lower_in_place(&clean::clean(before));
    let mut words = lower.split(' ');
    let last = words.next_back().unwrap_or("");
    let numeral = last.chars().all(|c| c.is_ascii_digit() || c == '.')
        || number::roman(&last.to_uppercase()).is_some()
        || leading_word(last).chars().count() == 1 && last.chars().count() == 1;
    let words_before = words.count();
    numeral
        && !last.is_empty()
        && (words_before == 0 || (words_before <= 2 && starts_with_any(&lower, &NUMBERED)))
}

fn is_abbreviation(word: &str) -> bool {
    let word = word.trim_start_matches(['(', '"', '“']);
    let last = word.rsplit('.').next().unwrap_or("");
    matches!(
        last,
        "TS" | "ThS"
            | "Ths"
            | "GS"
            | "PGS"
            | "BS"
            | "KS"
            | "LS"
            | "TP"
            | "Tp"
            | "tp"
            | "TX"
            | "TT"
            | "Q"
            | "P"
            | "H"
            | "TM"
            | "KT"
            | "TL"
            | "TUQ"
            | "Ph"
            | "St"
            | "Mr"
            | "Ms"
    ) || matches!(word, "đ/c" | "Đ/c" | "tr" | "T")
}

/// "C. Mác", "V. I. Lênin", but not "đồng chí Nguyễn Văn A.": there the letter ends a name.
fn is_initial(before: &str, word: &str) -> bool {
    let mut letters = word.trim_start_matches(['(', '"', '“']).chars();
    if !letters.next().is_some_and(char::is_uppercase) || letters.next().is_some() {
        return false;
    }
    let previous = before[..before.len() - word.len()].trim_end();
    let name = previous.rsplit(' ').next().unwrap_or("");
    name.is_empty() || name.ends_with('.') || !name.starts_with(char::is_uppercase)
}

/// Adds a piece without the blanks around it, in parts if it is too long.
fn push_piece(line: &str, range: Range<usize>, pieces: &mut Vec<Range<usize>>) {
    let text = &line[range.clone()];
    let trimmed = text.trim_matches(is_blank);
    if trimmed.is_empty() {
        return;
    }
    let mut start = range.start + (text.len() - text.trim_start_matches(is_blank).len());
    let end = start + trimmed.len();
    while line[start..end].chars().count() > MAX_SENTENCE_CHARS {
        let cut = start + best_cut(&line[start..end]);
        let piece = line[start..cut].trim_end_matches(is_blank);
        pieces.push(start..start + piece.len());
        start = end - line[cut..end].trim_start_matches(is_blank).len();
    }
    pieces.push(start..end);
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || c.is_control() || clean::is_invisible(c)
}

/// Where a text of more than [`MAX_SENTENCE_CHARS`] is cut: the last semicolon, else comma, else blank, else anywhere.
fn best_cut(text: &str) -> usize {
    let at = |n: usize| text.char_indices().nth(n).map_or(text.len(), |(i, _)| i);
    let (least, most) = (at(MIN_CUT_CHARS), at(MAX_SENTENCE_CHARS));
    for mark in [';', ',', ' '] {
        let found = text[least..most]
            .match_indices(mark)
            .rfind(|(i, _)| text[least + i + 1..].starts_with(' ') || mark == ' ');
        if let Some((i, m)) = found {
            return least + i + m.len();
        }
    }
    most
}
