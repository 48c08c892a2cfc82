//! The review list: what contradicts itself, derived from the document and never stored.
//!
//! Every item has a stable id, says who recorded what and when, offers choices as commands, and says whether it blocks
//! sealing. Replicas with the same records derive the same list.

mod apart;
mod content;
mod odd;
mod people;
mod seals;
mod votes;

use serde::{Serialize, Serializer};
use sotay_document::crdt::{ROOT, Transaction};
use sotay_feed::{DeviceId, InOrder, MemberId};

use crate::acting::Acting;
use crate::cell::{object, put};
use crate::claim::{ChoiceCell, Choices, Contest, Mark, Settled, Tag};
use crate::error::{CommandError, What};
use crate::ids::{EntryId, ser};
use crate::limits::CLAIMS_MAX;
use crate::meeting::{MeetingView, Setting};
use crate::message::{Arg, Message};
use crate::schema;

pub use apart::{
    APART_PREFIX, DONE, LEAVE_OUT, STUDIED_PREFIX, SetApart, StudiedWithdrawn, TAKE_OVER,
    UNIT_CHANGE_SHOWN_DAYS, choose_apart, set_apart, studied_withdrawn, unit_changes,
};
pub(crate) use people::{person_name, values_item};
pub use seals::{ADDENDUM, EDITION, LATE_ITEM, SEALS_ITEM, SealNamed, late_records, seals_compete};
pub(crate) use votes::{fit_message, not_counted_message};

/// How much an item weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The minutes cannot be sealed while it is open.
    Block,
    /// Should be looked at before sealing.
    Warn,
    /// Worth knowing.
    Info,
}

/// What kind of situation an item describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewKind {
    /// Attendance of a member was marked in ways that contradict each other.
    AttendanceTwice,
    /// A member who need not attend was marked absent.
    ExemptMarkedAbsent,
    /// Somebody who is not on the list was marked.
    MarkedNotListed,
    /// Arrival or departure was noted at different times.
    TimesDiffer,
    /// The frozen list has two different lines for a member.
    RollLine,
    /// A member of the frozen list had left the unit before the meeting.
    LeftBefore,
    /// Chair or clerk was named twice, differently.
    OfficerOfMeeting,
    /// Place, day, start, end or another fact of the heading has two values.
    HeadingTwice,
    /// Tallies of one vote differ.
    TalliesDiffer,
    /// A tally has more votes than voters present.
    TallyOver,
    /// Two different ballots of one member.
    BallotsDiffer,
    /// A ballot of somebody who may not vote.
    BallotNotCounted,
    /// A motion was opened with two texts or two lists of voters.
    OpenedTwice,
    /// A motion was reworded after its vote was opened.
    MotionReworded,
    /// A deadline has two values.
    DeadlineTwice,
    /// A conclusion was rewritten twice.
    ConclusionTwice,
    /// A conclusion was removed here and edited there.
    ConclusionRemoved,
    /// An item of the agenda was removed here and edited there.
    AgendaRemoved,
    /// A note was removed here and edited there.
    NoteRemoved,
    /// Points of one scorer for one criterion have two values.
    PointsTwice,
    /// An entry of the roster was made twice, differently.
    RosterEntry,
    /// Two meetings of one period.
    MeetingsOfOnePeriod,
    /// A phone of the unit has not synced yet.
    PhoneNotSynced,
    /// The clock of a phone is off.
    ClockOff,
    /// Words or deadline of a task have two values.
    TaskTwice,
    /// A fee was recorded twice, or an assessment differently.
    FeeTwice,
    /// A number of a resolution was used twice.
    NumberTwice,
    /// Two seals hold, and neither follows the other.
    SealsCompete,
    /// Something was recorded after the minutes were sealed.
    RecordedAfterSeal,
    /// A time or day lies outside of the meeting.
    TimeOdd,
    /// A phone that had been removed wrote all the same; that is set apart.
    WrittenAfterRemoval,
    /// The unit got another name, or became part of another one.
    UnitChanged,
    /// A document was withdrawn or replaced while somebody studied it.
    StudiedWithdrawn,
}

impl ReviewKind {
    /// All of them.
    pub const ALL: [Self; 33] = [
        Self::AttendanceTwice,
        Self::ExemptMarkedAbsent,
        Self::MarkedNotListed,
        Self::TimesDiffer,
        Self::RollLine,
        Self::LeftBefore,
        Self::OfficerOfMeeting,
        Self::HeadingTwice,
        Self::TalliesDiffer,
        Self::TallyOver,
        Self::BallotsDiffer,
        Self::BallotNotCounted,
        Self::OpenedTwice,
        Self::MotionReworded,
        Self::DeadlineTwice,
        Self::ConclusionTwice,
        Self::ConclusionRemoved,
        Self::AgendaRemoved,
        Self::NoteRemoved,
        Self::PointsTwice,
        Self::RosterEntry,
        Self::MeetingsOfOnePeriod,
        Self::PhoneNotSynced,
        Self::ClockOff,
        Self::TaskTwice,
        Self::FeeTwice,
        Self::NumberTwice,
        Self::SealsCompete,
        Self::RecordedAfterSeal,
        Self::TimeOdd,
        Self::WrittenAfterRemoval,
        Self::UnitChanged,
        Self::StudiedWithdrawn,
    ];
}

/// Whom or what an item is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The document as a whole.
    Document,
    /// A member.
    Member(#[serde(serialize_with = "ser::id")] MemberId),
    /// An entry: a motion, a conclusion.
    Entry(EntryId),
    /// A device.
    Device(#[serde(serialize_with = "ser::id")] DeviceId),
}

/// One way to settle an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReviewOption {
    /// What the command names.
    pub pick: String,
    /// What people read.
    pub label: Message,
}

/// One item of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReviewItem {
    /// Stable id.
    pub id: String,
    /// The situation.
    pub kind: ReviewKind,
    /// Its weight.
    pub severity: Severity,
    /// What it is about.
    pub subject: Subject,
    /// Who recorded what contradicts itself.
    pub marks: Vec<Mark>,
    /// The situation in words.
    pub message: Message,
    /// Ways to settle it; none when there is nothing to settle.
    pub options: Vec<ReviewOption>,
    /// Open, or who settled it how.
    pub contest: Contest,
    /// Claims a choice made now has seen.
    #[serde(skip)]
    pub(crate) seen: Vec<Tag>,
}

impl ReviewItem {
    /// Says it in words, for people.
    pub fn text(&self, lang: crate::message::Lang, names: &dyn crate::message::Names) -> String {
        self.message.text(lang, names)
    }

    /// The command that settles it by one of its options; `id` is drawn by the caller.
    pub fn settle(&self, option: &ReviewOption, id: EntryId) -> crate::meeting::Command {
        crate::meeting::Command::Settle {
            item: self.id.clone(),
            pick: option.pick.clone(),
            id,
        }
    }
}

/// The list, by weight, then by id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReviewList {
    open: Vec<ReviewItem>,
    settled: Vec<ReviewItem>,
}

impl Serialize for ReviewList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut list = serializer.serialize_struct("ReviewList", 3)?;
        list.serialize_field("blocks", &self.blocks())?;
        list.serialize_field("open", &self.open)?;
        list.serialize_field("settled", &self.settled)?;
        list.end()
    }
}

impl ReviewList {
    /// A list of items that come from elsewhere than one document.
    pub fn of(items: Vec<ReviewItem>) -> Self {
        Self::new(items)
    }

    pub(crate) fn new(mut items: Vec<ReviewItem>) -> Self {
        items.in_order_by(|a, b| (a.severity, &a.id).cmp(&(b.severity, &b.id)));
        for item in &mut items {
            item.marks.in_order();
            item.marks.dedup();
        }
        let (settled, open) = items
            .into_iter()
            .partition(|item| matches!(item.contest, Contest::Settled(_)));
        Self { open, settled }
    }

    /// What waits.
    pub fn open(&self) -> &[ReviewItem] {
        &self.open
    }

    /// What somebody settled; choosing again is possible.
    pub fn settled(&self) -> &[ReviewItem] {
        &self.settled
    }

    /// An item, open or settled.
    pub fn get(&self, id: &str) -> Option<&ReviewItem> {
        self.open.iter().chain(&self.settled).find(|item| item.id == id)
    }

    /// Does an open item keep the minutes from being sealed?
    pub fn blocks(&self) -> bool {
        self.blocking().next().is_some()
    }

    /// Open items that keep the minutes from being sealed.
    pub fn blocking(&self) -> impl Iterator<Item = &ReviewItem> {
        self.open.iter().filter(|item| item.severity == Severity::Block)
    }

    /// Adds items that other sources know of: phones that have not synced, clocks that are off.
    pub fn extend(&mut self, more: impl IntoIterator<Item = ReviewItem>) {
        let all = std::mem::take(self);
        *self = Self::new(all.open.into_iter().chain(all.settled).chain(more).collect());
    }
}

/// Everything in a meeting that contradicts itself.
pub fn review(view: &MeetingView, setting: &Setting<'_>) -> ReviewList {
    let mut items = Vec::new();
    people::heading(view, &mut items);
    people::attendance(view, setting, &mut items);
    people::roll(view, setting, &mut items);
    votes::motions(view, setting, &mut items);
    content::conclusions(view, setting, &mut items);
    content::removed(view, &mut items);
    content::scores(view, &mut items);
    odd::times(view, &mut items);
    ReviewList::new(items)
}

pub(crate) const PERIOD_PREFIX: &str = "period/";
pub(crate) const LINK: &str = "link";

/// Other meetings of the same kind and month ([`MeetingView::period`]), to be added to the list of `view` before it is
/// sealed: two meetings of one period block until an officer links them. They are never deleted.
pub fn same_period(view: &MeetingView, others: &[&MeetingView]) -> Vec<ReviewItem> {
    let Some((kind, month)) = view.period() else {
        return Vec::new();
    };
    let twins = others
        .iter()
        .filter(|other| other.id != view.id && other.period() == Some((kind, month)));
    twins
        .map(|other| {
            let links = view.linked.iter().chain(&other.linked);
            let link = links
                .filter(|linked| linked.meeting == other.id || linked.meeting == view.id)
                .min_by_key(|l| l.mark);
            let settled = |by| {
                Contest::Settled(Settled {
                    pick: LINK.to_owned(),
                    by,
                })
            };
            ReviewItem {
                id: format!("{PERIOD_PREFIX}{}", other.id),
                kind: ReviewKind::MeetingsOfOnePeriod,
                severity: Severity::Block,
                subject: Subject::Document,
                marks: link.map(|linked| linked.mark).into_iter().collect(),
                message: Message::new("review.same_period")
                    .with("kind", Arg::Message(Message::new(kind.message())))
                    .number("month", u64::from(month.number()))
                    .number("year", u64::from(month.year().unsigned_abs())),
                options: vec![ReviewOption {
                    pick: LINK.to_owned(),
                    label: Message::new("option.link"),
                }],
                contest: link.map_or(Contest::Open, |linked| settled(linked.mark)),
                seen: Vec::new(),
            }
        })
        .collect()
}

/// A phone that took part and whose records after the meeting are not all here.
pub fn phone_not_synced(device: DeviceId) -> ReviewItem {
    outside(
        ReviewKind::PhoneNotSynced,
        Severity::Warn,
        device,
        Message::new("review.phone_not_synced"),
    )
}

/// A phone whose clock is off by more than the policy lets pass.
pub fn clock_off(device: DeviceId, minutes: u32) -> ReviewItem {
    let message = Message::new("review.clock_off").number("minutes", u64::from(minutes));
    outside(ReviewKind::ClockOff, Severity::Info, device, message)
}

fn outside(kind: ReviewKind, severity: Severity, device: DeviceId, message: Message) -> ReviewItem {
    let what = match kind {
        ReviewKind::ClockOff => "clock",
        _ => "phone",
    };
    ReviewItem {
        id: format!("{what}/{device}"),
        kind,
        severity,
        subject: Subject::Device(device),
        marks: Vec::new(),
        message: message.with("device", Arg::Device(device)),
        options: Vec::new(),
        contest: Contest::Open,
        seen: Vec::new(),
    }
}

/// Writes the choice of an option of an item.
pub(crate) fn settle(
    tx: &mut Transaction<'_>,
    acting: &Acting,
    list: &ReviewList,
    known: &Choices,
    item: &str,
    pick: &str,
    id: EntryId,
) -> Result<(), CommandError> {
    let item = list.get(item).ok_or(CommandError::Unknown(What::ReviewItem))?;
    if !item.options.iter().any(|option| option.pick == pick) {
        return Err(CommandError::Unknown(What::Choice));
    }
    record_choice(tx, acting, known, &item.id, pick, item.seen.clone(), id)
}

/// Writes a choice; it replaces all earlier ones about the item.
pub(crate) fn record_choice(
    tx: &mut Transaction<'_>,
    acting: &Acting,
    known: &Choices,
    item: &str,
    pick: &str,
    mut seen: Vec<Tag>,
    id: EntryId,
) -> Result<(), CommandError> {
    let map = object(tx, &ROOT, schema::CHOICES).ok_or(CommandError::Damaged)?;
    if matches!(
        sotay_document::crdt::ReadDoc::get(tx, &map, id.to_string()),
        Ok(Some(_))
    ) {
        return Err(CommandError::Exists(What::Choice));
    }
    seen.in_order();
    seen.dedup();
    if seen.len() > CLAIMS_MAX {
        let (count, limit) = (seen.len() as u64, CLAIMS_MAX as u64);
        return Err(CommandError::TooMany {
            what: What::Choice,
            count,
            limit,
        });
    }
    let mut over = known.about(item);
    over.in_order();
    let cell = ChoiceCell {
        item: item.to_owned(),
        pick: pick.to_owned(),
        seen,
        over,
    };
    put(tx, &map, &id.to_string(), acting.at_ms, &cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `docs/HANDBOOK.md` (H5) lists every situation; whoever adds one says there what it means and which test shows it.
    #[test]
    fn the_handbook_lists_every_situation_once() {
        let handbook = include_str!("../../../../docs/HANDBOOK.md");
        for kind in ReviewKind::ALL {
            let name = serde_json::to_string(&kind).unwrap().replace('"', "`");
            let lines = handbook
                .lines()
                .filter(|line| line.starts_with(&format!("| {name}")));
            assert_eq!(lines.count(), 1, "{name}");
        }
    }
}
