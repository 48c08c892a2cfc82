//! Reading across units (P5.16): what members see of the units above, and officers of the units below.

use std::collections::BTreeMap;

use sotay_feed::{DeviceId, Space, SpaceKind, UnitId};

use crate::grant::rank;
use crate::limits::UNIT_DEPTH_MAX;
use crate::{Denied, Membership};

/// The memberships someone holds.
pub trait Units {
    /// The membership of a unit, if held.
    fn membership(&self, unit: UnitId) -> Option<&Membership>;
}

impl Units for BTreeMap<UnitId, Membership> {
    fn membership(&self, unit: UnitId) -> Option<&Membership> {
        self.get(&unit)
    }
}

/// Whether a device of unit `home` may read a space of any unit now.
///
/// Besides what [`Membership::may_read`] allows in its own unit, a device reads the roll and the broadcasts of every
/// unit above (the roll tells who may broadcast), and an officer's device the rolls of every unit below.
pub fn may_read_across(
    units: &impl Units,
    home: UnitId,
    device: DeviceId,
    space: &Space,
) -> Result<(), Denied> {
    let at_home = units.membership(home).ok_or(Denied::UnknownDevice)?;
    if home == space.unit {
        return at_home.may_read(device, space);
    }
    at_home.may_be_served(device)?;
    let best = at_home
        .standing(device)
        .map_or(rank::GUEST, |standing| standing.rank);
    let above = is_above(units, space.unit, home);
    let (related, limit) = match space.kind {
        SpaceKind::Broadcast => (above, rank::MEMBER),
        SpaceKind::Roll if above => (true, rank::GUEST),
        SpaceKind::Roll => (is_above(units, home, space.unit), rank::DEPUTY),
        _ => (false, rank::ROOT),
    };
    if !related || space.subject.is_some() {
        Err(Denied::WrongSpace)
    } else if best > limit {
        Err(Denied::Rank)
    } else {
        Ok(())
    }
}

/// Whether `upper` is found when parents are followed from `lower`.
fn is_above(units: &impl Units, upper: UnitId, lower: UnitId) -> bool {
    let parent = |unit: &UnitId| units.membership(*unit)?.parent();
    std::iter::successors(parent(&lower), parent)
        .take(UNIT_DEPTH_MAX)
        .any(|unit| unit == upper)
}
