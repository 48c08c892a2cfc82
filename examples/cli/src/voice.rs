//! Words: a catalogue of templates in two languages (data), and how names and moments are written.

use std::ffi::OsString;
use std::fmt::Display;

use sotay_engine::OFFSET_MINUTES;
use sotay_engine::feed::{DeviceId, MemberId};
use sotay_engine::handbook::{Arg, Catalogue, Lang, LocalTime, Message, Nameless, Names, Words};

use crate::args::{Coded, LANG_VARIABLE};

/// One message a line.
static CATALOGUE: Catalogue = Catalogue::new(&[
    include_str!("../data/messages.tsv"),
    include_str!("../data/enrol.tsv"),
    include_str!("../data/person.tsv"),
    include_str!("../data/study.tsv"),
    include_str!("../data/year.tsv"),
    include_str!("../data/records.tsv"),
    include_str!("../data/snapshot.tsv"),
]);

/// Letters of an id that lists show; enough to name an entry by.
pub(crate) const ID_CHARS: usize = 8;

/// Speaks one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Voice {
    pub lang: Lang,
}

impl Voice {
    /// The language of arguments that could not be read as a whole.
    pub fn of_args(args: &[OsString]) -> Self {
        let text: Vec<&str> = args.iter().filter_map(|arg| arg.to_str()).collect();
        let after = text
            .iter()
            .position(|arg| *arg == "--lang")
            .and_then(|at| text.get(at + 1).copied());
        let glued = text.iter().find_map(|arg| arg.strip_prefix("--lang="));
        let variable = std::env::var(LANG_VARIABLE).ok();
        let lang = after
            .or(glued)
            .or(variable.as_deref())
            .and_then(|text| crate::args::lang(text).ok());
        Self {
            lang: lang.unwrap_or_default(),
        }
    }

    /// A message of the catalogue with its values.
    pub fn say(self, key: &str, values: &[(&str, &dyn Display)]) -> String {
        let Some(template) = CATALOGUE.text(key, self.lang) else {
            return key.to_owned();
        };
        let mut out = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((before, tail)) = rest.split_once('{') {
            push(&mut out, before);
            let (name, after) = tail.split_once('}').unwrap_or((tail, ""));
            match values.iter().find(|(known, _)| *known == name) {
                Some((_, value)) => out.push_str(&value.to_string()),
                None => {
                    out.push('{');
                    out.push_str(name);
                    out.push('}');
                }
            }
            rest = after;
        }
        push(&mut out, rest);
        out
    }

    /// A message of the handbook's catalogue.
    pub fn message(self, message: &Message, names: &dyn Names) -> String {
        message.text(self.lang, names)
    }

    /// A word of a closed list.
    pub fn word(self, word: impl Coded) -> String {
        word.label(self.lang)
    }

    /// Name of a member, or a short stand-in.
    pub fn member(self, member: MemberId, names: &dyn Names) -> String {
        names.member(member).map_or_else(
            || self.unnamed("unnamed.member", &member.to_string()),
            str::to_owned,
        )
    }

    /// Label of a phone, or a short stand-in.
    pub fn device(self, device: DeviceId, names: &dyn Names) -> String {
        names.device(device).map_or_else(
            || self.unnamed("unnamed.device", &device.to_string()),
            str::to_owned,
        )
    }

    fn unnamed(self, key: &'static str, id: &str) -> String {
        Message {
            key,
            args: vec![("id", Arg::Words(Words::from(short(id))))],
        }
        .text(self.lang, &Nameless)
    }

    /// A moment on the wall clock: `05/05/2026 19:30`.
    pub fn moment(self, at_ms: i64) -> String {
        match LocalTime::from_ms(at_ms, OFFSET_MINUTES) {
            Some(time) => format!("{} {}", time.date().long(), time.hours()),
            None => self.say("moment.unknown", &[]),
        }
    }
}

/// Adds a piece of a template; the catalogue has one line for a message, `⏎` stands for a line feed.
fn push(out: &mut String, piece: &str) {
    out.push_str(&piece.replace(" ⏎ ", "\n"));
}

/// The beginning of an id.
pub(crate) fn short(id: &str) -> &str {
    id.get(..ID_CHARS).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{ADVISED, Code, next_key};
    use std::collections::BTreeSet;
    use std::path::Path;

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
            assert!(unicode_normalization::is_nfc(vi), "{key}");
            assert!(seen.insert(key), "{key} comes twice");
        }
    }

    fn sources(folder: &Path, out: &mut String) {
        let mut entries: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                sources(&path, out);
            } else {
                let text = std::fs::read_to_string(&path).unwrap();
                out.push_str(text.split("#[cfg(test)]\nmod tests").next().unwrap());
            }
        }
    }

    /// Finds the keys in the code, so that none is without its words and no words are without use.
    #[test]
    fn the_code_and_the_catalogue_name_the_same_messages() {
        let mut code = String::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut code);
        let mut used: BTreeSet<String> = BTreeSet::new();
        for call in ["say(", "section("] {
            let after = code
                .split(call)
                .skip(1)
                .filter_map(|part| part.trim_start().strip_prefix('"'));
            used.extend(after.filter_map(|part| part.split('"').next()).map(str::to_owned));
        }
        for code in Code::ALL {
            used.insert(code.error_key().to_owned());
            used.insert(next_key(code.name()));
        }
        used.extend(ADVISED.iter().chain(["usage"].iter()).map(|code| next_key(code)));
        for key in &used {
            assert!(CATALOGUE.text(key, Lang::Vi).is_some(), "{key} has no words");
        }
        for line in CATALOGUE.lines() {
            let key = line.split('\t').next().unwrap();
            // Chosen first and said afterwards.
            let named = || code.contains(&format!("\"{key}\""));
            assert!(used.contains(key) || named(), "{key} is never used");
        }
    }

    #[test]
    fn the_language_is_found_in_arguments_that_do_not_parse() {
        let of = |args: &[&str]| Voice::of_args(&args.iter().map(OsString::from).collect::<Vec<_>>()).lang;
        assert_eq!(of(&["sotay", "--lang", "en", "nonsense"]), Lang::En);
        assert_eq!(of(&["sotay", "--lang=en"]), Lang::En);
        assert_eq!(of(&["sotay", "--lang"]), Lang::Vi);
        assert_eq!(of(&["sotay", "--lang", "xx"]), Lang::Vi);
    }
}
