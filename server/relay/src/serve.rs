//! `serve`: everything is put together here, and taken apart in the right order.

use std::io::{IsTerminal, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sotay_feed::SignKey;
use sotay_net::{Listener, RelayAddress, key_text};
use sotay_postgres::{Listener as Watcher, Signal, Target};
use sotay_store::StoreError;
use sotay_sync::{Group, Replica, Role};
use tokio::signal::unix::{self, SignalKind, signal};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::books::Books;
use crate::cli::{Allow, DEFAULT_HTTP_PORT, DEFAULT_PORT, Serve};
use crate::config;
use crate::data::{DataDir, Running};
use crate::database::Database;
use crate::error::RunError;
use crate::health::{Health, Trouble};
use crate::http::{self, Pages};
use crate::inspect::phone_lines;
use crate::limits::Limits;
use crate::link::{Job, LinkId, Links, Reload, draining};
use crate::metered::Metered;
use crate::metrics::Metrics;
use crate::outbox::Outgoings;
use crate::permissions::Served;
use crate::prune::{Pruner, Retention};
use crate::room::Commons;
use crate::shard::{Shard, now_ms};
use crate::socket;
use crate::supervisor;
use crate::web::door::{Door, PageToken};

/// Frames that wait for the thread that owns the database; beyond, connections wait.
const JOBS_WAITING_MAX: usize = 256;
/// How long a stop waits for phones to take their goodbye.
pub(crate) const DRAIN_MAX: Duration = Duration::from_secs(10);

/// Runs until SIGTERM or SIGINT.
pub(crate) fn serve(args: &Serve) -> Result<(), RunError> {
    let settings = Settings::of(args)?;
    log(settings.log_json);
    more_files();
    let limits = Arc::new(settings.limits.clone());
    let data = DataDir::open_or_make(&settings.data)?;
    let keys = Arc::new(data.key()?);
    let metrics = Arc::new(Metrics::new(data.database()));
    let health = Arc::new(Health::starting());
    let (jobs, queue) = mpsc::channel(JOBS_WAITING_MAX);
    let watcher = watcher(jobs.downgrade(), health.clone());
    let store = settings.store.as_ref();
    let store = Database::configured(&data, store, limits.database_bytes, Some(watcher))?.into_store();
    if let (Some(_), Some(config)) = (&settings.store, &args.config) {
        data.note_server(config)?;
    }
    let mut books = Books::load(&store, settings.served.clone(), &limits)?;
    books.pruner = Pruner::new(settings.retention);
    let contacts = books.contacts.clone();
    let store = Group::new(Metered::new(store, metrics.clone(), health.clone()));
    let mut replica = Replica::open(store, Role::Relay, books.permissions.policy())?;
    replica.set_signer(Arc::clone(&keys));

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(RunError::System)?;
    let shard = Shard::new(replica, books, &limits, metrics.clone(), health.clone());
    let (handle, thread_health) = (runtime.handle().clone(), health.clone());
    let (gone, died) = oneshot::channel();
    let thread = std::thread::Builder::new().name("shard".into()).spawn(move || {
        // Dropped on return and on panic alike.
        let _gone = Gone(thread_health, Some(gone));
        shard.run(&handle, queue);
    });
    let thread = thread.map_err(RunError::System)?;

    let result = runtime.block_on(async {
        // Before anybody is told that it runs: a signal that nobody catches ends it as a kill does.
        let signals = Signals::catch().map_err(RunError::System)?;
        let failed = |error| RunError::Listen {
            address: settings.listen,
            error,
        };
        let carrier = sotay_net::Limits {
            retry_above: limits.handshakes_retry_above,
            refuse_above: limits.handshakes_refuse_above,
            tcp: settings.tcp,
            first_window_bytes: sotay_net::STRANGER_WINDOW_BYTES,
            ..sotay_net::Limits::default()
        };
        let listener = Arc::new(Listener::bind(settings.listen, &keys, carrier).map_err(failed)?);
        let listening = listener.local_address().map_err(failed)?;
        let phones = phones(&settings, listening, keys.public().sign)?;
        let pages = Pages {
            started: now_ms(),
            phones: phones.iter().map(ToString::to_string).collect(),
            health: health.clone(),
            metrics: metrics.clone(),
            listener: listener.clone(),
            contacts,
        };
        let door = Arc::new(Door::new(settings.page_token.clone()));
        let page = crate::web::Web {
            pages,
            door: door.clone(),
            jobs: jobs.clone(),
        };
        let web = Web::start(settings.http, page).await?;
        let desk = socket::listen(data.path(), jobs.clone(), door).map_err(|error| RunError::Socket {
            path: socket::path(data.path()),
            error,
        })?;
        let announced = Announced {
            key: keys.public().sign,
            running: Running {
                pid: std::process::id(),
                listen: listening,
                http: web.address,
                phones: phones.iter().map(ToString::to_string).collect(),
            },
        };
        data.note_running(&announced.running)?;
        let service = Service {
            listener,
            jobs,
            limits,
            metrics,
            health,
        };
        service.health.set(None);
        print_start(&settings, &announced);
        supervisor::tell(supervisor::READY);
        let ended = service.run(args, signals, died).await;
        desk.abort();
        // One that stays is removed with the next start.
        let _ = std::fs::remove_file(socket::path(data.path()));
        web.stop().await;
        ended
    });
    drop(runtime);
    // Closes the database.
    let finished = thread.join().map_err(|_| RunError::Stopped);
    data.note_stopped();
    result.and(finished)
}

/// Every phone over TCP takes one: as many as this user may open at all, whatever the shell it was started from grants.
fn more_files() {
    let limit = getrlimit(Resource::Nofile);
    let current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current, ..limit }) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

/// Command line and configuration together.
pub(crate) struct Settings {
    pub data: PathBuf,
    pub listen: SocketAddr,
    pub http: SocketAddr,
    pub public: Option<String>,
    /// Whether phones are served over TCP as well.
    pub tcp: bool,
    /// `None`: a file in the data directory.
    pub store: Option<Target>,
    /// `None`: any unit.
    pub served: Option<Served>,
    pub limits: Limits,
    pub retention: Retention,
    page_token: Option<PageToken>,
    json: bool,
    log_json: bool,
}

impl Settings {
    /// Options win over the file, the file over the defaults.
    pub fn of(args: &Serve) -> Result<Self, RunError> {
        let file = args
            .config
            .as_deref()
            .map(config::read)
            .transpose()?
            .unwrap_or_default();
        let served = if args.allow.is_empty() {
            file.allow.unwrap_or(None)
        } else {
            served(&args.allow)
        };
        Ok(Self {
            data: args.data.clone().or(file.data).ok_or(RunError::NoData)?,
            listen: (args.listen.or(file.listen))
                .unwrap_or_else(|| (Ipv4Addr::UNSPECIFIED, DEFAULT_PORT).into()),
            http: (args.http.or(file.http))
                .unwrap_or_else(|| (Ipv4Addr::LOCALHOST, DEFAULT_HTTP_PORT).into()),
            public: args.public.clone().or(file.public),
            tcp: file.tcp.unwrap_or(true),
            page_token: file.page_token,
            store: file.store,
            served,
            limits: file.limits,
            retention: file.retention,
            json: args.json,
            log_json: file.log_json,
        })
    }
}

/// Wakes the shard when another relay wrote, and tells the health checks of the database server.
fn watcher(jobs: mpsc::WeakSender<Job>, health: Arc<Health>) -> Watcher {
    Box::new(move |signal| {
        match signal {
            Signal::News => {}
            Signal::Answers => return health.server_is_back(),
            Signal::Down(_) => health.store_failed(&StoreError::Unreachable),
            Signal::Up => health.server_is_back(),
        }
        if let Some(jobs) = jobs.upgrade() {
            // A full queue wakes it as well.
            let _ = jobs.try_send(Job::News);
        }
    })
}

/// Tells the health checks and the main task that the shard's thread ended.
struct Gone(Arc<Health>, Option<oneshot::Sender<()>>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.set(Some(Trouble::Dead));
        if let Some(gone) = self.1.take() {
            // Nobody listens when the relay is stopping anyway.
            let _ = gone.send(());
        }
    }
}

fn log(json: bool) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("SOTAY_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // A second relay in one process (an example) keeps the first one's log.
    let _ = if json {
        log.json().try_init()
    } else {
        log.try_init()
    };
}

/// `None`: any unit.
fn served(allow: &[Allow]) -> Option<Served> {
    let mut served = Some(Served::default());
    allow.iter().for_each(|named| named.add_to(&mut served));
    served
}

/// The HTTP side.
struct Web {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Web {
    async fn start(address: SocketAddr, page: crate::web::Web) -> Result<Self, RunError> {
        let failed = |error: std::io::Error| RunError::Http {
            address,
            error: error.into(),
        };
        let listener = tokio::net::TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (stop, stopped) = oneshot::channel();
        let serving = axum::serve(
            listener,
            http::router(page.pages.clone()).merge(crate::web::router(page)),
        )
        .with_graceful_shutdown(async {
            // A dropped sender stops it too.
            let _ = stopped.await;
        });
        let task = tokio::spawn(async move { serving.await });
        Ok(Self { address, stop, task })
    }

    async fn stop(self) {
        // The task may have ended already; an open keep-alive connection must not hold up the stop.
        let _ = self.stop.send(());
        let _ = tokio::time::timeout(Duration::from_secs(1), self.task).await;
    }
}

/// What a running relay tells its operator.
struct Announced {
    key: SignKey,
    running: Running,
}

/// The lines that tell phones where it is and which key it shows.
fn phones(settings: &Settings, listen: SocketAddr, key: SignKey) -> Result<Vec<RelayAddress>, RunError> {
    let hosts = match &settings.public {
        Some(host) => vec![host.clone()],
        None => hosts(listen.ip()),
    };
    let lines = hosts
        .iter()
        .map(|host| RelayAddress::new(host, listen.port(), key));
    lines.collect::<Result<_, _>>().map_err(RunError::Public)
}

/// Addresses of this machine under which phones may reach it: the one listened on, or for "every address" the ones
/// the system would use to reach others. Nothing is sent.
fn hosts(listen: IpAddr) -> Vec<String> {
    if !listen.is_unspecified() {
        return vec![listen.to_string()];
    }
    let v4: (SocketAddr, SocketAddr) = (
        (Ipv4Addr::UNSPECIFIED, 0).into(),
        (Ipv4Addr::new(192, 0, 2, 1), 9).into(),
    );
    let v6: (SocketAddr, SocketAddr) = (
        (Ipv6Addr::UNSPECIFIED, 0).into(),
        (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1), 9).into(),
    );
    let probes = if listen.is_ipv6() { vec![v4, v6] } else { vec![v4] };
    let mut hosts: Vec<String> = probes
        .into_iter()
        .filter_map(|(from, to)| {
            let socket = UdpSocket::bind(from).ok()?;
            socket.connect(to).ok()?;
            Some(socket.local_addr().ok()?.ip().to_string())
        })
        .collect();
    if hosts.is_empty() {
        hosts.push(Ipv4Addr::LOCALHOST.to_string());
    }
    hosts
}

fn print_start(settings: &Settings, announced: &Announced) {
    let Announced { key, running } = announced;
    let allowed: Vec<String> = match &settings.served {
        None => vec!["any".into()],
        Some(served) => served.texts(),
    };
    let data = settings.data.display().to_string();
    let store = settings.store.as_ref().map(Target::place);
    let text = if settings.json {
        let line = serde_json::json!({
            "event": "listening",
            "listen": running.listen.to_string(),
            "http": running.http.to_string(),
            "key": key_text(key),
            "addresses": running.phones,
            "allow": allowed,
            "data": data,
            "server": store,
            "pid": running.pid,
            "version": env!("CARGO_PKG_VERSION"),
        });
        format!("{line}\n")
    } else {
        let mut text = format!("sotay-relay {}\n", env!("CARGO_PKG_VERSION"));
        text += &format!("data       {data}\n");
        if let Some(store) = store {
            text += &format!("database   PostgreSQL, {store}\n");
        }
        text += &format!("key        {}\n", key_text(key));
        text += &format!(
            "listening  {} ({})\n",
            running.listen,
            if settings.tcp { "UDP and TCP" } else { "UDP" }
        );
        text += &phone_lines(&running.phones);
        text += &format!("health     http://{}/healthz /readyz /metrics\n", running.http);
        text += &format!("allowed    {}\n", allowed.join(" "));
        if allowed == ["any"] {
            text += "           any unit may store here; name yours with --allow UNIT\n";
        }
        text + "ready\n"
    };
    // Whoever started us may have closed the pipe; the relay goes on.
    let mut out = std::io::stdout();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// What the operator and the service manager say.
struct Signals {
    reload: unix::Signal,
    terminate: unix::Signal,
    interrupt: unix::Signal,
}

impl Signals {
    fn catch() -> std::io::Result<Self> {
        Ok(Self {
            reload: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }
}

/// The running relay.
struct Service {
    listener: Arc<Listener>,
    jobs: mpsc::Sender<Job>,
    limits: Arc<Limits>,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
}

impl Service {
    /// Serves until told to stop, then drains.
    async fn run(self, args: &Serve, signals: Signals, died: oneshot::Receiver<()>) -> Result<(), RunError> {
        let Signals {
            mut reload,
            mut terminate,
            mut interrupt,
        } = signals;
        let (alive, mut all_gone) = mpsc::channel(1);
        let links = Arc::new(Links {
            jobs: self.jobs.clone(),
            sessions: Arc::new(Semaphore::new(self.limits.sessions)),
            waiting: Commons::of(self.limits.waiting_bytes),
            outgoing: Outgoings::new(self.limits.outgoing_bytes),
            limits: self.limits.clone(),
            metrics: self.metrics.clone(),
            _alive: alive,
        });
        let (drain, draining_now) = oneshot::channel();
        let accepting = tokio::spawn(accept(self.listener.clone(), links, draining_now));
        let mut died = died;
        let result = loop {
            tokio::select! {
                _ = terminate.recv() => break Ok(()),
                _ = interrupt.recv() => break Ok(()),
                _ = &mut died => break Err(RunError::Stopped),
                _ = reload.recv() => self.reload(args).await,
            }
        };
        if result.is_ok() {
            self.health.set(Some(Trouble::Stopping));
        }
        tracing::info!("stopping");
        supervisor::tell(supervisor::STOPPING);
        self.listener.refuse_new();
        // Ends only with the listener; a dropped sender means the same.
        let _ = drain.send(());
        // If the shard is gone its sessions are gone too.
        let _ = self.jobs.send(Job::Drain).await;
        drop(self.jobs);
        tokio::select! {
            // Every connection task ends when its phone has taken the goodbye.
            _ = tokio::time::timeout(DRAIN_MAX, all_gone.recv()) => {}
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        self.listener.shutdown(draining()).await;
        // Ends by itself now that the listener is closed.
        let _ = accepting.await;
        tracing::info!("stopped");
        result
    }
}

impl Service {
    /// What may change without a restart does; a configuration that is wrong changes nothing.
    async fn reload(&self, args: &Serve) {
        match Settings::of(args) {
            Ok(settings) => {
                let reload = Box::new(Reload {
                    served: settings.served,
                    limits: settings.limits,
                    retention: settings.retention,
                });
                // If the shard is gone the relay is about to end.
                let _ = self.jobs.send(Job::Reload(reload)).await;
                tracing::info!("the configuration was read again");
            }
            Err(error) => tracing::error!(%error, "the configuration is wrong; nothing was changed"),
        }
    }
}

/// Gives every connection a task of its own; from the drain on it only turns new ones away.
async fn accept(listener: Arc<Listener>, links: Arc<Links>, mut drain: oneshot::Receiver<()>) {
    let mut number = 0;
    loop {
        let handshake = tokio::select! {
            handshake = listener.accept() => handshake,
            _ = &mut drain => break,
        };
        let Some(handshake) = handshake else { return };
        number += 1;
        tokio::spawn(links.clone().serve(LinkId(number), handshake));
    }
    drop(links);
    while listener.accept().await.is_some() {}
}
