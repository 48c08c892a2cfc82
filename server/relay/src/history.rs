//! The last days hour by hour, for the operator's page: how syncs went and what was refused. In memory only.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

const HOUR_MS: i64 = 3_600_000;
/// Hours that are kept.
pub(crate) const HOURS_KEPT: i64 = 48;

/// Syncs of one hour by how long they took (Apdex).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Hour {
    pub satisfied: u32,
    pub tolerated: u32,
    pub frustrated: u32,
}

impl Hour {
    pub fn total(&self) -> u32 {
        self.satisfied
            .saturating_add(self.tolerated)
            .saturating_add(self.frustrated)
    }
}

/// How one sync went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Satisfaction {
    Satisfied,
    Tolerated,
    Frustrated,
}

#[derive(Debug, Default)]
struct Inner {
    syncs: BTreeMap<i64, Hour>,
    /// Reasons come from a closed list of words.
    refusals: BTreeMap<(i64, &'static str), u64>,
}

/// Counts by hour.
#[derive(Debug, Default)]
pub(crate) struct History(Mutex<Inner>);

impl History {
    fn with<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn synced(&self, how: Satisfaction, now: i64) {
        self.with(|inner| {
            let hour = now.div_euclid(HOUR_MS);
            let counts = inner.syncs.entry(hour).or_default();
            let count = match how {
                Satisfaction::Satisfied => &mut counts.satisfied,
                Satisfaction::Tolerated => &mut counts.tolerated,
                Satisfaction::Frustrated => &mut counts.frustrated,
            };
            *count = count.saturating_add(1);
            inner.forget(hour);
        });
    }

    pub fn refused(&self, reason: &'static str, now: i64) {
        self.with(|inner| {
            let hour = now.div_euclid(HOUR_MS);
            *inner.refusals.entry((hour, reason)).or_default() += 1;
            inner.forget(hour);
        });
    }

    /// The last `hours` hours, the present one last.
    pub fn syncs(&self, hours: i64, now: i64) -> Vec<Hour> {
        let last = now.div_euclid(HOUR_MS);
        self.with(|inner| {
            let hour = |at: i64| inner.syncs.get(&at).copied().unwrap_or_default();
            (last - hours + 1..=last).map(hour).collect()
        })
    }

    /// Refusals of the last `hours` hours by reason, the most frequent first.
    pub fn refusals(&self, hours: i64, now: i64) -> Vec<(&'static str, u64)> {
        let first = now.div_euclid(HOUR_MS) - hours + 1;
        let mut sums: BTreeMap<&'static str, u64> = BTreeMap::new();
        self.with(|inner| {
            for ((_, reason), count) in inner.refusals.range((first, "")..) {
                *sums.entry(reason).or_default() += count;
            }
        });
        let mut sums: Vec<_> = sums.into_iter().collect();
        sums.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        sums
    }
}

impl Inner {
    fn forget(&mut self, hour: i64) {
        let first = hour - HOURS_KEPT + 1;
        self.syncs.retain(|at, _| *at >= first);
        self.refusals.retain(|(at, _), _| *at >= first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_counted_shown_in_order_and_forgotten() {
        let history = History::default();
        history.synced(Satisfaction::Satisfied, 0);
        history.synced(Satisfaction::Frustrated, HOUR_MS);
        history.synced(Satisfaction::Tolerated, HOUR_MS + 1);
        let hours = history.syncs(3, HOUR_MS);
        assert_eq!(hours.iter().map(Hour::total).collect::<Vec<_>>(), [0, 1, 2]);
        for (reason, count) in [("quota", 2), ("gap", 5)] {
            for _ in 0..count {
                history.refused(reason, HOUR_MS);
            }
        }
        assert_eq!(history.refusals(24, HOUR_MS), [("gap", 5), ("quota", 2)]);
        assert_eq!(history.refusals(1, 2 * HOUR_MS), []);
        history.refused("fork", HOURS_KEPT * HOUR_MS);
        history.synced(Satisfaction::Satisfied, HOURS_KEPT * HOUR_MS);
        assert_eq!(
            history.syncs(HOURS_KEPT + 1, HOURS_KEPT * HOUR_MS)[0],
            Hour::default()
        );
        assert_eq!(history.refusals(HOURS_KEPT, HOURS_KEPT * HOUR_MS).len(), 3);
        history.refused("fork", (HOURS_KEPT + 1) * HOUR_MS);
        assert_eq!(history.refusals(100, (HOURS_KEPT + 1) * HOUR_MS), [("fork", 2)]);
    }
}
