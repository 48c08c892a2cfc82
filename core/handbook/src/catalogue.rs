//! Words as data: texts by key, in Vietnamese and English.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use sotay_feed::IntoTree;

use crate::message::Lang;

/// Texts by key in both languages, read from tables that are part of the program.
///
/// A table has one text a line: `key ⇥ Vietnamese ⇥ English`; `{name}` in a text stands for a value. A line of another shape has no words: tests of each
/// catalogue see to it that there is none.
pub struct Catalogue {
    tables: &'static [&'static str],
    parsed: OnceLock<BTreeMap<&'static str, Texts>>,
}

/// Vietnamese and English.
type Texts = (&'static str, &'static str);

impl Catalogue {
    /// The texts of these tables. Nothing is read before the first look.
    pub const fn new(tables: &'static [&'static str]) -> Self {
        Self {
            tables,
            parsed: OnceLock::new(),
        }
    }

    /// The text with a key in a language.
    pub fn text(&self, key: &str, lang: Lang) -> Option<&'static str> {
        let parsed = self
            .parsed
            .get_or_init(|| self.lines().filter_map(parse).into_map());
        let (vi, en) = parsed.get(key)?;
        Some(match lang {
            Lang::Vi => vi,
            Lang::En => en,
        })
    }

    /// Every line of every table, as it stands.
    pub fn lines(&self) -> impl Iterator<Item = &'static str> {
        self.tables.iter().flat_map(|table| table.lines())
    }

    /// Key, Vietnamese and English of every line, in order. `Err` is a line of another shape.
    pub fn entries(&self) -> impl Iterator<Item = Result<(&'static str, Texts), &'static str>> {
        self.lines().map(|line| parse(line).ok_or(line))
    }
}

fn parse(line: &'static str) -> Option<(&'static str, Texts)> {
    let mut parts = line.split('\t');
    let entry = (parts.next()?, (parts.next()?, parts.next()?));
    parts.next().is_none().then_some(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_by_key_and_language_in_any_table_and_odd_lines_have_none() {
        let words = Catalogue::new(&["a\tmột\tone\nodd\tline", "b\thai\ttwo\nlong\tx\ty\tz"]);
        assert_eq!(words.text("a", Lang::Vi), Some("một"));
        assert_eq!(words.text("b", Lang::En), Some("two"));
        for key in ["odd", "long", "c"] {
            assert_eq!(words.text(key, Lang::Vi), None);
        }
        let odd: Vec<_> = words.entries().filter_map(Result::err).collect();
        assert_eq!(odd, ["odd\tline", "long\tx\ty\tz"]);
    }
}
