//! One space as the connecting side sees it.

use sotay_feed::limits::SEQ_MAX;
use sotay_feed::{DeviceId, Digest, Frontier, SignKey, Space, SpaceId, SpaceKind, UnitId};
use sotay_store::{Store, StoreError};
use tracing::debug;

use super::link::{Link, Outbox, Requests};
use super::proofs::Handing;
use super::{FirstContact, SessionError, SessionEvent};
use crate::fault::PeerFault;
use crate::limits::HEALS_PER_SPACE_MAX;
use crate::message::{Deny, DenyScope, Have, Message, Open, Signed};
use crate::peer::PeerRecord;
use crate::replica::Replica;
use crate::status::{SyncStatus, compute};
use crate::token::Token;

/// One opened space.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) space: Space,
    pub(super) id: SpaceId,
    pub(super) record: PeerRecord,
    /// `record` differs from what is stored.
    pub(super) dirty: bool,
    pub(super) outbox: Outbox,
    /// The last token presented or received.
    pub(super) last_token: Option<Token>,
    /// The last `Open` named everything we hold.
    pub(super) told_all: bool,
    /// The other side owes its state.
    pub(super) awaiting_state: bool,
    /// The other side named its frontier in this session.
    pub(super) named: bool,
    /// A second `Open` is under way because a digest did not fit.
    pub(super) healing: bool,
    pub(super) heals: u32,
    pub(super) opens: u32,
    /// Pushing starts anew from `record.held` once what is in flight is acknowledged.
    pub(super) restart: bool,
    pub(super) denied: Option<Deny>,
    pub(super) denial_told: bool,
    /// Something offered here could not be stored although nothing is wrong with it: no token may stand for it.
    pub(super) frozen: bool,
    /// Feeds are held back because of a refusal in this session.
    pub(super) held_back: bool,
    /// Checkpoints the other side has shown.
    pub(super) shown: usize,
    /// The other side's signature under the state that it names next.
    pub(super) signed: Option<Signed>,
    pub(super) forks: Handing,
    /// What came from the other end in this session, as far as nothing else stands in its place here.
    pub(super) came: Frontier,
    /// What is under way will be acknowledged, and nobody looks at it.
    pub(super) ignored: bool,
    /// Where the first letter arrived that the other end did not take now and may take later.
    pub(super) not_taken: Option<u64>,
    pub(super) requests: Requests,
    pub(super) last_status: Option<SyncStatus>,
}

impl Opened {
    pub(super) fn load<S: Store>(
        replica: &Replica<S>,
        peer: &SignKey,
        space: Space,
    ) -> Result<Self, StoreError> {
        let stored = PeerRecord::load(replica.store(), peer, &space)?;
        let known = stored.is_some();
        let record = stored.unwrap_or_default();
        let mut opened = Self {
            space,
            id: space.id(),
            last_token: record.token,
            record,
            dirty: false,
            outbox: Outbox::default(),
            told_all: false,
            awaiting_state: true,
            named: false,
            healing: false,
            heals: 0,
            opens: 0,
            restart: false,
            denied: None,
            denial_told: false,
            frozen: false,
            held_back: false,
            shown: 0,
            signed: None,
            forks: Handing::default(),
            came: Frontier::new(),
            ignored: false,
            not_taken: None,
            requests: Requests::default(),
            last_status: None,
        };
        let under = opened.record.refused_under;
        if under.is_some() && under != Some(roll_digest(replica, space.unit)?) {
            opened.forget_refusals(replica)?;
        }
        // Before the first exchange nobody knows what the other side lacks: it says so first.
        if known {
            opened.outbox.reset(opened.not_to_send(), 0);
        }
        Ok(opened)
    }

    /// What the other side holds, and the feeds it does not take.
    pub(super) fn not_to_send(&self) -> Frontier {
        let mut theirs = self.record.held.clone();
        for (device, _) in self.record.refused.iter() {
            theirs.raise(device, SEQ_MAX);
        }
        theirs
    }

    /// What was refused under another roll is offered again; of a letter in a slot nothing is known any more.
    pub(super) fn forget_refusals<S: Store>(&mut self, replica: &Replica<S>) -> Result<(), StoreError> {
        for (device, seq) in std::mem::take(&mut self.record.refused).iter() {
            let stored = replica.store().at(&self.id, device, seq)?;
            if let Some(stored) = stored.filter(|_| replica.is_slot(&self.space, device)) {
                self.record.sure = self.record.sure.min(stored.arrival.saturating_sub(1));
                self.outbox.cursor = 0;
            }
        }
        self.record.refused_under = None;
        self.dirty = true;
        Ok(())
    }

    /// Of what the other end holds of slots nothing is known any more.
    pub(super) fn doubt_letters(&mut self) {
        self.record.doubt();
        self.outbox.cursor = 0;
        self.dirty = true;
    }

    /// Of slots the other end's numbers say nothing: what is not known to be there by envelope is offered (P9.18).
    fn doubt<S: Store>(&mut self, replica: &Replica<S>) -> Result<(), StoreError> {
        if self.space.kind != SpaceKind::Inbox || !self.outbox.open {
            return Ok(());
        }
        let doubtful = replica.doubtful(&self.space, self.record.sure.max(self.outbox.cursor))?;
        let known = |(device, seq): (DeviceId, u64)| match doubtful.get(&device) {
            Some(first) if seq < SEQ_MAX => (device, seq.min((first - 1).max(self.came.get(device)))),
            _ => (device, seq),
        };
        self.outbox.theirs = self.outbox.theirs.iter().map(known).collect();
        Ok(())
    }

    /// All that was offered so far was dealt with: of the letters up to there it is known which the other end holds.
    pub(super) fn note_sure(&mut self, link: &Link) {
        if self.space.kind != SpaceKind::Inbox || self.ignored || !link.covered(self.outbox.mark) {
            return;
        }
        let upto = self.not_taken.map_or(u64::MAX, |first| first.saturating_sub(1));
        let sure = self.outbox.cursor.min(upto);
        if sure > self.record.sure {
            self.record.sure = sure;
            self.dirty = true;
        }
    }

    /// The first `Open`: with a token only what goes beyond it (P9.3).
    pub(super) fn open<S: Store>(
        &mut self,
        link: &mut Link,
        replica: &Replica<S>,
        first: FirstContact,
    ) -> Result<(), StoreError> {
        let own = replica.store().frontier(&self.id)?;
        let have = match (self.record.token, first) {
            (Some(_), _) => {
                let beyond = |&(device, seq): &(DeviceId, u64)| seq > self.record.held.get(device);
                Have::Frontier(own.iter().filter(beyond).collect())
            }
            (None, FirstContact::Frontier) => Have::Frontier(own),
            (None, FirstContact::Digest) => Have::Digest(own.digest()),
        };
        self.told_all = self.record.token.is_none() && matches!(have, Have::Frontier(_));
        self.send_open(link, self.record.token, have);
        Ok(())
    }

    /// An `Open` that names everything we hold and no token.
    pub(super) fn open_whole<S: Store>(
        &mut self,
        link: &mut Link,
        replica: &Replica<S>,
    ) -> Result<(), StoreError> {
        let own = replica.store().frontier(&self.id)?;
        self.told_all = true;
        self.awaiting_state = true;
        self.send_open(link, None, Have::Frontier(own));
        Ok(())
    }

    pub(super) fn send_open(&mut self, link: &mut Link, token: Option<Token>, have: Have) {
        self.requests.opened(link);
        link.send(&Message::Open(Open {
            space: self.space,
            token,
            have,
            bytes: 0,
        }));
    }

    /// Starts to offer what `record.held` lacks, as soon as nothing is in flight that may still change it.
    pub(super) fn begin_pushing(&mut self, link: &Link) {
        self.held_back = false;
        self.restart = !link.covered(self.outbox.mark);
        if self.restart {
            self.outbox.open = false;
        } else {
            self.outbox.reset(self.not_to_send(), 0);
            self.ignored = false;
        }
    }

    pub(super) fn pump<S: Store>(&mut self, link: &mut Link, replica: &Replica<S>) -> Result<(), StoreError> {
        self.doubt(replica)?;
        let pumped = self.outbox.pump(link, replica.store(), &self.id, false)?;
        if pumped.sent {
            self.requests.sent_items(link);
        }
        Ok(())
    }

    /// The digest fits: what we believe of the other side is what it holds.
    pub(super) fn confirm(&mut self, link: &Link, token: Option<Token>, now: i64) {
        self.last_token = token.or(self.last_token);
        self.record.token = self.last_token.filter(|_| !self.frozen);
        self.record.when = Some(now);
        self.awaiting_state = false;
        self.dirty = true;
        if self
            .denied
            .take()
            .is_some_and(|deny| deny.scope == DenyScope::All)
            || !self.outbox.open
        {
            self.begin_pushing(link);
        }
    }

    /// The digest does not fit: both sides name their frontiers, once (P9.5).
    pub(super) fn heal<S: Store>(
        &mut self,
        link: &mut Link,
        replica: &Replica<S>,
    ) -> Result<(), SessionError> {
        debug!(space = ?self.id, "a digest does not fit; falling back to frontiers");
        self.heals += 1;
        if self.heals > HEALS_PER_SPACE_MAX {
            return Err(PeerFault::Inconsistent.into());
        }
        self.record.token = None;
        self.record.when = None;
        self.doubt_letters();
        self.last_token = None;
        self.healing = true;
        self.dirty = true;
        Ok(self.open_whole(link, replica)?)
    }

    /// Whether both sides have, and know of each other that they have, what they are going to have.
    pub(super) fn settled(&self, link: &Link) -> bool {
        let pushed =
            !self.restart && (self.outbox.at_head || !self.outbox.open) && link.covered(self.outbox.mark);
        match self.denied.map(|deny| deny.scope) {
            Some(DenyScope::All) => true,
            Some(DenyScope::Pull) => self.named && pushed,
            None => !self.awaiting_state && !self.healing && pushed,
        }
    }

    pub(super) fn note_status<S: Store>(
        &mut self,
        link: &mut Link,
        replica: &Replica<S>,
    ) -> Result<(), SessionError> {
        let status = compute(replica, &self.record, &self.space)?;
        if self.last_status.as_ref() != Some(&status) {
            self.last_status = Some(status.clone());
            link.event(SessionEvent::Status {
                space: self.space,
                status,
            });
        }
        Ok(())
    }
}

pub(super) fn roll_digest<S: Store>(replica: &Replica<S>, unit: UnitId) -> Result<Digest, StoreError> {
    let roll = Space::of(unit, SpaceKind::Roll).id();
    Ok(replica.store().frontier(&roll)?.digest())
}
