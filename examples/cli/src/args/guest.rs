//! Guests of one meeting.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct Guests {
    #[command(subcommand)]
    pub command: GuestCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum GuestCommand {
    /// Let a phone read one meeting and nothing else: make its invitation.
    #[command(after_long_help = "\
The guest's phone asks like any other: sotay join --label 'Khách' --out guest.txt. Compare the six digits, then

  sotay guest invite guest.txt --name 'Nguyễn Văn Khách' --meeting 2026-12 --out welcome.txt

and on the guest's phone: sotay join --invitation welcome.txt, then sotay guest read. Officers' phones hand over the
minutes as they stand each time they sync; the guest gets no key of the branch.")]
    Invite {
        /// The request of the guest's phone: a file, its text, or - for standard input.
        #[arg(value_name = "REQUEST|FILE|-")]
        request: String,
        /// The guest's name; members see it in the list of phones.
        #[arg(long, value_name = "NAME")]
        name: String,
        /// The meeting: number in the list, month, day or beginning of the id; the newest when left out.
        #[arg(long, value_name = "MEETING")]
        meeting: Option<String>,
        /// Relay address to pass on (may be repeated, best first).
        #[arg(long, value_name = "HOST:PORT#KEY")]
        relay: Vec<String>,
        /// Write the invitation to this file instead of the terminal.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// List the phones of guests and what they may read.
    List,
    /// End what a guest's phone may read: for good.
    End {
        /// Label or id of the phone.
        phone: String,
    },
    /// On a guest's phone: the minutes as they were shown last.
    Read {
        /// Write them to this file instead of the terminal.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}
