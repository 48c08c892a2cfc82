//! Who reads and writes what: the table of rights, whole, and every reason to be turned away.

mod support;

use std::collections::BTreeMap;

use sotay_feed::{DocId, Kind, Space, SpaceKind, UnitId};
use sotay_membership::{
    Authority, Denied, Flags, Genesis, Grant, Membership, Record, Reparent, Units, limits, may_read_across,
};
use support::{Roll, device, grant, id, member, tip};

const COMMITTEE: Flags = Flags {
    committee: true,
    probationary: false,
};
const PROBATIONARY: Flags = Flags {
    committee: false,
    probationary: true,
};

/// The meeting that the guest is shown.
const SHOWN: DocId = DocId::from_bytes([9; 16]);

/// One device of each sort.
fn everyone() -> Roll {
    let mut roll = Roll::found(&[(0, "root"), (1, "up")]);
    roll.grant("up", 2, "sec");
    roll.grant("sec", 3, "dep");
    roll.grant_with("sec", 4, "com", COMMITTEE);
    roll.grant("dep", 4, "mem");
    roll.grant_with("dep", 4, "new", PROBATIONARY);
    let guest = Grant {
        scope: Some(SHOWN),
        ..grant(5, "guest", COMMITTEE)
    };
    roll.write("dep", &Record::Grant(guest));
    roll
}

const ALL: [&str; 8] = ["root", "up", "sec", "dep", "com", "mem", "new", "guest"];

fn space(roll: &Roll, kind: SpaceKind) -> Space {
    match kind {
        SpaceKind::Private => Space::private(roll.unit(), member("mem")),
        SpaceKind::Guest => Space::guest(roll.unit(), SHOWN),
        kind => roll.space(kind),
    }
}

#[test]
fn the_table_of_readers_and_writers_is_the_published_one() {
    use SpaceKind::*;
    let roll = everyone();
    let membership = roll.membership();
    // space, who reads, who gets its key, who writes changes (roll: grants)
    let table: [(SpaceKind, &str, &str, &str); 8] = [
        (
            Roll,
            "root up sec dep com mem new guest",
            "sec dep com mem new guest",
            "root up sec dep",
        ),
        (
            Main,
            "root up sec dep com mem new",
            "sec dep com mem new",
            "root up sec dep com mem new",
        ),
        (Committee, "sec dep com", "sec dep com", "sec dep com"),
        (Inbox, "sec dep com", "sec dep com", "sec dep com"),
        (Report, "root up sec dep", "up sec dep", "root up sec dep"),
        (Private, "mem", "mem", "mem"),
        (
            Broadcast,
            "root up sec dep com mem new",
            "sec dep com mem new",
            "sec dep",
        ),
        (Guest, "sec dep guest", "sec dep guest", "sec dep"),
    ];
    for (kind, reads, keys, writes) in table {
        let space = space(&roll, kind);
        let written = match kind {
            Roll => Kind::GRANT,
            Guest => Kind::SNAPSHOT,
            _ => Kind::CHANGE,
        };
        let readers: Vec<_> = membership
            .readers(&space)
            .into_iter()
            .map(|(device, _)| device)
            .collect();
        for name in ALL {
            let named = |list: &str| list.split(' ').any(|one| one == name);
            let device = id(name);
            assert_eq!(
                membership.may_read(device, &space).is_ok(),
                named(reads),
                "{name} reads {kind:?}"
            );
            assert_eq!(
                readers.contains(&device),
                named(keys),
                "{name} gets the key of {kind:?}"
            );
            let may = membership.may_write(device, &space, written, 1).is_ok();
            assert_eq!(may, named(writes), "{name} writes {kind:?}");
        }
        assert!(readers.is_sorted());
    }
}

#[test]
fn a_guest_is_shown_one_document_and_no_other_until_its_grant_ends() {
    let mut roll = everyone();
    let shown = Space::guest(roll.unit(), SHOWN);
    let other = Space::guest(roll.unit(), DocId::from_bytes([8; 16]));
    let membership = roll.membership();
    assert_eq!(
        membership.guest_documents().into_iter().collect::<Vec<_>>(),
        [SHOWN]
    );
    assert_eq!(membership.may_read(id("guest"), &shown), Ok(()));
    assert_eq!(membership.may_read(id("guest"), &other), Err(Denied::Rank));
    assert_eq!(
        membership.may_write(id("guest"), &shown, Kind::SNAPSHOT, 1),
        Err(Denied::Rank)
    );
    assert_eq!(
        membership.may_write(id("sec"), &shown, Kind::CHANGE, 1),
        Err(Denied::WrongKind)
    );
    for kind in SpaceKind::ALL
        .into_iter()
        .filter(|kind| !matches!(kind, SpaceKind::Roll | SpaceKind::Guest))
    {
        assert!(
            membership.may_read(id("guest"), &space(&roll, kind)).is_err(),
            "{kind:?}"
        );
        for written in [Kind::CHANGE, Kind::INBOX, Kind::SNAPSHOT, Kind::VOTE, Kind::SEAL] {
            let denied = membership.may_write(id("guest"), &space(&roll, kind), written, 1);
            assert!(denied.is_err(), "{written} in {kind:?}");
        }
    }
    // A shape that no space has.
    let shapeless = roll.space(SpaceKind::Guest);
    assert_eq!(
        membership.may_read(id("guest"), &shapeless),
        Err(Denied::WrongSpace)
    );
    let grant = membership
        .grants()
        .find(|(_, _, grant, _)| grant.rank == 5)
        .unwrap()
        .0;
    roll.revoke("sec", grant, &[]);
    let ended = roll.membership();
    assert!(ended.guest_documents().is_empty());
    assert_eq!(ended.may_read(id("guest"), &shown), Err(Denied::Revoked));
}

#[test]
fn readers_come_with_their_own_box_keys() {
    let roll = everyone();
    for (device_id, key) in roll.membership().readers(&roll.space(SpaceKind::Committee)) {
        let name = ALL.into_iter().find(|name| id(name) == device_id).unwrap();
        assert_eq!(key, device(name).public().seal);
    }
}

#[test]
fn the_roll_takes_membership_records_only_and_no_other_space_takes_any() {
    let roll = everyone();
    let membership = roll.membership();
    for number in 0..22 {
        let kind = Kind::from_number(number);
        // What guests are shown takes one kind alone.
        for space_kind in SpaceKind::ALL
            .into_iter()
            .filter(|kind| *kind != SpaceKind::Guest)
        {
            let space = space(&roll, space_kind);
            let denied = membership.may_write(id("sec"), &space, kind, 1) == Err(Denied::WrongKind);
            let misplaced = kind.is_membership() != (space_kind == SpaceKind::Roll);
            assert_eq!(denied, misplaced, "{kind} in {space_kind:?}");
        }
    }
}

#[test]
fn in_the_roll_members_write_revocations_and_epochs_only_and_guests_nothing() {
    let roll = everyone();
    let membership = roll.membership();
    let writes = |name, kind| membership.may_write(id(name), &roll.roll, kind, 1);
    for kind in [Kind::REVOKE, Kind::EPOCH] {
        assert_eq!(writes("mem", kind), Ok(()));
        assert_eq!(writes("guest", kind), Err(Denied::Rank));
    }
    for kind in [
        Kind::GRANT,
        Kind::SUSPEND,
        Kind::LIFT,
        Kind::RELAY,
        Kind::REPARENT,
        Kind::GENESIS,
    ] {
        assert_eq!(writes("mem", kind), Err(Denied::Rank), "{kind}");
    }
    for kind in [Kind::REPARENT, Kind::GENESIS] {
        assert_eq!(writes("sec", kind), Err(Denied::Rank));
        assert_eq!(writes("up", kind), Ok(()));
    }
}

#[test]
fn members_put_into_the_inbox_and_only_the_committee_does_more_there() {
    let roll = everyone();
    let membership = roll.membership();
    let inbox = roll.space(SpaceKind::Inbox);
    assert_eq!(membership.may_write(id("mem"), &inbox, Kind::INBOX, 1), Ok(()));
    assert_eq!(
        membership.may_write(id("mem"), &inbox, Kind::CHANGE, 1),
        Err(Denied::WrongKind)
    );
    assert_eq!(
        membership.may_write(id("guest"), &inbox, Kind::INBOX, 1),
        Err(Denied::Rank)
    );
    assert_eq!(membership.may_read(id("mem"), &inbox), Err(Denied::Rank));
}

#[test]
fn a_probationary_member_takes_part_but_does_not_vote() {
    let roll = everyone();
    let membership = roll.membership();
    let main = roll.space(SpaceKind::Main);
    assert_eq!(
        membership.may_write(id("new"), &main, Kind::VOTE, 1),
        Err(Denied::Probationary)
    );
    assert_eq!(membership.may_write(id("mem"), &main, Kind::VOTE, 1), Ok(()));
    assert_eq!(membership.may_write(id("new"), &main, Kind::CHANGE, 1), Ok(()));
}

#[test]
fn nobody_reads_another_members_private_space() {
    let roll = everyone();
    let private = space(&roll, SpaceKind::Private);
    for name in ["sec", "dep", "com", "new", "root"] {
        let denied = roll.membership().may_read(id(name), &private);
        assert_eq!(denied, Err(Denied::NotMember), "{name}");
    }
    assert_eq!(
        roll.membership().may_read(id("guest"), &private),
        Err(Denied::Rank)
    );
}

#[test]
fn spaces_of_other_units_and_spaces_that_cannot_exist_are_denied() {
    let roll = everyone();
    let membership = roll.membership();
    let elsewhere = Space::of(UnitId::from_bytes([8; 32]), SpaceKind::Main);
    let nobodys = Space::of(roll.unit(), SpaceKind::Private);
    let odd = Space {
        subject: Some(member("mem")),
        ..roll.space(SpaceKind::Main)
    };
    for space in [elsewhere, nobodys, odd] {
        assert_eq!(membership.may_read(id("sec"), &space), Err(Denied::WrongSpace));
        assert_eq!(
            membership.may_write(id("sec"), &space, Kind::CHANGE, 1),
            Err(Denied::WrongSpace)
        );
        assert_eq!(membership.readers(&space), []);
        assert_eq!(membership.ever_readers(&space), []);
    }
    // An envelope is admitted into its own space only.
    let envelope = roll.all.last().unwrap();
    assert_eq!(
        membership.may_admit(envelope, &roll.space(SpaceKind::Main)),
        Err(Denied::WrongSpace)
    );
    assert_eq!(membership.may_admit(envelope, &roll.roll), Ok(()));
}

#[test]
fn every_reason_to_be_turned_away_has_its_own_name() {
    let (mut roll, grants) = Roll::branch();
    let main = roll.space(SpaceKind::Main);
    roll.revoke("sec/1", grants["an/1"], &[(main, tip(3))]);
    roll.suspend("sec/1", "an/2");
    roll.grant("binh", 4, "friend");
    let membership = roll.membership();
    for (name, reads, writes_4) in [
        ("evil", Err(Denied::UnknownDevice), Err(Denied::UnknownDevice)),
        ("friend", Err(Denied::NotGranted), Err(Denied::NotGranted)),
        ("an/1", Err(Denied::Revoked), Err(Denied::BeyondCutOff)),
        ("an/2", Err(Denied::Suspended), Ok(())),
        ("binh", Ok(()), Ok(())),
    ] {
        assert_eq!(membership.may_read(id(name), &main), reads, "{name}");
        assert_eq!(
            membership.may_write(id(name), &main, Kind::CHANGE, 4),
            writes_4,
            "{name}"
        );
    }
}

#[test]
fn a_removed_member_stays_a_known_recipient_of_old_epochs_and_a_stranger_never_was_one() {
    let (mut roll, grants) = Roll::branch();
    roll.revoke("sec/1", grants["binh"], &[]);
    roll.grant("sec/1", 5, "guest");
    let membership = roll.membership();
    let main = membership.ever_readers(&roll.space(SpaceKind::Main));
    assert!(main.contains(&id("binh")) && main.contains(&id("sec/1")));
    assert!(!main.contains(&id("guest")) && !main.contains(&id("evil")));
    let committee = membership.ever_readers(&roll.space(SpaceKind::Committee));
    assert!(committee.contains(&id("dep")) && !committee.contains(&id("binh")));
}

/// A commune with two branches, one of which has moved below it.
fn commune() -> (BTreeMap<UnitId, Membership>, [UnitId; 3]) {
    let mut commune = Roll::found(&[(0, "root")]);
    commune.grant("root", 2, "commune-sec");
    commune.grant("commune-sec", 4, "commune-mem");
    let branch = |nonce: u8, parent: Option<UnitId>| {
        let genesis = Genesis {
            parent,
            nonce: [nonce; 16],
            authorities: vec![Authority {
                rank: 1,
                keys: device("commune-sec").public(),
            }],
            ..commune.genesis.clone()
        };
        let mut roll = commune.clone();
        roll.all.clear();
        roll.roll = Space::of(genesis.unit_id(), SpaceKind::Roll);
        roll.write_at("commune-sec", 1, Kind::GENESIS, &genesis.encode());
        roll.genesis = genesis;
        roll.grant("commune-sec", 2, &format!("sec-{nonce}"));
        roll.grant(&format!("sec-{nonce}"), 4, &format!("mem-{nonce}"));
        roll.grant(&format!("sec-{nonce}"), 5, &format!("guest-{nonce}"));
        roll
    };
    let one = branch(1, Some(commune.unit()));
    let mut two = branch(2, None);
    two.write(
        "commune-sec",
        &Record::Reparent(Reparent {
            parent: commune.unit(),
        }),
    );
    let units = [commune.unit(), one.unit(), two.unit()];
    let all = [commune, one, two].map(|roll| (roll.unit(), roll.membership()));
    (all.into(), units)
}

#[test]
fn broadcasts_and_rolls_of_upper_units_are_read_below_and_officers_read_the_rolls_below() {
    let (units, [commune, one, two]) = commune();
    let reads =
        |home, name: &str, unit, kind| may_read_across(&units, home, id(name), &Space::of(unit, kind));
    for (home, n) in [(one, 1), (two, 2)] {
        let (member, guest) = (format!("mem-{n}"), format!("guest-{n}"));
        assert_eq!(reads(home, &member, commune, SpaceKind::Broadcast), Ok(()));
        assert_eq!(reads(home, &member, commune, SpaceKind::Roll), Ok(()));
        assert_eq!(
            reads(home, &guest, commune, SpaceKind::Broadcast),
            Err(Denied::Rank)
        );
        assert_eq!(
            reads(home, &member, commune, SpaceKind::Main),
            Err(Denied::WrongSpace)
        );
        assert_eq!(reads(home, &member, home, SpaceKind::Main), Ok(()));
        assert_eq!(reads(commune, "commune-sec", home, SpaceKind::Roll), Ok(()));
        assert_eq!(
            reads(commune, "commune-mem", home, SpaceKind::Roll),
            Err(Denied::Rank)
        );
        assert_eq!(
            reads(commune, "commune-sec", home, SpaceKind::Main),
            Err(Denied::WrongSpace)
        );
    }
    assert_eq!(reads(one, "mem-1", two, SpaceKind::Roll), Err(Denied::WrongSpace));
    assert_eq!(
        reads(one, "mem-1", two, SpaceKind::Broadcast),
        Err(Denied::WrongSpace)
    );
    assert_eq!(
        reads(one, "evil", commune, SpaceKind::Roll),
        Err(Denied::UnknownDevice)
    );
    let unknown = UnitId::from_bytes([5; 32]);
    assert_eq!(
        reads(unknown, "mem-1", commune, SpaceKind::Roll),
        Err(Denied::UnknownDevice)
    );
}

#[test]
fn parents_are_followed_up_to_a_limit_and_a_circle_ends() {
    /// Every unit has the parent with the next lower number.
    struct Tower(Vec<Membership>);
    impl Units for Tower {
        fn membership(&self, unit: UnitId) -> Option<&Membership> {
            self.0.iter().find(|membership| membership.unit() == unit)
        }
    }
    let mut parent = Some(UnitId::from_bytes([1; 32]));
    let mut tower = Tower(Vec::new());
    for n in 0..=limits::UNIT_DEPTH_MAX + 1 {
        let mut roll = Roll::found(&[(0, "root")]);
        let genesis = Genesis {
            parent,
            nonce: [n as u8; 16],
            ..roll.genesis.clone()
        };
        roll.all.clear();
        roll.roll = Space::of(genesis.unit_id(), SpaceKind::Roll);
        roll.write_at("root", 1, Kind::GENESIS, &genesis.encode());
        parent = Some(roll.unit());
        tower.0.push(roll.membership());
    }
    let broadcast = |n: usize| Space::of(tower.0[n].unit(), SpaceKind::Broadcast);
    let lowest = tower.0.last().unwrap().unit();
    assert_eq!(may_read_across(&tower, lowest, id("root"), &broadcast(1)), Ok(()));
    let too_high = may_read_across(&tower, lowest, id("root"), &broadcast(0));
    assert_eq!(too_high, Err(Denied::WrongSpace));

    // A unit moved below itself: the search ends.
    let mut circle = Roll::found(&[(0, "root")]);
    let own = circle.unit();
    circle.write("root", &Record::Reparent(Reparent { parent: own }));
    let units = BTreeMap::from([(own, circle.membership())]);
    let elsewhere = Space::of(UnitId::from_bytes([5; 32]), SpaceKind::Broadcast);
    assert_eq!(
        may_read_across(&units, own, id("root"), &elsewhere),
        Err(Denied::WrongSpace)
    );
}
