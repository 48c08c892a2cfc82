//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand};
use sotay_feed::UnitId;

/// UDP port of a relay when none is given (P12.1).
pub(crate) const DEFAULT_PORT: u16 = 7843;

/// Sổ Tay relay: keeps and forwards the sealed records of branches; it cannot read them.
#[derive(Debug, Parser)]
#[command(name = "sotay-relay", version, about, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the relay until it is told to stop (SIGTERM or Ctrl-C).
    Serve(Serve),
    /// Make the data directory, the key and an empty database, and print the key; run nothing.
    Init(Data),
    /// Say whether a relay is running on a data directory, and how it is.
    Status(Data),
    /// Check every record and every chain of a database. The relay must be stopped.
    Verify(Data),
}

#[derive(Debug, Args)]
pub(crate) struct Data {
    /// Directory that holds the key and the database of one relay.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub data: Data,
    /// UDP address for phones. Port 0 lets the system choose.
    #[arg(long, value_name = "ADDR", default_value_t = SocketAddr::from(([0, 0, 0, 0], DEFAULT_PORT)))]
    pub listen: SocketAddr,
    /// Unit to serve (64 hexadecimal digits), or `any`. May be repeated.
    #[arg(long, value_name = "UNIT|any", default_value = "any")]
    pub allow: Vec<Allow>,
    /// TCP address for /healthz, /readyz and /metrics. Keep it on the loopback address.
    #[arg(long, value_name = "ADDR", default_value_t = SocketAddr::from(([127, 0, 0, 1], 7844)))]
    pub http: SocketAddr,
    /// Host name or address under which phones reach this relay, for the line that is printed for them.
    #[arg(long, value_name = "HOST")]
    pub public: Option<String>,
}

/// What `--allow` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allow {
    Any,
    Unit(UnitId),
}

impl FromStr for Allow {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "any" {
            return Ok(Allow::Any);
        }
        text.parse()
            .map(Allow::Unit)
            .map_err(|error| format!("{error} of a unit, or the word any"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_data_directory_is_all_that_serve_needs() {
        let cli = Cli::try_parse_from(["sotay-relay", "serve", "--data", "x"]).unwrap();
        let Command::Serve(serve) = cli.command else {
            panic!("another command")
        };
        assert_eq!(serve.listen.port(), DEFAULT_PORT);
        assert_eq!(serve.allow, [Allow::Any]);
        assert!(serve.http.ip().is_loopback());
    }

    #[test]
    fn a_mistyped_unit_is_refused_with_what_is_expected() {
        let refused = Cli::try_parse_from(["sotay-relay", "serve", "--data", "x", "--allow", "abc"]);
        assert!(refused.unwrap_err().to_string().contains("64 hexadecimal digits"));
    }
}
