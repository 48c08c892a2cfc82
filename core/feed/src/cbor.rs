//! Canonical CBOR (RFC 8949 §4.2.1: shortest heads, definite lengths) for the formats of this project.
//!
//! Formats are arrays of integers, byte strings, texts and arrays, never maps or floats. A decoder reads with
//! [`Reader`], which counts every allocation against the input it still has, and then [`Reader::finish`] or
//! [`ensure_canonical`] proves that the bytes are the only encoding of what was read.

use minicbor::decode::Decoder;
use minicbor::encode::Encoder;

/// Why bytes are not what a format asks for. The fault is with whoever wrote them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    /// Another type, a bad head or the end of the input.
    #[error("malformed CBOR at byte {at}")]
    Malformed {
        /// Offset of the item.
        at: usize,
    },
    /// An array or string of another length than the format has.
    #[error("expected length {expected}, found {found} at byte {at}")]
    Length {
        /// Offset of the item.
        at: usize,
        /// Length in the format.
        expected: usize,
        /// Length in the input.
        found: usize,
    },
    /// More than a named limit allows.
    #[error("more than {limit} at byte {at}")]
    TooMany {
        /// Offset of the item.
        at: usize,
        /// The limit.
        limit: usize,
    },
    /// Bytes after the last item.
    #[error("{0} bytes after the end")]
    Trailing(usize),
    /// A longer head than needed, or an indefinite length.
    #[error("not canonical CBOR")]
    NotCanonical,
}

const MEMORY: &str = "writing into memory cannot fail";

/// Writes canonical CBOR into memory; writing cannot fail.
#[derive(Debug)]
pub struct Writer(Encoder<Vec<u8>>);

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}

impl Writer {
    /// Nothing written yet.
    pub fn new() -> Self {
        Self(Encoder::new(Vec::new()))
    }

    /// Begins an array of `len` items, which the caller then writes.
    pub fn array(&mut self, len: usize) -> &mut Self {
        self.0.array(len as u64).expect(MEMORY);
        self
    }

    /// An unsigned integer.
    pub fn uint(&mut self, value: u64) -> &mut Self {
        self.0.u64(value).expect(MEMORY);
        self
    }

    /// A signed integer (times before 1970).
    pub fn int(&mut self, value: i64) -> &mut Self {
        self.0.i64(value).expect(MEMORY);
        self
    }

    /// A byte string.
    pub fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.0.bytes(value).expect(MEMORY);
        self
    }

    /// A text.
    pub fn text(&mut self, value: &str) -> &mut Self {
        self.0.str(value).expect(MEMORY);
        self
    }

    /// A truth value.
    pub fn boolean(&mut self, value: bool) -> &mut Self {
        self.0.bool(value).expect(MEMORY);
        self
    }

    /// Stands for an absent item.
    pub fn null(&mut self) -> &mut Self {
        self.0.null().expect(MEMORY);
        self
    }

    /// A byte string or null.
    pub fn opt_bytes(&mut self, value: Option<&[u8]>) -> &mut Self {
        match value {
            Some(bytes) => self.bytes(bytes),
            None => self.null(),
        }
    }

    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0.into_writer()
    }
}

/// Reads one value after the other, strictly.
#[derive(Debug)]
pub struct Reader<'b> {
    decoder: Decoder<'b>,
    input: &'b [u8],
}

impl<'b> Reader<'b> {
    /// Reads from the start of `input`.
    pub fn new(input: &'b [u8]) -> Self {
        Self {
            decoder: Decoder::new(input),
            input,
        }
    }

    /// Offset of the next item.
    pub fn position(&self) -> usize {
        self.decoder.position()
    }

    fn malformed<T>(&self, at: usize, result: Result<T, minicbor::decode::Error>) -> Result<T, CborError> {
        result.map_err(|_| CborError::Malformed { at })
    }

    /// An array head with exactly `expected` items.
    pub fn array(&mut self, expected: usize) -> Result<(), CborError> {
        let at = self.position();
        let found = self.array_up_to(usize::MAX)?;
        if found == expected {
            Ok(())
        } else {
            Err(CborError::Length { at, expected, found })
        }
    }

    /// An array head with at most `limit` items, and never more than the input could hold.
    pub fn array_up_to(&mut self, limit: usize) -> Result<usize, CborError> {
        let at = self.position();
        let head = self.decoder.array();
        let found = self.malformed(at, head)?.ok_or(CborError::NotCanonical)?;
        let found = usize::try_from(found).map_err(|_| CborError::TooMany { at, limit })?;
        if found > limit {
            return Err(CborError::TooMany { at, limit });
        }
        if found > self.input.len() {
            return Err(CborError::Malformed { at });
        }
        Ok(found)
    }

    /// An unsigned integer.
    pub fn uint(&mut self) -> Result<u64, CborError> {
        let at = self.position();
        let value = self.decoder.u64();
        self.malformed(at, value)
    }

    /// An unsigned integer that fits `T`.
    pub fn small<T: TryFrom<u64>>(&mut self) -> Result<T, CborError> {
        let at = self.position();
        T::try_from(self.uint()?).map_err(|_| CborError::Malformed { at })
    }

    /// A signed integer.
    pub fn int(&mut self) -> Result<i64, CborError> {
        let at = self.position();
        let value = self.decoder.i64();
        self.malformed(at, value)
    }

    /// A truth value.
    pub fn boolean(&mut self) -> Result<bool, CborError> {
        let at = self.position();
        let value = self.decoder.bool();
        self.malformed(at, value)
    }

    /// A byte string of at most `limit` bytes, borrowed from the input.
    pub fn bytes(&mut self, limit: usize) -> Result<&'b [u8], CborError> {
        let at = self.position();
        let value = self.decoder.bytes();
        let value = self.malformed(at, value)?;
        if value.len() > limit {
            Err(CborError::TooMany { at, limit })
        } else {
            Ok(value)
        }
    }

    /// A byte string of exactly `N` bytes.
    pub fn fixed<const N: usize>(&mut self) -> Result<[u8; N], CborError> {
        let at = self.position();
        let value = self.bytes(usize::MAX)?;
        value.try_into().map_err(|_| CborError::Length {
            at,
            expected: N,
            found: value.len(),
        })
    }

    /// A byte string of exactly `N` bytes, or null.
    pub fn opt_fixed<const N: usize>(&mut self) -> Result<Option<[u8; N]>, CborError> {
        if self.skip_null()? {
            Ok(None)
        } else {
            self.fixed().map(Some)
        }
    }

    /// A text of at most `limit` bytes, borrowed from the input.
    pub fn text(&mut self, limit: usize) -> Result<&'b str, CborError> {
        let at = self.position();
        let value = self.decoder.str();
        let value = self.malformed(at, value)?;
        if value.len() > limit {
            Err(CborError::TooMany { at, limit })
        } else {
            Ok(value)
        }
    }

    /// Consumes a null if it is next.
    pub fn skip_null(&mut self) -> Result<bool, CborError> {
        let at = self.position();
        let kind = self.decoder.datatype();
        if self.malformed(at, kind)? == minicbor::data::Type::Null {
            let null = self.decoder.null();
            self.malformed(at, null)?;
            Ok(true)
        } else {
            Ok(false)
        }
    }

    /// The bytes not read yet.
    pub fn rest(&self) -> &'b [u8] {
        &self.input[self.position().min(self.input.len())..]
    }

    /// Nothing may follow, and `again` (what was read, written anew) must be what was read.
    pub fn finish(self, again: &[u8]) -> Result<(), CborError> {
        match self.rest().len() {
            0 => ensure_canonical(self.input, again),
            more => Err(CborError::Trailing(more)),
        }
    }
}

/// `again` is the value that was read from `input`, written anew: equal bytes prove the input canonical.
pub fn ensure_canonical(input: &[u8], again: &[u8]) -> Result<(), CborError> {
    if input == again {
        Ok(())
    } else {
        Err(CborError::NotCanonical)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_heads_than_needed_are_found() {
        let long = [0x18, 0x05];
        let mut reader = Reader::new(&long);
        let value = reader.uint().unwrap();
        let mut writer = Writer::new();
        writer.uint(value);
        assert_eq!(reader.finish(&writer.into_bytes()), Err(CborError::NotCanonical));
    }

    #[test]
    fn indefinite_arrays_are_refused() {
        assert_eq!(
            Reader::new(&[0x9f, 0xff]).array_up_to(4),
            Err(CborError::NotCanonical)
        );
    }

    #[test]
    fn an_array_longer_than_its_input_is_refused_before_anything_is_allocated() {
        let mut head = vec![0x9b];
        head.extend_from_slice(&u64::MAX.to_be_bytes());
        assert!(Reader::new(&head).array_up_to(usize::MAX).is_err());
        assert_eq!(
            Reader::new(&[0x82, 0, 0]).array_up_to(1),
            Err(CborError::TooMany { at: 0, limit: 1 })
        );
    }

    #[test]
    fn strings_over_their_limit_and_trailing_bytes_are_refused() {
        assert_eq!(
            Reader::new(&[0x42, 1, 2]).bytes(1),
            Err(CborError::TooMany { at: 0, limit: 1 })
        );
        assert_eq!(Reader::new(&[0x42, 1, 2]).bytes(2), Ok(&[1u8, 2][..]));
        let mut reader = Reader::new(&[0x01, 0x01]);
        reader.uint().unwrap();
        assert_eq!(reader.finish(&[0x01]), Err(CborError::Trailing(1)));
    }
}
