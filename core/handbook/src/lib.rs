//! The handbook of a branch: its roster and its meetings as pure code over Automerge documents.
//!
//! Nothing here reads a clock or draws a random number: ids, times and the acting device are parameters. Commands change
//! a document ([`meeting::apply`], [`roster::apply`]); views read it; the review list and the minutes are derived from
//! views and never stored. Devices with the same records see the same view, the same list, and minutes with the same
//! hash. The rules are in `docs/HANDBOOK.md` of the repository.

mod acting;
mod catalogue;
mod cell;
mod claim;
mod coded;
mod date;
pub mod diary;
pub mod directive;
pub mod dispatch;
mod error;
mod event;
pub mod feedback;
pub mod fees;
pub mod home;
mod ids;
mod late;
pub mod limits;
pub mod meeting;
mod message;
pub mod minutes;
pub mod number;
mod order;
mod policy;
pub mod rating;
pub mod report;
pub mod resolution;
pub mod review;
pub mod roster;
mod schema;
mod sheet;
pub mod tasks;
pub mod template;
pub mod undo;
mod words;

#[doc(hidden)]
pub mod fixture;

pub use acting::Acting;
pub use catalogue::Catalogue;
pub use claim::{Claim, Contest, Devices, Field, Holder, Mark, Settled, Tag};
pub use date::{Date, DateError, LocalTime, Month};
pub use error::{CommandError, What};
pub use event::{HandbookEvent, events};
pub use ids::{
    EntryId, NotAnEntryId, Place, fees_id, is_monthly_meeting, monthly_meeting_id, other_meeting_id,
    place_of, rating_id, reports_id, resolution_id, roster_id, tasks_id,
};
pub use late::{Late, addendum_text, late};

pub use message::{Arg, Lang, Message, Nameless, Names, PageNote, coded_text};
pub use policy::{Criterion, Policy, PolicyError, Precedence, ShortestMeeting, Threshold};
pub use schema::{DocKind, SCHEMA};
pub use words::Words;

/// Keys of all coded words, to test that each has its words in the catalogue.
#[cfg(test)]
pub(crate) fn coded_messages() -> Vec<&'static str> {
    macro_rules! all {
        ($($name:ty),+ $(,)?) => {
            [$(<$name>::ALL.iter().map(|one| one.message()).collect::<Vec<_>>()),+].concat()
        };
    }
    all![
        directive::DirectiveKind,
        dispatch::ReportStep,
        dispatch::TransferKind,
        dispatch::TransferStep,
        error::What,
        feedback::FeedbackStatus,
        fees::FeeBasis,
        home::Action,
        home::HomePhase,
        home::HomeRole,
        meeting::Ballot,
        meeting::How,
        meeting::MeetingKind,
        meeting::Method,
        meeting::Need,
        meeting::NoteKind,
        meeting::Section,
        meeting::Stage,
        meeting::State,
        meeting::Step,
        rating::Column,
        resolution::Part,
        roster::Activity,
        roster::Role,
        roster::RosterField,
        roster::Standing,
        roster::UnitField,
        tasks::TaskStatus,
    ]
}
