//! The script of an evening: a TOML file, checked before anything happens.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

/// The evening in An Lạc that ships with the program.
pub const AN_LAC: &str = include_str!("../scripts/an-lac.toml");
/// Phones a script may use.
pub const PHONES_MAX: usize = 8;
/// Members a script may name.
pub const MEMBERS_MAX: usize = 200;

/// Why a script cannot be played. The fault is in the file; the text names the place.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The file cannot be read.
    #[error("the script {path} cannot be read: {reason}")]
    Read {
        /// The file.
        path: String,
        /// What the operating system says.
        reason: String,
    },
    /// Not TOML, or a field that is unknown, missing or of another type; with line and column.
    #[error("the script is not in the form expected:\n{0}")]
    Form(String),
    /// A member, phone or range that is named but not defined.
    #[error("{place}: {name:?} is not defined in the script")]
    Undefined {
        /// Where it is used.
        place: &'static str,
        /// What is used.
        name: String,
    },
    /// The same id twice.
    #[error("{0:?} is defined twice")]
    Twice(String),
    /// Not exactly one phone founds the unit, or too many phones or members.
    #[error("{0}")]
    Count(String),
}

/// A whole evening.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    pub unit: Unit,
    pub meeting: Meeting,
    #[serde(rename = "phone")]
    pub phones: Vec<Phone>,
    #[serde(rename = "member")]
    pub members: Vec<Member>,
    pub attendance: Attendance,
    #[serde(rename = "speech", default)]
    pub speeches: Vec<Speech>,
    #[serde(rename = "conclusion", default)]
    pub conclusions: Vec<Conclusion>,
    #[serde(rename = "motion", default)]
    pub motions: Vec<Motion>,
}

/// The branch.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    pub name: String,
    pub upper: String,
}

/// The meeting's frame.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meeting {
    /// `YYYY-MM`.
    pub month: String,
    pub place: String,
    /// `YYYY-MM-DDTHH:MM`.
    pub start: String,
    pub end: String,
    pub chair: String,
    pub clerk: String,
    #[serde(default)]
    pub agenda: Vec<String>,
}

/// One phone and what it does besides what names it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phone {
    pub label: String,
    pub member: String,
    pub rank: Rank,
    #[serde(default)]
    pub committee: bool,
    /// Exactly one phone makes the branch and admits the others.
    #[serde(default)]
    pub founder: bool,
    /// It fills in the meeting's frame, offline, like every other phone that does.
    #[serde(default)]
    pub creates_meeting: bool,
    /// Members whose attendance it marks: `M01-M20`.
    pub marks: Option<String>,
}

/// What the founder grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rank {
    Secretary,
    Deputy,
    Member,
}

/// A roster line.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    pub id: String,
    pub name: String,
    #[serde(default)]
    pub role: Role,
    #[serde(default)]
    pub standing: Standing,
    #[serde(default)]
    pub activity: Activity,
}

/// Office in the branch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Secretary,
    Deputy,
    CommitteeMember,
    #[default]
    Member,
}

/// Full or probationary.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    #[default]
    Full,
    Probationary,
}

/// Whether the member takes part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    #[default]
    Attending,
    Exempt,
}

/// Who is not there; everyone else is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attendance {
    #[serde(default)]
    pub excused: Vec<Excused>,
    #[serde(default)]
    pub unexcused: Vec<String>,
    #[serde(default)]
    pub exempt: Vec<String>,
}

/// Absent with a reason.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Excused {
    pub member: String,
    pub reason: String,
}

/// What one person said.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Speech {
    pub phone: String,
    pub member: String,
    pub text: String,
}

/// What the chair concluded.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conclusion {
    pub phone: String,
    pub text: String,
    /// `YYYY-MM-DD`.
    pub deadline: Option<String>,
    #[serde(default)]
    pub responsible: Vec<String>,
}

/// A vote by hands.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Motion {
    pub phone: String,
    pub text: String,
    pub in_favour: u32,
    pub against: u32,
    pub other: u32,
    /// Phone on which the chair confirms the count; it needs the tally first, so it does so after syncing.
    pub confirmed_by: String,
}

impl Script {
    /// Reads and checks a file.
    pub fn load(path: &Path) -> Result<Self, ScriptError> {
        let text = std::fs::read_to_string(path).map_err(|error| ScriptError::Read {
            path: path.display().to_string(),
            reason: error.to_string(),
        })?;
        Self::parse(&text)
    }

    /// Reads and checks a text.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        let script: Script = toml::from_str(text).map_err(|error| ScriptError::Form(error.to_string()))?;
        script.check()?;
        Ok(script)
    }

    /// Members that a phone marks, in roster order.
    pub fn marked_by<'a>(&'a self, phone: &Phone) -> Vec<&'a str> {
        let Some((first, last)) = phone.marks.as_deref().and_then(|range| range.split_once('-')) else {
            return Vec::new();
        };
        let place = |id: &str| self.members.iter().position(|m| m.id == id.trim());
        match (place(first), place(last)) {
            (Some(first), Some(last)) if first <= last => {
                self.members[first..=last].iter().map(|m| m.id.as_str()).collect()
            }
            _ => Vec::new(),
        }
    }

    fn check(&self) -> Result<(), ScriptError> {
        if self.phones.len() > PHONES_MAX || self.phones.is_empty() {
            return Err(ScriptError::Count(format!(
                "a script uses 1 to {PHONES_MAX} phones"
            )));
        }
        if self.members.len() > MEMBERS_MAX {
            return Err(ScriptError::Count(format!(
                "a script names at most {MEMBERS_MAX} members"
            )));
        }
        if self.phones.iter().filter(|phone| phone.founder).count() != 1 {
            return Err(ScriptError::Count(
                "exactly one phone has founder = true".to_owned(),
            ));
        }
        let members = unique(self.members.iter().map(|m| m.id.as_str()))?;
        let phones = unique(self.phones.iter().map(|p| p.label.as_str()))?;
        let member = |place, id: &str| defined(&members, place, id);
        let phone = |place, label: &str| defined(&phones, place, label);
        member("meeting.chair", &self.meeting.chair)?;
        member("meeting.clerk", &self.meeting.clerk)?;
        for each in &self.phones {
            member("phone.member", &each.member)?;
            if let Some(range) = &each.marks
                && self.marked_by(each).is_empty()
            {
                return Err(ScriptError::Undefined {
                    place: "phone.marks",
                    name: range.clone(),
                });
            }
        }
        for each in &self.attendance.excused {
            member("attendance.excused", &each.member)?;
        }
        for id in self.attendance.unexcused.iter().chain(&self.attendance.exempt) {
            member("attendance", id)?;
        }
        for each in &self.speeches {
            phone("speech.phone", &each.phone)?;
            member("speech.member", &each.member)?;
        }
        for each in &self.conclusions {
            phone("conclusion.phone", &each.phone)?;
            for id in &each.responsible {
                member("conclusion.responsible", id)?;
            }
        }
        for each in &self.motions {
            phone("motion.phone", &each.phone)?;
            phone("motion.confirmed_by", &each.confirmed_by)?;
        }
        Ok(())
    }
}

fn unique<'a>(names: impl Iterator<Item = &'a str>) -> Result<BTreeMap<&'a str, ()>, ScriptError> {
    let mut seen = BTreeMap::new();
    for name in names {
        if seen.insert(name, ()).is_some() {
            return Err(ScriptError::Twice(name.to_owned()));
        }
    }
    Ok(seen)
}

fn defined(known: &BTreeMap<&str, ()>, place: &'static str, name: &str) -> Result<(), ScriptError> {
    if known.contains_key(name) {
        Ok(())
    } else {
        Err(ScriptError::Undefined {
            place,
            name: name.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_script_is_that_of_scenario_one() {
        let script = Script::parse(AN_LAC).unwrap();
        assert_eq!((script.members.len(), script.phones.len()), (42, 3));
        assert_eq!((script.speeches.len(), script.conclusions.len()), (12, 4));
        assert_eq!(script.marked_by(&script.phones[0]).len(), 20);
        assert_eq!(script.marked_by(&script.phones[1]).len(), 22);
    }

    #[test]
    fn an_unknown_field_is_named_with_its_line() {
        let wrong = AN_LAC.replace("place = \"Nhà", "palce = \"Nhà");
        let error = Script::parse(&wrong).unwrap_err().to_string();
        assert!(error.contains("palce") && error.contains("line"), "{error}");
    }

    #[test]
    fn names_that_are_used_but_not_defined_are_named() {
        let wrong = AN_LAC.replace("chair = \"M01\"", "chair = \"M99\"");
        let error = Script::parse(&wrong).unwrap_err();
        assert!(
            matches!(error, ScriptError::Undefined { place: "meeting.chair", ref name } if name == "M99")
        );
        let twice = AN_LAC.replace("id = \"M02\"", "id = \"M01\"");
        assert!(matches!(Script::parse(&twice), Err(ScriptError::Twice(id)) if id == "M01"));
    }

    #[test]
    fn phones_and_members_over_their_limits_are_refused() {
        let phone = "\n[[phone]]\nlabel = \"X{}\"\nmember = \"M05\"\nrank = \"member\"\n";
        let add = |count: usize| {
            let extra: String = (0..count).map(|n| phone.replace("{}", &n.to_string())).collect();
            Script::parse(&format!("{AN_LAC}{extra}"))
        };
        assert!(add(PHONES_MAX - 3).is_ok());
        assert!(matches!(add(PHONES_MAX - 2), Err(ScriptError::Count(_))));
        let member = "\n[[member]]\nid = \"N{}\"\nname = \"x\"\n";
        let more: String = (0..MEMBERS_MAX - 41)
            .map(|n| member.replace("{}", &n.to_string()))
            .collect();
        assert!(matches!(
            Script::parse(&format!("{AN_LAC}{more}")),
            Err(ScriptError::Count(_))
        ));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Script::load(Path::new("no-such-script.toml"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("no-such-script.toml"), "{error}");
    }
}
