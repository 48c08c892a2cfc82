//! The first screen: what this person can do now, by role and phase of the meeting.

use sotay_engine::handbook::home::{self, HomeAction};

use crate::branch::{MeetingHeading, meeting_heading};
use crate::call::ask;
use crate::error::{HandbookError, OrFault, guarded};
use crate::handbook::Handbook;
use crate::kinds::Language;
use crate::record_kinds::{HomeActionKind, HomePhase, HomeRole};
use crate::tasks::{TaskView, task_view};

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct HomeActionView {
    /// What, for programs.
    pub kind: HomeActionKind,
    /// What, for people.
    pub label: String,
}

/// The first screen of this phone.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct HomeView {
    /// Today, by this phone's clock.
    pub today: String,
    /// Name of the holiday that today is.
    pub holiday: Option<String>,
    /// Role of the holder.
    pub role: HomeRole,
    /// Whether the holder takes the minutes of the meeting at hand.
    pub clerk: bool,
    /// The meeting at hand.
    pub meeting: Option<MeetingHeading>,
    /// How far it is.
    pub phase: HomePhase,
    /// What can be done now, most important first.
    pub actions: Vec<HomeActionView>,
    /// Contradictions that wait.
    pub review_open: u32,
    /// Open tasks of the holder.
    pub tasks: Vec<TaskView>,
    /// How many of them are overdue.
    pub overdue: u32,
    /// Months whose report is to be sent.
    pub reports_due: Vec<String>,
    /// Changes made here that have not left this phone.
    pub unsent: u64,
}

fn actions(list: &[HomeAction], language: Language) -> Vec<HomeActionView> {
    let view = |action: &HomeAction| HomeActionView {
        kind: action.code,
        label: match language {
            Language::Vi => action.vi.clone(),
            Language::En => action.en.clone(),
        },
    };
    list.iter().map(view).collect()
}

/// What a role may do in a phase of the meeting, whoever asks: for previews and tests of screens.
#[uniffi::export]
pub fn home_actions(
    role: HomeRole,
    clerk: bool,
    phase: HomePhase,
    language: Language,
) -> Result<Vec<HomeActionView>, HandbookError> {
    guarded(|| Ok(actions(&home::home(role, clerk, phase), language)))
}

#[uniffi::export]
impl Handbook {
    /// The first screen: role, meeting at hand, what can be done now, what waits.
    pub fn home(&self, language: Language) -> Result<HomeView, HandbookError> {
        ask(&self.engine, move |device, now| {
            let home = device.home_view(now).or_fault()?;
            let names = device.names();
            let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
            Ok(HomeView {
                today: home.today.to_string(),
                holiday: home.holiday,
                role: home.role,
                clerk: home.clerk,
                meeting: home.meeting.map(meeting_heading),
                phase: home.phase,
                actions: actions(&home.actions, language),
                review_open: count(home.review_open),
                tasks: home
                    .tasks
                    .iter()
                    .map(|task| task_view(names, home.today, task))
                    .collect(),
                overdue: count(home.overdue),
                reports_due: home.reports_due.iter().map(|month| month.to_string()).collect(),
                unsent: home.unsent,
            })
        })
    }
}
