//! The monthly report: computed from what this device knows, sent as revisions in the unit's `report` space.

use sotay_feed::{Draft, Kind, Space, SpaceKind};
use sotay_handbook::meeting::MeetingView;
use sotay_handbook::report::{self, Proposal, ReportFacts, ReportModel, ReportsView, SentReport};
use sotay_handbook::{DocKind, Message, Month};
use sotay_membership::Record;
use sotay_store::Store;
use sotay_vault::new_epoch;

use super::Device;
use super::home::ring_puts;
use crate::error::DeviceError;

impl<S: Store> Device<S> {
    /// All reports of a year that were sent.
    pub fn reports(&mut self, year: i32) -> Result<ReportsView, DeviceError> {
        let key = self.year_key(DocKind::Report, year)?;
        let devices = self.holders()?;
        self.view(key, |image| ReportsView::read(image, &devices))
    }

    /// What a report of a month would say now. A sealed meeting counts as its seal and its addenda have it; what was
    /// recorded later counts once it is signed.
    pub fn report_facts(&mut self, month: Month) -> Result<ReportFacts, DeviceError> {
        let mut meetings: Vec<MeetingView> = Vec::new();
        for heading in self.meetings()? {
            if heading.month.or(heading.date.map(|day| day.month())) == Some(month) {
                meetings.push(self.vouched_view(heading.doc)?);
            }
        }
        let tasks = self.tasks(month.year())?;
        let fees = match self.fee_month(month) {
            Ok(fees) => Some(fees),
            Err(DeviceError::Denied(_)) => None,
            Err(error) => return Err(error),
        };
        let feedback = self.count_feedback(month)?;
        Ok(ReportFacts::compute(
            month,
            &meetings,
            &tasks,
            fees.as_ref(),
            feedback,
        ))
    }

    /// What there is to send of a month: nothing when nothing changed since the last revision.
    pub fn report_proposal(&mut self, month: Month) -> Result<Option<Proposal>, DeviceError> {
        let facts = self.report_facts(month)?;
        Ok(self.reports(month.year())?.proposal(facts))
    }

    /// Months of a year with something to send: those with a meeting, or whose facts changed after a revision was sent.
    pub fn reports_due(&mut self, year: i32) -> Result<Vec<Proposal>, DeviceError> {
        let sent = self.reports(year)?;
        let mut due = Vec::new();
        for number in 1..=12 {
            let Some(month) = sotay_handbook::Date::new(year, number, 1).map(|day| day.month()) else {
                continue;
            };
            let facts = self.report_facts(month)?;
            if sent.last(month).is_some() || !facts.meetings.is_empty() {
                due.extend(sent.proposal(facts));
            }
        }
        Ok(due)
    }

    /// Sends the next revision of a month, and gives it back.
    pub fn send_report(&mut self, month: Month, now: i64) -> Result<SentReport, DeviceError> {
        let key = self.year_key(DocKind::Report, month.year())?;
        let facts = Box::new(self.report_facts(month)?);
        let (acting, devices) = (self.acting(now)?, self.holders()?);
        self.open_space(Space::of(self.home()?.unit, SpaceKind::Report))?;
        self.edit(key, now, |tx| {
            report::apply(tx, &acting, &devices, &report::Command::Send { facts })
        })?;
        self.send_delivered(month, now)?;
        let sent = self.reports(month.year())?;
        sent.last(month)
            .cloned()
            .ok_or(DeviceError::Internal("report that was sent"))
    }

    /// What a template of reports is filled with: a revision that was sent, or the proposed one.
    pub fn report_model(
        &mut self,
        month: Month,
        revision: Option<u32>,
    ) -> Result<Option<ReportModel>, DeviceError> {
        let sent = self.reports(month.year())?;
        let of_month: Vec<&SentReport> = sent
            .sent
            .iter()
            .filter(|sent| sent.facts.month == month)
            .collect();
        let proposal = self.report_proposal(month)?;
        let wanted = revision.or(proposal.as_ref().map(|proposal| proposal.revision));
        let last = of_month.iter().map(|sent| sent.revision).max();
        let wanted = wanted.or(last);
        let (facts, number, is_sent, changes): (&ReportFacts, u32, bool, Vec<Message>) = match (
            of_month.iter().find(|sent| Some(sent.revision) == wanted),
            &proposal,
        ) {
            (Some(found), _) => {
                let before = of_month.iter().rev().find(|sent| sent.revision < found.revision);
                let changes = before.map(|before| before.facts.changes(&found.facts));
                (&found.facts, found.revision, true, changes.unwrap_or_default())
            }
            (None, Some(proposal)) if Some(proposal.revision) == wanted => (
                &proposal.facts,
                proposal.revision,
                false,
                proposal.changes.clone(),
            ),
            _ => return Ok(None),
        };
        let heading = self.heading_on(Some(month.next().first()))?;
        Ok(Some(ReportModel::of(
            facts,
            number,
            is_sent,
            &changes,
            &heading,
            &self.people,
        )))
    }

    /// An epoch of a space that this device can write under: the one that is there, or a new one for all its readers. Units
    /// that were founded before a space existed get its first epoch so.
    pub(super) fn open_space(&mut self, space: Space) -> Result<(), DeviceError> {
        let roll = self.space(SpaceKind::Roll)?;
        let (roll_id, id) = (roll.id(), space.id());
        self.replica.know_space(space)?;
        let membership = self.membership()?;
        let writing = membership.writing_epoch(&id);
        let known = writing.is_some_and(|epoch| self.ring.get(id.tag(), epoch).is_some());
        if known || membership.may_read(self.id(), &space).is_err() {
            return Ok(());
        }
        let (readers, previous) = (membership.readers(&space), membership.epoch_previous(&id));
        let (key, record) = new_epoch(&id, previous, &readers, &mut *self.rng)
            .map_err(|_| DeviceError::Internal("epoch of a space"))?;
        let tip = self.replica.store().tip(&roll_id, self.id())?;
        let epoch = Draft::next(&self.keys, Kind::EPOCH, &roll_id, tip)
            .sign(&self.keys, &roll_id, &Record::Epoch(record).encode())
            .map_err(|_| DeviceError::Internal("epoch of a space"))?;
        let mut ring = self.ring.clone();
        ring.insert(id.tag(), key);
        self.append(&roll, vec![epoch], ring_puts(&self.ring, &ring)?)?;
        self.ring = ring;
        Ok(())
    }
}
