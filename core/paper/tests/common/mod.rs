//! An evening of branch AL-42 with something of everything that minutes can hold.

use sotay_document::{Actor, Document};
use sotay_handbook::fixture::{self, member};
use sotay_handbook::meeting::{
    self, Command, How, MeetingKind, MeetingView, Method, Need, NoteKind, Person, Place, Section, Setting,
    State, Step, TallyCount,
};
use sotay_handbook::minutes::{Template, render};
use sotay_handbook::report::{ModelMeeting, ReportModel};
use sotay_handbook::resolution::{ModelTask, ResolutionModel};
use sotay_handbook::{Date, DocKind, EntryId, LocalTime, Policy};
use sotay_paper::{Headed, MinutesPage, Original, Page, PageTemplate, Sort};

pub const ITEM: u32 = 1;

fn id(number: u32) -> EntryId {
    fixture::entry(1, number)
}

fn time(clock: &str) -> LocalTime {
    format!("{}T{clock}", fixture::MEETING_DAY).parse().unwrap()
}

fn mark(members: impl IntoIterator<Item = u32>, state: State, reason: Option<&str>) -> Command {
    Command::Mark {
        members: members.into_iter().map(member).collect(),
        state,
        how: How::RollCall,
        reason: reason.map(Into::into),
    }
}

fn speech(number: u32, speaker: u32, agenda: u32, text: &str) -> Command {
    Command::AddSpeech {
        id: id(number),
        speaker: Person::Member(member(speaker)),
        agenda: Some(id(agenda)),
        text: text.into(),
        place: Place::Last,
    }
}

/// Commands of the evening; `said` is what one member says.
pub fn evening(said: &str) -> Vec<Command> {
    let day: Date = fixture::MEETING_DAY.parse().unwrap();
    let agenda = |number, title: &str| Command::AddAgenda {
        id: id(number),
        title: title.into(),
        presenter: Some(Person::Member(member(1))),
        place: Place::Last,
    };
    let note = |number, kind, text: &str| Command::AddNote {
        id: id(number),
        kind,
        text: text.into(),
        place: Place::Last,
    };
    let narrate = |section, text: &str| Command::SetNarrative {
        section,
        text: text.into(),
    };
    vec![
        Command::Found {
            kind: MeetingKind::Regular,
            month: Some(day.month()),
            date: Some(day),
        },
        Command::SetPlace("Nhà văn hóa thôn An Lạc".into()),
        Command::SetNumber("05-BB/CB".into()),
        Command::SetChair(member(1)),
        Command::SetClerk(member(3)),
        Command::SetStart(time("19:30")),
        Command::Open,
        Command::AddGuest {
            id: id(90),
            label: "Ông Vũ Đức Hòa, Phó Bí thư Đảng ủy xã".into(),
        },
        mark(
            (1..=42).filter(|n| ![14, 22, 31, 39, 40].contains(n)),
            State::Present,
            None,
        ),
        mark([14], State::Excused, Some("ốm")),
        mark([22], State::Excused, Some("đi công tác")),
        mark([31], State::Unexcused, None),
        mark([39, 40], State::Exempt, None),
        agenda(ITEM, "Nhiệm vụ tháng 5 và việc nạo vét mương nội đồng"),
        agenda(2, "Công tác phát triển đảng viên"),
        narrate(
            Section::News,
            "Phổ biến Chỉ thị của Ban Thường vụ Tỉnh ủy.\nQuán triệt kế hoạch của Đảng ủy xã về chuyển đổi số trong sinh hoạt chi bộ.",
        ),
        narrate(
            Section::LastMonth,
            "Đã hoàn thành 4/5 nhiệm vụ; còn một việc chậm do mưa.",
        ),
        speech(10, 5, ITEM, said),
        speech(
            11,
            8,
            ITEM,
            "Nhất trí với dự thảo. Tuyến mương N3 bồi lắng nặng, nếu không nạo vét trước mùa mưa thì 12 ha lúa bị úng.",
        ),
        speech(
            12,
            11,
            2,
            "Đề nghị công khai số tiền đóng góp làm đường ở nhà văn hóa để bà con theo dõi.",
        ),
        Command::AddConclusion {
            id: id(20),
            agenda: Some(id(ITEM)),
            text: "Nạo vét tuyến mương N3 trước mùa mưa.".into(),
            deadline: Some("2025-05-25".parse().unwrap()),
            responsible: vec![member(6), member(8)],
            place: Place::Last,
        },
        Command::AddConclusion {
            id: id(21),
            agenda: Some(id(2)),
            text: "Cử hai quần chúng ưu tú học lớp nhận thức về Đảng.".into(),
            deadline: None,
            responsible: Vec::new(),
            place: Place::Last,
        },
        Command::AddMotion {
            id: id(30),
            agenda: Some(id(ITEM)),
            text: "Nạo vét mương nội đồng bằng quỹ của thôn".into(),
            method: Method::Hands,
            need: Need::Majority,
            place: Place::Last,
        },
        Command::OpenVote { id: id(30) },
        Command::RecordTally {
            motion: id(30),
            counts: TallyCount {
                for_: 33,
                against: 1,
                other: 1,
                invalid: 0,
            },
            board: Vec::new(),
        },
        note(40, NoteKind::Praise, "Tổ 2 hoàn thành sớm việc thu gom rác."),
        narrate(Section::NextMonth, "Chuẩn bị sơ kết sáu tháng đầu năm."),
        Command::ReadBack,
        Command::SetEnd(time("21:05")),
        Command::Close,
    ]
}

/// What the minutes of the evening hold.
pub fn view(said: &str) -> MeetingView {
    let (roster, policy, devices) = (fixture::roll(), Policy::shipped(), fixture::devices());
    let doc = fixture::may_meeting();
    let setting = Setting {
        doc,
        roster: &roster,
        policy: &policy,
        devices: &devices,
    };
    let genesis = DocKind::Meeting.genesis(doc, 1).unwrap();
    let mut document = Document::new(doc, &genesis, Actor::new(fixture::device(1), [1; 8])).unwrap();
    for (minute, command) in (0..).zip(evening(said)) {
        let acting = fixture::acting(1, minute);
        document
            .edit(acting.at_ms, |tx| meeting::apply(tx, &acting, &setting, &command))
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    }
    MeetingView::read(document.read(), &setting)
}

/// Its page, or that of an extract.
pub fn page(said: &str, sort: Sort) -> Page {
    let (heading, policy, names) = (
        fixture::heading(),
        Policy::shipped(),
        fixture::Al42Names::default(),
    );
    let view = view(said);
    assert!(view.phase.is_some_and(|phase| phase == Step::Closed));
    let whole = Original {
        sha256: render(&view, &heading, &policy, &names, &Template::shipped())
            .unwrap()
            .sha256_hex(),
        sealed: false,
    };
    let shown = match sort {
        Sort::Minutes => view,
        _ => view.extract(id(ITEM)).unwrap(),
    };
    let model = MinutesPage::of(&shown, &whole, &heading, &policy, &names);
    PageTemplate::shipped(sort).fill(&model).unwrap()
}

/// A resolution that is a draft.
pub fn resolution() -> ResolutionModel {
    ResolutionModel {
        upper: "Đảng bộ xã Đông Phong".into(),
        unit: "Chi bộ thôn An Lạc".into(),
        number: "03-NQ/CB".into(),
        date_in_words: "ngày 20 tháng 5 năm 2025".into(),
        title: "Về nạo vét kênh mương trước mùa mưa".into(),
        assessment: vec!["Tuyến mương N3 bồi lắng nặng.".into()],
        goals: vec!["Nạo vét xong trước ngày 25 tháng 5.".into()],
        tasks: vec![
            ModelTask {
                text: "Vận động mỗi hộ một công.".into(),
                people: vec!["Vũ Đình Khôi".into(), "Bùi Xuân Trường".into()],
                deadline: "20/05/2025".into(),
            },
            ModelTask {
                text: "Kiểm tra cống đầu làng.".into(),
                people: Vec::new(),
                deadline: String::new(),
            },
        ],
        organisation: vec!["Chi ủy theo dõi, báo cáo chi bộ tháng 6.".into()],
        vote: "Thông qua 31/38 = 81,58 % (33 có mặt)".into(),
        recipients: vec!["Đảng ủy xã Đông Phong".into()],
        signer: "Nguyễn Văn Hùng".into(),
        signer_role: "Bí thư".into(),
        issued: false,
    }
}

/// The report of that month.
pub fn report(revision: u32) -> ReportModel {
    ReportModel {
        upper: "Đảng bộ xã Đông Phong".into(),
        unit: "Chi bộ thôn An Lạc".into(),
        month: "05/2025".into(),
        revision,
        sent: true,
        meetings: vec![ModelMeeting {
            kind: "Sinh hoạt thường kỳ".into(),
            date: "05/05/2025".into(),
            total: 42,
            present: 35,
            excused: 5,
            unexcused: 0,
            exempt: 2,
            away: 0,
            rate: "35/40 = 87,5 %".into(),
            speeches: 12,
            conclusions: 4,
            votes: 1,
            points: "95,5".into(),
            sealed: true,
        }],
        tasks_open: 3,
        tasks_overdue: 1,
        tasks_done: 2,
        tasks_accepted: 4,
        fees_due: "338.000".into(),
        fees_paid: "338.000".into(),
        fees_unpaid: "0".into(),
        feedback: "12".into(),
        changes: vec!["Có lý do: 4 → 5".into()],
    }
}

/// The page of a resolution or a report.
pub fn headed<T: serde::Serialize>(sort: Sort, model: T) -> Page {
    let template = PageTemplate::shipped(sort);
    template
        .fill(&Headed::new(model, "Đảng bộ xã Đông Phong"))
        .unwrap()
}
