//! What the operations of a change refer to must exist, fit, and lie in the change's own past (P11.9).
//!
//! Automerge resolves references against whatever the document holds. An operation on an element that its author
//! cannot have seen would be placed on one replica and lost on another; one on an object that never was panics half-way.

use std::collections::BTreeMap;
use std::rc::Rc;

use automerge::{Automerge, Change, ChangeHash, ObjId, ObjType, ReadDoc};

use crate::actor::Actor;
use crate::contain::contained;
use crate::gate::{Candidate, GateError};
use crate::image::{Spot, Written};
use crate::ops::{At, Does, Id, Op, Ops, ops};

/// Last sequence number of every actor in some past.
type Past = BTreeMap<Actor, u64>;

/// Where an operation writes within its object.
#[derive(Clone, PartialEq, Eq)]
enum Within {
    Key(String),
    /// The element with this id; an insertion makes its own.
    Element(Id),
}

/// What later operations may ask about one operation.
#[derive(Clone)]
struct Note {
    /// The object it writes in; `None` is the root.
    object: Option<Id>,
    spot: Within,
    insert: bool,
    delete: bool,
    makes: Option<ObjType>,
}

impl Note {
    fn written(&self) -> Written {
        match &self.spot {
            Within::Key(key) => (Spot::Key(self.object, key.clone()), self.delete),
            Within::Element(_) => (Spot::Sequence(self.object), false),
        }
    }
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

    /// Checks every operation and remembers the change. All its dependencies are in the document or were staged. Tells
    /// where the change writes, and whether it is plain ([`Ops::plain`]).
    pub(crate) fn stage(
        &mut self,
        candidate: &Candidate,
        change: &Change,
    ) -> Result<(Vec<Written>, bool), GateError> {
        let ops = contained(|| ops(change)).map_err(|_| GateError::Unreadable)?;
        let Ops { ops, plain } = ops.ok_or(GateError::Reference)?;
        let clock = self.clock(candidate);
        let mut notes: Vec<Note> = Vec::with_capacity(ops.len());
        let mut container = None;
        for op in ops {
            let id = (candidate.start_op + notes.len() as u64, candidate.known.actor);
            let mut view = View {
                references: self,
                clock: &clock,
                own: &notes,
                own_start: (candidate.start_op, candidate.known.actor),
                container,
            };
            let note = view.check(id, op).ok_or(GateError::Reference)?;
            container = view.container;
            notes.push(note);
        }
        let mut written: Vec<Written> = Vec::new();
        for note in &notes {
            let next = note.written();
            if written.last() != Some(&next) {
                written.push(next);
            }
        }
        self.clocks.insert(candidate.hash, clock);
        self.remember(
            candidate.known.actor,
            candidate.start_op,
            Notes {
                seq: candidate.known.seq,
                ops: notes,
            },
        );
        Ok((written, plain))
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
    fn find(&mut self, (counter, actor): Id) -> Option<(u64, &Note)> {
        if self.noted(counter, &actor).is_none() {
            let exid = ObjId::Id(counter, actor.to_automerge(), 0);
            let hash = self.crdt.hash_for_opid(&exid)?;
            let change = self.crdt.get_change_by_hash(&hash)?;
            let notes = Notes {
                seq: change.seq(),
                ops: note_all(&change)?,
            };
            self.remember(actor, change.start_op().get(), notes);
        }
        self.noted(counter, &actor)
    }

    fn noted(&self, counter: u64, actor: &Actor) -> Option<(u64, &Note)> {
        let (start, notes) = self.notes.get(actor)?.range(..=counter).next_back()?;
        let note = notes.ops.get(usize::try_from(counter - start).ok()?)?;
        Some((notes.seq, note))
    }
}

/// What one operation of a change can see.
struct View<'v, 'a> {
    references: &'v mut References<'a>,
    clock: &'v Clock,
    own: &'v [Note],
    own_start: Id,
    /// The object that the operation before wrote in, and what it is: most write in the same one.
    container: Option<(Id, ObjType)>,
}

impl View<'_, '_> {
    fn see(&mut self, id: Id) -> Option<&Note> {
        let (start, actor) = self.own_start;
        if id.1 == actor && id.0 >= start {
            return self.own.get(usize::try_from(id.0 - start).ok()?);
        }
        let (seq, note) = self.references.find(id)?;
        self.clock.covers(&id.1, seq).then_some(note)
    }

    /// The note of an operation that refers only to what it may; `None` when it does not.
    fn check(&mut self, id: Id, op: Op) -> Option<Note> {
        let container = match op.object {
            None => ObjType::Map,
            Some(object) => match self.container {
                Some((seen, kind)) if seen == object => kind,
                _ => {
                    let kind = self.see(object)?.makes?;
                    self.container = Some((object, kind));
                    kind
                }
            },
        };
        let fits = match (container, &op.at) {
            (ObjType::Map, At::Key(_)) => !op.insert,
            (ObjType::List | ObjType::Text, At::Head) => op.insert,
            (ObjType::List | ObjType::Text, At::Element(element)) => {
                let element = self.see(*element)?;
                element.insert && element.object == op.object
            }
            _ => false,
        };
        // Texts hold one code point per element: several in one would let a deletion take a neighbour (decision 0026).
        let in_text =
            container != ObjType::Text || matches!(op.does, Does::Delete | Does::Put { letter: true });
        let changes_something = matches!(op.does, Does::Delete | Does::Increment);
        if !fits || !in_text || (op.insert && (changes_something || !op.preds.is_empty())) {
            return None;
        }
        if changes_something && op.preds.is_empty() {
            return None;
        }
        let (preds, note) = note(id, op)?;
        for pred in preds {
            let pred = self.see(pred)?;
            if pred.object != note.object || pred.spot != note.spot || pred.delete {
                return None;
            }
        }
        Some(note)
    }
}

fn note_all(change: &Change) -> Option<Vec<Note>> {
    let actor = Actor::from_automerge(change.actor_id())?;
    ops(change)?
        .ops
        .into_iter()
        .zip(change.start_op().get()..)
        .map(|(op, counter)| Some(note((counter, actor), op)?.1))
        .collect()
}

/// What to remember of an operation, and what it replaces.
fn note(id: Id, op: Op) -> Option<(Vec<Id>, Note)> {
    let spot = match op.at {
        At::Key(key) => Within::Key(key),
        _ if op.insert => Within::Element(id),
        At::Element(element) => Within::Element(element),
        At::Head => return None,
    };
    let note = Note {
        object: op.object,
        spot,
        insert: op.insert,
        delete: op.does == Does::Delete,
        makes: match op.does {
            Does::Make(kind) => Some(kind),
            _ => None,
        },
    };
    Some((op.preds, note))
}
