//! The units above: which they are, what they are called, and where a publication came from.
//!
//! A phone follows the parents from its own unit upwards (P5.17) and reads of each the roll, which tells who may publish
//! there, and the broadcast (P5.16). The key of a broadcast comes with [`super::handing`].

use std::collections::BTreeMap;

use serde::Serialize;
use sotay_feed::cbor::{CborError, Reader, Writer};
use sotay_feed::{Kind, Space, SpaceKind, UnitId};
use sotay_membership::Membership;
use sotay_membership::limits::UNIT_DEPTH_MAX;
use sotay_store::{Bucket, Put, Store};
use sotay_study::library::Hash;

use super::Device;
use super::library::{put, tagged};
use super::people::{NAME_BYTES_MAX, Subject};
use crate::error::DeviceError;

/// Form of a publication: what the unit is called (clause L1.7).
pub(super) const NAME: u8 = 5;
const VERSION: u64 = 1;
const ORIGIN: &[u8] = b"o";
const NAMES: &[u8] = b"n";

/// Who published something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// The unit, in hexadecimal.
    #[serde(serialize_with = "crate::text_of")]
    pub unit: UnitId,
    /// How many levels above this unit; 0 is this unit itself, or one that stands no longer above it.
    pub steps: u8,
    /// What it is called, as far as that is known here.
    pub name: Option<String>,
}

/// A unit above.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UpperLine {
    /// Which.
    #[serde(flatten)]
    pub origin: Origin,
    /// Whether its roll has come.
    pub known: bool,
    /// Whether this phone holds a key of its broadcasts.
    pub readable: bool,
    /// Documents, quizzes and schedules of it that are here.
    pub published: usize,
}

/// The row that says that a unit published something.
pub(super) fn origin_put(form: u8, id: &Hash, unit: UnitId) -> Put {
    let key = [ORIGIN, &[form], &id.0, unit.as_bytes()].concat();
    put(Bucket::Library, key, &[])
}

fn name_record(revision: u64, name: &str) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(3).uint(VERSION).uint(revision).text(name);
    writer.into_bytes()
}

fn read_name(bytes: &[u8]) -> Option<(u64, String)> {
    let read = || {
        let mut reader = Reader::new(bytes);
        reader.array(3)?;
        let at = reader.position();
        if reader.uint()? != VERSION {
            return Err(CborError::Malformed { at });
        }
        let (revision, name) = (reader.uint()?, reader.text(NAME_BYTES_MAX)?.to_owned());
        reader.finish(&name_record(revision, &name))?;
        Ok((revision, name))
    };
    read().ok()
}

/// The row of a unit's name: the last of a unit's rows is the one that counts.
pub(super) fn name_put(unit: UnitId, bytes: &[u8]) -> Option<Put> {
    let (revision, _) = read_name(bytes)?;
    let key = [NAMES, unit.as_bytes(), &revision.to_be_bytes()[..], bytes].concat();
    Some(put(Bucket::Library, key, bytes))
}

impl<S: Store> Device<S> {
    /// The units above, the nearest first, as far as their rolls are here; the last one's may not be.
    pub(super) fn units_above(&self) -> Vec<UnitId> {
        let Some(home) = self.unit() else {
            return Vec::new();
        };
        let (mut above, mut below) = (Vec::new(), home);
        while above.len() < UNIT_DEPTH_MAX
            && let Some(parent) = self.replica.membership(below).and_then(Membership::parent)
            && parent != home
            && !above.contains(&parent)
        {
            above.push(parent);
            below = parent;
        }
        above
    }

    /// What this device opens of the units above.
    pub(super) fn spaces_above(&self) -> Vec<Space> {
        let spaces = |unit| [SpaceKind::Roll, SpaceKind::Broadcast].map(|kind| Space::of(unit, kind));
        self.units_above().into_iter().flat_map(spaces).collect()
    }

    /// Takes in the rolls of the units above. Whether a key from there counts follows from them, and every roll may name one
    /// more unit; where the own roll has changed, another unit may stand above now. Whether anything was new.
    pub(super) fn absorb_rolls_above(&mut self, own_changed: bool) -> Result<bool, DeviceError> {
        let mut changed = false;
        for step in 0.. {
            let Some(unit) = self.units_above().get(step).copied() else {
                break;
            };
            changed |= self.absorb_roll(Space::of(unit, SpaceKind::Roll))?;
        }
        self.handing.fresh |= changed;
        if own_changed {
            self.reload_directives()?;
        }
        Ok(changed)
    }

    /// The units above, the nearest first.
    pub fn levels_above(&self) -> Result<Vec<UpperLine>, DeviceError> {
        let mut published: BTreeMap<UnitId, usize> = BTreeMap::new();
        for (key, _) in self.replica.store().list(Bucket::Library, ORIGIN)? {
            if let Some(unit) = key.get(ORIGIN.len() + 33..).and_then(UnitId::from_slice) {
                *published.entry(unit).or_default() += 1;
            }
        }
        let line = |unit: UnitId| {
            let tag = Space::of(unit, SpaceKind::Broadcast).id().tag();
            Ok(UpperLine {
                origin: self.origin(unit)?,
                known: self
                    .replica
                    .membership(unit)
                    .is_some_and(|membership| membership.genesis().is_some()),
                readable: self.ring.for_space(tag).next().is_some(),
                published: published.get(&unit).copied().unwrap_or(0),
            })
        };
        self.units_above().into_iter().map(line).collect()
    }

    /// How many levels above a unit stands.
    pub(super) fn steps_to(&self, unit: UnitId) -> u8 {
        let at = self.units_above().iter().position(|above| *above == unit);
        at.map_or(0, |at| at as u8 + 1)
    }

    pub(super) fn origin(&self, unit: UnitId) -> Result<Origin, DeviceError> {
        let steps = self.steps_to(unit);
        let rows = self
            .replica
            .store()
            .list(Bucket::Library, &[NAMES, unit.as_bytes()].concat())?;
        let told = rows.last().and_then(|(_, bytes)| read_name(bytes));
        let own = match (steps, self.unit()) {
            (0, Some(home)) if home == unit => self.people.get(&Subject::Unit(unit)),
            // What the branch itself calls the body above it, until that tells its own name.
            (1, Some(home)) => self.people.get(&Subject::Upper(home)),
            _ => None,
        };
        let name = told.map(|(_, name)| name).or(own.map(str::to_owned));
        Ok(Origin { unit, steps, name })
    }

    /// Who published each thing of a form. Of several the highest level; what came before this was noted is the unit's own.
    pub(super) fn origins(&self, form: u8) -> Result<BTreeMap<Hash, Origin>, DeviceError> {
        let prefix = [ORIGIN, &[form]].concat();
        let mut known: BTreeMap<UnitId, Origin> = BTreeMap::new();
        let mut all: BTreeMap<Hash, Origin> = BTreeMap::new();
        for (key, _) in self.replica.store().list(Bucket::Library, &prefix)? {
            let rest = key.get(prefix.len()..).and_then(|rest| rest.split_first_chunk());
            let (id, unit) = rest.ok_or(DeviceError::damaged("library"))?;
            let unit = UnitId::from_slice(unit).ok_or(DeviceError::damaged("library"))?;
            let origin = match known.get(&unit) {
                Some(origin) => origin.clone(),
                None => self.origin(unit)?,
            };
            known.insert(unit, origin.clone());
            let held = all.entry(Hash(*id)).or_insert_with(|| origin.clone());
            if origin.steps > held.steps {
                *held = origin;
            }
        }
        Ok(all)
    }

    /// On an officer's phone of a unit with others below it: tells them what the unit is called.
    pub(super) fn tell_name(&mut self) -> Result<(), DeviceError> {
        let (home, space) = (self.home()?.unit, self.space(SpaceKind::Broadcast)?);
        if self.followed.units.is_empty() || self.may_publish(&space).is_err() {
            return Ok(());
        }
        let Some(name) = self.people.get(&Subject::Unit(home)).map(str::to_owned) else {
            return Ok(());
        };
        let prefix = [NAMES, home.as_bytes()].concat();
        let rows = self.replica.store().list(Bucket::Library, &prefix)?;
        let last = rows.last().and_then(|(_, bytes)| read_name(bytes));
        if last.as_ref().is_some_and(|(_, told)| *told == name) {
            return Ok(());
        }
        let revision = last.map_or(1, |(revision, _)| revision.saturating_add(1));
        let payload = tagged(NAME, &name_record(revision, &name));
        self.publish(&space, vec![(Kind::PUBLICATION, payload)], Vec::new())?;
        self.absorb()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_units_name_has_one_form_and_nothing_else_is_one() {
        let bytes = name_record(2, "Đảng bộ xã");
        assert_eq!(
            data_encoding::HEXLOWER.encode(&bytes),
            include_str!("../../vectors/unit-name.hex").trim()
        );
        assert_eq!(read_name(&bytes), Some((2, "Đảng bộ xã".to_owned())));
        for len in 0..bytes.len() {
            assert_eq!(read_name(&bytes[..len]), None, "{len} bytes");
        }
        let mut newer = bytes.clone();
        newer[1] = 2;
        assert_eq!(read_name(&newer), None, "a version this software does not know");
        let of = |len: usize| read_name(&name_record(1, &"x".repeat(len)));
        assert!(of(NAME_BYTES_MAX).is_some());
        assert!(of(NAME_BYTES_MAX + 1).is_none());
    }

    proptest! {
        #[test]
        fn garbage_is_no_name(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Some((revision, name)) = read_name(&bytes) {
                prop_assert_eq!(name_record(revision, &name), bytes);
            }
        }
    }
}
