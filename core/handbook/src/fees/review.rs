//! The review list of the ledger: paid twice for one month, and assessments with two values.

use std::collections::BTreeMap;

use sotay_feed::MemberId;

use super::{FeeLine, FeesView};
use crate::claim::Tag;
use crate::date::Month;
use crate::message::{Arg, Message};
use crate::review::{ReviewItem, ReviewKind, ReviewList, ReviewOption, Severity, Subject, values_item};

pub(super) const KEEP: &str = "keep";
pub(super) const REVERSE_PREFIX: &str = "reverse/";

/// Everything in the ledger that may be wrong.
pub fn review(view: &FeesView) -> ReviewList {
    let mut items = Vec::new();
    let mut paid: BTreeMap<(Month, MemberId), Vec<&FeeLine>> = BTreeMap::new();
    for line in view.lines.iter().filter(|line| line.counts > 0) {
        if line.reversed_by.is_none() {
            paid.entry((line.month, line.payer)).or_default().push(line);
        }
    }
    for ((month, payer), lines) in paid.into_iter().filter(|(_, lines)| lines.len() > 1) {
        items.push(twice(view, month, payer, &lines));
    }
    items.extend(view.assessed.iter().filter_map(assessed));
    ReviewList::new(items)
}

fn amount(value: u32) -> Message {
    Message::new("value.dong").with("value", Arg::Dong(u64::from(value)))
}

/// `nộp trùng Hoàng Văn Thắng tháng 5: …`: whoever pays in parts keeps both lines, otherwise one is reversed.
fn twice(view: &FeesView, month: Month, payer: MemberId, lines: &[&FeeLine]) -> ReviewItem {
    let id = format!("fee/{month}/{payer}");
    let tag = |line: &FeeLine| Tag::of("fee", line.id.as_bytes());
    let seen: Vec<Tag> = lines.iter().map(|line| tag(line)).collect();
    let label = |line: &FeeLine, key| {
        Message::new(key)
            .with("who", Arg::Device(line.mark.device))
            .with("day", Arg::Day(line.day))
            .with("amount", Arg::Message(amount(line.amount)))
    };
    let mut options: Vec<ReviewOption> = lines
        .iter()
        .map(|line| ReviewOption {
            pick: format!("{REVERSE_PREFIX}{}", line.id),
            label: label(line, "option.reverse_fee"),
        })
        .collect();
    options.push(ReviewOption {
        pick: KEEP.to_owned(),
        label: Message::new("option.keep_fees"),
    });
    ReviewItem {
        kind: ReviewKind::FeeTwice,
        severity: Severity::Info,
        subject: Subject::Member(payer),
        marks: lines.iter().map(|line| line.mark).collect(),
        message: Message::new("review.fee_twice")
            .with("member", Arg::Member(payer))
            .number("month", u64::from(month.number()))
            .with(
                "claims",
                Arg::List(lines.iter().map(|line| label(line, "claim.fee")).collect()),
            ),
        options,
        contest: view
            .choices
            .judge(&id, |pick| (pick == KEEP).then(|| seen.clone())),
        seen,
        id,
    }
}

fn assessed(one: &super::Assessed) -> Option<ReviewItem> {
    let value = |value: &Option<u32>| value.map_or_else(|| Message::new("value.fee_rate"), amount);
    let message = Message::new("review.assessed_twice")
        .with("member", Arg::Member(one.member))
        .number("month", u64::from(one.from.number()));
    let id = format!("assessed/{}/{}", one.member, one.from);
    let subject = Subject::Member(one.member);
    values_item(
        id,
        ReviewKind::FeeTwice,
        Severity::Block,
        subject,
        message,
        &one.amount,
        &value,
    )
}
