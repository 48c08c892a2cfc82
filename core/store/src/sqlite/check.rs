//! Is the database whole? SQLite's own check of its pages, and ours of what they hold.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};
use sotay_feed::{ChainFault, DeviceId, IntoTree, SpaceId, Tip, check_next};

use super::read::{self, SpaceRow, place};
use crate::rules::{contradiction, id_prefix, intact, proven};
use crate::{ARRIVALS_PER_SPACE_MAX, Arrival, StoreError};

/// What a full check went through without finding fault.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checked {
    /// Spaces.
    pub spaces: u64,
    /// Envelopes: chain of arrivals, chain of the feed, hash, indexes. Signatures were checked before they came in.
    pub envelopes: u64,
    /// Arrivals of which the envelope was dropped: that no index leads to them.
    pub dropped: u64,
    /// Records: their sums.
    pub records: u64,
}

pub(super) fn quick(conn: &Connection) -> Result<(), StoreError> {
    pages(conn, "PRAGMA quick_check(1)")
}

pub(super) fn full(conn: &Connection) -> Result<Checked, StoreError> {
    pages(conn, "PRAGMA integrity_check(1)")?;
    let mut checked = Checked::default();
    for space in read::spaces(conn)? {
        let row = read::space_row(conn, &space)?.ok_or_else(|| contradiction("a space is missing"))?;
        let (envelopes, dropped) = walk(conn, &space, row)?;
        checked.envelopes += envelopes;
        checked.dropped += dropped;
        checked.spaces += 1;
    }
    // Every walked envelope had its row in each; equal counts leave no other rows.
    let arrivals = checked.envelopes + checked.dropped;
    for (table, expected) in [
        ("envelope", arrivals),
        ("feed_place", checked.envelopes),
        ("envelope_id", checked.envelopes),
    ] {
        let rows: i64 = conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
        if u64::try_from(rows) != Ok(expected) {
            return Err(contradiction("rows that belong to no envelope"));
        }
    }
    checked.records = records(conn)?;
    Ok(checked)
}

fn pages(conn: &Connection, pragma: &str) -> Result<(), StoreError> {
    let words: String = conn.query_row(pragma, [], |row| row.get(0))?;
    if words == "ok" {
        Ok(())
    } else {
        Err(StoreError::Corrupt(words))
    }
}

/// Number of envelopes of a space, each proven and found in every index, and of those that were dropped.
fn walk(conn: &Connection, space: &SpaceId, row: SpaceRow) -> Result<(u64, u64), StoreError> {
    let feeds = read::feeds(conn, row.n)?;
    let numbers: BTreeMap<DeviceId, i64> = feeds.iter().map(|&(n, device, _)| (device, n)).into_map();
    let mut tips: BTreeMap<DeviceId, Tip> = BTreeMap::new();
    let (mut head, mut bytes, mut dropped) = (Arrival::default(), 0, 0);
    let mut range = conn.prepare_cached(
        "SELECT place, chain, bytes FROM envelope WHERE place BETWEEN ?1 AND ?2 ORDER BY place",
    )?;
    let mut rows = range.query([place(row.n, 0), place(row.n, ARRIVALS_PER_SPACE_MAX)])?;
    while let Some(found) = rows.next()? {
        let arrival = head.number + 1;
        if found.get::<_, i64>(0)? != place(row.n, arrival) {
            return Err(contradiction("an envelope is missing"));
        }
        let blob = found.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
        let chain = found.get(1)?;
        if blob.is_empty() {
            dropped += 1;
            head = Arrival {
                number: arrival,
                chain,
            };
            continue;
        }
        let envelope = proven(head.chain, arrival, chain, blob)?;
        let header = envelope.header();
        let next = check_next(tips.get(&header.device).copied(), header);
        // What lies between was dropped, or never came.
        let continues = matches!(next, Ok(()) | Err(ChainFault::Gap { .. }));
        if !continues || header.space != space.tag() {
            return Err(contradiction("an envelope does not continue its feed"));
        }
        let feed = *numbers
            .get(&header.device)
            .ok_or_else(|| contradiction("a feed has no row"))?;
        if read::arrival_of(conn, feed, header.seq)? != Some(arrival)
            || !indexed(conn, row.n, arrival, &envelope)?
        {
            return Err(contradiction("an envelope is not in an index"));
        }
        tips.insert(
            header.device,
            Tip {
                seq: header.seq,
                id: envelope.id(),
            },
        );
        head = head.next(envelope.id());
        bytes += blob.len() as u64;
    }
    let kept = feeds
        .iter()
        .try_fold(BTreeMap::new(), |mut kept, &(_, device, _)| {
            kept.extend(read::feed_row(conn, row.n, device)?.map(|feed| (device, feed.tip)));
            Ok::<_, StoreError>(kept)
        })?;
    if head != row.head || bytes != row.bytes || kept != tips {
        return Err(contradiction("a space or feed does not end where its row says"));
    }
    Ok((head.number - dropped, dropped))
}

fn indexed(
    conn: &Connection,
    space: i64,
    arrival: u64,
    envelope: &sotay_feed::Envelope,
) -> Result<bool, StoreError> {
    let mut statement = conn.prepare_cached("SELECT 1 FROM envelope_id WHERE prefix = ?1 AND place = ?2")?;
    Ok(statement.exists(params![id_prefix(envelope.id()), place(space, arrival)])?)
}

fn records(conn: &Connection) -> Result<u64, StoreError> {
    let mut statement = conn.prepare_cached("SELECT bucket, key, sum, value FROM record")?;
    let mut rows = statement.query([])?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let key: Vec<u8> = row.get(1)?;
        intact(row.get(0)?, &key, row.get(2)?, row.get(3)?)?;
        count += 1;
    }
    Ok(count)
}
