//! Reading the ledger.

use std::collections::BTreeMap;

use serde::Serialize;
use sotay_document::Reads;
use sotay_feed::{DeviceId, InOrder, IntoTree, MemberId};

use super::LineCell;
use crate::cell::encoded;
use crate::claim::{Choices, Devices, Field, Mark, Tag};
use crate::date::{Date, Month};
use crate::ids::{EntryId, parse_id, ser};
use crate::schema;
use crate::sheet::Sheet;
use crate::words::Words;

/// The ledger of a year.
#[derive(Debug, Serialize)]
pub struct FeesView {
    /// All lines, by month, then by day, then by id.
    pub lines: Vec<FeeLine>,
    /// What members were assessed at, by member, then by first month.
    pub assessed: Vec<Assessed>,
    /// Lines that were written over after they were made: none of them is honest work.
    pub damaged: u32,
    #[serde(skip)]
    pub(super) choices: Choices,
}

impl PartialEq for FeesView {
    fn eq(&self, other: &Self) -> bool {
        (&self.lines, &self.assessed, self.damaged) == (&other.lines, &other.assessed, other.damaged)
    }
}

/// A line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeeLine {
    /// Id.
    pub id: EntryId,
    /// The month it is for.
    pub month: Month,
    /// Who paid.
    #[serde(serialize_with = "ser::id")]
    pub payer: MemberId,
    /// Đồng.
    pub amount: u32,
    /// The day.
    pub day: Date,
    /// Who recorded it.
    #[serde(serialize_with = "ser::opt")]
    pub recorder: Option<MemberId>,
    /// A remark.
    pub note: Option<Words>,
    /// On which phone, when.
    pub mark: Mark,
    /// Of a reversing line: the line it takes back.
    pub reverses: Option<EntryId>,
    /// The reversing line that takes this one back.
    pub reversed_by: Option<EntryId>,
    /// What it adds to the sum, in đồng: nothing for a reversing line whose line is not here, or was taken back already.
    pub counts: i64,
}

/// What a member pays from a month on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Assessed {
    /// Who.
    #[serde(serialize_with = "ser::id")]
    pub member: MemberId,
    /// First month.
    pub from: Month,
    /// Đồng a month; `None` for the rate again.
    pub amount: Field<Option<u32>>,
}

pub(super) fn line_key(id: EntryId, device: DeviceId, cell: &LineCell) -> String {
    let tag = Tag::of(&id.to_string(), &encoded(cell));
    format!("{id}/{device}/{tag}")
}

impl FeesView {
    /// Reads the document.
    pub fn read<R: Reads>(doc: &R, devices: &Devices) -> Self {
        let sheet = Sheet::of(doc, devices);
        let mut damaged = 0;
        let mut lines: Vec<FeeLine> = Vec::new();
        for key in sheet.keys(schema::LINES) {
            match line(&sheet, &key) {
                Some(line) => lines.push(line),
                None => damaged += 1,
            }
        }
        lines.in_order_by_key(|line| (line.month, line.day, line.id));
        reverse(&mut lines);
        let assessed = assessed(&sheet);
        Self {
            lines,
            assessed,
            damaged,
            choices: sheet.choices,
        }
    }

    /// One line.
    pub fn line(&self, id: EntryId) -> Option<&FeeLine> {
        self.lines.iter().find(|line| line.id == id)
    }

    /// Sum of what counts, in đồng.
    pub fn total(&self) -> i64 {
        self.lines.iter().map(|line| line.counts).sum()
    }

    /// What a member was assessed at in a month.
    pub fn assessed_at(&self, member: MemberId, month: Month) -> Option<u32> {
        let held = self
            .assessed
            .iter()
            .filter(|one| one.member == member && one.from <= month);
        held.max_by_key(|one| one.from)?.amount.value.flatten()
    }
}

fn line<R: Reads>(sheet: &Sheet<'_, R>, key: &str) -> Option<FeeLine> {
    let mut parts = key.split('/');
    let (id, device) = (parse_id(parts.next()?)?, parse_id(parts.next()?)?);
    let found = sheet.owned::<LineCell>(schema::LINES, key, device)?;
    let cell = found.value;
    if line_key(id, device, &cell) != key {
        return None;
    }
    Some(FeeLine {
        id,
        month: cell.month,
        payer: cell.payer,
        amount: cell.amount,
        day: cell.day,
        recorder: cell.recorder,
        note: cell.note,
        mark: Mark {
            device,
            at_ms: found.at_ms,
        },
        counts: if cell.reverses.is_some() {
            0
        } else {
            i64::from(cell.amount)
        },
        reverses: cell.reverses,
        reversed_by: None,
    })
}

/// The first reversing line of a line, in their order, takes it back; another one takes back nothing.
fn reverse(lines: &mut [FeeLine]) {
    let places: BTreeMap<EntryId, usize> = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.reverses.is_none())
        .map(|(at, line)| (line.id, at))
        .into_map();
    for at in 0..lines.len() {
        let wrong = lines[at].reverses.and_then(|id| places.get(&id).copied());
        let Some(wrong) = wrong.filter(|&wrong| lines[wrong].reversed_by.is_none()) else {
            continue;
        };
        lines[wrong].reversed_by = Some(lines[at].id);
        lines[at].counts = -lines[wrong].counts;
    }
}

fn assessed<R: Reads>(sheet: &Sheet<'_, R>) -> Vec<Assessed> {
    let keys = sheet.keys(schema::ASSESSED);
    let one = |key: &String| {
        let (member, from) = key.split_once('/')?;
        Some(Assessed {
            member: parse_id(member)?,
            from: parse_id(from)?,
            amount: sheet.field(schema::ASSESSED, key, &format!("assessed/{key}")),
        })
    };
    keys.iter().filter_map(one).collect()
}
