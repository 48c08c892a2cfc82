//! A store that counts and times its commits and tells the health checks how they end.

use std::sync::Arc;
use std::time::Instant;

use sotay_feed::{DeviceId, EnvelopeId, Frontier, SpaceId, Tip};
use sotay_store::{
    Arrival, Batch, Bucket, Budget, Committed, Copied, DatabaseId, Dropped, ForkEvidence, Log, News, Outcome,
    Page, Store, StoreError, Stored,
};

use crate::health::Health;
use crate::metrics::{self, Metrics};

/// The store a shard owns.
pub(crate) struct Metered<S> {
    inner: S,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
}

impl<S: Store> Metered<S> {
    pub fn new(inner: S, metrics: Arc<Metrics>, health: Arc<Health>) -> Self {
        Self {
            inner,
            metrics,
            health,
        }
    }
}

fn label(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Stored(_) => "stored",
        Outcome::Duplicate => "duplicate",
        Outcome::Gap { .. } => "gap",
        Outcome::Fork { .. } => "fork",
    }
}

impl<S: Store> Store for Metered<S> {
    fn database_id(&self) -> DatabaseId {
        self.inner.database_id()
    }

    fn commit(&mut self, batch: Batch) -> Result<Committed, StoreError> {
        let offered: Vec<usize> = batch
            .envelopes
            .iter()
            .map(|envelope| envelope.bytes().len())
            .collect();
        let start = Instant::now();
        let result = self.inner.commit(batch);
        self.metrics.commit_seconds.observe(start.elapsed().as_secs_f64());
        self.metrics.commit_envelopes.observe(offered.len() as f64);
        self.health.store_result(&result);
        let committed = result?;
        for (outcome, len) in committed.outcomes.iter().zip(offered) {
            let outcome_label = metrics::Outcome {
                outcome: label(outcome),
            };
            self.metrics.committed.get_or_create(&outcome_label).inc();
            if let Outcome::Stored(_) = outcome {
                self.metrics.stored_bytes.inc_by(len as u64);
            }
        }
        Ok(committed)
    }

    fn tip(&self, space: &SpaceId, device: DeviceId) -> Result<Option<Tip>, StoreError> {
        self.inner.tip(space, device)
    }

    fn frontier(&self, space: &SpaceId) -> Result<Frontier, StoreError> {
        self.inner.frontier(space)
    }

    fn head(&self, space: &SpaceId) -> Result<Arrival, StoreError> {
        self.inner.head(space)
    }

    fn passed(&self, space: &SpaceId, arrival: Arrival) -> Result<bool, StoreError> {
        self.inner.passed(space, arrival)
    }

    fn since(&self, space: &SpaceId, after: u64, budget: Budget) -> Result<Page, StoreError> {
        self.inner.since(space, after, budget)
    }

    fn missing(
        &self,
        space: &SpaceId,
        have: &Frontier,
        after: u64,
        budget: Budget,
    ) -> Result<Page, StoreError> {
        self.inner.missing(space, have, after, budget)
    }

    fn drop_envelopes(&mut self, space: &SpaceId, places: &[(DeviceId, u64)]) -> Result<Dropped, StoreError> {
        self.inner.drop_envelopes(space, places)
    }

    fn log(&self, space: &SpaceId, after: u64, budget: Budget) -> Result<Log, StoreError> {
        self.inner.log(space, after, budget)
    }

    fn follow(&mut self, space: &SpaceId, rows: &[Copied]) -> Result<bool, StoreError> {
        self.inner.follow(space, rows)
    }

    fn at(&self, space: &SpaceId, device: DeviceId, seq: u64) -> Result<Option<Stored>, StoreError> {
        self.inner.at(space, device, seq)
    }

    fn envelope(&self, id: EnvelopeId) -> Result<Option<Stored>, StoreError> {
        self.inner.envelope(id)
    }

    fn space_bytes(&self, space: &SpaceId) -> Result<u64, StoreError> {
        self.inner.space_bytes(space)
    }

    fn spaces(&self) -> Result<Vec<SpaceId>, StoreError> {
        self.inner.spaces()
    }

    fn forks(&self) -> Result<Vec<ForkEvidence>, StoreError> {
        self.inner.forks()
    }

    fn get(&self, bucket: Bucket, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(bucket, key)
    }

    fn list(&self, bucket: Bucket, prefix: &[u8]) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StoreError> {
        self.inner.list(bucket, prefix)
    }

    fn is_shared(&self) -> bool {
        self.inner.is_shared()
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Trouble;
    use sotay_feed::{DeviceKeys, Draft, Envelope, Kind, Space, SpaceKind, UnitId, Verified};
    use sotay_store::{Fault, Faults, FaultyStore, MemoryStore};

    #[test]
    fn commits_are_counted_by_what_became_of_each_envelope() {
        let keys = DeviceKeys::from_seeds([1; 32], [2; 32]);
        let space = Space::of(UnitId::from_bytes([7; 32]), SpaceKind::Main).id();
        let next = |tip| -> Verified<Envelope> {
            Draft::next(&keys, Kind::CHANGE, &space, tip)
                .sign(&keys, &space, b"body")
                .unwrap()
        };
        let metrics = Arc::new(Metrics::new("nowhere".into()));
        let inner = MemoryStore::new(DatabaseId([1; 16]));
        let mut store = Metered::new(inner, metrics.clone(), Arc::new(Health::starting()));
        let first = next(None);
        let second = next(Some(first.tip()));
        let third = next(Some(second.tip()));
        for envelopes in [vec![first.clone(), third, first.clone()], vec![second]] {
            store
                .commit(Batch {
                    envelopes,
                    puts: vec![],
                    ..Batch::default()
                })
                .unwrap();
        }
        let text = metrics.text();
        for line in [
            "sotay_relay_envelopes_committed_total{outcome=\"stored\"} 2".to_owned(),
            "sotay_relay_envelopes_committed_total{outcome=\"duplicate\"} 1".to_owned(),
            "sotay_relay_envelopes_committed_total{outcome=\"gap\"} 1".to_owned(),
            "sotay_relay_commit_seconds_count 2".to_owned(),
            "sotay_relay_commit_envelopes_sum 4.0".to_owned(),
            format!("sotay_relay_stored_bytes_total {}", 2 * first.bytes().len()),
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line} is not in\n{text}"
            );
        }
    }

    #[test]
    fn a_disk_that_fills_up_is_told_to_the_health_checks() {
        let health = Arc::new(Health::starting());
        health.set(None);
        let faults = Faults::none().at(0, Fault::DiskFull);
        let inner = FaultyStore::new(MemoryStore::new(DatabaseId([1; 16])), faults);
        let mut store = Metered::new(inner, Arc::new(Metrics::new("nowhere".into())), health.clone());
        assert!(store.commit(Batch::default()).is_err());
        assert_eq!(health.trouble(), Some(Trouble::Full));
        store.inner.free_space();
        store.commit(Batch::default()).unwrap();
        assert_eq!(health.trouble(), None);
    }
}
