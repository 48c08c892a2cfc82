//! The run itself: work and trouble in random order, then the healing.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use sotay_engine::{AdmitError, Device, JoinError};
use sotay_feed::{Space, SpaceKind};
use sotay_store::{Fault, Faults, Store};
use sotay_sync::{Policy, Replica, Role, bundle};

use super::world::{DeviceFault, EARLY, PHONES, World, frontiers};
use crate::disk::Disk;
use crate::shard::Shard;

/// Rounds of everybody syncing once after which nothing may be missing anywhere: one to hand over, one to fetch, and
/// one for phones whose admission reached the relay after their first attempt.
const HEALING_ROUNDS: u32 = 3;
/// Longest that one quiet exchange may take in virtual time.
const QUIET_MS: i64 = 3_600_000;
const FAULTS: [Fault; 4] = [
    Fault::Fail,
    Fault::DiskFull,
    Fault::CrashBefore,
    Fault::CrashAfter,
];

impl World {
    /// Work and trouble.
    pub fn play(&mut self, steps: u32) -> Result<(), String> {
        for _ in 0..steps {
            let ms = if self.rng.random_bool(0.05) {
                self.rng.random_range(0..200_000)
            } else {
                self.rng.random_range(0..900)
            };
            self.advance(ms)?;
            match self.rng.random_range(0..1000) {
                0..520 => self.somebody_acts()?,
                520..680 => {
                    let number = self.rng.random_range(0..PHONES);
                    let live = self.rng.random_bool(0.5);
                    self.connect(number, live)?;
                }
                680..740 => self.cut_somewhere(),
                740..760 => {
                    let number = self.rng.random_range(0..PHONES);
                    self.partition(number);
                }
                760..790 => {
                    let number = self.rng.random_range(0..PHONES);
                    self.power_off(number)?;
                }
                790..860 => self.power_on()?,
                860..900 => self.arm_phone(),
                900..912 => self.arm_relay(),
                912..920 => self.relay_off(),
                920..945 => self.relay_on()?,
                945..955 => self.back_up(),
                955..962 => self.replace_relay()?,
                962..970 => self.jump(),
                970..980 => self.replay()?,
                980..990 => self.late_admission()?,
                _ => self.free_disks(),
            }
            self.check_status()?;
        }
        Ok(())
    }

    fn cut_somewhere(&mut self) {
        let links: Vec<u64> = self.wires.keys().copied().collect();
        if let Some(link) = links.choose(&mut self.rng).copied() {
            self.say(format!("link {link} breaks"));
            self.count("cut connections");
            self.cut(link);
        }
    }

    fn partition(&mut self, number: usize) {
        self.phones[number].reach = !self.phones[number].reach;
        if self.phones[number].reach {
            return;
        }
        self.count("partitions");
        if let Some(link) = self.phones[number].link {
            self.cut(link);
        }
    }

    /// A phone that is off is started; sometimes with records of another phone imported from a file, twice.
    fn power_on(&mut self) -> Result<(), String> {
        let off: Vec<usize> = (0..PHONES)
            .filter(|number| self.phones[*number].device.is_none())
            .collect();
        let Some(&number) = off.choose(&mut self.rng) else {
            return Ok(());
        };
        if self.rng.random_bool(0.4) {
            self.carry_bundle(number)?;
        }
        let fault = self.rng.random_bool(0.2);
        self.start_phone(number, fault)
    }

    fn start_phone(&mut self, number: usize, fault: bool) -> Result<(), String> {
        let mut disk = self.phones[number].disk.mount();
        if fault {
            let (call, kind) = (
                self.rng.random_range(0..30),
                *FAULTS.choose(&mut self.rng).expect("faults"),
            );
            disk.set_faults(Faults::none().at(call, kind));
        }
        let rng = Box::new(StdRng::seed_from_u64(self.rng.random()));
        match Device::open(disk, rng) {
            Ok(mut device) => {
                device.store_mut().set_faults(Faults::none());
                self.phones[number].device = Some(Box::new(device));
                self.count("starts of phones");
                self.after_phone(number, Ok(()))
            }
            Err(_) if fault => {
                self.count("starts that failed");
                Ok(())
            }
            Err(error) => Err(format!("{} does not start: {error:?}", self.phones[number].label)),
        }
    }

    /// A file with what another phone holds of the common spaces, imported twice while the app is closed.
    fn carry_bundle(&mut self, to: usize) -> Result<(), String> {
        let from = self.rng.random_range(0..PHONES);
        let Some(unit) = self.phones[from].device.as_ref().and_then(|device| device.unit()) else {
            return Ok(());
        };
        if from == to {
            return Ok(());
        }
        let open =
            |disk: &Disk| Replica::open(disk.clone(), Role::Device, Policy::Any).map_err(|e| e.to_string());
        let source = open(&self.phones[from].disk)?;
        let mut target = open(&self.phones[to].disk)?;
        if target.known_units().is_empty() {
            return Ok(());
        }
        let spaces = [Space::of(unit, SpaceKind::Roll), Space::of(unit, SpaceKind::Main)];
        let bytes = bundle::write(&source, &spaces, None).map_err(|error| format!("bundle: {error}"))?;
        for _ in 0..2 {
            let read = bundle::read(&bytes).map_err(|error| format!("bundle: {error}"))?;
            let imported = bundle::import(&mut target, read).map_err(|error| format!("bundle: {error}"))?;
            if imported.refused > 0 || imported.cut.is_some() {
                return Err(format!("a bundle of honest records was refused: {imported:?}"));
            }
        }
        self.count("bundles imported twice");
        Ok(())
    }

    fn arm_phone(&mut self) {
        let number = self.rng.random_range(0..PHONES);
        let (ahead, kind) = (
            self.rng.random_range(0..60),
            *FAULTS.choose(&mut self.rng).expect("faults"),
        );
        let Some(device) = self.phones[number].device.as_mut() else {
            return;
        };
        let at = device.store_mut().calls() + ahead;
        device.store_mut().set_faults(Faults::none().at(at, kind));
        self.count("faults prepared on phones");
        self.say(format!(
            "{} will meet {kind:?} in {ahead} calls",
            self.phones[number].label
        ));
    }

    fn arm_relay(&mut self) {
        let (ahead, kind) = (
            self.rng.random_range(0..60),
            *FAULTS.choose(&mut self.rng).expect("faults"),
        );
        let Some(relay) = self.relay.as_mut() else { return };
        let at = relay.store_mut().calls() + ahead;
        relay.store_mut().set_faults(Faults::none().at(at, kind));
        self.count("faults prepared on the relay");
        self.say(format!("the relay will meet {kind:?} in {ahead} calls"));
    }

    fn relay_on(&mut self) -> Result<(), String> {
        if self.relay.is_none() {
            let shard =
                Shard::open(self.relay_disk.mount()).map_err(|error| format!("the relay: {error}"))?;
            self.relay = Some(shard);
            self.count("starts of the relay");
            self.say("the relay is on".to_owned());
        }
        Ok(())
    }

    fn back_up(&mut self) {
        self.backups.push(self.relay_disk.copy());
        self.count("backups of the relay");
    }

    /// The operator puts back an older copy, or begins with an empty database.
    fn replace_relay(&mut self) -> Result<(), String> {
        self.relay_off();
        let empty = self.rng.random_bool(0.35);
        self.relay_disk = match self.backups.choose(&mut self.rng).cloned() {
            Some(copy) if !empty => {
                self.count("relays set back");
                Disk::holding(copy)
            }
            _ => {
                self.count("relays emptied");
                Disk::empty(self.rng.random())
            }
        };
        self.say("the relay has another database".to_owned());
        self.relay_number += 1;
        for phone in &mut self.phones {
            phone.current = false;
        }
        self.relay_on()
    }

    fn jump(&mut self) {
        let by = self.rng.random_range(-3 * 86_400_000..3 * 86_400_000);
        match self.rng.random_range(0..=PHONES) {
            PHONES => self.relay_clock = by,
            number => self.phones[number].clock = by,
        }
        self.count("clock jumps");
    }

    /// Everything a phone sent in an earlier session arrives once more, in a session of its own.
    fn replay(&mut self) -> Result<(), String> {
        let Some((number, frames)) = self.old_sessions.choose(&mut self.rng).cloned() else {
            return Ok(());
        };
        let Some(device) = self.phones[number].device.as_ref() else {
            return Ok(());
        };
        let (peer, now, link) = (
            device.keys().public().sign,
            self.now + self.relay_clock,
            self.next_link,
        );
        self.next_link += 1;
        self.count("sessions replayed");
        let Some(relay) = self.relay.as_mut() else {
            return Ok(());
        };
        let mut result = relay.up(link, peer, now);
        for frame in frames {
            if result.is_err() {
                break;
            }
            result = relay.frame(link, &frame, now);
        }
        relay.down(link);
        // Acks of that time may name bytes that were never sent in this session; that ends it, and nothing else.
        relay.take_faults();
        self.after_relay(result)
    }

    fn late_admission(&mut self) -> Result<(), String> {
        let joiner = self.rng.random_range(EARLY..PHONES);
        let phone = &self.phones[joiner];
        let joined = phone.device.as_ref().is_none_or(|device| device.unit().is_some());
        if joined || phone.lost {
            return Ok(());
        }
        if self.phones[joiner].invitation.is_none() {
            let officer = self.rng.random_range(0..2);
            let result = self.admit(officer, joiner);
            self.say(format!(
                "{} admits P{}: {result:?}",
                self.phones[officer].label,
                joiner + 1
            ));
            match result {
                Ok(()) => {}
                Err(AdmitError::Already { .. }) => self.phones[joiner].lost = true,
                Err(AdmitError::Device(_)) => {}
                Err(error) => return Err(format!("admission: {error:?}")),
            }
            if self.phones[officer].device.is_some() {
                self.after_phone(officer, Ok(()))?;
            }
        }
        let Some(invitation) = self.phones[joiner].invitation.clone() else {
            return Ok(());
        };
        let Some(device) = self.phones[joiner].device.as_mut() else {
            return Ok(());
        };
        match device.accept(&invitation) {
            Ok(()) | Err(JoinError::Already) => self.phones[joiner].invitation = None,
            Err(JoinError::Device(error)) => match DeviceFault::of(error) {
                DeviceFault::Store(_) => {}
                DeviceFault::Other(what) => return Err(format!("joining: {what}")),
            },
            Err(error) => return Err(format!("joining: {error:?}")),
        }
        self.count("late admissions");
        self.after_phone(joiner, Ok(()))
    }

    fn free_disks(&mut self) {
        for phone in &mut self.phones {
            if let Some(device) = phone.device.as_mut() {
                device.store_mut().free_space();
            }
        }
        if let Some(relay) = self.relay.as_mut() {
            relay.store_mut().free_space();
        }
    }

    /// Nothing fails any more; everybody syncs in turn.
    pub fn heal(&mut self) -> Result<(), String> {
        self.say("everything heals".to_owned());
        self.calm = true;
        self.free_disks();
        if let Some(relay) = self.relay.as_mut() {
            relay.store_mut().set_faults(Faults::none());
        }
        self.relay_on()?;
        for number in 0..PHONES {
            self.phones[number].reach = true;
            match self.phones[number].device.as_mut() {
                Some(device) => device.store_mut().set_faults(Faults::none()),
                None => self.start_phone(number, false)?,
            }
            if let Some(invitation) = self.phones[number].invitation.take() {
                let device = self.phones[number].device.as_mut().expect("all are on");
                match device.accept(&invitation) {
                    Ok(()) | Err(JoinError::Already) => {}
                    Err(error) => return Err(format!("joining: {error:?}")),
                }
            }
        }
        if let Some(off) = self.phones.iter_mut().find_map(|phone| {
            phone
                .device
                .as_mut()?
                .store_mut()
                .crashed()
                .then_some(&phone.label)
        }) {
            return Err(format!("nobody noticed that {off} crashed"));
        }
        let links: Vec<u64> = self.wires.keys().copied().collect();
        for link in links {
            self.cut(link);
        }
        self.quiet()?;
        for round in 1..=HEALING_ROUNDS {
            for number in self.at_work() {
                self.phones[number].current = false;
                self.connect(number, false)?;
                self.quiet()?;
                if round == HEALING_ROUNDS && !self.phones[number].current {
                    return Err(format!("{} does not get through", self.phones[number].label));
                }
            }
        }
        let relay = self.relay_disk.clone();
        for number in self.at_work() {
            for (space, own) in frontiers(&self.phones[number].disk).map_err(|error| error.to_string())? {
                let theirs = relay.frontier(&space).map_err(|error| error.to_string())?;
                if theirs != own {
                    let label = &self.phones[number].label;
                    return Err(format!(
                        "{label} and the relay differ in {space:?}: {own:?} and {theirs:?}"
                    ));
                }
            }
        }
        Ok(())
    }

    fn quiet(&mut self) -> Result<(), String> {
        let until = self.now + QUIET_MS;
        while self.busy() {
            if self.now > until {
                return Err("an exchange without trouble does not end".to_owned());
            }
            self.advance(1000)?;
        }
        Ok(())
    }
}
