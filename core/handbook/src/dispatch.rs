//! Letters between a unit and the one above it (P15.4 – P15.8): what became of a report, feedback that was passed up, how
//! far documents from above have come, and members who move between units.
//!
//! A letter is written once and never edited. What holds follows from the set of letters; clocks are shown and never decide.

use std::collections::BTreeMap;

use serde::Serialize;
use sotay_feed::cbor::{CborError, Reader, Writer};
use sotay_feed::{DeviceId, MemberId};

use crate::cell::Cell;
use crate::coded::coded;
use crate::date::{Date, Month};
use crate::error::{CommandError, What};
use crate::feedback::{FeedbackItem, clean, expect};
use crate::ids::{EntryId, ser};
use crate::limits::{DELIVERED_DOCUMENTS_MAX, LETTER_CHARS_MAX};
use crate::roster::Standing;
use crate::words::{Words, line_of, paragraph_of};

const VERSION: u64 = 1;
const HASH_LEN: usize = 32;

coded! {
    /// What became of a report. The furthest counts.
    pub enum ReportStep ("report_step") {
        /// A phone of the level above has it.
        Received = 0 "received",
        /// Somebody there has opened it.
        Opened = 1 "opened",
        /// It was sent back, with what is to be changed.
        Returned = 2 "returned",
        /// It was accepted.
        Accepted = 3 "accepted",
    }
}

/// What the level above says of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportWord {
    /// The month reported on.
    pub month: Month,
    /// The revision.
    pub revision: u32,
    /// The phone that sent it: two may have sent the same revision apart from each other.
    #[serde(serialize_with = "ser::id")]
    pub sender: DeviceId,
    /// What became of it.
    pub step: ReportStep,
    /// A remark.
    pub remark: Option<Words>,
    /// When, by the clock of whoever says so.
    pub at_ms: i64,
}

/// A remark or place within its limit; nothing if there is no letter in it.
pub fn remark(text: &Words, what: What) -> Result<Option<Words>, CommandError> {
    let text = paragraph_of(text).trim().to_owned();
    let chars = text.chars().count();
    if chars > LETTER_CHARS_MAX {
        return Err(CommandError::TooLong {
            what,
            chars,
            limit: LETTER_CHARS_MAX,
        });
    }
    Ok((!text.is_empty()).then(|| Words::from(text)))
}

fn opt_text(writer: &mut Writer, text: Option<&Words>) {
    match text {
        Some(text) => writer.text(text),
        None => writer.null(),
    };
}

fn read_opt_text(reader: &mut Reader<'_>, form: fn(&str) -> String) -> Result<Option<Words>, CborError> {
    if reader.skip_null()? {
        return Ok(None);
    }
    let at = reader.position();
    let text = clean(reader, form)?;
    match text.chars_count() {
        1..=LETTER_CHARS_MAX => Ok(Some(text)),
        _ => Err(CborError::Malformed { at }),
    }
}

impl ReportWord {
    /// Canonical bytes: `[1, month, revision, sender, step, remark or null, at]`.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(7).uint(VERSION);
        self.month.write(&mut writer);
        writer
            .uint(u64::from(self.revision))
            .bytes(self.sender.as_bytes());
        self.step.write(&mut writer);
        opt_text(&mut writer, self.remark.as_ref());
        writer.int(self.at_ms);
        writer.into_bytes()
    }

    /// Reads what [`ReportWord::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, CborError> {
        let mut reader = Reader::new(bytes);
        expect(&mut reader, 7)?;
        let word = Self {
            month: Month::read(&mut reader)?,
            revision: reader.small()?,
            sender: DeviceId::from_bytes(reader.fixed()?),
            step: ReportStep::read(&mut reader)?,
            remark: read_opt_text(&mut reader, paragraph_of)?,
            at_ms: reader.int()?,
        };
        reader.finish(&word.encode())?;
        Ok(word)
    }
}

/// A feedback item that the committee passed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PassedUp {
    /// The item, by the id its writer drew.
    pub item: EntryId,
    /// When it was written; without a name only the day.
    pub at_ms: i64,
    /// What it is about.
    pub topic: Words,
    /// What is said.
    pub text: Words,
    /// Who wrote it, if the writer agreed that the level above may know.
    pub name: Option<Words>,
    /// When it was passed up.
    pub passed_ms: i64,
}

impl PassedUp {
    /// What is passed up of an item: the member's id never, the time and the name only as the writer agreed.
    pub fn of(item: &FeedbackItem, name: Option<&str>, (now, offset_minutes): (i64, i32)) -> Self {
        let name = name.filter(|_| item.member.is_some() && item.name_above);
        let day = |at| crate::feedback::day_of(at, offset_minutes);
        Self {
            item: item.id,
            at_ms: if name.is_some() {
                item.at_ms
            } else {
                day(item.at_ms)
            },
            topic: item.topic.clone(),
            text: item.text.clone(),
            name: name.map(line_of).filter(|name| !name.is_empty()).map(Words::from),
            passed_ms: now,
        }
    }

    /// Canonical bytes: `[1, item, at, topic, text, name or null, passed]`.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer
            .array(7)
            .uint(VERSION)
            .bytes(self.item.as_bytes())
            .int(self.at_ms)
            .text(&self.topic)
            .text(&self.text);
        opt_text(&mut writer, self.name.as_ref());
        writer.int(self.passed_ms);
        writer.into_bytes()
    }

    /// Reads what [`PassedUp::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, CborError> {
        let mut reader = Reader::new(bytes);
        expect(&mut reader, 7)?;
        let passed = Self {
            item: EntryId::from_bytes(reader.fixed()?),
            at_ms: reader.int()?,
            topic: clean(&mut reader, line_of)?,
            text: clean(&mut reader, paragraph_of)?,
            name: read_opt_text(&mut reader, line_of)?,
            passed_ms: reader.int()?,
        };
        reader.finish(&passed.encode())?;
        Ok(passed)
    }
}

/// How far documents from above have come in a unit, without persons: as its members told (decision 0087).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Delivered {
    /// The month whose report it went with.
    pub month: Month,
    /// Members on the list, and on those of the units below that told.
    pub members: u32,
    /// Of a unit with others below it: how far the figures reach; they are the unit's own and those of all below that told.
    pub below: Option<Reach>,
    /// Per document, by its hash: how many told that they have it, and that they have read it; the second is withheld while
    /// few told anything.
    #[serde(skip)]
    pub documents: BTreeMap<[u8; HASH_LEN], (u32, Option<u32>)>,
}

/// How many of the units below figures are of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Reach {
    /// Units below, at any depth, that told.
    pub told: u32,
    /// All units below, as far as those that told know of them.
    pub units: u32,
}

/// Version of figures that include those of units below.
const WITH_BELOW: u64 = 2;

impl Delivered {
    /// Canonical bytes, documents ascending: `[1, month, members, [[document, delivered, done or null] …]]`; of a unit with
    /// others below it `[2, month, members, [told, units], [[document, delivered, done or null] …]]`.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        match self.below {
            None => writer.array(4).uint(VERSION),
            Some(_) => writer.array(5).uint(WITH_BELOW),
        };
        self.month.write(&mut writer);
        writer.uint(u64::from(self.members));
        if let Some(Reach { told, units }) = self.below {
            writer.array(2).uint(u64::from(told)).uint(u64::from(units));
        }
        writer.array(self.documents.len());
        for (document, (delivered, done)) in &self.documents {
            writer.array(3).bytes(document).uint(u64::from(*delivered));
            match done {
                Some(done) => writer.uint(u64::from(*done)),
                None => writer.null(),
            };
        }
        writer.into_bytes()
    }

    /// Reads what [`Delivered::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, CborError> {
        let mut reader = Reader::new(bytes);
        let (items, at) = (reader.array_up_to(5)?, reader.position());
        let with_below = match (items, reader.uint()?) {
            (4, VERSION) => false,
            (5, WITH_BELOW) => true,
            _ => return Err(CborError::Malformed { at }),
        };
        let (month, members) = (Month::read(&mut reader)?, reader.small()?);
        let below = match with_below {
            false => None,
            true => {
                reader.array(2)?;
                let (told, units) = (reader.small()?, reader.small()?);
                Some(Reach { told, units })
            }
        };
        let mut documents = BTreeMap::new();
        for _ in 0..reader.array_up_to(DELIVERED_DOCUMENTS_MAX)? {
            reader.array(3)?;
            let (document, delivered) = (reader.fixed()?, reader.small()?);
            let done = match reader.skip_null()? {
                true => None,
                false => Some(reader.small()?),
            };
            documents.insert(document, (delivered, done));
        }
        let delivered = Self {
            month,
            members,
            below,
            documents,
        };
        reader.finish(&delivered.encode())?;
        Ok(delivered)
    }
}

coded! {
    /// How a member moves.
    pub enum TransferKind ("transfer") {
        /// For good: chuyển sinh hoạt chính thức.
        Official = 0 "official",
        /// For a time, attached to another unit: sinh hoạt tạm thời.
        Temporary = 1 "temporary",
        /// Away for a time, attached nowhere.
        Away = 2 "away",
    }
}

coded! {
    /// A step of a move. Each unit takes its own.
    pub enum TransferStep ("transfer_step") {
        /// The unit the member leaves asks for it.
        Asked = 0 "asked",
        /// The level above recorded it, with its day.
        Recorded = 1 "recorded",
        /// The level above refused it.
        Refused = 2 "refused",
        /// The unit the member leaves entered it in its list.
        Left = 3 "left",
        /// The level above tells the other unit whom to expect.
        Expected = 4 "expected",
        /// The other unit entered the member in its list.
        Arrived = 5 "arrived",
    }
}

/// A step of a member's move between units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Transfer {
    /// The move; the same in both units.
    pub id: EntryId,
    /// How the member moves.
    pub kind: TransferKind,
    /// Which step.
    pub step: TransferStep,
    /// The member in the unit whose letter this is; ids of members do not leave their unit.
    #[serde(serialize_with = "ser::opt")]
    pub member: Option<MemberId>,
    /// The member's name.
    pub name: Words,
    /// Full or probationary.
    pub standing: Standing,
    /// First day.
    pub from: Date,
    /// Last day of a move for a time, if known.
    pub until: Option<Date>,
    /// The other unit, by name.
    pub place: Words,
    /// When, by the clock of whoever wrote it.
    pub at_ms: i64,
}

impl Transfer {
    /// Whether its texts and days can be meant.
    pub fn check(&self) -> Result<(), CommandError> {
        if self.name.trim().is_empty() {
            return Err(CommandError::Empty(What::Member));
        }
        for (text, what) in [(&self.name, What::Member), (&self.place, What::Place)] {
            let chars = text.chars_count();
            if chars > LETTER_CHARS_MAX {
                let limit = LETTER_CHARS_MAX;
                return Err(CommandError::TooLong { what, chars, limit });
            }
        }
        match (self.kind, self.until) {
            (TransferKind::Official, Some(_)) => Err(CommandError::Unknown(What::Day)),
            (_, Some(until)) if until < self.from => Err(CommandError::Unknown(What::Day)),
            _ => Ok(()),
        }
    }

    /// Canonical bytes: `[1, id, kind, step, member or null, name, standing, from, until or null, place, at]`.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(11).uint(VERSION).bytes(self.id.as_bytes());
        self.kind.write(&mut writer);
        self.step.write(&mut writer);
        writer
            .opt_bytes(self.member.as_ref().map(|member| &member.as_bytes()[..]))
            .text(&self.name);
        self.standing.write(&mut writer);
        self.from.write(&mut writer);
        match &self.until {
            Some(until) => until.write(&mut writer),
            None => drop(writer.null()),
        }
        writer.text(&self.place).int(self.at_ms);
        writer.into_bytes()
    }

    /// Reads what [`Transfer::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, CborError> {
        let mut reader = Reader::new(bytes);
        expect(&mut reader, 11)?;
        let transfer = Self {
            id: EntryId::from_bytes(reader.fixed()?),
            kind: TransferKind::read(&mut reader)?,
            step: TransferStep::read(&mut reader)?,
            member: reader.opt_fixed()?.map(MemberId::from_bytes),
            name: clean(&mut reader, line_of)?,
            standing: Standing::read(&mut reader)?,
            from: Date::read(&mut reader)?,
            until: match reader.skip_null()? {
                true => None,
                false => Some(Date::read(&mut reader)?),
            },
            place: clean(&mut reader, line_of)?,
            at_ms: reader.int()?,
        };
        reader.finish(&transfer.encode())?;
        transfer.check().map_err(|_| CborError::NotCanonical)?;
        Ok(transfer)
    }
}

#[cfg(test)]
#[path = "dispatch_tests.rs"]
mod tests;
