//! The roll as a set of records: founding, forks, what is refused, and the records about the unit itself.

mod support;

use std::collections::BTreeMap;

use sotay_feed::{DeviceId, Draft, EnvelopeId, Kind, Space, SpaceKind, Tip, UnitId};
use sotay_membership::{
    Denied, Flags, Genesis, Inserted, Membership, Reason, Record, RecordError, RelayAddress, RelayRecord,
    Reparent, Revoke, State, Validity,
};
use support::{Roll, device, fate, grant, id, in_any_order, member, state};

#[test]
fn a_fork_in_the_roll_ends_a_deputys_authority_at_the_fork() {
    let (mut roll, grants) = Roll::branch();
    let seq = roll.tip("dep").seq + 1;
    let one = roll.write_at(
        "dep",
        seq,
        Kind::GRANT,
        &grant(4, "one", Flags::default()).encode(),
    );
    let two = roll.write_at(
        "dep",
        seq,
        Kind::GRANT,
        &grant(4, "two-faced", Flags::default()).encode(),
    );
    let next = roll.grant("dep", 4, "next");
    in_any_order(&roll, |membership| {
        for void in [one, two, next] {
            assert_eq!(fate(membership, void), Validity::Void);
        }
        assert_eq!(fate(membership, grants["binh"]), Validity::Valid);
        assert_eq!(state(membership, "dep"), State::Forked);
        assert_eq!(membership.may_read(id("dep"), &roll.roll), Err(Denied::Forked));
        assert_eq!(
            membership.may_write(id("dep"), &roll.roll, Kind::GRANT, seq - 1),
            Ok(())
        );
        assert_eq!(
            membership.may_write(id("dep"), &roll.roll, Kind::GRANT, seq),
            Err(Denied::Forked)
        );
    });
}

#[test]
fn a_fork_between_a_record_and_any_other_envelope_of_the_roll_counts_too() {
    let (mut roll, _) = Roll::branch();
    let seq = roll.tip("dep").seq + 1;
    let admitted = roll.write_at(
        "dep",
        seq,
        Kind::GRANT,
        &grant(4, "one", Flags::default()).encode(),
    );
    roll.write_at("dep", seq, Kind::from_number(999), b"of a later version");
    in_any_order(&roll, |membership| {
        assert_eq!(fate(membership, admitted), Validity::Void)
    });
}

#[test]
fn a_fork_elsewhere_ends_the_writing_in_that_space_and_the_reading_everywhere() {
    let (roll, _) = Roll::branch();
    let mut membership = roll.membership();
    let (main, report) = (roll.space(SpaceKind::Main), roll.space(SpaceKind::Report));
    let revision = membership.revision();
    membership.note_fork(main.id().tag(), id("dep"), 4);
    assert!(membership.revision() > revision);
    // A later fork, or the same one again, adds nothing.
    let revision = membership.revision();
    membership.note_fork(main.id().tag(), id("dep"), 4);
    membership.note_fork(main.id().tag(), id("dep"), 6);
    assert_eq!(membership.revision(), revision);
    assert_eq!(membership.may_write(id("dep"), &main, Kind::CHANGE, 3), Ok(()));
    assert_eq!(
        membership.may_write(id("dep"), &main, Kind::CHANGE, 4),
        Err(Denied::Forked)
    );
    assert_eq!(membership.may_write(id("dep"), &report, Kind::CHANGE, 9), Ok(()));
    assert_eq!(membership.may_read(id("dep"), &report), Err(Denied::Forked));
    assert_eq!(state(&membership, "binh"), State::Active);
}

#[test]
fn the_relay_record_with_the_highest_serial_counts_unless_its_writer_could_not() {
    let (mut roll, grants) = Roll::branch();
    let record = |serial, address: &str| {
        let relay = RelayAddress {
            address: address.to_owned(),
            key: device("relay").public().sign,
        };
        Record::Relay(RelayRecord {
            serial,
            relays: vec![relay],
        })
    };
    roll.write("sec/1", &record(1, "first"));
    roll.write("up", &record(2, "second"));
    roll.write("binh", &record(9, "a member's"));
    roll.grant("two", 4, "chi");
    let before = roll.tip("two");
    let address =
        |membership: &Membership| membership.relays().map(|record| record.relays[0].address.clone());
    in_any_order(&roll, |membership| {
        assert_eq!(address(membership).as_deref(), Some("second"))
    });
    roll.write("two", &record(u64::MAX, "a rogue deputy's"));
    in_any_order(&roll, |membership| {
        assert_eq!(address(membership).as_deref(), Some("a rogue deputy's"))
    });
    roll.revoke("sec/1", grants["two"], &[(roll.roll, before)]);
    in_any_order(&roll, |membership| {
        assert_eq!(address(membership).as_deref(), Some("second"))
    });
    // The same serial from two officers: the higher rank's.
    roll.write("dep", &record(2, "the deputy's"));
    in_any_order(&roll, |membership| {
        assert_eq!(address(membership).as_deref(), Some("second"))
    });
}

#[test]
fn only_the_level_above_moves_the_unit() {
    let (mut roll, _) = Roll::branch();
    let to = |n| {
        Record::Reparent(Reparent {
            parent: UnitId::from_bytes([n; 32]),
        })
    };
    assert_eq!(Membership::new(roll.unit()).parent(), None);
    assert_eq!(roll.membership().parent(), roll.genesis.parent);
    roll.write("sec/1", &to(5));
    in_any_order(&roll, |membership| {
        assert_eq!(membership.parent(), roll.genesis.parent)
    });
    roll.write("up", &to(6));
    roll.write("up", &to(7));
    in_any_order(&roll, |membership| {
        assert_eq!(membership.parent(), Some(UnitId::from_bytes([7; 32])))
    });
    roll.write("root", &to(8));
    in_any_order(&roll, |membership| {
        assert_eq!(membership.parent(), Some(UnitId::from_bytes([8; 32])))
    });
}

#[test]
fn members_are_listed_with_all_their_devices_and_their_best_rank() {
    let (mut roll, grants) = Roll::branch();
    roll.revoke("sec/1", grants["an/1"], &[]);
    roll.suspend("sec/1", "an/2");
    roll.revoke("sec/1", grants["binh"], &[]);
    roll.grant("evil", 2, "evil");
    let members: BTreeMap<_, _> = roll
        .membership()
        .members()
        .into_iter()
        .map(|member| (member.member, member))
        .collect();
    assert_eq!(members.len(), 5);
    let an = &members[&member("an/1")];
    let devices: BTreeMap<DeviceId, State> = an.devices.iter().copied().collect();
    let expected = [(id("an/1"), State::Revoked), (id("an/2"), State::Suspended)];
    assert_eq!(devices, expected.into());
    assert!(an.current && an.rank == 4);
    assert!(!members[&member("binh")].current);
    assert_eq!(members[&member("sec/1")].rank, 2);
    assert_eq!(members[&member("sec/1")].devices.len(), 2);
}

#[test]
fn keys_are_known_from_void_grants_too_so_that_their_envelopes_can_be_verified() {
    let (mut roll, _) = Roll::branch();
    roll.grant("evil", 2, "friend-of-evil");
    let membership = roll.membership();
    for name in ["root", "up", "sec/1", "binh", "friend-of-evil"] {
        assert_eq!(
            membership.signing_key(id(name)),
            Some(device(name).public().sign),
            "{name}"
        );
    }
    assert_eq!(membership.signing_key(id("evil")), None);
    assert_eq!(membership.standing(id("evil")), None);
}

#[test]
fn a_genesis_founds_its_own_unit_only_and_only_as_an_authoritys_first_envelope() {
    let (roll, _) = Roll::branch();
    let genesis = roll.all[0].clone();
    let space = roll.roll.id();
    let (read, key) = Membership::founding_key(&genesis, &space).unwrap();
    assert_eq!((read, key), (roll.genesis.clone(), device("up").public().sign));
    let other = Space::of(UnitId::from_bytes([9; 32]), SpaceKind::Roll).id();
    assert_eq!(
        Membership::founding_key(&genesis, &other),
        Err(RecordError::Founding)
    );
    let not_genesis = Membership::founding_key(&roll.all[1], &space);
    assert_eq!(not_genesis, Err(RecordError::Kind(Kind::GRANT)));
    let body = roll.genesis.encode();
    let mut membership = Membership::new(roll.unit());
    for (writer, seq) in [("evil", 1), ("up", 2)] {
        let mut forged = roll.clone();
        forged.write_at(writer, seq, Kind::GENESIS, &body);
        let envelope = forged.all.last().expect("just written");
        assert_eq!(membership.insert(envelope), Err(RecordError::Founding));
    }
    let another = Genesis {
        nonce: [7; 16],
        ..roll.genesis.clone()
    };
    let mut forged = roll.clone();
    forged.write_at("up", 1, Kind::GENESIS, &another.encode());
    let envelope = forged.all.last().expect("just written");
    assert_eq!(membership.insert(envelope), Err(RecordError::Founding));
    assert_eq!(membership.genesis(), None);
    assert_eq!(membership.insert(&genesis), Ok(Inserted::New));
    assert_eq!(membership.genesis(), Some(&roll.genesis));
}

#[test]
fn two_authorities_may_hand_over_the_same_genesis() {
    let (mut roll, _) = Roll::branch();
    let body = roll.genesis.encode();
    roll.write_at("root", 1, Kind::GENESIS, &body);
    in_any_order(&roll, |membership| {
        assert_eq!(state(membership, "binh"), State::Active)
    });
}

#[test]
fn bad_records_and_records_elsewhere_are_refused_and_change_nothing() {
    let (mut roll, grants) = Roll::branch();
    let mut membership = roll.membership();
    let revision = membership.revision();
    roll.write_body("sec/1", Kind::REVOKE, &[0x80]);
    let bad = roll.all.pop().expect("just written");
    assert_eq!(membership.insert(&bad), Err(RecordError::Version(0)));
    // The place of a refused record is free: the right one there is no fork.
    let revoke = Revoke {
        grant: grants["binh"],
        reason: Reason::LEFT,
        cutoffs: BTreeMap::new(),
    };
    let main = roll.space(SpaceKind::Main).id();
    let moved = Draft::next(device("sec/1"), Kind::REVOKE, &main, None)
        .sign(device("sec/1"), &main, &revoke.encode())
        .unwrap();
    assert_eq!(membership.insert(&moved), Err(RecordError::OtherSpace));
    let change = Draft::next(device("sec/1"), Kind::CHANGE, &main, None)
        .sign(device("sec/1"), &main, b"")
        .unwrap();
    assert_eq!(membership.insert(&change), Ok(Inserted::Ignored));
    assert_eq!(membership.revision(), revision);
    let good = roll.write_at("sec/1", bad.header().seq, Kind::REVOKE, &revoke.encode());
    assert_eq!(
        membership.insert(roll.all.last().expect("just written")),
        Ok(Inserted::New)
    );
    assert_eq!(
        membership.insert(roll.all.last().expect("just written")),
        Ok(Inserted::Duplicate)
    );
    assert!(
        membership
            .revokes()
            .any(|(id, _, _, counts)| id == good && counts)
    );
    assert_eq!(state(&membership, "sec/1"), State::Active);
}

#[test]
fn a_revocation_may_arrive_before_the_grant_and_the_genesis() {
    let (mut roll, grants) = Roll::branch();
    roll.revoke(
        "sec/1",
        grants["binh"],
        &[(
            roll.roll,
            Tip {
                seq: 1,
                id: EnvelopeId::ZERO,
            },
        )],
    );
    let mut membership = Membership::new(roll.unit());
    for envelope in roll.all.iter().rev() {
        membership.insert(envelope).unwrap();
    }
    assert_eq!(state(&membership, "binh"), State::Revoked);
}
