//! What a device knows of a relay or peer, per space (P9.4). Written in the transaction that stores what it is about,
//! so that it never runs ahead of the data.

use std::collections::BTreeSet;

use sotay_feed::cbor::{Reader, Writer};
use sotay_feed::{Digest, Frontier, SignKey, Space, SpaceTag};
use sotay_store::{Bucket, Put, Store, StoreError};

use crate::fault::PeerFault;
use crate::token::Token;

const VERSION: u64 = 1;
/// With `sure` and `others`, which records of other spaces do not have.
const VERSION_SLOTS: u64 = 2;

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
    /// Inbox: of every letter in a slot that arrived here up to this place it is known whether the other side holds it.
    pub(crate) sure: u64,
    /// Slots in which the other side has another letter, from this number on.
    pub(crate) others: Frontier,
}

/// The peers of which something is known in a space.
pub(crate) fn peers_of<S: Store>(store: &S, space: &Space) -> Result<Vec<SignKey>, StoreError> {
    let tag = space.id().tag();
    let mut peers = Vec::new();
    for (key, _) in store.list(Bucket::Peer, &[])? {
        let Some(peer) = key.strip_suffix(&tag.as_bytes()[..]) else {
            continue;
        };
        let peer = peer
            .try_into()
            .ok()
            .and_then(|peer| SignKey::from_bytes(peer).ok());
        peers.push(peer.ok_or_else(|| StoreError::Corrupt("a peer record".into()))?);
    }
    Ok(peers)
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

    /// Nothing is known of what the other side holds of slots.
    pub(crate) fn doubt(&mut self) {
        self.sure = 0;
        self.others = Frontier::new();
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        let of_slots = self.sure > 0 || !self.others.is_empty();
        let (len, version) = match of_slots {
            false => (7, VERSION),
            true => (9, VERSION_SLOTS),
        };
        writer
            .array(len)
            .uint(version)
            .opt_bytes(self.token.as_ref().map(|token| &token.as_bytes()[..]));
        self.held.write(&mut writer);
        writer.uint(self.bytes);
        match self.when {
            Some(when) => writer.int(when),
            None => writer.null(),
        };
        self.refused.write(&mut writer);
        writer.opt_bytes(self.refused_under.as_ref().map(|digest| &digest.0[..]));
        if of_slots {
            writer.uint(self.sure);
            self.others.write(&mut writer);
        }
        writer.into_bytes()
    }

    fn decode(bytes: &[u8]) -> Result<Self, PeerFault> {
        let frontier = |reader: &mut Reader<'_>| Frontier::read(reader).map_err(|_| PeerFault::OutOfRange);
        let mut reader = Reader::new(bytes);
        let len = reader.array_up_to(9)?;
        let of_slots = match (len, reader.uint()?) {
            (7, VERSION) => false,
            (9, VERSION_SLOTS) => true,
            _ => return Err(PeerFault::OutOfRange),
        };
        let mut record = Self {
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
            ..Self::default()
        };
        if of_slots {
            record.sure = reader.uint()?;
            record.others = frontier(&mut reader)?;
        }
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
            ..PeerRecord::default()
        }
    }

    fn inbox_record() -> PeerRecord {
        PeerRecord {
            sure: 7,
            others: [(DeviceId::from_bytes([4; 8]), 1)].into_iter().collect(),
            ..record()
        }
    }

    #[test]
    fn records_round_trip() {
        for record in [record(), inbox_record(), PeerRecord::default()] {
            assert_eq!(PeerRecord::decode(&record.encode()), Ok(record));
        }
    }

    #[test]
    fn a_record_that_knows_nothing_of_slots_is_what_earlier_versions_wrote() {
        assert_eq!(record().encode()[..2], [0x87, 1]);
        assert_eq!(inbox_record().encode()[..2], [0x89, 2]);
    }

    #[test]
    fn one_byte_short_and_other_versions_are_refused() {
        for record in [record(), inbox_record()] {
            let good = record.encode();
            for len in 0..good.len() {
                assert!(PeerRecord::decode(&good[..len]).is_err(), "{len}");
            }
            let mut newer = good;
            newer[1] = 3;
            assert_eq!(PeerRecord::decode(&newer), Err(PeerFault::OutOfRange));
        }
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = PeerRecord::decode(&bytes);
        }
    }
}
