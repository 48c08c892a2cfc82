//! The level above branches.

use std::path::PathBuf;

use clap::{Args, Subcommand};

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
    /// The reports a branch has sent.
    Reports {
        /// Name or beginning of the id of the branch.
        branch: String,
        /// Year.
        year: i32,
    },
}
