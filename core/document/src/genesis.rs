//! The first change of a document: every device makes it itself, byte for byte alike, and it never travels (P11.1).

use automerge::transaction::{CommitOptions, Transaction};
use automerge::{ActorId, AutomergeError};
use sotay_feed::DocId;

use crate::contain::{Panicked, contained};

const CONTEXT: &str = "sotay/v1/doc-genesis";

/// Why a genesis change cannot be made. Always a bug in the code that builds the document's containers.
#[derive(Debug, thiserror::Error)]
pub enum GenesisError {
    /// The builder failed.
    #[error("genesis cannot be built: {0}")]
    Build(#[from] AutomergeError),
    /// The builder wrote nothing, so there is no change.
    #[error("genesis has no operations")]
    Empty,
    /// Automerge panicked while building.
    #[error(transparent)]
    Panicked(#[from] Panicked),
}

/// The first change of document `doc` in version `schema` of its kind: the containers that `build` makes.
///
/// It depends on nothing but the arguments (`build` must be a pure function), so two phones that found the same
/// meeting offline found the same document: actor `BLAKE3-derive("sotay/v1/doc-genesis", doc ‖ schema as u16 LE)`
/// shortened to 16 bytes, time 0 (P11.1).
pub fn genesis_change(
    doc: DocId,
    schema: u16,
    build: impl Fn(&mut Transaction<'_>) -> Result<(), AutomergeError>,
) -> Result<Vec<u8>, GenesisError> {
    contained(|| {
        let mut crdt = crate::empty().with_actor(actor(doc, schema));
        crdt.transact_with(|()| CommitOptions::default().with_time(0), |tx| build(tx))
            .map_err(|failure| failure.error)?
            .hash
            .ok_or(GenesisError::Empty)?;
        let change = crdt.get_last_local_change().ok_or(GenesisError::Empty)?;
        Ok(change.raw_bytes().to_vec())
    })?
}

fn actor(doc: DocId, schema: u16) -> ActorId {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    hasher.update(doc.as_bytes());
    hasher.update(&schema.to_le_bytes());
    ActorId::from(&hasher.finalize().as_bytes()[..crate::ACTOR_LEN])
}
