//! Proofs that a device wrote two histories, handed on (P9.16): each end says which it has, and is shown the others.

use std::collections::BTreeMap;

use sotay_feed::{DeviceId, Envelope, Frontier, Space, SpaceTag};
use sotay_store::{ForkEvidence, Store, StoreError};
use tracing::debug;

use super::incoming::Incoming;
use super::link::Link;
use super::{SessionError, SessionEvent};
use crate::admit::Offer;
use crate::fault::PeerFault;
use crate::limits::{FORK_LISTS_PER_SPACE_MAX, PROOFS_PER_SPACE_MAX};
use crate::message::{Forks, Message, Proof};
use crate::replica::Replica;

/// What is known of the other end, of one space.
#[derive(Debug, Default)]
pub(super) struct Handing {
    /// What the other end has, or was shown here.
    theirs: BTreeMap<DeviceId, u64>,
    /// It said what it has, and was not answered yet.
    asking: bool,
    lists: u32,
    shown: usize,
    taken: usize,
}

fn list_of(forks: &[ForkEvidence]) -> Frontier {
    forks.iter().map(|fork| (fork.device, fork.seq)).collect()
}

/// The connecting end says what it has, before it opens the space; an end without proofs says nothing.
pub(super) fn list<S: Store>(link: &mut Link, replica: &Replica<S>, space: &Space) -> Result<(), StoreError> {
    let forks = replica.provable(space)?;
    if !forks.is_empty() {
        link.send(&Message::Forks(Forks {
            tag: space.id().tag(),
            known: list_of(&forks),
        }));
    }
    Ok(())
}

impl Handing {
    /// The other end said what it has.
    pub(super) fn listed(&mut self, known: &Frontier) -> Result<(), PeerFault> {
        self.lists += 1;
        if self.lists > FORK_LISTS_PER_SPACE_MAX {
            return Err(PeerFault::TooManyProofs);
        }
        for (device, seq) in known.iter() {
            self.has(device, seq);
        }
        self.asking = true;
        Ok(())
    }

    /// The other end can prove this fork.
    pub(super) fn has(&mut self, device: DeviceId, seq: u64) {
        let theirs = self.theirs.entry(device).or_insert(seq);
        *theirs = seq.min(*theirs);
    }

    fn lacks(&self, device: DeviceId, seq: u64) -> bool {
        self.theirs.get(&device).is_none_or(|theirs| seq < *theirs)
    }

    /// Shows the other end, to which everything else was sent, what it lacks.
    pub(super) fn show<S: Store>(
        &mut self,
        link: &mut Link,
        replica: &Replica<S>,
        space: &Space,
    ) -> Result<(), StoreError> {
        let known = replica.forks_of(space);
        if self.shown == PROOFS_PER_SPACE_MAX || !known.iter().any(|(device, seq)| self.lacks(*device, *seq))
        {
            return Ok(());
        }
        for fork in replica.provable(space)? {
            if self.shown == PROOFS_PER_SPACE_MAX || !self.lacks(fork.device, fork.seq) {
                continue;
            }
            let Some(first) = replica.store().at(&fork.space, fork.device, fork.seq)? else {
                continue;
            };
            self.shown += 1;
            self.has(fork.device, fork.seq);
            link.send(&Message::Proof(Proof {
                tag: fork.space.tag(),
                first: &first.bytes,
                second: &fork.other,
            }));
        }
        Ok(())
    }

    /// The accepting end answers a list with its own if that shows the other end something to hand over.
    pub(super) fn answer<S: Store>(
        &mut self,
        link: &mut Link,
        replica: &Replica<S>,
        space: &Space,
    ) -> Result<(), StoreError> {
        if !std::mem::take(&mut self.asking) {
            return Ok(());
        }
        let ours = list_of(&replica.provable(space)?);
        let lacking = |(&device, &seq): (&DeviceId, &u64)| ours.get(device) == 0 || seq < ours.get(device);
        if self.theirs.iter().any(lacking) {
            link.send(&Message::Forks(Forks {
                tag: space.id().tag(),
                known: ours,
            }));
        }
        Ok(())
    }

    /// Whether the other end's list was taken since this was asked last.
    pub(super) fn was_listed(&mut self) -> bool {
        std::mem::take(&mut self.asking)
    }

    /// Takes a proof in: both envelopes go the way of all envelopes, so their signatures are checked, and the store keeps
    /// the proof if this feed has none yet or one with a higher number. Whether it brought something to judge anew.
    pub(super) fn take<S: Store>(
        &mut self,
        link: &mut Link,
        replica: &mut Replica<S>,
        space: &Space,
        proof: Proof<'_>,
        offer: Offer,
    ) -> Result<Took, SessionError> {
        self.taken += 1;
        if self.taken > PROOFS_PER_SPACE_MAX {
            return Err(PeerFault::TooManyProofs.into());
        }
        let read = |bytes| Envelope::decode(bytes).map_err(|_| PeerFault::NotAProof);
        let (first, second) = (read(proof.first)?, read(proof.second)?);
        if !contradict(&first, &second, proof.tag) {
            return Err(PeerFault::NotAProof.into());
        }
        let device = first.header().device;
        self.has(device, first.header().seq);
        debug!(
            ?space,
            ?device,
            "the other end shows that a device wrote two histories"
        );
        let incoming = Incoming::proof(vec![first, second]);
        let known = replica.forks_of(space);
        let answers = replica.admit_from(space, incoming.envelopes.clone(), Some(offer), |_| Vec::new())?;
        let stored = incoming.report(link, space, &answers);
        let forked = tell_new(link, replica, space, &known);
        // Of two histories that parted long ago each end holds one: what the other end showed may prove an earlier place here.
        self.asking |= forked;
        Ok(Took { stored, forked })
    }
}

/// What a proof changed.
pub(super) struct Took {
    /// One of its envelopes was new and continued the feed.
    pub(super) stored: bool,
    /// A fork became known, or begins earlier than was known.
    pub(super) forked: bool,
}

/// Tells forks that were not known before.
pub(super) fn tell_new<S: Store>(
    link: &mut Link,
    replica: &Replica<S>,
    space: &Space,
    before: &BTreeMap<DeviceId, u64>,
) -> bool {
    let mut any = false;
    for (device, seq) in replica.forks_of(space) {
        let known = before.get(&device);
        any |= known.is_none_or(|known| seq < *known);
        if known.is_none() {
            let space = *space;
            link.event(SessionEvent::Forked { space, device });
        }
    }
    any
}

/// Whether one history cannot hold both.
fn contradict(first: &Envelope, second: &Envelope, tag: SpaceTag) -> bool {
    let (one, other) = (first.header(), second.header());
    let of_one_feed = one.space == tag && other.space == tag && one.device == other.device;
    let here = one.seq == other.seq && first.id() != second.id();
    let before = one.seq + 1 == other.seq && other.prev != first.id();
    of_one_feed && (here || before)
}
