//! The heading, the steps of a meeting, guests and attendance.

use sotay_feed::{InOrder, MemberId};

use super::super::cells::{AttachmentCell, MarkCell, StepCell};
use super::super::command::Command;
use super::super::kinds::{How, MeetingKind, Stage, State, Step};
use super::super::read::{STAGE_PREFIX, info};
use super::super::taken::{self, TakenFees, TakenTask};
use super::super::view::Person;
use super::{Desk, line};
use crate::date::{Date, LocalTime, Month};
use crate::error::{CommandError, What};
use crate::ids::{EntryId, member_device};
use crate::limits::{ATTACHMENT_BYTES_MAX, ATTACHMENT_PAGES_MAX, TAKEN_TASKS_MAX};
use crate::roster::RollCell;
use crate::schema;
use crate::sheet::at_most;
use crate::words::Words;
use sotay_document::crdt::ReadDoc;

impl Desk<'_, '_, '_> {
    pub(super) fn found(
        &mut self,
        kind: MeetingKind,
        month: Option<Month>,
        date: Option<Date>,
    ) -> Result<(), CommandError> {
        let info = self.map(schema::INFO)?;
        self.put(&info, info::KIND, &kind)?;
        if let Some(month) = month {
            self.put(&info, info::MONTH, &month)?;
        }
        if let Some(date) = date {
            self.put(&info, info::DATE, &date)?;
        }
        Ok(())
    }

    pub(super) fn heading(&mut self, command: &Command) -> Result<(), CommandError> {
        let info = self.map(schema::INFO)?;
        match command {
            Command::SetDate(date) => self.put(&info, info::DATE, date),
            Command::SetPlace(place) => self.put(&info, info::PLACE, &line(What::Place, place)?),
            Command::SetNumber(number) => self.put(&info, info::NUMBER, &line(What::Number, number)?),
            Command::SetStart(time) => self.put(&info, info::START, time),
            Command::SetEnd(time) => self.put(&info, info::END, time),
            Command::SetChair(member) => self.officer_of_meeting(info::CHAIR, *member),
            Command::SetClerk(member) => self.officer_of_meeting(info::CLERK, *member),
            _ => Ok(()),
        }
    }

    fn officer_of_meeting(&mut self, key: &str, member: MemberId) -> Result<(), CommandError> {
        self.listed(&self.roll(), member)?;
        let info = self.map(schema::INFO)?;
        self.put(&info, key, &Person::Member(member))
    }

    /// A step is taken once by each device; taking it again changes nothing.
    pub(super) fn step(&mut self, step: Step) -> Result<(), CommandError> {
        let steps = self.map(schema::STEPS)?;
        let key = format!("{}/{}", step.key(), self.acting.device);
        if matches!(self.tx.get(&steps, key.as_str()), Ok(Some(_))) {
            return Ok(());
        }
        self.put(&steps, &key, &StepCell { minutes: None })
    }

    /// Stages are entered while the meeting is open; going back is for the words of the chair, not for the record.
    pub(super) fn enter(&mut self, stage: Stage) -> Result<(), CommandError> {
        let steps = self.map(schema::STEPS)?;
        let key = format!("{STAGE_PREFIX}{}/{}", stage.key(), self.acting.device);
        self.put(&steps, &key, &true)
    }

    /// Taking it over again replaces what this phone knew.
    pub(super) fn take_in(
        &mut self,
        tasks: &[TakenTask],
        fees: Option<&TakenFees>,
    ) -> Result<(), CommandError> {
        at_most(What::Task, tasks.len() as u64, TAKEN_TASKS_MAX as u64)?;
        let info = self.map(schema::INFO)?;
        for task in tasks {
            self.put(&info, &taken::task_key(task.id), &task.cell())?;
        }
        match fees {
            Some(fees) => self.put(&info, taken::FEES, fees),
            None => Ok(()),
        }
    }

    pub(super) fn open(&mut self) -> Result<(), CommandError> {
        let (frozen, _) = self.reader().frozen_roll();
        if frozen.is_empty() {
            let roll = self.map(schema::ROLL)?;
            let lines = self.setting.roster.lines();
            let members: Vec<MemberId> = lines.iter().map(|line| line.member).collect();
            self.members(&members, What::Member)?;
            for line in lines {
                self.put(&roll, &line.member.to_string(), &RollCell::of(line))?;
            }
        }
        self.step(Step::Opened)
    }

    pub(super) fn attach(&mut self, command: &Command) -> Result<(), CommandError> {
        let Command::Attach {
            id,
            name,
            media,
            bytes,
            blake3,
            pages,
        } = command
        else {
            return Ok(());
        };
        let what = What::Attachment;
        for (count, limit) in [(*bytes, ATTACHMENT_BYTES_MAX), (*pages, ATTACHMENT_PAGES_MAX)] {
            if count > limit {
                let (count, limit) = (u64::from(count), u64::from(limit));
                return Err(CommandError::TooMany { what, count, limit });
            }
        }
        let attachments = self.map(schema::ATTACHMENTS)?;
        if matches!(self.tx.get(&attachments, id.to_string()), Ok(Some(_))) {
            return Err(CommandError::Exists(what));
        }
        let cell = AttachmentCell {
            name: line(what, name)?,
            media: line(what, media)?,
            bytes: *bytes,
            blake3: *blake3,
            pages: *pages,
        };
        self.put(&attachments, &id.to_string(), &cell)
    }

    pub(super) fn add_guest(&mut self, id: EntryId, label: &Words) -> Result<(), CommandError> {
        let guests = self.map(schema::GUESTS)?;
        if matches!(self.tx.get(&guests, id.to_string()), Ok(Some(_))) {
            return Err(CommandError::Exists(What::Guest));
        }
        self.put(&guests, &id.to_string(), &line(What::Guest, label)?)
    }

    /// Marks name the marks of other phones that they correct, so that only those who did not know of each other
    /// contradict each other.
    pub(super) fn mark(
        &mut self,
        members: &[MemberId],
        state: State,
        how: How,
        reason: Option<&Words>,
    ) -> Result<(), CommandError> {
        self.members(members, What::Member)?;
        let reason = reason
            .filter(|reason| !reason.trim().is_empty())
            .map(|reason| line(What::Reason, reason));
        let reason = reason.transpose()?;
        let marks = self.reader().marks();
        let attendance = self.map(schema::ATTENDANCE)?;
        for &member in members {
            let others = marks.get(&member).into_iter().flatten();
            let mut over: Vec<_> = others
                .filter(|entry| entry.mark.device != self.acting.device && entry.state != state)
                .map(|entry| entry.tag)
                .collect();
            over.in_order();
            let mark = MarkCell {
                state,
                how,
                reason: reason.clone(),
                over,
            };
            self.put(&attendance, &member_device(member, self.acting.device), &mark)?;
        }
        Ok(())
    }

    pub(super) fn time(
        &mut self,
        container: &str,
        member: MemberId,
        at: Option<LocalTime>,
    ) -> Result<(), CommandError> {
        self.listed(&self.roll(), member)?;
        let map = self.map(container)?;
        self.put(&map, &member_device(member, self.acting.device), &at)
    }
}
