//! A profile: one folder on disk that holds one device of one person. Two people who share a phone have two profiles.

use std::fs;
use std::path::{Path, PathBuf};

use rand::CryptoRng;
use sotay_store::{
    Batch, Bucket, Key, Options as StoreOptions, Put, SqliteStore, Store, StoreError, open_sealed,
};
use sotay_vault::keyvault::{Cost, check_pin};

use crate::engine::OpenError;
use crate::lock::{KEY_FILE, Lock, LockError, LockState, TURN_FILE, Turn};
use crate::options::Options;

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

/// Row in [`Bucket::Profile`]: how often the profile was opened, 8 bytes, big endian. The key file knows it too.
const OPENED: &[u8] = b"opened";

/// The database of a profile, open, and what opened it.
pub(crate) struct Profile<'a> {
    pub store: SqliteStore,
    /// `None` while the database is plain.
    pub locked: Option<(Lock<'a>, Key)>,
}

/// A profile that has a key file, or is to get one, is opened by one program at a time.
fn turn(folder: &Path, options: &Options) -> Result<Option<Turn>, OpenError> {
    let keyed = options.vault.is_some() || options.pin.is_some() || folder.join(KEY_FILE).exists();
    let wanted = keyed && folder.exists();
    Ok(wanted.then(|| Turn::take(folder)).transpose()?)
}

/// Opens the database of an existing profile. One that is still plain gets a key when there is a vault to keep it.
pub(crate) fn open<'a>(
    folder: &'a Path,
    options: &Options,
    now: i64,
    rng: &mut dyn CryptoRng,
) -> Result<Profile<'a>, OpenError> {
    there(folder)?;
    let _turn = turn(folder, options)?;
    opened(folder, options, now, rng)
}

fn opened<'a>(
    folder: &'a Path,
    options: &Options,
    now: i64,
    rng: &mut dyn CryptoRng,
) -> Result<Profile<'a>, OpenError> {
    if let Some(mut lock) = Lock::load(folder, options.vault.clone())? {
        let key = lock.key(options.pin.as_deref().map(String::as_str), now)?;
        return confirmed(folder, lock, key);
    }
    // Opened once as it is: nobody else has it, and it is ours.
    let store = database(folder, None)?;
    if options.vault.is_none() {
        return Ok(Profile { store, locked: None });
    }
    drop(store);
    match taken_in(folder, options, None, rng) {
        Err(OpenError::Profile(ProfileError::Store(StoreError::Full))) => {
            tracing::warn!("no room to encrypt the database; it stays plain until the next opening");
            let store = database(folder, None)?;
            Ok(Profile { store, locked: None })
        }
        other => other,
    }
}

/// Gives a plain database a key. If that fails it stays what it was, and has no key file.
fn taken_in<'a>(
    folder: &'a Path,
    options: &Options,
    pin: Option<&str>,
    rng: &mut dyn CryptoRng,
) -> Result<Profile<'a>, OpenError> {
    wipe_with_logs(&folder.join(INDEX_FILE));
    let (lock, key) = Lock::make(folder, options.vault.clone(), pin, rng)?;
    confirmed(folder, lock, key).inspect_err(|_| {
        if database(folder, None).is_ok() {
            let _ = fs::remove_file(folder.join(KEY_FILE));
        }
    })
}

/// Makes the folder, readable by its owner only, and an empty database in it.
pub(crate) fn create<'a>(
    folder: &'a Path,
    options: &Options,
    rng: &mut dyn CryptoRng,
) -> Result<Profile<'a>, OpenError> {
    if exists(folder) {
        return Err(ProfileError::Exists(folder.to_owned()).into());
    }
    make_private(folder).map_err(|error| ProfileError::Folder {
        path: folder.to_owned(),
        reason: error.to_string(),
    })?;
    if options.vault.is_none() && options.pin.is_none() {
        let store = database(folder, None)?;
        return Ok(Profile { store, locked: None });
    }
    let _turn = turn(folder, options)?;
    let pin = options.pin.as_deref().map(String::as_str);
    let made = Lock::make(folder, options.vault.clone(), pin, rng);
    made.map_err(OpenError::from)
        .and_then(|(lock, key)| confirmed(folder, lock, key))
        .inspect_err(|_| discard(folder))
}

/// Puts a profile that is closed under a PIN, or another PIN; the options hold the present one. A plain database is
/// encrypted for it.
pub(crate) fn set_pin(
    folder: &Path,
    options: &Options,
    pin: &str,
    now: i64,
    rng: &mut dyn CryptoRng,
) -> Result<(), OpenError> {
    check_pin(pin).map_err(LockError::from)?;
    there(folder)?;
    let _turn = Turn::take(folder)?;
    let profile = opened(folder, options, now, rng)?;
    match profile.locked {
        Some((mut lock, key)) => lock.put_pin(&key, Some(pin), Cost::STANDARD, rng)?,
        None => {
            drop(profile.store);
            taken_in(folder, options, Some(pin), rng)?;
        }
    }
    Ok(())
}

/// Takes the PIN away. The database stays encrypted; its key is kept by the vault, or by nobody.
pub(crate) fn remove_pin(
    folder: &Path,
    options: &Options,
    now: i64,
    rng: &mut dyn CryptoRng,
) -> Result<(), OpenError> {
    there(folder)?;
    let _turn = turn(folder, options)?;
    if let Some((mut lock, key)) = opened(folder, options, now, rng)?.locked {
        lock.put_pin(&key, None, Cost::STANDARD, rng)?;
    }
    Ok(())
}

/// How a profile is locked.
pub(crate) fn lock_state(folder: &Path, options: &Options, now: i64) -> Result<LockState, OpenError> {
    there(folder)?;
    let _turn = turn(folder, options)?;
    let lock = Lock::load(folder, options.vault.clone())?;
    Ok(lock.map_or(LockState::OPEN, |lock| lock.state(now)))
}

/// Opens the database with its key and notes the opening in it and in the key file. A database that knows of fewer
/// openings than the key file is an older copy.
fn confirmed<'a>(folder: &'a Path, mut lock: Lock<'a>, key: Key) -> Result<Profile<'a>, OpenError> {
    let mut store = database(folder, Some(&key))?;
    let opened = match store.get(Bucket::Profile, OPENED).map_err(ProfileError::Store)? {
        Some(bytes) => u64::from_be_bytes(bytes.try_into().map_err(|_| LockError::Damaged)?),
        None => 0,
    };
    if opened < lock.opened() {
        return Err(LockError::OlderCopy.into());
    }
    // The database first: after a crash in between it is the newer one.
    let batch = Batch {
        envelopes: Vec::new(),
        puts: vec![Put {
            bucket: Bucket::Profile,
            key: OPENED.to_vec(),
            value: Some((opened + 1).to_be_bytes().to_vec()),
        }],
        ..Batch::default()
    };
    store.commit(batch).map_err(ProfileError::Store)?;
    lock.confirm(opened + 1)?;
    Ok(Profile {
        store,
        locked: Some((lock, key)),
    })
}

fn there(folder: &Path) -> Result<(), ProfileError> {
    if exists(folder) {
        Ok(())
    } else {
        Err(ProfileError::Missing(folder.to_owned()))
    }
}

fn exists(folder: &Path) -> bool {
    // While a plain database gets its key there is a moment without a file of its name.
    ["", ".plain"]
        .iter()
        .any(|suffix| folder.join(format!("{DATABASE_FILE}{suffix}")).exists())
}

/// Removes a profile that was made just now and came to nothing. What cannot be removed is reported as there already
/// by the next attempt.
pub(crate) fn discard(folder: &Path) {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let _ = fs::remove_file(folder.join(format!("{DATABASE_FILE}{suffix}")));
    }
    for file in [KEY_FILE, TURN_FILE] {
        let _ = fs::remove_file(folder.join(file));
    }
}

/// Overwrites and removes an index. It is derived: what cannot be removed is tried again when it is next opened.
pub(crate) fn wipe_with_logs(file: &Path) {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        let _ = sotay_store::wipe(Path::new(&name));
    }
}

fn database(folder: &Path, key: Option<&Key>) -> Result<SqliteStore, ProfileError> {
    let options = StoreOptions {
        key: key.cloned(),
        ..StoreOptions::default()
    };
    open_sealed(&folder.join(DATABASE_FILE), &options).map_err(|error| match error {
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
