//! The documents of a branch's year on phones that are apart: tasks, fees, ratings, resolutions, reports.

mod fees;
mod random;
mod rating;
mod report;
mod resolution;
mod tasks;

use std::collections::BTreeMap;

use sotay_document::crdt::{Automerge, ChangeHash, Transaction};
use sotay_document::{Actor, Document, EditError, Run, encode_runs};
use sotay_feed::{DeviceId, DocId, MemberId};
use sotay_handbook::fixture;
use sotay_handbook::{CommandError, Date, DocKind, EntryId, Lang, Message, Month, events};

/// Phones that hold one document, and what each of them sent.
pub(crate) struct Room {
    id: DocId,
    kind: DocKind,
    phones: BTreeMap<u8, (Document, Vec<Vec<u8>>)>,
    ids: u32,
}

impl Room {
    pub(crate) fn new(id: DocId, kind: DocKind, phones: &[u8]) -> Self {
        let genesis = kind.genesis(id, 1).unwrap();
        let open = |&number: &u8| {
            let actor = Actor::new(fixture::device(number), [number; 8]);
            (number, (Document::new(id, &genesis, actor).unwrap(), Vec::new()))
        };
        Self {
            id,
            kind,
            phones: phones.iter().map(open).collect(),
            ids: 0,
        }
    }

    pub(crate) fn fresh(&mut self) -> EntryId {
        self.ids += 1;
        fixture::entry(0xe0, self.ids)
    }

    /// Writes on a phone; a refusal must leave the document as it was.
    pub(crate) fn edit(
        &mut self,
        phone: u8,
        write: impl FnOnce(&mut Transaction<'_>) -> Result<(), CommandError>,
    ) -> Result<(), CommandError> {
        let (document, sent) = self.phones.get_mut(&phone).unwrap();
        let before = document.heads();
        match document.edit(fixture::START_MS, write) {
            Ok(((), change)) => {
                for change in change.iter() {
                    sent.extend(change.rows().map(<[u8]>::to_vec));
                    assert!(!events(self.kind, &change.touched).is_empty(), "no event");
                }
                Ok(())
            }
            Err(EditError::Refused(error)) => {
                assert_eq!(document.heads(), before);
                Err(error)
            }
            Err(other) => panic!("{other}"),
        }
    }

    /// Everybody gets everything.
    pub(crate) fn meet(&mut self) {
        let all: Vec<u8> = self.phones.keys().copied().collect();
        self.meet_of(&all);
    }

    /// Some get what each other wrote themselves; what it was written on may be missing for now.
    pub(crate) fn meet_of(&mut self, who: &[u8]) {
        let all: Vec<(DeviceId, Vec<Vec<u8>>)> = self
            .phones
            .iter()
            .filter(|(number, _)| who.contains(number))
            .map(|(&number, (_, sent))| (fixture::device(number), sent.clone()))
            .collect();
        for (&number, (document, _)) in self.phones.iter_mut().filter(|(number, _)| who.contains(number)) {
            let others = all
                .iter()
                .filter(|(device, sent)| *device != fixture::device(number) && !sent.is_empty());
            let runs: Vec<(DeviceId, Run)> = others
                .flat_map(|(device, sent)| {
                    let payloads = encode_runs(self.id, self.kind.number(), 1, sent, 48 * 1024).unwrap();
                    payloads
                        .into_iter()
                        .map(|payload| (*device, Run::decode(&payload).unwrap()))
                })
                .collect();
            assert!(document.apply(runs).refused.is_empty());
        }
    }

    pub(crate) fn read<T>(&self, phone: u8, read: impl FnOnce(&Automerge) -> T) -> T {
        read(self.phones[&phone].0.read())
    }

    /// What all phones show, which must be the same.
    pub(crate) fn same<T: PartialEq>(&self, read: impl Fn(&Automerge) -> T) -> T {
        let heads: Vec<Vec<ChangeHash>> = self
            .phones
            .values()
            .map(|(document, _)| document.heads())
            .collect();
        assert!(heads.windows(2).all(|two| two[0] == two[1]), "not converged");
        let mut shown = self.phones.values().map(|(document, _)| read(document.read()));
        let first = shown.next().unwrap();
        assert!(shown.all(|other| other == first), "same heads, other view");
        first
    }
}

pub(crate) fn say(message: &Message) -> String {
    message.text(Lang::Vi, &fixture::Al42Names::default())
}

pub(crate) fn day(text: &str) -> Date {
    text.parse().unwrap()
}

pub(crate) fn month(text: &str) -> Month {
    text.parse().unwrap()
}

/// Everybody of AL-42 is on the roster.
pub(crate) fn known(member: MemberId) -> bool {
    fixture::roll().get(member).is_some()
}
