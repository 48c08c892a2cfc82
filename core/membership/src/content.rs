//! Which changes of documents count (P5.15): those of authors who could write there, and what these build on.

use std::collections::{BTreeMap, BTreeSet};

use sotay_feed::{DeviceId, EnvelopeId, Kind, Space};

use crate::membership::Membership;

/// One change, or run of changes, as far as membership is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<K> {
    /// The device that signed it.
    pub author: DeviceId,
    /// Its number in the author's feed of the space.
    pub seq: u64,
    /// Its envelope, if known: compared with the cut-off at that number.
    pub envelope: Option<EnvelopeId>,
    /// What it builds on. Keys that are not on record are passed over.
    pub deps: Vec<K>,
}

/// Which changes of a space count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content<K> {
    /// Changes whose author could write at that place.
    pub own: BTreeSet<K>,
    /// Those, the sealed ones, and everything they build on. Closed under dependencies on record.
    pub valid: BTreeSet<K>,
}

/// Judges the changes of one space. `sealed` are heads that a valid seal names; a seal vouches like a change does.
///
/// Only changes are vouched for: votes, seals, grants and epochs count by their author's right alone.
pub fn content<K: Ord + Copy>(
    membership: &Membership,
    space: &Space,
    changes: &BTreeMap<K, Change<K>>,
    sealed: &BTreeSet<K>,
) -> Content<K> {
    let own: BTreeSet<K> = changes
        .iter()
        .filter(|(_, change)| {
            membership
                .write_place(change.author, space, Kind::CHANGE, change.seq, change.envelope)
                .is_ok()
        })
        .map(|(key, _)| *key)
        .collect();
    let sealed = sealed.iter().filter(|key| changes.contains_key(key));
    let mut open: Vec<K> = own.iter().chain(sealed).copied().collect();
    let mut valid = BTreeSet::new();
    while let Some(key) = open.pop() {
        if valid.insert(key) {
            let deps = changes[&key].deps.iter();
            open.extend(deps.filter(|dep| changes.contains_key(dep)));
        }
    }
    Content { own, valid }
}
