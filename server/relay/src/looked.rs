//! Which units the hourly look for covers may pass over. Which covers count follows from the unit's roll and the forks proven
//! in it: while both are as they were, and no cover's time is up, a second look would find what the first one found. It costs
//! a question for the roll's head, where looking reads the whole roll and checks its signatures.

use std::collections::{BTreeMap, BTreeSet};

use sotay_feed::{DeviceId, IntoTree, Space, SpaceId, SpaceKind, UnitId};
use sotay_store::{Arrival, Store, StoreError};

use crate::prune::Retention;

/// By roll the devices that forked in it, and where.
#[derive(Debug)]
pub(crate) struct Forks(BTreeMap<SpaceId, Vec<(DeviceId, u64)>>);

impl Forks {
    /// All that are proven.
    pub fn read(store: &impl Store) -> Result<Self, StoreError> {
        let mut forks: BTreeMap<SpaceId, Vec<(DeviceId, u64)>> = BTreeMap::new();
        for fork in store.forks()? {
            forks.entry(fork.space).or_default().push((fork.device, fork.seq));
        }
        Ok(Self(forks))
    }
}

/// What a unit's covers rest on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Basis {
    head: Arrival,
    forks: Vec<(DeviceId, u64)>,
}

impl Basis {
    /// As it is now.
    pub fn of(store: &impl Store, unit: UnitId, forks: &Forks) -> Result<Self, StoreError> {
        let roll = Space::of(unit, SpaceKind::Roll).id();
        Ok(Self {
            head: store.head(&roll)?,
            forks: forks.0.get(&roll).cloned().unwrap_or_default(),
        })
    }
}

/// What was found by looks whose notes are all on disk.
#[derive(Debug, Default)]
pub(crate) struct Looked(BTreeMap<UnitId, (Basis, Option<i64>)>);

impl Looked {
    /// Whether a look would find nothing new, nor anything to do.
    pub fn settles(&self, unit: UnitId, basis: &Basis, retention: &Retention, now: i64) -> bool {
        self.0.get(&unit).is_some_and(|(known, unfinished)| {
            let due = |since: &i64| retention.signed && since.saturating_add(retention.after_ms) <= now;
            known == basis && !unfinished.as_ref().is_some_and(due)
        })
    }

    /// What a look found: since when the oldest of its covers is held that is not finished.
    pub fn note(&mut self, unit: UnitId, basis: Basis, unfinished: Option<i64>) {
        self.0.insert(unit, (basis, unfinished));
    }

    /// Forgets all other units.
    pub fn keep(&mut self, units: &[UnitId]) {
        let units: BTreeSet<UnitId> = units.iter().copied().into_set();
        self.0.retain(|unit, _| units.contains(unit));
    }
}
