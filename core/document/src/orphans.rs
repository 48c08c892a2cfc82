//! Changes whose dependencies are not here yet. They wait outside Automerge, whose own queue has no bound and slows
//! every write; the caller keeps them in its own table.

use std::collections::{BTreeMap, BTreeSet};

use automerge::ChangeHash;
use sotay_feed::DeviceId;

use crate::actor::Actor;
use crate::gate::{Candidate, GateError};
use crate::limits::{ORPHAN_BYTES_PER_AUTHOR_MAX, ORPHANS_PER_AUTHOR_MAX};

/// A row of the caller's table of waiting changes.
#[derive(Clone, PartialEq, Eq)]
pub struct Orphan {
    /// The device that signed the envelope it came in.
    pub author: DeviceId,
    /// Key of the row.
    pub hash: ChangeHash,
    /// The raw change chunk.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Orphan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Orphan({:?} {} bytes)", self.author, self.bytes.len())
    }
}

#[derive(Default)]
pub(crate) struct Orphans {
    waiting: BTreeMap<ChangeHash, Candidate>,
    /// Which changes wait for a dependency; each change is listed under one that is missing.
    by_dep: BTreeMap<ChangeHash, BTreeSet<ChangeHash>>,
    /// Places taken by waiting changes: the first one keeps its place, on every replica alike.
    seqs: BTreeMap<(Actor, u64), ChangeHash>,
    per_author: BTreeMap<DeviceId, (usize, usize)>,
}

impl Orphans {
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn contains(&self, hash: &ChangeHash) -> bool {
        self.waiting.contains_key(hash)
    }

    /// The row for the caller's table, if the change still waits; from now on it is one that had been waiting.
    pub(crate) fn settle(&mut self, hash: &ChangeHash) -> Option<Orphan> {
        let candidate = self.waiting.get_mut(hash)?;
        candidate.origin = None;
        Some(Orphan {
            author: candidate.author,
            hash: *hash,
            bytes: candidate.raw.clone(),
        })
    }

    /// The waiting change that has this place of its actor, if any.
    pub(crate) fn at(&self, actor: Actor, seq: u64) -> Option<ChangeHash> {
        self.seqs.get(&(actor, seq)).copied()
    }

    /// Lets `candidate` wait for `dep`, within its author's share.
    pub(crate) fn hold(&mut self, candidate: Candidate, dep: ChangeHash) -> Result<(), GateError> {
        let (count, bytes) = self.per_author.entry(candidate.author).or_default();
        if *count >= ORPHANS_PER_AUTHOR_MAX || *bytes + candidate.raw.len() > ORPHAN_BYTES_PER_AUTHOR_MAX {
            return Err(GateError::OrphansFull);
        }
        *count += 1;
        *bytes += candidate.raw.len();
        self.seqs
            .insert((candidate.known.actor, candidate.known.seq), candidate.hash);
        self.by_dep.entry(dep).or_default().insert(candidate.hash);
        self.waiting.insert(candidate.hash, candidate);
        Ok(())
    }

    /// Takes out what waited for `dep`, in the order of hashes.
    pub(crate) fn release(&mut self, dep: &ChangeHash) -> Vec<Candidate> {
        let hashes = self.by_dep.remove(dep).unwrap_or_default();
        hashes.iter().filter_map(|hash| self.take(hash)).collect()
    }

    /// Takes out everything, to be judged anew.
    pub(crate) fn drain(&mut self) -> Vec<Candidate> {
        std::mem::take(self).waiting.into_values().collect()
    }

    fn take(&mut self, hash: &ChangeHash) -> Option<Candidate> {
        let candidate = self.waiting.remove(hash)?;
        self.seqs.remove(&(candidate.known.actor, candidate.known.seq));
        if let Some((count, bytes)) = self.per_author.get_mut(&candidate.author) {
            *count -= 1;
            *bytes -= candidate.raw.len();
        }
        Some(candidate)
    }
}
