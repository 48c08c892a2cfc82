//! Random commands by two to six phones, with random partitions: they always converge, show equal review lists, and lose no
//! fact. What must be there is remembered by a reference that knows nothing of merging.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use sotay_handbook::fees::{self, FeesView};
use sotay_handbook::fixture::{UNIT, acting, devices, member, roll};
use sotay_handbook::tasks::{self, TaskStatus, TasksView};
use sotay_handbook::{DocKind, EntryId, fees_id, tasks_id};

use crate::{Room, day, known, month};

#[derive(Debug, Clone)]
struct Act {
    phone: u8,
    what: u8,
    pick: usize,
    number: u32,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = (1..=6u8, 0..8u8, 0..1000usize, 1..=42u32).prop_map(|(phone, what, pick, number)| Act {
        phone,
        what,
        pick,
        number,
    });
    prop::collection::vec(act, 1..40)
}

/// When, and who is together then: a bit for each phone.
fn partitions() -> impl Strategy<Value = Vec<(usize, u8)>> {
    prop::collection::vec((0..40usize, 0..64u8), 0..12)
}

fn together(mask: u8, phones: u8) -> Vec<u8> {
    (1..=phones)
        .filter(|phone| mask & (1 << (phone - 1)) != 0)
        .collect()
}

fn pick<T: Clone>(from: &[T], at: usize) -> Option<T> {
    from.get(at % from.len().max(1)).cloned()
}

fn task_command(view: &TasksView, act: &Act, fresh: EntryId) -> Option<tasks::Command> {
    use tasks::Command;
    let task = pick(&view.tasks, act.pick);
    let id = task.as_ref().map(|task| task.id);
    let deadline = sotay_handbook::Date::new(2025, 5, 1 + act.number % 28);
    Some(match act.what {
        0 => Command::Add {
            id: fresh,
            what: format!("Việc {}", act.number).into(),
            source: None,
            people: vec![member(act.number)],
            deadline,
        },
        1 => Command::Edit {
            id: id?,
            what: format!("Việc sửa {}", act.pick % 5).into(),
        },
        2 => Command::SetDeadline { id: id?, deadline },
        3 => Command::SetResponsible {
            id: id?,
            member: member(act.number),
            on: act.pick.is_multiple_of(2),
        },
        4 | 5 => Command::Report {
            id: id?,
            status: pick(TaskStatus::ALL, act.pick)?,
            result: act
                .pick
                .is_multiple_of(3)
                .then(|| format!("kết quả {}", act.number).into()),
        },
        6 => Command::Reopen {
            id: id?,
            reason: None,
        },
        _ => {
            let list = tasks::review(view);
            let item = pick(list.open(), act.pick)?;
            let pick = pick(&item.options, act.number as usize)?.pick;
            Command::Settle {
                item: item.id,
                pick,
                id: fresh,
            }
        }
    })
}

fn fee_command(view: &FeesView, act: &Act, fresh: EntryId) -> Option<fees::Command> {
    use fees::Command;
    let line = pick(&view.lines, act.pick).map(|line| line.id);
    let date = day("2025-05-05");
    Some(match act.what {
        0..=3 => Command::Pay {
            id: fresh,
            payer: member(1 + act.number % 6),
            month: month("2025-05"),
            amount: 1_000 * (1 + act.number),
            day: date,
            note: None,
        },
        4 => Command::Reverse {
            id: fresh,
            line: line?,
            day: date,
            note: None,
        },
        5 => Command::Assess {
            member: member(1 + act.number % 6),
            from: month("2025-05"),
            amount: Some(1_000 * act.number),
        },
        _ => {
            let list = fees::review(view);
            let item = pick(list.open(), act.pick)?;
            let pick = pick(&item.options, act.number as usize)?.pick;
            Command::Settle {
                item: item.id,
                pick,
                id: fresh,
                day: date,
            }
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn tasks_converge_and_lose_nothing_whatever_happens_apart(
        phones in 2..=6u8,
        acts in acts(),
        partitions in partitions(),
    ) {
        let numbers: Vec<u8> = (1..=phones).collect();
        let mut room = Room::new(tasks_id(UNIT, 2025), DocKind::Tasks, &numbers);
        let (mut added, mut reported) = (BTreeSet::new(), BTreeSet::new());
        for (at, act) in acts.iter().enumerate() {
            let phone = 1 + (act.phone - 1) % phones;
            let fresh = room.fresh();
            let view = room.read(phone, |doc| TasksView::read(doc, &devices()));
            let Some(command) = task_command(&view, act, fresh) else { continue };
            let done = room.edit(phone, |tx| tasks::apply(tx, &acting(phone, 0), &devices(), &roll(), &command));
            match (&command, done) {
                (tasks::Command::Add { id, .. }, Ok(())) => { added.insert(*id); }
                (tasks::Command::Report { id, status, .. }, Ok(())) => {
                    let round = view.get(*id).map_or(0, |task| task.round);
                    reported.insert((*id, round, *status, phone));
                }
                _ => {}
            }
            for (_, mask) in partitions.iter().filter(|(when, _)| *when == at) {
                room.meet_of(&together(*mask, phones));
            }
        }
        room.meet();
        let view = room.same(|doc| TasksView::read(doc, &devices()));
        let shown: BTreeSet<EntryId> = view.tasks.iter().map(|task| task.id).collect();
        prop_assert_eq!(&shown, &added);
        for (id, round, status, phone) in reported {
            let task = view.get(id).unwrap();
            let device = sotay_handbook::fixture::device(phone);
            prop_assert!(task.events.iter().any(|event| (event.round, event.status, event.mark.device) == (round, status, device)));
            prop_assert!((task.round, task.status) >= (round, status), "the furthest counts");
        }
        let list = room.same(|doc| tasks::review(&TasksView::read(doc, &devices())));
        for item in list.open() {
            let said = crate::say(&item.message);
            prop_assert!(!said.contains('{'), "{}", said);
        }
    }

    #[test]
    fn ledgers_converge_with_every_line_and_the_sum_of_a_book_kept_by_hand(
        phones in 2..=6u8,
        acts in acts(),
        partitions in partitions(),
    ) {
        let numbers: Vec<u8> = (1..=phones).collect();
        let mut room = Room::new(fees_id(UNIT, 2025), DocKind::FeeLedger, &numbers);
        let mut paid: BTreeMap<EntryId, i64> = BTreeMap::new();
        let (mut reversed, mut lines) = (BTreeSet::new(), BTreeSet::new());
        for (at, act) in acts.iter().enumerate() {
            let phone = 1 + (act.phone - 1) % phones;
            let fresh = room.fresh();
            let view = room.read(phone, |doc| FeesView::read(doc, &devices()));
            let Some(command) = fee_command(&view, act, fresh) else { continue };
            let done = room.edit(phone, |tx| fees::apply(tx, &acting(phone, 0), &devices(), &known, &command));
            if done.is_ok() {
                match &command {
                    fees::Command::Pay { id, amount, .. } => {
                        paid.insert(*id, i64::from(*amount));
                        lines.insert(*id);
                    }
                    fees::Command::Reverse { id, line, .. } => {
                        reversed.insert(*line);
                        lines.insert(*id);
                    }
                    fees::Command::Settle { pick, id, .. } => {
                        if let Some(line) = pick.strip_prefix("reverse/") {
                            reversed.insert(line.parse().unwrap());
                            lines.insert(*id);
                        }
                    }
                    fees::Command::Assess { .. } => {}
                }
            }
            for (_, mask) in partitions.iter().filter(|(when, _)| *when == at) {
                room.meet_of(&together(*mask, phones));
            }
        }
        room.meet();
        let view = room.same(|doc| FeesView::read(doc, &devices()));
        let shown: BTreeSet<EntryId> = view.lines.iter().map(|line| line.id).collect();
        prop_assert_eq!(&shown, &lines);
        let by_hand: i64 = paid.iter().filter(|(id, _)| !reversed.contains(id)).map(|(_, amount)| amount).sum();
        prop_assert_eq!(view.total(), by_hand);
        prop_assert_eq!(view.damaged, 0);
        room.same(|doc| fees::review(&FeesView::read(doc, &devices())));
    }
}
