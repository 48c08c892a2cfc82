//! Every store of this crate passes the one suite.

#[cfg(feature = "cipher")]
use sotay_store::Key;
use sotay_store::{DatabaseId, Faults, FaultyStore, MemoryStore, Options, SqliteStore, conformance};
use tempfile::TempDir;

#[test]
fn the_memory_store_conforms() {
    conformance::run(|| MemoryStore::new(DatabaseId([1; 16])));
    conformance::survives_reopening(MemoryStore::new(DatabaseId([1; 16])), |store| store.clone());
}

#[test]
fn a_faulty_store_without_faults_conforms() {
    conformance::run(|| FaultyStore::new(MemoryStore::new(DatabaseId([1; 16])), Faults::none()));
}

#[test]
fn the_sqlite_store_conforms() {
    let folder = TempDir::new().unwrap();
    let mut number = 0;
    conformance::run(|| {
        number += 1;
        let path = folder.path().join(format!("{number}.db"));
        SqliteStore::open(&path, &Options::default()).unwrap()
    });
}

#[test]
fn the_sqlite_store_survives_reopening() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let open = || SqliteStore::open(&path, &Options::default()).unwrap();
    conformance::survives_reopening(open(), |store| {
        drop(store);
        open()
    });
    assert_eq!(open().full_check().unwrap().envelopes, 25);
}

#[cfg(feature = "cipher")]
#[test]
fn the_sqlite_store_with_a_key_conforms_and_survives_reopening() {
    let folder = TempDir::new().unwrap();
    let options = Options {
        key: Some(Key::new([7; 32])),
        ..Options::default()
    };
    let mut number = 0;
    conformance::run(|| {
        number += 1;
        SqliteStore::open(&folder.path().join(format!("{number}.db")), &options).unwrap()
    });
    let open = || SqliteStore::open(&folder.path().join("store.db"), &options).unwrap();
    conformance::survives_reopening(open(), |store| {
        drop(store);
        open()
    });
    assert_eq!(open().full_check().unwrap().envelopes, 25);
}
