//! Sealed records and feedback.

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The file that `sotay meeting seal-file` wrote.
    pub file: String,
    /// Id of the unit that you expect, 64 hexadecimal digits.
    #[arg(long, value_name = "ID")]
    pub unit: Option<String>,
    /// Print the sealed texts too.
    #[arg(long)]
    pub text: bool,
}
