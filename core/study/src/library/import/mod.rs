//! Reads .docx, PDF, HTML and plain text into a [`Document`]. Runs on the officer's machine, at publishing.

mod docx;
mod html;
mod legacy;
mod numbering;
mod pdf;
mod plain;

use super::document::{Blob, Date, Document, Link};
use super::manifest::{PublishError, publish};
use super::report::{Report, Warning, find_code, find_date};
use super::secrecy::{Secrecy, secrecy_mark};
use super::{Code, structure};
use crate::text::clean_line;

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

/// Text taken out of a file, line by line, before its structure is recognised.
#[derive(Debug, Default)]
struct Extracted {
    lines: Vec<String>,
    /// Text that is no part of the body but may carry a stamp: page headers and footers.
    margins: Vec<String>,
    warnings: Vec<Warning>,
}

/// Tells the format by the bytes; the file name settles what bytes cannot.
pub fn detect_format(bytes: &[u8], file_name: &str) -> Result<Format, ImportError> {
    let name = file_name.to_lowercase();
    let ends = |suffixes: &[&str]| suffixes.iter().any(|s| name.ends_with(s));
    if bytes.starts_with(b"PK\x03\x04") {
        return if ends(&[".odt"]) {
            Err(ImportError::UnsupportedFormat("OpenDocument"))
        } else {
            Ok(Format::Docx)
        };
    }
    if bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
        // An old Word file, or the wrapper that Office puts round a file with a password.
        let marker: Vec<u8> = "EncryptedPackage".bytes().flat_map(|b| [b, 0]).collect();
        let locked = bytes.windows(marker.len()).any(|w| w == marker);
        return Err(if locked {
            ImportError::PasswordProtected
        } else {
            ImportError::UnsupportedFormat("old Word (.doc)")
        });
    }
    if bytes.starts_with(b"{\\rtf") {
        return Err(ImportError::UnsupportedFormat("RTF"));
    }
    let head = &bytes[..bytes.len().min(1024)];
    if head.windows(5).any(|w| w == b"%PDF-") {
        return Ok(Format::Pdf);
    }
    let lower = String::from_utf8_lossy(head).to_lowercase();
    if lower.contains("<html") || lower.contains("<!doctype html") || ends(&[".html", ".htm", ".xhtml"]) {
        return Ok(Format::Html);
    }
    if ends(&[".docx", ".docm"]) {
        return Err(ImportError::BrokenArchive);
    }
    if ends(&[".pdf"]) {
        return Err(ImportError::BrokenPdf);
    }
    let binary = head.contains(&0) && !plain::has_utf16_mark(bytes);
    if binary {
        Err(ImportError::UnknownFormat)
    } else {
        Ok(Format::Plain)
    }
}

/// Reads a file. `file_name` only helps to tell the format.
pub fn import(bytes: &[u8], file_name: &str, details: Details) -> Result<Imported, ImportError> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(ImportError::TooLarge);
    }
    let format = detect_format(bytes, file_name)?;
    let extracted = match format {
        Format::Docx => docx::extract(bytes)?,
        Format::Pdf => pdf::extract(bytes)?,
        Format::Html => html::extract(bytes)?,
        Format::Plain => plain::extract(bytes)?,
    };
    understand(format, extracted, details)
}

fn understand(format: Format, extracted: Extracted, details: Details) -> Result<Imported, ImportError> {
    let Extracted {
        lines,
        margins,
        mut warnings,
    } = extracted;
    let lines: Vec<String> = lines
        .iter()
        .flat_map(|l| l.split('\n'))
        .map(clean_line)
        .filter(|l| !l.is_empty())
        .collect();
    let margins: Vec<String> = margins.iter().map(|l| clean_line(l)).collect();
    let marks = [details.title.as_str()];
    let all = lines.iter().map(String::as_str);
    let beside = margins.iter().map(String::as_str).chain(marks);
    if let Some(mark) = secrecy_mark(all).or_else(|| secrecy_mark(beside)) {
        return Err(ImportError::SecrecyMark(mark));
    }
    if lines.is_empty() {
        return Err(ImportError::Empty);
    }
    let unreadable = lines.iter().map(|l| l.matches('\u{fffd}').count()).sum();
    if unreadable > 0 {
        warnings.push(Warning::UnreadableCharacters { count: unreadable });
    }
    let (found_code, found_date) = (find_code(&lines), find_date(&lines));
    if let Some(found) = found_code
        .clone()
        .filter(|found| Code::parse(found) != Code::parse(&details.code))
    {
        warnings.push(Warning::CodeDiffers { found });
    }
    if let Some(found) = found_date.filter(|found| *found != details.date) {
        warnings.push(Warning::DateDiffers { found });
    }
    let structure = structure::recognise(&lines);
    warnings.extend(structure.warnings);
    let mut report = Report::new(format, &structure.sections, warnings);
    report.found_code = found_code;
    report.found_date = found_date;
    let document = document(details, structure.sections);
    publish(&document)?;
    Ok(Imported { document, report })
}

fn document(details: Details, sections: Vec<super::Section>) -> Document {
    Document {
        kind: clean_line(&details.kind),
        code: clean_line(&details.code),
        issuer: clean_line(&details.issuer),
        date: details.date,
        title: clean_line(&details.title),
        alias: details.alias,
        sections,
        links: details.links,
        blobs: details.blobs,
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
