//! One type for all membership records, and the rules every format shares (P5.1, P5.2).

use sotay_feed::cbor::{self, CborError, Reader, Writer};
use sotay_feed::{KeyError, Kind};

use crate::{
    Cover, EpochRecord, Genesis, Grant, Lift, PolicyRecord, RelayRecord, Reparent, Revoke, RootAct, Suspend,
};

/// Version of every record format; the first item of every clear part.
pub const RECORD_VERSION: u8 = 1;

/// Why a body is not a membership record, or not one for this unit. The fault is with whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not the CBOR that the format has, or not canonical.
    #[error(transparent)]
    Cbor(#[from] CborError),
    /// A format version this build does not read.
    #[error("unknown record version {0}")]
    Version(u64),
    /// The kind of envelope carries no membership record.
    #[error("{0} is not a kind of membership record")]
    Kind(Kind),
    /// A key that no device can have.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A rank that this record cannot give: 0–1 for an authority, 1–5 for a grant.
    #[error("rank {0} cannot be given here")]
    Rank(u64),
    /// Flag bits this version does not know.
    #[error("unknown flags {0:#x}")]
    Flags(u8),
    /// A member id of sixteen zero bytes, which stands for nobody.
    #[error("a grant needs a member")]
    Member,
    /// A scope on a grant that is not a guest's.
    #[error("only a guest grant has a scope")]
    Scope,
    /// A list that is empty, not strictly ascending, or names something twice.
    #[error("list is empty, unsorted or repeats an entry")]
    List,
    /// A root policy that asks for no signature, or for more than it has keys.
    #[error("threshold {0} does not fit the keys")]
    Threshold(u8),
    /// A cut-off of number 0 (leave the space out instead) or beyond the highest number of a feed.
    #[error("cut-off {0} is out of range")]
    CutOff(u64),
    /// The epoch id is not the one its commitment gives.
    #[error("epoch id does not follow from the commitment")]
    EpochId,
    /// No act of the root, or a number that none has.
    #[error("this is no act of the root")]
    RootAct,
    /// A genesis of another unit, not signed by one of its authorities, or not the first of its feed.
    #[error("this genesis does not found the unit")]
    Founding,
    /// A membership record outside the roll of the unit.
    #[error("membership records stand in the roll of their unit only")]
    OtherSpace,
}

/// Any membership record: the clear part of an envelope of a membership kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// Founds a unit.
    Genesis(Genesis),
    /// Gives a device a rank.
    Grant(Grant),
    /// Ends a grant from a cut-off on.
    Revoke(Revoke),
    /// Sets a device aside.
    Suspend(Suspend),
    /// Ends a suspension.
    Lift(Lift),
    /// A new key generation of a space.
    Epoch(EpochRecord),
    /// Moves the unit below another parent.
    Reparent(Reparent),
    /// Who serves the unit.
    Relay(RelayRecord),
    /// What the root decides.
    Root(RootAct),
    /// What the unit has decided about its keys and its doors.
    Policy(PolicyRecord),
    /// What may be dropped of a space's feeds.
    Cover(Cover),
}

impl Record {
    /// Reads the clear part of a body. The number is its length: what follows is the sealed part, opaque here.
    pub fn decode(kind: Kind, body: &[u8]) -> Result<(Record, usize), RecordError> {
        let mut reader = Reader::new(body);
        let record = match kind {
            Kind::GENESIS => Record::Genesis(Genesis::read(&mut reader)?),
            Kind::GRANT => Record::Grant(Grant::read(&mut reader)?),
            Kind::REVOKE => Record::Revoke(Revoke::read(&mut reader)?),
            Kind::SUSPEND => Record::Suspend(Suspend::read(&mut reader)?),
            Kind::LIFT => Record::Lift(Lift::read(&mut reader)?),
            Kind::EPOCH => Record::Epoch(EpochRecord::read(&mut reader)?),
            Kind::REPARENT => Record::Reparent(Reparent::read(&mut reader)?),
            Kind::RELAY => Record::Relay(RelayRecord::read(&mut reader)?),
            Kind::ROOT => Record::Root(RootAct::read(&mut reader)?),
            Kind::POLICY => Record::Policy(PolicyRecord::read(&mut reader)?),
            Kind::COVER => Record::Cover(Cover::read(&mut reader)?),
            other => return Err(RecordError::Kind(other)),
        };
        let len = reader.position();
        cbor::ensure_canonical(&body[..len], &record.encode())?;
        Ok((record, len))
    }

    /// Canonical bytes of the clear part.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Record::Genesis(record) => record.encode(),
            Record::Grant(record) => record.encode(),
            Record::Revoke(record) => record.encode(),
            Record::Suspend(record) => record.encode(),
            Record::Lift(record) => record.encode(),
            Record::Epoch(record) => record.encode(),
            Record::Reparent(record) => record.encode(),
            Record::Relay(record) => record.encode(),
            Record::Root(record) => record.encode(),
            Record::Policy(record) => record.encode(),
            Record::Cover(record) => record.encode(),
        }
    }

    /// The kind of envelope that carries it.
    pub fn kind(&self) -> Kind {
        match self {
            Record::Genesis(_) => Kind::GENESIS,
            Record::Grant(_) => Kind::GRANT,
            Record::Revoke(_) => Kind::REVOKE,
            Record::Suspend(_) => Kind::SUSPEND,
            Record::Lift(_) => Kind::LIFT,
            Record::Epoch(_) => Kind::EPOCH,
            Record::Reparent(_) => Kind::REPARENT,
            Record::Relay(_) => Kind::RELAY,
            Record::Root(_) => Kind::ROOT,
            Record::Policy(_) => Kind::POLICY,
            Record::Cover(_) => Kind::COVER,
        }
    }
}

/// Begins a record: array head and version. `items` counts the version.
pub(crate) fn begin(items: usize) -> Writer {
    let mut writer = Writer::new();
    writer.array(items).uint(u64::from(RECORD_VERSION));
    writer
}

/// Reads what [`begin`] wrote. The version is judged before the length, so that a newer record is called newer.
pub(crate) fn expect(reader: &mut Reader<'_>, items: usize) -> Result<(), RecordError> {
    let at = reader.position();
    let found = reader.array_up_to(usize::MAX)?;
    let version = if found == 0 { 0 } else { reader.uint()? };
    if version != u64::from(RECORD_VERSION) {
        return Err(RecordError::Version(version));
    }
    if found != items {
        return Err(CborError::Length {
            at,
            expected: items,
            found,
        }
        .into());
    }
    Ok(())
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
