//! Boxes that one device opens (P7.1): HPKE base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305.
//!
//! ```text
//! box = encapsulated key(32) ‖ ciphertext
//! ```

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use rand_core::CryptoRng;
use sotay_feed::{BoxKey, DeviceId, DeviceKeys, UnitId};
use zeroize::Zeroizing;

use crate::body::TAG_LEN;
use crate::{KeyRing, OpenError, RingError};

const ENCAPSULATED_LEN: usize = 32;
const RING_CONTEXT: &[u8] = b"sotay/v1/key-ring\0";

/// Bytes a box has more than what it holds.
pub const BOX_OVERHEAD_BYTES: usize = ENCAPSULATED_LEN + TAG_LEN;

/// Why nothing can be sealed to a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// A box key of low order, whose boxes anyone could open. The fault of whoever showed it.
    #[error("nothing can be sealed to this key")]
    Recipient,
    /// The key ring is too large for one box.
    #[error(transparent)]
    Ring(#[from] RingError),
}

/// Seals to one device. The context says what the box is for and where; opening takes the same one.
pub fn seal_box(
    to: &BoxKey,
    context: &[u8],
    plaintext: &[u8],
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, SealError> {
    let to =
        <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(to.as_bytes()).map_err(|_| SealError::Recipient)?;
    let (encapsulated, sealed) = hpke::single_shot_seal_with_rng::<
        ChaCha20Poly1305,
        HkdfSha256,
        X25519HkdfSha256,
    >(&OpModeS::Base, &to, context, plaintext, &[], &mut { rng })
    .map_err(|_| SealError::Recipient)?;
    Ok([&encapsulated.to_bytes()[..], &sealed].concat())
}

/// Opens a box that was sealed to these keys in this context.
pub fn open_box(keys: &DeviceKeys, context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let (encapsulated, sealed) = sealed
        .split_first_chunk::<ENCAPSULATED_LEN>()
        .filter(|(_, sealed)| sealed.len() >= TAG_LEN)
        .ok_or(OpenError::Truncated)?;
    let secret = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(&keys.seal_secret()[..])
        .map_err(|_| OpenError::Forged)?;
    let encapsulated =
        <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(encapsulated).map_err(|_| OpenError::Forged)?;
    hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &secret,
        &encapsulated,
        context,
        sealed,
        &[],
    )
    .map(Zeroizing::new)
    .map_err(|_| OpenError::Forged)
}

fn ring_context(unit: &UnitId, device: DeviceId) -> Vec<u8> {
    [RING_CONTEXT, unit.as_bytes(), device.as_bytes()].concat()
}

/// The sealed part of a grant: a key ring for the device that is admitted (P7.3).
pub fn seal_key_ring(
    to: &sotay_feed::DevicePublic,
    unit: &UnitId,
    ring: &KeyRing,
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, SealError> {
    let context = ring_context(unit, to.sign.device_id());
    seal_box(&to.seal, &context, &ring.encode()?, rng)
}

/// Opens the sealed part of one's own grant. A grant without a key ring has none: `None`.
pub fn open_key_ring(keys: &DeviceKeys, unit: &UnitId, sealed: &[u8]) -> Result<Option<KeyRing>, OpenError> {
    if sealed.is_empty() {
        return Ok(None);
    }
    let plaintext = open_box(keys, &ring_context(unit, keys.id()), sealed)?;
    Ok(Some(KeyRing::decode(&plaintext)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use sotay_feed::SpaceTag;

    use crate::EpochKey;

    fn rng() -> StdRng {
        StdRng::seed_from_u64(1)
    }

    fn keys(n: u8) -> DeviceKeys {
        DeviceKeys::from_seeds([n; 32], [n; 32])
    }

    fn sealed() -> Vec<u8> {
        seal_box(&keys(1).public().seal, b"context", b"secret", &mut rng()).unwrap()
    }

    #[test]
    fn a_box_made_by_other_software_opens() {
        let vector = include_str!("../vectors/box.hex").trim();
        let sealed = data_encoding::HEXLOWER.decode(vector.as_bytes()).unwrap();
        assert_eq!(&open_box(&keys(1), b"context", &sealed).unwrap()[..], b"secret");
    }

    #[test]
    fn only_the_device_it_was_sealed_to_opens_a_box() {
        assert_eq!(&open_box(&keys(1), b"context", &sealed()).unwrap()[..], b"secret");
        assert_eq!(open_box(&keys(2), b"context", &sealed()), Err(OpenError::Forged));
    }

    #[test]
    fn another_context_does_not_open_a_box() {
        assert_eq!(open_box(&keys(1), b"contex", &sealed()), Err(OpenError::Forged));
    }

    #[test]
    fn a_changed_byte_or_a_missing_one_does_not_open() {
        let good = sealed();
        assert_eq!(good.len(), BOX_OVERHEAD_BYTES + 6);
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            // Bit 255 of an X25519 point is ignored by the curve, but HPKE hashes the encoding.
            assert_eq!(
                open_box(&keys(1), b"context", &bad),
                Err(OpenError::Forged),
                "byte {at}"
            );
            assert!(open_box(&keys(1), b"context", &good[..at]).is_err(), "{at} bytes");
        }
    }

    #[test]
    fn nothing_is_sealed_to_a_key_of_low_order() {
        let mut one = [0; 32];
        one[0] = 1;
        let low = BoxKey::from_bytes(one).unwrap();
        assert_eq!(seal_box(&low, b"", b"", &mut rng()), Err(SealError::Recipient));
    }

    #[test]
    fn a_key_ring_travels_in_a_grant_and_nowhere_else() {
        let (unit, other) = (UnitId::from_bytes([1; 32]), UnitId::from_bytes([2; 32]));
        let mut ring = KeyRing::new();
        ring.insert(SpaceTag::from_bytes([3; 16]), EpochKey::from_bytes(&[4; 32]));
        let sealed = seal_key_ring(&keys(1).public(), &unit, &ring, &mut rng()).unwrap();
        assert_eq!(open_key_ring(&keys(1), &unit, &sealed), Ok(Some(ring)));
        assert_eq!(open_key_ring(&keys(1), &other, &sealed), Err(OpenError::Forged));
        assert_eq!(open_key_ring(&keys(2), &unit, &sealed), Err(OpenError::Forged));
        assert_eq!(open_key_ring(&keys(1), &unit, &[]), Ok(None));
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            prop_assert!(open_box(&keys(1), b"context", &bytes).is_err());
        }
    }
}
