//! How a plain database becomes one with a key: by a copy that takes its place when it is whole (decision 0151).
//!
//! ```text
//! profile.db           the database
//! profile.db.sealed    the copy with the key, until it is whole and proven
//! profile.db.plain     the old file, until it is overwritten
//! ```
//!
//! A crash between any two steps leaves a state that the next [`open_sealed`] carries to its end.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use sotay_sqlite::Key;

use super::error::io_error;
use super::{Options, SqliteStore};
use crate::{Store, StoreError};

/// Zeros that are written at once when a file is overwritten.
const WIPE_BYTES: usize = 256 * 1024;

/// What has just been done; tests look at the folder as a crash would leave it there.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealStep {
    Copied,
    Proven,
    LogEmptied,
    SetAside,
    InPlace,
    Wiped,
}

/// Opens a database with the key of the options. If the file is still plain, every page of it is encrypted first, and the
/// old pages are overwritten; a change that a crash interrupted is finished.
///
/// # Errors
/// As [`SqliteStore::open`]. [`StoreError::Full`] leaves the plain database as it was: the copy needs as much room again.
pub fn open_sealed(path: &Path, options: &Options) -> Result<SqliteStore, StoreError> {
    let path = std::path::absolute(path).map_err(io_error)?;
    if !path.try_exists().map_err(io_error)? && plain(&path).try_exists().map_err(io_error)? {
        // The old file was set aside, so the copy is proven. Who has no key goes back to the old one.
        let whole = if options.key.is_some() {
            sealed(&path)
        } else {
            plain(&path)
        };
        fs::rename(whole, &path).map_err(io_error)?;
    }
    let Some(key) = &options.key else {
        return SqliteStore::open(&path, options);
    };
    let opened = match SqliteStore::open(&path, options) {
        Err(StoreError::WrongKey) => {
            seal(&path, key, &mut |_| ())?;
            SqliteStore::open(&path, options)
        }
        other => other,
    }?;
    wipe(&plain(&path)).map_err(io_error)?;
    remove_if_there(&sealed(&path)).map_err(io_error)?;
    Ok(opened)
}

/// The change alone, with a look at the folder after every step.
#[doc(hidden)]
pub fn seal_step_by_step(path: &Path, key: &Key, look: &mut dyn FnMut(SealStep)) -> Result<(), StoreError> {
    seal(&std::path::absolute(path).map_err(io_error)?, key, look)
}

fn seal(path: &Path, key: &Key, look: &mut dyn FnMut(SealStep)) -> Result<(), StoreError> {
    let old = match SqliteStore::open(path, &Options::default()) {
        // Neither plain nor opened by this key.
        Err(StoreError::Foreign) => return Err(StoreError::WrongKey),
        other => other?,
    };
    let copy = sealed(path);
    remove_if_there(&copy).map_err(io_error)?;
    remove_if_there(&beside(&copy, "-wal")).map_err(io_error)?;
    copy_into(&old.conn, &copy, key)?;
    sync(&copy)?;
    look(SealStep::Copied);
    prove(&old, &copy, key)?;
    look(SealStep::Proven);
    empty_log(&old.conn, path)?;
    look(SealStep::LogEmptied);
    // The lock of the old file is held until the new one stands in its place, so nobody writes into the old one.
    fs::rename(path, plain(path)).map_err(io_error)?;
    look(SealStep::SetAside);
    fs::rename(&copy, path).map_err(io_error)?;
    sync_folder(path)?;
    look(SealStep::InPlace);
    drop(old);
    wipe(&plain(path)).map_err(io_error)?;
    look(SealStep::Wiped);
    Ok(())
}

/// Every table as it is, row by row. All of them have a key of their own, so rows keep their numbers.
fn copy_into(conn: &Connection, copy: &Path, key: &Key) -> Result<(), StoreError> {
    sotay_sqlite::attach(conn, copy, "copy", key)?;
    let result = copy_tables(conn);
    conn.execute_batch("DETACH copy")?;
    result
}

fn copy_tables(conn: &Connection) -> Result<(), StoreError> {
    let numbers = ["application_id", "user_version"].map(|name| {
        let number: Result<i32, _> = conn.pragma_query_value(Some("main"), name, |row| row.get(0));
        number.map(|number| (name, number))
    });
    conn.pragma_update(Some("copy"), "synchronous", "FULL")?;
    let tx = conn.unchecked_transaction()?;
    let tables: Vec<(String, String)> = tx
        .prepare("SELECT name, sql FROM main.sqlite_schema WHERE type = 'table' ORDER BY rowid")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (name, sql) in tables {
        let create = sql.replacen("CREATE TABLE ", "CREATE TABLE copy.", 1);
        tx.execute_batch(&format!(
            "{create}; INSERT INTO copy.\"{name}\" SELECT * FROM main.\"{name}\""
        ))?;
    }
    for number in numbers {
        let (name, number) = number?;
        tx.pragma_update(Some("copy"), name, number)?;
    }
    Ok(tx.commit()?)
}

/// The old file goes only when the copy has shown that it is the same.
fn prove(old: &SqliteStore, copy: &Path, key: &Key) -> Result<(), StoreError> {
    let options = Options {
        key: Some(key.clone()),
        ..Options::default()
    };
    let new = SqliteStore::open(copy, &options)?;
    if new.database_id() == old.database_id() && new.full_check()? == old.full_check()? {
        Ok(())
    } else {
        Err(StoreError::Io("the encrypted copy is not the same".into()))
    }
}

/// Moves the log into the file, overwrites it and takes it away: beside the new file it would be nonsense.
fn empty_log(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    let (busy, frames, moved): (i64, i64, i64) =
        conn.query_row("PRAGMA main.wal_checkpoint(FULL)", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
    if busy != 0 || frames != moved {
        return Err(StoreError::Busy);
    }
    overwrite(&beside(path, "-wal")).map_err(io_error)?;
    let mode: String =
        conn.pragma_update_and_check(Some("main"), "journal_mode", "DELETE", |row| row.get(0))?;
    if mode != "delete" {
        return Err(StoreError::Io(format!("the log stays, mode is {mode}")));
    }
    // The change of the mode has a journal of its own, which an exclusive owner keeps.
    wipe(&beside(path, "-journal")).map_err(io_error)
}

/// Overwrites a file with zeros and removes it; one that is not there is gone already. File systems and flash may keep
/// older blocks of it all the same.
pub fn wipe(file: &Path) -> io::Result<()> {
    overwrite(file)?;
    remove_if_there(file)
}

fn overwrite(path: &Path) -> io::Result<()> {
    let mut file = match File::options().write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    let mut left = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(0))?;
    let zeros = vec![0; WIPE_BYTES];
    while left > 0 {
        let part = left.min(WIPE_BYTES as u64);
        file.write_all(&zeros[..usize::try_from(part).expect("at most WIPE_BYTES")])?;
        left -= part;
    }
    file.sync_all()
}

fn remove_if_there(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn sync(file: &Path) -> Result<(), StoreError> {
    File::open(file)
        .and_then(|file| file.sync_all())
        .map_err(io_error)
}

fn sync_folder(file: &Path) -> Result<(), StoreError> {
    sync(file.parent().expect("an absolute path of a file has a parent"))
}

fn sealed(path: &Path) -> PathBuf {
    beside(path, ".sealed")
}

fn plain(path: &Path) -> PathBuf {
    beside(path, ".plain")
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}
