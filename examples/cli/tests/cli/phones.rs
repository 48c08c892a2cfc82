//! What phones may do, and ending it, as a person types it.

use crate::relay::Relay;
use crate::support::Hall;

#[test]
fn a_lost_phone_is_replaced_and_the_old_one_is_out() {
    let hall = Hall::new();
    let officer = hall.branch();
    hall.admit(&officer, "P5", "5", "member");
    let new = hall.phone("P6");
    new.ok(&["join", "--label", "P6", "--out", "p6.request"]);
    officer.ok(&[
        "invite",
        "p6.request",
        "--member",
        "5",
        "--replaces",
        "p5",
        "--out",
        "p6.invitation",
    ]);
    new.ok(&["join", "--invitation", "p6.invitation"]);
    let devices = officer.json(&["members", "devices"]);
    let state = |label: &str| {
        let all = devices["devices"].as_array().unwrap();
        let line = all.iter().find(|line| line["label"] == label).unwrap();
        line["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        (state("P5"), state("P6"), state("P1")),
        ("revoked".into(), "active".into(), "active".into())
    );
    officer.fails(&["members", "revoke", "P5"], 3, "no_phone");
}

#[test]
fn a_phone_is_suspended_lifted_promoted_and_its_holder_leaves() {
    let hall = Hall::new();
    let officer = hall.branch();
    hall.admit(&officer, "P2", "2", "deputy");
    let suspended = officer.json(&["members", "suspend", "P2"]);
    assert!(
        suspended["changed"]["rekeyed"]
            .as_array()
            .unwrap()
            .contains(&"main".into())
    );
    officer.ok(&["members", "lift", "P2"]);
    officer.fails(&["members", "lift", "P2"], 3, "not_suspended");
    officer.ok(&["members", "grade", "P2", "--rank", "member", "--committee"]);
    let rotated = officer.json(&["members", "rotate"]);
    assert!(rotated["changed"]["rekeyed"].as_array().unwrap().len() >= 3);
    let gone = officer.json(&["members", "revoke", "--member", "Bình"]);
    assert_eq!(gone["changed"]["devices"].as_array().unwrap().len(), 1);
    assert_eq!(
        officer.json(&["members", "late"])["late"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
    officer.fails(&["members", "revoke", "P1"], 3, "own_phone");
    officer.fails(&["members", "revoke", "máy lạ"], 3, "unknown_phone");
}

#[test]
fn a_copied_phone_that_wrote_two_histories_is_named_to_everybody_in_words() {
    let hall = Hall::new();
    let relay = Relay::start(&hall);
    let officer = hall.meeting();
    officer.ok(&["relay", "add", &relay.address]);
    let deputy = hall.admit(&officer, "P2", "2", "deputy");
    for phone in [&officer, &deputy] {
        phone.ok(&["sync"]);
    }
    // A plain folder, copied while nothing runs: both go on from the same place.
    let twin = hall.phone("twin");
    std::fs::create_dir(&twin.folder).unwrap();
    for file in std::fs::read_dir(&deputy.folder).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), twin.folder.join(file.file_name())).unwrap();
    }
    deputy.ok(&["meeting", "speech", "add", "--by", "2", "Nạo vét mương."]);
    deputy.ok(&["sync"]);
    officer.ok(&["sync"]);
    assert_eq!(officer.json(&["status"])["forks"], serde_json::json!([]));
    twin.ok(&["meeting", "speech", "add", "--by", "2", "Sửa loa."]);
    twin.run(&["sync"]);
    officer.ok(&["sync"]);
    let status = officer.json(&["status"]);
    assert_eq!(status["forks"][0]["label"], "P2");
    assert_eq!(status["forks"][0]["own"], false);
    for words in [officer.ok(&["status"]), officer.ok(&["review", "--all"])] {
        assert!(
            words.contains("Máy P2 (Trần Thị Bình) đã ghi hai lịch sử khác nhau"),
            "{words}"
        );
    }
    assert!(
        twin.ok(&["status"])
            .contains("Máy này đã ghi hai lịch sử khác nhau")
    );
}
