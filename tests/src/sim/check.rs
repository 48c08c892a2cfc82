//! What has to hold: during a run, and when everything has healed.

use sotay_document::Run;
use sotay_engine::SyncStatus;
use sotay_feed::{Envelope, Kind, SpaceId};
use sotay_store::{Bucket, Budget, Store};

use super::ledger::MARKER;
use super::world::World;
use crate::shard::relay_key;

const PAGE: Budget = Budget {
    count: 256,
    bytes: 1 << 20,
};
/// First bytes of every zstd frame.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

impl World {
    /// No phone believes more of the relay than is true. Claims about a relay that was replaced since are out of date,
    /// not wrong, until the phone has met the new one.
    pub fn check_status(&mut self) -> Result<(), String> {
        for number in self.at_work() {
            if !self.phones[number].current {
                continue;
            }
            let device = self.phones[number].device.as_mut().expect("it is at work");
            let Ok(all) = device.sync_status(&relay_key()) else {
                // A disk that fails right now cannot be asked.
                if device.store_mut().crashed() {
                    self.power_off(number)?;
                }
                continue;
            };
            let own = &self.phones[number].disk;
            for line in all {
                let id = line.space.id();
                let relay = self.relay_disk.frontier(&id).map_err(|error| error.to_string())?;
                let here = own.frontier(&id).map_err(|error| error.to_string())?;
                let wrong = match &line.status {
                    SyncStatus::Synced { frontier, .. } => !relay.covers(frontier) || *frontier != here,
                    SyncStatus::Ahead { unsent, .. } => relay.lacks(&here) > *unsent,
                    SyncStatus::Behind { want, have, .. } => have >= want,
                    SyncStatus::Unknown => false,
                };
                if wrong {
                    let label = &self.phones[number].label;
                    let status = &line.status;
                    return Err(format!(
                        "{label} shows {status:?} of {:?}; the relay has {relay:?}",
                        line.space
                    ));
                }
            }
        }
        Ok(())
    }

    /// Everything, when everybody has synced.
    pub fn check_end(&mut self) -> Result<(), String> {
        self.check_feeds()?;
        self.check_synced()?;
        self.check_equal()?;
        self.check_relay_blind()?;
        let numbers = self.at_work();
        for number in &numbers {
            let label = self.phones[*number].label.clone();
            let device = self.phones[*number].device.as_mut().expect("it is at work");
            self.ledger
                .check(device)
                .map_err(|what| format!("on {label}: {what}"))?;
        }
        // What is shown comes from disk, not from memory that happens to be right.
        for number in numbers {
            self.power_off(number)?;
            self.restart(number)?;
        }
        self.check_equal()
    }

    fn restart(&mut self, number: usize) -> Result<(), String> {
        use rand::{RngExt, SeedableRng};
        let rng = Box::new(rand::rngs::StdRng::seed_from_u64(self.rng.random()));
        let device = sotay_engine::Device::open(self.phones[number].disk.mount(), rng);
        let device =
            device.map_err(|error| format!("{} does not start: {error:?}", self.phones[number].label))?;
        self.phones[number].device = Some(Box::new(device));
        Ok(())
    }

    /// Every feed everywhere is a gapless chain, and every arrival has a number of its own.
    fn check_feeds(&self) -> Result<(), String> {
        let disks = self
            .phones
            .iter()
            .map(|phone| (&phone.disk, phone.label.as_str()));
        for (disk, whose) in disks.chain([(&self.relay_disk, "the relay")]) {
            for space in disk.spaces().map_err(|error| error.to_string())? {
                check_space(disk, &space).map_err(|what| format!("{whose}, {space:?}: {what}"))?;
            }
            if !disk.forks().map_err(|error| error.to_string())?.is_empty() {
                return Err(format!("{whose} holds proof of a fork among honest phones"));
            }
        }
        Ok(())
    }

    fn check_synced(&self) -> Result<(), String> {
        for number in self.at_work() {
            let device = self.phones[number].device.as_ref().expect("it is at work");
            for line in device
                .sync_status(&relay_key())
                .map_err(|error| error.to_string())?
            {
                if !matches!(line.status, SyncStatus::Synced { .. }) {
                    return Err(format!("{} after healing: {line:?}", self.phones[number].label));
                }
            }
        }
        Ok(())
    }

    /// All phones show the same, to the byte.
    fn check_equal(&mut self) -> Result<(), String> {
        let numbers = self.at_work();
        let day = sotay_engine::today(self.now);
        let mut first = None;
        self.report.minutes.clear();
        for number in numbers {
            let label = self.phones[number].label.clone();
            let device = self.phones[number].device.as_mut().expect("it is at work");
            let failed = |error| format!("{label}: {error:?}");
            let members = device.members(day).map_err(failed)?;
            let roster = device.roster_view().map_err(failed)?;
            let meetings = device.meetings().map_err(failed)?;
            let mut each = Vec::new();
            for meeting in &meetings {
                let doc = meeting.doc;
                let shown = (
                    device.meeting_view(doc).map_err(failed)?,
                    device.review(doc).map_err(failed)?,
                );
                each.push((shown, device.minutes(doc).map_err(failed)?));
            }
            match &first {
                None => {
                    self.report.minutes = each.iter().map(|(_, minutes)| minutes.sha256.clone()).collect();
                    first = Some((label, members, roster, meetings, each));
                }
                Some((other, their_members, their_roster, their_meetings, their_each)) => {
                    let differ = |what: &str| Err(format!("{label} and {other} differ in {what}"));
                    if *their_roster != roster {
                        return differ("the roster");
                    }
                    if *their_members != members {
                        return differ("the list of members");
                    }
                    if *their_meetings != meetings {
                        return differ("the list of meetings");
                    }
                    for (ours, theirs) in each.iter().zip(their_each) {
                        if ours.1.heads != theirs.1.heads {
                            return differ("the heads of a meeting");
                        }
                        if ours.0.0 != theirs.0.0 {
                            return differ("a meeting");
                        }
                        if ours.0.1 != theirs.0.1 {
                            return differ("a review list");
                        }
                        if ours.1 != theirs.1 {
                            return differ("minutes");
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// No text, no name, and nothing that reads as a run of changes, in anything the relay stores.
    fn check_relay_blind(&mut self) -> Result<(), String> {
        let disk = self.relay_disk.clone();
        let mut envelopes = 0;
        for space in disk.spaces().map_err(|error| error.to_string())? {
            let page = disk.since(
                &space,
                0,
                Budget {
                    count: usize::MAX,
                    bytes: usize::MAX,
                },
            );
            for stored in page.map_err(|error| error.to_string())?.envelopes {
                envelopes += 1;
                blind(&stored.bytes)?;
                let envelope = Envelope::decode(&stored.bytes).map_err(|error| error.to_string())?;
                let body = envelope.body();
                if stored.kind == Kind::CHANGE
                    && (0..body.len().min(64)).any(|at| Run::decode(&body[at..]).is_ok())
                {
                    return Err("the relay holds a run in clear".to_owned());
                }
            }
        }
        for bucket in Bucket::ALL {
            for (key, value) in disk.list(bucket, &[]).map_err(|error| error.to_string())? {
                blind(&key)?;
                blind(&value)?;
            }
        }
        self.report.envelopes = envelopes;
        Ok(())
    }
}

fn blind(bytes: &[u8]) -> Result<(), String> {
    let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    if holds(MARKER.as_bytes()) || holds(&ZSTD_MAGIC) {
        return Err("the relay stores text in clear".to_owned());
    }
    Ok(())
}

fn check_space<S: Store>(store: &S, space: &SpaceId) -> Result<(), String> {
    let failed = |error: sotay_store::StoreError| error.to_string();
    let frontier = store.frontier(space).map_err(failed)?;
    for (device, top) in frontier.iter() {
        let mut prev = sotay_feed::EnvelopeId::ZERO;
        for seq in 1..=top {
            let stored = store.at(space, device, seq).map_err(failed)?;
            let stored = stored.ok_or_else(|| format!("{device:?} lacks {seq} of {top}"))?;
            let envelope = Envelope::decode(&stored.bytes).map_err(|error| error.to_string())?;
            if envelope.header().seq != seq || envelope.header().prev != prev {
                return Err(format!("{device:?} #{seq} does not follow its predecessor"));
            }
            prev = stored.id;
        }
    }
    let (mut after, mut count) = (0, 0);
    loop {
        let page = store.since(space, after, PAGE).map_err(failed)?;
        for stored in &page.envelopes {
            count += 1;
            if stored.arrival != count {
                return Err(format!("arrival {} comes where {count} should", stored.arrival));
            }
        }
        if !page.more {
            break;
        }
        after = page.upto;
    }
    let total: u64 = frontier.iter().map(|(_, seq)| seq).sum();
    let head = store.head(space).map_err(failed)?.number;
    if total == count && head == count {
        Ok(())
    } else {
        Err(format!("{count} arrivals, head {head}, {total} in feeds"))
    }
}
