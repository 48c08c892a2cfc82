//! One commit: envelopes and records in one transaction. What many envelopes of a batch share (the space, the feed) is
//! read once and written once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior, params};
use sotay_feed::{DeviceId, Envelope, EnvelopeId, SpaceId, Tip, Verified, check_next};

use super::error::io_error;
use super::read::{self, FeedRow, SpaceRow, place};
use crate::rules::{contradiction, id_prefix, int, judge, may_leap, proves_more, record_sum};
use crate::{ARRIVALS_PER_SPACE_MAX, Arrival, Batch, Committed, Copied, Outcome, Put, StoreError};

/// Spaces of one database: what the upper half of a place has room for.
const SPACES_MAX: i64 = i32::MAX as i64;

pub(super) fn commit(conn: &mut Connection, batch: &Batch) -> Result<Committed, StoreError> {
    batch.puts.iter().try_for_each(Put::check_limits)?;
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut writing = Writing {
        conn: &tx,
        spaces: BTreeMap::new(),
        feeds: BTreeMap::new(),
    };
    let outcomes = batch
        .envelopes
        .iter()
        .map(|envelope| writing.append(envelope, &batch.leaps))
        .collect::<Result<_, _>>()?;
    writing.finish()?;
    let mut erased = false;
    for put in &batch.puts {
        if let Some(id) = put.erases() {
            erased |= erase(&tx, id)?;
        }
        write_record(&tx, put)?;
    }
    tx.commit()?;
    if erased {
        // The log still holds the pages as they were. What fails here is done at the next checkpoint.
        let _ = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }
    Ok(Committed { outcomes })
}

/// Appends arrivals as another database has them; `false` and nothing written if they do not continue what is here.
pub(super) fn follow(conn: &mut Connection, space: &SpaceId, rows: &[Copied]) -> Result<bool, StoreError> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut writing = Writing {
        conn: &tx,
        spaces: BTreeMap::new(),
        feeds: BTreeMap::new(),
    };
    for row in rows {
        if !writing.copy(space, row)? {
            return Ok(false);
        }
    }
    writing.finish()?;
    tx.commit()?;
    Ok(true)
}

/// Keeps of an envelope only what verifies; whether there was more.
fn erase(conn: &Connection, id: EnvelopeId) -> Result<bool, StoreError> {
    let Some((place, stored)) = read::by_id(conn, id)? else {
        return Ok(false);
    };
    let whole =
        Envelope::decode(&stored.bytes).map_err(|_| contradiction("stored bytes are not an envelope"))?;
    let Some(left) = whole.erase().filter(|_| !whole.is_erased()) else {
        return Ok(false);
    };
    conn.prepare_cached("UPDATE envelope SET bytes = ?2 WHERE place = ?1")?
        .execute(params![place, &left.bytes()[..]])?;
    // A body shorter than its hash leaves more than it was.
    let (before, after) = (whole.bytes().len() as u64, left.bytes().len() as u64);
    conn.prepare_cached("UPDATE space SET bytes = bytes + ?2 WHERE n = ?1")?
        .execute([read::space_of(place), int(after) - int(before)])?;
    Ok(true)
}

/// Rows as they will be, `None` while the database has none.
struct Writing<'c> {
    conn: &'c Connection,
    spaces: BTreeMap<SpaceId, Option<Dirty<SpaceRow>>>,
    feeds: BTreeMap<(SpaceId, DeviceId), Option<Dirty<FeedRow>>>,
}

struct Dirty<T> {
    row: T,
    changed: bool,
}

impl<T> Dirty<T> {
    fn clean(row: T) -> Self {
        Self { row, changed: false }
    }
}

impl Writing<'_> {
    fn append(
        &mut self,
        envelope: &Verified<Envelope>,
        leaps: &BTreeSet<EnvelopeId>,
    ) -> Result<Outcome, StoreError> {
        let key = (*envelope.space(), envelope.header().device);
        self.load(key)?;
        let feed = self.feeds[&key].as_ref().map(|dirty| dirty.row);
        let tip = feed.map(|feed| feed.tip);
        if let Err(fault) = check_next(tip, envelope.header())
            && !may_leap(leaps, envelope.id(), tip, envelope.header().seq)
        {
            return self.refuse(envelope, feed, fault);
        }
        self.push(envelope).map(Outcome::Stored)
    }

    fn copy(&mut self, space: &SpaceId, row: &Copied) -> Result<bool, StoreError> {
        let Some(envelope) = &row.envelope else {
            self.load_space(space)?;
            let head = self.spaces[space]
                .as_ref()
                .map_or_else(Arrival::default, |dirty| dirty.row.head);
            if !row.continues(head, None) {
                return Ok(false);
            }
            let dirty = self.make_space(space)?;
            dirty.row.head = row.arrival;
            dirty.changed = true;
            let place = place(dirty.row.n, row.arrival.number);
            self.conn
                .prepare_cached("INSERT INTO envelope (place, chain, bytes) VALUES (?1, ?2, x'')")?
                .execute(params![place, row.arrival.chain])?;
            return Ok(true);
        };
        let key = (*space, envelope.header().device);
        self.load(key)?;
        let tip = self.feeds[&key].as_ref().map(|dirty| dirty.row.tip);
        let head = self.spaces[space]
            .as_ref()
            .map_or_else(Arrival::default, |dirty| dirty.row.head);
        if envelope.space() != space || !row.continues(head, tip) {
            return Ok(false);
        }
        self.push(envelope).map(|_| true)
    }

    /// Appends what was found to be next.
    fn push(&mut self, envelope: &Verified<Envelope>) -> Result<Arrival, StoreError> {
        let space = *envelope.space();
        let key = (space, envelope.header().device);
        let left = match envelope.header().kind.is_erasable() && read::is_erased(self.conn, envelope.id())? {
            true => envelope.erase(),
            false => None,
        };
        let envelope = left.as_ref().unwrap_or(envelope);
        let arrival = self.arrive(&space, envelope)?;
        let feed = self.extend(key, envelope.tip())?;
        let space = self.spaces[&space].as_ref().expect("it was given a row").row.n;
        let place = place(space, arrival.number);
        self.conn
            .prepare_cached("INSERT INTO envelope (place, chain, bytes) VALUES (?1, ?2, ?3)")?
            .execute(params![place, arrival.chain, &envelope.bytes()[..]])?;
        self.conn
            .prepare_cached("INSERT INTO feed_place (feed, seq, arrival) VALUES (?1, ?2, ?3)")?
            .execute([feed, int(envelope.header().seq), int(arrival.number)])?;
        self.conn
            .prepare_cached("INSERT INTO envelope_id (prefix, place) VALUES (?1, ?2)")?
            .execute([id_prefix(envelope.id()), place])?;
        Ok(arrival)
    }

    fn load_space(&mut self, space: &SpaceId) -> Result<(), StoreError> {
        if !self.spaces.contains_key(space) {
            let row = read::space_row(self.conn, space)?;
            self.spaces.insert(*space, row.map(Dirty::clean));
        }
        Ok(())
    }

    fn load(&mut self, key @ (space, device): (SpaceId, DeviceId)) -> Result<(), StoreError> {
        self.load_space(&space)?;
        if !self.feeds.contains_key(&key) {
            let row = match &self.spaces[&space] {
                Some(space) => read::feed_row(self.conn, space.row.n, device)?,
                None => None,
            };
            self.feeds.insert(key, row.map(Dirty::clean));
        }
        Ok(())
    }

    fn refuse(
        &self,
        envelope: &Verified<Envelope>,
        feed: Option<FeedRow>,
        fault: sotay_feed::ChainFault,
    ) -> Result<Outcome, StoreError> {
        let Some(feed) = feed else {
            return judge(envelope, fault, |_| {
                Err(contradiction("a feed without a row has numbers"))
            });
        };
        let space = self.spaces[envelope.space()]
            .as_ref()
            .expect("its feed has a row")
            .row
            .n;
        let outcome = judge(envelope, fault, |seq| {
            let Some(arrival) = read::arrival_of(self.conn, feed.n, seq)? else {
                return Ok(None);
            };
            Ok(Some(read::fetch(self.conn, space, arrival)?.id))
        })?;
        if let Outcome::Fork { seq } = outcome {
            self.keep_fork(feed.n, seq, envelope)?;
        }
        Ok(outcome)
    }

    fn keep_fork(&self, feed: i64, seq: u64, envelope: &Envelope) -> Result<(), StoreError> {
        if proves_more(read::fork_seq(self.conn, feed)?, seq) {
            self.conn
                .prepare_cached("INSERT OR REPLACE INTO fork (feed, seq, other) VALUES (?1, ?2, ?3)")?
                .execute(params![feed, int(seq), &envelope.bytes()[..]])?;
        }
        Ok(())
    }

    /// The row of a space that is about to get one more arrival.
    fn make_space(&mut self, space: &SpaceId) -> Result<&mut Dirty<SpaceRow>, StoreError> {
        let entry = self.spaces.get_mut(space).expect("loaded before");
        if entry.is_none() {
            *entry = Some(Dirty::clean(insert_space(self.conn, space)?));
        }
        let dirty = entry.as_mut().expect("just made");
        if dirty.row.head.number >= ARRIVALS_PER_SPACE_MAX {
            return Err(StoreError::Full);
        }
        Ok(dirty)
    }

    fn arrive(&mut self, space: &SpaceId, envelope: &Envelope) -> Result<Arrival, StoreError> {
        let dirty = self.make_space(space)?;
        dirty.row.head = dirty.row.head.next(envelope.id());
        dirty.row.bytes += envelope.bytes().len() as u64;
        dirty.changed = true;
        Ok(dirty.row.head)
    }

    fn extend(&mut self, key @ (space, device): (SpaceId, DeviceId), tip: Tip) -> Result<i64, StoreError> {
        let space = self.spaces[&space].as_ref().expect("it was given a row").row.n;
        let entry = self.feeds.get_mut(&key).expect("loaded before");
        if let Some(dirty) = entry {
            dirty.row.tip = tip;
            dirty.changed = true;
            return Ok(dirty.row.n);
        }
        self.conn
            .prepare_cached("INSERT INTO feed (space, device, seq, tip) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![space, device.as_bytes(), int(tip.seq), tip.id.as_bytes()])?;
        let n = self.conn.last_insert_rowid();
        *entry = Some(Dirty::clean(FeedRow { n, tip }));
        Ok(n)
    }

    fn finish(self) -> Result<(), StoreError> {
        for Dirty { row, .. } in self.spaces.into_values().flatten().filter(|dirty| dirty.changed) {
            self.conn
                .prepare_cached("UPDATE space SET head = ?2, chain = ?3, bytes = ?4 WHERE n = ?1")?
                .execute(params![
                    row.n,
                    int(row.head.number),
                    row.head.chain,
                    int(row.bytes)
                ])?;
        }
        for Dirty { row, .. } in self.feeds.into_values().flatten().filter(|dirty| dirty.changed) {
            self.conn
                .prepare_cached("UPDATE feed SET seq = ?2, tip = ?3 WHERE n = ?1")?
                .execute(params![row.n, int(row.tip.seq), row.tip.id.as_bytes()])?;
        }
        Ok(())
    }
}

fn insert_space(conn: &Connection, space: &SpaceId) -> Result<SpaceRow, StoreError> {
    let head = Arrival::default();
    conn.prepare_cached("INSERT INTO space (id, head, chain, bytes) VALUES (?1, 0, ?2, 0)")?
        .execute(params![space.as_bytes(), head.chain])?;
    let n = conn.last_insert_rowid();
    if n > SPACES_MAX {
        return Err(StoreError::Full);
    }
    Ok(SpaceRow { n, head, bytes: 0 })
}

fn write_record(conn: &Connection, put: &Put) -> Result<(), StoreError> {
    let bucket = put.bucket as u8;
    match &put.value {
        Some(value) => conn
            .prepare_cached(
                "INSERT INTO record (bucket, key, sum, value) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (bucket, key) DO UPDATE SET sum = excluded.sum, value = excluded.value",
            )?
            .execute(params![
                bucket,
                put.key,
                record_sum(bucket, &put.key, value),
                value
            ])?,
        None => conn
            .prepare_cached("DELETE FROM record WHERE bucket = ?1 AND key = ?2")?
            .execute(params![bucket, put.key])?,
    };
    Ok(())
}

/// The copy gets its name only when it is whole and on disk.
pub(super) fn backup(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    let path = std::path::absolute(path).map_err(io_error)?;
    if path.try_exists().map_err(io_error)? {
        return Err(StoreError::Io("the file for the copy exists already".into()));
    }
    let mut part = path.clone().into_os_string();
    part.push(".part");
    let part = PathBuf::from(part);
    let name = part
        .to_str()
        .ok_or_else(|| StoreError::Io("the path is not UTF-8".into()))?;
    let copy = || {
        if part.try_exists().map_err(io_error)? {
            std::fs::remove_file(&part).map_err(io_error)?;
        }
        conn.execute("VACUUM INTO ?1", [name])?;
        std::fs::File::open(&part)
            .and_then(|file| file.sync_all())
            .map_err(io_error)?;
        std::fs::rename(&part, &path).map_err(io_error)?;
        let folder = path.parent().expect("an absolute path of a file has a parent");
        std::fs::File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(io_error)
    };
    copy().inspect_err(|_| {
        // Best effort: the next copy removes it too.
        let _ = std::fs::remove_file(&part);
    })
}
