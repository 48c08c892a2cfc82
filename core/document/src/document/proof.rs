//! The proof of what came, at rest (decision 0190).

use super::apply::Staged;
use super::{Applied, Document, Fold, Refused};
use crate::gate::{Candidate, GateError};
use crate::material::SaveError;

/// What became of changes that had come. To be written in one transaction.
#[derive(Debug, Clone, Default)]
pub struct Proved {
    /// Write this instead of the tail.
    pub fold: Option<Fold>,
    /// Changes of the tail that are taken back. Where there are some and no `fold`, [`Document::tail`] is the tail now.
    pub refused: Vec<Refused>,
}

impl Document {
    /// Whether changes came that Automerge has not proved yet. They read as they should; [`Document::edit`] waits for
    /// [`Document::prove`].
    pub fn is_unproven(&self) -> bool {
        self.unproven
    }

    /// Proves what came by the snapshot that the tail is due to be folded into: what is loaded from it has to have the same
    /// heads, and every change is in the hashes of the heads. The gate lets changes in before that only where it knows
    /// itself that Automerge writes them as they are (decision 0190); if it is wrong all the same, what cannot be written
    /// is taken out again here, with what builds on it, before anything is written on top.
    pub fn prove(&mut self) -> Proved {
        if !self.unproven || self.broken {
            return Proved::default();
        }
        match self.fold() {
            Ok(fold) => Proved {
                fold: Some(fold),
                refused: Vec::new(),
            },
            Err(error) => self.take_apart(&error),
        }
    }

    fn take_apart(&mut self, error: &SaveError) -> Proved {
        tracing::warn!(%error, "no snapshot; every change of the tail is compared");
        let tail = self.material.take_tail();
        self.rebuild();
        self.seqs = match self.view(super::last_seqs) {
            Ok(seqs) if !self.broken => seqs,
            _ => {
                self.broken = true;
                return Proved::default();
            }
        };
        let mut applied = Applied::default();
        let mut batch = Vec::with_capacity(tail.len());
        for raw in tail {
            let actor = crate::chunk::Parts::unhashed(&raw).map(|parts| parts.actor);
            let candidate = actor
                .map_err(GateError::from)
                .and_then(|actor| Candidate::read(actor.device(), raw, None));
            match candidate {
                Ok(candidate) => batch.push(Staged {
                    candidate,
                    change: None,
                    written: Vec::new(),
                    plain: false,
                }),
                Err(error) => applied.refused.push(Refused { origin: None, error }),
            }
        }
        self.bisect(batch, &mut applied);
        self.unproven = false;
        (self.image, self.clocks) = (None, None);
        Proved {
            fold: self.fold().ok(),
            refused: applied.refused,
        }
    }

    /// The rows of the tail as they are now.
    pub fn tail(&self) -> impl Iterator<Item = &[u8]> {
        self.material.tail()
    }
}
