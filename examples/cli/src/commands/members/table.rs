//! A table of members as spreadsheets save it: tabs between columns, the first line names them. Every wrong row is found,
//! not only the first.

use sotay_engine::NewMember;
use sotay_engine::handbook::Words;
use sotay_engine::handbook::limits::MEMBERS_MAX;
use sotay_engine::handbook::roster::{Activity, Role, Standing};

use crate::args::Coded;
use crate::pick::folded;
use crate::voice::Voice;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Name,
    Role,
    Group,
    Standing,
    Activity,
}

/// Names of the columns, in English and Vietnamese.
const COLUMNS: [(Column, &[&str]); 5] = [
    (Column::Name, &["name", "họ tên", "họ và tên"]),
    (Column::Role, &["role", "chức vụ"]),
    (Column::Group, &["group", "tổ", "tổ đảng"]),
    (Column::Standing, &["standing", "loại", "tư cách đảng viên"]),
    (
        Column::Activity,
        &["activity", "sinh hoạt", "tình trạng sinh hoạt"],
    ),
];

/// Why nothing was imported.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TableError {
    /// The first line has no column for names, or one that is unknown or comes twice: its name.
    Header(String),
    /// No line after the first.
    NoRows,
    /// These rows.
    Rows(Vec<RowError>),
}

/// A wrong row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RowError {
    /// Line of the file, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with a row.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    NoName,
    TooManyCells { cells: usize, columns: usize },
    Word { column: Column, text: String },
    OnRoster(String),
    Twice { name: String, line: usize },
    TooManyRows,
}

impl Fault {
    /// Name of the column it is in.
    pub fn column(&self) -> &'static str {
        let column = match self {
            Fault::Word { column, .. } => *column,
            _ => Column::Name,
        };
        COLUMNS
            .iter()
            .find(|(known, _)| *known == column)
            .map_or("", |(_, names)| names[0])
    }

    /// In words.
    pub fn message(&self, voice: Voice) -> String {
        match self {
            Fault::NoName => voice.say("row.no_name", &[]),
            Fault::TooManyCells { cells, columns } => {
                voice.say("row.too_many_cells", &[("cells", cells), ("columns", columns)])
            }
            Fault::Word { column, text } => voice.say(
                "row.word",
                &[
                    ("column", &self.column()),
                    ("text", text),
                    ("words", &words(*column, voice)),
                ],
            ),
            Fault::OnRoster(name) => voice.say("row.on_roster", &[("name", name)]),
            Fault::Twice { name, line } => voice.say("row.twice", &[("name", name), ("line", line)]),
            Fault::TooManyRows => voice.say("row.too_many_rows", &[("limit", &MEMBERS_MAX)]),
        }
    }
}

/// What may stand in a column.
fn words(column: Column, voice: Voice) -> String {
    fn labels<T: Coded>(voice: Voice) -> String {
        T::all()
            .iter()
            .map(|one| one.label(voice.lang))
            .collect::<Vec<_>>()
            .join(", ")
    }
    match column {
        Column::Role => labels::<Role>(voice),
        Column::Standing => labels::<Standing>(voice),
        Column::Activity => labels::<Activity>(voice),
        Column::Name | Column::Group => String::new(),
    }
}

/// Reads a table. `known` tells whether a name is on the roster; `same_names` lets several people have one name.
pub(super) fn read(
    text: &str,
    known: &dyn Fn(&str) -> bool,
    same_names: bool,
) -> Result<Vec<NewMember>, TableError> {
    let mut lines = text
        .lines()
        .enumerate()
        .map(|(at, line)| (at + 1, line))
        .filter(|(_, line)| !line.trim().is_empty());
    let header = columns(lines.next().map_or("", |(_, line)| line))?;
    let mut members = Vec::new();
    let mut seen: Vec<(String, usize)> = Vec::new();
    let mut wrong = Vec::new();
    for (line, row) in lines {
        if members.len() + wrong.len() >= MEMBERS_MAX {
            wrong.push(RowError {
                line,
                fault: Fault::TooManyRows,
            });
            break;
        }
        let checked = member(row, &header).and_then(|new| {
            let name = folded(&new.name);
            if same_names {
                return Ok(new);
            }
            if known(&new.name) {
                return Err(Fault::OnRoster(new.name));
            }
            if let Some((_, first)) = seen.iter().find(|(other, _)| *other == name) {
                return Err(Fault::Twice {
                    name: new.name,
                    line: *first,
                });
            }
            seen.push((name, line));
            Ok(new)
        });
        match checked {
            Ok(new) => members.push(new),
            Err(fault) => wrong.push(RowError { line, fault }),
        }
    }
    match (wrong.is_empty(), members.is_empty()) {
        (false, _) => Err(TableError::Rows(wrong)),
        (true, true) => Err(TableError::NoRows),
        (true, false) => Ok(members),
    }
}

fn columns(header: &str) -> Result<Vec<Column>, TableError> {
    let mut columns = Vec::new();
    for cell in header.trim_end_matches('\t').split('\t') {
        let name = folded(cell);
        let known = COLUMNS
            .iter()
            .find(|(_, names)| names.contains(&name.as_str()))
            .map(|(column, _)| *column);
        match known {
            Some(column) if !columns.contains(&column) => columns.push(column),
            _ => return Err(TableError::Header(cell.trim().to_owned())),
        }
    }
    if columns.contains(&Column::Name) {
        Ok(columns)
    } else {
        Err(TableError::Header(COLUMNS[0].1[0].to_owned()))
    }
}

fn member(row: &str, columns: &[Column]) -> Result<NewMember, Fault> {
    let cells: Vec<&str> = row.trim_end_matches('\t').split('\t').map(str::trim).collect();
    if cells.len() > columns.len() {
        return Err(Fault::TooManyCells {
            cells: cells.len(),
            columns: columns.len(),
        });
    }
    let mut new = NewMember::named("");
    for (column, text) in columns.iter().zip(cells).filter(|(_, text)| !text.is_empty()) {
        match column {
            Column::Name => new.name = text.to_owned(),
            Column::Role => new.role = word(*column, text)?,
            Column::Group => new.group = Some(Words::from(text)),
            Column::Standing => new.standing = word(*column, text)?,
            Column::Activity => new.activity = word(*column, text)?,
        }
    }
    if new.name.is_empty() {
        Err(Fault::NoName)
    } else {
        Ok(new)
    }
}

fn word<T: Coded>(column: Column, text: &str) -> Result<T, Fault> {
    T::read(text).ok_or_else(|| Fault::Word {
        column,
        text: text.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free(_: &str) -> bool {
        false
    }

    #[test]
    fn columns_come_in_any_order_and_words_in_either_language() {
        let table = "chức vụ\thọ tên\tloại\nphó bí thư\tTrần Thị Bình\tchính thức\n\tĐỗ Văn Cường\tprobationary\r\n\n";
        let members = read(table, &free, false).unwrap();
        let binh = NewMember {
            role: Role::Deputy,
            ..NewMember::named("Trần Thị Bình")
        };
        let cuong = NewMember {
            standing: Standing::Probationary,
            ..NewMember::named("Đỗ Văn Cường")
        };
        assert_eq!(members, [binh, cuong]);
    }

    #[test]
    fn every_wrong_row_is_named_with_its_line() {
        let table = "name\trole\n\tmember\nAn\tchủ tịch\nBình\tmember\tx\ty\nCường\nCường\nDung\n";
        let taken = |name: &str| name == "Dung";
        let Err(TableError::Rows(rows)) = read(table, &taken, false) else {
            panic!("accepted")
        };
        let lines: Vec<usize> = rows.iter().map(|row| row.line).collect();
        assert_eq!(lines, [2, 3, 4, 6, 7]);
        assert_eq!(rows[0].fault, Fault::NoName);
        assert_eq!(
            rows[1].fault,
            Fault::Word {
                column: Column::Role,
                text: "chủ tịch".into()
            }
        );
        assert_eq!(rows[2].fault, Fault::TooManyCells { cells: 4, columns: 2 });
        assert_eq!(
            rows[3].fault,
            Fault::Twice {
                name: "Cường".into(),
                line: 5
            }
        );
        assert_eq!(rows[4].fault, Fault::OnRoster("Dung".into()));
        assert_eq!(read("name\nDung\nCường\nCường", &taken, true).unwrap().len(), 3);
    }

    #[test]
    fn a_header_without_names_with_an_unknown_or_a_double_column_is_refused() {
        for (header, column) in [
            ("role", "name"),
            ("name\tphone", "phone"),
            ("name\trole\trole", "role"),
            ("", "An"),
        ] {
            assert_eq!(
                read(&format!("{header}\nAn"), &free, false),
                Err(TableError::Header(column.into())),
                "{header}"
            );
        }
        assert_eq!(read("name\n\n", &free, false), Err(TableError::NoRows));
    }

    #[test]
    fn one_row_over_the_limit_is_refused() {
        let table = |rows: usize| {
            let rows: Vec<String> = (0..rows).map(|n| format!("Người {n}")).collect();
            format!("name\n{}", rows.join("\n"))
        };
        assert_eq!(
            read(&table(MEMBERS_MAX), &free, false).unwrap().len(),
            MEMBERS_MAX
        );
        let Err(TableError::Rows(rows)) = read(&table(MEMBERS_MAX + 1), &free, false) else {
            panic!("accepted")
        };
        assert_eq!(
            rows,
            [RowError {
                line: MEMBERS_MAX + 2,
                fault: Fault::TooManyRows
            }]
        );
    }
}
