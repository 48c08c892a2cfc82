//! Times and days that can hardly be meant: recorded as somebody gave them, and named so that somebody looks.

use super::people::info;
use super::{ReviewItem, ReviewKind, Subject};
use crate::claim::Mark;
use crate::date::LocalTime;
use crate::meeting::MeetingView;
use crate::message::{Arg, Message};

/// Everything in a meeting that lies outside of it.
pub(super) fn times(view: &MeetingView, items: &mut Vec<ReviewItem>) {
    let (day, start, end) = (view.date.value, view.start.value, view.end.value);
    let marks = |claims: &[crate::claim::Claim<LocalTime>]| -> Vec<Mark> {
        claims.iter().flat_map(|claim| claim.marks.clone()).collect()
    };
    if let (Some(day), Some(start)) = (day, start)
        && start.date() != day
    {
        let message = Message::new("review.starts_on_another_day")
            .with("time", moment(start))
            .with("date", Arg::Day(day));
        items.push(odd(
            "start".to_owned(),
            Subject::Document,
            marks(&view.start.claims),
            message,
        ));
    }
    if let (Some(start), Some(end)) = (start, end)
        && start.minutes_until(end) < 0
    {
        let message = Message::new("review.ends_before_it_starts")
            .with("start", moment(start))
            .with("end", moment(end));
        items.push(odd(
            "end".to_owned(),
            Subject::Document,
            marks(&view.end.claims),
            message,
        ));
    }
    let outside = |time: LocalTime| {
        let early = start.is_some_and(|start| time.minutes_until(start) > 0);
        early || end.is_some_and(|end| end.minutes_until(time) > 0)
    };
    for line in &view.attendance.lines {
        let member = line.line.member;
        // Who came before the beginning was not late; who left after the end did not leave early.
        let late = line.arrived.value.filter(|time| outside(*time));
        let left = line.left.value.filter(|time| outside(*time));
        for (key, name, time, claims) in [
            ("arrived", "review.arrived_outside", late, &line.arrived.claims),
            ("left", "review.left_outside", left, &line.left.claims),
        ] {
            if let Some(time) = time {
                let message = Message {
                    key: name,
                    args: Vec::new(),
                }
                .with("member", Arg::Member(member))
                .with("time", moment(time));
                items.push(odd(
                    format!("{key}/{member}"),
                    Subject::Member(member),
                    marks(claims),
                    message,
                ));
            }
        }
    }
    for motion in &view.motions {
        if let Some(time) = motion.time.value.filter(|time| outside(*time)) {
            let message = Message::new("review.vote_outside")
                .words("question", &motion.text)
                .with("time", moment(time));
            let about = Subject::Entry(motion.id);
            items.push(odd(
                format!("motion/{}", motion.id),
                about,
                marks(&motion.time.claims),
                message,
            ));
        }
    }
    for conclusion in &view.conclusions {
        let (Some(day), Some(due)) = (day, conclusion.due()) else {
            continue;
        };
        if due < day {
            let message = Message::new("review.due_before_the_meeting")
                .with("conclusion", super::content::first_text(conclusion))
                .with("due", Arg::Day(due))
                .with("date", Arg::Day(day));
            let marks = conclusion
                .deadline
                .claims
                .iter()
                .flat_map(|claim| claim.marks.clone());
            let about = Subject::Entry(conclusion.id);
            items.push(odd(
                format!("conclusion/{}", conclusion.id),
                about,
                marks.collect(),
                message,
            ));
        }
    }
}

fn moment(time: LocalTime) -> Arg {
    Arg::Message(
        Message::new("value.moment")
            .with("time", Arg::Time(time))
            .with("date", Arg::Day(time.date())),
    )
}

fn odd(id: String, about: Subject, marks: Vec<Mark>, message: Message) -> ReviewItem {
    info(format!("odd/{id}"), ReviewKind::TimeOdd, about, marks, message)
}
