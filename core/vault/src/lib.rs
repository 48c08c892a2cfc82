//! Keys and ciphers of a device: epoch keys and the key ring, sealed bodies, boxes to one device, and the vault that
//! keeps secrets at rest. A relay never links this crate.
//!
//! No primitive here is home-made: XChaCha20-Poly1305 for bodies, HPKE (RFC 9180) for boxes, BLAKE3 for derivation,
//! Argon2id (RFC 9106) for passphrases; exports are files of the age format. Formats are clauses P6 and P7 of `docs/protocol/vault.md`. Randomness is
//! always a parameter.
//!
//! ```
//! use rand::{SeedableRng, rngs::StdRng};
//! use sotay_vault::{EpochKey, open_body, seal_body};
//!
//! let mut rng = StdRng::seed_from_u64(1);
//! let key = EpochKey::generate(&mut rng);
//! let sealed = seal_body(b"header", &key, b"minutes", &mut rng);
//! assert_eq!(&open_body(b"header", &key, &sealed)?[..], b"minutes");
//! assert!(open_body(b"another header", &key, &sealed).is_err());
//! # Ok::<(), sotay_vault::OpenError>(())
//! ```

mod age;
mod body;
mod boxes;
mod epoch;
mod inbox;
mod key;
pub mod keyvault;
mod ring;

pub use age::{AGE_PASSPHRASE_BYTES_MAX, AGE_WORK_FACTOR, AGE_WORK_FACTOR_MAX, AgeError, age_open, age_seal};
pub use body::{open_body, seal_body, sealed_len};
pub use boxes::{BOX_OVERHEAD_BYTES, SealError, open_box, open_key_ring, seal_box, seal_key_ring};
pub use epoch::{NewEpochError, box_epoch, new_epoch, open_epoch};
pub use inbox::{INBOX_PAD_BYTES, inbox_key, open_from_inbox, seal_for_inbox};
pub use key::EpochKey;
pub use ring::{KeyRing, RingError};

use sotay_feed::DeviceId;

/// Why something sealed does not open. Nothing of the plaintext is known then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Too short to be what it should be. The writer's fault.
    #[error("sealed bytes are cut short")]
    Truncated,
    /// Another key, another header or context, or altered bytes: which one cannot be told.
    #[error("sealed bytes do not open with this key and context")]
    Forged,
    /// It opens, but its length or padding is not the one the format has. The writer's fault.
    #[error("sealed content is not padded as the format asks")]
    Padding,
    /// The epoch has no box for this device: ask an officer, or wait for a key ring.
    #[error("the epoch has no box for this device")]
    NotRecipient,
    /// The epoch is boxed to a device that no grant names. Its maker's fault; do not use it.
    #[error("the epoch has a recipient that was never granted: {0:?}")]
    Ghost(DeviceId),
    /// The box holds another key than the one the epoch commits to. Its maker's fault; do not use it.
    #[error("the key is not the one the epoch commits to")]
    Commitment,
    /// The box holds no key ring. The granter's fault.
    #[error(transparent)]
    Ring(#[from] RingError),
}
