//! Tasks, fees, ratings, resolutions, reports and directives, as somebody types them.

use crate::support::{Hall, keys};

#[test]
fn conclusions_become_tasks_that_are_reported_accepted_and_reopened() {
    let hall = Hall::new();
    let phone = hall.meeting();
    phone.ok(&[
        "meeting",
        "conclude",
        "Giao tổ 3 nạo vét mương.",
        "--deadline",
        "15/05/2026",
        "--responsible",
        "3",
    ]);
    let made = phone.json(&["tasks", "from-meeting", "--year", "2026"]);
    assert_eq!(made["added"], 1);
    assert_eq!(
        phone.json(&["tasks", "from-meeting"])["added"],
        0,
        "no task is made twice"
    );
    let list = phone.json(&["tasks", "--year", "2026"]);
    assert_eq!(keys(&list), ["on", "overdue", "tasks"]);
    assert_eq!(list["tasks"][0]["deadline"]["value"], "2026-05-15");
    phone.ok(&[
        "tasks",
        "report",
        "1",
        "done",
        "--result",
        "đã vét 400 m",
        "--year",
        "2026",
    ]);
    phone.ok(&["tasks", "report", "1", "accepted", "--year", "2026"]);
    let shown = phone.ok(&["tasks", "--year", "2026"]);
    assert!(
        shown.contains("đã nghiệm thu") && shown.contains("đã vét 400 m"),
        "{shown}"
    );
    phone.ok(&[
        "tasks",
        "reopen",
        "1",
        "--reason",
        "còn đoạn cuối",
        "--year",
        "2026",
    ]);
    assert_eq!(
        phone.json(&["tasks", "--year", "2026"])["tasks"][0]["status"],
        "assigned"
    );
    phone.fails(&["tasks", "report", "2", "done", "--year", "2026"], 3, "no_entry");
}

#[test]
fn fees_are_paid_reversed_and_summed() {
    let hall = Hall::new();
    let phone = hall.branch();
    phone.ok(&[
        "fees", "assess", "1", "24.000", "--from", "2026-01", "--month", "2026-05",
    ]);
    let month = phone.json(&["fees", "--month", "2026-05"]);
    // By the rates of 2026: one assessed, three at 10,000, one probationary at 5,000.
    assert_eq!(month["fees"]["due"], 24_000 + 3 * 10_000 + 5_000);
    let paid = phone.json(&["fees", "pay", "all", "--month", "2026-05", "--day", "05/05/2026"]);
    assert_eq!(
        (paid["lines"].as_u64(), paid["paid"].as_i64()),
        (Some(5), Some(59_000))
    );
    phone.ok(&[
        "fees",
        "pay",
        "Em",
        "10000",
        "--month",
        "2026-05",
        "--day",
        "06/05/2026",
    ]);
    let all = phone.json(&["review", "--all"]);
    let document = all["documents"][0]["document"]["doc"]
        .as_str()
        .unwrap()
        .to_owned();
    let text = phone.ok(&["review", "--document", &document[..8]]);
    assert!(text.contains("nộp trùng Lê Văn Em tháng 5"), "{text}");
    phone.ok(&["review", "--document", &document, "--settle", "1", "2"]);
    let lines = phone.json(&["fees", "lines", "--month", "2026-05"]);
    assert_eq!(lines["lines"].as_array().unwrap().len(), 7);
    assert_eq!(
        phone.json(&["fees", "--month", "2026-05"])["fees"]["paid"],
        59_000
    );
    phone.fails(&["fees", "assess", "1", "24k"], 3, "bad_amount");
    phone.fails(&["fees", "reverse", "7", "--month", "2026-05"], 3, "unknown");
}

#[test]
fn a_resolution_is_written_from_a_meeting_and_issued_once() {
    let hall = Hall::new();
    let phone = hall.meeting();
    phone.ok(&["meeting", "motion", "add", "Thông qua nghị quyết"]);
    phone.ok(&["meeting", "motion", "open", "1"]);
    phone.ok(&["meeting", "tally", "1", "--for", "3"]);
    phone.ok(&[
        "resolution",
        "new",
        "về nhiệm vụ tháng 6",
        "--from-meeting",
        "2026-05",
    ]);
    phone.fails(&["resolution", "vote", "1"], 3, "not_counted");
    phone.ok(&["meeting", "confirm", "1"]);
    phone.ok(&["resolution", "vote", "1"]);
    phone.fails(&["resolution", "issue"], 3, "empty");
    phone.ok(&[
        "resolution",
        "set",
        "--number",
        "3",
        "--date",
        "05/05/2026",
        "--signer",
        "1",
    ]);
    phone.ok(&["resolution", "part", "assessment", "Lúa chiêm xuân đạt 62 tạ/ha."]);
    phone.ok(&[
        "resolution",
        "task",
        "Nạo vét mương N3",
        "--people",
        "3,Em",
        "--deadline",
        "25/05/2026",
    ]);
    let text = phone.ok(&["resolution", "show"]);
    for part in [
        "Số: 03-NQ/CB",
        "Nạo vét mương N3 (Đỗ Văn Cường, Lê Văn Em; 25/05/2026)",
        "Thông qua 3/4 = 75 % (3 có mặt)",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    phone.ok(&["resolution", "issue"]);
    phone.fails(&["resolution", "set", "--number", "4"], 3, "issued");
    let list = phone.json(&["resolution"]);
    assert_eq!(list["resolutions"][0]["number"]["value"], 3);
}

#[test]
fn a_report_is_proposed_sent_and_proposed_again_when_facts_change() {
    let hall = Hall::new();
    let phone = hall.meeting();
    phone.ok(&["meeting", "close"]);
    let shown = phone.json(&["report", "--month", "2026-05"]);
    assert_eq!(
        (
            shown["report"]["revision"].as_u64(),
            shown["report"]["sent"].as_bool()
        ),
        (Some(1), Some(false))
    );
    let sent = phone.json(&["report", "send", "--month", "2026-05"]);
    assert_eq!(sent["sent"]["facts"]["meetings"][0]["excused"], 1);
    phone.fails(&["report", "send", "--month", "2026-05"], 3, "nothing_changed");
    phone.ok(&["meeting", "attend", "Em", "--state", "present"]);
    let text = phone.ok(&["report", "--month", "2026-05"]);
    assert!(
        text.contains("lần 2 (đề xuất, chưa gửi)") && text.contains("vắng có lý do: 1 → 0"),
        "{text}"
    );
    let list = phone.json(&["report", "list", "--month", "2026-05"]);
    assert_eq!(
        (
            list["sent"].as_array().unwrap().len(),
            list["proposed"].as_array().unwrap().len()
        ),
        (1, 1)
    );
}

#[test]
fn ratings_stand_in_three_columns_and_directives_are_checked_before_they_are_published() {
    let hall = Hall::new();
    let phone = hall.branch();
    phone.ok(&[
        "rating",
        "score",
        "branch",
        "plan",
        "12,5",
        "--column",
        "committee",
        "--by",
        "1",
        "--year",
        "2026",
    ]);
    let card = phone.json(&["rating", "--year", "2026"]);
    assert_eq!(card["card"]["columns"][1]["total"], 1250);
    phone.fails(
        &[
            "rating", "score", "branch", "plan", "15,01", "--column", "self", "--by", "1",
        ],
        3,
        "too_many",
    );
    let file = hall.write(
        "fees.json",
        r#"{"sotay":"fees","version":1,"name":"Mức mới","from":"2026-07-01","rules":[{"amount":12000}]}"#,
    );
    assert_eq!(phone.json(&["directives", "check", &file])["kind"], "fees");
    phone.ok(&["directives", "publish", &file]);
    let list = phone.ok(&["directives", "list", "--on", "2026-08-01"]);
    assert!(
        list.contains("Mức mới") && list.contains("đang áp dụng"),
        "{list}"
    );
    assert_eq!(
        phone.json(&["fees", "--month", "2026-07"])["fees"]["due"],
        5 * 12_000
    );
    let wrong = hall.write(
        "wrong.json",
        r#"{"sotay":"fees","version":1,"name":"x","from":"2026-07-01","rulez":[]}"#,
    );
    let error = phone.fails(&["directives", "publish", &wrong], 3, "directive");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("wrong.json") && message.contains("rulez"),
        "{message}"
    );
}

#[test]
fn the_first_screen_the_diary_and_undoing_are_told_in_words() {
    let hall = Hall::new();
    let phone = hall.meeting();
    let home = phone.json(&["home"]);
    assert_eq!(home["home"]["role"], "secretary");
    assert_eq!(home["home"]["phase"], "opened");
    assert!(phone.ok(&["home"]).contains("Điểm danh"));
    phone.ok(&["meeting", "stage", "discussion"]);
    phone.ok(&["meeting", "speech", "add", "--by", "2", "Đề nghị sửa cống."]);
    let undone = phone.ok(&["undo"]);
    assert!(
        undone.contains("thêm ý kiến phát biểu: “Đề nghị sửa cống.”"),
        "{undone}"
    );
    let diary = phone.json(&["meeting", "history", "--lines", "2"]);
    assert_eq!(keys(&diary), ["diary", "meeting", "words"]);
    assert_eq!(diary["words"][0][0], "hoàn tác một thay đổi");
    assert_eq!(diary["diary"]["lines"][1]["undone"], true);
    let text = phone.ok(&["meeting", "history"]);
    assert!(
        text.contains("(đã hoàn tác)") && text.contains("chốt danh sách 5 người"),
        "{text}"
    );
    phone.fails(&["undo"], 3, "cannot_undo");
    let taken = phone.json(&["meeting", "take-in"]);
    assert_eq!(taken["tasks"], 0);
    phone.ok(&["meeting", "motion", "add", "Sửa cống"]);
    phone.ok(&["meeting", "motion", "open", "1"]);
    phone.ok(&["meeting", "motion", "time", "1", "20:15"]);
    let show = phone.json(&["meeting", "show"]);
    assert_eq!(show["meeting"]["motions"][0]["opened_at"], "2026-05-05T20:15");
}
