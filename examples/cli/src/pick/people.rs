//! Members by number, name or id; lists and ranges of them.

use sotay_engine::ProfileDevice;
use sotay_engine::feed::MemberId;
use sotay_engine::handbook::Names;
use sotay_engine::handbook::limits::MEMBERS_MAX;
use sotay_engine::handbook::meeting::MeetingView;

use super::{folded, list_number};
use crate::failure::{Code, Failure};

/// Letters an id must be given with to name a member.
const ID_LETTERS_MIN: usize = 4;

struct Person {
    member: MemberId,
    number: Option<u32>,
    name: Option<String>,
}

/// Whom a command may be about.
pub(crate) struct People(Vec<Person>);

impl People {
    /// Everybody who ever was on the roster.
    pub fn of_roster(device: &mut ProfileDevice) -> Result<Self, Failure> {
        let view = device.roster_view()?;
        let names = device.names();
        let person = |member: MemberId, number| Person {
            member,
            number,
            name: names.member(member).map(str::to_owned),
        };
        Ok(Self(
            view.lines
                .iter()
                .map(|line| person(line.member, line.number.value))
                .collect(),
        ))
    }

    /// Everybody on the list of a meeting.
    pub fn of_meeting(view: &MeetingView, names: &dyn Names) -> Self {
        let lines = view.roll.lines().iter();
        Self(
            lines
                .map(|line| Person {
                    member: line.member,
                    number: Some(line.number),
                    name: names.member(line.member).map(str::to_owned),
                })
                .collect(),
        )
    }

    /// Whether somebody has this name.
    pub fn has_name(&self, name: &str) -> bool {
        let name = folded(name);
        self.0
            .iter()
            .any(|person| person.name.as_deref().is_some_and(|known| folded(known) == name))
    }

    /// One member: by number, by name (whole, else a part that only one has), or by the beginning of the id.
    pub fn one(&self, text: &str) -> Result<MemberId, Failure> {
        let text = text.trim();
        if let Some(number) = list_number(text) {
            return self.only(
                text,
                self.0
                    .iter()
                    .filter(|person| person.number == Some(number))
                    .collect(),
            );
        }
        let wanted = folded(text);
        let name_is = |test: &dyn Fn(&str) -> bool| -> Vec<&Person> {
            self.0
                .iter()
                .filter(|person| person.name.as_deref().is_some_and(|name| test(&folded(name))))
                .collect()
        };
        let mut found = name_is(&|name| name == wanted);
        if found.is_empty() && !wanted.is_empty() {
            found = name_is(&|name| name.contains(&wanted));
        }
        if found.is_empty() && wanted.len() >= ID_LETTERS_MIN {
            found = self
                .0
                .iter()
                .filter(|person| person.member.to_string().starts_with(&wanted))
                .collect();
        }
        self.only(text, found)
    }

    fn only(&self, text: &str, found: Vec<&Person>) -> Result<MemberId, Failure> {
        match found.as_slice() {
            [] => Err(Failure::new(Code::NoMember).with("text", text)),
            [one] => Ok(one.member),
            several => {
                let list: Vec<String> = several.iter().map(|person| person.describe()).collect();
                Err(Failure::new(Code::AmbiguousMember)
                    .with("text", text)
                    .with("list", list.join(", ")))
            }
        }
    }

    /// Several members, in the order named, each once: `1-20,25`, names, ids, or `all`.
    pub fn many(&self, text: &str) -> Result<Vec<MemberId>, Failure> {
        let mut members = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            if ["all", "tất cả"].contains(&folded(part).as_str()) {
                members.extend(self.0.iter().map(|person| person.member));
            } else if let Some((from, to)) = range(part) {
                members.extend(self.between(part, from, to)?);
            } else {
                members.push(self.one(part)?);
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        members.retain(|member| seen.insert(*member));
        if members.is_empty() {
            return Err(Failure::new(Code::BadMembers).with("text", text));
        }
        Ok(members)
    }

    /// Members of a range of numbers; numbers in it that nobody has any more are passed over.
    fn between(&self, part: &str, from: u32, to: u32) -> Result<Vec<MemberId>, Failure> {
        if from > to || (to - from) as usize >= MEMBERS_MAX {
            return Err(Failure::new(Code::BadMembers).with("text", part));
        }
        let inside = |person: &&Person| person.number.is_some_and(|number| (from..=to).contains(&number));
        let found: Vec<MemberId> = self.0.iter().filter(inside).map(|person| person.member).collect();
        if found.is_empty() {
            Err(Failure::new(Code::NoMember).with("text", part))
        } else {
            Ok(found)
        }
    }
}

impl Person {
    fn describe(&self) -> String {
        let id = self.member.to_string();
        let name = self.name.as_deref().unwrap_or_default();
        let number = self.number.map_or(String::new(), |number| format!("{number}. "));
        format!("{number}{name} ({})", crate::voice::short(&id))
    }
}

fn range(part: &str) -> Option<(u32, u32)> {
    let (from, to) = part.split_once(['-', '–'])?;
    Some((list_number(from.trim())?, list_number(to.trim())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> MemberId {
        MemberId::from_bytes([n; 16])
    }

    fn people() -> People {
        let person = |n: u8, name: &str| Person {
            member: id(n),
            number: Some(n.into()),
            name: Some(name.to_owned()),
        };
        People(vec![
            person(1, "Lê Văn An"),
            person(2, "Trần Thị Bình"),
            person(3, "Lê Văn Bình"),
            // Two phones added somebody offline at the same time.
            Person {
                member: id(0xab),
                number: Some(3),
                name: Some("Đỗ Cường".to_owned()),
            },
            person(9, "Lê Văn An Khang"),
        ])
    }

    fn code<T: std::fmt::Debug>(result: Result<T, Failure>) -> &'static str {
        result.unwrap_err().name()
    }

    #[test]
    fn a_member_is_found_by_number_name_part_of_a_name_and_id() {
        for text in [
            "2",
            "Trần Thị Bình",
            " trần  thị bình ",
            "thị",
            "02020202020202020202020202020202",
        ] {
            assert_eq!(people().one(text).unwrap(), id(2), "{text}");
        }
        // A whole name is meant even if it is part of another one.
        assert_eq!(people().one("Lê Văn An").unwrap(), id(1));
        assert_eq!(people().one("abab").unwrap(), id(0xab));
        // Typed with combining accents, as some keyboards do.
        assert_eq!(
            people().one("Tra\u{302}\u{300}n Thi\u{323} Bi\u{300}nh").unwrap(),
            id(2)
        );
    }

    #[test]
    fn who_cannot_be_told_apart_is_asked_for_and_who_is_unknown_is_named() {
        assert_eq!(code(people().one("Bình")), "ambiguous_member");
        assert_eq!(code(people().one("3")), "ambiguous_member");
        assert_eq!(code(people().one("7")), "no_member");
        assert_eq!(code(people().one("Bà Nga")), "no_member");
        assert_eq!(code(people().one("")), "no_member");
        assert_eq!(code(people().one("ab")), "no_member");
    }

    #[test]
    fn lists_and_ranges_name_each_member_once() {
        assert_eq!(people().many("1-2,9").unwrap(), [id(1), id(2), id(9)]);
        assert_eq!(
            people().many("2, 1-2,Đỗ Cường").unwrap(),
            [id(2), id(1), id(0xab)]
        );
        assert_eq!(people().many("4–9").unwrap(), [id(9)]);
        assert_eq!(people().many("all").unwrap().len(), 5);
        assert_eq!(people().many("Tất cả").unwrap().len(), 5);
    }

    #[test]
    fn ranges_that_make_no_sense_are_refused() {
        assert_eq!(code(people().many("9-1")), "bad_members");
        assert_eq!(code(people().many(" , ")), "bad_members");
        assert_eq!(code(people().many("4-8")), "no_member");
        assert_eq!(
            code(people().many(&format!("1-{}", MEMBERS_MAX + 1))),
            "bad_members"
        );
        assert!(people().many(&format!("1-{MEMBERS_MAX}")).is_ok());
    }
}
