//! What honest use may rely on: convergence, durability, reports of what happened.

use automerge::transaction::Transactable;
use automerge::{ObjType, Prop, ROOT, ReadDoc, ScalarValue};
use proptest::prelude::*;

use super::*;
use crate::limits::*;
use crate::testing::*;
use crate::{Orphan, Run, TouchKind, all_values, encode_runs, set_text};

/// Envelopes of one device, each the payload of a run.
type Feed = Vec<Vec<u8>>;

#[derive(Debug, Clone)]
enum Step {
    Edit {
        who: usize,
        what: u8,
        at: u8,
    },
    Fetch {
        who: usize,
        from: usize,
        newest_first: bool,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..3usize, 0..6u8, any::<u8>()).prop_map(|(who, what, at)| Step::Edit { who, what, at }),
        1 => (0..3usize, 0..3usize, any::<bool>())
            .prop_map(|(who, from, newest_first)| Step::Fetch { who, from, newest_first }),
    ];
    proptest::collection::vec(step, 1..60)
}

fn edit(document: &mut Document, number: u64, what: u8, at: u8) -> Option<LocalChange> {
    let (note, fields, list) = (
        object(document, "note"),
        object(document, "fields"),
        object(document, "list"),
    );
    let text = document.read().text(&note).unwrap();
    let key = format!("k{}", at % 4);
    let length = document.read().length(&list);
    let (_, change) = document
        .edit(NOW + number as i64 * 1000, |tx| {
            match what {
                0 => set_text(tx, &note, &format!("{text}câu {number}. "))
                    .map(|_| ())
                    .unwrap(),
                1 => {
                    let kept: String = text.chars().skip(usize::from(at) % 5).collect();
                    set_text(tx, &note, &kept).map(|_| ()).unwrap();
                }
                2 => tx.put(&fields, key, number)?,
                3 => {
                    let entry = tx.put_object(&fields, key, ObjType::Map)?;
                    tx.put(&entry, "n", number)?;
                }
                4 => tx.insert(&list, usize::from(at) % (length + 1), number)?,
                _ if length > 0 => tx.delete(&list, usize::from(at) % length)?,
                _ => {}
            }
            Ok::<_, automerge::AutomergeError>(())
        })
        .unwrap();
    change
}

fn fetch(document: &mut Document, author: u8, feed: &[Vec<u8>], newest_first: bool) {
    let mut runs: Vec<_> = feed
        .iter()
        .map(|payload| (device(author), Run::decode(payload).unwrap()))
        .collect();
    if newest_first {
        runs.reverse();
    }
    let applied = document.apply(runs);
    assert_eq!(applied.refused, vec![], "honest changes are never refused");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn replicas_that_saw_the_same_changes_in_any_order_are_equal(steps in steps()) {
        let mut replicas: Vec<Document> = (0..3).map(|who| open(who + 1)).collect();
        let mut feeds: Vec<Feed> = vec![Vec::new(); 3];
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Edit { who, what, at } => {
                    if let Some(change) = edit(&mut replicas[who], number as u64, what, at) {
                        let rows: Vec<_> = change.rows().collect();
                        feeds[who].extend(encode_runs(DOC, 1, 1, &rows, 60_000).unwrap());
                    }
                }
                Step::Fetch { who, from, newest_first } => {
                    fetch(&mut replicas[who], from as u8 + 1, &feeds[from], newest_first);
                }
            }
        }
        for (who, replica) in replicas.iter_mut().enumerate() {
            for round in 0..3 {
                let from = (who + round) % 3;
                fetch(replica, from as u8 + 1, &feeds[from], round == 1);
            }
            prop_assert_eq!(replica.orphan_count(), 0);
        }
        assert_equal(&replicas[0], &replicas[1]);
        assert_equal(&replicas[0], &replicas[2]);
        // Whoever joins now, or loads a snapshot of any of them, sees the same.
        let mut joined = open(9);
        for (from, feed) in feeds.iter().enumerate() {
            fetch(&mut joined, from as u8 + 1, feed, from == 1);
        }
        assert_equal(&joined, &replicas[0]);
        let snapshot = replicas[1].save().unwrap();
        let loaded = Document::load(DOC, &genesis(), Some(&snapshot), [], [], actor(8)).unwrap();
        assert_equal(&loaded, &replicas[0]);
    }

    #[test]
    fn a_crash_anywhere_between_fold_and_edit_loses_nothing(
        edits in proptest::collection::vec((0..6u8, any::<u8>(), any::<bool>(), any::<bool>()), 1..40),
    ) {
        let mut document = open(1);
        let mut snapshot: Option<Vec<u8>> = None;
        let mut tail: Vec<Vec<u8>> = Vec::new();
        for (number, (what, at, fold, crash_before_drop)) in edits.into_iter().enumerate() {
            if let Some(change) = edit(&mut document, number as u64, what, at) {
                tail.extend(change.rows().map(<[u8]>::to_vec));
            }
            if fold {
                let fold = document.fold().unwrap();
                snapshot = Some(fold.snapshot);
                if !crash_before_drop {
                    tail.retain(|row| !fold.covers.contains(&hash(row)));
                    prop_assert!(tail.is_empty());
                }
            }
            let rows = tail.iter().map(Vec::as_slice);
            let start = Actor::new(device(1), (number as u64 + 2).to_be_bytes());
            let again = Document::load(DOC, &genesis(), snapshot.as_deref(), rows, [], start).unwrap();
            assert_equal(&again, &document);
            if fold && crash_before_drop {
                document = again;
            }
        }
    }
}

#[test]
fn waiting_changes_survive_a_restart_and_are_released_by_what_they_waited_for() {
    let (mut author, mut other, mut reader) = (open(1), open(2), open(3));
    let first = put(&mut author, "a", 1);
    give(&mut other, 1, &[&first.bytes]);
    let across = put(&mut other, "b", 2);
    give(&mut author, 2, &[&across.bytes]);
    let last = put(&mut author, "c", 3);
    // `last` waits for two changes, `across` for one.
    let waiting: Vec<Orphan> = [
        give(&mut reader, 1, &[&last.bytes]),
        give(&mut reader, 2, &[&across.bytes]),
    ]
    .into_iter()
    .flat_map(|applied| applied.orphans)
    .collect();
    assert_eq!(waiting.len(), 2);
    let mut again = Document::load(DOC, &genesis(), None, [], waiting.clone(), actor(3)).unwrap();
    assert_eq!(again.orphan_count(), 2);
    assert_eq!(give(&mut again, 1, &[&last.bytes]).duplicates, 1);
    let applied = give(&mut again, 1, &[&first.bytes]);
    assert_eq!(
        applied.admitted,
        vec![first.bytes.clone(), across.bytes, last.bytes]
    );
    assert_eq!(applied.released, vec![across.hash, last.hash]);
    assert_eq!(again.orphan_count(), 0);
    assert_equal(&again, &author);
    // A crash after the tail was written but before the rows were taken out: they are found to be needless.
    let rows: Vec<_> = applied.admitted.iter().map(Vec::as_slice).collect();
    let mut crashed = Document::load(DOC, &genesis(), None, rows, waiting, actor(4)).unwrap();
    let applied = crashed.apply(Vec::new());
    assert_eq!((applied.released.len(), applied.duplicates), (2, 2));
}

#[test]
fn repeated_runs_change_nothing() {
    let (mut author, mut reader) = (open(1), open(2));
    let changes: Vec<_> = (0..5).map(|n| put(&mut author, "a", n).bytes).collect();
    assert_eq!(give(&mut reader, 1, &changes).admitted.len(), 5);
    let again = give(&mut reader, 1, &changes);
    assert_eq!(
        (again.duplicates, again.admitted.len(), again.touched.len()),
        (5, 0, 0)
    );
}

#[test]
fn a_refused_edit_is_rolled_back_and_an_edit_without_effect_makes_no_change() {
    let mut document = open(1);
    let fields = object(&document, "fields");
    let heads = document.heads();
    let outcome = document.edit(NOW, |tx| {
        tx.put(&fields, "a", 1).unwrap();
        Err::<(), _>("no")
    });
    assert!(matches!(outcome, Err(EditError::Refused("no"))));
    let (_, change) = document.edit(NOW, |_| Ok::<_, ()>(())).unwrap();
    assert!(change.is_none());
    assert_eq!(document.heads(), heads);
    put(&mut document, "a", 1);
}

#[test]
fn two_devices_that_found_the_same_document_offline_share_its_genesis() {
    assert_eq!(genesis(), genesis());
    let other = crate::genesis_change(DOC, 2, containers).unwrap();
    assert_ne!(genesis(), other, "another schema is another genesis");
    let (mut ours, mut theirs) = (open(1), open(2));
    let (a, b) = (put(&mut ours, "a", 1), put(&mut theirs, "b", 2));
    give(&mut ours, 2, &[&b.bytes]);
    give(&mut theirs, 1, &[&a.bytes]);
    assert_equal(&ours, &theirs);
    assert!(matches!(
        crate::genesis_change(DOC, 1, |_| Ok(())),
        Err(crate::GenesisError::Empty)
    ));
}

#[test]
fn the_genesis_of_a_document_is_the_published_one() {
    let hash = hash(&genesis());
    assert_eq!(
        hash.to_string(),
        "416f55258412399d1b7ae936c735a6750b68fd397c277d394b65660f381a4d5d"
    );
}

#[test]
fn both_sides_learn_what_a_change_touched() {
    let (mut author, mut reader) = (open(1), open(2));
    let (note, fields, list) = (
        object(&author, "note"),
        object(&author, "fields"),
        object(&author, "list"),
    );
    let (_, change) = author
        .edit(NOW, |tx| {
            set_text(tx, &note, "xin chào").unwrap();
            let speech = tx.put_object(&fields, "speech", ObjType::Map)?;
            let text = tx.put_object(&speech, "text", ObjType::Text)?;
            set_text(tx, &text, "ý kiến").unwrap();
            tx.insert(&list, 0, 1)?;
            tx.insert(&list, 1, 2)
        })
        .unwrap();
    let change = change.unwrap();
    let key = |key: &str| Prop::from(key);
    let expected = [
        (vec![key("note")], TouchKind::Text),
        (
            vec![key("fields"), key("speech")],
            TouchKind::Put { conflict: false },
        ),
        (vec![key("list")], TouchKind::Inserted { index: 0, count: 2 }),
    ];
    let applied = give(&mut reader, 1, &[&change.bytes]);
    // Of what came it is not told where in a list it was.
    let alike = |kind: &TouchKind, other: &TouchKind| {
        use TouchKind::{Inserted, Removed, Text};
        kind == other || matches!((kind, other), (Text, Inserted { .. } | Removed { .. }))
    };
    for touched in [&change.touched, &applied.touched] {
        for (path, kind) in &expected {
            assert!(
                touched.iter().any(|t| &t.path == path && alike(&t.kind, kind)),
                "{path:?} in {touched:?}"
            );
        }
        assert!(
            touched.iter().any(|t| t.keys().eq(["fields", "speech", "text"])),
            "{touched:?}"
        );
    }
    let (_, change) = author
        .edit(NOW, |tx| {
            tx.delete(&fields, "speech")?;
            tx.delete(&list, 0)?;
            set_text(tx, &note, "xin")
                .map(|_| ())
                .map_err(|_| automerge::AutomergeError::Fail)
        })
        .unwrap();
    let change = change.unwrap();
    let applied = give(&mut reader, 1, &[&change.bytes]);
    let expected = [
        (vec![key("note")], TouchKind::Text),
        (vec![key("fields"), key("speech")], TouchKind::Deleted),
        (vec![key("list")], TouchKind::Removed { index: 0, count: 1 }),
    ];
    for touched in [&change.touched, &applied.touched] {
        assert_eq!(touched.len(), 3, "{touched:?}");
        for (path, kind) in &expected {
            assert!(
                touched.iter().any(|t| &t.path == path && alike(&t.kind, kind)),
                "{path:?} in {touched:?}"
            );
        }
    }
}

#[test]
fn concurrent_values_are_all_listed_with_their_devices_in_one_order_everywhere() {
    let (mut one, mut two, mut three) = (open(1), open(2), open(3));
    let changes = [
        put(&mut one, "place", "nhà văn hóa"),
        put(&mut two, "place", "trường học"),
    ];
    for (document, author) in [(&mut one, 2u8), (&mut two, 1)] {
        let applied = give(document, author, &[&changes[usize::from(author) - 1].bytes]);
        let told: Vec<Vec<&str>> = applied
            .touched
            .iter()
            .map(|touched| touched.keys().collect())
            .collect();
        assert_eq!(
            told,
            [["fields", "place"]],
            "also where the value to show stays the same"
        );
    }
    give(&mut three, 2, &[&changes[1].bytes]);
    give(&mut three, 1, &[&changes[0].bytes]);
    let read = |document: &Document| {
        let fields = object(document, "fields");
        let winner = document
            .read()
            .get(&fields, "place")
            .unwrap()
            .unwrap()
            .0
            .into_owned();
        let all = all_values(document.read(), &fields, "place").unwrap();
        assert_eq!(all[0].value, winner, "the one that reads return comes first");
        all.into_iter()
            .map(|a| (a.value.into_owned(), a.device, a.change))
            .collect::<Vec<_>>()
    };
    let values = read(&one);
    assert_eq!(values.len(), 2);
    assert_eq!(values[0].1, device(2), "equal counters: the greater actor wins");
    assert_eq!(values[0].2, changes[1].hash);
    assert_eq!(values, read(&two));
    assert_eq!(values, read(&three));
    assert!(all_values(one.read(), &ROOT, "nothing").unwrap().is_empty());
}

#[test]
fn a_change_tells_its_device_time_and_number() {
    let (mut author, mut reader) = (open(1), open(2));
    let first = put(&mut author, "a", 1);
    let (_, change) = author.edit(NOW + 2_500, |tx| tx.put(ROOT, "b", 2)).unwrap();
    let change = change.unwrap();
    assert_eq!(reader.provenance(&change.hash), None);
    give(&mut reader, 1, &[&first.bytes, &change.bytes]);
    let found = reader.provenance(&change.hash).unwrap();
    assert_eq!(
        (found.device, found.seq, found.time_ms, found.genesis),
        (device(1), 2, NOW + 2_000, false)
    );
    assert!(reader.provenance(&hash(&genesis())).unwrap().genesis);
    // Clocks before 1970 or far beyond are taken as the nearest time that can be written.
    for (time, written) in [(i64::MIN, 0), (i64::MAX, TIME_SECONDS_MAX * 1000)] {
        let (_, change) = author.edit(time, |tx| tx.put(ROOT, "c", time)).unwrap();
        assert_eq!(author.provenance(&change.unwrap().hash).unwrap().time_ms, written);
    }
}

#[test]
fn a_fold_is_due_after_many_changes_or_many_bytes() {
    let mut document = open(1);
    for n in 0..TAIL_CHANGES_FOLD {
        assert!(!document.is_fold_due(), "{n}");
        put(&mut document, "a", n as i64);
    }
    assert!(document.is_fold_due());
    let fold = document.fold().unwrap();
    assert_eq!(
        (fold.covers.len(), fold.heads),
        (TAIL_CHANGES_FOLD, document.heads())
    );
    assert!(!document.is_fold_due());
    let mut bytes = 0;
    while bytes < TAIL_BYTES_FOLD {
        assert!(!document.is_fold_due());
        bytes += put(&mut document, "a", ScalarValue::Bytes(vec![bytes as u8; 40_000]))
            .bytes
            .len();
    }
    assert!(document.is_fold_due());
}

#[test]
fn damaged_or_foreign_material_is_a_typed_error() {
    let mut document = open(1);
    let (a, b) = (put(&mut document, "a", 1), put(&mut document, "b", 2));
    let snapshot = document.save().unwrap();
    let load = |snapshot: Option<&[u8]>, tail: Vec<&[u8]>, by: u8| {
        Document::load(DOC, &genesis(), snapshot, tail, [], actor(by)).map(|document| document.heads())
    };
    assert_eq!(load(Some(&snapshot), vec![], 2).unwrap(), document.heads());
    assert_eq!(
        load(None, vec![&b.bytes, &a.bytes], 2).unwrap(),
        document.heads(),
        "rows in any order"
    );
    for cut in 0..snapshot.len() {
        let outcome = load(Some(&snapshot[..cut]), vec![], 2);
        assert!(
            matches!(outcome, Err(LoadError::Snapshot | LoadError::Panicked(_))),
            "{cut}"
        );
    }
    let mut flipped = snapshot.clone();
    flipped[20] ^= 1;
    assert!(matches!(
        load(Some(&flipped), vec![], 2),
        Err(LoadError::Snapshot)
    ));
    let huge = vec![0; SNAPSHOT_BYTES_MAX + 1];
    assert!(matches!(load(Some(&huge), vec![], 2), Err(LoadError::Snapshot)));
    assert!(matches!(load(None, vec![&b.bytes], 2), Err(LoadError::TailGap)));
    assert!(matches!(load(None, vec![&a.bytes[..9]], 2), Err(LoadError::Tail)));
    assert!(matches!(
        load(Some(&snapshot), vec![], 1),
        Err(LoadError::ActorUsed)
    ));
    assert!(matches!(
        Document::new(DOC, &a.bytes, actor(2)),
        Err(LoadError::Genesis)
    ));
    assert!(matches!(
        Document::new(DOC, b"", actor(2)),
        Err(LoadError::Genesis)
    ));
    let elsewhere = crate::genesis_change(DocId::from_bytes([1; 16]), 1, containers).unwrap();
    let foreign = Document::load(
        DocId::from_bytes([1; 16]),
        &elsewhere,
        Some(&snapshot),
        [],
        [],
        actor(2),
    );
    assert!(matches!(foreign, Err(LoadError::Snapshot)));
}

#[test]
fn a_merge_of_many_offline_writers_is_one_batch() {
    let mut reader = open(200);
    let runs: Vec<_> = (1..=60)
        .map(|who| {
            let mut writer = open(who);
            let changes: Vec<_> = (0..3).map(|n| put(&mut writer, "k", n).bytes).collect();
            run_of(who, &changes)
        })
        .collect();
    let applied = reader.apply(runs);
    assert_eq!(applied.admitted.len(), 180);
    assert_eq!(reader.heads().len(), 60);
    let change = put(&mut reader, "after", 1);
    assert!(change.merges.is_empty());
    assert_eq!(reader.heads(), vec![change.hash]);
}

#[test]
fn a_document_may_move_to_another_thread() {
    fn moves<T: Send>() {}
    moves::<Document>();
}

#[test]
fn signs_of_several_code_points_pass_the_gate_and_can_be_edited() {
    let (mut author, mut reader) = (open(1), open(2));
    let note = object(&author, "note");
    for text in [
        "cờ 🇻🇳",
        "cờ 🇻🇳 và 👨‍👩‍👧 x\u{301}\u{302}",
        "cờ 👨‍👩‍👧 x\u{301}",
        "x\u{302}\r\ny",
        "",
    ] {
        let (_, change) = author.edit(NOW, |tx| set_text(tx, &note, text)).unwrap();
        assert_eq!(
            give(&mut reader, 1, &[change.unwrap().bytes]).refused,
            vec![],
            "{text}"
        );
        assert_eq!(reader.read().text(&note).unwrap(), text);
    }
}

#[test]
fn two_writers_who_answered_each_other_more_often_than_changes_may_wait_come_as_one_run_each() {
    let (mut one, mut two) = (open(1), open(2));
    let (mut ones, mut twos): (Vec<Vec<u8>>, Vec<Vec<u8>>) = (Vec::new(), Vec::new());
    for number in 0..ORPHANS_PER_AUTHOR_MAX as i64 + 10 {
        one.prove();
        ones.push(put(&mut one, "k", number).bytes);
        give(&mut two, 1, &ones[ones.len() - 1..]);
        two.prove();
        twos.push(put(&mut two, "k", -1 - number).bytes);
        give(&mut one, 2, &twos[twos.len() - 1..]);
    }
    for runs in [
        vec![run_of(1, &ones), run_of(2, &twos)],
        vec![run_of(2, &twos), run_of(1, &ones)],
    ] {
        let mut reader = open(3);
        let applied = reader.apply(runs);
        assert_eq!((applied.refused, applied.orphans.len()), (vec![], 0));
        assert_equal(&reader, &one);
    }
}
