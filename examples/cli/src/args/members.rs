//! The roster and the phones of its members.

use clap::{Args, Subcommand, ValueEnum};
use sotay_engine::handbook::roster::{Activity, Role, Standing};

use super::coded;
use super::enrol::{Grade, Whom};

#[derive(Debug, Args)]
pub(crate) struct Members {
    #[command(subcommand)]
    pub command: Option<MembersCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MembersCommand {
    /// List the members of a day (the default).
    List {
        /// Day, 2026-05-20 or 20/05/2026; today when left out.
        #[arg(long, value_name = "DATE")]
        on: Option<String>,
    },
    /// Put one member on the roster.
    Add(Add),
    /// Put many members on the roster, from a workbook or a table.
    Import(Import),
    /// Write the roster as a table (CSV) that spreadsheets open and import reads again.
    Export(Export),
    /// Record a change of office, group, standing or activity from a day on.
    Set(SetMember),
    /// Correct a member's name.
    Rename {
        /// Number on the roster, name, or id.
        member: String,
        /// The right name.
        name: String,
    },
    /// List the phones of the unit and what they may do.
    Devices,
    /// End what a phone, or every phone of a member, may do: for good.
    Revoke(Revoke),
    /// Set a phone aside until lifted, e.g. one that may be stolen.
    Suspend {
        /// Label or id of the phone.
        phone: String,
    },
    /// End the suspension of a phone.
    Lift {
        /// Label or id of the phone.
        phone: String,
    },
    /// Change what a phone may do.
    Grade(Regrade),
    /// Let a phone that reads from a day on read more of the time before.
    Widen {
        /// Label or id of the phone.
        phone: String,
        /// From this day on; everything this phone can read when left out.
        #[arg(long, value_name = "DATE")]
        from: Option<String>,
    },
    /// Give every part of the handbook a new key: once a year, or when a key may have leaked.
    Rotate,
    /// Say that a phone may be admitted from afar; another officer admits it. The branch must have opened this door.
    #[command(after_long_help = "\
  1. the phone that asks sends its request as a message:   sotay join --out request.txt
  2. one officer, who has spoken with its holder:          sotay members endorse request.txt --member 7 --out word.txt
  3. another officer, likewise:                            sotay members admit word.txt --out welcome.txt
  4. the phone accepts what comes back:                    sotay join --invitation welcome.txt

Two different people have to agree. First: sotay unit policy --remote on (secretary).")]
    Endorse {
        /// The request: a file, its text, or - for standard input.
        #[arg(value_name = "REQUEST|FILE|-")]
        request: String,
        #[command(flatten)]
        whom: Whom,
        /// Write the endorsement to this file instead of the terminal.
        #[arg(long, value_name = "FILE")]
        out: Option<std::path::PathBuf>,
    },
    /// Admit a phone from afar that another officer has endorsed: make its invitation.
    Admit {
        /// The endorsement: a file, its text, or - for standard input.
        #[arg(value_name = "TEXT|FILE|-")]
        endorsement: String,
        /// Relay address to pass on (may be repeated, best first).
        #[arg(long, value_name = "HOST:PORT#KEY")]
        relay: Vec<String>,
        /// Write the invitation to this file instead of the terminal.
        #[arg(long, value_name = "FILE")]
        out: Option<std::path::PathBuf>,
    },
    /// List what was written too late or by a removed phone and does not count.
    Late,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  sotay members export --out members.csv
  sotay members export --attendance 2026 --out attendance-2026.csv")]
pub(crate) struct Export {
    /// Day, 2026-05-20 or 20/05/2026; today when left out.
    #[arg(long, value_name = "DATE")]
    pub on: Option<String>,
    /// A column for every meeting of this year, with who was there.
    #[arg(long, value_name = "YEAR")]
    pub attendance: Option<i32>,
    /// Write to this file; standard output when left out.
    #[arg(long, value_name = "FILE")]
    pub out: Option<std::path::PathBuf>,
}

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("whom").required(true)))]
#[command(after_long_help = "\
Examples:
  sotay members revoke P7                 a lost phone: any other phone of its holder, or an officer
  sotay members revoke --member 7         a member who left: all phones, by an officer

What the phone wrote as far as this phone has seen it stays. Every part of the handbook it could read gets a new key. To
put a new phone in the place of a lost one, do both at once: sotay invite p7.txt --member 7 --replaces P7")]
pub(crate) struct Revoke {
    /// Label or id of the phone.
    #[arg(group = "whom")]
    pub phone: Option<String>,
    /// All phones of this member: number on the roster, name, or id.
    #[arg(long, value_name = "MEMBER", group = "whom")]
    pub member: Option<String>,
    /// Why: lost for a phone, left for a member when not given.
    #[arg(long, value_enum)]
    pub reason: Option<Why>,
}

/// Why a phone is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Why {
    /// The member left the unit.
    Left,
    /// The phone was lost or stolen.
    Lost,
    /// The phone was misused.
    Misuse,
}

#[derive(Debug, Args)]
pub(crate) struct Regrade {
    /// Label or id of the phone.
    pub phone: String,
    /// What it may do from now on.
    #[arg(long, value_enum)]
    pub rank: Grade,
    /// The holder sits on the committee.
    #[arg(long)]
    pub committee: bool,
    /// The holder is a probationary member and has no vote.
    #[arg(long)]
    pub probationary: bool,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Example:
  sotay members add 'Trần Thị Bình' --role deputy --from 2026-01-01")]
pub(crate) struct Add {
    /// Full name.
    pub name: String,
    /// Office.
    #[arg(long, value_parser = coded::<Role>(), default_value = "member")]
    pub role: Role,
    /// Party group, if the branch has groups.
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,
    /// Full or probationary member.
    #[arg(long, value_parser = coded::<Standing>(), default_value = "full")]
    pub standing: Standing,
    /// Whether and how the member takes part.
    #[arg(long, value_parser = coded::<Activity>(), default_value = "attending")]
    pub activity: Activity,
    /// First day; today when left out.
    #[arg(long, value_name = "DATE")]
    pub from: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
The file is a workbook (.xlsx, .ods, .xls) or text in UTF-8 with tabs, semicolons or commas between the cells. Lines with
titles may stand above the names of the columns, which come in any order: họ tên (name, or Họ đệm and Tên), chức vụ
(role), tổ đảng (group), chính thức/dự bị (standing, or a column of marks or days for each), sinh hoạt (activity), miễn
sinh hoạt (exempt, marks), ngày vào Đảng (joined), từ ngày (from), ghi chú (note). Only the name is needed; other columns
are named and left out. Cells hold the words of `members add`, or their labels; an empty cell is the usual case. Merged
cells, rows with the title of a group, sums and signatures are understood.

  Họ và tên\tChức vụ\tChính thức/Dự bị
  Trần Thị Bình\tphó bí thư\tchính thức
  Đỗ Văn Cường\t\tdự bị

See first what would happen: sotay members import list.xlsx --dry-run

Every wrong row is named with its cell, and nothing is imported then. A name that is on the roster already is taken for a mistake
unless --same-names says that it is another person.")]
pub(crate) struct Import {
    /// The list, or - for standard input.
    #[arg(value_name = "FILE|-")]
    pub file: String,
    /// Sheet of a workbook, by name or number; the first one when left out.
    #[arg(long, value_name = "SHEET")]
    pub sheet: Option<String>,
    /// Show what would be imported and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// First day of those whose row has none; today when left out. Nobody is on the list before the day of admission.
    #[arg(long, value_name = "DATE")]
    pub from: Option<String>,
    /// People with a name that is on the roster already are other people.
    #[arg(long)]
    pub same_names: bool,
}

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("what").required(true).multiple(true)))]
pub(crate) struct SetMember {
    /// Number on the roster, name, or id.
    pub member: String,
    /// Office.
    #[arg(long, value_parser = coded::<Role>(), group = "what")]
    pub role: Option<Role>,
    /// Party group; an empty text means none.
    #[arg(long, value_name = "GROUP", group = "what")]
    pub group: Option<String>,
    /// Full or probationary member.
    #[arg(long, value_parser = coded::<Standing>(), group = "what")]
    pub standing: Option<Standing>,
    /// Whether and how the member takes part; transfer, removal and death are activities.
    #[arg(long, value_parser = coded::<Activity>(), group = "what")]
    pub activity: Option<Activity>,
    /// First day; today when left out.
    #[arg(long, value_name = "DATE")]
    pub from: Option<String>,
}
