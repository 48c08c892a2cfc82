//! What the device at the other end of a session gets of a space (P9.8).

use std::collections::BTreeSet;

use sotay_feed::{DeviceId, Envelope, EnvelopeId, Kind, Space, SpaceKind, UnitId};
use sotay_membership::limits::UNIT_DEPTH_MAX;
use sotay_membership::{Membership, Record, RootId, State, Validity, may_read_across, rank};
use sotay_store::{Budget, Store, StoreError};

use crate::fault::DenyReason;
use crate::message::Role;
use crate::replica::Replica;

/// What a session may do in a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Read and push.
    Full,
    /// Push, without seeing what others wrote.
    PushOnly(DenyReason),
    /// The roll, up to the arrival that tells the device why it is out.
    Why(DenyReason, u64),
    /// Nothing.
    Refused(DenyReason),
}

impl<S: Store> Replica<S> {
    /// Judges a device. `homes` are the units whose spaces the session opened: through one of them the device may
    /// belong to a unit above or below.
    pub(crate) fn access(
        &mut self,
        device: DeviceId,
        space: &Space,
        homes: &[UnitId],
    ) -> Result<Access, StoreError> {
        let held = self.role == Role::Relay || self.knows(space);
        if !held || !self.may_serve(space.unit)? {
            return Ok(Access::Refused(DenyReason::NotServed));
        }
        self.load_unit(space.unit)?;
        let Some(membership) = self.units.get(&space.unit) else {
            return Ok(match space.kind {
                SpaceKind::Roll => Access::PushOnly(DenyReason::UnknownUnit),
                _ => Access::Refused(DenyReason::UnknownUnit),
            });
        };
        let reason = match membership.may_read(device, space) {
            Ok(()) => return Ok(Access::Full),
            Err(denied) => DenyReason::from(denied),
        };
        let served = membership.may_be_served(device).is_ok();
        if self.related(device, space, homes)? {
            return Ok(Access::Full);
        }
        Ok(match (space.kind, reason) {
            (SpaceKind::Inbox, DenyReason::Rank) if served && self.writes_inbox(device, space) => {
                Access::PushOnly(reason)
            }
            (SpaceKind::Roll, DenyReason::UnknownDevice) => Access::PushOnly(reason),
            (SpaceKind::Roll, _) => Access::Why(reason, self.tells_why(device, space)?),
            _ => Access::Refused(reason),
        })
    }

    /// Whether a relay serves a unit, or may come to serve it: under a configured root, or not known yet.
    fn may_serve(&mut self, unit: UnitId) -> Result<bool, StoreError> {
        if self.role != Role::Relay || self.policy.serves(&unit) {
            return Ok(true);
        }
        let Some(roots) = self.policy.roots(&unit).cloned() else {
            return Ok(false);
        };
        Ok(!self.load_unit(unit)? || self.root_of(unit)?.is_some_and(|root| roots.contains(&root)))
    }

    /// Whether a relay takes a unit that begins with one of these envelopes: signed by a configured root itself, or
    /// founded by an officer of a unit that is served under one.
    pub(crate) fn founds_served(&mut self, roll: &Space, envelopes: &[Envelope]) -> Result<bool, StoreError> {
        if self.role != Role::Relay || self.policy.serves(&roll.unit) {
            return Ok(true);
        }
        let Some(roots) = self.policy.roots(&roll.unit).cloned() else {
            return Ok(false);
        };
        let id = roll.id();
        for envelope in envelopes
            .iter()
            .filter(|envelope| envelope.header().kind == Kind::GENESIS)
        {
            let Ok((genesis, key)) = Membership::founding_key(envelope, &id) else {
                continue;
            };
            let Ok(verified) = envelope.clone().verify(&id, &key) else {
                continue;
            };
            let mut begun = Membership::new(roll.unit);
            if begun.insert(&verified).is_ok() && begun.root().is_some_and(|root| roots.contains(&root)) {
                return Ok(true);
            }
            let Some(parent) = genesis.parent else { continue };
            let founder = envelope.header().device;
            let under =
                self.load_unit(parent)? && self.root_of(parent)?.is_some_and(|root| roots.contains(&root));
            let officer = |membership: &Membership| {
                let standing = membership.standing(founder);
                standing
                    .is_some_and(|standing| standing.rank <= rank::DEPUTY && standing.state == State::Active)
            };
            if under && self.units.get(&parent).is_some_and(officer) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn writes_inbox(&self, device: DeviceId, space: &Space) -> bool {
        let membership = self.units.get(&space.unit);
        membership.is_some_and(|membership| membership.may_write(device, space, Kind::INBOX, 1).is_ok())
    }

    /// Whether the device may read through another unit of its own, above or below (P5.16). A genesis may name any
    /// parent, so the name alone proves nothing: every unit in between must have been founded by an officer of the one
    /// above it.
    fn related(&mut self, device: DeviceId, space: &Space, homes: &[UnitId]) -> Result<bool, StoreError> {
        for &home in homes.iter().filter(|&&home| home != space.unit) {
            let member = self.load_unit(home)? && self.units[&home].may_be_served(device).is_ok();
            if !member {
                continue;
            }
            let proven = self.proven_above(home)?.contains(&space.unit)
                || self.proven_above(space.unit)?.contains(&home);
            if proven && may_read_across(&self.units, home, device, space).is_ok() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The units above, from the nearest on, as far as each was founded from the next.
    fn proven_above(&mut self, unit: UnitId) -> Result<Vec<UnitId>, StoreError> {
        let (mut above, mut below) = (Vec::new(), unit);
        self.load_unit(unit)?;
        while above.len() < UNIT_DEPTH_MAX {
            let Some(parent) = self.units.get(&below).and_then(Membership::parent) else {
                break;
            };
            if !self.load_unit(parent)? || !self.founded_by(parent, below)? {
                break;
            }
            above.push(parent);
            below = parent;
        }
        Ok(above)
    }

    /// The root whose keys stand behind a unit: its genesis was signed by them, or that of the last of the units above it,
    /// each of which was founded or accepted by an officer of the next. `None` when the chain is not whole here.
    pub fn root_of(&mut self, unit: UnitId) -> Result<Option<RootId>, StoreError> {
        let above = self.proven_above(unit)?;
        let chain = [unit].into_iter().chain(above);
        let mut roots = chain.filter_map(|unit| self.units.get(&unit)?.root());
        Ok(roots.next_back())
    }

    /// Whether an officer of `parent` put an own record into the roll of `unit` as one of its rank 0 or 1: founded it, or
    /// accepted it when it was moved.
    fn founded_by(&self, parent: UnitId, unit: UnitId) -> Result<bool, StoreError> {
        let (Some(parent), Some(lower)) = (self.units.get(&parent), self.units.get(&unit)) else {
            return Ok(false);
        };
        let roll = Space::of(unit, SpaceKind::Roll).id();
        let seats = lower
            .genesis()
            .into_iter()
            .flat_map(|genesis| &genesis.authorities);
        let granted = lower
            .grants()
            .filter(|(_, _, grant, validity)| grant.rank == rank::PARENT && *validity != Validity::Void)
            .map(|(_, _, grant, _)| grant.device());
        let devices: Vec<DeviceId> = seats
            .map(|authority| authority.keys.sign.device_id())
            .chain(granted)
            .collect();
        for device in devices {
            let officer = parent
                .standing(device)
                .is_some_and(|standing| standing.rank <= rank::DEPUTY && standing.state != State::NotGranted);
            if officer && self.store.at(&roll, device, 1)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Arrival of the last roll record that revokes a grant of this device or suspends it; 0 when there is none.
    fn tells_why(&self, device: DeviceId, roll: &Space) -> Result<u64, StoreError> {
        const PAGE: Budget = Budget {
            count: 1024,
            bytes: 1024 * 1024,
        };
        let Some(membership) = self.units.get(&roll.unit) else {
            return Ok(0);
        };
        let seats = membership
            .genesis()
            .into_iter()
            .flat_map(|genesis| &genesis.authorities);
        let rights: BTreeSet<EnvelopeId> = membership
            .grants()
            .filter(|(_, _, grant, _)| grant.device() == device)
            .map(|(id, ..)| id)
            .chain(
                seats
                    .filter(|authority| authority.keys.sign.device_id() == device)
                    .map(|authority| authority.seat(&roll.unit)),
            )
            .collect();
        let concerns = |record: &Record| match record {
            Record::Revoke(revoke) => rights.contains(&revoke.grant),
            Record::Suspend(suspend) => suspend.device == device,
            Record::Root(act) => {
                matches!(&*act.record, Record::Revoke(revoke) if rights.contains(&revoke.grant))
            }
            _ => false,
        };
        let (id, mut after, mut last) = (roll.id(), 0, 0);
        loop {
            let page = self.store.since(&id, after, PAGE)?;
            for stored in &page.envelopes {
                if !matches!(stored.kind, Kind::REVOKE | Kind::SUSPEND | Kind::ROOT) {
                    continue;
                }
                let envelope = Envelope::decode(&stored.bytes)
                    .map_err(|_| StoreError::Corrupt("an envelope of a roll".into()))?;
                if Record::decode(stored.kind, envelope.body()).is_ok_and(|(record, _)| concerns(&record)) {
                    last = stored.arrival;
                }
            }
            if !page.more {
                return Ok(last);
            }
            after = page.upto;
        }
    }
}
