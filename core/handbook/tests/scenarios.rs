//! The acceptance scenarios 1 to 5 on documents, and what belongs to 6: exact numbers and phrases, every sync order.

mod common;

use common::{Hall, ORDERS, PHONES, Shown, blocking};
use sotay_feed::MemberId;
use sotay_handbook::fixture::{self, device, member};
use sotay_handbook::meeting::{
    Ballot, Command, How, MeetingKind, Method, Need, NotCounted, Person, Place, State, Step, TallyCount,
    TallyFit,
};
use sotay_handbook::review::{ReviewKind, Severity};
use sotay_handbook::roster::Roll;
use sotay_handbook::{CommandError, Contest, Date, EntryId};

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn found() -> Command {
    Command::Found {
        kind: MeetingKind::Regular,
        month: Some("2025-05".parse().unwrap()),
        date: Some(day(fixture::MEETING_DAY)),
    }
}

fn mark(members: impl IntoIterator<Item = u32>, state: State, how: How, reason: Option<&str>) -> Command {
    Command::Mark {
        members: members.into_iter().map(member).collect(),
        state,
        how,
        reason: reason.map(Into::into),
    }
}

const EXCUSED: [(u32, &str); 4] = [
    (14, "ốm"),
    (22, "đi công tác"),
    (28, "chăm người nhà nằm viện"),
    (36, "họp trên xã"),
];
const UNEXCUSED: u32 = 31;

/// P1 marks M01–M20, P2 M21–M42: 35 present (33 full, 2 probationary), 4 excused, 1 unexcused, 2 exempt.
fn take_attendance(hall: &mut Hall) {
    let absent: Vec<u32> = EXCUSED
        .iter()
        .map(|(number, _)| *number)
        .chain([UNEXCUSED, 39, 40])
        .collect();
    for (phone, range) in [(1, 1..=20), (2, 21..=42)] {
        let present = range.clone().filter(|number| !absent.contains(number));
        hall.on(phone, 2, mark(present, State::Present, How::RollCall, None));
        for (number, reason) in EXCUSED.iter().filter(|(number, _)| range.contains(number)) {
            hall.on(
                phone,
                3,
                mark([*number], State::Excused, How::RollCall, Some(reason)),
            );
        }
    }
    hall.on(2, 3, mark([UNEXCUSED], State::Unexcused, How::RollCall, None));
    hall.on(2, 4, mark([39, 40], State::Exempt, How::RollCall, None));
}

fn speech(hall: &mut Hall, phone: u8, speaker: u32, text: &str) -> EntryId {
    let id = hall.id_on(phone);
    hall.on(
        phone,
        30,
        Command::AddSpeech {
            id,
            speaker: Person::Member(member(speaker)),
            agenda: None,
            text: text.into(),
            place: Place::Last,
        },
    );
    id
}

fn conclusion(
    hall: &mut Hall,
    phone: u8,
    text: &str,
    deadline: Option<&str>,
    responsible: &[u32],
) -> EntryId {
    let id = hall.id_on(phone);
    hall.on(
        phone,
        80,
        Command::AddConclusion {
            id,
            agenda: None,
            text: text.into(),
            deadline: deadline.map(day),
            responsible: responsible.iter().map(|&number| member(number)).collect(),
            place: Place::Last,
        },
    );
    id
}

const SPEECHES_P1: [(u32, &str); 9] = [
    (
        5,
        "Đề nghị chi bộ xem lại việc thu gom rác ở xóm Đông, tháng qua có ba tuần xe không vào.",
    ),
    (
        8,
        "Nhất trí với dự thảo. Tuyến mương N3 bồi lắng nặng, nếu không nạo vét trước mùa mưa thì 12 ha lúa bị úng.",
    ),
    (
        11,
        "Đề nghị công khai số tiền đóng góp làm đường ở nhà văn hóa để bà con theo dõi.",
    ),
    (
        6,
        "Hội nông dân đã vận động được 18 hộ hiến đất, còn 2 hộ xóm Trại cần đảng viên phụ trách đến gặp.",
    ),
    (
        16,
        "Chi hội phụ nữ đăng ký đoạn đường hoa dài 400 m từ cổng làng đến trường mầm non.",
    ),
    (
        19,
        "Quân số tự vệ đủ, đề nghị hỗ trợ xăng xe cho tổ tuần tra đêm.",
    ),
    (
        12,
        "Hộ nghèo còn 3 hộ, trong đó 1 hộ có khả năng thoát nghèo cuối năm nếu được vay vốn.",
    ),
    (
        7,
        "Trường tiểu học đề nghị thôn sửa đoạn cống trước cổng, học sinh đi lại nguy hiểm.",
    ),
    (
        4,
        "Tiếp thu các ý kiến, chi ủy sẽ phân công cụ thể từng đồng chí.",
    ),
];
const SPEECHES_P2: [(u32, &str); 3] = [
    (
        23,
        "Tổ vay vốn có 27 thành viên, dư nợ 1.350 triệu đồng, không có nợ quá hạn.",
    ),
    (
        29,
        "Đề nghị mở lớp tập huấn chăn nuôi an toàn sinh học trong tháng 6.",
    ),
    (42, "Đoàn thanh niên nhận chăm sóc vườn cây nhà văn hóa."),
];
const CONCLUSIONS_P3: [(&str, Option<&str>, &[u32]); 4] = [
    (
        "Nạo vét tuyến mương N3 trước mùa mưa.",
        Some("2025-05-25"),
        &[8, 6],
    ),
    (
        "Công khai các khoản đóng góp làm đường tại nhà văn hóa, cập nhật hằng tuần.",
        Some("2025-05-15"),
        &[11],
    ),
    (
        "Phân công đảng viên gặp hai hộ xóm Trại vận động hiến đất.",
        Some("2025-05-20"),
        &[4, 6],
    ),
    (
        "Đoàn thanh niên và chi hội phụ nữ giữ vệ sinh đoạn đường hoa.",
        None,
        &[16, 42],
    ),
];

fn full_meeting() -> Hall {
    let mut hall = Hall::new(&PHONES);
    hall.on(1, 0, found());
    hall.on(3, 0, found());
    hall.on(1, 1, Command::SetPlace("Nhà văn hóa thôn An Lạc".into()));
    hall.on(1, 1, Command::SetClerk(member(3)));
    hall.on(3, 1, Command::SetChair(member(1)));
    hall.on(3, 1, Command::SetStart("2025-05-05T19:30".parse().unwrap()));
    hall.on(3, 1, Command::Open);
    take_attendance(&mut hall);
    for (speaker, text) in SPEECHES_P1 {
        speech(&mut hall, 1, speaker, text);
    }
    for (speaker, text) in SPEECHES_P2 {
        speech(&mut hall, 2, speaker, text);
    }
    for (text, deadline, responsible) in CONCLUSIONS_P3 {
        conclusion(&mut hall, 3, text, deadline, responsible);
    }
    hall.on(3, 95, Command::SetEnd("2025-05-05T21:05".parse().unwrap()));
    hall.on(3, 95, Command::ReadBack);
    hall.on(3, 95, Command::Close);
    hall
}

#[test]
fn scenario_1_three_phones_hold_one_meeting_without_network_in_every_sync_order() {
    let mut hashes = Vec::new();
    for order in ORDERS {
        let mut hall = full_meeting();
        for phone in order {
            hall.sync(phone);
        }
        // The third phone has everything after the third sync; the others learn what came after them.
        let third: Shown = hall.shown(order[2]);
        hall.sync_all(&[]);
        let shown = hall.converged();
        assert!(third == shown);

        let counts = shown.view.attendance.counts;
        let states = (counts.present, counts.excused, counts.unexcused, counts.exempt);
        assert_eq!((states, counts.total, counts.unmarked), ((35, 4, 1, 2), 42, 0));
        assert_eq!((counts.present_full, counts.present_probationary), (33, 2));
        assert_eq!(hall.say(&counts.rate()), "35/40 = 87,5 %");
        assert_eq!((shown.view.speeches.len(), shown.view.conclusions.len()), (12, 4));
        assert!(shown.review.open().is_empty() && shown.review.settled().is_empty());
        assert_eq!(shown.view.phase, Some(Step::Closed));
        let text = shown.minutes.text();
        for (_, speech) in SPEECHES_P1.iter().chain(&SPEECHES_P2) {
            assert!(text.contains(speech), "{speech}");
        }
        assert!(text.contains("Tỷ lệ dự sinh hoạt: 35/40 = 87,5 %\n"), "{text}");
        assert!(
            text.contains("Kết thúc: 21 giờ 05 cùng ngày (95 phút)\n"),
            "{text}"
        );
        hashes.push(shown.minutes.sha256_hex());
    }
    hashes.dedup();
    assert_eq!(hashes.len(), 1);
}

/// The whole text, so that a change of the template or of a format shows in review.
#[test]
fn the_minutes_of_scenario_1_read_as_a_vietnamese_office_document() {
    let mut hall = full_meeting();
    hall.sync_all(&PHONES);
    let minutes = hall.converged().minutes;
    let expected = include_str!("minutes-scenario-1.txt");
    assert_eq!(minutes.text(), expected);
    assert_eq!(
        minutes.sha256_hex(),
        "41a211b56525e82680e992c9bd3668ad8da8b32158dc1965cba63191aedc709f"
    );
}

fn attendance_twice(present_by: How) -> Hall {
    let mut hall = Hall::new(&PHONES);
    hall.on(3, 0, found());
    hall.sync_all(&PHONES);
    hall.on(2, 4, mark([17], State::Excused, How::RollCall, Some("ốm")));
    hall.on(1, 5, mark([17], State::Present, present_by, None));
    hall
}

fn seal() -> Command {
    Command::Seal { minutes: [7; 32] }
}

#[test]
fn scenario_2_attendance_marked_twice_blocks_the_seal_until_the_chair_chooses() {
    let mut settled = Vec::new();
    for order in ORDERS {
        let mut hall = attendance_twice(How::RollCall);
        hall.sync_all(&order);
        let shown = hall.converged();
        let line = shown.view.line(member(17)).unwrap();
        assert_eq!(line.state, State::Present);
        assert_eq!(hall.say(&line.note().unwrap()), "2 cách ghi");
        let item = format!("attendance/{}", member(17));
        assert_eq!(blocking(&shown.review), [item.as_str()]);
        assert_eq!(
            hall.say_item(shown.review.get(&item).unwrap()),
            "Phạm Văn Ước: 2 cách ghi: P1 (19:35): có mặt, điểm danh, P2 (19:34): vắng có lý do “ốm”, điểm danh"
        );
        match hall.try_on(3, 90, &seal()) {
            Err(CommandError::Blocked { items }) => assert_eq!(items, [item.clone()]),
            other => panic!("{other:?}"),
        }

        hall.choose(3, 91, &item, "P2");
        hall.sync_all(&order);
        let shown = hall.converged();
        let line = shown.view.line(member(17)).unwrap();
        assert!(shown.review.open().is_empty());
        assert_eq!(line.state, State::Excused);
        assert_eq!(line.reason.as_deref(), Some("ốm"));
        assert_eq!(line.note(), None);
        let history: Vec<(State, _)> = line
            .entries
            .iter()
            .map(|entry| (entry.state, entry.mark.device))
            .collect();
        assert_eq!(
            history,
            [(State::Present, device(1)), (State::Excused, device(2))]
        );
        assert_eq!(shown.review.settled().len(), 1);
        hall.on(3, 92, seal());
        settled.push(shown.minutes.sha256_hex());
    }
    settled.dedup();
    assert_eq!(settled.len(), 1);
}

#[test]
fn scenario_2_with_a_qr_check_in_is_information_and_the_seal_is_allowed() {
    for order in ORDERS {
        let mut hall = attendance_twice(How::Qr);
        hall.sync_all(&order);
        let shown = hall.converged();
        let line = shown.view.line(member(17)).unwrap();
        assert_eq!(line.state, State::Present);
        assert_eq!(line.entries.len(), 2);
        let open: Vec<(ReviewKind, Severity)> = shown
            .review
            .open()
            .iter()
            .map(|item| (item.kind, item.severity))
            .collect();
        assert_eq!(open, [(ReviewKind::AttendanceTwice, Severity::Info)]);
        hall.on(3, 90, seal());
    }
}

#[test]
fn scenario_3_a_conclusion_edited_twice_shows_two_values_and_two_paragraphs_never_a_blend() {
    for order in ORDERS {
        let mut hall = Hall::new(&PHONES);
        hall.on(3, 0, found());
        hall.sync_all(&PHONES);
        let id = conclusion(&mut hall, 3, "Nạo vét mương N3.", Some("2025-05-15"), &[8]);
        hall.sync_all(&[3]);
        let first = "Nạo vét toàn bộ mương N3 và thông cống trước cổng trường.";
        let second = "Giao tổ thủy nông khơi thông mương N3 từ trạm bơm đến cầu Đá.";
        for (phone, deadline, text) in [(1, "2025-05-20", first), (2, "2025-05-30", second)] {
            hall.on(
                phone,
                82,
                Command::SetDeadline {
                    id,
                    deadline: Some(day(deadline)),
                },
            );
            hall.on(
                phone,
                83,
                Command::EditConclusion {
                    id,
                    paragraph: None,
                    text: text.into(),
                },
            );
        }
        hall.sync_all(&order);

        let shown = hall.converged();
        let conclusion = shown.view.conclusion(id).unwrap();
        assert_eq!(conclusion.due(), Some(day("2025-05-20")));
        let (deadline, text) = (
            format!("conclusion/{id}/deadline"),
            format!("conclusion/{id}/text"),
        );
        assert_eq!(blocking(&shown.review), [deadline.as_str(), text.as_str()]);
        assert_eq!(shown.review.open().len(), 2);
        let said = hall.say_item(shown.review.get(&deadline).unwrap());
        assert!(said.contains("đang có 2 giá trị: 20/5, 30/5"), "{said}");
        let paragraphs: Vec<(&str, _)> = conclusion
            .paragraphs
            .iter()
            .map(|paragraph| (paragraph.text.as_str(), paragraph.by))
            .collect();
        assert_eq!(paragraphs, [(second, device(2)), (first, device(1))]);
        assert!(!shown.minutes.text().contains("3020") && !shown.minutes.text().contains("2030"));
        assert!(shown.minutes.text().contains(first) && shown.minutes.text().contains(second));

        hall.choose(3, 90, &deadline, "30/5");
        hall.choose(3, 90, &text, "P1");
        hall.sync_all(&order);
        let shown = hall.converged();
        let conclusion = shown.view.conclusion(id).unwrap();
        assert!(shown.review.open().is_empty());
        assert_eq!(conclusion.due(), Some(day("2025-05-30")));
        let texts: Vec<&str> = conclusion
            .paragraphs
            .iter()
            .map(|paragraph| paragraph.text.as_str())
            .collect();
        assert_eq!(texts, [first]);
        assert_eq!(conclusion.set_aside.len(), 1);
        assert!(!shown.minutes.text().contains(second));
    }
}

fn add_motion(hall: &mut Hall, phone: u8, text: &str, method: Method) -> EntryId {
    let id = hall.id_on(phone);
    hall.on(
        phone,
        60,
        Command::AddMotion {
            id,
            agenda: None,
            text: text.into(),
            method,
            need: Need::Majority,
            place: Place::Last,
        },
    );
    id
}

fn count(for_: u32, against: u32, other: u32) -> TallyCount {
    TallyCount {
        for_,
        against,
        other,
        invalid: 0,
    }
}

/// The May meeting with attendance taken and a vote open, known to all phones.
fn with_open_vote(method: Method, phones: &[u8]) -> (Hall, EntryId) {
    let mut hall = Hall::new(phones);
    hall.on(3, 0, found());
    hall.on(3, 1, Command::Open);
    take_attendance(&mut hall);
    let motion = add_motion(&mut hall, 3, "Thông qua phương án làm đường ngõ 7.", method);
    hall.on(3, 61, Command::OpenVote { id: motion });
    hall.sync_all(phones);
    (hall, motion)
}

#[test]
fn scenario_4_counts_of_two_phones_are_never_added_and_the_chair_confirms_one() {
    for order in ORDERS {
        let (mut hall, motion) = with_open_vote(Method::Hands, &PHONES);
        for (phone, counts) in [(1, count(31, 1, 1)), (2, count(30, 1, 1))] {
            hall.on(
                phone,
                62,
                Command::RecordTally {
                    motion,
                    counts,
                    board: vec![],
                },
            );
        }
        hall.sync_all(&order);
        let shown = hall.converged();
        let vote = shown.view.motion(motion).unwrap();
        assert_eq!(vote.present, 33);
        assert_eq!(hall.say(&vote.result()), "chưa xác nhận");
        assert_eq!(vote.outcome, None);
        let tallies: Vec<_> = vote
            .tallies
            .iter()
            .map(|tally| (tally.mark.device, tally.counts, tally.fit))
            .collect();
        assert_eq!(
            tallies,
            [
                (device(1), count(31, 1, 1), TallyFit::Exact),
                (device(2), count(30, 1, 1), TallyFit::Short(1))
            ]
        );
        let notes: Vec<String> = vote.tally_notes().iter().map(|note| hall.say(note)).collect();
        assert_eq!(notes, ["P2: thiếu 1 so với 33"]);
        let item = format!("tally/{motion}");
        assert_eq!(blocking(&shown.review), [item.as_str()]);
        let said = hall.say_item(shown.review.get(&item).unwrap());
        assert!(
            said.contains("P1 (20:32): 31/1/1, P2 (20:32): 30/1/1, P2: thiếu 1 so với 33"),
            "{said}"
        );
        assert!(!shown.minutes.text().contains("61"));

        let id = hall.id_on(3);
        hall.on(
            3,
            64,
            Command::ConfirmTally {
                motion,
                recorder: device(1),
                id,
            },
        );
        hall.sync_all(&order);
        let shown = hall.converged();
        let vote = shown.view.motion(motion).unwrap();
        assert_eq!(hall.say(&vote.result()), "Thông qua 31/38 = 81,58 % (33 có mặt)");
        assert!(
            shown
                .minutes
                .text()
                .contains("Kết quả: Thông qua 31/38 = 81,58 % (33 có mặt)\n")
        );
        assert!(shown.review.open().is_empty());
    }
}

#[test]
fn scenario_5_two_ballots_of_one_member_count_in_neither_until_the_member_confirms() {
    let phones = [1, 2, 3, 9];
    for order in ORDERS {
        let (mut hall, motion) = with_open_vote(Method::OpenElectronic, &phones);
        let vote = |voter: u32, ballot, how| Command::Vote {
            motion,
            member: member(voter),
            ballot,
            how,
        };
        hall.on(9, 62, vote(9, Ballot::For, How::SelfCheckIn));
        hall.on(2, 62, vote(9, Ballot::Against, How::Helper));
        hall.on(2, 62, vote(41, Ballot::For, How::Helper));
        let absent: Vec<u32> = EXCUSED
            .iter()
            .map(|(number, _)| *number)
            .chain([UNEXCUSED, 9, 39, 40])
            .collect();
        let others: Vec<u32> = (1..=40).filter(|number| !absent.contains(number)).collect();
        assert_eq!(others.len(), 32);
        for (at, &voter) in others.iter().enumerate() {
            let ballot = if at == 31 { Ballot::Other } else { Ballot::For };
            hall.on(
                if at % 2 == 0 { 1 } else { 3 },
                63,
                vote(voter, ballot, How::Helper),
            );
        }
        hall.sync_all(&order);
        hall.sync_all(&phones);
        let shown = hall.converged();
        let result = shown.view.motion(motion).unwrap();
        let outcome = result.outcome.unwrap();
        assert_eq!((outcome.counts, outcome.pending), (count(31, 0, 1), 1));
        let item = format!("ballot/{motion}/{}", member(9));
        assert_eq!(blocking(&shown.review), [item.as_str()]);
        let probationary = result
            .ballots
            .iter()
            .find(|ballot| ballot.member == member(41))
            .unwrap();
        assert_eq!(
            (probationary.counted, probationary.not_counted),
            (None, Some(NotCounted::Probationary))
        );
        assert_eq!(hall.say(&probationary.note().unwrap()), "không tính (dự bị)");
        assert!(
            shown
                .minutes
                .text()
                .contains("Trần Thị Ánh Dương: không tính (dự bị)\n")
        );
        let infos: Vec<ReviewKind> = shown.review.open().iter().map(|item| item.kind).collect();
        assert_eq!(infos, [ReviewKind::BallotsDiffer, ReviewKind::BallotNotCounted]);

        let ninth = &result
            .ballots
            .iter()
            .find(|ballot| ballot.member == member(9))
            .unwrap();
        assert_eq!((ninth.counted, ninth.contest.is_open()), (None, true));
        hall.choose(9, 65, &item, "tán thành");
        hall.sync_all(&[9]);
        let shown = hall.converged();
        let outcome = shown.view.motion(motion).unwrap().outcome.unwrap();
        assert_eq!((outcome.counts, outcome.pending), (count(32, 0, 1), 0));
        assert!(blocking(&shown.review).is_empty());
    }
}

#[test]
fn scenario_6_a_transfer_learnt_late_leaves_the_minutes_and_says_what_would_be_without() {
    let (mut hall, motion) = with_open_vote(Method::OpenElectronic, &PHONES);
    let absent: Vec<u32> = EXCUSED
        .iter()
        .map(|(number, _)| *number)
        .chain([UNEXCUSED, 39, 40])
        .collect();
    let present: Vec<u32> = (1..=40).filter(|number| !absent.contains(number)).collect();
    for (at, &voter) in present.iter().enumerate() {
        let ballot = match at {
            0 => Ballot::Against,
            1 => Ballot::Other,
            _ => Ballot::For,
        };
        hall.on(
            1,
            63,
            Command::Vote {
                motion,
                member: member(voter),
                ballot,
                how: How::Helper,
            },
        );
    }
    hall.sync_all(&PHONES);
    let before = hall.converged();
    assert!(before.review.open().is_empty());

    let without = |left: MemberId| {
        Roll::new(
            fixture::lines()
                .into_iter()
                .filter(|line| line.member != left)
                .collect(),
        )
    };
    hall.roster = without(member(21));
    let after = hall.converged();
    assert_eq!(after.minutes, before.minutes);
    let [item] = after.review.open() else {
        panic!("one item")
    };
    assert_eq!(
        (item.kind, item.severity),
        (ReviewKind::LeftBefore, Severity::Info)
    );
    let said = hall.say_item(item);
    assert!(
        said.ends_with("nếu loại: có mặt 34/39, tán thành 30/37"),
        "{said}"
    );
}

#[test]
fn two_choices_of_two_officers_that_differ_keep_the_item_open() {
    let mut hall = attendance_twice(How::RollCall);
    hall.sync_all(&PHONES);
    let item = format!("attendance/{}", member(17));
    hall.choose(3, 90, &item, "P1");
    hall.choose(2, 90, &item, "P2");
    hall.sync_all(&PHONES);
    let shown = hall.converged();
    assert_eq!(blocking(&shown.review), [item.as_str()]);
    hall.choose(3, 91, &item, "P1");
    hall.sync_all(&PHONES);
    let shown = hall.converged();
    assert_eq!(shown.view.line(member(17)).unwrap().state, State::Present);
    assert!(shown.review.open().is_empty());
    assert!(matches!(shown.review.settled()[0].contest, Contest::Settled(_)));
}
