//! What the inbox needs besides letters: its public key for every epoch, and slots for letters without name. Officers'
//! phones make and publish both when they sync.

use sotay_feed::cbor::{CborError, Reader, Writer};
use sotay_feed::{BoxKey, DeviceId, DeviceKeys, Draft, EpochId, Kind, MemberId, SpaceKind};
use sotay_membership::{Flags, Grant, Record, rank, slot_scope};
use sotay_store::{Bucket, Put, Store};
use sotay_vault::inbox_key;
use zeroize::Zeroizing;

use super::Device;
use super::feedback::put;
use crate::error::DeviceError;

/// Forms of payloads about the inbox; the first byte says which.
pub(super) const KEY: u8 = 0;
pub(super) const SLOTS: u8 = 1;
pub(super) const ANSWER: u8 = 2;
pub(super) const PRIVATE: u8 = 3;
pub(super) const STATUS: u8 = 4;

/// Slots made at a time.
const SLOTS_BATCH: usize = 16;
/// With fewer free ones than this, officers make more.
const SLOTS_LOW: usize = 8;
/// Slots of one record that a reader looks at.
const SLOTS_MAX: usize = 64;
const SEED_LEN: usize = 32;

fn key_row(epoch: EpochId) -> Vec<u8> {
    [b"k", &epoch.as_bytes()[..]].concat()
}

/// The row of the public key of an epoch: `[epoch 8, key 32]`.
pub(super) fn key_put(bytes: &[u8]) -> Option<Put> {
    let read = || -> Result<(EpochId, [u8; 32]), CborError> {
        let mut reader = Reader::new(bytes);
        reader.array(2)?;
        let (epoch, key) = (EpochId::from_bytes(reader.fixed()?), reader.fixed()?);
        reader.finish(&key_record(epoch, &key))?;
        Ok((epoch, key))
    };
    let (epoch, key) = read().ok()?;
    BoxKey::from_bytes(key).ok()?;
    Some(put(key_row(epoch), Some(key.to_vec())))
}

fn key_record(epoch: EpochId, key: &[u8; 32]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(2).bytes(epoch.as_bytes()).bytes(key);
    writer.into_bytes()
}

/// The keys of a slot follow from its seed; it never opens a box.
fn slot(seed: &[u8; SEED_LEN]) -> DeviceKeys {
    let part = |context| Zeroizing::new(blake3::derive_key(context, seed));
    DeviceKeys::from_seeds(*part("sotay/v1/slot-sign"), *part("sotay/v1/slot-seal"))
}

fn slots_record(seeds: &[[u8; SEED_LEN]]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(seeds.len());
    for seed in seeds {
        writer.bytes(seed);
    }
    writer.into_bytes()
}

/// Rows of slots: `s ‖ arrival ‖ device` → seed.
pub(super) fn slot_puts(bytes: &[u8], arrival: u64) -> Option<Vec<Put>> {
    let read = || -> Result<Vec<[u8; SEED_LEN]>, CborError> {
        let mut reader = Reader::new(bytes);
        let count = reader.array_up_to(SLOTS_MAX)?;
        let seeds = (0..count)
            .map(|_| reader.fixed())
            .collect::<Result<Vec<_>, _>>()?;
        reader.finish(&slots_record(&seeds))?;
        Ok(seeds)
    };
    let seeds = read().ok()?;
    let row = |seed: &[u8; SEED_LEN]| {
        let key = [b"s", &arrival.to_be_bytes()[..], slot(seed).id().as_bytes()].concat();
        put(key, Some(seed.to_vec()))
    };
    Some(seeds.iter().map(row).collect())
}

fn used_key(slot: DeviceId) -> Vec<u8> {
    [b"u", &slot.as_bytes()[..]].concat()
}

/// The row of a slot that was used here.
pub(super) fn used_put(slot: DeviceId) -> Put {
    put(used_key(slot), Some(Vec::new()))
}

impl<S: Store> Device<S> {
    /// The epoch and public key to which members seal now, as far as they are known here.
    pub(super) fn inbox_address(&self) -> Result<Option<(EpochId, BoxKey)>, DeviceError> {
        let inbox = self.space(SpaceKind::Inbox)?.id();
        let Some(epoch) = self.membership()?.writing_epoch(&inbox) else {
            return Ok(None);
        };
        let key = self.replica.store().get(Bucket::Inbox, &key_row(epoch))?;
        let key = key.and_then(|key| BoxKey::from_bytes(key.try_into().ok()?).ok());
        Ok(key.map(|key| (epoch, key)))
    }

    /// A slot that nobody is known to have used, drawn among the newest ones so that two phones seldom draw the same.
    pub(super) fn free_slot(&mut self) -> Result<Option<DeviceKeys>, DeviceError> {
        let free = self.free_slots()?;
        if free.is_empty() {
            return Ok(None);
        }
        let mut draw = [0; 8];
        self.rng.fill_bytes(&mut draw);
        let newest = &free[free.len().saturating_sub(SLOTS_BATCH)..];
        let at = u64::from_le_bytes(draw) % newest.len() as u64;
        Ok(newest.get(at as usize).map(slot))
    }

    /// Seeds of unused slots, oldest first. A phone of the committee sees which ones others have used.
    fn free_slots(&self) -> Result<Vec<[u8; SEED_LEN]>, DeviceError> {
        let store = self.replica.store();
        let inbox = self.space(SpaceKind::Inbox)?.id();
        let mut free = Vec::new();
        for (key, seed) in store.list(Bucket::Inbox, b"s")? {
            let device = key.get(9..).and_then(DeviceId::from_slice);
            let device = device.ok_or(DeviceError::damaged("slots"))?;
            let used = store.get(Bucket::Inbox, &used_key(device))?.is_some()
                || store.tip(&inbox, device)?.is_some()
                || self.membership()?.may_be_served(device).is_err();
            if !used {
                free.push(seed.try_into().map_err(|_| DeviceError::damaged("slots"))?);
            }
        }
        Ok(free)
    }

    /// On a phone of the secretary or the deputy: makes the first epoch of the inbox in a unit that has none, publishes the
    /// public key of the epoch in force, and makes slots when few are free. Nothing to do: nothing is written.
    pub(super) fn tend_inbox(&mut self) -> Result<(), DeviceError> {
        let inbox = self.space(SpaceKind::Inbox)?;
        let membership = self.membership()?;
        let officer = membership.may_be_served(self.id()).is_ok()
            && membership
                .standing(self.id())
                .is_some_and(|standing| (rank::SECRETARY..=rank::DEPUTY).contains(&standing.rank));
        if !officer {
            return Ok(());
        }
        self.open_space(inbox)?;
        let id = inbox.id();
        let Some(epoch) = self.membership()?.writing_epoch(&id) else {
            return Ok(());
        };
        let Some(key) = self.ring.get(id.tag(), epoch).cloned() else {
            return Ok(());
        };
        let main = self.space(SpaceKind::Main)?;
        let mut payloads = Vec::new();
        if self
            .replica
            .store()
            .get(Bucket::Inbox, &key_row(epoch))?
            .is_none()
        {
            let record = key_record(epoch, inbox_key(&key).as_bytes());
            payloads.push((Kind::INBOX, [&[KEY], &record[..]].concat()));
        }
        if self.free_slots()?.len() < SLOTS_LOW {
            let record = slots_record(&self.make_slots()?);
            payloads.push((Kind::INBOX, [&[SLOTS], &record[..]].concat()));
        }
        if payloads.is_empty() {
            return Ok(());
        }
        self.publish(&main, payloads, Vec::new())?;
        self.absorb()
    }

    /// Grants for fresh slots, in the roll.
    fn make_slots(&mut self) -> Result<Vec<[u8; SEED_LEN]>, DeviceError> {
        let roll = self.space(SpaceKind::Roll)?;
        let scope = slot_scope(&self.space(SpaceKind::Inbox)?);
        let mut tip = self.replica.store().tip(&roll.id(), self.id())?;
        let (mut seeds, mut envelopes) = (Vec::new(), Vec::new());
        for _ in 0..SLOTS_BATCH {
            let mut seed = [0; SEED_LEN];
            self.rng.fill_bytes(&mut seed);
            let grant = Grant {
                // Nobody: the slots of a unit share a member that no roster names.
                member: MemberId::from_bytes(*scope.as_bytes()),
                rank: rank::GUEST,
                flags: Flags::default(),
                keys: slot(&seed).public(),
                scope: Some(scope),
                from_ms: 0,
            };
            let envelope = Draft::next(&self.keys, Kind::GRANT, &roll.id(), tip)
                .sign(&self.keys, &roll.id(), &Record::Grant(grant).encode())
                .map_err(|_| DeviceError::Internal("grant of a slot"))?;
            tip = Some(envelope.tip());
            envelopes.push(envelope);
            seeds.push(seed);
        }
        self.append(&roll, envelopes, Vec::new())?;
        self.announce_local(&roll)?;
        Ok(seeds)
    }
}
