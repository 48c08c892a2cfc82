//! Dropping envelopes, and reading what arrived with what was dropped. Of a dropped envelope the row stays, with its place
//! in the chain of arrivals and no bytes; no index leads to it.

use std::collections::BTreeMap;

use rusqlite::{Connection, TransactionBehavior, params};
use sotay_feed::{DeviceId, SpaceId};

use super::read::{self, FeedRow, place};
use crate::rules::{LogFiller, contradiction, id_prefix, int, proven, stays};
use crate::{ARRIVALS_PER_SPACE_MAX, Arrival, Budget, Dropped, Log, Logged, StoreError, Stored};

pub(super) fn drop_envelopes(
    conn: &mut Connection,
    space: &SpaceId,
    places: &[(DeviceId, u64)],
) -> Result<Dropped, StoreError> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut dropped = Dropped::default();
    let Some(space) = read::space_row(&tx, space)? else {
        return Ok(dropped);
    };
    let mut feeds: BTreeMap<DeviceId, Option<(FeedRow, Option<u64>)>> = BTreeMap::new();
    for &(device, seq) in places {
        let feed = match feeds.get(&device) {
            Some(feed) => *feed,
            None => {
                let row = read::feed_row(&tx, space.n, device)?;
                let fork = row.map(|row| read::fork_seq(&tx, row.n)).transpose()?.flatten();
                *feeds.entry(device).or_insert(row.map(|row| (row, fork)))
            }
        };
        let Some((feed, _)) = feed.filter(|(feed, fork)| !stays(seq, feed.tip.seq, *fork)) else {
            continue;
        };
        let Some(arrival) = read::arrival_of(&tx, feed.n, seq)? else {
            continue;
        };
        let stored = read::fetch(&tx, space.n, arrival)?;
        let place = place(space.n, arrival);
        // Not an update: only when rows go does SQLite give pages back that are nearly empty.
        let chain: [u8; 8] = tx
            .prepare_cached("DELETE FROM envelope WHERE place = ?1 RETURNING chain")?
            .query_row([place], |row| row.get(0))?;
        tx.prepare_cached("INSERT INTO envelope (place, chain, bytes) VALUES (?1, ?2, x'')")?
            .execute(params![place, chain])?;
        tx.prepare_cached("DELETE FROM feed_place WHERE feed = ?1 AND seq = ?2")?
            .execute([feed.n, int(seq)])?;
        tx.prepare_cached("DELETE FROM envelope_id WHERE prefix = ?1 AND place = ?2")?
            .execute([id_prefix(stored.id), place])?;
        dropped += Dropped {
            envelopes: 1,
            bytes: stored.bytes.len() as u64,
        };
    }
    if dropped != Dropped::default() {
        tx.prepare_cached("UPDATE space SET bytes = bytes - ?2 WHERE n = ?1")?
            .execute([space.n, int(dropped.bytes)])?;
    }
    tx.commit()?;
    Ok(dropped)
}

pub(super) fn log(conn: &Connection, space: &SpaceId, after: u64, budget: Budget) -> Result<Log, StoreError> {
    let start = (after == 0).then_some([0; 8]);
    let Some(space) = read::space_row(conn, space)?.filter(|row| row.head.number >= after) else {
        return Ok(LogFiller::new(budget, start).finish());
    };
    let mut statement = conn
        .prepare_cached("SELECT chain, bytes FROM envelope WHERE place BETWEEN ?1 AND ?2 ORDER BY place")?;
    let first = place(space.n, after.max(1));
    let mut rows = statement.query(params![first, place(space.n, ARRIVALS_PER_SPACE_MAX)])?;
    let mut before = [0; 8];
    if after > 0 {
        let row = rows
            .next()?
            .ok_or_else(|| contradiction("an envelope is missing"))?;
        before = row.get(0)?;
    }
    let mut filler = LogFiller::new(budget, Some(before));
    let mut number = after;
    while let Some(row) = rows.next()? {
        number += 1;
        let chain = row.get(0)?;
        let bytes = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        let stored = match bytes.is_empty() {
            true => None,
            false => Some(Stored::new(number, &proven(before, number, chain, bytes)?)),
        };
        before = chain;
        let arrival = Arrival { number, chain };
        if !filler.offer(Logged { arrival, stored }) {
            return Ok(filler.finish());
        }
    }
    if number != space.head.number {
        return Err(contradiction("an envelope is missing"));
    }
    Ok(filler.finish())
}
