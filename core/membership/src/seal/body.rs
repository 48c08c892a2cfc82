//! What a seal says (P13.1).

use std::collections::BTreeSet;
use std::fmt;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use sotay_feed::cbor::{CborError, Reader, Writer};
use sotay_feed::{DocId, MemberId, UnitId};

use crate::limits::{SEAL_HEADS_MAX, SEAL_LINE_BYTES_MAX};

const VERSION: u64 = 1;
const ID_CONTEXT: &str = "sotay/v1/seal";

/// Names a seal: `BLAKE3-derive("sotay/v1/seal", body)`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SealId([u8; 32]);

impl SealId {
    /// Takes the bytes as they are.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for SealId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for SealId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealId({}…)", HEXLOWER.encode(&self.0[..4]))
    }
}

/// Text that is not 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 hexadecimal digits")]
pub struct NotASealId;

impl std::str::FromStr for SealId {
    type Err = NotASealId;

    fn from_str(text: &str) -> Result<Self, NotASealId> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| NotASealId)?;
        bytes.try_into().map(Self).map_err(|_| NotASealId)
    }
}

/// What kind of text is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SealKind {
    /// Minutes: an edition. With a previous seal it replaces that edition.
    Minutes = 0,
    /// An addendum to the seal it names as previous.
    Addendum = 1,
    /// A resolution.
    Resolution = 2,
    /// A report to the level above.
    Report = 3,
}

impl SealKind {
    fn from_number(number: u64) -> Option<Self> {
        let all = [Self::Minutes, Self::Addendum, Self::Resolution, Self::Report];
        all.into_iter().find(|kind| *kind as u64 == number)
    }
}

/// Somebody who signs: a member, and the name as it is printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Official {
    /// The member.
    pub member: MemberId,
    /// The name.
    pub name: String,
}

impl fmt::Debug for Official {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { member, name: _ } = self;
        write!(f, "Official({member:?})")
    }
}

/// What is sealed, by whom, and what it stands for. Everything here is signed.
#[derive(Clone, PartialEq, Eq)]
pub struct SealBody {
    /// What kind of text.
    pub kind: SealKind,
    /// The unit.
    pub unit: UnitId,
    /// The document the text was rendered from.
    pub document: DocId,
    /// Heads of that document, 1 to [`SEAL_HEADS_MAX`].
    pub heads: BTreeSet<[u8; 32]>,
    /// SHA-256 of the canonical text.
    pub text_sha256: [u8; 32],
    /// Schema of the document.
    pub schema: u16,
    /// SHA-256 of the list of members that the text goes by.
    pub roster_sha256: [u8; 32],
    /// Day of the meeting, as in the document; empty if it was not recorded.
    pub date: String,
    /// Where.
    pub place: String,
    /// Who chaired, and signs.
    pub chair: Official,
    /// Who took the minutes, and signs.
    pub clerk: Official,
    /// Members present.
    pub present: u32,
    /// Members who could vote.
    pub eligible: u32,
    /// The seal that this one adds to or takes the place of.
    pub previous: Option<SealId>,
    /// When it was made, by the clock of the proposer; milliseconds since 1970 UTC. Shown, never deciding.
    pub claimed_ms: i64,
}

impl fmt::Debug for SealBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealBody({:?} {:?} {:?})", self.kind, self.document, self.id())
    }
}

/// Why bytes are not the body of a seal. The fault of whoever made them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealBodyError {
    /// Not the canonical CBOR of the format.
    #[error(transparent)]
    Cbor(#[from] CborError),
    /// A format version this build does not read.
    #[error("unknown seal version {0}")]
    Version(u64),
    /// A kind of text this build does not know.
    #[error("unknown kind of seal {0}")]
    Kind(u64),
    /// No heads, unsorted ones, or one twice.
    #[error("heads are empty, unsorted or repeat")]
    Heads,
    /// A number of people beyond any unit.
    #[error("{0} people are too many")]
    People(u64),
}

impl SealBody {
    /// Its id.
    pub fn id(&self) -> SealId {
        SealId(blake3::derive_key(ID_CONTEXT, &self.encode()))
    }

    /// Whether this is the text that is sealed.
    pub fn is_of(&self, text: &str) -> bool {
        self.text_sha256 == <[u8; 32]>::from(Sha256::digest(text.as_bytes()))
    }

    /// The same body over this text.
    #[must_use]
    pub fn over(mut self, text: &str) -> Self {
        self.text_sha256 = Sha256::digest(text.as_bytes()).into();
        self
    }

    /// Whose signature it needs, chair first.
    pub fn signers(&self) -> [MemberId; 2] {
        [self.chair.member, self.clerk.member]
    }

    /// Canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer
            .array(11)
            .uint(VERSION)
            .uint(self.kind as u64)
            .bytes(self.unit.as_bytes())
            .bytes(self.document.as_bytes())
            .array(self.heads.len());
        for head in &self.heads {
            writer.bytes(head);
        }
        writer
            .bytes(&self.text_sha256)
            .uint(u64::from(self.schema))
            .bytes(&self.roster_sha256)
            .array(6)
            .text(&self.date)
            .text(&self.place);
        for official in [&self.chair, &self.clerk] {
            writer
                .array(2)
                .bytes(official.member.as_bytes())
                .text(&official.name);
        }
        writer
            .uint(u64::from(self.present))
            .uint(u64::from(self.eligible))
            .opt_bytes(self.previous.as_ref().map(|id| &id.0[..]))
            .int(self.claimed_ms);
        writer.into_bytes()
    }

    /// Reads what [`SealBody::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, SealBodyError> {
        let mut reader = Reader::new(bytes);
        let items = reader.array_up_to(usize::MAX)?;
        let version = if items == 0 { 0 } else { reader.uint()? };
        if version != VERSION {
            return Err(SealBodyError::Version(version));
        }
        if items != 11 {
            return Err(CborError::Length {
                at: 0,
                expected: 11,
                found: items,
            }
            .into());
        }
        let kind = reader.uint()?;
        let kind = SealKind::from_number(kind).ok_or(SealBodyError::Kind(kind))?;
        let unit = UnitId::from_bytes(reader.fixed()?);
        let document = DocId::from_bytes(reader.fixed()?);
        let count = reader.array_up_to(SEAL_HEADS_MAX)?;
        let mut heads = BTreeSet::new();
        for _ in 0..count {
            heads.insert(reader.fixed()?);
        }
        if heads.is_empty() || heads.len() != count {
            return Err(SealBodyError::Heads);
        }
        let text_sha256 = reader.fixed()?;
        let schema = reader.small()?;
        let roster_sha256 = reader.fixed()?;
        reader.array(6)?;
        let date = reader.text(SEAL_LINE_BYTES_MAX)?.to_owned();
        let place = reader.text(SEAL_LINE_BYTES_MAX)?.to_owned();
        let mut official = || -> Result<Official, CborError> {
            reader.array(2)?;
            let member = MemberId::from_bytes(reader.fixed()?);
            let name = reader.text(SEAL_LINE_BYTES_MAX)?.to_owned();
            Ok(Official { member, name })
        };
        let (chair, clerk) = (official()?, official()?);
        let mut people = || -> Result<u32, SealBodyError> {
            let count = reader.uint()?;
            u32::try_from(count).map_err(|_| SealBodyError::People(count))
        };
        let (present, eligible) = (people()?, people()?);
        let previous = reader.opt_fixed()?.map(SealId);
        let claimed_ms = reader.int()?;
        let body = Self {
            kind,
            unit,
            document,
            heads,
            text_sha256,
            schema,
            roster_sha256,
            date,
            place,
            chair,
            clerk,
            present,
            eligible,
            previous,
            claimed_ms,
        };
        reader.finish(&body.encode())?;
        Ok(body)
    }
}
