//! Dropping envelopes, and reading what arrived with what was dropped.

use std::collections::BTreeSet;

use sotay_feed::{DeviceId, SpaceId};
use sotay_store::rules::{LogFiller, contradiction, int, proven};
use sotay_store::{Arrival, Budget, Dropped, Log, Logged, Store, StoreError, Stored};

use crate::note::{self, Item};
use crate::read::{self, unsigned};
use crate::store::PostgresStore;

/// Under the lock of the space, so that nobody takes what is dropped for a tip and its bytes are counted right.
pub(crate) fn drop_envelopes(
    store: &mut PostgresStore,
    space: &SpaceId,
    places: &[(DeviceId, u64)],
) -> Result<Dropped, StoreError> {
    if places.is_empty() {
        return Ok(Dropped::default());
    }
    store.release()?;
    let dropped = attempt(store, space, places);
    if dropped.is_err() {
        // Fails only with the connection, and the transaction with it.
        store.release().unwrap_or(());
    }
    store.view.borrow_mut().doubt(space);
    dropped
}

fn attempt(
    store: &PostgresStore,
    space: &SpaceId,
    places: &[(DeviceId, u64)],
) -> Result<Dropped, StoreError> {
    let locked = store.lock(&BTreeSet::from([*space]), &[], true)?;
    let key = &space.as_bytes()[..];
    let devices: Vec<&[u8]> = places.iter().map(|(device, _)| &device.as_bytes()[..]).collect();
    let numbers: Vec<i64> = places
        .iter()
        .map(|(_, seq)| i64::try_from(*seq).unwrap_or(i64::MAX))
        .collect();
    let rows = store.run(async |client, sql| client.query(&sql.gone, &[&key, &devices, &numbers]).await)?;
    let mut dropped = Dropped::default();
    let mut arrivals = BTreeSet::new();
    for row in rows {
        // A place that was named twice is one.
        if arrivals.insert(row.get::<_, i64>(0)) {
            dropped += Dropped {
                envelopes: 1,
                bytes: unsigned(i64::from(row.get::<_, i32>(2)))?,
            };
        }
    }
    if locked.is_empty() || arrivals.is_empty() {
        return store.rollback().map(|()| Dropped::default());
    }
    let arrivals: Vec<i64> = arrivals.into_iter().collect();
    let bytes = int(dropped.bytes);
    let notes = note::write(store.node(), &[Item::Shrunk(*space)]);
    store.run(async |client, sql| {
        tokio::try_join!(
            biased;
            async { client.execute(&sql.drop_envelopes, &[&key, &arrivals]).await },
            async { client.execute(&sql.shrink, &[&key, &bytes]).await },
            async { client.query(&sql.notify, &[&notes]).await },
            client.batch_execute("COMMIT"),
        )
        .map(|_| ())
    })?;
    store.ended();
    Ok(dropped)
}

pub(crate) fn log(
    store: &PostgresStore,
    space: &SpaceId,
    after: u64,
    budget: Budget,
) -> Result<Log, StoreError> {
    let (head, bytes) = store.known(space, |known| (known.head.number, known.bytes))?;
    let start = (after == 0).then_some([0; 8]);
    if after > head || head == 0 {
        return Ok(LogFiller::new(budget, start).finish());
    }
    let limit = read::rows(budget, head, bytes, 1);
    let mut filler: Option<LogFiller> = None;
    let (mut at, mut before) = (after, [0; 8]);
    loop {
        // From the one before, for its chain.
        let (from, upto, key) = (int(at.max(1)), int(head), &space.as_bytes()[..]);
        let rows =
            store.run(async |client, sql| client.query(&sql.range, &[&key, &from, &upto, &limit]).await)?;
        let mut expected = at.max(1);
        for row in &rows {
            let (number, this) = (unsigned(row.get(0))?, read::chain(row.get(1))?);
            if number != expected {
                return Err(contradiction("an envelope is missing"));
            }
            expected += 1;
            if number > at {
                let filler = filler.get_or_insert_with(|| LogFiller::new(budget, Some(before)));
                let bytes: &[u8] = row.get(2);
                let stored = match bytes.is_empty() {
                    true => None,
                    false => Some(Stored::new(number, &proven(before, number, this, bytes)?)),
                };
                let arrival = Arrival { number, chain: this };
                if !filler.offer(Logged { arrival, stored }) {
                    return Ok(std::mem::replace(filler, LogFiller::new(budget, None)).finish());
                }
            }
            before = this;
        }
        let reached = expected - 1;
        if reached >= head {
            return Ok(filler
                .unwrap_or_else(|| LogFiller::new(budget, Some(before)))
                .finish());
        }
        if reached <= at {
            return Err(contradiction("an envelope is missing"));
        }
        at = reached;
    }
}
