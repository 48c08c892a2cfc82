//! A village in which two officers signed what may be dropped, with a relay that holds all and one that dropped it.

use std::collections::BTreeSet;

use sotay_feed::{DeviceId, EnvelopeId, Kind, Space};
use sotay_membership::{Cover, CoveredFeed, Numbers, kept_digest, rank};
use sotay_store::{Budget, Dropped, Store};
use sotay_sync::Role;

use crate::support::*;

/// What a device holds of a feed, number by number.
pub fn numbers<S: Store>(node: &Node<S>, space: &Space, device: DeviceId) -> Vec<u64> {
    let tip = node.frontier(space).get(device);
    let held = |seq: &u64| {
        node.replica
            .store()
            .at(&space.id(), device, *seq)
            .unwrap()
            .is_some()
    };
    (1..=tip).filter(held).collect()
}

/// A cover of what `by` holds of a space, back to the tips but for the last `back` envelopes; whatever is no change stays.
pub fn draft(by: &Phone, branch: &Branch, back: u64) -> Cover {
    let (space, store) = (branch.main.id(), by.replica.store());
    let mut feeds = std::collections::BTreeMap::new();
    for (device, tip) in by.frontier(&branch.main).iter() {
        let seq = tip.saturating_sub(back);
        let Some(place) = (1..=seq)
            .rev()
            .find_map(|seq| store.at(&space, device, seq).unwrap())
        else {
            continue;
        };
        let kept = (1..place.seq).filter_map(|seq| store.at(&space, device, seq).unwrap());
        let kept: Vec<_> = kept.filter(|stored| stored.kind != Kind::CHANGE).collect();
        let place = sotay_feed::Tip {
            seq: place.seq,
            id: place.id,
        };
        let feed = CoveredFeed {
            place,
            kept: Numbers::new(kept.iter().map(|stored| stored.seq)),
            digest: kept_digest(&kept.iter().map(|stored| stored.id).collect::<Vec<_>>()),
        };
        feeds.insert(device, feed);
    }
    let copies = store
        .since(&space, 0, sotay_store::conformance::ALL)
        .unwrap()
        .envelopes;
    Cover {
        space,
        made_ms: NOW,
        previous: by.replica.counting_covers(&branch.main),
        feeds,
        copies: copies
            .iter()
            .filter(|stored| stored.kind == Kind::SNAPSHOT)
            .map(|stored| stored.id)
            .collect(),
    }
}

impl Phone {
    pub fn sign(&mut self, branch: &Branch, cover: &Cover) -> EnvelopeId {
        self.write_kind(&branch.roll, Kind::COVER, &cover.encode())
    }

    /// Drops whatever the covers allow that count here, `page` envelopes looked at in one go, at most `slices` times.
    pub fn prune(&mut self, space: &Space, page: usize, slices: usize) -> Dropped {
        assert!(self.replica.load_unit(space.unit).unwrap());
        let due = self.replica.counting_covers(space);
        let prunable = self.replica.prunable(space, &due, &BTreeSet::new()).unwrap();
        let budget = Budget {
            count: page,
            bytes: usize::MAX,
        };
        let (mut dropped, mut after) = (Dropped::default(), Some(0));
        for _ in 0..slices {
            let Some(from) = after else { break };
            let (more, next) = self.replica.prune(space, &prunable, from, budget, false).unwrap();
            dropped += more;
            after = next;
        }
        dropped
    }
}

/// Secretary, deputy and two members who wrote, all of whom hold everything; a relay that does too; and another relay
/// that was pruned by a cover that two officers signed.
pub struct Village {
    pub branch: Branch,
    pub founder: Phone,
    pub phones: Vec<Phone>,
    pub full: Phone,
    pub pruned: Phone,
    pub cover: Cover,
}

pub const DEPUTY: u8 = 40;

pub fn other_relay(n: u8) -> Phone {
    node(n, Role::Relay, store(n))
}

impl Village {
    pub fn new() -> Self {
        let (branch, founder, mut phones) = village(2);
        phones[0].grant(&branch, DEPUTY, rank::DEPUTY);
        let mut deputy = phone(DEPUTY);
        deputy.copy_from(&phones[0], &branch.roll);
        phones.insert(1, deputy);
        for (at, phone) in phones.iter_mut().enumerate() {
            for n in 0..6 {
                phone.write(&branch.main, &[at as u8, n]);
            }
            phone.write_kind(&branch.main, Kind::VOTE, &[at as u8]);
            for n in 6..10 {
                phone.write(&branch.main, &[at as u8, n]);
            }
        }
        phones[0].write_kind(&branch.main, Kind::SNAPSHOT, b"packed");
        let mut village = Self {
            branch,
            founder,
            phones,
            full: relay(),
            pruned: other_relay(210),
            cover: draft(&phone(90), &branch, 0),
        };
        village.meet();
        village.cover = draft(&village.phones[0], &branch, 1);
        let cover = village.cover.clone();
        village.phones[0].sign(&branch, &cover);
        village.meet();
        village.phones[1].sign(&branch, &cover);
        village.meet();
        village
    }

    /// Everybody exchanges everything with both relays.
    pub fn meet(&mut self) {
        let spaces = self.branch.spaces();
        for _ in 0..2 {
            for phone in &mut self.phones {
                sync(phone, &mut self.full, &spaces);
                sync(phone, &mut self.pruned, &spaces);
            }
        }
    }

    pub fn prune(&mut self) -> Dropped {
        self.pruned.prune(&self.branch.main, 7, usize::MAX)
    }

    /// A phone of a member whom the secretary admits now.
    pub fn newcomer(&mut self, n: u8) -> Phone {
        self.phones[0].grant(&self.branch, n, rank::MEMBER);
        sync(&mut self.phones[0], &mut self.full, &self.branch.spaces());
        sync(&mut self.phones[0], &mut self.pruned, &self.branch.spaces());
        phone(n)
    }
}
