//! What two phones hand each other, with no network, so that one admits the other (clauses E1 and E2 of
//! `docs/protocol/enrolment.md`).
//!
//! 1. The joiner shows a [`JoinRequest`]: public keys, a nonce and a label, signed by itself.
//! 2. The officer checks the person, grants, and hands back an [`Invitation`]: which unit, which grant, where the relay
//!    is, and a bundle with the records the joiner needs to work offline at once. The bundle holds only what a relay
//!    would hold too: signed, and sealed except for membership.
//!
//! Both have a text form for messages, QR codes and files: a prefix and base64url, white space ignored. A request that is
//! shown as a QR code says when it was made and is good for [`REQUEST_GOOD_SECONDS`]; one that is carried by hand says
//! nothing of the sort. What answers a shown one is in `codes`.

use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
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

/// How long a request that is shown can be used.
pub const REQUEST_GOOD_SECONDS: i64 = 600;
/// How far the clocks of two phones may be apart.
pub const CLOCK_SKEW_SECONDS: i64 = 300;

const REQUEST_PREFIX: &str = "sotay-join-1:";
const SHOWN_PREFIX: &str = "SOTAY-JOIN-2:";
const INVITATION_PREFIX: &str = "sotay-invite-1:";
const VERSION: u64 = 1;
/// A request that is shown.
const SHOWN: u64 = 2;
/// A request to one hall.
const IN_HALL: u64 = 3;
/// Bytes of a text that is no invitation: a request, a ticket, a code of a hall.
const SHORT_TEXT_BYTES_MAX: usize = 4096;

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

/// Why a dated request is not good now. Nothing was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotFresh {
    /// It was made longer ago than [`REQUEST_GOOD_SECONDS`]: show a new one.
    #[error("the request is {0} seconds old, too old to be used")]
    Stale(i64),
    /// It was made in the future: one of the two clocks is wrong.
    #[error("the request was made {0} seconds in the future; compare the clocks of both phones")]
    Ahead(i64),
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
    /// When it was made (seconds since 1970 by the joiner's clock); a request to be carried by hand does not say.
    pub made: Option<u64>,
    /// The hall it is for (its box key); it is good in no other.
    pub(crate) hall: Option<[u8; 32]>,
    signature: [u8; 64],
}

impl JoinRequest {
    /// A request to be carried by hand, as a message or a file. It does not expire.
    pub fn new(keys: &DeviceKeys, label: &str, rng: &mut dyn CryptoRng) -> Result<Self, EnrolTextError> {
        Self::made(keys, label, None, None, rng)
    }

    /// A request to be shown as a QR code: good for [`REQUEST_GOOD_SECONDS`], so make a new one in time.
    pub fn shown(
        keys: &DeviceKeys,
        label: &str,
        now: i64,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, EnrolTextError> {
        Self::made(keys, label, Some(seconds(now)), None, rng)
    }

    pub(crate) fn made(
        keys: &DeviceKeys,
        label: &str,
        made: Option<u64>,
        hall: Option<[u8; 32]>,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, EnrolTextError> {
        if label.len() > LABEL_BYTES_MAX {
            return Err(EnrolTextError::TooLong);
        }
        let mut nonce = [0; 16];
        rng.fill_bytes(&mut nonce);
        let mut request = Self {
            keys: keys.public(),
            nonce,
            label: label.to_owned(),
            made,
            hall,
            signature: [0; 64],
        };
        request.signature = keys.sign_detached(request.context(), &request.signed_part());
        Ok(request)
    }

    fn context(&self) -> &'static str {
        match (self.made, self.hall) {
            (None, _) => "sotay/v1/join-request",
            (Some(_), None) => "sotay/v2/join-request",
            (Some(_), Some(_)) => "sotay/v3/join-request",
        }
    }

    fn signed_part(&self) -> Vec<u8> {
        let (version, items) = match (self.made, self.hall) {
            (None, _) => (VERSION, 5),
            (Some(_), None) => (SHOWN, 6),
            (Some(_), Some(_)) => (IN_HALL, 7),
        };
        let mut writer = Writer::new();
        writer
            .array(items)
            .uint(version)
            .bytes(self.keys.sign.as_bytes())
            .bytes(self.keys.seal.as_bytes())
            .bytes(&self.nonce);
        if let Some(made) = self.made {
            writer.uint(made);
            if let Some(hall) = &self.hall {
                writer.bytes(hall);
            }
        }
        writer.text(&self.label);
        writer.into_bytes()
    }

    /// The payload of a QR code, about 160 bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        [&self.signed_part()[..], &self.signature].concat()
    }

    /// The text to show or send, 230 to 270 characters. That of a shown request has only characters which QR codes pack
    /// densely.
    pub fn to_text(&self) -> String {
        match self.made {
            None => format!("{REQUEST_PREFIX}{}", BASE64URL_NOPAD.encode(&self.to_bytes())),
            Some(_) => dense(SHOWN_PREFIX, &self.to_bytes()),
        }
    }

    /// Reads the text and checks that the device itself signed it.
    pub fn from_text(text: &str) -> Result<Self, EnrolTextError> {
        let request = match undense(text, "join request", SHOWN_PREFIX) {
            Ok(bytes) => Self::from_bytes(&bytes)?,
            Err(EnrolTextError::Prefix { .. }) => {
                Self::from_bytes(&unarmour(text, "join request", REQUEST_PREFIX)?)?
            }
            Err(error) => return Err(error),
        };
        // A request to a hall travels sealed for it, never as a text of its own.
        if request.hall.is_some() {
            return Err(EnrolTextError::Damaged);
        }
        Ok(request)
    }

    /// Reads the payload of a QR code.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EnrolTextError> {
        let split = bytes.len().checked_sub(64).ok_or(EnrolTextError::Damaged)?;
        let (part, signature) = bytes.split_at(split);
        let mut reader = Reader::new(part);
        reader.array_up_to(16)?;
        let version = reader.uint()?;
        if !(VERSION..=IN_HALL).contains(&version) {
            return Err(EnrolTextError::Version(version));
        }
        let keys = DevicePublic {
            sign: SignKey::from_bytes(reader.fixed()?)?,
            seal: BoxKey::from_bytes(reader.fixed()?)?,
        };
        let nonce = reader.fixed()?;
        let made = (version >= SHOWN).then(|| reader.uint()).transpose()?;
        let hall = (version == IN_HALL).then(|| reader.fixed()).transpose()?;
        let request = Self {
            keys,
            nonce,
            label: reader.text(LABEL_BYTES_MAX)?.to_owned(),
            made,
            hall,
            signature: signature.try_into().map_err(|_| EnrolTextError::Damaged)?,
        };
        reader.finish(&request.signed_part())?;
        if request
            .keys
            .sign
            .verify_detached(request.context(), part, &request.signature)
        {
            Ok(request)
        } else {
            Err(EnrolTextError::Signature)
        }
    }

    /// Whether a request that says when it was made is good at `now` (milliseconds since 1970).
    pub fn fresh(&self, now: i64) -> Result<(), NotFresh> {
        let Some(made) = self.made else { return Ok(()) };
        let age = now / 1000 - i64::try_from(made).unwrap_or(i64::MAX);
        if age > REQUEST_GOOD_SECONDS + CLOCK_SKEW_SECONDS {
            Err(NotFresh::Stale(age))
        } else if age < -CLOCK_SKEW_SECONDS {
            Err(NotFresh::Ahead(-age))
        } else {
            Ok(())
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

/// Seconds since 1970; a clock before that is taken for 1970.
pub(crate) fn seconds(now: i64) -> u64 {
    u64::try_from(now / 1000).unwrap_or(0)
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

pub(crate) fn unarmour(
    text: &str,
    expected: &'static str,
    prefix: &'static str,
) -> Result<Vec<u8>, EnrolTextError> {
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

/// A text of capitals and digits: QR codes hold it in five and a half bits a character.
pub(crate) fn dense(prefix: &str, bytes: &[u8]) -> String {
    format!("{prefix}{}", BASE32_NOPAD.encode(bytes))
}

pub(crate) fn undense(
    text: &str,
    expected: &'static str,
    prefix: &'static str,
) -> Result<Vec<u8>, EnrolTextError> {
    let upper = |text: &str| -> String {
        let bare = text.chars().filter(|c| !c.is_whitespace());
        bare.map(|c| c.to_ascii_uppercase()).collect()
    };
    // What is longer is no such text; its beginning tells what it is instead.
    let long = text.len() > SHORT_TEXT_BYTES_MAX;
    let head = if long { text.get(..64).unwrap_or("") } else { text };
    let joined = upper(head);
    let data = joined
        .strip_prefix(prefix)
        .ok_or(EnrolTextError::Prefix { expected, prefix })?;
    if long {
        return Err(EnrolTextError::TooLong);
    }
    BASE32_NOPAD
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

    const NOW: i64 = 1_778_000_000_000;

    fn shown() -> JoinRequest {
        let keys = DeviceKeys::from_seeds([1; 32], [2; 32]);
        JoinRequest::shown(&keys, "P1", NOW, &mut rand::rngs::StdRng::seed_from_u64(7)).unwrap()
    }

    #[test]
    fn requests_have_the_bytes_of_the_golden_vectors() {
        let in_hall = JoinRequest::made(
            &DeviceKeys::from_seeds([1; 32], [2; 32]),
            "P1",
            Some(1_778_000_000),
            Some([9; 32]),
            &mut rand::rngs::StdRng::seed_from_u64(7),
        )
        .unwrap();
        let hex = [request(), shown(), in_hall.clone()]
            .map(|request| data_encoding::HEXLOWER.encode(&request.to_bytes()));
        let known: Vec<&str> = include_str!("../vectors/requests.hex").lines().collect();
        assert_eq!(hex.to_vec(), known);
        for (known, request) in known.iter().zip([request(), shown(), in_hall]) {
            let bytes = data_encoding::HEXLOWER.decode(known.as_bytes()).unwrap();
            assert_eq!(JoinRequest::from_bytes(&bytes), Ok(request));
        }
    }

    #[test]
    fn a_shown_request_is_good_for_ten_minutes_and_the_skew_of_clocks() {
        let at = |seconds: i64| shown().fresh(NOW + seconds * 1000);
        assert_eq!(at(0), Ok(()));
        assert_eq!(at(REQUEST_GOOD_SECONDS + CLOCK_SKEW_SECONDS), Ok(()));
        assert_eq!(at(901), Err(NotFresh::Stale(901)));
        assert_eq!(at(-CLOCK_SKEW_SECONDS), Ok(()));
        assert_eq!(at(-301), Err(NotFresh::Ahead(301)));
        assert_eq!(request().fresh(i64::MAX), Ok(()), "carried by hand");
    }

    #[test]
    fn a_shown_request_is_read_in_any_case_and_its_kind_cannot_be_changed() {
        let text = shown().to_text();
        assert!(text.len() <= 271, "{} characters", text.len());
        assert_eq!(JoinRequest::from_text(&text.to_lowercase()), Ok(shown()));
        let bytes = shown().to_bytes();
        let carried = format!("{REQUEST_PREFIX}{}", BASE64URL_NOPAD.encode(&bytes));
        assert_eq!(
            JoinRequest::from_text(&carried),
            Ok(shown()),
            "the bytes say what it is"
        );
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert!(JoinRequest::from_bytes(&other).is_err(), "byte {at}");
            assert!(JoinRequest::from_bytes(&bytes[..at]).is_err(), "{at} bytes");
        }
    }

    #[test]
    fn a_request_of_a_newer_version_is_named_as_one() {
        let mut bytes = shown().to_bytes();
        bytes[1] = 4;
        assert_eq!(JoinRequest::from_bytes(&bytes), Err(EnrolTextError::Version(4)));
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
            let _ = JoinRequest::from_text(&dense(SHOWN_PREFIX, &bytes));
            let _ = JoinRequest::from_bytes(&bytes);
            let _ = Invitation::from_text(&format!("{INVITATION_PREFIX}{armoured}"));
        }
    }
}
