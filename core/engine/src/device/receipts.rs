//! Phones that have handed in: a phone that wrote into a meeting and has seen its end says so in its feed, behind
//! everything it wrote. Without that an officer could not tell a phone that has nothing more from one that was not heard of.

use std::collections::BTreeSet;

use sotay_feed::cbor::{CborError, Reader, Writer};
use sotay_feed::{DeviceId, DocId, Kind};
use sotay_handbook::DocKind;
use sotay_handbook::meeting::Step;
use sotay_store::{Bucket, Put, Store};

use super::Device;
use super::books::BookKey;
use crate::error::DeviceError;

/// Row of a phone that has handed in what it wrote into a meeting.
fn receipt_key(doc: DocId, device: DeviceId) -> Vec<u8> {
    [b"r", &doc.as_bytes()[..], device.as_bytes()].concat()
}

/// Body of a receipt: `[1, document]`. Its writer had seen the end of the meeting, and everything it had written into it
/// stands before this place of its feed or in the feed's earlier numbers.
pub(super) fn receipt(doc: DocId) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(2).uint(1).bytes(doc.as_bytes());
    writer.into_bytes()
}

fn read_receipt(body: &[u8]) -> Option<DocId> {
    let read = || -> Result<DocId, CborError> {
        let mut reader = Reader::new(body);
        reader.array(2)?;
        let at = reader.position();
        if reader.uint()? != 1 {
            return Err(CborError::Malformed { at });
        }
        let doc = DocId::from_bytes(reader.fixed()?);
        reader.finish(&receipt(doc))?;
        Ok(doc)
    };
    read().ok()
}

/// The row of a receipt by this device.
pub(super) fn receipt_put(body: &[u8], device: DeviceId) -> Option<Put> {
    Some(Put {
        bucket: Bucket::Seal,
        key: receipt_key(read_receipt(body)?, device),
        value: Some(Vec::new()),
    })
}

impl<S: Store> Device<S> {
    /// Whether a phone has handed in what it wrote into a meeting.
    pub(super) fn has_handed_in(&self, doc: DocId, device: DeviceId) -> Result<bool, DeviceError> {
        let row = self
            .replica
            .store()
            .get(Bucket::Seal, &receipt_key(doc, device))?;
        Ok(row.is_some())
    }

    /// Phones that wrote into a meeting and have not been heard of since it ended. For the eve of a seal: it is no part
    /// of the review list, because it depends on what this phone has heard.
    pub(super) fn phones_not_synced(&mut self, key: BookKey) -> Result<Vec<DeviceId>, DeviceError> {
        let writers = self.writers(key)?;
        let own = self.id();
        let mut silent = Vec::new();
        for device in writers {
            let serves = self.membership()?.may_be_served(device).is_ok();
            if device != own && serves && !self.has_handed_in(key.doc, device)? {
                silent.push(device);
            }
        }
        Ok(silent)
    }

    /// Devices that wrote into a document.
    fn writers(&mut self, key: BookKey) -> Result<BTreeSet<DeviceId>, DeviceError> {
        self.look_back(key, |crdt| {
            let changes = crdt.get_changes_meta(&[]);
            let hashes = changes.iter().map(|change| change.hash);
            hashes
                .filter_map(|hash| sotay_document::provenance(crdt, &hash))
                .filter(|by| !by.genesis)
                .map(|by| by.device)
                .collect()
        })
    }

    /// Hands in: says that everything this phone wrote into a meeting that has ended stands in its feed. Called when what
    /// was pending has just been sealed into envelopes.
    pub(super) fn report_end(&mut self) -> Result<(), DeviceError> {
        let mut handed = false;
        for doc in std::mem::take(&mut self.ended) {
            let Some(key) = self
                .known_document(doc)?
                .filter(|key| key.kind == DocKind::Meeting)
            else {
                continue;
            };
            let closed = self
                .seen(key)?
                .view
                .steps
                .iter()
                .any(|taken| taken.step == Step::Closed);
            if !closed || self.has_handed_in(doc, self.id())? || !self.writers(key)?.contains(&self.id()) {
                continue;
            }
            let space = self.space(key.space)?;
            if self.membership()?.may_be_served(self.id()).is_ok() {
                self.publish_clear(&space, Kind::RECEIPT, &receipt(doc))?;
                handed = true;
            }
        }
        if handed { self.absorb() } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_reads_back_and_anything_else_is_none() {
        let doc = DocId::from_bytes([7; 16]);
        let bytes = receipt(doc);
        assert_eq!(
            data_encoding::HEXLOWER.encode(&bytes),
            format!("820150{}", "07".repeat(16))
        );
        assert_eq!(read_receipt(&bytes), Some(doc));
        for len in 0..bytes.len() {
            assert_eq!(read_receipt(&bytes[..len]), None);
        }
        assert_eq!(read_receipt(&[&bytes[..], &[0]].concat()), None);
        let mut newer = bytes;
        newer[1] = 2;
        assert_eq!(read_receipt(&newer), None);
    }
}
