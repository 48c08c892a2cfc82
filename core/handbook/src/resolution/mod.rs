//! Resolutions of the unit: `03-NQ/CB`, numbered, each a document of its own that grows out of a meeting.
//!
//! It can be written by several phones until it is issued. Two phones may take the same number offline: that blocks
//! issuing until one of them takes another one (decision 0038).

mod apply;
mod model;
mod review;
mod view;

use serde::Serialize;
use sotay_feed::{DocId, MemberId};

use crate::cell::cell_struct;
use crate::coded::coded;
use crate::date::Date;
use crate::ids::EntryId;
use crate::meeting::{Motion, Need, TallyCount};
use crate::sheet::Para;
use crate::words::Words;

pub use apply::apply;
pub use model::{ModelTask, ResolutionModel};
pub use review::{review, same_number};
pub use view::{Recipient, ResolutionTask, ResolutionView};

coded! {
    /// A part of a resolution in running words.
    pub enum Part ("part") {
        /// What the branch has done so far.
        Assessment = 0 "assessment",
        /// What it wants.
        Goals = 1 "goals",
        /// How it is carried out and checked.
        Organisation = 2 "organisation",
    }
}

/// The vote by which a resolution was passed, as it stood when it was taken over.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct VoteLine {
    /// Id of the motion in its meeting.
    pub motion: EntryId,
    /// The votes.
    pub counts: TallyCount,
    /// Eligible voters.
    pub eligible: u32,
    /// Of these, those there.
    pub present: u32,
    /// What it needed.
    pub need: Need,
    /// Whether it was enough.
    pub passed: bool,
}

cell_struct!(VoteLine {
    motion,
    counts,
    eligible,
    present,
    need,
    passed
});

impl VoteLine {
    /// The result of a motion; `None` while there is none, or while it is not confirmed.
    pub fn of(motion: &Motion) -> Option<Self> {
        let outcome = motion
            .outcome
            .filter(|outcome| outcome.confirmed && outcome.pending == 0)?;
        Some(Self {
            motion: motion.id,
            counts: outcome.counts,
            eligible: outcome.base,
            present: outcome.present,
            need: motion.need,
            passed: outcome.passed,
        })
    }
}

/// A task of a resolution as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TaskCell {
    pub order: String,
    pub text: Para,
    pub people: Vec<MemberId>,
    pub deadline: Option<Date>,
}

cell_struct!(TaskCell {
    order,
    text,
    people,
    deadline
});

/// Who gets a copy, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecipientCell {
    pub order: String,
    pub label: Words,
}

cell_struct!(RecipientCell { order, label });

/// What can be done with a resolution. Members write; numbers, votes and issuing are for officers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Begins it.
    Found {
        /// The meeting it comes from.
        meeting: Option<DocId>,
        /// What it is about, as printed under the heading.
        title: Words,
    },
    /// Gives the number, 1 for `01-NQ/CB`.
    SetNumber(u32),
    /// Its day.
    SetDate(Date),
    /// What it is about.
    SetTitle(Words),
    /// Who signs.
    SetSigner(MemberId),
    /// Writes a part; only what differs is written.
    SetPart {
        /// Which.
        part: Part,
        /// How it reads now.
        text: Words,
    },
    /// Adds a task at the end, or writes it anew.
    SetTask {
        /// Fresh id, or which.
        id: EntryId,
        /// What is to be done.
        text: Words,
        /// Who is responsible.
        people: Vec<MemberId>,
        /// By when.
        deadline: Option<Date>,
    },
    /// Removes a task.
    RemoveTask(EntryId),
    /// Adds somebody who gets a copy.
    AddRecipient {
        /// Fresh id.
        id: EntryId,
        /// As printed.
        label: Words,
    },
    /// Strikes somebody off who gets a copy.
    RemoveRecipient(EntryId),
    /// Takes over the result of a vote of its meeting.
    SetVote(VoteLine),
    /// Issues it: nothing of it changes after that. Refused while an item of the review list blocks, given the items that
    /// only the whole list of resolutions shows.
    Issue {
        /// Ids of open blocking items of [`same_number`].
        blocked: Vec<String>,
    },
    /// Settles an item of the review list.
    Settle {
        /// The item.
        item: String,
        /// The option taken.
        pick: String,
        /// Fresh id of the choice.
        id: EntryId,
    },
}

/// `03-NQ/CB`.
pub fn number_text(number: u32) -> String {
    format!("{number:02}-NQ/CB")
}
