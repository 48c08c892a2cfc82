//! Clocks that are off, as far as the records show it: a change that builds on another phone's change, but claims to be
//! older by more than the policy lets pass. Nothing is decided by it; the times in the minutes may be wrong.

use std::collections::{BTreeMap, BTreeSet};

use sotay_document::crdt::{Automerge, ChangeHash};
use sotay_document::provenance;
use sotay_feed::DeviceId;
use sotay_handbook::review::{ReviewItem, clock_off};

const MINUTE_MS: i64 = 60_000;

/// An item for each phone whose clock is off: of two that differ, the one that differs from more others, and of two that
/// differ from each other alone the one that is behind. Equal on all devices with the same document.
pub(super) fn clock_items(crdt: &Automerge, tolerance_minutes: u32) -> Vec<ReviewItem> {
    let found = differences(crdt, i64::from(tolerance_minutes));
    let mut against: BTreeMap<DeviceId, BTreeSet<DeviceId>> = BTreeMap::new();
    for &(behind, ahead) in found.keys() {
        against.entry(behind).or_default().insert(ahead);
        against.entry(ahead).or_default().insert(behind);
    }
    let mut off: BTreeMap<DeviceId, i64> = BTreeMap::new();
    for (&(behind, ahead), &minutes) in &found {
        let blamed = if against[&ahead].len() > against[&behind].len() {
            ahead
        } else {
            behind
        };
        let most = off.entry(blamed).or_default();
        *most = minutes.max(*most);
    }
    off.into_iter()
        .map(|(device, minutes)| clock_off(device, u32::try_from(minutes).unwrap_or(u32::MAX)))
        .collect()
}

/// The greatest difference in minutes, for each pair of a phone behind and one ahead.
fn differences(crdt: &Automerge, tolerance: i64) -> BTreeMap<(DeviceId, DeviceId), i64> {
    let mut newest: BTreeMap<ChangeHash, BTreeMap<DeviceId, i64>> = BTreeMap::new();
    let mut found = BTreeMap::new();
    for change in crdt.get_changes_meta(&[]) {
        let mut known: BTreeMap<DeviceId, i64> = BTreeMap::new();
        for (&device, &at) in change.deps.iter().filter_map(|dep| newest.get(dep)).flatten() {
            let latest = known.entry(device).or_insert(at);
            *latest = at.max(*latest);
        }
        if let Some(by) = provenance(crdt, &change.hash).filter(|by| !by.genesis) {
            for (&other, &at) in known.iter().filter(|(other, _)| **other != by.device) {
                let minutes = (at - by.time_ms) / MINUTE_MS;
                if minutes > tolerance {
                    let most = found.entry((by.device, other)).or_insert(minutes);
                    *most = minutes.max(*most);
                }
            }
            let latest = known.entry(by.device).or_insert(by.time_ms);
            *latest = by.time_ms.max(*latest);
        }
        newest.insert(change.hash, known);
    }
    found
}
