//! Reports upward.

use sotay_feed::DocId;
use sotay_handbook::fixture::{self, UNIT, acting, devices, may_meeting};
use sotay_handbook::meeting::MeetingKind;
use sotay_handbook::report::{
    Command, MeetingFacts, ReportFacts, ReportModel, ReportsView, TaskFacts, apply,
};
use sotay_handbook::{CommandError, DocKind, reports_id};

use crate::{Room, day, month, say};

fn room() -> Room {
    Room::new(reports_id(UNIT, 2025), DocKind::Report, &[1, 2, 3])
}

fn facts(excused: u32, unexcused: u32) -> ReportFacts {
    ReportFacts {
        month: month("2025-05"),
        meetings: vec![MeetingFacts {
            meeting: may_meeting(),
            kind: MeetingKind::Regular,
            date: Some(day("2025-05-05")),
            sealed: true,
            total: 42,
            present: 35,
            excused,
            unexcused,
            exempt: 2,
            away: 0,
            must_attend: 40,
            must_attend_present: 35,
            speeches: 12,
            conclusions: 4,
            votes: 1,
            points: None,
        }],
        tasks: TaskFacts::default(),
        fees: None,
        feedback: Some(0),
    }
}

fn send(room: &mut Room, phone: u8, facts: ReportFacts) -> Result<(), CommandError> {
    let facts = Box::new(facts);
    room.edit(phone, |tx| {
        apply(tx, &acting(phone, 0), &devices(), &Command::Send { facts })
    })
}

fn shown(room: &Room) -> ReportsView {
    room.same(|doc| ReportsView::read(doc, &devices()))
}

#[test]
fn what_was_sent_stays_and_changed_facts_propose_the_next_revision_with_what_changed() {
    let mut room = room();
    send(&mut room, 3, facts(4, 1)).unwrap();
    assert!(matches!(
        send(&mut room, 3, facts(4, 1)),
        Err(CommandError::NothingChanged)
    ));
    room.meet();
    let view = shown(&room);
    assert_eq!(view.proposal(facts(4, 1)), None);
    let mut now = facts(5, 0);
    now.feedback = Some(12);
    let proposal = view.proposal(now.clone()).unwrap();
    assert_eq!(proposal.revision, 2);
    let said: Vec<String> = proposal.changes.iter().map(say).collect();
    assert_eq!(
        said,
        [
            "Sinh hoạt thường kỳ 05/05/2025: vắng có lý do: 4 → 5",
            "Sinh hoạt thường kỳ 05/05/2025: vắng không lý do: 1 → 0",
            "ý kiến góp ý: 0 → 12"
        ]
    );
    let last = view.last(month("2025-05")).unwrap();
    assert_eq!(
        (last.revision, last.facts.meetings[0].attendance()),
        (1, "35/4/1/2".into())
    );
    let model = ReportModel::of(
        &now,
        2,
        false,
        &proposal.changes,
        &fixture::heading(),
        &fixture::Al42Names::default(),
    );
    assert_eq!(model.meetings[0].rate, "35/40 = 87,5 %");
    assert_eq!(model.changes.len(), 3);
}

#[test]
fn two_officers_who_send_the_same_number_both_stay_and_the_next_one_settles_it() {
    let mut room = room();
    send(&mut room, 2, facts(4, 1)).unwrap();
    send(&mut room, 3, facts(5, 0)).unwrap();
    room.meet();
    let view = shown(&room);
    assert_eq!(view.sent.len(), 2);
    assert!(view.is_split(month("2025-05")));
    send(&mut room, 3, facts(5, 0)).unwrap();
    room.meet();
    let view = shown(&room);
    assert_eq!(view.last(month("2025-05")).unwrap().revision, 2);
    assert!(!view.is_split(month("2025-05")));
}

#[test]
fn a_meeting_that_came_or_went_is_told() {
    let old = facts(4, 1);
    let mut now = old.clone();
    now.meetings[0].meeting = DocId::from_bytes([9; 16]);
    now.meetings[0].kind = MeetingKind::Thematic;
    let said: Vec<String> = old.changes(&now).iter().map(say).collect();
    assert_eq!(
        said,
        [
            "Thêm Sinh hoạt chuyên đề 05/05/2025",
            "Không còn Sinh hoạt thường kỳ 05/05/2025"
        ]
    );
    assert!(old.changes(&old).is_empty());
}

#[test]
fn only_officers_send() {
    let mut room = room();
    let facts = Box::new(facts(4, 1));
    let refused = room.edit(1, |tx| {
        apply(tx, &acting(4, 0), &devices(), &Command::Send { facts })
    });
    assert!(matches!(refused, Err(CommandError::OfficersOnly)));
}
