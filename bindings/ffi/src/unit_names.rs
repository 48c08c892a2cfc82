//! What the unit and the body above were called, by day, and the end of a unit.

use sotay_engine::handbook::Date;
use sotay_engine::handbook::roster::UnitField;

use crate::branch::Branch;
use crate::call::tell;
use crate::error::{HandbookError, parse};
use crate::record_kinds::UnitNameKind;
use crate::records::words;

/// A name of the unit, of the body above, or of the unit that this one became part of, from a day on.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct UnitNameView {
    /// Whose.
    pub kind: UnitNameKind,
    /// First day; `1900-01-01` of what was known before the first change.
    pub since: String,
    /// The name; none when it was taken back.
    pub name: Option<String>,
}

#[uniffi::export]
impl Branch {
    /// The unit, or the body above it, has another name from a day on: documents of earlier days keep the old one. What is not
    /// given stays; a wrong name is corrected with `rename_unit`. Officers only.
    pub fn rename_unit_from(
        &self,
        name: Option<String>,
        upper: Option<String>,
        since: String,
    ) -> Result<(), HandbookError> {
        let from: Date = parse(&since, "since")?;
        tell(&self.engine, move |device, now| {
            device.rename_unit_from(name.as_deref(), upper.as_deref(), from, now)
        })
    }

    /// The unit became part of another one on a day: its documents of that day or later say so. Officers only.
    pub fn merge_into(&self, other: String, since: String) -> Result<(), HandbookError> {
        let from: Date = parse(&since, "since")?;
        tell(&self.engine, move |device, now| {
            device.merge_unit_into(&other, from, now)
        })
    }

    /// Every name of the unit and of the body above, by day.
    pub fn unit_names(&self) -> Result<Vec<UnitNameView>, HandbookError> {
        let history = tell(&self.engine, |device, _| device.unit_history())?;
        let named = |field: UnitField| {
            let view = |entry: &sotay_engine::handbook::roster::UnitEntry| UnitNameView {
                kind: field,
                since: entry.from.to_string(),
                name: entry.words().as_ref().map(words),
            };
            history.entries(field).iter().map(view).collect::<Vec<_>>()
        };
        Ok(UnitField::ALL.iter().flat_map(|field| named(*field)).collect())
    }
}
