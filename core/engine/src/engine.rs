//! What an app holds: a handle on the worker thread, the network tasks and the events of one profile.

mod hosting;
mod locking;

use std::any::Any;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use sotay_feed::{DeviceKeys, SignKey};
use sotay_net::{AddressError, ConnectError, Connector, LinkError, RelayAddress, Settings};
use sotay_store::{Key, SqliteStore};
use sotay_sync::{CloseCode, SessionStats};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use crate::background::{self, Follower, Mode, NetworkCheck, Route};
use crate::device::{BranchError, Device, SpaceStatus};
use crate::error::{DeviceError, NextAction, store_action};
use crate::event::Event;
use crate::listed::{Synced, first_that_serves};
use crate::listen::{Listener, Listeners, SubscribeError, Subscription};
use crate::lock::LockError;
use crate::options::Options;
use crate::pack::{Pack, PackCode};
use crate::profile::{self, ProfileError};
use crate::rooted::RootKey;
use crate::task::{Meter, SyncPhase, SyncTask, SyncTaskError};
use crate::worker::{Call, EventQueue, Idle, JOBS_WAITING_MAX, Job, Worker};

pub use hosting::{HostError, Hosted};

/// What a call gave.
type Answer = Box<dyn Any + Send>;
/// What gives it.
type Question = Box<dyn FnOnce(&mut Device<SqliteStore>, i64) -> Answer + Send>;

/// Longest that [`Engine::shutdown`] waits for connections to close in good order.
pub const SHUTDOWN_WAIT: Duration = Duration::from_secs(3);

/// Why a profile was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder or its database cannot be used.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// What the database holds cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The key of the database is out of reach: PIN, vault, or an older copy.
    #[error(transparent)]
    Lock(LockError),
    /// The operating system gives no thread or no randomness.
    #[error("the operating system refuses: {0}")]
    System(String),
}

impl OpenError {
    /// What to do next.
    pub fn next_action(&self) -> NextAction {
        match self {
            Self::Profile(ProfileError::Store(error)) => store_action(error),
            Self::Profile(ProfileError::InUse(_)) | Self::System(_) => NextAction::RetryLater,
            Self::Profile(_) => NextAction::ChangeInput,
            Self::Device(error) => error.next_action(),
            Self::Lock(error) => error.next_action(),
        }
    }
}

impl From<LockError> for OpenError {
    /// A vault that refuses is told in one way, whichever of its keys was asked for.
    fn from(error: LockError) -> Self {
        match error {
            LockError::Vault(error) => DeviceError::from(error).into(),
            other => Self::Lock(other),
        }
    }
}

/// Why no profile was made from a pack. No profile is left behind.
#[derive(Debug, thiserror::Error)]
pub enum CreateFromPackError {
    /// The folder or the database cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The pack cannot be used.
    #[error(transparent)]
    Branch(#[from] BranchError),
}

/// Why a call did not reach the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The engine was shut down.
    #[error("the handbook is closed")]
    Stopped,
    /// The profile is locked: open it anew, with its PIN.
    #[error("the handbook is locked")]
    Locked,
    /// A mistake of ours; the documents were read again from disk and the engine goes on.
    #[error("internal error; nothing was lost, please report it")]
    Panicked,
}

/// Why a sync did not take place or did not finish. What was acknowledged stays; the rest is tried again.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The address cannot be read.
    #[error("the relay address cannot be read: {0}")]
    Address(#[from] AddressError),
    /// The unit has named no relay that serves it.
    #[error("the unit has named no relay")]
    Unlisted,
    /// The relay could not be reached or refused the connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The connection broke before everything was exchanged.
    #[error("the connection was lost before everything was exchanged: {0}")]
    Lost(LinkError),
    /// The session was closed, by the relay or because the relay did not answer as it should.
    #[error("the session was closed before everything was exchanged: {0:?}")]
    Closed(CloseCode),
    /// It took longer than allowed.
    #[error("no end after {0:?}")]
    Timeout(Duration),
    /// This device cannot sync.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The engine is stopped.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// What one sync did.
#[derive(Debug, Clone)]
pub struct SyncReport {
    /// Bytes, envelopes and round trips of the session.
    pub stats: SessionStats,
    /// Status of each space afterwards.
    pub spaces: Vec<SpaceStatus>,
}

/// An opened profile. Cheap calls from any thread; dropping it shuts it down.
pub struct Engine {
    jobs: mpsc::Sender<Job>,
    events: Arc<EventQueue>,
    runtime: Mutex<Option<Runtime>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    keys: Arc<DeviceKeys>,
    connector: Connector,
    links: Arc<AtomicU64>,
    followers: Mutex<BTreeMap<String, Follower>>,
    host: Mutex<Option<hosting::Host>>,
    mode: tokio::sync::watch::Sender<Mode>,
    /// How often the app went to the background or came back: a budget of an earlier time ends nothing.
    backgrounds: Arc<AtomicU64>,
    listeners: Arc<Listeners>,
    /// Set once, by [`Engine::shutdown`]: exchanges end as stopped, whatever the network says meanwhile.
    stopping: tokio::sync::watch::Sender<bool>,
    network: NetworkCheck,
    idle: Arc<Idle>,
}

impl Engine {
    /// Makes a new profile in a folder. `label` is what lists call this phone; no personal data.
    pub fn create(folder: &Path, label: &str) -> Result<Self, OpenError> {
        Self::create_with(folder, label, Options::default())
    }

    /// The same with options. A vault that refuses leaves no profile behind.
    pub fn create_with(folder: &Path, label: &str, options: Options) -> Result<Self, OpenError> {
        let mut rng = Box::new(system_rng()?);
        let profile = profile::create(folder, &options, &mut *rng)?;
        let key = profile.locked.map(|(_, key)| key);
        match Device::create_with(profile.store, label, rng, options.vault.clone()) {
            Ok(device) => Self::start(device, folder, options, key),
            Err(error) => {
                profile::discard(folder);
                Err(error.into())
            }
        }
    }

    /// Makes the profile of a new branch's secretary in a folder, from the pack of the committee above.
    pub fn create_from_pack(
        folder: &Path,
        label: &str,
        pack: &Pack,
        options: Options,
    ) -> Result<Self, CreateFromPackError> {
        let mut rng = Box::new(system_rng()?);
        let profile = profile::create(folder, &options, &mut *rng)?;
        let key = profile.locked.map(|(_, key)| key);
        let now = crate::worker::now_ms();
        match Device::create_from_pack(profile.store, label, rng, options.vault.clone(), pack, now) {
            Ok(device) => Ok(Self::start(device, folder, options, key)?),
            Err(error) => {
                profile::discard(folder);
                Err(error.into())
            }
        }
    }

    /// Opens the profile in a folder.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        Self::open_with(folder, Options::default())
    }

    /// The same with options: the vault that keeps its keys, its PIN.
    pub fn open_with(folder: &Path, options: Options) -> Result<Self, OpenError> {
        let mut rng = Box::new(system_rng()?);
        let profile = profile::open(folder, &options, crate::worker::now_ms(), &mut *rng)?;
        let key = profile.locked.map(|(_, key)| key);
        let device = Device::open_with(profile.store, rng, options.vault.clone())?;
        Self::start(device, folder, options, key)
    }

    fn start(
        mut device: Device<SqliteStore>,
        folder: &Path,
        options: Options,
        key: Option<Key>,
    ) -> Result<Self, OpenError> {
        device.keep_index_in(
            folder.join(profile::INDEX_FILE),
            key.map(|key| key.derive("sotay/v1/search-index")),
        );
        let system = |error: std::io::Error| OpenError::System(error.to_string());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("sotay-net")
            .enable_all()
            .build()
            .map_err(system)?;
        let (jobs, inbox) = mpsc::channel(JOBS_WAITING_MAX);
        let events = Arc::new(EventQueue::default());
        let keys = Arc::clone(device.keys());
        let idle = Arc::new(Idle::new(options.lock_after));
        let worker = Worker::new(device, Arc::clone(&events), Arc::clone(&idle));
        let handle = runtime.handle().clone();
        let thread = std::thread::Builder::new()
            .name("sotay-worker".to_owned())
            .spawn(move || worker.run(&handle, inbox))
            .map_err(system)?;
        Ok(Self {
            jobs,
            events,
            runtime: Mutex::new(Some(runtime)),
            thread: Mutex::new(Some(thread)),
            connector: Connector::new(&keys, Settings::default()),
            keys,
            links: Arc::new(AtomicU64::new(1)),
            followers: Mutex::default(),
            host: Mutex::default(),
            mode: tokio::sync::watch::Sender::new(Mode::Foreground),
            backgrounds: Arc::default(),
            listeners: Arc::default(),
            stopping: tokio::sync::watch::Sender::new(false),
            network: NetworkCheck {
                connectivity: options.connectivity,
                follow_when_metered: options.follow_when_metered,
            },
            idle,
        })
    }

    /// The identity of this device towards relays.
    pub fn sign_key(&self) -> SignKey {
        self.keys.public().sign
    }

    /// Runs `f` on the device's thread and waits for its result. Calls run in the order in which they were made; the
    /// second argument is the time (milliseconds since 1970 UTC).
    pub fn call<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Device<SqliteStore>, i64) -> T + Send + 'static,
    ) -> Result<T, CallError> {
        let answer = self.run(Box::new(move |device, now| Box::new(f(device, now)) as Answer))?;
        // Nothing but what `f` gave is ever in the box.
        answer
            .downcast()
            .map_or(Err(CallError::Panicked), |answer| Ok(*answer))
    }

    /// [`Engine::call`] for any answer: a channel for every type of answer would be a good part of a phone's library.
    fn run(&self, f: Question) -> Result<Answer, CallError> {
        let (done, ended) = std::sync::mpsc::sync_channel(1);
        let call: Call = Box::new(move |device, now| {
            let _ = done.send(f(device, now));
        });
        self.jobs
            .blocking_send(Job::Call(call))
            .map_err(|_| self.closed())?;
        ended.recv().map_err(|_| {
            if self.jobs.is_closed() {
                self.closed()
            } else {
                CallError::Panicked
            }
        })
    }

    /// The oldest change not fetched yet; waits for one up to `timeout`.
    pub fn next_event(&self, timeout: Duration) -> Option<Event> {
        self.events.next(timeout)
    }

    /// Calls a listener with every change from now on, on a thread of this engine. While there is a listener,
    /// [`Engine::next_event`] finds nothing.
    pub fn subscribe(&self, listener: Arc<dyn Listener>) -> Result<Subscription, SubscribeError> {
        self.listeners.subscribe(&self.events, listener)
    }

    /// Connects to a relay (`host:port#key`), exchanges everything in both directions, and closes.
    pub fn sync_once(&self, relay: &str, timeout: Duration) -> Result<SyncReport, SyncError> {
        self.sync_first(vec![relay.parse()?], timeout)
            .map(|(_, report)| report)
    }

    /// Exchanges everything with the first of these relays that serves, and waits for the end.
    pub(crate) fn sync_first(
        &self,
        relays: Vec<RelayAddress>,
        timeout: Duration,
    ) -> Result<Synced, SyncError> {
        let (done, result) = std::sync::mpsc::sync_channel(1);
        let (_, never) = tokio::sync::watch::channel(false);
        let ended = Box::new(move |outcome| {
            let _ = done.send(outcome);
        });
        self.exchange(relays, timeout, (Arc::default(), never), ended)?;
        match result.recv().map_err(|_| CallError::Stopped)? {
            Ok(synced) => Ok(synced),
            Err(SyncTaskError::Failed(error)) => Err(error),
            Err(SyncTaskError::Cancelled) => Err(CallError::Stopped.into()),
        }
    }

    /// Begins what [`Engine::sync_once`] does and returns at once.
    pub fn start_sync(&self, relay: &str, timeout: Duration) -> Result<SyncTask, SyncError> {
        self.start_first(vec![relay.parse()?], timeout)
    }

    /// Begins what [`Engine::sync_first`] does and returns at once.
    pub(crate) fn start_first(
        &self,
        relays: Vec<RelayAddress>,
        timeout: Duration,
    ) -> Result<SyncTask, SyncError> {
        let meter = Arc::new(Meter::default());
        let (cancel, cancelled) = tokio::sync::watch::channel(false);
        let (ended, outcome) = tokio::sync::watch::channel(None);
        let task = SyncTask {
            meter: Arc::clone(&meter),
            cancel,
            outcome,
        };
        let ended = Box::new(move |outcome: Result<Synced, SyncTaskError>| {
            ended.send_replace(Some(Arc::new(outcome.map(|(_, report)| report))));
        });
        self.exchange(relays, timeout, (meter, cancelled), ended)?;
        Ok(task)
    }

    fn exchange(
        &self,
        relays: Vec<RelayAddress>,
        timeout: Duration,
        (meter, cancelled): (Arc<Meter>, tokio::sync::watch::Receiver<bool>),
        ended: Box<dyn FnOnce(Result<Synced, SyncTaskError>) + Send>,
    ) -> Result<(), CallError> {
        let (jobs, connector, links) = (self.jobs.clone(), self.connector.clone(), Arc::clone(&self.links));
        let stopped = told(self.stopping.subscribe());
        self.spawn(async move {
            let exchange = first_that_serves(relays, timeout, (connector, links, jobs), &meter);
            let outcome = tokio::select! {
                biased;
                () = told(cancelled) => Err(SyncTaskError::Cancelled),
                () = stopped => Err(SyncTaskError::Failed(CallError::Stopped.into())),
                outcome = exchange => outcome.map_err(SyncTaskError::Failed),
            };
            meter.phase(SyncPhase::Ended);
            ended(outcome);
        })
    }

    /// Keeps a connection to a relay while in the foreground, and comes back after every break with growing pauses.
    /// Following a relay that is followed already changes nothing.
    pub fn follow(&self, relay: &str) -> Result<(), SyncError> {
        let address: RelayAddress = relay.parse()?;
        self.start_following(relay, Route::One(address))
    }

    /// The same with a phone that hosts ([`Engine::host`]), whatever the platform says of the internet: the hall has none.
    pub fn follow_host(&self, phone: &str) -> Result<(), SyncError> {
        let address: RelayAddress = phone.parse()?;
        self.start_following(phone, Route::Host(address))
    }

    pub(crate) fn start_following(&self, name: &str, route: Route) -> Result<(), SyncError> {
        let mut followers = self.followers.lock().unwrap_or_else(PoisonError::into_inner);
        if followers.contains_key(name) {
            return Ok(());
        }
        let runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner);
        let runtime = runtime.as_ref().ok_or(CallError::Stopped)?;
        let context = background::Context {
            route,
            connector: self.connector.clone(),
            jobs: self.jobs.clone(),
            links: Arc::clone(&self.links),
            mode: self.mode.subscribe(),
            network: self.network.clone(),
        };
        followers.insert(name.to_owned(), Follower::start(runtime.handle(), context));
        Ok(())
    }

    /// Stops following a relay and closes its connection.
    pub fn unfollow(&self, relay: &str) {
        self.followers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(relay);
    }

    /// The app went to the background: connections are closed and none is made until [`Engine::resume`].
    pub fn suspend(&self) {
        self.backgrounds.fetch_add(1, Ordering::Relaxed);
        self.mode.send_replace(Mode::Suspended);
    }

    /// The app is in front again: followed relays are tried at once.
    pub fn resume(&self) {
        self.backgrounds.fetch_add(1, Ordering::Relaxed);
        self.mode.send_replace(Mode::Foreground);
    }

    /// The app leaves the screen and the system gives it `budget` more: connections go on for as long, then they are
    /// closed as by [`Engine::suspend`], unless [`Engine::resume`] came first.
    pub fn enter_background(&self, budget: Duration) -> Result<(), CallError> {
        let turn = self.backgrounds.fetch_add(1, Ordering::Relaxed) + 1;
        let (mode, backgrounds) = (self.mode.clone(), Arc::clone(&self.backgrounds));
        self.spawn(async move {
            tokio::time::sleep(budget).await;
            if backgrounds.load(Ordering::Relaxed) == turn {
                mode.send_replace(Mode::Suspended);
            }
        })
    }

    /// The system is short of memory: open documents leave it and are read again when needed.
    pub fn low_memory(&self) -> Result<(), CallError> {
        self.call(|device, _| device.forget_open_documents())
    }

    /// The phone has another network: connections move to it, pauses end.
    pub fn network_changed(&self) {
        if let Some(runtime) = &*self.runtime.lock().unwrap_or_else(PoisonError::into_inner) {
            let _context = runtime.enter();
            if let Err(error) = self.connector.rebind() {
                tracing::debug!(%error, "no socket on the new network yet");
            }
        }
        for follower in self
            .followers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
        {
            follower.network_changed();
        }
    }

    /// Closes connections, finishes what was called, closes the database. A second call does nothing.
    pub fn shutdown(&self) {
        self.stopping.send_replace(true);
        self.followers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.stop_hosting();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = self.jobs.blocking_send(Job::Stop);
            let _ = thread.join();
        }
        self.events.close();
        self.listeners.join(SHUTDOWN_WAIT);
        let runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(runtime) = runtime {
            let connector = self.connector.clone();
            runtime.block_on(async move { connector.shutdown().await });
            runtime.shutdown_timeout(SHUTDOWN_WAIT);
        }
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> Result<(), CallError> {
        let runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner);
        runtime.as_ref().ok_or_else(|| self.closed())?.spawn(task);
        Ok(())
    }

    fn closed(&self) -> CallError {
        if self.idle.is_locked() {
            CallError::Locked
        } else {
            CallError::Stopped
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.shutdown();
    }
}

/// Ends when a flag is set. Its sender may go long before, e.g. the handle of a task that nobody keeps.
async fn told(mut flag: tokio::sync::watch::Receiver<bool>) {
    if flag.wait_for(|&set| set).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// A fresh key of a root, drawn from the system, with the code it is sealed under and its text.
pub fn new_root_key() -> Result<(RootKey, PackCode, String), OpenError> {
    let mut rng = system_rng()?;
    let (key, code) = (RootKey::generate(&mut rng), PackCode::generate(&mut rng));
    let text = key.to_text(&code, &mut rng);
    Ok((key, code, text))
}

fn system_rng() -> Result<StdRng, OpenError> {
    StdRng::try_from_rng(&mut rand::rngs::SysRng).map_err(|error| OpenError::System(error.to_string()))
}
