//! Who was there: marks of several devices made one line for every member.

use std::collections::{BTreeMap, BTreeSet};

use sotay_document::Reads;
use sotay_feed::{IntoTree, MemberId};

use super::super::cells::MarkCell;
use super::super::kinds::State;
use super::super::view::{Attendance, AttendanceCounts, AttendanceEntry, AttendanceLine, Stranger};
use super::Reader;
use crate::cell::{Found, encoded, owned};
use crate::claim::{Contest, Field, Mark, Tag, claims};
use crate::date::LocalTime;
use crate::ids::parse_member_device;
use crate::roster::{Activity, Roll, RollLine, Standing};
use crate::schema;

/// Claim that a device's mark makes.
pub(in crate::meeting) fn mark_tag(key: &str, mark: &MarkCell) -> Tag {
    Tag::of(key, &encoded(mark))
}

impl<R: Reads> Reader<'_, R> {
    /// All marks by member; what a mark's maker knew and corrected is marked as corrected.
    pub(in crate::meeting) fn marks(&self) -> BTreeMap<MemberId, Vec<AttendanceEntry>> {
        let Some(map) = self.container(schema::ATTENDANCE) else {
            return BTreeMap::new();
        };
        let mut found: BTreeMap<MemberId, Vec<(Found<MarkCell>, Tag)>> = BTreeMap::new();
        for key in self.keys(&map) {
            let Some((member, device)) = parse_member_device(&key) else {
                continue;
            };
            if let Some(mark) = owned::<MarkCell, _>(self.doc, &map, &key, device) {
                let tag = mark_tag(&key, &mark.value);
                found.entry(member).or_default().push((mark, tag));
            }
        }
        found
            .into_iter()
            .map(|(member, marks)| (member, entries(marks)))
            .into_map()
    }

    pub(super) fn attendance(&self, roll: &Roll) -> Attendance {
        let mut marks = self.marks();
        let taken = marks
            .values()
            .flatten()
            .any(|entry| entry.state != State::Unmarked);
        let arrived = self.times(schema::ARRIVED);
        let left = self.times(schema::LEFT);
        let lines: Vec<AttendanceLine> = roll
            .lines()
            .iter()
            .map(|line| {
                let mut shown = self.line(line, marks.remove(&line.member).unwrap_or_default());
                shown.arrived = arrived.get(&line.member).cloned().unwrap_or_default();
                shown.left = left.get(&line.member).cloned().unwrap_or_default();
                shown
            })
            .collect();
        let strangers = marks
            .into_iter()
            .filter(|(_, entries)| {
                entries
                    .iter()
                    .any(|entry| entry.state != State::Unmarked && !entry.corrected)
            })
            .map(|(member, entries)| Stranger { member, entries })
            .collect();
        Attendance {
            counts: count(&lines),
            lines,
            strangers,
            taken,
        }
    }

    fn line(&self, line: &RollLine, entries: Vec<AttendanceEntry>) -> AttendanceLine {
        let policy = self.setting.policy;
        let current: Vec<&AttendanceEntry> = entries
            .iter()
            .filter(|entry| !entry.corrected && entry.state != State::Unmarked)
            .collect();
        let states: BTreeSet<State> = current.iter().map(|entry| entry.state).into_set();
        let contest = if states.len() > 1 {
            let tags: Vec<Tag> = current.iter().map(|entry| entry.tag).collect();
            self.choices.among(&format!("attendance/{}", line.member), &tags)
        } else {
            Contest::None
        };
        let picked = current
            .iter()
            .find(|entry| contest.pick() == Some(&entry.tag.to_string()));
        let first = current
            .iter()
            .min_by_key(|entry| (precedence(entry), &entry.reason, entry.mark.device));
        let shown = picked
            .or(first)
            .map(|entry| (entry.state, Some(entry.how), entry.reason.clone()));
        let must_attend = policy.must_attend(line);
        let unmarked = (by_activity(line.activity), None, None);
        let (state, how, reason) = match shown {
            // Who need not attend is not absent, whatever was ticked.
            Some((state, ..)) if state.is_absent() && !must_attend && contest.pick().is_none() => unmarked,
            Some(shown) => shown,
            None => unmarked,
        };
        AttendanceLine {
            must_attend,
            voter: policy.votes(line),
            line: line.clone(),
            state,
            how,
            reason,
            ways: states.len() as u32,
            contest,
            entries,
            arrived: Field::default(),
            left: Field::default(),
        }
    }

    /// Times that devices noted about members, the earliest shown.
    fn times(&self, container: &str) -> BTreeMap<MemberId, Field<LocalTime>> {
        let Some(map) = self.container(container) else {
            return BTreeMap::new();
        };
        let mut found: BTreeMap<MemberId, Vec<Found<LocalTime>>> = BTreeMap::new();
        for key in self.keys(&map) {
            let Some((member, device)) = parse_member_device(&key) else {
                continue;
            };
            if let Some(Found {
                value: Some(value),
                device,
                at_ms,
            }) = owned::<Option<LocalTime>, _>(self.doc, &map, &key, device)
            {
                found
                    .entry(member)
                    .or_default()
                    .push(Found { value, device, at_ms });
            }
        }
        let settle = |(member, found)| {
            let item = format!("{container}/{member}");
            let claims = claims(&item, found);
            let tags: Vec<Tag> = claims.iter().map(|claim| claim.tag).collect();
            let contest = self.choices.among(&item, &tags);
            let picked = claims
                .iter()
                .find(|claim| contest.pick() == Some(&claim.tag.to_string()));
            let value = picked.or(claims.first()).map(|claim| claim.value);
            (
                member,
                Field {
                    value,
                    claims,
                    contest,
                },
            )
        };
        found.into_iter().map(settle).into_map()
    }
}

/// The marks of one member; corrections only go one way, so a circle of them (nobody's honest work) corrects nothing.
fn entries(marks: Vec<(Found<MarkCell>, Tag)>) -> Vec<AttendanceEntry> {
    let corrected = |at: usize| {
        marks.iter().enumerate().any(|(other, (mark, tag))| {
            other != at && mark.value.over.contains(&marks[at].1) && !marks[at].0.value.over.contains(tag)
        })
    };
    let corrected: Vec<bool> = (0..marks.len()).map(corrected).collect();
    marks
        .into_iter()
        .zip(corrected)
        .map(|((found, tag), corrected)| AttendanceEntry {
            mark: Mark {
                device: found.device,
                at_ms: found.at_ms,
            },
            state: found.value.state,
            how: found.value.how,
            reason: found.value.reason,
            tag,
            corrected,
        })
        .collect()
}

/// QR or self check-in > present > away > exempt > excused > unexcused.
fn precedence(entry: &AttendanceEntry) -> u8 {
    match entry.state {
        State::Present if entry.how.is_own() => 0,
        State::Present => 1,
        State::Away => 2,
        State::Exempt => 3,
        State::Excused => 4,
        State::Unexcused => 5,
        State::Unmarked => 6,
    }
}

/// How somebody whom nobody marked is shown.
fn by_activity(activity: Activity) -> State {
    match activity {
        Activity::Attending | Activity::Attached => State::Unmarked,
        Activity::Exempt => State::Exempt,
        _ => State::Away,
    }
}

fn count(lines: &[AttendanceLine]) -> AttendanceCounts {
    let mut counts = AttendanceCounts {
        total: lines.len() as u32,
        ..Default::default()
    };
    for line in lines {
        let present = line.state == State::Present;
        match line.state {
            State::Present => counts.present += 1,
            State::Excused => counts.excused += 1,
            State::Unexcused => counts.unexcused += 1,
            State::Exempt => counts.exempt += 1,
            State::Away => counts.away += 1,
            State::Unmarked => counts.unmarked += 1,
        }
        match line.line.standing {
            Standing::Full => counts.present_full += u32::from(present),
            Standing::Probationary => counts.present_probationary += u32::from(present),
        }
        counts.must_attend += u32::from(line.must_attend);
        counts.must_attend_present += u32::from(line.must_attend && present);
    }
    counts
}

impl AttendanceLine {
    /// Was the member there at a time, by the recorded arrivals and departures? Without a time: at all.
    pub fn present_at(&self, time: Option<LocalTime>) -> bool {
        let after =
            |field: &Field<LocalTime>| field.value.zip(time).is_some_and(|(noted, time)| noted > time);
        let before =
            |field: &Field<LocalTime>| field.value.zip(time).is_some_and(|(noted, time)| noted <= time);
        self.state == State::Present && !after(&self.arrived) && !before(&self.left)
    }
}
