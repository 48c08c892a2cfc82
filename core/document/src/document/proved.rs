//! What came and is proved at rest.

use automerge::transaction::Transactable;
use automerge::{ROOT, ScalarValue};

use super::misplaced::roundabout;
use super::*;
use crate::chunk::Parts;
use crate::contain::contained;
use crate::limits::TAIL_CHANGES_FOLD;
use crate::testing::*;

/// So many changes of one device.
fn changes(author: &mut Document, count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|n| put(author, "b", n as i64).bytes).collect()
}

fn refuses_to_edit(document: &mut Document) -> bool {
    let edit = document.edit(NOW, |tx| tx.put(ROOT, "x", 1));
    matches!(edit, Err(EditError::Unproven))
}

#[test]
fn an_evening_is_proved_before_anything_is_written_on_it() {
    let (mut author, mut reader) = (open(1), open(2));
    let rows = changes(&mut author, TAIL_CHANGES_FOLD);
    assert_eq!(give(&mut reader, 1, &rows).admitted.len(), rows.len());
    assert!(reader.is_unproven());
    assert_equal(&author, &reader);
    assert!(refuses_to_edit(&mut reader));
    assert_equal(&author, &reader);

    let proved = reader.prove();
    assert!(proved.refused.is_empty());
    let fold = proved.fold.unwrap();
    assert_eq!((fold.covers.len(), &fold.heads), (rows.len(), &author.heads()));
    assert!(!reader.is_unproven() && reader.tail().next().is_none());
    works(&mut reader);
    let again = Document::load(DOC, &genesis(), Some(&fold.snapshot), [], [], actor(3)).unwrap();
    assert_equal(&author, &again);
    // Nothing came since: nothing to do.
    let proved = reader.prove();
    assert!(proved.fold.is_none() && proved.refused.is_empty());
}

#[test]
fn one_change_less_is_compared_at_once() {
    let (mut author, mut reader) = (open(1), open(2));
    let rows = changes(&mut author, TAIL_CHANGES_FOLD - 1);
    give(&mut reader, 1, &rows);
    assert!(!reader.is_unproven());
    works(&mut reader);
}

#[test]
fn an_evening_with_something_in_it_that_only_automerge_can_tell_is_compared_at_once() {
    let (mut author, mut reader) = (open(1), open(2));
    let mut rows = changes(&mut author, TAIL_CHANGES_FOLD);
    rows.push(put(&mut author, "counter", ScalarValue::counter(1)).bytes);
    give(&mut reader, 1, &rows);
    assert!(!reader.is_unproven());
    assert_equal(&author, &reader);

    let (mut hostile, mut reader) = (open(4), open(2));
    let bad = roundabout(&mut hostile);
    rows.pop();
    let applied = reader.apply(vec![run_of(1, &rows), run_of(4, &[&bad])]);
    assert_eq!(applied.admitted, rows);
    assert_eq!(applied.refused[0].origin, Some((1, 0)));
    assert!(!reader.is_unproven());
    works(&mut reader);
}

#[test]
fn what_a_crash_left_unproven_is_proved_after_the_next_start() {
    let (mut author, mut reader) = (open(1), open(2));
    let rows = changes(&mut author, TAIL_CHANGES_FOLD);
    let applied = give(&mut reader, 1, &rows);
    let tail = applied.admitted.iter().map(|row| &row[..]);
    let mut again = Document::load(DOC, &genesis(), None, tail, [], actor(3)).unwrap();
    assert!(again.is_unproven() && refuses_to_edit(&mut again));
    assert!(again.prove().fold.is_some());
    assert_equal(&author, &again);
    works(&mut again);
}

#[test]
fn changes_that_come_before_the_rest_are_proved_together() {
    let (mut one, mut two, mut reader) = (open(1), open(2), open(3));
    let first = changes(&mut one, TAIL_CHANGES_FOLD);
    let second = changes(&mut two, 3);
    give(&mut reader, 1, &first);
    give(&mut reader, 2, &second);
    assert!(reader.is_unproven());
    let fold = reader.prove().fold.unwrap();
    assert_eq!(fold.covers.len(), first.len() + second.len());
    works(&mut reader);
}

/// The gate is wrong about a change, on purpose: it is let in past it.
fn let_in(reader: &mut Document, author: u8, raw: &[u8]) {
    let change = automerge::Change::from_bytes(raw.to_vec()).unwrap();
    // Automerge's own debug assertions may notice; then it is in the tail alone.
    let mut trial = reader.crdt.clone();
    if let Ok(crdt) = contained(move || trial.apply_changes([change]).map(|()| trial)) {
        reader.crdt = crdt.unwrap();
    }
    let (parts, hash) = Parts::read(raw).unwrap();
    assert_eq!(parts.actor, actor(author));
    reader.seqs.insert(parts.actor, parts.seq);
    reader.material.push(hash, raw.to_vec());
}

#[test]
fn what_the_gate_was_wrong_about_is_taken_out_before_anything_is_written_on_it() {
    let (mut author, mut hostile, mut reader) = (open(1), open(4), open(2));
    let rows = changes(&mut author, TAIL_CHANGES_FOLD);
    let bad = roundabout(&mut hostile);
    let second = put(&mut hostile, "d", 2).bytes;
    let on_bad = forge(&second, |parts| parts.deps = vec![hash(&bad)]);
    let mine = put(&mut reader, "mine", 1).bytes;
    let_in(&mut reader, 4, &bad);
    let_in(&mut reader, 4, &on_bad);
    give(&mut reader, 1, &rows);
    assert!(reader.is_unproven());

    let proved = reader.prove();
    assert_eq!(proved.refused.len(), 2, "the change and what builds on it");
    let fold = proved.fold.expect("the rest has a snapshot");
    assert_eq!(fold.covers.len(), rows.len() + 1);
    assert!(!fold.covers.contains(&hash(&bad)));
    give(&mut author, 2, &[&mine]);
    assert_equal(&author, &reader);
    works(&mut reader);
    let tail = reader.tail().map(<[u8]>::to_vec).collect::<Vec<_>>();
    let again = Document::load(
        DOC,
        &genesis(),
        Some(&fold.snapshot),
        tail.iter().map(|row| &row[..]),
        [],
        actor(5),
    )
    .unwrap();
    assert_equal(&reader, &again);
    assert!(
        give(&mut reader, 4, &[&bad, &on_bad]).admitted.is_empty(),
        "nor does it come back"
    );
}
