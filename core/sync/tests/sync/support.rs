//! A village: an officer of the level above who founds a branch, phones of its members, a relay.

use rand::RngExt;
use rand::rngs::StdRng;
use sotay_feed::{
    DeviceId, DeviceKeys, Draft, Envelope, EnvelopeId, Frontier, Kind, MemberId, SignKey, Space, SpaceKind,
    UnitId, Verified,
};
use sotay_membership::{Authority, Flags, Genesis, Grant, Reason, Revoke, Suspend, UnitKind, rank};
use sotay_store::{DatabaseId, MemoryStore, Store};
use sotay_sync::testing::{Carried, End, carry};
use sotay_sync::{
    FirstContact, Policy, Replica, Role, Session, SessionConfig, SessionEvent, SessionStats, SyncStatus,
    status,
};

pub const NOW: i64 = 1_700_000_000_000;
pub const NO_LIMIT: usize = usize::MAX;

pub fn keys(n: u8) -> DeviceKeys {
    DeviceKeys::from_seeds([n; 32], [n ^ 0x80; 32])
}

pub fn member(n: u8) -> MemberId {
    MemberId::from_bytes([n; 16])
}

pub struct Node<S = MemoryStore> {
    pub keys: DeviceKeys,
    pub replica: Replica<S>,
}

pub type Phone = Node<MemoryStore>;

pub fn store(n: u8) -> MemoryStore {
    MemoryStore::new(DatabaseId([n; 16]))
}

pub fn phone(n: u8) -> Phone {
    node(n, Role::Device, store(n))
}

pub fn relay() -> Phone {
    node(200, Role::Relay, store(200))
}

pub fn node<S: Store>(n: u8, role: Role, store: S) -> Node<S> {
    Node {
        keys: keys(n),
        replica: Replica::open(store, role, Policy::Any).unwrap(),
    }
}

impl<S: Store> Node<S> {
    pub fn id(&self) -> DeviceId {
        self.keys.id()
    }

    pub fn key(&self) -> SignKey {
        self.keys.public().sign
    }

    /// The next envelope of this phone, signed but not stored.
    pub fn draft(&self, space: &Space, kind: Kind, body: &[u8]) -> Verified<Envelope> {
        let id = space.id();
        let tip = self.replica.store().tip(&id, self.id()).unwrap();
        Draft::next(&self.keys, kind, &id, tip)
            .sign(&self.keys, &id, body)
            .unwrap()
    }

    pub fn write_kind(&mut self, space: &Space, kind: Kind, body: &[u8]) -> EnvelopeId {
        let envelope = self.draft(space, kind, body);
        let id = envelope.id();
        self.replica.append(space, vec![envelope], Vec::new()).unwrap();
        id
    }

    pub fn write(&mut self, space: &Space, body: &[u8]) -> EnvelopeId {
        self.write_kind(space, Kind::CHANGE, body)
    }

    pub fn grant(&mut self, branch: &Branch, n: u8, rank: u8) -> EnvelopeId {
        self.grant_flags(branch, n, rank, Flags::default())
    }

    pub fn grant_flags(&mut self, branch: &Branch, n: u8, rank: u8, flags: Flags) -> EnvelopeId {
        let grant = grant_of(member(n), &keys(n), rank, flags);
        self.write_kind(&branch.roll, Kind::GRANT, &grant.encode())
    }

    /// Revokes a grant; every space of the branch that this replica holds keeps what it has of the device.
    pub fn revoke(&mut self, branch: &Branch, grant: EnvelopeId, device: DeviceId) -> EnvelopeId {
        let tip = |space: &Space| {
            let tip = self.replica.store().tip(&space.id(), device).unwrap();
            tip.map(|tip| (space.id().tag(), tip))
        };
        let revoke = Revoke {
            grant,
            reason: Reason::LEFT,
            cutoffs: branch.spaces().iter().filter_map(tip).collect(),
        };
        self.write_kind(&branch.roll, Kind::REVOKE, &revoke.encode())
    }

    pub fn suspend(&mut self, branch: &Branch, device: DeviceId) -> EnvelopeId {
        let suspend = Suspend {
            device,
            reason: Reason::LOST,
        };
        self.write_kind(&branch.roll, Kind::SUSPEND, &suspend.encode())
    }

    pub fn frontier(&self, space: &Space) -> Frontier {
        self.replica.store().frontier(&space.id()).unwrap()
    }

    pub fn count(&self, space: &Space) -> u64 {
        self.replica.store().head(&space.id()).unwrap().number
    }

    pub fn status(&self, relay: &SignKey, space: &Space) -> SyncStatus {
        status(&self.replica, relay, space).unwrap()
    }

    /// The next envelopes of this phone, one transaction.
    pub fn write_many(&mut self, space: &Space, kind: Kind, bodies: impl IntoIterator<Item = Vec<u8>>) {
        let id = space.id();
        let mut tip = self.replica.store().tip(&id, self.id()).unwrap();
        let envelopes = bodies.into_iter().map(|body| {
            let envelope = Draft::next(&self.keys, kind, &id, tip)
                .sign(&self.keys, &id, &body)
                .unwrap();
            tip = Some(envelope.tip());
            envelope
        });
        let envelopes = envelopes.collect();
        self.replica.append(space, envelopes, Vec::new()).unwrap();
    }

    /// The same device after a restart.
    pub fn reopen(self) -> Self {
        let role = self.replica.role();
        Self {
            replica: Replica::open(self.replica.into_store(), role, Policy::Any).unwrap(),
            keys: self.keys,
        }
    }

    /// Copies a space by hand, as a file would.
    pub fn copy_from<T: Store>(&mut self, from: &Node<T>, space: &Space) {
        let bytes = sotay_sync::bundle::write(&from.replica, &[*space], None).unwrap();
        let imported =
            sotay_sync::bundle::import(&mut self.replica, sotay_sync::bundle::read(&bytes).unwrap());
        assert_eq!(imported.unwrap().cut, None);
    }
}

pub fn grant_of(member: MemberId, keys: &DeviceKeys, rank: u8, flags: Flags) -> Grant {
    Grant {
        member,
        rank,
        flags,
        keys: keys.public(),
        scope: None,
        from_ms: NOW,
    }
}

impl Phone {
    /// The same device with a copy of its disk.
    pub fn copy(&self) -> Self {
        let seed = self.keys.sign_seed()[0];
        node(seed, self.replica.role(), self.replica.store().clone())
    }
}

#[derive(Clone, Copy)]
pub struct Branch {
    pub unit: UnitId,
    pub roll: Space,
    pub main: Space,
    pub inbox: Space,
}

impl Branch {
    pub fn spaces(&self) -> Vec<Space> {
        vec![self.roll, self.main]
    }

    pub fn all_seven(&self, me: u8) -> Vec<Space> {
        let mut spaces: Vec<Space> = SpaceKind::ALL
            .into_iter()
            .filter(|kind| !kind.has_subject())
            .map(|kind| Space::of(self.unit, kind))
            .collect();
        spaces.push(Space::private(self.unit, member(me)));
        spaces.sort();
        spaces
    }
}

/// `founder` founds a branch below `parent` and is its rank-1 authority.
pub fn found_below(founder: &mut Phone, parent: Option<UnitId>, nonce: u8) -> Branch {
    let genesis = Genesis {
        unit_kind: UnitKind::BRANCH,
        parent,
        authorities: vec![Authority {
            rank: rank::PARENT,
            keys: founder.keys.public(),
        }],
        root_policy: None,
        nonce: [nonce; 16],
        claimed_ms: NOW,
    };
    let unit = genesis.unit_id();
    let branch = Branch {
        unit,
        roll: Space::of(unit, SpaceKind::Roll),
        main: Space::of(unit, SpaceKind::Main),
        inbox: Space::of(unit, SpaceKind::Inbox),
    };
    founder.write_kind(&branch.roll, Kind::GENESIS, &genesis.encode());
    branch
}

/// A founded branch with a secretary (2) and members from 3 on, all of whom hold the roll; and the founder (1).
pub fn village(members: u8) -> (Branch, Phone, Vec<Phone>) {
    let mut founder = phone(1);
    let branch = found_below(&mut founder, None, 1);
    founder.grant(&branch, 2, rank::SECRETARY);
    let mut secretary = phone(2);
    secretary.copy_from(&founder, &branch.roll);
    for n in 3..3 + members {
        secretary.grant(&branch, n, rank::MEMBER);
    }
    let mut phones = vec![secretary];
    for n in 3..3 + members {
        let mut phone = phone(n);
        phone.copy_from(&phones[0], &branch.roll);
        phones.push(phone);
    }
    founder.copy_from(&phones[0], &branch.roll);
    (branch, founder, phones)
}

/// The same, with a relay that holds the roll and knows every phone by one exchange.
pub fn village_with_relay(members: u8) -> (Branch, Phone, Vec<Phone>, Phone) {
    let (branch, founder, mut phones) = village(members);
    let mut relay = relay();
    for phone in &mut phones {
        sync(phone, &mut relay, &branch.spaces());
    }
    (branch, founder, phones, relay)
}

pub struct Exchange {
    pub near: End,
    pub far: End,
    pub carried: Carried,
}

impl Exchange {
    pub fn stats(&self) -> SessionStats {
        self.near.session.stats()
    }

    /// Bytes of both directions that are not envelopes.
    pub fn overhead(&self) -> u64 {
        let stats = self.stats();
        stats.bytes_out + stats.bytes_in - stats.envelope_bytes_out - stats.envelope_bytes_in
    }

    pub fn caught_up(&self) -> bool {
        self.near.told(|event| *event == SessionEvent::CaughtUp)
    }

    /// No error at either end.
    pub fn clean(self) -> Self {
        assert!(self.near.error.is_none(), "{:?}", self.near.error);
        assert!(self.far.error.is_none(), "{:?}", self.far.error);
        self
    }
}

pub fn config<S: Store, T: Store>(
    me: &Node<S>,
    peer: &Node<T>,
    spaces: &[Space],
    live: bool,
) -> SessionConfig {
    SessionConfig {
        role: me.replica.role(),
        peer: peer.key(),
        spaces: spaces.to_vec(),
        live,
        first: FirstContact::Frontier,
    }
}

/// Both ends of a session, not started.
pub fn ends<S: Store, T: Store>(near: &Node<S>, far: &Node<T>, spaces: &[Space], live: bool) -> (End, End) {
    (
        End::new(Session::connect(config(near, far, spaces, live))),
        End::new(Session::accept(config(far, near, &[], false))),
    )
}

/// A session that stays open.
pub fn connect<S: Store, T: Store>(near: &mut Node<S>, far: &mut Node<T>, spaces: &[Space]) -> (End, End) {
    let (mut a, mut b) = ends(near, far, spaces, true);
    a.start(&mut near.replica, NOW);
    b.start(&mut far.replica, NOW);
    carry(
        (&mut a, &mut near.replica),
        (&mut b, &mut far.replica),
        NOW,
        NO_LIMIT,
    );
    (a, b)
}

/// One whole session, cut after `frames_max` frames.
pub fn sync_cut<S: Store, T: Store>(
    near: &mut Node<S>,
    far: &mut Node<T>,
    spaces: &[Space],
    frames_max: usize,
) -> Exchange {
    sync_with(near, far, spaces, frames_max, FirstContact::Frontier)
}

pub fn sync_with<S: Store, T: Store>(
    near: &mut Node<S>,
    far: &mut Node<T>,
    spaces: &[Space],
    frames_max: usize,
    first: FirstContact,
) -> Exchange {
    let mut config = config(near, far, spaces, false);
    config.first = first;
    let mut a = End::new(Session::connect(config));
    let (_, mut b) = ends(near, far, spaces, false);
    a.start(&mut near.replica, NOW);
    b.start(&mut far.replica, NOW);
    let carried = carry(
        (&mut a, &mut near.replica),
        (&mut b, &mut far.replica),
        NOW,
        frames_max,
    );
    Exchange {
        near: a,
        far: b,
        carried,
    }
}

/// One whole session without trouble.
pub fn sync<S: Store, T: Store>(near: &mut Node<S>, far: &mut Node<T>, spaces: &[Space]) -> Exchange {
    let exchange = sync_cut(near, far, spaces, NO_LIMIT).clean();
    assert!(exchange.caught_up(), "{:#?}", exchange.near.events);
    exchange
}

/// One of several and the one after it, to talk with each other.
pub fn neighbours<T>(all: &mut [T], who: usize) -> (&mut T, &mut T) {
    let other = (who + 1) % all.len();
    if who < other {
        let (left, right) = all.split_at_mut(other);
        (&mut left[who], &mut right[0])
    } else {
        let (left, right) = all.split_at_mut(who);
        (&mut right[0], &mut left[other])
    }
}

/// How two phones begin, and after how many frames they are cut.
pub fn any_way(rng: &mut StdRng) -> (FirstContact, usize) {
    let first = if rng.random_bool(0.5) {
        FirstContact::Digest
    } else {
        FirstContact::Frontier
    };
    let cut = if rng.random_bool(0.5) {
        NO_LIMIT
    } else {
        rng.random_range(0..20)
    };
    (first, cut)
}
