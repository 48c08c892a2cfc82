//! A year of a branch: twelve regular and four other meetings, tasks, 720 lines of fees, 300 items of feedback, ratings, resolutions
//! and reports, on the phones of [`crate::branch`]. For tests and benches; the same for the same seed.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sotay_engine::NewFeedback;
use sotay_engine::handbook::fees::Command as Fee;
use sotay_engine::handbook::meeting::{
    Command, How, MeetingKind, Method, Need, Person, Place, State, TallyCount,
};
use sotay_engine::handbook::rating::{Column, Command as Rate, Rated};
use sotay_engine::handbook::resolution::{Command as Resolve, Part};
use sotay_engine::handbook::tasks::{Command as TaskCommand, TaskStatus};
use sotay_engine::handbook::{Date, EntryId, LocalTime, Month};
use sotay_feed::{DocId, MemberId};
use sotay_store::Store;

use crate::branch::{Branch, P1, P3};

/// The year.
pub const YEAR: i32 = 2025;
/// Kinds and days of the meetings beside the regular ones.
const OTHERS: [(MeetingKind, u32, u32); 4] = [
    (MeetingKind::Thematic, 3, 20),
    (MeetingKind::Thematic, 6, 20),
    (MeetingKind::Admission, 9, 20),
    (MeetingKind::YearEndReview, 12, 20),
];
/// Lines of fees a month: 40 who pay, 20 of them in two parts.
const LINES_A_MONTH: usize = 60;
const PAYERS: usize = 40;
/// Items of feedback a month, and how many of them are without name.
const FEEDBACK_A_MONTH: usize = 25;
const NAMELESS_A_MONTH: usize = 2;

/// What was made.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Year {
    /// Meetings in order.
    pub meetings: Vec<DocId>,
    /// Lines of fees.
    pub fee_lines: usize,
    /// Đồng they come to.
    pub paid: i64,
    /// Tasks.
    pub tasks: usize,
    /// Resolutions.
    pub resolutions: Vec<DocId>,
    /// Reports sent.
    pub reports: usize,
    /// Items of feedback, with and without name.
    pub feedback: usize,
}

const WORDS: [&str; 16] = [
    "đề nghị",
    "nạo vét",
    "tuyến mương",
    "trước mùa mưa",
    "vận động",
    "bà con",
    "xóm Đông",
    "hộ nghèo",
    "vay vốn",
    "thu gom rác",
    "đường hoa",
    "nhà văn hóa",
    "tổ tự quản",
    "an ninh",
    "lúa chiêm xuân",
    "chăn nuôi",
];

fn text(rng: &mut StdRng, words: usize) -> String {
    let words: Vec<&str> = (0..words)
        .map(|_| WORDS[rng.random_range(0..WORDS.len())])
        .collect();
    format!("{}.", words.join(" "))
}

fn on(month: u32, day: u32) -> Date {
    Date::new(YEAR, month, day).expect("a day")
}

/// 19:30 of a day in Viet Nam, in milliseconds since 1970.
fn evening(day: Date) -> i64 {
    let first = LocalTime::new(on(1, 1), 0, 0).expect("a time");
    let then = LocalTime::new(day, 19, 30).expect("a time");
    // Midnight of 1 January 2025 in Viet Nam.
    1_735_664_400_000 + first.minutes_until(then) * 60_000
}

/// Lives the year on P1 and P3; nothing is exchanged. `sync` is called after each month and may carry frames.
pub fn live<S: Store>(branch: &mut Branch<S>, seed: u64, sync: impl FnMut(&mut Branch<S>)) -> Year {
    live_at(branch, seed, false, sync)
}

/// The same with phones that are connected while they write: each entry of a meeting goes out by itself.
pub fn live_typed<S: Store>(branch: &mut Branch<S>, seed: u64, sync: impl FnMut(&mut Branch<S>)) -> Year {
    live_at(branch, seed, true, sync)
}

fn live_at<S: Store>(
    branch: &mut Branch<S>,
    seed: u64,
    typed: bool,
    mut sync: impl FnMut(&mut Branch<S>),
) -> Year {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut year = Year::default();
    for number in 1..=12 {
        let day = on(number, 5);
        let month = day.month();
        let doc = branch.phones[P1]
            .new_meeting(MeetingKind::Regular, Some(month), Some(day), evening(day))
            .expect("a meeting");
        hold(branch, doc, day, typed, &mut rng);
        year.meetings.push(doc);
        for (kind, _, date) in OTHERS.iter().filter(|(_, of, _)| *of == number) {
            let day = on(number, *date);
            let doc = branch.phones[P1]
                .new_meeting(*kind, None, Some(day), evening(day))
                .expect("a meeting");
            hold(branch, doc, day, typed, &mut rng);
            year.meetings.push(doc);
            year.resolutions.push(resolve(
                branch,
                doc,
                day,
                year.resolutions.len() as u32 + 1,
                &mut rng,
            ));
        }
        collect(branch, month, &mut year);
        say_so(branch, month, &mut rng, &mut year);
        sync(branch);
        branch.phones[P3]
            .send_report(month, evening(on(number, 28)))
            .expect("a report");
        year.reports += 1;
        sync(branch);
    }
    rate(branch);
    sync(branch);
    year.tasks = branch.phones[P1].tasks(YEAR).expect("tasks").tasks.len();
    year
}

fn hold<S: Store>(branch: &mut Branch<S>, doc: DocId, day: Date, typed: bool, rng: &mut StdRng) {
    let now = evening(day);
    let members = branch.members.clone();
    let phone = &mut branch.phones[P1];
    let mut commands = vec![
        Command::SetPlace("Nhà văn hóa thôn An Lạc".into()),
        Command::SetChair(members[0]),
        Command::SetClerk(members[2]),
        Command::Open,
    ];
    let absent: Vec<usize> = (0..3).map(|_| rng.random_range(3..38)).collect();
    let present: Vec<MemberId> = (0..42)
        .filter(|at| !absent.contains(at) && !(38..40).contains(at))
        .map(|at| members[at])
        .collect();
    let mark = |members: Vec<MemberId>, state| Command::Mark {
        members,
        state,
        how: How::RollCall,
        reason: None,
    };
    commands.push(mark(present, State::Present));
    commands.push(mark(
        absent.iter().map(|at| members[*at]).collect(),
        State::Excused,
    ));
    phone.meeting_all(doc, &commands, now).expect("opened");
    let _ = phone.take_in(doc, now).expect("taken in");
    let agenda: Vec<EntryId> = (0..4).map(|_| phone.fresh_id()).collect();
    for &id in &agenda {
        let add = Command::AddAgenda {
            id,
            title: text(rng, 4).into(),
            presenter: Some(Person::Member(members[0])),
            place: Place::Last,
        };
        phone.meeting(doc, &add, now).expect("an item");
        send(phone, typed);
    }
    for at in 0..12i64 {
        let add = Command::AddSpeech {
            id: phone.fresh_id(),
            speaker: Person::Member(members[rng.random_range(0..42)]),
            agenda: Some(agenda[at as usize % 4]),
            text: text(rng, 20).into(),
            place: Place::Last,
        };
        phone.meeting(doc, &add, now + at * 240_000).expect("a speech");
        send(phone, typed);
    }
    vote(phone, doc, rng, now + 3_600_000);
    for item in agenda {
        let add = Command::AddConclusion {
            id: phone.fresh_id(),
            agenda: Some(item),
            text: text(rng, 12).into(),
            deadline: Some(on(day.month().number(), 28)),
            responsible: vec![members[rng.random_range(3..38)]],
            place: Place::Last,
        };
        phone.meeting(doc, &add, now + 4_800_000).expect("a conclusion");
        send(phone, typed);
    }
    let end = [Command::ReadBack, Command::Close];
    phone.meeting_all(doc, &end, now + 5_700_000).expect("closed");
    phone.tasks_of_meeting(doc, now + 5_800_000).expect("tasks");
    let mine: Vec<EntryId> = {
        let tasks = phone.tasks(YEAR).expect("tasks").tasks;
        let open = tasks.iter().filter(|task| task.is_open()).map(|task| task.id);
        open.take(3).collect()
    };
    for id in mine {
        let report = TaskCommand::Report {
            id,
            status: TaskStatus::Done,
            result: Some(text(rng, 5).into()),
        };
        phone.task(YEAR, &report, now + 5_900_000).expect("a report");
    }
}

fn send<S: Store>(phone: &mut sotay_engine::Device<S>, typed: bool) {
    if typed {
        phone.flush().expect("sealed");
    }
}

fn vote<S: Store>(phone: &mut sotay_engine::Device<S>, doc: DocId, rng: &mut StdRng, now: i64) {
    let motion = phone.fresh_id();
    let counts = TallyCount {
        for_: 30,
        against: 1,
        other: 1,
        invalid: 0,
    };
    let commands = [
        Command::AddMotion {
            id: motion,
            agenda: None,
            text: text(rng, 8).into(),
            method: Method::Hands,
            need: Need::Majority,
            place: Place::Last,
        },
        Command::OpenVote { id: motion },
        Command::RecordTally {
            motion,
            counts,
            board: vec![],
        },
        Command::ConfirmTally {
            motion,
            recorder: phone.id(),
            id: phone.fresh_id(),
        },
    ];
    phone.meeting_all(doc, &commands, now).expect("a vote");
}

fn resolve<S: Store>(
    branch: &mut Branch<S>,
    meeting: DocId,
    day: Date,
    number: u32,
    rng: &mut StdRng,
) -> DocId {
    let members = branch.members.clone();
    let phone = &mut branch.phones[P1];
    let now = evening(day) + 6_000_000;
    let doc = phone
        .new_resolution(Some(meeting), text(rng, 5).into(), now)
        .expect("a resolution");
    let task = phone.fresh_id();
    let commands = [
        Resolve::SetNumber(number),
        Resolve::SetDate(day),
        Resolve::SetSigner(members[0]),
        Resolve::SetPart {
            part: Part::Assessment,
            text: text(rng, 60).into(),
        },
        Resolve::SetTask {
            id: task,
            text: text(rng, 12).into(),
            people: vec![members[7]],
            deadline: None,
        },
    ];
    phone.resolution(doc, &commands, now).expect("written");
    phone.issue_resolution(doc, now).expect("issued");
    doc
}

fn collect<S: Store>(branch: &mut Branch<S>, month: Month, year: &mut Year) {
    let members = branch.members.clone();
    let phone = &mut branch.phones[P1];
    let day = on(month.number(), 10);
    let lines: Vec<Fee> = (0..LINES_A_MONTH)
        .map(|at| {
            let payer = members[if at % PAYERS < 38 {
                at % PAYERS
            } else {
                at % PAYERS + 2
            }];
            Fee::Pay {
                id: phone.fresh_id(),
                payer,
                month,
                amount: 3_000,
                day,
                note: None,
            }
        })
        .collect();
    phone.fee_all(YEAR, &lines, evening(day)).expect("fees");
    year.fee_lines += lines.len();
    year.paid += 3_000 * lines.len() as i64;
}

fn say_so<S: Store>(branch: &mut Branch<S>, month: Month, rng: &mut StdRng, year: &mut Year) {
    for number in 0..FEEDBACK_A_MONTH {
        let phone = &mut branch.phones[[P1, P3][number % 2]];
        let new = NewFeedback {
            topic: text(rng, 3).as_str().into(),
            text: text(rng, 25).as_str().into(),
            named: number >= NAMELESS_A_MONTH,
            ..NewFeedback::default()
        };
        let day = on(month.number(), 1 + number as u32);
        phone.submit_feedback(&new, evening(day)).expect("an item");
        year.feedback += 1;
    }
}

fn rate<S: Store>(branch: &mut Branch<S>) {
    let members = branch.members.clone();
    let phone = &mut branch.phones[P1];
    let now = evening(on(12, 25));
    for member in &members {
        for criterion in ["politics", "duty", "discipline", "people"] {
            let score = Rate::Score {
                rated: Rated::Member(*member),
                criterion: criterion.to_owned(),
                column: Column::Committee,
                scorer: members[2],
                points: Some(900),
            };
            phone.rate(YEAR, &score, now).expect("points");
        }
    }
}
