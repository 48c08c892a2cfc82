//! A meeting.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use sotay_engine::handbook::meeting::{
    Ballot, How, MeetingKind, Method, Need, NoteKind, Section, Stage, State,
};

use super::coded;
use super::paper::Paper;

#[derive(Debug, Args)]
#[command(after_long_help = "\
Commands work on the newest meeting, or on the one that --meeting names. People are named by their number on the
meeting's list, by name or by id; agenda items, speeches, motions and conclusions by their number in `meeting show` or by
the beginning of their id. A text may be - for standard input; put -- before a text that begins with a dash.

An evening:
  sotay meeting new --month 2026-12 --date 2026-12-05
  sotay meeting set --place 'Nhà văn hóa thôn' --start 19:30 --chair 1 --clerk 3
  sotay meeting open
  sotay meeting attend 1-38
  sotay meeting attend 12,19 --state excused --reason 'ốm'
  sotay meeting agenda add 'Nhiệm vụ tháng 12'
  sotay meeting speech add --by 5 'Đề nghị nạo vét mương trước vụ mùa.'
  sotay meeting motion add 'Nạo vét mương nội đồng' && sotay meeting motion open 1
  sotay meeting tally 1 --for 31 --against 1 --other 1
  sotay meeting confirm 1
  sotay meeting conclude 'Giao tổ 3 nạo vét mương.' --deadline 2026-12-20 --responsible 7,8
  sotay meeting set --end 21:05
  sotay meeting close
  sotay meeting minutes --out minutes.txt
  sotay meeting seal --check && sotay meeting seal      (the other one: sotay meeting countersign)")]
pub(crate) struct Meeting {
    /// Meeting: number in the list, month, day, or beginning of the id; the newest when left out.
    #[arg(long, global = true, value_name = "MEETING")]
    pub meeting: Option<String>,
    /// Write although the minutes are sealed (officers): it waits for an addendum or the next edition.
    #[arg(long, global = true)]
    pub amend: bool,
    #[command(subcommand)]
    pub command: MeetingCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MeetingCommand {
    /// Begin a meeting. The regular one of a month is the same on every phone, whoever begins it.
    New(New),
    /// List the meetings, newest first.
    List,
    /// Show everything recorded so far.
    Show,
    /// Who changed what when, in words, newest first.
    History {
        /// Lines to leave out at the beginning.
        #[arg(long, value_name = "LINES", default_value_t = 0)]
        skip: usize,
        /// Lines to show.
        #[arg(long, value_name = "LINES", default_value_t = 30)]
        lines: usize,
    },
    /// Take last month's tasks and the fees of the month into the minutes, as they stand.
    TakeIn,
    /// Print the canonical minutes and their SHA-256.
    Minutes(Minutes),
    /// The minutes, or an extract of one item, as an office document: HTML for printing, .docx, or text.
    Print(Print),
    /// Propose to seal the minutes as they stand, with your own signature as chair or minute-taker; the other one
    /// countersigns. Refused while an item of the review list blocks. Once sealed, this proposes the next edition.
    Seal(Seal),
    /// Sign what the other one proposed, once this phone holds the same.
    Countersign {
        /// Which, by the beginning of its id; the one that waits when left out.
        seal: Option<String>,
    },
    /// Take a seal back (the chair or the secretary).
    Withdraw {
        /// Which, by the beginning of its id.
        seal: String,
    },
    /// List the seals, and what was recorded after them.
    Seals,
    /// Write the seals into a file that anybody can check with `sotay verify`.
    SealFile {
        /// The file.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Note a file that belongs to the meeting, e.g. a photographed page of handwritten minutes: name, size and hash.
    Attach {
        /// The file; it stays where it is.
        file: PathBuf,
        /// Pages it shows.
        #[arg(long, value_name = "N", default_value_t = 1)]
        pages: u32,
    },
    /// Keep an official signature that was made elsewhere beside a seal.
    OutsideSignature {
        /// The signature's file.
        file: PathBuf,
        /// Which seal, by the beginning of its id; the one that stands when left out.
        #[arg(long, value_name = "SEAL")]
        seal: Option<String>,
        /// What kind it is: pades, cades or other.
        #[arg(long, value_name = "KIND", default_value = "other", value_parser = ["pades", "cades", "other"])]
        kind: String,
    },
    #[command(flatten)]
    Change(Change),
}

#[derive(Debug, Args)]
pub(crate) struct Seal {
    /// Only list what stands in the way, and which phones have not handed in what they wrote.
    #[arg(long, conflicts_with = "addendum")]
    pub check: bool,
    /// Propose to sign what was recorded after the seal as an addendum.
    #[arg(long)]
    pub addendum: bool,
}

#[derive(Debug, Args)]
pub(crate) struct New {
    /// Kind of meeting.
    #[arg(long, value_parser = coded::<MeetingKind>(), default_value = "regular")]
    pub kind: MeetingKind,
    /// Month of a regular or committee meeting, 2026-05; that of --date when left out.
    #[arg(long, value_name = "YYYY-MM")]
    pub month: Option<String>,
    /// Day, 2026-05-05 or 05/05/2026.
    #[arg(long, value_name = "DATE")]
    pub date: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Minutes {
    /// Write exactly the canonical text to this file; the hash is printed.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  sotay meeting print --out minutes.docx
  sotay meeting print --out extract.html --item 2
  sotay meeting print --item 2")]
pub(crate) struct Print {
    /// An extract: this item of the agenda and what was said, concluded and voted under it.
    #[arg(long, value_name = "ITEM")]
    pub item: Option<String>,
    #[command(flatten)]
    pub paper: Paper,
}

/// Everything that changes a meeting.
#[derive(Debug, Subcommand)]
pub(crate) enum Change {
    /// Fill in the heading: day, place, times, chair, clerk, number of the minutes.
    Set(Set),
    /// Note that members were invited.
    Convene,
    /// Open the meeting; its list of members is frozen now.
    Open,
    /// Note that the open meeting goes on to a stage.
    Stage {
        /// Which.
        #[arg(value_parser = coded::<Stage>())]
        stage: Stage,
    },
    /// Note that the minutes were read to the meeting and approved.
    ReadBack,
    /// Close the meeting.
    Close,
    /// Note that the minutes were sent up.
    Send,
    /// Mark who is there and who is not.
    Attend(Attend),
    /// Note that a member came late.
    Arrived {
        /// Who.
        member: String,
        /// When, 19:45, or none to take it back.
        time: String,
    },
    /// Note that a member left early.
    Left {
        /// Who.
        member: String,
        /// When, 20:30, or none to take it back.
        time: String,
    },
    /// Guests of the meeting.
    #[command(subcommand)]
    Guest(Guest),
    /// The agenda.
    #[command(subcommand)]
    Agenda(Agenda),
    /// Speeches, in the order in which they were held.
    #[command(subcommand)]
    Speech(Speech),
    /// Motions to vote on.
    #[command(subcommand)]
    Motion(Motion),
    /// Record a count of votes as taken on this phone; counting again replaces it.
    Tally(Tally),
    /// Confirm the count of one phone (the chair's word).
    Confirm {
        /// The motion.
        motion: String,
        /// Label of the phone whose count holds; not needed when there is one count.
        #[arg(long, value_name = "PHONE")]
        of: Option<String>,
    },
    /// Record one member's open vote.
    Vote(Vote),
    /// Record a conclusion.
    Conclude(Conclude),
    /// Change or remove a conclusion.
    #[command(subcommand)]
    Conclusion(ConclusionChange),
    /// Set or clear the deadline of a conclusion.
    Deadline {
        /// The conclusion.
        conclusion: String,
        /// Day, 2026-05-20 or 20/05/2026, or none.
        date: String,
    },
    /// Write a section of the minutes in your own words; only what differs is recorded.
    Narrative {
        /// Which section.
        #[arg(value_parser = coded::<Section>())]
        section: Section,
        /// How it reads now, or - for standard input.
        text: String,
    },
    /// Praise and reminders.
    #[command(subcommand)]
    Note(Note),
    /// Give points for a criterion of the policy.
    Score {
        /// Key of the criterion, e.g. preparation.
        criterion: String,
        /// Points, e.g. 17,5 or none to take them back.
        points: String,
        /// Who gives them.
        #[arg(long, value_name = "MEMBER")]
        by: String,
    },
}

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("what").required(true).multiple(true)))]
pub(crate) struct Set {
    /// Day of the meeting, 2026-05-05 or 05/05/2026.
    #[arg(long, value_name = "DATE", group = "what")]
    pub date: Option<String>,
    /// Where.
    #[arg(long, value_name = "PLACE", group = "what")]
    pub place: Option<String>,
    /// When it began: 19:30 on its day, or 2026-05-05T19:30.
    #[arg(long, value_name = "TIME", group = "what")]
    pub start: Option<String>,
    /// When it ended.
    #[arg(long, value_name = "TIME", group = "what")]
    pub end: Option<String>,
    /// Who chairs.
    #[arg(long, value_name = "MEMBER", group = "what")]
    pub chair: Option<String>,
    /// Who takes the minutes.
    #[arg(long, value_name = "MEMBER", group = "what")]
    pub clerk: Option<String>,
    /// Number of the minutes, e.g. 05-BB/CB.
    #[arg(long, value_name = "NUMBER", group = "what")]
    pub number: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  sotay meeting attend 1-20,25
  sotay meeting attend all
  sotay meeting attend 'Trần Thị Bình',19 --state excused --reason 'ốm'")]
pub(crate) struct Attend {
    /// Who: numbers, ranges, names or ids with commas between them, or all.
    pub members: String,
    /// There or not.
    #[arg(long, value_parser = coded::<State>(), default_value = "present")]
    pub state: State,
    /// Why absent.
    #[arg(long, value_name = "REASON")]
    pub reason: Option<String>,
    /// How it was recorded.
    #[arg(long, value_parser = coded::<How>(), default_value = "roll-call")]
    pub how: How,
}

/// A member or a guest.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("who").required(true)))]
pub(crate) struct Who {
    /// The member who speaks.
    #[arg(long, value_name = "MEMBER", group = "who")]
    pub by: Option<String>,
    /// The guest who speaks.
    #[arg(long, value_name = "GUEST", group = "who")]
    pub guest: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Guest {
    /// Add a guest.
    Add {
        /// Office and name, as printed.
        label: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Agenda {
    /// Add an item at the end.
    Add {
        /// Its title.
        title: String,
        /// The member who presents it.
        #[arg(long, value_name = "MEMBER")]
        presenter: Option<String>,
    },
    /// Reword an item.
    Edit {
        /// Which.
        item: String,
        /// How it reads now.
        title: String,
    },
    /// Remove an item. If somebody edits it elsewhere, it comes back, marked.
    Remove {
        /// Which.
        item: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Speech {
    /// Note what somebody said.
    Add {
        #[command(flatten)]
        who: Who,
        /// What was said, in short, or - for standard input.
        text: String,
        /// To which item of the agenda.
        #[arg(long, value_name = "ITEM")]
        agenda: Option<String>,
    },
    /// Edit a speech; only what differs is recorded.
    Edit {
        /// Which.
        speech: String,
        /// How it reads now, or - for standard input.
        text: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Motion {
    /// Prepare a vote.
    Add {
        /// The question, or - for standard input.
        text: String,
        /// To which item of the agenda.
        #[arg(long, value_name = "ITEM")]
        agenda: Option<String>,
        /// How it is voted on.
        #[arg(long, value_parser = coded::<Method>(), default_value = "hands")]
        method: Method,
        /// What it needs.
        #[arg(long, value_parser = coded::<Need>(), default_value = "majority")]
        need: Need,
    },
    /// Reword a question whose vote is not open yet.
    Edit {
        /// Which.
        motion: String,
        /// How it reads now, or - for standard input.
        text: String,
    },
    /// Say when a vote was held, if a phone's clock was wrong or it was opened late.
    Time {
        /// Which.
        motion: String,
        /// When, 20:15.
        time: String,
    },
    /// Open the vote: question and voters are frozen now.
    Open {
        /// Which.
        motion: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Tally {
    /// The motion.
    pub motion: String,
    /// Votes for it.
    #[arg(long = "for", value_name = "N")]
    pub for_: u32,
    /// Votes against it.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub against: u32,
    /// Other opinions.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub other: u32,
    /// Invalid papers.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub invalid: u32,
    /// Who counted the papers.
    #[arg(long, value_name = "MEMBERS")]
    pub board: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Vote {
    /// The motion.
    pub motion: String,
    /// The vote.
    #[arg(value_parser = coded::<Ballot>())]
    pub ballot: Ballot,
    /// Whose vote.
    #[arg(long, value_name = "MEMBER")]
    pub by: String,
    /// How it was given.
    #[arg(long, value_parser = coded::<How>(), default_value = "helper")]
    pub how: How,
}

#[derive(Debug, Args)]
pub(crate) struct Conclude {
    /// What was concluded, or - for standard input.
    pub text: String,
    /// By when, 2026-05-20 or 20/05/2026.
    #[arg(long, value_name = "DATE")]
    pub deadline: Option<String>,
    /// Who is responsible, with commas between them.
    #[arg(long, value_name = "MEMBERS")]
    pub responsible: Option<String>,
    /// To which item of the agenda.
    #[arg(long, value_name = "ITEM")]
    pub agenda: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConclusionChange {
    /// Reword a conclusion; only what differs is recorded.
    Edit {
        /// Which.
        conclusion: String,
        /// How it reads now, or - for standard input.
        text: String,
        /// Which paragraph, when it was rewritten on two phones: its number in `meeting show`.
        #[arg(long, value_name = "N")]
        paragraph: Option<usize>,
    },
    /// Make members responsible.
    Responsible {
        /// Which.
        conclusion: String,
        /// Who, with commas between them.
        members: String,
        /// They are not responsible any more.
        #[arg(long)]
        off: bool,
    },
    /// Remove a conclusion. If somebody edits it elsewhere, it comes back, marked.
    Remove {
        /// Which.
        conclusion: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Note {
    /// Add praise or a reminder.
    Add {
        /// Which of the two.
        #[arg(value_parser = coded::<NoteKind>())]
        kind: NoteKind,
        /// The note, or - for standard input.
        text: String,
    },
    /// Edit a note.
    Edit {
        /// Which.
        note: String,
        /// How it reads now, or - for standard input.
        text: String,
    },
    /// Remove a note.
    Remove {
        /// Which.
        note: String,
    },
}

impl Change {
    /// The argument that may be `-` for standard input.
    pub fn text_mut(&mut self) -> Option<&mut String> {
        match self {
            Change::Speech(Speech::Add { text, .. } | Speech::Edit { text, .. })
            | Change::Motion(Motion::Add { text, .. } | Motion::Edit { text, .. })
            | Change::Conclude(Conclude { text, .. })
            | Change::Conclusion(ConclusionChange::Edit { text, .. })
            | Change::Narrative { text, .. }
            | Change::Note(Note::Add { text, .. } | Note::Edit { text, .. }) => Some(text),
            _ => None,
        }
    }
}
