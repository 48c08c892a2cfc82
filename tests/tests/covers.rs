//! Signed snapshots over real engines and a relay: what two officers sign, what a relay then drops, and that every phone shows
//! the same whichever way it got there.

#[path = "covers/forged.rs"]
mod forged;
#[path = "covers/lives.rs"]
mod lives;
#[path = "covers/pruned.rs"]
mod pruned;

use std::time::Instant;

use sotay_engine::{AdmitRequest, CoverError, CoverState, StopReason, today};
use sotay_feed::{Kind, Space, SpaceKind};
use sotay_store::{DatabaseId, MemoryStore};
use sotay_tests::branch::{Branch, P1, P2, P3};
use sotay_tests::covers::{LATER, all, assert_same, busy, cover, held, prune, shown};
use sotay_tests::hall::{Hall, stranger};
use sotay_tests::pump::sync;
use sotay_tests::shard::Shard;
use sotay_tests::year::live_typed;

/// January after the year.
const AFTER: i64 = 1_768_400_000_000;

/// A branch that has written much, and how it is shown.
fn scene(seed: u64) -> (Hall, Space) {
    let mut hall = Hall::open(seed, LATER);
    busy(&mut hall, 8);
    let main = Space::of(hall.branch.phones[P3].unit().unwrap(), SpaceKind::Main);
    (hall, main)
}

#[test]
fn two_officers_of_different_members_sign_and_nothing_that_is_shown_changes() {
    let (mut hall, main) = scene(1);
    let before = [P1, P2, P3].map(|phone| shown(&mut hall.branch.phones[phone]));
    assert!(
        before.iter().all(|text| *text == before[2]),
        "the committee sees one branch"
    );
    let count = held(hall.relay.replica().store(), &main).len();
    let day = today(LATER);
    let drafted = hall.branch.phones[P3]
        .draft_cover(SpaceKind::Main, day, LATER)
        .unwrap();
    assert_eq!((drafted.feeds, drafted.left, drafted.stops.len()), (3, 0, 0));
    assert!(
        drafted.drops.envelopes >= 20 && drafted.copies.envelopes == 1,
        "{drafted:?}"
    );
    assert!(drafted.drops.bytes > 2 * drafted.copies.bytes, "{drafted:?}");
    hall.sync(P3);
    let state = |hall: &Hall, phone: usize| hall.branch.phones[phone].covers().unwrap()[0].state;
    assert_eq!(state(&hall, P3), CoverState::Open);
    hall.sync(P2);
    hall.branch.phones[P2].sign_cover(drafted.id).unwrap();
    all(&mut hall);
    for phone in [P1, P2, P3] {
        let line = hall.branch.phones[phone].covers().unwrap().remove(0);
        assert_eq!(
            (line.id, line.state, line.missing),
            (drafted.id, CoverState::Counts, 0)
        );
        assert_eq!((line.covers, line.held), (drafted.drops.envelopes, drafted.drops));
        assert_eq!(
            line.by.iter().filter(|by| by.counts && by.name.is_some()).count(),
            2
        );
        assert_eq!(
            shown(&mut hall.branch.phones[phone]),
            before[phone],
            "P{}",
            phone + 1
        );
    }
    assert_eq!(
        held(hall.relay.replica().store(), &main).len(),
        count + 1,
        "nothing was dropped, one copy came"
    );
}

#[test]
fn every_refusal_has_its_reason_and_writes_nothing() {
    let (mut hall, main) = scene(2);
    let day = today(LATER);
    let roll = Space::of(main.unit, SpaceKind::Roll);
    let count = |hall: &Hall| {
        [P1, P2, P3].map(|phone| {
            let store = hall.branch.phones[phone].replica().store();
            (held(store, &main).len(), held(store, &roll).len())
        })
    };
    let before = count(&hall);
    let phones = &mut hall.branch.phones;
    let refused = phones[P1].draft_cover(SpaceKind::Main, day, LATER);
    assert!(
        matches!(refused, Err(CoverError::NoOfficer)),
        "on the committee, and no deputy"
    );
    let refused = phones[P3].draft_cover(SpaceKind::Report, day, LATER);
    assert!(matches!(refused, Err(CoverError::Space)));
    let far = today(LATER + 2 * 86_400_000);
    let refused = phones[P3].draft_cover(SpaceKind::Main, far, LATER);
    assert!(matches!(refused, Err(CoverError::Future)));
    let early = "2025-01-01".parse().unwrap();
    let refused = phones[P3].draft_cover(SpaceKind::Main, early, LATER);
    assert!(
        matches!(refused, Err(CoverError::Nothing)),
        "all of it is younger"
    );
    let refused = phones[P3].draft_cover(SpaceKind::Committee, day, LATER);
    assert!(
        matches!(refused, Err(CoverError::Nothing)),
        "too little was written there"
    );
    assert_eq!(count(&hall), before);

    let phones = &mut hall.branch.phones;
    let id = phones[P3].draft_cover(SpaceKind::Main, day, LATER).unwrap().id;
    let again = phones[P3].draft_cover(SpaceKind::Main, day, LATER);
    assert!(matches!(again, Err(CoverError::Waits(waits)) if waits == id));
    assert!(matches!(
        phones[P3].sign_cover(id),
        Err(CoverError::SignedAlready)
    ));
    assert!(
        matches!(phones[P2].sign_cover(id), Err(CoverError::Unknown)),
        "it has not come yet"
    );
    all(&mut hall);
    assert!(matches!(
        hall.branch.phones[P1].sign_cover(id),
        Err(CoverError::NoOfficer)
    ));
    hall.branch.phones[P2].sign_cover(id).unwrap();
    assert!(matches!(
        hall.branch.phones[P2].sign_cover(id),
        Err(CoverError::SignedAlready)
    ));
}

#[test]
fn an_officer_who_has_not_everything_yet_is_told_to_sync_first() {
    let (mut hall, main) = scene(3);
    // P2 hears nothing of what P1 and P3 write from here on, but gets the roll.
    let doc = hall.doc;
    for time in 0..6 {
        for phone in [P1, P3] {
            hall.branch.speak(phone, doc, 3, &format!("Thêm {time}"));
            hall.sync(phone);
        }
    }
    hall.sync(P3);
    let id = hall.branch.phones[P3]
        .draft_cover(SpaceKind::Main, today(LATER), LATER)
        .unwrap()
        .id;
    let roll = Space::of(main.unit, SpaceKind::Roll);
    let signature = held(hall.branch.phones[P3].replica().store(), &roll)
        .pop()
        .unwrap();
    let envelope = sotay_feed::Envelope::decode(&signature.bytes).unwrap();
    let own = hall.branch.phones[P3].keys().public().sign;
    let envelope = envelope.verify(&roll.id(), &own).unwrap();
    assert_eq!(envelope.header().kind, Kind::COVER);
    let phone = std::mem::replace(&mut hall.branch.phones[P2], sotay_tests::hall::stranger(99, "x"));
    let mut store = phone.into_store();
    let batch = sotay_store::Batch {
        envelopes: vec![envelope],
        ..Default::default()
    };
    sotay_store::Store::commit(&mut store, batch).unwrap();
    let rng = <rand::rngs::StdRng as rand::SeedableRng>::seed_from_u64(77);
    hall.branch.phones[P2] = sotay_engine::Device::open(store, Box::new(rng)).unwrap();
    let line = hall.branch.phones[P2].covers().unwrap().remove(0);
    assert!(line.missing >= 3 && line.yours, "{line:?}");
    let refused = hall.branch.phones[P2].sign_cover(id);
    assert!(
        matches!(refused, Err(CoverError::NotHere(count)) if count >= line.missing),
        "{refused:?}"
    );
    hall.sync(P3);
    hall.sync(P2);
    assert_eq!(hall.branch.phones[P2].covers().unwrap()[0].missing, 0);
    hall.branch.phones[P2].sign_cover(id).unwrap();
}

#[test]
fn what_is_young_or_unsent_or_behind_a_fork_stays_out_and_so_does_what_follows_it() {
    let (mut hall, main) = scene(4);
    // P1 writes something today, and then nothing is taken of it any more.
    let doc = hall.doc;
    let young = sotay_engine::handbook::meeting::Command::SetPlace("Trường học".into());
    hall.branch.phones[P1].meeting(doc, &young, LATER).unwrap();
    all(&mut hall);
    let store = hall.branch.phones[P3].replica().store();
    let of = hall.branch.phones[P1].id();
    let last = sotay_store::Store::tip(store, &main.id(), of)
        .unwrap()
        .unwrap()
        .seq;
    let drafted = hall.branch.phones[P3]
        .draft_cover(SpaceKind::Main, today(LATER), LATER)
        .unwrap();
    assert_eq!(drafted.stops.get(&StopReason::Young), Some(&1));
    let made = sotay_tests::covers::on_record(&hall.branch.phones[P3], &main, drafted.id);
    assert_eq!(made.feeds[&of].place.seq, last - 1);
    // The day after, all of it is taken.
    let tomorrow = today(LATER + 86_400_000);
    hall.sync(P3);
    hall.sync(P2);
    hall.branch.phones[P2].sign_cover(drafted.id).unwrap();
    all(&mut hall);
    busy(&mut hall, 6);
    let next = hall.branch.phones[P2]
        .draft_cover(SpaceKind::Main, tomorrow, LATER)
        .unwrap();
    assert_eq!(next.stops.get(&StopReason::Young), None);
    let made = sotay_tests::covers::on_record(&hall.branch.phones[P2], &main, next.id);
    assert!(made.feeds[&of].place.seq > last && made.previous.contains(&drafted.id));
}

#[test]
fn a_later_cover_stands_on_the_earlier_one_and_copies_only_what_lies_between() {
    let (mut hall, main) = scene(5);
    let first = cover(&mut hall, SpaceKind::Main);
    busy(&mut hall, 10);
    let before = shown(&mut hall.branch.phones[P3]);
    let second = cover(&mut hall, SpaceKind::Main);
    let phone = &hall.branch.phones[P3];
    let (one, two) = (
        sotay_tests::covers::on_record(phone, &main, first),
        sotay_tests::covers::on_record(phone, &main, second),
    );
    assert_eq!(two.previous, [first].into());
    assert!(one.copies.is_disjoint(&two.copies));
    for (device, feed) in &one.feeds {
        assert!(two.feeds[device].place.seq > feed.place.seq + 5);
    }
    let lines = phone.covers().unwrap();
    assert!(lines.iter().all(|line| line.state == CoverState::Counts));
    assert!(
        lines.iter().all(|line| line.covers == line.held.envelopes),
        "{lines:?}"
    );
    assert_eq!(shown(&mut hall.branch.phones[P3]), before);
}

#[test]
fn a_year_is_packed_dropped_and_shown_the_same_to_whoever_joins() {
    let store = |number: u8| MemoryStore::new(DatabaseId([number; 16]));
    let mut branch = Branch::found([1, 2, 3].map(store), 9);
    let mut relay = Shard::open(store(9)).unwrap();
    let mut links = 0;
    let mut meet = |branch: &mut Branch<MemoryStore>, relay: &mut Shard<MemoryStore>, phones: &[usize]| {
        for phone in phones {
            links += 1;
            sync(&mut branch.phones[*phone], relay, links, AFTER);
        }
    };
    live_typed(&mut branch, 7, |branch| meet(branch, &mut relay, &[P1, P3, P1]));
    meet(&mut branch, &mut relay, &[P2, P1, P3, P2]);
    let unit = branch.phones[P3].unit().unwrap();
    let before = shown(&mut branch.phones[P2]);
    for kind in [SpaceKind::Main, SpaceKind::Committee] {
        let space = Space::of(unit, kind);
        let weight = |relay: &Shard<MemoryStore>| {
            let held = held(relay.replica().store(), &space);
            (
                held.len(),
                held.iter().map(|stored| stored.bytes.len()).sum::<usize>(),
            )
        };
        let whole = weight(&relay);
        let began = Instant::now();
        let drafted = branch.phones[P3].draft_cover(kind, today(AFTER), AFTER).unwrap();
        let drafting = began.elapsed();
        meet(&mut branch, &mut relay, &[P3, P2]);
        let began = Instant::now();
        branch.phones[P2].sign_cover(drafted.id).unwrap();
        let signing = began.elapsed();
        meet(&mut branch, &mut relay, &[P2, P3, P1]);
        prune(&mut relay, unit);
        let left = weight(&relay);
        println!("{kind:?}: {whole:?} -> {left:?} envelopes and bytes; {drafted:?}");
        println!("  drafted in {drafting:?}, signed in {signing:?}");
        assert!(left.0 < whole.0 && left.1 < whole.1);
    }
    let mut phone = stranger(77, "P7");
    let ask = AdmitRequest {
        request: phone.join_request().unwrap().to_text(),
        member: branch.member(7),
        rank: 3,
        committee: false,
        probationary: false,
        relays: Vec::new(),
    };
    let invitation = branch.phones[P3].admit(&ask, AFTER).unwrap();
    phone.accept(&invitation).unwrap();
    branch.phones.push(phone);
    let began = Instant::now();
    meet(&mut branch, &mut relay, &[P3, 3]);
    println!("  somebody joined in {:?}", began.elapsed());
    assert_same("who joined", &shown(&mut branch.phones[3]), &before);
    assert_same("who was there", &shown(&mut branch.phones[P2]), &before);
}
