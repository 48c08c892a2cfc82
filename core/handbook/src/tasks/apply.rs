//! Changing tasks.

use sotay_document::crdt::Transaction;
use sotay_feed::MemberId;

use super::view::{TasksView, event_key, field_key, person_key};
use super::{Command, TaskSource, TaskStatus, review};
use crate::acting::Acting;
use crate::claim::Devices;
use crate::date::Date;
use crate::error::{CommandError, What};
use crate::ids::EntryId;
use crate::limits::{MEMBERS_MAX, ROUNDS_MAX, TASK_CHARS_MAX, TASKS_MAX};
use crate::review::settle;
use crate::roster::Roll;
use crate::schema;
use crate::sheet::{Pen, at_most, line_or_none, officers_choices, para};
use crate::words::Words;

/// Carries a command out; `roll` is the list of today, for who can be made responsible. On an error nothing must be kept
/// of the transaction (`Document::edit` rolls it back).
pub fn apply(
    tx: &mut Transaction<'_>,
    acting: &Acting,
    devices: &Devices,
    roll: &Roll,
    command: &Command,
) -> Result<(), CommandError> {
    acting.must_be_member()?;
    let view = TasksView::read(&*tx, devices);
    let desk = Desk {
        pen: Pen { tx, acting },
        view,
        roll,
    };
    if let Command::Settle { item, pick, id } = command {
        acting.must_be_officer()?;
        let known = officers_choices(&*desk.pen.tx, devices);
        return settle(desk.pen.tx, acting, &review(&desk.view), &known, item, pick, *id);
    }
    desk.carry_out(command)
}

struct Desk<'t, 'd, 's> {
    pen: Pen<'t, 'd, 's>,
    view: TasksView,
    roll: &'s Roll,
}

impl Desk<'_, '_, '_> {
    fn carry_out(mut self, command: &Command) -> Result<(), CommandError> {
        if let Command::Report { id, status, result } = command {
            return self.report(*id, *status, result.as_ref());
        }
        self.pen.acting.must_be_officer()?;
        match command {
            Command::Add {
                id,
                what,
                source,
                people,
                deadline,
            } => self.add(*id, what, *source, people, *deadline),
            Command::Edit { id, what } => {
                let what = para(What::Task, what, TASK_CHARS_MAX)?;
                self.set(*id, schema::task::WHAT, &what)
            }
            Command::SetDeadline { id, deadline } => self.set(*id, schema::task::DEADLINE, deadline),
            Command::SetResponsible { id, member, on } => self.responsible(*id, *member, *on),
            Command::Reopen { id, reason } => self.reopen(*id, reason.as_ref()),
            Command::Withdraw { id, on } => self.set(*id, schema::task::WITHDRAWN, on),
            Command::Report { .. } | Command::Settle { .. } => Ok(()),
        }
    }

    fn known(&self, id: EntryId) -> Result<(), CommandError> {
        self.pen
            .known(schema::TASKS, &field_key(id, schema::task::WHAT), What::Task)
    }

    fn set<T: crate::cell::Cell>(&mut self, id: EntryId, field: &str, value: &T) -> Result<(), CommandError> {
        self.known(id)?;
        self.pen.put(schema::TASKS, &field_key(id, field), value)
    }

    fn add(
        &mut self,
        id: EntryId,
        what: &Words,
        source: Option<TaskSource>,
        people: &[MemberId],
        deadline: Option<Date>,
    ) -> Result<(), CommandError> {
        if self.known(id).is_ok() {
            return Err(CommandError::Exists(What::Task));
        }
        at_most(What::Task, self.view.tasks.len() as u64 + 1, TASKS_MAX as u64)?;
        at_most(What::Member, people.len() as u64, MEMBERS_MAX as u64)?;
        let what = para(What::Task, what, TASK_CHARS_MAX)?;
        self.pen
            .put(schema::TASKS, &field_key(id, schema::task::WHAT), &what)?;
        if source.is_some() {
            self.set(id, schema::task::SOURCE, &source)?;
        }
        if deadline.is_some() {
            self.set(id, schema::task::DEADLINE, &deadline)?;
        }
        people
            .iter()
            .try_for_each(|&member| self.responsible(id, member, true))
    }

    fn responsible(&mut self, id: EntryId, member: MemberId, on: bool) -> Result<(), CommandError> {
        self.known(id)?;
        if on && self.roll.get(member).is_none() {
            return Err(CommandError::Unknown(What::Member));
        }
        self.pen.put(schema::TASK_PEOPLE, &person_key(id, member), &on)
    }

    /// Who is responsible reports; an officer reports for somebody without a phone, and accepts.
    fn report(
        &mut self,
        id: EntryId,
        status: TaskStatus,
        result: Option<&Words>,
    ) -> Result<(), CommandError> {
        self.known(id)?;
        let acting = self.pen.acting;
        let task = self.view.get(id);
        let own = acting
            .member
            .is_some_and(|member| task.is_some_and(|task| task.people.contains(&member)));
        if status == TaskStatus::Accepted || !own {
            acting.must_be_officer()?;
        }
        if let Some(result) = result.filter(|result| !result.trim().is_empty()) {
            let result = para(What::Result, result, TASK_CHARS_MAX)?;
            let key = format!("{id}/{}", acting.device);
            self.pen.put(schema::TASK_RESULTS, &key, &result)?;
        }
        let round = task.map_or(0, |task| task.round);
        let key = event_key(id, round, status, acting.device);
        if self.pen.has(schema::TASK_EVENTS, &key)? {
            return Ok(());
        }
        self.pen.put(schema::TASK_EVENTS, &key, &None::<Words>)
    }

    fn reopen(&mut self, id: EntryId, reason: Option<&Words>) -> Result<(), CommandError> {
        self.known(id)?;
        let round = self.view.get(id).map_or(0, |task| task.round) + 1;
        at_most(What::Task, u64::from(round), u64::from(ROUNDS_MAX))?;
        let reason = line_or_none(What::Reason, reason)?;
        let key = event_key(id, round, TaskStatus::Assigned, self.pen.acting.device);
        self.pen.put(schema::TASK_EVENTS, &key, &reason)
    }
}
