//! Relays that were set back, deleted or replaced, and tokens and digests that do not fit: both sides heal.

use sotay_store::{Batch, Bucket, MemoryStore, Put, Store};
use sotay_sync::{Policy, Replica, Role, SyncStatus};

use crate::support::*;

fn set_back(relay: &mut Phone, copy: MemoryStore) {
    relay.replica = Replica::open(copy, Role::Relay, Policy::Any).unwrap();
}

fn synced(phone: &Phone, relay: &Phone, branch: &Branch) {
    for space in branch.spaces() {
        assert_eq!(phone.frontier(&space), relay.frontier(&space));
        assert!(matches!(
            phone.status(&relay.key(), &space),
            SyncStatus::Synced { .. }
        ));
    }
}

#[test]
fn relay_restored_from_an_older_copy_gets_back_what_it_lacks_and_gives_what_is_new() {
    let (branch, _, mut phones, mut relay) = village_with_relay(2);
    for n in 0..10 {
        phones[1].write(&branch.main, &[n; 50]);
        if n == 4 {
            sync(&mut phones[1], &mut relay, &branch.spaces());
        }
    }
    let backup = relay.replica.store().clone();
    sync(&mut phones[1], &mut relay, &branch.spaces());
    sync(&mut phones[2], &mut relay, &branch.spaces());
    assert_eq!(relay.count(&branch.main), 10);
    set_back(&mut relay, backup);
    assert_eq!(relay.count(&branch.main), 5);
    // Somebody else writes meanwhile: the restored relay goes on with another history of arrivals.
    phones[0].write(&branch.main, b"new");
    sync(&mut phones[0], &mut relay, &branch.spaces());
    // The author has written on, and believes the relay has numbers 6 to 10.
    phones[1].write(&branch.main, b"number 11");
    let exchange = sync(&mut phones[1], &mut relay, &branch.spaces());
    assert_eq!(relay.count(&branch.main), 12);
    synced(&phones[1], &relay, &branch);
    assert!(exchange.stats().round_trips <= 2, "{:?}", exchange.stats());
    for phone in &mut phones {
        sync(phone, &mut relay, &branch.spaces());
        synced(phone, &relay, &branch);
    }
}

#[test]
fn relay_whose_database_was_deleted_is_filled_again_by_its_phones() {
    let (branch, _, mut phones, mut relay) = village_with_relay(2);
    for phone in &mut phones {
        phone.write(&branch.main, b"mine");
        sync(phone, &mut relay, &branch.spaces());
    }
    set_back(&mut relay, store(201));
    // A member that never saw the others' envelopes brings the roll and its own; the others bring theirs.
    for phone in &mut phones {
        sync(phone, &mut relay, &branch.spaces());
    }
    assert_eq!(relay.count(&branch.main), 3);
    for phone in &mut phones {
        sync(phone, &mut relay, &branch.spaces());
        synced(phone, &relay, &branch);
    }
}

#[test]
fn a_reader_brings_back_what_only_it_still_has() {
    let (branch, _, mut phones, mut relay) = village_with_relay(2);
    let backup = relay.replica.store().clone();
    phones[1].write(&branch.main, b"mine");
    sync(&mut phones[1], &mut relay, &branch.spaces());
    sync(&mut phones[2], &mut relay, &branch.spaces());
    set_back(&mut relay, backup);
    // The author never comes again.
    sync(&mut phones[2], &mut relay, &branch.spaces());
    assert_eq!(relay.count(&branch.main), 1);
}

#[test]
fn restored_relay_whose_token_still_holds_is_found_out_by_the_digest() {
    // The phone's pushes were acknowledged beyond the token it holds, then the relay is set back to between the two.
    let (branch, _, mut phones, mut relay) = village_with_relay(1);
    let member = &mut phones[1];
    let before = member.replica.store().clone();
    let backup = relay.replica.store().clone();
    member.write(&branch.main, b"one");
    sync(member, &mut relay, &branch.spaces());
    // Forge the record the way a lost last frame would leave it: the token from before, the frontier from after.
    let record = |store: &MemoryStore, peer: &[u8]| {
        let mut key = peer.to_vec();
        key.extend_from_slice(branch.main.id().tag().as_bytes());
        (key.clone(), store.get(Bucket::Peer, &key).unwrap().unwrap())
    };
    let (key, old) = record(&before, relay.key().as_bytes());
    let (_, new) = record(member.replica.store(), relay.key().as_bytes());
    // [1, token, held, …]: a head byte, the version, a token of 26 bytes, the rest.
    let mixed = [&old[..28], &new[28..]].concat();
    let put = Put {
        bucket: Bucket::Peer,
        key,
        value: Some(mixed),
    };
    member
        .replica
        .store_mut()
        .commit(Batch {
            envelopes: vec![],
            puts: vec![put],
            ..Batch::default()
        })
        .unwrap();
    set_back(&mut relay, backup);
    let exchange = sync(member, &mut relay, &branch.spaces());
    assert_eq!(relay.count(&branch.main), 1);
    // The digest, the frontiers, then what is lacking.
    assert_eq!(exchange.stats().round_trips, 3);
    synced(&phones[1], &relay, &branch);
}

#[test]
fn phone_that_lost_its_peer_records_asks_by_frontier_and_loses_nothing() {
    let (branch, _, mut phones, mut relay) = village_with_relay(1);
    phones[1].write(&branch.main, b"one");
    sync(&mut phones[1], &mut relay, &branch.spaces());
    let member = &mut phones[1];
    let puts = member.replica.store().list(Bucket::Peer, &[]).unwrap();
    let puts = puts
        .into_iter()
        .map(|(key, _)| Put {
            bucket: Bucket::Peer,
            key,
            value: None,
        })
        .collect();
    member
        .replica
        .store_mut()
        .commit(Batch {
            envelopes: vec![],
            puts,
            ..Batch::default()
        })
        .unwrap();
    assert_eq!(member.status(&relay.key(), &branch.main), SyncStatus::Unknown);
    let stats = sync(member, &mut relay, &branch.spaces()).stats();
    assert_eq!(
        (stats.envelopes_in, stats.envelopes_out, stats.round_trips),
        (0, 0, 1)
    );
    synced(&phones[1], &relay, &branch);
}

#[test]
fn two_relays_are_filled_from_one_phone_and_their_records_do_not_mix() {
    let (branch, _, mut phones, mut relay) = village_with_relay(1);
    let mut second = node(210, Role::Relay, store(210));
    phones[1].write(&branch.main, b"one");
    sync(&mut phones[1], &mut relay, &branch.spaces());
    assert_eq!(phones[1].status(&second.key(), &branch.main), SyncStatus::Unknown);
    sync(&mut phones[1], &mut second, &branch.spaces());
    synced(&phones[1], &relay, &branch);
    synced(&phones[1], &second, &branch);
}
