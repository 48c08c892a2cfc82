//! What an operator does to a running relay, and to its backups.

mod common;

use std::fs;
use std::path::Path;

use common::{FOUNDER, MEMBER, Phone, Relay, SECRETARY, finished, founder, grants, json};
use sotay_feed::DeviceId;
use sotay_store::{Bucket, Store};
use sotay_sync::{DenyReason, RefuseReason, SessionEvent, two_histories};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test]
async fn units_devices_and_spaces_are_told_while_it_runs_and_when_it_is_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let relay = Relay::start(dir.path(), &[]);
    let (mut founder, _) = founder(FOUNDER, &grants());
    founder.write_changes(3, 100);
    assert!(founder.sync(&relay).await.caught_up());
    relay.await_metric("sotay_relay_sessions", 0.0).await;
    let unit = founder.roll().unit.to_string();
    let look = || {
        let units = json(&["units", "--data", text(dir.path())]);
        let line = &units["units"][0];
        assert_eq!(line["unit"], unit.as_str());
        assert_eq!(line["envelopes"], 6);
        assert_eq!(line["up_to_date"], 1, "{line}");
        assert!(line["seen"].as_i64().unwrap() > 0);
        let devices = json(&["devices", "--data", text(dir.path()), &unit]);
        let devices = devices["devices"].as_array().unwrap().clone();
        assert_eq!(devices.len(), 3);
        assert!(devices.iter().all(|device| device["state"] == "active"));
        let spaces = json(&["spaces", "--data", text(dir.path())]);
        assert_eq!(spaces["spaces"].as_array().unwrap().len(), 2);
    };
    look();
    let (code, out, _) = finished(&["units", "--data", text(dir.path())]);
    assert_eq!(code, Some(0));
    assert!(out.starts_with("unit") && out.contains(&unit), "{out}");
    assert_eq!(
        finished(&["devices", "--data", text(dir.path()), "abc"]).0,
        Some(1)
    );
    relay.terminate();
    assert!(relay.wait().await.success());
    look();
}

#[tokio::test]
async fn a_blocked_unit_is_not_served_until_it_is_allowed_again_even_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let relay = Relay::start(dir.path(), &[]);
    let (mut founder, _) = founder(FOUNDER, &grants());
    founder.sync(&relay).await;
    let unit = founder.roll().unit.to_string();
    let told = json(&["block", "--data", text(dir.path()), &unit]);
    assert_eq!(told["blocked_units"][0], unit.as_str());
    relay.terminate();
    assert!(relay.wait().await.success());
    let relay = Relay::start(dir.path(), &[]);
    founder.write_changes(1, 100);
    let talk = founder.sync(&relay).await;
    let denied = |event: &SessionEvent| {
        matches!(
            event,
            SessionEvent::PeerRefusedSpace {
                reason: DenyReason::NotServed,
                ..
            }
        )
    };
    assert!(talk.events.iter().any(denied), "{:?}", talk.events);
    json(&["allow", "--data", text(dir.path()), &unit]);
    assert!(founder.sync(&relay).await.caught_up());
    assert_eq!(
        relay.metric("sotay_relay_envelopes_committed_total{outcome=\"stored\"}"),
        1.0
    );
}

#[tokio::test]
async fn a_configuration_sets_limits_and_is_read_again_without_ending_sessions() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("relay.toml");
    fs::write(
        &config,
        "[limits]\nenvelopes-at-once = 4\nenvelopes-per-hour = 1\n",
    )
    .unwrap();
    let data = dir.path().join("data");
    let relay = Relay::start(&data, &["--config", text(&config)]);
    let (mut founder, _) = founder(FOUNDER, &grants());
    founder.write_changes(2, 100);
    let talk = founder.sync(&relay).await;
    let refused = |event: &SessionEvent| matches!(event, SessionEvent::Refused { reason: RefuseReason::Quota { retry_after }, .. } if *retry_after > 3000);
    // Three records of the roll and one change fit; one envelope more does not.
    assert!(talk.events.iter().any(refused), "{:?}", talk.events);
    let device: DeviceId = founder.keys.id();
    let used = json(&["quota", "--data", text(&data), &device.to_string()]);
    assert_eq!(used["used"]["envelopes"], 4);
    assert_eq!(used["used"]["envelopes_max"], 4);
    // A mistake changes nothing.
    fs::write(&config, "[limits]\nenvelopes-at-onc = 400\n").unwrap();
    relay.reload();
    fs::write(&config, "[limits]\nenvelopes-at-once = 400\n").unwrap();
    relay.reload();
    let until = std::time::Instant::now() + common::DEFECT;
    while json(&["quota", "--data", text(&data), &device.to_string()])["used"]["envelopes_max"] != 400 {
        assert!(
            std::time::Instant::now() < until,
            "the configuration was not read again"
        );
        relay.reload();
    }
    assert!(founder.sync(&relay).await.caught_up());
    assert_eq!(
        relay.metric("sotay_relay_envelopes_committed_total{outcome=\"stored\"}"),
        5.0
    );
}

#[tokio::test]
async fn the_service_manager_is_told_when_phones_are_served_and_when_that_ends() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("notify");
    let manager = std::os::unix::net::UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(common::DEFECT)).unwrap();
    let hears = |state: &str| {
        let mut bytes = [0; 64];
        let len = manager.recv(&mut bytes).unwrap();
        assert_eq!(&bytes[..len], state.as_bytes());
    };
    let mut command = common::program();
    command.env("NOTIFY_SOCKET", &socket);
    let relay = Relay::start_by(command, &dir.path().join("data"), &[]);
    // A stop or a reload may come the moment it is told: one that nobody catches would end it as a kill does.
    let caught = |signals: &[u32]| {
        let status = fs::read_to_string(format!("/proc/{}/status", relay.start["pid"])).unwrap();
        let mask = status
            .lines()
            .find_map(|line| line.strip_prefix("SigCgt:\t"))
            .unwrap();
        let mask = u64::from_str_radix(mask, 16).unwrap();
        signals.iter().all(|signal| mask & (1 << (signal - 1)) != 0)
    };
    assert!(caught(&[1, 2, 15]));
    hears("READY=1");
    assert_eq!(relay.page("/readyz").0, 200);
    relay.terminate();
    hears("STOPPING=1");
    assert!(relay.wait().await.success());
}

#[test]
fn a_wrong_configuration_is_told_with_file_line_and_key_and_nothing_is_served() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("relay.toml");
    fs::write(&config, "# ours\n[limits]\nspace-byte = 1\n").unwrap();
    let data = dir.path().join("data");
    let (code, out, error) = finished(&["serve", "--data", text(&data), "--config", text(&config)]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(
        error.contains("relay.toml, line 3, limits.space-byte: unknown field"),
        "{error}"
    );
    assert!(!data.exists());
    assert_eq!(finished(&["serve"]).0, Some(2));
}

/// The backup drill: hot, then only what is new, then restored; phones that hold newer records hand them over.
#[tokio::test]
async fn a_restored_backup_gets_from_the_phones_what_it_lacks() {
    let dir = tempfile::tempdir().unwrap();
    let (data, kept, new) = (
        dir.path().join("data"),
        dir.path().join("kept"),
        dir.path().join("new"),
    );
    let relay = Relay::start(&data, &[]);
    let (mut founder, _) = founder(FOUNDER, &grants());
    let unit = founder.roll().unit;
    founder.write_changes(700, 50);
    assert!(founder.sync(&relay).await.caught_up());
    let backup = ["backup", "--data", text(&data), "--to", text(&kept)];
    let told = json(&backup);
    assert_eq!((&told["new"], &told["envelopes"]), (&703.into(), &703.into()));
    let mut secretary = Phone::new(SECRETARY, unit);
    secretary.sync(&relay).await;
    secretary.write_changes(2, 50);
    secretary.sync(&relay).await;
    let told = json(&backup);
    assert_eq!((&told["new"], &told["envelopes"]), (&2.into(), &705.into()));
    assert_eq!(json(&backup)["new"], 0);
    // After the last backup: the founder writes, and the secretary has it from the relay before the machine is lost.
    founder.write_changes(5, 50);
    founder.sync(&relay).await;
    secretary.sync(&relay).await;
    secretary.write_changes(1, 50);
    secretary.sync(&relay).await;
    let address = relay.address();
    relay.kill();

    // Without the key nothing is restored; with it the phones know the relay again.
    let restore = ["restore", "--data", text(&new), "--from", text(&kept)];
    let (code, _, error) = finished(&restore);
    assert_eq!(code, Some(5), "{error}");
    assert!(error.contains("key"), "{error}");
    fs::copy(data.join("relay.key"), new.join("relay.key")).unwrap();
    assert_eq!(json(&restore)["envelopes"], 705);
    let (code, _, error) = finished(&restore);
    assert_eq!(code, Some(5));
    assert!(error.contains("nothing was overwritten"), "{error}");

    let relay = Relay::start(&new, &[]);
    assert_eq!(relay.address().key(), address.key());
    // A phone that wrote nothing meanwhile, and others that did: the order of arrival is another one now.
    let mut member = Phone::new(MEMBER, unit);
    member.sync(&relay).await;
    member.write_changes(1, 50);
    assert!(member.sync(&relay).await.caught_up());
    for phone in [&mut secretary, &mut founder, &mut member] {
        assert!(phone.sync(&relay).await.caught_up());
    }
    secretary.sync(&relay).await;
    let main = founder.main();
    member.sync(&relay).await;
    founder.sync(&relay).await;
    for phone in [&secretary, &member] {
        assert_eq!(phone.frontier(&main), founder.frontier(&main));
    }
    assert_eq!(founder.frontier(&main).get(founder.keys.id()), 705);
    assert_eq!(founder.frontier(&main).get(secretary.keys.id()), 3);
    // Both relays signed where they stood, and nobody takes the restored one for a liar.
    for phone in [&founder, &secretary, &member] {
        let store = phone.replica.store();
        assert!(!store.list(Bucket::Checkpoint, b"c").unwrap().is_empty());
        assert_eq!(two_histories(store).unwrap(), []);
    }
    relay.terminate();
    assert!(relay.wait().await.success());
    assert_eq!(json(&["verify", "--data", text(&new)])["envelopes"], 712);

    // The restored relay goes another way than the lost one: its backups are not mixed.
    let (code, _, error) = finished(&["backup", "--data", text(&new), "--to", text(&kept)]);
    assert_eq!(code, Some(5));
    assert!(error.contains("another database"), "{error}");
    let afresh = dir.path().join("afresh");
    let told = json(&["backup", "--data", text(&new), "--to", text(&afresh)]);
    assert_eq!(told["envelopes"], 712);
}

/// The relay was lost with everything but its key: another database identity, and the phones fill it again.
#[tokio::test]
async fn phones_fill_a_relay_that_was_made_anew_with_the_old_key() {
    let dir = tempfile::tempdir().unwrap();
    let (data, new) = (dir.path().join("data"), dir.path().join("new"));
    let relay = Relay::start(&data, &[]);
    let (mut founder, _) = founder(FOUNDER, &grants());
    founder.write_changes(20, 50);
    founder.sync(&relay).await;
    let mut secretary = Phone::new(SECRETARY, founder.roll().unit);
    secretary.sync(&relay).await;
    secretary.write_changes(2, 50);
    assert!(secretary.sync(&relay).await.caught_up());
    relay.kill();
    fs::create_dir(&new).unwrap();
    fs::copy(data.join("relay.key"), new.join("relay.key")).unwrap();
    let relay = Relay::start(&new, &[]);
    // The founder's phone is broken; the secretary's alone gives everything back, the roll included.
    assert!(secretary.sync(&relay).await.caught_up());
    assert_eq!(
        relay.metric("sotay_relay_envelopes_committed_total{outcome=\"stored\"}"),
        25.0
    );
}

#[tokio::test]
async fn compact_and_export_leave_everything_whole() {
    let dir = tempfile::tempdir().unwrap();
    let relay = Relay::start(dir.path(), &[]);
    let (mut founder, _) = founder(FOUNDER, &grants());
    founder.write_changes(50, 200);
    founder.sync(&relay).await;
    let unit = founder.roll().unit.to_string();
    let (code, _, error) = finished(&["compact", "--data", text(dir.path())]);
    assert_eq!(code, Some(3), "{error}");
    relay.terminate();
    assert!(relay.wait().await.success());
    assert_eq!(json(&["compact", "--data", text(dir.path())])["envelopes"], 53);
    assert_eq!(json(&["verify", "--data", text(dir.path())])["envelopes"], 53);
    let out = dir.path().join("unit.sotay");
    let export = ["export", "--data", text(dir.path()), &unit, "--out", text(&out)];
    assert_eq!(json(&export)["spaces"], 2);
    let bytes = fs::read(&out).unwrap();
    let mut phone = Phone::new(SECRETARY, founder.roll().unit);
    let bundle = sotay_sync::bundle::read(&bytes).unwrap();
    sotay_sync::bundle::import(&mut phone.replica, bundle).unwrap();
    assert_eq!(phone.frontier(&founder.main()), founder.frontier(&founder.main()));
    let (code, _, error) = finished(&export);
    assert_eq!(code, Some(5), "an existing file is not overwritten");
    assert!(
        error.contains("unit.sotay is there already; nothing was overwritten"),
        "{error}"
    );
    let nowhere = dir.path().join("nowhere").join("unit.sotay");
    let (code, _, error) = finished(&[
        "export",
        "--data",
        text(dir.path()),
        &unit,
        "--out",
        text(&nowhere),
    ]);
    assert_eq!(code, Some(5));
    assert!(
        error.contains("cannot be written") && error.contains("--out"),
        "{error}"
    );
    // The relay goes on where it was: the phone's token is still good.
    let relay = Relay::start(dir.path(), &[]);
    assert!(founder.sync(&relay).await.caught_up());
}

#[tokio::test]
async fn doctor_names_what_is_wrong_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let relay = Relay::start(dir.path(), &[]);
    let args = [
        "doctor",
        "--data",
        text(dir.path()),
        "--public",
        "127.0.0.1",
        "--json",
    ];
    let (code, out, error) = finished(&args);
    assert_eq!(code, Some(0), "{out}{error}");
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    let verdict = |check: &str| {
        let findings = told["findings"].as_array().unwrap();
        let found = findings.iter().find(|finding| finding["check"] == check);
        found.unwrap_or_else(|| panic!("{check} in {out}"))["verdict"].clone()
    };
    for check in [
        "clock",
        "open files",
        "key",
        "relay",
        "clock and records",
        "reachability",
    ] {
        assert_eq!(verdict(check), "ok", "{check}");
    }
    relay.kill();
    fs::write(
        dir.path().join("relay.sqlite"),
        b"this is not a database at all".repeat(300),
    )
    .unwrap();
    let config = dir.path().join("relay.toml");
    fs::write(&config, "port = 5\nlisten = \"127.0.0.1:0\"\n").unwrap();
    let (code, out, _) = finished(&["doctor", "--data", text(dir.path()), "--config", text(&config)]);
    assert_eq!(code, Some(9));
    assert!(
        out.contains("FAIL  configuration: ") && out.contains("line 1, port"),
        "{out}"
    );
    assert!(out.contains("FAIL  database: "), "{out}");
}
