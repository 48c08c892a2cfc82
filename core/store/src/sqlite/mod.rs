//! The SQLite store: one file, one owner, one transaction per call. Tables and settings: `docs/STORAGE.md`.

mod check;
mod error;
mod holes;
mod read;
mod schema;
mod seal;
mod write;

use std::cell::Cell;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, config::DbConfig};
use sotay_feed::{DeviceId, EnvelopeId, Frontier, SpaceId, Tip};
use sotay_sqlite::Key;

use crate::{
    Arrival, Batch, Bucket, Budget, Committed, Copied, DatabaseId, Dropped, ForkEvidence, KeyValue, Log,
    Page, Store, StoreError, Stored,
};

pub use check::Checked;
#[doc(hidden)]
pub use seal::{SealStep, seal_step_by_step};
pub use seal::{open_sealed, wipe};

/// How a database is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Page cache in KiB. 2 MiB suit a phone; a relay gives its shard more.
    pub cache_kib: u32,
    /// Bytes the database file may reach (its log not counted); a write beyond is [`StoreError::Full`].
    pub max_bytes: Option<u64>,
    /// Identity of a database that has to be made; by default random.
    pub new_id: Option<DatabaseId>,
    /// Key of the pages, of file and log; without one they are plain.
    pub key: Option<Key>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache_kib: 2048,
            max_bytes: None,
            new_id: None,
            key: None,
        }
    }
}

/// An open database file. Nobody else can open it, for reading or writing, until this is dropped.
///
/// Once a call has answered [`StoreError::Corrupt`] every later commit does so too, and closing leaves file and log
/// byte for byte as they are, for whoever repairs it.
pub struct SqliteStore {
    conn: Connection,
    id: DatabaseId,
    damaged: Cell<bool>,
}

impl SqliteStore {
    /// Opens the database, making it if the file does not exist or is empty, and bringing an older version forward.
    ///
    /// # Errors
    /// [`StoreError::Busy`] at once while anyone else has it open; [`StoreError::Foreign`], [`StoreError::Newer`] and
    /// [`StoreError::ReadOnly`] with the file left as it is; [`StoreError::WrongKey`] if the options have a key that does
    /// not fit, [`StoreError::Foreign`] if they have none and the file needs one.
    pub fn open(path: &Path, options: &Options) -> Result<Self, StoreError> {
        Self::open_with(path, options, schema::MIGRATIONS)
    }

    fn open_with(
        path: &Path,
        options: &Options,
        migrations: &[schema::Migration],
    ) -> Result<Self, StoreError> {
        let mut conn = connect(path, OpenFlags::SQLITE_OPEN_CREATE)?;
        let id = schema::prepare(&mut conn, options, migrations)?;
        if let Some(max_bytes) = options.max_bytes {
            schema::limit(&conn, max_bytes)?;
        }
        Ok(Self::new(conn, id))
    }

    /// Opens an existing database to look at it: commits answer [`StoreError::ReadOnly`], and
    /// neither file nor log changes, not even when it is closed.
    ///
    /// # Errors
    /// As [`SqliteStore::open`]; [`StoreError::ReadOnly`] also when the version is one whose tables were others (it would have to be migrated)
    /// or the file itself cannot be opened for writing, without which it cannot be locked: look at a copy then.
    pub fn inspect(path: &Path, options: &Options) -> Result<Self, StoreError> {
        let mut conn = connect(path, OpenFlags::empty())?;
        let id = schema::inspect(&mut conn, options)?;
        Ok(Self::new(conn, id))
    }

    fn new(conn: Connection, id: DatabaseId) -> Self {
        Self {
            conn,
            id,
            damaged: Cell::new(false),
        }
    }

    /// Writes a consistent copy to a file that does not exist yet. The copy has the same identity, holds no remains of
    /// deleted records, and is complete and on disk when this returns. Blocks for the time of reading everything.
    pub fn backup_to(&self, path: &Path) -> Result<(), StoreError> {
        self.noted(write::backup(&self.conn, path))
    }

    /// Gives the database another identity, as a copy needs that goes on by itself: whoever held a place in the history of
    /// the original is told that this is another one.
    pub fn renew_identity(&mut self) -> Result<DatabaseId, StoreError> {
        let renewed = schema::renew_identity(&self.conn);
        self.id = self.noted(renewed)?;
        Ok(self.id)
    }

    /// Asks SQLite whether its pages fit together; reads everything once, and no more than once.
    pub fn quick_check(&self) -> Result<(), StoreError> {
        self.noted(check::quick(&self.conn))
    }

    /// Walks every chain, hash, index and record; a few times slower than [`SqliteStore::quick_check`].
    pub fn full_check(&self) -> Result<Checked, StoreError> {
        self.noted(check::full(&self.conn))
    }

    /// Bytes of the database file's pages, its log not counted.
    pub fn file_bytes(&self) -> Result<u64, StoreError> {
        let pages = self
            .conn
            .pragma_query_value(None, "page_count", |row| row.get::<_, i64>(0));
        let bytes = pages.map(|pages| u64::try_from(pages * schema::PAGE_BYTES).unwrap_or(0));
        self.noted(bytes.map_err(StoreError::from))
    }

    fn sound(&self) -> Result<(), StoreError> {
        if self.damaged.get() {
            return Err(StoreError::Corrupt(
                "found earlier; nothing more is written".into(),
            ));
        }
        Ok(())
    }

    fn noted<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if matches!(result, Err(StoreError::Corrupt(_))) && !self.damaged.replace(true) {
            self.conn
                .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        }
        result
    }
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { conn: _, id, damaged } = self;
        write!(f, "SqliteStore({id:?}, damaged: {})", damaged.get())
    }
}

fn connect(path: &Path, create: OpenFlags) -> Result<Connection, StoreError> {
    // An absolute path cannot be taken for a URI or for ":memory:".
    let path = std::path::absolute(path).map_err(|error| StoreError::Io(error.kind().to_string()))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
    let conn = Connection::open_with_flags(path, flags)?;
    // SQLite falls back to reading when the file cannot be written.
    if conn.is_readonly(rusqlite::MAIN_DB)? {
        return Err(StoreError::ReadOnly);
    }
    Ok(conn)
}

impl Store for SqliteStore {
    fn database_id(&self) -> DatabaseId {
        self.id
    }

    fn commit(&mut self, batch: Batch) -> Result<Committed, StoreError> {
        self.sound()?;
        let result = write::commit(&mut self.conn, &batch);
        self.noted(result)
    }

    fn tip(&self, space: &SpaceId, device: DeviceId) -> Result<Option<Tip>, StoreError> {
        self.noted(read::tip(&self.conn, space, device))
    }

    fn frontier(&self, space: &SpaceId) -> Result<Frontier, StoreError> {
        self.noted(read::frontier(&self.conn, space))
    }

    fn head(&self, space: &SpaceId) -> Result<Arrival, StoreError> {
        self.noted(read::head(&self.conn, space))
    }

    fn passed(&self, space: &SpaceId, arrival: Arrival) -> Result<bool, StoreError> {
        self.noted(read::passed(&self.conn, space, arrival))
    }

    fn since(&self, space: &SpaceId, after: u64, budget: Budget) -> Result<Page, StoreError> {
        self.noted(read::since(&self.conn, space, after, budget))
    }

    fn missing(
        &self,
        space: &SpaceId,
        have: &Frontier,
        after: u64,
        budget: Budget,
    ) -> Result<Page, StoreError> {
        self.noted(read::missing(&self.conn, space, have, after, budget))
    }

    fn drop_envelopes(&mut self, space: &SpaceId, places: &[(DeviceId, u64)]) -> Result<Dropped, StoreError> {
        self.sound()?;
        let result = holes::drop_envelopes(&mut self.conn, space, places);
        self.noted(result)
    }

    fn log(&self, space: &SpaceId, after: u64, budget: Budget) -> Result<Log, StoreError> {
        self.noted(holes::log(&self.conn, space, after, budget))
    }

    fn follow(&mut self, space: &SpaceId, rows: &[Copied]) -> Result<bool, StoreError> {
        self.sound()?;
        let result = write::follow(&mut self.conn, space, rows);
        self.noted(result)
    }

    fn at(&self, space: &SpaceId, device: DeviceId, seq: u64) -> Result<Option<Stored>, StoreError> {
        self.noted(read::at(&self.conn, space, device, seq))
    }

    fn envelope(&self, id: EnvelopeId) -> Result<Option<Stored>, StoreError> {
        self.noted(read::envelope(&self.conn, id))
    }

    fn space_bytes(&self, space: &SpaceId) -> Result<u64, StoreError> {
        self.noted(read::space_bytes(&self.conn, space))
    }

    fn spaces(&self) -> Result<Vec<SpaceId>, StoreError> {
        self.noted(read::spaces(&self.conn))
    }

    fn forks(&self) -> Result<Vec<ForkEvidence>, StoreError> {
        self.noted(read::forks(&self.conn))
    }

    fn get(&self, bucket: Bucket, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.noted(read::get(&self.conn, bucket, key))
    }

    fn list(&self, bucket: Bucket, prefix: &[u8]) -> Result<Vec<KeyValue>, StoreError> {
        self.noted(read::list(&self.conn, bucket, prefix))
    }
}
