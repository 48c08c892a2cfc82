//! "Synced" as a value, per space and per relay, computed from acknowledged frontiers alone (P9.9).

use sotay_feed::{DeviceId, Frontier, SignKey, Space};
use sotay_store::{Budget, Store, StoreError};

use crate::limits::{ITEMS_PER_FRAME_MAX, ITEMS_TARGET_BYTES};
use crate::peer::PeerRecord;
use crate::replica::Replica;

/// How a space stands between this device and one relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncStatus {
    /// Before the first exchange, and after one that was not answered in time.
    Unknown,
    /// The relay holds envelopes this device does not have yet. `have` never exceeds `want`.
    Behind {
        /// Envelopes the relay holds.
        want: u64,
        /// Of these, the ones held here.
        have: u64,
        /// Bytes of the others; 0 when the relay did not say how much it holds.
        bytes: u64,
    },
    /// This device holds envelopes that the relay did not acknowledge.
    Ahead {
        /// How many.
        unsent: u64,
        /// Their bytes.
        bytes: u64,
    },
    /// Both held the same when the relay last confirmed it, and nothing was added here since.
    Synced {
        /// What both hold.
        frontier: Frontier,
        /// When the relay confirmed it, milliseconds since 1970.
        when: i64,
    },
}

/// The status of a space towards a relay, from what is stored.
pub fn status<S: Store>(
    replica: &Replica<S>,
    relay: &SignKey,
    space: &Space,
) -> Result<SyncStatus, StoreError> {
    let record = PeerRecord::load(replica.store(), relay, space)?.unwrap_or_default();
    compute(replica, &record, space)
}

pub(crate) fn compute<S: Store>(
    replica: &Replica<S>,
    record: &PeerRecord,
    space: &Space,
) -> Result<SyncStatus, StoreError> {
    let Some(when) = record.when else {
        return Ok(SyncStatus::Unknown);
    };
    let (store, id) = (replica.store(), space.id());
    let own = store.frontier(&id)?;
    let unsent = record.held.lacks(&own);
    let bytes = if unsent == 0 {
        0
    } else {
        bytes_beyond(store, space, &record.held)?
    };
    // What was refused here for good is not wanted: the relay's copy of that feed is no history this device can have.
    let refused = replica.given_up_feeds(id.tag());
    let wanted = |&(device, seq): &(DeviceId, u64)| seq <= own.get(device) || !refused.contains(&device);
    let want: Frontier = record.held.iter().filter(wanted).collect();
    let lacking = own.lacks(&want);
    Ok(if lacking > 0 {
        let total: u64 = want.iter().map(|(_, seq)| seq).sum();
        let shared = store.space_bytes(&id)?.saturating_sub(bytes);
        SyncStatus::Behind {
            want: total,
            have: total - lacking,
            bytes: record.bytes.saturating_sub(shared),
        }
    } else if unsent > 0 {
        SyncStatus::Ahead { unsent, bytes }
    } else {
        SyncStatus::Synced { frontier: own, when }
    })
}

/// Bytes of the envelopes held here beyond `held`.
fn bytes_beyond<S: Store>(store: &S, space: &Space, held: &Frontier) -> Result<u64, StoreError> {
    let budget = Budget {
        count: ITEMS_PER_FRAME_MAX,
        bytes: ITEMS_TARGET_BYTES,
    };
    let (id, mut after, mut sum) = (space.id(), 0, 0);
    loop {
        let page = store.missing(&id, held, after, budget)?;
        sum += page
            .envelopes
            .iter()
            .map(|stored| stored.bytes.len() as u64)
            .sum::<u64>();
        if !page.more {
            return Ok(sum);
        }
        after = page.upto;
    }
}
