//! Whose file it is, which version it has, and how older versions become the newest. Normative: `docs/STORAGE.md`.

use rusqlite::{Connection, Transaction, TransactionBehavior, config::DbConfig};

use super::Options;
use crate::{DatabaseId, StoreError};

/// `application_id` in the header of the file: "SoTy".
pub(super) const APPLICATION_ID: i32 = 0x536f_5479;

/// Brings a database from the version of its index to the next; all of one opening are one transaction.
pub(super) type Migration = fn(&Transaction<'_>) -> Result<(), rusqlite::Error>;

/// Every version ever released, in order. What stands here never changes; a new version is a new entry.
pub(super) const MIGRATIONS: &[Migration] = &[version_1, version_2];

fn version_1(tx: &Transaction<'_>) -> Result<(), rusqlite::Error> {
    tx.execute_batch(
        "
        CREATE TABLE database (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            id   BLOB NOT NULL
        ) STRICT;

        CREATE TABLE space (
            n     INTEGER PRIMARY KEY,
            id    BLOB NOT NULL UNIQUE,
            head  INTEGER NOT NULL,
            chain BLOB NOT NULL,
            bytes INTEGER NOT NULL
        ) STRICT;

        CREATE TABLE feed (
            n      INTEGER PRIMARY KEY,
            space  INTEGER NOT NULL,
            device BLOB NOT NULL,
            seq    INTEGER NOT NULL,
            tip    BLOB NOT NULL,
            UNIQUE (space, device)
        ) STRICT;

        CREATE TABLE envelope (
            place INTEGER PRIMARY KEY,
            chain BLOB NOT NULL,
            bytes BLOB NOT NULL
        ) STRICT;

        CREATE TABLE feed_place (
            feed    INTEGER NOT NULL,
            seq     INTEGER NOT NULL,
            arrival INTEGER NOT NULL,
            PRIMARY KEY (feed, seq)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE envelope_id (
            prefix INTEGER NOT NULL,
            place  INTEGER NOT NULL,
            PRIMARY KEY (prefix, place)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE fork (
            feed  INTEGER PRIMARY KEY,
            seq   INTEGER NOT NULL,
            other BLOB NOT NULL
        ) STRICT;

        CREATE TABLE record (
            n      INTEGER PRIMARY KEY,
            bucket INTEGER NOT NULL,
            key    BLOB NOT NULL,
            sum    BLOB NOT NULL,
            value  BLOB NOT NULL,
            UNIQUE (bucket, key)
        ) STRICT;
        ",
    )
}

/// Nothing changes but what rows may mean: one of `envelope` without bytes was dropped, and a feed may have holes. A program
/// that does not know takes such a file for damaged.
fn version_2(_: &Transaction<'_>) -> Result<(), rusqlite::Error> {
    Ok(())
}

/// Makes the file ours, or proves that it is, under an exclusive lock; nothing is written unless it has to be.
pub(super) fn prepare(
    conn: &mut Connection,
    options: &Options,
    migrations: &[Migration],
) -> Result<DatabaseId, StoreError> {
    // Before the file is known to be ours, closing it must not even move its log into it.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    if let Some(key) = &options.key {
        sotay_sqlite::unlock(conn, key)?;
    }
    let foreign = |error| not_ours(error, options);
    settings(conn, options).map_err(foreign)?;
    let tx = conn
        .transaction_with_behavior(TransactionBehavior::Exclusive)
        .map_err(foreign)?;
    match state(&tx, migrations)? {
        State::Empty => {
            let id = options.new_id.map_or_else(fresh_id, Ok)?;
            migrate(&tx, 0, migrations)?;
            tx.pragma_update(None, "application_id", APPLICATION_ID)?;
            tx.execute("INSERT INTO database (only, id) VALUES (1, ?1)", [id.0])?;
        }
        State::Version(version) => migrate(&tx, version, migrations)?,
    }
    let id = tx.query_row("SELECT id FROM database", [], |row| row.get(0))?;
    tx.commit()?;
    // Only now, so that the header of every file with a log names its owner.
    let mode: String = conn.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        return Err(StoreError::Io(format!("write-ahead log refused, mode is {mode}")));
    }
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(DatabaseId(id))
}

/// The oldest version that can be read as it lies: its tables are those of the newest.
const READ_FROM: usize = 1;

/// The same for reading only: an older version is not brought forward.
pub(super) fn inspect(conn: &mut Connection, options: &Options) -> Result<DatabaseId, StoreError> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    if let Some(key) = &options.key {
        sotay_sqlite::unlock(conn, key)?;
    }
    let foreign = |error| not_ours(error, options);
    settings(conn, options).map_err(foreign)?;
    let tx = conn
        .transaction_with_behavior(TransactionBehavior::Exclusive)
        .map_err(foreign)?;
    match state(&tx, MIGRATIONS)? {
        State::Empty => Err(StoreError::Foreign),
        State::Version(version) if version < READ_FROM => Err(StoreError::ReadOnly),
        State::Version(_) => {
            let id = tx.query_row("SELECT id FROM database", [], |row| row.get(0))?;
            tx.commit()?;
            conn.pragma_update(None, "query_only", true)?;
            Ok(DatabaseId(id))
        }
    }
}

enum State {
    Empty,
    Version(usize),
}

fn state(tx: &Transaction<'_>, migrations: &[Migration]) -> Result<State, StoreError> {
    let number = |name| tx.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    if application == APPLICATION_ID {
        let version = u32::try_from(version).unwrap_or(u32::MAX);
        let known = u32::try_from(migrations.len()).expect("a handful");
        if version > known {
            return Err(StoreError::Newer {
                found: version,
                known,
            });
        }
        return Ok(State::Version(version as usize));
    }
    let tables: i64 = tx.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application == 0 && version == 0 && tables == 0 {
        Ok(State::Empty)
    } else {
        Err(StoreError::Foreign)
    }
}

fn migrate(tx: &Transaction<'_>, from: usize, migrations: &[Migration]) -> Result<(), StoreError> {
    let pending = &migrations[from..];
    pending.iter().try_for_each(|migration| migration(tx))?;
    if !pending.is_empty() {
        let version = i32::try_from(migrations.len()).expect("a handful");
        tx.pragma_update(None, "user_version", version)?;
    }
    Ok(())
}

/// A file whose first page makes no sense: with another key it may.
fn not_ours(error: rusqlite::Error, options: &Options) -> StoreError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) if options.key.is_some() => StoreError::WrongKey,
        Some(rusqlite::ErrorCode::NotADatabase) => StoreError::Foreign,
        _ => error.into(),
    }
}

pub(super) fn renew_identity(conn: &Connection) -> Result<DatabaseId, StoreError> {
    let id = fresh_id()?;
    conn.execute("UPDATE database SET id = ?1", [id.0])?;
    Ok(id)
}

fn fresh_id() -> Result<DatabaseId, StoreError> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| StoreError::Io(format!("no randomness: {error}")))?;
    Ok(DatabaseId(id))
}

/// Settings that hold per connection. Each has its reason in `docs/STORAGE.md`, "Settings".
fn settings(conn: &Connection, options: &Options) -> Result<(), rusqlite::Error> {
    conn.busy_timeout(std::time::Duration::ZERO)?;
    conn.set_prepared_statement_cache_capacity(48);
    let set = |name: &str, value: i64| conn.pragma_update_and_check(None, name, value, |_| Ok(()));
    conn.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(()))?;
    conn.pragma_update(None, "page_size", PAGE_BYTES)?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "fullfsync", true)?;
    conn.pragma_update(None, "checkpoint_fullfsync", true)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.pragma_update(None, "trusted_schema", false)?;
    conn.pragma_update(None, "cell_size_check", true)?;
    conn.pragma_update(None, "cache_size", -i64::from(options.cache_kib))?;
    conn.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    set("journal_size_limit", LOG_BYTES_KEPT)?;
    Ok(())
}

/// Bytes of a page: the block of flash and of ext4, and what a small commit writes at least.
pub(super) const PAGE_BYTES: i64 = 4096;
/// Bytes of the log file that are kept for reuse after its content moved into the database.
const LOG_BYTES_KEPT: i64 = 16 * 1024 * 1024;

/// A limit on the database file; it is only known once the file is ours, for asking reads the file.
pub(super) fn limit(conn: &Connection, max_bytes: u64) -> Result<(), StoreError> {
    let pages = i64::try_from(max_bytes).unwrap_or(i64::MAX) / PAGE_BYTES;
    conn.pragma_update_and_check(None, "max_page_count", pages.max(1), |_| Ok(()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{ALL, Author, commit, space};
    use crate::{SqliteStore, Store};

    fn coloured(tx: &Transaction<'_>) -> Result<(), rusqlite::Error> {
        tx.execute_batch("ALTER TABLE space ADD COLUMN colour INTEGER NOT NULL DEFAULT 3")
    }

    fn broken(tx: &Transaction<'_>) -> Result<(), rusqlite::Error> {
        tx.execute_batch("CREATE TABLE half (done); INSERT INTO nowhere VALUES (1)")
    }

    fn open(path: &std::path::Path, migrations: &[Migration]) -> Result<SqliteStore, StoreError> {
        SqliteStore::open_with(path, &Options::default(), migrations)
    }

    #[test]
    fn an_older_database_is_brought_forward_once_and_an_older_program_then_refuses_it() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("store.db");
        let mut store = open(&path, &[version_1]).unwrap();
        let id = store.database_id();
        commit(&mut store, Author::new(1, space(1)).write_many(3));
        drop(store);
        for _ in 0..2 {
            let store = open(&path, &[version_1, coloured]).unwrap();
            assert_eq!(store.database_id(), id);
            assert_eq!(store.since(&space(1), 0, ALL).unwrap().envelopes.len(), 3);
            let colour: i64 = store
                .conn
                .query_row("SELECT colour FROM space", [], |row| row.get(0))
                .unwrap();
            assert_eq!(colour, 3);
        }
        let refused = open(&path, &[version_1]);
        assert!(matches!(refused, Err(StoreError::Newer { found: 2, known: 1 })));
    }

    #[test]
    fn a_migration_that_fails_leaves_the_database_at_its_version() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("store.db");
        commit(
            &mut open(&path, &[version_1]).unwrap(),
            Author::new(1, space(1)).write_many(3),
        );
        assert!(open(&path, &[version_1, coloured, broken]).is_err());
        let store = open(&path, &[version_1]).unwrap();
        assert_eq!(store.full_check().unwrap().envelopes, 3);
        let half = store.conn.prepare("SELECT done FROM half");
        assert!(half.is_err());
    }

    #[test]
    fn a_making_that_fails_leaves_an_empty_file_that_can_be_made_anew() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("store.db");
        assert!(open(&path, &[version_1, broken]).is_err());
        assert!(open(&path, &[version_1]).is_ok());
    }

    #[test]
    fn settings_are_those_that_durability_and_privacy_rest_on() {
        let folder = tempfile::TempDir::new().unwrap();
        let store = open(&folder.path().join("store.db"), MIGRATIONS).unwrap();
        let number = |name| {
            store
                .conn
                .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
                .unwrap()
        };
        let expected = [
            ("synchronous", 2),
            ("fullfsync", 1),
            ("checkpoint_fullfsync", 1),
            ("secure_delete", 1),
            ("cell_size_check", 1),
            ("trusted_schema", 0),
            ("temp_store", 2),
            ("page_size", PAGE_BYTES),
            ("application_id", i64::from(APPLICATION_ID)),
            ("user_version", 2),
        ];
        for (name, value) in expected {
            assert_eq!(number(name), value, "{name}");
        }
        let text = |name| {
            store
                .conn
                .pragma_query_value(None, name, |row| row.get::<_, String>(0))
                .unwrap()
        };
        assert_eq!(
            (text("journal_mode").as_str(), text("locking_mode").as_str()),
            ("wal", "exclusive")
        );
    }
}
