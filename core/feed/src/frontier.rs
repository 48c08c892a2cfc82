//! The frontier of a space: for each feed the highest gapless sequence number (P4).

use std::collections::BTreeMap;

use crate::DeviceId;
use crate::cbor::{CborError, Reader, Writer};
use crate::limits::{FEEDS_PER_SPACE_MAX, SEQ_MAX};

/// What a replica holds of one space. Two equal frontiers without forks hold the same envelopes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier(BTreeMap<DeviceId, u64>);

/// Sixteen bytes that are equal for equal frontiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 16]);

/// Why bytes are not a frontier. The sender's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrontierError {
    /// Not the CBOR that the format has.
    #[error(transparent)]
    Cbor(#[from] CborError),
    /// Feeds out of order, twice, or with number 0 or beyond [`SEQ_MAX`].
    #[error("feeds out of order or numbers out of range")]
    Order,
}

impl Frontier {
    /// Nothing held.
    pub fn new() -> Self {
        Self::default()
    }

    /// Highest gapless number of a feed; 0 when nothing of it is held.
    pub fn get(&self, device: DeviceId) -> u64 {
        self.0.get(&device).copied().unwrap_or(0)
    }

    /// Raises a feed to `seq`; lower numbers change nothing.
    pub fn raise(&mut self, device: DeviceId, seq: u64) {
        if seq > 0 {
            let entry = self.0.entry(device).or_insert(seq);
            *entry = seq.max(*entry);
        }
    }

    /// Raises every feed to what `other` holds.
    pub fn join(&mut self, other: &Frontier) {
        for (&device, &seq) in &other.0 {
            self.raise(device, seq);
        }
    }

    /// Whether everything in `other` is held here.
    pub fn covers(&self, other: &Frontier) -> bool {
        other.0.iter().all(|(&device, &seq)| self.get(device) >= seq)
    }

    /// The feeds of which this side holds more than `other`, with the last number `other` holds.
    pub fn ahead_of<'a>(&'a self, other: &'a Frontier) -> impl Iterator<Item = (DeviceId, u64)> + 'a {
        self.0
            .iter()
            .filter(|&(&device, &seq)| seq > other.get(device))
            .map(|(&device, _)| (device, other.get(device)))
    }

    /// How many envelopes `other` has that this side lacks.
    pub fn lacks(&self, other: &Frontier) -> u64 {
        other
            .0
            .iter()
            .map(|(&device, &seq)| seq.saturating_sub(self.get(device)))
            .sum()
    }

    /// Feeds and their numbers, by device id.
    pub fn iter(&self) -> impl Iterator<Item = (DeviceId, u64)> + '_ {
        self.0.iter().map(|(&device, &seq)| (device, seq))
    }

    /// Number of feeds.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// First 16 bytes of `BLAKE3-derive("sotay/v1/frontier", encoded frontier)`.
    pub fn digest(&self) -> Digest {
        let hash = blake3::derive_key("sotay/v1/frontier", &self.encode());
        let mut digest = [0; 16];
        digest.copy_from_slice(&hash[..16]);
        Digest(digest)
    }

    /// Canonical CBOR: `[device, seq, device, seq, …]` sorted by device.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        self.write(&mut writer);
        writer.into_bytes()
    }

    /// Writes the same into a larger message.
    pub fn write(&self, writer: &mut Writer) {
        writer.array(self.0.len() * 2);
        for (device, &seq) in &self.0 {
            writer.bytes(device.as_bytes()).uint(seq);
        }
    }

    /// Reads what [`Frontier::write`] wrote, at most [`FEEDS_PER_SPACE_MAX`] feeds.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, FrontierError> {
        let at = reader.position();
        let items = reader.array_up_to(FEEDS_PER_SPACE_MAX * 2)?;
        if items % 2 != 0 {
            return Err(CborError::Malformed { at }.into());
        }
        let mut feeds = BTreeMap::new();
        let mut last = None;
        for _ in 0..items / 2 {
            let device = DeviceId::from_bytes(reader.fixed()?);
            let seq = reader.uint()?;
            if last.is_some_and(|last| last >= device) || seq == 0 || seq > SEQ_MAX {
                return Err(FrontierError::Order);
            }
            last = Some(device);
            feeds.insert(device, seq);
        }
        Ok(Self(feeds))
    }

    /// Reads a frontier that stands alone.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrontierError> {
        let mut reader = Reader::new(bytes);
        let frontier = Self::read(&mut reader)?;
        reader.finish(&frontier.encode())?;
        Ok(frontier)
    }
}

impl FromIterator<(DeviceId, u64)> for Frontier {
    fn from_iter<I: IntoIterator<Item = (DeviceId, u64)>>(feeds: I) -> Self {
        let mut frontier = Self::new();
        for (device, seq) in feeds {
            frontier.raise(device, seq);
        }
        frontier
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn device(n: u8) -> DeviceId {
        DeviceId::from_bytes([n; 8])
    }

    fn frontiers() -> impl Strategy<Value = Frontier> {
        proptest::collection::btree_map(0u8..6, 1u64..9, 0..6)
            .prop_map(|feeds| feeds.into_iter().map(|(d, seq)| (device(d), seq)).collect())
    }

    proptest! {
        #[test]
        fn joining_covers_both_and_is_order_free(a in frontiers(), b in frontiers()) {
            let (mut ab, mut ba) = (a.clone(), b.clone());
            ab.join(&b);
            ba.join(&a);
            prop_assert_eq!(&ab, &ba);
            prop_assert!(ab.covers(&a) && ab.covers(&b));
            prop_assert_eq!(a.lacks(&ab) == 0, a.covers(&ab));
        }

        #[test]
        fn encoding_round_trips_and_equal_digests_mean_equal_frontiers(a in frontiers(), b in frontiers()) {
            prop_assert_eq!(Frontier::decode(&a.encode()).unwrap(), a.clone());
            prop_assert_eq!(a.digest() == b.digest(), a == b);
        }

        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = Frontier::decode(&bytes);
        }
    }

    #[test]
    fn one_feed_costs_about_twelve_bytes() {
        let many: Frontier = (0..40).map(|n| (device(n), 200)).collect();
        assert_eq!(many.encode().len(), 2 + 40 * 11);
    }

    #[test]
    fn unsorted_feeds_zero_numbers_and_too_many_feeds_are_refused() {
        let encode = |feeds: &[(u8, u64)]| {
            let mut writer = Writer::new();
            writer.array(feeds.len() * 2);
            for &(d, seq) in feeds {
                writer.bytes(device(d).as_bytes()).uint(seq);
            }
            writer.into_bytes()
        };
        assert_eq!(
            Frontier::decode(&encode(&[(2, 1), (1, 1)])),
            Err(FrontierError::Order)
        );
        assert_eq!(
            Frontier::decode(&encode(&[(1, 1), (1, 2)])),
            Err(FrontierError::Order)
        );
        assert_eq!(Frontier::decode(&encode(&[(1, 0)])), Err(FrontierError::Order));
        assert_eq!(
            Frontier::decode(&encode(&[(1, SEQ_MAX + 1)])),
            Err(FrontierError::Order)
        );
        let mut writer = Writer::new();
        writer.array((FEEDS_PER_SPACE_MAX + 1) * 2);
        assert!(matches!(
            Frontier::decode(&writer.into_bytes()),
            Err(FrontierError::Cbor(CborError::TooMany { .. }))
        ));
    }
}
