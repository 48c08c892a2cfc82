//! A history of the model as real, signed records, and what must be equal between both.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sotay_feed::{DeviceId, Envelope, EnvelopeId, Kind, SpaceKind, SpaceTag, Tip, UnitId, Verified};
use sotay_membership::{Change, Flags, Membership, Reason, Record, Reparent, Revoke, Validity, content};

use crate::naive::Naive;
use crate::support::{self, Roll, grant, id};
use crate::{NEVER, Rec, What, evaluate, model_content};

/// The same history as signed envelopes of the roll. Changes stand there too, as a kind that is no membership record:
/// the model has one feed per device, and a fork shows in it whatever the records are.
pub struct World {
    pub roll: Roll,
    pub genesis: Verified<Envelope>,
    pub envelopes: BTreeMap<String, Verified<Envelope>>,
    ids: BTreeMap<String, EnvelopeId>,
    main: SpaceTag,
    /// Who issues what rank 0 issues.
    pub root: DeviceId,
    rooted: bool,
}

impl World {
    /// `own_main`: cut-offs of main are drawn apart from those of the roll; the model does not know such histories.
    /// `rooted`: rank 0 is a root of three keys, and what the model's root writes are its acts, carried by the founder.
    pub fn new(records: &[Rec], own_main: Option<u64>, rooted: bool) -> Self {
        let mut rng = own_main.map(StdRng::seed_from_u64);
        let mut roll = match rooted {
            true => Roll::found_under(support::root_policy()),
            false => Roll::found(&[(0, "R"), (1, "founder")]),
        };
        let genesis = roll.all[0].clone();
        let (roll_tag, main) = (roll.roll.id().tag(), roll.space(SpaceKind::Main).id().tag());
        let mut ids = BTreeMap::new();
        let mut envelopes = BTreeMap::new();
        for rec in records {
            let (kind, mut body) = match &rec.what {
                What::Grant { rank, to, member } => {
                    let mut grant = grant(*rank, to, Flags::default());
                    grant.member = support::member(member);
                    (Kind::GRANT, grant.encode())
                }
                What::Revoke { grant, cut, last } => {
                    let unknown = EnvelopeId::from_bytes([0xee; 32]);
                    let last = last
                        .as_ref()
                        .and_then(|last| ids.get(last))
                        .copied()
                        .unwrap_or(unknown);
                    let tip = Tip { seq: *cut, id: last };
                    let mut cutoffs: BTreeMap<SpaceTag, Tip> = BTreeMap::new();
                    if *cut > 0 {
                        cutoffs.insert(roll_tag, tip);
                        cutoffs.insert(main, tip);
                    }
                    if let Some(rng) = &mut rng {
                        match rng.random_range(0..9) {
                            0 => cutoffs.remove(&main),
                            seq => cutoffs.insert(main, Tip { seq, id: tip.id }),
                        };
                    }
                    let grant = ids[grant];
                    (
                        Kind::REVOKE,
                        Revoke {
                            grant,
                            reason: Reason::NONE,
                            cutoffs,
                        }
                        .encode(),
                    )
                }
                What::Change { .. } => (Kind::CHANGE, Vec::new()),
                What::Reparent { parent } => {
                    let parent = UnitId::from_bytes([*parent; 32]);
                    (Kind::REPARENT, Reparent { parent }.encode())
                }
            };
            if rooted && rec.dev == "R" {
                let (record, _) = Record::decode(kind, &body).unwrap();
                let act = support::signed_act(&roll.unit(), rec.seq, record);
                ids.insert(rec.id.clone(), act.id(&roll.unit()));
                roll.write("founder", &Record::Root(act));
                envelopes.insert(rec.id.clone(), roll.all.last().expect("just written").clone());
                continue;
            }
            // Two records of the model are never the same one, even with equal contents at one place.
            body.extend_from_slice(rec.id.as_bytes());
            let envelope = roll.write_at(&rec.dev, rec.seq, kind, &body);
            ids.insert(rec.id.clone(), envelope);
            envelopes.insert(rec.id.clone(), roll.all.last().expect("just written").clone());
        }
        let root = match rooted {
            true => DeviceId::from_slice(&support::root_policy().id().as_bytes()[..8]).unwrap(),
            false => id("R"),
        };
        Self {
            root,
            rooted,
            roll,
            genesis,
            envelopes,
            ids,
            main,
        }
    }

    pub fn insert(&self, membership: &mut Membership, records: &[Rec]) {
        for rec in records {
            membership.insert(&self.envelopes[&rec.id]).unwrap();
        }
    }

    /// What the stores of main would have noticed.
    pub fn main_forks(&self, records: &[Rec]) -> Vec<(SpaceTag, DeviceId, u64)> {
        let mut seen: BTreeMap<(&String, u64), &String> = BTreeMap::new();
        let mut forks = Vec::new();
        for rec in records {
            if *seen.entry((&rec.dev, rec.seq)).or_insert(&rec.id) != &rec.id {
                forks.push((self.main, id(&rec.dev), rec.seq));
            }
        }
        forks
    }

    pub fn delivered(&self, records: &[Rec]) -> Vec<Verified<Envelope>> {
        let records = records.iter().map(|rec| self.envelopes[&rec.id].clone());
        std::iter::once(self.genesis.clone()).chain(records).collect()
    }

    /// A membership that received exactly these, in this order.
    pub fn receive(&self, records: &[Rec]) -> Membership {
        let mut membership = Membership::new(self.roll.unit());
        let half = records.len() / 2;
        self.insert(&mut membership, &records[..half]);
        // The genesis may come late, too.
        membership.insert(&self.genesis).unwrap();
        self.insert(&mut membership, &records[half..]);
        for (space, device, seq) in self.main_forks(records) {
            membership.note_fork(space, device, seq);
        }
        membership
    }

    pub fn assert_is_model(&self, membership: &Membership, records: &[Rec], seed: u64) {
        let judged = evaluate(records);
        let (valid, forks) = &judged;
        let fates: BTreeMap<_, _> = membership.grants().map(|(id, _, _, fate)| (id, fate)).collect();
        let held: BTreeMap<_, _> = valid
            .values()
            .flatten()
            .filter_map(|(_, grant, cuts)| Some((self.ids[grant.as_ref()?], !cuts.0.is_empty())))
            .collect();
        for (id, fate) in fates {
            let expected = match held.get(&id) {
                None => Validity::Void,
                Some(true) => Validity::Revoked,
                Some(false) => Validity::Valid,
            };
            assert_eq!(fate, expected, "seed {seed}: {id}");
        }
        for rec in records {
            let limit = match rec.what {
                What::Grant { .. } => 3,
                What::Revoke { .. } => 4,
                What::Change { .. } => continue,
                What::Reparent { .. } => 1,
            };
            let held = valid.get(&rec.dev).into_iter().flatten();
            let may = rec.seq <= forks.get(&rec.dev).copied().unwrap_or(NEVER)
                && held
                    .into_iter()
                    .any(|(rank, _, cuts)| *rank <= limit && cuts.accept(rec));
            let admitted = membership.may_admit(&self.envelopes[&rec.id], &self.roll.roll);
            assert_eq!(admitted.is_ok(), may, "seed {seed}: {rec:?} {admitted:?}");
        }
        let (base, all) = model_content(records, &judged);
        let counted = self.content(membership, records);
        assert_eq!(counted, (base, all), "seed {seed}");
    }

    pub fn content(&self, membership: &Membership, records: &[Rec]) -> (BTreeSet<String>, BTreeSet<String>) {
        let changes: BTreeMap<&str, Change<&str>> = records
            .iter()
            .filter_map(|rec| {
                let What::Change { deps } = &rec.what else {
                    return None;
                };
                let change = Change {
                    author: id(&rec.dev),
                    seq: rec.seq,
                    envelope: Some(self.ids[&rec.id]),
                    deps: deps.iter().map(String::as_str).collect(),
                };
                Some((rec.id.as_str(), change))
            })
            .collect();
        let main = self.roll.space(SpaceKind::Main);
        let counted = content(membership, &main, &changes, &BTreeSet::new());
        let owned = |set: BTreeSet<&str>| set.into_iter().map(String::from).collect();
        (owned(counted.own), owned(counted.valid))
    }

    pub fn assert_is_naive(&self, membership: &Membership, records: &[Rec], seed: u64) {
        let (unit, roll_space) = (self.roll.unit(), self.roll.roll);
        let (roll, main_space) = (roll_space.id().tag(), self.roll.space(SpaceKind::Main));
        let noted = self.main_forks(records);
        let naive = Naive::evaluate(unit, roll, &self.delivered(records), &noted);
        let held: BTreeMap<_, _> = naive.held.iter().map(|held| (held.id, held)).collect();
        for (id, _, _, fate) in membership.grants() {
            let expected = match held.get(&id) {
                None => Validity::Void,
                Some(held) if held.all.is_empty() => Validity::Valid,
                Some(_) => Validity::Revoked,
            };
            assert_eq!(fate, expected, "seed {seed}: {id}");
        }
        // The parent of the highest rank, then the highest number, then the lowest id.
        let parents = records.iter().filter_map(|rec| {
            let What::Reparent { parent } = rec.what else {
                return None;
            };
            let of_root = self.rooted && rec.dev == "R";
            let best = match of_root {
                true => Some(0),
                false => naive.best(roll, id(&rec.dev), rec.seq, Some(self.ids[&rec.id])),
            };
            let best = best.filter(|rank| *rank <= 1)?;
            let number = if of_root { NEVER + rec.seq } else { rec.seq };
            Some((best, Reverse(number), self.ids[&rec.id], parent))
        });
        let parent = parents.min().map_or([1; 32], |(.., parent)| [parent; 32]);
        assert_eq!(
            membership.parent(),
            Some(UnitId::from_bytes(parent)),
            "seed {seed}"
        );
        let devices = records
            .iter()
            .map(|rec| rec.dev.as_str())
            .filter(|dev| !self.rooted || *dev != "R");
        let devices: BTreeSet<&str> = devices.collect();
        for dev in devices {
            for seq in 1..10 {
                let best = |tag| naive.best(tag, id(dev), seq, None);
                let writes = membership.may_write(id(dev), &main_space, Kind::CHANGE, seq);
                let may = best(self.main).is_some_and(|rank| rank <= 4);
                assert_eq!(
                    writes.is_ok(),
                    may,
                    "seed {seed}: {dev} {seq} in main: {writes:?}"
                );
                let writes = membership.may_write(id(dev), &roll_space, Kind::GRANT, seq);
                let may = best(roll).is_some_and(|rank| rank <= 3);
                assert_eq!(
                    writes.is_ok(),
                    may,
                    "seed {seed}: {dev} {seq} in the roll: {writes:?}"
                );
            }
        }
    }
}
