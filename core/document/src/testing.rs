//! Documents, honest and forged changes for the tests of this crate.

use automerge::transaction::{Transactable, Transaction};
use automerge::{AutomergeError, Change, ChangeHash, ExpandedChange, ObjId, ObjType, ROOT, ReadDoc};
use sotay_feed::{DeviceId, DocId};

use crate::chunk::Parts;
use crate::{Actor, Applied, Document, GateError, LocalChange, Run, genesis_change};

pub(crate) const DOC: DocId = DocId::from_bytes([0xd0; 16]);
pub(crate) const NOW: i64 = 1_780_000_000_000;

pub(crate) fn containers(tx: &mut Transaction<'_>) -> Result<(), AutomergeError> {
    tx.put_object(ROOT, "note", ObjType::Text)?;
    tx.put_object(ROOT, "fields", ObjType::Map)?;
    tx.put_object(ROOT, "list", ObjType::List)?;
    Ok(())
}

pub(crate) fn genesis() -> Vec<u8> {
    genesis_change(DOC, 1, containers).unwrap()
}

pub(crate) fn device(number: u8) -> DeviceId {
    DeviceId::from_bytes([number; 8])
}

pub(crate) fn actor(number: u8) -> Actor {
    Actor::new(device(number), [1; 8])
}

pub(crate) fn open(number: u8) -> Document {
    Document::new(DOC, &genesis(), actor(number)).unwrap()
}

pub(crate) fn object(document: &Document, key: &str) -> ObjId {
    document.read().get(ROOT, key).unwrap().unwrap().1
}

/// Puts a field; the value is unequal to any before, so there always is a change.
pub(crate) fn put(
    document: &mut Document,
    key: &str,
    value: impl Into<automerge::ScalarValue>,
) -> LocalChange {
    let fields = object(document, "fields");
    let (_, change) = document.edit(NOW, |tx| tx.put(&fields, key, value)).unwrap();
    change.unwrap()
}

pub(crate) fn run_of<C: AsRef<[u8]>>(author: u8, changes: &[C]) -> (DeviceId, Run) {
    let run = Run {
        doc: DOC,
        kind: 1,
        schema: 1,
        actor: actor(author),
        changes: changes.iter().map(|raw| raw.as_ref().to_vec()).collect(),
    };
    (device(author), run)
}

pub(crate) fn give<C: AsRef<[u8]>>(document: &mut Document, author: u8, changes: &[C]) -> Applied {
    document.apply(vec![run_of(author, changes)])
}

/// Writes the same change with other parts, checksum and hash made to fit.
pub(crate) fn forge(raw: &[u8], alter: impl FnOnce(&mut Parts<'_>)) -> Vec<u8> {
    let (mut parts, _) = Parts::read(raw).unwrap();
    alter(&mut parts);
    parts.write().0
}

/// The same on the level of operations.
pub(crate) fn forge_ops(raw: &[u8], alter: impl FnOnce(&mut ExpandedChange)) -> Vec<u8> {
    let mut expanded = Change::from_bytes(raw.to_vec()).unwrap().decode();
    alter(&mut expanded);
    Change::from(expanded).raw_bytes().to_vec()
}

pub(crate) fn hash(raw: &[u8]) -> ChangeHash {
    Change::from_bytes(raw.to_vec()).unwrap().hash()
}

pub(crate) fn assert_equal(one: &Document, other: &Document) {
    assert_eq!(one.heads(), other.heads());
    assert!(
        one.read().hydrate(None) == other.read().hydrate(None),
        "same heads, other content"
    );
}

/// The refusal of the only change offered.
pub(crate) fn verdict(document: &mut Document, author: u8, raw: &[u8]) -> Option<GateError> {
    let heads = document.heads();
    let applied = give(document, author, &[raw]);
    let refused = applied.refused.first().map(|refused| refused.error);
    assert_eq!(
        refused.is_some(),
        applied.admitted.is_empty() && applied.orphans.is_empty()
    );
    assert_eq!(
        refused.is_some() || !applied.orphans.is_empty(),
        document.heads() == heads
    );
    refused
}

/// Writing and saving go on.
pub(crate) fn works(document: &mut Document) {
    put(document, "still works", 1);
    document.save().unwrap();
}
