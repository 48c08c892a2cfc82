//! Personal data as people handle it: corrected, opened with a trace, erased everywhere, taken home.

use sotay_engine::age_open;

use crate::relay::Relay;
use crate::support::Hall;

#[test]
fn what_the_committee_knows_is_opened_with_a_trace_and_erased_on_relay_and_phones() {
    let hall = Hall::new();
    let relay = Relay::start(&hall);
    let officer = hall.branch();
    officer.ok(&["relay", "add", &relay.address]);
    let deputy = hall.admit(&officer, "P2", "2", "deputy");
    let member = hall.admit(&officer, "P5", "5", "member");
    officer.ok(&[
        "person",
        "contact",
        "4",
        "--phone",
        "0912 345 678",
        "--born",
        "02/03/1961",
    ]);
    for phone in [&officer, &deputy, &member] {
        phone.ok(&["sync"]);
    }
    assert!(deputy.ok(&["person", "show", "Dung"]).contains("0912 345 678"));
    member.fails(&["person", "show", "4"], 4, "not_allowed");
    deputy.ok(&["sync"]);
    officer.ok(&["sync"]);
    let opened = officer.json(&["person", "accesses"]);
    assert_eq!(opened["accesses"][0]["what"], "contact");
    assert!(officer.ok(&["person", "accesses"]).contains("Trần Thị Bình"));

    officer.ok(&[
        "person",
        "consent",
        "4",
        "Lưu số điện thoại",
        "--on",
        "2026-05-20",
    ]);
    let consents = officer.json(&["person", "consents", "4"]);
    assert_eq!(consents["consents"][0]["day"], "2026-05-20");
    assert_eq!(
        officer.json(&["person", "retention", "--months", "24"])["months"],
        24
    );

    officer.fails(&["person", "erase", "4"], 2, "usage");
    let erased = officer.json(&["person", "erase", "4", "--yes"]);
    assert_eq!(erased["erased"]["cards"], 2);
    for phone in [&officer, &deputy, &member] {
        phone.ok(&["sync"]);
        assert!(!phone.ok(&["members"]).contains("Phạm Thị Dung"));
    }
    assert_eq!(
        deputy.json(&["person", "list"])["members"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
    let late = hall.admit(&officer, "P3", "3", "member");
    assert!(!late.ok(&["members"]).contains("Phạm Thị Dung"));
}

#[test]
fn ones_own_data_is_written_into_two_files_that_only_the_passphrase_opens() {
    let hall = Hall::new();
    let officer = hall.meeting();
    officer.ok(&["meeting", "speech", "add", "--by", "2", "Đề nghị nạo vét mương."]);
    officer.ok(&["meeting", "speech", "add", "--by", "3", "Tôi nói việc khác."]);
    officer.ok(&["person", "contact", "2", "--phone", "0912 345 678"]);
    let member = hall.admit(&officer, "P2", "2", "member");
    let done = member.run_with(&["person", "export", "--out", "mine"], "ba con bò\n");
    assert_eq!(done.exit, 0, "{done:?}");
    let read = |name: &str| {
        let file = std::fs::read(hall.path(name)).unwrap();
        assert!(file.starts_with(b"age-encryption.org/v1\n"));
        assert!(age_open("ba con gà", &file).is_err());
        String::from_utf8(age_open("ba con bò", &file).unwrap().to_vec()).unwrap()
    };
    let (text, json) = (read("mine.txt.age"), read("mine.json.age"));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["name"], "Trần Thị Bình");
    assert!(text.contains("Trần Thị Bình") && text.contains("Đề nghị nạo vét mương."));
    assert!(
        text.contains("tình trạng: có mặt") && text.contains("chức vụ: Phó bí thư"),
        "{text}"
    );
    assert!(!text.contains("present") && !text.contains("state:"), "{text}");
    assert!(
        !text.contains("Tôi nói việc khác.") && !text.contains("Lê Văn Em"),
        "{text}"
    );
    assert!(
        !text.contains("0912"),
        "what the committee knows is on officers' phones"
    );

    hall.write("passphrase", "ba con bò\n");
    officer.ok(&[
        "person",
        "export",
        "--member",
        "2",
        "--out",
        "hers",
        "--passphrase",
        "passphrase",
    ]);
    assert!(read("hers.txt.age").contains("0912 345 678"));
    let opened = officer.json(&["person", "accesses"]);
    assert_eq!(opened["accesses"][0]["what"], "export");
    let empty = member.run_with(&["person", "export", "--out", "none"], "");
    assert!(
        empty.exit == 3 && !hall.path("none.json.age").exists(),
        "{empty:?}"
    );
}
