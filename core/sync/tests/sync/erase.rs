//! Bodies of cards that are erased (P2.6, P2.7): everywhere, in any order, by whom it is allowed, and the feeds go on.

use sotay_feed::{Envelope, EnvelopeId, EraseRecord, Kind};
use sotay_membership::rank;
use sotay_store::Store;

use crate::support::*;

const NAME: &[u8] = b"Tran Thi Binh";

fn erases(ids: &[EnvelopeId]) -> Vec<u8> {
    EraseRecord::new(ids.to_vec()).encode()
}

fn body<S: Store>(node: &Node<S>, id: EnvelopeId) -> Vec<u8> {
    let stored = node.replica.store().envelope(id).unwrap().expect("it is held");
    Envelope::decode(&stored.bytes).unwrap().body().to_vec()
}

#[test]
fn what_an_officer_erases_is_gone_from_relay_and_phones_and_from_who_comes_later() {
    let (branch, _, mut phones, mut relay) = village_with_relay(2);
    let card = phones[1].write_kind(&branch.main, Kind::CARD, NAME);
    phones[1].write(&branch.main, b"after");
    for n in [1, 0, 2] {
        sync(&mut phones[n], &mut relay, &branch.spaces());
        assert_eq!(body(&phones[n], card), NAME);
    }
    phones[0].write_kind(&branch.main, Kind::ERASE, &erases(&[card]));
    assert_eq!(body(&phones[0], card), b"", "the officer's own phone first");
    for n in [0, 1, 2] {
        sync(&mut phones[n], &mut relay, &branch.spaces());
        assert_eq!(body(&phones[n], card), b"");
        assert_eq!(phones[n].frontier(&branch.main), relay.frontier(&branch.main));
    }
    assert_eq!(body(&relay, card), b"");
    // A phone that has nothing yet gets the feed whole, without the body.
    phones[0].grant(&branch, 9, rank::MEMBER);
    sync(&mut phones[0], &mut relay, &branch.spaces());
    let mut late = phone(9);
    sync(&mut late, &mut relay, &branch.spaces());
    assert_eq!((late.count(&branch.main), body(&late, card)), (3, Vec::new()));
    late.write(&branch.main, b"new");
    sync(&mut late, &mut relay, &branch.spaces());
    assert_eq!(relay.count(&branch.main), 4);
}

#[test]
fn an_erasure_that_comes_before_the_card_holds_when_it_comes() {
    let (branch, _, mut phones, mut relay) = village_with_relay(2);
    let card = phones[1].write_kind(&branch.main, Kind::CARD, NAME);
    phones[0].write_kind(&branch.main, Kind::ERASE, &erases(&[card]));
    sync(&mut phones[0], &mut relay, &branch.spaces());
    sync(&mut phones[1], &mut relay, &branch.spaces());
    assert_eq!(body(&relay, card), b"");
    assert_eq!(body(&phones[1], card), b"");
    sync(&mut phones[2], &mut relay, &branch.spaces());
    assert_eq!(body(&phones[2], card), b"");
}

#[test]
fn a_member_erases_what_their_own_phone_wrote_and_nothing_else() {
    let (branch, _, mut phones, mut relay) = village_with_relay(2);
    let (own, other) = (
        phones[1].write_kind(&branch.main, Kind::CARD, NAME),
        phones[2].write_kind(&branch.main, Kind::CARD, NAME),
    );
    sync(&mut phones[2], &mut relay, &branch.spaces());
    sync(&mut phones[1], &mut relay, &branch.spaces());
    phones[1].write_kind(&branch.main, Kind::ERASE, &erases(&[own, other]));
    sync(&mut phones[1], &mut relay, &branch.spaces());
    for phone in &mut phones {
        sync(phone, &mut relay, &branch.spaces());
    }
    for node in phones.iter().chain([&relay]) {
        assert_eq!((body(node, own), body(node, other)), (Vec::new(), NAME.to_vec()));
    }
}

#[test]
fn other_kinds_and_malformed_records_stay_as_they_are() {
    let (branch, _, mut phones, mut relay) = village_with_relay(2);
    let (card, change) = (
        phones[1].write_kind(&branch.main, Kind::CARD, NAME),
        phones[1].write(&branch.main, b"text"),
    );
    sync(&mut phones[1], &mut relay, &branch.spaces());
    sync(&mut phones[0], &mut relay, &branch.spaces());
    phones[0].write_kind(&branch.main, Kind::ERASE, &erases(&[change]));
    phones[0].write_kind(&branch.main, Kind::ERASE, b"\x82\x02\x80");
    sync(&mut phones[0], &mut relay, &branch.spaces());
    assert_eq!(
        (body(&relay, card), body(&relay, change)),
        (NAME.to_vec(), b"text".to_vec())
    );
}

#[test]
fn what_was_erased_stays_so_in_a_bundle_and_after_opening_again() {
    let (branch, _, mut phones, _) = village_with_relay(2);
    let card = phones[0].write_kind(&branch.main, Kind::CARD, NAME);
    phones[0].write_kind(&branch.main, Kind::ERASE, &erases(&[card]));
    let bytes = sotay_sync::bundle::write(&phones[0].replica, &[branch.main], None).unwrap();
    assert!(!bytes.windows(NAME.len()).any(|part| part == NAME));
    let secretary = phones.remove(0).reopen();
    let member = &mut phones[0];
    member.copy_from(&secretary, &branch.main);
    assert_eq!(body(member, card), b"");
    assert_eq!(body(&secretary, card), b"");
}
