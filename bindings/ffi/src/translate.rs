//! From the commands of apps to the engine's: text becomes ids, days and times.

use sotay_engine::handbook::meeting::{Command, Person, Place as Position, TallyCount};
use sotay_engine::handbook::{EntryId, Words};

use crate::commands::{EntryPlace, MeetingCommand, Who};
use crate::error::{HandbookError, parse, parse_all, parse_opt};
use crate::kinds::MeetingStep;

fn person(who: &Who) -> Result<Person, HandbookError> {
    Ok(match who {
        Who::Member { id } => Person::Member(parse(id, "member")?),
        Who::Guest { id } => Person::Guest(parse(id, "guest")?),
    })
}

fn position(place: Option<&EntryPlace>) -> Result<Position, HandbookError> {
    Ok(match place {
        None | Some(EntryPlace::Last) => Position::Last,
        Some(EntryPlace::First) => Position::First,
        Some(EntryPlace::After { id }) => Position::After(parse(id, "place")?),
    })
}

/// Sealing is no step of the document: two people do it, outside of it.
fn step(step: MeetingStep) -> Result<Command, HandbookError> {
    Ok(match step {
        MeetingStep::Convened => Command::Convene,
        MeetingStep::Opened => Command::Open,
        MeetingStep::ReadBack => Command::ReadBack,
        MeetingStep::Closed => Command::Close,
        MeetingStep::Sent => Command::Send,
        MeetingStep::Sealed => return Err(sotay_engine::Fault::malformed("step").into()),
    })
}

/// Command of the engine, and the id of the entry it adds.
pub(crate) type Translated = (Command, Option<EntryId>);

impl MeetingCommand {
    /// The engine's form; `fresh` draws ids.
    pub(crate) fn translate(&self, fresh: &mut dyn FnMut() -> EntryId) -> Result<Translated, HandbookError> {
        let mut added = None;
        let mut new = |id: &Option<String>| -> Result<EntryId, HandbookError> {
            let id = parse_opt(id.as_ref(), "id")?.unwrap_or_else(&mut *fresh);
            added = Some(id);
            Ok(id)
        };
        let words = |text: &String| Words::from(text.as_str());
        let command = match self {
            Self::SetDate { date } => Command::SetDate(parse(date, "date")?),
            Self::SetPlace { text } => Command::SetPlace(words(text)),
            Self::SetNumber { text } => Command::SetNumber(words(text)),
            Self::SetStart { at } => Command::SetStart(parse(at, "at")?),
            Self::SetEnd { at } => Command::SetEnd(parse(at, "at")?),
            Self::SetChair { member } => Command::SetChair(parse(member, "member")?),
            Self::SetClerk { member } => Command::SetClerk(parse(member, "member")?),
            Self::Step { step: taken } => step(*taken)?,
            // Nothing that the document records: see `Meeting::apply`.
            Self::Seal { .. } => step(MeetingStep::Sealed)?,
            Self::AddGuest { label, id } => Command::AddGuest {
                id: new(id)?,
                label: words(label),
            },
            Self::Mark {
                members,
                state,
                how,
                reason,
            } => Command::Mark {
                members: parse_all(members, "members")?,
                state: *state,
                how: *how,
                reason: reason.as_ref().map(words),
            },
            Self::Arrived { member, at } => Command::Arrived {
                member: parse(member, "member")?,
                at: parse_opt(at.as_ref(), "at")?,
            },
            Self::Left { member, at } => Command::Left {
                member: parse(member, "member")?,
                at: parse_opt(at.as_ref(), "at")?,
            },
            Self::AddAgenda {
                title,
                presenter,
                place,
                id,
            } => Command::AddAgenda {
                id: new(id)?,
                title: words(title),
                presenter: presenter.as_ref().map(person).transpose()?,
                place: position(place.as_ref())?,
            },
            Self::EditAgenda { id, title } => Command::EditAgenda {
                id: parse(id, "id")?,
                title: words(title),
            },
            Self::SetPresenter { id, presenter } => Command::SetPresenter {
                id: parse(id, "id")?,
                presenter: presenter.as_ref().map(person).transpose()?,
            },
            Self::RemoveAgenda { id } => Command::RemoveAgenda { id: parse(id, "id")? },
            Self::AddSpeech {
                speaker,
                text,
                agenda,
                place,
                id,
            } => Command::AddSpeech {
                id: new(id)?,
                speaker: person(speaker)?,
                agenda: parse_opt(agenda.as_ref(), "agenda")?,
                text: words(text),
                place: position(place.as_ref())?,
            },
            Self::EditSpeech { id, text } => Command::EditSpeech {
                id: parse(id, "id")?,
                text: words(text),
            },
            Self::SetSpeaker { id, speaker } => Command::SetSpeaker {
                id: parse(id, "id")?,
                speaker: person(speaker)?,
            },
            Self::Move { id, place } => Command::Move {
                id: parse(id, "id")?,
                place: position(Some(place))?,
            },
            Self::AddMotion {
                text,
                method,
                need,
                agenda,
                place,
                id,
            } => Command::AddMotion {
                id: new(id)?,
                agenda: parse_opt(agenda.as_ref(), "agenda")?,
                text: words(text),
                method: *method,
                need: *need,
                place: position(place.as_ref())?,
            },
            Self::EditMotion { id, text } => Command::EditMotion {
                id: parse(id, "id")?,
                text: words(text),
            },
            Self::OpenVote { id } => Command::OpenVote { id: parse(id, "id")? },
            Self::RecordTally {
                motion,
                counts,
                board,
            } => Command::RecordTally {
                motion: parse(motion, "motion")?,
                counts: TallyCount {
                    for_: counts.in_favour,
                    against: counts.against,
                    other: counts.other,
                    invalid: counts.invalid,
                },
                board: parse_all(board, "board")?,
            },
            Self::ConfirmTally { motion, recorder } => Command::ConfirmTally {
                motion: parse(motion, "motion")?,
                recorder: parse(recorder, "recorder")?,
                id: fresh(),
            },
            Self::Vote {
                motion,
                member,
                ballot,
                how,
            } => Command::Vote {
                motion: parse(motion, "motion")?,
                member: parse(member, "member")?,
                ballot: *ballot,
                how: *how,
            },
            Self::AddConclusion {
                text,
                agenda,
                deadline,
                responsible,
                place,
                id,
            } => Command::AddConclusion {
                id: new(id)?,
                agenda: parse_opt(agenda.as_ref(), "agenda")?,
                text: words(text),
                deadline: parse_opt(deadline.as_ref(), "deadline")?,
                responsible: parse_all(responsible, "responsible")?,
                place: position(place.as_ref())?,
            },
            Self::EditConclusion { id, text, paragraph } => Command::EditConclusion {
                id: parse(id, "id")?,
                paragraph: paragraph.clone(),
                text: words(text),
            },
            Self::SetDeadline { id, deadline } => Command::SetDeadline {
                id: parse(id, "id")?,
                deadline: parse_opt(deadline.as_ref(), "deadline")?,
            },
            Self::SetResponsible { id, member, on } => Command::SetResponsible {
                id: parse(id, "id")?,
                member: parse(member, "member")?,
                on: *on,
            },
            Self::RemoveConclusion { id } => Command::RemoveConclusion { id: parse(id, "id")? },
            Self::SetNarrative { section, text } => Command::SetNarrative {
                section: *section,
                text: words(text),
            },
            Self::AddNote {
                kind,
                text,
                place,
                id,
            } => Command::AddNote {
                id: new(id)?,
                kind: *kind,
                text: words(text),
                place: position(place.as_ref())?,
            },
            Self::EditNote { id, text } => Command::EditNote {
                id: parse(id, "id")?,
                text: words(text),
            },
            Self::RemoveNote { id } => Command::RemoveNote { id: parse(id, "id")? },
            Self::SetScore {
                criterion,
                scorer,
                points,
            } => Command::SetScore {
                criterion: criterion.clone(),
                scorer: parse(scorer, "scorer")?,
                points: *points,
            },
            Self::Settle { item, pick } => Command::Settle {
                item: item.clone(),
                pick: pick.clone(),
                id: fresh(),
            },
        };
        Ok((command, added))
    }
}

pub(crate) fn sha256(text: &str) -> Option<[u8; 32]> {
    data_encoding::HEXLOWER_PERMISSIVE
        .decode(text.as_bytes())
        .ok()?
        .try_into()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speech(id: Option<&str>) -> MeetingCommand {
        MeetingCommand::AddSpeech {
            speaker: Who::Member { id: "ab".repeat(16) },
            text: "nhất trí".to_owned(),
            agenda: None,
            place: None,
            id: id.map(str::to_owned),
        }
    }

    #[test]
    fn an_added_entry_gets_the_id_that_was_given_or_a_fresh_one() {
        let mut fresh = || EntryId::from_bytes([7; 16]);
        let (_, drawn) = speech(None).translate(&mut fresh).unwrap();
        assert_eq!(drawn, Some(EntryId::from_bytes([7; 16])));
        let (_, given) = speech(Some(&"01".repeat(16))).translate(&mut fresh).unwrap();
        assert_eq!(given, Some(EntryId::from_bytes([1; 16])));
        let edit = MeetingCommand::EditSpeech {
            id: "01".repeat(16),
            text: String::new(),
        };
        assert_eq!(edit.translate(&mut fresh).unwrap().1, None);
    }

    #[test]
    fn sealing_is_no_step_that_one_phone_records() {
        let mut fresh = || EntryId::from_bytes([7; 16]);
        let sealed = MeetingCommand::Step {
            step: MeetingStep::Sealed,
        };
        assert!(sealed.translate(&mut fresh).is_err());
    }
}
