//! Closed lists of words: stored as a number, shown by a key of the message catalogue.

macro_rules! coded {
    ($(#[$doc:meta])* pub enum $name:ident ($group:literal) {
        $($(#[$variant_doc:meta])* $variant:ident = $number:literal $key:literal,)+
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $key)] $variant = $number,)+
        }

        impl $name {
            /// All of them, in order of number.
            pub const ALL: &[$name] = &[$($name::$variant),+];

            /// The number that documents store.
            pub const fn number(self) -> u8 {
                self as u8
            }

            /// The one with this number; `None` for a number of a later version.
            pub const fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some($name::$variant),)+
                    _ => None,
                }
            }

            /// Stable name in views and commands.
            pub const fn key(self) -> &'static str {
                match self {
                    $($name::$variant => $key,)+
                }
            }

            /// The one with this name.
            pub fn from_key(key: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.key() == key)
            }

            /// Its key in the message catalogue.
            pub const fn message(self) -> &'static str {
                match self {
                    $($name::$variant => concat!($group, ".", $key),)+
                }
            }
        }

        impl $crate::cell::Cell for $name {
            fn write(&self, writer: &mut sotay_feed::cbor::Writer) {
                writer.uint(u64::from(self.number()));
            }

            fn read(reader: &mut sotay_feed::cbor::Reader<'_>) -> Result<Self, sotay_feed::cbor::CborError> {
                let at = reader.position();
                Self::from_number(reader.small()?).ok_or(sotay_feed::cbor::CborError::Malformed { at })
            }
        }
    };
}

pub(crate) use coded;
