//! Monthly reports to the body above, in revisions.

use sotay_engine::handbook::report::{self, MeetingFacts, ReportFacts};
use sotay_engine::handbook::{Month, Names};

use crate::call::ask;
use crate::convert::mark;
use crate::error::{HandbookError, OrFault, parse};
use crate::kinds::{Language, MeetingKind};
use crate::meeting_view::MarkView;
use crate::records::Records;

/// What a report says of a meeting.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct MeetingFactsView {
    /// Which.
    pub meeting: String,
    /// Kind.
    pub kind: MeetingKind,
    /// Day.
    pub date: Option<String>,
    /// Whether its minutes were sealed.
    pub sealed: bool,
    /// Members on the list.
    pub total: u32,
    /// There.
    pub present: u32,
    /// Absent with a reason.
    pub excused: u32,
    /// Absent without one.
    pub unexcused: u32,
    /// Need not attend.
    pub exempt: u32,
    /// Away.
    pub away: u32,
    /// Who must attend.
    pub must_attend: u32,
    /// Of those, who was there.
    pub must_attend_present: u32,
    /// Speeches.
    pub speeches: u32,
    /// Conclusions.
    pub conclusions: u32,
    /// Votes.
    pub votes: u32,
    /// Points of the meeting, in hundredths.
    pub points: Option<u32>,
}

/// What a report says.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ReportFactsView {
    /// The month.
    pub month: String,
    /// Its meetings.
    pub meetings: Vec<MeetingFactsView>,
    /// Tasks that are open.
    pub tasks_open: u32,
    /// Of those, overdue ones.
    pub tasks_overdue: u32,
    /// Tasks reported as done.
    pub tasks_done: u32,
    /// Tasks accepted.
    pub tasks_accepted: u32,
    /// Fees owed, in đồng; none on a phone that may not read the ledger.
    pub fees_due: Option<u64>,
    /// Fees paid, in đồng.
    pub fees_paid: Option<u64>,
    /// Members who have not paid.
    pub fees_unpaid: Option<u32>,
    /// Items of feedback; none on a phone that may not read them.
    pub feedback: Option<u32>,
}

/// A report that was sent.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct SentReportView {
    /// 1 for the first of its month.
    pub revision: u32,
    /// What it says.
    pub facts: ReportFactsView,
    /// Who sent it, when.
    pub mark: MarkView,
}

/// A report that waits to be sent.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ReportProposalView {
    /// Its number.
    pub revision: u32,
    /// What it would say.
    pub facts: ReportFactsView,
    /// What changed since the revision before, in words; empty for the first one.
    pub changes: Vec<String>,
}

fn meeting_facts(facts: &MeetingFacts) -> MeetingFactsView {
    MeetingFactsView {
        meeting: facts.meeting.to_string(),
        kind: facts.kind,
        date: facts.date.map(|day| day.to_string()),
        sealed: facts.sealed,
        total: facts.total,
        present: facts.present,
        excused: facts.excused,
        unexcused: facts.unexcused,
        exempt: facts.exempt,
        away: facts.away,
        must_attend: facts.must_attend,
        must_attend_present: facts.must_attend_present,
        speeches: facts.speeches,
        conclusions: facts.conclusions,
        votes: facts.votes,
        points: facts.points,
    }
}

fn facts_view(facts: &ReportFacts) -> ReportFactsView {
    let fees = facts.fees.as_ref();
    ReportFactsView {
        month: facts.month.to_string(),
        meetings: facts.meetings.iter().map(meeting_facts).collect(),
        tasks_open: facts.tasks.open,
        tasks_overdue: facts.tasks.overdue,
        tasks_done: facts.tasks.done,
        tasks_accepted: facts.tasks.accepted,
        fees_due: fees.map(|fees| fees.due),
        fees_paid: fees.map(|fees| fees.paid),
        fees_unpaid: fees.map(|fees| fees.unpaid),
        feedback: facts.feedback,
    }
}

pub(crate) fn sent_view(names: &dyn Names, sent: &report::SentReport) -> SentReportView {
    SentReportView {
        revision: sent.revision,
        facts: facts_view(&sent.facts),
        mark: mark(names, &sent.mark),
    }
}

fn proposal_view(names: &dyn Names, language: Language, proposal: &report::Proposal) -> ReportProposalView {
    ReportProposalView {
        revision: proposal.revision,
        facts: facts_view(&proposal.facts),
        changes: proposal
            .changes
            .iter()
            .map(|change| change.text(language, names))
            .collect(),
    }
}

#[uniffi::export]
impl Records {
    /// The reports of a year that were sent, by month and revision.
    pub fn reports(&self, year: i32) -> Result<Vec<SentReportView>, HandbookError> {
        ask(&self.engine, move |device, _| {
            let reports = device.reports(year).or_fault()?;
            let names = device.names();
            Ok(reports.sent.iter().map(|sent| sent_view(names, sent)).collect())
        })
    }

    /// What a month's report (`2025-05`) would say now; none when the last one that was sent says the same.
    pub fn report_proposal(
        &self,
        month: String,
        language: Language,
    ) -> Result<Option<ReportProposalView>, HandbookError> {
        let month: Month = parse(&month, "month")?;
        ask(&self.engine, move |device, _| {
            let proposal = device.report_proposal(month).or_fault()?;
            let names = device.names();
            Ok(proposal.map(|proposal| proposal_view(names, language, &proposal)))
        })
    }

    /// The months of a year whose report is to be sent, for the first time or anew.
    pub fn reports_due(
        &self,
        year: i32,
        language: Language,
    ) -> Result<Vec<ReportProposalView>, HandbookError> {
        ask(&self.engine, move |device, _| {
            let due = device.reports_due(year).or_fault()?;
            let names = device.names();
            Ok(due
                .iter()
                .map(|proposal| proposal_view(names, language, proposal))
                .collect())
        })
    }

    /// Sends a month's report as it would be now. Officers only. Refused when nothing changed since the last one.
    pub fn send_report(&self, month: String) -> Result<SentReportView, HandbookError> {
        let month: Month = parse(&month, "month")?;
        ask(&self.engine, move |device, now| {
            let sent = device.send_report(month, now).or_fault()?;
            Ok(sent_view(device.names(), &sent))
        })
    }
}
