//! Who is served what: newcomers, members, the revoked, units above and below.

use sotay_feed::{Kind, Space, SpaceKind};
use sotay_membership::limits::UNIT_DEPTH_MAX;
use sotay_membership::{State, rank};
use sotay_store::Store;
use sotay_sync::testing::carry;
use sotay_sync::{DenyReason, DenyScope, Policy, Replica, Role, SessionEvent, SyncStatus};

use crate::support::*;

fn denials(exchange: &Exchange) -> Vec<(SpaceKind, DenyScope, DenyReason)> {
    let denial = |event: &SessionEvent| match event {
        SessionEvent::PeerRefusedSpace { space, scope, reason } => Some((space.kind, *scope, *reason)),
        _ => None,
    };
    exchange.near.events.iter().filter_map(denial).collect()
}

#[test]
fn a_relay_that_takes_any_unit_takes_a_new_one_by_its_genesis() {
    let (branch, _, mut phones) = village(1);
    phones[0].write(&branch.main, b"first minutes");
    let mut relay = relay();
    let exchange = sync(&mut phones[0], &mut relay, &branch.spaces());
    assert!(denials(&exchange).is_empty(), "{:?}", exchange.near.events);
    assert_eq!(relay.frontier(&branch.roll), phones[0].frontier(&branch.roll));
    assert_eq!(relay.count(&branch.main), 1);
    assert!(matches!(
        phones[0].status(&relay.key(), &branch.main),
        SyncStatus::Synced { .. }
    ));
    // What is lacking, the roll, what the roll opens; a flight each way, and the close.
    assert_eq!(exchange.stats().round_trips, 3);
    assert_eq!(exchange.carried.flights, 7);
    // It survives a restart of the relay.
    let mut relay = relay.reopen();
    assert_eq!(
        sync(&mut phones[0], &mut relay, &branch.spaces())
            .stats()
            .round_trips,
        1
    );
}

#[test]
fn a_relay_with_a_list_of_units_refuses_others_with_a_reason() {
    let (branch, _, mut phones) = village(1);
    let (mine, ..) = {
        let mut founder = phone(50);
        let branch = found_below(&mut founder, None, 9);
        (branch, founder)
    };
    let mut relay = relay();
    relay.replica.set_policy(Policy::Units([mine.unit].into()));
    let exchange = sync(&mut phones[0], &mut relay, &branch.spaces());
    assert_eq!(
        denials(&exchange),
        [
            (SpaceKind::Roll, DenyScope::All, DenyReason::NotServed),
            (SpaceKind::Main, DenyScope::All, DenyReason::NotServed)
        ]
    );
    assert_eq!(relay.replica.store().spaces().unwrap(), []);
    relay.replica.set_policy(Policy::Units([branch.unit].into()));
    assert!(denials(&sync(&mut phones[0], &mut relay, &branch.spaces())).is_empty());
    assert_eq!(relay.count(&branch.roll), phones[0].count(&branch.roll));
}

#[test]
fn a_device_is_served_by_the_grant_it_brings_in_the_same_flight() {
    let (branch, _, mut phones, mut relay) = village_with_relay(1);
    phones[0].write(&branch.main, b"for all");
    sync(&mut phones[0], &mut relay, &branch.spaces());
    // Admitted in the hall; the secretary has no network. The newcomer's phone has met this relay before.
    let mut newcomer = phone(30);
    let exchange = sync(&mut newcomer, &mut relay, &branch.spaces());
    assert_eq!(
        denials(&exchange),
        [
            (SpaceKind::Roll, DenyScope::Pull, DenyReason::UnknownDevice),
            (SpaceKind::Main, DenyScope::All, DenyReason::UnknownDevice)
        ]
    );
    assert_eq!(newcomer.count(&branch.roll), 0, "strangers get no records");
    phones[0].grant(&branch, 30, rank::MEMBER);
    newcomer.copy_from(&phones[0], &branch.roll);
    newcomer.write(&branch.main, b"hello");
    let exchange = sync(&mut newcomer, &mut relay, &branch.spaces());
    assert_eq!(denials(&exchange), []);
    assert_eq!(newcomer.frontier(&branch.main), relay.frontier(&branch.main));
    assert_eq!(newcomer.count(&branch.main), 2);
}

#[test]
fn items_of_an_author_whose_grant_comes_in_the_same_flight_are_taken() {
    let (branch, _, mut phones, mut relay) = village_with_relay(1);
    phones[0].grant(&branch, 30, rank::MEMBER);
    let mut newcomer = phone(30);
    newcomer.copy_from(&phones[0], &branch.roll);
    newcomer.write(&branch.main, b"by hotspot");
    // The secretary carries the newcomer's envelope to the relay, with the grant.
    sync(&mut newcomer, &mut phones[0], &branch.spaces());
    let exchange = sync(&mut phones[0], &mut relay, &branch.spaces());
    assert_eq!(exchange.stats().round_trips, 1);
    assert_eq!(relay.frontier(&branch.main).get(newcomer.id()), 1);
}

#[test]
fn a_member_writes_to_the_inbox_without_seeing_it() {
    let (branch, _, mut phones, mut relay) = village_with_relay(2);
    let spaces = [branch.roll, branch.inbox];
    phones[1].write_kind(&branch.inbox, Kind::INBOX, b"feedback of 3");
    phones[2].write_kind(&branch.inbox, Kind::INBOX, b"feedback of 4");
    for phone in &mut phones[1..] {
        let exchange = sync(phone, &mut relay, &spaces);
        assert_eq!(
            denials(&exchange),
            [(SpaceKind::Inbox, DenyScope::Pull, DenyReason::Rank)]
        );
        assert_eq!(phone.count(&branch.inbox), 1, "sees its own only");
        assert!(matches!(
            phone.status(&relay.key(), &branch.inbox),
            SyncStatus::Synced { .. }
        ));
    }
    // The next one needs one round trip, and is told nothing about the other feeds.
    phones[1].write_kind(&branch.inbox, Kind::INBOX, b"more");
    let exchange = sync(&mut phones[1], &mut relay, &spaces);
    assert_eq!(exchange.stats().round_trips, 1);
    let SyncStatus::Synced { frontier, .. } = phones[1].status(&relay.key(), &branch.inbox) else {
        panic!("not synced")
    };
    assert_eq!(frontier.iter().collect::<Vec<_>>(), [(phones[1].id(), 2)]);
    // The secretary reads all.
    sync(&mut phones[0], &mut relay, &spaces);
    assert_eq!(phones[0].count(&branch.inbox), 3);
}

#[test]
fn a_revoked_device_is_told_why_and_nothing_after_that() {
    let (branch, _, mut phones, mut relay) = village_with_relay(2);
    let grant = {
        let membership = phones[0].replica.membership(branch.unit).unwrap();
        let device = phones[1].id();
        membership
            .grants()
            .find(|(_, _, grant, _)| grant.device() == device)
            .unwrap()
            .0
    };
    let device = phones[1].id();
    phones[0].revoke(&branch, grant, device);
    phones[0].write(&branch.main, b"after");
    phones[0].grant(&branch, 90, rank::MEMBER);
    sync(&mut phones[0], &mut relay, &branch.spaces());
    phones[1].write(&branch.main, b"not wanted any more");
    let exchange = sync(&mut phones[1], &mut relay, &branch.spaces());
    assert_eq!(
        denials(&exchange),
        [
            (SpaceKind::Roll, DenyScope::All, DenyReason::Revoked),
            (SpaceKind::Main, DenyScope::All, DenyReason::Revoked)
        ]
    );
    let membership = phones[1].replica.membership(branch.unit).unwrap();
    assert_eq!(
        membership.standing(device).unwrap().state,
        State::Revoked,
        "it holds the record that says so"
    );
    assert_eq!(
        phones[1].count(&branch.roll),
        phones[0].count(&branch.roll) - 1,
        "but not the later grant"
    );
    assert_eq!(phones[1].count(&branch.main), 1);
    assert_eq!(relay.count(&branch.main), 1);
}

#[test]
fn a_device_suspended_in_the_middle_of_a_session_is_cut_off_and_let_in_again() {
    let (branch, _, mut phones, mut relay) = village_with_relay(1);
    let (left, right) = phones.split_at_mut(1);
    let (secretary, member) = (&mut left[0], &mut right[0]);
    let (mut near, mut far) = connect(member, &mut relay, &branch.spaces());
    let suspend = secretary.suspend(&branch, member.id());
    secretary.write(&branch.main, b"while it was out");
    sync(secretary, &mut relay, &branch.spaces());
    let tell = |near: &mut _, far: &mut sotay_sync::testing::End, member: &mut Phone, relay: &mut Phone| {
        for space in branch.spaces() {
            let result = far.session.on_local(&mut relay.replica, &space);
            far.note(result);
        }
        carry(
            (near, &mut member.replica),
            (far, &mut relay.replica),
            NOW,
            NO_LIMIT,
        );
    };
    tell(&mut near, &mut far, member, &mut relay);
    assert!(near.told(|event| matches!(
        event,
        SessionEvent::PeerRefusedSpace { space, reason: DenyReason::Suspended, .. } if *space == branch.main
    )));
    assert_eq!(member.count(&branch.main), 0);
    let lift = sotay_membership::Lift { suspend };
    secretary.write_kind(&branch.roll, Kind::LIFT, &lift.encode());
    sync(secretary, &mut relay, &branch.spaces());
    tell(&mut near, &mut far, member, &mut relay);
    assert_eq!(member.count(&branch.main), 1, "{:?}", near.events);
    assert!(near.error.is_none() && far.error.is_none());
}

#[test]
fn devices_below_read_the_roll_and_broadcast_above_and_impostors_do_not() {
    let mut upper = phone(1);
    let commune = found_below(&mut upper, None, 1);
    upper.grant(&commune, 1, rank::SECRETARY);
    let broadcast = Space::of(commune.unit, SpaceKind::Broadcast);
    upper.write(&broadcast, b"directive");
    let branch = found_below(&mut upper, Some(commune.unit), 2);
    upper.grant(&branch, 2, rank::SECRETARY);
    let mut secretary = phone(2);
    secretary.copy_from(&upper, &branch.roll);
    let mut relay = relay();
    let upper_spaces = [commune.roll, broadcast, branch.roll];
    sync(&mut upper, &mut relay, &upper_spaces);
    let lower_spaces = [commune.roll, branch.roll, branch.main, broadcast];
    let exchange = sync(&mut secretary, &mut relay, &lower_spaces);
    assert_eq!(denials(&exchange), []);
    assert_eq!(secretary.count(&broadcast), 1);
    assert_eq!(secretary.count(&commune.roll), upper.count(&commune.roll));
    // The level above reads the roll below, not its minutes.
    secretary.grant(&branch, 3, rank::MEMBER);
    sync(&mut secretary, &mut relay, &lower_spaces);
    sync(&mut upper, &mut relay, &upper_spaces);
    assert_eq!(upper.count(&branch.roll), secretary.count(&branch.roll));
    // A unit that merely claims to stand below the commune gets nothing of it.
    let mut impostor = phone(60);
    let fake = found_below(&mut impostor, Some(commune.unit), 3);
    impostor.grant(&fake, 60, rank::SECRETARY);
    let exchange = sync(&mut impostor, &mut relay, &[fake.roll, commune.roll, broadcast]);
    assert_eq!(impostor.count(&broadcast) + impostor.count(&commune.roll), 0);
    assert!(denials(&exchange).contains(&(SpaceKind::Broadcast, DenyScope::All, DenyReason::UnknownDevice)));
}

#[test]
fn a_phone_serves_another_phone_only_what_it_holds_and_the_other_may_read() {
    let (branch, _, mut phones) = village(2);
    let (left, right) = phones.split_at_mut(1);
    let (host, guest) = (&mut left[0], &mut right[0]);
    host.write(&branch.main, b"minutes");
    let committee = Space::of(branch.unit, SpaceKind::Committee);
    host.write(&committee, b"not for everybody");
    let report = Space::of(branch.unit, SpaceKind::Report);
    let exchange = sync(guest, host, &[branch.roll, branch.main, committee, report]);
    assert_eq!(
        denials(&exchange),
        [
            (SpaceKind::Committee, DenyScope::All, DenyReason::Rank),
            (SpaceKind::Report, DenyScope::All, DenyReason::NotServed)
        ]
    );
    assert_eq!(guest.count(&branch.main), 1);
    // And takes what the guest wrote.
    guest.write(&branch.main, b"remark");
    sync(guest, host, &branch.spaces());
    assert_eq!(host.count(&branch.main), 2);
}

#[test]
fn memberships_are_the_same_after_a_restart() {
    let (branch, _, mut phones, mut relay) = village_with_relay(3);
    sync(&mut phones[0], &mut relay, &branch.spaces());
    let before = phones[0].replica.membership(branch.unit).unwrap().members();
    let again = Replica::open(phones[0].replica.store().clone(), Role::Device, Policy::Any).unwrap();
    assert_eq!(again.membership(branch.unit).unwrap().members(), before);
    assert_eq!(again.spaces(), phones[0].replica.spaces());
    let mut relay = relay.reopen();
    assert!(
        relay.replica.membership(branch.unit).is_none(),
        "a relay loads units when asked"
    );
    assert!(relay.replica.load_unit(branch.unit).unwrap());
    assert_eq!(relay.replica.membership(branch.unit).unwrap().members(), before);
}

#[test]
fn a_broadcast_reaches_as_many_levels_down_as_the_limit_and_no_further() {
    let mut officer = phone(1);
    let mut levels: Vec<Branch> = Vec::new();
    for n in 0..=UNIT_DEPTH_MAX as u8 + 1 {
        let level = found_below(&mut officer, levels.last().map(|above| above.unit), n);
        officer.grant(&level, 1, rank::SECRETARY);
        levels.push(level);
    }
    let lowest = levels[UNIT_DEPTH_MAX + 1];
    officer.grant(&lowest, 3, rank::MEMBER);
    let broadcast = |level: &Branch| Space::of(level.unit, SpaceKind::Broadcast);
    for level in &levels {
        officer.write(&broadcast(level), b"directive");
    }
    let mut relay = relay();
    let everything: Vec<Space> = levels
        .iter()
        .flat_map(|level| [level.roll, broadcast(level)])
        .collect();
    sync(&mut officer, &mut relay, &everything);
    let mut member = phone(3);
    let mut spaces: Vec<Space> = levels.iter().map(broadcast).collect();
    // Its own unit first.
    spaces.extend(levels.iter().rev().map(|level| level.roll));
    sync(&mut member, &mut relay, &spaces);
    let reached: Vec<u64> = levels
        .iter()
        .map(|level| member.count(&broadcast(level)))
        .collect();
    assert_eq!((reached[0], &reached[1..]), (0, &[1; UNIT_DEPTH_MAX + 1][..]));
}

#[test]
fn a_device_reads_above_through_the_first_units_it_opens_only() {
    use sotay_sync::limits::HOMES_PER_SESSION_MAX;
    let mut officer = phone(1);
    let commune = found_below(&mut officer, None, 1);
    officer.grant(&commune, 1, rank::SECRETARY);
    let broadcast = Space::of(commune.unit, SpaceKind::Broadcast);
    officer.write(&broadcast, b"directive");
    let branch = found_below(&mut officer, Some(commune.unit), 2);
    officer.grant(&branch, 3, rank::MEMBER);
    let mut relay = relay();
    sync(&mut officer, &mut relay, &[commune.roll, broadcast, branch.roll]);
    let opened_before = |count: usize| {
        let other = |n: usize| Space::of(sotay_feed::UnitId::from_bytes([n as u8; 32]), SpaceKind::Roll);
        let mut spaces: Vec<Space> = (0..count).map(other).collect();
        spaces.extend([branch.roll, commune.roll, broadcast]);
        spaces
    };
    for (others, reached) in [(HOMES_PER_SESSION_MAX - 1, 1), (HOMES_PER_SESSION_MAX, 0)] {
        let (mut member, mut relay) = (phone(3), relay.copy());
        sync(&mut member, &mut relay, &opened_before(others));
        assert_eq!(member.count(&broadcast), reached, "{others}");
        assert_eq!(member.count(&branch.roll), officer.count(&branch.roll));
    }
}
