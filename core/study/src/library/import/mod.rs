//! Reads .docx, PDF, HTML and plain text into a [`Document`]. Runs on the officer's machine, at publishing.

#[cfg(feature = "publishing")]
mod docx;
#[cfg(feature = "publishing")]
mod head;
#[cfg(feature = "publishing")]
mod html;
#[cfg(feature = "publishing")]
mod legacy;
#[cfg(feature = "publishing")]
mod numbering;
#[cfg(feature = "publishing")]
mod pdf;
#[cfg(feature = "publishing")]
mod plain;
#[cfg(feature = "publishing")]
mod read;

#[cfg(feature = "publishing")]
use super::report::Warning;
#[cfg(feature = "publishing")]
use read::Extracted;
#[cfg(feature = "publishing")]
pub use read::{detect_format, import};

use super::document::{Blob, Date, Document, Link};
use super::manifest::PublishError;
use super::report::Report;
use super::secrecy::Secrecy;

/// Largest file that is read, in bytes.
pub const MAX_FILE_BYTES: usize = 64 * 1024 * 1024;
/// Most text that one file may unpack to, in bytes: a guard against archive bombs.
pub const MAX_UNPACKED_BYTES: u64 = 128 * 1024 * 1024;

/// A file format that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// Word 2007 and later.
    Docx,
    /// PDF with text in it.
    Pdf,
    /// A web page.
    Html,
    /// Plain text.
    Plain,
}

/// How characters were encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// UTF-16 with a byte order mark.
    Utf16,
    /// Windows-1258: letters with combining tones.
    Windows1258,
    /// TCVN3 ("ABC"), fonts `.Vn…`.
    Tcvn3,
    /// VNI for Windows, fonts `VNI-…`.
    VniWindows,
}

/// What the officer says of the document; nothing of it is guessed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    /// See [`Document::kind`].
    pub kind: String,
    /// See [`Document::code`].
    pub code: String,
    /// See [`Document::issuer`].
    pub issuer: String,
    /// See [`Document::date`].
    pub date: Date,
    /// See [`Document::title`].
    pub title: String,
    /// See [`Document::alias`].
    pub alias: Option<String>,
    /// See [`Document::links`].
    pub links: Vec<Link>,
    /// See [`Document::blobs`].
    pub blobs: Vec<Blob>,
}

/// Why a file was not imported. Nothing was kept of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// The file carries a mark of state secrecy. It must not be published here.
    #[error("the document carries a secrecy mark ({0:?})")]
    SecrecyMark(Secrecy),
    /// The file is larger than [`MAX_FILE_BYTES`] or unpacks to more than [`MAX_UNPACKED_BYTES`].
    #[error("the file is too large")]
    TooLarge,
    /// A known format that is not read; save it as .docx or PDF.
    #[error("{0} files are not read")]
    UnsupportedFormat(&'static str),
    /// No format that is known.
    #[error("the format is not known")]
    UnknownFormat,
    /// The file is locked by a password; remove it and try again.
    #[error("the file is protected by a password")]
    PasswordProtected,
    /// The .docx archive is damaged or not a Word document.
    #[error("the archive is damaged")]
    BrokenArchive,
    /// An XML part of the .docx is damaged.
    #[error("damaged XML in {part} at byte {at}")]
    BrokenXml {
        /// The part of the archive.
        part: &'static str,
        /// Where the damage was found, in bytes.
        at: u64,
    },
    /// The PDF is damaged.
    #[error("the PDF is damaged")]
    BrokenPdf,
    /// A PDF of pictures: no page holds text. Read it with character recognition first.
    #[error("{pages} pages without text: a scan")]
    ScannedPdf {
        /// Number of pages.
        pages: usize,
    },
    /// The characters are in no encoding that is known.
    #[error("the character encoding is not known")]
    UnknownEncoding,
    /// The file holds no text.
    #[error("the file holds no text")]
    Empty,
    /// The document, or what the officer said of it, is over a limit or lacks a field.
    #[error(transparent)]
    NotPublishable(#[from] PublishError),
}

/// A document and what was understood of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The document, ready to be published.
    pub document: Document,
    /// What was understood.
    pub report: Report,
}

#[cfg(all(test, feature = "publishing"))]
mod tests;
