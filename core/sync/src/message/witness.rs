//! The two optional messages about what relays signed (P8.13, P8.14).

use sotay_feed::cbor::{Reader, Writer};
use sotay_feed::{Frontier, SignKey, SpaceTag};

use super::{CHECKPOINT, SEEN, read_frontier};
use crate::checkpoint::Checkpoint;
use crate::fault::PeerFault;
use crate::token::Token;

/// The relay signs the state that its next `Ack` of the space names: the token that stands for it, and the digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed {
    /// The space.
    pub tag: SpaceTag,
    /// The relay's clock, milliseconds since 1970.
    pub time: i64,
    /// See [`Checkpoint`].
    pub signature: [u8; 64],
}

/// What a phone has from a relay, shown to another phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The space.
    pub tag: SpaceTag,
    /// The relay's word.
    pub checkpoint: Checkpoint,
}

impl Signed {
    pub(super) const FIELDS: usize = 4;

    pub(super) fn write(&self, writer: &mut Writer) {
        writer
            .array(Self::FIELDS)
            .uint(CHECKPOINT)
            .bytes(self.tag.as_bytes())
            .int(self.time)
            .bytes(&self.signature);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, PeerFault> {
        Ok(Self {
            tag: SpaceTag::from_bytes(reader.fixed()?),
            time: reader.int()?,
            signature: reader.fixed()?,
        })
    }
}

impl Seen {
    pub(super) const FIELDS: usize = 7;

    pub(super) fn write(&self, writer: &mut Writer) {
        let Checkpoint {
            relay,
            place,
            held,
            time,
            signature,
        } = &self.checkpoint;
        writer
            .array(Self::FIELDS)
            .uint(SEEN)
            .bytes(self.tag.as_bytes())
            .bytes(relay.as_bytes())
            .bytes(place.as_bytes());
        held.write(writer);
        writer.int(*time).bytes(signature);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, PeerFault> {
        let tag = SpaceTag::from_bytes(reader.fixed()?);
        let relay = SignKey::from_bytes(reader.fixed()?).map_err(|_| PeerFault::OutOfRange)?;
        let place = Token::from_bytes(reader.fixed()?);
        let held: Frontier = read_frontier(reader)?;
        Ok(Self {
            tag,
            checkpoint: Checkpoint {
                relay,
                place,
                held,
                time: reader.int()?,
                signature: reader.fixed()?,
            },
        })
    }
}
