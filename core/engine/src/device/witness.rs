//! Relays that signed two histories: what this phone can prove, for the person and for the operator.

use sotay_feed::{SignKey, Space};
use sotay_store::Store;
use sotay_sync::{Checkpoint, two_histories};

use super::Device;
use crate::error::DeviceError;

/// A relay has shown phones two histories of one space: it withheld something from some of them, or lost what it had
/// acknowledged. A relay that was restored with its own command is not among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayProof {
    /// The relay.
    pub relay: SignKey,
    /// Its key as the address of a relay has it, after `#`.
    pub key: String,
    /// The part of the handbook.
    pub space: Space,
    /// The earlier of its two words: how many records it had, and when, by its own clock.
    pub first: RelayWord,
    /// The other.
    pub second: RelayWord,
}

/// What a relay signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayWord {
    /// Records of the space that it had received.
    pub records: u64,
    /// Its clock, milliseconds since 1970.
    pub at_ms: i64,
}

impl<S: Store> Device<S> {
    /// Proofs against relays that this phone holds, from what it saw and what other phones showed it. Others can check them:
    /// they are signed by the relay.
    pub fn relay_proofs(&self) -> Result<Vec<RelayProof>, DeviceError> {
        let word = |checkpoint: &Checkpoint| RelayWord {
            records: checkpoint.place.number(),
            at_ms: checkpoint.time,
        };
        let proofs = two_histories(self.replica.store())?;
        let known = proofs.iter().filter_map(|proof| {
            Some(RelayProof {
                relay: proof.first.relay,
                key: sotay_net::key_text(&proof.first.relay),
                space: self.replica.by_tag(&proof.tag)?,
                first: word(&proof.first),
                second: word(&proof.second),
            })
        });
        Ok(known.collect())
    }
}
