//! Peers that break the protocol, and stores that fail.

use sotay_feed::cbor::Writer;
use sotay_feed::limits::{FRAME_BYTES_MAX, SPACES_PER_SESSION_MAX};
use sotay_feed::{Digest, Frontier, Space, SpaceKind, SpaceTag, UnitId};
use sotay_store::{Fault, Faults, FaultyStore};
use sotay_sync::limits::{ANSWER_TIMEOUT_MS, HELLO_TIMEOUT_MS, OPENS_PER_SPACE_MAX};
use sotay_sync::message::{Ack, Deny, Have, Hello, Items, Message, Open, State};
use sotay_sync::testing::End;
use sotay_sync::{
    CloseCode, DenyReason, DenyScope, PeerFault, Policy, Replica, Role, SessionError, SyncStatus,
};

use crate::support::*;

fn hello() -> Vec<u8> {
    Message::Hello(Hello {
        role: Role::Device,
        capabilities: 0,
        now: NOW,
    })
    .encode()
}

fn open(space: Space) -> Message<'static> {
    Message::Open(Open {
        space,
        token: None,
        have: Have::Frontier(Frontier::new()),
        bytes: 0,
    })
}

fn main_of(n: u32) -> Space {
    let mut unit = [0; 32];
    unit[..4].copy_from_slice(&n.to_le_bytes());
    Space::of(UnitId::from_bytes(unit), SpaceKind::Main)
}

fn ack(tag: SpaceTag, consumed: u64, state: Option<State>) -> Message<'static> {
    Message::Ack(Ack {
        tag,
        consumed,
        changes: Frontier::new(),
        bytes: 0,
        state,
    })
}

/// What an accepting relay makes of these frames.
fn accept(frames: &[Vec<u8>]) -> End {
    let (phone, mut relay) = (phone(3), relay());
    let (_, mut far) = ends(&phone, &relay, &[], false);
    far.start(&mut relay.replica, NOW);
    for frame in frames {
        far.deliver(&mut relay.replica, frame, NOW);
    }
    far
}

fn fault_of(end: &mut End) -> PeerFault {
    let Some(SessionError::Peer(fault)) = end.error.take() else {
        panic!("{:?}", end.error)
    };
    // The other side is told the number, and the carrier is closed with it.
    let frames = end.take_frames();
    let Ok(Message::Close(close)) = Message::decode(frames.last().unwrap()) else {
        panic!("no close")
    };
    assert_eq!(close.code, CloseCode::Fault(fault.code()));
    assert_eq!(end.closed.unwrap().code, close.code);
    assert_eq!(CloseCode::from_number(fault.code()), close.code);
    assert!(end.session.is_closed());
    fault
}

#[test]
fn every_fault_of_a_connecting_peer_closes_with_its_code() {
    let bytes = |write: &dyn Fn(&mut Writer)| {
        let mut writer = Writer::new();
        write(&mut writer);
        writer.into_bytes()
    };
    let space = main_of(0);
    let tag = space.id().tag();
    let many: Vec<Vec<u8>> = std::iter::once(hello())
        .chain((0..=SPACES_PER_SESSION_MAX as u32).map(|n| open(main_of(n)).encode()))
        .collect();
    let often: Vec<Vec<u8>> = std::iter::once(hello())
        .chain((0..=OPENS_PER_SPACE_MAX).map(|_| open(space).encode()))
        .collect();
    let deny = Message::Deny(Deny {
        tag,
        scope: DenyScope::All,
        reason: DenyReason::Rank,
    });
    let items = Message::Items(Items {
        tag,
        token: None,
        left: 0,
        envelopes: vec![],
    });
    let cases: Vec<(Vec<Vec<u8>>, PeerFault)> = vec![
        (
            vec![vec![0; FRAME_BYTES_MAX + 1]],
            PeerFault::FrameTooLarge(FRAME_BYTES_MAX + 1),
        ),
        (
            vec![bytes(&|w| {
                w.array(2).uint(100).uint(1);
            })],
            PeerFault::UnknownMessage(100),
        ),
        (
            vec![bytes(&|w| {
                w.array(2).uint(0).uint(9);
            })],
            PeerFault::Version(9),
        ),
        (
            vec![bytes(&|w| {
                w.array(5).uint(0).uint(1).uint(9).uint(0).int(0);
            })],
            PeerFault::OutOfRange,
        ),
        (vec![open(space).encode()], PeerFault::HelloMissing),
        (vec![hello(), hello()], PeerFault::HelloTwice),
        (vec![hello(), deny.encode()], PeerFault::WrongEnd),
        (vec![hello(), items.encode()], PeerFault::NotOpen(tag)),
        (vec![hello(), ack(tag, 0, None).encode()], PeerFault::NotOpen(tag)),
        (
            vec![hello(), open(space).encode(), ack(tag, 1, None).encode()],
            PeerFault::AckOutOfRange,
        ),
        (many, PeerFault::TooManySpaces),
        (often, PeerFault::TooManyOpens),
    ];
    let mut codes = std::collections::BTreeSet::new();
    for (frames, fault) in cases {
        let mut end = accept(&frames);
        assert_eq!(fault_of(&mut end), fault);
        codes.insert(fault.code());
        // At the limit, one frame earlier, all was well.
        assert!(accept(&frames[..frames.len() - 1]).error.is_none(), "{fault}");
    }
    let mut end = accept(&[b"\xff".to_vec()]);
    let malformed = fault_of(&mut end);
    assert!(matches!(malformed, PeerFault::Malformed(_)));
    codes.extend([malformed.code(), PeerFault::Inconsistent.code()]);
    assert_eq!(
        codes.into_iter().collect::<Vec<_>>(),
        (16..=28).collect::<Vec<u16>>(),
        "each has its own"
    );
}

#[test]
fn a_relay_whose_digest_never_fits_is_inconsistent() {
    let (branch, _, mut phones, relay) = village_with_relay(1);
    let member = &mut phones[1];
    let (mut near, _) = ends(member, &relay, &[branch.main], false);
    near.start(&mut member.replica, NOW);
    near.deliver(&mut member.replica, &hello(), NOW);
    let wrong = State {
        digest: Digest([9; 16]),
        token: None,
    };
    let frame = ack(branch.main.id().tag(), 0, Some(wrong)).encode();
    near.deliver(&mut member.replica, &frame, NOW);
    assert!(near.error.is_none(), "once is healed by frontiers");
    near.deliver(&mut member.replica, &frame, NOW);
    assert!(
        near.error.is_none(),
        "what was sent before the healing began is no proof"
    );
    near.deliver(&mut member.replica, &open(branch.main).encode(), NOW);
    assert!(near.error.is_none());
    near.deliver(&mut member.replica, &frame, NOW);
    assert_eq!(fault_of(&mut near), PeerFault::Inconsistent);
}

#[test]
fn every_fault_of_an_accepting_peer_closes_with_its_code() {
    let (branch, _, mut phones, relay) = village_with_relay(1);
    let tag = branch.main.id().tag();
    let elsewhere = main_of(7).id().tag();
    let digest = Message::Open(Open {
        space: branch.main,
        token: None,
        have: Have::Digest(Digest([1; 16])),
        bytes: 0,
    });
    let cases = [
        (Message::Settled, PeerFault::WrongEnd),
        (digest, PeerFault::WrongEnd),
        (open(main_of(7)), PeerFault::NotOpen(elsewhere)),
        (ack(tag, 10_000, None), PeerFault::AckOutOfRange),
        (ack(elsewhere, 0, None), PeerFault::NotOpen(elsewhere)),
    ];
    for (message, fault) in cases {
        let (mut near, _) = ends(&phones[1], &relay, &[branch.main], false);
        near.start(&mut phones[1].replica, NOW);
        near.deliver(&mut phones[1].replica, &hello(), NOW);
        near.take_frames();
        near.deliver(&mut phones[1].replica, &message.encode(), NOW);
        assert_eq!(fault_of(&mut near), fault);
    }
    let (mut near, _) = ends(&phones[1], &relay, &[branch.main], false);
    near.start(&mut phones[1].replica, NOW);
    near.deliver(&mut phones[1].replica, &hello(), NOW);
    for _ in 0..=OPENS_PER_SPACE_MAX {
        assert!(near.error.is_none());
        near.deliver(&mut phones[1].replica, &open(branch.main).encode(), NOW);
    }
    assert_eq!(fault_of(&mut near), PeerFault::TooManyOpens);
}

#[test]
fn optional_messages_of_later_versions_are_skipped() {
    let mut writer = Writer::new();
    writer.array(2).uint(200).text("news");
    let end = accept(&[hello(), writer.into_bytes()]);
    assert!(end.error.is_none() && end.closed.is_none());
}

#[test]
fn too_many_spaces_in_a_configuration_are_our_own_mistake() {
    let relay = relay();
    let mut phone = phone(3);
    let spaces: Vec<Space> = (0..=SPACES_PER_SESSION_MAX as u32).map(main_of).collect();
    let (mut near, _) = ends(&phone, &relay, &spaces, false);
    near.start(&mut phone.replica, NOW);
    assert!(matches!(near.error, Some(SessionError::TooManySpaces(513))));
    let (mut near, _) = ends(&phone, &relay, &spaces[1..], false);
    near.start(&mut phone.replica, NOW);
    assert!(near.error.is_none());
}

#[test]
fn a_busy_relay_says_when_to_come_back_and_a_silent_peer_is_given_up() {
    let (branch, _, mut phones, mut relay) = village_with_relay(1);
    let (mut near, mut far) = ends(&phones[1], &relay, &branch.spaces(), false);
    near.start(&mut phones[1].replica, NOW);
    far.session.close(CloseCode::Busy, Some(90));
    far.note(Ok(()));
    for frame in far.take_frames() {
        near.deliver(&mut phones[1].replica, &frame, NOW);
    }
    assert_eq!(near.closed, far.closed);
    assert_eq!(near.closed.unwrap().retry_after, Some(90));
    assert!(near.error.is_none());
    // A relay waits for Hello, then for nothing but acks.
    let (_, mut far) = ends(&phones[1], &relay, &[], false);
    far.start(&mut relay.replica, NOW);
    assert_eq!(far.session.deadline(), Some((NOW + HELLO_TIMEOUT_MS, "hello")));
    far.deliver(&mut relay.replica, &hello(), NOW);
    assert_eq!(far.session.deadline(), None);
    // A phone that was greeted waits for its answer.
    let (mut near, _) = ends(&phones[1], &relay, &branch.spaces(), false);
    near.start(&mut phones[1].replica, NOW);
    near.deliver(&mut phones[1].replica, &hello(), NOW + 5);
    assert_eq!(
        near.session.deadline(),
        Some((NOW + 5 + ANSWER_TIMEOUT_MS, "answer"))
    );
}

type Disk = FaultyStore<sotay_store::MemoryStore>;

fn faulty(node: Phone, faults: Faults) -> Node<Disk> {
    let role = node.replica.role();
    let store = FaultyStore::new(node.replica.into_store(), Faults::none());
    let mut replica = Replica::open(store, role, Policy::Any).unwrap();
    replica.store_mut().set_faults(faults);
    Node {
        keys: node.keys,
        replica,
    }
}

fn repaired(node: Node<Disk>) -> Phone {
    let role = node.replica.role();
    Node {
        replica: Replica::open(node.replica.into_store().into_inner(), role, Policy::Any).unwrap(),
        keys: node.keys,
    }
}

/// A session in which both hold something the other lacks, with the given node on a failing disk: whatever call
/// fails and however, nothing is acknowledged that is not durable, and the next session heals.
fn survives(relay_fails: bool, fault: Fault) {
    let (branch, _, mut phones, mut filled) = village_with_relay(1);
    for n in 0..3 {
        phones[0].write(&branch.main, &[n; 30]);
        phones[1].write(&branch.main, &[n; 40]);
    }
    sync(&mut phones[0], &mut filled, &branch.spaces());
    let mut call = 0;
    loop {
        let (member, relay) = (phones[1].copy(), filled.copy());
        let (mut member, mut relay, calls) = if relay_fails {
            let (mut member, mut relay) = (member, faulty(relay, Faults::none()));
            let before = relay.replica.store().calls();
            relay
                .replica
                .store_mut()
                .set_faults(Faults::none().at(before + call, fault));
            sync_cut(&mut member, &mut relay, &branch.spaces(), NO_LIMIT);
            let calls = relay.replica.store().calls() - before;
            (member, repaired(relay), calls)
        } else {
            let (mut member, mut relay) = (faulty(member, Faults::none()), relay);
            let before = member.replica.store().calls();
            member
                .replica
                .store_mut()
                .set_faults(Faults::none().at(before + call, fault));
            sync_cut(&mut member, &mut relay, &branch.spaces(), NO_LIMIT);
            let calls = member.replica.store().calls() - before;
            (repaired(member), relay, calls)
        };
        // What the phone believes the relay has, the relay has.
        for space in branch.spaces() {
            if let SyncStatus::Synced { frontier, .. } = member.status(&relay.key(), &space) {
                assert!(
                    relay.frontier(&space).covers(&frontier),
                    "{fault:?} at call {call}"
                );
            }
        }
        sync(&mut member, &mut relay, &branch.spaces());
        assert_eq!(member.frontier(&branch.main), relay.frontier(&branch.main));
        assert_eq!(relay.count(&branch.main), 6, "{fault:?} at call {call}");
        if calls <= call {
            assert!(call > 20, "the fault reached every call of a session: {call}");
            return;
        }
        call += 1;
    }
}

#[test]
fn a_relay_that_crashes_at_any_call_has_acknowledged_nothing_it_lost() {
    survives(true, Fault::CrashBefore);
    survives(true, Fault::CrashAfter);
}

#[test]
fn a_relay_whose_disk_fails_or_fills_at_any_call_closes_and_loses_nothing() {
    survives(true, Fault::Fail);
    survives(true, Fault::DiskFull);
}

#[test]
fn a_phone_that_crashes_at_any_call_has_no_token_ahead_of_its_data() {
    survives(false, Fault::CrashBefore);
    survives(false, Fault::CrashAfter);
}

#[test]
fn a_phone_whose_disk_fails_or_fills_at_any_call_loses_nothing() {
    survives(false, Fault::Fail);
    survives(false, Fault::DiskFull);
}

#[test]
fn a_failing_disk_is_told_as_storage_and_with_a_time_to_come_back() {
    let (branch, _, mut phones, relay) = village_with_relay(1);
    phones[1].write(&branch.main, b"x");
    let mut relay = faulty(relay, Faults::none());
    let before = relay.replica.store().calls();
    relay
        .replica
        .store_mut()
        .set_faults(Faults::none().at(before, Fault::DiskFull));
    let exchange = sync_cut(&mut phones[1], &mut relay, &branch.spaces(), NO_LIMIT);
    assert!(matches!(exchange.far.error, Some(SessionError::Store(_))));
    let closed = exchange.near.closed.unwrap();
    assert_eq!(closed.code, CloseCode::Storage);
    assert_eq!(closed.retry_after, Some(60));
    assert!(matches!(
        phones[1].status(&relay.key(), &branch.main),
        SyncStatus::Ahead { unsent: 1, .. }
    ));
}
