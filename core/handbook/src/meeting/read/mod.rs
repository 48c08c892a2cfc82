//! From the CRDT to [`MeetingView`]. Everything here is a function of the document and the [`Setting`].

mod attendance;
mod content;
mod votes;

use data_encoding::HEXLOWER;
use sotay_document::Reads;
use sotay_document::crdt::{ObjId, ROOT};
use sotay_feed::{DeviceId, InOrder};

use super::Setting;
use super::cells::{AttachmentCell, StepCell};
use super::kinds::{MeetingKind, Section, Stage, Step};
use super::view::{Attachment, Guest, Linked, MeetingView, Removal, RollContest, StepTaken, period};
use crate::cell::{Cell, Found, author, cells, object, owned};
use crate::claim::{Choices, Claim, Contest, Field, Mark, Tag, claims, field};
use crate::date::{Date, Month};
use crate::ids::{EntryId, parse_id};
use crate::roster::{Roll, RollCell};
use crate::schema;
use crate::words::{Words, paragraph_of};

pub(in crate::meeting) use content::{
    Variant, agenda_content, conclusion_content, live, note_content, variants,
};
pub(in crate::meeting) use votes::is_own_ballot;
pub(crate) use votes::{ballot_item, ballot_tag, over_seen};

/// Keys of the cells of the heading.
pub(super) mod info {
    pub const KIND: &str = "kind";
    pub const MONTH: &str = "month";
    pub const DATE: &str = "date";
    pub const PLACE: &str = "place";
    pub const NUMBER: &str = "number";
    pub const START: &str = "start";
    pub const END: &str = "end";
    pub const CHAIR: &str = "chair";
    pub const CLERK: &str = "clerk";
}

/// Before the name of a stage, in the keys of the steps.
pub(super) const STAGE_PREFIX: &str = "stage.";

/// Keys inside an entry.
pub(super) mod entry {
    pub const ORDER: &str = "order";
    pub const AGENDA: &str = "agenda";
    pub const TEXT: &str = "text";
    pub const PERSON: &str = "person";
    pub const METHOD: &str = "method";
    pub const NEED: &str = "need";
    pub const OPENED: &str = "opened";
    pub const TIME: &str = "time";
    pub const TALLIES: &str = "tallies";
    pub const BALLOTS: &str = "ballots";
    pub const VARIANTS: &str = "variants";
    pub const BASE: &str = "base";
    pub const DEADLINE: &str = "deadline";
    pub const RESPONSIBLE: &str = "responsible";
    pub const KIND: &str = "kind";
}

/// Choices of a meeting that count: those of officers, and a member's own about their own ballot.
pub(crate) fn choices<R: Reads>(doc: &R, setting: &Setting<'_>) -> Choices {
    let counts = |device: DeviceId, item: &str| {
        setting.devices.is_officer(device) || votes::is_own_ballot(item, setting.devices.member(device))
    };
    object(doc, &ROOT, schema::CHOICES)
        .map(|map| Choices::read(doc, &map, counts))
        .unwrap_or_default()
}

/// A document that is being read.
pub(super) struct Reader<'a, R> {
    pub doc: &'a R,
    pub setting: &'a Setting<'a>,
    pub choices: Choices,
}

impl MeetingView {
    /// Reads a meeting; containers that are not there are empty.
    pub fn read<R: Reads>(doc: &R, setting: &Setting<'_>) -> Self {
        let reader = Reader {
            doc,
            setting,
            choices: choices(doc, setting),
        };
        reader.meeting()
    }
}

impl MeetingView {
    /// The day whose roster and rules hold for a meeting, without reading the rest of it: its date, else the first of
    /// its month; `None` while neither is known.
    pub fn day<R: Reads>(doc: &R, setting: &Setting<'_>) -> Option<Date> {
        let reader = Reader {
            doc,
            setting,
            choices: choices(doc, setting),
        };
        let date: Field<Date> = reader.info(info::DATE);
        let month = || reader.info::<Month>(info::MONTH).value;
        date.value.or_else(|| month().map(Month::first))
    }
}

impl MeetingView {
    /// What [`MeetingView::period`] says, without reading the rest of a meeting.
    pub fn period_of<R: Reads>(doc: &R, setting: &Setting<'_>) -> Option<(MeetingKind, Month)> {
        let reader = Reader {
            doc,
            setting,
            choices: choices(doc, setting),
        };
        let kind: Field<MeetingKind> = reader.info(info::KIND);
        let date = || reader.info::<Date>(info::DATE).value.map(Date::month);
        period(kind.value, reader.info(info::MONTH).value.or_else(date))
    }
}

impl<R: Reads> Reader<'_, R> {
    fn meeting(&self) -> MeetingView {
        let (frozen, roll_contests) = self.frozen_roll();
        let roll_frozen = !frozen.is_empty();
        let roll = if roll_frozen {
            frozen
        } else {
            self.setting.roster.clone()
        };
        let steps = self.steps();
        let attendance = self.attendance(&roll);
        let mut removed = Vec::new();
        MeetingView {
            id: self.setting.doc,
            kind: self.info(info::KIND),
            month: self.info(info::MONTH),
            date: self.info(info::DATE),
            place: self.info(info::PLACE),
            number: self.info(info::NUMBER),
            start: self.info(info::START),
            end: self.info(info::END),
            chair: self.info(info::CHAIR),
            clerk: self.info(info::CLERK),
            phase: steps.iter().map(|taken| taken.step).max(),
            stage: self.stage(),
            steps,
            taken_tasks: self.taken_tasks(),
            taken_fees: self.taken_fees(),
            guests: self.guests(),
            agenda: self.agenda(&mut removed),
            speeches: self.speeches(&roll, &mut removed),
            motions: self.motions(&roll, &attendance, &mut removed),
            conclusions: self.conclusions(&roll, &mut removed),
            narrative: self.narrative(),
            notes: self.notes(&mut removed),
            scores: self.scores(&roll),
            attendance,
            roll,
            roll_frozen,
            roll_contests,
            removed,
            linked: self.linked(),
            attachments: self.attachments(),
        }
    }

    pub(super) fn container(&self, name: &str) -> Option<ObjId> {
        object(self.doc, &ROOT, name)
    }

    pub(super) fn keys(&self, map: &ObjId) -> Vec<String> {
        self.doc.keys_of(map)
    }

    fn info<T: Cell + Clone>(&self, key: &str) -> Field<T> {
        self.container(schema::INFO)
            .map(|map| field(self.doc, &map, key, &format!("info/{key}"), &self.choices))
            .unwrap_or_default()
    }

    /// The one value of a cell that nobody is asked about: the smallest of concurrent ones.
    fn plain<T: Cell>(&self, map: &ObjId, key: &str) -> Option<T> {
        claims("", cells(self.doc, map, key))
            .into_iter()
            .next()
            .map(|claim| claim.value)
    }

    fn text(&self, map: &ObjId, key: &str) -> Option<Words> {
        let text = object(self.doc, map, key)?;
        Some(Words::from(paragraph_of(&self.doc.text_of(&text)?)))
    }

    /// Entries of a container in their order: id, object, and who added it.
    pub(in crate::meeting) fn entries(&self, container: &str) -> Vec<Entry> {
        let Some(map) = self.container(container) else {
            return Vec::new();
        };
        let mut entries: Vec<Entry> = self
            .keys(&map)
            .into_iter()
            .filter_map(|key| {
                let object = object(self.doc, &map, &key)?;
                let order = self.plain(&object, entry::ORDER).unwrap_or_default();
                Some(Entry {
                    id: parse_id(&key)?,
                    added_by: author(&object),
                    order,
                    object,
                })
            })
            .collect();
        entries.in_order_by(|a, b| (&a.order, a.id).cmp(&(&b.order, b.id)));
        entries
    }

    pub(in crate::meeting) fn steps(&self) -> Vec<StepTaken> {
        let Some(map) = self.container(schema::STEPS) else {
            return Vec::new();
        };
        let mut steps: Vec<StepTaken> = self
            .keys(&map)
            .into_iter()
            .filter_map(|key| {
                let (step, device) = key.split_once('/')?;
                let found: Found<StepCell> = owned(self.doc, &map, &key, parse_id(device)?)?;
                // Two people seal, outside the document: what one of them wrote here says nothing.
                let step = Step::from_key(step).filter(|step| *step != Step::Sealed)?;
                Some(StepTaken {
                    step,
                    mark: Mark {
                        device: found.device,
                        at_ms: found.at_ms,
                    },
                    minutes: None,
                })
            })
            .collect();
        steps.in_order_by_key(|taken| (taken.step, taken.mark));
        steps
    }

    fn stage(&self) -> Option<Stage> {
        let map = self.container(schema::STEPS)?;
        let one = |key: &String| {
            let (stage, device) = key.strip_prefix(STAGE_PREFIX)?.split_once('/')?;
            owned::<bool, _>(self.doc, &map, key, parse_id(device)?)?;
            Stage::from_key(stage)
        };
        self.keys(&map).iter().filter_map(one).max()
    }

    fn guests(&self) -> Vec<Guest> {
        let Some(map) = self.container(schema::GUESTS) else {
            return Vec::new();
        };
        let mut guests: Vec<Guest> = self
            .keys(&map)
            .into_iter()
            .filter_map(|key| {
                Some(Guest {
                    id: parse_id(&key)?,
                    label: self.plain(&map, &key)?,
                })
            })
            .collect();
        guests.in_order_by(|a, b| (&a.label, a.id).cmp(&(&b.label, b.id)));
        guests
    }

    pub(in crate::meeting) fn frozen_roll(&self) -> (Roll, Vec<RollContest>) {
        let Some(map) = self.container(schema::ROLL) else {
            return Default::default();
        };
        let mut lines = Vec::new();
        let mut contests = Vec::new();
        for key in self.keys(&map) {
            let Some(member) = parse_id(&key) else { continue };
            let field: Field<RollCell> = field(self.doc, &map, &key, &format!("roll/{key}"), &self.choices);
            lines.extend(field.value.map(|cell| cell.line(member)));
            if field.contest != Contest::None {
                let claims = field.claims.into_iter().map(|claim| Claim {
                    value: claim.value.line(member),
                    tag: claim.tag,
                    marks: claim.marks,
                });
                contests.push(RollContest {
                    member,
                    claims: claims.collect(),
                    contest: field.contest,
                });
            }
        }
        (Roll::new(lines), contests)
    }

    fn linked(&self) -> Vec<Linked> {
        let Some(map) = self.container(schema::LINKS) else {
            return Vec::new();
        };
        let mut linked: Vec<Linked> = self
            .keys(&map)
            .into_iter()
            .filter_map(|key| {
                let (meeting, device) = key.split_once('/')?;
                let device = parse_id(device).filter(|device| self.setting.devices.is_officer(*device))?;
                let found: Found<bool> = owned(self.doc, &map, &key, device)?;
                let mark = Mark {
                    device,
                    at_ms: found.at_ms,
                };
                Some(Linked {
                    meeting: parse_id(meeting)?,
                    mark,
                })
                .filter(|_| found.value)
            })
            .collect();
        linked.in_order_by_key(|linked| (linked.meeting, linked.mark));
        linked
    }

    fn attachments(&self) -> Vec<Attachment> {
        let Some(map) = self.container(schema::ATTACHMENTS) else {
            return Vec::new();
        };
        let mut attachments: Vec<Attachment> = self
            .keys(&map)
            .into_iter()
            .filter_map(|key| {
                let found: Found<AttachmentCell> = cells(self.doc, &map, key.as_str()).into_iter().next()?;
                Some(Attachment {
                    id: parse_id(&key)?,
                    name: found.value.name,
                    media: found.value.media,
                    bytes: found.value.bytes,
                    blake3: HEXLOWER.encode(&found.value.blake3),
                    pages: found.value.pages,
                    mark: Mark {
                        device: found.device,
                        at_ms: found.at_ms,
                    },
                })
            })
            .collect();
        attachments.in_order_by_key(|attachment| attachment.id);
        attachments
    }

    fn narrative(&self) -> Vec<(Section, Words)> {
        let Some(map) = self.container(schema::NARRATIVE) else {
            return Vec::new();
        };
        Section::ALL
            .iter()
            .filter_map(|&section| Some((section, self.text(&map, section.key())?)))
            .filter(|(_, text)| !text.trim().is_empty())
            .collect()
    }

    /// What became of an entry that somebody removed: `None` when it is not shown any more.
    pub(in crate::meeting) fn removal(&self, what: &str, id: EntryId, content: Tag) -> Option<Removal> {
        let Some(map) = self.container(schema::REMOVALS) else {
            return Some(Removal::default());
        };
        let mut removal = Removal::default();
        let mut as_seen = false;
        for (key, found) in self.removals_of(&map, id) {
            as_seen |= found.value.content == content;
            removal.marks.push(Mark {
                device: found.device,
                at_ms: found.at_ms,
            });
            removal
                .seen
                .push(Tag::of(&key, &crate::cell::encoded(&found.value)));
        }
        if removal.marks.is_empty() {
            return Some(removal);
        }
        let removals = removal.seen.clone();
        removal.seen.push(content);
        let contest = self
            .choices
            .judge(&format!("{what}/{id}/removed"), |pick| match pick {
                "keep" => Some(removals.clone()),
                "remove" => Some(removal.seen.clone()),
                _ => None,
            });
        match contest.pick() {
            Some("remove") => return None,
            None if as_seen => return None,
            _ => removal.contest = contest,
        }
        Some(removal)
    }

    fn removals_of(&self, map: &ObjId, id: EntryId) -> Vec<(String, Found<super::cells::RemovalCell>)> {
        let prefix = format!("{id}/");
        self.keys(map)
            .into_iter()
            .filter_map(|key| {
                let device = parse_id(key.strip_prefix(&prefix)?)?;
                let found = owned(self.doc, map, &key, device)?;
                Some((key, found))
            })
            .collect()
    }
}

/// An entry of a container.
pub(super) struct Entry {
    pub id: EntryId,
    pub object: ObjId,
    pub order: String,
    pub added_by: Option<DeviceId>,
}
