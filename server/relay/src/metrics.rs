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
struct File {
    file: &'static str,
}

/// Upper bounds of the commit histogram, seconds: a commit on a solid disk is about 1 ms, on an old one 20 ms.
const COMMIT_SECONDS: [f64; 12] = [
    0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0,
];
/// Upper bounds of the batch histogram, envelopes.
const COMMIT_ENVELOPES: [f64; 8] = [0.0, 1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0];

/// All counters of one relay.
pub(crate) struct Metrics {
    registry: Registry,
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
    /// Envelopes not stored, by reason.
    pub refused: Family<Reason, Counter>,
    /// Spaces not served, by reason.
    pub denied: Family<Reason, Counter>,
    /// Time of one commit.
    pub commit_seconds: Histogram,
    /// Envelopes in one commit.
    pub commit_envelopes: Histogram,
    /// Frames that wait for the thread that owns the database.
    pub waiting: Gauge,
    storage: Family<File, Gauge<u64, AtomicU64>>,
    database: PathBuf,
}

impl Metrics {
    /// Everything at zero; `database` is the file whose size is told.
    pub fn new(database: PathBuf) -> Self {
        let mut registry = Registry::with_prefix("sotay_relay");
        let metrics = Self {
            registry: Registry::default(),
            sessions: Gauge::default(),
            handshakes: Family::default(),
            closed: Family::default(),
            frame_bytes: Family::default(),
            envelopes: Family::default(),
            committed: Family::default(),
            stored_bytes: Counter::default(),
            refused: Family::default(),
            denied: Family::default(),
            commit_seconds: Histogram::new(COMMIT_SECONDS),
            commit_envelopes: Histogram::new(COMMIT_ENVELOPES),
            waiting: Gauge::default(),
            storage: Family::default(),
            database,
        };
        let m = &metrics;
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
        registry.register(
            "frames_waiting",
            "Frames that wait for the database",
            m.waiting.clone(),
        );
        registry.register_with_unit("storage", "Size on disk by file", Unit::Bytes, m.storage.clone());
        Self { registry, ..metrics }
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

    /// OpenMetrics text.
    pub fn text(&self) -> String {
        for (file, suffix) in [("database", ""), ("log", "-wal")] {
            let mut path = self.database.clone().into_os_string();
            path.push(suffix);
            // The log is not there when nothing waits in it.
            let bytes = std::fs::metadata(path).map_or(0, |about| about.len());
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
    fn what_was_counted_is_in_the_text() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("relay.sqlite");
        std::fs::write(&database, [0; 4096]).unwrap();
        let metrics = Metrics::new(database);
        metrics.handshake("ok");
        metrics.handshake("ok");
        metrics.sessions.set(3);
        metrics.commit_seconds.observe(0.003);
        let text = metrics.text();
        for line in [
            "sotay_relay_sessions 3",
            "sotay_relay_handshakes_total{outcome=\"ok\"} 2",
            "sotay_relay_commit_seconds_bucket{le=\"0.005\"} 1",
            "sotay_relay_commit_seconds_bucket{le=\"0.002\"} 0",
            "sotay_relay_storage_bytes{file=\"database\"} 4096",
            "sotay_relay_storage_bytes{file=\"log\"} 0",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line} is not in\n{text}"
            );
        }
    }
}
