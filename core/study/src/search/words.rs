//! Words as data: synonyms, stop words, question words, names.

use crate::text::{clean, is_syllable, keys, tokens};
use sotay_feed::InOrder;
use std::collections::{BTreeMap, BTreeSet};

/// What a question asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asked {
    /// A number or an amount.
    Number,
    /// A span of time.
    Duration,
    /// A day or a time.
    Time,
    /// A place.
    Place,
    /// A person or a body.
    Person,
    /// A reason.
    Reason,
    /// A way of doing.
    Manner,
    /// The meaning of a word.
    Definition,
    /// A list.
    List,
    /// Nothing in particular.
    Any,
}

/// One phrase as canonical keys.
pub(super) type Phrase = Vec<String>;

/// The word lists that search works with.
#[derive(Debug)]
pub struct WordLists {
    /// Groups of phrases that find each other.
    pub(super) synonyms: Vec<Vec<Phrase>>,
    /// First word of a phrase → groups and phrases that begin with it, by canonical and by folded key.
    pub(super) synonym_starts: BTreeMap<String, Vec<(usize, usize)>>,
    pub(super) stop: BTreeSet<String>,
    pub(super) questions: Vec<(Phrase, Asked)>,
    pub(super) family_names: BTreeSet<String>,
}

pub(super) fn phrase(text: &str) -> Phrase {
    tokens(&clean(text)).map(|t| keys(&t.value).canonical).collect()
}

pub(super) fn folded_phrase(text: &str) -> Phrase {
    tokens(&clean(text)).map(|t| keys(&t.value).folded).collect()
}

fn lines(data: &str) -> impl Iterator<Item = &str> {
    data.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

impl WordLists {
    /// The lists that come with the program, and further groups of synonyms (`a|b|c`, one group a line) that a province
    /// publishes as data.
    pub fn new(more_synonyms: &str) -> Self {
        let mut lists = Self {
            synonyms: Vec::new(),
            synonym_starts: BTreeMap::new(),
            stop: lines(include_str!("stopwords.txt")).flat_map(phrase).collect(),
            questions: lines(include_str!("questions.tsv"))
                .filter_map(question)
                .collect(),
            family_names: lines(include_str!("names.txt")).flat_map(phrase).collect(),
        };
        // Longer phrases first, so that "bao nhiêu người" is taken whole.
        lists
            .questions
            .in_order_by_key(|(words, _)| std::cmp::Reverse(words.len()));
        for line in lines(include_str!("synonyms.tsv")).chain(lines(more_synonyms)) {
            lists.add_group(line);
        }
        // What is read out in full is also searched for in full, unless the list above says it otherwise.
        for (written, spoken) in crate::speech::abbreviations() {
            let key = phrase(written);
            if key.len() == 1 && !lists.synonym_starts.contains_key(&key[0]) {
                lists.add_group(&format!("{written}|{spoken}"));
            }
        }
        lists
    }

    fn add_group(&mut self, line: &str) {
        let group: Vec<Phrase> = line.split('|').map(phrase).filter(|p| !p.is_empty()).collect();
        let at = self.synonyms.len();
        for (i, words) in group.iter().enumerate() {
            let mut starts = vec![words[0].clone()];
            let folded = crate::text::keys(&words[0]).folded;
            if folded != words[0] {
                starts.push(folded);
            }
            for start in starts {
                self.synonym_starts.entry(start).or_default().push((at, i));
            }
        }
        self.synonyms.push(group);
    }
}

fn question(line: &str) -> Option<(Phrase, Asked)> {
    let (words, kind) = line.split_once('\t')?;
    let kind = match kind.trim() {
        "number" => Asked::Number,
        "duration" => Asked::Duration,
        "time" => Asked::Time,
        "place" => Asked::Place,
        "person" => Asked::Person,
        "reason" => Asked::Reason,
        "manner" => Asked::Manner,
        "definition" => Asked::Definition,
        "list" => Asked::List,
        _ => Asked::Any,
    };
    Some((phrase(words), kind))
}

/// Whether a typed word may be an abbreviation: it cannot be read as a syllable, or it was typed in capitals.
pub(super) fn may_abbreviate(raw: &str) -> bool {
    let capitals = raw.chars().count() > 1 && raw.chars().all(|c| c.is_uppercase() || c.is_numeric());
    capitals || !is_syllable(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_read_whole() {
        let lists = WordLists::new("# own\nbcs|ban cán sự");
        assert!(lists.synonyms.len() > 120, "{}", lists.synonyms.len());
        assert!(lists.synonyms.iter().all(|group| group.len() > 1));
        assert!(lists.synonym_starts.contains_key("bcs"));
        assert!(lists.stop.contains(&keys("của").canonical));
        assert!(lists.questions.iter().any(|(_, asked)| *asked == Asked::Duration));
        assert!(lists.questions.iter().all(|(words, _)| !words.is_empty()));
        assert!(lists.family_names.contains(&keys("lưu").canonical));
    }

    #[test]
    fn abbreviations_are_told_from_syllables() {
        for word in ["đv", "ntm", "TU", "BTCTW", "offline"] {
            assert!(may_abbreviate(word), "{word}");
        }
        for word in ["tu", "cu", "Đảng", "ca"] {
            assert!(!may_abbreviate(word), "{word}");
        }
    }
}
