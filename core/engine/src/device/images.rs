//! Images of documents: what they read, kept beside them, so that looking at a meeting does not load it.
//!
//! A stored image says of which snapshot and of how much of the tail it is. One that is of anything else is not used, so
//! nobody has to delete it, and losing one costs time only (decision 0183).

use sotay_document::Image;
use sotay_document::crdt::{Automerge, ChangeHash};
use sotay_feed::DocId;
use sotay_store::{Bucket, Put, Store};

use super::Device;
use super::books::{BookKey, put, row_key};
use crate::error::DeviceError;

/// What is stored of a document, as far as it takes to tell whether an image is of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stand {
    /// BLAKE3 of the snapshot; of nothing, where there is none.
    pub snapshot: [u8; 32],
    /// Number after that of the last row of the tail; `None` where the tail is empty.
    pub tail: Option<u64>,
}

/// Stands for an empty tail.
const EMPTY: u64 = u64::MAX;
/// Bytes before the image in its row: snapshot, tail.
const STAND_LEN: usize = 32 + 8;

fn image_key(doc: DocId) -> Vec<u8> {
    [&doc.as_bytes()[..], b"i"].concat()
}

fn image_put(doc: DocId, stand: Stand, image: &[u8]) -> Put {
    let tail = stand.tail.unwrap_or(EMPTY).to_be_bytes();
    let row = [&stand.snapshot, &tail[..], image].concat();
    put(Bucket::Snapshot, image_key(doc), Some(row))
}

impl<S: Store> Device<S> {
    /// What a document reads now. It is loaded for that only if there is no image of it as it is.
    pub(super) fn image(&mut self, key: BookKey) -> Result<&Image, DeviceError> {
        if !self.books.contains_key(&key.doc)
            && !self.images.contains_key(&key.doc)
            && let Some(image) = self.stored_image(key.doc)?
        {
            self.images.insert(key.doc, image);
        }
        if !self.images.contains_key(&key.doc) {
            let fresh = !self.books.contains_key(&key.doc);
            let book = self.book(key)?;
            book.document
                .image()
                .map_err(|_| DeviceError::Internal("document view"))?;
            if fresh {
                self.keep_images();
            }
        }
        let loaded = self
            .books
            .get(&key.doc)
            .and_then(|book| book.document.known_image());
        loaded
            .or_else(|| self.images.get(&key.doc))
            .ok_or(DeviceError::Internal("document view"))
    }

    /// The stored image, if it is one of what is stored.
    fn stored_image(&self, doc: DocId) -> Result<Option<Image>, DeviceError> {
        let store = self.replica.store();
        let Some(row) = store.get(Bucket::Snapshot, &image_key(doc))? else {
            return Ok(None);
        };
        let Some((stand, image)) = row.split_at_checked(STAND_LEN) else {
            return Ok(None);
        };
        let snapshot = store.get(Bucket::Snapshot, doc.as_bytes())?.unwrap_or_default();
        if *blake3::hash(&snapshot).as_bytes() != stand[..32] {
            return Ok(None);
        }
        let tail = stand[32..]
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte));
        let row = |number| store.get(Bucket::Tail, &row_key(doc, number));
        let same = match tail {
            EMPTY => store.list(Bucket::Tail, doc.as_bytes())?.is_empty(),
            0 => false,
            tail => row(tail - 1)?.is_some() && row(tail)?.is_none(),
        };
        Ok(same.then(|| Image::decode(image)).flatten())
    }

    /// Stores images of the documents that are open, where those in the store are of something else. What is derived may
    /// be lost: a store that fails is noticed by whoever writes next.
    pub(super) fn keep_images(&mut self) {
        let mut puts = Vec::new();
        for book in self.books.values_mut().filter(|book| !book.imaged) {
            let stand = book.stand();
            let image = book.document.image().ok().and_then(Image::encode);
            book.imaged = true;
            puts.extend(image.map(|image| image_put(book.key.doc, stand, &image)));
        }
        if puts.is_empty() {
            return;
        }
        if let Err(error) = self.write(puts) {
            tracing::warn!(%error, "images of documents are not stored");
        }
    }

    /// Heads of a document.
    pub(super) fn heads(&mut self, key: BookKey) -> Result<Vec<ChangeHash>, DeviceError> {
        Ok(self.image(key)?.heads().to_vec())
    }

    /// Reads a document as it is.
    pub(super) fn view<T>(&mut self, key: BookKey, read: impl FnOnce(&Image) -> T) -> Result<T, DeviceError> {
        self.image(key).map(read)
    }

    /// Reads what only the document itself knows: its history.
    pub(super) fn look_back<T>(
        &mut self,
        key: BookKey,
        read: impl FnOnce(&Automerge) -> T,
    ) -> Result<T, DeviceError> {
        self.book(key)?
            .document
            .view(read)
            .map_err(|_| DeviceError::Internal("document view"))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};
    use sotay_handbook::meeting::{Command, MeetingKind, Section};
    use sotay_store::{Batch, MemoryStore};

    use super::super::roster::today;
    use super::super::tests::{NOW, branch};
    use super::*;

    type Phone = Device<MemoryStore>;

    fn begun() -> (Phone, BookKey) {
        let mut phone = branch(1);
        let doc = phone
            .new_meeting(MeetingKind::Thematic, None, Some(today(NOW)), NOW)
            .unwrap();
        let key = phone.meeting_key(doc).unwrap();
        (phone, key)
    }

    fn place(phone: &mut Phone, key: BookKey, name: &str) {
        phone
            .meeting(key.doc, &Command::SetPlace(name.into()), NOW)
            .unwrap();
    }

    /// The same phone after a restart; `Some` when an image of the meeting was found.
    fn restarted(phone: &Phone, key: BookKey) -> (Phone, Option<Image>) {
        // No start may draw what an earlier one drew.
        static STARTS: AtomicU64 = AtomicU64::new(1_000_000);
        let seed = STARTS.fetch_add(1, Ordering::Relaxed);
        let store = phone.replica.store().clone();
        let again = Device::open(store, Box::new(StdRng::seed_from_u64(seed))).unwrap();
        let image = again.stored_image(key.doc).unwrap();
        (again, image)
    }

    /// What is read through the stored image is what is read from the document.
    fn alike(phone: &Phone, key: BookKey) {
        let (mut again, _) = restarted(phone, key);
        let seen = again.meeting_view(key.doc).unwrap();
        let list = again.review(key.doc).unwrap();
        let (mut loaded, _) = restarted(phone, key);
        let heads = loaded.book(key).unwrap().document.heads();
        loaded.books.get_mut(&key.doc).unwrap().document.image().unwrap();
        assert_eq!(again.heads(key).unwrap(), heads);
        assert_eq!(seen, loaded.meeting_view(key.doc).unwrap());
        assert_eq!(list, loaded.review(key.doc).unwrap());
    }

    #[test]
    fn a_meeting_is_looked_at_without_loading_it_as_long_as_its_image_is_of_what_is_stored() {
        let (mut phone, key) = begun();
        place(&mut phone, key, "Nhà văn hóa");
        assert!(restarted(&phone, key).1.is_none(), "nothing was stored yet");
        phone.keep_images();
        let (mut again, found) = restarted(&phone, key);
        assert!(found.is_some());
        again.meeting_view(key.doc).unwrap();
        assert!(!again.books.contains_key(&key.doc), "not loaded");
        alike(&phone, key);

        place(&mut again, key, "Sân đình");
        assert!(again.books.contains_key(&key.doc));
        assert!(restarted(&again, key).1.is_none(), "the meeting went on");
        alike(&again, key);
        // Looked at once, it is there again.
        let (mut third, _) = restarted(&again, key);
        third.meeting_view(key.doc).unwrap();
        assert!(restarted(&third, key).1.is_some());
    }

    #[test]
    fn an_image_follows_the_snapshot_as_well() {
        let (mut phone, key) = begun();
        phone.keep_images();
        let most = sotay_document::limits::TAIL_CHANGES_FOLD;
        for number in 0..most {
            place(&mut phone, key, &format!("Phòng {number}"));
        }
        let tail = phone
            .replica
            .store()
            .list(Bucket::Tail, key.doc.as_bytes())
            .unwrap();
        assert!(tail.len() < most, "folded");
        assert!(restarted(&phone, key).1.is_none());
        phone.keep_images();
        assert!(restarted(&phone, key).1.is_some());
        alike(&phone, key);
    }

    #[test]
    fn a_damaged_image_is_as_good_as_none() {
        let (mut phone, key) = begun();
        phone.keep_images();
        let row = phone
            .replica
            .store()
            .get(Bucket::Snapshot, &image_key(key.doc))
            .unwrap()
            .unwrap();
        for row in [
            &row[..STAND_LEN - 1],
            &row[..STAND_LEN],
            &row[..row.len() - 1],
            &[],
        ] {
            let (mut again, _) = restarted(&phone, key);
            let puts = vec![put(Bucket::Snapshot, image_key(key.doc), Some(row.to_vec()))];
            again
                .store_mut()
                .commit(Batch {
                    envelopes: Vec::new(),
                    puts,
                    ..Batch::default()
                })
                .unwrap();
            assert!(restarted(&again, key).1.is_none());
            alike(&again, key);
        }
    }

    #[test]
    fn whatever_is_stored_when_what_is_read_is_what_the_document_says() {
        for seed in 0..40 {
            let mut rng = StdRng::seed_from_u64(seed);
            let (mut phone, key) = begun();
            for number in 0..30 {
                match rng.random_range(0..6) {
                    0 => phone.keep_images(),
                    1 => phone = restarted(&phone, key).0,
                    2 => {
                        let add = Command::SetNarrative {
                            section: Section::ALL[number % Section::ALL.len()],
                            text: format!("Diễn biến {number}").as_str().into(),
                        };
                        phone.meeting(key.doc, &add, NOW).unwrap();
                    }
                    3 => drop(phone.undo(key.doc, NOW)),
                    4 => drop(phone.meeting_view(key.doc).unwrap()),
                    _ => place(&mut phone, key, &format!("Phòng {number}")),
                }
            }
            alike(&phone, key);
        }
    }
}
