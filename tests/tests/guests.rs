//! Guests: shown one meeting, and kept from everything else by keys, relay and phones.

use rand::SeedableRng;
use rand::rngs::StdRng;
use sotay_engine::handbook::meeting::Command;
use sotay_engine::{
    AdmitError, Denied, Device, DeviceError, GUEST_MEETINGS_MAX, GuestAsk, NewFeedback, Reason, Whom,
};
use sotay_feed::{DocId, Draft, Kind, Space, SpaceKind};
use sotay_store::Store;
use sotay_sync::{DenyReason, RefuseReason};
use sotay_tests::branch::{P1, P2, P3, at};
use sotay_tests::hall::{Hall, Phone, stranger};

fn open() -> Hall {
    Hall::open(8, at(200))
}

fn visitor(number: u8) -> Phone {
    stranger(number, "Khách")
}

fn asked(guest: &mut Phone, meeting: DocId) -> GuestAsk {
    GuestAsk {
        request: guest.join_request().unwrap().to_text(),
        meeting,
        name: "Nguyễn Văn Khách".to_owned(),
        relays: Vec::new(),
    }
}

fn let_in(hall: &mut Hall, number: u8) -> Phone {
    let mut guest = visitor(number);
    let ask = asked(&mut guest, hall.doc);
    let invitation = hall.branch.phones[P3].admit_guest(&ask, at(3)).unwrap();
    guest.accept(&invitation).unwrap();
    guest
}

#[test]
fn a_guest_reads_the_minutes_of_one_meeting_without_a_network_and_later_as_they_changed() {
    let mut hall = open();
    let mut guest = let_in(&mut hall, 20);
    let page = guest.guest_page().unwrap().unwrap();
    assert_eq!((page.meeting, page.sealed), (hall.doc, false));
    assert_eq!(page.text, hall.minutes(P3, page.meeting));
    assert_eq!(
        page.sha256,
        hall.branch.phones[P3].minutes(page.meeting).unwrap().sha256
    );
    let doc = hall.doc;
    hall.branch.speak(P2, doc, 5, "Khách cũng nên nghe điều này");
    hall.sync(P2);
    // The secretary's phone brings the page up to date once it has the deputy's words, and hands it over next time.
    hall.sync(P3);
    hall.sync(P3);
    hall.sync_other(&mut guest);
    let page = guest.guest_page().unwrap().unwrap();
    assert!(page.text.contains("Khách cũng nên nghe điều này"));
    assert_eq!(page.text, hall.minutes(P3, page.meeting));
    // Nothing new: nobody writes the page again.
    let shown = Space::guest(guest.unit().unwrap(), doc).id();
    let head = |hall: &Hall| hall.relay.replica().store().head(&shown).unwrap().number;
    // Both officers' phones may have put the same words there, without having met; then it is enough.
    for phone in [P2, P3, P2, P3] {
        hall.sync(phone);
    }
    let before = head(&hall);
    for phone in [P2, P3, P2] {
        hall.sync(phone);
    }
    assert_eq!(head(&hall), before);
    // Opened again, it is there still.
    let again = Device::open(guest.into_store(), Box::new(StdRng::seed_from_u64(5))).unwrap();
    assert_eq!(again.guest_page().unwrap().unwrap(), page);
}

#[test]
fn a_guest_gets_nothing_else_of_the_branch_from_a_relay_and_holds_no_other_key() {
    let mut hall = open();
    let mut guest = let_in(&mut hall, 20);
    hall.sync(P3);
    hall.sync_other(&mut guest);
    let unit = guest.unit().unwrap();
    let shown = Space::guest(unit, hall.doc).id();
    for space in guest.replica().store().spaces().unwrap() {
        let roll = Space::of(unit, SpaceKind::Roll).id();
        let count = guest.replica().store().head(&space).unwrap().number;
        assert!(
            count == 0 || space == shown || space == roll,
            "{space:?} holds {count}"
        );
    }
    let membership = hall.branch.phones[P3].replica().membership(unit).unwrap();
    for kind in SpaceKind::ALL.into_iter().filter(|kind| !kind.has_subject()) {
        let id = Space::of(unit, kind).id();
        for record in membership.epochs(&id) {
            assert!(!record.boxes.contains_key(&guest.id()), "a key of {kind:?}");
        }
    }
    let peer = guest.keys().public().sign;
    for kind in [
        SpaceKind::Main,
        SpaceKind::Committee,
        SpaceKind::Report,
        SpaceKind::Broadcast,
    ] {
        let said = hall.relay.ask(peer, Space::of(unit, kind), at(300));
        assert_eq!(said, Some(DenyReason::Rank), "{kind:?}");
    }
    let other = Space::guest(unit, DocId::from_bytes([7; 16]));
    assert!(hall.relay.ask(peer, other, at(300)).is_some(), "another meeting");
    assert_eq!(
        guest
            .members(sotay_engine::today(at(0)))
            .map(|all| all.len())
            .unwrap_or(0),
        0
    );
    assert!(guest.meetings().unwrap().is_empty());
}

#[test]
fn a_guest_writes_nothing_here_and_a_relay_refuses_what_it_signs_all_the_same() {
    let mut hall = open();
    let mut guest = let_in(&mut hall, 20);
    hall.sync(P3);
    let doc = hall.doc;
    let refused = guest.meeting(doc, &Command::SetPlace("x".into()), at(5));
    assert!(refused.is_err(), "{refused:?}");
    let denied = [
        guest.submit_feedback(&NewFeedback::default(), at(5)).map(drop),
        guest.rename_unit("x", "y"),
        guest
            .new_meeting(
                sotay_engine::handbook::meeting::MeetingKind::Regular,
                None,
                None,
                at(5),
            )
            .map(drop),
    ];
    for answer in denied {
        assert!(
            matches!(answer, Err(DeviceError::Denied(Denied::Rank))),
            "{answer:?}"
        );
    }
    let unit = guest.unit().unwrap();
    let keys = guest.keys();
    let spaces = [
        (Space::of(unit, SpaceKind::Main), Kind::CHANGE),
        (Space::of(unit, SpaceKind::Inbox), Kind::INBOX),
        (Space::of(unit, SpaceKind::Roll), Kind::REVOKE),
        (Space::guest(unit, doc), Kind::SNAPSHOT),
    ];
    for (space, kind) in spaces {
        let id = space.id();
        let envelope = Draft::next(keys, kind, &id, None).sign(keys, &id, b"x").unwrap();
        // Through an officer's session, which reads the space: what counts is who signed.
        let carrier = hall.branch.phones[P3].keys().public().sign;
        let said = hall
            .relay
            .offer(carrier, space, &[envelope.bytes().to_vec()], at(300));
        let rank = RefuseReason::Denied(DenyReason::Rank);
        assert_eq!(said, [Some(rank)], "{kind} in {space:?}");
    }
    let own = Space::private(unit, guest.member().unwrap());
    assert_eq!(
        hall.relay.ask(keys.public().sign, own, at(300)),
        Some(DenyReason::Rank)
    );
}

#[test]
fn when_a_guests_access_ends_the_relay_says_so_and_the_meeting_gets_a_new_key_for_the_other_guest() {
    let mut hall = open();
    let mut first = let_in(&mut hall, 20);
    let mut second = let_in(&mut hall, 21);
    hall.sync(P3);
    hall.sync_other(&mut first);
    hall.sync_other(&mut second);
    let change = hall.branch.phones[P3]
        .revoke(Whom::Device(first.id()), Reason::NONE)
        .unwrap();
    assert_eq!(
        change.rekeyed,
        [SpaceKind::Guest],
        "no other part of the handbook"
    );
    let before = first.guest_page().unwrap().unwrap().text;
    let doc = hall.doc;
    hall.branch.speak(P3, doc, 6, "Chỉ khách còn lại nghe");
    hall.sync(P3);
    hall.sync_other(&mut second);
    hall.sync_other(&mut first);
    assert!(
        second
            .guest_page()
            .unwrap()
            .unwrap()
            .text
            .contains("Chỉ khách còn lại nghe")
    );
    assert!(first.guest_page().unwrap().is_none_or(|page| page.text == before));
    let peer = first.keys().public().sign;
    let shown = Space::guest(first.unit().unwrap(), doc);
    assert_eq!(hall.relay.ask(peer, shown, at(300)), Some(DenyReason::Revoked));
    let guests = hall.branch.phones[P3].guests().unwrap();
    let open: Vec<_> = guests
        .iter()
        .filter(|line| line.open)
        .map(|line| line.device)
        .collect();
    assert_eq!(open, [second.id()]);
    // With the last guest the meeting is closed to guests: no page is written any more.
    hall.branch.phones[P3]
        .revoke(Whom::Device(second.id()), Reason::NONE)
        .unwrap();
    hall.branch.speak(P3, doc, 6, "Không còn khách");
    hall.sync(P3);
    let id = shown.id();
    assert_eq!(
        hall.branch.phones[P3]
            .replica()
            .store()
            .tip(&id, hall.branch.phones[P3].id())
            .unwrap()
            .unwrap()
            .seq,
        2
    );
}

#[test]
fn only_officers_let_guests_in_and_no_more_meetings_are_open_to_them_than_the_limit() {
    let mut hall = open();
    let mut guest = visitor(20);
    let ask = asked(&mut guest, hall.doc);
    let denied = hall.branch.phones[P1].admit_guest(&ask, at(3));
    assert!(
        matches!(denied, Err(AdmitError::Device(DeviceError::Denied(Denied::Rank)))),
        "{denied:?}"
    );
    let unknown = asked(&mut guest, DocId::from_bytes([5; 16]));
    let denied = hall.branch.phones[P3].admit_guest(&unknown, at(3));
    assert!(
        matches!(denied, Err(AdmitError::Device(DeviceError::NoMeeting))),
        "{denied:?}"
    );
    for number in 0..=GUEST_MEETINGS_MAX as u8 {
        let month = format!("2025-{:02}", number + 1).parse().unwrap();
        let officer = &mut hall.branch.phones[P3];
        let kind = sotay_engine::handbook::meeting::MeetingKind::Regular;
        let doc = officer.new_meeting(kind, Some(month), None, at(1)).unwrap();
        let mut guest = visitor(30 + number);
        let ask = asked(&mut guest, doc);
        let answer = hall.branch.phones[P3].admit_guest(&ask, at(3));
        if usize::from(number) < GUEST_MEETINGS_MAX {
            answer.unwrap();
        } else {
            assert!(matches!(answer, Err(AdmitError::TooManyMeetings)), "{answer:?}");
        }
    }
}
