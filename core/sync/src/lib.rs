//! The sync session as a state machine: no sockets, no clock, no randomness, no async.
//!
//! A [`Replica`] is a store together with the memberships that its rolls give. A [`Session`] is one conversation
//! between two replicas: frames, ticks and local changes go in, frames and events come out, and nothing comes out
//! before it is durable. Relay, phone, phone towards phone, file and simulator use the same code. The protocol is
//! `docs/protocol/sync.md` (clauses P8 messages, P9 session, P10 bundles).

mod access;
mod admit;
pub mod bundle;
mod fault;
mod group;
pub mod limits;
pub mod message;
mod peer;
mod quarantine;
mod replica;
mod session;
mod status;
pub mod testing;
mod token;

pub use admit::{Admitted, AppendError, Offer};
pub use fault::{CloseCode, DenyReason, PeerFault, RefuseReason};
pub use group::Group;
pub use message::{DenyScope, Role};
pub use quarantine::{Quarantined, RefusedBy, quarantined};
pub use replica::{Gate, Offered, Policy, Replica};
pub use session::{
    CloseReason, FirstContact, Output, Session, SessionConfig, SessionError, SessionEvent, SessionStats,
    SharedFrame, SharedItems,
};
pub use status::{SyncStatus, status};
pub use token::Token;
