//! What the documents of a year share: containers of flat cells, and choices of officers about them.
//!
//! Keys are `entry/field`, never nested objects: two phones that make the same entry offline (a task of one conclusion)
//! then write the same cells instead of two objects of which one would hide the other (decision 0034).

use sotay_document::Reads;
use sotay_document::crdt::{ObjId, ROOT, ReadDoc, Transaction};
use sotay_feed::DeviceId;
use sotay_feed::cbor::{CborError, Reader, Writer};

use crate::acting::Acting;
use crate::cell::{Cell, Found, cells, object, owned, put};
use crate::claim::{Choices, Devices, Field, claims, field};
use crate::error::{CommandError, What};
use crate::schema;
use crate::words::{Words, paragraph_of};

/// A document that is being read.
pub(crate) struct Sheet<'a, R> {
    doc: &'a R,
    pub choices: Choices,
}

impl<'a, R: Reads> Sheet<'a, R> {
    /// With the choices of officers.
    pub fn of(doc: &'a R, devices: &Devices) -> Self {
        Self {
            doc,
            choices: officers_choices(doc, devices),
        }
    }

    pub fn map(&self, name: &str) -> Option<ObjId> {
        object(self.doc, &ROOT, name)
    }

    /// Keys of a container; none when it is not there.
    pub fn keys(&self, name: &str) -> Vec<String> {
        self.map(name)
            .map(|map| self.doc.keys_of(&map))
            .unwrap_or_default()
    }

    /// All concurrent values of a key.
    pub fn field<T: Cell + Clone>(&self, name: &str, key: &str, item: &str) -> Field<T> {
        self.map(name)
            .map(|map| field(self.doc, &map, key, item, &self.choices))
            .unwrap_or_default()
    }

    /// The one value of a key that nobody is asked about: the smallest of concurrent ones.
    pub fn plain<T: Cell>(&self, name: &str, key: &str) -> Option<T> {
        let map = self.map(name)?;
        let claims = claims("", cells::<T, _>(self.doc, &map, key));
        claims.into_iter().next().map(|claim| claim.value)
    }

    /// What the owner of a key wrote there.
    pub fn owned<T: Cell>(&self, name: &str, key: &str, owner: DeviceId) -> Option<Found<T>> {
        owned(self.doc, &self.map(name)?, key, owner)
    }
}

/// Choices of a document in which only officers settle.
pub(crate) fn officers_choices<R: Reads>(doc: &R, devices: &Devices) -> Choices {
    object(doc, &ROOT, schema::CHOICES)
        .map(|map| Choices::read(doc, &map, |device, _| devices.is_officer(device)))
        .unwrap_or_default()
}

/// A document that is being written.
pub(crate) struct Pen<'t, 'd, 's> {
    pub tx: &'t mut Transaction<'d>,
    pub acting: &'s Acting,
}

impl Pen<'_, '_, '_> {
    fn map(&self, name: &str) -> Result<ObjId, CommandError> {
        object(self.tx, &ROOT, name).ok_or(CommandError::Damaged)
    }

    pub fn put<T: Cell>(&mut self, name: &str, key: &str, value: &T) -> Result<(), CommandError> {
        let map = self.map(name)?;
        put(self.tx, &map, key, self.acting.at_ms, value)
    }

    pub fn has(&self, name: &str, key: &str) -> Result<bool, CommandError> {
        let map = self.map(name)?;
        Ok(matches!(self.tx.get(&map, key), Ok(Some(_))))
    }

    /// Refuses what is not there.
    pub fn known(&self, name: &str, key: &str, what: What) -> Result<(), CommandError> {
        if self.has(name, key)? {
            Ok(())
        } else {
            Err(CommandError::Unknown(what))
        }
    }
}

/// A text of several lines inside a cell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Para(pub Words);

impl Cell for Para {
    fn write(&self, writer: &mut Writer) {
        writer.text(&self.0);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let at = reader.position();
        let text = reader.text(crate::limits::CELL_BYTES_MAX)?;
        if paragraph_of(text) == text {
            Ok(Para(Words::from(text)))
        } else {
            Err(CborError::Malformed { at })
        }
    }
}

/// A text with something in it.
pub(crate) fn paragraph(what: What, text: &Words) -> Result<String, CommandError> {
    if text.trim().is_empty() {
        return Err(CommandError::Empty(what));
    }
    text.paragraph()
        .map_err(|error| CommandError::too_long(what, error))
}

/// A text with something in it, for a cell: at most `limit` characters.
pub(crate) fn para(what: What, text: &Words, limit: usize) -> Result<Para, CommandError> {
    let text = Words::from(paragraph(what, text)?.trim());
    let chars = text.chars_count();
    if chars > limit {
        return Err(CommandError::TooLong { what, chars, limit });
    }
    Ok(Para(text))
}

/// A line with something in it.
pub(crate) fn line(what: What, text: &Words) -> Result<Words, CommandError> {
    let line = text.line().map_err(|error| CommandError::too_long(what, error))?;
    if line.is_empty() {
        Err(CommandError::Empty(what))
    } else {
        Ok(Words::from(line))
    }
}

/// A line, if there is something in it.
pub(crate) fn line_or_none(what: What, text: Option<&Words>) -> Result<Option<Words>, CommandError> {
    text.filter(|text| !text.trim().is_empty())
        .map(|text| line(what, text))
        .transpose()
}

/// At most so many.
pub(crate) fn at_most(what: What, count: u64, limit: u64) -> Result<(), CommandError> {
    if count > limit {
        Err(CommandError::TooMany { what, count, limit })
    } else {
        Ok(())
    }
}
