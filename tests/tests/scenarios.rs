//! The scenarios of the handbook, exact: three real devices on SQLite files, the relay in the middle on a file of its
//! own, frames carried between them. Every order in which the phones can meet the network.

#[path = "scenarios/back.rs"]
mod back;
#[path = "scenarios/cheap_phone.rs"]
mod cheap_phone;
#[path = "scenarios/feedback.rs"]
mod feedback;
#[path = "scenarios/odd.rs"]
mod odd;
#[path = "scenarios/reading.rs"]
mod reading;
#[path = "scenarios/removed.rs"]
mod removed;
#[path = "scenarios/seals.rs"]
mod seals;
#[path = "scenarios/slots.rs"]
mod slots;
#[path = "scenarios/transfer.rs"]
mod transfer;
#[path = "scenarios/unit_names.rs"]
mod unit_names;

use std::path::Path;

use sotay_engine::handbook::meeting::{Command, How, Method, Need, Place, State, Step, TallyCount, TallyFit};
use sotay_engine::handbook::review::{ReviewItem, ReviewKind, Severity};
use sotay_engine::handbook::{CommandError, Lang};
use sotay_engine::{AdmitRequest, Device, DeviceError, SealError};
use sotay_feed::DocId;
use sotay_store::{Options, SqliteStore};
use sotay_tests::branch::{Branch, ORDERS, P1, P2, P3, at, day, say};
use sotay_tests::pump::sync;
use sotay_tests::shard::Shard;
use tempfile::TempDir;

const SPEECHES_P1: [(usize, &str); 9] = [
    (
        5,
        "Đề nghị chi bộ xem lại việc thu gom rác ở xóm Đông, tháng qua có ba tuần xe không vào.",
    ),
    (
        8,
        "Tuyến mương N3 bồi lắng nặng, nếu không nạo vét trước mùa mưa thì 12 ha lúa bị úng.",
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
const SPEECHES_P2: [(usize, &str); 3] = [
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
const CONCLUSIONS_P3: [(&str, Option<&str>, &[usize]); 4] = [
    (
        "Nạo vét tuyến mương N3 trước mùa mưa.",
        Some("2025-05-25"),
        &[8, 6],
    ),
    (
        "Công khai các khoản đóng góp làm đường, cập nhật hằng tuần.",
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

const FILES: [&str; 3] = ["P1.db", "P2.db", "P3.db"];

/// One evening on disk, before anybody met a network: copied for every order, so that all start from the same bytes.
struct Evening {
    dir: TempDir,
    doc: DocId,
}

/// One homecoming: the three phones and a relay of their own.
struct Hall {
    branch: Branch<SqliteStore>,
    relay: Shard<SqliteStore>,
    doc: DocId,
    links: u64,
    _dir: TempDir,
}

fn store(dir: &Path, name: &str) -> SqliteStore {
    SqliteStore::open(&dir.join(name), &Options::default()).expect("a database opens")
}

/// Plays what happens in the hall, closes the phones, and keeps their files.
fn evening(play: impl FnOnce(&mut Branch<SqliteStore>) -> DocId) -> (Evening, Vec<sotay_feed::MemberId>) {
    let dir = tempfile::tempdir().unwrap();
    let mut branch = Branch::found(FILES.map(|name| store(dir.path(), name)), 1);
    let doc = play(&mut branch);
    let members = branch.members.clone();
    (Evening { dir, doc }, members)
}

impl Evening {
    fn copy(&self, members: &[sotay_feed::MemberId]) -> Hall {
        use rand::SeedableRng;
        let dir = tempfile::tempdir().unwrap();
        let phones = FILES
            .iter()
            .zip(1u64..)
            .map(|(name, number)| {
                std::fs::copy(self.dir.path().join(name), dir.path().join(name)).unwrap();
                let rng = Box::new(rand::rngs::StdRng::seed_from_u64(1000 + number));
                Device::open(store(dir.path(), name), rng).expect("a phone opens its profile")
            })
            .collect();
        let branch = Branch {
            phones,
            members: members.to_vec(),
        };
        let relay = Shard::open(store(dir.path(), "relay.db")).expect("the relay opens");
        Hall {
            branch,
            relay,
            doc: self.doc,
            links: 0,
            _dir: dir,
        }
    }
}

/// A law with this text, as the secretary would publish it.
fn law_of(text: &str) -> sotay_engine::study::library::Document {
    use sotay_engine::study::library::{Date, Details, import};
    let details = Details {
        kind: "Luật".to_owned(),
        code: "10/2022/QH15".to_owned(),
        issuer: "Quốc hội".to_owned(),
        date: Date::new(2022, 11, 10).unwrap(),
        title: "Luật Thực hiện dân chủ ở cơ sở".to_owned(),
        alias: None,
        links: Vec::new(),
        blobs: Vec::new(),
    };
    import(text.as_bytes(), "luat.txt", details).unwrap().document
}

impl Hall {
    /// The next phone of the branch: an ordinary member's, admitted by the secretary an hour before the meeting.
    fn admit(&mut self, number: usize, label: &str, seed: u64) {
        self.admit_as(number, label, seed, false);
    }

    fn admit_as(&mut self, number: usize, label: &str, seed: u64, committee: bool) {
        use rand::SeedableRng;
        let rng = Box::new(rand::rngs::StdRng::seed_from_u64(seed));
        let file = store(self._dir.path(), &format!("{label}.db"));
        let mut phone = Device::create(file, label, rng).unwrap();
        let ask = AdmitRequest {
            request: phone.join_request().unwrap().to_text(),
            member: self.branch.member(number),
            rank: 4,
            committee,
            probationary: false,
            relays: Vec::new(),
        };
        let invitation = self.branch.phones[P3].admit(&ask, at(-60)).unwrap();
        phone.accept(&invitation).unwrap();
        self.branch.phones.push(phone);
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

    /// In this order, and then everybody learns the rest.
    fn sync_all(&mut self, order: &[usize]) {
        order.iter().chain(order).for_each(|phone| self.sync(*phone));
    }

    fn shown(&mut self, phone: usize) -> Shown {
        let device = &mut self.branch.phones[phone];
        Shown {
            view: device.meeting_view(self.doc).unwrap(),
            review: device.review(self.doc).unwrap(),
            minutes: device.minutes(self.doc).unwrap(),
        }
    }

    /// Equal heads, equal hash of the minutes, equal review list, on all three.
    fn converged(&mut self) -> Shown {
        let first = self.shown(P1);
        for phone in [P2, P3] {
            let other = self.shown(phone);
            assert_eq!(other.minutes.heads, first.minutes.heads);
            assert_eq!(other.minutes.text, first.minutes.text);
            assert_eq!(other.minutes.sha256, first.minutes.sha256);
            assert!(other == first, "same heads, other view");
        }
        first
    }

    fn say_item(&self, item: &ReviewItem) -> String {
        item.text(Lang::Vi, self.branch.phones[P3].names())
    }

    /// The chair takes the option whose label has this text.
    fn choose(&mut self, item: &str, label: &str, minute: i64) {
        let list = self.branch.phones[P3].review(self.doc).unwrap();
        let item = list.get(item).unwrap_or_else(|| panic!("no item {item}"));
        let option = item
            .options
            .iter()
            .find(|option| say(&self.branch.phones[P3], &option.label).contains(label));
        let pick = option.unwrap_or_else(|| panic!("no option {label}")).pick.clone();
        self.branch.phones[P3]
            .settle(self.doc, &item.id, &pick, at(minute))
            .unwrap();
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Shown {
    view: sotay_engine::handbook::meeting::MeetingView,
    review: sotay_engine::handbook::review::ReviewList,
    minutes: sotay_engine::MinutesText,
}

impl Shown {
    fn blocking(&self) -> Vec<&str> {
        self.review.blocking().map(|item| item.id.as_str()).collect()
    }
}

fn the_same(hashes: &[String]) {
    assert_eq!(hashes.len(), ORDERS.len());
    assert!(hashes.iter().all(|hash| *hash == hashes[0]), "{hashes:?}");
}

#[test]
fn scenario_1_one_meeting_of_three_phones_without_network_in_all_six_orders() {
    let (evening, members) = evening(|branch| {
        let doc = branch.begin(P1);
        assert_eq!(branch.begin(P3), doc, "both name the same meeting");
        // P2 sees the meeting for the first time when it marks: it begins it as well.
        assert_eq!(branch.begin(P2), doc);
        branch.on(P1, doc, 1, Command::SetPlace("Nhà văn hóa thôn An Lạc".into()));
        branch.on(P1, doc, 1, Command::SetClerk(branch.member(3)));
        branch.on(P3, doc, 1, Command::SetChair(branch.member(1)));
        branch.on(P3, doc, 1, Command::SetStart("2025-05-05T19:30".parse().unwrap()));
        branch.on(P3, doc, 1, Command::Open);
        branch.take_attendance(doc);
        for (speaker, text) in SPEECHES_P1 {
            branch.speak(P1, doc, speaker, text);
        }
        for (speaker, text) in SPEECHES_P2 {
            branch.speak(P2, doc, speaker, text);
        }
        for (text, deadline, responsible) in CONCLUSIONS_P3 {
            branch.conclude(P3, doc, text, deadline, responsible);
        }
        branch.on(P3, doc, 95, Command::SetEnd("2025-05-05T21:05".parse().unwrap()));
        branch.on(P3, doc, 95, Command::ReadBack);
        branch.on(P3, doc, 95, Command::Close);
        doc
    });
    let mut hashes = Vec::new();
    for order in ORDERS {
        let mut hall = evening.copy(&members);
        order.iter().for_each(|phone| hall.sync(*phone));
        let third = hall.shown(order[2]);
        order.iter().for_each(|phone| hall.sync(*phone));
        let shown = hall.converged();
        assert!(
            third == shown,
            "the third phone has everything after the third sync"
        );

        for phone in [P1, P2, P3] {
            assert_eq!(hall.branch.phones[phone].meetings().unwrap().len(), 1);
        }
        let counts = shown.view.attendance.counts;
        let states = (counts.present, counts.excused, counts.unexcused, counts.exempt);
        assert_eq!((states, counts.total, counts.unmarked), ((35, 4, 1, 2), 42, 0));
        assert_eq!((counts.present_full, counts.present_probationary), (33, 2));
        assert_eq!(say(&hall.branch.phones[P1], &counts.rate()), "35/40 = 87,5 %");
        assert_eq!((shown.view.speeches.len(), shown.view.conclusions.len()), (12, 4));
        assert!(shown.review.open().is_empty() && shown.review.settled().is_empty());
        assert_eq!(shown.view.phase, Some(Step::Closed));
        for (_, speech) in SPEECHES_P1.iter().chain(&SPEECHES_P2) {
            assert!(shown.minutes.text.contains(speech), "{speech}");
        }
        for (conclusion, ..) in CONCLUSIONS_P3 {
            assert!(shown.minutes.text.contains(conclusion), "{conclusion}");
        }
        assert!(
            shown.minutes.text.contains("35/40 = 87,5 %"),
            "{}",
            shown.minutes.text
        );
        hashes.push(shown.minutes.sha256);
    }
    the_same(&hashes);
}

/// P2 marks M17 excused, P1 marks M17 present.
fn attendance_twice(present_by: How) -> (Evening, Vec<sotay_feed::MemberId>) {
    evening(|branch| {
        let doc = branch.begin(P3);
        branch.begin(P1);
        branch.begin(P2);
        branch.on(P3, doc, 1, Command::SetChair(branch.member(1)));
        branch.on(P3, doc, 1, Command::SetClerk(branch.member(3)));
        branch.mark((P2, doc, 4), [17], State::Excused, How::RollCall, Some("ốm"));
        branch.mark((P1, doc, 5), [17], State::Present, present_by, None);
        doc
    })
}

#[test]
fn scenario_2_attendance_twice_blocks_the_seal_until_the_chair_chooses() {
    let (evening, members) = attendance_twice(How::RollCall);
    let mut hashes = Vec::new();
    for order in ORDERS {
        let mut hall = evening.copy(&members);
        hall.sync_all(&order);
        let shown = hall.converged();
        let m17 = hall.branch.member(17);
        let line = shown.view.line(m17).unwrap();
        assert_eq!(line.state, State::Present);
        assert_eq!(say(&hall.branch.phones[P3], &line.note().unwrap()), "2 cách ghi");
        let item = format!("attendance/{m17}");
        assert_eq!(shown.blocking(), [item.as_str()]);
        let said = hall.say_item(shown.review.get(&item).unwrap());
        assert!(
            said.contains("Phạm Văn Ước: 2 cách ghi") && said.contains("P1 (19:35)"),
            "{said}"
        );
        assert!(said.contains("P2 (19:34)") && said.contains("“ốm”"), "{said}");

        let doc = hall.doc;
        match hall.branch.phones[P3].propose_seal(doc, at(90)) {
            Err(SealError::Device(DeviceError::Command(CommandError::Blocked { items }))) => {
                assert_eq!(items, std::slice::from_ref(&item))
            }
            other => panic!("{other:?}"),
        }
        hall.choose(&item, "P2", 91);
        hall.sync_all(&order);
        let shown = hall.converged();
        let line = shown.view.line(m17).unwrap();
        assert!(shown.review.open().is_empty());
        assert_eq!(shown.review.settled().len(), 1);
        assert_eq!(
            (line.state, line.reason.as_deref(), line.note()),
            (State::Excused, Some("ốm"), None)
        );
        let both: Vec<State> = line.entries.iter().map(|entry| entry.state).collect();
        assert!(
            both.contains(&State::Present) && both.contains(&State::Excused),
            "both stay in the history"
        );
        hall.branch.phones[P3].propose_seal(doc, at(92)).unwrap();
        hashes.push(shown.minutes.sha256);
    }
    the_same(&hashes);
}

#[test]
fn scenario_2_with_a_qr_check_in_is_information_only_and_the_seal_is_allowed() {
    let (evening, members) = attendance_twice(How::Qr);
    for order in ORDERS {
        let mut hall = evening.copy(&members);
        hall.sync_all(&order);
        let shown = hall.converged();
        assert_eq!(
            shown.view.line(hall.branch.member(17)).unwrap().state,
            State::Present
        );
        let open: Vec<_> = shown
            .review
            .open()
            .iter()
            .map(|item| (item.kind, item.severity))
            .collect();
        assert_eq!(open, [(ReviewKind::AttendanceTwice, Severity::Info)]);
        let doc = hall.doc;
        hall.branch.phones[P3].propose_seal(doc, at(90)).unwrap();
    }
}

#[test]
fn scenario_3_a_conclusion_with_two_editors_shows_both_and_blends_nothing() {
    let first = "Nạo vét toàn bộ mương N3 và thông cống trước cổng trường.";
    let second = "Giao tổ thủy nông khơi thông mương N3 từ trạm bơm đến cầu Đá.";
    let (evening, members) = evening(|branch| {
        let doc = branch.begin(P3);
        branch.conclude(P3, doc, "Nạo vét mương N3.", Some("2025-05-15"), &[8]);
        doc
    });
    let mut hashes = Vec::new();
    for order in ORDERS {
        let mut hall = evening.copy(&members);
        // Everybody has the conclusion before the two edit it apart.
        hall.sync_all(&[P3, P1, P2]);
        let doc = hall.doc;
        let id = hall.converged().view.conclusions[0].id;
        for (phone, deadline, text) in [(P1, "2025-05-20", first), (P2, "2025-05-30", second)] {
            hall.branch.on(
                phone,
                doc,
                82,
                Command::SetDeadline {
                    id,
                    deadline: Some(day(deadline)),
                },
            );
            hall.branch.on(
                phone,
                doc,
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
        assert_eq!(conclusion.due(), Some(day("2025-05-20")), "one value is shown");
        let (deadline, text) = (
            format!("conclusion/{id}/deadline"),
            format!("conclusion/{id}/text"),
        );
        assert_eq!(shown.blocking(), [deadline.as_str(), text.as_str()]);
        assert_eq!(shown.review.open().len(), 2);
        let said = hall.say_item(shown.review.get(&deadline).unwrap());
        assert!(said.contains("đang có 2 giá trị: 20/5, 30/5"), "{said}");
        let mut paragraphs: Vec<&str> = conclusion.paragraphs.iter().map(|p| p.text.as_str()).collect();
        paragraphs.sort_unstable();
        assert_eq!(paragraphs, [second, first]);
        assert_ne!(
            conclusion.paragraphs[0].by, conclusion.paragraphs[1].by,
            "tinted by who wrote them"
        );
        assert!(!shown.minutes.text.contains("3020") && !shown.minutes.text.contains("2030"));
        assert!(shown.minutes.text.contains(first) && shown.minutes.text.contains(second));

        hall.choose(&deadline, "30/5", 90);
        hall.choose(&text, "P1", 90);
        hall.sync_all(&order);
        let shown = hall.converged();
        let conclusion = shown.view.conclusion(id).unwrap();
        assert!(shown.review.open().is_empty());
        assert_eq!(conclusion.due(), Some(day("2025-05-30")));
        let paragraphs: Vec<&str> = conclusion.paragraphs.iter().map(|p| p.text.as_str()).collect();
        assert_eq!(paragraphs, [first]);
        assert!(!shown.minutes.text.contains(second));
        hashes.push(shown.minutes.sha256);
    }
    the_same(&hashes);
}

#[test]
fn scenario_4_hands_counted_on_two_phones_are_never_added_and_the_chair_confirms_one() {
    let (evening, members) = evening(|branch| {
        let doc = branch.begin(P3);
        branch.begin(P1);
        branch.begin(P2);
        branch.on(P3, doc, 1, Command::Open);
        branch.take_attendance(doc);
        let id = branch.phones[P3].fresh_id();
        let text = "Thông qua phương án làm đường ngõ 7.".into();
        let (method, need, place) = (Method::Hands, Need::Majority, Place::Last);
        branch.on(
            P3,
            doc,
            60,
            Command::AddMotion {
                id,
                agenda: None,
                text,
                method,
                need,
                place,
            },
        );
        doc
    });
    let count = |for_| TallyCount {
        for_,
        against: 1,
        other: 1,
        invalid: 0,
    };
    let mut hashes = Vec::new();
    for order in ORDERS {
        let mut hall = evening.copy(&members);
        hall.sync_all(&[P1, P2, P3]);
        let doc = hall.doc;
        let motion = hall.converged().view.motions[0].id;
        hall.branch.on(P3, doc, 61, Command::OpenVote { id: motion });
        hall.sync_all(&[P3, P1, P2]);
        for (phone, for_) in [(P1, 31), (P2, 30)] {
            let command = Command::RecordTally {
                motion,
                counts: count(for_),
                board: vec![],
            };
            hall.branch.on(phone, doc, 62, command);
        }
        hall.sync_all(&order);

        let shown = hall.converged();
        let vote = shown.view.motion(motion).unwrap();
        let p3 = &hall.branch.phones[P3];
        assert_eq!(vote.present, 33);
        assert_eq!(say(p3, &vote.result()), "chưa xác nhận");
        assert_eq!(vote.outcome, None);
        let mut tallies: Vec<_> = vote
            .tallies
            .iter()
            .map(|tally| (tally.counts, tally.fit))
            .collect();
        tallies.sort_by_key(|(counts, _)| counts.for_);
        assert_eq!(
            tallies,
            [(count(30), TallyFit::Short(1)), (count(31), TallyFit::Exact)]
        );
        let notes: Vec<String> = vote.tally_notes().iter().map(|note| say(p3, note)).collect();
        assert_eq!(notes, ["P2: thiếu 1 so với 33"]);
        let item = format!("tally/{motion}");
        assert_eq!(shown.blocking(), [item.as_str()]);
        let said = hall.say_item(shown.review.get(&item).unwrap());
        assert!(
            said.contains("P1 (20:32): 31/1/1") && said.contains("P2 (20:32): 30/1/1"),
            "{said}"
        );
        assert!(!shown.minutes.text.contains("61/2/2") && !shown.minutes.text.contains("61/38"));

        let (recorder, id) = (hall.branch.phones[P1].id(), hall.branch.phones[P3].fresh_id());
        hall.branch
            .on(P3, doc, 64, Command::ConfirmTally { motion, recorder, id });
        hall.sync_all(&order);
        let shown = hall.converged();
        let vote = shown.view.motion(motion).unwrap();
        let result = "Thông qua 31/38 = 81,58 % (33 có mặt)";
        assert_eq!(say(&hall.branch.phones[P3], &vote.result()), result);
        assert!(shown.minutes.text.contains(result), "{}", shown.minutes.text);
        assert!(shown.review.open().is_empty());
        hashes.push(shown.minutes.sha256);
    }
    the_same(&hashes);
}
