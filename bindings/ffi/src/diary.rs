//! The diary of a meeting in words, undoing one's own last action, and files that belong to a meeting.

use sotay_engine::Undone;
use sotay_engine::feed::DocId;
use sotay_engine::handbook::Names;

use crate::call::ask;
use crate::changes::{Change, document_change};
use crate::error::{HandbookError, OrFault};
use crate::kinds::Language;
use crate::meeting::Meeting;
use crate::meeting_view::MarkView;

/// One change of a meeting, in words.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct DiaryLineView {
    /// Its hash, in hexadecimal.
    pub hash: String,
    /// Which phone made it, when.
    pub mark: MarkView,
    /// Name of its holder, if known.
    pub who: Option<String>,
    /// What it did, in words.
    pub did: Vec<String>,
    /// Whether it was undone.
    pub undone: bool,
}

/// A page of a diary, newest line first.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct DiaryPageView {
    /// Lines of the whole diary.
    pub total: u32,
    /// Lines before this page.
    pub skipped: u32,
    /// The lines.
    pub lines: Vec<DiaryLineView>,
}

/// What was undone.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct UndoneView {
    /// Hash of the change, in hexadecimal.
    pub hash: String,
    /// When it was made, milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// What it had done, in words.
    pub did: Vec<String>,
    /// Which parts of the document.
    pub what: Vec<Change>,
}

pub(crate) fn undone_view(doc: DocId, undone: Undone, language: Language, names: &dyn Names) -> UndoneView {
    UndoneView {
        hash: undone.hash,
        at_ms: undone.at_ms,
        did: undone.did.iter().map(|did| did.text(language, names)).collect(),
        what: undone
            .what
            .iter()
            .map(|event| document_change(doc, event))
            .collect(),
    }
}

#[uniffi::export]
impl Meeting {
    /// A page of the diary: who changed what when, newest first; 200 lines at most. Equal on all phones with the same
    /// records.
    pub fn diary(&self, skip: u32, count: u32, language: Language) -> Result<DiaryPageView, HandbookError> {
        let doc = self.doc;
        ask(&self.engine, move |device, _| {
            let page = device.diary(doc, skip as usize, count as usize).or_fault()?;
            let names = device.names();
            let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
            Ok(DiaryPageView {
                total: count(page.total),
                skipped: count(page.skipped),
                lines: page
                    .lines
                    .iter()
                    .map(|line| DiaryLineView {
                        hash: line.hash.clone(),
                        mark: MarkView {
                            device: line.device.to_string(),
                            label: line.label.clone(),
                            at_ms: line.at_ms,
                        },
                        who: line.who.clone(),
                        did: line.words(language, names),
                        undone: line.undone,
                    })
                    .collect(),
            })
        })
    }

    /// Undoes what this phone did last in the meeting and has not undone yet, as a new change. Refused when somebody has
    /// built on it since, and for steps, opened votes, ballots and choices.
    pub fn undo(&self, language: Language) -> Result<UndoneView, HandbookError> {
        let doc = self.doc;
        ask(&self.engine, move |device, now| {
            let undone = device.undo(doc, now).or_fault()?;
            Ok(undone_view(doc, undone, language, device.names()))
        })
    }

    /// Takes last month's tasks, and the fees of the meeting's month where this phone may read them, into the minutes; gives
    /// how many tasks.
    pub fn take_in(&self) -> Result<u32, HandbookError> {
        let doc = self.doc;
        ask(&self.engine, move |device, now| {
            let taken = device.take_in(doc, now).or_fault()?;
            Ok(u32::try_from(taken).unwrap_or(u32::MAX))
        })
    }

    /// Notes a file that belongs to the meeting: name, media type, size, pages and hash. The file itself stays where it is.
    /// Gives the id of the entry.
    pub fn attach_file(
        &self,
        name: String,
        media: String,
        content: Vec<u8>,
        pages: u32,
    ) -> Result<String, HandbookError> {
        let doc = self.doc;
        ask(&self.engine, move |device, now| {
            let id = device
                .attach_file(doc, (&name, &media), &content, pages, now)
                .or_fault()?;
            Ok(id.to_string())
        })
    }
}
