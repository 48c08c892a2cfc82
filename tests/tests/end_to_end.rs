//! Real processes, real QUIC, real files: engines on disk and a relay as a child process that can be killed.

use std::fs;
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sotay_engine::feed::{DocId, MemberId};
use sotay_engine::handbook::meeting::{Command as Do, How, MeetingKind, Person, Place, State};
use sotay_engine::{
    AdmitRequest, ConnectError, DATABASE_FILE, Device, DeviceError, Engine, Event, NewMember, NewUnit,
    OpenError, ProfileError, RelayAddress, SyncError, SyncStatus,
};
use sotay_store::SqliteStore;

#[path = "end_to_end/nodes.rs"]
mod nodes;

/// Far more than anything here takes on one machine; reached only when something is broken.
const PATIENCE: Duration = Duration::from_secs(90);
const RELAY_ARGS: &str = "SOTAY_TEST_RELAY_ARGS";

/// Not a test of anything: the body of the relay process. The test binary starts itself with this name.
#[test]
fn relay_process_body() {
    let Ok(args) = std::env::var(RELAY_ARGS) else {
        return;
    };
    let args = std::iter::once("sotay-relay".to_owned()).chain(args.split('\n').map(str::to_owned));
    let _code = sotay_relay::run(args.map(Into::into));
    std::process::exit(0);
}

struct Relay {
    child: Child,
    address: String,
    dir: PathBuf,
}

impl Relay {
    fn start(dir: &Path, listen: &str) -> Self {
        Self::start_with(dir, listen, &[])
    }

    fn start_with(dir: &Path, listen: &str, more: &[&str]) -> Self {
        let args = [
            "serve",
            "--json",
            "--allow",
            "any",
            "--http",
            "127.0.0.1:0",
            "--listen",
            listen,
            "--data",
        ];
        let args = args
            .iter()
            .map(|arg| (*arg).to_owned())
            .chain([dir.display().to_string()])
            .chain(more.iter().map(|arg| (*arg).to_owned()));
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["relay_process_body", "--exact", "--nocapture"])
            .env(RELAY_ARGS, args.collect::<Vec<_>>().join("\n"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines
            .by_ref()
            .map_while(Result::ok)
            .find(|line| line.starts_with('{'));
        let ready: serde_json::Value = serde_json::from_str(&ready.expect("the relay is ready")).unwrap();
        // Nobody reads on; the pipe must not fill.
        std::thread::spawn(move || lines.for_each(drop));
        let address = ready["addresses"][0].as_str().unwrap().to_owned();
        Self {
            child,
            address,
            dir: dir.to_owned(),
        }
    }

    /// As its operator stops it.
    fn stop(mut self) {
        let kill = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        self.child.wait().unwrap();
    }

    fn kill(mut self) -> (PathBuf, String) {
        let listen = self.address.split('#').next().unwrap().to_owned();
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        (self.dir.clone(), listen)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // Already dead after `kill`: then both fail, and that is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn branch(dir: &Path) -> Engine {
    let engine = Engine::create(&dir.join("P3"), "P3").unwrap();
    let new = NewUnit {
        name: "Chi bộ thôn An Lạc".to_owned(),
        upper: "Đảng bộ xã Đông Phong".to_owned(),
        founder: "Nguyễn Văn Bình".to_owned(),
        since: "2026-01-01".parse().ok(),
    };
    engine
        .call(move |device, now| device.create_unit(&new, now))
        .unwrap()
        .unwrap();
    engine
}

fn join(secretary: &Engine, dir: &Path, label: &str) -> Engine {
    let engine = Engine::create(&dir.join(label), label).unwrap();
    let request = engine
        .call(|device, _| device.join_request())
        .unwrap()
        .unwrap()
        .to_text();
    let name = NewMember::named(&format!("Đồng chí {label}"));
    let invitation = secretary
        .call(move |device, now| {
            let member = device
                .add_members(&[name], "2026-01-01".parse().unwrap(), now)
                .unwrap()[0];
            let ask = AdmitRequest {
                request,
                member,
                rank: 4,
                committee: true,
                probationary: false,
                relays: Vec::new(),
            };
            device.admit(&ask, now)
        })
        .unwrap()
        .unwrap();
    engine
        .call(move |device, _| device.accept(&invitation))
        .unwrap()
        .unwrap();
    engine
}

fn may_meeting(engine: &Engine) -> DocId {
    let meeting = |device: &mut Device<SqliteStore>, now| {
        let (month, date) = ("2026-05".parse().unwrap(), "2026-05-05".parse().unwrap());
        device.new_meeting(MeetingKind::Regular, Some(month), Some(date), now)
    };
    engine.call(meeting).unwrap().unwrap()
}

fn speak(engine: &Engine, meeting: DocId, text: &str) {
    let text = text.to_owned();
    engine
        .call(move |device, now| {
            let speaker = Person::Member(device.member().unwrap());
            let id = device.fresh_id();
            let command = Do::AddSpeech {
                id,
                speaker,
                agenda: None,
                text: text.as_str().into(),
                place: Place::Last,
            };
            device.meeting(meeting, &command, now)
        })
        .unwrap()
        .unwrap();
}

fn speeches(engine: &Engine, meeting: DocId) -> Vec<String> {
    let view = engine
        .call(move |device, _| device.meeting_view(meeting))
        .unwrap();
    match view {
        Ok(view) => view
            .speeches
            .iter()
            .map(|speech| speech.text.as_str().to_owned())
            .collect(),
        Err(DeviceError::NoMeeting) => Vec::new(),
        Err(error) => panic!("{error}"),
    }
}

fn minutes(engine: &Engine, meeting: DocId) -> String {
    engine
        .call(move |device, _| device.minutes(meeting))
        .unwrap()
        .unwrap()
        .sha256
}

fn is_synced(engine: &Engine, relay: &Relay) -> bool {
    let key = relay.address.parse::<RelayAddress>().unwrap().key();
    let spaces = engine
        .call(move |device, _| device.sync_status(&key))
        .unwrap()
        .unwrap();
    spaces
        .iter()
        .all(|space| matches!(space.status, SyncStatus::Synced { .. }))
}

/// Waits for events until `done`; fails when patience ends.
fn until(engine: &Engine, what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        engine.next_event(Duration::from_millis(100));
    }
}

#[test]
fn phones_that_met_offline_show_the_same_and_the_relay_holds_nothing_readable() {
    let dir = tempfile::tempdir().unwrap();
    let secretary = branch(dir.path());
    let clerk = join(&secretary, dir.path(), "P1");
    let meeting = may_meeting(&secretary);
    assert_eq!(may_meeting(&clerk), meeting, "both phones made the same document");
    let said = [
        "Đề nghị nạo vét mương nội đồng trước vụ mùa",
        "Nhất trí, giao tổ ba làm trước",
    ];
    speak(&secretary, meeting, said[0]);
    speak(&clerk, meeting, said[1]);

    let relay = Relay::start(&dir.path().join("relay"), "127.0.0.1:0");
    secretary.sync_once(&relay.address, PATIENCE).unwrap();
    let second = clerk.sync_once(&relay.address, PATIENCE).unwrap();
    assert_eq!(
        second.stats.round_trips, 2,
        "first contact with a relay that holds more"
    );
    let again = secretary.sync_once(&relay.address, PATIENCE).unwrap();
    assert_eq!(again.stats.round_trips, 1, "a returning phone asks once");
    assert!(is_synced(&secretary, &relay) && is_synced(&clerk, &relay));
    assert_eq!(speeches(&secretary, meeting).len(), 2);
    assert_eq!(minutes(&secretary, meeting), minutes(&clerk, meeting));

    let members = clerk
        .call(|device, _| device.members("2026-05-05".parse().unwrap()))
        .unwrap()
        .unwrap();
    let (relay_dir, _) = relay.kill();
    let mut needles: Vec<Vec<u8>> = said.iter().map(|text| text.as_bytes().to_vec()).collect();
    needles.push("Nguyễn Văn Bình".as_bytes().to_vec());
    needles.push("Đồng chí P1".as_bytes().to_vec());
    needles.push("Chi bộ thôn An Lạc".as_bytes().to_vec());
    needles.push(b"nguy".to_vec());
    for file in files(&relay_dir) {
        let bytes = fs::read(file).unwrap();
        for needle in &needles {
            assert!(
                !bytes.windows(needle.len()).any(|window| window == &needle[..]),
                "{}",
                needle.len()
            );
        }
    }
    // Pseudonymous ids of members with a device do stand in grants; the member without a device stands nowhere.
    assert_eq!(members.len(), 2);
}

#[test]
fn a_relay_killed_in_the_middle_of_a_push_loses_nothing_it_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let secretary = branch(dir.path());
    let meeting = may_meeting(&secretary);
    let line = "Ý kiến về kế hoạch nạo vét mương và đường làng. ".repeat(20);
    for number in 0..120 {
        speak(&secretary, meeting, &format!("{number} {line}"));
    }
    // Many envelopes instead of one run: names are one each.
    secretary
        .call(|device, now| {
            let many: Vec<NewMember> = (0..400)
                .map(|n| NewMember::named(&format!("Đảng viên {n}")))
                .collect();
            device
                .add_members(&many, "2026-01-01".parse().unwrap(), now)
                .map(|_| ())
        })
        .unwrap()
        .unwrap();
    let mut relay = Relay::start(&dir.path().join("relay"), "127.0.0.1:0");
    for round in 0..5 {
        secretary.follow(&relay.address).unwrap();
        // The first acknowledgement of this round, or everything if the machine was quicker than we.
        until(&secretary, "something was acknowledged", || {
            let key = relay.address.parse::<RelayAddress>().unwrap().key();
            let spaces = secretary
                .call(move |device, _| device.sync_status(&key))
                .unwrap()
                .unwrap();
            spaces
                .iter()
                .any(|space| !matches!(space.status, SyncStatus::Unknown))
                || round > 0
        });
        let address = relay.address.clone();
        let (data, listen) = relay.kill();
        secretary.unfollow(&address);
        relay = Relay::start(&data, &listen);
        assert_eq!(relay.address, address, "the same key and port after a restart");
    }
    secretary.sync_once(&relay.address, PATIENCE).unwrap();
    assert!(is_synced(&secretary, &relay));
    let clerk = join(&secretary, dir.path(), "P1");
    clerk.sync_once(&relay.address, PATIENCE).unwrap();
    assert_eq!(speeches(&clerk, meeting), speeches(&secretary, meeting));
    assert_eq!(minutes(&clerk, meeting), minutes(&secretary, meeting));
}

#[test]
fn phones_hand_a_relay_restored_from_an_older_copy_what_it_lacks() {
    let dir = tempfile::tempdir().unwrap();
    let secretary = branch(dir.path());
    let clerk = join(&secretary, dir.path(), "P1");
    let meeting = may_meeting(&secretary);
    let relay = Relay::start(&dir.path().join("relay"), "127.0.0.1:0");
    speak(&secretary, meeting, "trước bản sao lưu");
    secretary.sync_once(&relay.address, PATIENCE).unwrap();
    clerk.sync_once(&relay.address, PATIENCE).unwrap();
    let (data, listen) = relay.kill();
    let backup = dir.path().join("backup");
    copy(&data, &backup);

    let relay = Relay::start(&data, &listen);
    speak(&secretary, meeting, "sau bản sao lưu");
    secretary.sync_once(&relay.address, PATIENCE).unwrap();
    let (data, listen) = relay.kill();
    fs::remove_dir_all(&data).unwrap();
    copy(&backup, &data);

    // The older copy first goes on with something else, so that its arrival numbers mean other envelopes.
    let relay = Relay::start(&data, &listen);
    speak(&clerk, meeting, "từ máy khác");
    clerk.sync_once(&relay.address, PATIENCE).unwrap();
    secretary.sync_once(&relay.address, PATIENCE).unwrap();
    clerk.sync_once(&relay.address, PATIENCE).unwrap();
    assert_eq!(speeches(&clerk, meeting).len(), 3);
    assert_eq!(minutes(&clerk, meeting), minutes(&secretary, meeting));

    // And one that lost everything, key included.
    let (data, _) = relay.kill();
    fs::remove_dir_all(&data).unwrap();
    let relay = Relay::start(&data, "127.0.0.1:0");
    clerk.sync_once(&relay.address, PATIENCE).unwrap();
    secretary.sync_once(&relay.address, PATIENCE).unwrap();
    let newcomer = join(&secretary, dir.path(), "P4");
    newcomer.sync_once(&relay.address, PATIENCE).unwrap();
    assert_eq!(speeches(&newcomer, meeting).len(), 3);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in files(from) {
        fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
    }
}

/// The files of a relay's directory; its local socket is none.
fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
    entries
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| entry.path())
        .collect()
}

#[test]
fn a_relay_with_another_key_is_not_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let secretary = branch(dir.path());
    let relay = Relay::start(&dir.path().join("relay"), "127.0.0.1:0");
    let other = Relay::start(&dir.path().join("other"), "127.0.0.1:0");
    let place = relay.address.split('#').next().unwrap();
    let key = other.address.split('#').nth(1).unwrap();
    let result = secretary.sync_once(&format!("{place}#{key}"), PATIENCE);
    assert!(
        matches!(result, Err(SyncError::Connect(ConnectError::WrongRelayKey))),
        "{result:?}"
    );
    assert!(
        secretary.sync_once(&relay.address, PATIENCE).is_ok(),
        "the right one still is"
    );
    assert!(matches!(
        secretary.sync_once("somewhere", PATIENCE),
        Err(SyncError::Address(_))
    ));
}

#[test]
fn without_a_relay_at_the_address_the_phone_says_so_and_keeps_working() {
    let dir = tempfile::tempdir().unwrap();
    let secretary = branch(dir.path());
    let relay = Relay::start(&dir.path().join("relay"), "127.0.0.1:0");
    let address = relay.address.clone();
    relay.kill();
    let result = secretary.sync_once(&address, PATIENCE);
    assert!(
        matches!(
            result,
            Err(SyncError::Connect(
                ConnectError::Timeout | ConnectError::Unreachable
            ))
        ),
        "{result:?}"
    );
    let meeting = may_meeting(&secretary);
    speak(&secretary, meeting, "vẫn ghi được");
    assert_eq!(speeches(&secretary, meeting), ["vẫn ghi được"]);
}

#[test]
fn a_phone_without_a_unit_is_told_that_and_not_that_its_profile_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let relay = Relay::start(&dir.path().join("relay"), "127.0.0.1:0");
    let engine = Engine::create(&dir.path().join("p9"), "P9").unwrap();
    let refused = engine.sync_once(&relay.address, PATIENCE);
    assert!(
        matches!(refused, Err(SyncError::Device(DeviceError::NoUnit))),
        "{refused:?}"
    );
    assert_eq!(engine.call(|device, _| device.label().to_owned()).unwrap(), "P9");
}

#[test]
fn one_profile_is_opened_once_and_a_missing_one_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let first = branch(dir.path());
    let second = Engine::open(&dir.path().join("P3"));
    assert!(matches!(second, Err(OpenError::Profile(ProfileError::InUse(_)))));
    first.shutdown();
    assert!(Engine::open(&dir.path().join("P3")).is_ok());
    let missing = Engine::open(&dir.path().join("P7"));
    assert!(matches!(
        missing,
        Err(OpenError::Profile(ProfileError::Missing(_)))
    ));
}

#[test]
fn a_change_reaches_a_phone_that_is_looking_and_a_suspended_one_when_it_resumes() {
    let dir = tempfile::tempdir().unwrap();
    let secretary = branch(dir.path());
    let clerk = join(&secretary, dir.path(), "P1");
    let meeting = may_meeting(&secretary);
    let relay = Relay::start(&dir.path().join("relay"), "127.0.0.1:0");
    secretary.follow(&relay.address).unwrap();
    clerk.follow(&relay.address).unwrap();
    until(&clerk, "the meeting came", || {
        is_synced(&clerk, &relay) && is_synced(&secretary, &relay)
    });
    speak(&secretary, meeting, "đang họp");
    until(&clerk, "the speech came", || {
        speeches(&clerk, meeting) == ["đang họp"]
    });

    clerk.suspend();
    until(&clerk, "its link is down", || {
        clerk.call(|device, _| device.links().is_empty()).unwrap()
    });
    speak(&secretary, meeting, "khi máy kia ngủ");
    until(&secretary, "the relay has it", || is_synced(&secretary, &relay));
    assert_eq!(speeches(&clerk, meeting).len(), 1);
    clerk.resume();
    until(&clerk, "it caught up", || speeches(&clerk, meeting).len() == 2);
    clerk.network_changed();
    speak(&clerk, meeting, "mạng mới");
    until(&secretary, "the clerk's speech came", || {
        speeches(&secretary, meeting).len() == 3
    });
}

#[test]
fn shutting_down_in_the_middle_of_a_sync_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let secretary = branch(dir.path());
    let meeting = may_meeting(&secretary);
    let relay = Relay::start(&dir.path().join("relay"), "127.0.0.1:0");
    let folder = dir.path().join("P3");
    let mut engine = secretary;
    for round in 0..4 {
        for number in 0..10 {
            speak(&engine, meeting, &format!("{round}-{number}"));
        }
        engine.follow(&relay.address).unwrap();
        engine.shutdown();
        assert!(
            engine.call(|device, _| device.id()).is_err(),
            "a closed handbook says so"
        );
        drop(engine);
        engine = Engine::open(&folder).unwrap();
        assert_eq!(speeches(&engine, meeting).len(), (round + 1) * 10);
    }
    engine.sync_once(&relay.address, PATIENCE).unwrap();
    let clerk = join(&engine, dir.path(), "P1");
    clerk.sync_once(&relay.address, PATIENCE).unwrap();
    assert_eq!(minutes(&clerk, meeting), minutes(&engine, meeting));
}

#[test]
fn a_damaged_page_is_told_with_what_to_do_and_the_file_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let engine = branch(dir.path());
    let meeting = may_meeting(&engine);
    for number in 0..200 {
        speak(&engine, meeting, &format!("lời {number} {}", "x".repeat(300)));
    }
    engine.shutdown();
    drop(engine);
    let file = dir.path().join("P3").join(DATABASE_FILE);
    let length = fs::metadata(&file).unwrap().len();
    let mut handle = fs::OpenOptions::new().write(true).open(&file).unwrap();
    // Every page but the first.
    let mut at = 4096;
    while at < length {
        handle.seek(SeekFrom::Start(at)).unwrap();
        handle.write_all(&[0xa5; 512]).unwrap();
        at += 4096;
    }
    drop(handle);
    let before = fs::read(&file).unwrap();
    match Engine::open(&dir.path().join("P3")) {
        Ok(_) => panic!("a database with damaged pages was opened"),
        Err(error) => assert_eq!(
            error.next_action(),
            sotay_engine::NextAction::EnrolAgain,
            "{error}"
        ),
    }
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn attendance_marked_on_two_phones_arrives_as_typed_events() {
    let dir = tempfile::tempdir().unwrap();
    let secretary = branch(dir.path());
    let clerk = join(&secretary, dir.path(), "P1");
    let meeting = may_meeting(&secretary);
    let relay = Relay::start(&dir.path().join("relay"), "127.0.0.1:0");
    secretary.sync_once(&relay.address, PATIENCE).unwrap();
    clerk.sync_once(&relay.address, PATIENCE).unwrap();
    let member: MemberId = clerk.call(|device, _| device.member()).unwrap().unwrap();
    secretary
        .call(move |device, now| {
            let mark = Do::Mark {
                members: vec![member],
                state: State::Present,
                how: How::RollCall,
                reason: None,
            };
            device.meeting(meeting, &mark, now)
        })
        .unwrap()
        .unwrap();
    secretary.sync_once(&relay.address, PATIENCE).unwrap();
    while clerk.next_event(Duration::ZERO).is_some() {}
    clerk.sync_once(&relay.address, PATIENCE).unwrap();
    let mut seen = Vec::new();
    while let Some(event) = clerk.next_event(Duration::ZERO) {
        seen.push(event);
    }
    let marked = sotay_engine::handbook::HandbookEvent::Attendance(member);
    assert!(
        seen.iter()
            .any(|event| matches!(event, Event::Handbook { event, .. } if *event == marked)),
        "{seen:?}"
    );
}
