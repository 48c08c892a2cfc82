//! Random histories in which officers sign what may be dropped, two relays drop different amounts of it, are set back and
//! lost, and phones come back with nothing, with less or with holes: in the end all hold the same, and whatever is kept.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sotay_feed::{DeviceId, Kind};
use sotay_membership::{Cover, kept_digest, rank};
use sotay_store::{MemoryStore, Store};
use sotay_sync::testing::End;
use sotay_sync::{Policy, Replica, Role, SessionEvent};

use crate::support::*;
use crate::village::*;

/// Places of the writers; readers follow.
const SECRETARY: usize = 0;
const DEPUTY_AT: usize = 1;
const WRITERS: usize = 4;
const READERS: u8 = 2;
const COVERS_MAX: usize = 6;

struct World {
    rng: StdRng,
    branch: Branch,
    phones: Vec<Phone>,
    relays: Vec<Phone>,
    backups: Vec<MemoryStore>,
    /// What readers held at some time.
    older: Vec<MemoryStore>,
    databases: u8,
    covers: usize,
    dropped: u64,
    leaped: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        let (branch, _, mut phones) = village(2 + READERS);
        phones[SECRETARY].grant(&branch, DEPUTY, rank::DEPUTY);
        let mut deputy = phone(DEPUTY);
        deputy.copy_from(&phones[SECRETARY], &branch.roll);
        phones.insert(DEPUTY_AT, deputy);
        for phone in &mut phones {
            phone.replica.know_space(branch.main).unwrap();
        }
        let relays = vec![relay(), other_relay(201)];
        Self {
            rng: StdRng::seed_from_u64(seed),
            branch,
            backups: relays.iter().map(|relay| relay.replica.store().clone()).collect(),
            older: phones[WRITERS..]
                .iter()
                .map(|phone| phone.replica.store().clone())
                .collect(),
            phones,
            relays,
            databases: 202,
            covers: 0,
            dropped: 0,
            leaped: false,
        }
    }

    fn step(&mut self) {
        let who = self.rng.random_range(0..self.phones.len());
        let which = self.rng.random_range(0..self.relays.len());
        match self.rng.random_range(0..24) {
            0..=5 => self.write(),
            6 if self.covers < COVERS_MAX => {
                let back = self.rng.random_range(0..4);
                let secretary = &mut self.phones[SECRETARY];
                let mut cover = draft(secretary, &self.branch, back);
                cover.made_ms += self.covers as i64;
                if !cover.feeds.is_empty() {
                    secretary.sign(&self.branch, &cover);
                    self.covers += 1;
                    if self.rng.random_ratio(2, 3) {
                        // The two officers sit together.
                        let (left, right) = self.phones.split_at_mut(DEPUTY_AT);
                        sync(&mut right[0], &mut left[SECRETARY], &self.branch.spaces());
                        self.countersign();
                        self.sync(DEPUTY_AT, which);
                    }
                }
            }
            7 | 8 => self.countersign(),
            9..=11 => {
                let (page, slices) = (self.rng.random_range(1..9), self.rng.random_range(0..30));
                if self.relays[which].replica.load_unit(self.branch.unit).unwrap() {
                    let dropped = self.relays[which].prune(&self.branch.main, page, slices);
                    self.dropped += dropped.envelopes;
                }
            }
            12 => self.backups[which] = self.relays[which].replica.store().clone(),
            13 => {
                let disk = if self.rng.random_ratio(1, 3) {
                    self.databases += 1;
                    store(self.databases)
                } else {
                    self.backups[which].clone()
                };
                self.relays[which].replica = Replica::open(disk, Role::Relay, Policy::Any).unwrap();
            }
            14 => self.turn_back(),
            15 => self.carry_a_file(),
            16..=18 => self.meet(who),
            _ => self.sync(who, which),
        }
    }

    fn write(&mut self) {
        let who = self.rng.random_range(0..WRITERS);
        for _ in 0..self.rng.random_range(1..6) {
            let kind = match (self.rng.random_range(0..8), who) {
                (0, _) => Kind::VOTE,
                (1, SECRETARY | DEPUTY_AT) => Kind::SNAPSHOT,
                _ => Kind::CHANGE,
            };
            let body = [self.rng.random::<u8>(); 40];
            self.phones[who].write_kind(&self.branch.main, kind, &body);
        }
    }

    /// The deputy signs what fits what it holds.
    fn countersign(&mut self) {
        let (branch, deputy) = (self.branch, &mut self.phones[DEPUTY_AT]);
        let id = branch.main.id();
        let membership = deputy.replica.membership(branch.unit).unwrap();
        let member = member(DEPUTY);
        let fits = |cover: &Cover| {
            cover.feeds.iter().all(|(device, feed)| {
                let at = |seq| deputy.replica.store().at(&id, *device, seq).unwrap();
                let kept: Option<Vec<_>> = feed.kept.iter().map(|seq| Some(at(seq)?.id)).collect();
                at(feed.place.seq).is_some_and(|stored| stored.id == feed.place.id)
                    && kept.is_some_and(|kept| kept_digest(&kept) == feed.digest)
            })
        };
        let signed: Vec<Cover> = membership
            .covers(&id)
            .into_iter()
            .filter(|standing| !standing.signers.contains(&member) && fits(standing.cover))
            .map(|standing| standing.cover.clone())
            .collect();
        for cover in signed {
            deputy.sign(&branch, &cover);
        }
    }

    /// A reader's phone is lost and comes back with nothing, or with what it held once.
    fn turn_back(&mut self) {
        let which = self.rng.random_range(0..usize::from(READERS));
        let keys = self.phones[WRITERS + which].keys.sign_seed()[0];
        let now = self.phones[WRITERS + which].replica.store().clone();
        let disk = match self.rng.random_range(0..3) {
            0 => store(keys),
            1 => self.older[which].clone(),
            _ => now.clone(),
        };
        self.older[which] = now;
        let mut phone = node(keys, Role::Device, disk);
        phone.copy_from(&self.phones[SECRETARY], &self.branch.roll);
        phone.replica.know_space(self.branch.main).unwrap();
        self.phones[WRITERS + which] = phone;
    }

    fn carry_a_file(&mut self) {
        let from = self.rng.random_range(0..self.phones.len() + self.relays.len());
        let to = self.rng.random_range(0..self.phones.len() + self.relays.len());
        let node = match self.phones.get(from) {
            Some(phone) => phone,
            None => &self.relays[from - self.phones.len()],
        };
        let mut bytes = sotay_sync::bundle::write(&node.replica, &self.branch.spaces(), None).unwrap();
        if self.rng.random_bool(0.5) {
            bytes.truncate(self.rng.random_range(bytes.len() / 2..=bytes.len()));
        }
        let phones = self.phones.len();
        let node = match self.phones.get_mut(to) {
            Some(phone) => phone,
            None => &mut self.relays[to - phones],
        };
        if let Ok(bundle) = sotay_sync::bundle::read(&bytes) {
            sotay_sync::bundle::import(&mut node.replica, bundle).unwrap();
        }
    }

    fn cut(&mut self) -> usize {
        if self.rng.random_bool(0.5) {
            NO_LIMIT
        } else {
            self.rng.random_range(0..30)
        }
    }

    fn sync(&mut self, who: usize, which: usize) {
        let cut = self.cut();
        let exchange = sync_cut(
            &mut self.phones[who],
            &mut self.relays[which],
            &self.branch.spaces(),
            cut,
        );
        check(&exchange.clean());
    }

    fn meet(&mut self, who: usize) {
        let (guest, host) = neighbours(&mut self.phones, who);
        let (first, cut) = any_way(&mut self.rng);
        let exchange = sync_with(guest, host, &self.branch.spaces(), cut, first).clean();
        check(&exchange);
        if cut == NO_LIMIT {
            assert_eq!(
                guest.frontier(&self.branch.main),
                host.frontier(&self.branch.main)
            );
        }
    }

    /// Whole sessions bring everybody together; a last round moves nothing.
    fn quiet(&mut self) {
        let spaces = self.branch.spaces();
        for round in 0..4 {
            for phone in &mut self.phones {
                for relay in &mut self.relays {
                    let exchange = sync(phone, relay, &spaces);
                    check(&exchange);
                    let stats = exchange.stats();
                    if round == 3 {
                        assert_eq!(
                            (stats.envelopes_in, stats.envelopes_out, stats.round_trips),
                            (0, 0, 1)
                        );
                    }
                }
            }
        }
        let mut written: BTreeMap<(DeviceId, u64), Kind> = BTreeMap::new();
        for writer in &self.phones[..WRITERS] {
            for seq in numbers(writer, &self.branch.main, writer.id()) {
                let stored = writer
                    .replica
                    .store()
                    .at(&self.branch.main.id(), writer.id(), seq);
                written.insert((writer.id(), seq), stored.unwrap().unwrap().kind);
            }
        }
        for relay in &mut self.relays {
            assert!(relay.replica.load_unit(self.branch.unit).unwrap());
        }
        let membership = self.phones[0].replica.membership(self.branch.unit).unwrap();
        let covered = membership.covered(&self.branch.main.id());
        for node in self.phones.iter().chain(&self.relays) {
            for space in &spaces {
                assert_eq!(node.frontier(space), self.phones[0].frontier(space));
            }
            let mut held: BTreeSet<(DeviceId, u64)> = BTreeSet::new();
            for writer in &self.phones[..WRITERS] {
                let numbers = numbers(node, &self.branch.main, writer.id());
                held.extend(numbers.into_iter().map(|seq| (writer.id(), seq)));
            }
            for (place @ (device, seq), kind) in &written {
                let droppable = covered.feeds.get(device).is_some_and(|feed| feed.drops(*seq));
                assert!(*kind == Kind::CHANGE || !droppable);
                assert!(droppable || held.contains(place), "{device:?} {seq} {kind}");
            }
            self.leaped |= held.len() < written.len() && node.replica.role() == Role::Device;
        }
    }
}

/// Nothing is refused, but for what comes to a relay that was set back before the records that it needs.
fn check(exchange: &Exchange) {
    let refused = |end: &End| {
        end.told(|event| matches!(event, SessionEvent::Rejected { reason, .. } if !reason.is_passing()))
    };
    assert!(
        !refused(&exchange.near) && !refused(&exchange.far),
        "{:#?} {:#?}",
        exchange.near.events,
        exchange.far.events
    );
}

#[test]
fn all_hold_the_same_and_what_is_kept_whatever_was_signed_dropped_cut_and_lost() {
    let (mut dropped, mut leaped) = (0, 0);
    for seed in 0..40 {
        println!("seed {seed}");
        let mut world = World::new(seed);
        for _ in 0..200 {
            world.step();
        }
        world.quiet();
        dropped += world.dropped;
        leaped += u32::from(world.leaped);
    }
    // The histories are such that it matters.
    assert!(
        dropped > 500 && leaped > 10,
        "{dropped} dropped, {leaped} with holes"
    );
}
