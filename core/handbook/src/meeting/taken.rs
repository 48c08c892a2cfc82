//! What a meeting takes over from the documents of the year: last month's tasks with their results, and the fees collected.
//!
//! It is written into the meeting, so its minutes do not change when the tasks go on afterwards. Of what two phones took
//! over, the furthest status and the larger sum are shown.

use serde::Serialize;
use sotay_document::Reads;
use sotay_feed::{InOrder, MemberId};

use super::read::Reader;
use crate::cell::{Found, cell_struct, cells};
use crate::date::Date;
use crate::fees::FeeMonth;
use crate::ids::{EntryId, parse_id, ser};
use crate::limits::LINE_CHARS_MAX;
use crate::schema;
use crate::tasks::{Task, TaskStatus};
use crate::words::Words;

/// Keys of what was taken over, in the heading's container.
const TASK_PREFIX: &str = "task/";
pub(super) const FEES: &str = "fees";

pub(super) fn task_key(id: EntryId) -> String {
    format!("{TASK_PREFIX}{id}")
}

/// A task as a meeting heard of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TakenTask {
    /// Its id among the tasks of its year.
    pub id: EntryId,
    /// What is to be done, as one line.
    pub what: Words,
    /// Who is responsible.
    #[serde(serialize_with = "ser::list")]
    pub people: Vec<MemberId>,
    /// By when.
    pub deadline: Option<Date>,
    /// How far it was.
    pub status: TaskStatus,
    /// Whether it was overdue on the day of the meeting.
    pub overdue: bool,
    /// What had come of it, as one line.
    pub result: Words,
}

/// [`TakenTask`] without its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TakenCell {
    pub status: TaskStatus,
    pub overdue: bool,
    pub what: Words,
    pub people: Vec<MemberId>,
    pub deadline: Option<Date>,
    pub result: Words,
}

cell_struct!(TakenCell {
    status,
    overdue,
    what,
    people,
    deadline,
    result
});

/// Fees of a month as a meeting heard of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct TakenFees {
    /// Đồng paid.
    pub paid: u64,
    /// Đồng owed.
    pub due: u64,
    /// Members who had not paid all.
    pub unpaid: u32,
}

cell_struct!(TakenFees { paid, due, unpaid });

impl TakenFees {
    /// Of a month of the ledger.
    pub fn of(month: &FeeMonth) -> Self {
        Self {
            paid: u64::try_from(month.paid).unwrap_or(0),
            due: month.due,
            unpaid: month.unpaid.len() as u32,
        }
    }
}

/// The beginning of a text, as one line.
fn one_line(text: &str) -> Words {
    let line = crate::words::line_of(text);
    Words::from(line.chars().take(LINE_CHARS_MAX).collect::<String>().trim())
}

impl TakenTask {
    /// Of a task, on the day of the meeting.
    pub fn of(task: &Task, day: Date) -> Self {
        Self {
            id: task.id,
            what: one_line(task.words()),
            people: task.people.clone(),
            deadline: task.due(),
            status: task.status,
            overdue: task.is_overdue(day),
            result: one_line(&task.result()),
        }
    }

    pub(super) fn cell(&self) -> TakenCell {
        TakenCell {
            status: self.status,
            overdue: self.overdue,
            what: self.what.clone(),
            people: self.people.clone(),
            deadline: self.deadline,
            result: self.result.clone(),
        }
    }
}

impl<R: Reads> Reader<'_, R> {
    pub(super) fn taken_tasks(&self) -> Vec<TakenTask> {
        let Some(map) = self.container(schema::INFO) else {
            return Vec::new();
        };
        let one = |key: &String| {
            let id = parse_id(key.strip_prefix(TASK_PREFIX)?)?;
            let found: Vec<Found<TakenCell>> = cells(self.doc, &map, key.as_str());
            let furthest = found
                .into_iter()
                .map(|found| found.value)
                .max_by_key(|cell| (cell.status, crate::cell::encoded(cell)))?;
            Some(TakenTask {
                id,
                what: furthest.what,
                people: furthest.people,
                deadline: furthest.deadline,
                status: furthest.status,
                overdue: furthest.overdue,
                result: furthest.result,
            })
        };
        let mut tasks: Vec<TakenTask> = self.keys(&map).iter().filter_map(one).collect();
        tasks.in_order_by_key(|task| (task.deadline.is_none(), task.deadline, task.id));
        tasks
    }

    pub(super) fn taken_fees(&self) -> Option<TakenFees> {
        let map = self.container(schema::INFO)?;
        let found: Vec<Found<TakenFees>> = cells(self.doc, &map, FEES);
        found.into_iter().map(|found| found.value).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::tests::holds;

    #[test]
    fn what_is_taken_over_holds() {
        holds(
            &TakenFees {
                paid: 338_000,
                due: 338_000,
                unpaid: 0,
            },
            "821b00000196a06cb140831a000528501a0005285000",
        );
        holds(
            &TakenCell {
                status: TaskStatus::Done,
                overdue: false,
                what: "vét mương".into(),
                people: vec![],
                deadline: None,
                result: "xong".into(),
            },
            "821b00000196a06cb1408602f46c76c3a974206dc6b0c6a16e6780f664786f6e67",
        );
    }
}
