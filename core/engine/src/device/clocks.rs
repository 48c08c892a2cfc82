//! Clocks that are off, as far as the records show it: a change that builds on another phone's change, but claims to be
//! older by more than the policy lets pass. Nothing is decided by it; the times in the minutes may be wrong.

use std::collections::{BTreeMap, BTreeSet};

use sotay_document::Differences;
use sotay_feed::DeviceId;
use sotay_handbook::review::{ReviewItem, clock_off};

/// An item for each phone whose clock is off: of two that differ, the one that differs from more others, and of two that
/// differ from each other alone the one that is behind. Equal on all devices with the same document.
pub(super) fn clock_items(clocks: &Differences, tolerance_minutes: u32) -> Vec<ReviewItem> {
    let tolerance = i64::from(tolerance_minutes);
    let found: Differences = clocks
        .iter()
        .filter(|(_, minutes)| **minutes > tolerance)
        .map(|(pair, minutes)| (*pair, *minutes))
        .collect();
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
