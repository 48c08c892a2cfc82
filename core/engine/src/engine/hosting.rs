//! A phone that hosts: it serves the others in the hall as a relay would, over its own store (decision 0186). Here is the
//! carrier's half; whom it lets in and what they get is the device's (`device/hosting.rs`).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sotay_feed::DeviceKeys;
use sotay_net::{BindError, Close, Handshake, Limits, Listener, RelayAddress, local_hosts};
use sotay_sync::CloseCode;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::{CallError, Engine};
use crate::background::{DownGuard, Mode, converse};
use crate::device::LinkId;
use crate::task::Meter;
use crate::worker::{Job, Side};

/// Handshakes in flight above which an unproven address must first prove itself.
const HANDSHAKES_PROVE_ABOVE: usize = 16;
/// Handshakes in flight above which a new one is refused: a hall has some sixty phones.
const HANDSHAKES_MAX: usize = 128;
/// How often the port is asked for again after a pause: the system frees it a moment after the last packet.
const REBIND_TRIES: u32 = 50;
const REBIND_EVERY: Duration = Duration::from_millis(100);

/// Why a phone does not host.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The port cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The engine is stopped.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// Where a phone hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosted {
    /// What it listens on.
    pub listen: SocketAddr,
    /// What other phones connect to, likeliest first. Empty when this phone is in no local network.
    pub addresses: Vec<RelayAddress>,
}

/// A phone that hosts; see [`Engine::host`].
pub(super) struct Host {
    task: JoinHandle<()>,
    listen: SocketAddr,
    /// Set once: no more.
    end: watch::Sender<bool>,
}

impl Host {
    fn is_over(&self) -> bool {
        self.task.is_finished()
    }

    /// Tells everybody that it is over and waits for the last packets.
    pub async fn end(self) {
        self.end.send_replace(true);
        // It ends by itself; a panic in it was ours and ended it too.
        let _ = self.task.await;
    }
}

impl Engine {
    /// Lets other phones of the unit connect to this one, until [`Engine::stop_hosting`]: they get what they may read of what
    /// is here and hand over what they have, and what one of them brings goes to all others at once. Port 0 lets the system
    /// choose one. While the app is suspended nobody is served; when it is back the same port is listened on again.
    ///
    /// A phone that hosts already goes on as it does, whatever `listen` says.
    pub fn host(&self, listen: SocketAddr) -> Result<Hosted, HostError> {
        let mut host = self.host.lock().unwrap_or_else(PoisonError::into_inner);
        if host.as_ref().is_none_or(Host::is_over) {
            let handle = {
                let runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner);
                runtime.as_ref().ok_or_else(|| self.closed())?.handle().clone()
            };
            let _context = handle.enter();
            let listener = Listener::bind(listen, &self.keys, limits())?;
            let listen = listener.local_address()?;
            let (end, ended) = watch::channel(false);
            let seat = Seat {
                listen,
                keys: Arc::clone(&self.keys),
                jobs: self.jobs.clone(),
                links: Arc::clone(&self.links),
                mode: self.mode.subscribe(),
                ended,
            };
            let task = handle.spawn(seat.run(listener));
            *host = Some(Host { task, listen, end });
        }
        let listen = host.as_ref().map_or(listen, |host| host.listen);
        drop(host);
        Ok(self.hosted_at(listen))
    }

    /// Where this phone hosts, with the addresses that it has now; `None` while it does not.
    pub fn hosted(&self) -> Option<Hosted> {
        let host = self.host.lock().unwrap_or_else(PoisonError::into_inner);
        let listen = host.as_ref().filter(|host| !host.is_over())?.listen;
        drop(host);
        Some(self.hosted_at(listen))
    }

    /// Ends what [`Engine::host`] began: the other phones have been told when this returns.
    pub fn stop_hosting(&self) {
        let host = self.host.lock().unwrap_or_else(PoisonError::into_inner).take();
        let handle = {
            let runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner);
            runtime.as_ref().map(|runtime| runtime.handle().clone())
        };
        if let (Some(host), Some(handle)) = (host, handle) {
            handle.block_on(host.end());
        }
    }

    fn hosted_at(&self, listen: SocketAddr) -> Hosted {
        let hosts = if listen.ip().is_unspecified() {
            // Without the list of networks people still have the port.
            local_hosts().unwrap_or_default()
        } else {
            vec![listen.ip()]
        };
        let heard = |host: &IpAddr| host.is_ipv4() || listen.is_ipv6();
        let address =
            |host: IpAddr| RelayAddress::new(&host.to_string(), listen.port(), self.sign_key()).ok();
        Hosted {
            listen,
            addresses: hosts.into_iter().filter(heard).filter_map(address).collect(),
        }
    }
}

fn limits() -> Limits {
    Limits {
        retry_above: HANDSHAKES_PROVE_ABOVE,
        refuse_above: HANDSHAKES_MAX,
        ..Limits::default()
    }
}

/// What the hosting task works with.
struct Seat {
    listen: SocketAddr,
    keys: Arc<DeviceKeys>,
    jobs: mpsc::Sender<Job>,
    links: Arc<AtomicU64>,
    mode: watch::Receiver<Mode>,
    ended: watch::Receiver<bool>,
}

impl Seat {
    async fn run(mut self, listener: Listener) {
        let mut open = listener;
        loop {
            self.serve(&open).await;
            drop(open);
            if !self.may_go_on().await {
                return;
            }
            open = match self.reopen().await {
                Ok(open) => open,
                Err(error) => return tracing::warn!(%error, "hosting did not go on after a pause"),
            };
        }
    }

    async fn reopen(&self) -> Result<Listener, BindError> {
        let mut tries = 1;
        loop {
            match Listener::bind(self.listen, &self.keys, limits()) {
                Err(BindError::InUse) if tries < REBIND_TRIES => tries += 1,
                done => return done,
            }
            tokio::time::sleep(REBIND_EVERY).await;
        }
    }

    /// Lets phones in until the app is suspended or hosting ends; then everybody is told.
    async fn serve(&mut self, listener: &Listener) {
        let mut links = JoinSet::new();
        loop {
            tokio::select! {
                // Whatever the reason, an error says that the engine is gone.
                _ = self.ended.wait_for(|&ended| ended) => break,
                _ = self.mode.wait_for(|mode| *mode != Mode::Foreground) => break,
                () = self.jobs.closed() => break,
                handshake = listener.accept() => match handshake {
                    Some(handshake) => {
                        let link = LinkId(self.links.fetch_add(1, Ordering::Relaxed));
                        links.spawn(visit(handshake, link, self.jobs.clone()));
                    }
                    None => break,
                },
                Some(_) = links.join_next(), if !links.is_empty() => {}
            }
        }
        listener
            .shutdown(Close::new(CloseCode::Draining.number(), None))
            .await;
        links.shutdown().await;
    }

    /// Waits out a pause; whether hosting goes on after it.
    async fn may_go_on(&mut self) -> bool {
        tokio::select! {
            _ = self.ended.wait_for(|&ended| ended) => false,
            () = self.jobs.closed() => false,
            back = self.mode.wait_for(|mode| *mode == Mode::Foreground) => back.is_ok(),
        }
    }
}

/// One phone, from its handshake to its goodbye.
async fn visit(handshake: Handshake, link: LinkId, jobs: mpsc::Sender<Job>) {
    let connection = match handshake.establish().await {
        Ok(connection) => connection,
        Err(error) => return tracing::debug!(%error, "no handshake"),
    };
    let _guard = DownGuard {
        link,
        jobs: jobs.clone(),
    };
    converse(connection, link, Side::Host, &jobs, &Meter::default()).await;
}
