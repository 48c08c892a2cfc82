//! One exchange with a relay as a task: it tells how far it is, can be cancelled, and is waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use tokio::sync::watch;

use crate::engine::{SyncError, SyncReport};

/// How an exchange that was started ended without a report.
#[derive(Debug, thiserror::Error)]
pub enum SyncTaskError {
    /// [`SyncTask::cancel`] was called first. What the relay acknowledged stays acknowledged.
    #[error("cancelled")]
    Cancelled,
    /// It failed.
    #[error(transparent)]
    Failed(#[from] SyncError),
}

/// Where an exchange is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum SyncPhase {
    /// No connection yet.
    Connecting = 0,
    /// Frames go to and fro.
    Exchanging = 1,
    /// It ended, well or not.
    Ended = 2,
}

/// How far an exchange is. Bytes are those of frames, both ends of the link measured here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncProgress {
    /// Where it is.
    pub phase: SyncPhase,
    /// Bytes sent so far.
    pub bytes_out: u64,
    /// Bytes received so far.
    pub bytes_in: u64,
}

/// Counters that the connection's task keeps.
#[derive(Default)]
pub(crate) struct Meter {
    phase: AtomicU8,
    bytes_out: AtomicU64,
    bytes_in: AtomicU64,
}

impl Meter {
    pub fn phase(&self, phase: SyncPhase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    pub fn sent(&self, bytes: usize) {
        self.bytes_out.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub fn received(&self, bytes: usize) {
        self.bytes_in.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// What an exchange came to; shared, because several may wait for it.
pub type SyncOutcome = Arc<Result<SyncReport, SyncTaskError>>;

/// A running exchange. Dropping it does not end it.
pub struct SyncTask {
    pub(crate) meter: Arc<Meter>,
    pub(crate) cancel: watch::Sender<bool>,
    pub(crate) outcome: watch::Receiver<Option<SyncOutcome>>,
}

impl SyncTask {
    /// How far it is.
    pub fn progress(&self) -> SyncProgress {
        SyncProgress {
            phase: match self.meter.phase.load(Ordering::Relaxed) {
                0 => SyncPhase::Connecting,
                1 => SyncPhase::Exchanging,
                _ => SyncPhase::Ended,
            },
            bytes_out: self.meter.bytes_out.load(Ordering::Relaxed),
            bytes_in: self.meter.bytes_in.load(Ordering::Relaxed),
        }
    }

    /// Ends it: the connection is closed, what was stored stays. Nothing happens when it has ended already.
    pub fn cancel(&self) {
        self.cancel.send_replace(true);
    }

    /// Waits for the end, on any executor. Dropping the future changes nothing.
    pub async fn wait(&self) -> SyncOutcome {
        let mut outcome = self.outcome.clone();
        match outcome.wait_for(Option::is_some).await {
            Ok(ended) => ended.clone().unwrap_or_else(stopped),
            Err(_) => stopped(),
        }
    }
}

fn stopped() -> SyncOutcome {
    Arc::new(Err(SyncTaskError::Failed(SyncError::Call(
        crate::CallError::Stopped,
    ))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CallError, Engine};
    use std::net::UdpSocket;
    use std::time::{Duration, Instant};

    const LONG: Duration = Duration::from_secs(60);

    /// An engine that is connecting to an address where nobody answers.
    fn waiting() -> (Engine, SyncTask, UdpSocket, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let engine = Engine::create(&folder.path().join("p"), "P1").unwrap();
        let nobody = UdpSocket::bind("127.0.0.1:0").unwrap();
        // Any key will do: the relay never gets to show its own.
        let key = sotay_net::key_text(&engine.sign_key());
        let task = engine
            .start_sync(&format!("{}#{key}", nobody.local_addr().unwrap()), LONG)
            .unwrap();
        (engine, task, nobody, folder)
    }

    fn outcome(task: &SyncTask) -> SyncOutcome {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(task.wait())
    }

    #[test]
    fn a_cancelled_exchange_ends_at_once_for_all_who_wait() {
        let (_engine, task, _nobody, _folder) = waiting();
        let began = Instant::now();
        task.cancel();
        for _ in 0..2 {
            assert!(matches!(&*outcome(&task), Err(SyncTaskError::Cancelled)));
        }
        assert_eq!(task.progress().phase, SyncPhase::Ended);
        assert!(began.elapsed() < LONG / 2);
        task.cancel();
    }

    #[test]
    fn shutting_down_ends_an_exchange_as_stopped_and_no_other_begins() {
        let (engine, task, nobody, _folder) = waiting();
        engine.shutdown();
        let stopped = |error: &SyncError| matches!(error, SyncError::Call(CallError::Stopped));
        assert!(matches!(&*outcome(&task), Err(SyncTaskError::Failed(error)) if stopped(error)));
        let key = sotay_net::key_text(&engine.sign_key());
        let relay = format!("{}#{key}", nobody.local_addr().unwrap());
        assert!(
            engine
                .start_sync(&relay, LONG)
                .is_err_and(|error| stopped(&error))
        );
        assert!(engine.sync_once(&relay, LONG).is_err_and(|error| stopped(&error)));
    }
}
