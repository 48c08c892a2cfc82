//! Where envelopes and records live: the contract, an in-memory store, the SQLite store, a faulty store for tests, and
//! the one conformance suite that all of them pass. The tables are described in `docs/STORAGE.md`.

mod contract;
mod memory;
pub mod rules;

pub use contract::{
    ARRIVALS_PER_SPACE_MAX, Arrival, Batch, Bucket, Budget, Committed, DatabaseId, ForkEvidence,
    KEY_BYTES_MAX, Outcome, Page, Put, Store, StoreError, Stored, VALUE_BYTES_MAX,
};
pub use memory::MemoryStore;
