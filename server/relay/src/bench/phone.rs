//! A phone: a replica in memory and real QUIC.

use std::time::{Duration, Instant};

use sotay_feed::{DeviceKeys, Draft, Frontier, Kind, MemberId, Space, SpaceKind};
use sotay_membership::{Authority, Flags, Genesis, Grant, UnitKind, rank};
use sotay_net::{Close, Connector, Link, Presence, RelayAddress, Settings};
use sotay_store::{DatabaseId, MemoryStore, Store};
use sotay_sync::{FirstContact, Output, Policy, Replica, Role, Session, SessionConfig, SessionEvent};

use crate::error::RunError;
use crate::shard::now_ms;

/// Attempts of one phone before it counts as failed.
const ATTEMPTS_MAX: u32 = 20;
/// Pause before the second attempt; each further one doubles it, up to the limit.
const RETRY_PAUSE: Duration = Duration::from_millis(100);
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(3);

pub(super) struct Phone {
    pub keys: DeviceKeys,
    pub replica: Replica<MemoryStore>,
    connector: Connector,
    pub roll: Space,
    pub main: Space,
    /// Where it writes; its unit's main space, unless it keeps to itself.
    pub desk: Space,
    /// What the relay acknowledged of where it writes.
    pub acked: Frontier,
    pub refused: u64,
}

/// A session that goes on.
pub(super) struct Live {
    pub link: Link,
    pub session: Session,
}

/// The connection was refused or lost, or the relay closed it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failed;

/// One unit: its founder, who knows the whole roll, and its members, who know nothing yet.
pub(super) fn unit(phones: usize) -> Result<Vec<Phone>, RunError> {
    let keys: Vec<DeviceKeys> = (0..phones).map(|_| fresh_keys()).collect::<Result<_, _>>()?;
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(no_randomness)?;
    let genesis = Genesis {
        unit_kind: UnitKind::BRANCH,
        parent: None,
        authorities: vec![Authority {
            rank: rank::PARENT,
            keys: keys[0].public(),
        }],
        root_policy: None,
        nonce,
        claimed_ms: 0,
    };
    let roll = Space::of(genesis.unit_id(), SpaceKind::Roll);
    let main = Space::of(genesis.unit_id(), SpaceKind::Main);
    let mut phones: Vec<Phone> = keys
        .into_iter()
        .map(|keys| Phone::new(keys, roll, main))
        .collect::<Result<_, _>>()?;
    let mut records = vec![(Kind::GENESIS, genesis.encode())];
    for phone in &phones[1..] {
        let grant = Grant {
            member: phone.member(),
            rank: rank::MEMBER,
            flags: Flags::default(),
            keys: phone.keys.public(),
            scope: None,
            from_ms: 0,
        };
        records.push((Kind::GRANT, grant.encode()));
    }
    for (kind, body) in records {
        phones[0].append(roll, kind, &body)?;
    }
    Ok(phones)
}

pub(super) fn no_randomness(error: getrandom::Error) -> RunError {
    RunError::System(std::io::Error::other(error))
}

fn fresh_keys() -> Result<DeviceKeys, RunError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(no_randomness)?;
    Ok(DeviceKeys::from_seeds(seed, seed))
}

impl Phone {
    fn new(keys: DeviceKeys, roll: Space, main: Space) -> Result<Self, RunError> {
        let store = MemoryStore::new(DatabaseId([1; 16]));
        Ok(Self {
            replica: Replica::open(store, Role::Device, Policy::Any)?,
            connector: Connector::new(&keys, Settings::default()),
            keys,
            roll,
            main,
            desk: main,
            acked: Frontier::new(),
            refused: 0,
        })
    }

    /// A phone of the same unit that knows nothing yet and reads only.
    pub fn reader(&self) -> Result<Self, RunError> {
        Self::new(
            DeviceKeys::from_seeds(*self.keys.sign_seed(), [7; 32]),
            self.roll,
            self.main,
        )
    }

    fn member(&self) -> MemberId {
        let mut member = [0; 16];
        member[..8].copy_from_slice(self.keys.id().as_bytes());
        MemberId::from_bytes(member)
    }

    pub fn is_member(&self) -> bool {
        let membership = self.replica.membership(self.roll.unit);
        membership.is_some_and(|unit| {
            unit.standing(self.keys.id())
                .is_some_and(|standing| standing.member.is_some())
        })
    }

    /// From now on it writes what only its own devices read: nothing of it is handed on to others.
    pub fn keep_to_itself(&mut self) {
        self.desk = Space::private(self.roll.unit, self.member());
    }

    fn append(&mut self, space: Space, kind: Kind, body: &[u8]) -> Result<(), RunError> {
        let id = space.id();
        let tip = self.replica.store().tip(&id, self.keys.id())?;
        let draft = Draft::next(&self.keys, kind, &id, tip);
        let envelope = draft.sign(&self.keys, &id, body).map_err(|_| RunError::Stopped)?;
        self.replica.know_space(space)?;
        let appended = self.replica.append(&space, vec![envelope], Vec::new());
        appended.map_err(|_| RunError::Stopped)?;
        Ok(())
    }

    /// Sealed changes, as far as a relay can tell.
    pub fn write(&mut self, changes: usize, bytes: usize) -> Result<(), RunError> {
        let mut body = vec![0; bytes];
        for _ in 0..changes {
            getrandom::fill(&mut body).map_err(no_randomness)?;
            self.append(self.desk, Kind::CHANGE, &body)?;
        }
        Ok(())
    }

    /// Connects and exchanges everything; a live session goes on.
    pub async fn exchange(&mut self, relay: &RelayAddress, live: bool) -> Result<Option<Live>, Failed> {
        let presence = if live {
            Presence::Foreground
        } else {
            Presence::Background
        };
        let link = self
            .connector
            .connect(relay, presence)
            .await
            .map_err(|_| Failed)?;
        let mut session = Session::connect(SessionConfig {
            role: Role::Device,
            peer: relay.key(),
            spaces: vec![self.roll, self.desk],
            live,
            first: FirstContact::Frontier,
        });
        session.start(&mut self.replica, now_ms()).map_err(|_| Failed)?;
        let mut open = Live { link, session };
        let whole = self
            .go_on(&mut open, |event| *event == SessionEvent::CaughtUp)
            .await;
        if live {
            whole?;
            return Ok(Some(open));
        }
        open.link.close(Close::DONE).await;
        whole.map(|()| None)
    }

    /// The same until it succeeds; how long it took from the first attempt.
    pub async fn persist(
        &mut self,
        relay: &RelayAddress,
        live: bool,
    ) -> Result<(Duration, Option<Live>), Failed> {
        let start = Instant::now();
        let mut pause = RETRY_PAUSE;
        for _ in 0..ATTEMPTS_MAX {
            if let Ok(open) = self.exchange(relay, live).await {
                return Ok((start.elapsed(), open));
            }
            self.refused += 1;
            let draw = f64::from(getrandom::u32().unwrap_or(0)) / f64::from(u32::MAX);
            tokio::time::sleep(pause.mul_f64(0.5 + draw)).await;
            pause = (2 * pause).min(RETRY_PAUSE_MAX);
        }
        Err(Failed)
    }

    /// Drives a session until an event is the wanted one.
    pub async fn go_on(
        &mut self,
        open: &mut Live,
        wanted: impl Fn(&SessionEvent) -> bool,
    ) -> Result<(), Failed> {
        loop {
            let (mut found, mut closed) = (false, false);
            while let Some(output) = open.session.poll() {
                match output {
                    Output::Frame(frame) => open.link.send(frame).await.map_err(|_| Failed)?,
                    Output::Event(event) => {
                        if let SessionEvent::Acked { space, frontier } = &event
                            && *space == self.desk
                        {
                            for (device, seq) in frontier.iter() {
                                self.acked.raise(device, seq);
                            }
                        }
                        found |= wanted(&event);
                    }
                    Output::Close(_) => closed = true,
                }
            }
            if found {
                return Ok(());
            }
            if closed {
                return Err(Failed);
            }
            match open.link.recv().await {
                Ok(Some(frame)) => {
                    let taken = open.session.on_frame(&mut self.replica, &frame, now_ms());
                    taken.map_err(|_| Failed)?;
                }
                _ => return Err(Failed),
            }
        }
    }

    /// Offers what was written since, in a session that goes on, and waits until it is acknowledged or refused.
    pub async fn push(&mut self, open: &mut Live) -> Result<(), Failed> {
        open.session
            .on_local(&mut self.replica, &self.desk)
            .map_err(|_| Failed)?;
        let (desk, device) = (self.desk, self.keys.id());
        let own = self.written()?;
        self.go_on(open, |event| match event {
            SessionEvent::Acked { space, frontier } => *space == desk && frontier.get(device) >= own,
            SessionEvent::Rejected { .. } => true,
            _ => false,
        })
        .await?;
        if self.has_nothing_to_offer() {
            Ok(())
        } else {
            Err(Failed)
        }
    }

    fn written(&self) -> Result<u64, Failed> {
        let frontier = self.replica.store().frontier(&self.desk.id());
        Ok(frontier.map_err(|_| Failed)?.get(self.keys.id()))
    }

    /// Whether the relay has acknowledged everything that it wrote where it writes.
    pub fn has_nothing_to_offer(&self) -> bool {
        self.written()
            .is_ok_and(|own| self.acked.get(self.keys.id()) >= own)
    }
}
