//! Which epoch counts and which one to write under, also when officers rotate at once, lie or are removed.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use sotay_feed::{EpochId, Space, SpaceKind};
use sotay_membership::{Change, EpochRecord, Flags, Record, content, epoch_id};
use support::{Roll, id, member};

fn epoch(space: &Space, n: u8, previous: &[u8], recipients: &[&str]) -> Record {
    Record::Epoch(EpochRecord {
        space: space.id(),
        previous: previous.iter().map(|&n| number(n)).collect(),
        commitment: [n; 32],
        boxes: recipients.iter().map(|name| (id(name), vec![n; 80])).collect(),
    })
}

fn number(n: u8) -> EpochId {
    epoch_id(&[n; 32])
}

/// The epoch that an officer makes who knows all of the roll.
fn knowing(roll: &Roll, space: &Space, n: u8, recipients: &[&str]) -> Record {
    let Record::Epoch(mut record) = epoch(space, n, &[], recipients) else {
        unreachable!()
    };
    record.previous = roll.membership().epoch_previous(&space.id());
    Record::Epoch(record)
}

const READERS: [&str; 7] = ["sec/1", "sec/2", "dep", "two", "an/1", "an/2", "binh"];

fn without(name: &str) -> Vec<&'static str> {
    READERS.into_iter().filter(|reader| *reader != name).collect()
}

#[test]
fn a_key_of_main_in_the_hands_of_the_level_above_is_clean_while_the_unit_says_so_and_unclean_after() {
    use sotay_membership::{PolicyRecord, UnitPolicy};
    let policy = |serial, escrow| {
        Record::Policy(PolicyRecord {
            serial,
            policy: UnitPolicy {
                escrow,
                remote: false,
            },
        })
    };
    let (mut roll, _) = Roll::branch();
    let main = roll.space(SpaceKind::Main);
    let up = |roll: &Roll, kind| {
        let readers = roll.membership().readers(&roll.space(kind));
        readers.iter().any(|(device, _)| *device == id("up"))
    };
    assert!(!up(&roll, SpaceKind::Main));
    // A deputy cannot decide it.
    roll.write("dep", &policy(1, true));
    assert!(!up(&roll, SpaceKind::Main));
    roll.write("sec/1", &policy(1, true));
    assert!(up(&roll, SpaceKind::Main));
    for kind in [SpaceKind::Committee, SpaceKind::Inbox] {
        assert!(!up(&roll, kind), "{kind:?}");
    }
    let all = [&READERS[..], &["up"]].concat();
    let record = knowing(&roll, &main, 1, &all);
    roll.write("sec/1", &record);
    assert_eq!(roll.membership().writing_epoch(&main.id()), Some(number(1)));
    roll.write("sec/2", &policy(2, false));
    support::in_any_order(&roll, |membership| {
        assert_eq!(membership.policy(), (2, UnitPolicy::default()));
        assert_eq!(membership.writing_epoch(&main.id()), None);
    });
}

#[test]
fn without_an_epoch_there_is_nothing_to_write_under() {
    let (roll, _) = Roll::branch();
    let main = roll.space(SpaceKind::Main).id();
    assert_eq!(roll.membership().writing_epoch(&main), None);
    assert_eq!(roll.membership().newest_epoch(&main), None);
    assert_eq!(roll.membership().epoch_heads(&main), BTreeSet::new());
}

#[test]
fn the_deepest_epoch_is_written_under() {
    let (mut roll, _) = Roll::branch();
    let main = roll.space(SpaceKind::Main);
    roll.write("sec/1", &epoch(&main, 1, &[], &READERS));
    roll.write("dep", &epoch(&main, 2, &[1], &READERS));
    roll.write("sec/1", &epoch(&main, 3, &[2], &READERS));
    for _ in 0..roll.all.len() {
        roll.all.rotate_left(1);
        let membership = roll.membership();
        assert_eq!(membership.writing_epoch(&main.id()), Some(number(3)));
        assert_eq!(membership.epoch_heads(&main.id()), [number(3)].into());
        assert_eq!(membership.epochs(&main.id()).len(), 3);
    }
}

#[test]
fn an_epoch_with_a_revoked_recipient_is_not_written_under_however_deep_it_is() {
    let (mut roll, grants) = Roll::branch();
    let main = roll.space(SpaceKind::Main);
    roll.write("sec/1", &epoch(&main, 1, &[], &READERS));
    // Two officers at once: one removes a member and rotates, the other rotates without knowing.
    roll.revoke("sec/1", grants["binh"], &[]);
    let without_binh = knowing(&roll, &main, 2, &without("binh"));
    roll.write("sec/1", &without_binh);
    roll.write("dep", &epoch(&main, 3, &[1], &READERS));
    roll.write("dep", &epoch(&main, 4, &[3], &READERS));
    let membership = roll.membership();
    assert_eq!(membership.writing_epoch(&main.id()), Some(number(2)));
    assert_eq!(membership.newest_epoch(&main.id()), Some(number(4)));
    assert_eq!(membership.epoch_heads(&main.id()), [number(2), number(4)].into());
}

#[test]
fn if_no_epoch_is_clean_an_officer_has_to_rotate() {
    let (mut roll, grants) = Roll::branch();
    let main = roll.space(SpaceKind::Main);
    roll.write("sec/1", &epoch(&main, 1, &[], &READERS));
    roll.revoke("sec/1", grants["binh"], &[]);
    assert_eq!(roll.membership().writing_epoch(&main.id()), None);
    let without_binh = knowing(&roll, &main, 2, &without("binh"));
    roll.write("dep", &without_binh);
    assert_eq!(roll.membership().writing_epoch(&main.id()), Some(number(2)));
    // What comes later is built on it and need not say so again.
    roll.write("two", &epoch(&main, 3, &[2], &without("binh")));
    assert_eq!(roll.membership().writing_epoch(&main.id()), Some(number(3)));
}

#[test]
fn a_removed_device_that_was_handed_the_key_with_its_grant_makes_the_epoch_unclean_though_it_has_no_box() {
    let (mut roll, _) = Roll::branch();
    let main = roll.space(SpaceKind::Main);
    roll.write("sec/1", &epoch(&main, 1, &[], &READERS));
    let late = roll.grant("dep", 4, "late");
    assert_eq!(roll.membership().writing_epoch(&main.id()), Some(number(1)));
    roll.revoke("sec/1", late, &[]);
    assert_eq!(roll.membership().writing_epoch(&main.id()), None);
    // Whether this was made before or after the removal nobody can tell, so it is not trusted.
    roll.write("two", &epoch(&main, 2, &[1], &READERS));
    assert_eq!(roll.membership().writing_epoch(&main.id()), None);
    let clean = knowing(&roll, &main, 3, &READERS);
    roll.write("two", &clean);
    assert_eq!(roll.membership().writing_epoch(&main.id()), Some(number(3)));
    assert_eq!(
        roll.membership().epoch_previous(&main.id()),
        [number(3)].into(),
        "said once"
    );
}

#[test]
fn a_device_whose_grant_turns_out_void_makes_the_epoch_unclean() {
    let (mut roll, grants) = Roll::branch();
    let main = roll.space(SpaceKind::Main);
    roll.write("sec/1", &epoch(&main, 1, &[], &READERS));
    let before = roll.tip("dep");
    roll.grant("dep", 4, "friend");
    let space = roll.roll;
    roll.revoke("sec/1", grants["dep"], &[(space, before)]);
    let clean = knowing(&roll, &main, 2, &without("dep"));
    roll.write("sec/1", &clean);
    let membership = roll.membership();
    assert_eq!(membership.writing_epoch(&main.id()), Some(number(2)));
    let Record::Epoch(record) = clean else {
        unreachable!()
    };
    assert_eq!(
        record.previous.len(),
        3,
        "the epoch before, the deputy's removal, the void grant"
    );
}

#[test]
fn readers_who_may_lack_a_key_are_those_whose_granter_perhaps_did_not_know_it() {
    let (mut roll, _) = Roll::branch();
    let main = roll.space(SpaceKind::Main);
    roll.write("sec/1", &epoch(&main, 1, &[], &READERS));
    let lacking = |roll: &Roll| -> Vec<(EpochId, Vec<_>)> {
        let all = roll.membership().lacking(&main);
        all.into_iter()
            .map(|(epoch, devices)| (epoch, devices.into_iter().map(|(device, _)| device).collect()))
            .collect()
    };
    assert_eq!(lacking(&roll), []);
    // The maker of the epoch grants: the key went along.
    roll.grant("sec/1", 4, "mine");
    assert_eq!(lacking(&roll), []);
    // A deputy granted by it afterwards holds the key too, and hands it on.
    roll.grant("sec/1", 3, "new-dep");
    roll.grant("new-dep", 4, "theirs");
    assert_eq!(lacking(&roll), []);
    // One that was granted before may not have heard of it.
    roll.grant("dep", 4, "late");
    assert_eq!(lacking(&roll), [(number(1), vec![id("late")])]);
    roll.write("two", &epoch(&main, 1, &[], &["late"]));
    assert_eq!(lacking(&roll), []);
    // Set aside when a key was made, and lifted again.
    let suspension = roll.suspend("sec/1", "binh");
    let away = knowing(
        &roll,
        &main,
        2,
        &[&without("binh")[..], &["mine", "new-dep", "theirs", "late"]].concat(),
    );
    roll.write("sec/1", &away);
    assert_eq!(lacking(&roll), []);
    roll.lift("sec/1", suspension);
    assert_eq!(lacking(&roll), [(number(2), vec![id("binh")])]);
}

#[test]
fn a_suspended_or_forked_recipient_or_one_who_left_the_committee_makes_an_epoch_unclean() {
    let (mut roll, _) = Roll::branch();
    let main = roll.space(SpaceKind::Main);
    roll.write("sec/1", &epoch(&main, 1, &[], &READERS));
    let mut forked = roll.membership();
    forked.note_fork(main.id().tag(), id("binh"), 1);
    assert_eq!(forked.writing_epoch(&main.id()), None);
    let suspension = roll.suspend("dep", "binh");
    assert_eq!(roll.membership().writing_epoch(&main.id()), None);
    roll.lift("dep", suspension);
    assert_eq!(roll.membership().writing_epoch(&main.id()), Some(number(1)));

    let committee = roll.space(SpaceKind::Committee);
    let flags = Flags {
        committee: true,
        probationary: false,
    };
    let seat = roll.grant_with("sec/1", 4, "binh", flags);
    roll.write("sec/1", &epoch(&committee, 5, &[], &["sec/1", "binh"]));
    assert_eq!(roll.membership().writing_epoch(&committee.id()), Some(number(5)));
    roll.revoke("sec/1", seat, &[]);
    assert_eq!(roll.membership().writing_epoch(&committee.id()), None);
}

#[test]
fn an_epoch_with_a_ghost_is_never_written_under() {
    let (mut roll, _) = Roll::branch();
    let main = roll.space(SpaceKind::Main);
    roll.write("sec/1", &epoch(&main, 1, &[], &READERS));
    roll.write("two", &epoch(&main, 2, &[1], &["sec/1", "evil"]));
    assert_eq!(roll.membership().writing_epoch(&main.id()), Some(number(1)));
}

#[test]
fn concurrent_epochs_of_equal_depth_are_ordered_by_their_id() {
    let (mut roll, _) = Roll::branch();
    let main = roll.space(SpaceKind::Main);
    roll.write("sec/1", &epoch(&main, 1, &[], &READERS));
    roll.write("dep", &epoch(&main, 2, &[], &READERS));
    let lowest = number(1).min(number(2));
    assert_eq!(roll.membership().writing_epoch(&main.id()), Some(lowest));
    roll.all.reverse();
    assert_eq!(roll.membership().writing_epoch(&main.id()), Some(lowest));
}

#[test]
fn an_older_epoch_delivered_after_a_newer_one_changes_nothing() {
    let (mut roll, _) = Roll::branch();
    let main = roll.space(SpaceKind::Main);
    roll.write("sec/1", &epoch(&main, 1, &[], &READERS));
    roll.write("dep", &epoch(&main, 2, &[1], &READERS));
    let mut membership = roll.membership();
    for envelope in &roll.all {
        membership.insert(envelope).unwrap();
    }
    assert_eq!(membership.writing_epoch(&main.id()), Some(number(2)));
}

#[test]
fn dishonest_predecessors_neither_hang_nor_win() {
    let (mut roll, _) = Roll::branch();
    let main = roll.space(SpaceKind::Main);
    roll.write("sec/1", &epoch(&main, 1, &[], &READERS));
    roll.write("sec/1", &epoch(&main, 2, &[1], &READERS));
    // A circle, itself, and sixty predecessors that nobody ever saw.
    roll.write("two", &epoch(&main, 3, &[3], &READERS));
    let invented: Vec<u8> = (100..160).collect();
    roll.write("two", &epoch(&main, 4, &invented, &READERS));
    assert_eq!(roll.membership().writing_epoch(&main.id()), Some(number(2)));
    roll.write("two", &epoch(&main, 5, &[6], &READERS));
    roll.write("two", &epoch(&main, 6, &[5], &READERS));
    let heads = roll.membership().epoch_heads(&main.id());
    assert_eq!(heads, [2, 3, 4, 5, 6].map(number).into());
    roll.write("two", &epoch(&main, 8, &[2, 8], &READERS));
    roll.write("sec/1", &epoch(&main, 7, &[3, 4, 5, 6, 8], &READERS));
    assert_eq!(roll.membership().epoch_heads(&main.id()), [number(7)].into());
    assert_eq!(roll.membership().writing_epoch(&main.id()), Some(number(7)));
}

#[test]
fn one_epoch_boxed_twice_is_clean_only_if_both_records_are() {
    let (mut roll, _) = Roll::branch();
    let main = roll.space(SpaceKind::Main);
    roll.write("sec/1", &epoch(&main, 1, &[], &["sec/1"]));
    roll.write("dep", &epoch(&main, 1, &[], &["binh"]));
    assert_eq!(roll.membership().writing_epoch(&main.id()), Some(number(1)));
    // Several, so that the ghost's record stands before the clean one in some and after it in others.
    for n in 2..9 {
        roll.write("sec/1", &epoch(&main, n, &[1], &["sec/1"]));
        roll.write("dep", &epoch(&main, n, &[1], &["evil"]));
    }
    assert_eq!(roll.membership().writing_epoch(&main.id()), Some(number(1)));
}

#[test]
fn epochs_of_shared_spaces_come_from_officers_and_of_private_ones_from_their_member() {
    let (mut roll, grants) = Roll::branch();
    let main = roll.space(SpaceKind::Main);
    let an = Space::private(roll.unit(), member("an/1"));
    roll.grant("two", 4, "chi");
    let before = roll.tip("two");
    for (by, n, space) in [
        ("binh", 1, &main),
        ("evil", 2, &main),
        ("two", 3, &main),
        ("sec/1", 4, &an),
        ("binh", 5, &an),
        ("an/2", 6, &an),
    ] {
        roll.write(by, &epoch(space, n, &[], &["an/1"]));
    }
    // The deputy who made epoch 3 is removed with a cut-off before it.
    roll.write("dep", &epoch(&main, 7, &[], &["an/1"]));
    roll.revoke("sec/1", grants["two"], &[(roll.roll, before)]);
    let membership = roll.membership();
    let valid = |space: &Space| -> Vec<_> {
        membership
            .epochs(&space.id())
            .into_iter()
            .map(EpochRecord::epoch)
            .collect()
    };
    assert_eq!(valid(&main), [number(7)]);
    assert_eq!(valid(&an), [number(6)]);
    let all: BTreeMap<_, _> = membership
        .epoch_records(&main.id())
        .map(|(_, by, record, counts)| (record.epoch(), (by, counts)))
        .collect();
    assert_eq!(all.len(), 4);
    assert_eq!(all[&number(3)], (id("two"), false));
    assert_eq!(all[&number(7)], (id("dep"), true));
    assert_eq!(membership.space(&an.id()), Some(an));
    assert_eq!(membership.space(&main.id()), Some(main));
    assert_eq!(
        membership.space(&Space::private(roll.unit(), member("x")).id()),
        None
    );
}

#[test]
fn a_seal_vouches_for_what_its_heads_build_on_and_for_nothing_else() {
    let (mut roll, grants) = Roll::branch();
    let main = roll.space(SpaceKind::Main);
    roll.revoke("sec/1", grants["binh"], &[]);
    let change = |deps: &[u8]| Change {
        author: id("binh"),
        seq: 1,
        envelope: None,
        deps: deps.to_vec(),
    };
    let changes = BTreeMap::from([(1, change(&[])), (2, change(&[1, 99])), (3, change(&[2]))]);
    let judged = content(&roll.membership(), &main, &changes, &[2, 98].into());
    assert_eq!(judged.own, BTreeSet::new());
    assert_eq!(judged.valid, [1, 2].into());
}
