//! What can be done in a meeting. Ids, times and the acting device come from the caller.

use serde::Serialize;
use sotay_feed::{DeviceId, MemberId};

use super::kinds::{Ballot, How, MeetingKind, Method, Need, NoteKind, Section, Stage, State};
use super::taken::{TakenFees, TakenTask};
use super::view::Person;
use crate::date::{Date, LocalTime, Month};
use crate::ids::EntryId;
use crate::words::Words;

/// Votes of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
pub struct TallyCount {
    /// Tán thành.
    #[serde(rename = "for")]
    pub for_: u32,
    /// Không tán thành.
    pub against: u32,
    /// Ý kiến khác.
    pub other: u32,
    /// Không hợp lệ (paper only).
    pub invalid: u32,
}

impl TallyCount {
    /// All votes together.
    pub fn sum(&self) -> u32 {
        self.for_
            .saturating_add(self.against)
            .saturating_add(self.other)
            .saturating_add(self.invalid)
    }
}

/// Where an entry goes in its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Place {
    /// At the end.
    #[default]
    Last,
    /// At the beginning.
    First,
    /// Right after another entry.
    After(EntryId),
}

/// One command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Says what kind of meeting it is, and of which month or day. Two phones may both do it.
    Found {
        /// Kind.
        kind: MeetingKind,
        /// Month of a monthly meeting.
        month: Option<Month>,
        /// Day, if it is known.
        date: Option<Date>,
    },
    /// Day of the meeting.
    SetDate(Date),
    /// Where.
    SetPlace(Words),
    /// Number of the minutes, e.g. `05-BB/CB`.
    SetNumber(Words),
    /// When it began.
    SetStart(LocalTime),
    /// When it ended.
    SetEnd(LocalTime),
    /// Who chairs.
    SetChair(MemberId),
    /// Who takes the minutes.
    SetClerk(MemberId),
    /// Members were invited.
    Convene,
    /// The meeting begins; the list of members is frozen.
    Open,
    /// The open meeting goes on to a stage.
    EnterStage(Stage),
    /// Takes last month's tasks and the fees into the minutes, as they stand.
    TakeIn {
        /// Tasks.
        tasks: Vec<TakenTask>,
        /// Fees.
        fees: Option<TakenFees>,
    },
    /// The minutes were read to the meeting and approved.
    ReadBack,
    /// The meeting ended.
    Close,
    /// The minutes were sent up.
    Send,
    /// Adds a guest.
    AddGuest {
        /// Fresh id.
        id: EntryId,
        /// Office and name, as printed.
        label: Words,
    },
    /// Marks the attendance of some members alike.
    Mark {
        /// Who.
        members: Vec<MemberId>,
        /// There or not.
        state: State,
        /// How it was recorded.
        how: How,
        /// Why absent.
        reason: Option<Words>,
    },
    /// Somebody came late; `None` takes it back.
    Arrived {
        /// Who.
        member: MemberId,
        /// When.
        at: Option<LocalTime>,
    },
    /// Somebody left early; `None` takes it back.
    Left {
        /// Who.
        member: MemberId,
        /// When.
        at: Option<LocalTime>,
    },
    /// Adds an item to the agenda.
    AddAgenda {
        /// Fresh id.
        id: EntryId,
        /// Its title.
        title: Words,
        /// Who presents it.
        presenter: Option<Person>,
        /// Where in the agenda.
        place: Place,
    },
    /// Rewords an item of the agenda.
    EditAgenda {
        /// Which.
        id: EntryId,
        /// Its title.
        title: Words,
    },
    /// Names who presents an item.
    SetPresenter {
        /// Which.
        id: EntryId,
        /// Who.
        presenter: Option<Person>,
    },
    /// Removes an item of the agenda.
    RemoveAgenda {
        /// Which.
        id: EntryId,
    },
    /// Adds a speech.
    AddSpeech {
        /// Fresh id.
        id: EntryId,
        /// Who spoke.
        speaker: Person,
        /// To which item.
        agenda: Option<EntryId>,
        /// What was said, in short.
        text: Words,
        /// Where in the order of speeches.
        place: Place,
    },
    /// Edits a speech; only what differs is written.
    EditSpeech {
        /// Which.
        id: EntryId,
        /// How it reads now.
        text: Words,
    },
    /// Corrects who spoke.
    SetSpeaker {
        /// Which.
        id: EntryId,
        /// Who.
        speaker: Person,
    },
    /// Moves an entry (agenda item, speech, motion, conclusion or note) within its list.
    Move {
        /// Which.
        id: EntryId,
        /// Where to.
        place: Place,
    },
    /// Prepares a vote.
    AddMotion {
        /// Fresh id.
        id: EntryId,
        /// To which item.
        agenda: Option<EntryId>,
        /// The question.
        text: Words,
        /// How it is voted on.
        method: Method,
        /// What it needs.
        need: Need,
        /// Where in the list.
        place: Place,
    },
    /// Rewords a question; refused once its vote is open.
    EditMotion {
        /// Which.
        id: EntryId,
        /// How it reads now.
        text: Words,
    },
    /// Opens the vote: text and voters are frozen.
    OpenVote {
        /// Which.
        id: EntryId,
    },
    /// Says when a vote was held, by the wall clock: for who had left or come late. Without it the time counts at which a
    /// phone opened it.
    SetVoteTime {
        /// Which.
        id: EntryId,
        /// When.
        at: LocalTime,
    },
    /// Records a count; counting again on the same phone replaces it.
    RecordTally {
        /// Which motion.
        motion: EntryId,
        /// The votes.
        counts: TallyCount,
        /// Who counted paper ballots.
        board: Vec<MemberId>,
    },
    /// The chair confirms the count of one phone.
    ConfirmTally {
        /// Which motion.
        motion: EntryId,
        /// Whose count.
        recorder: DeviceId,
        /// Fresh id of the choice.
        id: EntryId,
    },
    /// Records one member's open vote, once.
    Vote {
        /// Which motion.
        motion: EntryId,
        /// Whose vote.
        member: MemberId,
        /// The vote.
        ballot: Ballot,
        /// How it was given.
        how: How,
    },
    /// Adds a conclusion.
    AddConclusion {
        /// Fresh id.
        id: EntryId,
        /// To which item.
        agenda: Option<EntryId>,
        /// What was concluded.
        text: Words,
        /// By when.
        deadline: Option<Date>,
        /// Who is responsible.
        responsible: Vec<MemberId>,
        /// Where in the list.
        place: Place,
    },
    /// Edits a conclusion. With a `paragraph` (see [`super::Paragraph::variant`]) that paragraph is edited; without one,
    /// what is shown, and the result takes the place of every paragraph known here.
    EditConclusion {
        /// Which.
        id: EntryId,
        /// Which paragraph of a conclusion that was rewritten twice.
        paragraph: Option<String>,
        /// How it reads now.
        text: Words,
    },
    /// Sets or clears a deadline.
    SetDeadline {
        /// Which conclusion.
        id: EntryId,
        /// By when.
        deadline: Option<Date>,
    },
    /// Makes a member responsible, or not any more.
    SetResponsible {
        /// Which conclusion.
        id: EntryId,
        /// Who.
        member: MemberId,
        /// Responsible or not.
        on: bool,
    },
    /// Removes a conclusion.
    RemoveConclusion {
        /// Which.
        id: EntryId,
    },
    /// Edits a section of the narrative; only what differs is written.
    SetNarrative {
        /// Which.
        section: Section,
        /// How it reads now.
        text: Words,
    },
    /// Adds praise or a reminder.
    AddNote {
        /// Fresh id.
        id: EntryId,
        /// Which of the two.
        kind: NoteKind,
        /// The note.
        text: Words,
        /// Where in the list.
        place: Place,
    },
    /// Edits a note.
    EditNote {
        /// Which.
        id: EntryId,
        /// How it reads now.
        text: Words,
    },
    /// Removes a note.
    RemoveNote {
        /// Which.
        id: EntryId,
    },
    /// Notes a file that belongs to the meeting, e.g. photographed pages of handwritten minutes. Its bytes do not travel
    /// with the document; its hash says which file it was.
    Attach {
        /// Fresh id.
        id: EntryId,
        /// Name of the file.
        name: Words,
        /// Its media type, e.g. `image/jpeg`.
        media: Words,
        /// Its size.
        bytes: u32,
        /// BLAKE3 of its bytes.
        blake3: [u8; 32],
        /// Pages it shows.
        pages: u32,
    },
    /// Gives points.
    SetScore {
        /// Key of a criterion of the policy.
        criterion: String,
        /// Who gives them.
        scorer: MemberId,
        /// In hundredths; `None` takes them back.
        points: Option<u32>,
    },
    /// Settles an item of the review list.
    Settle {
        /// The item.
        item: String,
        /// The option taken.
        pick: String,
        /// Fresh id of the choice.
        id: EntryId,
    },
}

impl Command {
    /// Whether it may be carried out once the minutes are sealed, without writing into them: sending them up, and
    /// settling what the review list asks.
    pub fn may_follow_a_seal(&self) -> bool {
        matches!(self, Command::Send | Command::Settle { .. })
    }
}
