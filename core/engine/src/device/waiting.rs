//! Rows that say how far a space was applied, and what waits: for a key, or for room among the waiting changes.

use sotay_feed::{EpochId, Space, SpaceId, SpaceKind, UnitId};
use sotay_store::{Bucket, Budget, Put, Store};

use super::Device;
use super::absorb::Haul;
use crate::error::DeviceError;

impl<S: Store> Device<S> {
    /// Reads again the envelopes whose changes found no room among the waiting ones: what they wait for may be here now.
    /// Ends when a round brings no more room.
    pub(super) fn retry_full(&mut self, space: &Space) -> Result<(), DeviceError> {
        let id = space.id();
        let mut left = usize::MAX;
        loop {
            let rows = self.replica.store().list(Bucket::Applied, &full_prefix(&id))?;
            if rows.is_empty() || rows.len() >= left {
                return Ok(());
            }
            left = rows.len();
            let mut haul = Haul::default();
            for (key, _) in rows {
                let arrival = key.get(SpaceId::LEN + 1..).and_then(|b| b.try_into().ok());
                let arrival = arrival
                    .map(u64::from_be_bytes)
                    .ok_or(DeviceError::damaged("cursor"))?;
                haul.puts.push(full_put(&id, arrival, false));
                let page = self
                    .replica
                    .store()
                    .since(&id, arrival - 1, Budget { count: 1, bytes: 0 })?;
                for stored in page.envelopes {
                    self.sort_in(space, stored, &mut haul);
                }
            }
            let disputed = self.land(haul)?;
            self.remake(space, &disputed)?;
        }
    }

    /// What could not be opened when it came, and can be now.
    pub(super) fn retry_locked(&mut self, space: &Space, haul: &mut Haul) -> Result<(), DeviceError> {
        let id = space.id();
        for (key, epoch) in self.replica.store().list(Bucket::Applied, &locked_prefix(&id))? {
            let epoch = EpochId::from_slice(&epoch).ok_or(DeviceError::damaged("list of what is locked"))?;
            if self.ring.get(id.tag(), epoch).is_none() {
                continue;
            }
            let Some(arrival) = key
                .get(SpaceId::LEN + 1..)
                .and_then(|b| b.try_into().ok())
                .map(u64::from_be_bytes)
            else {
                continue;
            };
            let one = Budget { count: 1, bytes: 0 };
            let page = self.replica.store().since(&id, arrival - 1, one)?;
            haul.puts.push(locked_put(&id, arrival, None));
            for stored in page.envelopes {
                self.sort_in(space, stored, haul);
            }
        }
        Ok(())
    }

    pub(super) fn applied(&self, space: &SpaceId) -> Result<u64, DeviceError> {
        let value = self.replica.store().get(Bucket::Applied, space.as_bytes())?;
        value.map_or(Ok(0), |bytes| {
            bytes
                .try_into()
                .map(u64::from_be_bytes)
                .map_err(|_| DeviceError::damaged("cursor"))
        })
    }

    /// The cursor moved past `count` own envelopes about to be appended, if nothing else waits before them.
    pub(super) fn applied_after(&self, space: &Space, count: usize) -> Result<Option<Put>, DeviceError> {
        let id = space.id();
        let head = self.replica.store().head(&id)?.number;
        Ok((self.applied(&id)? == head).then(|| applied_put(&id, head + count as u64)))
    }
}

pub(super) fn applied_put(space: &SpaceId, arrival: u64) -> Put {
    Put {
        bucket: Bucket::Applied,
        key: space.as_bytes().to_vec(),
        value: Some(arrival.to_be_bytes().to_vec()),
    }
}

/// Whether an envelope with changes that found no room to wait in is remembered.
pub(super) fn is_full<S: Store>(store: &S, space: &SpaceId, arrival: u64) -> Result<bool, DeviceError> {
    Ok(store
        .get(Bucket::Applied, &full_put(space, arrival, true).key)?
        .is_some())
}

pub(super) fn unit_space(unit: UnitId, kind: SpaceKind) -> SpaceId {
    Space::of(unit, kind).id()
}

fn full_prefix(space: &SpaceId) -> Vec<u8> {
    [&space.as_bytes()[..], b"f"].concat()
}

/// An envelope with changes that found no room to wait in.
pub(super) fn full_put(space: &SpaceId, arrival: u64, waits: bool) -> Put {
    Put {
        bucket: Bucket::Applied,
        key: [full_prefix(space), arrival.to_be_bytes().to_vec()].concat(),
        value: waits.then(Vec::new),
    }
}

fn locked_prefix(space: &SpaceId) -> Vec<u8> {
    [&space.as_bytes()[..], b"w"].concat()
}

pub(super) fn locked_put(space: &SpaceId, arrival: u64, epoch: Option<EpochId>) -> Put {
    Put {
        bucket: Bucket::Applied,
        key: [locked_prefix(space), arrival.to_be_bytes().to_vec()].concat(),
        value: epoch.map(|epoch| epoch.as_bytes().to_vec()),
    }
}
