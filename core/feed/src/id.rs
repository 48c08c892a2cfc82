//! Fixed-size identifiers. `Debug` prints the first four bytes only; `Display` prints all of them in lower-case hex.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER_PERMISSIVE;

/// Text that is not an identifier of the expected length in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} hexadecimal digits")]
pub struct IdParseError {
    /// Digits the identifier has.
    pub expected: usize,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;
            /// All bytes zero: stands for "none" where a format has a fixed field.
            pub const ZERO: Self = Self([0; $len]);

            /// Takes the bytes as they are.
            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// The identifier in a slice, or `None` when the length is another one.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({}…)"), HEXLOWER_PERMISSIVE.encode(&self.0[..4]))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&HEXLOWER_PERMISSIVE.encode(&self.0))
            }
        }

        impl FromStr for $name {
            type Err = IdParseError;

            fn from_str(text: &str) -> Result<Self, IdParseError> {
                HEXLOWER_PERMISSIVE
                    .decode(text.trim().as_bytes())
                    .ok()
                    .and_then(|bytes| Self::from_slice(&bytes))
                    .ok_or(IdParseError { expected: $len * 2 })
            }
        }
    };
}

id!(
    /// An organisation: BLAKE3 of its genesis record.
    UnitId, 32
);
id!(
    /// A person in one unit: 16 random bytes made with the roster line, never an identity number.
    MemberId, 16
);
id!(
    /// A device: the first 8 bytes of BLAKE3 of its signing key.
    DeviceId, 8
);
id!(
    /// A space, whole: derived from unit, kind and subject. Covered by every signature.
    SpaceId, 32
);
id!(
    /// The first 16 bytes of a [`SpaceId`], as headers and frames carry it.
    SpaceTag, 16
);
id!(
    /// One key generation of a space.
    EpochId, 8
);
id!(
    /// BLAKE3 of all bytes of an envelope.
    EnvelopeId, 32
);
id!(
    /// A document (CRDT) in a space.
    DocId, 16
);

impl SpaceId {
    /// The part that travels in headers.
    pub fn tag(&self) -> SpaceTag {
        let mut tag = [0; 16];
        tag.copy_from_slice(&self.0[..16]);
        SpaceTag(tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips_and_debug_stays_short() {
        let id = DeviceId::from_bytes([0xab, 0xcd, 0xef, 1, 2, 3, 4, 5]);
        assert_eq!(id.to_string(), "abcdef0102030405");
        assert_eq!("ABCDEF0102030405".parse(), Ok(id));
        assert_eq!(format!("{id:?}"), "DeviceId(abcdef01…)");
    }

    #[test]
    fn text_of_another_length_or_alphabet_is_refused() {
        assert_eq!("abcd".parse::<DeviceId>(), Err(IdParseError { expected: 16 }));
        assert_eq!(
            "zzcdef0102030405".parse::<DeviceId>(),
            Err(IdParseError { expected: 16 })
        );
    }
}
