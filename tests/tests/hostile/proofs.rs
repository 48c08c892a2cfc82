//! A phone that wrote two histories, and one that says so of another: what real devices learn, and what they do not believe.

use sotay_engine::handbook::fixture;
use sotay_engine::{Event, State};
use sotay_feed::{Envelope, EpochId, Frontier, Kind, Space, SpaceKind, Verified};
use sotay_store::Store;
use sotay_sync::RefuseReason;
use sotay_sync::message::{Have, Hello, Message, Open, Proof, WANTS_PROOFS};
use sotay_sync::{CloseCode, Role};
use sotay_tests::shard::Outgoing;

use super::branch::{Branch, PHONES};
use super::forge::letter;
use super::relay::{main_space, offer};
use super::{HOSTILE, all_goes_on, scene, work};

#[test]
fn the_proof_against_a_two_faced_phone_reaches_everybody_and_names_it_in_words() {
    let (mut branch, doc) = scene();
    work(&mut branch, doc, "trước");
    branch.sync_all(&PHONES);
    let space = main_space(branch.phone(HOSTILE));
    let before = writing_epoch(&mut branch, space).expect("a clean key");
    let faces =
        [&b"one"[..], b"two"].map(|text| letter(branch.phone(HOSTILE), SpaceKind::Main, Kind::CHANGE, text));
    let (device, seq) = (faces[0].header().device, faces[0].header().seq);
    let faces = faces.map(|envelope: Verified<Envelope>| envelope.bytes().to_vec());
    assert_eq!(offer(&mut branch, space, &faces[..1]), [None]);
    // Everybody has the first one before the second shows up.
    branch.sync_all(&PHONES);
    for phone in PHONES {
        branch.events(phone);
        assert_eq!(branch.phone(phone).forks().unwrap(), []);
    }
    assert_eq!(
        offer(&mut branch, space, &faces[1..]),
        [Some(RefuseReason::Fork { seq })]
    );
    branch.sync_all(&PHONES);
    branch.sync_all(&PHONES);
    for phone in PHONES {
        let lines = branch.phone(phone).forks().unwrap();
        let named: Vec<_> = lines
            .iter()
            .map(|line| (line.device, line.space, line.from))
            .collect();
        assert_eq!(named, [(device, space, seq)], "P{phone}");
        assert_eq!((lines[0].label.as_str(), lines[0].own), ("P4", false));
        assert!(lines[0].name.is_some());
        let events = branch.events(phone);
        let told = events
            .iter()
            .filter(|event| matches!(event, Event::Forked { .. }));
        assert_eq!(told.count(), 1, "{events:?}");
        let listed = branch.phone(phone).devices().unwrap();
        let state = listed
            .iter()
            .find(|line| line.device == device)
            .map(|line| line.state);
        assert_eq!(state, Some(State::Forked));
    }
    // An officer's phone has replaced the key that it holds.
    let after = writing_epoch(&mut branch, space).expect("a clean key");
    assert_ne!(after, before);
    all_goes_on(branch, doc);
}

fn writing_epoch(branch: &mut Branch, space: Space) -> Option<EpochId> {
    let membership = branch.phone(1).replica().membership(space.unit).unwrap();
    membership.writing_epoch(&space.id())
}

/// What the relay answers when the hostile phone shows it something as a proof: refusals, and how it closes.
fn show(branch: &mut Branch, first: &[u8], second: &[u8]) -> (Vec<RefuseReason>, Option<CloseCode>) {
    const LINK: u64 = 1 << 41;
    let now = fixture::START_MS;
    let space = main_space(branch.phone(HOSTILE));
    let peer = branch.phone(HOSTILE).keys().public().sign;
    let relay = branch.relay();
    relay.up(LINK, peer, now).unwrap();
    let frames = [
        Message::Hello(Hello {
            role: Role::Device,
            capabilities: WANTS_PROOFS,
            now,
        }),
        Message::Open(Open {
            space,
            token: None,
            have: Have::Frontier(Frontier::new()),
            bytes: 0,
        }),
        Message::Proof(Proof {
            tag: space.id().tag(),
            first,
            second,
        }),
    ];
    for frame in &frames {
        relay.frame(LINK, &frame.encode(), now).unwrap();
    }
    let (mut refused, mut closed) = (Vec::new(), None);
    while let Some((to, outgoing)) = relay.poll() {
        assert_eq!(to, LINK);
        match outgoing {
            Outgoing::Close(reason) => closed = Some(reason.code),
            Outgoing::Frame(frame) => {
                if let Message::Refuse(refuse) = Message::decode(&frame).unwrap() {
                    refused.push(refuse.reason);
                }
            }
        }
    }
    relay.down(LINK);
    relay.take_rejected();
    relay.take_faults();
    (refused, closed)
}

#[test]
fn a_forged_proof_from_a_phone_with_a_grant_harms_nobody() {
    let (mut branch, doc) = scene();
    for word in ["trước", "giữa"] {
        work(&mut branch, doc, word);
        branch.sync_all(&PHONES);
    }
    let victim = branch.phone(1).id();
    let id = main_space(branch.phone(HOSTILE)).id();
    let at = |branch: &mut Branch, seq: u64| {
        let stored = branch.relay().replica().store().at(&id, victim, seq).unwrap();
        stored.expect("P1 wrote").bytes.to_vec()
    };
    let (one, two) = (at(&mut branch, 1), at(&mut branch, 2));
    let mut altered = one.clone();
    *altered.last_mut().unwrap() ^= 1;
    let own = letter(branch.phone(HOSTILE), SpaceKind::Main, Kind::CHANGE, b"x")
        .bytes()
        .to_vec();
    let signature = (vec![RefuseReason::Signature], None);
    assert_eq!(show(&mut branch, &one, &altered), signature);
    assert_eq!(show(&mut branch, &altered, &one), signature);
    let nothing = (Vec::new(), Some(CloseCode::Fault(30)));
    for (first, second) in [
        (&one, &one),
        (&one, &two),
        (&two, &one),
        (&one, &own),
        (&own, &own),
    ] {
        assert_eq!(show(&mut branch, first, second), nothing);
    }
    assert!(branch.relay().replica().store().forks().unwrap().is_empty());
    branch.sync_all(&PHONES);
    for phone in PHONES {
        assert_eq!(branch.phone(phone).forks().unwrap(), []);
    }
    all_goes_on(branch, doc);
}
