//! Relays that signed two histories, and phones that wrote two: what this phone can prove, for the person and for the operator.

use sotay_feed::{DeviceId, MemberId, SignKey, Space, SpaceKind};
use sotay_membership::State;
use sotay_store::Store;
use sotay_sync::{Checkpoint, two_histories};

use super::Device;
use crate::error::DeviceError;
use crate::event::Event;

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

/// A phone of this unit that wrote two histories, and was not removed yet. What it wrote after they part does not count, no
/// relay serves it, and its holder needs a new admission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForkLine {
    /// The phone.
    pub device: DeviceId,
    /// Its label.
    pub label: String,
    /// Its holder.
    pub member: Option<MemberId>,
    /// The holder's name, if known.
    pub name: Option<String>,
    /// The part of the handbook.
    pub space: Space,
    /// The records of both histories are the same before this one at the latest, counted from 1.
    pub from: u64,
    /// Whether it is this phone.
    pub own: bool,
}

impl<S: Store> Device<S> {
    /// A phone of a member wrote two histories: what counts is judged anew, and the keys it holds are replaced. In the inbox
    /// two phones may put letters into one slot, which is nobody's phone.
    pub(super) fn note_fork(&mut self, space: Space, device: DeviceId) {
        let known = self
            .replica
            .membership(space.unit)
            .is_some_and(|membership| membership.standing(device).is_some());
        if known {
            self.forked = true;
            if space.kind != SpaceKind::Inbox {
                self.events.push_back(Event::Forked { space, device });
            }
        }
    }

    /// Phones of this unit that wrote two histories, from what this phone saw and what others showed it. The proofs are
    /// handed on to every phone and relay by themselves.
    pub fn forks(&self) -> Result<Vec<ForkLine>, DeviceError> {
        let (unit, membership) = (self.home()?.unit, self.membership()?);
        let mut lines = Vec::new();
        for fork in self.replica.store().forks()? {
            let space = self.replica.by_tag(&fork.space.tag());
            let counts = |space: &Space| space.unit == unit && space.kind != SpaceKind::Inbox;
            let standing = membership.standing(fork.device);
            let (Some(space), Some(standing)) = (space.filter(counts), standing) else {
                continue;
            };
            if standing.state == State::Forked {
                lines.push(ForkLine {
                    device: fork.device,
                    label: self.device_label(fork.device),
                    member: standing.member,
                    name: standing.member.and_then(|member| self.member_name(member)),
                    space,
                    from: fork.seq,
                    own: fork.device == self.id(),
                });
            }
        }
        Ok(lines)
    }

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
