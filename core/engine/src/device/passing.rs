//! Feedback that the committee passes up, and its way back: every hop leaves a receipt, and the answer reaches the writer, or
//! everybody, through the committee that passed the item.

use serde::Serialize;
use sotay_feed::{InOrder, Kind, SpaceKind, UnitId};
use sotay_handbook::dispatch::PassedUp;
use sotay_handbook::feedback::{FeedbackReply, FeedbackStatus};
use sotay_handbook::limits::FEEDBACK_CHARS_MAX;
use sotay_handbook::{CommandError, EntryId, What, Words};
use sotay_store::Store;

use super::letters::{PASSED, REPLY};
use super::{Device, OFFSET_MINUTES};
use crate::error::DeviceError;

/// What the level above made of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReplyFromAbove {
    /// Whether it is meant for everybody in the unit.
    pub public: bool,
    /// What it says.
    #[serde(flatten)]
    pub reply: FeedbackReply,
}

/// An item that was passed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PassedLine {
    /// The unit that passed it up.
    #[serde(serialize_with = "crate::text_of")]
    pub unit: UnitId,
    /// What was passed up.
    #[serde(flatten)]
    pub passed: PassedUp,
    /// The furthest status above; `None` while no phone there is known to have it.
    pub status: Option<FeedbackStatus>,
    /// What was said of it above, by status, then by time.
    pub replies: Vec<ReplyFromAbove>,
}

impl<S: Store> Device<S> {
    fn passed_of(&self, unit: UnitId) -> Result<Vec<PassedLine>, DeviceError> {
        let read = |bytes: &[u8]| {
            let (public, reply) = bytes.split_first()?;
            Some(ReplyFromAbove {
                public: *public == 1,
                reply: FeedbackReply::decode(reply).ok()?,
            })
        };
        let replies = self.letters(REPLY, unit, |_, bytes| read(bytes))?;
        let mut lines: Vec<PassedLine> = Vec::new();
        for passed in self.letters(PASSED, unit, |_, bytes| PassedUp::decode(bytes).ok())? {
            // Two officers may have passed one item up apart from each other; it is one item.
            if lines.last().is_some_and(|line| line.passed.item == passed.item) {
                continue;
            }
            let of = replies.iter().filter(|reply| reply.reply.item == passed.item);
            let mut replies: Vec<ReplyFromAbove> = of.cloned().collect();
            replies.in_order_by_key(|reply| (reply.reply.status, reply.reply.at_ms));
            lines.push(PassedLine {
                unit,
                status: replies.iter().map(|reply| reply.reply.status).max(),
                passed,
                replies,
            });
        }
        lines.in_order_by_key(|line| (line.passed.passed_ms, line.passed.item));
        Ok(lines)
    }

    /// What this unit passed up, oldest first, and what was said of it above. For officers.
    pub fn passed_feedback(&self) -> Result<Vec<PassedLine>, DeviceError> {
        self.may_read_report()?;
        self.passed_of(self.home()?.unit)
    }

    /// What the units below passed up to this one, oldest first.
    pub fn feedback_from_below(&self) -> Result<Vec<PassedLine>, DeviceError> {
        let mut lines = Vec::new();
        for unit in self.followed.units.keys() {
            lines.extend(self.passed_of(*unit)?);
        }
        lines.in_order_by_key(|line| (line.passed.passed_ms, line.passed.item));
        Ok(lines)
    }

    fn may_read_report(&self) -> Result<(), DeviceError> {
        let report = self.space(SpaceKind::Report)?;
        Ok(self.membership()?.may_read(self.id(), &report)?)
    }

    /// Passes an item up to the level above: with its writer's name if the writer agreed to that, otherwise without name and
    /// with the day alone. The writer of an item with name is told. What a unit below passed up goes on as it came, and that
    /// unit is told. Passing it up again changes nothing.
    pub fn pass_up_feedback(&mut self, id: EntryId, now: i64) -> Result<PassedUp, DeviceError> {
        let report = self.space(SpaceKind::Report)?;
        let next = self.replica.store().tip(&report.id(), self.id())?;
        let next = next.map_or(1, |tip| tip.seq + 1);
        self.membership()?
            .may_write(self.id(), &report, Kind::DISPATCH, next)?;
        let unknown = |what| DeviceError::Command(CommandError::Unknown(what));
        if self.units_above().is_empty() {
            return Err(unknown(What::Recipient));
        }
        let known = self.passed_feedback()?;
        let known = known.iter().find(|line| line.passed.item == id);
        let below = self.feedback_from_below()?;
        if let Some(line) = below.into_iter().find(|line| line.passed.item == id) {
            let passed = match known {
                Some(line) => line.passed.clone(),
                None => {
                    let passed = PassedUp {
                        passed_ms: now,
                        ..line.passed
                    };
                    self.open_space(report)?;
                    self.write_letters(report.unit, &[(PASSED, passed.encode())])?;
                    passed
                }
            };
            if line.status.is_none_or(|status| status < FeedbackStatus::PassedUp) {
                self.answer_from_above(id, FeedbackStatus::PassedUp, None, false, now)?;
            }
            return Ok(passed);
        }
        let all = self.received_list()?;
        let item = all.iter().find(|view| view.item.id == id);
        let item = item.ok_or(unknown(What::Feedback))?.item.clone();
        if let Some(line) = known {
            return Ok(line.passed.clone());
        }
        let name = item.member.and_then(|member| self.member_name(member));
        let passed = PassedUp::of(&item, name.as_deref(), (now, OFFSET_MINUTES));
        self.open_space(report)?;
        self.write_letters(report.unit, &[(PASSED, passed.encode())])?;
        self.answer_feedback(id, FeedbackStatus::PassedUp, None, false, now)?;
        Ok(passed)
    }

    /// On the level above: says what became of an item that a unit below passed up; with a text it is answered, for its
    /// writer or for everybody there. The committee of that unit hands the answer on.
    pub fn answer_from_above(
        &mut self,
        id: EntryId,
        status: FeedbackStatus,
        text: Option<Words>,
        public: bool,
        now: i64,
    ) -> Result<(), DeviceError> {
        let lines = self.feedback_from_below()?;
        let line = lines.iter().find(|line| line.passed.item == id);
        let line = line.ok_or(CommandError::Unknown(What::Feedback))?;
        let text = text.map(|text| FeedbackReply::words(&text)).transpose()?;
        let reply = FeedbackReply {
            item: id,
            status,
            text,
            at_ms: now,
        };
        let letter = [&[u8::from(public)], &reply.encode()[..]].concat();
        self.write_letters(line.unit, &[(REPLY, letter)])
    }

    /// On a committee's phone: hands the answer from above on, as whoever gave it meant it, to the writer or to everybody; of
    /// an item without name always to everybody. Where the item came from a unit below, that unit's committee gets it and
    /// hands it on in turn; each level that answers or hands on is named in the text.
    pub fn hand_on_answer(&mut self, id: EntryId, now: i64) -> Result<(), DeviceError> {
        let unknown = DeviceError::Command(CommandError::Unknown(What::Feedback));
        let lines = self.passed_feedback()?;
        let line = lines.iter().find(|line| line.passed.item == id).ok_or(unknown)?;
        let answered = line.replies.iter().rev().find(|reply| reply.reply.text.is_some());
        let answered = answered.ok_or(CommandError::Unknown(What::Feedback))?;
        let named = self
            .received_list()?
            .iter()
            .any(|view| view.item.id == id && view.item.member.is_some());
        let text = answered
            .reply
            .text
            .as_ref()
            .map(Words::as_str)
            .unwrap_or_default();
        let signed = match self.units_above().first() {
            Some(upper) => self.origin(*upper)?.name.map(|name| format!("{name}: {text}")),
            None => None,
        };
        let signed = signed.filter(|signed| signed.chars().count() <= FEEDBACK_CHARS_MAX);
        let text = Words::from(signed.unwrap_or_else(|| text.to_owned()));
        let below = self.feedback_from_below()?;
        if below.iter().any(|line| line.passed.item == id) {
            let public = answered.public;
            return self.answer_from_above(id, FeedbackStatus::Answered, Some(text), public, now);
        }
        let public = answered.public || !named;
        self.answer_feedback(id, FeedbackStatus::Answered, Some(text), public, now)
    }
}
