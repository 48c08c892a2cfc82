//! Files: who owns them, whose they are, which version, and what happens when the disk is full, damaged or not ours.

use std::fs;
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rusqlite::Connection;
use sotay_feed::Frontier;
use sotay_store::conformance::{ALL, Author, commit, put, record, space};
use sotay_store::{
    ARRIVALS_PER_SPACE_MAX, Batch, Bucket, DatabaseId, Options, SqliteStore, Store, StoreError,
};
use tempfile::TempDir;

const OWNER: &str = "SOTAY_STORE_TEST_OWNER";

fn open(path: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(path, &Options::default())
}

fn inspect(path: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::inspect(path, &Options::default())
}

fn folder() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    (folder, path)
}

/// A closed database with 300 envelopes of three devices and some records.
fn filled() -> (TempDir, PathBuf) {
    let (folder, path) = folder();
    let mut store = open(&path).unwrap();
    for seed in 1..=3 {
        commit(&mut store, Author::new(seed, space(1)).write_many(100));
    }
    put(
        &mut store,
        (0..50)
            .map(|n| record(Bucket::Tail, &[n], Some(&[n; 300])))
            .collect(),
    );
    drop(store);
    (folder, path)
}

fn log_of(path: &Path) -> PathBuf {
    path.with_extension("db-wal")
}

#[test]
fn a_database_keeps_its_identity_and_another_one_has_another() {
    let (folder, path) = folder();
    let id = open(&path).unwrap().database_id();
    assert_eq!(open(&path).unwrap().database_id(), id);
    assert_ne!(open(&folder.path().join("other.db")).unwrap().database_id(), id);
    let chosen = Options {
        new_id: Some(DatabaseId([7; 16])),
        ..Options::default()
    };
    let made = SqliteStore::open(&folder.path().join("third.db"), &chosen).unwrap();
    assert_eq!(made.database_id(), DatabaseId([7; 16]));
    assert_eq!(SqliteStore::open(&path, &chosen).unwrap().database_id(), id);
}

#[test]
fn a_copy_that_goes_on_by_itself_gets_an_identity_of_its_own() {
    let (folder, path) = filled();
    let copy = folder.path().join("copy.db");
    let store = open(&path).unwrap();
    store.backup_to(&copy).unwrap();
    let mut other = open(&copy).unwrap();
    assert_eq!(other.database_id(), store.database_id());
    let renewed = other.renew_identity().unwrap();
    assert_ne!(renewed, store.database_id());
    drop(other);
    let other = open(&copy).unwrap();
    assert_eq!(other.database_id(), renewed);
    assert_eq!(other.full_check().unwrap(), store.full_check().unwrap());
}

#[test]
fn a_database_that_is_open_in_this_process_is_busy() {
    let (_folder, path) = filled();
    let store = open(&path).unwrap();
    assert!(matches!(open(&path), Err(StoreError::Busy)));
    assert!(matches!(inspect(&path), Err(StoreError::Busy)));
    drop(store);
    assert!(open(&path).is_ok());
}

#[test]
fn a_database_that_another_process_has_open_is_busy() {
    if let Some(path) = std::env::var_os(OWNER) {
        // The other process: opens, says so, holds it until its input ends.
        let _store = open(Path::new(&path)).unwrap();
        println!("\nopened");
        std::io::stdin().read_line(&mut String::new()).unwrap();
        return;
    }
    let (_folder, path) = filled();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "a_database_that_another_process_has_open_is_busy",
            "--nocapture",
        ])
        .env(OWNER, &path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(output.any(|line| line.unwrap() == "opened"));
    let refused = open(&path).unwrap_err();
    assert!(matches!(refused, StoreError::Busy));
    assert_eq!(refused.to_string(), "the database is in use by another process");
    assert!(matches!(inspect(&path), Err(StoreError::Busy)));
    drop(child.stdin.take());
    output.for_each(|line| drop(line.unwrap()));
    assert!(child.wait().unwrap().success());
    assert!(open(&path).is_ok());
}

#[test]
fn inspecting_reads_everything_and_changes_no_byte() {
    let (folder, path) = filled();
    let before = fs::read(&path).unwrap();
    let mut store = inspect(&path).unwrap();
    assert_eq!(store.since(&space(1), 0, ALL).unwrap().envelopes.len(), 300);
    assert_eq!(store.full_check().unwrap().records, 50);
    let batch = Batch {
        envelopes: Author::new(9, space(1)).write_many(1),
        puts: Vec::new(),
        ..Batch::default()
    };
    assert!(matches!(store.commit(batch), Err(StoreError::ReadOnly)));
    drop(store);
    assert_eq!(fs::read(&path).unwrap(), before);
    let missing = folder.path().join("missing.db");
    assert!(matches!(inspect(&missing), Err(StoreError::Io(_))));
    assert!(!missing.exists());
}

#[test]
fn files_of_others_are_foreign_and_stay_as_they_are() {
    let (folder, _) = folder();
    let text = folder.path().join("letter.txt");
    fs::write(&text, "Kính gửi chi bộ, ".repeat(100)).unwrap();
    let other = folder.path().join("other.db");
    let log = folder.path().join("log.db");
    for (path, mode) in [(&other, "DELETE"), (&log, "WAL")] {
        let conn = Connection::open(path).unwrap();
        conn.pragma_update(None, "journal_mode", mode).unwrap();
        conn.execute_batch("CREATE TABLE note (text); INSERT INTO note VALUES ('x')")
            .unwrap();
        conn.close().unwrap();
    }
    for path in [text, other, log] {
        let before = fs::read(&path).unwrap();
        assert!(matches!(open(&path), Err(StoreError::Foreign)), "{path:?}");
        assert!(matches!(inspect(&path), Err(StoreError::Foreign)), "{path:?}");
        assert_eq!(fs::read(&path).unwrap(), before, "{path:?}");
    }
}

#[test]
fn a_newer_version_is_refused_in_words_and_stays_as_it_is() {
    let (_folder, path) = filled();
    let conn = Connection::open(&path).unwrap();
    conn.pragma_update(None, "user_version", 7).unwrap();
    conn.close().unwrap();
    let before = fs::read(&path).unwrap();
    for refused in [open(&path), inspect(&path)] {
        let refused = refused.unwrap_err();
        assert!(matches!(refused, StoreError::Newer { found: 7, known: 2 }));
        assert_eq!(
            refused.to_string(),
            "the database has version 7, this program reads up to 2"
        );
    }
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn any_damaged_page_is_found_as_damage_and_the_file_is_left_as_it_is() {
    let (_folder, path) = filled();
    let good = fs::read(&path).unwrap();
    // The first page is the header and the list of tables.
    for page in 1..good.len() / 4096 {
        let mut bad = good.clone();
        for byte in &mut bad[page * 4096..(page + 1) * 4096] {
            *byte ^= 0x5a;
        }
        fs::write(&path, &bad).unwrap();
        let error = match open(&path) {
            Err(error) => error,
            Ok(mut store) => {
                let error = store.full_check().expect_err("damage unseen");
                let refused = store.commit(Batch::default());
                assert!(
                    matches!(refused, Err(StoreError::Corrupt(_))),
                    "page {page}: {refused:?}"
                );
                error
            }
        };
        assert!(matches!(error, StoreError::Corrupt(_)), "page {page}: {error:?}");
        assert_eq!(fs::read(&path).unwrap(), bad, "page {page}");
    }
}

#[test]
fn one_flipped_bit_in_an_envelope_or_a_record_is_never_handed_out() {
    let (_folder, path) = filled();
    let good = fs::read(&path).unwrap();
    let find = |what: &[u8]| {
        good.windows(what.len())
            .position(|window| window == what)
            .unwrap()
    };
    let (envelope, value) = (find(b"body 57"), find(&[42; 300]));
    let mut bad = good.clone();
    bad[envelope] ^= 1;
    bad[value + 100] ^= 1;
    fs::write(&path, &bad).unwrap();
    let store = open(&path).unwrap();
    // SQLite's own check cannot see it.
    store.quick_check().unwrap();
    let expect_damage =
        |result: Result<(), StoreError>| assert!(matches!(result, Err(StoreError::Corrupt(_))));
    expect_damage(store.since(&space(1), 0, ALL).map(drop));
    expect_damage(store.get(Bucket::Tail, &[42]).map(drop));
    expect_damage(store.list(Bucket::Tail, &[]).map(drop));
    expect_damage(store.full_check().map(drop));
    assert!(store.get(Bucket::Tail, &[41]).is_ok());
    drop(store);
    assert_eq!(fs::read(&path).unwrap(), bad);
}

#[test]
fn a_file_cut_short_is_damage() {
    let (_folder, path) = filled();
    let good = fs::read(&path).unwrap();
    for keep in [good.len() - 4096, good.len() / 2, 4096 + 1] {
        fs::write(&path, &good[..keep]).unwrap();
        let result = open(&path).and_then(|store| store.full_check().map(drop));
        assert!(
            matches!(result, Err(StoreError::Corrupt(_))),
            "{keep}: {result:?}"
        );
        assert_eq!(fs::read(&path).unwrap(), good[..keep]);
    }
}

#[test]
fn a_full_disk_fails_the_whole_commit_and_keeps_everything_before() {
    let (_folder, path) = folder();
    let options = Options {
        max_bytes: Some(512 * 1024),
        ..Options::default()
    };
    let mut store = SqliteStore::open(&path, &options).unwrap();
    let mut author = Author::new(1, space(1));
    let mut stored = 0;
    let refused = loop {
        let batch = Batch {
            envelopes: author.write_many(40),
            puts: vec![
                record(Bucket::Tail, b"batch", Some(&[0; 1000])),
                record(Bucket::Applied, b"", Some(&[stored])),
            ],
            ..Batch::default()
        };
        match store.commit(batch) {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 200, "never full");
    };
    assert!(matches!(refused, StoreError::Full));
    let check = |store: &SqliteStore| {
        assert_eq!(store.head(&space(1)).unwrap().number, u64::from(stored) * 40);
        assert_eq!(store.get(Bucket::Applied, b"").unwrap(), Some(vec![stored - 1]));
        assert_eq!(store.full_check().unwrap().envelopes, u64::from(stored) * 40);
        assert!(store.file_bytes().unwrap() <= 512 * 1024);
    };
    check(&store);
    drop(store);
    let mut store = open(&path).unwrap();
    check(&store);
    // With room again it goes on where it stood.
    let mut author = author_at(stored);
    commit(&mut store, author.write_many(1));
    assert_eq!(store.head(&space(1)).unwrap().number, u64::from(stored) * 40 + 1);
}

/// The author of the test above as the store knows it.
fn author_at(batches: u8) -> Author {
    let mut author = Author::new(1, space(1));
    for _ in 0..batches {
        author.write_many(40);
    }
    author
}

#[test]
fn a_space_at_its_greatest_arrival_number_is_full() {
    let (_folder, path) = folder();
    let mut author = Author::new(1, space(1));
    commit(&mut open(&path).unwrap(), author.write_many(1));
    let conn = Connection::open(&path).unwrap();
    conn.execute(
        "UPDATE space SET head = ?1",
        [i64::try_from(ARRIVALS_PER_SPACE_MAX - 1).unwrap()],
    )
    .unwrap();
    conn.close().unwrap();
    let mut store = open(&path).unwrap();
    commit(&mut store, author.write_many(1));
    assert_eq!(store.head(&space(1)).unwrap().number, ARRIVALS_PER_SPACE_MAX);
    let next = Batch {
        envelopes: author.write_many(1),
        puts: Vec::new(),
        ..Batch::default()
    };
    assert!(matches!(store.commit(next), Err(StoreError::Full)));
}

#[test]
fn a_copy_made_while_running_is_whole_and_holds_nothing_deleted() {
    let (folder, path) = filled();
    let mut store = open(&path).unwrap();
    put(
        &mut store,
        vec![record(Bucket::Person, b"p", Some(b"Ho ten rieng tu"))],
    );
    put(&mut store, vec![record(Bucket::Person, b"p", None)]);
    let copy = folder.path().join("copy.db");
    store.backup_to(&copy).unwrap();
    assert!(matches!(store.backup_to(&copy), Err(StoreError::Io(_))));
    commit(&mut store, Author::new(9, space(1)).write_many(1));
    let restored = open(&copy).unwrap();
    assert_eq!(restored.database_id(), store.database_id());
    assert_eq!(restored.full_check().unwrap().envelopes, 300);
    // The copy is this history set back: what came after is not passed there, what came before is.
    let head = store.head(&space(1)).unwrap();
    assert!(!restored.passed(&space(1), head).unwrap());
    assert!(
        store
            .passed(&space(1), restored.head(&space(1)).unwrap())
            .unwrap()
    );
    drop(restored);
    let bytes = fs::read(&copy).unwrap();
    assert!(!bytes.windows(12).any(|window| window == b"Ho ten rieng"));
}

#[test]
fn an_erased_body_is_gone_from_the_open_file_and_its_log_at_once() {
    let (_folder, path) = folder();
    let mut store = open(&path).unwrap();
    let mut author = Author::new(1, space(1));
    let body = b"the name of a person whom nobody needs to know any more";
    let card = author.write_kind(sotay_feed::Kind::CARD, body);
    commit(&mut store, vec![card.clone()]);
    commit(&mut store, author.write_many(50));
    let holds = |file: &Path| {
        let bytes = fs::read(file).unwrap_or_default();
        bytes.windows(body.len()).any(|part| part == body)
    };
    assert!(holds(&path) || holds(&log_of(&path)));
    put(&mut store, vec![sotay_store::Put::erase(card.id())]);
    assert!(!holds(&path) && !holds(&log_of(&path)));
    assert_eq!(store.full_check().unwrap().envelopes, 51);
    drop(store);
    let again = open(&path).unwrap();
    assert!(!holds(&path));
    assert_eq!(again.full_check().unwrap().envelopes, 51);
}

#[test]
fn a_deleted_record_is_gone_from_the_closed_file() {
    let (_folder, path) = filled();
    let mut store = open(&path).unwrap();
    let secret = b"khoa bi mat ".repeat(2000);
    put(&mut store, vec![record(Bucket::EpochKey, b"k", Some(&secret))]);
    drop(store);
    let holds = || {
        fs::read(&path)
            .unwrap()
            .windows(11)
            .any(|window| window == b"khoa bi mat")
    };
    assert!(holds());
    let mut store = open(&path).unwrap();
    put(&mut store, vec![record(Bucket::EpochKey, b"k", None)]);
    drop(store);
    assert!(!holds());
    assert!(!log_of(&path).exists());
}

#[test]
fn what_the_other_side_has_is_not_even_read_to_find_what_it_lacks() {
    let (_folder, path) = filled();
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(7).position(|window| window == b"body 57").unwrap();
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();
    let store = open(&path).unwrap();
    let have: Frontier = store
        .frontier(&space(1))
        .unwrap()
        .iter()
        .map(|(device, _)| (device, 97))
        .collect();
    assert_eq!(
        store.missing(&space(1), &have, 0, ALL).unwrap().envelopes.len(),
        9
    );
    assert!(matches!(
        store.since(&space(1), 0, ALL),
        Err(StoreError::Corrupt(_))
    ));
}

#[test]
fn a_row_that_lost_its_bytes_without_being_dropped_is_found() {
    let (_folder, path) = filled();
    let mut store = open(&path).unwrap();
    let author = Author::new(1, space(1)).id();
    assert_eq!(
        store
            .drop_envelopes(&space(1), &[5, 6].map(|seq| (author, seq)))
            .unwrap()
            .envelopes,
        2
    );
    let checked = store.full_check().unwrap();
    assert_eq!((checked.envelopes, checked.dropped), (298, 2));
    drop(store);
    let raw = Connection::open(&path).unwrap();
    raw.execute(
        "UPDATE envelope SET bytes = x'' WHERE bytes <> x'' AND place & 4294967295 = 9",
        [],
    )
    .unwrap();
    raw.close().unwrap();
    let store = open(&path).unwrap();
    assert!(matches!(
        store.at(&space(1), author, 9),
        Err(StoreError::Corrupt(_))
    ));
    let store = open(&path).unwrap_or(store);
    assert!(matches!(store.full_check(), Err(StoreError::Corrupt(_))));
}

#[test]
fn room_of_what_was_dropped_is_used_again_and_a_copy_is_smaller() {
    let (folder, path) = folder();
    let mut store = open(&path).unwrap();
    let mut author = Author::new(1, space(1));
    let bodies = |n: u8| (0..400).map(move |_| vec![n; 2000]);
    commit(&mut store, bodies(1).map(|body| author.write(&body)).collect());
    let full = store.file_bytes().unwrap();
    let numbers: Vec<_> = (1..400).map(|seq| (author.id(), seq)).collect();
    store.drop_envelopes(&space(1), &numbers).unwrap();
    let copy = folder.path().join("copy.db");
    store.backup_to(&copy).unwrap();
    let small = open(&copy).unwrap();
    assert!(small.file_bytes().unwrap() * 8 < full);
    assert_eq!(small.full_check().unwrap(), store.full_check().unwrap());
    commit(
        &mut store,
        bodies(2).take(300).map(|body| author.write(&body)).collect(),
    );
    assert!(store.file_bytes().unwrap() <= full);
    store.full_check().unwrap();
}
