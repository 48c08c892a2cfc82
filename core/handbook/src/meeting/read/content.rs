//! Agenda, speeches, conclusions, notes and scores.

use std::collections::BTreeMap;

use sotay_document::Reads;
use sotay_document::crdt::ObjId;
use sotay_feed::{DeviceId, InOrder, MemberId};

use super::super::cells::BaseCell;
use super::super::kinds::NoteKind;
use super::super::view::{AgendaItem, Conclusion, Note, Paragraph, Person, ScoreLine, Speech};
use super::{Reader, entry};
use crate::cell::{author, cells, encoded, object};
use crate::claim::{Choices, Contest, Field, Tag, field};
use crate::date::Date;
use crate::ids::{EntryId, parse_id};
use crate::roster::Roll;
use crate::schema;
use crate::words::{Words, paragraph_of};

/// One variant of a conclusion's paragraph; the device in its key is the only one that writes it.
#[derive(Debug, Clone)]
pub(in crate::meeting) struct Variant {
    pub key: String,
    pub device: DeviceId,
    pub object: ObjId,
    pub text: String,
    base: Vec<BaseCell>,
}

impl Variant {
    /// Names this variant as it reads now, for those who write over it.
    pub fn as_base(&self) -> BaseCell {
        BaseCell {
            variant: self.key.clone(),
            text: Tag::of(&self.key, self.text.as_bytes()),
        }
    }
}

/// All variants of a conclusion.
pub(in crate::meeting) fn variants<R: Reads>(doc: &R, conclusion: &ObjId) -> Vec<Variant> {
    let Some(map) = object(doc, conclusion, entry::VARIANTS) else {
        return Vec::new();
    };
    let keys: Vec<String> = doc.keys_of(&map);
    keys.into_iter()
        .filter_map(|key| {
            let device = parse_id(key.split_once('-')?.0)?;
            let variant = object(doc, &map, &key).filter(|variant| author(variant) == Some(device))?;
            let text = object(doc, &variant, entry::TEXT)?;
            let text = paragraph_of(&doc.text_of(&text)?);
            let base: Vec<BaseCell> = cells::<Vec<BaseCell>, _>(doc, &variant, entry::BASE)
                .into_iter()
                .flat_map(|found| found.value)
                .collect();
            Some(Variant {
                key,
                device,
                object: variant,
                text,
                base,
            })
        })
        .collect()
}

/// Variants that nobody wrote over as they read now. A variant that was edited after somebody took it for a base is
/// alive again, so no word is lost.
pub(in crate::meeting) fn live(all: &[Variant]) -> Vec<&Variant> {
    let written_over = |variant: &Variant| {
        let as_base = variant.as_base();
        all.iter()
            .any(|other| other.key != variant.key && other.base.contains(&as_base))
    };
    let live: Vec<&Variant> = all.iter().filter(|variant| !written_over(variant)).collect();
    if live.is_empty() {
        all.iter().collect()
    } else {
        live
    }
}

/// Points of one scorer; `None` when they were taken back.
type Points = Field<Option<u32>>;

fn claim_of(item: &str, text: &str) -> Tag {
    Tag::of(item, text.as_bytes())
}

/// Content of an agenda item, as a removal names it.
pub(in crate::meeting) fn agenda_content<R: Reads>(doc: &R, map: &ObjId) -> Tag {
    let presenters = cells::<Option<Person>, _>(doc, map, entry::PERSON);
    let mut presenters: Vec<Vec<u8>> = presenters.iter().map(|found| encoded(&found.value)).collect();
    presenters.in_order();
    content(doc, map, &presenters.concat())
}

/// Content of a note, as a removal names it.
pub(in crate::meeting) fn note_content<R: Reads>(doc: &R, map: &ObjId) -> Tag {
    content(doc, map, &[])
}

fn content<R: Reads>(doc: &R, map: &ObjId, more: &[u8]) -> Tag {
    let text = object(doc, map, entry::TEXT)
        .and_then(|text| doc.text_of(&text))
        .unwrap_or_default();
    Tag::of(&paragraph_of(&text), more)
}

/// Content of a conclusion, as a removal names it: its living paragraphs, deadline and who is responsible.
pub(in crate::meeting) fn conclusion_content<R: Reads>(doc: &R, map: &ObjId) -> Tag {
    let all = variants(doc, map);
    let mut paragraphs: Vec<&str> = live(&all)
        .into_iter()
        .map(|variant| variant.text.as_str())
        .collect();
    paragraphs.in_order();
    let mut deadlines: Vec<Vec<u8>> = cells::<Option<Date>, _>(doc, map, entry::DEADLINE)
        .iter()
        .map(|found| encoded(&found.value))
        .collect();
    deadlines.in_order();
    let mut facts = deadlines.concat();
    for member in responsible(doc, map) {
        facts.extend_from_slice(member.as_bytes());
    }
    Tag::of(&paragraphs.join("\u{0}"), &facts)
}

fn responsible<R: Reads>(doc: &R, map: &ObjId) -> Vec<MemberId> {
    let Some(set) = object(doc, map, entry::RESPONSIBLE) else {
        return Vec::new();
    };
    doc.keys_of(&set).iter().filter_map(|key| parse_id(key)).collect()
}

impl<R: Reads> Reader<'_, R> {
    pub(super) fn agenda(&self, removed: &mut Vec<EntryId>) -> Vec<AgendaItem> {
        let mut items = Vec::new();
        for found in self.entries(schema::AGENDA) {
            match self.removal("agenda", found.id, agenda_content(self.doc, &found.object)) {
                Some(removal) => items.push(AgendaItem {
                    id: found.id,
                    title: self.text(&found.object, entry::TEXT).unwrap_or_default(),
                    presenter: self
                        .plain::<Option<Person>>(&found.object, entry::PERSON)
                        .flatten(),
                    removal,
                }),
                None => removed.push(found.id),
            }
        }
        items
    }

    /// Is an entry shown whose removal, when it was edited elsewhere, asks nobody? Whoever edits wins.
    pub(super) fn is_shown(&self, word: &str, found: &super::Entry, removed: &mut Vec<EntryId>) -> bool {
        let content = note_content(self.doc, &found.object);
        let shown = self.removal(word, found.id, content).is_some();
        if !shown {
            removed.push(found.id);
        }
        shown
    }

    /// Speeches that two note-takers put at the same place come in the order of their speakers.
    pub(super) fn speeches(&self, roll: &Roll, removed: &mut Vec<EntryId>) -> Vec<Speech> {
        let numbers = roll.numbers();
        let mut entries: Vec<(super::Entry, Option<Person>)> = self
            .entries(schema::SPEECHES)
            .into_iter()
            .filter(|found| self.is_shown("speech", found, removed))
            .map(|found| {
                let speaker = self.plain(&found.object, entry::PERSON);
                (found, speaker)
            })
            .collect();
        let number = |speaker: &Option<Person>| match speaker {
            Some(Person::Member(member)) => numbers.get(member).copied().unwrap_or(u32::MAX),
            _ => u32::MAX,
        };
        entries.in_order_by(|(a, by_a), (b, by_b)| {
            (&a.order, number(by_a), a.id).cmp(&(&b.order, number(by_b), b.id))
        });
        entries
            .into_iter()
            .map(|(found, speaker)| Speech {
                id: found.id,
                speaker,
                agenda: self
                    .plain::<Option<EntryId>>(&found.object, entry::AGENDA)
                    .flatten(),
                text: self.text(&found.object, entry::TEXT).unwrap_or_default(),
                noted_by: found.added_by,
            })
            .collect()
    }

    pub(super) fn conclusions(&self, roll: &Roll, removed: &mut Vec<EntryId>) -> Vec<Conclusion> {
        let numbers = roll.numbers();
        let mut conclusions = Vec::new();
        for found in self.entries(schema::CONCLUSIONS) {
            let (id, map) = (found.id, &found.object);
            let Some(removal) = self.removal("conclusion", id, conclusion_content(self.doc, map)) else {
                removed.push(id);
                continue;
            };
            let (paragraphs, set_aside, text_contest) = self.paragraphs(id, map);
            let mut responsible = responsible(self.doc, map);
            responsible.in_order_by_key(|member| (numbers.get(member).copied().unwrap_or(u32::MAX), *member));
            let deadline_item = format!("conclusion/{id}/deadline");
            conclusions.push(Conclusion {
                id,
                agenda: self.plain::<Option<EntryId>>(map, entry::AGENDA).flatten(),
                paragraphs,
                set_aside,
                text_contest,
                deadline: field(self.doc, map, entry::DEADLINE, &deadline_item, &self.choices),
                responsible,
                removal,
            });
        }
        conclusions
    }

    /// Living paragraphs by text, equal ones once; after a choice the chosen one, and what was set aside.
    fn paragraphs(&self, id: EntryId, map: &ObjId) -> (Vec<Paragraph>, Vec<Paragraph>, Contest) {
        let item = format!("conclusion/{id}/text");
        let all = variants(self.doc, map);
        let mut by_text: BTreeMap<&str, Paragraph> = BTreeMap::new();
        for variant in live(&all) {
            by_text.entry(&variant.text).or_insert_with(|| Paragraph {
                variant: variant.key.clone(),
                text: Words::from(variant.text.as_str()),
                by: variant.device,
                tag: claim_of(&item, &variant.text),
            });
        }
        let paragraphs: Vec<Paragraph> = by_text.into_values().collect();
        let tags: Vec<Tag> = paragraphs.iter().map(|paragraph| paragraph.tag).collect();
        let contest = self.choices.among(&item, &tags);
        match contest.pick().map(str::to_owned) {
            Some(pick) => {
                let (shown, aside) = paragraphs
                    .into_iter()
                    .partition(|paragraph| paragraph.tag.to_string() == pick);
                (shown, aside, contest)
            }
            None => (paragraphs, Vec::new(), contest),
        }
    }

    pub(super) fn notes(&self, removed: &mut Vec<EntryId>) -> Vec<Note> {
        let mut notes = Vec::new();
        for found in self.entries(schema::NOTES) {
            let Some(kind) = self.plain::<NoteKind>(&found.object, entry::KIND) else {
                continue;
            };
            match self.removal("note", found.id, note_content(self.doc, &found.object)) {
                Some(removal) => notes.push(Note {
                    id: found.id,
                    kind,
                    text: self.text(&found.object, entry::TEXT).unwrap_or_default(),
                    removal,
                }),
                None => removed.push(found.id),
            }
        }
        notes
    }

    pub(super) fn scores(&self, roll: &Roll) -> Vec<ScoreLine> {
        let Some(map) = self.container(schema::SCORES) else {
            return Vec::new();
        };
        let numbers = roll.numbers();
        let mut given: BTreeMap<String, Vec<(MemberId, Points)>> = BTreeMap::new();
        for key in self.keys(&map) {
            let Some((criterion, scorer)) = key.split_once('/') else {
                continue;
            };
            let Some(scorer) = parse_id(scorer) else { continue };
            let points = score(self.doc, &map, &key, &self.choices);
            given
                .entry(criterion.to_owned())
                .or_default()
                .push((scorer, points));
        }
        let line = |criterion: &crate::policy::Criterion| {
            let mut points = given.remove(&criterion.key).unwrap_or_default();
            points.in_order_by_key(|(scorer, _)| (numbers.get(scorer).copied().unwrap_or(u32::MAX), *scorer));
            let values: Vec<u64> = points
                .iter()
                .filter_map(|(_, field)| field.value.flatten())
                .map(|p| u64::from(p.min(criterion.points)))
                .collect();
            let average = (!values.is_empty()).then(|| {
                let count = values.len() as u64;
                ((values.iter().sum::<u64>() * 2 + count) / (count * 2)) as u32
            });
            ScoreLine {
                criterion: criterion.key.clone(),
                points: points
                    .into_iter()
                    .map(|(scorer, field)| (Person::Member(scorer), field))
                    .collect(),
                average,
                most: criterion.points,
            }
        };
        self.setting.policy.criteria.iter().map(line).collect()
    }
}

fn score<R: Reads>(doc: &R, map: &ObjId, key: &str, choices: &Choices) -> Points {
    field(doc, map, key, &format!("score/{key}"), choices)
}
