//! Queries. Every envelope that is read proves itself: its bytes must give the id that the arrival chain commits to.

use sotay_feed::limits::SEQ_MAX;
use sotay_feed::{DeviceId, Envelope, EnvelopeId, Frontier, SpaceId, Tip};
use sotay_store::rules::{PageFiller, after_prefix, contradiction, id_prefix, int, intact, proven};
use sotay_store::{
    ARRIVALS_PER_SPACE_MAX, Arrival, Bucket, Budget, ForkEvidence, KeyValue, Page, StoreError, Stored,
};

use crate::store::PostgresStore;
use crate::view::Known;

/// When at least one in this many envelopes of a range is lacking, the range is read through; else they are looked up.
const READ_THROUGH_RATIO: u64 = 4;
/// Rows fetched at once, at most; a row has at most 64 KiB.
const ROWS_MAX: u64 = 512;

pub(crate) fn unsigned(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| contradiction("a number out of range"))
}

fn exact<const N: usize>(bytes: &[u8]) -> Result<[u8; N], StoreError> {
    bytes
        .try_into()
        .map_err(|_| contradiction("bytes of another length"))
}

pub(crate) fn chain(bytes: &[u8]) -> Result<[u8; 8], StoreError> {
    exact(bytes)
}

pub(crate) fn space_id(bytes: &[u8]) -> Result<SpaceId, StoreError> {
    exact(bytes).map(SpaceId::from_bytes)
}

fn key(space: &SpaceId) -> &[u8] {
    &space.as_bytes()[..]
}

/// Head and feeds of a space, at one moment.
pub(crate) fn space(store: &PostgresStore, id: &SpaceId) -> Result<Known, StoreError> {
    let rows = store.run(async |client, sql| client.query(&sql.space, &[&key(id)]).await)?;
    let mut known = Known::default();
    for row in rows {
        known.head = Arrival {
            number: unsigned(row.get(0))?,
            chain: chain(row.get(1))?,
        };
        known.bytes = unsigned(row.get(2))?;
        let Some(device) = row.get::<_, Option<&[u8]>>(3) else {
            continue;
        };
        let tip = Tip {
            seq: unsigned(row.get(4))?,
            id: EnvelopeId::from_bytes(exact(row.get(5))?),
        };
        known.feeds.insert(DeviceId::from_bytes(exact(device)?), tip);
    }
    Ok(known)
}

pub(crate) fn passed(store: &PostgresStore, space: &SpaceId, arrival: Arrival) -> Result<bool, StoreError> {
    if arrival.number == 0 {
        return Ok(arrival == Arrival::default());
    }
    if arrival.number > ARRIVALS_PER_SPACE_MAX {
        return Ok(false);
    }
    let head = store.known(space, |known| known.head)?;
    if arrival.number == head.number {
        return Ok(arrival.chain == head.chain);
    }
    let at = int(arrival.number);
    let row = store.run(async |client, sql| client.query_opt(&sql.chain, &[&key(space), &at]).await)?;
    let Some(row) = row else {
        return if arrival.number < head.number {
            Err(contradiction("an envelope is missing"))
        } else {
            Ok(false)
        };
    };
    let passed = chain(row.get(0))? == arrival.chain;
    if passed && arrival.number > head.number {
        // Written through another process, whose note is still on its way.
        store.moved(*space, head.number);
    }
    Ok(passed)
}

pub(crate) fn since(
    store: &PostgresStore,
    space: &SpaceId,
    after: u64,
    budget: Budget,
) -> Result<Page, StoreError> {
    let (head, bytes) = store.known(space, |known| (known.head.number, known.bytes))?;
    let rows = rows(budget, head, bytes, 1);
    read_through(store, space, head, after, budget, rows, |_| true)
}

/// How many rows a page will probably need when one in `rarity` is wanted.
pub(crate) fn rows(budget: Budget, envelopes: u64, bytes: u64, rarity: u64) -> i64 {
    let average = (bytes / envelopes.max(1)).max(1);
    let fitting = (budget.bytes as u64 / average).min(budget.count as u64);
    // One before for its chain, one behind to see whether more follows.
    int(fitting.saturating_mul(rarity).min(ROWS_MAX) + 2)
}

pub(crate) fn missing(
    store: &PostgresStore,
    space: &SpaceId,
    have: &Frontier,
    after: u64,
    budget: Budget,
) -> Result<Page, StoreError> {
    let (head, bytes, behind) = store.known(space, |known| {
        let behind: Vec<(DeviceId, u64, u64)> = known
            .feeds
            .iter()
            .map(|(device, tip)| (*device, have.get(*device), tip.seq))
            .filter(|(_, have, tip)| tip > have)
            .collect();
        (known.head.number, known.bytes, behind)
    })?;
    let lacking: u64 = behind.iter().map(|(_, have, tip)| tip - have).sum();
    let range = head.saturating_sub(after);
    if lacking == 0 || range == 0 {
        return Ok(PageFiller::new(budget).finish(head));
    }
    if lacking.saturating_mul(READ_THROUGH_RATIO) >= range {
        let rarity = (range / lacking).max(1);
        let rows = rows(budget, head, bytes, rarity);
        let lacks = |envelope: &Envelope| {
            let header = envelope.header();
            header.seq > have.get(header.device)
        };
        return read_through(store, space, head, after, budget, rows, lacks);
    }
    let devices: Vec<&[u8]> = behind.iter().map(|(device, ..)| &device.as_bytes()[..]).collect();
    let haves: Vec<i64> = behind.iter().map(|(_, have, _)| int(*have)).collect();
    let mut filler = PageFiller::new(budget);
    let (mut after, limit) = (after, rows(budget, head, bytes, 1));
    loop {
        let (from, upto) = (int(after) + 1, int(head));
        let places = store.run(async |client, sql| {
            client
                .query(
                    &sql.lacking,
                    &[&key(space), &devices, &haves, &from, &upto, &limit],
                )
                .await
        })?;
        let arrivals: Vec<i64> = places.iter().map(|row| row.get(0)).collect();
        for stored in fetch(store, space, &arrivals)? {
            after = stored.arrival;
            if !filler.offer(stored) {
                return Ok(filler.finish(head));
            }
        }
        if int(arrivals.len() as u64) < limit {
            return Ok(filler.finish(head));
        }
    }
}

/// In arrival order, keeping what is wanted.
fn read_through(
    store: &PostgresStore,
    space: &SpaceId,
    head: u64,
    after: u64,
    budget: Budget,
    limit: i64,
    wanted: impl Fn(&Envelope) -> bool,
) -> Result<Page, StoreError> {
    let mut filler = PageFiller::new(budget);
    let mut after = after;
    while after < head {
        // From the one before, for its chain.
        let (from, upto) = (int(after.max(1)), int(head));
        let rows = store.run(async |client, sql| {
            client
                .query(&sql.range, &[&key(space), &from, &upto, &limit])
                .await
        })?;
        let mut before = [0; 8];
        let mut expected = after.max(1);
        for row in &rows {
            let (arrival, this) = (unsigned(row.get(0))?, chain(row.get(1))?);
            if arrival != expected {
                return Err(contradiction("an envelope is missing"));
            }
            let bytes: &[u8] = row.get(2);
            if arrival > after && !bytes.is_empty() {
                let envelope = proven(before, arrival, this, bytes)?;
                if wanted(&envelope) && !filler.offer(Stored::new(arrival, &envelope)) {
                    return Ok(filler.finish(head));
                }
            }
            before = this;
            expected += 1;
        }
        if expected <= after + 1 {
            return Err(contradiction("an envelope is missing"));
        }
        after = expected - 1;
        let in_a_hole = rows.last().is_some_and(|row| row.get::<_, &[u8]>(2).is_empty());
        if in_a_hole && after < head {
            // It may be long.
            let (from, upto) = (int(after), int(head));
            let held = store.run(async |client, sql| {
                client
                    .query_opt(&sql.next_held, &[&key(space), &from, &upto])
                    .await
            })?;
            after = held.map_or(Ok(head), |row| {
                unsigned(row.get::<_, i64>(0)).map(|held| held - 1)
            })?;
        }
    }
    Ok(filler.finish(head))
}

/// Envelopes that the tables say are there, in arrival order, but for those that another process dropped meanwhile.
fn fetch(store: &PostgresStore, space: &SpaceId, arrivals: &[i64]) -> Result<Vec<Stored>, StoreError> {
    if arrivals.is_empty() {
        return Ok(Vec::new());
    }
    let rows = store.run(async |client, sql| client.query(&sql.fetch, &[&key(space), &arrivals]).await)?;
    if rows.len() != arrivals.len() {
        return Err(contradiction("an envelope is missing"));
    }
    rows.iter()
        .filter(|row| !row.get::<_, &[u8]>(2).is_empty())
        .map(|row| {
            let arrival = unsigned(row.get(0))?;
            let before = match (arrival, row.get::<_, Option<&[u8]>>(3)) {
                (1, _) => [0; 8],
                (_, Some(before)) => chain(before)?,
                (_, None) => return Err(contradiction("an envelope is missing")),
            };
            let envelope = proven(before, arrival, chain(row.get(1))?, row.get(2))?;
            Ok(Stored::new(arrival, &envelope))
        })
        .collect()
}

pub(crate) fn at(
    store: &PostgresStore,
    space: &SpaceId,
    device: DeviceId,
    seq: u64,
) -> Result<Option<Stored>, StoreError> {
    let tip = store.known(space, |known| known.feeds.get(&device).map_or(0, |tip| tip.seq))?;
    if seq == 0 || seq > tip.min(SEQ_MAX) {
        return Ok(None);
    }
    let number = int(seq);
    let row = store.run(async |client, sql| {
        client
            .query_opt(&sql.place, &[&key(space), &&device.as_bytes()[..], &number])
            .await
    })?;
    let Some(row) = row else {
        return Ok(None);
    };
    Ok(fetch(store, space, &[row.get(0)])?.pop())
}

pub(crate) fn envelope(store: &PostgresStore, id: EnvelopeId) -> Result<Option<Stored>, StoreError> {
    Ok(by_id(store, id)?.map(|(_, stored)| stored))
}

/// An envelope by its id, with its space.
pub(crate) fn by_id(store: &PostgresStore, id: EnvelopeId) -> Result<Option<(SpaceId, Stored)>, StoreError> {
    let prefix = id_prefix(id);
    let rows = store.run(async |client, sql| client.query(&sql.places, &[&prefix]).await)?;
    for row in rows {
        let space = space_id(row.get(0))?;
        let stored = fetch(store, &space, &[row.get(1)])?.pop();
        if let Some(stored) = stored.filter(|stored| stored.id == id) {
            return Ok(Some((space, stored)));
        }
    }
    Ok(None)
}

pub(crate) fn spaces(store: &PostgresStore) -> Result<Vec<SpaceId>, StoreError> {
    let rows = store.run(async |client, sql| client.query(&sql.spaces, &[]).await)?;
    rows.iter().map(|row| space_id(row.get(0))).collect()
}

pub(crate) fn forks(store: &PostgresStore) -> Result<Vec<ForkEvidence>, StoreError> {
    let rows = store.run(async |client, sql| client.query(&sql.forks, &[]).await)?;
    rows.iter()
        .map(|row| {
            Ok(ForkEvidence {
                space: space_id(row.get(0))?,
                device: DeviceId::from_bytes(exact(row.get(1))?),
                seq: unsigned(row.get(2))?,
                other: row.get::<_, &[u8]>(3).into(),
            })
        })
        .collect()
}

pub(crate) fn get(store: &PostgresStore, bucket: Bucket, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    let number = i16::from(bucket as u8);
    let row = store.run(async |client, sql| client.query_opt(&sql.get, &[&number, &key]).await)?;
    row.map(|row| intact(bucket as u8, key, exact(row.get(0))?, row.get(1)))
        .transpose()
}

pub(crate) fn list(
    store: &PostgresStore,
    bucket: Bucket,
    prefix: &[u8],
) -> Result<Vec<KeyValue>, StoreError> {
    let (number, end) = (i16::from(bucket as u8), after_prefix(prefix));
    let rows = store.run(async |client, sql| client.query(&sql.list, &[&number, &prefix, &end]).await)?;
    rows.iter()
        .map(|row| {
            let key: Vec<u8> = row.get(0);
            let value = intact(bucket as u8, &key, exact(row.get(1))?, row.get(2))?;
            Ok((key, value))
        })
        .collect()
}
