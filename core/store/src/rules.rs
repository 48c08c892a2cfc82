//! What every store decides alike: what an envelope that does not continue its feed is, and where a page ends.

use sotay_feed::{ChainFault, Envelope, EnvelopeId};

use crate::{Budget, Outcome, Page, StoreError, Stored};

/// What becomes of an envelope that [`sotay_feed::check_next`] refused. `id_at` tells the id the feed holds at a number
/// it has.
pub fn judge(
    envelope: &Envelope,
    fault: ChainFault,
    id_at: impl Fn(u64) -> Result<EnvelopeId, StoreError>,
) -> Result<Outcome, StoreError> {
    Ok(match fault {
        ChainFault::Gap { expected } => Outcome::Gap { expected },
        ChainFault::OtherPredecessor { seq } => Outcome::Fork { seq: seq - 1 },
        ChainFault::Taken { seq } => {
            if id_at(seq)? == envelope.id() {
                Outcome::Duplicate
            } else if seq == 1 || id_at(seq - 1)? == envelope.header().prev {
                Outcome::Fork { seq }
            } else {
                Outcome::Fork { seq: seq - 1 }
            }
        }
    })
}

/// Whether a new proof replaces the one that is kept of a feed: one per feed bounds what a hostile device can make a
/// store hold, and the lowest number says the most.
pub fn proves_more(kept: Option<u64>, seq: u64) -> bool {
    kept.is_none_or(|kept| seq < kept)
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
