//! Feeds with holes: leaps over what may be missing, and what is dropped later.

use std::collections::BTreeSet;

use sotay_feed::{DeviceId, Envelope, Frontier, Kind, SpaceId, Verified};

use super::{ALL, Author, commit, numbers, put, space, stored_all};
use crate::{Arrival, Batch, Budget, Copied, Dropped, Outcome, Put, Store, Stored};

/// Places of one feed.
fn of(device: DeviceId, numbers: &[u64]) -> Vec<(DeviceId, u64)> {
    numbers.iter().map(|number| (device, *number)).collect()
}

/// Commits envelopes of which some may leap.
fn leap<S: Store>(
    store: &mut S,
    envelopes: Vec<Verified<Envelope>>,
    may: &[&Verified<Envelope>],
) -> Vec<Outcome> {
    let batch = Batch {
        envelopes,
        leaps: may.iter().map(|envelope| envelope.id()).collect::<BTreeSet<_>>(),
        ..Batch::default()
    };
    store.commit(batch).unwrap().outcomes
}

fn held<S: Store>(store: &S, space: &SpaceId) -> Vec<u64> {
    numbers(&store.since(space, 0, ALL).unwrap().envelopes)
}

fn bytes(envelopes: &[Verified<Envelope>]) -> u64 {
    envelopes
        .iter()
        .map(|envelope| envelope.bytes().len() as u64)
        .sum()
}

pub(super) fn a_leap_over_a_gap_is_stored_and_without_leave_it_is_a_gap<S: Store>(store: &mut S) {
    let space = space(1);
    let mut author = Author::new(1, space);
    let feed = author.write_many(8);
    // The first of all may leap too.
    assert_eq!(
        commit(store, vec![feed[2].clone()]),
        [Outcome::Gap { expected: 1 }]
    );
    let first = Arrival::default().next(feed[2].id());
    let outcomes = leap(store, vec![feed[2].clone(), feed[4].clone()], &[&feed[2]]);
    assert_eq!(outcomes, [Outcome::Stored(first), Outcome::Gap { expected: 4 }]);
    let outcomes = leap(
        store,
        vec![feed[5].clone(), feed[6].clone(), feed[7].clone()],
        &[&feed[5], &feed[7]],
    );
    assert_eq!(
        stored_all(&outcomes),
        [
            first.next(feed[5].id()),
            first.next(feed[5].id()).next(feed[6].id()),
            first.next(feed[5].id()).next(feed[6].id()).next(feed[7].id())
        ]
    );
    assert_eq!(store.tip(&space, author.id()).unwrap(), Some(feed[7].tip()));
    assert_eq!(
        store.frontier(&space).unwrap(),
        Frontier::from_iter([(author.id(), 8)])
    );
    let held: Vec<_> = [2, 5, 6, 7].map(|n: usize| &feed[n]).into();
    for seq in 1..=9 {
        let found = store.at(&space, author.id(), seq).unwrap();
        let expected = held.iter().find(|envelope| envelope.header().seq == seq);
        assert_eq!(
            found.map(|stored| stored.id),
            expected.map(|envelope| envelope.id()),
            "{seq}"
        );
    }
    // And it goes on as every feed.
    let next = author.write(b"9");
    assert_eq!(stored_all(&commit(store, vec![next])).len(), 1);
    assert!(store.forks().unwrap().is_empty());
}

pub(super) fn a_leap_to_or_below_the_tip_is_judged_as_ever<S: Store>(store: &mut S) {
    let space = space(1);
    let mut author = Author::new(1, space);
    let mut feed = author.write_many(3);
    let mut twin = author.fork();
    feed.extend(author.write_many(3));
    let twins: Vec<_> = (0..4).map(|_| twin.write(b"twin")).collect();
    leap(
        store,
        vec![feed[2].clone(), feed[5].clone()],
        &[&feed[2], &feed[5]],
    );
    // Number 4 is in the hole: nothing can be said of it, whoever wrote it. Numbers 3 and 6 are held.
    let offered = vec![
        feed[2].clone(),
        feed[3].clone(),
        twins[0].clone(),
        feed[5].clone(),
        twins[2].clone(),
    ];
    let may: Vec<_> = offered.iter().collect();
    let outcomes = leap(store, offered.clone(), &may);
    assert_eq!(
        outcomes,
        [
            Outcome::Duplicate,
            Outcome::Duplicate,
            Outcome::Duplicate,
            Outcome::Duplicate,
            Outcome::Fork { seq: 6 }
        ]
    );
    // The next number on top of another predecessor is no leap.
    let outcomes = leap(store, vec![twins[3].clone()], &[&twins[3]]);
    assert_eq!(outcomes, [Outcome::Fork { seq: 6 }]);
    assert_eq!(store.head(&space).unwrap().number, 2);
    assert_eq!(store.forks().unwrap().len(), 1);
}

/// Two feeds of 12 numbers, taken in turn; numbers 2, 3, 5 … 9 of the first and 1 … 11 of the second dropped.
fn thinned<S: Store>(store: &mut S) -> (SpaceId, Vec<Author>, Vec<Verified<Envelope>>, Vec<u64>) {
    let space = space(1);
    let mut authors: Vec<_> = (1..=2).map(|seed| Author::new(seed, space)).collect();
    let mut all = Vec::new();
    for n in 0..12 {
        for author in &mut authors {
            all.push(author.write(&vec![b'x'; 10 * n]));
        }
    }
    commit(store, all.clone());
    store
        .drop_envelopes(&space, &of(authors[0].id(), &[2, 3, 5, 6, 7, 8, 9]))
        .unwrap();
    let below: Vec<u64> = (1..=11).collect();
    store
        .drop_envelopes(&space, &of(authors[1].id(), &below))
        .unwrap();
    let left = [1, 7, 19, 21, 23, 24].to_vec();
    (space, authors, all, left)
}

pub(super) fn what_is_dropped_is_gone_and_the_feed_stands_where_it_stood<S: Store>(store: &mut S) {
    let space = space(1);
    let mut author = Author::new(1, space);
    let feed = author.write_many(6);
    let arrivals = stored_all(&commit(store, feed.clone()));
    let (head, frontier) = (store.head(&space).unwrap(), store.frontier(&space).unwrap());
    let dropped = store
        .drop_envelopes(&space, &of(author.id(), &[2, 3, 5, 0, 77, u64::MAX]))
        .unwrap();
    let gone = [feed[1].clone(), feed[2].clone(), feed[4].clone()];
    assert_eq!(
        dropped,
        Dropped {
            envelopes: 3,
            bytes: bytes(&gone)
        }
    );
    assert_eq!(store.space_bytes(&space).unwrap(), bytes(&feed) - dropped.bytes);
    assert_eq!(store.head(&space).unwrap(), head);
    assert_eq!(store.frontier(&space).unwrap(), frontier);
    assert_eq!(store.tip(&space, author.id()).unwrap(), Some(feed[5].tip()));
    assert_eq!(store.spaces().unwrap(), [space]);
    for arrival in arrivals {
        assert!(store.passed(&space, arrival).unwrap());
        let other = Arrival {
            chain: [9; 8],
            ..arrival
        };
        assert!(!store.passed(&space, other).unwrap());
    }
    for envelope in &feed {
        let held = !gone.iter().any(|gone| gone.id() == envelope.id());
        let seq = envelope.header().seq;
        assert_eq!(store.envelope(envelope.id()).unwrap().is_some(), held, "{seq}");
        assert_eq!(
            store.at(&space, author.id(), seq).unwrap().is_some(),
            held,
            "{seq}"
        );
    }
    assert_eq!(held(store, &space), [1, 4, 6]);
    // Offered again it is not wanted, and nothing comes back.
    assert_eq!(commit(store, feed.clone()), [Outcome::Duplicate; 6]);
    assert_eq!(held(store, &space), [1, 4, 6]);
    let next = author.write(b"7");
    assert_eq!(
        commit(store, vec![next.clone()]),
        [Outcome::Stored(head.next(next.id()))]
    );
}

pub(super) fn dropping_twice_drops_once_and_what_nobody_holds_drops_nothing<S: Store>(store: &mut S) {
    let space = space(1);
    let author = {
        let mut author = Author::new(1, space);
        assert_eq!(
            store.drop_envelopes(&space, &of(author.id(), &[1])).unwrap(),
            Dropped::default()
        );
        commit(store, author.write_many(3));
        author
    };
    let stranger = Author::new(9, space).id();
    assert_eq!(
        store.drop_envelopes(&space, &of(stranger, &[1, 2])).unwrap(),
        Dropped::default()
    );
    assert_eq!(
        store.drop_envelopes(&space, &of(author.id(), &[])).unwrap(),
        Dropped::default()
    );
    let once = store
        .drop_envelopes(&space, &of(author.id(), &[1, 1, 2]))
        .unwrap();
    assert_eq!(once.envelopes, 2);
    let left = store.space_bytes(&space).unwrap();
    assert_eq!(
        store.drop_envelopes(&space, &of(author.id(), &[1, 2])).unwrap(),
        Dropped::default()
    );
    assert_eq!(store.space_bytes(&space).unwrap(), left);
}

pub(super) fn the_tip_and_what_a_proof_of_a_fork_needs_stay<S: Store>(store: &mut S) {
    let space = space(1);
    let mut author = Author::new(1, space);
    let mut feed = author.write_many(3);
    let mut twin = author.fork();
    feed.extend(author.write_many(2));
    commit(store, feed.clone());
    let every: Vec<u64> = (1..=5).collect();
    let mut clean = Author::new(2, space);
    let clean_feed = clean.write_many(2);
    commit(store, clean_feed.clone());
    assert_eq!(
        store
            .drop_envelopes(&space, &of(clean.id(), &[1, 2]))
            .unwrap()
            .envelopes,
        1
    );
    assert_eq!(store.tip(&space, clean.id()).unwrap(), Some(clean_feed[1].tip()));
    assert_eq!(
        commit(store, vec![twin.write(b"twin")]),
        [Outcome::Fork { seq: 4 }]
    );
    let forks = store.forks().unwrap();
    assert_eq!(
        store
            .drop_envelopes(&space, &of(author.id(), &every))
            .unwrap()
            .envelopes,
        3
    );
    assert_eq!(store.forks().unwrap(), forks);
    for seq in [4, 5] {
        assert!(store.at(&space, author.id(), seq).unwrap().is_some());
    }
}

pub(super) fn ranges_skip_what_was_dropped_and_end_properly<S: Store>(store: &mut S) {
    let (space, authors, all, left) = thinned(store);
    assert_eq!(held(store, &space), left);
    for count in [1, 2, 6, 7] {
        let budget = Budget { count, ..ALL };
        let (mut after, mut seen) = (0, Vec::new());
        loop {
            let page = store.since(&space, after, budget).unwrap();
            assert!(page.envelopes.len() <= count);
            seen.extend(numbers(&page.envelopes));
            if !page.more {
                assert_eq!(page.upto, 24);
                break;
            }
            assert!(page.upto > after && !page.envelopes.is_empty());
            after = page.upto;
        }
        assert_eq!(seen, left, "{count} at once");
    }
    let stored = |arrival: &u64| Stored::new(*arrival, &all[*arrival as usize - 1]);
    for (one, two) in [
        (0, 0),
        (1, 0),
        (3, 0),
        (4, 11),
        (9, 11),
        (12, 0),
        (0, 12),
        (12, 12),
    ] {
        let have: Frontier = [(authors[0].id(), one), (authors[1].id(), two)]
            .into_iter()
            .collect();
        for after in 0..=24 {
            let expected: Vec<Stored> = left
                .iter()
                .filter(|arrival| **arrival > after)
                .map(stored)
                .filter(|stored| stored.seq > have.get(stored.device))
                .collect();
            let page = store.missing(&space, &have, after, ALL).unwrap();
            assert_eq!(page.envelopes, expected, "{one} {two} after {after}");
            assert_eq!((page.upto, page.more), (24, false));
        }
    }
    // Nothing but dropped ones between: an empty page that says it is the end of what is held there.
    let page = store.since(&space, 7, Budget { count: 1, ..ALL }).unwrap();
    assert_eq!((numbers(&page.envelopes), page.more), (vec![19], true));
    assert!(page.upto >= 19 && page.upto < 21);
}

/// Little is lacking of a long feed with long holes: a store that merges feeds must find the first place of each.
pub(super) fn missing_finds_little_in_much_with_holes<S: Store>(store: &mut S) {
    let space = space(1);
    let mut authors: Vec<_> = (1..=3).map(|seed| Author::new(seed, space)).collect();
    let mut all = Vec::new();
    for n in 0usize..400 {
        let writer = usize::from(n % 7 == 3) + usize::from(n % 31 == 5);
        all.push(authors[writer].write(&[]));
    }
    commit(store, all.clone());
    let frontier = store.frontier(&space).unwrap();
    for author in &authors {
        let tip = frontier.get(author.id());
        let gone: Vec<u64> = (1..=tip).filter(|seq| seq % 5 != 2).collect();
        store.drop_envelopes(&space, &of(author.id(), &gone)).unwrap();
    }
    let stays = |stored: &Stored| stored.seq % 5 == 2 || stored.seq == frontier.get(stored.device);
    for back in [0, 1, 4, 9, 30, 400] {
        let mut have = Frontier::new();
        for (device, seq) in frontier.iter() {
            have.raise(device, seq - seq.min(back));
        }
        for after in (0..=400).step_by(7) {
            let page = store.missing(&space, &have, after, ALL).unwrap();
            let expected: Vec<Stored> = (1..)
                .zip(&all)
                .map(|(arrival, envelope)| Stored::new(arrival, envelope))
                .filter(|stored| stored.arrival > after && stored.seq > have.get(stored.device))
                .filter(stays)
                .collect();
            assert_eq!(page.envelopes, expected, "{back} back after {after}");
        }
    }
}

pub(super) fn what_was_erased_can_be_dropped_and_what_was_dropped_can_be_erased<S: Store>(store: &mut S) {
    let space = space(1);
    let mut author = Author::new(1, space);
    let cards: Vec<_> = (0..3)
        .map(|_| author.write_kind(Kind::CARD, b"the name of a person, sealed"))
        .collect();
    commit(store, cards.clone());
    put(store, vec![Put::erase(cards[0].id())]);
    let left = cards[0].erase().unwrap().bytes().len() as u64;
    let dropped = store.drop_envelopes(&space, &of(author.id(), &[1, 2])).unwrap();
    assert_eq!(dropped.bytes, left + cards[1].bytes().len() as u64);
    put(store, vec![Put::erase(cards[1].id()), Put::erase(cards[0].id())]);
    assert_eq!(store.space_bytes(&space).unwrap(), cards[2].bytes().len() as u64);
    assert_eq!(held(store, &space), [3]);
}

fn copied<S: Store, T: Store>(from: &S, to: &mut T, all: &[Verified<Envelope>], budget: Budget) {
    let space = space(1);
    loop {
        let head = to.head(&space).unwrap();
        let log = from.log(&space, head.number, budget).unwrap();
        assert_eq!(log.before, Some(head.chain));
        let rows: Vec<Copied> = log
            .rows
            .iter()
            .map(|row| Copied {
                arrival: row.arrival,
                envelope: row.stored.as_ref().map(|stored| {
                    let envelope = all.iter().find(|envelope| envelope.id() == stored.id);
                    envelope.unwrap().clone()
                }),
            })
            .collect();
        assert!(to.follow(&space, &rows).unwrap());
        if !log.more {
            return;
        }
    }
}

pub(super) fn the_log_shows_what_was_dropped_and_a_copy_of_it_answers_alike<S: Store>(
    make: &mut dyn FnMut() -> S,
) {
    for count in [1, 5, 24, 100] {
        let (mut from, mut to) = (make(), make());
        let (space, mut authors, mut all, left) = thinned(&mut from);
        copied(&from, &mut to, &all, Budget { count, ..ALL });
        // It goes on from there, and after what the other one drops later.
        all.push(authors[0].write(b"13"));
        commit(&mut from, vec![all[24].clone()]);
        from.drop_envelopes(&space, &of(authors[0].id(), &[12])).unwrap();
        copied(&from, &mut to, &all, Budget { count, ..ALL });
        let mut ours = left.clone();
        ours.push(25);
        assert_eq!(held(&to, &space), ours);
        assert_eq!(to.head(&space).unwrap(), from.head(&space).unwrap());
        assert_eq!(to.frontier(&space).unwrap(), from.frontier(&space).unwrap());
        let log = to.log(&space, 0, ALL).unwrap();
        assert_eq!((log.before, log.rows.len(), log.more), (Some([0; 8]), 25, false));
        for row in log.rows {
            assert!(from.passed(&space, row.arrival).unwrap() && to.passed(&space, row.arrival).unwrap());
            assert_eq!(
                row.stored.map(|stored| stored.arrival),
                ours.contains(&row.arrival.number).then_some(row.arrival.number)
            );
        }
        assert_eq!(to.log(&space, 26, ALL).unwrap().before, None);
        assert!(to.log(&space, 25, ALL).unwrap().rows.is_empty());
    }
}

pub(super) fn rows_that_do_not_continue_are_not_taken<S: Store>(store: &mut S) {
    let space = space(1);
    let mut author = Author::new(1, space);
    let feed = author.write_many(4);
    commit(store, feed[..2].to_vec());
    let head = store.head(&space).unwrap();
    let row = |arrival: Arrival, envelope: Option<&Verified<Envelope>>| Copied {
        arrival,
        envelope: envelope.cloned(),
    };
    let hole = Arrival {
        number: 3,
        chain: [7; 8],
    };
    let far = Arrival {
        number: 4,
        chain: [7; 8],
    };
    let stranger = Author::new(1, super::space(2)).write(b"elsewhere");
    let bad = [
        vec![row(far, None)],
        vec![row(head, Some(&feed[1]))],
        // The chain of another history, a number that is taken, another space.
        vec![row(hole, Some(&feed[2]))],
        vec![row(head.next(feed[1].id()), Some(&feed[1]))],
        vec![row(head.next(stranger.id()), Some(&stranger))],
        // Nothing is left of what stood before the bad row.
        vec![row(head.next(feed[2].id()), Some(&feed[2])), row(hole, None)],
    ];
    for rows in bad {
        assert!(!store.follow(&space, &rows).unwrap(), "{rows:?}");
        assert_eq!(store.head(&space).unwrap(), head);
        assert_eq!(held(store, &space), [1, 2]);
    }
    let rows = [row(hole, None), row(hole.next(feed[3].id()), Some(&feed[3]))];
    assert!(store.follow(&space, &rows).unwrap());
    assert_eq!(held(store, &space), [1, 2, 4]);
    assert_eq!(store.tip(&space, author.id()).unwrap(), Some(feed[3].tip()));
    assert_eq!(store.head(&space).unwrap(), hole.next(feed[3].id()));
}
