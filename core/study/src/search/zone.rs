//! A field of a section as a row of word ids, as the index keeps and ranks it.

use super::vocabulary::{GAP, Vocabulary, WordId};
use crate::text::{Token, TokenKind, month_word, number_run, tokens};

/// A row of words with gaps, and the numbers that were written in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Zone {
    /// Word ids; [`GAP`] between sentences.
    pub(super) words: Vec<WordId>,
    /// Numbers in words: first position, how many words, the word id of the number in digits.
    pub(super) numbers: Vec<(u32, u32, WordId)>,
}

/// Whether words on both sides of this piece of text do not belong together.
fn separates(between: &str) -> bool {
    between.contains(['.', ';', ':', '!', '?', '\n', '|', '…'])
}

/// Whether a word only says that a number follows.
pub(super) fn says_number(word: &str) -> bool {
    matches!(word, "số" | "Số" | "SỐ")
}

/// The tokens of a text with the position each has in its zone.
pub(super) fn placed(text: &str) -> Vec<(u32, Token<'_>)> {
    let mut position = 0u32;
    let mut end = 0;
    let mut out: Vec<(u32, Token<'_>)> = Vec::new();
    for token in tokens(text) {
        // "Nghị định số 59" and "Nghị định 59" are the same words.
        if token.kind == TokenKind::Number
            && out.len() > 1
            && let Some((at, before)) =
                out.pop_if(|(_, t)| says_number(t.raw) && &text[t.end()..token.start] == " ")
        {
            position = at;
            end = before.end();
        }
        if end > 0 && separates(&text[end..token.start]) {
            position += 1;
        }
        end = token.end();
        out.push((position, token));
        position += 1;
    }
    out
}

impl Zone {
    /// Reads a text, adding its words to the vocabulary.
    pub(super) fn read(text: &str, vocabulary: &mut Vocabulary) -> Self {
        Self::build(text, |word| vocabulary.intern(word))
    }

    /// Reads a text of the index: its words are in the vocabulary already; others become gaps.
    pub(super) fn look_up(text: &str, vocabulary: &Vocabulary) -> Self {
        Self::build(text, |word| {
            vocabulary
                .canonical(&crate::text::keys(word).canonical)
                .next()
                .unwrap_or(GAP)
        })
    }

    fn build(text: &str, mut id: impl FnMut(&str) -> WordId) -> Self {
        let placed = placed(text);
        let mut zone = Self::default();
        for (position, token) in &placed {
            zone.words.resize(*position as usize, GAP);
            zone.words.push(id(&token.value));
        }
        let lower: Vec<String> = placed.iter().map(|(_, t)| t.value.to_lowercase()).collect();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        let mut at = 0;
        while at < placed.len() {
            let together = placed[at..]
                .windows(2)
                .take_while(|w| w[1].0 == w[0].0 + 1)
                .count()
                + 1;
            let month = if at > 0 && lower[at - 1] == "tháng" {
                month_word(lower[at])
            } else {
                None
            };
            if let Some(month) = month.filter(|_| placed[at].0 == placed[at - 1].0 + 1) {
                zone.numbers.push((placed[at].0, 1, id(month)));
                at += 1;
                continue;
            }
            match number_run(&lower[at..at + together]) {
                Some(run) if placed[at].1.kind == TokenKind::Word => {
                    zone.numbers
                        .push((placed[at].0, run.words as u32, id(&run.value)));
                    at += run.words;
                }
                _ => at += 1,
            }
        }
        zone
    }

    /// All word ids in it, gaps left out.
    pub(super) fn ids(&self) -> impl Iterator<Item = WordId> + '_ {
        let words = self.words.iter().copied().filter(|id| *id != GAP);
        words.chain(self.numbers.iter().map(|(_, _, id)| *id))
    }

    /// The compact form kept in the index file.
    pub(super) fn pack(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.words.len() * 2 + 4);
        put(&mut out, self.words.len() as u32);
        self.words.iter().for_each(|id| put(&mut out, *id));
        for (at, len, id) in &self.numbers {
            [*at, *len, *id].iter().for_each(|n| put(&mut out, *n));
        }
        out
    }

    /// Reads the compact form; `None` if it is damaged.
    pub(super) fn unpack(bytes: &[u8], vocabulary_len: usize) -> Option<Self> {
        let mut numbers = Numbers(bytes);
        let known = |id: u32| (id as usize <= vocabulary_len).then_some(id);
        let len = numbers.next()? as usize;
        if len > bytes.len() {
            return None;
        }
        let mut zone = Self::default();
        for _ in 0..len {
            zone.words.push(known(numbers.next()?)?);
        }
        while let Some(at) = numbers.next() {
            zone.numbers.push((at, numbers.next()?, known(numbers.next()?)?));
        }
        Some(zone)
    }
}

fn put(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    fn next(&mut self) -> Option<u32> {
        let mut value = 0u32;
        for shift in (0..35).step_by(7) {
            let (first, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u32::from(first & 0x7f).checked_shl(shift)?;
            if first & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_gaps_apart_and_numbers_in_words_are_also_digits() {
        let mut v = Vocabulary::default();
        let zone = Zone::read("Chi bộ họp. Đạt chín mươi phần trăm, 12-HD/TW", &mut v);
        assert_eq!(zone.words.iter().filter(|id| **id == GAP).count(), 1);
        let (at, len, id) = zone.numbers[0];
        assert_eq!((at, len, v.word(id).keys.exact.as_str()), (5, 4, "90%"));
        assert_eq!(zone.numbers.len(), 1);
    }

    #[test]
    fn the_compact_form_comes_back_and_damage_is_seen() {
        let mut v = Vocabulary::default();
        let zone = Zone::read("Mười lăm ngày. Hai mươi câu", &mut v);
        let bytes = zone.pack();
        assert_eq!(Zone::unpack(&bytes, v.len()), Some(zone));
        assert_eq!(Zone::unpack(&bytes, 1), None);
        assert_eq!(Zone::unpack(&bytes[..3], v.len()), None);
        assert_eq!(Zone::unpack(&[0xff; 8], v.len()), None);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_unpack_without_a_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..40)) {
            let _ = Zone::unpack(&bytes, 10);
        }
    }
}
