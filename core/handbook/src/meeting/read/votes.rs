//! Votes: frozen questions, counts by phone, ballots by name, results.

use std::collections::{BTreeMap, BTreeSet};

use sotay_document::Reads;
use sotay_document::crdt::ObjId;
use sotay_feed::{InOrder, IntoTree, MemberId};

use super::super::cells::{BallotCell, OpenedCell, TallyCell};
use super::super::command::TallyCount;
use super::super::kinds::{Ballot, Method, Need};
use super::super::view::{
    Attendance, BallotEntry, Motion, NotCounted, Outcome, TallyClaim, TallyFit, VoterBallot,
};
use super::{Entry, Reader, entry};
use crate::cell::{Found, encoded, object, owned};
use crate::claim::{Claim, Contest, Mark, Tag, claims, field};
use crate::date::LocalTime;
use crate::ids::{EntryId, parse_id, parse_member_device};
use crate::roster::{Activity, Roll, Standing};
use crate::schema;
use crate::words::Words;

/// Review item about the ballots of a member.
pub(crate) fn ballot_item(motion: EntryId, member: MemberId) -> String {
    format!("ballot/{motion}/{member}")
}

/// Is this item about a ballot of that member?
pub(in crate::meeting) fn is_own_ballot(item: &str, member: Option<MemberId>) -> bool {
    member.is_some_and(|member| {
        item.strip_prefix("ballot/")
            .and_then(|rest| rest.split_once('/'))
            .is_some_and(|(_, of)| of == member.to_string())
    })
}

impl<R: Reads> Reader<'_, R> {
    /// A motion whose vote was opened is never hidden.
    pub(super) fn motions(
        &self,
        roll: &Roll,
        attendance: &Attendance,
        removed: &mut Vec<EntryId>,
    ) -> Vec<Motion> {
        let opened = |map: &ObjId| !self.each_device::<OpenedCell>(map, entry::OPENED).is_empty();
        self.entries(schema::MOTIONS)
            .iter()
            .filter(|found| opened(&found.object) || self.is_shown("motion", found, removed))
            .map(|entry| self.motion(entry, roll, attendance))
            .collect()
    }

    fn motion(&self, entry: &Entry, roll: &Roll, attendance: &Attendance) -> Motion {
        let (id, map) = (entry.id, &entry.object);
        let draft = self.text(map, entry::TEXT).unwrap_or_default();
        let versions = claims(
            &format!("motion/{id}/opened"),
            self.each_device(map, entry::OPENED),
        );
        let tags: Vec<Tag> = versions.iter().map(|claim| claim.tag).collect();
        let versions_contest = self.choices.among(&format!("motion/{id}/opened"), &tags);
        let frozen = versions
            .iter()
            .find(|claim| versions_contest.pick() == Some(&claim.tag.to_string()))
            .or(versions.first())
            .cloned();
        let mut motion = Motion {
            id,
            agenda: self.plain::<Option<EntryId>>(map, entry::AGENDA).flatten(),
            text: draft.clone(),
            method: self.plain(map, entry::METHOD).unwrap_or(Method::Hands),
            need: self.plain(map, entry::NEED).unwrap_or(Need::Majority),
            opened: frozen.is_some(),
            opened_by: Vec::new(),
            opened_at: None,
            time: field(
                self.doc,
                map,
                entry::TIME,
                &format!("motion/{id}/time"),
                &self.choices,
            ),
            eligible: Vec::new(),
            versions: Vec::new(),
            versions_contest,
            reworded: None,
            reworded_contest: Contest::None,
            present: 0,
            tallies: Vec::new(),
            tally_contest: Contest::None,
            ballots: Vec::new(),
            outcome: None,
            reworded_seen: Vec::new(),
        };
        if let Some(frozen) = frozen {
            self.freeze(&mut motion, &frozen, draft);
            motion.present = present(&motion, attendance);
            self.count(map, &mut motion, attendance.taken);
            self.ballots(map, &mut motion, roll);
            motion.outcome = self.outcome(&motion);
        }
        let words = |claim: Claim<OpenedCell>| Claim {
            value: claim.value.text.0,
            tag: claim.tag,
            marks: claim.marks,
        };
        motion.versions = versions.into_iter().map(words).collect();
        motion
    }

    fn freeze(&self, motion: &mut Motion, frozen: &Claim<OpenedCell>, draft: Words) {
        motion.text = frozen.value.text.0.clone();
        motion.eligible = frozen.value.eligible.clone();
        motion.method = frozen.value.method;
        motion.need = frozen.value.need;
        motion.opened_by = frozen.marks.clone();
        let offset = self.setting.policy.utc_offset_minutes;
        let by_clock = frozen
            .marks
            .iter()
            .filter_map(|mark| LocalTime::from_ms(mark.at_ms, offset))
            .min();
        motion.opened_at = motion.time.value.or(by_clock);
        if draft != motion.text && motion.versions_contest == Contest::None {
            let draft_tag = Tag::of("draft", draft.as_bytes());
            motion.reworded_seen = vec![frozen.tag, draft_tag];
            let seen = motion.reworded_seen.clone();
            motion.reworded_contest = self
                .choices
                .judge(&format!("motion/{}/reworded", motion.id), |pick| {
                    matches!(pick, "keep" | "new_motion").then(|| seen.clone())
                });
            motion.reworded = Some(draft);
        }
    }

    /// What each device wrote under its own id in a map of an entry.
    fn each_device<T: crate::cell::Cell>(&self, map: &ObjId, key: &str) -> Vec<Found<T>> {
        let Some(map) = object(self.doc, map, key) else {
            return Vec::new();
        };
        self.keys(&map)
            .iter()
            .filter_map(|key| owned(self.doc, &map, key, parse_id(key)?))
            .collect()
    }

    fn count(&self, map: &ObjId, motion: &mut Motion, attendance_taken: bool) {
        let place = format!("tally/{}", motion.id);
        let tallies: Vec<Found<TallyCell>> = self.each_device(map, entry::TALLIES);
        motion.tallies = tallies
            .into_iter()
            .map(|found| {
                let counts = found.value.counts;
                let tag = Tag::of(&place, &encoded(&counts));
                let fit = fit(counts.sum(), motion.present, attendance_taken);
                let over_contest = match fit {
                    TallyFit::Over(_) => {
                        let item = format!("tally/{}/over/{tag}", motion.id);
                        let seen = over_seen(tag, motion.present);
                        self.choices
                            .judge(&item, |pick| (pick == "accept").then(|| seen.clone()))
                    }
                    _ => Contest::None,
                };
                TallyClaim {
                    mark: Mark {
                        device: found.device,
                        at_ms: found.at_ms,
                    },
                    counts,
                    board: found.value.board,
                    tag,
                    fit,
                    over_contest,
                }
            })
            .collect();
        let tags: BTreeSet<Tag> = motion.tallies.iter().map(|tally| tally.tag).into_set();
        let tags: Vec<Tag> = tags.into_iter().collect();
        let confirmed = self.choices.judge(&place, |pick| {
            tags.iter()
                .any(|tag| tag.to_string() == pick)
                .then(|| tags.clone())
        });
        // One count, or several that agree, contradict nobody; they only lack the chair's word.
        motion.tally_contest = match confirmed {
            Contest::Open if tags.len() < 2 => Contest::None,
            other => other,
        };
    }

    fn ballots(&self, map: &ObjId, motion: &mut Motion, roll: &Roll) {
        let Some(map) = object(self.doc, map, entry::BALLOTS) else {
            return;
        };
        let mut found: BTreeMap<MemberId, Vec<BallotEntry>> = BTreeMap::new();
        for key in self.keys(&map) {
            let Some((member, device)) = parse_member_device(&key) else {
                continue;
            };
            if let Some(ballot) = owned::<BallotCell, _>(self.doc, &map, &key, device) {
                found.entry(member).or_default().push(BallotEntry {
                    mark: Mark {
                        device,
                        at_ms: ballot.at_ms,
                    },
                    ballot: ballot.value.ballot,
                    how: ballot.value.how,
                });
            }
        }
        let numbers = roll.numbers();
        motion.ballots = found
            .into_iter()
            .map(|(member, entries)| self.ballot(motion, roll, member, entries))
            .collect();
        motion.ballots.in_order_by_key(|ballot| {
            (
                numbers.get(&ballot.member).copied().unwrap_or(u32::MAX),
                ballot.member,
            )
        });
    }

    fn ballot(
        &self,
        motion: &Motion,
        roll: &Roll,
        member: MemberId,
        entries: Vec<BallotEntry>,
    ) -> VoterBallot {
        let item = ballot_item(motion.id, member);
        let kinds: BTreeSet<Ballot> = entries.iter().map(|entry| entry.ballot).into_set();
        let tags: Vec<Tag> = kinds.iter().map(|&ballot| ballot_tag(&item, ballot)).collect();
        let eligible = motion.eligible.contains(&member);
        let contest = if eligible {
            self.choices.among(&item, &tags)
        } else {
            Contest::None
        };
        let picked = kinds
            .iter()
            .find(|&&ballot| contest.pick() == Some(&ballot_tag(&item, ballot).to_string()));
        let only = kinds.first().filter(|_| kinds.len() == 1);
        let not_counted = (!eligible).then(|| match roll.get(member) {
            Some(line) if line.standing == Standing::Probationary => NotCounted::Probationary,
            Some(line) if line.activity == Activity::Attached => NotCounted::Attached,
            _ => NotCounted::NotEligible,
        });
        let counted = picked.or(only).copied().filter(|_| eligible);
        VoterBallot {
            member,
            counted,
            entries,
            contest,
            not_counted,
        }
    }

    fn outcome(&self, motion: &Motion) -> Option<Outcome> {
        let (counts, confirmed, pending) = match motion.method {
            Method::OpenElectronic => {
                let counts = counted(&motion.ballots)?;
                (
                    counts,
                    true,
                    motion
                        .ballots
                        .iter()
                        .filter(|ballot| ballot.contest.is_open())
                        .count() as u32,
                )
            }
            Method::Hands | Method::SecretPaper => {
                if motion.tally_contest.is_open() {
                    return None;
                }
                let pick = motion.tally_contest.pick();
                let tally = match pick {
                    Some(pick) => motion
                        .tallies
                        .iter()
                        .find(|tally| tally.tag.to_string() == pick)?,
                    None => motion.tallies.first()?,
                };
                (tally.counts, pick.is_some(), 0)
            }
        };
        let base = motion.eligible.len() as u32;
        let threshold = match motion.need {
            Need::Majority => self.setting.policy.majority,
            Need::TwoThirds => self.setting.policy.two_thirds,
        };
        let passed = threshold.reached(counts.for_, base);
        Some(Outcome {
            counts,
            base,
            present: motion.present,
            passed,
            confirmed,
            pending,
        })
    }
}

/// Claim that somebody voted so.
pub(crate) fn ballot_tag(item: &str, ballot: Ballot) -> Tag {
    Tag::of(item, &encoded(&ballot))
}

/// What a choice must have seen that accepts a count with too many votes.
pub(crate) fn over_seen(tally: Tag, present: u32) -> Vec<Tag> {
    vec![tally, Tag::of("present", &present.to_le_bytes())]
}

fn counted(ballots: &[VoterBallot]) -> Option<TallyCount> {
    if ballots.is_empty() {
        return None;
    }
    let of = |kind: Ballot| {
        ballots
            .iter()
            .filter(|ballot| ballot.counted == Some(kind))
            .count() as u32
    };
    Some(TallyCount {
        for_: of(Ballot::For),
        against: of(Ballot::Against),
        other: of(Ballot::Other),
        invalid: 0,
    })
}

fn fit(sum: u32, present: u32, attendance_taken: bool) -> TallyFit {
    match sum.cmp(&present) {
        _ if !attendance_taken => TallyFit::Unknown,
        std::cmp::Ordering::Less => TallyFit::Short(present - sum),
        std::cmp::Ordering::Equal => TallyFit::Exact,
        std::cmp::Ordering::Greater => TallyFit::Over(sum - present),
    }
}

/// Eligible voters who were there when the vote was opened; who had left is not, who came later is not.
fn present(motion: &Motion, attendance: &Attendance) -> u32 {
    let eligible: BTreeSet<&MemberId> = motion.eligible.iter().into_set();
    let there = |line: &&super::super::view::AttendanceLine| {
        eligible.contains(&line.line.member) && line.present_at(motion.opened_at)
    };
    attendance.lines.iter().filter(there).count() as u32
}
