//! Situations about the heading, the list and attendance.

use super::{ReviewItem, ReviewKind, ReviewOption, Severity, Subject};
use crate::claim::{Contest, Field, Mark};
use crate::date::LocalTime;
use crate::meeting::{
    Attendance, AttendanceEntry, AttendanceLine, MeetingView, Method, Person, Setting, State,
};
use crate::message::{Arg, Message};

/// A register with several values.
pub(super) fn heading(view: &MeetingView, items: &mut Vec<ReviewItem>) {
    let text = |words: &crate::words::Words| Message::new("value.text").words("value", words);
    let kind = |kind: &crate::meeting::MeetingKind| Message::new(kind.message());
    let time = |time: &LocalTime| {
        Message::new("value.moment")
            .with("time", Arg::Time(*time))
            .with("date", Arg::Day(time.date()))
    };
    let month =
        |month: &crate::date::Month| Message::new("value.date").with("value", Arg::Day(month.first()));
    let day = |date: &crate::date::Date| Message::new("value.date").with("value", Arg::Day(*date));
    let who = |person: &Person| person_name(view, *person);
    let heading = (ReviewKind::HeadingTwice, Severity::Info);
    let officer = (ReviewKind::OfficerOfMeeting, Severity::Block);
    twice(heading, "kind", "info.kind", &view.kind, &kind, items);
    twice(heading, "month", "info.month", &view.month, &month, items);
    twice(heading, "date", "info.date", &view.date, &day, items);
    twice(heading, "place", "info.place", &view.place, &text, items);
    twice(heading, "number", "info.number", &view.number, &text, items);
    twice(heading, "start", "info.start", &view.start, &time, items);
    twice(heading, "end", "info.end", &view.end, &time, items);
    twice(officer, "chair", "info.chair", &view.chair, &who, items);
    twice(officer, "clerk", "info.clerk", &view.clerk, &who, items);
}

fn twice<T>(
    (kind, severity): (ReviewKind, Severity),
    key: &str,
    name: &'static str,
    field: &Field<T>,
    say: &dyn Fn(&T) -> Message,
    items: &mut Vec<ReviewItem>,
) {
    let what = Message::new("review.heading").with("what", Arg::Message(Message::new(name)));
    items.extend(values_item(
        format!("info/{key}"),
        kind,
        severity,
        Subject::Document,
        what,
        field,
        say,
    ));
}

/// An item about a register with several values: `… đang có 2 giá trị: …`.
pub(crate) fn values_item<T>(
    id: String,
    kind: ReviewKind,
    severity: Severity,
    subject: Subject,
    message: Message,
    field: &Field<T>,
    say: &dyn Fn(&T) -> Message,
) -> Option<ReviewItem> {
    if field.contest == Contest::None {
        return None;
    }
    let labels: Vec<Message> = field.claims.iter().map(|claim| say(&claim.value)).collect();
    let with_who = field.claims.iter().zip(&labels).map(|(claim, label)| {
        Message::new("claim.by")
            .with("who", devices(&claim.marks))
            .with("what", Arg::Message(label.clone()))
    });
    Some(ReviewItem {
        id,
        kind,
        severity,
        subject,
        marks: field
            .claims
            .iter()
            .flat_map(|claim| claim.marks.clone())
            .collect(),
        message: message
            .number("count", field.claims.len() as u64)
            .with("values", Arg::List(labels.clone()))
            .with("claims", Arg::List(with_who.collect())),
        options: field
            .claims
            .iter()
            .zip(labels)
            .map(|(claim, label)| ReviewOption {
                pick: claim.tag.to_string(),
                label,
            })
            .collect(),
        contest: field.contest.clone(),
        seen: field.claims.iter().map(|claim| claim.tag).collect(),
    })
}

/// Devices by label.
pub(super) fn devices(marks: &[Mark]) -> Arg {
    Arg::List(
        marks
            .iter()
            .map(|mark| Message::new("value.device").with("device", Arg::Device(mark.device)))
            .collect(),
    )
}

/// A member by name, a guest by label.
pub(crate) fn person_name(view: &MeetingView, person: Person) -> Message {
    match person {
        Person::Member(member) => Message::new("value.member").with("member", Arg::Member(member)),
        Person::Guest(guest) => {
            let label = view
                .guest(guest)
                .map(|guest| guest.label.clone())
                .unwrap_or_default();
            Message::new("value.text").words("value", &label)
        }
    }
}

pub(super) fn attendance(view: &MeetingView, setting: &Setting<'_>, items: &mut Vec<ReviewItem>) {
    for line in &view.attendance.lines {
        marked_twice(line, setting, items);
        exempt_marked_absent(line, setting, items);
        for (key, name, field) in [
            ("arrived", "review.arrived", &line.arrived),
            ("left", "review.left", &line.left),
        ] {
            let say = |time: &LocalTime| Message::new("value.time").with("value", Arg::Time(*time));
            let member = line.line.member;
            items.extend(values_item(
                format!("{key}/{member}"),
                ReviewKind::TimesDiffer,
                Severity::Info,
                Subject::Member(member),
                Message::new(name).with("member", Arg::Member(member)),
                field,
                &say,
            ));
        }
    }
    strangers(&view.attendance, setting, items);
}

fn entry_label(entry: &AttendanceEntry, setting: &Setting<'_>) -> Message {
    let state = Arg::Message(Message::new(entry.state.message()));
    let how = Arg::Message(Message::new(entry.how.message()));
    let message = match &entry.reason {
        Some(reason) => Message::new("mark.with_reason").words("reason", reason),
        None => Message::new("mark.plain"),
    };
    message
        .with("who", Arg::Device(entry.mark.device))
        .with("when", when(&entry.mark, setting))
        .with("state", state)
        .with("how", how)
}

/// Time of day of a record, by the wall clock of the unit.
pub(super) fn when(mark: &Mark, setting: &Setting<'_>) -> Arg {
    match LocalTime::from_ms(mark.at_ms, setting.policy.utc_offset_minutes) {
        Some(time) => Arg::Time(time),
        None => Arg::Message(Message::new("value.no_time")),
    }
}

/// Day of a record, by the wall clock of the unit.
pub(super) fn day_of(mark: &Mark, setting: &Setting<'_>) -> Arg {
    match LocalTime::from_ms(mark.at_ms, setting.policy.utc_offset_minutes) {
        Some(time) => Arg::Day(time.date()),
        None => Arg::Message(Message::new("value.no_day")),
    }
}

fn current(entries: &[AttendanceEntry]) -> Vec<&AttendanceEntry> {
    entries
        .iter()
        .filter(|entry| !entry.corrected && entry.state != State::Unmarked)
        .collect()
}

/// Present against absent, or excused against unexcused, blocks, unless the member's own code or phone vouched for
/// being there. Anything else that differs is worth knowing.
fn marked_twice(line: &AttendanceLine, setting: &Setting<'_>, items: &mut Vec<ReviewItem>) {
    if line.contest == Contest::None {
        return;
    }
    let entries = current(&line.entries);
    let has = |state: State| entries.iter().any(|entry| entry.state == state);
    let vouched = entries
        .iter()
        .any(|entry| entry.state == State::Present && entry.how.is_own());
    let absent = has(State::Excused) || has(State::Unexcused);
    let blocks = line.must_attend
        && !vouched
        && ((has(State::Present) && absent) || (has(State::Excused) && has(State::Unexcused)));
    let labels: Vec<Message> = entries.iter().map(|entry| entry_label(entry, setting)).collect();
    items.push(ReviewItem {
        id: format!("attendance/{}", line.line.member),
        kind: ReviewKind::AttendanceTwice,
        severity: if blocks { Severity::Block } else { Severity::Info },
        subject: Subject::Member(line.line.member),
        marks: entries.iter().map(|entry| entry.mark).collect(),
        message: Message::new("review.attendance_twice")
            .with("member", Arg::Member(line.line.member))
            .number("count", u64::from(line.ways))
            .with("claims", Arg::List(labels.clone())),
        options: entries
            .iter()
            .zip(labels)
            .map(|(entry, label)| ReviewOption {
                pick: entry.tag.to_string(),
                label,
            })
            .collect(),
        contest: line.contest.clone(),
        seen: entries.iter().map(|entry| entry.tag).collect(),
    });
}

fn exempt_marked_absent(line: &AttendanceLine, setting: &Setting<'_>, items: &mut Vec<ReviewItem>) {
    let entries = current(&line.entries);
    if line.must_attend
        || line.contest != Contest::None
        || !entries.iter().any(|entry| entry.state.is_absent())
    {
        return;
    }
    let labels = entries.iter().map(|entry| entry_label(entry, setting)).collect();
    let message = Message::new("review.exempt_marked_absent")
        .with("member", Arg::Member(line.line.member))
        .with(
            "activity",
            Arg::Message(Message::new(line.line.activity.message())),
        )
        .with("claims", Arg::List(labels));
    items.push(info(
        format!("exempt/{}", line.line.member),
        ReviewKind::ExemptMarkedAbsent,
        Subject::Member(line.line.member),
        entries.iter().map(|entry| entry.mark).collect(),
        message,
    ));
}

fn strangers(attendance: &Attendance, setting: &Setting<'_>, items: &mut Vec<ReviewItem>) {
    for stranger in &attendance.strangers {
        let entries = current(&stranger.entries);
        let labels = entries.iter().map(|entry| entry_label(entry, setting)).collect();
        let message = Message::new("review.marked_not_listed")
            .with("member", Arg::Member(stranger.member))
            .with("claims", Arg::List(labels));
        items.push(info(
            format!("stranger/{}", stranger.member),
            ReviewKind::MarkedNotListed,
            Subject::Member(stranger.member),
            entries.iter().map(|entry| entry.mark).collect(),
            message,
        ));
    }
}

/// An item that asks nothing.
pub(super) fn info(
    id: String,
    kind: ReviewKind,
    subject: Subject,
    marks: Vec<Mark>,
    message: Message,
) -> ReviewItem {
    let severity = Severity::Info;
    ReviewItem {
        id,
        kind,
        severity,
        subject,
        marks,
        message,
        options: Vec::new(),
        contest: Contest::Open,
        seen: Vec::new(),
    }
}

pub(super) fn roll(view: &MeetingView, setting: &Setting<'_>, items: &mut Vec<ReviewItem>) {
    for contest in &view.roll_contests {
        let say = |line: &crate::roster::RollLine| {
            Message::new("value.roll_line")
                .number("number", u64::from(line.number))
                .with("role", Arg::Message(Message::new(line.role.message())))
                .with("standing", Arg::Message(Message::new(line.standing.message())))
                .with("activity", Arg::Message(Message::new(line.activity.message())))
        };
        let field = Field {
            value: None,
            claims: contest.claims.clone(),
            contest: contest.contest.clone(),
        };
        items.extend(values_item(
            format!("roll/{}", contest.member),
            ReviewKind::RollLine,
            Severity::Block,
            Subject::Member(contest.member),
            Message::new("review.roll_line").with("member", Arg::Member(contest.member)),
            &field,
            &say,
        ));
    }
    if view.roll_frozen {
        left_before(view, setting, items);
    }
}

/// Members of the frozen list whom the roster, as known now, does not have on the day of the meeting: their transfer was
/// learnt later. The list stays; what would be without them is shown beside it.
fn left_before(view: &MeetingView, setting: &Setting<'_>, items: &mut Vec<ReviewItem>) {
    if setting.roster.is_empty() {
        return;
    }
    for line in &view.attendance.lines {
        let member = line.line.member;
        if setting.roster.get(member).is_some() {
            continue;
        }
        let counts = view.attendance.counts;
        let present = line.must_attend && line.state == State::Present;
        let mut without = vec![
            Message::new("review.without_attendance")
                .number(
                    "present",
                    u64::from(counts.must_attend_present - u32::from(present)),
                )
                .number(
                    "base",
                    u64::from(counts.must_attend - u32::from(line.must_attend)),
                ),
        ];
        without.extend(view.motions.iter().filter_map(|motion| {
            let outcome = motion
                .outcome
                .filter(|_| motion.method == Method::OpenElectronic)?;
            let voted = motion
                .ballots
                .iter()
                .find(|ballot| ballot.member == member)?
                .counted?;
            let for_ = outcome.counts.for_ - u32::from(voted == crate::meeting::Ballot::For);
            Some(
                Message::new("review.without_vote")
                    .number("for", u64::from(for_))
                    .number("base", u64::from(outcome.base - 1)),
            )
        }));
        let message = Message::new("review.left_before")
            .with("member", Arg::Member(member))
            .with("without", Arg::List(without));
        let marks = line.entries.iter().map(|entry| entry.mark).collect();
        items.push(info(
            format!("left/{member}"),
            ReviewKind::LeftBefore,
            Subject::Member(member),
            marks,
            message,
        ));
    }
}
