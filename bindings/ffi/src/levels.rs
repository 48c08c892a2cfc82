//! The levels: units above and below, branches founded by packs, letters about reports and feedback.

use std::path::Path;
use std::sync::Arc;

use sotay_engine::feed::UnitId;
use sotay_engine::handbook::dispatch::{ReportStep, ReportWord};
use sotay_engine::handbook::{Month, Words};
use sotay_engine::{Engine, Pack, PackCode, PassedLine, UnitKind};

use crate::branch::Branch;
use crate::call::{ask, tell};
use crate::error::{HandbookError, OrFault, guarded, parse, parse_opt};
use crate::feedback::{Feedback, FeedbackAnswer, FeedbackReplyView, reply};
use crate::handbook::{CreateConfig, Handbook, opened};
use crate::record_kinds::FeedbackStatus;
use crate::records::{Records, words};
use crate::reports::{SentReportView, sent_view};

/// A unit above this one.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct UnitAboveView {
    /// The unit, in hexadecimal.
    pub unit: String,
    /// How many levels above.
    pub steps: u8,
    /// Its name, as far as known here.
    pub name: Option<String>,
    /// Whether its roll has come.
    pub known: bool,
    /// Whether this phone holds a key of its broadcasts.
    pub readable: bool,
    /// Documents, quizzes and schedules of it that are here.
    pub published: u32,
}

/// A unit below this one.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct UnitBelowView {
    /// The unit, in hexadecimal.
    pub unit: String,
    /// Its name, as it was founded.
    pub name: String,
    /// Phones that may act in it.
    pub phones: u32,
}

/// A branch to found.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct NewBranch {
    /// Its name, as minutes print it.
    pub name: String,
    /// Name of its secretary.
    pub secretary: String,
}

/// A pack: what makes a phone the secretary's of a new branch.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct PackView {
    /// The text, to be handed over as a file.
    pub text: String,
    /// The code that opens it, to be handed over by another way.
    pub code: String,
}

/// A branch that was founded.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct FoundedView {
    /// The unit, in hexadecimal.
    pub unit: String,
    /// Its name.
    pub name: String,
    /// Packs of the secretary's phone and of the spare one.
    pub packs: Vec<PackView>,
}

/// What became of a report. The furthest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum ReportStepKind {
    /// A phone of the level above has it.
    Received,
    /// Somebody there has opened it.
    Opened,
    /// It was sent back, with what is to be changed.
    Returned,
    /// It was accepted.
    Accepted,
}

/// What the level above said of a report.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ReportWordView {
    /// What became of it.
    pub step: ReportStepKind,
    /// A remark.
    pub remark: Option<String>,
    /// When, milliseconds since 1970 UTC.
    pub at_ms: i64,
}

/// What became of one report.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ReportAnswerView {
    /// The month.
    pub month: String,
    /// The revision.
    pub revision: u32,
    /// The furthest step; none while nobody above is known to have it.
    pub step: Option<ReportStepKind>,
    /// Everything that was said of it, by time.
    pub words: Vec<ReportWordView>,
}

/// An item of feedback that was passed up.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct PassedFeedbackView {
    /// The unit that passed it up.
    pub unit: String,
    /// The item.
    pub item: String,
    /// What it is about.
    pub topic: String,
    /// What was said.
    pub text: String,
    /// Name of its writer, who agreed to that.
    pub writer: Option<String>,
    /// When it was passed up, milliseconds since 1970 UTC.
    pub passed_ms: i64,
    /// The furthest status above; none while no phone there is known to have it.
    pub status: Option<FeedbackStatus>,
    /// What was said of it above.
    pub replies: Vec<FeedbackReplyView>,
}

fn step_kind(step: ReportStep) -> ReportStepKind {
    match step {
        ReportStep::Received => ReportStepKind::Received,
        ReportStep::Opened => ReportStepKind::Opened,
        ReportStep::Returned => ReportStepKind::Returned,
        ReportStep::Accepted => ReportStepKind::Accepted,
    }
}

fn word_view(word: &ReportWord) -> ReportWordView {
    ReportWordView {
        step: step_kind(word.step),
        remark: word.remark.as_ref().map(words),
        at_ms: word.at_ms,
    }
}

fn passed_view(line: &PassedLine) -> PassedFeedbackView {
    PassedFeedbackView {
        unit: line.unit.to_string(),
        item: line.passed.item.to_string(),
        topic: words(&line.passed.topic),
        text: words(&line.passed.text),
        writer: line.passed.name.as_ref().map(words),
        passed_ms: line.passed.passed_ms,
        status: line.status,
        replies: line.replies.iter().map(|one| reply(&one.reply)).collect(),
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[uniffi::export]
impl Branch {
    /// The units above, nearest first.
    pub fn levels_above(&self) -> Result<Vec<UnitAboveView>, HandbookError> {
        let all = tell(&self.engine, |device, _| device.levels_above())?;
        let view = |line: sotay_engine::UpperLine| UnitAboveView {
            unit: line.origin.unit.to_string(),
            steps: line.origin.steps,
            name: line.origin.name,
            known: line.known,
            readable: line.readable,
            published: count(line.published),
        };
        Ok(all.into_iter().map(view).collect())
    }

    /// The units below, by name.
    pub fn branches(&self) -> Result<Vec<UnitBelowView>, HandbookError> {
        let all = ask(&self.engine, |device, _| Ok(device.branches()))?;
        let view = |line: sotay_engine::BranchLine| UnitBelowView {
            unit: line.unit.to_string(),
            name: line.name,
            phones: count(line.phones),
        };
        Ok(all.into_iter().map(view).collect())
    }

    /// Founds branches below this unit, all or none; gives the packs for their secretaries. Officers only.
    pub fn found_branches(&self, new: Vec<NewBranch>) -> Result<Vec<FoundedView>, HandbookError> {
        let branch = |new: NewBranch| sotay_engine::NewBranch {
            level: UnitKind::BRANCH,
            name: new.name,
            secretary: new.secretary,
        };
        let new: Vec<_> = new.into_iter().map(branch).collect();
        let founded = tell(&self.engine, move |device, now| device.found_branches(&new, now))?;
        let pack = |(text, code): (String, PackCode)| PackView {
            text,
            code: code.to_text(),
        };
        let view = |branch: sotay_engine::FoundedBranch| FoundedView {
            unit: branch.unit.to_string(),
            name: branch.name,
            packs: branch.packs.into_iter().map(pack).collect(),
        };
        Ok(founded.into_iter().map(view).collect())
    }
}

/// Makes the profile of a new branch's secretary in a folder, from a pack and its code. A failure leaves none behind.
#[uniffi::export]
pub fn create_from_pack(
    config: CreateConfig,
    pack: String,
    code: String,
) -> Result<Arc<Handbook>, HandbookError> {
    guarded(|| {
        let code = PackCode::from_text(&code).or_fault()?;
        let pack = Pack::from_text(&pack, &code).or_fault()?;
        let (folder, label, options) = config.read();
        Engine::create_from_pack(Path::new(&folder), &label, &pack, options)
            .map(opened)
            .or_fault()
    })
}

#[uniffi::export]
impl Records {
    /// What became of the reports of a year: of this unit, or of one below.
    pub fn report_answers(
        &self,
        unit: Option<String>,
        year: i32,
    ) -> Result<Vec<ReportAnswerView>, HandbookError> {
        let unit = parse_opt(unit.as_ref(), "unit")?;
        let all = tell(&self.engine, move |device, _| device.report_answers(unit, year))?;
        let view = |answer: &sotay_engine::ReportAnswer| ReportAnswerView {
            month: answer.month.to_string(),
            revision: answer.revision,
            step: answer.step.map(step_kind),
            words: answer.words.iter().map(word_view).collect(),
        };
        Ok(all.iter().map(view).collect())
    }

    /// The reports of a year that a unit below has sent, as far as they have come.
    pub fn reports_of(&self, unit: String, year: i32) -> Result<Vec<SentReportView>, HandbookError> {
        let unit: UnitId = parse(&unit, "unit")?;
        ask(&self.engine, move |device, _| {
            let reports = device.branch_reports(unit, year).or_fault()?;
            let names = device.names();
            Ok(reports.sent.iter().map(|sent| sent_view(names, sent)).collect())
        })
    }

    /// On the level above: opens a report of a unit below, which the unit is told. Of two that were sent under one number both
    /// are given.
    pub fn open_report(
        &self,
        unit: String,
        month: String,
        revision: u32,
    ) -> Result<Vec<SentReportView>, HandbookError> {
        let (unit, month): (UnitId, Month) = (parse(&unit, "unit")?, parse(&month, "month")?);
        ask(&self.engine, move |device, now| {
            let sent = device.open_report(unit, month, revision, now).or_fault()?;
            let names = device.names();
            Ok(sent.iter().map(|sent| sent_view(names, sent)).collect())
        })
    }

    /// On the level above: accepts a report, or returns it with a remark, which then must say something.
    pub fn answer_report(
        &self,
        unit: String,
        month: String,
        revision: u32,
        accepted: bool,
        remark: String,
    ) -> Result<(), HandbookError> {
        let (unit, month): (UnitId, Month) = (parse(&unit, "unit")?, parse(&month, "month")?);
        ask(&self.engine, move |device, now| {
            let remark = Words::from(remark.as_str());
            device
                .answer_report(unit, (month, revision), accepted, &remark, now)
                .or_fault()?;
            Ok(())
        })
    }
}

#[uniffi::export]
impl Feedback {
    /// Passes an item up to the level above: with its writer's name if the writer agreed, otherwise without name and with the
    /// day alone. Passing it up again changes nothing. Officers only.
    pub fn pass_up(&self, item: String) -> Result<(), HandbookError> {
        let item = parse(&item, "item")?;
        ask(&self.engine, move |device, now| {
            device.pass_up_feedback(item, now).or_fault()?;
            Ok(())
        })
    }

    /// What this unit passed up, oldest first, and what was said of it above. Officers only.
    pub fn passed(&self) -> Result<Vec<PassedFeedbackView>, HandbookError> {
        let all = tell(&self.engine, |device, _| device.passed_feedback())?;
        Ok(all.iter().map(passed_view).collect())
    }

    /// What the units below passed up to this one, oldest first.
    pub fn from_below(&self) -> Result<Vec<PassedFeedbackView>, HandbookError> {
        let all = tell(&self.engine, |device, _| device.feedback_from_below())?;
        Ok(all.iter().map(passed_view).collect())
    }

    /// On the level above: says what became of an item that a unit below passed up. Its committee hands the answer on.
    pub fn answer_below(&self, answer: FeedbackAnswer) -> Result<(), HandbookError> {
        let item = parse(&answer.item, "item")?;
        let text = answer.text.as_deref().map(Words::from);
        tell(&self.engine, move |device, now| {
            device.answer_from_above(item, answer.status, text, answer.public, now)
        })
    }

    /// Hands the answer from above on, to the writer or, of an item without name, to everybody. Officers only.
    pub fn hand_on(&self, item: String) -> Result<(), HandbookError> {
        let item = parse(&item, "item")?;
        tell(&self.engine, move |device, now| device.hand_on_answer(item, now))
    }
}
