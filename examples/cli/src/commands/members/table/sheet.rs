//! The rows of a file: a workbook (.xlsx, .ods, .xls) or text with tabs, semicolons or commas between the cells.
//!
//! Cells that a workbook merged are all filled with what the merged cell says, as a reader sees it.

use std::io::Cursor;

use calamine::{Data, DataRef, Dimensions, ExcelDateTime, Ods, Reader, Xls, Xlsx};

use crate::failure::{Code, Failure};
use crate::files;

/// Bytes of a workbook.
pub(crate) const WORKBOOK_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Rows of a sheet that are looked at; lists of members have at most 500 and a few headings.
const ROWS_MAX: u32 = 2_000;
/// Columns of a sheet that are looked at.
const COLUMNS_MAX: u32 = 100;

const ZIP: &[u8] = b"PK\x03\x04";
const OLE: &[u8] = &[0xd0, 0xcf, 0x11, 0xe0];

/// A row with something in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Row {
    /// Counted from 1, as the program that made the file counts.
    pub line: usize,
    /// Its cells as text.
    pub cells: Vec<String>,
    /// Cells that repeat the one before, because they were merged with it.
    pub merged: usize,
}

/// Reads a file; `sheet` names a sheet of a workbook or gives its number, the first one when left out.
pub(in super::super) fn read(file: &str, sheet: Option<&str>) -> Result<Vec<Row>, Failure> {
    let bytes = files::read_bytes(file, WORKBOOK_BYTES_MAX)?;
    let grid = if bytes.starts_with(ZIP) {
        match Xlsx::new(Cursor::new(&bytes[..])) {
            Ok(book) => xlsx(book, file, sheet)?,
            Err(calamine::XlsxError::Password) => return Err(locked(file)),
            Err(_) => {
                let book = Ods::new(Cursor::new(&bytes[..]));
                let broken = |_| Failure::new(Code::BadWorkbook).with("file", file);
                range(book.map_err(broken)?, file, sheet)?
            }
        }
    } else if bytes.starts_with(OLE) {
        match Xls::new(Cursor::new(&bytes[..])) {
            Ok(book) => range(book, file, sheet)?,
            Err(calamine::XlsError::Password) => return Err(locked(file)),
            // A locked .xlsx is an OLE file that holds no workbook.
            Err(_) => return Err(locked(file)),
        }
    } else {
        return text(&files::text(bytes, file, files::TABLE_BYTES_MAX)?, file);
    };
    Ok(rows(grid))
}

fn locked(file: &str) -> Failure {
    Failure::new(Code::LockedWorkbook).with("file", file)
}

/// Cells by row and column, counted from 0, and merged regions.
#[derive(Default)]
struct Grid {
    cells: Vec<(u32, u32, String)>,
    merged: Vec<Dimensions>,
}

impl Grid {
    fn put(&mut self, row: u32, column: u32, text: String) {
        if row < ROWS_MAX && column < COLUMNS_MAX && !text.trim().is_empty() {
            self.cells.push((row, column, text));
        }
    }
}

fn chosen(names: &[String], file: &str, sheet: Option<&str>) -> Result<String, Failure> {
    let found = match sheet {
        None => names.first(),
        Some(text) => names.iter().find(|name| name.trim() == text.trim()).or_else(|| {
            let number: usize = text.trim().parse().ok()?;
            names.get(number.checked_sub(1)?)
        }),
    };
    found.cloned().ok_or_else(|| {
        Failure::new(Code::NoSheet)
            .with("file", file)
            .with("text", sheet.unwrap_or("1"))
            .with("list", names.join(", "))
    })
}

/// Cell by cell: one far-off cell must not make a sheet of millions.
fn xlsx(mut book: Xlsx<Cursor<&[u8]>>, file: &str, sheet: Option<&str>) -> Result<Grid, Failure> {
    let name = chosen(&book.sheet_names(), file, sheet)?;
    let broken = |_| Failure::new(Code::BadWorkbook).with("file", file);
    let mut grid = Grid {
        merged: book.merge_cells_by_sheet_name(&name).map_err(broken)?,
        ..Grid::default()
    };
    let mut cells = book.worksheet_cells_reader(&name).map_err(broken)?;
    while let Some(cell) = cells.next_cell().map_err(broken)? {
        let (row, column) = cell.get_position();
        let text = match cell.get_value() {
            DataRef::SharedString(text) => (*text).to_owned(),
            other => shown(&Data::from(other.clone())),
        };
        grid.put(row, column, text);
    }
    Ok(grid)
}

/// The other formats, whose reader gives the whole sheet at once.
fn range<'a, R>(mut book: R, file: &str, sheet: Option<&str>) -> Result<Grid, Failure>
where
    R: Reader<Cursor<&'a [u8]>>,
{
    let name = chosen(&book.sheet_names(), file, sheet)?;
    let range = book
        .worksheet_range(&name)
        .map_err(|_| Failure::new(Code::BadWorkbook).with("file", file))?;
    let (first_row, first_column) = range.start().unwrap_or_default();
    let mut grid = Grid::default();
    for (row, column, value) in range.used_cells() {
        let at = |first: u32, more: usize| first.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
        grid.put(at(first_row, row), at(first_column, column), shown(value));
    }
    Ok(grid)
}

/// A cell as text; days in the form that every reader of days here knows.
fn shown(value: &Data) -> String {
    match value {
        Data::String(text) => text.clone(),
        Data::Int(number) => number.to_string(),
        // Spreadsheets keep every number so; shown as they show it.
        Data::Float(number) => number.to_string(),
        Data::Bool(yes) => if *yes { "x" } else { "" }.to_owned(),
        Data::DateTime(moment) => day(moment),
        Data::DateTimeIso(text) => text.split('T').next().unwrap_or_default().to_owned(),
        Data::DurationIso(text) => text.clone(),
        Data::Error(error) => error.to_string(),
        Data::Empty => String::new(),
    }
}

fn day(moment: &ExcelDateTime) -> String {
    let (year, month, day, ..) = moment.to_ymd_hms_milli();
    format!("{year:04}-{month:02}-{day:02}")
}

fn rows(grid: Grid) -> Vec<Row> {
    let mut table: std::collections::BTreeMap<u32, Row> = std::collections::BTreeMap::new();
    let mut put = |row: u32, column: u32, text: &str, merged: bool| {
        let line = row as usize + 1;
        let empty = Row {
            line,
            cells: Vec::new(),
            merged: 0,
        };
        let row = table.entry(row).or_insert(empty);
        let at = column as usize;
        if row.cells.len() <= at {
            row.cells.resize(at + 1, String::new());
        }
        row.cells[at] = text.to_owned();
        row.merged += usize::from(merged);
    };
    for (row, column, text) in &grid.cells {
        put(*row, *column, text, false);
    }
    for region in &grid.merged {
        let says = |(row, column, _): &&(u32, u32, String)| (*row, *column) == region.start;
        let Some((_, _, text)) = grid.cells.iter().find(says) else {
            continue;
        };
        for row in region.start.0..=region.end.0.min(ROWS_MAX) {
            for column in region.start.1..=region.end.1.min(COLUMNS_MAX) {
                if (row, column) != region.start {
                    put(row, column, text, column > region.start.1);
                }
            }
        }
    }
    table.into_values().collect()
}

/// Text; what parts the cells is what the first line with anything in it has most of, tabs before all.
fn text(text: &str, file: &str) -> Result<Vec<Row>, Failure> {
    let first = text
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    let count = |mark: char| first.matches(mark).count();
    let delimiter = match (count('\t'), count(';'), count(',')) {
        (0, 0, 0) if text.contains('\t') => b'\t',
        (0, semicolons, commas) if semicolons > 0 && semicolons >= commas => b';',
        (0, 0, commas) if commas > 0 => b',',
        _ => b'\t',
    };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let (mut rows, mut at, mut line) = (Vec::new(), 0, 1);
    for record in reader.records().take(ROWS_MAX as usize) {
        let record = record.map_err(|_| Failure::new(Code::BadWorkbook).with("file", file))?;
        // A record's place is where the reader began to look for it: before the empty lines above it.
        let began = record.position().map_or(0, csv::Position::byte) as usize;
        let ahead = text.get(began..).unwrap_or_default();
        let begins = began + ahead.len() - ahead.trim_start_matches(['\r', '\n']).len();
        line += text.get(at..begins).unwrap_or_default().matches('\n').count();
        at = begins;
        let mut cells: Vec<String> = record.iter().map(str::to_owned).collect();
        while cells.last().is_some_and(|cell| cell.trim().is_empty()) {
            cells.pop();
        }
        if !cells.is_empty() {
            rows.push(Row {
                line,
                cells,
                merged: 0,
            });
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(source: &str) -> Vec<(usize, Vec<String>)> {
        text(source, "f")
            .unwrap()
            .into_iter()
            .map(|row| (row.line, row.cells))
            .collect()
    }

    #[test]
    fn tabs_semicolons_and_commas_part_cells_and_lines_keep_their_numbers() {
        for mark in ['\t', ';', ','] {
            let source = format!("họ tên{mark}chức vụ\r\n\r\n\"Lê{mark} An\"{mark}\nBình");
            assert_eq!(
                cells(&source),
                [
                    (1, vec!["họ tên".to_owned(), "chức vụ".to_owned()]),
                    (3, vec![format!("Lê{mark} An")]),
                    (4, vec!["Bình".to_owned()]),
                ],
                "{mark:?}"
            );
        }
    }

    #[test]
    fn merged_cells_say_the_same_everywhere() {
        let mut grid = Grid::default();
        grid.put(0, 0, "Tổ 1".into());
        grid.put(1, 2, "An".into());
        grid.merged.push(Dimensions {
            start: (0, 0),
            end: (1, 1),
        });
        let rows = rows(grid);
        assert_eq!(rows[0].cells, ["Tổ 1", "Tổ 1"]);
        assert_eq!(rows[1].cells, ["Tổ 1", "Tổ 1", "An"]);
        assert_eq!(rows[0].merged, 1);
    }

    #[test]
    fn cells_beyond_the_limits_are_not_looked_at() {
        let mut grid = Grid::default();
        grid.put(ROWS_MAX, 0, "x".into());
        grid.put(0, COLUMNS_MAX, "x".into());
        grid.put(ROWS_MAX - 1, COLUMNS_MAX - 1, "y".into());
        assert_eq!(grid.cells.len(), 1);
    }
}
