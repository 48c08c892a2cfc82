//! The fee ledger; scenario 11, exact.

use sotay_document::crdt::{ROOT, ReadDoc, ScalarValue, Transactable};
use sotay_handbook::fees::{Command, FeeMonth, FeeRates, FeesView, apply, fee_month, review};
use sotay_handbook::fixture::{UNIT, acting, devices, entry, member, roll};
use sotay_handbook::limits::AMOUNT_MAX;
use sotay_handbook::number::grouped;
use sotay_handbook::review::Severity;
use sotay_handbook::{CommandError, DocKind, EntryId, fees_id};

use crate::{Room, day, known, month, say};

/// What M02 to M09 without M05 pay by their wages: 152,000 together.
const ASSESSED: [(u32, u32); 8] = [
    (1, 24_000),
    (2, 22_000),
    (3, 20_000),
    (4, 18_000),
    (6, 17_000),
    (7, 17_000),
    (8, 17_000),
    (9, 17_000),
];

fn room() -> Room {
    Room::new(fees_id(UNIT, 2025), DocKind::FeeLedger, &[1, 2, 3])
}

fn on(room: &mut Room, phone: u8, command: Command) -> Result<(), CommandError> {
    room.edit(phone, |tx| {
        apply(tx, &acting(phone, 0), &devices(), &known, &command)
    })
}

fn pay(room: &mut Room, phone: u8, number: u32, amount: u32) -> EntryId {
    let id = room.fresh();
    let command = Command::Pay {
        id,
        payer: member(number),
        month: month("2025-05"),
        amount,
        day: day("2025-05-05"),
        note: None,
    };
    on(room, phone, command).unwrap();
    id
}

fn shown(room: &Room) -> FeesView {
    room.same(|doc| FeesView::read(doc, &devices()))
}

fn may(view: &FeesView) -> FeeMonth {
    let all = FeeRates::shipped();
    let month = month("2025-05");
    fee_month(
        view,
        month,
        &roll(),
        FeeRates::of_month(&all, month).expect("rates"),
    )
}

/// Everybody assessed, and everybody's fee of May recorded: M01 to M21 on P1, the rest on P2.
fn collected() -> Room {
    let mut room = room();
    for (number, amount) in ASSESSED {
        let command = Command::Assess {
            member: member(number),
            from: month("2025-01"),
            amount: Some(amount),
        };
        on(&mut room, 3, command).unwrap();
    }
    room.meet();
    let view = room.read(3, |doc| FeesView::read(doc, &devices()));
    for (at, line) in may(&view).members.into_iter().enumerate() {
        if line.due > 0 {
            let phone = if at < 21 { 1 } else { 2 };
            pay(&mut room, phone, at as u32 + 1, line.due);
        }
    }
    room
}

#[test]
fn scenario_11_a_fee_recorded_twice_is_reversed_and_every_line_stays() {
    let mut room = collected();
    let before = room.read(3, |doc| may(&FeesView::read(doc, &devices())));
    assert_eq!((before.due, before.paid), (338_000, 0));
    assert_eq!(before.unpaid.len(), 40);
    room.meet();
    let view = shown(&room);
    let month = may(&view);
    assert_eq!((month.due, month.paid, month.lines), (338_000, 338_000, 40));
    assert!(month.unpaid.is_empty() && review(&view).open().is_empty());

    pay(&mut room, 2, 5, 6_000);
    room.meet();
    let view = shown(&room);
    assert_eq!(may(&view).paid, 344_000);
    let list = review(&view);
    let [item] = list.open() else { panic!("one item") };
    assert_eq!(item.severity, Severity::Info);
    let said = say(&item.message);
    assert!(said.starts_with("nộp trùng Hoàng Văn Thắng tháng 5: "), "{said}");

    let reverse = item
        .options
        .iter()
        .find(|option| say(&option.label).contains("P2"))
        .unwrap();
    assert_eq!(say(&reverse.label), "Đảo dòng 6.000 đồng ngày 05/05/2025 (P2)");
    let command = Command::Settle {
        item: item.id.clone(),
        pick: reverse.pick.clone(),
        id: room.fresh(),
        day: day("2025-05-06"),
    };
    on(&mut room, 3, command).unwrap();
    room.meet();
    let view = shown(&room);
    let month = may(&view);
    assert_eq!(grouped(month.paid as u64), "338.000");
    assert_eq!((month.lines, view.lines.len()), (42, 42));
    assert!(review(&view).open().is_empty());
}

#[test]
fn who_pays_in_parts_keeps_both_lines() {
    let mut room = room();
    let (first, _) = (pay(&mut room, 1, 5, 3_000), pay(&mut room, 2, 5, 3_000));
    room.meet();
    let item = review(&shown(&room)).open()[0].clone();
    let command = Command::Settle {
        item: item.id,
        pick: "keep".into(),
        id: room.fresh(),
        day: day("2025-05-06"),
    };
    on(&mut room, 3, command).unwrap();
    room.meet();
    let view = shown(&room);
    assert!(review(&view).open().is_empty());
    assert_eq!(view.total(), 6_000);
    assert!(view.line(first).is_some());
    // A third line is news again.
    pay(&mut room, 1, 5, 3_000);
    room.meet();
    assert_eq!(review(&shown(&room)).open().len(), 1);
}

#[test]
fn two_phones_that_reverse_one_line_take_it_back_once() {
    let mut room = room();
    let wrong = pay(&mut room, 1, 5, 6_000);
    room.meet();
    for phone in [1, 2] {
        let command = Command::Reverse {
            id: room.fresh(),
            line: wrong,
            day: day("2025-05-06"),
            note: Some("nộp nhầm".into()),
        };
        on(&mut room, phone, command).unwrap();
    }
    room.meet();
    let view = shown(&room);
    assert_eq!((view.total(), view.lines.len()), (0, 3));
    let again = Command::Reverse {
        id: room.fresh(),
        line: wrong,
        day: day("2025-05-07"),
        note: None,
    };
    assert!(matches!(
        on(&mut room, 3, again),
        Err(CommandError::ReversedAlready)
    ));
    let reversal = view.line(wrong).unwrap().reversed_by.unwrap();
    let back = Command::Reverse {
        id: room.fresh(),
        line: reversal,
        day: day("2025-05-07"),
        note: None,
    };
    assert!(matches!(on(&mut room, 3, back), Err(CommandError::Unknown(_))));
}

#[test]
fn only_officers_write_known_members_pay_and_amounts_have_a_limit() {
    let mut room = room();
    let pay = |payer: u32, amount: u32| Command::Pay {
        id: entry(9, amount),
        payer: member(payer),
        month: month("2025-05"),
        amount,
        day: day("2025-05-05"),
        note: None,
    };
    let refused = room.edit(1, |tx| {
        apply(tx, &acting(4, 0), &devices(), &known, &pay(5, 6_000))
    });
    assert!(matches!(refused, Err(CommandError::OfficersOnly)));
    assert!(matches!(
        on(&mut room, 1, pay(43, 6_000)),
        Err(CommandError::Unknown(_))
    ));
    assert!(matches!(on(&mut room, 1, pay(5, 0)), Err(CommandError::Empty(_))));
    assert!(matches!(
        on(&mut room, 1, pay(5, AMOUNT_MAX + 1)),
        Err(CommandError::TooMany { .. })
    ));
    on(&mut room, 1, pay(5, AMOUNT_MAX)).unwrap();
    assert!(matches!(
        on(&mut room, 1, pay(5, AMOUNT_MAX)),
        Err(CommandError::Exists(_))
    ));
}

#[test]
fn a_line_that_was_written_over_is_shown_as_damaged_and_counts_for_nothing() {
    let mut room = room();
    pay(&mut room, 1, 5, 6_000);
    room.edit(1, |tx| {
        let (_, lines) = tx.get(ROOT, "lines").unwrap().unwrap();
        let key = tx.keys(&lines).next().unwrap();
        tx.put(&lines, key, ScalarValue::Bytes(vec![0x82, 0, 0])).unwrap();
        Ok(())
    })
    .unwrap();
    room.meet();
    let view = shown(&room);
    assert_eq!((view.lines.len(), view.damaged, view.total()), (0, 1, 0));
}

#[test]
fn two_assessments_of_one_member_and_month_block() {
    let mut room = room();
    for (phone, amount) in [(1, 20_000), (2, 25_000)] {
        let command = Command::Assess {
            member: member(6),
            from: month("2025-05"),
            amount: Some(amount),
        };
        on(&mut room, phone, command).unwrap();
    }
    room.meet();
    let list = review(&shown(&room));
    assert!(list.blocks());
    assert_eq!(
        say(&list.open()[0].message),
        "Vũ Đình Khôi, mức đóng từ tháng 5: đang có 2 giá trị: 20.000 đồng, 25.000 đồng"
    );
}
