//! With a real relay in a process of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sotay_engine::RelayAddress;
use sotay_engine::feed::DeviceKeys;

use crate::support::{Hall, Phone, done, keys};

const ROLE: &str = "SOTAY_TEST_RELAY_DATA";

/// A relay; it ends with the test.
pub struct Relay {
    child: Child,
    pub address: String,
}

impl Relay {
    pub fn start(hall: &Hall) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "relay::the_process_of_the_relay",
                "--ignored",
                "--nocapture",
            ])
            .env(ROLE, hall.path("relay"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let hello = lines
            .map(Result::unwrap)
            .find(|line| line.starts_with('{'))
            .expect("the relay says where it is");
        let hello: Value = serde_json::from_str(&hello).unwrap();
        Self {
            child,
            address: hello["addresses"][0].as_str().unwrap().to_owned(),
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "the relay of the other tests: this binary runs itself"]
fn the_process_of_the_relay() {
    if let Some(data) = std::env::var_os(ROLE) {
        let args = [
            "relay",
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--http",
            "127.0.0.1:0",
            "--json",
            "--data",
        ];
        let _ = sotay_relay::run(args.iter().map(Into::into).chain([data]));
    }
}

fn hash(phone: &Phone) -> Value {
    phone.json(&["meeting", "minutes"])["sha256"].clone()
}

/// Two phones that both changed one deadline, offline.
fn two_phones(hall: &Hall) -> (Phone, Phone) {
    let first = hall.meeting();
    first.ok(&[
        "meeting",
        "conclude",
        "Giao tổ 3 nạo vét mương.",
        "--deadline",
        "2026-05-15",
    ]);
    let second = hall.admit(&first, "P2", "2", "deputy");
    first.ok(&["meeting", "deadline", "1", "2026-05-20"]);
    second.ok(&["meeting", "deadline", "1", "30/05/2026"]);
    second.ok(&["meeting", "speech", "add", "--by", "2", "Ý kiến của máy P2."]);
    (first, second)
}

#[test]
fn two_phones_meet_at_a_relay_settle_and_hold_the_same_minutes() {
    let hall = Hall::new();
    let relay = Relay::start(&hall);
    let (first, second) = two_phones(&hall);
    let said = first.ok(&["sync", "--relay", &relay.address]);
    assert!(said.contains("đã đồng bộ lúc"), "{said}");
    second.ok(&["sync", "--relay", &relay.address]);
    let report = first.json(&["sync"]);
    assert_eq!(keys(&report), ["notices", "relays"]);
    let fields = [
        "bytes_down",
        "bytes_up",
        "envelopes_down",
        "envelopes_up",
        "relay",
        "round_trips",
        "spaces",
    ];
    assert_eq!(keys(&report["relays"][0]), fields);
    assert_eq!(
        (report["relays"][0]["relay"].as_str(), report["notices"].clone()),
        (Some(&*relay.address), json!([]))
    );
    assert!(
        report["relays"][0]["envelopes_down"].as_u64() > Some(0),
        "{report}"
    );

    let review = first.ok(&["review"]);
    assert!(review.contains("đang có 2 giá trị: 20/5, 30/5"), "{review}");
    assert_eq!(review, second.ok(&["review"]));
    assert_eq!(hash(&first), hash(&second));
    first.ok(&["review", "--settle", "1", "2"]);
    assert_ne!(hash(&first), hash(&second));
    assert_eq!(first.json(&["status"])["pending"], 1);
    first.ok(&["sync"]);
    second.ok(&["sync"]);
    assert_eq!(hash(&first), hash(&second));
    let shown = second.ok(&["meeting", "show"]);
    assert!(
        shown.contains("Thời hạn: 30/5\n") && shown.contains("Ý kiến của máy P2."),
        "{shown}"
    );
    let status = second.json(&["status"]);
    let spaces = status["relays"][0]["spaces"].as_array().unwrap();
    assert!(spaces.iter().all(|space| space["status"] == "synced"), "{status}");
    assert_eq!(status["pending"], 0);
}

#[test]
fn watch_tells_what_another_phone_changed() {
    let hall = Hall::new();
    let relay = Relay::start(&hall);
    let (first, second) = two_phones(&hall);
    first.ok(&["sync", "--relay", &relay.address]);
    let mut watch = first.command(&["watch", "--json", "--seconds", "60"]);
    let mut watch = watch.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines().map(|line| {
        let line = line.unwrap();
        serde_json::from_str::<Value>(&line).unwrap_or_else(|error| panic!("{line}: {error}"))
    });
    assert_eq!(lines.next().unwrap()["event"], "connected");
    first.fails(&["members"], 6, "profile_in_use");
    second.ok(&["sync", "--relay", &relay.address]);
    let speech = lines.find(|line| line["event"] == "handbook" && line["change"]["speech"].is_string());
    assert!(speech.is_some());
    interrupt(&watch);
    let last = lines.last().unwrap();
    assert_eq!(
        (last["event"].as_str(), last["reason"].as_str()),
        (Some("end"), Some("interrupted"))
    );
    assert!(watch.wait().unwrap().success());
    assert!(first.ok(&["meeting", "show"]).contains("Ý kiến của máy P2."));
}

/// What Ctrl-C sends.
fn interrupt(child: &Child) {
    assert!(
        Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn watch_ends_by_itself_when_told_how_long() {
    let hall = Hall::new();
    let relay = Relay::start(&hall);
    let phone = hall.meeting();
    let said = phone.ok(&["watch", "--relay", &relay.address, "--seconds", "1"]);
    assert!(
        said.contains("đã đồng bộ lúc") && said.contains("Dừng theo dõi"),
        "{said}"
    );
}

#[test]
fn a_relay_with_another_key_is_not_trusted_and_not_remembered() {
    let hall = Hall::new();
    let relay = Relay::start(&hall);
    let phone = hall.meeting();
    let right: RelayAddress = relay.address.parse().unwrap();
    let other = DeviceKeys::from_seeds([9; 32], [8; 32]).public().sign;
    let wrong = RelayAddress::new(right.host(), right.port(), other)
        .unwrap()
        .to_string();
    phone.fails(&["sync", "--relay", &wrong], 5, "wrong_relay_key");
    phone.fails(
        &["watch", "--relay", &wrong, "--seconds", "5"],
        5,
        "wrong_relay_key",
    );
    assert_eq!(phone.json(&["relay"])["relays"], json!([]));
    let both = phone.json(&["sync", "--relay", &wrong, "--relay", &relay.address]);
    assert_eq!(both["relays"][0]["error"]["code"], "wrong_relay_key");
    assert_eq!(both["relays"][1]["relay"], relay.address.as_str());
    assert_eq!(phone.json(&["relay"])["relays"], json!([relay.address]));
}

#[test]
fn a_relay_that_is_gone_is_reported_in_time_and_nothing_is_lost() {
    let hall = Hall::new();
    let relay = Relay::start(&hall);
    let phone = hall.meeting();
    phone.ok(&["sync", "--relay", &relay.address, "--no-remember"]);
    assert_eq!(phone.json(&["relay"])["relays"], json!([]));
    phone.ok(&["relay", "add", &relay.address]);
    let address = relay.address.clone();
    drop(relay);
    phone.ok(&["meeting", "speech", "add", "--by", "1", "Khi trạm vắng."]);
    let begun = Instant::now();
    let failed = phone.run(&["sync", "--json", "--timeout", "2"]);
    assert_eq!(failed.exit, 5, "{failed:?}");
    assert!(begun.elapsed() < Duration::from_secs(20));
    let error: Value = serde_json::from_str(&failed.out).unwrap();
    assert_eq!(error["error"]["details"]["relays"][0]["relay"], address.as_str());
    let watched = done(phone.command(&["watch", "--seconds", "1"]).output().unwrap());
    assert!(
        watched.exit == 0 && watched.out.contains("Sẽ thử lại."),
        "{watched:?}"
    );
    assert!(phone.ok(&["meeting", "show"]).contains("Khi trạm vắng."));
}
