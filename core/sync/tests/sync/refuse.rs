//! One bad envelope: refused with a reason, kept for its author, and nobody else's feed waits for it.

use sotay_feed::limits::FEEDS_PER_SPACE_MAX;
use sotay_feed::{DeviceId, DeviceKeys, Draft, Envelope, EnvelopeId, Kind, MemberId};
use sotay_membership::{Flags, rank};
use sotay_store::{Batch, Bucket, Put, Store};
use sotay_sync::message::{Items, Message};
use sotay_sync::{
    Admitted, DenyReason, Gate, Offered, RefuseReason, RefusedBy, Role, SessionEvent, SyncStatus, quarantined,
};

use crate::support::*;

fn admit(node: &mut Phone, branch: &Branch, envelopes: Vec<Envelope>) -> Vec<Admitted> {
    node.replica.admit(&branch.main, envelopes, Vec::new()).unwrap()
}

fn refused(reason: RefuseReason) -> Admitted {
    Admitted::Refused(reason)
}

#[test]
fn each_reason_is_given_for_what_it_names() {
    let (branch, _, phones, mut relay) = village_with_relay(1);
    let member = &phones[1];
    let good = member.draft(&branch.main, Kind::CHANGE, b"good").into_inner();
    let relay = &mut relay;
    // Altered.
    let mut altered = good.bytes().to_vec();
    *altered.last_mut().unwrap() ^= 1;
    let altered = Envelope::decode(&altered).unwrap();
    assert_eq!(
        admit(relay, &branch, vec![altered]),
        [refused(RefuseReason::Signature)]
    );
    // Another space.
    let elsewhere = member.draft(&branch.inbox, Kind::INBOX, b"x").into_inner();
    assert_eq!(
        admit(relay, &branch, vec![elsewhere]),
        [refused(RefuseReason::Space)]
    );
    // A stranger.
    let stranger = phone(70).draft(&branch.main, Kind::CHANGE, b"x").into_inner();
    assert_eq!(
        admit(relay, &branch, vec![stranger]),
        [refused(RefuseReason::Denied(DenyReason::UnknownDevice))]
    );
    // A membership record outside the roll, by an officer.
    let grant = phones[0].draft(&branch.main, Kind::GRANT, b"x").into_inner();
    assert_eq!(
        admit(relay, &branch, vec![grant]),
        [refused(RefuseReason::Denied(DenyReason::WrongKind))]
    );
    // A gap, and after the missing one it passes; twice changes nothing.
    let second = Draft::next(&member.keys, Kind::CHANGE, &branch.main.id(), Some(tip_of(&good)))
        .sign(&member.keys, &branch.main.id(), b"second")
        .unwrap()
        .into_inner();
    assert_eq!(
        admit(relay, &branch, vec![second.clone()]),
        [refused(RefuseReason::Gap { expected: 1 })]
    );
    let answers = admit(relay, &branch, vec![good.clone(), second.clone(), good.clone()]);
    assert!(matches!(
        answers[..],
        [Admitted::Stored(_), Admitted::Stored(_), Admitted::Duplicate]
    ));
    // A fork: the relay keeps the proof and serves the device no more.
    let other = member.draft(&branch.main, Kind::CHANGE, b"other").into_inner();
    assert_eq!(
        admit(relay, &branch, vec![other]),
        [refused(RefuseReason::Fork { seq: 1 })]
    );
    assert_eq!(relay.replica.store().forks().unwrap().len(), 1);
    let membership = relay.replica.membership(branch.unit).unwrap();
    assert!(membership.may_be_served(member.id()).is_err());
    // A roll record that is none, and a grant by someone who may not.
    let roll = |relay: &mut Phone, envelope: Envelope| {
        relay
            .replica
            .admit(&branch.roll, vec![envelope], Vec::new())
            .unwrap()[0]
    };
    let nonsense = phones[0]
        .draft(&branch.roll, Kind::GRANT, b"nonsense")
        .into_inner();
    assert_eq!(roll(relay, nonsense), refused(RefuseReason::Record));
    let usurper = member.draft(&branch.roll, Kind::GRANT, b"x").into_inner();
    assert_eq!(
        roll(relay, usurper),
        refused(RefuseReason::Denied(DenyReason::Rank))
    );
}

fn tip_of(envelope: &Envelope) -> sotay_feed::Tip {
    sotay_feed::Tip {
        seq: envelope.header().seq,
        id: envelope.id(),
    }
}

#[test]
fn a_refused_envelope_makes_its_followers_gaps_and_holds_up_no_other_feed() {
    let (branch, _, mut phones, mut relay) = village_with_relay(2);
    let device = phones[1].id();
    for n in 0..3 {
        phones[1].write(&branch.main, &[n]);
    }
    sync(&mut phones[1], &mut relay, &branch.spaces());
    // The secretary revokes the member after two envelopes, by what it had seen, and the relay learns of it.
    let grant = {
        let membership = phones[0].replica.membership(branch.unit).unwrap();
        membership
            .grants()
            .find(|(_, _, grant, _)| grant.device() == device)
            .unwrap()
            .0
    };
    phones[0].revoke(&branch, grant, device);
    sync(&mut phones[0], &mut relay, &branch.spaces());
    // Another member met the revoked one in the hall and carries its votes, which nothing can vouch for.
    for n in 0..3 {
        phones[1].write_kind(&branch.main, Kind::VOTE, &[n]);
    }
    let (left, right) = phones.split_at_mut(2);
    right[0].copy_from(&left[1], &branch.main);
    right[0].write(&branch.main, b"mine");
    let exchange = sync(&mut right[0], &mut relay, &branch.spaces());
    let reasons: Vec<RefuseReason> = exchange
        .near
        .events
        .iter()
        .filter_map(|event| match event {
            SessionEvent::Refused { reason, .. } => Some(*reason),
            _ => None,
        })
        .collect();
    assert_eq!(
        reasons,
        [
            RefuseReason::Denied(DenyReason::BeyondCutOff),
            RefuseReason::Gap { expected: 4 },
            RefuseReason::Gap { expected: 4 },
        ]
    );
    assert_eq!(
        relay.frontier(&branch.main).get(right[0].id()),
        1,
        "its own feed went on"
    );
    let kept = quarantined(right[0].replica.store()).unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(
        (kept[0].by, kept[0].device, kept[0].seq),
        (RefusedBy::Peer, device, 4)
    );
    assert_eq!(
        right[0].status(&relay.key(), &branch.main),
        SyncStatus::Ahead {
            unsent: 3,
            bytes: (0..3)
                .map(|n| right[0]
                    .replica
                    .store()
                    .at(&branch.main.id(), device, 4 + n)
                    .unwrap()
                    .unwrap()
                    .bytes
                    .len() as u64)
                .sum(),
        },
        "what the relay did not take is not called synced"
    );
    // The next session does not offer them again, nor does a restart make it forget.
    let mut carrier = phones.remove(2).reopen();
    let exchange = sync(&mut carrier, &mut relay, &branch.spaces());
    assert_eq!(exchange.stats().envelopes_out, 0);
    // Another roll is a reason to try again.
    phones[0].grant(&branch, 91, rank::MEMBER);
    sync(&mut phones[0], &mut relay, &branch.spaces());
    let exchange = sync(&mut carrier, &mut relay, &branch.spaces());
    assert_eq!(exchange.stats().envelopes_out, 3);
}

#[test]
fn changes_of_a_revoked_author_are_taken_from_another_member_but_not_from_itself() {
    let (branch, _, mut phones, mut relay) = village_with_relay(2);
    let device = phones[1].id();
    let grant = {
        let membership = phones[0].replica.membership(branch.unit).unwrap();
        membership
            .grants()
            .find(|(_, _, grant, _)| grant.device() == device)
            .unwrap()
            .0
    };
    phones[0].revoke(&branch, grant, device);
    sync(&mut phones[0], &mut relay, &branch.spaces());
    phones[1].write(&branch.main, b"others may build on this");
    sync(&mut phones[1], &mut relay, &branch.spaces());
    assert_eq!(relay.count(&branch.main), 0);
    let (left, right) = phones.split_at_mut(2);
    right[0].copy_from(&left[1], &branch.main);
    sync(&mut right[0], &mut relay, &branch.spaces());
    assert_eq!(relay.count(&branch.main), 1);
}

#[test]
fn what_is_no_envelope_is_refused_by_its_hash_and_the_rest_of_the_frame_is_taken() {
    let (branch, _, phones, mut relay) = village_with_relay(1);
    let good = phones[1].draft(&branch.main, Kind::CHANGE, b"good");
    let too_large = vec![0; sotay_feed::limits::ENVELOPE_BYTES_MAX + 1];
    let (mut near, mut far) = ends(&phones[1], &relay, &branch.spaces(), false);
    let mut member = phones.into_iter().nth(1).unwrap();
    near.start(&mut member.replica, NOW);
    far.start(&mut relay.replica, NOW);
    for frame in near.take_frames() {
        far.deliver(&mut relay.replica, &frame, NOW);
    }
    let items = Message::Items(Items {
        tag: branch.main.id().tag(),
        token: None,
        left: 0,
        envelopes: vec![b"garbage", &too_large, good.bytes()],
    });
    far.take_frames();
    far.deliver(&mut relay.replica, &items.encode(), NOW);
    assert!(far.error.is_none());
    let refusals: Vec<(EnvelopeId, RefuseReason)> = far
        .take_frames()
        .iter()
        .filter_map(|frame| match Message::decode(frame).unwrap() {
            Message::Refuse(refuse) => Some((refuse.id, refuse.reason)),
            _ => None,
        })
        .collect();
    let hash = |bytes: &[u8]| EnvelopeId::from_bytes(*blake3::hash(bytes).as_bytes());
    assert_eq!(
        refusals,
        [
            (hash(b"garbage"), RefuseReason::Malformed),
            (hash(&too_large), RefuseReason::TooLarge)
        ]
    );
    assert_eq!(relay.count(&branch.main), 1);
}

#[test]
fn a_phone_keeps_what_it_refused_until_it_can_take_it_and_never_a_token_beyond() {
    let (branch, _, mut phones, mut relay) = village_with_relay(2);
    // The relay knows the newcomer; the member's phone syncs the main space alone and does not.
    phones[0].grant(&branch, 30, rank::MEMBER);
    let mut newcomer = phone(30);
    newcomer.copy_from(&phones[0], &branch.roll);
    newcomer.write(&branch.main, b"hello");
    sync(&mut newcomer, &mut relay, &branch.spaces());
    let member = &mut phones[1];
    let exchange = sync(member, &mut relay, &[branch.main]);
    assert_eq!(member.count(&branch.main), 0);
    assert!(exchange.near.told(|event| matches!(
        event,
        SessionEvent::Rejected {
            reason: RefuseReason::Denied(DenyReason::UnknownDevice),
            ..
        }
    )));
    assert!(
        exchange
            .far
            .told(|event| matches!(event, SessionEvent::Refused { .. }))
    );
    assert!(matches!(
        member.status(&relay.key(), &branch.main),
        SyncStatus::Behind { want: 1, have: 0, .. }
    ));
    sync(member, &mut relay, &branch.spaces());
    assert_eq!(member.count(&branch.main), 1, "it is asked for again");
    assert!(matches!(
        member.status(&relay.key(), &branch.main),
        SyncStatus::Synced { .. }
    ));
}

#[test]
fn a_forked_feed_is_quarantined_on_a_phone_and_the_rest_is_synced() {
    let (branch, _, mut phones, mut relay) = village_with_relay(2);
    let forger = phones[1]
        .draft(&branch.main, Kind::CHANGE, b"one face")
        .into_inner();
    let other = phones[1]
        .draft(&branch.main, Kind::CHANGE, b"another face")
        .into_inner();
    let id = forger.header().device;
    assert!(matches!(
        admit(&mut phones[2], &branch, vec![forger])[..],
        [Admitted::Stored(_)]
    ));
    assert!(matches!(
        admit(&mut relay, &branch, vec![other])[..],
        [Admitted::Stored(_)]
    ));
    let more = relay_writes_on(&phones[1], &branch, b"another face");
    assert!(matches!(
        admit(&mut relay, &branch, vec![more])[..],
        [Admitted::Stored(_)]
    ));
    phones[0].write(&branch.main, b"honest");
    sync(&mut phones[0], &mut relay, &branch.spaces());
    let exchange = sync(&mut phones[2], &mut relay, &branch.spaces());
    assert!(exchange.near.told(|event| matches!(
        event,
        SessionEvent::Rejected {
            reason: RefuseReason::Fork { seq: 1 },
            ..
        }
    )));
    let kept = quarantined(phones[2].replica.store()).unwrap();
    assert_eq!(
        kept.iter()
            .map(|kept| (kept.by, kept.device, kept.seq))
            .collect::<Vec<_>>(),
        [
            (RefusedBy::Us, id, 1),
            (RefusedBy::Us, id, 2),
            (RefusedBy::Peer, id, 1)
        ],
        "each refuses the other's; the relay shows its own as a proof"
    );
    assert_eq!(phones[2].frontier(&branch.main).get(phones[0].id()), 1);
    assert!(matches!(
        phones[2].status(&relay.key(), &branch.main),
        SyncStatus::Synced { .. }
    ));
    // It is not fetched again every time.
    assert_eq!(
        sync(&mut phones[2], &mut relay, &branch.spaces())
            .stats()
            .envelopes_in,
        0
    );
}

fn relay_writes_on(member: &Phone, branch: &Branch, first: &[u8]) -> Envelope {
    let first = member.draft(&branch.main, Kind::CHANGE, first);
    Draft::next(&member.keys, Kind::CHANGE, &branch.main.id(), Some(first.tip()))
        .sign(&member.keys, &branch.main.id(), b"and on")
        .unwrap()
        .into_inner()
}

struct Two {
    left: u32,
    asked: Vec<(DeviceId, i64)>,
}

impl Gate for Two {
    fn allow(&mut self, offered: &Offered<'_>) -> Result<(), u32> {
        self.asked.push((offered.from, offered.now));
        self.left = self.left.checked_sub(1).ok_or(60u32)?;
        Ok(())
    }
}

#[test]
fn over_quota_is_refused_for_a_while_and_passes_in_a_later_session() {
    let (branch, _, mut phones, mut relay) = village_with_relay(1);
    relay.replica.set_gate(Box::new(Two {
        left: 2,
        asked: Vec::new(),
    }));
    for n in 0..4 {
        phones[1].write(&branch.main, &[n]);
    }
    let exchange = sync(&mut phones[1], &mut relay, &branch.spaces());
    assert_eq!(relay.count(&branch.main), 2);
    assert!(exchange.near.told(|event| matches!(
        event,
        SessionEvent::Refused {
            seq: 3,
            reason: RefuseReason::Quota { retry_after: 60 },
            ..
        }
    )));
    assert_eq!(
        quarantined(phones[1].replica.store()).unwrap(),
        [],
        "nothing is wrong with it"
    );
    relay.replica.set_gate(Box::new(Two {
        left: 2,
        asked: Vec::new(),
    }));
    sync(&mut phones[1], &mut relay, &branch.spaces());
    assert_eq!(relay.count(&branch.main), 4);
}

#[test]
fn quarantine_ends_when_the_peer_takes_the_envelope_after_all() {
    let (branch, _, mut phones, mut relay) = village_with_relay(1);
    let device = phones[1].id();
    // The relay's own copy of the roll lacks nothing, but the member writes a vote while only on probation there.
    phones[0].grant_flags(
        &branch,
        40,
        rank::MEMBER,
        Flags {
            committee: false,
            probationary: true,
        },
    );
    sync(&mut phones[0], &mut relay, &branch.spaces());
    let mut probationer = phone(40);
    probationer.copy_from(&phones[0], &branch.roll);
    probationer.write_kind(&branch.main, Kind::VOTE, b"yes");
    sync(&mut probationer, &mut relay, &branch.spaces());
    assert_eq!(
        quarantined(probationer.replica.store()).unwrap()[0].reason,
        RefuseReason::Denied(DenyReason::Probationary)
    );
    // Made a full member, with the same device.
    phones[0].grant(&branch, 40, rank::MEMBER);
    sync(&mut phones[0], &mut relay, &branch.spaces());
    sync(&mut probationer, &mut relay, &branch.spaces());
    assert_eq!(relay.frontier(&branch.main).get(probationer.id()), 1);
    assert_eq!(quarantined(probationer.replica.store()).unwrap(), []);
    assert!(
        probationer
            .replica
            .store()
            .list(Bucket::Quarantine, &[])
            .unwrap()
            .is_empty()
    );
    assert_ne!(device, probationer.id());
}

#[test]
fn a_space_takes_no_more_feeds_than_the_limit() {
    let (branch, _, mut phones, mut relay) = village_with_relay(0);
    let crowd: Vec<DeviceKeys> = (0..=FEEDS_PER_SPACE_MAX)
        .map(|n| {
            let mut seed = [0xcc; 32];
            seed[..4].copy_from_slice(&(n as u32).to_le_bytes());
            DeviceKeys::from_seeds(seed, seed)
        })
        .collect();
    let grant = |(n, keys): (usize, &DeviceKeys)| {
        let mut id = [0xcc; 16];
        id[..4].copy_from_slice(&(n as u32).to_le_bytes());
        grant_of(MemberId::from_bytes(id), keys, rank::MEMBER, Flags::default()).encode()
    };
    phones[0].write_many(&branch.roll, Kind::GRANT, crowd.iter().enumerate().map(grant));
    sync(&mut phones[0], &mut relay, &branch.spaces());
    let first = |keys: &DeviceKeys| {
        let id = branch.main.id();
        Draft::next(keys, Kind::CHANGE, &id, None)
            .sign(keys, &id, b"here")
            .unwrap()
            .into_inner()
    };
    let (last, others) = crowd.split_last().unwrap();
    let answers = admit(&mut relay, &branch, others.iter().map(first).collect());
    assert!(answers.iter().all(|answer| matches!(answer, Admitted::Stored(_))));
    assert_eq!(relay.frontier(&branch.main).len(), FEEDS_PER_SPACE_MAX);
    assert_eq!(
        admit(&mut relay, &branch, vec![first(last)]),
        [refused(RefuseReason::TooManyFeeds)]
    );
}

#[test]
fn a_phone_keeps_no_more_quarantine_records_than_the_limit() {
    use sotay_sync::limits::QUARANTINE_RECORDS_MAX;
    let (branch, _, mut phones) = village(1);
    let count = QUARANTINE_RECORDS_MAX + 1;
    phones[1].write_many(
        &branch.main,
        Kind::CHANGE,
        (0..count).map(|n| n.to_le_bytes().to_vec()),
    );
    let (left, right) = phones.split_at_mut(1);
    left[0].copy_from(&right[0], &branch.main);
    // Every number again, with another signature that does not hold.
    let altered: Vec<Envelope> = (1..=count as u64)
        .map(|seq| {
            let stored = right[0]
                .replica
                .store()
                .at(&branch.main.id(), right[0].id(), seq)
                .unwrap()
                .unwrap();
            let mut bytes = stored.bytes.to_vec();
            *bytes.last_mut().unwrap() ^= 1;
            Envelope::decode(&bytes).unwrap()
        })
        .collect();
    let answers = admit(&mut left[0], &branch, altered[..QUARANTINE_RECORDS_MAX].to_vec());
    assert!(
        answers
            .iter()
            .all(|answer| *answer == refused(RefuseReason::Signature))
    );
    let kept = |phone: &Phone| quarantined(phone.replica.store()).unwrap().len();
    assert_eq!(kept(&left[0]), QUARANTINE_RECORDS_MAX);
    let answers = admit(&mut left[0], &branch, altered[1..].to_vec());
    assert!(
        answers
            .iter()
            .all(|answer| *answer == refused(RefuseReason::Signature))
    );
    assert_eq!(kept(&left[0]), QUARANTINE_RECORDS_MAX);
}

#[test]
fn a_device_that_shows_two_histories_is_put_out_in_the_same_session() {
    let (branch, _, mut phones, mut relay) = village_with_relay(2);
    let (left, right) = phones.split_at_mut(2);
    let (two_faced, reader) = (&mut left[1], &mut right[0]);
    let mut twin = two_faced.copy();
    two_faced.write(&branch.main, b"one face");
    sync(two_faced, &mut relay, &branch.spaces());
    twin.write(&branch.main, b"another face");
    let exchange = sync(&mut twin, &mut relay, &branch.spaces());
    assert!(exchange.near.told(|event| matches!(
        event,
        SessionEvent::PeerRefusedSpace { space, reason: DenyReason::Forked, .. } if *space == branch.main
    )));
    sync(reader, &mut relay, &branch.spaces());
    assert_eq!(
        reader.count(&branch.main),
        1,
        "what came before the fork was known stays"
    );
}

#[test]
fn what_an_older_version_could_not_read_is_asked_for_again_once_after_an_update() {
    let (branch, _, mut phones, mut relay) = village_with_relay(1);
    let mut member = phones.remove(1);
    let secretary = &mut phones[0];
    // A record of a form that the member's version does not know, and an altered change.
    let strange = secretary.draft(&branch.roll, Kind::GRANT, b"a later form");
    let answers = member
        .replica
        .admit(&branch.roll, vec![strange.into_inner()], vec![]);
    assert_eq!(answers.unwrap(), [refused(RefuseReason::Record)]);
    let change = secretary.draft(&branch.main, Kind::CHANGE, b"altered");
    let mut altered = change.bytes().to_vec();
    *altered.last_mut().unwrap() ^= 1;
    let altered = Envelope::decode(&altered).unwrap();
    assert_eq!(
        admit(&mut member, &branch, vec![altered]),
        [refused(RefuseReason::Signature)]
    );
    // What came with it bears a token, and the token stands for the record as well: nobody asks for ever.
    secretary.grant(&branch, 91, rank::MEMBER);
    sync(secretary, &mut relay, &branch.spaces());
    let mut knowing = node(3, Role::Device, member.replica.store().clone());
    sync(&mut knowing, &mut relay, &branch.spaces());
    let records = knowing.replica.store().list(Bucket::Peer, &[]).unwrap();
    let puts = records.into_iter().map(|(key, value)| Put {
        bucket: Bucket::Peer,
        key,
        value: Some(value),
    });
    let batch = Batch {
        puts: puts.collect(),
        ..Batch::default()
    };
    member.replica.store_mut().commit(batch).unwrap();
    let mut member = member.reopen();
    let exchange = sync(&mut member, &mut relay, &branch.spaces());
    assert_eq!(exchange.stats().envelopes_in, 0);
    assert_ne!(member.frontier(&branch.roll), relay.frontier(&branch.roll));

    assert_eq!(member.replica.ask_anew().unwrap(), 1);
    let status = member.status(&relay.key(), &branch.roll);
    assert!(matches!(status, SyncStatus::Behind { .. }), "{status:?}");
    let mut member = member.reopen();
    let exchange = sync(&mut member, &mut relay, &branch.spaces());
    assert_eq!(exchange.stats().envelopes_in, 1);
    assert_eq!(member.frontier(&branch.roll), relay.frontier(&branch.roll));
    // Once; and what no version could take stays refused.
    assert_eq!(member.replica.ask_anew().unwrap(), 0);
    let kept = quarantined(member.replica.store()).unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].reason, RefuseReason::Signature);
}
