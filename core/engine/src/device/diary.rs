//! The diary of a document, and undoing one's own last action.

use serde::Serialize;
use sotay_document::crdt::ReadDoc;
use sotay_document::log;
use sotay_feed::{DeviceId, DocId, MemberId};
use sotay_handbook::diary::told;
use sotay_handbook::undo::{self, OwnChange, is_undoing, undone};
use sotay_handbook::{CommandError, DocKind, HandbookEvent, Lang, Message, events};
use sotay_store::Store;

use super::Device;
use crate::error::DeviceError;

/// Lines of one page of a diary.
pub const DIARY_PAGE_MAX: usize = 200;

/// One change of a document, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiaryLine {
    /// Its hash, in hexadecimal.
    pub hash: String,
    /// The device that made it.
    #[serde(serialize_with = "crate::text_of")]
    pub device: DeviceId,
    /// Label of the device, or the beginning of its id.
    pub label: String,
    /// Name of its holder, if known.
    pub who: Option<String>,
    /// Milliseconds since 1970 UTC by the clock of that device, exact to the second.
    pub at_ms: i64,
    /// What it did; empty for a kind of document that has no diary in words.
    pub did: Vec<Message>,
    /// Whether it was undone.
    pub undone: bool,
}

impl DiaryLine {
    /// What it did, in a language.
    pub fn words(&self, lang: Lang, names: &dyn sotay_handbook::Names) -> Vec<String> {
        self.did.iter().map(|message| message.text(lang, names)).collect()
    }
}

/// A page of a diary, newest line first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiaryPage {
    /// Lines of the whole diary.
    pub total: usize,
    /// Lines before this page.
    pub skipped: usize,
    /// The lines.
    pub lines: Vec<DiaryLine>,
}

/// What was undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Undone {
    /// Hash of the change, in hexadecimal.
    pub hash: String,
    /// When it was made, milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// What it had done.
    pub did: Vec<Message>,
    /// Which parts of the document.
    pub what: Vec<HandbookEvent>,
}

impl<S: Store> Device<S> {
    /// A page of the diary of a meeting: who changed what when, newest first; at most [`DIARY_PAGE_MAX`] lines. Equal on
    /// all devices with the same records.
    pub fn diary(&mut self, doc: DocId, skip: usize, count: usize) -> Result<DiaryPage, DeviceError> {
        let key = self
            .known_document(doc)?
            .filter(|key| key.kind == DocKind::Meeting)
            .ok_or(DeviceError::NoMeeting)?;
        let devices = self.holders()?;
        let (total, page, undone) = self.look_back(key, |crdt| {
            let mut entries = log(crdt);
            entries.reverse();
            let total = entries.len();
            let page: Vec<_> = entries
                .into_iter()
                .skip(skip)
                .take(count.min(DIARY_PAGE_MAX))
                .map(|entry| {
                    let did = told(crdt, key.kind, entry.hash, &entry.touched);
                    (entry, did)
                })
                .collect();
            (total, page, undone(crdt))
        })?;
        let name = |member: MemberId| sotay_handbook::Names::member(&self.people, member);
        let lines = page
            .into_iter()
            .map(|(entry, did)| DiaryLine {
                hash: entry.hash.to_string(),
                device: entry.by.device,
                label: self.device_label(entry.by.device),
                who: devices.member(entry.by.device).and_then(name).map(str::to_owned),
                at_ms: entry.by.time_ms,
                did,
                undone: undone.contains(&entry.hash.to_string()),
            })
            .collect();
        Ok(DiaryPage {
            total,
            skipped: skip.min(total),
            lines,
        })
    }

    /// Undoes what this device did last in a document and has not undone yet, as a new change. Refused when somebody has
    /// built on it since, and for what is never taken back: steps and seals, opened votes, ballots, choices, lines of the
    /// ledger, reports.
    pub fn undo(&mut self, doc: DocId, now: i64) -> Result<Undone, DeviceError> {
        let key = self.known_document(doc)?.ok_or(DeviceError::NoMeeting)?;
        if key.kind == DocKind::Meeting && self.sealed(doc)?.standing().is_some() {
            return Err(CommandError::Sealed.into());
        }
        let device = self.id();
        let found = self.look_back(key, |crdt| {
            let undone = undone(crdt);
            let own = log(crdt).into_iter().rev().find(|entry| {
                entry.by.device == device
                    && !is_undoing(&entry.touched)
                    && !undone.contains(&entry.hash.to_string())
            })?;
            let before = crdt.get_change_by_hash(&own.hash)?.deps().to_vec();
            let did = told(crdt, key.kind, own.hash, &own.touched);
            Some((own, before, did))
        })?;
        let (own, before, did) = found.ok_or(CommandError::NothingToUndo)?;
        let acting = self.acting(now)?;
        self.edit(key, now, |tx| {
            let change = OwnChange {
                hash: own.hash,
                before: &before,
                touched: &own.touched,
            };
            undo::undo(tx, &acting, key.kind, &change)
        })?;
        Ok(Undone {
            hash: own.hash.to_string(),
            at_ms: own.by.time_ms,
            did,
            what: events(key.kind, &own.touched),
        })
    }
}
