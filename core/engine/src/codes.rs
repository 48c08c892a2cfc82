//! What officers show to those who join (clauses E6 and E7 of `docs/protocol/enrolment.md`): small enough for a QR code, and
//! enough to pin everything that comes by another way.
//!
//! - [`Ticket`]: the answer to one phone. It names the unit, the grant, relays, and a one-time key.
//! - [`HallCode`]: one code on the wall for everybody in the hall, good for two hours.
//!
//! The rest, the records that a phone needs to work, comes from a relay, where the grant opens the door, or in a file that
//! is sealed under the key of the code ([`seal_welcome`]).

use data_encoding::BASE64URL_NOPAD;
use rand::CryptoRng;
use sotay_feed::cbor::{Reader, Writer};
use sotay_feed::{BoxKey, EnvelopeId, SignKey, UnitId};
use sotay_net::RelayAddress;
use sotay_vault::{EpochKey, open_body, seal_body};

use crate::enrolment::{EnrolTextError, dense, unarmour, undense};

/// Relays in one code; more would make it hard to scan.
pub const CODE_RELAYS_MAX: usize = 2;
/// How long a hall is open.
pub const HALL_SECONDS: u64 = 2 * 60 * 60;
/// Bytes of a file of welcome.
pub const WELCOME_BYTES_MAX: usize = sotay_sync::limits::BUNDLE_BYTES_MAX + 4096;
/// How a file of welcome begins.
pub const WELCOME_MAGIC: &[u8] = b"sotay-welcome-1\n";

const TICKET_PREFIX: &str = "SOTAY-TICKET-1:";
const HALL_PREFIX: &str = "SOTAY-HALL-1:";
const WELCOME_CONTEXT: &str = "sotay/v1/welcome";
const VERSION: u64 = 1;
const HOST_BYTES_MAX: usize = sotay_net::HOST_BYTES_MAX;

/// The answer to one phone.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The unit the joiner becomes part of; everything else must fit it.
    pub unit: UnitId,
    /// The grant of the joiner's device.
    pub grant: EnvelopeId,
    /// Opens the file of welcome.
    pub(crate) key: [u8; 16],
    /// Relays that will know the grant, best first.
    pub relays: Vec<RelayAddress>,
}

/// The code on the wall.
#[derive(Clone, PartialEq, Eq)]
pub struct HallCode {
    /// The unit.
    pub unit: UnitId,
    /// Requests are sealed to this key, made for the hall alone.
    pub(crate) seal: BoxKey,
    /// Opens the file of welcome.
    pub(crate) key: [u8; 16],
    /// Seconds since 1970 until which requests are taken.
    pub until: u64,
    /// Relays that will know the grants, best first.
    pub relays: Vec<RelayAddress>,
}

/// What a joiner scanned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pass {
    /// The answer to this phone.
    Ticket(Ticket),
    /// The code of a hall.
    Hall(HallCode),
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ticket({:?}, {:?})", self.unit, self.grant)
    }
}

impl std::fmt::Debug for HallCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HallCode({:?} until {})", self.unit, self.until)
    }
}

/// The first relays of a list; what is no address is passed over.
pub(crate) fn hints(relays: &[String]) -> Vec<RelayAddress> {
    let addresses = relays.iter().filter_map(|relay| relay.parse().ok());
    addresses.take(CODE_RELAYS_MAX).collect()
}

fn write_relays(writer: &mut Writer, relays: &[RelayAddress]) {
    writer.array(relays.len());
    for relay in relays {
        writer
            .array(3)
            .text(relay.host())
            .uint(u64::from(relay.port()))
            .bytes(relay.key().as_bytes());
    }
}

fn read_relays(reader: &mut Reader<'_>) -> Result<Vec<RelayAddress>, EnrolTextError> {
    let mut relays = Vec::new();
    for _ in 0..reader.array_up_to(CODE_RELAYS_MAX)? {
        reader.array(3)?;
        let (host, port) = (reader.text(HOST_BYTES_MAX)?.to_owned(), reader.small()?);
        let key = SignKey::from_bytes(reader.fixed()?)?;
        relays.push(RelayAddress::new(&host, port, key).map_err(|_| EnrolTextError::Damaged)?);
    }
    Ok(relays)
}

fn head(reader: &mut Reader<'_>) -> Result<(), EnrolTextError> {
    reader.array_up_to(16)?;
    match reader.uint()? {
        VERSION => Ok(()),
        newer => Err(EnrolTextError::Version(newer)),
    }
}

impl Ticket {
    /// The payload of a QR code: 88 bytes, and about 55 for each relay.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer
            .array(5)
            .uint(VERSION)
            .bytes(self.unit.as_bytes())
            .bytes(self.grant.as_bytes())
            .bytes(&self.key);
        write_relays(&mut writer, &self.relays);
        writer.into_bytes()
    }

    /// Reads the payload.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EnrolTextError> {
        let mut reader = Reader::new(bytes);
        head(&mut reader)?;
        let ticket = Self {
            unit: UnitId::from_bytes(reader.fixed()?),
            grant: EnvelopeId::from_bytes(reader.fixed()?),
            key: reader.fixed()?,
            relays: read_relays(&mut reader)?,
        };
        reader.finish(&ticket.to_bytes())?;
        Ok(ticket)
    }

    /// The text to show or send.
    pub fn to_text(&self) -> String {
        dense(TICKET_PREFIX, &self.to_bytes())
    }
}

impl HallCode {
    /// The payload of a QR code: about 95 bytes, and 55 for each relay.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer
            .array(6)
            .uint(VERSION)
            .bytes(self.unit.as_bytes())
            .bytes(self.seal.as_bytes())
            .bytes(&self.key)
            .uint(self.until);
        write_relays(&mut writer, &self.relays);
        writer.into_bytes()
    }

    /// Reads the payload.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EnrolTextError> {
        let mut reader = Reader::new(bytes);
        head(&mut reader)?;
        let code = Self {
            unit: UnitId::from_bytes(reader.fixed()?),
            seal: BoxKey::from_bytes(reader.fixed()?)?,
            key: reader.fixed()?,
            until: reader.uint()?,
            relays: read_relays(&mut reader)?,
        };
        reader.finish(&code.to_bytes())?;
        Ok(code)
    }

    /// The text to show or send.
    pub fn to_text(&self) -> String {
        dense(HALL_PREFIX, &self.to_bytes())
    }

    /// What requests to this hall are sealed for.
    pub(crate) fn context(&self) -> Vec<u8> {
        [
            b"sotay/v1/hall\0",
            &self.unit.as_bytes()[..],
            self.seal.as_bytes(),
        ]
        .concat()
    }
}

impl Pass {
    /// Reads the text of a ticket or of a hall's code.
    pub fn from_text(text: &str) -> Result<Self, EnrolTextError> {
        match undense(text, "ticket", TICKET_PREFIX) {
            Ok(bytes) => Ok(Self::Ticket(Ticket::from_bytes(&bytes)?)),
            Err(EnrolTextError::Prefix { .. }) => match undense(text, "code of a hall", HALL_PREFIX) {
                Ok(bytes) => Ok(Self::Hall(HallCode::from_bytes(&bytes)?)),
                Err(EnrolTextError::Prefix { .. }) => Err(EnrolTextError::Prefix {
                    expected: "ticket",
                    prefix: TICKET_PREFIX,
                }),
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// The text that was scanned.
    pub fn to_text(&self) -> String {
        match self {
            Self::Ticket(ticket) => ticket.to_text(),
            Self::Hall(code) => code.to_text(),
        }
    }

    /// The unit.
    pub fn unit(&self) -> UnitId {
        match self {
            Self::Ticket(ticket) => ticket.unit,
            Self::Hall(code) => code.unit,
        }
    }

    /// Relays to ask, best first.
    pub fn relays(&self) -> &[RelayAddress] {
        match self {
            Self::Ticket(ticket) => &ticket.relays,
            Self::Hall(code) => &code.relays,
        }
    }

    pub(crate) fn key(&self) -> &[u8; 16] {
        match self {
            Self::Ticket(ticket) => &ticket.key,
            Self::Hall(code) => &code.key,
        }
    }
}

const LETTER_PREFIX: &str = "sotay-letter-1:";

/// A letter to a hall as text, for a file or a message.
pub fn letter_text(letter: &[u8]) -> String {
    format!("{LETTER_PREFIX}{}", BASE64URL_NOPAD.encode(letter))
}

/// Reads what [`letter_text`] wrote; what the letter holds is known where it is taken in.
pub fn read_letter(text: &str) -> Result<Vec<u8>, EnrolTextError> {
    unarmour(text, "letter to a hall", LETTER_PREFIX)
}

fn welcome_key(key: &[u8; 16]) -> EpochKey {
    EpochKey::from_bytes(&blake3::derive_key(WELCOME_CONTEXT, key))
}

fn welcome_context(unit: UnitId) -> Vec<u8> {
    [WELCOME_MAGIC, unit.as_bytes()].concat()
}

/// The file of welcome: a bundle under the key of a code, for nobody but those who saw the code.
pub(crate) fn seal_welcome(unit: UnitId, key: &[u8; 16], bundle: &[u8], rng: &mut dyn CryptoRng) -> Vec<u8> {
    let sealed = seal_body(&welcome_context(unit), &welcome_key(key), bundle, rng);
    [WELCOME_MAGIC, &sealed].concat()
}

/// The bundle of a file of welcome. A file that belongs to another code and a damaged one cannot be told apart.
pub(crate) fn open_welcome(pass: &Pass, file: &[u8]) -> Result<Vec<u8>, EnrolTextError> {
    if file.len() > WELCOME_BYTES_MAX {
        return Err(EnrolTextError::TooLong);
    }
    let sealed = file.strip_prefix(WELCOME_MAGIC).ok_or(EnrolTextError::Prefix {
        expected: "file of welcome",
        prefix: "sotay-welcome-1",
    })?;
    let opened = open_body(&welcome_context(pass.unit()), &welcome_key(pass.key()), sealed);
    opened
        .map(|bundle| bundle.to_vec())
        .map_err(|_| EnrolTextError::Damaged)
}

#[cfg(test)]
mod tests;
