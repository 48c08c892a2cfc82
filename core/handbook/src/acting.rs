//! Who carries a command out.

use sotay_feed::{DeviceId, MemberId};

use crate::error::CommandError;

/// The device that acts, whose it is, and what its clock shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acting {
    /// The device; must be the one the document's actor is bound to.
    pub device: DeviceId,
    /// Its holder.
    pub member: Option<MemberId>,
    /// Rank of the holder (0 root … 4 member, 5 guest).
    pub rank: u8,
    /// Whether the holder is of the committee.
    pub committee: bool,
    /// Milliseconds since 1970 UTC. Recorded, never deciding.
    pub at_ms: i64,
}

const RANK_OFFICER_MAX: u8 = 3;
const RANK_MEMBER_MAX: u8 = 4;

impl Acting {
    /// May the holder settle contradictions, confirm counts and seal?
    pub fn is_officer(&self) -> bool {
        self.rank <= RANK_OFFICER_MAX || (self.committee && self.rank <= RANK_MEMBER_MAX)
    }

    pub(crate) fn must_be_officer(&self) -> Result<(), CommandError> {
        if self.is_officer() {
            Ok(())
        } else {
            Err(CommandError::OfficersOnly)
        }
    }

    pub(crate) fn must_be_member(&self) -> Result<(), CommandError> {
        if self.rank <= RANK_MEMBER_MAX {
            Ok(())
        } else {
            Err(CommandError::MembersOnly)
        }
    }
}
