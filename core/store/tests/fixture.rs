//! Databases that released versions left, opened for ever. See `docs/STORAGE.md`, "Fixtures".

use std::fs;
use std::path::{Path, PathBuf};

use sotay_feed::Kind;
use sotay_store::conformance::{ALL, Author, commit, put, record, space};
use sotay_store::{
    Arrival, Batch, Bucket, Checked, DatabaseId, KEY_BYTES_MAX, Options, Outcome, SqliteStore, Store,
};
use tempfile::TempDir;

/// Buckets that had a meaning when the fixture was made.
const BUCKETS_THEN: u8 = 13;

/// Chain of the newest arrival in the fixture of version 2.
const HEAD_OF_VERSION_2: u64 = 0x61ac_a15b_aa4a_5921;

const ID: DatabaseId = DatabaseId(*b"store fixture v1");

fn fixture(version: u8) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/store-v{version}.db"))
}

/// Two spaces, three feeds, one fork, one envelope of several pages, one record in every bucket.
fn fill(path: &Path) {
    let options = Options {
        new_id: Some(ID),
        ..Options::default()
    };
    let mut store = SqliteStore::open(path, &options).unwrap();
    let (mut a, mut b) = (Author::new(1, space(1)), Author::new(2, space(1)));
    let mut elsewhere = Author::new(1, space(2));
    let mut batch = a.write_many(2);
    let mut twin = a.fork();
    batch.extend([b.write(&[7; 5000]), a.write("Chi bộ".as_bytes())]);
    batch.extend([
        elsewhere.write_kind(Kind::from_number(999), b""),
        twin.write(b"twin"),
    ]);
    let outcomes = commit(&mut store, batch);
    assert_eq!(outcomes[5], Outcome::Fork { seq: 3 });
    put(
        &mut store,
        Bucket::ALL[..BUCKETS_THEN as usize]
            .iter()
            .map(|&bucket| record(bucket, &[bucket as u8, 255], Some(&[bucket as u8; 3])))
            .collect(),
    );
    put(
        &mut store,
        vec![record(Bucket::Snapshot, &[9; KEY_BYTES_MAX], Some(&[1; 6000]))],
    );
}

#[test]
fn a_database_of_version_1_opens_and_holds_what_it_held() {
    let folder = TempDir::new().unwrap();
    let copy = folder.path().join("copy.db");
    fs::copy(fixture(1), &copy).unwrap();
    // Looked at as it lies.
    let looked = SqliteStore::inspect(&copy, &Options::default()).unwrap();
    assert_eq!(looked.full_check().unwrap().envelopes, 5);
    drop(looked);
    assert_eq!(version_of(&copy), 1);
    let mut store = SqliteStore::open(&copy, &Options::default()).unwrap();
    assert_eq!(store.database_id(), ID);
    let (one, two) = (space(1), space(2));
    let head = |number, chain: u64| Arrival {
        number,
        chain: chain.to_be_bytes(),
    };
    assert_eq!(store.head(&one).unwrap(), head(4, 0x4648_2daf_cc2a_41bb));
    assert_eq!(store.head(&two).unwrap(), head(1, 0x58d6_df23_eb9f_1f05));
    assert!(store.passed(&one, head(2, 0xec07_1c91_aa45_030b)).unwrap());
    let all = store.since(&one, 0, ALL).unwrap().envelopes;
    let feeds: Vec<_> = all
        .iter()
        .map(|stored| (stored.device.to_string(), stored.seq, stored.bytes.len()))
        .collect();
    let (a, b) = ("83561adb398fd87f", "1eed29b1654fbca9");
    let expected = [(a, 1, 143), (a, 2, 143), (b, 1, 5137), (a, 3, 145)];
    assert_eq!(
        feeds,
        expected.map(|(device, seq, len)| (device.to_owned(), seq, len))
    );
    assert_eq!(
        all[3].id.to_string(),
        "39dc8e87195139433b2b979473fd8616bd3061f02377662dc72bfdcef2a63295"
    );
    assert_eq!(store.since(&two, 0, ALL).unwrap().envelopes[0].kind.number(), 999);
    let forks = store.forks().unwrap();
    assert_eq!((forks.len(), forks[0].space, forks[0].seq), (1, one, 3));
    for bucket in Bucket::ALL {
        let number = bucket as u8;
        // Buckets named after the fixture was made are empty in it, and can be read.
        let held = (number < BUCKETS_THEN).then(|| vec![number; 3]);
        assert_eq!(store.get(bucket, &[number, 255]).unwrap(), held);
    }
    assert_eq!(
        store.get(Bucket::Snapshot, &[9; KEY_BYTES_MAX]).unwrap(),
        Some(vec![1; 6000])
    );
    let expected = Checked {
        spaces: 2,
        envelopes: 5,
        dropped: 0,
        records: 14,
    };
    assert_eq!(store.full_check().unwrap(), expected);
    // And it goes on: the fork stays outside, the feed continues.
    let author = Author::new(1, one);
    let tip = store.tip(&one, author.id()).unwrap();
    let next = Author::continuing(1, one, tip).write(b"later");
    assert!(matches!(
        commit(&mut store, vec![next])[..],
        [Outcome::Stored(Arrival { number: 5, .. })]
    ));
}

/// Version 2 as a relay leaves it that dropped what a cover lets it drop, and a phone that leaped over it.
fn fill_with_holes(path: &Path) {
    let options = Options {
        new_id: Some(DatabaseId(*b"store fixture v2")),
        ..Options::default()
    };
    let mut store = SqliteStore::open(path, &options).unwrap();
    let (mut a, mut b) = (Author::new(1, space(1)), Author::new(2, space(1)));
    let mut batch = a.write_many(6);
    let far = b.write_many(9).remove(7);
    let leaps = [far.id()].into();
    batch.push(far);
    let batch = Batch {
        envelopes: batch,
        leaps,
        ..Batch::default()
    };
    assert_eq!(store.commit(batch).unwrap().outcomes.len(), 7);
    store
        .drop_envelopes(&space(1), &[1, 2, 4].map(|seq| (a.id(), seq)))
        .unwrap();
}

#[test]
fn a_database_of_version_2_with_holes_opens_and_holds_what_it_held() {
    let folder = TempDir::new().unwrap();
    let copy = folder.path().join("copy.db");
    fs::copy(fixture(2), &copy).unwrap();
    assert_eq!(version_of(&copy), 2);
    let store = SqliteStore::open(&copy, &Options::default()).unwrap();
    let all = store.since(&space(1), 0, ALL).unwrap().envelopes;
    let held: Vec<_> = all.iter().map(|stored| (stored.arrival, stored.seq)).collect();
    assert_eq!(held, [(3, 3), (5, 5), (6, 6), (7, 8)]);
    let frontier = store.frontier(&space(1)).unwrap();
    let tips: Vec<u64> = frontier.iter().map(|(_, seq)| seq).collect();
    assert_eq!(tips, [8, 6]);
    let expected = Checked {
        spaces: 1,
        envelopes: 4,
        dropped: 3,
        records: 0,
    };
    assert_eq!(store.full_check().unwrap(), expected);
    let head = Arrival {
        number: 7,
        chain: HEAD_OF_VERSION_2.to_be_bytes(),
    };
    assert_eq!(store.head(&space(1)).unwrap(), head);
}

/// `user_version`, as S2 says where it is.
fn version_of(path: &Path) -> u32 {
    let bytes = fs::read(path).unwrap();
    u32::from_be_bytes(bytes[60..64].try_into().unwrap())
}

#[test]
#[ignore = "makes the fixtures of a version; run once before its first release"]
fn make_the_fixtures() {
    for (version, fill) in [(1, fill as fn(&Path)), (2, fill_with_holes)] {
        if !fixture(version).exists() {
            fill(&fixture(version));
        }
    }
}
