//! Who may read and write which space (P5.13): the table of rights, and why a device is turned away.

use std::collections::BTreeSet;

use sotay_feed::{BoxKey, DeviceId, DocId, Envelope, EnvelopeId, IntoTree, Kind, MemberId, Space, SpaceKind};

use crate::Record;
use crate::grant::{Flags, rank};
use crate::judge::Right;
use crate::membership::{Membership, State};

/// Why a device may not do something. Ordered by what a caller does about it: nothing but a new grant helps with any
/// of them, except `Suspended` (an officer can lift it) and `BeyondCutOff` (content may still be vouched for).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Denied {
    /// No record names the device.
    #[error("no record names this device")]
    UnknownDevice,
    /// It was granted by someone who could not.
    #[error("the grant of this device does not count")]
    NotGranted,
    /// Its grant was revoked.
    #[error("the grant of this device was revoked")]
    Revoked,
    /// It is suspended.
    #[error("this device is suspended")]
    Suspended,
    /// Its history forked at or before that place, or anywhere when reading.
    #[error("the history of this device forked")]
    Forked,
    /// It was revoked before that place of its feed.
    #[error("this is after the cut-off of the device's revocation")]
    BeyondCutOff,
    /// Its rank and flags do not allow it.
    #[error("the rank of this device does not allow it")]
    Rank,
    /// The private space of another member.
    #[error("this space belongs to another member")]
    NotMember,
    /// A probationary member does not vote.
    #[error("a probationary member has no vote")]
    Probationary,
    /// The kind of envelope has no place in this space, or not from this rank.
    #[error("this kind of envelope does not belong in this space")]
    WrongKind,
    /// A space of another unit, or one that cannot exist.
    #[error("not a space of this unit")]
    WrongSpace,
}

/// What a device was at a place of its feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Whose device; `None` for an authority of the genesis.
    pub member: Option<MemberId>,
    /// The rank.
    pub rank: u8,
    /// The flags.
    pub flags: Flags,
}

impl Held {
    /// Secretary, deputy or of the committee: may answer for what the unit says.
    pub fn is_officer(&self) -> bool {
        matches!(self.rank, rank::SECRETARY | rank::DEPUTY) || (self.is_member() && self.flags.committee)
    }

    /// A member of the unit.
    pub fn is_member(&self) -> bool {
        (rank::SECRETARY..=rank::MEMBER).contains(&self.rank)
    }
}

impl Membership {
    /// Whether a device may write an envelope of `kind` at number `seq` of its feed in `space`.
    ///
    /// This is validity at a place, for storing and judging what is already signed: a revoked device's envelopes up to
    /// the cut-off stay welcome, and a suspension has no effect here. Ask [`Membership::may_be_served`] about the
    /// device at the other end of a connection.
    pub fn may_write(&self, device: DeviceId, space: &Space, kind: Kind, seq: u64) -> Result<(), Denied> {
        self.write_place(device, space, kind, seq, None)
    }

    /// The same for a whole envelope, whose id is compared with the cut-off's too.
    pub fn may_admit(&self, envelope: &Envelope, space: &Space) -> Result<(), Denied> {
        let header = envelope.header();
        if header.space != space.id().tag() {
            return Err(Denied::WrongSpace);
        }
        if header.kind == Kind::ROOT && space.id() == *self.roll() {
            return self.may_carry(envelope);
        }
        self.write_place(header.device, space, header.kind, header.seq, Some(envelope.id()))
    }

    /// What the root has signed may be carried by any device on record, whatever became of it.
    fn may_carry(&self, envelope: &Envelope) -> Result<(), Denied> {
        need(
            self.standing(envelope.header().device).is_some(),
            Denied::UnknownDevice,
        )?;
        let holds = match Record::decode(Kind::ROOT, envelope.body()) {
            Ok((Record::Root(act), _)) => self.is_signed(&act),
            _ => false,
        };
        need(holds, Denied::Rank)
    }

    pub(crate) fn write_place(
        &self,
        device: DeviceId,
        space: &Space,
        kind: Kind,
        seq: u64,
        id: Option<EnvelopeId>,
    ) -> Result<(), Denied> {
        self.check_space(space)?;
        let tag = space.id().tag();
        self.any_right(device, |right| {
            writes(right, space, kind)?;
            if self.judge().covers(right, tag, device, seq, id) {
                Ok(())
            } else if self.judge().fork(tag, device).is_some_and(|fork| fork <= seq) {
                Err(Denied::Forked)
            } else {
                Err(Denied::BeyondCutOff)
            }
        })
    }

    /// Whether a device may read a space now.
    pub fn may_read(&self, device: DeviceId, space: &Space) -> Result<(), Denied> {
        self.check_space(space)?;
        self.may_be_served(device)?;
        self.any_right(device, |right| {
            if right.cuts.revoked() {
                Err(Denied::Revoked)
            } else {
                reads(right, space)
            }
        })
    }

    /// Whether a relay or peer serves this device at all: it holds a right that was not revoked, it is not suspended,
    /// and its history did not fork.
    pub fn may_be_served(&self, device: DeviceId) -> Result<(), Denied> {
        match self.standing(device).map(|standing| standing.state) {
            None => Err(Denied::UnknownDevice),
            Some(State::NotGranted) => Err(Denied::NotGranted),
            Some(State::Revoked) => Err(Denied::Revoked),
            Some(State::Suspended) => Err(Denied::Suspended),
            Some(State::Forked) => Err(Denied::Forked),
            Some(State::Active) => Ok(()),
        }
    }

    /// The devices to which a new epoch of the space must be boxed, by device id.
    ///
    /// The upper level may be let into `main`, but gets no key of it by default (records: "Spaces of a unit").
    pub fn readers(&self, space: &Space) -> Vec<(DeviceId, BoxKey)> {
        let escrow = self.policy().1.escrow;
        if self.check_space(space).is_err() {
            return Vec::new();
        }
        let reader = |device| {
            self.may_be_served(device).ok()?;
            let right = self
                .ranked(device)
                .into_iter()
                .find(|right| right.active() && receives(right, space, escrow))?;
            Some((device, right.keys()?.seal))
        };
        self.judge().devices().filter_map(reader).collect()
    }

    /// Whether a device that holds a key of the space may go on holding it: it may read, and if it is of the level above,
    /// the unit has decided so.
    pub(crate) fn may_hold(&self, device: DeviceId, space: &Space, escrow: bool) -> bool {
        let above = self
            .standing(device)
            .is_some_and(|standing| standing.rank <= rank::PARENT);
        self.may_read(device, space).is_ok() && (space.kind != SpaceKind::Main || !above || escrow)
    }

    /// The devices that any grant on record, whatever became of it since, names for this space: a recipient of an
    /// epoch outside this list is a ghost. Lost phones and removed members stay listed, so that old epochs open.
    pub fn ever_readers(&self, space: &Space) -> Vec<DeviceId> {
        let named = |device: &DeviceId| {
            self.check_space(space).is_ok()
                && self
                    .judge()
                    .rights_of(*device)
                    .any(|right| reads(right, space).is_ok())
        };
        self.judge().devices().filter(named).collect()
    }

    /// Tries a device's rights from the best on; the answer for the best one stands when none allows.
    fn any_right(
        &self,
        device: DeviceId,
        allows: impl Fn(&Right) -> Result<(), Denied>,
    ) -> Result<(), Denied> {
        let mut denied = None;
        for right in self.ranked(device) {
            let answer = if right.issued {
                allows(right)
            } else {
                Err(Denied::NotGranted)
            };
            match answer {
                Ok(()) => return Ok(()),
                Err(reason) => denied = denied.or(Some(reason)),
            }
        }
        Err(denied.unwrap_or(Denied::UnknownDevice))
    }

    /// Who a device was at a place of its feed: every right that covers it, best first. No vouching, no suspension: what
    /// holds here holds for ever, unless a revocation with a lower cut-off or a fork comes to light. For votes and seals.
    pub fn held_at(&self, device: DeviceId, space: &Space, seq: u64, id: EnvelopeId) -> Vec<Held> {
        if self.check_space(space).is_err() {
            return Vec::new();
        }
        let tag = space.id().tag();
        let covering = self.ranked(device).into_iter();
        covering
            .filter(|right| self.judge().covers(right, tag, device, seq, Some(id)))
            .map(|right| Held {
                member: right.member(),
                rank: right.rank(),
                flags: right.flags(),
            })
            .collect()
    }

    /// Whether a device is a slot of the inbox: nobody's phone. All members hold its keys, so several phones may write its feed.
    pub fn is_slot(&self, device: DeviceId) -> bool {
        let slot = slot_scope(&Space::of(self.unit(), SpaceKind::Inbox));
        let rights = self.ranked(device);
        rights.iter().any(|right| right.scope() == Some(slot))
    }

    /// The documents that guests are let into now, by id. The slots of the inbox are nobody's phones.
    pub fn guest_documents(&self) -> BTreeSet<DocId> {
        self.guest_scopes(Right::active)
    }

    /// The scopes of the guest grants that fit.
    pub(crate) fn guest_scopes(&self, fits: impl Fn(&Right) -> bool) -> BTreeSet<DocId> {
        let slot = slot_scope(&Space::of(self.unit(), SpaceKind::Inbox));
        let fitting = self.judge().rights().filter(|(_, right)| fits(right));
        let mut scopes: BTreeSet<DocId> = fitting.filter_map(|(_, right)| right.scope()).into_set();
        scopes.remove(&slot);
        scopes
    }

    pub(crate) fn check_space(&self, space: &Space) -> Result<(), Denied> {
        let shaped = space.kind.has_subject() == space.subject.is_some();
        if shaped && space.unit == self.unit() {
            Ok(())
        } else {
            Err(Denied::WrongSpace)
        }
    }
}

/// The scope of a guest grant that makes its device a slot: it may put feedback into this inbox, and nothing else.
pub fn slot_scope(inbox: &Space) -> DocId {
    DocId::from_bytes(*inbox.id().tag().as_bytes())
}

fn need(condition: bool, otherwise: Denied) -> Result<(), Denied> {
    if condition { Ok(()) } else { Err(otherwise) }
}

fn is_officer(right: &Right) -> bool {
    matches!(right.rank(), rank::SECRETARY | rank::DEPUTY)
}

fn is_member(right: &Right) -> bool {
    (rank::SECRETARY..=rank::MEMBER).contains(&right.rank())
}

fn on_committee(right: &Right) -> bool {
    is_officer(right) || (is_member(right) && right.flags().committee)
}

/// Let into the one document that the space shows.
fn is_guest_of(right: &Right, space: &Space) -> bool {
    right.rank() == rank::GUEST && right.scope().is_some() && right.scope() == space.shown()
}

fn owns(right: &Right, space: &Space) -> Result<(), Denied> {
    need(right.rank() <= rank::MEMBER, Denied::Rank)?;
    need(
        space.subject.is_some() && right.member() == space.subject,
        Denied::NotMember,
    )
}

pub(crate) fn reads(right: &Right, space: &Space) -> Result<(), Denied> {
    match space.kind {
        SpaceKind::Roll => Ok(()),
        SpaceKind::Main | SpaceKind::Broadcast => need(right.rank() <= rank::MEMBER, Denied::Rank),
        SpaceKind::Committee | SpaceKind::Inbox => need(on_committee(right), Denied::Rank),
        SpaceKind::Report => need(right.rank() <= rank::DEPUTY, Denied::Rank),
        SpaceKind::Private => owns(right, space),
        SpaceKind::Guest => need(is_officer(right) || is_guest_of(right, space), Denied::Rank),
    }
}

/// Who of the readers gets the key without being asked for.
fn receives(right: &Right, space: &Space, escrow: bool) -> bool {
    let by_default = match space.kind {
        SpaceKind::Main if escrow => right.rank() >= rank::PARENT,
        SpaceKind::Roll | SpaceKind::Main | SpaceKind::Broadcast => right.rank() >= rank::SECRETARY,
        SpaceKind::Report => right.rank() >= rank::PARENT,
        SpaceKind::Committee | SpaceKind::Inbox | SpaceKind::Private | SpaceKind::Guest => true,
    };
    by_default && reads(right, space).is_ok()
}

fn writes(right: &Right, space: &Space, kind: Kind) -> Result<(), Denied> {
    let in_roll = space.kind == SpaceKind::Roll;
    need(kind.is_membership() == in_roll, Denied::WrongKind)?;
    match space.kind {
        SpaceKind::Roll => match kind {
            Kind::GENESIS | Kind::REPARENT => need(right.rank() <= rank::PARENT, Denied::Rank),
            Kind::POLICY => need(right.rank() <= rank::SECRETARY, Denied::Rank),
            // Own lost phone; the epochs of one's own private space.
            Kind::REVOKE | Kind::EPOCH => need(right.rank() <= rank::MEMBER, Denied::Rank),
            _ => need(right.rank() <= rank::DEPUTY, Denied::Rank),
        },
        // An officer's copy of what a newcomer has no key for.
        SpaceKind::Main | SpaceKind::Committee if kind == Kind::SNAPSHOT => {
            need(is_officer(right), Denied::Rank)
        }
        SpaceKind::Main => {
            need(right.rank() <= rank::MEMBER, Denied::Rank)?;
            need(
                kind != Kind::VOTE || !right.flags().probationary,
                Denied::Probationary,
            )
        }
        SpaceKind::Committee => need(on_committee(right), Denied::Rank),
        // A slot writes one thing without a name, and can do nothing else (decision 0082).
        SpaceKind::Inbox if right.rank() == rank::GUEST => {
            need(right.scope() == Some(slot_scope(space)), Denied::Rank)?;
            need(kind == Kind::INBOX, Denied::WrongKind)
        }
        SpaceKind::Inbox => {
            need(is_member(right), Denied::Rank)?;
            need(on_committee(right) || kind == Kind::INBOX, Denied::WrongKind)
        }
        SpaceKind::Report => need(right.rank() <= rank::DEPUTY, Denied::Rank),
        SpaceKind::Private => owns(right, space),
        SpaceKind::Broadcast => need(is_officer(right), Denied::Rank),
        SpaceKind::Guest => {
            need(is_officer(right), Denied::Rank)?;
            need(kind == Kind::SNAPSHOT, Denied::WrongKind)
        }
    }
}
