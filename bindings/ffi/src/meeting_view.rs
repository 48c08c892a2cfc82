//! A whole meeting as one record: a call over the bridge costs far more than a field.

use crate::commands::Tally;
use crate::kinds::{
    AttendanceState, Ballot, MeetingKind, MeetingStep, MemberActivity, MemberRole, MemberStanding,
    NarrativeSection, NotCounted, NoteKind, RecordedHow, VoteMethod, VoteNeed,
};

/// Which phone recorded something, and what its clock showed.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct MarkView {
    /// The device, in hexadecimal.
    pub device: String,
    /// Its label, or the beginning of its id.
    pub label: String,
    /// Milliseconds since 1970 UTC, by that phone's clock. Shown, never deciding.
    pub at_ms: i64,
}

/// How a contradiction stands.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum ContestState {
    /// There is none.
    Agreed,
    /// There is one, and an item of the review list asks about it.
    Open,
    /// Somebody chose.
    Settled {
        /// The option taken.
        pick: String,
        /// Who chose, and when.
        by: MarkView,
    },
}

/// One of several values of the same thing.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct VersionView {
    /// The value, as text: words, an ISO day or time, an id, or the key of a closed list.
    pub value: String,
    /// Its name in choices.
    pub tag: String,
    /// Who recorded it.
    pub marks: Vec<MarkView>,
}

/// A field of the heading that two phones filled differently.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ContestedField {
    /// Name of the field in [`MeetingView`].
    pub field: String,
    /// The values.
    pub versions: Vec<VersionView>,
    /// Whether it is settled.
    pub contest: ContestState,
}

/// Somebody, with the name known here.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct PersonView {
    /// Id of the member, or of the guest's entry.
    pub id: String,
    /// Whether it is a guest.
    pub guest: bool,
    /// Name of the member or label of the guest, if known here.
    pub name: Option<String>,
}

/// A whole meeting.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct MeetingView {
    /// Its document.
    pub id: String,
    /// Kind.
    pub kind: Option<MeetingKind>,
    /// Month of a monthly meeting: `2025-05`.
    pub month: Option<String>,
    /// Day.
    pub date: Option<String>,
    /// Where.
    pub place: Option<String>,
    /// Number of the minutes.
    pub number: Option<String>,
    /// When it began.
    pub start: Option<String>,
    /// When it ended.
    pub end: Option<String>,
    /// Who chairs.
    pub chair: Option<PersonView>,
    /// Who takes the minutes.
    pub clerk: Option<PersonView>,
    /// Fields above that have more than one value.
    pub contested: Vec<ContestedField>,
    /// The furthest step taken; none while it is prepared.
    pub phase: Option<MeetingStep>,
    /// All steps, by step, then by device.
    pub steps: Vec<StepView>,
    /// Whether the meeting froze its list of members; otherwise it is the roster's.
    pub roll_frozen: bool,
    /// Members whose frozen line two phones have differently.
    pub roll_contested: Vec<String>,
    /// Guests, by label.
    pub guests: Vec<PersonView>,
    /// One line for everybody on the list, in its order.
    pub attendance: Vec<AttendanceLineView>,
    /// Members who were marked and are not on the list.
    pub strangers: Vec<PersonView>,
    /// Sums.
    pub counts: AttendanceSums,
    /// Whether anybody marked anything.
    pub attendance_taken: bool,
    /// Items in order.
    pub agenda: Vec<AgendaView>,
    /// Speeches in order.
    pub speeches: Vec<SpeechView>,
    /// Votes in order.
    pub motions: Vec<MotionView>,
    /// Conclusions in order.
    pub conclusions: Vec<ConclusionView>,
    /// Sections of the narrative that are not empty.
    pub narrative: Vec<NarrativeView>,
    /// Praise and reminders in order.
    pub notes: Vec<NoteView>,
    /// Scores, by criterion.
    pub scores: Vec<ScoreView>,
    /// Sum of the averages, in hundredths; none when nothing was scored.
    pub total_points: Option<u32>,
    /// Entries that were removed and are not shown.
    pub removed: Vec<String>,
}

/// A step somebody recorded.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct StepView {
    /// Which.
    pub step: MeetingStep,
    /// By whom, when.
    pub mark: MarkView,
    /// Of a seal: SHA-256 of the minutes, in hexadecimal.
    pub minutes: Option<String>,
}

/// One member at one meeting.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct AttendanceLineView {
    /// Who.
    pub member: String,
    /// Name, if known here.
    pub name: Option<String>,
    /// Place in the list.
    pub number: u32,
    /// Office.
    pub role: MemberRole,
    /// Party group, if the unit has groups.
    pub group: Option<String>,
    /// MemberStanding.
    pub standing: MemberStanding,
    /// MemberActivity.
    pub activity: MemberActivity,
    /// In the base of the rate.
    pub must_attend: bool,
    /// May vote.
    pub voter: bool,
    /// There or not, as shown.
    pub state: AttendanceState,
    /// How that was recorded.
    pub how: Option<RecordedHow>,
    /// Why absent.
    pub reason: Option<String>,
    /// Everything that was recorded, by device; corrected marks stay.
    pub entries: Vec<AttendanceEntryView>,
    /// How many different states stand against each other; 0 or 1 when they agree.
    pub ways: u32,
    /// Whether that is settled.
    pub contest: ContestState,
    /// When they came, if late.
    pub arrived: Option<String>,
    /// When they went, if early.
    pub left: Option<String>,
}

/// One mark of attendance.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct AttendanceEntryView {
    /// By whom, when.
    pub mark: MarkView,
    /// There or not.
    pub state: AttendanceState,
    /// How it was recorded.
    pub how: RecordedHow,
    /// Why absent.
    pub reason: Option<String>,
    /// Somebody who knew this mark corrected it.
    pub corrected: bool,
}

/// Sums of an attendance list. The states add up to `total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct AttendanceSums {
    /// On the list.
    pub total: u32,
    /// There.
    pub present: u32,
    /// Of these full members.
    pub present_full: u32,
    /// Of these probationary members.
    pub present_probationary: u32,
    /// Absent with a reason.
    pub excused: u32,
    /// Absent without one.
    pub unexcused: u32,
    /// Exempt.
    pub exempt: u32,
    /// Away.
    pub away: u32,
    /// Not marked.
    pub unmarked: u32,
    /// Base of the rate.
    pub must_attend: u32,
    /// Of the base, those there.
    pub must_attend_present: u32,
}

/// Removal of an entry that is shown all the same, because it was edited elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct RemovalView {
    /// Who removed it, when; empty if nobody did.
    pub marks: Vec<MarkView>,
    /// Whether that is settled.
    pub contest: ContestState,
}

/// An item of the agenda.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct AgendaView {
    /// Id.
    pub id: String,
    /// Title.
    pub title: String,
    /// Who presents it.
    pub presenter: Option<PersonView>,
    /// Whether it was removed elsewhere.
    pub removal: RemovalView,
}

/// A speech.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct SpeechView {
    /// Id.
    pub id: String,
    /// Who spoke.
    pub speaker: Option<PersonView>,
    /// To which item.
    pub agenda: Option<String>,
    /// What was said.
    pub text: String,
    /// Label of the phone that noted it.
    pub noted_by: Option<String>,
}

/// A vote.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct MotionView {
    /// Id.
    pub id: String,
    /// To which item.
    pub agenda: Option<String>,
    /// The question: as frozen, once the vote is open.
    pub text: String,
    /// How it is held.
    pub method: VoteMethod,
    /// What it needs.
    pub need: VoteNeed,
    /// Whether the vote is open.
    pub opened: bool,
    /// Who opened it, when.
    pub opened_by: Vec<MarkView>,
    /// When, by the wall clock.
    pub opened_at: Option<String>,
    /// Who may vote, frozen.
    pub eligible: Vec<String>,
    /// Versions of the frozen question; more than one when two phones opened different ones.
    pub versions: Vec<VersionView>,
    /// Whether that is settled.
    pub versions_contest: ContestState,
    /// How the question reads in the draft, if it was reworded after the vote was opened.
    pub reworded: Option<String>,
    /// Whether that is settled.
    pub reworded_contest: ContestState,
    /// Eligible voters who were there when the vote was opened.
    pub present: u32,
    /// Counts, one for each phone that counted.
    pub tallies: Vec<TallyView>,
    /// Whether they differ, and whether one of them was confirmed.
    pub tally_contest: ContestState,
    /// Ballots by name, in the order of the list.
    pub ballots: Vec<BallotView>,
    /// The result, as far as there is one.
    pub outcome: Option<OutcomeView>,
}

/// Does a count add up to the voters present?
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum TallyFit {
    /// It does.
    Exact,
    /// Votes are missing.
    Short {
        /// How many.
        votes: u32,
    },
    /// There are too many votes.
    Over {
        /// How many.
        votes: u32,
    },
    /// Attendance was not taken.
    Unknown,
}

/// A count as one phone has it.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct TallyView {
    /// By whom, when.
    pub mark: MarkView,
    /// The votes.
    pub counts: Tally,
    /// Members who counted paper ballots.
    pub board: Vec<String>,
    /// Whether it adds up.
    pub fit: TallyFit,
    /// Contest about a count with too many votes.
    pub over_contest: ContestState,
}

/// What was recorded of one member's ballot.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct BallotView {
    /// Whose.
    pub member: PersonView,
    /// The ballot that counts.
    pub counted: Option<Ballot>,
    /// Everything recorded, by device.
    pub entries: Vec<BallotEntryView>,
    /// Whether a contradiction is settled.
    pub contest: ContestState,
    /// Why it does not count at all.
    pub not_counted: Option<NotCounted>,
}

/// One record of a ballot.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct BallotEntryView {
    /// By whom, when.
    pub mark: MarkView,
    /// The vote.
    pub ballot: Ballot,
    /// How it was given.
    pub how: RecordedHow,
}

/// A result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct OutcomeView {
    /// The votes.
    pub counts: Tally,
    /// Base of the percentage: the eligible voters.
    pub base: u32,
    /// Eligible voters present.
    pub present: u32,
    /// Whether it is enough.
    pub passed: bool,
    /// Whether the chair confirmed the count; votes by name need no confirmation.
    pub confirmed: bool,
    /// Members whose two ballots contradict each other: counted in neither.
    pub pending: u32,
}

/// A conclusion.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ConclusionView {
    /// Id.
    pub id: String,
    /// To which item.
    pub agenda: Option<String>,
    /// What is shown: one paragraph, or several that were rewritten apart.
    pub paragraphs: Vec<ParagraphView>,
    /// Paragraphs that a choice set aside.
    pub set_aside: Vec<ParagraphView>,
    /// Whether rewriting is contested.
    pub text_contest: ContestState,
    /// By when.
    pub deadline: Option<String>,
    /// Whether that has two values.
    pub deadline_contest: ContestState,
    /// Who is responsible, in the order of the list.
    pub responsible: Vec<PersonView>,
    /// Whether it was removed elsewhere.
    pub removal: RemovalView,
}

/// A paragraph of a conclusion, by whoever wrote it last.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ParagraphView {
    /// Its key, for editing it alone.
    pub variant: String,
    /// How it reads.
    pub text: String,
    /// Label of the phone that wrote it; a screen tints it by this.
    pub by: String,
}

/// A section of the narrative.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct NarrativeView {
    /// Which.
    pub section: NarrativeSection,
    /// How it reads.
    pub text: String,
}

/// Praise or a reminder.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct NoteView {
    /// Id.
    pub id: String,
    /// Which of the two.
    pub kind: NoteKind,
    /// The note.
    pub text: String,
    /// Whether it was removed elsewhere.
    pub removal: RemovalView,
}

/// Points for one criterion.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ScoreView {
    /// Key of the criterion.
    pub criterion: String,
    /// Points by scorer.
    pub points: Vec<PointsView>,
    /// Average over the scorers, in hundredths, rounded half up.
    pub average: Option<u32>,
    /// Most points the policy allows, in hundredths.
    pub most: u32,
}

/// Points of one scorer.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct PointsView {
    /// Who gives them.
    pub scorer: PersonView,
    /// In hundredths.
    pub points: Option<u32>,
    /// Whether there are two values.
    pub contest: ContestState,
}
