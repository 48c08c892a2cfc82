//! A commune and two branches below it, as their people type it, over a relay in a process of its own.

use serde_json::Value;

use crate::relay::Relay;
use crate::support::{Hall, Phone};

fn joined(hall: &Hall, name: &str, pack: &str) -> Phone {
    joined_from(hall, "packs", name, pack)
}

fn joined_from(hall: &Hall, folder: &str, name: &str, pack: &str) -> Phone {
    let codes = hall.read(&format!("{folder}/codes.tsv"));
    let line = codes.lines().find(|line| line.starts_with(pack)).unwrap();
    let code = line.rsplit('\t').next().unwrap();
    let phone = hall.phone(name);
    phone.ok(&["join", "--pack", &format!("{folder}/{pack}"), "--code", code]);
    phone
}

fn id(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn reports_feedback_and_moves_go_up_and_what_the_commune_says_comes_down() {
    let hall = Hall::new();
    let relay = Relay::start(&hall);
    let commune = hall.phone("commune");
    commune.ok(&[
        "unit",
        "create",
        "Đảng bộ xã",
        "--upper",
        "Đảng bộ tỉnh",
        "--founder",
        "Vũ Thị Hà",
    ]);
    hall.write("branches.tsv", "Chi bộ 1\tLê Văn An\nChi bộ 2\tTrần Thị Bình\n");
    commune.ok(&["province", "create", "branches.tsv", "--out", "packs"]);
    let (first, second) = (
        joined(&hall, "first", "0001-1.pack"),
        joined(&hall, "second", "0002-1.pack"),
    );
    let everybody = [&commune, &first, &second];
    let settle = || {
        for _ in 0..3 {
            for phone in everybody {
                phone.ok(&["sync", "--relay", &relay.address]);
            }
        }
    };
    first.ok(&["members", "add", "Đỗ Văn Cường", "--from", "2026-01-01"]);
    first.ok(&["meeting", "new", "--month", "2026-05", "--date", "2026-05-05"]);
    first.ok(&["report", "send", "--month", "2026-05"]);
    first.ok(&["feedback", "send", "Mương số 3 bị sạt.", "--name-above"]);
    hall.write("rates.json", FEES);
    commune.ok(&["directives", "publish", "rates.json"]);
    settle();

    let levels = first.json(&["levels"]);
    assert_eq!(levels["above"][0]["readable"], true);
    let known = first.json(&["directives"]);
    let from_above = known["directives"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["issuer"] == "above")
        .unwrap();
    assert_eq!(from_above["publisher"]["name"], "Đảng bộ xã");

    commune.fails(&["province", "open", "Chi bộ 2", "2026-05"], 3, "no_entry");
    commune.ok(&["province", "open", "Chi bộ 1", "2026-05"]);
    commune.ok(&[
        "province",
        "answer",
        "Chi bộ 1",
        "2026-05",
        "--return-with",
        "Thiếu biểu đảng phí.",
    ]);
    first.ok(&["feedback", "pass", "F1"]);
    let asked = first.json(&["transfer", "ask", "2", "--from", "2026-05-01", "--to", "Chi bộ 2"]);
    let moving = id(&asked["move"]).to_owned();
    settle();

    let said = first.ok(&["report", "list", "--month", "2026-05"]);
    for part in [
        "cấp trên đã nhận",
        "cấp trên đã mở xem",
        "trả lại để sửa",
        "Thiếu biểu đảng phí.",
    ] {
        assert!(said.contains(part), "{said}");
    }
    let above = commune.json(&["province", "feedback"]);
    assert_eq!(above["items"][0]["name"], "Lê Văn An");
    let item = id(&above["items"][0]["item"]).to_owned();
    commune.ok(&[
        "province",
        "answer-feedback",
        &item[..8],
        "--text",
        "Sẽ sửa trong tháng 6.",
    ]);
    commune.ok(&["province", "record", &moving[..8], "--to", "Chi bộ 2"]);
    settle();

    first.ok(&["feedback", "hand-on", "F1"]);
    let mine = first.json(&["feedback", "mine"]);
    let answers = mine["items"][0]["answers"].as_array().unwrap();
    assert_eq!(
        answers.last().unwrap()["text"],
        "Đảng bộ xã: Sẽ sửa trong tháng 6."
    );
    let left = first.json(&["transfer", "leave", &moving[..8]]);
    assert_eq!(left["left"]["removed"], Value::Null, "the member has no phone");
    second.ok(&["transfer", "arrive", &moving[..8]]);
    let on_list = second.ok(&["members"]);
    assert!(on_list.contains("Đỗ Văn Cường"), "{on_list}");
    assert!(!first.ok(&["members"]).contains("Đỗ Văn Cường"));
    settle();
    let moves = commune.json(&["province", "moves"]);
    let steps: Vec<&str> = moves["moves"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| id(&one["step"]))
        .collect();
    assert!(steps.contains(&"left") && steps.contains(&"arrived"), "{steps:?}");
    first.fails(&["transfer", "leave", "zz"], 3, "which_move");
}

/// Each hop is one sync of whoever hands over and one of whoever receives.
#[test]
fn feedback_goes_up_two_levels_and_the_answer_comes_back_hop_by_hop() {
    let hall = Hall::new();
    let relay = Relay::start(&hall);
    let district = hall.phone("district");
    let founder = ["--upper", "Tỉnh ủy", "--founder", "Hoàng Văn Huyện"];
    district.ok(&[&["unit", "create", "Đảng bộ huyện"][..], &founder].concat());
    hall.write("communes.tsv", "Đảng bộ xã\tNguyễn Thị Xã\tcommittee\n");
    district.ok(&["province", "create", "communes.tsv", "--out", "packs"]);
    let commune = joined(&hall, "commune", "0001-1.pack");
    hall.write("branches.tsv", "Chi bộ 1\tLê Văn An\n");
    commune.ok(&["province", "create", "branches.tsv", "--out", "below"]);
    let branch = joined_from(&hall, "below", "branch", "0001-1.pack");
    branch.ok(&["members", "add", "Trần Thị Bình", "--from", "2026-01-01"]);
    let sync = |phones: &[&Phone]| {
        for phone in phones {
            phone.ok(&["sync", "--relay", &relay.address]);
        }
    };
    sync(&[&district, &commune, &branch]);
    let member = hall.admit(&branch, "P2", "2", "member");
    sync(&[&branch]);
    let text = "Đường liên thôn hỏng, đề nghị huyện sửa.";
    member.ok(&["feedback", "send", text, "--name-above"]);
    sync(&[&member, &branch]);

    branch.ok(&["feedback", "pass", "F1"]);
    assert!(branch.ok(&["feedback", "passed"]).contains("cấp trên chưa nhận"));
    sync(&[&branch, &commune]);
    let items = commune.json(&["province", "feedback"]);
    let item = &id(&items["items"][0]["item"])[..8];
    let said = commune.ok(&["province", "feedback"]);
    assert!(
        said.contains(&format!("{item}  Chi bộ 1, Trần Thị Bình: {text}")),
        "{said}"
    );
    commune.ok(&["feedback", "pass", item]);
    sync(&[&commune, &district]);
    let said = district.ok(&["province", "feedback"]);
    assert!(
        said.contains(&format!("{item}  Đảng bộ xã, Trần Thị Bình: {text}")),
        "{said}"
    );
    // Receipts of each hop, where each can see them.
    sync(&[&commune, &branch, &member]);
    let commune_sees = commune.ok(&["feedback", "passed"]);
    assert!(
        commune_sees.contains("đã tiếp nhận") && !commune_sees.contains("chưa nhận"),
        "{commune_sees}"
    );
    let branch_sees = branch.ok(&["feedback", "passed"]);
    assert!(
        branch_sees.contains("đã tiếp nhận") && branch_sees.contains("đã chuyển cấp trên"),
        "{branch_sees}"
    );
    let member_sees = member.ok(&["feedback"]);
    assert!(
        member_sees.trim_end().ends_with("đã chuyển cấp trên"),
        "{member_sees}"
    );

    district.fails(
        &["province", "answer-feedback", "F1", "--text", "?"],
        3,
        "which_passed",
    );
    let answer = "Huyện sửa trong tháng 6.";
    district.ok(&["province", "answer-feedback", item, "--text", answer, "--public"]);
    sync(&[&district, &commune]);
    commune.ok(&["feedback", "hand-on", item]);
    sync(&[&commune, &branch]);
    branch.ok(&["feedback", "hand-on", "F1"]);
    sync(&[&branch, &member]);
    let whole = format!("Đảng bộ xã: Đảng bộ huyện: {answer}");
    let member_sees = member.ok(&["feedback"]);
    assert!(
        member_sees.contains(&format!("đã trả lời: {whole}")),
        "{member_sees}"
    );
    assert!(member.ok(&["feedback", "answers"]).contains(&whole));
    for listed in [
        commune.ok(&["province", "feedback"]),
        branch.ok(&["feedback", "passed"]),
    ] {
        assert!(listed.lines().all(|line| line == line.trim_end()), "{listed:?}");
    }
}

const FEES: &str =
    r#"{"sotay":"fees","version":1,"name":"Mức của xã","from":"2026-01-01","rules":[{"amount":7000}]}"#;
