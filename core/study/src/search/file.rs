//! The index file: SQLite tables and one FTS5 table. Derived data: it may be deleted and is rebuilt from the manifests.

use super::IndexError;
use super::vocabulary::{Vocabulary, WordId};
use super::zone::Zone;
use crate::library::{Code, Date, Document, DocumentType, Link, LinkKind, SectionKind};
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};
use sotay_sqlite::Key;
use std::collections::BTreeSet;
use std::path::Path;

/// Number of the file's layout. A file with another number is emptied: nothing in it is the only copy.
const LAYOUT: i64 = 1;
/// Memory that SQLite may keep for pages, in KiB.
const CACHE_KIB: i64 = 4096;
/// Longest key of a document, in bytes: a hash in hexadecimal digits, or an alias.
const MAX_KEY_BYTES: usize = 400;

const TABLES: &str = "
CREATE TABLE docs(
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, code TEXT NOT NULL, issuer TEXT NOT NULL,
    date TEXT NOT NULL, title TEXT NOT NULL);
CREATE TABLE links(doc INTEGER NOT NULL, kind INTEGER NOT NULL, code TEXT NOT NULL, issuer TEXT, date TEXT);
CREATE INDEX links_doc ON links(doc);
CREATE TABLE sections(
    id INTEGER PRIMARY KEY, doc INTEGER NOT NULL, ordinal INTEGER NOT NULL, label TEXT NOT NULL, heading TEXT NOT NULL,
    text TEXT NOT NULL, head BLOB NOT NULL, body BLOB NOT NULL, meta BLOB NOT NULL);
CREATE INDEX sections_doc ON sections(doc, ordinal);
CREATE TABLE labels(
    kind INTEGER NOT NULL, number TEXT NOT NULL, section INTEGER NOT NULL, own INTEGER NOT NULL,
    PRIMARY KEY(kind, number, section)) WITHOUT ROWID;
CREATE INDEX labels_section ON labels(section);
CREATE TABLE words(id INTEGER PRIMARY KEY, exact TEXT NOT NULL, sections INTEGER NOT NULL);
CREATE VIRTUAL TABLE terms USING fts5(
    head, body, meta, content='', contentless_delete=1, tokenize=\"ascii tokenchars ',.%'\");
";

/// What is kept in memory of each document.
#[derive(Clone, Debug)]
pub(super) struct DocInfo {
    pub(super) id: i64,
    pub(super) key: String,
    pub(super) kind: String,
    pub(super) code_text: String,
    pub(super) code: Code,
    pub(super) issuer: String,
    pub(super) date: Date,
    pub(super) title: String,
    pub(super) links: Vec<Link>,
}

/// What ranking reads of a section.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) section: i64,
    pub(super) doc: i64,
    pub(super) ordinal: u32,
    pub(super) head: Zone,
    pub(super) body: Zone,
    pub(super) meta: Zone,
}

/// What a result shows of a section.
#[derive(Clone, Debug)]
pub(super) struct SectionText {
    pub(super) label: String,
    pub(super) heading: String,
    pub(super) text: String,
}

/// The kinds of labels that queries name. Clauses are kept too, so that "khoản 2 Điều 5" points at the clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LabelKind {
    Article = 0,
    Clause = 1,
    Division = 2,
    Chapter = 3,
    Part = 4,
    Subdivision = 5,
}

pub(super) struct File {
    db: Connection,
}

impl File {
    pub(super) fn open(path: Option<&Path>, key: Option<&Key>) -> Result<Self, IndexError> {
        let db = match path {
            Some(path) => Connection::open(path)?,
            None => Connection::open_in_memory()?,
        };
        if let (Some(key), true) = (key, path.is_some()) {
            sotay_sqlite::unlock(&db, key)?;
        }
        db.execute_batch(&format!(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-{CACHE_KIB}; PRAGMA temp_store=MEMORY;"
        ))?;
        let found: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let empty: bool = db.query_row("SELECT count(*) = 0 FROM sqlite_master", [], |row| row.get(0))?;
        let mut file = Self { db };
        if found != LAYOUT || empty {
            file.clear()?;
        }
        Ok(file)
    }

    /// Empties the file, whatever its layout.
    fn clear(&mut self) -> Result<(), IndexError> {
        let tx = self.db.transaction()?;
        let names: Vec<String> = tx
            .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'terms_%'")?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for name in names {
            tx.execute_batch(&format!("DROP TABLE IF EXISTS \"{}\"", name.replace('"', "\"\"")))?;
        }
        tx.execute_batch(TABLES)?;
        tx.pragma_update(None, "user_version", LAYOUT)?;
        tx.commit()?;
        Ok(())
    }

    pub(super) fn vocabulary(&self) -> Result<Vocabulary, IndexError> {
        let mut vocabulary = Vocabulary::default();
        let mut statement = self
            .db
            .prepare("SELECT id, exact, sections FROM words ORDER BY id")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (id, exact, sections): (i64, String, u32) = (row.get(0)?, row.get(1)?, row.get(2)?);
            if i64::from(vocabulary.restore(&exact, sections)) != id {
                return Err(IndexError::Damaged);
            }
        }
        Ok(vocabulary)
    }

    pub(super) fn docs(&self) -> Result<Vec<DocInfo>, IndexError> {
        let mut statement = self
            .db
            .prepare("SELECT id, key, kind, code, issuer, date, title FROM docs ORDER BY id")?;
        let mut rows = statement.query([])?;
        let mut docs = Vec::new();
        while let Some(row) = rows.next()? {
            let (id, code_text, date): (i64, String, String) = (row.get(0)?, row.get(3)?, row.get(5)?);
            docs.push(DocInfo {
                id,
                key: row.get(1)?,
                kind: row.get(2)?,
                code: Code::parse(&code_text),
                code_text,
                issuer: row.get(4)?,
                date: Date::parse(&date).ok_or(IndexError::Damaged)?,
                title: row.get(6)?,
                links: self.links(id)?,
            });
        }
        Ok(docs)
    }

    fn links(&self, doc: i64) -> Result<Vec<Link>, IndexError> {
        let mut statement = self
            .db
            .prepare_cached("SELECT kind, code, issuer, date FROM links WHERE doc = ? ORDER BY rowid")?;
        let mut rows = statement.query([doc])?;
        let mut links = Vec::new();
        while let Some(row) = rows.next()? {
            let (kind, date): (u8, Option<String>) = (row.get(0)?, row.get(3)?);
            links.push(Link {
                kind: *LinkKind::ALL.get(usize::from(kind)).ok_or(IndexError::Damaged)?,
                code: row.get(1)?,
                issuer: row.get(2)?,
                date: date.as_deref().and_then(Date::parse),
            });
        }
        Ok(links)
    }

    /// Writes documents in one transaction. Sections without a word of their own are left out.
    pub(super) fn add(
        &mut self,
        documents: &[(String, &Document)],
        v: &mut Vocabulary,
    ) -> Result<(), IndexError> {
        let known = v.len();
        let mut changed: BTreeSet<WordId> = BTreeSet::new();
        let tx = self.db.transaction()?;
        for (key, document) in documents {
            if key.is_empty() || key.len() > MAX_KEY_BYTES {
                return Err(IndexError::Key);
            }
            tx.prepare_cached(
                "INSERT INTO docs(key, kind, code, issuer, date, title) VALUES (?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                key,
                document.kind,
                document.code,
                document.issuer,
                document.date.to_string(),
                document.title
            ])?;
            let doc = tx.last_insert_rowid();
            for link in &document.links {
                tx.prepare_cached("INSERT INTO links(doc, kind, code, issuer, date) VALUES (?, ?, ?, ?, ?)")?
                    .execute(params![
                        doc,
                        link.kind.number(),
                        link.code,
                        link.issuer,
                        link.date.map(|d| d.to_string())
                    ])?;
            }
            for ordinal in 0..document.sections.len() {
                if has_words(document, ordinal) {
                    add_section(&tx, doc, document, ordinal, v, &mut changed)?;
                }
            }
        }
        write_words(&tx, v, known, &changed)?;
        tx.commit()?;
        Ok(())
    }

    /// Removes documents by their keys, in one transaction; unknown keys are passed over.
    pub(super) fn remove(&mut self, keys: &[&str], v: &mut Vocabulary) -> Result<(), IndexError> {
        let mut changed = BTreeSet::new();
        let known = v.len();
        let tx = self.db.transaction()?;
        for key in keys {
            let doc: Option<i64> = tx
                .query_row("SELECT id FROM docs WHERE key = ?", [key], |row| row.get(0))
                .optional()?;
            let Some(doc) = doc else { continue };
            let mut statement =
                tx.prepare_cached("SELECT id, doc, ordinal, head, body, meta FROM sections WHERE doc = ?")?;
            let mut rows = statement.query([doc])?;
            while let Some(row) = rows.next()? {
                let candidate = candidate(row, known)?;
                for id in ids_of(&candidate) {
                    v.count(id, false);
                    changed.insert(id);
                }
                tx.prepare_cached("DELETE FROM terms WHERE rowid = ?")?
                    .execute([candidate.section])?;
                tx.prepare_cached("DELETE FROM labels WHERE section = ?")?
                    .execute([candidate.section])?;
            }
            for table in [
                "DELETE FROM sections WHERE doc = ?",
                "DELETE FROM links WHERE doc = ?",
                "DELETE FROM docs WHERE id = ?",
            ] {
                tx.prepare_cached(table)?.execute([doc])?;
            }
        }
        write_words(&tx, v, known, &changed)?;
        tx.commit()?;
        Ok(())
    }

    pub(super) fn section_count(&self) -> Result<u32, IndexError> {
        Ok(self
            .db
            .query_row("SELECT count(*) FROM sections", [], |row| row.get(0))?)
    }

    /// The best `limit` sections for an FTS5 expression, by BM25 with the heading counting most.
    pub(super) fn matching(
        &self,
        expression: &str,
        limit: usize,
        words: usize,
    ) -> Result<Vec<Candidate>, IndexError> {
        let mut statement = self.db.prepare_cached(
            "SELECT s.id, s.doc, s.ordinal, s.head, s.body, s.meta FROM
                 (SELECT rowid AS hit FROM terms WHERE terms MATCH ? ORDER BY bm25(terms, 4.0, 1.0, 0.5), rowid LIMIT ?)
                 JOIN sections s ON s.id = hit",
        )?;
        let mut rows = statement.query(params![expression, limit as i64])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(candidate(row, words)?);
        }
        Ok(found)
    }

    /// The candidates with these section ids.
    pub(super) fn candidates(
        &self,
        sections: &BTreeSet<i64>,
        words: usize,
    ) -> Result<Vec<Candidate>, IndexError> {
        let mut statement = self
            .db
            .prepare_cached("SELECT id, doc, ordinal, head, body, meta FROM sections WHERE id = ?")?;
        let mut found = Vec::new();
        for id in sections {
            let mut rows = statement.query([id])?;
            if let Some(row) = rows.next()? {
                found.push(candidate(row, words)?);
            }
        }
        Ok(found)
    }

    /// Sections of these documents, or of all documents where none are named, that carry this label themselves or lie
    /// in a section that does.
    pub(super) fn labelled(&self, kind: LabelKind, number: &str) -> Result<BTreeSet<i64>, IndexError> {
        let mut statement = self
            .db
            .prepare_cached("SELECT section FROM labels WHERE kind = ? AND number = ?")?;
        let rows = statement.query_map(params![kind as i64, number], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// All sections of these documents.
    pub(super) fn sections_of(&self, docs: &BTreeSet<i64>) -> Result<BTreeSet<i64>, IndexError> {
        let marks = vec!["?"; docs.len()].join(",");
        let mut statement = self
            .db
            .prepare(&format!("SELECT id FROM sections WHERE doc IN ({marks})"))?;
        let rows = statement.query_map(params_from_iter(docs), |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(super) fn text(&self, section: i64) -> Result<SectionText, IndexError> {
        let mut statement = self
            .db
            .prepare_cached("SELECT label, heading, text FROM sections WHERE id = ?")?;
        Ok(statement.query_row([section], |row| {
            Ok(SectionText {
                label: row.get(0)?,
                heading: row.get(1)?,
                text: row.get(2)?,
            })
        })?)
    }
}

fn candidate(row: &rusqlite::Row<'_>, words: usize) -> Result<Candidate, IndexError> {
    let zone = |column: usize| -> Result<Zone, IndexError> {
        let bytes: Vec<u8> = row.get(column)?;
        Zone::unpack(&bytes, words).ok_or(IndexError::Damaged)
    };
    Ok(Candidate {
        section: row.get(0)?,
        doc: row.get(1)?,
        ordinal: row.get(2)?,
        head: zone(3)?,
        body: zone(4)?,
        meta: zone(5)?,
    })
}

fn ids_of(candidate: &Candidate) -> BTreeSet<WordId> {
    [&candidate.head, &candidate.body, &candidate.meta]
        .into_iter()
        .flat_map(Zone::ids)
        .collect()
}

/// A section is found by its paragraphs, or by its heading if it has neither paragraphs nor sections inside it.
fn has_words(document: &Document, ordinal: usize) -> bool {
    let section = &document.sections[ordinal];
    let childless = document
        .sections
        .get(ordinal + 1)
        .is_none_or(|next| next.level <= section.level);
    !section.paragraphs.is_empty() || (childless && !section.heading.is_empty())
}

fn add_section(
    tx: &rusqlite::Transaction<'_>,
    doc: i64,
    document: &Document,
    ordinal: usize,
    v: &mut Vocabulary,
    changed: &mut BTreeSet<WordId>,
) -> Result<(), IndexError> {
    let section = &document.sections[ordinal];
    let text = section.text();
    let heading = if section.heading.is_empty() && document.sections.len() == 1 {
        &document.title
    } else {
        &section.heading
    };
    let head = Zone::read(heading, v);
    let body = Zone::read(&text, v);
    let meta = Zone::read(&meta_text(document, ordinal), v);
    tx.prepare_cached(
        "INSERT INTO sections(doc, ordinal, label, heading, text, head, body, meta) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        doc,
        ordinal as i64,
        document.citation(ordinal),
        section.heading,
        text,
        head.pack(),
        body.pack(),
        meta.pack()
    ])?;
    let id = tx.last_insert_rowid();
    let terms = |zone: &Zone| {
        let keys: Vec<&str> = zone.ids().map(|id| v.word(id).keys.canonical.as_str()).collect();
        keys.join(" ")
    };
    tx.prepare_cached("INSERT INTO terms(rowid, head, body, meta) VALUES (?, ?, ?, ?)")?
        .execute(params![id, terms(&head), terms(&body), terms(&meta)])?;
    for (kind, number, own) in labels(document, ordinal) {
        tx.prepare_cached("INSERT OR IGNORE INTO labels(kind, number, section, own) VALUES (?, ?, ?, ?)")?
            .execute(params![kind as i64, number, id, own])?;
    }
    let all = Candidate {
        section: id,
        doc,
        ordinal: 0,
        head,
        body,
        meta,
    };
    for word in ids_of(&all) {
        v.count(word, true);
        changed.insert(word);
    }
    Ok(())
}

/// What is known of a section beside its own words: they find it, with less weight.
fn meta_text(document: &Document, ordinal: usize) -> String {
    let kind = DocumentType::find(&document.kind).map_or(document.kind.as_str(), |t| t.name);
    let Date { year, month, day } = document.date;
    let mut text = format!(
        "{kind}. {}. {}. ngày {day} tháng {month} năm {year}. {}.",
        document.code, document.issuer, document.title
    );
    for i in document.ancestors(ordinal) {
        text.push_str(&format!(
            " {}. {}.",
            document.sections[i].label(),
            document.sections[i].heading
        ));
    }
    text
}

/// The labels that a query may name this section by: its own and those it lies in, and its clauses.
fn labels(document: &Document, ordinal: usize) -> Vec<(LabelKind, String, bool)> {
    let mut found = Vec::new();
    let outer = document.ancestors(ordinal).into_iter().map(|i| (i, false));
    for (i, own) in outer.chain([(ordinal, true)]) {
        let section = &document.sections[i];
        let kind = match section.kind {
            SectionKind::Article => LabelKind::Article,
            SectionKind::Chapter => LabelKind::Chapter,
            SectionKind::Part => LabelKind::Part,
            SectionKind::Subdivision => LabelKind::Subdivision,
            SectionKind::Division | SectionKind::Numbered => LabelKind::Division,
            SectionKind::Preamble | SectionKind::Attachment | SectionKind::Whole | SectionKind::Named => {
                continue;
            }
        };
        found.push((kind, label_number(&section.number), own));
    }
    let clauses = document.sections[ordinal]
        .paragraphs
        .iter()
        .filter(|p| p.kind == crate::library::ParagraphKind::Clause);
    found.extend(clauses.map(|p| (LabelKind::Clause, p.label.clone(), true)));
    found
}

/// Roman and Arabic numbers of the same value are the same label.
pub(super) fn label_number(number: &str) -> String {
    match crate::library::roman_value(&number.to_uppercase()) {
        Some(value) => value.to_string(),
        None => number.to_lowercase(),
    }
}

fn write_words(
    tx: &rusqlite::Transaction<'_>,
    v: &Vocabulary,
    known: usize,
    changed: &BTreeSet<WordId>,
) -> Result<(), IndexError> {
    let mut insert = tx.prepare_cached("INSERT INTO words(id, exact, sections) VALUES (?, ?, ?)")?;
    for id in known as WordId + 1..=v.len() as WordId {
        let word = v.word(id);
        insert.execute(params![id, word.keys.exact, word.sections])?;
    }
    let mut update = tx.prepare_cached("UPDATE words SET sections = ? WHERE id = ?")?;
    for id in changed.iter().filter(|id| **id as usize <= known) {
        update.execute(params![v.word(*id).sections, id])?;
    }
    Ok(())
}
