//! Applying runs: judge all, apply once, and find the culprit when that fails.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use automerge::{Automerge, Change, ChangeHash};
use sotay_feed::DeviceId;

use super::Document;
use crate::actor::Actor;
use crate::contain::contained;
use crate::gate::{Candidate, Gate, GateError, Verdict, known};
use crate::image::Written;
use crate::orphans::Orphan;
use crate::run::Run;
use crate::touched::{Touched, touched_by};

/// Operations given to Automerge in one call, at least one change. Measured on an evening of thirty phones (decision 0190).
const GROUP_OPS: usize = 2 * 1024;

/// A change that was not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// (index of the run, index of the change in it); `None` when it had been waiting.
    pub origin: Option<(usize, usize)>,
    /// Why.
    pub error: GateError,
}

/// What became of the runs handed to [`Document::apply`]. To be written in one transaction: `admitted` into the tail,
/// `orphans` into the table of waiting changes, `released` out of it.
#[derive(Debug, Clone, Default)]
pub struct Applied {
    /// Raw changes that are now part of the document, each after those it builds on.
    pub admitted: Vec<Vec<u8>>,
    /// Changes that wait for others.
    pub orphans: Vec<Orphan>,
    /// Changes that no longer wait: admitted or refused.
    pub released: Vec<ChangeHash>,
    /// Changes that were refused.
    pub refused: Vec<Refused>,
    /// How many were already here or already waiting.
    pub duplicates: usize,
    /// What the admitted changes touched.
    pub touched: Vec<Touched>,
}

/// A change that passed the gate, and where it writes.
pub(super) struct Staged {
    pub(super) candidate: Candidate,
    /// As Automerge reads it; taken by the first try.
    pub(super) change: Option<Change>,
    pub(super) written: Vec<Written>,
    /// See [`crate::ops::Ops::plain`].
    pub(super) plain: bool,
}

impl Document {
    /// Passes the changes of `runs` (each with the device that signed its envelope) through the gate and applies what
    /// is ready in one batch: applying one by one costs fifty times as much. Runs of one device must come in the order
    /// of its feed; otherwise any order, repetition and mixture is fine, and what others of the same call build on is judged
    /// before them. Nothing here fails as a whole: a bad change takes down only what builds on it.
    pub fn apply(&mut self, runs: Vec<(DeviceId, Run)>) -> Applied {
        let mut applied = Applied::default();
        let mut queue: VecDeque<Candidate> = VecDeque::new();
        if std::mem::take(&mut self.stale_orphans) {
            queue.extend(self.orphans.drain());
        }
        for (run_index, (author, run)) in runs.into_iter().enumerate() {
            for (index, raw) in run.changes.into_iter().enumerate() {
                let origin = Some((run_index, index));
                let candidate = if self.broken {
                    Err(GateError::Broken)
                } else if run.doc != self.id {
                    Err(GateError::OtherDocument)
                } else {
                    Candidate::read(author, raw, origin)
                };
                match candidate {
                    Ok(candidate) => queue.push_back(candidate),
                    Err(error) => applied.refused.push(Refused { origin, error }),
                }
            }
        }
        let (batch, waiting) = self.stage(in_order_of_building(queue), &mut applied);
        self.admit(batch, &mut applied);
        applied.orphans = waiting
            .iter()
            .filter_map(|hash| self.orphans.settle(hash))
            .collect();
        applied
    }

    /// Judges everything in order; what waits is put aside, what becomes ready through others follows right after them.
    /// Returns what is ready, each after those it builds on, and the hashes of what was newly put aside.
    fn stage(
        &mut self,
        mut queue: VecDeque<Candidate>,
        applied: &mut Applied,
    ) -> (Vec<Staged>, Vec<ChangeHash>) {
        let mut gate = Gate::new(&self.crdt, &self.seqs);
        let (mut batch, mut waiting) = (Vec::new(), Vec::new());
        while let Some(candidate) = queue.pop_front() {
            let (origin, hash) = (candidate.origin, candidate.hash);
            let known = candidate.known;
            if self.orphans.contains(&hash) {
                applied.duplicates += 1;
                continue;
            }
            let verdict = match self.orphans.at(known.actor, known.seq) {
                Some(_other) => Err(GateError::SeqTaken),
                None => contained(|| gate.judge(&candidate)).unwrap_or(Err(GateError::Unreadable)),
            };
            let outcome = match verdict {
                Ok(Verdict::Duplicate) => {
                    applied.duplicates += 1;
                    Ok(())
                }
                Ok(Verdict::Waits(dep)) => match self.orphans.hold(candidate, dep) {
                    Ok(()) => {
                        waiting.extend(origin.map(|_| hash));
                        continue;
                    }
                    Err(error) => Err(error),
                },
                Ok(Verdict::Ready) => contained(|| gate.stage(&candidate))
                    .unwrap_or(Err(GateError::Unreadable))
                    .map(|(change, written, plain)| {
                        for released in self.orphans.release(&hash).into_iter().rev() {
                            queue.push_front(released);
                        }
                        batch.push(Staged {
                            candidate,
                            change: Some(change),
                            written,
                            plain,
                        });
                    }),
                Err(error) => Err(error),
            };
            if origin.is_none() {
                applied.released.push(hash);
            }
            if let Err(error) = outcome {
                applied.refused.push(Refused { origin, error });
            }
        }
        (batch, waiting)
    }

    /// One batch for all; only when that fails, halves of it on copies until the culprits are alone. Where a fold is due, it
    /// proves plain changes as well as comparing them one by one would, and that is left to [`Document::prove`].
    pub(super) fn admit(&mut self, mut batch: Vec<Staged>, applied: &mut Applied) {
        if batch.is_empty() {
            return;
        }
        let bytes = batch.iter().map(|staged| staged.candidate.raw.len()).sum();
        let later =
            self.material.is_fold_due_with(batch.len(), bytes) && batch.iter().all(|staged| staged.plain);
        match try_batch(&mut self.crdt, &mut batch, !later) {
            Ok(()) => {
                self.unproven |= later;
                self.book(batch, applied);
            }
            Err(error) => {
                tracing::debug!(%error, changes = batch.len(), "batch failed, looking for the culprit");
                self.rebuild();
                if self.broken {
                    refuse(batch, GateError::Broken, applied);
                } else {
                    self.bisect(batch, applied);
                }
            }
        }
    }

    pub(super) fn bisect(&mut self, mut batch: Vec<Staged>, applied: &mut Applied) {
        let Ok(mut trial) = contained(|| self.crdt.clone()) else {
            return refuse(batch, GateError::Inapplicable, applied);
        };
        match try_batch(&mut trial, &mut batch, true) {
            Ok(()) => {
                self.crdt = trial;
                self.book(batch, applied);
            }
            Err(error) if batch.len() == 1 => refuse(batch, error, applied),
            Err(_) => {
                let later = batch.split_off(batch.len() / 2);
                self.bisect(batch, applied);
                let (later, lost) = self.still_ready(later);
                refuse(lost, GateError::AfterRefused, applied);
                if !later.is_empty() {
                    self.bisect(later, applied);
                }
            }
        }
    }

    /// Splits off what builds on a change that did not get in.
    fn still_ready(&self, batch: Vec<Staged>) -> (Vec<Staged>, Vec<Staged>) {
        let mut here = BTreeSet::new();
        batch.into_iter().partition(|Staged { candidate, .. }| {
            let ready = candidate
                .deps
                .iter()
                .all(|dep| here.contains(dep) || known(&self.crdt, dep).is_some());
            if ready {
                here.insert(candidate.hash);
            }
            ready
        })
    }

    /// Books changes that are in the document now.
    fn book(&mut self, batch: Vec<Staged>, applied: &mut Applied) {
        let mut all = BTreeMap::new();
        for Staged {
            candidate, written, ..
        } in batch
        {
            all.extend(written);
            self.seqs.insert(candidate.known.actor, candidate.known.seq);
            if candidate.known.actor == self.actor {
                self.last_own = Some(candidate.hash);
            }
            self.material.push(candidate.hash, candidate.raw.clone());
            applied.admitted.push(candidate.raw);
        }
        match contained(|| touched_by(&self.crdt, &all)) {
            Ok(touched) => applied.touched.extend(touched),
            Err(error) => tracing::error!(%error, "what changes touched is not told"),
        }
        self.refresh_image(all.into_keys().collect());
    }
}

/// Each change after those of the queue that it builds on; otherwise in the order of the queue, which alone decides between two
/// for one place of an actor. Runs that hold much of one actor (P17.3) would otherwise make more wait than there is room for.
fn in_order_of_building(queue: VecDeque<Candidate>) -> VecDeque<Candidate> {
    let at: BTreeMap<ChangeHash, usize> = queue
        .iter()
        .enumerate()
        .rev()
        .map(|(at, one)| (one.hash, at))
        .collect();
    let mut before = vec![0usize; queue.len()];
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); queue.len()];
    let mut places: BTreeMap<(Actor, u64), usize> = BTreeMap::new();
    for (candidate, number) in queue.iter().zip(0..) {
        let previous = places.insert((candidate.known.actor, candidate.known.seq), number);
        let built_on = candidate.deps.iter().filter_map(|dep| at.get(dep).copied());
        for first in built_on.chain(previous).filter(|first| *first != number) {
            before[number] += 1;
            after[first].push(number);
        }
    }
    if (0..queue.len()).all(|number| after[number].iter().all(|later| *later > number)) {
        return queue;
    }
    let mut ready: BTreeSet<usize> = (0..queue.len()).filter(|number| before[*number] == 0).collect();
    let mut left: Vec<Option<Candidate>> = queue.into_iter().map(Some).collect();
    let mut sorted = VecDeque::with_capacity(left.len());
    while let Some(number) = ready.pop_first() {
        sorted.extend(left[number].take());
        for later in std::mem::take(&mut after[number]) {
            before[later] -= 1;
            if before[later] == 0 {
                ready.insert(later);
            }
        }
    }
    // Rings, which only forged changes make.
    sorted.extend(left.into_iter().flatten());
    sorted
}

fn refuse(batch: Vec<Staged>, error: GateError, applied: &mut Applied) {
    applied.refused.extend(batch.into_iter().map(|staged| Refused {
        origin: staged.candidate.origin,
        error,
    }));
}

/// Applies changes at once, and with `prove` proves that Automerge hands out the very bytes it was given: it keeps
/// operations, not bytes, and a change it would write differently (say, one that deletes what never was) would make every
/// later snapshot unloadable. On an error `crdt` must be dropped.
pub(super) fn try_batch(crdt: &mut Automerge, batch: &mut [Staged], prove: bool) -> Result<(), GateError> {
    let changes = batch
        .iter_mut()
        .map(|staged| staged.change.take().map_or_else(|| staged.candidate.parse(), Ok))
        .collect::<Result<Vec<_>, _>>()?;
    contained(|| {
        let before = crdt.get_heads();
        for group in groups(changes) {
            crdt.apply_changes(group).map_err(|_| GateError::Inapplicable)?;
        }
        if !prove {
            return Ok(());
        }
        let mut given: Vec<&[u8]> = batch.iter().map(|staged| &staged.candidate.raw[..]).collect();
        let again = crdt.get_changes(&before);
        let mut again: Vec<&[u8]> = again.iter().map(Change::raw_bytes).collect();
        given.sort_unstable();
        again.sort_unstable();
        if again == given {
            Ok(())
        } else {
            Err(GateError::NotCanonical)
        }
    })
    .unwrap_or(Err(GateError::Inapplicable))
}

/// In the same order, so many operations at a time: Automerge sorts all operations of a call in memory of its own, and one
/// change at a time costs fifty times as much.
fn groups(changes: Vec<Change>) -> Vec<Vec<Change>> {
    let mut groups: Vec<Vec<Change>> = Vec::new();
    let mut room = 0;
    for change in changes {
        match groups.last_mut() {
            Some(group) if change.len() <= room => {
                room -= change.len();
                group.push(change);
            }
            _ => {
                room = GROUP_OPS.saturating_sub(change.len());
                groups.push(vec![change]);
            }
        }
    }
    groups
}
