//! Which bodies to erase (P2.7): the clear body of an envelope of kind [`Kind::ERASE`](crate::Kind::ERASE).

use crate::cbor::{CborError, Reader, Writer};
use crate::{EnvelopeId, InOrder};

/// Envelopes that one record names.
pub const ERASED_IDS_MAX: usize = 256;
const VERSION: u64 = 1;

/// Asks every holder to keep of these envelopes only what verifies. It takes effect where its author may erase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EraseRecord {
    /// The envelopes, ascending, each once, at most [`ERASED_IDS_MAX`].
    ids: Vec<EnvelopeId>,
}

impl EraseRecord {
    /// A record over these envelopes, of which it takes the first [`ERASED_IDS_MAX`].
    pub fn new(mut ids: Vec<EnvelopeId>) -> Self {
        ids.in_order();
        ids.dedup();
        ids.truncate(ERASED_IDS_MAX);
        Self { ids }
    }

    /// The envelopes.
    pub fn ids(&self) -> &[EnvelopeId] {
        &self.ids
    }

    /// `[1, [id 32 …]]`.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(2).uint(VERSION).array(self.ids.len());
        for id in &self.ids {
            writer.bytes(id.as_bytes());
        }
        writer.into_bytes()
    }

    /// Reads what [`EraseRecord::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, CborError> {
        let mut reader = Reader::new(bytes);
        reader.array(2)?;
        let at = reader.position();
        if reader.uint()? != VERSION {
            return Err(CborError::Malformed { at });
        }
        let count = reader.array_up_to(ERASED_IDS_MAX)?;
        let ids = (0..count)
            .map(|_| reader.fixed().map(EnvelopeId::from_bytes))
            .collect::<Result<Vec<_>, _>>()?;
        let record = Self::new(ids);
        reader.finish(&record.encode())?;
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ids(count: usize) -> Vec<EnvelopeId> {
        let id = |n: usize| EnvelopeId::from_bytes([(n / 256) as u8; 32].map(|byte| byte ^ n as u8));
        (0..count).map(id).collect()
    }

    #[test]
    fn bytes_are_those_of_the_golden_vector() {
        let record = EraseRecord::new(vec![
            EnvelopeId::from_bytes([2; 32]),
            EnvelopeId::from_bytes([1; 32]),
        ]);
        let hex = format!("8201825820{}5820{}", "01".repeat(32), "02".repeat(32));
        assert_eq!(data_encoding::HEXLOWER.encode(&record.encode()), hex);
        assert_eq!(EraseRecord::decode(&record.encode()), Ok(record));
    }

    #[test]
    fn one_id_over_the_limit_another_order_and_a_newer_version_are_refused() {
        let raw = |ids: &[EnvelopeId], version: u64| {
            let mut writer = Writer::new();
            writer.array(2).uint(version).array(ids.len());
            for id in ids {
                writer.bytes(id.as_bytes());
            }
            writer.into_bytes()
        };
        let mut full = ids(ERASED_IDS_MAX);
        full.sort();
        full.dedup();
        assert_eq!(full.len(), ERASED_IDS_MAX);
        assert!(EraseRecord::decode(&raw(&full, 1)).is_ok());
        let more = vec![EnvelopeId::ZERO; ERASED_IDS_MAX + 1];
        assert!(matches!(
            EraseRecord::decode(&raw(&more, 1)),
            Err(CborError::TooMany { .. })
        ));
        let two = [EnvelopeId::from_bytes([2; 32]), EnvelopeId::from_bytes([1; 32])];
        assert_eq!(EraseRecord::decode(&raw(&two, 1)), Err(CborError::NotCanonical));
        assert!(EraseRecord::decode(&raw(&two[..1], 2)).is_err());
        let good = raw(&two[..1], 1);
        for len in 0..good.len() {
            assert!(EraseRecord::decode(&good[..len]).is_err(), "{len}");
        }
    }

    proptest! {
        #[test]
        fn garbage_is_refused_or_reads_as_it_is_written(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            if let Ok(record) = EraseRecord::decode(&bytes) {
                prop_assert_eq!(record.encode(), bytes);
            }
        }
    }
}
