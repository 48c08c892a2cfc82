//! The SQLite of this program. It is compiled and linked once, here, with the page encryption of SQLite3 Multiple Ciphers
//! in the file format of SQLCipher 4; without a key it reads and writes plain SQLite files (decision 0150).
//!
//! Whoever opens a database that has a key calls [`unlock`] before anything else on the connection.

use std::path::Path;

use data_encoding::HEXLOWER;
use rusqlite::Connection;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Bytes of the key of a database.
pub const KEY_BYTES: usize = 32;
/// AES-256-CBC with HMAC-SHA-512 over every page and its number, as SQLCipher 4 writes it.
const CIPHER: &str = "sqlcipher";
const FORMAT: i64 = 4;

/// The raw key of a database. It is no passphrase: nothing is derived from it but the keys of cipher and HMAC.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Key([u8; KEY_BYTES]);

impl Key {
    /// The key with these bytes.
    pub fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// Its bytes, to be wrapped, or to derive the key of a file beside it.
    pub fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// The key of a file that belongs to a database. `context` says what for, and is never used for anything else.
    pub fn derive(&self, context: &'static str) -> Key {
        Key(blake3::derive_key(context, &self.0))
    }

    /// How SQLite is told that these are the bytes of the key and not a passphrase.
    fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("x'{}'", *Zeroizing::new(HEXLOWER.encode(&self.0))))
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

/// Why a key was not taken. Whether it is the right one shows when the first page is read: `NotADatabase` if it is not.
#[derive(Debug)]
pub enum UnlockError {
    /// This build has plain SQLite, and would have written plain pages: build with the feature `cipher`.
    NoCipher,
    /// SQLite failed.
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for UnlockError {
    fn from(error: rusqlite::Error) -> Self {
        UnlockError::Sqlite(error)
    }
}

/// Gives a connection its key, as the first thing that happens on it.
pub fn unlock(conn: &Connection, key: &Key) -> Result<(), UnlockError> {
    choose_cipher(conn)?;
    let mut answer = None;
    conn.pragma_update_and_check(None, "key", key.text().as_str(), |row| {
        answer = row.get::<_, String>(0).ok();
        Ok(())
    })
    .or_else(nothing_said)?;
    match answer.as_deref() {
        Some("ok") => Ok(()),
        _ => Err(UnlockError::NoCipher),
    }
}

/// Attaches a database that has this key, or makes it, to a connection that itself has none.
pub fn attach(conn: &Connection, file: &Path, name: &str, key: &Key) -> Result<(), UnlockError> {
    choose_cipher(conn)?;
    let file = file
        .to_str()
        .ok_or_else(|| rusqlite::Error::InvalidPath(file.to_owned()))?;
    conn.execute(
        &format!("ATTACH ?1 AS \"{name}\" KEY ?2"),
        [file, key.text().as_str()],
    )?;
    Ok(())
}

fn choose_cipher(conn: &Connection) -> Result<(), UnlockError> {
    let mut chosen = None;
    conn.pragma_update_and_check(None, "cipher", CIPHER, |row| {
        chosen = row.get::<_, String>(0).ok();
        Ok(())
    })
    .or_else(nothing_said)?;
    if chosen.as_deref() != Some(CIPHER) {
        return Err(UnlockError::NoCipher);
    }
    conn.pragma_update_and_check(None, "legacy", FORMAT, |_| Ok(()))?;
    Ok(())
}

/// Plain SQLite passes over a pragma that it does not know, without a row.
fn nothing_said(error: rusqlite::Error) -> Result<(), rusqlite::Error> {
    match error {
        rusqlite::Error::QueryReturnedNoRows => Ok(()),
        other => Err(other),
    }
}

#[cfg(all(test, feature = "cipher"))]
mod tests {
    use super::*;
    use rusqlite::ErrorCode;

    fn key(byte: u8) -> Key {
        Key::new([byte; KEY_BYTES])
    }

    fn written(file: &Path, key: Option<&Key>) {
        let conn = Connection::open(file).unwrap();
        if let Some(key) = key {
            unlock(&conn, key).unwrap();
        }
        conn.execute_batch("CREATE TABLE t(word TEXT) STRICT; INSERT INTO t VALUES ('MARKER-OF-PLAIN-TEXT')")
            .unwrap();
    }

    fn read(file: &Path, key: Option<&Key>) -> Result<String, rusqlite::Error> {
        let conn = Connection::open(file)?;
        if let Some(key) = key {
            unlock(&conn, key).unwrap();
        }
        conn.query_row("SELECT word FROM t", [], |row| row.get(0))
    }

    #[test]
    fn a_database_with_a_key_opens_with_it_alone_and_shows_no_byte_of_its_text() {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("a.db");
        written(&file, Some(&key(1)));
        assert_eq!(read(&file, Some(&key(1))).unwrap(), "MARKER-OF-PLAIN-TEXT");
        for wrong in [None, Some(key(2))] {
            let error = read(&file, wrong.as_ref()).unwrap_err();
            assert_eq!(error.sqlite_error_code(), Some(ErrorCode::NotADatabase));
        }
        let bytes = std::fs::read(&file).unwrap();
        assert!(
            !bytes
                .windows(6)
                .any(|part| part == b"MARKER" || part == b"SQLite")
        );
    }

    #[test]
    fn a_database_without_a_key_is_a_plain_file_and_does_not_open_with_one() {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("a.db");
        written(&file, None);
        assert!(std::fs::read(&file).unwrap().starts_with(b"SQLite format 3\0"));
        assert!(read(&file, Some(&key(1))).is_err());
        assert_eq!(read(&file, None).unwrap(), "MARKER-OF-PLAIN-TEXT");
    }

    #[test]
    fn a_plain_database_is_copied_into_an_attached_one_that_has_a_key() {
        let folder = tempfile::TempDir::new().unwrap();
        let (plain, other) = (folder.path().join("a.db"), folder.path().join("b é'?#%.db"));
        written(&plain, None);
        let conn = Connection::open(&plain).unwrap();
        attach(&conn, &other, "other", &key(3)).unwrap();
        conn.execute_batch(
            "CREATE TABLE other.t(word TEXT) STRICT; INSERT INTO other.t SELECT * FROM main.t",
        )
        .unwrap();
        drop(conn);
        assert_eq!(read(&other, Some(&key(3))).unwrap(), "MARKER-OF-PLAIN-TEXT");
        assert!(read(&other, None).is_err());
    }

    #[test]
    fn a_key_is_not_printed() {
        assert_eq!(format!("{:?}", key(0x5a)), "Key(…)");
    }

    /// Written with SQLCipher 4.12.0 community, `PRAGMA key = "x'2b2b…'"`.
    #[test]
    fn a_file_that_sqlcipher_wrote_opens() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sqlcipher-4.db");
        assert_eq!(read(&file, Some(&key(0x2b))).unwrap(), "written by sqlcipher");
    }
}
