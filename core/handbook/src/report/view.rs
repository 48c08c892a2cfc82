//! Reading what was sent, and proposing what is to be sent next.

use serde::Serialize;
use sotay_document::Reads;
use sotay_feed::{DeviceId, InOrder};

use super::ReportFacts;
use crate::cell::encoded;
use crate::claim::{Devices, Mark, Tag};
use crate::date::Month;
use crate::ids::parse_id;
use crate::limits::REVISIONS_MAX;
use crate::message::Message;
use crate::schema;
use crate::sheet::Sheet;

/// All reports of a year that were sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ReportsView {
    /// By month, then by revision, then by device.
    pub sent: Vec<SentReport>,
    /// Revisions that were written over after they were sent: none of them is honest work.
    pub damaged: u32,
}

/// A report that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SentReport {
    /// 1 for the first of its month. Two phones may have sent the same number offline; both stay.
    pub revision: u32,
    /// What it says.
    pub facts: ReportFacts,
    /// Who sent it, when.
    pub mark: Mark,
}

/// A report that is not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proposal {
    /// Its number.
    pub revision: u32,
    /// What it would say.
    pub facts: ReportFacts,
    /// What changed since the revision before; empty for the first one.
    pub changes: Vec<Message>,
}

pub(super) fn revision_key(revision: u32, device: DeviceId, facts: &ReportFacts) -> String {
    let tag = Tag::of(&revision.to_string(), &encoded(facts));
    format!("{}/{revision}/{device}/{tag}", facts.month)
}

impl ReportsView {
    /// Reads the document. What the device of no officer sent does not count.
    pub fn read<R: Reads>(doc: &R, devices: &Devices) -> Self {
        let sheet = Sheet::of(doc, devices);
        let mut view = Self::default();
        for key in sheet.keys(schema::REVISIONS) {
            match one(&sheet, &key) {
                Some(sent) => view.sent.push(sent),
                None => view.damaged += 1,
            }
        }
        view.sent
            .in_order_by_key(|sent| (sent.facts.month, sent.revision, sent.mark.device));
        view
    }

    /// The last revision of a month; of two with the same number the first in order.
    pub fn last(&self, month: Month) -> Option<&SentReport> {
        let of_month = || self.sent.iter().filter(|sent| sent.facts.month == month);
        let revision = of_month().map(|sent| sent.revision).max()?;
        of_month().find(|sent| sent.revision == revision)
    }

    /// Whether two phones sent the last number of a month with different facts.
    pub fn is_split(&self, month: Month) -> bool {
        self.last(month).is_some_and(|last| {
            let same = |sent: &&SentReport| sent.facts.month == month && sent.revision == last.revision;
            self.sent.iter().filter(same).any(|sent| sent.facts != last.facts)
        })
    }

    /// What there is to send: the first report of a month, or the next revision when facts changed since the last one, or
    /// when two phones sent different ones under its number.
    pub fn proposal(&self, facts: ReportFacts) -> Option<Proposal> {
        match self.last(facts.month) {
            None => Some(Proposal {
                revision: 1,
                facts,
                changes: Vec::new(),
            }),
            Some(last) if last.facts == facts && !self.is_split(facts.month) => None,
            Some(last) => Some(Proposal {
                revision: last.revision + 1,
                changes: last.facts.changes(&facts),
                facts,
            }),
        }
    }
}

fn one<R: Reads>(sheet: &Sheet<'_, R>, key: &str) -> Option<SentReport> {
    let mut parts = key.split('/');
    let month: Month = parse_id(parts.next()?)?;
    let revision = parse_id::<u32>(parts.next()?).filter(|n| (1..=REVISIONS_MAX).contains(n))?;
    let device = parse_id(parts.next()?)?;
    let found = sheet.owned::<ReportFacts>(schema::REVISIONS, key, device)?;
    if found.value.month != month || revision_key(revision, device, &found.value) != key {
        return None;
    }
    Some(SentReport {
        revision,
        facts: found.value,
        mark: Mark {
            device,
            at_ms: found.at_ms,
        },
    })
}
