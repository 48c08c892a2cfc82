//! One space as the accepting side sees it.

use std::collections::BTreeSet;

use sotay_feed::{DeviceId, Digest, Frontier, Space, SpaceId, UnitId};
use sotay_store::{Store, StoreError};
use tracing::debug;

use super::SessionEvent;
use super::link::{Link, Outbox, encode_items};
use super::proofs::Handing;
use super::witness;
use crate::access::Access;
use crate::checkpoint::Checkpoint;
use crate::fault::DenyReason;
use crate::limits::{CHECKPOINT_EVERY, FRONTIER_WORTH_ENVELOPES};
use crate::message::{Ack, Deny, DenyScope, Have, Message, Open, Signed, State};
use crate::replica::Replica;
use crate::token::Token;

/// What the last `Open` said, until it has been answered in full.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) token: Option<Token>,
    pub(super) have: Have,
}

#[derive(Debug)]
pub(super) struct Served {
    pub(super) space: Space,
    pub(super) id: SpaceId,
    pub(super) access: Access,
    pub(super) claim: Option<Claim>,
    pub(super) outbox: Outbox,
    /// Our frontier was named, and an `Open` that names the other side's is expected.
    awaiting_have: bool,
    /// The state is owed once everything is sent.
    owes_state: bool,
    /// Feeds the other side named or sent since the last ack.
    pub(super) named: BTreeSet<DeviceId>,
    pub(super) opens: u32,
    /// Arrivals up to here are on the other side.
    pub(super) delivered: u64,
    announced: bool,
    /// The last place that was signed in this session, or that the other side presented.
    signed: Option<Token>,
    signed_here: bool,
    /// Checkpoints the other side has shown.
    pub(super) shown: usize,
    told: bool,
    pub(super) forks: Handing,
}

impl Served {
    pub(super) fn new(space: Space) -> Self {
        Self {
            space,
            id: space.id(),
            access: Access::Refused(DenyReason::NotServed),
            claim: None,
            outbox: Outbox::default(),
            awaiting_have: false,
            owes_state: false,
            named: BTreeSet::new(),
            opens: 0,
            delivered: 0,
            announced: false,
            signed: None,
            signed_here: false,
            shown: 0,
            told: false,
            forks: Handing::default(),
        }
    }

    /// Judges the device and answers what it claimed, or what it may no longer or may again have.
    pub(super) fn answer<S: Store>(
        &mut self,
        link: &mut Link,
        replica: &mut Replica<S>,
        device: DeviceId,
        homes: &[UnitId],
    ) -> Result<(), StoreError> {
        let before = self.access;
        self.access = replica.access(device, &self.space, homes)?;
        let served = before != Access::Full && self.access == Access::Full;
        if served || !self.announced {
            self.announced = true;
            link.event(SessionEvent::Opened { space: self.space });
        }
        match self.access {
            Access::Full => {
                self.outbox.limit = None;
                self.answer_reader(link, replica)?;
            }
            Access::PushOnly(reason) => {
                self.outbox.open = false;
                self.deny(link, DenyScope::Pull, reason);
                if let Some(Claim { have, .. }) = &self.claim {
                    let named = match have {
                        Have::Frontier(named) => named.clone(),
                        Have::Digest(_) => Frontier::new(),
                    };
                    let own = replica.store().frontier(&self.id)?;
                    let theirs = own.iter().filter(|&(device, _)| named.get(device) > 0);
                    self.name_frontier(link, theirs.collect(), 0);
                }
            }
            Access::Why(_, upto) => {
                if let Some(claim) = self.claim.take() {
                    let from = self.resolve(replica, &claim)?.unwrap_or(0);
                    self.outbox.reset(frontier_of(claim.have), from);
                }
                self.outbox.limit = Some(upto);
                self.outbox.open = true;
            }
            Access::Refused(reason) => {
                self.outbox.open = false;
                self.deny(link, DenyScope::All, reason);
            }
        }
        self.pump(link, replica)
    }

    fn answer_reader<S: Store>(&mut self, link: &mut Link, replica: &Replica<S>) -> Result<(), StoreError> {
        let Some(claim) = self.claim.take() else {
            // It was turned away in between; begin anew.
            return self.ask_for_have(link, replica);
        };
        let store = replica.store();
        if let Some(from) = self.resolve(replica, &claim)? {
            let behind = store.head(&self.id)?.number.saturating_sub(from);
            self.outbox.token = claim.token;
            self.signed = self.signed.or(claim.token);
            self.serve(frontier_of(claim.have), from);
            if behind > FRONTIER_WORTH_ENVELOPES {
                let changes = store.frontier(&self.id)?;
                let bytes = store.space_bytes(&self.id)?;
                self.send_ack(link, changes, bytes, None);
            }
            return Ok(());
        }
        self.outbox.token = None;
        match claim {
            Claim {
                token: None,
                have: Have::Frontier(have),
            } => {
                if !self.awaiting_have {
                    self.name_whole(link, replica)?;
                }
                self.serve(have, 0);
                Ok(())
            }
            Claim {
                token: None,
                have: Have::Digest(digest),
            } => {
                let own = store.frontier(&self.id)?;
                if own.digest() == digest {
                    self.serve(own, 0);
                    Ok(())
                } else {
                    self.ask_for_have(link, replica)
                }
            }
            Claim { token: Some(_), .. } => {
                debug!(space = ?self.id, "a token of another database, or of a later state of this one");
                self.ask_for_have(link, replica)
            }
        }
    }

    fn resolve<S: Store>(&self, replica: &Replica<S>, claim: &Claim) -> Result<Option<u64>, StoreError> {
        match (&claim.token, &claim.have) {
            (Some(token), Have::Frontier(_)) => token.resolve(replica.store(), &self.id),
            _ => Ok(None),
        }
    }

    /// Everything after `from` that is not in `have`. What was pushed meanwhile stays held.
    fn serve(&mut self, mut have: Frontier, from: u64) {
        self.named.extend(have.iter().map(|(device, _)| device));
        if !self.outbox.open {
            have.join(&self.outbox.theirs);
        }
        self.outbox.reset(have, from);
        self.awaiting_have = false;
        self.owes_state = true;
    }

    fn ask_for_have<S: Store>(&mut self, link: &mut Link, replica: &Replica<S>) -> Result<(), StoreError> {
        self.outbox.open = false;
        self.awaiting_have = true;
        self.name_whole(link, replica)
    }

    fn name_whole<S: Store>(&mut self, link: &mut Link, replica: &Replica<S>) -> Result<(), StoreError> {
        let own = replica.store().frontier(&self.id)?;
        let bytes = replica.store().space_bytes(&self.id)?;
        self.name_frontier(link, own, bytes);
        Ok(())
    }

    fn name_frontier(&self, link: &mut Link, frontier: Frontier, bytes: u64) {
        link.send(&Message::Open(Open {
            space: self.space,
            token: None,
            have: Have::Frontier(frontier),
            bytes,
        }));
    }

    fn deny(&self, link: &mut Link, scope: DenyScope, reason: DenyReason) {
        debug!(space = ?self.id, ?scope, ?reason, "denied");
        link.send(&Message::Deny(Deny {
            tag: self.id.tag(),
            scope,
            reason,
        }));
    }

    /// Sends what is lacking, then what is owed.
    pub(super) fn pump<S: Store>(&mut self, link: &mut Link, replica: &Replica<S>) -> Result<(), StoreError> {
        self.outbox.pump(link, replica.store(), &self.id, true)?;
        if !self.outbox.at_head {
            return Ok(());
        }
        if self.access == Access::Full && self.outbox.open && link.wants_proofs() {
            self.forks.answer(link, replica, &self.space)?;
            self.forks.show(link, replica, &self.space)?;
        }
        match self.access {
            Access::Full if self.owes_state => self.acknowledge(link, replica),
            Access::Why(reason, _) => {
                self.outbox.open = false;
                self.outbox.at_head = false;
                self.deny(link, DenyScope::All, reason);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Of a history that forked the other side holds one branch: it gets the envelope that stands here in the other one's
    /// place, as a proof (P9.6). Two phones that put letters into one slot so read each other's.
    pub(super) fn show_forks<S: Store>(
        &mut self,
        link: &mut Link,
        replica: &Replica<S>,
        forks: &[(DeviceId, u64)],
    ) -> Result<(), StoreError> {
        if self.access != Access::Full {
            return Ok(());
        }
        for &(device, seq) in forks {
            self.forks.has(device, seq);
            if let Some(stored) = replica.store().at(&self.id, device, seq)? {
                let bytes = stored.bytes.len() as u64;
                let frame = encode_items(self.id.tag(), None, 0, &[&stored.bytes]);
                link.send_shared(&frame, 1, bytes);
            }
        }
        Ok(())
    }

    /// Whether `Items` are taken.
    pub(super) fn takes(&self) -> bool {
        matches!(self.access, Access::Full | Access::PushOnly(_))
    }

    /// What of the feeds that were named or sent is durable here; and, if everything was sent, our whole state (P9.4).
    pub(super) fn acknowledge<S: Store>(
        &mut self,
        link: &mut Link,
        replica: &Replica<S>,
    ) -> Result<(), StoreError> {
        let store = replica.store();
        let named = std::mem::take(&mut self.named);
        let before = store.head(&self.id)?;
        let own = store.frontier(&self.id)?;
        let changes: Frontier = own.iter().filter(|(device, _)| named.contains(device)).collect();
        if self.access != Access::Full {
            let changes = if self.takes() { changes } else { Frontier::new() };
            self.send_ack(link, changes, 0, None);
            return Ok(());
        }
        let bytes = store.space_bytes(&self.id)?;
        if !(self.outbox.open && self.outbox.at_head) {
            self.send_ack(link, changes, bytes, None);
            return Ok(());
        }
        let head = store.head(&self.id)?;
        let token = Token::of(store, head);
        let news = Some(token).filter(|_| self.outbox.token != Some(token));
        self.outbox.token = Some(token);
        self.outbox.prune(&own);
        self.owes_state = false;
        let digest = own.digest();
        if link.of_phones() && !self.told {
            self.told = true;
            witness::tell(link, store, self.id.tag())?;
        }
        // A store that others write to may have moved on between the questions: nothing is signed that never was.
        if head == before {
            self.sign(link, replica, token, &digest);
        }
        let state = State { digest, token: news };
        self.send_ack(link, changes, bytes, Some(state));
        Ok(())
    }

    /// Signs the state that is about to be named, if it is news to the other side: for one that comes back and finds nothing
    /// new the word it has still stands. Before the `Ack`: the other side may be done with that, and closes.
    fn sign<S: Store>(&mut self, link: &mut Link, replica: &Replica<S>, place: Token, digest: &Digest) {
        let Some(keys) = replica.signer().filter(|_| link.wants_checkpoints()) else {
            return;
        };
        let due = match self.signed {
            None => true,
            Some(_) if !self.signed_here => self.signed != Some(place),
            Some(signed) => place.number() >= signed.number() + CHECKPOINT_EVERY,
        };
        if due && place.number() > 0 {
            let time = link.heard_at();
            self.signed = Some(place);
            self.signed_here = true;
            link.send(&Message::Signed(Signed {
                tag: self.id.tag(),
                time,
                signature: Checkpoint::sign(keys, &self.id, &place, digest, time),
            }));
        }
    }

    fn send_ack(&self, link: &mut Link, changes: Frontier, bytes: u64, state: Option<State>) {
        link.send(&Message::Ack(Ack {
            tag: self.id.tag(),
            consumed: link.items_consumed,
            changes,
            bytes,
            state,
        }));
    }
}

fn frontier_of(have: Have) -> Frontier {
    match have {
        Have::Frontier(frontier) => frontier,
        Have::Digest(_) => Frontier::new(),
    }
}
