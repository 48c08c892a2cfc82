//! Operations that refer to what they must not, and batches with one bad change in them.

use automerge::legacy::{Key, ObjectId, Op, OpId, OpType};
use automerge::transaction::Transactable;
use automerge::{ActorId, Change, ExpandedChange, ROOT};

use super::apply::Staged;
use super::*;
use crate::testing::*;

fn op_id(counter: u64, by: u8) -> OpId {
    OpId(counter, ActorId::from(actor(by).as_bytes().to_vec()))
}

/// Changes of device 1 with operations on what is not there or does not fit, each with a fitting head.
fn misplaced() -> Vec<(&'static str, Vec<u8>)> {
    let mut author = open(1);
    let first = put(&mut author, "a", 1).bytes;
    let [note, list, fields] = ["note", "list", "fields"].map(|key| match object(&author, key) {
        automerge::ObjId::Id(counter, by, _) => ObjectId::Id(OpId(counter, by)),
        automerge::ObjId::Root => ObjectId::Root,
    });
    let own = Change::from_bytes(first.clone()).unwrap().start_op().get();
    let text = |letters: &str| OpType::Put(letters.into());
    let alter = |name: &'static str, alter: &dyn Fn(&mut Op)| {
        let raw = forge_ops(&first, |change: &mut ExpandedChange| {
            alter(&mut change.operations[0])
        });
        (name, raw)
    };
    vec![
        alter("object that never was", &|op| op.obj = ObjectId::Id(op_id(77, 1))),
        alter("object of a device that never was", &|op| {
            op.obj = ObjectId::Id(op_id(1, 7))
        }),
        alter("object that is the operation itself", &|op| {
            op.obj = ObjectId::Id(op_id(own, 1))
        }),
        alter("element in a map", &|op| op.key = Key::from(op_id(77, 1))),
        alter("key in a list", &|op| op.obj = list.clone()),
        alter("insertion into a map", &|op| op.insert = true),
        alter("delete of what never was", &|op| {
            op.action = OpType::Delete;
            op.pred = vec![op_id(77, 1)].into();
        }),
        alter("delete of nothing", &|op| op.action = OpType::Delete),
        alter("increment of nothing", &|op| op.action = OpType::Increment(1)),
        alter("predecessor at another key", &|op| {
            let ObjectId::Id(fields) = fields.clone() else {
                unreachable!("made by the genesis")
            };
            op.pred = vec![fields].into();
        }),
        alter("insertion after an element that never was", &|op| {
            (op.obj, op.insert, op.key) = (list.clone(), true, Key::from(op_id(77, 1)));
        }),
        alter("write to the head of a list", &|op| {
            (op.obj, op.key) = (list.clone(), Key::head())
        }),
        alter("insertion that overwrites", &|op| {
            (op.obj, op.insert, op.key) = (list.clone(), true, Key::head());
            op.pred = vec![op_id(own, 1)].into();
        }),
        alter("two letters as one element of a text", &|op| {
            (op.obj, op.insert, op.key, op.action) = (note.clone(), true, Key::head(), text("ab"));
        }),
        alter("number in a text", &|op| {
            (op.obj, op.insert, op.key) = (note.clone(), true, Key::head())
        }),
    ]
}

#[test]
fn operations_on_what_is_not_there_or_does_not_fit_are_refused() {
    for (name, bad) in misplaced() {
        let mut reader = open(3);
        assert_eq!(
            verdict(&mut reader, 1, &bad),
            Some(GateError::Reference),
            "{name}"
        );
        works(&mut reader);
    }
}

#[test]
fn operations_on_what_their_author_cannot_have_seen_are_refused_everywhere() {
    let (mut one, mut two) = (open(1), open(2));
    let entry = one
        .edit(NOW, |tx| tx.put_object(ROOT, "map", automerge::ObjType::Map))
        .unwrap();
    let made = entry.1.unwrap().bytes;
    let unseen = Change::from_bytes(made.clone()).unwrap().start_op().get();
    // Device 2 writes into the map that device 1 makes at the same time, without depending on that.
    put(&mut two, "x", 1);
    let honest = put(&mut two, "y", 2).bytes;
    let x = put(&mut open(2), "x", 1).bytes;
    let blind = forge_ops(&honest, |change| {
        change.deps = vec![hash(&x)];
        change.operations[0].obj = ObjectId::Id(op_id(unseen, 1));
    });
    for knows_the_map in [false, true] {
        let mut reader = open(3);
        give(&mut reader, 2, &[&x]);
        if knows_the_map {
            assert_eq!(give(&mut reader, 1, &[&made]).admitted.len(), 1);
        }
        assert_eq!(
            verdict(&mut reader, 2, &blind),
            Some(GateError::Reference),
            "{knows_the_map}"
        );
    }
    // The same in one batch, where nothing of it is applied yet.
    let applied = open(3).apply(vec![run_of(1, &[&made]), run_of(2, &[&x, &blind])]);
    assert_eq!(applied.admitted.len(), 2);
    assert_eq!(
        applied.refused,
        vec![Refused {
            origin: Some((1, 1)),
            error: GateError::Reference
        }]
    );
    // Depending on it, the same operation is fine.
    let seeing = forge_ops(&blind, |change| {
        change.deps.push(hash(&made));
        change.deps.sort_unstable();
    });
    let applied = open(3).apply(vec![run_of(1, &[&made]), run_of(2, &[&x, &seeing])]);
    assert_eq!(applied.refused, vec![]);
}

/// Means the same as the honest change, but Automerge would write it in fewer bytes.
pub(super) fn roundabout(document: &mut Document) -> Vec<u8> {
    let fields = object(document, "fields");
    let (_, change) = document
        .edit(NOW, |tx| {
            tx.put(&fields, "p", 1)?;
            tx.put(&fields, "q", 1)
        })
        .unwrap();
    forge(&change.unwrap().bytes, |parts| {
        for (spec, column) in &mut parts.columns {
            if *spec == 0x70 {
                assert_eq!(*column, [2, 0], "two operations without predecessors, as one run");
                *column = &[0x7e, 0, 0];
            }
        }
    })
}

#[test]
fn a_change_that_automerge_would_write_otherwise_costs_only_itself() {
    let (mut author, mut other, mut reader) = (open(1), open(2), open(3));
    let before = put(&mut other, "b", 2).bytes;
    let after = put(&mut other, "c", 3).bytes;
    let bad = roundabout(&mut author);
    let applied = reader.apply(vec![
        run_of(2, &[&before]),
        run_of(1, &[&bad]),
        run_of(2, &[&after]),
    ]);
    assert_eq!(applied.admitted, vec![before, after]);
    assert_eq!(applied.refused.len(), 1);
    assert_eq!(applied.refused[0].origin, Some((1, 0)));
    let error = applied.refused[0].error;
    // Automerge's own debug assertions may notice first.
    assert!(
        matches!(error, GateError::NotCanonical | GateError::Inapplicable),
        "{error}"
    );
    assert_eq!(applied.touched.len(), 2);
    assert_equal(&other, &reader);
    works(&mut reader);
}

#[test]
fn a_panic_inside_the_batch_is_found_and_costs_only_the_culprit() {
    let (mut author, mut other, mut reader) = (open(1), open(2), open(3));
    put(&mut author, "a", 1);
    let good: Vec<_> = (0..6).map(|n| put(&mut other, "b", n).bytes).collect();
    // Past the gate on purpose: an operation in an object that never was panics half-way through the batch.
    let (_, bad) = misplaced().remove(0);
    let mut batch: Vec<_> = good
        .iter()
        .map(|raw| Candidate::read(device(2), raw.clone(), None).unwrap())
        .collect();
    batch.insert(3, Candidate::read(device(1), bad, Some((0, 3))).unwrap());
    let batch = batch
        .into_iter()
        .map(|candidate| Staged {
            change: None,
            candidate,
            written: Vec::new(),
            plain: false,
        })
        .collect();
    let mut applied = Applied::default();
    reader.admit(batch, &mut applied);
    assert_eq!(applied.admitted, good);
    assert_eq!(
        applied.refused,
        vec![Refused {
            origin: Some((0, 3)),
            error: GateError::Inapplicable
        }]
    );
    assert_equal(&other, &reader);
    works(&mut reader);
}

#[test]
fn what_builds_on_a_bad_change_is_refused_with_it() {
    let (mut author, mut other, mut reader) = (open(1), open(2), open(3));
    let bad = roundabout(&mut author);
    let second = put(&mut author, "b", 2).bytes;
    let good = put(&mut other, "c", 3).bytes;
    let on_bad = forge(&second, |parts| parts.deps = vec![hash(&bad)]);
    let applied = reader.apply(vec![run_of(1, &[&bad, &on_bad]), run_of(2, &[&good])]);
    assert_eq!(applied.admitted, vec![good]);
    let errors: Vec<_> = applied.refused.iter().map(|refused| refused.error).collect();
    assert!(errors.contains(&GateError::AfterRefused), "{errors:?}");
    works(&mut reader);
}
