//! What a screen needs of a meeting: immutable values in a fixed order, equal on all devices with the same records.

use serde::Serialize;
use sotay_feed::{DeviceId, DocId, InOrder, MemberId};

use super::command::TallyCount;
use super::kinds::{Ballot, How, MeetingKind, Method, Need, NoteKind, Section, Stage, State, Step};
use super::taken::{TakenFees, TakenTask};
use crate::claim::{Claim, Contest, Field, Mark, Tag};
use crate::date::{Date, LocalTime, Month};
use crate::ids::{EntryId, ser};
use crate::roster::{Roll, RollLine};
use crate::words::Words;

/// Somebody who speaks or presents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Person {
    /// A member of the unit.
    Member(#[serde(serialize_with = "ser::id")] MemberId),
    /// A guest of the meeting.
    Guest(EntryId),
}

/// A whole meeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MeetingView {
    /// Which document.
    #[serde(serialize_with = "ser::id")]
    pub id: DocId,
    /// Kind.
    pub kind: Field<MeetingKind>,
    /// Month of a monthly meeting.
    pub month: Field<Month>,
    /// Day.
    pub date: Field<Date>,
    /// Where.
    pub place: Field<Words>,
    /// Number of the minutes.
    pub number: Field<Words>,
    /// When it began.
    pub start: Field<LocalTime>,
    /// When it ended.
    pub end: Field<LocalTime>,
    /// Who chairs.
    pub chair: Field<Person>,
    /// Who takes the minutes.
    pub clerk: Field<Person>,
    /// The furthest step taken; `None` while it is prepared.
    pub phase: Option<Step>,
    /// The furthest stage entered, of an open meeting.
    pub stage: Option<Stage>,
    /// All steps, by step, then by device.
    pub steps: Vec<StepTaken>,
    /// The list of members the meeting goes by.
    pub roll: Roll,
    /// Whether the meeting froze that list; otherwise it is the roster's.
    pub roll_frozen: bool,
    /// Lines of the frozen list that two phones froze differently.
    pub roll_contests: Vec<RollContest>,
    /// Guests, by label.
    pub guests: Vec<Guest>,
    /// Who was there.
    pub attendance: Attendance,
    /// Last month's tasks, as the meeting heard of them.
    pub taken_tasks: Vec<TakenTask>,
    /// Fees collected, as the meeting heard of them.
    pub taken_fees: Option<TakenFees>,
    /// Items in order.
    pub agenda: Vec<AgendaItem>,
    /// Speeches in order.
    pub speeches: Vec<Speech>,
    /// Votes in order.
    pub motions: Vec<Motion>,
    /// Conclusions in order.
    pub conclusions: Vec<Conclusion>,
    /// Sections of the narrative that are not empty.
    pub narrative: Vec<(Section, Words)>,
    /// Praise and reminders in order.
    pub notes: Vec<Note>,
    /// Scores, by criterion in the order of the policy.
    pub scores: Vec<ScoreLine>,
    /// Files that belong to the meeting, by id.
    pub attachments: Vec<Attachment>,
    /// Entries that were removed and are not shown.
    pub removed: Vec<EntryId>,
    /// Other meetings of the same period that an officer linked with this one.
    pub linked: Vec<Linked>,
}

/// A file that belongs to the meeting: what is known of it beside its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attachment {
    /// Id.
    pub id: EntryId,
    /// Name of the file.
    pub name: Words,
    /// Its media type.
    pub media: Words,
    /// Its size.
    pub bytes: u32,
    /// BLAKE3 of its bytes, in hexadecimal.
    pub blake3: String,
    /// Pages it shows.
    pub pages: u32,
    /// Who noted it, when.
    pub mark: Mark,
}

/// Another meeting of the same period, known to belong to this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Linked {
    /// The other meeting.
    #[serde(serialize_with = "ser::id")]
    pub meeting: DocId,
    /// Who linked them.
    pub mark: Mark,
}

/// A step somebody recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepTaken {
    /// Which.
    pub step: Step,
    /// By whom, when.
    pub mark: Mark,
    /// Of a seal: hash of the minutes, in hexadecimal.
    pub minutes: Option<String>,
}

/// A line of the frozen list with more than one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RollContest {
    /// Whose line.
    #[serde(serialize_with = "ser::id")]
    pub member: MemberId,
    /// The versions.
    pub claims: Vec<Claim<RollLine>>,
    /// Whether it is settled.
    pub contest: Contest,
}

/// A guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Guest {
    /// Id.
    pub id: EntryId,
    /// Office and name.
    pub label: Words,
}

/// Attendance of a meeting.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Attendance {
    /// One line for everybody on the list, in its order.
    pub lines: Vec<AttendanceLine>,
    /// Marks about people who are not on the list.
    pub strangers: Vec<Stranger>,
    /// Sums.
    pub counts: AttendanceCounts,
    /// Whether anybody marked anything.
    pub taken: bool,
}

/// One member at one meeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttendanceLine {
    /// The member as the list has them.
    #[serde(flatten)]
    pub line: RollLine,
    /// In the base of the rate.
    pub must_attend: bool,
    /// May vote.
    pub voter: bool,
    /// There or not, as shown.
    pub state: State,
    /// How that was recorded.
    pub how: Option<How>,
    /// Why absent.
    pub reason: Option<Words>,
    /// Everything that was recorded, by device; corrected marks stay.
    pub entries: Vec<AttendanceEntry>,
    /// How many different states stand against each other ("2 cách ghi"); 0 or 1 when they agree.
    pub ways: u32,
    /// Whether that is settled.
    pub contest: Contest,
    /// When they came, if late; the earliest time when phones differ.
    pub arrived: Field<LocalTime>,
    /// When they went, if early; the earliest time when phones differ.
    pub left: Field<LocalTime>,
}

/// One mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttendanceEntry {
    /// By whom, when.
    pub mark: Mark,
    /// There or not.
    pub state: State,
    /// How it was recorded.
    pub how: How,
    /// Why absent.
    pub reason: Option<Words>,
    /// Its name in choices.
    pub tag: Tag,
    /// Somebody who knew this mark corrected it.
    pub corrected: bool,
}

/// Marks about somebody who is not on the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stranger {
    /// Who.
    #[serde(serialize_with = "ser::id")]
    pub member: MemberId,
    /// The marks.
    pub entries: Vec<AttendanceEntry>,
}

/// Sums of an attendance list. The states add up to `total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct AttendanceCounts {
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

/// An item of the agenda.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AgendaItem {
    /// Id.
    pub id: EntryId,
    /// Title.
    pub title: Words,
    /// Who presents it.
    pub presenter: Option<Person>,
    /// Whether it was removed elsewhere.
    pub removal: Removal,
}

/// A removal of an entry that is shown all the same, because it was edited elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Removal {
    /// Who removed it, when.
    pub marks: Vec<Mark>,
    /// Whether that is settled.
    pub contest: Contest,
    /// Claims a choice made now has seen.
    #[serde(skip)]
    pub(crate) seen: Vec<Tag>,
}

/// A speech.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Speech {
    /// Id.
    pub id: EntryId,
    /// Who spoke.
    pub speaker: Option<Person>,
    /// To which item.
    pub agenda: Option<EntryId>,
    /// What was said.
    pub text: Words,
    /// Whose phone noted it.
    #[serde(serialize_with = "ser::opt")]
    pub noted_by: Option<DeviceId>,
}

/// A vote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Motion {
    /// Id.
    pub id: EntryId,
    /// To which item.
    pub agenda: Option<EntryId>,
    /// The question: as frozen, once the vote is open.
    pub text: Words,
    /// How it is held.
    pub method: Method,
    /// What it needs.
    pub need: Need,
    /// Whether the vote is open.
    pub opened: bool,
    /// Who opened it, when.
    pub opened_by: Vec<Mark>,
    /// When, by the wall clock: as somebody recorded it, else by the clock of the phone that opened it.
    pub opened_at: Option<LocalTime>,
    /// What was recorded about when.
    pub time: Field<LocalTime>,
    /// Who may vote, frozen.
    #[serde(serialize_with = "ser::list")]
    pub eligible: Vec<MemberId>,
    /// Versions of the frozen question; more than one when two phones opened different ones.
    pub versions: Vec<Claim<Words>>,
    /// Whether that is settled.
    pub versions_contest: Contest,
    /// How the question reads in the draft, if somebody reworded it after the vote was opened.
    pub reworded: Option<Words>,
    /// Whether that is settled.
    pub reworded_contest: Contest,
    /// Eligible voters who were there when the vote was opened.
    pub present: u32,
    /// Counts, one for each phone that counted.
    pub tallies: Vec<TallyClaim>,
    /// Whether they differ, and whether one of them was confirmed.
    pub tally_contest: Contest,
    /// Ballots by name, in the order of the list.
    pub ballots: Vec<VoterBallot>,
    /// The result, as far as there is one.
    pub outcome: Option<Outcome>,
    #[serde(skip)]
    pub(crate) reworded_seen: Vec<Tag>,
}

/// A count as one phone has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TallyClaim {
    /// By whom, when.
    pub mark: Mark,
    /// The votes.
    pub counts: TallyCount,
    /// Who counted paper ballots.
    #[serde(serialize_with = "ser::list")]
    pub board: Vec<MemberId>,
    /// Its name in choices.
    pub tag: Tag,
    /// Whether it adds up to the voters present.
    pub fit: TallyFit,
    /// Contest about a count with more votes than voters present.
    pub over_contest: Contest,
}

/// Does a count add up to the voters present?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TallyFit {
    /// It does.
    Exact,
    /// So many votes are missing.
    Short(u32),
    /// So many votes are too many.
    Over(u32),
    /// Attendance was not taken.
    Unknown,
}

/// What was recorded of one member's ballot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VoterBallot {
    /// Whose.
    #[serde(serialize_with = "ser::id")]
    pub member: MemberId,
    /// The ballot that counts; `None` while two contradict each other, and for who may not vote.
    pub counted: Option<Ballot>,
    /// Everything recorded, by device.
    pub entries: Vec<BallotEntry>,
    /// Whether a contradiction is settled.
    pub contest: Contest,
    /// Why it does not count at all.
    pub not_counted: Option<NotCounted>,
}

/// One record of a ballot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BallotEntry {
    /// By whom, when.
    pub mark: Mark,
    /// The vote.
    pub ballot: Ballot,
    /// How it was given.
    pub how: How,
}

/// Why a ballot does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NotCounted {
    /// Probationary members do not vote.
    Probationary,
    /// Temporarily attached members do not vote here.
    Attached,
    /// Not on the list of voters for another reason.
    NotEligible,
}

/// A result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The votes.
    pub counts: TallyCount,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conclusion {
    /// Id.
    pub id: EntryId,
    /// To which item.
    pub agenda: Option<EntryId>,
    /// What is shown: one paragraph, or several that were rewritten apart.
    pub paragraphs: Vec<Paragraph>,
    /// Paragraphs that a choice set aside.
    pub set_aside: Vec<Paragraph>,
    /// Whether rewriting is contested.
    pub text_contest: Contest,
    /// By when.
    pub deadline: Field<Option<Date>>,
    /// Who is responsible, in the order of the list.
    #[serde(serialize_with = "ser::list")]
    pub responsible: Vec<MemberId>,
    /// Whether it was removed elsewhere.
    pub removal: Removal,
}

impl Conclusion {
    /// The deadline to show.
    pub fn due(&self) -> Option<Date> {
        self.deadline.value.flatten()
    }
}

/// A paragraph of a conclusion, by whoever wrote it last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Paragraph {
    /// Its key, for [`super::Command::EditConclusion`].
    pub variant: String,
    /// How it reads.
    pub text: Words,
    /// Whose phone wrote it; a screen tints it by this.
    #[serde(serialize_with = "ser::id")]
    pub by: DeviceId,
    /// Its name in choices.
    pub tag: Tag,
}

/// Praise or a reminder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// Id.
    pub id: EntryId,
    /// Which of the two.
    pub kind: NoteKind,
    /// The note.
    pub text: Words,
    /// Whether it was removed elsewhere.
    pub removal: Removal,
}

/// Points for one criterion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScoreLine {
    /// Key of the criterion.
    pub criterion: String,
    /// Points by scorer, in hundredths.
    pub points: Vec<(Person, Field<Option<u32>>)>,
    /// Average over the scorers, in hundredths, rounded half up; `None` when nobody scored.
    pub average: Option<u32>,
    /// Most points the policy allows, in hundredths.
    pub most: u32,
}

impl MeetingView {
    /// Notes that the minutes are sealed, which the document itself does not know.
    pub fn note_seal(&mut self, mark: Mark, minutes: String) {
        self.steps.push(StepTaken {
            step: Step::Sealed,
            mark,
            minutes: Some(minutes),
        });
        self.steps.in_order_by_key(|taken| (taken.step, taken.mark));
        self.phase = self.steps.iter().map(|taken| taken.step).max();
    }

    /// Label of a guest.
    pub fn guest(&self, id: EntryId) -> Option<&Guest> {
        self.guests.iter().find(|guest| guest.id == id)
    }

    /// Kind and month, for kinds of which there is one meeting a month.
    pub fn period(&self) -> Option<(MeetingKind, Month)> {
        period(
            self.kind.value,
            self.month.value.or(self.date.value.map(Date::month)),
        )
    }

    /// A member's line.
    pub fn line(&self, member: MemberId) -> Option<&AttendanceLine> {
        self.attendance
            .lines
            .iter()
            .find(|line| line.line.member == member)
    }

    /// A motion.
    pub fn motion(&self, id: EntryId) -> Option<&Motion> {
        self.motions.iter().find(|motion| motion.id == id)
    }

    /// A conclusion that is shown.
    pub fn conclusion(&self, id: EntryId) -> Option<&Conclusion> {
        self.conclusions.iter().find(|conclusion| conclusion.id == id)
    }

    /// Sum of the averages of all criteria, in hundredths; `None` when nothing was scored.
    pub fn total_points(&self) -> Option<u32> {
        let scored: Vec<u32> = self.scores.iter().filter_map(|line| line.average).collect();
        if scored.is_empty() {
            None
        } else {
            Some(scored.iter().sum())
        }
    }
}

/// Of monthly kinds there is one meeting a month.
pub(super) fn period(kind: Option<MeetingKind>, month: Option<Month>) -> Option<(MeetingKind, Month)> {
    Some((kind.filter(|kind| kind.is_monthly())?, month?))
}
