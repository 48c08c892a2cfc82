//! Relays of the unit's signed list: the one whose turn it is, and the next when it does not serve.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sotay_net::{Connector, RelayAddress};
use tokio::sync::{mpsc, oneshot};

use crate::CloseCode;
use crate::background::{self, Context, Route};
use crate::device::LinkId;
use crate::engine::{Engine, SyncError, SyncReport};
use crate::error::DeviceError;
use crate::task::{Meter, SyncTask};
use crate::worker::Job;

/// The relay that served, and what the exchange did.
pub(crate) type Synced = (RelayAddress, SyncReport);

/// Under this name the list is followed; no address is empty.
const LISTED: &str = "";

impl Engine {
    /// Exchanges everything with the first relay of the unit's signed list that serves, in the order in which all phones
    /// of the unit try (P12.9), each for at most `timeout`. Returns which it was.
    ///
    /// # Errors
    /// [`SyncError::Unlisted`] when the unit has named none; otherwise why the last one failed.
    pub fn sync_listed(&self, timeout: Duration) -> Result<(RelayAddress, SyncReport), SyncError> {
        let relays = self.call(|device, _| device.relays_to_try())??;
        self.sync_first(relays, timeout)
    }

    /// Begins what [`Engine::sync_listed`] does and returns at once; the task ends with the same errors.
    pub fn start_sync_listed(&self, timeout: Duration) -> Result<SyncTask, SyncError> {
        let relays = self.call(|device, _| device.relays_to_try())??;
        self.start_first(relays, timeout)
    }

    /// Keeps a connection to a relay of the unit's signed list while in the foreground: the first that serves, and the next
    /// one when it is gone. A list that is signed later counts from the next attempt on.
    pub fn follow_listed(&self) -> Result<(), SyncError> {
        self.start_following(LISTED, Route::Listed)
    }

    /// Ends what [`Engine::follow_listed`] began.
    pub fn unfollow_listed(&self) {
        self.unfollow(LISTED);
    }
}

/// Exchanges everything with the first of these relays that serves, each for at most `timeout`.
pub(crate) async fn first_that_serves(
    relays: Vec<RelayAddress>,
    timeout: Duration,
    (connector, links, jobs): (Connector, Arc<AtomicU64>, mpsc::Sender<Job>),
    meter: &Meter,
) -> Result<Synced, SyncError> {
    let mut failed = SyncError::Unlisted;
    for relay in relays {
        let link = LinkId(links.fetch_add(1, Ordering::Relaxed));
        let exchange = background::once(relay.clone(), connector.clone(), link, jobs.clone(), meter);
        let outcome = tokio::time::timeout(timeout, exchange).await;
        match outcome.unwrap_or(Err(SyncError::Timeout(timeout))) {
            Ok(report) => return Ok((relay, report)),
            Err(error) if next_may_serve(&error) => failed = error,
            Err(error) => return Err(error),
        }
    }
    Err(failed)
}

/// Whether another relay of the list may do better: it is this one that fails, not this phone.
fn next_may_serve(error: &SyncError) -> bool {
    match error {
        SyncError::Connect(_) | SyncError::Lost(_) | SyncError::Timeout(_) => true,
        SyncError::Closed(code) => *code != CloseCode::Blocked,
        SyncError::Address(_) | SyncError::Unlisted | SyncError::Device(_) | SyncError::Call(_) => false,
    }
}

impl Context {
    /// Where to connect now, in order.
    pub(crate) async fn relays(&self) -> Vec<RelayAddress> {
        match &self.route {
            Route::One(address) | Route::Host(address) => vec![address.clone()],
            Route::Listed => {
                let (done, relays) = oneshot::channel();
                let ask = Job::Call(Box::new(move |device, _| {
                    // Whoever asked may have been dropped.
                    let _ = done.send(device.relays_to_try());
                }));
                if self.jobs.send(ask).await.is_err() {
                    return Vec::new();
                }
                match relays.await {
                    Ok(Ok(relays)) => relays,
                    Ok(Err(DeviceError::NoUnit)) | Err(_) => Vec::new(),
                    Ok(Err(error)) => {
                        tracing::warn!(%error, "the list of relays cannot be read");
                        Vec::new()
                    }
                }
            }
        }
    }
}

/// A relay that turned this phone away or was lost goes to the end of the line, once.
pub(crate) fn with_last(
    mut relays: Vec<RelayAddress>,
    last: Option<sotay_feed::SignKey>,
) -> Vec<RelayAddress> {
    if let Some(at) = relays.iter().position(|relay| Some(relay.key()) == last) {
        let relay = relays.remove(at);
        relays.push(relay);
    }
    relays
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CallError;
    use sotay_feed::DeviceKeys;

    #[test]
    fn who_failed_is_tried_last_and_an_unknown_one_changes_nothing() {
        let key = |n: u8| DeviceKeys::from_seeds([n; 32], [n; 32]).public().sign;
        let relays: Vec<RelayAddress> = (1..=3)
            .map(|n| RelayAddress::new("relay.example", 7843, key(n)).unwrap())
            .collect();
        let keys = |relays: Vec<RelayAddress>| relays.iter().map(RelayAddress::key).collect::<Vec<_>>();
        assert_eq!(
            keys(with_last(relays.clone(), Some(key(1)))),
            [key(2), key(3), key(1)]
        );
        assert_eq!(
            keys(with_last(relays.clone(), Some(key(9)))),
            keys(relays.clone())
        );
        assert_eq!(keys(with_last(relays.clone(), None)), keys(relays));
    }

    #[test]
    fn a_blocked_phone_and_a_broken_one_do_not_go_on_to_the_next_relay() {
        assert!(next_may_serve(&SyncError::Closed(CloseCode::Storage)));
        assert!(next_may_serve(&SyncError::Timeout(Duration::from_secs(1))));
        assert!(!next_may_serve(&SyncError::Closed(CloseCode::Blocked)));
        assert!(!next_may_serve(&SyncError::Call(CallError::Stopped)));
    }
}
