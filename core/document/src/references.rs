//! What the operations of a change refer to must exist, fit, and lie in the change's own past (P11.9).
//!
//! Automerge resolves references against whatever the document holds. An operation on an element that its author
//! cannot have seen would be placed on one replica and lost on another; one on an object that never was panics half-way.

use std::collections::BTreeMap;
use std::rc::Rc;

use automerge::legacy::{ElementId, Key, ObjectId, Op, OpId, OpType};
use automerge::{Automerge, Change, ChangeHash, ExpandedChange, ObjId, ObjType, ReadDoc, ScalarValue};

use crate::actor::Actor;
use crate::contain::contained;
use crate::gate::{Candidate, GateError};

/// An operation id.
type Id = (u64, Actor);
/// Last sequence number of every actor in some past.
type Past = BTreeMap<Actor, u64>;

/// Where an operation writes within its object.
#[derive(Clone, PartialEq, Eq)]
enum Spot {
    Key(String),
    /// The element with this id; an insertion makes its own.
    Element(Id),
}

/// What later operations may ask about one operation.
#[derive(Clone)]
struct Note {
    /// The object it writes in; `None` is the root.
    object: Option<Id>,
    spot: Spot,
    insert: bool,
    delete: bool,
    makes: Option<ObjType>,
}

struct Notes {
    seq: u64,
    ops: Vec<Note>,
}

/// What a change of the batch has in its past: what its dependencies had, and its actor's changes up to itself.
#[derive(Clone)]
struct Clock {
    base: Rc<Past>,
    actor: Actor,
    seq: u64,
}

impl Clock {
    fn covers(&self, actor: &Actor, seq: u64) -> bool {
        (*actor == self.actor && seq <= self.seq) || self.base.get(actor).is_some_and(|last| seq <= *last)
    }
}

/// References of one batch: into the document and into the changes staged before.
pub(crate) struct References<'a> {
    crdt: &'a Automerge,
    seqs: &'a Past,
    clocks: BTreeMap<ChangeHash, Clock>,
    pasts: BTreeMap<Vec<ChangeHash>, Rc<Past>>,
    /// Operations of changes seen so far, by actor and first counter.
    notes: BTreeMap<Actor, BTreeMap<u64, Notes>>,
}

impl<'a> References<'a> {
    pub(crate) fn new(crdt: &'a Automerge, seqs: &'a Past) -> Self {
        Self {
            crdt,
            seqs,
            clocks: BTreeMap::new(),
            pasts: BTreeMap::new(),
            notes: BTreeMap::new(),
        }
    }

    /// Checks every operation and remembers the change. All its dependencies are in the document or were staged.
    pub(crate) fn stage(&mut self, candidate: &Candidate, change: &Change) -> Result<(), GateError> {
        let expanded = contained(|| change.decode()).map_err(|_| GateError::Unreadable)?;
        let clock = self.clock(candidate);
        let mut ops = Vec::with_capacity(expanded.operations.len());
        for op in &expanded.operations {
            let id = (candidate.start_op + ops.len() as u64, candidate.known.actor);
            let mut view = View {
                references: self,
                clock: &clock,
                own: &ops,
                own_start: (candidate.start_op, candidate.known.actor),
            };
            let note = view.check(id, op).ok_or(GateError::Reference)?;
            ops.push(note);
        }
        self.clocks.insert(candidate.hash, clock);
        self.remember(
            candidate.known.actor,
            candidate.start_op,
            Notes {
                seq: candidate.known.seq,
                ops,
            },
        );
        Ok(())
    }

    fn remember(&mut self, actor: Actor, start_op: u64, notes: Notes) {
        self.notes.entry(actor).or_default().insert(start_op, notes);
    }

    fn clock(&mut self, candidate: &Candidate) -> Clock {
        let (actor, seq) = (candidate.known.actor, candidate.known.seq);
        if let [dep] = candidate.deps[..]
            && let Some(previous) = self.clocks.get(&dep)
            && previous.actor == actor
        {
            return Clock {
                base: previous.base.clone(),
                actor,
                seq,
            };
        }
        let (staged, applied): (Vec<ChangeHash>, Vec<ChangeHash>) = candidate
            .deps
            .iter()
            .partition(|dep| self.clocks.contains_key(*dep));
        let base = self.past(applied);
        if staged.is_empty() {
            return Clock { base, actor, seq };
        }
        let mut merged = Past::clone(&base);
        for dep in staged {
            let clock = &self.clocks[&dep];
            for (actor, seq) in clock
                .base
                .iter()
                .map(|(a, s)| (*a, *s))
                .chain([(clock.actor, clock.seq)])
            {
                let last = merged.entry(actor).or_insert(0);
                *last = seq.max(*last);
            }
        }
        Clock {
            base: Rc::new(merged),
            actor,
            seq,
        }
    }

    /// What lies in the past of changes that the document holds: everything but what Automerge counts as newer.
    fn past(&mut self, deps: Vec<ChangeHash>) -> Rc<Past> {
        if let Some(past) = self.pasts.get(&deps) {
            return past.clone();
        }
        let mut past = Past::new();
        // Without dependencies Automerge would list everything; the past of nothing is nothing.
        if !deps.is_empty() {
            past = self.seqs.clone();
            for newer in self.crdt.get_changes_meta(&deps) {
                if let Some(last) = Actor::from_automerge(&newer.actor).and_then(|actor| past.get_mut(&actor))
                {
                    *last = (newer.seq - 1).min(*last);
                }
            }
        }
        let past = Rc::new(past);
        self.pasts.insert(deps, past.clone());
        past
    }

    /// An operation of another change, with the sequence number of that change.
    fn find(&mut self, (counter, actor): Id) -> Option<(u64, Note)> {
        if self.noted(counter, &actor).is_none() {
            let exid = ObjId::Id(counter, actor.to_automerge(), 0);
            let hash = self.crdt.hash_for_opid(&exid)?;
            let change = self.crdt.get_change_by_hash(&hash)?;
            let notes = Notes {
                seq: change.seq(),
                ops: note_all(&change.decode())?,
            };
            self.remember(actor, change.start_op().get(), notes);
        }
        self.noted(counter, &actor)
    }

    fn noted(&self, counter: u64, actor: &Actor) -> Option<(u64, Note)> {
        let (start, notes) = self.notes.get(actor)?.range(..=counter).next_back()?;
        let note = notes.ops.get(usize::try_from(counter - start).ok()?)?;
        Some((notes.seq, note.clone()))
    }
}

/// What one operation of a change can see.
struct View<'v, 'a> {
    references: &'v mut References<'a>,
    clock: &'v Clock,
    own: &'v [Note],
    own_start: Id,
}

impl View<'_, '_> {
    fn see(&mut self, id: Id) -> Option<Note> {
        let (start, actor) = self.own_start;
        if id.1 == actor && id.0 >= start {
            return self.own.get(usize::try_from(id.0 - start).ok()?).cloned();
        }
        let (seq, note) = self.references.find(id)?;
        self.clock.covers(&id.1, seq).then_some(note)
    }

    /// The note of an operation that refers only to what it may; `None` when it does not.
    fn check(&mut self, id: Id, op: &Op) -> Option<Note> {
        let note = note(id, op)?;
        let container = match note.object {
            None => ObjType::Map,
            Some(object) => self.see(object)?.makes?,
        };
        let fits = match (container, &op.key) {
            (ObjType::Map, Key::Map(_)) => !op.insert,
            (ObjType::List | ObjType::Text, Key::Seq(ElementId::Head)) => op.insert,
            (ObjType::List | ObjType::Text, Key::Seq(ElementId::Id(element))) => {
                let element = self.see(read(element)?)?;
                element.insert && element.object == note.object
            }
            _ => false,
        };
        let in_text = container != ObjType::Text || note.delete || is_letter(op);
        let changes_something = matches!(op.action, OpType::Delete | OpType::Increment(_));
        if !fits || !in_text || (op.insert && (changes_something || !op.pred.is_empty())) {
            return None;
        }
        if changes_something && op.pred.is_empty() {
            return None;
        }
        for pred in op.pred.iter() {
            let pred = self.see(read(pred)?)?;
            if pred.object != note.object || pred.spot != note.spot || pred.delete {
                return None;
            }
        }
        Some(note)
    }
}

/// Texts hold one code point per element: several in one would let a deletion take a neighbour (decision 0026).
fn is_letter(op: &Op) -> bool {
    matches!(&op.action, OpType::Put(ScalarValue::Str(text)) if text.chars().count() == 1)
}

fn note_all(change: &ExpandedChange) -> Option<Vec<Note>> {
    let actor = Actor::from_automerge(&change.actor_id)?;
    change
        .operations
        .iter()
        .zip(change.start_op.get()..)
        .map(|(op, counter)| note((counter, actor), op))
        .collect()
}

fn note(id: Id, op: &Op) -> Option<Note> {
    let object = match &op.obj {
        ObjectId::Root => None,
        ObjectId::Id(object) => Some(read(object)?),
    };
    let spot = match &op.key {
        Key::Map(key) => Spot::Key(key.to_string()),
        Key::Seq(_) if op.insert => Spot::Element(id),
        Key::Seq(ElementId::Id(element)) => Spot::Element(read(element)?),
        Key::Seq(ElementId::Head) => return None,
    };
    Some(Note {
        object,
        spot,
        insert: op.insert,
        delete: op.action == OpType::Delete,
        makes: match &op.action {
            OpType::Make(kind) => Some(*kind),
            _ => None,
        },
    })
}

fn read(id: &OpId) -> Option<Id> {
    Some((id.0, Actor::from_automerge(&id.1)?))
}
