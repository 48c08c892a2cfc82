//! Phones with one document each, and a relay between them that only keeps what it is given.

#![allow(dead_code)]

use std::collections::BTreeMap;

use sotay_document::crdt::{ChangeHash, ReadDoc, Transaction};
use sotay_document::{Actor, Document, EditError, Run, encode_runs};
use sotay_feed::{DeviceId, DocId};
use sotay_handbook::fixture;
use sotay_handbook::meeting::{self, Command, MeetingView, Setting};
use sotay_handbook::minutes::{Minutes, Template, render};
use sotay_handbook::review::{ReviewItem, ReviewList, Severity, review};
use sotay_handbook::roster::Roll;
use sotay_handbook::{Acting, CommandError, Devices, DocKind, EntryId, Lang, Message, Policy, events};

pub const PHONES: [u8; 3] = [1, 2, 3];
const RUN_BYTES: usize = 48 * 1024;

/// All orders of three phones.
pub const ORDERS: [[u8; 3]; 6] = [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]];

pub struct Phone {
    pub number: u8,
    pub document: Document,
    unsent: Vec<Vec<u8>>,
    pulled: usize,
    ids: u32,
}

/// What one phone shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    pub heads: Vec<ChangeHash>,
    pub view: MeetingView,
    pub review: ReviewList,
    pub minutes: Minutes,
}

/// A meeting that several phones hold, offline until they sync.
pub struct Hall {
    pub id: DocId,
    phones: BTreeMap<u8, Phone>,
    relay: Vec<(DeviceId, Vec<u8>)>,
    pub roster: Roll,
    pub policy: Policy,
    pub devices: Devices,
    pub names: fixture::Al42Names,
    template: Template,
}

impl Hall {
    pub fn new(phones: &[u8]) -> Self {
        Self::of(fixture::may_meeting(), phones)
    }

    pub fn of(id: DocId, phones: &[u8]) -> Self {
        let mut hall = Self {
            id,
            phones: BTreeMap::new(),
            relay: Vec::new(),
            roster: fixture::roll(),
            policy: Policy::shipped(),
            devices: fixture::devices(),
            names: fixture::Al42Names::default(),
            template: Template::shipped(),
        };
        for &number in phones {
            hall.add_phone(number);
        }
        hall
    }

    pub fn add_phone(&mut self, number: u8) {
        let genesis = DocKind::Meeting.genesis(self.id, 1).unwrap();
        let actor = Actor::new(fixture::device(number), [number; 8]);
        let document = Document::new(self.id, &genesis, actor).unwrap();
        self.phones.insert(
            number,
            Phone {
                number,
                document,
                unsent: Vec::new(),
                pulled: 0,
                ids: 0,
            },
        );
    }

    pub fn setting(&self) -> Setting<'_> {
        Setting {
            doc: self.id,
            roster: &self.roster,
            policy: &self.policy,
            devices: &self.devices,
        }
    }

    /// A fresh id for an entry that this phone adds.
    pub fn id_on(&mut self, phone: u8) -> EntryId {
        let phone = self.phones.get_mut(&phone).unwrap();
        phone.ids += 1;
        fixture::entry(phone.number, phone.ids)
    }

    pub fn try_on(&mut self, phone: u8, minute: i64, command: &Command) -> Result<(), CommandError> {
        self.try_as(phone, &fixture::acting(phone, minute), command)
    }

    pub fn try_as(&mut self, phone: u8, acting: &Acting, command: &Command) -> Result<(), CommandError> {
        self.edit(phone, acting.at_ms, |tx, setting| {
            meeting::apply(tx, acting, setting, command)
        })
    }

    /// Writes what no honest program writes.
    pub fn forge(
        &mut self,
        phone: u8,
        write: impl FnOnce(&mut Transaction<'_>, &Setting<'_>) -> Result<(), CommandError>,
    ) {
        self.edit(phone, fixture::START_MS, write).unwrap();
    }

    /// Undoes what this phone did last, as a device does it.
    pub fn undo(&mut self, phone: u8, minute: i64) -> Result<(), CommandError> {
        let acting = fixture::acting(phone, minute);
        let document = &self.phones[&phone].document;
        let undone = sotay_handbook::undo::undone(document.read());
        let own = sotay_document::log(document.read())
            .into_iter()
            .rev()
            .find(|entry| {
                entry.by.device == acting.device
                    && !sotay_handbook::undo::is_undoing(&entry.touched)
                    && !undone.contains(&entry.hash.to_string())
            });
        let Some(own) = own else {
            return Err(CommandError::NothingToUndo);
        };
        let change = document.read().get_change_by_hash(&own.hash).unwrap();
        let before = change.deps().to_vec();
        self.edit(phone, acting.at_ms, |tx, _| {
            let change = sotay_handbook::undo::OwnChange {
                hash: own.hash,
                before: &before,
                touched: &own.touched,
            };
            sotay_handbook::undo::undo(tx, &acting, DocKind::Meeting, &change)
        })
    }

    /// The diary of a phone: who, and what in words.
    pub fn diary(&self, phone: u8) -> Vec<(DeviceId, Vec<String>)> {
        let crdt = self.phones[&phone].document.read();
        sotay_document::log(crdt)
            .iter()
            .map(|entry| {
                let told = sotay_handbook::diary::told(crdt, DocKind::Meeting, entry.hash, &entry.touched);
                (
                    entry.by.device,
                    told.iter().map(|message| self.say(message)).collect(),
                )
            })
            .collect()
    }

    fn edit(
        &mut self,
        phone: u8,
        at_ms: i64,
        write: impl FnOnce(&mut Transaction<'_>, &Setting<'_>) -> Result<(), CommandError>,
    ) -> Result<(), CommandError> {
        let setting = Setting {
            doc: self.id,
            roster: &self.roster,
            policy: &self.policy,
            devices: &self.devices,
        };
        let phone = self.phones.get_mut(&phone).unwrap();
        let before = phone.document.heads();
        match phone.document.edit(at_ms, |tx| write(tx, &setting)) {
            Ok(((), change)) => {
                for change in change.iter() {
                    phone.unsent.extend(change.rows().map(<[u8]>::to_vec));
                    assert!(
                        !events(DocKind::Meeting, &change.touched).is_empty(),
                        "a change gave no event"
                    );
                }
                Ok(())
            }
            Err(EditError::Refused(error)) => {
                assert_eq!(
                    phone.document.heads(),
                    before,
                    "a refused command changed the document"
                );
                Err(error)
            }
            Err(other) => panic!("{other}"),
        }
    }

    /// Carries out a command that must succeed.
    pub fn on(&mut self, phone: u8, minute: i64, command: Command) {
        self.try_on(phone, minute, &command)
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    }

    /// Settles an item by the option whose label reads so.
    pub fn choose(&mut self, phone: u8, minute: i64, item: &str, label: &str) {
        let shown = self.shown(phone);
        let item = shown.review.get(item).unwrap_or_else(|| panic!("no item {item}"));
        let option = item
            .options
            .iter()
            .find(|option| self.say(&option.label).contains(label));
        let option = option.unwrap_or_else(|| panic!("no option {label} in {}", self.say(&item.message)));
        let id = self.id_on(phone);
        let command = item.settle(option, id);
        self.on(phone, minute, command);
    }

    /// One exchange of a phone with the relay: everything it has for everything it lacks.
    pub fn sync(&mut self, phone: u8) {
        let phone = self.phones.get_mut(&phone).unwrap();
        let device = fixture::device(phone.number);
        let kind = DocKind::Meeting.number();
        let news = self.relay[phone.pulled..].to_vec();
        if !phone.unsent.is_empty() {
            let rows = std::mem::take(&mut phone.unsent);
            for payload in encode_runs(self.id, kind, 1, &rows, RUN_BYTES).unwrap() {
                self.relay.push((device, payload));
            }
        }
        phone.pulled = self.relay.len();
        let runs: Vec<(DeviceId, Run)> = news
            .iter()
            .filter(|(author, _)| *author != device)
            .map(|(author, payload)| (*author, Run::decode(payload).unwrap()))
            .collect();
        if !runs.is_empty() {
            let applied = phone.document.apply(runs);
            assert!(applied.refused.is_empty(), "the gate refused an honest change");
        }
    }

    /// Phones reach the relay one after another, and then everybody learns the rest.
    pub fn sync_all(&mut self, order: &[u8]) {
        order.iter().for_each(|&phone| self.sync(phone));
        let all: Vec<u8> = self.phones.keys().copied().collect();
        all.iter().for_each(|&phone| self.sync(phone));
    }

    pub fn shown(&self, phone: u8) -> Shown {
        let setting = self.setting();
        let document = &self.phones[&phone].document;
        let view = MeetingView::read(document.read(), &setting);
        let review = review(&view, &setting);
        let heading = fixture::heading();
        let minutes = render(&view, &heading, &self.policy, &self.names, &self.template).unwrap();
        Shown {
            heads: document.heads(),
            view,
            review,
            minutes,
        }
    }

    /// What all phones show, which must be the same.
    pub fn converged(&self) -> Shown {
        let mut shown = self.phones.keys().map(|&phone| self.shown(phone));
        let first = shown.next().unwrap();
        for other in shown {
            assert_eq!(other.heads, first.heads);
            assert_eq!(other.minutes.text(), first.minutes.text());
            assert!(other == first);
        }
        first
    }

    pub fn say(&self, message: &Message) -> String {
        message.text(Lang::Vi, &self.names)
    }

    pub fn say_item(&self, item: &ReviewItem) -> String {
        item.text(Lang::Vi, &self.names)
    }
}

/// Ids of open blocking items.
pub fn blocking(list: &ReviewList) -> Vec<&str> {
    list.open()
        .iter()
        .filter(|item| item.severity == Severity::Block)
        .map(|item| item.id.as_str())
        .collect()
}
