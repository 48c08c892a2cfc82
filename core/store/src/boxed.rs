//! Any store behind one type, for programs that choose at run time.

use sotay_feed::{DeviceId, EnvelopeId, Frontier, SpaceId, Tip};

use crate::{
    Arrival, Batch, Bucket, Budget, Committed, Copied, DatabaseId, Dropped, ForkEvidence, KeyValue, Log,
    News, Page, Store, StoreError, Stored,
};

impl<S: Store + ?Sized> Store for Box<S> {
    fn database_id(&self) -> DatabaseId {
        (**self).database_id()
    }

    fn commit(&mut self, batch: Batch) -> Result<Committed, StoreError> {
        (**self).commit(batch)
    }

    fn tip(&self, space: &SpaceId, device: DeviceId) -> Result<Option<Tip>, StoreError> {
        (**self).tip(space, device)
    }

    fn frontier(&self, space: &SpaceId) -> Result<Frontier, StoreError> {
        (**self).frontier(space)
    }

    fn head(&self, space: &SpaceId) -> Result<Arrival, StoreError> {
        (**self).head(space)
    }

    fn passed(&self, space: &SpaceId, arrival: Arrival) -> Result<bool, StoreError> {
        (**self).passed(space, arrival)
    }

    fn since(&self, space: &SpaceId, after: u64, budget: Budget) -> Result<Page, StoreError> {
        (**self).since(space, after, budget)
    }

    fn missing(
        &self,
        space: &SpaceId,
        have: &Frontier,
        after: u64,
        budget: Budget,
    ) -> Result<Page, StoreError> {
        (**self).missing(space, have, after, budget)
    }

    fn drop_envelopes(&mut self, space: &SpaceId, places: &[(DeviceId, u64)]) -> Result<Dropped, StoreError> {
        (**self).drop_envelopes(space, places)
    }

    fn log(&self, space: &SpaceId, after: u64, budget: Budget) -> Result<Log, StoreError> {
        (**self).log(space, after, budget)
    }

    fn follow(&mut self, space: &SpaceId, rows: &[Copied]) -> Result<bool, StoreError> {
        (**self).follow(space, rows)
    }

    fn at(&self, space: &SpaceId, device: DeviceId, seq: u64) -> Result<Option<Stored>, StoreError> {
        (**self).at(space, device, seq)
    }

    fn envelope(&self, id: EnvelopeId) -> Result<Option<Stored>, StoreError> {
        (**self).envelope(id)
    }

    fn space_bytes(&self, space: &SpaceId) -> Result<u64, StoreError> {
        (**self).space_bytes(space)
    }

    fn spaces(&self) -> Result<Vec<SpaceId>, StoreError> {
        (**self).spaces()
    }

    fn forks(&self) -> Result<Vec<ForkEvidence>, StoreError> {
        (**self).forks()
    }

    fn get(&self, bucket: Bucket, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        (**self).get(bucket, key)
    }

    fn list(&self, bucket: Bucket, prefix: &[u8]) -> Result<Vec<KeyValue>, StoreError> {
        (**self).list(bucket, prefix)
    }

    fn is_shared(&self) -> bool {
        (**self).is_shared()
    }

    fn news(&mut self) -> Result<News, StoreError> {
        (**self).news()
    }

    fn hold(&mut self, space: &SpaceId, wait: bool) -> Result<bool, StoreError> {
        (**self).hold(space, wait)
    }

    fn server_bytes(&self) -> Result<Option<u64>, StoreError> {
        (**self).server_bytes()
    }

    fn release(&mut self) -> Result<(), StoreError> {
        (**self).release()
    }
}
