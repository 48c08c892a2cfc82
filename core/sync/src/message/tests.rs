use super::*;
use crate::checkpoint::Checkpoint;
use proptest::prelude::*;
use sotay_feed::DeviceKeys;
use sotay_feed::limits::{ENVELOPE_BYTES_MAX, FEEDS_PER_SPACE_MAX};

fn tag() -> SpaceTag {
    SpaceTag::from_bytes([0xa1; 16])
}

fn token() -> Token {
    Token::from_bytes(*b"database\0\0\0\0\0\0\x01\x02chain(8)")
}

fn frontier() -> Frontier {
    [
        (DeviceId::from_bytes([0xd1; 8]), 3),
        (DeviceId::from_bytes([0xd2; 8]), 500),
    ]
    .into_iter()
    .collect()
}

fn space(kind: SpaceKind, subject: Option<MemberId>) -> Space {
    Space {
        unit: UnitId::from_bytes([0xb1; 32]),
        kind,
        subject,
    }
}

/// One of every message, and of every shape that a field can have, by name.
fn samples() -> Vec<(&'static str, Message<'static>)> {
    let refuse = |reason| {
        Message::Refuse(Refuse {
            tag: tag(),
            device: DeviceId::from_bytes([0xd1; 8]),
            seq: 4,
            id: EnvelopeId::from_bytes([0xe1; 32]),
            reason,
        })
    };
    let open = |space, token, have| {
        Message::Open(Open {
            space,
            token,
            have,
            bytes: 0,
        })
    };
    vec![
        (
            "hello",
            Message::Hello(Hello {
                role: Role::Relay,
                capabilities: 0,
                now: 1_700_000_000_000,
            }),
        ),
        (
            "open-token",
            open(
                space(SpaceKind::Main, None),
                Some(token()),
                Have::Frontier(Frontier::new()),
            ),
        ),
        (
            "open-frontier",
            Message::Open(Open {
                space: space(SpaceKind::Private, Some(MemberId::from_bytes([0xc1; 16]))),
                token: None,
                have: Have::Frontier(frontier()),
                bytes: 70_000,
            }),
        ),
        (
            "open-digest",
            open(
                space(SpaceKind::Roll, None),
                None,
                Have::Digest(frontier().digest()),
            ),
        ),
        (
            "items",
            Message::Items(Items {
                tag: tag(),
                token: Some(token()),
                left: 0,
                envelopes: vec![b"one", b"two"],
            }),
        ),
        (
            "items-more",
            Message::Items(Items {
                tag: tag(),
                token: None,
                left: 1000,
                envelopes: vec![],
            }),
        ),
        (
            "ack-state",
            Message::Ack(Ack {
                tag: tag(),
                consumed: 0,
                changes: Frontier::new(),
                bytes: 70_000,
                state: Some(State {
                    digest: frontier().digest(),
                    token: None,
                }),
            }),
        ),
        (
            "ack-state-token",
            Message::Ack(Ack {
                tag: tag(),
                consumed: 70_000,
                changes: frontier(),
                bytes: 70_000,
                state: Some(State {
                    digest: frontier().digest(),
                    token: Some(token()),
                }),
            }),
        ),
        (
            "ack",
            Message::Ack(Ack {
                tag: tag(),
                consumed: 500,
                changes: Frontier::new(),
                bytes: 0,
                state: None,
            }),
        ),
        ("refuse-gap", refuse(RefuseReason::Gap { expected: 2 })),
        (
            "refuse-denied",
            refuse(RefuseReason::Denied(DenyReason::BeyondCutOff)),
        ),
        (
            "deny",
            Message::Deny(Deny {
                tag: tag(),
                scope: DenyScope::Pull,
                reason: DenyReason::Revoked,
            }),
        ),
        (
            "close",
            Message::Close(Close {
                code: CloseCode::Draining,
                retry_after: Some(30),
            }),
        ),
        (
            "close-fault",
            Message::Close(Close {
                code: CloseCode::Fault(PeerFault::NotOpen(tag()).code()),
                retry_after: None,
            }),
        ),
        ("settled", Message::Settled),
        (
            "signed",
            Message::Signed(Signed {
                tag: tag(),
                time: 1_700_000_000_000,
                signature: [0x55; 64],
            }),
        ),
        (
            "seen",
            Message::Seen(Seen {
                tag: tag(),
                checkpoint: Checkpoint {
                    relay: DeviceKeys::from_seeds([1; 32], [2; 32]).public().sign,
                    place: token(),
                    held: frontier(),
                    time: 1_700_000_000_000,
                    signature: [0x55; 64],
                },
            }),
        ),
        (
            "forks",
            Message::Forks(Forks {
                tag: tag(),
                known: frontier(),
            }),
        ),
        (
            "proof",
            Message::Proof(Proof {
                tag: tag(),
                first: b"one",
                second: b"two",
            }),
        ),
    ]
}

#[test]
fn bytes_of_every_message_are_those_of_the_golden_vectors() {
    let lines: String = samples()
        .iter()
        .map(|(name, message)| format!("{name} {}\n", data_encoding::HEXLOWER.encode(&message.encode())))
        .collect();
    assert_eq!(lines, include_str!("../../vectors/messages.hex"), "\n{lines}");
}

#[test]
fn every_message_is_read_back_as_it_was_written() {
    for (name, message) in samples() {
        assert_eq!(Message::decode(&message.encode()), Ok(message), "{name}");
    }
}

#[test]
fn one_byte_short_at_every_length_and_one_byte_more_are_refused() {
    for (name, message) in samples() {
        let good = message.encode();
        for len in 0..good.len() {
            assert!(Message::decode(&good[..len]).is_err(), "{name}: {len} bytes");
        }
        let more = [&good[..], &[0]].concat();
        assert_eq!(
            Message::decode(&more),
            Err(PeerFault::Malformed(CborError::Trailing(1))),
            "{name}"
        );
    }
}

#[test]
fn another_number_of_fields_than_the_message_has_is_refused() {
    for (name, message) in samples() {
        let mut frame = message.encode();
        frame[0] += 1;
        frame.push(0);
        assert!(
            matches!(
                Message::decode(&frame),
                Err(PeerFault::Malformed(CborError::Length { .. }))
            ),
            "{name}"
        );
    }
}

#[test]
fn unknown_mandatory_messages_are_refused_and_unknown_optional_ones_skipped() {
    let frame = |kind: u64| {
        let mut writer = Writer::new();
        writer
            .array(3)
            .uint(kind)
            .text("what a later version says")
            .uint(7);
        writer.into_bytes()
    };
    for kind in [7, 127] {
        assert_eq!(
            Message::decode(&frame(kind)),
            Err(PeerFault::UnknownMessage(kind))
        );
    }
    for kind in [133, 255, u64::MAX] {
        assert_eq!(Message::decode(&frame(kind)), Ok(Message::Skipped(kind)));
    }
}

#[test]
fn hello_of_another_version_is_named_whatever_else_it_holds() {
    let mut writer = Writer::new();
    writer.array(4).uint(0).uint(2).text("new").null();
    assert_eq!(Message::decode(&writer.into_bytes()), Err(PeerFault::Version(2)));
}

#[test]
fn frames_and_lists_over_their_limit_are_refused_and_at_it_taken() {
    let largest = vec![0; ENVELOPE_BYTES_MAX];
    let items = |count: usize| {
        Message::Items(Items {
            tag: tag(),
            token: None,
            left: 0,
            envelopes: vec![b""; count],
        })
        .encode()
    };
    assert!(Message::decode(&items(ITEMS_PER_FRAME_MAX)).is_ok());
    assert!(matches!(
        Message::decode(&items(ITEMS_PER_FRAME_MAX + 1)),
        Err(PeerFault::Malformed(CborError::TooMany {
            limit: ITEMS_PER_FRAME_MAX,
            ..
        }))
    ));
    let full = Message::Items(Items {
        tag: tag(),
        token: None,
        left: 0,
        envelopes: vec![&largest; 3],
    });
    let fill = FRAME_BYTES_MAX - full.encode().len() - 3;
    let filler = vec![0; fill];
    let Message::Items(mut items) = full else {
        unreachable!()
    };
    items.envelopes.push(&filler);
    let frame = Message::Items(items).encode();
    assert_eq!(frame.len(), FRAME_BYTES_MAX);
    assert!(Message::decode(&frame).is_ok());
    let longer = [&frame[..], &[0]].concat();
    assert_eq!(
        Message::decode(&longer),
        Err(PeerFault::FrameTooLarge(FRAME_BYTES_MAX + 1))
    );
    let longer = [&largest[..], &[0]].concat();
    for (first, second) in [(&largest, &longer), (&longer, &largest)] {
        let tag = tag();
        assert!(matches!(
            Message::decode(&Message::Proof(Proof { tag, first, second }).encode()),
            Err(PeerFault::Malformed(CborError::TooMany {
                limit: ENVELOPE_BYTES_MAX,
                ..
            }))
        ));
    }
    let (first, second) = (&largest, &largest);
    assert!(
        Message::decode(
            &Message::Proof(Proof {
                tag: tag(),
                first,
                second
            })
            .encode()
        )
        .is_ok()
    );
    let mut many = Writer::new();
    many.array(6)
        .uint(ACK)
        .bytes(&[0; 16])
        .uint(0)
        .array((FEEDS_PER_SPACE_MAX + 1) * 2);
    assert!(matches!(
        Message::decode(&many.into_bytes()),
        Err(PeerFault::Malformed(CborError::TooMany { .. }))
    ));
}

#[test]
fn values_out_of_range_are_refused() {
    let frame = |write: &dyn Fn(&mut Writer)| {
        let mut writer = Writer::new();
        write(&mut writer);
        Message::decode(&writer.into_bytes()).map(|_| ())
    };
    let open = |kind: u64, subject: Option<&[u8]>| {
        frame(&|w| {
            w.array(7)
                .uint(OPEN)
                .bytes(&[1; 32])
                .uint(kind)
                .opt_bytes(subject)
                .null()
                .array(0)
                .uint(0);
        })
    };
    assert_eq!(open(1, None), Ok(()));
    assert_eq!(open(7, None), Err(PeerFault::OutOfRange), "unknown kind of space");
    assert_eq!(
        open(5, None),
        Err(PeerFault::OutOfRange),
        "private space of nobody"
    );
    assert_eq!(
        open(1, Some(&[1; 16])),
        Err(PeerFault::OutOfRange),
        "main space of somebody"
    );
    let zero_seq = frame(&|w| {
        w.array(6)
            .uint(ACK)
            .bytes(&[0; 16])
            .uint(0)
            .array(2)
            .bytes(&[1; 8])
            .uint(0)
            .uint(0)
            .null();
    });
    assert_eq!(zero_seq, Err(PeerFault::OutOfRange));
    let role = frame(&|w| {
        w.array(5).uint(HELLO).uint(1).uint(2).uint(0).int(0);
    });
    assert_eq!(role, Err(PeerFault::OutOfRange));
    let scope = frame(&|w| {
        w.array(4).uint(DENY).bytes(&[0; 16]).uint(2).uint(1);
    });
    assert_eq!(scope, Err(PeerFault::OutOfRange));
    let detail = frame(&|w| {
        w.array(7)
            .uint(REFUSE)
            .bytes(&[0; 16])
            .bytes(&[0; 8])
            .uint(0)
            .bytes(&[0; 32])
            .uint(5)
            .uint(9);
    });
    assert_eq!(detail, Err(PeerFault::OutOfRange), "a signature has no detail");
    assert_eq!(
        frame(&|w| {
            w.array(0);
        }),
        Err(PeerFault::OutOfRange)
    );
}

#[test]
fn reasons_and_codes_round_trip_and_unknown_ones_keep_their_number() {
    for number in 0..=u8::MAX {
        assert_eq!(DenyReason::from_number(number).number(), number);
        let Some(reason) = RefuseReason::from_number(number, 0) else {
            continue;
        };
        assert_eq!(reason.number(), (number, 0));
    }
    assert_eq!(
        RefuseReason::from_number(200, 9),
        Some(RefuseReason::Unknown(200))
    );
    assert_eq!(DenyReason::from_number(99), DenyReason::Unknown(99));
    for number in 0..100 {
        assert_eq!(CloseCode::from_number(number).number(), number);
    }
    assert_eq!(CloseCode::from_number(15), CloseCode::Unknown(15));
    assert_eq!(CloseCode::from_number(31), CloseCode::Unknown(31));
}

#[test]
fn space_definitions_round_trip_alone() {
    for space in [
        space(SpaceKind::Inbox, None),
        space(SpaceKind::Private, Some(MemberId::from_bytes([1; 16]))),
    ] {
        let bytes = encode_space(&space);
        assert_eq!(decode_space(&bytes), Ok(space));
        assert!(decode_space(&bytes[..bytes.len() - 1]).is_err());
    }
}

proptest! {
    #[test]
    fn garbage_never_panics_and_what_is_read_is_canonical(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(message) = Message::decode(&bytes) && !matches!(message, Message::Skipped(_)) {
            prop_assert_eq!(message.encode(), bytes);
        }
    }

    #[test]
    fn a_message_with_some_bytes_changed_never_panics(
        which in 0usize..15,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut frame = samples()[which].1.encode();
        for (at, byte) in changes {
            let at = at.index(frame.len());
            frame[at] = byte;
        }
        if let Ok(message) = Message::decode(&frame) && !matches!(message, Message::Skipped(_)) {
            prop_assert_eq!(message.encode(), frame);
        }
    }
}
