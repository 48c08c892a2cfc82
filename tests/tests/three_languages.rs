//! A phone of each language: Kotlin takes the minutes, Swift is the deputy's, Rust the secretary's. They hold scenario 1 with no
//! network and reach a real relay one after another; or one of them hosts the hall and no relay runs. Either way all three show the
//! same minutes, byte for byte.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use sotay_engine::feed::{DocId, MemberId};
use sotay_engine::handbook::Date;
use sotay_engine::handbook::fixture::{FROM, MEETING_DAY};
use sotay_engine::handbook::meeting::{Command as Do, MeetingKind, Place};
use sotay_engine::{AdmitRequest, Engine};
use sotay_tests::branch::{EXCUSED, EXEMPT, UNEXCUSED, day, new_members, new_unit};
use sotay_tests::tools::{MISSING, alone, built, not_run, runner};

const MONTH: &str = "2025-05";
/// Far more than anything here takes; reached only when something is broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// A phone that is spoken to in lines: a process, ended with the test.
struct Phone {
    name: &'static str,
    child: Child,
    said: ChildStdin,
    heard: Lines<BufReader<ChildStdout>>,
}

impl Phone {
    /// None when the tools of its language are not on this machine.
    fn start(name: &'static str, script: &str, folder: &Path, label: &str) -> Option<Self> {
        let mut child = runner(script)
            .args([folder.as_os_str(), label.as_ref()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the phone starts");
        let said = child.stdin.take().expect("a pipe");
        let heard = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut phone = Self {
            name,
            child,
            said,
            heard,
        };
        if phone.say("help").is_none() {
            let status = phone.child.wait().expect("the phone ended");
            assert_eq!(status.code(), Some(MISSING), "{name} ended by itself");
            not_run(name);
            return None;
        }
        Some(phone)
    }

    /// The answer to a line, or none if the phone is gone.
    fn say(&mut self, line: &str) -> Option<Vec<String>> {
        writeln!(self.said, "{line}").ok()?;
        let mut answer = Vec::new();
        for heard in self.heard.by_ref().map_while(Result::ok) {
            assert!(!heard.starts_with("error"), "{}: {line}: {heard}", self.name);
            if heard == "ok" {
                return Some(answer);
            }
            answer.push(heard);
        }
        None
    }

    /// The answer of a phone that must be there.
    fn ask(&mut self, line: &str) -> Vec<String> {
        self.say(line)
            .unwrap_or_else(|| panic!("{} is gone at {line}", self.name))
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        // The end of its input ends it in order; a test that failed does not wait for that.
        let _ = writeln!(self.said, "quit");
        if std::thread::panicking() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

struct Relay {
    child: Child,
    address: String,
}

impl Relay {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(built().join("sotay-relay"))
            .args([
                "serve",
                "--json",
                "--listen",
                "127.0.0.1:0",
                "--http",
                "127.0.0.1:0",
                "--data",
            ])
            .arg(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the relay starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let ready = lines.next().expect("a line").expect("text");
        let ready: serde_json::Value = serde_json::from_str(&ready).expect("JSON");
        std::thread::spawn(move || lines.for_each(drop)); // nobody reads on; the pipe must not fill
        let address = ready["addresses"][0].as_str().expect("an address").to_owned();
        Self { child, address }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The secretary's phone with the branch AL-42; members M01 to M42 have the numbers 1 to 42 on the roster.
fn secretary(folder: &Path) -> (Engine, Vec<MemberId>) {
    let engine = Engine::create(&folder.join("P3"), "P3").expect("a profile");
    let members = engine
        .call(|device, now| {
            device.create_unit(&new_unit(), now).expect("a unit");
            let others = device
                .add_members(&new_members(), day(FROM), now)
                .expect("a roster");
            let founder = device.member().expect("a member");
            [founder].into_iter().chain(others).collect()
        })
        .expect("the worker answers");
    (engine, members)
}

fn admit(engine: &Engine, phone: &mut Phone, member: MemberId, rank: u8, committee: bool) {
    let ask = AdmitRequest {
        request: phone.ask("request").remove(0),
        member,
        rank,
        committee,
        probationary: false,
        relays: Vec::new(),
    };
    let invitation =
        engine.call(move |device, now| device.admit(&ask, now).expect("it is admitted").to_text());
    phone.ask(&format!("accept {}", invitation.expect("the worker answers")));
}

/// `14 22`, from a list of numbers.
fn words(numbers: impl IntoIterator<Item = usize>) -> String {
    let words: Vec<String> = numbers.into_iter().map(|number| number.to_string()).collect();
    words.join(" ")
}

/// A phone marks everybody in a range by their numbers.
fn mark(phone: &mut Phone, range: std::ops::RangeInclusive<usize>) {
    let here = |number: &usize| range.contains(number);
    let excused: Vec<usize> = EXCUSED.iter().map(|(number, _)| *number).filter(here).collect();
    let absent = |number: &usize| excused.contains(number) || *number == UNEXCUSED || EXEMPT.contains(number);
    phone.ask(&format!(
        "mark present | {}",
        words(range.clone().filter(|n| !absent(n)))
    ));
    for (number, reason) in EXCUSED.iter().filter(|(number, _)| range.contains(number)) {
        phone.ask(&format!("mark excused | {number} | {reason}"));
    }
    if range.contains(&UNEXCUSED) {
        phone.ask(&format!("mark unexcused | {UNEXCUSED}"));
        phone.ask(&format!("mark exempt | {}", words(EXEMPT)));
    }
}

/// The secretary begins the meeting as well and writes four conclusions.
fn conclude(engine: &Engine, members: &[MemberId]) -> DocId {
    let responsible = members[1];
    engine
        .call(move |device, now| {
            let (month, date): (_, Date) = (MONTH.parse().expect("a month"), day(MEETING_DAY));
            let doc = device
                .new_meeting(MeetingKind::Regular, Some(month), Some(date), now)
                .expect("it is begun");
            for number in 1..=4 {
                let command = Do::AddConclusion {
                    id: device.fresh_id(),
                    agenda: None,
                    text: format!("Kết luận {number}.").as_str().into(),
                    deadline: Some(day("2025-06-15")),
                    responsible: vec![responsible],
                    place: Place::Last,
                };
                device.meeting(doc, &command, now).expect("it is written");
            }
            doc
        })
        .expect("the worker answers")
}

/// Three phones of one unit at the beginning of one meeting; none when a language is missing here. No relay is running.
fn gathered(folder: &Path) -> Option<(Engine, DocId, Phone, Phone)> {
    let (engine, members) = secretary(folder);
    let (first, second) = (folder.join("P1"), folder.join("P2"));
    let mut kotlin = Phone::start("Kotlin", "bindings/kotlin/phone.sh", &first, "P1")?;
    let mut swift = Phone::start("Swift", "bindings/swift/phone.sh", &second, "P2")?;
    admit(&engine, &mut swift, members[1], 3, false);
    admit(&engine, &mut kotlin, members[2], 4, true);
    let meeting = conclude(&engine, &members);
    for phone in [&mut kotlin, &mut swift] {
        let begun = phone.ask(&format!("begin {MONTH} | {MEETING_DAY}"));
        assert_eq!(begun, [meeting.to_string()], "the same meeting on every phone");
    }
    Some((engine, meeting, kotlin, swift))
}

/// Hash of the minutes on the secretary's phone, and how many items its review list has.
fn standing(engine: &Engine, meeting: DocId) -> (String, usize) {
    engine
        .call(move |device, _| {
            let minutes = device.minutes(meeting).expect("minutes");
            let review = device.review(meeting).expect("a review list");
            (minutes.sha256, review.open().len())
        })
        .expect("the worker answers")
}

#[test]
fn a_kotlin_phone_a_swift_phone_and_a_rust_phone_hold_a_meeting_offline_and_show_the_same_minutes() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let Some((engine, meeting, mut kotlin, mut swift)) = gathered(folder.path()) else {
        return;
    };
    mark(&mut kotlin, 1..=20);
    mark(&mut swift, 21..=42);
    for number in 1..=9 {
        kotlin.ask(&format!(
            "speech {number} | Ý kiến thứ {number}, ghi trên máy của thư ký."
        ));
    }
    for number in 21..=23 {
        swift.ask(&format!(
            "speech {number} | Ý kiến của tổ {number}, ghi trên máy của phó bí thư."
        ));
    }

    let relay = Relay::start(&folder.path().join("relay"));
    let sync = format!("sync {}", relay.address);
    kotlin.ask(&sync);
    swift.ask(&sync);
    let report = engine.sync_once(&relay.address, Duration::from_secs(60));
    report.expect("the secretary syncs");
    for phone in [&mut kotlin, &mut swift] {
        assert_eq!(phone.ask(&sync), ["sync: SYNCED, pending: 0"]);
    }

    let (sha256, open) = standing(&engine, meeting);
    assert_eq!(open, 0, "no review item");
    for phone in [&mut kotlin, &mut swift] {
        let name = phone.name;
        assert_eq!(phone.ask("sha256"), [sha256.as_str()], "{name}");
        let view = phone.ask("view");
        assert_eq!(view[1], "attendance: 35/4/1/2 of 42", "{name}");
        assert_eq!(view[2], "speeches: 12, conclusions: 4, blocked: false", "{name}");
        assert_eq!(phone.ask("review"), Vec::<String>::new(), "{name}");
    }
    println!("Kotlin, Swift and Rust: {sha256}");
    engine.shutdown();
}

/// Asks until the answer is the one that is waited for: what it depends on comes from other phones.
fn until(phone: &mut Phone, line: &str, wanted: impl Fn(&[String]) -> bool) {
    let end = Instant::now() + PATIENCE;
    loop {
        let answer = phone.ask(line);
        if wanted(&answer) {
            return;
        }
        assert!(Instant::now() < end, "{}: {line}: {answer:?}", phone.name);
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_swift_phone_hosts_and_a_kotlin_phone_and_a_rust_phone_write_the_minutes_together_without_a_relay() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let Some((engine, meeting, mut kotlin, mut swift)) = gathered(folder.path()) else {
        return;
    };
    let address = swift.ask("host 127.0.0.1:0").remove(0);
    kotlin.ask(&format!("visit {address}"));
    engine.follow_host(&address).expect("the secretary visits");
    let everything = |answer: &[String]| answer[0] == "hall: 2 of 2";
    until(&mut swift, "hall", everything);
    mark(&mut kotlin, 1..=20);
    mark(&mut swift, 21..=42);
    kotlin.ask("speech 5 | Ghi trên máy của thư ký.");
    // Everybody has everything, and by what each acknowledged the host knows it.
    for phone in [&mut kotlin, &mut swift] {
        until(phone, "view", |view| {
            view[1] == "attendance: 35/4/1/2 of 42"
                && view[2] == "speeches: 1, conclusions: 4, blocked: false"
        });
    }
    until(&mut swift, "hall", everything);
    let sha256 = kotlin.ask("sha256");
    assert_eq!(swift.ask("sha256"), sha256);
    let end = Instant::now() + PATIENCE;
    while standing(&engine, meeting).0 != sha256[0] {
        assert!(Instant::now() < end, "the secretary has something else");
        engine.next_event(Duration::from_millis(50));
    }
    engine.shutdown();
}
