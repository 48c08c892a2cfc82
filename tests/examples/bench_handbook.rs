//! What a branch's handbook costs: opening a meeting of full size, an evening of thirty phones on one phone, and a year of
//! a branch on disk and on the wire.
//!
//! `cargo run --release -p sotay-tests --example bench_handbook`

use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;
use sotay_engine::handbook::meeting::{Ballot, Command, How, Method, Need, Person, Place, State};
use sotay_engine::{AdmitRequest, Device, LinkId, LinkOutput};
use sotay_feed::{DocId, Space, SpaceKind};
use sotay_store::{Budget, DatabaseId, MemoryStore, Options, SqliteStore, Store};
use sotay_tests::branch::{Branch, P1, P2, P3, at};
use sotay_tests::pump::sync;
use sotay_tests::shard::{Outgoing, Shard, relay_key};
use sotay_tests::year::live;

const PHONES: usize = 30;
const CHANGES: usize = 40;
const ROUNDS: u32 = 10;

fn memory(number: u8) -> MemoryStore {
    MemoryStore::new(DatabaseId([number; 16]))
}

/// What this thread has computed so far. The limit for an evening is in computing time, and a machine may have other things
/// to do.
fn computed() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("time does not run backwards")
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn main() {
    evening();
    year();
}

/// Thirty phones write forty changes each into one meeting; one phone gets all of it.
fn evening() {
    let mut branch = Branch::found([1, 2, 3].map(memory), 1);
    let mut relay = Shard::open(memory(99)).expect("a relay");
    let mut link = 0;
    let mut meet = |branch: &mut Branch<MemoryStore>, relay: &mut Shard<MemoryStore>, phone: usize| {
        link += 1;
        sync(&mut branch.phones[phone], relay, link, at(0));
    };
    let doc = branch.begin(P1);
    branch.on(P1, doc, 0, Command::SetChair(branch.member(1)));
    branch.on(P1, doc, 0, Command::Open);
    let motion = branch.phones[P1].fresh_id();
    let add = Command::AddMotion {
        id: motion,
        agenda: None,
        text: "Thông qua phương án làm đường ngõ 7".into(),
        method: Method::OpenElectronic,
        need: Need::Majority,
        place: Place::Last,
    };
    branch.on(P1, doc, 1, add);
    branch.on(P1, doc, 1, Command::OpenVote { id: motion });
    for number in 4..4 + PHONES - 3 {
        let rng = Box::new(StdRng::seed_from_u64(number as u64));
        let mut phone = Device::create(memory(number as u8), &format!("M{number}"), rng).expect("a profile");
        let ask = AdmitRequest {
            request: phone.join_request().expect("a request").to_text(),
            member: branch.member(number),
            rank: 4,
            committee: false,
            probationary: false,
            relays: Vec::new(),
        };
        let invitation = branch.phones[P3].admit(&ask, at(-60)).expect("admitted");
        phone.accept(&invitation).expect("accepted");
        branch.phones.push(phone);
    }
    for phone in [P1, P2, P3] {
        meet(&mut branch, &mut relay, phone);
    }
    for phone in 0..branch.phones.len() {
        meet(&mut branch, &mut relay, phone);
    }
    for phone in (0..branch.phones.len()).filter(|phone| *phone != P3) {
        write(&mut branch, phone, doc, motion);
        meet(&mut branch, &mut relay, phone);
    }

    // The same evening again and again, each time on the phone as it was before.
    let others = branch.phones.len() - 1;
    let before = branch.phones.swap_remove(P3).into_store();
    let (mut spent, mut passed, mut rested) = (Vec::new(), Vec::new(), Vec::new());
    let mut phone = None;
    for round in 0..u64::from(ROUNDS) {
        let mut again =
            Device::open(before.clone(), Box::new(StdRng::seed_from_u64(round))).expect("the same phone");
        again.meeting_view(doc).expect("a view");
        let started = computed();
        passed.push(pull(&mut again, &mut relay, 1_000_000 + round));
        spent.push(computed() - started);
        let started = computed();
        again.rest();
        rested.push(computed() - started);
        phone = Some(again);
    }
    spent.sort();
    passed.sort();
    rested.sort();
    println!(
        "an evening of {others} phones, {CHANGES} changes each, on one phone, {ROUNDS} times: {:.1} ms of computing ({:.1} to \
         {:.1}), in which {:.1} ms passed; what waits until the phone rests, its proof, snapshot and image, {:.1} ms more",
        ms(spent[spent.len() / 2]),
        ms(spent[0]),
        ms(spent[spent.len() - 1]),
        ms(passed[passed.len() / 2]),
        ms(rested[rested.len() / 2])
    );

    let phone = phone.as_mut().expect("a phone");
    let (mut opened, mut viewed, mut loaded) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for _ in 0..ROUNDS {
        phone.forget_open_documents();
        let started = Instant::now();
        let view = phone.meeting_view(doc).expect("a view");
        opened += started.elapsed();
        let started = Instant::now();
        let list = phone.review(doc).expect("a list");
        viewed += started.elapsed();
        let started = Instant::now();
        phone.history(doc).expect("a history");
        loaded += started.elapsed();
        assert!(view.speeches.len() > 100 && list.settled().is_empty());
    }
    let changes = phone.history(doc).expect("a history").len();
    println!(
        "opening that meeting ({changes} changes) from the store: {:.1} ms; its review list after that {:.2} ms; loading it \
         with its history {:.1} ms",
        ms(opened) / f64::from(ROUNDS),
        ms(viewed) / f64::from(ROUNDS),
        ms(loaded) / f64::from(ROUNDS)
    );
    phone.forget_open_documents();
    phone.meeting_view(doc).expect("a view");
    let (mut commands, mut views, mut first) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for round in 0..=ROUNDS {
        let place = format!("Nhà văn hóa, phòng {round}");
        let started = Instant::now();
        phone
            .meeting(doc, &Command::SetPlace(place.as_str().into()), at(90))
            .expect("a command");
        if round == 0 {
            first = started.elapsed();
            continue;
        }
        commands += started.elapsed();
        let started = Instant::now();
        phone.meeting_view(doc).expect("a view");
        views += started.elapsed();
    }
    println!(
        "the first command in it, which loads it: {:.1} ms; each one more {:.2} ms; the view after one {:.2} ms",
        ms(first),
        ms(commands) / f64::from(ROUNDS),
        ms(views) / f64::from(ROUNDS)
    );
}

/// What a phone does in an evening: checks in, votes, says something and edits it, notes what it hears.
fn write(
    branch: &mut Branch<MemoryStore>,
    phone: usize,
    doc: DocId,
    motion: sotay_engine::handbook::EntryId,
) {
    let member = branch.phones[phone].member().expect("a member");
    let mark = Command::Mark {
        members: vec![member],
        state: State::Present,
        how: How::SelfCheckIn,
        reason: None,
    };
    branch.on(phone, doc, 2, mark);
    let vote = Command::Vote {
        motion,
        member,
        ballot: Ballot::For,
        how: How::SelfCheckIn,
    };
    branch.on(phone, doc, 60, vote);
    for number in 0..6 {
        let id = branch.phones[phone].fresh_id();
        let mut text = format!("Ý kiến {number} của máy {phone}: đề nghị nạo vét tuyến mương trước mùa mưa.");
        let add = Command::AddSpeech {
            id,
            speaker: Person::Member(member),
            agenda: None,
            text: text.as_str().into(),
            place: Place::Last,
        };
        branch.on(phone, doc, 10 + number, add);
        for more in 0..6 {
            if number * 7 + more + 3 >= CHANGES as i64 {
                break;
            }
            text.push_str(" Bà con xóm Đông nhất trí cao.");
            let text = text.as_str().into();
            branch.on(phone, doc, 10 + number, Command::EditSpeech { id, text });
        }
    }
}

/// One sync of a phone; gives back the time spent in the phone itself.
fn pull(phone: &mut Device<MemoryStore>, relay: &mut Shard<MemoryStore>, link: u64) -> Duration {
    let mut spent = Duration::ZERO;
    let mut timed = |work: &mut dyn FnMut()| {
        let started = Instant::now();
        work();
        spent += started.elapsed();
    };
    let (id, peer) = (LinkId(link), phone.keys().public().sign);
    timed(&mut || phone.link_up(id, relay_key(), false, at(100)).expect("a link"));
    relay.up(link, peer, at(100)).expect("a seat");
    loop {
        let mut idle = true;
        loop {
            let mut output = None;
            timed(&mut || output = phone.next_output(id));
            let Some(output) = output else { break };
            idle = false;
            if let LinkOutput::Frame(frame) = output {
                relay.frame(link, &frame, at(100)).expect("the relay");
            }
        }
        while let Some((to, outgoing)) = relay.poll() {
            if let Outgoing::Frame(frame) = outgoing
                && to == link
            {
                idle = false;
                timed(&mut || phone.link_frame(id, &frame, at(100)).expect("a frame"));
            }
        }
        if idle {
            break;
        }
    }
    timed(&mut || phone.link_down(id).expect("a link"));
    relay.down(link);
    spent
}

/// A year of a branch: what it weighs, and how long opening its meetings takes.
fn year() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = |name: &str| dir.path().join(name);
    let open = |name: &str| SqliteStore::open(&file(name), &Options::default()).expect("a database");
    let mut branch = Branch::found(["P1.db", "P2.db", "P3.db"].map(open), 9);
    let mut relay = Shard::open(memory(99)).expect("a relay");
    let mut link = 0;
    let year = live(&mut branch, 7, |branch| {
        for phone in [P1, P3, P1] {
            link += 1;
            sync(&mut branch.phones[phone], &mut relay, link, at(0));
        }
    });
    println!(
        "a year: {} meetings, {} tasks, {} lines of fees, {} items of feedback, {} reports",
        year.meetings.len(),
        year.tasks,
        year.fee_lines,
        year.feedback,
        year.reports
    );
    let unit = branch.phones[P3].unit().expect("a unit");
    let all = Budget {
        count: usize::MAX,
        bytes: usize::MAX,
    };
    let mut sum = 0;
    for kind in [
        SpaceKind::Roll,
        SpaceKind::Main,
        SpaceKind::Committee,
        SpaceKind::Inbox,
        SpaceKind::Report,
    ] {
        let space = Space::of(unit, kind).id();
        let page = relay.replica().store().since(&space, 0, all).expect("memory");
        let bytes: usize = page.envelopes.iter().map(|stored| stored.bytes.len()).sum();
        sum += bytes;
        println!(
            "  {kind:?}: {} envelopes, {} KB",
            page.envelopes.len(),
            bytes / 1000
        );
    }
    let talk = sync(&mut branch.phones[P2], &mut relay, 1_000_001, at(0));
    println!(
        "  at the relay {} KB; a phone that was away all year receives {} KB in {} round trips",
        sum / 1000,
        talk.stats.bytes_in / 1000,
        talk.stats.round_trips
    );
    let phone = &mut branch.phones[P2];
    phone.rest();
    phone.forget_open_documents();
    let started = Instant::now();
    let meetings = phone.meetings().expect("meetings").len();
    let first = started.elapsed();
    let started = Instant::now();
    phone.meetings().expect("meetings");
    println!(
        "  list of {meetings} meetings from the store {:.1} ms, again {:.2} ms",
        ms(first),
        ms(started.elapsed())
    );
    phone.forget_open_documents();
    let doc = year.meetings[11];
    let started = Instant::now();
    phone.meeting_view(doc).expect("a view");
    println!(
        "  one meeting of that year from the database {:.1} ms",
        ms(started.elapsed())
    );
    drop(branch);
    let bytes: u64 = ["P2.db", "P2.db-wal"]
        .iter()
        .filter_map(|name| std::fs::metadata(file(name)).ok())
        .map(|meta| meta.len())
        .sum();
    println!("  its database: {} KB", bytes / 1000);
}
