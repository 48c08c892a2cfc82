//! Canonical CBOR: what every signed value of this crate is written in and read back with.
//!
//! Definite lengths and shortest numbers only. A value is read with limits checked before anything is kept, written
//! again, and refused unless the bytes are the same: so there is exactly one encoding of each value.

use sotay_feed::cbor::{self, CborError};

/// Why bytes are not a value of the expected form. Always the fault of whoever made the bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// More bytes than any value of this form may have.
    #[error("{size} bytes, of at most {limit}")]
    TooLarge {
        /// Bytes found.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// A version this program does not know: a newer program is needed.
    #[error("unknown version {0}")]
    Version(u64),
    /// Not CBOR of the expected shape, or cut short.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// A field is longer or a number larger than allowed.
    #[error("{0} is over its limit")]
    OverLimit(&'static str),
    /// The same value in other bytes than the canonical ones, or bytes left over.
    #[error("not in canonical form")]
    NotCanonical,
}

/// Writes canonical CBOR into memory, which cannot fail.
pub(crate) struct Writer(cbor::Writer);

impl Writer {
    pub(crate) fn new() -> Self {
        Self(cbor::Writer::new())
    }

    pub(crate) fn array(&mut self, len: usize) -> &mut Self {
        self.0.array(len);
        self
    }

    pub(crate) fn uint(&mut self, value: u64) -> &mut Self {
        self.0.uint(value);
        self
    }

    pub(crate) fn int(&mut self, value: i64) -> &mut Self {
        self.0.int(value);
        self
    }

    pub(crate) fn text(&mut self, value: &str) -> &mut Self {
        self.0.text(value);
        self
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.0.bytes(value);
        self
    }

    pub(crate) fn null(&mut self) -> &mut Self {
        self.0.null();
        self
    }

    pub(crate) fn optional_text(&mut self, value: Option<&str>) -> &mut Self {
        match value {
            Some(text) => self.text(text),
            None => self.null(),
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0.into_bytes()
    }
}

/// Reads CBOR with limits, and says which field is wrong.
pub(crate) struct Reader<'a>(cbor::Reader<'a>);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], limit: usize) -> Result<Self, WireError> {
        if bytes.len() > limit {
            return Err(WireError::TooLarge {
                size: bytes.len(),
                limit,
            });
        }
        Ok(Self(cbor::Reader::new(bytes)))
    }

    /// The length of an array of at most `max` elements.
    pub(crate) fn array(&mut self, max: usize, what: &'static str) -> Result<usize, WireError> {
        self.0.array_up_to(max).map_err(|error| named(error, what))
    }

    /// An array of exactly `len` elements.
    pub(crate) fn tuple(&mut self, len: usize, what: &'static str) -> Result<(), WireError> {
        self.0.array(len).map_err(|_| WireError::Malformed(what))
    }

    pub(crate) fn uint(&mut self, max: u64, what: &'static str) -> Result<u64, WireError> {
        let value = self.0.uint().map_err(|error| named(error, what))?;
        if value > max {
            Err(WireError::OverLimit(what))
        } else {
            Ok(value)
        }
    }

    pub(crate) fn int(&mut self, what: &'static str) -> Result<i64, WireError> {
        self.0.int().map_err(|error| named(error, what))
    }

    pub(crate) fn text(&mut self, max_chars: usize, what: &'static str) -> Result<String, WireError> {
        let text = self.0.text(usize::MAX).map_err(|error| named(error, what))?;
        if text.chars().count() > max_chars {
            Err(WireError::OverLimit(what))
        } else {
            Ok(text.to_owned())
        }
    }

    pub(crate) fn optional_text(
        &mut self,
        max_chars: usize,
        what: &'static str,
    ) -> Result<Option<String>, WireError> {
        if self.null() {
            Ok(None)
        } else {
            self.text(max_chars, what).map(Some)
        }
    }

    pub(crate) fn hash(&mut self, what: &'static str) -> Result<[u8; 32], WireError> {
        self.fixed(what)
    }

    /// Exactly `N` bytes.
    pub(crate) fn fixed<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], WireError> {
        self.0.fixed().map_err(|_| WireError::Malformed(what))
    }

    /// Takes a null if one comes next.
    pub(crate) fn null(&mut self) -> bool {
        self.0.skip_null().unwrap_or(false)
    }

    /// Refuses every version but `known`.
    pub(crate) fn version(&mut self, known: u64) -> Result<(), WireError> {
        let found = self.0.uint().map_err(|error| named(error, "version"))?;
        if found == known {
            Ok(())
        } else {
            Err(WireError::Version(found))
        }
    }
}

fn named(error: CborError, what: &'static str) -> WireError {
    match error {
        CborError::TooMany { .. } => WireError::OverLimit(what),
        _ => WireError::Malformed(what),
    }
}

/// Refuses bytes that are not the one encoding of what was read from them.
pub(crate) fn only_canonical(read: &[u8], written_again: &[u8]) -> Result<(), WireError> {
    if read == written_again {
        Ok(())
    } else {
        Err(WireError::NotCanonical)
    }
}
