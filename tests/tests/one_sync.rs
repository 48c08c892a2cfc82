//! One exchange is enough: what follows from what a phone received goes in the same one.

use sotay_engine::SharedMark;
use sotay_engine::study::library::Hash;
use sotay_tests::branch::{P1, P3};
use sotay_tests::hall::Hall;
use sotay_tests::levels::document;

const NOW: i64 = 1_780_000_000_000;

fn scan(hall: &mut Hall, member: usize, number: u8) -> usize {
    hall.admit_by_ticket(member, number, 4, NOW)
}

fn hall_with_a_law() -> (Hall, Hash) {
    let mut hall = Hall::open(31, NOW);
    let law = document("10/2022/QH15", "Luật Thực hiện dân chủ", Vec::new());
    let id = hall.branch.phones[P3].publish_documents(&[law]).unwrap()[0];
    hall.sync(P3);
    (hall, id)
}

#[test]
fn a_phone_that_scanned_a_ticket_has_its_unit_after_one_exchange() {
    let (mut hall, law) = hall_with_a_law();
    let phone = scan(&mut hall, 11, 111);
    hall.sync(phone);
    let doc = hall.doc;
    assert_eq!(hall.minutes(phone, doc), hall.minutes(P3, doc));
    assert!(hall.branch.phones[phone].library().unwrap()[0].complete);
    // What it writes at once, for itself and for others, is with others after one exchange of each.
    hall.branch.phones[phone].read_on(law, 1, 30).unwrap();
    hall.branch.phones[phone]
        .share_reading(law, SharedMark::Done)
        .unwrap();
    hall.sync(phone);
    hall.sync(P3);
    assert_eq!(hall.branch.phones[P3].readers_of(law).unwrap().len(), 1);
}

#[test]
fn two_phones_of_a_member_read_what_either_wrote_before_after_one_exchange_of_each() {
    let (mut hall, law) = hall_with_a_law();
    let first = scan(&mut hall, 11, 111);
    hall.sync(first);
    hall.branch.phones[first].read_on(law, 1, 30).unwrap();
    hall.sync(first);
    let second = scan(&mut hall, 11, 112);
    hall.sync(second);
    hall.branch.phones[second].read_on(law, 2, 60).unwrap();
    hall.sync(second);
    // The first one learns of the second, and hands its key over in the same exchange.
    hall.sync(first);
    let read = hall.branch.phones[first].reading_of(law).unwrap();
    assert_eq!((read.furthest, read.seconds), (2, 90));
    hall.sync(second);
    assert_eq!(hall.branch.phones[second].reading_of(law).unwrap(), read);
    // Nobody else reads it.
    hall.sync(P1);
    assert_eq!(hall.branch.phones[P1].reading_of(law).unwrap().furthest, 0);
}

/// Nothing new: the second exchange is one round trip and moves nothing.
#[test]
fn an_exchange_from_which_nothing_follows_is_one_round_trip() {
    let (mut hall, _) = hall_with_a_law();
    let phone = scan(&mut hall, 11, 111);
    for _ in 0..2 {
        hall.sync(phone);
    }
    let before = hall.branch.phones[phone].session_stats();
    hall.sync(phone);
    let after = hall.branch.phones[phone].session_stats();
    assert_eq!(after.envelopes_in, before.envelopes_in);
    assert_eq!(after.envelopes_out, before.envelopes_out);
    assert_eq!(after.round_trips - before.round_trips, 1);
}
