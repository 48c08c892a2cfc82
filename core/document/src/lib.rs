//! Automerge behind one gate.
//!
//! A [`Document`] is an Automerge document that only admitted changes reach. What arrives is a run of changes by one
//! device; every change passes the gate before Automerge sees it, all of them are applied in one batch, and a panic
//! inside Automerge costs nothing but a rebuild. Nothing here stores, sends, reads a clock or draws a random number.

mod actor;
mod contain;
pub mod crdt;
mod document;
mod genesis;
pub mod limits;
mod text;

pub use actor::{ACTOR_LEN, Actor};
pub use contain::Panicked;
pub use document::{Document, EditError, LoadError, LocalChange};
pub use genesis::{GenesisError, genesis_change};
pub use text::{TextError, nfc, set_text};

/// An empty document with the one text index unit of this project: Unicode code points (decision 0026).
pub(crate) fn empty() -> automerge::Automerge {
    automerge::Automerge::new_with_encoding(automerge::TextEncoding::UnicodeCodePoint)
}
