//! Whom the operator lets in: the configuration's units, and what was allowed and blocked at run time, kept in the
//! database.

use std::collections::BTreeSet;

use sotay_feed::{DeviceId, UnitId};
use sotay_membership::RootId;
use sotay_store::{Batch, Bucket, Put, Store, StoreError};
use sotay_sync::Policy;

const ALLOWED: &[u8] = b"allow/";
const BLOCKED_UNIT: &[u8] = b"block-unit/";
const BLOCKED_DEVICE: &[u8] = b"block-device/";

/// What is allowed or blocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    Unit(UnitId),
    Device(DeviceId),
}

/// Units and roots that a configuration names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Served {
    pub units: BTreeSet<UnitId>,
    /// Every unit under one of these is served.
    pub roots: BTreeSet<RootId>,
}

impl Served {
    /// As the configuration writes them.
    pub fn texts(&self) -> Vec<String> {
        let roots = self.roots.iter().map(|root| format!("root:{root}"));
        self.units.iter().map(ToString::to_string).chain(roots).collect()
    }
}

/// Who is served.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Permissions {
    /// What configuration and command line name; `None`: any.
    pub served: Option<Served>,
    pub allowed: BTreeSet<UnitId>,
    pub blocked_units: BTreeSet<UnitId>,
    pub blocked_devices: BTreeSet<DeviceId>,
}

impl Permissions {
    /// Reads what was allowed and blocked at run time.
    pub fn load(store: &impl Store, served: Option<Served>) -> Result<Self, StoreError> {
        Ok(Self {
            served,
            allowed: listed(store, ALLOWED, UnitId::from_slice)?,
            blocked_units: listed(store, BLOCKED_UNIT, UnitId::from_slice)?,
            blocked_devices: listed(store, BLOCKED_DEVICE, DeviceId::from_slice)?,
        })
    }

    /// What the replica goes by.
    pub fn policy(&self) -> Policy {
        match &self.served {
            None if self.blocked_units.is_empty() => Policy::Any,
            None => Policy::AllBut(self.blocked_units.clone()),
            Some(served) => {
                let units = served.units.union(&self.allowed);
                let units = units
                    .filter(|unit| !self.blocked_units.contains(unit))
                    .copied()
                    .collect();
                if served.roots.is_empty() {
                    return Policy::Units(units);
                }
                Policy::Roots {
                    roots: served.roots.clone(),
                    units,
                    blocked: self.blocked_units.clone(),
                }
            }
        }
    }

    /// Blocks, durably.
    pub fn block(&mut self, store: &mut impl Store, target: Target) -> Result<(), StoreError> {
        match target {
            Target::Unit(unit) => {
                put(
                    store,
                    vec![
                        (ALLOWED, unit.as_bytes(), false),
                        (BLOCKED_UNIT, unit.as_bytes(), true),
                    ],
                )?;
                self.allowed.remove(&unit);
                self.blocked_units.insert(unit);
            }
            Target::Device(device) => {
                put(store, vec![(BLOCKED_DEVICE, device.as_bytes(), true)])?;
                self.blocked_devices.insert(device);
            }
        }
        Ok(())
    }

    /// Takes a block away; a unit is served from now on even if the configuration does not name it.
    pub fn allow(&mut self, store: &mut impl Store, target: Target) -> Result<(), StoreError> {
        match target {
            Target::Unit(unit) => {
                put(
                    store,
                    vec![
                        (ALLOWED, unit.as_bytes(), true),
                        (BLOCKED_UNIT, unit.as_bytes(), false),
                    ],
                )?;
                self.allowed.insert(unit);
                self.blocked_units.remove(&unit);
            }
            Target::Device(device) => {
                put(store, vec![(BLOCKED_DEVICE, device.as_bytes(), false)])?;
                self.blocked_devices.remove(&device);
            }
        }
        Ok(())
    }
}

fn put(store: &mut impl Store, marks: Vec<(&[u8], &[u8], bool)>) -> Result<(), StoreError> {
    let puts = marks.into_iter().map(|(prefix, id, set)| Put {
        bucket: Bucket::Relay,
        key: [prefix, id].concat(),
        value: set.then(Vec::new),
    });
    store.commit(Batch {
        envelopes: Vec::new(),
        puts: puts.collect(),
        ..Batch::default()
    })?;
    Ok(())
}

fn listed<T: Ord>(
    store: &impl Store,
    prefix: &[u8],
    read: impl Fn(&[u8]) -> Option<T>,
) -> Result<BTreeSet<T>, StoreError> {
    let records = store.list(Bucket::Relay, prefix)?;
    records
        .iter()
        .map(|(key, _)| {
            read(&key[prefix.len()..]).ok_or_else(|| StoreError::Corrupt("a permission of the relay".into()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotay_store::{DatabaseId, MemoryStore};

    fn unit(number: u8) -> UnitId {
        UnitId::from_bytes([number; 32])
    }

    #[test]
    fn what_was_allowed_and_blocked_is_kept_and_the_last_word_counts() {
        let mut store = MemoryStore::new(DatabaseId([1; 16]));
        let configured = Some(Served {
            units: [unit(1), unit(2)].into(),
            roots: BTreeSet::new(),
        });
        let mut permissions = Permissions::load(&store, configured.clone()).unwrap();
        permissions.allow(&mut store, Target::Unit(unit(3))).unwrap();
        permissions.block(&mut store, Target::Unit(unit(1))).unwrap();
        permissions.block(&mut store, Target::Unit(unit(4))).unwrap();
        permissions.allow(&mut store, Target::Unit(unit(4))).unwrap();
        let device = DeviceId::from_bytes([9; 8]);
        permissions.block(&mut store, Target::Device(device)).unwrap();
        let kept = Permissions::load(&store, configured).unwrap();
        assert_eq!(kept, permissions);
        assert_eq!(kept.policy(), Policy::Units([unit(2), unit(3), unit(4)].into()));
        assert!(kept.blocked_devices.contains(&device));
        let mut any = Permissions::load(&store, None).unwrap();
        assert_eq!(any.policy(), Policy::AllBut([unit(1)].into()));
        any.allow(&mut store, Target::Unit(unit(1))).unwrap();
        any.allow(&mut store, Target::Device(device)).unwrap();
        assert_eq!(any.policy(), Policy::Any);
        assert_eq!(Permissions::load(&store, None).unwrap(), any);
        let root = RootId::from_bytes([5; 32]);
        let under = Some(Served {
            units: BTreeSet::new(),
            roots: [root].into(),
        });
        any.block(&mut store, Target::Unit(unit(2))).unwrap();
        let policy = Permissions::load(&store, under).unwrap().policy();
        let expected = Policy::Roots {
            roots: [root].into(),
            units: [unit(1), unit(3), unit(4)].into(),
            blocked: [unit(2)].into(),
        };
        assert_eq!(policy, expected);
    }
}
