//! Relays, status, review and history.

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(after_long_help = "\
Without --relay one relay of the unit's signed list takes part, the first that serves, and every remembered one that is not
on it; the command succeeds when one of them took part. A relay that is named
is remembered when the exchange worked. Its address ends in # and its key: whoever else answers there is refused.")]
pub(crate) struct Sync {
    /// Relay to exchange with (may be repeated); the remembered ones when left out.
    #[arg(long, value_name = "HOST:PORT#KEY")]
    pub relay: Vec<String>,
    /// Seconds until an unfinished exchange is given up; the next one goes on from there.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
    /// Do not remember the relay.
    #[arg(long)]
    pub no_remember: bool,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
While watch runs the profile is open in it, and other commands on the same profile are told so.")]
pub(crate) struct Watch {
    /// Relay to follow (may be repeated); the remembered ones when left out.
    #[arg(long, value_name = "HOST:PORT#KEY")]
    pub relay: Vec<String>,
    /// Stop after so many seconds; without it, at Ctrl-C.
    #[arg(long, value_name = "SECONDS")]
    pub seconds: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Relay {
    #[command(subcommand)]
    pub command: Option<RelayCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RelayCommand {
    /// List them, best first (the default).
    List,
    /// Remember a relay without connecting to it.
    Add {
        /// Its address.
        #[arg(value_name = "HOST:PORT#KEY")]
        relay: String,
    },
    /// Show the unit's signed list, in the order in which this phone tries; with addresses, sign a new one (officers).
    Named {
        /// Relays that serve the unit; each with the key it must show.
        #[arg(value_name = "HOST:PORT#KEY")]
        relays: Vec<String>,
    },
    /// Forget a relay.
    Forget {
        /// Its address, or its number in the list.
        relay: String,
    },
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  sotay review
  sotay review --settle 1 2       take the second option of the first item
  sotay review --all              tasks, fees, ratings and resolutions as well
  sotay review --document 3fa9 --settle 1 1

Items are numbered within one meeting. Those that block keep the minutes from being sealed.")]
pub(crate) struct Review {
    /// Meeting: number in the list, month, day, or beginning of the id; the newest when left out.
    #[arg(long, value_name = "MEETING", conflicts_with = "all")]
    pub meeting: Option<String>,
    /// Another document than a meeting: the beginning of its id, as --all shows it.
    #[arg(long, value_name = "ID", conflicts_with_all = ["all", "meeting"])]
    pub document: Option<String>,
    /// Your own list: documents withdrawn while you were studying them. Nobody else sees it.
    #[arg(long, conflicts_with_all = ["all", "meeting", "document"])]
    pub study: bool,
    /// The open items of all meetings and other documents.
    #[arg(long)]
    pub all: bool,
    /// Settle an item by one of its options; both by number or id.
    #[arg(long, num_args = 2, value_names = ["ITEM", "PICK"], conflicts_with = "all")]
    pub settle: Option<Vec<String>>,
}

#[derive(Debug, Args)]
pub(crate) struct History {
    /// Meeting: number in the list, month, day, or beginning of the id; the newest when left out.
    pub meeting: Option<String>,
}
