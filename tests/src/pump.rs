//! Carries frames between devices and a relay, or between two phones, in one thread, without delay.

use sotay_engine::{Device, DeviceError, LinkId, LinkOutput, SessionStats};
use sotay_store::Store;
use sotay_sync::CloseReason;

use crate::shard::{Outgoing, Shard, relay_key};

/// How a conversation went.
#[derive(Debug, Clone, Default)]
pub struct Talk {
    /// What the device's session moved.
    pub stats: SessionStats,
    /// Everything was exchanged.
    pub caught_up: bool,
    /// Who closed it and why, if it was closed.
    pub closed: Option<CloseReason>,
    /// Every frame the device sent, to look into.
    pub sent: Vec<std::sync::Arc<[u8]>>,
    /// Every frame the relay sent.
    pub got: Vec<std::sync::Arc<[u8]>>,
}

/// Numbers of links need to differ for each relay and each device.
pub type LinkNumber = u64;

/// One whole exchange: connect, both directions, close. `frames_max` cuts it after so many frames.
pub fn exchange<D: Store, R: Store>(
    device: &mut Device<D>,
    relay: &mut Shard<R>,
    link: LinkNumber,
    now: i64,
    frames_max: usize,
) -> Result<Talk, DeviceError> {
    let id = LinkId(link);
    device.link_up(id, relay_key(), false, now)?;
    relay.up(link, device.keys().public().sign, now)?;
    let mut talk = Talk::default();
    let mut left = frames_max;
    'talk: loop {
        let mut idle = true;
        while let Some(output) = device.next_output(id) {
            idle = false;
            match output {
                LinkOutput::Frame(frame) => {
                    if left == 0 {
                        break 'talk;
                    }
                    left -= 1;
                    relay.frame(link, &frame, now)?;
                    talk.sent.push(frame);
                }
                LinkOutput::CaughtUp => talk.caught_up = true,
                LinkOutput::Close(reason) => {
                    talk.closed = Some(reason);
                    break 'talk;
                }
            }
        }
        while let Some((to, outgoing)) = relay.poll() {
            match outgoing {
                Outgoing::Frame(frame) if to == link => {
                    idle = false;
                    if left == 0 {
                        break 'talk;
                    }
                    left -= 1;
                    device.link_frame(id, &frame, now)?;
                    talk.got.push(frame);
                }
                _ => {}
            }
        }
        if idle {
            break;
        }
    }
    talk.stats = device.link_stats(id).unwrap_or_default();
    device.link_down(id)?;
    relay.down(link);
    Ok(talk)
}

/// Exchanges of all phones in turn, three times over: what one says reaches all, and what follows from it too.
pub fn rounds<D: Store, R: Store>(
    phones: &mut [&mut Device<D>],
    relay: &mut Shard<R>,
    links: &mut LinkNumber,
    now: i64,
) {
    for _ in 0..3 {
        for phone in phones.iter_mut() {
            *links += 1;
            sync(phone, relay, *links, now);
        }
    }
}

/// A whole exchange that has to succeed.
pub fn sync<D: Store, R: Store>(
    device: &mut Device<D>,
    relay: &mut Shard<R>,
    link: LinkNumber,
    now: i64,
) -> Talk {
    let talk = exchange(device, relay, link, now, usize::MAX).expect("stores without faults do not fail");
    assert!(talk.caught_up, "the exchange ended early: {:?}", talk.closed);
    talk
}

/// How two phones talked.
#[derive(Debug, Clone, Copy, Default)]
pub struct PhoneTalk {
    /// The caller exchanged everything.
    pub caught_up: bool,
    /// Bytes that reached the caller, those of a frame that was cut off included.
    pub to_caller: u64,
    /// Bytes that reached the host.
    pub to_host: u64,
}

/// Bytes that carriers put before each frame.
const FRAME_PREFIX_BYTES: u64 = 4;

/// One exchange between two phones in one room: `caller` connects, `host` accepts. After `caller_bytes_max` bytes
/// towards the caller the connection breaks, in the middle of a frame if need be, and that frame is lost.
pub fn meet<A: Store, B: Store>(
    caller: &mut Device<A>,
    host: &mut Device<B>,
    link: LinkNumber,
    now: i64,
    caller_bytes_max: u64,
) -> Result<PhoneTalk, DeviceError> {
    let id = LinkId(link);
    caller.link_up_to_phone(id, host.keys().public().sign, false, now)?;
    host.link_accept(id, caller.keys().public().sign, now)?;
    let mut talk = PhoneTalk::default();
    'talk: loop {
        let mut idle = true;
        while let Some(output) = caller.next_output(id) {
            idle = false;
            match output {
                LinkOutput::Frame(frame) => {
                    talk.to_host += frame.len() as u64 + FRAME_PREFIX_BYTES;
                    host.link_frame(id, &frame, now)?;
                }
                LinkOutput::CaughtUp => talk.caught_up = true,
                LinkOutput::Close(_) => {}
            }
        }
        while let Some(output) = host.next_output(id) {
            idle = false;
            if let LinkOutput::Frame(frame) = output {
                let room = caller_bytes_max - talk.to_caller;
                let bytes = frame.len() as u64 + FRAME_PREFIX_BYTES;
                talk.to_caller += bytes.min(room);
                if bytes > room {
                    break 'talk;
                }
                caller.link_frame(id, &frame, now)?;
            }
        }
        if idle {
            break;
        }
    }
    caller.link_down(id)?;
    host.link_down(id)?;
    Ok(talk)
}
