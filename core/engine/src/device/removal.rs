//! Ending and setting aside what a grant gave: lost phones, members who leave, suspension, new keys (P5.10–P5.14).

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sotay_feed::limits::SEQ_MAX;
use sotay_feed::{DeviceId, EnvelopeId, EpochId, InOrder, MemberId, Space, SpaceKind, SpaceTag, Tip};
use sotay_membership::{Denied, Flags, Grant, Lift, Reason, Record, Revoke, State, Suspend, Validity, rank};
use sotay_store::Store;
use sotay_vault::seal_key_ring;

use super::Device;
use super::acts::Acts;
use super::home::SEALED;
use crate::error::DeviceError;

/// Whose grants to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom {
    /// One phone.
    Device(DeviceId),
    /// Every phone of a member.
    Member(MemberId),
}

/// What a removal, a suspension or a rotation did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyChange {
    /// The phones concerned, in hexadecimal.
    #[serde(serialize_with = "texts_of")]
    pub devices: Vec<DeviceId>,
    /// Parts of the handbook that have a new key from now on.
    #[serde(serialize_with = "names_of")]
    pub rekeyed: Vec<SpaceKind>,
    /// Bytes of the records.
    pub bytes: usize,
}

/// Why a grant was not ended or changed. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum RemovalError {
    /// No phone that may act fits.
    #[error("there is no such phone, or it was removed before")]
    NoPhone,
    /// This very phone. Another one of the same member, or an officer, does it.
    #[error("a phone cannot do this to itself")]
    Itself,
    /// The phone is not suspended.
    #[error("this phone is not suspended")]
    NotSuspended,
    /// A rank that no officer can give.
    #[error("there is no rank {0} to give; 2 is secretary, 3 deputy, 4 member")]
    Rank(u8),
    /// Anything that can happen to every call.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

/// A phone of the unit with what it may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceLine {
    /// The phone, in hexadecimal.
    #[serde(serialize_with = "crate::text_of")]
    pub device: DeviceId,
    /// Its label.
    pub label: String,
    /// Its holder, in hexadecimal.
    #[serde(serialize_with = "crate::text_of")]
    pub member: MemberId,
    /// The holder's name, if known here.
    pub name: Option<String>,
    /// Rank of its best grant.
    pub rank: u8,
    /// Whether a rank-4 holder sits on the committee.
    pub committee: bool,
    /// What holds now: `active`, `suspended`, `forked`, `revoked` or `not_granted`.
    #[serde(serialize_with = "state_name")]
    pub state: State,
    /// Whether it is this phone.
    pub own: bool,
}

impl<S: Store> Device<S> {
    /// Every phone that was ever granted, by member and id.
    pub fn devices(&self) -> Result<Vec<DeviceLine>, DeviceError> {
        let membership = self.membership()?;
        let mut lines = Vec::new();
        for member in membership.members() {
            for (device, _) in member.devices {
                let Some(standing) = membership.standing(device) else {
                    continue;
                };
                lines.push(DeviceLine {
                    device,
                    label: self.device_label(device),
                    member: member.member,
                    name: self.member_name(member.member),
                    rank: standing.rank,
                    committee: standing.flags.committee,
                    state: standing.state,
                    own: device == self.id(),
                });
            }
        }
        Ok(lines)
    }

    /// Ends grants for good: what the phones wrote up to what this phone has seen stays, later writing does not count,
    /// and every part of the handbook they could read gets a new key, in one transaction.
    ///
    /// An officer removes lower ranks; any phone of a member removes another one of the same member. Undoing a removal
    /// is a new grant.
    pub fn revoke(&mut self, whom: Whom, reason: Reason) -> Result<KeyChange, RemovalError> {
        let mut acts = self.begin_acts()?;
        let devices = self.end_grants(&mut acts, whom, reason)?;
        self.finish(acts, devices)
    }

    /// Sets a phone aside until lifted: no relay serves it and it gets no new key. What it wrote stays valid. A deputy
    /// may do this even to the secretary's stolen phone.
    pub fn suspend(&mut self, device: DeviceId, reason: Reason) -> Result<KeyChange, RemovalError> {
        self.other_active(device)?;
        let mut acts = self.begin_acts()?;
        let record = Record::Suspend(Suspend { device, reason });
        self.act_by_any(&mut acts, &[record], |acts| {
            acts.membership
                .standing(device)
                .is_some_and(|standing| standing.state == State::Suspended)
        })?;
        self.finish(acts, vec![device])
    }

    /// Ends every suspension of a phone: whoever suspended it, or a higher rank.
    pub fn lift(&mut self, device: DeviceId) -> Result<KeyChange, RemovalError> {
        let suspensions = self.membership()?.suspensions(device);
        if suspensions.is_empty() {
            return Err(RemovalError::NotSuspended);
        }
        let records: Vec<Record> = suspensions
            .into_iter()
            .map(|suspend| Record::Lift(Lift { suspend }))
            .collect();
        let mut acts = self.begin_acts()?;
        self.act_by_any(&mut acts, &records, |acts| {
            acts.membership.suspensions(device).is_empty()
        })?;
        self.finish(acts, vec![device])
    }

    /// New keys for every part of the handbook this phone may rotate: once a year, or when a key may have leaked.
    pub fn rotate(&mut self) -> Result<KeyChange, RemovalError> {
        self.signers()?;
        let mut acts = self.begin_acts()?;
        let spaces = self.rotatable(&acts.membership)?;
        if spaces.is_empty() {
            return Err(DeviceError::from(Denied::Rank).into());
        }
        for space in spaces {
            self.rekey(&mut acts, &space)?;
        }
        self.finish(acts, Vec::new())
    }

    /// Changes what a phone may do: its grants end and another one follows, in one transaction.
    pub fn regrade(
        &mut self,
        device: DeviceId,
        new_rank: u8,
        flags: Flags,
        now: i64,
    ) -> Result<KeyChange, RemovalError> {
        if !(rank::SECRETARY..=rank::MEMBER).contains(&new_rank) {
            return Err(RemovalError::Rank(new_rank));
        }
        self.other_active(device)?;
        let known = self
            .membership()?
            .grants()
            .find(|(_, _, grant, validity)| grant.device() == device && *validity == Validity::Valid);
        let Some((_, _, old, _)) = known else {
            return Err(RemovalError::NoPhone);
        };
        let grant = Grant {
            rank: new_rank,
            flags,
            scope: None,
            from_ms: now,
            ..old.clone()
        };
        let mut acts = self.begin_acts()?;
        self.end_grants(&mut acts, Whom::Device(device), Reason::DUTY)?;
        self.give(&mut acts, grant)?;
        self.finish(acts, vec![device])
    }

    /// Grants, with the keys this device holds of what the new device may read.
    pub(super) fn give(&mut self, acts: &mut Acts, grant: Grant) -> Result<EnvelopeId, DeviceError> {
        self.give_without(acts, grant, &BTreeMap::new())
    }

    /// The same but for some keys, which are kept back.
    pub(super) fn give_without(
        &mut self,
        acts: &mut Acts,
        grant: Grant,
        withheld: &BTreeMap<SpaceKind, BTreeSet<EpochId>>,
    ) -> Result<EnvelopeId, DeviceError> {
        let home = self.home()?.clone();
        let readable = self.readable_by(&grant, &home);
        let kept_back = |space: SpaceTag, epoch: EpochId| {
            let of_kind = |(kind, epochs): (&SpaceKind, &BTreeSet<EpochId>)| {
                Space::of(home.unit, *kind).id().tag() == space && epochs.contains(&epoch)
            };
            withheld.iter().any(of_kind)
        };
        let ring = acts
            .ring
            .only(|space, epoch| readable.contains(&space) && !kept_back(space, epoch));
        let sealed = seal_key_ring(&grant.keys, &home.unit, &ring, &mut *self.rng)
            .map_err(|_| DeviceError::Internal("key ring"))?;
        let record = Record::Grant(grant);
        for signer in self.signers()? {
            let mut tried = acts.clone();
            let id = self.act(&mut tried, &signer, &record, &sealed)?;
            let holds = tried
                .membership
                .grants()
                .any(|(found, _, _, validity)| found == id && validity == Validity::Valid);
            if holds {
                *acts = tried;
                return Ok(id);
            }
        }
        Err(Denied::Rank.into())
    }

    /// Ends the grants that hold; the devices they named.
    pub(super) fn end_grants(
        &mut self,
        acts: &mut Acts,
        whom: Whom,
        reason: Reason,
    ) -> Result<Vec<DeviceId>, RemovalError> {
        let fits = |grant: &Grant| match whom {
            Whom::Device(device) => grant.device() == device,
            Whom::Member(member) => grant.member == member,
        };
        let grants: Vec<(EnvelopeId, DeviceId, MemberId)> = acts
            .membership
            .grants()
            .filter(|(_, _, grant, validity)| *validity == Validity::Valid && fits(grant))
            .map(|(id, _, grant, _)| (id, grant.device(), grant.member))
            .collect();
        if grants.is_empty() {
            return Err(RemovalError::NoPhone);
        }
        let mut devices = Vec::new();
        for (grant, device, member) in grants {
            if device == self.id() {
                return Err(RemovalError::Itself);
            }
            let cutoffs = self.cutoffs(device, member)?;
            let record = Record::Revoke(Revoke {
                grant,
                reason,
                cutoffs,
            });
            self.act_by_any(acts, &[record], |acts| {
                acts.membership
                    .grants()
                    .any(|(id, _, _, validity)| id == grant && validity == Validity::Revoked)
            })?;
            devices.push(device);
        }
        devices.in_order();
        devices.dedup();
        Ok(devices)
    }

    /// Per space the last envelope of a device that is here. Of what this phone does not read it knows no end: there
    /// everything stays (decision 0095).
    fn cutoffs(&self, device: DeviceId, member: MemberId) -> Result<BTreeMap<SpaceTag, Tip>, DeviceError> {
        let unit = self.home()?.unit;
        let own = self.spaces()?;
        let mut spaces = vec![Space::of(unit, SpaceKind::Roll), Space::private(unit, member)];
        spaces.extend(SEALED.map(|kind| Space::of(unit, kind)));
        let mut cutoffs = BTreeMap::new();
        for space in spaces {
            let id = space.id();
            let tip = if own.contains(&space) {
                self.replica.store().tip(&id, device)?
            } else {
                Some(Tip {
                    seq: SEQ_MAX,
                    id: EnvelopeId::ZERO,
                })
            };
            cutoffs.extend(tip.map(|tip| (id.tag(), tip)));
        }
        Ok(cutoffs)
    }

    /// Signs records with the first of this profile's keys for which they do what they should.
    pub(super) fn act_by_any(
        &mut self,
        acts: &mut Acts,
        records: &[Record],
        holds: impl Fn(&Acts) -> bool,
    ) -> Result<(), DeviceError> {
        for signer in self.signers()? {
            let mut tried = acts.clone();
            for record in records {
                self.act(&mut tried, &signer, record, &[])?;
            }
            if holds(&tried) {
                *acts = tried;
                return Ok(());
            }
        }
        Err(Denied::Rank.into())
    }

    fn other_active(&self, device: DeviceId) -> Result<(), RemovalError> {
        if device == self.id() {
            return Err(RemovalError::Itself);
        }
        match self.membership()?.standing(device).map(|standing| standing.state) {
            Some(State::Active | State::Suspended | State::Forked) => Ok(()),
            _ => Err(RemovalError::NoPhone),
        }
    }

    pub(super) fn finish(
        &mut self,
        mut acts: Acts,
        devices: Vec<DeviceId>,
    ) -> Result<KeyChange, RemovalError> {
        self.rekey_unclean(&mut acts)?;
        let change = KeyChange {
            devices,
            rekeyed: acts.rekeyed().iter().map(|space| space.kind).collect(),
            bytes: acts.bytes(),
        };
        self.commit_acts(acts, Vec::new())?;
        Ok(change)
    }
}

fn texts_of<S: serde::Serializer>(devices: &[DeviceId], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(devices.iter().map(ToString::to_string))
}

fn names_of<S: serde::Serializer>(kinds: &[SpaceKind], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(kinds.iter().map(|kind| format!("{kind:?}").to_lowercase()))
}

fn state_name<S: serde::Serializer>(state: &State, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match state {
        State::Active => "active",
        State::Suspended => "suspended",
        State::Forked => "forked",
        State::Revoked => "revoked",
        State::NotGranted => "not_granted",
    })
}
