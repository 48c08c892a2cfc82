//! Many sessions, one commit: a group behaves like the store it will become, and a failed flush acknowledges nothing.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sotay_feed::{Frontier, Kind};
use sotay_store::conformance::{Author, space};
use sotay_store::{
    Batch, Bucket, Budget, DatabaseId, Fault, Faults, FaultyStore, MemoryStore, Put, Store, conformance,
};
use sotay_sync::message::Message;
use sotay_sync::testing::{End, carry};
use sotay_sync::{CloseCode, Group, Policy, Replica, Role, SessionEvent, SyncStatus};

use crate::support::*;

#[test]
fn staged_envelopes_and_records_read_like_stored_ones() {
    conformance::run(|| Group::new(MemoryStore::new(DatabaseId([1; 16]))));
}

#[test]
fn a_group_flushed_at_any_time_answers_like_a_plain_store() {
    for seed in 0..30 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut plain = MemoryStore::new(DatabaseId([1; 16]));
        let mut group = Group::new(MemoryStore::new(DatabaseId([1; 16])));
        let mut authors: Vec<Author> = (0..6).map(|n| Author::new(n / 2, space(n % 2))).collect();
        let mut all = Vec::new();
        for step in 0..60u8 {
            let mut envelopes = Vec::new();
            for _ in 0..rng.random_range(0..4) {
                let who = rng.random_range(0..authors.len());
                if rng.random_ratio(1, 10) {
                    // A second history from here on.
                    let mut other = authors[who].fork();
                    envelopes.push(other.write(b"other"));
                }
                envelopes.push(authors[who].write(&[step; 50]));
                if rng.random_ratio(1, 6) {
                    envelopes.swap_remove(0);
                }
            }
            if rng.random_ratio(1, 4) && !all.is_empty() {
                envelopes.push(Clone::clone(&all[rng.random_range(0..all.len())]));
            }
            all.extend(envelopes.iter().cloned());
            let puts = vec![Put {
                bucket: Bucket::Tail,
                key: vec![rng.random_range(0..8)],
                value: rng.random_bool(0.7).then(|| vec![step]),
            }];
            let batch = Batch {
                envelopes,
                puts,
                ..Batch::default()
            };
            assert_eq!(
                plain.commit(batch.clone()).unwrap(),
                group.commit(batch).unwrap(),
                "seed {seed}"
            );
            if rng.random_ratio(1, 5) {
                group.flush().unwrap();
                assert_eq!(group.staged_bytes(), 0);
            }
            same(&plain, &group, &mut rng);
        }
        group.flush().unwrap();
        same(&plain, group.inner(), &mut rng);
    }
}

fn same(one: &impl Store, two: &impl Store, rng: &mut StdRng) {
    for id in [space(0), space(1)] {
        assert_eq!(one.head(&id).unwrap(), two.head(&id).unwrap());
        let frontier = one.frontier(&id).unwrap();
        assert_eq!(frontier, two.frontier(&id).unwrap());
        assert_eq!(one.space_bytes(&id).unwrap(), two.space_bytes(&id).unwrap());
        let head = one.head(&id).unwrap();
        assert!(two.passed(&id, head).unwrap());
        let budget = Budget {
            count: rng.random_range(1..6),
            bytes: rng.random_range(1..2000),
        };
        let after = rng.random_range(0..=head.number + 1);
        let have: Frontier = frontier
            .iter()
            .map(|(device, seq)| (device, rng.random_range(0..=seq)))
            .collect();
        assert_eq!(
            one.missing(&id, &have, after, budget).unwrap(),
            two.missing(&id, &have, after, budget).unwrap()
        );
        for (device, seq) in frontier.iter() {
            let seq = rng.random_range(1..=seq);
            let stored = one.at(&id, device, seq).unwrap();
            assert_eq!(stored, two.at(&id, device, seq).unwrap());
            assert_eq!(two.envelope(stored.clone().unwrap().id).unwrap(), stored);
            assert_eq!(one.tip(&id, device).unwrap(), two.tip(&id, device).unwrap());
        }
    }
    assert_eq!(one.forks().unwrap(), two.forks().unwrap());
    assert_eq!(one.spaces().unwrap(), two.spaces().unwrap());
    assert_eq!(
        one.list(Bucket::Tail, &[]).unwrap(),
        two.list(Bucket::Tail, &[]).unwrap()
    );
}

type Disk = FaultyStore<MemoryStore>;

fn grouped(relay: Phone) -> Node<Group<Disk>> {
    let store = Group::new(FaultyStore::new(relay.replica.into_store(), Faults::none()));
    Node {
        replica: Replica::open(store, Role::Relay, Policy::Any).unwrap(),
        keys: relay.keys,
    }
}

/// Feeds the first flight of every phone, flushes once, and gives the relay's ends unpolled.
fn round(
    phones: &mut [Phone],
    relay: &mut Node<Group<Disk>>,
    branch: &Branch,
) -> (
    Vec<End>,
    Vec<sotay_sync::Session>,
    Result<(), sotay_store::StoreError>,
) {
    let (mut nears, mut sessions) = (Vec::new(), Vec::new());
    for phone in phones {
        let mut near = End::new(sotay_sync::Session::connect(config(
            phone,
            relay,
            &branch.spaces(),
            false,
        )));
        let mut session = sotay_sync::Session::accept(config(relay, phone, &[], false));
        near.start(&mut phone.replica, NOW);
        session.start(&mut relay.replica, NOW).unwrap();
        for frame in near.take_frames() {
            session.on_frame(&mut relay.replica, &frame, NOW).unwrap();
        }
        nears.push(near);
        sessions.push(session);
    }
    let result = relay.replica.flush();
    (nears, sessions, result)
}

#[test]
fn many_sessions_share_one_commit() {
    let (branch, _, mut phones, relay) = village_with_relay(9);
    for phone in &mut phones {
        phone.write_many(&branch.main, Kind::CHANGE, (0..3).map(|n| vec![n; 20]));
    }
    let mut relay = grouped(relay);
    let commits = |relay: &Node<Group<Disk>>| {
        relay
            .replica
            .store()
            .inner()
            .inner()
            .head(&branch.main.id())
            .unwrap()
            .number
    };
    assert_eq!(commits(&relay), 0);
    let (nears, sessions, flushed) = round(&mut phones, &mut relay, &branch);
    flushed.unwrap();
    assert_eq!(commits(&relay), 30);
    for ((mut near, session), phone) in nears.into_iter().zip(sessions).zip(&mut phones) {
        let mut far = End::new(session);
        carry(
            (&mut near, &mut phone.replica),
            (&mut far, &mut relay.replica),
            NOW,
            NO_LIMIT,
        );
        assert!(near.told(|event| *event == SessionEvent::CaughtUp));
        assert!(phone.count(&branch.main) >= 3);
        assert!(matches!(
            phone.status(&relay.key(), &branch.main),
            SyncStatus::Synced { .. }
        ));
    }
}

#[test]
fn a_flush_that_fails_acknowledges_nothing_and_the_next_round_stores_all() {
    for fault in [Fault::Fail, Fault::DiskFull] {
        let (branch, _, mut phones, relay) = village_with_relay(2);
        for phone in &mut phones {
            phone.write(&branch.main, b"mine");
        }
        // A space and a grant that the relay first meets in the lost round.
        phones[0].grant(&branch, 60, sotay_membership::rank::MEMBER);
        let mut relay = grouped(relay);
        let id = branch.main.id();
        // Reads before the flush are many; only the flush itself commits.
        relay.replica.store_mut().commit(Batch::default()).unwrap();
        let (nears, sessions, flushed) = {
            let mut copies: Vec<Phone> = phones.iter().map(Phone::copy).collect();
            let mut dry = grouped(Node {
                keys: keys(200),
                replica: Replica::open(
                    relay.replica.store().inner().inner().clone(),
                    Role::Relay,
                    Policy::Any,
                )
                .unwrap(),
            });
            let before = dry.replica.store().inner().calls();
            round(&mut copies, &mut dry, &branch).2.unwrap();
            let calls = dry.replica.store().inner().calls() - before;
            let last = relay.replica.store().inner().calls() + calls - 1;
            faults(&mut relay, Faults::none().at(last, fault));
            round(&mut phones, &mut relay, &branch)
        };
        assert!(flushed.is_err());
        assert_eq!(relay.replica.store().head(&id).unwrap().number, 0);
        for ((mut near, mut session), phone) in nears.into_iter().zip(sessions).zip(&mut phones) {
            session.abandon();
            let mut far = End::new(session);
            far.note(Ok(()));
            let frames = far.take_frames();
            assert_eq!(frames.len(), 1);
            assert!(
                matches!(Message::decode(&frames[0]), Ok(Message::Close(close)) if close.code == CloseCode::Storage)
            );
            near.deliver(&mut phone.replica, &frames[0], NOW);
            assert!(!matches!(
                phone.status(&relay.key(), &branch.main),
                SyncStatus::Synced { .. }
            ));
        }
        faults(&mut relay, Faults::none());
        relay.replica.store().inner().free_space();
        let (nears, sessions, flushed) = round(&mut phones, &mut relay, &branch);
        flushed.unwrap();
        for ((mut near, session), phone) in nears.into_iter().zip(sessions).zip(&mut phones) {
            carry(
                (&mut near, &mut phone.replica),
                (&mut End::new(session), &mut relay.replica),
                NOW,
                NO_LIMIT,
            );
            assert!(near.told(|event| *event == SessionEvent::CaughtUp));
        }
        assert_eq!(relay.replica.store().inner().inner().head(&id).unwrap().number, 3);
        assert_eq!(relay.count(&branch.roll), phones[0].count(&branch.roll));
    }
}

fn faults(relay: &mut Node<Group<Disk>>, faults: Faults) {
    let store = std::mem::replace(
        relay.replica.store_mut(),
        Group::new(FaultyStore::new(
            MemoryStore::new(DatabaseId([0; 16])),
            Faults::none(),
        )),
    );
    let mut disk = store.into_inner();
    disk.set_faults(faults);
    *relay.replica.store_mut() = Group::new(disk);
}
