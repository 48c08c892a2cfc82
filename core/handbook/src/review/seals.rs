//! Situations about seals, which lie outside the document: two that compete, and what came after one.

use sotay_feed::MemberId;

use super::{ReviewItem, ReviewKind, ReviewOption, Severity, Subject};
use crate::claim::{Contest, Mark};
use crate::late::Late;
use crate::message::{Arg, Message};
use crate::words::Words;

/// Id of the item about competing seals.
pub const SEALS_ITEM: &str = "seals";
/// Id of the item about what was recorded after the seal.
pub const LATE_ITEM: &str = "late";
/// Option of [`LATE_ITEM`]: sign it as an addendum.
pub const ADDENDUM: &str = "addendum";
/// Option of [`LATE_ITEM`]: seal everything anew, as the next edition.
pub const EDITION: &str = "edition";

/// A seal, as an item names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealNamed {
    /// Its id, in hexadecimal: the option that takes it back.
    pub id: String,
    /// SHA-256 of its text, in hexadecimal.
    pub sha256: String,
    /// Who proposed it, when by their clock.
    pub mark: Mark,
    /// Its chair.
    pub chair: MemberId,
}

/// Two seals that both hold and of which neither follows the other: both are listed, the chair withdraws one.
pub fn seals_compete(seals: &[SealNamed]) -> Option<ReviewItem> {
    if seals.len() < 2 {
        return None;
    }
    let short = |seal: &SealNamed| Words::from(seal.sha256.get(..8).unwrap_or_default());
    let label = |key: &'static str, seal: &SealNamed| {
        Message {
            key,
            args: Vec::new(),
        }
        .with("who", Arg::Member(seal.chair))
        .words("hash", &short(seal))
    };
    Some(ReviewItem {
        id: SEALS_ITEM.to_owned(),
        kind: ReviewKind::SealsCompete,
        severity: Severity::Block,
        subject: Subject::Document,
        marks: seals.iter().map(|seal| seal.mark).collect(),
        message: Message::new("review.seals_compete")
            .number("count", seals.len() as u64)
            .with(
                "claims",
                Arg::List(seals.iter().map(|seal| label("seal.named", seal)).collect()),
            ),
        options: seals
            .iter()
            .map(|seal| ReviewOption {
                pick: seal.id.clone(),
                label: label("option.withdraw_seal", seal),
            })
            .collect(),
        contest: Contest::Open,
        seen: Vec::new(),
    })
}

/// What was recorded after the seal: kept beside it until it is signed as an addendum or in a second edition.
pub fn late_records(late: &[Late]) -> Option<ReviewItem> {
    if late.is_empty() {
        return None;
    }
    let option = |pick: &str, key: &'static str| ReviewOption {
        pick: pick.to_owned(),
        label: Message {
            key,
            args: Vec::new(),
        },
    };
    Some(ReviewItem {
        id: LATE_ITEM.to_owned(),
        kind: ReviewKind::RecordedAfterSeal,
        severity: Severity::Warn,
        subject: Subject::Document,
        marks: Vec::new(),
        message: Message::new("review.recorded_after_seal")
            .number("count", late.len() as u64)
            .with(
                "parts",
                Arg::List(late.iter().map(|late| late.what.clone()).collect()),
            ),
        options: vec![
            option(ADDENDUM, "option.addendum"),
            option(EDITION, "option.edition"),
        ],
        contest: Contest::Open,
        seen: Vec::new(),
    })
}
