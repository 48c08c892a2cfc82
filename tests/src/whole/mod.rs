//! Random lives of a whole handbook on two to six real devices: everything a branch can write, split into groups that
//! hear nothing of each other, brought together by a relay or phone to phone, seals and addenda included. One seed decides
//! everything. Disks and crashes are the business of [`crate::sim`]; here the disks hold, and the content is the whole.

mod act;
mod check;
mod meeting;
mod snapshot;
mod year;

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sotay_engine::handbook::EntryId;
use sotay_engine::handbook::meeting::{MeetingKind, TallyCount};
use sotay_engine::{AdmitRequest, Device, DeviceError, RefuseReason, SealError};
use sotay_feed::{DeviceId, DocId};
use sotay_store::{DatabaseId, MemoryStore};

use crate::branch::{Branch, P1, P2, P3, at, day};
use crate::pump::{meet, sync};
use crate::shard::Shard;

/// Phones beside P1, P2 and P3, by the number of their holder.
const OTHERS: [usize; 3] = [11, 12, 41];

/// How a life went.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Report {
    /// What happened, how often.
    pub happened: BTreeMap<&'static str, u32>,
}

/// Something that was written, and must be there in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fact {
    Speech(EntryId),
    Conclusion(EntryId),
    Note(EntryId),
    Motion(EntryId),
    Agenda(EntryId),
    Attachment(EntryId),
    /// The member by number; the last mark of a device about a member is what counts.
    Mark(usize),
    Tally(EntryId),
    Ballot(EntryId, usize),
}

struct World {
    branch: Branch<MemoryStore>,
    relay: Shard<MemoryStore>,
    rng: StdRng,
    links: u64,
    minute: i64,
    /// Which phones hear of each other; only those of group 0 reach the relay.
    groups: Vec<u8>,
    meetings: Vec<DocId>,
    resolutions: Vec<DocId>,
    facts: BTreeMap<(usize, DocId, Fact), Option<TallyCount>>,
    tasks: Vec<EntryId>,
    fee_lines: Vec<EntryId>,
    feedback: BTreeMap<EntryId, bool>,
    evidence: Vec<EntryId>,
    /// Every text that a phone saw sealed, by seal.
    sealed: BTreeMap<String, (DocId, String)>,
    newcomers: usize,
    report: Report,
}

/// What a command came to.
type Outcome = Result<(), String>;

impl World {
    fn new(seed: u64) -> Self {
        let store = |number: u8| MemoryStore::new(DatabaseId([number; 16]));
        let mut branch = Branch::found([1, 2, 3].map(store), seed % 1000);
        let mut rng = StdRng::seed_from_u64(seed);
        let phones = rng.random_range(2..=6);
        for (at, number) in OTHERS.iter().enumerate().take(phones - 2) {
            admit(&mut branch, *number, at as u64 + 10, store(at as u8 + 20));
        }
        let mut relay = Shard::open(store(99)).expect("the relay opens");
        // The secretary is there, and one to five more.
        let count = branch.phones.len();
        let mut links = 0;
        for _ in 0..2 {
            for phone in 0..count {
                links += 1;
                sync(&mut branch.phones[phone], &mut relay, links, at(0));
            }
        }
        let groups = vec![0; count];
        Self {
            branch,
            relay,
            rng,
            links,
            minute: 0,
            groups,
            meetings: Vec::new(),
            resolutions: Vec::new(),
            facts: BTreeMap::new(),
            tasks: Vec::new(),
            fee_lines: Vec::new(),
            feedback: BTreeMap::new(),
            evidence: Vec::new(),
            sealed: BTreeMap::new(),
            newcomers: 0,
            report: Report::default(),
        }
    }

    fn note(&mut self, what: &'static str) {
        *self.report.happened.entry(what).or_default() += 1;
    }

    fn pick(&mut self, below: usize) -> usize {
        self.rng.random_range(0..below)
    }

    fn chance(&mut self, of_hundred: u32) -> bool {
        self.rng.random_range(0..100) < of_hundred
    }

    fn now(&self) -> i64 {
        at(self.minute)
    }

    fn phone(&mut self, phone: usize) -> &mut Device<MemoryStore> {
        &mut self.branch.phones[phone]
    }

    fn device(&self, phone: usize) -> DeviceId {
        self.branch.phones[phone].id()
    }

    /// A phone of the committee: those that read `committee`.
    fn committee(&self, phone: usize) -> bool {
        [P1, P2, P3].contains(&phone)
    }

    /// Carries a command out; a refusal by a rule is as good as a success, anything else is a defect.
    fn try_out<T>(
        &mut self,
        what: &'static str,
        result: Result<T, DeviceError>,
    ) -> Result<Option<T>, String> {
        match result {
            Ok(value) => {
                self.note(what);
                Ok(Some(value))
            }
            Err(
                DeviceError::Command(_) | DeviceError::Denied(_) | DeviceError::NoKey | DeviceError::NoMember,
            ) => {
                self.note("refusals");
                Ok(None)
            }
            Err(error) => Err(format!("{what}: {error}")),
        }
    }

    fn try_seal<T>(&mut self, what: &'static str, result: Result<T, SealError>) -> Result<Option<T>, String> {
        match result {
            Ok(value) => {
                self.note(what);
                Ok(Some(value))
            }
            Err(SealError::Device(error)) => self.try_out::<T>(what, Err(error)),
            Err(_) => {
                self.note("seals not made");
                Ok(None)
            }
        }
    }

    fn step(&mut self) -> Outcome {
        self.minute += 1;
        let phone = self.pick(self.branch.phones.len());
        match self.pick(100) {
            0..6 => self.split(),
            6..14 => self.relay(phone),
            14..20 => self.meet(phone),
            20..70 => self.in_a_meeting(phone),
            70..74 => self.seal(phone),
            74..78 => self.ceremony(),
            78..80 => self.settle(phone),
            80..84 => self.snapshot(),
            _ => self.in_the_year(phone),
        }
    }

    fn split(&mut self) -> Outcome {
        let groups = self.pick(3) as u8 + 1;
        for at in 0..self.groups.len() {
            self.groups[at] = self.rng.random_range(0..groups);
        }
        self.note("partitions");
        Ok(())
    }

    fn relay(&mut self, phone: usize) -> Outcome {
        if self.groups[phone] != 0 {
            return Ok(());
        }
        self.links += 1;
        let (link, now) = (self.links, self.now());
        sync(&mut self.branch.phones[phone], &mut self.relay, link, now);
        self.note("syncs");
        self.remember_seals(phone)
    }

    fn meet(&mut self, phone: usize) -> Outcome {
        let other = self.pick(self.branch.phones.len());
        if other == phone || self.groups[phone] != self.groups[other] {
            return Ok(());
        }
        self.links += 1;
        let (link, now) = (self.links, self.now());
        let bytes = if self.chance(20) {
            self.rng.random_range(0..20_000)
        } else {
            u64::MAX
        };
        let [caller, host] = self
            .branch
            .phones
            .get_disjoint_mut([phone, other])
            .map_err(|_| "one phone twice")?;
        meet(caller, host, link, now, bytes).map_err(|error| format!("meeting of phones: {error}"))?;
        self.note("phones that met");
        self.remember_seals(phone)?;
        self.remember_seals(other)
    }

    /// Everybody hears everything.
    fn heal(&mut self) -> Outcome {
        self.groups.fill(0);
        for _ in 0..3 {
            for phone in 0..self.branch.phones.len() {
                self.relay(phone)?;
            }
        }
        // Two phones may draw the same slot for a letter without name; the second one sends it again by another.
        let rejected = self.relay.take_rejected();
        let unexpected = rejected
            .iter()
            .find(|(_, reason)| !matches!(reason, RefuseReason::Fork { .. }));
        match unexpected {
            None => Ok(()),
            Some((_, reason)) => Err(format!("the relay refused an honest envelope: {reason:?}")),
        }
    }
}

fn admit(branch: &mut Branch<MemoryStore>, number: usize, seed: u64, store: MemoryStore) {
    let rng = Box::new(StdRng::seed_from_u64(seed));
    let mut phone = Device::create(store, &format!("M{number}"), rng).expect("a profile");
    let ask = AdmitRequest {
        request: phone.join_request().expect("a request").to_text(),
        member: branch.member(number),
        rank: 4,
        committee: false,
        probationary: number > 40,
        relays: Vec::new(),
    };
    let invitation = branch.phones[P3].admit(&ask, at(-60)).expect("admitted");
    phone.accept(&invitation).expect("accepted");
    branch.phones.push(phone);
}

/// One life of so many steps; what it did, or what went wrong.
pub fn live(seed: u64, steps: u32) -> Result<Report, String> {
    let mut world = World::new(seed);
    let kinds = [
        (MeetingKind::Regular, Some("2025-05"), "2025-05-05"),
        (MeetingKind::Regular, Some("2025-06"), "2025-06-05"),
        (MeetingKind::Committee, Some("2025-05"), "2025-05-03"),
        (MeetingKind::Thematic, None, "2025-05-20"),
    ];
    let said = |step, error| format!("seed {seed}, step {step}: {error}");
    for step in 0..steps {
        // Meetings begin here and there, also on several phones that know nothing of each other.
        if step % 25 == 0 {
            let (kind, month, date) = kinds[world.pick(kinds.len())];
            let phone = world.pick(world.branch.phones.len());
            if kind != MeetingKind::Committee || world.committee(phone) {
                let now = world.now();
                let month = month.map(|month| month.parse().expect("a month"));
                let begun = world.phone(phone).new_meeting(kind, month, Some(day(date)), now);
                let doc = world
                    .try_out("meetings", begun)
                    .map_err(|error| said(step, error))?;
                if let Some(doc) = doc.filter(|doc| !world.meetings.contains(doc)) {
                    world.meetings.push(doc);
                }
            }
        }
        world.step().map_err(|error| said(step, error))?;
    }
    world
        .heal()
        .and_then(|()| world.check())
        .and_then(|()| world.last_newcomer())
        .and_then(|()| world.check())
        .map_err(|error| said(steps, error))?;
    Ok(world.report)
}
