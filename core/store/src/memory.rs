//! A store in memory: the reference the others are compared with, and the disk of the simulator.

use std::collections::{BTreeMap, BTreeSet};

use sotay_feed::{DeviceId, Envelope, EnvelopeId, Frontier, SpaceId, Tip, Verified, check_next};

use crate::rules::{LogFiller, PageFiller, after_prefix, judge, may_leap, proves_more, stays};
use crate::{
    ARRIVALS_PER_SPACE_MAX, Arrival, Batch, Bucket, Budget, Committed, Copied, DatabaseId, Dropped,
    ForkEvidence, KeyValue, Log, Logged, Outcome, Page, Store, StoreError, Stored,
};

/// Holds everything in maps. Cloning it copies the whole "disk": a backup, or what is left after a crash.
#[derive(Clone)]
pub struct MemoryStore {
    id: DatabaseId,
    spaces: BTreeMap<SpaceId, SpaceLog>,
    by_id: BTreeMap<EnvelopeId, (SpaceId, u64)>,
    records: BTreeMap<(Bucket, Vec<u8>), Vec<u8>>,
}

#[derive(Debug, Clone, Default)]
struct SpaceLog {
    /// Index `n` holds arrival `n + 1`, with the chain after it; nothing where it was dropped.
    log: Vec<(Option<Stored>, [u8; 8])>,
    feeds: BTreeMap<DeviceId, FeedLog>,
    bytes: u64,
}

#[derive(Debug, Clone, Default)]
struct FeedLog {
    /// The arrival of every number that is held.
    arrivals: BTreeMap<u64, u64>,
    fork: Option<ForkEvidence>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new(id: DatabaseId) -> Self {
        Self {
            id,
            spaces: BTreeMap::new(),
            by_id: BTreeMap::new(),
            records: BTreeMap::new(),
        }
    }

    fn append(
        &mut self,
        envelope: &Verified<Envelope>,
        leaps: &BTreeSet<EnvelopeId>,
    ) -> Result<Outcome, StoreError> {
        let space = *envelope.space();
        let log = self.spaces.entry(space).or_default();
        let (device, tip) = (envelope.header().device, log.tip(envelope.header().device));
        if let Err(fault) = check_next(tip, envelope.header())
            && !may_leap(leaps, envelope.id(), tip, envelope.header().seq)
        {
            let id_at = |seq| Ok(log.stored(device, seq).map(|stored| stored.id));
            let outcome = judge(envelope, fault, id_at)?;
            if let Outcome::Fork { seq } = outcome {
                log.keep_fork(space, seq, envelope);
            }
            return Ok(outcome);
        }
        Ok(Outcome::Stored(self.push(space, envelope)))
    }

    fn push(&mut self, space: SpaceId, envelope: &Verified<Envelope>) -> Arrival {
        let gone = (Bucket::Erased, envelope.id().as_bytes().to_vec());
        let left = self
            .records
            .contains_key(&gone)
            .then(|| envelope.erase())
            .flatten();
        let envelope = left.as_ref().unwrap_or(envelope);
        let log = self.spaces.entry(space).or_default();
        let arrival = log.head().next(envelope.id());
        let feed = log.feeds.entry(envelope.header().device).or_default();
        feed.arrivals.insert(envelope.header().seq, arrival.number);
        log.log
            .push((Some(Stored::new(arrival.number, envelope)), arrival.chain));
        log.bytes += envelope.bytes().len() as u64;
        self.by_id.insert(envelope.id(), (space, arrival.number));
        arrival
    }

    /// Keeps of an envelope only what verifies.
    fn erase(&mut self, id: EnvelopeId) -> Result<(), StoreError> {
        let Some((space, arrival)) = self.by_id.get(&id) else {
            return Ok(());
        };
        let log = self.spaces.get_mut(space).expect("it holds the envelope");
        let index = index_before(*arrival).expect("arrivals count from 1");
        let Some(stored) = &mut log.log[index].0 else {
            return Ok(());
        };
        let whole = Envelope::decode(&stored.bytes).expect("it was an envelope when it was stored");
        if let Some(left) = whole.erase() {
            log.bytes = log.bytes - stored.bytes.len() as u64 + left.bytes().len() as u64;
            stored.bytes = left.bytes().clone();
        }
        Ok(())
    }

    /// Everything that can fail is asked before anything changes.
    fn check(&self, batch: &Batch) -> Result<(), StoreError> {
        batch.puts.iter().try_for_each(|put| put.check_limits())?;
        let full = batch.envelopes.iter().any(|envelope| {
            let head = self
                .spaces
                .get(envelope.space())
                .map_or(0, |log| log.head().number);
            ARRIVALS_PER_SPACE_MAX - head < batch.envelopes.len() as u64
        });
        if full {
            return Err(StoreError::Full);
        }
        Ok(())
    }
}

impl SpaceLog {
    fn head(&self) -> Arrival {
        self.log
            .last()
            .map_or_else(Arrival::default, |(_, chain)| Arrival {
                number: self.log.len() as u64,
                chain: *chain,
            })
    }

    fn stored(&self, device: DeviceId, seq: u64) -> Option<&Stored> {
        let arrival = *self.feeds.get(&device)?.arrivals.get(&seq)?;
        self.log.get(index_before(arrival)?)?.0.as_ref()
    }

    fn tip(&self, device: DeviceId) -> Option<Tip> {
        let (&seq, _) = self.feeds.get(&device)?.arrivals.last_key_value()?;
        self.stored(device, seq).map(|stored| Tip { seq, id: stored.id })
    }

    fn keep_fork(&mut self, space: SpaceId, seq: u64, envelope: &Envelope) {
        let device = envelope.header().device;
        let kept = &mut self.feeds.entry(device).or_default().fork;
        if proves_more(kept.as_ref().map(|fork| fork.seq), seq) {
            *kept = Some(ForkEvidence {
                space,
                device,
                seq,
                other: envelope.bytes().clone(),
            });
        }
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Records may be keys or personal data.
        let Self {
            id,
            spaces,
            by_id,
            records,
        } = self;
        let (spaces, envelopes, records) = (spaces.len(), by_id.len(), records.len());
        write!(
            f,
            "MemoryStore({id:?}, {spaces} spaces, {envelopes} envelopes, {records} records)"
        )
    }
}

/// Index of a number that counts from 1.
fn index_before(number: u64) -> Option<usize> {
    usize::try_from(number.checked_sub(1)?).ok()
}

impl Store for MemoryStore {
    fn database_id(&self) -> DatabaseId {
        self.id
    }

    fn commit(&mut self, batch: Batch) -> Result<Committed, StoreError> {
        self.check(&batch)?;
        let outcomes = batch
            .envelopes
            .iter()
            .map(|envelope| self.append(envelope, &batch.leaps))
            .collect::<Result<_, _>>()?;
        for put in batch.puts {
            if let Some(id) = put.erases() {
                self.erase(id)?;
            }
            match put.value {
                Some(value) => self.records.insert((put.bucket, put.key), value),
                None => self.records.remove(&(put.bucket, put.key)),
            };
        }
        Ok(Committed { outcomes })
    }

    fn tip(&self, space: &SpaceId, device: DeviceId) -> Result<Option<Tip>, StoreError> {
        Ok(self.spaces.get(space).and_then(|log| log.tip(device)))
    }

    fn frontier(&self, space: &SpaceId) -> Result<Frontier, StoreError> {
        let feeds = self.spaces.get(space).into_iter().flat_map(|log| &log.feeds);
        Ok(feeds
            .filter_map(|(&device, feed)| Some((device, *feed.arrivals.last_key_value()?.0)))
            .collect())
    }

    fn head(&self, space: &SpaceId) -> Result<Arrival, StoreError> {
        Ok(self.spaces.get(space).map(SpaceLog::head).unwrap_or_default())
    }

    fn passed(&self, space: &SpaceId, arrival: Arrival) -> Result<bool, StoreError> {
        let Some(index) = index_before(arrival.number) else {
            return Ok(arrival == Arrival::default());
        };
        let at = self.spaces.get(space).and_then(|log| log.log.get(index));
        Ok(at.is_some_and(|(_, chain)| *chain == arrival.chain))
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
        let mut filler = PageFiller::new(budget);
        let Some(log) = self.spaces.get(space) else {
            return Ok(filler.finish(0));
        };
        let from = usize::try_from(after).unwrap_or(usize::MAX);
        let lacking = log
            .log
            .iter()
            .skip(from)
            .filter_map(|(stored, _)| stored.as_ref());
        for stored in lacking.filter(|stored| stored.seq > have.get(stored.device)) {
            if !filler.offer(stored.clone()) {
                break;
            }
        }
        Ok(filler.finish(log.head().number))
    }

    fn drop_envelopes(&mut self, space: &SpaceId, places: &[(DeviceId, u64)]) -> Result<Dropped, StoreError> {
        let mut dropped = Dropped::default();
        let Some(log) = self.spaces.get_mut(space) else {
            return Ok(dropped);
        };
        for (device, seq) in places {
            let Some(feed) = log.feeds.get_mut(device) else {
                continue;
            };
            let tip = feed.arrivals.last_key_value().map_or(0, |(tip, _)| *tip);
            let stays = stays(*seq, tip, feed.fork.as_ref().map(|fork| fork.seq));
            let Some(arrival) = (!stays).then(|| feed.arrivals.remove(seq)).flatten() else {
                continue;
            };
            let index = index_before(arrival).expect("arrivals count from 1");
            let stored = log.log[index].0.take().expect("it has a place");
            self.by_id.remove(&stored.id);
            dropped += Dropped {
                envelopes: 1,
                bytes: stored.bytes.len() as u64,
            };
        }
        log.bytes -= dropped.bytes;
        Ok(dropped)
    }

    fn log(&self, space: &SpaceId, after: u64, budget: Budget) -> Result<Log, StoreError> {
        let rows = self.spaces.get(space).map_or(&[][..], |log| &log.log);
        let before = match index_before(after) {
            None => Some([0; 8]),
            Some(index) => rows.get(index).map(|(_, chain)| *chain),
        };
        let mut filler = LogFiller::new(budget, before);
        let from = usize::try_from(after).unwrap_or(usize::MAX);
        for (index, (stored, chain)) in rows.iter().enumerate().skip(from) {
            let arrival = Arrival {
                number: index as u64 + 1,
                chain: *chain,
            };
            let stored = stored.clone();
            if !filler.offer(Logged { arrival, stored }) {
                break;
            }
        }
        Ok(filler.finish())
    }

    fn follow(&mut self, space: &SpaceId, rows: &[Copied]) -> Result<bool, StoreError> {
        let mut next = self.clone();
        for row in rows {
            let log = next.spaces.entry(*space).or_default();
            let head = log.head();
            if head.number >= ARRIVALS_PER_SPACE_MAX {
                return Err(StoreError::Full);
            }
            let device = row.envelope.as_ref().map(|envelope| envelope.header().device);
            if !row.continues(head, device.and_then(|device| log.tip(device))) {
                return Ok(false);
            }
            match &row.envelope {
                Some(envelope) if envelope.space() != space => return Ok(false),
                Some(envelope) => {
                    next.push(*space, envelope);
                }
                None => log.log.push((None, row.arrival.chain)),
            }
        }
        *self = next;
        Ok(true)
    }

    fn at(&self, space: &SpaceId, device: DeviceId, seq: u64) -> Result<Option<Stored>, StoreError> {
        Ok(self
            .spaces
            .get(space)
            .and_then(|log| log.stored(device, seq))
            .cloned())
    }

    fn envelope(&self, id: EnvelopeId) -> Result<Option<Stored>, StoreError> {
        let Some((space, arrival)) = self.by_id.get(&id) else {
            return Ok(None);
        };
        let index = index_before(*arrival).expect("arrivals count from 1");
        Ok(self
            .spaces
            .get(space)
            .and_then(|log| log.log.get(index))
            .and_then(|(stored, _)| stored.clone()))
    }

    fn space_bytes(&self, space: &SpaceId) -> Result<u64, StoreError> {
        Ok(self.spaces.get(space).map_or(0, |log| log.bytes))
    }

    fn spaces(&self) -> Result<Vec<SpaceId>, StoreError> {
        let holding = self.spaces.iter().filter(|(_, log)| !log.log.is_empty());
        Ok(holding.map(|(space, _)| *space).collect())
    }

    fn forks(&self) -> Result<Vec<ForkEvidence>, StoreError> {
        let feeds = self.spaces.values().flat_map(|log| log.feeds.values());
        Ok(feeds.filter_map(|feed| feed.fork.clone()).collect())
    }

    fn get(&self, bucket: Bucket, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.records.get(&(bucket, key.to_vec())).cloned())
    }

    fn list(&self, bucket: Bucket, prefix: &[u8]) -> Result<Vec<KeyValue>, StoreError> {
        let end = after_prefix(prefix);
        let from = self.records.range((bucket, prefix.to_vec())..);
        let within =
            from.take_while(|((at, key), _)| *at == bucket && end.as_ref().is_none_or(|end| key < end));
        Ok(within
            .map(|((_, key), value)| (key.clone(), value.clone()))
            .collect())
    }
}
