//! The documents of a year: tasks, fees, ratings, resolutions, reports, directives.

use clap::{Args, Subcommand};
use sotay_engine::handbook::rating::Column;
use sotay_engine::handbook::resolution::Part;
use sotay_engine::handbook::tasks::TaskStatus;

use super::coded;
use super::paper::Paper;

#[derive(Debug, Args)]
#[command(after_long_help = "\
Steps and seals, opened votes, ballots, choices, lines of the ledger and reports are never taken back; what somebody has
built on since is not either. Undoing again undoes the action before.")]
pub(crate) struct Undo {
    /// Meeting: number in the list, month, day, or beginning of the id; the newest when left out.
    #[arg(long, value_name = "MEETING", conflicts_with = "document")]
    pub meeting: Option<String>,
    /// Another document: the beginning of its id, as review --all and resolution list show it.
    #[arg(long, value_name = "ID")]
    pub document: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  sotay tasks                                  the tasks of this year
  sotay tasks from-meeting                     a task of each conclusion of the newest meeting
  sotay tasks add 'Nạo vét mương N3' --people 8,6 --deadline 25/05/2026
  sotay tasks report 1 done --result 'đã vét 400 m'
  sotay tasks reopen 1 --reason 'còn đoạn cuối'
Tasks are named by their number in the list or by the beginning of their id.")]
pub(crate) struct Tasks {
    /// Year; this one when left out.
    #[arg(long, global = true, value_name = "YYYY")]
    pub year: Option<i32>,
    #[command(subcommand)]
    pub command: Option<TasksCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TasksCommand {
    /// List them by deadline (the default).
    List,
    /// List your own open tasks.
    Mine,
    /// Add a task.
    Add {
        /// What is to be done.
        what: String,
        /// Who is responsible: numbers, ranges, names or ids with commas between them.
        #[arg(long, value_name = "MEMBERS")]
        people: Option<String>,
        /// By when.
        #[arg(long, value_name = "DATE")]
        deadline: Option<String>,
    },
    /// Make a task of each conclusion of a meeting that has none yet.
    FromMeeting {
        /// Meeting: number in the list, month, day, or beginning of the id; the newest when left out.
        #[arg(long, value_name = "MEETING")]
        meeting: Option<String>,
    },
    /// Reword a task.
    Edit {
        /// Which.
        task: String,
        /// What is to be done.
        what: String,
    },
    /// Set or clear a deadline.
    Deadline {
        /// Which.
        task: String,
        /// Day, or none.
        date: String,
    },
    /// Make members responsible, or not any more.
    People {
        /// Which.
        task: String,
        /// Who.
        members: String,
        /// Not any more.
        #[arg(long)]
        off: bool,
    },
    /// Say how far a task is; accepting is for officers.
    Report {
        /// Which.
        task: String,
        /// How far.
        #[arg(value_parser = coded::<TaskStatus>())]
        status: TaskStatus,
        /// What came of it.
        #[arg(long, value_name = "TEXT")]
        result: Option<String>,
    },
    /// Begin a new round: what was done was not enough.
    Reopen {
        /// Which.
        task: String,
        /// Why.
        #[arg(long, value_name = "REASON")]
        reason: Option<String>,
    },
    /// Withdraw a task that was a mistake.
    Withdraw {
        /// Which.
        task: String,
        /// Bring it back.
        #[arg(long)]
        undo: bool,
    },
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  sotay fees                                   this month: who owes what, who paid, who has not
  sotay fees pay 5 6000 --month 2026-05
  sotay fees pay all                           everybody who owes pays what they owe
  sotay fees reverse 12 --note 'ghi trùng'
  sotay fees assess 1 24000 --from 2026-01     what member 1 pays a month from January on
Lines are never changed: a wrong one is taken back by a reversing line, and both stay.")]
pub(crate) struct Fees {
    /// Month, 2026-05; this one when left out.
    #[arg(long, global = true, value_name = "YYYY-MM")]
    pub month: Option<String>,
    #[command(subcommand)]
    pub command: Option<FeesCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FeesCommand {
    /// The month: owed, paid, missing (the default).
    Due,
    /// The lines of the month.
    Lines,
    /// Record payments of the month.
    Pay {
        /// Who: numbers, ranges, names or ids with commas between them, or all who have not paid.
        members: String,
        /// Đồng each; what each of them owes when left out.
        amount: Option<u32>,
        /// The day; today when left out.
        #[arg(long, value_name = "DATE")]
        day: Option<String>,
        /// A remark.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// Take a line back by a reversing line.
    Reverse {
        /// The line: number in `fees lines`, or beginning of its id.
        line: String,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// Set what a member pays a month, from a month on.
    Assess {
        /// Who.
        member: String,
        /// Đồng a month, or none for the rate.
        amount: String,
        /// First month; the month of --month when left out.
        #[arg(long, value_name = "YYYY-MM")]
        from: Option<String>,
    },
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  sotay rating                                 the branch: three columns side by side
  sotay rating score branch plan 12,5 --column committee --by 1
  sotay rating decide 7 good --column committee")]
pub(crate) struct Rating {
    /// Year; this one when left out.
    #[arg(long, global = true, value_name = "YYYY")]
    pub year: Option<i32>,
    #[command(subcommand)]
    pub command: Option<RatingCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RatingCommand {
    /// Show a card (the default: the branch's).
    Show {
        /// branch, or a member.
        #[arg(default_value = "branch")]
        rated: String,
    },
    /// Give points for a criterion.
    Score {
        /// branch, or a member.
        rated: String,
        /// Key of the criterion.
        criterion: String,
        /// Points, e.g. 12,5, or none to take them back.
        points: String,
        /// In which column.
        #[arg(long, value_parser = coded::<Column>())]
        column: Column,
        /// Who gives them.
        #[arg(long, value_name = "MEMBER")]
        by: String,
    },
    /// Say which level a column decides on.
    Decide {
        /// branch, or a member.
        rated: String,
        /// Key of the level, or none to take it back.
        level: String,
        /// In which column.
        #[arg(long, value_parser = coded::<Column>())]
        column: Column,
    },
    /// Add evidence to a criterion.
    Evidence {
        /// branch, or a member.
        rated: String,
        /// Key of the criterion.
        criterion: String,
        /// What shows it.
        text: String,
        /// The meeting it was shown in.
        #[arg(long, value_name = "MEETING")]
        meeting: Option<String>,
    },
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  sotay resolution new 'về nhiệm vụ tháng 6' --from-meeting 2026-05
  sotay resolution set --number 3 --date 05/05/2026 --signer 1
  sotay resolution part assessment 'Lúa chiêm xuân đạt 62 tạ/ha.'
  sotay resolution task 'Nạo vét mương N3' --people 8 --deadline 25/05/2026
  sotay resolution vote 1                      take over the result of motion 1 of its meeting
  sotay resolution issue
Commands work on the newest resolution, or on the one that --resolution names by number or id.")]
pub(crate) struct Resolution {
    /// Resolution: number in the list, or beginning of the id; the newest when left out.
    #[arg(long, global = true, value_name = "RESOLUTION")]
    pub resolution: Option<String>,
    #[command(subcommand)]
    pub command: Option<ResolutionCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ResolutionCommand {
    /// List the resolutions, newest first (the default).
    List,
    /// Begin one.
    New {
        /// What it is about.
        title: String,
        /// The meeting it comes from.
        #[arg(long, value_name = "MEETING")]
        from_meeting: Option<String>,
    },
    /// Show it as text.
    Show,
    /// As an office document: HTML for printing, .docx, or text.
    Print(Paper),
    /// Fill in number, day, title, signer.
    Set(SetResolution),
    /// Write a part; only what differs is recorded.
    Part {
        /// Which.
        #[arg(value_parser = coded::<Part>())]
        part: Part,
        /// How it reads now, or - for standard input.
        text: String,
    },
    /// Add a task.
    Task {
        /// What is to be done.
        text: String,
        /// Who is responsible.
        #[arg(long, value_name = "MEMBERS")]
        people: Option<String>,
        /// By when.
        #[arg(long, value_name = "DATE")]
        deadline: Option<String>,
    },
    /// Add somebody who gets a copy.
    Recipient {
        /// As printed.
        label: String,
    },
    /// Take over the confirmed result of a vote of its meeting.
    Vote {
        /// The motion: its number in the meeting, or beginning of its id.
        motion: String,
    },
    /// Issue it; nothing of it changes after that.
    Issue,
}

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("what").required(true).multiple(true)))]
pub(crate) struct SetResolution {
    /// Number, 3 for 03-NQ/CB.
    #[arg(long, value_name = "NUMBER", group = "what")]
    pub number: Option<u32>,
    /// Day.
    #[arg(long, value_name = "DATE", group = "what")]
    pub date: Option<String>,
    /// What it is about.
    #[arg(long, value_name = "TITLE", group = "what")]
    pub title: Option<String>,
    /// Who signs.
    #[arg(long, value_name = "MEMBER", group = "what")]
    pub signer: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  sotay report show --month 2026-05            the report as it would be, and what changed since the last one
  sotay report send --month 2026-05            send the next revision
A revision that was sent never changes. When facts change afterwards, the next one is proposed; nothing is sent by itself.")]
pub(crate) struct Report {
    /// Month, 2026-05; this one when left out.
    #[arg(long, global = true, value_name = "YYYY-MM")]
    pub month: Option<String>,
    #[command(subcommand)]
    pub command: Option<ReportCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReportCommand {
    /// Show the proposed revision, or the last one when nothing changed (the default).
    Show {
        /// A revision that was sent.
        #[arg(long, value_name = "NUMBER")]
        revision: Option<u32>,
    },
    /// As an office document: HTML for printing, .docx, or text.
    Print {
        /// A revision that was sent.
        #[arg(long, value_name = "NUMBER")]
        revision: Option<u32>,
        #[command(flatten)]
        paper: Paper,
    },
    /// The months of the year: what was sent, and what waits to be.
    List,
    /// Send the next revision.
    Send,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
A directive is a JSON file whose field sotay says what it is: policy, fees, criteria or holidays. docs/HANDBOOK.md has the
forms. A page template is a text file (docs/PAPER.md). The one in force on a day is the latest that holds by then.
Examples:
  sotay directives template minutes --from 01/01/2026 --name 'Mẫu của Đảng ủy xã' --out mau.txt   (a file to begin with)
  sotay directives check mau.txt
  sotay directives publish mau.txt
  sotay directives withdraw 3f8a")]
pub(crate) struct Directives {
    #[command(subcommand)]
    pub command: Option<DirectivesCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DirectivesCommand {
    /// List what is known, and what is in force (the default).
    List {
        /// Day; today when left out.
        #[arg(long, value_name = "DATE")]
        on: Option<String>,
    },
    /// Write the page template that comes with the software, as a file to change and publish.
    Template {
        /// Which document it is for.
        sort: TemplateSort,
        /// First day on which it is to hold.
        #[arg(long, value_name = "DATE")]
        from: String,
        /// What it is to be called.
        #[arg(long)]
        name: String,
        /// Write to this file.
        #[arg(long, value_name = "FILE")]
        out: Option<std::path::PathBuf>,
    },
    /// Withdraw a directive or page template that this unit has published: what held before holds again. Officers only.
    Withdraw {
        /// The beginning of its SHA-256, as the list shows it.
        sha256: String,
    },
    /// Publish a file to everybody in the branch, and below. Officers only.
    Publish {
        /// The file.
        file: String,
    },
    /// Read a file and say whether it fits, without publishing it.
    Check {
        /// The file.
        file: String,
    },
}

/// Which document a page template is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum TemplateSort {
    /// Minutes of a meeting.
    Minutes,
    /// What the minutes say of one item of the agenda.
    Extract,
    /// A resolution.
    Resolution,
    /// A report of a month.
    Report,
}
