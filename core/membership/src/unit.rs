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

/// What a unit has decided about its keys and its doors; both are off unless it says so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UnitPolicy {
    /// The phones of the level above hold the keys of `main`, so that they can give them to a new secretary when all
    /// phones of the branch are lost. Never those of the committee and the inbox.
    pub escrow: bool,
    /// Phones may be admitted from afar, on the word of two officers.
    pub remote: bool,
}

const ESCROW: u8 = 1;
const REMOTE: u8 = 2;

/// Sets the policy of the unit. The highest serial counts, then the highest rank, then the lowest id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRecord {
    /// Grows with every change.
    pub serial: u64,
    /// What holds from then on.
    pub policy: UnitPolicy,
}

impl PolicyRecord {
    /// Canonical bytes of the clear part.
    pub fn encode(&self) -> Vec<u8> {
        let UnitPolicy { escrow, remote } = self.policy;
        let bits = if escrow { ESCROW } else { 0 } | if remote { REMOTE } else { 0 };
        let mut writer = record::begin(3);
        writer.uint(self.serial).uint(u64::from(bits));
        writer.into_bytes()
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, RecordError> {
        record::expect(reader, 3)?;
        let (serial, bits) = (reader.uint()?, reader.small::<u8>()?);
        if bits & !(ESCROW | REMOTE) != 0 {
            return Err(RecordError::Flags(bits));
        }
        let policy = UnitPolicy {
            escrow: bits & ESCROW != 0,
            remote: bits & REMOTE != 0,
        };
        Ok(Self { serial, policy })
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

/// Who serves this unit. In which order devices try is P12.9's affair.
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
