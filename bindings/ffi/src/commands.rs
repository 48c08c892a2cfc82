//! What can be done in a meeting, as values: several travel in one call and one change.

use sotay_engine::handbook::meeting::TallyCount;

use crate::kinds::{
    AttendanceState, Ballot, MeetingStep, NarrativeSection, NoteKind, RecordedHow, VoteMethod, VoteNeed,
};

/// Somebody who speaks or presents.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum Who {
    /// A member of the unit.
    Member {
        /// Hexadecimal id.
        id: String,
    },
    /// A guest of the meeting.
    Guest {
        /// Hexadecimal id of the entry.
        id: String,
    },
}

/// Where an entry goes in its list.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum EntryPlace {
    /// At the end.
    Last,
    /// At the beginning.
    First,
    /// Right after another entry.
    After {
        /// Which.
        id: String,
    },
}

/// Votes of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct Tally {
    /// Tán thành.
    pub in_favour: u32,
    /// Không tán thành.
    pub against: u32,
    /// Ý kiến khác.
    pub other: u32,
    /// Không hợp lệ (paper only).
    #[uniffi(default = 0)]
    pub invalid: u32,
}

impl From<TallyCount> for Tally {
    fn from(count: TallyCount) -> Self {
        Self {
            in_favour: count.for_,
            against: count.against,
            other: count.other,
            invalid: count.invalid,
        }
    }
}

/// One command to a meeting. Ids are hexadecimal, days `2025-05-20`, times `2025-05-20T19:30`. Commands that add an entry
/// draw its id unless one is given.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum MeetingCommand {
    /// Day of the meeting.
    SetDate {
        /// The day.
        date: String,
    },
    /// Where.
    SetPlace {
        /// The place.
        text: String,
    },
    /// Number of the minutes, e.g. `05-BB/CB`.
    SetNumber {
        /// The number.
        text: String,
    },
    /// When it began.
    SetStart {
        /// The time.
        at: String,
    },
    /// When it ended.
    SetEnd {
        /// The time.
        at: String,
    },
    /// Who chairs.
    SetChair {
        /// A member.
        member: String,
    },
    /// Who takes the minutes.
    SetClerk {
        /// A member.
        member: String,
    },
    /// Records a step. Sealing has a command of its own.
    Step {
        /// Which.
        step: MeetingStep,
    },
    /// Proposes to seal the minutes, with one's own signature; the other of chair and minute-taker countersigns. Stands
    /// alone. Refused while an item of the review list blocks.
    Seal {
        /// SHA-256 of the minutes as shown, in hexadecimal.
        minutes: String,
    },
    /// Adds a guest.
    AddGuest {
        /// Office and name, as printed.
        label: String,
        /// Id to use.
        #[uniffi(default = None)]
        id: Option<String>,
    },
    /// Marks the attendance of some members alike.
    Mark {
        /// Who.
        members: Vec<String>,
        /// There or not.
        state: AttendanceState,
        /// How it was recorded.
        how: RecordedHow,
        /// Why absent.
        #[uniffi(default = None)]
        reason: Option<String>,
    },
    /// Somebody came late; no time takes it back.
    Arrived {
        /// Who.
        member: String,
        /// When.
        at: Option<String>,
    },
    /// Somebody left early; no time takes it back.
    Left {
        /// Who.
        member: String,
        /// When.
        at: Option<String>,
    },
    /// Adds an item to the agenda.
    AddAgenda {
        /// Its title.
        title: String,
        /// Who presents it.
        #[uniffi(default = None)]
        presenter: Option<Who>,
        /// Where in the agenda; at the end if not said.
        #[uniffi(default = None)]
        place: Option<EntryPlace>,
        /// Id to use.
        #[uniffi(default = None)]
        id: Option<String>,
    },
    /// Rewords an item of the agenda.
    EditAgenda {
        /// Which.
        id: String,
        /// Its title.
        title: String,
    },
    /// Names who presents an item.
    SetPresenter {
        /// Which.
        id: String,
        /// Who.
        presenter: Option<Who>,
    },
    /// Removes an item of the agenda.
    RemoveAgenda {
        /// Which.
        id: String,
    },
    /// Adds a speech.
    AddSpeech {
        /// Who spoke.
        speaker: Who,
        /// What was said, in short; 8,000 characters at most.
        text: String,
        /// To which item.
        #[uniffi(default = None)]
        agenda: Option<String>,
        /// Where in the order of speeches; at the end if not said.
        #[uniffi(default = None)]
        place: Option<EntryPlace>,
        /// Id to use.
        #[uniffi(default = None)]
        id: Option<String>,
    },
    /// Edits a speech; only what differs is written.
    EditSpeech {
        /// Which.
        id: String,
        /// How it reads now.
        text: String,
    },
    /// Corrects who spoke.
    SetSpeaker {
        /// Which.
        id: String,
        /// Who.
        speaker: Who,
    },
    /// Moves an entry within its list.
    Move {
        /// Which.
        id: String,
        /// Where to.
        place: EntryPlace,
    },
    /// Prepares a vote.
    AddMotion {
        /// The question.
        text: String,
        /// How it is voted on.
        method: VoteMethod,
        /// What it needs.
        need: VoteNeed,
        /// To which item.
        #[uniffi(default = None)]
        agenda: Option<String>,
        /// Where in the list; at the end if not said.
        #[uniffi(default = None)]
        place: Option<EntryPlace>,
        /// Id to use.
        #[uniffi(default = None)]
        id: Option<String>,
    },
    /// Rewords a question; refused once its vote is open.
    EditMotion {
        /// Which.
        id: String,
        /// How it reads now.
        text: String,
    },
    /// Opens the vote: text and voters are frozen.
    OpenVote {
        /// Which.
        id: String,
    },
    /// Records a count; counting again on the same phone replaces it.
    RecordTally {
        /// Which motion.
        motion: String,
        /// The votes.
        counts: Tally,
        /// Members who counted paper ballots.
        board: Vec<String>,
    },
    /// The chair confirms the count of one phone.
    ConfirmTally {
        /// Which motion.
        motion: String,
        /// Whose count: a device.
        recorder: String,
    },
    /// Records one member's open vote, once.
    Vote {
        /// Which motion.
        motion: String,
        /// Whose vote.
        member: String,
        /// The vote.
        ballot: Ballot,
        /// How it was given.
        how: RecordedHow,
    },
    /// Adds a conclusion.
    AddConclusion {
        /// What was concluded.
        text: String,
        /// To which item.
        #[uniffi(default = None)]
        agenda: Option<String>,
        /// By when.
        #[uniffi(default = None)]
        deadline: Option<String>,
        /// Members who are responsible.
        #[uniffi(default)]
        responsible: Vec<String>,
        /// Where in the list; at the end if not said.
        #[uniffi(default = None)]
        place: Option<EntryPlace>,
        /// Id to use.
        #[uniffi(default = None)]
        id: Option<String>,
    },
    /// Edits a conclusion, or one paragraph of it when it was rewritten twice.
    EditConclusion {
        /// Which.
        id: String,
        /// How it reads now.
        text: String,
        /// Key of the paragraph.
        #[uniffi(default = None)]
        paragraph: Option<String>,
    },
    /// Sets or clears a deadline.
    SetDeadline {
        /// Which conclusion.
        id: String,
        /// By when.
        deadline: Option<String>,
    },
    /// Makes a member responsible, or not any more.
    SetResponsible {
        /// Which conclusion.
        id: String,
        /// Who.
        member: String,
        /// Responsible or not.
        on: bool,
    },
    /// Removes a conclusion.
    RemoveConclusion {
        /// Which.
        id: String,
    },
    /// Edits a section of the narrative; only what differs is written.
    SetNarrative {
        /// Which.
        section: NarrativeSection,
        /// How it reads now.
        text: String,
    },
    /// Adds praise or a reminder.
    AddNote {
        /// Which of the two.
        kind: NoteKind,
        /// The note.
        text: String,
        /// Where in the list; at the end if not said.
        #[uniffi(default = None)]
        place: Option<EntryPlace>,
        /// Id to use.
        #[uniffi(default = None)]
        id: Option<String>,
    },
    /// Edits a note.
    EditNote {
        /// Which.
        id: String,
        /// How it reads now.
        text: String,
    },
    /// Removes a note.
    RemoveNote {
        /// Which.
        id: String,
    },
    /// Gives points.
    SetScore {
        /// Key of a criterion of the policy.
        criterion: String,
        /// Who gives them.
        scorer: String,
        /// In hundredths; none takes them back.
        points: Option<u32>,
    },
    /// Settles an item of the review list.
    Settle {
        /// The item.
        item: String,
        /// The option taken.
        pick: String,
    },
}
