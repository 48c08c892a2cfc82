//! Records about the unit as a whole: its parent and its relays (P5.8).

use sotay_feed::cbor::Reader;
use sotay_feed::{SignKey, UnitId};

use crate::limits::{RELAY_ADDRESS_BYTES_MAX, RELAYS_MAX};
use crate::record::{self, RecordError};

/// Moves the unit below another parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reparent {
    /// The new parent.
    pub parent: UnitId,
}

impl Reparent {
    /// Canonical bytes of the clear part.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = record::begin(2);
        writer.bytes(self.parent.as_bytes());
        writer.into_bytes()
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, RecordError> {
        record::expect(reader, 2)?;
        Ok(Self {
            parent: UnitId::from_bytes(reader.fixed()?),
        })
    }
}

/// One relay: where it is reached and by which key it is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RelayAddress {
    /// Host and port, at most [`RELAY_ADDRESS_BYTES_MAX`] bytes.
    pub address: String,
    /// The pinned key.
    pub key: SignKey,
}

/// Who serves this unit, in the order in which devices try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayRecord {
    /// Grows with every change: the highest valid one counts.
    pub serial: u64,
    /// The relays, at most [`RELAYS_MAX`]; none means that no relay serves the unit.
    pub relays: Vec<RelayAddress>,
}

impl RelayRecord {
    /// Canonical bytes of the clear part.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = record::begin(3);
        writer.uint(self.serial).array(self.relays.len());
        for relay in &self.relays {
            writer.array(2).text(&relay.address).bytes(relay.key.as_bytes());
        }
        writer.into_bytes()
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, RecordError> {
        record::expect(reader, 3)?;
        let serial = reader.uint()?;
        let count = reader.array_up_to(RELAYS_MAX)?;
        let mut relays = Vec::with_capacity(count);
        for _ in 0..count {
            reader.array(2)?;
            let address = reader.text(RELAY_ADDRESS_BYTES_MAX)?.to_owned();
            let key = SignKey::from_bytes(reader.fixed()?)?;
            relays.push(RelayAddress { address, key });
        }
        Ok(Self { serial, relays })
    }
}
