//! The roster.

use clap::{Args, Subcommand};
use sotay_engine::handbook::roster::{Activity, Role, Standing};

use super::coded;

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
    /// Put many members on the roster, from a table.
    Import(Import),
    /// Record a change of office, group, standing or activity from a day on.
    Set(SetMember),
    /// Correct a member's name.
    Rename {
        /// Number on the roster, name, or id.
        member: String,
        /// The right name.
        name: String,
    },
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
The table is text in UTF-8 with tabs between the columns, as spreadsheets save it. The first line names the columns, in
any order: name (họ tên), role (chức vụ), group (tổ), standing (loại), activity (sinh hoạt). Only the name is needed.
Cells hold the words of `members add`, or their Vietnamese or English labels; an empty cell is the usual case.

  name\trole\tstanding
  Trần Thị Bình\tphó bí thư\tchính thức
  Đỗ Văn Cường\t\tdự bị

Every wrong row is named, and nothing is imported then. A name that is on the roster already is taken for a mistake
unless --same-names says that it is another person.")]
pub(crate) struct Import {
    /// The table, or - for standard input.
    #[arg(value_name = "FILE|-")]
    pub file: String,
    /// First day of all of them; today when left out.
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
