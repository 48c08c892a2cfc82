//! Tasks of a year: from the conclusions of meetings or free; who does what by when, and how far it is.
//!
//! A task's state is the furthest event of its last round; reopening begins a round. Nothing is ever taken back, so two
//! phones that report at the same time lose nothing (decision 0034).

mod apply;
mod review;
mod view;

use serde::Serialize;
use sotay_feed::{DocId, MemberId};

use crate::cell::cell_struct;
use crate::coded::coded;
use crate::date::Date;
use crate::ids::{EntryId, ser};
use crate::words::Words;

pub use apply::apply;
pub use review::review;
pub use view::{Task, TaskEvent, TaskResult, TasksView};

coded! {
    /// How far a task is; the furthest one counts.
    pub enum TaskStatus ("task_status") {
        /// Given to somebody.
        Assigned = 0 "assigned",
        /// Begun.
        Doing = 1 "doing",
        /// Done, as those responsible say.
        Done = 2 "done",
        /// Accepted by an officer.
        Accepted = 3 "accepted",
    }
}

/// The conclusion a task comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct TaskSource {
    /// The meeting.
    #[serde(serialize_with = "ser::id")]
    pub meeting: DocId,
    /// Its conclusion.
    pub conclusion: EntryId,
}

cell_struct!(TaskSource { meeting, conclusion });

impl TaskSource {
    /// Id of the task of this conclusion: two phones that make it offline make one task.
    pub fn task(&self) -> EntryId {
        self.conclusion.derived("task")
    }
}

/// What can be done with tasks. Officers do everything; who is responsible for a task reports on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Adds a task.
    Add {
        /// Fresh id, or [`TaskSource::task`].
        id: EntryId,
        /// What is to be done.
        what: Words,
        /// The conclusion it comes from.
        source: Option<TaskSource>,
        /// Who is responsible.
        people: Vec<MemberId>,
        /// By when.
        deadline: Option<Date>,
    },
    /// Rewords a task.
    Edit {
        /// Which.
        id: EntryId,
        /// What is to be done.
        what: Words,
    },
    /// Sets or clears the deadline.
    SetDeadline {
        /// Which.
        id: EntryId,
        /// By when.
        deadline: Option<Date>,
    },
    /// Makes a member responsible, or not any more.
    SetResponsible {
        /// Which.
        id: EntryId,
        /// Who.
        member: MemberId,
        /// Responsible or not.
        on: bool,
    },
    /// Says how far it is. Accepting is for officers.
    Report {
        /// Which.
        id: EntryId,
        /// How far.
        status: TaskStatus,
        /// What came of it; replaces what this phone noted before.
        result: Option<Words>,
    },
    /// Begins a new round: what was done was not enough.
    Reopen {
        /// Which.
        id: EntryId,
        /// Why.
        reason: Option<Words>,
    },
    /// Withdraws a task that was a mistake, or brings it back.
    Withdraw {
        /// Which.
        id: EntryId,
        /// Withdrawn or not.
        on: bool,
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
