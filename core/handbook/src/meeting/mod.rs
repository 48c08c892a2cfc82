//! One meeting: who was there, what was said, voted on and concluded.

mod apply;
mod cells;
mod command;
mod kinds;
mod phrases;
mod read;
mod taken;
mod view;

use sotay_feed::DocId;

use crate::claim::Devices;
use crate::policy::Policy;
use crate::roster::Roll;

pub use apply::apply;
pub use command::{Command, Place, TallyCount};
pub use kinds::{Ballot, How, MeetingKind, Method, Need, NoteKind, Section, Stage, State, Step};
pub use taken::{TakenFees, TakenTask};
pub use view::{
    AgendaItem, Attachment, Attendance, AttendanceCounts, AttendanceEntry, AttendanceLine, BallotEntry,
    Conclusion, Guest, MeetingView, Motion, NotCounted, Note, Outcome, Paragraph, Person, Removal,
    RollContest, ScoreLine, Speech, StepTaken, Stranger, TallyClaim, TallyFit, VoterBallot,
};

pub(crate) use apply::remove_entry;
pub(crate) use cells::MarkCell;
pub(crate) use read::{ballot_item, ballot_tag, choices, over_seen};

/// What a meeting is read against; equal on all devices that hold the same records.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// Which document.
    pub doc: DocId,
    /// The roster's list of the day of the meeting; used until the meeting has frozen its own, and to tell who had left.
    pub roster: &'a Roll,
    /// The rules of that day.
    pub policy: &'a Policy,
    /// Whose devices may settle what.
    pub devices: &'a Devices,
}
