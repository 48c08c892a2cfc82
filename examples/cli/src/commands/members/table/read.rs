//! From rows to members.

use std::collections::BTreeMap;

use sotay_engine::NewMember;
use sotay_engine::handbook::limits::MEMBERS_MAX;
use sotay_engine::handbook::roster::{Activity, Role, Standing};
use sotay_engine::handbook::{Date, LocalTime, Words};
use unicode_normalization::UnicodeNormalization;

use super::columns::{Column, Head, head, plain};
use super::sheet::Row;
use super::{Entry, Fault, List, NAME_CHARS_MAX, RowError, TableError};
use crate::args::Coded;
use crate::pick::folded;

/// What a mark column says when it says no.
const NO: [&str; 5] = ["", "0", "khong", "no", "k"];
/// How a title of a party group begins inside a list.
const GROUP_WORDS: [&str; 2] = ["to", "to dang"];
/// How the row begins below which there are no members.
const SUMS: [&str; 5] = ["tong", "tong so", "tong cong", "cong", "total"];
/// Words of lists beside the handbook's own.
const ROLES: [(&str, Role); 9] = [
    ("bi thu chi bo", Role::Secretary),
    ("bt", Role::Secretary),
    ("pho bi thu chi bo", Role::Deputy),
    ("pbt", Role::Deputy),
    ("cuv", Role::CommitteeMember),
    ("uy vien chi uy", Role::CommitteeMember),
    ("dv", Role::Member),
    ("to truong", Role::Member),
    ("to truong to dang", Role::Member),
];
const STANDINGS: [(&str, Standing); 6] = [
    ("ct", Standing::Full),
    ("dvct", Standing::Full),
    ("dang vien chinh thuc", Standing::Full),
    ("db", Standing::Probationary),
    ("dvdb", Standing::Probationary),
    ("dang vien du bi", Standing::Probationary),
];
const ACTIVITIES: [(&str, Activity); 4] = [
    ("mien", Activity::Exempt),
    ("mien sinh hoat dang", Activity::Exempt),
    ("mien cong tac va sinh hoat dang", Activity::Exempt),
    ("binh thuong", Activity::Attending),
];

/// Reads a list. `known` tells whether a name is on the roster; `same_names` lets several people have one name.
pub(in super::super) fn read(
    rows: &[Row],
    known: &dyn Fn(&str) -> bool,
    same_names: bool,
) -> Result<List, TableError> {
    let head = head(rows).map_err(TableError::Header)?;
    let mut list = List {
        entries: Vec::new(),
        unknown: head.unknown.clone(),
        skipped: Vec::new(),
    };
    let (mut wrong, mut group, mut below) = (Vec::new(), None, false);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for row in &rows[head.rows..] {
        if below || no_member(row, &head, &mut group, &mut below) {
            list.skipped.push((row.line, said(row)));
            continue;
        }
        if list.entries.len() + wrong.len() >= MEMBERS_MAX {
            wrong.push(RowError {
                line: row.line,
                at: 0,
                fault: Fault::TooManyRows,
            });
            break;
        }
        let checked = member(row, &head, group.as_deref()).and_then(|entry| {
            let at = head
                .columns
                .iter()
                .position(|column| column.key() == Column::Name.key());
            let at = at.unwrap_or(0);
            let name = folded(&entry.new.name);
            if same_names {
                return Ok(entry);
            }
            if known(&entry.new.name) {
                return Err((at, Fault::OnRoster(entry.new.name)));
            }
            if let Some(&line) = seen.get(&name) {
                return Err((
                    at,
                    Fault::Twice {
                        name: entry.new.name,
                        line,
                    },
                ));
            }
            seen.insert(name, row.line);
            Ok(entry)
        });
        match checked {
            Ok(entry) => list.entries.push(entry),
            Err((at, fault)) => wrong.push(RowError {
                line: row.line,
                at,
                fault,
            }),
        }
    }
    match (wrong.is_empty(), list.entries.is_empty()) {
        (false, _) => Err(TableError::Rows(wrong)),
        (true, true) => Err(TableError::NoRows),
        (true, false) => Ok(list),
    }
}

/// What a row says, each merged cell once.
fn said(row: &Row) -> String {
    let mut parts: Vec<String> = row
        .cells
        .iter()
        .map(|cell| tidy(cell))
        .filter(|cell| !cell.is_empty())
        .collect();
    parts.dedup();
    parts.join(" ")
}

/// One form of a text: NFC, one blank between words, no characters that nobody sees.
fn tidy(text: &str) -> String {
    let seen = text
        .nfc()
        .filter(|c| !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}'));
    let seen: String = seen.collect();
    seen.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Titles of groups, sums and what stands below them.
fn no_member(row: &Row, head: &Head, group: &mut Option<String>, below: &mut bool) -> bool {
    let filled: Vec<usize> = (0..row.cells.len())
        .filter(|&at| !row.cells[at].trim().is_empty())
        .collect();
    let says = said(row);
    let words = plain(&says);
    let first = words.split(' ').next().unwrap_or_default();
    let of_sum = |sum: &str| words == sum || words.starts_with(&format!("{sum} "));
    // "Tống" is a family name and "Công" a last one: a sum has its number, or stands in a cell over several columns.
    let counted = words.split(' ').any(|word| word.parse::<u32>().is_ok());
    if SUMS.iter().any(|sum| of_sum(sum)) && (counted || row.merged > 0) {
        *below = true;
        return true;
    }
    let column = filled.first().and_then(|&at| head.columns.get(at)).copied();
    let alone = filled.len() == 1 && column.is_none_or(|column| column == Column::Ignored);
    if row.merged == 0 && !alone || filled.len() > row.merged + 1 {
        return false;
    }
    let numbered = first.chars().all(|c| c.is_ascii_digit() || "ivx".contains(c)) || first.len() == 1;
    let title = if numbered {
        words[first.len()..].trim()
    } else {
        &words
    };
    if GROUP_WORDS
        .iter()
        .any(|word| title.starts_with(&format!("{word} ")))
    {
        let skip = if numbered { 1 } else { 0 };
        *group = Some(says.split(' ').skip(skip).collect::<Vec<_>>().join(" "));
    }
    true
}

type Wrong = (usize, Fault);

fn member(row: &Row, head: &Head, group: Option<&str>) -> Result<Entry, Wrong> {
    let filled = row
        .cells
        .iter()
        .rposition(|cell| !cell.trim().is_empty())
        .map_or(0, |at| at + 1);
    if filled > head.columns.len() {
        let (cells, columns) = (filled, head.columns.len());
        return Err((columns, Fault::TooManyCells { cells, columns }));
    }
    let mut new = NewMember::named("");
    new.group = group.map(Words::from);
    let mut name: Vec<String> = Vec::new();
    let (mut full, mut probationary, mut joined, mut from) = (None, None, None, None);
    for (at, (column, cell)) in head.columns.iter().copied().zip(&row.cells).enumerate() {
        let text = tidy(cell);
        if text.is_empty() {
            continue;
        }
        let word = |wrong: String| (at, Fault::Word { column, text: wrong });
        let date = || {
            day(&text).ok_or_else(|| {
                (
                    at,
                    Fault::Date {
                        column,
                        text: text.clone(),
                    },
                )
            })
        };
        match column {
            // A merged name says the same in both columns.
            Column::Name | Column::Family | Column::Given if name.last() != Some(&text) => name.push(text),
            Column::Role => new.role = role(&text).ok_or_else(|| word(text.clone()))?,
            Column::Group => new.group = Some(Words::from(text.as_str())),
            Column::Standing => new.standing = one_of(&text, &STANDINGS).ok_or_else(|| word(text.clone()))?,
            Column::Activity => {
                new.activity = one_of(&text, &ACTIVITIES).ok_or_else(|| word(text.clone()))?
            }
            Column::Full => full = Some(marked(&text, &date)?),
            Column::Probationary => probationary = Some(marked(&text, &date)?),
            Column::Exempt if !NO.contains(&plain(&text).as_str()) => new.activity = Activity::Exempt,
            Column::Joined => joined = Some(date()?),
            Column::From => from = Some(date()?),
            Column::Note if plain(&text).contains("mien sinh hoat") => new.activity = Activity::Exempt,
            _ => {}
        }
    }
    let (full, probationary) = (full.flatten(), probationary.flatten());
    match (full, probationary) {
        (Some(_), _) => new.standing = Standing::Full,
        (None, Some(_)) => new.standing = Standing::Probationary,
        (None, None) => {}
    }
    let joined = joined.or(probationary.flatten()).or(full.flatten());
    let at = head
        .columns
        .iter()
        .position(|column| column.key() == Column::Name.key())
        .unwrap_or(0);
    new.name = name.join(" ");
    check_name(&new.name).map_err(|fault| (at, fault))?;
    Ok(Entry {
        line: row.line,
        new,
        from,
        joined,
    })
}

/// A mark: `None` says no, `Some(None)` yes, `Some(Some(day))` yes and since when.
fn marked(text: &str, date: &dyn Fn() -> Result<Date, Wrong>) -> Result<Option<Option<Date>>, Wrong> {
    if NO.contains(&plain(text).as_str()) {
        Ok(None)
    } else if text.chars().any(|c| c.is_ascii_digit()) {
        date().map(|day| Some(Some(day)))
    } else {
        Ok(Some(None))
    }
}

fn check_name(name: &str) -> Result<(), Fault> {
    let chars = name.chars().count();
    if chars == 0 {
        return Err(Fault::NoName);
    }
    if chars > NAME_CHARS_MAX {
        return Err(Fault::NameTooLong { chars });
    }
    let fits = |c: char| {
        c.is_alphanumeric()
            || unicode_normalization::char::is_combining_mark(c)
            || matches!(c, ' ' | '.' | ',' | '-' | '\'' | '’' | '(' | ')' | '/')
    };
    match name.chars().find(|&c| !fits(c)) {
        Some(letter) => Err(Fault::NameLetter(letter)),
        None => Ok(()),
    }
}

fn one_of<T: Coded + PartialEq>(text: &str, more: &[(&str, T)]) -> Option<T> {
    let words = plain(text);
    T::read(text).or_else(|| {
        more.iter()
            .find(|(known, _)| *known == words)
            .map(|(_, one)| *one)
    })
}

/// An office; of several, as `Bí thư, Trưởng thôn`, the first that is one of the branch.
fn role(text: &str) -> Option<Role> {
    let mut parts = text.split([',', ';', '+']).map(str::trim);
    one_of(text, &ROLES).or_else(|| parts.find_map(|part| one_of(part, &ROLES)))
}

/// Days that spreadsheets count from 30-12-1899, as numbers from 1927 to 2119.
const SERIALS: std::ops::RangeInclusive<u32> = 10_000..=80_000;
/// The number of 1 January 1970.
const SERIAL_1970: i64 = 25_569;

/// A day in one of the forms of lists: `3/2/1985`, `03-02-1985`, `3.2.1985`, `1985-02-03`, `02/1985` and `1985` (their
/// first day), or the number of an unformatted cell. A year of two digits may be either century: no day.
fn day(text: &str) -> Option<Date> {
    let text = text.trim().trim_end_matches('.');
    if let Ok(day) = text.parse() {
        return Some(day);
    }
    let parts: Option<Vec<u32>> = text
        .split(['/', '-', '.'])
        .map(|part| {
            let part = part.trim();
            let digits = (1..=5).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| part.parse().ok()).flatten()
        })
        .collect();
    let year = |year: u32| (1900..=2999).contains(&year).then_some(year as i32);
    match *parts? {
        [day, month, of] => Date::new(year(of)?, month, day),
        [month, of] => Date::new(year(of)?, month, 1),
        [number] if SERIALS.contains(&number) => {
            let ms = (i64::from(number) - SERIAL_1970) * 86_400_000;
            LocalTime::from_ms(ms, 0).map(LocalTime::date)
        }
        [of] => Date::new(year(of)?, 1, 1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free(_: &str) -> bool {
        false
    }

    /// Rows of a table with bars between the cells; a row that begins with `>` is one merged cell over all columns.
    fn rows(table: &str) -> Vec<Row> {
        let row = |(at, line): (usize, &str)| {
            let (cells, merged) = match line.strip_prefix('>') {
                Some(text) => (vec![text.to_owned(); 4], 3),
                None => (line.split('|').map(str::to_owned).collect(), 0),
            };
            Row {
                line: at + 1,
                cells,
                merged,
            }
        };
        let rows = table.lines().enumerate().map(row);
        rows.filter(|row| row.cells.iter().any(|cell| !cell.trim().is_empty()))
            .collect()
    }

    fn faults(table: &str) -> Vec<(usize, String, Fault)> {
        let taken = |name: &str| name == "Dung";
        match read(&rows(table), &taken, false) {
            Err(TableError::Rows(rows)) => rows
                .into_iter()
                .map(|row| (row.line, row.cell(), row.fault))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn columns_come_in_any_order_and_words_in_either_language() {
        let table = "chức vụ|họ tên|loại\nphó bí thư|Trần Thị Bình|chính thức\n|Đỗ Văn Cường|probationary\nBí thư, Trưởng thôn|Lê An|ĐVCT";
        let list = read(&rows(table), &free, false).unwrap();
        let binh = NewMember {
            role: Role::Deputy,
            ..NewMember::named("Trần Thị Bình")
        };
        let cuong = NewMember {
            standing: Standing::Probationary,
            ..NewMember::named("Đỗ Văn Cường")
        };
        let an = NewMember {
            role: Role::Secretary,
            ..NewMember::named("Lê An")
        };
        let members: Vec<NewMember> = list.entries.into_iter().map(|entry| entry.new).collect();
        assert_eq!(members, [binh, cuong, an]);
    }

    #[test]
    fn a_list_of_an_office_is_read_with_its_titles_groups_and_sums() {
        let table = "ĐẢNG BỘ XÃ ĐÔNG PHONG\n\nTT|Họ và tên|Ngày vào Đảng||Chức vụ|Miễn sinh hoạt|Ghi chú\n\
                     ||Dự bị|Chính thức|||\n1|2|3|4|5|6|7\n>I. Tổ đảng số 1\n1|Lê Văn An|03/02/1985|03/02/1986|Bí thư||\n\
                     2|Trần Thị Bình|10.5.2025||||\n>Tổ đảng số 2\n3|Cao Văn Kiệm|1960|1961||x|\n\
                     4|Tống Văn Công||||| miễn sinh hoạt từ 2020\n|Tổng cộng: 4 đảng viên\n||||NGƯỜI LẬP";
        let list = read(&rows(table), &free, false).unwrap();
        let shown: Vec<_> = list
            .entries
            .iter()
            .map(|entry| {
                let group = entry.new.group.as_ref().map(|group| group.as_str().to_owned());
                (
                    entry.new.name.as_str(),
                    group.unwrap_or_default(),
                    entry.new.standing,
                    entry.new.activity,
                )
            })
            .collect();
        let (one, two) = ("Tổ đảng số 1".to_owned(), "Tổ đảng số 2".to_owned());
        assert_eq!(
            shown,
            [
                ("Lê Văn An", one.clone(), Standing::Full, Activity::Attending),
                ("Trần Thị Bình", one, Standing::Probationary, Activity::Attending),
                ("Cao Văn Kiệm", two.clone(), Standing::Full, Activity::Exempt),
                ("Tống Văn Công", two, Standing::Full, Activity::Exempt),
            ]
        );
        assert_eq!(list.entries[0].joined, Date::new(1985, 2, 3));
        let skipped: Vec<usize> = list.skipped.iter().map(|(line, _)| *line).collect();
        assert_eq!(skipped, [6, 9, 12, 13]);
        assert!(list.unknown.is_empty());
    }

    #[test]
    fn names_are_taken_in_one_form() {
        let table = "Họ đệm|Tên\nLe\u{302}  Va\u{306}n\u{a0}|\u{200b}An\n";
        let list = read(&rows(table), &free, false).unwrap();
        assert_eq!(list.entries[0].new.name, "Lê Văn An");
    }

    #[test]
    fn every_wrong_row_is_named_with_its_cell() {
        let long = "a".repeat(NAME_CHARS_MAX + 1);
        let table = format!(
            "name|role|joined\n|member\nAn|chủ tịch\nBình|member||y\nCường\nCường\nDung\nHoa 🌺\n{long}\nGiang||30/2/2020\n{}",
            "b".repeat(NAME_CHARS_MAX)
        );
        let word = |column, text: &str| Fault::Word {
            column,
            text: text.into(),
        };
        assert_eq!(
            faults(&table),
            [
                (2, "A2".into(), Fault::NoName),
                (3, "B3".into(), word(Column::Role, "chủ tịch")),
                (4, "D4".into(), Fault::TooManyCells { cells: 4, columns: 3 }),
                (
                    6,
                    "A6".into(),
                    Fault::Twice {
                        name: "Cường".into(),
                        line: 5
                    }
                ),
                (7, "A7".into(), Fault::OnRoster("Dung".into())),
                (8, "A8".into(), Fault::NameLetter('🌺')),
                (
                    9,
                    "A9".into(),
                    Fault::NameTooLong {
                        chars: NAME_CHARS_MAX + 1
                    }
                ),
                (
                    10,
                    "C10".into(),
                    Fault::Date {
                        column: Column::Joined,
                        text: "30/2/2020".into()
                    }
                ),
            ]
        );
        let taken = |name: &str| name == "Dung";
        let same = read(&rows("name\nDung\nCường\nCường"), &taken, true).unwrap();
        assert_eq!(same.entries.len(), 3);
    }

    #[test]
    fn days_are_read_in_the_forms_of_lists_and_no_others() {
        let feb = Date::new(1985, 2, 3);
        for text in [
            "3/2/1985",
            "03-02-1985",
            "3.2.1985",
            "1985-02-03",
            "31081",
            " 03 / 02 / 1985 ",
        ] {
            assert_eq!(day(text), feb, "{text}");
        }
        assert_eq!(day("2/1985"), Date::new(1985, 2, 1));
        assert_eq!(day("1985"), Date::new(1985, 1, 1));
        for text in [
            "3/2/85",
            "31/2/1985",
            "13/2025/1",
            "hôm qua",
            "1",
            "99999",
            "1/2/3/4",
            "",
        ] {
            assert_eq!(day(text), None, "{text}");
        }
    }

    #[test]
    fn one_row_over_the_limit_is_refused() {
        let table = |count: usize| {
            let names: Vec<String> = (0..count).map(|n| format!("Người {n}")).collect();
            rows(&format!("name\n{}", names.join("\n")))
        };
        assert_eq!(
            read(&table(MEMBERS_MAX), &free, false).unwrap().entries.len(),
            MEMBERS_MAX
        );
        let Err(TableError::Rows(wrong)) = read(&table(MEMBERS_MAX + 1), &free, false) else {
            panic!("accepted")
        };
        assert_eq!((wrong.len(), wrong[0].line), (1, MEMBERS_MAX + 2));
        assert_eq!(wrong[0].fault, Fault::TooManyRows);
    }

    #[test]
    fn a_list_of_nobody_is_refused() {
        assert_eq!(read(&rows("name\n\n"), &free, false), Err(TableError::NoRows));
        assert_eq!(
            read(&rows(""), &free, false),
            Err(TableError::Header("họ và tên (name)".into()))
        );
    }
}
