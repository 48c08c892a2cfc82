//! The operations of a change as the gate asks about them, read from its columns.
//!
//! Automerge's own decoding makes every operation a struct with its actor's bytes, its key and its value as owned strings;
//! that took a quarter of the time in which a phone takes in an evening (decision 0184). What is read here is what every
//! honest change looks like; anything else is left to Automerge's decoding, so both always agree.

use automerge::legacy::{ElementId, Key, ObjectId, Op as Expanded, OpId, OpType};
use automerge::{Change, ExpandedChange, ObjType, ScalarValue};

use crate::actor::Actor;
use crate::chunk::Parts;
use crate::leb::{Cursor, Malformed};

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

/// The operations of a change; `None` when one of them is none that this project writes.
pub(crate) fn ops(change: &Change) -> Option<Vec<Op>> {
    match Parts::unhashed(change.raw_bytes())
        .ok()
        .and_then(|parts| columns(&parts))
    {
        Some(ops) => Some(ops),
        None => expanded(&change.decode()),
    }
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

fn columns(parts: &Parts<'_>) -> Option<Vec<Op>> {
    let actor = |number: u64| match number {
        0 => Some(parts.actor),
        other => parts.others.get(usize::try_from(other).ok()? - 1).copied(),
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
        let value = values.take(usize::try_from(meta >> 4).ok()?).ok()?;
        let does = match actions.number()?? {
            0 => Does::Make(ObjType::Map),
            1 => Does::Put {
                letter: meta & 0xf == STRING && std::str::from_utf8(value).ok()?.chars().count() == 1,
            },
            2 => Does::Make(ObjType::List),
            3 => Does::Delete,
            4 => Does::Make(ObjType::Text),
            5 => Does::Increment,
            _ => return None,
        };
        let mut preds = Vec::new();
        for _ in 0..groups.number()?.unwrap_or(0) {
            let by = actor(pred_actors.number()??)?;
            pred_counter = pred_counter.checked_add(pred_counters.signed()??)?;
            preds.push((u64::try_from(pred_counter).ok()?, by));
        }
        ops.push(Op {
            object,
            at,
            insert,
            does,
            preds,
        });
    }
    Some(ops)
}

/// A run-length column. Every reader gives `None` when the column is malformed or ends too early, and `Some(None)` for a
/// null; a column that is left out holds nothing but nulls.
struct Runs<'a> {
    cursor: Cursor<'a>,
    left_out: bool,
    run: Run<'a>,
}

#[derive(Clone, Copy)]
enum Run<'a> {
    /// The same value, to be read from here, so many times more.
    Repeated(u64, Cursor<'a>),
    Literal(u64),
    Nulls(u64),
}

impl<'a> Runs<'a> {
    fn of(column: &'a [u8]) -> Self {
        Self {
            cursor: Cursor::new(column),
            left_out: column.is_empty(),
            run: Run::Nulls(0),
        }
    }

    fn next<T>(&mut self, read: impl Fn(&mut Cursor<'a>) -> Result<T, Malformed>) -> Option<Option<T>> {
        if self.left_out {
            return Some(None);
        }
        loop {
            match self.run {
                Run::Repeated(0, _) | Run::Literal(0) | Run::Nulls(0) => {}
                Run::Repeated(more, mut value) => {
                    self.run = Run::Repeated(more - 1, value);
                    return read(&mut value).ok().map(Some);
                }
                Run::Literal(more) => {
                    self.run = Run::Literal(more - 1);
                    return read(&mut self.cursor).ok().map(Some);
                }
                Run::Nulls(more) => {
                    self.run = Run::Nulls(more - 1);
                    return Some(None);
                }
            }
            self.run = match self.cursor.i64().ok()? {
                0 => Run::Nulls(self.cursor.u64().ok()?),
                count @ 1.. => {
                    let value = self.cursor;
                    read(&mut self.cursor).ok()?;
                    Run::Repeated(count.unsigned_abs(), value)
                }
                count => Run::Literal(count.unsigned_abs()),
            };
        }
    }

    fn number(&mut self) -> Option<Option<u64>> {
        self.next(Cursor::u64)
    }

    fn signed(&mut self) -> Option<Option<i64>> {
        self.next(Cursor::i64)
    }

    fn text(&mut self) -> Option<Option<&'a str>> {
        self.next(|cursor| {
            let len = cursor.len()?;
            std::str::from_utf8(cursor.take(len)?).map_err(|_| Malformed)
        })
    }
}

/// A column of truth values: lengths of runs, the first one false.
struct Truths<'a> {
    cursor: Cursor<'a>,
    value: bool,
    more: u64,
}

impl<'a> Truths<'a> {
    fn of(column: &'a [u8]) -> Self {
        Self {
            cursor: Cursor::new(column),
            value: true,
            more: 0,
        }
    }

    fn next(&mut self) -> Option<bool> {
        while self.more == 0 {
            self.more = self.cursor.u64().ok()?;
            self.value = !self.value;
        }
        self.more -= 1;
        Some(self.value)
    }
}

#[cfg(test)]
mod tests {
    use automerge::transaction::Transactable;
    use automerge::{AutomergeError, ROOT};
    use proptest::prelude::*;

    use super::*;
    use crate::contain::contained;
    use crate::testing::*;
    use crate::{Document, set_text};

    fn both_ways(raw: &[u8]) -> Option<Vec<Op>> {
        let change = Change::from_bytes(raw.to_vec()).unwrap();
        let parts = Parts::unhashed(change.raw_bytes()).unwrap();
        let fast = columns(&parts);
        // Automerge panics on some nonsense; then there is nothing to read here either.
        let slow = contained(|| expanded(&change.decode())).ok().flatten();
        if let Some(fast) = &fast {
            assert_eq!(Some(fast), slow.as_ref());
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

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

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
                    prop_assert!(both_ways(&raw).is_some(), "an honest change is read without Automerge");
                    feeds[who].push(raw);
                }
            }
        }

        #[test]
        fn columns_of_garbage_are_read_alike_or_not_at_all(
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
            what in 0..8u8,
        ) {
            let mut document = open(1);
            (0..4).for_each(|n| drop(edit(&mut document, n, 5, n as u8)));
            edit(&mut document, 8, 2, 1);
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
            if Change::from_bytes(bent.clone()).is_ok() {
                both_ways(&bent);
            }
        }
    }
}
