//! What a template of a report can place: a sent or proposed report made plain text.

use serde::Serialize;

use super::ReportFacts;
use crate::date::Date;
use crate::message::{Lang, Message, Names};
use crate::minutes::Heading;
use crate::number::{grouped, hundredths, percent};

/// A report as plain text, in the order in which it is printed. Empty texts are what is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportModel {
    /// The upper body, to which it goes.
    pub upper: String,
    /// The unit.
    pub unit: String,
    /// `05/2025`.
    pub month: String,
    /// Number of the revision.
    pub revision: u32,
    /// Whether it was sent; otherwise it is proposed.
    pub sent: bool,
    /// Meetings.
    pub meetings: Vec<ModelMeeting>,
    /// Tasks not done and not overdue.
    pub tasks_open: u32,
    /// Tasks overdue.
    pub tasks_overdue: u32,
    /// Tasks done.
    pub tasks_done: u32,
    /// Tasks accepted.
    pub tasks_accepted: u32,
    /// Fees owed, `338.000`.
    pub fees_due: String,
    /// Fees paid.
    pub fees_paid: String,
    /// Members who have not paid all.
    pub fees_unpaid: String,
    /// Items of feedback.
    pub feedback: String,
    /// What changed since the revision before.
    pub changes: Vec<String>,
}

/// A meeting in a [`ReportModel`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelMeeting {
    /// Kind.
    pub kind: String,
    /// `05/05/2025`, or empty.
    pub date: String,
    /// On the list.
    pub total: u32,
    /// There.
    pub present: u32,
    /// Absent with a reason.
    pub excused: u32,
    /// Absent without one.
    pub unexcused: u32,
    /// Exempt.
    pub exempt: u32,
    /// Away.
    pub away: u32,
    /// `35/40 = 87,5 %`.
    pub rate: String,
    /// Speeches.
    pub speeches: u32,
    /// Conclusions.
    pub conclusions: u32,
    /// Votes with a result.
    pub votes: u32,
    /// Points, `8,5`, or empty.
    pub points: String,
    /// Whether the minutes are sealed.
    pub sealed: bool,
}

impl ReportModel {
    /// Fills it.
    pub fn of(
        facts: &ReportFacts,
        revision: u32,
        sent: bool,
        changes: &[Message],
        heading: &Heading,
        names: &dyn Names,
    ) -> Self {
        let say = |message: &Message| message.text(Lang::Vi, names);
        let meetings = facts.meetings.iter().map(|meeting| {
            let (part, base) = (
                u64::from(meeting.must_attend_present),
                u64::from(meeting.must_attend),
            );
            ModelMeeting {
                kind: say(&Message::new(meeting.kind.message())),
                date: meeting.date.map(Date::long).unwrap_or_default(),
                total: meeting.total,
                present: meeting.present,
                excused: meeting.excused,
                unexcused: meeting.unexcused,
                exempt: meeting.exempt,
                away: meeting.away,
                rate: format!("{part}/{base} = {}", percent(part, base)),
                speeches: meeting.speeches,
                conclusions: meeting.conclusions,
                votes: meeting.votes,
                points: meeting
                    .points
                    .map(|points| hundredths(u64::from(points)))
                    .unwrap_or_default(),
                sealed: meeting.sealed,
            }
        });
        Self {
            upper: heading.upper.trim().to_owned(),
            unit: heading.unit.trim().to_owned(),
            month: format!("{:02}/{}", facts.month.number(), facts.month.year()),
            revision,
            sent,
            meetings: meetings.collect(),
            tasks_open: facts.tasks.open,
            tasks_overdue: facts.tasks.overdue,
            tasks_done: facts.tasks.done,
            tasks_accepted: facts.tasks.accepted,
            fees_due: facts.fees.map(|fees| grouped(fees.due)).unwrap_or_default(),
            fees_paid: facts.fees.map(|fees| grouped(fees.paid)).unwrap_or_default(),
            fees_unpaid: facts.fees.map(|fees| fees.unpaid.to_string()).unwrap_or_default(),
            feedback: facts.feedback.map(|count| count.to_string()).unwrap_or_default(),
            changes: changes.iter().map(say).collect(),
        }
    }
}
