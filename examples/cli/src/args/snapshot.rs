//! Signed snapshots.

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct Snapshot {
    #[command(subcommand)]
    pub command: SnapshotCommand,
}

/// Which part of the handbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SnapshotSpace {
    /// What all members share.
    Main,
    /// What the committee shares.
    Committee,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SnapshotCommand {
    /// Pack what was written before a day, and sign it: the first of two officers.
    #[command(after_long_help = "\
Nothing leaves the phones, and nothing changes that they show. A relay that is told to (prune = \"signed\" in relay.toml) may
drop what two officers of different members signed for, some time after the second one did; new phones then get the
copies. The second officer: sotay sync, sotay snapshot list, sotay snapshot sign ID.")]
    Draft {
        /// Everything written before this day; 90 days ago when left out.
        #[arg(long, value_name = "DATE")]
        before: Option<String>,
        /// Which part of the handbook.
        #[arg(long, value_name = "PART", default_value = "main")]
        space: SnapshotSpace,
    },
    /// List the snapshots: who signed them, what they cover, what is missing.
    List,
    /// Compare everything with what is on this phone, and sign: the second officer.
    Sign {
        /// Beginning of the snapshot's id; the only one that waits for you when left out.
        #[arg(value_name = "ID")]
        id: Option<String>,
    },
}
