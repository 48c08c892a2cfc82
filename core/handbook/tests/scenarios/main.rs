//! The acceptance scenarios 1 to 5 on documents, and what belongs to 6: exact numbers and phrases, every sync order.

#[path = "../common/mod.rs"]
mod common;

mod twice;
mod votes;

use common::{Hall, ORDERS, PHONES, Shown, blocking};
use sotay_handbook::fixture::{self, device, member};
use sotay_handbook::meeting::{
    Ballot, Command, How, MeetingKind, Method, Need, NotCounted, Person, Place, State, Step, TallyCount,
    TallyFit,
};
use sotay_handbook::review::{ReviewKind, Severity};
use sotay_handbook::roster::Roll;
use sotay_handbook::{Contest, Date, EntryId};

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
    let expected = include_str!("minutes-1.txt");
    assert_eq!(minutes.text(), expected);
    assert_eq!(
        minutes.sha256_hex(),
        "41a211b56525e82680e992c9bd3668ad8da8b32158dc1965cba63191aedc709f"
    );
}
