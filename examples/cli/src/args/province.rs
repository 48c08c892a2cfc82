//! The level above branches.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use sotay_engine::handbook::dispatch::TransferKind;
use sotay_engine::handbook::feedback::FeedbackStatus;
use sotay_engine::handbook::roster::Standing;

use super::coded::coded;

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
    #[command(flatten)]
    Letter(LetterCommand),
}

/// What the level above says to the branches below.
#[derive(Debug, Subcommand)]
pub(crate) enum LetterCommand {
    /// Open a report; the branch is told that it was opened.
    Open {
        /// Name or beginning of the id of the branch.
        branch: String,
        /// Month, 2026-05.
        #[arg(value_name = "YYYY-MM")]
        month: String,
        /// Revision; the last one when left out.
        #[arg(long, value_name = "NUMBER")]
        revision: Option<u32>,
    },
    /// Accept a report, or return it with a remark.
    #[command(group(clap::ArgGroup::new("answer").required(true)))]
    Answer {
        /// Name or beginning of the id of the branch.
        branch: String,
        /// Month, 2026-05.
        #[arg(value_name = "YYYY-MM")]
        month: String,
        /// Revision; the last one when left out.
        #[arg(long, value_name = "NUMBER")]
        revision: Option<u32>,
        /// Accept it.
        #[arg(long, group = "answer")]
        accept: bool,
        /// Return it: what is to be changed.
        #[arg(long, group = "answer", value_name = "TEXT")]
        return_with: Option<String>,
        /// A remark on a report that is accepted.
        #[arg(long, value_name = "TEXT", conflicts_with = "return_with")]
        remark: Option<String>,
    },
    /// Feedback that the branches passed up.
    Feedback,
    /// Say what became of feedback that was passed up, and answer it. The branch's committee hands the answer on.
    AnswerFeedback {
        /// The beginning of the item's id.
        item: String,
        /// What has become of it.
        #[arg(long, value_parser = coded::<FeedbackStatus>(), default_value = "answered")]
        status: FeedbackStatus,
        /// The answer, or - for standard input.
        #[arg(long, value_name = "TEXT")]
        text: Option<String>,
        /// For everybody in the branch; without it for the writer alone, if the item has a name.
        #[arg(long)]
        public: bool,
    },
    /// How far documents published here have come, in figures that the branches sent with their reports.
    Delivery,
    /// Moves of members between branches: asked for, recorded, entered.
    Moves,
    /// Record a move that a branch asked for, and tell the branch the member moves to.
    Record {
        /// The beginning of the move's id.
        id: String,
        /// Name or beginning of the id of the branch the member moves to, if it stands below too.
        #[arg(long, value_name = "BRANCH")]
        to: Option<String>,
        /// First day, if it is another one than asked.
        #[arg(long, value_name = "DATE")]
        from: Option<String>,
    },
    /// Refuse a move that a branch asked for.
    Refuse {
        /// The beginning of the move's id.
        id: String,
    },
    /// Record a move that no branch asked for. The branch says which member is meant.
    Order {
        /// Name or beginning of the id of the branch the member leaves.
        branch: String,
        /// The member's full name.
        name: String,
        /// How the member moves.
        #[arg(long, value_parser = coded::<TransferKind>(), default_value = "official")]
        kind: TransferKind,
        /// Full or probationary.
        #[arg(long, value_parser = coded::<Standing>(), default_value = "full")]
        standing: Standing,
        /// First day.
        #[arg(long, value_name = "DATE")]
        from: String,
        /// Last day of a move for a time.
        #[arg(long, value_name = "DATE")]
        until: Option<String>,
        /// Name or beginning of the id of the branch the member moves to.
        #[arg(long, value_name = "BRANCH")]
        to: Option<String>,
    },
}
