//! Two phones put a letter without name into one slot: whoever holds which, over whatever carries it, both are known of, or the
//! writer sees that one is not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use sotay_feed::{DeviceId, DeviceKeys, Draft, EnvelopeId, Frontier, Kind, MemberId, SignKey};
use sotay_membership::{Flags, Grant, rank, slot_scope};
use sotay_store::Store;
use sotay_sync::{FirstContact, Gate, Offered, RefuseReason, SessionEvent, holders};

use crate::support::*;

/// A branch whose secretary (phone 0) has made some slots, which everybody knows, and the keys of these.
fn with_slots(members: u8, count: u8) -> (Branch, Vec<Phone>, Phone, Vec<DeviceKeys>) {
    let (branch, _, mut phones, mut relay) = village_with_relay(members);
    let slots: Vec<DeviceKeys> = (0..count).map(|n| keys(100 + n)).collect();
    let scope = slot_scope(&branch.inbox);
    for slot in &slots {
        let grant = Grant {
            scope: Some(scope),
            ..grant_of(
                MemberId::from_bytes(*scope.as_bytes()),
                slot,
                rank::GUEST,
                Flags::default(),
            )
        };
        phones[0].write_kind(&branch.roll, Kind::GRANT, &grant.encode());
    }
    for phone in &mut phones {
        sync(phone, &mut relay, &branch.spaces());
        phone.replica.know_space(branch.inbox).unwrap();
    }
    (branch, phones, relay, slots)
}

fn put_letter(phone: &mut Phone, branch: &Branch, slot: &DeviceKeys, words: &[u8]) -> EnvelopeId {
    let id = branch.inbox.id();
    let envelope = Draft::next(slot, Kind::INBOX, &id, None)
        .sign(slot, &id, words)
        .unwrap();
    let letter = envelope.id();
    phone
        .replica
        .append(&branch.inbox, vec![envelope], Vec::new())
        .unwrap();
    letter
}

fn holds(phone: &Phone, branch: &Branch, letter: EnvelopeId) -> Vec<SignKey> {
    holders(&phone.replica, &branch.inbox, letter).unwrap()
}

fn talk(near: &mut Phone, far: &mut Phone, branch: &Branch) -> Exchange {
    sync(near, far, &[branch.roll, branch.main, branch.inbox])
}

/// The same between two phones.
fn talk_in_the_hall(near: &mut Phone, host: &mut Phone, branch: &Branch) -> Exchange {
    let spaces = [branch.roll, branch.main, branch.inbox];
    sync_with(near, host, &spaces, NO_LIMIT, FirstContact::Digest).clean()
}

/// The letters that the other end had another one in the place of, as this end was told.
fn refused(exchange: &Exchange) -> Vec<EnvelopeId> {
    let taken = |event: &SessionEvent| match event {
        SessionEvent::Refused {
            id,
            reason: RefuseReason::Fork { seq: 1 },
            ..
        } => Some(*id),
        _ => None,
    };
    exchange.near.events.iter().filter_map(taken).collect()
}

/// Letters that this end was shown as the other half of a fork.
fn shown(exchange: &Exchange) -> Vec<EnvelopeId> {
    let other = |event: &SessionEvent| match event {
        SessionEvent::Rejected {
            id, proof: Some(_), ..
        } => Some(*id),
        _ => None,
    };
    exchange.near.events.iter().filter_map(other).collect()
}

fn proven(node: &Phone) -> Vec<DeviceId> {
    let forks = node.replica.store().forks().unwrap();
    forks.iter().map(|fork| fork.device).collect()
}

#[test]
fn a_relay_that_has_another_letter_of_that_number_is_offered_this_one_once_and_refuses_it() {
    let (branch, mut phones, mut relay, slots) = with_slots(2, 1);
    let first = put_letter(&mut phones[1], &branch, &slots[0], b"first");
    let second = put_letter(&mut phones[2], &branch, &slots[0], b"second");
    assert_eq!(refused(&talk(&mut phones[1], &mut relay, &branch)), []);
    // It never talked with this relay about the inbox: the relay names its numbers before anything is pushed.
    let exchange = talk(&mut phones[2], &mut relay, &branch);
    assert_eq!(refused(&exchange), [second]);
    assert_eq!(holds(&phones[1], &branch, first), [relay.key()]);
    assert_eq!(holds(&phones[2], &branch, second), []);
    for phone in [1, 2] {
        let again = talk(&mut phones[phone], &mut relay, &branch);
        assert_eq!(again.stats().envelopes_out, 0, "{phone}");
        assert_eq!(holds(&phones[2], &branch, second), []);
    }
    // The committee is shown both: the one that stands there, and the other one as the proof of a fork.
    let exchange = talk(&mut phones[0], &mut relay, &branch);
    assert_eq!(shown(&exchange), [second]);
    assert_eq!(phones[0].count(&branch.inbox), 1);
}

#[test]
fn a_belief_that_was_written_down_before_the_answer_does_not_hide_the_letter() {
    let (branch, phones, relay, slots) = with_slots(2, 1);
    for cut in 0..30 {
        let (mut phones, mut relay) = (phones.iter().map(Phone::copy).collect::<Vec<_>>(), relay.copy());
        put_letter(&mut phones[1], &branch, &slots[0], b"first");
        let second = put_letter(&mut phones[2], &branch, &slots[0], b"second");
        talk(&mut phones[1], &mut relay, &branch);
        let spaces = [branch.roll, branch.main, branch.inbox];
        let (_, mut writers) = (phones.remove(0), phones);
        let cut_off = sync_cut(&mut writers[1], &mut relay, &spaces, cut);
        let mut writer = writers.remove(1).reopen();
        let told = !refused(&cut_off).is_empty();
        let whole = talk(&mut writer, &mut relay, &branch);
        assert!(told || refused(&whole) == [second], "cut after {cut} frames");
        assert_eq!(holds(&writer, &branch, second), [], "cut after {cut} frames");
    }
}

#[test]
fn a_phone_in_the_hall_that_has_another_letter_of_that_number_refuses_this_one() {
    for first in [FirstContact::Digest, FirstContact::Frontier] {
        let (branch, mut phones, _, slots) = with_slots(3, 2);
        let spaces = [branch.roll, branch.main, branch.inbox];
        let (left, right) = phones.split_at_mut(2);
        let (host, writer) = (&mut left[1], &mut right[0]);
        // They have met before: what is known of each other is written down.
        let before = put_letter(writer, &branch, &slots[1], b"before");
        sync_with(writer, host, &spaces, NO_LIMIT, first).clean();
        assert_eq!(holds(writer, &branch, before), [host.key()]);
        put_letter(host, &branch, &slots[0], b"first");
        let second = put_letter(writer, &branch, &slots[0], b"second");
        let exchange = sync_with(writer, host, &spaces, NO_LIMIT, first).clean();
        assert_eq!(refused(&exchange), [second]);
        assert_eq!(holds(writer, &branch, second), []);
    }
}

#[test]
fn a_host_that_wrote_into_a_slot_hears_from_the_committees_phone_that_another_letter_is_there() {
    let (branch, mut phones, mut relay, slots) = with_slots(2, 1);
    let first = put_letter(&mut phones[1], &branch, &slots[0], b"first");
    let second = put_letter(&mut phones[2], &branch, &slots[0], b"second");
    talk(&mut phones[1], &mut relay, &branch);
    talk(&mut phones[0], &mut relay, &branch);
    let (left, right) = phones.split_at_mut(2);
    let exchange = talk(&mut left[0], &mut right[0], &branch);
    // The secretary's phone connected, and both read both.
    assert_eq!(refused(&exchange), [first]);
    assert_eq!(shown(&exchange), [second]);
    let told = |event: &SessionEvent| matches!(event, SessionEvent::Refused { id, .. } if *id == second);
    assert!(exchange.far.told(told), "the writer knows");
}

#[test]
fn two_readers_that_hold_the_same_numbers_show_each_other_what_they_hold() {
    let (branch, mut phones, _, slots) = with_slots(4, 1);
    let flags = Flags {
        committee: true,
        ..Flags::default()
    };
    phones[0].grant_flags(&branch, 3, rank::MEMBER, flags);
    let (left, right) = phones.split_at_mut(1);
    for phone in right.iter_mut() {
        phone.copy_from(&left[0], &branch.roll);
    }
    let first = put_letter(&mut right[2], &branch, &slots[0], b"first");
    let second = put_letter(&mut right[3], &branch, &slots[0], b"second");
    talk(&mut right[2], &mut left[0], &branch);
    let (reader, writers) = right.split_at_mut(1);
    talk(&mut writers[2], &mut reader[0], &branch);
    let exchange = talk_in_the_hall(&mut reader[0], &mut left[0], &branch);
    assert_eq!(shown(&exchange), [first]);
    assert_eq!(refused(&exchange), [second]);
    assert_eq!((proven(&left[0]).len(), proven(&reader[0]).len()), (1, 1));
    // And that is no news the next time.
    let exchange = talk_in_the_hall(&mut reader[0], &mut left[0], &branch);
    assert_eq!((shown(&exchange), refused(&exchange)), (vec![], vec![]));
    assert_eq!(exchange.stats().envelopes_out, 0);
}

#[test]
fn a_letter_that_was_carried_to_a_relay_is_refused_to_whoever_carried_it() {
    let (branch, mut phones, mut relay, slots) = with_slots(3, 1);
    put_letter(&mut phones[1], &branch, &slots[0], b"first");
    let second = put_letter(&mut phones[2], &branch, &slots[0], b"second");
    let (writer, carrier) = phones.split_at_mut(3);
    talk(&mut writer[2], &mut carrier[0], &branch);
    // A member's phone holds it, and no relay yet.
    assert_eq!(holds(&writer[2], &branch, second), [carrier[0].key()]);
    talk(&mut writer[1], &mut relay, &branch);
    assert_eq!(refused(&talk(&mut carrier[0], &mut relay, &branch)), [second]);
}

#[test]
fn each_relay_is_known_by_itself() {
    let (branch, mut phones, mut relay, slots) = with_slots(2, 1);
    let mut other = node(201, sotay_sync::Role::Relay, store(201));
    sync(&mut phones[0], &mut other, &branch.spaces());
    put_letter(&mut phones[1], &branch, &slots[0], b"first");
    let second = put_letter(&mut phones[2], &branch, &slots[0], b"second");
    talk(&mut phones[1], &mut other, &branch);
    assert_eq!(refused(&talk(&mut phones[2], &mut relay, &branch)), []);
    assert_eq!(holds(&phones[2], &branch, second), [relay.key()]);
    assert_eq!(refused(&talk(&mut phones[2], &mut other, &branch)), [second]);
    assert_eq!(holds(&phones[2], &branch, second), [relay.key()]);
    // Who reads and talks with both learns of both, and tells the one of the other.
    talk(&mut phones[0], &mut relay, &branch);
    talk(&mut phones[0], &mut other, &branch);
    talk(&mut phones[0], &mut relay, &branch);
    assert_eq!((proven(&relay).len(), proven(&other).len()), (1, 1));
}

/// What the relay was before phone 2's letter, with another letter in its place, in a database of that number.
fn set_back(branch: &Branch, before: &Phone, phones: &mut [Phone], database: u8) -> Phone {
    let mut relay = match database {
        200 => before.copy(),
        other => {
            let mut relay = node(200, sotay_sync::Role::Relay, store(other));
            relay.copy_from(before, &branch.roll);
            relay.copy_from(before, &branch.main);
            relay
        }
    };
    phones[1].write(&branch.main, b"what came first after the copy was put back");
    talk(&mut phones[1], &mut relay, branch);
    relay
}

#[test]
fn a_relay_that_was_set_back_and_took_another_letter_is_offered_this_one_again() {
    for database in [200, 201] {
        let (branch, mut phones, mut relay, slots) = with_slots(2, 1);
        phones[0].write(&branch.main, b"something");
        talk(&mut phones[0], &mut relay, &branch);
        let before = relay.copy();
        phones[0].write(&branch.main, b"something more");
        talk(&mut phones[0], &mut relay, &branch);
        put_letter(&mut phones[1], &branch, &slots[0], b"first");
        let second = put_letter(&mut phones[2], &branch, &slots[0], b"second");
        talk(&mut phones[2], &mut relay, &branch);
        talk(&mut phones[2], &mut relay, &branch);
        assert_eq!(holds(&phones[2], &branch, second), [relay.key()]);
        let mut relay = set_back(&branch, &before, &mut phones, database);
        let exchange = talk(&mut phones[2], &mut relay, &branch);
        assert_eq!(refused(&exchange), [second], "database {database}");
        assert_eq!(holds(&phones[2], &branch, second), []);
    }
}

#[test]
fn a_relay_that_lost_a_letter_is_given_it_again_and_nobody_is_told_in_between_that_it_is_there() {
    let (branch, mut phones, mut relay, slots) = with_slots(1, 1);
    let before = relay.copy();
    let letter = put_letter(&mut phones[1], &branch, &slots[0], b"a letter");
    talk(&mut phones[1], &mut relay, &branch);
    let mut relay = before;
    let spaces = [branch.roll, branch.main, branch.inbox];
    // Cut before the letter is there again.
    let (mut near, mut far) = ends(&phones[1], &relay, &spaces, false);
    near.start(&mut phones[1].replica, NOW);
    far.start(&mut relay.replica, NOW);
    sotay_sync::testing::carry(
        (&mut near, &mut phones[1].replica),
        (&mut far, &mut relay.replica),
        NOW,
        NO_LIMIT,
    );
    assert_eq!(relay.count(&branch.inbox), 1);
    assert_eq!(holds(&phones[1], &branch, letter), [relay.key()]);
}

/// A quota that is used up until somebody opens the gate.
struct Closed(Arc<AtomicBool>);

impl Gate for Closed {
    fn allow(&mut self, _: &Offered<'_>) -> Result<(), u32> {
        match self.0.load(Ordering::Relaxed) {
            true => Ok(()),
            false => Err(60),
        }
    }
}

#[test]
fn a_letter_for_which_there_was_no_room_is_not_taken_for_held_when_another_takes_its_place() {
    let (branch, mut phones, mut relay, slots) = with_slots(2, 1);
    let open = Arc::new(AtomicBool::new(false));
    relay.replica.set_gate(Box::new(Closed(Arc::clone(&open))));
    put_letter(&mut phones[1], &branch, &slots[0], b"first");
    let second = put_letter(&mut phones[2], &branch, &slots[0], b"second");
    talk(&mut phones[2], &mut relay, &branch);
    assert_eq!(holds(&phones[2], &branch, second), []);
    open.store(true, Ordering::Relaxed);
    talk(&mut phones[1], &mut relay, &branch);
    assert_eq!(refused(&talk(&mut phones[2], &mut relay, &branch)), [second]);
    assert_eq!(holds(&phones[2], &branch, second), []);
}

#[test]
fn letters_that_came_from_a_relay_are_not_offered_to_it_and_nothing_new_costs_no_envelope() {
    let (branch, mut phones, mut relay, slots) = with_slots(2, 12);
    for (at, slot) in slots.iter().enumerate().skip(2) {
        put_letter(&mut phones[at % 2 + 1], &branch, slot, &[at as u8]);
    }
    for phone in [1, 2, 0] {
        talk(&mut phones[phone], &mut relay, &branch);
    }
    // Own letters beside those that come.
    put_letter(&mut phones[0], &branch, &slots[0], b"the secretary's");
    put_letter(&mut phones[1], &branch, &slots[1], b"one more");
    talk(&mut phones[1], &mut relay, &branch);
    let exchange = talk(&mut phones[0], &mut relay, &branch);
    assert_eq!(exchange.stats().envelopes_out, 1);
    for phone in [0, 1, 2] {
        let exchange = talk(&mut phones[phone], &mut relay, &branch);
        assert_eq!(exchange.stats().envelopes_out, 0, "{phone}");
    }
}

#[test]
fn a_file_holds_letters_whatever_numbers_its_receiver_named() {
    let (branch, mut phones, _, slots) = with_slots(2, 1);
    let first = put_letter(&mut phones[1], &branch, &slots[0], b"first");
    put_letter(&mut phones[2], &branch, &slots[0], b"second");
    let have: Frontier = [(slots[0].id(), 1)].into_iter().collect();
    let have = sotay_sync::bundle::Have::from([(branch.inbox.id(), have)]);
    let file = sotay_sync::bundle::write(&phones[1].replica, &[branch.inbox], Some(&have)).unwrap();
    let read = sotay_sync::bundle::read(&file).unwrap();
    let imported = sotay_sync::bundle::import(&mut phones[2].replica, read).unwrap();
    assert_eq!(imported.forked.len(), 1);
    let forks = phones[2].replica.store().forks().unwrap();
    let other = sotay_feed::Envelope::decode(&forks[0].other).unwrap();
    assert_eq!(other.id(), first);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Letters of three writers in few slots, sessions that are cut, a relay and halls: in the end a writer was told of every
    /// letter that the relay has not, and never believed otherwise.
    #[test]
    fn whatever_is_drawn_by_whom_the_relay_holds_a_letter_or_its_writer_was_told(
        steps in proptest::collection::vec((0..4u8, 1..4usize, 0..4usize, 0..14usize), 1..40),
    ) {
        let (branch, mut phones, mut relay, slots) = with_slots(3, 4);
        let spaces = [branch.roll, branch.main, branch.inbox];
        let mut written: Vec<(usize, EnvelopeId)> = Vec::new();
        let mut told = Vec::new();
        for (what, phone, at, cut) in steps {
            let frames = if cut > 10 { NO_LIMIT } else { cut };
            match what {
                0 | 1 => {
                    let tip = phones[phone].replica.store().tip(&branch.inbox.id(), slots[at].id());
                    if tip.unwrap().is_none() {
                        let words = [written.len() as u8];
                        let letter = put_letter(&mut phones[phone], &branch, &slots[at], &words);
                        written.push((phone, letter));
                    }
                }
                2 => told.extend(refused(&sync_cut(&mut phones[phone], &mut relay, &spaces, frames))),
                _ if at != phone => {
                    let [near, host] = phones.get_disjoint_mut([phone, at]).unwrap();
                    let exchange = sync_with(near, host, &spaces, frames, FirstContact::Digest).clean();
                    told.extend(refused(&exchange));
                    let of_host = exchange.far.events.iter().filter_map(|event| match event {
                        SessionEvent::Refused { id, reason: RefuseReason::Fork { .. }, .. } => Some(*id),
                        _ => None,
                    });
                    told.extend(of_host);
                }
                _ => {}
            }
            for (writer, letter) in &written {
                let there = relay.replica.store().envelope(*letter).unwrap().is_some();
                let believed = holds(&phones[*writer], &branch, *letter).contains(&relay.key());
                prop_assert!(there || !believed, "believed to be where it is not");
            }
        }
        for phone in [1, 2, 3] {
            told.extend(refused(&talk(&mut phones[phone], &mut relay, &branch)));
        }
        for (writer, letter) in &written {
            let there = relay.replica.store().envelope(*letter).unwrap().is_some();
            let believed = holds(&phones[*writer], &branch, *letter).contains(&relay.key());
            prop_assert!(there || told.contains(letter), "lost, and nobody was told");
            prop_assert_eq!(there, believed);
        }
    }
}
