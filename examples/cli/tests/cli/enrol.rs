//! Enrolment as people do it: a ticket for one phone, a hall for a whole branch, a lost phone, one phone for two people.

use serde_json::Value;

use crate::relay::Relay;
use crate::support::{Hall, Phone, done};

fn waiting(officer: &Phone) -> Vec<Value> {
    officer.json(&["hall", "list"])["waiting"]
        .as_array()
        .unwrap()
        .clone()
}

#[test]
fn a_phone_is_admitted_by_two_codes_and_a_file_of_welcome() {
    let hall = Hall::new();
    let officer = hall.meeting();
    let new = hall.phone("P2");
    let shown = new.run(&["join", "--label", "P2", "--qr"]);
    let request = shown.out.trim();
    assert!(
        request.starts_with("SOTAY-JOIN-2:") && shown.err.contains('\u{2588}'),
        "{shown:?}"
    );
    let answer = officer.run(&[
        "invite",
        request,
        "--member",
        "2",
        "--rank",
        "deputy",
        "--qr",
        "--welcome",
        "p2.welcome",
    ]);
    assert_eq!(answer.exit, 0, "{answer:?}");
    let ticket = answer.out.trim();
    assert!(
        ticket.starts_with("SOTAY-TICKET-1:") && ticket.len() < 180,
        "{ticket}"
    );
    let digits = |text: &str| text.split("Mã đối chiếu: ").nth(1).unwrap()[..7].to_owned();
    assert_eq!(digits(&answer.err), digits(&shown.err));
    let used = officer.fails(&["invite", request, "--member", "2"], 3, "used_request");
    assert!(used["next"].as_str().unwrap().contains("sotay join --qr"));

    new.fails(&["join", "--welcome", "p2.welcome"], 3, "no_pass");
    assert!(new.ok(&["join", "--ticket", ticket]).contains("--welcome"));
    new.fails(&["sync"], 3, "no_relay");
    let joined = new.ok(&["join", "--welcome", "p2.welcome"]);
    assert!(joined.contains("máy của phó bí thư"), "{joined}");
    assert_eq!(
        officer.json(&["meeting", "minutes"])["sha256"],
        new.json(&["meeting", "minutes"])["sha256"]
    );
    let other = hall.phone("P9");
    other.fails(
        &["join", "--ticket", ticket, "--welcome", "p2.welcome"],
        3,
        "other_phone",
    );
}

#[test]
fn a_whole_branch_is_admitted_with_one_code_letters_and_one_file() {
    let hall = Hall::new();
    let officer = hall.branch();
    let opened = officer.json(&["hall", "open", "--out", "wall.txt"]);
    assert!(opened["bytes"].as_u64().unwrap() < 150);
    let people = [("P2", "2"), ("P3", "3"), ("P4", "4"), ("P5", "5")];
    let phones: Vec<(Phone, Value)> = people
        .iter()
        .map(|(label, _)| {
            let phone = hall.phone(label);
            let letter = format!("{label}.letter");
            let asked = phone.json(&["join", "--label", label, "--hall", "wall.txt", "--out", &letter]);
            (phone, asked["check_code"].clone())
        })
        .collect();
    let taken = officer.json(&["hall", "take", "P2.letter", "P3.letter", "P4.letter", "P5.letter"]);
    assert_eq!(taken["waiting"].as_array().unwrap().len(), 4);
    officer.fails(&["hall", "admit", "12", "--member", "2"], 3, "no_such_digits");
    for ((_, digits), (_, member)) in phones.iter().zip(people) {
        officer.ok(&["hall", "admit", digits.as_str().unwrap(), "--member", member]);
    }
    assert!(waiting(&officer).is_empty());
    officer.ok(&["hall", "welcome", "--out", "hall.welcome"]);
    for (phone, _) in &phones {
        phone.ok(&["join", "--welcome", "hall.welcome"]);
    }
    let all = officer.json(&["members", "devices"]);
    assert_eq!(all["devices"].as_array().unwrap().len(), 5);
    assert_eq!(
        phones[0].0.json(&["members"])["members"],
        officer.json(&["members"])["members"]
    );

    // Who was not admitted opens the file, and finds no grant for itself.
    let stranger = hall.phone("P9");
    stranger.ok(&[
        "join",
        "--label",
        "P9",
        "--hall",
        "wall.txt",
        "--out",
        "p9.letter",
    ]);
    stranger.fails(&["join", "--welcome", "hall.welcome"], 3, "other_phone");
    officer.ok(&["hall", "close"]);
    officer.fails(&["hall", "take", "p9.letter"], 3, "hall_not_open");
    officer.ok(&["hall", "open"]);
    let elsewhere = officer.fails(&["hall", "take", "p9.letter"], 3, "other_hall");
    assert!(elsewhere["next"].as_str().unwrap().contains("sotay join --hall"));
    phones[0].0.fails(&["hall", "open"], 4, "not_allowed");
}

#[test]
fn with_a_relay_a_ticket_is_enough_once_the_officers_phone_has_synced() {
    let hall = Hall::new();
    let relay = Relay::start(&hall);
    let officer = hall.meeting();
    officer.ok(&["relay", "add", &relay.address]);
    let new = hall.phone("P2");
    let request = new.ok(&["join", "--label", "P2", "--qr"]);
    let ticket = officer.ok(&["invite", request.trim(), "--member", "2", "--qr"]);
    new.fails(&["join", "--ticket", ticket.trim()], 5, "not_admitted_yet");
    officer.ok(&["sync"]);
    let joined = new.ok(&["sync"]);
    assert!(joined.contains("Đã tham gia chi bộ."), "{joined}");
    assert_eq!(
        officer.json(&["meeting", "minutes"])["sha256"],
        new.json(&["meeting", "minutes"])["sha256"]
    );

    let walled = hall.phone("P5");
    let wall = officer.ok(&["hall", "open"]);
    let letter = walled.ok(&["join", "--label", "P5", "--hall", wall.trim()]);
    let taken = officer.json(&["hall", "take", letter.trim()]);
    let digits = taken["waiting"][0]["check_code"].as_str().unwrap().to_owned();
    officer.ok(&["hall", "admit", &digits, "--member", "5"]);
    officer.ok(&["sync"]);
    assert!(walled.ok(&["sync"]).contains("Lê Văn Em"));
}

#[test]
fn a_lost_phone_is_replaced_gets_nothing_new_and_what_it_wrote_before_stays() {
    let hall = Hall::new();
    let relay = Relay::start(&hall);
    let officer = hall.meeting();
    officer.ok(&["relay", "add", &relay.address]);
    let old = hall.admit(&officer, "P5", "5", "member");
    old.ok(&["feedback", "send", "Đề nghị sửa loa.", "--topic", "Loa"]);
    officer.ok(&["sync"]);
    old.ok(&["sync"]);
    officer.ok(&["sync"]);

    let new = hall.phone("P6");
    let request = new.ok(&["join", "--label", "P6", "--qr"]);
    let ticket = officer.ok(&[
        "invite",
        request.trim(),
        "--member",
        "5",
        "--replaces",
        "P5",
        "--qr",
    ]);
    officer.ok(&["meeting", "conclude", "Tổ 3 làm tốt."]);
    officer.ok(&["sync"]);
    new.ok(&["join", "--ticket", ticket.trim()]);
    assert!(new.ok(&["meeting", "show"]).contains("Tổ 3 làm tốt."));

    let refused = old.run(&["sync"]);
    assert!(
        !old.ok(&["meeting", "show"]).contains("Tổ 3 làm tốt."),
        "{refused:?}"
    );
    old.fails(
        &["meeting", "speech", "add", "--by", "5", "Tôi vẫn ghi."],
        4,
        "phone_removed",
    );
    officer.ok(&["sync"]);
    let inbox = officer.json(&["feedback", "inbox"]);
    assert_eq!(inbox["items"][0]["text"], "Đề nghị sửa loa.");
}

#[test]
fn two_people_share_one_phone_in_two_profiles_that_know_nothing_of_each_other() {
    let hall = Hall::new();
    let officer = hall.branch();
    let (hers, his) = (
        hall.admit(&officer, "P4", "4", "member"),
        hall.admit(&officer, "P5", "5", "member"),
    );
    let card = |phone: &Phone| phone.json(&["unit", "show"])["unit"].clone();
    assert_ne!(card(&hers)["device"], card(&his)["device"]);
    assert_eq!(
        (
            card(&hers)["member_name"].clone(),
            card(&his)["member_name"].clone()
        ),
        ("Phạm Thị Dung".into(), "Lê Văn Em".into())
    );
    hers.ok(&["feedback", "send", "Chỉ ban chi ủy đọc.", "--topic", "Riêng"]);
    assert_eq!(
        his.json(&["feedback", "mine"])["items"].as_array().unwrap().len(),
        0
    );
    let with_pin = |phone: &Phone, variable: &str, pin: &str, args: &[&str]| {
        let mut command = phone.command(args);
        done(command.env(variable, pin).output().unwrap()).exit
    };
    let (her_pin, his_pin) = ("482915", "730264");
    assert_eq!(with_pin(&hers, "SOTAY_NEW_PIN", her_pin, &["pin", "set"]), 0);
    assert_eq!(with_pin(&his, "SOTAY_NEW_PIN", his_pin, &["pin", "set"]), 0);
    assert_eq!(with_pin(&his, "SOTAY_PIN", her_pin, &["members"]), 6);
    assert_eq!(with_pin(&his, "SOTAY_PIN", his_pin, &["members"]), 0);
    officer.ok(&["members", "revoke", "P5"]);
    assert_eq!(with_pin(&hers, "SOTAY_PIN", her_pin, &["members"]), 0);
}
