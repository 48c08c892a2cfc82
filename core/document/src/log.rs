//! The story of a document: every change that says something, who made it, and which places it wrote.

use sotay_feed::InOrder;
use std::collections::BTreeMap;

use automerge::legacy::{Key, ObjectId, Op, OpType};
use automerge::{Automerge, ChangeHash, ObjId, Prop, ReadDoc};

use crate::history::{Provenance, provenance};
use crate::touched::{TouchKind, Touched};

/// One change of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Its hash.
    pub hash: ChangeHash,
    /// Who made it, and when by their own clock.
    pub by: Provenance,
    /// The places it wrote, in order, each once; what other changes made of them since does not matter.
    pub touched: Vec<Touched>,
}

/// All changes but the first, which nobody wrote, and those without operations, which only join branches. Causes come
/// before effects; otherwise the order is that of the counters of operations, then of hashes: equal on every replica.
pub fn log(crdt: &Automerge) -> Vec<LogEntry> {
    let mut changes = crdt.get_changes(&[]);
    changes.retain(|change| !change.deps().is_empty() && !change.is_empty());
    changes.in_order_by_key(|change| (change.start_op(), change.hash()));
    let mut places = Places {
        crdt,
        known: BTreeMap::new(),
    };
    changes
        .iter()
        .filter_map(|change| {
            let by = provenance(crdt, &change.hash())?;
            let mut touched: Vec<Touched> = change
                .decode()
                .operations
                .iter()
                .filter_map(|op| places.touched(op))
                .collect();
            touched.in_order();
            touched.dedup();
            Some(LogEntry {
                hash: change.hash(),
                by,
                touched,
            })
        })
        .collect()
}

/// Where objects are in the document.
struct Places<'a> {
    crdt: &'a Automerge,
    known: BTreeMap<String, Option<Vec<Prop>>>,
}

impl Places<'_> {
    fn touched(&mut self, op: &Op) -> Option<Touched> {
        let mut path = self.path(&op.obj)?;
        let kind = match (&op.key, &op.action) {
            (Key::Map(key), action) => {
                path.push(Prop::Map(key.to_string()));
                if *action == OpType::Delete {
                    TouchKind::Deleted
                } else {
                    TouchKind::Put { conflict: false }
                }
            }
            // Which of its elements were meant then cannot be told from where they are now.
            (Key::Seq(_), _) => TouchKind::Text,
        };
        Some(Touched { path, kind })
    }

    /// Keys from the root to an object; `None` for one that cannot be found.
    fn path(&mut self, object: &ObjectId) -> Option<Vec<Prop>> {
        let ObjectId::Id(id) = object else {
            return Some(Vec::new());
        };
        let name = format!("{}@{}", id.counter(), id.actor().to_hex_string());
        if let Some(known) = self.known.get(&name) {
            return known.clone();
        }
        let path = self
            .crdt
            .import(&name)
            .ok()
            .and_then(|(object, _)| self.path_of(&object));
        self.known.insert(name, path.clone());
        path
    }

    fn path_of(&self, object: &ObjId) -> Option<Vec<Prop>> {
        let mut path: Vec<Prop> = self
            .crdt
            .parents(object)
            .ok()?
            .map(|parent| parent.prop)
            .collect();
        path.reverse();
        Some(path)
    }
}

#[cfg(test)]
mod tests {
    use automerge::ROOT;
    use automerge::transaction::Transactable;

    use super::*;
    use crate::testing::{NOW, device, give, object, open, put};

    fn paths(entry: &LogEntry) -> Vec<String> {
        entry
            .touched
            .iter()
            .map(|touched| touched.keys().collect::<Vec<_>>().join("/"))
            .collect()
    }

    #[test]
    fn every_change_is_told_once_with_its_author_and_its_places() {
        let mut document = open(1);
        put(&mut document, "place", "nhà văn hóa");
        let note = object(&document, "note");
        document
            .edit(NOW + 5_000, |tx| tx.splice_text(&note, 0, 0, "họp"))
            .unwrap();
        let fields = object(&document, "fields");
        document.edit(NOW, |tx| tx.delete(&fields, "place")).unwrap();
        let log = log(document.read());
        assert_eq!(
            log.iter().map(paths).collect::<Vec<_>>(),
            [["fields/place"], ["note"], ["fields/place"]]
        );
        assert_eq!(log[1].touched[0].kind, TouchKind::Text);
        assert_eq!(log[2].touched[0].kind, TouchKind::Deleted);
        assert_eq!((log[1].by.device, log[1].by.time_ms), (device(1), NOW + 5_000));
    }

    #[test]
    fn two_replicas_tell_the_same_story_whatever_arrived_first() {
        let (mut ours, mut theirs) = (open(1), open(2));
        let a: Vec<Vec<u8>> = put(&mut ours, "start", "19:30")
            .rows()
            .map(<[u8]>::to_vec)
            .collect();
        let b: Vec<Vec<u8>> = put(&mut theirs, "end", "21:05")
            .rows()
            .map(<[u8]>::to_vec)
            .collect();
        give(&mut ours, 2, &b);
        give(&mut theirs, 1, &a);
        let c: Vec<Vec<u8>> = put(&mut ours, "chair", "An").rows().map(<[u8]>::to_vec).collect();
        give(&mut theirs, 1, &c);
        assert_eq!(log(ours.read()), log(theirs.read()));
        let told: Vec<String> = log(ours.read()).iter().flat_map(paths).collect();
        assert_eq!(told.len(), 3);
        assert_eq!(told[2], "fields/chair");
    }

    #[test]
    fn the_beginning_of_a_document_is_nobodys_doing() {
        let document = open(1);
        assert!(document.read().get(ROOT, "fields").unwrap().is_some());
        assert_eq!(log(document.read()), []);
    }
}
