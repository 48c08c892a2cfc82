//! `kill -9` in a loop under load: every envelope that was acknowledged to a phone must be there afterwards.

use std::time::Duration;

use serde_json::{Map, Value, json};
use sotay_feed::Frontier;
use sotay_store::Store;
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

pub(super) async fn kill(args: &Bench, place: &Place) -> Result<Map<String, Value>, RunError> {
    let mut units = Vec::new();
    let relay = Relay::start(place)?;
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
    // Outside the runtime, as the database wants it.
    let checked = tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            scope
                .spawn(|| place.check())
                .join()
                .map_err(|_| RunError::Stopped)?
        })
    })?;
    let mut measured = Map::from_iter([
        ("store".to_owned(), json!(args.store)),
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
