//! What the columns of a list are, from the words above them, in Vietnamese and English.

use unicode_normalization::UnicodeNormalization;

use super::sheet::Row;

/// Rows above the heads of the columns: the name of the branch, the title of the list.
const TITLE_ROWS_MAX: usize = 20;

/// What a column says of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Column {
    /// Full name; several side by side are read together.
    Name,
    /// Family and middle name, where the last one stands apart.
    Family,
    /// Last name.
    Given,
    Role,
    Group,
    Standing,
    /// A mark or a day for full members.
    Full,
    /// A mark or a day for probationary members.
    Probationary,
    Activity,
    /// A mark for exempt members.
    Exempt,
    /// Day of admission to the Party.
    Joined,
    /// First day on the list.
    From,
    /// Anything; "miễn sinh hoạt" counts.
    Note,
    /// Known to say nothing that the roster keeps.
    Ignored,
}

impl Column {
    /// Stable name in errors.
    pub fn key(self) -> &'static str {
        match self {
            Self::Name | Self::Family | Self::Given => "name",
            Self::Role => "role",
            Self::Group => "group",
            Self::Standing => "standing",
            Self::Full => "full",
            Self::Probationary => "probationary",
            Self::Activity => "activity",
            Self::Exempt => "exempt",
            Self::Joined => "joined",
            Self::From => "from",
            Self::Note => "note",
            Self::Ignored => "",
        }
    }
}

/// Heads as [`plain`] writes them.
const HEADS: &[(Column, &[&str])] = &[
    (
        Column::Name,
        &[
            "name",
            "full name",
            "ho ten",
            "ho va ten",
            "ho va ten dang vien",
            "ho ten dang vien",
            "ten dang vien",
            "ho va ten khai sinh",
        ],
    ),
    (
        Column::Family,
        &[
            "ho",
            "ho dem",
            "ho va dem",
            "ho va ten dem",
            "ho ten dem",
            "ho lot",
            "family name",
            "surname",
        ],
    ),
    (Column::Given, &["ten", "given name", "first name"]),
    (
        Column::Role,
        &[
            "role",
            "office",
            "position",
            "chuc vu",
            "chuc vu dang",
            "chuc vu trong dang",
            "chuc vu trong chi bo",
        ],
    ),
    (
        Column::Group,
        &[
            "group",
            "party group",
            "to",
            "to dang",
            "to dang so",
            "thuoc to dang",
        ],
    ),
    (
        Column::Standing,
        &[
            "standing",
            "loai",
            "loai dang vien",
            "tu cach dang vien",
            "chinh thuc du bi",
            "dang vien chinh thuc du bi",
            "ct db",
        ],
    ),
    (
        Column::Full,
        &[
            "full",
            "full member",
            "chinh thuc",
            "dang vien chinh thuc",
            "ngay chinh thuc",
            "ngay vao dang chinh thuc",
            "vao dang chinh thuc",
        ],
    ),
    (
        Column::Probationary,
        &[
            "probationary",
            "du bi",
            "dang vien du bi",
            "ngay du bi",
            "ngay vao dang du bi",
            "vao dang du bi",
        ],
    ),
    (
        Column::Activity,
        &["activity", "sinh hoat", "tinh trang sinh hoat", "tinh trang"],
    ),
    (
        Column::Exempt,
        &[
            "exempt",
            "mien sinh hoat",
            "mien sinh hoat dang",
            "mien cong tac va sinh hoat dang",
            "mien cong tac sinh hoat",
            "mien sh",
        ],
    ),
    (
        Column::Joined,
        &[
            "joined",
            "date joined",
            "ngay vao dang",
            "ngay thang nam vao dang",
            "ngay thang vao dang",
            "ngay ket nap",
            "ngay vao dcsvn",
            "ngay ket nap dang",
        ],
    ),
    (
        Column::From,
        &["from", "since", "tu ngay", "ngay ve chi bo", "ngay chuyen den"],
    ),
    (Column::Note, &["note", "notes", "remarks", "ghi chu"]),
    (Column::Ignored, &["stt", "tt", "no", "so tt", "so thu tu", ""]),
];

/// Small letters without marks, one blank between words, nothing else: `Họ, tên` and `HỌ TÊN` are one head.
pub(super) fn plain(text: &str) -> String {
    let unmarked = text
        .nfd()
        .filter(|c| !unicode_normalization::char::is_combining_mark(*c));
    let letters: String = unmarked
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            'đ' => 'd',
            c if c.is_alphanumeric() => c,
            _ => ' ',
        })
        .collect();
    letters.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn known(head: &str) -> Option<Column> {
    let head = plain(head);
    let found = HEADS.iter().find(|(_, names)| names.contains(&head.as_str()));
    found.map(|(column, _)| *column)
}

/// The heads of a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// What each column is.
    pub columns: Vec<Column>,
    /// Words above columns that the roster has no place for.
    pub unknown: Vec<String>,
    /// Rows that belong to it and what stands above, from the first one.
    pub rows: usize,
}

/// Finds the heads: the first row that has a column for names. The error is the name of the column that is missing or
/// comes twice.
pub(super) fn head(rows: &[Row]) -> Result<Head, String> {
    let named = |row: &&Row| {
        let columns: Vec<Column> = row.cells.iter().filter_map(|cell| known(cell)).collect();
        columns.contains(&Column::Name)
            || columns.contains(&Column::Family) && columns.contains(&Column::Given)
    };
    let at = rows.iter().take(TITLE_ROWS_MAX).position(|row| named(&row));
    let at = at.ok_or_else(|| "họ và tên (name)".to_owned())?;
    let (mut used, top) = (at + 1, &rows[at].cells);
    let mut heads = top.clone();
    if let Some(row) = rows.get(used).filter(|row| is_second(top, &row.cells)) {
        heads.resize(heads.len().max(row.cells.len()), String::new());
        let mut above = String::new();
        for (column, head) in heads.iter_mut().enumerate() {
            if !head.trim().is_empty() {
                above.clone_from(head);
            }
            let below = row.cells.get(column).map_or("", |cell| cell.trim());
            if !below.is_empty() && below != head.trim() {
                *head = if known(below).is_some() && known(&format!("{above} {below}")).is_none() {
                    below.to_owned()
                } else {
                    format!("{above} {below}")
                };
            }
        }
        used += 1;
    }
    if rows.get(used).is_some_and(|row| is_count(&row.cells)) {
        used += 1;
    }
    let mut unknown = Vec::new();
    let mut columns = Vec::new();
    for head in &heads {
        let column = known(head).unwrap_or_else(|| {
            unknown.push(head.split_whitespace().collect::<Vec<_>>().join(" "));
            Column::Ignored
        });
        // A merged head above two columns of a name is both of them.
        let beside = column == Column::Name && columns.last() == Some(&Column::Name);
        if column != Column::Ignored && columns.contains(&column) && !beside {
            return Err(head.trim().to_owned());
        }
        columns.push(column);
    }
    unknown.dedup();
    Ok(Head {
        columns,
        unknown,
        rows: used,
    })
}

/// A second row of heads only divides columns of the first: by standing, mostly.
fn is_second(top: &[String], row: &[String]) -> bool {
    const DIVISIONS: [&str; 8] = [
        "du bi",
        "chinh thuc",
        "nam",
        "nu",
        "dang",
        "chinh quyen",
        "doan the",
        "ngay",
    ];
    let mut divides = false;
    let fits = row.iter().enumerate().all(|(at, cell)| {
        let same = top.get(at).is_some_and(|above| above.trim() == cell.trim());
        let divided = DIVISIONS.contains(&plain(cell).as_str());
        divides |= divided && !same;
        same || divided || cell.trim().is_empty()
    });
    fits && divides
}

/// A row that only numbers the columns: `1 2 3`, `(1) (2) (3)`.
fn is_count(row: &[String]) -> bool {
    let numbers: Vec<u32> = row.iter().filter_map(|cell| plain(cell).parse().ok()).collect();
    let filled = row.iter().filter(|cell| !cell.trim().is_empty()).count();
    filled > 1 && numbers.len() == filled && numbers.iter().zip(numbers[0]..).all(|(a, b)| *a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(table: &[&str]) -> Vec<Row> {
        let row = |(at, line): (usize, &&str)| Row {
            line: at + 1,
            cells: line.split('|').map(str::to_owned).collect(),
            merged: 0,
        };
        table.iter().enumerate().map(row).collect()
    }

    #[test]
    fn no_head_has_two_meanings() {
        let all: Vec<&str> = HEADS
            .iter()
            .flat_map(|(_, names)| names.iter().copied())
            .collect();
        let set: std::collections::BTreeSet<&str> = all.iter().copied().collect();
        assert_eq!(all.len(), set.len());
        assert!(all.iter().all(|name| plain(name) == *name));
    }

    #[test]
    fn titles_above_and_numbers_below_the_heads_are_passed_over() {
        let found = head(&rows(&[
            "ĐẢNG BỘ XÃ",
            "DANH SÁCH ĐẢNG VIÊN",
            "STT|HỌ VÀ TÊN|Ngày sinh|Chức vụ",
            "(1)|(2)|(3)|(4)",
            "1|An",
        ]))
        .unwrap();
        assert_eq!(
            found.columns,
            [Column::Ignored, Column::Name, Column::Ignored, Column::Role]
        );
        assert_eq!((found.rows, found.unknown), (4, vec!["Ngày sinh".to_owned()]));
    }

    #[test]
    fn a_second_row_divides_the_columns_above_it() {
        let merged = head(&rows(&[
            "TT|Họ tên|Ngày vào Đảng|Ngày vào Đảng",
            "TT|Họ tên|Dự bị|Chính thức",
            "1|An",
        ]));
        let empty = head(&rows(&["TT|Họ tên|Ngày vào Đảng|", "||Dự bị|Chính thức", "1|An"]));
        let wanted = [Column::Ignored, Column::Name, Column::Probationary, Column::Full];
        assert_eq!(merged.as_ref().unwrap().columns, wanted);
        assert_eq!(merged, empty);
        assert_eq!(merged.unwrap().rows, 2);
    }

    #[test]
    fn decomposed_letters_and_marks_make_no_difference() {
        for text in ["Ho\u{323} va\u{300} te\u{302}n", "HỌ, TÊN", " họ  và tên: "] {
            assert_eq!(known(text), Some(Column::Name), "{text}");
        }
        assert_eq!(known("Chính thức/Dự bị"), Some(Column::Standing));
    }

    #[test]
    fn a_list_without_names_or_with_a_double_column_is_refused() {
        assert!(head(&rows(&["chức vụ|tổ", "Bí thư|1"])).is_err());
        assert!(head(&rows(&["tên", "An"])).is_err());
        assert_eq!(head(&rows(&["name|role|role", "An"])), Err("role".to_owned()));
        let split = head(&rows(&["Họ và tên|Họ và tên|Tổ"])).unwrap();
        assert_eq!(split.columns, [Column::Name, Column::Name, Column::Group]);
    }
}
