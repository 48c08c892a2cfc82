//! Founding a branch, asking to join, admitting.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// Label of a phone when none is given.
pub(crate) const LABEL_DEFAULT: &str = "P1";

#[derive(Debug, Args)]
pub(crate) struct Unit {
    #[command(subcommand)]
    pub command: UnitCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UnitCommand {
    /// Found a branch; this profile becomes its secretary's phone.
    #[command(after_long_help = "\
Example:
  sotay unit create 'Chi bộ thôn An Lạc' --upper 'Đảng bộ xã Đông Phong' --founder 'Lê Văn An' --label P1

The profile folder is made if there is none. It also holds the keys of the branch's founding authority, which are needed
again to admit the secretary's second phone: keep a copy of the folder in a safe place.")]
    Create {
        /// Name of the branch, as minutes print it.
        name: String,
        /// Name of the body above it, as minutes print it.
        #[arg(long, value_name = "NAME")]
        upper: String,
        /// Your name: the founder is the first on the roster, as secretary.
        #[arg(long, value_name = "NAME")]
        founder: String,
        /// What lists call this phone; no personal data.
        #[arg(long, value_name = "LABEL", default_value = LABEL_DEFAULT)]
        label: String,
        /// Your first day on the roster; today when left out. Earlier meetings do not know you.
        #[arg(long, value_name = "DATE")]
        since: Option<String>,
    },
    /// Show the branch, this phone and who holds it.
    Show,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Two steps, with an officer's phone in between:
  1. on the new phone:       sotay join --label P2 --out p2.txt
  2. on the officer's phone: sotay invite p2.txt --member 2 --out welcome.txt   (both compare the six digits)
  3. on the new phone:       sotay join --invitation welcome.txt

Request and invitation are text: they may also be sent as a message or shown as a QR code. Every request is new, so
compare the digits of the one that was handed over.")]
pub(crate) struct Join {
    /// What lists call this phone; no personal data. Used when the profile is made.
    #[arg(long, value_name = "LABEL", default_value = LABEL_DEFAULT, conflicts_with = "invitation")]
    pub label: String,
    /// The invitation to accept: a file, its text, or - for standard input.
    #[arg(long, value_name = "FILE|-|TEXT")]
    pub invitation: Option<String>,
    /// Write the request to this file instead of the terminal.
    #[arg(long, value_name = "FILE", conflicts_with = "invitation")]
    pub out: Option<PathBuf>,
    /// Draw the request as a QR code in the terminal, to be scanned by the officer's phone.
    #[arg(long, conflicts_with_all = ["invitation", "pack"])]
    pub qr: bool,
    /// The pack of a new branch, made by the committee above: a file, its text, or - for standard input.
    #[arg(long, value_name = "FILE|-|TEXT", requires = "code", conflicts_with_all = ["invitation", "out"])]
    pub pack: Option<String>,
    /// The code of the pack.
    #[arg(long, value_name = "CODE", requires = "pack")]
    pub code: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  sotay invite p2.txt --member 'Trần Thị Bình' --rank deputy --out welcome.txt
  sotay invite - --member 7 --relay relay.example:7843#KEY < p7.txt

Compare the six digits with those on the other phone, aloud, before you hand the invitation over.
The invitation holds what the new phone needs to work offline at once, sealed for it alone. Without --relay it carries
the relay addresses this profile remembers.")]
pub(crate) struct Invite {
    /// The request of the phone that asks: a file, its text, or - for standard input.
    #[arg(value_name = "REQUEST|FILE|-")]
    pub request: String,
    /// Whose phone it is: number on the roster, name, or id.
    #[arg(long, value_name = "MEMBER")]
    pub member: String,
    /// What the phone may do.
    #[arg(long, value_enum, default_value_t = Grade::Member)]
    pub rank: Grade,
    /// The holder sits on the committee.
    #[arg(long)]
    pub committee: bool,
    /// Label or id of the phone that the new one replaces: it is removed, and the keys change, at the same moment.
    #[arg(long, value_name = "PHONE")]
    pub replaces: Option<String>,
    /// Relay address to pass on (may be repeated, best first).
    #[arg(long, value_name = "HOST:PORT#KEY")]
    pub relay: Vec<String>,
    /// Write the invitation to this file instead of the terminal.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Rank to give to a phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Grade {
    /// Reads and writes what members may.
    Member,
    /// An officer's phone: settles, confirms, admits members.
    Deputy,
    /// The secretary's own phone.
    Secretary,
}

impl Grade {
    /// The number grants carry.
    pub fn rank(self) -> u8 {
        match self {
            Grade::Secretary => 2,
            Grade::Deputy => 3,
            Grade::Member => 4,
        }
    }
}
