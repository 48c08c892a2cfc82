//! What phones may do, and ending it, as a person types it.

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
