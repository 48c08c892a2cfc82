//! A profile: one folder on disk that holds one device of one person. Two people who share a phone have two profiles.

use std::fs;
use std::path::{Path, PathBuf};

use sotay_store::{Options, SqliteStore, StoreError};

/// Name of the database inside a profile folder.
pub const DATABASE_FILE: &str = "profile.db";
/// Name of the search index beside it. Derived data: it may be deleted while the profile is closed.
pub const INDEX_FILE: &str = "library.index";

/// Why a profile cannot be opened or made.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// There is no profile in that folder: make one first, or name another folder.
    #[error("there is no profile in {0}")]
    Missing(PathBuf),
    /// A profile is there already: open it, or name another folder.
    #[error("there is a profile in {0} already")]
    Exists(PathBuf),
    /// The folder cannot be made, read or written.
    #[error("the folder {path} cannot be used: {reason}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the operating system says.
        reason: String,
    },
    /// Another program has this profile open: close it there first.
    #[error("the profile in {0} is open in another program")]
    InUse(PathBuf),
    /// The database in the folder cannot be used.
    #[error("the profile's database: {0}")]
    Store(StoreError),
}

/// Opens the database of an existing profile.
pub(crate) fn open(folder: &Path) -> Result<SqliteStore, ProfileError> {
    let file = folder.join(DATABASE_FILE);
    if !file.exists() {
        return Err(ProfileError::Missing(folder.to_owned()));
    }
    database(folder, &file)
}

/// Makes the folder, readable by its owner only, and an empty database in it.
pub(crate) fn create(folder: &Path) -> Result<SqliteStore, ProfileError> {
    let file = folder.join(DATABASE_FILE);
    if file.exists() {
        return Err(ProfileError::Exists(folder.to_owned()));
    }
    make_private(folder).map_err(|error| ProfileError::Folder {
        path: folder.to_owned(),
        reason: error.to_string(),
    })?;
    database(folder, &file)
}

/// Removes a database that was made just now and came to nothing. What cannot be removed is reported as there already
/// by the next attempt.
pub(crate) fn discard(folder: &Path) {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let _ = fs::remove_file(folder.join(format!("{DATABASE_FILE}{suffix}")));
    }
}

fn database(folder: &Path, file: &Path) -> Result<SqliteStore, ProfileError> {
    SqliteStore::open(file, &Options::default()).map_err(|error| match error {
        StoreError::Busy => ProfileError::InUse(folder.to_owned()),
        other => ProfileError::Store(other),
    })
}

fn make_private(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}
