//! What two phones hand each other, with no network, so that one admits the other (clauses E1 and E2 of
//! `docs/protocol/enrolment.md`).
//!
//! 1. The joiner shows a [`JoinRequest`]: public keys, a nonce and a label, signed by itself.
//! 2. The officer checks the person, grants, and hands back an [`Invitation`]: which unit, which grant, where the relay
//!    is, and a bundle with the records the joiner needs to work offline at once. The bundle holds only what a relay
//!    would hold too: signed, and sealed except for membership.
//!
//! Both have a text form for messages, QR codes and files: a prefix and base64url, white space ignored.

use data_encoding::BASE64URL_NOPAD;
use rand::CryptoRng;
use sotay_feed::cbor::{CborError, Reader, Writer};
use sotay_feed::{BoxKey, DeviceKeys, DevicePublic, EnvelopeId, KeyError, MemberId, SignKey, UnitId};

/// Bytes of a device's label ("P1", "máy bí thư").
pub const LABEL_BYTES_MAX: usize = 64;
/// Relay addresses in one invitation.
pub const RELAY_HINTS_MAX: usize = 8;
/// Bytes of one relay address.
pub const RELAY_HINT_BYTES_MAX: usize = 256;
/// Bytes of one invitation, the bundle included.
pub const INVITATION_BYTES_MAX: usize = 16 * 1024 * 1024;

const REQUEST_PREFIX: &str = "sotay-join-1:";
const INVITATION_PREFIX: &str = "sotay-invite-1:";
const REQUEST_CONTEXT: &str = "sotay/v1/join-request";
const VERSION: u64 = 1;

/// Why text is not a join request or an invitation. The fault is with whoever wrote or copied it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnrolTextError {
    /// It does not begin as such a text does.
    #[error("this is not a {expected}: it should begin with \"{prefix}\"")]
    Prefix {
        /// What was asked for.
        expected: &'static str,
        /// How it begins.
        prefix: &'static str,
    },
    /// Letters are missing, changed or added.
    #[error("the text is damaged or incomplete; copy it again, whole")]
    Damaged,
    /// Made by a newer version.
    #[error("made by a newer version of this software (format {0})")]
    Version(u64),
    /// The keys in it cannot be used.
    #[error("the keys in it cannot be used: {0}")]
    Keys(#[from] KeyError),
    /// It was not signed by the device it names.
    #[error("it was not signed by the device it names")]
    Signature,
    /// A text or list in it is over its limit.
    #[error("a part of it is too long")]
    TooLong,
}

impl From<CborError> for EnrolTextError {
    fn from(error: CborError) -> Self {
        match error {
            CborError::TooMany { .. } => Self::TooLong,
            _ => Self::Damaged,
        }
    }
}

/// "Please admit this phone": what the joiner shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinRequest {
    /// Keys of the joining device.
    pub keys: DevicePublic,
    /// Fresh with every request.
    pub nonce: [u8; 16],
    /// What the phone is called, for lists; no personal data.
    pub label: String,
    signature: [u8; 64],
}

impl JoinRequest {
    /// Signs a request for these keys.
    pub fn new(keys: &DeviceKeys, label: &str, rng: &mut dyn CryptoRng) -> Result<Self, EnrolTextError> {
        if label.len() > LABEL_BYTES_MAX {
            return Err(EnrolTextError::TooLong);
        }
        let mut nonce = [0; 16];
        rng.fill_bytes(&mut nonce);
        let mut request = Self {
            keys: keys.public(),
            nonce,
            label: label.to_owned(),
            signature: [0; 64],
        };
        request.signature = keys.sign_detached(REQUEST_CONTEXT, &request.signed_part());
        Ok(request)
    }

    fn signed_part(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer
            .array(5)
            .uint(VERSION)
            .bytes(self.keys.sign.as_bytes())
            .bytes(self.keys.seal.as_bytes())
            .bytes(&self.nonce)
            .text(&self.label);
        writer.into_bytes()
    }

    /// The text to show or send, about 250 characters.
    pub fn to_text(&self) -> String {
        let mut bytes = self.signed_part();
        bytes.extend_from_slice(&self.signature);
        format!("{REQUEST_PREFIX}{}", BASE64URL_NOPAD.encode(&bytes))
    }

    /// Reads the text and checks that the device itself signed it.
    pub fn from_text(text: &str) -> Result<Self, EnrolTextError> {
        let bytes = unarmour(text, "join request", REQUEST_PREFIX)?;
        let split = bytes.len().checked_sub(64).ok_or(EnrolTextError::Damaged)?;
        let (part, signature) = bytes.split_at(split);
        let mut reader = Reader::new(part);
        reader.array_up_to(16)?;
        version(reader.uint()?)?;
        let request = Self {
            keys: DevicePublic {
                sign: SignKey::from_bytes(reader.fixed()?)?,
                seal: BoxKey::from_bytes(reader.fixed()?)?,
            },
            nonce: reader.fixed()?,
            label: reader.text(LABEL_BYTES_MAX)?.to_owned(),
            signature: signature.try_into().map_err(|_| EnrolTextError::Damaged)?,
        };
        reader.finish(&request.signed_part())?;
        if request
            .keys
            .sign
            .verify_detached(REQUEST_CONTEXT, part, &request.signature)
        {
            Ok(request)
        } else {
            Err(EnrolTextError::Signature)
        }
    }

    /// Six digits that both phones show and the two people compare aloud.
    pub fn check_code(&self) -> String {
        let hash = blake3_of(&self.signed_part());
        let number = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]) % 1_000_000;
        format!("{:03} {:03}", number / 1000, number % 1000)
    }
}

fn blake3_of(bytes: &[u8]) -> [u8; 32] {
    blake3::derive_key("sotay/v1/join-check-code", bytes)
}

/// What the officer hands back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The unit the joiner becomes part of; everything else must fit it.
    pub unit: UnitId,
    /// Who the joiner is there.
    pub member: MemberId,
    /// The grant of the joiner's device.
    pub grant: EnvelopeId,
    /// Relay addresses to try, best first.
    pub relays: Vec<String>,
    /// Records for working offline at once (a bundle of `sotay_sync`).
    pub bundle: Vec<u8>,
}

impl Invitation {
    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer
            .array(6)
            .uint(VERSION)
            .bytes(self.unit.as_bytes())
            .bytes(self.member.as_bytes())
            .bytes(self.grant.as_bytes())
            .array(self.relays.len());
        for relay in &self.relays {
            writer.text(relay);
        }
        writer.bytes(&self.bundle);
        writer.into_bytes()
    }

    /// The text to send or save.
    pub fn to_text(&self) -> String {
        format!("{INVITATION_PREFIX}{}", BASE64URL_NOPAD.encode(&self.encode()))
    }

    /// Reads the text; what the bundle holds is checked when it is accepted.
    pub fn from_text(text: &str) -> Result<Self, EnrolTextError> {
        let bytes = unarmour(text, "invitation", INVITATION_PREFIX)?;
        let mut reader = Reader::new(&bytes);
        reader.array_up_to(16)?;
        version(reader.uint()?)?;
        let (unit, member, grant) = (reader.fixed()?, reader.fixed()?, reader.fixed()?);
        let mut relays = Vec::new();
        for _ in 0..reader.array_up_to(RELAY_HINTS_MAX)? {
            relays.push(reader.text(RELAY_HINT_BYTES_MAX)?.to_owned());
        }
        let invitation = Self {
            unit: UnitId::from_bytes(unit),
            member: MemberId::from_bytes(member),
            grant: EnvelopeId::from_bytes(grant),
            relays,
            bundle: reader.bytes(INVITATION_BYTES_MAX)?.to_vec(),
        };
        reader.finish(&invitation.encode())?;
        Ok(invitation)
    }
}

fn version(found: u64) -> Result<(), EnrolTextError> {
    if found == VERSION {
        Ok(())
    } else {
        Err(EnrolTextError::Version(found))
    }
}

fn unarmour(text: &str, expected: &'static str, prefix: &'static str) -> Result<Vec<u8>, EnrolTextError> {
    if text.len() > INVITATION_BYTES_MAX * 2 {
        return Err(EnrolTextError::TooLong);
    }
    let joined: String = text.split_whitespace().collect();
    let data = joined
        .strip_prefix(prefix)
        .ok_or(EnrolTextError::Prefix { expected, prefix })?;
    BASE64URL_NOPAD
        .decode(data.as_bytes())
        .map_err(|_| EnrolTextError::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;

    fn request() -> JoinRequest {
        let keys = DeviceKeys::from_seeds([1; 32], [2; 32]);
        JoinRequest::new(&keys, "P1", &mut rand::rngs::StdRng::seed_from_u64(7)).unwrap()
    }

    fn invitation() -> Invitation {
        Invitation {
            unit: UnitId::from_bytes([1; 32]),
            member: MemberId::from_bytes([2; 16]),
            grant: EnvelopeId::from_bytes([3; 32]),
            relays: vec!["127.0.0.1:7843#00".to_owned()],
            bundle: vec![4; 300],
        }
    }

    #[test]
    fn request_and_invitation_survive_line_breaks_and_spaces() {
        let broken = |text: String| {
            text.as_bytes()
                .chunks(40)
                .map(|c| String::from_utf8_lossy(c).into_owned())
                .collect::<Vec<_>>()
                .join("\r\n ")
        };
        assert_eq!(
            JoinRequest::from_text(&broken(request().to_text())),
            Ok(request())
        );
        assert_eq!(
            Invitation::from_text(&broken(invitation().to_text())),
            Ok(invitation())
        );
    }

    #[test]
    fn a_request_with_one_changed_letter_is_refused() {
        let text = request().to_text();
        for at in REQUEST_PREFIX.len()..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            assert!(
                JoinRequest::from_text(&String::from_utf8(bytes).unwrap()).is_err(),
                "letter {at}"
            );
        }
    }

    #[test]
    fn one_is_not_taken_for_the_other() {
        assert!(matches!(
            JoinRequest::from_text(&invitation().to_text()),
            Err(EnrolTextError::Prefix { .. })
        ));
        assert!(matches!(
            Invitation::from_text("hello"),
            Err(EnrolTextError::Prefix { .. })
        ));
    }

    #[test]
    fn a_label_or_a_list_of_relays_over_the_limit_is_refused() {
        let keys = DeviceKeys::from_seeds([1; 32], [2; 32]);
        let mut rng = rand::rngs::StdRng::seed_from_u64(7);
        assert!(JoinRequest::new(&keys, &"x".repeat(LABEL_BYTES_MAX), &mut rng).is_ok());
        assert_eq!(
            JoinRequest::new(&keys, &"x".repeat(LABEL_BYTES_MAX + 1), &mut rng),
            Err(EnrolTextError::TooLong)
        );
        let mut many = invitation();
        many.relays = vec!["r".to_owned(); RELAY_HINTS_MAX + 1];
        assert_eq!(
            Invitation::from_text(&many.to_text()),
            Err(EnrolTextError::TooLong)
        );
    }

    #[test]
    fn check_codes_have_six_digits() {
        let code = request().check_code();
        assert_eq!(code.chars().filter(char::is_ascii_digit).count(), 6, "{code}");
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "\\PC{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = JoinRequest::from_text(&text);
            let armoured = BASE64URL_NOPAD.encode(&bytes);
            let _ = JoinRequest::from_text(&format!("{REQUEST_PREFIX}{armoured}"));
            let _ = Invitation::from_text(&format!("{INVITATION_PREFIX}{armoured}"));
        }
    }
}
