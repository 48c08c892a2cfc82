//! What a screen costs: the view of the full meeting of scenario 1 after a change, and again without one; in memory, on a
//! plain database, and on one with a key.
//!
//! `cargo run --release -p sotay-tests --example bench_view`

use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;
use sotay_engine::Device;
use sotay_engine::handbook::meeting::Command;
use sotay_store::{DatabaseId, KEY_BYTES, Key, MemoryStore, Options, SqliteStore, Store};
use sotay_tests::branch::{Branch, P1, P2};

const ROUNDS: u32 = 200;

fn main() {
    println!("in memory");
    measure([1, 2, 3].map(|number| MemoryStore::new(DatabaseId([number; 16]))));
    for (name, key) in [
        ("plain database", None),
        ("with a key", Some(Key::new([7; KEY_BYTES]))),
    ] {
        println!("{name}");
        let folder = tempfile::TempDir::new().expect("a folder");
        let options = Options {
            key,
            ..Options::default()
        };
        let open = |number: u8| {
            let path = folder.path().join(format!("{number}.db"));
            SqliteStore::open(&path, &options).expect("a database")
        };
        measure([1, 2, 3].map(open));
        let started = Instant::now();
        let device = Device::open(open(1), Box::new(StdRng::seed_from_u64(9))).expect("a profile");
        println!(
            "opening the profile       {:8.0} µs",
            started.elapsed().as_secs_f64() * 1e6
        );
        drop(device);
    }
}

fn measure<S: Store>(stores: [S; 3]) {
    let mut branch = Branch::found(stores, 1);
    let doc = branch.begin(P1);
    branch.begin(P2);
    branch.on(P1, doc, 0, Command::Open);
    branch.take_attendance(doc);
    let speech =
        "Đồng chí nhất trí với dự thảo, đề nghị xã cấp thêm vật liệu để làm xong trước mùa mưa. ".repeat(3);
    for speaker in 1..=12 {
        branch.speak(P1, doc, speaker, &speech);
    }
    for number in 0..4 {
        branch.conclude(
            P1,
            doc,
            "Sửa đường trục thôn",
            Some("2025-05-20"),
            &[2, 3 + number],
        );
    }

    let (mut edit, mut first, mut again) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for round in 0..ROUNDS {
        let started = Instant::now();
        let place = format!("Nhà văn hóa thôn An Lạc, phòng {round}");
        branch.on(P1, doc, 90, Command::SetPlace(place.as_str().into()));
        let edited = Instant::now();
        let view = branch.phones[P1].meeting_view(doc).expect("a view");
        let viewed = Instant::now();
        assert_eq!(
            view.place.value.as_ref().map(|place| place.as_str()),
            Some(place.as_str())
        );
        branch.phones[P1].meeting_view(doc).expect("a view");
        edit += edited - started;
        first += viewed - edited;
        again += viewed.elapsed();
    }
    let each = |total: Duration| total.as_secs_f64() * 1e6 / f64::from(ROUNDS);
    println!("one change, durable      {:8.0} µs", each(edit));
    println!("view and review after it {:8.0} µs", each(first));
    println!("view again, unchanged    {:8.0} µs", each(again));
    println!("after : again            {:8.1} : 1", each(first) / each(again));
}
