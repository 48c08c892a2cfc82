//! One document: Automerge state that only admitted changes reach.

use automerge::transaction::{CommitOptions, Transaction};
use automerge::{Automerge, Change, ChangeHash};
use sotay_feed::DocId;

use crate::actor::Actor;
use crate::contain::{Panicked, contained};

/// Why stored material is not a document. The disk's or our own fault, never a peer's.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The genesis bytes are not one change without dependencies.
    #[error("not a genesis change")]
    Genesis,
    /// Automerge panicked on what was stored.
    #[error(transparent)]
    Panicked(#[from] Panicked),
}

/// Why an edit was not made. The document is as before.
#[derive(Debug, thiserror::Error)]
pub enum EditError<E> {
    /// The closure said no; everything it did was rolled back.
    #[error("edit rolled back: {0}")]
    Refused(E),
    /// Automerge, or the closure, panicked; the document was rebuilt.
    #[error(transparent)]
    Panicked(#[from] Panicked),
}

/// A change made here. Write it (and `merges` before it) to the tail in the transaction that writes its envelope.
#[derive(Debug, Clone)]
pub struct LocalChange {
    /// The raw change chunk.
    pub bytes: Vec<u8>,
    /// Its hash.
    pub hash: ChangeHash,
}

/// A document and the gate before it.
pub struct Document {
    id: DocId,
    crdt: Automerge,
}

impl Document {
    /// A document in which nothing but its genesis happened.
    pub fn new(id: DocId, genesis: &[u8], actor: Actor) -> Result<Self, LoadError> {
        let crdt = contained(|| {
            let change = Change::from_bytes(genesis.to_vec()).map_err(|_| LoadError::Genesis)?;
            let mut crdt = crate::empty();
            crdt.apply_changes([change]).map_err(|_| LoadError::Genesis)?;
            crdt.set_actor(actor.to_automerge());
            Ok::<_, LoadError>(crdt)
        })??;
        Ok(Self { id, crdt })
    }

    /// Which document.
    pub fn id(&self) -> DocId {
        self.id
    }

    /// The state, for reading.
    pub fn read(&self) -> &Automerge {
        &self.crdt
    }

    /// Hashes of the changes nothing builds on yet, sorted.
    pub fn heads(&self) -> Vec<ChangeHash> {
        self.crdt.get_heads()
    }

    /// Runs `f` in one transaction; `None` when it changed nothing.
    pub fn edit<T, E>(
        &mut self,
        message_time_ms: i64,
        f: impl FnOnce(&mut Transaction<'_>) -> Result<T, E>,
    ) -> Result<(T, Option<LocalChange>), EditError<E>> {
        let time = message_time_ms.div_euclid(1000);
        let success = contained(|| {
            self.crdt
                .transact_with(|_| CommitOptions::default().with_time(time), f)
        })?
        .map_err(|failure| EditError::Refused(failure.error))?;
        let change = success.hash.and_then(|hash| {
            let change = self.crdt.get_last_local_change()?;
            Some(LocalChange {
                bytes: change.raw_bytes().to_vec(),
                hash,
            })
        });
        Ok((success.result, change))
    }

    /// The whole document in Automerge's compact form. Not equal byte for byte on replicas with equal heads.
    pub fn save(&self) -> Vec<u8> {
        self.crdt.save()
    }
}
