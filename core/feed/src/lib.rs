//! What every party understands: ids, hashes, keys, the signed envelope and the per-device feed.
//!
//! A *feed* is the gapless chain of envelopes one device writes in one space. Everything that travels or is stored is
//! an [`Envelope`]; whoever holds one can check its signature and its place in the feed without being able to read it.
//! The normative byte tables are in `docs/PROTOCOL.md` (clauses P1–P4).
//!
//! ```
//! use sotay_feed::{DeviceKeys, Draft, Kind, Space, SpaceKind, Tip, UnitId};
//!
//! let keys = DeviceKeys::from_seeds([1; 32], [2; 32]);
//! let space = Space::of(UnitId::from_bytes([7; 32]), SpaceKind::Roll).id();
//! let draft = Draft::next(&keys, Kind::GRANT, &space, None);
//! let envelope = draft.sign(&keys, &space, b"\x80")?;
//! let read = sotay_feed::Envelope::decode(envelope.bytes())?.verify(&space, &keys.public().sign)?;
//! assert_eq!(read.tip(), Tip { seq: 1, id: envelope.id() });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod cbor;
mod chain;
mod envelope;
mod erase;
mod frontier;
mod id;
mod key;
mod kind;
pub mod limits;
mod order;
mod space;

pub use chain::{ChainFault, Tip, check_next};
pub use envelope::{DecodeError, Draft, Envelope, Header, SignError, Verified, VerifyError};
pub use erase::{ERASED_IDS_MAX, EraseRecord};
pub use frontier::{Digest, Frontier, FrontierError};
pub use id::{DeviceId, DocId, EnvelopeId, EpochId, IdParseError, MemberId, SpaceId, SpaceTag, UnitId};
pub use key::{BoxKey, DeviceKeys, DevicePublic, KeyError, SignKey};
pub use kind::Kind;
pub use order::{InOrder, IntoTree};
pub use space::{Space, SpaceKind, UnknownSpaceKind};

/// Version of the envelope format; the first item of every header (P2.1).
pub const ENVELOPE_VERSION: u8 = 1;
/// The same for kinds whose body can be erased (P2.6).
pub const ERASABLE_VERSION: u8 = 2;
