//! Automerge behind one gate.
//!
//! A [`Document`] is an Automerge document that only admitted changes reach. What arrives is a run of changes by one
//! device; every change passes the gate before Automerge sees it, all of them are applied in one batch, and a panic
//! inside Automerge costs nothing but a rebuild. Nothing here stores, sends, reads a clock or draws a random number.

mod actor;
mod chunk;
mod contain;
pub mod crdt;
mod document;
mod gate;
mod genesis;
mod history;
mod leb;
pub mod limits;
mod material;
mod orphans;
mod run;
#[cfg(test)]
mod testing;
mod text;
mod touched;

pub use actor::{ACTOR_LEN, Actor};
pub use chunk::ShapeError;
pub use contain::Panicked;
pub use document::{Applied, Document, EditError, Fold, LocalChange, Refused};
pub use gate::GateError;
pub use genesis::{GenesisError, genesis_change};
pub use history::{Alternative, Provenance, all_values, provenance};
pub use material::{LoadError, SaveError};
pub use orphans::Orphan;
pub use run::{RUN_VERSION, Run, RunEncodeError, RunError, encode_runs};
pub use text::{TextError, nfc, set_text};
pub use touched::{TouchKind, Touched};

/// An empty document with the one text index unit of this project: Unicode code points (decision 0026).
pub(crate) fn empty() -> automerge::Automerge {
    automerge::Automerge::new_with_encoding(automerge::TextEncoding::UnicodeCodePoint)
}
