//! Results in the words of the message catalogue.

use super::kinds::Method;
use super::view::{AttendanceCounts, AttendanceLine, Motion, Outcome, VoterBallot};
use crate::message::{Arg, Message};
use crate::review::{fit_message, not_counted_message};

impl AttendanceCounts {
    /// `35/40 = 87,5 %`: present of those who must attend.
    pub fn rate(&self) -> Message {
        let (part, base) = (u64::from(self.must_attend_present), u64::from(self.must_attend));
        Message::new("attendance.rate")
            .number("present", part)
            .number("base", base)
            .with("rate", Arg::Percent(part, base))
    }
}

impl AttendanceLine {
    /// `2 cách ghi`, while the marks of several phones stand against each other.
    pub fn note(&self) -> Option<Message> {
        self.contest
            .is_open()
            .then(|| Message::new("attendance.ways").number("count", u64::from(self.ways)))
    }
}

impl Outcome {
    /// `Thông qua 31/38 = 81,58 % (33 có mặt)`.
    pub fn message(&self) -> Message {
        let (part, base) = (u64::from(self.counts.for_), u64::from(self.base));
        Message::new(if self.passed {
            "vote.passed"
        } else {
            /* message */
            "vote.rejected"
        })
        .number("for", part)
        .number("base", base)
        .with("rate", Arg::Percent(part, base))
        .number("present", u64::from(self.present))
    }
}

impl Motion {
    /// What is known of the result; `chưa xác nhận` while counts differ or the chair has not confirmed one.
    pub fn result(&self) -> Message {
        let outcome = self.outcome.map(|outcome| outcome.message());
        match (self.outcome, outcome) {
            _ if !self.opened => Message::new("vote.not_opened"),
            (Some(of), Some(message)) if of.pending > 0 => Message::new("vote.pending")
                .with("result", Arg::Message(message))
                .number("count", u64::from(of.pending)),
            (Some(of), Some(message)) if of.confirmed => message,
            (Some(_), Some(message)) => {
                Message::new("vote.result_unconfirmed").with("result", Arg::Message(message))
            }
            _ if self.tallies.is_empty() && self.method != Method::OpenElectronic => {
                Message::new("vote.not_counted")
            }
            _ if self.tallies.is_empty() => Message::new("vote.no_ballots"),
            _ => Message::new("vote.unconfirmed"),
        }
    }

    /// `P2: thiếu 1 so với 33`, for every count that does not add up to the voters present.
    pub fn tally_notes(&self) -> Vec<Message> {
        self.tallies
            .iter()
            .filter_map(|tally| fit_message(self, tally))
            .collect()
    }
}

impl VoterBallot {
    /// `không tính (dự bị)`, for a ballot of somebody who may not vote.
    pub fn note(&self) -> Option<Message> {
        self.not_counted.map(not_counted_message)
    }
}
