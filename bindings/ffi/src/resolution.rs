//! Resolutions: NN-NQ/CB.

use sotay_engine::feed::DocId;
use sotay_engine::handbook::meeting::Person;
use sotay_engine::handbook::resolution::{self, Command, VoteLine};
use sotay_engine::handbook::{EntryId, Names, Words};
use sotay_engine::{DeviceError, Fault, ProfileDevice};

use crate::call::ask;
use crate::commands::Tally;
use crate::convert::marks;
use crate::error::{HandbookError, OrFault, parse, parse_all, parse_opt};
use crate::kinds::VoteNeed;
use crate::meeting::parse_doc;
use crate::meeting_view::{ContestedField, MarkView, PersonView};
use crate::record_kinds::ResolutionPart;
use crate::records::{Contested, Records, members, person, words};

/// The vote by which a resolution was passed, as it stood when it was taken over.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ResolutionVoteView {
    /// The motion in its meeting.
    pub motion: String,
    /// Votes of each kind.
    pub counts: Tally,
    /// Who could vote.
    pub eligible: u32,
    /// Who was there.
    pub present: u32,
    /// How many it needed.
    pub need: VoteNeed,
    /// Whether it passed.
    pub passed: bool,
}

/// A part that is text.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ResolutionPartView {
    /// Which.
    pub part: ResolutionPart,
    /// What it says.
    pub text: String,
}

/// A task that a resolution gives.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ResolutionTaskView {
    /// Its id.
    pub id: String,
    /// What is to be done.
    pub text: String,
    /// Who is responsible.
    pub people: Vec<PersonView>,
    /// Last day.
    pub deadline: Option<String>,
}

/// Who gets a resolution.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct RecipientView {
    /// Its id.
    pub id: String,
    /// As printed.
    pub label: String,
}

/// A resolution.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ResolutionView {
    /// Its document.
    pub id: String,
    /// Its number.
    pub number: Option<u32>,
    /// The number as printed: `05-NQ/CB`.
    pub number_text: Option<String>,
    /// Its day.
    pub date: Option<String>,
    /// What it is about.
    pub title: Option<String>,
    /// Who signs.
    pub signer: Option<PersonView>,
    /// The meeting that passed it.
    pub meeting: Option<String>,
    /// Its texts.
    pub parts: Vec<ResolutionPartView>,
    /// Tasks it gives.
    pub tasks: Vec<ResolutionTaskView>,
    /// Who gets it.
    pub recipients: Vec<RecipientView>,
    /// The vote.
    pub vote: Option<ResolutionVoteView>,
    /// Who issued it, when; empty for a draft.
    pub issued: Vec<MarkView>,
    /// Fields that two phones filled differently.
    pub contested: Vec<ContestedField>,
}

/// One command to a resolution. Not after it was issued.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum ResolutionCommand {
    /// Gives the number: 5 for `05-NQ/CB`.
    SetNumber {
        /// The number.
        number: u32,
    },
    /// Its day.
    SetDate {
        /// The day.
        date: String,
    },
    /// What it is about.
    SetTitle {
        /// The title.
        text: String,
    },
    /// Who signs.
    SetSigner {
        /// A member.
        member: String,
    },
    /// Writes a part.
    SetPart {
        /// Which.
        part: ResolutionPart,
        /// The text.
        text: String,
    },
    /// Adds a task, or writes one anew whose id is given.
    SetTask {
        /// What is to be done.
        text: String,
        /// Members responsible.
        #[uniffi(default)]
        people: Vec<String>,
        /// Last day.
        #[uniffi(default = None)]
        deadline: Option<String>,
        /// Which.
        #[uniffi(default = None)]
        id: Option<String>,
    },
    /// Takes a task out.
    RemoveTask {
        /// Which.
        id: String,
    },
    /// Adds who gets it.
    AddRecipient {
        /// As printed.
        label: String,
        /// Id to use.
        #[uniffi(default = None)]
        id: Option<String>,
    },
    /// Takes a recipient out.
    RemoveRecipient {
        /// Which.
        id: String,
    },
    /// Takes over the confirmed result of a motion of its meeting.
    TakeVote {
        /// The motion.
        motion: String,
    },
}

type Translated = (Command, Option<EntryId>);

impl ResolutionCommand {
    fn translate(&self, device: &mut ProfileDevice, doc: DocId) -> Result<Translated, HandbookError> {
        let text = |text: &String| Words::from(text.as_str());
        let command = match self {
            Self::SetNumber { number } => Command::SetNumber(*number),
            Self::SetDate { date } => Command::SetDate(parse(date, "date")?),
            Self::SetTitle { text: title } => Command::SetTitle(text(title)),
            Self::SetSigner { member } => Command::SetSigner(parse(member, "member")?),
            Self::SetPart { part, text: written } => Command::SetPart {
                part: *part,
                text: text(written),
            },
            Self::SetTask {
                text: what,
                people,
                deadline,
                id,
            } => {
                let id = parse_opt(id.as_ref(), "id")?.unwrap_or_else(|| device.fresh_id());
                let task = Command::SetTask {
                    id,
                    text: text(what),
                    people: parse_all(people, "people")?,
                    deadline: parse_opt(deadline.as_ref(), "deadline")?,
                };
                return Ok((task, Some(id)));
            }
            Self::RemoveTask { id } => Command::RemoveTask(parse(id, "id")?),
            Self::AddRecipient { label, id } => {
                let id = parse_opt(id.as_ref(), "id")?.unwrap_or_else(|| device.fresh_id());
                let label = text(label);
                return Ok((Command::AddRecipient { id, label }, Some(id)));
            }
            Self::RemoveRecipient { id } => Command::RemoveRecipient(parse(id, "id")?),
            Self::TakeVote { motion } => {
                let motion = parse(motion, "motion")?;
                let vote = device.vote_for_resolution(doc, motion).or_fault()?;
                Command::SetVote(vote.ok_or_else(|| Fault::malformed("motion"))?)
            }
        };
        Ok((command, None))
    }
}

fn vote_view(vote: &VoteLine) -> ResolutionVoteView {
    ResolutionVoteView {
        motion: vote.motion.to_string(),
        counts: vote.counts.into(),
        eligible: vote.eligible,
        present: vote.present,
        need: vote.need,
        passed: vote.passed,
    }
}

fn resolution_view(names: &dyn Names, view: &resolution::ResolutionView) -> ResolutionView {
    let signer = |who: &Person| match who {
        Person::Member(id) => id.to_string(),
        Person::Guest(id) => id.to_string(),
    };
    ResolutionView {
        id: view.id.to_string(),
        number: view.number.value,
        number_text: view.number_text(),
        date: view.date.value.map(|day| day.to_string()),
        title: view.title.value.as_ref().map(words),
        signer: view.signer.value.map(|who| person(names, who)),
        meeting: view.meeting.map(|doc| doc.to_string()),
        parts: view
            .parts
            .iter()
            .map(|(part, text)| ResolutionPartView {
                part: *part,
                text: words(text),
            })
            .collect(),
        tasks: view
            .tasks
            .iter()
            .map(|task| ResolutionTaskView {
                id: task.id.to_string(),
                text: words(&task.text),
                people: members(names, &task.people),
                deadline: task.deadline.map(|day| day.to_string()),
            })
            .collect(),
        recipients: view
            .recipients
            .iter()
            .map(|one| RecipientView {
                id: one.id.to_string(),
                label: words(&one.label),
            })
            .collect(),
        vote: view.vote.value.as_ref().map(vote_view),
        issued: marks(names, &view.issued),
        contested: Contested::new(names)
            .look("number", &view.number, ToString::to_string)
            .look("date", &view.date, ToString::to_string)
            .look("title", &view.title, words)
            .look("signer", &view.signer, signer)
            .look("vote", &view.vote, |vote| vote.motion.to_string())
            .found(),
    }
}

fn read(device: &mut ProfileDevice, doc: DocId) -> Result<ResolutionView, DeviceError> {
    let view = device.resolution_view(doc)?;
    Ok(resolution_view(device.names(), &view))
}

#[uniffi::export]
impl Records {
    /// All resolutions, newest first.
    pub fn resolutions(&self) -> Result<Vec<ResolutionView>, HandbookError> {
        ask(&self.engine, move |device, _| {
            let all = device.resolutions().or_fault()?;
            let names = device.names();
            Ok(all.iter().map(|view| resolution_view(names, view)).collect())
        })
    }

    /// A resolution by its id.
    pub fn resolution(&self, id: String) -> Result<ResolutionView, HandbookError> {
        let doc = parse_doc(&id)?;
        ask(&self.engine, move |device, _| read(device, doc).or_fault())
    }

    /// Begins a resolution, of a meeting or by itself; gives its id. Officers only.
    pub fn new_resolution(&self, title: String, meeting: Option<String>) -> Result<String, HandbookError> {
        let meeting = parse_opt(meeting.as_ref(), "meeting")?;
        ask(&self.engine, move |device, now| {
            let title = Words::from(title.as_str());
            let doc = device.new_resolution(meeting, title, now).or_fault()?;
            Ok(doc.to_string())
        })
    }

    /// Carries out commands as one change, all or nothing; gives the id of what each one added.
    pub fn change_resolution(
        &self,
        id: String,
        commands: Vec<ResolutionCommand>,
    ) -> Result<Vec<Option<String>>, HandbookError> {
        let doc = parse_doc(&id)?;
        ask(&self.engine, move |device, now| {
            let mut translated = Vec::with_capacity(commands.len());
            let mut added = Vec::with_capacity(commands.len());
            for command in &commands {
                let (command, id) = command.translate(device, doc)?;
                translated.push(command);
                added.push(id.map(|id| id.to_string()));
            }
            device.resolution(doc, &translated, now).or_fault()?;
            Ok(added)
        })
    }

    /// Issues a resolution. Refused while its number is used twice or another item of its review list blocks.
    pub fn issue_resolution(&self, id: String) -> Result<(), HandbookError> {
        let doc = parse_doc(&id)?;
        ask(&self.engine, move |device, now| {
            device.issue_resolution(doc, now).or_fault()
        })
    }
}
