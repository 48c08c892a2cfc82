//! Signed snapshots, as two officers type them.

use serde_json::Value;

use crate::relay::Relay;
use crate::support::Hall;

fn first(list: &Value) -> &Value {
    &list["snapshots"][0]
}

#[test]
fn two_officers_sign_a_snapshot_and_nobody_else_can() {
    let hall = Hall::new();
    let relay = Relay::start(&hall);
    let an = hall.meeting();
    let binh = hall.admit(&an, "P2", "2", "deputy");
    let em = hall.admit(&an, "P5", "5", "member");
    for number in 0..12 {
        let text = format!("Ý kiến thứ {number} về tuyến mương trước mùa mưa.");
        an.ok(&["meeting", "speech", "add", "--by", "1", &text]);
        an.ok(&["sync", "--relay", &relay.address]);
    }
    let tomorrow = "01/01/2999";
    an.fails(&["snapshot", "draft", "--before", tomorrow], 3, "cover_future");
    an.fails(&["snapshot", "draft"], 3, "cover_nothing");
    an.fails(&["snapshot", "sign"], 3, "which_snapshot");
    em.ok(&["sync", "--relay", &relay.address]);
    let day = an.json(&["members"])["on"].as_str().unwrap().to_owned();
    em.fails(&["snapshot", "draft", "--before", &day], 4, "cover_no_officer");

    let tomorrow = after(&day);
    let drafted = an.json(&["snapshot", "draft", "--before", &tomorrow]);
    let id = drafted["snapshot"]["id"].as_str().unwrap().to_owned();
    assert!(
        drafted["snapshot"]["drops"]["envelopes"].as_u64().unwrap() >= 10,
        "{drafted}"
    );
    an.fails(&["snapshot", "draft", "--before", &tomorrow], 4, "cover_waits");
    an.fails(&["snapshot", "sign", &id[..8]], 4, "cover_signed_already");
    an.ok(&["sync", "--relay", &relay.address]);

    binh.ok(&["sync", "--relay", &relay.address]);
    let list = binh.json(&["snapshot", "list"]);
    assert_eq!(first(&list)["state"], "open");
    assert_eq!(first(&list)["missing"], 0);
    let said = binh.ok(&["review", "--all"]);
    assert!(
        said.contains(&format!("sotay snapshot sign {}", &id[..8])),
        "{said}"
    );
    let english = binh.ok(&["snapshot", "list", "--lang", "en"]);
    assert!(english.contains("waits for a second officer"), "{english}");
    let signed = binh.json(&["snapshot", "sign"]);
    assert_eq!(signed["snapshot"]["state"], "counts");
    binh.ok(&["sync", "--relay", &relay.address]);

    for phone in [&an, &em] {
        phone.ok(&["sync", "--relay", &relay.address]);
        let list = phone.json(&["snapshot", "list"]);
        assert_eq!(first(&list)["state"], "counts");
        assert_eq!(first(&list)["by"].as_array().unwrap().len(), 2);
        assert_eq!(first(&list)["by"][1]["counts"], true);
    }
    em.fails(&["snapshot", "sign", &id], 4, "cover_no_officer");
    assert_eq!(
        an.json(&["meeting", "minutes"])["sha256"],
        em.json(&["meeting", "minutes"])["sha256"]
    );
}

/// The day after one that is written `2026-12-05`.
fn after(day: &str) -> String {
    let day: sotay_engine::handbook::Date = day.parse().unwrap();
    day.tomorrow().unwrap().to_string()
}
