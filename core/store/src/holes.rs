//! Feeds with holes: what a signed cover lets a holder drop, and how a database with holes is copied.

use std::sync::Arc;

use sotay_feed::{Envelope, EnvelopeId, Tip, Verified};

use crate::{Arrival, Stored};

/// What [`crate::Store::drop_envelopes`] dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Envelopes.
    pub envelopes: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl std::ops::AddAssign for Dropped {
    fn add_assign(&mut self, more: Self) {
        self.envelopes += more.envelopes;
        self.bytes += more.bytes;
    }
}

/// One arrival of a space, as [`crate::Store::log`] shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Its number, and the chain up to and with it.
    pub arrival: Arrival,
    /// What arrived, unless it was dropped.
    pub stored: Option<Stored>,
}

/// Part of the arrivals of a space, those that were dropped included, without a gap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log {
    /// The chain before the first of them. `None`: the space did not come so far.
    pub before: Option<[u8; 8]>,
    /// The arrivals.
    pub rows: Vec<Logged>,
    /// Whether more follow.
    pub more: bool,
}

/// One arrival of a space that is copied from another database, see [`crate::Store::follow`].
#[derive(Debug, Clone)]
pub struct Copied {
    /// Its number and chain there.
    pub arrival: Arrival,
    /// What arrived, unless it was dropped there.
    pub envelope: Option<Verified<Envelope>>,
}

impl Copied {
    /// Whether it is the next one after `head`, and what it holds is ahead of its feed's `tip` and fits what is known of
    /// the chains. Of something that was dropped nobody can say more than its number.
    pub fn continues(&self, head: Arrival, tip: Option<Tip>) -> bool {
        let Some(envelope) = &self.envelope else {
            return self.arrival.number == head.number + 1;
        };
        let header = envelope.header();
        let ahead = tip.is_none_or(|tip| match header.seq.checked_sub(tip.seq) {
            Some(1) => header.prev == tip.id,
            Some(over) => over > 1,
            None => false,
        });
        ahead && self.arrival == head.next(envelope.id())
    }
}

/// Gathers a [`Log`] within a budget; at least one row is taken if there is any.
#[derive(Debug)]
pub struct LogFiller {
    budget: crate::Budget,
    bytes: usize,
    log: Log,
}

impl LogFiller {
    /// Nothing yet; `before` is the chain before the first row.
    pub fn new(budget: crate::Budget, before: Option<[u8; 8]>) -> Self {
        let log = Log {
            before,
            ..Log::default()
        };
        Self {
            budget,
            bytes: 0,
            log,
        }
    }

    /// Takes the next row, or ends the log before it and says `false`.
    pub fn offer(&mut self, row: Logged) -> bool {
        let len = row.stored.as_ref().map_or(0, |stored| stored.bytes.len());
        let bytes = self.bytes.saturating_add(len);
        let full = self.log.rows.len() >= self.budget.count || bytes > self.budget.bytes;
        if full && !self.log.rows.is_empty() {
            self.log.more = true;
            return false;
        }
        self.bytes = bytes;
        self.log.rows.push(row);
        true
    }

    /// The log.
    pub fn finish(self) -> Log {
        self.log
    }
}

/// Bytes in place of an envelope that was dropped.
pub fn nothing() -> Arc<[u8]> {
    Arc::from([])
}

/// Whether a number of a feed has to stay: it is the tip, or at or above a proven fork, whose proof shows what is held.
pub fn stays(seq: u64, tip: u64, fork: Option<u64>) -> bool {
    seq >= tip || fork.is_some_and(|fork| seq >= fork)
}

/// Whether an envelope may follow a gap in its feed.
pub fn may_leap(
    leaps: &std::collections::BTreeSet<EnvelopeId>,
    id: EnvelopeId,
    tip: Option<Tip>,
    seq: u64,
) -> bool {
    seq > tip.map_or(0, |tip| tip.seq) + 1 && leaps.contains(&id)
}
