//! The SQLite store against its dumber self: after any batches both give the same answer to every question.

use std::sync::LazyLock;

use proptest::prelude::*;
use sotay_feed::{Envelope, Frontier, Verified};
use sotay_store::conformance::{Author, space};
use sotay_store::{
    Arrival, Batch, Bucket, Budget, DatabaseId, MemoryStore, Options, Put, SqliteStore, Store,
};
use tempfile::TempDir;

const SPACES: u8 = 2;
const DEVICES: u8 = 4;
const LENGTH: usize = 8;

/// For every space and device two histories of [`LENGTH`] envelopes that part after the third.
static ENVELOPES: LazyLock<Vec<Verified<Envelope>>> = LazyLock::new(|| {
    let mut all = Vec::new();
    for (number, device) in (0..SPACES).flat_map(|number| (0..DEVICES).map(move |device| (number, device))) {
        let mut author = Author::new(device + 1, space(number));
        all.extend(author.write_many(3));
        let mut twin = author.fork();
        all.extend((3..LENGTH).map(|n| author.write(&vec![device; n * 150])));
        all.extend((3..LENGTH).map(|_| twin.write(b"twin")));
    }
    all
});

/// Runs of neighbours, so that feeds do grow, beside picks from anywhere.
fn envelopes() -> impl Strategy<Value = Vec<Verified<Envelope>>> {
    let block = LENGTH + LENGTH - 3;
    let from = prop_oneof![
        (0..ENVELOPES.len() / block).prop_map(move |n| n * block),
        0..ENVELOPES.len()
    ];
    let run = (from, 1usize..9).prop_map(|(from, count)| {
        ENVELOPES
            .iter()
            .skip(from)
            .take(count)
            .cloned()
            .collect::<Vec<_>>()
    });
    proptest::collection::vec(run, 0..5).prop_map(|runs| runs.concat())
}

fn puts() -> impl Strategy<Value = Vec<Put>> {
    let key = proptest::collection::vec(prop_oneof![Just(0u8), Just(1), Just(255)], 0..4);
    let value = proptest::option::weighted(0.7, proptest::collection::vec(any::<u8>(), 0..20));
    let bucket = prop_oneof![Just(Bucket::Profile), Just(Bucket::Tail), Just(Bucket::Relay)];
    let put = (bucket, key, value).prop_map(|(bucket, key, value)| Put { bucket, key, value });
    proptest::collection::vec(put, 0..6)
}

fn batches() -> impl Strategy<Value = Vec<Batch>> {
    let leaps = proptest::collection::vec(0..ENVELOPES.len(), 0..8)
        .prop_map(|chosen| chosen.into_iter().map(|n| ENVELOPES[n].id()).collect());
    let batch = (envelopes(), puts(), leaps).prop_map(|(envelopes, puts, leaps)| Batch {
        envelopes,
        puts,
        leaps,
    });
    proptest::collection::vec(batch, 0..12)
}

/// What is dropped after a batch: numbers of devices in a space.
fn drops() -> impl Strategy<Value = Vec<(u8, Vec<(u8, u64)>)>> {
    let places = proptest::collection::vec((0..DEVICES, 0..LENGTH as u64 + 2), 0..12);
    proptest::collection::vec((0..SPACES, places), 0..3)
}

#[derive(Debug, Clone)]
struct Question {
    have: Frontier,
    after: u64,
    budget: Budget,
    prefix: Vec<u8>,
}

fn questions() -> impl Strategy<Value = Vec<Question>> {
    let seqs = proptest::collection::vec(0..LENGTH as u64 + 2, usize::from(DEVICES));
    let have = seqs.prop_map(|seqs| {
        let devices = (0..DEVICES).map(|device| Author::new(device + 1, space(0)).id());
        devices.zip(seqs).collect::<Frontier>()
    });
    let budget = (0usize..12, 0usize..6000).prop_map(|(count, bytes)| Budget { count, bytes });
    let prefix = proptest::collection::vec(prop_oneof![Just(0u8), Just(1), Just(255)], 0..3);
    let question = (have, 0u64..40, budget, prefix).prop_map(|(have, after, budget, prefix)| Question {
        have,
        after,
        budget,
        prefix,
    });
    proptest::collection::vec(question, 8)
}

fn same(a: &impl Store, b: &impl Store, questions: &[Question]) -> Result<(), TestCaseError> {
    prop_assert_eq!(a.spaces().unwrap(), b.spaces().unwrap());
    prop_assert_eq!(a.forks().unwrap(), b.forks().unwrap());
    for space in (0..=SPACES).map(space) {
        let head = a.head(&space).unwrap();
        prop_assert_eq!(head, b.head(&space).unwrap());
        prop_assert_eq!(a.frontier(&space).unwrap(), b.frontier(&space).unwrap());
        prop_assert_eq!(a.space_bytes(&space).unwrap(), b.space_bytes(&space).unwrap());
        for question in questions {
            prop_assert_eq!(
                a.log(&space, question.after, question.budget).unwrap(),
                b.log(&space, question.after, question.budget).unwrap()
            );
        }
        for device in (0..=DEVICES).map(|device| Author::new(device + 1, space).id()) {
            prop_assert_eq!(a.tip(&space, device).unwrap(), b.tip(&space, device).unwrap());
            for seq in 0..=LENGTH as u64 + 1 {
                prop_assert_eq!(
                    a.at(&space, device, seq).unwrap(),
                    b.at(&space, device, seq).unwrap()
                );
            }
        }
        for question in questions {
            let Question {
                have, after, budget, ..
            } = question;
            prop_assert_eq!(
                a.since(&space, *after, *budget).unwrap(),
                b.since(&space, *after, *budget).unwrap()
            );
            prop_assert_eq!(
                a.missing(&space, have, *after, *budget).unwrap(),
                b.missing(&space, have, *after, *budget).unwrap(),
                "{:?}",
                question
            );
        }
        for number in 0..=head.number + 1 {
            let arrival = Arrival {
                number,
                chain: head.chain,
            };
            prop_assert_eq!(
                a.passed(&space, arrival).unwrap(),
                b.passed(&space, arrival).unwrap()
            );
        }
    }
    for envelope in ENVELOPES.iter() {
        prop_assert_eq!(
            a.envelope(envelope.id()).unwrap(),
            b.envelope(envelope.id()).unwrap()
        );
    }
    for (bucket, question) in Bucket::ALL
        .iter()
        .flat_map(|b| questions.iter().map(move |q| (*b, q)))
    {
        prop_assert_eq!(
            a.list(bucket, &question.prefix).unwrap(),
            b.list(bucket, &question.prefix).unwrap()
        );
        prop_assert_eq!(
            a.get(bucket, &question.prefix).unwrap(),
            b.get(bucket, &question.prefix).unwrap()
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn sqlite_and_memory_answer_alike_after_any_batches_also_reopened(
        batches in batches(),
        drops in proptest::collection::vec(drops(), 12),
        questions in questions(),
    ) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("store.db");
        let id = DatabaseId([9; 16]);
        let options = Options { new_id: Some(id), ..Options::default() };
        let mut memory = MemoryStore::new(id);
        let mut sqlite = SqliteStore::open(&path, &options).unwrap();
        for (batch, drops) in batches.into_iter().zip(drops) {
            prop_assert_eq!(sqlite.commit(batch.clone()).unwrap(), memory.commit(batch).unwrap());
            for (number, places) in drops {
                let id = |device| Author::new(device + 1, space(number)).id();
                let places: Vec<_> = places.into_iter().map(|(device, seq)| (id(device), seq)).collect();
                prop_assert_eq!(
                    sqlite.drop_envelopes(&space(number), &places).unwrap(),
                    memory.drop_envelopes(&space(number), &places).unwrap()
                );
            }
        }
        same(&sqlite, &memory, &questions)?;
        sqlite.full_check().unwrap();
        drop(sqlite);
        same(&SqliteStore::open(&path, &options).unwrap(), &memory, &questions)?;
    }
}
