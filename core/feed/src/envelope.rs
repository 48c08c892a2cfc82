//! The one form in which everything is stored and travels (P2).
//!
//! ```text
//! envelope = header ‖ body ‖ signature(64)
//! header   = CBOR array [version, kind, space tag(16), device(8), seq, prev(32), epoch(8)]
//! signed   = "sotay/v1/" ‖ kind in decimal ‖ 0x00 ‖ space id(32) ‖ header ‖ body
//! id       = BLAKE3(all bytes)
//! ```
//!
//! Of an envelope with personal data the body can be erased, and what is left verifies as before (P2.6): signature and id
//! are over the hash of the body.
//!
//! ```text
//! erased   = 0xf6 ‖ header ‖ BLAKE3(body)(32) ‖ signature(64)
//! signed   = "sotay/v2/" ‖ kind in decimal ‖ 0x00 ‖ space id(32) ‖ header ‖ BLAKE3(body)
//! id       = BLAKE3(header ‖ BLAKE3(body) ‖ signature)
//! ```

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::cbor::{self, CborError, Reader, Writer};
use crate::chain::Tip;
use crate::key::{DeviceKeys, SignKey};
use crate::kind::Kind;
use crate::limits::{ENVELOPE_BYTES_MAX, SEQ_MAX};
use crate::{DeviceId, ENVELOPE_VERSION, ERASABLE_VERSION, EnvelopeId, EpochId, SpaceId, SpaceTag};

const SIGNATURE_LEN: usize = 64;
const HASH_LEN: usize = 32;
/// How an erased envelope begins: CBOR null, in the place of a body.
const ERASED_MARK: u8 = 0xf6;

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
            .uint(u64::from(self.kind.version()))
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
        if version != u64::from(ENVELOPE_VERSION) && version != u64::from(ERASABLE_VERSION) {
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
        if version != u64::from(header.kind.version()) {
            return Err(DecodeError::Version(version));
        }
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
    /// The erased form of a kind that cannot be erased, or of another length than that has.
    #[error("this is not what is left of an erased envelope")]
    Erased,
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
    erased: bool,
}

impl Envelope {
    /// Reads one envelope; the bytes are kept as they are and never encoded anew.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > ENVELOPE_BYTES_MAX {
            return Err(DecodeError::TooLarge(bytes.len()));
        }
        let erased = bytes.first() == Some(&ERASED_MARK);
        let bare = if erased { &bytes[1..] } else { bytes };
        let end = bare
            .len()
            .checked_sub(SIGNATURE_LEN)
            .ok_or(DecodeError::Truncated)?;
        let (header, header_len) = Header::decode(bare)?;
        if header_len > end {
            return Err(DecodeError::Truncated);
        }
        if erased && (!header.kind.is_erasable() || end - header_len != HASH_LEN) {
            return Err(DecodeError::Erased);
        }
        let mut envelope = Self {
            bytes: bytes.into(),
            header,
            header_len,
            id: EnvelopeId::ZERO,
            erased,
        };
        envelope.id = envelope.hash();
        Ok(envelope)
    }

    fn hash(&self) -> EnvelopeId {
        let hash = match self.body_hash() {
            None => blake3::hash(&self.bytes),
            Some(body) => {
                let mut hasher = blake3::Hasher::new();
                hasher.update(self.header_bytes());
                hasher.update(&body);
                hasher.update(self.signature());
                hasher.finalize()
            }
        };
        EnvelopeId::from_bytes(*hash.as_bytes())
    }

    /// Hash of the body of an erasable envelope, whether the body is here or not.
    fn body_hash(&self) -> Option<[u8; HASH_LEN]> {
        let between = &self.bytes[self.body_start()..self.bytes.len() - SIGNATURE_LEN];
        if self.erased {
            between.try_into().ok()
        } else {
            let erasable = self.header.kind.is_erasable();
            erasable.then(|| *blake3::hash(between).as_bytes())
        }
    }

    fn body_start(&self) -> usize {
        usize::from(self.erased) + self.header_len
    }

    fn signature(&self) -> &[u8; SIGNATURE_LEN] {
        self.bytes.last_chunk().expect("decoded with a signature")
    }

    /// Checks space, device and signature.
    pub fn verify(self, space: &SpaceId, key: &SignKey) -> Result<Verified<Envelope>, VerifyError> {
        if self.header.space != space.tag() {
            return Err(VerifyError::Space);
        }
        if self.header.device != key.device_id() {
            return Err(VerifyError::Device);
        }
        let signed = signed_bytes(self.header.kind, space, self.header_bytes(), self.signed_body());
        if key.verify(&signed, self.signature()) {
            Ok(Verified {
                value: self,
                space: *space,
            })
        } else {
            Err(VerifyError::Signature)
        }
    }

    /// What the signature covers after the header: the body, or its hash.
    fn signed_body(&self) -> Cow<'_, [u8]> {
        match self.body_hash() {
            Some(hash) => Cow::Owned(hash.to_vec()),
            None => Cow::Borrowed(self.body()),
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
        &self.bytes[usize::from(self.erased)..self.body_start()]
    }

    /// What stands between header and signature; nothing, if it was erased.
    pub fn body(&self) -> &[u8] {
        if self.erased {
            return &[];
        }
        &self.bytes[self.header_len..self.bytes.len() - SIGNATURE_LEN]
    }

    /// BLAKE3 of all bytes; of an erasable one that of header, hash of the body and signature.
    pub fn id(&self) -> EnvelopeId {
        self.id
    }

    /// Whether the body was erased.
    pub fn is_erased(&self) -> bool {
        self.erased
    }

    /// What is left when the body is erased: the same envelope with the same id and signature. `None` for a kind that
    /// cannot be erased.
    #[must_use]
    pub fn erase(&self) -> Option<Envelope> {
        let hash = self.body_hash()?;
        let bytes = [&[ERASED_MARK], self.header_bytes(), &hash, &self.signature()[..]].concat();
        Some(Self {
            bytes: bytes.into(),
            header: self.header.clone(),
            header_len: self.header_len,
            id: self.id,
            erased: true,
        })
    }
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            bytes,
            header,
            header_len: _,
            id,
            erased,
        } = self;
        write!(
            f,
            "Envelope({} {:?}#{} {id:?} {} bytes{})",
            header.kind,
            header.device,
            header.seq,
            bytes.len(),
            if *erased { ", erased" } else { "" }
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

impl Verified<Envelope> {
    /// [`Envelope::erase`], with the proof: the signature covers what is left.
    #[must_use]
    pub fn erase(&self) -> Option<Self> {
        self.value.erase().map(|value| Self {
            value,
            space: self.space,
        })
    }
}

fn signed_bytes(kind: Kind, space: &SpaceId, header: &[u8], body: Cow<'_, [u8]>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(16 + SpaceId::LEN + header.len() + body.len());
    bytes.extend_from_slice(if kind.is_erasable() {
        b"sotay/v2/"
    } else {
        b"sotay/v1/"
    });
    bytes.extend_from_slice(kind.number().to_string().as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(space.as_bytes());
    bytes.extend_from_slice(header);
    bytes.extend_from_slice(&body);
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
        bytes.extend_from_slice(&[0; SIGNATURE_LEN]);
        let mut envelope = Envelope {
            bytes: bytes.as_slice().into(),
            header,
            header_len,
            id: EnvelopeId::ZERO,
            erased: false,
        };
        let signed = signed_bytes(
            envelope.header.kind,
            space,
            envelope.header_bytes(),
            envelope.signed_body(),
        );
        let end = bytes.len() - SIGNATURE_LEN;
        bytes[end..].copy_from_slice(&keys.sign_message(&signed));
        envelope.bytes = bytes.into();
        envelope.id = envelope.hash();
        Ok(Verified {
            value: envelope,
            space: *space,
        })
    }
}

#[cfg(test)]
mod tests;
