//! A secret under a PIN (P7.5): Argon2id makes the key, XChaCha20-Poly1305 seals.
//!
//! ```text
//! [memory KiB, passes, lanes, salt(16), sealed]
//! ```
//!
//! A PIN is short: whoever has these bytes finds it by trying. They belong inside what a vault wraps, and the tries have
//! to be counted there.

use rand_core::CryptoRng;
use sotay_feed::cbor::{CborError, Reader, Writer};
use zeroize::Zeroizing;

use super::SECRET_BYTES_MAX;
use super::file::{Cost, OpenVaultError, SALT_LEN};
use crate::body::{open, seal};

/// Characters that a PIN has at least.
pub const PIN_CHARS_MIN: usize = 6;
/// Bytes that a PIN has at most, in UTF-8.
pub const PIN_BYTES_MAX: usize = 128;
const SEALED_BYTES_MAX: usize = SECRET_BYTES_MAX + 64;

/// Why a PIN is not taken. The person chooses another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PinRefused {
    /// Fewer than [`PIN_CHARS_MIN`] characters.
    #[error("a PIN has at least {PIN_CHARS_MIN} characters")]
    TooShort,
    /// More than [`PIN_BYTES_MAX`] bytes.
    #[error("a PIN has at most {PIN_BYTES_MAX} bytes")]
    TooLong,
    /// One character repeated, or digits that count up or down: the first ones anybody tries.
    #[error("this PIN is among the first that anybody tries")]
    TooEasy,
}

/// Whether a PIN may be chosen.
pub fn check_pin(pin: &str) -> Result<(), PinRefused> {
    if pin.len() > PIN_BYTES_MAX {
        return Err(PinRefused::TooLong);
    }
    let characters: Zeroizing<Vec<u32>> = Zeroizing::new(pin.chars().map(u32::from).collect());
    if characters.len() < PIN_CHARS_MIN {
        return Err(PinRefused::TooShort);
    }
    let steps = |step: i64| {
        characters
            .windows(2)
            .all(|pair| i64::from(pair[1]) - i64::from(pair[0]) == step)
    };
    if [0, 1, -1].into_iter().any(steps) {
        return Err(PinRefused::TooEasy);
    }
    Ok(())
}

/// A secret that a PIN opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnderPin {
    cost: Cost,
    salt: [u8; SALT_LEN],
    sealed: Vec<u8>,
}

impl UnderPin {
    /// Puts a secret under a PIN. Takes a good part of a second with [`Cost::STANDARD`], on purpose.
    ///
    /// # Errors
    /// [`OpenVaultError::Cost`] only.
    pub fn seal(
        pin: &str,
        cost: Cost,
        secret: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, OpenVaultError> {
        let mut salt = [0; SALT_LEN];
        rng.fill_bytes(&mut salt);
        let key = cost.derive(pin, &salt)?;
        let sealed = seal(&key, &head(cost, &salt), secret, rng);
        Ok(Self { cost, salt, sealed })
    }

    /// The secret, or `None` for a wrong PIN (or altered bytes: which one cannot be told). Takes as long as sealing.
    ///
    /// # Errors
    /// [`OpenVaultError::Cost`] if the bytes ask for more work than allowed.
    pub fn open(&self, pin: &str) -> Result<Option<Zeroizing<Vec<u8>>>, OpenVaultError> {
        let key = self.cost.derive(pin, &self.salt)?;
        Ok(open(&key, &head(self.cost, &self.salt), &self.sealed).ok())
    }

    /// Appends it to a record.
    pub fn write(&self, writer: &mut Writer) {
        writer.array(5);
        parts(writer, self.cost, &self.salt);
        writer.bytes(&self.sealed);
    }

    /// Reads it from a record.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.array(5)?;
        let cost = Cost {
            memory_kib: reader.small()?,
            passes: reader.small()?,
            lanes: reader.small()?,
        };
        Ok(Self {
            cost,
            salt: reader.fixed()?,
            sealed: reader.bytes(SEALED_BYTES_MAX)?.to_vec(),
        })
    }
}

/// What the sealed bytes are bound to.
fn head(cost: Cost, salt: &[u8; SALT_LEN]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(5).text("sotay/v1/pin");
    parts(&mut writer, cost, salt);
    writer.into_bytes()
}

fn parts(writer: &mut Writer, cost: Cost, salt: &[u8; SALT_LEN]) {
    writer
        .uint(u64::from(cost.memory_kib))
        .uint(u64::from(cost.passes))
        .uint(u64::from(cost.lanes))
        .bytes(salt);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    /// The least that Argon2 takes: these tests are about what is sealed, not about how long it takes.
    const QUICK: Cost = Cost {
        memory_kib: 8,
        passes: 1,
        lanes: 1,
    };

    fn rng() -> StdRng {
        StdRng::seed_from_u64(1)
    }

    fn bytes_of(under: &UnderPin) -> Vec<u8> {
        let mut writer = Writer::new();
        under.write(&mut writer);
        writer.into_bytes()
    }

    #[test]
    fn a_secret_under_a_pin_opens_with_it_however_it_was_typed_and_with_no_other() {
        let under = UnderPin::seal("tiếng-mẹ", QUICK, b"secret", &mut rng()).unwrap();
        let decomposed = "ti\u{65}\u{302}\u{301}ng-m\u{65}\u{323}";
        assert_eq!(&**under.open(decomposed).unwrap().unwrap(), b"secret");
        assert!(under.open("tieng-me").unwrap().is_none());
    }

    #[test]
    fn the_same_pin_gives_other_bytes_each_time() {
        let mut rng = rng();
        let [a, b] = [(); 2].map(|()| UnderPin::seal("482915", QUICK, b"secret", &mut rng).unwrap());
        assert_ne!(bytes_of(&a), bytes_of(&b));
    }

    #[test]
    fn no_byte_of_it_can_be_changed() {
        let under = UnderPin::seal("482915", QUICK, b"secret", &mut rng()).unwrap();
        let bytes = bytes_of(&under);
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            let opened = UnderPin::read(&mut Reader::new(&altered))
                .ok()
                .and_then(|under| under.open("482915").ok().flatten());
            assert!(opened.is_none(), "byte {at}");
        }
    }

    #[test]
    fn it_has_the_written_form_and_round_trips() {
        let under = UnderPin {
            cost: Cost::STANDARD,
            salt: [0x11; SALT_LEN],
            sealed: vec![1, 2, 3],
        };
        let bytes = bytes_of(&under);
        assert_eq!(
            data_encoding::HEXLOWER.encode(&bytes),
            "851a0001000003015011111111111111111111111111111111\
             43010203"
        );
        assert_eq!(UnderPin::read(&mut Reader::new(&bytes)).unwrap(), under);
        assert!(UnderPin::read(&mut Reader::new(&bytes[..bytes.len() - 1])).is_err());
    }

    #[test]
    fn sealed_bytes_and_cost_over_their_limits_are_refused() {
        let mut under = UnderPin {
            cost: QUICK,
            salt: [0; SALT_LEN],
            sealed: vec![0; SEALED_BYTES_MAX],
        };
        assert!(UnderPin::read(&mut Reader::new(&bytes_of(&under))).is_ok());
        under.sealed.push(0);
        assert!(UnderPin::read(&mut Reader::new(&bytes_of(&under))).is_err());
        under.cost.memory_kib = Cost::MEMORY_KIB_MAX + 1;
        assert_eq!(under.open("482915"), Err(OpenVaultError::Cost));
    }

    #[test]
    fn pins_that_are_short_long_or_the_first_to_be_tried_are_refused() {
        assert_eq!(check_pin("48291"), Err(PinRefused::TooShort));
        assert_eq!(check_pin("482915"), Ok(()));
        assert_eq!(check_pin(&"48".repeat(PIN_BYTES_MAX / 2)), Ok(()));
        assert_eq!(
            check_pin(&"482".repeat(PIN_BYTES_MAX / 2)),
            Err(PinRefused::TooLong)
        );
        for easy in ["000000", "123456", "987654", "aaaaaaa", "abcdef"] {
            assert_eq!(check_pin(easy), Err(PinRefused::TooEasy), "{easy}");
        }
        // Five letters with marks are eleven bytes, and still five characters.
        assert_eq!(check_pin("ềềềềệ"), Err(PinRefused::TooShort));
    }

    proptest! {
        #[test]
        fn garbage_is_nothing_under_a_pin(bytes in proptest::collection::vec(any::<u8>(), 0..90)) {
            let _ = UnderPin::read(&mut Reader::new(&bytes));
        }
    }
}
