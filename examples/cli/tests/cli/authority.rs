//! Who may do what, as people type it: guests, newcomers, the root of three keys, moved branches, what a branch decides.

use crate::relay::Relay;
use crate::support::{Hall, Phone};

#[test]
fn a_guest_reads_one_meeting_until_it_ends() {
    let hall = Hall::new();
    let officer = hall.meeting();
    let guest = hall.phone("guest");
    guest.ok(&["join", "--label", "Khách", "--out", "guest.request"]);
    officer.ok(&[
        "guest",
        "invite",
        "guest.request",
        "--name",
        "Nguyễn Văn Khách",
        "--out",
        "guest.welcome",
    ]);
    guest.ok(&["join", "--invitation", "guest.welcome"]);
    let page = guest.json(&["guest", "read"]);
    let minutes = officer.json(&["meeting", "minutes"]);
    assert_eq!(page["page"]["text"], minutes["text"]);
    assert_eq!(page["page"]["sha256"], minutes["sha256"]);
    guest.fails(&["members", "add", "Ai đó"], 4, "not_allowed");
    let list = officer.json(&["guest", "list"]);
    assert_eq!(list["guests"][0]["name"], "Nguyễn Văn Khách");
    assert_eq!(list["guests"][0]["open"], true);
    officer.fails(&["guest", "end", "P1"], 3, "not_a_guest");
    officer.ok(&["guest", "end", "Khách"]);
    assert_eq!(officer.json(&["guest", "list"])["guests"][0]["open"], false);
    officer.fails(&["guest", "read"], 3, "nothing_shown");
}

#[test]
fn a_newcomer_is_admitted_from_a_day_on_and_a_day_to_come_is_refused() {
    let hall = Hall::new();
    let officer = hall.meeting();
    let new = hall.phone("P5");
    new.ok(&["join", "--label", "P5", "--out", "p5.request"]);
    officer.fails(
        &["invite", "p5.request", "--member", "5", "--from", "2999-01-01"],
        3,
        "day_in_future",
    );
    let today = officer.json(&["members"])["on"].as_str().unwrap().to_owned();
    let invite = [
        "invite",
        "p5.request",
        "--member",
        "5",
        "--from",
        &today,
        "--out",
        "p5.welcome",
    ];
    officer.ok(&invite);
    new.ok(&["join", "--invitation", "p5.welcome"]);
    // All of this branch was written today, under one key, which is handed over.
    assert_eq!(new.json(&["members"])["members"].as_array().unwrap().len(), 5);
    assert_eq!(
        new.json(&["meeting", "list"])["meetings"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert!(new.json(&["unit", "show"]).get("reads_from").is_none());
    new.fails(&["members", "widen", "P1"], 4, "not_allowed");
}

/// Three keys; their codes.
fn keys(hall: &Hall) -> (Phone, Vec<String>) {
    let machine = hall.phone("machine");
    let code = |number: usize| {
        let made = machine.json(&["province", "root", "key", "--out", &format!("k{number}")]);
        made["code"].as_str().unwrap().to_owned()
    };
    let codes = (1..=3).map(code).collect();
    (machine, codes)
}

fn sign(machine: &Phone, codes: &[String], paper: &str, key: usize) {
    let file = format!("k{key}");
    machine.ok(&[
        "province",
        "root",
        "sign",
        paper,
        "--key",
        &file,
        "--code",
        &codes[key - 1],
        "--out",
        paper,
    ]);
}

#[test]
fn a_province_is_founded_by_two_of_three_keys_and_moves_a_branch() {
    let hall = Hall::new();
    let (machine, codes) = keys(&hall);
    let province = hall.phone("province");
    let draft = province.json(&[
        "province",
        "root",
        "draft",
        "--name",
        "Đảng bộ tỉnh",
        "--public",
        "k1.pub",
        "--public",
        "k2.pub",
        "--public",
        "k3.pub",
        "--out",
        "found.paper",
    ]);
    let root = draft["root"].as_str().unwrap().to_owned();
    let found = [
        "province",
        "root",
        "found",
        "found.paper",
        "--upper",
        "Trung ương",
        "--founder",
        "Vũ Thị Hà",
    ];
    sign(&machine, &codes, "found.paper", 1);
    province.fails(&found, 3, "root_quorum");
    machine.fails(
        &[
            "province",
            "root",
            "sign",
            "found.paper",
            "--key",
            "k1",
            "--code",
            &codes[0],
            "--out",
            "x",
        ],
        3,
        "root_signed_twice",
    );
    machine.fails(
        &[
            "province",
            "root",
            "sign",
            "found.paper",
            "--key",
            "k2",
            "--code",
            &codes[0],
            "--out",
            "x",
        ],
        3,
        "damaged_text",
    );
    sign(&machine, &codes, "found.paper", 3);
    assert_eq!(
        machine.json(&["province", "root", "show", "found.paper"])["signed"],
        2
    );
    province.ok(&found);
    province.ok(&["province", "root", "trust", "--expect", &root]);
    province.fails(
        &["province", "root", "trust", "--expect", &"0".repeat(64)],
        4,
        "other_root_trusted",
    );
    province.fails(&["province", "root", "trust", "--expect", "x"], 3, "bad_root");

    // Another committee, and a branch that goes to it.
    let other = hall.branch();
    other.ok(&["province", "card", "--out", "b.card"]);
    hall.write("branches.tsv", "Chi bộ thôn An Lạc\tLê Văn An\n");
    other.fails(
        &["province", "root", "trust", "--expect", &root],
        4,
        "root_unproven",
    );
    let relay = Relay::start(&hall);
    province.ok(&["relay", "add", &relay.address]);
    province.ok(&["province", "create", "branches.tsv", "--out", "packs"]);
    province.ok(&["sync"]);
    // A branch proves its root from the rolls above, which come with the first sync.
    let code = hall.read("packs/codes.tsv");
    let code = code.lines().find(|line| line.starts_with("0001-1.pack")).unwrap();
    let code = code.rsplit('\t').next().unwrap();
    let branch = hall.phone("branch");
    branch.ok(&["join", "--pack", "packs/0001-1.pack", "--code", code]);
    branch.fails(
        &["province", "root", "trust", "--expect", &root],
        4,
        "root_unproven",
    );
    branch.ok(&["sync", "--relay", &relay.address]);
    branch.ok(&["sync", "--relay", &relay.address]);
    branch.ok(&["province", "root", "trust", "--expect", &root]);
    province.fails(
        &[
            "province",
            "move",
            "b.card",
            "--branch",
            "Chi bộ lạ",
            "--out",
            "move.paper",
        ],
        3,
        "unknown_branch",
    );
    let paper = province.json(&["province", "move", "b.card", "--all", "--out", "move.paper"]);
    let acts: Vec<&str> = paper["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["deed"]["act"].as_str().unwrap())
        .collect();
    assert_eq!(acts, ["appoint", "move", "dismiss"]);
    sign(&machine, &codes, "move.paper", 2);
    province.fails(&["province", "root", "carry", "move.paper"], 3, "root_quorum");
    sign(&machine, &codes, "move.paper", 3);
    assert_eq!(
        province.json(&["province", "root", "carry", "move.paper"])["written"],
        3
    );
    assert_eq!(
        province.json(&["province", "root", "carry", "move.paper"])["known"],
        3
    );
    assert_eq!(other.json(&["province", "take", "move.paper"])["taken"], 1);
    assert_eq!(
        other.json(&["province", "list"])["branches"][0]["name"],
        "Chi bộ thôn An Lạc"
    );
}

#[test]
fn a_branch_decides_about_its_keys_and_admits_from_afar_by_two_officers() {
    let hall = Hall::new();
    let officer = hall.branch();
    let deputy = hall.admit(&officer, "P2", "2", "deputy");
    let shown = officer.json(&["unit", "policy"]);
    assert_eq!(
        (&shown["policy"]["escrow"], &shown["policy"]["remote"]),
        (&false.into(), &false.into())
    );
    let joiner = hall.phone("P5");
    joiner.ok(&["join", "--label", "P5", "--out", "p5.request"]);
    let endorse = [
        "members",
        "endorse",
        "p5.request",
        "--member",
        "5",
        "--out",
        "p5.word",
    ];
    officer.fails(&endorse, 3, "remote_closed");
    deputy.fails(&["unit", "policy", "--remote", "on"], 4, "not_allowed");
    officer.ok(&["unit", "policy", "--remote", "on", "--escrow", "on"]);
    assert!(officer.ok(&["unit", "show"]).contains("Cấp trên giữ khóa"));
    officer.ok(&["unit", "policy", "--escrow", "off"]);
    officer.ok(&endorse);
    officer.fails(&["members", "admit", "p5.word"], 3, "same_person");
    officer.fails(
        &["province", "secretary", "p5.request", "--branch", "Chi bộ lạ"],
        3,
        "unknown_branch",
    );
}
