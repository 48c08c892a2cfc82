//! Live subscriptions: both directions, encoded once, never back to where it came from.

use std::sync::Arc;

use sotay_feed::Space;
use sotay_store::Store;
use sotay_sync::limits::CREDIT_BYTES;
use sotay_sync::message::{Items, Message};
use sotay_sync::testing::{End, carry};
use sotay_sync::{SessionEvent, SharedItems, SyncStatus};

use crate::support::*;

/// Relay side of what a driver does: after a frame was taken, fan out what was stored.
fn fan_out(relay: &mut Phone, ends: &mut [End], space: &Space, after: u64) -> SharedItems {
    let shared = SharedItems::since(&relay.replica, space, after).unwrap();
    for end in ends.iter_mut() {
        let result = end.session.on_stored(&mut relay.replica, &shared);
        end.note(result);
    }
    shared
}

fn settle(near: &mut End, phone: &mut Phone, far: &mut End, relay: &mut Phone) {
    carry(
        (near, &mut phone.replica),
        (far, &mut relay.replica),
        NOW,
        NO_LIMIT,
    );
}

#[test]
fn every_subscriber_gets_the_same_allocation_and_the_author_nothing() {
    let (branch, _, mut phones, mut relay) = village_with_relay(3);
    let (mut nears, mut fars): (Vec<End>, Vec<End>) = phones
        .iter_mut()
        .map(|phone| connect(phone, &mut relay, &branch.spaces()))
        .unzip();
    assert!(
        nears
            .iter()
            .all(|near| near.told(|event| *event == SessionEvent::CaughtUp))
    );
    assert!(
        fars.iter()
            .all(|far| far.told(|event| *event == SessionEvent::CaughtUp))
    );
    let main = branch.main;
    phones[1].write(&main, b"said just now");
    let result = nears[1].session.on_local(&mut phones[1].replica, &main);
    nears[1].note(result);
    for frame in nears[1].take_frames() {
        fars[1].deliver(&mut relay.replica, &frame, NOW);
    }
    let received = fars[1].events.iter().find_map(|event| match event {
        SessionEvent::Received { after, .. } => Some(*after),
        _ => None,
    });
    let shared = fan_out(&mut relay, &mut fars, &main, received.unwrap());
    let frame = shared.frames()[0].frame.clone();
    let (mut same, mut frames) = (0, 0);
    for (n, far) in fars.iter_mut().enumerate() {
        let sent = far.take_frames();
        let items: Vec<_> = sent
            .iter()
            .filter(|frame| matches!(Message::decode(frame), Ok(Message::Items(_))))
            .collect();
        frames += items.len();
        same += items.iter().filter(|sent| Arc::ptr_eq(sent, &frame)).count();
        assert_eq!(items.is_empty(), n == 1, "the author gets no echo");
        for frame in sent {
            nears[n].deliver(&mut phones[n].replica, &frame, NOW);
        }
    }
    assert_eq!((frames, same), (3, 3), "encoded once for three subscribers");
    for (n, phone) in phones.iter_mut().enumerate() {
        settle(&mut nears[n], phone, &mut fars[n], &mut relay);
        assert_eq!(phone.count(&main), 1);
        assert!(
            matches!(phone.status(&relay.key(), &main), SyncStatus::Synced { .. }),
            "phone {n}"
        );
    }
    // The token that came with the shared frame is good: a later session asks for nothing.
    drop((nears, fars));
    let stats = sync(&mut phones[2], &mut relay, &branch.spaces()).stats();
    assert_eq!((stats.envelopes_in, stats.round_trips), (0, 1));
}

#[test]
fn a_subscriber_without_credit_catches_up_from_the_store_when_acks_return() {
    let (branch, _, mut phones, mut relay) = village_with_relay(1);
    let (left, right) = phones.split_at_mut(1);
    let (author, reader) = (&mut left[0], &mut right[0]);
    let (mut near, far) = connect(reader, &mut relay, &branch.spaces());
    let mut fars = vec![far];
    for n in 0..20 {
        author.write(&branch.main, &[n; 60_000]);
        let after = relay.count(&branch.main);
        relay.copy_from(author, &branch.main);
        fan_out(&mut relay, &mut fars, &branch.main, after);
    }
    let mut far = fars.pop().unwrap();
    let waiting = far.take_frames();
    let bytes: usize = waiting.iter().map(|frame| frame.len()).sum();
    assert!(bytes as u64 <= CREDIT_BYTES, "{bytes}");
    for frame in waiting {
        near.deliver(&mut reader.replica, &frame, NOW);
    }
    settle(&mut near, reader, &mut far, &mut relay);
    assert_eq!(reader.frontier(&branch.main), relay.frontier(&branch.main));
    assert_eq!(near.session.stats().envelopes_in, 20, "nothing twice");
}

#[test]
fn what_comes_from_another_phone_is_passed_on_to_the_relay_at_once() {
    let (branch, _, mut phones, mut relay) = village_with_relay(2);
    let (left, right) = phones.split_at_mut(1);
    let (host, guest) = (&mut left[0], &mut right[0]);
    let (mut up, mut far) = connect(host, &mut relay, &branch.spaces());
    guest.write(&branch.main, b"from the hall");
    let exchange = sync(guest, host, &branch.spaces());
    assert!(
        exchange
            .far
            .told(|event| matches!(event, SessionEvent::Received { .. }))
    );
    let result = up.session.on_local(&mut host.replica, &branch.main);
    up.note(result);
    settle(&mut up, host, &mut far, &mut relay);
    assert_eq!(relay.count(&branch.main), 1);
    assert!(matches!(
        host.status(&relay.key(), &branch.main),
        SyncStatus::Synced { .. }
    ));
}

#[test]
fn a_mixed_batch_goes_to_its_part_author_without_its_own_part() {
    let (branch, _, mut phones, mut relay) = village_with_relay(2);
    let (left, right) = phones.split_at_mut(1);
    let (one, two) = (&mut left[0], &mut right[0]);
    let (mut near, far) = connect(one, &mut relay, &branch.spaces());
    one.write(&branch.main, b"mine");
    two.write(&branch.main, b"other");
    let mut fars = vec![far];
    // Both are stored before anything is fanned out, as a relay does that commits many sessions together.
    let result = near.session.on_local(&mut one.replica, &branch.main);
    near.note(result);
    relay.copy_from(two, &branch.main);
    for frame in near.take_frames() {
        fars[0].deliver(&mut relay.replica, &frame, NOW);
    }
    fan_out(&mut relay, &mut fars, &branch.main, 0);
    let sent = fars[0].take_frames();
    let items: Vec<Items<'_>> = sent
        .iter()
        .filter_map(|frame| match Message::decode(frame) {
            Ok(Message::Items(items)) => Some(items),
            _ => None,
        })
        .collect();
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].envelopes.len(), 1);
    for frame in &sent {
        near.deliver(&mut one.replica, frame, NOW);
    }
    assert_eq!(one.count(&branch.main), 2);
}

#[test]
fn a_host_sees_how_far_each_phone_in_the_room_is() {
    let (branch, _, mut phones) = village(1);
    let (left, right) = phones.split_at_mut(1);
    let (host, guest) = (&mut left[0], &mut right[0]);
    for n in 0..30 {
        host.write(&branch.main, &[n; 60_000]);
    }
    let (mut near, mut far) = ends(guest, host, &branch.spaces(), true);
    near.start(&mut guest.replica, NOW);
    far.start(&mut host.replica, NOW);
    let status = |far: &End, host: &Phone| far.session.peer_status(&host.replica, &branch.main).unwrap();
    assert_eq!(status(&far, host), SyncStatus::Unknown);
    let mut seen = Vec::new();
    loop {
        let (out, back) = (near.take_frames(), far.take_frames());
        if out.is_empty() && back.is_empty() {
            break;
        }
        out.iter()
            .for_each(|frame| far.deliver(&mut host.replica, frame, NOW));
        back.iter()
            .for_each(|frame| near.deliver(&mut guest.replica, frame, NOW));
        seen.push(status(&far, host));
    }
    let haves: Vec<u64> = seen
        .iter()
        .filter_map(|status| match status {
            SyncStatus::Behind { want: 30, have, .. } => Some(*have),
            _ => None,
        })
        .collect();
    assert!(
        haves.windows(2).all(|two| two[0] <= two[1]) && haves.len() >= 2,
        "{seen:?}"
    );
    assert!(matches!(seen.last(), Some(SyncStatus::Synced { .. })));
    assert_eq!(guest.replica.store().space_bytes(&branch.main.id()).unwrap(), {
        host.replica.store().space_bytes(&branch.main.id()).unwrap()
    });
}
