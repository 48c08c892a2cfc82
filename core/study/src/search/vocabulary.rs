//! The words of the index and their three keys, kept in memory: about 5,000 for a province's library.

use crate::text::{self, Keys};
use sotay_feed::InOrder;
use std::collections::BTreeMap;

/// Number of a word. 0 is no word but a gap: the end of a sentence or of a field.
pub(super) type WordId = u32;

/// The gap between words that do not belong together.
pub(super) const GAP: WordId = 0;

/// One word of the index.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) keys: Keys,
    /// In how many sections it stands.
    pub(super) sections: u32,
}

/// All words.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    words: Vec<Word>,
    exact: BTreeMap<String, WordId>,
    canonical: BTreeMap<String, Vec<WordId>>,
    folded: BTreeMap<String, Vec<WordId>>,
}

impl Vocabulary {
    /// Appends a word read back from the file; ids are given in order from 1.
    pub(super) fn restore(&mut self, exact: &str, sections: u32) -> WordId {
        let keys = text::keys(exact);
        self.words.push(Word {
            keys: keys.clone(),
            sections,
        });
        let id = self.words.len() as WordId;
        self.exact.insert(keys.exact, id);
        self.canonical.entry(keys.canonical).or_default().push(id);
        self.folded.entry(keys.folded).or_default().push(id);
        id
    }

    /// The id of a word, new if need be.
    pub(super) fn intern(&mut self, raw: &str) -> WordId {
        if let Some(id) = self.exact.get(raw) {
            return *id;
        }
        let exact: String = raw.chars().flat_map(char::to_lowercase).collect();
        match self.exact.get(&exact) {
            Some(id) => *id,
            None => self.restore(&exact, 0),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    /// The word with this id; ids come from this vocabulary.
    pub(super) fn word(&self, id: WordId) -> &Word {
        &self.words[id as usize - 1]
    }

    pub(super) fn count(&mut self, id: WordId, up: bool) {
        let sections = &mut self.words[id as usize - 1].sections;
        *sections = if up {
            sections.saturating_add(1)
        } else {
            sections.saturating_sub(1)
        };
    }

    /// Words with this canonical key that stand in some section.
    pub(super) fn canonical(&self, key: &str) -> impl Iterator<Item = WordId> + '_ {
        self.live(self.canonical.get(key))
    }

    /// Words with this folded key that stand in some section.
    pub(super) fn folded(&self, key: &str) -> impl Iterator<Item = WordId> + '_ {
        self.live(self.folded.get(key))
    }

    fn live<'a>(&'a self, ids: Option<&'a Vec<WordId>>) -> impl Iterator<Item = WordId> + 'a {
        ids.into_iter()
            .flatten()
            .copied()
            .filter(|id| self.word(*id).sections > 0)
    }

    /// Words of the index that end so.
    pub(super) fn ending(&self, end: &str) -> impl Iterator<Item = WordId> + '_ {
        let end = end.to_owned();
        (1..=self.words.len() as WordId)
            .filter(move |id| self.word(*id).sections > 0 && self.word(*id).keys.exact.ends_with(&end))
    }

    /// Words that begin as typed: with marks typed the shapes must agree, and a typed tone must be there.
    pub(super) fn beginning(&self, typed: &Keys) -> Vec<WordId> {
        let marked = typed.shape != typed.bare || typed.tone.is_some();
        let mut found: Vec<WordId> = (1..=self.words.len() as WordId)
            .filter(|id| {
                let word = self.word(*id);
                let shape = if marked {
                    word.keys.shape.starts_with(&typed.shape)
                } else {
                    word.keys.bare.starts_with(&typed.bare)
                };
                shape && word.sections > 0 && (typed.tone.is_none() || typed.tone == word.keys.tone)
            })
            .collect();
        found.in_order_by_key(|id| (std::cmp::Reverse(self.word(*id).sections), *id));
        found.truncate(MAX_BEGINNINGS);
        found
    }

    /// Folded keys one slip away from one that no section has: a letter missing, doubled, changed or swapped.
    pub(super) fn near(&self, folded: &str) -> Vec<WordId> {
        if folded.chars().count() < MIN_SLIP_CHARS {
            return Vec::new();
        }
        let wanted: Vec<char> = folded.chars().collect();
        let keys = self
            .folded
            .iter()
            .filter(|(key, _)| one_slip(&wanted, &key.chars().collect::<Vec<_>>()));
        let mut found: Vec<WordId> = keys.flat_map(|(_, ids)| self.live(Some(ids))).collect();
        found.in_order_by_key(|id| (std::cmp::Reverse(self.word(*id).sections), *id));
        found.truncate(MAX_SLIPS);
        found
    }
}

/// Most words that a typed beginning stands for.
const MAX_BEGINNINGS: usize = 64;
/// Most words that a slip of the finger stands for.
const MAX_SLIPS: usize = 12;
/// Shorter words have too many neighbours to guess from.
const MIN_SLIP_CHARS: usize = 3;

/// First letters are seldom missed, but some are said alike.
fn first_letters(a: &[char], b: &[char]) -> bool {
    const ALIKE: [&str; 6] = ["sx", "dgrv", "ln", "ckq", "tc", "iy"];
    let (Some(x), Some(y)) = (a.first(), b.first()) else {
        return false;
    };
    ALIKE.iter().any(|set| set.contains(*x) && set.contains(*y))
}

/// Whether one insertion, deletion, change or swap of neighbours makes `a` into `b`.
fn one_slip(a: &[char], b: &[char]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if long.len() - short.len() > 1 {
        return false;
    }
    let same = short.iter().zip(long).take_while(|(x, y)| x == y).count();
    if same == 0 && !first_letters(a, b) {
        return false;
    }
    let (rest_short, rest_long) = (&short[same..], &long[same..]);
    if short.len() < long.len() {
        return rest_short == &rest_long[1..];
    }
    match (rest_short, rest_long) {
        ([], []) => true,
        ([_, x @ ..], [_, y @ ..]) if x == y => true,
        ([a0, a1, x @ ..], [b0, b1, y @ ..]) => a0 == b1 && a1 == b0 && x == y,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary(words: &[&str]) -> Vocabulary {
        let mut v = Vocabulary::default();
        for word in words {
            let id = v.intern(word);
            v.count(id, true);
        }
        v
    }

    fn shown(v: &Vocabulary, ids: Vec<WordId>) -> Vec<&str> {
        ids.into_iter().map(|id| v.word(id).keys.exact.as_str()).collect()
    }

    #[test]
    fn words_are_found_by_each_of_their_keys() {
        let v = vocabulary(&["hòa", "hoà", "hoa", "Hòa"]);
        assert_eq!(v.len(), 3);
        assert_eq!(v.canonical(&text::keys("hoà").canonical).count(), 2);
        assert_eq!(v.folded("hoa").count(), 3);
    }

    #[test]
    fn a_word_that_left_every_section_is_not_found() {
        let mut v = vocabulary(&["đảng"]);
        v.count(1, false);
        assert_eq!(v.folded("dang").count(), 0);
        assert_eq!(v.beginning(&text::keys("đ")), Vec::<WordId>::new());
    }

    #[test]
    fn beginnings_respect_the_marks_that_were_typed() {
        let v = vocabulary(&["đề", "đường", "dân", "để"]);
        assert_eq!(shown(&v, v.beginning(&text::keys("đ"))), ["đề", "đường", "để"]);
        assert_eq!(shown(&v, v.beginning(&text::keys("d"))).len(), 4);
        assert_eq!(shown(&v, v.beginning(&text::keys("đề"))), ["đề"]);
        assert_eq!(shown(&v, v.beginning(&text::keys("đươ"))), ["đường"]);
    }

    #[test]
    fn one_slip_of_the_finger_is_forgiven() {
        let v = vocabulary(&["nghị", "biên", "chi"]);
        for typed in ["nghi", "ngi", "nghii", "nghu", "nhgi"] {
            assert_eq!(shown(&v, v.near(typed)), ["nghị"], "{typed}");
        }
        assert!(v.near("ngu").is_empty() && v.near("ch").is_empty());
        assert_eq!(
            shown(
                &vocabulary(&["công", "xuất"]),
                vocabulary(&["công", "xuất"]).near("suat")
            ),
            ["xuất"]
        );
        assert!(v.near("mghi").is_empty(), "the first letter is seldom missed");
    }
}
