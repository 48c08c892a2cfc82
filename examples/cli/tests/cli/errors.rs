//! Every way in which a command does not happen: exit status, code, words; and nothing is lost.

use std::process::Command;

use sotay_engine::Engine;

use crate::support::{Hall, done};

#[test]
fn arguments_that_cannot_be_read_are_the_callers_to_correct() {
    let hall = Hall::new();
    let phone = hall.branch();
    for args in [
        &["members", "--no-such-option"][..],
        &["no-such-command"],
        &["meeting", "set"],
        &["meeting", "attend", "1", "--state", "asleep"],
        &["meeting", "speech", "add", "text without a speaker"],
        &["meeting", "tally", "1", "--for", "-1"],
        &["review", "--settle", "1"],
        &["sync", "--timeout", "0"],
        &["unit", "show", "--lang", "fr"],
        &["members", "add"],
    ] {
        phone.fails(args, 2, "usage");
    }
}

#[test]
fn a_folder_without_a_profile_and_a_profile_without_a_branch_say_what_to_type() {
    let hall = Hall::new();
    let phone = hall.phone("empty");
    for args in [
        &["unit", "show"][..],
        &["members"],
        &["meeting", "list"],
        &["sync"],
        &["status"],
        &["relay"],
    ] {
        let error = phone.fails(args, 3, "no_profile");
        assert!(error["next"].as_str().unwrap().contains("empty"), "{error}");
    }
    assert!(!phone.folder.exists());
    phone.ok(&["join", "--label", "P9"]);
    for args in [
        &["unit", "show"][..],
        &["members"],
        &["meeting", "new", "--month", "2026-05"],
    ] {
        phone.fails(args, 3, "no_unit");
    }
    assert!(phone.ok(&["status"]).contains("P9"));
}

#[test]
fn a_profile_belongs_to_one_branch_only() {
    let hall = Hall::new();
    let phone = hall.branch();
    phone.fails(
        &["unit", "create", "B", "--upper", "C", "--founder", "D"],
        3,
        "already_in_unit",
    );
    phone.fails(&["join"], 3, "already_in_unit");
    let second = hall.admit(&phone, "P2", "2", "deputy");
    second.fails(&["join", "--invitation", "P2.invitation"], 3, "already_in_unit");
}

#[test]
fn requests_and_invitations_that_are_wrong_are_refused_by_name() {
    let hall = Hall::new();
    let officer = hall.branch();
    let second = hall.phone("P2");
    second.ok(&["join", "--label", "P2", "--out", "p2.txt"]);
    officer.ok(&["invite", "p2.txt", "--member", "2", "--out", "w2.txt"]);
    officer.fails(&["invite", "w2.txt", "--member", "2"], 3, "other_text");
    second.fails(&["join", "--invitation", "p2.txt"], 3, "other_text");
    officer.fails(&["invite", "missing.txt", "--member", "2"], 3, "file_unreadable");
    let cut = hall.read("p2.txt");
    hall.write("cut.txt", &cut[..cut.len() - 9]);
    officer.fails(&["invite", "cut.txt", "--member", "3"], 3, "damaged_text");
    let cut = hall.read("w2.txt");
    hall.write("cutw.txt", &cut[..cut.len() / 2]);
    second.fails(&["join", "--invitation", "cutw.txt"], 3, "damaged_text");
    // A lost invitation is handed out again, but not to somebody else.
    officer.ok(&["invite", "p2.txt", "--member", "2", "--out", "again.txt"]);
    let error = officer.fails(&["invite", "p2.txt", "--member", "3"], 3, "already_admitted");
    assert!(
        error["next"].as_str().unwrap().contains("Trần Thị Bình"),
        "{error}"
    );
    let third = hall.phone("P3");
    third.ok(&["join", "--label", "P3"]);
    third.fails(&["join", "--invitation", "w2.txt"], 3, "other_phone");
    second.ok(&["join", "--invitation", "w2.txt"]);
}

#[test]
fn people_and_entries_that_are_not_there_are_asked_for() {
    let hall = Hall::new();
    let phone = hall.branch();
    phone.fails(&["meeting", "show"], 3, "no_meetings");
    phone.fails(&["meeting", "new"], 3, "need_month");
    phone.ok(&["meeting", "new", "--month", "2026-05"]);
    phone.fails(&["meeting", "set", "--start", "19:30"], 3, "need_day");
    phone.ok(&["meeting", "set", "--date", "2026-05-05"]);
    phone.fails(&["meeting", "show", "--meeting", "2026-06"], 3, "no_meeting");
    phone.fails(&["meeting", "attend", "77"], 3, "no_member");
    phone.fails(&["meeting", "attend", "9-1"], 3, "bad_members");
    phone.fails(&["meeting", "set", "--chair", "Lê Văn"], 3, "ambiguous_member");
    phone.fails(&["meeting", "agenda", "edit", "1", "x"], 3, "no_entry");
    phone.fails(&["meeting", "conclude", "x", "--deadline", "mai"], 3, "bad_date");
    phone.fails(&["meeting", "set", "--start", "tối"], 3, "bad_time");
    phone.fails(&["meeting", "new", "--month", "tháng 5"], 3, "bad_month");
    phone.fails(
        &["meeting", "score", "preparation", "nhiều", "--by", "1"],
        3,
        "bad_points",
    );
    let failed = phone.fails(
        &["meeting", "score", "nonsense", "1", "--by", "1"],
        3,
        "unknown_criterion",
    );
    let said = failed["message"].as_str().unwrap();
    assert!(
        said.contains("preparation, content"),
        "the known ones are named: {said}"
    );
    phone.fails(&["meeting", "speech", "add", "--by", "1", " "], 3, "empty");
    phone.fails(
        &["meeting", "speech", "add", "--by", "1", &"x".repeat(8001)],
        3,
        "text_too_long",
    );
    phone.ok(&["meeting", "motion", "add", "Nội dung"]);
    phone.fails(&["meeting", "confirm", "1"], 3, "not_counted");
    phone.fails(&["meeting", "confirm", "1", "--of", "P9"], 3, "no_tally");
    assert_eq!(
        phone.json(&["meeting", "show"])["meeting"]["speeches"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let hall = Hall::new();
    let phone = hall.branch();
    phone.fails(&["members", "import", "missing.tsv"], 3, "file_unreadable");
    hall.write("utf16.tsv", b"\xff\xfen\0a\0m\0e\0");
    phone.fails(&["members", "import", "utf16.tsv"], 3, "not_utf8");
    hall.write("header.tsv", "tên\nAn\n");
    phone.fails(&["members", "import", "header.tsv"], 3, "bad_header");
    hall.write("empty.tsv", "name\n");
    phone.fails(&["members", "import", "empty.tsv"], 3, "no_rows");
    hall.write("large.tsv", "x".repeat(1024 * 1024 + 1));
    phone.fails(&["members", "import", "large.tsv"], 3, "file_too_large");
}

#[test]
fn a_members_phone_may_not_do_what_officers_do() {
    let hall = Hall::new();
    let officer = hall.meeting();
    let member = hall.admit(&officer, "P5", "5", "member");
    member.fails(&["members", "add", "Bà Nga"], 4, "officers_only");
    let third = hall.phone("P6");
    third.ok(&["join", "--label", "P6", "--out", "p6.txt"]);
    member.fails(&["invite", "p6.txt", "--member", "4"], 4, "not_allowed");
    member.ok(&["meeting", "speech", "add", "--by", "5", "Tôi đồng ý."]);
    assert_eq!(member.json(&["members"])["members"].as_array().unwrap().len(), 5);
}

#[test]
fn relay_addresses_that_are_wrong_or_unknown_are_refused_before_anything_is_tried() {
    let hall = Hall::new();
    let phone = hall.branch();
    phone.fails(&["sync"], 3, "no_relay");
    phone.fails(&["watch", "--seconds", "1"], 3, "no_relay");
    for address in [
        "relay.example",
        "relay.example:7843",
        "relay.example:0#x",
        "relay.example:7843#abc",
    ] {
        phone.fails(&["sync", "--relay", address], 3, "bad_relay");
        phone.fails(&["relay", "add", address], 3, "bad_relay");
    }
    phone.fails(&["relay", "forget", "1"], 3, "unknown_relay");
    for n in 0..8 {
        phone.ok(&["relay", "add", &address(n)]);
    }
    phone.fails(&["relay", "add", &address(8)], 3, "too_many_relays");
    assert_eq!(phone.json(&["relay"])["relays"].as_array().unwrap().len(), 8);
}

fn address(n: u32) -> String {
    format!("relay{n}.example:7843#qgejmd7v3uvxvku6i4lbtbby44gbjcjsq7c55vqj4i67zhw7v45q")
}

#[test]
fn a_second_program_on_one_profile_is_told_so_and_works_again_afterwards() {
    let hall = Hall::new();
    let phone = hall.branch();
    let other = Engine::open(&phone.folder).unwrap();
    for args in [&["members"][..], &["members", "add", "Bà Nga"], &["join"]] {
        let error = phone.fails(args, 6, "profile_in_use");
        assert!(error["next"].as_str().unwrap().contains("P1"), "{error}");
    }
    other.shutdown();
    drop(other);
    assert_eq!(phone.json(&["members"])["members"].as_array().unwrap().len(), 5);
}

#[test]
fn a_database_that_is_damaged_or_not_ours_is_left_alone() {
    let hall = Hall::new();
    let phone = hall.phone("P1");
    std::fs::create_dir(&phone.folder).unwrap();
    let file = phone.folder.join("profile.db");
    std::fs::write(&file, "a diary, not a database ".repeat(400)).unwrap();
    let before = std::fs::read(&file).unwrap();
    let code = phone.run(&["members", "--json"]);
    assert_eq!(code.exit, 6, "{code:?}");
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[test]
fn a_file_that_cannot_be_written_loses_nothing() {
    let hall = Hall::new();
    let phone = hall.meeting();
    phone.fails(
        &["meeting", "minutes", "--out", "no/such/folder/minutes.txt"],
        6,
        "cannot_write",
    );
    assert!(!phone.ok(&["meeting", "minutes"]).is_empty());
    hall.write("blocked", "a file where a folder should be");
    hall.phone("blocked/P2").fails(&["join"], 6, "folder");
}

#[test]
fn a_broken_client_file_is_named_and_the_handbook_is_still_readable() {
    let hall = Hall::new();
    let phone = hall.branch();
    std::fs::write(phone.folder.join("client.toml"), "relays = 3").unwrap();
    let error = phone.fails(&["sync"], 6, "client_file");
    assert!(
        error["message"].as_str().unwrap().contains("client.toml"),
        "{error}"
    );
    phone.ok(&["members"]);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let hall = Hall::new();
    let phone = hall.branch();
    let line = format!("\"{}\" --profile P1 members | true", env!("CARGO_BIN_EXE_sotay"));
    let piped = done(
        Command::new("sh")
            .args(["-c", &line])
            .current_dir(hall.path(""))
            .output()
            .unwrap(),
    );
    assert_eq!((piped.exit, piped.err.as_str()), (0, ""));
    drop(phone);
}
