//! What one exchange costs and brings.

use sotay_feed::limits::SPACES_PER_SESSION_MAX;
use sotay_feed::{MemberId, Space};
use sotay_membership::rank;
use sotay_store::Store;
use sotay_sync::limits::FRONTIER_WORTH_ENVELOPES;
use sotay_sync::testing::{End, carry};
use sotay_sync::{CloseCode, FirstContact, SessionEvent, SyncStatus};

use crate::support::*;

#[test]
fn nothing_new_costs_one_round_trip_and_under_300_bytes_a_space() {
    let (branch, _, mut phones, mut relay) = village_with_relay(1);
    let spaces = branch.all_seven(3);
    // Seven spaces that a member may open, each with something in it.
    let member = &mut phones[1];
    member.write(&branch.main, b"minutes");
    sync(member, &mut relay, &spaces);
    let open = [branch.roll, branch.main, spaces[5], spaces[6]];
    let exchange = sync(member, &mut relay, &open);
    let stats = exchange.stats();
    assert_eq!((stats.envelopes_in, stats.envelopes_out), (0, 0));
    assert_eq!(stats.round_trips, 1);
    // One flight out, one back, and the close.
    assert_eq!(exchange.carried.flights, 3);
    let bytes = stats.bytes_in + stats.bytes_out;
    let per_space = bytes / open.len() as u64;
    println!(
        "nothing new: {bytes} bytes for {} spaces, {per_space} a space, hello and close included",
        open.len()
    );
    assert!(per_space <= 300, "{per_space}");
}

#[test]
fn hundred_feeds_make_nothing_new_no_dearer() {
    let (branch, _, mut phones, mut relay) = village_with_relay(100);
    for phone in &mut phones {
        phone.write(&branch.main, b"present");
        sync(phone, &mut relay, &branch.spaces());
    }
    let first = &mut phones[0];
    sync(first, &mut relay, &branch.spaces());
    let exchange = sync(first, &mut relay, &branch.spaces());
    let stats = exchange.stats();
    let per_space = (stats.bytes_in + stats.bytes_out) / 2;
    println!("nothing new with 101 feeds: {per_space} bytes a space, hello and close included");
    assert!(per_space <= 300, "{per_space}");
    assert_eq!(stats.round_trips, 1);
}

#[test]
fn a_returning_phone_gives_and_gets_everything_of_all_spaces_in_one_round_trip() {
    let (branch, _, mut phones, mut relay) = village_with_relay(2);
    let (left, right) = phones.split_at_mut(1);
    let (secretary, member) = (&mut left[0], &mut right[0]);
    for n in 0..5 {
        secretary.write(&branch.main, &[n; 40]);
        member.write(&branch.main, &[n; 60]);
    }
    secretary.grant(&branch, 99, rank::MEMBER);
    sync(secretary, &mut relay, &branch.spaces());
    let exchange = sync(member, &mut relay, &branch.spaces());
    let stats = exchange.stats();
    assert_eq!(stats.round_trips, 1);
    assert_eq!(
        (stats.envelopes_out, stats.envelopes_in),
        (5, 6),
        "nothing travels twice"
    );
    let overhead = exchange.overhead();
    println!("5 out, 6 in over 2 spaces: {overhead} bytes beside the envelopes");
    assert!(overhead <= 2 * 300 + 11 * 8 + 200, "{overhead}");
    for space in branch.spaces() {
        assert_eq!(member.frontier(&space), relay.frontier(&space));
    }
    assert!(matches!(
        member.status(&relay.key(), &branch.main),
        SyncStatus::Synced { .. }
    ));
    // And the secretary gets the member's, not its own back.
    let back = sync(secretary, &mut relay, &branch.spaces()).stats();
    assert_eq!(
        (back.envelopes_in, back.envelopes_out, back.round_trips),
        (5, 0, 1)
    );
}

#[test]
fn first_contact_brings_everything_in_one_round_trip_and_gives_in_the_next() {
    let (branch, _, mut phones, mut relay) = village_with_relay(1);
    phones[0].write(&branch.main, b"from the secretary");
    sync(&mut phones[0], &mut relay, &branch.spaces());
    let mut fresh = phone(3);
    fresh.copy_from(&phones[0], &branch.roll);
    fresh.write(&branch.main, b"written before any contact");
    let exchange = sync(&mut fresh, &mut relay, &branch.spaces());
    assert_eq!(exchange.stats().round_trips, 2);
    assert_eq!(fresh.frontier(&branch.main), relay.frontier(&branch.main));
    assert_eq!(relay.count(&branch.main), 2);
    // A phone with nothing to give is done after the first.
    let mut reader = phone(3);
    reader.copy_from(&phones[0], &branch.roll);
    let exchange = sync(&mut reader, &mut relay, &branch.spaces());
    assert_eq!(exchange.stats().round_trips, 1);
    assert_eq!(reader.count(&branch.main), 2);
}

#[test]
fn what_came_by_another_way_is_not_sent_by_the_relay_again() {
    let (branch, _, mut phones, mut relay) = village_with_relay(2);
    for n in 0..20 {
        phones[0].write(&branch.main, &[n; 100]);
    }
    // By a file, in the hall.
    let (left, right) = phones.split_at_mut(1);
    right[0].copy_from(&left[0], &branch.main);
    sync(&mut left[0], &mut relay, &branch.spaces());
    let stats = sync(&mut right[0], &mut relay, &branch.spaces()).stats();
    assert_eq!(stats.envelopes_in, 0);
    assert_eq!(stats.round_trips, 1);
    assert!(matches!(
        right[0].status(&relay.key(), &branch.main),
        SyncStatus::Synced { .. }
    ));
}

#[test]
fn a_push_whose_ack_was_lost_is_not_echoed_by_the_next_session() {
    let (branch, _, mut phones, mut relay) = village_with_relay(1);
    let member = &mut phones[1];
    for n in 0..10 {
        member.write(&branch.main, &[n; 200]);
    }
    // Hello, both opens and the items arrive; nothing comes back.
    let cut = sync_cut(member, &mut relay, &branch.spaces(), 4);
    assert_eq!(relay.count(&branch.main), 10);
    assert!(!cut.caught_up());
    let bytes = member.replica.store().space_bytes(&branch.main.id()).unwrap();
    assert_eq!(
        member.status(&relay.key(), &branch.main),
        SyncStatus::Ahead { unsent: 10, bytes }
    );
    let stats = sync(member, &mut relay, &branch.spaces()).stats();
    assert_eq!(stats.envelopes_in, 0);
    assert_eq!(stats.round_trips, 1);
}

#[test]
fn thousand_missed_envelopes_are_chunked_by_credit_and_the_phone_shows_how_far_it_is() {
    let (branch, _, mut phones, mut relay) = village_with_relay(1);
    for n in 0..1000u32 {
        phones[0].write(&branch.main, &[n.to_le_bytes(); 500].concat());
    }
    sync(&mut phones[0], &mut relay, &branch.spaces());
    assert!(relay.count(&branch.main) > FRONTIER_WORTH_ENVELOPES);
    let exchange = sync(&mut phones[1], &mut relay, &branch.spaces());
    assert_eq!(phones[1].count(&branch.main), 1000);
    let mut shown = Vec::new();
    for event in &exchange.near.events {
        if let SessionEvent::Status { space, status } = event
            && *space == branch.main
        {
            match status {
                SyncStatus::Behind { want, have, bytes } => shown.push((*want, *have, *bytes)),
                other => assert!(matches!(other, SyncStatus::Synced { .. }), "{other:?}"),
            }
        }
    }
    assert!(shown.len() > 10, "{shown:?}");
    assert!(
        shown
            .windows(2)
            .all(|two| two[0].1 < two[1].1 && two[0].2 > two[1].2),
        "{shown:?}"
    );
    assert!(
        shown
            .iter()
            .all(|&(want, have, bytes)| want == 1000 && have < want && bytes > 0),
        "{shown:?}"
    );
    let frames = exchange.stats().frames_in;
    println!(
        "1,000 envelopes of 2 kB: {} frames in, overhead {} bytes",
        frames,
        exchange.overhead()
    );
}

#[test]
fn credit_stops_a_sender_until_acks_return() {
    use sotay_sync::limits::CREDIT_BYTES;
    let (branch, _, mut phones, mut relay) = village_with_relay(1);
    for n in 0..40u8 {
        phones[0].write(&branch.main, &[n; 60_000]);
    }
    let (mut near, _) = ends(&phones[0], &relay, &branch.spaces(), false);
    near.start(&mut phones[0].replica, NOW);
    let in_flight: usize = near.take_frames().iter().map(|frame| frame.len()).sum();
    assert!(in_flight as u64 <= CREDIT_BYTES + 1000, "{in_flight}");
    assert!(in_flight as u64 > CREDIT_BYTES / 2, "{in_flight}");
    // The whole of it still arrives, by acks.
    let exchange = sync(&mut phones[0], &mut relay, &branch.spaces());
    assert_eq!(relay.count(&branch.main), 40);
    assert!(exchange.stats().round_trips > 1);
}

#[test]
fn two_phones_that_hold_the_same_find_out_by_digest_alone() {
    let (branch, _, mut phones) = village(2);
    let (left, right) = phones.split_at_mut(1);
    let (host, guest) = (&mut left[0], &mut right[0]);
    host.write(&branch.main, b"one");
    guest.copy_from(host, &branch.main);
    let exchange = sync_with(guest, host, &branch.spaces(), NO_LIMIT, FirstContact::Digest).clean();
    assert!(exchange.caught_up());
    let stats = exchange.stats();
    assert_eq!(
        (stats.round_trips, stats.envelopes_in, stats.envelopes_out),
        (1, 0, 0)
    );
    assert!(stats.bytes_in + stats.bytes_out <= 600);
    // And with different ones both heal.
    let other = &mut right[1];
    other.write(&branch.main, b"two");
    let exchange = sync_with(other, host, &branch.spaces(), NO_LIMIT, FirstContact::Digest).clean();
    assert!(exchange.caught_up());
    assert_eq!(exchange.stats().round_trips, 2);
    assert_eq!(host.frontier(&branch.main), other.frontier(&branch.main));
    assert_eq!(host.count(&branch.main), 2);
}

#[test]
fn replaying_every_frame_of_a_session_changes_nothing() {
    let (branch, _, mut phones, mut relay) = village_with_relay(1);
    for n in 0..5 {
        phones[1].write(&branch.main, &[n; 10]);
    }
    let (mut near, mut far) = ends(&phones[1], &relay, &branch.spaces(), false);
    near.start(&mut phones[1].replica, NOW);
    far.start(&mut relay.replica, NOW);
    let flight = near.take_frames();
    for frame in &flight {
        far.deliver(&mut relay.replica, frame, NOW);
    }
    let before = relay.frontier(&branch.main);
    assert_eq!(relay.count(&branch.main), 5);
    // The same flight again, in a session of its own.
    let (_, mut again) = ends(&phones[1], &relay, &branch.spaces(), false);
    again.start(&mut relay.replica, NOW);
    for frame in &flight {
        again.deliver(&mut relay.replica, frame, NOW);
    }
    assert!(again.error.is_none());
    assert_eq!(relay.count(&branch.main), 5);
    assert_eq!(relay.frontier(&branch.main), before);
    assert!(!again.told(|event| matches!(
        event,
        SessionEvent::Received { .. } | SessionEvent::Rejected { .. }
    )));
}

#[test]
fn status_is_unknown_before_the_first_exchange_and_after_a_time_out() {
    let (branch, _, mut phones, mut relay) = village_with_relay(1);
    let (key, main) = (relay.key(), branch.main);
    assert_eq!(
        phones[1].status(&keys(77).public().sign, &main),
        SyncStatus::Unknown
    );
    assert!(matches!(phones[1].status(&key, &main), SyncStatus::Synced { .. }));
    phones[1].write(&main, b"x");
    assert!(matches!(
        phones[1].status(&key, &main),
        SyncStatus::Ahead { unsent: 1, .. }
    ));
    let (mut near, _) = ends(&phones[1], &relay, &branch.spaces(), false);
    near.start(&mut phones[1].replica, NOW);
    let (at, why) = near.session.deadline().unwrap();
    assert_eq!(why, "hello");
    let result = near.session.on_tick(&mut phones[1].replica, at - 1);
    near.note(result);
    assert!(near.closed.is_none());
    let result = near.session.on_tick(&mut phones[1].replica, at);
    near.note(result);
    assert_eq!(near.closed.unwrap().code, sotay_sync::CloseCode::Timeout);
    assert_eq!(phones[1].status(&key, &main), SyncStatus::Unknown);
    sync(&mut phones[1], &mut relay, &branch.spaces());
    let SyncStatus::Synced { frontier, when } = phones[1].status(&key, &main) else {
        panic!("not synced")
    };
    assert_eq!((frontier, when), (relay.frontier(&main), NOW));
}

#[test]
fn a_session_that_is_held_goes_on_with_what_follows_and_with_further_spaces_until_it_is_closed() {
    let (branch, _, mut phones, mut relay) = village_with_relay(1);
    let secretary = &mut phones[0];
    secretary.write(&branch.main, b"minutes");
    sync(secretary, &mut relay, &branch.spaces());
    let member = &mut phones[1];
    let (mut near, mut far) = ends(member, &relay, &[branch.roll], false);
    near.session.hold();
    near.start(&mut member.replica, NOW);
    far.start(&mut relay.replica, NOW);
    let mut talk = |near: &mut End, member: &mut Phone| {
        let (near, far) = ((near, &mut member.replica), (&mut far, &mut relay.replica));
        carry(near, far, NOW, NO_LIMIT);
    };
    talk(&mut near, member);
    assert!(near.told(|event| *event == SessionEvent::CaughtUp));
    assert!(near.session.is_settled() && near.closed.is_none());
    assert_eq!(near.session.deadline(), None);

    // A space that is open already is not opened twice; of another one the answer is awaited.
    let opened = near.session.open_more(&mut member.replica, &branch.spaces());
    assert!(!near.session.is_settled());
    assert!(near.session.deadline().is_some());
    near.note(opened);
    talk(&mut near, member);
    assert!(near.session.is_settled() && near.closed.is_none());
    assert_eq!(member.count(&branch.main), 1);

    member.write(&branch.main, b"what follows");
    let told = near.session.on_local(&mut member.replica, &branch.main);
    assert!(!near.session.is_settled());
    near.note(told);
    talk(&mut near, member);
    assert!(near.session.is_settled());
    near.session.close(CloseCode::Done, None);
    near.note(Ok(()));
    assert_eq!(near.closed.map(|reason| reason.code), Some(CloseCode::Done));
    assert!(near.error.is_none() && far.error.is_none());
    assert_eq!(member.frontier(&branch.main), relay.frontier(&branch.main));
    assert!(matches!(
        member.status(&relay.key(), &branch.main),
        SyncStatus::Synced { .. }
    ));
}

#[test]
fn no_more_spaces_are_opened_than_a_session_has_room_for() {
    let (branch, _, mut phones, mut relay) = village_with_relay(1);
    let member = &mut phones[1];
    let (mut near, mut far) = ends(member, &relay, &[branch.roll], false);
    near.session.hold();
    near.start(&mut member.replica, NOW);
    far.start(&mut relay.replica, NOW);
    let others = (0..SPACES_PER_SESSION_MAX as u128 + 1)
        .map(|n| Space::private(branch.unit, MemberId::from_bytes(n.to_be_bytes())));
    let opened = near
        .session
        .open_more(&mut member.replica, &others.collect::<Vec<_>>());
    near.note(opened);
    carry(
        (&mut near, &mut member.replica),
        (&mut far, &mut relay.replica),
        NOW,
        NO_LIMIT,
    );
    assert!(near.error.is_none() && far.error.is_none(), "{:?}", far.error);
    assert!(near.session.is_settled());
    let denied = |event: &&SessionEvent| matches!(event, SessionEvent::PeerRefusedSpace { .. });
    let denied = near.events.iter().filter(denied).count();
    assert_eq!(denied, SPACES_PER_SESSION_MAX - 1, "the roll is one of them");
}
