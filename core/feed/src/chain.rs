//! The chain of one feed: what may come next (P3).

use crate::{EnvelopeId, Header, Verified, envelope::Envelope};

/// The last envelope of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tip {
    /// Its sequence number; the first is 1.
    pub seq: u64,
    /// Its id, which the next envelope names as `prev`.
    pub id: EnvelopeId,
}

/// Why an envelope is not the next one of its feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChainFault {
    /// Earlier envelopes are missing: hold it back or ask for them. Nobody's fault.
    #[error("a gap: expected number {expected}")]
    Gap {
        /// The number that would be next.
        expected: u64,
    },
    /// Its number is taken: a duplicate when the stored id is the same, a fork when it is another.
    #[error("number {seq} is already taken")]
    Taken {
        /// The number.
        seq: u64,
    },
    /// The right number on top of another predecessor: the device's history forked at the predecessor.
    #[error("number {seq} does not continue the stored feed")]
    OtherPredecessor {
        /// The number.
        seq: u64,
    },
}

/// Whether `header` continues a feed that ends in `tip`.
pub fn check_next(tip: Option<Tip>, header: &Header) -> Result<(), ChainFault> {
    let (expected, prev) = match tip {
        None => (1, EnvelopeId::ZERO),
        Some(tip) => (tip.seq + 1, tip.id),
    };
    if header.seq > expected {
        Err(ChainFault::Gap { expected })
    } else if header.seq < expected {
        Err(ChainFault::Taken { seq: header.seq })
    } else if header.prev != prev {
        Err(ChainFault::OtherPredecessor { seq: header.seq })
    } else {
        Ok(())
    }
}

impl Verified<Envelope> {
    /// The end of its feed once it is stored.
    pub fn tip(&self) -> Tip {
        Tip {
            seq: self.header().seq,
            id: self.id(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DeviceKeys, Draft, Kind, Space, SpaceKind, UnitId};

    fn feed(count: u64, body: &[u8]) -> Vec<Verified<Envelope>> {
        let keys = DeviceKeys::from_seeds([1; 32], [2; 32]);
        let space = Space::of(UnitId::from_bytes([7; 32]), SpaceKind::Main).id();
        let mut tip = None;
        (0..count)
            .map(|_| {
                let next = Draft::next(&keys, Kind::CHANGE, &space, tip)
                    .sign(&keys, &space, body)
                    .unwrap();
                tip = Some(next.tip());
                next
            })
            .collect()
    }

    #[test]
    fn a_feed_starts_at_one_and_has_no_gap() {
        let feed = feed(3, b"a");
        assert_eq!(check_next(None, feed[0].header()), Ok(()));
        assert_eq!(check_next(Some(feed[0].tip()), feed[1].header()), Ok(()));
        assert_eq!(
            check_next(None, feed[1].header()),
            Err(ChainFault::Gap { expected: 1 })
        );
        assert_eq!(
            check_next(Some(feed[0].tip()), feed[2].header()),
            Err(ChainFault::Gap { expected: 2 })
        );
    }

    #[test]
    fn a_number_that_is_taken_and_a_foreign_predecessor_are_told_apart() {
        let (ours, other) = (feed(2, b"a"), feed(2, b"b"));
        assert_eq!(
            check_next(Some(ours[1].tip()), other[0].header()),
            Err(ChainFault::Taken { seq: 1 })
        );
        assert_eq!(
            check_next(Some(ours[0].tip()), other[1].header()),
            Err(ChainFault::OtherPredecessor { seq: 2 })
        );
    }
}
