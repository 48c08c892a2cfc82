//! Carrying commands out.

mod content;
mod session;
mod votes;

use sotay_document::crdt::{ObjId, ObjType, ROOT, ReadDoc, Transactable, Transaction};
use sotay_document::set_text;
use sotay_feed::{DocId, MemberId};

use super::Setting;
use super::cells::RemovalCell;
use super::command::{Command, Place};
use super::kinds::Step;
use super::read::{Reader, choices, entry};
use super::view::{MeetingView, Person};
use crate::acting::Acting;
use crate::cell::{Cell, cells, object, put};
use crate::error::{CommandError, What};
use crate::ids::{EntryId, parse_id};
use crate::limits::MEMBERS_MAX;
use crate::order::between;
use crate::review::{LINK, PERIOD_PREFIX, record_choice, review, settle};
use crate::roster::Roll;
use crate::schema;
use crate::sheet::{line, paragraph};
use crate::words::Words;

/// Carries a command out. On an error nothing must be kept of the transaction (`Document::edit` rolls it back).
pub fn apply(
    tx: &mut Transaction<'_>,
    acting: &Acting,
    setting: &Setting<'_>,
    command: &Command,
) -> Result<(), CommandError> {
    acting.must_be_member()?;
    Desk { tx, acting, setting }.carry_out(command)
}

/// Removes an entry the way a person does: what was edited elsewhere meanwhile comes back.
pub(crate) fn remove_entry(
    tx: &mut Transaction<'_>,
    acting: &Acting,
    container: &str,
    id: &str,
    object: &ObjId,
) -> Result<(), CommandError> {
    let removals = crate::cell::object(tx, &ROOT, schema::REMOVALS).ok_or(CommandError::Damaged)?;
    let content = content::content_in(&*tx, container, object);
    let key = format!("{id}/{}", acting.device);
    put(tx, &removals, &key, acting.at_ms, &RemovalCell { content })
}

/// The transaction, and for whom it is.
struct Desk<'t, 'd, 's> {
    tx: &'t mut Transaction<'d>,
    acting: &'s Acting,
    setting: &'s Setting<'s>,
}

impl<'d> Desk<'_, 'd, '_> {
    fn carry_out(&mut self, command: &Command) -> Result<(), CommandError> {
        match command {
            Command::Found { kind, month, date } => self.found(*kind, *month, *date),
            Command::SetDate(_)
            | Command::SetPlace(_)
            | Command::SetNumber(_)
            | Command::SetStart(_)
            | Command::SetEnd(_)
            | Command::SetChair(_)
            | Command::SetClerk(_) => self.heading(command),
            Command::Convene => self.step(Step::Convened),
            Command::Open => self.open(),
            Command::EnterStage(stage) => self.enter(*stage),
            Command::TakeIn { tasks, fees } => self.take_in(tasks, fees.as_ref()),
            Command::ReadBack => self.step(Step::ReadBack),
            Command::Close => self.step(Step::Closed),
            Command::Send => self.send(),
            Command::AddGuest { id, label } => self.add_guest(*id, label),
            Command::Mark {
                members,
                state,
                how,
                reason,
            } => self.mark(members, *state, *how, reason.as_ref()),
            Command::Arrived { member, at } => self.time(schema::ARRIVED, *member, *at),
            Command::Left { member, at } => self.time(schema::LEFT, *member, *at),
            Command::AddMotion { .. }
            | Command::EditMotion { .. }
            | Command::OpenVote { .. }
            | Command::SetVoteTime { .. }
            | Command::RecordTally { .. }
            | Command::ConfirmTally { .. }
            | Command::Vote { .. } => self.vote_command(command),
            Command::Attach { .. } => self.attach(command),
            Command::Settle { item, pick, id } => self.settle(item, pick, *id),
            _ => self.content_command(command),
        }
    }

    fn map(&self, name: &str) -> Result<ObjId, CommandError> {
        object(self.tx, &ROOT, name).ok_or(CommandError::Damaged)
    }

    fn put<T: Cell>(&mut self, map: &ObjId, key: &str, value: &T) -> Result<(), CommandError> {
        put(self.tx, map, key, self.acting.at_ms, value)
    }

    fn reader(&self) -> Reader<'_, Transaction<'d>> {
        Reader {
            doc: &*self.tx,
            setting: self.setting,
            choices: choices(&*self.tx, self.setting),
        }
    }

    fn view(&self) -> MeetingView {
        MeetingView::read(&*self.tx, self.setting)
    }

    fn roll(&self) -> Roll {
        let (frozen, _) = self.reader().frozen_roll();
        if frozen.is_empty() {
            self.setting.roster.clone()
        } else {
            frozen
        }
    }

    fn listed(&self, roll: &Roll, member: MemberId) -> Result<(), CommandError> {
        if roll.get(member).is_some() {
            Ok(())
        } else {
            Err(CommandError::Unknown(What::Member))
        }
    }

    fn person(&self, person: Person) -> Result<(), CommandError> {
        match person {
            Person::Member(member) => self.listed(&self.roll(), member),
            Person::Guest(guest) => {
                let guests = self.map(schema::GUESTS)?;
                match self.tx.get(&guests, guest.to_string()) {
                    Ok(Some(_)) => Ok(()),
                    _ => Err(CommandError::Unknown(What::Guest)),
                }
            }
        }
    }

    fn members(&self, members: &[MemberId], what: What) -> Result<Roll, CommandError> {
        if members.len() > MEMBERS_MAX {
            return Err(CommandError::TooMany {
                what,
                count: members.len() as u64,
                limit: MEMBERS_MAX as u64,
            });
        }
        let roll = self.roll();
        members
            .iter()
            .try_for_each(|&member| self.listed(&roll, member))?;
        Ok(roll)
    }

    /// The object of an entry.
    fn entry(&self, container: &str, id: EntryId, what: What) -> Result<ObjId, CommandError> {
        let map = self.map(container)?;
        object(self.tx, &map, &id.to_string()).ok_or(CommandError::Unknown(what))
    }

    /// A new entry with its place in the order.
    fn new_entry(
        &mut self,
        container: &str,
        id: EntryId,
        what: What,
        place: Place,
    ) -> Result<ObjId, CommandError> {
        let map = self.map(container)?;
        if matches!(self.tx.get(&map, id.to_string()), Ok(Some(_))) {
            return Err(CommandError::Exists(what));
        }
        let order = self.order(container, place, None, what)?;
        let object = self.tx.put_object(&map, id.to_string(), ObjType::Map)?;
        self.put(&object, entry::ORDER, &order)?;
        Ok(object)
    }

    fn new_text(&mut self, map: &ObjId, what: What, text: &Words) -> Result<(), CommandError> {
        let text = paragraph(what, text)?;
        let object = self.tx.put_object(map, entry::TEXT, ObjType::Text)?;
        self.write_text(&object, what, &text)
    }

    fn edit_text(&mut self, map: &ObjId, what: What, text: &Words) -> Result<(), CommandError> {
        let text = paragraph(what, text)?;
        let object = object(self.tx, map, entry::TEXT).ok_or(CommandError::Damaged)?;
        self.write_text(&object, what, &text)
    }

    /// Writes what differs, never the whole text.
    fn write_text(&mut self, object: &ObjId, what: What, text: &str) -> Result<(), CommandError> {
        set_text(self.tx, object, text).map_err(|error| CommandError::text(what, error))?;
        Ok(())
    }

    fn agenda_exists(&self, agenda: Option<EntryId>) -> Result<(), CommandError> {
        agenda.map_or(Ok(()), |id| {
            self.entry(schema::AGENDA, id, What::Agenda).map(|_| ())
        })
    }

    /// The order key of a place among the entries of a container, `moved` left out.
    fn order(
        &self,
        container: &str,
        place: Place,
        moved: Option<EntryId>,
        what: What,
    ) -> Result<String, CommandError> {
        let mut entries = self.reader().entries(container);
        entries.retain(|entry| Some(entry.id) != moved);
        let at = match place {
            Place::First => 0,
            Place::Last => entries.len(),
            Place::After(id) => {
                1 + entries
                    .iter()
                    .position(|entry| entry.id == id)
                    .ok_or(CommandError::Unknown(what))?
            }
        };
        let key = |at: Option<usize>| Some(entries.get(at?)?.order.as_str());
        Ok(between(key(at.checked_sub(1)), key(Some(at))))
    }

    fn settle(&mut self, item: &str, pick: &str, id: EntryId) -> Result<(), CommandError> {
        let own = super::read::is_own_ballot(item, self.acting.member);
        if !own {
            self.acting.must_be_officer()?;
        }
        if let Some(other) = item.strip_prefix(PERIOD_PREFIX) {
            return self.link(other, pick);
        }
        let view = self.view();
        let list = review(&view, self.setting);
        let known = choices(&*self.tx, self.setting);
        settle(self.tx, self.acting, &list, &known, item, pick, id)?;
        let reworded = view
            .motions
            .iter()
            .find(|motion| format!("motion/{}/reworded", motion.id) == item);
        match reworded {
            Some(motion) if pick == "new_motion" => self.second_motion(motion, id.derived("motion")),
            _ => Ok(()),
        }
    }

    /// Two meetings of one period are linked, never deleted.
    fn link(&mut self, other: &str, pick: &str) -> Result<(), CommandError> {
        let other: DocId = parse_id(other).ok_or(CommandError::Unknown(What::ReviewItem))?;
        if pick != LINK {
            return Err(CommandError::Unknown(What::Choice));
        }
        let links = self.map(schema::LINKS)?;
        self.put(&links, &format!("{other}/{}", self.acting.device), &true)
    }

    fn send(&mut self) -> Result<(), CommandError> {
        self.acting.must_be_officer()?;
        self.step(Step::Sent)
    }

    fn confirm(
        &mut self,
        item: &str,
        pick: String,
        seen: Vec<crate::claim::Tag>,
        id: EntryId,
    ) -> Result<(), CommandError> {
        let known = choices(&*self.tx, self.setting);
        record_choice(self.tx, self.acting, &known, item, &pick, seen, id)
    }

    /// All concurrent values of a cell.
    fn cells<T: Cell>(&self, map: &ObjId, key: &str) -> Vec<T> {
        cells(&*self.tx, map, key)
            .into_iter()
            .map(|found| found.value)
            .collect()
    }
}
