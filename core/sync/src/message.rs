//! The messages of a session and their bytes (P8). A frame is one message: `[type, …]` in canonical CBOR.
//!
//! Types below [`OPTIONAL_FROM`] are mandatory: a receiver that does not know one closes. Types from there on are
//! optional: a receiver that does not know one skips the frame. A message never gains or loses a field; it gets a new
//! type instead (P8.2).

mod forks;
mod witness;

use sotay_feed::cbor::{CborError, Reader, Writer};
use sotay_feed::limits::{FRAME_BYTES_MAX, SEQ_MAX};
use sotay_feed::{
    DeviceId, Digest, EnvelopeId, Frontier, FrontierError, MemberId, Space, SpaceKind, SpaceTag, UnitId,
};

use crate::fault::{CloseCode, DenyReason, PeerFault, RefuseReason};
use crate::limits::ITEMS_PER_FRAME_MAX;
use crate::token::Token;
pub use forks::{Forks, Proof};
pub use witness::{Seen, Signed};

/// The protocol version in `Hello`.
pub const PROTOCOL_VERSION: u8 = 1;
/// The first optional message type.
pub const OPTIONAL_FROM: u64 = 128;

const HELLO: u64 = 0;
const OPEN: u64 = 1;
const ITEMS: u64 = 2;
const ACK: u64 = 3;
const REFUSE: u64 = 4;
const DENY: u64 = 5;
const CLOSE: u64 = 6;
const SETTLED: u64 = 128;
const CHECKPOINT: u64 = 129;
const SEEN: u64 = 130;
const FORKS: u64 = 131;
const PROOF: u64 = 132;

/// Bit of [`Hello::capabilities`]: this end wants [`Message::Signed`].
pub const WANTS_CHECKPOINTS: u64 = 1;
/// Bit of [`Hello::capabilities`]: this end wants [`Message::Proof`].
pub const WANTS_PROOFS: u64 = 2;

/// What an end of a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Role {
    /// A member's phone: stores whatever is signed by a device it has a grant of.
    Device = 0,
    /// Stores what is pushed by those who may, serves those who may read.
    Relay = 1,
}

/// Who speaks, and in which version. The first message of both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hello {
    /// What this end is.
    pub role: Role,
    /// Bits, see [`WANTS_CHECKPOINTS`] and [`WANTS_PROOFS`]; unknown ones are ignored.
    pub capabilities: u64,
    /// The sender's clock, milliseconds since 1970; shown to operators, decides nothing.
    pub now: i64,
}

/// What a side holds of a space, as it says in `Open`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Have {
    /// Every feed; beside a token only those that go beyond what the token stands for.
    Frontier(Frontier),
    /// All of it, shortened: enough when both hold the same.
    Digest(Digest),
}

/// Opens a space, or answers that the token did not help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The space.
    pub space: Space,
    /// Where the last exchange with this database ended.
    pub token: Option<Token>,
    /// What the sender holds.
    pub have: Have,
    /// Bytes of all envelopes of the space at the accepting side; 0 from the connecting side.
    pub bytes: u64,
}

/// Envelopes in arrival order: gapless within each feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Items<'a> {
    /// The space.
    pub tag: SpaceTag,
    /// Where the receiver stands once these are stored, if they bring it to the sender's newest arrival.
    pub token: Option<Token>,
    /// Arrivals the sender has still to look at after these; 0 when a token is given.
    pub left: u64,
    /// Encoded envelopes.
    pub envelopes: Vec<&'a [u8]>,
}

/// The accepting side's whole state of a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// Digest of its frontier.
    pub digest: Digest,
    /// Where the receiver stands, now that it has everything; `None` when the token it gave still stands for that.
    pub token: Option<Token>,
}

/// What is durable on the acking side. Sent after the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// The space.
    pub tag: SpaceTag,
    /// Bytes of all `Items` frames of this session, of any space, that were dealt with.
    pub consumed: u64,
    /// The acking side's numbers of the feeds that the other named or sent.
    pub changes: Frontier,
    /// Bytes of all envelopes of the space at the accepting side; 0 when it does not say.
    pub bytes: u64,
    /// Given when the other side has been sent everything.
    pub state: Option<State>,
}

/// One envelope was not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refuse {
    /// The space it was offered for.
    pub tag: SpaceTag,
    /// Its author; zero when it could not be read.
    pub device: DeviceId,
    /// Its number; 0 when it could not be read.
    pub seq: u64,
    /// BLAKE3 of its bytes.
    pub id: EnvelopeId,
    /// Why.
    pub reason: RefuseReason,
}

/// How much of a space is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum DenyScope {
    /// Nothing is sent and nothing taken.
    All = 0,
    /// Nothing, or only what explains the reason, is sent; `Items` are taken.
    Pull = 1,
}

/// A space is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deny {
    /// The space.
    pub tag: SpaceTag,
    /// How much.
    pub scope: DenyScope,
    /// Why.
    pub reason: DenyReason,
}

/// The last message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Close {
    /// Why.
    pub code: CloseCode,
    /// Seconds after which to come back, if the sender knows.
    pub retry_after: Option<u32>,
}

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message<'a> {
    /// See [`Hello`].
    Hello(Hello),
    /// See [`Open`].
    Open(Open),
    /// See [`Items`].
    Items(Items<'a>),
    /// See [`Ack`].
    Ack(Ack),
    /// See [`Refuse`].
    Refuse(Refuse),
    /// See [`Deny`].
    Deny(Deny),
    /// See [`Close`].
    Close(Close),
    /// The connecting side has and gave everything, and stays. Tells an operator how long a full exchange took.
    Settled,
    /// See [`Signed`].
    Signed(Signed),
    /// See [`Seen`].
    Seen(Seen),
    /// See [`Forks`].
    Forks(Forks),
    /// See [`Proof`].
    Proof(Proof<'a>),
    /// An optional message this version does not know; to be skipped.
    Skipped(u64),
}

/// `[unit, kind, subject or null]` as three items; also the value of [`sotay_store::Bucket::Space`] as an array.
pub(crate) fn write_space(writer: &mut Writer, space: &Space) {
    writer
        .bytes(space.unit.as_bytes())
        .uint(space.kind as u64)
        .opt_bytes(space.subject.as_ref().map(|member| &member.as_bytes()[..]));
}

pub(crate) fn read_space(reader: &mut Reader<'_>) -> Result<Space, PeerFault> {
    let unit = UnitId::from_bytes(reader.fixed()?);
    let kind = SpaceKind::try_from(reader.small::<u8>()?).map_err(|_| PeerFault::OutOfRange)?;
    let subject = reader.opt_fixed()?.map(MemberId::from_bytes);
    if subject.is_some() != kind.has_subject() {
        return Err(PeerFault::OutOfRange);
    }
    Ok(Space { unit, kind, subject })
}

/// A space definition alone: `[unit, kind, subject or null]`.
pub fn encode_space(space: &Space) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(3);
    write_space(&mut writer, space);
    writer.into_bytes()
}

/// Reads what [`encode_space`] wrote.
pub fn decode_space(bytes: &[u8]) -> Result<Space, PeerFault> {
    let mut reader = Reader::new(bytes);
    reader.array(3)?;
    let space = read_space(&mut reader)?;
    reader.finish(&encode_space(&space))?;
    Ok(space)
}

fn read_frontier(reader: &mut Reader<'_>) -> Result<Frontier, PeerFault> {
    Frontier::read(reader).map_err(|error| match error {
        FrontierError::Cbor(error) => error.into(),
        FrontierError::Order => PeerFault::OutOfRange,
    })
}

fn write_token(writer: &mut Writer, token: Option<&Token>) {
    writer.opt_bytes(token.map(|token| &token.as_bytes()[..]));
}

fn read_token(reader: &mut Reader<'_>) -> Result<Option<Token>, PeerFault> {
    Ok(reader.opt_fixed()?.map(Token::from_bytes))
}

fn next_is_bytes(reader: &Reader<'_>) -> bool {
    const MAJOR_BYTES: u8 = 2;
    reader.rest().first().is_some_and(|head| head >> 5 == MAJOR_BYTES)
}

impl<'a> Message<'a> {
    /// The frame.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        match self {
            Self::Hello(hello) => hello.write(&mut writer),
            Self::Open(open) => open.write(&mut writer),
            Self::Items(items) => items.write(&mut writer),
            Self::Ack(ack) => ack.write(&mut writer),
            Self::Refuse(refuse) => refuse.write(&mut writer),
            Self::Deny(deny) => deny.write(&mut writer),
            Self::Close(close) => close.write(&mut writer),
            Self::Settled => {
                writer.array(1).uint(SETTLED);
            }
            Self::Signed(signed) => signed.write(&mut writer),
            Self::Seen(seen) => seen.write(&mut writer),
            Self::Forks(forks) => forks.write(&mut writer),
            Self::Proof(proof) => proof.write(&mut writer),
            Self::Skipped(kind) => {
                writer.array(1).uint(*kind);
            }
        }
        writer.into_bytes()
    }

    /// Reads one frame. Every error is the sender's fault.
    pub fn decode(frame: &'a [u8]) -> Result<Self, PeerFault> {
        if frame.len() > FRAME_BYTES_MAX {
            return Err(PeerFault::FrameTooLarge(frame.len()));
        }
        let mut reader = Reader::new(frame);
        let found = reader.array_up_to(usize::MAX)?;
        if found == 0 {
            return Err(PeerFault::OutOfRange);
        }
        let kind = reader.uint()?;
        let expected = match kind {
            SETTLED => 1,
            CHECKPOINT => Signed::FIELDS,
            SEEN => Seen::FIELDS,
            FORKS => Forks::FIELDS,
            PROOF => Proof::FIELDS,
            HELLO => Hello::FIELDS,
            OPEN => Open::FIELDS,
            ITEMS => Items::FIELDS,
            ACK => Ack::FIELDS,
            REFUSE => Refuse::FIELDS,
            DENY => Deny::FIELDS,
            CLOSE => Close::FIELDS,
            later if later >= OPTIONAL_FROM => return Ok(Self::Skipped(later)),
            _ => return Err(PeerFault::UnknownMessage(kind)),
        };
        if kind == HELLO {
            // A newer version may have another Hello: say "version" instead of "malformed".
            Hello::ensure_version(reader.rest())?;
        }
        if found != expected {
            return Err(CborError::Length {
                at: 0,
                expected,
                found,
            }
            .into());
        }
        let message = match kind {
            HELLO => Self::Hello(Hello::read(&mut reader)?),
            OPEN => Self::Open(Open::read(&mut reader)?),
            ITEMS => Self::Items(Items::read(&mut reader)?),
            ACK => Self::Ack(Ack::read(&mut reader)?),
            REFUSE => Self::Refuse(Refuse::read(&mut reader)?),
            DENY => Self::Deny(Deny::read(&mut reader)?),
            SETTLED => Self::Settled,
            CHECKPOINT => Self::Signed(Signed::read(&mut reader)?),
            SEEN => Self::Seen(Seen::read(&mut reader)?),
            FORKS => Self::Forks(Forks::read(&mut reader)?),
            PROOF => Self::Proof(Proof::read(&mut reader)?),
            _ => Self::Close(Close::read(&mut reader)?),
        };
        reader.finish(&message.encode())?;
        Ok(message)
    }
}

impl Hello {
    const FIELDS: usize = 5;

    fn write(&self, writer: &mut Writer) {
        writer
            .array(Self::FIELDS)
            .uint(HELLO)
            .uint(u64::from(PROTOCOL_VERSION))
            .uint(self.role as u64)
            .uint(self.capabilities)
            .int(self.now);
    }

    fn ensure_version(rest: &[u8]) -> Result<(), PeerFault> {
        match Reader::new(rest).uint()? {
            version if version == u64::from(PROTOCOL_VERSION) => Ok(()),
            version => Err(PeerFault::Version(version)),
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, PeerFault> {
        reader.uint()?;
        let role = match reader.uint()? {
            0 => Role::Device,
            1 => Role::Relay,
            _ => return Err(PeerFault::OutOfRange),
        };
        Ok(Self {
            role,
            capabilities: reader.uint()?,
            now: reader.int()?,
        })
    }
}

impl Open {
    const FIELDS: usize = 7;

    fn write(&self, writer: &mut Writer) {
        writer.array(Self::FIELDS).uint(OPEN);
        write_space(writer, &self.space);
        write_token(writer, self.token.as_ref());
        match &self.have {
            Have::Frontier(frontier) => frontier.write(writer),
            Have::Digest(digest) => {
                writer.bytes(&digest.0);
            }
        }
        writer.uint(self.bytes);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, PeerFault> {
        Ok(Self {
            space: read_space(reader)?,
            token: read_token(reader)?,
            have: if next_is_bytes(reader) {
                Have::Digest(Digest(reader.fixed()?))
            } else {
                Have::Frontier(read_frontier(reader)?)
            },
            bytes: reader.uint()?,
        })
    }
}

impl<'a> Items<'a> {
    const FIELDS: usize = 5;

    fn write(&self, writer: &mut Writer) {
        writer.array(Self::FIELDS).uint(ITEMS).bytes(self.tag.as_bytes());
        write_token(writer, self.token.as_ref());
        writer.uint(self.left).array(self.envelopes.len());
        for envelope in &self.envelopes {
            writer.bytes(envelope);
        }
    }

    fn read(reader: &mut Reader<'a>) -> Result<Self, PeerFault> {
        let tag = SpaceTag::from_bytes(reader.fixed()?);
        let token = read_token(reader)?;
        let left = reader.uint()?;
        let count = reader.array_up_to(ITEMS_PER_FRAME_MAX)?;
        let envelopes = (0..count)
            // An envelope over its own limit is refused by itself and does not end the session.
            .map(|_| reader.bytes(FRAME_BYTES_MAX))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            tag,
            token,
            left,
            envelopes,
        })
    }
}

impl Ack {
    const FIELDS: usize = 6;

    fn write(&self, writer: &mut Writer) {
        writer
            .array(Self::FIELDS)
            .uint(ACK)
            .bytes(self.tag.as_bytes())
            .uint(self.consumed);
        self.changes.write(writer);
        writer.uint(self.bytes);
        match &self.state {
            None => {
                writer.null();
            }
            Some(state) => {
                writer.array(2).bytes(&state.digest.0);
                write_token(writer, state.token.as_ref());
            }
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, PeerFault> {
        Ok(Self {
            tag: SpaceTag::from_bytes(reader.fixed()?),
            consumed: reader.uint()?,
            changes: read_frontier(reader)?,
            bytes: reader.uint()?,
            state: if reader.skip_null()? {
                None
            } else {
                reader.array(2)?;
                Some(State {
                    digest: Digest(reader.fixed()?),
                    token: read_token(reader)?,
                })
            },
        })
    }
}

impl Refuse {
    const FIELDS: usize = 7;

    fn write(&self, writer: &mut Writer) {
        let (number, detail) = self.reason.number();
        writer
            .array(Self::FIELDS)
            .uint(REFUSE)
            .bytes(self.tag.as_bytes())
            .bytes(self.device.as_bytes())
            .uint(self.seq)
            .bytes(self.id.as_bytes())
            .uint(u64::from(number))
            .uint(detail);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, PeerFault> {
        let tag = SpaceTag::from_bytes(reader.fixed()?);
        let device = DeviceId::from_bytes(reader.fixed()?);
        let seq = reader.uint()?;
        let id = EnvelopeId::from_bytes(reader.fixed()?);
        let (number, detail) = (reader.small::<u8>()?, reader.uint()?);
        let reason = RefuseReason::from_number(number, detail).ok_or(PeerFault::OutOfRange)?;
        if seq > SEQ_MAX {
            return Err(PeerFault::OutOfRange);
        }
        Ok(Self {
            tag,
            device,
            seq,
            id,
            reason,
        })
    }
}

impl Deny {
    const FIELDS: usize = 4;

    fn write(&self, writer: &mut Writer) {
        writer
            .array(Self::FIELDS)
            .uint(DENY)
            .bytes(self.tag.as_bytes())
            .uint(self.scope as u64)
            .uint(u64::from(self.reason.number()));
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, PeerFault> {
        Ok(Self {
            tag: SpaceTag::from_bytes(reader.fixed()?),
            scope: match reader.uint()? {
                0 => DenyScope::All,
                1 => DenyScope::Pull,
                _ => return Err(PeerFault::OutOfRange),
            },
            reason: DenyReason::from_number(reader.small()?),
        })
    }
}

impl Close {
    const FIELDS: usize = 3;

    fn write(&self, writer: &mut Writer) {
        writer
            .array(Self::FIELDS)
            .uint(CLOSE)
            .uint(u64::from(self.code.number()));
        match self.retry_after {
            Some(seconds) => writer.uint(u64::from(seconds)),
            None => writer.null(),
        };
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, PeerFault> {
        Ok(Self {
            code: CloseCode::from_number(reader.small()?),
            retry_after: if reader.skip_null()? {
                None
            } else {
                Some(reader.small()?)
            },
        })
    }
}

#[cfg(test)]
mod tests;
