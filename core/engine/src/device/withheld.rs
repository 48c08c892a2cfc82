//! What is kept back from a newcomer's phone, as this phone remembers it, and the form of what it copies for it (P17).

use std::collections::BTreeSet;

use sotay_document::Run;
use sotay_feed::cbor::{CborError, Reader, Writer};
use sotay_feed::limits::ENVELOPE_BYTES_MAX;
use sotay_feed::{EnvelopeId, EpochId, SpaceKind};
use sotay_handbook::Date;
use sotay_store::{Bucket, Put};

use super::people::PersonRecord;

/// Forms of what is carried over; the first byte says which.
pub(super) const RUNS: u8 = 0;
pub(super) const NAMES: u8 = 1;
pub(super) const INBOX: u8 = 2;
/// What counts only while a cover names it (P17.3).
pub(super) const COVERED: u8 = 3;
/// Pieces in one envelope.
const PIECES_MAX: usize = 4096;
/// Bytes of all changes of one copy together once they are rebuilt. Writers begin another copy before it; honest ones come to a
/// fraction of it.
pub(super) const COPY_REBUILT_BYTES_MAX: usize = 16 << 20;
/// Keys that may be kept back from one phone in one space.
pub(super) const WITHHELD_MAX: usize = 512;
pub(super) const ROWS: &[u8] = b"withheld";

/// What this phone keeps back from one newcomer in one space, and how far it has carried over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Withheld {
    pub grant: EnvelopeId,
    pub kind: SpaceKind,
    pub from: Date,
    /// Last arrival that was looked at.
    pub upto: u64,
    pub epochs: BTreeSet<EpochId>,
}

impl Withheld {
    fn key(&self) -> Vec<u8> {
        [ROWS, self.grant.as_bytes(), &[self.kind as u8]].concat()
    }

    pub fn put(&self) -> Put {
        let mut writer = Writer::new();
        writer
            .array(4)
            .uint(1)
            .text(&self.from.to_string())
            .uint(self.upto)
            .array(self.epochs.len());
        for epoch in &self.epochs {
            writer.bytes(epoch.as_bytes());
        }
        let value = (!self.epochs.is_empty()).then(|| writer.into_bytes());
        super::books::put(Bucket::Profile, self.key(), value)
    }

    pub fn read(key: &[u8], value: &[u8]) -> Option<Self> {
        let (grant, kind) = key.get(ROWS.len()..)?.split_at_checked(EnvelopeId::LEN)?;
        let &[kind] = kind else { return None };
        let mut reader = Reader::new(value);
        reader.array(4).ok()?;
        if reader.uint().ok()? != 1 {
            return None;
        }
        let from = reader.text(10).ok()?.parse().ok()?;
        let upto = reader.uint().ok()?;
        let count = reader.array_up_to(WITHHELD_MAX).ok()?;
        let epochs: Result<BTreeSet<EpochId>, CborError> = (0..count)
            .map(|_| Ok(EpochId::from_bytes(reader.fixed()?)))
            .collect();
        Some(Self {
            grant: EnvelopeId::from_slice(grant)?,
            kind: SpaceKind::try_from(kind).ok()?,
            from,
            upto,
            epochs: epochs.ok()?,
        })
    }
}

/// Pieces of one form, as few envelopes as hold them.
pub(super) fn packed(form: u8, pieces: Vec<Vec<u8>>, room: usize) -> Vec<Vec<u8>> {
    let mut payloads = Vec::new();
    let (mut held, mut bytes) = (Vec::new(), 0);
    for piece in pieces {
        // Form, array head, and a head for each piece.
        if !held.is_empty() && (bytes + piece.len() + 16 > room || held.len() == PIECES_MAX) {
            payloads.push(list(form, &held));
            (held, bytes) = (Vec::new(), 0);
        }
        bytes += piece.len() + 5;
        held.push(piece);
    }
    if !held.is_empty() {
        payloads.push(list(form, &held));
    }
    payloads
}

/// The same for runs, each with the bytes that its changes are rebuilt to: no copy is rebuilt to more than the limit.
pub(super) fn packed_runs(form: u8, runs: Vec<(Vec<u8>, usize)>, room: usize) -> Vec<Vec<u8>> {
    let mut payloads = Vec::new();
    let (mut together, mut rebuilt) = (Vec::new(), 0);
    for (run, bytes) in runs {
        if rebuilt + bytes > COPY_REBUILT_BYTES_MAX {
            payloads.extend(packed(form, std::mem::take(&mut together), room));
            rebuilt = 0;
        }
        rebuilt += bytes;
        together.push(run);
    }
    payloads.extend(packed(form, together, room));
    payloads
}

fn list(form: u8, pieces: &[Vec<u8>]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(pieces.len());
    for piece in pieces {
        writer.bytes(piece);
    }
    [&[form], &writer.into_bytes()[..]].concat()
}

fn unpacked(bytes: &[u8]) -> Result<Vec<Vec<u8>>, CborError> {
    let mut reader = Reader::new(bytes);
    let count = reader.array_up_to(PIECES_MAX)?;
    let pieces = (0..count)
        .map(|_| Ok(reader.bytes(ENVELOPE_BYTES_MAX)?.to_vec()))
        .collect::<Result<Vec<_>, CborError>>()?;
    reader.finish(&list(RUNS, &pieces)[1..])?;
    Ok(pieces)
}

/// The runs in an officer's copy; none if they are rebuilt to more than the limit.
pub(super) fn carried_runs(bytes: &[u8]) -> Option<Vec<Run>> {
    let (mut runs, mut rebuilt) = (Vec::new(), 0);
    for piece in unpacked(bytes).ok()? {
        let run = Run::decode(&piece).ok()?;
        rebuilt += run.changes.iter().map(Vec::len).sum::<usize>();
        if rebuilt > COPY_REBUILT_BYTES_MAX {
            return None;
        }
        runs.push(run);
    }
    Some(runs)
}

pub(super) fn carried_names(bytes: &[u8]) -> Option<Vec<(EnvelopeId, PersonRecord)>> {
    let read = |piece: &Vec<u8>| {
        let (id, record) = piece.split_at_checked(EnvelopeId::LEN)?;
        Some((EnvelopeId::from_slice(id)?, PersonRecord::decode(record).ok()?))
    };
    unpacked(bytes).ok()?.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pieces_have_the_written_form_and_as_few_envelopes_as_hold_them() {
        let pieces = vec![vec![7; 3], vec![8; 2]];
        let one = packed(NAMES, pieces.clone(), 100);
        assert_eq!(one, [vec![1, 0x82, 0x43, 7, 7, 7, 0x42, 8, 8]]);
        assert_eq!(unpacked(&one[0][1..]), Ok(pieces));
        let many = packed(RUNS, vec![vec![0; 40]; 10], 100);
        assert_eq!(
            many.iter()
                .map(|payload| unpacked(&payload[1..]).unwrap().len())
                .sum::<usize>(),
            10
        );
        assert!(many.len() > 1 && many.iter().all(|payload| payload.len() <= 100));
        for len in 0..one[0].len() - 1 {
            assert!(unpacked(&one[0][1..1 + len]).is_err(), "{len}");
        }
    }

    #[test]
    fn more_pieces_than_the_limit_begin_another_envelope_and_are_refused_in_one() {
        let payloads = packed(RUNS, vec![Vec::new(); PIECES_MAX + 1], 1 << 20);
        assert_eq!(payloads.len(), 2);
        assert!(unpacked(&payloads[0][1..]).is_ok());
        assert!(unpacked(&list(RUNS, &vec![Vec::new(); PIECES_MAX + 1])[1..]).is_err());
    }

    #[test]
    fn runs_that_are_rebuilt_to_more_than_the_limit_begin_another_copy_and_are_refused_in_one() {
        use sotay_document::crdt::{ROOT, ReadDoc, Transactable};
        use sotay_document::{Actor, Document, encode_runs};
        use sotay_feed::{DeviceId, DocId};
        use sotay_handbook::DocKind;

        let doc = DocId::from_bytes([7; 16]);
        let genesis = DocKind::Meeting.genesis(doc, 1).unwrap();
        let actor = Actor::new(DeviceId::from_bytes([1; 8]), [1; 8]);
        let mut document = Document::new(doc, &genesis, actor).unwrap();
        let mut changes = Vec::new();
        for number in 0..6 {
            let value = ["x", "y"][number % 2].repeat(20_000);
            let (_, change) = document
                .edit(0, |tx| {
                    let (_, map) = tx.get(ROOT, "links")?.expect("a container of the genesis");
                    tx.put(&map, "a", value.as_str())?;
                    tx.put(&map, "b", value.as_str())
                })
                .unwrap();
            changes.push(change.unwrap().bytes);
        }
        let rebuilt: usize = changes.iter().map(Vec::len).sum();
        let run = encode_runs(doc, 2, 1, &changes, 48 * 1024).unwrap().remove(0);
        let most = COPY_REBUILT_BYTES_MAX / rebuilt;
        let one = |count: usize| packed(COVERED, vec![run.clone(); count], 1 << 20).remove(0);
        assert_eq!(carried_runs(&one(most)[1..]).map(|runs| runs.len()), Some(most));
        assert!(carried_runs(&one(most + 1)[1..]).is_none());
        let packed = packed_runs(COVERED, vec![(run.clone(), rebuilt); most + 1], 1 << 20);
        assert_eq!(packed.len(), 2);
        assert!(packed.iter().all(|payload| carried_runs(&payload[1..]).is_some()));
    }

    #[test]
    fn a_row_round_trips_and_one_without_keys_is_deleted() {
        let row = Withheld {
            grant: EnvelopeId::from_bytes([3; 32]),
            kind: SpaceKind::Committee,
            from: "2026-06-01".parse().unwrap(),
            upto: 7,
            epochs: BTreeSet::from([EpochId::from_bytes([1; 8]), EpochId::from_bytes([2; 8])]),
        };
        let put = row.put();
        assert_eq!(Withheld::read(&put.key, &put.value.unwrap()), Some(row.clone()));
        let empty = Withheld {
            epochs: BTreeSet::new(),
            ..row
        };
        assert_eq!(empty.put().value, None);
    }

    proptest! {
        #[test]
        fn garbage_is_nothing_carried(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = (carried_runs(&bytes), carried_names(&bytes), Withheld::read(&bytes, &bytes));
        }
    }
}
