//! Everything the handbook holds about one person, for that person: JSON for programs, text for people, and both as files
//! of the age format under a passphrase.
//!
//! What is about somebody is found by the member's id, in whatever the documents show: a new kind of entry is part of an
//! export without anybody thinking of it. Of entries that name several people only the own part is taken.

use std::collections::BTreeSet;

use rand::CryptoRng;
use serde_json::{Map, Value, json};
use sotay_feed::{IntoTree, MemberId};
use sotay_handbook::{DocKind, Lang};
use sotay_store::Store;
use sotay_vault::{AgeError, age_seal};

use super::care::Opened;
use super::{Device, export_text};
use crate::error::DeviceError;

/// Version of the JSON of an export.
pub const EXPORT_VERSION: u64 = 1;
/// Levels of an entry that are looked at; deeper ones are not copied.
const DEPTH_MAX: usize = 32;

/// Everything about one person.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonalData(Map<String, Value>);

impl std::fmt::Debug for PersonalData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PersonalData({} parts)", self.0.len())
    }
}

impl PersonalData {
    /// For programs.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(&self.0).unwrap_or_default() + "\n"
    }

    /// For people.
    pub fn text(&self, lang: Lang) -> String {
        export_text::text(&self.0, lang)
    }

    /// [`PersonalData::json`] and [`PersonalData::text`] as age files.
    pub fn seal(
        &self,
        passphrase: &str,
        lang: Lang,
        rng: &mut dyn CryptoRng,
    ) -> Result<SealedExport, AgeError> {
        Ok(SealedExport {
            json: age_seal(passphrase, self.json().as_bytes(), rng)?,
            text: age_seal(passphrase, self.text(lang).as_bytes(), rng)?,
        })
    }
}

/// Both forms of an export under a passphrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedExport {
    /// For programs; its name ends in `.json.age`.
    pub json: Vec<u8>,
    /// For people; its name ends in `.txt.age`.
    pub text: Vec<u8>,
}

/// The part of an entry that is about somebody; `None` when nothing is. `others` are the ids of everybody else.
fn about(value: &Value, id: &str, others: &BTreeSet<String>, depth: usize) -> Option<Value> {
    if depth > DEPTH_MAX {
        return None;
    }
    match value {
        Value::String(text) => (text == id).then(|| value.clone()),
        Value::Array(items) => {
            let own: Vec<Value> = items
                .iter()
                .filter_map(|item| about(item, id, others, depth + 1))
                .collect();
            (!own.is_empty()).then_some(Value::Array(own))
        }
        Value::Object(fields) => {
            let names = |value: &Value| match value {
                Value::String(text) => text == id,
                Value::Array(items) => items.iter().any(|item| item.as_str() == Some(id)),
                Value::Object(inner) => {
                    inner.len() == 1 && inner.values().any(|value| value.as_str() == Some(id))
                }
                _ => false,
            };
            let own = fields.values().any(names);
            let mut kept = Map::new();
            for (key, value) in fields {
                let part = match value {
                    Value::Array(_) | Value::Object(_) => about(value, id, others, depth + 1)
                        .or_else(|| (own && !names_people(value, others)).then(|| value.clone())),
                    _ => Some(value.clone()),
                };
                kept.extend(part.map(|part| (key.clone(), part)));
            }
            let inside = kept.values().any(|value| value.is_array() || value.is_object());
            (own || (inside && mentions(fields, id))).then_some(Value::Object(kept))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Whether anything in it is the id of this member.
fn mentions(fields: &Map<String, Value>, id: &str) -> bool {
    fn within(value: &Value, id: &str) -> bool {
        match value {
            Value::String(text) => text == id,
            Value::Array(items) => items.iter().any(|item| within(item, id)),
            Value::Object(fields) => fields.values().any(|value| within(value, id)),
            _ => false,
        }
    }
    fields.values().any(|value| within(value, id))
}

/// Whether it names somebody else: such a part is theirs.
fn names_people(value: &Value, others: &BTreeSet<String>) -> bool {
    match value {
        Value::String(text) => others.contains(text),
        Value::Array(items) => items.iter().any(|item| names_people(item, others)),
        Value::Object(fields) => fields.values().any(|value| names_people(value, others)),
        _ => false,
    }
}

impl<S: Store> Device<S> {
    /// Everything this phone holds about its holder. What only the committee knows is not on it: an officer's phone
    /// exports that.
    pub fn own_data(&mut self, now: i64) -> Result<PersonalData, DeviceError> {
        let member = self.home()?.member;
        let mut data = self.data_about(member, now)?;
        data.insert("feedback".to_owned(), shown(&self.own_feedback()?)?);
        let mut reading = Vec::new();
        for entry in self.library().unwrap_or_default() {
            let read = entry.read;
            if read.furthest > 0 || read.finished {
                let (furthest, total, seconds) = (read.furthest, read.total, read.seconds);
                let title = &entry.manifest.title;
                reading.push(json!({ "title": title, "furthest": furthest, "of": total,
                    "seconds": seconds, "finished": read.finished }));
            }
        }
        data.insert("reading".to_owned(), Value::Array(reading));
        if self.committee_space().is_ok() {
            self.add_of_committee(member, &mut data)?;
        }
        Ok(PersonalData(data))
    }

    /// Everything an officer's phone holds about a member who asks for it, what only the committee knows and who opened it
    /// among it. That it was exported is recorded for the committee first.
    pub fn data_of(&mut self, member: MemberId, now: i64) -> Result<PersonalData, DeviceError> {
        self.committee_space()?;
        if !self.has_member(member)? {
            return Err(DeviceError::NoMember);
        }
        self.record_access(Opened::Export, Some(member), &[], now)?;
        let mut data = self.data_about(member, now)?;
        self.add_of_committee(member, &mut data)?;
        Ok(PersonalData(data))
    }

    /// Seals an export with this device's generator.
    pub fn seal_export(
        &mut self,
        data: &PersonalData,
        passphrase: &str,
        lang: Lang,
    ) -> Result<SealedExport, AgeError> {
        data.seal(passphrase, lang, &mut *self.rng)
    }

    fn data_about(&mut self, member: MemberId, now: i64) -> Result<Map<String, Value>, DeviceError> {
        let id = member.to_string();
        let card = self.unit_card()?;
        let roster = self.roster_view()?;
        let mut others: BTreeSet<String> = roster.lines.iter().map(|line| line.member.to_string()).into_set();
        others.remove(&id);
        let part = |value: Value| about(&value, &id, &others, 0).unwrap_or(Value::Null);
        let mut data = Map::new();
        let mut add = |key: &str, value: Value| drop(data.insert(key.to_owned(), value));
        add(
            "format",
            json!({ "name": "sotay-personal-data", "version": EXPORT_VERSION }),
        );
        add("made_ms", json!(now));
        add(
            "unit",
            json!({ "name": card.name, "upper": card.upper, "unit": card.unit.to_string() }),
        );
        add("member", json!(id));
        add("name", json!(self.member_name(member)));
        let phones: Vec<Value> = self
            .devices()?
            .into_iter()
            .filter(|line| line.member == member)
            .map(|line| json!({ "device": line.device.to_string(), "label": line.label, "rank": line.rank }))
            .collect();
        add("phones", Value::Array(phones));
        let line = roster.get(member).map(shown).transpose()?;
        add("roster", line.unwrap_or(Value::Null));
        let mut meetings = Vec::new();
        for heading in self.meetings()? {
            meetings.push(shown(&self.meeting_view(heading.doc)?)?);
        }
        add("meetings", part(Value::Array(meetings)));
        let mut resolutions = Vec::new();
        for view in self.resolutions()? {
            resolutions.push(shown(&view)?);
        }
        add("resolutions", part(Value::Array(resolutions)));
        for (key, kind) in [
            ("tasks", DocKind::Tasks),
            ("fees", DocKind::FeeLedger),
            ("ratings", DocKind::Rating),
        ] {
            let mut years = Vec::new();
            for year in self.years(kind)? {
                let view = match kind {
                    DocKind::Tasks => shown(&self.tasks(year)?)?,
                    DocKind::FeeLedger => shown(&self.fees(year)?)?,
                    _ => shown(&self.rating(year)?)?,
                };
                years.push(json!({ "year": year, "entries": view }));
            }
            add(key, part(Value::Array(years)));
        }
        Ok(data)
    }

    fn add_of_committee(&self, member: MemberId, data: &mut Map<String, Value>) -> Result<(), DeviceError> {
        let contact = self.known_contact(member)?;
        data.insert("contact".to_owned(), shown(&contact)?);
        data.insert("consents".to_owned(), shown(&self.consents(Some(member))?)?);
        let mut accesses = self.accesses()?;
        accesses.retain(|line| line.member == Some(member));
        data.insert("accesses".to_owned(), shown(&accesses)?);
        Ok(())
    }
}

fn shown(value: &impl serde::Serialize) -> Result<Value, DeviceError> {
    let value = serde_json::to_value(value).map_err(|_| DeviceError::Internal("export"))?;
    Ok(plain(value))
}

/// A field as its value alone: who recorded it on which phone, and what contradicts it, is the handbook's own business.
fn plain(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(plain).collect()),
        Value::Object(mut fields) if fields.contains_key("value") && fields.contains_key("contest") => {
            plain(fields.remove("value").unwrap_or_default())
        }
        Value::Object(fields) => {
            let inner = |key: &str| {
                let contest = key == "roll_contests" || key.ends_with("contest");
                contest || ["tag", "marks", "claims"].contains(&key)
            };
            let kept = fields.into_iter().filter(|(key, _)| !inner(key));
            Value::Object(kept.map(|(key, value)| (key, plain(value))).collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: &str = "11111111111111111111111111111111";
    const OTHER: &str = "22222222222222222222222222222222";

    fn mine(value: &Value) -> Option<Value> {
        about(value, ME, &BTreeSet::from([OTHER.to_owned()]), 0)
    }

    #[test]
    fn of_an_entry_that_names_several_people_only_the_own_part_is_taken() {
        let meeting = json!({
            "date": "2026-05-05",
            "attendance": { "lines": [{ "member": ME, "state": "present" }, { "member": OTHER, "state": "excused" }] },
            "speeches": [{ "by": OTHER, "text": "Của người khác." }, { "by": { "member": ME }, "text": "Của tôi." }],
            "conclusions": [{ "text": "Giao việc.", "responsible": [OTHER, ME] }],
            "motions": [{ "title": "Mương", "votes": [{ "member": OTHER, "choice": "for" }] }],
        });
        let part = mine(&meeting).unwrap();
        assert_eq!(
            part,
            json!({
                "date": "2026-05-05",
                "attendance": { "lines": [{ "member": ME, "state": "present" }] },
                "speeches": [{ "by": { "member": ME }, "text": "Của tôi." }],
                "conclusions": [{ "text": "Giao việc.", "responsible": [ME] }],
            })
        );
        let nobody = "33333333333333333333333333333333";
        assert_eq!(about(&meeting, nobody, &BTreeSet::new(), 0), None);
    }

    #[test]
    fn what_belongs_to_an_own_entry_stays_and_who_else_stands_in_it_does_not() {
        let task = json!({
            "people": [ME],
            "deadline": { "day": 3, "month": 5 },
            "events": [{ "by": OTHER, "state": "done" }],
        });
        assert_eq!(
            mine(&task).unwrap(),
            json!({ "people": [ME], "deadline": { "day": 3, "month": 5 } })
        );
    }

    #[test]
    fn a_field_is_shown_as_its_value() {
        let field =
            json!({ "date": { "value": "2026-05-05", "contest": "none", "claims": [{ "marks": [] }] } });
        assert_eq!(plain(field), json!({ "date": "2026-05-05" }));
    }

    #[test]
    fn nesting_without_end_is_not_followed() {
        let mut deep = json!(ME);
        for _ in 0..100 {
            deep = json!([deep]);
        }
        assert_eq!(mine(&deep), None);
    }
}
