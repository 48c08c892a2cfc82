//! A relay process that drops what two officers signed: while it is killed, from several nodes, and through backups.

mod common;

use std::path::Path;

use common::*;
use sotay_feed::{Kind, Tip, UnitId};
use sotay_membership::{Cover, CoveredFeed, Numbers, kept_digest, rank};
use sotay_store::Store;
use sotay_store::conformance::ALL;

const DEPUTY: u8 = 4;
const CHANGES: usize = 400;

/// Secretary, deputy and a member whose feed has many changes, some of them votes; nobody has met a relay yet.
fn branch() -> (Phone, Phone, Phone) {
    let granted = [
        (SECRETARY, rank::SECRETARY),
        (DEPUTY, rank::DEPUTY),
        (MEMBER, rank::MEMBER),
    ];
    let (founder, _) = founder(FOUNDER, &granted);
    let unit = founder.roll().unit;
    let phone = |number| {
        let mut phone = Phone::new(number, unit);
        copy(&founder, &mut phone);
        phone
    };
    let mut member = phone(MEMBER);
    for _ in 0..4 {
        member.write_changes(CHANGES / 4, 700);
        member.write(member.main(), Kind::VOTE, b"a vote");
    }
    member.write_changes(3, 700);
    (phone(SECRETARY), phone(DEPUTY), member)
}

fn copy(from: &Phone, to: &mut Phone) {
    let spaces = from.replica.spaces();
    let bytes = sotay_sync::bundle::write(&from.replica, &spaces, None).unwrap();
    let bundle = sotay_sync::bundle::read(&bytes).unwrap();
    sotay_sync::bundle::import(&mut to.replica, bundle).unwrap();
}

/// The secretary covers all feeds up to the last envelope but two, and the deputy signs the same.
async fn cover(secretary: &mut Phone, deputy: &mut Phone, relay: &Relay) {
    let (main, roll) = (secretary.main(), secretary.roll());
    let store = secretary.replica.store();
    let mut feeds = std::collections::BTreeMap::new();
    for (device, tip) in secretary.frontier(&main).iter() {
        let at = |seq| store.at(&main.id(), device, seq).unwrap().unwrap();
        let place = at(tip - 2);
        let kept: Vec<_> = (1..place.seq)
            .map(at)
            .filter(|stored| stored.kind != Kind::CHANGE)
            .collect();
        let feed = CoveredFeed {
            place: Tip {
                seq: place.seq,
                id: place.id,
            },
            kept: Numbers::new(kept.iter().map(|stored| stored.seq)),
            digest: kept_digest(&kept.iter().map(|stored| stored.id).collect::<Vec<_>>()),
        };
        feeds.insert(device, feed);
    }
    let cover = Cover {
        space: main.id(),
        made_ms: 0,
        previous: Default::default(),
        feeds,
        copies: Default::default(),
    };
    for phone in [secretary, deputy] {
        phone.write(roll, Kind::COVER, &cover.encode());
        assert!(phone.sync(relay).await.caught_up());
    }
}

fn configured(dir: &Path, name: &str, more: &str) -> String {
    let path = dir.join(name);
    std::fs::write(&path, more).unwrap();
    path.to_str().unwrap().to_owned()
}

const SIGNED: &str = "[retention]\nprune = \"signed\"\nprune-after = \"0d\"\n";

/// Arrivals of the main space that a relay's unit holds, and bytes.
fn held(data: &str, unit: UnitId) -> (u64, u64) {
    let units = json(&["units", "--data", data]);
    let line = units["units"].as_array().unwrap()[0].clone();
    assert_eq!(line["unit"].as_str().unwrap(), unit.to_string());
    (line["bytes"].as_u64().unwrap(), line["dropped"].as_u64().unwrap())
}

/// A phone that had nothing takes everything that is left, and one that has all agrees with it.
async fn newcomer_agrees(relay: &Relay, member: &mut Phone) {
    let mut newcomer = Phone::new(SECRETARY, member.roll().unit);
    let talk = newcomer.sync(relay).await;
    assert!(talk.caught_up(), "{:?}", talk.ended);
    let main = member.main();
    assert!(member.sync(relay).await.caught_up());
    assert!(newcomer.sync(relay).await.caught_up());
    assert_eq!(newcomer.frontier(&main), member.frontier(&main));
    let votes = newcomer
        .replica
        .store()
        .since(&main.id(), 0, ALL)
        .unwrap()
        .envelopes;
    let votes = votes.iter().filter(|stored| stored.kind == Kind::VOTE).count();
    assert_eq!(votes, 4);
    assert!(newcomer.replica.store().head(&main.id()).unwrap().number < 20);
}

#[tokio::test]
async fn a_relay_killed_while_it_drops_goes_on_where_it_was_and_loses_nothing_that_is_kept() {
    let dir = tempfile::TempDir::new().unwrap();
    let data = dir.path().join("data");
    let text = data.to_str().unwrap();
    let config = configured(dir.path(), "relay.toml", SIGNED);
    let (mut secretary, mut deputy, mut member) = branch();
    let unit = secretary.roll().unit;
    let relay = Relay::start(&data, &["--config", &config]);
    assert!(member.sync(&relay).await.caught_up());
    assert!(secretary.sync(&relay).await.caught_up());
    cover(&mut secretary, &mut deputy, &relay).await;
    let (whole, none) = held(text, unit);
    assert_eq!(none, 0);
    let dry = json(&["prune", "--dry-run", "--data", text]);
    let droppable = dry["envelopes"].as_u64().unwrap();
    assert!(droppable >= CHANGES as u64, "{dry}");
    assert_eq!(held(text, unit), (whole, 0));
    // Asked to prune, and killed before it can be done.
    let mut asked = program();
    asked.args(["prune", "--data", text]);
    let mut asked = asked
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let until = std::time::Instant::now() + DEFECT;
    while relay.metric("sotay_relay_pruned_envelopes_total") == 0.0 {
        assert!(std::time::Instant::now() < until, "nothing is dropped");
    }
    relay.kill();
    asked.wait().unwrap();
    let checked = json(&["verify", "--data", text]);
    assert_eq!(checked["whole"], true);
    let relay = Relay::start(&data, &["--config", &config]);
    let report = json(&["prune", "--data", text]);
    let (left, dropped) = held(text, unit);
    // What was dropped just before the kill may be counted by nobody.
    assert!(dropped <= droppable && report["envelopes"].as_u64().unwrap() <= droppable);
    assert_eq!(json(&["prune", "--dry-run", "--data", text])["envelopes"], 0);
    assert!(left * 5 < whole, "{left} of {whole}");
    newcomer_agrees(&relay, &mut member).await;
    relay.terminate();
    assert!(relay.wait().await.success());
    let checked = json(&["verify", "--data", text]);
    assert_eq!(
        (checked["whole"].as_bool(), checked["dropped"].as_u64()),
        (Some(true), Some(droppable))
    );
    let compacted = json(&["compact", "--data", text]);
    assert!(compacted["after"].as_u64() < compacted["before"].as_u64());
}

#[tokio::test]
async fn nothing_is_dropped_unless_the_configuration_says_so_and_only_after_its_time() {
    let dir = tempfile::TempDir::new().unwrap();
    let data = dir.path().join("data");
    let text = data.to_str().unwrap();
    let config = configured(dir.path(), "relay.toml", "");
    let (mut secretary, mut deputy, mut member) = branch();
    let relay = Relay::start(&data, &["--config", &config]);
    for phone in [&mut member, &mut secretary] {
        assert!(phone.sync(&relay).await.caught_up());
    }
    cover(&mut secretary, &mut deputy, &relay).await;
    let (code, _, words) = finished(&["prune", "--data", text]);
    assert_ne!(code, Some(0));
    assert!(words.contains("prune = \"signed\""), "{words}");
    // With the default of 90 days nothing is due, and the command says when it is.
    std::fs::write(&config, "[retention]\nprune = \"signed\"\n").unwrap();
    relay.reload();
    let until = std::time::Instant::now() + DEFECT;
    let words = loop {
        let (code, words, _) = finished(&["prune", "--data", text]);
        if code == Some(0) {
            break words;
        }
        assert!(
            std::time::Instant::now() < until,
            "the configuration is not read again"
        );
    };
    assert!(words.contains("in 90 d"), "{words}");
    assert!(words.contains("0 envelopes of 0 bytes were dropped"), "{words}");
    // A stopped relay is told by its command what its configuration says.
    relay.terminate();
    assert!(relay.wait().await.success());
    let (code, _, words) = finished(&["prune", "--data", text]);
    assert_ne!(code, Some(0));
    assert!(words.contains("--config"), "{words}");
    std::fs::write(&config, SIGNED).unwrap();
    let report = json(&["prune", "--data", text, "--config", &config]);
    assert!(
        report["envelopes"].as_u64().unwrap() >= CHANGES as u64,
        "{report}"
    );
    let relay = Relay::start(&data, &["--config", &config]);
    newcomer_agrees(&relay, &mut member).await;
}

#[tokio::test]
async fn a_pruned_relay_is_backed_up_and_restored_and_phones_that_hold_more_lose_nothing() {
    let dir = tempfile::TempDir::new().unwrap();
    let data = dir.path().join("data");
    let (text, early, late) = (
        data.to_str().unwrap(),
        dir.path().join("early"),
        dir.path().join("late"),
    );
    let config = configured(dir.path(), "relay.toml", SIGNED);
    let (mut secretary, mut deputy, mut member) = branch();
    let relay = Relay::start(&data, &["--config", &config]);
    for phone in [&mut member, &mut secretary] {
        assert!(phone.sync(&relay).await.caught_up());
    }
    cover(&mut secretary, &mut deputy, &relay).await;
    let backup = |to: &Path| {
        json(&[
            "backup",
            "--data",
            text,
            "--to",
            to.to_str().unwrap(),
            "--with-key",
        ])
    };
    backup(&early);
    json(&["prune", "--data", text]);
    member.write_changes(2, 100);
    assert!(member.sync(&relay).await.caught_up());
    // One that follows keeps what it has, one from the beginning copies the holes.
    assert_eq!(backup(&early)["new"], 2);
    let fresh = backup(&late);
    assert!(fresh["envelopes"].as_u64().unwrap() < 30, "{fresh}");
    relay.kill();
    for (from, name) in [(&late, "from-late"), (&early, "from-early")] {
        let restored = dir.path().join(name);
        let to = restored.to_str().unwrap();
        json(&["restore", "--data", to, "--from", from.to_str().unwrap()]);
        let relay = Relay::start(&restored, &["--config", &config]);
        if name == "from-early" {
            // It holds again what was dropped, and drops it again.
            let report = json(&["prune", "--data", to]);
            assert!(
                report["envelopes"].as_u64().unwrap() >= CHANGES as u64,
                "{report}"
            );
        }
        newcomer_agrees(&relay, &mut member).await;
        relay.terminate();
        assert!(relay.wait().await.success());
        let whole = json(&["verify", "--data", to]);
        assert_eq!(whole["whole"], true);
        // However often it was dropped, what is told is what is missing here.
        assert_eq!(held(to, member.roll().unit).1, whole["dropped"].as_u64().unwrap());
    }
    // What is written out for a phone can be taken in with its holes.
    let (out, unit) = (dir.path().join("unit.bundle"), member.roll().unit.to_string());
    let restored = dir.path().join("from-late");
    json(&[
        "export",
        &unit,
        "--data",
        restored.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ]);
    let mut reader = Phone::new(STRANGER, member.roll().unit);
    let bytes = std::fs::read(&out).unwrap();
    let imported = sotay_sync::bundle::import(&mut reader.replica, sotay_sync::bundle::read(&bytes).unwrap());
    assert_eq!(imported.unwrap().refused, 0);
    assert_eq!(reader.frontier(&member.main()), member.frontier(&member.main()));
}

#[tokio::test]
async fn one_of_two_nodes_drops_and_the_other_serves_what_is_left() {
    let Some(mut server) = sotay_postgres::server::for_test("pruning by one of two nodes") else {
        return;
    };
    let url = server.database().unwrap();
    let dir = tempfile::TempDir::new().unwrap();
    let config = configured(dir.path(), "relay.toml", &format!("store = \"{url}\"\n{SIGNED}"));
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    let (mut secretary, mut deputy, mut member) = branch();
    let first = Relay::start(&one, &["--config", &config]);
    let second = Relay::start(&two, &["--config", &config]);
    for phone in [&mut member, &mut secretary] {
        assert!(phone.sync(&first).await.caught_up());
    }
    cover(&mut secretary, &mut deputy, &second).await;
    assert!(member.sync(&second).await.caught_up());
    let report = json(&["prune", "--data", one.to_str().unwrap()]);
    assert!(
        report["envelopes"].as_u64().unwrap() >= CHANGES as u64,
        "{report}"
    );
    newcomer_agrees(&second, &mut member).await;
    // The other one finds nothing left to drop, and both go on.
    assert_eq!(json(&["prune", "--data", two.to_str().unwrap()])["envelopes"], 0);
    member.write_changes(1, 100);
    assert!(member.sync(&second).await.caught_up());
    newcomer_agrees(&first, &mut member).await;
    drop((first, second));
    assert_eq!(json(&["verify", "--data", one.to_str().unwrap()])["whole"], true);
}
