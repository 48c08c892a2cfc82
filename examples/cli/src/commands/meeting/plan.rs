//! From what was typed to commands of the handbook. No rule is here: what may be done when is the handbook's to say.

mod votes;

use sotay_engine::feed::MemberId;
use sotay_engine::handbook::meeting::{Command, MeetingView, Person, Place};
use sotay_engine::handbook::{Date, EntryId, Names, Words};

use crate::args::{Agenda, Attend, Change, Conclude, ConclusionChange, Guest, Note, Set, Speech, Who};
use crate::failure::{Code, Failure};
use crate::pick::{self, Numbered, People};
use crate::voice::Voice;

/// What to do, and what to say when it is done.
pub(super) struct Plan {
    pub commands: Vec<Command>,
    /// The entry it is about.
    pub entry: Option<EntryId>,
    /// Stable name, for programs.
    pub did: &'static str,
    pub said: String,
}

/// What names are looked up in.
pub(super) struct Ground<'a> {
    voice: Voice,
    view: &'a MeetingView,
    names: &'a dyn Names,
    people: People,
    fresh: EntryId,
}

type Planned = Result<Plan, Failure>;

impl<'a> Ground<'a> {
    /// `fresh` becomes the id of what is added.
    pub fn new(voice: Voice, view: &'a MeetingView, names: &'a dyn Names, fresh: EntryId) -> Self {
        Self {
            voice,
            view,
            names,
            people: People::of_meeting(view, names),
            fresh,
        }
    }

    /// The commands for one change.
    pub fn plan(&self, change: Change) -> Planned {
        match change {
            Change::Set(args) => self.set(args),
            Change::Convene => Ok(step(
                Command::Convene,
                "convene",
                self.voice.say("did.convene", &[]),
            )),
            Change::Open => {
                let count = self.view.roll.lines().len();
                Ok(step(
                    Command::Open,
                    "open",
                    self.voice.say("did.open", &[("count", &count)]),
                ))
            }
            Change::Stage { stage } => {
                let said = self.voice.say("did.stage", &[("stage", &self.voice.word(stage))]);
                Ok(step(Command::EnterStage(stage), "stage", said))
            }
            Change::ReadBack => Ok(step(
                Command::ReadBack,
                "read_back",
                self.voice.say("did.read_back", &[]),
            )),
            Change::Close => Ok(step(Command::Close, "close", self.voice.say("did.close", &[]))),
            Change::Send => Ok(step(Command::Send, "send", self.voice.say("did.send", &[]))),
            Change::Attend(args) => self.attend(args),
            Change::Arrived { member, time } => {
                let (member, at) = (self.people.one(&member)?, pick::time_or_none(&time, self.day())?);
                let said = self.voice.say("did.arrived", &[("name", &self.name(member))]);
                Ok(step(Command::Arrived { member, at }, "arrived", said))
            }
            Change::Left { member, time } => {
                let (member, at) = (self.people.one(&member)?, pick::time_or_none(&time, self.day())?);
                let said = self.voice.say("did.left", &[("name", &self.name(member))]);
                Ok(step(Command::Left { member, at }, "left", said))
            }
            Change::Guest(Guest::Add { label }) => {
                let said = self.voice.say("did.guest", &[("name", &label)]);
                Ok(self.added(
                    Command::AddGuest {
                        id: self.fresh,
                        label: label.into(),
                    },
                    "guest.add",
                    said,
                ))
            }
            Change::Agenda(args) => self.agenda(args),
            Change::Speech(args) => self.speech(args),
            Change::Motion(args) => self.motion(args),
            Change::Tally(args) => self.tally(args),
            Change::Confirm { motion, of } => self.confirm(&motion, of.as_deref()),
            Change::Vote(args) => self.vote(args),
            Change::Conclude(args) => self.conclude(args),
            Change::Conclusion(args) => self.conclusion(args),
            Change::Deadline { conclusion, date } => {
                let id = self.conclusion_id(&conclusion)?;
                let deadline = pick::date_or_none(&date)?;
                let shown = deadline.map_or_else(|| self.voice.say("show.no_deadline", &[]), Date::long);
                let said = self.voice.say("did.deadline", &[("date", &shown)]);
                Ok(about_entry(
                    Command::SetDeadline { id, deadline },
                    id,
                    "deadline",
                    said,
                ))
            }
            Change::Narrative { section, text } => {
                let said = self
                    .voice
                    .say("did.narrative", &[("section", &self.voice.word(section))]);
                Ok(step(
                    Command::SetNarrative {
                        section,
                        text: text.into(),
                    },
                    "narrative",
                    said,
                ))
            }
            Change::Note(args) => self.note(args),
            Change::Score {
                criterion,
                points,
                by,
            } => {
                let known: Vec<&str> = self
                    .view
                    .scores
                    .iter()
                    .map(|line| line.criterion.as_str())
                    .collect();
                pick::criterion(&criterion, &known)?;
                let (scorer, points) = (self.people.one(&by)?, pick::points(&points)?);
                let said = self.voice.say("did.score", &[("name", &self.name(scorer))]);
                Ok(step(
                    Command::SetScore {
                        criterion,
                        scorer,
                        points,
                    },
                    "score",
                    said,
                ))
            }
        }
    }

    pub(super) fn day(&self) -> Option<Date> {
        self.view.date.value
    }

    fn name(&self, member: MemberId) -> String {
        self.voice.member(member, self.names)
    }

    fn added(&self, command: Command, did: &'static str, said: String) -> Plan {
        about_entry(command, self.fresh, did, said)
    }

    fn set(&self, args: Set) -> Planned {
        let mut commands = Vec::new();
        let date = args.date.as_deref().map(pick::date).transpose()?;
        let day = date.or(self.day());
        commands.extend(date.map(Command::SetDate));
        commands.extend(args.place.map(|place| Command::SetPlace(place.into())));
        commands.extend(args.number.map(|number| Command::SetNumber(number.into())));
        for (text, command) in [
            (args.start, Command::SetStart as fn(_) -> _),
            (args.end, Command::SetEnd),
        ] {
            commands.extend(text.map(|text| pick::time(&text, day)).transpose()?.map(command));
        }
        for (text, command) in [
            (args.chair, Command::SetChair as fn(_) -> _),
            (args.clerk, Command::SetClerk),
        ] {
            commands.extend(text.map(|text| self.people.one(&text)).transpose()?.map(command));
        }
        let said = self.voice.say("did.set", &[("count", &commands.len())]);
        Ok(Plan {
            commands,
            entry: None,
            did: "set",
            said,
        })
    }

    fn attend(&self, args: Attend) -> Planned {
        let members = self.people.many(&args.members)?;
        let state = self.voice.word(args.state);
        let said = self
            .voice
            .say("did.attend", &[("count", &members.len()), ("state", &state)]);
        let reason = args.reason.map(Words::from);
        Ok(step(
            Command::Mark {
                members,
                state: args.state,
                how: args.how,
                reason,
            },
            "attend",
            said,
        ))
    }

    fn agenda(&self, args: Agenda) -> Planned {
        match args {
            Agenda::Add { title, presenter } => {
                let presenter = presenter
                    .map(|text| self.people.one(&text))
                    .transpose()?
                    .map(Person::Member);
                let said = self
                    .voice
                    .say("did.agenda_add", &[("number", &(self.view.agenda.len() + 1))]);
                let command = Command::AddAgenda {
                    id: self.fresh,
                    title: title.into(),
                    presenter,
                    place: Place::Last,
                };
                Ok(self.added(command, "agenda.add", said))
            }
            Agenda::Edit { item, title } => {
                let id = self.agenda_id(&item)?;
                let said = self.voice.say("did.agenda_edit", &[]);
                Ok(about_entry(
                    Command::EditAgenda {
                        id,
                        title: title.into(),
                    },
                    id,
                    "agenda.edit",
                    said,
                ))
            }
            Agenda::Remove { item } => {
                let id = self.agenda_id(&item)?;
                let said = self.voice.say("did.agenda_remove", &[]);
                Ok(about_entry(
                    Command::RemoveAgenda { id },
                    id,
                    "agenda.remove",
                    said,
                ))
            }
        }
    }

    fn agenda_id(&self, text: &str) -> Result<EntryId, Failure> {
        pick::entry(
            &self.view.agenda.iter().map(|item| item.id).collect::<Vec<_>>(),
            text,
        )
    }

    fn agenda_of(&self, text: Option<String>) -> Result<Option<EntryId>, Failure> {
        text.map(|text| self.agenda_id(&text)).transpose()
    }

    fn who(&self, who: &Who) -> Result<(Person, String), Failure> {
        match (&who.by, &who.guest) {
            (Some(member), _) => {
                let member = self.people.one(member)?;
                Ok((Person::Member(member), self.name(member)))
            }
            (None, guest) => {
                let text = guest.as_deref().unwrap_or_default();
                let id = pick::entry(
                    &self.view.guests.iter().map(|guest| guest.id).collect::<Vec<_>>(),
                    text,
                )?;
                let label = self
                    .view
                    .guest(id)
                    .map(|guest| guest.label.to_string())
                    .unwrap_or_default();
                Ok((Person::Guest(id), label))
            }
        }
    }

    fn speech(&self, args: Speech) -> Planned {
        match args {
            Speech::Add { who, text, agenda } => {
                let (speaker, name) = self.who(&who)?;
                let agenda = self.agenda_of(agenda)?;
                let number = self.view.speeches.len() + 1;
                let said = self
                    .voice
                    .say("did.speech_add", &[("number", &number), ("name", &name)]);
                let command = Command::AddSpeech {
                    id: self.fresh,
                    speaker,
                    agenda,
                    text: text.into(),
                    place: Place::Last,
                };
                Ok(self.added(command, "speech.add", said))
            }
            Speech::Edit { speech, text } => {
                let id = pick::entry(
                    &self
                        .view
                        .speeches
                        .iter()
                        .map(|speech| speech.id)
                        .collect::<Vec<_>>(),
                    &speech,
                )?;
                let said = self.voice.say("did.speech_edit", &[]);
                Ok(about_entry(
                    Command::EditSpeech {
                        id,
                        text: text.into(),
                    },
                    id,
                    "speech.edit",
                    said,
                ))
            }
        }
    }

    fn conclude(&self, args: Conclude) -> Planned {
        let responsible = args
            .responsible
            .map(|text| self.people.many(&text))
            .transpose()?
            .unwrap_or_default();
        let deadline = args.deadline.as_deref().map(pick::date).transpose()?;
        let agenda = self.agenda_of(args.agenda)?;
        let said = self
            .voice
            .say("did.conclude", &[("number", &(self.view.conclusions.len() + 1))]);
        let (id, text, place) = (self.fresh, args.text.into(), Place::Last);
        Ok(self.added(
            Command::AddConclusion {
                id,
                agenda,
                text,
                deadline,
                responsible,
                place,
            },
            "conclude",
            said,
        ))
    }

    fn conclusion_id(&self, text: &str) -> Result<EntryId, Failure> {
        pick::entry(
            &self
                .view
                .conclusions
                .iter()
                .map(|conclusion| conclusion.id)
                .collect::<Vec<_>>(),
            text,
        )
    }

    fn conclusion(&self, args: ConclusionChange) -> Planned {
        match args {
            ConclusionChange::Edit {
                conclusion,
                text,
                paragraph,
            } => {
                let id = self.conclusion_id(&conclusion)?;
                let paragraphs = self
                    .view
                    .conclusion(id)
                    .map(|one| one.paragraphs.as_slice())
                    .unwrap_or_default();
                let variant = |number: usize| {
                    let text = number.to_string();
                    let found = paragraphs
                        .at_number(&text)
                        .map(|paragraph| paragraph.variant.clone());
                    found.ok_or_else(|| {
                        Failure::new(Code::NoEntry)
                            .with("text", text)
                            .with("count", paragraphs.len())
                    })
                };
                let paragraph = paragraph.map(variant).transpose()?;
                let said = self.voice.say("did.conclusion_edit", &[]);
                let command = Command::EditConclusion {
                    id,
                    paragraph,
                    text: text.into(),
                };
                Ok(about_entry(command, id, "conclusion.edit", said))
            }
            ConclusionChange::Responsible {
                conclusion,
                members,
                off,
            } => {
                let id = self.conclusion_id(&conclusion)?;
                let members = self.people.many(&members)?;
                let said = self.voice.say("did.responsible", &[("count", &members.len())]);
                let one = |member| Command::SetResponsible { id, member, on: !off };
                let commands = members.into_iter().map(one).collect();
                Ok(Plan {
                    commands,
                    entry: Some(id),
                    did: "conclusion.responsible",
                    said,
                })
            }
            ConclusionChange::Remove { conclusion } => {
                let id = self.conclusion_id(&conclusion)?;
                let said = self.voice.say("did.conclusion_remove", &[]);
                Ok(about_entry(
                    Command::RemoveConclusion { id },
                    id,
                    "conclusion.remove",
                    said,
                ))
            }
        }
    }

    fn note(&self, args: Note) -> Planned {
        let id_of = |text: &str| {
            pick::entry(
                &self.view.notes.iter().map(|note| note.id).collect::<Vec<_>>(),
                text,
            )
        };
        match args {
            Note::Add { kind, text } => {
                let said = self
                    .voice
                    .say("did.note_add", &[("kind", &self.voice.word(kind))]);
                let command = Command::AddNote {
                    id: self.fresh,
                    kind,
                    text: text.into(),
                    place: Place::Last,
                };
                Ok(self.added(command, "note.add", said))
            }
            Note::Edit { note, text } => {
                let id = id_of(&note)?;
                let said = self.voice.say("did.note_edit", &[]);
                Ok(about_entry(
                    Command::EditNote {
                        id,
                        text: text.into(),
                    },
                    id,
                    "note.edit",
                    said,
                ))
            }
            Note::Remove { note } => {
                let id = id_of(&note)?;
                let said = self.voice.say("did.note_remove", &[]);
                Ok(about_entry(Command::RemoveNote { id }, id, "note.remove", said))
            }
        }
    }
}

fn step(command: Command, did: &'static str, said: String) -> Plan {
    Plan {
        commands: vec![command],
        entry: None,
        did,
        said,
    }
}

fn about_entry(command: Command, id: EntryId, did: &'static str, said: String) -> Plan {
    Plan {
        commands: vec![command],
        entry: Some(id),
        did,
        said,
    }
}
