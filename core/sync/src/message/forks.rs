//! The two optional messages by which proofs of forks are handed on (P8.15, P8.16).

use sotay_feed::cbor::{Reader, Writer};
use sotay_feed::limits::ENVELOPE_BYTES_MAX;
use sotay_feed::{Frontier, SpaceTag};

use super::{FORKS, PROOF, read_frontier};
use crate::fault::PeerFault;

/// The forks of a space that the sender can prove: for each device the number up to which its histories agree at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forks {
    /// The space.
    pub tag: SpaceTag,
    /// Devices and numbers.
    pub known: Frontier,
}

/// Two envelopes of one device that contradict each other, as they were received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof<'a> {
    /// The space.
    pub tag: SpaceTag,
    /// The one that stands in the sender's feed.
    pub first: &'a [u8],
    /// Another one with the same number, or one with the next number that names another predecessor.
    pub second: &'a [u8],
}

impl Forks {
    pub(super) const FIELDS: usize = 3;

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.array(Self::FIELDS).uint(FORKS).bytes(self.tag.as_bytes());
        self.known.write(writer);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, PeerFault> {
        Ok(Self {
            tag: SpaceTag::from_bytes(reader.fixed()?),
            known: read_frontier(reader)?,
        })
    }
}

impl<'a> Proof<'a> {
    pub(super) const FIELDS: usize = 4;

    pub(super) fn write(&self, writer: &mut Writer) {
        writer
            .array(Self::FIELDS)
            .uint(PROOF)
            .bytes(self.tag.as_bytes())
            .bytes(self.first)
            .bytes(self.second);
    }

    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, PeerFault> {
        Ok(Self {
            tag: SpaceTag::from_bytes(reader.fixed()?),
            first: reader.bytes(ENVELOPE_BYTES_MAX)?,
            second: reader.bytes(ENVELOPE_BYTES_MAX)?,
        })
    }
}
