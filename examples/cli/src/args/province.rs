//! The level above branches.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::root::{Root, Units};

#[derive(Debug, Args)]
pub(crate) struct Province {
    #[command(subcommand)]
    pub command: ProvinceCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProvinceCommand {
    /// Found branches below this unit, with two packs for each secretary.
    #[command(after_long_help = "\
The table is text in UTF-8, one branch a line: name, tab, name of the secretary.

  Chi bộ thôn An Lạc\tLê Văn An
  Chi bộ thôn Đông Phong\tTrần Thị Bình

A third column says what is founded: branch (also when there is none), committee or district. What is no branch founds
units of its own in the same way, and what is published above reaches the members of all of them.

Each branch gets two files in DIR, 0001-1.pack for the secretary's phone and 0001-2.pack for the spare one. Their codes are
in codes.tsv: hand code and pack over separately. Whoever has both is the secretary. On the phone:

  sotay join --pack 0001-1.pack --code ABCDE-FGHIJ-KLMNO-PQRST")]
    Create {
        /// The table, or - for standard input.
        #[arg(value_name = "FILE|-")]
        table: String,
        /// Folder for packs and codes; it is made.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// List the branches below.
    List,
    /// Show this committee to the level above: its unit and the phones of its officers.
    Card {
        /// Where to write the card.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Draft: move branches below another committee. The root signs the paper (province root sign).
    #[command(after_long_help = "\
  1. on a machine of the new committee:  sotay province card --out b.card
  2. on a machine of the old one:        sotay province move b.card --branch 'Chi bộ thôn An Lạc' --out move.paper
  3. two keys of the root, each alone:   sotay province root sign move.paper --key k1.key --code CODE --out move.paper
  4. on the old machine:                 sotay province root carry move.paper, then sotay sync
  5. on the new machine:                 sotay province take move.paper, then sotay sync

Between 2 and 4 the old committee writes nothing into these branches: what it writes later does not count.")]
    Move {
        /// The card of the new committee.
        card: PathBuf,
        #[command(flatten)]
        units: Units,
        /// Where to write the paper.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Follow the branches that a paper moves below this unit.
    Take {
        /// The signed paper.
        paper: PathBuf,
    },
    /// The root of several keys: make keys, found a unit under them, sign, carry.
    Root(Root),
    /// Put a new phone in the place of a branch's secretary, whose phones were all lost: make its invitation.
    Secretary {
        /// The request of the new phone: a file, its text, or - for standard input.
        #[arg(value_name = "REQUEST|FILE|-")]
        request: String,
        /// Name or beginning of the id of the branch.
        #[arg(long)]
        branch: String,
        /// Relay address to pass on (may be repeated, best first).
        #[arg(long, value_name = "HOST:PORT#KEY")]
        relay: Vec<String>,
        /// Write the invitation to this file instead of the terminal.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// The reports a branch has sent.
    Reports {
        /// Name or beginning of the id of the branch.
        branch: String,
        /// Year.
        year: i32,
    },
}
