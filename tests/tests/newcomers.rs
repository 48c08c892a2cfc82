//! Newcomers who read from a day on: what their phones get of the time before, and what stays closed to them.

use rand::SeedableRng;
use rand::rngs::StdRng;
use sotay_engine::handbook::meeting::{Command, MeetingKind};
use sotay_engine::{AdmitError, AdmitRequest, Device, RemovalError, today};
use sotay_feed::{DocId, Draft, Kind, Space, SpaceKind};
use sotay_sync::{DenyReason, RefuseReason};
use sotay_tests::branch::{P1, P2, P3, at, day};
use sotay_tests::hall::{Hall, Phone, stranger};

const DAY_MINUTES: i64 = 24 * 60;

/// Minutes after the meeting of May begins; June begins 26 days later.
fn june(minute: i64) -> i64 {
    at(27 * DAY_MINUTES + minute)
}

/// The branch after its meeting of May, of which everybody knows.
fn open() -> Hall {
    let mut hall = Hall::open(9, june(200));
    let may = hall.doc;
    hall.branch.speak(P3, may, 5, "Chuyện của tháng Năm");
    for phone in [P3, P2, P1] {
        hall.sync(phone);
    }
    hall
}

fn ask(hall: &Hall, phone: &mut Phone, rank: u8) -> AdmitRequest {
    AdmitRequest {
        request: phone.join_request().unwrap().to_text(),
        member: hall.branch.member(20),
        rank,
        committee: false,
        probationary: false,
        relays: Vec::new(),
    }
}

/// Admits another phone on 1 June; its place among the phones.
fn newcomer(hall: &mut Hall, rank: u8, from: &str) -> usize {
    let mut phone = stranger(20, "P20");
    let ask = ask(hall, &mut phone, rank);
    let invitation = hall.branch.phones[P3]
        .admit_from(&ask, day(from), june(0))
        .unwrap();
    phone.accept(&invitation).unwrap();
    hall.branch.phones.push(phone);
    hall.branch.phones.len() - 1
}

fn meeting_of_june(hall: &mut Hall, phone: usize) -> DocId {
    let (month, date) = ("2025-06".parse().unwrap(), day("2025-06-05"));
    let phone = &mut hall.branch.phones[phone];
    phone
        .new_meeting(MeetingKind::Regular, Some(month), Some(date), june(1))
        .unwrap()
}

fn meetings(hall: &mut Hall, phone: usize) -> Vec<DocId> {
    let all = hall.branch.phones[phone].meetings().unwrap();
    all.into_iter().map(|meeting| meeting.doc).collect()
}

#[test]
fn a_newcomer_from_june_on_reads_june_and_the_roster_but_no_earlier_meeting() {
    let mut hall = open();
    // Typed in May on the phone that admits, and never synced.
    let may = hall.doc;
    hall.branch.speak(P3, may, 6, "Chưa đồng bộ");
    let new = newcomer(&mut hall, 4, "2025-06-01");
    // Offline still: the roster and all names are there.
    let known = hall.branch.phones[P3].members(day("2025-06-01")).unwrap();
    assert_eq!(hall.branch.phones[new].members(day("2025-06-01")).unwrap(), known);
    assert_eq!(
        hall.branch.phones[new].reads_from().unwrap(),
        Some(day("2025-06-01"))
    );
    assert_eq!(hall.branch.phones[P1].reads_from().unwrap(), None);
    let doc = meeting_of_june(&mut hall, P3);
    hall.branch
        .on(P3, doc, 1, Command::SetPlace("Nhà văn hóa".into()));
    hall.branch.speak(P3, doc, 5, "Chuyện của tháng Sáu");
    for phone in [P3, new, P1, P3, new] {
        hall.sync(phone);
    }
    assert_eq!(meetings(&mut hall, new), [doc]);
    assert_eq!(hall.minutes(new, doc), hall.minutes(P3, doc));
    assert_eq!(meetings(&mut hall, P1).len(), 2);
    let may = hall.doc;
    assert!(hall.branch.phones[new].meeting_view(may).is_err());
    // What the newcomer writes reaches everybody.
    hall.branch.speak(new, doc, 20, "Người mới phát biểu");
    hall.sync(new);
    hall.sync(P1);
    assert_eq!(hall.minutes(P1, doc), hall.minutes(new, doc));
}

#[test]
fn what_others_write_under_a_key_that_was_kept_back_is_carried_over_to_the_newcomer() {
    let mut hall = open();
    // P1 has begun June's meeting and knows of no new key yet.
    let doc = meeting_of_june(&mut hall, P1);
    hall.branch
        .on(P1, doc, 1, Command::SetPlace("Nhà văn hóa".into()));
    let new = newcomer(&mut hall, 4, "2025-06-01");
    hall.sync(P3);
    hall.sync(P1);
    hall.branch.speak(P1, doc, 5, "Viết trước khi có khóa mới");
    for phone in [P1, P3, P3, new] {
        hall.sync(phone);
    }
    assert_eq!(meetings(&mut hall, new), [doc]);
    assert_eq!(hall.minutes(new, doc), hall.minutes(P1, doc));
    // Nothing new: nothing is carried again.
    let main = Space::of(hall.branch.phones[P3].unit().unwrap(), SpaceKind::Main).id();
    let head = |hall: &Hall| {
        use sotay_store::Store;
        hall.relay.replica().store().head(&main).unwrap().number
    };
    let before = head(&hall);
    hall.sync(P3);
    hall.sync(P3);
    assert_eq!(head(&hall), before);
}

#[test]
fn a_key_under_which_something_was_written_on_the_day_is_handed_over_with_what_else_is_under_it() {
    let mut hall = open();
    hall.branch.phones[P3].rotate().unwrap();
    let doc = meeting_of_june(&mut hall, P3);
    hall.sync(P3);
    // The key before the rotation was last used in May, the one after it on 1 June.
    let new = newcomer(&mut hall, 4, "2025-05-20");
    assert_eq!(meetings(&mut hall, new), [doc]);
    let later = hall.branch.phones[P3].reads_from().unwrap();
    assert_eq!(later, None);
}

#[test]
fn widening_opens_what_was_closed_and_says_nothing_is_missing_any_more() {
    let mut hall = open();
    let new = newcomer(&mut hall, 3, "2025-06-01");
    for phone in [P3, new, P1] {
        hall.sync(phone);
    }
    assert!(meetings(&mut hall, new).is_empty());
    let id = hall.branch.phones[new].id();
    let itself = hall.branch.phones[new].widen(id, None);
    assert!(matches!(itself, Err(RemovalError::Itself)), "{itself:?}");
    let by_member = hall.branch.phones[P1].widen(id, None);
    assert!(matches!(by_member, Err(RemovalError::Device(_))), "{by_member:?}");
    // From a day under whose keys nothing more was written: nothing to hand over.
    let none = hall.branch.phones[P3].widen(id, Some(day("2025-06-01"))).unwrap();
    assert_eq!(none.bytes, 0);
    assert!(hall.branch.phones[P3].widen(id, None).unwrap().bytes > 0);
    hall.sync(P3);
    hall.sync(new);
    let may = hall.doc;
    assert_eq!(meetings(&mut hall, new), [may]);
    assert_eq!(hall.minutes(new, may), hall.minutes(P3, may));
    assert_eq!(hall.branch.phones[new].reads_from().unwrap(), None);
    // Opened again, it is the same.
    let kept = hall.branch.phones.remove(new).into_store();
    let mut again = Device::open(kept, Box::new(StdRng::seed_from_u64(5))).unwrap();
    assert_eq!(again.minutes(may).unwrap().text, hall.minutes(P3, may));
}

#[test]
fn a_day_in_the_future_is_refused_and_a_member_may_not_write_a_copy() {
    let mut hall = open();
    let mut phone = stranger(20, "P20");
    let ask = ask(&hall, &mut phone, 4);
    let tomorrow = day("2025-06-02");
    assert!(tomorrow > today(june(0)));
    let refused = hall.branch.phones[P3].admit_from(&ask, tomorrow, june(0));
    assert!(matches!(refused, Err(AdmitError::Future)), "{refused:?}");
    let member = &hall.branch.phones[P1];
    let space = Space::of(member.unit().unwrap(), SpaceKind::Main);
    let (id, keys) = (space.id(), member.keys());
    let tip = {
        use sotay_store::Store;
        member.replica().store().tip(&id, member.id()).unwrap()
    };
    let copy = Draft::next(keys, Kind::SNAPSHOT, &id, tip)
        .sign(keys, &id, b"x")
        .unwrap();
    let peer = keys.public().sign;
    let said = hall.relay.offer(peer, space, &[copy.bytes().to_vec()], june(1));
    assert_eq!(said, [Some(RefuseReason::Denied(DenyReason::Rank))]);
}
