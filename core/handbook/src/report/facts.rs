//! What a report says: counts only, no names and no words of members.

use serde::Serialize;
use sotay_feed::{DocId, InOrder};

use crate::cell::cell_struct;
use crate::date::{Date, Month};
use crate::fees::FeeMonth;
use crate::limits::REPORT_MEETINGS_MAX;
use crate::meeting::{MeetingKind, MeetingView, Step};
use crate::message::{Arg, Message};
use crate::tasks::{TaskStatus, TasksView};

/// Everything a report of a month says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportFacts {
    /// The month.
    pub month: Month,
    /// Meetings held in it, by day, then by id.
    pub meetings: Vec<MeetingFacts>,
    /// Tasks of the year as they stand.
    pub tasks: TaskFacts,
    /// Fees of the month.
    pub fees: Option<FeeFacts>,
    /// Items of feedback received in it; `None` where the committee's inbox is not known.
    pub feedback: Option<u32>,
}

cell_struct!(ReportFacts {
    month,
    meetings,
    tasks,
    fees,
    feedback
});

/// A meeting in a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MeetingFacts {
    /// Which.
    #[serde(serialize_with = "crate::ids::ser::id")]
    pub meeting: DocId,
    /// Kind.
    pub kind: MeetingKind,
    /// Day.
    pub date: Option<Date>,
    /// Whether its minutes are sealed.
    pub sealed: bool,
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
    /// Base of the rate.
    pub must_attend: u32,
    /// Of the base, those there.
    pub must_attend_present: u32,
    /// Speeches held.
    pub speeches: u32,
    /// Conclusions drawn.
    pub conclusions: u32,
    /// Votes with a result.
    pub votes: u32,
    /// Points of the meeting, in hundredths.
    pub points: Option<u32>,
}

cell_struct!(MeetingFacts {
    meeting,
    kind,
    date,
    sealed,
    total,
    present,
    excused,
    unexcused,
    exempt,
    away,
    must_attend,
    must_attend_present,
    speeches,
    conclusions,
    votes,
    points
});

/// Tasks in a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct TaskFacts {
    /// Not done yet, and not overdue at the end of the month.
    pub open: u32,
    /// Not done and due before the end of the month.
    pub overdue: u32,
    /// Done, not accepted yet.
    pub done: u32,
    /// Accepted.
    pub accepted: u32,
}

cell_struct!(TaskFacts {
    open,
    overdue,
    done,
    accepted
});

/// Fees in a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FeeFacts {
    /// Đồng owed.
    pub due: u64,
    /// Đồng recorded as paid.
    pub paid: u64,
    /// Members who have paid less than they owe.
    pub unpaid: u32,
}

cell_struct!(FeeFacts { due, paid, unpaid });

impl MeetingFacts {
    /// A meeting that was held: closed or sealed, and of a known kind.
    pub fn of(view: &MeetingView) -> Option<Self> {
        let phase = view.phase.filter(|phase| *phase >= Step::Closed)?;
        let counts = view.attendance.counts;
        Some(Self {
            meeting: view.id,
            kind: view.kind.value?,
            date: view.date.value,
            sealed: phase >= Step::Sealed,
            total: counts.total,
            present: counts.present,
            excused: counts.excused,
            unexcused: counts.unexcused,
            exempt: counts.exempt,
            away: counts.away,
            must_attend: counts.must_attend,
            must_attend_present: counts.must_attend_present,
            speeches: view.speeches.len() as u32,
            conclusions: view.conclusions.len() as u32,
            votes: view
                .motions
                .iter()
                .filter(|motion| motion.outcome.is_some())
                .count() as u32,
            points: view.total_points(),
        })
    }

    /// `35/4/1/2`: present, absent with a reason, without one, exempt.
    pub fn attendance(&self) -> String {
        format!(
            "{}/{}/{}/{}",
            self.present, self.excused, self.unexcused, self.exempt
        )
    }
}

impl ReportFacts {
    /// Computes a month: meetings that were held in it, tasks by the month's end, fees, feedback.
    pub fn compute(
        month: Month,
        meetings: &[MeetingView],
        tasks: &TasksView,
        fees: Option<&FeeMonth>,
        feedback: Option<u32>,
    ) -> Self {
        let in_month = |view: &&MeetingView| {
            let held = view.month.value.or(view.date.value.map(Date::month));
            held == Some(month)
        };
        let mut held: Vec<MeetingFacts> = meetings
            .iter()
            .filter(in_month)
            .filter_map(MeetingFacts::of)
            .collect();
        held.in_order_by_key(|facts| (facts.date, facts.meeting));
        held.truncate(REPORT_MEETINGS_MAX);
        Self {
            month,
            meetings: held,
            tasks: TaskFacts::of(tasks, month.next().first()),
            fees: fees.map(|month| FeeFacts {
                due: month.due,
                paid: u64::try_from(month.paid).unwrap_or(0),
                unpaid: month.unpaid.len() as u32,
            }),
            feedback,
        }
    }

    /// What is different in `now`, in words; the same on every device.
    pub fn changes(&self, now: &Self) -> Vec<Message> {
        let mut changes = Vec::new();
        for meeting in &now.meetings {
            let name = meeting.name();
            match self.meetings.iter().find(|old| old.meeting == meeting.meeting) {
                Some(old) => old.differ(meeting, &name, &mut changes),
                None => {
                    changes.push(Message::new("report.meeting_added").with("meeting", Arg::Message(name)))
                }
            }
        }
        let gone = |old: &&MeetingFacts| now.meetings.iter().all(|new| new.meeting != old.meeting);
        for old in self.meetings.iter().filter(gone) {
            changes.push(Message::new("report.meeting_gone").with("meeting", Arg::Message(old.name())));
        }
        let mut count = |what, old: Option<u64>, new: Option<u64>| {
            if old != new {
                changes.push(changed(Message::new(what), old, new));
            }
        };
        let tasks =
            |of: fn(&TaskFacts) -> u32| (Some(u64::from(of(&self.tasks))), Some(u64::from(of(&now.tasks))));
        for (what, (old, new)) in [
            ("report.tasks_open", tasks(|t| t.open)),
            ("report.tasks_overdue", tasks(|t| t.overdue)),
            ("report.tasks_done", tasks(|t| t.done)),
            ("report.tasks_accepted", tasks(|t| t.accepted)),
        ] {
            count(what, old, new);
        }
        let fees = |of: fn(&FeeFacts) -> u64| (self.fees.as_ref().map(of), now.fees.as_ref().map(of));
        for (what, (old, new)) in [
            ("report.fees_due", fees(|f| f.due)),
            ("report.fees_paid", fees(|f| f.paid)),
            ("report.fees_unpaid", fees(|f| u64::from(f.unpaid))),
        ] {
            count(what, old, new);
        }
        count(
            "report.feedback",
            self.feedback.map(u64::from),
            now.feedback.map(u64::from),
        );
        changes
    }
}

fn changed(what: Message, old: Option<u64>, new: Option<u64>) -> Message {
    let say = |value: Option<u64>| match value {
        Some(value) => Message::new("value.number").number("value", value),
        None => Message::new("value.not_reported"),
    };
    Message::new("report.changed")
        .with("what", Arg::Message(what))
        .with("old", Arg::Message(say(old)))
        .with("new", Arg::Message(say(new)))
}

impl MeetingFacts {
    fn name(&self) -> Message {
        let kind = Message::new(self.kind.message());
        match self.date {
            Some(day) => Message::new("report.meeting")
                .with("kind", Arg::Message(kind))
                .with("day", Arg::Day(day)),
            None => kind,
        }
    }

    fn differ(&self, now: &Self, name: &Message, changes: &mut Vec<Message>) {
        type Count = fn(&MeetingFacts) -> u32;
        let counts: [(&'static str, Count); 9] = [
            ("report.total", |m| m.total),
            ("state.present", |m| m.present),
            ("state.excused", |m| m.excused),
            ("state.unexcused", |m| m.unexcused),
            ("state.exempt", |m| m.exempt),
            ("state.away", |m| m.away),
            ("report.speeches", |m| m.speeches),
            ("report.conclusions", |m| m.conclusions),
            ("report.votes", |m| m.votes),
        ];
        let mut say = |change: Message| {
            changes.push(
                Message::new("report.in_meeting")
                    .with("meeting", Arg::Message(name.clone()))
                    .with("change", Arg::Message(change)),
            );
        };
        for (what, of) in counts {
            let (old, new) = (u64::from(of(self)), u64::from(of(now)));
            if old != new {
                say(changed(Message::new(what), Some(old), Some(new)));
            }
        }
        if self.points != now.points {
            let (old, new) = (self.points.map(u64::from), now.points.map(u64::from));
            say(changed(Message::new("report.points"), old, new));
        }
        if self.sealed != now.sealed {
            say(Message::new("report.sealed_now"));
        }
        if (self.kind, self.date) != (now.kind, now.date) {
            say(Message::new("report.heading"));
        }
    }
}

impl TaskFacts {
    fn of(view: &TasksView, end: Date) -> Self {
        let mut facts = Self::default();
        for task in view.tasks.iter().filter(|task| !task.withdrawn) {
            match task.status {
                TaskStatus::Accepted => facts.accepted += 1,
                TaskStatus::Done => facts.done += 1,
                _ if task.is_overdue(end) => facts.overdue += 1,
                _ => facts.open += 1,
            }
        }
        facts
    }
}
