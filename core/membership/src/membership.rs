//! One unit's membership: the set of its records, and what follows from it (P5.9).

use std::collections::{BTreeMap, BTreeSet};

use sotay_feed::{
    DeviceId, Envelope, EnvelopeId, InOrder, Kind, MemberId, SignKey, Space, SpaceId, SpaceKind, SpaceTag,
    UnitId, Verified,
};

use sotay_feed::limits::SEQ_MAX;

use crate::access::slot_scope;
use crate::cover::Covers;
use crate::grant::rank;
use crate::judge::{Judge, Place, Right, Source};
use crate::root::decode_signatures;
use crate::rotation::Epochs;
use crate::{
    Flags, Genesis, Grant, Lift, PolicyRecord, Record, RecordError, RelayRecord, Reparent, Revoke, RootAct,
    RootId, RootPolicy, Suspend, UnitPolicy,
};

/// What became of an envelope that was put into a [`Membership`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// A record that was not known yet. Whether it changed anything shows in [`Membership::revision`].
    New,
    /// Already in the set.
    Duplicate,
    /// Not a membership record: nothing of it is kept but its place in the feed, if it stands in the roll.
    Ignored,
}

/// What holds for a device now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// It may do what its rank allows.
    Active,
    /// Set aside by an officer, until lifted.
    Suspended,
    /// It wrote two histories.
    Forked,
    /// All its valid grants were revoked.
    Revoked,
    /// It was granted only by those who could not.
    NotGranted,
}

/// A device's best right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Whose device it is; `None` for an authority of the genesis, which is no person of the unit.
    pub member: Option<MemberId>,
    /// Its rank.
    pub rank: u8,
    /// Its flags.
    pub flags: Flags,
    /// What holds now.
    pub state: State,
}

/// A member of the unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberStanding {
    /// The member.
    pub member: MemberId,
    /// Best rank of the grants that were not revoked, or of all when every one was.
    pub rank: u8,
    /// Flags of the grant that gives this rank.
    pub flags: Flags,
    /// Whether any grant was not revoked: a member still, though perhaps with a suspended device.
    pub current: bool,
    /// The member's devices, by id.
    pub devices: Vec<(DeviceId, State)>,
}

/// What became of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// It holds.
    Valid,
    /// It held up to the cut-offs of its revocation.
    Revoked,
    /// Its issuer could not give it.
    Void,
}

/// The membership of one unit: a pure function of the set of its records, kept up to date record by record.
///
/// Neither the order of arrival nor repetition changes anything, no clock is read, and there is nothing to agree on:
/// whoever holds the same records sees the same membership.
#[derive(Debug, Clone)]
pub struct Membership {
    unit: UnitId,
    roll: SpaceId,
    genesis: Option<Genesis>,
    /// Enough keys of the root that the genesis names have signed it.
    root_signed: bool,
    /// Acts of the root that count, by id.
    root_acts: BTreeMap<EnvelopeId, RootAct>,
    /// Acts that came before the genesis, which says whose signatures they need.
    waiting_acts: Vec<RootAct>,
    keys: BTreeMap<DeviceId, SignKey>,
    /// Everything seen in the roll, by place: two ids at one place are a fork.
    places: BTreeMap<(DeviceId, u64), BTreeSet<EnvelopeId>>,
    judge: Judge,
    suspends: BTreeMap<DeviceId, BTreeMap<EnvelopeId, Place>>,
    lifts: BTreeMap<EnvelopeId, BTreeSet<Place>>,
    pub(crate) epochs: Epochs,
    reparents: BTreeMap<Place, Reparent>,
    relays: BTreeMap<Place, RelayRecord>,
    policies: BTreeMap<Place, PolicyRecord>,
    pub(crate) covers: Covers,
}

impl Membership {
    /// Nothing known of the unit yet.
    pub fn new(unit: UnitId) -> Self {
        let roll = Space::of(unit, SpaceKind::Roll).id();
        Self {
            unit,
            roll,
            genesis: None,
            root_signed: false,
            root_acts: BTreeMap::new(),
            waiting_acts: Vec::new(),
            keys: BTreeMap::new(),
            places: BTreeMap::new(),
            judge: Judge::new(roll.tag()),
            suspends: BTreeMap::new(),
            lifts: BTreeMap::new(),
            epochs: Epochs::default(),
            reparents: BTreeMap::new(),
            relays: BTreeMap::new(),
            policies: BTreeMap::new(),
            covers: Covers::default(),
        }
    }

    /// The unit.
    pub fn unit(&self) -> UnitId {
        self.unit
    }

    /// Its genesis, once known.
    pub fn genesis(&self) -> Option<&Genesis> {
        self.genesis.as_ref()
    }

    /// Grows whenever something that was inserted changed what follows from the set. Only to be compared with earlier
    /// values of the same object, to know when to ask again.
    pub fn revision(&self) -> u64 {
        self.judge.revision()
    }

    /// The root whose keys have signed the genesis of this unit itself. Of a unit below it, follow the parents.
    pub fn root(&self) -> Option<RootId> {
        let policy = self.genesis.as_ref()?.root_policy.as_ref()?;
        self.root_signed.then(|| policy.id())
    }

    /// Whether an act of the root counts here already.
    pub fn knows_root_act(&self, id: &EnvelopeId) -> bool {
        self.root_acts.contains_key(id)
    }

    /// The highest number of the acts of the root that count here; 0 when there is none.
    pub fn root_serial(&self) -> u64 {
        self.root_acts.values().map(|act| act.serial).max().unwrap_or(0)
    }

    /// Whether enough keys of the unit's root have signed an act.
    pub(crate) fn is_signed(&self, act: &RootAct) -> bool {
        let policy = self
            .genesis
            .as_ref()
            .and_then(|genesis| genesis.root_policy.as_ref());
        let (context, message) = act.message(&self.unit);
        policy.is_some_and(|policy| policy.check(context, &message, &act.signatures).is_ok())
    }

    /// Whether a right, named by its grant or its [`seat`](crate::Authority::seat), is in force.
    pub fn is_active(&self, right: &EnvelopeId) -> bool {
        self.judge
            .rights()
            .any(|(id, known)| id == right && known.active())
    }

    pub(crate) fn roll(&self) -> &SpaceId {
        &self.roll
    }

    pub(crate) fn judge(&self) -> &Judge {
        &self.judge
    }

    /// The genesis and the founder's key, to verify a genesis envelope before anything is known: the unit it founds
    /// must be the one whose roll `space` is, and its writer one of the authorities it names.
    pub fn founding_key(genesis: &Envelope, space: &SpaceId) -> Result<(Genesis, SignKey), RecordError> {
        let header = genesis.header();
        let (record, _) = Record::decode(header.kind, genesis.body())?;
        let Record::Genesis(record) = record else {
            return Err(RecordError::Kind(header.kind));
        };
        let founder = record.authority(header.device).ok_or(RecordError::Founding)?;
        if Space::of(record.unit_id(), SpaceKind::Roll).id() != *space || header.seq != 1 {
            return Err(RecordError::Founding);
        }
        let key = founder.keys.sign;
        Ok((record, key))
    }

    /// Puts an envelope into the set. Order-free and idempotent.
    ///
    /// Membership kinds outside the roll of this unit and bodies that are no record are refused, and change nothing.
    pub fn insert(&mut self, envelope: &Verified<Envelope>) -> Result<Inserted, RecordError> {
        let header = envelope.header();
        let membership = header.kind.is_membership();
        if *envelope.space() != self.roll {
            return if membership {
                Err(RecordError::OtherSpace)
            } else {
                Ok(Inserted::Ignored)
            };
        }
        let place = Place {
            device: header.device,
            seq: header.seq,
            id: envelope.id(),
        };
        if self.holds(&place) {
            return Ok(if membership {
                Inserted::Duplicate
            } else {
                Inserted::Ignored
            });
        }
        let record = match membership {
            true => Some(self.read(envelope)?),
            false => None,
        };
        self.take_place(place);
        Ok(match record {
            Some(record) => {
                if let Record::Genesis(genesis) = &record {
                    self.read_root_signatures(genesis, envelope.body());
                }
                self.take(place, record);
                Inserted::New
            }
            None => Inserted::Ignored,
        })
    }

    /// Two histories of a device part at `seq` in a space, as a store saw it. Its own writing ends before (P5.12).
    /// Forks in the roll are also found by [`Membership::insert`] itself.
    pub fn note_fork(&mut self, space: SpaceTag, device: DeviceId, seq: u64) {
        self.judge.add_fork(space, device, seq);
    }

    /// Whether any fork is known.
    pub fn has_forks(&self) -> bool {
        self.judge.has_forks()
    }

    /// The devices whose histories part in a space, and where, as far as it is known here.
    pub fn forked_in(&self, space: SpaceTag) -> impl Iterator<Item = (DeviceId, u64)> + '_ {
        self.judge.forks_in(space)
    }

    fn holds(&self, place: &Place) -> bool {
        let ids = self.places.get(&(place.device, place.seq));
        ids.is_some_and(|ids| ids.contains(&place.id))
    }

    fn read(&self, envelope: &Verified<Envelope>) -> Result<Record, RecordError> {
        let header = envelope.header();
        if header.kind == Kind::GENESIS {
            let (genesis, _) = Self::founding_key(envelope, &self.roll)?;
            return Ok(Record::Genesis(genesis));
        }
        Ok(Record::decode(header.kind, envelope.body())?.0)
    }

    /// What stands behind the genesis. Several authorities may hand it over; one copy with enough signatures is enough.
    fn read_root_signatures(&mut self, genesis: &Genesis, body: &[u8]) {
        let signatures = body.get(genesis.encode().len()..).map(decode_signatures);
        let (Some(policy), Some(Ok(signatures))) = (&genesis.root_policy, signatures) else {
            return;
        };
        let (context, message) = RootPolicy::genesis_message(&self.unit);
        self.root_signed |= policy.check(context, &message, &signatures).is_ok();
    }

    /// An act counts once, whoever carried it, and only with enough signatures.
    fn take_act(&mut self, act: RootAct) {
        let policy = self
            .genesis
            .as_ref()
            .map(|genesis| genesis.root_policy.as_ref().map(RootPolicy::id));
        let Some(policy) = policy else {
            self.waiting_acts.push(act);
            return;
        };
        let (Some(root), id) = (policy, act.id(&self.unit)) else {
            return;
        };
        if self.root_acts.contains_key(&id) || !self.is_signed(&act) {
            return;
        }
        let place = Place {
            device: root.seat(),
            seq: SEQ_MAX + act.serial,
            id,
        };
        let record = (*act.record).clone();
        self.root_acts.insert(id, act);
        self.take(place, record);
    }

    fn take_place(&mut self, place: Place) {
        let ids = self.places.entry((place.device, place.seq)).or_default();
        ids.insert(place.id);
        if ids.len() > 1 {
            self.judge.add_fork(self.roll.tag(), place.device, place.seq);
        }
    }

    fn take(&mut self, place: Place, record: Record) {
        match record {
            Record::Genesis(genesis) => self.found(genesis),
            Record::Grant(grant) => {
                self.learn_key(grant.keys.sign);
                self.judge.add_right(place.id, Source::Grant(place, grant));
            }
            Record::Revoke(revoke) => self.judge.add_revoke(place, revoke),
            Record::Suspend(Suspend { device, reason: _ }) => {
                self.suspends.entry(device).or_default().insert(place.id, place);
                self.judge.touch_revision();
            }
            Record::Lift(Lift { suspend }) => {
                self.lifts.entry(suspend).or_default().insert(place);
                self.judge.touch_revision();
            }
            Record::Epoch(epoch) => {
                self.epochs.add(place, epoch);
                self.judge.touch_revision();
            }
            Record::Reparent(reparent) => {
                self.reparents.insert(place, reparent);
                self.judge.touch_revision();
            }
            Record::Relay(relay) => {
                self.relays.insert(place, relay);
                self.judge.touch_revision();
            }
            Record::Root(act) => self.take_act(act),
            Record::Policy(policy) => {
                self.policies.insert(place, policy);
                self.judge.touch_revision();
            }
            Record::Cover(cover) => {
                self.covers.add(place, cover);
                self.judge.touch_revision();
            }
        }
    }

    /// Several authorities may hand over the same genesis; it founds once.
    fn found(&mut self, genesis: Genesis) {
        if self.genesis.is_some() {
            return;
        }
        for authority in &genesis.authorities {
            self.learn_key(authority.keys.sign);
            self.judge
                .add_right(authority.seat(&self.unit), Source::Seat(*authority));
        }
        if let Some(policy) = &genesis.root_policy {
            let id = policy.id();
            let right = EnvelopeId::from_bytes(*id.as_bytes());
            self.judge.add_right(right, Source::Root(id.seat()));
        }
        self.genesis = Some(genesis);
        for act in std::mem::take(&mut self.waiting_acts) {
            self.take_act(act);
        }
    }

    /// Should two keys ever share a device id, the lower one stands, whatever came first.
    fn learn_key(&mut self, key: SignKey) {
        let known = self.keys.entry(key.device_id()).or_insert(key);
        *known = key.min(*known);
    }

    /// The key that verifies envelopes of this device: from the genesis or from any grant seen, valid or not.
    pub fn signing_key(&self, device: DeviceId) -> Option<SignKey> {
        self.keys.get(&device).copied()
    }

    /// A device's rights: those that hold first, then revoked ones, then void ones; each by rank, then by id.
    pub(crate) fn ranked(&self, device: DeviceId) -> Vec<&Right> {
        let mut rights: Vec<_> = self.judge.rights_of(device).collect();
        // Stable, and rights_of is by id.
        rights.in_order_by_key(|right| (!right.issued, right.cuts.revoked(), right.rank()));
        rights
    }

    /// The best right of a device and what holds for it now; `None` when no record names it.
    pub fn standing(&self, device: DeviceId) -> Option<Standing> {
        let best = *self.ranked(device).first()?;
        let state = if !best.issued {
            State::NotGranted
        } else if best.cuts.revoked() {
            State::Revoked
        } else if !self.suspensions(device).is_empty() {
            State::Suspended
        } else if self.judge.forked(device) {
            State::Forked
        } else {
            State::Active
        };
        Some(Standing {
            member: best.member(),
            rank: best.rank(),
            flags: best.flags(),
            state,
        })
    }

    /// The suspensions of a device that are in force: what an officer lifts. An overlay over validity, never part of
    /// it (P5.14).
    ///
    /// An officer may suspend below itself, and any device of the unit's own ranks: a deputy its secretary's stolen
    /// phone. Never the level above the unit, which could not lift it if the relay no longer served it. The suspender
    /// itself or any higher rank lifts it, but never the suspended device.
    pub fn suspensions(&self, device: DeviceId) -> Vec<EnvelopeId> {
        let device_rank = self
            .ranked(device)
            .first()
            .map_or(rank::GUEST, |right| right.rank());
        let counts = |place: &Place| {
            let by = self.judge.officer(place)?;
            (by < device_rank || device_rank >= rank::SECRETARY).then_some(by)
        };
        let lifted = |id: &EnvelopeId, suspender: DeviceId, by: u8| {
            let lifts = self.lifts.get(id);
            lifts.into_iter().flatten().any(|lift| {
                let officer = self.judge.officer(lift);
                lift.device != device && officer.is_some_and(|rank| rank < by || lift.device == suspender)
            })
        };
        let suspends = self.suspends.get(&device);
        suspends
            .into_iter()
            .flatten()
            .filter(|(id, place)| counts(place).is_some_and(|by| !lifted(id, place.device, by)))
            .map(|(id, _)| *id)
            .collect()
    }

    /// All members that ever held a valid grant, by member id. The slots of the inbox are nobody's phones and are not
    /// among them.
    pub fn members(&self) -> Vec<MemberStanding> {
        let slot = Some(slot_scope(&Space::of(self.unit, SpaceKind::Inbox)));
        let mut devices: BTreeMap<MemberId, BTreeSet<DeviceId>> = BTreeMap::new();
        let mut best: BTreeMap<MemberId, &Right> = BTreeMap::new();
        for (_, right) in self.judge.rights().filter(|(_, right)| right.issued) {
            let Some(member) = right.member().filter(|_| right.scope() != slot) else {
                continue;
            };
            devices.entry(member).or_default().insert(right.device());
            let known = best.entry(member).or_insert(right);
            if (!right.active(), right.rank()) < (!known.active(), known.rank()) {
                *known = right;
            }
        }
        let standing = |(member, right): (MemberId, &Right)| MemberStanding {
            member,
            rank: right.rank(),
            flags: right.flags(),
            current: right.active(),
            devices: devices[&member]
                .iter()
                .filter_map(|&device| Some((device, self.standing(device)?.state)))
                .collect(),
        };
        best.into_iter().map(standing).collect()
    }

    /// All grants on record with their issuer, by id.
    pub fn grants(&self) -> impl Iterator<Item = (EnvelopeId, DeviceId, &Grant, Validity)> {
        self.judge.rights().filter_map(|(id, right)| {
            let Source::Grant(place, grant) = &right.source else {
                return None;
            };
            let validity = match (right.issued, right.cuts.revoked()) {
                (false, _) => Validity::Void,
                (true, true) => Validity::Revoked,
                (true, false) => Validity::Valid,
            };
            Some((*id, place.device, grant, validity))
        })
    }

    /// All revocations on record with their writer and whether each counts.
    pub fn revokes(&self) -> impl Iterator<Item = (EnvelopeId, DeviceId, &Revoke, bool)> {
        let all = self.judge.revokes();
        all.map(|(place, revoke, counts)| (place.id, place.device, revoke, counts))
    }

    /// The valid relay record with the highest serial; among equals the highest rank's, then the lowest id
    /// (P5.17).
    pub fn relays(&self) -> Option<&RelayRecord> {
        let valid = self.relays.iter().filter_map(|(place, record)| {
            let by = self.judge.officer(place)?;
            Some((std::cmp::Reverse(record.serial), by, place.id, record))
        });
        valid
            .min_by_key(|&(serial, by, id, _)| (serial, by, id))
            .map(|(.., record)| record)
    }

    /// What the unit has decided, with the number of the record that says so; 0 when none does. A secretary's, or a
    /// higher rank's, of the highest serial; among equals the highest rank's, then the lowest id (P5.20).
    pub fn policy(&self) -> (u64, UnitPolicy) {
        let valid = self.policies.iter().filter_map(|(place, record)| {
            let by = self
                .judge
                .officer(place)
                .filter(|rank| *rank <= rank::SECRETARY)?;
            Some(((std::cmp::Reverse(record.serial), by, place.id), record))
        });
        let known = valid.min_by_key(|(order, _)| *order);
        known.map_or((0, UnitPolicy::default()), |(_, record)| {
            (record.serial, record.policy)
        })
    }

    /// The unit above: the one the latest valid reparent record names, or else the genesis. Latest is the highest
    /// rank's, then the highest number in its feed, then the lowest id (P5.17).
    pub fn parent(&self) -> Option<UnitId> {
        let valid = self.reparents.iter().filter_map(|(place, record)| {
            let by = self.judge.officer(place)?;
            (by <= rank::PARENT).then_some((by, std::cmp::Reverse(place.seq), place.id, record.parent))
        });
        let moved = valid.min_by_key(|&(by, seq, id, _)| (by, seq, id));
        moved
            .map(|(.., parent)| parent)
            .or_else(|| self.genesis.as_ref().and_then(|genesis| genesis.parent))
    }
}
