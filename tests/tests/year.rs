//! The documents of a branch's year on real devices over a relay: scenarios 8 and 11, directives, tasks, resolutions.

use sotay_engine::handbook::directive::{DirectiveKind, Issuer};
use sotay_engine::handbook::fees::Command as Fee;
use sotay_engine::handbook::meeting::{Command, How, Method, Need, Place, State, TallyCount};
use sotay_engine::handbook::number::grouped;
use sotay_engine::handbook::resolution::Command as Resolve;
use sotay_engine::handbook::review::ReviewKind;
use sotay_engine::handbook::tasks::{Command as TaskCommand, TaskStatus};
use sotay_engine::handbook::{CommandError, DocKind, Month};
use sotay_engine::{Device, DeviceError, PublishDirectiveError};
use sotay_feed::{DocId, SpaceKind};
use sotay_store::{Bucket, DatabaseId, MemoryStore, Store};
use sotay_tests::branch::{Branch, P1, P2, P3, at, day, say};
use sotay_tests::pump::sync;
use sotay_tests::shard::Shard;

const DAY_MS: i64 = 86_400_000;

struct Hall {
    branch: Branch<MemoryStore>,
    relay: Shard<MemoryStore>,
    links: u64,
}

fn store(number: u8) -> MemoryStore {
    MemoryStore::new(DatabaseId([number; 16]))
}

impl Hall {
    fn new() -> Self {
        Self {
            branch: Branch::found([1, 2, 3].map(store), 8),
            relay: Shard::open(store(9)).expect("the relay opens"),
            links: 0,
        }
    }

    fn phone(&mut self, phone: usize) -> &mut Device<MemoryStore> {
        &mut self.branch.phones[phone]
    }

    fn sync(&mut self, phone: usize) {
        self.links += 1;
        sync(
            &mut self.branch.phones[phone],
            &mut self.relay,
            self.links,
            at(200),
        );
        assert_eq!(self.relay.take_rejected(), [], "the relay refused honest records");
    }

    fn sync_all(&mut self) {
        for phone in [P1, P2, P3, P1, P2, P3] {
            self.sync(phone);
        }
    }
}

fn may() -> Month {
    "2025-05".parse().unwrap()
}

/// May's meeting: 35 present, 4 excused, M30 absent without a reason, 2 exempt; closed. P2 has only seen it opened.
fn meeting(hall: &mut Hall) -> DocId {
    let doc = hall.branch.begin(P1);
    hall.branch.on(P1, doc, 0, Command::Open);
    hall.sync_all();
    let absent = [14, 22, 28, 36, 30, 39, 40];
    let present = (1..=42).filter(|number| !absent.contains(number));
    let call = How::RollCall;
    hall.branch
        .mark((P1, doc, 2), present, State::Present, call, None);
    hall.branch
        .mark((P1, doc, 3), [14, 22, 28, 36], State::Excused, call, Some("ốm"));
    hall.branch.mark((P1, doc, 4), [30], State::Unexcused, call, None);
    hall.branch
        .mark((P1, doc, 5), [39, 40], State::Exempt, call, None);
    hall.branch.on(P1, doc, 90, Command::Close);
    for phone in [P1, P3] {
        hall.sync(phone);
    }
    doc
}

#[test]
fn scenario_8_a_fact_that_comes_late_proposes_the_next_revision_and_sends_nothing() {
    let mut hall = Hall::new();
    let doc = meeting(&mut hall);
    let counts = hall.phone(P3).meeting_view(doc).unwrap().attendance.counts;
    assert_eq!(
        (counts.present, counts.excused, counts.unexcused, counts.exempt),
        (35, 4, 1, 2)
    );
    // P2 has been offline since the meeting was opened, for three weeks.
    let sent = hall.phone(P3).send_report(may(), at(100)).unwrap();
    assert_eq!(
        (sent.revision, sent.facts.meetings[0].attendance().as_str()),
        (1, "35/4/1/2")
    );
    hall.sync(P3);
    let later = at(0) + 21 * DAY_MS;
    let excuse = Command::Mark {
        members: vec![hall.branch.member(30)],
        state: State::Excused,
        how: How::RollCall,
        reason: Some("chăm con ốm".into()),
    };
    hall.phone(P2).meeting(doc, &excuse, later).unwrap();
    hall.sync_all();
    let list = hall.phone(P3).review(doc).unwrap();
    assert!(list.blocks(), "both ways of marking M30 are on the list");
    for phone in [P2, P3] {
        let reports = hall.phone(phone).reports(2025).unwrap();
        assert_eq!(
            reports.sent,
            std::slice::from_ref(&sent),
            "nothing was sent by itself"
        );
        let proposal = hall.phone(phone).report_proposal(may()).unwrap().unwrap();
        assert_eq!(proposal.revision, 2);
        assert_eq!(proposal.facts.meetings[0].attendance(), "35/5/0/2");
        let said: Vec<String> = proposal
            .changes
            .iter()
            .map(|change| say(hall.phone(phone), change))
            .collect();
        assert_eq!(
            said,
            [
                "Sinh hoạt thường kỳ 05/05/2025: vắng có lý do: 4 → 5",
                "Sinh hoạt thường kỳ 05/05/2025: vắng không lý do: 1 → 0"
            ]
        );
    }
    let second = hall.phone(P2).send_report(may(), later).unwrap();
    assert_eq!(second.revision, 2);
    hall.sync_all();
    assert_eq!(hall.phone(P3).report_proposal(may()).unwrap(), None);
    assert!(matches!(
        hall.phone(P3).send_report(may(), later),
        Err(DeviceError::Command(CommandError::NothingChanged))
    ));
    let reports = hall.phone(P3).reports(2025).unwrap();
    assert_eq!(reports.sent, [sent, second]);
}

#[test]
fn only_secretary_and_deputy_read_and_write_the_report_space() {
    let mut hall = Hall::new();
    meeting(&mut hall);
    hall.phone(P3).send_report(may(), at(100)).unwrap();
    hall.sync_all();
    // P1 belongs to a committee member: the report space is not hers.
    assert!(matches!(
        hall.phone(P1).reports(2025),
        Err(DeviceError::Denied(_))
    ));
    let rows = |device: &mut Device<MemoryStore>| {
        let space = sotay_feed::Space::of(device.unit().unwrap(), SpaceKind::Report).id();
        device.store_mut().head(&space).unwrap().number
    };
    assert_eq!((rows(hall.phone(P1)), rows(hall.phone(P2))), (0, 1));
}

#[test]
fn scenario_11_fees_on_two_phones_over_a_relay() {
    let mut hall = Hall::new();
    for (number, amount) in [
        (1, 24_000),
        (2, 22_000),
        (3, 20_000),
        (4, 18_000),
        (6, 17_000),
        (7, 17_000),
        (8, 17_000),
        (9, 17_000),
    ] {
        let assess = Fee::Assess {
            member: hall.branch.member(number),
            from: "2025-01".parse().unwrap(),
            amount: Some(amount),
        };
        hall.phone(P3).fee(2025, &assess, at(0)).unwrap();
    }
    hall.sync_all();
    let month = hall.phone(P1).fee_month(may()).unwrap();
    assert_eq!((month.due, month.paid, month.unpaid.len()), (338_000, 0, 40));
    let pay = |hall: &mut Hall, phone: usize, payer, amount| {
        let id = hall.phone(phone).fresh_id();
        let pay = Fee::Pay {
            id,
            payer,
            month: may(),
            amount,
            day: day("2025-05-05"),
            note: None,
        };
        hall.phone(phone).fee(2025, &pay, at(1)).unwrap();
    };
    for (at, one) in month.members.iter().filter(|one| one.due > 0).enumerate() {
        pay(&mut hall, if at % 2 == 0 { P1 } else { P2 }, one.member, one.due);
    }
    let fifth = hall.branch.member(5);
    pay(&mut hall, P2, fifth, 6_000);
    hall.sync_all();
    let month = hall.phone(P3).fee_month(may()).unwrap();
    assert_eq!((month.paid, month.lines), (344_000, 41));
    let (doc, item) = hall
        .phone(P3)
        .review_all()
        .unwrap()
        .into_iter()
        .find(|(_, item)| item.kind == ReviewKind::FeeTwice)
        .expect("the double payment is on the list");
    let text = item.text(sotay_engine::handbook::Lang::Vi, hall.phone(P3).names());
    assert!(text.starts_with("nộp trùng Hoàng Văn Thắng tháng 5"), "{text}");
    hall.phone(P3)
        .settle(doc, &item.id, &item.options[1].pick, at(2))
        .unwrap();
    hall.sync_all();
    for phone in [P1, P2, P3] {
        let month = hall.phone(phone).fee_month(may()).unwrap();
        assert_eq!(
            (grouped(month.paid as u64).as_str(), month.lines),
            ("338.000", 42)
        );
        assert!(month.unpaid.is_empty());
        assert!(
            hall.phone(phone).review(doc).unwrap().open().is_empty(),
            "settled everywhere"
        );
    }
}

#[test]
fn conclusions_become_tasks_once_and_their_progress_comes_back() {
    let mut hall = Hall::new();
    let doc = hall.branch.begin(P1);
    hall.branch.on(P1, doc, 0, Command::Open);
    hall.branch
        .conclude(P1, doc, "Nạo vét tuyến mương N3.", Some("2025-05-25"), &[8, 3]);
    hall.branch
        .conclude(P1, doc, "Công khai các khoản đóng góp.", None, &[11]);
    hall.sync_all();
    // Both officers do it before they meet a network.
    assert_eq!(hall.phone(P2).tasks_of_meeting(doc, at(100)).unwrap(), 2);
    assert_eq!(hall.phone(P3).tasks_of_meeting(doc, at(101)).unwrap(), 2);
    hall.sync_all();
    let tasks = hall.phone(P1).tasks(2025).unwrap().tasks;
    assert_eq!(tasks.len(), 2);
    assert_eq!(hall.phone(P1).tasks_of_meeting(doc, at(102)).unwrap(), 0);
    let mine = hall.phone(P1).my_tasks(day("2025-05-26")).unwrap();
    assert_eq!((mine.len(), mine[0].is_overdue(day("2025-05-26"))), (1, true));
    let report = TaskCommand::Report {
        id: mine[0].id,
        status: TaskStatus::Done,
        result: Some("đã vét 1,2 km".into()),
    };
    hall.phone(P1).task(2025, &report, at(103)).unwrap();
    hall.sync_all();
    let seen = hall.phone(P3).tasks(2025).unwrap();
    assert_eq!(seen.get(mine[0].id).unwrap().status, TaskStatus::Done);
    assert_eq!(hall.phone(P3).years(DocKind::Tasks).unwrap(), [2025]);
}

#[test]
fn a_resolution_takes_over_its_vote_and_a_number_used_twice_blocks_it() {
    let mut hall = Hall::new();
    let doc = meeting(&mut hall);
    let motion = hall.phone(P1).fresh_id();
    hall.branch.on(
        P1,
        doc,
        60,
        Command::AddMotion {
            id: motion,
            agenda: None,
            text: "Thông qua nghị quyết tháng 6".into(),
            method: Method::Hands,
            need: Need::Majority,
            place: Place::Last,
        },
    );
    hall.branch.on(P1, doc, 61, Command::OpenVote { id: motion });
    let counts = TallyCount {
        for_: 31,
        against: 1,
        other: 1,
        invalid: 0,
    };
    hall.branch.on(
        P1,
        doc,
        62,
        Command::RecordTally {
            motion,
            counts,
            board: vec![],
        },
    );
    hall.sync_all();
    let write = |hall: &mut Hall, phone: usize, title: &str| {
        let made = hall
            .phone(phone)
            .new_resolution(Some(doc), title.into(), at(100))
            .unwrap();
        let set = [Resolve::SetNumber(3), Resolve::SetDate(day("2025-05-05"))];
        hall.phone(phone).resolution(made, &set, at(101)).unwrap();
        made
    };
    let (ours, theirs) = (
        write(&mut hall, P3, "về nhiệm vụ tháng 6"),
        write(&mut hall, P2, "về phòng chống thiên tai"),
    );
    assert_eq!(
        hall.phone(P3).vote_for_resolution(ours, motion).unwrap(),
        None,
        "not confirmed yet"
    );
    let (recorder, id) = (hall.phone(P1).id(), hall.phone(P3).fresh_id());
    hall.branch
        .on(P3, doc, 63, Command::ConfirmTally { motion, recorder, id });
    let vote = hall.phone(P3).vote_for_resolution(ours, motion).unwrap().unwrap();
    hall.phone(P3)
        .resolution(ours, &[Resolve::SetVote(vote)], at(102))
        .unwrap();
    assert_eq!(
        hall.phone(P3).resolution_model(ours).unwrap().vote,
        "Thông qua 31/38 = 81,58 % (33 có mặt)"
    );
    hall.sync_all();
    assert!(matches!(
        hall.phone(P3).issue_resolution(ours, at(103)),
        Err(DeviceError::Command(CommandError::Blocked { .. }))
    ));
    let list = hall.phone(P2).review(theirs).unwrap();
    let item = list.open()[0].clone();
    assert_eq!(item.kind, ReviewKind::NumberTwice);
    hall.phone(P2)
        .settle(theirs, &item.id, &item.options[0].pick, at(104))
        .unwrap();
    hall.sync_all();
    hall.phone(P3).issue_resolution(ours, at(105)).unwrap();
    hall.phone(P2).issue_resolution(theirs, at(106)).unwrap();
    hall.sync_all();
    let numbers: Vec<Option<String>> = hall
        .phone(P1)
        .resolutions()
        .unwrap()
        .iter()
        .map(|view| view.number_text())
        .collect();
    assert_eq!(numbers, [Some("04-NQ/CB".into()), Some("03-NQ/CB".into())]);
}

#[test]
fn a_published_policy_holds_from_its_day_on_and_a_wrong_file_is_refused_by_line_and_field() {
    let mut hall = Hall::new();
    let doc = meeting(&mut hall);
    let before = hall.phone(P1).meeting_view(doc).unwrap().attendance.counts;
    assert_eq!(before.must_attend, 40);
    // From May on, who is exempt must attend as well.
    let shipped = include_str!("../../core/handbook/data/policy-vn-1.json");
    let policy = shipped.replacen("2025-01-01", "2025-05-01", 1).replacen(
        "[\"attending\"]",
        "[\"attending\", \"exempt\"]",
        1,
    );
    let entry = hall.phone(P3).publish_directive(&policy).unwrap();
    assert_eq!((entry.kind, entry.issuer), (DirectiveKind::Policy, Issuer::Unit));
    assert!(matches!(
        hall.phone(P1).publish_directive(&policy),
        Err(PublishDirectiveError::Device(DeviceError::Denied(_)))
    ));
    hall.sync_all();
    for phone in [P1, P2, P3] {
        let counts = hall.phone(phone).meeting_view(doc).unwrap().attendance.counts;
        assert_eq!(counts.must_attend, 42, "P{}", phone + 1);
        let held = hall.phone(phone).directives(day("2025-04-30")).unwrap();
        let april = held
            .iter()
            .find(|one| one.in_force && one.kind == DirectiveKind::Policy);
        assert_eq!(april.unwrap().issuer, Issuer::Shipped);
    }
    let wrong = policy.replacen("\"quorum\"", "\"quorom\"", 1);
    match hall.phone(P3).publish_directive(&wrong) {
        Err(PublishDirectiveError::Directive(error)) => {
            let said = error.to_string();
            assert!(said.contains("quorom") && said.starts_with("line "), "{said}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_published_and_recorded_is_there_after_opening_again() {
    use rand::SeedableRng;
    let mut hall = Hall::new();
    let policy = include_str!("../../core/handbook/data/fees-vn-2.json");
    hall.phone(P3)
        .publish_directive(&policy.replacen("2026-01-01", "2026-03-01", 1))
        .unwrap();
    let store = hall.branch.phones.remove(P3).into_store();
    assert!(!store.list(Bucket::Library, b"d").unwrap().is_empty());
    let rng = Box::new(rand::rngs::StdRng::seed_from_u64(5));
    let device = Device::open(store, rng).unwrap();
    let rates = device.fee_rates("2026-04".parse().unwrap()).unwrap();
    assert_eq!(rates.from, day("2026-03-01"));
}

#[test]
fn the_first_screen_follows_the_meeting_and_what_waits() {
    use sotay_engine::handbook::home::{Action, HomePhase, HomeRole};
    let mut hall = Hall::new();
    let screen = |hall: &mut Hall, phone: usize, minute| {
        let view = hall.phone(phone).home_view(at(minute)).unwrap();
        let codes: Vec<Action> = view.actions.iter().map(|action| action.code).collect();
        (view, codes)
    };
    let (view, codes) = screen(&mut hall, P3, -60);
    assert_eq!(
        (view.role, view.phase),
        (HomeRole::Secretary, HomePhase::NoMeeting)
    );
    assert_eq!(codes[0], Action::NewMeeting);
    let doc = hall.branch.begin(P1);
    let clerk = hall.branch.member(3);
    hall.branch.on(P1, doc, 0, Command::SetClerk(clerk));
    hall.branch.on(P1, doc, 0, Command::Open);
    let (view, codes) = screen(&mut hall, P1, 1);
    assert_eq!(
        (view.role, view.phase, view.clerk),
        (HomeRole::Committee, HomePhase::Opened, true)
    );
    assert!(codes.contains(&Action::Attendance) && !codes.contains(&Action::Close));
    hall.branch.on(
        P1,
        doc,
        30,
        Command::EnterStage(sotay_engine::handbook::meeting::Stage::Discussion),
    );
    assert_eq!(screen(&mut hall, P1, 31).0.phase, HomePhase::Discussion);
    hall.branch
        .conclude(P1, doc, "Nạo vét mương N3.", Some("2025-05-04"), &[2]);
    hall.branch.on(P1, doc, 90, Command::Close);
    hall.sync_all();
    hall.phone(P3).tasks_of_meeting(doc, at(91)).unwrap();
    hall.sync_all();
    let (view, codes) = screen(&mut hall, P2, 100);
    assert_eq!(view.phase, HomePhase::Closed);
    assert!(codes.contains(&Action::Seal));
    assert_eq!((view.tasks.len(), view.overdue), (1, 1));
    assert_eq!(view.reports_due, [may()]);
    assert_eq!(view.meeting.unwrap().doc, doc);
    assert!(
        screen(&mut hall, P1, 100).0.reports_due.is_empty(),
        "she sends none"
    );
}

#[test]
fn the_diary_is_paged_and_alike_on_all_phones_and_undoing_stands_in_it() {
    let mut hall = Hall::new();
    let doc = hall.branch.begin(P1);
    hall.branch
        .on(P1, doc, 0, Command::SetPlace("Nhà văn hóa".into()));
    let speech = hall.branch.speak(P1, doc, 5, "Ghi nhầm.");
    let undone = hall.phone(P1).undo(doc, at(31)).unwrap();
    assert!(!undone.did.is_empty());
    hall.sync_all();
    let page = hall.phone(P2).diary(doc, 0, 2).unwrap();
    assert_eq!((page.total, page.lines.len()), (4, 2));
    assert!(page.lines[1].undone && page.lines[1].hash == undone.hash);
    assert_eq!(page.lines[0].who.as_deref(), Some("Lê Quang Vinh"));
    assert_eq!(
        hall.phone(P3).diary(doc, 0, 10).unwrap(),
        hall.phone(P1).diary(doc, 0, 10).unwrap()
    );
    let rest = hall.phone(P2).diary(doc, 2, 10).unwrap();
    assert_eq!((rest.skipped, rest.lines.len()), (2, 2));
    for phone in [P1, P2, P3] {
        let view = hall.phone(phone).meeting_view(doc).unwrap();
        assert!(view.speeches.is_empty() && view.removed == [speech]);
    }
    // P2 has done nothing there; P3 is told that a step stays.
    assert!(matches!(
        hall.phone(P2).undo(doc, at(40)),
        Err(DeviceError::Command(CommandError::NothingToUndo))
    ));
    hall.branch.on(P3, doc, 41, Command::Convene);
    assert!(matches!(
        hall.phone(P3).undo(doc, at(42)),
        Err(DeviceError::Command(CommandError::CannotUndo(_)))
    ));
}

#[test]
fn the_next_meeting_takes_over_last_months_tasks_and_the_fees_of_its_month() {
    let mut hall = Hall::new();
    let april = hall.phone(P1);
    let (month, date) = ("2025-04".parse().unwrap(), day("2025-04-05"));
    let kind = sotay_engine::handbook::meeting::MeetingKind::Regular;
    let before = april.new_meeting(kind, Some(month), Some(date), at(0)).unwrap();
    hall.branch.on(P1, before, 0, Command::Open);
    hall.branch
        .conclude(P1, before, "Nạo vét mương N3.", Some("2025-04-25"), &[8]);
    hall.phone(P1).tasks_of_meeting(before, at(1)).unwrap();
    let task = hall.phone(P1).tasks(2025).unwrap().tasks[0].id;
    let report = TaskCommand::Report {
        id: task,
        status: TaskStatus::Done,
        result: Some("đã vét 400 m".into()),
    };
    hall.phone(P1).task(2025, &report, at(2)).unwrap();
    let doc = hall.branch.begin(P1);
    assert_eq!(hall.phone(P1).take_in(doc, at(3)).unwrap(), 1);
    let minutes = hall.phone(P1).minutes(doc).unwrap();
    assert!(
        minutes
            .text
            .contains("1. Nạo vét mương N3. (Bùi Xuân Trường), hạn 25/04/2025: đã làm xong; đã vét 400 m"),
        "{}",
        minutes.text
    );
    assert!(
        minutes
            .text
            .contains("Phải thu 234.000 đồng, đã thu 0 đồng; 40 đồng chí chưa nộp đủ")
    );
    let accept = TaskCommand::Report {
        id: task,
        status: TaskStatus::Accepted,
        result: None,
    };
    hall.phone(P1).task(2025, &accept, at(4)).unwrap();
    assert_eq!(
        hall.phone(P1).minutes(doc).unwrap().sha256,
        minutes.sha256,
        "what was read out stays"
    );
}
