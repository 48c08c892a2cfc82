//! Cells: how values lie in the CRDT. One cell = canonical CBOR `[recorded time in ms, value]` in a byte scalar, so that
//! a value is written whole, carries when it was recorded, and is signed by the actor of its operation.

use sotay_document::crdt::{ObjId, ScalarValue, Transactable, Transaction};
use sotay_document::{Held, Reads};
use sotay_feed::cbor::{CborError, Reader, Writer, ensure_canonical};
use sotay_feed::{DeviceId, DocId, MemberId};

use crate::date::{Date, LocalTime, Month};
use crate::error::CommandError;
use crate::ids::EntryId;
use crate::limits::{CELL_BYTES_MAX, KEY_BYTES_MAX};
use crate::words::{Words, line_of};

/// A value that a cell can hold.
pub(crate) trait Cell: Sized {
    fn write(&self, writer: &mut Writer);
    fn read(reader: &mut Reader<'_>) -> Result<Self, CborError>;
}

/// A value as it was found, with who wrote it and when they say they did.
#[derive(Debug, Clone)]
pub(crate) struct Found<T> {
    pub value: T,
    pub device: DeviceId,
    pub at_ms: i64,
}

/// The value alone, encoded: what claims are compared and named by.
pub(crate) fn encoded<T: Cell>(value: &T) -> Vec<u8> {
    let mut writer = Writer::new();
    value.write(&mut writer);
    writer.into_bytes()
}

fn encode<T: Cell>(at_ms: i64, value: &T) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(2).int(at_ms);
    value.write(&mut writer);
    writer.into_bytes()
}

pub(crate) fn decode<T: Cell>(bytes: &[u8]) -> Result<(i64, T), CborError> {
    if bytes.len() > CELL_BYTES_MAX {
        return Err(CborError::TooMany {
            at: 0,
            limit: CELL_BYTES_MAX,
        });
    }
    let mut reader = Reader::new(bytes);
    reader.array(2)?;
    let at_ms = reader.int()?;
    let value = T::read(&mut reader)?;
    if !reader.rest().is_empty() {
        return Err(CborError::Trailing(reader.rest().len()));
    }
    ensure_canonical(bytes, &encode(at_ms, &value))?;
    Ok((at_ms, value))
}

/// The device that the operation behind an object or value belongs to; the gate of `sotay_document` holds actors to it.
pub(crate) fn author(op: &ObjId) -> Option<DeviceId> {
    match op {
        ObjId::Id(_, actor, _) => DeviceId::from_slice(actor.to_bytes().get(..DeviceId::LEN)?),
        ObjId::Root => None,
    }
}

/// All concurrent values of a key that can be read; what cannot (a later version, or nonsense) is left out.
pub(crate) fn cells<T: Cell, R: Reads>(doc: &R, map: &ObjId, key: &str) -> Vec<Found<T>> {
    doc.held(map, key)
        .into_iter()
        .filter_map(|(held, op)| {
            let Held::Bytes(bytes) = held else { return None };
            let (at_ms, value) = decode(&bytes).ok()?;
            Some(Found {
                value,
                device: author(&op)?,
                at_ms,
            })
        })
        .collect()
}

/// What the owner of a key wrote there. Keys of one device are written by that device alone, so there are no concurrent
/// values; what another device wrote under somebody's key does not count.
pub(crate) fn owned<T: Cell, R: Reads>(doc: &R, map: &ObjId, key: &str, owner: DeviceId) -> Option<Found<T>> {
    cells(doc, map, key)
        .into_iter()
        .find(|found| found.device == owner)
}

/// The object at a key of a map.
pub(crate) fn object<R: Reads>(doc: &R, map: &ObjId, key: &str) -> Option<ObjId> {
    doc.object(map, key)
}

/// Writes a cell. Writing what is the only value there already changes nothing, whatever the time.
pub(crate) fn put<T: Cell>(
    tx: &mut Transaction<'_>,
    map: &ObjId,
    key: &str,
    at_ms: i64,
    value: &T,
) -> Result<(), CommandError> {
    let now: Vec<Found<T>> = cells(tx, map, key);
    if let [only] = &now[..]
        && encoded(&only.value) == encoded(value)
    {
        return Ok(());
    }
    Ok(tx.put(map, key, ScalarValue::Bytes(encode(at_ms, value)))?)
}

impl<T: Cell> Cell for Option<T> {
    fn write(&self, writer: &mut Writer) {
        match self {
            Some(value) => value.write(writer),
            None => {
                writer.null();
            }
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        if reader.skip_null()? {
            Ok(None)
        } else {
            T::read(reader).map(Some)
        }
    }
}

impl<T: Cell> Cell for Vec<T> {
    fn write(&self, writer: &mut Writer) {
        writer.array(self.len());
        self.iter().for_each(|one| one.write(writer));
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let len = reader.array_up_to(CELL_BYTES_MAX)?;
        (0..len).map(|_| T::read(reader)).collect()
    }
}

impl Cell for u32 {
    fn write(&self, writer: &mut Writer) {
        writer.uint(u64::from(*self));
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.small()
    }
}

impl Cell for u64 {
    fn write(&self, writer: &mut Writer) {
        writer.uint(*self);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.uint()
    }
}

impl Cell for bool {
    fn write(&self, writer: &mut Writer) {
        writer.boolean(*self);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.boolean()
    }
}

impl Cell for Words {
    fn write(&self, writer: &mut Writer) {
        writer.text(self);
    }

    /// A line that its writer did not clean is nobody's honest work.
    fn read(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let at = reader.position();
        let text = reader.text(CELL_BYTES_MAX)?;
        if line_of(text) == text {
            Ok(Words::from(text))
        } else {
            Err(CborError::Malformed { at })
        }
    }
}

/// A short key: of a review item, a choice, an order.
impl Cell for String {
    fn write(&self, writer: &mut Writer) {
        writer.text(self);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let at = reader.position();
        let text = reader.text(KEY_BYTES_MAX)?;
        if text.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(text.to_owned())
        } else {
            Err(CborError::Malformed { at })
        }
    }
}

macro_rules! as_text {
    ($($name:ty),+) => {$(
        impl Cell for $name {
            fn write(&self, writer: &mut Writer) {
                writer.text(&self.to_string());
            }

            fn read(reader: &mut Reader<'_>) -> Result<Self, CborError> {
                let at = reader.position();
                reader.text(32)?.parse().map_err(|_| CborError::Malformed { at })
            }
        }
    )+};
}

macro_rules! as_bytes {
    ($($name:ty),+) => {$(
        impl Cell for $name {
            fn write(&self, writer: &mut Writer) {
                writer.bytes(&self.as_bytes()[..]);
            }

            fn read(reader: &mut Reader<'_>) -> Result<Self, CborError> {
                reader.fixed().map(Self::from_bytes)
            }
        }
    )+};
}

as_text!(Date, Month, LocalTime);
as_bytes!(EntryId, MemberId, DeviceId, DocId);

impl<const N: usize> Cell for [u8; N] {
    fn write(&self, writer: &mut Writer) {
        writer.bytes(self);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.fixed()
    }
}

/// `Cell` of a struct as the array of its fields.
macro_rules! cell_struct {
    ($name:ty { $($field:ident),+ $(,)? }) => {
        impl $crate::cell::Cell for $name {
            fn write(&self, writer: &mut sotay_feed::cbor::Writer) {
                writer.array([$(stringify!($field)),+].len());
                $($crate::cell::Cell::write(&self.$field, writer);)+
            }

            fn read(reader: &mut sotay_feed::cbor::Reader<'_>) -> Result<Self, sotay_feed::cbor::CborError> {
                reader.array([$(stringify!($field)),+].len())?;
                $(let $field = $crate::cell::Cell::read(reader)?;)+
                Ok(Self { $($field),+ })
            }
        }
    };
}

pub(crate) use cell_struct;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::fmt::Debug;

    /// What every cell format owes: golden bytes, round trip, and refusal of each shortened, lengthened and respelt form.
    pub(crate) fn holds<T: Cell + PartialEq + Debug>(value: &T, golden: &str) {
        let bytes = encode(1_746_448_200_000, value);
        assert_eq!(data_encoding::HEXLOWER.encode(&bytes), golden);
        let (at_ms, read) = decode::<T>(&bytes).unwrap();
        assert_eq!((at_ms, &read), (1_746_448_200_000, value));
        for end in 0..bytes.len() {
            assert!(decode::<T>(&bytes[..end]).is_err(), "{end} bytes");
        }
        assert!(decode::<T>(&[&bytes[..], &[0]].concat()).is_err());
        assert!(decode::<T>(&[&[0x98, 2], &bytes[1..]].concat()).is_err());
    }

    #[test]
    fn plain_values_hold() {
        holds(
            &Words::from("Nhà văn hóa"),
            "821b00000196a06cb1406e4e68c3a02076c4836e2068c3b361",
        );
        holds(
            &Some(Date::new(2025, 5, 20).unwrap()),
            "821b00000196a06cb1406a323032352d30352d3230",
        );
        holds(&None::<Date>, "821b00000196a06cb140f6");
        holds(&vec![7u32, 300], "821b00000196a06cb140820719012c");
    }

    #[test]
    fn lines_that_were_not_cleaned_and_dates_that_do_not_exist_are_no_cells() {
        let text = |text: &str| {
            let mut writer = Writer::new();
            writer.array(2).int(0).text(text);
            writer.into_bytes()
        };
        assert!(decode::<Words>(&text("hai\ndòng")).is_err());
        assert!(decode::<Words>(&text("e\u{302}")).is_err());
        assert!(decode::<Words>(&text("một dòng")).is_ok());
        assert!(decode::<Date>(&text("2025-02-30")).is_err());
        assert!(decode::<String>(&text("khóa")).is_err());
    }

    #[test]
    fn a_cell_one_byte_over_the_limit_is_refused() {
        let fits = encode(0, &Words::from("a".repeat(CELL_BYTES_MAX - 5)));
        assert_eq!(fits.len(), CELL_BYTES_MAX);
        assert!(decode::<Words>(&fits).is_ok());
        let over = encode(0, &Words::from("a".repeat(CELL_BYTES_MAX - 4)));
        assert_eq!(
            decode::<Words>(&over).unwrap_err(),
            CborError::TooMany {
                at: 0,
                limit: CELL_BYTES_MAX
            }
        );
    }

    #[test]
    fn a_key_one_byte_over_the_limit_is_refused() {
        assert!(decode::<String>(&encode(0, &"k".repeat(KEY_BYTES_MAX))).is_ok());
        assert!(decode::<String>(&encode(0, &"k".repeat(KEY_BYTES_MAX + 1))).is_err());
    }

    #[test]
    fn an_array_that_claims_more_than_the_cell_holds_is_refused() {
        assert!(decode::<Vec<u32>>(&[0x82, 0, 0x9a, 0xff, 0xff, 0xff, 0xff]).is_err());
    }
}
