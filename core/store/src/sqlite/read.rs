//! Queries. Every envelope that is read proves itself: its bytes must give the id that the arrival chain commits to.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use rusqlite::{Connection, OptionalExtension, Row, params};
use sotay_feed::limits::SEQ_MAX;
use sotay_feed::{DeviceId, Envelope, EnvelopeId, Frontier, SpaceId, Tip};

use crate::rules::{PageFiller, after_prefix, contradiction, id_prefix, int, intact, proven};
use crate::{
    ARRIVALS_PER_SPACE_MAX, Arrival, Bucket, Budget, ForkEvidence, KeyValue, Page, StoreError, Stored,
};

/// Bits of a place that hold the arrival number; the space's number stands above them.
const ARRIVAL_BITS: u32 = 32;
/// When at least one in this many envelopes of a range is lacking, the range is read through; else feed by feed.
const READ_THROUGH_RATIO: u64 = 4;
/// Places of one feed that are looked up at once when feeds are merged.
const PLACES_AT_ONCE: i64 = 64;

/// The row of a space.
#[derive(Debug, Clone, Copy)]
pub(super) struct SpaceRow {
    pub n: i64,
    pub head: Arrival,
    pub bytes: u64,
}

/// The row of a feed.
#[derive(Debug, Clone, Copy)]
pub(super) struct FeedRow {
    pub n: i64,
    pub tip: Tip,
}

pub(super) fn place(space: i64, arrival: u64) -> i64 {
    space << ARRIVAL_BITS | int(arrival)
}

fn unsigned(row: &Row<'_>, column: usize) -> Result<u64, rusqlite::Error> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}

pub(super) fn space_row(conn: &Connection, space: &SpaceId) -> Result<Option<SpaceRow>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT n, head, chain, bytes FROM space WHERE id = ?1")?;
    let row = statement.query_row([space.as_bytes()], |row| {
        let head = Arrival {
            number: unsigned(row, 1)?,
            chain: row.get(2)?,
        };
        Ok(SpaceRow {
            n: row.get(0)?,
            head,
            bytes: unsigned(row, 3)?,
        })
    });
    Ok(row.optional()?)
}

pub(super) fn feed_row(
    conn: &Connection,
    space: i64,
    device: DeviceId,
) -> Result<Option<FeedRow>, StoreError> {
    let mut statement =
        conn.prepare_cached("SELECT n, seq, tip FROM feed WHERE space = ?1 AND device = ?2")?;
    let row = statement.query_row(params![space, device.as_bytes()], |row| {
        let tip = Tip {
            seq: unsigned(row, 1)?,
            id: EnvelopeId::from_bytes(row.get(2)?),
        };
        Ok(FeedRow { n: row.get(0)?, tip })
    });
    Ok(row.optional()?)
}

pub(super) fn fork_seq(conn: &Connection, feed: i64) -> Result<Option<u64>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT seq FROM fork WHERE feed = ?1")?;
    Ok(statement.query_row([feed], |row| unsigned(row, 0)).optional()?)
}

pub(super) fn arrival_of(conn: &Connection, feed: i64, seq: u64) -> Result<Option<u64>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT arrival FROM feed_place WHERE feed = ?1 AND seq = ?2")?;
    Ok(statement
        .query_row([feed, int(seq)], |row| unsigned(row, 0))
        .optional()?)
}

/// The first number from `seq` on that a feed holds, with its arrival; asked for numbers up to the tip, which is held.
fn held_from(conn: &Connection, feed: i64, seq: u64) -> Result<(u64, u64), StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT seq, arrival FROM feed_place WHERE feed = ?1 AND seq >= ?2 ORDER BY seq LIMIT 1",
    )?;
    let row = statement.query_row([feed, int(seq)], |row| Ok((unsigned(row, 0)?, unsigned(row, 1)?)));
    row.optional()?.ok_or_else(|| contradiction("a tip has no place"))
}

/// One envelope that the tables say is there.
pub(super) fn fetch(conn: &Connection, space: i64, arrival: u64) -> Result<Stored, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT this.chain, this.bytes, before.chain
         FROM envelope this LEFT JOIN envelope before ON before.place = this.place - 1
         WHERE this.place = ?1",
    )?;
    let mut rows = statement.query([place(space, arrival)])?;
    let row = rows
        .next()?
        .ok_or_else(|| contradiction("an envelope is missing"))?;
    let before = match arrival {
        1 => [0; 8],
        _ => row.get(2)?,
    };
    let bytes = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
    let envelope = proven(before, arrival, row.get(0)?, bytes)?;
    Ok(Stored::new(arrival, &envelope))
}

pub(super) fn tip(conn: &Connection, space: &SpaceId, device: DeviceId) -> Result<Option<Tip>, StoreError> {
    match space_row(conn, space)? {
        Some(row) => Ok(feed_row(conn, row.n, device)?.map(|feed| feed.tip)),
        None => Ok(None),
    }
}

pub(super) fn frontier(conn: &Connection, space: &SpaceId) -> Result<Frontier, StoreError> {
    let Some(row) = space_row(conn, space)? else {
        return Ok(Frontier::new());
    };
    Ok(feeds(conn, row.n)?
        .into_iter()
        .map(|(_, device, seq)| (device, seq))
        .collect())
}

/// Row number, device and last number of every feed of a space, by device.
pub(super) fn feeds(conn: &Connection, space: i64) -> Result<Vec<(i64, DeviceId, u64)>, StoreError> {
    let mut statement =
        conn.prepare_cached("SELECT n, device, seq FROM feed WHERE space = ?1 ORDER BY device")?;
    let rows = statement.query_map([space], |row| {
        Ok((row.get(0)?, DeviceId::from_bytes(row.get(1)?), unsigned(row, 2)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn head(conn: &Connection, space: &SpaceId) -> Result<Arrival, StoreError> {
    Ok(space_row(conn, space)?.map(|row| row.head).unwrap_or_default())
}

pub(super) fn space_bytes(conn: &Connection, space: &SpaceId) -> Result<u64, StoreError> {
    Ok(space_row(conn, space)?.map_or(0, |row| row.bytes))
}

pub(super) fn passed(conn: &Connection, space: &SpaceId, arrival: Arrival) -> Result<bool, StoreError> {
    if arrival.number == 0 {
        return Ok(arrival == Arrival::default());
    }
    let Some(row) = space_row(conn, space)? else {
        return Ok(false);
    };
    if arrival.number > row.head.number {
        return Ok(false);
    }
    let mut statement = conn.prepare_cached("SELECT chain FROM envelope WHERE place = ?1")?;
    let chain: Option<[u8; 8]> = statement
        .query_row([place(row.n, arrival.number)], |row| row.get(0))
        .optional()?;
    chain
        .map(|chain| chain == arrival.chain)
        .ok_or_else(|| contradiction("an envelope is missing"))
}

pub(super) fn since(
    conn: &Connection,
    space: &SpaceId,
    after: u64,
    budget: Budget,
) -> Result<Page, StoreError> {
    match space_row(conn, space)? {
        Some(row) => read_through(conn, row, after, budget, |_| true),
        None => Ok(Page::default()),
    }
}

pub(super) fn missing(
    conn: &Connection,
    space: &SpaceId,
    have: &Frontier,
    after: u64,
    budget: Budget,
) -> Result<Page, StoreError> {
    let Some(row) = space_row(conn, space)? else {
        return Ok(Page::default());
    };
    let mut behind = feeds(conn, row.n)?;
    behind.retain(|&(_, device, tip)| tip > have.get(device));
    let lacking: u64 = behind
        .iter()
        .map(|&(_, device, tip)| tip - have.get(device))
        .sum();
    if lacking.saturating_mul(READ_THROUGH_RATIO) >= row.head.number.saturating_sub(after) {
        let lacks = |envelope: &Envelope| {
            let header = envelope.header();
            header.seq > have.get(header.device)
        };
        return read_through(conn, row, after, budget, lacks);
    }
    let mut merge = Merge::default();
    for (feed, device, tip) in behind {
        merge.add(conn, feed, have.get(device), tip, after)?;
    }
    let mut filler = PageFiller::new(budget);
    while let Some(arrival) = merge.next(conn)? {
        if !filler.offer(fetch(conn, row.n, arrival)?) {
            break;
        }
    }
    Ok(filler.finish(row.head.number))
}

/// In arrival order, keeping what is wanted.
fn read_through(
    conn: &Connection,
    space: SpaceRow,
    after: u64,
    budget: Budget,
    wanted: impl Fn(&Envelope) -> bool,
) -> Result<Page, StoreError> {
    let mut filler = PageFiller::new(budget);
    // From the one before, for its chain.
    let first = after.min(ARRIVALS_PER_SPACE_MAX);
    let mut statement = conn
        .prepare_cached("SELECT chain, bytes FROM envelope WHERE place BETWEEN ?1 AND ?2 ORDER BY place")?;
    let mut rows = statement.query([place(space.n, first), place(space.n, ARRIVALS_PER_SPACE_MAX)])?;
    let mut before = [0; 8];
    let mut arrival = first.max(1);
    while let Some(row) = rows.next()? {
        let chain = row.get(0)?;
        if arrival > after {
            let bytes = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
            // Nothing where it was dropped.
            if !bytes.is_empty() {
                let envelope = proven(before, arrival, chain, bytes)?;
                if wanted(&envelope) && !filler.offer(Stored::new(arrival, &envelope)) {
                    break;
                }
            }
        }
        before = chain;
        arrival += 1;
    }
    if !filler.is_full() && after < space.head.number && arrival != space.head.number + 1 {
        return Err(contradiction("an envelope is missing"));
    }
    Ok(filler.finish(space.head.number))
}

/// Places of several feeds in arrival order. Numbers and arrivals of one feed rise together.
#[derive(Default)]
struct Merge {
    runs: Vec<Run>,
    heap: BinaryHeap<Reverse<(u64, usize)>>,
}

struct Run {
    feed: i64,
    next: u64,
    tip: u64,
    arrivals: VecDeque<u64>,
}

impl Merge {
    /// Those of numbers `have + 1 ..= tip` of a feed that are held and arrived after `after`.
    fn add(
        &mut self,
        conn: &Connection,
        feed: i64,
        have: u64,
        tip: u64,
        after: u64,
    ) -> Result<(), StoreError> {
        let (mut low, mut high) = (have + 1, tip + 1);
        // Either end answers most calls: everything is new, or nothing.
        if held_from(conn, feed, low)?.1 > after {
            high = low;
        } else if held_from(conn, feed, tip)?.1 <= after {
            return Ok(());
        }
        while low < high {
            let middle = low + (high - low) / 2;
            let (seq, arrival) = held_from(conn, feed, middle)?;
            if arrival > after {
                high = middle;
            } else {
                low = seq + 1;
            }
        }
        self.runs.push(Run {
            feed,
            next: low,
            tip,
            arrivals: VecDeque::new(),
        });
        self.advance(conn, self.runs.len() - 1)
    }

    fn next(&mut self, conn: &Connection) -> Result<Option<u64>, StoreError> {
        let Some(Reverse((arrival, run))) = self.heap.pop() else {
            return Ok(None);
        };
        self.advance(conn, run)?;
        Ok(Some(arrival))
    }

    fn advance(&mut self, conn: &Connection, index: usize) -> Result<(), StoreError> {
        let run = &mut self.runs[index];
        if run.arrivals.is_empty() && run.next <= run.tip {
            let mut statement = conn.prepare_cached(
                "SELECT arrival, seq FROM feed_place WHERE feed = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3",
            )?;
            let mut rows = statement.query([run.feed, int(run.next), PLACES_AT_ONCE])?;
            while let Some(row) = rows.next()? {
                run.arrivals.push_back(unsigned(row, 0)?);
                run.next = unsigned(row, 1)? + 1;
            }
            if run.arrivals.is_empty() {
                return Err(contradiction("a tip has no place"));
            }
        }
        if let Some(arrival) = run.arrivals.pop_front() {
            self.heap.push(Reverse((arrival, index)));
        }
        Ok(())
    }
}

pub(super) fn at(
    conn: &Connection,
    space: &SpaceId,
    device: DeviceId,
    seq: u64,
) -> Result<Option<Stored>, StoreError> {
    let Some(space) = space_row(conn, space)? else {
        return Ok(None);
    };
    let Some(feed) = feed_row(conn, space.n, device)? else {
        return Ok(None);
    };
    match arrival_of(conn, feed.n, seq.min(SEQ_MAX + 1))? {
        Some(arrival) => fetch(conn, space.n, arrival).map(Some),
        None => Ok(None),
    }
}

pub(super) fn envelope(conn: &Connection, id: EnvelopeId) -> Result<Option<Stored>, StoreError> {
    Ok(by_id(conn, id)?.map(|(_, stored)| stored))
}

/// An envelope by its id, with its place.
pub(super) fn by_id(conn: &Connection, id: EnvelopeId) -> Result<Option<(i64, Stored)>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT place FROM envelope_id WHERE prefix = ?1")?;
    let places = statement.query_map([id_prefix(id)], |row| row.get::<_, i64>(0))?;
    for place in places {
        let place = place?;
        let arrival =
            u64::try_from(place).map_err(|_| contradiction("a place is negative"))? & ARRIVALS_PER_SPACE_MAX;
        let stored = fetch(conn, space_of(place), arrival)?;
        if stored.id == id {
            return Ok(Some((place, stored)));
        }
    }
    Ok(None)
}

/// Number of the space of a place.
pub(super) fn space_of(place: i64) -> i64 {
    place >> ARRIVAL_BITS
}

/// Whether only what verifies may be kept of an envelope.
pub(super) fn is_erased(conn: &Connection, id: EnvelopeId) -> Result<bool, StoreError> {
    let mut statement = conn.prepare_cached("SELECT 1 FROM record WHERE bucket = ?1 AND key = ?2")?;
    Ok(statement.exists(params![Bucket::Erased as u8, id.as_bytes()])?)
}

pub(super) fn spaces(conn: &Connection) -> Result<Vec<SpaceId>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT id FROM space ORDER BY id")?;
    let rows = statement.query_map([], |row| Ok(SpaceId::from_bytes(row.get(0)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn forks(conn: &Connection) -> Result<Vec<ForkEvidence>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT space.id, feed.device, fork.seq, fork.other
         FROM fork JOIN feed ON feed.n = fork.feed JOIN space ON space.n = feed.space
         ORDER BY space.id, feed.device",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(ForkEvidence {
            space: SpaceId::from_bytes(row.get(0)?),
            device: DeviceId::from_bytes(row.get(1)?),
            seq: unsigned(row, 2)?,
            other: row.get_ref(3)?.as_blob()?.into(),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn get(conn: &Connection, bucket: Bucket, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    let mut statement =
        conn.prepare_cached("SELECT sum, value FROM record WHERE bucket = ?1 AND key = ?2")?;
    let row = statement.query_row(params![bucket as u8, key], |row| Ok((row.get(0)?, row.get(1)?)));
    match row.optional()? {
        Some((sum, value)) => intact(bucket as u8, key, sum, value).map(Some),
        None => Ok(None),
    }
}

pub(super) fn list(conn: &Connection, bucket: Bucket, prefix: &[u8]) -> Result<Vec<KeyValue>, StoreError> {
    let end = after_prefix(prefix);
    let mut statement = conn
        .prepare_cached("SELECT key, sum, value FROM record WHERE bucket = ?1 AND key >= ?2 ORDER BY key")?;
    let mut rows = statement.query(params![bucket as u8, prefix])?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        let key: Vec<u8> = row.get(0)?;
        if end.as_ref().is_some_and(|end| key >= *end) {
            break;
        }
        let value = intact(bucket as u8, &key, row.get(1)?, row.get(2)?)?;
        records.push((key, value));
    }
    Ok(records)
}
