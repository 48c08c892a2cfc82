//! Connections in virtual time: two ordered streams each, with delays, that can break after any frame.

use std::collections::VecDeque;
use std::sync::Arc;

use rand::RngExt;
use sotay_engine::LinkId;

use super::world::{DeviceFault, PHONES, World};
use crate::shard::relay_key;

/// One connection: two ordered streams.
pub struct Wire {
    pub phone: usize,
    pub up: VecDeque<(i64, Arc<[u8]>)>,
    pub down: VecDeque<(i64, Arc<[u8]>)>,
    /// The phone's end is open.
    pub phone_open: bool,
    /// The relay's end is open.
    pub relay_open: bool,
    /// Nothing enters it any more; each end learns of it once it has what is under way.
    pub cut: bool,
    /// When the ends learn of it.
    pub gone_at: i64,
    /// Which of the relays that followed one another it leads to.
    pub relay: u32,
    /// Everything the phone sent, for replays.
    pub sent: Vec<Arc<[u8]>>,
}

impl World {
    /// A phone connects to the relay.
    pub fn connect(&mut self, number: usize, live: bool) -> Result<(), String> {
        let now = self.clock_of(number);
        let relay_now = self.now + self.relay_clock;
        let link = self.next_link;
        let phone = &mut self.phones[number];
        let (Some(device), Some(relay)) = (phone.device.as_mut(), self.relay.as_mut()) else {
            return Ok(());
        };
        if phone.link.is_some() || !phone.reach || device.unit().is_none() {
            return Ok(());
        }
        self.next_link += 1;
        let peer = device.keys().public().sign;
        let up = relay.up(link, peer, relay_now);
        let wire = Wire {
            phone: number,
            up: VecDeque::new(),
            down: VecDeque::new(),
            phone_open: true,
            relay_open: true,
            cut: false,
            gone_at: 0,
            relay: self.relay_number,
            sent: Vec::new(),
        };
        self.wires.insert(link, wire);
        phone.link = Some(link);
        self.say(format!("{} connects, link {link}", self.phones[number].label));
        let device = self.phones[number].device.as_mut().expect("it runs");
        let result = device.link_up(LinkId(link), relay_key(), live, now);
        self.count("connections");
        self.after_phone(number, result.map_err(DeviceFault::of))?;
        self.after_relay(up)
    }

    /// Lets time pass, delivering what is due.
    pub fn advance(&mut self, ms: i64) -> Result<(), String> {
        let until = self.now + ms;
        loop {
            let due = self
                .wires
                .iter()
                .filter_map(|(link, wire)| Some((wire.next_due()?, *link)))
                .min();
            match due {
                Some((at, link)) if at <= until => {
                    self.now = self.now.max(at);
                    self.deliver(link)?;
                }
                _ => break,
            }
        }
        self.now = until;
        self.tick()
    }

    /// Whether anything is still under way.
    pub fn busy(&self) -> bool {
        self.wires.values().any(|wire| wire.next_due().is_some())
    }

    fn deliver(&mut self, link: u64) -> Result<(), String> {
        let now = self.now;
        let Some(wire) = self.wires.get_mut(&link) else {
            return Ok(());
        };
        let number = wire.phone;
        let due = |queue: &VecDeque<(i64, Arc<[u8]>)>| queue.front().map_or(i64::MAX, |(at, _)| *at);
        if wire.relay_open && due(&wire.up) <= now && due(&wire.up) <= due(&wire.down) {
            let (_, frame) = wire.up.pop_front().expect("it is due");
            let relay_now = now + self.relay_clock;
            let Some(relay) = self.relay.as_mut() else {
                return Ok(());
            };
            let result = relay.frame(link, &frame, relay_now);
            return self.after_relay(result);
        }
        if wire.phone_open && due(&wire.down) <= now {
            let (_, frame) = wire.down.pop_front().expect("it is due");
            let clock = self.clock_of(number);
            let Some(device) = self.phones[number].device.as_mut() else {
                return Ok(());
            };
            let result = device.link_frame(LinkId(link), &frame, clock);
            return self.after_phone(number, result.map_err(DeviceFault::of));
        }
        // Both ends have what was under way: they learn that the connection is gone.
        if wire.relay_open && wire.up.is_empty() {
            wire.relay_open = false;
            if let Some(relay) = self.relay.as_mut() {
                relay.down(link);
            }
        }
        if self.wires[&link].phone_open && self.wires[&link].down.is_empty() {
            self.hang_up(number, link)?;
        }
        self.sweep(link);
        Ok(())
    }

    /// The phone's end of a connection is gone.
    pub fn hang_up(&mut self, number: usize, link: u64) -> Result<(), String> {
        if let Some(wire) = self.wires.get_mut(&link) {
            wire.phone_open = false;
            wire.down.clear();
            wire.close(self.now);
        }
        let phone = &mut self.phones[number];
        if phone.link == Some(link) {
            phone.link = None;
        }
        let Some(device) = phone.device.as_mut() else {
            return Ok(());
        };
        let result = device.link_down(LinkId(link));
        self.sweep(link);
        match result.map_err(DeviceFault::of) {
            Err(DeviceFault::Store(_)) if self.has_crashed(number) => self.power_off(number),
            Err(DeviceFault::Other(what)) => Err(format!("{} link down: {what}", self.phones[number].label)),
            // What could not be applied for want of disk is applied later.
            _ => Ok(()),
        }
    }

    /// Forgets a connection once both ends know that it is gone.
    pub fn sweep(&mut self, link: u64) {
        let over = self
            .wires
            .get(&link)
            .is_some_and(|wire| !wire.phone_open && !wire.relay_open);
        if over && let Some(wire) = self.wires.remove(&link) {
            self.old_sessions.push((wire.phone, wire.sent));
            if self.old_sessions.len() > 6 {
                self.old_sessions.remove(0);
            }
        }
    }

    /// A connection breaks: of what is under way only a beginning arrives.
    pub fn cut(&mut self, link: u64) {
        let (keep_up, keep_down, later) = (self.rng.random::<f64>(), self.rng.random::<f64>(), self.delay());
        let now = self.now;
        if let Some(wire) = self.wires.get_mut(&link) {
            wire.up.truncate((wire.up.len() as f64 * keep_up) as usize);
            wire.down.truncate((wire.down.len() as f64 * keep_down) as usize);
            wire.close(now + later);
        }
    }

    /// How long the next frame takes: mostly quick, sometimes very slow.
    pub fn delay(&mut self) -> i64 {
        match self.rng.random_range(0..10) {
            0 if !self.calm => self.rng.random_range(500..20_000),
            1..=3 => self.rng.random_range(100..800),
            _ => self.rng.random_range(5..120),
        }
    }

    fn tick(&mut self) -> Result<(), String> {
        for number in 0..PHONES {
            let clock = self.clock_of(number);
            let phone = &mut self.phones[number];
            let (Some(link), Some(device)) = (phone.link, phone.device.as_mut()) else {
                continue;
            };
            if device
                .link_deadline(LinkId(link))
                .is_some_and(|(at, _)| at <= clock)
            {
                let result = device.link_tick(LinkId(link), clock);
                self.count("time-outs of phones");
                self.after_phone(number, result.map_err(DeviceFault::of))?;
            }
        }
        let relay_now = self.now + self.relay_clock;
        if let Some(relay) = self.relay.as_mut() {
            let result = relay.tick(relay_now);
            return self.after_relay(result);
        }
        Ok(())
    }
}

impl Wire {
    fn next_due(&self) -> Option<i64> {
        let up = self.up.front().filter(|_| self.relay_open).map(|(at, _)| *at);
        let down = self.down.front().filter(|_| self.phone_open).map(|(at, _)| *at);
        let gone = self
            .cut
            .then_some(self.gone_at)
            .filter(|_| (self.relay_open && self.up.is_empty()) || (self.phone_open && self.down.is_empty()));
        [up, down, gone].into_iter().flatten().min()
    }

    /// Frames keep their order.
    pub fn send_up(&mut self, at: i64, frame: Arc<[u8]>) {
        self.sent.push(Arc::clone(&frame));
        if !self.cut && self.relay_open {
            let at = self.up.back().map_or(at, |(last, _)| at.max(*last));
            self.up.push_back((at, frame));
        }
    }

    pub fn send_down(&mut self, at: i64, frame: Arc<[u8]>) {
        if !self.cut && self.phone_open {
            let at = self.down.back().map_or(at, |(last, _)| at.max(*last));
            self.down.push_back((at, frame));
        }
    }

    pub fn close(&mut self, at: i64) {
        self.gone_at = if self.cut { self.gone_at.min(at) } else { at };
        self.cut = true;
    }
}
