//! What every store decides alike: what an envelope that does not continue its feed is, where a page ends, and how what
//! is read back proves itself.

use sotay_feed::{ChainFault, Envelope, EnvelopeId};

use crate::{Arrival, Budget, Outcome, Page, StoreError, Stored};

pub use crate::holes::{LogFiller, may_leap, nothing, stays};

/// What becomes of an envelope that [`sotay_feed::check_next`] refused. `id_at` tells the id the feed holds at a number
/// below its tip, `None` where it was dropped or leaped over: what comes there is not wanted, and nothing can be said of it.
pub fn judge(
    envelope: &Envelope,
    fault: ChainFault,
    id_at: impl Fn(u64) -> Result<Option<EnvelopeId>, StoreError>,
) -> Result<Outcome, StoreError> {
    Ok(match fault {
        ChainFault::Gap { expected } => Outcome::Gap { expected },
        ChainFault::OtherPredecessor { seq } => Outcome::Fork { seq: seq - 1 },
        ChainFault::Taken { seq } => {
            if id_at(seq)?.is_none_or(|id| id == envelope.id()) {
                return Ok(Outcome::Duplicate);
            }
            let before = if seq == 1 { None } else { id_at(seq - 1)? };
            match before {
                Some(before) if before != envelope.header().prev => Outcome::Fork { seq: seq - 1 },
                _ => Outcome::Fork { seq },
            }
        }
    })
}

/// Whether a new proof replaces the one that is kept of a feed: one per feed bounds what a hostile device can make a
/// store hold, and the lowest number says the most.
pub fn proves_more(kept: Option<u64>, seq: u64) -> bool {
    kept.is_none_or(|kept| seq < kept)
}

/// For numbers that stay far below 2^63 by their own limits.
pub fn int(number: u64) -> i64 {
    i64::try_from(number).expect("bounded far below 2^63")
}

/// First 47 bits of an id: six bytes in SQLite's positive integers, enough that two ids rarely meet.
pub fn id_prefix(id: EnvelopeId) -> i64 {
    let mut bytes = [0; 8];
    bytes[2..].copy_from_slice(&id.as_bytes()[..6]);
    i64::from_be_bytes(bytes) >> 1
}

/// First 8 bytes of `BLAKE3(bucket ‖ key length u16 BE ‖ key ‖ value)`: finds a record the disk has changed.
pub fn record_sum(bucket: u8, key: &[u8], value: &[u8]) -> [u8; 8] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[bucket]);
    hasher.update(&u16::try_from(key.len()).unwrap_or(u16::MAX).to_be_bytes());
    hasher.update(key);
    hasher.update(value);
    let mut sum = [0; 8];
    sum.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    sum
}

/// The tables do not agree with each other.
pub fn contradiction(what: &str) -> StoreError {
    StoreError::Corrupt(what.to_owned())
}

/// The envelope in `bytes`, if it is the one that the chain says arrived at that number.
pub fn proven(before: [u8; 8], arrival: u64, chain: [u8; 8], bytes: &[u8]) -> Result<Envelope, StoreError> {
    let envelope = Envelope::decode(bytes).map_err(|_| contradiction("stored bytes are not an envelope"))?;
    let previous = Arrival {
        number: arrival - 1,
        chain: before,
    };
    if previous.next(envelope.id()).chain == chain {
        Ok(envelope)
    } else {
        Err(contradiction("an envelope does not fit the chain of arrivals"))
    }
}

/// The value of a record, if it is the one that its sum was made of.
pub fn intact(bucket: u8, key: &[u8], sum: [u8; 8], value: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    if record_sum(bucket, key, &value) == sum {
        Ok(value)
    } else {
        Err(contradiction("a record does not fit its sum"))
    }
}

/// The first key after all keys that start with `prefix`; `None` when there is no such key.
pub fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|&byte| byte != u8::MAX)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

/// Gathers a [`Page`] within its [`Budget`].
#[derive(Debug)]
pub struct PageFiller {
    budget: Budget,
    bytes: usize,
    page: Page,
}

impl PageFiller {
    /// An empty page.
    pub fn new(budget: Budget) -> Self {
        Self {
            budget,
            bytes: 0,
            page: Page::default(),
        }
    }

    /// Takes the next envelope of the range, or ends the page before it and says `false`.
    pub fn offer(&mut self, stored: Stored) -> bool {
        let bytes = self.bytes.saturating_add(stored.bytes.len());
        let full = self.page.envelopes.len() >= self.budget.count || bytes > self.budget.bytes;
        if full && !self.page.envelopes.is_empty() {
            self.page.more = true;
            self.page.upto = stored.arrival - 1;
            return false;
        }
        self.bytes = bytes;
        self.page.envelopes.push(stored);
        true
    }

    /// Whether an envelope was turned away.
    pub fn is_full(&self) -> bool {
        self.page.more
    }

    /// The page; `head` is the newest arrival number of the space.
    pub fn finish(mut self, head: u64) -> Page {
        if !self.page.more {
            self.page.upto = head;
        }
        self.page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_carries_over_bytes_of_all_ones() {
        assert_eq!(after_prefix(b"ab"), Some(b"ac".to_vec()));
        assert_eq!(after_prefix(&[1, 255, 255]), Some(vec![2]));
        assert_eq!(after_prefix(&[255, 255]), None);
        assert_eq!(after_prefix(&[]), None);
    }
}
