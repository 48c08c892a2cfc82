//! Verified, durable envelopes a second: what a shard does with what phones hand over, without the phones and their
//! network. Signature, right, chain and quota of each envelope, commits in groups as large as a round brings.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use sotay_feed::{Envelope, Space};
use sotay_store::{Budget, Store};
use sotay_sync::{Admitted, Group, Offer, Policy, Replica, Role};

use super::phone::unit;
use super::{Place, spread};
use crate::cli::Bench;
use crate::database::Database;
use crate::error::RunError;
use crate::health::Health;
use crate::limits::Limits;
use crate::metered::Metered;
use crate::metrics::Metrics;
use crate::quota::Shared;
use crate::shard::now_ms;

/// Envelopes of one frame: what a phone sends of an evening.
const FRAME: usize = 10;
/// Bytes after which a commit is due, and frames: those of a shard's round.
const ROUND_BYTES: usize = 2 * 1024 * 1024;
const ROUND_FRAMES: usize = 128;

/// Blocks: must run outside the runtime.
pub(super) fn durable(args: &Bench, place: &Place) -> Result<Map<String, Value>, RunError> {
    let (mut frames, mut rolls) = (Vec::new(), Vec::new());
    for _ in 0..args.units {
        let mut phones = unit(args.phones)?;
        rolls.push((phones[0].roll, all(&phones[0].replica, &phones[0].roll)?));
        for phone in &mut phones {
            phone.write(args.changes, args.bytes)?;
            let written = all(&phone.replica, &phone.main)?;
            let device = phone.keys.id();
            for frame in written.chunks(FRAME) {
                frames.push((phone.main, device, frame.to_vec()));
            }
        }
    }
    // As they come of an evening: first the first frame of each phone, then the second.
    let each = args.changes.div_ceil(FRAME);
    let order = |n: usize| (n % each, n / each);
    let mut numbered: Vec<_> = frames.into_iter().enumerate().collect();
    numbered.sort_by_key(|(n, _)| order(*n));
    let store = match place.target()? {
        Some(target) => Database::server(&target, None, None)?.into_store(),
        None => {
            let path = place.path().join("durable.sqlite");
            Box::new(sotay_store::SqliteStore::open(
                &path,
                &crate::database::file_options(),
            )?)
        }
    };
    let metrics = Arc::new(Metrics::new(place.path().join("durable.sqlite")));
    let store = Group::new(Metered::new(store, metrics, Arc::new(Health::starting())));
    let mut replica = Replica::open(store, Role::Relay, Policy::Any)?;
    let limits = Limits {
        envelopes_at_once: u32::MAX,
        bytes_per_day: u64::MAX,
        space_bytes: u64::MAX,
        new_devices_per_day: u32::MAX,
        ..Limits::default()
    };
    replica.set_gate(Box::new(Shared::new(limits)));
    for (roll, records) in rolls {
        replica.admit(&roll, records, Vec::new())?;
    }
    replica.flush()?;
    let (start, mut commits, mut times, mut stored) = (Instant::now(), 0u64, Vec::new(), 0u64);
    let mut waiting = (0, 0);
    let last = numbered.len();
    for (number, (_, (space, from, envelopes))) in numbered.into_iter().enumerate() {
        waiting.0 += 1;
        waiting.1 += envelopes
            .iter()
            .map(|envelope| envelope.bytes().len())
            .sum::<usize>();
        let offer = Offer { from, now: now_ms() };
        let answers = replica.admit_from(&space, envelopes, Some(offer), |_| Vec::new())?;
        stored += answers
            .iter()
            .filter(|answer| matches!(answer, Admitted::Stored(_)))
            .count() as u64;
        if waiting.0 >= ROUND_FRAMES || waiting.1 >= ROUND_BYTES || number + 1 == last {
            let begun = Instant::now();
            replica.flush()?;
            times.push(begun.elapsed());
            commits += 1;
            waiting = (0, 0);
        }
    }
    let took = start.elapsed();
    let per_second = stored as f64 / took.as_secs_f64();
    let flushed: Duration = times.iter().sum();
    let mut measured = Map::from_iter([
        ("store".to_owned(), json!(args.store)),
        ("units".to_owned(), json!(args.units)),
        ("phones".to_owned(), json!(args.units * args.phones)),
        ("envelopes stored".to_owned(), json!(stored)),
        ("envelopes in a commit".to_owned(), json!(stored / commits.max(1))),
        ("durable a second".to_owned(), json!(per_second.round())),
        (
            "share of the time in commits".to_owned(),
            json!((flushed.as_secs_f64() / took.as_secs_f64() * 100.0).round() / 100.0),
        ),
    ]);
    measured.extend(spread("commit", times));
    Ok(measured)
}

/// What a replica holds of a space.
pub(super) fn all<S: Store>(replica: &Replica<S>, space: &Space) -> Result<Vec<Envelope>, RunError> {
    let everything = Budget {
        count: usize::MAX,
        bytes: usize::MAX,
    };
    let page = replica.store().since(&space.id(), 0, everything)?;
    let decoded = page
        .envelopes
        .iter()
        .map(|stored| Envelope::decode(&stored.bytes));
    decoded.collect::<Result<_, _>>().map_err(|_| RunError::Stopped)
}
