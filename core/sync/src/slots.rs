//! Feeds that several phones may write: the slots of the inbox, for letters without name (decision 0082).
//!
//! Two phones may each have put a letter into the first place of one, so the number of such a feed does not say which letter the
//! other end holds. That is known by envelope alone: it came from there, or was dealt with there without a word against it (P9.18).

use std::collections::BTreeMap;

use sotay_feed::{DeviceId, EnvelopeId, Frontier, SignKey, Space, SpaceKind};
use sotay_store::{Budget, Store, StoreError};

use crate::limits::{ITEMS_PER_FRAME_MAX, ITEMS_TARGET_BYTES};
use crate::peer::{PeerRecord, peers_of};
use crate::replica::Replica;

impl<S: Store> Replica<S> {
    /// Whether the feed of a device in a space is that of a slot, which several phones may have written.
    pub(crate) fn is_slot(&self, space: &Space, device: DeviceId) -> bool {
        let membership = self.membership(space.unit);
        space.kind == SpaceKind::Inbox && membership.is_some_and(|membership| membership.is_slot(device))
    }

    /// Of each slot that has a letter which arrived after `sure`: the number of the first.
    pub(crate) fn doubtful(&self, space: &Space, sure: u64) -> Result<BTreeMap<DeviceId, u64>, StoreError> {
        const PAGE: Budget = Budget {
            count: ITEMS_PER_FRAME_MAX,
            bytes: ITEMS_TARGET_BYTES,
        };
        let (id, mut after, mut first) = (space.id(), sure, BTreeMap::new());
        loop {
            let page = self.store.since(&id, after, PAGE)?;
            for stored in &page.envelopes {
                if self.is_slot(space, stored.device) {
                    first.entry(stored.device).or_insert(stored.seq);
                }
            }
            if !page.more {
                return Ok(first);
            }
            after = page.upto;
        }
    }

    /// What a receiver that named its frontier holds for certain: of slots nothing.
    pub(crate) fn without_slots(&self, space: &Space, have: &Frontier) -> Frontier {
        have.iter()
            .filter(|&(device, _)| !self.is_slot(space, device))
            .collect()
    }
}

/// The relays and phones that acknowledged this very envelope, as far as they said so to this one: of a letter in a slot, that they
/// hold it and not another one in its place.
pub fn holders<S: Store>(
    replica: &Replica<S>,
    space: &Space,
    envelope: EnvelopeId,
) -> Result<Vec<SignKey>, StoreError> {
    let store = replica.store();
    let Some(stored) = store.envelope(envelope)? else {
        return Ok(Vec::new());
    };
    let slot = replica.is_slot(space, stored.device);
    let mut holders = Vec::new();
    for peer in peers_of(store, space)? {
        let record = PeerRecord::load(store, &peer, space)?.unwrap_or_default();
        let before = |end: u64| end == 0 || stored.seq < end;
        let held = match slot {
            true => stored.arrival <= record.sure && before(record.others.get(stored.device)),
            false => stored.seq <= record.held.get(stored.device),
        };
        holders.extend((held && before(record.refused.get(stored.device))).then_some(peer));
    }
    Ok(holders)
}
