//! Bodies that are erased: the feed stays whole, the bytes are gone.

use sotay_feed::{Envelope, EnvelopeId, Kind};

use super::{ALL, Author, commit, put, space};
use crate::{Batch, Bucket, Outcome, Put, Store};

const NAME: &[u8] = b"the name of a person, sealed and padded as every body of a card is";

fn bodies<S: Store>(store: &S) -> Vec<(EnvelopeId, Vec<u8>, bool)> {
    let page = store.since(&space(1), 0, ALL).unwrap();
    let read = |bytes: &[u8]| Envelope::decode(bytes).unwrap();
    page.envelopes
        .iter()
        .map(|stored| {
            let envelope = read(&stored.bytes);
            assert_eq!(envelope.id(), stored.id);
            (stored.id, envelope.body().to_vec(), envelope.is_erased())
        })
        .collect()
}

pub(super) fn an_erased_body_is_gone_and_its_feed_goes_on<S: Store>(store: &mut S) {
    let mut author = Author::new(1, space(1));
    let (first, card) = (author.write(b"1"), author.write_kind(Kind::CARD, NAME));
    commit(store, vec![first.clone(), card.clone()]);
    let (head, frontier) = (store.head(&space(1)).unwrap(), store.frontier(&space(1)).unwrap());
    let bytes = store.space_bytes(&space(1)).unwrap();
    put(store, vec![Put::erase(card.id())]);
    let expected = [(first.id(), b"1".to_vec(), false), (card.id(), Vec::new(), true)];
    assert_eq!(bodies(store), expected);
    assert_eq!(store.head(&space(1)).unwrap(), head);
    assert_eq!(store.frontier(&space(1)).unwrap(), frontier);
    let left = card.erase().unwrap();
    let fewer = (card.bytes().len() - left.bytes().len()) as u64;
    assert_eq!(store.space_bytes(&space(1)).unwrap(), bytes - fewer);
    let stored = store.envelope(card.id()).unwrap().unwrap();
    assert_eq!(stored.bytes, *left.bytes());
    assert_eq!(store.at(&space(1), author.id(), 2).unwrap().unwrap(), stored);
    // Both forms are the same envelope, and neither brings the body back.
    assert_eq!(commit(store, vec![card.clone(), left]), [Outcome::Duplicate; 2]);
    assert_eq!(bodies(store), expected);
    put(store, vec![Put::erase(card.id())]);
    let next = author.write(b"3");
    assert_eq!(
        commit(store, vec![next.clone()]),
        [Outcome::Stored(head.next(next.id()))]
    );
    assert_eq!(
        store.space_bytes(&space(1)).unwrap(),
        bytes - fewer + next.bytes().len() as u64
    );
}

pub(super) fn what_was_erased_before_it_came_is_stored_without_its_body<S: Store>(store: &mut S) {
    let mut author = Author::new(1, space(1));
    let (early, together) = (
        author.write_kind(Kind::CARD, NAME),
        author.write_kind(Kind::CARD, NAME),
    );
    put(store, vec![Put::erase(early.id())]);
    store
        .commit(Batch {
            envelopes: vec![early.clone(), together.clone()],
            puts: vec![Put::erase(together.id())],
            ..Batch::default()
        })
        .unwrap();
    assert_eq!(
        bodies(store),
        [(early.id(), Vec::new(), true), (together.id(), Vec::new(), true)]
    );
    let lengths = [&early, &together].map(|envelope| envelope.erase().unwrap().bytes().len() as u64);
    assert_eq!(store.space_bytes(&space(1)).unwrap(), lengths.iter().sum::<u64>());
}

pub(super) fn a_body_shorter_than_its_hash_is_erased_as_well<S: Store>(store: &mut S) {
    let mut author = Author::new(1, space(1));
    let card = author.write_kind(Kind::CARD, b"");
    commit(store, vec![card.clone()]);
    put(store, vec![Put::erase(card.id())]);
    assert_eq!(bodies(store), [(card.id(), Vec::new(), true)]);
    let left = card.erase().unwrap().bytes().len() as u64;
    assert_eq!(store.space_bytes(&space(1)).unwrap(), left);
}

pub(super) fn nothing_but_cards_is_erased_and_unknown_ids_do_no_harm<S: Store>(store: &mut S) {
    let mut author = Author::new(1, space(1));
    let change = author.write(b"1");
    commit(store, vec![change.clone()]);
    let stranger = Put {
        bucket: Bucket::Erased,
        key: b"short".to_vec(),
        value: Some(Vec::new()),
    };
    put(
        store,
        vec![
            Put::erase(change.id()),
            Put::erase(EnvelopeId::from_bytes([9; 32])),
            stranger,
        ],
    );
    assert_eq!(bodies(store), [(change.id(), b"1".to_vec(), false)]);
    let mut late = Author::new(2, space(1));
    let other = late.write(b"2");
    put(store, vec![Put::erase(other.id())]);
    commit(store, vec![other.clone()]);
    assert_eq!(bodies(store).last().unwrap(), &(other.id(), b"2".to_vec(), false));
}
