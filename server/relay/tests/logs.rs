//! What a relay says of its phones to its operator's tools: how many, how, and never who or what.

mod common;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;

use common::{FOUNDER, MEMBER, Phone, Relay, SECRETARY, STRANGER, finished, founder, grants, json, revoke};
use sotay_feed::UnitId;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// An evening with everything that is worth a line: syncs, refusals, a fault, a block, reloads, a stop.
#[tokio::test]
async fn log_and_metrics_name_nobody_and_the_log_is_json_where_that_is_asked_for() {
    const WORDS: &[u8] = b"the branch resolved to mend the dyke";
    let dir = tempfile::tempdir().unwrap();
    let (data, config, log) = (
        dir.path().join("data"),
        dir.path().join("relay.toml"),
        dir.path().join("log"),
    );
    fs::write(&config, "log = \"json\"\n[limits]\nenvelopes-at-once = 6\n").unwrap();
    let mut command = common::program();
    command
        .env_remove("SOTAY_LOG")
        .stderr(File::create(&log).unwrap());
    let relay = Relay::start_by(command, &data, &["--config", text(&config)]);
    let (mut founder, granted) = founder(FOUNDER, &grants());
    let unit = founder.roll().unit;
    founder.write(founder.main(), sotay_feed::Kind::CHANGE, WORDS);
    founder.write_changes(9, 100);
    founder.sync(&relay).await;
    let mut member = Phone::new(MEMBER, unit);
    member.sync(&relay).await;
    let stranger = Phone::new(STRANGER, UnitId::from_bytes([7; 32]));
    let mut link = stranger.connect(&relay).await.unwrap();
    link.send(b"nonsense"[..].into()).await.unwrap();
    while let Ok(Some(_)) = common::within(link.recv()).await {}
    Phone::new(STRANGER, unit).sync(&relay).await;
    revoke(&mut founder, &granted[1]);
    let device = founder.keys.id().to_string();
    json(&["quota", "--data", text(&data), "--forgive", &device]);
    founder.sync(&relay).await;
    member.sync(&relay).await;
    for (command, target) in [
        ("block", &device),
        ("allow", &device),
        ("block", &unit.to_string()),
    ] {
        json(&[command, "--data", text(&data), target]);
    }
    founder.sync(&relay).await;
    fs::write(&config, format!("allow = [\"{unit}\", 5]\n")).unwrap();
    relay.reload();
    let until = std::time::Instant::now() + common::DEFECT;
    while !fs::read_to_string(&log)
        .unwrap()
        .contains("the configuration is wrong")
    {
        assert!(std::time::Instant::now() < until, "the reload is not told");
    }
    let metrics = relay.page("/metrics").1;
    relay.terminate();
    assert!(relay.wait().await.success());

    let log = fs::read_to_string(&log).unwrap();
    let mut lines = 0;
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        assert!(
            line["level"].is_string() && line["fields"]["message"].is_string(),
            "{line}"
        );
        lines += 1;
    }
    assert!(lines >= 3, "{log}");
    let phones = [FOUNDER, SECRETARY, MEMBER, STRANGER];
    let mut secrets: Vec<String> = phones.map(|number| common::member(number).to_string()).into();
    secrets.extend(phones.map(|number| Phone::new(number, unit).keys.id().to_string()));
    secrets.extend([
        unit.to_string(),
        founder.main().id().to_string(),
        "127.0.0.1".into(),
        "dyke".into(),
    ]);
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret} in {log}");
        assert!(!metrics.contains(&secret), "{secret} in {metrics}");
    }
}

#[tokio::test]
async fn every_command_answers_in_json_where_that_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let (data, config) = (dir.path().join("data"), dir.path().join("relay.toml"));
    fs::write(&config, "[retention]\nprune = \"signed\"\n").unwrap();
    let told = json(&["init", "--data", text(&data)]);
    let relay = Relay::start(&data, &["--config", text(&config)]);
    assert_eq!(relay.start["key"], told["key"]);
    let (mut founder, _) = founder(FOUNDER, &grants());
    founder.sync(&relay).await;
    let (unit, device) = (founder.roll().unit.to_string(), founder.keys.id().to_string());
    let (kept, new, out) = (
        dir.path().join("kept"),
        dir.path().join("new"),
        dir.path().join("out"),
    );
    let (data, mut asked) = (text(&data), BTreeSet::new());
    for (args, of) in [
        (&["status"][..], "ready"),
        (&["units"], "units"),
        (&["devices", &unit], "devices"),
        (&["spaces"], "spaces"),
        (&["quota", &device], "used"),
        (&["block"], "blocked_devices"),
        (&["allow"], "blocked_units"),
        (&["web"], "path"),
        (&["prune", "--dry-run"], "dry"),
        (&["prune"], "envelopes"),
        (&["backup", "--to", text(&kept), "--with-key"], "new"),
        (&["doctor", "--config", text(&config)], "findings"),
    ] {
        asked.insert(args[0].to_owned());
        let told = json(&[&args[..1], &["--data", data], &args[1..]].concat());
        assert!(!told[of].is_null(), "{args:?}: {told}");
    }
    relay.terminate();
    assert!(relay.wait().await.success());
    for (args, of) in [
        (&["verify"][..], "whole"),
        (&["compact"], "envelopes"),
        (&["export", &unit, "--out", text(&out)], "bytes"),
        (&["prune", "--config", text(&config)], "spaces"),
    ] {
        asked.insert(args[0].to_owned());
        let told = json(&[&args[..1], &["--data", data], &args[1..]].concat());
        assert!(!told[of].is_null(), "{args:?}: {told}");
    }
    let told = json(&["restore", "--data", text(&new), "--from", text(&kept)]);
    assert!(!told["key"].is_null());
    // None is forgotten: the list is the program's own. `move` and `bench` are asked with it in other files.
    let help = finished(&["--help"]).1;
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let commands = commands
        .lines()
        .map_while(|line| line.strip_prefix("  ")?.split(' ').next());
    let elsewhere = ["init", "serve", "restore", "move", "bench", "help"];
    for command in commands {
        assert!(
            asked.contains(command) || elsewhere.contains(&command),
            "{command}"
        );
    }
}
