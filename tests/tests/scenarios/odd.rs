//! What can hardly be meant is recorded as it was given, merges like anything else, and is named in words.

use super::*;

fn meeting() -> Hall {
    let (evening, members) = evening(|branch| branch.begin(P3));
    let mut hall = evening.copy(&members);
    hall.sync_all(&[P3, P1, P2]);
    hall
}

fn said(hall: &mut Hall, kind: ReviewKind) -> Vec<String> {
    let shown = hall.converged();
    assert!(!shown.review.blocks());
    let items = shown.review.open().iter().filter(|item| item.kind == kind);
    let mut said: Vec<String> = items.map(|item| hall.say_item(item)).collect();
    said.sort();
    said
}

#[test]
fn dates_outside_the_meeting_are_recorded_and_named() {
    let mut hall = meeting();
    let doc = hall.doc;
    let time = |text: &str| text.parse().unwrap();
    let (m5, m6) = (hall.branch.member(5), hall.branch.member(6));
    let commands = [
        Command::SetStart(time("2025-05-05T19:30")),
        Command::SetEnd(time("2025-05-05T18:00")),
        Command::Arrived {
            member: m5,
            at: Some(time("2025-05-05T17:00")),
        },
        Command::Left {
            member: m6,
            at: Some(time("2025-05-06T09:00")),
        },
    ];
    for command in commands {
        hall.branch.on(P1, doc, 10, command);
    }
    hall.branch
        .conclude(P1, doc, "Nạo vét mương N3.", Some("2025-04-30"), &[8]);
    hall.sync_all(&[P1, P2, P3]);
    assert_eq!(
        said(&mut hall, ReviewKind::TimeOdd),
        [
            "Giờ kết thúc 18:00 ngày 05/05/2025 trước giờ khai mạc 19:30 ngày 05/05/2025",
            "Hoàng Văn Thắng: giờ đến 17:00 ngày 05/05/2025 ngoài thời gian họp",
            "Kết luận “Nạo vét mương N3.”: thời hạn 30/04/2025 trước ngày họp 05/05/2025",
            "Vũ Đình Khôi: giờ về 09:00 ngày 06/05/2025 ngoài thời gian họp",
        ]
    );
    // What was recorded stands in the minutes; set right where it was recorded, it is odd no more.
    hall.branch
        .on(P1, doc, 20, Command::SetEnd(time("2025-05-05T21:05")));
    hall.branch.on(
        P1,
        doc,
        20,
        Command::Arrived {
            member: m5,
            at: Some(time("2025-05-05T19:50")),
        },
    );
    hall.branch
        .on(P1, doc, 20, Command::Left { member: m6, at: None });
    hall.sync_all(&[P3, P1, P2]);
    assert_eq!(said(&mut hall, ReviewKind::TimeOdd).len(), 1);
}

#[test]
fn a_phone_whose_clock_is_off_by_hours_is_named_and_nothing_else_changes() {
    let mut hall = meeting();
    let doc = hall.doc;
    hall.branch.speak(P1, doc, 5, "Ghi đúng giờ.");
    hall.sync_all(&[P1, P2, P3]);
    // P2's clock is five hours behind.
    let id = hall.branch.phones[P2].fresh_id();
    let late = Command::AddSpeech {
        id,
        speaker: sotay_engine::handbook::meeting::Person::Member(hall.branch.member(6)),
        agenda: None,
        text: "Ghi lệch giờ.".into(),
        place: Place::Last,
    };
    hall.branch.on(P2, doc, 40 - 5 * 60, late);
    hall.sync_all(&[P2, P1, P3]);
    assert_eq!(
        said(&mut hall, ReviewKind::ClockOff),
        ["Đồng hồ của P2 lệch 290 phút"]
    );
    let shown = hall.converged();
    let texts: Vec<&str> = shown
        .view
        .speeches
        .iter()
        .map(|speech| speech.text.as_str())
        .collect();
    assert_eq!(
        texts,
        ["Ghi đúng giờ.", "Ghi lệch giờ."],
        "causes decide the order, not clocks"
    );
}

#[test]
fn more_votes_than_voters_are_kept_and_block_until_the_chair_accepts_the_count() {
    let mut hall = meeting();
    let doc = hall.doc;
    hall.branch.on(P3, doc, 1, Command::Open);
    hall.branch.take_attendance(doc);
    hall.sync_all(&[P1, P2, P3]);
    let motion = hall.branch.phones[P3].fresh_id();
    let add = Command::AddMotion {
        id: motion,
        agenda: None,
        text: "Làm đường ngõ 7".into(),
        method: Method::Hands,
        need: Need::Majority,
        place: Place::Last,
    };
    hall.branch.on(P3, doc, 50, add);
    hall.branch.on(P3, doc, 51, Command::OpenVote { id: motion });
    let counts = TallyCount {
        for_: 40,
        against: 0,
        other: 0,
        invalid: 0,
    };
    hall.branch.on(
        P3,
        doc,
        52,
        Command::RecordTally {
            motion,
            counts,
            board: vec![],
        },
    );
    hall.sync_all(&[P3, P1, P2]);
    let shown = hall.converged();
    let over: Vec<String> = shown.review.blocking().map(|item| hall.say_item(item)).collect();
    assert_eq!(
        over,
        ["“Làm đường ngõ 7”: nhiều phiếu hơn số người có mặt được biểu quyết. P3: thừa 7 so với 33"]
    );
    let item = shown.review.blocking().next().unwrap().id.clone();
    hall.choose(&item, "như đã đếm", 53);
    hall.sync_all(&[P3, P1, P2]);
    assert!(!hall.converged().review.blocks());
}

#[test]
fn somebody_who_is_not_on_the_roster_cannot_be_marked_and_nothing_is_recorded() {
    let mut hall = meeting();
    let doc = hall.doc;
    let stranger = sotay_feed::MemberId::from_bytes([0xee; 16]);
    let mark = Command::Mark {
        members: vec![hall.branch.member(5), stranger],
        state: State::Present,
        how: How::RollCall,
        reason: None,
    };
    let before = hall.shown(P1);
    match hall.branch.phones[P1].meeting(doc, &mark, at(5)) {
        Err(DeviceError::Command(CommandError::Unknown(what))) => assert_eq!(what.key(), "member"),
        other => panic!("{other:?}"),
    }
    assert!(hall.shown(P1) == before, "not even the member who is on it");
}
