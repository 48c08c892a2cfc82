//! Many random lives of a branch and its relay, each from one seed. `docs/TESTING.md` says how to replay one.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use sotay_tests::sim::{Options, run};

/// Seeds of the ordinary test. Seeds that once found something are in [`FOUND`].
const RUNS: u64 = 40;
/// Seeds that found a defect, with one line of story each.
const FOUND: [(u64, &str); 0] = [];
/// What must have happened in the ordinary test, or it tests less than it says.
const EXPECTED: [&str; 18] = [
    "backups of the relay",
    "bundles imported twice",
    "clock jumps",
    "commands",
    "commands refused by a failing disk",
    "connections",
    "crashes of phones",
    "crashes of the relay inside a call",
    "cut connections",
    "exchanges completed",
    "faults prepared on phones",
    "late admissions",
    "partitions",
    "relays emptied",
    "relays set back",
    "sessions replayed",
    "starts of phones",
    "starts that failed",
];

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text}"))
    })
}

#[test]
fn whatever_breaks_everybody_ends_with_the_same_and_nothing_promised_is_lost() {
    let steps = number("SOTAY_SIM_STEPS").map_or(Options::default().steps, |steps| steps as u32);
    if let Some(seed) = number("SOTAY_SEED") {
        match run(seed, Options { steps, verbose: true }) {
            Ok(report) => println!("seed {seed} holds: {report:#?}"),
            Err(failure) => panic!("{failure}"),
        }
        return;
    }
    let runs = number("SOTAY_SIM_RUNS").unwrap_or(RUNS);
    let first = number("SOTAY_SIM_FIRST").unwrap_or(0);
    let seeds: Vec<u64> = FOUND
        .iter()
        .map(|(seed, _)| *seed)
        .chain(first..first + runs)
        .collect();
    let (next, failures, happened) = (
        AtomicU64::new(0),
        Mutex::new(Vec::new()),
        Mutex::new(BTreeMap::new()),
    );
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
                    match run(
                        *seed,
                        Options {
                            steps,
                            verbose: false,
                        },
                    ) {
                        Ok(report) => {
                            let mut happened = happened.lock().unwrap();
                            for (what, times) in report.happened {
                                *happened.entry(what).or_insert(0) += times;
                            }
                        }
                        Err(failure) => {
                            eprintln!("{}", failure.lines().next().unwrap_or_default());
                            failures.lock().unwrap().push(failure);
                        }
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "{} of {} seeds fail; the first:\n{}",
        failures.len(),
        seeds.len(),
        failures[0]
    );
    let happened = happened.into_inner().unwrap();
    println!("{happened:#?}");
    if steps >= Options::default().steps && runs >= RUNS {
        for what in EXPECTED {
            assert!(happened.contains_key(what), "{what} never happened");
        }
    }
}

#[test]
fn a_seed_plays_the_same_life_every_time() {
    let play = || {
        run(
            7,
            Options {
                steps: 120,
                verbose: false,
            },
        )
        .unwrap()
    };
    let first = play();
    assert_eq!(first, play());
    assert!(!first.minutes.is_empty());
}
