//! One meeting: view, commands, review list, minutes, history.

use std::sync::Arc;

use sotay_engine::feed::DocId;
use sotay_engine::handbook::Names;
use sotay_engine::handbook::review::{ReviewItem, ReviewList, Subject};
use sotay_engine::{DeviceError, Engine, Fault, ProfileDevice};

use crate::changes::Change;
use crate::commands::MeetingCommand;
use crate::convert::{Book, contest, marks};
use crate::error::{HandbookError, OrFault, guarded};
use crate::kinds::{Language, ReviewKind, Severity};
use crate::meeting_view::{ContestState, MarkView, MeetingView};
use crate::translate::sha256;

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

/// Proposes to seal the minutes, if they are the ones that the app has shown.
fn propose_seal(device: &mut ProfileDevice, doc: DocId, shown: &str, now: i64) -> Result<(), HandbookError> {
    let stale = || sotay_engine::Fault::malformed("minutes");
    let shown = sha256(shown).ok_or_else(stale)?;
    if sha256(&device.minutes(doc).or_fault()?.sha256) != Some(shown) {
        return Err(stale().into());
    }
    device.propose_seal(doc, now).or_fault().map(drop)
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

fn review_view(doc: DocId, list: &ReviewList, language: Language, names: &dyn Names) -> ReviewView {
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

impl Meeting {
    fn ask<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut ProfileDevice, DocId, i64) -> Result<T, DeviceError> + Send + 'static,
    ) -> Result<T, HandbookError> {
        let doc = self.doc;
        guarded(|| {
            self.engine
                .call(move |device, now| f(device, doc, now))
                .or_fault()?
                .or_fault()
        })
    }
}

#[uniffi::export]
impl Meeting {
    /// Its document id, in hexadecimal.
    pub fn id(&self) -> Result<String, HandbookError> {
        Ok(self.doc.to_string())
    }

    /// Everything a screen needs, in one record.
    pub fn view(&self) -> Result<MeetingView, HandbookError> {
        self.ask(|device, doc, _| {
            let meeting = device.meeting_view(doc)?;
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
        guarded(|| {
            let done = self.engine.call(move |device, now| {
                if let [MeetingCommand::Seal { minutes }] = &commands[..] {
                    return propose_seal(device, doc, minutes, now).map(|()| vec![None]);
                }
                let mut translated = Vec::with_capacity(commands.len());
                let mut added = Vec::with_capacity(commands.len());
                for command in &commands {
                    let (command, id) = command.translate(&mut || device.fresh_id())?;
                    translated.push(command);
                    added.push(id.map(|id| id.to_string()));
                }
                device.meeting_all(doc, &translated, now).or_fault()?;
                Ok(added)
            });
            done.or_fault()?
        })
    }

    /// What contradicts itself, in words of a language.
    pub fn review(&self, language: Language) -> Result<ReviewView, HandbookError> {
        self.ask(move |device, doc, _| {
            let list = device.review(doc)?;
            Ok(review_view(doc, &list, language, device.names()))
        })
    }

    /// Settles an item of the review list by one of its options.
    pub fn settle(&self, item: String, pick: String) -> Result<(), HandbookError> {
        self.ask(move |device, doc, now| device.settle(doc, &item, &pick, now))
    }

    /// The minutes as they stand.
    pub fn minutes(&self) -> Result<MinutesView, HandbookError> {
        self.ask(|device, doc, _| {
            let minutes = device.minutes(doc)?;
            Ok(MinutesView {
                text: minutes.text,
                sha256: minutes.sha256,
                heads: minutes.heads,
            })
        })
    }

    /// Every change, causes before effects.
    pub fn history(&self) -> Result<Vec<HistoryLineView>, HandbookError> {
        self.ask(|device, doc, _| {
            let lines = device.history(doc)?;
            let what = |event: &sotay_engine::handbook::HandbookEvent| {
                Change::from(&sotay_engine::Event::Handbook {
                    doc,
                    event: event.clone(),
                })
            };
            Ok(lines
                .iter()
                .map(|line| HistoryLineView {
                    hash: line.hash.clone(),
                    mark: MarkView {
                        device: line.device.to_string(),
                        label: line.label.clone(),
                        at_ms: line.at_ms,
                    },
                    what: line.what.iter().map(what).collect(),
                })
                .collect())
        })
    }
}

pub(crate) fn parse_doc(id: &str) -> Result<DocId, HandbookError> {
    id.parse().map_err(|_| Fault::malformed("meeting").into())
}
