//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::TypedValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};
use serde::Serialize;
use sotay_feed::UnitId;
use sotay_membership::{NotARootId, RootId};
use sotay_net::RelayAddress;

use crate::permissions::Served;

/// UDP and TCP port of a relay when none is given (P12.1).
pub(crate) const DEFAULT_PORT: u16 = 7843;
/// TCP port of the health checks when none is given.
pub(crate) const DEFAULT_HTTP_PORT: u16 = 7844;

/// Sổ Tay relay: keeps and forwards the sealed records of branches; it cannot read them.
#[derive(Debug, Parser)]
#[command(name = "sotay-relay", version, about, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the relay until it is told to stop (SIGTERM or Ctrl-C); SIGHUP reads the configuration again.
    Serve(Serve),
    /// Make the data directory, the key and an empty database, and print the key; run nothing.
    Init(Init),
    /// Say whether a relay is running on a data directory, and how it is.
    Status(Data),
    /// Check every record and every chain of a database. The relay must be stopped.
    Verify(Data),
    /// List the units with their sizes and how far their phones are.
    Units(Data),
    /// List the devices of a unit with rank, state and last contact.
    Devices(OfUnit),
    /// List the spaces of a unit, or of all, with their sizes.
    Spaces(Spaces),
    /// Say what a device has used of its quota.
    Quota(Quota),
    /// Turn a unit or a device away from now on; without an argument list what is blocked and allowed.
    Block(Target),
    /// Serve a unit, or take a block away; without an argument list what is blocked and allowed.
    Allow(Target),
    /// Copy everything to a directory while the relay runs; a second time only what is new.
    Backup(Backup),
    /// Make a data directory from a backup. Refuses to overwrite.
    Restore(Restore),
    /// Take the records from the file to the database server that the configuration names. The relay must be stopped.
    Move(Move),
    /// Write everything of one unit to a file that a phone can import. The relay must be stopped.
    Export(Export),
    /// Drop now what two officers have signed as packed together, as `[retention]` of the configuration allows.
    Prune(Prune),
    /// Write the database anew without gaps. The relay must be stopped.
    Compact(Data),
    /// Look for what is wrong: ports, clock, disk, limits, database, reachability.
    Doctor(Doctor),
    /// Print a link that opens the operator's page once, within ten minutes. The relay must be running.
    Web(Data),
    /// Measure what a relay on this machine can bear: a relay of its own and phones, all on the loopback address.
    Bench(Bench),
}

/// What `bench` plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Scene {
    /// Every phone brings the changes of a meeting within --over seconds.
    Peak,
    /// All phones come back within --over seconds, with nothing new.
    Reconnect,
    /// All phones stay connected and nothing happens: memory and CPU.
    Idle,
    /// Half of the phones stay and read nothing while the others sync.
    Slow,
    /// A unit that pushes all the time beside a normal one.
    Greedy,
    /// Verified, durable envelopes a second, without network: what --phones phones of --units units hand over.
    Durable,
    /// `kill -9` under load, --rounds times; fails if anything acknowledged is lost.
    Kill,
    /// One after the other.
    All,
    /// The process of the greedy unit; `greedy` starts it.
    #[value(hide = true)]
    GreedyUnit,
}

/// Where the relay under test has its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum BenchStore {
    /// A file.
    Sqlite,
    /// A server of its own, started for the scene with the PostgreSQL programs of this machine.
    Postgres,
}

#[derive(Debug, Args)]
pub(crate) struct Bench {
    #[arg(value_enum)]
    pub scene: Scene,
    /// Units.
    #[arg(long, default_value_t = 20, value_parser = value_parser!(u32).range(1..=1000).map(|n| n as usize))]
    pub units: usize,
    /// Phones of a unit.
    #[arg(long, default_value_t = 30, value_parser = value_parser!(u32).range(2..=400).map(|n| n as usize))]
    pub phones: usize,
    /// Envelopes that a phone brings.
    #[arg(long, default_value_t = 10, value_parser = value_parser!(u32).range(1..=10_000).map(|n| n as usize))]
    pub changes: usize,
    /// Bytes of the sealed body of an envelope.
    #[arg(long, default_value_t = 500, value_parser = value_parser!(u32).range(1..=60_000).map(|n| n as usize))]
    pub bytes: usize,
    /// Seconds within which the phones come, evenly; 0: all at once.
    #[arg(long, default_value_t = 0)]
    pub over: u64,
    /// Kills.
    #[arg(long, default_value_t = 50, value_parser = value_parser!(u32).range(1..=10_000))]
    pub rounds: u32,
    /// MiB of records that the relay holds before it is killed for the first time.
    #[arg(long, default_value_t = 0, value_parser = value_parser!(u64).range(0..=1_000_000))]
    pub fill: u64,
    /// Leave the relay its default quotas, beside a greedy unit. Else none is reached, so that the machine is measured.
    #[arg(long)]
    pub quotas: bool,
    /// Where the relay under test has its records.
    #[arg(long, value_enum, default_value = "sqlite")]
    pub store: BenchStore,
    /// The relay that a greedy unit pushes to.
    #[arg(long, hide = true, required_if_eq("scene", "greedy-unit"))]
    pub relay: Option<RelayAddress>,
    /// Print one JSON object for each scene instead of text.
    #[arg(long)]
    pub json: bool,
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
pub(crate) struct Init {
    #[command(flatten)]
    pub data: Data,
    /// Configuration that names a database server, for a node of several.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Move {
    #[command(flatten)]
    pub data: Data,
    /// Configuration with `store = "postgres://…"`.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct OfUnit {
    #[command(flatten)]
    pub data: Data,
    /// The unit (64 hexadecimal digits).
    pub unit: String,
}

#[derive(Debug, Args)]
pub(crate) struct Spaces {
    #[command(flatten)]
    pub data: Data,
    /// The unit (64 hexadecimal digits); all units without it.
    pub unit: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Quota {
    #[command(flatten)]
    pub data: Data,
    /// The device (16 hexadecimal digits).
    pub device: String,
    /// Set what it has used to nothing.
    #[arg(long)]
    pub forgive: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Target {
    #[command(flatten)]
    pub data: Data,
    /// Unit (64 hexadecimal digits) or device (16).
    pub target: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Backup {
    #[command(flatten)]
    pub data: Data,
    /// Directory of the backup; made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Copy the relay's secret key too.
    #[arg(long)]
    pub with_key: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    #[command(flatten)]
    pub data: Data,
    /// Directory of the backup.
    #[arg(long, value_name = "DIR")]
    pub from: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Prune {
    #[command(flatten)]
    pub data: Data,
    /// Say what would be dropped, and drop nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// The configuration with `[retention]`, of a relay that is stopped; a running one has it.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    pub data: Data,
    /// The unit (64 hexadecimal digits).
    pub unit: String,
    /// The file to write; it must not exist.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub data: Data,
    /// The configuration to check as well.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Host name or address under which phones reach this relay: try it.
    #[arg(long, value_name = "HOST")]
    pub public: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Directory that holds the key and the database of one relay.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Configuration file; options on the command line win.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub json: bool,
    /// Address for phones, UDP and TCP [default: 0.0.0.0:7843]. Port 0 lets the system choose.
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Unit to serve (64 hexadecimal digits), `root:` and the digits of a root to serve all units under it, or `any`
    /// [default: any]. May be repeated.
    #[arg(long, value_name = "UNIT|root:ROOT|any")]
    pub allow: Vec<Allow>,
    /// TCP address for /healthz, /readyz and /metrics [default: 127.0.0.1:7844]. Keep it on the loopback address.
    #[arg(long, value_name = "ADDR")]
    pub http: Option<SocketAddr>,
    /// Host name or address under which phones reach this relay, for the line that is printed for them.
    #[arg(long, value_name = "HOST")]
    pub public: Option<String>,
}

/// What `--allow` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allow {
    Any,
    Unit(UnitId),
    Root(RootId),
}

impl Allow {
    /// Adds it to what is served; with `any` everything is, whatever else is named.
    pub fn add_to(self, served: &mut Option<Served>) {
        match (self, served) {
            (Allow::Any, served) => *served = None,
            (Allow::Unit(unit), Some(served)) => drop(served.units.insert(unit)),
            (Allow::Root(root), Some(served)) => drop(served.roots.insert(root)),
            (_, None) => {}
        }
    }
}

impl FromStr for Allow {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "any" {
            return Ok(Allow::Any);
        }
        if let Some(root) = text.strip_prefix("root:") {
            return root
                .parse()
                .map(Allow::Root)
                .map_err(|error: NotARootId| error.to_string());
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
    fn a_mistyped_unit_is_refused_with_what_is_expected() {
        let refused = Cli::try_parse_from(["sotay-relay", "serve", "--data", "x", "--allow", "abc"]);
        assert!(refused.unwrap_err().to_string().contains("64 hexadecimal digits"));
    }
}
