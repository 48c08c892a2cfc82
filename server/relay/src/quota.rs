//! How much one device may write: the gate that the replica asks before it stores an envelope (P9.10).
//!
//! What was written drains at a steady rate, so that a phone may hand over much at once after a long time, but not
//! always. The accounts live in memory: a restart forgives. They are charged to the author, whoever carries the envelope.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use sotay_feed::{DeviceId, Kind};
use sotay_sync::{Gate, Offered};

use crate::limits::Limits;

const HOUR_MS: f64 = 3_600_000.0;
const DAY_MS: f64 = 24.0 * HOUR_MS;
/// Accounts kept; beyond, those that owe nothing are forgotten, then the oldest.
pub(crate) const ACCOUNTS_MAX: usize = 100_000;
/// Seconds after which a phone may ask again whether a full space has room.
pub(crate) const SPACE_FULL_RETRY_SECONDS: u32 = 24 * 3600;

/// Something that fills by use and drains with time.
#[derive(Debug, Clone, Copy, Default)]
struct Level {
    filled: f64,
    at: i64,
}

impl Level {
    /// A clock that was set back drains nothing.
    fn drain(&mut self, now: i64, per_ms: f64) {
        let passed = now.saturating_sub(self.at).max(0) as f64;
        self.filled = (self.filled - passed * per_ms).max(0.0);
        self.at = now;
    }

    fn lower(&mut self, amount: f64) {
        self.filled = (self.filled - amount).max(0.0);
    }

    /// Seconds until `amount` more fits, if it does not now.
    fn wait(&self, amount: f64, capacity: f64, per_ms: f64) -> Option<u32> {
        let over = self.filled + amount - capacity;
        // Below the precision of the sums nothing is over.
        (over > 1e-6).then(|| {
            // A millisecond is below what the sums can tell apart.
            let seconds = (over / per_ms / 1000.0 - 0.001).ceil();
            if seconds < f64::from(u32::MAX) {
                seconds.max(1.0) as u32
            } else {
                u32::MAX
            }
        })
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Account {
    envelopes: Level,
    bytes: Level,
    devices: Level,
}

/// What a device has used, for the operator.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub(crate) struct Used {
    pub envelopes: u32,
    pub envelopes_max: u32,
    pub bytes: u64,
    pub bytes_max: u64,
    pub new_devices: u32,
    pub new_devices_max: u32,
}

/// All accounts, and the limits they are held to.
#[derive(Debug)]
pub(crate) struct Quotas {
    limits: Limits,
    accounts: BTreeMap<DeviceId, Account>,
    /// Charged since the last commit, bounded by a round: author, bytes, devices admitted.
    charged: Vec<(DeviceId, f64, f64)>,
    fullest: Fullest,
}

/// The fullest space that somebody wrote into, in this hour and in the one before: so full as a part of what it may hold.
#[derive(Debug, Clone, Copy, Default)]
struct Fullest {
    hour: i64,
    now: f64,
    before: f64,
}

impl Fullest {
    fn turn(&mut self, now: i64) {
        let hour = now.div_euclid(HOUR_MS as i64);
        if hour != self.hour {
            self.before = if hour == self.hour + 1 { self.now } else { 0.0 };
            (self.hour, self.now) = (hour, 0.0);
        }
    }
}

impl Quotas {
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            accounts: BTreeMap::new(),
            charged: Vec::new(),
            fullest: Fullest::default(),
        }
    }

    /// How full the fullest space is that somebody wrote into, or wanted to, within the last hour or two: 1 is the limit.
    pub fn fullest(&mut self, now: i64) -> f64 {
        self.fullest.turn(now);
        self.fullest.now.max(self.fullest.before)
    }

    /// What was charged is durable.
    pub fn committed(&mut self) {
        self.charged.clear();
    }

    /// What was charged since the last commit was not stored: a full disk is no phone's fault, however often it tries.
    pub fn give_back(&mut self) {
        for (device, bytes, devices) in self.charged.drain(..) {
            if let Some(account) = self.accounts.get_mut(&device) {
                account.envelopes.lower(1.0);
                account.bytes.lower(bytes);
                account.devices.lower(devices);
            }
        }
    }

    /// Other limits from now on; what was used stays used.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What a device has used, drained up to now.
    pub fn used(&mut self, device: DeviceId, now: i64) -> Used {
        let mut account = self.accounts.get(&device).copied().unwrap_or_default();
        drain(&mut account, &self.limits, now);
        Used {
            envelopes: account.envelopes.filled.ceil() as u32,
            envelopes_max: self.limits.envelopes_at_once,
            bytes: account.bytes.filled.ceil() as u64,
            bytes_max: self.limits.bytes_per_day,
            new_devices: account.devices.filled.ceil() as u32,
            new_devices_max: self.limits.new_devices_per_day,
        }
    }

    /// A device owes nothing any more.
    pub fn forgive(&mut self, device: DeviceId) {
        self.accounts.remove(&device);
    }

    fn charge(&mut self, offered: &Offered<'_>) -> Result<(), u32> {
        let Offered { envelope, now, .. } = *offered;
        let (device, bytes) = (envelope.header().device, envelope.bytes().len());
        let held = offered.held_bytes.saturating_add(bytes as u64);
        self.fullest.turn(now);
        self.fullest.now = self.fullest.now.max(held as f64 / self.limits.space_bytes as f64);
        if held > self.limits.space_bytes {
            return Err(SPACE_FULL_RETRY_SECONDS);
        }
        if self.accounts.len() >= ACCOUNTS_MAX && !self.accounts.contains_key(&device) {
            self.make_room(now);
        }
        let limits = &self.limits;
        let account = self.accounts.entry(device).or_default();
        drain(account, limits, now);
        let (bytes, devices) = (
            bytes as f64,
            f64::from(u8::from(envelope.header().kind == Kind::GRANT)),
        );
        let waits = [
            account
                .envelopes
                .wait(1.0, limits.envelopes_at_once.into(), envelopes_per_ms(limits)),
            account
                .bytes
                .wait(bytes, limits.bytes_per_day as f64, bytes_per_ms(limits)),
            account
                .devices
                .wait(devices, limits.new_devices_per_day.into(), devices_per_ms(limits))
                .filter(|_| devices > 0.0),
        ];
        if let Some(wait) = waits.into_iter().flatten().max() {
            return Err(wait);
        }
        account.envelopes.filled += 1.0;
        account.bytes.filled += bytes;
        account.devices.filled += devices;
        self.charged.push((device, bytes, devices));
        Ok(())
    }

    fn make_room(&mut self, now: i64) {
        let limits = &self.limits;
        self.accounts.retain(|_, account| {
            drain(account, limits, now);
            account.envelopes.filled + account.bytes.filled + account.devices.filled > 0.0
        });
        if self.accounts.len() >= ACCOUNTS_MAX {
            // So many devices owe something at once: start anew rather than turn honest ones away.
            self.accounts.clear();
        }
    }
}

fn envelopes_per_ms(limits: &Limits) -> f64 {
    f64::from(limits.envelopes_per_hour) / HOUR_MS
}

fn bytes_per_ms(limits: &Limits) -> f64 {
    limits.bytes_per_day as f64 / DAY_MS
}

fn devices_per_ms(limits: &Limits) -> f64 {
    f64::from(limits.new_devices_per_day) / DAY_MS
}

fn drain(account: &mut Account, limits: &Limits, now: i64) {
    account.envelopes.drain(now, envelopes_per_ms(limits));
    account.bytes.drain(now, bytes_per_ms(limits));
    account.devices.drain(now, devices_per_ms(limits));
}

/// The accounts as the replica and the operator share them; both live on the shard's thread.
#[derive(Debug, Clone)]
pub(crate) struct Shared(Arc<Mutex<Quotas>>);

impl Shared {
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Mutex::new(Quotas::new(limits))))
    }

    pub fn with<T>(&self, work: impl FnOnce(&mut Quotas) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Gate for Shared {
    fn allow(&mut self, offered: &Offered<'_>) -> Result<(), u32> {
        self.with(|quotas| quotas.charge(offered))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotay_feed::{DeviceKeys, Draft, Envelope, Space, SpaceKind, UnitId, Verified};

    const HOUR: i64 = 3_600_000;

    fn written(author: u8, kind: Kind, bytes: usize) -> (Space, Verified<Envelope>) {
        let keys = DeviceKeys::from_seeds([author; 32], [author; 32]);
        let unit = UnitId::from_bytes([7; 32]);
        let kind_of_space = if kind == Kind::GRANT {
            SpaceKind::Roll
        } else {
            SpaceKind::Main
        };
        let space = Space::of(unit, kind_of_space);
        let draft = Draft::next(&keys, kind, &space.id(), None);
        let envelope = draft.sign(&keys, &space.id(), &vec![0; bytes]).unwrap();
        (space, envelope)
    }

    fn ask(
        quotas: &mut Quotas,
        (space, envelope): &(Space, Verified<Envelope>),
        held: u64,
        now: i64,
    ) -> Result<(), u32> {
        quotas.charge(&Offered {
            space,
            envelope,
            from: envelope.header().device,
            held_bytes: held,
            now,
        })
    }

    fn small() -> Limits {
        Limits {
            envelopes_at_once: 3,
            envelopes_per_hour: 2,
            bytes_per_day: 1000,
            space_bytes: 5000,
            new_devices_per_day: 2,
            ..Limits::default()
        }
    }

    #[test]
    fn one_envelope_over_the_limit_waits_until_one_has_drained() {
        let mut quotas = Quotas::new(small());
        let change = written(1, Kind::CHANGE, 10);
        for _ in 0..3 {
            assert_eq!(ask(&mut quotas, &change, 0, 0), Ok(()));
        }
        assert_eq!(ask(&mut quotas, &change, 0, 0), Err(1800));
        assert_eq!(ask(&mut quotas, &change, 0, HOUR / 4), Err(900));
        assert_eq!(ask(&mut quotas, &change, 0, HOUR / 2), Ok(()));
        assert_eq!(
            ask(&mut quotas, &written(2, Kind::CHANGE, 10), 0, 0),
            Ok(()),
            "another device"
        );
    }

    #[test]
    fn the_fullest_space_is_told_for_an_hour_or_two_also_when_it_takes_no_more() {
        let mut quotas = Quotas::new(small());
        let change = written(1, Kind::CHANGE, 10);
        let bytes = change.1.bytes().len() as u64;
        assert_eq!(quotas.fullest(0), 0.0);
        ask(&mut quotas, &change, 2500 - bytes, 0).unwrap();
        ask(&mut quotas, &change, 1000, 0).unwrap();
        assert_eq!(quotas.fullest(HOUR - 1), 0.5);
        assert!(ask(&mut quotas, &change, 5000, HOUR).is_err());
        assert!(quotas.fullest(HOUR) > 1.0);
        assert!(quotas.fullest(3 * HOUR - 1) > 1.0);
        assert_eq!(quotas.fullest(3 * HOUR), 0.0);
        // A clock that was set back begins anew.
        ask(&mut quotas, &change, 2500 - bytes, 9 * HOUR).unwrap();
        assert_eq!(quotas.fullest(HOUR), 0.0);
    }

    #[test]
    fn what_could_not_be_stored_is_not_charged_however_often_it_is_offered() {
        let mut quotas = Quotas::new(small());
        let change = written(1, Kind::CHANGE, 10);
        assert_eq!(ask(&mut quotas, &change, 0, 0), Ok(()));
        quotas.committed();
        for _ in 0..5 {
            for _ in 0..2 {
                assert_eq!(ask(&mut quotas, &change, 0, 0), Ok(()));
            }
            assert!(
                ask(&mut quotas, &change, 0, 0).is_err(),
                "within a round it counts"
            );
            quotas.give_back();
        }
        let used = quotas.used(change.1.header().device, 0);
        assert_eq!(used.envelopes, 1);
        assert_eq!(used.bytes, change.1.bytes().len() as u64);
    }

    #[test]
    fn one_byte_over_the_days_bytes_is_told_when_it_fits() {
        let change = written(1, Kind::CHANGE, 300);
        let len = change.1.bytes().len() as u64;
        let mut quotas = Quotas::new(Limits {
            bytes_per_day: 2 * len,
            ..small()
        });
        assert_eq!(ask(&mut quotas, &change, 0, 0), Ok(()));
        assert_eq!(ask(&mut quotas, &change, 0, 0), Ok(()));
        assert_eq!(ask(&mut quotas, &change, 0, 0), Err(12 * 3600));
        quotas.set_limits(Limits {
            bytes_per_day: 3 * len,
            ..small()
        });
        assert_eq!(ask(&mut quotas, &change, 0, 0), Ok(()));
    }

    #[test]
    fn a_space_takes_its_last_byte_and_not_one_more() {
        let mut quotas = Quotas::new(small());
        let change = written(1, Kind::CHANGE, 100);
        let len = change.1.bytes().len() as u64;
        assert_eq!(ask(&mut quotas, &change, 5000 - len, 0), Ok(()));
        assert_eq!(
            ask(&mut quotas, &change, 5001 - len, 0),
            Err(SPACE_FULL_RETRY_SECONDS)
        );
    }

    #[test]
    fn an_issuer_admits_so_many_devices_a_day_and_may_still_write() {
        let mut quotas = Quotas::new(Limits {
            envelopes_at_once: 100,
            bytes_per_day: 100_000,
            ..small()
        });
        let grant = written(1, Kind::GRANT, 100);
        assert_eq!(ask(&mut quotas, &grant, 0, 0), Ok(()));
        assert_eq!(ask(&mut quotas, &grant, 0, 0), Ok(()));
        assert_eq!(ask(&mut quotas, &grant, 0, 0), Err(12 * 3600));
        assert_eq!(ask(&mut quotas, &written(1, Kind::CHANGE, 10), 0, 0), Ok(()));
    }

    #[test]
    fn a_clock_set_back_gives_nothing_away_and_locks_nobody_out() {
        let mut quotas = Quotas::new(small());
        let change = written(1, Kind::CHANGE, 10);
        for _ in 0..3 {
            assert_eq!(ask(&mut quotas, &change, 0, 10 * HOUR), Ok(()));
        }
        assert_eq!(ask(&mut quotas, &change, 0, 0), Err(1800));
        assert_eq!(ask(&mut quotas, &change, 0, HOUR / 2), Ok(()));
        assert!(ask(&mut quotas, &change, 0, i64::MAX).is_ok());
    }

    #[test]
    fn what_was_used_is_told_and_can_be_forgiven() {
        let mut quotas = Quotas::new(small());
        let change = written(1, Kind::CHANGE, 10);
        let device = change.1.header().device;
        ask(&mut quotas, &change, 0, 0).unwrap();
        let used = quotas.used(device, 0);
        assert_eq!((used.envelopes, used.envelopes_max), (1, 3));
        assert_eq!(used.bytes, change.1.bytes().len() as u64);
        quotas.forgive(device);
        assert_eq!(quotas.used(device, 0).envelopes, 0);
    }
}
