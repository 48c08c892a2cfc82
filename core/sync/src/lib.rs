//! The sync session as a state machine: no sockets, no clock, no randomness, no async.
//!
//! A [`Replica`] is a store together with the memberships that its rolls give. A [`Session`] is one conversation
//! between two replicas: frames, ticks and local changes go in, frames and events come out, and nothing comes out
//! before it is durable. Relay, phone, phone towards phone, file and simulator use the same code. The protocol is
//! `docs/protocol/sync.md` (clauses P8 messages, P9 session, P10 bundles).
//!
//! ```
//! use sotay_feed::{DeviceKeys, Draft, Kind, Space, SpaceKind};
//! use sotay_membership::{Authority, Genesis, UnitKind, rank};
//! use sotay_store::{DatabaseId, MemoryStore};
//! use sotay_sync::testing::{End, carry};
//! use sotay_sync::{FirstContact, Policy, Replica, Role, Session, SessionConfig, SyncStatus, status};
//!
//! // A phone founds a unit.
//! let (phone_keys, relay_keys) = (DeviceKeys::from_seeds([1; 32], [2; 32]), DeviceKeys::from_seeds([3; 32], [4; 32]));
//! let genesis = Genesis {
//!     unit_kind: UnitKind::BRANCH,
//!     parent: None,
//!     authorities: vec![Authority { rank: rank::PARENT, keys: phone_keys.public() }],
//!     root_policy: None,
//!     nonce: [0; 16],
//!     claimed_ms: 0,
//! };
//! let roll = Space::of(genesis.unit_id(), SpaceKind::Roll);
//! let envelope =
//!     Draft::next(&phone_keys, Kind::GENESIS, &roll.id(), None).sign(&phone_keys, &roll.id(), &genesis.encode())?;
//! let mut phone = Replica::open(MemoryStore::new(DatabaseId([1; 16])), Role::Device, Policy::Any)?;
//! phone.append(&roll, vec![envelope], Vec::new())?;
//!
//! // And hands it to a relay.
//! let mut relay = Replica::open(MemoryStore::new(DatabaseId([2; 16])), Role::Relay, Policy::Any)?;
//! let config = |role, peer: &DeviceKeys, spaces| SessionConfig {
//!     role,
//!     peer: peer.public().sign,
//!     spaces,
//!     live: false,
//!     first: FirstContact::Frontier,
//! };
//! let mut near = End::new(Session::connect(config(Role::Device, &relay_keys, vec![roll])));
//! let mut far = End::new(Session::accept(config(Role::Relay, &phone_keys, Vec::new())));
//! let now = 1_700_000_000_000;
//! near.start(&mut phone, now);
//! far.start(&mut relay, now);
//! carry((&mut near, &mut phone), (&mut far, &mut relay), now, usize::MAX);
//! assert!(matches!(status(&phone, &relay_keys.public().sign, &roll)?, SyncStatus::Synced { .. }));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod access;
mod admit;
pub mod bundle;
mod checkpoint;
mod cover;
mod fault;
mod follow;
mod group;
pub mod limits;
pub mod message;
mod peer;
mod quarantine;
mod replica;
mod session;
mod slots;
mod status;
pub mod testing;
mod token;

pub use admit::{Admitted, AppendError, Offer};
pub use checkpoint::{Checkpoint, TwoHistories, two_histories};
pub use cover::Prunable;
pub use fault::{CloseCode, DenyReason, PeerFault, RefuseReason};
pub use follow::FollowError;
pub use group::Group;
pub use message::{DenyScope, Role};
pub use quarantine::{Quarantined, RefusedBy, quarantined};
pub use replica::{Gate, Offered, Policy, Replica};
pub use session::{
    CloseReason, FirstContact, Output, Session, SessionConfig, SessionError, SessionEvent, SessionStats,
    SharedFrame, SharedItems,
};
pub use slots::holders;
pub use status::{SyncStatus, status};
pub use token::Token;
