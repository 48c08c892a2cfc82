//! Automerge behind one gate.
//!
//! A [`Document`] is an Automerge document that only admitted changes reach. What arrives is a run of changes by one
//! device; every change passes the gate before Automerge sees it, all of them are applied in one batch, and a panic
//! inside Automerge costs nothing but a rebuild. Nothing here stores, sends, reads a clock or draws a random number.
//! The format of runs and the rules of the gate are in `docs/protocol/runs.md` (P11).
//!
//! ```
//! use sotay_document::crdt::{ROOT, ReadDoc, Transactable};
//! use sotay_document::{Actor, Document, Run, encode_runs, genesis_change};
//! use sotay_feed::{DeviceId, DocId};
//!
//! let (phone, tablet) = (DeviceId::from_bytes([1; 8]), DeviceId::from_bytes([2; 8]));
//! let id = DocId::from_bytes([7; 16]);
//! let genesis = genesis_change(id, 1, |tx| tx.put(ROOT, "kind", "meeting"))?;
//!
//! let mut ours = Document::new(id, &genesis, Actor::new(phone, [0; 8]))?;
//! let (_, change) = ours.edit(1_780_000_000_000, |tx| tx.put(ROOT, "place", "nhà văn hóa"))?;
//! let rows: Vec<_> = change.iter().flat_map(|change| change.rows()).collect();
//! let payloads = encode_runs(id, 1, 1, &rows, 60_000)?;
//!
//! let mut theirs = Document::new(id, &genesis, Actor::new(tablet, [0; 8]))?;
//! let applied = theirs.apply(vec![(phone, Run::decode(&payloads[0])?)]);
//! assert_eq!(applied.admitted, rows);
//! assert_eq!(theirs.heads(), ours.heads());
//! assert!(theirs.read().get(ROOT, "place")?.is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod actor;
mod chunk;
mod clocks;
mod columns;
mod contain;
pub mod crdt;
mod document;
mod gate;
mod genesis;
mod history;
mod image;
mod leb;
pub mod limits;
mod log;
mod material;
mod ops;
mod orphans;
mod reads;
mod references;
mod run;
#[cfg(test)]
mod testing;
mod text;
mod touched;

pub use actor::{ACTOR_LEN, Actor};
pub use chunk::ShapeError;
pub use clocks::Differences;
pub use contain::Panicked;
pub use document::{Applied, Document, EditError, Fold, LocalChange, Proved, Refused};
pub use gate::GateError;
pub use genesis::{GenesisError, genesis_change};
pub use history::{Alternative, Provenance, all_values, change_links, change_time, provenance};
pub use image::Image;
pub use log::{LogEntry, log};
pub use material::{LoadError, SaveError};
pub use orphans::Orphan;
pub use reads::{Held, Reads};
pub use run::{RUN_VERSION, Run, RunEncodeError, RunError, encode_runs};
pub use text::{TextError, nfc, set_text};
pub use touched::{TouchKind, Touched};

/// An empty document with the one text index unit of this project: Unicode code points (decision 0026).
pub(crate) fn empty() -> automerge::Automerge {
    automerge::Automerge::new_with_encoding(automerge::TextEncoding::UnicodeCodePoint)
}
