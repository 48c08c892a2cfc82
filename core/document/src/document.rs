//! One document: Automerge state that only admitted changes reach.

mod apply;
mod proof;

use std::collections::{BTreeMap, BTreeSet};

use automerge::transaction::{CommitOptions, Transaction};
use automerge::{Automerge, ChangeHash};
use sotay_feed::{DocId, IntoTree};

pub use apply::{Applied, Refused};
use apply::{Staged, try_batch};
pub use proof::Proved;

use crate::actor::Actor;
use crate::chunk::{Parts, ShapeError};
use crate::clocks::Clocks;
use crate::contain::{Panicked, contained};
use crate::gate::{Candidate, GateError, known};
use crate::history::{Provenance, provenance};
use crate::image::{Image, Spot, spots};
use crate::limits::{HEADS_FOLD_ABOVE, TIME_SECONDS_MAX};
use crate::material::{LoadError, Material, SaveError, save_verified};
use crate::orphans::{Orphan, Orphans};
use crate::touched::{Touched, touched};

/// Places up to which an image is brought up to date; making a new one costs less than reading more of them one by one.
const REFRESH_MAX: usize = 100;

/// Why an edit was not made. The document is as before.
#[derive(Debug, thiserror::Error)]
pub enum EditError<E> {
    /// The closure said no; everything it did was rolled back.
    #[error("edit rolled back: {0}")]
    Refused(E),
    /// The change would be refused by every other device (too large, or an operation this project does not use); the
    /// document was rebuilt without it. Ask for less at once.
    #[error("edit does not pass the gate: {0}")]
    Shape(#[from] ShapeError),
    /// Automerge, or the closure, panicked; the document was rebuilt.
    #[error(transparent)]
    Panicked(#[from] Panicked),
    /// Too many heads, and they could not be merged: a bug, here or in Automerge.
    #[error("heads cannot be merged: {0}")]
    Merge(#[from] GateError),
    /// Changes came that are not proved yet: [`Document::prove`] first. The caller's fault.
    #[error("what came must be proved first")]
    Unproven,
    /// The document could not be rebuilt after an earlier panic: drop it and load it anew.
    #[error("document must be loaded anew")]
    Broken,
}

/// A change made here. Write all of [`LocalChange::rows`] to the tail in the transaction that writes the envelope.
#[derive(Clone)]
pub struct LocalChange {
    /// The raw change chunk.
    pub bytes: Vec<u8>,
    /// Its hash.
    pub hash: ChangeHash,
    /// Merge changes (raw) made just before it because the document had too many heads; they travel with it.
    pub merges: Vec<Vec<u8>>,
    /// What it touched.
    pub touched: Vec<Touched>,
}

impl LocalChange {
    /// Raw changes in the order they were made: for the tail and for [`crate::encode_runs`].
    pub fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.merges.iter().chain([&self.bytes]).map(Vec::as_slice)
    }
}

impl std::fmt::Debug for LocalChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            bytes,
            hash,
            merges,
            touched: _,
        } = self;
        write!(
            f,
            "LocalChange({hash:?} {} bytes, {} merges)",
            bytes.len(),
            merges.len()
        )
    }
}

/// The rows to exchange when the tail is folded: insert `snapshot`, then drop the tail rows in `covers`, in one
/// transaction. A crash between the two does no harm.
#[derive(Clone)]
pub struct Fold {
    /// The document's new snapshot; it was loaded back and has the same heads.
    pub snapshot: Vec<u8>,
    /// Heads it stands for.
    pub heads: Vec<ChangeHash>,
    /// Tail rows that it makes needless.
    pub covers: Vec<ChangeHash>,
}

impl std::fmt::Debug for Fold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            snapshot,
            heads,
            covers,
        } = self;
        write!(
            f,
            "Fold({} bytes, {} heads, {} rows)",
            snapshot.len(),
            heads.len(),
            covers.len()
        )
    }
}

/// A document and the gate before it.
pub struct Document {
    id: DocId,
    actor: Actor,
    crdt: Automerge,
    material: Material,
    /// Last sequence number of every actor in the document.
    seqs: BTreeMap<Actor, u64>,
    orphans: Orphans,
    /// Orphans were loaded and not judged since.
    stale_orphans: bool,
    /// This actor's latest change, which its next one has to name.
    last_own: Option<ChangeHash>,
    /// Merge changes of an edit that then wrote nothing; they go out with the next one.
    merges: Vec<Vec<u8>>,
    /// What the document reads, kept in step with it once somebody asked.
    image: Option<Image>,
    /// What the image has of clocks, with all it takes to go on; made anew when it is missing.
    clocks: Option<Clocks>,
    /// Changes came that are not proved by what Automerge hands out: [`Document::prove`].
    unproven: bool,
    broken: bool,
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Document({:?} {} actors, {} waiting)",
            self.id,
            self.seqs.len(),
            self.orphans.len()
        )
    }
}

impl Document {
    /// A document in which nothing but its genesis happened.
    pub fn new(id: DocId, genesis: &[u8], actor: Actor) -> Result<Self, LoadError> {
        Self::load(id, genesis, None, [], [], actor)
    }

    /// The document from what the caller stored: the last snapshot, the tail rows written since (in any order; rows that
    /// the snapshot covers do no harm) and the waiting changes. Waiting changes that have become ready are applied by
    /// the next [`Document::apply`], even of no runs.
    pub fn load<'a>(
        id: DocId,
        genesis: &[u8],
        snapshot: Option<&[u8]>,
        tail: impl IntoIterator<Item = &'a [u8]>,
        orphans: impl IntoIterator<Item = Orphan>,
        actor: Actor,
    ) -> Result<Self, LoadError> {
        let mut material = Material::new(genesis, snapshot)?;
        for row in tail {
            material.push_row(row)?;
        }
        let crdt = material.build(actor)?;
        let seqs = contained(|| last_seqs(&crdt))?;
        if seqs.contains_key(&actor) {
            return Err(LoadError::ActorUsed);
        }
        // A tail that long was left behind before it was proved.
        let unproven = material.is_fold_due();
        let mut document = Self {
            id,
            actor,
            crdt,
            material,
            seqs,
            orphans: Orphans::default(),
            stale_orphans: true,
            last_own: None,
            merges: Vec::new(),
            image: None,
            clocks: None,
            unproven,
            broken: false,
        };
        for orphan in orphans {
            // A row that is no longer acceptable waits no longer; the caller finds it in its envelopes if it ever asks.
            if let Ok(candidate) = Candidate::read(orphan.author, orphan.bytes, None) {
                let dep = candidate.deps[0];
                let _full = document.orphans.hold(candidate, dep);
            }
        }
        Ok(document)
    }

    /// Which document.
    pub fn id(&self) -> DocId {
        self.id
    }

    /// Who writes here.
    pub fn actor(&self) -> Actor {
        self.actor
    }

    /// The state, for reading. Reads that must survive a panic go through [`Document::view`].
    pub fn read(&self) -> &Automerge {
        &self.crdt
    }

    /// Reads with Automerge's panics contained.
    pub fn view<T>(&self, f: impl FnOnce(&Automerge) -> T) -> Result<T, Panicked> {
        contained(|| f(&self.crdt))
    }

    /// What the document reads now: made once, and from then on only what a change wrote to is read again.
    pub fn image(&mut self) -> Result<&Image, Panicked> {
        let heads = self.crdt.get_heads();
        let image = match self.image.take().filter(|image| image.heads() == heads) {
            Some(image) => image,
            None => {
                let (clocks, image) = contained(|| {
                    let clocks = Clocks::of(&self.crdt);
                    let image = Image::of(&self.crdt, &clocks);
                    (clocks, image)
                })?;
                self.clocks = Some(clocks);
                image
            }
        };
        Ok(self.image.insert(image))
    }

    /// The same, if somebody asked before and it is up to date.
    pub fn known_image(&self) -> Option<&Image> {
        self.image
            .as_ref()
            .filter(|image| image.heads() == self.crdt.get_heads())
    }

    /// Takes over an image that was made of this document; one of other heads is of no use.
    pub fn give_image(&mut self, image: Image) {
        self.image = Some(image).filter(|image| image.heads() == self.crdt.get_heads());
        self.clocks = None;
    }

    /// Reads again what changes wrote to, if there is an image.
    fn refresh_image(&mut self, spots: BTreeSet<Spot>) {
        let Some(mut image) = self.image.take() else {
            return;
        };
        if spots.len() > REFRESH_MAX {
            self.clocks = None;
            return;
        }
        let (crdt, clocks) = (&self.crdt, self.clocks.take());
        // On a panic the image is gone, and made anew when it is asked for.
        let refreshed = contained(move || {
            let clocks = match clocks {
                Some(mut clocks) => {
                    clocks.learn(crdt, image.heads());
                    clocks
                }
                None => Clocks::of(crdt),
            };
            image.refresh(crdt, &clocks, spots);
            (clocks, image)
        });
        (self.clocks, self.image) = refreshed.ok().unzip();
    }

    /// Hashes of the changes nothing builds on yet, sorted.
    pub fn heads(&self) -> Vec<ChangeHash> {
        self.crdt.get_heads()
    }

    /// Who made a change, and when.
    pub fn provenance(&self, hash: &ChangeHash) -> Option<Provenance> {
        provenance(&self.crdt, hash)
    }

    /// How many changes wait for others.
    pub fn orphan_count(&self) -> usize {
        self.orphans.len()
    }

    /// Whether a failed rebuild left nothing to work with: drop the document and load it anew.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// Runs `f` in one transaction; `None` when it changed nothing. `time_ms` (milliseconds since 1970 UTC) is stored
    /// to the second and only ever shown. Whatever goes wrong, the document is as before.
    pub fn edit<T, E>(
        &mut self,
        time_ms: i64,
        f: impl FnOnce(&mut Transaction<'_>) -> Result<T, E>,
    ) -> Result<(T, Option<LocalChange>), EditError<E>> {
        if self.broken {
            return Err(EditError::Broken);
        }
        if self.unproven {
            return Err(EditError::Unproven);
        }
        let time = time_ms.div_euclid(1000).clamp(0, TIME_SECONDS_MAX);
        self.merge_heads(time)?;
        let outcome = contained(|| {
            let success = self
                .crdt
                .transact_and_log_patches_with(|_| CommitOptions::default().with_time(time), f)
                .map_err(|failure| failure.error)?;
            let mut log = success.patch_log;
            let patches = self.crdt.make_patches(&mut log);
            let change = success.hash.and(self.crdt.get_last_local_change());
            let spots: BTreeSet<Spot> = match &change {
                Some(change) if self.image.is_some() => spots(change),
                _ => BTreeSet::new(),
            };
            let bytes = change.map(|change| change.raw_bytes().to_vec());
            Ok::<_, E>((success.result, bytes, touched(&self.crdt, &patches), spots))
        });
        let (result, bytes, touched, spots) = match outcome {
            Ok(Ok(done)) => done,
            Ok(Err(refused)) => return Err(EditError::Refused(refused)),
            Err(panicked) => {
                self.rebuild();
                return Err(panicked.into());
            }
        };
        let Some(bytes) = bytes else {
            return Ok((result, None));
        };
        let hash = self.take_own(&bytes)?;
        self.refresh_image(spots);
        let merges = std::mem::take(&mut self.merges);
        Ok((
            result,
            Some(LocalChange {
                bytes,
                hash,
                merges,
                touched,
            }),
        ))
    }

    /// Books a change that Automerge already made; one that others would refuse is undone by a rebuild.
    fn take_own(&mut self, raw: &[u8]) -> Result<ChangeHash, ShapeError> {
        match Parts::read(raw) {
            Ok((parts, hash)) => {
                self.book_own(parts.seq, hash, raw.to_vec());
                Ok(hash)
            }
            Err(error) => {
                self.rebuild();
                Err(error)
            }
        }
    }

    fn book_own(&mut self, seq: u64, hash: ChangeHash, raw: Vec<u8>) {
        self.seqs.insert(self.actor, seq);
        self.last_own = Some(hash);
        self.material.push(hash, raw);
    }

    /// Makes merge changes until an ordinary change can name all heads: many writers, or one hostile one, can leave
    /// more heads than a change may depend on (P11.10).
    fn merge_heads(&mut self, time: i64) -> Result<(), GateError> {
        loop {
            let heads = self.crdt.get_heads();
            if heads.len() <= HEADS_FOLD_ABOVE {
                return Ok(());
            }
            let mut deps: BTreeSet<ChangeHash> = heads.into_iter().take(HEADS_FOLD_ABOVE).into_set();
            deps.extend(self.last_own);
            let max_op = deps
                .iter()
                .filter_map(|dep| known(&self.crdt, dep))
                .map(|dep| dep.max_op)
                .max();
            let seq = self.seqs.get(&self.actor).copied().unwrap_or(0) + 1;
            let merge = Parts {
                deps: deps.into_iter().collect(),
                actor: self.actor,
                seq,
                start_op: max_op.unwrap_or(0) + 1,
                time,
                others: Vec::new(),
                columns: Vec::new(),
            };
            let (raw, hash) = merge.write();
            let candidate = Candidate::read(self.actor.device(), raw.clone(), None)?;
            let mut batch = [Staged {
                candidate,
                change: None,
                written: Vec::new(),
                plain: false,
            }];
            if let Err(error) = try_batch(&mut self.crdt, &mut batch, true) {
                self.rebuild();
                return Err(error);
            }
            self.merges.push(raw.clone());
            self.book_own(seq, hash, raw);
            self.refresh_image(BTreeSet::new());
        }
    }

    /// Whether the tail has grown to [`crate::limits::TAIL_CHANGES_FOLD`] or [`crate::limits::TAIL_BYTES_FOLD`].
    pub fn is_fold_due(&self) -> bool {
        self.material.is_fold_due()
    }

    /// A snapshot of the whole document that was loaded back before it is handed out. Waiting changes are not in it.
    /// Not equal byte for byte on replicas with equal heads: compare heads, never snapshots.
    pub fn save(&self) -> Result<Vec<u8>, SaveError> {
        if self.broken {
            return Err(SaveError::Broken);
        }
        save_verified(&self.crdt)
    }

    /// Saves, and names the tail rows that the snapshot makes needless. On an error nothing changes; the tail stays.
    pub fn fold(&mut self) -> Result<Fold, SaveError> {
        let snapshot = self.save()?;
        Ok(self.folded(snapshot))
    }

    fn folded(&mut self, snapshot: Vec<u8>) -> Fold {
        self.unproven = false;
        let covers = self.material.fold(snapshot.clone());
        Fold {
            snapshot,
            heads: self.heads(),
            covers,
        }
    }

    /// Drops the state Automerge may have left half-done and builds it again from the last good material.
    fn rebuild(&mut self) {
        (self.image, self.clocks) = (None, None);
        match self.material.build(self.actor) {
            Ok(crdt) => self.crdt = crdt,
            Err(error) => {
                tracing::error!(%error, "document could not be rebuilt");
                self.broken = true;
            }
        }
    }
}

/// The last sequence number of every actor.
fn last_seqs(crdt: &Automerge) -> BTreeMap<Actor, u64> {
    let mut seqs = BTreeMap::new();
    for meta in crdt.get_changes_meta(&[]) {
        if let Some(actor) = Actor::from_automerge(&meta.actor) {
            let last = seqs.entry(actor).or_insert(0);
            *last = meta.seq.max(*last);
        }
    }
    seqs
}

#[cfg(test)]
mod honest;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod misplaced;
#[cfg(test)]
mod proved;
