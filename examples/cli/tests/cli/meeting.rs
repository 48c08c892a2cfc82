//! A meeting held by hand on one phone.

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::support::Hall;

#[test]
fn an_evening_is_recorded_from_the_opening_to_the_minutes() {
    let hall = Hall::new();
    let phone = hall.meeting();
    phone.ok(&["meeting", "guest", "add", "Ông Vũ Đức Hòa, Phó Bí thư Đảng ủy xã"]);
    phone.ok(&["meeting", "agenda", "add", "Nhiệm vụ tháng 5", "--presenter", "1"]);
    phone.ok(&["meeting", "agenda", "add", "Việc khác"]);
    phone.ok(&["meeting", "agenda", "edit", "2", "Ý kiến khác"]);
    phone.ok(&[
        "meeting",
        "speech",
        "add",
        "--by",
        "2",
        "Đề nghị nạo vét mương.",
        "--agenda",
        "1",
    ]);
    phone.ok(&["meeting", "speech", "add", "--guest", "1", "Đồng ý với chi bộ."]);
    phone.ok(&[
        "meeting",
        "speech",
        "edit",
        "1",
        "Đề nghị nạo vét mương trước vụ mùa.",
    ]);
    phone.ok(&["meeting", "motion", "add", "Nạo vét mương nội đồng"]);
    phone.ok(&["meeting", "motion", "open", "1"]);
    phone.ok(&["meeting", "tally", "1", "--for", "3"]);
    phone.ok(&["meeting", "confirm", "1"]);
    phone.ok(&[
        "meeting",
        "conclude",
        "Giao tổ 3 nạo vét mương.",
        "--deadline",
        "20/05/2026",
        "--responsible",
        "2,Em",
    ]);
    phone.ok(&["meeting", "conclusion", "responsible", "1", "5", "--off"]);
    phone.ok(&["meeting", "deadline", "1", "2026-05-25"]);
    phone.ok(&["meeting", "narrative", "news", "Phổ biến Nghị quyết tháng 5."]);
    phone.ok(&["meeting", "note", "add", "praise", "Tổ 2 hoàn thành sớm."]);
    phone.ok(&["meeting", "score", "preparation", "17,5", "--by", "1"]);
    phone.ok(&["meeting", "left", "4", "20:45"]);
    phone.ok(&["meeting", "set", "--end", "21:05", "--number", "05-BB/CB"]);
    phone.ok(&["meeting", "read-back"]);
    phone.ok(&["meeting", "close"]);

    let shown = phone.ok(&["meeting", "show"]);
    for part in [
        "Sinh hoạt thường kỳ 05/2026",
        "Khai mạc: 05/05/2026 19:30",
        "Thư ký cuộc họp: Đỗ Văn Cường",
        "Tình trạng: đã kết thúc",
        "có mặt 4 (3 chính thức, 1 dự bị), vắng có lý do 1",
        "Tỷ lệ: 4/5 = 80 %",
        "5. Lê Văn Em: vắng có lý do (ốm)",
        "4. Phạm Thị Dung: có mặt, về lúc 20:45",
        "1. Nhiệm vụ tháng 5 – Lê Văn An",
        "2. Ý kiến khác",
        "1. Trần Thị Bình: Đề nghị nạo vét mương trước vụ mùa.",
        "2. Ông Vũ Đức Hòa, Phó Bí thư Đảng ủy xã: Đồng ý với chi bộ.",
        "giơ tay, quá nửa: Thông qua 3/4 = 75 % (3 có mặt)",
        "Thời hạn: 25/5",
        "Phụ trách: Trần Thị Bình\n",
        "Phổ biến Nghị quyết tháng 5.",
        "Biểu dương: Tổ 2 hoàn thành sớm.",
        "Điểm: 17,5",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    assert!(!shown.contains("Việc cần xem lại"), "{shown}");
    let minutes = phone.ok(&["meeting", "minutes"]);
    for part in [
        "BIÊN BẢN",
        "Kết quả: Thông qua 3/4 = 75 % (3 có mặt)",
        "Thời hạn: 25/05/2026",
        "05-BB/CB",
    ] {
        assert!(minutes.contains(part), "{part}\n{minutes}");
    }
}

#[test]
fn the_minutes_on_the_terminal_and_in_a_file_have_the_hash_that_is_told() {
    let hall = Hall::new();
    let phone = hall.meeting();
    let printed = phone.run(&["meeting", "minutes"]);
    let written = phone.ok(&["meeting", "minutes", "--out", "minutes.txt"]);
    let told = phone.json(&["meeting", "minutes"]);
    let hash: String = Sha256::digest(hall.read("minutes.txt"))
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(told["sha256"], hash.as_str());
    assert_eq!(told["text"], hall.read("minutes.txt").as_str());
    assert_eq!(printed.out, hall.read("minutes.txt"));
    assert!(
        printed.err.contains(&hash) && written.contains(&hash),
        "{printed:?}"
    );
}

#[test]
fn a_count_that_does_not_fit_blocks_the_seal_until_somebody_settles_it() {
    let hall = Hall::new();
    let phone = hall.meeting();
    phone.ok(&["meeting", "motion", "add", "Nạo vét mương"]);
    phone.ok(&["meeting", "motion", "open", "1"]);
    let said = phone.ok(&["meeting", "tally", "1", "--for", "4"]);
    assert!(said.contains("Việc cần xem lại: 1"), "{said}");
    phone.ok(&["meeting", "confirm", "1", "--of", "P1"]);
    let review = phone.ok(&["review"]);
    assert!(
        review.contains("[phải xử lý]") && review.contains("P1: thừa 1 so với 3"),
        "{review}"
    );
    let error = phone.fails(&["meeting", "seal"], 3, "blocked");
    assert_eq!(
        error["details"]["items"].as_array().map(Vec::len),
        Some(1),
        "{error}"
    );
    phone.fails(&["review", "--settle", "2", "1"], 3, "no_item");
    phone.fails(&["review", "--settle", "1", "9"], 3, "no_pick");
    let settled = phone.json(&["review", "--settle", "1", "1"]);
    assert_eq!(
        (
            settled["review"]["blocks"].clone(),
            settled["review"]["open"].clone()
        ),
        (json!(false), json!([]))
    );
    assert_eq!(settled["review"]["settled"].as_array().unwrap().len(), 1);
    assert!(
        phone
            .ok(&["review", "--all"])
            .contains("Không có việc cần xem lại.")
    );
    let sealed = phone.json(&["meeting", "seal"]);
    assert_eq!(sealed["sha256"].as_str().unwrap().len(), 64);
}

#[test]
fn two_people_seal_on_their_phones_and_anybody_checks_the_file() {
    let hall = Hall::new();
    let phone = hall.meeting();
    phone.ok(&["meeting", "close"]);
    assert!(phone.ok(&["meeting", "seals"]).contains("Chưa có bản chốt nào."));
    assert!(
        phone
            .ok(&["meeting", "seal", "--check"])
            .contains("Không còn gì cản trở")
    );
    let said = phone.ok(&["meeting", "seal"]);
    assert!(said.contains("sotay meeting countersign"), "{said}");
    phone.fails(&["meeting", "countersign"], 3, "seal_signed_already");
    phone.fails(
        &["meeting", "seal-file", "--out", "bb.sotayseal"],
        3,
        "seal_not_sealed",
    );
    phone.fails(&["meeting", "withdraw", "zz"], 3, "which_seal");

    // The minute-taker's phone is admitted now: its invitation holds meeting and proposal.
    let clerk = hall.admit(&phone, "P2", "Cường", "member");
    let signed = clerk.json(&["meeting", "countersign"]);
    assert_eq!(signed["did"], "countersign");
    let hash = signed["sha256"].as_str().unwrap().to_owned();
    assert!(clerk.ok(&["meeting", "seals"]).contains("có hiệu lực"));
    assert_eq!(
        clerk.json(&["meeting", "minutes"])["sha256"].as_str(),
        Some(hash.as_str())
    );
    clerk.fails(&["meeting", "set", "--place", "Đình làng"], 3, "sealed");
    hall.write("bb.p7s", [1, 2, 3]);
    phone.fails(&["meeting", "outside-signature", "bb.p7s"], 3, "which_seal");
    clerk.ok(&["meeting", "seal-file", "--out", "bb.sotayseal"]);

    // No profile, no network.
    let nobody = hall.phone("nobody");
    let unit = nobody.json(&["verify", "bb.sotayseal"])["unit"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(phone.json(&["unit", "show"]).to_string().contains(&unit));
    let verdict = nobody.json(&["verify", "bb.sotayseal", "--unit", &unit]);
    assert_eq!(
        (&verdict["valid"], &verdict["pinned"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(verdict["seals"][0]["sha256"], hash.as_str());
    assert_eq!(verdict["seals"][0]["chair"]["name"], "Lê Văn An");
    assert_eq!(verdict["seals"][0]["clerk"]["name"], "Đỗ Văn Cường");
    let said = nobody.ok(&["verify", "bb.sotayseal", "--text"]);
    assert!(said.contains("HỢP LỆ") && said.contains("BIÊN BẢN"), "{said}");
    nobody.fails(
        &["verify", "bb.sotayseal", "--unit", &"0".repeat(64)],
        3,
        "seal_file_other_unit",
    );
    nobody.fails(&["verify", "bb.sotayseal", "--unit", "x"], 3, "bad_unit");
    nobody.fails(&["verify", "bb.p7s"], 3, "not_a_seal_file");
    let mut bytes = std::fs::read(hall.path("bb.sotayseal")).unwrap();
    let at = bytes.len() - 80;
    bytes[at] ^= 1;
    hall.write("altered.sotayseal", bytes);
    assert_eq!(nobody.run(&["verify", "altered.sotayseal"]).exit, 3);
}

#[test]
fn votes_by_name_count_once_and_only_for_who_may_vote() {
    let hall = Hall::new();
    let phone = hall.meeting();
    phone.ok(&[
        "meeting",
        "motion",
        "add",
        "Bầu tổ trưởng",
        "--method",
        "open-electronic",
    ]);
    phone.fails(&["meeting", "vote", "1", "for", "--by", "2"], 3, "vote_not_open");
    phone.ok(&["meeting", "motion", "open", "1"]);
    phone.ok(&["meeting", "vote", "1", "for", "--by", "2"]);
    phone.ok(&["meeting", "vote", "1", "for", "--by", "4"]);
    phone.fails(
        &["meeting", "vote", "1", "against", "--by", "2"],
        3,
        "voted_already",
    );
    phone.fails(&["meeting", "tally", "1", "--for", "3"], 3, "other_method");
    phone.fails(&["meeting", "motion", "edit", "1", "Khác"], 3, "vote_open");
    let shown = phone.ok(&["meeting", "show"]);
    assert!(shown.contains("Phạm Thị Dung: không tính (dự bị)"), "{shown}");
}

#[test]
fn long_texts_come_from_standard_input() {
    let hall = Hall::new();
    let phone = hall.meeting();
    let done = phone.run_with(
        &["meeting", "speech", "add", "--by", "1", "-"],
        "Dòng một.\nDòng hai.\n",
    );
    assert_eq!(done.exit, 0, "{done:?}");
    assert_eq!(
        phone.json(&["meeting", "show"])["meeting"]["speeches"][0]["text"],
        "Dòng một.\nDòng hai."
    );
    phone.ok(&["meeting", "speech", "edit", "1", "--", "- gạch đầu dòng"]);
    assert_eq!(
        phone.json(&["meeting", "show"])["meeting"]["speeches"][0]["text"],
        "- gạch đầu dòng"
    );
}

#[test]
fn the_newest_meeting_is_meant_and_others_are_named() {
    let hall = Hall::new();
    let phone = hall.branch();
    phone.ok(&["meeting", "new", "--month", "2026-04", "--date", "2026-04-05"]);
    phone.ok(&["meeting", "new", "--kind", "thematic", "--date", "20/05/2026"]);
    let again = phone.json(&["meeting", "new", "--month", "2026-04"]);
    assert_eq!(again["created"], false);
    phone.ok(&["meeting", "set", "--place", "mới nhất"]);
    phone.ok(&["meeting", "set", "--place", "tháng tư", "--meeting", "2026-04"]);
    let place = |which: &[&str]| {
        phone.json(&[&["meeting", "show"], which].concat())["meeting"]["place"]["value"]
            .as_str()
            .map(str::to_owned)
    };
    assert_eq!(place(&[]).as_deref(), Some("mới nhất"));
    assert_eq!(place(&["--meeting", "2"]).as_deref(), Some("tháng tư"));
    assert_eq!(place(&["--meeting", "2026-05-20"]).as_deref(), Some("mới nhất"));
    let list = phone.ok(&["meeting", "list"]);
    assert!(
        list.lines()
            .next()
            .unwrap()
            .contains("Sinh hoạt chuyên đề 20/05/2026"),
        "{list}"
    );
}

#[test]
fn the_history_tells_who_changed_what() {
    let hall = Hall::new();
    let phone = hall.meeting();
    phone.ok(&["meeting", "speech", "add", "--by", "2", "Đề nghị."]);
    let history = phone.ok(&["history"]);
    assert!(history.lines().last().unwrap().ends_with("ý kiến"), "{history}");
    assert!(
        history.contains("điểm danh: Lê Văn Em") && history.contains("P1"),
        "{history}"
    );
    let told = phone.json(&["history", "2026-05"]);
    let changes = told["changes"].as_array().unwrap();
    assert_eq!(changes.len(), history.lines().count());
    assert!(changes.last().unwrap()["what"][0]["speech"].is_string(), "{told}");
}

#[test]
fn members_write_to_the_committee_and_read_what_became_of_it() {
    let hall = Hall::new();
    let phone = hall.branch();
    for command in [&["feedback", "mine"][..], &["feedback"]] {
        assert!(
            phone.ok(command).contains("Bạn chưa viết ý kiến nào"),
            "{command:?}"
        );
    }
    let first = phone.json(&[
        "feedback",
        "send",
        "Đề nghị lắp thêm đèn đường.",
        "--topic",
        "Đèn đường",
    ]);
    let id = first["item"].as_str().unwrap();
    phone.ok(&["feedback", "send", "đề nghị lắp thêm đèn đường"]);
    phone.ok(&["feedback", "send", "Công khai quỹ làm đường.", "--nameless"]);
    let gone = phone.json(&["feedback", "send", "Thôi."]);
    phone.ok(&["feedback", "withdraw", gone["item"].as_str().unwrap()]);
    phone.fails(&["feedback", "withdraw", "zz"], 3, "which_feedback");
    phone.fails(&["feedback", "send", " "], 3, "empty");
    // Admitting a phone seals what waits, as a sync does.
    hall.admit(&phone, "P2", "Em", "member");
    let inbox = phone.ok(&["feedback", "inbox"]);
    assert!(
        inbox.contains("có thể trùng F1") && inbox.contains("(không ghi tên)"),
        "{inbox}"
    );
    assert_eq!(
        phone.json(&["feedback", "inbox"])["items"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    // With words it is answered, without any it is received, whatever was not said.
    assert_eq!(phone.json(&["feedback", "answer", "F2"])["status"], "received");
    let answered = phone.json(&["feedback", "answer", "F1", "--text", "Tháng 6 sẽ lắp."]);
    assert_eq!(answered["status"], "answered");
    phone.fails(&["feedback", "answer", "F3", "--text", "Đồng ý."], 3, "nameless");
    phone.ok(&[
        "feedback",
        "answer",
        "F3",
        "--status",
        "answered",
        "--text",
        "Đồng ý.",
        "--public",
    ]);
    assert!(phone.ok(&["feedback", "answers"]).contains("Đồng ý."));
    let mine = phone.json(&["feedback", "mine"]);
    let items = mine["items"].as_array().unwrap();
    assert!(
        items
            .iter()
            .any(|item| item["id"] == id && item["answers"][0]["text"] == "Tháng 6 sẽ lắp.")
    );
}

#[test]
fn a_photographed_page_is_noted_by_its_hash() {
    let hall = Hall::new();
    let phone = hall.meeting();
    hall.write("trang-1.jpg", b"not really a picture");
    let noted = phone.json(&["meeting", "attach", "trang-1.jpg", "--pages", "2"]);
    let attachment = &noted["attachment"];
    assert_eq!(
        (attachment["pages"].clone(), attachment["bytes"].clone()),
        (json!(2), json!(20))
    );
    assert_eq!(attachment["blake3"].as_str().unwrap().len(), 64);
    phone.fails(&["meeting", "attach", "missing.jpg"], 3, "file_unreadable");
}
