//! The library: documents, how they are read from files, and how they travel.
//!
//! `import` (with the feature `publishing`) reads a file on the officer's machine into a [`Document`] with a [`Report`];
//! [`publish`] packs it into a manifest and parts; [`Manifest::decode`] and [`Manifest::assemble`] bring it back on a member's phone.

mod blob;
mod code;
mod document;
mod heading;
mod import;
mod kind;
mod manifest;
mod report;
mod secrecy;
#[cfg(feature = "publishing")]
mod structure;
mod table;

pub use blob::BlobError;
pub use code::{Code, as_year};
pub use document::*;
pub use import::{Details, Encoding, Format, ImportError, Imported, MAX_FILE_BYTES, MAX_UNPACKED_BYTES};
#[cfg(feature = "publishing")]
pub use import::{detect_format, import};
pub use kind::{DocumentType, document_types};
pub use manifest::{
    AssembleError, MANIFEST_VERSION, MAX_MANIFEST_BYTES, MAX_PART_BYTES, MAX_PART_RAW_BYTES, MAX_PARTS,
    Manifest, PartRef, PublishError, Published, part_hash, publish,
};
pub use report::{Report, Warning};
pub use secrecy::{Secrecy, secrecy_mark};
pub use table::{MAX_ROWS, TableError, read_table};

pub(crate) use heading::roman_value;
pub(crate) use kind::folded;
