//! What the operator sees when something is wrong: a message, a next action and an exit code for each.

mod common;

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use common::{Relay, finished, founder};
use sotay_store::Store;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn serve(data: &Path, more: &[&str]) -> (Option<i32>, String) {
    let mut args = vec!["serve", "--data", text(data)];
    args.extend(
        ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]
            .iter()
            .filter(|_| more.is_empty()),
    );
    args.extend(more);
    let (code, out, error) = finished(&args);
    assert_eq!(out, "");
    (code, error)
}

#[test]
fn a_second_relay_on_one_directory_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let _first = Relay::start(dir.path(), &[]);
    let (code, error) = serve(dir.path(), &[]);
    assert_eq!(code, Some(3));
    assert!(
        error.contains("another relay is using") && error.contains("Stop the other"),
        "{error}"
    );
}

#[test]
fn a_relay_opens_as_many_files_as_its_user_may() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new("sh");
    command
        .args(["-c", "ulimit -Sn 64 && exec \"$@\"", "sh"])
        .arg(common::program().get_program())
        .stdin(std::process::Stdio::null());
    let relay = Relay::start_by(command, dir.path(), &[]);
    let limits = fs::read_to_string(format!("/proc/{}/limits", relay.start["pid"])).unwrap();
    let files = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))
        .unwrap();
    let [soft, hard] = files.split_whitespace().skip(3).take(2).collect::<Vec<_>>()[..] else {
        panic!("{files}")
    };
    assert_eq!(soft, hard);
    assert_ne!(soft, "64");
}

#[test]
fn a_port_in_use_is_told_with_the_port() {
    let dir = tempfile::tempdir().unwrap();
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, error) = serve(dir.path(), &["--listen", &address, "--http", "127.0.0.1:0"]);
    assert_eq!(code, Some(4));
    assert!(error.contains(&address) && error.contains("--listen"), "{error}");

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, error) = serve(dir.path(), &["--listen", "127.0.0.1:0", "--http", &address]);
    assert_eq!(code, Some(4));
    assert!(error.contains(&address) && error.contains("--http"), "{error}");
}

#[test]
fn a_directory_that_cannot_be_made_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, b"").unwrap();
    let (code, error) = serve(&file.join("data"), &[]);
    assert_eq!(code, Some(5));
    assert!(
        error.contains("cannot be made") && error.contains("Check that"),
        "{error}"
    );
}

#[test]
fn a_damaged_or_foreign_database_is_told_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(finished(&["init", "--data", text(dir.path())]).0, Some(0));
    let database = dir.path().join("relay.sqlite");
    let foreign = b"this is somebody's diary, not a database".repeat(200);
    fs::write(&database, &foreign).unwrap();
    let (code, error) = serve(dir.path(), &[]);
    assert_eq!(code, Some(6), "{error}");
    assert_eq!(error.lines().count(), 2, "{error}");
    assert_eq!(fs::read(&database).unwrap(), foreign);
}

#[test]
fn a_key_that_others_can_read_is_not_used() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(finished(&["init", "--data", text(dir.path())]).0, Some(0));
    let key = dir.path().join("relay.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let (code, error) = serve(dir.path(), &[]);
    assert_eq!(code, Some(5));
    assert!(error.contains("chmod 600"), "{error}");
}

#[test]
fn a_wrong_command_line_is_exit_code_2_and_help_is_0() {
    assert_eq!(finished(&["serve"]).0, Some(2));
    assert_eq!(
        finished(&["serve", "--data", "x", "--allow", "everyone"]).0,
        Some(2)
    );
    let (code, out, _) = finished(&["serve", "--help"]);
    assert_eq!(code, Some(0));
    assert!(out.contains("--data") && out.contains("--allow"), "{out}");
}

#[test]
fn init_and_serve_tell_the_same_key_and_it_stays() {
    let dir = tempfile::tempdir().unwrap();
    let (code, out, _) = finished(&["init", "--json", "--data", text(dir.path())]);
    assert_eq!(code, Some(0));
    let made: serde_json::Value = serde_json::from_str(&out).unwrap();
    for _ in 0..2 {
        let relay = Relay::start(dir.path(), &[]);
        assert_eq!(relay.start["key"], made["key"]);
        let address = relay.start["addresses"][0].as_str().unwrap().to_owned();
        let listen: SocketAddr = relay.listen();
        assert_eq!(address, format!("{listen}#{}", made["key"].as_str().unwrap()));
        relay.kill();
    }
}

#[test]
fn the_public_name_is_in_the_line_for_phones() {
    let dir = tempfile::tempdir().unwrap();
    let relay = Relay::start(dir.path(), &["--public", "relay.example.vn"]);
    assert_eq!(relay.address().host(), "relay.example.vn");
    drop(relay);
    let (code, error) = serve(
        dir.path(),
        &[
            "--listen",
            "127.0.0.1:0",
            "--http",
            "127.0.0.1:0",
            "--public",
            "not a name",
        ],
    );
    assert_eq!(code, Some(2));
    assert!(error.contains("--public"), "{error}");
}

#[test]
fn status_tells_a_running_relay_from_a_killed_one() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("no");
    assert_eq!(finished(&["status", "--data", text(&missing)]).0, Some(5));
    let relay = Relay::start(dir.path(), &[]);
    let (code, out, _) = finished(&["status", "--json", "--data", text(dir.path())]);
    assert_eq!(code, Some(0));
    let status: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(status["ready"], true);
    assert_eq!(status["pid"], relay.start["pid"]);
    assert_eq!(status["metrics"]["sessions"], "0");
    // Started by a service manager, this is where the line for phones is seen.
    assert_eq!(status["addresses"], relay.start["addresses"]);
    let (_, out, _) = finished(&["status", "--data", text(dir.path())]);
    assert!(
        out.contains(&format!("phones     {}\n", relay.address())),
        "{out}"
    );
    assert!(!out.contains('\u{2588}'), "a code is for eyes: {out}");
    relay.kill();
    let (code, _, error) = finished(&["status", "--data", text(dir.path())]);
    assert_eq!(code, Some(8));
    assert!(error.contains("no relay is running"), "{error}");
}

#[tokio::test]
async fn verify_passes_a_whole_database_and_finds_one_changed_byte() {
    let dir = tempfile::tempdir().unwrap();
    let relay = Relay::start(dir.path(), &[]);
    let (mut founder, _) = founder(1, &[(2, sotay_membership::rank::SECRETARY)]);
    founder.write_changes(50, 2000);
    assert!(founder.sync(&relay).await.caught_up());
    let (code, _, error) = finished(&["verify", "--data", text(dir.path())]);
    assert_eq!(code, Some(3), "{error}");
    relay.terminate();
    assert_eq!(relay.wait().await.code(), Some(0));

    let (code, out, _) = finished(&["verify", "--json", "--data", text(dir.path())]);
    assert_eq!(code, Some(0));
    let checked: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&checked["envelopes"], &checked["units"]),
        (&52.into(), &1.into())
    );

    let database = dir.path().join("relay.sqlite");
    let mut bytes = fs::read(&database).unwrap();
    // Some bytes of a stored body; a page boundary may cut one place, not all.
    let stored = founder
        .replica
        .store()
        .at(&founder.main().id(), founder.keys.id(), 25)
        .unwrap()
        .unwrap();
    let place = |from: usize| {
        bytes
            .windows(32)
            .position(|window| *window == stored.bytes[from..from + 32])
    };
    let at = (200..1800)
        .step_by(100)
        .find_map(place)
        .expect("an envelope is stored as it is");
    bytes[at] ^= 0x10;
    fs::write(&database, &bytes).unwrap();
    let (code, out, error) = finished(&["verify", "--data", text(dir.path())]);
    assert_eq!(code, Some(6), "{out}{error}");
    assert!(error.contains("damaged"), "{error}");
}
