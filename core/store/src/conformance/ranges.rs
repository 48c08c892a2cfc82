//! Range reads: pages, budgets, what the other side lacks.

use sotay_feed::{Envelope, Frontier, SpaceId, Verified};

use super::{ALL, Author, commit, numbers, space};
use crate::{Budget, Page, Store, Stored};

const WRITERS: u8 = 5;

/// Five feeds of ten envelopes, taken in turn: arrival `10 * n + …` is not in feed order.
fn filled<S: Store>(store: &mut S) -> (SpaceId, Vec<Verified<Envelope>>) {
    let space = space(1);
    let mut authors: Vec<_> = (1..=WRITERS).map(|seed| Author::new(seed, space)).collect();
    let mut all = Vec::new();
    for round in 0..10 {
        for (n, author) in authors.iter_mut().enumerate() {
            all.push(author.write(&vec![b'x'; 10 * n + round]));
        }
    }
    commit(store, all.clone());
    (space, all)
}

fn expected(all: &[Verified<Envelope>], have: &Frontier, after: u64) -> Vec<Stored> {
    let arrivals = 1..;
    let stored = arrivals
        .zip(all)
        .map(|(arrival, envelope)| Stored::new(arrival, envelope));
    stored
        .filter(|stored| stored.arrival > after && stored.seq > have.get(stored.device))
        .collect()
}

fn walk(mut next: impl FnMut(u64) -> Page) -> Vec<Stored> {
    let (mut after, mut all) = (0, Vec::new());
    loop {
        let page = next(after);
        assert!(
            page.envelopes
                .iter()
                .all(|stored| stored.arrival > after && stored.arrival <= page.upto)
        );
        all.extend(page.envelopes);
        if !page.more {
            return all;
        }
        assert!(page.upto > after, "a page that does not advance");
        after = page.upto;
    }
}

pub(super) fn pages_follow_each_other_without_loss_or_repetition<S: Store>(store: &mut S) {
    let (space, all) = filled(store);
    let everything = expected(&all, &Frontier::new(), 0);
    for count in [1, 3, 49, 50, 51] {
        let budget = Budget { count, ..ALL };
        assert_eq!(
            walk(|after| store.since(&space, after, budget).unwrap()),
            everything
        );
    }
    let have: Frontier = [(all[0].header().device, 4), (all[1].header().device, 10)]
        .into_iter()
        .collect();
    for count in [1, 7, 100] {
        let budget = Budget { count, bytes: 2000 };
        let walked = walk(|after| store.missing(&space, &have, after, budget).unwrap());
        assert_eq!(walked, expected(&all, &have, 0));
    }
}

pub(super) fn at_least_one_envelope_is_returned_over_any_budget<S: Store>(store: &mut S) {
    let (space, all) = filled(store);
    let nothing = Budget { count: 0, bytes: 0 };
    let page = store.since(&space, 6, nothing).unwrap();
    assert_eq!(
        (numbers(&page.envelopes), page.upto, page.more),
        (vec![7], 7, true)
    );
    let have: Frontier = (0..4).map(|n| (all[n].header().device, 10)).collect();
    let page = store.missing(&space, &have, 0, nothing).unwrap();
    // The next one lacking arrived as number 10: up to there the range has been looked at.
    assert_eq!(
        (numbers(&page.envelopes), page.upto, page.more),
        (vec![5], 9, true)
    );
    let page = store.missing(&space, &have, 45, nothing).unwrap();
    assert_eq!(
        (numbers(&page.envelopes), page.upto, page.more),
        (vec![50], 50, false)
    );
}

pub(super) fn a_page_stays_within_its_budget<S: Store>(store: &mut S) {
    let (space, all) = filled(store);
    let sizes: Vec<usize> = all.iter().map(|envelope| envelope.bytes().len()).collect();
    let first_three: usize = sizes[..3].iter().sum();
    for (bytes, count) in [
        (first_three, 3),
        (first_three - 1, 2),
        (first_three + sizes[3], 4),
    ] {
        let page = store.since(&space, 0, Budget { bytes, ..ALL }).unwrap();
        assert_eq!(page.envelopes.len(), count);
        assert!(page.more);
    }
    let page = store.since(&space, 48, Budget { count: 2, ..ALL }).unwrap();
    assert_eq!(
        (numbers(&page.envelopes), page.upto, page.more),
        (vec![49, 50], 50, false)
    );
}

pub(super) fn a_range_beyond_the_head_is_empty<S: Store>(store: &mut S) {
    let (space, _) = filled(store);
    for after in [50, 51, u64::MAX] {
        let nothing = Page {
            upto: 50,
            ..Page::default()
        };
        assert_eq!(store.since(&space, after, ALL).unwrap(), nothing);
        assert_eq!(
            store.missing(&space, &Frontier::new(), after, ALL).unwrap(),
            nothing
        );
    }
}

pub(super) fn missing_leaves_out_exactly_what_the_other_side_has<S: Store>(store: &mut S) {
    let (space, all) = filled(store);
    let device = |n: usize| all[n].header().device;
    let everything = store.frontier(&space).unwrap();
    let ahead: Frontier = [(device(0), 11), (device(1), u64::MAX)].into_iter().collect();
    let stranger: Frontier = [(Author::new(99, space).id(), 5)].into_iter().collect();
    let mut ahead_of_all = everything.clone();
    ahead_of_all.join(&ahead);
    for have in [Frontier::new(), everything, ahead, stranger, ahead_of_all] {
        for after in [0, 1, 24, 49, 50] {
            let page = store.missing(&space, &have, after, ALL).unwrap();
            assert_eq!(
                page.envelopes,
                expected(&all, &have, after),
                "{have:?} after {after}"
            );
            assert_eq!((page.upto, page.more), (50, false));
        }
    }
}

/// Feeds of very different lengths, the other side lacking little of each: a store that merges feeds must find the
/// first place of each after any arrival.
pub(super) fn missing_finds_little_in_much_from_any_place<S: Store>(store: &mut S) {
    let space = space(1);
    let mut authors: Vec<_> = (1..=3).map(|seed| Author::new(seed, space)).collect();
    let mut all = Vec::new();
    for n in 0usize..400 {
        let writer = usize::from(n % 7 == 3) + usize::from(n % 31 == 5);
        all.push(authors[writer].write(&[]));
    }
    commit(store, all.clone());
    let mut have = Frontier::new();
    for (device, seq) in store.frontier(&space).unwrap().iter() {
        have.raise(device, seq - seq.min(9));
    }
    let one = Budget { count: 1, ..ALL };
    assert_eq!(
        walk(|after| store.missing(&space, &have, after, one).unwrap()),
        expected(&all, &have, 0)
    );
    for after in (0..=400).step_by(3) {
        let page = store.missing(&space, &have, after, ALL).unwrap();
        assert_eq!(page.envelopes, expected(&all, &have, after), "after {after}");
    }
}
