//! What becomes of a report above: received by itself, opened, accepted or returned by a person there; and how far the
//! documents from above have come, which goes up with it.

use std::collections::BTreeMap;

use serde::Serialize;
use sotay_feed::{DeviceId, InOrder, IntoTree, Space, SpaceKind, UnitId};
use sotay_handbook::dispatch::{Delivered, PassedUp, ReportStep, ReportWord, remark};
use sotay_handbook::feedback::{FeedbackReply, FeedbackStatus};
use sotay_handbook::limits::DELIVERED_DOCUMENTS_MAX;
use sotay_handbook::report::SentReport;
use sotay_handbook::{CommandError, Month, What, Words};
use sotay_store::{Bucket, Put, Store};
use sotay_study::library::Hash;

use super::Device;
use super::letters::{DELIVERED, PASSED, REPLY, WORD};
use super::library::LibraryError;
use super::roster::today;
use crate::error::DeviceError;

/// How far this device has looked through the `report` space of a unit below for what to acknowledge.
const LOOKED: u8 = b'c';

/// What became of one report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportAnswer {
    /// The month.
    pub month: Month,
    /// The revision.
    pub revision: u32,
    /// The phone that sent it.
    #[serde(serialize_with = "crate::text_of")]
    pub sender: DeviceId,
    /// The furthest step; `None` while nobody above is known to have it.
    pub step: Option<ReportStep>,
    /// Everything that was said of it, by time.
    pub words: Vec<ReportWord>,
}

/// How far a document from above has come, over all units below that told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct DeliveredBelow {
    /// Units that told, at any depth below.
    pub units: usize,
    /// Units below that told nothing of it, as far as they are known.
    pub silent: usize,
    /// Members of these units.
    pub members: u32,
    /// Members who told that they have it.
    pub delivered: u32,
    /// Members who told that they have read it; units in which few told anything count nobody here.
    pub done: u32,
}

fn same(word: &ReportWord, sent: &SentReport) -> bool {
    (word.month, word.revision, word.sender) == (sent.facts.month, sent.revision, sent.mark.device)
}

impl<S: Store> Device<S> {
    fn words(&self, unit: UnitId) -> Result<Vec<ReportWord>, DeviceError> {
        let mut words = self.letters(WORD, unit, |_, bytes| ReportWord::decode(bytes).ok())?;
        words.in_order_by_key(|word| (word.month, word.revision, word.at_ms, word.step));
        Ok(words)
    }

    /// What became of the reports of a year: of this unit, or of one below.
    pub fn report_answers(
        &mut self,
        unit: Option<UnitId>,
        year: i32,
    ) -> Result<Vec<ReportAnswer>, DeviceError> {
        let sent = match unit {
            Some(unit) => self.branch_reports(unit, year)?,
            None => self.reports(year)?,
        };
        let words = self.words(unit.unwrap_or(self.home()?.unit))?;
        let answer = |sent: &SentReport| {
            let words: Vec<ReportWord> = words.iter().filter(|word| same(word, sent)).cloned().collect();
            ReportAnswer {
                month: sent.facts.month,
                revision: sent.revision,
                sender: sent.mark.device,
                step: words.iter().map(|word| word.step).max(),
                words,
            }
        };
        Ok(sent.sent.iter().map(answer).collect())
    }

    /// On the level above: opens a report of a unit below, which the unit is told.
    pub fn open_report(
        &mut self,
        unit: UnitId,
        month: Month,
        revision: u32,
        now: i64,
    ) -> Result<Vec<SentReport>, DeviceError> {
        self.say_of_report(unit, (month, revision), ReportStep::Opened, None, now)
    }

    /// On the level above: accepts a report, or returns it with a remark.
    pub fn answer_report(
        &mut self,
        unit: UnitId,
        (month, revision): (Month, u32),
        accepted: bool,
        text: &Words,
        now: i64,
    ) -> Result<Vec<SentReport>, DeviceError> {
        let text = remark(text, What::Report)?;
        let step = match accepted {
            true => ReportStep::Accepted,
            false if text.is_none() => return Err(CommandError::Empty(What::Report).into()),
            false => ReportStep::Returned,
        };
        self.say_of_report(unit, (month, revision), step, text, now)
    }

    /// Of two reports that phones sent under one number both are meant.
    fn say_of_report(
        &mut self,
        unit: UnitId,
        (month, revision): (Month, u32),
        step: ReportStep,
        text: Option<Words>,
        now: i64,
    ) -> Result<Vec<SentReport>, DeviceError> {
        let unit = self.below(unit)?;
        let mut sent = self.branch_reports(unit, month.year())?.sent;
        sent.retain(|sent| sent.facts.month == month && sent.revision == revision);
        if sent.is_empty() {
            return Err(CommandError::Unknown(What::Report).into());
        }
        let words = self.words(unit)?;
        let letters: Vec<(u8, Vec<u8>)> = sent
            .iter()
            .filter(|sent| {
                let known = |word: &ReportWord| same(word, sent) && word.step == step && word.remark == text;
                !words.iter().any(known)
            })
            .map(|sent| {
                let word = ReportWord {
                    month,
                    revision,
                    sender: sent.mark.device,
                    step,
                    remark: text.clone(),
                    at_ms: now,
                };
                (WORD, word.encode())
            })
            .collect();
        self.write_letters(unit, &letters)?;
        Ok(sent)
    }

    /// On a phone of the level above, whenever something came: tells the units below which reports and which feedback have
    /// arrived. Nothing new: nothing is written.
    pub(super) fn acknowledge(&mut self, now: i64) -> Result<(), DeviceError> {
        let below: Vec<UnitId> = self.followed.units.keys().copied().collect();
        for unit in below {
            let space = Space::of(unit, SpaceKind::Report);
            let head = self.replica.store().head(&space.id())?.number;
            let key = [&[LOOKED], &unit.as_bytes()[..]].concat();
            let looked = self.replica.store().get(Bucket::Dispatch, &key)?;
            let head_bytes = head.to_be_bytes().to_vec();
            if head == 0 || looked.as_ref() == Some(&head_bytes) || self.writing_key(&space).is_err() {
                continue;
            }
            let letters = self.due_receipts(unit, now)?;
            self.write_letters(unit, &letters)?;
            self.write(vec![Put {
                bucket: Bucket::Dispatch,
                key,
                value: Some(head_bytes),
            }])?;
        }
        Ok(())
    }

    fn due_receipts(&mut self, unit: UnitId, now: i64) -> Result<Vec<(u8, Vec<u8>)>, DeviceError> {
        let (year, words) = (today(now).month().year(), self.words(unit)?);
        let mut letters = Vec::new();
        for year in year - 1..=year + 1 {
            for sent in self.branch_reports(unit, year)?.sent {
                if !words.iter().any(|word| same(word, &sent)) {
                    let word = ReportWord {
                        month: sent.facts.month,
                        revision: sent.revision,
                        sender: sent.mark.device,
                        step: ReportStep::Received,
                        remark: None,
                        at_ms: now,
                    };
                    letters.push((WORD, word.encode()));
                }
            }
        }
        let answered = self.letters(REPLY, unit, |_, bytes| {
            FeedbackReply::decode(bytes.get(1..)?).ok()
        })?;
        for passed in self.letters(PASSED, unit, |_, bytes| PassedUp::decode(bytes).ok())? {
            if !answered.iter().any(|reply| reply.item == passed.item) {
                let reply = FeedbackReply {
                    item: passed.item,
                    status: FeedbackStatus::Received,
                    text: None,
                    at_ms: now,
                };
                letters.push((REPLY, [&[0], &reply.encode()[..]].concat()));
            }
        }
        Ok(letters)
    }

    /// The figures of documents from above that go up with the report of a month: of this unit, and of all below it that
    /// told.
    pub(super) fn delivered_from_above(&mut self, month: Month, now: i64) -> Result<Delivered, LibraryError> {
        let above: Vec<Hash> = self
            .library()?
            .into_iter()
            .filter(|entry| entry.from.steps > 0)
            .map(|entry| entry.id)
            .take(DELIVERED_DOCUMENTS_MAX)
            .collect();
        let figures = self.delivery(now)?;
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let of = |id: &Hash| {
            let figures = figures.get(id)?;
            Some((id.0, (count(figures.delivered), figures.done.map(count))))
        };
        let mut sum = Delivered {
            month,
            members: count(self.roster_view()?.at(today(now)).lines().len()),
            below: None,
            documents: above.iter().filter_map(of).into_map(),
        };
        for unit in self.followed.units.keys() {
            let reach = sum.below.get_or_insert_default();
            reach.units = reach.units.saturating_add(1);
            let Some(told) = self.told_by(*unit)? else {
                continue;
            };
            let further = told.below.unwrap_or_default();
            reach.told = reach.told.saturating_add(1).saturating_add(further.told);
            reach.units = reach.units.saturating_add(further.units);
            sum.members = sum.members.saturating_add(told.members);
            for (document, (delivered, done)) in &told.documents {
                let Some((all, all_done)) = sum.documents.get_mut(document) else {
                    continue;
                };
                *all = all.saturating_add(*delivered);
                *all_done = match (*all_done, *done) {
                    (Some(all), Some(done)) => Some(all.saturating_add(done)),
                    (known, None) | (None, known) => known,
                };
            }
        }
        Ok(sum)
    }

    /// Sends the figures of documents from above, if there are any, beside the report of a month.
    pub(super) fn send_delivered(&mut self, month: Month, now: i64) -> Result<(), DeviceError> {
        let delivered = self
            .delivered_from_above(month, now)
            .map_err(|_| DeviceError::damaged("library"))?;
        if delivered.documents.is_empty() {
            return Ok(());
        }
        let unit = self.home()?.unit;
        self.write_letters(unit, &[(DELIVERED, delivered.encode())])
    }

    /// What a unit below last told of documents from above.
    fn told_by(&self, unit: UnitId) -> Result<Option<Delivered>, DeviceError> {
        let told = self.letters(DELIVERED, unit, |_, bytes| Delivered::decode(bytes).ok())?;
        Ok(told
            .into_iter()
            .max_by_key(|told| (told.month, told.members, told.encode())))
    }

    /// On the level above: how far each document has come in the units below, at any depth, by what they last told. Figures
    /// only. Each unit sends its own, and those of the units below it, with its report; the units that told nothing are
    /// counted, as far as they are known.
    pub fn delivered_below(&self) -> Result<BTreeMap<Hash, DeliveredBelow>, DeviceError> {
        let (mut all, mut known): (BTreeMap<Hash, DeliveredBelow>, usize) = (BTreeMap::new(), 0);
        for unit in self.followed.units.keys() {
            let told = self.told_by(*unit)?;
            let further = told.as_ref().and_then(|told| told.below).unwrap_or_default();
            known += 1 + further.units as usize;
            if let Some(told) = &told {
                for (document, (delivered, done)) in &told.documents {
                    let sum = all.entry(Hash(*document)).or_default();
                    sum.units += 1 + further.told as usize;
                    sum.members = sum.members.saturating_add(told.members);
                    sum.delivered = sum.delivered.saturating_add(*delivered);
                    sum.done = sum.done.saturating_add(done.unwrap_or(0));
                }
            }
        }
        for sum in all.values_mut() {
            sum.silent = known.saturating_sub(sum.units);
        }
        Ok(all)
    }
}
