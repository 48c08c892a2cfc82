//! LEB128 as Automerge's chunks use it: shortest form only.

/// The bytes end early, or a number is not in its shortest form or does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Reads numbers and slices from the front, never past the end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn remaining(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let (head, tail) = self.0.split_at_checked(len).ok_or(Malformed)?;
        self.0 = tail;
        Ok(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        Ok(self.take(N)?.try_into().expect("took N bytes"))
    }

    /// The bytes from here to where `later`, which went on from here, stands.
    pub(crate) fn up_to(&self, later: &Self) -> &'a [u8] {
        &self.0[..self.0.len() - later.0.len()]
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.take(1)?[0])
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Malformed> {
        let (mut value, mut shift) = (0u64, 0u32);
        loop {
            let byte = self.byte()?;
            if shift == 63 && byte > 1 {
                return Err(Malformed);
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return if shift > 0 && byte == 0 {
                    Err(Malformed)
                } else {
                    Ok(value)
                };
            }
            shift += 7;
        }
    }

    /// A length or count, which can never exceed the bytes that are left.
    pub(crate) fn len(&mut self) -> Result<usize, Malformed> {
        let value = usize::try_from(self.u64()?).map_err(|_| Malformed)?;
        if value > self.remaining() {
            Err(Malformed)
        } else {
            Ok(value)
        }
    }

    pub(crate) fn i64(&mut self) -> Result<i64, Malformed> {
        let before = self.0;
        let (mut value, mut shift) = (0i64, 0u32);
        loop {
            let byte = self.byte()?;
            if shift == 63 && byte != 0 && byte != 0x7f {
                return Err(Malformed);
            }
            value |= i64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                if shift < 64 && byte & 0x40 != 0 {
                    value |= -1i64 << shift;
                }
                break;
            }
        }
        // In the shortest form the last byte says more than the sign that the one before it has already.
        match before[..before.len() - self.0.len()] {
            [.., one, last] if last == if one & 0x40 == 0 { 0 } else { 0x7f } => Err(Malformed),
            _ => Ok(value),
        }
    }
}

pub(crate) fn put_u64(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

pub(crate) fn put_i64(out: &mut Vec<u8>, mut value: i64) {
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if (value == 0 && byte & 0x40 == 0) || (value == -1 && byte & 0x40 != 0) {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_round_trip(unsigned: u64, signed: i64) {
            let mut out = Vec::new();
            put_u64(&mut out, unsigned);
            put_i64(&mut out, signed);
            let mut cursor = Cursor::new(&out);
            prop_assert_eq!(cursor.u64(), Ok(unsigned));
            prop_assert_eq!(cursor.i64(), Ok(signed));
            prop_assert!(cursor.is_empty());
        }

        #[test]
        fn a_number_has_one_form_only(bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
            let mut cursor = Cursor::new(&bytes);
            if let Ok(value) = cursor.u64() {
                let mut again = Vec::new();
                put_u64(&mut again, value);
                prop_assert_eq!(&bytes[..bytes.len() - cursor.remaining()], &again[..]);
            }
            let mut cursor = Cursor::new(&bytes);
            if let Ok(value) = cursor.i64() {
                let mut again = Vec::new();
                put_i64(&mut again, value);
                prop_assert_eq!(&bytes[..bytes.len() - cursor.remaining()], &again[..]);
            }
        }
    }

    #[test]
    fn longer_forms_and_missing_bytes_are_refused() {
        assert_eq!(Cursor::new(&[0x81, 0x00]).u64(), Err(Malformed));
        assert_eq!(Cursor::new(&[0xff, 0x7f]).i64(), Err(Malformed));
        assert_eq!(Cursor::new(&[0x80]).u64(), Err(Malformed));
        assert_eq!(Cursor::new(&[0xff; 11]).u64(), Err(Malformed));
        assert_eq!(Cursor::new(&[0x05, 1, 2]).len(), Err(Malformed));
    }
}
