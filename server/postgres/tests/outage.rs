//! The server dies, is stopped, freezes, or turns out to be another: the store says so, and goes on when it is back.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use sotay_postgres::server::{self, Server};
use sotay_postgres::{Options, PostgresStore, Signal};
use sotay_store::conformance::{ALL, Author, commit, space};
use sotay_store::{Batch, DatabaseId, Outcome, Store, StoreError};

/// Only a defect takes so long.
const DEFECT: Duration = Duration::from_secs(60);

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
    while !wanted(
        &signals
            .recv_timeout(DEFECT)
            .expect("a signal that must come did not"),
    ) {}
}

fn down(signal: &Signal) -> bool {
    matches!(signal, Signal::Down(_))
}

fn tried(store: &mut PostgresStore, author: &Author) -> Result<Vec<Outcome>, StoreError> {
    let batch = Batch {
        envelopes: vec![author.fork().write(b"next")],
        puts: vec![],
        ..Batch::default()
    };
    store.commit(batch).map(|committed| committed.outcomes)
}

fn goes_on_after(server: &mut Server, end: impl FnOnce(&mut Server), again: impl FnOnce(&mut Server)) {
    let url = server.database().unwrap();
    let (mut store, signals) = watched(&url);
    let one = space(1);
    let mut author = Author::new(1, one);
    commit(&mut store, author.write_many(5));
    let before = store.since(&one, 0, ALL).unwrap();
    end(server);
    await_signal(&signals, down);
    // At once: a shard that waited for each phone's turn would serve nobody.
    let start = Instant::now();
    for _ in 0..100 {
        assert!(matches!(tried(&mut store, &author), Err(StoreError::Unreachable)));
        assert!(matches!(store.head(&space(2)), Err(StoreError::Unreachable)));
    }
    assert!(start.elapsed() < DEFECT);
    again(server);
    await_signal(&signals, |signal| *signal == Signal::Up);
    assert!(store.news().unwrap().anything);
    assert_eq!(
        store.since(&one, 0, ALL).unwrap(),
        before,
        "what was committed is there"
    );
    assert!(matches!(
        tried(&mut store, &author).unwrap()[..],
        [Outcome::Stored(_)]
    ));
    assert_eq!(store.full_check().unwrap().envelopes, 6);
}

#[test]
fn a_server_that_is_stopped_or_killed_is_missed_and_used_again_when_it_is_back() {
    let Some(mut server) = server::for_test("outages of the server") else {
        return;
    };
    goes_on_after(
        &mut server,
        |server| server.stop().unwrap(),
        |server| server.resume().unwrap(),
    );
    goes_on_after(
        &mut server,
        |server| server.kill().unwrap(),
        |server| server.resume().unwrap(),
    );
}

#[test]
fn a_connection_that_died_while_nobody_called_is_made_anew_with_the_next_call() {
    let Some(mut server) = server::for_test("a connection that died unnoticed") else {
        return;
    };
    let url = server.database().unwrap();
    let (mut store, signals) = watched(&url);
    let mut author = Author::new(1, space(1));
    commit(&mut store, author.write_many(2));
    server.stop().unwrap();
    await_signal(&signals, down);
    server.resume().unwrap();
    await_signal(&signals, |signal| *signal == Signal::Up);
    assert_eq!(store.head(&space(1)).unwrap().number, 2);
    assert!(matches!(
        tried(&mut store, &author).unwrap()[..],
        [Outcome::Stored(_)]
    ));
}

#[test]
fn a_frozen_server_is_given_up_even_in_the_middle_of_a_call() {
    let Some(mut server) = server::for_test("a frozen server") else {
        return;
    };
    let url = server.database().unwrap();
    let (mut store, signals) = watched(&url);
    let mut author = Author::new(1, space(1));
    commit(&mut store, vec![author.write(b"1")]);
    // The server's processes stop; its sockets stay.
    let pids = server
        .sql(
            "sotay1",
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'sotay-relay'",
        )
        .unwrap();
    let signal = |name: &str| {
        for pid in pids.lines() {
            let sent = std::process::Command::new("sh")
                .args(["-c", &format!("kill -{name} {pid}")])
                .status();
            assert!(sent.unwrap().success());
        }
    };
    signal("STOP");
    assert!(matches!(tried(&mut store, &author), Err(StoreError::Unreachable)));
    await_signal(&signals, down);
    signal("CONT");
    await_signal(&signals, |signal| *signal == Signal::Up);
    // The commit may have taken effect after all: nobody was told, and the phone offers it again.
    let outcome = tried(&mut store, &author).unwrap();
    assert!(
        matches!(outcome[..], [Outcome::Stored(_) | Outcome::Duplicate]),
        "{outcome:?}"
    );
}

#[test]
fn another_database_under_the_same_address_is_not_written() {
    let Some(mut server) = server::for_test("another database") else {
        return;
    };
    let url = server.database().unwrap();
    let (mut store, signals) = watched(&url);
    let author = Author::new(1, space(1));
    server.sql("sotay1", "DROP SCHEMA sotay CASCADE").unwrap();
    let other = Options {
        new_id: Some(DatabaseId([7; 16])),
        ..Options::default()
    };
    drop(PostgresStore::open(url.parse().unwrap(), other).unwrap());
    server
        .sql(
            "postgres",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sotay-relay'",
        )
        .unwrap();
    await_signal(&signals, down);
    for _ in 0..3 {
        assert!(tried(&mut store, &author).is_err());
    }
    drop(store);
    let (fresh, _) = watched(&url);
    assert!(fresh.spaces().unwrap().is_empty());
}

#[test]
fn what_stands_in_the_way_of_opening_is_said_in_words() {
    let Some(mut server) = server::for_test("opening") else {
        return;
    };
    let open = |url: &str| PostgresStore::open(url.parse().unwrap(), Options::default());
    let words = |url: &str| open(url).unwrap_err().to_string();
    assert!(words(&server.url("nowhere")).contains("no database of that name"));
    let nobody = server.url("postgres").replace("user=sotay", "user=nobody-here");
    assert!(words(&nobody).contains("refuses user or password"));
    assert!(matches!(
        open("postgres:///sotay?host=/nowhere&user=sotay"),
        Err(StoreError::Unreachable)
    ));
    // A schema of that name that is somebody else's.
    let url = server.database().unwrap();
    server
        .sql("sotay1", "CREATE SCHEMA sotay; CREATE TABLE sotay.theirs (n int)")
        .unwrap();
    assert!(matches!(open(&url), Err(StoreError::Foreign)));
    assert_eq!(
        server.sql("sotay1", "SELECT count(*) FROM sotay.theirs").unwrap(),
        "0\n"
    );
    // A user without the right to make tables.
    let url = server.database().unwrap();
    server.sql("sotay2", "CREATE ROLE guest LOGIN").unwrap();
    assert!(words(&url.replace("user=sotay", "user=guest")).contains("lacks a right"));
}

#[test]
fn a_newer_database_is_refused_and_left_as_it_is() {
    let Some(mut server) = server::for_test("a newer database") else {
        return;
    };
    let url = server.database().unwrap();
    let (mut store, signals) = watched(&url);
    commit(&mut store, Author::new(1, space(1)).write_many(2));
    server
        .sql("sotay1", "UPDATE sotay.database SET version = 7")
        .unwrap();
    let refused = PostgresStore::open(url.parse().unwrap(), Options::default());
    assert!(matches!(refused, Err(StoreError::Newer { found: 7, known: 2 })));
    assert_eq!(
        server
            .sql("sotay1", "SELECT count(*) FROM sotay.envelope")
            .unwrap(),
        "2\n"
    );
    // One that was open when somebody migrated notices with its next connection.
    server
        .sql(
            "postgres",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sotay-relay'",
        )
        .unwrap();
    await_signal(
        &signals,
        |signal| matches!(signal, Signal::Down(words) if words.contains("version 7")),
    );
    server
        .sql("sotay1", "UPDATE sotay.database SET version = 1")
        .unwrap();
    await_signal(&signals, |signal| *signal == Signal::Up);
    assert_eq!(store.head(&space(1)).unwrap().number, 2);
}

#[test]
fn a_server_that_does_not_write_to_disk_is_refused() {
    if server::for_test("a server without fsync").is_none() {
        return;
    }
    let mut server = Server::start(&["fsync = off"]).unwrap();
    let url = server.database().unwrap();
    let refused = PostgresStore::open(url.parse().unwrap(), Options::default()).unwrap_err();
    assert!(refused.to_string().contains("fsync off"), "{refused}");
}
