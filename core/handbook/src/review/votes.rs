//! Situations about votes.

use sotay_feed::InOrder;
use std::collections::BTreeMap;

use super::people::{devices, info, person_name, values_item, when};
use super::{ReviewItem, ReviewKind, ReviewOption, Severity, Subject};
use crate::claim::{Contest, Tag};
use crate::meeting::{
    Ballot, MeetingView, Motion, NotCounted, Person, Setting, TallyClaim, TallyFit, VoterBallot, ballot_item,
    ballot_tag, over_seen,
};
use crate::message::{Arg, Message};

pub(super) fn motions(view: &MeetingView, setting: &Setting<'_>, items: &mut Vec<ReviewItem>) {
    for motion in &view.motions {
        opened_twice(motion, items);
        reworded(motion, items);
        vote_time(motion, items);
        tallies_differ(motion, setting, items);
        for tally in &motion.tallies {
            tally_over(motion, tally, items);
        }
        for ballot in &motion.ballots {
            ballots_differ(motion, ballot, setting, items);
            not_counted(view, motion, ballot, items);
        }
    }
}

fn question(motion: &Motion) -> Arg {
    Arg::Words(motion.text.clone())
}

fn opened_twice(motion: &Motion, items: &mut Vec<ReviewItem>) {
    if motion.versions_contest == Contest::None {
        return;
    }
    let label = |claim: &crate::claim::Claim<crate::words::Words>| {
        Message::new("claim.by").with("who", devices(&claim.marks)).with(
            "what",
            Arg::Message(Message::new("value.quoted").words("value", &claim.value)),
        )
    };
    let labels: Vec<Message> = motion.versions.iter().map(label).collect();
    items.push(ReviewItem {
        id: format!("motion/{}/opened", motion.id),
        kind: ReviewKind::OpenedTwice,
        severity: Severity::Block,
        subject: Subject::Entry(motion.id),
        marks: motion
            .versions
            .iter()
            .flat_map(|claim| claim.marks.clone())
            .collect(),
        message: Message::new("review.opened_twice").with("claims", Arg::List(labels.clone())),
        options: motion
            .versions
            .iter()
            .zip(labels)
            .map(|(claim, label)| ReviewOption {
                pick: claim.tag.to_string(),
                label,
            })
            .collect(),
        contest: motion.versions_contest.clone(),
        seen: motion.versions.iter().map(|claim| claim.tag).collect(),
    });
}

fn reworded(motion: &Motion, items: &mut Vec<ReviewItem>) {
    let Some(text) = motion
        .reworded
        .as_ref()
        .filter(|_| motion.reworded_contest != Contest::None)
    else {
        return;
    };
    let option = |pick: &str, key| ReviewOption {
        pick: pick.to_owned(),
        label: Message::new(key),
    };
    items.push(ReviewItem {
        id: format!("motion/{}/reworded", motion.id),
        kind: ReviewKind::MotionReworded,
        severity: Severity::Block,
        subject: Subject::Entry(motion.id),
        marks: motion.opened_by.clone(),
        message: Message::new("review.motion_reworded")
            .with("question", question(motion))
            .with("text", Arg::Words(text.clone())),
        options: vec![
            option("keep", "option.keep_question"),
            option("new_motion", "option.new_motion"),
        ],
        contest: motion.reworded_contest.clone(),
        seen: motion.reworded_seen.clone(),
    });
}

fn vote_time(motion: &Motion, items: &mut Vec<ReviewItem>) {
    let say = |time: &crate::date::LocalTime| Message::new("value.time").with("value", Arg::Time(*time));
    items.extend(values_item(
        format!("motion/{}/time", motion.id),
        ReviewKind::TimesDiffer,
        Severity::Info,
        Subject::Entry(motion.id),
        Message::new("review.vote_time").with("question", question(motion)),
        &motion.time,
        &say,
    ));
}

/// `31/1/1`, and after a slash the invalid ones if there are any.
fn counts(tally: &TallyClaim) -> Message {
    let votes = tally.counts;
    let message = match votes.invalid {
        0 => Message::new("tally.counts"),
        invalid => Message::new("tally.counts_invalid").number("invalid", u64::from(invalid)),
    };
    message
        .number("for", u64::from(votes.for_))
        .number("against", u64::from(votes.against))
        .number("other", u64::from(votes.other))
}

/// `P2: thiếu 1 so với 33`, if it does not add up.
pub(crate) fn fit_message(motion: &Motion, tally: &TallyClaim) -> Option<Message> {
    let (key, votes) = match tally.fit {
        TallyFit::Short(votes) => ("tally.short", votes),
        TallyFit::Over(votes) => ("tally.over", votes),
        TallyFit::Exact | TallyFit::Unknown => return None,
    };
    Some(
        Message::new(key)
            .with("who", Arg::Device(tally.mark.device))
            .number("votes", u64::from(votes))
            .number("present", u64::from(motion.present)),
    )
}

fn tally_label(tally: &TallyClaim, setting: &Setting<'_>) -> Message {
    Message::new("tally.by")
        .with("who", Arg::Device(tally.mark.device))
        .with("when", when(&tally.mark, setting))
        .with("counts", Arg::Message(counts(tally)))
}

fn tallies_differ(motion: &Motion, setting: &Setting<'_>, items: &mut Vec<ReviewItem>) {
    let mut by_tag: BTreeMap<Tag, Vec<&TallyClaim>> = BTreeMap::new();
    for tally in &motion.tallies {
        by_tag.entry(tally.tag).or_default().push(tally);
    }
    if by_tag.len() < 2 || motion.tally_contest == Contest::None {
        return;
    }
    let mut claims: Vec<Message> = motion
        .tallies
        .iter()
        .map(|tally| tally_label(tally, setting))
        .collect();
    claims.extend(
        motion
            .tallies
            .iter()
            .filter_map(|tally| fit_message(motion, tally)),
    );
    items.push(ReviewItem {
        id: format!("tally/{}", motion.id),
        kind: ReviewKind::TalliesDiffer,
        severity: Severity::Block,
        subject: Subject::Entry(motion.id),
        marks: motion.tallies.iter().map(|tally| tally.mark).collect(),
        message: Message::new("review.tallies_differ")
            .with("question", question(motion))
            .with("claims", Arg::List(claims)),
        options: by_tag
            .iter()
            .map(|(tag, same)| ReviewOption {
                pick: tag.to_string(),
                label: tally_label(same[0], setting),
            })
            .collect(),
        contest: motion.tally_contest.clone(),
        seen: by_tag.into_keys().collect(),
    });
}

/// A count with more votes than voters present blocks, unless another count was confirmed instead of it.
fn tally_over(motion: &Motion, tally: &TallyClaim, items: &mut Vec<ReviewItem>) {
    let set_aside = motion
        .tally_contest
        .pick()
        .is_some_and(|pick| pick != tally.tag.to_string());
    let Some(over) = fit_message(motion, tally).filter(|_| matches!(tally.fit, TallyFit::Over(_))) else {
        return;
    };
    let id = format!("tally/{}/over/{}", motion.id, tally.tag);
    if set_aside || items.iter().any(|item| item.id == id) {
        return;
    }
    items.push(ReviewItem {
        id,
        kind: ReviewKind::TallyOver,
        severity: Severity::Block,
        subject: Subject::Entry(motion.id),
        marks: vec![tally.mark],
        message: Message::new("review.tally_over")
            .with("question", question(motion))
            .with("over", Arg::Message(over)),
        options: vec![ReviewOption {
            pick: "accept".to_owned(),
            label: Message::new("option.accept_count"),
        }],
        contest: tally.over_contest.clone(),
        seen: over_seen(tally.tag, motion.present),
    });
}

fn ballots_differ(motion: &Motion, ballot: &VoterBallot, setting: &Setting<'_>, items: &mut Vec<ReviewItem>) {
    if ballot.contest == Contest::None {
        return;
    }
    let id = ballot_item(motion.id, ballot.member);
    let label = |entry: &crate::meeting::BallotEntry| {
        Message::new("ballot.by")
            .with("who", Arg::Device(entry.mark.device))
            .with("when", when(&entry.mark, setting))
            .with("ballot", Arg::Message(Message::new(entry.ballot.message())))
            .with("how", Arg::Message(Message::new(entry.how.message())))
    };
    let mut kinds: Vec<Ballot> = ballot.entries.iter().map(|entry| entry.ballot).collect();
    kinds.in_order();
    kinds.dedup();
    let option = |&kind: &Ballot| ReviewOption {
        pick: ballot_tag(&id, kind).to_string(),
        label: Message::new(kind.message()),
    };
    items.push(ReviewItem {
        kind: ReviewKind::BallotsDiffer,
        severity: Severity::Block,
        subject: Subject::Member(ballot.member),
        marks: ballot.entries.iter().map(|entry| entry.mark).collect(),
        message: Message::new("review.ballots_differ")
            .with("member", Arg::Member(ballot.member))
            .with("question", question(motion))
            .with("claims", Arg::List(ballot.entries.iter().map(label).collect())),
        options: kinds.iter().map(option).collect(),
        contest: ballot.contest.clone(),
        seen: kinds.iter().map(|&kind| ballot_tag(&id, kind)).collect(),
        id,
    });
}

/// `không tính (dự bị)`.
pub(crate) fn not_counted_message(why: NotCounted) -> Message {
    Message::new(match why {
        NotCounted::Probationary => "not_counted.probationary",
        NotCounted::Attached => "not_counted.attached",
        NotCounted::NotEligible => "not_counted.not_eligible",
    })
}

fn not_counted(view: &MeetingView, motion: &Motion, ballot: &VoterBallot, items: &mut Vec<ReviewItem>) {
    let Some(why) = ballot.not_counted else { return };
    let message = Message::new("review.ballot_not_counted")
        .with(
            "member",
            Arg::Message(person_name(view, Person::Member(ballot.member))),
        )
        .with("question", question(motion))
        .with("why", Arg::Message(not_counted_message(why)));
    items.push(info(
        format!("uncounted/{}/{}", motion.id, ballot.member),
        ReviewKind::BallotNotCounted,
        Subject::Member(ballot.member),
        ballot.entries.iter().map(|entry| entry.mark).collect(),
        message,
    ));
}
