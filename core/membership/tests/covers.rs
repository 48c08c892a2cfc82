//! Which covers count: two officers of different members, everything beneath, whatever the order of arrival.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use proptest::prelude::*;
use sotay_feed::{Draft, EnvelopeId, Kind, SpaceId, SpaceKind, Tip};
use sotay_membership::{
    Cover, CoverId, CoveredFeed, Denied, Membership, Numbers, Record, RecordError, kept_digest,
};
use support::{Roll, device, id, in_any_order, member, tip};

fn cover(space: SpaceId, of: &str, seq: u64, copy: u8, previous: &[CoverId]) -> Cover {
    let feed = CoveredFeed {
        place: tip(seq),
        kept: Numbers::new([2]),
        digest: kept_digest([&tip(2).id]),
    };
    Cover {
        space,
        made_ms: 0,
        previous: previous.iter().copied().collect(),
        feeds: BTreeMap::from([(id(of), feed)]),
        copies: BTreeSet::from([EnvelopeId::from_bytes([copy; 32])]),
    }
}

fn sign(roll: &mut Roll, by: &str, cover: &Cover) {
    roll.write(by, &Record::Cover(cover.clone()));
}

fn place(membership: &Membership, space: SpaceId, of: &str) -> Option<u64> {
    membership
        .covered(&space)
        .feeds
        .get(&id(of))
        .map(|feed| feed.place.seq)
}

#[test]
fn one_officer_is_not_enough_and_a_second_phone_of_the_same_member_is_no_second_officer() {
    let (mut roll, _) = Roll::branch();
    let main = roll.space(SpaceKind::Main).id();
    let cover = cover(main, "an/1", 5, 1, &[]);
    sign(&mut roll, "sec/1", &cover);
    sign(&mut roll, "sec/2", &cover);
    in_any_order(&roll, |membership| {
        let standing = membership.covers(&main);
        assert_eq!(standing.len(), 1);
        assert_eq!(standing[0].signers, BTreeSet::from([member("sec/1")]));
        assert_eq!(standing[0].signed_by, BTreeSet::from([id("sec/1"), id("sec/2")]));
        assert!(!standing[0].counts);
        assert_eq!(place(membership, main, "an/1"), None);
    });
    sign(&mut roll, "dep", &cover);
    in_any_order(&roll, |membership| {
        assert!(membership.covers(&main)[0].counts);
        assert_eq!(place(membership, main, "an/1"), Some(5));
        assert_eq!(membership.covered(&main).copies, cover.copies);
        let other = roll.space(SpaceKind::Committee).id();
        assert!(membership.covers(&other).is_empty());
    });
}

#[test]
fn two_officers_who_sign_different_bytes_sign_two_covers_and_neither_counts() {
    let (mut roll, _) = Roll::branch();
    let main = roll.space(SpaceKind::Main).id();
    sign(&mut roll, "sec/1", &cover(main, "an/1", 5, 1, &[]));
    sign(&mut roll, "dep", &cover(main, "an/1", 5, 2, &[]));
    in_any_order(&roll, |membership| {
        assert_eq!(membership.covers(&main).len(), 2);
        assert_eq!(place(membership, main, "an/1"), None);
    });
}

#[test]
fn members_and_those_above_the_unit_do_not_count() {
    let (mut roll, _) = Roll::branch();
    let main = roll.space(SpaceKind::Main).id();
    let cover = cover(main, "an/1", 5, 1, &[]);
    for by in ["sec/1", "an/1", "binh", "up", "root"] {
        sign(&mut roll, by, &cover);
    }
    in_any_order(&roll, |membership| {
        assert_eq!(membership.covers(&main)[0].signers.len(), 1);
        assert_eq!(place(membership, main, "an/1"), None);
    });
    let rights = roll.membership();
    let space = roll.roll;
    assert_eq!(
        rights.may_write(id("binh"), &space, Kind::COVER, 9),
        Err(Denied::Rank)
    );
    assert_eq!(rights.may_write(id("dep"), &space, Kind::COVER, 9), Ok(()));
}

#[test]
fn a_signer_revoked_before_its_signature_takes_its_word_back_and_one_revoked_after_it_does_not() {
    let (mut roll, grants) = Roll::branch();
    let main = roll.space(SpaceKind::Main).id();
    let cover = cover(main, "an/1", 5, 1, &[]);
    sign(&mut roll, "sec/1", &cover);
    let before = roll.tip("dep");
    sign(&mut roll, "dep", &cover);
    let after = roll.tip("dep");

    let mut kept = roll.clone();
    kept.revoke("sec/1", grants["dep"], &[(kept.roll, after)]);
    in_any_order(&kept, |membership| {
        assert_eq!(place(membership, main, "an/1"), Some(5))
    });

    roll.revoke("sec/1", grants["dep"], &[(roll.roll, before)]);
    in_any_order(&roll, |membership| {
        assert_eq!(place(membership, main, "an/1"), None);
        assert!(membership.covered(&main).copies.is_empty());
    });
    sign(&mut roll, "two", &cover);
    in_any_order(&roll, |membership| {
        assert_eq!(
            place(membership, main, "an/1"),
            Some(5),
            "another deputy puts his name to it"
        )
    });
}

#[test]
fn a_cover_counts_only_on_top_of_covers_that_count_and_the_furthest_place_stands() {
    let (mut roll, _) = Roll::branch();
    let main = roll.space(SpaceKind::Main).id();
    let first = cover(main, "an/1", 5, 1, &[]);
    let second = cover(main, "an/1", 9, 2, &[first.id()]);
    for by in ["sec/1", "dep"] {
        sign(&mut roll, by, &second);
    }
    sign(&mut roll, "sec/1", &first);
    in_any_order(&roll, |membership| {
        assert_eq!(
            place(membership, main, "an/1"),
            None,
            "what it stands on has one name"
        )
    });
    sign(&mut roll, "two", &first);
    in_any_order(&roll, |membership| {
        assert_eq!(place(membership, main, "an/1"), Some(9));
        assert_eq!(membership.covered(&main).copies.len(), 2);
    });
}

/// What counts, layer after layer: slow, and obviously what P5.21 says.
fn in_layers(signed: &BTreeMap<CoverId, (Cover, BTreeSet<&str>)>) -> BTreeSet<CoverId> {
    let mut counting = BTreeSet::new();
    loop {
        let next: BTreeSet<CoverId> = signed
            .iter()
            .filter(|(_, (cover, by))| by.len() > 1 && cover.previous.is_subset(&counting))
            .map(|(id, _)| *id)
            .collect();
        if next == counting {
            return counting;
        }
        counting = next;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_stands_on_whatever_counts_layer_by_layer(
        drawn in proptest::collection::vec((any::<bool>(), 0u8..8, prop::collection::vec(any::<prop::sample::Index>(), 0..4)), 1..14),
        unknown: prop::sample::Index,
    ) {
        let (mut roll, _) = Roll::branch();
        let spaces = [SpaceKind::Main, SpaceKind::Committee].map(|kind| roll.space(kind).id());
        let mut made: Vec<Cover> = Vec::new();
        let mut signed: [BTreeMap<CoverId, (Cover, BTreeSet<&str>)>; 2] = Default::default();
        for (number, (elsewhere, signers, on)) in drawn.iter().enumerate() {
            let previous: Vec<CoverId> = match number {
                0 => Vec::new(),
                // Of either space; only those of its own hold it up.
                _ => on.iter().map(|at| made[at.index(made.len())].id()).collect(),
            };
            let nothing = CoverId([9; 32]);
            let previous = if unknown.index(20) == number { vec![nothing] } else { previous };
            let new = cover(spaces[usize::from(*elsewhere)], "an/1", number as u64 + 3, number as u8, &previous);
            // Three of four have enough names, so that chains grow long.
            let by: &[&str] = match signers { 0 => &[], 1 => &["sec/1"], 2..=4 => &["sec/1", "two"], _ => &["sec/1", "dep"] };
            by.iter().for_each(|by| sign(&mut roll, by, &new));
            if !by.is_empty() {
                signed[usize::from(*elsewhere)].insert(new.id(), (new.clone(), by.iter().copied().collect()));
            }
            made.push(new);
        }
        let membership = roll.membership();
        for (space, signed) in spaces.iter().zip(&signed) {
            let standings = membership.covers(space);
            prop_assert_eq!(standings.len(), signed.len());
            let counting: BTreeSet<CoverId> = standings.iter().filter(|one| one.counts).map(|one| one.id).collect();
            prop_assert_eq!(counting, in_layers(signed));
        }
    }
}

/// `cargo test -p sotay-membership --test covers long_chains -- --ignored --nocapture`
#[test]
#[ignore = "prints how long it takes, and asserts nothing about time"]
#[allow(clippy::disallowed_methods, reason = "it is here to look at the clock")]
fn long_chains_of_covers_are_settled_in_one_way_through() {
    for length in [250u64, 500, 1_000, 2_000] {
        let (mut roll, _) = Roll::branch();
        let main = roll.space(SpaceKind::Main).id();
        let mut beneath: Option<CoverId> = None;
        for number in 0..length {
            let new = cover(main, "an/1", number + 3, 0, beneath.as_slice());
            ["sec/1", "dep"].iter().for_each(|by| sign(&mut roll, by, &new));
            beneath = Some(new.id());
        }
        let membership = roll.membership();
        let start = Instant::now();
        let counting = membership.covers(&main).iter().filter(|one| one.counts).count();
        println!("{length} covers, each on the one before: {:?}", start.elapsed());
        assert_eq!(counting as u64, length);
    }
}

#[test]
fn a_cover_outside_the_roll_is_no_record() {
    let (roll, _) = Roll::branch();
    let main = roll.space(SpaceKind::Main).id();
    let body = Record::Cover(cover(main, "an/1", 5, 1, &[])).encode();
    let keys = device("sec/1");
    let none: Option<Tip> = None;
    let outside = Draft::next(keys, Kind::COVER, &main, none)
        .sign(keys, &main, &body)
        .unwrap();
    assert_eq!(roll.membership().insert(&outside), Err(RecordError::OtherSpace));
}
