//! Branch AL-42 on real devices: one profile folder each, three phones and whoever else is admitted, a relay between.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rand::SeedableRng;
use rand::rngs::StdRng;
use sotay_engine::handbook::meeting::{Command, MeetingKind, MeetingView};
use sotay_engine::handbook::review::ReviewList;
use sotay_engine::handbook::roster::{Activity, Role, Standing};
use sotay_engine::handbook::{Date, EntryId, Month, fixture};
use sotay_engine::{
    AdmitRequest, Device, DeviceError, Event, LinkId, LinkOutput, MinutesText, NewMember, NewUnit, SyncStatus,
};
use sotay_feed::{DocId, MemberId};
use sotay_store::{Options, SqliteStore};
use sotay_tests::shard::{Outgoing, Shard, relay_key};

/// P1 takes the minutes, P2 is the deputy's, P3 the secretary's.
pub const PHONES: [u8; 3] = [1, 2, 3];
/// Holder, rank and seat on the committee, as in [`fixture::acting`].
const HOLDERS: [(u8, u32, u8, bool); 4] = [
    (3, 1, 2, false),
    (2, 2, 3, false),
    (1, 3, 4, true),
    (4, 5, 4, false),
];

pub type Phone = Device<SqliteStore>;

/// What a phone shows of a meeting. Phones whose `Shown` are equal have converged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    pub view: MeetingView,
    pub review: ReviewList,
    pub minutes: MinutesText,
}

/// The branch with all its disks.
pub struct Branch {
    phones: BTreeMap<u8, Phone>,
    relay: Shard<SqliteStore>,
    links: BTreeMap<u8, u64>,
    members: Vec<MemberId>,
    ids: BTreeMap<u8, u32>,
    /// Numbers of links, and seeds: no process may draw what another drew.
    next: u64,
    folder: tempfile::TempDir,
}

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, &Options::default()).unwrap()
}

/// What was written down, to open it again: disks in a folder, and who is who.
pub struct Written {
    folder: tempfile::TempDir,
    phones: Vec<u8>,
    members: Vec<MemberId>,
    ids: BTreeMap<u8, u32>,
    next: u64,
}

impl Branch {
    /// Founds the branch on P3 and admits P2, P1 and, if asked, P4 of an ordinary member. No network is used.
    pub fn found(numbers: &[u8]) -> Self {
        Self::found_as(1, numbers)
    }

    /// The same with other random numbers: another unit, other keys.
    pub fn found_as(seed: u64, numbers: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let relay = Shard::open(open(&folder.path().join("relay.db"))).unwrap();
        let (links, ids) = (BTreeMap::new(), BTreeMap::new());
        let mut branch = Self {
            phones: BTreeMap::new(),
            relay,
            links,
            members: Vec::new(),
            ids,
            next: seed,
            folder,
        };
        let mut secretary = branch.create(3);
        let from: Date = fixture::FROM.parse().unwrap();
        let heading = fixture::heading();
        let unit = NewUnit {
            name: heading.unit.as_str().to_owned(),
            upper: heading.upper.as_str().to_owned(),
            founder: fixture::NAMES[0].to_owned(),
            since: Some(from),
        };
        secretary.create_unit(&unit, fixture::START_MS).unwrap();
        let others: Vec<NewMember> = (2..=42).map(new_member).collect();
        branch.members = vec![secretary.member().unwrap()];
        branch
            .members
            .extend(secretary.add_members(&others, from, fixture::START_MS).unwrap());
        for (number, holder, rank, committee) in HOLDERS {
            if number == 3 || !numbers.contains(&number) {
                continue;
            }
            let mut phone = branch.create(number);
            let ask = AdmitRequest {
                request: phone.join_request().unwrap().to_text(),
                member: branch.member(holder),
                rank,
                committee,
                probationary: false,
                relays: Vec::new(),
            };
            let invitation = secretary.admit(&ask, fixture::START_MS).unwrap();
            phone.accept(&invitation).unwrap();
            branch.phones.insert(number, phone);
        }
        branch.phones.insert(3, secretary);
        branch
    }

    fn path(&self, number: u8) -> PathBuf {
        self.folder.path().join(format!("P{number}.db"))
    }

    fn rng(&mut self) -> Box<StdRng> {
        self.next += 1;
        Box::new(StdRng::seed_from_u64(self.next))
    }

    fn create(&mut self, number: u8) -> Phone {
        let store = open(&self.path(number));
        let rng = self.rng();
        Device::create(store, &format!("P{number}"), rng).unwrap()
    }

    /// Switches everything off; what is left is files.
    pub fn switch_off(self) -> Written {
        let Self {
            phones,
            relay,
            links: _,
            members,
            ids,
            next,
            folder,
        } = self;
        let numbers = phones.keys().copied().collect();
        drop((phones, relay));
        Written {
            folder,
            phones: numbers,
            members,
            ids,
            next,
        }
    }

    /// M01 to M42.
    pub fn member(&self, number: u32) -> MemberId {
        self.members[number as usize - 1]
    }

    pub fn phone(&mut self, number: u8) -> &mut Phone {
        self.phones.get_mut(&number).unwrap()
    }

    pub fn relay(&mut self) -> &mut Shard<SqliteStore> {
        &mut self.relay
    }

    /// Keeps a copy of the relay's database.
    pub fn keep_relay(&mut self, name: &str) {
        let path = self.folder.path().join(name);
        self.relay.replica().store().backup_to(&path).unwrap();
    }

    /// The relay goes on with a copy, as if nothing had happened since.
    pub fn set_relay_back(&mut self, name: &str) {
        let file = |name: &str| self.folder.path().join(name);
        let aside = Shard::open(open(&file("aside.db"))).unwrap();
        // Closed before its file is replaced.
        drop(std::mem::replace(&mut self.relay, aside));
        fs::copy(file(name), file("relay.db")).unwrap();
        self.relay = Shard::open(open(&file("relay.db"))).unwrap();
    }

    /// An id for an entry, the same in every run.
    pub fn id_on(&mut self, phone: u8) -> EntryId {
        let count = self.ids.entry(phone).or_default();
        *count += 1;
        fixture::entry(phone, *count)
    }

    /// Begins the regular meeting of a month on one phone.
    pub fn begin(&mut self, phone: u8, month: &str) -> DocId {
        let month: Month = month.parse().unwrap();
        let day: Date = format!("{month}-05").parse().unwrap();
        let now = fixture::START_MS;
        self.phone(phone)
            .new_meeting(MeetingKind::Regular, Some(month), Some(day), now)
            .unwrap()
    }

    pub fn try_on(
        &mut self,
        phone: u8,
        minute: i64,
        doc: DocId,
        command: &Command,
    ) -> Result<(), DeviceError> {
        self.phone(phone)
            .meeting(doc, command, fixture::START_MS + minute * 60_000)
    }

    pub fn on(&mut self, phone: u8, minute: i64, doc: DocId, command: Command) {
        self.try_on(phone, minute, doc, &command)
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    }

    /// A connection that stays up, as a phone in the foreground has one.
    pub fn connect(&mut self, number: u8) {
        self.next += 1;
        let (link, now) = (self.next, fixture::START_MS);
        let phone = self.phones.get_mut(&number).unwrap();
        phone.link_up(LinkId(link), relay_key(), true, now).unwrap();
        self.relay.up(link, phone.keys().public().sign, now).unwrap();
        self.links.insert(number, link);
        self.carry();
    }

    pub fn disconnect(&mut self, number: u8) {
        if let Some(link) = self.links.remove(&number) {
            self.phones
                .get_mut(&number)
                .unwrap()
                .link_down(LinkId(link))
                .unwrap();
            self.relay.down(link);
        }
    }

    /// Carries all frames until nobody has any.
    pub fn carry(&mut self) {
        let now = fixture::START_MS;
        loop {
            let mut idle = true;
            for (number, &link) in &self.links {
                let phone = self.phones.get_mut(number).unwrap();
                phone.push_local().unwrap();
                while let Some(output) = phone.next_output(LinkId(link)) {
                    idle = false;
                    match output {
                        LinkOutput::Frame(frame) => self.relay.frame(link, &frame, now).unwrap(),
                        LinkOutput::CaughtUp => {}
                        LinkOutput::Close(reason) => panic!("P{number} closed: {reason:?}"),
                    }
                }
            }
            while let Some((to, outgoing)) = self.relay.poll() {
                let Some((number, _)) = self.links.iter().find(|(_, link)| **link == to) else {
                    continue;
                };
                idle = false;
                match outgoing {
                    Outgoing::Frame(frame) => {
                        self.phones
                            .get_mut(number)
                            .unwrap()
                            .link_frame(LinkId(to), &frame, now)
                            .unwrap();
                    }
                    Outgoing::Close(reason) => panic!("the relay closed on P{number}: {reason:?}"),
                }
            }
            if idle {
                return;
            }
        }
    }

    /// One exchange of a phone with the relay.
    pub fn sync(&mut self, number: u8) {
        self.connect(number);
        self.disconnect(number);
    }

    /// Phones reach the relay one after another, and then everybody learns the rest.
    pub fn sync_all(&mut self, order: &[u8]) {
        order.iter().for_each(|&phone| self.sync(phone));
        order.iter().for_each(|&phone| self.sync(phone));
    }

    pub fn shown(&mut self, number: u8, doc: DocId) -> Shown {
        let phone = self.phone(number);
        Shown {
            view: phone.meeting_view(doc).unwrap(),
            review: phone.review(doc).unwrap(),
            minutes: phone.minutes(doc).unwrap(),
        }
    }

    /// What these phones show, which must be the same, and what the relay has is what they have.
    pub fn converged(&mut self, numbers: &[u8], doc: DocId) -> Shown {
        let first = self.shown(numbers[0], doc);
        for &number in numbers {
            let shown = self.shown(number, doc);
            assert_eq!(shown.minutes.heads, first.minutes.heads, "heads of P{number}");
            assert_eq!(shown.minutes.text, first.minutes.text, "minutes of P{number}");
            assert_eq!(shown.minutes.sha256, first.minutes.sha256, "hash of P{number}");
            assert_eq!(shown.review, first.review, "review list of P{number}");
            assert_eq!(shown.view, first.view, "view of P{number}");
        }
        first
    }

    /// Whether the phone knows that the relay holds all of its spaces as it does.
    pub fn knows_it_is_synced(&mut self, number: u8) -> bool {
        let status = self.phone(number).sync_status(&relay_key()).unwrap();
        status
            .iter()
            .all(|space| matches!(space.status, SyncStatus::Synced { .. }))
    }

    /// Everything that happened on a phone since the last call.
    pub fn events(&mut self, number: u8) -> Vec<Event> {
        let phone = self.phone(number);
        std::iter::from_fn(|| phone.next_event()).collect()
    }
}

impl Written {
    /// The same branch once more, on copies of its disks.
    pub fn open_copy(&self) -> Branch {
        let folder = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(self.folder.path()).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
        }
        let relay = Shard::open(open(&folder.path().join("relay.db"))).unwrap();
        let mut branch = Branch {
            phones: BTreeMap::new(),
            relay,
            links: BTreeMap::new(),
            members: self.members.clone(),
            ids: self.ids.clone(),
            next: self.next,
            folder,
        };
        for &number in &self.phones {
            let (store, rng) = (open(&branch.path(number)), branch.rng());
            branch.phones.insert(number, Device::open(store, rng).unwrap());
        }
        branch
    }
}

fn new_member(number: u32) -> NewMember {
    NewMember {
        role: match number {
            2 => Role::Deputy,
            3 | 4 => Role::CommitteeMember,
            _ => Role::Member,
        },
        standing: if number > 40 {
            Standing::Probationary
        } else {
            Standing::Full
        },
        activity: if (39..=40).contains(&number) {
            Activity::Exempt
        } else {
            Activity::Attending
        },
        ..NewMember::named(fixture::NAMES[number as usize - 1])
    }
}
