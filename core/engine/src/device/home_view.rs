//! The first screen: which meeting it is about, what belongs there, and what waits.

use std::collections::BTreeMap;

use serde::Serialize;
use sotay_feed::DocId;
use sotay_handbook::directive::Holidays;
use sotay_handbook::dispatch::{ReportStep, TransferStep};
use sotay_handbook::home::{HomeAction, HomePhase, HomeRole, home, is_clerk};
use sotay_handbook::meeting::{Command, Step, TakenFees, TakenTask};
use sotay_handbook::tasks::Task;
use sotay_handbook::{Date, Month};
use sotay_store::Store;

use super::Device;
use super::meetings::MeetingHeading;
use super::roster::today;
use crate::error::DeviceError;

/// What the first screen needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HomeView {
    /// Today.
    pub today: Date,
    /// What is celebrated today.
    pub holiday: Option<String>,
    /// Who the holder of this phone is; a member who is on no list of today counts as a member.
    pub role: HomeRole,
    /// Whether the holder takes the minutes of the meeting.
    pub clerk: bool,
    /// The meeting the screen is about: the one that runs, else the next one, else the last one that is not sealed.
    pub meeting: Option<MeetingHeading>,
    /// How far it is.
    pub phase: HomePhase,
    /// What belongs on the screen, in order.
    pub actions: Vec<HomeAction>,
    /// Open items of all review lists, the holder's own about documents being studied included.
    pub review_open: usize,
    /// The holder's open tasks, by deadline.
    pub tasks: Vec<Task>,
    /// How many of them are overdue.
    pub overdue: usize,
    /// Months whose report waits to be sent; empty for who does not send any.
    pub reports_due: Vec<Month>,
    /// Months whose last report the level above returned.
    pub reports_returned: Vec<Month>,
    /// Moves of members that wait for an officer here: recorded above and not yet entered in the list.
    pub moves_waiting: usize,
    /// Changes made here that have not left this phone's outbox.
    pub unsent: u64,
}

impl<S: Store> Device<S> {
    /// The first screen of this phone.
    pub fn home_view(&mut self, now: i64) -> Result<HomeView, DeviceError> {
        let today = today(now);
        let member = self.home()?.member;
        let meeting = self.meeting_of_the_screen(today)?;
        let view = match &meeting {
            Some(heading) => Some(self.meeting_view(heading.doc)?),
            None => None,
        };
        let line = self.roll_at(Some(today))?.get(member).cloned();
        let role = line.as_ref().map_or(HomeRole::Member, HomeRole::of);
        let phase = view.as_ref().map_or(HomePhase::NoMeeting, HomePhase::of);
        let clerk = view.as_ref().is_some_and(|view| is_clerk(view, member));
        let tasks = self.my_tasks(today)?;
        let reports_due = match self.reports_due(today.month().year()) {
            Ok(due) => due.iter().map(|proposal| proposal.facts.month).collect(),
            Err(DeviceError::Denied(_)) => Vec::new(),
            Err(error) => return Err(error),
        };
        let (reports_returned, moves_waiting) = self.waits_from_above(today)?;
        let holidays: Holidays = self.holidays(today);
        Ok(HomeView {
            today,
            holiday: holidays.on(today).map(str::to_owned),
            role,
            clerk,
            actions: home(role, clerk, phase),
            meeting,
            phase,
            review_open: self.review_all()?.len()
                + self.study_review()?.open().len()
                + self.covers_waiting()?,
            overdue: tasks.iter().filter(|task| task.is_overdue(today)).count(),
            tasks,
            reports_due,
            reports_returned,
            moves_waiting,
            unsent: self.pending()?,
        })
    }

    /// What the level above returned, and moves to enter; nothing on a phone that reads no reports.
    fn waits_from_above(&mut self, today: Date) -> Result<(Vec<Month>, usize), DeviceError> {
        let answers = match self.report_answers(None, today.month().year()) {
            Ok(answers) => answers,
            Err(DeviceError::Denied(_)) => return Ok((Vec::new(), 0)),
            Err(error) => return Err(error),
        };
        let mut last: BTreeMap<Month, (u32, bool)> = BTreeMap::new();
        for answer in answers {
            let returned = answer.step == Some(ReportStep::Returned);
            let held = last.entry(answer.month).or_default();
            *held = (*held).max((answer.revision, returned));
        }
        let returned = last.into_iter().filter(|(_, (_, returned))| *returned);
        let waits = |step| matches!(step, TransferStep::Recorded | TransferStep::Expected);
        let moves = self.moves()?.iter().filter(|line| waits(line.now.step)).count();
        Ok((returned.map(|(month, _)| month).collect(), moves))
    }

    fn meeting_of_the_screen(&mut self, today: Date) -> Result<Option<MeetingHeading>, DeviceError> {
        let all = self.meetings()?;
        let open = |heading: &&MeetingHeading| {
            heading
                .phase
                .is_some_and(|phase| (Step::Opened..Step::Closed).contains(&phase))
        };
        let to_come = |heading: &&MeetingHeading| {
            heading.phase.is_none_or(|phase| phase < Step::Opened)
                && heading
                    .date
                    .map_or_else(|| heading.month >= Some(today.month()), |date| date >= today)
        };
        let unsealed = |heading: &&MeetingHeading| heading.phase == Some(Step::Closed);
        // Newest first, so the next one to come is the last that fits.
        let found = all
            .iter()
            .find(open)
            .or_else(|| all.iter().rev().find(to_come))
            .or_else(|| all.iter().find(unsealed))
            .or_else(|| all.first());
        Ok(found.cloned())
    }

    /// Takes last month's tasks, and the fees of the meeting's month where this phone may read them, into the minutes of a
    /// meeting; gives back how many tasks.
    pub fn take_in(&mut self, doc: DocId, now: i64) -> Result<usize, DeviceError> {
        let view = self.meeting_view(doc)?;
        let day = view.date.value.or(view.start.value.map(|start| start.date()));
        let day = day.unwrap_or_else(|| today(now));
        let month = view.month.value.unwrap_or(day.month());
        let mut tasks = Vec::new();
        for year in [month.year() - 1, month.year()] {
            let known = self.tasks(year)?;
            // What this very meeting concludes is next month's.
            let own = |task: &&Task| task.source.is_none_or(|source| source.meeting != doc);
            tasks.extend(
                known
                    .before(month)
                    .filter(own)
                    .map(|task| TakenTask::of(task, day)),
            );
        }
        tasks.truncate(sotay_handbook::limits::TAKEN_TASKS_MAX);
        let fees = match self.fee_month(month) {
            Ok(month) => Some(TakenFees::of(&month)),
            Err(DeviceError::Denied(_)) => None,
            Err(error) => return Err(error),
        };
        let count = tasks.len();
        self.meeting(doc, &Command::TakeIn { tasks, fees }, now)?;
        Ok(count)
    }
}
