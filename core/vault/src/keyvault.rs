//! Keeping secrets at rest: the trait that an app implements with the phone's key store, and a vault in a file that a
//! passphrase protects, for desktops, tools and tests.

mod file;
mod pin;

pub use file::{Cost, FileVault, OpenVaultError, replace};
pub use pin::{PIN_BYTES_MAX, PIN_CHARS_MIN, PinRefused, UnderPin, check_pin};

use zeroize::Zeroizing;

/// How well the wrapping keys of a vault are protected. Ordered from weak to strong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// By software only, e.g. a passphrase.
    Software,
    /// By a trusted environment of the main processor.
    TrustedEnvironment,
    /// By a separate security chip.
    SecureElement,
}

/// Why a vault does not do what it is asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyVaultError {
    /// The key behind the label was destroyed or never made; on another phone it does not exist. Enrol anew.
    #[error("the key is gone")]
    Gone,
    /// The user has to unlock the phone or confirm first. Ask, then try again.
    #[error("the vault is locked")]
    Locked,
    /// The wrapped bytes were altered, or belong to another label.
    #[error("the wrapped bytes do not belong to this key")]
    Forged,
    /// Over [`SECRET_BYTES_MAX`], [`LABEL_BYTES_MAX`] or [`LABELS_MAX`]. Our own fault.
    #[error("over the limit of {limit}")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// The key store or the file failed. Try again; if it lasts, enrol anew.
    #[error("the vault failed: {0}")]
    Failed(std::io::ErrorKind),
}

/// Bytes of a secret that a vault wraps.
pub const SECRET_BYTES_MAX: usize = 4096;
/// Bytes of a label.
pub const LABEL_BYTES_MAX: usize = 128;
/// Labels in one vault.
pub const LABELS_MAX: usize = 1024;

/// Wraps secrets under keys that never leave the vault. A database that is copied without its vault stays closed.
pub trait KeyVault: Send + Sync {
    /// How well the keys are protected.
    fn level(&self) -> Level;

    /// Encrypts a secret under the key of a label, which is made on first use.
    fn wrap(&self, label: &str, secret: &[u8]) -> Result<Vec<u8>, KeyVaultError>;

    /// Decrypts what [`KeyVault::wrap`] made under the same label.
    fn unwrap(&self, label: &str, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyVaultError>;

    /// Destroys the key of a label: whatever it wrapped is lost for good. Destroying twice is no error.
    fn destroy(&self, label: &str) -> Result<(), KeyVaultError>;
}
