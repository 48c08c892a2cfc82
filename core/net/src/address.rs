//! The one line that tells a phone where a relay is and which key it must show (P12.6).
//!
//! ```text
//! address = host ":" port "#" key
//! host    = DNS name / IPv4 / "[" IPv6 "]"
//! key     = 52 characters base32 (RFC 4648, no padding, any case) / 64 hexadecimal digits
//! ```
//!
//! Printed with base32 in lower case: no two characters of it look alike to a reader of QR fallbacks, and it fits one
//! line of a text message.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use data_encoding::{BASE32_NOPAD, HEXLOWER_PERMISSIVE};
use sotay_feed::SignKey;

/// Bytes of a DNS name (RFC 1035 §2.3.4).
pub const HOST_BYTES_MAX: usize = 253;
/// Bytes of the whole line.
pub const ADDRESS_BYTES_MAX: usize = HOST_BYTES_MAX + 2 + 1 + 5 + 1 + 64;

/// Where a relay listens and the key that proves it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelayAddress {
    host: String,
    port: u16,
    key: SignKey,
}

/// Why a text is not a relay address. Whoever typed or made the text can correct it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Over [`ADDRESS_BYTES_MAX`].
    #[error("a relay address has at most {ADDRESS_BYTES_MAX} characters")]
    TooLong,
    /// No `#` followed by a key.
    #[error("a relay address ends in # and the relay's key")]
    NoKey,
    /// The key is not 52 base32 characters or 64 hexadecimal digits, or not a point on the curve.
    #[error("the relay's key is mistyped or cut short")]
    Key,
    /// Not a DNS name, an IPv4 address or an IPv6 address in brackets.
    #[error("the relay's host name is not valid")]
    Host,
    /// No port, or not a number from 1 to 65535.
    #[error("the relay's port is not a number from 1 to 65535")]
    Port,
}

impl RelayAddress {
    /// `host` is a DNS name or an IP address, an IPv6 address with or without brackets.
    pub fn new(host: &str, port: u16, key: SignKey) -> Result<Self, AddressError> {
        if port == 0 {
            return Err(AddressError::Port);
        }
        Ok(Self {
            host: parse_host(host)?,
            port,
            key,
        })
    }

    /// DNS name or IP address, an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// UDP port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The key the relay must prove to own.
    pub fn key(&self) -> SignKey {
        self.key
    }
}

/// The host of an address: a DNS name in lower case or an IP address, an IPv6 address without the brackets it may have.
pub fn parse_host(text: &str) -> Result<String, AddressError> {
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').ok_or(AddressError::Host)?,
        None => text,
    };
    if bare.contains(':') {
        let address: Ipv6Addr = bare.parse().map_err(|_| AddressError::Host)?;
        return Ok(address.to_string());
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let fits = bare.len() == text.len() && bare.len() <= HOST_BYTES_MAX && bare.split('.').all(label);
    if fits {
        Ok(bare.to_ascii_lowercase())
    } else {
        Err(AddressError::Host)
    }
}

/// A key as people copy it: 52 base32 characters in any case, or 64 hexadecimal digits.
pub fn parse_key(text: &str) -> Result<SignKey, AddressError> {
    let bytes = match text.len() {
        52 => BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes()),
        64 => HEXLOWER_PERMISSIVE.decode(text.as_bytes()),
        _ => return Err(AddressError::Key),
    };
    let bytes: [u8; 32] = bytes
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(AddressError::Key)?;
    SignKey::from_bytes(bytes).map_err(|_| AddressError::Key)
}

/// The base32 form that [`parse_key`] reads.
pub fn key_text(key: &SignKey) -> String {
    BASE32_NOPAD.encode(key.as_bytes()).to_ascii_lowercase()
}

impl fmt::Display for RelayAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, key } = self;
        if host.contains(':') {
            write!(f, "[{host}]:{port}#{}", key_text(key))
        } else {
            write!(f, "{host}:{port}#{}", key_text(key))
        }
    }
}

impl FromStr for RelayAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        if text.len() > ADDRESS_BYTES_MAX {
            return Err(AddressError::TooLong);
        }
        let (place, key) = text.split_once('#').ok_or(AddressError::NoKey)?;
        let (host, port) = place.rsplit_once(':').ok_or(AddressError::Port)?;
        if host.contains(':') && !host.starts_with('[') {
            return Err(AddressError::Host);
        }
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = match port.parse() {
            Ok(port) if digits => port,
            _ => return Err(AddressError::Port),
        };
        Self::new(host, port, parse_key(key)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sotay_feed::DeviceKeys;

    const LINE: &str = "relay.example.vn:7843#rkeohxlubhyzl7ks3mwtzos5olfgocn7dwkbeg7toseadnapn5oa";

    fn key() -> SignKey {
        DeviceKeys::from_seeds([1; 32], [2; 32]).public().sign
    }

    #[test]
    fn the_text_form_is_that_of_the_golden_vector_and_round_trips() {
        let address = RelayAddress::new("relay.example.vn", 7843, key()).unwrap();
        assert_eq!(address.to_string(), LINE);
        assert_eq!(LINE.parse(), Ok(address));
    }

    #[test]
    fn a_key_in_hexadecimal_or_capitals_is_the_same_key() {
        let hex = data_encoding::HEXUPPER.encode(key().as_bytes());
        assert_eq!(parse_key(&hex), Ok(key()));
        assert_eq!(parse_key(&key_text(&key()).to_ascii_uppercase()), Ok(key()));
    }

    #[test]
    fn an_ipv6_host_is_written_in_brackets_and_read_back() {
        let address = RelayAddress::new("2001:DB8::1", 443, key()).unwrap();
        assert!(address.to_string().starts_with("[2001:db8::1]:443#"));
        assert_eq!(address.to_string().parse(), Ok(address.clone()));
        assert_eq!(address.host(), "2001:db8::1");
    }

    #[test]
    fn each_part_that_is_wrong_has_its_own_error() {
        let key = key_text(&key());
        let parse = |text: String| text.parse::<RelayAddress>().unwrap_err();
        assert_eq!(parse("relay.example.vn:7843".into()), AddressError::NoKey);
        assert_eq!(parse(format!("relay.example.vn#{key}")), AddressError::Port);
        for port in ["0", "65536", "", "+80", "x"] {
            assert_eq!(parse(format!("relay:{port}#{key}")), AddressError::Port, "{port}");
        }
        for host in ["", "-a", "a..b", "a b", "[::1", "::1", "[1.2.3.4]", "ổn.vn"] {
            assert_eq!(parse(format!("{host}:1#{key}")), AddressError::Host, "{host}");
        }
        assert_eq!(parse(format!("relay:1#{}", &key[1..])), AddressError::Key);
        assert_eq!(parse(format!("relay:1#{}", "a".repeat(52))), AddressError::Key);
        assert_eq!(parse(format!("relay:1#{}", "0".repeat(64))), AddressError::Key);
    }

    #[test]
    fn the_longest_host_passes_and_one_more_character_does_not() {
        let host = format!("{0}.{0}.{0}.{1}", "a".repeat(63), "b".repeat(61));
        assert_eq!(host.len(), HOST_BYTES_MAX);
        assert!(RelayAddress::new(&host, 1, key()).is_ok());
        assert_eq!(
            RelayAddress::new(&format!("{host}b"), 1, key()),
            Err(AddressError::Host)
        );
        let long = format!("{}#", "a".repeat(ADDRESS_BYTES_MAX));
        assert_eq!(long.parse::<RelayAddress>(), Err(AddressError::TooLong));
    }

    proptest! {
        #[test]
        fn garbage_never_panics_and_what_parses_prints_and_parses_again(text in "\\PC{0,120}") {
            if let Ok(address) = text.parse::<RelayAddress>() {
                prop_assert_eq!(address.to_string().parse(), Ok(address));
            }
        }
    }
}
