//! PDF through pdf-extract: the text of every page, its lines joined into paragraphs again.

use super::plain::unmangle;
use super::{Extracted, ImportError, Warning};
use crate::library::heading::{Line, is_upper, read};
use pdf_extract::{Document, PlainTextOutput, output_doc_page};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Fewer characters than this on a page are a page number or a stamp, not text.
const MIN_PAGE_CHARS: usize = 12;

pub(super) fn extract(bytes: &[u8]) -> Result<Extracted, ImportError> {
    // The library panics on some damaged files; a damaged file is an error of the file.
    let pages =
        catch_unwind(AssertUnwindSafe(|| read_pages(bytes))).unwrap_or(Err(ImportError::BrokenPdf))?;
    let total = pages.len();
    let empty: Vec<u32> = pages
        .iter()
        .filter(|(_, t)| t.trim().chars().count() < MIN_PAGE_CHARS)
        .map(|(n, _)| *n)
        .collect();
    if empty.len() == total {
        return Err(ImportError::ScannedPdf { pages: total });
    }
    let mut extracted = Extracted::default();
    if !empty.is_empty() {
        extracted
            .warnings
            .push(Warning::PagesWithoutText { pages: empty });
    }
    let lines: Vec<String> = pages.iter().flat_map(|(_, text)| page_lines(text)).collect();
    let (text, converted) = unmangle(join(&lines).join("\n"));
    if let Some(from) = converted {
        extracted
            .warnings
            .push(Warning::Converted { from, pieces: total });
    }
    extracted.lines = text.lines().map(str::to_owned).collect();
    Ok(extracted)
}

fn read_pages(bytes: &[u8]) -> Result<Vec<(u32, String)>, ImportError> {
    let mut doc = Document::load_mem(bytes).map_err(|e| classify(&e))?;
    if doc.is_encrypted() {
        // An empty password only forbids changes; the text may be read.
        doc.decrypt("").map_err(|_| ImportError::PasswordProtected)?;
    }
    let mut pages = Vec::new();
    for number in doc.get_pages().keys().copied() {
        let mut text = String::new();
        let page = catch_unwind(AssertUnwindSafe(|| {
            output_doc_page(&doc, &mut PlainTextOutput::new(&mut text), number)
        }));
        // One page that cannot be read is reported as a page without text; the others are kept.
        if !matches!(page, Ok(Ok(()))) {
            text.clear();
        }
        pages.push((number, text));
    }
    if pages.is_empty() {
        Err(ImportError::BrokenPdf)
    } else {
        Ok(pages)
    }
}

fn classify(error: &pdf_extract::Error) -> ImportError {
    match error {
        pdf_extract::Error::Decryption(_) | pdf_extract::Error::InvalidPassword => {
            ImportError::PasswordProtected
        }
        _ => ImportError::BrokenPdf,
    }
}

/// The lines of a page without its page number.
fn page_lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(crate::text::clean_line).collect();
    let is_number = |l: &String| {
        let digits = l.trim_matches(['-', '–', ' ']);
        !digits.is_empty() && digits.len() <= 4 && digits.bytes().all(|b| b.is_ascii_digit())
    };
    let filled: Vec<usize> = (0..lines.len()).filter(|i| !lines[*i].is_empty()).collect();
    let edges = [filled.first().copied(), filled.last().copied()];
    for at in edges.into_iter().flatten() {
        if is_number(&lines[at]) {
            lines[at].clear();
        }
    }
    lines
}

/// Joins the lines that a page broke: a line goes on unless it ended a sentence or the next one begins something.
fn join(lines: &[String]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut open = false;
    for line in lines.iter().filter(|l| !l.is_empty()) {
        let begins = !matches!(read(line), Line::Text) || line.starts_with(['“', '"', '*']);
        let lower =
            line.starts_with(|c: char| c.is_lowercase() || c.is_ascii_digit() || matches!(c, '(' | '%'));
        match out.last_mut() {
            Some(last) if open && !begins && (lower || !ended(last)) && is_upper(last) == is_upper(line) => {
                last.push(' ');
                last.push_str(line);
            }
            _ => out.push(line.clone()),
        }
        open = true;
    }
    out
}

fn ended(line: &str) -> bool {
    line.ends_with(['.', ':', ';', '!', '?', '”', '"', '/']) || line.chars().count() < SHORT_LINE_CHARS
}

/// A line much shorter than the page is wide was ended by its writer, in characters.
const SHORT_LINE_CHARS: usize = 45;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_lines_are_joined_and_headings_stay_apart() {
        let lines: Vec<String> = [
            "Điều 1. Phạm vi điều chỉnh",
            "Luật này quy định về nội dung, cách thức thực hiện dân chủ ở",
            "cơ sở, quyền và nghĩa vụ.",
            "Điều 2. Giải thích từ ngữ",
            "1. Cơ sở là xã, phường, thị trấn (sau đây gọi chung là cấp",
            "xã).",
            "QUY ĐỊNH CHUNG",
            "Trong những năm qua.",
        ]
        .map(String::from)
        .to_vec();
        assert_eq!(
            join(&lines),
            [
                "Điều 1. Phạm vi điều chỉnh",
                "Luật này quy định về nội dung, cách thức thực hiện dân chủ ở cơ sở, quyền và nghĩa vụ.",
                "Điều 2. Giải thích từ ngữ",
                "1. Cơ sở là xã, phường, thị trấn (sau đây gọi chung là cấp xã).",
                "QUY ĐỊNH CHUNG",
                "Trong những năm qua."
            ]
        );
    }

    #[test]
    fn page_numbers_at_the_edges_are_dropped() {
        assert_eq!(
            page_lines("- 3 -\n\nNội dung 12\n4\n"),
            ["", "", "Nội dung 12", ""]
        );
    }
}
