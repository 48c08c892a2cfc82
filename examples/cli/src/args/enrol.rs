//! Founding a branch, asking to join, admitting.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// Label of a phone when none is given.
pub(crate) const LABEL_DEFAULT: &str = "P1";

fn on_off() -> impl clap::builder::TypedValueParser<Value = bool> {
    use clap::builder::TypedValueParser;
    clap::builder::PossibleValuesParser::new(["on", "off"]).map(|text| text == "on")
}

#[derive(Debug, Args)]
pub(crate) struct Unit {
    #[command(subcommand)]
    pub command: UnitCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UnitCommand {
    /// What the branch has decided about its keys and its doors; with options: decide anew (secretary).
    #[command(after_long_help = "\
Both are off at first and every member sees them.

  --escrow on   phones of the level above hold the keys of what all members share, never those of the committee and of
                feedback. If every phone of the secretary is lost, they can give them to a new one (province secretary).
  --remote on   phones may be admitted from afar, on the word of two officers (members endorse, members admit).")]
    Policy {
        /// Keys of what all members share, held by the level above: on or off.
        #[arg(long, value_parser = on_off(), value_name = "on|off")]
        escrow: Option<bool>,
        /// Admission from afar on the word of two officers: on or off.
        #[arg(long, value_parser = on_off(), value_name = "on|off")]
        remote: Option<bool>,
    },
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
    /// The branch, or the body above it, has another name from a day on. Documents of earlier days keep the old name.
    #[command(after_long_help = "\
Example:
  sotay unit rename 'Chi bộ thôn An Hòa' --from 2026-07-01
  sotay unit rename --upper 'Đảng bộ xã Đông Hòa' --from 2026-07-01")]
    Rename {
        /// The new name of the branch.
        #[arg(required_unless_present = "upper")]
        name: Option<String>,
        /// The new name of the body above it.
        #[arg(long, value_name = "NAME")]
        upper: Option<String>,
        /// First day of the new name.
        #[arg(long, value_name = "DATE")]
        from: String,
    },
    /// Note that the branch became part of another one on a day.
    Merge {
        /// The branch it is part of now.
        into: String,
        /// First day.
        #[arg(long, value_name = "DATE")]
        from: String,
    },
    /// Show what the branch and the body above were called, by day.
    Names,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
With QR codes, the way of an app:
  1. on the new phone:       sotay join --label P2 --qr
  2. on the officer's phone: sotay invite 'SOTAY-JOIN-2:...' --member 2 --qr --welcome p2.welcome
  3. on the new phone:       sotay join --ticket 'SOTAY-TICKET-1:...' --welcome p2.welcome
Without --welcome everything comes from the relay that the ticket names, once the officer's phone has synced.

By hand, as messages or files:
  1. on the new phone:       sotay join --label P2 --out p2.txt
  2. on the officer's phone: sotay invite p2.txt --member 2 --out welcome.txt   (both compare the six digits)
  3. on the new phone:       sotay join --invitation welcome.txt

A whole branch with one code on the wall: see sotay hall --help.")]
pub(crate) struct Join {
    /// What lists call this phone; no personal data. Used when the profile is made.
    #[arg(long, value_name = "LABEL", default_value = LABEL_DEFAULT, conflicts_with = "invitation")]
    pub label: String,
    /// The invitation to accept: a file, its text, or - for standard input.
    #[arg(long, value_name = "FILE|-|TEXT", conflicts_with_all = ["ticket", "hall", "welcome"])]
    pub invitation: Option<String>,
    /// Write the request to this file instead of the terminal.
    #[arg(long, value_name = "FILE", conflicts_with = "invitation")]
    pub out: Option<PathBuf>,
    /// Ask with a QR code that is good for ten minutes, to be scanned by the officer's phone.
    #[arg(long, conflicts_with_all = ["invitation", "pack", "ticket", "hall"])]
    pub qr: bool,
    /// The ticket that the officer's phone shows: its text, a file, or - for standard input.
    #[arg(long, value_name = "TEXT|FILE|-", conflicts_with_all = ["hall", "out", "pack"])]
    pub ticket: Option<String>,
    /// The code on the wall of a hall: its text, a file, or - for standard input. Writes a letter to the hall.
    #[arg(long, value_name = "TEXT|FILE|-", conflicts_with_all = ["welcome", "pack"])]
    pub hall: Option<String>,
    /// The file of welcome that belongs to the ticket or to the hall.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["out", "pack", "qr"])]
    pub welcome: Option<String>,
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
  sotay invite 'SOTAY-JOIN-2:...' --member 7 --qr --welcome p7.welcome
  sotay invite - --member 7 --relay relay.example:7843#KEY < p7.txt

Compare the six digits with those on the other phone, aloud, before you hand the invitation over.
The invitation holds what the new phone needs to work offline at once, sealed for it alone. A ticket (--qr) is small: what
the new phone needs comes from the relay after this phone has synced, or in the file of welcome. Without --relay the
relay addresses that this profile remembers are passed on.")]
pub(crate) struct Invite {
    /// The request of the phone that asks: a file, its text, or - for standard input.
    #[arg(value_name = "REQUEST|FILE|-")]
    pub request: String,
    #[command(flatten)]
    pub whom: Whom,
    /// The holder reads from this day on (2026-06-01 or 01/06/2026): keys of the time before are not handed over. Everything
    /// when left out; `members widen` opens more later.
    #[arg(long, value_name = "DATE", conflicts_with = "replaces")]
    pub from: Option<String>,
    /// Label or id of the phone that the new one replaces: it is removed, and the keys change, at the same moment.
    #[arg(long, value_name = "PHONE")]
    pub replaces: Option<String>,
    /// Relay address to pass on (may be repeated, best first).
    #[arg(long, value_name = "HOST:PORT#KEY")]
    pub relay: Vec<String>,
    /// Write the invitation to this file instead of the terminal.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Answer with a ticket, drawn as a QR code, instead of an invitation.
    #[arg(long, conflicts_with = "out")]
    pub qr: bool,
    /// Write the file of welcome that goes with the ticket.
    #[arg(long, value_name = "FILE", requires = "qr")]
    pub welcome: Option<PathBuf>,
}

/// Who is admitted, and as what.
#[derive(Debug, Args)]
pub(crate) struct Whom {
    /// Whose phone it is: number on the roster, name, or id.
    #[arg(long, value_name = "MEMBER")]
    pub member: String,
    /// What the phone may do.
    #[arg(long, value_enum, default_value_t = Grade::Member)]
    pub rank: Grade,
    /// The holder sits on the committee.
    #[arg(long)]
    pub committee: bool,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
A whole branch in one evening, without a network:
  1. the secretary:  sotay hall open --out wall.txt           (show or print the code)
  2. each member:    sotay join --label P7 --hall wall.txt --out p7.letter   (shows six digits)
  3. the secretary:  sotay hall take p*.letter                (the list of phones and digits)
  4. one after the other reads the digits aloud; the secretary looks at the person and types
                     sotay hall admit 033835 --member 7
  5. the secretary:  sotay hall welcome --out hall.welcome    (one file for everybody)
  6. each member:    sotay join --welcome hall.welcome

The code is good for two hours. Take all letters in before anybody reads digits aloud.")]
pub(crate) struct Enrolment {
    #[command(subcommand)]
    pub command: EnrolmentCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EnrolmentCommand {
    /// Open a hall for two hours and draw its code.
    Open {
        /// Relay address to pass on (may be repeated, best first).
        #[arg(long, value_name = "HOST:PORT#KEY")]
        relay: Vec<String>,
        /// Also write the code to this file.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Take letters in: files, their texts, or - for standard input.
    Take {
        /// The letters.
        #[arg(required = true, value_name = "FILE|TEXT|-")]
        letters: Vec<String>,
    },
    /// List the phones that wait, with their digits.
    List,
    /// Admit the phone whose holder reads these digits aloud.
    Admit {
        /// The six digits.
        digits: String,
        #[command(flatten)]
        whom: Whom,
    },
    /// Write the file of welcome for everybody who was admitted.
    Welcome {
        /// The file.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// End the hall.
    Close,
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
