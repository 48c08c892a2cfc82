//! Connections: one task each, moving frames between a relay and the worker, deciding nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use sotay_net::{Backoff, Close, ConnectError, Connector, Link, LinkError, Presence, RelayAddress};
use sotay_sync::{CloseCode, SessionStats};
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::device::{Device, LinkId, LinkOutput};
use crate::engine::{SyncError, SyncReport};
use crate::error::DeviceError;
use crate::listed::with_last;
use crate::options::{Connectivity, Network};
use crate::task::{Meter, SyncPhase};
use crate::worker::{Job, Side};
use sotay_store::SqliteStore;

/// A connection that lasted this long counts as good: the next pause is short again.
pub const HEALTHY_AFTER: Duration = Duration::from_secs(30);

/// How often the platform is asked for a network, should it forget to say that there is one.
pub const NETWORK_ASKED_EVERY: Duration = Duration::from_secs(60);

/// How a relay is followed.
const LIVE: Side = Side::Caller { live: true };

/// What the app is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// In front of a person: stay connected.
    Foreground,
    /// Not to use the network.
    Suspended,
}

/// Whom to follow.
pub(crate) enum Route {
    One(RelayAddress),
    /// A phone that hosts: in the hall, where there may be no other network.
    Host(RelayAddress),
    /// The relays of the unit's signed list, as it is at each attempt.
    Listed,
}

/// What a background connection needs.
pub(crate) struct Context {
    pub route: Route,
    pub connector: Connector,
    pub jobs: mpsc::Sender<Job>,
    pub links: Arc<AtomicU64>,
    pub mode: watch::Receiver<Mode>,
    pub network: NetworkCheck,
}

/// What the platform says about the network, and whether connections that nobody asked for may cost money.
#[derive(Clone, Default)]
pub(crate) struct NetworkCheck {
    pub connectivity: Option<Arc<dyn Connectivity>>,
    pub follow_when_metered: bool,
}

impl NetworkCheck {
    pub fn state(&self) -> Network {
        self.connectivity
            .as_ref()
            .map_or(Network::Unknown, |platform| platform.network())
    }

    fn may_follow(&self) -> bool {
        match self.state() {
            Network::Offline => false,
            Network::Metered => self.follow_when_metered,
            Network::Unmetered | Network::Unknown => true,
        }
    }
}

/// One exchange with a relay: connect, both directions, close.
pub(crate) async fn once(
    address: RelayAddress,
    connector: Connector,
    link: LinkId,
    jobs: mpsc::Sender<Job>,
    meter: &Meter,
) -> Result<SyncReport, SyncError> {
    let relay = address.key();
    let connection = connector.connect(&address, Presence::Background).await?;
    meter.phase(SyncPhase::Exchanging);
    // Also when the exchange is cancelled.
    let _guard = DownGuard {
        link,
        jobs: jobs.clone(),
    };
    let end = converse(connection, link, Side::Caller { live: false }, &jobs, meter).await;
    let (stats, down) = finish(link, &jobs, move |device| device.sync_status(&relay)).await?;
    match end {
        End::CaughtUp => Ok(SyncReport { stats, spaces: down? }),
        End::Relay(close) | End::Here(close) => Err(SyncError::Closed(CloseCode::from_number(close.code))),
        End::Link(error) => Err(SyncError::Lost(error)),
        End::Device(error) => Err(error.into()),
        End::Stopped => Err(SyncError::Call(crate::CallError::Stopped)),
    }
}

/// Ends a link on the worker and fetches what is to be told about it.
async fn finish<T: Send + 'static>(
    link: LinkId,
    jobs: &mpsc::Sender<Job>,
    ask: impl FnOnce(&mut Device<SqliteStore>) -> Result<T, DeviceError> + Send + 'static,
) -> Result<(SessionStats, Result<T, DeviceError>), SyncError> {
    let (done, result) = oneshot::channel();
    let call = Job::Call(Box::new(move |device, _| {
        let stats = device.link_stats(link).unwrap_or_default();
        let _ = done.send((stats, ask(device)));
    }));
    let stopped = || SyncError::Call(crate::CallError::Stopped);
    jobs.send(call).await.map_err(|_| stopped())?;
    jobs.send(Job::Down { link }).await.map_err(|_| stopped())?;
    result.await.map_err(|_| stopped())
}

/// Why a conversation ended.
pub(crate) enum End {
    /// Everything was exchanged (when not live).
    CaughtUp,
    /// The relay said goodbye.
    Relay(Close),
    /// The connection broke.
    Link(LinkError),
    /// The session here closed it: the relay misbehaved or did not answer.
    Here(Close),
    /// The device cannot go on: it belongs to no unit, its disk is full.
    Device(DeviceError),
    /// The engine is shutting down.
    Stopped,
}

/// Moves frames until one end ends.
pub(crate) async fn converse(
    connection: Link,
    link: LinkId,
    side: Side,
    jobs: &mpsc::Sender<Job>,
    meter: &Meter,
) -> End {
    let peer = connection.peer();
    let live = side != Side::Caller { live: false };
    let (mut send, mut recv) = connection.split();
    let mut caught_up = false;
    let (out, mut outputs) = mpsc::unbounded_channel();
    if jobs
        .send(Job::Up {
            link,
            peer,
            side,
            out,
        })
        .await
        .is_err()
    {
        return End::Stopped;
    }
    loop {
        tokio::select! {
            output = outputs.recv() => match output {
                Some(Ok(LinkOutput::Frame(frame))) => {
                    meter.sent(frame.len());
                    if let Err(error) = send.send(frame).await {
                        return End::Link(error);
                    }
                }
                Some(Ok(LinkOutput::CaughtUp)) => caught_up = true,
                Some(Ok(LinkOutput::Close(reason))) => {
                    let wait = reason.retry_after.map(|seconds| Duration::from_secs(seconds.into()));
                    let close = Close::new(reason.code.number(), wait);
                    send.close(close).await;
                    return if caught_up && !live { End::CaughtUp } else { End::Here(close) };
                }
                Some(Err(error)) => {
                    send.close(Close::DONE).await;
                    return End::Device(error);
                }
                None => {
                    send.close(Close::DONE).await;
                    return End::Stopped;
                }
            },
            frame = recv.recv() => match frame {
                Ok(Some(frame)) => {
                    meter.received(frame.len());
                    if jobs.send(Job::Frame { link, frame: frame.to_vec() }).await.is_err() {
                        return End::Stopped;
                    }
                }
                Ok(None) if caught_up && !live => return End::CaughtUp,
                Ok(None) => return End::Relay(Close::DONE),
                Err(LinkError::Closed(close)) => return End::Relay(close),
                Err(error) => return End::Link(error),
            },
        }
    }
}

/// A relay that is followed; dropping it ends the task and its connection.
pub(crate) struct Follower {
    task: JoinHandle<()>,
    network: Arc<Notify>,
}

impl Follower {
    pub fn start(runtime: &Handle, context: Context) -> Self {
        let network = Arc::new(Notify::new());
        let task = runtime.spawn(follow(context, Arc::clone(&network)));
        Self { task, network }
    }

    /// Ends a pause between attempts at once.
    pub fn network_changed(&self) {
        self.network.notify_one();
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Tells the worker that a link is gone, however its task ended.
pub(crate) struct DownGuard {
    pub link: LinkId,
    pub jobs: mpsc::Sender<Job>,
}

impl Drop for DownGuard {
    fn drop(&mut self) {
        let (link, jobs) = (self.link, self.jobs.clone());
        if jobs.try_send(Job::Down { link }).is_err()
            && let Ok(handle) = Handle::try_current()
        {
            handle.spawn(async move {
                // Fails only when the worker has ended, and with it all links.
                let _ = jobs.send(Job::Down { link }).await;
            });
        }
    }
}

/// The first relay that takes the connection; else why the last did not, if there was one.
async fn connect(connector: &Connector, relays: &[RelayAddress]) -> Result<Link, Option<ConnectError>> {
    let mut failed = None;
    for relay in relays {
        match connector.connect(relay, Presence::Foreground).await {
            Ok(link) => return Ok(link),
            Err(error) => failed = Some(error),
        }
    }
    Err(failed)
}

async fn follow(mut context: Context, network: Arc<Notify>) {
    let Ok(mut rng) = StdRng::try_from_rng(&mut rand::rngs::SysRng) else {
        tracing::error!("no randomness from the system; background sync is off");
        return;
    };
    let mut backoff = Backoff::foreground();
    // The relay of a list that failed last.
    let mut failed = None;
    loop {
        if context
            .mode
            .wait_for(|mode| *mode == Mode::Foreground)
            .await
            .is_err()
        {
            return;
        }
        if !matches!(context.route, Route::Host(_)) && !context.network.may_follow() {
            tokio::select! {
                () = network.notified() => {}
                _ = context.mode.changed() => {}
                () = tokio::time::sleep(NETWORK_ASKED_EVERY) => {}
            }
            continue;
        }
        let started = tokio::time::Instant::now();
        let relays = with_last(context.relays().await, failed.take());
        let others = relays.len() > 1;
        match connect(&context.connector, &relays).await {
            Ok(connection) => {
                let peer = connection.peer();
                let link = LinkId(context.links.fetch_add(1, Ordering::Relaxed));
                let meter = Meter::default();
                let guard = DownGuard {
                    link,
                    jobs: context.jobs.clone(),
                };
                let end = tokio::select! {
                    end = converse(connection, link, LIVE, &context.jobs, &meter) => Some(end),
                    _ = context.mode.wait_for(|mode| *mode != Mode::Foreground) => None,
                };
                drop(guard);
                match end {
                    Some(End::Relay(close)) => {
                        failed = Some(peer);
                        // Another one of the list need not be waited for.
                        if let Some(wait) = close.retry_after.filter(|_| !others) {
                            backoff.obey(wait);
                        }
                    }
                    Some(End::Link(error)) => {
                        failed = Some(peer);
                        tracing::debug!(%error, "link lost");
                    }
                    Some(End::Here(_)) => failed = Some(peer),
                    Some(End::Device(_) | End::Stopped | End::CaughtUp) | None => {}
                }
                if started.elapsed() >= HEALTHY_AFTER {
                    backoff.reset();
                }
            }
            Err(Some(ConnectError::Refused {
                retry_after: Some(wait),
            })) => backoff.obey(wait),
            Err(error) => {
                if let Some(error) = error {
                    tracing::debug!(%error, "no connection");
                }
            }
        }
        let pause = backoff.next(&mut rng);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = network.notified() => backoff.reset(),
            _ = context.mode.changed() => backoff.reset(),
        }
    }
}
