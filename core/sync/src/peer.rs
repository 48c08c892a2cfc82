//! What a device knows of a relay or peer, per space (P9.4). Written in the transaction that stores what it is about,
//! so that it never runs ahead of the data.

use std::collections::BTreeSet;

use sotay_feed::cbor::{Reader, Writer};
use sotay_feed::{Digest, Frontier, SignKey, Space, SpaceTag};
use sotay_store::{Bucket, Put, Store, StoreError};

use crate::fault::PeerFault;
use crate::token::Token;

const VERSION: u64 = 1;

/// The other side's acknowledged state of one space. `token`, if any, stands for `held`, or for less.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PeerRecord {
    pub(crate) token: Option<Token>,
    /// What the other side acknowledged or sent.
    pub(crate) held: Frontier,
    /// Bytes of what it holds, as it said last.
    pub(crate) bytes: u64,
    /// When `held` was last confirmed whole; `None` before the first exchange and after a time-out.
    pub(crate) when: Option<i64>,
    /// Feeds of which the other side refused an envelope, with its number.
    pub(crate) refused: Frontier,
    /// Digest of our roll when that happened: another roll is a reason to offer them again.
    pub(crate) refused_under: Option<Digest>,
}

fn key(peer: &SignKey, space: &Space) -> Vec<u8> {
    let mut key = peer.as_bytes().to_vec();
    key.extend_from_slice(space.id().tag().as_bytes());
    key
}

impl PeerRecord {
    pub(crate) fn load<S: Store>(
        store: &S,
        peer: &SignKey,
        space: &Space,
    ) -> Result<Option<Self>, StoreError> {
        store
            .get(Bucket::Peer, &key(peer, space))?
            .map(|value| Self::decode(&value).map_err(|_| StoreError::Corrupt("a peer record".into())))
            .transpose()
    }

    pub(crate) fn put(&self, peer: &SignKey, space: &Space) -> Put {
        Put {
            bucket: Bucket::Peer,
            key: key(peer, space),
            value: Some(self.encode()),
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer
            .array(7)
            .uint(VERSION)
            .opt_bytes(self.token.as_ref().map(|token| &token.as_bytes()[..]));
        self.held.write(&mut writer);
        writer.uint(self.bytes);
        match self.when {
            Some(when) => writer.int(when),
            None => writer.null(),
        };
        self.refused.write(&mut writer);
        writer.opt_bytes(self.refused_under.as_ref().map(|digest| &digest.0[..]));
        writer.into_bytes()
    }

    fn decode(bytes: &[u8]) -> Result<Self, PeerFault> {
        let frontier = |reader: &mut Reader<'_>| Frontier::read(reader).map_err(|_| PeerFault::OutOfRange);
        let mut reader = Reader::new(bytes);
        reader.array(7)?;
        if reader.uint()? != VERSION {
            return Err(PeerFault::OutOfRange);
        }
        let record = Self {
            token: reader.opt_fixed()?.map(Token::from_bytes),
            held: frontier(&mut reader)?,
            bytes: reader.uint()?,
            when: if reader.skip_null()? {
                None
            } else {
                Some(reader.int()?)
            },
            refused: frontier(&mut reader)?,
            refused_under: reader.opt_fixed()?.map(Digest),
        };
        reader.finish(&record.encode())?;
        Ok(record)
    }
}

/// The records of some spaces without their tokens, of all relays and peers that had one: the next session compares frontiers.
pub(crate) fn without_tokens<S: Store>(store: &S, tags: &BTreeSet<SpaceTag>) -> Result<Vec<Put>, StoreError> {
    let mut puts = Vec::new();
    for (key, value) in store.list(Bucket::Peer, &[])? {
        let tag = key.last_chunk().copied().map(SpaceTag::from_bytes);
        if tag.is_none_or(|tag| !tags.contains(&tag)) {
            continue;
        }
        let record = PeerRecord::decode(&value).map_err(|_| StoreError::Corrupt("a peer record".into()))?;
        if record.token.is_some() {
            let record = PeerRecord {
                token: None,
                ..record
            };
            puts.push(Put {
                bucket: Bucket::Peer,
                key,
                value: Some(record.encode()),
            });
        }
    }
    Ok(puts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sotay_feed::DeviceId;

    fn record() -> PeerRecord {
        PeerRecord {
            token: Some(Token::from_bytes([7; Token::LEN])),
            held: [(DeviceId::from_bytes([1; 8]), 5)].into_iter().collect(),
            bytes: 1234,
            when: Some(-1),
            refused: [(DeviceId::from_bytes([2; 8]), 9)].into_iter().collect(),
            refused_under: Some(Digest([3; 16])),
        }
    }

    #[test]
    fn records_round_trip() {
        for record in [record(), PeerRecord::default()] {
            assert_eq!(PeerRecord::decode(&record.encode()), Ok(record));
        }
    }

    #[test]
    fn one_byte_short_and_other_versions_are_refused() {
        let good = record().encode();
        for len in 0..good.len() {
            assert!(PeerRecord::decode(&good[..len]).is_err(), "{len}");
        }
        let mut newer = good;
        newer[1] = 2;
        assert_eq!(PeerRecord::decode(&newer), Err(PeerFault::OutOfRange));
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = PeerRecord::decode(&bytes);
        }
    }
}
