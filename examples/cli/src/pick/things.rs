//! Meetings, entries of a meeting, items and options of the review list, phones.

use std::fmt::Display;

use sotay_engine::feed::{DeviceId, DocId};
use sotay_engine::handbook::review::{ReviewItem, ReviewList, ReviewOption};
use sotay_engine::handbook::{EntryId, Names};
use sotay_engine::{MeetingHeading, ProfileDevice};

use super::{folded, list_number};
use crate::failure::{Code, Failure};

/// Letters an id must be given with to name something.
const ID_LETTERS_MIN: usize = 4;

/// What stands at that number of a list, counted from 1.
pub(crate) trait Numbered<T> {
    /// The one with this number.
    fn at_number(&self, text: &str) -> Option<&T>;
}

impl<T> Numbered<T> for [T] {
    fn at_number(&self, text: &str) -> Option<&T> {
        self.get((list_number(text)? as usize).checked_sub(1)?)
    }
}

/// Those whose id begins so.
fn beginning<'a, T>(all: &'a [T], text: &str, id: impl Fn(&T) -> String) -> Vec<&'a T> {
    let wanted = text.to_ascii_lowercase();
    if wanted.len() < ID_LETTERS_MIN {
        return Vec::new();
    }
    all.iter().filter(|one| id(one).starts_with(&wanted)).collect()
}

/// The one meant: by number in its list, else by the beginning of the id.
fn one<'a, T>(all: &'a [T], text: &str, id: impl Fn(&T) -> String, missing: Code) -> Result<&'a T, Failure> {
    let text = text.trim();
    if let Some(found) = all.at_number(text) {
        return Ok(found);
    }
    match beginning(all, text, id).as_slice() {
        [] => Err(Failure::new(missing).with("text", text).with("count", all.len())),
        [found] => Ok(found),
        _ => Err(Failure::new(Code::AmbiguousEntry).with("text", text)),
    }
}

/// An entry of a meeting, from the ids of its list in order.
pub(crate) fn entry(ids: &[EntryId], text: &str) -> Result<EntryId, Failure> {
    one(ids, text, ToString::to_string, Code::NoEntry).copied()
}

/// A document, from the ids of its list in order.
pub(crate) fn document(ids: &[DocId], text: &str) -> Result<DocId, Failure> {
    one(ids, text, ToString::to_string, Code::NoEntry).copied()
}

/// A meeting: by number in the list, month, day or beginning of the id; the newest when nothing is said.
pub(crate) fn meeting(device: &mut ProfileDevice, text: Option<&str>) -> Result<DocId, Failure> {
    let list = device.meetings()?;
    named_meeting(&list, text).map(|meeting| meeting.doc)
}

fn named_meeting<'a>(list: &'a [MeetingHeading], text: Option<&str>) -> Result<&'a MeetingHeading, Failure> {
    let Some(text) = text else {
        return list.first().ok_or_else(|| Failure::new(Code::NoMeetings));
    };
    let of_day = super::date(text).ok();
    let of_month = super::month(text).ok();
    let fits = |meeting: &&MeetingHeading| {
        (of_day.is_some() && meeting.date == of_day)
            || (of_month.is_some()
                && (meeting.month == of_month || meeting.date.map(|date| date.month()) == of_month))
    };
    match list.iter().filter(fits).collect::<Vec<_>>().as_slice() {
        [] => one(list, text, |meeting| meeting.doc.to_string(), Code::NoMeeting),
        [found] => Ok(found),
        _ => Err(Failure::new(Code::AmbiguousEntry).with("text", text)),
    }
}

/// An item of the review list: by number among the open ones, by id, or by the beginning of its id.
pub(crate) fn review_item<'a>(list: &'a ReviewList, text: &str) -> Result<&'a ReviewItem, Failure> {
    match list.get(text) {
        Some(item) => Ok(item),
        None => one(list.open(), text, |item| item.id.clone(), Code::NoItem),
    }
}

/// An option of a review item: by number or key.
pub(crate) fn review_pick<'a>(item: &'a ReviewItem, text: &str) -> Result<&'a ReviewOption, Failure> {
    let by_key = item.options.iter().find(|option| option.pick == text);
    let by_number = item.options.at_number(text);
    by_key.or(by_number).ok_or_else(|| {
        Failure::new(Code::NoPick)
            .with("text", text)
            .with("count", item.options.len())
    })
}

/// A phone among several: by label or by the beginning of its id.
pub(crate) fn member_device(
    devices: &[DeviceId],
    text: &str,
    names: &dyn Names,
) -> Result<DeviceId, Failure> {
    let by_label = |device: &&DeviceId| {
        names
            .device(**device)
            .is_some_and(|label| folded(label) == folded(text))
    };
    match devices.iter().filter(by_label).collect::<Vec<_>>().as_slice() {
        [found] => Ok(**found),
        _ => match beginning(devices, text, |device: &DeviceId| as_text(device)).as_slice() {
            [found] => Ok(**found),
            _ => Err(Failure::new(Code::NoTally).with("text", text)),
        },
    }
}

fn as_text(value: &impl Display) -> String {
    value.to_string()
}

/// Is there such a criterion? If not, the ones there are are named.
pub(crate) fn criterion(text: &str, known: &[&str]) -> Result<(), Failure> {
    if known.contains(&text) {
        return Ok(());
    }
    let known = known.join(", ");
    Err(Failure::new(Code::UnknownCriterion)
        .with("text", text)
        .with("known", known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids() -> Vec<EntryId> {
        [[0x11; 16], [0x12; 16], [0xab; 16]]
            .map(EntryId::from_bytes)
            .to_vec()
    }

    #[test]
    fn an_entry_is_found_by_number_and_by_the_beginning_of_its_id() {
        for text in ["3", "abab", "ABAB", "abababababababababababababababab"] {
            assert_eq!(entry(&ids(), text).unwrap(), ids()[2], "{text}");
        }
        // More than the list has, yet the beginning of one id.
        assert_eq!(entry(&ids(), "1212").unwrap(), ids()[1]);
    }

    #[test]
    fn an_entry_that_is_not_there_or_not_told_apart_is_refused() {
        for text in ["0", "4", "ab", "abc0", "", "-1"] {
            assert_eq!(entry(&ids(), text).unwrap_err().name(), "no_entry", "{text}");
        }
        let twins = [EntryId::from_bytes([1; 16]), {
            let mut bytes = [1; 16];
            bytes[15] = 2;
            EntryId::from_bytes(bytes)
        }];
        assert_eq!(entry(&twins, "0101").unwrap_err().name(), "ambiguous_entry");
    }

    fn heading(n: u8, date: &str) -> MeetingHeading {
        let date = super::super::date(date).unwrap();
        MeetingHeading {
            doc: DocId::from_bytes([n; 16]),
            kind: None,
            month: None,
            date: Some(date),
            phase: None,
            review_open: 0,
        }
    }

    #[test]
    fn the_newest_meeting_is_meant_unless_another_is_named() {
        let list = [
            heading(0xaa, "2026-06-05"),
            heading(0xbb, "2026-05-20"),
            heading(0xcc, "2026-05-05"),
        ];
        let doc = |text| named_meeting(&list, text).map(|meeting| meeting.doc);
        assert_eq!(doc(None).unwrap(), list[0].doc);
        assert_eq!(doc(Some("2")).unwrap(), list[1].doc);
        assert_eq!(doc(Some("05/05/2026")).unwrap(), list[2].doc);
        assert_eq!(doc(Some("2026-06")).unwrap(), list[0].doc);
        assert_eq!(doc(Some("cccc")).unwrap(), list[2].doc);
        assert_eq!(doc(Some("2026-05")).unwrap_err().name(), "ambiguous_entry");
        assert_eq!(doc(Some("2026-07")).unwrap_err().name(), "no_meeting");
        assert_eq!(named_meeting(&[], None).unwrap_err().name(), "no_meetings");
    }

    #[test]
    fn an_unknown_criterion_is_answered_with_the_known_ones() {
        assert!(criterion("plan", &["plan", "fees"]).is_ok());
        let failure = criterion("Plan", &["plan", "fees"]).unwrap_err();
        assert_eq!(failure.name(), "unknown_criterion");
        let said = failure.message(crate::voice::Voice {
            lang: sotay_engine::handbook::Lang::Vi,
        });
        assert!(said.contains("plan, fees"), "{said}");
    }
}
