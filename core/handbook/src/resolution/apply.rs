//! Writing a resolution.

use sotay_document::crdt::{ROOT, Transaction};
use sotay_document::set_text;
use sotay_feed::{DocId, MemberId};

use super::review::NUMBER_PREFIX;
use super::view::{DATE, ISSUED, MEETING, NUMBER, SIGNER, TITLE, VOTE};
use super::{Command, Part, RecipientCell, ResolutionView, TaskCell, review};
use crate::acting::Acting;
use crate::cell::object;
use crate::claim::Devices;
use crate::date::Date;
use crate::error::{CommandError, What};
use crate::ids::EntryId;
use crate::limits::{MEMBERS_MAX, RESOLUTION_ENTRIES_MAX, RESOLUTION_NUMBER_MAX, TASK_CHARS_MAX};
use crate::meeting::Person;
use crate::order::between;
use crate::review::settle;
use crate::schema;
use crate::sheet::{Pen, at_most, line, officers_choices, para};
use crate::words::Words;

/// Carries a command out; `known` says who is or was on the roster. On an error nothing must be kept of the transaction
/// (`Document::edit` rolls it back).
pub fn apply(
    tx: &mut Transaction<'_>,
    acting: &Acting,
    devices: &Devices,
    doc: DocId,
    known: &dyn Fn(MemberId) -> bool,
    command: &Command,
) -> Result<(), CommandError> {
    acting.must_be_member()?;
    let view = ResolutionView::read(&*tx, doc, devices);
    let settles = matches!(command, Command::Settle { .. });
    if view.is_issued() && !settles {
        return Err(CommandError::Issued);
    }
    let mut desk = Desk {
        pen: Pen { tx, acting },
        view,
        known,
    };
    match command {
        Command::Settle { item, pick, id } => {
            acting.must_be_officer()?;
            if item.starts_with(NUMBER_PREFIX) {
                let number = pick.strip_prefix(NUMBER_PREFIX).and_then(|n| n.parse().ok());
                return desk.number(number.ok_or(CommandError::Unknown(What::Choice))?);
            }
            let known = officers_choices(&*desk.pen.tx, devices);
            settle(desk.pen.tx, acting, &review(&desk.view), &known, item, pick, *id)
        }
        other => desk.carry_out(other),
    }
}

struct Desk<'t, 'd, 's> {
    pen: Pen<'t, 'd, 's>,
    view: ResolutionView,
    known: &'s dyn Fn(MemberId) -> bool,
}

impl Desk<'_, '_, '_> {
    fn carry_out(&mut self, command: &Command) -> Result<(), CommandError> {
        match command {
            Command::Found { meeting, title } => {
                if let Some(meeting) = meeting {
                    self.pen.put(schema::INFO, MEETING, meeting)?;
                }
                self.pen.put(schema::INFO, TITLE, &line(What::Title, title)?)
            }
            Command::SetNumber(number) => {
                self.pen.acting.must_be_officer()?;
                self.number(*number)
            }
            Command::SetDate(day) => self.pen.put(schema::INFO, DATE, day),
            Command::SetTitle(title) => self.pen.put(schema::INFO, TITLE, &line(What::Title, title)?),
            Command::SetSigner(member) => {
                self.listed(*member)?;
                self.pen.put(schema::INFO, SIGNER, &Person::Member(*member))
            }
            Command::SetPart { part, text } => self.part(*part, text),
            Command::SetTask {
                id,
                text,
                people,
                deadline,
            } => self.task(*id, text, people, *deadline),
            Command::RemoveTask(id) => {
                self.pen.known(schema::TASKS, &id.to_string(), What::Task)?;
                self.pen.put(schema::TASKS, &id.to_string(), &None::<TaskCell>)
            }
            Command::AddRecipient { id, label } => self.recipient(*id, label),
            Command::RemoveRecipient(id) => {
                self.pen
                    .known(schema::RECIPIENTS, &id.to_string(), What::Recipient)?;
                self.pen
                    .put(schema::RECIPIENTS, &id.to_string(), &None::<RecipientCell>)
            }
            Command::SetVote(vote) => {
                self.pen.acting.must_be_officer()?;
                self.pen.put(schema::INFO, VOTE, vote)
            }
            Command::Issue { blocked } => self.issue(blocked),
            Command::Settle { .. } => Ok(()),
        }
    }

    fn listed(&self, member: MemberId) -> Result<(), CommandError> {
        if (self.known)(member) {
            Ok(())
        } else {
            Err(CommandError::Unknown(What::Member))
        }
    }

    fn number(&mut self, number: u32) -> Result<(), CommandError> {
        if number == 0 {
            return Err(CommandError::Empty(What::Number));
        }
        at_most(What::Number, u64::from(number), u64::from(RESOLUTION_NUMBER_MAX))?;
        self.pen.put(schema::INFO, NUMBER, &number)
    }

    fn part(&mut self, part: Part, text: &Words) -> Result<(), CommandError> {
        let tx = &mut *self.pen.tx;
        let parts = object(tx, &ROOT, schema::PARTS).ok_or(CommandError::Damaged)?;
        let target = object(tx, &parts, part.key()).ok_or(CommandError::Damaged)?;
        let text = text
            .paragraph()
            .map_err(|error| CommandError::too_long(What::Paragraph, error))?;
        set_text(tx, &target, &text).map_err(|error| CommandError::text(What::Paragraph, error))?;
        Ok(())
    }

    fn task(
        &mut self,
        id: EntryId,
        text: &Words,
        people: &[MemberId],
        deadline: Option<Date>,
    ) -> Result<(), CommandError> {
        at_most(What::Member, people.len() as u64, MEMBERS_MAX as u64)?;
        people.iter().try_for_each(|&member| self.listed(member))?;
        let text = para(What::Task, text, TASK_CHARS_MAX)?;
        let known = self.view.tasks.iter().find(|task| task.id == id);
        let order = match known {
            Some(task) => task.order.clone(),
            None => {
                at_most(
                    What::Task,
                    self.view.tasks.len() as u64 + 1,
                    RESOLUTION_ENTRIES_MAX as u64,
                )?;
                between(self.view.tasks.last().map(|task| task.order.as_str()), None)
            }
        };
        let cell = TaskCell {
            order,
            text,
            people: people.to_vec(),
            deadline,
        };
        self.pen.put(schema::TASKS, &id.to_string(), &Some(cell))
    }

    fn recipient(&mut self, id: EntryId, label: &Words) -> Result<(), CommandError> {
        if self.pen.has(schema::RECIPIENTS, &id.to_string())? {
            return Err(CommandError::Exists(What::Recipient));
        }
        let all = &self.view.recipients;
        at_most(
            What::Recipient,
            all.len() as u64 + 1,
            RESOLUTION_ENTRIES_MAX as u64,
        )?;
        let cell = RecipientCell {
            order: between(all.last().map(|one| one.order.as_str()), None),
            label: line(What::Recipient, label)?,
        };
        self.pen.put(schema::RECIPIENTS, &id.to_string(), &Some(cell))
    }

    fn issue(&mut self, blocked: &[String]) -> Result<(), CommandError> {
        self.pen.acting.must_be_officer()?;
        if self.view.number.value.is_none() {
            return Err(CommandError::Empty(What::Number));
        }
        if self.view.date.value.is_none() {
            return Err(CommandError::Empty(What::Day));
        }
        let own = review(&self.view);
        let items: Vec<String> = own
            .blocking()
            .map(|item| item.id.clone())
            .chain(blocked.iter().cloned())
            .collect();
        if !items.is_empty() {
            return Err(CommandError::Blocked { items });
        }
        let key = format!("{ISSUED}/{}", self.pen.acting.device);
        self.pen.put(schema::STEPS, &key, &true)
    }
}
