//! Records that end or set aside what a grant gave (P5.6, P5.7).

use std::collections::BTreeMap;

use sotay_feed::cbor::Reader;
use sotay_feed::limits::SEQ_MAX;
use sotay_feed::{DeviceId, EnvelopeId, SpaceTag, Tip};

use crate::limits::CUTOFFS_MAX;
use crate::record::{self, RecordError};

/// Why a grant ended or a device was set aside. Only displayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reason(pub u8);

impl Reason {
    /// No reason given.
    pub const NONE: Reason = Reason(0);
    /// The member left the unit.
    pub const LEFT: Reason = Reason(1);
    /// The device was lost or stolen.
    pub const LOST: Reason = Reason(2);
    /// Another device takes its place.
    pub const REPLACED: Reason = Reason(3);
    /// The member's duty changed; another grant follows.
    pub const DUTY: Reason = Reason(4);
    /// The grant was misused.
    pub const MISUSE: Reason = Reason(5);
}

/// Ends a grant. What the device wrote up to the cut-off of a space stays valid there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoke {
    /// Id of the grant's envelope, or an authority's [`seat`](crate::Authority::seat).
    pub grant: EnvelopeId,
    /// Why.
    pub reason: Reason,
    /// Per space the last accepted envelope of the device. A space not listed accepts nothing of it.
    pub cutoffs: BTreeMap<SpaceTag, Tip>,
}

impl Revoke {
    /// Canonical bytes of the clear part.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = record::begin(4);
        writer
            .bytes(self.grant.as_bytes())
            .uint(u64::from(self.reason.0))
            .array(self.cutoffs.len());
        for (space, tip) in &self.cutoffs {
            writer
                .array(3)
                .bytes(space.as_bytes())
                .uint(tip.seq)
                .bytes(tip.id.as_bytes());
        }
        writer.into_bytes()
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, RecordError> {
        record::expect(reader, 4)?;
        let grant = EnvelopeId::from_bytes(reader.fixed()?);
        let reason = Reason(reader.small()?);
        let count = reader.array_up_to(CUTOFFS_MAX)?;
        let mut cutoffs = BTreeMap::new();
        for _ in 0..count {
            reader.array(3)?;
            let space = SpaceTag::from_bytes(reader.fixed()?);
            let seq = reader.uint()?;
            if seq == 0 || seq > SEQ_MAX {
                return Err(RecordError::CutOff(seq));
            }
            let id = EnvelopeId::from_bytes(reader.fixed()?);
            if cutoffs.insert(space, Tip { seq, id }).is_some() {
                return Err(RecordError::List);
            }
        }
        Ok(Self {
            grant,
            reason,
            cutoffs,
        })
    }
}

/// Sets a device aside until lifted: it is not served and the next epoch leaves it out. What it wrote stays valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspend {
    /// The device.
    pub device: DeviceId,
    /// Why.
    pub reason: Reason,
}

impl Suspend {
    /// Canonical bytes of the clear part.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = record::begin(3);
        writer
            .bytes(self.device.as_bytes())
            .uint(u64::from(self.reason.0));
        writer.into_bytes()
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, RecordError> {
        record::expect(reader, 3)?;
        Ok(Self {
            device: DeviceId::from_bytes(reader.fixed()?),
            reason: Reason(reader.small()?),
        })
    }
}

/// Ends one suspension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lift {
    /// Id of the suspension's envelope.
    pub suspend: EnvelopeId,
}

impl Lift {
    /// Canonical bytes of the clear part.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = record::begin(2);
        writer.bytes(self.suspend.as_bytes());
        writer.into_bytes()
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, RecordError> {
        record::expect(reader, 2)?;
        Ok(Self {
            suspend: EnvelopeId::from_bytes(reader.fixed()?),
        })
    }
}
