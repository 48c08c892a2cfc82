//! The heading, the list, attendance.

use super::*;
use sotay_handbook::CommandError;
use sotay_handbook::fixture::device;
use sotay_handbook::meeting::Person;
use sotay_handbook::review::{clock_off, phone_not_synced};
use sotay_handbook::roster::{Activity, Roll, RollLine};

#[test]
fn a_mark_that_corrects_a_known_one_contradicts_nobody() {
    let mut hall = meeting();
    hall.on(2, 2, mark(17, State::Excused));
    hall.sync_all(&PHONES);
    hall.on(1, 9, mark(17, State::Present));
    hall.sync_all(&PHONES);
    let shown = hall.converged();
    let line = shown.view.line(member(17)).unwrap();
    assert_eq!(
        (line.state, line.ways, line.entries.len()),
        (State::Present, 1, 2)
    );
    assert!(shown.review.open().is_empty());
    hall.on(2, 20, mark(17, State::Excused));
    hall.sync_all(&PHONES);
    assert_eq!(
        hall.converged().view.line(member(17)).unwrap().state,
        State::Excused
    );
    assert!(kinds(&hall).is_empty());
}

#[test]
fn excused_against_unexcused_blocks_and_unmarked_is_never_absent() {
    let mut hall = meeting();
    hall.on(1, 2, mark(17, State::Excused));
    hall.on(2, 2, mark(17, State::Unexcused));
    hall.on(1, 2, mark(18, State::Present));
    hall.on(2, 2, mark(18, State::Unmarked));
    hall.sync_all(&PHONES);
    assert_eq!(kinds(&hall), [(ReviewKind::AttendanceTwice, Severity::Block)]);
    let counts = hall.converged().view.attendance.counts;
    assert_eq!(
        (
            counts.excused,
            counts.unexcused,
            counts.present,
            counts.exempt,
            counts.unmarked
        ),
        (1, 0, 1, 2, 38)
    );
}

#[test]
fn an_exempt_member_who_is_marked_absent_stays_exempt_and_is_mentioned() {
    let mut hall = meeting();
    hall.on(1, 2, mark(39, State::Unexcused));
    hall.on(2, 2, mark(40, State::Present));
    hall.sync_all(&PHONES);
    assert_eq!(kinds(&hall), [(ReviewKind::ExemptMarkedAbsent, Severity::Info)]);
    let counts = hall.converged().view.attendance.counts;
    assert_eq!(
        (
            counts.exempt,
            counts.unexcused,
            counts.present,
            counts.must_attend_present
        ),
        (1, 0, 1, 0)
    );
}

#[test]
fn two_frozen_lists_that_differ_in_a_line_block_and_one_is_chosen() {
    let mut hall = meeting();
    hall.on(1, 1, Command::Open);
    let lines = fixture::lines().into_iter().map(|line| match line.number {
        5 => RollLine {
            activity: Activity::Exempt,
            ..line
        },
        _ => line,
    });
    let fifth = member(5);
    let other = std::mem::replace(&mut hall.roster, Roll::new(lines.collect()));
    hall.on(2, 1, Command::Open);
    hall.roster = other;
    hall.sync_all(&PHONES);
    assert_eq!(kinds(&hall), [(ReviewKind::RollLine, Severity::Block)]);
    hall.choose(3, 5, &format!("roll/{fifth}"), "miễn sinh hoạt");
    hall.sync_all(&PHONES);
    assert_eq!(
        hall.converged().view.roll.get(fifth).unwrap().activity,
        Activity::Exempt
    );
    assert_eq!(hall.converged().view.attendance.counts.must_attend, 39);
    assert!(kinds(&hall).is_empty());
}

#[test]
fn a_mark_about_somebody_who_is_not_on_the_frozen_list_is_kept_and_mentioned() {
    let mut hall = meeting();
    let frozen = Roll::new(
        fixture::lines()
            .into_iter()
            .filter(|line| line.number != 42)
            .collect(),
    );
    let all = std::mem::replace(&mut hall.roster, frozen.clone());
    hall.on(3, 1, Command::Open);
    hall.roster = all;
    hall.on(1, 2, mark(42, State::Present));
    hall.roster = frozen;
    hall.sync_all(&PHONES);
    assert_eq!(kinds(&hall), [(ReviewKind::MarkedNotListed, Severity::Info)]);
    assert_eq!(hall.converged().view.attendance.counts.present, 0);
    assert!(matches!(
        hall.try_on(1, 3, &mark(42, State::Present)),
        Err(CommandError::Unknown(_))
    ));
}

#[test]
fn two_chairs_block_and_two_places_are_mentioned_with_both_values() {
    let mut hall = meeting();
    hall.on(1, 1, Command::SetChair(member(1)));
    hall.on(2, 1, Command::SetChair(member(2)));
    hall.on(1, 1, Command::SetPlace("Nhà văn hóa".into()));
    hall.on(2, 1, Command::SetPlace("Trụ sở thôn".into()));
    hall.sync_all(&PHONES);
    assert_eq!(
        kinds(&hall),
        [
            (ReviewKind::OfficerOfMeeting, Severity::Block),
            (ReviewKind::HeadingTwice, Severity::Info)
        ]
    );
    let shown = hall.converged();
    assert_eq!(
        hall.say_item(&shown.review.open()[1]),
        "địa điểm: đang có 2 giá trị: Nhà văn hóa, Trụ sở thôn (P1: Nhà văn hóa, P2: Trụ sở thôn)"
    );
    hall.choose(3, 2, "info/chair", "Nguyễn Văn Hùng");
    hall.choose(3, 2, "info/place", "Trụ sở");
    hall.sync_all(&PHONES);
    let view = hall.converged().view;
    assert_eq!(
        (view.chair.value, view.place.value.unwrap().as_str()),
        (Some(Person::Member(member(1))), "Trụ sở thôn")
    );
    assert!(kinds(&hall).is_empty());
}

#[test]
fn the_same_value_set_on_two_phones_is_one_value() {
    let mut hall = meeting();
    for phone in PHONES {
        hall.on(phone, i64::from(phone), Command::SetPlace("Nhà văn hóa".into()));
    }
    hall.sync_all(&PHONES);
    assert!(kinds(&hall).is_empty());
    assert_eq!(hall.converged().view.place.claims[0].marks.len(), 3);
}

#[test]
fn arrivals_noted_at_different_times_show_the_earlier_and_are_mentioned() {
    let mut hall = meeting();
    for (phone, time) in [(1, "2025-05-05T20:00"), (2, "2025-05-05T19:50")] {
        hall.on(
            phone,
            30,
            Command::Arrived {
                member: member(5),
                at: time.parse().ok(),
            },
        );
    }
    hall.sync_all(&PHONES);
    assert_eq!(kinds(&hall), [(ReviewKind::TimesDiffer, Severity::Info)]);
    let shown = hall.converged();
    assert_eq!(
        shown.view.line(member(5)).unwrap().arrived.value.unwrap().hours(),
        "19:50"
    );
    hall.choose(3, 40, &format!("arrived/{}", member(5)), "20:00");
    hall.sync_all(&PHONES);
    assert_eq!(
        hall.converged()
            .view
            .line(member(5))
            .unwrap()
            .arrived
            .value
            .unwrap()
            .hours(),
        "20:00"
    );
    assert!(kinds(&hall).is_empty());
}

#[test]
fn items_from_outside_the_document_join_the_list_in_its_order() {
    let mut hall = meeting();
    hall.on(1, 1, Command::SetChair(member(1)));
    hall.on(2, 1, Command::SetChair(member(2)));
    hall.sync_all(&PHONES);
    let mut list = hall.converged().review;
    list.extend([clock_off(device(2), 25), phone_not_synced(device(1))]);
    let said: Vec<(Severity, String)> = list
        .open()
        .iter()
        .skip(1)
        .map(|item| (item.severity, hall.say_item(item)))
        .collect();
    assert_eq!(
        said,
        [
            (Severity::Warn, "P1 đã tham gia nhưng chưa đồng bộ".to_owned()),
            (Severity::Info, "Đồng hồ của P2 lệch 25 phút".to_owned())
        ]
    );
    assert!(list.blocks());
}
