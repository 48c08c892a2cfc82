//! Tickets, halls and what is old, used, or meant for somebody else.

use sotay_store::{Bucket, MemoryStore};

use super::tests::{NOW, branch, device};
use super::*;
use crate::codes::{Pass, Ticket};
use crate::enrolment::{EnrolTextError, JoinRequest, NotFresh};

type Phone = Device<MemoryStore>;

const MINUTE: i64 = 60_000;

fn member(secretary: &mut Phone, name: &str) -> MemberId {
    secretary
        .add_members(&[NewMember::named(name)], today(NOW), NOW)
        .unwrap()[0]
}

fn ask(request: String, member: MemberId) -> AdmitRequest {
    AdmitRequest {
        request,
        member,
        rank: 4,
        committee: false,
        probationary: false,
        relays: vec!["relay.example:7843#qgejmd7v3uvxvku6i4lbtbby44gbjcjsq7c55vqj4i67zhw7v45q".to_owned()],
    }
}

fn in_hall(check_code: &str, member: MemberId) -> HallAdmission {
    HallAdmission {
        check_code: check_code.to_owned(),
        ask: ask(String::new(), member),
    }
}

fn ticket_of(secretary: &mut Phone, joiner: &mut Phone, member: MemberId) -> (Ticket, Vec<u8>) {
    let request = joiner.shown_request(NOW).unwrap().to_text();
    let invitation = secretary.admit(&ask(request, member), NOW).unwrap();
    secretary.ticket(&invitation)
}

#[test]
fn a_phone_joins_by_a_ticket_of_140_bytes_and_a_file_of_welcome() {
    let mut secretary = branch(1);
    let hoa = member(&mut secretary, "Trần Thị Hoa");
    let mut joiner = device(2, "P2");
    let (ticket, file) = ticket_of(&mut secretary, &mut joiner, hoa);
    let text = ticket.to_text();
    assert!(ticket.to_bytes().len() <= 145, "{}", ticket.to_bytes().len());
    let pass = Pass::from_text(&text).unwrap();
    assert!(matches!(joiner.accept_welcome(&file), Err(JoinError::NoPass)));
    joiner.begin_join(&pass, NOW).unwrap();
    assert_eq!(joiner.joining().unwrap(), Some(pass.clone()));
    joiner.accept_welcome(&file).unwrap();
    assert_eq!((joiner.unit(), joiner.member()), (secretary.unit(), Some(hoa)));
    assert_eq!(joiner.joining().unwrap(), None);
    let names: Vec<_> = joiner.members(today(NOW)).unwrap();
    assert!(
        names
            .iter()
            .any(|line| line.name.as_deref() == Some("Trần Thị Hoa"))
    );
    assert!(matches!(joiner.begin_join(&pass, NOW), Err(JoinError::Already)));
    assert!(matches!(joiner.accept_welcome(&file), Err(JoinError::Already)));
}

#[test]
fn a_ticket_is_good_for_its_own_phone_and_its_own_file_alone() {
    let mut secretary = branch(1);
    let (hoa, an) = (member(&mut secretary, "Hoa"), member(&mut secretary, "An"));
    let (mut first, mut second, mut thief) = (device(2, "P2"), device(3, "P3"), device(4, "P4"));
    let (ticket, file) = ticket_of(&mut secretary, &mut first, hoa);
    let (_, other_file) = ticket_of(&mut secretary, &mut second, an);
    let pass = Pass::Ticket(ticket);
    thief.begin_join(&pass, NOW).unwrap();
    assert!(matches!(thief.accept_welcome(&file), Err(JoinError::OtherDevice)));
    assert!(thief.replica().store().spaces().unwrap().is_empty(), "no trace");
    first.begin_join(&pass, NOW).unwrap();
    let refused = first.accept_welcome(&other_file);
    assert!(matches!(
        refused,
        Err(JoinError::Invitation(EnrolTextError::Damaged))
    ));
    let mut damaged = file.clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert!(first.accept_welcome(&damaged).is_err());
    first.accept_welcome(&file).unwrap();
}

#[test]
fn a_ticket_for_another_grant_of_the_same_phone_is_refused() {
    let mut secretary = branch(1);
    let hoa = member(&mut secretary, "Hoa");
    let mut joiner = device(2, "P2");
    let (mut ticket, file) = ticket_of(&mut secretary, &mut joiner, hoa);
    ticket.grant = sotay_feed::EnvelopeId::from_bytes([9; 32]);
    joiner.begin_join(&Pass::Ticket(ticket), NOW).unwrap();
    assert!(matches!(
        joiner.accept_welcome(&file),
        Err(JoinError::OtherDevice)
    ));
    assert_eq!(joiner.unit(), None);
}

#[test]
fn a_stale_request_one_from_the_future_and_a_used_one_admit_nobody() {
    let mut secretary = branch(1);
    let hoa = member(&mut secretary, "Hoa");
    let mut joiner = device(2, "P2");
    let request = joiner.shown_request(NOW).unwrap().to_text();
    let at = |secretary: &mut Phone, now| secretary.admit(&ask(request.clone(), hoa), now);
    let stale = at(&mut secretary, NOW + 16 * MINUTE);
    assert!(
        matches!(stale, Err(AdmitError::NotFresh(NotFresh::Stale(960)))),
        "{stale:?}"
    );
    let ahead = at(&mut secretary, NOW - 6 * MINUTE);
    assert!(
        matches!(ahead, Err(AdmitError::NotFresh(NotFresh::Ahead(360)))),
        "{ahead:?}"
    );
    assert!(secretary.devices().unwrap().len() == 1, "nothing was granted");
    at(&mut secretary, NOW + 5 * MINUTE).unwrap();
    let used = at(&mut secretary, NOW + 6 * MINUTE);
    assert!(matches!(used, Err(AdmitError::Used)), "{used:?}");
    // The ticket was lost: the phone shows a new request and is handed the same grant.
    let again = joiner.shown_request(NOW + 7 * MINUTE).unwrap().to_text();
    secretary.admit(&ask(again, hoa), NOW + 7 * MINUTE).unwrap();
    assert_eq!(secretary.devices().unwrap().len(), 2);
}

#[test]
fn a_request_of_a_removed_phone_does_not_bring_it_back_on_any_officers_phone() {
    let mut secretary = branch(1);
    let hoa = member(&mut secretary, "Hoa");
    let mut joiner = device(2, "P2");
    let request = joiner.shown_request(NOW).unwrap().to_text();
    let carried = joiner.join_request().unwrap().to_text();
    secretary.admit(&ask(request.clone(), hoa), NOW).unwrap();
    secretary
        .revoke(Whom::Device(joiner.id()), sotay_membership::Reason::LOST)
        .unwrap();
    let mut deputy = super::tests::join(&mut secretary, 5, "P5", 3);
    for text in [request, carried] {
        for officer in [&mut secretary, &mut deputy] {
            let refused = officer.admit(&ask(text.clone(), hoa), NOW + MINUTE);
            assert!(matches!(refused, Err(AdmitError::Used)), "{refused:?}");
        }
    }
    let fresh = joiner.shown_request(NOW + 2 * MINUTE).unwrap().to_text();
    secretary.admit(&ask(fresh, hoa), NOW + 2 * MINUTE).unwrap();
}

#[test]
fn used_requests_are_forgotten_when_they_are_too_old_to_be_shown() {
    let mut secretary = branch(1);
    let rows = |secretary: &Phone| {
        secretary
            .replica()
            .store()
            .list(Bucket::Profile, b"used-request")
            .unwrap()
            .len()
    };
    for number in 0..3 {
        let hoa = member(&mut secretary, &format!("Hoa {number}"));
        let mut joiner = device(10 + number, "P2");
        let now = NOW + number as i64 * 21 * MINUTE;
        let request = joiner.shown_request(now).unwrap().to_text();
        secretary.admit(&ask(request, hoa), now).unwrap();
        assert_eq!(rows(&secretary), 1);
    }
}

#[test]
fn a_whole_branch_joins_by_one_code_letters_and_one_file() {
    let mut secretary = branch(1);
    let wall = secretary.open_hall(&[], NOW).unwrap();
    let Pass::Hall(code) = Pass::from_text(&wall.to_text()).unwrap() else {
        panic!("a hall's code")
    };
    let mut phones = Vec::new();
    for number in 0..12 {
        let whom = member(&mut secretary, &format!("Đảng viên {number}"));
        let mut phone = device(20 + number, &format!("P{number}"));
        let request = phone.hall_request(&code, NOW + MINUTE).unwrap();
        let taken = secretary
            .take_hall_letter(&request.letter, NOW + 2 * MINUTE)
            .unwrap();
        assert_eq!(taken.check_code, request.check_code);
        // Twice changes nothing.
        secretary
            .take_hall_letter(&request.letter, NOW + 2 * MINUTE)
            .unwrap();
        phones.push((phone, whom, request.check_code));
    }
    assert_eq!(secretary.hall_requests().unwrap().len(), 12);
    for (_, whom, digits) in &phones {
        let spoken = digits.replace(' ', "");
        secretary
            .admit_in_hall(&in_hall(&spoken, *whom), NOW + 90 * MINUTE)
            .unwrap();
    }
    assert!(secretary.hall_requests().unwrap().is_empty());
    let file = secretary.hall_welcome().unwrap();
    for (phone, whom, _) in &mut phones {
        phone.accept_welcome(&file).unwrap();
        assert_eq!((phone.unit(), phone.member()), (secretary.unit(), Some(*whom)));
        assert_eq!(phone.members(today(NOW)).unwrap().len(), 13);
    }
    let mut stranger = device(60, "P60");
    stranger.hall_request(&code, NOW).unwrap();
    assert!(matches!(
        stranger.accept_welcome(&file),
        Err(JoinError::OtherDevice)
    ));
    secretary.close_hall().unwrap();
    assert!(matches!(secretary.hall(), Err(HallError::NotOpen)));
}

#[test]
fn a_letter_to_one_hall_is_refused_in_every_other() {
    let (mut here, mut there) = (branch(1), branch(2));
    let code = here.open_hall(&[], NOW).unwrap();
    let elsewhere = there.open_hall(&[], NOW).unwrap();
    let letter = device(3, "P3").hall_request(&code, NOW).unwrap().letter;
    let refused = there.take_hall_letter(&letter, NOW);
    assert!(matches!(refused, Err(HallError::OtherHall)), "{refused:?}");
    // An officer of the first hall who seals what is in it for the second one.
    let mut joiner = device(4, "P4");
    let letter = joiner.hall_request(&code, NOW).unwrap().letter;
    let opened = here.hall_letter_for_tests(&letter);
    let mut rng = <rand::rngs::StdRng as rand::SeedableRng>::seed_from_u64(1);
    let again = sotay_vault::seal_box(&elsewhere.seal, &elsewhere.context(), &opened, &mut rng).unwrap();
    let refused = there.take_hall_letter(&again, NOW);
    assert!(matches!(refused, Err(HallError::OtherHall)), "{refused:?}");
    // Nor is it a request of any other kind.
    let bare = data_encoding::BASE64URL_NOPAD.encode(&opened);
    let refused = JoinRequest::from_text(&format!("sotay-join-1:{bare}"));
    assert_eq!(refused, Err(EnrolTextError::Damaged));
    assert!(matches!(
        here.take_hall_letter(b"letter", NOW),
        Err(HallError::OtherHall)
    ));
}

#[test]
fn after_two_hours_a_hall_takes_nothing_and_admits_nobody_and_a_new_one_knows_no_old_letters() {
    let mut secretary = branch(1);
    let hoa = member(&mut secretary, "Hoa");
    let code = secretary.open_hall(&[], NOW).unwrap();
    let mut joiner = device(2, "P2");
    let request = joiner.hall_request(&code, NOW + 119 * MINUTE).unwrap();
    let late = NOW + 126 * MINUTE;
    assert!(matches!(
        joiner.hall_request(&code, late),
        Err(JoinError::HallClosed)
    ));
    assert!(matches!(
        secretary.take_hall_letter(&request.letter, late),
        Err(HallError::Closed)
    ));
    secretary
        .take_hall_letter(&request.letter, NOW + 120 * MINUTE)
        .unwrap();
    let closed = secretary.admit_in_hall(&in_hall(&request.check_code, hoa), late);
    assert!(matches!(closed, Err(HallError::Closed)), "{closed:?}");
    secretary.open_hall(&[], late).unwrap();
    assert!(secretary.hall_requests().unwrap().is_empty());
    assert!(matches!(
        secretary.take_hall_letter(&request.letter, late),
        Err(HallError::OtherHall)
    ));
}

#[test]
fn wrong_digits_and_a_letter_played_again_admit_nobody() {
    let mut secretary = branch(1);
    let hoa = member(&mut secretary, "Hoa");
    let code = secretary.open_hall(&[], NOW).unwrap();
    let mut joiner = device(2, "P2");
    let request = joiner.hall_request(&code, NOW).unwrap();
    secretary.take_hall_letter(&request.letter, NOW).unwrap();
    let none = secretary.admit_in_hall(&in_hall("x", hoa), NOW);
    assert!(matches!(none, Err(HallError::NoSuchCode)), "{none:?}");
    secretary
        .admit_in_hall(&in_hall(&request.check_code, hoa), NOW)
        .unwrap();
    secretary.take_hall_letter(&request.letter, NOW).unwrap();
    let again = secretary.admit_in_hall(&in_hall(&request.check_code, hoa), NOW);
    assert!(
        matches!(again, Err(HallError::Admit(AdmitError::Used))),
        "{again:?}"
    );
}

#[test]
fn a_flood_of_letters_stops_at_the_limit_and_one_phone_counts_once() {
    let mut secretary = branch(1);
    let code = secretary.open_hall(&[], NOW).unwrap();
    let mut joiner = device(2, "P2");
    for minute in 0..3 {
        let letter = joiner.hall_request(&code, NOW + minute * MINUTE).unwrap().letter;
        secretary.take_hall_letter(&letter, NOW).unwrap();
    }
    assert_eq!(secretary.hall_requests().unwrap().len(), 1);
    for number in 1..HALL_REQUESTS_MAX as u64 {
        let letter = device(1000 + number, "P")
            .hall_request(&code, NOW)
            .unwrap()
            .letter;
        secretary.take_hall_letter(&letter, NOW).unwrap();
    }
    let letter = device(5000, "P").hall_request(&code, NOW).unwrap().letter;
    assert!(matches!(
        secretary.take_hall_letter(&letter, NOW),
        Err(HallError::Full)
    ));
    let long = vec![0; HALL_LETTER_BYTES_MAX + 1];
    assert!(matches!(
        secretary.take_hall_letter(&long, NOW),
        Err(HallError::Request(EnrolTextError::TooLong))
    ));
}

#[test]
fn a_member_opens_no_hall() {
    let mut secretary = branch(1);
    let mut member = super::tests::join(&mut secretary, 2, "P2", 4);
    assert!(matches!(
        member.open_hall(&[], NOW),
        Err(HallError::Device(DeviceError::Denied(_)))
    ));
    assert!(matches!(member.hall(), Err(HallError::NotOpen)));
}

#[test]
fn a_hall_is_there_after_opening_the_profile_again() {
    let mut secretary = branch(1);
    let code = secretary.open_hall(&[], NOW).unwrap();
    let letter = device(2, "P2").hall_request(&code, NOW).unwrap().letter;
    secretary.take_hall_letter(&letter, NOW).unwrap();
    let rng = Box::new(<rand::rngs::StdRng as rand::SeedableRng>::seed_from_u64(9));
    let again = Device::open(secretary.into_store(), rng).unwrap();
    assert_eq!(again.hall().unwrap(), code);
    assert_eq!(again.hall_requests().unwrap().len(), 1);
}
