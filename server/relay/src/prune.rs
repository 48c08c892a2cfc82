//! Dropping what signed covers allow (decision 0188): a bounded piece at a time, so that no phone waits long. Any part of it
//! done alone is a valid state of the database, so a kill at any moment loses nothing but the rest of the work.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sotay_feed::{Space, SpaceTag, UnitId};
use sotay_membership::CoverId;
use sotay_store::{Batch, Bucket, Budget, Dropped, Put, Store, StoreError};
use sotay_sync::{Prunable, Replica};
use tokio::sync::oneshot;

use crate::admin::{Reply, space_word};
use crate::looked::{Basis, Forks, Looked};
use crate::shard::Shard;

const DAY_MS: i64 = 24 * 3_600_000;
/// How long a cover has to be held before it is acted upon, unless the configuration says otherwise: in that time a mistake
/// can be revoked.
pub(crate) const PRUNE_AFTER_MS: i64 = 90 * DAY_MS;
/// How often everything is looked through.
const SWEEP_EVERY_MS: i64 = 3_600_000;
/// When it is first, after a start.
const FIRST_SWEEP_AFTER_MS: i64 = 60_000;
/// After storage failed.
const RETRY_AFTER_MS: i64 = 600_000;
/// The answer to who wants something dropped although the configuration says "never".
pub(crate) const OFF: &str = "pruning is off: set prune = \"signed\" in [retention] of the configuration";
/// What is looked at, and at most dropped, in one piece.
const PIECE: Budget = Budget {
    count: 128,
    bytes: 512 * 1024,
};
/// Units that are passed over in one piece, at a question each.
const UNITS_PASSED: usize = 64;
/// Between two pieces at least so many times the last one's time passes: while nobody waits, and while phones do.
const REST: u32 = 1;
const REST_BUSY: u32 = 9;
/// Records: `cover/` ‖ space tag ‖ cover → when it was first held as counting (8 bytes, milliseconds) ‖ 1 once nothing is left
/// to drop by it; `dropped/` ‖ unit → envelopes and bytes that were dropped (8 bytes each).
const COVER: &[u8] = b"cover/";
const DROPPED: &[u8] = b"dropped/";

/// `[retention]` of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retention {
    /// Whether anything is dropped.
    pub signed: bool,
    /// How long a cover has to be held, milliseconds.
    pub after_ms: i64,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            signed: false,
            after_ms: PRUNE_AFTER_MS,
        }
    }
}

/// What is written down of a cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Noted {
    first_held: i64,
    finished: bool,
}

impl Noted {
    fn value(self) -> Vec<u8> {
        let mut value = self.first_held.to_be_bytes().to_vec();
        value.push(u8::from(self.finished));
        value
    }

    fn read(value: &[u8]) -> Option<Self> {
        let (first_held, finished) = value.split_last_chunk::<1>()?;
        Some(Self {
            first_held: i64::from_be_bytes(first_held.try_into().ok()?),
            finished: finished[0] == 1,
        })
    }
}

fn cover_key(tag: SpaceTag, cover: Option<CoverId>) -> Vec<u8> {
    let id = cover.as_ref().map_or(&[][..], |CoverId(id)| id);
    [COVER, &tag.as_bytes()[..], id].concat()
}

fn put(key: Vec<u8>, value: Option<Vec<u8>>) -> Put {
    Put {
        bucket: Bucket::Relay,
        key,
        value,
    }
}

fn damaged(what: &str) -> StoreError {
    StoreError::Corrupt(what.into())
}

fn dropped_key(unit: UnitId) -> Vec<u8> {
    [DROPPED, &unit.as_bytes()[..]].concat()
}

fn dropped_value(dropped: Dropped) -> Vec<u8> {
    [dropped.envelopes.to_be_bytes(), dropped.bytes.to_be_bytes()].concat()
}

fn read_dropped(value: &[u8]) -> Result<Dropped, StoreError> {
    let read = |(count, bytes): (&[u8; 8], &[u8])| {
        Some(Dropped {
            envelopes: u64::from_be_bytes(*count),
            bytes: u64::from_be_bytes(bytes.try_into().ok()?),
        })
    };
    let dropped = value.split_first_chunk().and_then(read);
    dropped.ok_or_else(|| damaged("a count of what was dropped"))
}

/// Envelopes and bytes that were dropped of each unit.
pub(crate) fn dropped(store: &impl Store) -> Result<BTreeMap<UnitId, Dropped>, StoreError> {
    let mut all = BTreeMap::new();
    for (key, value) in store.list(Bucket::Relay, DROPPED)? {
        let unit = UnitId::from_slice(&key[DROPPED.len()..]);
        let unit = unit.ok_or_else(|| damaged("a count of what was dropped"))?;
        all.insert(unit, read_dropped(&value)?);
    }
    Ok(all)
}

/// A database that was restored may hold again what was dropped before the copy was finished: all is looked at anew.
pub(crate) fn begin_anew(store: &mut impl Store) -> Result<(), StoreError> {
    let mut puts = Vec::new();
    for (key, value) in store.list(Bucket::Relay, COVER)? {
        let noted = Noted::read(&value).ok_or_else(|| damaged("a note about a cover"))?;
        let anew = Noted {
            finished: false,
            ..noted
        };
        puts.push(put(key, Some(anew.value())));
    }
    if !puts.is_empty() {
        store.commit(Batch {
            puts,
            ..Batch::default()
        })?;
    }
    Ok(())
}

/// Brings what is noted as dropped to what is missing: a backup may hold again what was dropped after it was copied. Of bytes
/// that are gone nobody can tell more than the same part of what was noted.
pub(crate) fn recount<S: Store>(replica: &mut Replica<S>) -> Result<(), StoreError> {
    let mut puts = Vec::new();
    for (unit, noted) in dropped(replica.store())? {
        let mut missing = 0u64;
        for space in replica.spaces().into_iter().filter(|space| space.unit == unit) {
            let id = space.id();
            let (mut at, head) = (0, replica.store().head(&id)?.number);
            while at < head {
                let rows = replica.store().log(&id, at, PIECE)?.rows;
                at = rows.last().map_or(head, |row| row.arrival.number);
                missing += rows.iter().filter(|row| row.stored.is_none()).count() as u64;
            }
        }
        let left = Dropped {
            envelopes: missing,
            bytes: (u128::from(noted.bytes) * u128::from(missing) / u128::from(noted.envelopes.max(1)))
                as u64,
        };
        if left != noted {
            puts.push(put(dropped_key(unit), (missing > 0).then(|| dropped_value(left))));
        }
    }
    write(replica, puts, false)
}

/// One way through everything.
#[derive(Debug)]
pub(crate) struct Sweep {
    /// Count what would be dropped, and write nothing.
    dry: bool,
    /// Somebody waits for the report: no unit is passed over.
    asked: bool,
    units: VecDeque<UnitId>,
    /// Read with the first piece.
    forks: Option<Forks>,
    /// What is being dropped: space, what, up to which arrival it was looked through.
    jobs: VecDeque<(Space, Prunable, u64)>,
    covers: Vec<Value>,
    spaces: BTreeMap<Space, (Dropped, usize, usize)>,
    total: Dropped,
}

impl Sweep {
    /// For somebody who waits for its report.
    pub fn asked<S: Store>(replica: &Replica<S>, dry: bool) -> Self {
        Self {
            dry,
            asked: true,
            units: replica.known_units().into(),
            forks: None,
            jobs: VecDeque::new(),
            covers: Vec::new(),
            spaces: BTreeMap::new(),
            total: Dropped::default(),
        }
    }

    /// The one that is made every hour.
    pub fn hourly<S: Store>(replica: &Replica<S>) -> Self {
        Self {
            asked: false,
            ..Self::asked(replica, false)
        }
    }

    /// One piece of work; whether it was the last. Notes are durable with the store's next commit.
    pub fn step<S: Store>(
        &mut self,
        replica: &mut Replica<S>,
        looked: &mut Looked,
        retention: &Retention,
        now: i64,
    ) -> Result<bool, StoreError> {
        if let Some((space, prunable, after)) = self.jobs.pop_front() {
            self.drop_some(replica, space, prunable, after)?;
        } else {
            self.look_on(replica, looked, retention, now)?;
        }
        Ok(self.jobs.is_empty() && self.units.is_empty())
    }

    /// Looks at the next unit that may have something new.
    fn look_on<S: Store>(
        &mut self,
        replica: &mut Replica<S>,
        looked: &mut Looked,
        retention: &Retention,
        now: i64,
    ) -> Result<(), StoreError> {
        let forks = match self.forks.take() {
            Some(forks) => forks,
            None => Forks::read(replica.store())?,
        };
        for _ in 0..UNITS_PASSED {
            let Some(unit) = self.units.pop_front() else {
                break;
            };
            // Asked before the roll is read: what comes in between is looked at next time.
            let basis = Basis::of(replica.store(), unit, &forks)?;
            if !self.asked && looked.settles(unit, &basis, retention, now) {
                continue;
            }
            let was_loaded = replica.membership(unit).is_some();
            let found = self.look(replica, unit, retention, now);
            if !was_loaded {
                replica.unload_unit(unit);
            }
            // One that phones use is in memory, and may know less than the database that it shares with other relays.
            if let (Some(unfinished), false) = (found?, was_loaded) {
                looked.note(unit, basis, unfinished);
            }
            break;
        }
        self.forks = Some(forks);
        Ok(())
    }

    /// What it found and did.
    pub fn report(&self) -> Value {
        let spaces = self.spaces.iter().map(|(space, (dropped, behind, apart))| {
            json!({
                "unit": space.unit.to_string(),
                "kind": space_word(space.kind),
                "space": space.id().to_string(),
                "envelopes": dropped.envelopes,
                "bytes": dropped.bytes,
                "feeds_behind": behind,
                "feeds_apart": apart,
            })
        });
        json!({
            "dry": self.dry,
            "envelopes": self.total.envelopes,
            "bytes": self.total.bytes,
            "spaces": spaces.collect::<Vec<_>>(),
            "covers": self.covers,
        })
    }

    /// Notes which covers count since when, and finds out what the due ones let be dropped. `Some` if nothing was to be noted:
    /// since when the oldest is held that is not finished.
    fn look<S: Store>(
        &mut self,
        replica: &mut Replica<S>,
        unit: UnitId,
        retention: &Retention,
        now: i64,
    ) -> Result<Option<Option<i64>>, StoreError> {
        if !replica.load_unit(unit)? {
            return Ok(None);
        }
        let spaces = replica.spaces();
        let (mut puts, mut unfinished) = (Vec::new(), None::<i64>);
        for space in spaces.into_iter().filter(|space| space.unit == unit) {
            let tag = space.id().tag();
            let prefix = cover_key(tag, None);
            let mut noted: BTreeMap<CoverId, Noted> = BTreeMap::new();
            for (key, value) in replica.store().list(Bucket::Relay, &prefix)? {
                let id = key[prefix.len()..].try_into().ok().map(CoverId);
                let note = id.zip(Noted::read(&value));
                let (id, note) = note.ok_or_else(|| damaged("a note about a cover"))?;
                noted.insert(id, note);
            }
            let counting = replica.counting_covers(&space);
            // One that counts no more begins anew if it ever does again.
            for gone in noted.keys().filter(|id| !counting.contains(id)) {
                puts.push(put(cover_key(tag, Some(*gone)), None));
            }
            for id in &counting {
                noted.entry(*id).or_insert_with(|| {
                    let new = Noted {
                        first_held: now,
                        finished: false,
                    };
                    puts.push(put(cover_key(tag, Some(*id)), Some(new.value())));
                    new
                });
            }
            let is_due = |note: &Noted| note.first_held.saturating_add(retention.after_ms) <= now;
            let of = |wanted: &dyn Fn(&Noted) -> bool| -> BTreeSet<CoverId> {
                let chosen = noted
                    .iter()
                    .filter(|(id, note)| counting.contains(*id) && wanted(note));
                chosen.map(|(id, _)| *id).collect()
            };
            for id in &counting {
                let note = noted[id];
                if !note.finished {
                    unfinished = Some(unfinished.map_or(note.first_held, |since| since.min(note.first_held)));
                }
                self.covers.push(json!({
                    "unit": unit.to_string(),
                    "kind": space_word(space.kind),
                    "cover": HEXLOWER.encode(&id.0),
                    "held_since": note.first_held,
                    "due": note.first_held.saturating_add(retention.after_ms),
                    "finished": note.finished,
                }));
            }
            let (due, finished) = (of(&is_due), of(&|note| note.finished));
            if (self.dry || retention.signed) && !due.is_subset(&finished) {
                let prunable = replica.prunable(&space, &due, &finished)?;
                let found = (Dropped::default(), prunable.behind.len(), prunable.apart.len());
                self.spaces.insert(space, found);
                self.jobs.push_back((space, prunable, 0));
            }
        }
        let settled = puts.is_empty().then_some(unfinished);
        write(replica, puts, self.dry)?;
        Ok(settled)
    }

    fn drop_some<S: Store>(
        &mut self,
        replica: &mut Replica<S>,
        space: Space,
        prunable: Prunable,
        after: u64,
    ) -> Result<(), StoreError> {
        let (dropped, next) = if prunable.is_empty() {
            (Dropped::default(), None)
        } else {
            replica.prune(&space, &prunable, after, PIECE, self.dry)?
        };
        self.total += dropped;
        self.spaces.entry(space).or_default().0 += dropped;
        let mut puts = Vec::new();
        if dropped != Dropped::default() {
            let key = dropped_key(space.unit);
            let known = replica.store().get(Bucket::Relay, &key)?;
            let mut sum = known.as_deref().map_or(Ok(Dropped::default()), read_dropped)?;
            sum += dropped;
            puts.push(put(key, Some(dropped_value(sum))));
        }
        match next {
            Some(next) => self.jobs.push_front((space, prunable, next)),
            None => {
                let tag = space.id().tag();
                for id in &prunable.finished {
                    let key = cover_key(tag, Some(*id));
                    let noted = replica.store().get(Bucket::Relay, &key)?;
                    let noted = noted.as_deref().and_then(Noted::read);
                    // One that was revoked meanwhile is not noted any more.
                    puts.extend(noted.map(|noted| {
                        let noted = Noted {
                            finished: true,
                            ..noted
                        };
                        put(key, Some(noted.value()))
                    }));
                }
            }
        }
        write(replica, puts, self.dry)
    }
}

fn write<S: Store>(replica: &mut Replica<S>, puts: Vec<Put>, dry: bool) -> Result<(), StoreError> {
    if puts.is_empty() || dry {
        return Ok(());
    }
    let batch = Batch {
        puts,
        ..Batch::default()
    };
    replica.store_mut().commit(batch).map(|_| ())
}

/// Everything at once, for a relay that is stopped.
pub(crate) fn sweep<S: Store>(
    replica: &mut Replica<S>,
    retention: &Retention,
    dry: bool,
    now: i64,
) -> Result<Value, StoreError> {
    let (mut sweep, mut looked) = (Sweep::asked(replica, dry), Looked::default());
    while !sweep.step(replica, &mut looked, retention, now)? {}
    Ok(sweep.report())
}

/// When a running relay does what, beside its phones.
#[derive(Debug)]
pub(crate) struct Pruner {
    pub retention: Retention,
    sweep: Option<Sweep>,
    looked: Looked,
    /// Who waits for the report of the sweep that runs.
    answer: Option<oneshot::Sender<Reply>>,
    asked: VecDeque<(bool, oneshot::Sender<Reply>)>,
    /// Milliseconds since 1970; nothing: as soon as the clock is known.
    next: Option<i64>,
}

impl Pruner {
    pub fn new(retention: Retention) -> Self {
        Self {
            retention,
            sweep: None,
            looked: Looked::default(),
            answer: None,
            asked: VecDeque::new(),
            next: None,
        }
    }

    /// The operator wants it now.
    pub fn ask(&mut self, dry: bool, reply: oneshot::Sender<Reply>, now: i64) {
        if !dry && !self.retention.signed {
            let _ = reply.send(Reply::Error(OFF.into()));
            return;
        }
        self.asked.push_back((dry, reply));
        self.next = Some(now);
    }

    /// When there is something to do, milliseconds since 1970.
    pub fn next(&self) -> Option<i64> {
        self.next
    }

    /// Whether it is time for a piece.
    pub fn is_due(&mut self, now: i64) -> bool {
        let next = *self.next.get_or_insert(now.saturating_add(FIRST_SWEEP_AFTER_MS));
        // A clock that was set back must not stop it for longer than a sweep.
        now >= next || next > now.saturating_add(SWEEP_EVERY_MS)
    }

    /// Does one piece. Nothing may be staged. What was dropped, if anything was.
    pub fn work<S: Store>(
        &mut self,
        replica: &mut Replica<S>,
        busy: bool,
        now: i64,
    ) -> Result<Dropped, StoreError> {
        let start = Instant::now();
        if self.sweep.is_none() {
            self.looked.keep(&replica.known_units());
            self.sweep = Some(match self.asked.pop_front() {
                Some((dry, reply)) => {
                    self.answer = Some(reply);
                    Sweep::asked(replica, dry)
                }
                None => Sweep::hourly(replica),
            });
        }
        let Some(sweep) = &mut self.sweep else {
            return Ok(Dropped::default());
        };
        let (before, dry) = (sweep.total, sweep.dry);
        let stepped = sweep.step(replica, &mut self.looked, &self.retention, now);
        let after = sweep.total;
        match stepped {
            Ok(false) => {
                let rest = start.elapsed() * if busy { REST_BUSY } else { REST };
                self.next = Some(now.saturating_add(millis(rest)));
            }
            Ok(true) => {
                let report = sweep.report();
                self.end(Reply::Ok(report), now, SWEEP_EVERY_MS);
            }
            Err(error) => {
                self.end(Reply::Error(error.to_string()), now, RETRY_AFTER_MS);
                return Err(error);
            }
        }
        Ok(match dry {
            true => Dropped::default(),
            false => Dropped {
                envelopes: after.envelopes - before.envelopes,
                bytes: after.bytes - before.bytes,
            },
        })
    }

    fn end(&mut self, reply: Reply, now: i64, rest: i64) {
        self.sweep = None;
        if let Some(answer) = self.answer.take() {
            // Whoever asked may have gone.
            let _ = answer.send(reply);
        }
        self.next = Some(now.saturating_add(if self.asked.is_empty() { rest } else { 0 }));
    }
}

impl<S: Store> Shard<S> {
    /// Does one piece of what is to be dropped, if it is time. At the end of a round, after its answers.
    pub fn prune(&mut self, now: i64) {
        if !self.books.pruner.is_due(now) {
            return;
        }
        // Contacts may be staged; what follows needs a store without anything staged, and none of it is a phone's.
        self.commit();
        let busy = !self.fair.is_empty();
        match self.books.pruner.work(&mut self.replica, busy, now) {
            Ok(dropped) => {
                self.metrics.pruned_envelopes.inc_by(dropped.envelopes);
                self.metrics.pruned_bytes.inc_by(dropped.bytes);
            }
            Err(error) => self.note_store(&error),
        }
        self.commit();
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX).max(1)
}

#[cfg(test)]
#[path = "prune_tests.rs"]
mod tests;
