//! What changed: small typed values an app can act on without reading everything again.

use sotay_feed::{DeviceId, DocId, EnvelopeId, SignKey, Space};
use sotay_handbook::HandbookEvent;
use sotay_sync::{DenyReason, RefuseReason, SyncStatus};

/// One change, in the order in which things happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// This phone now belongs to a unit.
    Unit,
    /// Grants, revocations or keys changed.
    Membership,
    /// Names of members or labels of phones changed.
    Names,
    /// Documents of the library or reading marks came or changed.
    Library,
    /// Feedback was written, received, taken back or answered.
    Feedback,
    /// A document changed: here, or by a merge.
    Handbook {
        /// The document.
        doc: DocId,
        /// What in it.
        event: HandbookEvent,
    },
    /// What is known of a relay changed.
    Sync {
        /// The space.
        space: Space,
        /// The new status.
        status: SyncStatus,
    },
    /// A phone connected to this one, which hosts, or left it: [`crate::Device::visitors`] lists them.
    Visitors,
    /// A relay refused an envelope of ours; it stays here and on the list of things to look at.
    Refused {
        /// Which.
        envelope: EnvelopeId,
        /// Why.
        reason: RefuseReason,
    },
    /// A relay does not serve this space to us.
    Denied {
        /// Which.
        space: Space,
        /// Why.
        reason: DenyReason,
    },
    /// A relay has shown two histories of a space; [`crate::Device::relay_proofs`] holds the proof.
    TwoHistories {
        /// The space.
        space: Space,
        /// The relay.
        relay: SignKey,
    },
    /// A phone has written two histories of a space: it was copied, went on from an old copy of itself, or somebody else has its
    /// keys. Told once; [`crate::Device::forks`] lists it until it is removed.
    Forked {
        /// The space.
        space: Space,
        /// The phone.
        device: DeviceId,
    },
    /// A received envelope is stored but not used.
    SetAside {
        /// Which.
        envelope: EnvelopeId,
        /// Who wrote it.
        device: DeviceId,
        /// Why.
        reason: SetAside,
    },
    /// A change inside a received run did not pass the gate.
    ChangeRefused {
        /// The document.
        doc: DocId,
        /// Who wrote it, where known.
        device: Option<DeviceId>,
    },
    /// The app did not fetch events for long and some were dropped: read what is shown anew.
    Missed,
    /// The profile was locked: nothing more comes. Ask for the PIN and open it anew.
    Locked,
    /// Documents or the store are in trouble while working in the background.
    Trouble {
        /// In words, without content.
        text: String,
    },
}

/// Why a stored envelope is not used. The number is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum SetAside {
    /// It does not open under its key or does not decode.
    Unreadable = 0,
    /// Its author was not allowed to write it at that place.
    NotAllowed = 1,
    /// A kind of document this version does not know.
    UnknownDocument = 2,
    /// It names a document of another kind or space by the same id.
    OtherDocument = 3,
    /// A kind of envelope this version does not know, or does not read in that space.
    UnknownKind = 4,
    /// A change of it did not pass the gate; told as [`Event::ChangeRefused`].
    Refused = 5,
}
