//! Envelopes in a file: for a memory stick, a share sheet, an invitation (P10).
//!
//! A bundle is a sequence of canonical CBOR items: a head with the spaces, one item per envelope, and an end with
//! their number. It needs no secrecy and no checksum of its own, for envelopes are sealed and signed; importing twice
//! changes nothing. Of a bundle that was cut short, everything before the cut can be used.

use std::collections::{BTreeMap, BTreeSet};

use sotay_feed::cbor::{CborError, Reader, Writer};
use sotay_feed::limits::ENVELOPE_BYTES_MAX;
use sotay_feed::{DecodeError, DeviceId, Envelope, Frontier, InOrder, Space, SpaceId};
use sotay_store::{Budget, Store, StoreError};

use crate::admit::Admitted;
use crate::fault::{PeerFault, RefuseReason};
use crate::limits::{
    BUNDLE_BATCH_ENVELOPES, BUNDLE_BYTES_MAX, BUNDLE_SPACES_MAX, ITEMS_PER_FRAME_MAX, ITEMS_TARGET_BYTES,
    PROOFS_PER_SPACE_MAX,
};
use crate::message::{read_space, write_space};
use crate::replica::Replica;

/// The text every bundle begins with.
pub const MAGIC: &str = "sotay-bundle";
/// Version of the format.
pub const BUNDLE_VERSION: u64 = 1;

/// What the receiver of a bundle already holds, by space.
pub type Have = BTreeMap<SpaceId, Frontier>;

/// Why a bundle could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// More than [`BUNDLE_SPACES_MAX`] spaces.
    #[error("{0} spaces are too many for one bundle")]
    TooManySpaces(usize),
    /// More than [`BUNDLE_BYTES_MAX`]: bundle fewer spaces, or leave out what the receiver has.
    #[error("the bundle would be larger than {BUNDLE_BYTES_MAX} bytes")]
    TooLarge,
}

/// Why bytes are not a bundle, or not to its end. What was read before stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Over [`BUNDLE_BYTES_MAX`].
    #[error("a bundle of {0} bytes is too large")]
    TooLarge(usize),
    /// Not a bundle.
    #[error("not a bundle")]
    Foreign,
    /// Made by a newer version of this software.
    #[error("unknown bundle version {0}")]
    Version(u64),
    /// Malformed, or cut short.
    #[error("the bundle is damaged or cut short: {0}")]
    Cbor(#[from] CborError),
    /// A space that cannot be, or an index or number that does not fit.
    #[error("a value of the bundle is out of range")]
    OutOfRange,
    /// An item that is no envelope.
    #[error("an envelope of the bundle: {0}")]
    Envelope(#[from] DecodeError),
}

impl From<PeerFault> for ReadError {
    fn from(fault: PeerFault) -> Self {
        match fault {
            PeerFault::Malformed(error) => Self::Cbor(error),
            _ => Self::OutOfRange,
        }
    }
}

/// Writes what `have` lacks of the spaces, or everything, and the proofs of forks. Spaces come in sync order, so that rolls come first.
pub fn write<S: Store>(
    replica: &Replica<S>,
    spaces: &[Space],
    have: Option<&Have>,
) -> Result<Vec<u8>, WriteError> {
    write_within(replica, spaces, have, BUNDLE_BYTES_MAX)
}

fn write_within<S: Store>(
    replica: &Replica<S>,
    spaces: &[Space],
    have: Option<&Have>,
    bytes_max: usize,
) -> Result<Vec<u8>, WriteError> {
    const BUDGET: Budget = Budget {
        count: ITEMS_PER_FRAME_MAX,
        bytes: ITEMS_TARGET_BYTES,
    };
    let mut spaces = spaces.to_vec();
    spaces.in_order_by_key(|space| (space.kind, space.unit, space.subject));
    spaces.dedup();
    if spaces.len() > BUNDLE_SPACES_MAX {
        return Err(WriteError::TooManySpaces(spaces.len()));
    }
    let mut bytes = head(&spaces);
    let (nothing, mut count) = (Frontier::new(), 0);
    for (index, space) in spaces.iter().enumerate() {
        let id = space.id();
        let have = have.and_then(|have| have.get(&id)).unwrap_or(&nothing);
        let have = &replica.without_slots(space, have);
        let mut after = 0;
        loop {
            let page = replica.store().missing(&id, have, after, BUDGET)?;
            for stored in &page.envelopes {
                bytes.extend_from_slice(&item(index, &stored.bytes));
                count += 1;
            }
            if bytes.len() + end(count).len() > bytes_max {
                return Err(WriteError::TooLarge);
            }
            if !page.more {
                break;
            }
            after = page.upto;
        }
        for fork in replica.provable(space)?.into_iter().take(PROOFS_PER_SPACE_MAX) {
            // Whoever holds one history is shown the other.
            if let Some(first) = replica.store().at(&id, fork.device, fork.seq)? {
                bytes.extend_from_slice(&item(index, &first.bytes));
                bytes.extend_from_slice(&item(index, &fork.other));
                count += 2;
            }
        }
        if bytes.len() + end(count).len() > bytes_max {
            return Err(WriteError::TooLarge);
        }
    }
    bytes.extend_from_slice(&end(count));
    Ok(bytes)
}

fn item(space: usize, envelope: &[u8]) -> Vec<u8> {
    let mut item = Writer::new();
    item.array(2).uint(space as u64).bytes(envelope);
    item.into_bytes()
}

fn head(spaces: &[Space]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer
        .array(3)
        .text(MAGIC)
        .uint(BUNDLE_VERSION)
        .array(spaces.len());
    for space in spaces {
        writer.array(3);
        write_space(&mut writer, space);
    }
    writer.into_bytes()
}

fn end(count: u64) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(1).uint(count);
    writer.into_bytes()
}

/// A bundle that is being read: its spaces, then its envelopes as an iterator that ends after the first error.
#[derive(Debug)]
pub struct Bundle<'b> {
    spaces: Vec<Space>,
    rest: &'b [u8],
    count: u64,
    done: bool,
}

/// Reads the head. Nothing is allocated for envelopes before they are asked for.
pub fn read(bytes: &[u8]) -> Result<Bundle<'_>, ReadError> {
    if bytes.len() > BUNDLE_BYTES_MAX {
        return Err(ReadError::TooLarge(bytes.len()));
    }
    let mut reader = Reader::new(bytes);
    let items = reader.array_up_to(usize::MAX).map_err(|_| ReadError::Foreign)?;
    if items < 2 || reader.text(MAGIC.len()) != Ok(MAGIC) {
        return Err(ReadError::Foreign);
    }
    let version = reader.uint()?;
    if version != BUNDLE_VERSION {
        return Err(ReadError::Version(version));
    }
    if items != 3 {
        return Err(ReadError::OutOfRange);
    }
    let count = reader.array_up_to(BUNDLE_SPACES_MAX)?;
    let mut spaces = Vec::with_capacity(count);
    for _ in 0..count {
        reader.array(3)?;
        spaces.push(read_space(&mut reader)?);
    }
    let len = reader.position();
    sotay_feed::cbor::ensure_canonical(&bytes[..len], &head(&spaces))?;
    Ok(Bundle {
        spaces,
        rest: &bytes[len..],
        count: 0,
        done: false,
    })
}

impl Bundle<'_> {
    /// The spaces it has envelopes of.
    pub fn spaces(&self) -> &[Space] {
        &self.spaces
    }

    /// The next envelope; `None` at the end mark.
    fn read_next(&mut self) -> Result<Option<(Space, Envelope)>, ReadError> {
        let mut reader = Reader::new(self.rest);
        match reader.array_up_to(2)? {
            1 => {
                if reader.uint()? != self.count {
                    return Err(ReadError::OutOfRange);
                }
                reader.finish(&end(self.count))?;
                Ok(None)
            }
            2 => {
                let index: usize = reader.small()?;
                let space = *self.spaces.get(index).ok_or(ReadError::OutOfRange)?;
                let bytes = reader.bytes(ENVELOPE_BYTES_MAX)?;
                let envelope = Envelope::decode(bytes)?;
                self.rest = reader.rest();
                self.count += 1;
                Ok(Some((space, envelope)))
            }
            _ => Err(ReadError::OutOfRange),
        }
    }
}

impl Iterator for Bundle<'_> {
    type Item = Result<(Space, Envelope), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let next = self.read_next().transpose();
        self.done = !matches!(next, Some(Ok(_)));
        next
    }
}

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// Newly stored envelopes, and the arrival number before the first of them, by space.
    pub stored: BTreeMap<Space, (u64, u64)>,
    /// Envelopes that were here already.
    pub duplicates: u64,
    /// Envelopes that were not stored; the reasons are in the quarantine.
    pub refused: u64,
    /// Devices of which the bundle proves that they wrote two histories of a space, which was not known here.
    pub forked: BTreeSet<(Space, DeviceId)>,
    /// Why reading ended before the end of the bundle.
    pub cut: Option<ReadError>,
}

/// Takes everything a bundle holds through [`Replica::admit`], a batch of envelopes at a time. Envelopes of spaces
/// whose unit is not known here, and not founded by the bundle itself, are refused like any other.
pub fn import<S: Store>(replica: &mut Replica<S>, bundle: Bundle<'_>) -> Result<Imported, StoreError> {
    let mut imported = Imported::default();
    let mut batch: Option<(Space, Vec<Envelope>)> = None;
    for item in bundle {
        let (space, envelope) = match item {
            Ok(item) => item,
            Err(error) => {
                imported.cut = Some(error);
                break;
            }
        };
        let full = batch.as_ref().is_some_and(|(current, envelopes)| {
            *current != space || envelopes.len() >= BUNDLE_BATCH_ENVELOPES
        });
        if full {
            imported.take(replica, batch.take())?;
        }
        batch.get_or_insert_with(|| (space, Vec::new())).1.push(envelope);
    }
    imported.take(replica, batch)?;
    Ok(imported)
}

impl Imported {
    fn take<S: Store>(
        &mut self,
        replica: &mut Replica<S>,
        batch: Option<(Space, Vec<Envelope>)>,
    ) -> Result<(), StoreError> {
        let Some((space, envelopes)) = batch else {
            return Ok(());
        };
        let known = replica.forks_of(&space);
        for answer in replica.admit(&space, envelopes, Vec::new())? {
            match answer {
                Admitted::Stored(arrival) => {
                    self.stored.entry(space).or_insert((0, arrival.number - 1)).0 += 1;
                }
                Admitted::Duplicate => self.duplicates += 1,
                // The other half of a proof.
                Admitted::Refused(RefuseReason::Fork { .. }) => {}
                Admitted::Refused(_) => self.refused += 1,
            }
        }
        let forks = replica.forks_of(&space).into_keys();
        let new = forks.filter(|device| !known.contains_key(device));
        self.forked.extend(new.map(|device| (space, device)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Policy, Role};
    use sotay_feed::{DeviceKeys, Draft, Kind, SpaceKind, UnitId};
    use sotay_store::{DatabaseId, MemoryStore};

    fn replica() -> (Replica<MemoryStore>, Space) {
        let keys = DeviceKeys::from_seeds([1; 32], [2; 32]);
        let space = Space::of(UnitId::from_bytes([7; 32]), SpaceKind::Main);
        let mut replica =
            Replica::open(MemoryStore::new(DatabaseId([1; 16])), Role::Device, Policy::Any).unwrap();
        let envelope = Draft::next(&keys, Kind::CHANGE, &space.id(), None)
            .sign(&keys, &space.id(), b"body")
            .unwrap();
        replica.append(&space, vec![envelope], Vec::new()).unwrap();
        (replica, space)
    }

    #[test]
    fn bytes_are_those_of_the_golden_vector() {
        let (replica, space) = replica();
        let hex = data_encoding::HEXLOWER.encode(&write(&replica, &[space], None).unwrap());
        assert_eq!(hex, include_str!("../vectors/bundle.hex").trim());
    }

    #[test]
    fn a_bundle_of_exactly_the_limit_is_written_and_one_byte_more_is_not() {
        let (replica, space) = replica();
        let len = write(&replica, &[space], None).unwrap().len();
        assert_eq!(write_within(&replica, &[space], None, len).unwrap().len(), len);
        assert!(matches!(
            write_within(&replica, &[space], None, len - 1),
            Err(WriteError::TooLarge)
        ));
    }
}
