//! Reads a table of short documents, one a row: a quick way to publish what a branch already has in a spreadsheet.
//!
//! Columns by name, tab-separated, the first line names them: `code`, `date`, `type`, `issuer`, `title`, `text`, and if
//! wanted `doc` (kept as the alias) and `section` (how the passage is cited).

use super::document::{Date, Document, Paragraph, ParagraphKind, Section, SectionKind};
use super::heading::{Line, read};
use super::manifest::{PublishError, publish};
use super::secrecy::{Secrecy, secrecy_mark};
use crate::text::clean_line;

/// Most rows of one table.
pub const MAX_ROWS: usize = 20_000;

/// Why a table was not read. Rows are counted from 1, the head line not included.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// The head line lacks a column.
    #[error("there is no column {0}")]
    NoColumn(&'static str),
    /// More than [`MAX_ROWS`] rows.
    #[error("too many rows")]
    TooManyRows,
    /// A row has fewer cells than the head line.
    #[error("row {0} is short")]
    ShortRow(usize),
    /// A date is not a day as YYYY-MM-DD.
    #[error("row {0}: not a date")]
    Date(usize),
    /// A row carries a mark of state secrecy.
    #[error("row {0} carries a secrecy mark")]
    SecrecyMark(usize, Secrecy),
    /// A row lacks a field or is over a limit.
    #[error("row {0}: {1}")]
    NotPublishable(usize, PublishError),
}

/// Reads a table; all rows or none.
pub fn read_table(tsv: &str) -> Result<Vec<Document>, TableError> {
    let mut lines = tsv
        .trim_start_matches('\u{feff}')
        .lines()
        .filter(|line| !line.trim().is_empty());
    let head: Vec<&str> = lines.next().unwrap_or("").split('\t').map(str::trim).collect();
    let column = |name: &'static str| {
        head.iter()
            .position(|h| *h == name)
            .ok_or(TableError::NoColumn(name))
    };
    let needed = [
        column("code")?,
        column("date")?,
        column("type")?,
        column("issuer")?,
        column("title")?,
        column("text")?,
    ];
    let (alias, section) = (column("doc").ok(), column("section").ok());
    let mut documents = Vec::new();
    for (i, line) in lines.enumerate() {
        let row = i + 1;
        if row > MAX_ROWS {
            return Err(TableError::TooManyRows);
        }
        let cells: Vec<String> = line.split('\t').map(clean_line).collect();
        let cell = |at: usize| cells.get(at).cloned().ok_or(TableError::ShortRow(row));
        let [code, date, kind, issuer, title, text] = needed.map(cell);
        let (title, text) = (title?, text?);
        if let Some(mark) = secrecy_mark([title.as_str(), text.as_str()]) {
            return Err(TableError::SecrecyMark(row, mark));
        }
        let label = section.map(cell).transpose()?.unwrap_or_default();
        let document = Document {
            kind: kind?,
            code: code?,
            issuer: issuer?,
            date: Date::parse(&date?).ok_or(TableError::Date(row))?,
            title,
            alias: alias.map(cell).transpose()?.filter(|a| !a.is_empty()),
            sections: vec![one_section(&label, text)],
            links: vec![],
            blobs: vec![],
        };
        publish(&document).map_err(|error| TableError::NotPublishable(row, error))?;
        documents.push(document);
    }
    Ok(documents)
}

fn one_section(label: &str, text: String) -> Section {
    let (kind, number) = match read(label) {
        Line::Heading {
            kind,
            number,
            heading: "",
        } => (kind, number),
        _ if label.is_empty() || label == "Toàn văn" => (SectionKind::Whole, String::new()),
        _ => (SectionKind::Named, label.to_owned()),
    };
    let paragraphs = vec![Paragraph {
        kind: ParagraphKind::Plain,
        label: String::new(),
        text,
    }];
    Section {
        kind,
        level: 0,
        number,
        heading: String::new(),
        paragraphs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "doc\tcode\tdate\ttype\tissuer\tsection\ttitle\ttext\n";

    #[test]
    fn a_row_is_a_document_of_one_section() {
        let table =
            format!("{HEAD}D1\t33-QĐ/TU\t2022-02-10\tQĐ\tTỉnh ủy\tĐiều 5\tKhung tiêu chí\tTỷ lệ dự họp.\n");
        let documents = read_table(&table).unwrap();
        assert_eq!(documents[0].key(), "D1");
        assert_eq!(documents[0].citation(0), "Điều 5");
        assert_eq!(documents[0].sections[0].kind, SectionKind::Article);
        assert_eq!(documents[0].sections[0].text(), "Tỷ lệ dự họp.");
    }

    #[test]
    fn labels_are_kept_as_they_were_given() {
        for label in ["Toàn văn", "Diễn biến", "Mục 3", "Điều 15", "Chương II"] {
            assert_eq!(one_section(label, "x".into()).label(), label);
        }
    }

    #[test]
    fn bad_tables_are_refused_with_the_row() {
        let row = |date: &str, title: &str| {
            format!("{HEAD}D1\t1-QĐ/TU\t{date}\tQĐ\tTỉnh ủy\tĐiều 5\t{title}\tChữ\n")
        };
        assert_eq!(read_table("doc\tdate\n"), Err(TableError::NoColumn("code")));
        assert_eq!(read_table(&row("2022-2-1", "A")), Err(TableError::Date(1)));
        assert_eq!(
            read_table(&row("2022-02-01", "Tối mật")),
            Err(TableError::SecrecyMark(1, Secrecy::HighlySecret))
        );
        assert_eq!(
            read_table(&format!("{HEAD}D1\t1\t2022-02-01\n")),
            Err(TableError::ShortRow(1))
        );
        assert_eq!(
            read_table(&row("2022-02-01", "")),
            Err(TableError::NotPublishable(1, PublishError::Empty("title")))
        );
        let many = format!(
            "{HEAD}{}",
            "D\t1-A/B\t2022-02-01\tQĐ\tX\t\tT\tC\n".repeat(MAX_ROWS + 1)
        );
        assert_eq!(read_table(&many), Err(TableError::TooManyRows));
    }
}
