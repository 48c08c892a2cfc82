//! How far clocks differ, as far as a document shows it: a change that builds on another device's change, and claims to be
//! older.

use std::collections::BTreeMap;
use std::sync::Arc;

use automerge::{Automerge, ChangeHash};
use sotay_feed::DeviceId;

use crate::history::provenance;

const MINUTE_MS: i64 = 60_000;

/// The greatest difference in whole minutes, where there is one, for each pair of a device behind and one ahead.
pub type Differences = BTreeMap<(DeviceId, DeviceId), i64>;

/// The latest time of every device in a change's past.
type Latest = BTreeMap<DeviceId, i64>;

/// What a change and its past have of every device: mostly what the change before had, and a later time of its own author.
#[derive(Clone, Default)]
struct Past {
    others: Arc<Latest>,
    own: Option<(DeviceId, i64)>,
}

impl Past {
    fn iter(&self) -> impl Iterator<Item = (DeviceId, i64)> {
        // The author's own time is the later one.
        let own = self.own.map(|(device, _)| device);
        let others = self.others.iter().map(|(device, at)| (*device, *at));
        others
            .filter(move |(device, _)| Some(*device) != own)
            .chain(self.own)
    }
}

/// What is known of the clocks of everybody who wrote in a document.
#[derive(Clone, Default)]
pub(crate) struct Clocks {
    pasts: BTreeMap<ChangeHash, Past>,
    differences: Differences,
}

impl Clocks {
    /// Of a whole document.
    pub fn of(crdt: &Automerge) -> Self {
        let mut clocks = Self::default();
        clocks.learn(crdt, &[]);
        clocks
    }

    pub fn differences(&self) -> &Differences {
        &self.differences
    }

    /// Takes in the changes that came after `heads`; what was before is known.
    pub fn learn(&mut self, crdt: &Automerge, heads: &[ChangeHash]) {
        for change in crdt.get_changes_meta(heads) {
            let by = provenance(crdt, &change.hash).filter(|by| !by.genesis);
            let past = match by {
                None => self.merged(&change.deps),
                Some(by) => {
                    let mut past = self.before(&change.deps, by.device);
                    for (other, at) in past.iter().filter(|(other, _)| *other != by.device) {
                        let minutes = (at - by.time_ms) / MINUTE_MS;
                        if minutes > 0 {
                            let most = self.differences.entry((by.device, other)).or_insert(minutes);
                            *most = minutes.max(*most);
                        }
                    }
                    let before = past.iter().find(|(device, _)| *device == by.device);
                    let latest = before.map_or(by.time_ms, |(_, at)| at.max(by.time_ms));
                    past.own = Some((by.device, latest));
                    past
                }
            };
            self.pasts.insert(change.hash, past);
        }
    }

    /// What lies before a change of `device`, so that its own time can be put beside it.
    fn before(&self, deps: &[ChangeHash], device: DeviceId) -> Past {
        if let [dep] = deps
            && let Some(past) = self.pasts.get(dep)
            && past.own.is_none_or(|(author, _)| author == device)
        {
            return past.clone();
        }
        self.merged(deps)
    }

    fn merged(&self, deps: &[ChangeHash]) -> Past {
        let mut others = Latest::new();
        for (device, at) in deps
            .iter()
            .filter_map(|dep| self.pasts.get(dep))
            .flat_map(Past::iter)
        {
            let latest = others.entry(device).or_insert(at);
            *latest = at.max(*latest);
        }
        Past {
            others: Arc::new(others),
            own: None,
        }
    }
}
