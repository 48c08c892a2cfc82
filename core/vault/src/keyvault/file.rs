//! A vault in one file, protected by a passphrase (P7.4).
//!
//! ```text
//! file  = [1, memory KiB, passes, lanes, salt(16), sealed table]
//! key   = Argon2id(passphrase in NFC, salt)
//! table = [[label, key(32)]...] sorted by label, sealed like a body with the first five items as additional data
//! ```
//!
//! Every label has its own random key, so destroying one makes what it wrapped unreadable. An old copy of the file, or
//! flash memory that keeps what was overwritten, still holds it for whoever knows the passphrase.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rand_core::CryptoRng;
use sotay_feed::cbor::{CborError, Reader, Writer};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::{KeyVault, KeyVaultError, LABEL_BYTES_MAX, LABELS_MAX, Level, SECRET_BYTES_MAX};
use crate::OpenError;
use crate::body::{open, seal};

const FILE_VERSION: u64 = 1;
pub(super) const SALT_LEN: usize = 16;
const FILE_BYTES_MAX: usize = 512 * 1024;

/// What it costs to try one passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB, at most [`Cost::MEMORY_KIB_MAX`].
    pub memory_kib: u32,
    /// Passes over the memory, at most [`Cost::PASSES_MAX`].
    pub passes: u32,
    /// Lanes, at most [`Cost::LANES_MAX`].
    pub lanes: u32,
}

impl Cost {
    /// RFC 9106 §4, second recommendation with one lane: 64 MiB, three passes.
    pub const STANDARD: Cost = Cost {
        memory_kib: 64 * 1024,
        passes: 3,
        lanes: 1,
    };
    /// More memory than a file may ask for.
    pub const MEMORY_KIB_MAX: u32 = 256 * 1024;
    /// More passes than a file may ask for.
    pub const PASSES_MAX: u32 = 16;
    /// More lanes than a file may ask for.
    pub const LANES_MAX: u32 = 4;

    fn params(self) -> Option<argon2::Params> {
        let within = self.memory_kib <= Self::MEMORY_KIB_MAX
            && self.passes <= Self::PASSES_MAX
            && self.lanes <= Self::LANES_MAX;
        let params = argon2::Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).ok()?;
        within.then_some(params)
    }

    pub(super) fn derive(
        self,
        passphrase: &str,
        salt: &[u8; SALT_LEN],
    ) -> Result<Zeroizing<[u8; 32]>, OpenVaultError> {
        let params = self.params().ok_or(OpenVaultError::Cost)?;
        // Keyboards differ in how they write "ế"; the person typed the same passphrase.
        let passphrase: Zeroizing<String> = Zeroizing::new(passphrase.nfc().collect());
        let mut key = Zeroizing::new([0; 32]);
        argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), salt, &mut *key)
            .map_err(|_| OpenVaultError::Cost)?;
        Ok(key)
    }
}

/// Why a vault file cannot be made or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenVaultError {
    /// Another passphrase, or an altered file: which one cannot be told.
    #[error("the passphrase does not open this vault")]
    Passphrase,
    /// Not a vault file, or a damaged one.
    #[error("not a vault file: {0}")]
    Format(#[from] CborError),
    /// Written by a newer version of this software.
    #[error("unknown vault version {0}")]
    Version(u64),
    /// The file asks for more work than allowed, or for an impossible amount.
    #[error("the cost parameters are out of range")]
    Cost,
    /// A file stands there already; it is not overwritten.
    #[error("a vault exists already")]
    Exists,
    /// The file system failed.
    #[error("the vault file failed: {0}")]
    Io(io::ErrorKind),
}

impl From<io::Error> for OpenVaultError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AlreadyExists => OpenVaultError::Exists,
            kind => OpenVaultError::Io(kind),
        }
    }
}

type Table = BTreeMap<String, Zeroizing<[u8; 32]>>;

struct Inner {
    cost: Cost,
    salt: [u8; SALT_LEN],
    key: Zeroizing<[u8; 32]>,
    table: Table,
    rng: Box<dyn CryptoRng + Send>,
}

/// A [`KeyVault`] in a file.
pub struct FileVault {
    path: PathBuf,
    inner: Mutex<Inner>,
}

impl FileVault {
    /// Makes a new vault file; an existing one is left alone.
    pub fn create(
        path: &Path,
        passphrase: &str,
        cost: Cost,
        mut rng: Box<dyn CryptoRng + Send>,
    ) -> Result<Self, OpenVaultError> {
        if path.try_exists()? {
            return Err(OpenVaultError::Exists);
        }
        let mut salt = [0; SALT_LEN];
        rng.fill_bytes(&mut salt);
        let key = cost.derive(passphrase, &salt)?;
        let mut inner = Inner {
            cost,
            salt,
            key,
            table: Table::new(),
            rng,
        };
        replace(path, &inner.encode())?;
        Ok(Self {
            path: path.to_owned(),
            inner: Mutex::new(inner),
        })
    }

    /// Opens a vault file.
    pub fn open(
        path: &Path,
        passphrase: &str,
        rng: Box<dyn CryptoRng + Send>,
    ) -> Result<Self, OpenVaultError> {
        let bytes = fs::read(path)?;
        if bytes.len() > FILE_BYTES_MAX {
            return Err(CborError::TooMany {
                at: 0,
                limit: FILE_BYTES_MAX,
            }
            .into());
        }
        let (cost, salt, sealed) = read_file(&bytes)?;
        let key = cost.derive(passphrase, &salt)?;
        let table = open(&key, &head(cost, &salt), sealed).map_err(|error| match error {
            OpenError::Truncated => OpenVaultError::Format(CborError::Malformed { at: 0 }),
            _ => OpenVaultError::Passphrase,
        })?;
        let inner = Inner {
            cost,
            salt,
            key,
            table: read_table(&table)?,
            rng,
        };
        Ok(Self {
            path: path.to_owned(),
            inner: Mutex::new(inner),
        })
    }

    /// Protects the vault with another passphrase. What it wrapped stays readable.
    pub fn change_passphrase(&self, passphrase: &str, cost: Cost) -> Result<(), OpenVaultError> {
        let mut inner = self.lock();
        let mut salt = [0; SALT_LEN];
        inner.rng.fill_bytes(&mut salt);
        let key = cost.derive(passphrase, &salt)?;
        let before = (inner.cost, inner.salt, std::mem::replace(&mut inner.key, key));
        (inner.cost, inner.salt) = (cost, salt);
        let bytes = inner.encode();
        let written = replace(&self.path, &bytes);
        if written.is_err() {
            (inner.cost, inner.salt, inner.key) = before;
        }
        Ok(written?)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change is written to the file before it is made here, so a panic leaves nothing half done.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the table as `change` leaves it, and only then keeps it.
    fn update(&self, inner: &mut Inner, change: impl FnOnce(&mut Table)) -> Result<(), KeyVaultError> {
        let mut table = inner.table.clone();
        change(&mut table);
        let before = std::mem::replace(&mut inner.table, table);
        let bytes = inner.encode();
        replace(&self.path, &bytes).map_err(|error| {
            inner.table = before;
            KeyVaultError::Failed(error.kind())
        })
    }
}

impl KeyVault for FileVault {
    fn level(&self) -> Level {
        Level::Software
    }

    fn wrap(&self, label: &str, secret: &[u8]) -> Result<Vec<u8>, KeyVaultError> {
        at_most(secret.len(), SECRET_BYTES_MAX)?;
        at_most(label.len(), LABEL_BYTES_MAX)?;
        let mut inner = self.lock();
        if !inner.table.contains_key(label) {
            at_most(inner.table.len() + 1, LABELS_MAX)?;
            let mut key = Zeroizing::new([0; 32]);
            inner.rng.fill_bytes(&mut *key);
            self.update(&mut inner, |table| drop(table.insert(label.to_owned(), key)))?;
        }
        let Inner { table, rng, .. } = &mut *inner;
        Ok(seal(&table[label], label.as_bytes(), secret, &mut **rng))
    }

    fn unwrap(&self, label: &str, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyVaultError> {
        let inner = self.lock();
        let key = inner.table.get(label).ok_or(KeyVaultError::Gone)?;
        open(key, label.as_bytes(), wrapped).map_err(|_| KeyVaultError::Forged)
    }

    fn destroy(&self, label: &str) -> Result<(), KeyVaultError> {
        let mut inner = self.lock();
        if inner.table.contains_key(label) {
            self.update(&mut inner, |table| drop(table.remove(label)))?;
        }
        Ok(())
    }
}

impl fmt::Debug for FileVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The path may name the person.
        let Self { path: _, inner: _ } = self;
        f.write_str("FileVault(…)")
    }
}

impl Inner {
    fn encode(&mut self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(self.table.len());
        for (label, key) in &self.table {
            writer.array(2).text(label).bytes(&key[..]);
        }
        let table = Zeroizing::new(writer.into_bytes());
        let mut file = head(self.cost, &self.salt);
        let sealed = seal(&self.key, &file, &table, &mut *self.rng);
        let mut writer = Writer::new();
        writer.bytes(&sealed);
        file.extend(writer.into_bytes());
        file
    }
}

/// The file up to the sealed table.
fn head(cost: Cost, salt: &[u8; SALT_LEN]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer
        .array(6)
        .uint(FILE_VERSION)
        .uint(u64::from(cost.memory_kib))
        .uint(u64::from(cost.passes))
        .uint(u64::from(cost.lanes))
        .bytes(salt);
    writer.into_bytes()
}

fn read_file(bytes: &[u8]) -> Result<(Cost, [u8; SALT_LEN], &[u8]), OpenVaultError> {
    let mut reader = Reader::new(bytes);
    let items = reader.array_up_to(usize::MAX)?;
    let version = if items == 0 { 0 } else { reader.uint()? };
    if version != FILE_VERSION {
        return Err(OpenVaultError::Version(version));
    }
    if items != 6 {
        return Err(CborError::Length {
            at: 0,
            expected: 6,
            found: items,
        }
        .into());
    }
    let cost = Cost {
        memory_kib: reader.small()?,
        passes: reader.small()?,
        lanes: reader.small()?,
    };
    let salt = reader.fixed()?;
    let sealed = reader.bytes(FILE_BYTES_MAX)?;
    let mut writer = Writer::new();
    writer.bytes(sealed);
    reader.finish(&[head(cost, &salt), writer.into_bytes()].concat())?;
    Ok((cost, salt, sealed))
}

fn read_table(bytes: &[u8]) -> Result<Table, OpenVaultError> {
    let mut reader = Reader::new(bytes);
    let mut table = Table::new();
    for _ in 0..reader.array_up_to(LABELS_MAX)? {
        reader.array(2)?;
        let label = reader.text(LABEL_BYTES_MAX)?.to_owned();
        table.insert(label, Zeroizing::new(reader.fixed()?));
    }
    match reader.rest().len() {
        0 => Ok(table),
        more => Err(CborError::Trailing(more).into()),
    }
}

/// Replaces a file as one step: after a crash there is the old one or the new one. Readable by its owner only.
///
/// # Errors
/// What the file system reports; the old file stands then.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(".new");
    let beside = path.with_file_name(name);
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn at_most(found: usize, limit: usize) -> Result<(), KeyVaultError> {
    if found <= limit {
        Ok(())
    } else {
        Err(KeyVaultError::TooLarge { limit })
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
