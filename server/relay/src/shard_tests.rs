//! The shard without threads and sockets.

use sotay_feed::UnitId;

use super::*;
use crate::outbox::{Inbox, Outgoings, outbox};
use crate::permissions::Served;
use crate::prune::Retention;
use sotay_feed::{DeviceKeys, Draft, Kind};
use sotay_membership::{Authority, Flags, Genesis, Grant, UnitKind, rank};
use sotay_store::{DatabaseId, Fault, Faults, FaultyStore, MemoryStore};
use sotay_sync::limits::HELLO_TIMEOUT_MS;
use sotay_sync::{FirstContact, Policy};

const FOUNDER: u8 = 1;

type Disk = FaultyStore<MemoryStore>;

fn device(number: u8) -> DeviceKeys {
    DeviceKeys::from_seeds([number; 32], [number; 32])
}

/// One end of a conversation with the shard.
struct Phone {
    keys: DeviceKeys,
    replica: Replica<MemoryStore>,
    session: Session,
    link: LinkId,
    inbox: Inbox,
}

/// A shard whose queues to phones hold so many frames.
struct Rig {
    shard: Shard<Disk>,
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
        Self::on(FaultyStore::new(
            MemoryStore::new(DatabaseId([0; 16])),
            Faults::none(),
        ))
    }

    fn on(disk: Disk) -> Self {
        let health = Arc::new(Health::starting());
        let metrics = Arc::new(Metrics::new("nowhere".into()));
        let limits = Limits::default();
        let books = Books::load(&disk, None, &limits).unwrap();
        let replica = Replica::open(Group::new(disk), Role::Relay, Policy::Any).unwrap();
        Self {
            shard: Shard::new(replica, books, &limits, metrics, health),
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
        let (out, inbox) = outbox(room, Outgoings::new(Limits::default().outgoing_bytes));
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
            inbox,
        });
        let part = Part::default();
        self.round(vec![Job::Up {
            link,
            peer,
            out,
            part,
        }]);
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
        self.round_at(jobs, 0);
    }

    fn round_at(&mut self, jobs: Vec<Job>, now: i64) {
        for job in jobs {
            self.shard.take(job, now);
        }
        self.shard.round(now, || None);
        while !self.shard.fair.is_empty() {
            self.shard.round(now, || None);
        }
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
                    room: Room::default(),
                });
            }
        }
        jobs
    }

    /// What waits for a phone.
    fn heard(&mut self, place: usize) -> Vec<Outgoing> {
        let inbox = &mut self.phones[place].inbox;
        std::iter::from_fn(|| inbox.try_recv()).collect()
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
    assert!(rig.phones[slow].inbox.is_over());
}

#[test]
fn strangers_who_fill_the_places_go_one_after_the_other_and_phones_of_a_unit_stay() {
    let mut rig = Rig::founded(&[2]);
    rig.shard.strangers = Strangers::of(20);
    let member = rig.connect(2, 100);
    rig.start(member);
    rig.converse();
    let strangers: Vec<usize> = (0..40)
        .map(|number| {
            let place = rig.connect(50 + number, 100);
            rig.start(place);
            let jobs = rig.said(place);
            rig.round(jobs);
            place
        })
        .collect();
    // The founder, the member, and as many strangers as leave one place of twenty free.
    assert_eq!(rig.shard.seats.len(), 19);
    let open = |rig: &Rig, place: usize| rig.shard.seats.contains_key(&rig.phones[place].link);
    assert!(open(&rig, 0) && open(&rig, member));
    assert!(!open(&rig, strangers[22]) && open(&rig, strangers[23]));
    let heard = rig.heard(strangers[0]);
    let Some(Outgoing::Close(close)) = heard.last() else {
        panic!("{heard:?}")
    };
    assert_eq!(close.code, CloseCode::Busy.number());
    assert!(close.retry_after.unwrap() >= BUSY_RETRY);
}

#[test]
fn a_connection_that_says_nothing_is_closed_at_its_deadline() {
    let mut rig = Rig::new();
    let silent = rig.connect(9, 100);
    rig.round_at(vec![], HELLO_TIMEOUT_MS - 1);
    assert!(rig.heard(silent).is_empty());
    rig.round_at(vec![], HELLO_TIMEOUT_MS);
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
        room: Room::default(),
    }]);
    assert_eq!(rig.shard.metrics.waiting.get(), 0);
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

#[test]
fn what_many_phones_bring_in_one_round_is_one_commit() {
    let mut rig = Rig::founded(&[2, 3, 4]);
    let places: Vec<usize> = [2, 3, 4].map(|number| rig.connect(number, 100)).into();
    for place in &places {
        rig.start(*place);
    }
    rig.converse();
    let mut jobs = Vec::new();
    for place in &places {
        rig.write(*place, SpaceKind::Main, Kind::CHANGE, b"sealed");
        let main = rig.space(SpaceKind::Main);
        let phone = &mut rig.phones[*place];
        phone.session.on_local(&mut phone.replica, &main).unwrap();
        jobs.extend(rig.said(*place));
    }
    let calls = |rig: &Rig| {
        rig.shard
            .replica
            .store()
            .inner()
            .inner()
            .head(&rig.space(SpaceKind::Main).id())
    };
    assert_eq!(calls(&rig).unwrap().number, 0);
    for job in jobs {
        rig.shard.take(job, 0);
    }
    rig.shard.round(0, || None);
    assert_eq!(calls(&rig).unwrap().number, 3);
    for place in places {
        // The acknowledgement of its own, and the two of the others.
        assert!(rig.heard(place).len() >= 2);
    }
}

#[test]
fn a_commit_that_fails_is_told_to_all_who_took_part_and_the_next_round_serves_them() {
    let mut rig = Rig::founded(&[2, 3]);
    let places: Vec<usize> = [2, 3].map(|number| rig.connect(number, 100)).into();
    for place in &places {
        rig.start(*place);
    }
    rig.converse();
    let mut jobs = Vec::new();
    for place in &places {
        rig.write(*place, SpaceKind::Main, Kind::CHANGE, b"sealed");
        let main = rig.space(SpaceKind::Main);
        let phone = &mut rig.phones[*place];
        phone.session.on_local(&mut phone.replica, &main).unwrap();
        jobs.extend(rig.said(*place));
    }
    // The disk is full for every write from here on.
    let store = std::mem::replace(
        rig.shard.replica.store_mut(),
        Group::new(FaultyStore::new(
            MemoryStore::new(DatabaseId([9; 16])),
            Faults::none(),
        )),
    );
    let disk = store.into_inner();
    let full = (0..500).fold(Faults::none(), |faults, call| faults.at(call, Fault::DiskFull));
    *rig.shard.replica.store_mut() = Group::new(FaultyStore::new(disk.into_inner(), full));
    rig.round(jobs);
    for place in &places {
        let heard = rig.heard(*place);
        let Some(Outgoing::Close(close)) = heard.last() else {
            panic!("{heard:?}")
        };
        assert_eq!(close.code, CloseCode::Storage.number());
        let frames = heard
            .iter()
            .filter(|outgoing| matches!(outgoing, Outgoing::Frame(_)));
        assert_eq!(frames.count(), 1, "the farewell, and no acknowledgement");
    }
    let store = std::mem::replace(
        rig.shard.replica.store_mut(),
        Group::new(FaultyStore::new(
            MemoryStore::new(DatabaseId([9; 16])),
            Faults::none(),
        )),
    );
    let disk = store.into_inner().into_inner();
    let id = rig.space(SpaceKind::Main).id();
    assert_eq!(disk.head(&id).unwrap().number, 0);
    *rig.shard.replica.store_mut() = Group::new(FaultyStore::new(disk, Faults::none()));
    let again = rig.connect(2, 100);
    rig.write(again, SpaceKind::Main, Kind::CHANGE, b"sealed");
    rig.start(again);
    rig.converse();
    assert_eq!(rig.shard.replica.store().head(&id).unwrap().number, 1);
}

#[test]
fn who_asked_before_anything_was_brought_is_answered_although_the_commit_fails() {
    let mut rig = Rig::founded(&[2, 3]);
    let (reader, writer) = (rig.connect(3, 100), rig.connect(2, 100));
    rig.start(writer);
    rig.converse();
    rig.write(writer, SpaceKind::Main, Kind::CHANGE, b"sealed");
    let main = rig.space(SpaceKind::Main);
    let phone = &mut rig.phones[writer];
    phone.session.on_local(&mut phone.replica, &main).unwrap();
    rig.start(reader);
    let mut jobs = rig.said(reader);
    jobs.extend(rig.said(writer));
    let faulty = |faults| Group::new(FaultyStore::new(MemoryStore::new(DatabaseId([9; 16])), faults));
    let store = std::mem::replace(rig.shard.replica.store_mut(), faulty(Faults::none()));
    let full = (0..500).fold(Faults::none(), |faults, call| faults.at(call, Fault::DiskFull));
    let disk = store.into_inner().into_inner();
    *rig.shard.replica.store_mut() = Group::new(FaultyStore::new(disk, full));
    rig.round(jobs);
    let heard = rig.heard(reader);
    let closes = |heard: &[Outgoing]| {
        heard
            .iter()
            .any(|outgoing| matches!(outgoing, Outgoing::Close(_)))
    };
    assert!(heard.len() > 1 && !closes(&heard), "{heard:?}");
    assert!(closes(&rig.heard(writer)));
    assert!(!rig.shard.seats.contains_key(&rig.phones[writer].link));
}

#[test]
fn what_a_phone_said_before_it_went_is_stored_and_handed_on() {
    let mut rig = Rig::founded(&[2, 3]);
    let (writer, reader) = (rig.connect(2, 100), rig.connect(3, 100));
    rig.start(writer);
    rig.start(reader);
    rig.converse();
    rig.write(writer, SpaceKind::Main, Kind::CHANGE, b"sealed");
    let main = rig.space(SpaceKind::Main);
    let phone = &mut rig.phones[writer];
    phone.session.on_local(&mut phone.replica, &main).unwrap();
    let link = phone.link;
    let mut jobs = rig.said(writer);
    jobs.push(Job::Down { link });
    rig.round(jobs);
    assert!(matches!(rig.heard(reader)[..], [Outgoing::Frame(_)]));
    assert!(!rig.shard.seats.contains_key(&link));
}

#[test]
fn a_blocked_device_is_told_so_at_once_and_when_it_comes_back() {
    use crate::admin::{Ask, Question, Reply};
    let mut rig = Rig::founded(&[2]);
    let member = rig.connect(2, 100);
    rig.start(member);
    rig.converse();
    let (reply, mut answer) = tokio::sync::oneshot::channel();
    let target = device(2).id().to_string();
    let ask = Ask::Block { target };
    rig.round(vec![Job::Admin(Question { ask, reply })]);
    assert!(matches!(answer.try_recv().unwrap(), Reply::Ok(_)));
    let again = rig.connect(2, 100);
    for place in [member, again] {
        let heard = rig.heard(place);
        let Some(Outgoing::Close(close)) = heard.last() else {
            panic!("{heard:?}")
        };
        assert_eq!(close.code, CloseCode::Blocked.number());
    }
}

#[test]
fn a_unit_that_the_new_configuration_does_not_name_is_closed_and_then_denied() {
    let mut rig = Rig::founded(&[2]);
    let member = rig.connect(2, 100);
    rig.start(member);
    rig.converse();
    let reload = Reload {
        served: Some(Served::default()),
        limits: Limits::default(),
        retention: Retention::default(),
    };
    rig.round(vec![Job::Reload(Box::new(reload))]);
    let heard = rig.heard(member);
    let Some(Outgoing::Close(close)) = heard.last() else {
        panic!("{heard:?}")
    };
    assert_eq!(close.code, CloseCode::Blocked.number());
    let again = rig.connect(2, 100);
    rig.start(again);
    rig.converse();
    let text = rig.shard.metrics.text();
    assert!(
        text.contains("spaces_denied_total{reason=\"not-served\"}"),
        "{text}"
    );
}

#[test]
fn a_phone_over_its_quota_is_told_when_to_come_back_and_the_others_are_served() {
    let mut rig = Rig::founded(&[2, 3]);
    let limits = Limits {
        envelopes_at_once: 2,
        envelopes_per_hour: 1,
        ..Limits::default()
    };
    rig.round(vec![Job::Reload(Box::new(Reload {
        served: None,
        limits,
        retention: Retention::default(),
    }))]);
    let (greedy, modest) = (rig.connect(2, 100), rig.connect(3, 100));
    for _ in 0..3 {
        rig.write(greedy, SpaceKind::Main, Kind::CHANGE, b"sealed");
    }
    rig.write(modest, SpaceKind::Main, Kind::CHANGE, b"sealed");
    rig.start(greedy);
    rig.start(modest);
    rig.converse();
    let main = rig.space(SpaceKind::Main).id();
    let frontier = rig.shard.replica.store().frontier(&main).unwrap();
    assert_eq!(frontier.get(device(2).id()), 2);
    assert_eq!(frontier.get(device(3).id()), 1);
    let text = rig.shard.metrics.text();
    assert!(
        text.contains("envelopes_refused_total{reason=\"quota\"} 1"),
        "{text}"
    );
}

#[test]
fn a_stranger_waits_in_a_lane_of_its_own_and_leaves_no_contact() {
    let mut rig = Rig::founded(&[2]);
    let (member, stranger) = (rig.connect(2, 100), rig.connect(9, 100));
    rig.start(member);
    rig.start(stranger);
    rig.converse();
    let lane = |place: usize| rig.shard.seats[&rig.phones[place].link].lane;
    assert_eq!(lane(member), Lane::Unit(rig.unit));
    assert_eq!(lane(stranger), Lane::Device(device(9).public().sign));
    assert!(rig.shard.books.contacts.of(device(2).id()).is_some());
    assert!(rig.shard.books.contacts.of(device(9).id()).is_none());
}
