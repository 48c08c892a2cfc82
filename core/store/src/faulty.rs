//! A store that fails on purpose: the disk of the simulator and of every "what if the disk …" test.

use std::cell::Cell;
use std::collections::BTreeMap;

use sotay_feed::{DeviceId, EnvelopeId, Frontier, SpaceId, Tip};

use crate::{
    Arrival, Batch, Bucket, Budget, Committed, Copied, DatabaseId, Dropped, ForkEvidence, KeyValue, Log,
    News, Page, Store, StoreError, Stored,
};

/// What goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The call fails without effect; the next one works again.
    Fail,
    /// A commit fails for want of room, and so does every later one until [`FaultyStore::free_space`]. Reads go on.
    DiskFull,
    /// The process dies before the call reaches the disk: this and every later call fails.
    CrashBefore,
    /// The process dies after the call: its effect is on disk, but the caller never hears of it.
    CrashAfter,
}

/// Which calls fail. Calls count from 0, reads and commits alike.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    at: BTreeMap<u64, Fault>,
    seeded: Option<Seeded>,
}

#[derive(Debug, Clone, Copy)]
struct Seeded {
    seed: u64,
    one_in: u64,
    kinds: &'static [Fault],
}

impl Faults {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self::default()
    }

    /// One fault at one call, beside those chosen before.
    #[must_use]
    pub fn at(mut self, call: u64, fault: Fault) -> Self {
        self.at.insert(call, fault);
        self
    }

    /// About one call in `one_in` (at least 1) fails in one of `kinds` (not empty). The same seed fails the same calls
    /// in every version of this software: the choice is SplitMix64 of seed and call number, not a library's generator.
    #[must_use]
    pub fn seeded(mut self, seed: u64, one_in: u64, kinds: &'static [Fault]) -> Self {
        self.seeded = Some(Seeded { seed, one_in, kinds });
        self
    }

    fn of(&self, call: u64) -> Option<Fault> {
        let chosen = || {
            let Seeded { seed, one_in, kinds } = self.seeded?;
            let random = split_mix(seed ^ split_mix(call));
            let index = usize::try_from((random >> 32) % kinds.len() as u64).expect("below a length");
            random.is_multiple_of(one_in).then(|| kinds[index])
        };
        self.at.get(&call).copied().or_else(chosen)
    }
}

fn split_mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Any store, with faults.
#[derive(Debug)]
pub struct FaultyStore<S> {
    inner: S,
    faults: Faults,
    calls: Cell<u64>,
    full: Cell<bool>,
    crashed: Cell<bool>,
}

impl<S: Store> FaultyStore<S> {
    /// Wraps a store; calls count from here.
    pub fn new(inner: S, faults: Faults) -> Self {
        Self {
            inner,
            faults,
            calls: Cell::new(0),
            full: Cell::new(false),
            crashed: Cell::new(false),
        }
    }

    /// Calls so far.
    pub fn calls(&self) -> u64 {
        self.calls.get()
    }

    /// Whether a crash happened: drop the owner and open [`FaultyStore::into_inner`] anew.
    pub fn crashed(&self) -> bool {
        self.crashed.get()
    }

    /// The disk has room again.
    pub fn free_space(&self) {
        self.full.set(false);
    }

    /// Other faults from here on; the count of calls goes on.
    pub fn set_faults(&mut self, faults: Faults) {
        self.faults = faults;
    }

    /// What is on disk.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// What is on disk, after the process is gone.
    pub fn into_inner(self) -> S {
        self.inner
    }

    /// What this call has to suffer. `Err` when it must not reach the inner store.
    fn next(&self, commit: bool) -> Result<Option<Fault>, StoreError> {
        if self.crashed.get() {
            return Err(crash());
        }
        let call = self.calls.get();
        self.calls.set(call + 1);
        let fault = self.faults.of(call);
        match fault {
            Some(Fault::Fail) => return Err(StoreError::Io("injected fault".into())),
            Some(Fault::DiskFull) => self.full.set(true),
            Some(Fault::CrashBefore) => {
                self.crashed.set(true);
                return Err(crash());
            }
            Some(Fault::CrashAfter) => self.crashed.set(true),
            None => {}
        }
        if commit && self.full.get() {
            return Err(StoreError::Full);
        }
        Ok(fault)
    }

    fn write<T>(&mut self, write: impl FnOnce(&mut S) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let fault = self.next(true)?;
        let written = write(&mut self.inner);
        match fault {
            Some(Fault::CrashAfter) => Err(crash()),
            _ => written,
        }
    }

    fn read<T>(&self, read: impl FnOnce(&S) -> Result<T, StoreError>) -> Result<T, StoreError> {
        match self.next(false)? {
            Some(Fault::CrashAfter) => Err(crash()),
            _ => read(&self.inner),
        }
    }
}

fn crash() -> StoreError {
    StoreError::Io("injected crash".into())
}

impl<S: Store> Store for FaultyStore<S> {
    fn database_id(&self) -> DatabaseId {
        self.inner.database_id()
    }

    fn commit(&mut self, batch: Batch) -> Result<Committed, StoreError> {
        self.write(|inner| inner.commit(batch))
    }

    fn tip(&self, space: &SpaceId, device: DeviceId) -> Result<Option<Tip>, StoreError> {
        self.read(|inner| inner.tip(space, device))
    }

    fn frontier(&self, space: &SpaceId) -> Result<Frontier, StoreError> {
        self.read(|inner| inner.frontier(space))
    }

    fn head(&self, space: &SpaceId) -> Result<Arrival, StoreError> {
        self.read(|inner| inner.head(space))
    }

    fn passed(&self, space: &SpaceId, arrival: Arrival) -> Result<bool, StoreError> {
        self.read(|inner| inner.passed(space, arrival))
    }

    fn since(&self, space: &SpaceId, after: u64, budget: Budget) -> Result<Page, StoreError> {
        self.read(|inner| inner.since(space, after, budget))
    }

    fn missing(
        &self,
        space: &SpaceId,
        have: &Frontier,
        after: u64,
        budget: Budget,
    ) -> Result<Page, StoreError> {
        self.read(|inner| inner.missing(space, have, after, budget))
    }

    fn drop_envelopes(&mut self, space: &SpaceId, places: &[(DeviceId, u64)]) -> Result<Dropped, StoreError> {
        self.write(|inner| inner.drop_envelopes(space, places))
    }

    fn log(&self, space: &SpaceId, after: u64, budget: Budget) -> Result<Log, StoreError> {
        self.read(|inner| inner.log(space, after, budget))
    }

    fn follow(&mut self, space: &SpaceId, rows: &[Copied]) -> Result<bool, StoreError> {
        self.write(|inner| inner.follow(space, rows))
    }

    fn at(&self, space: &SpaceId, device: DeviceId, seq: u64) -> Result<Option<Stored>, StoreError> {
        self.read(|inner| inner.at(space, device, seq))
    }

    fn envelope(&self, id: EnvelopeId) -> Result<Option<Stored>, StoreError> {
        self.read(|inner| inner.envelope(id))
    }

    fn space_bytes(&self, space: &SpaceId) -> Result<u64, StoreError> {
        self.read(|inner| inner.space_bytes(space))
    }

    fn spaces(&self) -> Result<Vec<SpaceId>, StoreError> {
        self.read(S::spaces)
    }

    fn forks(&self) -> Result<Vec<ForkEvidence>, StoreError> {
        self.read(S::forks)
    }

    fn get(&self, bucket: Bucket, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|inner| inner.get(bucket, key))
    }

    fn list(&self, bucket: Bucket, prefix: &[u8]) -> Result<Vec<KeyValue>, StoreError> {
        self.read(|inner| inner.list(bucket, prefix))
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
    use crate::conformance::{Author, put, record, space};
    use crate::{Bucket, MemoryStore};

    fn faulty(faults: Faults) -> FaultyStore<MemoryStore> {
        FaultyStore::new(MemoryStore::new(DatabaseId([1; 16])), faults)
    }

    fn one() -> Batch {
        Batch {
            envelopes: vec![Author::new(1, space(1)).write(b"1")],
            puts: vec![record(Bucket::Tail, b"k", Some(b"v"))],
            ..Batch::default()
        }
    }

    #[test]
    fn a_failed_call_has_no_effect_and_the_next_one_works() {
        let mut store = faulty(Faults::none().at(0, Fault::Fail).at(2, Fault::Fail));
        assert!(matches!(store.commit(one()), Err(StoreError::Io(_))));
        assert!(store.commit(one()).is_ok());
        assert!(store.head(&space(1)).is_err());
        assert_eq!(store.head(&space(1)).unwrap().number, 1);
        assert_eq!(store.calls(), 4);
    }

    #[test]
    fn a_crash_before_loses_the_commit_and_one_after_keeps_it_unheard() {
        for (fault, kept) in [(Fault::CrashBefore, 0), (Fault::CrashAfter, 1)] {
            let mut store = faulty(Faults::none().at(0, fault));
            assert!(store.commit(one()).is_err());
            assert!(store.crashed());
            assert!(store.head(&space(1)).is_err() && store.commit(one()).is_err());
            let disk = store.into_inner();
            assert_eq!(disk.head(&space(1)).unwrap().number, kept);
            assert_eq!(disk.list(Bucket::Tail, b"").unwrap().len() as u64, kept);
        }
    }

    #[test]
    fn a_crash_in_the_middle_of_dropping_leaves_a_store_that_drops_the_rest() {
        let author = Author::new(1, space(1));
        for (fault, left) in [(Fault::CrashBefore, 4), (Fault::CrashAfter, 2)] {
            let mut store = faulty(Faults::none().at(2, fault));
            crate::conformance::commit(&mut store, author.fork().write_many(6));
            store
                .drop_envelopes(&space(1), &[1, 2].map(|seq| (author.id(), seq)))
                .unwrap();
            assert!(
                store
                    .drop_envelopes(&space(1), &[3, 4].map(|seq| (author.id(), seq)))
                    .is_err()
            );
            let mut disk = store.into_inner();
            let held = |disk: &MemoryStore| {
                let page = disk.since(&space(1), 0, crate::conformance::ALL).unwrap();
                page.envelopes.len()
            };
            assert_eq!(held(&disk), left);
            let rest = disk
                .drop_envelopes(&space(1), &[1, 2, 3, 4].map(|seq| (author.id(), seq)))
                .unwrap();
            assert_eq!((held(&disk), rest.envelopes), (2, left as u64 - 2));
        }
    }

    #[test]
    fn a_full_disk_refuses_commits_until_there_is_room_and_still_reads() {
        let mut store = faulty(Faults::none().at(1, Fault::DiskFull));
        put(&mut store, one().puts);
        for _ in 0..2 {
            assert!(matches!(store.commit(one()), Err(StoreError::Full)));
        }
        assert!(store.get(Bucket::Tail, b"k").unwrap().is_some());
        store.free_space();
        assert!(store.commit(one()).is_ok());
    }

    #[test]
    fn a_seed_chooses_the_same_calls_for_ever_and_about_as_many_as_asked() {
        const KINDS: &[Fault] = &[Fault::Fail, Fault::CrashAfter];
        let faults = Faults::none().seeded(7, 10, KINDS);
        let calls: Vec<_> = (0..10_000)
            .filter_map(|call| Some((call, faults.of(call)?)))
            .collect();
        assert!((800..1200).contains(&calls.len()), "{}", calls.len());
        assert!(
            KINDS
                .iter()
                .all(|kind| calls.iter().any(|(_, fault)| fault == kind))
        );
        assert_eq!(
            calls.iter().map(|(call, _)| *call).take(4).collect::<Vec<_>>(),
            [40, 81, 85, 107]
        );
    }
}
