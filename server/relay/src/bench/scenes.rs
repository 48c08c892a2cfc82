//! The scenes of an evening.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use sotay_net::RelayAddress;
use tokio::task::JoinSet;

use super::child::{Relay, Used};
use super::phone::{Failed, Live, Phone, unit};
use super::{Place, spread};
use crate::cli::Bench;
use crate::error::RunError;

/// Phones that connect at the same time while a scene is prepared.
pub(super) const PREPARED_AT_ONCE: usize = 64;
/// How long idle phones are left alone before memory is read.
const IDLE_REST: Duration = Duration::from_secs(3);

pub(super) type Measured = Map<String, Value>;

struct Town {
    relay: Relay,
    units: Vec<Vec<Phone>>,
}

impl Town {
    /// Units whose phones all know their roll and have synced once.
    async fn build(args: &Bench, place: &Place) -> Result<Self, RunError> {
        let relay = Relay::start(place)?;
        let mut units = Vec::new();
        for _ in 0..args.units {
            let mut phones = unit(args.phones)?;
            phones[0]
                .persist(&relay.address, false)
                .await
                .map_err(|Failed| RunError::Stopped)?;
            let members = phones.split_off(1);
            let synced = all(members, &relay.address, Duration::ZERO, PREPARED_AT_ONCE).await;
            phones.extend(synced.phones);
            units.push(phones);
        }
        Ok(Self { relay, units })
    }

    fn take_phones(&mut self) -> Vec<Phone> {
        self.units.drain(..).flatten().collect()
    }
}

/// What became of many phones that synced.
pub(super) struct Synced {
    pub phones: Vec<Phone>,
    times: Vec<Duration>,
    failed: u64,
    refused: u64,
    open: Vec<Live>,
}

/// Every phone syncs once, starting evenly within `over`, so many at once.
pub(super) async fn all(phones: Vec<Phone>, relay: &RelayAddress, over: Duration, at_once: usize) -> Synced {
    sync_all(phones, relay, over, at_once, false).await
}

async fn sync_all(
    phones: Vec<Phone>,
    relay: &RelayAddress,
    over: Duration,
    at_once: usize,
    live: bool,
) -> Synced {
    let gate = Arc::new(tokio::sync::Semaphore::new(at_once));
    let count = phones.len().max(1) as u32;
    let mut tasks = JoinSet::new();
    for (number, mut phone) in (0u32..).zip(phones) {
        let (gate, relay) = (gate.clone(), relay.clone());
        tasks.spawn(async move {
            tokio::time::sleep(over * number / count).await;
            let _place = gate.acquire().await;
            let result = phone.persist(&relay, live).await;
            (phone, result)
        });
    }
    let mut synced = Synced {
        phones: Vec::new(),
        times: Vec::new(),
        failed: 0,
        refused: 0,
        open: Vec::new(),
    };
    while let Some(done) = tasks.join_next().await {
        // A phone that panicked is a defect of the bench, and counts as failed.
        let Ok((mut phone, result)) = done else {
            synced.failed += 1;
            continue;
        };
        synced.refused += std::mem::take(&mut phone.refused);
        match result {
            Ok((time, open)) => {
                synced.times.push(time);
                synced.open.extend(open);
            }
            Err(Failed) => synced.failed += 1,
        }
        synced.phones.push(phone);
    }
    synced
}

fn write_all(phones: &mut [Phone], args: &Bench) -> Result<(), RunError> {
    phones
        .iter_mut()
        .try_for_each(|phone| phone.write(args.changes, args.bytes))
}

const TURNED_AWAY: [&str; 2] = [
    "handshakes_total{outcome=\"refused\"}",
    "handshakes_total{outcome=\"full\"}",
];
pub(super) const REFUSED: &str = "envelopes_refused_total";
pub(super) const STORED: &str = "envelopes_committed_total{outcome=\"stored\"}";

fn summary(relay: &Relay, name: &str, synced: Synced, took: Duration, before: (Used, f64, f64)) -> Measured {
    let (used, stored, commits) = before;
    let now = relay.used();
    let envelopes = relay.metric(STORED) - stored;
    let commits = relay.metric("commit_seconds_count") - commits;
    let mut measured = Map::from_iter([
        ("phones".to_owned(), json!(synced.phones.len())),
        ("seconds".to_owned(), round(took.as_secs_f64())),
        ("failed".to_owned(), json!(synced.failed)),
        ("refused attempts".to_owned(), json!(synced.refused)),
        (
            "handshakes the relay turned away".to_owned(),
            json!(TURNED_AWAY.iter().map(|name| relay.metric(name)).sum::<f64>()),
        ),
        ("envelopes refused".to_owned(), json!(relay.metrics(REFUSED))),
        ("envelopes stored".to_owned(), json!(envelopes)),
        (
            "durable envelopes per second".to_owned(),
            round(envelopes / took.as_secs_f64()),
        ),
        (
            "envelopes per commit".to_owned(),
            round(envelopes / commits.max(1.0)),
        ),
        (
            "relay cpu seconds".to_owned(),
            round((now.cpu - used.cpu).as_secs_f64()),
        ),
        ("relay memory MiB".to_owned(), json!(now.memory_bytes >> 20)),
    ]);
    measured.extend(spread(name, synced.times));
    measured
}

fn before(relay: &Relay) -> (Used, f64, f64) {
    (
        relay.used(),
        relay.metric(STORED),
        relay.metric("commit_seconds_count"),
    )
}

pub(super) fn round(value: f64) -> Value {
    json!((value * 10.0).round() / 10.0)
}

/// All these phones sync, starting evenly within `over`; how it went, under this name.
async fn measured(town: &Town, name: &str, phones: Vec<Phone>, over: Duration) -> Measured {
    let before = before(&town.relay);
    let start = Instant::now();
    let synced = all(phones, &town.relay.address, over, usize::MAX >> 4).await;
    summary(&town.relay, name, synced, start.elapsed(), before)
}

/// Every phone comes with the changes of a meeting, within `--over` seconds.
pub(super) async fn peak(args: &Bench, place: &Place) -> Result<Measured, RunError> {
    let mut town = Town::build(args, place).await?;
    let mut phones = town.take_phones();
    write_all(&mut phones, args)?;
    Ok(measured(&town, "sync", phones, Duration::from_secs(args.over)).await)
}

/// After an outage all come at once, with nothing new.
pub(super) async fn reconnect(args: &Bench, place: &Place) -> Result<Measured, RunError> {
    let mut town = Town::build(args, place).await?;
    let phones = town.take_phones();
    // What the first phones missed of the later ones' arrival.
    let synced = all(phones, &town.relay.address, Duration::ZERO, PREPARED_AT_ONCE).await;
    Ok(measured(&town, "sync", synced.phones, Duration::from_secs(args.over)).await)
}

/// All phones are looked at and nothing happens: what one costs.
pub(super) async fn idle(args: &Bench, place: &Place) -> Result<Measured, RunError> {
    let mut town = Town::build(args, place).await?;
    let phones = town.take_phones();
    let empty = town.relay.used();
    let synced = sync_all(
        phones,
        &town.relay.address,
        Duration::ZERO,
        PREPARED_AT_ONCE,
        true,
    )
    .await;
    tokio::time::sleep(IDLE_REST).await;
    let full = town.relay.used();
    tokio::time::sleep(IDLE_REST).await;
    let later = town.relay.used();
    let open = synced.open.len().max(1) as u64;
    let grown = full.memory_bytes.saturating_sub(empty.memory_bytes);
    Ok(Map::from_iter([
        ("sessions".to_owned(), json!(town.relay.metric("sessions"))),
        ("failed".to_owned(), json!(synced.failed)),
        (
            "memory without sessions MiB".to_owned(),
            json!(empty.memory_bytes >> 20),
        ),
        (
            "memory with sessions MiB".to_owned(),
            json!(full.memory_bytes >> 20),
        ),
        (
            "KiB per idle phone".to_owned(),
            round(grown as f64 / 1024.0 / open as f64),
        ),
        (
            "idle cpu percent".to_owned(),
            round((later.cpu - full.cpu).as_secs_f64() / IDLE_REST.as_secs_f64() * 100.0),
        ),
    ]))
}

/// Half of the phones stay and read nothing while the other half syncs: the relay's memory, and the others' times.
pub(super) async fn slow(args: &Bench, place: &Place) -> Result<Measured, RunError> {
    let mut town = Town::build(args, place).await?;
    let (mut slow, mut quick) = (Vec::new(), Vec::new());
    for (number, phone) in town.take_phones().into_iter().enumerate() {
        if number % 2 == 0 {
            slow.push(phone)
        } else {
            quick.push(phone)
        }
    }
    let asleep = sync_all(slow, &town.relay.address, Duration::ZERO, PREPARED_AT_ONCE, true).await;
    write_all(&mut quick, args)?;
    let memory = town.relay.used().memory_bytes;
    let mut measured = measured(&town, "sync beside slow readers", quick, Duration::ZERO).await;
    measured.insert("slow readers".to_owned(), json!(asleep.open.len()));
    measured.insert("relay memory before MiB".to_owned(), json!(memory >> 20));
    Ok(measured)
}
