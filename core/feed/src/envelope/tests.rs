//! Envelopes: the golden vector, and everything that is refused.

use super::*;
use crate::{Space, SpaceKind, UnitId};
use proptest::prelude::*;

fn keys() -> DeviceKeys {
    DeviceKeys::from_seeds([1; 32], [2; 32])
}

fn space() -> SpaceId {
    Space::of(UnitId::from_bytes([7; 32]), SpaceKind::Main).id()
}

fn envelope(body: &[u8]) -> Verified<Envelope> {
    Draft::next(&keys(), Kind::CHANGE, &space(), None)
        .in_epoch(EpochId::from_bytes([9; 8]))
        .sign(&keys(), &space(), body)
        .unwrap()
}

fn verify(bytes: &[u8]) -> Result<Verified<Envelope>, VerifyError> {
    Envelope::decode(bytes)
        .unwrap()
        .verify(&space(), &keys().public().sign)
}

#[test]
fn bytes_are_those_of_the_golden_vector() {
    let hex = data_encoding::HEXLOWER.encode(envelope(b"body").bytes());
    assert_eq!(hex, include_str!("../../vectors/envelope.hex").trim());
}

#[test]
fn what_was_signed_is_read_back_and_verified() {
    let written = envelope(b"body");
    let read = verify(written.bytes()).unwrap();
    assert_eq!(read, written);
    assert_eq!(read.body(), b"body");
    assert_eq!(read.header_bytes(), read.header().encode());
}

#[test]
fn no_byte_can_be_changed() {
    let good = envelope(b"body");
    for at in 0..good.bytes().len() {
        let mut bad = good.bytes().to_vec();
        bad[at] ^= 1;
        let refused = match Envelope::decode(&bad) {
            Err(_) => true,
            Ok(read) => read.verify(&space(), &keys().public().sign).is_err(),
        };
        assert!(refused, "byte {at}");
    }
}

#[test]
fn an_envelope_cannot_move_to_another_space_kind_or_device() {
    let good = envelope(b"body").into_inner();
    let elsewhere = Space::of(UnitId::from_bytes([8; 32]), SpaceKind::Main).id();
    assert_eq!(
        good.clone().verify(&elsewhere, &keys().public().sign),
        Err(VerifyError::Space)
    );
    let other = DeviceKeys::from_seeds([3; 32], [4; 32]).public().sign;
    assert_eq!(good.clone().verify(&space(), &other), Err(VerifyError::Device));
    // Same tag, other whole id: only the signature can tell.
    let mut twin = *space().as_bytes();
    twin[31] ^= 1;
    let twin = SpaceId::from_bytes(twin);
    assert_eq!(
        good.verify(&twin, &keys().public().sign),
        Err(VerifyError::Signature)
    );
}

#[test]
fn a_signature_with_a_raised_scalar_is_malleable_and_refused() {
    // s + L verifies under lax rules; strict verification refuses it (RFC 8032 §5.1.7).
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut bytes = envelope(b"body").bytes().to_vec();
    let at = bytes.len() - 32;
    let mut carry = 0u16;
    for (byte, order) in bytes[at..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
    assert_eq!(verify(&bytes), Err(VerifyError::Signature));
}

#[test]
fn one_byte_short_at_every_length_is_refused() {
    let good = envelope(b"");
    for len in 0..good.bytes().len() {
        let refused = match Envelope::decode(&good.bytes()[..len]) {
            Err(_) => true,
            Ok(read) => read.verify(&space(), &keys().public().sign).is_err(),
        };
        assert!(refused, "{len} bytes");
    }
}

#[test]
fn the_largest_envelope_passes_and_one_byte_more_does_not() {
    let draft = Draft::next(&keys(), Kind::CHANGE, &space(), None);
    let room = draft.body_room();
    let full = draft.clone().sign(&keys(), &space(), &vec![0; room]).unwrap();
    assert_eq!(full.bytes().len(), ENVELOPE_BYTES_MAX);
    assert!(verify(full.bytes()).is_ok());
    assert_eq!(
        draft.sign(&keys(), &space(), &vec![0; room + 1]),
        Err(SignError::TooLarge(ENVELOPE_BYTES_MAX + 1))
    );
    assert_eq!(
        Envelope::decode(&vec![0; ENVELOPE_BYTES_MAX + 1]),
        Err(DecodeError::TooLarge(ENVELOPE_BYTES_MAX + 1))
    );
}

#[test]
fn unknown_versions_and_non_canonical_headers_are_refused_by_name() {
    let good = envelope(b"body");
    let mut newer = good.bytes().to_vec();
    newer[1] = 2;
    assert_eq!(Envelope::decode(&newer), Err(DecodeError::Version(2)));
    let mut long_head = vec![0x98, 7];
    long_head.extend_from_slice(&good.bytes()[1..]);
    assert_eq!(
        Envelope::decode(&long_head),
        Err(DecodeError::Header(CborError::NotCanonical))
    );
}

#[test]
fn numbers_and_predecessors_out_of_range_are_refused() {
    let make = |seq, prev| {
        let mut header = Draft::next(&keys(), Kind::CHANGE, &space(), None).header;
        header.seq = seq;
        header.prev = prev;
        let mut bytes = header.encode();
        bytes.extend_from_slice(&[0; SIGNATURE_LEN]);
        Envelope::decode(&bytes)
    };
    let some = EnvelopeId::from_bytes([1; 32]);
    assert_eq!(make(0, EnvelopeId::ZERO), Err(DecodeError::Seq(0)));
    assert_eq!(make(SEQ_MAX + 1, some), Err(DecodeError::Seq(SEQ_MAX + 1)));
    assert!(make(SEQ_MAX, some).is_ok());
    assert_eq!(make(1, some), Err(DecodeError::Prev));
    assert_eq!(make(2, EnvelopeId::ZERO), Err(DecodeError::Prev));
}

#[test]
fn unknown_kinds_can_be_read_verified_and_forwarded() {
    let kind = Kind::from_number(999);
    let written = Draft::next(&keys(), kind, &space(), None)
        .sign(&keys(), &space(), b"?")
        .unwrap();
    assert_eq!(verify(written.bytes()).unwrap().header().kind, kind);
    assert_eq!(kind.to_string(), "kind-999");
}

proptest! {
    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Envelope::decode(&bytes);
    }

    #[test]
    fn every_body_round_trips(body in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let written = envelope(&body);
        let read = verify(written.bytes()).unwrap();
        prop_assert_eq!(read.body(), &body[..]);
    }
}

fn card(body: &[u8]) -> Verified<Envelope> {
    Draft::next(&keys(), Kind::CARD, &space(), None)
        .in_epoch(EpochId::from_bytes([9; 8]))
        .sign(&keys(), &space(), body)
        .unwrap()
}

#[test]
fn a_card_and_what_is_left_of_it_have_the_bytes_of_the_golden_vectors() {
    let whole = card(b"name");
    let hex =
        [whole.bytes(), whole.erase().unwrap().bytes()].map(|bytes| data_encoding::HEXLOWER.encode(bytes));
    let known: Vec<&str> = include_str!("../../vectors/card.hex").lines().collect();
    assert_eq!(hex.to_vec(), known);
}

#[test]
fn an_erased_envelope_has_its_id_and_signature_and_no_body() {
    let whole = card(b"name");
    let left = whole.erase().unwrap();
    assert_eq!((left.id(), left.header()), (whole.id(), whole.header()));
    assert!(left.is_erased() && !whole.is_erased());
    assert_eq!((whole.body(), left.body()), (&b"name"[..], &b""[..]));
    assert!(!left.bytes().windows(4).any(|part| part == b"name"));
    let read = verify(left.bytes()).unwrap();
    assert_eq!((&*read, read.header_bytes()), (&*left, whole.header_bytes()));
    assert_eq!(read.erase().unwrap(), read, "twice changes nothing");
    assert_eq!(verify(whole.bytes()).unwrap().id(), left.id());
}

#[test]
fn no_byte_of_a_card_or_of_what_is_left_of_it_can_be_changed_or_left_out() {
    let whole = card(b"name");
    for good in [whole.bytes().clone(), whole.erase().unwrap().bytes().clone()] {
        for at in 0..good.len() {
            let mut bad = good.to_vec();
            bad[at] ^= 1;
            for bad in [&bad[..], &good[..at]] {
                let refused = match Envelope::decode(bad) {
                    Err(_) => true,
                    Ok(read) => read.verify(&space(), &keys().public().sign).is_err(),
                };
                assert!(refused, "byte {at}");
            }
        }
    }
}

#[test]
fn nothing_but_a_card_can_be_erased() {
    let change = envelope(b"body");
    assert!(change.erase().is_none());
    let hash = *blake3::hash(b"body").as_bytes();
    let signature = &change.bytes()[change.bytes().len() - SIGNATURE_LEN..];
    let forged = [&[ERASED_MARK], change.header_bytes(), &hash, signature].concat();
    assert_eq!(Envelope::decode(&forged), Err(DecodeError::Erased));
    let left = card(b"name").erase().unwrap();
    let mut longer = left.bytes().to_vec();
    longer.insert(left.header_bytes().len() + 1, 0);
    assert_eq!(Envelope::decode(&longer), Err(DecodeError::Erased));
}

#[test]
fn a_card_with_the_version_of_other_kinds_and_another_kind_with_that_of_cards_are_refused() {
    let mut old = card(b"name").bytes().to_vec();
    old[1] = ENVELOPE_VERSION;
    assert_eq!(Envelope::decode(&old), Err(DecodeError::Version(1)));
    let mut new = envelope(b"body").bytes().to_vec();
    new[1] = ERASABLE_VERSION;
    assert_eq!(Envelope::decode(&new), Err(DecodeError::Version(2)));
}
