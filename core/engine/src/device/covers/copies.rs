//! Copies that stand for what relays may drop (P17.3): they are read when the cover that names them counts, whenever that
//! is, and their documents are made anew when it stops counting.

use std::collections::BTreeSet;

use sotay_document::Run;
use sotay_feed::{DocId, EnvelopeId, Space, SpaceId};
use sotay_store::{Bucket, Budget, Put, Store, Stored};

use super::super::Device;
use super::super::absorb::Haul;
use super::super::books::put;
use super::super::withheld::{COVERED, carried_runs};
use super::COVERED_SPACES;
use crate::error::DeviceError;
use crate::event::SetAside;

/// A copy whose cover began to count or stopped since it was looked at last.
pub(in super::super) struct Transition {
    pub stored: Stored,
    pub counts: bool,
    pub docs: BTreeSet<DocId>,
}

fn prefix(space: &SpaceId) -> Vec<u8> {
    [&space.as_bytes()[..], b"c"].concat()
}

/// Remembers a copy: whether it was read as one that counts, and which one it is.
pub(in super::super) fn copy_put(space: &SpaceId, stored: &Stored, counts: bool) -> Put {
    let key = [prefix(space), stored.arrival.to_be_bytes().to_vec()].concat();
    let value = [&[u8::from(counts)], &stored.id.as_bytes()[..]].concat();
    put(Bucket::Applied, key, Some(value))
}

fn read_row(space: &SpaceId, key: &[u8], value: &[u8]) -> Option<(u64, bool, EnvelopeId)> {
    let arrival = key.get(prefix(space).len()..)?.try_into().ok()?;
    let (counts, id) = value.split_first()?;
    Some((
        u64::from_be_bytes(arrival),
        *counts == 1,
        EnvelopeId::from_slice(id)?,
    ))
}

impl<S: Store> Device<S> {
    /// The copies of a space that count: for documents they are as good as what they were made of.
    pub(in super::super) fn counting_copies(&self, space: &Space) -> BTreeSet<EnvelopeId> {
        if !COVERED_SPACES.contains(&space.kind) {
            return BTreeSet::new();
        }
        let membership = self.membership_of(space.unit);
        membership
            .map(|membership| membership.covered(&space.id()).copies)
            .unwrap_or_default()
    }

    /// Takes in a copy that a cover names, or remembers it until one does that counts.
    pub(in super::super) fn read_covered(
        &mut self,
        space: &Space,
        stored: &Stored,
        pieces: &[u8],
        haul: &mut Haul,
    ) {
        let counts = haul
            .counting_copies(|| self.counting_copies(space))
            .contains(&stored.id);
        haul.puts.push(copy_put(&space.id(), stored, counts));
        if !counts {
            return;
        }
        match carried_runs(pieces) {
            Some(runs) => {
                for run in runs {
                    self.take_run(space, stored, run.actor.device(), run, haul);
                }
            }
            None => self.set_aside(stored, SetAside::Unreadable, haul),
        }
    }

    /// The runs of a stored copy, whether it counts or not.
    pub(in super::super) fn covered_runs(&self, space: &Space, stored: &Stored) -> Vec<Run> {
        let opened = self.opened(space, stored);
        let runs = opened.and_then(|(_, payload)| match payload.split_first() {
            Some((&COVERED, pieces)) => carried_runs(pieces),
            _ => None,
        });
        runs.unwrap_or_default()
    }

    /// The copies of a space that count otherwise than when they were read.
    pub(in super::super) fn transitions(&self, space: &Space) -> Result<Vec<Transition>, DeviceError> {
        let id = space.id();
        if !COVERED_SPACES.contains(&space.kind) {
            return Ok(Vec::new());
        }
        let rows = self.replica.store().list(Bucket::Applied, &prefix(&id))?;
        // A removed phone keeps what it has.
        if rows.is_empty() || self.membership()?.may_be_served(self.id()).is_err() {
            return Ok(Vec::new());
        }
        let counting = self.counting_copies(space);
        let mut transitions = Vec::new();
        for (key, value) in rows {
            let row = read_row(&id, &key, &value);
            let (arrival, read, copy) = row.ok_or(DeviceError::damaged("list of copies"))?;
            let counts = counting.contains(&copy);
            if counts == read {
                continue;
            }
            let one = Budget { count: 1, bytes: 0 };
            for stored in self.replica.store().since(&id, arrival - 1, one)?.envelopes {
                let docs = self
                    .covered_runs(space, &stored)
                    .iter()
                    .map(|run| run.doc)
                    .collect();
                transitions.push(Transition { stored, counts, docs });
            }
        }
        Ok(transitions)
    }
}
