//! Random commands of the whole handbook on two to six devices in random partitions: always converges, equal review
//! lists, no fact lost, sealed texts never change. `SOTAY_SEED=n` plays one life, `SOTAY_WHOLE_FIRST` and
//! `SOTAY_WHOLE_RUNS` choose others.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use sotay_tests::whole::live;

/// Lives of the ordinary test.
const RUNS: u64 = 24;
const STEPS: u32 = 260;
/// Seeds that found a defect, with one line of story each.
const FOUND: [(u64, &str); 2] = [
    (
        13,
        "a newcomer drew a slot that the relay had another letter in, and was never told",
    ),
    (18, "the same"),
];
/// What must have happened in the ordinary test, or it tests less than it says.
const EXPECTED: [&str; 24] = [
    "addenda and editions",
    "commands in meetings",
    "countersigned",
    "evidence",
    "fee lines",
    "feedback",
    "meetings",
    "names",
    "newcomers",
    "partitions",
    "phones that met",
    "points",
    "proposed",
    "pruned by the relay",
    "refusals",
    "reports",
    "resolutions",
    "reversing lines",
    "roster",
    "settled",
    "snapshots made",
    "snapshots signed",
    "task reports",
    "undone",
];

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text}")),
    )
}

#[test]
fn whatever_a_branch_writes_all_phones_end_with_the_same_and_nothing_is_lost() {
    let one = number("SOTAY_SEED");
    let first = one.or(number("SOTAY_WHOLE_FIRST")).unwrap_or(0);
    let runs = one.map_or(number("SOTAY_WHOLE_RUNS").unwrap_or(RUNS), |_| 1);
    let known = FOUND.iter().map(|(seed, _)| *seed).filter(|_| one.is_none());
    let seeds: Vec<u64> = known.chain(first..first + runs).collect();
    let (next, failures, happened) = (
        AtomicU64::new(0),
        Mutex::new(Vec::new()),
        Mutex::new(BTreeMap::new()),
    );
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
                    match live(*seed, STEPS) {
                        Ok(report) => {
                            let mut happened = happened.lock().unwrap();
                            for (what, times) in report.happened {
                                *happened.entry(what).or_insert(0) += times;
                            }
                        }
                        Err(failure) => failures.lock().unwrap().push(failure),
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "{} of {} lives fail:\n{}",
        failures.len(),
        seeds.len(),
        failures.join("\n")
    );
    let happened: BTreeMap<&str, u32> = happened.into_inner().unwrap();
    println!("{happened:#?}");
    if runs >= RUNS {
        for what in EXPECTED {
            assert!(happened.contains_key(what), "{what} never happened");
        }
    }
}

#[test]
fn a_seed_plays_the_same_life_every_time() {
    assert_eq!(live(3, 80), live(3, 80));
}
