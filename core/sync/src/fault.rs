//! Whose fault, and what next: closed lists with their numbers on the wire (P8.9 to P8.11).

use sotay_feed::cbor::CborError;
use sotay_feed::{DecodeError, SpaceTag, VerifyError};
use sotay_membership::Denied;

/// What the other side did against the protocol. Each has its own close code; the session ends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeerFault {
    /// A frame over [`sotay_feed::limits::FRAME_BYTES_MAX`].
    #[error("a frame of {0} bytes")]
    FrameTooLarge(usize),
    /// A frame that is not the canonical CBOR of a message.
    #[error("a malformed message: {0}")]
    Malformed(CborError),
    /// A value outside the range its field has.
    #[error("a message with a value out of range")]
    OutOfRange,
    /// A mandatory message type this version does not know (P8.2).
    #[error("unknown message type {0}")]
    UnknownMessage(u64),
    /// Something else before `Hello`.
    #[error("the first message was not Hello")]
    HelloMissing,
    /// `Hello` a second time.
    #[error("a second Hello")]
    HelloTwice,
    /// A protocol version this side does not speak.
    #[error("protocol version {0}")]
    Version(u64),
    /// A message that only the other end may send.
    #[error("a message of the wrong end")]
    WrongEnd,
    /// `Items`, `Ack`, `Refuse` or `Deny` for a space that is not open.
    #[error("a message for a space that is not open")]
    NotOpen(SpaceTag),
    /// More than [`sotay_feed::limits::SPACES_PER_SESSION_MAX`] spaces.
    #[error("too many spaces")]
    TooManySpaces,
    /// More than [`crate::limits::OPENS_PER_SPACE_MAX`] `Open`s for one space.
    #[error("too many Opens for one space")]
    TooManyOpens,
    /// An `Ack` for more than was sent, or for less than before.
    #[error("an Ack for bytes that were not sent")]
    AckOutOfRange,
    /// A frontier and a digest that still differ after both sides named their frontiers.
    #[error("a digest that does not fit the frontier")]
    Inconsistent,
    /// More words of relays, lists of forks or proofs of one space than [`crate::limits`] allows.
    #[error("too many proofs")]
    TooManyProofs,
    /// Two envelopes that do not contradict each other, shown as the proof of a fork.
    #[error("a proof that proves nothing")]
    NotAProof,
}

/// Why a session ended; the number travels in `Close` (P8.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CloseCode {
    /// Nothing more to do.
    Done,
    /// The process is going down; come back after the given time.
    Draining,
    /// Too many sessions or bytes in flight.
    Busy,
    /// No answer in time.
    Timeout,
    /// Storage failed on the side that closes.
    Storage,
    /// The operator blocked this device or unit.
    Blocked,
    /// A [`PeerFault`]; the number is 16 or more.
    Fault(u16),
    /// A number this version does not know.
    Unknown(u16),
}

impl PeerFault {
    /// The number in `Close`.
    pub fn code(&self) -> u16 {
        match self {
            Self::FrameTooLarge(_) => 16,
            Self::Malformed(_) => 17,
            Self::OutOfRange => 18,
            Self::UnknownMessage(_) => 19,
            Self::HelloMissing => 20,
            Self::HelloTwice => 21,
            Self::Version(_) => 22,
            Self::WrongEnd => 23,
            Self::NotOpen(_) => 24,
            Self::TooManySpaces => 25,
            Self::TooManyOpens => 26,
            Self::AckOutOfRange => 27,
            Self::Inconsistent => 28,
            Self::TooManyProofs => 29,
            Self::NotAProof => 30,
        }
    }

    const FIRST_CODE: u16 = 16;
    const LAST_CODE: u16 = 30;
}

impl From<CborError> for PeerFault {
    fn from(error: CborError) -> Self {
        Self::Malformed(error)
    }
}

impl CloseCode {
    /// The number on the wire.
    pub fn number(self) -> u16 {
        match self {
            Self::Done => 0,
            Self::Draining => 1,
            Self::Busy => 2,
            Self::Timeout => 3,
            Self::Storage => 4,
            Self::Blocked => 5,
            Self::Fault(number) | Self::Unknown(number) => number,
        }
    }

    /// The code with this number.
    pub fn from_number(number: u16) -> Self {
        match number {
            0 => Self::Done,
            1 => Self::Draining,
            2 => Self::Busy,
            3 => Self::Timeout,
            4 => Self::Storage,
            5 => Self::Blocked,
            PeerFault::FIRST_CODE..=PeerFault::LAST_CODE => Self::Fault(number),
            _ => Self::Unknown(number),
        }
    }
}

/// Why a space is not served, or an envelope not accepted, for reasons of who may (P8.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DenyReason {
    /// This relay does not serve the unit; on a phone, the phone does not hold the space.
    NotServed,
    /// The unit's genesis is not known here.
    UnknownUnit,
    /// No grant names the device.
    UnknownDevice,
    /// The device's grant was revoked.
    Revoked,
    /// The device is suspended.
    Suspended,
    /// The device's history forked.
    Forked,
    /// The rank does not suffice.
    Rank,
    /// Not a member, or not the member the space belongs to.
    NotMember,
    /// Not a space of that unit, or one that cannot exist.
    WrongSpace,
    /// Beyond the last place that a revocation left valid.
    BeyondCutOff,
    /// The grants that name the device are not valid.
    NotGranted,
    /// A kind of envelope that has no place in that space, or not from this rank.
    WrongKind,
    /// A probationary member does not vote.
    Probationary,
    /// A number this version does not know.
    Unknown(u8),
}

impl DenyReason {
    /// All that have a number of their own.
    pub const ALL: [DenyReason; 13] = [
        Self::NotServed,
        Self::UnknownUnit,
        Self::UnknownDevice,
        Self::Revoked,
        Self::Suspended,
        Self::Forked,
        Self::Rank,
        Self::NotMember,
        Self::WrongSpace,
        Self::BeyondCutOff,
        Self::NotGranted,
        Self::WrongKind,
        Self::Probationary,
    ];

    /// The number on the wire; 1 to 95.
    pub fn number(self) -> u8 {
        match self {
            Self::NotServed => 1,
            Self::UnknownUnit => 2,
            Self::UnknownDevice => 3,
            Self::Revoked => 4,
            Self::Suspended => 5,
            Self::Forked => 6,
            Self::Rank => 7,
            Self::NotMember => 8,
            Self::WrongSpace => 9,
            Self::BeyondCutOff => 10,
            Self::NotGranted => 11,
            Self::WrongKind => 12,
            Self::Probationary => 13,
            Self::Unknown(number) => number,
        }
    }

    /// The reason with this number.
    pub fn from_number(number: u8) -> Self {
        Self::ALL
            .into_iter()
            .find(|reason| reason.number() == number)
            .unwrap_or(Self::Unknown(number))
    }
}

impl From<Denied> for DenyReason {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::UnknownDevice => Self::UnknownDevice,
            Denied::NotGranted => Self::NotGranted,
            Denied::Revoked => Self::Revoked,
            Denied::Suspended => Self::Suspended,
            Denied::Forked => Self::Forked,
            Denied::BeyondCutOff => Self::BeyondCutOff,
            Denied::Rank => Self::Rank,
            Denied::NotMember => Self::NotMember,
            Denied::Probationary => Self::Probationary,
            Denied::WrongKind => Self::WrongKind,
            Denied::WrongSpace => Self::WrongSpace,
        }
    }
}

/// Why one envelope was not stored (P8.10). The feeds of other devices go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefuseReason {
    /// Not an envelope.
    Malformed,
    /// Over [`sotay_feed::limits::ENVELOPE_BYTES_MAX`].
    TooLarge,
    /// An envelope version this side does not read.
    Version,
    /// It belongs to another space.
    Space,
    /// The signature does not hold.
    Signature,
    /// A membership record whose body is not one.
    Record,
    /// Earlier envelopes of the feed are missing here: they were refused, or have not arrived.
    Gap {
        /// The number that would be next.
        expected: u64,
    },
    /// Another envelope holds its place, or its predecessor is another one.
    Fork {
        /// Number at which the histories part.
        seq: u64,
    },
    /// The space already has [`sotay_feed::limits::FEEDS_PER_SPACE_MAX`] feeds.
    TooManyFeeds,
    /// The device or unit has used up what the relay allows; later it is accepted.
    Quota {
        /// Seconds until then.
        retry_after: u32,
    },
    /// It stands at the place of a cover, there are holes before it, and it is not the envelope that the cover names or what
    /// is held before it is not what the cover keeps (P9.17): somebody passed on another history than the officers saw.
    Cover {
        /// Its number.
        seq: u64,
    },
    /// The author may not write this here.
    Denied(DenyReason),
    /// A number this version does not know.
    Unknown(u8),
}

/// Numbers from here on carry a [`DenyReason`].
const DENIED_FROM: u8 = 32;

impl RefuseReason {
    /// Number and detail on the wire.
    pub fn number(self) -> (u8, u64) {
        match self {
            Self::Malformed => (1, 0),
            Self::TooLarge => (2, 0),
            Self::Version => (3, 0),
            Self::Space => (4, 0),
            Self::Signature => (5, 0),
            Self::Record => (6, 0),
            Self::Gap { expected } => (7, expected),
            Self::Fork { seq } => (8, seq),
            Self::TooManyFeeds => (9, 0),
            Self::Quota { retry_after } => (10, u64::from(retry_after)),
            Self::Cover { seq } => (11, seq),
            Self::Denied(reason) => (DENIED_FROM.saturating_add(reason.number()), 0),
            Self::Unknown(number) => (number, 0),
        }
    }

    /// The reason with this number; `None` when a detail is given that it does not have.
    pub fn from_number(number: u8, detail: u64) -> Option<Self> {
        let reason = match number {
            1 => Self::Malformed,
            2 => Self::TooLarge,
            3 => Self::Version,
            4 => Self::Space,
            5 => Self::Signature,
            6 => Self::Record,
            7 => Self::Gap { expected: detail },
            8 => Self::Fork { seq: detail },
            9 => Self::TooManyFeeds,
            10 => Self::Quota {
                retry_after: u32::try_from(detail).ok()?,
            },
            11 => Self::Cover { seq: detail },
            33..=127 => Self::Denied(DenyReason::from_number(number - DENIED_FROM)),
            _ => return Some(Self::Unknown(number)),
        };
        (reason.number() == (number, detail)).then_some(reason)
    }

    /// Whether the author signed exactly this and it will never be taken: asking for it again is of no use. Anything
    /// else may be the fault of whoever passed it on.
    pub fn is_final(self) -> bool {
        match self {
            Self::Record | Self::Fork { .. } | Self::TooManyFeeds | Self::Denied(_) => !self.is_passing(),
            Self::Malformed
            | Self::TooLarge
            | Self::Version
            | Self::Space
            | Self::Signature
            | Self::Gap { .. }
            | Self::Quota { .. }
            | Self::Cover { .. }
            | Self::Unknown(_) => false,
        }
    }

    /// Whether nothing is wrong with the envelope itself: something it needs has not arrived, or it comes too soon.
    pub fn is_passing(self) -> bool {
        matches!(
            self,
            Self::Gap { .. }
                | Self::Quota { .. }
                | Self::Denied(DenyReason::UnknownDevice | DenyReason::UnknownUnit)
        )
    }
}

impl From<DecodeError> for RefuseReason {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::TooLarge(_) => Self::TooLarge,
            DecodeError::Version(_) => Self::Version,
            DecodeError::Truncated
            | DecodeError::Header(_)
            | DecodeError::Seq(_)
            | DecodeError::Prev
            | DecodeError::Erased => Self::Malformed,
        }
    }
}

impl From<VerifyError> for RefuseReason {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Space => Self::Space,
            VerifyError::Device | VerifyError::Signature => Self::Signature,
        }
    }
}
