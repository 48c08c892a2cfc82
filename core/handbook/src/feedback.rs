//! Feedback: what members write to the committee, and what becomes of it.
//!
//! An item is written once and never edited; the committee adds records about it, of which the furthest status counts.
//! An item without name holds no member and only the day: what is not recorded cannot leak.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sotay_feed::cbor::{CborError, Reader, Writer};
use sotay_feed::{DeviceId, DocId, InOrder, MemberId};

use crate::coded::coded;
use crate::date::{LocalTime, Month};
use crate::error::{CommandError, What};
use crate::ids::{EntryId, ser};
use crate::limits::FEEDBACK_CHARS_MAX;
use crate::message::Message;
use crate::words::{Words, line_of, paragraph_of};

const VERSION: u64 = 1;
/// Version of an item whose writer agreed that the level above may learn the name.
const NAME_ABOVE_VERSION: u64 = 2;
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;
/// Bytes of an encoded text: four for a character at most.
const TEXT_BYTES_MAX: usize = FEEDBACK_CHARS_MAX * 4;

coded! {
    /// What has become of an item. The furthest counts.
    pub enum FeedbackStatus ("feedback_status") {
        /// The committee has read it.
        Received = 0 "received",
        /// It is being considered.
        Considering = 1 "considering",
        /// It was passed up to the level above.
        PassedUp = 2 "passed_up",
        /// It was answered.
        Answered = 3 "answered",
        /// Nothing more follows.
        Closed = 4 "closed",
    }
}

/// What somebody wrote to the committee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeedbackItem {
    /// Its id, drawn by the writer; sending it again does not make it two.
    pub id: EntryId,
    /// When, in milliseconds since 1970 UTC by the writer's clock; of an item without name the beginning of the day.
    pub at_ms: i64,
    /// What it is about, in a line.
    pub topic: Words,
    /// What is said.
    pub text: Words,
    /// The meeting it is about, if any.
    #[serde(serialize_with = "ser::opt")]
    pub meeting: Option<DocId>,
    /// Who wrote it; `None` without name.
    #[serde(serialize_with = "ser::opt")]
    pub member: Option<MemberId>,
    /// Whether the level above may learn the name too, should the committee pass the item up.
    pub name_above: bool,
}

/// The beginning of the day by the wall clock of the unit.
pub(crate) fn day_of(at_ms: i64, offset_minutes: i32) -> i64 {
    let offset = i64::from(offset_minutes) * MINUTE_MS;
    at_ms.saturating_add(offset).div_euclid(DAY_MS) * DAY_MS - offset
}

impl FeedbackItem {
    /// An item, cleaned and within its limits. Without a member it keeps the day only.
    pub fn new(
        id: EntryId,
        (at_ms, offset_minutes): (i64, i32),
        (topic, text): (&Words, &Words),
        meeting: Option<DocId>,
        member: Option<MemberId>,
    ) -> Result<Self, CommandError> {
        let topic = topic
            .line()
            .map_err(|error| CommandError::too_long(What::Feedback, error))?;
        let text = paragraph_of(text).trim().to_owned();
        if text.is_empty() {
            return Err(CommandError::Empty(What::Feedback));
        }
        let chars = text.chars().count();
        if chars > FEEDBACK_CHARS_MAX {
            return Err(CommandError::TooLong {
                what: What::Feedback,
                chars,
                limit: FEEDBACK_CHARS_MAX,
            });
        }
        Ok(Self {
            id,
            at_ms: match member {
                Some(_) => at_ms,
                None => day_of(at_ms, offset_minutes),
            },
            topic: Words::from(topic),
            text: Words::from(text),
            meeting,
            member,
            name_above: false,
        })
    }

    /// The same item; with `agreed` its writer lets the level above learn the name. Without name there is nothing to agree to.
    pub fn with_name_above(mut self, agreed: bool) -> Self {
        self.name_above = agreed && self.member.is_some();
        self
    }

    /// Canonical bytes: `[1, id, at, topic, text, meeting or null, member or null]`; with version 2 the writer agreed that the
    /// level above may learn the name.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer
            .array(7)
            .uint(if self.name_above {
                NAME_ABOVE_VERSION
            } else {
                VERSION
            })
            .bytes(self.id.as_bytes())
            .int(self.at_ms)
            .text(&self.topic)
            .text(&self.text)
            .opt_bytes(self.meeting.as_ref().map(|doc| &doc.as_bytes()[..]))
            .opt_bytes(self.member.as_ref().map(|member| &member.as_bytes()[..]));
        writer.into_bytes()
    }

    /// Reads what [`FeedbackItem::encode`] wrote. Texts that were not cleaned are nobody's honest work.
    pub fn decode(bytes: &[u8]) -> Result<Self, CborError> {
        let mut reader = Reader::new(bytes);
        reader.array(7)?;
        let at = reader.position();
        let name_above = match reader.uint()? {
            VERSION => false,
            NAME_ABOVE_VERSION => true,
            _ => return Err(CborError::Malformed { at }),
        };
        let item = Self {
            name_above,
            id: EntryId::from_bytes(reader.fixed()?),
            at_ms: reader.int()?,
            topic: clean(&mut reader, line_of)?,
            text: clean(&mut reader, paragraph_of)?,
            meeting: reader.opt_fixed()?.map(DocId::from_bytes),
            member: reader.opt_fixed()?.map(MemberId::from_bytes),
        };
        if item.name_above && item.member.is_none() {
            return Err(CborError::Malformed { at });
        }
        reader.finish(&item.encode())?;
        Ok(item)
    }
}

/// A record of the committee about an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeedbackReply {
    /// Which item.
    pub item: EntryId,
    /// What has become of it.
    pub status: FeedbackStatus,
    /// What is answered, if anything.
    pub text: Option<Words>,
    /// When, by the clock of whoever recorded it.
    pub at_ms: i64,
}

impl FeedbackReply {
    /// The text of a reply, cleaned and within its limit.
    pub fn words(text: &Words) -> Result<Words, CommandError> {
        let id = EntryId::from_bytes([0; 16]);
        Ok(FeedbackItem::new(id, (0, 0), (&Words::default(), text), None, None)?.text)
    }

    /// Canonical bytes: `[1, item, status, text or null, at]`.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer
            .array(5)
            .uint(VERSION)
            .bytes(self.item.as_bytes())
            .uint(u64::from(self.status.number()));
        match &self.text {
            Some(text) => writer.text(text),
            None => writer.null(),
        };
        writer.int(self.at_ms);
        writer.into_bytes()
    }

    /// Reads what [`FeedbackReply::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, CborError> {
        let mut reader = Reader::new(bytes);
        expect(&mut reader, 5)?;
        let item = EntryId::from_bytes(reader.fixed()?);
        let at = reader.position();
        let status = FeedbackStatus::from_number(reader.small()?).ok_or(CborError::Malformed { at })?;
        let text = match reader.skip_null()? {
            true => None,
            false => Some(clean(&mut reader, paragraph_of)?),
        };
        let at_ms = reader.int()?;
        let reply = Self {
            item,
            status,
            text,
            at_ms,
        };
        reader.finish(&reply.encode())?;
        Ok(reply)
    }
}

pub(crate) fn expect(reader: &mut Reader<'_>, items: usize) -> Result<(), CborError> {
    reader.array(items)?;
    let at = reader.position();
    if reader.uint()? == VERSION {
        Ok(())
    } else {
        Err(CborError::Malformed { at })
    }
}

pub(crate) fn clean(reader: &mut Reader<'_>, form: fn(&str) -> String) -> Result<Words, CborError> {
    let at = reader.position();
    let text = reader.text(TEXT_BYTES_MAX)?;
    if form(text) == text && text.chars().count() <= FEEDBACK_CHARS_MAX {
        Ok(Words::from(text))
    } else {
        Err(CborError::Malformed { at })
    }
}

/// A record about an item, with who made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReplyShown {
    /// The device that recorded it.
    #[serde(serialize_with = "ser::id")]
    pub by: DeviceId,
    /// Whether everybody in the unit reads it.
    pub public: bool,
    /// The record.
    #[serde(flatten)]
    pub reply: FeedbackReply,
}

/// An item as the committee sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeedbackView {
    /// Its number in the list: `F1`, `F2` …
    pub number: u32,
    /// The item.
    #[serde(flatten)]
    pub item: FeedbackItem,
    /// An earlier item with the same words ("có thể trùng F1").
    pub maybe_same_as: Option<u32>,
    /// The furthest status; `None` while nobody has read it.
    pub status: Option<FeedbackStatus>,
    /// The writer took it back, but the committee had read it already.
    pub withdrawn: bool,
    /// All records about it, oldest first.
    pub replies: Vec<ReplyShown>,
}

impl FeedbackView {
    /// `có thể trùng F1`.
    pub fn note(&self) -> Option<Message> {
        let same = self.maybe_same_as?;
        Some(Message::new("feedback.maybe_same").number("number", u64::from(same)))
    }
}

/// Everything a committee's phone holds of feedback.
#[derive(Debug, Clone, Default)]
pub struct Feedback {
    /// Items by id: an item that came twice is there once.
    pub items: BTreeMap<EntryId, FeedbackItem>,
    /// Items whose writers took them back.
    pub withdrawn: BTreeSet<EntryId>,
    /// Records of the committee.
    pub replies: Vec<ReplyShown>,
}

impl Feedback {
    /// The furthest status of an item.
    pub fn status(&self, item: EntryId) -> Option<FeedbackStatus> {
        let about = self.replies.iter().filter(|shown| shown.reply.item == item);
        about.map(|shown| shown.reply.status).max()
    }

    /// Taken back before the committee read it: as if it had never been sent.
    fn is_gone(&self, item: EntryId) -> bool {
        self.withdrawn.contains(&item) && self.status(item).is_none()
    }

    /// The list, by day; within a day first those with a name by their time, then those without by id. Equal on all phones
    /// of the committee with the same records.
    pub fn list(&self, offset_minutes: i32) -> Vec<FeedbackView> {
        let mut items: Vec<&FeedbackItem> = self
            .items
            .values()
            .filter(|item| !self.is_gone(item.id))
            .collect();
        items.in_order_by_key(|item| {
            (
                day_of(item.at_ms, offset_minutes),
                item.member.is_none(),
                item.at_ms,
                item.id,
            )
        });
        let mut first: BTreeMap<String, u32> = BTreeMap::new();
        let mut list = Vec::with_capacity(items.len());
        for (number, item) in (1..).zip(items) {
            let words = folded(&item.text);
            let maybe_same_as = first.get(&words).copied();
            first.entry(words).or_insert(number);
            let mut replies: Vec<ReplyShown> = self
                .replies
                .iter()
                .filter(|shown| shown.reply.item == item.id)
                .cloned()
                .collect();
            replies.in_order_by(|a, b| {
                (a.reply.at_ms, a.reply.status, a.by, a.public).cmp(&(
                    b.reply.at_ms,
                    b.reply.status,
                    b.by,
                    b.public,
                ))
            });
            list.push(FeedbackView {
                number,
                item: item.clone(),
                maybe_same_as,
                status: self.status(item.id),
                withdrawn: self.withdrawn.contains(&item.id),
                replies,
            });
        }
        list
    }

    /// How many items of a month there are, by their own day.
    pub fn count(&self, month: Month, offset_minutes: i32) -> u32 {
        let of_month = |item: &&FeedbackItem| {
            let day = LocalTime::from_ms(item.at_ms, offset_minutes).map(|time| time.date().month());
            day == Some(month) && !self.is_gone(item.id)
        };
        self.items.values().filter(of_month).count() as u32
    }
}

/// The same words, whatever their case, spacing and punctuation.
fn folded(text: &str) -> String {
    let letters = text.to_lowercase();
    let words: Vec<&str> = letters
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;

    const OFFSET: i32 = 420;
    /// 19:30 on 5 May 2025 in Viet Nam.
    const AT: i64 = crate::fixture::START_MS;

    fn item(id: u8, at_ms: i64, text: &str, member: Option<u32>) -> FeedbackItem {
        FeedbackItem::new(
            EntryId::from_bytes([id; 16]),
            (at_ms, OFFSET),
            (&"Đường".into(), &text.into()),
            None,
            member.map(crate::fixture::member),
        )
        .unwrap()
    }

    fn of(items: &[FeedbackItem]) -> Feedback {
        Feedback {
            items: items.iter().map(|item| (item.id, item.clone())).collect(),
            ..Feedback::default()
        }
    }

    fn reply(item: u8, status: FeedbackStatus) -> ReplyShown {
        ReplyShown {
            by: crate::fixture::device(3),
            public: false,
            reply: FeedbackReply {
                item: EntryId::from_bytes([item; 16]),
                status,
                text: None,
                at_ms: AT,
            },
        }
    }

    #[test]
    fn an_item_without_name_holds_no_member_and_only_the_day() {
        let morning = item(1, AT - 8 * 3_600_000, "Đề nghị sửa đường.", None);
        let evening = item(1, AT + 3_600_000, "Đề nghị sửa đường.", None);
        assert_eq!(morning.encode(), evening.encode(), "the hour leaves no trace");
        assert_eq!(morning.at_ms, 1_746_378_000_000, "midnight of 5 May in Viet Nam");
        let named = item(1, AT, "Đề nghị sửa đường.", Some(11));
        assert_eq!(
            (named.at_ms, named.member),
            (AT, Some(crate::fixture::member(11)))
        );
    }

    #[test]
    fn the_same_words_are_marked_and_the_same_id_is_one_item() {
        let items = [
            item(1, AT, "Đề nghị sửa đường.", Some(11)),
            item(2, AT + 1, "đề nghị  sửa đường", Some(11)),
            item(3, AT - 60_000, "Cống trước trường bị tắc.", None),
            item(1, AT, "Đề nghị sửa đường.", Some(11)),
        ];
        let list = of(&items).list(OFFSET);
        let shown: Vec<_> = list
            .iter()
            .map(|view| (view.number, view.item.id, view.maybe_same_as))
            .collect();
        let id = |n| EntryId::from_bytes([n; 16]);
        assert_eq!(shown, [(1, id(1), None), (2, id(2), Some(1)), (3, id(3), None)]);
        let said = list[1]
            .note()
            .unwrap()
            .text(crate::Lang::Vi, &crate::fixture::Al42Names::default());
        assert_eq!(said, "có thể trùng F1");
    }

    #[test]
    fn an_item_taken_back_unread_is_gone_and_one_that_was_read_stays_marked() {
        let mut feedback = of(&[item(1, AT, "một", Some(1)), item(2, AT, "hai", Some(2))]);
        feedback.withdrawn = [1, 2].map(|n| EntryId::from_bytes([n; 16])).into();
        feedback.replies.push(reply(2, FeedbackStatus::Received));
        let list = feedback.list(OFFSET);
        assert_eq!(list.len(), 1);
        assert!(list[0].withdrawn && list[0].status == Some(FeedbackStatus::Received));
        assert_eq!(feedback.count("2025-05".parse().unwrap(), OFFSET), 1);
        assert_eq!(feedback.count("2025-06".parse().unwrap(), OFFSET), 0);
    }

    #[test]
    fn the_furthest_status_wins_in_any_order() {
        let mut feedback = of(&[item(1, AT, "một", Some(1))]);
        for status in [
            FeedbackStatus::Answered,
            FeedbackStatus::Received,
            FeedbackStatus::Considering,
        ] {
            feedback.replies.push(reply(1, status));
        }
        assert_eq!(feedback.list(OFFSET)[0].status, Some(FeedbackStatus::Answered));
    }

    #[test]
    fn items_and_replies_hold_as_bytes() {
        let named = FeedbackItem {
            meeting: Some(DocId::from_bytes([7; 16])),
            ..item(1, AT, "ế", Some(11))
        };
        let golden = "87015001010101010101010101010101010101\
                      1b00000196a06cb14069c490c6b0e1bb9d6e6763e1babf5007070707070707070707070707070707504d4d4d4d4d4d4d4d4d4d4d4d4d4d4d0b";
        assert_eq!(HEXLOWER.encode(&named.encode()), golden);
        let answer = FeedbackReply {
            text: Some("Đã giao tổ 3.".into()),
            ..reply(1, FeedbackStatus::Answered).reply
        };
        for len in 0..named.encode().len() {
            assert!(FeedbackItem::decode(&named.encode()[..len]).is_err());
        }
        for len in 0..answer.encode().len() {
            assert!(FeedbackReply::decode(&answer.encode()[..len]).is_err());
        }
        assert_eq!(FeedbackItem::decode(&named.encode()), Ok(named.clone()));
        assert_eq!(FeedbackReply::decode(&answer.encode()), Ok(answer));
        let mut newer = named.encode();
        newer[1] = 3;
        assert!(FeedbackItem::decode(&newer).is_err());
        let agreed = named.clone().with_name_above(true);
        assert_eq!(
            HEXLOWER.encode(&agreed.encode()),
            golden.replacen("8701", "8702", 1)
        );
        assert_eq!(FeedbackItem::decode(&agreed.encode()), Ok(agreed));
        let nobody = FeedbackItem {
            member: None,
            name_above: true,
            ..named.clone()
        };
        assert!(FeedbackItem::decode(&nobody.encode()).is_err());
        assert!(!nobody.with_name_above(true).name_above);
        let dirty = FeedbackItem {
            topic: Words::from("hai\ndòng"),
            ..named
        };
        assert!(FeedbackItem::decode(&dirty.encode()).is_err());
    }

    #[test]
    fn a_text_at_the_limit_is_taken_and_one_character_more_is_refused() {
        let write = |count: usize| {
            let text = Words::from("ế".repeat(count));
            FeedbackItem::new(
                EntryId::from_bytes([1; 16]),
                (AT, OFFSET),
                (&"".into(), &text),
                None,
                None,
            )
        };
        let full = write(FEEDBACK_CHARS_MAX).unwrap();
        assert_eq!(FeedbackItem::decode(&full.encode()), Ok(full.clone()));
        assert!(matches!(
            write(FEEDBACK_CHARS_MAX + 1),
            Err(CommandError::TooLong { .. })
        ));
        assert!(matches!(write(0), Err(CommandError::Empty(What::Feedback))));
        let over = FeedbackItem {
            text: Words::from("ế".repeat(FEEDBACK_CHARS_MAX + 1)),
            ..full
        };
        assert!(FeedbackItem::decode(&over.encode()).is_err());
    }
}
