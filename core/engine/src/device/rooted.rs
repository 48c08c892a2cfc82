//! Units under a root of several keys (clause E8): founding one, and acts of rank 0 in it and in the branches below: who
//! holds rank 1, and which unit stands above.
//!
//! What the root decides is drafted here, signed elsewhere by enough of its keys, and carried into the rolls by any phone
//! of an officer. The phone that carries needs no right to what it carries.

use std::collections::BTreeMap;
use std::ops::Range;

use sotay_feed::limits::SEQ_MAX;
use sotay_feed::{DeviceId, DeviceKeys, Draft, EnvelopeId, Kind, MemberId, Space, SpaceKind, Tip, UnitId};
use sotay_membership::{
    Authority, Flags, Genesis, Grant, Membership, QuorumError, Reason, Record, Reparent, Revoke, RootAct,
    RootId, RootPolicy, State, UnitKind, Validity, encode_signatures, rank,
};
use sotay_store::{Bucket, Put, Store};

use super::Device;
use super::home::{self, NewUnit};
use super::roster::check_name;
use super::units::{FOLLOWED_UNITS_MAX, child_put};
use crate::error::DeviceError;
use crate::event::Event;
use crate::rooted::{CommitteeCard, RootEntry, RootItem, RootPaper};

/// The genesis that waits for its signatures.
const DRAFT: &[u8] = b"root-draft";

/// Why something of the root was not drafted, founded or carried. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// This phone belongs to a unit already: use another profile.
    #[error("this phone belongs to a unit already")]
    Already,
    /// The paper is not the one that this profile drafted.
    #[error("this profile drafted another paper")]
    OtherPaper,
    /// Not enough keys have signed.
    #[error(transparent)]
    Quorum(#[from] QuorumError),
    /// The unit has no root of several keys: it was founded before there was one, or by itself.
    #[error("this unit has no root of several keys")]
    NoRoot,
    /// The unit is neither this one nor one below it, or has not come yet.
    #[error("this unit is not here")]
    NoUnit,
    /// The phone holds no rank of the level above in this unit.
    #[error("this phone holds no rank of the level above")]
    NoPhone,
    /// More branches than one device follows.
    #[error("more than {FOLLOWED_UNITS_MAX} branches")]
    TooMany,
    /// Anything that can happen to every call.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

/// What became of records that were carried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Carried {
    /// Written into the roll of their unit.
    pub written: usize,
    /// There already.
    pub known: usize,
}

impl<S: Store> Device<S> {
    /// Begins a unit under a root: the paper that its keys have to sign. The keys of the unit's first authority are made
    /// now and kept; drafting again begins anew.
    pub fn draft_root(
        &mut self,
        name: &str,
        kind: UnitKind,
        policy: RootPolicy,
        now: i64,
    ) -> Result<RootPaper, RootError> {
        if self.home.is_some() {
            return Err(RootError::Already);
        }
        check_name(name)?;
        let authority = DeviceKeys::generate(&mut *self.rng);
        let mut nonce = [0; 16];
        self.rng.fill_bytes(&mut nonce);
        let genesis = Genesis {
            unit_kind: kind,
            parent: None,
            authorities: vec![Authority {
                rank: rank::PARENT,
                keys: authority.public(),
            }],
            root_policy: Some(policy),
            nonce,
            claimed_ms: now,
        };
        let puts = vec![
            self.custody.put(home::ROOT_KEYS, &authority, &mut *self.rng)?,
            draft_put(Some(genesis.encode())),
        ];
        self.write(puts).map_err(DeviceError::from)?;
        Ok(RootPaper::new(vec![RootEntry {
            unit: genesis.unit_id(),
            name: name.to_owned(),
            item: RootItem::Found(genesis),
        }]))
    }

    /// Founds the unit that was drafted here, once enough keys of its root have signed; this phone is its secretary's.
    pub fn found_rooted(&mut self, paper: &RootPaper, new: &NewUnit, now: i64) -> Result<UnitId, RootError> {
        if self.home.is_some() {
            return Err(RootError::Already);
        }
        for name in [&new.name, &new.upper, &new.founder] {
            check_name(name)?;
        }
        let draft = self
            .replica
            .store()
            .get(Bucket::Profile, DRAFT)
            .map_err(DeviceError::from)?;
        let [entry] = &paper.entries[..] else {
            return Err(RootError::OtherPaper);
        };
        let RootItem::Found(genesis) = &entry.item else {
            return Err(RootError::OtherPaper);
        };
        if draft != Some(genesis.encode()) {
            return Err(RootError::OtherPaper);
        }
        let policy = genesis.root_policy.as_ref().ok_or(RootError::NoRoot)?;
        let signatures = paper.signatures_of(0);
        let (context, message) = RootPolicy::genesis_message(&entry.unit);
        policy.check(context, &message, &signatures)?;
        let authority = self.custody.read(self.replica.store(), home::ROOT_KEYS)?;
        let authority = authority.ok_or(RootError::OtherPaper)?;
        let tail = encode_signatures(&signatures);
        let (unit, member) = self.found_with(authority, genesis, &tail, vec![draft_put(None)], now)?;
        self.begin_unit(unit, member, new, now)?;
        Ok(unit)
    }

    /// The root whose keys stand behind this unit, as far as the rolls of the units above are here: its own signed
    /// genesis, or a chain of units each founded or accepted by an officer of the next one. Compare it with the root you
    /// trust.
    pub fn root(&mut self) -> Result<Option<RootId>, DeviceError> {
        let unit = self.home()?.unit;
        Ok(self.replica.root_of(unit)?)
    }

    /// This unit as the level above wants to know it: its officers' phones, this one first.
    pub fn committee_card(&self) -> Result<CommitteeCard, DeviceError> {
        let phones = self.authorities()?.into_iter().map(|authority| authority.keys);
        Ok(CommitteeCard {
            unit: self.home()?.unit,
            name: self.heading()?.unit.as_str().to_owned(),
            phones: phones.collect(),
        })
    }

    /// The paper that gives a committee's phones the rank of the level above in some units.
    pub fn draft_appointment(
        &mut self,
        units: &[UnitId],
        card: &CommitteeCard,
        now: i64,
    ) -> Result<RootPaper, RootError> {
        self.draft(units, |membership, records, rng| {
            records.extend(appointments(membership, card, rng, now));
            Ok(())
        })
    }

    /// The paper that ends what a phone of the level above may do in some units. What it wrote as far as it has come here
    /// stays.
    pub fn draft_dismissal(&mut self, units: &[UnitId], phone: DeviceId) -> Result<RootPaper, RootError> {
        let mut ends = Vec::new();
        for unit in units {
            ends.push(self.ends_of(*unit, &[phone])?);
            if ends.last().is_some_and(Vec::is_empty) {
                return Err(RootError::NoPhone);
            }
        }
        let mut ends = ends.into_iter();
        self.draft(units, |_, records, _| {
            records.extend(ends.next().into_iter().flatten());
            Ok(())
        })
    }

    /// The paper that moves branches below another committee: its phones get the rank of the level above, the branch its
    /// new parent, and the phones that held that rank lose it.
    pub fn draft_move(
        &mut self,
        units: &[UnitId],
        to: &CommitteeCard,
        now: i64,
    ) -> Result<RootPaper, RootError> {
        let mut ends = Vec::new();
        for unit in units {
            let membership = self.rooted_unit(*unit)?;
            let mut phones = upper_phones(membership);
            phones.retain(|phone| to.phones.iter().all(|keys| keys.sign.device_id() != *phone));
            ends.push(self.ends_of(*unit, &phones)?);
        }
        let (mut ends, parent) = (ends.into_iter(), to.unit);
        self.draft(units, |membership, records, rng| {
            records.extend(appointments(membership, to, rng, now));
            if membership.parent() != Some(parent) {
                records.push(Record::Reparent(Reparent { parent }));
            }
            records.extend(ends.next().into_iter().flatten());
            Ok(())
        })
    }

    fn draft(
        &mut self,
        units: &[UnitId],
        mut fill: impl FnMut(&Membership, &mut Vec<Record>, &mut dyn rand::CryptoRng) -> Result<(), RootError>,
    ) -> Result<RootPaper, RootError> {
        // Taken out, because memberships are borrowed while numbers are drawn.
        let mut seed = [0; 32];
        self.rng.fill_bytes(&mut seed);
        let mut rng = <rand::rngs::StdRng as rand::SeedableRng>::from_seed(seed);
        let mut entries = Vec::new();
        for unit in units {
            let membership = self.rooted_unit(*unit)?;
            let mut records = Vec::new();
            fill(membership, &mut records, &mut rng)?;
            let name = self.name_of(*unit)?;
            for (record, serial) in records.into_iter().zip(membership.root_serial() + 1..) {
                let act = RootAct::new(serial, record).ok_or(DeviceError::Internal("act of the root"))?;
                entries.push(RootEntry {
                    unit: *unit,
                    name: name.clone(),
                    item: RootItem::Act(act),
                });
            }
        }
        Ok(RootPaper::new(entries))
    }

    /// The membership of a unit that has a root: this one or one below.
    fn rooted_unit(&self, unit: UnitId) -> Result<&Membership, RootError> {
        let here = self.home()?.unit == unit || self.followed.units.contains_key(&unit);
        let membership = self
            .replica
            .membership(unit)
            .filter(|_| here)
            .ok_or(RootError::NoUnit)?;
        let policy = membership
            .genesis()
            .and_then(|genesis| genesis.root_policy.as_ref());
        policy.map(|_| membership).ok_or(RootError::NoRoot)
    }

    fn name_of(&self, unit: UnitId) -> Result<String, DeviceError> {
        match self.followed.units.get(&unit) {
            Some(name) => Ok(name.clone()),
            None => Ok(self.heading()?.unit.as_str().to_owned()),
        }
    }

    /// Revocations of everything that gives phones rank 1 in a unit, up to what of theirs is here.
    fn ends_of(&self, unit: UnitId, phones: &[DeviceId]) -> Result<Vec<Record>, RootError> {
        let membership = self.rooted_unit(unit)?;
        let mut ends = Vec::new();
        for (right, phone) in upper_rights(membership) {
            if !phones.contains(&phone) {
                continue;
            }
            let mut cutoffs = BTreeMap::new();
            for kind in [SpaceKind::Roll, SpaceKind::Report] {
                let id = Space::of(unit, kind).id();
                let known = self.replica.store().tip(&id, phone).map_err(DeviceError::from)?;
                // The reports of a unit that this phone does not read have no end known here (decision 0095).
                let read = membership.may_read(self.id(), &Space::of(unit, kind)).is_ok();
                let open = Tip {
                    seq: SEQ_MAX,
                    id: EnvelopeId::ZERO,
                };
                let end = if read { known } else { Some(open) };
                cutoffs.extend(end.map(|tip| (id.tag(), tip)));
            }
            ends.push(Record::Revoke(Revoke {
                grant: right,
                reason: Reason::DUTY,
                cutoffs,
            }));
        }
        Ok(ends)
    }

    /// Carries records of a signed paper into the rolls of their units, all of the range in one transaction. Call it with
    /// some hundred at a time and show how far it is. Records whose signatures do not suffice are refused, with all of
    /// the range.
    pub fn carry_root(&mut self, paper: &RootPaper, range: Range<usize>) -> Result<Carried, RootError> {
        let mut carried = Carried::default();
        let mut feeds: BTreeMap<UnitId, Vec<_>> = BTreeMap::new();
        for at in range {
            let entry = paper.entries.get(at).ok_or(RootError::OtherPaper)?;
            let RootItem::Act(act) = &entry.item else {
                return Err(RootError::OtherPaper);
            };
            let membership = self.rooted_unit(entry.unit)?;
            let policy = membership
                .genesis()
                .and_then(|genesis| genesis.root_policy.as_ref());
            let act = RootAct {
                signatures: paper.signatures_of(at),
                ..act.clone()
            };
            let (context, message) = act.message(&entry.unit);
            policy
                .ok_or(RootError::NoRoot)?
                .check(context, &message, &act.signatures)?;
            if membership.knows_root_act(&act.id(&entry.unit)) {
                carried.known += 1;
                continue;
            }
            let roll = Space::of(entry.unit, SpaceKind::Roll).id();
            let envelopes = feeds.entry(entry.unit).or_default();
            let tip = match envelopes.last() {
                Some(last) => Some(sotay_feed::Verified::<sotay_feed::Envelope>::tip(last)),
                None => self
                    .replica
                    .store()
                    .tip(&roll, self.id())
                    .map_err(DeviceError::from)?,
            };
            let envelope = Draft::next(&self.keys, Kind::ROOT, &roll, tip)
                .sign(&self.keys, &roll, &Record::Root(act).encode())
                .map_err(|_| DeviceError::Internal("act of the root"))?;
            envelopes.push(envelope);
            carried.written += 1;
        }
        let rolls: Vec<Space> = feeds
            .keys()
            .map(|unit| Space::of(*unit, SpaceKind::Roll))
            .collect();
        let feeds = feeds
            .into_iter()
            .map(|(unit, envelopes)| (Space::of(unit, SpaceKind::Roll), envelopes));
        self.append_all(feeds.collect(), Vec::new())?;
        let home = self.home()?.unit;
        for roll in &rolls {
            // All of them at once would look through thousands of branches for every part of a paper.
            if roll.unit == home {
                self.absorb()?;
            } else {
                self.absorb_roll(*roll)?;
            }
        }
        for roll in rolls {
            self.announce_local(&roll)?;
        }
        Ok(carried)
    }

    /// On a phone of the committee to which branches were moved: follows them from now on. How many are new.
    pub fn follow_moved(&mut self, paper: &RootPaper) -> Result<usize, RootError> {
        let home = self.home()?.unit;
        let here = |entry: &&RootEntry| match &entry.item {
            RootItem::Act(act) => {
                matches!(&*act.record, Record::Reparent(reparent) if reparent.parent == home)
            }
            RootItem::Found(_) => false,
        };
        let new: Vec<(UnitId, String)> = paper
            .entries
            .iter()
            .filter(here)
            .filter(|entry| !self.followed.units.contains_key(&entry.unit))
            .map(|entry| (entry.unit, entry.name.clone()))
            .collect();
        if self.followed.units.len() + new.len() > FOLLOWED_UNITS_MAX {
            return Err(RootError::TooMany);
        }
        let spaces = new.iter().flat_map(|(unit, _)| super::units::spaces_of(*unit));
        let feeds = spaces.map(|space| (space, Vec::new())).collect();
        let puts = new.iter().map(|(unit, name)| child_put(*unit, name)).collect();
        self.append_all(feeds, puts)?;
        let count = new.len();
        self.followed.units.extend(new);
        self.events.push_back(Event::Membership);
        Ok(count)
    }

    /// Says in the rolls of branches that were moved here that this committee takes them: without the word of one of its
    /// officers a relay would not believe that they stand below it (decision 0023).
    pub(super) fn accept_moved(&mut self) -> Result<(), DeviceError> {
        let home = self.home()?.unit;
        let mut feeds = Vec::new();
        for unit in self.followed.units.keys() {
            let Some(membership) = self.replica.membership(*unit) else {
                continue;
            };
            let roll = Space::of(*unit, SpaceKind::Roll);
            let standing = membership.standing(self.id());
            let above = standing
                .is_some_and(|standing| standing.state == State::Active && standing.rank <= rank::PARENT);
            let moved = membership
                .genesis()
                .is_some_and(|genesis| genesis.parent != Some(home));
            if !above || !moved || membership.parent() != Some(home) {
                continue;
            }
            if self.replica.store().tip(&roll.id(), self.id())?.is_some() {
                continue;
            }
            let record = Record::Reparent(Reparent { parent: home });
            let envelope = Draft::next(&self.keys, Kind::REPARENT, &roll.id(), None)
                .sign(&self.keys, &roll.id(), &record.encode())
                .map_err(|_| DeviceError::Internal("acceptance of a branch"))?;
            feeds.push((roll, vec![envelope]));
        }
        if feeds.is_empty() {
            return Ok(());
        }
        let rolls: Vec<Space> = feeds.iter().map(|(roll, _)| *roll).collect();
        self.append_all(feeds, Vec::new())?;
        rolls.iter().try_for_each(|roll| self.announce_local(roll))
    }
}

/// Grants of rank 1 for the phones of a card that do not hold it yet.
fn appointments(
    membership: &Membership,
    card: &CommitteeCard,
    rng: &mut dyn rand::CryptoRng,
    now: i64,
) -> Vec<Record> {
    let held = upper_phones(membership);
    let new = card
        .phones
        .iter()
        .filter(|keys| !held.contains(&keys.sign.device_id()));
    new.map(|keys| {
        let mut member = [0; 16];
        rng.fill_bytes(&mut member);
        Record::Grant(Grant {
            // Nobody of the unit: a number of its own for each phone of the level above.
            member: MemberId::from_bytes(member),
            rank: rank::PARENT,
            flags: Flags::default(),
            keys: *keys,
            scope: None,
            from_ms: now,
        })
    })
    .collect()
}

/// What gives rank 1 in a unit now, with the phone that has it.
fn upper_rights(membership: &Membership) -> Vec<(EnvelopeId, DeviceId)> {
    let unit = membership.unit();
    let seats = membership
        .genesis()
        .into_iter()
        .flat_map(|genesis| &genesis.authorities);
    let seats = seats
        .filter(|authority| authority.rank == rank::PARENT)
        .map(|authority| (authority.seat(&unit), authority.keys.sign.device_id()))
        .filter(|(seat, _)| membership.is_active(seat));
    let grants = membership
        .grants()
        .filter(|(_, _, grant, validity)| grant.rank == rank::PARENT && *validity == Validity::Valid)
        .map(|(id, _, grant, _)| (id, grant.device()));
    seats.chain(grants).collect()
}

fn upper_phones(membership: &Membership) -> Vec<DeviceId> {
    upper_rights(membership)
        .into_iter()
        .map(|(_, phone)| phone)
        .collect()
}

fn draft_put(value: Option<Vec<u8>>) -> Put {
    Put {
        bucket: Bucket::Profile,
        key: DRAFT.to_vec(),
        value,
    }
}
