//! Frames in any order, repeated, and with bytes changed: no panic, and nothing is stored that nobody signed.

use std::sync::OnceLock;

use proptest::prelude::*;
use proptest::sample::Index;
use sotay_store::{MemoryStore, Store};
use sotay_sync::testing::End;
use sotay_sync::{Policy, Replica, Role};

use crate::support::*;

/// A session between a phone and a relay that both hold something new, as frames in both directions, and the disks
/// before it.
struct Recorded {
    spaces: Vec<sotay_feed::Space>,
    to_relay: Vec<Vec<u8>>,
    to_phone: Vec<Vec<u8>>,
    phone: MemoryStore,
    relay: MemoryStore,
    everything: u64,
}

fn recorded() -> &'static Recorded {
    static RECORDED: OnceLock<Recorded> = OnceLock::new();
    RECORDED.get_or_init(|| {
        let (branch, _, mut phones, mut relay) = village_with_relay(1);
        phones[0].write_many(
            &branch.main,
            sotay_feed::Kind::CHANGE,
            (0..3).map(|n| vec![n; 30]),
        );
        phones[0].grant(&branch, 50, sotay_membership::rank::MEMBER);
        sync(&mut phones[0], &mut relay, &branch.spaces());
        phones[1].write_many(
            &branch.main,
            sotay_feed::Kind::CHANGE,
            (0..3).map(|n| vec![n; 40]),
        );
        let (disk, relay_disk) = (phones[1].replica.store().clone(), relay.replica.store().clone());
        let member = &mut phones[1];
        let (mut near, mut far) = ends(member, &relay, &branch.spaces(), true);
        near.start(&mut member.replica, NOW);
        far.start(&mut relay.replica, NOW);
        let (mut to_relay, mut to_phone) = (Vec::new(), Vec::new());
        loop {
            let (out, back) = (near.take_frames(), far.take_frames());
            if out.is_empty() && back.is_empty() {
                break;
            }
            for frame in out {
                to_relay.push(frame.to_vec());
                far.deliver(&mut relay.replica, &frame, NOW);
            }
            for frame in back {
                to_phone.push(frame.to_vec());
                near.deliver(&mut member.replica, &frame, NOW);
            }
        }
        assert_eq!(member.frontier(&branch.main), relay.frontier(&branch.main));
        Recorded {
            spaces: branch.spaces(),
            to_relay,
            to_phone,
            phone: disk,
            relay: relay_disk,
            everything: relay.count(&branch.main) + relay.count(&branch.roll),
        }
    })
}

#[derive(Debug, Clone)]
struct Delivery {
    which: Index,
    change: Option<(Index, u8)>,
}

fn deliveries() -> impl Strategy<Value = Vec<Delivery>> {
    let change = proptest::option::weighted(0.3, (any::<Index>(), 1u8..));
    let delivery = (any::<Index>(), change).prop_map(|(which, change)| Delivery { which, change });
    proptest::collection::vec(delivery, 0..20)
}

fn deliver(end: &mut End, replica: &mut Replica<MemoryStore>, frames: &[Vec<u8>], deliveries: &[Delivery]) {
    // Greeted properly, so that more than the first check is reached.
    end.deliver(replica, &frames[0], NOW);
    for Delivery { which, change } in deliveries {
        let mut frame = which.get(frames).clone();
        if let Some((at, bits)) = change {
            let at = at.index(frame.len());
            frame[at] ^= bits;
        }
        end.deliver(replica, &frame, NOW);
    }
}

fn total(replica: &Replica<MemoryStore>, spaces: &[sotay_feed::Space]) -> u64 {
    spaces
        .iter()
        .map(|space| replica.store().head(&space.id()).unwrap().number)
        .sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_relay_survives_any_frames(deliveries in deliveries()) {
        let recorded = recorded();
        let (member, mut relay) = (phone(3), node(200, Role::Relay, recorded.relay.clone()));
        let (_, mut far) = ends(&member, &relay, &[], false);
        far.start(&mut relay.replica, NOW);
        deliver(&mut far, &mut relay.replica, &recorded.to_relay, &deliveries);
        prop_assert!(total(&relay.replica, &recorded.spaces) <= recorded.everything);
        // And the honest session afterwards brings everything.
        let mut member = node(3, Role::Device, recorded.phone.clone());
        sync(&mut member, &mut relay, &recorded.spaces);
        prop_assert_eq!(total(&relay.replica, &recorded.spaces), recorded.everything);
    }

    #[test]
    fn a_phone_survives_any_frames(deliveries in deliveries()) {
        let recorded = recorded();
        let (mut member, mut relay) =
            (node(3, Role::Device, recorded.phone.clone()), node(200, Role::Relay, recorded.relay.clone()));
        let (mut near, _) = ends(&member, &relay, &recorded.spaces, true);
        near.start(&mut member.replica, NOW);
        deliver(&mut near, &mut member.replica, &recorded.to_phone, &deliveries);
        prop_assert!(total(&member.replica, &recorded.spaces) <= recorded.everything);
        let reopened = Replica::open(member.replica.into_store(), Role::Device, Policy::Any).unwrap();
        member.replica = reopened;
        sync(&mut member, &mut relay, &recorded.spaces);
        prop_assert_eq!(total(&member.replica, &recorded.spaces), recorded.everything);
    }
}
