//! How far a member has read: a value that every device adds to and that merges by taking the greatest.
//!
//! Private to the member. What is shown is the maximum over the member's devices; merging two values in any order, any
//! number of times, gives the same value.

use crate::library::Hash;
use crate::wire::{Reader, WireError, Writer, only_canonical};
use std::collections::BTreeMap;

/// Version of the encoding.
const VERSION: u64 = 1;
/// Most document versions that one value holds.
pub const MAX_DOCUMENTS: usize = 4_096;
/// Most devices of one member that one document counts; three at a time, replaced over the years.
pub const MAX_DEVICES: usize = 64;
/// Largest encoding, in bytes.
pub const MAX_PROGRESS_BYTES: usize = 4 * 1024 * 1024;

/// The eight bytes that name a device.
pub type DeviceId = [u8; 8];

/// What one device knows of reading one document. Every part only grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// Number of paragraphs up to the furthest one reached.
    pub furthest: u32,
    /// Seconds of reading or listening on this device.
    pub seconds: u64,
    /// Whether the member said the document is done.
    pub finished: bool,
}

impl Mark {
    fn join(self, other: Self) -> Self {
        Self {
            furthest: self.furthest.max(other.furthest),
            seconds: self.seconds.max(other.seconds),
            finished: self.finished || other.finished,
        }
    }
}

/// All reading marks of a member: per document version and device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    marks: BTreeMap<Hash, BTreeMap<DeviceId, Mark>>,
}

/// What an app shows for one document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Paragraphs reached: the most on any device, never more than there are.
    pub furthest: u32,
    /// Paragraphs of the document.
    pub total: u32,
    /// Seconds on all devices together.
    pub seconds: u64,
    /// Done: said so on some device.
    pub finished: bool,
}

/// Why a mark was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MarkError {
    /// More than [`MAX_DOCUMENTS`]; forget documents that left the library first.
    #[error("reading marks of too many documents")]
    TooManyDocuments,
    /// More than [`MAX_DEVICES`].
    #[error("reading marks of too many devices")]
    TooManyDevices,
}

impl Progress {
    /// Notes that a device has read on: the furthest paragraph so far, and seconds since the last note.
    pub fn read_on(
        &mut self,
        document: Hash,
        device: DeviceId,
        furthest: u32,
        more_seconds: u32,
    ) -> Result<(), MarkError> {
        let mark = self.mark(document, device)?;
        mark.furthest = mark.furthest.max(furthest);
        mark.seconds = mark.seconds.saturating_add(more_seconds.into());
        Ok(())
    }

    /// Notes that the member is done with a document.
    pub fn finish(&mut self, document: Hash, device: DeviceId) -> Result<(), MarkError> {
        self.mark(document, device)?.finished = true;
        Ok(())
    }

    fn mark(&mut self, document: Hash, device: DeviceId) -> Result<&mut Mark, MarkError> {
        if self.marks.len() >= MAX_DOCUMENTS && !self.marks.contains_key(&document) {
            return Err(MarkError::TooManyDocuments);
        }
        let devices = self.marks.entry(document).or_default();
        if devices.len() >= MAX_DEVICES && !devices.contains_key(&device) {
            return Err(MarkError::TooManyDevices);
        }
        Ok(devices.entry(device).or_default())
    }

    /// Drops the marks of documents that `keep` refuses.
    pub fn retain(&mut self, mut keep: impl FnMut(&Hash) -> bool) {
        self.marks.retain(|document, _| keep(document));
    }

    /// Takes in what another device knows. Commutative, associative, idempotent.
    pub fn merge(&mut self, other: &Self) {
        for (document, devices) in &other.marks {
            let own = self.marks.entry(*document).or_default();
            for (device, mark) in devices {
                let joined = own.get(device).copied().unwrap_or_default().join(*mark);
                own.insert(*device, joined);
            }
        }
    }

    /// What to show for a document of `total` paragraphs.
    pub fn shown(&self, document: &Hash, total: u32) -> Shown {
        let marks = self.marks.get(document).into_iter().flat_map(BTreeMap::values);
        let empty = Shown {
            furthest: 0,
            total,
            seconds: 0,
            finished: false,
        };
        marks.fold(empty, |shown, mark| Shown {
            furthest: shown.furthest.max(mark.furthest.min(total)),
            total,
            seconds: shown.seconds.saturating_add(mark.seconds),
            finished: shown.finished || mark.finished,
        })
    }

    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.array(2).uint(VERSION).array(self.marks.len());
        for (document, devices) in &self.marks {
            w.array(2).bytes(&document.0).array(devices.len());
            for (device, mark) in devices {
                w.array(4)
                    .bytes(device)
                    .uint(mark.furthest.into())
                    .uint(mark.seconds);
                w.uint(mark.finished.into());
            }
        }
        w.finish()
    }

    /// Reads canonical bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes, MAX_PROGRESS_BYTES)?;
        r.tuple(2, "progress")?;
        r.version(VERSION)?;
        let mut read = Self::default();
        for _ in 0..r.array(MAX_DOCUMENTS, "documents")? {
            r.tuple(2, "document")?;
            let document = Hash(r.hash("document")?);
            let mut devices = BTreeMap::new();
            for _ in 0..r.array(MAX_DEVICES, "devices")? {
                r.tuple(4, "mark")?;
                let device: DeviceId = r.fixed("device")?;
                let furthest = r.uint(u32::MAX.into(), "furthest")? as u32;
                let seconds = r.uint(u64::MAX, "seconds")?;
                devices.insert(
                    device,
                    Mark {
                        furthest,
                        seconds,
                        finished: r.uint(1, "finished")? == 1,
                    },
                );
            }
            read.marks.insert(document, devices);
        }
        only_canonical(bytes, &read.encode())?;
        Ok(read)
    }
}

impl Shown {
    /// Per cent reached, rounded to the nearest whole; 100 only when every paragraph was reached.
    pub fn percent(&self) -> u32 {
        if self.total == 0 {
            return if self.finished { 100 } else { 0 };
        }
        let rounded =
            ((u64::from(self.furthest) * 200 + u64::from(self.total)) / (u64::from(self.total) * 2)) as u32;
        if self.furthest < self.total {
            rounded.min(99)
        } else {
            rounded
        }
    }
}

impl std::fmt::Display for Shown {
    /// `40/52 = 77 %`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{} = {} %", self.furthest, self.total, self.percent())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DOC: Hash = Hash([1; 32]);
    const PHONE: DeviceId = [1; 8];
    const TABLET: DeviceId = [2; 8];

    #[test]
    fn two_devices_show_the_furthest_paragraph_on_both() {
        let (mut phone, mut tablet) = (Progress::default(), Progress::default());
        phone.read_on(DOC, PHONE, 40, 600).unwrap();
        tablet.read_on(DOC, TABLET, 25, 300).unwrap();
        tablet.read_on(DOC, TABLET, 31, 60).unwrap();
        let before = tablet.clone();
        tablet.merge(&phone);
        phone.merge(&before);
        assert_eq!(phone, tablet);
        let shown = phone.shown(&DOC, 52);
        assert_eq!(shown.to_string(), "40/52 = 77 %");
        assert_eq!((shown.seconds, shown.finished), (960, false));
    }

    #[test]
    fn reading_back_does_not_lessen_what_was_reached() {
        let mut p = Progress::default();
        p.read_on(DOC, PHONE, 40, 0).unwrap();
        p.read_on(DOC, PHONE, 3, 5).unwrap();
        assert_eq!(p.shown(&DOC, 52).furthest, 40);
    }

    #[test]
    fn another_version_of_a_document_begins_at_nothing() {
        let mut p = Progress::default();
        p.read_on(DOC, PHONE, 40, 0).unwrap();
        assert_eq!(p.shown(&Hash([2; 32]), 52).to_string(), "0/52 = 0 %");
    }

    #[test]
    fn a_hundred_per_cent_is_shown_only_for_the_whole() {
        let shown = |furthest, total| {
            Shown {
                furthest,
                total,
                seconds: 0,
                finished: false,
            }
            .percent()
        };
        assert_eq!(
            (shown(999, 1_000), shown(1_000, 1_000), shown(1, 3), shown(0, 0)),
            (99, 100, 33, 0)
        );
    }

    #[test]
    fn one_document_or_device_more_than_allowed_is_refused() {
        let mut p = Progress::default();
        for i in 0..MAX_DEVICES as u64 {
            p.read_on(DOC, i.to_be_bytes(), 1, 1).unwrap();
        }
        assert_eq!(p.read_on(DOC, [0xff; 8], 1, 1), Err(MarkError::TooManyDevices));
        let mut p = Progress::default();
        for i in 0..MAX_DOCUMENTS as u32 {
            let mut id = [0; 32];
            id[..4].copy_from_slice(&i.to_be_bytes());
            p.finish(Hash(id), PHONE).unwrap();
        }
        assert_eq!(
            p.finish(Hash([0xff; 32]), PHONE),
            Err(MarkError::TooManyDocuments)
        );
        assert_eq!(Progress::decode(&p.encode()), Ok(p.clone()));
        p.retain(|document| document.0[3] == 0);
        assert_eq!(p.marks.len(), MAX_DOCUMENTS / 256);
    }

    #[test]
    fn the_bytes_are_the_golden_ones_and_others_are_refused() {
        let mut p = Progress::default();
        p.read_on(DOC, PHONE, 40, 600).unwrap();
        p.finish(DOC, PHONE).unwrap();
        let hex: String = p.encode().iter().map(|b| format!("{b:02x}")).collect();
        let golden = format!(
            "8201818258 20{}8184480101010101010101182819025801",
            "01".repeat(32)
        )
        .replace(' ', "");
        assert_eq!(hex, golden);
        let bytes = p.encode();
        for cut in 0..bytes.len() {
            assert!(Progress::decode(&bytes[..cut]).is_err());
        }
        let mut newer = bytes.clone();
        newer[1] = 2;
        assert_eq!(Progress::decode(&newer), Err(WireError::Version(2)));
        assert_eq!(
            Progress::decode(&[bytes, vec![0]].concat()),
            Err(WireError::NotCanonical)
        );
    }

    fn progress() -> impl Strategy<Value = Progress> {
        let note = (0u8..4, 0u8..4, 0u32..100, 0u32..100, any::<bool>());
        proptest::collection::vec(note, 0..20).prop_map(|notes| {
            let mut p = Progress::default();
            for (document, device, furthest, seconds, finished) in notes {
                let (document, device) = (Hash([document; 32]), [device; 8]);
                p.read_on(document, device, furthest, seconds).unwrap();
                if finished {
                    p.finish(document, device).unwrap();
                }
            }
            p
        })
    }

    fn merged(a: &Progress, b: &Progress) -> Progress {
        let mut out = a.clone();
        out.merge(b);
        out
    }

    proptest! {
        #[test]
        fn merging_is_commutative_associative_and_idempotent(a in progress(), b in progress(), c in progress()) {
            prop_assert_eq!(merged(&a, &b), merged(&b, &a));
            prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
            prop_assert_eq!(merged(&a, &a), a.clone());
            prop_assert_eq!(Progress::decode(&a.encode()), Ok(a));
        }

        #[test]
        fn garbage_is_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Progress::decode(&bytes);
        }
    }
}
