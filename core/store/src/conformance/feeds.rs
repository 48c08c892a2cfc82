//! Feeds, chains, forks and arrivals.

use sotay_feed::limits::ENVELOPE_BYTES_MAX;
use sotay_feed::{Draft, EnvelopeId, Frontier, Kind};

use super::{ALL, Author, commit, space, stored_all};
use crate::{Arrival, Bucket, ForkEvidence, Outcome, Page, Store, Stored};

pub(super) fn an_empty_store_holds_nothing<S: Store>(store: &mut S) {
    let (space, author) = (space(1), Author::new(1, space(1)));
    assert_eq!(store.tip(&space, author.id()).unwrap(), None);
    assert_eq!(store.frontier(&space).unwrap(), Frontier::new());
    assert_eq!(store.head(&space).unwrap(), Arrival::default());
    assert_eq!(store.since(&space, 0, ALL).unwrap(), Page::default());
    assert_eq!(
        store.missing(&space, &Frontier::new(), 7, ALL).unwrap(),
        Page::default()
    );
    assert_eq!(store.at(&space, author.id(), 1).unwrap(), None);
    assert_eq!(store.envelope(EnvelopeId::ZERO).unwrap(), None);
    assert_eq!(store.space_bytes(&space).unwrap(), 0);
    assert!(store.spaces().unwrap().is_empty() && store.forks().unwrap().is_empty());
    for bucket in Bucket::ALL {
        assert!(store.list(bucket, b"").unwrap().is_empty());
    }
    assert!(commit(store, Vec::new()).is_empty());
}

pub(super) fn a_feed_grows_by_one_and_arrivals_count_and_commit_to_everything_before<S: Store>(
    store: &mut S,
) {
    let space = space(1);
    let (mut a, mut b) = (Author::new(1, space), Author::new(2, space));
    let batch = vec![a.write(b"a1"), b.write(b"b1"), a.write(b"a2")];
    let arrivals = stored_all(&commit(store, batch.clone()));
    let mut expected = Arrival::default();
    for (envelope, arrival) in batch.iter().zip(&arrivals) {
        expected = expected.next(envelope.id());
        assert_eq!(*arrival, expected);
        let stored = Stored::new(arrival.number, envelope);
        assert_eq!(store.envelope(envelope.id()).unwrap(), Some(stored.clone()));
        let header = envelope.header();
        assert_eq!(store.at(&space, header.device, header.seq).unwrap(), Some(stored));
    }
    // The chain goes on in a later transaction.
    let last = a.write(b"a3");
    assert_eq!(
        stored_all(&commit(store, vec![last.clone()])),
        [expected.next(last.id())]
    );
    assert_eq!(store.head(&space).unwrap(), expected.next(last.id()));
    assert_eq!(store.tip(&space, a.id()).unwrap(), Some(last.tip()));
    assert_eq!(
        store.frontier(&space).unwrap(),
        Frontier::from_iter([(a.id(), 3), (b.id(), 1)])
    );
    assert_eq!(store.spaces().unwrap(), [space]);
    let bytes: usize = batch
        .iter()
        .chain([&last])
        .map(|envelope| envelope.bytes().len())
        .sum();
    assert_eq!(store.space_bytes(&space).unwrap(), bytes as u64);
    assert_eq!(store.at(&space, a.id(), 4).unwrap(), None);
    assert_eq!(store.at(&space, a.id(), 0).unwrap(), None);
    assert_eq!(store.at(&space, a.id(), u64::MAX).unwrap(), None);
}

pub(super) fn a_duplicate_changes_nothing<S: Store>(store: &mut S) {
    let space = space(1);
    let batch = Author::new(1, space).write_many(3);
    commit(store, batch.clone());
    let (head, bytes) = (store.head(&space).unwrap(), store.space_bytes(&space).unwrap());
    assert_eq!(commit(store, batch.clone()), [Outcome::Duplicate; 3]);
    assert_eq!(
        (store.head(&space).unwrap(), store.space_bytes(&space).unwrap()),
        (head, bytes)
    );
    // Twice in one batch as well.
    let next = Author::continuing(1, space, Some(batch[2].tip())).write(b"4");
    let outcomes = commit(store, vec![next.clone(), next]);
    assert!(matches!(outcomes[..], [Outcome::Stored(_), Outcome::Duplicate]));
    assert!(store.forks().unwrap().is_empty());
}

pub(super) fn a_gap_is_told_and_nothing_is_kept<S: Store>(store: &mut S) {
    let space = space(1);
    let feed = Author::new(1, space).write_many(4);
    assert_eq!(
        commit(store, vec![feed[1].clone()]),
        [Outcome::Gap { expected: 1 }]
    );
    assert!(store.spaces().unwrap().is_empty());
    commit(store, vec![feed[0].clone()]);
    let outcomes = commit(store, vec![feed[2].clone(), feed[3].clone()]);
    assert_eq!(outcomes, [Outcome::Gap { expected: 2 }; 2]);
    assert_eq!(store.envelope(feed[2].id()).unwrap(), None);
    assert_eq!(store.head(&space).unwrap().number, 1);
}

pub(super) fn one_bad_envelope_does_not_hold_back_others_of_its_batch<S: Store>(store: &mut S) {
    let space = space(1);
    let (mut a, mut b) = (Author::new(1, space), Author::new(2, space));
    let lost = a.write(b"lost");
    let outcomes = commit(
        store,
        vec![a.write(b"a2"), b.write(b"b1"), a.write(b"a3"), b.write(b"b2")],
    );
    assert!(matches!(
        outcomes[..],
        [
            Outcome::Gap { expected: 1 },
            Outcome::Stored(Arrival { number: 1, .. }),
            Outcome::Gap { expected: 1 },
            Outcome::Stored(Arrival { number: 2, .. })
        ]
    ));
    assert_eq!(store.envelope(lost.id()).unwrap(), None);
}

pub(super) fn another_envelope_at_a_taken_number_is_kept_as_evidence_only<S: Store>(store: &mut S) {
    let space = space(1);
    let mut author = Author::new(1, space);
    let first = author.write(b"1");
    let mut twin = author.fork();
    let (ours, other) = (author.write(b"ours"), twin.write(b"other"));
    commit(store, vec![first, ours.clone()]);
    for _ in 0..2 {
        assert_eq!(commit(store, vec![other.clone()]), [Outcome::Fork { seq: 2 }]);
    }
    let evidence = ForkEvidence {
        space,
        device: author.id(),
        seq: 2,
        other: other.bytes().clone(),
    };
    assert_eq!(store.forks().unwrap(), [evidence]);
    assert_eq!(store.tip(&space, author.id()).unwrap(), Some(ours.tip()));
    assert_eq!(store.envelope(other.id()).unwrap(), None);
    assert_eq!(store.head(&space).unwrap().number, 2);
    // The history we hold goes on.
    assert!(matches!(
        commit(store, vec![author.write(b"3")])[..],
        [Outcome::Stored(_)]
    ));
}

pub(super) fn another_predecessor_proves_a_fork_one_number_earlier<S: Store>(store: &mut S) {
    let space = space(1);
    let mut author = Author::new(1, space);
    let first = author.write(b"1");
    let mut twin = author.fork();
    twin.write(b"unseen");
    let onto_unseen = twin.write(b"onto unseen");
    commit(store, vec![first, author.write(b"2")]);
    assert_eq!(
        commit(store, vec![onto_unseen.clone()]),
        [Outcome::Fork { seq: 2 }]
    );
    assert_eq!(store.forks().unwrap()[0].other, *onto_unseen.bytes());
    // The same when the number is taken already.
    commit(store, vec![author.write(b"3")]);
    assert_eq!(commit(store, vec![onto_unseen]), [Outcome::Fork { seq: 2 }]);
    assert_eq!(store.forks().unwrap().len(), 1);
}

pub(super) fn the_lowest_proof_of_a_fork_is_kept_and_one_per_feed<S: Store>(store: &mut S) {
    let space = space(1);
    let mut author = Author::new(1, space);
    let mut early = author.fork();
    let early = early.write(b"early");
    let first = author.write(b"1");
    let mut late = author.fork();
    let (late, mut other) = (late.write(b"late"), Author::new(2, space));
    let mut twin = other.fork();
    commit(store, vec![first, author.write(b"2"), other.write(b"o1")]);
    let outcomes = commit(store, vec![late.clone(), early.clone(), late, twin.write(b"t1")]);
    let expected = [2, 1, 2, 1].map(|seq| Outcome::Fork { seq });
    assert_eq!(outcomes, expected);
    let forks = store.forks().unwrap();
    assert_eq!(forks.len(), 2);
    assert!(forks[0].device < forks[1].device);
    assert!(
        forks
            .iter()
            .any(|fork| fork.seq == 1 && fork.other == *early.bytes())
    );
}

pub(super) fn spaces_with_equal_writers_do_not_mix<S: Store>(store: &mut S) {
    let (one, two) = (space(1), space(2));
    let (mut in_one, mut in_two) = (Author::new(1, one), Author::new(1, two));
    let batch = vec![in_two.write(b"x"), in_one.write(b"y"), in_two.write(b"z")];
    let arrivals = stored_all(&commit(store, batch));
    assert_eq!(
        arrivals.iter().map(|arrival| arrival.number).collect::<Vec<_>>(),
        [1, 1, 2]
    );
    assert_eq!(store.head(&one).unwrap().number, 1);
    assert_eq!(store.since(&two, 0, ALL).unwrap().envelopes.len(), 2);
    assert_eq!(store.frontier(&one).unwrap().get(in_one.id()), 1);
    let mut both = [one, two];
    both.sort();
    assert_eq!(store.spaces().unwrap(), both);
}

pub(super) fn an_arrival_is_passed_only_if_this_history_went_through_it<S: Store>(store: &mut S) {
    let space = space(1);
    let (mut a, mut b) = (Author::new(1, space), Author::new(2, space));
    let (a1, a2, b1) = (a.write(b"1"), a.write(b"2"), b.write(b"1"));
    let start = Arrival::default();
    let (first, ours) = (start.next(a1.id()), start.next(a1.id()).next(a2.id()));
    // A database that was set back after `first` and went on otherwise would hold this one.
    let elsewhere = first.next(b1.id());
    assert!(store.passed(&space, start).unwrap());
    assert!(!store.passed(&space, first).unwrap());
    commit(store, vec![a1, a2]);
    for (arrival, expected) in [(start, true), (first, true), (ours, true), (elsewhere, false)] {
        assert_eq!(store.passed(&space, arrival).unwrap(), expected);
    }
    let strange = [
        Arrival {
            number: 0,
            chain: [1; 8],
        },
        Arrival {
            number: 1,
            chain: ours.chain,
        },
        Arrival {
            number: 3,
            chain: ours.chain,
        },
        Arrival {
            number: u64::MAX,
            chain: ours.chain,
        },
    ];
    for arrival in strange {
        assert!(!store.passed(&space, arrival).unwrap(), "{arrival:?}");
    }
    commit(store, vec![b1.clone()]);
    assert!(store.passed(&space, ours.next(b1.id())).unwrap());
    assert!(!store.passed(&super::space(2), first).unwrap());
}

pub(super) fn an_envelope_of_the_greatest_size_and_of_an_unknown_kind_is_kept_as_it_came<S: Store>(
    store: &mut S,
) {
    let space = space(1);
    let mut author = Author::new(1, space);
    let room = Draft::next(&author.keys, Kind::from_number(999), &space, None).body_room();
    let largest = author.write_kind(Kind::from_number(999), &vec![0xa5; room]);
    assert_eq!(largest.bytes().len(), ENVELOPE_BYTES_MAX);
    let empty = author.write(b"");
    commit(store, vec![largest.clone(), empty.clone()]);
    let page = store.since(&space, 0, ALL).unwrap();
    assert_eq!(page.envelopes, [Stored::new(1, &largest), Stored::new(2, &empty)]);
    assert_eq!(page.envelopes[0].kind.number(), 999);
}
