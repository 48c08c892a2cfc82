//! A disk that outlives the program that writes it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sotay_feed::{DeviceId, EnvelopeId, Frontier, SpaceId, Tip};
use sotay_store::{
    Arrival, Batch, Bucket, Budget, Committed, Copied, DatabaseId, Dropped, Faults, FaultyStore,
    ForkEvidence, KeyValue, Log, MemoryStore, Page, Store, StoreError, Stored,
};

/// A store in memory with several handles: the running program has one, and whoever pulls the plug keeps another.
#[derive(Debug, Clone)]
pub struct Disk(Arc<Mutex<MemoryStore>>);

/// A disk as a running program sees it: with faults.
pub type Mounted = FaultyStore<Disk>;

impl Disk {
    /// An empty disk whose database gets this id.
    pub fn empty(id: u128) -> Self {
        Self::holding(MemoryStore::new(DatabaseId(id.to_be_bytes())))
    }

    /// A disk with this content.
    pub fn holding(content: MemoryStore) -> Self {
        Self(Arc::new(Mutex::new(content)))
    }

    /// A copy of what it holds now.
    pub fn copy(&self) -> MemoryStore {
        self.lock().clone()
    }

    /// Opens it without faults.
    pub fn mount(&self) -> Mounted {
        FaultyStore::new(self.clone(), Faults::none())
    }

    fn lock(&self) -> MutexGuard<'_, MemoryStore> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for Disk {
    fn database_id(&self) -> DatabaseId {
        self.lock().database_id()
    }

    fn commit(&mut self, batch: Batch) -> Result<Committed, StoreError> {
        self.lock().commit(batch)
    }

    fn tip(&self, space: &SpaceId, device: DeviceId) -> Result<Option<Tip>, StoreError> {
        self.lock().tip(space, device)
    }

    fn frontier(&self, space: &SpaceId) -> Result<Frontier, StoreError> {
        self.lock().frontier(space)
    }

    fn head(&self, space: &SpaceId) -> Result<Arrival, StoreError> {
        self.lock().head(space)
    }

    fn passed(&self, space: &SpaceId, arrival: Arrival) -> Result<bool, StoreError> {
        self.lock().passed(space, arrival)
    }

    fn since(&self, space: &SpaceId, after: u64, budget: Budget) -> Result<Page, StoreError> {
        self.lock().since(space, after, budget)
    }

    fn missing(
        &self,
        space: &SpaceId,
        have: &Frontier,
        after: u64,
        budget: Budget,
    ) -> Result<Page, StoreError> {
        self.lock().missing(space, have, after, budget)
    }

    fn drop_envelopes(&mut self, space: &SpaceId, places: &[(DeviceId, u64)]) -> Result<Dropped, StoreError> {
        self.lock().drop_envelopes(space, places)
    }

    fn log(&self, space: &SpaceId, after: u64, budget: Budget) -> Result<Log, StoreError> {
        self.lock().log(space, after, budget)
    }

    fn follow(&mut self, space: &SpaceId, rows: &[Copied]) -> Result<bool, StoreError> {
        self.lock().follow(space, rows)
    }

    fn at(&self, space: &SpaceId, device: DeviceId, seq: u64) -> Result<Option<Stored>, StoreError> {
        self.lock().at(space, device, seq)
    }

    fn envelope(&self, id: EnvelopeId) -> Result<Option<Stored>, StoreError> {
        self.lock().envelope(id)
    }

    fn space_bytes(&self, space: &SpaceId) -> Result<u64, StoreError> {
        self.lock().space_bytes(space)
    }

    fn spaces(&self) -> Result<Vec<SpaceId>, StoreError> {
        self.lock().spaces()
    }

    fn forks(&self) -> Result<Vec<ForkEvidence>, StoreError> {
        self.lock().forks()
    }

    fn get(&self, bucket: Bucket, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.lock().get(bucket, key)
    }

    fn list(&self, bucket: Bucket, prefix: &[u8]) -> Result<Vec<KeyValue>, StoreError> {
        self.lock().list(bucket, prefix)
    }
}
