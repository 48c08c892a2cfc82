//! Acts of the root: rank 0 held by keys, not by a device.

mod support;

use sotay_feed::{Kind, UnitId};
use sotay_membership::{
    Denied, Flags, Reason, Record, Reparent, Revoke, RootAct, RootPolicy, State, Validity, encode_signatures,
    rank,
};
use support::{Roll, device, fate, grant, id, in_any_order, root_policy, signed_act, state};

fn appoint(roll: &mut Roll, carrier: &str, serial: u64, to: &str) -> RootAct {
    let record = Record::Grant(grant(rank::PARENT, to, Flags::default()));
    let act = signed_act(&roll.unit(), serial, record);
    roll.write(carrier, &Record::Root(act.clone()));
    act
}

fn end(roll: &mut Roll, carrier: &str, serial: u64, right: sotay_feed::EnvelopeId) -> RootAct {
    let record = Record::Revoke(Revoke {
        grant: right,
        reason: Reason::DUTY,
        cutoffs: Default::default(),
    });
    let act = signed_act(&roll.unit(), serial, record);
    roll.write(carrier, &Record::Root(act.clone()));
    act
}

#[test]
fn the_root_appoints_a_phone_of_the_level_above_which_then_appoints_secretaries() {
    let mut roll = Roll::found_under(root_policy());
    appoint(&mut roll, "founder", 1, "up");
    let secretary = roll.grant("up", 2, "sec");
    in_any_order(&roll, |membership| {
        assert_eq!(state(membership, "up"), State::Active);
        assert_eq!(fate(membership, secretary), Validity::Valid);
        assert_eq!(membership.root_serial(), 1);
    });
}

#[test]
fn an_act_of_the_root_carried_again_by_anybody_is_the_same_act() {
    let mut roll = Roll::found_under(root_policy());
    let act = appoint(&mut roll, "founder", 1, "up");
    let right = act.id(&roll.unit());
    end(&mut roll, "founder", 2, right);
    // The phone that was dismissed carries its old appointment once more.
    roll.write("up", &Record::Root(act.clone()));
    // So does another pair of signatures under the same words.
    let mut others = RootAct::new(1, (*act.record).clone()).unwrap();
    let (context, message) = others.message(&roll.unit());
    for name in ["root/1", "root/2", "root/3"] {
        let keys = device(name);
        others
            .signatures
            .insert(keys.public().sign, keys.sign_detached(context, &message));
    }
    roll.write("founder", &Record::Root(others));
    in_any_order(&roll, |membership| {
        assert_eq!(state(membership, "up"), State::Revoked);
        assert_eq!(fate(membership, act.id(&roll.unit())), Validity::Revoked);
    });
    // With another number it is another act.
    appoint(&mut roll, "founder", 3, "up");
    in_any_order(&roll, |membership| {
        assert_eq!(state(membership, "up"), State::Active)
    });
}

#[test]
fn an_act_without_two_signatures_of_this_root_for_this_unit_does_nothing_and_is_carried_by_no_relay() {
    let roll = Roll::found_under(root_policy());
    let unit = roll.unit();
    let good = signed_act(
        &unit,
        1,
        Record::Grant(grant(rank::PARENT, "up", Flags::default())),
    );
    let mut one = good.clone();
    let first = *one.signatures.keys().next().unwrap();
    one.signatures.remove(&first);
    let elsewhere = signed_act(&UnitId::from_bytes([9; 32]), 1, (*good.record).clone());
    let mut strangers = good.clone();
    strangers.signatures = ["evil/1", "evil/2"]
        .map(|name| {
            let (context, message) = good.message(&unit);
            (
                device(name).public().sign,
                device(name).sign_detached(context, &message),
            )
        })
        .into();
    for bad in [one, elsewhere, strangers] {
        let mut roll = roll.clone();
        roll.write("founder", &Record::Root(bad));
        let membership = roll.membership();
        assert_eq!(membership.standing(id("up")), None);
        assert_eq!(membership.root_serial(), 0);
        let carried = roll.all.last().unwrap();
        assert_eq!(membership.may_admit(carried, &roll.roll), Err(Denied::Rank));
    }
    let mut roll = roll;
    roll.write("founder", &Record::Root(good));
    assert_eq!(
        roll.membership().may_admit(roll.all.last().unwrap(), &roll.roll),
        Ok(())
    );
}

#[test]
fn a_seat_of_the_genesis_is_ended_by_the_root_and_whatever_carried_it_still_counts() {
    let mut roll = Roll::found_under(root_policy());
    let seat = roll.genesis.authorities[0].seat(&roll.unit());
    appoint(&mut roll, "founder", 1, "up");
    // The founder carries its own end.
    end(&mut roll, "founder", 2, seat);
    in_any_order(&roll, |membership| {
        assert_eq!(state(membership, "founder"), State::Revoked);
        assert_eq!(
            state(membership, "up"),
            State::Active,
            "appointed before, by the root"
        );
        assert!(!membership.is_active(&seat));
    });
    // A fork of the carrier takes nothing back.
    let mut forked = roll.clone();
    forked.write_at("founder", 2, Kind::CHANGE, b"other");
    assert_eq!(state(&forked.membership(), "up"), State::Active);
}

#[test]
fn of_two_parents_the_roots_word_counts_then_the_higher_number() {
    let mut roll = Roll::found_under(root_policy());
    let parent = |n: u8| UnitId::from_bytes([n; 32]);
    let of_root = |roll: &mut Roll, serial, n| {
        let act = signed_act(
            &roll.unit(),
            serial,
            Record::Reparent(Reparent { parent: parent(n) }),
        );
        roll.write("founder", &Record::Root(act));
    };
    for _ in 0..5 {
        roll.write("founder", &Record::Reparent(Reparent { parent: parent(4) }));
    }
    in_any_order(&roll, |membership| {
        assert_eq!(membership.parent(), Some(parent(4)))
    });
    of_root(&mut roll, 1, 5);
    in_any_order(&roll, |membership| {
        assert_eq!(membership.parent(), Some(parent(5)))
    });
    of_root(&mut roll, 2, 6);
    in_any_order(&roll, |membership| {
        assert_eq!(membership.parent(), Some(parent(6)))
    });
}

#[test]
fn a_unit_is_under_its_root_only_with_the_signatures_behind_its_genesis() {
    let signed = |by: &[&str]| {
        let plain = Roll::found_under(root_policy());
        let (context, message) = RootPolicy::genesis_message(&plain.unit());
        let signatures = by
            .iter()
            .map(|name| {
                (
                    device(name).public().sign,
                    device(name).sign_detached(context, &message),
                )
            })
            .collect();
        let body = [plain.genesis.encode(), encode_signatures(&signatures)].concat();
        let mut roll = plain;
        roll.all.clear();
        roll.write_at("founder", 1, Kind::GENESIS, &body);
        roll.membership().root()
    };
    assert_eq!(Roll::found_under(root_policy()).membership().root(), None);
    assert_eq!(signed(&["root/1"]), None);
    assert_eq!(signed(&["root/1", "evil"]), None);
    assert_eq!(signed(&["root/2", "root/3"]), Some(root_policy().id()));
}

#[test]
fn no_device_stands_where_the_root_acts_though_its_id_were_the_same() {
    let roll = Roll::found_under(root_policy());
    let membership = roll.membership();
    let mut id = [0; 8];
    id.copy_from_slice(&root_policy().id().as_bytes()[..8]);
    let same = sotay_feed::DeviceId::from_bytes(id);
    for seq in [1, 7, sotay_feed::limits::SEQ_MAX] {
        assert!(
            membership.may_write(same, &roll.roll, Kind::GRANT, seq).is_err(),
            "{seq}"
        );
    }
    assert!(
        membership
            .readers(&roll.space(sotay_feed::SpaceKind::Main))
            .is_empty()
    );
    assert_eq!(membership.signing_key(same), None);
}
