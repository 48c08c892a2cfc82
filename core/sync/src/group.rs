//! One disk commit for what many sessions brought (P9.11).
//!
//! A relay puts a [`Group`] between its replica and its store, feeds a round of frames to its sessions, calls
//! [`Replica::flush`], and only then polls them. What sessions read in between already includes what is staged, and
//! nothing of it leaves the process before it is durable.

use std::collections::{BTreeMap, BTreeSet};

use sotay_feed::{
    DeviceId, Envelope, EnvelopeId, Frontier, IntoTree, SpaceId, SpaceTag, Tip, Verified, check_next,
};
use sotay_store::rules::{PageFiller, after_prefix, judge, may_leap, proves_more};
use sotay_store::{
    ARRIVALS_PER_SPACE_MAX, Arrival, Batch, Bucket, Budget, Committed, Copied, DatabaseId, Dropped,
    ForkEvidence, KeyValue, Log, News, Outcome, Page, Put, Store, StoreError, Stored,
};

use crate::replica::Replica;

/// A store whose commits are gathered until [`Group::flush`].
#[derive(Debug)]
pub struct Group<S> {
    inner: S,
    spaces: BTreeMap<SpaceId, Staged>,
    by_id: BTreeMap<EnvelopeId, (SpaceId, usize)>,
    forks: BTreeMap<(SpaceId, DeviceId), ForkEvidence>,
    records: BTreeMap<(Bucket, Vec<u8>), Option<Vec<u8>>>,
    /// In the order in which they came, proofs of forks included.
    envelopes: Vec<Verified<Envelope>>,
    leaps: BTreeSet<EnvelopeId>,
    expected: Vec<Outcome>,
    bytes: usize,
    /// What staged erasures make of the bytes of envelopes that the store holds already.
    shrunk: BTreeMap<SpaceTag, i64>,
}

/// What is staged of one space, in arrival order.
#[derive(Debug, Default)]
struct Staged {
    log: Vec<(Stored, Arrival)>,
    places: BTreeMap<(DeviceId, u64), usize>,
    tips: BTreeMap<DeviceId, Tip>,
    bytes: u64,
}

impl<S: Store> Group<S> {
    /// Nothing staged.
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            spaces: BTreeMap::new(),
            by_id: BTreeMap::new(),
            forks: BTreeMap::new(),
            records: BTreeMap::new(),
            envelopes: Vec::new(),
            leaps: BTreeSet::new(),
            expected: Vec::new(),
            bytes: 0,
            shrunk: BTreeMap::new(),
        }
    }

    /// The store behind it, without what is staged.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// The store behind it. What is staged is dropped.
    pub fn into_inner(self) -> S {
        self.inner
    }

    /// Whether nothing waits for a flush: what sessions read now is durable.
    pub fn is_flushed(&self) -> bool {
        self.envelopes.is_empty() && self.records.is_empty()
    }

    /// Bytes of envelopes that wait for a flush.
    pub fn staged_bytes(&self) -> usize {
        self.bytes
    }

    /// Makes everything durable in one transaction. On an error nothing is, and what was staged is dropped.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        let envelopes = std::mem::take(&mut self.envelopes);
        let expected = std::mem::take(&mut self.expected);
        let puts: Vec<Put> = std::mem::take(&mut self.records)
            .into_iter()
            .map(|((bucket, key), value)| Put { bucket, key, value })
            .collect();
        self.spaces.clear();
        self.by_id.clear();
        self.forks.clear();
        self.bytes = 0;
        self.shrunk.clear();
        if envelopes.is_empty() && puts.is_empty() {
            return self.inner.release();
        }
        let leaps = std::mem::take(&mut self.leaps);
        let committed = self.inner.commit(Batch {
            envelopes,
            puts,
            leaps,
        })?;
        if committed.outcomes == expected {
            Ok(())
        } else if self.inner.is_shared() {
            // Durable all the same, but what sessions are about to say names other arrivals.
            Err(StoreError::Moved)
        } else {
            // This thread alone writes the store, and both judge by the same rules.
            Err(StoreError::Corrupt(
                "the store judged a batch otherwise than it was staged".into(),
            ))
        }
    }

    fn stage(
        &mut self,
        envelope: Verified<Envelope>,
        leaps: &BTreeSet<EnvelopeId>,
    ) -> Result<Outcome, StoreError> {
        let space = *envelope.space();
        let device = envelope.header().device;
        let tip = self.tip(&space, device)?;
        let leaps = may_leap(leaps, envelope.id(), tip, envelope.header().seq);
        if leaps {
            self.leaps.insert(envelope.id());
        } else if let Err(fault) = check_next(tip, envelope.header()) {
            let outcome = judge(&envelope, fault, |seq| {
                let stored = self.at(&space, device, seq)?;
                Ok(stored.map(|stored| stored.id))
            })?;
            if let Outcome::Fork { seq } = outcome {
                self.keep_fork(space, device, seq, &envelope)?;
                self.envelopes.push(envelope);
                self.expected.push(outcome);
            }
            return Ok(outcome);
        }
        let arrival = self.head(&space)?.next(envelope.id());
        let erasable = envelope.header().kind.is_erasable();
        let gone = erasable && self.get(Bucket::Erased, envelope.id().as_bytes())?.is_some();
        let envelope = envelope.erase().filter(|_| gone).unwrap_or(envelope);
        let staged = self.spaces.entry(space).or_default();
        let index = staged.log.len();
        staged.log.push((Stored::new(arrival.number, &envelope), arrival));
        staged.places.insert((device, envelope.header().seq), index);
        staged.tips.insert(device, envelope.tip());
        staged.bytes += envelope.bytes().len() as u64;
        self.by_id.insert(envelope.id(), (space, index));
        self.bytes += envelope.bytes().len();
        self.envelopes.push(envelope);
        self.expected.push(Outcome::Stored(arrival));
        Ok(Outcome::Stored(arrival))
    }

    /// Keeps of an envelope only what verifies, wherever it is.
    fn erase(&mut self, id: EnvelopeId) -> Result<(), StoreError> {
        if let Some((space, index)) = self.by_id.get(&id) {
            if let Some(staged) = self.spaces.get_mut(space) {
                let (stored, _) = &mut staged.log[*index];
                let before = stored.bytes.len() as u64;
                *stored = erased(stored.clone());
                staged.bytes = staged.bytes + stored.bytes.len() as u64 - before;
            }
            return Ok(());
        }
        if self.get(Bucket::Erased, id.as_bytes())?.is_some() {
            return Ok(());
        }
        if let Some(stored) = self.inner.envelope(id)?
            && let Ok(envelope) = Envelope::decode(&stored.bytes)
        {
            let (before, after) = (stored.bytes.len() as i64, erased(stored).bytes.len() as i64);
            *self.shrunk.entry(envelope.header().space).or_default() += after - before;
        }
        Ok(())
    }

    /// What the store holds, as it will be after the flush.
    fn shown(&self, stored: Stored) -> Stored {
        let key = (Bucket::Erased, stored.id.as_bytes().to_vec());
        match self.records.get(&key) {
            Some(Some(_)) => erased(stored),
            _ => stored,
        }
    }

    fn keep_fork(
        &mut self,
        space: SpaceId,
        device: DeviceId,
        seq: u64,
        envelope: &Envelope,
    ) -> Result<(), StoreError> {
        let of_feed = |fork: &&ForkEvidence| fork.space == space && fork.device == device;
        let known = self.forks()?;
        if proves_more(known.iter().find(of_feed).map(|fork| fork.seq), seq) {
            let evidence = ForkEvidence {
                space,
                device,
                seq,
                other: envelope.bytes().clone(),
            };
            self.forks.insert((space, device), evidence);
        }
        Ok(())
    }
}

/// The same without its body, if it is of a kind that can be erased.
fn erased(stored: Stored) -> Stored {
    let left = Envelope::decode(&stored.bytes)
        .ok()
        .and_then(|envelope| envelope.erase());
    match left {
        Some(left) => Stored::new(stored.arrival, &left),
        None => stored,
    }
}

impl<S: Store> Replica<Group<S>> {
    /// Makes everything that sessions brought since the last flush durable, in one transaction; poll them afterwards.
    ///
    /// On an error nothing of it is, although sessions have answers queued: call [`crate::Session::abandon`] on every
    /// one that was fed since. The replica reads its memberships again before it uses them again.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        self.store.flush().inspect_err(|_| self.mark_stale())
    }
}

impl<S: Store> Store for Group<S> {
    fn database_id(&self) -> DatabaseId {
        self.inner.database_id()
    }

    /// Stages; durable only after [`Group::flush`].
    fn commit(&mut self, batch: Batch) -> Result<Committed, StoreError> {
        batch.puts.iter().try_for_each(Put::check_limits)?;
        for space in batch
            .envelopes
            .iter()
            .map(|envelope| envelope.space())
            .collect::<BTreeSet<_>>()
        {
            if ARRIVALS_PER_SPACE_MAX - self.head(space)?.number < batch.envelopes.len() as u64 {
                return Err(StoreError::Full);
            }
        }
        let outcomes = batch
            .envelopes
            .into_iter()
            .map(|envelope| self.stage(envelope, &batch.leaps));
        let outcomes = outcomes.collect::<Result<_, _>>()?;
        for put in batch.puts {
            if let Some(id) = put.erases() {
                self.erase(id)?;
            }
            self.records.insert((put.bucket, put.key), put.value);
        }
        Ok(Committed { outcomes })
    }

    fn tip(&self, space: &SpaceId, device: DeviceId) -> Result<Option<Tip>, StoreError> {
        match self.spaces.get(space).and_then(|staged| staged.tips.get(&device)) {
            Some(tip) => Ok(Some(*tip)),
            None => self.inner.tip(space, device),
        }
    }

    fn frontier(&self, space: &SpaceId) -> Result<Frontier, StoreError> {
        let mut frontier = self.inner.frontier(space)?;
        for (device, tip) in self.spaces.get(space).into_iter().flat_map(|staged| &staged.tips) {
            frontier.raise(*device, tip.seq);
        }
        Ok(frontier)
    }

    fn head(&self, space: &SpaceId) -> Result<Arrival, StoreError> {
        match self.spaces.get(space).and_then(|staged| staged.log.last()) {
            Some((_, arrival)) => Ok(*arrival),
            None => self.inner.head(space),
        }
    }

    fn passed(&self, space: &SpaceId, arrival: Arrival) -> Result<bool, StoreError> {
        let staged = self.spaces.get(space).into_iter().flat_map(|staged| &staged.log);
        let mut staged = staged.filter(|(stored, _)| stored.arrival == arrival.number);
        match staged.next() {
            Some((_, passed)) => Ok(*passed == arrival),
            None => self.inner.passed(space, arrival),
        }
    }

    fn since(&self, space: &SpaceId, after: u64, budget: Budget) -> Result<Page, StoreError> {
        self.missing(space, &Frontier::new(), after, budget)
    }

    fn missing(
        &self,
        space: &SpaceId,
        have: &Frontier,
        after: u64,
        budget: Budget,
    ) -> Result<Page, StoreError> {
        let mut page = self.inner.missing(space, have, after, budget)?;
        page.envelopes = page
            .envelopes
            .into_iter()
            .map(|stored| self.shown(stored))
            .collect();
        let Some(staged) = self.spaces.get(space).filter(|_| !page.more) else {
            return Ok(page);
        };
        let mut filler = PageFiller::new(budget);
        let lacking = staged
            .log
            .iter()
            .map(|(stored, _)| stored)
            .filter(|stored| stored.arrival > after && stored.seq > have.get(stored.device));
        for stored in page.envelopes.into_iter().chain(lacking.cloned()) {
            if !filler.offer(stored) {
                break;
            }
        }
        Ok(filler.finish(self.head(space)?.number))
    }

    /// Makes durable what is staged first; when that fails, so did the flush.
    fn drop_envelopes(&mut self, space: &SpaceId, places: &[(DeviceId, u64)]) -> Result<Dropped, StoreError> {
        self.flush()?;
        self.inner.drop_envelopes(space, places)
    }

    /// Without what is staged.
    fn log(&self, space: &SpaceId, after: u64, budget: Budget) -> Result<Log, StoreError> {
        self.inner.log(space, after, budget)
    }

    /// Makes durable what is staged first; when that fails, so did the flush.
    fn follow(&mut self, space: &SpaceId, rows: &[Copied]) -> Result<bool, StoreError> {
        self.flush()?;
        self.inner.follow(space, rows)
    }

    fn at(&self, space: &SpaceId, device: DeviceId, seq: u64) -> Result<Option<Stored>, StoreError> {
        let staged = self.spaces.get(space);
        match staged.and_then(|staged| Some(&staged.log[*staged.places.get(&(device, seq))?].0)) {
            Some(stored) => Ok(Some(stored.clone())),
            None => Ok(self
                .inner
                .at(space, device, seq)?
                .map(|stored| self.shown(stored))),
        }
    }

    fn envelope(&self, id: EnvelopeId) -> Result<Option<Stored>, StoreError> {
        match self.by_id.get(&id) {
            Some((space, index)) => Ok(self.spaces.get(space).map(|staged| staged.log[*index].0.clone())),
            None => Ok(self.inner.envelope(id)?.map(|stored| self.shown(stored))),
        }
    }

    fn space_bytes(&self, space: &SpaceId) -> Result<u64, StoreError> {
        let staged = self.spaces.get(space).map_or(0, |staged| staged.bytes);
        let shrunk = self.shrunk.get(&space.tag()).copied().unwrap_or(0);
        Ok((self.inner.space_bytes(space)? + staged).saturating_add_signed(shrunk))
    }

    fn spaces(&self) -> Result<Vec<SpaceId>, StoreError> {
        let mut spaces: BTreeSet<SpaceId> = self.inner.spaces()?.into_iter().into_set();
        spaces.extend(self.spaces.keys());
        Ok(spaces.into_iter().collect())
    }

    fn forks(&self) -> Result<Vec<ForkEvidence>, StoreError> {
        let known = self
            .inner
            .forks()?
            .into_iter()
            .map(|fork| ((fork.space, fork.device), fork));
        let mut forks: BTreeMap<_, _> = known.into_map();
        forks.extend(self.forks.iter().map(|(feed, fork)| (*feed, fork.clone())));
        Ok(forks.into_values().collect())
    }

    fn get(&self, bucket: Bucket, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.records.get(&(bucket, key.to_vec())) {
            Some(value) => Ok(value.clone()),
            None => self.inner.get(bucket, key),
        }
    }

    fn list(&self, bucket: Bucket, prefix: &[u8]) -> Result<Vec<KeyValue>, StoreError> {
        let mut records: BTreeMap<Vec<u8>, Vec<u8>> = self.inner.list(bucket, prefix)?.into_iter().into_map();
        let end = after_prefix(prefix);
        let staged = self.records.range((bucket, prefix.to_vec())..);
        let within =
            staged.take_while(|((at, key), _)| *at == bucket && end.as_ref().is_none_or(|end| key < end));
        for ((_, key), value) in within {
            match value {
                Some(value) => records.insert(key.clone(), value.clone()),
                None => records.remove(key),
            };
        }
        Ok(records.into_iter().collect())
    }

    fn is_shared(&self) -> bool {
        self.inner.is_shared()
    }

    /// To be asked for when nothing is staged.
    fn news(&mut self) -> Result<News, StoreError> {
        self.inner.news()
    }

    fn hold(&mut self, space: &SpaceId, wait: bool) -> Result<bool, StoreError> {
        self.inner.hold(space, wait)
    }

    fn server_bytes(&self) -> Result<Option<u64>, StoreError> {
        self.inner.server_bytes()
    }

    fn release(&mut self) -> Result<(), StoreError> {
        self.inner.release()
    }
}
