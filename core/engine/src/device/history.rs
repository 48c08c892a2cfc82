//! Who changed what in a document, and what waits to be sealed.

use serde::Serialize;
use sotay_document::log;
use sotay_feed::{DeviceId, DocId};
use sotay_handbook::{DocKind, HandbookEvent, events};
use sotay_store::{Bucket, Store};

use super::Device;
use crate::error::DeviceError;

/// One change of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistoryLine {
    /// Its hash, in hexadecimal.
    pub hash: String,
    /// The device that made it.
    #[serde(serialize_with = "crate::text_of")]
    pub device: DeviceId,
    /// Label of the device, or the beginning of its id.
    pub label: String,
    /// Milliseconds since 1970 UTC by the clock of that device, exact to the second.
    pub at_ms: i64,
    /// What it wrote, each part once.
    pub what: Vec<HandbookEvent>,
}

impl<S: Store> Device<S> {
    /// Every change of a meeting, causes before effects; the same on all devices with the same records.
    pub fn history(&mut self, doc: DocId) -> Result<Vec<HistoryLine>, DeviceError> {
        let key = self
            .known_document(doc)?
            .filter(|key| key.kind == DocKind::Meeting)
            .ok_or(DeviceError::NoMeeting)?;
        let entries = self.look_back(key, log)?;
        let line = |entry: sotay_document::LogEntry| HistoryLine {
            hash: entry.hash.to_string(),
            device: entry.by.device,
            label: self.device_label(entry.by.device),
            at_ms: entry.by.time_ms,
            what: events(key.kind, &entry.touched),
        };
        Ok(entries.into_iter().map(line).collect())
    }

    /// Changes made here that are durable and not yet sealed into envelopes; sealing happens when a session begins.
    pub fn pending(&self) -> Result<u64, DeviceError> {
        Ok(self.replica.store().list(Bucket::Pending, &[])?.len() as u64)
    }
}
