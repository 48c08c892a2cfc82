//! What people read, in Vietnamese and English: a catalogue of templates (data) and the values that fill them.

use serde::Serialize;
use sotay_feed::{DeviceId, MemberId};

use crate::catalogue::Catalogue;
use crate::date::{Date, LocalTime};
use crate::ids::ser;
use crate::number;
use crate::words::Words;

/// One message a line.
static CATALOGUE: Catalogue = Catalogue::new(&[
    include_str!("../data/messages.tsv"),
    include_str!("../data/year.tsv"),
]);

/// Language of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    /// Vietnamese.
    #[default]
    Vi,
    /// English.
    En,
}

/// Names known on this device: personal data, which never enters a document.
pub trait Names {
    /// Name of a member.
    fn member(&self, member: MemberId) -> Option<&str>;
    /// Label of a device, e.g. `P2`.
    fn device(&self, device: DeviceId) -> Option<&str>;
}

/// Nobody's name is known.
pub struct Nameless;

impl Names for Nameless {
    fn member(&self, _: MemberId) -> Option<&str> {
        None
    }

    fn device(&self, _: DeviceId) -> Option<&str> {
        None
    }
}

/// A coded word in a language: its group in the catalogue and its stable name, as `state` and `present`.
pub fn coded_text(group: &str, name: &str, lang: Lang) -> Option<&'static str> {
    CATALOGUE.text(&format!("{group}.{name}"), lang)
}

/// A line that a page on paper ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageNote<'a> {
    /// The template it was made with: name, and the beginning of its SHA-256.
    Template(&'a str, &'a str),
    /// The template in force did not fit, and the page is of the one that ships: name, and the beginning of its SHA-256.
    TemplateFailed(&'a str, &'a str),
    /// SHA-256 of the canonical text.
    Original(&'a str),
}

impl PageNote<'_> {
    /// The line in a language.
    pub fn text(self, lang: Lang) -> String {
        let words = |text: &str| Words::from(text);
        let (message, name, sha256) = match self {
            Self::Template(name, sha256) => (Message::new("page.template"), name, sha256),
            Self::TemplateFailed(name, sha256) => (Message::new("page.template_failed"), name, sha256),
            Self::Original(sha256) => (Message::new("page.original"), "", sha256),
        };
        let message = message
            .words("name", &words(name))
            .words("sha256", &words(sha256));
        message.text(lang, &Nameless)
    }
}

/// A message with its values, in no language yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Key in the catalogue.
    pub key: &'static str,
    /// Values by name.
    pub args: Vec<(&'static str, Arg)>,
}

/// A value of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Arg {
    /// Text that somebody wrote.
    Words(Words),
    /// A member, shown by name.
    Member(#[serde(serialize_with = "ser::id")] MemberId),
    /// A device, shown by label.
    Device(#[serde(serialize_with = "ser::id")] DeviceId),
    /// A count.
    Number(u64),
    /// Part and base of a percentage.
    Percent(u64, u64),
    /// Hundredths of a point.
    Points(u64),
    /// Đồng: `338.000`.
    Dong(u64),
    /// A day, short: `20/5`.
    Date(Date),
    /// A day, long: `20/05/2025`.
    Day(Date),
    /// A time of day: `19:30`.
    Time(LocalTime),
    /// A message within.
    Message(Message),
    /// Several, parted by commas.
    List(Vec<Message>),
}

impl Message {
    /// A message without values.
    pub(crate) fn new(key: &'static str) -> Self {
        Self {
            key,
            args: Vec::new(),
        }
    }

    pub(crate) fn with(mut self, name: &'static str, arg: Arg) -> Self {
        self.args.push((name, arg));
        self
    }

    pub(crate) fn number(self, name: &'static str, value: u64) -> Self {
        self.with(name, Arg::Number(value))
    }

    pub(crate) fn words(self, name: &'static str, value: &Words) -> Self {
        self.with(name, Arg::Words(value.clone()))
    }

    /// The message in a language.
    pub fn text(&self, lang: Lang, names: &dyn Names) -> String {
        let Some(template) = CATALOGUE.text(self.key, lang) else {
            return self.key.to_owned();
        };
        let mut out = String::with_capacity(template.len());
        let mut rest = template;
        while let Some(start) = rest.find('{') {
            let Some(end) = rest[start..].find('}').map(|end| start + end) else {
                break;
            };
            out.push_str(&rest[..start]);
            let name = &rest[start + 1..end];
            match self.args.iter().find(|(known, _)| *known == name) {
                Some((_, arg)) => out.push_str(&arg.text(lang, names)),
                None => out.push_str(&rest[start..=end]),
            }
            rest = &rest[end + 1..];
        }
        out.push_str(rest);
        out
    }
}

impl Arg {
    fn text(&self, lang: Lang, names: &dyn Names) -> String {
        match self {
            Arg::Words(words) => words.as_str().to_owned(),
            Arg::Member(member) => member_name(*member, lang, names),
            Arg::Device(device) => match names.device(*device) {
                Some(label) => label.to_owned(),
                None => unnamed("unnamed.device", &device.to_string(), lang, names),
            },
            Arg::Number(value) => value.to_string(),
            Arg::Percent(part, base) => number::percent(*part, *base),
            Arg::Points(value) => number::hundredths(*value),
            Arg::Dong(value) => number::grouped(*value),
            Arg::Date(date) => date.short(),
            Arg::Day(date) => date.long(),
            Arg::Time(time) => time.hours(),
            Arg::Message(message) => message.text(lang, names),
            Arg::List(messages) => {
                let parts: Vec<String> = messages.iter().map(|message| message.text(lang, names)).collect();
                parts.join(", ")
            }
        }
    }
}

/// Name of a member, or a short stand-in that is equal on every device that does not know the name either.
pub(crate) fn member_name(member: MemberId, lang: Lang, names: &dyn Names) -> String {
    match names.member(member) {
        Some(name) => name.to_owned(),
        None => unnamed("unnamed.member", &member.to_string(), lang, names),
    }
}

fn unnamed(key: &'static str, id: &str, lang: Lang, names: &dyn Names) -> String {
    Message::new(key)
        .words("id", &Words::from(&id[..8]))
        .text(lang, names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn placeholders(template: &str) -> BTreeSet<&str> {
        template
            .split('{')
            .skip(1)
            .filter_map(|part| part.split_once('}').map(|(name, _)| name))
            .collect()
    }

    #[test]
    fn every_message_has_both_languages_with_the_same_values_and_no_key_comes_twice() {
        let mut seen = BTreeSet::new();
        for entry in CATALOGUE.entries() {
            let (key, (vi, en)) = entry.unwrap();
            assert!(!vi.is_empty() && !en.is_empty(), "{key}");
            assert_eq!(placeholders(vi), placeholders(en), "{key}");
            assert_eq!(sotay_document::nfc(vi), vi, "{key}");
            assert!(seen.insert(key), "{key} comes twice");
        }
    }

    /// Finds the keys in the code, so that none is without its words and no words are without use.
    #[test]
    fn the_code_and_the_catalogue_name_the_same_messages() {
        let code = [
            include_str!("error.rs"),
            include_str!("feedback.rs").split("#[cfg(test)]").next().unwrap(),
            include_str!("late.rs"),
            include_str!("message.rs").split("#[cfg(test)]").next().unwrap(),
            include_str!("meeting/phrases.rs"),
            include_str!("minutes/model.rs"),
            include_str!("review/apart.rs"),
            include_str!("review/mod.rs"),
            include_str!("review/odd.rs"),
            include_str!("review/people.rs"),
            include_str!("review/seals.rs"),
            include_str!("review/votes.rs"),
            include_str!("review/content.rs"),
            include_str!("roster/review.rs"),
            include_str!("tasks/review.rs"),
            include_str!("diary.rs"),
            include_str!("home.rs"),
            include_str!("fees/review.rs"),
            include_str!("rating/review.rs"),
            include_str!("resolution/review.rs"),
            include_str!("resolution/model.rs"),
            include_str!("report/facts.rs"),
        ]
        .join("\n");
        let is_key = |text: &&str| {
            text.split_once('.').is_some_and(|(group, name)| {
                [group, name]
                    .iter()
                    .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
            })
        };
        let used: BTreeSet<&str> = code
            .lines()
            .flat_map(|line| line.split('"').skip(1).step_by(2))
            .filter(is_key)
            .collect();
        let coded: BTreeSet<&str> = crate::coded_messages().into_iter().collect();
        for key in used.union(&coded) {
            assert!(CATALOGUE.text(key, Lang::Vi).is_some(), "{key} has no words");
        }
        for line in CATALOGUE.lines() {
            let key = line.split('\t').next().unwrap();
            assert!(used.contains(key) || coded.contains(key), "{key} is never used");
        }
    }

    #[test]
    fn who_has_no_name_here_is_shown_by_the_beginning_of_the_id() {
        let message =
            Message::new("value.member").with("member", Arg::Member(MemberId::from_bytes([0xab; 16])));
        assert_eq!(message.text(Lang::Vi, &Nameless), "đảng viên abababab");
        assert_eq!(message.text(Lang::En, &Nameless), "member abababab");
    }
}
