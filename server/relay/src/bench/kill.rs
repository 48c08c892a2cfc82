//! `kill -9` in a loop under load: every envelope that was acknowledged to a phone must be there afterwards.

use std::time::Duration;

use serde_json::{Map, Value, json};
use sotay_feed::{Draft, Frontier, Kind};
use sotay_store::{Batch, Store};
use sotay_sync::{Policy, Replica, Role};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::child::Relay;
use super::phone::{Failed, Phone, unit};
use super::{Place, spread};
use crate::cli::Bench;
use crate::error::RunError;

/// Units, and phones of each, that push while the relay is killed.
const UNITS: usize = 3;
const PHONES: usize = 4;
/// Envelopes and their bytes that a phone pushes at a time.
const BURST: (usize, usize) = (15, 600);
/// The kill comes at a moment between these two.
const KILL_AFTER_MS: std::ops::Range<u64> = 50..450;
/// Phones that have written what the relay holds already, bytes of one of their envelopes, and envelopes in a commit.
const FILLERS: usize = 30;
const FILL_BYTES: usize = 20_000;
const FILL_COMMIT: usize = 100;

pub(super) async fn kill(args: &Bench, place: &Place) -> Result<Map<String, Value>, RunError> {
    let mut units = Vec::new();
    let mut relay = Relay::start(place)?;
    if args.fill > 0 {
        relay.kill()?;
        place.with_database(|place| fill(place, args.fill << 20)).await?;
        relay = Relay::start(place)?;
    }
    for _ in 0..UNITS {
        let mut phones = unit(PHONES)?;
        for phone in &mut phones {
            phone
                .persist(&relay.address, false)
                .await
                .map_err(|Failed| RunError::Stopped)?;
        }
        let reader = phones[0].reader()?;
        units.push((phones, reader));
    }
    let (mut running, mut lost, mut interrupted) = (relay, 0, 0);
    let mut recovery = Vec::new();
    for _ in 0..args.rounds {
        let (told, gone) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for (number, phone) in units
            .iter_mut()
            .enumerate()
            .flat_map(|(number, (phones, _))| phones.drain(..).map(move |phone| (number, phone)))
        {
            let (address, gone) = (running.address.clone(), gone.clone());
            tasks.spawn(async move { (number, load(phone, address, gone).await) });
        }
        let span = KILL_AFTER_MS.end - KILL_AFTER_MS.start;
        let moment = KILL_AFTER_MS.start + getrandom::u64().unwrap_or(0) % span;
        tokio::time::sleep(Duration::from_millis(moment)).await;
        running.kill()?;
        drop(told);
        running = Relay::start(place)?;
        recovery.push(running.started_in);
        let mut held = vec![Frontier::new(); UNITS];
        for (number, (_, reader)) in units.iter_mut().enumerate() {
            reader
                .persist(&running.address, false)
                .await
                .map_err(|Failed| RunError::Stopped)?;
            held[number] = reader.replica.store().frontier(&reader.main.id())?;
        }
        while let Some(done) = tasks.join_next().await {
            let (number, phone) = done.map_err(|_| RunError::Stopped)?;
            let device = phone.keys.id();
            let acked = phone.acked.get(device);
            lost += acked.saturating_sub(held[number].get(device));
            let written = phone.replica.store().frontier(&phone.main.id())?.get(device);
            interrupted += u64::from(written > acked);
            units[number].0.push(phone);
        }
    }
    let mut acked = 0;
    for (phones, _) in &mut units {
        for phone in phones {
            phone
                .persist(&running.address, false)
                .await
                .map_err(|Failed| RunError::Stopped)?;
            acked += phone.acked.get(phone.keys.id());
        }
    }
    running.kill()?;
    let checked = place.with_database(Place::check).await?;
    let mut measured = Map::from_iter([
        ("store".to_owned(), json!(args.store)),
        ("MiB held before".to_owned(), json!(args.fill)),
        ("kills".to_owned(), json!(args.rounds)),
        ("lost".to_owned(), json!(lost)),
        ("acknowledged".to_owned(), json!(acked)),
        ("pushes interrupted".to_owned(), json!(interrupted)),
        (
            "envelopes verified at the end".to_owned(),
            json!(checked.envelopes),
        ),
    ]);
    measured.extend(spread("recovery", recovery));
    Ok(measured)
}

/// Records of an older time: what a relay holds has no influence on how soon it serves again, or it has.
fn fill(place: &Place, bytes: u64) -> Result<(), RunError> {
    let mut phones = unit(FILLERS)?;
    let mut replica = Replica::open(place.database()?.into_store(), Role::Relay, Policy::Any)?;
    let (roll, main) = (phones[0].roll, phones[0].main);
    let records = super::durable::all(&phones[0].replica, &roll)?;
    replica.admit(&roll, records, Vec::new())?;
    let (id, mut written, mut body) = (main.id(), 0, vec![0; FILL_BYTES]);
    let mut tips = vec![None; phones.len()];
    let writers = 1..phones.len();
    for number in writers.cycle() {
        if written >= bytes {
            break;
        }
        let (keys, mut envelopes) = (&phones[number].keys, Vec::new());
        for _ in 0..FILL_COMMIT {
            getrandom::fill(&mut body).map_err(super::phone::no_randomness)?;
            let draft = Draft::next(keys, Kind::CHANGE, &id, tips[number]);
            let envelope = draft.sign(keys, &id, &body).map_err(|_| RunError::Stopped)?;
            tips[number] = Some(envelope.tip());
            written += envelope.bytes().len() as u64;
            envelopes.push(envelope);
        }
        if written <= (FILL_COMMIT * (FILL_BYTES + 1000)) as u64 {
            // The first makes the space known.
            let first = envelopes.iter().map(|envelope| (**envelope).clone()).collect();
            replica.admit(&main, first, Vec::new())?;
        } else {
            let puts = Vec::new();
            replica.store_mut().commit(Batch {
                envelopes,
                puts,
                ..Batch::default()
            })?;
        }
    }
    phones.clear();
    Ok(())
}

/// Pushes until told that the relay is gone: the new process has another port, so nobody else says so soon.
async fn load(mut phone: Phone, address: sotay_net::RelayAddress, mut gone: watch::Receiver<bool>) -> Phone {
    tokio::select! {
        // A dropped sender means the same.
        _ = gone.changed() => {}
        () = push(&mut phone, &address) => {}
    }
    phone
}

async fn push(phone: &mut Phone, address: &sotay_net::RelayAddress) {
    let Ok((_, Some(mut open))) = phone.persist(address, true).await else {
        return;
    };
    let (changes, bytes) = BURST;
    while phone.write(changes, bytes).is_ok() && phone.push(&mut open).await.is_ok() {}
}
