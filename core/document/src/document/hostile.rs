//! What a hostile or broken member may send, and what it costs: nothing but its own changes.

use automerge::transaction::Transactable;
use automerge::{Change, ReadDoc, SaveOptions};

use super::*;
use crate::Run;
use crate::limits::*;
use crate::testing::*;

fn shape(error: ShapeError) -> Option<GateError> {
    Some(GateError::Shape(error))
}

#[test]
fn a_change_under_another_devices_actor_is_refused() {
    let (mut victim, mut reader) = (open(1), open(2));
    let change = put(&mut victim, "a", 1);
    assert_eq!(verdict(&mut reader, 3, &change.bytes), Some(GateError::Actor));
    assert_eq!(verdict(&mut reader, 1, &change.bytes), None);
}

#[test]
fn a_forged_change_cannot_squat_the_sequence_number_of_an_honest_device() {
    let (mut alice, mut reader) = (open(1), open(2));
    let real = put(&mut alice, "a", 1);
    let fake = forge(&real.bytes, |parts| parts.time += 1);
    assert_eq!(verdict(&mut reader, 3, &fake), Some(GateError::Actor));
    assert_eq!(verdict(&mut reader, 1, &real.bytes), None);
    assert_equal(&alice, &reader);
}

#[test]
fn a_device_that_uses_one_sequence_number_twice_keeps_the_first() {
    let (mut author, mut reader) = (open(1), open(2));
    let first = put(&mut author, "a", 1);
    let second = forge(&first.bytes, |parts| parts.time += 1);
    assert_eq!(verdict(&mut reader, 1, &first.bytes), None);
    assert_eq!(verdict(&mut reader, 1, &second), Some(GateError::SeqTaken));
    assert_equal(&author, &reader);
}

#[test]
fn a_repeated_sequence_number_in_a_batch_does_not_lose_the_good_changes() {
    let (mut author, mut other, mut reader) = (open(1), open(2), open(3));
    let first = put(&mut author, "a", 1);
    let twin = forge(&first.bytes, |parts| parts.time += 1);
    let good = put(&mut other, "b", 2);
    let applied = reader.apply(vec![run_of(1, &[&first.bytes, &twin]), run_of(2, &[&good.bytes])]);
    assert_eq!(applied.admitted, vec![first.bytes, good.bytes]);
    assert_eq!(
        applied.refused,
        vec![Refused {
            origin: Some((0, 1)),
            error: GateError::SeqTaken
        }]
    );
}

#[test]
fn a_waiting_change_keeps_its_place_against_a_later_twin() {
    let (mut author, mut reader) = (open(1), open(2));
    let first = put(&mut author, "a", 1);
    let second = put(&mut author, "b", 2);
    let twin = forge(&second.bytes, |parts| parts.time += 1);
    assert_eq!(give(&mut reader, 1, &[&second.bytes]).orphans.len(), 1);
    assert_eq!(verdict(&mut reader, 1, &twin), Some(GateError::SeqTaken));
    let applied = give(&mut reader, 1, &[&first.bytes]);
    assert_eq!(applied.admitted, vec![first.bytes, second.bytes.clone()]);
    assert_eq!(applied.released, vec![second.hash]);
    assert_equal(&author, &reader);
}

#[test]
fn operation_counters_that_jump_ahead_are_refused_and_writing_goes_on() {
    let (mut author, mut reader) = (open(1), open(2));
    let honest = put(&mut author, "a", 1).bytes;
    for start in [5, 1 << 20, OP_COUNTER_MAX] {
        let ahead = forge(&honest, |parts| parts.start_op = start);
        assert_eq!(
            verdict(&mut reader, 1, &ahead),
            Some(GateError::StartOp),
            "{start}"
        );
    }
    for start in [
        OP_COUNTER_MAX + 1,
        1 << 31,
        u64::from(u32::MAX) - 1,
        u64::from(u32::MAX),
        1 << 32,
    ] {
        let poison = forge(&honest, |parts| parts.start_op = start);
        assert_eq!(
            verdict(&mut reader, 1, &poison),
            shape(ShapeError::OpCounter),
            "{start}"
        );
    }
    let behind = forge(&honest, |parts| parts.start_op = 1);
    assert_eq!(verdict(&mut reader, 1, &behind), Some(GateError::StartOp));
    assert_eq!(verdict(&mut reader, 1, &honest), None);
    works(&mut reader);
}

#[test]
fn a_change_must_name_its_actors_previous_change_and_leave_no_gap() {
    let (mut author, mut reader) = (open(1), open(2));
    let first = put(&mut author, "a", 1);
    let second = put(&mut author, "b", 2);
    assert_eq!(verdict(&mut reader, 1, &first.bytes), None);
    let aside = forge(&second.bytes, |parts| {
        parts.deps = vec![hash(&genesis())];
        parts.start_op -= 1;
    });
    assert_eq!(verdict(&mut reader, 1, &aside), Some(GateError::NotOnPrevious));
    let gap = forge(&second.bytes, |parts| parts.seq = 3);
    assert_eq!(verdict(&mut reader, 1, &gap), Some(GateError::SeqGap));
    let rootless = forge(&second.bytes, |parts| parts.deps.clear());
    assert_eq!(verdict(&mut reader, 1, &rootless), Some(GateError::NoDeps));
}

#[test]
fn runs_and_changes_of_another_document_do_not_get_in() {
    let mut reader = open(2);
    let elsewhere = DocId::from_bytes([0xee; 16]);
    let genesis = crate::genesis_change(elsewhere, 1, containers).unwrap();
    let mut other = Document::new(elsewhere, &genesis, actor(1)).unwrap();
    let change = put(&mut other, "a", 1).bytes;
    let (author, run) = run_of(1, &[&change]);
    let applied = reader.apply(vec![(
        author,
        Run {
            doc: elsewhere,
            ..run
        },
    )]);
    assert_eq!(applied.refused[0].error, GateError::OtherDocument);
    // Re-labelled, it waits for a genesis that is not this document's, for ever.
    assert_eq!(give(&mut reader, 1, &[&change]).orphans.len(), 1);
    // And the other genesis itself has an actor that no device has.
    assert_eq!(verdict(&mut reader, 1, &genesis), Some(GateError::Actor));
}

#[test]
fn documents_compressed_changes_and_unknown_chunks_are_refused_unread() {
    let (mut author, mut reader) = (open(1), open(2));
    let note = object(&author, "note");
    let long = "x".repeat(2000);
    let (_, change) = author.edit(NOW, |tx| tx.splice_text(&note, 0, 0, &long)).unwrap();
    let mut change = Change::from_bytes(change.unwrap().bytes).unwrap();
    let compressed = change.bytes().into_owned();
    assert_eq!(compressed[8], 2);
    let options = SaveOptions {
        deflate: true,
        retain_orphans: false,
    };
    let document = author.read().save_with_options(options);
    let heads = author.heads();
    let bundle = author.read().bundle(heads).unwrap().bytes().to_vec();
    let mut unknown = change.raw_bytes().to_vec();
    unknown[8] = 9;
    for (kind, raw) in [(2, compressed), (0, document), (3, bundle), (9, unknown)] {
        assert_eq!(verdict(&mut reader, 1, &raw), shape(ShapeError::ChunkType(kind)));
    }
}

#[test]
fn a_run_length_of_billions_is_counted_and_not_expanded() {
    let (mut author, mut reader) = (open(1), open(2));
    let honest = put(&mut author, "a", 1).bytes;
    let mut many = Vec::new();
    crate::leb::put_i64(&mut many, i64::MAX);
    crate::leb::put_u64(&mut many, 1);
    let replace = |spec: u32, data: &[u8]| {
        forge(&honest, |parts| {
            let data: &'static [u8] = Box::leak(data.to_vec().into_boxed_slice());
            parts
                .columns
                .iter_mut()
                .filter(|(found, _)| *found == spec)
                .for_each(|column| column.1 = data);
        })
    };
    assert_eq!(
        verdict(&mut reader, 1, &replace(0x42, &many)),
        shape(ShapeError::TooManyOps)
    );
    // One operation with 2^62 predecessors.
    let mut preds = Vec::new();
    crate::leb::put_i64(&mut preds, -1);
    crate::leb::put_u64(&mut preds, 1 << 62);
    assert_eq!(
        verdict(&mut reader, 1, &replace(0x70, &preds)),
        shape(ShapeError::TooManyPreds)
    );
    assert_eq!(
        verdict(&mut reader, 1, &replace(0x42, &[0x7f, 7])),
        shape(ShapeError::Action(7))
    );
    assert_eq!(
        verdict(&mut reader, 1, &replace(0x42, &[0, 5])),
        shape(ShapeError::Malformed)
    );
}

#[test]
fn every_limit_of_a_change_holds_at_one_more() {
    let (mut author, mut reader) = (open(1), open(2));
    let honest = put(&mut author, "a", 1).bytes;
    let forged = |alter: &dyn Fn(&mut Parts<'_>)| forge(&honest, |parts| alter(parts));
    let hashes = |count: usize| {
        let mut all: Vec<_> = (0..count)
            .map(|n| {
                let mut bytes = [0; 32];
                bytes[..8].copy_from_slice(&(n as u64).to_be_bytes());
                ChangeHash(bytes)
            })
            .collect();
        all.sort_unstable();
        all
    };
    let at_limit = forged(&|parts| parts.deps = hashes(CHANGE_DEPS_MAX));
    assert_eq!(verdict(&mut reader, 1, &at_limit), None, "waits");
    let mut reader = open(2);
    let bomb = forged(&|parts| parts.deps = hashes(CHANGE_DEPS_MAX + 1));
    assert_eq!(verdict(&mut reader, 1, &bomb), shape(ShapeError::TooManyDeps));
    let twice = forged(&|parts| parts.deps = vec![ChangeHash([1; 32]), ChangeHash([1; 32])]);
    assert_eq!(verdict(&mut reader, 1, &twice), shape(ShapeError::Order));
    let late = forged(&|parts| parts.time = TIME_SECONDS_MAX + 1);
    assert_eq!(verdict(&mut reader, 1, &late), shape(ShapeError::Time));
    let early = forged(&|parts| parts.time = -1);
    assert_eq!(verdict(&mut reader, 1, &early), shape(ShapeError::Time));
    let seq = forged(&|parts| parts.seq = u64::from(u32::MAX) + 1);
    assert_eq!(verdict(&mut reader, 1, &seq), shape(ShapeError::Seq));
    let actors = forged(&|parts| {
        parts.others = (0..=CHANGE_ACTORS_MAX as u128)
            .map(|n| Actor::from_bytes(n.to_be_bytes()))
            .collect();
    });
    assert_eq!(verdict(&mut reader, 1, &actors), shape(ShapeError::Actor));
    let mut large = honest.clone();
    large.resize(CHANGE_BYTES_MAX + 1, 0);
    assert_eq!(
        verdict(&mut reader, 1, &large),
        shape(ShapeError::TooLarge(CHANGE_BYTES_MAX + 1))
    );
    let mut short = honest.clone();
    short.pop();
    assert_eq!(verdict(&mut reader, 1, &short), shape(ShapeError::Malformed));
    let mut checksum = honest.clone();
    checksum[4] ^= 1;
    assert_eq!(verdict(&mut reader, 1, &checksum), shape(ShapeError::Checksum));
    assert_eq!(verdict(&mut reader, 1, &honest), None);
}

#[test]
fn messages_footers_marks_and_unknown_columns_are_refused() {
    let (mut author, mut reader) = (open(1), open(2));
    let honest = put(&mut author, "a", 1).bytes;
    let message = forge_ops(&honest, |change| change.message = Some("unseen".into()));
    assert_eq!(verdict(&mut reader, 1, &message), shape(ShapeError::Unseen));
    let footer = forge_ops(&honest, |change| change.extra_bytes = vec![1, 2, 3]);
    assert_eq!(verdict(&mut reader, 1, &footer), shape(ShapeError::Unseen));
    let column = forge(&honest, |parts| parts.columns.push((0x99, &[1])));
    assert_eq!(verdict(&mut reader, 1, &column), shape(ShapeError::Column(0x99)));
    let deflated = forge(&honest, |parts| parts.columns.insert(0, (0x01 | 8, &[1])));
    assert_eq!(verdict(&mut reader, 1, &deflated), shape(ShapeError::Column(9)));
}

#[test]
fn an_orphan_flood_stops_at_the_authors_share_and_leaves_others_room() {
    let (mut author, mut other, mut reader) = (open(1), open(2), open(3));
    put(&mut author, "missing", 0);
    let flood: Vec<_> = (0..=ORPHANS_PER_AUTHOR_MAX)
        .map(|n| put(&mut author, "k", n as i64).bytes)
        .collect();
    let applied = give(&mut reader, 1, &flood);
    assert_eq!(applied.orphans.len(), ORPHANS_PER_AUTHOR_MAX);
    assert_eq!(applied.refused.len(), 1);
    assert_eq!(applied.refused[0].error, GateError::OrphansFull);
    assert!(!applied.refused[0].error.is_final());
    assert!(
        reader.read().get_missing_deps(&[]).is_empty(),
        "Automerge's own queue stays empty"
    );
    put(&mut other, "missing too", 0);
    let late = put(&mut other, "late", 1).bytes;
    assert_eq!(give(&mut reader, 2, &[&late]).orphans.len(), 1);
    works(&mut reader);
}

#[test]
fn an_authors_waiting_bytes_are_capped_too() {
    let (mut author, mut reader) = (open(1), open(3));
    put(&mut author, "missing", 0);
    let note = object(&author, "note");
    let mut bytes = 0;
    let mut held = 0;
    for n in 0.. {
        let text: String = (0..CHANGE_OPS_MAX / 4)
            .map(|at| char::from(b'a' + ((at * 7 + n) % 26) as u8))
            .collect();
        let (_, change) = author.edit(NOW, |tx| tx.splice_text(&note, 0, 0, &text)).unwrap();
        let raw = change.unwrap().bytes;
        bytes += raw.len();
        let applied = give(&mut reader, 1, &[raw]);
        if bytes > ORPHAN_BYTES_PER_AUTHOR_MAX {
            assert_eq!(applied.refused[0].error, GateError::OrphansFull);
            assert!(held < ORPHANS_PER_AUTHOR_MAX);
            return;
        }
        held += applied.orphans.len();
    }
}

#[test]
fn a_panic_inside_automerge_is_contained_and_the_document_rebuilt() {
    let mut document = open(1);
    put(&mut document, "a", 1);
    let heads = document.heads();
    let content = document.read().hydrate(None);
    // Past the gate on purpose: a counter at the very end makes every later write panic inside Automerge.
    let honest = put(&mut open(2), "b", 2).bytes;
    let poison = forge(&honest, |parts| parts.start_op = u64::from(u32::MAX));
    document
        .crdt
        .apply_changes([Change::from_bytes(poison).unwrap()])
        .unwrap();
    let fields = object(&document, "fields");
    let outcome = document.edit(NOW, |tx| {
        tx.put(&fields, "x", 1)?;
        tx.put(&fields, "y", 2)
    });
    assert!(matches!(outcome, Err(EditError::Panicked(_))));
    assert!(!document.is_broken());
    assert_eq!(document.heads(), heads);
    assert!(document.read().hydrate(None) == content);
    works(&mut document);
}

#[test]
fn a_panic_of_the_caller_inside_an_edit_costs_that_edit_only() {
    let mut document = open(1);
    put(&mut document, "a", 1);
    let heads = document.heads();
    let fields = object(&document, "fields");
    let outcome = document.edit::<(), automerge::AutomergeError>(NOW, |tx| {
        tx.put(&fields, "half", 1)?;
        panic!("a bug above")
    });
    assert!(matches!(outcome, Err(EditError::Panicked(_))));
    assert_eq!(document.heads(), heads);
    works(&mut document);
}

#[test]
fn an_edit_others_would_refuse_is_undone_here() {
    let mut document = open(1);
    put(&mut document, "a", 1);
    let heads = document.heads();
    let fields = object(&document, "fields");
    let blob = automerge::ScalarValue::Bytes(vec![7; CHANGE_BYTES_MAX]);
    let outcome = document.edit(NOW, |tx| tx.put(&fields, "blob", blob.clone()));
    assert!(matches!(outcome, Err(EditError::Shape(ShapeError::TooLarge(_)))));
    let list = object(&document, "list");
    let outcome = document.edit(NOW, |tx| {
        (0..=CHANGE_OPS_MAX).try_for_each(|_| tx.insert(&list, 0, true))
    });
    assert!(matches!(outcome, Err(EditError::Shape(ShapeError::TooManyOps))));
    assert_eq!(document.heads(), heads);
    works(&mut document);
}

/// `count` changes of one device that all stand beside each other, each under an actor of its own.
fn side_by_side(count: u64) -> Vec<Vec<u8>> {
    let honest = put(&mut open(3), "k", 1).bytes;
    (0..count)
        .map(|n| {
            forge(&honest, |parts| {
                parts.actor = Actor::new(device(3), n.to_be_bytes())
            })
        })
        .collect()
}

#[test]
fn merge_changes_are_written_from_one_head_above_the_limit() {
    for (heads, merges) in [(HEADS_FOLD_ABOVE, 0), (HEADS_FOLD_ABOVE + 1, 1)] {
        let mut document = open(1);
        give(&mut document, 3, &side_by_side(heads as u64));
        assert_eq!(document.heads().len(), heads);
        // The merge is made before the edit turns out to be refused; it goes out with the next one.
        assert!(document.edit(NOW, |_| Err::<(), _>("no")).is_err());
        assert_eq!(put(&mut document, "a", 1).merges.len(), merges);
        assert_eq!(document.heads().len(), 1);
    }
}

#[test]
fn a_document_that_cannot_be_rebuilt_says_so_and_touches_nothing() {
    let mut document = open(1);
    let change = put(&mut open(2), "b", 2);
    document.material.push(change.hash, b"damaged".to_vec());
    let outcome = document.edit::<(), ()>(NOW, |_| panic!("a bug above"));
    assert!(matches!(outcome, Err(EditError::Panicked(_))));
    assert!(document.is_broken());
    assert!(matches!(
        document.edit::<(), ()>(NOW, |_| Ok(())),
        Err(EditError::Broken)
    ));
    let applied = give(&mut document, 2, &[&change.bytes]);
    assert_eq!(applied.refused[0].error, GateError::Broken);
    assert!(!applied.refused[0].error.is_final());
    assert!(
        matches!(document.fold(), Err(SaveError::Broken)),
        "a half-done state is never saved"
    );
}

#[test]
fn a_document_with_thousands_of_heads_can_still_be_written_and_read_by_others() {
    let (mut document, mut reader) = (open(1), open(2));
    let heads = side_by_side(3 * CHANGE_DEPS_MAX as u64);
    for document in [&mut document, &mut reader] {
        assert_eq!(give(document, 3, &heads).admitted.len(), heads.len());
        assert!(document.prove().refused.is_empty());
    }
    let change = put(&mut document, "a", 1);
    assert!(change.merges.len() > 4);
    let rows: Vec<_> = change.rows().map(<[u8]>::to_vec).collect();
    let payloads = crate::encode_runs(DOC, 1, 1, &rows, 60_000).unwrap();
    let runs = payloads
        .iter()
        .map(|payload| (device(1), Run::decode(payload).unwrap()))
        .collect();
    assert_eq!(reader.apply(runs).admitted, rows);
    assert_equal(&document, &reader);
    assert_eq!(put(&mut document, "b", 2).merges.len(), 0);
    works(&mut reader);
}

#[test]
fn no_key_and_no_value_shows_in_debug() {
    let (mut author, mut reader) = (open(1), open(2));
    let secret = put(&mut author, "secret", "mật");
    put(&mut author, "b", 1);
    let applied = give(&mut reader, 1, &[put(&mut author, "secret", "mật hơn").bytes]);
    let shown = format!(
        "{author:?} {secret:?} {:?} {:?}",
        applied.orphans,
        author.fold().unwrap()
    );
    assert!(!shown.contains("mật") && !shown.contains("secret"), "{shown}");
}

#[test]
fn of_two_changes_for_one_place_the_first_stays_first_whatever_it_builds_on() {
    let (mut author, mut other) = (open(1), open(2));
    let built_on = put(&mut other, "a", 1).bytes;
    give(&mut author, 2, &[&built_on]);
    let first = put(&mut author, "b", 2).bytes;
    let second = put(&mut open(1), "c", 3).bytes;
    let mut reader = open(3);
    let applied = reader.apply(vec![run_of(1, &[&first, &second]), run_of(2, &[&built_on])]);
    assert_eq!(applied.admitted, vec![built_on, first]);
    assert_eq!(applied.refused.len(), 1);
    assert_eq!(applied.refused[0].error, GateError::SeqTaken);
    works(&mut reader);
}

#[test]
fn changes_that_build_on_each_other_in_a_ring_of_places_cost_only_themselves() {
    // Device 1 writes twice for its first place; what comes first builds on device 2, which builds on what comes second.
    let (mut author, mut other) = (open(1), open(2));
    let second = put(&mut author, "a", 1).bytes;
    give(&mut other, 1, &[&second]);
    let across = put(&mut other, "b", 2).bytes;
    let first = {
        let mut author = open(1);
        let honest = put(&mut author, "c", 3).bytes;
        forge(&honest, |parts| {
            parts.deps.push(hash(&across));
            parts.deps.sort();
        })
    };
    let mut bystander = open(4);
    let honest = put(&mut bystander, "d", 4).bytes;
    let mut reader = open(3);
    let runs = vec![
        run_of(1, &[&first, &second]),
        run_of(2, &[&across]),
        run_of(4, &[&honest]),
    ];
    let applied = reader.apply(runs);
    assert_eq!(applied.admitted, vec![honest]);
    assert_eq!((applied.orphans.len(), applied.refused.len()), (2, 1));
    works(&mut reader);
}
