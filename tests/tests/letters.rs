//! Letters between a branch and the commune above it: what becomes of reports, feedback passed up, members who move. Real
//! devices, one relay.

use sotay_engine::handbook::dispatch::{ReportStep, TransferKind, TransferStep};
use sotay_engine::handbook::feedback::FeedbackStatus;
use sotay_engine::handbook::meeting::{Command, How, MeetingKind, State as Attendance};
use sotay_engine::handbook::roster::Activity;
use sotay_engine::handbook::{Date, EntryId, Month};
use sotay_engine::study::library::Hash;
use sotay_engine::{Denied, Device, DeviceError, NewFeedback, NewMove, SharedMark, State, today};
use sotay_feed::{Space, SpaceKind};
use sotay_store::{Budget, MemoryStore, Store};
use sotay_tests::levels::{BRANCH, COMMUNE, Levels, MEMBER, NOW, PROVINCE, document};

const MINUTE: i64 = 60_000;

fn month() -> Month {
    "2026-05".parse().unwrap()
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn met(levels: &mut Levels) {
    let branch = &mut levels.phones[BRANCH];
    branch
        .new_meeting(MeetingKind::Regular, Some(month()), Some(day("2026-05-05")), NOW)
        .unwrap();
    branch.send_report(month(), NOW).unwrap();
    levels.settle();
}

#[test]
fn a_report_is_received_by_itself_opened_returned_and_accepted_and_the_branch_shows_it_offline() {
    let mut levels = Levels::new();
    levels.settle();
    met(&mut levels);
    let unit = levels.branch;
    let step = |device: &mut Device<MemoryStore>| device.report_answers(None, 2026).unwrap()[0].step;
    assert_eq!(step(&mut levels.phones[BRANCH]), Some(ReportStep::Received));
    let opened = levels.phones[COMMUNE]
        .open_report(unit, month(), 1, NOW + MINUTE)
        .unwrap();
    assert_eq!(opened.len(), 1);
    levels.settle();
    assert_eq!(step(&mut levels.phones[BRANCH]), Some(ReportStep::Opened));
    let empty = levels.phones[COMMUNE].answer_report(unit, (month(), 1), false, &" ".into(), NOW);
    assert!(matches!(empty, Err(DeviceError::Command(_))), "{empty:?}");
    levels.phones[COMMUNE]
        .answer_report(
            unit,
            (month(), 1),
            false,
            &"Thiếu biểu đảng phí.".into(),
            NOW + 2 * MINUTE,
        )
        .unwrap();
    levels.settle();
    let home = levels.phones[BRANCH].home_view(NOW).unwrap();
    assert_eq!(home.reports_returned, [month()]);
    // No network any more: everything that was said stands on the branch's phone.
    let branch = levels.phones.remove(BRANCH);
    let mut branch = Device::open(branch.into_store(), sotay_tests::levels::rng(40)).unwrap();
    let answer = &branch.report_answers(None, 2026).unwrap()[0];
    let said: Vec<(ReportStep, i64, Option<&str>)> = answer
        .words
        .iter()
        .map(|word| {
            (
                word.step,
                word.at_ms,
                word.remark.as_ref().map(|text| text.as_str()),
            )
        })
        .collect();
    assert_eq!(
        said,
        [
            (ReportStep::Received, NOW, None),
            (ReportStep::Opened, NOW + MINUTE, None),
            (
                ReportStep::Returned,
                NOW + 2 * MINUTE,
                Some("Thiếu biểu đảng phí.")
            ),
        ]
    );
    levels.phones.insert(BRANCH, branch);
    // What was missing is recorded, and goes up as the next revision.
    let branch = &mut levels.phones[BRANCH];
    let doc = branch.meetings().unwrap()[0].doc;
    let members = branch.members(day("2026-05-05")).unwrap();
    let mark = Command::Mark {
        members: members.iter().map(|line| line.line.member).collect(),
        state: Attendance::Present,
        how: How::RollCall,
        reason: None,
    };
    branch.meeting(doc, &Command::Open, NOW).unwrap();
    branch.meeting(doc, &mark, NOW).unwrap();
    branch.meeting(doc, &Command::Close, NOW).unwrap();
    let sent = levels.phones[BRANCH].send_report(month(), NOW).unwrap();
    assert_eq!(sent.revision, 2);
    levels.settle();
    assert_eq!(levels.phones[BRANCH].home_view(NOW).unwrap().reports_returned, []);
    levels.phones[COMMUNE]
        .answer_report(unit, (month(), 2), true, &"".into(), NOW)
        .unwrap();
    levels.settle();
    let answers = levels.phones[BRANCH].report_answers(None, 2026).unwrap();
    let steps: Vec<Option<ReportStep>> = answers.iter().map(|answer| answer.step).collect();
    assert_eq!(steps, [Some(ReportStep::Returned), Some(ReportStep::Accepted)]);
}

#[test]
fn a_branch_says_nothing_in_the_name_of_the_level_above_and_members_read_no_letter() {
    let mut levels = Levels::new();
    levels.settle();
    met(&mut levels);
    let unit = levels.branch;
    let own = levels.phones[BRANCH].open_report(unit, month(), 1, NOW);
    assert!(matches!(own, Err(DeviceError::NoUnit)), "{own:?}");
    let member = levels.phones[MEMBER].report_answers(None, 2026);
    assert!(
        matches!(member, Err(DeviceError::Denied(Denied::Rank))),
        "{member:?}"
    );
    let report = Space::of(unit, SpaceKind::Report).id();
    for outsider in [MEMBER, PROVINCE] {
        let held = levels.phones[outsider]
            .replica()
            .store()
            .frontier(&report)
            .unwrap();
        assert!(held.is_empty(), "phone {outsider}");
    }
}

fn write(device: &mut Device<MemoryStore>, text: &str, named: bool, name_above: bool) -> EntryId {
    let new = NewFeedback {
        topic: "Thủy lợi".into(),
        text: text.into(),
        named,
        name_above,
        ..NewFeedback::default()
    };
    device.submit_feedback(&new, NOW + 5 * MINUTE).unwrap()
}

#[test]
fn feedback_goes_up_as_its_writer_agreed_and_the_answer_comes_back_with_a_receipt_on_each_hop() {
    let mut levels = Levels::new();
    levels.settle();
    let named = write(&mut levels.phones[MEMBER], "Mương số 3 bị sạt.", true, true);
    let kept = write(&mut levels.phones[MEMBER], "Đèn đường hỏng.", true, false);
    let nameless = write(&mut levels.phones[MEMBER], "Chợ cần dời.", false, true);
    levels.settle();
    for id in [named, kept, nameless] {
        levels.phones[BRANCH]
            .pass_up_feedback(id, NOW + 9 * MINUTE)
            .unwrap();
        levels.phones[BRANCH]
            .pass_up_feedback(id, NOW + 10 * MINUTE)
            .unwrap();
    }
    levels.settle();
    let holder = levels.phones[MEMBER].member().unwrap();
    let above = levels.phones[COMMUNE].feedback_from_below().unwrap();
    assert_eq!(above.len(), 3, "each once");
    let of = |id: EntryId| above.iter().find(|line| line.passed.item == id).unwrap();
    assert_eq!(
        of(named).passed.name.as_ref().map(|name| name.as_str()),
        Some("Trần Thị Hoa")
    );
    assert_eq!(of(named).passed.at_ms, NOW + 5 * MINUTE);
    for id in [kept, nameless] {
        assert_eq!(of(id).passed.name, None);
        assert_eq!((of(id).passed.at_ms + 7 * 60 * MINUTE) % (24 * 60 * MINUTE), 0);
    }
    // Receipts: the committee knows that the commune has them, the writer that they were passed up.
    let passed = levels.phones[BRANCH].passed_feedback().unwrap();
    assert!(
        passed
            .iter()
            .all(|line| line.status == Some(FeedbackStatus::Received))
    );
    let status = |levels: &Levels, id: EntryId| {
        let own = levels.phones[MEMBER].own_feedback().unwrap();
        let own = own.into_iter().find(|own| own.item.id == id).unwrap();
        own.answers
            .into_iter()
            .map(|reply| (reply.status, reply.text))
            .collect::<Vec<_>>()
    };
    assert_eq!(status(&levels, named), [(FeedbackStatus::PassedUp, None)]);
    assert_eq!(status(&levels, nameless), []);

    let commune = &mut levels.phones[COMMUNE];
    commune
        .answer_from_above(
            named,
            FeedbackStatus::Answered,
            Some("Sẽ sửa trong tháng 6.".into()),
            false,
            NOW,
        )
        .unwrap();
    commune
        .answer_from_above(
            nameless,
            FeedbackStatus::Answered,
            Some("Đã giao phòng kinh tế.".into()),
            false,
            NOW,
        )
        .unwrap();
    let early = levels.phones[BRANCH].hand_on_answer(named, NOW);
    assert!(early.is_err(), "no answer has come yet");
    levels.settle();
    for id in [named, nameless] {
        levels.phones[BRANCH]
            .hand_on_answer(id, NOW + 20 * MINUTE)
            .unwrap();
    }
    levels.settle();
    let answered = status(&levels, named);
    let text = answered.last().unwrap().1.as_ref().unwrap();
    assert_eq!(text.as_str(), "Đảng bộ xã: Sẽ sửa trong tháng 6.");
    let public = levels.phones[MEMBER].public_answers().unwrap();
    assert_eq!(public.len(), 1, "the named writer's answer is not for everybody");
    assert_eq!(public[0].item, nameless);
    // The commune never held an id of the member with these letters, and no other space of the branch.
    let report = Space::of(levels.branch, SpaceKind::Report).id();
    let ring_only = |kind| {
        let id = Space::of(levels.branch, kind).id();
        levels.phones[COMMUNE]
            .replica()
            .store()
            .frontier(&id)
            .unwrap()
            .is_empty()
    };
    assert!(
        [SpaceKind::Main, SpaceKind::Inbox, SpaceKind::Committee]
            .into_iter()
            .all(ring_only)
    );
    let all = Budget {
        count: 1000,
        bytes: 1 << 20,
    };
    let relay = levels.relay.replica().store().since(&report, 0, all).unwrap();
    for needle in [
        "Mương".as_bytes(),
        "Trần Thị Hoa".as_bytes(),
        holder.as_bytes(),
        named.as_bytes(),
    ] {
        let found = relay
            .envelopes
            .iter()
            .any(|stored| stored.bytes.windows(needle.len()).any(|window| window == needle));
        assert!(!found, "nothing of it stands in the clear at the relay");
    }
}

#[test]
fn feedback_goes_up_two_levels_and_the_answer_comes_down_the_same_way() {
    let mut levels = Levels::new();
    levels.settle();
    let named = write(&mut levels.phones[MEMBER], "Cầu qua sông nứt.", true, true);
    let nameless = write(&mut levels.phones[MEMBER], "Trạm bơm quá tải.", false, false);
    levels.settle();
    for (phone, minute) in [(BRANCH, 9), (COMMUNE, 20)] {
        let now = NOW + minute * MINUTE;
        for id in [named, nameless] {
            levels.phones[phone].pass_up_feedback(id, now).unwrap();
            levels.phones[phone].pass_up_feedback(id, now + MINUTE).unwrap();
        }
        levels.settle();
    }
    let above = levels.phones[PROVINCE].feedback_from_below().unwrap();
    assert_eq!(above.len(), 2, "each once");
    let of = |id: EntryId| above.iter().find(|line| line.passed.item == id).unwrap();
    assert_eq!(of(named).unit, levels.phones[COMMUNE].unit().unwrap());
    assert_eq!(
        of(named).passed.name.as_ref().map(|name| name.as_str()),
        Some("Trần Thị Hoa")
    );
    assert_eq!(of(nameless).passed.name, None);
    assert_eq!(of(nameless).passed.passed_ms, NOW + 20 * MINUTE);

    // A receipt on each hop: the commune knows that the province has it, the branch that it went on.
    let status = |levels: &Levels, phone: usize| {
        let lines = levels.phones[phone].passed_feedback().unwrap();
        lines.iter().map(|line| line.status).collect::<Vec<_>>()
    };
    assert_eq!(status(&levels, COMMUNE), [Some(FeedbackStatus::Received); 2]);
    assert_eq!(status(&levels, BRANCH), [Some(FeedbackStatus::PassedUp); 2]);

    for (id, text) in [(named, "Đã cấp vốn."), (nameless, "Đưa vào kế hoạch 2027.")] {
        levels.phones[PROVINCE]
            .answer_from_above(
                id,
                FeedbackStatus::Answered,
                Some(text.into()),
                false,
                NOW + 30 * MINUTE,
            )
            .unwrap();
    }
    levels.settle();
    for (phone, minute) in [(COMMUNE, 40), (BRANCH, 50)] {
        for id in [named, nameless] {
            levels.phones[phone]
                .hand_on_answer(id, NOW + minute * MINUTE)
                .unwrap();
        }
        levels.settle();
    }
    assert_eq!(status(&levels, BRANCH), [Some(FeedbackStatus::Answered); 2]);
    let own = levels.phones[MEMBER].own_feedback().unwrap();
    let own = own.into_iter().find(|own| own.item.id == named).unwrap();
    let told: Vec<_> = own.answers.iter().map(|reply| reply.status).collect();
    assert_eq!(told, [FeedbackStatus::PassedUp, FeedbackStatus::Answered]);
    let text = own.answers.last().unwrap().text.as_ref().unwrap();
    assert!(text.as_str().starts_with("Đảng bộ xã: "), "{text:?}");
    assert!(
        text.as_str().ends_with(": Đã cấp vốn."),
        "the province is named as well: {text:?}"
    );
    let public = levels.phones[MEMBER].public_answers().unwrap();
    assert_eq!(public.len(), 1);
    assert_eq!(public[0].item, nameless);
}

#[test]
fn figures_of_documents_from_above_go_up_with_the_report_without_persons() {
    let mut levels = Levels::new();
    levels.settle();
    let id: Hash = levels.phones[COMMUNE]
        .publish_documents(&[document("05-NQ/ĐU", "Học tập nghị quyết", Vec::new())])
        .unwrap()[0];
    levels.phones[BRANCH]
        .publish_documents(&[document("01-TB/CB", "Của chi bộ", Vec::new())])
        .unwrap();
    levels.settle();
    levels.phones[MEMBER]
        .share_reading(id, SharedMark::Received)
        .unwrap();
    levels.settle();
    met(&mut levels);
    let below = levels.phones[COMMUNE].delivered_below().unwrap();
    assert_eq!(below.len(), 1, "the branch's own documents are its own affair");
    let figures = below[&id];
    assert_eq!(
        (figures.units, figures.members, figures.delivered, figures.done),
        (1, 2, 1, 0)
    );
}

#[test]
fn figures_go_up_through_every_level_and_units_that_told_nothing_are_counted_as_silent() {
    let mut levels = Levels::new();
    levels.settle();
    let other = second_branch(&mut levels);
    let id: Hash = levels.phones[PROVINCE]
        .publish_documents(&[document("05-NQ/TU", "Học tập nghị quyết", Vec::new())])
        .unwrap()[0];
    levels.settle();
    for (phone, mark) in [
        (MEMBER, SharedMark::Done),
        (BRANCH, SharedMark::Received),
        (COMMUNE, SharedMark::Received),
    ] {
        levels.phones[phone].share_reading(id, mark).unwrap();
    }
    levels.settle();
    met(&mut levels);
    let figures = |levels: &Levels, phone: usize| {
        let below = levels.phones[phone].delivered_below().unwrap();
        below
            .get(&id)
            .map(|sum| (sum.units, sum.silent, sum.members, sum.delivered))
    };
    assert_eq!(
        figures(&levels, COMMUNE),
        Some((1, 1, 2, 2)),
        "the other branch told nothing"
    );
    assert_eq!(
        figures(&levels, PROVINCE),
        None,
        "the commune has not sent its own yet"
    );
    levels.phones[COMMUNE].send_report(month(), NOW).unwrap();
    levels.settle();
    assert_eq!(
        figures(&levels, PROVINCE),
        Some((2, 1, 3, 3)),
        "the commune and its first branch"
    );
    // The second branch tells in the next month, and then the commune.
    levels.phones[other]
        .share_reading(id, SharedMark::Received)
        .unwrap();
    levels.settle();
    levels.phones[other].send_report(month(), NOW).unwrap();
    levels.settle();
    assert_eq!(figures(&levels, COMMUNE), Some((2, 0, 3, 3)));
    levels.phones[COMMUNE].send_report(month().next(), NOW).unwrap();
    levels.settle();
    assert_eq!(figures(&levels, PROVINCE), Some((3, 0, 4, 4)));
}

/// A second branch below the commune, as the last phone.
fn second_branch(levels: &mut Levels) -> usize {
    levels.add_branch("Chi bộ 2");
    levels.settle();
    levels.phones.len() - 1
}

fn new_move(levels: &Levels, kind: TransferKind, from: &str, until: Option<&str>) -> NewMove {
    NewMove {
        member: levels.phones[MEMBER].member().unwrap(),
        kind,
        from: day(from),
        until: until.map(day),
        place: "Chi bộ 2".into(),
    }
}

fn activity(device: &mut Device<MemoryStore>, name: &str, on: &str) -> Option<Activity> {
    let lines = device.members(day(on)).unwrap();
    let line = lines.into_iter().find(|line| line.name.as_deref() == Some(name));
    line.map(|line| line.line.activity)
}

#[test]
fn a_member_transferred_for_good_leaves_one_branch_arrives_in_another_and_the_phone_gets_nothing_new() {
    let mut levels = Levels::new();
    let other = second_branch(&mut levels);
    levels.settle();
    let to = levels.phones[other].unit().unwrap();
    let (first, later) = (today(NOW).month().first().to_string(), "2026-12-01");
    let ask = new_move(&levels, TransferKind::Official, &first, None);
    let id = levels.phones[BRANCH].ask_move(&ask, NOW).unwrap();
    assert!(
        levels.phones[BRANCH].leave(id, None, NOW).is_err(),
        "nothing is recorded yet"
    );
    levels.settle();
    levels.phones[COMMUNE]
        .record_move(id, Some(to), None, NOW)
        .unwrap();
    levels.settle();
    assert_eq!(levels.phones[BRANCH].home_view(NOW).unwrap().moves_waiting, 1);
    let left = levels.phones[BRANCH].leave(id, None, NOW).unwrap();
    assert_eq!(left.removed.unwrap().devices, [levels.phones[MEMBER].id()]);
    let member = levels.phones[other].arrive(id, NOW).unwrap();
    assert_eq!(
        levels.phones[other].arrive(id, NOW).unwrap(),
        member,
        "twice is once"
    );
    levels.phones[BRANCH]
        .new_meeting(MeetingKind::Regular, Some(month()), None, NOW)
        .unwrap();
    levels.settle();
    let name = "Trần Thị Hoa";
    assert_eq!(
        activity(&mut levels.phones[BRANCH], name, later),
        None,
        "off the list"
    );
    assert_eq!(
        activity(&mut levels.phones[other], name, later),
        Some(Activity::Attending)
    );
    let phone = &mut levels.phones[MEMBER];
    assert_eq!(
        phone.meetings().unwrap().len(),
        0,
        "nothing new of the branch it left"
    );
    let standing = levels.phones[BRANCH].replica().membership(levels.branch).unwrap();
    let standing = standing.standing(levels.phones[MEMBER].id()).unwrap();
    assert_eq!(standing.state, State::Revoked);
    let steps = |device: &Device<MemoryStore>| {
        let lines = device.moves().unwrap();
        lines.iter().map(|line| line.now.step).collect::<Vec<_>>()
    };
    assert_eq!(steps(&levels.phones[BRANCH]), [TransferStep::Left]);
    assert_eq!(steps(&levels.phones[other]), [TransferStep::Arrived]);
    assert_eq!(levels.phones[COMMUNE].moves_below().unwrap().len(), 2);
    // A new profile of the same phone joins the other branch.
    let joined = levels.join_as(other, member, 60);
    assert_eq!(joined.member(), Some(member));
}

#[test]
fn a_member_attached_for_a_time_is_away_at_home_until_the_day_and_votes_nowhere_else() {
    let mut levels = Levels::new();
    let other = second_branch(&mut levels);
    levels.settle();
    let to = levels.phones[other].unit().unwrap();
    let ask = new_move(&levels, TransferKind::Temporary, "2026-06-01", Some("2026-08-31"));
    let id = levels.phones[BRANCH].ask_move(&ask, NOW).unwrap();
    levels.settle();
    let from = Some(day("2026-06-15"));
    levels.phones[COMMUNE]
        .record_move(id, Some(to), from, NOW)
        .unwrap();
    levels.settle();
    let left = levels.phones[BRANCH].leave(id, None, NOW).unwrap();
    assert_eq!(left.removed, None, "the member stays one of the branch");
    levels.phones[other].arrive(id, NOW).unwrap();
    let name = "Trần Thị Hoa";
    let at = |levels: &mut Levels, phone: usize| {
        ["2026-06-14", "2026-06-15", "2026-08-31", "2026-09-01"]
            .map(|on| activity(&mut levels.phones[phone], name, on))
    };
    let (attending, away, attached) = (
        Some(Activity::Attending),
        Some(Activity::Away),
        Some(Activity::Attached),
    );
    assert_eq!(at(&mut levels, BRANCH), [attending, away, away, attending]);
    assert_eq!(at(&mut levels, other), [None, attached, attached, None]);
    levels.settle();
    assert!(!levels.phones[MEMBER].members(today(NOW)).unwrap().is_empty());
}

#[test]
fn a_member_away_for_a_time_needs_no_other_branch_and_a_refused_move_changes_no_list() {
    let mut levels = Levels::new();
    levels.settle();
    let away = new_move(&levels, TransferKind::Away, "2026-06-01", Some("2026-06-30"));
    let id = levels.phones[BRANCH].ask_move(&away, NOW).unwrap();
    levels.phones[BRANCH].leave(id, None, NOW).unwrap();
    let name = "Trần Thị Hoa";
    let on = ["2026-06-30", "2026-07-01"].map(|on| activity(&mut levels.phones[BRANCH], name, on));
    assert_eq!(on, [Some(Activity::Away), Some(Activity::Attending)]);
    let ask = new_move(&levels, TransferKind::Official, "2026-07-01", None);
    let id = levels.phones[BRANCH].ask_move(&ask, NOW).unwrap();
    levels.settle();
    levels.phones[COMMUNE].refuse_move(id, NOW).unwrap();
    levels.settle();
    assert!(levels.phones[BRANCH].leave(id, None, NOW).is_err());
    assert_eq!(
        activity(&mut levels.phones[BRANCH], name, "2026-07-02"),
        Some(Activity::Attending)
    );
    let wrong = NewMove {
        until: Some(day("2026-06-30")),
        ..ask
    };
    assert!(
        levels.phones[BRANCH].ask_move(&wrong, NOW).is_err(),
        "for good has no last day"
    );
}
