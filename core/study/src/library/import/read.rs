//! From a file to a document: its format, its text, its structure.

use super::super::manifest::publish;
use super::super::secrecy::secrecy_mark;
use super::super::{Code, Document, Section, structure};
use super::head::{find_code, find_date};
use super::{
    Details, Format, ImportError, Imported, MAX_FILE_BYTES, Report, Warning, docx, html, pdf, plain,
};
use crate::text::clean_line;

/// Text taken out of a file, line by line, before its structure is recognised.
#[derive(Debug, Default)]
pub(super) struct Extracted {
    pub lines: Vec<String>,
    /// Text that is no part of the body but may carry a stamp: page headers and footers.
    pub margins: Vec<String>,
    pub warnings: Vec<Warning>,
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

fn document(details: Details, sections: Vec<Section>) -> Document {
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
