//! Ids of documents and of what is inside them.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};
use sotay_feed::{DeviceId, DocId, MemberId, UnitId};

use crate::date::Month;
use crate::meeting::MeetingKind;
use crate::schema::DocKind;

/// The roster of a unit: one for ever.
pub fn roster_id(unit: UnitId) -> DocId {
    derive("roster", unit, &[])
}

/// A meeting that happens once in a month by its kind (regular, committee): two phones that create it offline create
/// the same document.
pub fn monthly_meeting_id(unit: UnitId, kind: MeetingKind, month: Month) -> DocId {
    let mut about = vec![kind.number()];
    about.extend_from_slice(month.to_string().as_bytes());
    derive("meeting", unit, &about)
}

/// The months whose meetings [`is_monthly_meeting`] knows, newest first.
fn months() -> impl Iterator<Item = Month> {
    const LAST: &str = "2099-12";
    const COUNT: usize = 100 * 12;
    let last: Month = LAST.parse().expect("a month");
    std::iter::successors(Some(last), |month| Some(month.previous())).take(COUNT)
}

/// Whether this is the monthly meeting of that kind in any month of the years 2000 to 2099. An id does not say of which
/// month it is, so all are tried: 1,200 hashes.
pub fn is_monthly_meeting(unit: UnitId, kind: MeetingKind, doc: DocId) -> bool {
    months().any(|month| monthly_meeting_id(unit, kind, month) == doc)
}

/// Any other meeting: `random` is drawn when it is created.
pub fn other_meeting_id(unit: UnitId, random: [u8; 16]) -> DocId {
    derive("meeting", unit, &random)
}

/// The tasks of a year.
pub fn tasks_id(unit: UnitId, year: i32) -> DocId {
    of_year("tasks", unit, year)
}

/// The fee ledger of a year.
pub fn fees_id(unit: UnitId, year: i32) -> DocId {
    of_year("fees", unit, year)
}

/// The ratings of a year.
pub fn rating_id(unit: UnitId, year: i32) -> DocId {
    of_year("rating", unit, year)
}

/// The reports of a year.
pub fn reports_id(unit: UnitId, year: i32) -> DocId {
    of_year("report", unit, year)
}

/// A resolution: `random` is drawn when it is begun.
pub fn resolution_id(unit: UnitId, random: [u8; 16]) -> DocId {
    derive("resolution", unit, &random)
}

fn of_year(word: &str, unit: UnitId, year: i32) -> DocId {
    derive(word, unit, format!("{year:04}").as_bytes())
}

/// What a document with a computable id is. Everybody can compute these ids: without this, whoever wrote first would
/// decide what they are and where they lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// What all members share.
    Main(DocKind),
    /// The committee's.
    Committee(DocKind),
    /// For the body above.
    Report(DocKind),
}

/// Kind and place of a document whose id follows from what it is, for the years 2000 to 2099; `None` for any other id.
pub fn place_of(unit: UnitId, doc: DocId) -> Option<Place> {
    if doc == roster_id(unit) {
        return Some(Place::Main(DocKind::Roster));
    }
    for year in 2000..2100 {
        for (id, place) in [
            (tasks_id(unit, year), Place::Main(DocKind::Tasks)),
            (fees_id(unit, year), Place::Committee(DocKind::FeeLedger)),
            (rating_id(unit, year), Place::Committee(DocKind::Rating)),
            (reports_id(unit, year), Place::Report(DocKind::Report)),
        ] {
            if id == doc {
                return Some(place);
            }
        }
    }
    if is_monthly_meeting(unit, MeetingKind::Regular, doc) {
        return Some(Place::Main(DocKind::Meeting));
    }
    is_monthly_meeting(unit, MeetingKind::Committee, doc).then_some(Place::Committee(DocKind::Meeting))
}

/// First 16 bytes of `SHA-256("sotay/v1/handbook/" ‖ what ‖ 0 ‖ unit ‖ about)`.
fn derive(what: &str, unit: UnitId, about: &[u8]) -> DocId {
    let mut hasher = Sha256::new();
    hasher.update(b"sotay/v1/handbook/");
    hasher.update(what.as_bytes());
    hasher.update([0]);
    hasher.update(unit.as_bytes());
    hasher.update(about);
    let mut id = [0; DocId::LEN];
    id.copy_from_slice(&hasher.finalize()[..DocId::LEN]);
    DocId::from_bytes(id)
}

/// Something inside a document: a speech, a motion, a conclusion. 16 random bytes drawn by whoever adds it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId([u8; 16]);

impl EntryId {
    /// Takes the bytes as they are.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Another id that follows from this one, for an entry that a choice brings with it.
    pub(crate) fn derived(&self, purpose: &str) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(purpose.as_bytes());
        hasher.update(self.0);
        let mut id = [0; 16];
        id.copy_from_slice(&hasher.finalize()[..16]);
        Self(id)
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EntryId({}…)", HEXLOWER.encode(&self.0[..4]))
    }
}

impl Serialize for EntryId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Text that is not 32 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected 32 hexadecimal digits")]
pub struct NotAnEntryId;

impl FromStr for EntryId {
    type Err = NotAnEntryId;

    fn from_str(text: &str) -> Result<Self, NotAnEntryId> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| NotAnEntryId)?;
        bytes.try_into().map(Self).map_err(|_| NotAnEntryId)
    }
}

/// `member/device`, the key of what one device recorded about one member.
pub(crate) fn member_device(member: MemberId, device: DeviceId) -> String {
    format!("{member}/{device}")
}

/// Reads a key of [`member_device`].
pub(crate) fn parse_member_device(key: &str) -> Option<(MemberId, DeviceId)> {
    let (member, device) = key.split_once('/')?;
    Some((parse_id(member)?, parse_id(device)?))
}

/// An id exactly as `Display` writes it; other spellings would be other keys for the same thing.
pub(crate) fn parse_id<T: FromStr + fmt::Display>(text: &str) -> Option<T> {
    let id: T = text.parse().ok()?;
    (id.to_string() == text).then_some(id)
}

/// Serialisers of the ids of `sotay_feed`: their hexadecimal text.
pub(crate) mod ser {
    use serde::Serializer;
    use std::fmt::Display;

    pub fn id<T: Display, S: Serializer>(id: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(id)
    }

    pub fn opt<T: Display, S: Serializer>(id: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
        match id {
            Some(id) => serializer.collect_str(id),
            None => serializer.serialize_none(),
        }
    }

    pub fn list<T: Display, S: Serializer>(ids: &[T], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(ids.iter().map(ToString::to_string))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: UnitId = UnitId::from_bytes([9; 32]);

    fn may() -> Month {
        "2025-05".parse().unwrap()
    }

    #[test]
    fn two_phones_name_the_regular_meeting_of_a_month_alike() {
        let id = monthly_meeting_id(UNIT, MeetingKind::Regular, may());
        assert_eq!(id.to_string(), "db8d6a61164b9fd3f9dbc37bd875517a");
        assert_ne!(id, monthly_meeting_id(UNIT, MeetingKind::Committee, may()));
        assert_ne!(
            id,
            monthly_meeting_id(UNIT, MeetingKind::Regular, "2025-06".parse().unwrap())
        );
        assert_ne!(id, roster_id(UNIT));
        assert_ne!(id, other_meeting_id(UNIT, [0; 16]));
    }

    #[test]
    fn a_meeting_of_any_month_of_the_century_is_known_by_its_kind() {
        for month in ["2000-01", "2025-05", "2099-12"] {
            let id = monthly_meeting_id(UNIT, MeetingKind::Committee, month.parse().unwrap());
            assert!(is_monthly_meeting(UNIT, MeetingKind::Committee, id), "{month}");
            assert!(!is_monthly_meeting(UNIT, MeetingKind::Regular, id), "{month}");
        }
        let later = monthly_meeting_id(UNIT, MeetingKind::Regular, "2100-01".parse().unwrap());
        assert!(!is_monthly_meeting(UNIT, MeetingKind::Regular, later));
        assert!(!is_monthly_meeting(
            UNIT,
            MeetingKind::Regular,
            other_meeting_id(UNIT, [0; 16])
        ));
    }

    #[test]
    fn ids_that_can_be_computed_name_kind_and_place_and_others_nothing() {
        assert_eq!(
            place_of(UNIT, roster_id(UNIT)),
            Some(Place::Main(DocKind::Roster))
        );
        assert_eq!(
            place_of(UNIT, tasks_id(UNIT, 2025)),
            Some(Place::Main(DocKind::Tasks))
        );
        assert_eq!(
            place_of(UNIT, fees_id(UNIT, 2099)),
            Some(Place::Committee(DocKind::FeeLedger))
        );
        assert_eq!(
            place_of(UNIT, rating_id(UNIT, 2000)),
            Some(Place::Committee(DocKind::Rating))
        );
        assert_eq!(
            place_of(UNIT, reports_id(UNIT, 2025)),
            Some(Place::Report(DocKind::Report))
        );
        assert_eq!(
            place_of(UNIT, monthly_meeting_id(UNIT, MeetingKind::Committee, may())),
            Some(Place::Committee(DocKind::Meeting))
        );
        assert_eq!(place_of(UNIT, tasks_id(UNIT, 2100)), None);
        assert_eq!(place_of(UNIT, resolution_id(UNIT, [1; 16])), None);
    }

    #[test]
    fn keys_of_member_and_device_read_back_and_other_spellings_do_not() {
        let (member, device) = (MemberId::from_bytes([0xab; 16]), DeviceId::from_bytes([0xcd; 8]));
        let key = member_device(member, device);
        assert_eq!(parse_member_device(&key), Some((member, device)));
        assert_eq!(parse_member_device(&key.to_uppercase()), None);
        assert_eq!(parse_member_device(&key[1..]), None);
        assert_eq!(parse_member_device("no slash"), None);
    }

    #[test]
    fn entry_ids_read_back_from_their_text() {
        let id = EntryId::from_bytes([0x5a; 16]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("5a".parse::<EntryId>(), Err(NotAnEntryId));
        assert_ne!(id.derived("motion"), id);
    }
}
