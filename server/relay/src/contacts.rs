//! When a phone was last here, when it last had everything, and when its unit last gained something: what tells an
//! operator which branches are up to date, behind or silent. Only devices that are served are noted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use sotay_feed::{DeviceId, UnitId};
use sotay_store::{Batch, Bucket, Put, Store, StoreError};

const DEVICE: &[u8] = b"contact/";
const UNIT: &[u8] = b"grown/";
/// A contact is written down again only after so long: a crash may forget the last minutes.
pub(crate) const WRITE_EVERY_MS: i64 = 10 * 60_000;
pub(crate) const DAY_MS: i64 = 24 * 3_600_000;
/// Days without contact after which a device, or a unit with all its devices, counts as silent.
pub(crate) const SILENT_DAYS: i64 = 30;

/// Bytes of a record of a device: unit, and two times in milliseconds since 1970, big endian.
const CONTACT_BYTES: usize = UnitId::LEN + 16;

/// What is known of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Contact {
    /// The unit it opened first.
    pub unit: UnitId,
    /// When it was last here.
    pub seen: i64,
    /// When it last had everything; 0: never.
    pub whole: i64,
}

impl Contact {
    fn encode(&self) -> Vec<u8> {
        [
            &self.unit.as_bytes()[..],
            &self.seen.to_be_bytes(),
            &self.whole.to_be_bytes(),
        ]
        .concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; CONTACT_BYTES] = bytes.try_into().ok()?;
        let (unit, times) = bytes.split_at(UnitId::LEN);
        let (seen, whole) = times.split_at(8);
        Some(Self {
            unit: UnitId::from_slice(unit)?,
            seen: i64::from_be_bytes(seen.try_into().ok()?),
            whole: i64::from_be_bytes(whole.try_into().ok()?),
        })
    }
}

/// How many devices of a unit are how far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Tally {
    /// Had everything after the unit last gained something.
    pub up_to_date: u64,
    /// Were here within [`SILENT_DAYS`], but something came since they last had everything.
    pub behind: u64,
    /// Were not here for [`SILENT_DAYS`].
    pub silent: u64,
    /// When one of them was last here, milliseconds since 1970; 0: never.
    pub seen: i64,
    /// When the unit last gained something; 0: unknown.
    pub grown: i64,
}

/// How far the phones of a unit are, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Far {
    /// None was here for [`SILENT_DAYS`].
    Silent,
    /// One that was lacks something.
    Behind,
    UpToDate,
}

impl Far {
    /// By when one of them was last here, and how many of those lack something.
    pub fn of(seen: i64, behind: u64, now: i64) -> Self {
        if now.saturating_sub(seen) > SILENT_DAYS * DAY_MS {
            Far::Silent
        } else if behind > 0 {
            Far::Behind
        } else {
            Far::UpToDate
        }
    }

    /// In metrics.
    pub fn name(self) -> &'static str {
        match self {
            Far::Silent => "silent",
            Far::Behind => "behind",
            Far::UpToDate => "up-to-date",
        }
    }
}

#[derive(Debug, Default)]
struct Book {
    devices: BTreeMap<DeviceId, Contact>,
    /// As written down.
    written: BTreeMap<DeviceId, Contact>,
    units: BTreeMap<UnitId, i64>,
    units_written: BTreeMap<UnitId, i64>,
}

/// The book; the shard writes it, the pages read it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Contacts(Arc<Mutex<Book>>);

impl Contacts {
    /// Reads what is written down.
    pub fn load(store: &impl Store) -> Result<Self, StoreError> {
        let mut book = Book::read(store)?;
        book.written = book.devices.clone();
        book.units_written = book.units.clone();
        Ok(Self(Arc::new(Mutex::new(book))))
    }

    /// Takes over what another relay wrote down, where it is newer.
    pub fn take_in(&self, store: &impl Store) -> Result<(), StoreError> {
        let theirs = Book::read(store)?;
        self.with(|book| {
            for (device, contact) in theirs.devices {
                let known = book.devices.entry(device).or_insert(contact);
                if contact.seen > known.seen {
                    known.unit = contact.unit;
                }
                known.seen = known.seen.max(contact.seen);
                known.whole = known.whole.max(contact.whole);
                book.written.insert(device, contact);
            }
            for (unit, grown) in theirs.units {
                let known = book.units.entry(unit).or_insert(grown);
                *known = grown.max(*known);
                book.units_written.insert(unit, grown);
            }
        });
        Ok(())
    }

    fn with<T>(&self, work: impl FnOnce(&mut Book) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A device is here.
    pub fn seen(&self, device: DeviceId, unit: UnitId, now: i64) {
        self.with(|book| {
            let whole = book.devices.get(&device).map_or(0, |known| known.whole);
            let contact = Contact {
                unit,
                seen: now,
                whole,
            };
            book.devices.insert(device, contact);
        });
    }

    /// A device that was seen before has everything.
    pub fn whole(&self, device: DeviceId, now: i64) {
        self.with(|book| {
            if let Some(contact) = book.devices.get_mut(&device) {
                contact.seen = now;
                contact.whole = now;
            }
        });
    }

    /// A unit gained something.
    pub fn grown(&self, unit: UnitId, now: i64) {
        self.with(|book| book.units.insert(unit, now));
    }

    /// What is known of a device.
    pub fn of(&self, device: DeviceId) -> Option<Contact> {
        self.with(|book| book.devices.get(&device).copied())
    }

    /// All units that have a device or gained something, by id.
    pub fn tallies(&self, now: i64) -> BTreeMap<UnitId, Tally> {
        self.with(|book| {
            let mut tallies: BTreeMap<UnitId, Tally> = BTreeMap::new();
            for (unit, grown) in &book.units {
                tallies.entry(*unit).or_default().grown = *grown;
            }
            for contact in book.devices.values() {
                let tally = tallies.entry(contact.unit).or_default();
                tally.seen = tally.seen.max(contact.seen);
                if now.saturating_sub(contact.seen) > SILENT_DAYS * DAY_MS {
                    tally.silent += 1;
                } else if contact.whole > 0 && contact.whole >= tally.grown {
                    tally.up_to_date += 1;
                } else {
                    tally.behind += 1;
                }
            }
            tallies
        })
    }

    /// Number of devices that were last here within so many days, for each of `days` (ascending), and those beyond.
    pub fn ages(&self, days: &[i64], now: i64) -> Vec<u64> {
        self.with(|book| {
            let mut counts = vec![0; days.len() + 1];
            for contact in book.devices.values() {
                let age = now.saturating_sub(contact.seen);
                let at = days.iter().position(|days| age <= days * DAY_MS);
                counts[at.unwrap_or(days.len())] += 1;
            }
            counts
        })
    }

    /// Stages what changed much since it was last written down; all changes if `all`.
    pub fn stage(&self, store: &mut impl Store, all: bool) -> Result<(), StoreError> {
        let puts = self.with(|book| book.changes(all));
        if puts.is_empty() {
            return Ok(());
        }
        store.commit(Batch {
            envelopes: Vec::new(),
            puts,
            ..Batch::default()
        })?;
        Ok(())
    }
}

impl Book {
    /// What is written down.
    fn read(store: &impl Store) -> Result<Self, StoreError> {
        let damaged = || StoreError::Corrupt("a contact".into());
        let mut book = Book::default();
        for (key, value) in store.list(Bucket::Relay, DEVICE)? {
            let device = DeviceId::from_slice(&key[DEVICE.len()..]).ok_or_else(damaged)?;
            let contact = Contact::decode(&value).ok_or_else(damaged)?;
            book.devices.insert(device, contact);
        }
        for (key, value) in store.list(Bucket::Relay, UNIT)? {
            let unit = UnitId::from_slice(&key[UNIT.len()..]).ok_or_else(damaged)?;
            let grown = value.try_into().map(i64::from_be_bytes).map_err(|_| damaged())?;
            book.units.insert(unit, grown);
        }
        Ok(book)
    }

    fn changes(&mut self, all: bool) -> Vec<Put> {
        let much = |new: i64, old: i64| all || new.saturating_sub(old).abs() >= WRITE_EVERY_MS;
        let mut puts = Vec::new();
        for (device, contact) in &self.devices {
            let old = self.written.get(device);
            let worth = old.is_none_or(|old| {
                old != contact && (much(contact.seen, old.seen) || much(contact.whole, old.whole))
            });
            if worth {
                puts.push(Put {
                    bucket: Bucket::Relay,
                    key: [DEVICE, device.as_bytes()].concat(),
                    value: Some(contact.encode()),
                });
                self.written.insert(*device, *contact);
            }
        }
        for (unit, grown) in &self.units {
            let old = self.units_written.get(unit).copied();
            if old.is_none_or(|old| old != *grown && much(*grown, old)) {
                puts.push(Put {
                    bucket: Bucket::Relay,
                    key: [UNIT, unit.as_bytes()].concat(),
                    value: Some(grown.to_be_bytes().to_vec()),
                });
                self.units_written.insert(*unit, *grown);
            }
        }
        puts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotay_store::{DatabaseId, MemoryStore};

    fn device(number: u8) -> DeviceId {
        DeviceId::from_bytes([number; 8])
    }

    #[test]
    fn a_unit_is_told_by_who_has_everything_who_is_behind_and_who_is_silent() {
        let unit = UnitId::from_bytes([1; 32]);
        let now = 100 * DAY_MS;
        let contacts = Contacts::default();
        contacts.grown(unit, now - DAY_MS);
        contacts.seen(device(1), unit, now - 2 * DAY_MS);
        contacts.whole(device(1), now - 2 * DAY_MS);
        contacts.seen(device(2), unit, now);
        contacts.whole(device(2), now);
        contacts.seen(device(3), unit, now - SILENT_DAYS * DAY_MS - 1);
        contacts.seen(device(4), unit, now - SILENT_DAYS * DAY_MS);
        let tally = contacts.tallies(now)[&unit];
        assert_eq!((tally.up_to_date, tally.behind, tally.silent), (1, 2, 1));
        assert_eq!((tally.seen, tally.grown), (now, now - DAY_MS));
        assert_eq!(contacts.ages(&[1, 7], now), [1, 1, 2]);
    }

    #[test]
    fn what_another_relay_wrote_down_is_taken_over_where_it_is_newer() {
        let unit = UnitId::from_bytes([1; 32]);
        let mut store = MemoryStore::new(DatabaseId([1; 16]));
        let (ours, theirs) = (Contacts::default(), Contacts::default());
        ours.seen(device(1), unit, 9000);
        theirs.seen(device(1), unit, 1000);
        theirs.whole(device(1), 2000);
        theirs.seen(device(2), unit, 3000);
        theirs.grown(unit, 4000);
        theirs.stage(&mut store, true).unwrap();
        ours.take_in(&store).unwrap();
        let contact = ours.of(device(1)).unwrap();
        assert_eq!((contact.seen, contact.whole), (9000, 2000));
        assert_eq!(ours.of(device(2)).unwrap().seen, 3000);
        assert_eq!(ours.tallies(5000)[&unit].grown, 4000);
    }

    #[test]
    fn contacts_outlive_a_restart_and_are_not_written_at_every_turn() {
        let unit = UnitId::from_bytes([1; 32]);
        let mut store = MemoryStore::new(DatabaseId([1; 16]));
        let contacts = Contacts::load(&store).unwrap();
        contacts.seen(device(1), unit, 1000);
        contacts.grown(unit, 1000);
        contacts.stage(&mut store, false).unwrap();
        contacts.whole(device(1), 2000);
        contacts.grown(unit, 2000);
        contacts.stage(&mut store, false).unwrap();
        let kept = Contacts::load(&store).unwrap();
        // It never had everything before: that is worth writing only with time, or at the end.
        assert_eq!(kept.of(device(1)).unwrap().seen, 1000);
        contacts.stage(&mut store, true).unwrap();
        let kept = Contacts::load(&store).unwrap();
        assert_eq!(kept.of(device(1)), contacts.of(device(1)));
        assert_eq!(kept.tallies(2000)[&unit].grown, 2000);
    }
}
