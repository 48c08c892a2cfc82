//! The unit itself in its roster: what it and the body above were called, and whether it became part of another one, each
//! from a day on. Documents of a day carry the name of that day.

use serde::Serialize;
use sotay_document::Reads;
use sotay_document::crdt::ObjId;

use super::view::{Dated, item_of};
use crate::claim::{Choices, field};
use crate::coded::coded;
use crate::date::Date;
use crate::words::Words;

coded! {
    /// What a dated entry about the unit says.
    pub enum UnitField ("unit_field") {
        /// Its name.
        Name = 0 "name",
        /// Name of the body above.
        Upper = 1 "upper",
        /// The unit that it became part of.
        MergedInto = 2 "merged_into",
    }
}

/// An entry about the unit.
pub type UnitEntry = Dated<Words>;

impl UnitEntry {
    /// The name it gives, unless it was taken back.
    pub fn words(&self) -> Option<Words> {
        self.entry.value.clone().flatten()
    }
}

/// All dated entries about the unit, by what they are about, then by day.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct UnitHistory {
    /// Names of the unit.
    pub names: Vec<UnitEntry>,
    /// Names of the body above.
    pub uppers: Vec<UnitEntry>,
    /// Units that it became part of.
    pub merged_into: Vec<UnitEntry>,
}

/// Before the field, in the keys of these entries; no member has this id.
const PREFIX: &str = "unit/";

/// Key of an entry.
pub(super) fn unit_key(field: UnitField, from: Date) -> String {
    format!("{PREFIX}{}/{from}", field.key())
}

impl UnitHistory {
    pub(super) fn read<R: Reads>(doc: &R, map: &ObjId, choices: &Choices) -> Self {
        let mut history = Self::default();
        // Keys come sorted, so days do as well.
        for key in doc.keys_of(map) {
            let Some((name, from)) = key.strip_prefix(PREFIX).and_then(|rest| rest.split_once('/')) else {
                continue;
            };
            if let (Some(about), Ok(from)) = (UnitField::from_key(name), from.parse()) {
                let entry = field(doc, map, &key, &item_of(&key), choices);
                history.of(about).push(Dated { from, entry });
            }
        }
        history
    }

    fn of(&mut self, field: UnitField) -> &mut Vec<UnitEntry> {
        match field {
            UnitField::Name => &mut self.names,
            UnitField::Upper => &mut self.uppers,
            UnitField::MergedInto => &mut self.merged_into,
        }
    }

    /// The entries about one thing, by day.
    pub fn entries(&self, field: UnitField) -> &[UnitEntry] {
        match field {
            UnitField::Name => &self.names,
            UnitField::Upper => &self.uppers,
            UnitField::MergedInto => &self.merged_into,
        }
    }

    /// What holds on a day; `None` where nothing was entered for it.
    pub fn on(&self, field: UnitField, day: Date) -> Option<Words> {
        super::view::latest(self.entries(field), day)
    }
}
