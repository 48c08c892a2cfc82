//! Search over the library, with no network: words with and without marks, codes, articles, keystrokes, synonyms.
//!
//! The index is derived data in one SQLite file: it may be deleted at any time and is rebuilt from the documents.
//! Candidates come from FTS5; `rank` orders them. What a query can name outright (codes, articles) is settled by
//! tables, never by likeness: "Điều 5" is not near "Điều 15".

mod file;
mod query;
mod rank;
mod refs;
mod run;
mod snippet;
mod typed;
mod vocabulary;
mod weighed;
mod when;
mod words;
mod zone;

pub use run::{Hit, Note, Results};
pub use words::{Asked, WordLists};

pub(crate) use weighed::{Scale, Weighed};

use crate::library::{Date, Document, LinkKind, Superseded};
use file::{DocInfo, File};
use sotay_feed::IntoTree;
use sotay_sqlite::{Key, UnlockError};
use std::collections::BTreeMap;
use std::path::Path;
use vocabulary::Vocabulary;

/// Longest query, in characters.
pub const MAX_QUERY_CHARS: usize = 10_000;
/// Most words of a query that are looked for; the rest is passed over and said so.
pub const MAX_QUERY_WORDS: usize = 64;
/// Results of a search where the caller names no number.
pub const DEFAULT_RESULTS: usize = 20;

/// Why the index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The file is not what this program wrote. Delete it and add the documents again: nothing is lost.
    #[error("the index is damaged; delete it and build it again")]
    Damaged,
    /// The environment failed: disk full, no permission, busy.
    #[error("the index file could not be used")]
    Sqlite(#[from] rusqlite::Error),
    /// A key was given and this build cannot encrypt. Nothing was written.
    #[error("this build cannot encrypt the index")]
    NoCipher,
    /// A document's key is empty or over its limit.
    #[error("a document key is empty or too long")]
    Key,
}

impl From<UnlockError> for IndexError {
    fn from(error: UnlockError) -> Self {
        match error {
            UnlockError::NoCipher => IndexError::NoCipher,
            UnlockError::Sqlite(error) => IndexError::Sqlite(error),
        }
    }
}

/// Why a query is not answered. The asker's to mend.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// More than [`MAX_QUERY_CHARS`] characters.
    #[error("the query has {0} characters, of at most {MAX_QUERY_CHARS}")]
    QueryTooLong(usize),
    /// The index failed.
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// The index of a library.
pub struct Index {
    file: File,
    vocabulary: Vocabulary,
    docs: Vec<DocInfo>,
    sections: u32,
    lists: WordLists,
}

impl Index {
    /// Opens or creates the index file. A file of another layout is emptied; a damaged one is an error.
    pub fn open(path: &Path) -> Result<Self, IndexError> {
        Self::with(Some(path), WordLists::new(""))
    }

    /// The same with the key of the file; one that was written in the open or with another key is an error.
    pub fn open_keyed(path: &Path, key: &Key) -> Result<Self, IndexError> {
        Self::on(File::open(Some(path), Some(key))?, WordLists::new(""))
    }

    /// An index that lives in memory only.
    pub fn in_memory() -> Result<Self, IndexError> {
        Self::with(None, WordLists::new(""))
    }

    /// An index with word lists of the caller's choice.
    pub fn with(path: Option<&Path>, lists: WordLists) -> Result<Self, IndexError> {
        Self::on(File::open(path, None)?, lists)
    }

    fn on(file: File, lists: WordLists) -> Result<Self, IndexError> {
        let mut index = Self {
            vocabulary: Vocabulary::default(),
            docs: Vec::new(),
            sections: 0,
            lists,
            file,
        };
        index.reload()?;
        Ok(index)
    }

    fn reload(&mut self) -> Result<(), IndexError> {
        self.vocabulary = self.file.vocabulary()?;
        self.docs = self.file.docs()?;
        self.sections = self.file.section_count()?;
        Ok(())
    }

    /// Adds documents in one transaction; a document whose key is there already is replaced. All or none.
    pub fn add<'a>(&mut self, documents: impl IntoIterator<Item = &'a Document>) -> Result<(), IndexError> {
        let keyed: BTreeMap<String, &Document> = documents.into_iter().map(|d| (d.key(), d)).into_map();
        let keys: Vec<&str> = keyed.keys().map(String::as_str).collect();
        let known: Vec<&str> = keys
            .iter()
            .copied()
            .filter(|k| self.docs.iter().any(|d| d.key == *k))
            .collect();
        let all: Vec<(String, &Document)> = keyed.iter().map(|(k, d)| (k.clone(), *d)).collect();
        let done = self
            .file
            .remove(&known, &mut self.vocabulary)
            .and_then(|()| self.file.add(&all, &mut self.vocabulary));
        // Whether it went well or not, memory shows what the file holds.
        if done.is_err() {
            self.reload()?;
            return done;
        }
        self.docs = self.file.docs()?;
        self.sections = self.file.section_count()?;
        Ok(())
    }

    /// Removes documents by their keys; unknown keys are passed over.
    pub fn remove(&mut self, keys: &[&str]) -> Result<(), IndexError> {
        let done = self.file.remove(keys, &mut self.vocabulary);
        self.reload()?;
        done
    }

    /// The keys of the documents in the index: what a caller compares with the manifests it holds.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.docs.iter().map(|doc| doc.key.as_str())
    }

    /// Number of sections that can be found.
    pub fn section_count(&self) -> u32 {
        self.sections
    }

    /// What other documents of the index do to this one, newest first.
    fn superseded(&self, doc: &DocInfo) -> Vec<Superseded> {
        let others = self
            .docs
            .iter()
            .map(|d| (d.code_text.as_str(), d.date, d.links.as_slice()));
        crate::library::superseded(&doc.code_text, &doc.issuer, doc.date, others)
    }

    fn in_force(&self, doc: &DocInfo) -> bool {
        self.superseded(doc).iter().all(|s| s.by == LinkKind::Amends)
    }
}

/// Newest first, as `sort_by_key` wants it.
fn newest(date: Date) -> std::cmp::Reverse<Date> {
    std::cmp::Reverse(date)
}

#[cfg(test)]
mod tests;
