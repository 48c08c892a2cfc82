//! What a document is made of on disk: genesis, a snapshot, and the tail of changes since.

use automerge::{Automerge, Change, ChangeHash, LoadOptions, ReadDoc, SaveOptions, TextEncoding};

use crate::actor::Actor;
use crate::contain::{Panicked, contained};
use crate::limits::{SNAPSHOT_BYTES_MAX, TAIL_BYTES_FOLD, TAIL_CHANGES_FOLD};

/// Why stored material is not a document. The disk's or our own fault, never a peer's. The envelopes are still there:
/// the document can be made anew from them.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The genesis bytes are not one change without dependencies.
    #[error("not a genesis change")]
    Genesis,
    /// The snapshot is over [`SNAPSHOT_BYTES_MAX`], damaged, or of another document.
    #[error("snapshot is damaged or of another document")]
    Snapshot,
    /// A row of the tail is not a change, or does not fit.
    #[error("tail is damaged")]
    Tail,
    /// Changes that the tail builds on are missing.
    #[error("tail has a gap")]
    TailGap,
    /// The actor has already written in this document: a restored or cloned database. Draw a new nonce.
    #[error("actor was used before")]
    ActorUsed,
    /// Automerge panicked on what was stored.
    #[error(transparent)]
    Panicked(#[from] Panicked),
}

/// Why a document was not saved. Nothing was dropped; the tail stays.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// Over [`SNAPSHOT_BYTES_MAX`].
    #[error("snapshot of {0} bytes is larger than {SNAPSHOT_BYTES_MAX}")]
    TooLarge(usize),
    /// What was written does not load to the same heads: a bug, here or in Automerge.
    #[error("snapshot does not load to the same document")]
    Unverified,
    /// The document could not be rebuilt after a panic: drop it and load it anew.
    #[error("document must be loaded anew")]
    Broken,
    /// Automerge panicked while saving or loading.
    #[error(transparent)]
    Panicked(#[from] Panicked),
}

/// Everything needed to build the document again. Kept in memory beside the document (a snapshot is about 12 bytes a
/// change), so that a panic costs a reload and no disk access.
#[derive(Clone)]
pub(crate) struct Material {
    genesis: Vec<u8>,
    genesis_hash: ChangeHash,
    snapshot: Option<Vec<u8>>,
    tail: Vec<(ChangeHash, Vec<u8>)>,
    tail_bytes: usize,
}

impl Material {
    pub(crate) fn new(genesis: &[u8], snapshot: Option<&[u8]>) -> Result<Self, LoadError> {
        let change = read(genesis).map_err(|fault| fault.or(LoadError::Genesis))?;
        if !change.deps().is_empty() || change.seq() != 1 || change.start_op().get() != 1 {
            return Err(LoadError::Genesis);
        }
        Ok(Self {
            genesis: genesis.to_vec(),
            genesis_hash: change.hash(),
            snapshot: snapshot.map(<[u8]>::to_vec),
            tail: Vec::new(),
            tail_bytes: 0,
        })
    }

    pub(crate) fn push(&mut self, hash: ChangeHash, raw: Vec<u8>) {
        self.tail_bytes += raw.len();
        self.tail.push((hash, raw));
    }

    /// Reads a stored row of the tail.
    pub(crate) fn push_row(&mut self, raw: &[u8]) -> Result<(), LoadError> {
        let change = read(raw).map_err(|fault| fault.or(LoadError::Tail))?;
        self.push(change.hash(), raw.to_vec());
        Ok(())
    }

    pub(crate) fn is_fold_due(&self) -> bool {
        self.is_fold_due_with(0, 0)
    }

    /// The same after so many more changes.
    pub(crate) fn is_fold_due_with(&self, changes: usize, bytes: usize) -> bool {
        self.tail.len() + changes >= TAIL_CHANGES_FOLD || self.tail_bytes + bytes >= TAIL_BYTES_FOLD
    }

    /// Replaces snapshot and tail by a newer snapshot; returns the hashes of the tail.
    pub(crate) fn fold(&mut self, snapshot: Vec<u8>) -> Vec<ChangeHash> {
        self.snapshot = Some(snapshot);
        self.tail_bytes = 0;
        self.tail.drain(..).map(|(hash, _)| hash).collect()
    }

    /// The raw changes of the tail.
    pub(crate) fn tail(&self) -> impl Iterator<Item = &[u8]> {
        self.tail.iter().map(|(_, raw)| &raw[..])
    }

    /// Takes the raw changes of the tail out.
    pub(crate) fn take_tail(&mut self) -> Vec<Vec<u8>> {
        self.tail_bytes = 0;
        self.tail.drain(..).map(|(_, raw)| raw).collect()
    }

    /// The document from nothing but this material.
    pub(crate) fn build(&self, actor: Actor) -> Result<Automerge, LoadError> {
        contained(|| {
            let mut crdt = match &self.snapshot {
                Some(snapshot) => load_snapshot(snapshot)?,
                None => {
                    let mut crdt = crate::empty();
                    let genesis = Change::from_bytes(self.genesis.clone()).map_err(|_| LoadError::Genesis)?;
                    crdt.apply_changes([genesis]).map_err(|_| LoadError::Genesis)?;
                    crdt
                }
            };
            if crdt.get_change_meta_by_hash(&self.genesis_hash).is_none() {
                return Err(LoadError::Snapshot);
            }
            let tail = self
                .tail
                .iter()
                .map(|(_, raw)| Change::from_bytes(raw.clone()).map_err(|_| LoadError::Tail))
                .collect::<Result<Vec<_>, _>>()?;
            crdt.apply_changes(tail).map_err(|_| LoadError::Tail)?;
            if !crdt.get_missing_deps(&[]).is_empty() {
                return Err(LoadError::TailGap);
            }
            crdt.set_actor(actor.to_automerge());
            Ok(crdt)
        })?
    }
}

enum ReadFault {
    Panicked(Panicked),
    Malformed,
}

impl ReadFault {
    fn or(self, malformed: LoadError) -> LoadError {
        match self {
            Self::Panicked(panicked) => panicked.into(),
            Self::Malformed => malformed,
        }
    }
}

fn read(raw: &[u8]) -> Result<Change, ReadFault> {
    contained(|| Change::from_bytes(raw.to_vec()))
        .map_err(ReadFault::Panicked)?
        .map_err(|_| ReadFault::Malformed)
}

fn load_snapshot(bytes: &[u8]) -> Result<Automerge, LoadError> {
    // An empty input would load as an empty document.
    if bytes.is_empty() || bytes.len() > SNAPSHOT_BYTES_MAX {
        return Err(LoadError::Snapshot);
    }
    let options = LoadOptions::new().text_encoding(TextEncoding::UnicodeCodePoint);
    Automerge::load_with_options(bytes, options).map_err(|_| LoadError::Snapshot)
}

/// Saves and loads what was saved: a snapshot that cannot be read must never replace a tail that can.
pub(crate) fn save_verified(crdt: &Automerge) -> Result<Vec<u8>, SaveError> {
    contained(|| {
        let bytes = crdt.save_with_options(SaveOptions {
            deflate: true,
            retain_orphans: false,
        });
        if bytes.len() > SNAPSHOT_BYTES_MAX {
            return Err(SaveError::TooLarge(bytes.len()));
        }
        let loaded = load_snapshot(&bytes).map_err(|_| SaveError::Unverified)?;
        if loaded.get_heads() == crdt.get_heads() {
            Ok(bytes)
        } else {
            Err(SaveError::Unverified)
        }
    })?
}
