//! Feeds with holes that a cover allows: who gets what, and what a relay cannot make a phone believe.

use std::collections::BTreeSet;

use sotay_feed::{Envelope, EnvelopeId, Kind, Space, Verified};
use sotay_membership::{CoverId, Reason, Revoke, rank};
use sotay_store::{Batch, Dropped, MemoryStore, Store};
use sotay_sync::{Group, Policy, RefuseReason, Replica, Role, SessionEvent};

use crate::support::*;
use crate::village::*;

fn refused(events: &[SessionEvent]) -> Vec<(u64, RefuseReason)> {
    let refused = events.iter().filter_map(|event| match event {
        SessionEvent::Rejected { seq, reason, .. } => Some((*seq, *reason)),
        _ => None,
    });
    refused.collect()
}

#[test]
fn a_newcomer_takes_from_a_pruned_relay_what_is_kept_and_nothing_else_and_asks_for_nothing_more() {
    let mut village = Village::new();
    let (branch, spaces) = (village.branch, village.branch.spaces());
    let dropped = village.prune();
    assert!(dropped.envelopes >= 32, "{dropped:?}");
    assert_eq!(
        village.full.frontier(&branch.main),
        village.pruned.frontier(&branch.main)
    );
    let mut newcomer = village.newcomer(60);
    let exchange = sync(&mut newcomer, &mut village.pruned, &spaces);
    assert_eq!(refused(&exchange.near.events), []);
    assert_eq!(
        newcomer.frontier(&branch.main),
        village.full.frontier(&branch.main)
    );
    for phone in &village.phones {
        let feed = &village.cover.feeds[&phone.id()];
        let tip = newcomer.frontier(&branch.main).get(phone.id());
        let mut expected: Vec<u64> = feed.kept.iter().collect();
        expected.extend(feed.place.seq..=tip);
        assert_eq!(numbers(&newcomer, &branch.main, phone.id()), expected);
    }
    // Nothing more is asked for, here or there, and nothing is thrown away.
    for relay in [&mut village.pruned, &mut village.full] {
        sync(&mut newcomer, relay, &spaces);
        let stats = sync(&mut newcomer, relay, &spaces).stats();
        assert_eq!(
            (stats.envelopes_in, stats.envelopes_out, stats.round_trips),
            (0, 0, 1)
        );
    }
    // What it writes, and what others write from now on, goes round as ever.
    newcomer.write(&branch.main, b"new");
    village.phones[2].write(&branch.main, b"late");
    sync(&mut newcomer, &mut village.pruned, &spaces);
    sync(&mut village.phones[2], &mut village.pruned, &spaces);
    sync(&mut newcomer, &mut village.pruned, &spaces);
    assert_eq!(
        newcomer.frontier(&branch.main),
        village.phones[2].frontier(&branch.main)
    );
    assert_eq!(
        newcomer.reopen().frontier(&branch.main),
        village.pruned.frontier(&branch.main)
    );
}

#[test]
fn a_phone_that_was_away_hands_over_what_it_wrote_and_takes_what_is_left() {
    let mut village = Village::new();
    let branch = village.branch;
    let mut away = village.phones[2].copy();
    let tip = away.frontier(&branch.main).get(away.id());
    // A year in which the others write, sign again and prune.
    for n in 0..30 {
        village.phones[0].write(&branch.main, &[n]);
        village.phones[3].write(&branch.main, &[n, n]);
        away.write(&branch.main, &[n, 1]);
    }
    village.phones.remove(2);
    village.meet();
    let second = draft(&village.phones[0], &branch, 3);
    assert_eq!(second.previous.len(), 1);
    village.phones[0].sign(&branch, &second);
    village.meet();
    village.phones[1].sign(&branch, &second);
    village.meet();
    village.prune();
    let exchange = sync(&mut away, &mut village.pruned, &branch.spaces());
    assert_eq!(refused(&exchange.near.events), []);
    assert_eq!(refused(&exchange.far.events), []);
    assert_eq!(away.frontier(&branch.main), village.pruned.frontier(&branch.main));
    assert_eq!(numbers(&away, &branch.main, away.id()).len() as u64, tip + 30);
    village.meet();
    assert_eq!(
        away.frontier(&branch.main),
        village.phones[0].frontier(&branch.main)
    );
}

#[test]
fn originals_are_taken_by_whoever_has_none_and_never_demanded_of_who_has_holes() {
    let mut village = Village::new();
    let branch = village.branch;
    village.prune();
    let (mut leaper, mut whole) = (village.newcomer(60), village.newcomer(61));
    sync(&mut leaper, &mut village.pruned, &branch.spaces());
    // From a phone that has all: everything comes.
    village.phones[2].replica.know_space(branch.main).unwrap();
    sync(&mut whole, &mut village.phones[2], &branch.spaces());
    sync(&mut whole, &mut village.full, &branch.spaces());
    let author = village.phones[3].id();
    let tip = whole.frontier(&branch.main).get(author);
    assert_eq!(
        numbers(&whole, &branch.main, author),
        (1..=tip).collect::<Vec<_>>()
    );
    // The two meet, either way round: nothing moves.
    for phone in [&mut leaper, &mut whole] {
        phone.replica.know_space(branch.main).unwrap();
    }
    for _ in 0..2 {
        let stats = sync(&mut leaper, &mut whole, &branch.spaces()).stats();
        assert_eq!((stats.envelopes_in, stats.envelopes_out), (0, 0));
        let stats = sync(&mut whole, &mut leaper, &branch.spaces()).stats();
        assert_eq!((stats.envelopes_in, stats.envelopes_out), (0, 0));
    }
    // A relay without anything is filled by either, and takes originals of the rest.
    let mut empty = other_relay(220);
    sync(&mut leaper, &mut empty, &branch.spaces());
    assert_eq!(empty.frontier(&branch.main), leaper.frontier(&branch.main));
    let exchange = sync(&mut whole, &mut empty, &branch.spaces());
    assert_eq!(refused(&exchange.far.events), []);
    assert_eq!(exchange.stats().envelopes_out, 0);
}

#[test]
fn holes_travel_in_bundles_and_are_taken_with_the_cover_that_comes_first() {
    let mut village = Village::new();
    let branch = village.branch;
    village.prune();
    let bytes = sotay_sync::bundle::write(&village.pruned.replica, &branch.spaces(), None).unwrap();
    for role in [Role::Device, Role::Relay] {
        let mut reader = node(70, role, store(70));
        for again in [false, true] {
            let bundle = sotay_sync::bundle::read(&bytes).unwrap();
            let imported = sotay_sync::bundle::import(&mut reader.replica, bundle).unwrap();
            assert_eq!((imported.refused, imported.cut), (0, None));
            assert_eq!(imported.stored.is_empty(), again);
        }
        assert_eq!(reader.frontier(&branch.main), village.full.frontier(&branch.main));
    }
    // Without the roll nothing is taken over a hole.
    let bytes = sotay_sync::bundle::write(&village.pruned.replica, &[branch.main], None).unwrap();
    let mut reader = phone(70);
    reader.copy_from(&village.founder, &branch.roll);
    let bundle = sotay_sync::bundle::read(&bytes).unwrap();
    let imported = sotay_sync::bundle::import(&mut reader.replica, bundle).unwrap();
    assert!(imported.refused > 0);
    assert_eq!(reader.count(&branch.main), 0);
}

#[test]
fn a_relay_that_withholds_the_cover_or_what_it_keeps_is_answered_with_gaps_and_loses_nothing() {
    let mut village = Village::new();
    let branch = village.branch;
    let newcomer = village.newcomer(60);
    village.prune();
    // Votes are kept; this relay drops one all the same.
    let author = village.phones[2].id();
    let vote = village.cover.feeds[&author].kept.iter().next().unwrap();
    let mut hostile = village.pruned.copy();
    let dropped = hostile
        .replica
        .store_mut()
        .drop_envelopes(&branch.main.id(), &[(author, vote)])
        .unwrap();
    assert_eq!(dropped.envelopes, 1);
    let mut victim = newcomer.copy();
    let exchange = sync_cut(&mut victim, &mut hostile, &branch.spaces(), NO_LIMIT);
    let refused_here = refused(&exchange.near.events);
    assert!(!refused_here.is_empty());
    assert!(
        refused_here
            .iter()
            .all(|(_, reason)| matches!(reason, RefuseReason::Gap { expected: 1 }))
    );
    assert_eq!(victim.frontier(&branch.main).get(author), 0);
    // Others' feeds came.
    assert!(victim.frontier(&branch.main).get(village.phones[3].id()) > 0);
    sync(&mut victim, &mut village.full, &branch.spaces());
    sync(&mut victim, &mut village.pruned, &branch.spaces());
    assert_eq!(victim.frontier(&branch.main), village.full.frontier(&branch.main));

    // A relay that hands out a roll without the cover.
    let mut silent = other_relay(230);
    let mut older = newcomer.copy();
    silent.replica.know_space(branch.main).unwrap();
    silent.copy_from(&village.founder, &branch.roll);
    let everything =
        village
            .pruned
            .replica
            .store()
            .since(&branch.main.id(), 0, sotay_store::conformance::ALL);
    put_over_holes(&mut silent, &branch, &everything.unwrap().envelopes);
    older.copy_from(&village.founder, &branch.roll);
    let admitted = older
        .replica
        .admit(&branch.main, decoded(&silent, &branch.main), Vec::new());
    let gaps = admitted.unwrap();
    assert!(gaps.iter().any(|answer| matches!(
        answer,
        sotay_sync::Admitted::Refused(RefuseReason::Gap { expected: 1 })
    )));
}

fn decoded<S: Store>(node: &Node<S>, space: &Space) -> Vec<Envelope> {
    let page = node
        .replica
        .store()
        .since(&space.id(), 0, sotay_store::conformance::ALL);
    let stored = page.unwrap().envelopes;
    stored
        .iter()
        .map(|stored| Envelope::decode(&stored.bytes).unwrap())
        .collect()
}

/// Stores envelopes without asking anybody, as a hostile relay may.
fn put_over_holes(relay: &mut Phone, branch: &Branch, envelopes: &[sotay_store::Stored]) {
    let verify = |stored: &sotay_store::Stored| -> Option<Verified<Envelope>> {
        let envelope = Envelope::decode(&stored.bytes).unwrap();
        let membership = relay.replica.membership(branch.unit).unwrap();
        let key = membership.signing_key(stored.device)?;
        envelope.verify(&branch.main.id(), &key).ok()
    };
    let envelopes: Vec<_> = envelopes.iter().filter_map(verify).collect();
    let leaps = envelopes.iter().map(|envelope| envelope.id()).collect();
    let batch = Batch {
        envelopes,
        leaps,
        ..Batch::default()
    };
    relay.replica.store_mut().commit(batch).unwrap();
}

/// A relay that was pruned and holds, of one device, another envelope at `seq`, which that device signed as well.
fn with_a_twin(village: &Village, author: usize, seq: u64) -> (Phone, EnvelopeId) {
    let branch = village.branch;
    let device = village.phones[author].id();
    let id = branch.main.id();
    let mut relay = other_relay(240);
    for space in branch.spaces() {
        relay.replica.know_space(space).unwrap();
    }
    relay.copy_from(&village.pruned, &branch.roll);
    let true_one = village
        .full
        .replica
        .store()
        .at(&id, device, seq)
        .unwrap()
        .unwrap();
    let header = Envelope::decode(&true_one.bytes).unwrap().header().clone();
    let before = sotay_feed::Tip {
        seq: seq - 1,
        id: header.prev,
    };
    let twin = sotay_feed::Draft::next(&village.phones[author].keys, header.kind, &id, Some(before))
        .sign(&village.phones[author].keys, &id, b"a twin")
        .unwrap();
    let mut all = village
        .pruned
        .replica
        .store()
        .since(&id, 0, sotay_store::conformance::ALL)
        .unwrap()
        .envelopes;
    for stored in &mut all {
        if (stored.device, stored.seq) == (device, seq) {
            *stored = sotay_store::Stored::new(stored.arrival, &twin);
        }
    }
    put_over_holes(&mut relay, &branch, &all);
    (relay, twin.id())
}

#[test]
fn another_envelope_at_the_place_of_a_cover_is_refused_by_name_and_the_right_one_is_taken_later() {
    let mut village = Village::new();
    let branch = village.branch;
    let mut newcomer = village.newcomer(60);
    village.prune();
    let author = village.phones[2].id();
    let place = village.cover.feeds[&author].place;
    let (mut hostile, twin) = with_a_twin(&village, 2, place.seq);
    let exchange = sync_cut(&mut newcomer, &mut hostile, &branch.spaces(), NO_LIMIT);
    let found = refused(&exchange.near.events);
    assert!(
        found.contains(&(place.seq, RefuseReason::Cover { seq: place.seq })),
        "{found:?}"
    );
    assert_eq!(newcomer.replica.store().envelope(twin).unwrap(), None);
    let before = numbers(&newcomer, &branch.main, author);
    assert_eq!(
        before,
        village.cover.feeds[&author].kept.iter().collect::<Vec<_>>()
    );
    // It is written down for the person, and does not stand in the way.
    let written = sotay_sync::quarantined(newcomer.replica.store()).unwrap();
    assert!(written.iter().any(|record| record.id == twin
        && record.device == author
        && record.reason == RefuseReason::Cover { seq: place.seq }));
    let exchange = sync(&mut newcomer, &mut village.pruned, &branch.spaces());
    assert_eq!(refused(&exchange.near.events), []);
    assert_eq!(
        newcomer.frontier(&branch.main),
        village.full.frontier(&branch.main)
    );
    let written = sotay_sync::quarantined(newcomer.replica.store()).unwrap();
    assert!(
        !written
            .iter()
            .any(|record| record.device == author && record.seq == place.seq)
    );
}

#[test]
fn another_history_below_a_place_is_refused_at_the_place() {
    let mut village = Village::new();
    let branch = village.branch;
    let mut newcomer = village.newcomer(60);
    village.prune();
    let author = village.phones[2].id();
    let feed = village.cover.feeds[&author].clone();
    let vote = feed.kept.iter().next().unwrap();
    let (mut hostile, twin) = with_a_twin(&village, 2, vote);
    let exchange = sync_cut(&mut newcomer, &mut hostile, &branch.spaces(), NO_LIMIT);
    assert!(
        refused(&exchange.near.events)
            .contains(&(feed.place.seq, RefuseReason::Cover { seq: feed.place.seq }))
    );
    assert!(newcomer.replica.store().envelope(twin).unwrap().is_some());
    assert_eq!(newcomer.frontier(&branch.main).get(author), vote);
    // Whoever shows the true one proves that the device wrote two histories.
    newcomer.copy_from(&village.full, &branch.main);
    let forks = newcomer.replica.store().forks().unwrap();
    assert_eq!(
        forks
            .iter()
            .map(|fork| (fork.device, fork.seq))
            .collect::<Vec<_>>(),
        [(author, vote)]
    );
}

#[test]
fn whoever_misses_nothing_believes_the_chain_and_not_a_cover_that_says_otherwise() {
    let mut village = Village::new();
    let branch = village.branch;
    let mut wrong = village.cover.clone();
    for feed in wrong.feeds.values_mut() {
        feed.digest[0] ^= 1;
    }
    wrong.made_ms += 1;
    wrong.previous = BTreeSet::from([village.cover.id()]);
    for feed in wrong.feeds.values_mut() {
        feed.place.seq += 1;
        feed.place.id = EnvelopeId::from_bytes([1; 32]);
    }
    village.phones[0].sign(&branch, &wrong);
    village.phones[1].sign(&branch, &wrong);
    village.meet();
    let mut newcomer = village.newcomer(60);
    let exchange = sync(&mut newcomer, &mut village.full, &branch.spaces());
    assert_eq!(refused(&exchange.near.events), []);
    assert_eq!(
        newcomer.frontier(&branch.main),
        village.full.frontier(&branch.main)
    );
    // And no relay drops anything by it.
    let due = BTreeSet::from([wrong.id()]);
    let prunable = village
        .full
        .replica
        .prunable(&branch.main, &due, &BTreeSet::new())
        .unwrap();
    assert!(prunable.is_empty() && prunable.finished.is_empty());
    assert_eq!(prunable.apart.len() + prunable.behind.len(), wrong.feeds.len());
}

#[test]
fn one_signature_or_a_revoked_one_lets_nothing_be_dropped_or_leaped() {
    let (branch, founder, mut phones) = village(1);
    let grant = phones[0].grant(&branch, DEPUTY, rank::DEPUTY);
    let mut deputy = phone(DEPUTY);
    deputy.copy_from(&phones[0], &branch.roll);
    let mut relay = relay();
    for n in 0..9 {
        phones[1].write(&branch.main, &[n]);
    }
    for _ in 0..2 {
        for phone in phones.iter_mut().chain([&mut deputy]) {
            sync(phone, &mut relay, &branch.spaces());
        }
    }
    let cover = draft(&phones[0], &branch, 0);
    phones[0].sign(&branch, &cover);
    sync(&mut phones[0], &mut relay, &branch.spaces());
    assert_eq!(relay.prune(&branch.main, 100, 9), Dropped::default());
    let tip = relay.replica.store().tip(&branch.roll.id(), deputy.id()).unwrap();
    sync(&mut deputy, &mut relay, &branch.spaces());
    deputy.sign(&branch, &cover);
    sync(&mut deputy, &mut relay, &branch.spaces());
    let mut counting = relay.copy();
    assert_eq!(counting.prune(&branch.main, 100, 9).envelopes, 8);
    // The secretary takes the deputy's phone out, from before it signed.
    let revoke = Revoke {
        grant,
        reason: Reason::LOST,
        cutoffs: tip.map(|tip| (branch.roll.id().tag(), tip)).into_iter().collect(),
    };
    sync(&mut phones[0], &mut relay, &branch.spaces());
    phones[0].write_kind(&branch.roll, Kind::REVOKE, &revoke.encode());
    sync(&mut phones[0], &mut relay, &branch.spaces());
    assert_eq!(
        relay.replica.counting_covers(&branch.main),
        BTreeSet::<CoverId>::new()
    );
    assert_eq!(relay.prune(&branch.main, 100, 9), Dropped::default());
    let mut newcomer = phone(3);
    newcomer.copy_from(&relay, &branch.roll);
    let answers = newcomer
        .replica
        .admit(&branch.main, decoded(&counting, &branch.main), Vec::new());
    assert!(answers.unwrap().iter().all(|answer| matches!(
        answer,
        sotay_sync::Admitted::Refused(RefuseReason::Gap { expected: 1 })
    )));
    drop(founder);
}

#[test]
fn leaps_are_staged_with_a_round_and_are_there_after_its_commit() {
    let mut village = Village::new();
    let branch = village.branch;
    village.prune();
    let mut leaper = village.newcomer(60);
    sync(&mut leaper, &mut village.pruned, &branch.spaces());
    let mut grouped = node(250, Role::Relay, Group::new(store(250)));
    let (mut near, mut far) = ends(&leaper, &grouped, &branch.spaces(), false);
    near.start(&mut leaper.replica, NOW);
    far.start(&mut grouped.replica, NOW);
    sotay_sync::testing::carry(
        (&mut near, &mut leaper.replica),
        (&mut far, &mut grouped.replica),
        NOW,
        NO_LIMIT,
    );
    assert!(!grouped.replica.store().is_flushed());
    assert_eq!(grouped.frontier(&branch.main), leaper.frontier(&branch.main));
    // Dropping makes durable what is staged first: a number that was leaped over is passed over.
    let author = village.phones[2].id();
    let staged = grouped
        .replica
        .store_mut()
        .drop_envelopes(&branch.main.id(), &[(author, 1)]);
    assert_eq!(staged.unwrap(), Dropped::default());
    assert!(grouped.replica.store().is_flushed());
    let disk: MemoryStore = grouped.replica.into_store().into_inner();
    let reopened = Replica::open(disk, Role::Relay, Policy::Any).unwrap();
    assert_eq!(
        reopened.store().frontier(&branch.main.id()).unwrap(),
        leaper.frontier(&branch.main)
    );
}

#[test]
fn a_fork_ends_what_is_dropped_before_it_and_its_proof_stays() {
    let mut village = Village::new();
    let branch = village.branch;
    let author = village.phones[2].id();
    let (twin_of, _) = with_a_twin(&village, 2, 4);
    let twin = twin_of
        .replica
        .store()
        .at(&branch.main.id(), author, 4)
        .unwrap()
        .unwrap();
    let envelope = Envelope::decode(&twin.bytes).unwrap();
    let answers = village
        .pruned
        .replica
        .admit(&branch.main, vec![envelope], Vec::new())
        .unwrap();
    assert_eq!(
        answers,
        [sotay_sync::Admitted::Refused(RefuseReason::Fork { seq: 4 })]
    );
    village.prune();
    let tip = village.pruned.frontier(&branch.main).get(author);
    assert_eq!(
        numbers(&village.pruned, &branch.main, author),
        (3..=tip).collect::<Vec<_>>()
    );
}
