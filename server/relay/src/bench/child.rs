//! The relay under test: this same program as a child process.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use sotay_net::RelayAddress;

use super::Place;
use crate::error::RunError;
use crate::http;

/// Quotas that no scene reaches, so that the machine is measured and not the quota.
const CONFIG: &str = "[limits]\nenvelopes-per-hour = 1000000\nenvelopes-at-once = 10000000\n\
                      bytes-per-day = 1000000000000\nspace-bytes = 1000000000000\nsessions = 1000000\n";

/// A running relay; killed when dropped.
pub(super) struct Relay {
    child: Child,
    pub address: RelayAddress,
    http: SocketAddr,
    /// From the start of the process until phones were served.
    pub started_in: Duration,
}

/// What a process has used.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Used {
    pub cpu: Duration,
    pub memory_bytes: u64,
}

impl Relay {
    pub fn start(place: &Place) -> Result<Self, RunError> {
        Self::start_with(place, CONFIG)
    }

    /// With the quotas that an operator has who changes none.
    pub fn start_with_quotas(place: &Place) -> Result<Self, RunError> {
        Self::start_with(place, "")
    }

    fn start_with(place: &Place, limits: &str) -> Result<Self, RunError> {
        let config = place.path().join("relay.toml");
        std::fs::write(&config, place.store() + limits).map_err(RunError::System)?;
        let program = std::env::current_exe().map_err(RunError::System)?;
        let start = Instant::now();
        let mut child = Command::new(program)
            .args([
                "serve",
                "--json",
                "--listen",
                "127.0.0.1:0",
                "--http",
                "127.0.0.1:0",
                "--data",
            ])
            .arg(place.path().join("data"))
            .arg("--config")
            .arg(config)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(RunError::System)?;
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out)
                .read_line(&mut line)
                .map_err(RunError::System)?;
        }
        let started_in = start.elapsed();
        let told: Value = serde_json::from_str(&line).unwrap_or_default();
        let address = told["addresses"][0].as_str().and_then(|text| text.parse().ok());
        let http = told["http"].as_str().and_then(|text| text.parse().ok());
        match (address, http) {
            (Some(address), Some(http)) => Ok(Self {
                child,
                address,
                http,
                started_in,
            }),
            _ => {
                // It has said why on standard error.
                let _ = child.wait();
                Err(RunError::Stopped)
            }
        }
    }

    /// SIGKILL: no handler runs.
    pub fn kill(mut self) -> Result<(), RunError> {
        self.child
            .kill()
            .and_then(|()| self.child.wait())
            .map_err(RunError::System)?;
        Ok(())
    }

    /// One sample of the metrics; 0 when nothing was counted yet.
    pub fn metric(&self, name: &str) -> f64 {
        let text = http::ask(self.http, "/metrics").map_or(String::new(), |(_, text)| text);
        let sample = text
            .lines()
            .find_map(|line| line.strip_prefix("sotay_relay_")?.strip_prefix(name));
        sample.and_then(|value| value.trim().parse().ok()).unwrap_or(0.0)
    }

    /// Sum of all samples whose name begins so.
    pub fn metrics(&self, name: &str) -> f64 {
        let text = http::ask(self.http, "/metrics").map_or(String::new(), |(_, text)| text);
        let samples = text
            .lines()
            .filter(|line| line.starts_with(&format!("sotay_relay_{name}")));
        samples
            .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
            // Not `sum`, which is minus zero when there is none.
            .fold(0.0, |sum, value| sum + value)
    }

    pub fn used(&self) -> Used {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id()));
        let stat = read("stat").unwrap_or_default();
        // The name of the program, in parentheses, may hold spaces.
        let fields: Vec<u64> = stat
            .rsplit_once(')')
            .map_or("", |(_, rest)| rest)
            .split_whitespace()
            .map(|field| field.parse().unwrap_or(0))
            .collect();
        let ticks = fields.get(11).copied().unwrap_or(0) + fields.get(12).copied().unwrap_or(0);
        let per_second = rustix::param::clock_ticks_per_second().max(1);
        let pages: u64 = read("statm")
            .unwrap_or_default()
            .split_whitespace()
            .nth(1)
            .and_then(|pages| pages.parse().ok())
            .unwrap_or(0);
        Used {
            cpu: Duration::from_secs_f64(ticks as f64 / per_second as f64),
            memory_bytes: pages * rustix::param::page_size() as u64,
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
