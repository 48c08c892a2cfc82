//! What an envelope costs on disk and in time: `cargo run -p sotay-store --example measure [--sealed] [folder]`.

use std::path::PathBuf;
use std::time::Instant;

use sotay_feed::{Envelope, Frontier, Verified};
use sotay_store::conformance::{ALL, Author, commit, space};
use sotay_store::{Batch, Budget, Key, Options, SqliteStore, Store, open_sealed};

const DEVICES: u8 = 40;
const ENVELOPES: usize = 20_000;
/// A short change, sealed and padded: 24 bytes nonce, 256 padded, 16 tag.
const BODY: [u8; 296] = [0xa5; 296];
const SINGLES: usize = 500;
/// As many as a relay looks at in one piece.
const DROPPED_AT_ONCE: usize = 128;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (flags, folders): (Vec<_>, Vec<_>) = std::env::args()
        .skip(1)
        .partition(|argument| argument == "--sealed");
    let options = Options {
        key: (!flags.is_empty()).then(|| Key::new([7; 32])),
        ..Options::default()
    };
    let folder = folders.first().map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = tempfile::TempDir::new_in(folder)?;
    let path = folder.path().join("measure.db");
    let space = space(1);
    let mut authors: Vec<_> = (1..=DEVICES).map(|seed| Author::new(seed, space)).collect();
    // In the uneven turns in which people write.
    let mut turn = 0;
    let mut written = |count: usize| -> Vec<Verified<Envelope>> {
        (0..count)
            .map(|n| {
                turn = (turn * 31 + n + 7) % 997;
                authors[turn % usize::from(DEVICES)].write(&BODY)
            })
            .collect()
    };

    let mut store = SqliteStore::open(&path, &options)?;
    let empty = store.file_bytes()?;
    let batches: Vec<_> = (0..ENVELOPES / 100).map(|_| written(100)).collect();
    let started = Instant::now();
    for batch in batches {
        commit(&mut store, batch);
    }
    rate("commit, 100 at once", ENVELOPES, started);

    let (file, content) = (store.file_bytes()? - empty, store.space_bytes(&space)?);
    let count = ENVELOPES as u64;
    println!(
        "{} bytes each, {} on disk: {} of overhead ({} devices)",
        content / count,
        file / count,
        (file - content) / count,
        DEVICES
    );
    drop(store);
    if options.key.is_none() {
        tables(&path)?;
    }
    let started = Instant::now();
    let mut store = SqliteStore::open(&path, &options)?;

    rate("open", 1, started);
    let singles = written(SINGLES);
    let started = Instant::now();
    for envelope in singles {
        store.commit(Batch {
            envelopes: vec![envelope],
            puts: Vec::new(),
            ..Batch::default()
        })?;
    }
    rate("commit, one at a time", SINGLES, started);

    let page = Budget {
        count: 500,
        bytes: 256 * 1024,
    };
    let started = Instant::now();
    let mut after = 0;
    let mut read = 0;
    loop {
        let page = store.since(&space, after, page)?;
        (after, read) = (page.upto, read + page.envelopes.len());
        if !page.more {
            break;
        }
    }
    rate("since, all in pages", read, started);

    let mut have = Frontier::new();
    for (device, seq) in store.frontier(&space)?.iter() {
        have.raise(device, seq - 2);
    }
    let started = Instant::now();
    let few = (0..100).map(|_| {
        store
            .missing(&space, &have, 0, ALL)
            .map(|page| page.envelopes.len())
    });
    let few: usize = few.sum::<Result<_, _>>()?;
    rate("missing, two of each of 40 feeds", few, started);
    let started = Instant::now();
    let full = store.frontier(&space)?;
    for _ in 0..1000 {
        assert!(store.missing(&space, &full, 0, ALL)?.envelopes.is_empty());
    }
    rate("missing, nothing (calls)", 1000, started);
    let started = Instant::now();
    let checked = store.full_check()?;
    rate("full check", usize::try_from(checked.envelopes)?, started);
    let frontier = store.frontier(&space)?;
    let places: Vec<_> = frontier
        .iter()
        .flat_map(|(device, tip)| (1..tip).map(move |seq| (device, seq)))
        .collect();
    let started = Instant::now();
    for piece in places.chunks(DROPPED_AT_ONCE) {
        store.drop_envelopes(&space, piece)?;
    }
    rate("drop, 128 at once", places.len(), started);
    let compact = path.with_extension("compact");
    store.backup_to(&compact)?;
    let left = SqliteStore::open(&compact, &options)?.file_bytes()? - empty;
    println!(
        "{} bytes each on disk of what was dropped, compacted",
        left / places.len() as u64
    );
    if options.key.is_none() {
        drop(store);
        let key = Some(Key::new([7; 32]));
        let started = Instant::now();
        open_sealed(&path, &Options { key, ..options })?;
        rate("made one with a key", ENVELOPES + SINGLES, started);
    }
    Ok(())
}

fn rate(what: &str, count: usize, started: Instant) {
    let elapsed = started.elapsed();
    println!(
        "{what}: {count} in {elapsed:.1?}, {:.0} a second",
        count as f64 / elapsed.as_secs_f64()
    );
}

/// Bytes of each table and index, from SQLite's own account.
fn tables(path: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
    let conn = rusqlite::Connection::open(path)?;
    let mut statement =
        conn.prepare("SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC LIMIT 3")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, f64>(1)?)))?;
    for row in rows {
        let (name, bytes) = row?;
        println!("  {name}: {:.1} bytes an envelope", bytes / ENVELOPES as f64);
    }
    Ok(())
}
