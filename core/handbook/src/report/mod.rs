//! The monthly report upward: computed, sent as numbered revisions, never changed once sent.
//!
//! A revision lies in the `report` space under a key that holds its hash. When what it was computed from changes
//! afterwards, the next revision is proposed with a list of what changed; nobody but an officer sends it (decision 0039).

mod apply;
mod facts;
mod model;
mod view;

pub use apply::apply;
pub use facts::{FeeFacts, MeetingFacts, ReportFacts, TaskFacts};
pub use model::{ModelMeeting, ReportModel};
pub use view::{Proposal, ReportsView, SentReport};

/// What can be done with reports. Only secretary and deputy may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Sends the next revision of a month.
    Send {
        /// What it says.
        facts: Box<ReportFacts>,
    },
}
