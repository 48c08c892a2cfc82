//! Relays that sign what they acknowledge, and phones that compare.

use std::sync::Arc;

use sotay_feed::SignKey;
use sotay_store::{DatabaseId, MemoryStore, Store};
use sotay_sync::message::{Message, Seen, Signed};
use sotay_sync::testing::{End, carry};
use sotay_sync::{
    CloseCode, FirstContact, PeerFault, Role, Session, SessionConfig, SessionError, SessionEvent,
    TwoHistories, two_histories,
};

use crate::support::*;

/// A relay that signs, over this store.
fn signing(store: MemoryStore) -> Phone {
    let mut relay = node(200, Role::Relay, store);
    relay.replica.set_signer(Arc::new(keys(200)));
    relay
}

/// Two phones meet: `caller` connects. Gives back what each was told.
fn meet(caller: &mut Phone, host: &mut Phone, branch: &Branch) -> [Vec<SessionEvent>; 2] {
    let config = |peer: SignKey, spaces| SessionConfig {
        role: Role::Device,
        peer,
        spaces,
        live: false,
        first: FirstContact::Digest,
    };
    let mut near = End::new(Session::connect(config(host.key(), branch.spaces())));
    let mut far = End::new(Session::accept(config(caller.key(), Vec::new())));
    near.start(&mut caller.replica, NOW);
    far.start(&mut host.replica, NOW);
    carry(
        (&mut near, &mut caller.replica),
        (&mut far, &mut host.replica),
        NOW,
        NO_LIMIT,
    );
    assert!(near.error.is_none() && far.error.is_none(), "{near:?} {far:?}");
    [near.events, far.events]
}

fn caught(events: &[SessionEvent], relay: SignKey) -> bool {
    events
        .iter()
        .any(|event| matches!(event, SessionEvent::TwoHistories { relay: named, .. } if *named == relay))
}

fn proofs(phone: &Phone) -> Vec<TwoHistories> {
    two_histories(phone.replica.store()).unwrap()
}

fn checkpoints(phone: &Phone) -> usize {
    let rows = phone.replica.store().list(sotay_store::Bucket::Checkpoint, b"c");
    rows.unwrap().len()
}

#[test]
fn a_relay_signs_what_is_new_and_nothing_new_costs_nothing_more() {
    let (branch, _, mut phones) = village(2);
    let mut relay = signing(store(200));
    phones[1].write(&branch.main, b"one");
    let with_news = sync(&mut phones[1], &mut relay, &branch.spaces());
    assert_eq!(checkpoints(&phones[1]), 2, "roll and main");
    let silent = sync(&mut phones[1], &mut relay, &branch.spaces());
    assert_eq!(checkpoints(&phones[1]), 2);
    println!(
        "with news {} bytes beside envelopes, nothing new {}",
        with_news.overhead(),
        silent.overhead()
    );
    assert!(
        !with_news
            .near
            .told(|event| matches!(event, SessionEvent::TwoHistories { .. }))
    );
    let mut plain = node(199, Role::Relay, store(199));
    sync(&mut phones[1], &mut plain, &branch.spaces());
    let unsigned = sync(&mut phones[1], &mut plain, &branch.spaces());
    assert_eq!(unsigned.overhead(), silent.overhead());
    assert_eq!(
        checkpoints(&phones[1]),
        2,
        "one that signs nothing leaves nothing"
    );
}

/// A relay that shows one history to phone 1 and another one to phone 2, out of the same database: the disk is the same up
/// to there, and the key.
fn two_faced() -> (Branch, Vec<Phone>, [Phone; 2]) {
    let (branch, _, mut phones) = village(3);
    let mut relay = signing(store(200));
    for phone in &mut phones {
        sync(phone, &mut relay, &branch.spaces());
    }
    let mut other = signing(relay.replica.store().clone());
    phones[1].write(&branch.main, b"for some");
    sync(&mut phones[1], &mut relay, &branch.spaces());
    phones[2].write(&branch.main, b"for others");
    sync(&mut phones[2], &mut other, &branch.spaces());
    (branch, phones, [relay, other])
}

#[test]
fn a_relay_that_shows_two_histories_is_caught_when_phones_meet_and_both_know_its_name() {
    let (branch, mut phones, [relay, _]) = two_faced();
    let [mut one, mut other] = take_two(&mut phones);
    let told = meet(&mut one, &mut other, &branch);
    for events in &told {
        assert!(caught(events, relay.key()), "{events:?}");
    }
    for phone in [&one, &other] {
        let proofs = proofs(phone);
        assert_eq!(proofs.len(), 1);
        let (first, second) = (&proofs[0].first, &proofs[0].second);
        // Anybody can check it: two signatures of the relay over two histories of one database.
        assert!(first.is_signed(&branch.main.id()) && second.is_signed(&branch.main.id()));
        assert!(first.contradicts(second));
        assert_eq!((first.relay, second.relay), (relay.key(), relay.key()));
    }
    // Told once.
    let again = meet(&mut one, &mut other, &branch);
    assert!(!again.iter().any(|events| caught(events, relay.key())));
}

#[test]
fn histories_of_different_lengths_contradict_by_what_the_longer_one_lacks() {
    let (branch, mut phones, [relay, mut other]) = two_faced();
    for n in 0..5 {
        phones[2].write(&branch.main, &[n]);
        sync(&mut phones[2], &mut other, &branch.spaces());
    }
    let [mut one, mut two] = take_two(&mut phones);
    let told = meet(&mut two, &mut one, &branch);
    assert!(told.iter().all(|events| caught(events, relay.key())), "{told:?}");
}

#[test]
fn a_third_phone_that_meets_both_finds_out_too() {
    let (branch, mut phones, [relay, _]) = two_faced();
    let mut third = phones.pop().unwrap();
    let [mut one, mut other] = take_two(&mut phones);
    assert!(!caught(&meet(&mut third, &mut one, &branch)[0], relay.key()));
    assert!(caught(&meet(&mut third, &mut other, &branch)[0], relay.key()));
}

fn take_two(phones: &mut Vec<Phone>) -> [Phone; 2] {
    let one = phones.remove(1);
    let other = phones.remove(1);
    [one, other]
}

#[test]
fn a_relay_that_lost_what_it_acknowledged_is_caught_when_phones_meet_though_it_was_given_back_since() {
    let (branch, _, mut phones) = village(2);
    let mut relay = signing(store(200));
    for phone in &mut phones {
        sync(phone, &mut relay, &branch.spaces());
    }
    let older = relay.replica.store().clone();
    phones[1].write(&branch.main, b"acknowledged, and lost");
    sync(&mut phones[1], &mut relay, &branch.spaces());
    let mut set_back = signing(older);
    phones[2].write(&branch.main, b"instead");
    sync(&mut phones[2], &mut set_back, &branch.spaces());
    for _ in 0..2 {
        for phone in &mut phones {
            sync(phone, &mut set_back, &branch.spaces());
        }
    }
    assert_eq!(phones[1].frontier(&branch.main), phones[2].frontier(&branch.main));
    // The phone it had acknowledged it to found out at once; the other one does now.
    assert_eq!((proofs(&phones[1]).len(), proofs(&phones[2]).len()), (1, 0));
    let [mut one, mut other] = take_two(&mut phones);
    let [_, told] = meet(&mut one, &mut other, &branch);
    assert!(caught(&told, relay.key()), "{told:?}");
    assert_eq!(proofs(&other).len(), 1);
}

#[test]
fn a_relay_whose_database_is_new_or_was_restored_under_a_new_identity_is_not_accused() {
    let (branch, _, mut phones) = village(2);
    let mut relay = signing(store(200));
    phones[1].write(&branch.main, b"one");
    for phone in &mut phones {
        sync(phone, &mut relay, &branch.spaces());
    }
    let mut anew = signing(store(201));
    phones[2].write(&branch.main, b"two");
    sync(&mut phones[2], &mut anew, &branch.spaces());
    let [mut one, mut other] = take_two(&mut phones);
    meet(&mut one, &mut other, &branch);
    sync(&mut one, &mut anew, &branch.spaces());
    meet(&mut other, &mut one, &branch);
    assert!(proofs(&one).is_empty() && proofs(&other).is_empty());
}

#[test]
fn an_honest_relay_is_not_accused_by_phones_that_came_at_different_times() {
    let (branch, _, mut phones) = village(3);
    let mut relay = signing(store(200));
    for round in 0..6u8 {
        let author = usize::from(round % 3) + 1;
        phones[author].write(&branch.main, &[round]);
        sync(&mut phones[author], &mut relay, &branch.spaces());
        let mut one = phones.remove(1 + usize::from(round % 2));
        let host = 1 + usize::from(round % 2);
        meet(&mut one, &mut phones[host], &branch);
        phones.push(one);
    }
    for phone in &phones {
        assert!(proofs(phone).is_empty());
    }
}

/// Carries the first flights of a meeting by hand, and one frame of a liar in place of the rest.
fn lie(host: &mut Phone, caller: &mut Phone, branch: &Branch, frame: &Message<'_>) -> End {
    let (mut near, mut far) = ends(caller, host, &branch.spaces(), false);
    near.start(&mut caller.replica, NOW);
    far.start(&mut host.replica, NOW);
    for frame in near.take_frames() {
        far.deliver(&mut host.replica, &frame, NOW);
    }
    far.deliver(&mut host.replica, &frame.encode(), NOW);
    far
}

#[test]
fn nobody_but_the_relay_can_bring_it_under_suspicion() {
    let (branch, mut phones, [relay, _]) = two_faced();
    let [mut one, mut other] = take_two(&mut phones);
    meet(&mut other, &mut phones[1], &branch);
    let row = phones[1]
        .replica
        .store()
        .list(sotay_store::Bucket::Checkpoint, b"c");
    assert!(!row.unwrap().is_empty());
    let mut forged = proofs_after(&mut other.copy(), &mut one.copy(), &branch)
        .second
        .clone();
    forged.held.raise(one.id(), 1_000);
    let seen = Message::Seen(Seen {
        tag: branch.main.id().tag(),
        checkpoint: forged,
    });
    let far = lie(&mut one, &mut other, &branch, &seen);
    assert!(far.error.is_none());
    assert!(!far.told(|event| matches!(event, SessionEvent::TwoHistories { .. })));
    assert!(proofs(&one).is_empty());
    assert_eq!(relay.count(&branch.main), 1);
}

fn proofs_after(one: &mut Phone, other: &mut Phone, branch: &Branch) -> TwoHistories {
    meet(one, other, branch);
    proofs(one).remove(0)
}

#[test]
fn a_signature_that_is_none_is_passed_over_and_one_from_the_wrong_end_closes() {
    let (branch, _, mut phones) = village(2);
    let mut relay = signing(store(200));
    let signed = Message::Signed(Signed {
        tag: branch.main.id().tag(),
        time: NOW,
        signature: [7; 64],
    });
    let (mut near, mut far) = connect(&mut phones[1], &mut relay, &branch.spaces());
    let before = checkpoints(&phones[1]);
    near.deliver(&mut phones[1].replica, &signed.encode(), NOW);
    assert!(near.error.is_none());
    assert_eq!(checkpoints(&phones[1]), before);
    far.deliver(&mut relay.replica, &signed.encode(), NOW);
    assert!(matches!(far.error, Some(SessionError::Peer(PeerFault::WrongEnd))));
    assert_eq!(
        far.closed.map(|reason| reason.code),
        Some(CloseCode::Fault(PeerFault::WrongEnd.code()))
    );
}

#[test]
fn a_word_that_another_key_signed_is_nobodys_word() {
    let (branch, _, mut phones) = village(1);
    let mut relay = node(200, Role::Relay, store(200));
    relay.replica.set_signer(Arc::new(keys(201)));
    phones[1].write(&branch.main, b"one");
    let exchange = sync(&mut phones[1], &mut relay, &branch.spaces());
    assert!(exchange.caught_up());
    assert_eq!(checkpoints(&phones[1]), 0);
}

#[test]
fn a_relay_is_shown_nothing_of_other_relays_and_takes_nothing() {
    let (branch, mut phones, [mut relay, _]) = two_faced();
    let [mut one, mut other] = take_two(&mut phones);
    let proof = proofs_after(&mut one.copy(), &mut other, &branch);
    let seen = Message::Seen(Seen {
        tag: branch.main.id().tag(),
        checkpoint: proof.second,
    });
    let far = lie(&mut relay, &mut one, &branch, &seen);
    assert!(matches!(far.error, Some(SessionError::Peer(PeerFault::WrongEnd))));
}

#[test]
fn a_relay_that_signs_holds_its_word_over_a_restart() {
    let (branch, _, mut phones) = village(2);
    let mut relay = signing(store(200));
    phones[1].write(&branch.main, b"one");
    sync(&mut phones[1], &mut relay, &branch.spaces());
    let id = relay.replica.store().database_id();
    assert_eq!(id, DatabaseId([200; 16]));
    let mut relay = {
        let mut again = relay.reopen();
        again.replica.set_signer(Arc::new(keys(200)));
        again
    };
    phones[2].write(&branch.main, b"two");
    sync(&mut phones[2], &mut relay, &branch.spaces());
    sync(&mut phones[1], &mut relay, &branch.spaces());
    assert!(proofs(&phones[1]).is_empty());
}
