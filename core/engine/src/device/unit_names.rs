//! What the unit and the body above are called, on which day: documents carry the names of their day.

use sotay_handbook::minutes::Heading;
use sotay_handbook::roster::{Command, UnitField, UnitHistory};
use sotay_handbook::{Date, Words};
use sotay_store::Store;

use super::Device;
use super::people::Subject;
use super::roster::check_name;
use crate::error::DeviceError;

/// First day of the names that were known before the first change: no document is older.
const BEFORE_ALL: &str = "1900-01-01";

impl<S: Store> Device<S> {
    /// The unit, or the body above it, has another name from a day on. Documents of earlier days keep the old one; minutes
    /// of the time after say so in their review list. `None` leaves a name as it is. A wrong name is corrected with
    /// [`Device::rename_unit`] instead.
    pub fn rename_unit_from(
        &mut self,
        name: Option<&str>,
        upper: Option<&str>,
        from: Date,
        now: i64,
    ) -> Result<(), DeviceError> {
        let unit = self.home()?.unit;
        let before = self.heading()?;
        let history = self.unit_history()?;
        let first: Date = BEFORE_ALL.parse().map_err(|_| DeviceError::Internal("day"))?;
        let (mut entries, mut names) = (Vec::new(), Vec::new());
        let fields = [
            (UnitField::Name, name, &before.unit, Subject::Unit(unit)),
            (UnitField::Upper, upper, &before.upper, Subject::Upper(unit)),
        ];
        for (field, new, old, subject) in fields {
            let Some(new) = new else { continue };
            check_name(new)?;
            if history.entries(field).is_empty() {
                entries.push(set(field, old.clone(), first));
            }
            entries.push(set(field, new.into(), from));
            names.push((subject, new.to_owned()));
        }
        self.roster_all(&entries, now)?;
        self.publish_names(names)
    }

    /// The unit became part of another one on a day.
    pub fn merge_unit_into(&mut self, other: &str, from: Date, now: i64) -> Result<(), DeviceError> {
        check_name(other)?;
        self.roster(&set(UnitField::MergedInto, other.into(), from), now)
    }

    /// Every name of the unit and of the body above, by day.
    pub fn unit_history(&mut self) -> Result<UnitHistory, DeviceError> {
        Ok(self.roster_now()?.unit.clone())
    }

    /// The names for the heading of a document of this day; those known now where nothing is entered for it.
    pub(super) fn heading_on(&mut self, day: Option<Date>) -> Result<Heading, DeviceError> {
        let now = self.heading()?;
        let Some(day) = day else { return Ok(now) };
        let roster = self.roster_now()?;
        let on = |field, known| roster.unit.on(field, day).unwrap_or(known);
        Ok(Heading {
            unit: on(UnitField::Name, now.unit),
            upper: on(UnitField::Upper, now.upper),
        })
    }
}

fn set(field: UnitField, name: Words, from: Date) -> Command {
    Command::SetUnit {
        field,
        name: Some(name),
        from,
    }
}
