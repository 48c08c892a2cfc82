//! Personal data: what the committee knows, erasing, consent, and one's own data in a file.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  sotay person contact 7 --phone '0912 345 678' --born 02/03/1961
  sotay person show 7                  (the committee sees afterwards who opened it)
  sotay person erase 7 --yes           (name and contact, on every phone and relay; cannot be undone)
  sotay person export --out mine       (asks for a passphrase; writes mine.json.age and mine.txt.age)
  age -d mine.txt.age")]
pub(crate) struct Person {
    #[command(subcommand)]
    pub command: PersonCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PersonCommand {
    /// Write what the committee knows of a member (committee only). Without options it is taken back.
    Contact {
        /// Number on the roster, name, or id.
        member: String,
        /// Telephone.
        #[arg(long, default_value = "")]
        phone: String,
        /// Day of birth.
        #[arg(long, default_value = "")]
        born: String,
        /// Number of the party card.
        #[arg(long, default_value = "")]
        card: String,
        /// Anything else.
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Open what the committee knows of a member; that it was opened is recorded (committee only).
    Show {
        /// Number on the roster, name, or id.
        member: String,
    },
    /// List the members of whom the committee knows more than the name (committee only).
    List,
    /// Erase the name and all that the committee knows of a member, everywhere (officers only).
    Erase {
        /// Number on the roster, name, or id.
        member: String,
        /// Yes, for good.
        #[arg(long, required = true)]
        yes: bool,
    },
    /// Who opened personal data and feedback (committee only).
    Accesses,
    /// Record a member's consent, or that it was taken back (committee only).
    Consent {
        /// Number on the roster, name, or id.
        member: String,
        /// To what.
        purpose: String,
        /// It was taken back.
        #[arg(long)]
        withdrawn: bool,
        /// The day; today when left out.
        #[arg(long, value_name = "DATE")]
        on: Option<String>,
    },
    /// List consents (committee only).
    Consents {
        /// Of this member alone.
        member: Option<String>,
    },
    /// How many months data is kept after somebody left, and whose is due (committee only).
    Retention {
        /// Set the rule.
        #[arg(long, value_name = "MONTHS")]
        months: Option<u32>,
    },
    /// Write everything about you, or about a member who asks for it, into two encrypted files.
    Export {
        /// Beginning of the names of the files.
        #[arg(long, value_name = "NAME")]
        out: PathBuf,
        /// A member who asks for it (committee only).
        #[arg(long, value_name = "MEMBER")]
        member: Option<String>,
        /// A file with the passphrase in its first line, or - for standard input.
        #[arg(long, value_name = "FILE|-", default_value = "-")]
        passphrase: String,
    },
}
