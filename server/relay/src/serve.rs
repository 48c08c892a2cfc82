//! `serve`: everything is put together here, and taken apart in the right order.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use sotay_feed::SignKey;
use sotay_net::{Limits, Listener, RelayAddress, key_text};
use sotay_store::{Options, SqliteStore};
use sotay_sync::{Policy, Replica, Role};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::cli::{Allow, Serve};
use crate::data::{DataDir, Running};
use crate::error::RunError;
use crate::health::{Health, Trouble};
use crate::http::{self, Pages};
use crate::link::{Job, LinkId, Links, SESSIONS_MAX, draining};
use crate::metered::Metered;
use crate::metrics::Metrics;
use crate::shard::Shard;

/// Frames that wait for the thread that owns the database; beyond, connections wait.
const JOBS_WAITING_MAX: usize = 256;
/// How long a stop waits for phones to take their goodbye.
pub(crate) const DRAIN_MAX: Duration = Duration::from_secs(10);
/// SQLite page cache, KiB.
const CACHE_KIB: u32 = 32 * 1024;

/// How the database of a relay is opened.
pub(crate) fn store_options() -> Options {
    Options {
        cache_kib: CACHE_KIB,
        ..Options::default()
    }
}

/// Runs until SIGTERM or SIGINT.
pub(crate) fn serve(args: &Serve) -> Result<(), RunError> {
    log();
    let data = DataDir::open_or_make(&args.data.data)?;
    let keys = data.key()?;
    let metrics = Arc::new(Metrics::new(data.database()));
    let health = Arc::new(Health::starting());
    let store = SqliteStore::open(&data.database(), &store_options())?;
    let store = Metered::new(store, metrics.clone(), health.clone());
    let replica = Replica::open(store, Role::Relay, policy(&args.allow))?;

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(RunError::System)?;
    let (jobs, queue) = mpsc::channel(JOBS_WAITING_MAX);
    let shard = Shard::new(replica, metrics.clone(), health.clone());
    let (handle, thread_health) = (runtime.handle().clone(), health.clone());
    let (gone, died) = oneshot::channel();
    let thread = std::thread::Builder::new().name("shard".into()).spawn(move || {
        // Dropped on return and on panic alike.
        let _gone = Gone(thread_health, Some(gone));
        shard.run(&handle, queue);
    });
    let thread = thread.map_err(RunError::System)?;

    let result = runtime.block_on(async {
        let failed = |error| RunError::Listen {
            address: args.listen,
            error,
        };
        let listener = Arc::new(Listener::bind(args.listen, &keys, Limits::default()).map_err(failed)?);
        let listening = listener.local_address().map_err(failed)?;
        let pages = Pages {
            health: health.clone(),
            metrics: metrics.clone(),
            listener: listener.clone(),
        };
        let web = Web::start(args.http, pages).await?;
        let announced = announce(args, &data, keys.public().sign, listening, web.address)?;
        let service = Service {
            listener,
            jobs,
            metrics,
            health,
        };
        service.health.set(None);
        print_start(args, &announced);
        let ended = service.run(died).await;
        web.stop().await;
        ended
    });
    // Closes the database.
    let finished = thread.join().map_err(|_| RunError::Stopped);
    data.note_stopped();
    result.and(finished)
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

fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("SOTAY_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    // A second relay in one process (an example) keeps the first one's log.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .try_init();
}

fn policy(allow: &[Allow]) -> Policy {
    let mut units = BTreeSet::new();
    for allow in allow {
        match allow {
            Allow::Any => return Policy::Any,
            Allow::Unit(unit) => units.insert(*unit),
        };
    }
    Policy::Units(units)
}

/// The HTTP side.
struct Web {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Web {
    async fn start(address: SocketAddr, pages: Pages) -> Result<Self, RunError> {
        let failed = |error| RunError::Http { address, error };
        let listener = tokio::net::TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (stop, stopped) = oneshot::channel();
        let serving = axum::serve(listener, http::router(pages)).with_graceful_shutdown(async {
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
    phones: Vec<RelayAddress>,
    running: Running,
}

fn announce(
    args: &Serve,
    data: &DataDir,
    key: SignKey,
    listen: SocketAddr,
    http: SocketAddr,
) -> Result<Announced, RunError> {
    let running = Running {
        pid: std::process::id(),
        listen,
        http,
    };
    data.note_running(&running)?;
    let hosts = match &args.public {
        Some(host) => vec![host.clone()],
        None => hosts(listen.ip()),
    };
    let phones = hosts
        .iter()
        .map(|host| RelayAddress::new(host, listen.port(), key))
        .collect::<Result<_, _>>();
    Ok(Announced {
        key,
        phones: phones.map_err(RunError::Public)?,
        running,
    })
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

fn print_start(args: &Serve, announced: &Announced) {
    let Announced { key, phones, running } = announced;
    let allowed: Vec<String> = match policy(&args.allow) {
        Policy::Any => vec!["any".into()],
        Policy::Units(units) => units.iter().map(ToString::to_string).collect(),
    };
    let data = args.data.data.display().to_string();
    let addresses: Vec<String> = phones.iter().map(ToString::to_string).collect();
    let text = if args.data.json {
        let line = serde_json::json!({
            "event": "listening",
            "listen": running.listen.to_string(),
            "http": running.http.to_string(),
            "key": key_text(key),
            "addresses": addresses,
            "allow": allowed,
            "data": data,
            "pid": running.pid,
            "version": env!("CARGO_PKG_VERSION"),
        });
        format!("{line}\n")
    } else {
        let mut text = format!("sotay-relay {}\n", env!("CARGO_PKG_VERSION"));
        text += &format!("data       {data}\n");
        text += &format!("key        {}\n", key_text(key));
        text += &format!("listening  {} (UDP)\n", running.listen);
        for address in &addresses {
            text += &format!("phones     {address}\n");
        }
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

/// The running relay.
struct Service {
    listener: Arc<Listener>,
    jobs: mpsc::Sender<Job>,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
}

impl Service {
    /// Serves until told to stop, then drains.
    async fn run(self, died: oneshot::Receiver<()>) -> Result<(), RunError> {
        let mut terminate = signal(SignalKind::terminate()).map_err(RunError::System)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(RunError::System)?;
        let (alive, mut all_gone) = mpsc::channel(1);
        let links = Links {
            jobs: self.jobs.clone(),
            sessions: Arc::new(Semaphore::new(SESSIONS_MAX)),
            metrics: self.metrics.clone(),
            _alive: alive,
        };
        let (drain, draining_now) = oneshot::channel();
        let accepting = tokio::spawn(accept(self.listener.clone(), links, draining_now));
        let result = tokio::select! {
            _ = terminate.recv() => Ok(()),
            _ = interrupt.recv() => Ok(()),
            _ = died => Err(RunError::Stopped),
        };
        if result.is_ok() {
            self.health.set(Some(Trouble::Stopping));
        }
        tracing::info!("stopping");
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

/// Gives every connection a task of its own; from the drain on it only turns new ones away.
async fn accept(listener: Arc<Listener>, links: Links, mut drain: oneshot::Receiver<()>) {
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
