//! Founding, enrolling and listing, with no network.

use serde_json::json;

use crate::support::{Hall, binary, done};

#[test]
fn a_branch_is_founded_and_shown_with_its_first_member() {
    let hall = Hall::new();
    let phone = hall.phone("P1");
    let said = phone.ok(&[
        "unit",
        "create",
        "Chi bộ thôn An Lạc",
        "--upper",
        "Đảng bộ xã",
        "--founder",
        "Lê Văn An",
    ]);
    assert!(said.starts_with("Đã lập chi bộ."), "{said}");
    let shown = phone.ok(&["unit", "show"]);
    assert!(
        shown.contains("Chi bộ thôn An Lạc") && shown.contains("Lê Văn An, máy của bí thư"),
        "{shown}"
    );
    assert!(phone.ok(&["members"]).contains("Bí thư"));
}

#[test]
fn the_profile_is_taken_from_the_environment_and_else_from_the_usual_folder() {
    let hall = Hall::new();
    let dir = hall.path("");
    let create = ["unit", "create", "A", "--upper", "B", "--founder", "C"];
    let run = |folder: Option<&str>, args: &[&str]| {
        let mut command = binary(&dir);
        folder.map(|folder| command.env("SOTAY_PROFILE", folder));
        done(command.args(args).output().unwrap())
    };
    assert_eq!(run(Some("here"), &create).exit, 0);
    assert!(hall.path("here/profile.db").exists());
    assert_eq!(run(None, &["unit", "show"]).exit, 3);
    assert_eq!(run(None, &create).exit, 0);
    assert!(hall.path("sotay-profile/profile.db").exists());
}

#[test]
fn a_second_phone_is_admitted_by_two_files_and_holds_everything_at_once() {
    let hall = Hall::new();
    let first = hall.meeting();
    first.ok(&["meeting", "speech", "add", "--by", "2", "Đề nghị nạo vét mương."]);
    let second = hall.phone("P2");
    let asked = second.json(&["join", "--label", "P2", "--out", "p2.txt"]);
    let invited = first.json(&[
        "invite",
        "p2.txt",
        "--member",
        "Trần Thị Bình",
        "--rank",
        "deputy",
        "--out",
        "w.txt",
    ]);
    assert_eq!(asked["check_code"], invited["check_code"]);
    assert_eq!(invited["member_name"], "Trần Thị Bình");
    let joined = second.ok(&["join", "--invitation", "w.txt"]);
    assert!(
        joined.contains("Đã tham gia chi bộ.") && joined.contains("máy của phó bí thư"),
        "{joined}"
    );

    assert_eq!(
        first.json(&["meeting", "minutes"])["sha256"],
        second.json(&["meeting", "minutes"])["sha256"]
    );
    assert!(second.ok(&["meeting", "show"]).contains("Đề nghị nạo vét mương."));
    let members = second.json(&["members"]);
    assert_eq!(members["members"][1]["devices"][0]["label"], "P2");
}

#[test]
fn request_and_invitation_also_travel_as_text_and_through_pipes() {
    let hall = Hall::new();
    let officer = hall.branch();
    let second = hall.phone("P2");
    let request = second.ok(&["join", "--label", "P2"]);
    assert!(
        request.starts_with("sotay-join-1:") && request.lines().count() == 1,
        "{request}"
    );
    let made = officer.run_with(&["invite", "-", "--member", "5"], &request);
    assert_eq!(made.exit, 0, "{made:?}");
    assert!(
        made.out.starts_with("sotay-invite-1:") && made.err.contains("Mã đối chiếu"),
        "{made:?}"
    );
    second.ok(&["join", "--invitation", made.out.trim()]);

    let third = hall.phone("P3");
    let request = third.ok(&["join", "--label", "P3"]);
    let invitation = officer.ok(&["invite", request.trim(), "--member", "3", "--committee"]);
    let joined = third.run_with(&["join", "--invitation", "-"], &invitation);
    assert!(
        joined.exit == 0 && joined.out.contains("máy của chi ủy viên"),
        "{joined:?}"
    );
}

#[test]
fn relays_are_passed_on_with_the_invitation_and_remembered_without_a_network() {
    let hall = Hall::new();
    let officer = hall.branch();
    let key = "qgejmd7v3uvxvku6i4lbtbby44gbjcjsq7c55vqj4i67zhw7v45q";
    let address = format!("relay.example:7843#{key}");
    officer.ok(&[
        "relay",
        "add",
        &address.to_uppercase().replace("RELAY.EXAMPLE", "relay.example"),
    ]);
    let second = hall.admit(&officer, "P2", "2", "deputy");
    assert_eq!(second.json(&["relay"])["relays"], json!([address]));
    assert!(hall.read("P2/client.toml").contains("version = 1"));
    assert_eq!(
        second.json(&["status"])["relays"][0]["spaces"][0]["status"],
        "unknown"
    );
    second.ok(&["relay", "forget", "1"]);
    assert_eq!(second.json(&["relay", "list"])["relays"], json!([]));
}

#[test]
fn a_table_of_members_is_imported_whole() {
    let hall = Hall::new();
    let phone = hall.branch();
    let members = phone.json(&["members", "list", "--on", "2026-05-05"]);
    let names: Vec<&str> = members["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "Lê Văn An",
            "Trần Thị Bình",
            "Đỗ Văn Cường",
            "Phạm Thị Dung",
            "Lê Văn Em"
        ]
    );
    assert_eq!(members["members"][1]["role"], "deputy");
    assert_eq!(members["members"][3]["standing"], "probationary");
}

#[test]
fn wrong_rows_are_all_named_and_nobody_is_imported() {
    let hall = Hall::new();
    let phone = hall.branch();
    hall.write(
        "more.tsv",
        "name\trole\nBà Nga\tchủ tịch\n\tmember\nÔng Hải\tmember\nLê Văn Em\t\n",
    );
    let error = phone.fails(&["members", "import", "more.tsv"], 3, "bad_rows");
    let rows = error["details"]["rows"].as_array().unwrap();
    let lines: Vec<u64> = rows.iter().map(|row| row["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [2, 3, 5]);
    assert_eq!(
        (rows[0]["column"].as_str(), rows[1]["column"].as_str()),
        (Some("role"), Some("name"))
    );
    assert!(error["message"].as_str().unwrap().contains("dòng 2"), "{error}");
    assert_eq!(phone.json(&["members"])["members"].as_array().unwrap().len(), 5);

    hall.write("again.tsv", "name\nLê Văn Em\n");
    phone.ok(&["members", "import", "again.tsv", "--same-names"]);
    assert_eq!(phone.json(&["members"])["members"].as_array().unwrap().len(), 6);
    phone.fails(
        &["members", "rename", "Lê Văn Em", "Lê Văn Em B"],
        3,
        "ambiguous_member",
    );
    phone.ok(&["members", "rename", "6", "Lê Văn Em B"]);
}

#[test]
fn changes_of_the_roster_hold_from_their_day_on() {
    let hall = Hall::new();
    let phone = hall.branch();
    phone.ok(&[
        "members",
        "set",
        "Em",
        "--activity",
        "transferred",
        "--from",
        "2026-05-01",
    ]);
    phone.ok(&[
        "members",
        "set",
        "4",
        "--standing",
        "full",
        "--group",
        "Tổ 1",
        "--from",
        "2026-06-01",
    ]);
    let count = |on: &str| {
        phone.json(&["members", "list", "--on", on])["members"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!((count("2026-04-30"), count("2026-05-01")), (5, 4));
    let line = |on: &str| phone.json(&["members", "list", "--on", on])["members"][3].clone();
    assert_eq!(line("2026-05-31")["standing"], "probationary");
    assert_eq!(
        (
            line("2026-06-01")["standing"].clone(),
            line("2026-06-01")["group"].clone()
        ),
        (json!("full"), json!("Tổ 1"))
    );
    phone.ok(&["members", "rename", "Dung", "Phạm Thị Dung (tổ 1)"]);
    assert!(phone.ok(&["members"]).contains("Phạm Thị Dung (tổ 1)"));
}

#[test]
fn messages_are_vietnamese_unless_english_is_asked_for() {
    let hall = Hall::new();
    let phone = hall.branch();
    let vietnamese = phone.ok(&["members"]);
    let english = phone.ok(&["members", "--lang", "en"]);
    assert!(
        vietnamese.contains("đảng viên ngày") && vietnamese.contains("Phó bí thư"),
        "{vietnamese}"
    );
    assert!(
        english.contains("members on") && english.contains("Deputy secretary"),
        "{english}"
    );
    let failed = phone.run(&["meeting", "show", "--lang", "en"]);
    assert!(
        failed.err.contains("Not done: There is no meeting yet."),
        "{failed:?}"
    );
    let variable = done(
        phone
            .command(&["meeting", "list"])
            .env("SOTAY_LANG", "en")
            .output()
            .unwrap(),
    );
    assert_eq!(variable.out, "There is no meeting yet.\n");
    assert_eq!(phone.ok(&["meeting", "list"]), "Chưa có cuộc họp nào.\n");
}

#[test]
fn help_teaches_with_examples() {
    let hall = Hall::new();
    let phone = hall.phone("nobody");
    for args in [
        &["--help"][..],
        &["meeting", "--help"],
        &["join", "--help"],
        &["invite", "--help"],
        &["sync", "--help"],
    ] {
        let help = phone.ok(args);
        assert!(
            help.contains("sotay ") && help.contains("--json"),
            "{args:?}: {help}"
        );
    }
    assert!(phone.ok(&["members", "import", "--help"]).contains("họ tên"));
    assert!(phone.ok(&["--version"]).starts_with("sotay 0."));
    assert!(!phone.folder.exists(), "help makes no profile");
}
