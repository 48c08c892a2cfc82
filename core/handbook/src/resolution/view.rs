//! Reading a resolution.

use serde::Serialize;
use sotay_document::Reads;
use sotay_feed::{DocId, InOrder, MemberId};

use super::{Part, RecipientCell, TaskCell, VoteLine, number_text};
use crate::cell::object;
use crate::claim::{Devices, Field, Mark};
use crate::date::Date;
use crate::ids::{EntryId, parse_id, ser};
use crate::meeting::Person;
use crate::schema;
use crate::sheet::Sheet;
use crate::words::{Words, paragraph_of};

pub(super) const NUMBER: &str = "number";
pub(super) const DATE: &str = "date";
pub(super) const TITLE: &str = "title";
pub(super) const SIGNER: &str = "signer";
pub(super) const MEETING: &str = "meeting";
pub(super) const VOTE: &str = "vote";
pub(super) const ISSUED: &str = "issued";

/// A whole resolution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResolutionView {
    /// Which document.
    #[serde(serialize_with = "ser::id")]
    pub id: DocId,
    /// Its number.
    pub number: Field<u32>,
    /// Its day.
    pub date: Field<Date>,
    /// What it is about.
    pub title: Field<Words>,
    /// Who signs.
    pub signer: Field<Person>,
    /// The meeting it comes from.
    #[serde(serialize_with = "ser::opt")]
    pub meeting: Option<DocId>,
    /// Parts that are not empty.
    pub parts: Vec<(Part, Words)>,
    /// Tasks in order.
    pub tasks: Vec<ResolutionTask>,
    /// Who gets a copy, in order.
    pub recipients: Vec<Recipient>,
    /// The vote.
    pub vote: Field<VoteLine>,
    /// Who issued it, when.
    pub issued: Vec<Mark>,
}

/// A task of a resolution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResolutionTask {
    /// Id.
    pub id: EntryId,
    /// What is to be done.
    pub text: Words,
    /// Who is responsible.
    #[serde(serialize_with = "ser::list")]
    pub people: Vec<MemberId>,
    /// By when.
    pub deadline: Option<Date>,
    #[serde(skip)]
    pub(super) order: String,
    #[serde(skip)]
    pub(super) cells: Field<Option<TaskCell>>,
}

/// Somebody who gets a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recipient {
    /// Id.
    pub id: EntryId,
    /// As printed.
    pub label: Words,
    #[serde(skip)]
    pub(super) order: String,
}

impl ResolutionView {
    /// Reads the document.
    pub fn read<R: Reads>(doc: &R, id: DocId, devices: &Devices) -> Self {
        let sheet = Sheet::of(doc, devices);
        Self {
            id,
            number: sheet.field(schema::INFO, NUMBER, "info/number"),
            date: sheet.field(schema::INFO, DATE, "info/date"),
            title: sheet.field(schema::INFO, TITLE, "info/title"),
            signer: sheet.field(schema::INFO, SIGNER, "info/signer"),
            meeting: sheet.plain(schema::INFO, MEETING),
            parts: parts(doc, &sheet),
            tasks: tasks(&sheet),
            recipients: recipients(&sheet),
            vote: sheet.field(schema::INFO, VOTE, "info/vote"),
            issued: issued(&sheet),
        }
    }

    /// `03-NQ/CB`, once it has a number.
    pub fn number_text(&self) -> Option<String> {
        self.number.value.map(number_text)
    }

    /// Does nothing of it change any more?
    pub fn is_issued(&self) -> bool {
        !self.issued.is_empty()
    }

    /// A part; empty when nobody wrote it.
    pub fn part(&self, part: Part) -> &str {
        let found = self.parts.iter().find(|(of, _)| *of == part);
        found.map(|(_, text)| text.as_str()).unwrap_or_default()
    }
}

fn parts<R: Reads>(doc: &R, sheet: &Sheet<'_, R>) -> Vec<(Part, Words)> {
    let Some(map) = sheet.map(schema::PARTS) else {
        return Vec::new();
    };
    let text = |part: &Part| {
        let text = doc.text_of(&object(doc, &map, part.key())?)?;
        Some((*part, Words::from(paragraph_of(&text))))
    };
    Part::ALL
        .iter()
        .filter_map(text)
        .filter(|(_, text)| !text.trim().is_empty())
        .collect()
}

fn tasks<R: Reads>(sheet: &Sheet<'_, R>) -> Vec<ResolutionTask> {
    let one = |key: &String| {
        let cells: Field<Option<TaskCell>> = sheet.field(schema::TASKS, key, &format!("task/{key}"));
        // What somebody rewrote while it was removed elsewhere comes back, and is asked about.
        let shown = cells.claims.iter().find_map(|claim| claim.value.clone());
        let cell = match cells.contest.is_open() {
            true => shown?,
            false => cells.value.clone().flatten()?,
        };
        Some(ResolutionTask {
            id: parse_id(key)?,
            text: cell.text.0,
            people: cell.people,
            deadline: cell.deadline,
            order: cell.order,
            cells,
        })
    };
    let mut tasks: Vec<ResolutionTask> = sheet.keys(schema::TASKS).iter().filter_map(one).collect();
    tasks.in_order_by(|a, b| (&a.order, a.id).cmp(&(&b.order, b.id)));
    tasks
}

fn recipients<R: Reads>(sheet: &Sheet<'_, R>) -> Vec<Recipient> {
    let one = |key: &String| {
        let cells: Field<Option<RecipientCell>> = sheet.field(schema::RECIPIENTS, key, "");
        let cell = cells.claims.into_iter().find_map(|claim| claim.value)?;
        Some(Recipient {
            id: parse_id(key)?,
            label: cell.label,
            order: cell.order,
        })
    };
    let mut all: Vec<Recipient> = sheet.keys(schema::RECIPIENTS).iter().filter_map(one).collect();
    all.in_order_by(|a, b| (&a.order, a.id).cmp(&(&b.order, b.id)));
    all
}

fn issued<R: Reads>(sheet: &Sheet<'_, R>) -> Vec<Mark> {
    let one = |key: &String| {
        let (step, device) = key.split_once('/')?;
        let device = parse_id(device).filter(|_| step == ISSUED)?;
        let found = sheet.owned::<bool>(schema::STEPS, key, device)?;
        Some(Mark {
            device,
            at_ms: found.at_ms,
        })
    };
    let mut marks: Vec<Mark> = sheet.keys(schema::STEPS).iter().filter_map(one).collect();
    marks.in_order();
    marks
}
