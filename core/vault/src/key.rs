//! The key of one epoch (P6.4).

use std::fmt;

use rand_core::CryptoRng;
use sotay_feed::EpochId;
use sotay_membership::epoch_id;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

const COMMITMENT_CONTEXT: &str = "sotay/v1/epoch-commitment";
const BODY_CONTEXT: &str = "sotay/v1/body-key";

/// The key of one epoch of one space: 32 random bytes. Wiped when dropped; `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct EpochKey([u8; EpochKey::LEN]);

impl EpochKey {
    /// Length in bytes.
    pub const LEN: usize = 32;

    /// A new key.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut key = Self([0; Self::LEN]);
        rng.fill_bytes(&mut key.0);
        key
    }

    /// The key with these bytes, e.g. as read back from a store.
    pub fn from_bytes(bytes: &[u8; Self::LEN]) -> Self {
        Self(*bytes)
    }

    /// The secret bytes, to keep in an encrypted store.
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// What an epoch record publishes: `BLAKE3-derive("sotay/v1/epoch-commitment", key)`.
    pub fn commitment(&self) -> [u8; 32] {
        blake3::derive_key(COMMITMENT_CONTEXT, &self.0)
    }

    /// The epoch whose key this is; follows from the commitment.
    pub fn id(&self) -> EpochId {
        epoch_id(&self.commitment())
    }

    /// The key that encrypts bodies, kept apart from the commitment.
    pub(crate) fn body_key(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(blake3::derive_key(BODY_CONTEXT, &self.0))
    }
}

impl fmt::Debug for EpochKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(_) = self;
        write!(f, "EpochKey({:?})", self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commitment_and_id_are_the_published_ones() {
        let key = EpochKey::from_bytes(&[7; 32]);
        let commitment = data_encoding::HEXLOWER.encode(&key.commitment());
        assert_eq!(commitment, include_str!("../vectors/commitment.hex").trim());
        assert_eq!(
            key.id().to_string(),
            include_str!("../vectors/epoch_id.hex").trim()
        );
    }

    #[test]
    fn debug_shows_the_public_id_only() {
        let key = EpochKey::from_bytes(&[0x5a; 32]);
        let text = format!("{key:?}");
        assert!(!text.contains("5a5a") && !text.contains("90, 90"), "{text}");
    }
}
