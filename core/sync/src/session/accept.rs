//! The end that serves: a relay, or a phone that others found.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use sotay_feed::limits::SPACES_PER_SESSION_MAX;
use sotay_feed::{DeviceId, Frontier, IntoTree, Space, SpaceKind, SpaceTag, UnitId};
use sotay_store::{Store, StoreError};

use super::incoming::Incoming;
use super::link::Link;
use super::served::{Claim, Served};
use super::{SessionConfig, SessionError, SessionEvent, SharedItems, proofs, witness};
use crate::access::Access;
use crate::admit::{Admitted, Offer};
use crate::checkpoint::Source;
use crate::fault::{PeerFault, RefuseReason};
use crate::limits::{HOMES_PER_SESSION_MAX, OPENS_PER_SPACE_MAX};
use crate::message::{Ack, Forks, Items, Message, Open, Proof, Refuse, Seen};
use crate::replica::Replica;
use crate::status::SyncStatus;

#[derive(Debug)]
pub(super) struct Acceptor {
    device: DeviceId,
    /// Units through which the device may belong to others, in the order in which they were first opened.
    homes: Vec<UnitId>,
    order: Vec<SpaceTag>,
    /// Boxed: a node of the map has room for eleven, and most sessions have a few.
    spaces: BTreeMap<SpaceTag, Box<Served>>,
    /// What the other side can prove of spaces that it is about to open.
    forks: BTreeMap<SpaceTag, Frontier>,
}

impl Acceptor {
    pub(super) fn new(config: &SessionConfig) -> Self {
        Self {
            device: config.peer.device_id(),
            homes: Vec::new(),
            order: Vec::new(),
            spaces: BTreeMap::new(),
            forks: BTreeMap::new(),
        }
    }

    pub(super) fn on_message<S: Store>(
        &mut self,
        link: &mut Link,
        replica: &mut Replica<S>,
        message: Message<'_>,
        frame_len: usize,
        now: i64,
    ) -> Result<(), SessionError> {
        match message {
            Message::Open(open) => self.on_open(link, replica, open),
            Message::Items(items) => self.on_items(link, replica, items, frame_len, now),
            Message::Ack(ack) => self.on_ack(link, replica, ack),
            Message::Refuse(refuse) => self.on_refuse(link, refuse),
            Message::Settled => {
                link.event(SessionEvent::CaughtUp);
                Ok(())
            }
            Message::Seen(seen) => self.on_seen(link, replica, seen),
            Message::Forks(forks) => self.on_forks(forks),
            Message::Proof(proof) => self.on_proof(link, replica, proof, now),
            Message::Deny(_) | Message::Signed(_) => Err(PeerFault::WrongEnd.into()),
            // Dealt with before.
            Message::Hello(_) | Message::Close(_) | Message::Skipped(_) => Ok(()),
        }
    }

    fn served(&mut self, tag: SpaceTag) -> Result<&mut Served, PeerFault> {
        let served = self.spaces.get_mut(&tag).map(Box::as_mut);
        served.ok_or(PeerFault::NotOpen(tag))
    }

    fn on_open<S: Store>(
        &mut self,
        link: &mut Link,
        replica: &mut Replica<S>,
        open: Open,
    ) -> Result<(), SessionError> {
        let tag = open.space.id().tag();
        if !self.homes.contains(&open.space.unit) && self.homes.len() < HOMES_PER_SESSION_MAX {
            self.homes.push(open.space.unit);
            // Through this unit it may belong to one that was opened before.
            self.judge_again(link, replica)?;
        }
        let open_spaces = self.spaces.len();
        let served = match self.spaces.entry(tag) {
            Entry::Occupied(served) => served.into_mut(),
            Entry::Vacant(_) if open_spaces >= SPACES_PER_SESSION_MAX => {
                return Err(PeerFault::TooManySpaces.into());
            }
            Entry::Vacant(vacant) => {
                self.order.push(tag);
                vacant.insert(Box::new(Served::new(open.space)))
            }
        };
        if let Some(known) = self.forks.remove(&tag) {
            served.forks.listed(&known)?;
        }
        served.opens += 1;
        if served.opens > OPENS_PER_SPACE_MAX {
            return Err(PeerFault::TooManyOpens.into());
        }
        // It says anew what it has; only what it pushes from now on adds to that.
        served.outbox.theirs = Default::default();
        served.claim = Some(Claim {
            token: open.token,
            have: open.have,
        });
        Ok(served.answer(link, replica, self.device, &self.homes)?)
    }

    fn on_items<S: Store>(
        &mut self,
        link: &mut Link,
        replica: &mut Replica<S>,
        items: Items<'_>,
        frame_len: usize,
        now: i64,
    ) -> Result<(), SessionError> {
        let offer = Offer {
            from: self.device,
            now,
        };
        let served = self.served(items.tag)?;
        link.took_envelopes(&items.envelopes);
        let mut rights_changed = false;
        if served.takes() {
            let incoming = Incoming::decode(&items);
            for envelope in &incoming.envelopes {
                let header = envelope.header();
                if header.space == items.tag {
                    served.outbox.theirs.raise(header.device, header.seq);
                    served.named.insert(header.device);
                }
            }
            let space = served.space;
            let known = replica.forks_of(&space);
            let answers =
                replica.admit_from(&space, incoming.envelopes.clone(), Some(offer), |_| Vec::new())?;
            let stored = incoming.report(link, &space, &answers);
            proofs::tell_new(link, replica, &space, &known);
            let forks: Vec<(DeviceId, u64)> = incoming
                .envelopes
                .iter()
                .zip(&answers)
                .filter_map(|(envelope, answer)| match answer {
                    Admitted::Refused(RefuseReason::Fork { seq }) => Some((envelope.header().device, *seq)),
                    _ => None,
                })
                .collect();
            rights_changed = (stored && space.kind == SpaceKind::Roll) || !forks.is_empty();
            self.served(items.tag)?.show_forks(link, replica, &forks)?;
        }
        if rights_changed {
            self.judge_again(link, replica)?;
        }
        self.served(items.tag)?.pump(link, replica)?;
        // Last, so that the other side counts the frame as dealt with only after all that follows from it.
        link.items_consumed += frame_len as u64;
        Ok(self.served(items.tag)?.acknowledge(link, replica)?)
    }

    fn on_ack<S: Store>(
        &mut self,
        link: &mut Link,
        replica: &Replica<S>,
        ack: Ack,
    ) -> Result<(), SessionError> {
        link.acked(ack.consumed)?;
        let served = self.served(ack.tag)?;
        if link.covered(served.outbox.mark) {
            served.delivered = served.outbox.cursor;
        }
        Ok(self.pump_waiting(link, replica)?)
    }

    /// Another phone shows what it has from a relay.
    fn on_seen<S: Store>(
        &mut self,
        link: &mut Link,
        replica: &mut Replica<S>,
        seen: Seen,
    ) -> Result<(), SessionError> {
        let served = self.served(seen.tag)?;
        witness::count(link, &mut served.shown)?;
        if served.access != Access::Full {
            return Ok(());
        }
        let space = served.space;
        Ok(witness::take(
            link,
            replica,
            space,
            seen.checkpoint,
            Source::Phone,
        )?)
    }

    /// It says which forks it can prove, before it opens the space.
    fn on_forks(&mut self, forks: Forks) -> Result<(), SessionError> {
        if let Some(served) = self.spaces.get_mut(&forks.tag) {
            return Ok(served.forks.listed(&forks.known)?);
        }
        self.forks.insert(forks.tag, forks.known);
        if self.spaces.len() + self.forks.len() > SPACES_PER_SESSION_MAX {
            return Err(PeerFault::TooManySpaces.into());
        }
        Ok(())
    }

    /// It shows that a device wrote two histories.
    fn on_proof<S: Store>(
        &mut self,
        link: &mut Link,
        replica: &mut Replica<S>,
        proof: Proof<'_>,
        now: i64,
    ) -> Result<(), SessionError> {
        let from = self.device;
        let served = self.served(proof.tag)?;
        if !served.takes() {
            return Ok(());
        }
        let space = served.space;
        let took = served
            .forks
            .take(link, replica, &space, proof, Offer { from, now })?;
        if took.forked || (took.stored && space.kind == SpaceKind::Roll) {
            self.judge_again(link, replica)?;
        }
        Ok(self.served(proof.tag)?.pump(link, replica)?)
    }

    fn on_refuse(&mut self, link: &mut Link, refuse: Refuse) -> Result<(), SessionError> {
        let space = self.served(refuse.tag)?.space;
        link.event(SessionEvent::Refused {
            space,
            device: refuse.device,
            seq: refuse.seq,
            id: refuse.id,
            reason: refuse.reason,
        });
        Ok(())
    }

    /// New membership records may let the device in or put it out, in any unit it reaches through this one.
    fn judge_again<S: Store>(&mut self, link: &mut Link, replica: &mut Replica<S>) -> Result<(), StoreError> {
        let (device, homes) = (self.device, &self.homes);
        for tag in &self.order {
            if let Some(served) = self.spaces.get_mut(tag)
                && replica.access(device, &served.space, homes)? != served.access
            {
                served.answer(link, replica, device, homes)?;
            }
        }
        Ok(())
    }

    /// Goes on with what waited for credit.
    fn pump_waiting<S: Store>(&mut self, link: &mut Link, replica: &Replica<S>) -> Result<(), StoreError> {
        for tag in &self.order {
            if let Some(served) = self.spaces.get_mut(tag)
                && !served.outbox.at_head
            {
                served.pump(link, replica)?;
            }
        }
        Ok(())
    }

    pub(super) fn on_stored<S: Store>(
        &mut self,
        link: &mut Link,
        replica: &mut Replica<S>,
        shared: &SharedItems,
    ) -> Result<(), SessionError> {
        if shared.space().kind == SpaceKind::Roll {
            self.judge_again(link, replica)?;
        }
        let Some(served) = self.spaces.get_mut(&shared.space().id().tag()) else {
            return Ok(());
        };
        if served.access != Access::Full || !served.outbox.open {
            return Ok(());
        }
        for frame in shared.frames() {
            if served.outbox.cursor != frame.after {
                continue;
            }
            let held = frame.held_by(&served.outbox.theirs);
            if held == frame.count() {
                served.outbox.cursor = frame.upto;
            } else if held == 0 && link.send_shared(&frame.frame, frame.count() as u64, frame.envelope_bytes)
            {
                served.outbox.cursor = frame.upto;
                served.outbox.mark = link.mark();
                served.outbox.token = frame.token.or(served.outbox.token);
            } else {
                break;
            }
        }
        Ok(served.pump(link, replica)?)
    }

    pub(super) fn on_local<S: Store>(
        &mut self,
        link: &mut Link,
        replica: &mut Replica<S>,
        space: &Space,
    ) -> Result<(), SessionError> {
        if space.kind == SpaceKind::Roll {
            self.judge_again(link, replica)?;
        }
        match self.spaces.get_mut(&space.id().tag()) {
            Some(served) => Ok(served.pump(link, replica)?),
            None => Ok(()),
        }
    }

    pub(super) fn subscriptions(&self) -> Vec<Space> {
        let open = self
            .spaces
            .values()
            .filter(|served| served.access == Access::Full);
        let rolls = self
            .spaces
            .values()
            .map(|served| Space::of(served.space.unit, SpaceKind::Roll));
        let all: BTreeSet<Space> = open.map(|served| served.space).chain(rolls).into_set();
        all.into_iter().collect()
    }

    pub(super) fn peer_status<S: Store>(
        &self,
        link: &Link,
        replica: &Replica<S>,
        space: &Space,
    ) -> Result<SyncStatus, StoreError> {
        let served = self.spaces.get(&space.id().tag());
        let Some(served) = served.filter(|served| served.access == Access::Full && served.outbox.open) else {
            return Ok(SyncStatus::Unknown);
        };
        let store = replica.store();
        let want = store.head(&served.id)?.number;
        if served.outbox.at_head && served.outbox.cursor >= want && link.covered(served.outbox.mark) {
            return Ok(SyncStatus::Synced {
                frontier: store.frontier(&served.id)?,
                when: link.heard_at(),
            });
        }
        Ok(SyncStatus::Behind {
            want,
            have: served.delivered.min(want),
            bytes: 0,
        })
    }
}
