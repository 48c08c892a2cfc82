//! The store of a province: envelopes and records in PostgreSQL, shared by any number of relay processes. It passes the
//! one conformance suite of `sotay-store`. Tables: `docs/STORAGE.md`; running it: `docs/OPERATING.md`.
//!
//! A crate of its own so that no phone links a database client.

mod check;
mod error;
mod holes;
mod line;
mod note;
mod read;
mod schema;
pub mod server;
mod store;
mod target;
mod view;
mod watch;
mod write;

pub use store::{Options, PostgresStore};
pub use target::{Target, TargetError};
pub use watch::{Listener, Signal};
