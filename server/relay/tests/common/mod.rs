//! A relay as a child process, and phones as a replica in memory with real QUIC.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output as Finished, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand::Rng;
use sotay_feed::{DeviceKeys, Draft, Envelope, Frontier, Kind, MemberId, Space, SpaceKind, UnitId, Verified};
use sotay_membership::{Authority, Flags, Genesis, Grant, Revoke, UnitKind, rank};
use sotay_net::{Close, ConnectError, Connector, Link, LinkError, Presence, RelayAddress, Settings};
use sotay_store::{DatabaseId, MemoryStore, Store};
use sotay_sync::{
    CloseCode, CloseReason, FirstContact, Output, Policy, Replica, Role, Session, SessionConfig, SessionEvent,
};

/// Only a defect takes so long.
pub const DEFECT: Duration = Duration::from_secs(60);

pub const FOUNDER: u8 = 1;
pub const SECRETARY: u8 = 2;
pub const MEMBER: u8 = 3;
pub const STRANGER: u8 = 9;

/// Who is granted in most tests.
pub fn grants() -> [(u8, u8); 2] {
    [(SECRETARY, rank::SECRETARY), (MEMBER, rank::MEMBER)]
}

pub async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEFECT, what)
        .await
        .expect("an event that must come did not")
}

pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sotay-relay"));
    command.stdin(Stdio::null());
    command
}

/// Runs a subcommand to its end.
pub fn finished(args: &[&str]) -> (Option<i32>, String, String) {
    let Finished {
        status,
        stdout,
        stderr,
    } = program().args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

/// Runs a subcommand that must succeed, and reads what it prints with `--json`.
pub fn json(args: &[&str]) -> serde_json::Value {
    let (code, out, error) = finished(&[args, &["--json"]].concat());
    assert_eq!(code, Some(0), "{args:?}: {out}{error}");
    serde_json::from_str(&out).unwrap()
}

/// A running relay. Killed when dropped.
pub struct Relay {
    child: Child,
    pub start: serde_json::Value,
}

impl Relay {
    pub fn start(data: &Path, more: &[&str]) -> Self {
        Self::start_by(program(), data, more)
    }

    /// By a command that becomes the relay.
    pub fn start_by(mut command: Command, data: &Path, more: &[&str]) -> Self {
        let mut child = command
            .args([
                "serve",
                "--json",
                "--listen",
                "127.0.0.1:0",
                "--http",
                "127.0.0.1:0",
                "--data",
            ])
            .arg(data)
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let start = serde_json::from_str(&line).expect("the relay did not start");
        Self { child, start }
    }

    pub fn address(&self) -> RelayAddress {
        self.start["addresses"][0].as_str().unwrap().parse().unwrap()
    }

    pub fn listen(&self) -> SocketAddr {
        self.start["listen"].as_str().unwrap().parse().unwrap()
    }

    fn signal(&self, name: &str) {
        let id = self.child.id();
        let sent = Command::new("sh")
            .args(["-c", &format!("kill -{name} {id}")])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Reads its configuration again.
    pub fn reload(&self) {
        self.signal("HUP");
    }

    /// SIGKILL: no handler runs.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits in this thread, in which no phone is heard meanwhile.
    pub fn wait_deaf(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Waits in another thread: the phones of this one say goodbye meanwhile.
    pub async fn wait(mut self) -> ExitStatus {
        within(tokio::task::spawn_blocking(move || self.child.wait().unwrap()))
            .await
            .unwrap()
    }

    /// Status code and text of a page.
    pub fn page(&self, path: &str) -> (u16, String) {
        let http: SocketAddr = self.start["http"].as_str().unwrap().parse().unwrap();
        let mut stream = TcpStream::connect(http).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let code = head.split(' ').nth(1).unwrap().parse().unwrap();
        (code, body.to_owned())
    }

    /// One sample of `/metrics`; 0 when nothing was counted yet.
    pub fn metric(&self, name: &str) -> f64 {
        let (code, text) = self.page("/metrics");
        assert_eq!(code, 200);
        let sample = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        sample.map_or(0.0, |value| value.parse().unwrap())
    }

    /// Asks again until a sample has a value: what is counted when a session ends comes when it ends.
    pub async fn await_metric(&self, name: &str, value: f64) {
        let until = std::time::Instant::now() + DEFECT;
        while self.metric(name) != value {
            assert!(
                std::time::Instant::now() < until,
                "{name} is {}, not {value}",
                self.metric(name)
            );
            // The phones of this thread say goodbye meanwhile.
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

/// How a conversation went.
#[derive(Debug)]
pub struct Talk {
    pub events: Vec<SessionEvent>,
    pub ended: Ended,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// The session said so.
    Closed(CloseReason),
    /// The carrier broke.
    Lost(LinkError),
    /// The test had seen enough.
    Enough,
}

impl Ended {
    /// A relay says why it closes in the session and in the carrier's close. Whichever a phone hears first: while it sends, the last frame of the session may be
    /// lost behind the close.
    fn by(error: LinkError) -> Self {
        match error {
            LinkError::Closed(close) if close != Close::DONE => Self::Closed(CloseReason {
                code: CloseCode::from_number(close.code),
                retry_after: close.retry_after.map(|wait| wait.as_secs() as u32),
            }),
            error => Self::Lost(error),
        }
    }
}

impl Talk {
    pub fn caught_up(&self) -> bool {
        self.events.contains(&SessionEvent::CaughtUp)
    }
}

pub struct Phone {
    pub keys: DeviceKeys,
    pub replica: Replica<MemoryStore>,
    pub connector: Connector,
    pub spaces: Vec<Space>,
}

impl Phone {
    pub fn new(number: u8, unit: UnitId) -> Self {
        let keys = device(number);
        let store = MemoryStore::new(DatabaseId([number; 16]));
        Self {
            replica: Replica::open(store, Role::Device, Policy::Any).unwrap(),
            connector: Connector::new(&keys, Settings::default()),
            keys,
            spaces: vec![Space::of(unit, SpaceKind::Roll), Space::of(unit, SpaceKind::Main)],
        }
    }

    pub fn roll(&self) -> Space {
        self.spaces[0]
    }

    pub fn main(&self) -> Space {
        self.spaces[1]
    }

    pub fn frontier(&self, space: &Space) -> Frontier {
        self.replica.store().frontier(&space.id()).unwrap()
    }

    /// Signs and appends one envelope to the own feed.
    pub fn write(&mut self, space: Space, kind: Kind, body: &[u8]) -> Verified<Envelope> {
        let id = space.id();
        let tip = self.replica.store().tip(&id, self.keys.id()).unwrap();
        let envelope = Draft::next(&self.keys, kind, &id, tip)
            .sign(&self.keys, &id, body)
            .unwrap();
        self.replica.know_space(space).unwrap();
        self.replica
            .append(&space, vec![envelope.clone()], vec![])
            .unwrap();
        envelope
    }

    /// Sealed changes, as far as a relay can tell.
    pub fn write_changes(&mut self, count: usize, bytes: usize) {
        let mut rng = rand::rng();
        let mut body = vec![0; bytes];
        for _ in 0..count {
            rng.fill_bytes(&mut body);
            self.write(self.main(), Kind::CHANGE, &body);
        }
    }

    pub async fn connect(&self, relay: &Relay) -> Result<Link, ConnectError> {
        within(self.connector.connect(&relay.address(), Presence::Foreground)).await
    }

    pub fn session(&self, relay: &Relay, live: bool) -> Session {
        Session::connect(SessionConfig {
            role: Role::Device,
            peer: relay.address().key(),
            spaces: self.spaces.clone(),
            live,
            first: FirstContact::Frontier,
        })
    }

    /// One exchange of everything.
    pub async fn sync(&mut self, relay: &Relay) -> Talk {
        let link = self.connect(relay).await.unwrap();
        self.sync_by(link, relay).await
    }

    /// The same over this link.
    pub async fn sync_by(&mut self, mut link: Link, relay: &Relay) -> Talk {
        let mut session = self.session(relay, false);
        session.start(&mut self.replica, now_ms()).unwrap();
        let talk = self.go_on(&mut link, &mut session, |_| false).await;
        within(link.close(Close::DONE)).await;
        talk
    }

    /// Drives a session until it ends or an event is `enough`.
    pub async fn talk(
        &mut self,
        mut link: Link,
        mut session: Session,
        enough: impl Fn(&SessionEvent) -> bool,
    ) -> Talk {
        session.start(&mut self.replica, now_ms()).unwrap();
        self.go_on(&mut link, &mut session, enough).await
    }

    /// The same for a session that goes on after it was `enough` before.
    pub async fn go_on(
        &mut self,
        link: &mut Link,
        session: &mut Session,
        enough: impl Fn(&SessionEvent) -> bool,
    ) -> Talk {
        let mut events = Vec::new();
        let ended = loop {
            let mut done = None;
            while let Some(output) = session.poll() {
                match output {
                    Output::Frame(frame) => match within(link.send(frame)).await {
                        Ok(()) => {}
                        Err(error) => done = done.or(Some(Ended::by(error))),
                    },
                    Output::Event(event) => {
                        if enough(&event) {
                            done = done.or(Some(Ended::Enough));
                        }
                        events.push(event);
                    }
                    Output::Close(reason) => done = Some(Ended::Closed(reason)),
                }
            }
            if let Some(done) = done {
                break done;
            }
            match within(link.recv()).await {
                Ok(Some(frame)) => session.on_frame(&mut self.replica, &frame, now_ms()).unwrap(),
                Ok(None) => break Ended::Lost(LinkError::Closed(Close::DONE)),
                Err(error) => break Ended::by(error),
            }
        };
        Talk { events, ended }
    }
}

pub fn device(number: u8) -> DeviceKeys {
    DeviceKeys::from_seeds([number; 32], [number; 32])
}

pub fn member(number: u8) -> MemberId {
    MemberId::from_bytes([number; 16])
}

/// The phone of a unit's founder; its roll holds the genesis and grants of these ranks to the devices of these numbers.
pub fn founder(number: u8, granted: &[(u8, u8)]) -> (Phone, Vec<Verified<Envelope>>) {
    let genesis = Genesis {
        unit_kind: UnitKind::BRANCH,
        parent: None,
        authorities: vec![Authority {
            rank: rank::PARENT,
            keys: device(number).public(),
        }],
        root_policy: None,
        nonce: [number; 16],
        claimed_ms: 0,
    };
    let mut phone = Phone::new(number, genesis.unit_id());
    phone.write(phone.roll(), Kind::GENESIS, &genesis.encode());
    let grants = granted
        .iter()
        .map(|&(number, rank)| {
            let grant = Grant {
                member: member(number),
                rank,
                flags: Flags::default(),
                keys: device(number).public(),
                scope: None,
                from_ms: 0,
            };
            phone.write(phone.roll(), Kind::GRANT, &grant.encode())
        })
        .collect();
    (phone, grants)
}

pub fn revoke(phone: &mut Phone, grant: &Verified<Envelope>) {
    let revoke = Revoke {
        grant: grant.id(),
        reason: sotay_membership::Reason::LOST,
        cutoffs: Default::default(),
    };
    phone.write(phone.roll(), Kind::REVOKE, &revoke.encode());
}
