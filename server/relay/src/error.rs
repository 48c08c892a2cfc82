//! Why the relay does not run: in words, with what to do next, and with an exit code of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use sotay_net::{AddressError, BindError};
use sotay_store::StoreError;
use sotay_sync::bundle;

use crate::admin::AdminError;
use crate::backup::BackupError;
use crate::config::ConfigError;
use crate::data::DataError;

/// Why a subcommand failed. The environment's or the operator's fault, except `Stopped`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error("{0}")]
    Data(#[from] DataError),
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("the database server ({place}): {error}")]
    Server { place: String, error: StoreError },
    #[error("cannot listen for phones on {address}: {error}")]
    Listen { address: SocketAddr, error: BindError },
    #[error("cannot listen for health checks on TCP {address}: {error}")]
    Http { address: SocketAddr, error: BindError },
    #[error("--public: {0}")]
    Public(AddressError),
    #[error("the operating system gives no threads or signals: {0}")]
    System(std::io::Error),
    #[error("no relay is running on this data directory")]
    NotRunning,
    #[error("the relay does not answer on {0}")]
    Silent(SocketAddr),
    #[error("the relay is running but not ready: {0}")]
    NotReady(String),
    #[error("{0}")]
    Config(#[from] ConfigError),
    #[error("no data directory is given")]
    NoData,
    #[error("the local socket {path} cannot be made: {error}")]
    Socket { path: PathBuf, error: std::io::Error },
    #[error("the relay said: {0}")]
    Refused(String),
    #[error("pruning is off")]
    PruningOff,
    #[error("{0} is there already; nothing was overwritten")]
    Exists(PathBuf),
    #[error("{path} cannot be written: {error}")]
    Output { path: PathBuf, error: std::io::Error },
    #[error("{0}")]
    Admin(#[from] AdminError),
    #[error("{0}")]
    Backup(#[from] BackupError),
    #[error("{0}")]
    Bundle(bundle::WriteError),
    #[error("{0} acknowledged envelopes are lost")]
    Lost(u64),
    #[error("{0} of the checks failed")]
    Unwell(usize),
    #[error("the thread that owns the database ended unexpectedly")]
    Stopped,
}

impl RunError {
    /// Exit code; the table is in `docs/OPERATING.md`. 2 is a wrong command line.
    pub fn exit_code(&self) -> u8 {
        match self {
            RunError::Data(DataError::InUse(_)) | RunError::Store(StoreError::Busy) => 3,
            RunError::Data(DataError::OnServer(_) | DataError::InFile(_) | DataError::NoServer(_)) => 2,
            RunError::Listen { .. } | RunError::Http { .. } => 4,
            RunError::Data(_) | RunError::Store(StoreError::ReadOnly | StoreError::Full) => 5,
            RunError::Store(StoreError::Corrupt(_) | StoreError::Foreign) => 6,
            RunError::Store(StoreError::Newer { .. })
            | RunError::Server {
                error: StoreError::Newer { .. },
                ..
            } => 7,
            RunError::Server { .. } => 6,
            RunError::NotRunning | RunError::Silent(_) | RunError::NotReady(_) => 8,
            RunError::Config(_) | RunError::NoData | RunError::Public(_) => 2,
            RunError::Socket { .. } | RunError::Exists(_) | RunError::Output { .. } => 5,
            RunError::Backup(error) => error.exit_code(),
            RunError::Unwell(_) | RunError::Lost(_) => 9,
            RunError::Store(_)
            | RunError::System(_)
            | RunError::Refused(_)
            | RunError::PruningOff
            | RunError::Admin(_)
            | RunError::Bundle(_)
            | RunError::Stopped => 1,
        }
    }

    /// What the operator should do now.
    pub fn next_action(&self) -> &'static str {
        match self {
            RunError::Data(error) => match error {
                DataError::Io { .. } => {
                    "Check that the directory exists on a disk with room and belongs to this user."
                }
                DataError::NotRoots { .. } => {
                    "Run it as that user: `runuser -u sotay -- sotay-relay …`, where `sotay` is the service's user."
                }
                DataError::InUse(_) => "Stop the other relay, or give this one a directory of its own.",
                DataError::Missing(_) => "Check the path after --data; `sotay-relay init` makes a new relay.",
                DataError::KeyDamaged(_) | DataError::KeyLost(_) => {
                    "Restore relay.key from the backup: phones know this relay by its key. With another key every \
                     branch must be given a new relay address."
                }
                DataError::OnServer(_) => {
                    "For `serve` give the configuration with `store` after --config. What this command does to a file is the \
                     database server's own affair: see \"PostgreSQL\" in docs/OPERATING.md."
                }
                DataError::InFile(_) => {
                    "Run `sotay-relay move --data DIR --config FILE` once, with the relay stopped: it takes the records to the \
                     server. Or give a data directory of its own to a further node."
                }
                DataError::NoServer(_) => "Give `store = \"postgres://…\"` in that file.",
                DataError::ServerDamaged(_) => {
                    "Remove it, and start the relay with the configuration that names the server: it is written anew."
                }
                DataError::KeyOpen(_) => {
                    "Run `chmod 600` on it. If strangers may have read it, give the branches a relay with a new key."
                }
            },
            RunError::Config(ConfigError::Io { .. }) => {
                "Check the path after --config, and that this user may read the file."
            }
            RunError::Config(_) => "Mend the file and try again; docs/OPERATING.md lists every key.",
            RunError::NoData => "Give --data DIR, or `data` in the file after --config.",
            RunError::Socket { .. } => {
                "Choose a data directory with a short path (under 90 bytes) on a local disk."
            }
            RunError::Refused(_) | RunError::Admin(_) => {
                "Check the argument; `sotay-relay units` lists what is here."
            }
            RunError::Exists(_) => "Give another file after --out, or move that one aside.",
            RunError::Output { .. } => {
                "Give a file after --out in a directory that exists, that belongs to this user, on a disk with room."
            }
            RunError::PruningOff => {
                "Set prune = \"signed\" in [retention] of the configuration, and reload; with the relay stopped give that file \
                 after --config. `--dry-run` says what would be dropped."
            }
            RunError::Backup(error) => error.next_action(),
            RunError::Bundle(_) => "Use `backup`: a unit of this size does not fit into one file for phones.",
            RunError::Lost(_) => {
                "The disk or its driver tells that data is written when it is not: use another."
            }
            RunError::Unwell(_) => "Each line above that begins with FAIL says what to do.",
            RunError::Store(error) => match error {
                StoreError::Busy => "Stop the other program that has the database open.",
                StoreError::Full => "Free some room on the disk and start again; nothing is lost.",
                StoreError::ReadOnly => {
                    "Make the data directory writable for this user, and the disk writable."
                }
                StoreError::Corrupt(_) => {
                    "Keep the file aside, restore the last backup and start: phones hand over what it lacks."
                }
                StoreError::Newer { .. } => {
                    "Start the newer version of sotay-relay that wrote this database."
                }
                StoreError::Foreign => {
                    "Check the path after --data: relay.sqlite is some other program's file."
                }
                _ => "Look at the operating system's messages about this disk.",
            },
            RunError::Server { error, .. } => match error {
                StoreError::Unreachable => {
                    "Check that the server runs and listens there, its firewall, and the certificates if sslmode asks for them."
                }
                StoreError::Newer { .. } => {
                    "Start the newer version of sotay-relay that wrote this database; all nodes are upgraded, then the old one."
                }
                StoreError::Foreign => {
                    "There is a schema `sotay` that is another program's: give the relay a database of its own."
                }
                StoreError::Corrupt(_) => {
                    "Look at the server's log and disk; restore its last backup if it is damaged."
                }
                _ => "Look at the server's log: it has the exact words.",
            },
            RunError::Listen { error, .. } => match error {
                BindError::InUse => "Stop the other program on that port, or choose another with --listen.",
                BindError::Denied => "Choose a port above 1023 with --listen, or allow this user the port.",
                BindError::NotHere => "Give an address of this machine after --listen, or 0.0.0.0.",
                BindError::Io(_) => "Check the network settings of this machine.",
            },
            RunError::Http { error, .. } => match error {
                BindError::InUse => "Stop the other program on that port, or choose another with --http.",
                BindError::Denied => "Choose a port above 1023 with --http, or allow this user the port.",
                BindError::NotHere => "Give an address of this machine after --http; 127.0.0.1 is meant.",
                BindError::Io(_) => "Check the network settings of this machine.",
            },
            RunError::Public(_) => "Give a DNS name or an IP address without port after --public.",
            RunError::System(_) => "Raise the limits of this user (threads, open files).",
            RunError::NotRunning => "Start it with `sotay-relay serve --data DIR`.",
            RunError::Silent(_) => "It may be starting or stopping; try again, then look at its log.",
            RunError::NotReady(_) => {
                "Look at its log; phones keep what they have and try again by themselves."
            }
            RunError::Stopped => "Start it again; report the log to the developers.",
        }
    }

    /// Prints both to standard error.
    pub fn report(&self) -> ExitCode {
        eprintln!("sotay-relay: {self}\n{}", self.next_action());
        ExitCode::from(self.exit_code())
    }
}
