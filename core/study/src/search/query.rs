//! Turns typed words into what is looked for: slots with the words that may fill them, and phrases that may stand in.

use super::typed::{Typed, TypedQuery};
use super::vocabulary::{Vocabulary, WordId};
use super::words::{Asked, WordLists, may_abbreviate};
use super::zone;
use crate::library::as_year;
use sotay_feed::{InOrder, IntoTree};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// How far a typed word may be from a word of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// As typed: marks that were typed must agree.
    Strict,
    /// Marks may be missing or wrong, and the last word may go on.
    Relaxed,
}

/// One word of a query that is looked for.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    /// Words of the index that fill it, and how well (1 is as typed).
    pub(super) fills: BTreeMap<WordId, f32>,
    /// How much it says: rare words say more.
    pub(super) weight: f32,
    /// Fills below this are guesses at what was meant; alone they prove little.
    pub(super) sure: f32,
    /// A number says nothing without the word before it.
    pub(super) leans: bool,
    /// Stands next to the slot before it in the query.
    pub(super) joined: bool,
    pub(super) stop: bool,
}

/// A phrase that may stand in the place of some slots.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pub(super) words: Vec<BTreeSet<WordId>>,
    pub(super) covers: Range<usize>,
    pub(super) quality: f32,
}

/// What is looked for in the text of sections.
#[derive(Clone, Debug, Default)]
pub(super) struct Terms {
    pub(super) slots: Vec<Slot>,
    pub(super) patterns: Vec<Pattern>,
    /// Slots that must stand side by side in one field: names and quotations.
    pub(super) runs: Vec<Run>,
    pub(super) asked: BTreeSet<Asked>,
}

/// Slots that must stand side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) slots: Range<usize>,
    pub(super) place: Place,
}

/// Where a run must stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Anywhere,
    /// In the heading of the section or of one it lies in.
    Heading,
    /// In heading or text, not in what is merely known of the document: a mention.
    Text,
}

/// A synonym counts a little less than the word that was typed.
const SYNONYM: f32 = 0.88;
const ABBREVIATION: f32 = 0.97;
const FOLDED: f32 = 0.8;
const SLIP: f32 = 0.65;
const PREFIX: f32 = 0.8;
/// A word that no text has weighs this share of the rarest.
const UNKNOWN_SHARE: f32 = 0.75;
/// A stop word counts this share of its weight.
const STOP_SHARE: f32 = 0.12;

/// Builds what to look for from the words of `query` that are not in `consumed`.
pub(super) struct Builder<'a> {
    pub(super) query: &'a TypedQuery,
    pub(super) vocabulary: &'a Vocabulary,
    pub(super) lists: &'a WordLists,
    pub(super) sections: u32,
    pub(super) reach: Reach,
}

impl Builder<'_> {
    pub(super) fn build(&self, consumed: &BTreeSet<usize>) -> Terms {
        let mut kept: Vec<usize> = (0..self.query.words.len())
            .filter(|i| !consumed.contains(i))
            .collect();
        let mut terms = Terms::default();
        let asking = self.take_question_words(&mut kept, &mut terms.asked);
        if kept.is_empty() {
            // Nothing but question words: then they are what is looked for.
            kept = asking;
        }
        let stop: Vec<bool> = kept.iter().map(|i| self.is_stop(&self.query.words[*i])).collect();
        let all_stop = stop.iter().all(|s| *s);
        terms.patterns = self.patterns(&kept);
        for (n, &i) in kept.iter().enumerate() {
            let joined = n > 0 && self.beside(kept[n - 1], i);
            let meant = terms.patterns.iter().any(|p| p.covers.contains(&n));
            terms
                .slots
                .push(self.slot(i, joined, stop[n] && !all_stop, meant));
        }
        terms.runs = self.runs(&kept);
        terms
    }

    fn take_question_words(&self, kept: &mut Vec<usize>, asked: &mut BTreeSet<Asked>) -> Vec<usize> {
        let mut taken = Vec::new();
        let marked = self.query.has_marks();
        for (phrase, kind) in &self.lists.questions {
            let fits = |window: &[usize]| {
                let side_by_side = window.windows(2).all(|w| w[0] + 1 == w[1]);
                side_by_side
                    && window.iter().zip(phrase).all(|(i, key)| {
                        let word = &self.query.words[*i];
                        // Without marks single question words are too easily something else ("gi", "ai", "may").
                        word.keys.canonical == *key
                            || (!marked
                                && phrase.len() > 1
                                && word.keys.folded == crate::text::keys(key).folded)
                    })
            };
            while let Some(at) = kept.windows(phrase.len()).position(fits) {
                taken.extend(kept.drain(at..at + phrase.len()));
                asked.insert(*kind);
            }
        }
        taken.in_order();
        taken
    }

    /// "số" before a number, as the index leaves it out.
    pub(super) fn only_says_number(&self, i: usize) -> bool {
        let words = &self.query.words;
        let said = zone::says_number(&words[i].keys.exact)
            || (!self.query.has_marks() && words[i].keys.bare == "so");
        i > 0 && said && words.get(i + 1).is_some_and(Typed::is_number)
    }

    /// Whether nothing but such a word stands between two words of the query.
    fn beside(&self, a: usize, b: usize) -> bool {
        a + 1 == b || (a + 2 == b && self.only_says_number(a + 1))
    }

    fn is_stop(&self, word: &Typed) -> bool {
        self.lists.stop.contains(&word.keys.canonical)
    }

    /// `meant`: a synonym may stand in, so the word is not guessed at.
    fn slot(&self, i: usize, joined: bool, stop: bool, meant: bool) -> Slot {
        let word = &self.query.words[i];
        let last = i + 1 == self.query.words.len() && self.query.open;
        let fills = if word.is_number() {
            self.number_fills(word)
        } else {
            self.word_fills(word, last, meant)
        };
        // How rare the word is, is told by the words that fill it best: a relaxed reading does not make it common.
        let best = fills.values().copied().fold(0.0f32, f32::max);
        let sections: u32 = fills
            .iter()
            .filter(|(_, q)| **q >= best)
            .map(|(id, _)| self.vocabulary.word(*id).sections)
            .sum();
        let n = self.sections.max(1) as f32;
        let df = (sections.min(self.sections) as f32).max(0.0);
        let rarity = (1.0 + (n - df + 0.5) / (df + 0.5)).ln();
        let rarest = (1.0 + n / 1.5).ln();
        let plain = !self.query.has_marks();
        let sure = if plain { FOLDED } else { PREFIX + 0.01 };
        let known = fills.values().any(|q| *q >= sure);
        // A word that stands nowhere as typed is likely just what makes the query special.
        let weight = if known {
            rarity.clamp(0.12 * rarest, rarest)
        } else {
            UNKNOWN_SHARE * rarest
        };
        Slot {
            fills,
            sure,
            weight: if stop { weight * STOP_SHARE } else { weight },
            leans: word.is_number()
                && joined
                && !word.keys.exact.ends_with('%')
                && as_year(&word.keys.exact).is_none(),
            joined,
            stop,
        }
    }

    fn number_fills(&self, word: &Typed) -> BTreeMap<WordId, f32> {
        let v = self.vocabulary;
        let mut fills: BTreeMap<WordId, f32> =
            v.canonical(&word.keys.canonical).map(|id| (id, 1.0)).into_map();
        if !word.keys.exact.ends_with('%') {
            fills.extend(
                v.canonical(&format!("{}%", word.keys.canonical))
                    .map(|id| (id, FOLDED)),
            );
        }
        fills
    }

    fn word_fills(&self, word: &Typed, last: bool, meant: bool) -> BTreeMap<WordId, f32> {
        let v = self.vocabulary;
        let mut fills = BTreeMap::new();
        let offer = |fills: &mut BTreeMap<WordId, f32>, ids: Vec<WordId>, quality: f32| {
            for id in ids {
                let best = fills.entry(id).or_insert(quality);
                *best = best.max(quality);
            }
        };
        let exactly: Vec<WordId> = v.canonical(&word.keys.canonical).collect();
        let folded: Vec<WordId> = v.folded(&word.keys.folded).collect();
        let letter = word.raw.chars().count() == 1;
        if last && letter {
            offer(&mut fills, v.beginning(&word.keys), PREFIX);
            offer(&mut fills, exactly, 1.0);
            return fills;
        }
        let plain = !self.query.has_marks();
        match self.reach {
            Reach::Strict if plain => offer(&mut fills, folded.clone(), 1.0),
            Reach::Strict => offer(&mut fills, exactly, 1.0),
            Reach::Relaxed => {
                offer(&mut fills, exactly, 1.0);
                offer(&mut fills, folded.clone(), if plain { 1.0 } else { FOLDED });
                if last {
                    offer(&mut fills, v.beginning(&word.keys), PREFIX * FOLDED);
                }
            }
        }
        if fills.is_empty() {
            offer(&mut fills, folded, FOLDED);
        }
        if fills.is_empty() && last {
            offer(&mut fills, v.beginning(&word.keys), PREFIX);
        }
        if fills.is_empty() && !meant && may_be_a_slip(word) {
            offer(&mut fills, v.near(&word.keys.folded), SLIP);
        }
        fills
    }

    /// Synonyms of any stretch of the query, and numbers written the other way.
    fn patterns(&self, kept: &[usize]) -> Vec<Pattern> {
        let mut found = Vec::new();
        let plain = !self.query.has_marks() || self.reach == Reach::Relaxed;
        for n in 0..kept.len() {
            let word = &self.query.words[kept[n]];
            let starts = [&word.keys.canonical, &word.keys.folded];
            let groups: BTreeSet<(usize, usize)> = starts
                .iter()
                .filter_map(|key| self.lists.synonym_starts.get(*key))
                .flatten()
                .copied()
                .collect();
            for (group, typed) in groups {
                let phrase = &self.lists.synonyms[group][typed];
                let Some(window) = kept.get(n..n + phrase.len()) else {
                    continue;
                };
                let fits = window.iter().zip(phrase).all(|(i, key)| {
                    let word = &self.query.words[*i];
                    word.keys.canonical == *key
                        || (plain && word.keys.folded == crate::text::keys(key).folded)
                });
                let side_by_side = window.windows(2).all(|w| w[0] + 1 == w[1]);
                let short = phrase.len() == 1 && word.raw.chars().count() <= SHORT_CHARS;
                let abbreviates = short && may_abbreviate(&word.raw);
                if !fits || !side_by_side || (short && phrase[0].is_ascii() && !abbreviates) {
                    continue;
                }
                for other in self.lists.synonyms[group]
                    .iter()
                    .enumerate()
                    .filter(|(o, _)| *o != typed)
                {
                    let quality = if abbreviates { ABBREVIATION } else { SYNONYM };
                    found.extend(self.pattern(other.1, n..n + phrase.len(), quality));
                }
            }
            found.extend(self.number_pattern(kept, n));
            found.extend(self.percent_pattern(kept, n));
        }
        found
    }

    /// "bao nhiêu phần trăm" finds every number with a percent sign.
    fn percent_pattern(&self, kept: &[usize], n: usize) -> Option<Pattern> {
        let [a, b] = kept.get(n..n + 2)? else { return None };
        let said = self.query.words[*a].keys.folded == "phan" && self.query.words[*b].keys.folded == "tram";
        let before = n
            .checked_sub(1)
            .map(|m| &self.query.words[kept[m]])
            .filter(|_| kept[n - 1] + 1 == *a);
        let counted = before.is_some_and(|w| crate::text::number_run(&[w.keys.exact.as_str()]).is_some());
        if !said || counted || a + 1 != *b {
            return None;
        }
        // "20 phần trăm" is one number, "bao nhiêu phần trăm" any.
        if let Some(number) = before.filter(|w| w.is_number()) {
            return self.pattern(&[format!("{}%", number.keys.exact)], n - 1..n + 2, SYNONYM);
        }
        let percents: BTreeSet<WordId> = self.vocabulary.ending("%").into_set();
        (!percents.is_empty()).then(|| Pattern {
            words: vec![percents],
            covers: n..n + 2,
            quality: SYNONYM,
        })
    }

    fn pattern(&self, phrase: &[String], covers: Range<usize>, quality: f32) -> Option<Pattern> {
        let words: Vec<BTreeSet<WordId>> = phrase
            .iter()
            .map(|key| self.vocabulary.canonical(key).collect())
            .collect();
        (words.iter().all(|ids: &BTreeSet<WordId>| !ids.is_empty())).then_some(Pattern {
            words,
            covers,
            quality,
        })
    }

    /// A number typed in words finds digits. (Words in the text are found by digits through the index itself.)
    fn number_pattern(&self, kept: &[usize], n: usize) -> Option<Pattern> {
        if n > 0
            && self.query.words[kept[n - 1]].keys.folded == "thang"
            && let Some(month) = crate::text::month_word(&self.query.words[kept[n]].keys.exact)
        {
            return self.pattern(&[month.to_owned()], n..n + 1, SYNONYM);
        }
        let words: Vec<&str> = kept[n..]
            .iter()
            .map(|i| self.query.words[*i].keys.exact.as_str())
            .collect();
        let inside =
            n > 0 && crate::text::number_run(&[self.query.words[kept[n - 1]].keys.exact.as_str()]).is_some();
        if inside || self.query.words[kept[n]].is_number() {
            return None;
        }
        let run = crate::text::number_run(&words)?;
        self.pattern(&[run.value], n..n + run.words, SYNONYM)
    }

    /// Quoted words, and a family name with thị or văn and a given name: only side by side do they mean the person.
    fn runs(&self, kept: &[usize]) -> Vec<Run> {
        let word = |n: usize| &self.query.words[kept[n]];
        let mut runs = Vec::new();
        let mut n = 0;
        while n < kept.len() {
            let quoted = (n..kept.len()).take_while(|m| word(*m).quoted).count();
            if quoted > 1 {
                runs.push(Run {
                    slots: n..n + quoted,
                    place: Place::Anywhere,
                });
                n += quoted;
                continue;
            }
            let length = self.name_length(kept, n);
            if length > 0 {
                runs.push(Run {
                    slots: n..n + length,
                    place: Place::Anywhere,
                });
            }
            n += length.max(1);
        }
        runs
    }

    fn name_length(&self, kept: &[usize], n: usize) -> usize {
        let word = |m: usize| kept.get(m).map(|i| &self.query.words[*i]);
        let side_by_side = |m: usize| kept.get(m).is_some_and(|i| *i == kept[m - 1] + 1);
        let (Some(family), Some(middle), Some(given)) = (word(n), word(n + 1), word(n + 2)) else {
            return 0;
        };
        let plain = !self.query.has_marks();
        let is = |word: &Typed, key: &str| {
            word.keys.canonical == crate::text::keys(key).canonical
                || (plain && word.keys.folded == crate::text::keys(key).folded)
        };
        let known = self.lists.family_names.contains(&family.keys.canonical)
            || (plain && self.lists.family_names.iter().any(|f| is(family, f)));
        let whole = plain && !(n == 0 && kept.len() <= 4);
        if !known || !(is(middle, "thị") || is(middle, "văn")) || given.is_number() || whole {
            return 0;
        }
        if !side_by_side(n + 1) || !side_by_side(n + 2) {
            return 0;
        }
        // "Nguyễn Thị Minh Khai": two given names, if the fourth word is written as one.
        let capital = |w: &Typed| w.raw.chars().next().is_some_and(char::is_uppercase);
        let fourth = word(n + 3).is_some_and(|w| capital(w) && capital(given)) && side_by_side(n + 3);
        3 + usize::from(fourth)
    }
}

/// Synonyms shorter than this are looked at as abbreviations.
const SHORT_CHARS: usize = 4;

/// Letters without a vowel are an abbreviation, and f, j, w, z stand in no Vietnamese word.
fn may_be_a_slip(word: &Typed) -> bool {
    let vowel = |c| matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y');
    word.keys.bare.chars().any(vowel) && !word.keys.bare.contains(['f', 'j', 'w', 'z'])
}

impl Terms {
    /// Whether nothing is looked for.
    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The FTS5 expression that finds candidates: all of the telling words, or any of them.
    pub(super) fn expression(&self, vocabulary: &Vocabulary, all: bool) -> Option<String> {
        let mut groups: Vec<(f32, String)> = Vec::new();
        for (i, slot) in self.slots.iter().enumerate() {
            if slot.stop || (!all && slot.leans) {
                continue;
            }
            let mut options: Vec<String> = fills_by_quality(slot)
                .into_iter()
                .take(MAX_OPTIONS)
                .map(|id| quote(&vocabulary.word(id).keys.canonical))
                .collect();
            for pattern in self.patterns.iter().filter(|p| p.covers.contains(&i)) {
                let first: Option<Vec<&str>> = pattern
                    .words
                    .iter()
                    .map(|ids| Some(vocabulary.word(*ids.iter().next()?).keys.canonical.as_str()))
                    .collect();
                options.extend(first.map(|words| quote(&words.join(" "))));
            }
            options.in_order();
            options.dedup();
            if options.is_empty() {
                if all && !slot.fills.is_empty() {
                    return None;
                }
                continue;
            }
            groups.push((slot.weight, format!("({})", options.join(" OR "))));
        }
        groups.in_order_by(|a, b| b.0.total_cmp(&a.0));
        groups.truncate(MAX_GROUPS);
        let groups: Vec<String> = groups.into_iter().map(|(_, group)| group).collect();
        if groups.is_empty() {
            None
        } else {
            Some(groups.join(if all { " AND " } else { " OR " }))
        }
    }
}

/// Most words that one slot stands for in the expression.
const MAX_OPTIONS: usize = 24;
/// Most slots in the expression; the rest only ranks.
const MAX_GROUPS: usize = 12;

fn fills_by_quality(slot: &Slot) -> Vec<WordId> {
    let mut ids: Vec<(WordId, f32)> = slot.fills.iter().map(|(id, q)| (*id, *q)).collect();
    ids.in_order_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    ids.into_iter().map(|(id, _)| id).collect()
}

fn quote(words: &str) -> String {
    format!("\"{}\"", words.replace('"', ""))
}
