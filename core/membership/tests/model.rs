//! The shared model of ranked grants, ported line by line, its directed tests, and random histories on which the
//! model, a naive evaluation and the incremental [`Membership`] must agree.
//!
//! `SOTAY_HISTORIES=20000` runs as many histories; a failure names the seed that reproduces it.

#[path = "model/naive.rs"]
mod naive;
mod support;
#[path = "model/world.rs"]
mod world;

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use sotay_feed::DeviceId;
use sotay_membership::{Inserted, Membership, Validity};
use support::id;
use world::World;

/// One record of the model: `(id, device, seq, what)`.
#[derive(Clone, Debug)]
struct Rec {
    id: String,
    dev: String,
    seq: u64,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Grant {
        rank: u8,
        to: String,
        member: String,
    },
    /// `last` is the record that the cut-off names besides its number; the original model has numbers only.
    Revoke {
        grant: String,
        cut: u64,
        last: Option<String>,
    },
    Change {
        deps: Vec<String>,
    },
    /// The original model has no parents: these are compared with the naive evaluation alone.
    Reparent {
        parent: u8,
    },
}

const NEVER: u64 = 1_000_000_000;

/// The cut-offs of one grant. A place is accepted if every one of them accepts it.
#[derive(Clone, Debug, Default)]
struct Cuts(Vec<(u64, Option<String>)>);

impl Cuts {
    fn accept(&self, rec: &Rec) -> bool {
        self.0.iter().all(|(cut, last)| {
            rec.seq < *cut || (rec.seq == *cut && last.as_ref().is_none_or(|last| *last == rec.id))
        })
    }

    fn lowest(&self) -> u64 {
        self.0.iter().map(|(cut, _)| *cut).min().unwrap_or(NEVER)
    }
}

/// device → its grants as (rank, grant, cut-offs)
type Valid = BTreeMap<String, Vec<(u8, Option<String>, Cuts)>>;

/// `evaluate` of the model: valid grants, and the last number before a fork.
fn evaluate(records: &[Rec]) -> (Valid, BTreeMap<String, u64>) {
    let mut forks = BTreeMap::new();
    let mut seen = BTreeMap::new();
    for rec in records {
        let known = seen.entry((&rec.dev, rec.seq)).or_insert(&rec.id);
        if **known != rec.id {
            let last = forks.entry(rec.dev.clone()).or_insert(NEVER);
            *last = (*last).min(rec.seq - 1);
        }
    }
    let unforked = |rec: &Rec| rec.seq <= forks.get(&rec.dev).copied().unwrap_or(NEVER);
    let mut grants: BTreeMap<&String, (&Rec, u8, &String, &String)> = BTreeMap::new();
    let mut revokes = BTreeMap::new();
    for rec in records {
        match &rec.what {
            What::Grant { rank, to, member } => drop(grants.insert(&rec.id, (rec, *rank, to, member))),
            What::Revoke { grant, cut, last } => drop(revokes.insert(&rec.id, (rec, grant, *cut, last))),
            What::Change { .. } | What::Reparent { .. } => {}
        }
    }
    let mut valid = Valid::from([("R".to_owned(), vec![(0, None, Cuts::default())])]);
    let mut issued: Vec<(&String, u8, &String, &String, Cuts)> = Vec::new();
    for k in 1..6 {
        let may = |rec: &Rec| {
            let held = valid.get(&rec.dev).into_iter().flatten();
            held.into_iter()
                .any(|(rank, _, cuts)| *rank <= (k - 1).min(3) && cuts.accept(rec) && unforked(rec))
        };
        let mut stratum = Vec::new();
        for (gid, (rec, rank, to, member)) in &grants {
            if *rank == k && may(rec) {
                let against = revokes.values().filter(|(v, target, ..)| target == gid && may(v));
                let cuts = Cuts(against.map(|(_, _, cut, last)| (*cut, (*last).clone())).collect());
                stratum.push((*gid, k, *to, *member, cuts));
            }
        }
        issued.extend(stratum.iter().cloned());
        for (gid, _, to, member, high) in stratum {
            let mut cuts = high.clone();
            for (v, target, cut, last) in revokes.values() {
                let own = *target == gid
                    && issued
                        .iter()
                        .any(|(other, _, other_to, other_member, other_high)| {
                            **other_to == v.dev
                                && *other_member == member
                                && *other != gid
                                && other_high.accept(v)
                                && unforked(v)
                        });
                if own {
                    cuts.0.push((*cut, (*last).clone()));
                }
            }
            valid
                .entry(to.clone())
                .or_default()
                .push((k, Some(gid.clone()), cuts));
        }
    }
    (valid, forks)
}

/// `content` of the model: changes that stand by themselves, and those with what they build on.
fn model_content(
    records: &[Rec],
    (valid, forks): &(Valid, BTreeMap<String, u64>),
) -> (BTreeSet<String>, BTreeSet<String>) {
    let changes: BTreeMap<&String, (&Rec, &Vec<String>)> = records
        .iter()
        .filter_map(|rec| match &rec.what {
            What::Change { deps } => Some((&rec.id, (rec, deps))),
            _ => None,
        })
        .collect();
    let base: BTreeSet<String> = changes
        .values()
        .filter(|(rec, _)| {
            let held = valid.get(&rec.dev).into_iter().flatten();
            rec.seq <= forks.get(&rec.dev).copied().unwrap_or(NEVER)
                && held
                    .into_iter()
                    .any(|(rank, _, cuts)| *rank <= 4 && cuts.accept(rec))
        })
        .map(|(rec, _)| rec.id.clone())
        .collect();
    let (mut out, mut open) = (BTreeSet::new(), base.iter().cloned().collect::<Vec<_>>());
    while let Some(change) = open.pop() {
        if out.insert(change.clone()) {
            open.extend(
                changes[&change]
                    .1
                    .iter()
                    .filter(|dep| changes.contains_key(dep))
                    .cloned(),
            );
        }
    }
    (base, out)
}

/// `rnd` of the model: some act with authority, some without, some fork. Odd seeds play in a closer circle: few
/// members with many devices, officers who act more often, and devices that revoke each other.
/// Every fourth seed has a root of three keys instead of a device: it only grants rank 1, revokes, and names parents.
fn history(seed: u64, len: usize) -> Vec<Rec> {
    let mut rng = StdRng::seed_from_u64(seed);
    let close = seed % 2 == 1;
    let rooted = is_rooted(seed);
    let (members, grants, revokes) = if close { (3, 0.35, 0.75) } else { (10, 0.35, 0.5) };
    let mut records: Vec<Rec> = Vec::new();
    let mut seqs: BTreeMap<String, u64> = BTreeMap::new();
    let mut devices: Vec<String> = ["R", "evil1", "evil2"].map(String::from).into();
    let mut changes: Vec<String> = Vec::new();
    let mut next = |dev: &str| {
        let seq = seqs.entry(dev.to_owned()).or_insert(0);
        *seq += 1;
        *seq
    };
    for t in 0..len {
        let few = if close {
            devices.len().min(8)
        } else {
            devices.len()
        };
        let mut dev = devices[..few].choose(&mut rng).expect("never empty").clone();
        let x: f64 = rng.random();
        if rooted && dev == "R" && x >= revokes {
            dev = "evil2".to_owned();
        }
        let targets: Vec<(String, String, String)> = records
            .iter()
            .filter_map(|rec| match &rec.what {
                What::Grant { to, member, .. } => Some((rec.id.clone(), to.clone(), member.clone())),
                _ => None,
            })
            .collect();
        if x < grants {
            // Now and then a device that holds a grant already gets another one.
            let again = devices.len() > 6 && rng.random_bool(0.15);
            let to = match again {
                true => devices[3..].choose(&mut rng).expect("more than three").clone(),
                false => format!("d{}", devices.len()),
            };
            let what = What::Grant {
                rank: if rooted && dev == "R" {
                    1
                } else if close {
                    rng.random_range(2..=4)
                } else {
                    rng.random_range(1..=5)
                },
                to: to.clone(),
                member: format!("m{}", rng.random_range(0..members)),
            };
            if !again {
                devices.push(to);
            }
            records.push(Rec {
                id: format!("g{t}"),
                seq: next(&dev),
                dev,
                what,
            });
        } else if x < revokes && !targets.is_empty() {
            let (target, holder, member) = targets.choose(&mut rng).expect("not empty").clone();
            if close && rng.random_bool(0.6) {
                let own: Vec<_> = targets.iter().filter(|(.., other)| *other == member).collect();
                dev = own
                    .choose(&mut rng)
                    .expect("at least the target itself")
                    .1
                    .clone();
            }
            let cut = rng.random_range(0..9);
            let last = records.iter().find(|rec| rec.dev == holder && rec.seq == cut);
            // A number the holder has not reached yet is written with the id of no record.
            let last = last.map_or_else(|| "none".to_owned(), |rec| rec.id.clone());
            let what = What::Revoke {
                grant: target,
                cut,
                last: (cut > 0).then_some(last),
            };
            records.push(Rec {
                id: format!("v{t}"),
                seq: next(&dev),
                dev,
                what,
            });
        } else if rooted && rng.random_bool(0.1) {
            // A parent, named by anybody.
            let dev = devices.choose(&mut rng).expect("never empty").clone();
            records.push(Rec {
                id: format!("p{t}"),
                seq: next(&dev),
                dev,
                what: What::Reparent {
                    parent: rng.random_range(1..9),
                },
            });
        } else {
            if rooted && dev == "R" {
                dev = "evil1".to_owned();
            }
            let fork = rng.random_bool(0.03);
            let seq = match fork {
                true => last_seq(&records, &dev).max(1),
                false => next(&dev),
            };
            let count = rng.random_range(0..3.min(changes.len() + 1));
            let deps = changes.sample(&mut rng, count).cloned().collect();
            changes.push(format!("c{t}"));
            records.push(Rec {
                id: format!("c{t}"),
                dev,
                seq,
                what: What::Change { deps },
            });
        }
    }
    records
}

/// Whether rank 0 is a root of three keys in the history of this seed.
fn is_rooted(seed: u64) -> bool {
    seed % 4 == 3
}

fn last_seq(records: &[Rec], dev: &str) -> u64 {
    let seqs = records.iter().filter(|rec| rec.dev == dev).map(|rec| rec.seq);
    seqs.max().unwrap_or(0)
}

fn histories() -> u64 {
    let asked = std::env::var("SOTAY_HISTORIES").ok();
    asked.map_or(2000, |text| text.parse().expect("SOTAY_HISTORIES is a number"))
}

/// Lost, permuted and delivered again.
fn deliver(records: &[Rec], rng: &mut StdRng) -> Vec<Rec> {
    let keep = if rng.random_bool(0.5) { 1.0 } else { 0.8 };
    let mut delivered: Vec<Rec> = records
        .iter()
        .filter(|_| rng.random_bool(keep))
        .cloned()
        .collect();
    delivered.shuffle(rng);
    delivered
}

#[test]
fn random_histories_in_any_order_with_losses_and_repeats_agree_with_the_model_and_the_naive_evaluation() {
    let (mut dropped, mut vouched, mut revoked, mut void) = (0, 0, 0, 0);
    for seed in 0..histories() {
        let records = history(seed, 60);
        let world = World::new(&records, None, is_rooted(seed));
        let mut rng = StdRng::seed_from_u64(seed ^ 0x5eed);
        let delivered = deliver(&records, &mut rng);
        let mut membership = world.receive(&delivered);
        // Whatever comes again changes nothing.
        let revision = membership.revision();
        for rec in delivered.sample(&mut rng, 10) {
            assert_ne!(
                membership.insert(&world.envelopes[&rec.id]).unwrap(),
                Inserted::New
            );
        }
        assert_eq!(membership.revision(), revision);
        world.assert_is_model(&membership, &delivered, seed);
        if seed % 3 == 0 {
            world.assert_is_naive(&membership, &delivered, seed);
        }
        // What was lost arrives at last.
        world.insert(&mut membership, &records);
        for (space, device, seq) in world.main_forks(&records) {
            membership.note_fork(space, device, seq);
        }
        world.assert_is_model(&membership, &records, seed);
        let (own, valid) = world.content(&membership, &records);
        dropped += records.iter().filter(|rec| rec.id.starts_with('c')).count() - valid.len();
        vouched += valid.len() - own.len();
        revoked += membership
            .grants()
            .filter(|grant| grant.3 == Validity::Revoked)
            .count();
        void += membership
            .grants()
            .filter(|grant| grant.3 == Validity::Void)
            .count();
    }
    // The histories must be about something.
    assert!(dropped > 0 && vouched > 0 && revoked > 0 && void > 0);
    println!("dropped {dropped}, vouched for {vouched}, revoked {revoked}, void {void}");
}

#[test]
fn cut_offs_that_differ_per_space_agree_with_the_naive_evaluation_after_every_single_record() {
    for seed in 0..histories() / 10 {
        let records = history(seed, 60);
        let world = World::new(&records, Some(seed), is_rooted(seed));
        let mut rng = StdRng::seed_from_u64(seed ^ 0xface);
        let delivered = deliver(&records, &mut rng);
        let mut membership = Membership::new(world.roll.unit());
        membership.insert(&world.genesis).unwrap();
        for upto in 0..delivered.len() {
            world.insert(&mut membership, &delivered[upto..=upto]);
            for (space, device, seq) in world.main_forks(&delivered[..=upto]) {
                membership.note_fork(space, device, seq);
            }
            world.assert_is_naive(&membership, &delivered[..=upto], seed);
        }
    }
}

#[test]
fn valid_content_is_closed_so_that_it_can_always_be_applied() {
    for seed in 0..histories() / 10 {
        let records = history(seed, 60);
        let world = World::new(&records, None, is_rooted(seed));
        let (_, valid) = world.content(&world.receive(&records), &records);
        for rec in records.iter().filter(|rec| valid.contains(&rec.id)) {
            let What::Change { deps } = &rec.what else {
                unreachable!()
            };
            assert!(deps.iter().all(|dep| valid.contains(dep)), "seed {seed}: {rec:?}");
        }
    }
}

#[test]
fn authority_descends_strictly_from_the_root() {
    for seed in 0..histories() / 10 {
        let records = history(seed, 60);
        let world = World::new(&records, None, is_rooted(seed));
        let membership = world.receive(&records);
        let mut best: BTreeMap<DeviceId, u8> = BTreeMap::from([(world.root, 0), (id("founder"), 1)]);
        for (_, _, grant, fate) in membership.grants() {
            if fate != Validity::Void {
                let rank = best.entry(grant.device()).or_insert(grant.rank);
                *rank = grant.rank.min(*rank);
            }
        }
        for (_, issuer, grant, fate) in membership.grants() {
            let above = best
                .get(&issuer)
                .is_some_and(|&rank| rank < grant.rank && rank <= 3);
            assert!(fate == Validity::Void || above, "seed {seed}: {grant:?}");
        }
    }
}

#[test]
fn records_of_outsiders_change_nothing() {
    for seed in 0..histories() / 10 {
        let records = history(seed, 60);
        let world = World::new(&records, None, is_rooted(seed));
        let all = world.receive(&records);
        let insiders: BTreeSet<_> = evaluate(&records).0.into_keys().collect();
        let inside: Vec<_> = records
            .iter()
            .filter(|rec| insiders.contains(&rec.dev))
            .cloned()
            .collect();
        let some = world.receive(&inside);
        let fates = |membership: &Membership| -> Vec<_> {
            let valid = membership.grants().filter(|grant| grant.3 != Validity::Void);
            valid.map(|(id, _, _, fate)| (id, fate)).collect()
        };
        assert_eq!(fates(&all), fates(&some), "seed {seed}");
    }
}

/// The directed tests of the model, each run on the model and on the real thing.
mod directed {
    use super::*;

    fn g(id: &str, dev: &str, seq: u64, rank: u8, to: &str, member: &str) -> Rec {
        let what = What::Grant {
            rank,
            to: to.to_owned(),
            member: member.to_owned(),
        };
        Rec {
            id: id.to_owned(),
            dev: dev.to_owned(),
            seq,
            what,
        }
    }

    fn v(id: &str, dev: &str, seq: u64, grant: &str, cut: u64, last: Option<&str>) -> Rec {
        let what = What::Revoke {
            grant: grant.to_owned(),
            cut,
            last: last.map(str::to_owned),
        };
        Rec {
            id: id.to_owned(),
            dev: dev.to_owned(),
            seq,
            what,
        }
    }

    fn c(id: &str, dev: &str, seq: u64, deps: &[&str]) -> Rec {
        let what = What::Change {
            deps: deps.iter().map(|dep| (*dep).to_owned()).collect(),
        };
        Rec {
            id: id.to_owned(),
            dev: dev.to_owned(),
            seq,
            what,
        }
    }

    fn base() -> Vec<Rec> {
        vec![
            g("g1", "R", 1, 1, "P", "p"),
            g("g2", "P", 1, 2, "S", "s"),
            g("g3", "S", 1, 3, "D", "d"),
            g("g4", "D", 1, 4, "M", "m"),
        ]
    }

    /// Evaluates by model and membership, which must agree, and gives what counts.
    fn counted(records: &[Rec]) -> (BTreeSet<String>, Valid) {
        let world = World::new(records, None, false);
        world.assert_is_model(&world.receive(records), records, 0);
        let judged = evaluate(records);
        (model_content(records, &judged).1, judged.0)
    }

    fn with(more: &[Rec]) -> Vec<Rec> {
        [base(), more.to_vec()].concat()
    }

    #[test]
    fn a_rogue_deputys_wipe_is_undone_by_cutting_the_deputy_before_that_act() {
        let wipe = with(&[c("c1", "M", 1, &[]), v("x", "D", 2, "g4", 0, None)]);
        assert!(!counted(&wipe).0.contains("c1"));
        let undo = [wipe, vec![v("y", "S", 2, "g3", 1, Some("g4"))]].concat();
        assert!(counted(&undo).0.contains("c1"));
    }

    #[test]
    fn a_forged_same_member_grant_cannot_resign_the_victim() {
        let forged = with(&[
            g("gX", "evil", 1, 2, "evil", "s"),
            v("z", "evil", 2, "g2", 0, None),
        ]);
        assert_eq!(counted(&forged).1["S"][0].2.lowest(), NEVER);
    }

    #[test]
    fn an_upward_revocation_has_no_effect() {
        let up = with(&[v("u", "D", 2, "g2", 0, None)]);
        assert_eq!(counted(&up).1["S"][0].2.lowest(), NEVER);
    }

    #[test]
    fn a_backdated_change_is_out_until_an_authorised_device_builds_on_it() {
        let backdated = with(&[
            g("g5", "D", 2, 4, "N", "n"),
            c("m1", "M", 1, &[]),
            c("m2", "M", 2, &[]),
            v("r", "S", 2, "g4", 1, Some("m1")),
        ]);
        assert!(!counted(&backdated).0.contains("m2"));
        let vouched = [backdated, vec![c("n1", "N", 1, &["m2"])]].concat();
        assert!(counted(&vouched).0.contains("m2"));
    }

    #[test]
    fn late_admission_by_a_removed_deputy_is_void() {
        let late = with(&[v("r", "S", 2, "g3", 1, Some("g4")), g("g6", "D", 2, 4, "Q", "q")]);
        assert!(!counted(&late).1.contains_key("Q"));
    }
}
