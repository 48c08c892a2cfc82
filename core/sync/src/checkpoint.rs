//! What a relay signs of a space, and how two such words of one relay are compared (P9.13 to P9.15).
//!
//! A relay numbers the envelopes of a space as they arrive, with a chain over all before. To whoever was given everything
//! up to a number it signs that place, together with the digest of all feeds as they stand there. What it held at one
//! number it holds at every later one; two of its words that do not fit this are proof of two histories, for everybody.

use sotay_feed::cbor::{CborError, Reader, Writer};
use sotay_feed::{DeviceKeys, Digest, Frontier, SignKey, SpaceId, SpaceTag};
use sotay_store::{Bucket, Put, Store, StoreError};

use crate::limits::{CHECKPOINTS_KEPT, RELAYS_PER_SPACE_MAX};
use crate::token::Token;

/// Keeps these signatures apart from all others of the same key.
const CONTEXT: &str = "sotay/v1/checkpoint";
const VERSION: u64 = 1;
/// First byte of the key of what a relay signed last, before tag and relay.
const WORDS: u8 = b'c';
/// First byte of the key of a proof.
const PROOF: u8 = b'e';

/// What a relay signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The relay.
    pub relay: SignKey,
    /// Database, number and chain.
    pub place: Token,
    /// All feeds of the space as the relay holds them there.
    pub held: Frontier,
    /// The relay's clock, milliseconds since 1970; shown, decides nothing.
    pub time: i64,
    /// Over space, place, digest of `held` and time.
    pub signature: [u8; 64],
}

/// Two words of one relay that cannot both be true of one history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwoHistories {
    /// The space.
    pub tag: SpaceTag,
    /// The one with the lower number.
    pub first: Checkpoint,
    /// The other.
    pub second: Checkpoint,
}

impl Checkpoint {
    /// The relay's signature.
    pub(crate) fn sign(
        keys: &DeviceKeys,
        space: &SpaceId,
        place: &Token,
        digest: &Digest,
        time: i64,
    ) -> [u8; 64] {
        keys.sign_detached(CONTEXT, &statement(space, place, digest, time))
    }

    /// Whether the relay signed it, of this space.
    pub fn is_signed(&self, space: &SpaceId) -> bool {
        let statement = statement(space, &self.place, &self.held.digest(), self.time);
        self.relay.verify_detached(CONTEXT, &statement, &self.signature)
    }

    /// Whether this and another one, of the same space, cannot both be true of one history. Another database of the
    /// same relay is another history by right: it was made anew or restored from a copy.
    pub fn contradicts(&self, other: &Self) -> bool {
        if self.relay != other.relay || self.place.database() != other.place.database() {
            return false;
        }
        let (early, late) = in_order(self, other);
        if early.place.number() == late.place.number() {
            early.place != late.place || early.held != late.held
        } else {
            !late.held.covers(&early.held)
        }
    }

    fn write(&self, writer: &mut Writer) {
        writer
            .array(5)
            .bytes(self.relay.as_bytes())
            .bytes(self.place.as_bytes());
        self.held.write(writer);
        writer.int(self.time).bytes(&self.signature);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.array(5)?;
        let at = reader.position();
        let malformed = CborError::Malformed { at };
        Ok(Self {
            relay: SignKey::from_bytes(reader.fixed()?).map_err(|_| malformed.clone())?,
            place: Token::from_bytes(reader.fixed()?),
            held: Frontier::read(reader).map_err(|_| malformed)?,
            time: reader.int()?,
            signature: reader.fixed()?,
        })
    }
}

fn in_order<'a>(one: &'a Checkpoint, other: &'a Checkpoint) -> (&'a Checkpoint, &'a Checkpoint) {
    if one.place.number() <= other.place.number() {
        (one, other)
    } else {
        (other, one)
    }
}

fn statement(space: &SpaceId, place: &Token, digest: &Digest, time: i64) -> Vec<u8> {
    let mut writer = Writer::new();
    writer
        .array(4)
        .bytes(space.as_bytes())
        .bytes(place.as_bytes())
        .bytes(&digest.0)
        .int(time);
    writer.into_bytes()
}

/// Who brings a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The relay itself, in this session.
    Relay,
    /// Another phone, which had it from the relay.
    Phone,
}

/// What is to be written because of a checkpoint that is signed, and whether it proves two histories.
pub(crate) struct Noted {
    pub(crate) puts: Vec<Put>,
    pub(crate) proof: bool,
}

/// Compares a checkpoint with those that are kept of the same relay and space.
pub(crate) fn note<S: Store>(
    store: &S,
    tag: SpaceTag,
    checkpoint: Checkpoint,
    from: Source,
) -> Result<Noted, StoreError> {
    let words = key(WORDS, tag, &checkpoint.relay);
    let known = store.get(Bucket::Checkpoint, &words)?;
    let mut known = known.map(|bytes| decode(&bytes)).transpose()?.unwrap_or_default();
    let mut noted = Noted {
        puts: Vec::new(),
        proof: false,
    };
    let other = known.iter().find(|known| known.contradicts(&checkpoint));
    if let Some(other) = other {
        let proof = key(PROOF, tag, &checkpoint.relay);
        if store.get(Bucket::Checkpoint, &proof)?.is_none() {
            let (first, second) = in_order(other, &checkpoint);
            noted.puts.push(put(proof, encode_proof(first, second)));
            noted.proof = true;
        }
    }
    let keep = match known.last() {
        // The session with the relay goes on with the history that it shows here.
        Some(last) => {
            let same = last.place.database() == checkpoint.place.database();
            let further = same && other.is_none() && last.place.number() < checkpoint.place.number();
            (from == Source::Relay && *last != checkpoint) || further
        }
        // Anybody can make up relays that nobody has seen; a few are kept.
        None => from == Source::Relay || relays_of(store, tag)? < RELAYS_PER_SPACE_MAX,
    };
    if keep {
        known.retain(|word| word.place.database() == checkpoint.place.database());
        known.push(checkpoint);
        let over = known.len().saturating_sub(CHECKPOINTS_KEPT);
        noted.puts.push(put(words, encode(&known[over..])));
    }
    Ok(noted)
}

/// The last checkpoints of every relay, of one space.
pub(crate) fn kept_of<S: Store>(store: &S, tag: SpaceTag) -> Result<Vec<Checkpoint>, StoreError> {
    let rows = store.list(Bucket::Checkpoint, &words_of(tag))?;
    let words = rows.iter().map(|(_, bytes)| decode(bytes));
    Ok(words.collect::<Result<Vec<_>, _>>()?.concat())
}

fn relays_of<S: Store>(store: &S, tag: SpaceTag) -> Result<usize, StoreError> {
    Ok(store.list(Bucket::Checkpoint, &words_of(tag))?.len())
}

fn words_of(tag: SpaceTag) -> Vec<u8> {
    [&[WORDS][..], tag.as_bytes()].concat()
}

/// The proofs of two histories that a device keeps, one for each relay and space.
pub fn two_histories<S: Store>(store: &S) -> Result<Vec<TwoHistories>, StoreError> {
    let rows = store.list(Bucket::Checkpoint, &[PROOF])?;
    rows.iter()
        .map(|(key, bytes)| {
            let tag = key.get(1..17).and_then(|tag| <[u8; 16]>::try_from(tag).ok());
            let tag = SpaceTag::from_bytes(tag.ok_or_else(damaged)?);
            let (first, second) = decode_proof(bytes).map_err(|_| damaged())?;
            Ok::<_, StoreError>(TwoHistories { tag, first, second })
        })
        .collect()
}

fn key(what: u8, tag: SpaceTag, relay: &SignKey) -> Vec<u8> {
    [&[what][..], tag.as_bytes(), relay.as_bytes()].concat()
}

fn put(key: Vec<u8>, value: Vec<u8>) -> Put {
    Put {
        bucket: Bucket::Checkpoint,
        key,
        value: Some(value),
    }
}

fn encode(words: &[Checkpoint]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(2).uint(VERSION).array(words.len());
    words.iter().for_each(|word| word.write(&mut writer));
    writer.into_bytes()
}

fn decode(bytes: &[u8]) -> Result<Vec<Checkpoint>, StoreError> {
    let read = || -> Result<Vec<Checkpoint>, CborError> {
        let mut reader = Reader::new(bytes);
        reader.array(2)?;
        version(&mut reader)?;
        let count = reader.array_up_to(CHECKPOINTS_KEPT)?;
        let words = (0..count).map(|_| Checkpoint::read(&mut reader));
        let words = words.collect::<Result<Vec<_>, _>>()?;
        reader.finish(&encode(&words))?;
        Ok(words)
    };
    read().map_err(|_| damaged())
}

fn encode_proof(first: &Checkpoint, second: &Checkpoint) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(3).uint(VERSION);
    first.write(&mut writer);
    second.write(&mut writer);
    writer.into_bytes()
}

fn decode_proof(bytes: &[u8]) -> Result<(Checkpoint, Checkpoint), CborError> {
    let mut reader = Reader::new(bytes);
    reader.array(3)?;
    version(&mut reader)?;
    let (first, second) = (Checkpoint::read(&mut reader)?, Checkpoint::read(&mut reader)?);
    reader.finish(&encode_proof(&first, &second))?;
    Ok((first, second))
}

fn version(reader: &mut Reader<'_>) -> Result<(), CborError> {
    let at = reader.position();
    match reader.uint()? {
        VERSION => Ok(()),
        _ => Err(CborError::Malformed { at }),
    }
}

fn damaged() -> StoreError {
    StoreError::Corrupt("a checkpoint".into())
}

#[cfg(test)]
#[path = "checkpoint_tests.rs"]
mod tests;
