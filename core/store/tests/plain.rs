//! A build with plain SQLite, as tools may choose: `cargo test -p sotay-store --no-default-features`.
#![cfg(not(feature = "cipher"))]

use sotay_store::{Key, Options, SqliteStore, StoreError};

#[test]
fn a_key_is_refused_before_anything_is_written() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let options = Options {
        key: Some(Key::new([1; 32])),
        ..Options::default()
    };
    assert!(matches!(
        SqliteStore::open(&path, &options),
        Err(StoreError::NoCipher)
    ));
    let written = std::fs::read(&path).unwrap_or_default();
    assert!(written.is_empty());
    assert!(SqliteStore::open(&path, &Options::default()).is_ok());
}
