//! Tasks.

use sotay_feed::MemberId;
use sotay_handbook::fixture::{UNIT, acting, devices, entry, may_meeting, member, roll};
use sotay_handbook::limits::{ROUNDS_MAX, TASK_CHARS_MAX};
use sotay_handbook::tasks::{Command, TaskSource, TaskStatus, TasksView, apply, review};
use sotay_handbook::{CommandError, DocKind, EntryId, tasks_id};

use crate::{Room, day, month, say};

fn room() -> Room {
    Room::new(tasks_id(UNIT, 2025), DocKind::Tasks, &[1, 2, 3, 4])
}

fn on(room: &mut Room, phone: u8, command: Command) -> Result<(), CommandError> {
    room.edit(phone, |tx| {
        apply(tx, &acting(phone, 0), &devices(), &roll(), &command)
    })
}

fn add(room: &mut Room, phone: u8, people: &[MemberId], deadline: Option<&str>) -> EntryId {
    let id = room.fresh();
    let command = Command::Add {
        id,
        what: "Nạo vét mương N3".into(),
        source: None,
        people: people.to_vec(),
        deadline: deadline.map(day),
    };
    on(room, phone, command).unwrap();
    id
}

fn report(room: &mut Room, phone: u8, id: EntryId, status: TaskStatus) -> Result<(), CommandError> {
    let result = Some("đã vét 400 m".into());
    on(room, phone, Command::Report { id, status, result })
}

fn shown(room: &Room) -> TasksView {
    room.same(|doc| TasksView::read(doc, &devices()))
}

#[test]
fn the_furthest_status_wins_and_reopening_begins_a_round() {
    let mut room = room();
    let id = add(&mut room, 3, &[member(5)], Some("2025-05-20"));
    room.meet();
    report(&mut room, 4, id, TaskStatus::Done).unwrap();
    report(&mut room, 1, id, TaskStatus::Doing).unwrap();
    room.meet();
    assert_eq!(shown(&room).get(id).unwrap().status, TaskStatus::Done);
    let reason = Some("còn đoạn cuối".into());
    on(&mut room, 2, Command::Reopen { id, reason }).unwrap();
    on(&mut room, 3, Command::Reopen { id, reason: None }).unwrap();
    room.meet();
    let view = shown(&room);
    let task = view.get(id).unwrap();
    assert_eq!((task.status, task.round), (TaskStatus::Assigned, 1));
    assert_eq!(task.events.len(), 4, "nothing that was reported is lost");
    assert_eq!(task.result(), "đã vét 400 m; đã vét 400 m");
    assert!(task.is_overdue(day("2025-05-21")) && !task.is_overdue(day("2025-05-20")));
    report(&mut room, 4, id, TaskStatus::Done).unwrap();
    report(&mut room, 3, id, TaskStatus::Accepted).unwrap();
    room.meet();
    let view = shown(&room);
    assert_eq!(view.get(id).unwrap().status, TaskStatus::Accepted);
    assert!(!view.get(id).unwrap().is_overdue(day("2026-01-01")));
}

#[test]
fn two_phones_that_take_one_conclusion_offline_make_one_task() {
    let mut room = room();
    let source = TaskSource {
        meeting: may_meeting(),
        conclusion: entry(1, 7),
    };
    for phone in [1, 3] {
        let command = Command::Add {
            id: source.task(),
            what: "Công khai các khoản đóng góp".into(),
            source: Some(source),
            people: vec![member(11)],
            deadline: Some(day("2025-05-15")),
        };
        on(&mut room, phone, command).unwrap();
    }
    room.meet();
    let view = shown(&room);
    assert_eq!(view.tasks.len(), 1);
    assert_eq!(view.tasks[0].source, Some(source));
    assert!(review(&view).open().is_empty());
}

#[test]
fn concurrent_deadlines_block_until_an_officer_chooses() {
    let mut room = room();
    let id = add(&mut room, 3, &[member(5)], Some("2025-05-15"));
    room.meet();
    for (phone, date) in [(1, "2025-05-20"), (2, "2025-05-30")] {
        let deadline = Some(day(date));
        on(&mut room, phone, Command::SetDeadline { id, deadline }).unwrap();
    }
    room.meet();
    let list = review(&shown(&room));
    let [item] = list.open() else { panic!("one item") };
    assert!(list.blocks());
    assert_eq!(
        say(&item.message),
        "Nhiệm vụ “Nạo vét mương N3”, hạn: đang có 2 giá trị: 20/5, 30/5"
    );
    let choice = |room: &mut Room| Command::Settle {
        item: item.id.clone(),
        pick: item.options[1].pick.clone(),
        id: room.fresh(),
    };
    let settle = choice(&mut room);
    assert!(matches!(
        on(&mut room, 4, settle.clone()),
        Err(CommandError::OfficersOnly)
    ));
    on(&mut room, 3, settle).unwrap();
    room.meet();
    let view = shown(&room);
    assert_eq!(view.get(id).unwrap().due(), Some(day("2025-05-30")));
    assert!(review(&view).open().is_empty());
}

#[test]
fn who_is_responsible_reports_and_only_officers_give_accept_and_reopen() {
    let mut room = room();
    let (own, other) = (
        add(&mut room, 3, &[member(5)], None),
        add(&mut room, 3, &[member(6)], None),
    );
    room.meet();
    report(&mut room, 4, own, TaskStatus::Doing).unwrap();
    for refused in [
        report(&mut room, 4, own, TaskStatus::Accepted),
        report(&mut room, 4, other, TaskStatus::Doing),
        on(
            &mut room,
            4,
            Command::Reopen {
                id: own,
                reason: None,
            },
        ),
        on(&mut room, 4, Command::Withdraw { id: own, on: true }),
    ] {
        assert!(matches!(refused, Err(CommandError::OfficersOnly)), "{refused:?}");
    }
    let unknown = room.fresh();
    assert!(matches!(
        report(&mut room, 3, unknown, TaskStatus::Doing),
        Err(CommandError::Unknown(_))
    ));
    let stranger = Command::SetResponsible {
        id: own,
        member: member(43),
        on: true,
    };
    assert!(matches!(
        on(&mut room, 3, stranger),
        Err(CommandError::Unknown(_))
    ));
}

#[test]
fn words_over_the_limit_and_one_round_too_many_are_refused() {
    let mut room = room();
    let id = add(&mut room, 3, &[], None);
    let words = |chars: usize| Command::Edit {
        id,
        what: "ế".repeat(chars).into(),
    };
    on(&mut room, 3, words(TASK_CHARS_MAX)).unwrap();
    assert!(matches!(
        on(&mut room, 3, words(TASK_CHARS_MAX + 1)),
        Err(CommandError::TooLong { .. })
    ));
    for _ in 0..ROUNDS_MAX {
        on(&mut room, 3, Command::Reopen { id, reason: None }).unwrap();
    }
    assert!(matches!(
        on(&mut room, 3, Command::Reopen { id, reason: None }),
        Err(CommandError::TooMany { .. })
    ));
}

#[test]
fn a_meeting_hears_of_what_is_due_and_not_of_what_is_withdrawn_or_long_settled() {
    let mut room = room();
    let due = add(&mut room, 3, &[], Some("2025-05-20"));
    let later = add(&mut room, 3, &[], Some("2025-08-20"));
    let mistake = add(&mut room, 3, &[], Some("2025-05-20"));
    let settled = add(&mut room, 3, &[], Some("2025-03-20"));
    report(&mut room, 3, settled, TaskStatus::Accepted).unwrap();
    on(
        &mut room,
        3,
        Command::Withdraw {
            id: mistake,
            on: true,
        },
    )
    .unwrap();
    let view = room.read(3, |doc| TasksView::read(doc, &devices()));
    let ids: Vec<EntryId> = view.before(month("2025-06")).map(|task| task.id).collect();
    assert_eq!(ids, [due]);
    assert!(
        view.before(month("2025-08"))
            .map(|task| task.id)
            .any(|id| id == later)
    );
}
