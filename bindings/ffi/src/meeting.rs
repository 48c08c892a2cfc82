//! One meeting: view, commands, review list, minutes, history.

use std::sync::Arc;

use sotay_engine::feed::DocId;
use sotay_engine::handbook::Names;
use sotay_engine::handbook::meeting::Command;
use sotay_engine::handbook::review::{ReviewItem, ReviewList, Subject};
use sotay_engine::{Engine, Fault, ProfileDevice};

use crate::call::ask;
use crate::changes::{Change, document_change};
use crate::commands::MeetingCommand;
use crate::convert::{Book, contest, marks};
use crate::error::{HandbookError, OrFault};
use crate::kinds::{Language, ReviewKind, Severity};
use crate::meeting_view::{ContestState, MarkView, MeetingView};
use crate::seals;

/// Whom or what a review item is about.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum ReviewSubject {
    /// The document as a whole.
    Document,
    /// A member.
    Member {
        /// Who.
        id: String,
    },
    /// A motion, a conclusion or another entry.
    Entry {
        /// Which.
        id: String,
    },
    /// A phone.
    Device {
        /// Which.
        id: String,
    },
}

/// One way to settle an item.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ReviewOption {
    /// What [`Meeting::settle`] takes.
    pub pick: String,
    /// What people read.
    pub label: String,
}

/// One item of a review list, in words.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ReviewItemView {
    /// Meeting it is about.
    pub meeting: String,
    /// Stable id.
    pub id: String,
    /// The situation.
    pub kind: ReviewKind,
    /// Its weight.
    pub severity: Severity,
    /// What it is about.
    pub subject: ReviewSubject,
    /// Who recorded what contradicts itself.
    pub marks: Vec<MarkView>,
    /// The situation in words.
    pub text: String,
    /// Ways to settle it; none when there is nothing to settle.
    pub options: Vec<ReviewOption>,
    /// Open, or who settled it how.
    pub contest: ContestState,
}

/// What contradicts itself in a meeting.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ReviewView {
    /// Whether an open item keeps the minutes from being sealed.
    pub blocks: bool,
    /// What waits, by weight.
    pub open: Vec<ReviewItemView>,
    /// What somebody settled; choosing again is possible.
    pub settled: Vec<ReviewItemView>,
}

/// Minutes as they stand.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct MinutesView {
    /// The text, in Vietnamese: the language of the document of record.
    pub text: String,
    /// SHA-256 of it in hexadecimal; equal on every phone with the same records.
    pub sha256: String,
    /// Heads of the document it was rendered from, in hexadecimal.
    pub heads: Vec<String>,
}

/// One change of a meeting.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct HistoryLineView {
    /// Its hash, in hexadecimal.
    pub hash: String,
    /// Who made it, when.
    pub mark: MarkView,
    /// What it wrote.
    pub what: Vec<Change>,
}

pub(crate) fn item_view(
    doc: DocId,
    item: &ReviewItem,
    language: Language,
    names: &dyn Names,
) -> ReviewItemView {
    ReviewItemView {
        meeting: doc.to_string(),
        id: item.id.clone(),
        kind: item.kind,
        severity: item.severity,
        subject: match &item.subject {
            Subject::Document => ReviewSubject::Document,
            Subject::Member(id) => ReviewSubject::Member { id: id.to_string() },
            Subject::Entry(id) => ReviewSubject::Entry { id: id.to_string() },
            Subject::Device(id) => ReviewSubject::Device { id: id.to_string() },
        },
        marks: marks(names, &item.marks),
        text: item.text(language, names),
        options: item
            .options
            .iter()
            .map(|option| ReviewOption {
                pick: option.pick.clone(),
                label: option.label.text(language, names),
            })
            .collect(),
        contest: contest(names, &item.contest),
    }
}

pub(crate) fn review_view(
    doc: DocId,
    list: &ReviewList,
    language: Language,
    names: &dyn Names,
) -> ReviewView {
    let items = |items: &[ReviewItem]| {
        items
            .iter()
            .map(|item| item_view(doc, item, language, names))
            .collect()
    };
    ReviewView {
        blocks: list.blocks(),
        open: items(list.open()),
        settled: items(list.settled()),
    }
}

/// One meeting of an opened handbook. Cheap; holds no state of its own.
#[derive(uniffi::Object)]
pub struct Meeting {
    pub(crate) engine: Arc<Engine>,
    pub(crate) doc: DocId,
}

#[uniffi::export]
impl Meeting {
    /// Its document id, in hexadecimal.
    pub fn id(&self) -> Result<String, HandbookError> {
        Ok(self.doc.to_string())
    }

    /// Everything a screen needs, in one record.
    pub fn view(&self) -> Result<MeetingView, HandbookError> {
        let doc = self.doc;
        ask(&self.engine, move |device, _| {
            let meeting = device.meeting_view(doc).or_fault()?;
            Ok(Book {
                names: device.names(),
                meeting: &meeting,
            }
            .view())
        })
    }

    /// Carries out commands as one change, all or nothing; durable when it returns. Gives the id of the entry that each
    /// command added, in the same order.
    pub fn apply(&self, commands: Vec<MeetingCommand>) -> Result<Vec<Option<String>>, HandbookError> {
        let doc = self.doc;
        ask(&self.engine, move |device, now| {
            if let [MeetingCommand::Seal { minutes }] = &commands[..] {
                return seals::propose(device, doc, minutes, now).map(|_| vec![None]);
            }
            let (commands, added) = translated(device, &commands)?;
            device.meeting_all(doc, &commands, now).or_fault()?;
            Ok(added)
        })
    }

    /// What contradicts itself, in words of a language.
    pub fn review(&self, language: Language) -> Result<ReviewView, HandbookError> {
        let doc = self.doc;
        ask(&self.engine, move |device, _| {
            let list = device.review(doc).or_fault()?;
            Ok(review_view(doc, &list, language, device.names()))
        })
    }

    /// Settles an item of the review list by one of its options.
    pub fn settle(&self, item: String, pick: String) -> Result<(), HandbookError> {
        let doc = self.doc;
        ask(&self.engine, move |device, now| {
            device.settle(doc, &item, &pick, now).or_fault()
        })
    }

    /// The minutes as they stand.
    pub fn minutes(&self) -> Result<MinutesView, HandbookError> {
        let doc = self.doc;
        ask(&self.engine, move |device, _| {
            let minutes = device.minutes(doc).or_fault()?;
            Ok(MinutesView {
                text: minutes.text,
                sha256: minutes.sha256,
                heads: minutes.heads,
            })
        })
    }

    /// Every change, causes before effects.
    pub fn history(&self) -> Result<Vec<HistoryLineView>, HandbookError> {
        let doc = self.doc;
        ask(&self.engine, move |device, _| {
            let lines = device.history(doc).or_fault()?;
            Ok(lines
                .iter()
                .map(|line| HistoryLineView {
                    hash: line.hash.clone(),
                    mark: MarkView {
                        device: line.device.to_string(),
                        label: line.label.clone(),
                        at_ms: line.at_ms,
                    },
                    what: line
                        .what
                        .iter()
                        .map(|event| document_change(doc, event))
                        .collect(),
                })
                .collect())
        })
    }
}

/// Commands in the engine's form, and the ids of the entries that they add.
pub(crate) type Translated = (Vec<Command>, Vec<Option<String>>);

/// Commands of an app for the engine.
pub(crate) fn translated(
    device: &mut ProfileDevice,
    commands: &[MeetingCommand],
) -> Result<Translated, HandbookError> {
    let mut translated = Vec::with_capacity(commands.len());
    let mut added = Vec::with_capacity(commands.len());
    for command in commands {
        let (command, id) = command.translate(&mut || device.fresh_id())?;
        translated.push(command);
        added.push(id.map(|id| id.to_string()));
    }
    Ok((translated, added))
}

pub(crate) fn parse_doc(id: &str) -> Result<DocId, HandbookError> {
    id.parse().map_err(|_| Fault::malformed("meeting").into())
}
