//! Formats: golden vectors, round trips, limits and every kind of bad bytes.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::HEXLOWER;
use proptest::prelude::*;
use sotay_feed::limits::{EPOCH_RECIPIENTS_MAX, SEQ_MAX};
use sotay_feed::{
    BoxKey, DeviceId, DeviceKeys, DevicePublic, DocId, EnvelopeId, EpochId, MemberId, SignKey, Space,
    SpaceId, SpaceKind, SpaceTag, Tip, UnitId,
};

use super::*;
use crate::limits::*;
use crate::{
    Authority, CoverId, CoveredFeed, Flags, Numbers, Reason, RelayAddress, RootPolicy, UnitKind, UnitPolicy,
    epoch_id, rank,
};

fn keys(n: u8) -> DevicePublic {
    DeviceKeys::from_seeds([n; 32], [n + 1; 32]).public()
}

fn unit() -> UnitId {
    UnitId::from_bytes([7; 32])
}

fn act() -> RootAct {
    RootAct {
        serial: 3,
        record: Box::new(Record::Reparent(Reparent { parent: unit() })),
        signatures: [(keys(1).sign, [9; 64])].into(),
    }
}

fn genesis() -> Genesis {
    Genesis {
        unit_kind: UnitKind::BRANCH,
        parent: Some(unit()),
        authorities: vec![
            Authority {
                rank: rank::PARENT,
                keys: keys(1),
            },
            Authority {
                rank: rank::ROOT,
                keys: keys(3),
            },
        ],
        root_policy: Some(RootPolicy {
            threshold: 2,
            keys: [1, 3, 5].map(|n| keys(n).sign).into(),
        }),
        nonce: [9; 16],
        claimed_ms: 1_747_000_000_000,
    }
}

fn grant() -> Grant {
    Grant {
        member: MemberId::from_bytes([4; 16]),
        rank: rank::MEMBER,
        flags: Flags {
            committee: true,
            probationary: false,
        },
        keys: keys(5),
        scope: None,
        from_ms: -1,
    }
}

fn revoke(cutoffs: usize) -> Revoke {
    let cut = |n: usize| {
        let mut tag = [0; 16];
        tag[..8].copy_from_slice(&(n as u64).to_be_bytes());
        let id = EnvelopeId::from_bytes([n as u8; 32]);
        (
            SpaceTag::from_bytes(tag),
            Tip {
                seq: n as u64 + 1,
                id,
            },
        )
    };
    Revoke {
        grant: EnvelopeId::from_bytes([8; 32]),
        reason: Reason::LOST,
        cutoffs: (0..cutoffs).map(cut).collect(),
    }
}

fn epoch(previous: u64, boxes: u64, box_len: usize) -> EpochRecord {
    EpochRecord {
        space: Space::of(unit(), SpaceKind::Main).id(),
        previous: (0..previous)
            .map(|n| EpochId::from_bytes(n.to_be_bytes()))
            .collect(),
        commitment: [6; 32],
        boxes: (0..boxes)
            .map(|n| (DeviceId::from_bytes(n.to_be_bytes()), vec![n as u8; box_len]))
            .collect(),
    }
}

fn relays(count: usize, address_len: usize) -> RelayRecord {
    RelayRecord {
        serial: 3,
        relays: (0..count)
            .map(|_| RelayAddress {
                address: "r".repeat(address_len),
                key: keys(11).sign,
            })
            .collect(),
    }
}

fn cover() -> Cover {
    let feed = |seq, id, kept: &[u64], digest| CoveredFeed {
        place: Tip {
            seq,
            id: EnvelopeId::from_bytes([id; 32]),
        },
        kept: Numbers::new(kept.iter().copied()),
        digest: [digest; 32],
    };
    Cover {
        space: SpaceId::from_bytes([7; 32]),
        made_ms: 1_790_000_000_000,
        previous: BTreeSet::from([CoverId([9; 32])]),
        feeds: BTreeMap::from([
            (DeviceId::from_bytes([1; 8]), feed(20, 2, &[4, 5, 14, 15, 16], 4)),
            (DeviceId::from_bytes([5; 8]), feed(300, 6, &[], 3)),
        ]),
        copies: [8, 10].map(|n| EnvelopeId::from_bytes([n; 32])).into(),
    }
}

/// One of each, with the file that pins its bytes.
fn samples() -> Vec<(Record, &'static str)> {
    vec![
        (Record::Genesis(genesis()), include_str!("../vectors/genesis.hex")),
        (Record::Grant(grant()), include_str!("../vectors/grant.hex")),
        (Record::Revoke(revoke(2)), include_str!("../vectors/revoke.hex")),
        (
            Record::Suspend(Suspend {
                device: keys(5).sign.device_id(),
                reason: Reason::LOST,
            }),
            include_str!("../vectors/suspend.hex"),
        ),
        (
            Record::Lift(Lift {
                suspend: EnvelopeId::from_bytes([2; 32]),
            }),
            include_str!("../vectors/lift.hex"),
        ),
        (
            Record::Epoch(epoch(1, 2, 80)),
            include_str!("../vectors/epoch.hex"),
        ),
        (
            Record::Reparent(Reparent { parent: unit() }),
            include_str!("../vectors/reparent.hex"),
        ),
        (Record::Relay(relays(2, 12)), include_str!("../vectors/relay.hex")),
        (Record::Root(act()), include_str!("../vectors/root.hex")),
        (
            Record::Policy(PolicyRecord {
                serial: 7,
                policy: UnitPolicy {
                    escrow: true,
                    remote: false,
                },
            }),
            include_str!("../vectors/policy.hex"),
        ),
        (Record::Cover(cover()), include_str!("../vectors/cover.hex")),
    ]
}

fn read(record: &Record) -> Result<Record, RecordError> {
    let bytes = record.encode();
    let (read, len) = Record::decode(record.kind(), &bytes)?;
    assert_eq!(len, bytes.len());
    Ok(read)
}

fn too_many(result: Result<Record, RecordError>, limit: usize) -> bool {
    matches!(result, Err(RecordError::Cbor(CborError::TooMany { limit: found, .. })) if found == limit)
}

#[test]
fn bytes_are_those_of_the_golden_vectors() {
    for (record, vector) in samples() {
        let hex = HEXLOWER.encode(&record.encode());
        assert_eq!(hex, vector.trim(), "{}", record.kind());
        let bytes = HEXLOWER.decode(vector.trim().as_bytes()).unwrap();
        assert_eq!(Record::decode(record.kind(), &bytes), Ok((record, bytes.len())));
    }
    assert_eq!(
        genesis().unit_id().to_string(),
        "e7b503ef27fc308a293e9325826e0b6a9f8e44b56fa5ddbee0d7b0e867cc53b0"
    );
    assert_eq!(epoch_id(&[6; 32]).to_string(), "956f62d38452bbf7");
}

#[test]
fn what_follows_the_clear_part_is_left_to_the_sealed_part() {
    for (record, _) in samples() {
        let clear = record.encode();
        let body = [&clear[..], b"sealed"].concat();
        assert_eq!(Record::decode(record.kind(), &body), Ok((record, clear.len())));
    }
}

#[test]
fn one_byte_short_at_every_length_is_refused() {
    for (record, _) in samples() {
        let bytes = record.encode();
        for len in 0..bytes.len() {
            assert!(
                Record::decode(record.kind(), &bytes[..len]).is_err(),
                "{} of {len} bytes",
                record.kind()
            );
        }
    }
}

#[test]
fn a_newer_version_is_called_by_its_number() {
    for (record, _) in samples() {
        let mut bytes = record.encode();
        bytes[1] = 2;
        assert_eq!(
            Record::decode(record.kind(), &bytes),
            Err(RecordError::Version(2))
        );
        // Also when a newer version has more items.
        bytes[0] += 1;
        assert_eq!(
            Record::decode(record.kind(), &bytes),
            Err(RecordError::Version(2))
        );
    }
}

#[test]
fn longer_heads_than_needed_are_not_canonical() {
    for (record, _) in samples() {
        let bytes = record.encode();
        let long = [&[0x98, bytes[0] & 0x1f][..], &bytes[1..]].concat();
        assert_eq!(
            Record::decode(record.kind(), &long),
            Err(RecordError::Cbor(CborError::NotCanonical))
        );
    }
}

#[test]
fn kinds_without_a_membership_record_are_refused() {
    assert_eq!(
        Record::decode(Kind::CHANGE, &[0x80]),
        Err(RecordError::Kind(Kind::CHANGE))
    );
}

#[test]
fn a_genesis_names_one_to_sixteen_different_authorities_of_rank_zero_or_one() {
    let with = |authorities: Vec<Authority>| {
        read(&Record::Genesis(Genesis {
            authorities,
            ..genesis()
        }))
    };
    let seats = |count: usize| -> Vec<_> {
        let seat = |n| Authority {
            rank: rank::PARENT,
            keys: keys(n as u8),
        };
        (1..=count).map(seat).collect()
    };
    assert!(with(seats(AUTHORITIES_MAX)).is_ok());
    assert!(too_many(with(seats(AUTHORITIES_MAX + 1)), AUTHORITIES_MAX));
    assert_eq!(with(Vec::new()), Err(RecordError::List));
    assert_eq!(with([seats(1), seats(1)].concat()), Err(RecordError::List));
    let secretary = Authority {
        rank: rank::SECRETARY,
        keys: keys(1),
    };
    assert_eq!(with(vec![secretary]), Err(RecordError::Rank(2)));
}

#[test]
fn a_root_policy_asks_for_one_to_all_of_its_keys() {
    let with = |threshold, count: u8| {
        let policy = RootPolicy {
            threshold,
            keys: (1..=count).map(|n| keys(n).sign).collect(),
        };
        read(&Record::Genesis(Genesis {
            root_policy: Some(policy),
            ..genesis()
        }))
    };
    assert!(with(8, 8).is_ok());
    assert!(too_many(with(1, ROOT_KEYS_MAX as u8 + 1), ROOT_KEYS_MAX));
    assert_eq!(with(0, 3), Err(RecordError::Threshold(0)));
    assert_eq!(with(4, 3), Err(RecordError::Threshold(4)));
}

#[test]
fn a_root_quorum_counts_each_listed_key_once_and_no_other_key() {
    let signers: Vec<_> = (1u8..=4)
        .map(|n| DeviceKeys::from_seeds([n; 32], [9; 32]))
        .collect();
    let policy = RootPolicy {
        threshold: 2,
        keys: signers[..3].iter().map(|keys| keys.public().sign).collect(),
    };
    let sign = |who: &[usize], message: &[u8]| -> BTreeMap<SignKey, [u8; 64]> {
        who.iter()
            .map(|&n| {
                (
                    signers[n].public().sign,
                    signers[n].sign_detached("root", message),
                )
            })
            .collect()
    };
    assert_eq!(policy.check("root", b"record", &sign(&[0, 2], b"record")), Ok(()));
    for (who, message, context) in [
        (&[0][..], &b"record"[..], "root"),
        (&[0, 3], b"record", "root"),
        (&[0, 1], b"other", "root"),
        (&[0, 1], b"record", "elsewhere"),
    ] {
        assert!(policy.check(context, b"record", &sign(who, message)).is_err());
    }
}

#[test]
fn a_grant_has_a_member_a_rank_from_one_to_five_and_known_flags() {
    let with = |change: fn(&mut Grant)| {
        let mut changed = grant();
        change(&mut changed);
        read(&Record::Grant(changed))
    };
    assert_eq!(
        with(|grant| grant.member = MemberId::ZERO),
        Err(RecordError::Member)
    );
    assert_eq!(with(|grant| grant.rank = 0), Err(RecordError::Rank(0)));
    assert_eq!(with(|grant| grant.rank = 6), Err(RecordError::Rank(6)));
    assert!(with(|grant| grant.rank = 5).is_ok());
    let scope = Some(DocId::from_bytes([1; 16]));
    assert_eq!(
        read(&Record::Grant(Grant { scope, ..grant() })),
        Err(RecordError::Scope)
    );
    assert!(
        read(&Record::Grant(Grant {
            scope,
            rank: rank::GUEST,
            ..grant()
        }))
        .is_ok()
    );
    // The flags are the byte after version, member and rank.
    let mut bytes = grant().encode();
    assert_eq!(bytes[20], 1);
    bytes[20] = 4;
    assert_eq!(Record::decode(Kind::GRANT, &bytes), Err(RecordError::Flags(4)));
}

#[test]
fn keys_that_no_device_can_have_are_refused() {
    let bytes = grant().encode();
    let at = |needle: &[u8]| bytes.windows(32).position(|window| window == needle).unwrap();
    let mut weak = bytes.clone();
    weak[at(keys(5).sign.as_bytes())..][..32].fill(0);
    assert_eq!(
        Record::decode(Kind::GRANT, &weak),
        Err(RecordError::Key(KeyError::Sign))
    );
    let mut zero = bytes.clone();
    zero[at(keys(5).seal.as_bytes())..][..32].fill(0);
    assert_eq!(
        Record::decode(Kind::GRANT, &zero),
        Err(RecordError::Key(KeyError::Box))
    );
    assert!(BoxKey::from_bytes([0; 32]).is_err());
}

#[test]
fn a_revocation_lists_at_most_its_limit_of_cut_offs_in_order_and_in_range() {
    assert!(read(&Record::Revoke(revoke(CUTOFFS_MAX))).is_ok());
    assert!(too_many(
        read(&Record::Revoke(revoke(CUTOFFS_MAX + 1))),
        CUTOFFS_MAX
    ));
    for seq in [0, SEQ_MAX + 1] {
        let mut record = revoke(1);
        record.cutoffs.values_mut().for_each(|tip| tip.seq = seq);
        assert_eq!(read(&Record::Revoke(record)), Err(RecordError::CutOff(seq)));
    }
    // Two entries exchanged, and one written twice: each entry has 1 + 17 + 1 + 34 bytes.
    let bytes = revoke(2).encode();
    let (head, entries) = bytes.split_at(bytes.len() - 2 * 53);
    let swapped = [head, &entries[53..], &entries[..53]].concat();
    assert_eq!(
        Record::decode(Kind::REVOKE, &swapped),
        Err(RecordError::Cbor(CborError::NotCanonical))
    );
    let twice = [head, &entries[..53], &entries[..53]].concat();
    assert_eq!(Record::decode(Kind::REVOKE, &twice), Err(RecordError::List));
}

#[test]
fn an_epoch_keeps_to_its_limits_and_to_its_commitment() {
    let limit = EPOCH_RECIPIENTS_MAX as u64;
    assert!(read(&Record::Epoch(epoch(0, limit, 80))).is_ok());
    assert!(too_many(
        read(&Record::Epoch(epoch(0, limit + 1, 1))),
        EPOCH_RECIPIENTS_MAX
    ));
    let previous = EPOCH_PREVIOUS_MAX as u64;
    assert!(read(&Record::Epoch(epoch(previous, 1, 80))).is_ok());
    assert!(too_many(
        read(&Record::Epoch(epoch(previous + 1, 1, 80))),
        EPOCH_PREVIOUS_MAX
    ));
    assert!(read(&Record::Epoch(epoch(0, 1, EPOCH_BOX_BYTES_MAX))).is_ok());
    assert!(too_many(
        read(&Record::Epoch(epoch(0, 1, EPOCH_BOX_BYTES_MAX + 1))),
        EPOCH_BOX_BYTES_MAX
    ));
    assert_eq!(read(&Record::Epoch(epoch(0, 0, 80))), Err(RecordError::List));
    // The id is the eight bytes after version and space.
    let mut bytes = epoch(0, 1, 80).encode();
    bytes[1 + 1 + 34 + 1] ^= 1;
    assert_eq!(Record::decode(Kind::EPOCH, &bytes), Err(RecordError::EpochId));
}

#[test]
fn a_relay_record_keeps_to_its_limits() {
    assert!(read(&Record::Relay(relays(RELAYS_MAX, RELAY_ADDRESS_BYTES_MAX))).is_ok());
    assert!(too_many(
        read(&Record::Relay(relays(RELAYS_MAX + 1, 1))),
        RELAYS_MAX
    ));
    assert!(too_many(
        read(&Record::Relay(relays(1, RELAY_ADDRESS_BYTES_MAX + 1))),
        RELAY_ADDRESS_BYTES_MAX
    ));
}

#[test]
fn seats_of_one_device_differ_between_units() {
    let seat = genesis().authorities[0];
    assert_ne!(seat.seat(&unit()), seat.seat(&genesis().unit_id()));
    let ids: BTreeSet<_> = genesis()
        .authorities
        .iter()
        .map(|seat| seat.seat(&unit()))
        .collect();
    assert_eq!(ids.len(), 2);
}

proptest! {
    #[test]
    fn garbage_never_panics(kind in prop_oneof![0u16..9, Just(19), Just(20)], bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Record::decode(Kind::from_number(kind), &bytes);
    }

    #[test]
    fn a_changed_byte_is_refused_or_reads_as_another_canonical_record(
        which in 0usize..10, at in any::<prop::sample::Index>(), flip in 1u8..
    ) {
        let (record, _) = samples().swap_remove(which);
        let mut bytes = record.encode();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok((read, len)) = Record::decode(record.kind(), &bytes) {
            prop_assert_ne!(&read, &record);
            prop_assert_eq!(read.encode(), &bytes[..len]);
        }
    }

    #[test]
    fn grants_round_trip(
        member in 1u8.., rank in 1u8..=5, bits in 0u8..4, seed in 0u8..200, scoped in any::<bool>(), from_ms in any::<i64>()
    ) {
        let record = Record::Grant(Grant {
            member: MemberId::from_bytes([member; 16]),
            rank,
            flags: Flags::from_bits(bits).unwrap(),
            keys: keys(seed),
            scope: (scoped && rank == rank::GUEST).then(|| DocId::from_bytes([seed; 16])),
            from_ms,
        });
        prop_assert_eq!(read(&record), Ok(record));
    }
}
