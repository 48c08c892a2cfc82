//! Envelopes that were refused, kept for the person who wrote them (P9.10).
//!
//! Only devices keep such records: a relay would let strangers fill its disk, so it tells its operator by events.

use sotay_feed::cbor::{Reader, Writer};
use sotay_feed::{DeviceId, EnvelopeId, SpaceTag};
use sotay_store::{Batch, Bucket, Put, Store, StoreError};

use crate::fault::{DenyReason, PeerFault, RefuseReason};
use crate::peer;
use crate::replica::Replica;

const VERSION: u64 = 1;

/// Who refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RefusedBy {
    /// This device did not store what it was given.
    Us = 0,
    /// A relay or peer did not store what this device gave it.
    Peer = 1,
}

/// One refused envelope. The latest answer replaces earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quarantined {
    /// Who refused it.
    pub by: RefusedBy,
    /// The space it was offered for.
    pub tag: SpaceTag,
    /// Its author; zero when it could not be read.
    pub device: DeviceId,
    /// Its number; 0 when it could not be read.
    pub seq: u64,
    /// Its id.
    pub id: EnvelopeId,
    /// Why.
    pub reason: RefuseReason,
}

/// Key of a record: `by ‖ space tag ‖ device ‖ number`.
pub(crate) type QuarantineKey = [u8; 33];

pub(crate) fn key(by: RefusedBy, tag: SpaceTag, device: DeviceId, seq: u64) -> QuarantineKey {
    let mut key = [by as u8; 33];
    key[1..17].copy_from_slice(tag.as_bytes());
    key[17..25].copy_from_slice(device.as_bytes());
    key[25..].copy_from_slice(&seq.to_be_bytes());
    key
}

impl Quarantined {
    pub(crate) fn key(&self) -> QuarantineKey {
        key(self.by, self.tag, self.device, self.seq)
    }

    pub(crate) fn put(&self) -> Put {
        Put {
            bucket: Bucket::Quarantine,
            key: self.key().to_vec(),
            value: Some(self.value()),
        }
    }

    fn value(&self) -> Vec<u8> {
        let (number, detail) = self.reason.number();
        let mut writer = Writer::new();
        writer
            .array(4)
            .uint(VERSION)
            .bytes(self.id.as_bytes())
            .uint(u64::from(number))
            .uint(detail);
        writer.into_bytes()
    }

    fn read(key: &[u8], value: &[u8]) -> Result<Self, PeerFault> {
        let key: QuarantineKey = key.try_into().map_err(|_| PeerFault::OutOfRange)?;
        let (mut tag, mut device, mut seq) = ([0; 16], [0; 8], [0; 8]);
        tag.copy_from_slice(&key[1..17]);
        device.copy_from_slice(&key[17..25]);
        seq.copy_from_slice(&key[25..]);
        let mut reader = Reader::new(value);
        reader.array(4)?;
        if reader.uint()? != VERSION {
            return Err(PeerFault::OutOfRange);
        }
        let id = EnvelopeId::from_bytes(reader.fixed()?);
        let reason =
            RefuseReason::from_number(reader.small()?, reader.uint()?).ok_or(PeerFault::OutOfRange)?;
        let quarantined = Self {
            by: if key[0] == RefusedBy::Us as u8 {
                RefusedBy::Us
            } else {
                RefusedBy::Peer
            },
            tag: SpaceTag::from_bytes(tag),
            device: DeviceId::from_bytes(device),
            seq: u64::from_be_bytes(seq),
            id,
            reason,
        };
        reader.finish(&quarantined.value())?;
        Ok(quarantined)
    }
}

/// All records, those refused here first, by space, author and number.
pub fn quarantined<S: Store>(store: &S) -> Result<Vec<Quarantined>, StoreError> {
    let mut all = Vec::new();
    // Keys that begin otherwise belong to whoever opens envelopes: what is stored, and of no use there.
    for by in [RefusedBy::Us, RefusedBy::Peer] {
        for (key, value) in store.list(Bucket::Quarantine, &[by as u8])? {
            let record = Quarantined::read(&key, &value);
            all.push(record.map_err(|_| StoreError::Corrupt("a quarantine record".into()))?);
        }
    }
    Ok(all)
}

impl RefuseReason {
    /// Whether another version of this software might have taken the envelope: it is of a form or kind that was not known.
    fn hangs_on_version(self) -> bool {
        matches!(
            self,
            Self::Record | Self::Version | Self::Denied(DenyReason::WrongKind)
        )
    }
}

impl<S: Store> Replica<S> {
    /// Lets everything be asked for again that was refused here for a form this version may know: what was refused is not
    /// stored, and the tokens of its spaces stand for it as if it were. To be called once after the software was updated; a
    /// second time changes nothing. Returns how many refusals were forgotten.
    pub fn ask_anew(&mut self) -> Result<usize, StoreError> {
        let forgotten: Vec<Quarantined> = quarantined(&self.store)?
            .into_iter()
            .filter(|record| record.by == RefusedBy::Us && record.reason.hangs_on_version())
            .collect();
        if forgotten.is_empty() {
            return Ok(0);
        }
        let mut puts: Vec<Put> = forgotten
            .iter()
            .map(|record| Put {
                bucket: Bucket::Quarantine,
                key: record.key().to_vec(),
                value: None,
            })
            .collect();
        let tags = forgotten.iter().map(|record| record.tag).collect();
        puts.extend(peer::without_tokens(&self.store, &tags)?);
        self.store.commit(Batch {
            puts,
            ..Batch::default()
        })?;
        for record in &forgotten {
            self.quarantine.remove(&record.key());
        }
        Ok(forgotten.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_others_in_the_same_bucket_are_left_alone() {
        use sotay_store::{DatabaseId, MemoryStore};

        let record = Quarantined {
            by: RefusedBy::Us,
            tag: SpaceTag::from_bytes([3; 16]),
            device: DeviceId::from_bytes([4; 8]),
            seq: 77,
            id: EnvelopeId::from_bytes([5; 32]),
            reason: RefuseReason::Signature,
        };
        let other = Put {
            bucket: Bucket::Quarantine,
            key: [b"a", &[5; 32][..]].concat(),
            value: Some(vec![0]),
        };
        let mut store = MemoryStore::new(DatabaseId([0; 16]));
        let puts = vec![other, record.put()];
        store
            .commit(Batch {
                envelopes: Vec::new(),
                puts,
                ..Batch::default()
            })
            .unwrap();
        assert_eq!(quarantined(&store).unwrap(), [record]);
    }

    #[test]
    fn records_round_trip_and_other_versions_are_refused() {
        let record = Quarantined {
            by: RefusedBy::Peer,
            tag: SpaceTag::from_bytes([3; 16]),
            device: DeviceId::from_bytes([4; 8]),
            seq: 77,
            id: EnvelopeId::from_bytes([5; 32]),
            reason: RefuseReason::Fork { seq: 76 },
        };
        let mut value = record.value();
        assert_eq!(Quarantined::read(&record.key(), &value), Ok(record));
        value[1] = 2;
        assert_eq!(
            Quarantined::read(&record.key(), &value),
            Err(PeerFault::OutOfRange)
        );
        assert_eq!(
            Quarantined::read(&record.key()[1..], &record.value()),
            Err(PeerFault::OutOfRange)
        );
    }
}
