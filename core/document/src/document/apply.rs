//! Applying runs: judge all, apply once, and find the culprit when that fails.

use std::collections::{BTreeSet, VecDeque};

use automerge::{Automerge, Change, ChangeHash, PatchLog};
use sotay_feed::DeviceId;

use super::Document;
use crate::contain::contained;
use crate::gate::{Candidate, Gate, GateError, Verdict, known};
use crate::orphans::Orphan;
use crate::run::Run;
use crate::touched::{Touched, touched};

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

/// A change that passed the gate, as we and as Automerge read it.
type Staged = (Candidate, Change);

impl Document {
    /// Passes the changes of `runs` (each with the device that signed its envelope) through the gate and applies what
    /// is ready in one batch: applying one by one costs fifty times as much. Runs of one device must come in the order
    /// of its feed; otherwise any order, repetition and mixture is fine. Nothing here fails as a whole: a bad change
    /// takes down only what builds on it.
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
        let (batch, waiting) = self.stage(queue, &mut applied);
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
                    .map(|change| {
                        for released in self.orphans.release(&hash).into_iter().rev() {
                            queue.push_front(released);
                        }
                        batch.push((candidate, change));
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

    /// One batch for all; only when that fails, halves of it on copies until the culprits are alone.
    pub(super) fn admit(&mut self, batch: Vec<Staged>, applied: &mut Applied) {
        if batch.is_empty() {
            return;
        }
        match try_batch(
            &mut self.crdt,
            batch.iter().map(|(_, change)| change.clone()).collect(),
        ) {
            Ok(touched) => {
                applied.touched = touched;
                batch
                    .into_iter()
                    .for_each(|(candidate, _)| self.book(candidate, applied));
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

    fn bisect(&mut self, mut batch: Vec<Staged>, applied: &mut Applied) {
        let Ok(mut trial) = contained(|| self.crdt.clone()) else {
            return refuse(batch, GateError::Inapplicable, applied);
        };
        match try_batch(
            &mut trial,
            batch.iter().map(|(_, change)| change.clone()).collect(),
        ) {
            Ok(touched) => {
                self.crdt = trial;
                applied.touched.extend(touched);
                batch
                    .into_iter()
                    .for_each(|(candidate, _)| self.book(candidate, applied));
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
        batch.into_iter().partition(|(candidate, _)| {
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

    fn book(&mut self, candidate: Candidate, applied: &mut Applied) {
        self.seqs.insert(candidate.known.actor, candidate.known.seq);
        if candidate.known.actor == self.actor {
            self.last_own = Some(candidate.hash);
        }
        self.material.push(candidate.hash, candidate.raw.clone());
        applied.admitted.push(candidate.raw);
    }
}

fn refuse(batch: Vec<Staged>, error: GateError, applied: &mut Applied) {
    applied
        .refused
        .extend(batch.into_iter().map(|(candidate, _)| Refused {
            origin: candidate.origin,
            error,
        }));
}

/// Applies `changes` at once and proves that Automerge hands out the very bytes it was given: it keeps operations, not
/// bytes, and a change it would write differently (say, one that deletes what never was) would make every later
/// snapshot unloadable. On an error `crdt` must be dropped.
pub(super) fn try_batch(crdt: &mut Automerge, changes: Vec<Change>) -> Result<Vec<Touched>, GateError> {
    contained(|| {
        let before = crdt.get_heads();
        let mut log = PatchLog::active();
        crdt.apply_changes_log_patches(changes.clone(), &mut log)
            .map_err(|_| GateError::Inapplicable)?;
        let mut again = crdt.get_changes(&before);
        let mut given = changes;
        again.sort_unstable_by_key(Change::hash);
        given.sort_unstable_by_key(Change::hash);
        let same = again.len() == given.len()
            && again
                .iter()
                .zip(&given)
                .all(|(again, given)| again.raw_bytes() == given.raw_bytes());
        if !same {
            return Err(GateError::NotCanonical);
        }
        let patches = crdt.make_patches(&mut log);
        Ok(touched(crdt, &patches))
    })
    .unwrap_or(Err(GateError::Inapplicable))
}
