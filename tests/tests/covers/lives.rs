//! Random lives: three to seven phones write, sync, meet, sign, a relay prunes, phones are removed with cut-offs anywhere, others join.
//! Whoever has heard everything shows the same, however it got there. `SOTAY_SEED=n` plays one life.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sotay_engine::{CoverError, CoverState, today};
use sotay_feed::{Space, SpaceKind};
use sotay_store::Store;
use sotay_tests::branch::{P2, P3};
use sotay_tests::covers::{LATER, assert_same, busy, prune};
use sotay_tests::hall::{Hall, everything};
use sotay_tests::pump::meet;

use super::pruned::come;

const LIVES: u64 = 16;
const STEPS: usize = 90;

struct Life {
    hall: Hall,
    main: Space,
    rng: StdRng,
    links: u64,
    /// Phones that were removed; they say nothing any more.
    gone: BTreeSet<usize>,
    happened: BTreeMap<&'static str, u32>,
}

impl Life {
    fn note(&mut self, what: &'static str) {
        *self.happened.entry(what).or_default() += 1;
    }

    fn phone(&mut self) -> usize {
        loop {
            let phone = self.rng.random_range(0..self.hall.branch.phones.len());
            if !self.gone.contains(&phone) {
                return phone;
            }
        }
    }

    fn step(&mut self) {
        let (phone, doc) = (self.phone(), self.hall.doc);
        match self.rng.random_range(0..100) {
            0..45 => {
                let text = format!("Câu {}", self.rng.random_range(0..1000));
                self.hall.branch.speak(phone, doc, 5, &text);
                if self.rng.random_range(0..3) > 0 {
                    self.hall.sync(phone);
                }
            }
            45..65 => self.hall.sync(phone),
            65..75 => self.meet(phone),
            75..82 => self.draft(),
            82..89 => self.sign(),
            89..93 => {
                let dropped = prune(&mut self.hall.relay, self.main.unit);
                if dropped.envelopes > 0 {
                    self.note("pruned");
                }
            }
            93..96 if self.hall.branch.phones.len() < 7 => {
                let number = 10 + self.hall.branch.phones.len() as u8;
                let rank = if self.rng.random_range(0..2) == 0 { 3 } else { 4 };
                come(&mut self.hall, number, rank);
                self.note("joined");
            }
            _ => self.remove(),
        }
    }

    fn meet(&mut self, phone: usize) {
        let other = self.phone();
        if other == phone {
            return;
        }
        self.links += 1;
        let bytes = if self.rng.random_range(0..3) == 0 {
            self.rng.random_range(0..20_000)
        } else {
            u64::MAX
        };
        let [caller, host] = self.hall.branch.phones.get_disjoint_mut([phone, other]).unwrap();
        meet(caller, host, 700_000 + self.links, LATER, bytes).unwrap();
        self.note("met");
    }

    fn draft(&mut self) {
        let officer = if self.rng.random_range(0..2) == 0 { P3 } else { P2 };
        if self.gone.contains(&officer) {
            return;
        }
        match self.hall.branch.phones[officer].draft_cover(SpaceKind::Main, today(LATER), LATER) {
            Ok(_) => self.note("drafted"),
            Err(CoverError::Nothing | CoverError::Waits(_)) => {}
            Err(other) => panic!("a draft: {other:?}"),
        }
        self.hall.sync(officer);
    }

    fn sign(&mut self) {
        let phone = self.phone();
        self.hall.sync(phone);
        let lines = self.hall.branch.phones[phone].covers().unwrap();
        let waits = |state| matches!(state, CoverState::Open | CoverState::Void);
        let Some(line) = lines.into_iter().find(|line| line.yours && waits(line.state)) else {
            return;
        };
        match self.hall.branch.phones[phone].sign_cover(line.id) {
            Ok(()) => self.note("signed"),
            // What somebody has not handed over yet, or what only came as a copy, is not signed for.
            Err(CoverError::NotHere(_) | CoverError::Beneath(_)) => self.note("not here"),
            // A document may be judged otherwise since a phone was removed.
            Err(CoverError::Differs(_)) if !self.gone.is_empty() => self.note("judged otherwise"),
            Err(other) => panic!("a signature: {other:?}"),
        }
        self.hall.sync(phone);
    }

    /// A phone that signed no cover is removed with any cut-off; one that did keeps its word in the roll.
    fn remove(&mut self) {
        let phone = self.phone();
        if phone == P3 || self.gone.len() >= 2 || self.hall.branch.phones.len() < 4 {
            return;
        }
        for other in [phone, P3, P2] {
            if !self.gone.contains(&other) {
                self.hall.sync(other);
            }
        }
        let device = self.hall.branch.phones[phone].id();
        let store = self.hall.branch.phones[P3].replica().store();
        let Some(tip) = store.tip(&self.main.id(), device).unwrap() else {
            return;
        };
        let seq = self.rng.random_range(1..=tip.seq);
        let Some(stored) = store.at(&self.main.id(), device, seq).unwrap() else {
            return;
        };
        let roll = Space::of(self.main.unit, SpaceKind::Roll);
        let cut = sotay_feed::Tip { seq, id: stored.id };
        let cutoffs = BTreeMap::from([(roll.id().tag(), everything()), (self.main.id().tag(), cut)]);
        self.hall.revoke_with(device, cutoffs);
        self.gone.insert(phone);
        self.hall.sync(P3);
        self.note("removed");
    }

    fn heal(&mut self) {
        for _ in 0..3 {
            for phone in 0..self.hall.branch.phones.len() {
                if !self.gone.contains(&phone) {
                    self.hall.sync(phone);
                }
            }
        }
    }

    fn check(&mut self, seed: u64) {
        let doc = self.hall.doc;
        let mut first: Option<(usize, String)> = None;
        for phone in 0..self.hall.branch.phones.len() {
            if self.gone.contains(&phone) {
                continue;
            }
            let device = &mut self.hall.branch.phones[phone];
            let text = format!(
                "{:?}\n{:?}\n{:?}\n{:?}\n{:?}",
                device.roster_view().unwrap(),
                device.meeting_view(doc).unwrap(),
                device.minutes(doc).unwrap(),
                device.review(doc).unwrap(),
                device.diary(doc, 0, 1000).unwrap(),
            );
            match &first {
                Some((known, other)) => {
                    assert_same(&format!("seed {seed}: phones {known} and {phone}"), other, &text);
                }
                None => first = Some((phone, text)),
            }
        }
    }
}

fn live(seed: u64) -> BTreeMap<&'static str, u32> {
    let mut hall = Hall::open(seed % 900 + 40, LATER);
    let main = Space::of(hall.branch.phones[P3].unit().unwrap(), SpaceKind::Main);
    busy(&mut hall, 3);
    let mut life = Life {
        hall,
        main,
        rng: StdRng::seed_from_u64(seed),
        links: 0,
        gone: BTreeSet::new(),
        happened: BTreeMap::new(),
    };
    for _ in 0..STEPS {
        life.step();
    }
    life.heal();
    life.check(seed);
    // Whoever joins at the very end, from a relay that dropped all it may, sees the same.
    prune(&mut life.hall.relay, life.main.unit);
    come(&mut life.hall, 30, 3);
    life.heal();
    life.check(seed);
    life.happened
}

#[test]
fn whatever_is_covered_dropped_and_revoked_all_phones_show_the_same() {
    let one: Option<u64> = std::env::var("SOTAY_SEED")
        .ok()
        .and_then(|text| text.parse().ok());
    let seeds: Vec<u64> = one.map_or_else(|| (0..LIVES).collect(), |seed| vec![seed]);
    let mut happened: BTreeMap<&str, u32> = BTreeMap::new();
    for seed in &seeds {
        println!("seed {seed}");
        for (what, times) in live(*seed) {
            *happened.entry(what).or_default() += times;
        }
    }
    println!("{happened:#?}");
    if one.is_none() {
        for what in ["drafted", "signed", "pruned", "joined", "removed", "met"] {
            assert!(happened.contains_key(what), "{what} never happened");
        }
    }
}
