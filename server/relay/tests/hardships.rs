//! A full disk, one that cannot be written, and a database of another time.

mod common;

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::{
    Ended, FOUNDER, Phone, Relay, SECRETARY, STRANGER, device, finished, founder, grants, json, program,
};
use sotay_store::Store;
use sotay_sync::{CloseCode, SessionEvent};

#[tokio::test]
async fn on_a_full_disk_phones_are_told_to_wait_and_nothing_acknowledged_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let (data, config) = (dir.path().join("data"), dir.path().join("relay.toml"));
    // The smallest limit that the configuration takes stands for the end of the disk.
    fs::write(&config, "[limits]\ndatabase-bytes = 1048576\n").unwrap();
    let relay = Relay::start(&data, &["--config", config.to_str().unwrap()]);
    let (mut founder, _) = founder(FOUNDER, &grants());
    founder.write_changes(1900, 1500);
    let talk = founder.sync(&relay).await;
    let Ended::Closed(reason) = talk.ended else {
        panic!("{:?}", talk.ended)
    };
    assert_eq!(reason.code, CloseCode::Storage);
    assert!(reason.retry_after.is_some_and(|seconds| seconds > 0));
    let (main, device) = (founder.main(), founder.keys.id());
    let acked = talk.events.iter().filter_map(|event| match event {
        SessionEvent::Acked { space, frontier } if *space == main => Some(frontier.get(device)),
        _ => None,
    });
    let acked = acked.max().unwrap_or(0);
    assert!(acked < 1900);
    let (code, words) = relay.page("/readyz");
    assert_eq!((code, words.trim()), (503, "the disk is full"));
    // It still hands out what it has.
    let mut secretary = Phone::new(SECRETARY, founder.roll().unit);
    secretary.sync(&relay).await;
    assert!(secretary.frontier(&main).get(device) >= acked);
    relay.terminate();
    assert!(relay.wait().await.success());
    // The disk was enlarged.
    let relay = Relay::start(&data, &[]);
    assert!(founder.sync(&relay).await.caught_up());
    assert!(secretary.sync(&relay).await.caught_up());
    assert_eq!(secretary.frontier(&main).get(device), 1900);
    assert_eq!(secretary.replica.store().head(&main.id()).unwrap().number, 1900);
}

/// The relay's program in a mount namespace of its own, after `prepare` was run there with the data directory as `$0`.
/// `None` where this user may not do that: only root can.
fn mounted(prepare: &str, data: &Path) -> Option<Command> {
    let may = Command::new("unshare").args(["--mount", "true"]).status();
    if !may.is_ok_and(|status| status.success()) {
        assert!(std::env::var_os("CI").is_none(), "unshare --mount needs root");
        eprintln!("not run: this user may not mount");
        return None;
    }
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--propagation", "private", "sh", "-c"])
        .arg(format!("{prepare} && exec \"$@\""))
        .arg(data)
        .arg(program().get_program())
        .stdin(Stdio::null());
    Some(command)
}

#[tokio::test]
async fn a_disk_that_is_really_full_is_told_and_phones_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let Some(command) = mounted("mount -t tmpfs -o size=6m none \"$0\"", dir.path()) else {
        return;
    };
    let relay = Relay::start_by(command, dir.path(), &[]);
    let (mut founder, _) = founder(FOUNDER, &grants());
    founder.write_changes(1900, 4000);
    let talk = founder.sync(&relay).await;
    let Ended::Closed(reason) = talk.ended else {
        panic!("{:?}", talk.ended)
    };
    assert_eq!(reason.code, CloseCode::Storage);
    assert!(reason.retry_after.is_some_and(|seconds| seconds > 0));
    let (code, words) = relay.page("/readyz");
    assert_eq!((code, words.trim()), (503, "the disk is full"));
    relay.terminate();
    assert!(relay.wait().await.success());
    // What was refused is on the phone still.
    assert_eq!(founder.frontier(&founder.main()).get(founder.keys.id()), 1900);
}

#[test]
fn a_data_directory_on_a_read_only_disk_is_told_with_its_exit_code() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    json(&["init", "--data", data]);
    let before = fs::read(dir.path().join("relay.sqlite")).unwrap();
    let prepare = "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\"";
    let Some(mut command) = mounted(prepare, dir.path()) else {
        return;
    };
    let serve = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--http",
        "127.0.0.1:0",
        "--data",
        data,
    ];
    let output = command.args(serve).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(5), "{error}");
    assert!(error.to_lowercase().contains("read-only"), "{error}");
    assert_eq!(fs::read(dir.path().join("relay.sqlite")).unwrap(), before);
}

#[test]
fn root_writes_nothing_into_a_directory_that_is_the_services() {
    /// Nobody, on Debian and elsewhere.
    const OTHER: u32 = 65534;
    let dir = tempfile::tempdir().unwrap();
    if std::os::unix::fs::chown(dir.path(), Some(OTHER), Some(OTHER)).is_err() {
        assert!(std::env::var_os("CI").is_none(), "chown needs root");
        return eprintln!("not run: this user may not give a directory away");
    }
    let data = dir.path().join("relay");
    let (code, out, error) = finished(&["init", "--data", data.to_str().unwrap()]);
    assert_eq!((code, out.as_str()), (Some(5), ""), "{error}");
    assert!(
        error.contains("belongs to user 65534") && error.contains("runuser"),
        "{error}"
    );
    assert!(!data.exists());
    let output = program()
        .args(["init", "--data", data.to_str().unwrap()])
        .uid(OTHER)
        .gid(OTHER)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let before = fs::read(data.join("relay.sqlite")).unwrap();
    let (code, _, error) = finished(&["compact", "--data", data.to_str().unwrap()]);
    assert_eq!(code, Some(5), "{error}");
    assert_eq!(fs::read(data.join("relay.sqlite")).unwrap(), before);
    // What only looks is root's affair too.
    json(&["verify", "--data", data.to_str().unwrap()]);
}

#[test]
fn a_newer_database_is_refused_in_words_and_left_as_it_is() {
    /// Where SQLite keeps `user_version`.
    const USER_VERSION: std::ops::Range<usize> = 60..64;
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    json(&["init", "--data", data]);
    let database = dir.path().join("relay.sqlite");
    let mut bytes = fs::read(&database).unwrap();
    bytes[USER_VERSION].copy_from_slice(&999u32.to_be_bytes());
    fs::write(&database, &bytes).unwrap();
    for args in [
        &[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--http",
            "127.0.0.1:0",
            "--data",
            data,
        ][..],
        &["units", "--data", data],
    ] {
        let (code, out, error) = finished(args);
        assert_eq!((code, out.as_str()), (Some(7), ""), "{error}");
        assert!(
            error.contains("version 999") && error.contains("newer version of sotay-relay"),
            "{error}"
        );
        assert_eq!(fs::read(&database).unwrap(), bytes);
    }
}

/// A relay's database as version 0.1 wrote it: one unit, five changes of its founder, and a blocked device.
fn first_release() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/relay-0.1.sqlite")
}

#[tokio::test]
async fn a_database_of_the_first_release_is_served_where_it_lies() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    json(&["init", "--data", data]);
    fs::copy(first_release(), dir.path().join("relay.sqlite")).unwrap();
    assert_eq!(json(&["verify", "--data", data])["envelopes"], 8);
    let relay = Relay::start(dir.path(), &[]);
    let (mut founder, _) = founder(FOUNDER, &grants());
    let mut secretary = Phone::new(SECRETARY, founder.roll().unit);
    assert!(secretary.sync(&relay).await.caught_up());
    assert_eq!(secretary.frontier(&secretary.main()).get(founder.keys.id()), 5);
    secretary.write_changes(1, 100);
    assert!(secretary.sync(&relay).await.caught_up());
    // The founder has a new phone storage and gets its own writing back.
    assert!(founder.sync(&relay).await.caught_up());
    assert_eq!(
        founder.frontier(&founder.main()),
        secretary.frontier(&founder.main())
    );
    let blocked = json(&["block", "--data", data]);
    assert_eq!(
        blocked["blocked_devices"][0],
        device(STRANGER).id().to_string().as_str()
    );
    let units = json(&["units", "--data", data]);
    assert!(units["units"][0]["seen"].as_i64().unwrap() > 0);
}

#[tokio::test]
#[ignore = "makes the fixture of this version; run once before its release"]
async fn make_the_database_of_the_first_release() {
    assert!(!first_release().exists(), "a released fixture is never made anew");
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let relay = Relay::start(dir.path(), &[]);
    let (mut founder, _) = founder(FOUNDER, &grants());
    founder.write_changes(5, 300);
    assert!(founder.sync(&relay).await.caught_up());
    json(&["block", "--data", data, &device(STRANGER).id().to_string()]);
    relay.terminate();
    assert!(relay.wait().await.success());
    fs::create_dir_all(first_release().parent().unwrap()).unwrap();
    fs::copy(dir.path().join("relay.sqlite"), first_release()).unwrap();
}
