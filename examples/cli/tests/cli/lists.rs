//! Lists of members as offices keep them: real workbooks made here, tables of other separators, wrong rows.

use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, Worksheet};
use serde_json::{Value, json};

use crate::support::{Hall, Phone};

const TEXT: fn() -> Format = Format::new;

fn founded(hall: &Hall) -> Phone {
    let phone = hall.phone("P1");
    phone.ok(&[
        "unit",
        "create",
        "Chi bộ thôn An Lạc",
        "--upper",
        "Đảng bộ xã Đông Phong",
        "--founder",
        "Lê Văn An",
        "--since",
        "2026-01-01",
    ]);
    phone
}

fn row(sheet: &mut Worksheet, row: u32, cells: &[&str]) {
    for (column, cell) in (0..).zip(cells) {
        if !cell.is_empty() {
            sheet.write(row, column, *cell).unwrap();
        }
    }
}

/// Title above, heads in two merged rows, titles of groups over the whole width, days as days, a sum, a signature.
fn office_list(hall: &Hall) {
    let mut book = Workbook::new();
    let notes = book.add_worksheet();
    notes.set_name("Ghi chép").unwrap();
    row(notes, 0, &["không có gì"]);
    let sheet = book.add_worksheet();
    sheet.set_name("Đảng viên").unwrap();
    let format = TEXT();
    sheet
        .merge_range(0, 0, 0, 6, "DANH SÁCH ĐẢNG VIÊN CHI BỘ THÔN AN LẠC", &format)
        .unwrap();
    for (column, head) in [
        (0, "STT"),
        (1, "Họ và tên"),
        (4, "Chức vụ"),
        (5, "Miễn sinh hoạt"),
        (6, "Quê quán"),
    ] {
        sheet.merge_range(2, column, 3, column, head, &format).unwrap();
    }
    sheet.merge_range(2, 2, 2, 3, "Ngày vào Đảng", &format).unwrap();
    row(sheet, 3, &["", "", "Dự bị", "Chính thức"]);
    sheet.merge_range(5, 0, 5, 6, "I. Tổ đảng số 1", &format).unwrap();
    row(
        sheet,
        6,
        &["1", "Trần Thị Bình", "", "", "Phó Bí thư", "", "Đông Phong"],
    );
    let day = Format::new().set_num_format("dd/mm/yyyy");
    let date = |year, month, of| ExcelDateTime::from_ymd(year, month, of).unwrap();
    sheet.write_with_format(6, 2, date(1999, 5, 19), &day).unwrap();
    sheet.write_with_format(6, 3, date(2000, 5, 19), &day).unwrap();
    row(sheet, 7, &["2", "Đo\u{302}\u{303}  Va\u{306}n Cường", "3/2/2026"]);
    sheet
        .merge_range(9, 0, 9, 6, "II. Tổ đảng số 2", &format)
        .unwrap();
    row(sheet, 10, &["3", "Cao Văn Kiệm", "", "02/1965", "", "x"]);
    sheet
        .merge_range(12, 0, 12, 6, "Tổng số: 3 đảng viên", &format)
        .unwrap();
    row(sheet, 14, &["", "", "", "", "NGƯỜI LẬP"]);
    book.save(hall.path("list.xlsx")).unwrap();
}

#[test]
fn a_workbook_of_an_office_is_imported_as_a_reader_understands_it() {
    let hall = Hall::new();
    let phone = founded(&hall);
    office_list(&hall);
    let import = [
        "members",
        "import",
        "list.xlsx",
        "--sheet",
        "Đảng viên",
        "--from",
        "2026-01-01",
    ];
    let seen = phone.json(&[&import[..], &["--dry-run"]].concat());
    let line = |line, name, role, group, standing, activity, from| json!({"line": line, "name": name, "role": role, "group": group, "standing": standing, "activity": activity, "from": from});
    assert_eq!(
        seen["members"],
        json!([
            line(
                7,
                "Trần Thị Bình",
                "deputy",
                "Tổ đảng số 1",
                "full",
                "attending",
                "2026-01-01"
            ),
            line(
                8,
                "Đỗ Văn Cường",
                "member",
                "Tổ đảng số 1",
                "probationary",
                "attending",
                "2026-02-03"
            ),
            line(
                11,
                "Cao Văn Kiệm",
                "member",
                "Tổ đảng số 2",
                "full",
                "exempt",
                "2026-01-01"
            ),
        ])
    );
    assert_eq!(seen["unknown_columns"], json!(["Quê quán"]));
    assert_eq!(
        phone.json(&["members"])["members"].as_array().unwrap().len(),
        1,
        "a dry run changed the roster"
    );

    phone.ok(&import);
    let members = |day: &str| -> Vec<String> {
        let list = phone.json(&["members", "list", "--on", day]);
        let name = |line: &Value| line["name"].as_str().unwrap().to_owned();
        list["members"].as_array().unwrap().iter().map(name).collect()
    };
    assert_eq!(
        members("2026-02-02"),
        ["Lê Văn An", "Trần Thị Bình", "Cao Văn Kiệm"]
    );
    assert_eq!(members("2026-02-03").len(), 4);
    // The same list again: everybody is there, so nobody is taken twice.
    let error = phone.fails(&import, 3, "bad_rows");
    assert_eq!(error["details"]["rows"].as_array().unwrap().len(), 3);
}

#[test]
fn a_wrong_row_of_a_workbook_is_named_with_its_cell_and_nobody_is_imported() {
    let hall = Hall::new();
    let phone = founded(&hall);
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    row(sheet, 0, &["Họ và tên", "Chức vụ", "Ngày vào Đảng"]);
    row(sheet, 1, &["Trần Thị Bình", "", "19/5/1999"]);
    row(sheet, 4, &["Đỗ Văn Cường", "Chủ tịch", ""]);
    row(sheet, 5, &["Trần thị  bình", "", ""]);
    row(sheet, 6, &["Hoa 🌺", "", ""]);
    row(sheet, 7, &[&"ă".repeat(301), "", ""]);
    row(sheet, 8, &[&"ă".repeat(300), "", "31/4/2020"]);
    book.save(hall.path("wrong.xlsx")).unwrap();
    let error = phone.fails(&["members", "import", "wrong.xlsx"], 3, "bad_rows");
    let rows = error["details"]["rows"].as_array().unwrap();
    let cells: Vec<&str> = rows.iter().map(|row| row["cell"].as_str().unwrap()).collect();
    assert_eq!(cells, ["B5", "A6", "A7", "A8", "C9"]);
    assert_eq!(phone.json(&["members"])["members"].as_array().unwrap().len(), 1);
}

#[test]
fn a_name_of_three_hundred_letters_is_kept_whole() {
    let hall = Hall::new();
    let phone = founded(&hall);
    let name = "ặ".repeat(300);
    hall.write("long.csv", format!("Họ và tên,Tổ\n{name},\n"));
    phone.ok(&["members", "import", "long.csv"]);
    assert_eq!(phone.json(&["members"])["members"][1]["name"], name);
}

#[test]
fn tables_with_commas_and_semicolons_are_read() {
    let hall = Hall::new();
    let phone = founded(&hall);
    hall.write(
        "a.csv",
        "\u{feff}Họ và tên,Chức vụ\n\"Trần Thị Bình\",Phó bí thư\n",
    );
    hall.write("b.csv", "Họ đệm;Tên;Chính thức/Dự bị\nĐỗ Văn;Cường;DB\n");
    phone.ok(&["members", "import", "a.csv"]);
    phone.ok(&["members", "import", "b.csv"]);
    let list = phone.json(&["members"]);
    assert_eq!(list["members"][1]["role"], "deputy");
    assert_eq!(
        (&list["members"][2]["name"], &list["members"][2]["standing"]),
        (&json!("Đỗ Văn Cường"), &json!("probationary"))
    );
}

#[test]
fn files_that_are_no_workbooks_and_sheets_that_are_not_there_are_named() {
    let hall = Hall::new();
    let phone = founded(&hall);
    office_list(&hall);
    let error = phone.fails(
        &["members", "import", "list.xlsx", "--sheet", "Tổ 3"],
        3,
        "no_sheet",
    );
    assert!(error["next"].as_str().unwrap().contains("Đảng viên"), "{error}");
    phone.fails(
        &["members", "import", "list.xlsx", "--sheet", "1"],
        3,
        "bad_header",
    );
    phone.fails(&["members", "import", "list.xlsx", "--sheet", "0"], 3, "no_sheet");
    let whole = std::fs::read(hall.path("list.xlsx")).unwrap();
    hall.write("cut.xlsx", &whole[..whole.len() / 2]);
    phone.fails(&["members", "import", "cut.xlsx"], 3, "bad_workbook");
    hall.write(
        "locked.xlsx",
        [&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1][..], &[0; 600]].concat(),
    );
    phone.fails(&["members", "import", "locked.xlsx"], 3, "locked_workbook");
    hall.write(
        "large.xlsx",
        [b"PK\x03\x04", &vec![0; 4 * 1024 * 1024][..]].concat(),
    );
    phone.fails(&["members", "import", "large.xlsx"], 3, "file_too_large");
}

#[test]
fn a_cell_far_away_costs_nothing() {
    let hall = Hall::new();
    let phone = founded(&hall);
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    row(sheet, 0, &["Họ và tên"]);
    row(sheet, 1, &["Trần Thị Bình"]);
    sheet.write(1_048_575, 16_383, "x").unwrap();
    book.save(hall.path("far.xlsx")).unwrap();
    phone.ok(&["members", "import", "far.xlsx"]);
    assert_eq!(phone.json(&["members"])["members"].as_array().unwrap().len(), 2);
}

#[test]
fn an_exported_roster_is_read_again_and_has_the_attendance_of_a_year() {
    let hall = Hall::new();
    let phone = hall.meeting();
    phone.ok(&[
        "members",
        "export",
        "--on",
        "2026-05-05",
        "--attendance",
        "2026",
        "--out",
        "all.csv",
    ]);
    let table = hall.read("all.csv");
    assert!(
        table.starts_with("\u{feff}STT,Họ và tên,Chức vụ,Tổ đảng,Chính thức/Dự bị,Sinh hoạt,05/05/2026\n"),
        "{table}"
    );
    assert!(table.contains("5,Lê Văn Em,"), "{table}");
    assert!(
        table.contains("vắng có lý do") && table.contains("có mặt"),
        "{table}"
    );

    let other = hall.phone("P2");
    other.ok(&[
        "unit",
        "create",
        "Chi bộ khác",
        "--upper",
        "Đảng bộ xã",
        "--founder",
        "Bà Nga",
    ]);
    let seen = other.json(&["members", "import", "all.csv", "--dry-run"]);
    let names: Vec<&str> = seen["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["name"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), 5);
    assert_eq!(seen["members"][1]["role"], "deputy");
    assert_eq!(seen["unknown_columns"], json!(["05/05/2026"]));
}
