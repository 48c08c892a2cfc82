//! Who may do what in a unit, as a pure function of a set of signed records: grants, revocations, suspensions, and the
//! public half of key generations.
//!
//! There is no clock, no order of arrival and no agreement between replicas: whoever holds the same records computes
//! the same [`Membership`]. Authority flows down by rank only, so a rank is judged by higher ranks alone and there are
//! no cycles. Formats and rules are clauses P5 of `docs/protocol/membership.md` and P6.1–P6.3 of
//! `docs/protocol/vault.md`.
//!
//! ```
//! use sotay_feed::{DeviceKeys, Draft, Kind, Space, SpaceKind};
//! use sotay_membership::{Authority, Genesis, Membership, UnitKind, rank};
//!
//! let keys = DeviceKeys::from_seeds([1; 32], [2; 32]);
//! let genesis = Genesis {
//!     unit_kind: UnitKind::BRANCH,
//!     parent: None,
//!     authorities: vec![Authority { rank: rank::PARENT, keys: keys.public() }],
//!     root_policy: None,
//!     nonce: [0; 16],
//!     claimed_ms: 0,
//! };
//! let roll = Space::of(genesis.unit_id(), SpaceKind::Roll);
//! let envelope = Draft::next(&keys, Kind::GENESIS, &roll.id(), None).sign(&keys, &roll.id(), &genesis.encode())?;
//!
//! let mut membership = Membership::new(genesis.unit_id());
//! membership.insert(&envelope)?;
//! membership.may_write(keys.id(), &roll, Kind::GRANT, 2)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod access;
mod across;
mod content;
mod cover;
mod cut;
mod epoch;
mod genesis;
mod grant;
mod judge;
pub mod limits;
mod membership;
mod record;
mod revoke;
mod root;
mod rotation;
pub mod seal;
mod unit;

pub use access::{Denied, Held, slot_scope};
pub use across::{Units, may_read_across};
pub use content::{Change, Content, content};
pub use cover::{COVER_SIGNERS, Cover, CoverId, CoverStanding, Covered, CoveredFeed, Numbers, kept_digest};
pub use epoch::{EpochRecord, epoch_id};
pub use genesis::{Authority, Genesis, QuorumError, RootPolicy, UnitKind};
pub use grant::{Flags, Grant, rank};
pub use membership::{Inserted, MemberStanding, Membership, Standing, State, Validity};
pub use record::{RECORD_VERSION, Record, RecordError};
pub use revoke::{Lift, Reason, Revoke, Suspend};
pub use root::{NotARootId, RootAct, RootId, RootSignatures, decode_signatures, encode_signatures};
pub use unit::{PolicyRecord, UnitPolicy};
pub use unit::{RelayAddress, RelayRecord, Reparent};
