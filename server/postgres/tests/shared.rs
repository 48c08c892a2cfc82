//! Several processes on one database: what one writes the others see, arrivals stay gapless, outcomes are true.

#[path = "shared/less.rs"]
mod less;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use sotay_feed::{Envelope, Frontier, Verified};
use sotay_postgres::{Options, PostgresStore, Signal, server};
use sotay_store::conformance::{ALL, Author, commit, put, record, space};
use sotay_store::{
    Arrival, Batch, Bucket, Budget, DatabaseId, MemoryStore, News, Outcome, Store, StoreError,
};

/// Only a defect takes so long.
const DEFECT: Duration = Duration::from_secs(60);

fn open(url: &str) -> PostgresStore {
    PostgresStore::open(url.parse().unwrap(), Options::default()).unwrap()
}

/// A store and what its watch tells.
fn watched(url: &str) -> (PostgresStore, mpsc::Receiver<Signal>) {
    let (sender, signals) = mpsc::channel();
    let options = Options {
        listener: Some(Box::new(move |signal| drop(sender.send(signal)))),
        ..Options::default()
    };
    (
        PostgresStore::open(url.parse().unwrap(), options).unwrap(),
        signals,
    )
}

fn await_signal(signals: &mpsc::Receiver<Signal>, wanted: impl Fn(&Signal) -> bool) {
    let until = Instant::now() + DEFECT;
    loop {
        let signal = signals
            .recv_timeout(until.saturating_duration_since(Instant::now()))
            .expect("a signal that must come did not");
        if wanted(&signal) {
            return;
        }
    }
}

/// News until some of it is as wanted.
fn await_news(
    store: &mut PostgresStore,
    signals: &mpsc::Receiver<Signal>,
    wanted: impl Fn(&News) -> bool,
) -> News {
    let mut all = News::default();
    loop {
        let news = store.news().unwrap();
        all.spaces.extend(news.spaces);
        all.forked.extend(news.forked);
        all.records.extend(news.records);
        all.anything |= news.anything;
        if wanted(&all) {
            return all;
        }
        await_signal(signals, |signal| *signal == Signal::News);
    }
}

/// Somebody at the server's own console. What was begun there ends with it.
struct Console {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Console {
    fn open(server: &server::Server, database: &str) -> Self {
        let mut psql = server.program("psql");
        psql.args(["-X", "-q", "-A", "-t", "-U", "sotay", "-d", database, "-h"]);
        psql.arg(server.dir()).args(["-v", "ON_ERROR_STOP=1"]);
        psql.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = psql.spawn().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { child, answers }
    }

    /// Returns when it is done.
    fn say(&mut self, statements: &str) {
        let mut input = self.child.stdin.as_ref().unwrap();
        writeln!(input, "{statements}\n\\echo done").unwrap();
        let mut line = String::new();
        while line != "done\n" {
            line.clear();
            assert!(
                self.answers.read_line(&mut line).unwrap() > 0,
                "the console ended"
            );
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}

#[test]
fn what_one_process_commits_is_news_to_the_other_and_not_to_itself() {
    let Some(mut server) = server::for_test("news between processes") else {
        return;
    };
    let url = server.database().unwrap();
    let ((mut a, own), (mut b, signals)) = (watched(&url), watched(&url));
    let one = space(1);
    let mut author = Author::new(1, one);
    assert_eq!(b.head(&one).unwrap().number, 0);
    let batch = author.write_many(3);
    commit(&mut a, batch.clone());
    let news = await_news(&mut b, &signals, |news| !news.spaces.is_empty());
    assert_eq!(news.spaces, BTreeMap::from([(one, 0)]));
    assert_eq!(b.head(&one).unwrap(), a.head(&one).unwrap());
    assert_eq!(b.since(&one, 0, ALL).unwrap(), a.since(&one, 0, ALL).unwrap());
    assert_eq!(b.tip(&one, author.id()).unwrap(), Some(batch[2].tip()));
    // Forks and records too.
    let mut twin = Author::continuing(1, one, Some(batch[0].tip()));
    commit(&mut a, vec![twin.write(b"twin")]);
    put(&mut a, vec![record(Bucket::Relay, b"k", Some(b"v"))]);
    let news = await_news(&mut b, &signals, |news| !news.records.is_empty());
    assert!(news.forked.contains(&one) && news.records.contains(&Bucket::Relay));
    assert_eq!(b.forks().unwrap(), a.forks().unwrap());
    assert_eq!(b.get(Bucket::Relay, b"k").unwrap().as_deref(), Some(&b"v"[..]));
    // A heard its own notes in the order of the commits; none of them is news.
    await_signal(&own, |signal| *signal == Signal::News);
    assert!(a.news().unwrap().is_empty());
}

#[test]
fn an_envelope_judged_by_an_old_view_gets_the_outcome_of_what_is_there() {
    let Some(mut server) = server::for_test("outcomes between processes") else {
        return;
    };
    let url = server.database().unwrap();
    let (mut a, mut b) = (open(&url), open(&url));
    let one = space(1);
    let (mut first, mut second) = (Author::new(1, one), Author::new(2, one));
    let mut twin = first.fork();
    assert_eq!(
        (a.head(&one).unwrap().number, b.head(&one).unwrap().number),
        (0, 0)
    );
    let f1 = first.write(b"1");
    let after_f1 = Arrival::default().next(f1.id());
    assert_eq!(commit(&mut a, vec![f1.clone()]), [Outcome::Stored(after_f1)]);
    // B has heard nothing and believes the space empty.
    let s1 = second.write(b"1");
    let after_s1 = after_f1.next(s1.id());
    let outcomes = commit(&mut b, vec![f1, s1.clone(), twin.write(b"other")]);
    assert_eq!(
        outcomes,
        [
            Outcome::Duplicate,
            Outcome::Stored(after_s1),
            Outcome::Fork { seq: 1 }
        ]
    );
    // It knows now, and tells from where on it did not.
    assert_eq!(b.head(&one).unwrap(), after_s1);
    assert_eq!(b.news().unwrap().spaces.get(&one), Some(&0));
    // A goes on from its own old view likewise.
    let f2 = first.write(b"2");
    assert_eq!(
        commit(&mut a, vec![f2.clone(), s1]),
        [Outcome::Stored(after_s1.next(f2.id())), Outcome::Duplicate]
    );
    assert_eq!(a.full_check().unwrap().envelopes, 3);
}

#[test]
fn a_token_minted_by_another_process_is_known_before_its_news() {
    let Some(mut server) = server::for_test("tokens between processes") else {
        return;
    };
    let url = server.database().unwrap();
    let (mut a, b) = (open(&url), open(&url));
    let one = space(1);
    let mut author = Author::new(1, one);
    commit(&mut a, author.write_many(2));
    assert_eq!(b.head(&one).unwrap().number, 2);
    commit(&mut a, author.write_many(2));
    let head = a.head(&one).unwrap();
    assert!(b.passed(&one, head).unwrap());
    assert_eq!(b.head(&one).unwrap(), head);
}

/// An acknowledgement names both (P9.4): a token that is newer than the digest beside it would hide from a phone what came
/// in between.
#[test]
fn frontier_head_and_size_are_of_one_moment_whatever_others_write_between_the_questions() {
    let Some(mut server) = server::for_test("one moment between processes") else {
        return;
    };
    let url = server.database().unwrap();
    let (mut a, (mut b, signals)) = (open(&url), watched(&url));
    let one = space(1);
    let mut author = Author::new(1, one);
    for round in 1..=3u64 {
        commit(&mut a, author.write_many(1));
        let seq = b.frontier(&one).unwrap().get(author.id());
        commit(&mut a, author.write_many(1));
        // The note of it has arrived, and waits to be heard.
        await_signal(&signals, |signal| *signal == Signal::News);
        let (head, bytes) = (b.head(&one).unwrap(), b.space_bytes(&one).unwrap());
        assert_eq!(head.number, seq, "round {round}");
        assert_eq!(b.since(&one, 0, ALL).unwrap().upto, seq);
        let held = b.since(&one, 0, ALL).unwrap().envelopes;
        let sum: u64 = held.iter().map(|stored| stored.bytes.len() as u64).sum();
        assert_eq!(bytes, sum);
        // The other way round.
        await_news(&mut b, &signals, |news| !news.spaces.is_empty());
        let head = b.head(&one).unwrap();
        commit(&mut a, author.write_many(1));
        assert_eq!(b.frontier(&one).unwrap().get(author.id()), head.number);
        await_news(&mut b, &signals, |_| true);
    }
}

#[test]
fn what_one_process_drops_the_other_finds_gone_and_writes_on_the_same_feed() {
    let Some(mut server) = server::for_test("dropping by one of two processes") else {
        return;
    };
    let url = server.database().unwrap();
    let (mut a, (mut b, signals)) = (open(&url), watched(&url));
    let one = space(1);
    let (mut author, mut other) = (Author::new(1, one), Author::new(2, one));
    let feed = author.write_many(6);
    commit(&mut a, feed.clone());
    commit(&mut a, other.write_many(2));
    // The other one believes that it knows the space, and has read from it.
    let whole = b.since(&one, 0, ALL).unwrap();
    assert_eq!((whole.envelopes.len(), b.frontier(&one).unwrap().len()), (8, 2));
    let places: Vec<_> = [1, 2, 4].map(|seq| (author.id(), seq)).to_vec();
    let dropped = a.drop_envelopes(&one, &places).unwrap();
    assert_eq!(dropped.envelopes, 3);
    for store in [&a, &b] {
        assert_eq!(store.at(&one, author.id(), 2).unwrap(), None);
        assert_eq!(store.envelope(feed[0].id()).unwrap(), None);
        let held: Vec<u64> = store
            .since(&one, 0, ALL)
            .unwrap()
            .envelopes
            .iter()
            .map(|stored| stored.arrival)
            .collect();
        assert_eq!(held, [3, 5, 6, 7, 8]);
        let lacking = store.missing(&one, &Frontier::from_iter([(other.id(), 2)]), 0, ALL);
        assert_eq!(lacking.unwrap().envelopes.len(), 3);
        assert!(store.passed(&one, store.head(&one).unwrap()).unwrap());
    }
    // Both at once drop what is left, and one of them writes in between.
    assert_eq!(b.drop_envelopes(&one, &places).unwrap().envelopes, 0);
    let next = author.write(b"7");
    assert!(matches!(commit(&mut b, vec![next])[..], [Outcome::Stored(_)]));
    let rest: Vec<_> = (1..=7).map(|seq| (author.id(), seq)).collect();
    // Number 6 is no tip any more, whatever this process believed.
    assert_eq!(a.drop_envelopes(&one, &rest).unwrap().envelopes, 3);
    // Word of it comes, and is no news to phones.
    while b.space_bytes(&one).unwrap() != a.space_bytes(&one).unwrap() {
        await_signal(&signals, |signal| *signal == Signal::News);
        let news = b.news().unwrap();
        assert!(!news.anything && news.forked.is_empty());
    }
    let checked = a.full_check().unwrap();
    assert_eq!((checked.envelopes, checked.dropped), (3, 6));
}

#[test]
fn a_database_on_a_server_tells_what_it_takes_there() {
    let Some(mut server) = server::for_test("the size of a database") else {
        return;
    };
    let mut store = open(&server.database().unwrap());
    let before = store.server_bytes().unwrap().unwrap();
    let mut author = Author::new(1, space(1));
    commit(&mut store, (0..20).map(|_| author.write(&[7; 60_000])).collect());
    assert!(store.server_bytes().unwrap().unwrap() > before);
}

/// So that they can be distributed by it, without a change.
#[test]
fn space_stands_first_in_the_key_of_every_table_that_grows() {
    let Some(mut server) = server::for_test("keys of the tables") else {
        return;
    };
    open(&server.database().unwrap());
    let keys = "SELECT c.relname, a.attname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
                  JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'sotay'
                  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
                 WHERE i.indisunique ORDER BY 1, 2";
    let keys = server.sql("sotay1", keys).unwrap();
    let keys: Vec<&str> = keys.lines().collect();
    let expected = [
        "database|one",
        "envelope|space",
        "envelope|space",
        "feed|space",
        "fork|space",
        "record|bucket",
        "space|space",
    ];
    assert_eq!(keys, expected);
}

#[test]
fn a_contended_space_is_held_by_one_process_at_a_time() {
    let Some(mut server) = server::for_test("holding a space") else {
        return;
    };
    let url = server.database().unwrap();
    let ((mut a, heard_a), (mut b, heard_b)) = (watched(&url), watched(&url));
    let one = space(1);
    let (mut first, mut second) = (Author::new(1, one), Author::new(2, one));
    // Nobody else writes it: nothing has to be locked.
    assert!(a.hold(&one, false).unwrap() && b.hold(&one, false).unwrap());
    commit(&mut a, vec![first.write(b"1")]);
    await_news(&mut b, &heard_b, |news| !news.spaces.is_empty());
    commit(&mut b, vec![second.write(b"1")]);
    await_news(&mut a, &heard_a, |news| !news.spaces.is_empty());
    // Both know of each other now.
    assert!(a.hold(&one, false).unwrap());
    assert!(!b.hold(&one, false).unwrap(), "a holds it");
    b.release().unwrap();
    let expected = a.head(&one).unwrap();
    let waiting = thread::spawn(move || {
        assert!(b.hold(&one, true).unwrap());
        (b.head(&one).unwrap(), b)
    });
    let f2 = first.write(b"2");
    commit(&mut a, vec![f2.clone()]);
    let (head, mut b) = waiting.join().unwrap();
    assert_eq!(head, expected.next(f2.id()), "what came before the hold is seen");
    let s2 = second.write(b"2");
    assert_eq!(
        commit(&mut b, vec![s2.clone()]),
        [Outcome::Stored(head.next(s2.id()))]
    );
    assert!(a.hold(&one, false).unwrap(), "the commit let it go");
}

#[test]
fn many_writers_leave_gapless_arrivals_and_whole_chains() {
    const WRITERS: u8 = 4;
    const ROUNDS: usize = 25;
    let Some(mut server) = server::for_test("many writers") else {
        return;
    };
    let url = server.database().unwrap();
    let threads: Vec<_> = (1..=WRITERS)
        .map(|number| {
            let mut store = open(&url);
            thread::spawn(move || {
                let mut authors = [0, 1, 2].map(|n| Author::new(number, space(n)));
                for _ in 0..ROUNDS {
                    // Each starts elsewhere: who locks in the order of a batch would deadlock.
                    let envelopes: Vec<Verified<Envelope>> = (0..3)
                        .flat_map(|n| authors[(usize::from(number) + n) % 3].write_many(2))
                        .collect();
                    let outcomes = commit(&mut store, envelopes);
                    assert!(
                        outcomes
                            .iter()
                            .all(|outcome| matches!(outcome, Outcome::Stored(_)))
                    );
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let each = u64::from(WRITERS) * ROUNDS as u64 * 2;
    let checked = open(&url).full_check().unwrap();
    assert_eq!((checked.spaces, checked.envelopes), (3, 3 * each));
}

fn split_mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[test]
fn two_processes_in_turns_answer_like_one_store_in_memory() {
    const DEVICES: u8 = 3;
    let Some(mut server) = server::for_test("the comparison with the store in memory") else {
        return;
    };
    for seed in 0..12 {
        let url = server.database().unwrap();
        let id = DatabaseId([9; 16]);
        let with_id = || Options {
            new_id: Some(id),
            ..Options::default()
        };
        let target = || url.parse().unwrap();
        let mut stores = [0, 1].map(|_| PostgresStore::open(target(), with_id()).unwrap());
        let mut memory = MemoryStore::new(id);
        let mut pool = Vec::new();
        for (number, device) in (0..2).flat_map(|number| (0..DEVICES).map(move |device| (number, device))) {
            let mut author = Author::new(device + 1, space(number));
            pool.extend(author.write_many(3));
            let mut twin = author.fork();
            pool.extend((0..5).map(|n| author.write(&vec![device; n * 150])));
            pool.extend((0..3).map(|_| twin.write(b"twin")));
        }
        let mut state = seed;
        let mut draw = |below: usize| {
            state = split_mix(state);
            (state >> 8) as usize % below
        };
        for _ in 0..12 {
            let from = draw(pool.len());
            let envelopes: Vec<_> = (0..draw(3))
                .flat_map(|_| pool.iter().skip((from + draw(20)) % pool.len()).take(1 + draw(9)))
                .cloned()
                .collect();
            let key = vec![[0, 1, 255][draw(3)]; draw(3)];
            let value = (draw(3) > 0).then(|| vec![draw(250) as u8; draw(9)]);
            let puts = vec![record(Bucket::Relay, &key, value.as_deref())];
            let batch = Batch {
                envelopes,
                puts,
                ..Batch::default()
            };
            let one = &mut stores[draw(2)];
            assert_eq!(
                one.commit(batch.clone()).unwrap(),
                memory.commit(batch).unwrap(),
                "seed {seed}"
            );
        }
        // A view that is behind is brought forward by opening anew.
        let fresh = PostgresStore::open(target(), with_id()).unwrap();
        let have: Frontier = (0..DEVICES)
            .map(|device| (Author::new(device + 1, space(0)).id(), draw(8) as u64))
            .collect();
        let budget = Budget {
            count: 1 + draw(9),
            bytes: draw(3000),
        };
        let (from, prefix) = (draw(12) as u64, vec![255; draw(2)]);
        assert_eq!(fresh.spaces().unwrap(), memory.spaces().unwrap());
        assert_eq!(fresh.forks().unwrap(), memory.forks().unwrap());
        assert_eq!(
            fresh.list(Bucket::Relay, &prefix).unwrap(),
            memory.list(Bucket::Relay, &prefix).unwrap()
        );
        for space in [space(0), space(1), space(2)] {
            assert_eq!(fresh.head(&space).unwrap(), memory.head(&space).unwrap());
            assert_eq!(fresh.frontier(&space).unwrap(), memory.frontier(&space).unwrap());
            assert_eq!(
                fresh.space_bytes(&space).unwrap(),
                memory.space_bytes(&space).unwrap()
            );
            for (after, budget) in [(0, ALL), (from, ALL), (from, budget), (0, budget)] {
                assert_eq!(
                    fresh.since(&space, after, budget).unwrap(),
                    memory.since(&space, after, budget).unwrap()
                );
                assert_eq!(
                    fresh.missing(&space, &have, after, budget).unwrap(),
                    memory.missing(&space, &have, after, budget).unwrap(),
                    "seed {seed} after {after} {have:?} {budget:?}"
                );
            }
        }
        for envelope in &pool {
            assert_eq!(
                fresh.envelope(envelope.id()).unwrap(),
                memory.envelope(envelope.id()).unwrap()
            );
        }
        let [mut one, _] = stores;
        one.full_check().unwrap();
    }
}

#[test]
fn a_commit_that_another_process_holds_up_for_good_is_given_up_in_words() {
    let Some(mut server) = server::for_test("a lock that does not come free") else {
        return;
    };
    let url = server.database().unwrap();
    let mut a = open(&url);
    let one = space(1);
    let mut author = Author::new(1, one);
    commit(&mut a, vec![author.write(b"1")]);
    // Somebody at the server's own console.
    let mut console = Console::open(&server, "sotay1");
    console.say("BEGIN; LOCK TABLE sotay.space IN ACCESS EXCLUSIVE MODE;");
    let second = author.write(b"2");
    let refused = a.commit(Batch {
        envelopes: vec![second.clone()],
        puts: vec![],
        ..Batch::default()
    });
    assert!(matches!(refused, Err(StoreError::Moved)), "{refused:?}");
    drop(console);
    assert!(matches!(commit(&mut a, vec![second])[..], [Outcome::Stored(_)]));
}
