//! What is fanned out to many sessions is encoded once (P9.6).

use std::sync::Arc;

use sotay_feed::{DeviceId, Frontier, Space};
use sotay_store::{Budget, Store, StoreError};

use super::link::encode_items;
use crate::limits::{ITEMS_PER_FRAME_MAX, ITEMS_TARGET_BYTES};
use crate::replica::Replica;
use crate::token::Token;

/// The envelopes that one space gained, as frames that every subscriber gets alike.
#[derive(Debug, Clone)]
pub struct SharedItems {
    space: Space,
    frames: Vec<SharedFrame>,
}

/// One `Items` frame with consecutive arrivals.
#[derive(Debug, Clone)]
pub struct SharedFrame {
    /// Arrival number before the first envelope.
    pub after: u64,
    /// Arrival number of the last.
    pub upto: u64,
    /// The frame. Clones share the allocation.
    pub frame: Arc<[u8]>,
    /// Authors and numbers of the envelopes.
    pub(super) places: Vec<(DeviceId, u64)>,
    /// Bytes of the envelopes.
    pub(super) envelope_bytes: u64,
    /// The token it ends with.
    pub(super) token: Option<Token>,
}

impl SharedItems {
    /// Encodes what arrived after `after`, up to the newest.
    pub fn since<S: Store>(replica: &Replica<S>, space: &Space, after: u64) -> Result<Self, StoreError> {
        const BUDGET: Budget = Budget {
            count: ITEMS_PER_FRAME_MAX,
            bytes: ITEMS_TARGET_BYTES,
        };
        let (store, id) = (replica.store(), space.id());
        let head = store.head(&id)?;
        let (mut frames, mut after) = (Vec::new(), after);
        while after < head.number {
            let page = store.since(&id, after, BUDGET)?;
            let token = (!page.more).then(|| Token::of(store, head));
            let envelopes: Vec<&[u8]> = page.envelopes.iter().map(|stored| &stored.bytes[..]).collect();
            frames.push(SharedFrame {
                after,
                upto: page.upto,
                frame: encode_items(id.tag(), token, head.number.saturating_sub(page.upto), &envelopes),
                places: page
                    .envelopes
                    .iter()
                    .map(|stored| (stored.device, stored.seq))
                    .collect(),
                envelope_bytes: envelopes.iter().map(|bytes| bytes.len() as u64).sum(),
                token,
            });
            after = page.upto;
        }
        Ok(Self {
            space: *space,
            frames,
        })
    }

    /// The space.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// The frames, in arrival order.
    pub fn frames(&self) -> &[SharedFrame] {
        &self.frames
    }
}

impl SharedFrame {
    /// How many of the envelopes `theirs` already has.
    pub(super) fn held_by(&self, theirs: &Frontier) -> usize {
        self.places
            .iter()
            .filter(|&&(device, seq)| seq <= theirs.get(device))
            .count()
    }

    /// Envelopes in it.
    pub fn count(&self) -> usize {
        self.places.len()
    }
}
