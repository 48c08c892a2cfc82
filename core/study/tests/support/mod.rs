//! What the tests over real texts share: where the texts are, and how they become documents.
#![allow(dead_code, reason = "each test binary uses a part")]

use sotay_study::library::{Date, Details, Document, Imported, import, read_table};
use std::path::{Path, PathBuf};

/// The folder beside the repository that holds texts and cases too large or too unsure of origin to commit.
fn shared() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared")
}

/// A file of our own, committed with the tests.
pub fn own(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    std::fs::read_to_string(&path).expect("a committed file of the tests")
}

/// A shared file, or nothing (said on stderr) where the repository stands alone.
pub fn shared_file(name: &str) -> Option<String> {
    let path = shared().join(name);
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        eprintln!("{name} is not beside this checkout; the committed small corpus is used alone");
    }
    text
}

/// Imports a text whose first line is `code | date | type | issuer | title`.
pub fn import_text(text: &str) -> Imported {
    let (head, body) = text.split_once('\n').expect("a head line");
    let fields: Vec<&str> = head.split('|').map(str::trim).collect();
    let details = Details {
        kind: fields[2].into(),
        code: fields[0].into(),
        issuer: fields[3].into(),
        date: Date::parse(fields[1]).expect("a day"),
        title: fields[4].into(),
        alias: None,
        links: vec![],
        blobs: vec![],
    };
    import(body.as_bytes(), "text.txt", details).expect("a readable text")
}

/// The real texts by the first letters of their file names (`T01`), or none.
pub fn real_texts() -> Vec<(String, Imported)> {
    let Ok(entries) = std::fs::read_dir(shared().join("texts")) else {
        eprintln!("the real texts are not beside this checkout; only the committed small corpus is used");
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    paths.sort();
    let texts = paths.iter().filter(|p| p.extension().is_some_and(|e| e == "txt"));
    texts
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy();
            let key = name.split('_').next().unwrap_or("").to_owned();
            let mut imported = import_text(&std::fs::read_to_string(path).expect("a text"));
            imported.document.alias = Some(key.clone());
            (key, imported)
        })
        .collect()
}

/// The documents of a table.
pub fn table(tsv: &str) -> Vec<Document> {
    read_table(tsv).expect("a whole table")
}
