//! The seal file: everything that a check needs, in one file that anybody may be handed (P13.4).
//!
//! ```text
//! file = ["sotay-seal", 1, unit, [membership envelope …], [seal …]]
//! seal = [kind of space, body, text, [envelope of kind 11 …], [[kind, name, bytes] …]]
//! ```
//!
//! The envelopes are those that lie in the unit's feeds, byte for byte. Their sealed parts stay sealed: the file holds no
//! key.

use std::fmt;

use sotay_feed::cbor::{CborError, Reader, Writer};
use sotay_feed::limits::ENVELOPE_BYTES_MAX;
use sotay_feed::{SpaceKind, UnitId};

use super::body::{SealBody, SealBodyError};
use crate::limits::{
    SEAL_EXTERNAL_BYTES_MAX, SEAL_FILE_BYTES_MAX, SEAL_FILE_MARKS_MAX, SEAL_FILE_RECORDS_MAX,
    SEAL_FILE_SEALS_MAX, SEAL_LINE_BYTES_MAX, SEAL_TEXT_BYTES_MAX,
};

const MAGIC: &str = "sotay-seal";
const VERSION: u64 = 1;
const BODY_BYTES_MAX: usize = ENVELOPE_BYTES_MAX;

/// What kind of official signature was made elsewhere. Kept and named, never judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExternalKind {
    /// A signed PDF (ETSI EN 319 142).
    Pades = 0,
    /// A detached CMS signature (ETSI EN 319 122).
    Cades = 1,
    /// Anything else.
    Other = 2,
}

impl ExternalKind {
    /// The kind with this number.
    pub fn from_number(number: u64) -> Option<Self> {
        [Self::Pades, Self::Cades, Self::Other]
            .into_iter()
            .find(|kind| *kind as u64 == number)
    }
}

/// An official signature made elsewhere.
#[derive(Clone, PartialEq, Eq)]
pub struct External {
    /// What kind.
    pub kind: ExternalKind,
    /// Name of its file.
    pub name: String,
    /// The signature; of a signed PDF its detached part or digest, as whoever attached it chose.
    pub bytes: Vec<u8>,
}

impl External {
    /// Canonical bytes: `[kind, name, bytes]`.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        self.write(&mut writer);
        writer.into_bytes()
    }

    /// Reads what [`External::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, SealFileError> {
        let mut reader = Reader::new(bytes);
        let external = Self::read(&mut reader)?;
        reader.finish(&external.encode())?;
        Ok(external)
    }

    fn write(&self, writer: &mut Writer) {
        writer
            .array(3)
            .uint(self.kind as u64)
            .text(&self.name)
            .bytes(&self.bytes);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, SealFileError> {
        reader.array(3)?;
        let kind = reader.uint()?;
        Ok(Self {
            kind: ExternalKind::from_number(kind).ok_or(SealFileError::External(kind))?,
            name: reader.text(SEAL_LINE_BYTES_MAX)?.to_owned(),
            bytes: reader.bytes(SEAL_EXTERNAL_BYTES_MAX)?.to_vec(),
        })
    }
}

impl fmt::Debug for External {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, name: _, bytes } = self;
        write!(f, "External({kind:?} {} bytes)", bytes.len())
    }
}

/// One seal in a file.
#[derive(Clone, PartialEq, Eq)]
pub struct FileSeal {
    /// The space in which its marks stand: main, or committee for meetings of the committee.
    pub space: SpaceKind,
    /// What is sealed.
    pub body: SealBody,
    /// The canonical text.
    pub text: String,
    /// Envelopes of kind 11 about it, as they lie in the feeds.
    pub marks: Vec<Vec<u8>>,
    /// Official signatures made elsewhere.
    pub external: Vec<External>,
}

impl fmt::Debug for FileSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            space,
            body,
            text,
            marks,
            external,
        } = self;
        let (text, marks) = (text.len(), marks.len());
        write!(
            f,
            "FileSeal({space:?} {body:?} {text} bytes, {marks} marks, {external:?})"
        )
    }
}

/// A seal file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealFile {
    /// The unit.
    pub unit: UnitId,
    /// Membership envelopes: genesis, the grants of the signers and of whoever gave them, and their revocations.
    pub records: Vec<Vec<u8>>,
    /// Editions and addenda, oldest first.
    pub seals: Vec<FileSeal>,
}

/// Why bytes are not a seal file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealFileError {
    /// Over [`SEAL_FILE_BYTES_MAX`].
    #[error("{0} bytes are more than a seal file may have ({SEAL_FILE_BYTES_MAX})")]
    TooLarge(usize),
    /// Some other file.
    #[error("this is not a seal file")]
    Foreign,
    /// A format version this build does not read.
    #[error("unknown version {0} of the seal file")]
    Version(u64),
    /// Not the canonical CBOR of the format: cut short, altered, or never one.
    #[error("the file is damaged: {0}")]
    Cbor(#[from] CborError),
    /// The body of a seal in it.
    #[error("a seal in the file cannot be read: {0}")]
    Body(#[from] SealBodyError),
    /// A kind of space that holds no seals.
    #[error("seals do not stand in a space of kind {0}")]
    Space(u64),
    /// A kind of outside signature this build does not know.
    #[error("unknown kind of outside signature {0}")]
    External(u64),
}

impl SealFile {
    /// Canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer
            .array(5)
            .text(MAGIC)
            .uint(VERSION)
            .bytes(self.unit.as_bytes())
            .array(self.records.len());
        for record in &self.records {
            writer.bytes(record);
        }
        writer.array(self.seals.len());
        for seal in &self.seals {
            writer
                .array(5)
                .uint(seal.space as u64)
                .bytes(&seal.body.encode())
                .text(&seal.text)
                .array(seal.marks.len());
            for mark in &seal.marks {
                writer.bytes(mark);
            }
            writer.array(seal.external.len());
            for external in &seal.external {
                external.write(&mut writer);
            }
        }
        writer.into_bytes()
    }

    /// Reads a file; nothing in it is believed yet, see [`super::verify`].
    pub fn decode(bytes: &[u8]) -> Result<Self, SealFileError> {
        if bytes.len() > SEAL_FILE_BYTES_MAX {
            return Err(SealFileError::TooLarge(bytes.len()));
        }
        let mut reader = Reader::new(bytes);
        let items = reader
            .array_up_to(usize::MAX)
            .map_err(|_| SealFileError::Foreign)?;
        if items == 0 || reader.text(MAGIC.len()) != Ok(MAGIC) {
            return Err(SealFileError::Foreign);
        }
        let version = reader.uint()?;
        if version != VERSION {
            return Err(SealFileError::Version(version));
        }
        if items != 5 {
            return Err(CborError::Length {
                at: 0,
                expected: 5,
                found: items,
            }
            .into());
        }
        let unit = UnitId::from_bytes(reader.fixed()?);
        let records = envelopes(&mut reader, SEAL_FILE_RECORDS_MAX)?;
        let count = reader.array_up_to(SEAL_FILE_SEALS_MAX)?;
        let mut seals = Vec::with_capacity(count);
        for _ in 0..count {
            seals.push(read_seal(&mut reader)?);
        }
        let file = Self { unit, records, seals };
        reader.finish(&file.encode())?;
        Ok(file)
    }
}

fn envelopes(reader: &mut Reader<'_>, limit: usize) -> Result<Vec<Vec<u8>>, CborError> {
    let count = reader.array_up_to(limit)?;
    (0..count)
        .map(|_| reader.bytes(ENVELOPE_BYTES_MAX).map(<[u8]>::to_vec))
        .collect()
}

fn read_seal(reader: &mut Reader<'_>) -> Result<FileSeal, SealFileError> {
    reader.array(5)?;
    let space = reader.uint()?;
    let space = match u8::try_from(space)
        .ok()
        .and_then(|kind| SpaceKind::try_from(kind).ok())
    {
        Some(kind @ (SpaceKind::Main | SpaceKind::Committee | SpaceKind::Report)) => kind,
        _ => return Err(SealFileError::Space(space)),
    };
    let body = SealBody::decode(reader.bytes(BODY_BYTES_MAX)?)?;
    let text = reader.text(SEAL_TEXT_BYTES_MAX)?.to_owned();
    let marks = envelopes(reader, SEAL_FILE_MARKS_MAX)?;
    let count = reader.array_up_to(SEAL_FILE_MARKS_MAX)?;
    let external = (0..count)
        .map(|_| External::read(reader))
        .collect::<Result<_, _>>()?;
    Ok(FileSeal {
        space,
        body,
        text,
        marks,
        external,
    })
}
