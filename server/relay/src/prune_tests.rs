//! What is dropped when, by a clock that the test turns.

use sotay_feed::{DeviceKeys, Draft, Kind, MemberId, SpaceKind, Tip};
use sotay_membership::{
    Authority, Cover, CoveredFeed, Flags, Genesis, Grant, Numbers, Reason, Revoke, UnitKind, kept_digest,
    rank,
};
use sotay_store::{DatabaseId, Fault, Faults, FaultyStore, MemoryStore};
use sotay_sync::{Group, Policy, Role};

use super::*;

const FOUNDER: u8 = 1;
const SECRETARY: u8 = 2;
const DEPUTY: u8 = 3;
const MEMBER: u8 = 4;
const CHANGES: u64 = 300;
const SIGNED: Retention = Retention {
    signed: true,
    after_ms: 90 * DAY_MS,
};

type Disk = FaultyStore<MemoryStore>;

/// A relay's replica and the devices that write straight into it.
struct Rig {
    replica: Replica<Group<Disk>>,
    unit: UnitId,
    grants: BTreeMap<u8, sotay_feed::EnvelopeId>,
}

fn device(number: u8) -> DeviceKeys {
    DeviceKeys::from_seeds([number; 32], [number; 32])
}

fn open(disk: MemoryStore, faults: Faults) -> Replica<Group<Disk>> {
    Replica::open(
        Group::new(FaultyStore::new(disk, faults)),
        Role::Relay,
        Policy::Any,
    )
    .unwrap()
}

impl Rig {
    /// A branch whose member wrote changes with a vote in the middle.
    fn new() -> Self {
        let genesis = Genesis {
            unit_kind: UnitKind::BRANCH,
            parent: None,
            authorities: vec![Authority {
                rank: rank::PARENT,
                keys: device(FOUNDER).public(),
            }],
            root_policy: None,
            nonce: [7; 16],
            claimed_ms: 0,
        };
        let mut rig = Self {
            replica: open(MemoryStore::new(DatabaseId([1; 16])), Faults::none()),
            unit: genesis.unit_id(),
            grants: BTreeMap::new(),
        };
        rig.write(FOUNDER, SpaceKind::Roll, Kind::GENESIS, &genesis.encode());
        for (number, rank) in [(SECRETARY, 2), (DEPUTY, 3), (MEMBER, 4)] {
            let grant = Grant {
                member: MemberId::from_bytes([number; 16]),
                rank,
                flags: Flags::default(),
                keys: device(number).public(),
                scope: None,
                from_ms: 0,
            };
            let id = rig.write(FOUNDER, SpaceKind::Roll, Kind::GRANT, &grant.encode());
            rig.grants.insert(number, id);
        }
        for n in 0..CHANGES {
            rig.write(MEMBER, SpaceKind::Main, Kind::CHANGE, &n.to_be_bytes());
            if n == CHANGES / 2 {
                rig.write(MEMBER, SpaceKind::Main, Kind::VOTE, b"yes");
            }
        }
        rig
    }

    fn space(&self, kind: SpaceKind) -> Space {
        Space::of(self.unit, kind)
    }

    fn write(&mut self, by: u8, kind: SpaceKind, what: Kind, body: &[u8]) -> sotay_feed::EnvelopeId {
        let (space, keys) = (self.space(kind), device(by));
        let tip = self.replica.store().tip(&space.id(), keys.id()).unwrap();
        let envelope = Draft::next(&keys, what, &space.id(), tip)
            .sign(&keys, &space.id(), body)
            .unwrap();
        let id = envelope.id();
        self.replica.append(&space, vec![envelope], Vec::new()).unwrap();
        self.replica.flush().unwrap();
        id
    }

    /// The member's feed is covered up to a number, by these officers.
    fn cover(&mut self, seq: u64, by: &[u8]) {
        let main = self.space(SpaceKind::Main).id();
        let member = device(MEMBER).id();
        let at = |seq| self.replica.store().at(&main, member, seq).unwrap();
        let place = at(seq).unwrap();
        let kept: Vec<_> = (1..seq)
            .filter_map(at)
            .filter(|stored| stored.kind != Kind::CHANGE)
            .collect();
        let feed = CoveredFeed {
            place: Tip { seq, id: place.id },
            kept: Numbers::new(kept.iter().map(|stored| stored.seq)),
            digest: kept_digest(&kept.iter().map(|stored| stored.id).collect::<Vec<_>>()),
        };
        let cover = Cover {
            space: main,
            made_ms: 0,
            previous: BTreeSet::new(),
            feeds: BTreeMap::from([(member, feed)]),
            copies: BTreeSet::new(),
        };
        for officer in by {
            self.write(*officer, SpaceKind::Roll, Kind::COVER, &cover.encode());
        }
    }

    fn held(&self) -> usize {
        let main = self.space(SpaceKind::Main).id();
        let all = Budget {
            count: usize::MAX,
            bytes: usize::MAX,
        };
        self.replica.store().since(&main, 0, all).unwrap().envelopes.len()
    }

    /// What the relay does every hour, as long as nobody asks and no phone uses the unit: the questions to the disk.
    fn hour(&mut self, pruner: &mut Pruner, now: i64) -> u64 {
        self.replica.unload_unit(self.unit);
        let before = self.replica.store().inner().calls();
        let mut at = now;
        while at < now + SWEEP_EVERY_MS {
            pruner.work(&mut self.replica, false, at).unwrap();
            self.replica.flush().unwrap();
            at = pruner.next().unwrap();
        }
        self.replica.store().inner().calls() - before
    }

    /// Since when the one cover that is noted is held.
    fn noted(&self) -> Option<i64> {
        let notes = self.replica.store().list(Bucket::Relay, COVER).unwrap();
        assert!(notes.len() < 2);
        notes
            .first()
            .map(|(_, value)| Noted::read(value).unwrap().first_held)
    }

    /// A whole sweep at this time; its report.
    fn sweep(&mut self, dry: bool, now: i64) -> Value {
        let report = sweep(&mut self.replica, &SIGNED, dry, now).unwrap();
        self.replica.flush().unwrap();
        report
    }
}

#[test]
fn a_cover_is_acted_upon_when_its_time_is_up_and_not_a_moment_before() {
    let mut rig = Rig::new();
    let all = rig.held();
    rig.cover(CHANGES - 5, &[SECRETARY]);
    assert_eq!(rig.sweep(false, 0)["covers"], json!([]));
    rig.cover(CHANGES - 5, &[DEPUTY]);
    // Held from the first look on, whenever it was signed.
    const FIRST: i64 = 5 * DAY_MS;
    let report = rig.sweep(false, FIRST);
    assert_eq!(report["covers"][0]["held_since"], FIRST);
    assert_eq!(report["covers"][0]["due"], FIRST + 90 * DAY_MS);
    assert_eq!(rig.sweep(false, FIRST + 90 * DAY_MS - 1)["envelopes"], 0);
    assert_eq!(rig.held(), all);
    let dry = rig.sweep(true, FIRST + 90 * DAY_MS);
    assert_eq!(rig.held(), all);
    let done = rig.sweep(false, FIRST + 90 * DAY_MS);
    assert_eq!(dry["bytes"], done["bytes"]);
    // All before the place but the vote.
    assert_eq!(done["envelopes"], CHANGES - 7);
    assert_eq!(rig.held(), all - (CHANGES as usize - 7));
    let again = rig.sweep(false, FIRST + 91 * DAY_MS);
    assert_eq!(
        (&again["envelopes"], &again["covers"][0]["finished"]),
        (&json!(0), &json!(true))
    );
    let counted = dropped(rig.replica.store()).unwrap();
    assert_eq!(counted[&rig.unit].envelopes, CHANGES - 7);
}

#[test]
fn a_cover_that_is_revoked_in_time_drops_nothing_and_begins_anew_if_it_counts_again() {
    let mut rig = Rig::new();
    let all = rig.held();
    rig.cover(100, &[SECRETARY, DEPUTY]);
    rig.sweep(false, 0);
    let revoke = Revoke {
        grant: rig.grants[&DEPUTY],
        reason: Reason::MISUSE,
        cutoffs: Default::default(),
    };
    rig.write(SECRETARY, SpaceKind::Roll, Kind::REVOKE, &revoke.encode());
    let report = rig.sweep(false, 100 * DAY_MS);
    assert_eq!((&report["covers"], rig.held()), (&json!([]), all));
    assert!(rig.replica.store().list(Bucket::Relay, COVER).unwrap().is_empty());
    // The founder gives the deputy's office to the member, who signs the same.
    let grant = Grant {
        member: MemberId::from_bytes([MEMBER; 16]),
        rank: rank::DEPUTY,
        flags: Flags::default(),
        keys: device(MEMBER).public(),
        scope: None,
        from_ms: 0,
    };
    rig.write(FOUNDER, SpaceKind::Roll, Kind::GRANT, &grant.encode());
    rig.cover(100, &[MEMBER]);
    let report = rig.sweep(false, 101 * DAY_MS);
    assert_eq!(report["covers"][0]["held_since"], 101 * DAY_MS);
    assert_eq!(rig.held(), all);
}

#[test]
fn what_is_finished_is_not_looked_through_again_until_the_database_was_restored() {
    let mut rig = Rig::new();
    rig.cover(50, &[SECRETARY, DEPUTY]);
    rig.sweep(false, 0);
    rig.sweep(false, 90 * DAY_MS);
    assert_eq!(rig.sweep(false, 91 * DAY_MS)["spaces"], json!([]));
    // A further one is.
    rig.cover(200, &[SECRETARY, DEPUTY]);
    rig.sweep(false, 91 * DAY_MS);
    let report = rig.sweep(false, 182 * DAY_MS);
    assert_eq!(report["envelopes"], 200 - 50 - 1);
    begin_anew(rig.replica.store_mut()).unwrap();
    let report = rig.sweep(false, 183 * DAY_MS);
    assert_eq!(
        (report["spaces"].as_array().unwrap().len(), &report["envelopes"]),
        (1, &json!(0))
    );
}

#[test]
fn a_crash_at_any_moment_of_a_sweep_is_gone_on_from() {
    let mut rig = Rig::new();
    rig.cover(CHANGES - 5, &[SECRETARY, DEPUTY]);
    rig.sweep(false, 0);
    let before = rig.replica.into_store().into_inner().into_inner();
    let mut calls = 0;
    loop {
        for fault in [Fault::CrashBefore, Fault::CrashAfter] {
            let opening = open(before.clone(), Faults::none()).store().inner().calls();
            let mut replica = open(before.clone(), Faults::none().at(opening + calls, fault));
            let swept = sweep(&mut replica, &SIGNED, false, 90 * DAY_MS).and_then(|_| replica.flush());
            let crashed = replica.store().inner().crashed();
            assert_eq!(swept.is_err(), crashed);
            if !crashed {
                assert!(calls > 10);
                return;
            }
            let mut rest = open(replica.into_store().into_inner().into_inner(), Faults::none());
            sweep(&mut rest, &SIGNED, false, 90 * DAY_MS).unwrap();
            rest.flush().unwrap();
            let main = Space::of(rig.unit, SpaceKind::Main).id();
            let store = rest.store();
            let left =
                (1..=CHANGES + 1).filter(|seq| store.at(&main, device(MEMBER).id(), *seq).unwrap().is_some());
            let mut expected = vec![CHANGES / 2 + 2];
            expected.extend(CHANGES - 5..=CHANGES + 1);
            assert_eq!(left.collect::<Vec<_>>(), expected, "{fault:?} at call {calls}");
        }
        calls += 1;
    }
}

#[test]
fn one_piece_at_a_time_is_done_with_rest_in_between_and_more_of_it_while_phones_wait() {
    let mut rig = Rig::new();
    rig.cover(CHANGES - 5, &[SECRETARY, DEPUTY]);
    let mut pruner = Pruner::new(Retention {
        after_ms: 0,
        ..SIGNED
    });
    assert!(!pruner.is_due(0) && !pruner.is_due(FIRST_SWEEP_AFTER_MS - 1));
    let (mut now, mut pieces) = (FIRST_SWEEP_AFTER_MS, Vec::new());
    while rig.held() > 8 {
        assert!(pruner.is_due(now));
        let dropped = pruner.work(&mut rig.replica, pieces.len() % 2 == 1, now).unwrap();
        rig.replica.flush().unwrap();
        assert!(dropped.envelopes <= PIECE.count as u64);
        pieces.push(dropped.envelopes);
        let next = pruner.next().unwrap();
        assert!(next > now);
        now = next;
    }
    assert_eq!(pieces.iter().sum::<u64>(), CHANGES - 7);
    assert!(pieces.len() > 3);
    // A clock that was set back far does not stop it for longer than one round of everything.
    assert!(!pruner.is_due(now - 1));
    assert!(pruner.is_due(now - SWEEP_EVERY_MS * 30));
}

#[test]
fn who_asks_is_answered_when_all_is_done_and_told_when_it_is_off() {
    let mut rig = Rig::new();
    rig.cover(50, &[SECRETARY, DEPUTY]);
    let mut pruner = Pruner::new(Retention::default());
    let (reply, mut answer) = oneshot::channel();
    pruner.ask(false, reply, 0);
    assert!(matches!(answer.try_recv(), Ok(Reply::Error(words)) if words.contains("[retention]")));
    pruner.retention = Retention {
        after_ms: 0,
        ..SIGNED
    };
    let (dry, mut dry_answer) = oneshot::channel();
    let (wet, mut wet_answer) = oneshot::channel();
    pruner.ask(true, dry, 0);
    pruner.ask(false, wet, 0);
    let mut now = 0;
    let reports = [&mut dry_answer, &mut wet_answer].map(|answer| {
        loop {
            if let Ok(reply) = answer.try_recv() {
                let Reply::Ok(report) = reply else {
                    panic!("{reply:?}");
                };
                return report;
            }
            assert!(pruner.is_due(now));
            pruner.work(&mut rig.replica, false, now).unwrap();
            rig.replica.flush().unwrap();
            now = pruner.next().unwrap();
        }
    });
    assert_eq!(
        reports.each_ref().map(|report| report["envelopes"].as_u64()),
        [Some(49), Some(49)]
    );
    assert_eq!(
        reports.each_ref().map(|report| report["dry"].as_bool()),
        [Some(true), Some(false)]
    );
}

#[test]
fn a_roll_that_did_not_change_is_not_read_again_and_ages_of_covers_are_learned_all_the_same() {
    const NEVER: Retention = Retention {
        signed: false,
        ..SIGNED
    };
    // All forks, and the head of the one roll.
    const PASSED: u64 = 2;
    let (mut rig, mut pruner) = (Rig::new(), Pruner::new(NEVER));
    assert!(rig.hour(&mut pruner, 0) > PASSED);
    assert_eq!(rig.hour(&mut pruner, DAY_MS), PASSED);
    // Anything new in it is looked at once, and a cover noted and looked at twice: until the note is on disk.
    rig.cover(50, &[SECRETARY]);
    assert!(rig.hour(&mut pruner, 2 * DAY_MS) > PASSED);
    assert_eq!(rig.hour(&mut pruner, 3 * DAY_MS), PASSED);
    rig.cover(50, &[DEPUTY]);
    assert!(rig.hour(&mut pruner, 4 * DAY_MS) > PASSED);
    assert_eq!(rig.noted(), Some(4 * DAY_MS));
    assert!(rig.hour(&mut pruner, 5 * DAY_MS) > PASSED);
    assert_eq!(rig.hour(&mut pruner, 200 * DAY_MS), PASSED);
    assert_eq!(rig.noted(), Some(4 * DAY_MS));
    // Turned on, its time is up at once, although nothing changed.
    let all = rig.held();
    pruner.retention = Retention {
        after_ms: 197 * DAY_MS,
        ..SIGNED
    };
    assert_eq!(rig.hour(&mut pruner, 200 * DAY_MS), PASSED);
    assert!(rig.hour(&mut pruner, 201 * DAY_MS) > PASSED);
    assert_eq!(rig.held(), all - 49);
    assert!(rig.hour(&mut pruner, 202 * DAY_MS) > PASSED);
    assert_eq!(rig.hour(&mut pruner, 203 * DAY_MS), PASSED);
    // Whoever asks is told of it all the same.
    let (reply, mut answer) = oneshot::channel();
    pruner.ask(true, reply, 203 * DAY_MS);
    rig.hour(&mut pruner, 203 * DAY_MS);
    let Ok(Reply::Ok(report)) = answer.try_recv() else {
        panic!("no report");
    };
    assert_eq!(report["covers"].as_array().unwrap().len(), 1);
}

#[test]
fn a_note_that_did_not_reach_the_disk_is_made_at_the_next_look() {
    let (mut rig, mut pruner) = (Rig::new(), Pruner::new(Retention::default()));
    rig.cover(50, &[SECRETARY, DEPUTY]);
    rig.replica.unload_unit(rig.unit);
    pruner.work(&mut rig.replica, false, 0).unwrap();
    let disk = rig.replica.into_store().into_inner().into_inner();
    rig.replica = open(disk, Faults::none());
    assert_eq!(rig.noted(), None);
    rig.hour(&mut pruner, SWEEP_EVERY_MS);
    assert_eq!(rig.noted(), Some(SWEEP_EVERY_MS));
}

#[test]
fn a_fork_proven_in_a_roll_takes_the_note_of_a_cover_away_though_the_roll_did_not_grow() {
    let (mut rig, mut pruner) = (Rig::new(), Pruner::new(Retention::default()));
    let roll = rig.space(SpaceKind::Roll).id();
    let before = rig.replica.store().tip(&roll, device(DEPUTY).id()).unwrap();
    rig.cover(50, &[SECRETARY, DEPUTY]);
    for hour in 0..3 {
        rig.hour(&mut pruner, hour * SWEEP_EVERY_MS);
    }
    assert_eq!(rig.noted(), Some(0));
    let twin = Draft::next(&device(DEPUTY), Kind::COVER, &roll, before)
        .sign(&device(DEPUTY), &roll, b"something else")
        .unwrap();
    let batch = Batch {
        envelopes: vec![twin],
        ..Batch::default()
    };
    rig.replica.store_mut().commit(batch).unwrap();
    rig.replica.flush().unwrap();
    rig.hour(&mut pruner, 4 * SWEEP_EVERY_MS);
    assert_eq!(rig.noted(), None);
}
