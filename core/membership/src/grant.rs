//! Ranks, and the record that gives one to a device (P5.5).

use sotay_feed::cbor::Reader;
use sotay_feed::{DeviceId, DevicePublic, DocId, MemberId};

use crate::genesis::{read_keys, write_keys};
use crate::record::{self, RecordError};

/// Ranks: lower stands higher. Authority flows down only.
pub mod rank {
    /// The root of the whole organisation.
    pub const ROOT: u8 = 0;
    /// The committee of the unit above.
    pub const PARENT: u8 = 1;
    /// Secretary of the unit.
    pub const SECRETARY: u8 = 2;
    /// Deputy secretary; the lowest rank that may admit and remove.
    pub const DEPUTY: u8 = 3;
    /// Member.
    pub const MEMBER: u8 = 4;
    /// Guest, who may be shown one meeting.
    pub const GUEST: u8 = 5;
}

const COMMITTEE: u8 = 1;
const PROBATIONARY: u8 = 2;

/// What a member is besides its rank.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flags {
    /// Sits on the committee of the unit.
    pub committee: bool,
    /// A probationary member: has no vote.
    pub probationary: bool,
}

impl Flags {
    /// The number in records: bit 0 committee, bit 1 probationary.
    pub fn bits(self) -> u8 {
        (if self.committee { COMMITTEE } else { 0 }) | (if self.probationary { PROBATIONARY } else { 0 })
    }

    /// Reads the number; unknown bits are refused.
    pub fn from_bits(bits: u8) -> Result<Self, RecordError> {
        if bits & !(COMMITTEE | PROBATIONARY) != 0 {
            return Err(RecordError::Flags(bits));
        }
        Ok(Self {
            committee: bits & COMMITTEE != 0,
            probationary: bits & PROBATIONARY != 0,
        })
    }
}

/// Gives a device of a member a rank. The grant's id is the id of its envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Whose device it is.
    pub member: MemberId,
    /// The rank given: 1 to 5.
    pub rank: u8,
    /// What the member is besides.
    pub flags: Flags,
    /// The device's public keys.
    pub keys: DevicePublic,
    /// The one document a guest may be shown; only for [`rank::GUEST`].
    pub scope: Option<DocId>,
    /// From when on the device may read (which epoch keys it was handed); milliseconds since 1970 UTC, displayed only.
    pub from_ms: i64,
}

impl Grant {
    /// The device that receives the rank.
    pub fn device(&self) -> DeviceId {
        self.keys.sign.device_id()
    }

    /// Canonical bytes of the clear part.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = record::begin(8);
        writer
            .bytes(self.member.as_bytes())
            .uint(u64::from(self.rank))
            .uint(u64::from(self.flags.bits()));
        write_keys(&mut writer, &self.keys);
        writer
            .opt_bytes(self.scope.as_ref().map(|doc| &doc.as_bytes()[..]))
            .int(self.from_ms);
        writer.into_bytes()
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, RecordError> {
        record::expect(reader, 8)?;
        let member = MemberId::from_bytes(reader.fixed()?);
        if member == MemberId::ZERO {
            return Err(RecordError::Member);
        }
        let rank = reader.uint()?;
        if !(u64::from(rank::PARENT)..=u64::from(rank::GUEST)).contains(&rank) {
            return Err(RecordError::Rank(rank));
        }
        let rank = rank as u8;
        let flags = Flags::from_bits(reader.small()?)?;
        let keys = read_keys(reader)?;
        let scope = reader.opt_fixed()?.map(DocId::from_bytes);
        if scope.is_some() && rank != rank::GUEST {
            return Err(RecordError::Scope);
        }
        Ok(Self {
            member,
            rank,
            flags,
            keys,
            scope,
            from_ms: reader.int()?,
        })
    }
}
