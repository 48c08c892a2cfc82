//! A space that becomes less under several processes: bodies erased, envelopes dropped, its size true at every moment.

use std::collections::BTreeMap;
use std::thread;
use std::time::Instant;

use sotay_feed::Kind;
use sotay_postgres::server;
use sotay_store::conformance::{Author, commit, put, space};
use sotay_store::{Bucket, Put, Store};

use super::{Console, DEFECT, await_news, open, watched};

const NAME: &[u8] = b"the name of a person, sealed and padded as every body of a card is";

#[test]
fn what_one_process_erases_the_other_counts_no_more_and_is_no_news_to_phones() {
    let Some(mut server) = server::for_test("erasing by one of two processes") else {
        return;
    };
    let url = server.database().unwrap();
    let (mut a, (mut b, signals)) = (open(&url), watched(&url));
    let one = space(1);
    let mut author = Author::new(1, one);
    let card = author.write_kind(Kind::CARD, NAME);
    commit(&mut a, vec![card.clone()]);
    await_news(&mut b, &signals, |news| !news.spaces.is_empty());
    let before = b.space_bytes(&one).unwrap();
    put(&mut a, vec![Put::erase(card.id())]);
    let news = await_news(&mut b, &signals, |news| news.records.contains(&Bucket::Erased));
    assert!(news.spaces.is_empty() && !news.anything, "{news:?}");
    let fewer = (card.bytes().len() - card.erase().unwrap().bytes().len()) as u64;
    assert_eq!(b.space_bytes(&one).unwrap(), before - fewer);
    assert_eq!(a.space_bytes(&one).unwrap(), before - fewer);
}

#[test]
fn who_has_not_heard_that_a_space_became_less_writes_its_true_size() {
    let Some(mut server) = server::for_test("writing before the word of an erasure") else {
        return;
    };
    let url = server.database().unwrap();
    let (mut a, mut b) = (open(&url), open(&url));
    let one = space(1);
    let mut author = Author::new(1, one);
    let card = author.write_kind(Kind::CARD, NAME);
    commit(&mut a, vec![card.clone()]);
    commit(&mut a, author.write_many(3));
    // B knows the space, and never listens.
    assert_eq!(b.space_bytes(&one).unwrap(), a.space_bytes(&one).unwrap());
    put(&mut a, vec![Put::erase(card.id())]);
    commit(&mut b, author.write_many(1));
    a.full_check().unwrap();
    assert_eq!(
        b.space_bytes(&one).unwrap(),
        open(&url).space_bytes(&one).unwrap()
    );
    a.drop_envelopes(&one, &[(author.id(), 2), (author.id(), 3)])
        .unwrap();
    commit(&mut b, author.write_many(1));
    a.full_check().unwrap();
    assert_eq!(
        b.space_bytes(&one).unwrap(),
        open(&url).space_bytes(&one).unwrap()
    );
}

/// An erasure reaches two nodes at once, from two phones; and one is pruned away while another node erases it.
#[test]
fn two_who_make_the_same_envelope_less_at_once_count_it_once() {
    let Some(mut server) = server::for_test("erasing by two processes at once") else {
        return;
    };
    for (database, drop_it) in [("sotay1", false), ("sotay2", true)] {
        let url = server.database().unwrap();
        let mut a = open(&url);
        let one = space(1);
        let mut author = Author::new(1, one);
        let card = author.write_kind(Kind::CARD, NAME);
        commit(&mut a, vec![card.clone()]);
        commit(&mut a, author.write_many(2));
        // Somebody holds the row of the space until both wait for it, and know what was there before.
        let mut console = Console::open(&server, database);
        console.say("BEGIN; SELECT 1 FROM sotay.space FOR UPDATE;");
        let threads: Vec<_> = (0..2)
            .map(|number| {
                let (url, card, device) = (url.clone(), card.id(), author.id());
                thread::spawn(move || {
                    let mut store = open(&url);
                    store.space_bytes(&one).unwrap();
                    if number == 1 && drop_it {
                        store.drop_envelopes(&one, &[(device, 1)]).unwrap();
                    } else {
                        put(&mut store, vec![Put::erase(card)]);
                    }
                })
            })
            .collect();
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
        let until = Instant::now() + DEFECT;
        while server.sql("postgres", waiting).unwrap().trim() != "2" {
            assert!(Instant::now() < until, "nobody waits for the lock");
        }
        console.say("COMMIT;");
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let checked = a.full_check().unwrap();
        assert_eq!(checked.envelopes + checked.dropped, 3, "{checked:?}");
    }
}

/// Whoever reads a space again before a note about it comes must not take that note for an old one.
#[test]
fn what_came_before_a_drop_of_ones_own_is_news_although_its_note_is_late() {
    let Some(mut server) = server::for_test("news beside a drop") else {
        return;
    };
    let url = server.database().unwrap();
    let (mut a, (mut b, signals)) = (open(&url), watched(&url));
    let one = space(1);
    let mut author = Author::new(1, one);
    commit(&mut a, author.write_many(3));
    await_news(&mut b, &signals, |news| !news.spaces.is_empty());
    assert_eq!(b.head(&one).unwrap().number, 3);
    // The note of it is not heard before B drops something and looks again.
    commit(&mut a, author.write_many(1));
    b.drop_envelopes(&one, &[(author.id(), 1)]).unwrap();
    assert_eq!(b.head(&one).unwrap().number, 4);
    let news = await_news(&mut b, &signals, |news| !news.spaces.is_empty());
    assert_eq!(news.spaces, BTreeMap::from([(one, 3)]));
}
