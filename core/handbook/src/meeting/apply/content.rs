//! Agenda, speeches, conclusions, notes, narrative and scores.

use sotay_document::Reads;
use sotay_document::crdt::{ObjId, ObjType, ScalarValue, Transactable};
use sotay_feed::MemberId;

use super::super::cells::{BaseCell, RemovalCell};
use super::super::command::{Command, Place};
use super::super::read::{Variant, agenda_content, conclusion_content, entry, live, note_content, variants};
use super::super::view::Person;
use super::{Desk, line, paragraph};
use crate::cell::object;
use crate::claim::Tag;
use crate::date::Date;
use crate::error::{CommandError, What};
use crate::ids::EntryId;
use crate::schema;
use crate::words::Words;

/// Kinds of entries that can be removed: container, word in item ids, word in errors, and what their content is.
#[derive(Clone, Copy)]
enum Removable {
    Agenda,
    Conclusion,
    Note,
}

impl Removable {
    fn names(self) -> (&'static str, &'static str, What) {
        match self {
            Removable::Agenda => (schema::AGENDA, "agenda", What::Agenda),
            Removable::Conclusion => (schema::CONCLUSIONS, "conclusion", What::Conclusion),
            Removable::Note => (schema::NOTES, "note", What::Note),
        }
    }
}

const MOVABLE: [(&str, What); 5] = [
    (schema::AGENDA, What::Agenda),
    (schema::SPEECHES, What::Speech),
    (schema::MOTIONS, What::Motion),
    (schema::CONCLUSIONS, What::Conclusion),
    (schema::NOTES, What::Note),
];

/// Content of an entry, as a removal names it.
pub(super) fn content_in<R: Reads>(doc: &R, container: &str, map: &ObjId) -> Tag {
    match container {
        schema::AGENDA => agenda_content(doc, map),
        schema::CONCLUSIONS => conclusion_content(doc, map),
        _ => note_content(doc, map),
    }
}

impl Desk<'_, '_, '_> {
    pub(super) fn content_command(&mut self, command: &Command) -> Result<(), CommandError> {
        match command {
            Command::AddAgenda {
                id,
                title,
                presenter,
                place,
            } => self.add_agenda(*id, title, *presenter, *place),
            Command::EditAgenda { id, title } => {
                let map = self.alive(Removable::Agenda, *id)?;
                let title = line(What::Agenda, title)?;
                self.edit_text(&map, What::Agenda, &title)
            }
            Command::SetPresenter { id, presenter } => {
                let map = self.alive(Removable::Agenda, *id)?;
                presenter.map_or(Ok(()), |person| self.person(person))?;
                self.put(&map, entry::PERSON, presenter)
            }
            Command::RemoveAgenda { id } => self.remove(Removable::Agenda, *id),
            Command::AddSpeech {
                id,
                speaker,
                agenda,
                text,
                place,
            } => self.add_speech(*id, *speaker, *agenda, text, *place),
            Command::EditSpeech { id, text } => {
                let map = self.entry(schema::SPEECHES, *id, What::Speech)?;
                self.edit_text(&map, What::Speech, text)
            }
            Command::SetSpeaker { id, speaker } => {
                let map = self.entry(schema::SPEECHES, *id, What::Speech)?;
                self.person(*speaker)?;
                self.put(&map, entry::PERSON, speaker)
            }
            Command::Move { id, place } => self.move_entry(*id, *place),
            Command::SetNarrative { section, text } => {
                let narrative = self.map(schema::NARRATIVE)?;
                let object = object(self.tx, &narrative, section.key()).ok_or(CommandError::Damaged)?;
                let text = text
                    .paragraph()
                    .map_err(|error| CommandError::too_long(What::Narrative, error))?;
                self.write_text(&object, What::Narrative, &text)
            }
            Command::AddNote {
                id,
                kind,
                text,
                place,
            } => {
                paragraph(What::Note, text)?;
                let map = self.new_entry(schema::NOTES, *id, What::Note, *place)?;
                self.put(&map, entry::KIND, kind)?;
                self.new_text(&map, What::Note, text)
            }
            Command::EditNote { id, text } => {
                let map = self.alive(Removable::Note, *id)?;
                self.edit_text(&map, What::Note, text)
            }
            Command::RemoveNote { id } => self.remove(Removable::Note, *id),
            Command::SetScore {
                criterion,
                scorer,
                points,
            } => self.set_score(criterion, *scorer, *points),
            _ => self.conclusion_command(command),
        }
    }

    fn conclusion_command(&mut self, command: &Command) -> Result<(), CommandError> {
        match command {
            Command::AddConclusion {
                id,
                agenda,
                text,
                deadline,
                responsible,
                place,
            } => self.add_conclusion(*id, *agenda, text, *deadline, responsible, *place),
            Command::EditConclusion { id, paragraph, text } => {
                self.edit_conclusion(*id, paragraph.as_deref(), text)
            }
            Command::SetDeadline { id, deadline } => {
                let map = self.alive(Removable::Conclusion, *id)?;
                self.put(&map, entry::DEADLINE, deadline)
            }
            Command::SetResponsible { id, member, on } => {
                let map = self.alive(Removable::Conclusion, *id)?;
                self.listed(&self.roll(), *member)?;
                self.set_responsible(&map, *member, *on)
            }
            Command::RemoveConclusion { id } => self.remove(Removable::Conclusion, *id),
            _ => Ok(()),
        }
    }

    fn add_agenda(
        &mut self,
        id: EntryId,
        title: &Words,
        presenter: Option<Person>,
        place: Place,
    ) -> Result<(), CommandError> {
        let title = line(What::Agenda, title)?;
        presenter.map_or(Ok(()), |person| self.person(person))?;
        let map = self.new_entry(schema::AGENDA, id, What::Agenda, place)?;
        self.put(&map, entry::PERSON, &presenter)?;
        self.new_text(&map, What::Agenda, &title)
    }

    fn add_speech(
        &mut self,
        id: EntryId,
        speaker: Person,
        agenda: Option<EntryId>,
        text: &Words,
        place: Place,
    ) -> Result<(), CommandError> {
        paragraph(What::Speech, text)?;
        self.person(speaker)?;
        self.agenda_exists(agenda)?;
        let map = self.new_entry(schema::SPEECHES, id, What::Speech, place)?;
        self.put(&map, entry::PERSON, &speaker)?;
        self.put(&map, entry::AGENDA, &agenda)?;
        self.new_text(&map, What::Speech, text)
    }

    fn add_conclusion(
        &mut self,
        id: EntryId,
        agenda: Option<EntryId>,
        text: &Words,
        deadline: Option<Date>,
        responsible: &[MemberId],
        place: Place,
    ) -> Result<(), CommandError> {
        paragraph(What::Conclusion, text)?;
        self.agenda_exists(agenda)?;
        self.members(responsible, What::Member)?;
        let map = self.new_entry(schema::CONCLUSIONS, id, What::Conclusion, place)?;
        self.put(&map, entry::AGENDA, &agenda)?;
        if deadline.is_some() {
            self.put(&map, entry::DEADLINE, &deadline)?;
        }
        self.tx.put_object(&map, entry::RESPONSIBLE, ObjType::Map)?;
        for &member in responsible {
            self.set_responsible(&map, member, true)?;
        }
        self.tx.put_object(&map, entry::VARIANTS, ObjType::Map)?;
        self.new_variant(&map, text, Vec::new())
    }

    /// A paragraph is edited in place by the device that wrote it; any other device writes a new one over what it saw.
    /// So concurrent rewriting leaves two paragraphs, never a blend of both (decision 0030).
    fn edit_conclusion(
        &mut self,
        id: EntryId,
        chosen: Option<&str>,
        text: &Words,
    ) -> Result<(), CommandError> {
        paragraph(What::Conclusion, text)?;
        let map = self.alive(Removable::Conclusion, id)?;
        let all = variants(self.tx, &map);
        let mut over: Vec<&Variant> = live(&all);
        if let Some(chosen) = chosen {
            over.retain(|variant| variant.key == chosen);
            if over.is_empty() {
                return Err(CommandError::Unknown(What::Paragraph));
            }
        }
        match &over[..] {
            [own] if own.device == self.acting.device => {
                self.edit_text(&own.object.clone(), What::Conclusion, text)
            }
            _ => {
                let base = over.iter().map(|variant| variant.as_base()).collect();
                self.new_variant(&map, text, base)
            }
        }
    }

    fn new_variant(&mut self, map: &ObjId, text: &Words, base: Vec<BaseCell>) -> Result<(), CommandError> {
        let own = variants(self.tx, map)
            .iter()
            .filter(|variant| variant.device == self.acting.device)
            .count();
        let all = object(self.tx, map, entry::VARIANTS).ok_or(CommandError::Damaged)?;
        let key = format!("{}-{own}", self.acting.device);
        let variant = self.tx.put_object(&all, key, ObjType::Map)?;
        self.put(&variant, entry::BASE, &base)?;
        self.new_text(&variant, What::Conclusion, text)
    }

    /// Adding writes even what is there already: whoever adds wins over a removal they did not know of.
    fn set_responsible(&mut self, map: &ObjId, member: MemberId, on: bool) -> Result<(), CommandError> {
        let set = object(self.tx, map, entry::RESPONSIBLE).ok_or(CommandError::Damaged)?;
        let key = member.to_string();
        if on {
            self.tx.put(&set, key, ScalarValue::Int(self.acting.at_ms))?;
        } else {
            self.tx.delete(&set, key)?;
        }
        Ok(())
    }

    fn content_of(&self, kind: Removable, map: &ObjId) -> Tag {
        content_in(&*self.tx, kind.names().0, map)
    }

    /// The object of an entry that is shown.
    fn alive(&self, kind: Removable, id: EntryId) -> Result<ObjId, CommandError> {
        let (container, word, what) = kind.names();
        let map = self.entry(container, id, what)?;
        match self.reader().removal(word, id, self.content_of(kind, &map)) {
            Some(_) => Ok(map),
            None => Err(CommandError::Removed(what)),
        }
    }

    fn remove(&mut self, kind: Removable, id: EntryId) -> Result<(), CommandError> {
        let map = self.alive(kind, id)?;
        let content = self.content_of(kind, &map);
        let removals = self.map(schema::REMOVALS)?;
        self.put(
            &removals,
            &format!("{id}/{}", self.acting.device),
            &RemovalCell { content },
        )
    }

    fn move_entry(&mut self, id: EntryId, place: Place) -> Result<(), CommandError> {
        for (container, what) in MOVABLE {
            if let Ok(map) = self.entry(container, id, what) {
                let order = self.order(container, place, Some(id), what)?;
                return self.put(&map, entry::ORDER, &order);
            }
        }
        Err(CommandError::Unknown(What::Agenda))
    }

    fn set_score(
        &mut self,
        criterion: &str,
        scorer: MemberId,
        points: Option<u32>,
    ) -> Result<(), CommandError> {
        let known = self
            .setting
            .policy
            .criteria
            .iter()
            .find(|known| known.key == criterion);
        let most = known.ok_or(CommandError::Unknown(What::Criterion))?.points;
        if let Some(points) = points.filter(|&points| points > most) {
            let (count, limit) = (u64::from(points), u64::from(most));
            return Err(CommandError::TooMany {
                what: What::Criterion,
                count,
                limit,
            });
        }
        self.listed(&self.roll(), scorer)?;
        let scores = self.map(schema::SCORES)?;
        self.put(&scores, &format!("{criterion}/{scorer}"), &points)
    }
}
