//! What envelopes carry (P2.5).

use std::fmt;

use crate::{ENVELOPE_VERSION, ERASABLE_VERSION};

/// What an envelope carries. Unknown kinds are stored and forwarded, and ignored.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(u16);

impl Kind {
    /// Founds a unit; the first envelope of its roll.
    pub const GENESIS: Kind = Kind(0);
    /// Gives a device a rank.
    pub const GRANT: Kind = Kind(1);
    /// Ends a grant from a cut-off on.
    pub const REVOKE: Kind = Kind(2);
    /// Sets a device aside until lifted.
    pub const SUSPEND: Kind = Kind(3);
    /// Ends a suspension.
    pub const LIFT: Kind = Kind(4);
    /// A new key generation of a space, boxed to its readers.
    pub const EPOCH: Kind = Kind(5);
    /// Moves a unit below another parent.
    pub const REPARENT: Kind = Kind(6);
    /// Who serves this unit, with pinned keys.
    pub const RELAY: Kind = Kind(7);
    /// A run of changes of one document.
    pub const CHANGE: Kind = Kind(8);
    /// A document's state as a trusted device saved it.
    pub const SNAPSHOT: Kind = Kind(9);
    /// One member's open vote.
    pub const VOTE: Kind = Kind(10);
    /// A seal over minutes.
    pub const SEAL: Kind = Kind(11);
    /// Something for the committee only.
    pub const INBOX: Kind = Kind(12);
    /// Replaceable personal data.
    pub const PERSON: Kind = Kind(13);
    /// Asks every holder to forget personal data.
    pub const ERASE: Kind = Kind(14);
    /// What a relay or parent acknowledged.
    pub const RECEIPT: Kind = Kind(15);

    /// Part of a published document of the library.
    pub const PUBLICATION: Kind = Kind(16);
    /// A member's own record of study: a reading mark, an attempt at a quiz.
    pub const STUDY: Kind = Kind(17);

    /// A letter between a unit and the one above it, or its keys handed on to the members.
    pub const DISPATCH: Kind = Kind(18);
    /// An act of the root, signed by several of its keys.
    pub const ROOT: Kind = Kind(19);
    /// What the unit has decided about its keys and its doors.
    pub const POLICY: Kind = Kind(20);
    /// Personal data: replaceable, and its body can be erased.
    pub const CARD: Kind = Kind(21);
    /// How the committee treats personal data: who opened what, consent, how long it is kept.
    pub const CARE: Kind = Kind(22);
    /// What may be dropped of a space's feeds, because copies hold what counted in it.
    pub const COVER: Kind = Kind(23);

    /// The kind with this number, known or not.
    pub const fn from_number(number: u16) -> Self {
        Kind(number)
    }

    /// The number in headers and signatures.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Whether the body starts with clear CBOR that a relay may read.
    pub fn is_clear(self) -> bool {
        matches!(self.0, 0..=7 | 11 | 14 | 15 | 19 | 20 | 23)
    }

    /// Whether it belongs to membership: written in the roll, read by everyone.
    pub fn is_membership(self) -> bool {
        matches!(self.0, 0..=7 | 19 | 20 | 23)
    }

    /// Whether the body can be erased while the feed goes on verifying (P2.6).
    pub fn is_erasable(self) -> bool {
        self == Self::CARD
    }

    /// Version of the header of this kind of envelope.
    pub(crate) fn version(self) -> u8 {
        if self.is_erasable() {
            ERASABLE_VERSION
        } else {
            ENVELOPE_VERSION
        }
    }

    fn name(self) -> Option<&'static str> {
        const NAMES: [&str; 24] = [
            "genesis",
            "grant",
            "revoke",
            "suspend",
            "lift",
            "epoch",
            "reparent",
            "relay",
            "change",
            "snapshot",
            "vote",
            "seal",
            "inbox",
            "person",
            "erase",
            "receipt",
            "publication",
            "study",
            "dispatch",
            "root",
            "policy",
            "card",
            "care",
            "cover",
        ];
        NAMES.get(usize::from(self.0)).copied()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "kind-{}", self.0),
        }
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
