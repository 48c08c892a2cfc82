//! Reading the roster.

use std::collections::BTreeMap;

use serde::Serialize;
use sotay_document::Reads;
use sotay_document::crdt::ROOT;
use sotay_feed::{InOrder, MemberId};

use super::{Activity, Role, Roll, RollLine, RosterField, Standing, UnitHistory};
use crate::cell::{Cell, object};
use crate::claim::{Choices, Devices, Field, field};
use crate::date::Date;
use crate::ids::{parse_id, ser};
use crate::schema;
use crate::words::Words;

/// An entry that holds from a day on; a value of `None` was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dated<T> {
    /// First day.
    pub from: Date,
    /// What was entered, with everything that was entered at the same time elsewhere.
    pub entry: Field<Option<T>>,
}

/// A member's whole history in the roster; entries by first day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RosterLine {
    /// Who.
    #[serde(serialize_with = "ser::id")]
    pub member: MemberId,
    /// Place in the list.
    pub number: Field<u32>,
    /// Offices.
    pub roles: Vec<Dated<Role>>,
    /// Groups; an empty text means none.
    pub groups: Vec<Dated<Words>>,
    /// Standings.
    pub standings: Vec<Dated<Standing>>,
    /// Activities.
    pub activities: Vec<Dated<Activity>>,
}

/// The roster as it is known now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RosterView {
    /// All who ever were on it, by number, then by id.
    pub lines: Vec<RosterLine>,
    /// The unit itself.
    pub unit: UnitHistory,
}

/// Key of an entry.
pub(super) fn entry_key(member: MemberId, field: RosterField, from: Date) -> String {
    format!("{member}/{}/{from}", field.key())
}

/// Key of the place in the list.
pub(super) fn number_key(member: MemberId) -> String {
    format!("{member}/number")
}

/// Review item about a key.
pub(super) fn item_of(key: &str) -> String {
    format!("roster/{key}")
}

/// Choices about the roster; only officers may settle.
pub(super) fn choices<R: Reads>(doc: &R, devices: &Devices) -> Choices {
    object(doc, &ROOT, schema::CHOICES)
        .map(|map| Choices::read(doc, &map, |device, _| devices.is_officer(device)))
        .unwrap_or_default()
}

impl RosterView {
    /// Reads the roster document.
    pub fn read<R: Reads>(doc: &R, devices: &Devices) -> Self {
        let choices = choices(doc, devices);
        let Some(map) = object(doc, &ROOT, schema::LINES) else {
            return Self {
                lines: Vec::new(),
                unit: UnitHistory::default(),
            };
        };
        let mut members: BTreeMap<MemberId, BTreeMap<RosterField, Vec<Date>>> = BTreeMap::new();
        for key in doc.keys_of(&map) {
            let mut parts = key.splitn(3, '/');
            let Some(member) = parts.next().and_then(parse_id::<MemberId>) else {
                continue;
            };
            let entries = members.entry(member).or_default();
            let field = parts.next().and_then(RosterField::from_key);
            let from = parts.next().and_then(|from| from.parse().ok());
            if let (Some(field), Some(from)) = (field, from) {
                // Keys come sorted, so days do as well.
                entries.entry(field).or_default().push(from);
            }
        }
        let unit = UnitHistory::read(doc, &map, &choices);
        let reader = Reader { doc, map, choices };
        let mut lines: Vec<RosterLine> = members
            .iter()
            .map(|(member, entries)| reader.line(*member, entries))
            .collect();
        lines.in_order_by_key(|line| (line.number.value, line.member));
        Self { lines, unit }
    }

    /// A member's line.
    pub fn get(&self, member: MemberId) -> Option<&RosterLine> {
        self.lines.iter().find(|line| line.member == member)
    }

    /// The list of a day: who belongs to the unit then.
    pub fn at(&self, day: Date) -> Roll {
        Roll::new(
            self.lines
                .iter()
                .filter_map(|line| line.at(day))
                .filter(|line| line.activity.belongs())
                .collect(),
        )
    }

    /// Everybody of a day, also who had left by then.
    pub fn everybody_at(&self, day: Date) -> Roll {
        Roll::new(self.lines.iter().filter_map(|line| line.at(day)).collect())
    }
}

impl RosterLine {
    /// The member on a day; `None` before the first entries about standing and activity.
    pub fn at(&self, day: Date) -> Option<RollLine> {
        let group = latest(&self.groups, day).filter(|group| !group.is_empty());
        Some(RollLine {
            member: self.member,
            number: self.number.value.unwrap_or(u32::MAX),
            role: latest(&self.roles, day).unwrap_or(Role::Member),
            group,
            standing: latest(&self.standings, day)?,
            activity: latest(&self.activities, day)?,
        })
    }
}

pub(super) fn latest<T: Clone>(entries: &[Dated<T>], day: Date) -> Option<T> {
    entries
        .iter()
        .rev()
        .filter(|dated| dated.from <= day)
        .find_map(|dated| dated.entry.value.clone().flatten())
}

struct Reader<'a, R> {
    doc: &'a R,
    map: sotay_document::crdt::ObjId,
    choices: Choices,
}

impl<R: Reads> Reader<'_, R> {
    fn line(&self, member: MemberId, entries: &BTreeMap<RosterField, Vec<Date>>) -> RosterLine {
        RosterLine {
            member,
            number: self.field(&number_key(member)),
            roles: self.dated(member, RosterField::Role, entries),
            groups: self.dated(member, RosterField::Group, entries),
            standings: self.dated(member, RosterField::Standing, entries),
            activities: self.dated(member, RosterField::Activity, entries),
        }
    }

    fn dated<T: Cell + Clone>(
        &self,
        member: MemberId,
        field: RosterField,
        entries: &BTreeMap<RosterField, Vec<Date>>,
    ) -> Vec<Dated<T>> {
        let days = entries.get(&field).map(Vec::as_slice).unwrap_or_default();
        days.iter()
            .map(|&from| Dated {
                from,
                entry: self.field(&entry_key(member, field, from)),
            })
            .collect()
    }

    fn field<T: Cell + Clone>(&self, key: &str) -> Field<T> {
        field(self.doc, &self.map, key, &item_of(key), &self.choices)
    }
}
