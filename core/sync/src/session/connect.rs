//! The end that opens spaces: a phone towards a relay, or towards another phone.

mod doubts;
mod more;

use std::collections::{BTreeMap, BTreeSet};

use sotay_feed::limits::SPACES_PER_SESSION_MAX;
use sotay_feed::{DeviceId, Frontier, InOrder, SignKey, Space, SpaceKind, SpaceTag};
use sotay_store::{Batch, Bucket, Put, Store, StoreError};

use super::incoming::Incoming;
use super::link::Link;
use super::opened::Opened;
use super::{FirstContact, SessionConfig, SessionError, SessionEvent, proofs, witness};
use crate::admit::{Admitted, Offer};
use crate::checkpoint::{Checkpoint, Source};
use crate::fault::{CloseCode, PeerFault, RefuseReason};
use crate::limits::OPENS_PER_SPACE_MAX;
use crate::message::{Ack, Deny, DenyScope, Have, Items, Message, Open, Proof, Seen, Signed};
use crate::quarantine::{RefusedBy, key as quarantine_key};
use crate::replica::Replica;

#[derive(Debug)]
pub(super) struct Connector {
    peer: SignKey,
    live: bool,
    first: FirstContact,
    wanted: Vec<Space>,
    order: Vec<SpaceTag>,
    spaces: BTreeMap<SpaceTag, Opened>,
    caught_up: bool,
    /// Whoever drives the session ends it.
    held: bool,
    /// Spaces were opened after everything else had been exchanged, and are not settled.
    more: bool,
    /// The other end is not what it was when this end last heard of it.
    set_back: bool,
}

impl Connector {
    pub(super) fn new(config: SessionConfig) -> Self {
        let mut wanted = Vec::with_capacity(config.spaces.len());
        let mut seen = BTreeSet::new();
        wanted.extend(config.spaces.iter().filter(|space| seen.insert(**space)));
        // Membership first: it decides about everything else of the same flight (P9.2).
        wanted.in_order_by_key(|space: &Space| space.kind != SpaceKind::Roll);
        Self {
            peer: config.peer,
            live: config.live,
            first: config.first,
            wanted,
            order: Vec::new(),
            spaces: BTreeMap::new(),
            caught_up: false,
            held: false,
            more: false,
            set_back: false,
        }
    }

    pub(super) fn start<S: Store>(
        &mut self,
        link: &mut Link,
        replica: &mut Replica<S>,
        now: i64,
    ) -> Result<(), SessionError> {
        if self.wanted.len() > SPACES_PER_SESSION_MAX {
            return Err(SessionError::TooManySpaces(self.wanted.len()));
        }
        replica.know_spaces(&self.wanted)?;
        link.say_hello(now);
        let wanted = std::mem::take(&mut self.wanted);
        self.open_all(link, replica, wanted)?;
        self.settle(link, replica)
    }

    fn open_all<S: Store>(
        &mut self,
        link: &mut Link,
        replica: &mut Replica<S>,
        spaces: Vec<Space>,
    ) -> Result<(), SessionError> {
        for space in spaces {
            let mut opened = Opened::load(replica, &self.peer, space)?;
            proofs::list(link, replica, &space)?;
            opened.open(link, replica, self.first)?;
            opened.pump(link, replica)?;
            let tag = opened.id.tag();
            self.order.push(tag);
            self.spaces.insert(tag, opened);
        }
        Ok(())
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
            Message::Open(open) => self.on_open(link, replica, open, now)?,
            Message::Items(items) => self.on_items(link, replica, items, frame_len, now)?,
            Message::Ack(ack) => self.on_ack(link, replica, ack, now)?,
            Message::Refuse(refuse) => self.on_refuse(link, replica, refuse)?,
            Message::Deny(deny) => self.on_deny(link, deny)?,
            Message::Signed(signed) => self.opened(signed.tag)?.signed = Some(signed),
            Message::Seen(seen) => self.on_seen(link, replica, seen)?,
            Message::Forks(forks) => self.opened(forks.tag)?.forks.listed(&forks.known)?,
            Message::Proof(proof) => self.on_proof(link, replica, proof, now)?,
            // Only the connecting side says that it is done; the rest was dealt with before.
            Message::Settled | Message::Hello(_) | Message::Close(_) | Message::Skipped(_) => {
                return Err(PeerFault::WrongEnd.into());
            }
        }
        self.pump_waiting(link, replica)?;
        self.show_forks(link, replica)?;
        self.settle(link, replica)
    }

    fn opened(&mut self, tag: SpaceTag) -> Result<&mut Opened, PeerFault> {
        self.spaces.get_mut(&tag).ok_or(PeerFault::NotOpen(tag))
    }

    /// The other side names its frontier: at first contact, when our token did not help, or after a digest that did
    /// not fit (P9.5).
    fn on_open<S: Store>(
        &mut self,
        link: &mut Link,
        replica: &mut Replica<S>,
        open: Open,
        now: i64,
    ) -> Result<(), SessionError> {
        let opened = self.opened(open.space.id().tag())?;
        opened.opens += 1;
        if opened.opens > OPENS_PER_SPACE_MAX {
            return Err(PeerFault::TooManyOpens.into());
        }
        let (None, Have::Frontier(held)) = (open.token, open.have) else {
            return Err(PeerFault::WrongEnd.into());
        };
        // It does not know the place it was shown, or lacks what it had.
        let shrank = opened.told_all && !held.covers(&opened.record.held);
        let set_back = opened.record.token.is_some() || shrank;
        opened.requests.open_answered(link);
        let pull = match opened.denied {
            Some(deny) => deny.scope == DenyScope::Pull,
            None => false,
        };
        if !pull {
            opened.denied = None;
        }
        opened.record.held = held;
        opened.record.bytes = open.bytes;
        opened.record.token = None;
        opened.record.when = Some(now);
        opened.dirty = true;
        opened.named = true;
        opened.healing = false;
        opened.awaiting_state = !pull;
        if !opened.told_all {
            opened.open_whole(link, replica)?;
        }
        opened.begin_pushing(link);
        opened.note_status(link, replica)?;
        if set_back {
            self.doubt_all(link);
        }
        // It may hold less than was believed: no crash may leave the old belief standing.
        Ok(self.write_down(replica)?)
    }

    fn on_items<S: Store>(
        &mut self,
        link: &mut Link,
        replica: &mut Replica<S>,
        items: Items<'_>,
        frame_len: usize,
        now: i64,
    ) -> Result<(), SessionError> {
        let peer = self.peer;
        let others = self.dirty_puts(Some(items.tag));
        let opened = self.opened(items.tag)?;
        opened.requests.items_came(link);
        link.took_envelopes(&items.envelopes);
        let incoming = Incoming::decode(&items);
        let mut record = opened.record.clone();
        let mut frozen = opened.frozen;
        // The sender holds whatever it sends, whether we take it or not.
        for envelope in &incoming.envelopes {
            let header = envelope.header();
            if header.space == items.tag {
                let grows = header.seq > record.held.get(header.device);
                record.bytes += u64::from(grows) * envelope.bytes().len() as u64;
                record.held.raise(header.device, header.seq);
            }
        }
        let theirs = record.held.clone();
        let offer = Offer {
            from: peer.device_id(),
            now,
        };
        let space = opened.space;
        let given_up = replica.given_up_feeds(items.tag);
        let known = replica.forks_of(&space);
        let before = replica.store().head(&opened.id)?.number;
        let answers = replica.admit_from(&space, incoming.envelopes.clone(), Some(offer), |answers| {
            // What follows came from there.
            if space.kind == SpaceKind::Inbox && record.sure == before {
                let stored = |answer: &&Admitted| matches!(answer, Admitted::Stored(_));
                record.sure += answers.iter().filter(stored).count() as u64;
            }
            frozen |= incoming.asks_again(answers, given_up);
            // Beyond a token that covers less than all of this, the record must not claim one.
            record.token = items.token.filter(|_| !frozen);
            let mut puts = others;
            puts.push(record.put(&peer, &space));
            puts
        })?;
        opened.record = record;
        opened.frozen = frozen;
        opened.dirty = false;
        opened.last_token = items.token.or(opened.last_token);
        opened.outbox.theirs.join(&theirs);
        for (envelope, answer) in incoming.envelopes.iter().zip(&answers) {
            let header = envelope.header();
            let other = matches!(answer, Admitted::Refused(RefuseReason::Fork { .. }));
            if header.space == items.tag && !other {
                opened.came.raise(header.device, header.seq);
            }
        }
        if space.kind == SpaceKind::Inbox && opened.outbox.at_head {
            opened.pump(link, replica)?;
        }
        let stored = incoming.report(link, &space, &answers);
        proofs::tell_new(link, replica, &space, &known);
        link.items_consumed += frame_len as u64;
        link.send(&Message::Ack(Ack {
            tag: items.tag,
            consumed: link.items_consumed,
            changes: Frontier::new(),
            bytes: 0,
            state: None,
        }));
        opened.note_status(link, replica)?;
        self.clean_others(items.tag);
        if stored && space.kind == SpaceKind::Roll {
            self.roll_changed(link, replica, space.unit)?;
        }
        Ok(())
    }

    fn on_ack<S: Store>(
        &mut self,
        link: &mut Link,
        replica: &mut Replica<S>,
        ack: Ack,
        now: i64,
    ) -> Result<(), SessionError> {
        let opened = self.opened(ack.tag)?;
        link.acked(ack.consumed)?;
        opened.requests.acked(link, ack.state.is_some());
        opened.note_sure(link);
        let grew = !opened.record.held.covers(&ack.changes);
        if grew {
            opened.record.held.join(&ack.changes);
            opened.record.token = None;
            opened.dirty = true;
        }
        if ack.bytes > 0 {
            opened.record.bytes = ack.bytes;
        }
        // While a frontier is on its way, digests are about what we do not know yet.
        let state = ack.state.filter(|_| !opened.healing);
        let signed = opened.signed.take().filter(|_| state.is_some());
        if let Some(state) = state {
            if opened.record.held.digest() == state.digest {
                opened.confirm(link, state.token, now);
            } else {
                opened.heal(link, replica)?;
            }
        }
        if opened.restart && link.covered(opened.outbox.mark) {
            opened.begin_pushing(link);
        }
        if grew {
            link.event(SessionEvent::Acked {
                space: opened.space,
                frontier: opened.record.held.clone(),
            });
        }
        if grew || state.is_some() {
            opened.note_status(link, replica)?;
        }
        if opened.healing && state.is_some() {
            self.doubt_all(link);
            self.write_down(replica)?;
        }
        match signed {
            Some(signed) => self.on_signed(link, replica, signed),
            None => Ok(()),
        }
    }

    fn on_deny(&mut self, link: &mut Link, deny: Deny) -> Result<(), SessionError> {
        let opened = self.opened(deny.tag)?;
        opened.requests.open_answered(link);
        opened.denial_told &= opened.denied == Some(deny);
        opened.denied = Some(deny);
        opened.awaiting_state = false;
        if deny.scope == DenyScope::All {
            opened.healing = false;
            opened.restart = false;
            opened.outbox.open = false;
            opened.ignored = true;
        }
        Ok(())
    }

    /// The relay named its state, and signed it before. Without a place that is confirmed there is nothing that the
    /// signature could be about.
    fn on_signed<S: Store>(
        &mut self,
        link: &mut Link,
        replica: &mut Replica<S>,
        signed: Signed,
    ) -> Result<(), SessionError> {
        let relay = self.peer;
        let opened = self.opened(signed.tag)?;
        let (Some(place), space) = (opened.record.token, opened.space) else {
            return Ok(());
        };
        let checkpoint = Checkpoint {
            relay,
            place,
            held: opened.record.held.clone(),
            time: signed.time,
            signature: signed.signature,
        };
        Ok(witness::take(link, replica, space, checkpoint, Source::Relay)?)
    }

    /// Another phone shows what it has from a relay.
    fn on_seen<S: Store>(
        &mut self,
        link: &mut Link,
        replica: &mut Replica<S>,
        seen: Seen,
    ) -> Result<(), SessionError> {
        let opened = self.opened(seen.tag)?;
        witness::count(link, &mut opened.shown)?;
        let space = opened.space;
        Ok(witness::take(
            link,
            replica,
            space,
            seen.checkpoint,
            Source::Phone,
        )?)
    }

    /// The other end shows that a device wrote two histories.
    fn on_proof<S: Store>(
        &mut self,
        link: &mut Link,
        replica: &mut Replica<S>,
        proof: Proof<'_>,
        now: i64,
    ) -> Result<(), SessionError> {
        let from = self.peer.device_id();
        let opened = self.opened(proof.tag)?;
        let space = opened.space;
        let took = opened
            .forks
            .take(link, replica, &space, proof, Offer { from, now })?;
        if took.stored && space.kind == SpaceKind::Roll {
            self.roll_changed(link, replica, space.unit)?;
        }
        Ok(())
    }

    /// What the other end asked for by its list is shown once all of the feed is there.
    fn show_forks<S: Store>(&mut self, link: &mut Link, replica: &Replica<S>) -> Result<(), StoreError> {
        for opened in self.spaces.values_mut() {
            if opened.outbox.at_head && opened.forks.was_listed() {
                opened.forks.show(link, replica, &opened.space)?;
            }
        }
        Ok(())
    }

    pub(super) fn on_local<S: Store>(
        &mut self,
        link: &mut Link,
        replica: &mut Replica<S>,
        space: &Space,
    ) -> Result<(), SessionError> {
        link.depth = 0;
        if let Some(opened) = self.spaces.get_mut(&space.id().tag()) {
            opened.pump(link, replica)?;
            opened.note_status(link, replica)?;
        }
        if space.kind == SpaceKind::Roll {
            self.roll_changed(link, replica, space.unit)?;
        }
        Ok(())
    }

    /// Goes on with what waited for credit or for an answer.
    fn pump_waiting<S: Store>(&mut self, link: &mut Link, replica: &Replica<S>) -> Result<(), SessionError> {
        for tag in &self.order {
            if let Some(opened) = self.spaces.get_mut(tag)
                && !opened.outbox.at_head
            {
                opened.pump(link, replica)?;
            }
        }
        Ok(())
    }

    /// Tells denials once the rolls are exchanged, writes records down, and says when
    /// everything is exchanged.
    fn settle<S: Store>(&mut self, link: &mut Link, replica: &mut Replica<S>) -> Result<(), SessionError> {
        // A roll still under way may let us in after all, in its own unit or in one above or below.
        let rolls_done = self
            .spaces
            .values()
            .all(|opened| opened.space.kind != SpaceKind::Roll || opened.settled(link));
        for tag in self.order.iter().filter(|_| rolls_done) {
            let Some(opened) = self.spaces.get_mut(tag) else {
                continue;
            };
            if let Some(deny) = opened.denied.filter(|_| !opened.denial_told) {
                opened.denial_told = true;
                link.event(SessionEvent::PeerRefusedSpace {
                    space: opened.space,
                    scope: deny.scope,
                    reason: deny.reason,
                });
            }
        }
        for opened in self.spaces.values_mut() {
            opened.note_sure(link);
        }
        let all = self.is_settled(link);
        self.more &= !all;
        if !self.caught_up && !all {
            return Ok(());
        }
        self.write_down(replica)?;
        if !self.caught_up {
            self.caught_up = true;
            if link.of_phones() {
                for opened in self.spaces.values().filter(|opened| opened.denied.is_none()) {
                    witness::tell(link, replica.store(), opened.id.tag())?;
                }
            }
            link.event(SessionEvent::CaughtUp);
            if self.live {
                link.send(&Message::Settled);
            } else if !self.held {
                link.close(CloseCode::Done, None);
            }
        }
        Ok(())
    }

    fn dirty_puts(&self, without: Option<SpaceTag>) -> Vec<Put> {
        self.spaces
            .iter()
            .filter(|(tag, opened)| opened.dirty && Some(**tag) != without)
            .map(|(_, opened)| opened.record.put(&self.peer, &opened.space))
            .collect()
    }

    fn clean_others(&mut self, but: SpaceTag) {
        for (_, opened) in self.spaces.iter_mut().filter(|(tag, _)| **tag != but) {
            opened.dirty = false;
        }
    }

    /// All records in one transaction; what the other side has taken after all leaves the quarantine.
    fn write_down<S: Store>(&mut self, replica: &mut Replica<S>) -> Result<(), StoreError> {
        let mut puts = self.dirty_puts(None);
        let mut healed = Vec::new();
        for opened in self.spaces.values().filter(|opened| opened.dirty) {
            let tag = opened.id.tag();
            let from = quarantine_key(RefusedBy::Peer, tag, DeviceId::ZERO, 0);
            let upto = quarantine_key(RefusedBy::Peer, tag, DeviceId::from_bytes([u8::MAX; 8]), u64::MAX);
            for (key, reason) in replica.quarantine.range(from..=upto) {
                let (mut device, mut seq) = ([0; 8], [0; 8]);
                device.copy_from_slice(&key[17..25]);
                seq.copy_from_slice(&key[25..]);
                // After a fork it holds another envelope under that number.
                let forked = matches!(reason, RefuseReason::Fork { .. });
                if !forked && u64::from_be_bytes(seq) <= opened.record.held.get(DeviceId::from_bytes(device))
                {
                    healed.push(*key);
                }
            }
        }
        puts.extend(healed.iter().map(|key| Put {
            bucket: Bucket::Quarantine,
            key: key.to_vec(),
            value: None,
        }));
        commit(replica, puts)?;
        for key in healed {
            replica.quarantine.remove(&key);
        }
        for opened in self.spaces.values_mut() {
            opened.dirty = false;
        }
        Ok(())
    }

    pub(super) fn waiting(&self) -> bool {
        !self.caught_up || self.more
    }

    /// Nothing is known any more of the spaces that were not settled.
    pub(super) fn timed_out<S: Store>(
        &mut self,
        link: &mut Link,
        replica: &mut Replica<S>,
    ) -> Result<(), SessionError> {
        for tag in &self.order {
            let Some(opened) = self.spaces.get_mut(tag) else {
                continue;
            };
            if !opened.settled(link) {
                opened.record.when = None;
                opened.dirty = true;
                opened.note_status(link, replica)?;
            }
        }
        Ok(self.write_down(replica)?)
    }
}

fn commit<S: Store>(replica: &mut Replica<S>, puts: Vec<Put>) -> Result<(), StoreError> {
    if !puts.is_empty() {
        replica.store_mut().commit(Batch {
            envelopes: Vec::new(),
            puts,
            ..Batch::default()
        })?;
    }
    Ok(())
}
