//! `kill -9` under load, and of the operator's commands. `sotay-relay bench kill` does fifty rounds and prints recovery times.

mod common;

use std::process::Stdio;
use std::time::Duration;

use common::{FOUNDER, Relay, founder, grants, json};

#[test]
fn every_acknowledged_envelope_is_there_after_three_kills_under_load() {
    three_kills("sqlite");
}

#[test]
fn every_acknowledged_envelope_is_there_after_three_kills_under_load_over_a_database_server() {
    if sotay_postgres::server::for_test("kills of a relay over PostgreSQL").is_some() {
        three_kills("postgres");
    }
}

fn three_kills(store: &str) {
    let told = json(&["bench", "kill", "--rounds", "3", "--store", store]);
    assert_eq!((&told["kills"], &told["lost"]), (&3.into(), &0.into()));
    assert!(told["acknowledged"].as_u64().unwrap() > 0, "{told}");
    assert!(
        told["pushes interrupted"].as_u64().unwrap() > 0,
        "the kills came in the middle: {told}"
    );
}

/// The operator's machine may lose its power too. Each command is killed at many moments and run again; nothing it leaves
/// behind stands in its way, and in the end everything is there.
#[tokio::test]
async fn commands_that_are_killed_at_any_moment_are_run_again_and_lose_nothing() {
    const ENVELOPES: u64 = 1500 + 3;
    let dir = tempfile::tempdir().unwrap();
    let place = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (data, kept) = (place("data"), place("kept"));
    let relay = Relay::start(data.as_ref(), &[]);
    let (mut founder, _) = founder(FOUNDER, &grants());
    founder.write_changes(1500, 300);
    assert!(founder.sync(&relay).await.caught_up());
    let mut killed = 0;
    let mut insist = |args: &[&str]| {
        // Longer and longer, until it gets to its end.
        for pause in 0.. {
            let mut child = common::program()
                .args(args)
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            std::thread::sleep(Duration::from_millis(7 * pause));
            let ended = child.try_wait().unwrap();
            if let Some(status) = ended {
                // Killed between the last step of a restore and its words, it had come to its end; what is there is looked at
                // below.
                let whole =
                    args[0] == "restore" && std::path::Path::new(args[2]).join("relay.sqlite").exists();
                assert!(
                    status.success() || (pause > 0 && whole),
                    "{args:?} after {pause} kills"
                );
                return;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            killed += 1;
        }
    };
    insist(&["backup", "--data", &data, "--to", &kept, "--with-key"]);
    // A phone goes on meanwhile.
    founder.write_changes(10, 300);
    assert!(founder.sync(&relay).await.caught_up());
    relay.kill();
    let new = place("new");
    insist(&["restore", "--data", &new, "--from", &kept]);
    assert_eq!(json(&["verify", "--data", &new])["envelopes"], ENVELOPES);
    insist(&["compact", "--data", &data]);
    insist(&["verify", "--data", &data]);
    insist(&["backup", "--data", &data, "--to", &kept]);
    assert_eq!(json(&["verify", "--data", &data])["envelopes"], ENVELOPES + 10);
    assert_eq!(
        json(&["backup", "--data", &data, "--to", &kept])["envelopes"],
        ENVELOPES + 10
    );
    let relay = Relay::start(new.as_ref(), &[]);
    assert!(founder.sync(&relay).await.caught_up());
    assert!(killed > 5, "{killed}");
}
