//! What the level above hands to the secretary of a new branch (clause E5): keys made in advance, the records that found the
//! branch, and names, sealed under a code that travels another way.
//!
//! ```text
//! text = "sotay-pack-1:" ‖ base64url( nonce(24) ‖ XChaCha20-Poly1305 over
//!        [1, first, sign seed 32, box secret 32, member 16, [envelope …], unit, upper, holder] )
//! key  = BLAKE3-derive("sotay/v1/branch-pack", letters of the code)
//! ```
//!
//! The code has 100 random bits, so no slow derivation is needed to keep it from being guessed.

use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use rand::CryptoRng;
use sotay_feed::cbor::{CborError, Reader, Writer};
use sotay_feed::limits::ENVELOPE_BYTES_MAX;
use sotay_feed::{DeviceKeys, MemberId};
use sotay_vault::{EpochKey, open_body, seal_body};
use zeroize::Zeroizing;

use crate::enrolment::EnrolTextError;

/// Envelopes in one pack: the genesis and the grants of the secretary's phones.
pub const PACK_ENVELOPES_MAX: usize = 4;
/// Bytes of one name in a pack.
pub const PACK_NAME_BYTES_MAX: usize = 1200;
/// Random bytes of a code; written as 20 letters.
const CODE_BYTES: usize = 13;
const CODE_LETTERS: usize = 20;
const PREFIX: &str = "sotay-pack-1:";
const KEY_CONTEXT: &str = "sotay/v1/branch-pack";
const SEAL_CONTEXT: &[u8] = b"sotay/v1/branch-pack\0";
const VERSION: u64 = 1;

/// A branch that waits for its secretary's phone.
#[derive(Clone)]
pub struct Pack {
    /// Whether this phone writes the first pages; the secretary's second phone does not.
    pub(crate) first: bool,
    pub(crate) sign_seed: Zeroizing<[u8; 32]>,
    pub(crate) seal_secret: Zeroizing<[u8; 32]>,
    pub(crate) member: MemberId,
    pub(crate) envelopes: Vec<Vec<u8>>,
    /// Name of the branch.
    pub unit: String,
    /// Name of the body above it.
    pub upper: String,
    /// Name of the secretary.
    pub holder: String,
}

impl std::fmt::Debug for Pack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pack({} envelopes)", self.envelopes.len())
    }
}

/// The code of a pack: 20 letters and digits in four groups. It opens the pack; hand it over another way.
#[derive(Clone)]
pub struct PackCode(Zeroizing<String>);

impl std::fmt::Debug for PackCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PackCode")
    }
}

impl PackCode {
    /// A new one.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut bytes = Zeroizing::new([0; CODE_BYTES]);
        rng.fill_bytes(&mut bytes[..]);
        let mut letters = BASE32_NOPAD.encode(&bytes[..]);
        letters.truncate(CODE_LETTERS);
        Self(Zeroizing::new(letters))
    }

    /// Reads what a person typed: groups, spaces and lower case do not matter.
    pub fn from_text(text: &str) -> Result<Self, EnrolTextError> {
        let typed = text.chars().filter(|c| !c.is_whitespace() && *c != '-');
        let letters: String = typed.map(|c| c.to_ascii_uppercase()).collect();
        let known = letters
            .bytes()
            .all(|b| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b));
        if letters.len() == CODE_LETTERS && known {
            Ok(Self(Zeroizing::new(letters)))
        } else {
            Err(EnrolTextError::Damaged)
        }
    }

    /// As it is written down.
    pub fn to_text(&self) -> String {
        let groups: Vec<&str> = (0..CODE_LETTERS)
            .step_by(5)
            .map(|at| &self.0[at..at + 5])
            .collect();
        groups.join("-")
    }

    /// The key that follows from the code for one purpose.
    pub(crate) fn key(&self, context: &str) -> EpochKey {
        EpochKey::from_bytes(&blake3::derive_key(context, self.0.as_bytes()))
    }
}

impl Pack {
    pub(crate) fn keys(&self) -> DeviceKeys {
        DeviceKeys::from_seeds(*self.sign_seed, *self.seal_secret)
    }

    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::new();
        writer
            .array(9)
            .uint(VERSION)
            .uint(u64::from(self.first))
            .bytes(&self.sign_seed[..])
            .bytes(&self.seal_secret[..])
            .bytes(self.member.as_bytes())
            .array(self.envelopes.len());
        for envelope in &self.envelopes {
            writer.bytes(envelope);
        }
        writer.text(&self.unit).text(&self.upper).text(&self.holder);
        Zeroizing::new(writer.into_bytes())
    }

    fn decode(bytes: &[u8]) -> Result<Self, EnrolTextError> {
        let mut reader = Reader::new(bytes);
        reader.array(9)?;
        let version = reader.uint()?;
        if version != VERSION {
            return Err(EnrolTextError::Version(version));
        }
        let first = match reader.uint()? {
            0 => false,
            1 => true,
            _ => return Err(EnrolTextError::Damaged),
        };
        let (sign_seed, seal_secret) = (Zeroizing::new(reader.fixed()?), Zeroizing::new(reader.fixed()?));
        let member = MemberId::from_bytes(reader.fixed()?);
        let count = reader.array_up_to(PACK_ENVELOPES_MAX)?;
        let envelopes = (0..count)
            .map(|_| Ok(reader.bytes(ENVELOPE_BYTES_MAX)?.to_vec()))
            .collect::<Result<Vec<_>, CborError>>()?;
        let mut name = || Ok::<_, CborError>(reader.text(PACK_NAME_BYTES_MAX)?.to_owned());
        let (unit, upper, holder) = (name()?, name()?, name()?);
        let pack = Self {
            first,
            sign_seed,
            seal_secret,
            member,
            envelopes,
            unit,
            upper,
            holder,
        };
        reader.finish(&pack.encode())?;
        Ok(pack)
    }

    /// The text to hand over as a file or QR code.
    pub fn to_text(&self, code: &PackCode, rng: &mut dyn CryptoRng) -> String {
        let sealed = seal_body(SEAL_CONTEXT, &code.key(KEY_CONTEXT), &self.encode(), rng);
        format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&sealed))
    }

    /// Opens the text with its code. A wrong code and a damaged text cannot be told apart.
    pub fn from_text(text: &str, code: &PackCode) -> Result<Self, EnrolTextError> {
        let joined: String = text.split_whitespace().collect();
        let data = joined.strip_prefix(PREFIX).ok_or(EnrolTextError::Prefix {
            expected: "branch pack",
            prefix: PREFIX,
        })?;
        let most = PACK_ENVELOPES_MAX * ENVELOPE_BYTES_MAX * 2;
        if data.len() > most {
            return Err(EnrolTextError::TooLong);
        }
        let sealed = BASE64URL_NOPAD
            .decode(data.as_bytes())
            .map_err(|_| EnrolTextError::Damaged)?;
        let body =
            open_body(SEAL_CONTEXT, &code.key(KEY_CONTEXT), &sealed).map_err(|_| EnrolTextError::Damaged)?;
        Self::decode(&body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    fn pack(name: &str) -> Pack {
        Pack {
            first: true,
            sign_seed: Zeroizing::new([1; 32]),
            seal_secret: Zeroizing::new([2; 32]),
            member: MemberId::from_bytes([3; 16]),
            envelopes: vec![vec![4; 300]; 3],
            unit: name.to_owned(),
            upper: "Đảng bộ xã".to_owned(),
            holder: "Lê Văn An".to_owned(),
        }
    }

    #[test]
    fn a_pack_opens_with_its_code_however_it_is_typed_and_with_no_other() {
        let mut rng = StdRng::seed_from_u64(1);
        let (code, other) = (PackCode::generate(&mut rng), PackCode::generate(&mut rng));
        let text = pack("Chi bộ 1").to_text(&code, &mut rng);
        let typed = code.to_text().to_lowercase().replace('-', " ");
        let opened = Pack::from_text(&text, &PackCode::from_text(&typed).unwrap()).unwrap();
        assert_eq!(opened.encode(), pack("Chi bộ 1").encode());
        assert_eq!(
            Pack::from_text(&text, &other).err(),
            Some(EnrolTextError::Damaged)
        );
        assert!(!format!("{opened:?} {code:?}").contains("An"));
    }

    #[test]
    fn one_byte_short_a_newer_version_and_a_name_over_the_limit_are_refused() {
        let good = pack("x").encode();
        for len in 0..good.len() {
            assert!(Pack::decode(&good[..len]).is_err(), "{len}");
        }
        let mut newer = good.to_vec();
        newer[1] = 2;
        assert_eq!(Pack::decode(&newer).err(), Some(EnrolTextError::Version(2)));
        assert!(Pack::decode(&pack(&"x".repeat(PACK_NAME_BYTES_MAX)).encode()).is_ok());
        let long = pack(&"x".repeat(PACK_NAME_BYTES_MAX + 1)).encode();
        assert_eq!(Pack::decode(&long).err(), Some(EnrolTextError::TooLong));
        assert!(PackCode::from_text("ABCDE-FGHIJ-KLMNO").is_err());
        assert!(PackCode::from_text("ABCDE-FGHIJ-KLMNO-PQR81").is_err());
    }

    proptest! {
        #[test]
        fn garbage_is_no_pack(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Pack::decode(&bytes).is_err());
        }
    }
}
