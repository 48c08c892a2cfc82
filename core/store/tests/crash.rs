//! Killed in the middle of anything: what was reported committed is there, whole, and nothing half.
//!
//! `SIGKILL` ends the process, not the machine: what the operating system had taken is kept. The cut and damaged logs of
//! the second half stand for power loss: writes that never reached the disk, or arrived torn.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sotay_store::conformance::{Author, record, space};
use sotay_store::{Arrival, Batch, Bucket, Options, SqliteStore, Store};
use tempfile::TempDir;

const WRITER: &str = "SOTAY_STORE_TEST_WRITER";
/// How often the writer commits before it waits for its end.
const COMMITS: &str = "SOTAY_STORE_TEST_COMMITS";
const ROUNDS: usize = 160;
const TIME: Duration = Duration::from_secs(15);

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, &Options::default()).unwrap()
}

/// Commits until it is killed; after each commit one line with the arrival it was told. The record of a batch names the head that
/// the batch leads to.
fn write_until_killed(path: &Path) {
    let mut store = open(path);
    let space = space(1);
    let device = Author::new(1, space).id();
    let mut author = Author::continuing(1, space, store.tip(&space, device).unwrap());
    let mut number = store.head(&space).unwrap().number;
    let rounds = std::env::var(COMMITS).map_or(usize::MAX, |text| text.parse().unwrap());
    for round in 0..rounds {
        let count = 1 + round % 7;
        number += count as u64;
        let body = vec![b'.'; 37 * (round % 211)];
        let batch = Batch {
            envelopes: (0..count).map(|_| author.write(&body)).collect(),
            puts: vec![
                record(Bucket::Applied, b"head", Some(&number.to_be_bytes())),
                record(Bucket::Tail, &[round as u8], (round % 3 > 0).then_some(&body)),
            ],
            ..Batch::default()
        };
        store.commit(batch).unwrap();
        let Arrival { number, chain } = store.head(&space).unwrap();
        println!("\ncommitted {number} {} .", u64::from_be_bytes(chain));
        std::io::stdout().flush().unwrap();
    }
    loop {
        std::thread::park();
    }
}

/// Lets a child write until it has reported `commits` times, kills it, and returns the last arrival it reported.
fn write_and_kill(path: &Path, commits: usize, at_most: usize) -> Option<Arrival> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "everything_reported_committed_survives_a_kill_at_any_moment",
            "--nocapture",
        ])
        .env(WRITER, path)
        .env(COMMITS, at_most.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let mut reports = lines.filter_map(|line| reported(&line));
    let mut last = reports.by_ref().take(commits).last();
    child.kill().unwrap();
    // What it wrote before it died is still in the pipe.
    last = reports.last().or(last);
    child.wait().unwrap();
    last
}

fn reported(line: &str) -> Option<Arrival> {
    // The full stop tells a whole line from one that the kill cut.
    let (number, chain) = line
        .strip_prefix("committed ")?
        .strip_suffix(" .")?
        .split_once(' ')?;
    let chain: u64 = chain.parse().ok()?;
    Some(Arrival {
        number: number.parse().ok()?,
        chain: chain.to_be_bytes(),
    })
}

/// Head and record of the last whole batch; they must agree.
fn head_of_whole_batches(store: &SqliteStore) -> u64 {
    let head = store.head(&space(1)).unwrap().number;
    let recorded = store.get(Bucket::Applied, b"head").unwrap();
    let recorded = recorded.map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().unwrap()));
    assert_eq!(head, recorded, "half a batch");
    head
}

#[test]
fn everything_reported_committed_survives_a_kill_at_any_moment() {
    if let Some(path) = std::env::var_os(WRITER) {
        return write_until_killed(Path::new(&path));
    }
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let (started, mut rounds, mut reports) = (Instant::now(), 0, 0);
    while rounds < ROUNDS && started.elapsed() < TIME {
        // From none (killed while opening, or making the file) to enough to pass a checkpoint.
        let commits = [0, 1, 2, 5, 12, 30, 80, 3][rounds % 8];
        let last = write_and_kill(&path, commits, usize::MAX);
        let store = open(&path);
        let head = head_of_whole_batches(&store);
        if let Some(last) = last {
            assert!(head >= last.number, "reported {} of {head}", last.number);
            assert!(
                store.passed(&space(1), last).unwrap(),
                "another history than reported"
            );
            reports += 1;
        }
        assert_eq!(store.full_check().unwrap().envelopes, head);
        rounds += 1;
    }
    assert!(
        rounds >= 8 && reports >= rounds / 2,
        "{reports} reports in {rounds} rounds"
    );
}

struct Disk {
    folder: TempDir,
    database: Vec<u8>,
    log: Vec<u8>,
}

impl Disk {
    /// Database and log as a killed writer left them.
    fn after_a_kill() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("killed.db");
        write_and_kill(&path, 60, 60).expect("sixty reports");
        let database = fs::read(&path).unwrap();
        let log = fs::read(log_of(&path)).unwrap();
        Self {
            folder,
            database,
            log,
        }
    }

    /// Head of the copy that has this log.
    fn head_with(&self, log: &[u8]) -> u64 {
        let path = self.folder.path().join("copy.db");
        fs::write(&path, &self.database).unwrap();
        fs::write(log_of(&path), log).unwrap();
        let store = open(&path);
        let head = head_of_whole_batches(&store);
        assert_eq!(store.full_check().unwrap().envelopes, head);
        head
    }
}

fn log_of(path: &Path) -> PathBuf {
    path.with_extension("db-wal")
}

#[test]
fn a_log_cut_at_any_byte_opens_to_an_earlier_commit() {
    let disk = Disk::after_a_kill();
    let mut heads: Vec<u64> = (0..=40)
        .map(|n| disk.log.len() * n / 40 - (n % 3) * usize::from(n > 0))
        .map(|len| disk.head_with(&disk.log[..len]))
        .collect();
    let all = disk.head_with(&disk.log);
    assert!(
        heads.is_sorted() && heads.iter().all(|&head| head <= all),
        "{heads:?} of {all}"
    );
    heads.dedup();
    assert!(heads.len() > 10, "the cuts fell into few commits: {heads:?}");
}

#[test]
fn a_torn_write_in_the_log_opens_to_the_commit_before_it() {
    let disk = Disk::after_a_kill();
    let all = disk.head_with(&disk.log);
    let mut lost = 0;
    for n in 0..20 {
        let mut torn = disk.log.clone();
        let at = torn.len() * n / 20 + 100;
        let end = (at + 512).min(torn.len());
        torn[at..end].fill(0xff);
        let head = disk.head_with(&torn);
        assert!(head <= all);
        lost += u32::from(head < all);
    }
    assert!(lost > 10, "the log was hardly read");
}
