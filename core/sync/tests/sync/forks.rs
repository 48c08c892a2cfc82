//! Proofs that a device wrote two histories, handed on from whoever saw both to everybody who saw one or none.

use proptest::prelude::*;
use sotay_feed::{DeviceId, Draft, Envelope, Kind};
use sotay_store::{MemoryStore, Store};
use sotay_sync::limits::{FORK_LISTS_PER_SPACE_MAX, PROOFS_PER_SPACE_MAX};
use sotay_sync::message::{Forks, Hello, Message, Proof};
use sotay_sync::testing::End;
use sotay_sync::{FirstContact, PeerFault, RefuseReason, Role, SessionError, SessionEvent};

use crate::support::*;

/// Two envelopes of one phone for one place, and what follows the first.
fn two_faces(phone: &Phone, branch: &Branch) -> [Envelope; 3] {
    let one = phone.draft(&branch.main, Kind::CHANGE, b"one face");
    let other = phone.draft(&branch.main, Kind::CHANGE, b"another face");
    let id = branch.main.id();
    let next = Draft::next(&phone.keys, Kind::CHANGE, &id, Some(one.tip()));
    let next = next.sign(&phone.keys, &id, b"and on").unwrap();
    [one, other, next].map(|envelope| envelope.into_inner())
}

fn take(node: &mut Phone, branch: &Branch, envelopes: &[&Envelope]) {
    let envelopes = envelopes.iter().map(|envelope| (*envelope).clone()).collect();
    node.replica.admit(&branch.main, envelopes, Vec::new()).unwrap();
}

fn proofs(node: &Phone) -> Vec<(DeviceId, u64)> {
    let forks = node.replica.store().forks().unwrap();
    forks.iter().map(|fork| (fork.device, fork.seq)).collect()
}

fn is_out(node: &Phone, branch: &Branch, device: DeviceId) -> bool {
    let membership = node.replica.membership(branch.unit).unwrap();
    membership.may_be_served(device).is_err()
}

fn told(end: &End, device: DeviceId) -> usize {
    let named = |event: &&SessionEvent| matches!(event, SessionEvent::Forked { device: named, .. } if *named == device);
    end.events.iter().filter(named).count()
}

/// Everybody synced, and phone 1 is the one with two faces: the second one went to the relay after the first.
fn caught() -> (Branch, Vec<Phone>, Phone, [Envelope; 3]) {
    let (branch, _, phones, mut relay) = village_with_relay(3);
    let faces = two_faces(&phones[1], &branch);
    take(&mut relay, &branch, &[&faces[0], &faces[2], &faces[1]]);
    assert_eq!(proofs(&relay), [(phones[1].id(), 1)]);
    (branch, phones, relay, faces)
}

#[test]
fn a_relay_hands_the_proof_to_phones_that_saw_one_history_the_other_or_none() {
    let (branch, mut phones, mut relay, faces) = caught();
    let device = phones[1].id();
    take(&mut phones[2], &branch, &[&faces[0]]);
    take(&mut phones[3], &branch, &[&faces[1]]);
    for at in [0, 2, 3] {
        let exchange = sync(&mut phones[at], &mut relay, &branch.spaces());
        assert_eq!(proofs(&phones[at]), [(device, 1)], "{at}");
        assert!(is_out(&phones[at], &branch, device));
        assert_eq!(told(&exchange.near, device), 1);
        assert_eq!(told(&exchange.far, device), 0);
        // Whoever is shown a proof refuses nothing.
        assert!(
            at == 3
                || !exchange
                    .far
                    .told(|event| matches!(event, SessionEvent::Refused { .. }))
        );
    }
}

#[test]
fn a_proof_goes_over_the_line_once_and_two_ends_that_have_it_say_so_in_a_few_bytes() {
    let (branch, mut phones, mut relay, _) = caught();
    let first = sync(&mut phones[2], &mut relay, &branch.spaces());
    let second = sync(&mut phones[2], &mut relay, &branch.spaces());
    let third = sync(&mut phones[2], &mut relay, &branch.spaces());
    assert_eq!(told(&second.near, phones[1].id()), 0);
    assert_eq!(second.stats().bytes_in, third.stats().bytes_in);
    println!(
        "with a proof {} bytes beside envelopes, with a list of one {}",
        first.overhead(),
        second.overhead()
    );
    let list = Message::Forks(Forks {
        tag: branch.main.id().tag(),
        known: [(phones[1].id(), 1)].into_iter().collect(),
    });
    // The same without forks: what is more is the list, and nothing comes back.
    let (honest, _, mut others, mut other_relay) = village_with_relay(3);
    others[1].write(&honest.main, b"one face");
    others[1].write(&honest.main, b"and on");
    sync(&mut others[1], &mut other_relay, &honest.spaces());
    sync(&mut others[2], &mut other_relay, &honest.spaces());
    let silent = sync(&mut others[2], &mut other_relay, &honest.spaces());
    assert_eq!(second.stats().bytes_in, silent.stats().bytes_in);
    let more = second.stats().bytes_out - silent.stats().bytes_out;
    assert_eq!(more, list.encode().len() as u64 + 4);
}

#[test]
fn a_phone_hands_the_proof_to_a_relay_that_saw_one_history_and_the_relay_to_the_next_phone() {
    let (branch, _, mut phones, mut relay) = village_with_relay(3);
    let device = phones[1].id();
    let faces = two_faces(&phones[1], &branch);
    take(&mut relay, &branch, &[&faces[0], &faces[2]]);
    take(&mut phones[2], &branch, &[&faces[0], &faces[1]]);
    let exchange = sync(&mut phones[2], &mut relay, &branch.spaces());
    assert_eq!(proofs(&relay), [(device, 1)]);
    assert_eq!(told(&exchange.far, device), 1);
    assert_eq!(told(&exchange.near, device), 0);
    assert!(is_out(&relay, &branch, device));
    sync(&mut phones[3], &mut relay, &branch.spaces());
    assert_eq!(proofs(&phones[3]), [(device, 1)]);
}

#[test]
fn phones_that_meet_hand_proofs_to_each_other_both_ways() {
    let (branch, _, mut phones, _) = village_with_relay(4);
    let devices = [phones[1].id(), phones[2].id()];
    let faces = [two_faces(&phones[1], &branch), two_faces(&phones[2], &branch)];
    let (left, right) = phones.split_at_mut(4);
    let (one, other) = (&mut left[3], &mut right[0]);
    for all in &faces {
        take(one, &branch, &[&all[0]]);
        take(other, &branch, &[&all[0]]);
    }
    take(one, &branch, &[&faces[0][1]]);
    take(other, &branch, &[&faces[1][1]]);
    let exchange = sync_with(one, other, &branch.spaces(), NO_LIMIT, FirstContact::Digest).clean();
    assert!(exchange.caught_up());
    for phone in [&*one, &*other] {
        let known: Vec<DeviceId> = proofs(phone).iter().map(|(device, _)| *device).collect();
        assert_eq!(known.len(), 2);
        assert!(devices.iter().all(|device| known.contains(device)));
    }
}

#[test]
fn an_earlier_fork_takes_the_place_of_a_later_one_at_both_ends() {
    let (branch, _, mut phones, mut relay) = village_with_relay(2);
    let device = phones[1].id();
    let faces = two_faces(&phones[1], &branch);
    let id = branch.main.id();
    let late = Draft::next(
        &phones[1].keys,
        Kind::CHANGE,
        &id,
        Some(sotay_feed::Tip {
            seq: 1,
            id: faces[0].id(),
        }),
    )
    .sign(&phones[1].keys, &id, b"on another way")
    .unwrap()
    .into_inner();
    take(&mut relay, &branch, &[&faces[0], &faces[2], &late]);
    assert_eq!(proofs(&relay), [(device, 2)]);
    take(&mut phones[2], &branch, &[&faces[0], &faces[1]]);
    assert_eq!(proofs(&phones[2]), [(device, 1)]);
    sync(&mut phones[2], &mut relay, &branch.spaces());
    assert_eq!(proofs(&relay), [(device, 1)]);
    sync(&mut phones[0], &mut relay, &branch.spaces());
    assert_eq!(proofs(&phones[0]), [(device, 1)]);
}

#[test]
fn a_live_phone_is_shown_the_proof_with_the_next_thing_that_comes() {
    let (branch, _, mut phones, mut relay) = village_with_relay(2);
    let device = phones[1].id();
    let faces = two_faces(&phones[1], &branch);
    take(&mut relay, &branch, &[&faces[0], &faces[2]]);
    let (mut near, mut far) = connect(&mut phones[0], &mut relay, &branch.spaces());
    assert_eq!(proofs(&phones[0]), []);
    take(&mut relay, &branch, &[&faces[1]]);
    phones[0].write(&branch.main, b"something new");
    near.note(Ok(()));
    let result = near.session.on_local(&mut phones[0].replica, &branch.main);
    near.note(result);
    sotay_sync::testing::carry(
        (&mut near, &mut phones[0].replica),
        (&mut far, &mut relay.replica),
        NOW,
        NO_LIMIT,
    );
    assert_eq!(proofs(&phones[0]), [(device, 1)]);
}

/// A session of a phone with a host that was opened, and one frame of a liar in it.
fn lie(host: &mut Phone, liar: &mut Phone, branch: &Branch, message: &Message<'_>) -> End {
    let (_near, mut far) = connect(liar, host, &branch.spaces());
    far.deliver(&mut host.replica, &message.encode(), NOW);
    far
}

#[test]
fn a_forged_proof_is_refused_and_nobody_is_put_out_by_it() {
    let (branch, _, mut phones, mut relay) = village_with_relay(3);
    let victim = phones[1].id();
    let honest = phones[1]
        .draft(&branch.main, Kind::CHANGE, b"honest")
        .into_inner();
    let next = Draft::next(
        &phones[1].keys,
        Kind::CHANGE,
        &branch.main.id(),
        Some(sotay_feed::Tip {
            seq: 1,
            id: honest.id(),
        }),
    )
    .sign(&phones[1].keys, &branch.main.id(), b"next")
    .unwrap()
    .into_inner();
    take(&mut relay, &branch, &[&honest, &next]);
    let mut forged = honest.bytes().to_vec();
    *forged.last_mut().unwrap() ^= 1;
    // Signed by somebody else under the victim's number: its header names the liar.
    let other = phones[2].draft(&branch.main, Kind::CHANGE, b"x").into_inner();
    let elsewhere = phones[1].draft(&branch.inbox, Kind::INBOX, b"x").into_inner();
    let tag = branch.main.id().tag();
    let proof = |first: &'static [u8], second: &'static [u8]| Proof { tag, first, second };
    let keep = |envelope: &[u8]| -> &'static [u8] { Box::leak(envelope.to_vec().into_boxed_slice()) };
    let (good, after) = (keep(honest.bytes()), keep(next.bytes()));

    // A signature that does not hold is a typed refusal, and the session goes on.
    for (first, second) in [(good, keep(&forged)), (keep(&forged), good)] {
        let far = lie(
            &mut relay,
            &mut phones[2],
            &branch,
            &Message::Proof(proof(first, second)),
        );
        assert!(far.error.is_none());
        assert!(far.told(|event| matches!(
            event,
            SessionEvent::Rejected {
                reason: RefuseReason::Signature,
                ..
            }
        )));
        assert_eq!(told(&far, victim), 0);
    }
    // What contradicts nothing closes the session.
    let nothing = [
        proof(good, good),
        proof(good, after),
        proof(good, keep(other.bytes())),
        proof(good, keep(elsewhere.bytes())),
        proof(good, b"no envelope"),
        proof(after, good),
    ];
    for lie_told in nothing {
        let far = lie(&mut relay, &mut phones[2], &branch, &Message::Proof(lie_told));
        assert!(
            matches!(far.error, Some(SessionError::Peer(PeerFault::NotAProof))),
            "{lie_told:?}: {:?}",
            far.error
        );
    }
    assert_eq!(proofs(&relay), []);
    assert!(!is_out(&relay, &branch, victim));
    assert_eq!(relay.frontier(&branch.main).get(victim), 2);
}

#[test]
fn a_phone_refuses_a_forged_proof_of_a_relay() {
    let (branch, _, mut phones, mut relay) = village_with_relay(2);
    let honest = phones[1]
        .draft(&branch.main, Kind::CHANGE, b"honest")
        .into_inner();
    take(&mut relay, &branch, &[&honest]);
    let (mut near, _far) = connect(&mut phones[2], &mut relay, &branch.spaces());
    let mut forged = honest.bytes().to_vec();
    *forged.last_mut().unwrap() ^= 1;
    let (tag, first) = (branch.main.id().tag(), &honest.bytes()[..]);
    let second = &forged[..];
    let lie = Message::Proof(Proof { tag, first, second });
    near.deliver(&mut phones[2].replica, &lie.encode(), NOW);
    assert!(near.error.is_none());
    assert_eq!(proofs(&phones[2]), []);
    assert!(!is_out(&phones[2], &branch, phones[1].id()));
}

#[test]
fn one_proof_or_list_over_the_limit_closes() {
    let (branch, mut phones, mut relay, faces) = caught();
    let (_near, mut far) = connect(&mut phones[2], &mut relay, &branch.spaces());
    let tag = branch.main.id().tag();
    let proof = Message::Proof(Proof {
        tag,
        first: faces[0].bytes(),
        second: faces[1].bytes(),
    });
    for _ in 0..PROOFS_PER_SPACE_MAX {
        far.deliver(&mut relay.replica, &proof.encode(), NOW);
        assert!(far.error.is_none(), "{:?}", far.error);
    }
    far.deliver(&mut relay.replica, &proof.encode(), NOW);
    assert!(matches!(
        far.error,
        Some(SessionError::Peer(PeerFault::TooManyProofs))
    ));
    let (_near, mut far) = connect(&mut phones[3], &mut relay, &branch.spaces());
    let list = Message::Forks(Forks {
        tag,
        known: [(phones[1].id(), 1)].into_iter().collect(),
    });
    for _ in 0..FORK_LISTS_PER_SPACE_MAX {
        far.deliver(&mut relay.replica, &list.encode(), NOW);
        assert!(far.error.is_none());
    }
    far.deliver(&mut relay.replica, &list.encode(), NOW);
    assert!(matches!(
        far.error,
        Some(SessionError::Peer(PeerFault::TooManyProofs))
    ));
}

#[test]
fn more_proofs_than_go_in_one_session_go_in_the_next() {
    let count = u8::try_from(PROOFS_PER_SPACE_MAX).unwrap() + 1;
    let (branch, _, mut phones, mut relay) = village_with_relay(count + 1);
    for phone in &phones[1..=usize::from(count)] {
        let faces = two_faces(phone, &branch);
        take(&mut relay, &branch, &[&faces[0], &faces[1]]);
    }
    let reader = phones.last_mut().unwrap();
    sync(reader, &mut relay, &branch.spaces());
    assert_eq!(proofs(reader).len(), PROOFS_PER_SPACE_MAX);
    sync(reader, &mut relay, &branch.spaces());
    assert_eq!(proofs(reader).len(), usize::from(count));
}

#[test]
fn a_file_carries_the_proof_too_and_tells_it_once() {
    let (branch, mut phones, relay, faces) = caught();
    let device = phones[1].id();
    take(&mut phones[2], &branch, &[&faces[0]]);
    take(&mut phones[3], &branch, &[&faces[1]]);
    let whole = sotay_sync::bundle::write(&relay.replica, &[branch.main], None).unwrap();
    let have = [(branch.main.id(), phones[2].frontier(&branch.main))].into();
    let lacking = sotay_sync::bundle::write(&relay.replica, &[branch.main], Some(&have)).unwrap();
    for (at, bytes) in [(0, &whole), (2, &lacking), (3, &whole)] {
        let file = || sotay_sync::bundle::read(bytes).unwrap();
        let imported = sotay_sync::bundle::import(&mut phones[at].replica, file()).unwrap();
        assert_eq!((imported.cut, imported.refused), (None, 0));
        assert_eq!(imported.forked, [(branch.main, device)].into());
        assert_eq!(proofs(&phones[at]), [(device, 1)]);
        let again = sotay_sync::bundle::import(&mut phones[at].replica, file()).unwrap();
        assert!(again.forked.is_empty() && again.stored.is_empty());
    }
}

#[test]
fn an_older_phone_is_shown_no_proof() {
    let (branch, mut phones, mut relay, _) = caught();
    let (mut near, mut far) = ends(&phones[2], &relay, &branch.spaces(), false);
    near.start(&mut phones[2].replica, NOW);
    far.start(&mut relay.replica, NOW);
    let hello = Message::Hello(Hello {
        role: Role::Device,
        capabilities: 0,
        now: NOW,
    });
    far.deliver(&mut relay.replica, &hello.encode(), NOW);
    for frame in near.take_frames().into_iter().skip(1) {
        far.deliver(&mut relay.replica, &frame, NOW);
    }
    let frames = far.take_frames();
    let proof = |frame: &std::sync::Arc<[u8]>| {
        matches!(Message::decode(frame), Ok(Message::Proof(_) | Message::Forks(_)))
    };
    assert!(frames.len() > 2 && !frames.iter().any(proof));
}

/// A chain of a phone after what `onto` holds of it.
fn chain(phone: &Phone, branch: &Branch, onto: &[Envelope], word: &[u8], count: usize) -> Vec<Envelope> {
    let id = branch.main.id();
    let mut all = onto.to_vec();
    for _ in 0..count {
        let tip = all.last().map(|last| sotay_feed::Tip {
            seq: last.header().seq,
            id: last.id(),
        });
        let next = Draft::next(&phone.keys, Kind::CHANGE, &id, tip).sign(&phone.keys, &id, word);
        all.push(next.unwrap().into_inner());
    }
    all
}

#[test]
fn two_long_histories_are_traced_back_to_where_they_part_within_one_session() {
    let (branch, _, mut phones, mut relay) = village_with_relay(3);
    let device = phones[1].id();
    let common = chain(&phones[1], &branch, &[], b"common", 2);
    let one = chain(&phones[1], &branch, &common, b"one", 7);
    let other = chain(&phones[1], &branch, &common, b"other", 6);
    for envelope in &one {
        take(&mut relay, &branch, &[envelope]);
    }
    for envelope in &other {
        take(&mut phones[2], &branch, &[envelope]);
    }
    sync(&mut phones[2], &mut relay, &branch.spaces());
    assert_eq!(proofs(&phones[2]), [(device, 3)]);
    sync(&mut phones[2], &mut relay, &branch.spaces());
    sync(&mut phones[3], &mut relay, &branch.spaces());
    assert_eq!(
        (proofs(&relay), proofs(&phones[3])),
        (vec![(device, 3)], vec![(device, 3)])
    );
}

/// What a phone that misbehaves sends as a proof.
#[derive(Debug, Clone)]
enum Piece {
    Envelope { face: usize, cut: usize },
    Garbage(Vec<u8>),
}

fn piece() -> impl Strategy<Value = Piece> {
    prop_oneof![
        (0usize..3, 0usize..3).prop_map(|(face, cut)| Piece::Envelope { face, cut }),
        proptest::collection::vec(any::<u8>(), 0..80).prop_map(Piece::Garbage),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whoever holds which beginning of which history, and whoever meets whom first: once anybody knows, everybody knows, and
    /// all judge alike.
    #[test]
    fn everybody_learns_of_the_fork_and_judges_alike(
        lens in (0usize..3, 1usize..5, 1usize..5),
        held in proptest::collection::vec((any::<bool>(), 0usize..8), 4),
        meetings in proptest::collection::vec((0usize..4, 0usize..4), 0..8),
    ) {
        let (branch, _, mut phones, mut relay) = village_with_relay(3);
        let device = phones[1].id();
        let common = chain(&phones[1], &branch, &[], b"common", lens.0);
        let one = chain(&phones[1], &branch, &common, b"one", lens.1);
        let other = chain(&phones[1], &branch, &common, b"other", lens.2);
        let author = phones.remove(1);
        for (node, (first, count)) in held.iter().enumerate() {
            let history = if *first { &one } else { &other };
            let node = phones.get_mut(node).unwrap_or(&mut relay);
            for envelope in history.iter().take(*count) {
                take(node, &branch, &[envelope]);
            }
        }
        for (near, far) in meetings {
            if near < 3 && near != far {
                let mut caller = phones.remove(near);
                let host = if far > near { far - 1 } else { far };
                let host = phones.get_mut(host).filter(|_| far < 3).unwrap_or(&mut relay);
                sync(&mut caller, host, &branch.spaces());
                phones.insert(near, caller);
            }
        }
        for _ in 0..6 {
            for phone in &mut phones {
                sync(phone, &mut relay, &branch.spaces());
            }
        }
        let known = proofs(&relay);
        for phone in &phones {
            prop_assert_eq!(&proofs(phone), &known);
            prop_assert_eq!(is_out(phone, &branch, device), !known.is_empty());
        }
        if let [(forked, seq)] = known[..] {
            prop_assert_eq!(forked, device);
            prop_assert!(seq > lens.0 as u64, "never before they part");
        }
        drop(author);
    }

    /// Whatever is shown as a proof: only two signed envelopes that contradict each other put anybody out.
    #[test]
    fn only_a_contradiction_that_was_signed_is_a_proof(pieces in proptest::collection::vec((piece(), piece()), 1..4)) {
        let (branch, _, mut phones, mut relay) = village_with_relay(2);
        let device = phones[1].id();
        let faces = two_faces(&phones[1], &branch);
        take(&mut relay, &branch, &[&faces[0], &faces[2]]);
        let bytes = |piece: &Piece| match piece {
            Piece::Envelope { face, cut } => {
                let mut bytes = faces[*face].bytes().to_vec();
                if *cut > 0 {
                    *bytes.last_mut().unwrap() ^= u8::try_from(*cut).unwrap();
                }
                bytes
            }
            Piece::Garbage(bytes) => bytes.clone(),
        };
        let mut proven = false;
        for (one, other) in &pieces {
            let (first, second) = (bytes(one), bytes(other));
            let proof = Message::Proof(Proof { tag: branch.main.id().tag(), first: &first, second: &second });
            let _ = lie(&mut relay, &mut phones[2], &branch, &proof);
            let whole = |piece: &Piece, wanted: usize| matches!(piece, Piece::Envelope { face, cut: 0 } if *face == wanted);
            // The other face, whole, beside anything that makes it a pair for one place.
            let pair = |piece: &Piece| matches!(piece, Piece::Envelope { face: 0, .. } | Piece::Envelope { face: 1, cut: 1.. });
            let follows = whole(one, 1) && matches!(other, Piece::Envelope { face: 2, .. });
            proven |= (whole(one, 1) && pair(other)) || (pair(one) && whole(other, 1)) || follows;
        }
        prop_assert_eq!(proofs(&relay).len(), usize::from(proven));
        prop_assert_eq!(is_out(&relay, &branch, device), proven);
        prop_assert_eq!(relay.frontier(&branch.main).get(device), 2);
        let _: &MemoryStore = relay.replica.store();
    }
}
