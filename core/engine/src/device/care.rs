//! How personal data is treated, as records of the committee (clause E11): who opened what and when, what a member consented
//! to, and how long data is kept after somebody has left.

use serde::Serialize;
use sotay_feed::cbor::{CborError, Reader, Writer};
use sotay_feed::{DeviceId, EnvelopeId, InOrder, Kind, MemberId};
use sotay_handbook::{Date, EntryId};
use sotay_store::{Bucket, Put, Store, Stored};

use super::absorb::Haul;
use super::{Device, today};
use crate::error::DeviceError;
use crate::event::SetAside;

/// Items that one record of access names.
pub const OPENED_ITEMS_MAX: usize = 256;
/// Bytes of what a member consents to.
pub const PURPOSE_BYTES_MAX: usize = 400;
/// Longest time that data may be kept, in months.
pub const RETENTION_MONTHS_MAX: u32 = 1200;

/// Rows of [`Bucket::Person`]: envelope → device ‖ payload.
const CARE: u8 = 18;
const VERSION: u64 = 1;

/// What was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Opened {
    /// What the committee knows of a member.
    Contact,
    /// Feedback to the committee.
    Feedback,
    /// All personal data of a member, for an export.
    Export,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Care {
    Access {
        at_ms: i64,
        what: Opened,
        member: Option<MemberId>,
        items: Vec<EntryId>,
    },
    Consent {
        at_ms: i64,
        member: MemberId,
        purpose: String,
        given: bool,
        day: String,
    },
    Retention {
        at_ms: i64,
        months: u32,
    },
}

/// Somebody opened personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccessLine {
    /// When, by the clock of the phone that opened it.
    pub at_ms: i64,
    /// What.
    pub what: Opened,
    /// Whose data, if it is one member's; in hexadecimal.
    #[serde(serialize_with = "maybe_text")]
    pub member: Option<MemberId>,
    /// How many items of feedback.
    pub items: usize,
    /// The phone, in hexadecimal.
    #[serde(serialize_with = "crate::text_of")]
    pub device: DeviceId,
    /// Its holder, in hexadecimal.
    #[serde(serialize_with = "maybe_text")]
    pub by: Option<MemberId>,
}

/// What a member consented to, or took back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConsentLine {
    /// The member, in hexadecimal.
    #[serde(serialize_with = "crate::text_of")]
    pub member: MemberId,
    /// To what.
    pub purpose: String,
    /// Given, or taken back.
    pub given: bool,
    /// The day, as `2026-05-20`.
    pub day: String,
    /// When it was recorded.
    pub at_ms: i64,
    /// The phone that recorded it, in hexadecimal.
    #[serde(serialize_with = "crate::text_of")]
    pub device: DeviceId,
}

fn maybe_text<S: serde::Serializer>(id: &Option<MemberId>, serializer: S) -> Result<S::Ok, S::Error> {
    match id {
        Some(id) => serializer.collect_str(id),
        None => serializer.serialize_none(),
    }
}

impl Care {
    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        match self {
            Care::Access {
                at_ms,
                what,
                member,
                items,
            } => {
                writer.array(6).uint(VERSION).uint(0).int(*at_ms);
                writer
                    .uint(*what as u64)
                    .opt_bytes(member.as_ref().map(|member| &member.as_bytes()[..]))
                    .array(items.len());
                for item in items {
                    writer.bytes(item.as_bytes());
                }
            }
            Care::Consent {
                at_ms,
                member,
                purpose,
                given,
                day,
            } => {
                writer.array(7).uint(VERSION).uint(1).int(*at_ms);
                writer
                    .bytes(member.as_bytes())
                    .text(purpose)
                    .boolean(*given)
                    .text(day);
            }
            Care::Retention { at_ms, months } => {
                writer.array(4).uint(VERSION).uint(2).int(*at_ms);
                writer.uint(u64::from(*months));
            }
        }
        writer.into_bytes()
    }

    fn decode(bytes: &[u8]) -> Result<Self, CborError> {
        let mut reader = Reader::new(bytes);
        reader.array_up_to(7)?;
        let at = reader.position();
        let malformed = CborError::Malformed { at };
        if reader.uint()? != VERSION {
            return Err(malformed);
        }
        let form = reader.uint()?;
        let at_ms = reader.int()?;
        let care = match form {
            0 => {
                let what = match reader.uint()? {
                    0 => Opened::Contact,
                    1 => Opened::Feedback,
                    2 => Opened::Export,
                    _ => return Err(malformed),
                };
                let member = reader.opt_fixed()?.map(MemberId::from_bytes);
                let count = reader.array_up_to(OPENED_ITEMS_MAX)?;
                let items = (0..count)
                    .map(|_| reader.fixed().map(EntryId::from_bytes))
                    .collect::<Result<_, _>>()?;
                Care::Access {
                    at_ms,
                    what,
                    member,
                    items,
                }
            }
            1 => Care::Consent {
                at_ms,
                member: MemberId::from_bytes(reader.fixed()?),
                purpose: reader.text(PURPOSE_BYTES_MAX)?.to_owned(),
                given: reader.boolean()?,
                day: reader.text(10)?.to_owned(),
            },
            2 => {
                let months = reader.small()?;
                if months > RETENTION_MONTHS_MAX {
                    return Err(malformed);
                }
                Care::Retention { at_ms, months }
            }
            _ => return Err(malformed),
        };
        reader.finish(&care.encode())?;
        Ok(care)
    }
}

impl<S: Store> Device<S> {
    pub(super) fn read_care(&mut self, stored: &Stored, payload: &[u8], haul: &mut Haul) {
        if Care::decode(payload).is_err() {
            return self.set_aside(stored, SetAside::Unreadable, haul);
        }
        haul.puts.push(Put {
            bucket: Bucket::Person,
            key: [&[CARE], &stored.id.as_bytes()[..]].concat(),
            value: Some([&stored.device.as_bytes()[..], payload].concat()),
        });
    }

    fn care(&self) -> Result<Vec<(EnvelopeId, DeviceId, Care)>, DeviceError> {
        self.committee_space()?;
        let damaged = || DeviceError::damaged("records of care");
        let mut all = Vec::new();
        for (key, row) in self.replica.store().list(Bucket::Person, &[CARE])? {
            let id = key
                .get(1..)
                .and_then(EnvelopeId::from_slice)
                .ok_or_else(damaged)?;
            let (device, payload) = row.split_at_checked(DeviceId::LEN).ok_or_else(damaged)?;
            let device = DeviceId::from_slice(device).ok_or_else(damaged)?;
            all.push((id, device, Care::decode(payload).map_err(|_| damaged())?));
        }
        Ok(all)
    }

    fn publish_care(&mut self, care: &Care, puts: Vec<Put>) -> Result<(), DeviceError> {
        let space = self.committee_space()?;
        self.publish(&space, vec![(Kind::CARE, care.encode())], puts)?;
        self.absorb()
    }

    pub(super) fn record_access(
        &mut self,
        what: Opened,
        member: Option<MemberId>,
        items: &[EntryId],
        now: i64,
    ) -> Result<(), DeviceError> {
        let care = Care::Access {
            at_ms: now,
            what,
            member,
            items: items.to_vec(),
        };
        self.publish_care(&care, Vec::new())
    }

    /// Records that these items of feedback are opened on this phone for the first time, in one transaction with `puts`.
    pub(super) fn record_feedback_opened(
        &mut self,
        items: &[EntryId],
        puts: Vec<Put>,
        now: i64,
    ) -> Result<(), DeviceError> {
        let mut puts = Some(puts);
        for some in items.chunks(OPENED_ITEMS_MAX) {
            let care = Care::Access {
                at_ms: now,
                what: Opened::Feedback,
                member: None,
                items: some.to_vec(),
            };
            self.publish_care(&care, puts.take().unwrap_or_default())?;
        }
        Ok(())
    }

    /// Who opened personal data, newest first. For the committee; a member's own lines are in that member's export.
    pub fn accesses(&self) -> Result<Vec<AccessLine>, DeviceError> {
        let membership = self.membership()?;
        let mut lines = Vec::new();
        for (id, device, care) in self.care()? {
            if let Care::Access {
                at_ms,
                what,
                member,
                items,
            } = care
            {
                let by = membership.standing(device).and_then(|standing| standing.member);
                let line = AccessLine {
                    at_ms,
                    what,
                    member,
                    items: items.len(),
                    device,
                    by,
                };
                lines.push((id, line));
            }
        }
        lines.in_order_by_key(|(id, line)| (std::cmp::Reverse(line.at_ms), *id));
        Ok(lines.into_iter().map(|(_, line)| line).collect())
    }

    /// Records that a member consented to something on a day, or took it back.
    pub fn record_consent(
        &mut self,
        member: MemberId,
        purpose: &str,
        given: bool,
        day: Date,
        now: i64,
    ) -> Result<(), DeviceError> {
        if !self.has_member(member)? {
            return Err(DeviceError::NoMember);
        }
        let purpose = sotay_document::nfc(purpose.trim()).into_owned();
        if purpose.is_empty() {
            return Err(DeviceError::EmptyName);
        }
        let (len, limit) = (purpose.len(), PURPOSE_BYTES_MAX);
        if len > limit {
            return Err(DeviceError::TooLong { len, limit });
        }
        let care = Care::Consent {
            at_ms: now,
            member,
            purpose,
            given,
            day: day.to_string(),
        };
        self.publish_care(&care, Vec::new())
    }

    /// Consents, oldest first; what was taken back stays listed.
    pub fn consents(&self, member: Option<MemberId>) -> Result<Vec<ConsentLine>, DeviceError> {
        let mut lines = Vec::new();
        for (id, device, care) in self.care()? {
            if let Care::Consent {
                at_ms,
                member: whose,
                purpose,
                given,
                day,
            } = care
            {
                let line = ConsentLine {
                    member: whose,
                    purpose,
                    given,
                    day,
                    at_ms,
                    device,
                };
                lines.push((id, line));
            }
        }
        lines.retain(|(_, line)| member.is_none_or(|member| line.member == member));
        lines.in_order_by(|(a, x), (b, y)| (&x.day, x.at_ms, a).cmp(&(&y.day, y.at_ms, b)));
        Ok(lines.into_iter().map(|(_, line)| line).collect())
    }

    /// How many months personal data is kept after somebody has left.
    pub fn set_retention(&mut self, months: u32, now: i64) -> Result<(), DeviceError> {
        if months > RETENTION_MONTHS_MAX {
            return Err(DeviceError::TooLong {
                len: months as usize,
                limit: RETENTION_MONTHS_MAX as usize,
            });
        }
        self.publish_care(&Care::Retention { at_ms: now, months }, Vec::new())
    }

    /// The rule that was set last, if there is one.
    pub fn retention(&self) -> Result<Option<u32>, DeviceError> {
        let mut rules: Vec<(i64, EnvelopeId, u32)> = Vec::new();
        for (id, _, care) in self.care()? {
            if let Care::Retention { at_ms, months } = care {
                rules.push((at_ms, id, months));
            }
        }
        rules.in_order();
        Ok(rules.last().map(|(.., months)| *months))
    }

    /// Members who left so long ago that their personal data is to be erased, and whose data is still here.
    pub fn retention_due(&mut self, now: i64) -> Result<Vec<MemberId>, DeviceError> {
        let Some(months) = self.retention()? else {
            return Ok(Vec::new());
        };
        let (now, limit) = (today(now), months_before(today(now), months));
        let mut due = Vec::new();
        for line in self.roster_view()?.lines {
            let gone = |day| line.at(day).is_some_and(|line| !line.activity.belongs());
            if gone(limit) && gone(now) && self.has_cards(line.member)? {
                due.push(line.member);
            }
        }
        Ok(due)
    }
}

/// The same day so many months earlier, or the last one of that month.
fn months_before(day: Date, months: u32) -> Date {
    let mut month = day.month();
    for _ in 0..months {
        month = month.previous();
    }
    let days = (1..=day.day()).rev();
    let found = days
        .filter_map(|day| Date::new(month.year(), month.number(), day))
        .next();
    found.unwrap_or(month.first())
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    fn member() -> MemberId {
        MemberId::from_bytes([7; 16])
    }

    fn access(items: usize) -> Care {
        Care::Access {
            at_ms: 1_778_000_000_000,
            what: Opened::Feedback,
            member: None,
            items: vec![EntryId::from_bytes([1; 16]); items],
        }
    }

    fn consent(purpose: &str) -> Care {
        Care::Consent {
            at_ms: 1_778_000_000_000,
            member: member(),
            purpose: purpose.to_owned(),
            given: true,
            day: "2026-05-20".to_owned(),
        }
    }

    #[test]
    fn records_have_the_written_forms_and_round_trip() {
        let all = [
            access(1),
            consent("x"),
            Care::Retention {
                at_ms: -1,
                months: 60,
            },
        ];
        let hex = all.each_ref().map(|care| HEXLOWER.encode(&care.encode()));
        let one = "01".repeat(16);
        let seven = "07".repeat(16);
        assert_eq!(
            hex,
            [
                format!("8601001b0000019df90ef40001f68150{one}"),
                format!("8701011b0000019df90ef40050{seven}6178f56a323032362d30352d3230"),
                "84010220183c".to_owned(),
            ]
        );
        for care in all {
            assert_eq!(Care::decode(&care.encode()), Ok(care));
        }
    }

    #[test]
    fn one_item_letter_or_month_over_the_limit_another_form_and_cut_bytes_are_refused() {
        assert!(Care::decode(&access(OPENED_ITEMS_MAX).encode()).is_ok());
        assert!(Care::decode(&access(OPENED_ITEMS_MAX + 1).encode()).is_err());
        assert!(Care::decode(&consent(&"x".repeat(PURPOSE_BYTES_MAX)).encode()).is_ok());
        assert!(Care::decode(&consent(&"x".repeat(PURPOSE_BYTES_MAX + 1)).encode()).is_err());
        let months = |months| Care::Retention { at_ms: 0, months }.encode();
        assert!(Care::decode(&months(RETENTION_MONTHS_MAX)).is_ok());
        assert!(Care::decode(&months(RETENTION_MONTHS_MAX + 1)).is_err());
        let good = consent("x").encode();
        for len in 0..good.len() {
            assert!(Care::decode(&good[..len]).is_err(), "{len}");
        }
        let mut other = good.clone();
        other[2] = 3;
        assert!(Care::decode(&other).is_err());
        let mut newer = good;
        newer[1] = 2;
        assert!(Care::decode(&newer).is_err());
    }

    #[test]
    fn months_are_counted_back_to_a_day_that_exists() {
        let day = |year, month, day| Date::new(year, month, day).unwrap();
        assert_eq!(months_before(day(2026, 3, 31), 1), day(2026, 2, 28));
        assert_eq!(months_before(day(2026, 1, 15), 13), day(2024, 12, 15));
        assert_eq!(months_before(day(2026, 1, 15), 0), day(2026, 1, 15));
    }

    proptest! {
        #[test]
        fn garbage_is_refused_or_reads_as_it_is_written(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            if let Ok(care) = Care::decode(&bytes) {
                prop_assert_eq!(care.encode(), bytes);
            }
        }
    }
}
