//! What was recorded after the minutes were sealed ("Bổ sung chưa chốt"): the difference between a meeting as it was
//! sealed and as it stands, part by part. It never enters the sealed text; it becomes an addendum or a second edition.

use serde::Serialize;
use sotay_document::nfc;

use crate::claim::Field;
use crate::ids::EntryId;
use crate::meeting::{AttendanceLine, Conclusion, MeetingView, Motion, Person};
use crate::message::{Arg, Lang, Message, Names};
use crate::minutes::Heading;
use crate::words::Words;

/// One part of a meeting that reads otherwise than it was sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Late {
    /// Stable id: `speech/<id>`, `attendance/<member>`, `info/place` …
    pub id: String,
    /// Which part, in words.
    pub what: Message,
    /// What came to it. Of a text only what is new: see [`Late::added_text`].
    pub added: Option<Arg>,
    /// What is gone from it.
    pub removed: Option<Arg>,
    /// The part did not exist when the minutes were sealed.
    pub new: bool,
}

impl Late {
    /// The new text, if the part is a text.
    pub fn added_text(&self) -> Option<&str> {
        match &self.added {
            Some(Arg::Words(words)) => Some(words.as_str()),
            _ => None,
        }
    }

    /// In one line: `Phát biểu của …: thêm “…”`.
    pub fn message(&self) -> Message {
        let message = match (&self.added, &self.removed) {
            (Some(_), None) if self.new => Message::new("late.new"),
            (Some(_), None) => Message::new("late.added"),
            (None, _) => Message::new("late.removed"),
            (Some(_), Some(_)) => Message::new("late.changed"),
        };
        let mut message = message.with("what", Arg::Message(self.what.clone()));
        for (name, value) in [("added", &self.added), ("removed", &self.removed)] {
            if let Some(value) = value {
                message = message.with(name, value.clone());
            }
        }
        message
    }
}

/// The parts that differ, in the order of the minutes.
pub fn late(sealed: &MeetingView, now: &MeetingView) -> Vec<Late> {
    let mut found = Finder {
        sealed,
        now,
        found: Vec::new(),
    };
    found.heading();
    found.attendance();
    found.guests();
    found.agenda();
    found.speeches();
    found.conclusions();
    found.motions();
    found.rest();
    found.found
}

/// The canonical text of an addendum: which minutes it adds to, and every part in one line.
pub fn addendum_text(
    sealed: &MeetingView,
    items: &[Late],
    heading: &Heading,
    minutes_sha256: &str,
    names: &dyn Names,
) -> String {
    let say = |message: &Message| message.text(Lang::Vi, names);
    let mut out = String::new();
    let day = sealed.date.value.map_or_else(
        || Message::new("value.no_day"),
        |day| Message::new("value.date").with("value", Arg::Day(day)),
    );
    let head = Message::new("late.heading")
        .with("day", Arg::Message(day))
        .words("hash", &Words::from(minutes_sha256));
    for line in [
        heading.upper.as_str(),
        heading.unit.as_str(),
        &say(&Message::new("late.title")),
        &say(&head),
    ] {
        out.push_str(line.trim());
        out.push('\n');
    }
    for (number, item) in (1..).zip(items) {
        let line = say(&item.message());
        // Lines after the first stand in, so that no text can pass for another part.
        let line: Vec<&str> = line
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        out.push_str(&format!("{number}. {}\n", line.join("\n    ")));
    }
    nfc(&out).into_owned()
}

struct Finder<'a> {
    sealed: &'a MeetingView,
    now: &'a MeetingView,
    found: Vec<Late>,
}

impl Finder<'_> {
    /// A part with one value.
    fn value(&mut self, id: String, what: Message, before: Option<Arg>, after: Option<Arg>) {
        if before == after {
            return;
        }
        let new = before.is_none();
        self.found.push(Late {
            id,
            what,
            added: after,
            removed: before,
            new,
        });
    }

    /// A part that is a text: only what is between the common beginning and the common end is named.
    fn text(&mut self, id: String, what: Message, before: Option<&str>, after: Option<&str>) {
        if before == after {
            return;
        }
        let (old, new) = (before.unwrap_or_default(), after.unwrap_or_default());
        let (removed, added) = apart(old, new);
        let words = |text: String| (!text.is_empty()).then(|| Arg::Words(Words::from(text)));
        self.found.push(Late {
            id,
            what,
            added: words(added),
            removed: words(removed),
            new: before.is_none(),
        });
    }

    fn heading(&mut self) {
        let (sealed, now) = (self.sealed, self.now);
        let words = |field: &Field<Words>| field.value.clone().map(Arg::Words);
        let person = |view: &MeetingView, field: &Field<Person>| {
            field
                .value
                .map(|person| Arg::Message(crate::review::person_name(view, person)))
        };
        let what = Message::new;
        self.value(
            "info/place".into(),
            what("info.place"),
            words(&sealed.place),
            words(&now.place),
        );
        self.value(
            "info/number".into(),
            what("info.number"),
            words(&sealed.number),
            words(&now.number),
        );
        let day = |view: &MeetingView| view.date.value.map(Arg::Day);
        self.value("info/date".into(), what("info.date"), day(sealed), day(now));
        self.value(
            "info/start".into(),
            what("info.start"),
            sealed.start.value.map(Arg::Time),
            now.start.value.map(Arg::Time),
        );
        self.value(
            "info/end".into(),
            what("info.end"),
            sealed.end.value.map(Arg::Time),
            now.end.value.map(Arg::Time),
        );
        self.value(
            "info/chair".into(),
            what("info.chair"),
            person(sealed, &sealed.chair),
            person(now, &now.chair),
        );
        self.value(
            "info/clerk".into(),
            what("info.clerk"),
            person(sealed, &sealed.clerk),
            person(now, &now.clerk),
        );
    }

    fn attendance(&mut self) {
        let state = |line: &AttendanceLine| {
            let state = Arg::Message(Message::new(line.state.message()));
            Arg::Message(match &line.reason {
                Some(reason) => Message::new("late.state_with_reason")
                    .with("state", state)
                    .words("reason", reason),
                None => Message::new("late.state").with("state", state),
            })
        };
        let (sealed, now) = (self.sealed, self.now);
        for line in &now.attendance.lines {
            let member = line.line.member;
            let before = sealed.line(member).map(state);
            let what = Message::new("late.attendance").with("member", Arg::Member(member));
            self.value(format!("attendance/{member}"), what, before, Some(state(line)));
        }
        for line in &sealed.attendance.lines {
            let member = line.line.member;
            if now.line(member).is_none() {
                let what = Message::new("late.attendance").with("member", Arg::Member(member));
                self.value(format!("attendance/{member}"), what, Some(state(line)), None);
            }
        }
    }

    fn guests(&mut self) {
        let (sealed, now) = (self.sealed, self.now);
        let listed = |view: &MeetingView| -> Vec<(EntryId, String)> {
            view.guests
                .iter()
                .map(|guest| (guest.id, guest.label.to_string()))
                .collect()
        };
        self.texts(
            "guest",
            &|_| Message::new("what.guest"),
            &listed(sealed),
            &listed(now),
        );
    }

    fn agenda(&mut self) {
        let listed = |view: &MeetingView| -> Vec<(EntryId, String)> {
            view.agenda
                .iter()
                .map(|item| (item.id, item.title.to_string()))
                .collect()
        };
        self.texts(
            "agenda",
            &|_| Message::new("what.agenda"),
            &listed(self.sealed),
            &listed(self.now),
        );
    }

    fn speeches(&mut self) {
        let (sealed, now) = (self.sealed, self.now);
        let listed = |view: &MeetingView| -> Vec<(EntryId, String)> {
            view.speeches
                .iter()
                .map(|speech| (speech.id, speech.text.to_string()))
                .collect()
        };
        let speaker = |view: &MeetingView, id: EntryId| {
            let speech = view.speeches.iter().find(|speech| speech.id == id)?;
            Some(Arg::Message(crate::review::person_name(view, speech.speaker?)))
        };
        let what = |id| {
            let who = speaker(now, id).or_else(|| speaker(sealed, id));
            let nobody = || Arg::Message(Message::new("late.nobody"));
            Message::new("late.speech").with("who", who.unwrap_or_else(nobody))
        };
        self.texts("speech", &what, &listed(sealed), &listed(now));
        for speech in &now.speeches {
            let before = speaker(sealed, speech.id);
            if before.is_some() {
                let id = format!("speech/{}/speaker", speech.id);
                self.value(id, Message::new("late.speaker"), before, speaker(now, speech.id));
            }
        }
    }

    fn conclusions(&mut self) {
        let (sealed, now) = (self.sealed, self.now);
        let text = |conclusion: &Conclusion| {
            let paragraphs: Vec<&str> = conclusion.paragraphs.iter().map(|p| p.text.as_str()).collect();
            (conclusion.id, paragraphs.join("\n"))
        };
        let listed = |view: &MeetingView| view.conclusions.iter().map(text).collect::<Vec<_>>();
        self.texts(
            "conclusion",
            &|_| Message::new("what.conclusion"),
            &listed(sealed),
            &listed(now),
        );
        for conclusion in &now.conclusions {
            let Some(before) = sealed.conclusion(conclusion.id) else {
                continue;
            };
            let id = conclusion.id;
            let due = |conclusion: &Conclusion| conclusion.due().map(Arg::Day);
            self.value(
                format!("conclusion/{id}/deadline"),
                Message::new("late.deadline"),
                due(before),
                due(conclusion),
            );
            let people = |conclusion: &Conclusion| {
                let name = |&member| Message::new("value.member").with("member", Arg::Member(member));
                let people: Vec<Message> = conclusion.responsible.iter().map(name).collect();
                (!people.is_empty()).then_some(Arg::List(people))
            };
            self.value(
                format!("conclusion/{id}/responsible"),
                Message::new("late.responsible"),
                people(before),
                people(conclusion),
            );
        }
    }

    fn motions(&mut self) {
        let (sealed, now) = (self.sealed, self.now);
        let listed = |view: &MeetingView| -> Vec<(EntryId, String)> {
            view.motions
                .iter()
                .map(|motion| (motion.id, motion.text.to_string()))
                .collect()
        };
        self.texts(
            "motion",
            &|_| Message::new("what.motion"),
            &listed(sealed),
            &listed(now),
        );
        for motion in &now.motions {
            let result = |motion: &Motion| Arg::Message(motion.result());
            if let Some(before) = sealed.motion(motion.id) {
                let what = Message::new("late.result").words("question", &motion.text);
                let id = format!("motion/{}/result", motion.id);
                self.value(id, what, Some(result(before)), Some(result(motion)));
            }
        }
    }

    /// Narrative, notes and points.
    fn rest(&mut self) {
        let (sealed, now) = (self.sealed, self.now);
        for section in crate::meeting::Section::ALL {
            let text = |view: &MeetingView| {
                let found = view.narrative.iter().find(|(of, _)| of == section);
                found.map(|(_, text)| text.to_string())
            };
            let (before, after) = (text(sealed), text(now));
            let what = Message::new(section.message());
            self.text(
                format!("narrative/{}", section.key()),
                what,
                before.as_deref(),
                after.as_deref(),
            );
        }
        let listed = |view: &MeetingView| -> Vec<(EntryId, String)> {
            view.notes
                .iter()
                .map(|note| (note.id, note.text.to_string()))
                .collect()
        };
        self.texts(
            "note",
            &|_| Message::new("what.note"),
            &listed(sealed),
            &listed(now),
        );
        let points = |view: &MeetingView| view.total_points().map(|points| Arg::Points(u64::from(points)));
        self.value(
            "score".into(),
            Message::new("late.score"),
            points(sealed),
            points(now),
        );
    }

    fn texts(
        &mut self,
        word: &str,
        what: &dyn Fn(EntryId) -> Message,
        before: &[(EntryId, String)],
        after: &[(EntryId, String)],
    ) {
        let find = |list: &[(EntryId, String)], id: EntryId| {
            list.iter()
                .find(|(known, _)| *known == id)
                .map(|(_, text)| text.clone())
        };
        for (id, text) in after {
            self.text(
                format!("{word}/{id}"),
                what(*id),
                find(before, *id).as_deref(),
                Some(text),
            );
        }
        for (id, text) in before {
            if find(after, *id).is_none() {
                self.text(format!("{word}/{id}"), what(*id), Some(text), None);
            }
        }
    }
}

/// What only the old and what only the new text has, between their common beginning and their common end.
fn apart(old: &str, new: &str) -> (String, String) {
    let (old, new): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
    let same = |pairs: &mut dyn Iterator<Item = (&char, &char)>| pairs.take_while(|(a, b)| a == b).count();
    let start = same(&mut old.iter().zip(&new));
    let rest = old.len().min(new.len()) - start;
    let end = same(&mut old.iter().rev().zip(new.iter().rev())).min(rest);
    let middle = |text: &[char]| text[start..text.len() - end].iter().collect();
    (middle(&old), middle(&new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_new_of_a_text_is_named() {
        let of = |old, new| apart(old, new);
        assert_eq!(
            of("Nạo vét mương.", "Nạo vét mương. Sửa cống."),
            ("".into(), " Sửa cống.".into())
        );
        assert_eq!(of("aXc", "aYc"), ("X".into(), "Y".into()));
        assert_eq!(of("aa", "aaa"), ("".into(), "a".into()));
        assert_eq!(of("", "mới"), ("".into(), "mới".into()));
        assert_eq!(of("bỏ", ""), ("bỏ".into(), "".into()));
        assert_eq!(of("ế", "ề"), ("ế".into(), "ề".into()));
    }
}
