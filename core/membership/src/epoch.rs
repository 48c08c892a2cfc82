//! The public half of a key generation (P6.1).

use std::collections::{BTreeMap, BTreeSet};

use sotay_feed::cbor::Reader;
use sotay_feed::limits::EPOCH_RECIPIENTS_MAX;
use sotay_feed::{DeviceId, EpochId, SpaceId};

use crate::limits::{EPOCH_BOX_BYTES_MAX, EPOCH_PREVIOUS_MAX};
use crate::record::{self, RecordError};

const ID_CONTEXT: &str = "sotay/v1/epoch";

/// First 8 bytes of `BLAKE3-derive("sotay/v1/epoch", commitment)`: the id of the epoch whose key has this commitment.
pub fn epoch_id(commitment: &[u8; 32]) -> EpochId {
    let hash = blake3::derive_key(ID_CONTEXT, commitment);
    let mut id = [0; 8];
    id.copy_from_slice(&hash[..8]);
    EpochId::from_bytes(id)
}

/// A new key of a space, boxed to every device that may read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochRecord {
    /// The space.
    pub space: SpaceId,
    /// Epochs its maker knew as the newest, at most [`EPOCH_PREVIOUS_MAX`].
    pub previous: BTreeSet<EpochId>,
    /// Commits to the key: a box that opens to another key is refused. The epoch's id follows from it.
    pub commitment: [u8; 32],
    /// The key, sealed to each recipient; at most [`EPOCH_RECIPIENTS_MAX`].
    pub boxes: BTreeMap<DeviceId, Vec<u8>>,
}

impl EpochRecord {
    /// The epoch's id.
    pub fn epoch(&self) -> EpochId {
        epoch_id(&self.commitment)
    }

    /// Canonical bytes of the clear part.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = record::begin(6);
        writer
            .bytes(self.space.as_bytes())
            .bytes(self.epoch().as_bytes())
            .array(self.previous.len());
        for epoch in &self.previous {
            writer.bytes(epoch.as_bytes());
        }
        writer.bytes(&self.commitment).array(self.boxes.len());
        for (device, sealed) in &self.boxes {
            writer.array(2).bytes(device.as_bytes()).bytes(sealed);
        }
        writer.into_bytes()
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, RecordError> {
        record::expect(reader, 6)?;
        let space = SpaceId::from_bytes(reader.fixed()?);
        let epoch = EpochId::from_bytes(reader.fixed()?);
        let count = reader.array_up_to(EPOCH_PREVIOUS_MAX)?;
        let mut previous = BTreeSet::new();
        for _ in 0..count {
            previous.insert(EpochId::from_bytes(reader.fixed()?));
        }
        if previous.len() != count {
            return Err(RecordError::List);
        }
        let commitment = reader.fixed()?;
        if epoch != epoch_id(&commitment) {
            return Err(RecordError::EpochId);
        }
        let count = reader.array_up_to(EPOCH_RECIPIENTS_MAX)?;
        let mut boxes = BTreeMap::new();
        for _ in 0..count {
            reader.array(2)?;
            let device = DeviceId::from_bytes(reader.fixed()?);
            let sealed = reader.bytes(EPOCH_BOX_BYTES_MAX)?;
            if boxes.insert(device, sealed.to_vec()).is_some() {
                return Err(RecordError::List);
            }
        }
        if boxes.is_empty() {
            return Err(RecordError::List);
        }
        Ok(Self {
            space,
            previous,
            commitment,
            boxes,
        })
    }
}
