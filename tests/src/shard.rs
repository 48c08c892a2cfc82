//! A relay without sockets, threads and a clock: what `sotay-relay` does between its connections and its database.
//! Same replica, same accepting sessions, same fan-out; the caller carries the frames.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use sotay_feed::{DeviceKeys, EnvelopeId, Frontier, SignKey, Space};
use sotay_store::{Store, StoreError};
use sotay_sync::message::{Have, Hello, Items, Message, Open};
use sotay_sync::{
    CloseReason, DenyReason, FirstContact, Output, Policy, RefuseReason, Replica, Role, Session,
    SessionConfig, SessionError, SessionEvent, SharedItems,
};

/// What is to be done for a connection.
#[derive(Debug, Clone)]
pub enum Outgoing {
    /// Send this frame.
    Frame(Arc<[u8]>),
    /// Close; nothing follows.
    Close(CloseReason),
}

/// One relay.
pub struct Shard<S> {
    replica: Replica<S>,
    seats: BTreeMap<u64, Seat>,
    subscribers: BTreeMap<Space, BTreeSet<u64>>,
    grown: BTreeMap<Space, (u64, Option<u64>)>,
    out: VecDeque<(u64, Outgoing)>,
    rejected: Vec<(EnvelopeId, RefuseReason)>,
    faults: Vec<String>,
}

struct Seat {
    session: Session,
    spaces: Vec<Space>,
}

/// The key of the relay of all tests without a network.
pub fn relay_key() -> SignKey {
    relay_keys().public().sign
}

fn relay_keys() -> DeviceKeys {
    DeviceKeys::from_seeds([0x52; 32], [0x53; 32])
}

impl<S: Store> Shard<S> {
    /// Starts on a database.
    pub fn open(store: S) -> Result<Self, StoreError> {
        Self::open_for(store, Policy::Any)
    }

    /// Starts on a database and takes some units only.
    pub fn open_for(store: S, policy: Policy) -> Result<Self, StoreError> {
        let mut replica = Replica::open(store, Role::Relay, policy)?;
        replica.set_signer(Arc::new(relay_keys()));
        Ok(Self {
            replica,
            seats: BTreeMap::new(),
            subscribers: BTreeMap::new(),
            grown: BTreeMap::new(),
            out: VecDeque::new(),
            rejected: Vec::new(),
            faults: Vec::new(),
        })
    }

    /// The replica, to make it refuse.
    pub fn replica_mut(&mut self) -> &mut Replica<S> {
        &mut self.replica
    }

    /// The replica.
    pub fn replica(&self) -> &Replica<S> {
        &self.replica
    }

    /// The store, to make it fail.
    pub fn store_mut(&mut self) -> &mut S {
        self.replica.store_mut()
    }

    /// Ends without a word to anybody, as a process that is killed.
    pub fn into_store(self) -> S {
        self.replica.into_store()
    }

    /// Envelopes that were refused since the last call.
    pub fn take_rejected(&mut self) -> Vec<(EnvelopeId, RefuseReason)> {
        std::mem::take(&mut self.rejected)
    }

    /// What peers did against the protocol since the last call.
    pub fn take_faults(&mut self) -> Vec<String> {
        std::mem::take(&mut self.faults)
    }

    /// A device has proven its key on a new connection.
    pub fn up(&mut self, link: u64, peer: SignKey, now: i64) -> Result<(), StoreError> {
        let config = SessionConfig {
            role: Role::Relay,
            peer,
            spaces: Vec::new(),
            live: true,
            first: FirstContact::default(),
        };
        let mut session = Session::accept(config);
        let started = session.start(&mut self.replica, now);
        self.seats.insert(
            link,
            Seat {
                session,
                spaces: Vec::new(),
            },
        );
        self.settle(link, started)
    }

    /// A frame came in.
    pub fn frame(&mut self, link: u64, frame: &[u8], now: i64) -> Result<(), StoreError> {
        let Some(seat) = self.seats.get_mut(&link) else {
            return Ok(());
        };
        let result = seat.session.on_frame(&mut self.replica, frame, now);
        self.settle(link, result)
    }

    /// Time has passed.
    pub fn tick(&mut self, now: i64) -> Result<(), StoreError> {
        let due = |seat: &Seat| seat.session.deadline().is_some_and(|(at, _)| at <= now);
        let due: Vec<u64> = self
            .seats
            .iter()
            .filter(|(_, seat)| due(seat))
            .map(|(link, _)| *link)
            .collect();
        for link in due {
            if let Some(seat) = self.seats.get_mut(&link) {
                let result = seat.session.on_tick(&mut self.replica, now);
                self.settle(link, result)?;
            }
        }
        Ok(())
    }

    /// The connection is gone.
    pub fn down(&mut self, link: u64) {
        self.seats.remove(&link);
        for links in self.subscribers.values_mut() {
            links.remove(&link);
        }
    }

    /// Begins a session by hand with the key of `peer`, offers envelopes for a space one by one, and tells what was said
    /// of each. The session must not be closed.
    pub fn offer(
        &mut self,
        peer: SignKey,
        space: Space,
        envelopes: &[Vec<u8>],
        now: i64,
    ) -> Vec<Option<RefuseReason>> {
        self.by_hand(peer, space, envelopes, now).0
    }

    fn by_hand(
        &mut self,
        peer: SignKey,
        space: Space,
        envelopes: &[Vec<u8>],
        now: i64,
    ) -> (Vec<Option<RefuseReason>>, Option<DenyReason>) {
        const LINK: u64 = 1 << 40;
        self.up(LINK, peer, now).expect("a store without faults");
        let hello = Message::Hello(Hello {
            role: Role::Device,
            capabilities: 0,
            now,
        });
        let open = Message::Open(Open {
            space,
            token: None,
            have: Have::Frontier(Frontier::new()),
            bytes: 0,
        });
        let tag = space.id().tag();
        let mut frames = vec![hello.encode(), open.encode()];
        frames.extend(envelopes.iter().map(|envelope| {
            let envelopes = vec![&envelope[..]];
            Message::Items(Items {
                tag,
                token: None,
                left: 0,
                envelopes,
            })
            .encode()
        }));
        for frame in frames {
            self.frame(LINK, &frame, now).expect("a store without faults");
        }
        let (mut refused, mut denied) = (BTreeMap::new(), None);
        while let Some((to, outgoing)) = self.poll() {
            if to != LINK {
                continue;
            }
            let Outgoing::Frame(frame) = outgoing else {
                panic!("the session was closed: {outgoing:?}")
            };
            match Message::decode(&frame).expect("a relay's message") {
                Message::Refuse(refuse) => drop(refused.insert(refuse.id, refuse.reason)),
                Message::Deny(deny) => denied = Some(deny.reason),
                _ => {}
            }
        }
        self.down(LINK);
        let noted: BTreeMap<_, _> = self.take_rejected().into_iter().collect();
        assert_eq!(noted, refused, "what the operator sees is what the phone is told");
        let id = |bytes: &Vec<u8>| EnvelopeId::from_bytes(*blake3::hash(bytes).as_bytes());
        let said = envelopes
            .iter()
            .map(|envelope| refused.get(&id(envelope)).copied());
        (said.collect(), denied)
    }

    /// Opens a space by hand with the key of `peer`: why it is denied, if it is.
    pub fn ask(&mut self, peer: SignKey, space: Space, now: i64) -> Option<DenyReason> {
        self.by_hand(peer, space, &[], now).1
    }

    /// Connections that are up.
    pub fn links(&self) -> Vec<u64> {
        self.seats.keys().copied().collect()
    }

    /// The next thing to do for a connection.
    pub fn poll(&mut self) -> Option<(u64, Outgoing)> {
        self.out.pop_front()
    }

    fn settle(&mut self, link: u64, result: Result<(), SessionError>) -> Result<(), StoreError> {
        self.release(link);
        let mut failed = self.note(result);
        for (space, (after, from)) in std::mem::take(&mut self.grown) {
            let links = self.subscribers.get(&space).cloned().unwrap_or_default();
            let links: Vec<u64> = links.into_iter().filter(|link| from != Some(*link)).collect();
            if links.is_empty() {
                continue;
            }
            let shared = SharedItems::since(&self.replica, &space, after)?;
            for link in links {
                if let Some(seat) = self.seats.get_mut(&link) {
                    let result = seat.session.on_stored(&mut self.replica, &shared);
                    self.release(link);
                    failed = failed.or(self.note(result));
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }

    fn note(&mut self, result: Result<(), SessionError>) -> Option<StoreError> {
        match result {
            Ok(()) => None,
            Err(SessionError::Store(error)) => Some(error),
            Err(error) => {
                self.faults.push(error.to_string());
                None
            }
        }
    }

    fn release(&mut self, link: u64) {
        let Some(seat) = self.seats.get_mut(&link) else {
            return;
        };
        let (mut opened, mut over) = (false, false);
        while let Some(output) = seat.session.poll() {
            match output {
                Output::Frame(frame) => self.out.push_back((link, Outgoing::Frame(frame))),
                Output::Close(reason) => {
                    self.out.push_back((link, Outgoing::Close(reason)));
                    over = true;
                }
                Output::Event(SessionEvent::Opened { .. }) => opened = true,
                Output::Event(SessionEvent::Received { space, after, .. }) => {
                    let grown = self.grown.entry(space).or_insert((after, Some(link)));
                    grown.0 = grown.0.min(after);
                    grown.1 = grown.1.filter(|from| *from == link);
                }
                Output::Event(SessionEvent::Rejected { id, reason, .. }) => self.rejected.push((id, reason)),
                Output::Event(_) => {}
            }
        }
        if over {
            return self.down(link);
        }
        if opened {
            seat.spaces = seat.session.subscriptions();
            for space in &seat.spaces {
                self.subscribers.entry(*space).or_default().insert(link);
            }
        }
    }
}
