//! The diary of a document: what each change did, in words, from the history itself. Nothing is stored for it.

use sotay_document::Touched;
use sotay_document::crdt::{Automerge, ChangeHash, ObjId, ObjType, ROOT, ReadDoc, ScalarValue, Value};

use crate::cell::{Cell, decode};
use crate::date::{Date, LocalTime, Month};
use crate::ids::{parse_id, parse_member_device};
use crate::limits::DIARY_TEXT_CHARS;
use crate::meeting::{MeetingKind, Need, Person, Section, Stage, Step};
use crate::message::{Arg, Message};
use crate::schema::{self, DocKind};
use crate::undo::is_undoing;
use crate::words::{Words, line_of};

/// What a change of a meeting did, each thing once, in the order of its places.
pub fn told(crdt: &Automerge, kind: DocKind, hash: ChangeHash, touched: &[Touched]) -> Vec<Message> {
    if is_undoing(touched) {
        return vec![Message::new("diary.undone")];
    }
    if kind != DocKind::Meeting {
        return Vec::new();
    }
    let before = crdt
        .get_change_by_hash(&hash)
        .map(|change| change.deps().to_vec())
        .unwrap_or_default();
    let telling = Telling {
        crdt,
        before,
        after: vec![hash],
    };
    let mut said: Vec<Message> = Vec::new();
    let mut frozen = 0;
    for touched in touched {
        let keys: Vec<&str> = touched.keys().collect();
        if let [schema::ROLL, _] = keys[..] {
            frozen += 1;
            continue;
        }
        if let Some(message) = telling.place(&keys)
            && !said.contains(&message)
        {
            said.push(message);
        }
    }
    if frozen > 0 {
        said.push(Message::new("diary.roll").number("count", frozen));
    }
    said
}

struct Telling<'a> {
    crdt: &'a Automerge,
    before: Vec<ChangeHash>,
    after: Vec<ChangeHash>,
}

fn named(key: &'static str) -> Message {
    Message::new(key)
}

fn quoted(text: &str) -> Message {
    let line = line_of(text);
    let mut short: String = line.chars().take(DIARY_TEXT_CHARS).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    if short.is_empty() {
        return Message::new("diary.nothing");
    }
    Message::new("value.quoted").words("value", &Words::from(short))
}

impl Telling<'_> {
    fn place(&self, keys: &[&str]) -> Option<Message> {
        match keys {
            [schema::INFO, key] => self.heading(key),
            [schema::STEPS, key] => {
                let step = key.split('/').next()?;
                let word = match step.strip_prefix("stage.") {
                    Some(stage) => Stage::from_key(stage)?.message(),
                    None => Step::from_key(step)?.message(),
                };
                Some(Message::new("diary.step").with("step", Arg::Message(named(word))))
            }
            [schema::ATTENDANCE, key] => {
                let (member, _) = parse_member_device(key)?;
                let what = Message::new("diary.of")
                    .with("what", Arg::Message(named("what.attendance")))
                    .with("whom", Arg::Member(member));
                self.cells(keys, what, &|mark: &crate::meeting::MarkCell| {
                    named(mark.state.message())
                })
            }
            [container @ (schema::ARRIVED | schema::LEFT), key] => {
                let (member, _) = parse_member_device(key)?;
                let name = if *container == schema::LEFT {
                    "what.left"
                } else {
                    "what.arrived"
                };
                let what = Message::new("diary.of")
                    .with("what", Arg::Message(named(name)))
                    .with("whom", Arg::Member(member));
                self.cells(keys, what, &|time: &Option<LocalTime>| match time {
                    Some(time) => Message::new("value.time").with("value", Arg::Time(*time)),
                    None => named("value.withdrawn"),
                })
            }
            [schema::GUESTS, _] => self.cells(keys, named("what.guest"), &|label: &Words| quoted(label)),
            [schema::NARRATIVE, section] => {
                let section = Section::from_key(section)?;
                self.text(keys, named(section.message()))
            }
            [schema::SCORES, _] => {
                self.cells(keys, named("what.score"), &|points: &Option<u32>| match points {
                    Some(points) => {
                        Message::new("value.points").with("value", Arg::Points(u64::from(*points)))
                    }
                    None => named("value.withdrawn"),
                })
            }
            [schema::CHOICES, _] => Some(named("what.choice")),
            [schema::LINKS, _] => Some(named("what.links")),
            [schema::REMOVALS, key] => {
                let id = key.split('/').next()?;
                let (name, text) = self.removed(id)?;
                Some(
                    Message::new("diary.removed")
                        .with("what", Arg::Message(named(name)))
                        .with("old", Arg::Message(text)),
                )
            }
            _ => self.entry(keys),
        }
    }

    /// A place inside an entry of a list.
    fn entry(&self, keys: &[&str]) -> Option<Message> {
        let name = match keys.first().copied()? {
            schema::AGENDA => "what.agenda",
            schema::SPEECHES => "what.speech",
            schema::MOTIONS => "what.motion",
            schema::CONCLUSIONS => "what.conclusion",
            schema::NOTES => "what.note",
            _ => return None,
        };
        match &keys[1..] {
            [_, "text"] => self.text(keys, named(name)),
            [_, "variants", _, "text"] => self.text(keys, named(name)),
            [_, "order"] => self
                .bytes(keys, &self.before)
                .map(|_| Message::new("diary.moved").with("what", Arg::Message(named(name)))),
            [_, "deadline"] => {
                let what = named("what.day");
                self.cells(keys, what, &|day: &Option<Date>| match day {
                    Some(day) => Message::new("value.date").with("value", Arg::Day(*day)),
                    None => named("value.no_deadline"),
                })
            }
            [_, "person"] => self.cells(
                keys,
                named("what.member"),
                &|person: &Option<Person>| match person {
                    Some(Person::Member(member)) => {
                        Message::new("value.member").with("member", Arg::Member(*member))
                    }
                    _ => named("what.guest"),
                },
            ),
            [_, "responsible", member] => {
                let member = parse_id(member)?;
                let who = Message::new("value.member").with("member", Arg::Member(member));
                let key = if self.scalar(keys, &self.after).is_some() {
                    "diary.added"
                } else {
                    /* message */
                    "diary.removed"
                };
                let with = if key == "diary.added" { "new" } else { "old" };
                Some(
                    Message::new(key)
                        .with("what", Arg::Message(named("what.member")))
                        .with(with, Arg::Message(who)),
                )
            }
            [_, "need"] => self.cells(keys, named("what.motion"), &|need: &Need| named(need.message())),
            [_, "opened", _] => Some(
                Message::new("diary.set")
                    .with("what", Arg::Message(named(name)))
                    .with("new", Arg::Message(named("step.opened"))),
            ),
            [_, "tallies", _] => Some(named("what.tally")),
            [_, "ballots", key] => {
                let (member, _) = parse_member_device(key)?;
                Some(
                    Message::new("diary.of")
                        .with("what", Arg::Message(named("what.ballot")))
                        .with("whom", Arg::Member(member)),
                )
            }
            _ => None,
        }
    }

    fn heading(&self, key: &str) -> Option<Message> {
        let keys = [schema::INFO, key];
        let line = |words: &Words| quoted(words);
        let time = |time: &LocalTime| Message::new("value.time").with("value", Arg::Time(*time));
        let person = |person: &Person| match person {
            Person::Member(member) => Message::new("value.member").with("member", Arg::Member(*member)),
            Person::Guest(_) => named("what.guest"),
        };
        match key {
            "kind" => self.cells(&keys, named("info.kind"), &|kind: &MeetingKind| {
                named(kind.message())
            }),
            "month" => self.cells(&keys, named("info.month"), &|month: &Month| {
                Message::new("value.date").with("value", Arg::Day(month.first()))
            }),
            "date" => self.cells(&keys, named("info.date"), &|day: &Date| {
                Message::new("value.date").with("value", Arg::Day(*day))
            }),
            "place" => self.cells(&keys, named("info.place"), &line),
            "number" => self.cells(&keys, named("info.number"), &line),
            "start" => self.cells(&keys, named("info.start"), &time),
            "end" => self.cells(&keys, named("info.end"), &time),
            "chair" => self.cells(&keys, named("info.chair"), &person),
            "clerk" => self.cells(&keys, named("info.clerk"), &person),
            _ => Some(named("what.taken")),
        }
    }

    /// The words of an entry that was removed, as they are now.
    fn removed(&self, id: &str) -> Option<(&'static str, Message)> {
        let lists = [
            (schema::AGENDA, "what.agenda"),
            (schema::SPEECHES, "what.speech"),
            (schema::MOTIONS, "what.motion"),
            (schema::NOTES, "what.note"),
        ];
        let text = |container: &str| {
            let text = self.at(&[container, id, "text"], &self.after)?;
            self.crdt.text_at(text, &self.after).ok()
        };
        for (container, name) in lists {
            if let Some(text) = text(container) {
                return Some((name, quoted(&text)));
            }
        }
        self.at(&[schema::CONCLUSIONS, id], &self.after)
            .map(|_| ("what.conclusion", named("what.conclusion")))
    }

    /// The object at a path, as it was.
    fn at(&self, keys: &[&str], heads: &[ChangeHash]) -> Option<ObjId> {
        keys.iter()
            .try_fold(ROOT, |map, key| match self.crdt.get_at(&map, *key, heads) {
                Ok(Some((Value::Object(_), id))) => Some(id),
                _ => None,
            })
    }

    fn scalar(&self, keys: &[&str], heads: &[ChangeHash]) -> Option<ScalarValue> {
        let (key, parents) = keys.split_last()?;
        let map = self.at(parents, heads)?;
        match self.crdt.get_at(&map, *key, heads) {
            Ok(Some((Value::Scalar(value), _))) => Some(value.as_ref().clone()),
            _ => None,
        }
    }

    fn bytes(&self, keys: &[&str], heads: &[ChangeHash]) -> Option<Vec<u8>> {
        match self.scalar(keys, heads)? {
            ScalarValue::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// A cell that was written: what it says, and what it said before.
    fn cells<T: Cell>(&self, keys: &[&str], what: Message, say: &dyn Fn(&T) -> Message) -> Option<Message> {
        let value = |heads: &[ChangeHash]| {
            let (_, value) = decode::<T>(&self.bytes(keys, heads)?).ok()?;
            Some(say(&value))
        };
        Some(changed(what, value(&self.before), value(&self.after)))
    }

    /// A text that was written.
    fn text(&self, keys: &[&str], what: Message) -> Option<Message> {
        let read = |heads: &[ChangeHash]| {
            let (key, parents) = keys.split_last()?;
            let map = self.at(parents, heads)?;
            match self.crdt.get_at(&map, *key, heads) {
                Ok(Some((Value::Object(ObjType::Text), id))) => self.crdt.text_at(id, heads).ok(),
                _ => None,
            }
        };
        let (before, after) = (read(&self.before), read(&self.after)?);
        let what = Arg::Message(what);
        let new = Arg::Message(quoted(&after));
        Some(match before.filter(|text| !text.is_empty()) {
            None => Message::new("diary.added").with("what", what).with("new", new),
            Some(before) => Message::new("diary.edited")
                .with("what", what)
                .with("old", Arg::Message(quoted(&before)))
                .with("new", new),
        })
    }
}

fn changed(what: Message, old: Option<Message>, new: Option<Message>) -> Message {
    let new = new.unwrap_or_else(|| named("diary.nothing"));
    let what = Arg::Message(what);
    match old.filter(|old| *old != new) {
        Some(old) => Message::new("diary.changed")
            .with("what", what)
            .with("old", Arg::Message(old))
            .with("new", Arg::Message(new)),
        None => Message::new("diary.set")
            .with("what", what)
            .with("new", Arg::Message(new)),
    }
}
