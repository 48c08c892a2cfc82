//! Tasks of a year.

use sotay_engine::handbook::tasks::{Command, Task};
use sotay_engine::handbook::{Date, EntryId, Names, Words};

use crate::call::ask;
use crate::convert::mark;
use crate::error::{HandbookError, OrFault, parse, parse_all, parse_opt};
use crate::meeting::parse_doc;
use crate::meeting_view::{ContestedField, MarkView, PersonView};
use crate::record_kinds::TaskStatus;
use crate::records::{Contested, Records, members, words};

/// A status that somebody reported.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct TaskEventView {
    /// 0 at first; one more every time the task was opened again.
    pub round: u32,
    /// The status.
    pub status: TaskStatus,
    /// Why it was opened again.
    pub reason: Option<String>,
    /// Who, when.
    pub mark: MarkView,
}

/// What somebody says was achieved.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct TaskResultView {
    /// In words.
    pub text: String,
    /// Who, when.
    pub mark: MarkView,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct TaskView {
    /// Its id.
    pub id: String,
    /// What is to be done.
    pub what: String,
    /// The meeting whose conclusion it comes from.
    pub meeting: Option<String>,
    /// That conclusion.
    pub conclusion: Option<String>,
    /// Who is responsible.
    pub people: Vec<PersonView>,
    /// Last day.
    pub deadline: Option<String>,
    /// How far it is.
    pub status: TaskStatus,
    /// How often it was opened again.
    pub round: u32,
    /// Every status reported, by round.
    pub events: Vec<TaskEventView>,
    /// What was achieved, one text a phone.
    pub results: Vec<TaskResultView>,
    /// Whether it was withdrawn.
    pub withdrawn: bool,
    /// Whether it is open and its deadline was before today.
    pub overdue: bool,
    /// `what` or `deadline`, where two phones wrote differently.
    pub contested: Vec<ContestedField>,
}

pub(crate) fn task_view(names: &dyn Names, today: Date, task: &Task) -> TaskView {
    let day = |day: &Option<Date>| day.map(|day| day.to_string()).unwrap_or_default();
    TaskView {
        id: task.id.to_string(),
        what: task.words().to_owned(),
        meeting: task.source.map(|source| source.meeting.to_string()),
        conclusion: task.source.map(|source| source.conclusion.to_string()),
        people: members(names, &task.people),
        deadline: task.due().map(|day| day.to_string()),
        status: task.status,
        round: task.round,
        events: task
            .events
            .iter()
            .map(|event| TaskEventView {
                round: event.round,
                status: event.status,
                reason: event.reason.as_ref().map(words),
                mark: mark(names, &event.mark),
            })
            .collect(),
        results: task
            .results
            .iter()
            .map(|result| TaskResultView {
                text: words(&result.text),
                mark: mark(names, &result.mark),
            })
            .collect(),
        withdrawn: task.withdrawn,
        overdue: task.is_overdue(today),
        contested: Contested::new(names)
            .look("what", &task.what, words)
            .look("deadline", &task.deadline, day)
            .found(),
    }
}

/// One command about a task.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum TaskCommand {
    /// Adds a task. Officers only.
    Add {
        /// What is to be done.
        what: String,
        /// Members responsible.
        #[uniffi(default)]
        people: Vec<String>,
        /// Last day.
        #[uniffi(default = None)]
        deadline: Option<String>,
        /// Id to use.
        #[uniffi(default = None)]
        id: Option<String>,
    },
    /// Rewords it. Officers only.
    Edit {
        /// Which.
        id: String,
        /// The new words.
        what: String,
    },
    /// Sets or, without a day, takes away the deadline. Officers only.
    SetDeadline {
        /// Which.
        id: String,
        /// Last day.
        deadline: Option<String>,
    },
    /// Makes a member responsible, or no longer. Officers only.
    SetResponsible {
        /// Which.
        id: String,
        /// Who.
        member: String,
        /// Whether responsible.
        on: bool,
    },
    /// Reports a status. Who is responsible reports up to `Done`; officers accept.
    Report {
        /// Which.
        id: String,
        /// How far it is.
        status: TaskStatus,
        /// What was achieved.
        #[uniffi(default = None)]
        result: Option<String>,
    },
    /// Opens a finished task again. Officers only.
    Reopen {
        /// Which.
        id: String,
        /// Why.
        #[uniffi(default = None)]
        reason: Option<String>,
    },
    /// Takes a task out of the lists, or back. Officers only.
    Withdraw {
        /// Which.
        id: String,
        /// Whether it is withdrawn.
        on: bool,
    },
}

impl TaskCommand {
    /// The engine's form, and the id of the task it adds.
    fn translate(&self, fresh: EntryId) -> Result<(Command, Option<EntryId>), HandbookError> {
        let text = |text: &String| Words::from(text.as_str());
        let command = match self {
            Self::Add {
                what,
                people,
                deadline,
                id,
            } => {
                let id = parse_opt(id.as_ref(), "id")?.unwrap_or(fresh);
                let command = Command::Add {
                    id,
                    what: text(what),
                    source: None,
                    people: parse_all(people, "people")?,
                    deadline: parse_opt(deadline.as_ref(), "deadline")?,
                };
                return Ok((command, Some(id)));
            }
            Self::Edit { id, what } => Command::Edit {
                id: parse(id, "id")?,
                what: text(what),
            },
            Self::SetDeadline { id, deadline } => Command::SetDeadline {
                id: parse(id, "id")?,
                deadline: parse_opt(deadline.as_ref(), "deadline")?,
            },
            Self::SetResponsible { id, member, on } => Command::SetResponsible {
                id: parse(id, "id")?,
                member: parse(member, "member")?,
                on: *on,
            },
            Self::Report { id, status, result } => Command::Report {
                id: parse(id, "id")?,
                status: *status,
                result: result.as_ref().map(text),
            },
            Self::Reopen { id, reason } => Command::Reopen {
                id: parse(id, "id")?,
                reason: reason.as_ref().map(text),
            },
            Self::Withdraw { id, on } => Command::Withdraw {
                id: parse(id, "id")?,
                on: *on,
            },
        };
        Ok((command, None))
    }
}

#[uniffi::export]
impl Records {
    /// All tasks of a year, by deadline.
    pub fn tasks(&self, year: i32) -> Result<Vec<TaskView>, HandbookError> {
        ask(&self.engine, move |device, now| {
            let tasks = device.tasks(year).or_fault()?.tasks;
            let (names, today) = (device.names(), sotay_engine::today(now));
            Ok(tasks.iter().map(|task| task_view(names, today, task)).collect())
        })
    }

    /// Carries out a command about a task of a year; gives the id of the task it added.
    pub fn change_task(&self, year: i32, command: TaskCommand) -> Result<Option<String>, HandbookError> {
        ask(&self.engine, move |device, now| {
            let (command, added) = command.translate(device.fresh_id())?;
            device.task(year, &command, now).or_fault()?;
            Ok(added.map(|id| id.to_string()))
        })
    }

    /// Makes tasks of the conclusions of a meeting that have none yet; gives how many. Two phones that do it offline make
    /// the same tasks.
    pub fn tasks_of_meeting(&self, meeting: String) -> Result<u32, HandbookError> {
        let doc = parse_doc(&meeting)?;
        ask(&self.engine, move |device, now| {
            device.tasks_of_meeting(doc, now).or_fault()
        })
    }
}
