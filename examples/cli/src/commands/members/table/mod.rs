//! A list of members as offices keep it: a workbook, or text of a spreadsheet. Every wrong row is found, not only the
//! first, and nothing is taken from a list with a wrong row.

mod columns;
mod read;
mod sheet;

use sotay_engine::NewMember;
use sotay_engine::handbook::Date;
use sotay_engine::handbook::limits::MEMBERS_MAX;

use crate::args::Coded;
use crate::voice::Voice;
use columns::Column;
use sotay_engine::handbook::roster::{Activity, Role, Standing};

pub(super) use read::read;
pub(super) use sheet::read as read_file;

/// Characters of a name.
pub(super) const NAME_CHARS_MAX: usize = 300;

/// What a list says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct List {
    /// Those to put on the roster.
    pub entries: Vec<Entry>,
    /// Columns that the roster has no place for.
    pub unknown: Vec<String>,
    /// Rows that are no members: titles of groups, sums, signatures.
    pub skipped: Vec<(usize, String)>,
}

/// A row of a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Line of the file, counted from 1.
    pub line: usize,
    /// The member.
    pub new: NewMember,
    /// First day on the list, where the row says it; never before the day of admission.
    pub from: Option<Date>,
    /// Day of admission to the Party, where the row says it.
    pub joined: Option<Date>,
}

/// Why nothing was imported.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TableError {
    /// No column for names, or a column that comes twice: its name.
    Header(String),
    /// Nobody below the heads.
    NoRows,
    /// These rows.
    Rows(Vec<RowError>),
}

/// A wrong row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RowError {
    /// Line of the file, counted from 1.
    pub line: usize,
    /// Column of the file, counted from 0.
    pub at: usize,
    /// What is wrong.
    pub fault: Fault,
}

impl RowError {
    /// The cell as spreadsheets name it: `C5`.
    pub fn cell(&self) -> String {
        let (mut letters, mut rest) = (String::new(), self.at + 1);
        while rest > 0 {
            letters.insert(0, char::from(b'A' + ((rest - 1) % 26) as u8));
            rest = (rest - 1) / 26;
        }
        format!("{letters}{}", self.line)
    }
}

/// What is wrong with a row.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    NoName,
    NameTooLong { chars: usize },
    NameLetter(char),
    TooManyCells { cells: usize, columns: usize },
    Word { column: Column, text: String },
    Date { column: Column, text: String },
    OnRoster(String),
    Twice { name: String, line: usize },
    TooManyRows,
}

impl Fault {
    /// Name of the column it is in.
    pub fn column(&self) -> &'static str {
        match self {
            Fault::Word { column, .. } | Fault::Date { column, .. } => column.key(),
            _ => Column::Name.key(),
        }
    }

    /// In words.
    pub fn message(&self, voice: Voice) -> String {
        match self {
            Fault::NoName => voice.say("row.no_name", &[]),
            Fault::NameTooLong { chars } => voice.say(
                "row.name_too_long",
                &[("chars", chars), ("limit", &NAME_CHARS_MAX)],
            ),
            Fault::NameLetter(letter) => voice.say("row.name_letter", &[("letter", letter)]),
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
            Fault::Date { text, .. } => voice.say("row.date", &[("column", &self.column()), ("text", text)]),
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
        _ => String::new(),
    }
}
