//! Days later: the phones reach the relay one after another, and become one meeting.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;
use sotay_engine::handbook::Lang;
use sotay_engine::handbook::meeting::Command;
use sotay_engine::{
    CallError, DeviceError, Engine, MinutesText, OpenError, SessionStats, SyncError, SyncStatus,
};

use crate::evening::Evening;
use crate::relay::{RelayError, RelayProcess};

/// Longest wait for all phones to show the same. On one machine it takes well under a second.
const PATIENCE: Duration = Duration::from_secs(60);

/// What can stop the homecoming.
#[derive(Debug, thiserror::Error)]
pub enum HomecomingError {
    #[error(transparent)]
    Relay(#[from] RelayError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    Sync(#[from] SyncError),
    #[error("files cannot be copied or measured: {0}")]
    Files(#[from] std::io::Error),
}

/// One phone at the end.
#[derive(Debug, Clone, Serialize)]
pub struct PhoneReport {
    pub label: String,
    pub minutes_sha256: String,
    pub heads: Vec<String>,
    pub review_items: usize,
    pub review_blocks: bool,
    pub synced: bool,
    pub bytes_up: u64,
    pub bytes_down: u64,
    pub round_trips: u32,
}

/// The whole run, as `--json` prints it.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub order: Vec<String>,
    pub converged: bool,
    pub minutes_sha256: Option<String>,
    pub phones: Vec<PhoneReport>,
    /// Envelopes the phones handed to the relay.
    pub envelopes: u64,
    pub bytes_up: u64,
    pub bytes_down: u64,
    /// Of all phones together, handshakes not counted.
    pub round_trips: u32,
    pub relay_store_bytes: u64,
    /// The agreed minutes.
    #[serde(skip)]
    pub minutes: String,
    /// The review list in words.
    #[serde(skip)]
    pub review: Vec<String>,
}

struct Phone {
    label: String,
    engine: Engine,
    first: SessionStats,
}

/// Plays one order. `tell` gets a line for people about every step. Profiles are used where they are; with `dir`
/// given to several orders, copy them first.
pub fn play(
    evening: &Evening,
    dir: &Path,
    order: &[usize],
    tell: &mut dyn FnMut(String),
) -> Result<Report, HomecomingError> {
    let relay_dir = dir.join("relay");
    let relay = RelayProcess::start(&relay_dir)?;
    tell(format!(
        "Trạm chuyển tiếp (tiến trình riêng): {}",
        relay.address()
    ));
    let mut phones: Vec<Phone> = Vec::new();
    for &at in order {
        let (label, _) = &evening.phones[at];
        let engine = Engine::open(&dir.join(label))?;
        // The first exchange by itself, so that its cost is seen; then the phone stays online like the others.
        let report = engine.sync_once(relay.address(), PATIENCE)?;
        tell(format!(
            "{label} gặp mạng: gửi {} bản ghi ({} byte), nhận {} bản ghi ({} byte), {} lượt hỏi–đáp",
            report.stats.envelopes_out,
            report.stats.bytes_out,
            report.stats.envelopes_in,
            report.stats.bytes_in,
            report.stats.round_trips
        ));
        engine.follow(relay.address())?;
        phones.push(Phone {
            label: label.clone(),
            engine,
            first: report.stats,
        });
    }
    confirm(evening, &phones)?;
    let converged = settle(evening, &phones, relay.address(), tell)?;
    let mut report = account(evening, order, &phones, relay.address(), converged)?;
    for phone in &phones {
        phone.engine.shutdown();
    }
    drop(relay);
    report.relay_store_bytes = folder_bytes(&relay_dir)?;
    Ok(report)
}

/// The chair confirms counts, on the phone named in the script, once that phone has them.
fn confirm(evening: &Evening, phones: &[Phone]) -> Result<(), HomecomingError> {
    let meeting = evening.meeting;
    for (motion, label) in &evening.motions {
        let Some(phone) = phones.iter().find(|phone| phone.label == *label) else {
            continue;
        };
        let motion = *motion;
        let until = Instant::now() + PATIENCE;
        loop {
            let done = phone.engine.call(move |device, now| {
                let view = device.meeting_view(meeting)?;
                let tally = view
                    .motions
                    .iter()
                    .find(|seen| seen.id == motion)
                    .and_then(|seen| seen.tallies.first());
                let Some(recorder) = tally.map(|tally| tally.mark.device) else {
                    return Ok::<_, DeviceError>(false);
                };
                let id = device.fresh_id();
                device.meeting(meeting, &Command::ConfirmTally { motion, recorder, id }, now)?;
                Ok(true)
            })??;
            if done || Instant::now() > until {
                break;
            }
            // Wakes with whatever arrives.
            phone.engine.next_event(Duration::from_millis(200));
        }
    }
    Ok(())
}

/// Waits until all phones show the same minutes and every space is synced.
fn settle(
    evening: &Evening,
    phones: &[Phone],
    relay: &str,
    tell: &mut dyn FnMut(String),
) -> Result<bool, HomecomingError> {
    let until = Instant::now() + PATIENCE;
    loop {
        let mut hashes = Vec::new();
        let mut synced = true;
        for phone in phones {
            hashes.push(minutes(phone, evening)?.sha256);
            synced &= is_synced(phone, relay)?;
        }
        let equal = hashes.windows(2).all(|pair| pair[0] == pair[1]);
        if equal && synced {
            tell("Mọi máy đã đủ và giống nhau.".to_owned());
            return Ok(true);
        }
        if Instant::now() > until {
            return Ok(false);
        }
        for phone in phones {
            phone.engine.next_event(Duration::from_millis(50));
        }
    }
}

fn minutes(phone: &Phone, evening: &Evening) -> Result<MinutesText, HomecomingError> {
    let meeting = evening.meeting;
    Ok(phone.engine.call(move |device, _| device.minutes(meeting))??)
}

fn is_synced(phone: &Phone, relay: &str) -> Result<bool, HomecomingError> {
    let address: sotay_engine::RelayAddress = relay.parse().map_err(SyncError::from)?;
    let spaces = phone
        .engine
        .call(move |device, _| device.sync_status(&address.key()))??;
    Ok(spaces
        .iter()
        .all(|space| matches!(space.status, SyncStatus::Synced { .. })))
}

fn account(
    evening: &Evening,
    order: &[usize],
    phones: &[Phone],
    relay: &str,
    converged: bool,
) -> Result<Report, HomecomingError> {
    let meeting = evening.meeting;
    let mut report = Report {
        order: order.iter().map(|&at| evening.phones[at].0.clone()).collect(),
        converged,
        minutes_sha256: None,
        phones: Vec::new(),
        envelopes: 0,
        bytes_up: 0,
        bytes_down: 0,
        round_trips: 0,
        relay_store_bytes: 0,
        minutes: String::new(),
        review: Vec::new(),
    };
    for phone in phones {
        let text = minutes(phone, evening)?;
        let (items, blocks, words) = phone.engine.call(move |device, _| {
            let list = device.review(meeting)?;
            let words: Vec<String> = list
                .open()
                .iter()
                .map(|item| item.text(Lang::Vi, device.names()))
                .collect();
            Ok::<_, DeviceError>((list.open().len(), list.blocks(), words))
        })??;
        let all = phone.engine.call(|device, _| device.session_stats())?;
        report.envelopes += all.envelopes_out;
        report.bytes_up += all.bytes_out;
        report.bytes_down += all.bytes_in;
        report.round_trips += phone.first.round_trips;
        report.phones.push(PhoneReport {
            label: phone.label.clone(),
            minutes_sha256: text.sha256.clone(),
            heads: text.heads,
            review_items: items,
            review_blocks: blocks,
            synced: is_synced(phone, relay)?,
            bytes_up: all.bytes_out,
            bytes_down: all.bytes_in,
            round_trips: phone.first.round_trips,
        });
        report.minutes = text.text;
        report.review = words;
    }
    if converged {
        report.minutes_sha256 = report.phones.first().map(|phone| phone.minutes_sha256.clone());
    }
    Ok(report)
}

/// Copies the profiles of an evening, so that it can be continued in another order.
pub fn copy_phones(evening: &Evening, to: &Path) -> std::io::Result<()> {
    for (label, from) in &evening.phones {
        let folder = to.join(label);
        fs::create_dir_all(&folder)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            fs::copy(entry.path(), folder.join(entry.file_name()))?;
        }
    }
    Ok(())
}

fn folder_bytes(folder: &Path) -> std::io::Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.metadata()?;
        sum += if kind.is_dir() {
            folder_bytes(&entry.path())?
        } else {
            kind.len()
        };
    }
    Ok(sum)
}
