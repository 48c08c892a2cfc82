//! The objects of `--json`, as `docs/CLI.md` lists them.

use serde_json::Value;

use crate::support::{Hall, keys};

#[test]
fn every_command_prints_the_documented_object() {
    let hall = Hall::new();
    let phone = hall.meeting();
    let of = |args: &[&str]| -> Value { phone.json(args) };

    let unit = of(&["unit", "show"]);
    assert_eq!(keys(&unit), ["profile", "unit"]);
    let fields = [
        "committee",
        "device",
        "label",
        "member",
        "member_name",
        "name",
        "rank",
        "unit",
        "upper",
    ];
    assert_eq!(keys(&unit["unit"]), fields);

    let members = of(&["members"]);
    assert_eq!(keys(&members), ["members", "on"]);
    let fields = [
        "activity", "devices", "group", "member", "name", "number", "rank", "role", "standing",
    ];
    assert_eq!(keys(&members["members"][0]), fields);
    assert_eq!(
        keys(&members["members"][0]["devices"][0]),
        ["active", "device", "label"]
    );
    assert_eq!(keys(&of(&["members", "add", "Bà Nga"])), ["added", "from"]);
    assert_eq!(
        keys(&of(&["members", "set", "Nga", "--role", "member"])),
        ["from", "member"]
    );
    assert_eq!(
        keys(&of(&["members", "rename", "Nga", "Bà Hằng Nga"])),
        ["member", "name"]
    );

    assert_eq!(
        keys(&of(&["meeting", "new", "--month", "2026-05"])),
        ["created", "heading", "meeting"]
    );
    let list = of(&["meeting", "list"]);
    assert_eq!(keys(&list), ["meetings"]);
    assert_eq!(
        keys(&list["meetings"][0]),
        ["date", "doc", "kind", "month", "phase", "review_open"]
    );
    let change = of(&["meeting", "speech", "add", "--by", "1", "Đồng ý."]);
    assert_eq!(keys(&change), ["did", "entry", "meeting", "review_open"]);
    assert_eq!(
        (change["did"].as_str(), change["entry"].as_str().map(str::len)),
        (Some("speech.add"), Some(32))
    );
    assert!(of(&["meeting", "attend", "1"])["entry"].is_null());

    let show = of(&["meeting", "show"]);
    assert_eq!(keys(&show), ["meeting", "names", "review"]);
    assert_eq!(keys(&show["names"]), ["devices", "members"]);
    assert_eq!(show["meeting"]["attendance"]["counts"]["present"], 4);
    assert_eq!(keys(&show["review"]), ["blocks", "open", "settled"]);
    assert_eq!(
        keys(&of(&["meeting", "minutes"])),
        ["heads", "meeting", "out", "sha256", "text"]
    );
    assert_eq!(
        keys(&of(&["meeting", "seal"])),
        ["did", "meeting", "seal", "sha256"]
    );

    assert_eq!(keys(&of(&["review"])), ["meeting", "names", "review", "texts"]);
    let all = of(&["review", "--all"]);
    assert_eq!(
        keys(&all),
        ["documents", "forks", "meetings", "snapshots", "study"]
    );
    assert_eq!(keys(&of(&["snapshot", "list"])), ["snapshots"]);
    assert_eq!(
        keys(&of(&["status"])),
        ["forks", "label", "pending", "relays", "two_histories", "unit"]
    );
    assert_eq!(keys(&of(&["relay"])), ["relays"]);
    let history = of(&["history"]);
    assert_eq!(keys(&history), ["changes", "meeting"]);
    assert_eq!(
        keys(&history["changes"][0]),
        ["at_ms", "device", "hash", "label", "what"]
    );
}

#[test]
fn enrolment_prints_the_documented_objects() {
    let hall = Hall::new();
    let officer = hall.branch();
    let second = hall.phone("P2");
    let asked = second.json(&["join", "--label", "P2"]);
    assert_eq!(keys(&asked), ["check_code", "device", "label", "out", "request"]);
    let invited = officer.json(&[
        "invite",
        asked["request"].as_str().unwrap(),
        "--member",
        "2",
        "--rank",
        "deputy",
    ]);
    let fields = [
        "bytes",
        "check_code",
        "committee",
        "device",
        "invitation",
        "label",
        "member",
        "member_name",
        "out",
        "rank",
        "relays",
    ];
    assert_eq!(keys(&invited), fields);
    assert_eq!(
        (invited["device"].clone(), invited["rank"].as_u64()),
        (asked["device"].clone(), Some(3))
    );
    let joined = second.json(&["join", "--invitation", invited["invitation"].as_str().unwrap()]);
    assert_eq!(keys(&joined), ["profile", "relays", "unit"]);
    assert_eq!(joined["unit"]["rank"], 3);
}

#[test]
fn an_error_is_one_object_with_code_message_and_next_step() {
    let hall = Hall::new();
    let error = hall.phone("none").fails(&["members"], 3, "no_profile");
    assert_eq!(keys(&error), ["code", "message", "next"]);
    let english = hall.phone("none").run(&["members", "--json", "--lang", "en"]);
    assert!(
        english.out.contains("There is no handbook in this folder."),
        "{english:?}"
    );
}
