//! Syncing: one exchange as a task, relays that are followed, and what is known of them.

use std::sync::Arc;
use std::time::Duration;

use sotay_engine::{Engine, RelayAddress, SyncError, SyncStatus};

use crate::call::tell;
use crate::error::{HandbookError, OrFault, guarded};
use crate::kinds::{SpaceKind, SyncPhase};

/// How a space stands between this phone and a relay. Computed from what was acknowledged, never guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum SpaceState {
    /// Before the first exchange, and after one that was not answered in time.
    Unknown,
    /// The relay holds envelopes this phone does not have yet.
    Behind {
        /// Envelopes the relay holds.
        want: u64,
        /// Of these, the ones held here.
        have: u64,
        /// Bytes of the others; 0 when the relay did not say.
        bytes: u64,
    },
    /// This phone holds envelopes that the relay did not acknowledge.
    Ahead {
        /// How many.
        unsent: u64,
        /// Their bytes.
        bytes: u64,
    },
    /// Both held the same when the relay last confirmed it, and nothing was added here since.
    Synced {
        /// When the relay confirmed it, milliseconds since 1970.
        when_ms: i64,
    },
}

impl From<&SyncStatus> for SpaceState {
    fn from(status: &SyncStatus) -> Self {
        match status {
            SyncStatus::Unknown => Self::Unknown,
            SyncStatus::Behind { want, have, bytes } => Self::Behind {
                want: *want,
                have: *have,
                bytes: *bytes,
            },
            SyncStatus::Ahead { unsent, bytes } => Self::Ahead {
                unsent: *unsent,
                bytes: *bytes,
            },
            SyncStatus::Synced { when, .. } => Self::Synced { when_ms: *when },
        }
    }
}

/// State of one space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct SpaceStatus {
    /// The space.
    pub space: SpaceKind,
    /// Where it stands.
    pub state: SpaceState,
}

pub(crate) fn spaces(all: &[sotay_engine::SpaceStatus]) -> Vec<SpaceStatus> {
    all.iter()
        .map(|one| SpaceStatus {
            space: one.space.kind,
            state: (&one.status).into(),
        })
        .collect()
}

/// What one exchange did.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct SyncReport {
    /// Bytes sent.
    pub bytes_out: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Envelopes sent.
    pub envelopes_out: u64,
    /// Envelopes received.
    pub envelopes_in: u64,
    /// Requests that had to wait for the answer to the one before.
    pub round_trips: u32,
    /// State of each space afterwards.
    pub spaces: Vec<SpaceStatus>,
}

/// How far an exchange is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct SyncProgress {
    /// Where it is.
    pub phase: SyncPhase,
    /// Bytes sent so far.
    pub bytes_out: u64,
    /// Bytes received so far.
    pub bytes_in: u64,
}

fn address(relay: &str) -> Result<RelayAddress, HandbookError> {
    relay.parse().map_err(SyncError::from).or_fault()
}

/// Syncing of one opened handbook.
#[derive(uniffi::Object)]
pub struct Sync {
    pub(crate) engine: Arc<Engine>,
}

#[uniffi::export]
impl Sync {
    /// Begins an exchange with a relay (`host:port#key`) in both directions and returns at once. It fails if it takes
    /// longer than `timeout_ms`.
    pub fn sync_once(&self, relay: String, timeout_ms: u64) -> Result<Arc<SyncTask>, HandbookError> {
        guarded(|| {
            let task = self
                .engine
                .start_sync(&relay, Duration::from_millis(timeout_ms))
                .or_fault()?;
            Ok(Arc::new(SyncTask(task)))
        })
    }

    /// Keeps a connection to a relay while the app is in front, and comes back after every break.
    pub fn follow(&self, relay: String) -> Result<(), HandbookError> {
        guarded(|| self.engine.follow(&relay).or_fault())
    }

    /// Stops following a relay and closes its connection.
    pub fn unfollow(&self, relay: String) -> Result<(), HandbookError> {
        guarded(|| {
            self.engine.unfollow(&relay);
            Ok(())
        })
    }

    /// Signs the list of the relays (`host:port#key`) that serve the unit; it takes the place of the list before. An empty one
    /// says that none does. Officers only.
    pub fn name_relays(&self, relays: Vec<String>) -> Result<(), HandbookError> {
        let relays = relays.iter().map(|relay| address(relay));
        let relays = relays.collect::<Result<Vec<_>, _>>()?;
        tell(&self.engine, move |device, _| device.name_relays(&relays))
    }

    /// The relays of the list in force, in the order in which this phone tries them.
    pub fn named_relays(&self) -> Result<Vec<String>, HandbookError> {
        let all = tell(&self.engine, |device, _| device.relays_to_try())?;
        Ok(all.iter().map(ToString::to_string).collect())
    }

    /// Begins an exchange with the first relay of that list that serves, each for at most `timeout_ms`, and returns at once.
    pub fn sync_listed(&self, timeout_ms: u64) -> Result<Arc<SyncTask>, HandbookError> {
        guarded(|| {
            let timeout = Duration::from_millis(timeout_ms);
            let task = self.engine.start_sync_listed(timeout).or_fault()?;
            Ok(Arc::new(SyncTask(task)))
        })
    }

    /// Keeps a connection to the first relay of that list that serves, while the app is in front, and to the next one when it
    /// is gone. A list that is signed later counts.
    pub fn follow_listed(&self) -> Result<(), HandbookError> {
        guarded(|| self.engine.follow_listed().or_fault())
    }

    /// Ends what `follow_listed` began.
    pub fn unfollow_listed(&self) -> Result<(), HandbookError> {
        guarded(|| {
            self.engine.unfollow_listed();
            Ok(())
        })
    }

    /// What is known of a relay, space by space.
    pub fn status(&self, relay: String) -> Result<Vec<SpaceStatus>, HandbookError> {
        guarded(|| {
            let key = address(&relay)?.key();
            let all = self
                .engine
                .call(move |device, _| device.sync_status(&key))
                .or_fault()?
                .or_fault()?;
            Ok(spaces(&all))
        })
    }

    /// Changes made here that no envelope holds yet; sealing happens when a session begins.
    pub fn pending(&self) -> Result<u64, HandbookError> {
        guarded(|| {
            self.engine
                .call(|device, _| device.pending())
                .or_fault()?
                .or_fault()
        })
    }
}

/// A running exchange.
#[derive(uniffi::Object)]
pub struct SyncTask(sotay_engine::SyncTask);

#[uniffi::export]
impl SyncTask {
    /// How far it is.
    pub fn progress(&self) -> Result<SyncProgress, HandbookError> {
        let progress = self.0.progress();
        Ok(SyncProgress {
            phase: progress.phase,
            bytes_out: progress.bytes_out,
            bytes_in: progress.bytes_in,
        })
    }

    /// Ends it: the connection is closed; what was stored, here and there, stays. `wait` then fails with `cancelled`.
    pub fn cancel(&self) -> Result<(), HandbookError> {
        self.0.cancel();
        Ok(())
    }

    /// Waits for the end. Giving up waiting does not end the exchange; [`SyncTask::cancel`] does.
    pub async fn wait(&self) -> Result<SyncReport, HandbookError> {
        match &*self.0.wait().await {
            Ok(report) => Ok(SyncReport {
                bytes_out: report.stats.bytes_out,
                bytes_in: report.stats.bytes_in,
                envelopes_out: report.stats.envelopes_out,
                envelopes_in: report.stats.envelopes_in,
                round_trips: report.stats.round_trips,
                spaces: spaces(&report.spaces),
            }),
            Err(error) => Err(sotay_engine::Fault::from(error).into()),
        }
    }
}
