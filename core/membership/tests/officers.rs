//! What happens when officers, members and thieves act against each other. Each test is one story; the general rule
//! behind all of them is checked on random histories in `model.rs`.

mod support;

use sotay_feed::{Kind, Space, SpaceKind};
use sotay_membership::{Denied, Flags, Record, State, Validity};
use support::{Roll, fate, grant, id, in_any_order, member, state, tip};

#[test]
fn a_rogue_deputy_who_wipes_the_members_is_undone_by_one_revocation() {
    let (mut roll, grants) = Roll::branch();
    let before = roll.tip("dep");
    for victim in ["an/1", "an/2", "binh"] {
        roll.revoke("dep", grants[victim], &[]);
    }
    in_any_order(&roll, |membership| {
        assert_eq!(state(membership, "binh"), State::Revoked)
    });
    roll.revoke("sec/1", grants["dep"], &[(roll.roll, before)]);
    in_any_order(&roll, |membership| {
        assert_eq!(state(membership, "dep"), State::Revoked);
        for victim in ["an/1", "an/2", "binh"] {
            assert_eq!(state(membership, victim), State::Active);
        }
        assert_eq!(membership.revokes().filter(|(.., counts)| *counts).count(), 1);
    });
}

#[test]
fn an_upward_or_level_revocation_does_nothing() {
    let (mut roll, grants) = Roll::branch();
    roll.revoke("dep", grants["sec/1"], &[]);
    roll.revoke("dep", grants["two"], &[]);
    roll.revoke("binh", grants["dep"], &[]);
    roll.revoke("binh", grants["an/1"], &[]);
    in_any_order(&roll, |membership| {
        for name in ["sec/1", "two", "dep", "an/1"] {
            assert_eq!(state(membership, name), State::Active, "{name}");
        }
        assert!(membership.revokes().all(|(.., counts)| !counts));
    });
}

#[test]
fn a_forged_same_member_grant_is_no_second_device() {
    let (mut roll, grants) = Roll::branch();
    // A member and an outsider each grant themselves a device "of the secretary".
    for forger in ["binh", "evil"] {
        let mut forged = grant(2, forger, Flags::default());
        forged.member = member("sec/1");
        roll.write(forger, &Record::Grant(forged));
        roll.revoke(forger, grants["sec/1"], &[]);
    }
    in_any_order(&roll, |membership| {
        assert_eq!(state(membership, "sec/1"), State::Active);
        assert_eq!(state(membership, "evil"), State::NotGranted);
    });
}

#[test]
fn a_deputy_cannot_make_a_deputy_or_a_secretary() {
    let (mut roll, _) = Roll::branch();
    let (level, higher) = (roll.grant("dep", 3, "friend"), roll.grant("dep", 2, "friend"));
    let member = roll.grant("dep", 4, "friend");
    let membership = roll.membership();
    assert_eq!(fate(&membership, level), Validity::Void);
    assert_eq!(fate(&membership, higher), Validity::Void);
    assert_eq!(fate(&membership, member), Validity::Valid);
}

#[test]
fn a_member_cannot_admit_a_guest_although_a_guest_ranks_lower() {
    let (mut roll, _) = Roll::branch();
    let guest = roll.grant("binh", 5, "friend");
    assert_eq!(fate(&roll.membership(), guest), Validity::Void);
}

#[test]
fn what_a_removed_deputy_admits_later_is_void_and_what_it_admitted_before_stays() {
    let (mut roll, grants) = Roll::branch();
    roll.revoke("sec/1", grants["dep"], &[(roll.roll, roll.tip("dep"))]);
    let late = roll.grant("dep", 4, "late");
    in_any_order(&roll, |membership| {
        assert_eq!(fate(membership, late), Validity::Void);
        assert_eq!(state(membership, "late"), State::NotGranted);
        assert_eq!(state(membership, "binh"), State::Active);
    });
}

#[test]
fn whom_a_voided_deputy_admitted_loses_everything_below_too() {
    let mut roll = Roll::found(&[(0, "root"), (1, "up")]);
    let sec = roll.grant("up", 2, "sec");
    roll.grant("sec", 3, "dep");
    roll.grant("dep", 4, "an");
    // The parent finds that the secretary's grant was a mistake from the start.
    roll.revoke("up", sec, &[]);
    in_any_order(&roll, |membership| {
        assert_eq!(state(membership, "sec"), State::Revoked);
        assert_eq!(state(membership, "dep"), State::NotGranted);
        assert_eq!(state(membership, "an"), State::NotGranted);
    });
}

#[test]
fn when_two_deputies_revoke_each_other_neither_is_revoked() {
    let (mut roll, grants) = Roll::branch();
    roll.revoke("dep", grants["two"], &[]);
    roll.revoke("two", grants["dep"], &[]);
    in_any_order(&roll, |membership| {
        assert_eq!(state(membership, "dep"), State::Active);
        assert_eq!(state(membership, "two"), State::Active);
    });
}

#[test]
fn when_two_phones_of_one_secretary_revoke_each_other_both_are_revoked() {
    let (mut roll, grants) = Roll::branch();
    let (one, two) = (roll.tip("sec/1"), tip(1));
    roll.revoke("sec/1", grants["sec/2"], &[(roll.roll, two)]);
    roll.revoke("sec/2", grants["sec/1"], &[(roll.roll, one)]);
    in_any_order(&roll, |membership| {
        assert_eq!(state(membership, "sec/1"), State::Revoked);
        assert_eq!(state(membership, "sec/2"), State::Revoked);
        // What the first one did before still stands: the deputies it made.
        assert_eq!(state(membership, "dep"), State::Active);
    });
}

#[test]
fn a_lost_phone_is_revoked_by_the_members_second_phone() {
    let (mut roll, grants) = Roll::branch();
    let main = roll.space(SpaceKind::Main);
    roll.revoke("an/2", grants["an/1"], &[(main, tip(7))]);
    in_any_order(&roll, |membership| {
        assert_eq!(state(membership, "an/1"), State::Revoked);
        assert_eq!(membership.may_read(id("an/1"), &main), Err(Denied::Revoked));
        assert_eq!(membership.may_write(id("an/1"), &main, Kind::CHANGE, 7), Ok(()));
        let late = membership.may_write(id("an/1"), &main, Kind::CHANGE, 8);
        assert_eq!(late, Err(Denied::BeyondCutOff));
        assert_eq!(state(membership, "an/2"), State::Active);
    });
}

#[test]
fn a_second_phone_of_lower_rank_does_not_revoke_the_officers_phone() {
    let (mut roll, grants) = Roll::branch();
    roll.grant("sec/1", 4, "dep/member-phone");
    roll.revoke("dep/member-phone", grants["dep"], &[]);
    in_any_order(&roll, |membership| {
        assert_eq!(state(membership, "dep"), State::Active)
    });
}

#[test]
fn a_revoked_phone_does_not_revoke_the_second_one_after_its_cut_off() {
    let (mut roll, grants) = Roll::branch();
    roll.revoke("dep", grants["an/1"], &[]);
    roll.revoke("an/1", grants["an/2"], &[]);
    in_any_order(&roll, |membership| {
        assert_eq!(state(membership, "an/2"), State::Active)
    });
}

#[test]
fn of_two_revocations_of_one_grant_the_lowest_cut_off_wins_in_each_space() {
    let (mut roll, grants) = Roll::branch();
    let (main, committee) = (roll.space(SpaceKind::Main), roll.space(SpaceKind::Committee));
    roll.revoke("sec/1", grants["two"], &[(main, tip(9)), (committee, tip(3))]);
    roll.revoke("up", grants["two"], &[(main, tip(5)), (committee, tip(4))]);
    in_any_order(&roll, |membership| {
        let writes = |space, seq| membership.may_write(id("two"), space, Kind::CHANGE, seq);
        assert_eq!(writes(&main, 5), Ok(()));
        assert_eq!(writes(&main, 6), Err(Denied::BeyondCutOff));
        assert_eq!(writes(&committee, 3), Ok(()));
        assert_eq!(writes(&committee, 4), Err(Denied::BeyondCutOff));
        // A space that nobody listed accepts nothing.
        assert_eq!(
            writes(&roll.space(SpaceKind::Report), 1),
            Err(Denied::BeyondCutOff)
        );
    });
}

#[test]
fn a_backdated_envelope_at_the_cut_off_itself_is_not_the_accepted_one() {
    let (mut roll, grants) = Roll::branch();
    let accepted = roll.tip("dep");
    roll.revoke("sec/1", grants["dep"], &[(roll.roll, accepted)]);
    // A replica that never saw the accepted envelope gets another one with its number.
    let mut deceived = roll.clone();
    deceived.all.retain(|envelope| envelope.id() != accepted.id);
    let body = grant(4, "friend", Flags::default()).encode();
    let forged = deceived.write_at("dep", accepted.seq, Kind::GRANT, &body);
    assert_eq!(fate(&deceived.membership(), forged), Validity::Void);
    let envelope = deceived.all.last().expect("just written");
    let admitted = deceived.membership().may_admit(envelope, &deceived.roll);
    assert_eq!(admitted, Err(Denied::BeyondCutOff));
}

#[test]
fn re_admission_is_a_new_grant() {
    let (mut roll, grants) = Roll::branch();
    roll.revoke("dep", grants["binh"], &[]);
    assert_eq!(state(&roll.membership(), "binh"), State::Revoked);
    roll.grant("sec/1", 4, "binh");
    in_any_order(&roll, |membership| {
        assert_eq!(state(membership, "binh"), State::Active);
        assert_eq!(fate(membership, grants["binh"]), Validity::Revoked);
    });
}

#[test]
fn two_officers_who_grant_one_device_at_once_agree_on_the_higher_rank_and_the_lower_id() {
    let (mut roll, _) = Roll::branch();
    let flags = Flags {
        committee: true,
        probationary: false,
    };
    let plain = roll.grant("dep", 4, "chi");
    let listed = roll.grant_with("two", 4, "chi", flags);
    in_any_order(&roll, |membership| {
        let standing = membership.standing(id("chi")).unwrap();
        assert_eq!(standing.flags.committee, listed < plain);
        // Either grant is enough for what it allows, whichever is shown.
        assert_eq!(
            membership.may_read(id("chi"), &roll.space(SpaceKind::Committee)),
            Ok(())
        );
    });
    let deputy = roll.grant("sec/1", 3, "chi");
    in_any_order(&roll, |membership| {
        assert_eq!(membership.standing(id("chi")).unwrap().rank, 3)
    });
    roll.revoke("sec/2", deputy, &[]);
    in_any_order(&roll, |membership| {
        let standing = membership.standing(id("chi")).unwrap();
        assert_eq!((standing.rank, standing.state), (4, State::Active));
    });
}

#[test]
fn one_device_granted_to_two_members_at_once_opens_both_private_spaces_until_one_is_revoked() {
    let (mut roll, _) = Roll::branch();
    roll.grant("dep", 4, "chi");
    let mut other = grant(4, "chi", Flags::default());
    other.member = member("dung");
    let mistaken = roll.write("two", &Record::Grant(other));
    let unit = roll.unit();
    let of = |name| Space::private(unit, member(name));
    let membership = roll.membership();
    assert!(
        membership.may_read(id("chi"), &of("chi")).is_ok()
            && membership.may_read(id("chi"), &of("dung")).is_ok()
    );
    assert_eq!(
        membership
            .members()
            .iter()
            .filter(|member| member.devices[0].0 == id("chi"))
            .count(),
        2
    );
    roll.revoke("sec/1", mistaken, &[]);
    let membership = roll.membership();
    assert!(membership.may_read(id("chi"), &of("chi")).is_ok());
    assert_eq!(
        membership.may_read(id("chi"), &of("dung")),
        Err(Denied::NotMember)
    );
}

#[test]
fn a_deputy_suspends_the_secretarys_stolen_phone_and_what_it_wrote_stays_valid() {
    let (mut roll, _) = Roll::branch();
    let suspension = roll.suspend("dep", "sec/1");
    in_any_order(&roll, |membership| {
        assert_eq!(state(membership, "sec/1"), State::Suspended);
        assert_eq!(membership.suspensions(id("sec/1")), [suspension]);
        assert_eq!(membership.may_be_served(id("sec/1")), Err(Denied::Suspended));
        assert_eq!(
            membership.may_read(id("sec/1"), &roll.roll),
            Err(Denied::Suspended)
        );
        // Never feeding back: the deputies it made stand, and so does what it signs.
        assert_eq!(state(membership, "dep"), State::Active);
        assert_eq!(
            membership.may_write(id("sec/1"), &roll.roll, Kind::GRANT, 99),
            Ok(())
        );
    });
}

#[test]
fn a_suspension_is_lifted_by_its_maker_or_from_above_but_never_by_the_suspended_phone() {
    for (by, lifted) in [
        ("dep", true),
        ("sec/2", true),
        ("up", true),
        ("sec/1", false),
        ("two", false),
        ("binh", false),
        ("evil", false),
    ] {
        let (mut roll, _) = Roll::branch();
        let suspension = roll.suspend("dep", "sec/1");
        roll.lift(by, suspension);
        let expected = if lifted { State::Active } else { State::Suspended };
        in_any_order(&roll, |membership| {
            assert_eq!(state(membership, "sec/1"), expected, "{by}")
        });
    }
}

#[test]
fn every_suspension_has_to_be_lifted() {
    let (mut roll, _) = Roll::branch();
    let one = roll.suspend("dep", "binh");
    let two = roll.suspend("two", "binh");
    roll.lift("sec/1", one);
    assert_eq!(roll.membership().suspensions(id("binh")), [two]);
    roll.lift("sec/1", two);
    in_any_order(&roll, |membership| {
        assert_eq!(state(membership, "binh"), State::Active)
    });
}

#[test]
fn nobody_below_suspends_the_level_above_the_unit_and_no_member_suspends_anyone() {
    let (mut roll, _) = Roll::branch();
    roll.suspend("dep", "up");
    roll.suspend("sec/1", "root");
    roll.suspend("binh", "an/1");
    roll.suspend("evil", "binh");
    in_any_order(&roll, |membership| {
        for name in ["up", "root", "an/1", "binh"] {
            assert_eq!(state(membership, name), State::Active, "{name}");
        }
    });
    roll.suspend("root", "up");
    assert_eq!(state(&roll.membership(), "up"), State::Suspended);
}

#[test]
fn suspensions_and_lifts_after_a_cut_off_do_not_count() {
    let (mut roll, grants) = Roll::branch();
    let before = roll.tip("dep");
    roll.suspend("dep", "sec/1");
    let by_two = roll.suspend("two", "binh");
    let two = roll.tip("two");
    roll.lift("two", by_two);
    roll.revoke("sec/2", grants["dep"], &[(roll.roll, before)]);
    roll.revoke("sec/2", grants["two"], &[(roll.roll, two)]);
    in_any_order(&roll, |membership| {
        assert_eq!(state(membership, "sec/1"), State::Active);
        assert_eq!(state(membership, "binh"), State::Suspended);
    });
}

#[test]
fn the_root_ends_an_authority_of_the_genesis_by_its_seat_and_nobody_else_does() {
    let (mut roll, _) = Roll::branch();
    let (root, up) = (roll.genesis.authorities[0], roll.genesis.authorities[1]);
    let unit = roll.unit();
    roll.revoke("sec/1", up.seat(&unit), &[]);
    roll.revoke("up", root.seat(&unit), &[]);
    roll.revoke("up", up.seat(&unit), &[]);
    in_any_order(&roll, |membership| {
        assert_eq!(state(membership, "up"), State::Active);
        assert_eq!(state(membership, "root"), State::Active);
    });
    roll.revoke("root", up.seat(&unit), &[(roll.roll, roll.tip("up"))]);
    let late = roll.grant("up", 2, "friend");
    in_any_order(&roll, |membership| {
        assert_eq!(state(membership, "up"), State::Revoked);
        assert_eq!(state(membership, "sec/1"), State::Active);
        assert_eq!(fate(membership, late), Validity::Void);
    });
}

#[test]
fn the_root_makes_a_new_parent_device_and_the_parent_does_not() {
    let (mut roll, _) = Roll::branch();
    let by_parent = roll.grant("up", 1, "up-new");
    let by_root = roll.grant("root", 1, "up-new");
    let membership = roll.membership();
    assert_eq!(fate(&membership, by_parent), Validity::Void);
    assert_eq!(fate(&membership, by_root), Validity::Valid);
}
