//! Who wrote what: the author of a change, and every concurrent value of a field.

use std::cmp::Reverse;

use automerge::{Automerge, AutomergeError, ChangeHash, ObjId, Prop, ReadDoc, Value};
use sotay_feed::{DeviceId, InOrder};

use crate::actor::Actor;
use crate::chunk::{Parts, ShapeError};

/// Who made a change, and when by their own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Provenance {
    /// The device; of the genesis change it means nothing, see `genesis`.
    pub device: DeviceId,
    /// Whether this is the document's first change, which nobody wrote.
    pub genesis: bool,
    /// Milliseconds since 1970 UTC, exact to the second; by the author's clock, only to be shown.
    pub time_ms: i64,
    /// Number of the change among its actor's changes.
    pub seq: u64,
}

/// The author of a change that is in the document.
pub fn provenance(crdt: &Automerge, hash: &ChangeHash) -> Option<Provenance> {
    let meta = crdt.get_change_meta_by_hash(hash)?;
    Some(Provenance {
        device: Actor::from_automerge(&meta.actor)?.device(),
        genesis: meta.deps.is_empty(),
        time_ms: meta.timestamp.saturating_mul(1000),
        seq: meta.seq,
    })
}

/// A raw change's hash and the changes it builds on, without applying it: what decides whether it is vouched for.
pub fn change_links(raw: &[u8]) -> Result<(ChangeHash, Vec<ChangeHash>), ShapeError> {
    let (parts, hash) = Parts::read(raw)?;
    Ok((hash, parts.deps))
}

/// When a raw change was made by its author's clock, milliseconds since 1970 UTC, exact to the second.
pub fn change_time(raw: &[u8]) -> Result<i64, ShapeError> {
    let (parts, _) = Parts::read(raw)?;
    Ok(parts.time.saturating_mul(1000))
}

/// One of the values that stand at the same place.
#[derive(Debug, Clone)]
pub struct Alternative<'a> {
    /// The value. When it is an object, `id` is the object.
    pub value: Value<'a>,
    /// Operation that wrote it.
    pub id: ObjId,
    /// Who wrote it.
    pub device: DeviceId,
    /// The change that wrote it.
    pub change: ChangeHash,
}

/// Every concurrent value at `prop`, the one that reads return first, then by descending operation id: the same order
/// on every replica. Empty when there is none.
pub fn all_values<'a>(
    crdt: &'a Automerge,
    obj: &ObjId,
    prop: impl Into<Prop>,
) -> Result<Vec<Alternative<'a>>, AutomergeError> {
    let mut found: Vec<_> = crdt
        .get_all(obj, prop)?
        .into_iter()
        .filter_map(|(value, id)| {
            let ObjId::Id(counter, actor, _) = &id else {
                return None;
            };
            let actor = Actor::from_automerge(actor)?;
            let alternative = Alternative {
                value,
                device: actor.device(),
                change: crdt.hash_for_opid(&id)?,
                id: id.clone(),
            };
            Some((Reverse((*counter, actor)), alternative))
        })
        .collect();
    found.in_order_by_key(|(order, _)| *order);
    Ok(found.into_iter().map(|(_, alternative)| alternative).collect())
}
