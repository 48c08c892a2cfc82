//! Prints how long a province takes to found its branches with packs, and to move all of them to another committee:
//! `cargo run --release -p sotay-engine --example found_branches [BRANCHES]` (4,000 when left out). Needs no network; the
//! database is a temporary file.

use std::time::Instant;

use rand::SeedableRng;
use rand::rngs::StdRng;
use sotay_engine::feed::UnitId;
use sotay_engine::{CommitteeCard, Device, NewBranch, NewUnit, RootKey, UnitKind, root_policy};
use sotay_store::{DatabaseId, MemoryStore, Options, SqliteStore, Store};

const NOW: i64 = 1_778_000_000_000;
const AT_ONCE: usize = 500;

fn rng(seed: u64) -> Box<StdRng> {
    Box::new(StdRng::seed_from_u64(seed))
}

fn province<S: Store>(store: S, keys: &[RootKey]) -> Device<S> {
    let public: Vec<_> = keys.iter().map(RootKey::public).collect();
    let (policy, _) = root_policy(2, &public).expect("three keys, two signatures");
    let mut device = Device::create(store, "Tỉnh ủy", rng(1)).expect("a profile");
    let mut paper = device
        .draft_root("Đảng bộ tỉnh", UnitKind::PROVINCE, policy, NOW)
        .expect("a paper");
    keys[..2]
        .iter()
        .for_each(|key| paper.sign(key).expect("a signature"));
    let unit = NewUnit {
        name: "Đảng bộ tỉnh".to_owned(),
        upper: "Trung ương".to_owned(),
        founder: "Vũ Thị Hà".to_owned(),
        since: None,
    };
    device.found_rooted(&paper, &unit, NOW).expect("a province");
    device
}

/// Founds them all; the units, characters of all packs, seconds.
fn found<S: Store>(device: &mut Device<S>, count: usize) -> (Vec<UnitId>, usize, f64) {
    let new: Vec<NewBranch> = (1..=count)
        .map(|number| NewBranch {
            level: UnitKind::BRANCH,
            name: format!("Chi bộ {number}"),
            secretary: "Lê Văn An".to_owned(),
        })
        .collect();
    let begun = Instant::now();
    let (mut units, mut characters) = (Vec::new(), 0);
    for some in new.chunks(AT_ONCE) {
        for branch in device.found_branches(some, NOW).expect("branches") {
            characters += branch.packs.iter().map(|(text, _)| text.len()).sum::<usize>();
            units.push(branch.unit);
        }
    }
    (units, characters, begun.elapsed().as_secs_f64())
}

fn main() {
    let count: usize = std::env::args()
        .nth(1)
        .map_or(4000, |text| text.parse().expect("a number of branches"));
    let keys: [RootKey; 3] = std::array::from_fn(|n| RootKey::generate(&mut *rng(n as u64)));
    let mut in_memory = province(MemoryStore::new(DatabaseId([1; 16])), &keys);
    let (_, _, memory) = found(&mut in_memory, count);
    drop(in_memory);

    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("province.db");
    let store = SqliteStore::open(&path, &Options::default()).expect("a database");
    let mut device = province(store, &keys);
    let (units, characters, seconds) = found(&mut device, count);
    println!(
        "{count} branches, {} packs of {} characters: {seconds:.1} s on disk, {memory:.1} s in memory",
        2 * count,
        characters / (2 * count)
    );

    let other = Device::create(MemoryStore::new(DatabaseId([2; 16])), "Đảng ủy", rng(9)).expect("a profile");
    let card = CommitteeCard {
        unit: UnitId::from_bytes([7; 32]),
        name: "Đảng ủy xã B".to_owned(),
        phones: vec![other.keys().public()],
    };
    let begun = Instant::now();
    let mut paper = device.draft_move(&units, &card, NOW).expect("a paper");
    let drafted = begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    keys[1..]
        .iter()
        .for_each(|key| paper.sign(key).expect("a signature"));
    let signed = begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    let total = paper.entries.len();
    for from in (0..total).step_by(AT_ONCE) {
        device
            .carry_root(&paper, from..total.min(from + AT_ONCE))
            .expect("carried");
    }
    println!(
        "moving them: {total} acts, paper of {} bytes; drafted in {drafted:.1} s, signed twice in {signed:.1} s, carried in {:.1} s",
        paper.to_text().len(),
        begun.elapsed().as_secs_f64()
    );
    let begun = Instant::now();
    let again = Device::open(device.into_store(), rng(3)).expect("the profile");
    println!(
        "opened again with {} branches in {:.1} s",
        again.branches().len(),
        begun.elapsed().as_secs_f64()
    );
}
