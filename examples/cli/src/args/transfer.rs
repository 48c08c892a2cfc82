//! Arguments of `transfer`.

use clap::{Args, Subcommand};
use sotay_engine::handbook::dispatch::TransferKind;

use super::coded::coded;

#[derive(Debug, Args)]
#[command(after_long_help = "\
A member leaves in three steps: the branch asks, the level above records it (`sotay province record`), the branch enters it.

  sotay transfer ask 21 --from 2026-05-01 --to 'Chi bộ thôn Đông Phong'
  sotay transfer leave 3f2a                    once it is recorded above; of a move for good it removes the phones too
  sotay transfer arrive 3f2a                   in the branch the member moves to; then invite the member's phone

kinds: official (for good), temporary (attached elsewhere for a time), away (away for a time, attached nowhere).")]
pub(crate) struct TransferArgs {
    #[command(subcommand)]
    pub command: Option<TransferCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TransferCommand {
    /// List the moves in and out of this branch (the default).
    List,
    /// Ask the level above to record that a member moves.
    Ask {
        /// Who: number, name, or beginning of the id.
        member: String,
        /// How the member moves.
        #[arg(long, value_parser = coded::<TransferKind>(), default_value = "official")]
        kind: TransferKind,
        /// First day.
        #[arg(long, value_name = "DATE")]
        from: String,
        /// Last day of a move for a time, if known.
        #[arg(long, value_name = "DATE")]
        until: Option<String>,
        /// Where to, by name.
        #[arg(long, value_name = "NAME", default_value = "")]
        to: String,
    },
    /// Enter in this list that a member leaves.
    Leave {
        /// The beginning of the move's id.
        id: String,
        /// Who, of a move that was recorded without being asked for.
        #[arg(long, value_name = "MEMBER")]
        member: Option<String>,
    },
    /// Enter somebody in this list whom the level above announced.
    Arrive {
        /// The beginning of the move's id.
        id: String,
    },
}
