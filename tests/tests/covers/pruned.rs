//! What a relay dropped is missed by nobody: newcomers, phones that were away, phones that meet, and what revocations do later.

use std::collections::BTreeMap;

use sotay_engine::handbook::meeting::{Command, MeetingKind};
use sotay_engine::{AdmitRequest, CoverState, today};
use sotay_feed::{DeviceId, Kind, Space, SpaceKind, SpaceTag, Tip};
use sotay_store::Store;
use sotay_tests::branch::{P1, P2, P3, at};
use sotay_tests::covers::{LATER, all, assert_same, busy, cover, held, on_record, prune, shown};
use sotay_tests::hall::{Hall, everything, store, stranger};
use sotay_tests::pump::{meet, sync};
use sotay_tests::shard::Shard;

use super::scene;

/// Admits one more phone of a member by a ticket; its place among the phones.
pub fn join(hall: &mut Hall, number: u8, rank: u8) -> usize {
    hall.admit_by_ticket(usize::from(number), 100 + number, rank, LATER)
}

/// The same, and it has heard of everything that the relay has left.
pub fn come(hall: &mut Hall, number: u8, rank: u8) -> usize {
    let phone = join(hall, number, rank);
    hall.sync(phone);
    phone
}

fn look(hall: &mut Hall, phone: usize) -> String {
    shown(&mut hall.branch.phones[phone])
}

pub fn tip_at(hall: &Hall, space: &Space, device: DeviceId, seq: u64) -> Tip {
    let store = hall.branch.phones[P2].replica().store();
    let id = store.at(&space.id(), device, seq).unwrap().unwrap().id;
    Tip { seq, id }
}

#[test]
fn a_member_and_an_officer_who_join_a_pruned_branch_see_what_everybody_sees() {
    let (mut hall, main) = scene(21);
    seal(&mut hall);
    let year = sotay_tests::year::YEAR;
    for amount in 1..30u32 {
        let line = sotay_engine::handbook::fees::Command::Pay {
            id: hall.branch.phones[P3].fresh_id(),
            payer: hall.branch.member(5),
            month: "2025-05".parse().unwrap(),
            amount,
            day: "2025-05-10".parse().unwrap(),
            note: None,
        };
        hall.branch.phones[P3]
            .fee(year, &line, at(i64::from(amount)))
            .unwrap();
        hall.sync(P3);
    }
    all(&mut hall);
    cover(&mut hall, SpaceKind::Main);
    cover(&mut hall, SpaceKind::Committee);
    let (before, count) = (
        look(&mut hall, P2),
        held(hall.relay.replica().store(), &main).len(),
    );
    let dropped = prune(&mut hall.relay, main.unit);
    assert!(dropped.envelopes > 40, "{dropped:?}");
    assert!(held(hall.relay.replica().store(), &main).len() < count);
    assert_eq!(
        prune(&mut hall.relay, main.unit),
        Default::default(),
        "all of it is gone"
    );

    let officer = come(&mut hall, 7, 3);
    let member = come(&mut hall, 8, 4);
    let originals = |hall: &Hall, phone: usize| {
        let of = |stored: &sotay_store::Stored| stored.kind == Kind::CHANGE;
        held(hall.branch.phones[phone].replica().store(), &main)
            .into_iter()
            .filter(of)
            .count()
    };
    assert!(originals(&hall, officer) < originals(&hall, P2));
    assert_same("officer", &look(&mut hall, officer), &before);
    let doc = hall.doc;
    assert_eq!(hall.minutes(member, doc), hall.minutes(P2, doc));
    let seals = hall.branch.phones[member].seals(doc).unwrap();
    assert_eq!(seals, hall.branch.phones[P2].seals(doc).unwrap());
    assert!(seals.standing.is_some());
    let file = hall.branch.phones[member].seal_file(doc).unwrap();
    sotay_membership::seal::verify(&file, Some(main.unit)).unwrap();
    // They write, everybody hears it, and everything stays one branch. Nobody is asked for anything twice.
    let june = ("2025-06".parse().unwrap(), "2025-06-05".parse().unwrap());
    let new = hall.branch.phones[member].new_meeting(MeetingKind::Regular, Some(june.0), Some(june.1), LATER);
    let new = new.unwrap();
    hall.branch.speak(member, new, 9, "Người mới phát biểu");
    all(&mut hall);
    assert_same("later", &look(&mut hall, officer), &look(&mut hall, P3));
    assert_eq!(hall.minutes(member, new), hall.minutes(P1, new));
    assert_eq!(hall.relay.take_rejected(), []);
}

/// Chair and minute-taker seal the meeting of May.
fn seal(hall: &mut Hall) {
    let doc = hall.doc;
    let officers = [
        Command::SetChair(hall.branch.member(1)),
        Command::SetClerk(hall.branch.member(3)),
    ];
    hall.branch.phones[P3]
        .meeting_all(doc, &officers, at(100))
        .unwrap();
    all(hall);
    let seal = hall.branch.phones[P3].propose_seal(doc, at(120)).unwrap();
    all(hall);
    hall.branch.phones[P1].countersign(doc, seal, at(121)).unwrap();
    all(hall);
}

#[test]
fn a_phone_that_was_away_since_before_hands_over_what_it_wrote_and_takes_what_is_left() {
    let (mut hall, main) = scene(22);
    let doc = hall.doc;
    hall.branch.speak(P1, doc, 4, "Viết khi không có mạng");
    for time in 0..10 {
        for phone in [P2, P3] {
            hall.branch.speak(phone, doc, 6, &format!("P1 đi vắng {time}"));
            hall.sync(phone);
        }
    }
    hall.sync(P3);
    let id = hall.branch.phones[P3]
        .draft_cover(SpaceKind::Main, today(LATER), LATER)
        .unwrap()
        .id;
    hall.sync(P3);
    hall.sync(P2);
    hall.branch.phones[P2].sign_cover(id).unwrap();
    hall.sync(P2);
    let dropped = prune(&mut hall.relay, main.unit);
    assert!(dropped.envelopes > 30, "{dropped:?}");
    hall.branch.speak(P1, doc, 4, "Và thêm một câu");
    all(&mut hall);
    let texts = [P1, P2, P3].map(|phone| look(&mut hall, phone));
    assert_same("P1", &texts[0], &texts[2]);
    assert_same("P2", &texts[1], &texts[2]);
    assert!(hall.minutes(P2, doc).contains("Viết khi không có mạng"));
    assert_eq!(hall.relay.take_rejected(), []);
    let line = hall.branch.phones[P1].covers().unwrap().remove(0);
    assert_eq!((line.state, line.missing), (CoverState::Counts, 0));
    assert!(
        line.held.envelopes < line.covers,
        "what came while it was away is not on it as it was written"
    );
}

#[test]
fn phones_that_meet_get_it_from_each_other_whether_they_have_what_was_dropped_or_not() {
    let (mut hall, main) = scene(23);
    cover(&mut hall, SpaceKind::Main);
    prune(&mut hall.relay, main.unit);
    let thin = come(&mut hall, 7, 3);
    let links = &mut 500_000;
    // One from a full phone, cut off now and then; one from the phone that has copies alone; one from both.
    let from = [vec![P2], vec![thin], vec![thin, P2]];
    for (number, hosts) in from.into_iter().enumerate() {
        let new = join(&mut hall, 11 + number as u8, 3);
        // The hosts know whom they let in.
        for host in &hosts {
            hall.sync(*host);
        }
        for bytes in [u64::MAX, 3_000, 9_000, u64::MAX] {
            for host in &hosts {
                *links += 1;
                let [caller, host] = hall.branch.phones.get_disjoint_mut([new, *host]).unwrap();
                meet(caller, host, *links, LATER, bytes).unwrap();
            }
        }
        // The phone it met may not know of its own grant's neighbours; what is shown of the meeting is one thing.
        let doc = hall.doc;
        assert_eq!(hall.minutes(new, doc), hall.minutes(P2, doc), "{number}");
    }
    all(&mut hall);
    let last = look(&mut hall, P3);
    for phone in 0..hall.branch.phones.len() {
        if phone != P1 {
            assert_same(&format!("phone {phone}"), &look(&mut hall, phone), &last);
        }
    }
}

#[test]
fn a_later_revocation_with_a_cut_off_before_the_place_leaves_what_two_officers_vouched_for_on_every_phone() {
    let (mut hall, main) = scene(24);
    let author = hall.branch.phones[P1].id();
    let id = cover(&mut hall, SpaceKind::Main);
    let before = hall.minutes(P2, hall.doc);
    // After the place; it will not count.
    let doc = hall.doc;
    hall.branch.speak(P1, doc, 3, "Sau mốc");
    all(&mut hall);
    assert_ne!(hall.minutes(P2, doc), before);
    prune(&mut hall.relay, main.unit);
    let early = come(&mut hall, 7, 3);
    let place = on_record(&hall.branch.phones[P2], &main, id).feeds[&author].place;
    let roll = Space::of(main.unit, SpaceKind::Roll);
    let cutoffs = BTreeMap::from([
        (roll.id().tag(), everything()),
        (main.id().tag(), tip_at(&hall, &main, author, 2)),
    ]);
    assert!(place.seq > 5);
    hall.revoke_with(author, cutoffs);
    for _ in 0..2 {
        for phone in [P3, P2, early] {
            hall.sync(phone);
        }
    }
    let late = come(&mut hall, 8, 3);
    for phone in [late, P3, P2, early, late] {
        hall.sync(phone);
    }
    let text = look(&mut hall, P2);
    for phone in [P3, early, late] {
        assert_same(&format!("phone {phone}"), &look(&mut hall, phone), &text);
    }
    let minutes = hall.minutes(P2, doc);
    assert!(
        minutes.contains("Ý kiến 5 ghi trên máy P1"),
        "what was covered stays"
    );
    assert!(!minutes.contains("Sau mốc"), "what came later does not count");
}

#[test]
fn a_signer_revoked_before_its_signature_takes_the_copies_away_and_a_third_officer_brings_them_back() {
    let (mut hall, main) = scene(25);
    let third = join(&mut hall, 7, 3);
    all(&mut hall);
    let deputy = hall.branch.phones[P2].id();
    let roll = Space::of(main.unit, SpaceKind::Roll);
    let store = hall.branch.phones[P2].replica().store();
    let before_signing = store.tip(&roll.id(), deputy).unwrap();
    let id = cover(&mut hall, SpaceKind::Main);
    let full = look(&mut hall, P3);
    prune(&mut hall.relay, main.unit);
    let thin = come(&mut hall, 8, 3);
    assert_same("thin", &look(&mut hall, thin), &full);
    let mut cutoffs: BTreeMap<SpaceTag, Tip> = before_signing
        .map(|tip| (roll.id().tag(), tip))
        .into_iter()
        .collect();
    cutoffs.insert(main.id().tag(), everything());
    hall.revoke_with(deputy, cutoffs);
    for _ in 0..2 {
        for phone in [P3, third, thin, P1] {
            hall.sync(phone);
        }
    }
    let state = |hall: &Hall, phone: usize| {
        let lines = hall.branch.phones[phone].covers().unwrap();
        lines.into_iter().find(|line| line.id == id).unwrap()
    };
    assert_eq!(state(&hall, third).state, CoverState::Void);
    assert!(state(&hall, third).yours);
    // Phones with the records themselves show what they did; the other one lost what nobody vouches for any more.
    let doc = hall.doc;
    let minutes = hall.minutes(P3, doc);
    assert_eq!(minutes, hall.minutes(third, doc));
    let without = hall.branch.phones[thin]
        .minutes(doc)
        .map(|minutes| minutes.text)
        .unwrap_or_default();
    assert_ne!(without, minutes);
    // And writes on, whatever it sees.
    hall.reopen(thin);
    hall.sync(thin);

    hall.branch.phones[third].sign_cover(id).unwrap();
    for _ in 0..2 {
        for phone in [third, P3, thin, P1] {
            hall.sync(phone);
        }
    }
    assert_eq!(state(&hall, thin).state, CoverState::Counts);
    let text = look(&mut hall, P3);
    for phone in [third, thin] {
        assert_same(&format!("phone {phone}"), &look(&mut hall, phone), &text);
    }
    assert_eq!(hall.minutes(thin, doc), minutes);
}

#[test]
fn the_officer_who_made_the_copies_may_go_and_they_count_still() {
    let (mut hall, main) = scene(26);
    let deputy = hall.branch.phones[P2].id();
    let drafted = hall.branch.phones[P2]
        .draft_cover(SpaceKind::Main, today(LATER), LATER)
        .unwrap();
    hall.sync(P2);
    hall.sync(P3);
    hall.branch.phones[P3].sign_cover(drafted.id).unwrap();
    all(&mut hall);
    let before = hall.minutes(P3, hall.doc);
    prune(&mut hall.relay, main.unit);
    let early = come(&mut hall, 7, 3);
    // The cut-off in main is before the copies, that in the roll after the signature.
    let roll = Space::of(main.unit, SpaceKind::Roll);
    let cutoffs = BTreeMap::from([
        (roll.id().tag(), everything()),
        (main.id().tag(), tip_at(&hall, &main, deputy, 1)),
    ]);
    hall.revoke_with(deputy, cutoffs);
    let late = come(&mut hall, 8, 3);
    for phone in [P3, early, late, P3, early, late] {
        hall.sync(phone);
    }
    let text = look(&mut hall, P3);
    for phone in [early, late] {
        assert_same(&format!("phone {phone}"), &look(&mut hall, phone), &text);
    }
    let doc = hall.doc;
    let minutes = hall.minutes(late, doc);
    assert!(
        minutes.contains("Ý kiến 6 ghi trên máy P2"),
        "what was covered stays"
    );
    assert_ne!(minutes, before, "the envelope at the place itself is void");
    // Another relay, which hears of all of it from a phone after the deputy is gone, takes the copies and hands them on.
    let mut other = Shard::open(store(8)).unwrap();
    let links = &mut 900_000;
    let mut talk = |hall: &mut Hall, phone: usize| {
        *links += 1;
        sync(&mut hall.branch.phones[phone], &mut other, *links, LATER);
    };
    let last = join(&mut hall, 9, 3);
    hall.sync(early);
    talk(&mut hall, early);
    for _ in 0..2 {
        talk(&mut hall, last);
    }
    assert_eq!(hall.minutes(last, doc), minutes);
}

#[test]
fn an_officer_who_has_copies_alone_covers_what_came_since_and_admits_newcomers_from_a_day_on() {
    let (mut hall, main) = scene(27);
    let first = cover(&mut hall, SpaceKind::Main);
    prune(&mut hall.relay, main.unit);
    let thin = come(&mut hall, 7, 3);
    all(&mut hall);
    busy(&mut hall, 8);
    // It has a feed of its own by now.
    let doc = hall.doc;
    for time in 0..10 {
        hall.branch.speak(thin, doc, 7, &format!("Máy mới ghi {time}"));
        hall.sync(thin);
    }
    all(&mut hall);
    let drafted = hall.branch.phones[thin]
        .draft_cover(SpaceKind::Main, today(LATER), LATER)
        .unwrap();
    assert_eq!(
        on_record(&hall.branch.phones[thin], &main, drafted.id).previous,
        [first].into()
    );
    hall.sync(thin);
    hall.sync(P2);
    hall.branch.phones[P2].sign_cover(drafted.id).unwrap();
    all(&mut hall);
    prune(&mut hall.relay, main.unit);
    let newer = come(&mut hall, 8, 3);
    all(&mut hall);
    let text = look(&mut hall, P3);
    for phone in [P2, thin, newer] {
        assert_same(&format!("phone {phone}"), &look(&mut hall, phone), &text);
    }

    // From today on: the roster and the names, and no meeting of May.
    let mut phone = stranger(150, "Q20");
    let ask = AdmitRequest {
        request: phone.join_request().unwrap().to_text(),
        member: hall.branch.member(20),
        rank: 4,
        committee: false,
        probationary: false,
        relays: Vec::new(),
    };
    let invitation = hall.branch.phones[newer]
        .admit_from(&ask, today(LATER), LATER)
        .unwrap();
    phone.accept(&invitation).unwrap();
    hall.branch.phones.push(phone);
    let dated = hall.branch.phones.len() - 1;
    all(&mut hall);
    let day = today(LATER);
    assert_eq!(
        hall.branch.phones[dated].members(day).unwrap(),
        hall.branch.phones[P3].members(day).unwrap()
    );
    assert_eq!(hall.branch.phones[dated].meetings().unwrap(), []);
    assert!(hall.branch.phones[dated].meeting_view(doc).is_err());
    // Once it is handed the keys, it reads the copies.
    let id = hall.branch.phones[dated].id();
    hall.branch.phones[P3].widen(id, None).unwrap();
    all(&mut hall);
    assert_eq!(hall.minutes(dated, doc), hall.minutes(P2, doc));
}
