//! The one form in which everything is stored and travels (P2).
//!
//! ```text
//! envelope = header ‖ body ‖ signature(64)
//! header   = CBOR array [version, kind, space tag(16), device(8), seq, prev(32), epoch(8)]
//! signed   = "sotay/v1/" ‖ kind in decimal ‖ 0x00 ‖ space id(32) ‖ header ‖ body
//! id       = BLAKE3(all bytes)
//! ```

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::cbor::{self, CborError, Reader, Writer};
use crate::chain::Tip;
use crate::key::{DeviceKeys, SignKey};
use crate::limits::{ENVELOPE_BYTES_MAX, SEQ_MAX};
use crate::{DeviceId, ENVELOPE_VERSION, EnvelopeId, EpochId, SpaceId, SpaceTag};

const SIGNATURE_LEN: usize = 64;

/// What an envelope carries. Unknown kinds are stored and forwarded, and ignored.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(u16);

impl Kind {
    /// Founds a unit; the first envelope of its roll.
    pub const GENESIS: Kind = Kind(0);
    /// Gives a device a rank.
    pub const GRANT: Kind = Kind(1);
    /// Ends a grant from a cut-off on.
    pub const REVOKE: Kind = Kind(2);
    /// Sets a device aside until lifted.
    pub const SUSPEND: Kind = Kind(3);
    /// Ends a suspension.
    pub const LIFT: Kind = Kind(4);
    /// A new key generation of a space, boxed to its readers.
    pub const EPOCH: Kind = Kind(5);
    /// Moves a unit below another parent.
    pub const REPARENT: Kind = Kind(6);
    /// Who serves this unit, with pinned keys.
    pub const RELAY: Kind = Kind(7);
    /// A run of changes of one document.
    pub const CHANGE: Kind = Kind(8);
    /// A document's state as a trusted device saved it.
    pub const SNAPSHOT: Kind = Kind(9);
    /// One member's open vote.
    pub const VOTE: Kind = Kind(10);
    /// A seal over minutes.
    pub const SEAL: Kind = Kind(11);
    /// Something for the committee only.
    pub const INBOX: Kind = Kind(12);
    /// Replaceable personal data.
    pub const PERSON: Kind = Kind(13);
    /// Asks every holder to forget personal data.
    pub const ERASE: Kind = Kind(14);
    /// What a relay or parent acknowledged.
    pub const RECEIPT: Kind = Kind(15);

    /// Part of a published document of the library.
    pub const PUBLICATION: Kind = Kind(16);
    /// A member's own record of study: a reading mark, an attempt at a quiz.
    pub const STUDY: Kind = Kind(17);
    /// A letter between a unit and the one above it, or its keys handed on to the members.
    pub const DISPATCH: Kind = Kind(18);

    /// An act of the root, signed by several of its keys.
    pub const ROOT: Kind = Kind(19);

    /// What the unit has decided about its keys and its doors.
    pub const POLICY: Kind = Kind(20);

    /// The kind with this number, known or not.
    pub const fn from_number(number: u16) -> Self {
        Kind(number)
    }

    /// The number in headers and signatures.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Whether the body starts with clear CBOR that a relay may read.
    pub fn is_clear(self) -> bool {
        matches!(self.0, 0..=7 | 11 | 14 | 15 | 19 | 20)
    }

    /// Whether it belongs to membership: written in the roll, read by everyone.
    pub fn is_membership(self) -> bool {
        matches!(self.0, 0..=7 | 19 | 20)
    }

    fn name(self) -> Option<&'static str> {
        const NAMES: [&str; 21] = [
            "genesis",
            "grant",
            "revoke",
            "suspend",
            "lift",
            "epoch",
            "reparent",
            "relay",
            "change",
            "snapshot",
            "vote",
            "seal",
            "inbox",
            "person",
            "erase",
            "receipt",
            "publication",
            "study",
            "dispatch",
            "root",
            "policy",
        ];
        NAMES.get(usize::from(self.0)).copied()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "kind-{}", self.0),
        }
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Who wrote an envelope, where, and at which place of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// What the body is.
    pub kind: Kind,
    /// The space it belongs to, shortened; the signature covers the whole id.
    pub space: SpaceTag,
    /// The writing device.
    pub device: DeviceId,
    /// Place in the feed of this device in this space; the first is 1.
    pub seq: u64,
    /// Id of the predecessor; zero for the first.
    pub prev: EnvelopeId,
    /// Key generation of a sealed body; zero for clear kinds.
    pub epoch: EpochId,
}

impl Header {
    /// Canonical bytes; also the associated data of a sealed body.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer
            .array(7)
            .uint(u64::from(ENVELOPE_VERSION))
            .uint(u64::from(self.kind.number()))
            .bytes(self.space.as_bytes())
            .bytes(self.device.as_bytes())
            .uint(self.seq)
            .bytes(self.prev.as_bytes())
            .bytes(self.epoch.as_bytes());
        writer.into_bytes()
    }

    fn decode(bytes: &[u8]) -> Result<(Self, usize), DecodeError> {
        let mut reader = Reader::new(bytes);
        let items = reader.array_up_to(7)?;
        let version = if items == 0 { 0 } else { reader.uint()? };
        if version != u64::from(ENVELOPE_VERSION) {
            return Err(DecodeError::Version(version));
        }
        if items != 7 {
            return Err(CborError::Length {
                at: 0,
                expected: 7,
                found: items,
            }
            .into());
        }
        let header = Header {
            kind: Kind::from_number(reader.small()?),
            space: SpaceTag::from_bytes(reader.fixed()?),
            device: DeviceId::from_bytes(reader.fixed()?),
            seq: reader.uint()?,
            prev: EnvelopeId::from_bytes(reader.fixed()?),
            epoch: EpochId::from_bytes(reader.fixed()?),
        };
        let len = reader.position();
        cbor::ensure_canonical(&bytes[..len], &header.encode())?;
        if header.seq == 0 || header.seq > SEQ_MAX {
            return Err(DecodeError::Seq(header.seq));
        }
        if (header.seq == 1) != (header.prev == EnvelopeId::ZERO) {
            return Err(DecodeError::Prev);
        }
        Ok((header, len))
    }
}

/// Why bytes are not an envelope. Always the sender's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Over [`ENVELOPE_BYTES_MAX`].
    #[error("envelope of {0} bytes is larger than {ENVELOPE_BYTES_MAX}")]
    TooLarge(usize),
    /// Ends within the header or the signature.
    #[error("envelope is cut short")]
    Truncated,
    /// A format version this build does not read.
    #[error("unknown envelope version {0}")]
    Version(u64),
    /// The header is not the canonical CBOR of the format.
    #[error("header: {0}")]
    Header(#[from] CborError),
    /// Sequence number 0 or beyond [`SEQ_MAX`].
    #[error("sequence number {0} is out of range")]
    Seq(u64),
    /// A first envelope that names a predecessor, or a later one that names none.
    #[error("predecessor does not fit the sequence number")]
    Prev,
}

/// Why a well-formed envelope is not what it claims. Always the sender's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// It names another space than the one it was offered for.
    #[error("envelope belongs to another space")]
    Space,
    /// The key offered for checking is another device's.
    #[error("envelope was written by another device")]
    Device,
    /// The signature does not hold.
    #[error("signature does not hold")]
    Signature,
}

/// Why an envelope cannot be written. Our own fault or a body that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// Header, body and signature together are over [`ENVELOPE_BYTES_MAX`].
    #[error("envelope of {0} bytes would be larger than {ENVELOPE_BYTES_MAX}")]
    TooLarge(usize),
    /// The header names another device or space than the keys and the space it is signed for.
    #[error("header does not fit the keys or the space")]
    Mismatch,
    /// The feed is at [`SEQ_MAX`].
    #[error("feed is full")]
    FeedFull,
}

/// A well-formed envelope whose signature has not been checked yet. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope {
    bytes: Arc<[u8]>,
    header: Header,
    header_len: usize,
    id: EnvelopeId,
}

impl Envelope {
    /// Reads one envelope; the bytes are kept as they are and never encoded anew.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > ENVELOPE_BYTES_MAX {
            return Err(DecodeError::TooLarge(bytes.len()));
        }
        let end = bytes
            .len()
            .checked_sub(SIGNATURE_LEN)
            .ok_or(DecodeError::Truncated)?;
        let (header, header_len) = Header::decode(bytes)?;
        if header_len > end {
            return Err(DecodeError::Truncated);
        }
        let id = EnvelopeId::from_bytes(*blake3::hash(bytes).as_bytes());
        Ok(Self {
            bytes: bytes.into(),
            header,
            header_len,
            id,
        })
    }

    /// Checks space, device and signature.
    pub fn verify(self, space: &SpaceId, key: &SignKey) -> Result<Verified<Envelope>, VerifyError> {
        if self.header.space != space.tag() {
            return Err(VerifyError::Space);
        }
        if self.header.device != key.device_id() {
            return Err(VerifyError::Device);
        }
        let (message, signature) = self.bytes.split_at(self.bytes.len() - SIGNATURE_LEN);
        let signature = signature.try_into().expect("split at the signature length");
        if key.verify(&signed_bytes(self.header.kind, space, message), signature) {
            Ok(Verified {
                value: self,
                space: *space,
            })
        } else {
            Err(VerifyError::Signature)
        }
    }

    /// All bytes, as they travel.
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The header's bytes: associated data of a sealed body.
    pub fn header_bytes(&self) -> &[u8] {
        &self.bytes[..self.header_len]
    }

    /// What stands between header and signature.
    pub fn body(&self) -> &[u8] {
        &self.bytes[self.header_len..self.bytes.len() - SIGNATURE_LEN]
    }

    /// BLAKE3 of all bytes.
    pub fn id(&self) -> EnvelopeId {
        self.id
    }
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            bytes,
            header,
            header_len: _,
            id,
        } = self;
        write!(
            f,
            "Envelope({} {:?}#{} {id:?} {} bytes)",
            header.kind,
            header.device,
            header.seq,
            bytes.len()
        )
    }
}

/// Something whose signature was checked. Only this module can make one, and a store takes nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<T> {
    value: T,
    space: SpaceId,
}

impl<T> Verified<T> {
    /// The whole id of the space it was verified for.
    pub fn space(&self) -> &SpaceId {
        &self.space
    }

    /// Gives up the proof.
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

fn signed_bytes(kind: Kind, space: &SpaceId, message: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(16 + SpaceId::LEN + message.len());
    bytes.extend_from_slice(b"sotay/v1/");
    bytes.extend_from_slice(kind.number().to_string().as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(space.as_bytes());
    bytes.extend_from_slice(message);
    bytes
}

/// The header of an envelope that is about to be signed. A sealed body needs its bytes first.
#[derive(Debug, Clone)]
pub struct Draft {
    header: Header,
}

impl Draft {
    /// The next place of this device's feed after `tip`.
    pub fn next(keys: &DeviceKeys, kind: Kind, space: &SpaceId, tip: Option<Tip>) -> Self {
        let (seq, prev) = tip.map_or((1, EnvelopeId::ZERO), |tip| (tip.seq + 1, tip.id));
        let header = Header {
            kind,
            space: space.tag(),
            device: keys.id(),
            seq,
            prev,
            epoch: EpochId::ZERO,
        };
        Self { header }
    }

    /// The same place, sealed under an epoch.
    pub fn in_epoch(mut self, epoch: EpochId) -> Self {
        self.header.epoch = epoch;
        self
    }

    /// The header as it will stand.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Bytes an envelope with this header has left for its body.
    pub fn body_room(&self) -> usize {
        ENVELOPE_BYTES_MAX - SIGNATURE_LEN - self.header.encode().len()
    }

    /// Signs header and body.
    pub fn sign(
        self,
        keys: &DeviceKeys,
        space: &SpaceId,
        body: &[u8],
    ) -> Result<Verified<Envelope>, SignError> {
        let header = self.header;
        if header.device != keys.id() || header.space != space.tag() {
            return Err(SignError::Mismatch);
        }
        if header.seq > SEQ_MAX {
            return Err(SignError::FeedFull);
        }
        let mut bytes = header.encode();
        let header_len = bytes.len();
        bytes.extend_from_slice(body);
        let total = bytes.len() + SIGNATURE_LEN;
        if total > ENVELOPE_BYTES_MAX {
            return Err(SignError::TooLarge(total));
        }
        let signature = keys.sign_message(&signed_bytes(header.kind, space, &bytes));
        bytes.extend_from_slice(&signature);
        let id = EnvelopeId::from_bytes(*blake3::hash(&bytes).as_bytes());
        Ok(Verified {
            value: Envelope {
                bytes: bytes.into(),
                header,
                header_len,
                id,
            },
            space: *space,
        })
    }
}

#[cfg(test)]
mod tests;
