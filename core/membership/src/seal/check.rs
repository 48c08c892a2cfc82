//! Checking a seal file with nothing but the file (P13.5).

use sotay_feed::{DecodeError, Envelope, Kind, Space, SpaceKind, UnitId, VerifyError};

use super::body::{SealBody, SealId, SealKind};
use super::file::{External, FileSeal, SealFile, SealFileError};
use super::mark::{Flaw, MarkError, Outcome, Signature, judge};
use crate::membership::Membership;
use crate::record::RecordError;

/// A seal that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedSeal {
    /// Its id.
    pub id: SealId,
    /// What is sealed, by whom.
    pub body: SealBody,
    /// The text, which has the hash that the body names.
    pub text: String,
    /// The chair's signature.
    pub chair: Signature,
    /// The clerk's.
    pub clerk: Signature,
    /// The chair or the secretary took it back.
    pub withdrawn: bool,
    /// A later edition in this file takes its place.
    pub replaced: bool,
    /// Official signatures made elsewhere: kept, not judged.
    pub external: Vec<External>,
}

/// A file of which every seal holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The unit: the hash of its founding record. Who that is nobody but the reader can know, unless it was given.
    pub unit: UnitId,
    /// Whether the reader named the unit.
    pub pinned: bool,
    /// The seals, in the order of the file.
    pub seals: Vec<VerifiedSeal>,
}

/// Why a file does not hold. The file was altered, or was never good; nothing in it should be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyFault {
    /// Not a seal file.
    #[error(transparent)]
    File(#[from] SealFileError),
    /// Of another unit than the reader named.
    #[error("the file is of another unit")]
    OtherUnit(UnitId),
    /// It does not hold the founding record of its unit.
    #[error("the founding record is missing or is another unit's")]
    Founding,
    /// A membership record in it cannot be read.
    #[error("membership record {at} cannot be read: {error}")]
    Record {
        /// Its place in the file, from 0.
        at: usize,
        /// Why.
        error: RecordError,
    },
    /// An envelope in it cannot be read. Membership records are counted first, then the marks of each seal.
    #[error("envelope {at} cannot be read: {error}")]
    Envelope {
        /// Its place in the list it stands in, from 0.
        at: usize,
        /// Why.
        error: DecodeError,
    },
    /// A signature does not hold.
    #[error("the signature of envelope {at} does not hold: {error}")]
    Signature {
        /// Its place in the list it stands in, from 0.
        at: usize,
        /// Why.
        error: VerifyError,
    },
    /// Nobody in the file vouches for the key that wrote an envelope.
    #[error("envelope {at} was written by a device that the file does not know")]
    UnknownDevice {
        /// Its place in the list it stands in, from 0.
        at: usize,
    },
    /// It holds no seal.
    #[error("the file holds no seal")]
    Nothing,
    /// A seal of another unit.
    #[error("seal {at} is of another unit")]
    SealOfOtherUnit {
        /// Its place in the file, from 0.
        at: usize,
    },
    /// The text is not the one that was sealed.
    #[error("the text of seal {at} is not the one that was sealed")]
    Text {
        /// Its place in the file, from 0.
        at: usize,
    },
    /// An envelope that is no mark.
    #[error("a mark of seal {at} cannot be read: {error}")]
    Mark {
        /// Place of the seal in the file, from 0.
        at: usize,
        /// Why.
        error: MarkError,
    },
    /// A mark about another seal.
    #[error("a mark beside seal {at} is about another seal")]
    OtherSeal {
        /// Place of the seal in the file, from 0.
        at: usize,
    },
    /// The chair or the clerk has not signed.
    #[error("seal {at} is not signed by both")]
    Unsigned {
        /// Place of the seal in the file, from 0.
        at: usize,
        /// The chair's signature is missing; otherwise the clerk's.
        chair: bool,
        /// Why a signature that is there does not count.
        flaw: Option<Flaw>,
    },
    /// It adds to a seal, or takes the place of one, that is not before it in the file or is of another document.
    #[error("seal {at} follows a seal that is not in the file")]
    Chain {
        /// Its place in the file, from 0.
        at: usize,
    },
}

/// Checks a seal file: the founding record, the records of the signers, every signature, every text. `unit` is the unit
/// the reader expects, if they know its id. Reads no clock, no key and no network.
pub fn verify(bytes: &[u8], unit: Option<UnitId>) -> Result<Verdict, VerifyFault> {
    let file = SealFile::decode(bytes)?;
    if unit.is_some_and(|unit| unit != file.unit) {
        return Err(VerifyFault::OtherUnit(file.unit));
    }
    let membership = membership(&file)?;
    if file.seals.is_empty() {
        return Err(VerifyFault::Nothing);
    }
    let mut seals: Vec<VerifiedSeal> = Vec::with_capacity(file.seals.len());
    for (at, seal) in file.seals.into_iter().enumerate() {
        let verified = check(&membership, at, seal)?;
        if let Some(previous) = verified.body.previous {
            let known = seals
                .iter_mut()
                .find(|known| known.id == previous && known.body.document == verified.body.document);
            let known = known.ok_or(VerifyFault::Chain { at })?;
            known.replaced |= verified.body.kind == known.body.kind && !verified.withdrawn;
        } else if verified.body.kind == SealKind::Addendum {
            return Err(VerifyFault::Chain { at });
        }
        seals.push(verified);
    }
    Ok(Verdict {
        unit: file.unit,
        pinned: unit.is_some(),
        seals,
    })
}

fn decode(at: usize, bytes: &[u8]) -> Result<Envelope, VerifyFault> {
    Envelope::decode(bytes).map_err(|error| VerifyFault::Envelope { at, error })
}

/// The membership that the records in the file make. They may stand in any order; a key is known from the genesis or
/// from a grant, and each round learns at least one.
fn membership(file: &SealFile) -> Result<Membership, VerifyFault> {
    let roll = Space::of(file.unit, SpaceKind::Roll).id();
    let mut membership = Membership::new(file.unit);
    let mut waiting = Vec::with_capacity(file.records.len());
    for (at, bytes) in file.records.iter().enumerate() {
        let envelope = decode(at, bytes)?;
        if envelope.header().kind != Kind::GENESIS {
            waiting.push((at, envelope));
            continue;
        }
        let (_, key) = Membership::founding_key(&envelope, &roll).map_err(|_| VerifyFault::Founding)?;
        let verified = envelope
            .verify(&roll, &key)
            .map_err(|error| VerifyFault::Signature { at, error })?;
        insert(&mut membership, at, &verified)?;
    }
    if membership.genesis().is_none() {
        return Err(VerifyFault::Founding);
    }
    loop {
        let before = waiting.len();
        let mut later = Vec::new();
        for (at, envelope) in waiting {
            let Some(key) = membership.signing_key(envelope.header().device) else {
                later.push((at, envelope));
                continue;
            };
            let verified = envelope
                .verify(&roll, &key)
                .map_err(|error| VerifyFault::Signature { at, error })?;
            insert(&mut membership, at, &verified)?;
        }
        waiting = later;
        match waiting.first() {
            None => return Ok(membership),
            Some((at, _)) if waiting.len() == before => return Err(VerifyFault::UnknownDevice { at: *at }),
            Some(_) => {}
        }
    }
}

fn insert(
    membership: &mut Membership,
    at: usize,
    envelope: &sotay_feed::Verified<Envelope>,
) -> Result<(), VerifyFault> {
    let inserted = membership.insert(envelope);
    inserted
        .map(drop)
        .map_err(|error| VerifyFault::Record { at, error })
}

fn check(membership: &Membership, at: usize, seal: FileSeal) -> Result<VerifiedSeal, VerifyFault> {
    let FileSeal {
        space,
        body,
        text,
        marks,
        external,
    } = seal;
    if body.unit != membership.unit() {
        return Err(VerifyFault::SealOfOtherUnit { at });
    }
    if !body.is_of(&text) {
        return Err(VerifyFault::Text { at });
    }
    let id = body.id();
    let space = Space::of(body.unit, space);
    let mut signatures = Vec::with_capacity(marks.len());
    for (nth, bytes) in marks.iter().enumerate() {
        let envelope = decode(nth, bytes)?;
        let key = membership.signing_key(envelope.header().device);
        let key = key.ok_or(VerifyFault::UnknownDevice { at: nth })?;
        let verified = envelope
            .verify(&space.id(), &key)
            .map_err(|error| VerifyFault::Signature { at: nth, error })?;
        if verified.header().kind != Kind::SEAL {
            return Err(VerifyFault::OtherSeal { at });
        }
        let (signature, about, _) =
            Signature::of(&verified).map_err(|error| VerifyFault::Mark { at, error })?;
        if about != id {
            return Err(VerifyFault::OtherSeal { at });
        }
        signatures.push(signature);
    }
    let outcome: Outcome = judge(membership, &space, &body, &signatures);
    let flaw = outcome.flaws.first().map(|(_, flaw)| *flaw);
    let (Some(chair), Some(clerk)) = (outcome.chair, outcome.clerk) else {
        let chair = outcome.chair.is_none();
        return Err(VerifyFault::Unsigned { at, chair, flaw });
    };
    Ok(VerifiedSeal {
        id,
        body,
        text,
        chair,
        clerk,
        withdrawn: outcome.withdrawn.is_some(),
        replaced: false,
        external,
    })
}
