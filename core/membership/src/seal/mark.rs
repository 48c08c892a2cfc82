//! Who put a hand to a seal, and whether it holds (P13.2, P13.3).

use sotay_feed::cbor::{self, CborError, Reader, Writer};
use sotay_feed::{DeviceId, Envelope, EnvelopeId, InOrder, Space};

use super::body::{SealBody, SealId};
use crate::access::Held;
use crate::grant::rank;
use crate::membership::Membership;

const VERSION: u64 = 1;

/// What an envelope of kind 11 does about a seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MarkForm {
    /// Brings body and text, and signs them.
    Proposal = 0,
    /// Signs them too.
    Countersignature = 1,
    /// Takes the seal back.
    Withdrawal = 2,
    /// Brings an official signature made elsewhere.
    External = 3,
}

/// The clear part of an envelope of kind 11: `[1, form, seal id]`. The signature of the envelope covers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealMark {
    /// What is done.
    pub form: MarkForm,
    /// To which seal.
    pub seal: SealId,
}

/// Why the beginning of a body is not a mark. The writer's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MarkError {
    /// Not the canonical CBOR of the format.
    #[error(transparent)]
    Cbor(#[from] CborError),
    /// A format version this build does not read.
    #[error("unknown mark version {0}")]
    Version(u64),
    /// A form this build does not know.
    #[error("unknown form of mark {0}")]
    Form(u64),
}

impl SealMark {
    /// Canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer
            .array(3)
            .uint(VERSION)
            .uint(self.form as u64)
            .bytes(self.seal.as_bytes());
        writer.into_bytes()
    }

    /// Reads the clear part of a body. The number is its length: what follows is sealed.
    pub fn decode(body: &[u8]) -> Result<(Self, usize), MarkError> {
        let mut reader = Reader::new(body);
        let items = reader.array_up_to(usize::MAX)?;
        let version = if items == 0 { 0 } else { reader.uint()? };
        if version != VERSION {
            return Err(MarkError::Version(version));
        }
        if items != 3 {
            return Err(CborError::Length {
                at: 0,
                expected: 3,
                found: items,
            }
            .into());
        }
        let form = match reader.uint()? {
            0 => MarkForm::Proposal,
            1 => MarkForm::Countersignature,
            2 => MarkForm::Withdrawal,
            3 => MarkForm::External,
            other => return Err(MarkError::Form(other)),
        };
        let mark = Self {
            form,
            seal: SealId::from_bytes(reader.fixed()?),
        };
        let len = reader.position();
        cbor::ensure_canonical(&body[..len], &mark.encode())?;
        Ok((mark, len))
    }
}

/// A mark at its place: whose envelope it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signature {
    /// What is done.
    pub form: MarkForm,
    /// The signing device.
    pub device: DeviceId,
    /// Its number in the device's feed of the space.
    pub seq: u64,
    /// The envelope.
    pub envelope: EnvelopeId,
}

impl Signature {
    /// The mark that this envelope is, if its body begins with one; its signature is for the caller to check.
    pub fn of(envelope: &Envelope) -> Result<(Self, SealId, usize), MarkError> {
        let (mark, len) = SealMark::decode(envelope.body())?;
        let header = envelope.header();
        let signature = Self {
            form: mark.form,
            device: header.device,
            seq: header.seq,
            envelope: envelope.id(),
        };
        Ok((signature, mark.seal, len))
    }
}

/// Why a signature does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Flaw {
    /// The device had no right at that place: never admitted, revoked before, or its history had forked. Nobody
    /// vouches for a signature.
    #[error("the signing device had no right there")]
    NoRight,
    /// The device belongs to neither of the two people the seal names.
    #[error("the signer is not one of the two who are named")]
    NotNamed,
    /// The chair held no office there: neither secretary nor deputy nor of the committee.
    #[error("the chair held no office")]
    NoOffice,
    /// The seal names one person twice, or one device signed for both.
    #[error("one person cannot sign twice")]
    OnePerson,
    /// The seal is of another unit.
    #[error("the seal is of another unit")]
    OtherUnit,
}

/// What the marks about one seal come to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// The chair's signature.
    pub chair: Option<Signature>,
    /// The clerk's.
    pub clerk: Option<Signature>,
    /// Who took it back, the chair or the secretary.
    pub withdrawn: Option<Signature>,
    /// Marks that do not count, and why.
    pub flaws: Vec<(Signature, Flaw)>,
}

impl Outcome {
    /// Both signed.
    pub fn is_signed(&self) -> bool {
        self.chair.is_some() && self.clerk.is_some()
    }

    /// Both signed, and nobody took it back.
    pub fn stands(&self) -> bool {
        self.is_signed() && self.withdrawn.is_none()
    }
}

/// Judges the marks about a seal, a pure function of the set of marks and of membership (P13.3). The first signature by
/// device, number and id is named where several would do.
pub fn judge(membership: &Membership, space: &Space, body: &SealBody, marks: &[Signature]) -> Outcome {
    let mut marks = marks.to_vec();
    marks.in_order_by_key(|mark| (mark.device, mark.seq, mark.envelope));
    marks.dedup();
    let mut outcome = Outcome::default();
    for mark in marks {
        match mark.form {
            MarkForm::External => {}
            MarkForm::Withdrawal => match takes_back(membership, space, body, &mark) {
                Ok(()) => outcome.withdrawn = outcome.withdrawn.or(Some(mark)),
                Err(flaw) => outcome.flaws.push((mark, flaw)),
            },
            MarkForm::Proposal | MarkForm::Countersignature => {
                if let Err(flaw) = signs(membership, space, body, mark, &mut outcome) {
                    outcome.flaws.push((mark, flaw));
                }
            }
        }
    }
    outcome
}

fn held(
    membership: &Membership,
    space: &Space,
    body: &SealBody,
    mark: &Signature,
) -> Result<Vec<Held>, Flaw> {
    if body.unit != membership.unit() || space.unit != body.unit {
        return Err(Flaw::OtherUnit);
    }
    let held = membership.held_at(mark.device, space, mark.seq, mark.envelope);
    if held.is_empty() {
        Err(Flaw::NoRight)
    } else {
        Ok(held)
    }
}

fn signs(
    membership: &Membership,
    space: &Space,
    body: &SealBody,
    mark: Signature,
    outcome: &mut Outcome,
) -> Result<(), Flaw> {
    let held = held(membership, space, body, &mark)?;
    let [chair, clerk] = body.signers();
    if chair == clerk {
        return Err(Flaw::OnePerson);
    }
    let is = |member| {
        held.iter()
            .any(|held| held.member == Some(member) && held.is_member())
    };
    let other = |signed: &Option<Signature>| signed.is_some_and(|signed| signed.device == mark.device);
    if is(chair) {
        if !held
            .iter()
            .any(|held| held.member == Some(chair) && held.is_officer())
        {
            return Err(Flaw::NoOffice);
        }
        if other(&outcome.clerk) {
            return Err(Flaw::OnePerson);
        }
        outcome.chair = outcome.chair.or(Some(mark));
        Ok(())
    } else if is(clerk) {
        if other(&outcome.chair) {
            return Err(Flaw::OnePerson);
        }
        outcome.clerk = outcome.clerk.or(Some(mark));
        Ok(())
    } else {
        Err(Flaw::NotNamed)
    }
}

fn takes_back(membership: &Membership, space: &Space, body: &SealBody, mark: &Signature) -> Result<(), Flaw> {
    let held = held(membership, space, body, mark)?;
    let may = |held: &Held| {
        held.is_member() && (held.member == Some(body.chair.member) || held.rank == rank::SECRETARY)
    };
    if held.iter().any(may) {
        Ok(())
    } else {
        Err(Flaw::NotNamed)
    }
}
