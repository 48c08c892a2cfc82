//! Phones, relay and wires in virtual time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sotay_engine::{
    AdmitRequest, Device, DeviceError, Event, Invitation, LinkId, LinkOutput, NewMember, NewUnit,
};
use sotay_feed::MemberId;
use sotay_store::{MemoryStore, Store, StoreError};
use sotay_sync::CloseCode;

use super::Report;
use super::ledger::{Ledger, MARKER};
use super::network::Wire;
use crate::disk::{Disk, Mounted};
use crate::shard::{Outgoing, Shard};

/// Phones that take part; the last ones are admitted late.
pub const PHONES: usize = 5;
/// Phones that are admitted before trouble begins.
pub const EARLY: usize = 3;
/// Members of the unit.
const MEMBERS: usize = 8;
const STEPS_SHOWN: usize = 60;

/// One phone.
pub struct Phone {
    /// What people call it.
    pub label: String,
    /// What it stores; outlives its process.
    pub disk: Disk,
    /// Its process, while it runs.
    pub device: Option<Box<Device<Mounted>>>,
    /// Its open connection.
    pub link: Option<u64>,
    /// Milliseconds its clock is off.
    pub clock: i64,
    /// Whether it reaches the relay at all.
    pub reach: bool,
    /// It has exchanged everything with the relay as it is now (and not with an older one that was replaced).
    pub current: bool,
    /// An invitation for it that it has not taken yet.
    pub invitation: Option<Invitation>,
    /// It was admitted, and lost the invitation: it never takes part.
    pub lost: bool,
}

/// The whole simulation.
pub struct World {
    pub rng: StdRng,
    pub now: i64,
    pub phones: Vec<Phone>,
    pub relay_disk: Disk,
    pub relay: Option<Shard<Mounted>>,
    pub relay_clock: i64,
    /// Counts databases: one more whenever the relay is replaced.
    pub relay_number: u32,
    pub backups: Vec<MemoryStore>,
    pub wires: BTreeMap<u64, Wire>,
    pub old_sessions: Vec<(usize, Vec<Arc<[u8]>>)>,
    pub members: Vec<MemberId>,
    pub ledger: Ledger,
    pub(super) next_link: u64,
    pub(super) next_marker: u32,
    /// Healing: no more trouble, and refusals count as failures.
    pub calm: bool,
    pub report: Report,
    steps: VecDeque<String>,
    verbose: bool,
}

impl World {
    /// Sets the scene: a unit with a roster, and its first phones admitted.
    pub fn new(seed: u64, verbose: bool) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let relay_disk = Disk::empty(rng.random());
        let phones = (0..PHONES)
            .map(|number| Phone {
                label: format!("P{}", number + 1),
                disk: Disk::empty(rng.random()),
                device: None,
                link: None,
                clock: rng.random_range(-3_600_000..3_600_000),
                reach: true,
                current: false,
                invitation: None,
                lost: false,
            })
            .collect();
        let mut world = Self {
            rng,
            now: 1_780_000_000_000,
            phones,
            relay: Some(Shard::open(relay_disk.mount()).expect("an empty store opens")),
            relay_disk,
            relay_clock: 0,
            relay_number: 0,
            backups: Vec::new(),
            wires: BTreeMap::new(),
            old_sessions: Vec::new(),
            members: Vec::new(),
            ledger: Ledger::default(),
            next_link: 1,
            next_marker: 1,
            calm: false,
            report: Report::default(),
            steps: VecDeque::new(),
            verbose,
        };
        world.set_up();
        world
    }

    fn set_up(&mut self) {
        for number in 0..PHONES {
            let rng = Box::new(StdRng::seed_from_u64(self.rng.random()));
            let phone = &mut self.phones[number];
            let device = Device::create(phone.disk.mount(), &phone.label, rng);
            phone.device = Some(Box::new(device.expect("a profile is made")));
        }
        let now = self.now;
        let founder = self.phones[0].device.as_mut().expect("it runs");
        let unit = NewUnit {
            name: format!("Chi bộ {MARKER}"),
            upper: format!("Đảng bộ {MARKER}"),
            founder: format!("{MARKER} Sáng lập"),
            since: None,
        };
        founder.create_unit(&unit, now).expect("a unit is founded");
        let new: Vec<NewMember> = (0..MEMBERS)
            .map(|n| NewMember::named(&format!("{MARKER} Đảng viên {n}")))
            .collect();
        let day = sotay_engine::today(now);
        self.members = founder.add_members(&new, day, now).expect("members are added");
        for (member, new) in self.members.iter().zip(&new) {
            self.ledger.name(*member, &new.name);
        }
        self.ledger.members.extend(&self.members);
        for number in 1..EARLY {
            self.admit(0, number).expect("nothing fails yet");
            let invitation = self.phones[number].invitation.take().expect("it was admitted");
            self.phones[number]
                .device
                .as_mut()
                .expect("it runs")
                .accept(&invitation)
                .expect("it is accepted");
        }
    }

    /// Phone `officer` admits phone `joiner`. `Err` tells whether the joiner can try again.
    pub fn admit(&mut self, officer: usize, joiner: usize) -> Result<(), sotay_engine::AdmitError> {
        let Some(asking) = self.phones[joiner].device.as_mut() else {
            return Ok(());
        };
        let Ok(request) = asking.join_request() else {
            return Ok(());
        };
        let ask = AdmitRequest {
            request: request.to_text(),
            member: self.members[joiner],
            rank: if joiner == 1 { 3 } else { 4 },
            committee: joiner == 2,
            probationary: false,
            relays: Vec::new(),
        };
        let now = self.clock_of(officer);
        let Some(device) = self.phones[officer].device.as_mut() else {
            return Ok(());
        };
        self.phones[joiner].invitation = Some(device.admit(&ask, now)?);
        Ok(())
    }

    /// What a phone's clock shows.
    pub fn clock_of(&self, phone: usize) -> i64 {
        self.now + self.phones[phone].clock
    }

    /// Notes a step, for the account of a failure.
    pub fn say(&mut self, step: String) {
        if self.verbose {
            println!("{:>8} {step}", self.now - 1_780_000_000_000);
        }
        if self.steps.len() == STEPS_SHOWN {
            self.steps.pop_front();
        }
        self.steps
            .push_back(format!("  {:>8} {step}", self.now - 1_780_000_000_000));
    }

    /// Counts one thing that happened.
    pub fn count(&mut self, what: &'static str) {
        *self.report.happened.entry(what).or_default() += 1;
    }

    /// The last steps, oldest first.
    pub fn last_steps(&self) -> String {
        self.steps
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// What the run did.
    pub fn report(&self) -> Report {
        self.report.clone()
    }

    /// Phones that run and belong to the unit.
    pub fn at_work(&self) -> Vec<usize> {
        let works = |phone: &Phone| {
            phone
                .device
                .as_ref()
                .is_some_and(|device| device.unit().is_some())
        };
        (0..PHONES)
            .filter(|number| works(&self.phones[*number]))
            .collect()
    }
    /// Takes what a phone wants sent; deals with a call that failed.
    pub fn after_phone(&mut self, number: usize, result: Result<(), DeviceFault>) -> Result<(), String> {
        if let Err(DeviceFault::Other(what)) = &result {
            return Err(format!("{}: {what}", self.phones[number].label));
        }
        if self.has_crashed(number) {
            return self.power_off(number);
        }
        self.events_of(number)?;
        let Some(link) = self.phones[number].link else {
            return Ok(());
        };
        let mut close = result.is_err();
        if let Err(DeviceFault::Store(error)) = &result {
            self.say(format!(
                "{} gives up link {link}: {error}",
                self.phones[number].label
            ));
        }
        loop {
            let device = self.phones[number].device.as_mut().expect("it has not crashed");
            match device.next_output(LinkId(link)) {
                Some(LinkOutput::Frame(frame)) => {
                    let at = self.delay();
                    let now = self.now;
                    if let Some(wire) = self.wires.get_mut(&link) {
                        wire.send_up(now + at, frame);
                    }
                }
                Some(LinkOutput::CaughtUp) => {
                    // What an older relay said and arrives late says nothing of the one that took its place.
                    self.phones[number].current = self
                        .wires
                        .get(&link)
                        .is_some_and(|wire| wire.relay == self.relay_number);
                    self.count("exchanges completed");
                }
                Some(LinkOutput::Close(reason)) => {
                    self.say(format!(
                        "{} closes link {link}: {reason:?}",
                        self.phones[number].label
                    ));
                    if !matches!(
                        reason.code,
                        CloseCode::Done | CloseCode::Timeout | CloseCode::Storage
                    ) {
                        return Err(format!("{} closes: {reason:?}", self.phones[number].label));
                    }
                    close = true;
                }
                None => break,
            }
        }
        if close { self.hang_up(number, link) } else { Ok(()) }
    }

    /// Events a phone tells; among honest phones nothing is refused for good.
    fn events_of(&mut self, number: usize) -> Result<(), String> {
        let label = self.phones[number].label.clone();
        while let Some(event) = self.phones[number]
            .device
            .as_mut()
            .and_then(|device| device.next_event())
        {
            match event {
                Event::SetAside { .. } | Event::ChangeRefused { .. } => {
                    return Err(format!("{label} does not use honest work: {event:?}"));
                }
                Event::Refused { reason, .. } if !reason.is_passing() => {
                    return Err(format!("the relay refused honest work of {label}: {event:?}"));
                }
                Event::Denied { .. } => {
                    self.count("spaces denied");
                    self.say(format!("{label}: {event:?}"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Takes what the relay wants sent; deals with a call that failed.
    pub fn after_relay(&mut self, result: Result<(), StoreError>) -> Result<(), String> {
        if self
            .relay
            .as_mut()
            .is_some_and(|relay| relay.store_mut().crashed())
        {
            self.count("crashes of the relay inside a call");
            self.relay_off();
            return Ok(());
        }
        if let Err(error) = &result {
            self.say(format!("the relay fails: {error:?}"));
            self.count("failed calls of the relay");
        }
        let Some(relay) = self.relay.as_mut() else {
            return Ok(());
        };
        if let Some(fault) = relay.take_faults().pop() {
            return Err(format!("a phone broke the protocol: {fault}"));
        }
        if let Some((id, reason)) = relay
            .take_rejected()
            .into_iter()
            .find(|(_, reason)| !reason.is_passing())
        {
            return Err(format!("the relay refused {id:?}: {reason:?}"));
        }
        while let Some((link, outgoing)) = self.relay.as_mut().and_then(Shard::poll) {
            let at = self.delay();
            let now = self.now;
            let Some(wire) = self.wires.get_mut(&link) else {
                continue;
            };
            match outgoing {
                Outgoing::Frame(frame) => wire.send_down(now + at, frame),
                Outgoing::Close(_) => {
                    wire.relay_open = false;
                    wire.up.clear();
                    wire.close(now + at);
                }
            }
            self.sweep(link);
        }
        Ok(())
    }

    pub fn has_crashed(&mut self, number: usize) -> bool {
        self.phones[number]
            .device
            .as_mut()
            .is_some_and(|device| device.store_mut().crashed())
    }

    /// The process of a phone is gone, with all it had in memory.
    pub fn power_off(&mut self, number: usize) -> Result<(), String> {
        self.count("crashes of phones");
        self.say(format!("{} is off", self.phones[number].label));
        self.phones[number].device = None;
        if let Some(link) = self.phones[number].link.take() {
            self.cut(link);
            if let Some(wire) = self.wires.get_mut(&link) {
                wire.phone_open = false;
                wire.down.clear();
            }
            self.sweep(link);
        }
        Ok(())
    }

    /// The relay's process is gone.
    pub fn relay_off(&mut self) {
        self.say("the relay is off".to_owned());
        self.relay = None;
        let links: Vec<u64> = self.wires.keys().copied().collect();
        for link in links {
            self.cut(link);
            if let Some(wire) = self.wires.get_mut(&link) {
                wire.relay_open = false;
                wire.up.clear();
            }
            self.sweep(link);
        }
    }
}

/// Why a call on a phone failed: its disk, as planned, or something that must not happen.
#[derive(Debug)]
pub enum DeviceFault {
    /// The disk.
    Store(StoreError),
    /// Anything else.
    Other(String),
}

impl DeviceFault {
    /// Sorts an error.
    pub fn of(error: DeviceError) -> Self {
        match error {
            DeviceError::Store(error) => Self::Store(error),
            other => Self::Other(format!("{other:?}")),
        }
    }
}

/// A store's frontiers are all that two replicas can differ in.
pub fn frontiers<S: Store>(
    store: &S,
) -> Result<Vec<(sotay_feed::SpaceId, sotay_feed::Frontier)>, StoreError> {
    store
        .spaces()?
        .into_iter()
        .map(|space| Ok((space, store.frontier(&space)?)))
        .collect()
}
