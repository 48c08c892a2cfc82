//! Document types, as data.

use crate::text::keys;

/// A type of document: how codes abbreviate it and what it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DocumentType {
    /// The abbreviation inside codes (`NQ`). Not unique: `QĐ` stands for two types.
    pub abbreviation: &'static str,
    /// The Vietnamese name (`Nghị quyết`).
    pub name: &'static str,
    /// The English name.
    pub english: &'static str,
    /// Other names of the same type.
    pub other_names: &'static str,
}

const TABLE: &str = include_str!("types.tsv");

/// All known types, in the order of the table.
pub fn document_types() -> impl Iterator<Item = DocumentType> {
    TABLE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut cells = line.split('\t');
            Some(DocumentType {
                abbreviation: cells.next()?,
                name: cells.next()?,
                english: cells.next()?,
                other_names: cells.next().unwrap_or(""),
            })
        })
}

impl DocumentType {
    /// Every Vietnamese name of the type.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.other_names.split('|').filter(|name| !name.is_empty()))
    }

    /// Finds a type by its abbreviation or one of its names, with or without marks, in any case. The first listed
    /// wins where an abbreviation has two meanings.
    pub fn find(word: &str) -> Option<Self> {
        let wanted = folded(word);
        document_types()
            .find(|t| t.names().any(|name| folded(name) == wanted))
            .or_else(|| document_types().find(|t| folded(t.abbreviation) == wanted))
    }
}

/// The folded keys of all words, joined by spaces: how names of types are compared.
pub(crate) fn folded(words: &str) -> String {
    let cleaned = crate::text::clean(words);
    let parts: Vec<String> = crate::text::tokens(&cleaned)
        .map(|t| keys(&t.value).folded)
        .collect();
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_found_by_abbreviation_and_by_name() {
        assert_eq!(DocumentType::find("NQ").map(|t| t.name), Some("Nghị quyết"));
        assert_eq!(
            DocumentType::find("nghi quyet").map(|t| t.abbreviation),
            Some("NQ")
        );
        assert_eq!(
            DocumentType::find("Quyết định").map(|t| t.name),
            Some("Quyết định")
        );
        assert_eq!(DocumentType::find("nd").map(|t| t.name), Some("Nghị định"));
        assert_eq!(DocumentType::find("bài hát"), None);
    }

    #[test]
    fn every_row_of_the_table_is_whole() {
        assert!(document_types().count() >= 25);
        assert!(
            document_types()
                .all(|t| !t.abbreviation.is_empty() && !t.name.is_empty() && !t.english.is_empty())
        );
    }
}
