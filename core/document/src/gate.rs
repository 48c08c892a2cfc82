//! What a change must be before Automerge sees it (P11.8–P11.10).
//!
//! Every rule answers something Automerge accepts and should not: changes under another device's actor, sequence
//! numbers that squat an honest device's place, operation counters that make every later local write panic. The rules
//! look only at the change and at what it depends on, so every replica judges alike.

use std::collections::BTreeMap;

use automerge::{Automerge, Change, ChangeHash};
use sotay_feed::DeviceId;

use crate::actor::Actor;
use crate::chunk::{Parts, ShapeError};
use crate::contain::contained;
use crate::image::Written;
use crate::references::References;

/// Why a change was not admitted. The author's fault, except where it says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    /// The run names another document. The caller's fault: it chose the document.
    #[error("run belongs to another document")]
    OtherDocument,
    /// Not a change that this project writes.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// Its actor does not belong to the device that signed the envelope.
    #[error("actor belongs to another device")]
    Actor,
    /// It depends on nothing; only the genesis may.
    #[error("no dependencies")]
    NoDeps,
    /// Another change already has this actor and sequence number.
    #[error("sequence number is taken")]
    SeqTaken,
    /// It skips sequence numbers of its actor although all it depends on is here.
    #[error("sequence number leaves a gap")]
    SeqGap,
    /// It does not depend directly on its actor's previous change.
    #[error("does not continue its actor's previous change")]
    NotOnPrevious,
    /// Its operations do not start right after the last operation it depends on.
    #[error("operation counter does not follow its dependencies")]
    StartOp,
    /// An operation refers to something that never was, does not fit, or that its author cannot have seen.
    #[error("operation refers to what is not in its past")]
    Reference,
    /// Automerge cannot read it.
    #[error("change is unreadable")]
    Unreadable,
    /// Automerge refused it, or panicked on it.
    #[error("change cannot be applied")]
    Inapplicable,
    /// Applied, Automerge would hand it out with other bytes: a snapshot with it could never be loaded.
    #[error("change is not in canonical form")]
    NotCanonical,
    /// Builds on a change of the same batch that was refused.
    #[error("builds on a refused change")]
    AfterRefused,
    /// Its dependencies are not here and its author has no room left to wait. Not final: offer it again later.
    #[error("too many changes of this author wait")]
    OrphansFull,
    /// The document could not be rebuilt after a panic and must be loaded anew. Not final, and not the author's fault.
    #[error("document must be loaded anew")]
    Broken,
}

impl GateError {
    /// Whether the same change can never be admitted.
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::OrphansFull | Self::Broken | Self::OtherDocument)
    }
}

/// A change whose shape is proved, with what the gate needs of it.
#[derive(Clone)]
pub(crate) struct Candidate {
    pub(crate) author: DeviceId,
    pub(crate) raw: Vec<u8>,
    pub(crate) hash: ChangeHash,
    pub(crate) deps: Vec<ChangeHash>,
    pub(crate) known: Known,
    pub(crate) start_op: u64,
    /// Where it came from: (run, change), or `None` when it had been waiting.
    pub(crate) origin: Option<(usize, usize)>,
}

/// What the gate asks about a change that is already in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) actor: Actor,
    pub(crate) seq: u64,
    pub(crate) max_op: u64,
}

impl Candidate {
    /// Checks everything that does not depend on the document.
    pub(crate) fn read(
        author: DeviceId,
        raw: Vec<u8>,
        origin: Option<(usize, usize)>,
    ) -> Result<Self, GateError> {
        let (parts, hash) = Parts::read(&raw)?;
        if parts.actor.device() != author {
            return Err(GateError::Actor);
        }
        if parts.deps.is_empty() {
            return Err(GateError::NoDeps);
        }
        let known = Known {
            actor: parts.actor,
            seq: parts.seq,
            max_op: parts.max_op()?,
        };
        let (deps, start_op) = (parts.deps, parts.start_op);
        Ok(Self {
            author,
            hash,
            deps,
            known,
            start_op,
            origin,
            raw,
        })
    }

    /// The same bytes as Automerge reads them.
    pub(crate) fn parse(&self) -> Result<Change, GateError> {
        let change = contained(|| Change::from_bytes(self.raw.clone()))
            .map_err(|_| GateError::Unreadable)?
            .map_err(|_| GateError::Unreadable)?;
        let agrees = change.hash() == self.hash && change.max_op() == self.known.max_op;
        if agrees {
            Ok(change)
        } else {
            Err(GateError::Unreadable)
        }
    }
}

/// What the gate found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Ready,
    Duplicate,
    /// Waits for (at least) this dependency.
    Waits(ChangeHash),
}

/// A change as Automerge reads it, where it writes, and whether it is plain ([`crate::ops::Ops::plain`]).
pub(crate) type Looked = (Change, Vec<Written>, bool);

/// The document as the gate sees it: what Automerge holds, and what was judged ready but is not applied yet.
pub(crate) struct Gate<'a> {
    crdt: &'a Automerge,
    seqs: &'a BTreeMap<Actor, u64>,
    staged: BTreeMap<ChangeHash, Known>,
    staged_seqs: BTreeMap<Actor, u64>,
    references: References<'a>,
}

impl<'a> Gate<'a> {
    pub(crate) fn new(crdt: &'a Automerge, seqs: &'a BTreeMap<Actor, u64>) -> Self {
        Self {
            crdt,
            seqs,
            staged: BTreeMap::new(),
            staged_seqs: BTreeMap::new(),
            references: References::new(crdt, seqs),
        }
    }

    pub(crate) fn known(&self, hash: &ChangeHash) -> Option<Known> {
        self.staged.get(hash).copied().or_else(|| known(self.crdt, hash))
    }

    /// Takes in a change that is [`Verdict::Ready`], if its operations refer only to what they may.
    pub(crate) fn stage(&mut self, candidate: &Candidate) -> Result<Looked, GateError> {
        let change = candidate.parse()?;
        let (written, plain) = self.references.stage(candidate, &change)?;
        self.staged.insert(candidate.hash, candidate.known);
        self.staged_seqs
            .insert(candidate.known.actor, candidate.known.seq);
        Ok((change, written, plain))
    }

    fn last_seq(&self, actor: &Actor) -> u64 {
        self.staged_seqs
            .get(actor)
            .or_else(|| self.seqs.get(actor))
            .copied()
            .unwrap_or(0)
    }

    /// Judges one change against the document (P11.9).
    pub(crate) fn judge(&self, candidate: &Candidate) -> Result<Verdict, GateError> {
        if self.known(&candidate.hash).is_some() {
            return Ok(Verdict::Duplicate);
        }
        let Known { actor, seq, .. } = candidate.known;
        let last = self.last_seq(&actor);
        if seq <= last {
            return Err(GateError::SeqTaken);
        }
        let mut max_op = 0;
        let mut on_previous = seq == 1;
        for dep in &candidate.deps {
            let Some(known) = self.known(dep) else {
                return Ok(Verdict::Waits(*dep));
            };
            max_op = max_op.max(known.max_op);
            on_previous |= known.actor == actor && known.seq == seq - 1;
        }
        if seq != last + 1 {
            return Err(GateError::SeqGap);
        }
        if !on_previous {
            return Err(GateError::NotOnPrevious);
        }
        if candidate.start_op != max_op + 1 {
            return Err(GateError::StartOp);
        }
        Ok(Verdict::Ready)
    }
}

/// What Automerge holds of a change.
pub(crate) fn known(crdt: &Automerge, hash: &ChangeHash) -> Option<Known> {
    let meta = crdt.get_change_meta_by_hash(hash)?;
    Some(Known {
        actor: Actor::from_automerge(&meta.actor)?,
        seq: meta.seq,
        max_op: meta.max_op,
    })
}
