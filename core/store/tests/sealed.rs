//! Databases with a key: what a copy of the folder shows, and how plain ones become such.
#![cfg(feature = "cipher")]

use std::fs;
use std::path::Path;

use sotay_store::conformance::{ALL, Author, commit, put, record, space};
use sotay_store::{
    Bucket, Checked, Key, Options, SealStep, SqliteStore, Store, StoreError, open_sealed, seal_step_by_step,
};
use tempfile::TempDir;

const MARKER: &[u8] = b"LOI-NOI-CUA-DONG-CHI-HAI";

fn with(key: u8) -> Options {
    Options {
        key: Some(Key::new([key; 32])),
        ..Options::default()
    }
}

/// Writes 120 envelopes and 40 records that hold the marker.
fn fill(store: &mut SqliteStore) {
    for seed in 1..=3 {
        commit(store, Author::new(seed, space(1)).write_many(40));
    }
    let value = MARKER.repeat(40);
    put(
        store,
        (0..40)
            .map(|n| record(Bucket::Tail, &[n], Some(&value)))
            .collect(),
    );
}

const WHOLE: Checked = Checked {
    spaces: 1,
    envelopes: 120,
    dropped: 0,
    records: 40,
};

/// Names of the files of a folder in which the marker stands.
fn shown_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| {
            let bytes = fs::read(entry.path()).unwrap();
            bytes.windows(MARKER.len()).any(|part| part == MARKER)
        })
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn copy(from: &Path) -> TempDir {
    let to = TempDir::new().unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.path().join(entry.file_name())).unwrap();
    }
    to
}

#[test]
fn neither_file_nor_log_of_a_database_with_a_key_shows_what_is_in_it() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let mut store = SqliteStore::open(&path, &with(1)).unwrap();
    fill(&mut store);
    assert!(path.with_extension("db-wal").exists());
    assert_eq!(shown_in(folder.path()), Vec::<String>::new());
    store.backup_to(&folder.path().join("copy.db")).unwrap();
    drop(store);
    assert_eq!(shown_in(folder.path()), Vec::<String>::new());
    for name in ["store.db", "copy.db"] {
        let store = SqliteStore::inspect(&folder.path().join(name), &with(1)).unwrap();
        assert_eq!(store.full_check().unwrap(), WHOLE);
    }
    // The search is able to find.
    let mut plain = SqliteStore::open(&folder.path().join("plain.db"), &Options::default()).unwrap();
    fill(&mut plain);
    assert!(!shown_in(folder.path()).is_empty());
}

#[test]
fn a_wrong_key_is_told_from_no_key_and_the_file_is_left_as_it_is() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    fill(&mut SqliteStore::open(&path, &with(1)).unwrap());
    let before = fs::read(&path).unwrap();
    assert!(matches!(
        SqliteStore::open(&path, &with(2)),
        Err(StoreError::WrongKey)
    ));
    assert!(matches!(open_sealed(&path, &with(2)), Err(StoreError::WrongKey)));
    assert!(matches!(
        SqliteStore::open(&path, &Options::default()),
        Err(StoreError::Foreign)
    ));
    assert!(matches!(
        SqliteStore::inspect(&path, &with(2)),
        Err(StoreError::WrongKey)
    ));
    assert_eq!(fs::read(&path).unwrap(), before);
    assert!(SqliteStore::open(&path, &with(1)).is_ok());
}

#[test]
fn a_plain_database_gets_a_key_with_everything_in_it_and_its_old_pages_are_gone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let mut plain = SqliteStore::open(&path, &Options::default()).unwrap();
    fill(&mut plain);
    let id = plain.database_id();
    drop(plain);
    let mut store = open_sealed(&path, &with(1)).unwrap();
    assert_eq!(store.database_id(), id);
    assert_eq!(store.full_check().unwrap(), WHOLE);
    commit(&mut store, Author::new(9, space(2)).write_many(1));
    drop(store);
    assert_eq!(shown_in(folder.path()), Vec::<String>::new());
    assert_eq!(names(folder.path()), ["store.db"]);
    assert_eq!(
        open_sealed(&path, &with(1))
            .unwrap()
            .since(&space(2), 0, ALL)
            .unwrap()
            .envelopes
            .len(),
        1
    );
}

#[test]
fn a_crash_after_any_step_leaves_a_database_that_the_next_opening_finishes() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    fill(&mut SqliteStore::open(&path, &Options::default()).unwrap());
    let mut crashes = Vec::new();
    seal_step_by_step(&path, &Key::new([1; 32]), &mut |step| {
        crashes.push((step, copy(folder.path())));
    })
    .unwrap();
    assert_eq!(
        crashes.iter().map(|(step, _)| *step).collect::<Vec<_>>(),
        [
            SealStep::Copied,
            SealStep::Proven,
            SealStep::LogEmptied,
            SealStep::SetAside,
            SealStep::InPlace,
            SealStep::Wiped,
        ]
    );
    for (step, crashed) in crashes {
        let path = crashed.path().join("store.db");
        let store = open_sealed(&path, &with(1)).unwrap_or_else(|error| panic!("{step:?}: {error}"));
        assert_eq!(store.full_check().unwrap(), WHOLE, "{step:?}");
        drop(store);
        assert_eq!(shown_in(crashed.path()), Vec::<String>::new(), "{step:?}");
        assert_eq!(names(crashed.path()), ["store.db"], "{step:?}");
    }
}

#[test]
fn whoever_has_no_key_after_a_crash_between_the_renames_goes_back_to_the_plain_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    fill(&mut SqliteStore::open(&path, &Options::default()).unwrap());
    let mut crashed = None;
    seal_step_by_step(&path, &Key::new([1; 32]), &mut |step| {
        if step == SealStep::SetAside {
            crashed = Some(copy(folder.path()));
        }
    })
    .unwrap();
    let crashed = crashed.unwrap();
    let path = crashed.path().join("store.db");
    let store = open_sealed(&path, &Options::default()).unwrap();
    assert_eq!(store.full_check().unwrap(), WHOLE);
    drop(store);
    let store = open_sealed(&path, &with(1)).unwrap();
    assert_eq!(store.full_check().unwrap(), WHOLE);
    drop(store);
    assert_eq!(names(crashed.path()), ["store.db"]);
}

#[test]
fn a_half_written_copy_of_an_earlier_attempt_is_thrown_away() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    fill(&mut SqliteStore::open(&path, &Options::default()).unwrap());
    fs::write(folder.path().join("store.db.sealed"), b"half").unwrap();
    assert_eq!(open_sealed(&path, &with(1)).unwrap().full_check().unwrap(), WHOLE);
}

#[test]
fn a_database_that_somebody_has_open_is_busy_and_stays_plain() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let mut store = SqliteStore::open(&path, &Options::default()).unwrap();
    fill(&mut store);
    assert!(open_sealed(&path, &with(1)).is_err());
    drop(store);
    assert!(SqliteStore::open(&path, &Options::default()).is_ok());
}

#[test]
fn a_new_database_with_a_key_never_was_a_plain_one() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    fill(&mut open_sealed(&path, &with(1)).unwrap());
    assert!(!fs::read(&path).unwrap().starts_with(b"SQLite format 3"));
}
