//! Situations that follow from records beside a meeting: writing of a phone that was removed, another name of the unit, a
//! document withdrawn while somebody studies it.

use sotay_document::Reads;
use sotay_document::crdt::Transaction;
use sotay_feed::DeviceId;

use super::people::info;
use super::{ReviewItem, ReviewKind, ReviewOption, Severity, Subject, record_choice};
use crate::acting::Acting;
use crate::claim::{Mark, Tag};
use crate::error::{CommandError, What};
use crate::ids::EntryId;
use crate::meeting::{MeetingView, Setting, choices};
use crate::message::{Arg, Message};
use crate::roster::{UnitEntry, UnitField, UnitHistory};
use crate::words::Words;

/// Before the device, in the id of the item about what a removed phone wrote.
pub const APART_PREFIX: &str = "apart/";
/// Option: it stays out.
pub const LEAVE_OUT: &str = "leave_out";
/// Option: an officer takes it over; from then on it counts as if written in time.
pub const TAKE_OVER: &str = "take_over";
/// Before the document, in the id of the item about one that was withdrawn while it is studied.
pub const STUDIED_PREFIX: &str = "studied/";
/// Option of such an item: the document is done with.
pub const DONE: &str = "done";
/// Days after another name of the unit came into force during which meetings say so.
pub const UNIT_CHANGE_SHOWN_DAYS: i64 = 62;

/// What a phone wrote into a document after its place in the unit had ended, and what therefore does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetApart {
    /// The phone.
    pub device: DeviceId,
    /// Its envelopes: number in its feed, and id. Names what a choice has seen.
    pub envelopes: Vec<(u64, [u8; 32])>,
    /// How many changes.
    pub changes: u32,
    /// When the last of them was made, by that phone's clock; milliseconds since 1970 UTC.
    pub last_ms: i64,
}

/// An item for each phone whose writing was set apart. It blocks until an officer leaves it out or takes it over.
pub fn set_apart<R: Reads>(doc: &R, setting: &Setting<'_>, apart: &[SetApart]) -> Vec<ReviewItem> {
    let choices = choices(doc, setting);
    apart
        .iter()
        .map(|apart| {
            let id = format!("{APART_PREFIX}{}", apart.device);
            let tag = |(seq, envelope): &(u64, [u8; 32])| Tag::of(&format!("{id}/{seq}"), envelope);
            let seen: Vec<Tag> = apart.envelopes.iter().map(tag).collect();
            let contest = choices.judge(&id, |pick| (pick == LEAVE_OUT).then(|| seen.clone()));
            let mark = Mark {
                device: apart.device,
                at_ms: apart.last_ms,
            };
            let holder = match setting.devices.member(apart.device) {
                Some(member) => Arg::Member(member),
                None => Arg::Device(apart.device),
            };
            ReviewItem {
                kind: ReviewKind::WrittenAfterRemoval,
                severity: Severity::Block,
                subject: Subject::Device(apart.device),
                marks: vec![mark],
                message: Message::new("review.set_apart")
                    .with("device", Arg::Device(apart.device))
                    .with("member", holder)
                    .number("count", u64::from(apart.changes))
                    .with("when", super::people::when(&mark, setting))
                    .with("date", super::people::day_of(&mark, setting)),
                options: vec![
                    option(LEAVE_OUT, "option.leave_out"),
                    option(TAKE_OVER, "option.take_over"),
                ],
                contest,
                seen,
                id,
            }
        })
        .collect()
}

/// Writes the choice of an option of an item of [`set_apart`]. To take over, the caller's transaction must stand on what
/// is taken over.
pub fn choose_apart(
    tx: &mut Transaction<'_>,
    acting: &Acting,
    setting: &Setting<'_>,
    item: &ReviewItem,
    pick: &str,
    id: EntryId,
) -> Result<(), CommandError> {
    acting.must_be_officer()?;
    if !item.options.iter().any(|option| option.pick == pick) {
        return Err(CommandError::Unknown(What::Choice));
    }
    let known = choices(&*tx, setting);
    record_choice(tx, acting, &known, &item.id, pick, item.seen.clone(), id)
}

/// Changes of the unit itself that people of this meeting should know of: another name, lately; or that the unit had
/// become part of another one by then.
pub fn unit_changes(view: &MeetingView, history: &UnitHistory) -> Vec<ReviewItem> {
    let Some(day) = view.date.value else {
        return Vec::new();
    };
    let mut items = Vec::new();
    for field in [UnitField::Name, UnitField::Upper] {
        let entries = history.entries(field);
        for pair in entries.windows(2) {
            let (before, now) = (&pair[0], &pair[1]);
            let age = now.from.days_until(day);
            if !(0..UNIT_CHANGE_SHOWN_DAYS).contains(&age) || before.words() == now.words() {
                continue;
            }
            let message = Message::new(match field {
                UnitField::Upper => "review.upper_renamed",
                _ => "review.unit_renamed",
            })
            .words("before", &before.words().unwrap_or_default())
            .words("after", &now.words().unwrap_or_default());
            items.push(changed(field, now, message));
        }
    }
    let mut merged = history.entries(UnitField::MergedInto).iter();
    let merged = merged.rfind(|entry| entry.from <= day && entry.words().is_some());
    if let Some(entry) = merged {
        let message = Message::new("review.unit_merged").words("after", &entry.words().unwrap_or_default());
        items.push(changed(UnitField::MergedInto, entry, message));
    }
    items
}

fn changed(field: UnitField, entry: &UnitEntry, message: Message) -> ReviewItem {
    let marks = entry.entry.claims.iter().flat_map(|claim| claim.marks.clone());
    info(
        format!("unit/{}/{}", field.key(), entry.from),
        ReviewKind::UnitChanged,
        Subject::Document,
        marks.collect(),
        message.with("date", Arg::Day(entry.from)),
    )
}

/// A document of the library that its reader has begun, and that another one takes out of force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudiedWithdrawn {
    /// Identity of the document, in hexadecimal.
    pub document: String,
    /// Its code.
    pub code: String,
    /// Code of the document that withdraws or replaces it.
    pub by: String,
    /// Its day, as printed.
    pub date: String,
    /// It takes the other's place; otherwise there is none.
    pub replaces: bool,
}

/// An item for somebody who studies what is no longer in force. For that person alone: reading is private.
pub fn studied_withdrawn(found: &StudiedWithdrawn) -> ReviewItem {
    let words = |text: &str| Arg::Words(Words::from(text));
    let message = Message::new(if found.replaces {
        "review.studied_replaced"
    } else {
        "review.studied_withdrawn"
    });
    ReviewItem {
        options: vec![option(DONE, "option.studied_done")],
        ..info(
            format!("{STUDIED_PREFIX}{}", found.document),
            ReviewKind::StudiedWithdrawn,
            Subject::Document,
            Vec::new(),
            message
                .with("document", words(&found.code))
                .with("by", words(&found.by))
                .with("date", words(&found.date)),
        )
    }
}

fn option(pick: &str, key: &'static str) -> ReviewOption {
    ReviewOption {
        pick: pick.to_owned(),
        label: Message {
            key,
            args: Vec::new(),
        },
    }
}
