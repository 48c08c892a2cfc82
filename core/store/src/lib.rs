//! Where envelopes and records live: the contract, an in-memory store, the SQLite store, a faulty store for tests, and
//! the one conformance suite that all of them pass. The tables are described in `docs/STORAGE.md`.

mod boxed;
#[doc(hidden)]
pub mod conformance;
mod contract;
mod faulty;
mod holes;
mod memory;
pub mod rules;
mod sqlite;

pub use contract::{
    ARRIVALS_PER_SPACE_MAX, Arrival, Batch, Bucket, Budget, Committed, DatabaseId, ForkEvidence,
    KEY_BYTES_MAX, KeyValue, News, Outcome, Page, Put, Store, StoreError, Stored, VALUE_BYTES_MAX,
};
pub use faulty::{Fault, Faults, FaultyStore};
pub use holes::{Copied, Dropped, Log, Logged};
pub use memory::MemoryStore;
pub use sotay_sqlite::{KEY_BYTES, Key};
pub use sqlite::{Checked, Options, SqliteStore, open_sealed, wipe};
#[doc(hidden)]
pub use sqlite::{SealStep, seal_step_by_step};
