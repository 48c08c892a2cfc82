//! A relay as a process of its own: this program, started again.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde::Deserialize;

/// First argument that turns this program into a relay.
pub const AS_RELAY: &str = "as-relay";

/// Why there is no relay.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// The process did not start.
    #[error("the relay process did not start: {0}")]
    Start(std::io::Error),
    /// It ended, or said something else, before it was ready.
    #[error("the relay was not ready: it said {0:?}")]
    NotReady(String),
}

/// The line a relay prints when it is ready.
#[derive(Debug, Deserialize)]
struct Ready {
    addresses: Vec<String>,
}

/// A running relay; dropped, it is ended.
pub struct RelayProcess {
    child: Child,
    address: String,
}

impl RelayProcess {
    /// Starts a relay on a free loopback port that keeps its data in `dir`.
    pub fn start(dir: &Path) -> Result<Self, RelayError> {
        let program = std::env::current_exe().map_err(RelayError::Start)?;
        let mut child = Command::new(program)
            .args([
                AS_RELAY,
                "serve",
                "--json",
                "--listen",
                "127.0.0.1:0",
                "--http",
                "127.0.0.1:0",
            ])
            .args(["--allow", "any", "--data"])
            .arg(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(RelayError::Start)?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            // An error reads as an empty line, which is not a ready relay either.
            let _ = BufReader::new(stdout).read_line(&mut line);
        }
        let ready = serde_json::from_str::<Ready>(&line).ok();
        match ready.and_then(|ready| ready.addresses.into_iter().next()) {
            Some(address) => Ok(Self { child, address }),
            None => {
                end(&mut child);
                Err(RelayError::NotReady(line.trim().to_owned()))
            }
        }
    }

    /// `host:port#key` for phones.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for RelayProcess {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// A relay loses nothing when it is killed, so ending it needs no ceremony.
fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}
