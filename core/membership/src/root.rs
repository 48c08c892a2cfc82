//! Acts of the root (rank 0, clause P5.18): no device holds that rank. A record counts as the root's when enough of the
//! keys that the genesis names have signed it, whoever carries it into the roll.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER_PERMISSIVE;
use sotay_feed::cbor::{CborError, Reader, Writer};
use sotay_feed::{DeviceId, EnvelopeId, Kind, SignKey, UnitId};

use crate::genesis::RootPolicy;
use crate::grant::rank;
use crate::limits::{ROOT_ACT_BYTES_MAX, ROOT_KEYS_MAX, ROOT_SERIAL_MAX};
use crate::record::{self, Record, RecordError};

const ID_CONTEXT: &str = "sotay/v1/root";
const ACT_CONTEXT: &str = "sotay/v1/root-act";
const GENESIS_CONTEXT: &str = "sotay/v1/root-genesis";

/// Signatures beside a record, by key.
pub type RootSignatures = BTreeMap<SignKey, [u8; 64]>;

/// The hash of a root policy: the trust anchor that an app or a relay is configured with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RootId([u8; 32]);

impl RootId {
    /// Takes the bytes as they are.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What stands for the root in the evaluation where others stand with their device. No key has this id on purpose,
    /// and none gains by having it: the root acts at places that no feed reaches.
    pub(crate) fn seat(&self) -> DeviceId {
        let mut id = [0; DeviceId::LEN];
        id.copy_from_slice(&self.0[..DeviceId::LEN]);
        DeviceId::from_bytes(id)
    }
}

impl fmt::Display for RootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

/// A text that is not 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a root is written as 64 hexadecimal digits")]
pub struct NotARootId;

impl FromStr for RootId {
    type Err = NotARootId;

    fn from_str(text: &str) -> Result<Self, NotARootId> {
        let bytes = HEXLOWER_PERMISSIVE
            .decode(text.trim().as_bytes())
            .map_err(|_| NotARootId)?;
        bytes.try_into().map(Self).map_err(|_| NotARootId)
    }
}

impl RootPolicy {
    /// `BLAKE3-derive("sotay/v1/root", [threshold, [key …]])`.
    pub fn id(&self) -> RootId {
        let mut writer = Writer::new();
        self.write(&mut writer);
        RootId(blake3::derive_key(ID_CONTEXT, &writer.into_bytes()))
    }

    /// What root keys sign of a genesis, and the context to sign it in.
    pub fn genesis_message(unit: &UnitId) -> (&'static str, Vec<u8>) {
        (GENESIS_CONTEXT, unit.as_bytes().to_vec())
    }
}

/// What the root decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootAct {
    /// Number among the acts for a unit: of two that differ about the parent the higher one counts. 1 to
    /// [`ROOT_SERIAL_MAX`].
    pub serial: u64,
    /// A grant of rank 1, a revocation, or another parent.
    pub record: Box<Record>,
    /// Plain signatures over [`RootAct::message`].
    pub signatures: RootSignatures,
}

impl RootAct {
    /// An act nobody has signed yet; `None` for records that are none of the root's.
    pub fn new(serial: u64, record: Record) -> Option<Self> {
        let act = Self {
            serial,
            record: Box::new(record),
            signatures: RootSignatures::new(),
        };
        act.fits().then_some(act)
    }

    fn fits(&self) -> bool {
        let of_root = match &*self.record {
            Record::Grant(grant) => grant.rank == rank::PARENT,
            Record::Revoke(_) | Record::Reparent(_) => true,
            _ => false,
        };
        of_root && (1..=ROOT_SERIAL_MAX).contains(&self.serial)
    }

    /// What root keys sign for a unit, and the context to sign it in: `[1, unit, serial, kind, record]`.
    pub fn message(&self, unit: &UnitId) -> (&'static str, Vec<u8>) {
        let mut writer = record::begin(5);
        writer
            .bytes(unit.as_bytes())
            .uint(self.serial)
            .uint(u64::from(self.record.kind().number()))
            .bytes(&self.record.encode());
        (ACT_CONTEXT, writer.into_bytes())
    }

    /// The id of the act, which a revocation names: it follows from what is signed, so an act that is carried into a roll
    /// twice is one act.
    pub fn id(&self, unit: &UnitId) -> EnvelopeId {
        let (context, message) = self.message(unit);
        EnvelopeId::from_bytes(blake3::derive_key(context, &message))
    }

    /// Canonical bytes of the clear part: `[1, serial, kind, record, [[key, signature] …]]`.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = record::begin(5);
        writer
            .uint(self.serial)
            .uint(u64::from(self.record.kind().number()))
            .bytes(&self.record.encode());
        write_signatures(&mut writer, &self.signatures);
        writer.into_bytes()
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, RecordError> {
        record::expect(reader, 5)?;
        let serial = reader.uint()?;
        let kind = Kind::from_number(reader.small()?);
        if !matches!(kind, Kind::GRANT | Kind::REVOKE | Kind::REPARENT) {
            return Err(RecordError::Kind(kind));
        }
        let bytes = reader.bytes(ROOT_ACT_BYTES_MAX)?;
        let (record, len) = Record::decode(kind, bytes)?;
        let act = Self {
            serial,
            record: Box::new(record),
            signatures: read_signatures(reader)?,
        };
        if len != bytes.len() || !act.fits() {
            return Err(RecordError::RootAct);
        }
        Ok(act)
    }
}

/// The bytes that stand behind a genesis: signatures of the root over the unit's id.
pub fn encode_signatures(signatures: &RootSignatures) -> Vec<u8> {
    let mut writer = Writer::new();
    write_signatures(&mut writer, signatures);
    writer.into_bytes()
}

/// Reads what [`encode_signatures`] wrote.
pub fn decode_signatures(bytes: &[u8]) -> Result<RootSignatures, RecordError> {
    let mut reader = Reader::new(bytes);
    let signatures = read_signatures(&mut reader)?;
    reader.finish(&encode_signatures(&signatures))?;
    Ok(signatures)
}

fn write_signatures(writer: &mut Writer, signatures: &RootSignatures) {
    writer.array(signatures.len());
    for (key, signature) in signatures {
        writer.array(2).bytes(key.as_bytes()).bytes(signature);
    }
}

fn read_signatures(reader: &mut Reader<'_>) -> Result<RootSignatures, RecordError> {
    let count = reader.array_up_to(ROOT_KEYS_MAX)?;
    let mut signatures = RootSignatures::new();
    for _ in 0..count {
        reader.array(2)?;
        let key = SignKey::from_bytes(reader.fixed()?)?;
        let signature = reader.bytes(64)?.try_into().map_err(|_| CborError::Malformed {
            at: reader.position(),
        })?;
        if signatures.insert(key, signature).is_some() {
            return Err(RecordError::List);
        }
    }
    Ok(signatures)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::RECORD_VERSION;
    use crate::{Flags, Grant, Lift, Reparent};
    use proptest::prelude::*;
    use sotay_feed::{DeviceKeys, MemberId};

    fn keys(n: u8) -> DeviceKeys {
        DeviceKeys::from_seeds([n; 32], [n; 32])
    }

    fn policy() -> RootPolicy {
        RootPolicy {
            threshold: 2,
            keys: (1..=3).map(|n| keys(n).public().sign).collect(),
        }
    }

    fn grant(rank: u8) -> Record {
        Record::Grant(Grant {
            member: MemberId::from_bytes([7; 16]),
            rank,
            flags: Flags::default(),
            keys: keys(9).public(),
            scope: None,
            from_ms: 0,
        })
    }

    const UNIT: UnitId = UnitId::from_bytes([5; 32]);

    fn signed(by: &[u8]) -> RootAct {
        let mut act = RootAct::new(1, Record::Reparent(Reparent { parent: UNIT })).unwrap();
        let (context, message) = act.message(&UNIT);
        for &n in by {
            act.signatures
                .insert(keys(n).public().sign, keys(n).sign_detached(context, &message));
        }
        act
    }

    #[test]
    fn an_act_round_trips_and_its_id_follows_from_what_is_signed_alone() {
        let (one, two) = (signed(&[1, 2]), signed(&[2, 3]));
        assert_eq!(one.id(&UNIT), two.id(&UNIT));
        assert_ne!(one.id(&UNIT), one.id(&UnitId::from_bytes([6; 32])));
        for act in [one, two, signed(&[])] {
            let (read, len) = Record::decode(Kind::ROOT, &act.encode()).unwrap();
            assert_eq!(len, act.encode().len());
            assert_eq!(read, Record::Root(act));
        }
    }

    #[test]
    fn a_quorum_needs_two_different_keys_of_the_policy_and_signatures_that_hold_for_this_unit() {
        let check = |act: &RootAct, unit: &UnitId| {
            let (context, message) = act.message(unit);
            policy().check(context, &message, &act.signatures).is_ok()
        };
        assert!(check(&signed(&[1, 3]), &UNIT));
        assert!(!check(&signed(&[1]), &UNIT), "one is not enough");
        assert!(
            !check(&signed(&[1, 4]), &UNIT),
            "a key that is none of the root's"
        );
        assert!(
            !check(&signed(&[1, 3]), &UnitId::from_bytes([6; 32])),
            "another unit"
        );
        let mut other = signed(&[1, 3]);
        other.serial = 2;
        assert!(!check(&other, &UNIT), "another number");
        let mut forged = signed(&[1, 3]);
        forged
            .signatures
            .values_mut()
            .for_each(|signature| signature[0] ^= 1);
        assert!(!check(&forged, &UNIT));
    }

    #[test]
    fn only_grants_of_rank_one_revocations_and_parents_are_acts_and_serials_keep_to_their_limits() {
        assert!(RootAct::new(1, grant(2)).is_none());
        assert!(
            RootAct::new(
                1,
                Record::Lift(Lift {
                    suspend: EnvelopeId::ZERO
                })
            )
            .is_none()
        );
        for serial in [0, ROOT_SERIAL_MAX + 1] {
            assert!(RootAct::new(serial, grant(1)).is_none(), "{serial}");
            let mut act = RootAct::new(1, grant(1)).unwrap();
            act.serial = serial;
            assert_eq!(
                Record::decode(Kind::ROOT, &act.encode()),
                Err(RecordError::RootAct)
            );
        }
        assert!(RootAct::new(ROOT_SERIAL_MAX, grant(1)).is_some());
        let mut lower = RootAct::new(1, grant(1)).unwrap();
        *lower.record = grant(2);
        assert_eq!(
            Record::decode(Kind::ROOT, &lower.encode()),
            Err(RecordError::RootAct)
        );
    }

    #[test]
    fn one_signature_more_than_there_can_be_keys_one_byte_short_and_another_version_are_refused() {
        let full = |count: u8| {
            let mut act = signed(&[]);
            for n in 1..=count {
                act.signatures.insert(keys(n).public().sign, [n; 64]);
            }
            act.encode()
        };
        assert!(Record::decode(Kind::ROOT, &full(ROOT_KEYS_MAX as u8)).is_ok());
        let more = Record::decode(Kind::ROOT, &full(ROOT_KEYS_MAX as u8 + 1));
        assert!(
            matches!(more, Err(RecordError::Cbor(CborError::TooMany { .. }))),
            "{more:?}"
        );
        let good = signed(&[1, 2]).encode();
        for len in 0..good.len() {
            assert!(Record::decode(Kind::ROOT, &good[..len]).is_err(), "{len}");
        }
        let mut newer = good.clone();
        newer[1] = RECORD_VERSION + 1;
        assert_eq!(Record::decode(Kind::ROOT, &newer), Err(RecordError::Version(2)));
    }

    #[test]
    fn the_signatures_behind_a_genesis_round_trip_and_nothing_may_follow_them() {
        let (context, message) = RootPolicy::genesis_message(&UNIT);
        let signatures: RootSignatures = [1, 2]
            .map(|n| (keys(n).public().sign, keys(n).sign_detached(context, &message)))
            .into();
        assert!(policy().check(context, &message, &signatures).is_ok());
        let bytes = encode_signatures(&signatures);
        assert_eq!(decode_signatures(&bytes), Ok(signatures));
        assert!(decode_signatures(&[&bytes[..], &[0]].concat()).is_err());
    }

    #[test]
    fn a_root_is_named_by_threshold_and_keys_and_reads_back() {
        let id = policy().id();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("00".parse::<RootId>(), Err(NotARootId));
        let lower = RootPolicy {
            threshold: 1,
            ..policy()
        };
        assert_ne!(lower.id(), id);
    }

    proptest! {
        #[test]
        fn garbage_is_no_act(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = (Record::decode(Kind::ROOT, &bytes), decode_signatures(&bytes));
        }
    }
}
