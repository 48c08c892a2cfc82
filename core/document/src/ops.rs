//! The operations of a change as the gate asks about them, read from its columns.
//!
//! Automerge's own decoding makes every operation a struct with its actor's bytes, its key and its value as owned strings;
//! that took a quarter of the time in which a phone takes in an evening (decision 0184). What is read here is what every
//! honest change looks like; anything else is left to Automerge's decoding, so both always agree.

use automerge::legacy::{ElementId, Key, ObjectId, Op as Expanded, OpId, OpType};
use automerge::{Change, ExpandedChange, ObjType, ScalarValue};

use crate::actor::Actor;
use crate::chunk::Parts;
use crate::columns::{Runs, Truths};
use crate::leb::Cursor;

/// An operation id.
pub(crate) type Id = (u64, Actor);

/// Where in its object an operation writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum At {
    Key(String),
    /// Before the first element.
    Head,
    /// At this element, or behind it when it inserts.
    Element(Id),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Does {
    Make(ObjType),
    /// Sets a value; `letter`: it is a string of one code point.
    Put {
        letter: bool,
    },
    Delete,
    Increment,
}

/// One operation; the value itself is not asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Op {
    /// The object it writes in; `None` is the root.
    pub object: Option<Id>,
    pub at: At,
    pub insert: bool,
    pub does: Does,
    pub preds: Vec<Id>,
}

/// The operations of a change.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ops {
    pub ops: Vec<Op>,
    /// Its bytes are the ones that Automerge makes of these operations, as long as they refer to what is there: it keeps
    /// operations, not bytes. `false` says only that this is not known here (decision 0190).
    pub plain: bool,
}

/// The operations of a change; `None` when one of them is none that this project writes.
pub(crate) fn ops(change: &Change) -> Option<Ops> {
    let parts = Parts::unhashed(change.raw_bytes()).ok();
    parts.and_then(|parts| columns(&parts)).or_else(|| {
        let ops = expanded(&change.decode())?;
        Some(Ops { ops, plain: false })
    })
}

/// By way of Automerge's decoding.
fn expanded(change: &ExpandedChange) -> Option<Vec<Op>> {
    change.operations.iter().map(one).collect()
}

fn one(op: &Expanded) -> Option<Op> {
    let id = |id: &OpId| Some((id.0, Actor::from_automerge(&id.1)?));
    Some(Op {
        object: match &op.obj {
            ObjectId::Root => None,
            ObjectId::Id(object) => Some(id(object)?),
        },
        at: match &op.key {
            Key::Map(key) => At::Key(key.to_string()),
            Key::Seq(ElementId::Head) => At::Head,
            Key::Seq(ElementId::Id(element)) => At::Element(id(element)?),
        },
        insert: op.insert,
        does: match &op.action {
            OpType::Make(kind) => Does::Make(*kind),
            OpType::Put(ScalarValue::Str(text)) => Does::Put {
                letter: text.chars().count() == 1,
            },
            OpType::Put(_) => Does::Put { letter: false },
            OpType::Delete => Does::Delete,
            OpType::Increment(_) => Does::Increment,
            _ => return None,
        },
        preds: op.pred.iter().map(id).collect::<Option<_>>()?,
    })
}

/// Type of a string in the metadata of values.
const STRING: u64 = 6;

/// A value as it stands in its column: its type, and its bytes.
struct Stored<'a> {
    kind: u64,
    bytes: &'a [u8],
}

impl Stored<'_> {
    fn is_null(&self) -> bool {
        self.kind == 0 && self.bytes.is_empty()
    }

    fn is_letter(&self) -> Option<bool> {
        Some(self.kind == STRING && std::str::from_utf8(self.bytes).ok()?.chars().count() == 1)
    }

    /// Whether there is one way only to write it, and these bytes are it. Floats, counters and types unknown here are left
    /// to Automerge.
    fn is_plain(&self) -> bool {
        let mut number = Cursor::new(self.bytes);
        match self.kind {
            // Null, false, true.
            0..=2 => self.bytes.is_empty(),
            3 => number.u64().is_ok() && number.is_empty(),
            // A number with sign, a time.
            4 | 9 => number.i64().is_ok() && number.is_empty(),
            STRING => std::str::from_utf8(self.bytes).is_ok(),
            7 => true,
            _ => false,
        }
    }
}

fn columns(parts: &Parts<'_>) -> Option<Ops> {
    let mut named = vec![false; parts.others.len()];
    let mut actor = |number: u64| match number {
        0 => Some(parts.actor),
        other => {
            let at = usize::try_from(other).ok()? - 1;
            *named.get_mut(at)? = true;
            parts.others.get(at).copied()
        }
    };
    let column = |spec| Runs::of(parts.column(spec));
    let (mut object_actors, mut object_counters) = (column(0x01), column(0x02));
    let (mut key_actors, mut key_counters, mut keys) = (column(0x11), column(0x13), column(0x15));
    let (mut inserts, mut actions) = (Truths::of(parts.column(0x34)), column(0x42));
    let (mut metas, mut values) = (column(0x56), Cursor::new(parts.column(0x57)));
    let (mut groups, mut pred_actors, mut pred_counters) = (column(0x70), column(0x71), column(0x73));
    let (mut key_counter, mut pred_counter) = (0i64, 0i64);
    let count = usize::try_from(parts.ops().ok()?).ok()?;
    let mut ops = Vec::with_capacity(count);
    let mut plain = true;
    for _ in 0..count {
        let object = match (object_actors.number()?, object_counters.number()?) {
            (None, None) => None,
            (Some(by), Some(counter @ 1..)) => Some((counter, actor(by)?)),
            _ => return None,
        };
        let element = match key_counters.signed()? {
            Some(delta) => {
                key_counter = key_counter.checked_add(delta)?;
                Some(u64::try_from(key_counter).ok()?)
            }
            None => None,
        };
        let at = match (keys.text()?, key_actors.number()?, element) {
            (Some(key), None, None) => At::Key(key.to_owned()),
            (None, None, Some(0)) => At::Head,
            (None, Some(by), Some(counter @ 1..)) => At::Element((counter, actor(by)?)),
            _ => return None,
        };
        let insert = inserts.next()?;
        let meta = metas.number()?.unwrap_or(0);
        let value = Stored {
            kind: meta & 0xf,
            bytes: values.take(usize::try_from(meta >> 4).ok()?).ok()?,
        };
        let does = match actions.number()?? {
            0 => Does::Make(ObjType::Map),
            1 => Does::Put {
                letter: value.is_letter()?,
            },
            2 => Does::Make(ObjType::List),
            3 => Does::Delete,
            4 => Does::Make(ObjType::Text),
            5 => Does::Increment,
            _ => return None,
        };
        plain &= match does {
            Does::Make(_) | Does::Delete => value.is_null(),
            Does::Put { .. } => value.is_plain(),
            Does::Increment => false,
        };
        let mut preds: Vec<Id> = Vec::new();
        for _ in 0..groups.number()?.unwrap_or(0) {
            let by = actor(pred_actors.number()??)?;
            pred_counter = pred_counter.checked_add(pred_counters.signed()??)?;
            let pred = (u64::try_from(pred_counter).ok()?, by);
            plain &= preds.last().is_none_or(|before| *before < pred);
            preds.push(pred);
        }
        ops.push(Op {
            object,
            at,
            insert,
            does,
            preds,
        });
    }
    let optional = [
        &object_actors,
        &object_counters,
        &key_actors,
        &key_counters,
        &keys,
    ];
    let full = [&actions, &metas, &groups];
    let of_preds = [&pred_actors, &pred_counters];
    plain &= match count {
        0 => parts.columns.is_empty(),
        _ => {
            optional.into_iter().all(Runs::is_plain)
                && full.into_iter().all(Runs::is_plain_and_full)
                && of_preds
                    .into_iter()
                    .all(|runs| runs.is_left_out() || runs.is_plain_and_full())
                && inserts.is_plain()
                && values.is_empty()
        }
    };
    plain &= named.into_iter().all(|named| named);
    Some(Ops { ops, plain })
}

#[cfg(test)]
mod tests {
    use automerge::transaction::Transactable;
    use automerge::{AutomergeError, ROOT};
    use proptest::prelude::*;

    use super::*;
    use crate::contain::contained;
    use crate::leb::{put_i64, put_u64};
    use crate::testing::*;
    use crate::{Document, GateError, set_text};

    fn both_ways(raw: &[u8]) -> Option<Ops> {
        let change = Change::from_bytes(raw.to_vec()).unwrap();
        let parts = Parts::unhashed(change.raw_bytes()).unwrap();
        let fast = columns(&parts);
        // Automerge panics on some nonsense; then there is nothing to read here either.
        let slow = contained(|| expanded(&change.decode())).ok().flatten();
        if let Some(fast) = &fast {
            assert_eq!(Some(&fast.ops), slow.as_ref());
        }
        fast
    }

    fn edit(document: &mut Document, number: i64, what: u8, at: u8) -> Vec<Vec<u8>> {
        let [note, fields, list] = ["note", "fields", "list"].map(|key| object(document, key));
        let key = format!("k{}", at % 4);
        let length = automerge::ReadDoc::length(document.read(), &list);
        let (_, change) = document
            .edit(NOW, |tx| {
                match what {
                    0 => set_text(tx, &note, &format!("câu {number}, 🇻🇳 {at}"))
                        .map(drop)
                        .unwrap(),
                    1 => tx.put(&fields, &key, number)?,
                    2 => tx.put(&fields, &key, format!("chuỗi {number}"))?,
                    3 => {
                        let inner = tx.put_object(&fields, &key, ObjType::Map)?;
                        tx.put(&inner, "a", ScalarValue::Null)?;
                        tx.put(&inner, "b", ScalarValue::counter(number))?;
                        tx.put_object(&inner, "text", ObjType::Text)?;
                    }
                    4 => tx.delete(&fields, &key)?,
                    5 => tx.insert(&list, usize::from(at) % (length + 1), "x")?,
                    6 if length > 0 => tx.delete(&list, usize::from(at) % length)?,
                    7 if length > 0 => {
                        tx.put(&list, usize::from(at) % length, ScalarValue::Bytes(vec![at]))?
                    }
                    _ => tx.put(ROOT, key, vec![at; 300])?,
                }
                Ok::<_, AutomergeError>(())
            })
            .unwrap();
        let rows = change.iter().flat_map(|change| change.rows().map(<[u8]>::to_vec));
        rows.collect()
    }

    type Spelling<'a> = &'a mut dyn FnMut(usize) -> usize;

    /// The values of a run-length column in other runs, as `pick` has it: between two runs anything can be split, and what
    /// is equal can stand one by one.
    fn respelled(spec: u32, column: &[u8], count: usize, pick: Spelling<'_>) -> Vec<u8> {
        let mut runs = Runs::of(column);
        let mut values: Vec<Option<Vec<u8>>> = Vec::new();
        for _ in 0..count {
            let mut bytes = Vec::new();
            let value = match spec {
                0x13 | 0x73 => runs.signed().unwrap().map(|value| put_i64(&mut bytes, value)),
                0x15 => runs.text().unwrap().map(|text| {
                    put_u64(&mut bytes, text.len() as u64);
                    bytes.extend_from_slice(text.as_bytes());
                }),
                _ => runs.number().unwrap().map(|value| put_u64(&mut bytes, value)),
            };
            values.push(value.map(|()| bytes));
        }
        let mut out = Vec::new();
        let mut left = &values[..];
        while let Some(first) = left.first() {
            let same = left.iter().take_while(|value| *value == first).count();
            let filled = left.iter().take_while(|value| value.is_some()).count();
            let take = match first {
                None => {
                    let take = 1 + pick(same);
                    put_i64(&mut out, 0);
                    put_u64(&mut out, take as u64);
                    take
                }
                Some(value) if pick(2) == 0 => {
                    let take = 1 + pick(same);
                    put_i64(&mut out, take as i64);
                    out.extend_from_slice(value);
                    take
                }
                Some(_) => {
                    let take = 1 + pick(filled);
                    put_i64(&mut out, -(take as i64));
                    left[..take]
                        .iter()
                        .flatten()
                        .for_each(|value| out.extend_from_slice(value));
                    take
                }
            };
            left = &left[take..];
        }
        out
    }

    /// The same truth values with empty runs between them.
    fn respelled_truths(column: &[u8], pick: Spelling<'_>) -> Vec<u8> {
        let mut cursor = Cursor::new(column);
        let mut out = Vec::new();
        while let Ok(count) = cursor.u64() {
            let first = pick(count as usize + 1) as u64;
            if first > 0 && first < count {
                for part in [first, 0, count - first] {
                    put_u64(&mut out, part);
                }
            } else {
                put_u64(&mut out, count);
            }
        }
        out
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn only_the_spelling_that_automerge_writes_is_plain(
            what in 0..10u8,
            at in any::<u8>(),
            which in 0..10usize,
            seed: u64,
        ) {
            let mut document = open(1);
            (0..4).for_each(|n| drop(edit(&mut document, n, 5, n as u8)));
            edit(&mut document, 8, 2, at);
            let Some(raw) = edit(&mut document, 9, what, at).pop() else { return Ok(()) };
            let honest = both_ways(&raw).unwrap();
            prop_assert_eq!(honest.plain, what != 3);
            let preds = honest.ops.iter().map(|op| op.preds.len()).sum();
            let mut state = seed;
            let mut pick = |below: usize| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 33) as usize % below
            };
            let bent = forge(&raw, |parts| {
                let spec = [0x01, 0x02, 0x11, 0x13, 0x15, 0x34, 0x42, 0x56, 0x70, 0x71][which];
                let count = if spec == 0x71 { preds } else { honest.ops.len() };
                let column = parts.column(spec);
                let again = match spec {
                    0x34 => respelled_truths(column, &mut pick),
                    // Left out: the nulls written all the same.
                    0x01..=0x15 if column.is_empty() => [0, count as u8].to_vec(),
                    _ => respelled(spec, column, count, &mut pick),
                };
                parts.columns.retain(|(found, _)| *found != spec);
                if !again.is_empty() {
                    parts.columns.push((spec, again.leak()));
                    parts.columns.sort_unstable();
                }
            });
            if let Some(read) = Change::from_bytes(bent.clone()).ok().and_then(|_| both_ways(&bent)) {
                prop_assert_eq!(&read.ops, &honest.ops);
                prop_assert_eq!(read.plain, honest.plain && bent == raw);
            }
        }

        #[test]
        fn operations_read_from_columns_are_those_that_automerge_reads(
            steps in proptest::collection::vec((0..3usize, 0..10u8, any::<u8>()), 1..40),
        ) {
            let mut documents: Vec<Document> = (1..=3).map(open).collect();
            let mut feeds: Vec<Vec<Vec<u8>>> = vec![Vec::new(); 3];
            for (number, &(who, what, at)) in steps.iter().enumerate() {
                if what == 9 {
                    let from = usize::from(at) % 3;
                    documents[who].apply(vec![run_of(from as u8 + 1, &feeds[from])]);
                    continue;
                }
                for raw in edit(&mut documents[who], number as i64, what, at) {
                    let read = both_ways(&raw).expect("an honest change is read without Automerge");
                    prop_assert_eq!(read.plain, what != 3, "counters alone are left to Automerge");
                    feeds[who].push(raw);
                }
            }
        }

        #[test]
        fn columns_of_garbage_are_read_alike_or_not_at_all_and_what_is_plain_holds(
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
            what in 0..8u8,
        ) {
            let (mut document, mut reader) = (open(1), open(2));
            let mut before: Vec<_> = (0..4).flat_map(|n| edit(&mut document, n, 5, n as u8)).collect();
            before.extend(edit(&mut document, 8, 2, 1));
            give(&mut reader, 1, &before);
            let raw = edit(&mut document, 9, what, 1).remove(0);
            let bent = forge(&raw, |parts| {
                let mut all: Vec<(u32, Vec<u8>)> =
                    parts.columns.iter().map(|(spec, bytes)| (*spec, bytes.to_vec())).collect();
                let total: usize = all.iter().map(|(_, bytes)| bytes.len()).sum();
                let mut at = at.index(total);
                for (_, bytes) in &mut all {
                    if at < bytes.len() {
                        bytes[at] = byte;
                        break;
                    }
                    at -= bytes.len();
                }
                parts.columns = all.into_iter().map(|(spec, bytes)| (spec, &*bytes.leak())).collect();
            });
            let read = match Change::from_bytes(bent.clone()) {
                Ok(_) => both_ways(&bent),
                Err(_) => None,
            };
            let error = verdict(&mut reader, 1, &bent);
            if read.is_some_and(|read| read.plain) {
                prop_assert!(
                    !matches!(error, Some(GateError::NotCanonical | GateError::Inapplicable)),
                    "what is plain and refers to what is there is written as it came"
                );
            }
        }
    }
}
