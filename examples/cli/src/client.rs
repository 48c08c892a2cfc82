//! `client.toml` in the profile folder: what this program remembers and the core does not need (decision 0050).
//!
//! ```toml
//! version = 1
//! relays = ["relay.example:7843#KEY"]    # best first
//! ```
//!
//! It is read and written only while the profile is open, so never by two programs at once.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::json;
use sotay_engine::{RELAY_HINTS_MAX, RelayAddress, SyncError};

use crate::failure::{Code, Failure};
use crate::files;

/// Name of the file in the profile folder.
pub(crate) const CLIENT_FILE: &str = "client.toml";
/// Bytes of the file.
pub(crate) const CLIENT_BYTES_MAX: usize = 64 * 1024;
/// Relays that are remembered: as many as an invitation passes on.
pub(crate) const RELAYS_MAX: usize = RELAY_HINTS_MAX;

const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    version: u32,
    #[serde(default)]
    relays: Vec<String>,
}

/// The file, read.
#[derive(Debug)]
pub(crate) struct ClientFile {
    path: PathBuf,
    relays: Vec<String>,
}

impl ClientFile {
    /// Reads the file of a profile folder; a missing one remembers nothing.
    pub fn read(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join(CLIENT_FILE);
        let mut relays = Vec::new();
        if path.exists() {
            let text = files::read(&path.to_string_lossy(), CLIENT_BYTES_MAX)?;
            let bad = |reason: String| {
                Failure::new(Code::ClientFile)
                    .with("file", path.display())
                    .with("reason", reason)
            };
            let form: Form = toml::from_str(&text).map_err(|error| bad(error.message().to_owned()))?;
            if form.version != VERSION {
                return Err(bad(format!("version {}", form.version)));
            }
            relays = form.relays;
        }
        Ok(Self { path, relays })
    }

    /// The relays, best first.
    pub fn relays(&self) -> &[String] {
        &self.relays
    }

    /// Remembers relays after those known; true when one was new.
    pub fn remember<'a>(&mut self, relays: impl IntoIterator<Item = &'a String>) -> Result<bool, Failure> {
        let before = self.relays.len();
        for relay in relays {
            if !self.relays.contains(relay) {
                self.relays.push(relay.clone());
            }
        }
        if self.relays.len() > RELAYS_MAX {
            self.relays.truncate(before);
            return Err(Failure::new(Code::TooManyRelays).with("limit", RELAYS_MAX));
        }
        if self.relays.len() == before {
            return Ok(false);
        }
        self.write()?;
        Ok(true)
    }

    /// Forgets a relay, named by its address or its number in the list; gives back its address.
    pub fn forget(&mut self, relay: &str) -> Result<String, Failure> {
        let by_number = relay
            .parse::<usize>()
            .ok()
            .and_then(|number| number.checked_sub(1));
        let at = self.relays.iter().position(|known| known == relay).or(by_number);
        let at = at.filter(|&at| at < self.relays.len());
        let at = at.ok_or_else(|| Failure::new(Code::UnknownRelay).with("relay", relay))?;
        let forgotten = self.relays.remove(at);
        self.write()?;
        Ok(forgotten)
    }

    fn write(&self) -> Result<(), Failure> {
        let form = Form {
            version: VERSION,
            relays: self.relays.clone(),
        };
        let text =
            toml::to_string(&form).map_err(|_| Failure::new(Code::Mistake).with("place", CLIENT_FILE))?;
        files::write(&self.path, &text)
    }
}

/// A relay address in its one spelling.
pub(crate) fn relay_address(text: &str) -> Result<String, Failure> {
    let address: RelayAddress = text.trim().parse().map_err(|reason| {
        Failure::from(SyncError::Address(reason)).details(json!({ "reason": reason.to_string() }))
    })?;
    Ok(address.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|n| format!("relay{n}.example:7843#key")).collect()
    }

    #[test]
    fn relays_are_remembered_once_in_order_and_forgotten_by_number_or_address() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = ClientFile::read(folder.path()).unwrap();
        assert!(file.remember(&names(3)).unwrap());
        assert!(!file.remember(&names(2)).unwrap());
        assert_eq!(ClientFile::read(folder.path()).unwrap().relays(), names(3));
        assert_eq!(file.forget("2").unwrap(), names(3)[1]);
        assert_eq!(file.forget(&names(3)[2]).unwrap(), names(3)[2]);
        assert_eq!(file.forget("0").unwrap_err().name(), "unknown_relay");
        assert_eq!(file.forget("2").unwrap_err().name(), "unknown_relay");
        assert_eq!(ClientFile::read(folder.path()).unwrap().relays(), names(1));
    }

    #[test]
    fn one_relay_over_the_limit_is_refused_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = ClientFile::read(folder.path()).unwrap();
        file.remember(&names(RELAYS_MAX)).unwrap();
        assert_eq!(
            file.remember(&names(RELAYS_MAX + 1)).unwrap_err().name(),
            "too_many_relays"
        );
        assert_eq!(
            ClientFile::read(folder.path()).unwrap().relays(),
            names(RELAYS_MAX)
        );
    }

    #[test]
    fn a_file_of_another_form_version_or_size_is_refused_and_left_alone() {
        for text in [
            "relays = 3",
            "version = 2",
            "version = 1\nother = 1",
            "version = 1\nrelays = [",
            "relays = []",
        ] {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join(CLIENT_FILE), text).unwrap();
            assert_eq!(
                ClientFile::read(folder.path()).unwrap_err().name(),
                "client_file",
                "{text}"
            );
            assert_eq!(
                std::fs::read_to_string(folder.path().join(CLIENT_FILE)).unwrap(),
                text
            );
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(CLIENT_FILE), " ".repeat(CLIENT_BYTES_MAX + 1)).unwrap();
        assert_eq!(
            ClientFile::read(folder.path()).unwrap_err().name(),
            "file_too_large"
        );
    }
}
