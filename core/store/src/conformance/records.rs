//! Records, atomicity, and what is left after reopening.

use super::{ALL, Author, commit, put, record, space};
use crate::{Batch, Bucket, KEY_BYTES_MAX, Outcome, Store, StoreError, VALUE_BYTES_MAX};

pub(super) fn a_record_is_read_back_replaced_and_deleted<S: Store>(store: &mut S) {
    let (bucket, key) = (Bucket::Profile, b"key".as_slice());
    put(store, vec![record(bucket, key, Some(b"one"))]);
    assert_eq!(
        store.get(bucket, key).unwrap().as_deref(),
        Some(b"one".as_slice())
    );
    for other in Bucket::ALL.into_iter().filter(|&other| other != bucket) {
        assert_eq!(store.get(other, key).unwrap(), None);
    }
    put(store, vec![record(bucket, key, Some(b"two"))]);
    assert_eq!(
        store.get(bucket, key).unwrap().as_deref(),
        Some(b"two".as_slice())
    );
    // Empty is not absent; the empty key is a key.
    put(
        store,
        vec![
            record(bucket, key, Some(b"")),
            record(bucket, b"", Some(b"at empty")),
        ],
    );
    assert_eq!(store.get(bucket, key).unwrap().as_deref(), Some(b"".as_slice()));
    assert_eq!(
        store.get(bucket, b"").unwrap().as_deref(),
        Some(b"at empty".as_slice())
    );
    put(
        store,
        vec![record(bucket, key, None), record(bucket, b"never there", None)],
    );
    assert_eq!(store.get(bucket, key).unwrap(), None);
    assert_eq!(store.get(bucket, &[7; KEY_BYTES_MAX + 1]).unwrap(), None);
}

pub(super) fn records_are_listed_by_prefix_in_byte_order<S: Store>(store: &mut S) {
    let keys: [&[u8]; 9] = [
        &[],
        &[0],
        &[1],
        &[1, 0],
        &[1, 255],
        &[1, 255, 255],
        &[2],
        &[255],
        &[255, 255],
    ];
    let scattered = [4, 0, 8, 2, 6, 1, 7, 3, 5];
    put(
        store,
        scattered
            .map(|n| record(Bucket::Tail, keys[n], Some(keys[n])))
            .to_vec(),
    );
    put(
        store,
        vec![
            record(Bucket::Snapshot, &[1, 1], Some(b"")),
            record(Bucket::Orphan, &[1, 1], Some(b"")),
        ],
    );
    let listed = |prefix: &[u8]| {
        let records = store.list(Bucket::Tail, prefix).unwrap();
        assert!(records.iter().all(|(key, value)| key == value));
        records.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    assert_eq!(listed(&[]), keys);
    assert_eq!(listed(&[1]), keys[2..6]);
    assert_eq!(listed(&[1, 255]), keys[4..6]);
    assert_eq!(listed(&[255]), keys[7..]);
    assert!(listed(&[3]).is_empty());
}

pub(super) fn later_puts_of_a_batch_win<S: Store>(store: &mut S) {
    let values: [Option<&[u8]>; 4] = [Some(b"1"), None, Some(b"3"), Some(b"4")];
    put(
        store,
        values.map(|value| record(Bucket::Peer, b"k", value)).to_vec(),
    );
    assert_eq!(
        store.get(Bucket::Peer, b"k").unwrap().as_deref(),
        Some(b"4".as_slice())
    );
    put(
        store,
        [Some(b"5".as_slice()), None]
            .map(|value| record(Bucket::Peer, b"k", value))
            .to_vec(),
    );
    assert_eq!(store.get(Bucket::Peer, b"k").unwrap(), None);
}

pub(super) fn records_are_written_though_an_envelope_of_the_batch_was_refused<S: Store>(store: &mut S) {
    let mut author = Author::new(1, space(1));
    author.write(b"lost");
    let batch = Batch {
        envelopes: vec![author.write(b"2")],
        puts: vec![record(Bucket::Quarantine, b"k", Some(b"why"))],
        ..Batch::default()
    };
    let committed = store.commit(batch).unwrap();
    assert_eq!(committed.outcomes, [Outcome::Gap { expected: 1 }]);
    assert!(store.get(Bucket::Quarantine, b"k").unwrap().is_some());
}

pub(super) fn keys_and_values_at_the_limit_pass_and_one_byte_more_fails_the_whole_batch<S: Store>(
    store: &mut S,
) {
    let space = space(1);
    let mut author = Author::new(1, space);
    let (key, value) = ([3; KEY_BYTES_MAX + 1], vec![5; VALUE_BYTES_MAX + 1]);
    let long_key = record(Bucket::Tail, &key, Some(b"v"));
    let long_value = record(Bucket::Tail, b"k", Some(&value));
    for (bad, len, limit) in [
        (long_key, KEY_BYTES_MAX + 1, KEY_BYTES_MAX),
        (record(Bucket::Tail, &key, None), KEY_BYTES_MAX + 1, KEY_BYTES_MAX),
        (long_value, VALUE_BYTES_MAX + 1, VALUE_BYTES_MAX),
    ] {
        let refused = store.commit(Batch {
            envelopes: vec![author.fork().write(b"1")],
            puts: vec![record(Bucket::Tail, b"good", Some(b"v")), bad],
            ..Batch::default()
        });
        assert!(
            matches!(refused, Err(StoreError::TooLarge { len: l, limit: m }) if l == len && m == limit),
            "{refused:?}"
        );
        assert_eq!(store.head(&space).unwrap().number, 0);
        assert_eq!(store.get(Bucket::Tail, b"good").unwrap(), None);
    }
    put(store, vec![record(Bucket::Tail, &key[1..], Some(&value[1..]))]);
    assert_eq!(
        store.get(Bucket::Tail, &key[1..]).unwrap().as_deref(),
        Some(&value[1..])
    );
    commit(store, vec![author.write(b"1")]);
    assert_eq!(store.head(&space).unwrap().number, 1);
}

pub(super) fn everything_is_there_after_reopening<S: Store>(mut store: S, reopen: impl FnOnce(S) -> S) {
    let space = space(1);
    let (mut a, mut b) = (Author::new(1, space), Author::new(2, space));
    let mut twin = a.fork();
    let mut envelopes = a.write_many(20);
    envelopes.extend(b.write_many(5));
    let puts = vec![
        record(Bucket::Person, b"k", Some(b"v")),
        record(Bucket::Applied, b"", Some(b"")),
    ];
    store
        .commit(Batch {
            envelopes,
            puts,
            ..Batch::default()
        })
        .unwrap();
    commit(&mut store, vec![twin.write(b"twin")]);
    put(&mut store, vec![record(Bucket::Applied, b"", None)]);
    store
        .drop_envelopes(&space, &[2, 3].map(|seq| (b.id(), seq)))
        .unwrap();
    let mut leaper = Author::new(3, space);
    let far = leaper.write_many(4).remove(3);
    let leap = Batch {
        leaps: [far.id()].into(),
        envelopes: vec![far],
        ..Batch::default()
    };
    store.commit(leap).unwrap();
    let answers = |store: &S| {
        (
            (
                store.database_id(),
                store.head(&space).unwrap(),
                store.frontier(&space).unwrap(),
            ),
            (
                store.since(&space, 0, ALL).unwrap(),
                store.forks().unwrap(),
                store.spaces().unwrap(),
            ),
            (
                store.space_bytes(&space).unwrap(),
                store.tip(&space, a.id()).unwrap(),
                store.log(&space, 0, ALL).unwrap(),
                store.tip(&space, leaper.id()).unwrap(),
            ),
            Bucket::ALL.map(|bucket| store.list(bucket, b"").unwrap()),
        )
    };
    let before = answers(&store);
    let mut store = reopen(store);
    assert_eq!(answers(&store), before);
    let head = store.head(&space).unwrap();
    let next = a.write(b"next");
    assert_eq!(
        commit(&mut store, vec![next.clone()]),
        [Outcome::Stored(head.next(next.id()))]
    );
}
