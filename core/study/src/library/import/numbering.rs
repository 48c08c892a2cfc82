//! Automatic numbers of Word: `Điều %1.` is no text of the paragraph but a format kept beside it.

use crate::library::heading::roman;
use std::collections::BTreeMap;

/// Deepest list level of Word.
pub(super) const MAX_LEVELS: usize = 9;

/// One level of a list.
#[derive(Clone, Debug, Default)]
pub(super) struct Level {
    pub(super) format: String,
    pub(super) text: String,
    pub(super) start: u32,
}

/// The lists of a document and where their counters stand.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    /// List definitions by their id.
    pub(super) definitions: BTreeMap<String, BTreeMap<usize, Level>>,
    /// Which definition a list uses.
    pub(super) lists: BTreeMap<String, String>,
    /// Which list and level a paragraph style uses.
    pub(super) styles: BTreeMap<String, (String, usize)>,
    counters: BTreeMap<String, [u32; MAX_LEVELS]>,
}

impl Numbering {
    /// The number of the next paragraph of `list` at `level`, with a space after it; empty for bullets unknown lists.
    pub(super) fn next(&mut self, list: &str, level: usize) -> String {
        let Some(definition) = self.lists.get(list) else {
            return String::new();
        };
        let Some(levels) = self.definitions.get(definition) else {
            return String::new();
        };
        let Some(own) = levels.get(&level).filter(|_| level < MAX_LEVELS) else {
            return String::new();
        };
        if own.format == "bullet" {
            return "- ".to_owned();
        }
        // Lists of one definition count on together, as Word shows them.
        let counters = self.counters.entry(definition.clone()).or_insert([0; MAX_LEVELS]);
        counters[level] = if counters[level] == 0 {
            own.start.max(1)
        } else {
            counters[level].saturating_add(1)
        };
        counters[level + 1..].fill(0);
        let mut out = own.text.clone();
        for (i, count) in counters.iter().enumerate().take(level + 1) {
            let format = levels.get(&i).map_or("decimal", |l| l.format.as_str());
            out = out.replace(&format!("%{}", i + 1), &show((*count).max(1), format));
        }
        if out.is_empty() || own.format == "none" {
            String::new()
        } else {
            out + " "
        }
    }
}

fn show(count: u32, format: &str) -> String {
    let letter = |first: u8| char::from(first + ((count - 1) % 26) as u8).to_string();
    match format {
        "upperRoman" if count < 50 => roman(count),
        "lowerRoman" if count < 50 => roman(count).to_lowercase(),
        "upperLetter" => letter(b'A'),
        "lowerLetter" => letter(b'a'),
        "decimalZero" => format!("{count:02}"),
        _ => count.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_and_deeper_levels_begin_anew() {
        let level = |format: &str, text: &str| Level {
            format: format.into(),
            text: text.into(),
            start: 1,
        };
        let mut n = Numbering::default();
        let levels = [
            level("decimal", "Điều %1."),
            level("decimal", "%1.%2."),
            level("lowerLetter", "%3)"),
        ];
        n.definitions
            .insert("0".into(), levels.into_iter().enumerate().collect());
        n.lists.insert("7".into(), "0".into());
        let shown: Vec<String> = [0, 1, 1, 2, 2, 0, 1].iter().map(|l| n.next("7", *l)).collect();
        assert_eq!(
            shown,
            ["Điều 1. ", "1.1. ", "1.2. ", "a) ", "b) ", "Điều 2. ", "2.1. "]
        );
        assert_eq!(n.next("8", 0), "");
        assert_eq!(n.next("7", 8), "");
    }
}
