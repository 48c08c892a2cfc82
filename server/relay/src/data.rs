//! The data directory: one relay's lock, key and database, and the note of a running one.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use data_encoding::BASE32_NOPAD;
use serde::{Deserialize, Serialize};
use sotay_feed::DeviceKeys;
use zeroize::Zeroizing;

const LOCK_FILE: &str = "relay.lock";
/// The key's name in a data directory.
pub(crate) const KEY_FILE: &str = "relay.key";
const DATABASE_FILE: &str = "relay.sqlite";
const RUN_FILE: &str = "relay.run.json";
/// Says that the records are on a database server, and which configuration names it.
const SERVER_FILE: &str = "relay.store";
/// First word of it; the number is its version.
const SERVER_TAG: &str = "sotay-relay-store-1";

/// First word of the key file; the number is its version.
const KEY_TAG: &str = "sotay-relay-key-1";
/// Bytes of the key file; a longer one is not read.
const KEY_FILE_BYTES_MAX: u64 = 256;

/// Attempts to get the lock of a data directory, and the pause after each.
const LOCK_ATTEMPTS: u32 = 10;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// Why a data directory cannot be used. The operator can put it right.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataError {
    #[error("the data directory {path} cannot be {what}: {error}")]
    Io {
        path: PathBuf,
        what: &'static str,
        error: io::Error,
    },
    #[error("another relay is using the data directory {0}")]
    InUse(PathBuf),
    #[error("the data directory {path} belongs to user {owner}, who could not read what root writes there")]
    NotRoots { path: PathBuf, owner: u32 },
    #[error("there is no relay in {0}")]
    Missing(PathBuf),
    #[error("the key file {0} is damaged")]
    KeyDamaged(PathBuf),
    #[error("the key file {0} can be read by other users of this machine")]
    KeyOpen(PathBuf),
    #[error("the key file {0} is missing, but there is a database")]
    KeyLost(PathBuf),
    #[error("the records of the relay in {0} are on a database server")]
    OnServer(PathBuf),
    #[error(
        "the records of the relay in {0} are in a file there, but the configuration names a database server"
    )]
    InFile(PathBuf),
    #[error("the configuration {0} names no database server")]
    NoServer(PathBuf),
    #[error("the file {0} is damaged")]
    ServerDamaged(PathBuf),
}

/// What root writes in a directory that is another user's that user cannot open, and the service would not start again. Looks at
/// the nearest directory that is there.
fn writes_as_owner(path: &Path) -> Result<(), DataError> {
    let named = path.ancestors().map(|one| match one.as_os_str().is_empty() {
        true => Path::new("."),
        false => one,
    });
    let owner = named
        .filter_map(|one| fs::metadata(one).ok())
        .next()
        .map(|there| there.uid());
    match owner {
        Some(owner) if owner != 0 && rustix::process::geteuid().is_root() => Err(DataError::NotRoots {
            path: path.to_owned(),
            owner,
        }),
        _ => Ok(()),
    }
}

/// An open data directory, locked until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Opens the directory, making it (mode 0700) if it is not there.
    pub fn open_or_make(path: &Path) -> Result<Self, DataError> {
        writes_as_owner(path)?;
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|error| failed(path, "made", error))?;
        Self::lock(path)
    }

    /// Opens the directory of an existing relay in order to write files anew in it.
    pub fn open_to_rewrite(path: &Path) -> Result<Self, DataError> {
        writes_as_owner(path)?;
        Self::open(path)
    }

    /// Opens the directory of an existing relay.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        if path.join(DATABASE_FILE).exists() || path.join(SERVER_FILE).exists() {
            Self::lock(path)
        } else {
            Err(DataError::Missing(path.to_owned()))
        }
    }

    fn lock(path: &Path) -> Result<Self, DataError> {
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join(LOCK_FILE))
            .map_err(|error| failed(path, "written", error))?;
        match patient(&lock) {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(DataError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => Err(failed(path, "locked", error)),
        }
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The database file.
    pub fn database(&self) -> PathBuf {
        self.path.join(DATABASE_FILE)
    }

    /// The relay's key; made from the operating system's randomness the first time. A lost key is not replaced beside
    /// an existing database: every phone has pinned it.
    pub fn key(&self) -> Result<DeviceKeys, DataError> {
        let path = self.path.join(KEY_FILE);
        match OpenOptions::new().read(true).open(&path) {
            Ok(file) => read_key(&path, file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if self.database().exists() || self.path.join(SERVER_FILE).exists() {
                    return Err(DataError::KeyLost(path));
                }
                let seed = fresh_seed(&self.path)?;
                write_whole(&self.path, KEY_FILE, key_text(&seed).as_bytes())?;
                Ok(keys(&seed))
            }
            Err(error) => Err(failed(&path, "read", error)),
        }
    }

    /// Gives a database that was made and checked beside it the name that is opened. Nobody may have either open.
    pub fn replace_database(&self, made: &Path) -> Result<(), DataError> {
        let replace = || {
            File::open(made)?.sync_all()?;
            fs::rename(made, self.database())?;
            File::open(&self.path)?.sync_all()
        };
        replace().map_err(|error| failed(&self.path, "written", error))
    }

    /// The configuration that names the database server which holds the records, if one does.
    pub fn server(&self) -> Result<Option<PathBuf>, DataError> {
        let path = self.path.join(SERVER_FILE);
        match fs::read_to_string(&path) {
            Ok(text) => match text.trim_end().split_once(' ') {
                Some((SERVER_TAG, config)) if !config.is_empty() => Ok(Some(config.into())),
                _ => Err(DataError::ServerDamaged(path)),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(&path, "read", error)),
        }
    }

    /// From now on the records are on the server that a configuration names. The address itself, which may hold a
    /// password, stays there.
    pub fn note_server(&self, config: &Path) -> Result<(), DataError> {
        let config = std::path::absolute(config).map_err(|error| failed(config, "found", error))?;
        let text = format!("{SERVER_TAG} {}\n", config.display());
        if fs::read_to_string(self.path.join(SERVER_FILE)).is_ok_and(|kept| kept == text) {
            return Ok(());
        }
        write_whole(&self.path, SERVER_FILE, text.as_bytes())
    }

    /// Gives the database file a name under which no relay opens it, after its records were moved away.
    pub fn keep_aside(&self) -> Result<PathBuf, DataError> {
        let kept = self.path.join("relay.sqlite.moved");
        let rename = || {
            fs::rename(self.database(), &kept)?;
            File::open(&self.path)?.sync_all()
        };
        rename().map_err(|error| failed(&self.path, "written", error))?;
        Ok(kept)
    }

    /// Leaves a note of the running relay for `status`.
    pub fn note_running(&self, running: &Running) -> Result<(), DataError> {
        let text = serde_json::to_vec(running).expect("addresses and numbers are JSON");
        write_whole(&self.path, RUN_FILE, &text)
    }

    /// Takes the note away.
    pub fn note_stopped(&self) {
        // A note that stays is seen through by `status`: the lock is free.
        let _ = fs::remove_file(self.path.join(RUN_FILE));
    }
}

/// What is known of a running relay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Running {
    pub pid: u32,
    pub listen: SocketAddr,
    pub http: SocketAddr,
    /// The lines for phones.
    #[serde(default)]
    pub phones: Vec<String>,
}

/// The relay that holds the lock of a directory, if one does and has said where it listens.
pub(crate) fn running(path: &Path) -> Result<Option<Running>, DataError> {
    match DataDir::open(path) {
        Ok(_) => Ok(None),
        Err(DataError::InUse(_)) => {
            let note = fs::read(path.join(RUN_FILE)).ok();
            Ok(note.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
        }
        Err(other) => Err(other),
    }
}

/// Waits a moment for a `status` that looks whether the lock is free, or for a predecessor on its way out.
fn patient(lock: &File) -> Result<(), TryLockError> {
    for _ in 0..LOCK_ATTEMPTS {
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            other => return other,
        }
    }
    lock.try_lock()
}

impl DataError {
    /// What the system says of a file or directory.
    pub fn io(path: &Path, what: &'static str, error: io::Error) -> Self {
        failed(path, what, error)
    }
}

/// The key in a file.
pub(crate) fn read_key_file(path: &Path) -> Result<DeviceKeys, DataError> {
    let file = File::open(path).map_err(|error| failed(path, "read", error))?;
    read_key(path, file)
}

/// Copies a key file, readable by its owner only.
pub(crate) fn copy_private(from: &Path, dir: &Path, name: &str) -> Result<(), DataError> {
    let mut text = Zeroizing::new(Vec::new());
    let read = File::open(from).and_then(|file| file.take(KEY_FILE_BYTES_MAX).read_to_end(&mut text));
    read.map_err(|error| failed(from, "read", error))?;
    write_whole(dir, name, &text)
}

fn failed(path: &Path, what: &'static str, error: io::Error) -> DataError {
    DataError::Io {
        path: path.to_owned(),
        what,
        error,
    }
}

fn fresh_seed(path: &Path) -> Result<Zeroizing<[u8; 32]>, DataError> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).map_err(|error| failed(path, "given a key", io::Error::other(error)))?;
    Ok(seed)
}

/// A relay opens no boxes; its box key only fills the place.
fn keys(seed: &[u8; 32]) -> DeviceKeys {
    let seal = Zeroizing::new(blake3::derive_key("sotay/v1/relay-box-key", seed));
    DeviceKeys::from_seeds(*seed, *seal)
}

fn key_text(seed: &[u8; 32]) -> Zeroizing<String> {
    let seed = Zeroizing::new(BASE32_NOPAD.encode(seed));
    Zeroizing::new(format!("{KEY_TAG} {}\n", seed.to_ascii_lowercase()))
}

fn read_key(path: &Path, file: File) -> Result<DeviceKeys, DataError> {
    let about = file.metadata().map_err(|error| failed(path, "read", error))?;
    if about.permissions().mode() & 0o077 != 0 {
        return Err(DataError::KeyOpen(path.to_owned()));
    }
    let mut text = Zeroizing::new(String::new());
    let damaged = || DataError::KeyDamaged(path.to_owned());
    let read = file.take(KEY_FILE_BYTES_MAX).read_to_string(&mut text);
    read.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => damaged(),
        _ => failed(path, "read", error),
    })?;
    let (tag, seed) = text.trim_end().split_once(' ').ok_or_else(damaged)?;
    let seed = BASE32_NOPAD.decode(seed.to_ascii_uppercase().as_bytes());
    let seed = Zeroizing::new(seed.map_err(|_| damaged())?);
    let seed: Zeroizing<[u8; 32]> = Zeroizing::new(seed[..].try_into().map_err(|_| damaged())?);
    if tag == KEY_TAG {
        Ok(keys(&seed))
    } else {
        Err(damaged())
    }
}

/// Writes a small file so that it is there whole or not at all, readable by its owner only.
pub(crate) fn write_whole(dir: &Path, name: &str, bytes: &[u8]) -> Result<(), DataError> {
    let (path, part) = (dir.join(name), dir.join(format!("{name}.part")));
    let write = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, &path)?;
        File::open(dir)?.sync_all()
    };
    write().map_err(|error| failed(dir, "written", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dir() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn the_key_is_made_once_kept_and_private_to_its_owner() {
        let at = dir();
        let made = DataDir::open_or_make(at.path()).unwrap().key().unwrap();
        let kept = DataDir::open_or_make(at.path()).unwrap().key().unwrap();
        assert_eq!(made.public(), kept.public());
        let mode = fs::metadata(at.path().join(KEY_FILE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_second_user_of_the_directory_is_refused_until_the_first_is_gone() {
        let at = dir();
        let first = DataDir::open_or_make(at.path()).unwrap();
        assert!(matches!(
            DataDir::open_or_make(at.path()),
            Err(DataError::InUse(_))
        ));
        drop(first);
        assert!(DataDir::open_or_make(at.path()).is_ok());
    }

    #[test]
    fn a_key_file_cut_at_any_place_or_of_another_version_is_damaged() {
        let at = dir();
        let data = DataDir::open_or_make(at.path()).unwrap();
        data.key().unwrap();
        let path = at.path().join(KEY_FILE);
        let whole = fs::read(&path).unwrap();
        for len in 0..whole.len() - 1 {
            fs::write(&path, &whole[..len]).unwrap();
            assert!(matches!(data.key(), Err(DataError::KeyDamaged(_))), "{len} bytes");
        }
        let newer = String::from_utf8(whole).unwrap().replace("key-1", "key-2");
        fs::write(&path, newer).unwrap();
        assert!(matches!(data.key(), Err(DataError::KeyDamaged(_))));
        fs::write(&path, [0xff; 300]).unwrap();
        assert!(matches!(data.key(), Err(DataError::KeyDamaged(_))));
    }

    #[test]
    fn a_key_that_others_can_read_is_not_used() {
        let at = dir();
        let data = DataDir::open_or_make(at.path()).unwrap();
        data.key().unwrap();
        let path = at.path().join(KEY_FILE);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(data.key(), Err(DataError::KeyOpen(_))));
    }

    #[test]
    fn a_lost_key_beside_a_database_is_not_replaced() {
        let at = dir();
        let data = DataDir::open_or_make(at.path()).unwrap();
        fs::write(data.database(), b"").unwrap();
        assert!(matches!(data.key(), Err(DataError::KeyLost(_))));
    }

    #[test]
    fn a_directory_whose_records_are_on_a_server_says_which_configuration_names_it() {
        let at = dir();
        let data = DataDir::open_or_make(at.path()).unwrap();
        assert_eq!(data.server().unwrap(), None);
        data.note_server(Path::new("/etc/sotay/relay.toml")).unwrap();
        assert_eq!(
            data.server().unwrap().as_deref(),
            Some(Path::new("/etc/sotay/relay.toml"))
        );
        assert!(matches!(data.key(), Err(DataError::KeyLost(_))));
        drop(data);
        let data = DataDir::open(at.path()).unwrap();
        fs::write(at.path().join(SERVER_FILE), "sotay-relay-store-2 /x").unwrap();
        assert!(matches!(data.server(), Err(DataError::ServerDamaged(_))));
    }

    #[test]
    fn a_directory_that_cannot_be_made_or_is_not_there_is_said_so() {
        let at = dir();
        let file = at.path().join("file");
        fs::write(&file, b"").unwrap();
        let below = DataDir::open_or_make(&file.join("data")).unwrap_err();
        assert!(matches!(below, DataError::Io { what: "made", .. }));
        assert!(matches!(
            DataDir::open(&at.path().join("no")),
            Err(DataError::Missing(_))
        ));
    }

    #[test]
    fn the_note_of_a_running_relay_is_read_only_while_the_directory_is_locked() {
        let at = dir();
        let data = DataDir::open_or_make(at.path()).unwrap();
        fs::write(data.database(), b"").unwrap();
        let note = Running {
            pid: 7,
            listen: ([127, 0, 0, 1], 1).into(),
            http: ([127, 0, 0, 1], 2).into(),
            phones: vec!["relay.example.vn:1#key".into()],
        };
        data.note_running(&note).unwrap();
        assert_eq!(running(at.path()).unwrap(), Some(note));
        drop(data);
        assert_eq!(running(at.path()).unwrap(), None);
    }
}
