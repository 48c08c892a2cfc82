//! The shard without threads and sockets.

use super::*;
use sotay_feed::{DeviceKeys, Draft, Kind, SpaceKind, UnitId};
use sotay_membership::{Authority, Flags, Genesis, Grant, UnitKind, rank};
use sotay_store::{DatabaseId, MemoryStore};
use sotay_sync::limits::HELLO_TIMEOUT_MS;
use sotay_sync::{FirstContact, Policy};

const FOUNDER: u8 = 1;

fn device(number: u8) -> DeviceKeys {
    DeviceKeys::from_seeds([number; 32], [number; 32])
}

/// One end of a conversation with the shard.
struct Phone {
    keys: DeviceKeys,
    replica: Replica<MemoryStore>,
    session: Session,
    link: LinkId,
    outbox: mpsc::Receiver<Outgoing>,
}

/// A shard whose queues to phones hold so many frames.
struct Rig {
    shard: Shard<MemoryStore>,
    unit: UnitId,
    phones: Vec<Phone>,
}

fn genesis() -> Genesis {
    Genesis {
        unit_kind: UnitKind::BRANCH,
        parent: None,
        authorities: vec![Authority {
            rank: rank::PARENT,
            keys: device(FOUNDER).public(),
        }],
        root_policy: None,
        nonce: [7; 16],
        claimed_ms: 0,
    }
}

fn replica(number: u8, role: Role) -> Replica<MemoryStore> {
    Replica::open(MemoryStore::new(DatabaseId([number; 16])), role, Policy::Any).unwrap()
}

impl Rig {
    fn new() -> Self {
        let health = Arc::new(Health::starting());
        let metrics = Arc::new(Metrics::new("nowhere".into()));
        Self {
            shard: Shard::new(replica(0, Role::Relay), metrics, health),
            unit: genesis().unit_id(),
            phones: Vec::new(),
        }
    }

    fn space(&self, kind: SpaceKind) -> Space {
        Space::of(self.unit, kind)
    }

    /// A phone connects; its queue holds `room` frames. Returns its place.
    fn connect(&mut self, number: u8, room: usize) -> usize {
        let keys = device(number);
        let (out, outbox) = mpsc::channel(room);
        let link = LinkId(self.phones.len() as u64);
        let session = Session::connect(SessionConfig {
            role: Role::Device,
            peer: device(0).public().sign,
            spaces: vec![self.space(SpaceKind::Roll), self.space(SpaceKind::Main)],
            live: true,
            first: FirstContact::Frontier,
        });
        let peer = keys.public().sign;
        self.phones.push(Phone {
            keys,
            replica: replica(number, Role::Device),
            session,
            link,
            outbox,
        });
        self.round(vec![Job::Up { link, peer, out }]);
        self.phones.len() - 1
    }

    fn start(&mut self, place: usize) {
        let phone = &mut self.phones[place];
        phone.session.start(&mut phone.replica, 0).unwrap();
    }

    fn write(&mut self, place: usize, kind: SpaceKind, what: Kind, body: &[u8]) {
        let space = self.space(kind);
        let phone = &mut self.phones[place];
        let id = space.id();
        let tip = phone.replica.store().tip(&id, phone.keys.id()).unwrap();
        let envelope = Draft::next(&phone.keys, what, &id, tip)
            .sign(&phone.keys, &id, body)
            .unwrap();
        phone.replica.know_space(space).unwrap();
        phone.replica.append(&space, vec![envelope], vec![]).unwrap();
    }

    fn round(&mut self, jobs: Vec<Job>) {
        let mut touched = BTreeSet::new();
        for job in jobs {
            self.shard.work(job, 0, &mut touched);
        }
        self.shard.settle(touched);
    }

    /// What a phone has to say, as jobs.
    fn said(&mut self, place: usize) -> Vec<Job> {
        let phone = &mut self.phones[place];
        let mut jobs = Vec::new();
        while let Some(output) = phone.session.poll() {
            if let Output::Frame(frame) = output {
                let frame = Bytes::copy_from_slice(&frame);
                // The connection counts a frame when it queues it.
                self.shard.metrics.waiting.inc();
                jobs.push(Job::Frame {
                    link: phone.link,
                    frame,
                });
            }
        }
        jobs
    }

    /// What waits for a phone.
    fn heard(&mut self, place: usize) -> Vec<Outgoing> {
        let outbox = &mut self.phones[place].outbox;
        std::iter::from_fn(|| outbox.try_recv().ok()).collect()
    }

    /// Everybody talks until nobody has anything to say.
    fn converse(&mut self) {
        loop {
            let mut quiet = true;
            for place in 0..self.phones.len() {
                let jobs = self.said(place);
                quiet &= jobs.is_empty();
                self.round(jobs);
                for outgoing in self.heard(place) {
                    quiet = false;
                    if let Outgoing::Frame(frame) = outgoing {
                        let phone = &mut self.phones[place];
                        phone.session.on_frame(&mut phone.replica, &frame, 0).unwrap();
                    }
                }
            }
            if quiet {
                return;
            }
        }
    }

    /// The founder has told the relay of the unit and of members with these numbers; nobody is connected any more.
    fn founded(members: &[u8]) -> Self {
        let mut rig = Self::new();
        let founder = rig.connect(FOUNDER, 100);
        rig.write(founder, SpaceKind::Roll, Kind::GENESIS, &genesis().encode());
        for &number in members {
            let grant = Grant {
                member: sotay_feed::MemberId::from_bytes([number; 16]),
                rank: rank::MEMBER,
                flags: Flags::default(),
                keys: device(number).public(),
                scope: None,
                from_ms: 0,
            };
            rig.write(founder, SpaceKind::Roll, Kind::GRANT, &grant.encode());
        }
        rig.start(founder);
        rig.converse();
        rig
    }

    fn is_empty(&self) -> bool {
        let shard = &self.shard;
        shard.seats.is_empty()
            && shard.by_peer.is_empty()
            && shard.subscribers.is_empty()
            && shard.deadlines.is_empty()
    }
}

#[test]
fn what_many_phones_get_alike_is_one_allocation() {
    let mut rig = Rig::founded(&[2, 3, 4]);
    let writer = rig.connect(2, 100);
    let readers = [rig.connect(3, 100), rig.connect(4, 100)];
    for place in [writer, readers[0], readers[1]] {
        rig.start(place);
    }
    rig.converse();

    rig.write(writer, SpaceKind::Main, Kind::CHANGE, b"sealed");
    let main = rig.space(SpaceKind::Main);
    let phone = &mut rig.phones[writer];
    phone.session.on_local(&mut phone.replica, &main).unwrap();
    let jobs = rig.said(writer);
    rig.round(jobs);
    let frames: Vec<Vec<Outgoing>> = readers.iter().map(|place| rig.heard(*place)).collect();
    match (&frames[0][..], &frames[1][..]) {
        ([Outgoing::Frame(one)], [Outgoing::Frame(other)]) => assert!(Arc::ptr_eq(one, other)),
        other => panic!("{other:?}"),
    }
    // The writer gets an acknowledgement, not its own envelope.
    let sent = rig.shard.seats[&rig.phones[writer].link]
        .session
        .stats()
        .envelopes_out;
    assert_eq!(sent, 4, "the roll, and nothing more");
}

#[test]
fn a_phone_whose_queue_is_full_is_let_go_and_forgotten() {
    let mut rig = Rig::founded(&[2]);
    let before = rig.shard.seats.len();
    let slow = rig.connect(2, 1);
    rig.start(slow);
    let jobs = rig.said(slow);
    rig.round(jobs);
    assert_eq!(rig.shard.seats.len(), before);
    assert_eq!(rig.heard(slow).len(), 1);
    assert!(matches!(
        rig.phones[slow].outbox.try_recv(),
        Err(mpsc::error::TryRecvError::Disconnected)
    ));
}

#[test]
fn a_connection_that_says_nothing_is_closed_at_its_deadline() {
    let mut rig = Rig::new();
    let silent = rig.connect(9, 100);
    let mut touched = BTreeSet::new();
    rig.shard.tick(HELLO_TIMEOUT_MS - 1, &mut touched);
    assert!(touched.is_empty());
    rig.shard.tick(HELLO_TIMEOUT_MS, &mut touched);
    rig.shard.settle(touched);
    let heard = rig.heard(silent);
    let Some(Outgoing::Close(close)) = heard.last() else {
        panic!("{heard:?}")
    };
    assert_eq!(close.code, CloseCode::Timeout.number());
    assert!(rig.is_empty());
}

#[test]
fn nothing_is_left_of_connections_that_are_gone() {
    let mut rig = Rig::founded(&[2]);
    let member = rig.connect(2, 100);
    rig.start(member);
    rig.converse();
    assert!(!rig.shard.subscribers.is_empty());
    for place in 0..rig.phones.len() {
        let link = rig.phones[place].link;
        rig.round(vec![Job::Down { link }]);
    }
    assert!(rig.is_empty());
    // A frame that was on its way is no error.
    rig.shard.metrics.waiting.inc();
    let frame = Bytes::from_static(b"late");
    rig.round(vec![Job::Frame {
        link: LinkId(0),
        frame,
    }]);
}

#[test]
fn a_drain_says_goodbye_to_everyone_even_to_who_comes_late() {
    let mut rig = Rig::founded(&[]);
    rig.round(vec![Job::Drain]);
    let late = rig.connect(2, 100);
    for place in [0, late] {
        let heard = rig.heard(place);
        let Some(Outgoing::Close(close)) = heard.last() else {
            panic!("{heard:?}")
        };
        assert_eq!(close.code, CloseCode::Draining.number());
        assert!(close.retry_after.is_some_and(|wait| wait >= DRAIN_RETRY));
    }
    assert!(rig.is_empty());
}
