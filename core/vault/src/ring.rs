//! The key ring: all epoch keys a device holds (P7.2).

use std::collections::BTreeMap;

use sotay_feed::cbor::{CborError, Reader, Writer};
use sotay_feed::limits::KEY_RING_ENTRIES_MAX;
use sotay_feed::{EpochId, IntoTree, SpaceTag};
use zeroize::Zeroizing;

use crate::EpochKey;

const RING_VERSION: u64 = 1;

/// Epoch keys by space and epoch. `Debug` shows how many.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct KeyRing(BTreeMap<(SpaceTag, EpochId), EpochKey>);

/// Why bytes are not a key ring, or a key ring cannot be handed over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RingError {
    /// Not the canonical CBOR of the format.
    #[error(transparent)]
    Cbor(#[from] CborError),
    /// A format version this build does not read.
    #[error("unknown key ring version {0}")]
    Version(u64),
    /// More keys than one grant hands over.
    #[error("{0} keys are more than {KEY_RING_ENTRIES_MAX}")]
    TooMany(usize),
}

impl KeyRing {
    /// No keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key; its epoch follows from it.
    pub fn insert(&mut self, space: SpaceTag, key: EpochKey) -> EpochId {
        let epoch = key.id();
        self.0.insert((space, epoch), key);
        epoch
    }

    /// Adds all keys of another ring.
    pub fn extend(&mut self, other: KeyRing) {
        self.0.extend(other.0);
    }

    /// The key of an epoch.
    pub fn get(&self, space: SpaceTag, epoch: EpochId) -> Option<&EpochKey> {
        self.0.get(&(space, epoch))
    }

    /// The keys of a space, by epoch.
    pub fn for_space(&self, space: SpaceTag) -> impl Iterator<Item = (EpochId, &EpochKey)> {
        self.0
            .range((space, EpochId::ZERO)..)
            .take_while(move |((tag, _), _)| *tag == space)
            .map(|((_, epoch), key)| (*epoch, key))
    }

    /// All keys, by space and epoch.
    pub fn iter(&self) -> impl Iterator<Item = (SpaceTag, EpochId, &EpochKey)> {
        self.0.iter().map(|((space, epoch), key)| (*space, *epoch, key))
    }

    /// The part of the ring that a newcomer may have.
    pub fn only(&self, allowed: impl Fn(SpaceTag, EpochId) -> bool) -> KeyRing {
        let kept = self
            .0
            .iter()
            .filter(|((space, epoch), _)| allowed(*space, *epoch));
        Self(kept.map(|(place, key)| (*place, key.clone())).into_map())
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `[1, [[space tag, key]...]]`, sorted by space and epoch; at most [`KEY_RING_ENTRIES_MAX`] keys. Secret bytes.
    pub fn encode(&self) -> Result<Zeroizing<Vec<u8>>, RingError> {
        if self.len() > KEY_RING_ENTRIES_MAX {
            return Err(RingError::TooMany(self.len()));
        }
        let mut writer = Writer::new();
        writer.array(2).uint(RING_VERSION).array(self.len());
        for ((space, _), key) in &self.0 {
            writer.array(2).bytes(space.as_bytes()).bytes(key.as_bytes());
        }
        Ok(Zeroizing::new(writer.into_bytes()))
    }

    /// Reads what [`KeyRing::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, RingError> {
        let mut reader = Reader::new(bytes);
        let items = reader.array_up_to(usize::MAX)?;
        let version = if items == 0 { 0 } else { reader.uint()? };
        if version != RING_VERSION {
            return Err(RingError::Version(version));
        }
        if items != 2 {
            return Err(CborError::Length {
                at: 0,
                expected: 2,
                found: items,
            }
            .into());
        }
        let mut ring = Self::new();
        for _ in 0..reader.array_up_to(KEY_RING_ENTRIES_MAX)? {
            reader.array(2)?;
            let space = SpaceTag::from_bytes(reader.fixed()?);
            let key = Zeroizing::new(reader.fixed()?);
            ring.insert(space, EpochKey::from_bytes(&key));
        }
        // A repeated key or another order would be written otherwise.
        reader.finish(&ring.encode()?)?;
        Ok(ring)
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyRing({} keys)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(n: u16) -> EpochKey {
        let mut bytes = [0; 32];
        bytes[..2].copy_from_slice(&n.to_be_bytes());
        EpochKey::from_bytes(&bytes)
    }

    fn ring(keys: u16) -> KeyRing {
        let mut ring = KeyRing::new();
        for n in 0..keys {
            ring.insert(SpaceTag::from_bytes([n as u8 % 3; 16]), key(n));
        }
        ring
    }

    #[test]
    fn bytes_are_those_of_the_golden_vector() {
        let bytes = ring(3).encode().unwrap();
        let hex = data_encoding::HEXLOWER.encode(&bytes);
        assert_eq!(hex, include_str!("../vectors/ring.hex").trim());
        assert_eq!(KeyRing::decode(&bytes), Ok(ring(3)));
    }

    #[test]
    fn keys_are_found_by_space_and_epoch() {
        let ring = ring(7);
        let space = SpaceTag::from_bytes([1; 16]);
        assert_eq!(ring.get(space, key(4).id()), Some(&key(4)));
        assert_eq!(ring.get(SpaceTag::from_bytes([2; 16]), key(4).id()), None);
        let mut ids = [key(1).id(), key(4).id()];
        ids.sort();
        assert_eq!(ring.for_space(space).map(|(id, _)| id).collect::<Vec<_>>(), ids);
        let some = ring.only(|tag, epoch| tag == space && epoch == key(4).id());
        assert_eq!(some.iter().collect::<Vec<_>>(), [(space, key(4).id(), &key(4))]);
    }

    #[test]
    fn a_full_ring_is_handed_over_and_one_key_more_is_not() {
        let full = ring(KEY_RING_ENTRIES_MAX as u16);
        let bytes = full.encode().unwrap();
        assert_eq!(KeyRing::decode(&bytes), Ok(full));
        let more = ring(KEY_RING_ENTRIES_MAX as u16 + 1);
        assert_eq!(more.encode(), Err(RingError::TooMany(KEY_RING_ENTRIES_MAX + 1)));
        let mut writer = Writer::new();
        writer.array(2).uint(1).array(KEY_RING_ENTRIES_MAX + 1);
        let bytes = [writer.into_bytes(), vec![0; 1000]].concat();
        assert!(matches!(
            KeyRing::decode(&bytes),
            Err(RingError::Cbor(CborError::TooMany {
                limit: KEY_RING_ENTRIES_MAX,
                ..
            }))
        ));
    }

    #[test]
    fn other_versions_orders_repeats_and_cut_bytes_are_refused() {
        let good = ring(2).encode().unwrap();
        let mut newer = good.to_vec();
        newer[1] = 2;
        assert_eq!(KeyRing::decode(&newer), Err(RingError::Version(2)));
        for len in 0..good.len() {
            assert!(KeyRing::decode(&good[..len]).is_err(), "{len} bytes");
        }
        // Head of 3 bytes, then entries of 1 + 17 + 34.
        let (head, entries) = good.split_at(3);
        let (one, two) = entries.split_at(52);
        for bad in [[head, two, one].concat(), [head, one, one].concat()] {
            assert_eq!(
                KeyRing::decode(&bad),
                Err(RingError::Cbor(CborError::NotCanonical))
            );
        }
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", ring(3)), "KeyRing(3 keys)");
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = KeyRing::decode(&bytes);
        }
    }
}
