//! What the operator's tools can count. Names and meanings are listed in `docs/OPERATING.md`.
//!
//! No label holds an id, an address or a name: labels come from closed lists in this program.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use sotay_net::Turned;

use crate::contacts::{Contacts, Far};
use crate::history::{History, Satisfaction};

/// One label, named for what it tells apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Outcome {
    pub outcome: &'static str,
}

/// See [`Outcome`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Reason {
    pub reason: &'static str,
}

/// See [`Outcome`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Direction {
    pub direction: &'static str,
}

/// See [`Outcome`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Within {
    within: &'static str,
}

/// See [`Outcome`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

/// See [`Outcome`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct File {
    file: &'static str,
}

/// Upper bounds of the commit histogram, seconds: a commit on a solid disk is about 1 ms, on an old one 20 ms.
const COMMIT_SECONDS: [f64; 12] = [
    0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0,
];
/// Upper bounds of the histogram of syncs, seconds, from connection to everything exchanged.
const SYNC_SECONDS: [f64; 10] = [0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0];
/// A sync within this many milliseconds satisfies, within four times as many it is tolerated (Apdex).
pub(crate) const SATISFIED_MS: i64 = 2_000;
/// Clocks of phones within so many milliseconds of ours, by name; beyond the last: "more".
const SKEWS: [(i64, &str); 4] = [
    (5_000, "5s"),
    (60_000, "1m"),
    (3_600_000, "1h"),
    (86_400_000, "1d"),
];
/// Days since the last contact of a device, by which devices are counted.
pub(crate) const CONTACT_DAYS: [i64; 4] = [1, 7, 30, 90];
const CONTACT_NAMES: [&str; 5] = ["1d", "7d", "30d", "90d", "more"];
/// Upper bounds of the batch histogram, envelopes.
const COMMIT_ENVELOPES: [f64; 8] = [0.0, 1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0];

/// All counters of one relay.
pub(crate) struct Metrics {
    registry: Registry,
    /// Whether phones are served: 1, else 0.
    ready: Gauge,
    /// Sessions open now.
    pub sessions: Gauge,
    /// Handshakes by how they ended.
    pub handshakes: Family<Outcome, Counter>,
    /// Sessions by why they ended.
    pub closed: Family<Reason, Counter>,
    /// Frame bytes by direction, length prefixes not counted.
    pub frame_bytes: Family<Direction, Counter>,
    /// Envelopes by direction: taken from phones (whatever became of them), given to phones.
    pub envelopes: Family<Direction, Counter>,
    /// Envelopes offered to the database, by what became of them.
    pub committed: Family<Outcome, Counter>,
    /// Bytes of the envelopes stored.
    pub stored_bytes: Counter,
    /// Envelopes dropped because a cover allows it, and their bytes.
    pub pruned_envelopes: Counter,
    pub pruned_bytes: Counter,
    /// Envelopes not stored, by reason.
    refused: Family<Reason, Counter>,
    /// Spaces not served, by reason.
    denied: Family<Reason, Counter>,
    /// Time of one commit.
    pub commit_seconds: Histogram,
    /// Envelopes in one commit.
    pub commit_envelopes: Histogram,
    /// Time from connection to everything exchanged.
    pub sync_seconds: Histogram,
    syncs: Family<Outcome, Counter>,
    skews: Family<Within, Counter>,
    contacts: Family<Within, Gauge<u64, AtomicU64>>,
    units: Gauge<u64, AtomicU64>,
    units_by_state: Family<State, Gauge<u64, AtomicU64>>,
    /// How full the fullest space is that somebody wrote into lately: 1 is the limit.
    pub fullest_space: Gauge<f64, AtomicU64>,
    disk_free: Gauge<u64, AtomicU64>,
    /// Frames that wait for the thread that owns the database.
    pub waiting: Gauge,
    storage: Family<File, Gauge<u64, AtomicU64>>,
    database: PathBuf,
    /// Of a database that is on a server, when it was last asked; 0: not yet.
    server_bytes: AtomicU64,
    /// The same by hour, for the operator's page.
    pub history: History,
}

impl Metrics {
    /// Everything at zero; `database` is the file whose size is told.
    pub fn new(database: PathBuf) -> Self {
        let mut registry = Registry::with_prefix("sotay_relay");
        let metrics = Self {
            registry: Registry::default(),
            ready: Gauge::default(),
            sessions: Gauge::default(),
            handshakes: Family::default(),
            closed: Family::default(),
            frame_bytes: Family::default(),
            envelopes: Family::default(),
            committed: Family::default(),
            stored_bytes: Counter::default(),
            pruned_envelopes: Counter::default(),
            pruned_bytes: Counter::default(),
            refused: Family::default(),
            denied: Family::default(),
            commit_seconds: Histogram::new(COMMIT_SECONDS),
            commit_envelopes: Histogram::new(COMMIT_ENVELOPES),
            sync_seconds: Histogram::new(SYNC_SECONDS),
            syncs: Family::default(),
            skews: Family::default(),
            contacts: Family::default(),
            units: Gauge::default(),
            units_by_state: Family::default(),
            fullest_space: Gauge::default(),
            disk_free: Gauge::default(),
            waiting: Gauge::default(),
            storage: Family::default(),
            database,
            server_bytes: AtomicU64::new(0),
            history: History::default(),
        };
        let m = &metrics;
        registry.register("ready", "Whether phones are served", m.ready.clone());
        registry.register("sessions", "Sessions open now", m.sessions.clone());
        registry.register("handshakes", "Handshakes by how they ended", m.handshakes.clone());
        registry.register("sessions_closed", "Sessions by why they ended", m.closed.clone());
        registry.register(
            "frame_bytes",
            "Bytes of frames by direction",
            m.frame_bytes.clone(),
        );
        registry.register("envelopes", "Envelopes by direction", m.envelopes.clone());
        registry.register(
            "pruned_envelopes",
            "Envelopes dropped because a signed cover allows it",
            m.pruned_envelopes.clone(),
        );
        registry.register("pruned_bytes", "Their bytes", m.pruned_bytes.clone());
        registry.register(
            "envelopes_committed",
            "Envelopes offered to the database by what became of them",
            m.committed.clone(),
        );
        registry.register(
            "stored_bytes",
            "Bytes of envelopes stored",
            m.stored_bytes.clone(),
        );
        registry.register(
            "envelopes_refused",
            "Envelopes not stored by reason",
            m.refused.clone(),
        );
        registry.register("spaces_denied", "Spaces not served by reason", m.denied.clone());
        registry.register_with_unit(
            "commit",
            "Time of one commit to the database",
            Unit::Seconds,
            m.commit_seconds.clone(),
        );
        registry.register(
            "commit_envelopes",
            "Envelopes in one commit",
            m.commit_envelopes.clone(),
        );
        registry.register_with_unit(
            "sync",
            "Time from connection to everything exchanged",
            Unit::Seconds,
            m.sync_seconds.clone(),
        );
        registry.register(
            "syncs",
            "Syncs that ended with everything exchanged by Apdex",
            m.syncs.clone(),
        );
        registry.register(
            "clock_skew",
            "Greetings by how far the clock of the phone is from ours",
            m.skews.clone(),
        );
        registry.register(
            "devices_seen",
            "Devices by how long ago they were last here",
            m.contacts.clone(),
        );
        registry.register("units", "Units with a device or a record", m.units.clone());
        registry.register(
            "units_by_state",
            "Units by how far their phones are",
            m.units_by_state.clone(),
        );
        registry.register(
            "fullest_space_ratio",
            "How full the fullest space is that somebody wrote into lately",
            m.fullest_space.clone(),
        );
        registry.register_with_unit(
            "disk_free",
            "Room left on the disk of the database",
            Unit::Bytes,
            m.disk_free.clone(),
        );
        registry.register(
            "frames_waiting",
            "Frames that wait for the database",
            m.waiting.clone(),
        );
        registry.register_with_unit("storage", "Size on disk by file", Unit::Bytes, m.storage.clone());
        metrics.begin();
        Self { registry, ..metrics }
    }

    /// A rate needs a beginning: of a series that appears with its first event nobody sees that event. What alert rules ask
    /// for is told from the start, at nothing.
    fn begin(&self) {
        for outcome in ["ok", "full", "retried", "refused"] {
            self.handshakes.get_or_create(&Outcome { outcome }).inc_by(0);
        }
        for outcome in ["satisfied", "tolerated", "frustrated"] {
            self.syncs.get_or_create(&Outcome { outcome }).inc_by(0);
        }
        self.closed.get_or_create(&Reason { reason: "storage" }).inc_by(0);
        for reason in ["quota", "signature", "malformed", "record"] {
            self.refused.get_or_create(&Reason { reason }).inc_by(0);
        }
        for within in SKEWS.map(|(_, name)| name).into_iter().chain(["more"]) {
            self.skews.get_or_create(&Within { within }).inc_by(0);
        }
    }

    /// Whether phones are served, as `/readyz` tells.
    pub fn ready(&self, ready: bool) {
        self.ready.set(i64::from(ready));
    }

    /// Counts one handshake.
    pub fn handshake(&self, outcome: &'static str) {
        self.handshakes.get_or_create(&Outcome { outcome }).inc();
    }

    /// Handshakes that were turned away before they cost anything are counted where that happens.
    pub fn turned(&self, turned: Turned) {
        for (outcome, count) in [("retried", turned.retried), ("refused", turned.refused)] {
            self.handshakes
                .get_or_create(&Outcome { outcome })
                .inner()
                .store(count, Ordering::Relaxed);
        }
    }

    /// A phone has everything, so many milliseconds after it came.
    pub fn synced(&self, ms: i64, now: i64) {
        self.sync_seconds.observe(ms.max(0) as f64 / 1000.0);
        let (outcome, how) = match ms {
            ms if ms <= SATISFIED_MS => ("satisfied", Satisfaction::Satisfied),
            ms if ms <= 4 * SATISFIED_MS => ("tolerated", Satisfaction::Tolerated),
            _ => ("frustrated", Satisfaction::Frustrated),
        };
        self.syncs.get_or_create(&Outcome { outcome }).inc();
        self.history.synced(how, now);
    }

    /// An envelope was not stored.
    pub fn refuse(&self, reason: &'static str, now: i64) {
        self.refused.get_or_create(&Reason { reason }).inc();
        self.history.refused(reason, now);
    }

    /// A space is not served.
    pub fn deny(&self, reason: &'static str, now: i64) {
        self.denied.get_or_create(&Reason { reason }).inc();
        self.history.refused(reason, now);
    }

    /// Bytes of the database file; 0 when there is none.
    pub fn database_bytes(&self) -> u64 {
        match self.server_bytes.load(Ordering::Relaxed) {
            0 => std::fs::metadata(&self.database).map_or(0, |about| about.len()),
            bytes => bytes,
        }
    }

    /// Room on the disk of the database.
    pub fn disk_free_bytes(&self) -> Option<u64> {
        let disk = rustix::fs::statvfs(self.database.parent()?).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// What the database takes on its server.
    pub fn on_server(&self, bytes: u64) {
        self.server_bytes.store(bytes, Ordering::Relaxed);
    }

    /// A phone's clock is so many milliseconds from ours.
    pub fn skew(&self, ms: i64) {
        let within = SKEWS
            .iter()
            .find(|(most, _)| ms.unsigned_abs() <= most.unsigned_abs());
        let within = within.map_or("more", |(_, name)| name);
        self.skews.get_or_create(&Within { within }).inc();
    }

    /// How many devices were last here how long ago, and how many units there are.
    pub fn contacts(&self, contacts: &Contacts, now: i64) {
        for (within, count) in CONTACT_NAMES.into_iter().zip(contacts.ages(&CONTACT_DAYS, now)) {
            self.contacts.get_or_create(&Within { within }).set(count);
        }
        let tallies = contacts.tallies(now);
        self.units.set(tallies.len() as u64);
        let far = tallies
            .values()
            .map(|tally| Far::of(tally.seen, tally.behind, now));
        let far: Vec<Far> = far.collect();
        for state in [Far::UpToDate, Far::Behind, Far::Silent] {
            let count = far.iter().filter(|far| **far == state).count();
            self.units_by_state
                .get_or_create(&State { state: state.name() })
                .set(count as u64);
        }
    }

    /// OpenMetrics text.
    pub fn text(&self) -> String {
        if let Some(bytes) = self.disk_free_bytes() {
            self.disk_free.set(bytes);
        }
        for (file, suffix) in [("database", ""), ("log", "-wal")] {
            let mut path = self.database.clone().into_os_string();
            path.push(suffix);
            // The log is not there when nothing waits in it, and the file when the database is on a server.
            let bytes = match suffix {
                "" => self.database_bytes(),
                _ => std::fs::metadata(path).map_or(0, |about| about.len()),
            };
            self.storage.get_or_create(&File { file }).set(bytes);
        }
        let mut text = String::new();
        text::encode(&mut text, &self.registry).expect("writing into memory cannot fail");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_on_the_disk_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let text = Metrics::new(dir.path().join("relay.sqlite")).text();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("sotay_relay_disk_free_bytes "));
        assert!(line.unwrap().parse::<u64>().unwrap() > 0, "{text}");
    }

    #[test]
    fn what_was_counted_is_in_the_text() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("relay.sqlite");
        std::fs::write(&database, [0; 4096]).unwrap();
        let metrics = Metrics::new(database);
        metrics.handshake("ok");
        metrics.handshake("ok");
        metrics.sessions.set(3);
        metrics.commit_seconds.observe(0.003);
        metrics.synced(SATISFIED_MS, 0);
        metrics.synced(SATISFIED_MS + 1, 0);
        metrics.synced(4 * SATISFIED_MS + 1, 0);
        metrics.skew(-5_000);
        metrics.skew(5_001);
        metrics.skew(i64::MIN);
        let contacts = Contacts::default();
        let (unit, device) = (sotay_feed::UnitId::ZERO, sotay_feed::DeviceId::ZERO);
        contacts.seen(device, unit, 0);
        metrics.contacts(&contacts, 8 * crate::contacts::DAY_MS);
        let text = metrics.text();
        for line in [
            "sotay_relay_sessions 3",
            "sotay_relay_handshakes_total{outcome=\"ok\"} 2",
            "sotay_relay_commit_seconds_bucket{le=\"0.005\"} 1",
            "sotay_relay_commit_seconds_bucket{le=\"0.002\"} 0",
            "sotay_relay_storage_bytes{file=\"database\"} 4096",
            "sotay_relay_storage_bytes{file=\"log\"} 0",
            "sotay_relay_syncs_total{outcome=\"satisfied\"} 1",
            "sotay_relay_syncs_total{outcome=\"tolerated\"} 1",
            "sotay_relay_syncs_total{outcome=\"frustrated\"} 1",
            "sotay_relay_sync_seconds_count 3",
            "sotay_relay_clock_skew_total{within=\"5s\"} 1",
            "sotay_relay_clock_skew_total{within=\"1m\"} 1",
            "sotay_relay_clock_skew_total{within=\"more\"} 1",
            "sotay_relay_devices_seen{within=\"30d\"} 1",
            "sotay_relay_devices_seen{within=\"7d\"} 0",
            "sotay_relay_units 1",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line} is not in\n{text}"
            );
        }
    }
}
