//! Random histories of several phones and a relay that is cut, replayed, set back and deleted: whatever happens, after
//! quiet sessions everybody holds the same, and no status was ever more than the truth.

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use sotay_feed::Kind;
use sotay_membership::rank;
use sotay_store::MemoryStore;
use sotay_sync::testing::{End, carry};
use sotay_sync::{Policy, Replica, Role, SessionEvent, SyncStatus};

use crate::support::*;

struct World {
    rng: StdRng,
    branch: Branch,
    phones: Vec<Phone>,
    relay: Phone,
    backup: MemoryStore,
    databases: u8,
    granted: u8,
}

impl World {
    fn new(seed: u64) -> Self {
        let (branch, _, mut phones) = village(2);
        let relay = relay();
        for phone in &mut phones {
            // A phone serves the spaces it follows.
            phone.replica.know_space(branch.main).unwrap();
        }
        Self {
            rng: StdRng::seed_from_u64(seed),
            branch,
            phones,
            backup: relay.replica.store().clone(),
            relay,
            databases: 201,
            granted: 100,
        }
    }

    fn step(&mut self) {
        let who = self.rng.random_range(0..self.phones.len());
        match self.rng.random_range(0..20) {
            0..=6 => {
                for _ in 0..self.rng.random_range(1..6) {
                    let size = if self.rng.random_ratio(1, 12) { 60_000 } else { 200 };
                    let mut body = vec![0; self.rng.random_range(1..size)];
                    self.rng.fill_bytes(&mut body);
                    self.phones[who].write(&self.branch.main, &body);
                }
            }
            7 if self.granted < 120 => {
                self.phones[0].grant(&self.branch, self.granted, rank::MEMBER);
                self.granted += 1;
            }
            8 => self.backup = self.relay.replica.store().clone(),
            9 => {
                let copy = self.backup.clone();
                self.relay.replica = Replica::open(copy, Role::Relay, Policy::Any).unwrap();
            }
            10 => {
                self.databases = self.databases.wrapping_add(1).max(201);
                self.relay.replica = Replica::open(store(self.databases), Role::Relay, Policy::Any).unwrap();
            }
            11 => self.reopen(who),
            12 | 13 => self.meet(who),
            _ => self.sync(who),
        }
    }

    fn reopen(&mut self, who: usize) {
        self.phones[who] = self.phones[who].copy();
    }

    /// A session that is cut anywhere, its first flight perhaps delivered twice.
    fn sync(&mut self, who: usize) {
        let spaces = self.branch.spaces();
        let cut = if self.rng.random_bool(0.5) {
            NO_LIMIT
        } else {
            self.rng.random_range(0..30)
        };
        let live = self.rng.random_bool(0.3);
        let phone = &mut self.phones[who];
        let (mut near, mut far) = ends(phone, &self.relay, &spaces, live);
        near.start(&mut phone.replica, NOW);
        far.start(&mut self.relay.replica, NOW);
        if self.rng.random_ratio(1, 4) {
            let (_, mut twin) = ends(phone, &self.relay, &spaces, false);
            twin.start(&mut self.relay.replica, NOW);
            let flight = near.take_frames();
            let upto = self.rng.random_range(0..=flight.len());
            for frame in &flight[..upto] {
                twin.deliver(&mut self.relay.replica, frame, NOW);
            }
            assert!(twin.error.is_none(), "{:?}", twin.error);
            for frame in &flight {
                far.deliver(&mut self.relay.replica, frame, NOW);
            }
        }
        carry(
            (&mut near, &mut phone.replica),
            (&mut far, &mut self.relay.replica),
            NOW,
            cut,
        );
        if live && cut == NO_LIMIT {
            let cut = self.rng.random_range(0..5);
            phone.write(&self.branch.main, b"while the session is open");
            let result = near.session.on_local(&mut phone.replica, &self.branch.main);
            near.note(result);
            carry(
                (&mut near, &mut phone.replica),
                (&mut far, &mut self.relay.replica),
                NOW,
                cut,
            );
        }
        self.check(&near, &far, who);
    }

    /// Two phones meet, and one asks the other.
    fn meet(&mut self, who: usize) {
        let (guest, host) = neighbours(&mut self.phones, who);
        let (first, cut) = any_way(&mut self.rng);
        let exchange = sync_with(guest, host, &self.branch.spaces(), cut, first).clean();
        if cut == NO_LIMIT {
            assert!(exchange.caught_up());
            assert_eq!(
                guest.frontier(&self.branch.main),
                host.frontier(&self.branch.main),
                "{:#?} {:#?}",
                exchange.near.events,
                exchange.far.events
            );
        }
    }

    fn check(&self, near: &End, far: &End, who: usize) {
        assert!(
            near.error.is_none() && far.error.is_none(),
            "{:?} {:?}",
            near.error,
            far.error
        );
        let phone = &self.phones[who];
        for space in self.branch.spaces() {
            match phone.status(&self.relay.key(), &space) {
                // A relay that was set back has not had a chance to say so before the session is through.
                SyncStatus::Synced { frontier, .. }
                    if near.told(|event| *event == SessionEvent::CaughtUp) =>
                {
                    assert!(self.relay.frontier(&space).covers(&frontier));
                    assert_eq!(phone.frontier(&space), frontier);
                }
                SyncStatus::Behind { want, have, .. } => assert!(have < want),
                SyncStatus::Ahead { unsent, .. } => assert!(unsent > 0),
                SyncStatus::Synced { .. } | SyncStatus::Unknown => {}
            }
        }
    }

    /// Two rounds of whole sessions bring everybody together; a third moves nothing.
    fn quiet(&mut self) {
        let spaces = self.branch.spaces();
        for round in 0..3 {
            for phone in &mut self.phones {
                let stats = sync(phone, &mut self.relay, &spaces).stats();
                if round == 2 {
                    assert_eq!(
                        (stats.envelopes_in, stats.envelopes_out, stats.round_trips),
                        (0, 0, 1)
                    );
                }
            }
        }
        for space in spaces {
            for phone in &self.phones {
                assert_eq!(phone.frontier(&space), self.relay.frontier(&space));
                assert_eq!(phone.count(&space), self.relay.count(&space));
            }
        }
    }
}

fn run(seed: u64, steps: usize) {
    let mut world = World::new(seed);
    for _ in 0..steps {
        world.step();
    }
    world.quiet();
}

#[test]
fn phones_and_relay_agree_after_any_history_of_cuts_replays_and_lost_databases() {
    for seed in 0..40 {
        println!("seed {seed}");
        run(seed, 40);
    }
}

#[test]
fn a_session_cut_after_any_number_of_frames_leaves_gapless_prefixes_and_the_next_one_goes_on() {
    let (branch, _, mut phones, mut filled) = village_with_relay(1);
    for phone in &mut phones {
        phone.write_many(&branch.main, Kind::CHANGE, (0..30).map(|n| vec![n; 30_000]));
    }
    sync(&mut phones[0], &mut filled, &branch.spaces());
    let mut cut = 0;
    loop {
        let (mut member, mut relay) = (phones[1].copy(), filled.copy());
        let member = &mut member;
        let first = sync_cut(member, &mut relay, &branch.spaces(), cut);
        let (member_had, relay_had) = (member.frontier(&branch.main), relay.frontier(&branch.main));
        let rest = sync(member, &mut relay, &branch.spaces());
        assert_eq!(member.frontier(&branch.main), relay.frontier(&branch.main));
        assert_eq!(member.count(&branch.main), 60);
        // Nothing that had arrived is fetched again; what was pushed without an ack is at most one credit window.
        let lacked = member_had.lacks(&relay.frontier(&branch.main));
        assert_eq!(rest.stats().envelopes_in, lacked, "cut after {cut} frames");
        assert!(rest.stats().envelopes_out <= relay_had.lacks(&member.frontier(&branch.main)) + 17);
        if first.caught_up() {
            assert!(cut > 20);
            return;
        }
        cut += 1;
    }
}
