//! Search within the memory of a cheap phone: building an index of 5,000 sections, searching and answering take at most
//! 64 MB of data (heap and anonymous mappings), which the kernel enforces on a process of its own.
#![cfg(target_os = "linux")]

mod support;

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use sotay_study::search::{DEFAULT_RESULTS, Index};

const SECTIONS: u32 = 5_000;
/// In units of 1,024 bytes, as `ulimit -d` counts.
const LIMIT_KB: usize = 64 * 1024;
const FOLDER: &str = "SOTAY_TEST_INDEX_FOLDER";
const DONE: &str = "searched within the limit";

const QUERIES: [&str; 14] = [
    "chi bộ",
    "dan chu o co so",
    "hòa giải viên",
    "Điều 5",
    "59/2023/NĐ-CP",
    "nghij ddinhj cuar chinhs phur",
    "quyền và nghĩa vụ của công dân trong thực hiện dân chủ",
    "thanh tra nhân d",
    "t",
    "của các và",
    "vănn bảnn đến",
    "10% tổng số hộ gia đình",
    "giá vàng hôm nay",
    "a e o u i",
];

/// Runs the ignored test below with so much memory.
fn limited(kb: usize, folder: &Path) -> Output {
    Command::new("sh")
        .args(["-c", &format!("ulimit -d {kb} && exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().expect("this test"))
        .args([
            "--ignored",
            "--exact",
            "the_limited_process",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(FOLDER, folder)
        .output()
        .expect("a shell")
}

#[test]
fn five_thousand_sections_are_indexed_and_searched_in_64_megabytes() {
    if support::real_texts().is_empty() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let output = limited(LIMIT_KB, folder.path());
    let said = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("  ")).collect();
    println!("{}", lines.join("\n"));
    assert!(output.status.success() && said.contains(DONE), "{output:?}");
}

#[test]
#[ignore = "run by the test above, in a process with a limit"]
fn the_limited_process() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    // Without this the test would pass where the limit is not kept.
    let mut too_much: Vec<u8> = Vec::new();
    let refused = too_much.try_reserve_exact(LIMIT_KB * 1024).is_err();
    assert!(refused, "the limit is none");
    let path = Path::new(&folder).join("index.db");
    let started = Instant::now();
    let mut index = Index::open(&path).expect("an index");
    let texts = support::real_texts();
    let mut round = 0u16;
    while index.section_count() < SECTIONS {
        for (_, imported) in &texts {
            let mut copy = imported.document.clone();
            copy.alias = None;
            copy.code = format!("{}-{}", 100 + round, copy.code);
            copy.date.year = 2000 + round % 25;
            index.add([&copy]).expect("a document within limits");
        }
        round += 1;
    }
    println!(
        "  {} sections, built in {:.2?}",
        index.section_count(),
        started.elapsed()
    );
    drop(index);
    drop(texts);

    let index = Index::open(&path).expect("the index");
    let mut times: Vec<Duration> = Vec::new();
    for _ in 0..5 {
        for query in QUERIES {
            let started = Instant::now();
            let found = index
                .search(query, DEFAULT_RESULTS)
                .expect("a query within limits");
            times.push(started.elapsed());
            assert!(found.hits.len() <= DEFAULT_RESULTS);
        }
    }
    for query in QUERIES {
        index.ask(query).expect("a question within limits");
    }
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!(
        "  search p50 {:.2?}, p99 {:.2?} (build profile of the tests)",
        at(0.5),
        at(0.99)
    );
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    for line in status
        .lines()
        .filter(|line| line.starts_with("VmHWM") || line.starts_with("VmData"))
    {
        println!("  {}", line.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    println!("  {DONE}");
}
