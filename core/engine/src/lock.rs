//! What opens the database of a profile: its key, in a small file beside it, wrapped by the vault, under a PIN, or both
//! (decisions 0152, 0153).
//!
//! Nothing that a vault wrapped here is left as it is: every opening and every try of a PIN writes the file anew, wraps it
//! under a new label, and destroys the label before. So a vault that keeps its keys in hardware also keeps count: an older
//! copy of the file, or of the whole profile, asks for a label that is gone.

mod file;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rand::CryptoRng;
use sotay_store::{KEY_BYTES, Key};
use sotay_vault::keyvault::{Cost, KeyVault, KeyVaultError, OpenVaultError, PinRefused, UnderPin, check_pin};
use zeroize::Zeroizing;

use crate::device::VaultError;
use crate::error::{NextAction, vault_action};
use file::{Body, Content, Outer};

pub use file::KEY_FILE;

/// Empty file that is locked while the key file is looked at or changed.
pub(crate) const TURN_FILE: &str = "profile.turn";
/// Wrong PINs in a row after which the key is destroyed.
pub const PIN_TRIES_MAX: u32 = 20;
/// Wrong PINs in a row that cost no waiting.
pub const PIN_TRIES_FREE: u32 = 4;
/// Waiting after the fifth wrong PIN and the following ones, in seconds; the last holds for all that follow.
const PAUSES: [u64; 5] = [30, 60, 300, 900, 3600];

/// Why the key of a profile is out of reach.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The profile has a PIN and none was given: ask the person.
    #[error("this profile is locked with a PIN")]
    PinMissing,
    /// Another PIN. It was counted.
    #[error("this is not the PIN; {left} tries are left")]
    PinWrong {
        /// Tries that are left before the key is destroyed.
        left: u32,
        /// How long the next try has to wait.
        wait: Duration,
    },
    /// Too early for the next try. It was not counted, and the PIN was not looked at.
    #[error("the next try of the PIN is in {} seconds", wait.as_secs())]
    PinWait {
        /// How long it has to wait.
        wait: Duration,
    },
    /// The PIN was wrong [`PIN_TRIES_MAX`] times in a row, and the key is destroyed. Enrol this phone again.
    #[error("the PIN was wrong too often; the key of this profile is destroyed")]
    PinSpent,
    /// This PIN cannot be chosen.
    #[error(transparent)]
    PinRefused(#[from] PinRefused),
    /// The database is older than its key file: it was restored from a copy, and would write a second history. Enrol this
    /// phone again.
    #[error("this profile is an older copy; it must not write")]
    OlderCopy,
    /// The vault did not do what it was asked. [`KeyVaultError::Gone`] also for an older copy of the whole profile.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The key file cannot be read as one.
    #[error("the key file of this profile is damaged")]
    Damaged,
    /// The key file was written by a newer version of this software.
    #[error("the key file has version {0}")]
    Newer(u64),
    /// The key file cannot be read or written.
    #[error("the key file failed: {0}")]
    Io(std::io::ErrorKind),
}

impl LockError {
    /// What to do next.
    pub fn next_action(&self) -> NextAction {
        match self {
            Self::PinMissing | Self::PinWrong { .. } | Self::PinRefused(_) => NextAction::ChangeInput,
            Self::PinWait { .. } | Self::Io(_) => NextAction::RetryLater,
            Self::PinSpent | Self::OlderCopy | Self::Damaged => NextAction::EnrolAgain,
            Self::Newer(_) => NextAction::Update,
            Self::Vault(error) => vault_action(error),
        }
    }
}

impl From<KeyVaultError> for LockError {
    fn from(error: KeyVaultError) -> Self {
        VaultError::from(error).into()
    }
}

impl From<OpenVaultError> for LockError {
    /// The cost of a PIN is in the file, which says an impossible one.
    fn from(_: OpenVaultError) -> Self {
        LockError::Damaged
    }
}

impl From<std::io::Error> for LockError {
    fn from(error: std::io::Error) -> Self {
        LockError::Io(error.kind())
    }
}

/// How a profile is locked, as far as can be told without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockState {
    /// Whether the database is encrypted.
    pub encrypted: bool,
    /// Whether its key is wrapped by a vault.
    pub vault: bool,
    /// Whether it asks for a PIN.
    pub pin: bool,
    /// Wrong PINs that are left before the key is destroyed.
    pub tries_left: u32,
    /// How long the next try has to wait.
    pub wait: Duration,
}

impl LockState {
    /// A profile whose database is plain.
    pub(crate) const OPEN: LockState = LockState {
        encrypted: false,
        vault: false,
        pin: false,
        tries_left: PIN_TRIES_MAX,
        wait: Duration::ZERO,
    };
}

/// While this lives, nobody else looks at or changes the key file: two openings at once, each with its own label, could
/// leave a file whose label the other one destroyed.
pub(crate) struct Turn(#[allow(dead_code, reason = "the lock goes with the file")] File);

impl Turn {
    /// Waits until it is this one's turn.
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        let file = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(folder.join(TURN_FILE))?;
        file.lock()?;
        Ok(Self(file))
    }
}

/// The key file of a profile, read.
pub(crate) struct Lock<'a> {
    folder: &'a Path,
    vault: Option<Arc<dyn KeyVault>>,
    name: [u8; 8],
    content: Content,
}

impl<'a> Lock<'a> {
    /// Makes a key and the file that keeps it.
    pub fn make(
        folder: &'a Path,
        vault: Option<Arc<dyn KeyVault>>,
        pin: Option<&str>,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Self, Key), LockError> {
        let mut name = [0; 8];
        rng.fill_bytes(&mut name);
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        rng.fill_bytes(&mut *bytes);
        let key = Key::new(*bytes);
        let mut lock = Self {
            folder,
            vault,
            name,
            content: Content {
                step: 0,
                opened: 0,
                failed: 0,
                last: 0,
                body: Body::Key(key.clone()),
            },
        };
        lock.put_pin(&key, pin, Cost::STANDARD, rng)?;
        Ok((lock, key))
    }

    /// Reads the key file; `None` if there is none.
    pub fn load(folder: &'a Path, vault: Option<Arc<dyn KeyVault>>) -> Result<Option<Self>, LockError> {
        let Some(outer) = Outer::read(folder)? else {
            return Ok(None);
        };
        let content = if outer.wrapped {
            let vault = vault.as_ref().ok_or(VaultError::Missing)?;
            vault.unwrap(&label(outer.name, outer.step), &outer.sealed)?
        } else {
            Zeroizing::new(outer.sealed.clone())
        };
        let content = Content::decode(&content)?;
        if content.step != outer.step {
            return Err(LockError::Damaged);
        }
        Ok(Some(Self {
            folder,
            vault,
            name: outer.name,
            content,
        }))
    }

    /// The key. A try of a PIN is counted, durably, before the PIN is looked at.
    pub fn key(&mut self, pin: Option<&str>, now: i64) -> Result<Key, LockError> {
        let under = match &self.content.body {
            Body::Key(key) => return Ok(key.clone()),
            Body::Spent => return Err(LockError::PinSpent),
            Body::UnderPin(under) => under.clone(),
        };
        let pin = pin.ok_or(LockError::PinMissing)?;
        let wait = self.wait(now);
        if !wait.is_zero() {
            if now < self.content.last {
                // The clock was set back, or was ahead at the last try: the pause begins anew, now.
                self.content.last = now;
                self.save()?;
            }
            return Err(LockError::PinWait { wait });
        }
        self.content.failed += 1;
        self.content.last = now;
        self.save()?;
        if let Some(secret) = under.open(pin)? {
            let bytes = <[u8; KEY_BYTES]>::try_from(&secret[..]).map_err(|_| LockError::Damaged)?;
            // At once: whether the database opens too is another question.
            self.content.failed = 0;
            self.save()?;
            return Ok(Key::new(bytes));
        }
        let left = PIN_TRIES_MAX.saturating_sub(self.content.failed);
        if left == 0 {
            self.content.body = Body::Spent;
            self.save()?;
            return Err(LockError::PinSpent);
        }
        let wait = self.wait(now);
        Err(LockError::PinWrong { left, wait })
    }

    /// How often the profile was opened, as the database has to know too.
    pub fn opened(&self) -> u64 {
        self.content.opened
    }

    /// The database has noted this opening; older copies of it are too old from now on.
    pub fn confirm(&mut self, opened: u64) -> Result<(), LockError> {
        self.content.opened = opened;
        self.save()
    }

    /// Puts the key under a PIN, or takes the PIN away.
    pub fn put_pin(
        &mut self,
        key: &Key,
        pin: Option<&str>,
        cost: Cost,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), LockError> {
        self.content.body = match pin {
            Some(pin) => {
                check_pin(pin)?;
                Body::UnderPin(UnderPin::seal(pin, cost, key.bytes(), rng)?)
            }
            None => Body::Key(key.clone()),
        };
        self.save()
    }

    pub fn state(&self, now: i64) -> LockState {
        LockState {
            encrypted: true,
            vault: self.vault.is_some(),
            pin: !matches!(self.content.body, Body::Key(_)),
            tries_left: PIN_TRIES_MAX.saturating_sub(self.content.failed),
            wait: self.wait(now),
        }
    }

    fn wait(&self, now: i64) -> Duration {
        let pause = pause_after(self.content.failed);
        match u64::try_from(now.saturating_sub(self.content.last)) {
            Ok(passed) => pause.saturating_sub(Duration::from_millis(passed)),
            Err(_) => pause,
        }
    }

    /// Writes the file anew under a new label, and only then destroys the labels before.
    fn save(&mut self) -> Result<(), LockError> {
        let before = self.content.step;
        let step = before + 1;
        self.content.step = step;
        let content = self.content.encode();
        let outer = Outer {
            name: self.name,
            step,
            wrapped: self.vault.is_some(),
            sealed: match &self.vault {
                Some(vault) => vault.wrap(&label(self.name, step), &content)?,
                None => content.to_vec(),
            },
        };
        outer.write(self.folder)?;
        if let Some(vault) = &self.vault {
            // A crash may have left the one before that.
            for old in [before.saturating_sub(1), before] {
                vault.destroy(&label(self.name, old))?;
            }
        }
        Ok(())
    }
}

/// How long to wait after so many wrong PINs in a row.
fn pause_after(failed: u32) -> Duration {
    let Some(over) = failed.checked_sub(PIN_TRIES_FREE + 1) else {
        return Duration::ZERO;
    };
    let at = usize::try_from(over).unwrap_or(usize::MAX).min(PAUSES.len() - 1);
    Duration::from_secs(PAUSES[at])
}

fn label(name: [u8; 8], step: u64) -> String {
    format!(
        "sotay/profile-key/{}/{step}",
        data_encoding::HEXLOWER.encode(&name)
    )
}
