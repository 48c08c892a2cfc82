//! Envelopes that a relay refuses, each for its reason, from a phone that may speak to it.

use sotay_engine::handbook::fixture;
use sotay_feed::limits::ENVELOPE_BYTES_MAX;
use sotay_feed::{DeviceKeys, Draft, Envelope, Frontier, Kind, Space, SpaceId, SpaceKind, Verified};
use sotay_store::{Budget, Store};
use sotay_sync::{DenyReason, RefuseReason};

use super::branch::{Branch, PHONES, Phone};
use super::forge::letter;
use super::{HOSTILE, all_goes_on, main, scene, work};

/// What the relay says of envelopes that the hostile phone offers.
pub fn offer(branch: &mut Branch, space: Space, envelopes: &[Vec<u8>]) -> Vec<Option<RefuseReason>> {
    let peer = branch.phone(HOSTILE).keys().public().sign;
    branch.relay().offer(peer, space, envelopes, fixture::START_MS)
}

/// Everything the relay holds, by space.
fn held(branch: &mut Branch) -> Vec<(SpaceId, u64, Frontier)> {
    let store = branch.relay().replica().store();
    let spaces = store.spaces().unwrap();
    let of = |id: SpaceId| (id, store.head(&id).unwrap().number, store.frontier(&id).unwrap());
    spaces.into_iter().map(of).collect()
}

/// Offers envelopes of which none may be stored, and then lets everybody work on.
fn refuses(bad: impl FnOnce(&mut Branch) -> Vec<(Space, Vec<u8>, RefuseReason)>) {
    let (mut branch, doc) = scene();
    work(&mut branch, doc, "trước");
    branch.sync_all(&PHONES);
    let before = held(&mut branch);
    for (number, (space, bytes, reason)) in bad(&mut branch).into_iter().enumerate() {
        assert_eq!(
            offer(&mut branch, space, &[bytes]),
            [Some(reason)],
            "number {number}"
        );
    }
    assert_eq!(held(&mut branch), before);
    assert!(branch.relay().replica().store().forks().unwrap().is_empty());
    // The phone in whose hand all this happened is no outcast: what it writes properly is taken.
    let proper = letter(branch.phone(HOSTILE), SpaceKind::Main, Kind::CHANGE, b"x")
        .bytes()
        .to_vec();
    let space = main_space(branch.phone(HOSTILE));
    assert_eq!(offer(&mut branch, space, &[proper]), [None]);
    assert_ne!(held(&mut branch), before);
    all_goes_on(branch, doc);
}

pub fn main_space(phone: &Phone) -> Space {
    Space::of(phone.unit().unwrap(), SpaceKind::Main)
}

/// An envelope that P1 wrote and the relay holds.
fn of_p1(branch: &mut Branch) -> Vec<u8> {
    let author = branch.phone(1).id();
    let id = main(branch.phone(1).unit().unwrap());
    branch
        .relay()
        .replica()
        .store()
        .at(&id, author, 1)
        .unwrap()
        .expect("P1 wrote")
        .bytes
        .to_vec()
}

#[test]
fn a_relay_refuses_what_is_cut_too_large_another_version_or_not_canonical() {
    refuses(|branch| {
        let space = main_space(branch.phone(HOSTILE));
        let good = letter(branch.phone(HOSTILE), SpaceKind::Main, Kind::CHANGE, b"x")
            .bytes()
            .to_vec();
        let header = Envelope::decode(&good).unwrap().header_bytes().len();
        let cut = |len: usize| good[..len].to_vec();
        let with = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            bytes
        };
        let sized = |len: usize| {
            let mut bytes = good.clone();
            bytes.resize(len, 0);
            bytes
        };
        // The version in two bytes where one is enough.
        let longer = [&good[..1], &[0x18, 0x01], &good[2..]].concat();
        use RefuseReason::{Malformed, Signature, TooLarge, Version};
        [
            (Vec::new(), Malformed),
            (cut(63), Malformed),
            (cut(header + 63), Malformed),
            (cut(good.len() - 1), Signature),
            ([&good[..], &[0]].concat(), Signature),
            (sized(ENVELOPE_BYTES_MAX), Signature),
            (sized(ENVELOPE_BYTES_MAX + 1), TooLarge),
            (sized(200 * 1024), TooLarge),
            (longer, Malformed),
            (with(0, 0x9f), Malformed),
            (with(1, 2), Version),
            (with(1, 0), Version),
        ]
        .map(|(bytes, reason)| (space, bytes, reason))
        .to_vec()
    });
}

#[test]
fn a_relay_refuses_forged_signatures_and_forged_authors() {
    refuses(|branch| {
        let space = main_space(branch.phone(HOSTILE));
        let good = letter(branch.phone(HOSTILE), SpaceKind::Main, Kind::CHANGE, b"x")
            .bytes()
            .to_vec();
        let flipped = |at: usize| {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            bytes
        };
        // A next envelope of P1, well formed, with a signature of another hand.
        let next = letter(branch.phone(1), SpaceKind::Main, Kind::CHANGE, b"x")
            .bytes()
            .to_vec();
        let split = next.len() - 64;
        let signed_by_another = [&next[..split], &good[good.len() - 64..]].concat();
        // A device that nobody admitted, with a signature that holds.
        let stranger = DeviceKeys::from_seeds([9; 32], [8; 32]);
        let draft = Draft::next(&stranger, Kind::CHANGE, &space.id(), None);
        let strange = draft.sign(&stranger, &space.id(), b"x").unwrap().bytes().to_vec();
        let signature = RefuseReason::Signature;
        vec![
            (space, flipped(good.len() - 1), signature),
            (space, flipped(good.len() - 64), signature),
            (space, flipped(good.len() - 65), signature),
            (space, signed_by_another, signature),
            (space, strange, RefuseReason::Denied(DenyReason::UnknownDevice)),
        ]
    });
}

#[test]
fn a_relay_refuses_envelopes_moved_to_another_space_unit_or_kind() {
    let mut other = Branch::found_as(1 << 32, &[1, 3]);
    let foreign = letter(other.phone(1), SpaceKind::Main, Kind::CHANGE, b"x")
        .bytes()
        .to_vec();
    refuses(|branch| {
        let space = main_space(branch.phone(HOSTILE));
        let (unit, member) = (space.unit, branch.phone(HOSTILE).member().unwrap());
        assert_ne!(Some(unit), other.phone(3).unit());
        let (private, roll) = (Space::private(unit, member), Space::of(unit, SpaceKind::Roll));
        let of_p1 = of_p1(branch);
        let good = letter(branch.phone(HOSTILE), SpaceKind::Main, Kind::CHANGE, b"x")
            .bytes()
            .to_vec();
        // Array head, version, kind, then the tag with its head of one byte.
        let tagged = |bytes: &[u8], space: Space| {
            let mut bytes = bytes.to_vec();
            bytes[4..20].copy_from_slice(space.id().tag().as_bytes());
            bytes
        };
        let mut other_kind = good.clone();
        assert_eq!(other_kind[2], Kind::CHANGE.number() as u8);
        other_kind[2] = Kind::PERSON.number() as u8;
        let wrong_kind = RefuseReason::Denied(DenyReason::WrongKind);
        let kinds = [Kind::GRANT, Kind::REVOKE, Kind::EPOCH].map(|kind| {
            letter(branch.phone(HOSTILE), SpaceKind::Main, kind, b"x")
                .bytes()
                .to_vec()
        });
        let mut all = vec![
            (private, of_p1.clone(), RefuseReason::Space),
            (roll, of_p1.clone(), RefuseReason::Space),
            (space, foreign.clone(), RefuseReason::Space),
            (private, tagged(&good, private), RefuseReason::Signature),
            (
                space,
                tagged(&foreign, space),
                RefuseReason::Denied(DenyReason::UnknownDevice),
            ),
            (space, other_kind, RefuseReason::Signature),
        ];
        all.extend(kinds.map(|bytes| (space, bytes, wrong_kind)));
        let in_roll = letter(branch.phone(HOSTILE), SpaceKind::Roll, Kind::CHANGE, b"x");
        all.push((roll, in_roll.bytes().to_vec(), wrong_kind));
        all
    });
}

#[test]
fn an_envelope_played_again_is_known_and_harmless() {
    let (mut branch, doc) = scene();
    work(&mut branch, doc, "trước");
    branch.sync_all(&PHONES);
    let before = held(&mut branch);
    let space = main_space(branch.phone(HOSTILE));
    let all = Budget {
        count: usize::MAX,
        bytes: usize::MAX,
    };
    let page = branch
        .relay()
        .replica()
        .store()
        .since(&space.id(), 0, all)
        .unwrap();
    let played: Vec<Vec<u8>> = page
        .envelopes
        .iter()
        .rev()
        .map(|stored| stored.bytes.to_vec())
        .collect();
    assert!(offer(&mut branch, space, &played).iter().all(Option::is_none));
    assert_eq!(held(&mut branch), before);
    all_goes_on(branch, doc);
}

#[test]
fn a_phone_that_writes_two_histories_harms_its_own_alone() {
    let (mut branch, doc) = scene();
    work(&mut branch, doc, "trước");
    branch.sync_all(&PHONES);
    let space = main_space(branch.phone(HOSTILE));
    let one = letter(branch.phone(HOSTILE), SpaceKind::Main, Kind::CHANGE, b"one");
    let two = letter(branch.phone(HOSTILE), SpaceKind::Main, Kind::CHANGE, b"two");
    let seq = one.header().seq;
    assert_eq!(seq, two.header().seq);
    let envelopes = [one, two].map(|envelope: Verified<Envelope>| envelope.bytes().to_vec());
    assert_eq!(
        offer(&mut branch, space, &envelopes),
        [None, Some(RefuseReason::Fork { seq })]
    );
    assert_eq!(
        branch.relay().replica().store().forks().unwrap().len(),
        1,
        "the proof is kept"
    );
    all_goes_on(branch, doc);
}

#[test]
fn a_space_that_is_not_the_phones_takes_nothing_from_it() {
    let (mut branch, doc) = scene();
    work(&mut branch, doc, "trước");
    branch.sync_all(&PHONES);
    let before = held(&mut branch);
    let unit = branch.phone(HOSTILE).unit().unwrap();
    let keys = branch.phone(HOSTILE).keys().clone();
    let others = branch.phone(1).member().unwrap();
    for space in [
        Space::of(unit, SpaceKind::Committee),
        Space::private(unit, others),
    ] {
        let draft = Draft::next(&keys, Kind::CHANGE, &space.id(), None);
        let envelope = draft.sign(&keys, &space.id(), b"x").unwrap().bytes().to_vec();
        offer(&mut branch, space, &[envelope]);
        assert_eq!(held(&mut branch), before, "{:?}", space.kind);
    }
    all_goes_on(branch, doc);
}
