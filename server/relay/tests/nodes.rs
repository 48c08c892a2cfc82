//! Relays whose records are in PostgreSQL: several nodes on one database, and the outages of its server.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{
    Ended, FOUNDER, MEMBER, Phone, Relay, SECRETARY, finished, founder, grants, json, revoke, within,
};
use sotay_feed::Frontier;
use sotay_postgres::server::{self, Server};
use sotay_sync::{CloseCode, DenyReason, Output, SessionEvent};
use tempfile::TempDir;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A database server and the data directories of nodes that share one database.
struct Province {
    server: Server,
    dir: TempDir,
    config: PathBuf,
}

impl Province {
    fn new(what: &str) -> Option<Self> {
        Self::with_limits(what, "")
    }

    /// With these lines under `[limits]`.
    fn with_limits(what: &str, limits: &str) -> Option<Self> {
        let mut server = server::for_test(what)?;
        let url = server.database().unwrap();
        Some(Self::on(server, &url, limits))
    }

    fn on(server: Server, url: &str, limits: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("relay.toml");
        fs::write(&config, format!("store = \"{url}\"\n[limits]\n{limits}")).unwrap();
        Self { server, dir, config }
    }

    fn data(&self, node: &str) -> PathBuf {
        self.dir.path().join(node)
    }

    fn node(&self, node: &str) -> Relay {
        Relay::start(&self.data(node), &["--config", text(&self.config)])
    }

    fn is_ready(relay: &Relay) -> bool {
        relay.page("/readyz").0 == 200
    }

    async fn await_ready(relay: &Relay, ready: bool) {
        let until = std::time::Instant::now() + common::DEFECT;
        while Self::is_ready(relay) != ready {
            assert!(std::time::Instant::now() < until, "ready is not {ready}");
            tokio::task::yield_now().await;
        }
    }
}

fn received(space: sotay_feed::Space) -> impl Fn(&SessionEvent) -> bool {
    move |event| matches!(event, SessionEvent::Received { space: of, .. } if *of == space)
}

fn acked(phone: &Phone, seq: u64) -> impl Fn(&SessionEvent) -> bool + use<> {
    let (main, device) = (phone.main(), phone.keys.id());
    move |event| matches!(event, SessionEvent::Acked { space, frontier } if *space == main && frontier.get(device) >= seq)
}

/// Exchanges until it succeeds: while nodes come and go a phone is told to come back.
async fn persist(phone: &mut Phone, relay: &Relay) {
    within(async {
        while !phone.sync(relay).await.caught_up() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Syncs until the phone holds what is wanted: what one node committed reaches the other a moment later.
async fn sync_until(phone: &mut Phone, relay: &Relay, wanted: impl Fn(&Phone) -> bool) {
    within(async {
        while !wanted(phone) {
            phone.sync(relay).await;
        }
    })
    .await;
}

#[tokio::test]
async fn live_changes_cross_nodes_and_so_do_admissions_and_removals() {
    let Some(province) = Province::new("two nodes on one database") else {
        return;
    };
    let (a, b) = (province.node("a"), province.node("b"));
    assert_ne!(a.start["key"], b.start["key"], "each node has a key of its own");
    let (mut officer, granted) = founder(FOUNDER, &grants());
    persist(&mut officer, &a).await;
    // The member comes to the other node, which never saw the unit.
    let mut member = Phone::new(MEMBER, officer.roll().unit);
    let mut link = member.connect(&b).await.unwrap();
    let mut live = member.session(&b, true);
    live.start(&mut member.replica, 0).unwrap();
    let talk = member
        .go_on(&mut link, &mut live, |event| *event == SessionEvent::CaughtUp)
        .await;
    assert_eq!(talk.ended, Ended::Enough, "{:?}", talk.events);
    assert_eq!(member.frontier(&member.roll()), officer.frontier(&officer.roll()));
    // From A to the phone at B, while it listens.
    officer.write_changes(2, 300);
    persist(&mut officer, &a).await;
    let talk = member.go_on(&mut link, &mut live, received(member.main())).await;
    assert_eq!(talk.ended, Ended::Enough, "{:?}", talk.events);
    // And back: the officer listens at A, the member writes at B.
    let mut officers = officer.connect(&a).await.unwrap();
    let mut session = officer.session(&a, true);
    session.start(&mut officer.replica, 0).unwrap();
    officer
        .go_on(&mut officers, &mut session, |event| {
            *event == SessionEvent::CaughtUp
        })
        .await;
    member.write_changes(1, 300);
    let main = member.main();
    live.on_local(&mut member.replica, &main).unwrap();
    let wanted = acked(&member, 1);
    assert_eq!(
        member.go_on(&mut link, &mut live, wanted).await.ended,
        Ended::Enough
    );
    let talk = officer
        .go_on(&mut officers, &mut session, received(officer.main()))
        .await;
    assert_eq!(talk.ended, Ended::Enough, "{:?}", talk.events);
    // Removed through A, the member is turned away at B in the same session.
    revoke(&mut officer, &granted[1]);
    let roll = officer.roll();
    session.on_local(&mut officer.replica, &roll).unwrap();
    let told = |event: &SessionEvent| {
        matches!(
            event,
            SessionEvent::PeerRefusedSpace {
                reason: DenyReason::Revoked,
                ..
            }
        )
    };
    let (officers, member) = tokio::join!(
        officer.go_on(&mut officers, &mut session, |event| matches!(
            event,
            SessionEvent::Acked { .. }
        )),
        member.go_on(&mut link, &mut live, told)
    );
    assert_eq!((officers.ended, member.ended), (Ended::Enough, Ended::Enough));
}

#[tokio::test]
async fn a_block_at_one_node_closes_sessions_at_the_other() {
    let Some(province) = Province::new("a block that crosses nodes") else {
        return;
    };
    let (a, b) = (province.node("a"), province.node("b"));
    let (mut officer, _) = founder(FOUNDER, &grants());
    persist(&mut officer, &a).await;
    let link = officer.connect(&b).await.unwrap();
    let session = officer.session(&b, true);
    let device = officer.keys.id().to_string();
    let blocking = tokio::task::spawn_blocking({
        let data = province.data("a");
        move || json(&["block", "--data", text(&data), &device])
    });
    let talk = officer.talk(link, session, |_| false).await;
    blocking.await.unwrap();
    assert!(
        matches!(&talk.ended, Ended::Closed(reason) if reason.code == CloseCode::Blocked),
        "{:?}",
        talk.ended
    );
}

#[tokio::test]
async fn both_nodes_take_pushes_into_one_space_and_nothing_is_lost_or_doubled() {
    const ROUNDS: u64 = 12;
    let Some(province) = Province::new("pushes at two nodes") else {
        return;
    };
    let (a, b) = (province.node("a"), province.node("b"));
    let (mut officer, _) = founder(FOUNDER, &grants());
    persist(&mut officer, &a).await;
    let unit = officer.roll().unit;
    let (mut secretary, mut member) = (Phone::new(SECRETARY, unit), Phone::new(MEMBER, unit));
    persist(&mut secretary, &a).await;
    persist(&mut member, &b).await;
    for _ in 0..ROUNDS {
        secretary.write_changes(3, 200);
        member.write_changes(3, 200);
        tokio::join!(persist(&mut secretary, &a), persist(&mut member, &b));
    }
    let expected = Frontier::from_iter([(secretary.keys.id(), 3 * ROUNDS), (member.keys.id(), 3 * ROUNDS)]);
    sync_until(&mut officer, &b, |phone| {
        phone.frontier(&phone.main()) == expected
    })
    .await;
    for node in [a, b] {
        node.terminate();
        assert!(node.wait().await.success());
    }
    let told = json(&["verify", "--data", text(&province.data("a"))]);
    assert_eq!(told["envelopes"], 3 + 2 * 3 * ROUNDS);
}

#[tokio::test]
async fn a_node_is_killed_under_load_and_its_phones_go_on_with_the_other_and_lose_nothing() {
    let Some(province) = Province::new("a node that is killed") else {
        return;
    };
    let (a, b) = (province.node("a"), province.node("b"));
    let (mut officer, _) = founder(FOUNDER, &grants());
    persist(&mut officer, &a).await;
    let mut member = Phone::new(MEMBER, officer.roll().unit);
    let mut link = member.connect(&a).await.unwrap();
    let mut live = member.session(&a, true);
    live.start(&mut member.replica, 0).unwrap();
    member
        .go_on(&mut link, &mut live, |event| *event == SessionEvent::CaughtUp)
        .await;
    const PUSHES: u64 = 7;
    for round in 1..=PUSHES {
        member.write_changes(5, 500);
        let main = member.main();
        live.on_local(&mut member.replica, &main).unwrap();
        let wanted = acked(&member, 5 * round);
        assert_eq!(
            member.go_on(&mut link, &mut live, wanted).await.ended,
            Ended::Enough
        );
    }
    // One more, and the node dies over it; whether it is taken nobody is told.
    member.write_changes(5, 500);
    let main = member.main();
    live.on_local(&mut member.replica, &main).unwrap();
    while let Some(output) = live.poll() {
        if let Output::Frame(frame) = output {
            link.send(frame).await.unwrap();
        }
    }
    a.kill();
    let told = 5 * PUSHES;
    // What was acknowledged is at the other node before the phone comes there.
    let device = member.keys.id();
    sync_until(&mut officer, &b, |phone| {
        phone.frontier(&phone.main()).get(device) >= told
    })
    .await;
    persist(&mut member, &b).await;
    persist(&mut officer, &b).await;
    assert_eq!(officer.frontier(&officer.main()), member.frontier(&member.main()));
    // The node comes back with its key.
    let a = province.node("a");
    persist(&mut member, &a).await;
}

#[tokio::test]
async fn a_lost_server_makes_the_relay_unready_and_phones_come_back_and_it_recovers_without_a_restart() {
    let Some(mut province) = Province::new("a lost database server") else {
        return;
    };
    let relay = province.node("a");
    let (mut officer, _) = founder(FOUNDER, &grants());
    persist(&mut officer, &relay).await;
    officer.write_changes(2, 100);
    for kill in [false, true] {
        if kill {
            province.server.kill().unwrap();
        } else {
            province.server.stop().unwrap();
        }
        Province::await_ready(&relay, false).await;
        let (_, words) = relay.page("/readyz");
        assert!(words.contains("the database server does not answer"), "{words}");
        assert_eq!(relay.page("/healthz").0, 200, "it need not be restarted");
        let talk = officer.sync(&relay).await;
        let told = |ended: &Ended| match ended {
            Ended::Closed(reason) => reason.code == CloseCode::Storage && reason.retry_after.is_some(),
            _ => false,
        };
        assert!(told(&talk.ended), "{:?}", talk.ended);
        province.server.resume().unwrap();
        Province::await_ready(&relay, true).await;
        persist(&mut officer, &relay).await;
        officer.write_changes(1, 100);
    }
    persist(&mut officer, &relay).await;
    let spaces = json(&["spaces", "--data", text(&province.data("a"))]);
    let main = spaces["spaces"]
        .as_array()
        .unwrap()
        .iter()
        .find(|space| space["kind"] == "main");
    assert_eq!(main.unwrap()["envelopes"], 4);
}

#[tokio::test]
async fn the_operators_commands_work_on_a_server_or_say_what_to_use_instead() {
    let Some(province) = Province::new("commands over a database server") else {
        return;
    };
    let data = province.data("a");
    let init = json(&["init", "--data", text(&data), "--config", text(&province.config)]);
    let relay = province.node("a");
    assert_eq!(relay.start["key"], init["key"]);
    assert!(relay.start["server"].as_str().unwrap().ends_with("/sotay1"));
    let (mut officer, _) = founder(FOUNDER, &grants());
    officer.write_changes(2, 100);
    persist(&mut officer, &relay).await;
    let unit = officer.roll().unit.to_string();
    let backup = province.dir.path().join("backup");
    for running in [true, false] {
        if !running {
            relay.terminate();
            while json_status(&data) {}
        }
        assert_eq!(
            json(&["units", "--data", text(&data)])["units"][0]["envelopes"],
            5
        );
        assert_eq!(
            json(&["spaces", "--data", text(&data), &unit])["spaces"]
                .as_array()
                .unwrap()
                .len(),
            2
        );
        assert_eq!(
            json(&["devices", "--data", text(&data), &unit])["devices"]
                .as_array()
                .unwrap()
                .len(),
            3
        );
        let told = json(&[
            "backup",
            "--data",
            text(&data),
            "--to",
            text(&backup),
            "--with-key",
        ]);
        assert_eq!(told["envelopes"], 5);
        json(&["block", "--data", text(&data), &unit]);
        json(&["allow", "--data", text(&data), &unit]);
        json(&[
            "doctor",
            "--data",
            text(&data),
            "--config",
            text(&province.config),
        ]);
    }
    assert!(relay.wait().await.success());
    assert_eq!(json(&["verify", "--data", text(&data)])["envelopes"], 5);
    let bundle = province.dir.path().join("unit.bundle");
    assert_eq!(
        json(&["export", "--data", text(&data), "--out", text(&bundle), &unit])["spaces"],
        2
    );
    let (code, _, words) = finished(&["compact", "--data", text(&data)]);
    assert_eq!(code, Some(2));
    assert!(
        words.contains("on a database server") && words.contains("PostgreSQL"),
        "{words}"
    );
    // Without its configuration it does not begin anew in a file.
    let (code, _, words) = finished(&["serve", "--data", text(&data)]);
    assert_eq!(code, Some(2));
    assert!(words.contains("on a database server"), "{words}");
    // The backup is a file, whatever it was made of.
    let restored = province.dir.path().join("restored");
    let told = json(&["restore", "--data", text(&restored), "--from", text(&backup)]);
    assert_eq!((&told["envelopes"], &told["key"]), (&5.into(), &init["key"]));
}

/// Whether the directory is locked still.
fn json_status(data: &Path) -> bool {
    finished(&["verify", "--data", text(data)]).0 == Some(3)
}

#[tokio::test]
async fn a_relay_moves_from_its_file_to_a_server_and_phones_notice_nothing() {
    let Some(province) = Province::new("the move to a database server") else {
        return;
    };
    let data = province.data("a");
    let relay = Relay::start(&data, &[]);
    let (mut officer, _) = founder(FOUNDER, &grants());
    officer.write_changes(30, 400);
    persist(&mut officer, &relay).await;
    let mut member = Phone::new(MEMBER, officer.roll().unit);
    persist(&mut member, &relay).await;
    let key = relay.start["key"].clone();
    let (code, _, words) = finished(&["move", "--data", text(&data), "--config", text(&province.config)]);
    assert_eq!(code, Some(3), "{words}");
    relay.terminate();
    assert!(relay.wait().await.success());
    // Not by mistake: the phones would find an empty relay.
    let (code, _, words) = finished(&["serve", "--data", text(&data), "--config", text(&province.config)]);
    assert_eq!(code, Some(2));
    assert!(words.contains("sotay-relay move"), "{words}");
    let told = json(&["move", "--data", text(&data), "--config", text(&province.config)]);
    assert_eq!((&told["new"], &told["envelopes"]), (&33.into(), &33.into()));
    assert!(data.join("relay.sqlite.moved").exists() && !data.join("relay.sqlite").exists());
    let (code, _, words) = finished(&["move", "--data", text(&data), "--config", text(&province.config)]);
    assert_eq!(code, Some(2), "{words}");
    let relay = province.node("a");
    assert_eq!(relay.start["key"], key);
    // The member's token still stands for all it has: nothing is sent again.
    let talk = member.sync(&relay).await;
    assert!(talk.caught_up());
    let again = |event: &SessionEvent| matches!(event, SessionEvent::Received { .. });
    assert!(!talk.events.iter().any(again), "{:?}", talk.events);
    assert_eq!(
        relay.metric("sotay_relay_envelopes_total{direction=\"out\"}"),
        0.0
    );
    officer.write_changes(1, 100);
    persist(&mut officer, &relay).await;
}

/// The server reports what it does when a table cannot be extended; the file system is not filled for it.
#[tokio::test]
async fn a_full_disk_of_the_server_is_told_by_every_node_and_heals_by_itself() {
    const FULL: &str = "CREATE FUNCTION sotay.no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
        CREATE TRIGGER no_room BEFORE INSERT ON sotay.envelope EXECUTE FUNCTION sotay.no_room()";
    let Some(province) = Province::new("a full disk of the server") else {
        return;
    };
    let (a, b) = (province.node("a"), province.node("b"));
    let (mut officer, _) = founder(FOUNDER, &grants());
    persist(&mut officer, &a).await;
    let held = a.metric("sotay_relay_storage_bytes{file=\"database\"}");
    assert!(held > 0.0, "what the tables take on the server");
    province.server.sql("sotay1", FULL).unwrap();
    officer.write_changes(3, 300);
    for relay in [&a, &b] {
        let talk = officer.sync(relay).await;
        let Ended::Closed(reason) = talk.ended else {
            panic!("{:?}", talk.ended)
        };
        assert_eq!(reason.code, CloseCode::Storage);
        assert!(reason.retry_after.is_some_and(|seconds| seconds > 0));
        let told = talk.events.iter().any(acked(&officer, 1));
        assert!(!told, "{:?}", talk.events);
        let (code, words) = relay.page("/readyz");
        assert_eq!((code, words.trim()), (503, "the disk is full"));
    }
    // They still hand out what there is.
    let mut secretary = Phone::new(SECRETARY, officer.roll().unit);
    secretary.sync(&b).await;
    assert_eq!(
        secretary.frontier(&officer.roll()),
        officer.frontier(&officer.roll())
    );
    let enlarged = "DROP TRIGGER no_room ON sotay.envelope";
    province.server.sql("sotay1", enlarged).unwrap();
    persist(&mut officer, &a).await;
    persist(&mut secretary, &a).await;
    Province::await_ready(&a, true).await;
    assert_eq!(secretary.frontier(&officer.main()).get(officer.keys.id()), 3);
}

#[tokio::test]
async fn a_disk_of_the_server_that_is_really_full_is_told_and_heals_once_there_is_room_without_a_restart() {
    const MIB: u64 = 1 << 20;
    let Some(server) = server::for_test_on_a_small_disk("a server's full disk", 32 * MIB) else {
        return;
    };
    let small = server.small_disk();
    let place = format!("CREATE TABLESPACE small LOCATION '{}'", small.display());
    server.sql("postgres", &place).unwrap();
    server
        .sql("postgres", "CREATE DATABASE cramped TABLESPACE small")
        .unwrap();
    let url = server.url("cramped");
    let province = Province::on(server, &url, "bytes-per-day = 100000000\n");
    let relay = province.node("a");
    let (mut officer, _) = founder(FOUNDER, &grants());
    persist(&mut officer, &relay).await;
    // Somebody else's file leaves it little room.
    province.server.fill_small_disk(22 * MIB).unwrap();
    officer.write_changes(1900, 4000);
    let talk = officer.sync(&relay).await;
    let Ended::Closed(reason) = talk.ended else {
        panic!("{:?}", talk.ended)
    };
    assert_eq!(reason.code, CloseCode::Storage);
    assert!(reason.retry_after.is_some_and(|seconds| seconds > 0));
    let (code, words) = relay.page("/readyz");
    assert_eq!((code, words.trim()), (503, "the disk is full"));
    assert!(!talk.events.iter().any(acked(&officer, 1900)));
    // What was acknowledged is handed out meanwhile.
    let mut secretary = Phone::new(SECRETARY, officer.roll().unit);
    secretary.sync(&relay).await;
    let held = secretary.frontier(&officer.main()).get(officer.keys.id());
    assert!(talk.events.iter().all(|event| !acked(&officer, held + 1)(event)));
    province.server.fill_small_disk(0).unwrap();
    persist(&mut officer, &relay).await;
    Province::await_ready(&relay, true).await;
    persist(&mut secretary, &relay).await;
    assert_eq!(secretary.frontier(&officer.main()).get(officer.keys.id()), 1900);
}

/// How many changes of the officer the database holds, as a phone finds that reads at this node.
async fn held(officer: &Phone, relay: &Relay) -> u64 {
    let mut reader = Phone::new(SECRETARY, officer.roll().unit);
    persist(&mut reader, relay).await;
    reader.frontier(&officer.main()).get(officer.keys.id())
}

#[tokio::test]
async fn each_node_counts_a_phones_quota_for_itself_and_nobody_gets_more_than_that_times_the_nodes() {
    let limits = "envelopes-at-once = 20\nenvelopes-per-hour = 1\n";
    let Some(province) = Province::with_limits("quotas of nodes", limits) else {
        return;
    };
    let (a, b) = (province.node("a"), province.node("b"));
    let (mut officer, grants) = founder(FOUNDER, &grants());
    officer.write_changes(60, 100);
    // The genesis and the grants are envelopes too.
    let roll = 1 + grants.len() as u64;
    for (relay, expected) in [(&a, 20 - roll), (&b, 40 - roll), (&a, 40 - roll), (&b, 40 - roll)] {
        officer.sync(relay).await;
        assert_eq!(held(&officer, relay).await, expected);
    }
}

#[tokio::test]
async fn the_room_of_a_space_is_counted_once_for_all_nodes() {
    let Some(province) = Province::with_limits("the room of a space", "space-bytes = 100000\n") else {
        return;
    };
    let (a, b) = (province.node("a"), province.node("b"));
    let (mut officer, _) = founder(FOUNDER, &grants());
    officer.write_changes(60, 3000);
    officer.sync(&a).await;
    let full = held(&officer, &a).await;
    assert!((20..34).contains(&full), "{full}");
    for relay in [&b, &a] {
        officer.sync(relay).await;
        assert_eq!(held(&officer, relay).await, full);
    }
}

#[tokio::test]
async fn an_older_relay_on_a_newer_database_and_a_missing_server_are_refused_in_words() {
    let Some(mut province) = Province::new("a newer database") else {
        return;
    };
    let data = province.data("a");
    province.node("a").kill();
    province
        .server
        .sql("sotay1", "UPDATE sotay.database SET version = 9")
        .unwrap();
    let serve = || finished(&["serve", "--data", text(&data), "--config", text(&province.config)]);
    let (code, _, words) = serve();
    assert_eq!(code, Some(7), "{words}");
    assert!(
        words.contains("version 9") && words.contains("newer version"),
        "{words}"
    );
    assert!(!words.contains("user="), "{words}");
    province.server.stop().unwrap();
    let (code, _, words) = serve();
    assert_eq!(code, Some(6), "{words}");
    assert!(words.contains("does not answer"), "{words}");
    let (code, _, words) = finished(&["units", "--data", text(&data)]);
    assert_eq!(code, Some(6), "{words}");
}
