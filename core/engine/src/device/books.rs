//! The documents of this device: opening, editing, and sealing what was edited into envelopes.
//!
//! An edit is durable when the call returns, as raw changes: one row to load the document from ([`Bucket::Tail`]) and
//! one to send ([`Bucket::Pending`]). Pending changes become envelopes in runs, just before they can leave the device
//! ([`Device::flush`]): one signature and one seal for a sitting instead of one for each keystroke.

use std::collections::BTreeMap;

use sotay_document::{
    Actor, Document, EditError, Fold, GateError, Orphan, Run,
    crdt::{ChangeHash, Transaction},
    encode_runs,
};
use sotay_feed::{DeviceId, DocId, Draft, EpochId, Kind, Space, SpaceKind};
use sotay_handbook::DocKind;
use sotay_store::{Bucket, Put, Store};
use sotay_vault::{EpochKey, seal_body, sealed_len};

use super::Device;
use super::images::Stand;
use crate::error::DeviceError;

/// Changes of one document that wait to be sealed, and the deletion of their rows.
#[derive(Default)]
struct Unsent {
    changes: Vec<Vec<u8>>,
    rows: Vec<Put>,
}

/// What is needed to make a document's genesis, and where it belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BookKey {
    pub doc: DocId,
    pub kind: DocKind,
    pub schema: u16,
    pub space: SpaceKind,
}

impl BookKey {
    /// What a run of changes says its document is; `None` for a kind that this version does not know.
    pub fn of(space: SpaceKind, run: &Run) -> Option<Self> {
        Some(Self {
            doc: run.doc,
            kind: DocKind::from_number(run.kind)?,
            schema: run.schema,
            space,
        })
    }
}

/// One open document with what the store holds of it.
pub(super) struct Book {
    pub key: BookKey,
    pub document: Document,
    /// Numbers of the rows in [`Bucket::Tail`]: `first..tail`.
    first: u64,
    tail: u64,
    pending: u64,
    known: bool,
    /// BLAKE3 of the stored snapshot.
    snapshot: [u8; 32],
    /// Whether the stored image is of the document as it is.
    pub(super) imaged: bool,
}

impl Book {
    /// What an image made now is an image of.
    pub(super) fn stand(&self) -> Stand {
        Stand {
            snapshot: self.snapshot,
            tail: (self.first < self.tail).then_some(self.tail),
        }
    }

    /// Rows for own changes that wait to be sealed into envelopes.
    pub fn await_sealing<'a>(&mut self, changes: impl IntoIterator<Item = &'a [u8]>) -> Vec<Put> {
        let mut rows = Vec::new();
        for change in changes {
            let key = row_key(self.key.doc, self.pending);
            rows.push(put(Bucket::Pending, key, Some(change.to_vec())));
            self.pending += 1;
        }
        rows
    }

    /// Rows for new changes, and a fresh snapshot instead of them when the tail has grown long; not yet for what came and
    /// waits to be proved. After a commit that failed the book must be dropped.
    pub fn persist<'a>(&mut self, changes: impl IntoIterator<Item = &'a [u8]>) -> Vec<Put> {
        let mut puts = self.begin();
        for change in changes {
            puts.push(self.tail_put(change));
        }
        if self.document.is_fold_due() && !self.document.is_unproven() {
            match self.document.fold() {
                // Later puts of a batch win over earlier ones on the same key.
                Ok(fold) => puts.extend(self.fold(fold)),
                Err(error) => tracing::warn!(%error, "no snapshot; the tail stays"),
            }
        }
        puts
    }

    /// Proves what came ([`Document::prove`]): rows for the snapshot that this makes, and what was taken out again. After a
    /// commit that failed the book must be dropped.
    pub fn prove(&mut self) -> (Vec<Put>, Vec<GateError>) {
        if !self.document.is_unproven() {
            return Default::default();
        }
        let proved = self.document.prove();
        let refused = proved.refused.iter().map(|refused| refused.error).collect();
        let mut puts = self.begin();
        match proved.fold {
            Some(fold) => puts.extend(self.fold(fold)),
            None if proved.refused.is_empty() => {}
            None => {
                puts.extend(self.drop_tail());
                let tail: Vec<Vec<u8>> = self.document.tail().map(<[u8]>::to_vec).collect();
                puts.extend(tail.iter().map(|change| self.tail_put(change)));
            }
        }
        (puts, refused)
    }

    fn tail_put(&mut self, change: &[u8]) -> Put {
        let key = row_key(self.key.doc, self.tail);
        self.tail += 1;
        put(Bucket::Tail, key, Some(change.to_vec()))
    }

    fn drop_tail(&mut self) -> Vec<Put> {
        let rows = std::mem::replace(&mut self.first, self.tail)..self.tail;
        let doc = self.key.doc;
        rows.map(|n| put(Bucket::Tail, row_key(doc, n), None)).collect()
    }

    fn begin(&mut self) -> Vec<Put> {
        self.imaged = false;
        let new = !std::mem::replace(&mut self.known, true);
        new.then(|| index_put(&self.key, true)).into_iter().collect()
    }

    fn fold(&mut self, fold: Fold) -> Vec<Put> {
        let doc = self.key.doc;
        self.snapshot = *blake3::hash(&fold.snapshot).as_bytes();
        let mut puts = vec![put(
            Bucket::Snapshot,
            doc.as_bytes().to_vec(),
            Some(fold.snapshot),
        )];
        puts.extend(self.drop_tail());
        puts
    }
}

pub(super) fn put(bucket: Bucket, key: Vec<u8>, value: Option<Vec<u8>>) -> Put {
    Put { bucket, key, value }
}

pub(super) fn row_key(doc: DocId, number: u64) -> Vec<u8> {
    [&doc.as_bytes()[..], &number.to_be_bytes()].concat()
}

fn row_number(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.get(DocId::LEN..)?.try_into().ok()?))
}

/// Key of a waiting change.
pub(super) fn orphan_key(doc: DocId, hash: &ChangeHash) -> Vec<u8> {
    [&doc.as_bytes()[..], &hash.0].concat()
}

/// Row of a waiting change: author ‖ raw change.
fn orphan_row(orphan: &Orphan) -> Vec<u8> {
    [&orphan.author.as_bytes()[..], &orphan.bytes].concat()
}

/// A change that waits from now on.
pub(super) fn orphan_put(doc: DocId, orphan: &Orphan) -> Put {
    put(
        Bucket::Orphan,
        orphan_key(doc, &orphan.hash),
        Some(orphan_row(orphan)),
    )
}

fn read_orphan(key: &[u8], row: &[u8]) -> Option<Orphan> {
    let (author, bytes) = row.split_at_checked(DeviceId::LEN)?;
    Some(Orphan {
        author: DeviceId::from_slice(author)?,
        hash: ChangeHash(key.get(DocId::LEN..)?.try_into().ok()?),
        bytes: bytes.to_vec(),
    })
}

/// The row by which a document is known, or its end.
pub(super) fn index_put(key: &BookKey, known: bool) -> Put {
    let value = vec![
        1,
        key.kind.number(),
        (key.schema >> 8) as u8,
        key.schema as u8,
        key.space as u8,
    ];
    put(
        Bucket::Document,
        key.doc.as_bytes().to_vec(),
        known.then_some(value),
    )
}

fn read_index(doc: &[u8], value: &[u8]) -> Option<BookKey> {
    let &[1, kind, high, low, space] = value else {
        return None;
    };
    Some(BookKey {
        doc: DocId::from_slice(doc)?,
        kind: DocKind::from_number(kind)?,
        schema: u16::from_be_bytes([high, low]),
        space: SpaceKind::try_from(space).ok()?,
    })
}

impl<S: Store> Device<S> {
    /// All documents of a kind, by id.
    pub(super) fn documents(&self, kind: DocKind) -> Result<Vec<BookKey>, DeviceError> {
        let rows = self.replica.store().list(Bucket::Document, &[])?;
        Ok(rows
            .iter()
            .filter_map(|(k, v)| read_index(k, v))
            .filter(|key| key.kind == kind)
            .collect())
    }

    /// The document with this id, if this device knows it.
    pub(super) fn known_document(&self, doc: DocId) -> Result<Option<BookKey>, DeviceError> {
        let value = self.replica.store().get(Bucket::Document, doc.as_bytes())?;
        Ok(value.and_then(|value| read_index(doc.as_bytes(), &value)))
    }

    /// Opens a document, or begins it with its genesis.
    pub(super) fn book(&mut self, key: BookKey) -> Result<&mut Book, DeviceError> {
        if !self.books.contains_key(&key.doc) {
            let mut book = self.load(key)?;
            if let Some(image) = self.images.remove(&key.doc) {
                book.document.give_image(image);
                book.imaged = book.document.known_image().is_some();
            }
            self.books.insert(key.doc, book);
        }
        self.books.get_mut(&key.doc).ok_or(DeviceError::Internal("book"))
    }

    fn load(&mut self, key: BookKey) -> Result<Book, DeviceError> {
        // A fresh actor each time: the document may have been dropped after it was written to (a full disk, a panic), and
        // no actor may go on where another memory of it left off.
        let mut nonce = [0; 8];
        self.rng.fill_bytes(&mut nonce);
        let actor = Actor::new(self.keys.id(), nonce);
        let store = self.replica.store();
        let doc = key.doc.as_bytes();
        let genesis = key
            .kind
            .genesis(key.doc, key.schema)
            .ok_or(DeviceError::Internal("genesis"))?;
        let snapshot = store.get(Bucket::Snapshot, doc)?;
        let tail = store.list(Bucket::Tail, doc)?;
        let orphans = store.list(Bucket::Orphan, doc)?;
        let pending = store.list(Bucket::Pending, doc)?;
        let next = |rows: &[(Vec<u8>, Vec<u8>)]| {
            rows.last()
                .and_then(|(key, _)| row_number(key))
                .map_or(0, |number| number + 1)
        };
        let document = Document::load(
            key.doc,
            &genesis,
            snapshot.as_deref(),
            tail.iter().map(|(_, change)| &change[..]),
            orphans.iter().filter_map(|(key, row)| read_orphan(key, row)),
            actor,
        )
        .map_err(|_| DeviceError::damaged("document"))?;
        let known = store.get(Bucket::Document, doc)?.is_some();
        let first = tail.first().and_then(|(key, _)| row_number(key)).unwrap_or(0);
        Ok(Book {
            key,
            document,
            first,
            tail: next(&tail),
            pending: next(&pending),
            known,
            snapshot: *blake3::hash(snapshot.as_deref().unwrap_or_default()).as_bytes(),
            imaged: false,
        })
    }

    /// Changes a document; durable when this returns. On any error the document is as it was.
    pub(super) fn edit<T, E>(
        &mut self,
        key: BookKey,
        now: i64,
        change: impl FnOnce(&mut Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, DeviceError>
    where
        DeviceError: From<E>,
    {
        let book = self.proved(key)?;
        let (value, local) = match book.document.edit(now, change) {
            Ok(done) => done,
            Err(error) => return Err(self.edit_failed(key.doc, error)),
        };
        let Some(local) = local else { return Ok(value) };
        let mut puts = book.persist(local.rows());
        puts.extend(book.await_sealing(local.rows()));
        if let Err(error) = self.write(puts) {
            // What is not durable did not happen: the next use reads the store again.
            self.books.remove(&key.doc);
            return Err(error.into());
        }
        self.announce(key, &local.touched);
        Ok(value)
    }

    /// Several changes to a document in one transaction of the store: all or none.
    pub(super) fn edit_all<T, E>(
        &mut self,
        key: BookKey,
        now: i64,
        steps: &[T],
        change: impl Fn(&mut Transaction<'_>, &T) -> Result<(), E>,
    ) -> Result<(), DeviceError>
    where
        DeviceError: From<E>,
    {
        let (mut puts, mut touched) = (Vec::new(), Vec::new());
        for step in steps {
            let book = self.proved(key)?;
            match book.document.edit(now, |tx| change(tx, step)) {
                Ok((_, Some(local))) => {
                    puts.extend(book.persist(local.rows()));
                    puts.extend(book.await_sealing(local.rows()));
                    touched.extend(local.touched);
                }
                Ok((_, None)) => {}
                Err(error) => {
                    let error = self.edit_failed(key.doc, error);
                    // Steps before this one are in memory only.
                    self.books.remove(&key.doc);
                    return Err(error);
                }
            }
        }
        if let Err(error) = self.write(puts) {
            // What is not durable did not happen: the next use reads the store again.
            self.books.remove(&key.doc);
            return Err(error.into());
        }
        self.announce(key, &touched);
        Ok(())
    }

    pub(super) fn edit_failed<E>(&mut self, doc: DocId, error: EditError<E>) -> DeviceError
    where
        DeviceError: From<E>,
    {
        match error {
            EditError::Refused(error) => error.into(),
            EditError::Shape(_) => DeviceError::TooMuchAtOnce,
            EditError::Panicked(_) | EditError::Merge(_) | EditError::Unproven | EditError::Broken => {
                self.books.remove(&doc);
                DeviceError::Internal("document edit")
            }
        }
    }

    /// Seals all pending changes into envelopes, and says of meetings that ended that this phone handed in what it wrote. Called
    /// before a session starts and while one is open.
    pub fn flush(&mut self) -> Result<(), DeviceError> {
        self.flush_pending()?;
        self.report_end()?;
        self.flush_letters()
    }

    /// What waited for a key that came in the exchange that is going on. That a phone handed in is said by its next one: whoever
    /// hears in this exchange that a meeting ended may still be typing.
    pub(super) fn flush_on(&mut self) -> Result<(), DeviceError> {
        self.flush_pending()?;
        self.flush_letters()
    }

    fn flush_letters(&mut self) -> Result<(), DeviceError> {
        if self.home.is_some() {
            self.hand_keys()?;
        }
        self.send_feedback()
    }

    fn flush_pending(&mut self) -> Result<(), DeviceError> {
        if self.home.is_some() {
            self.tend_inbox()?;
            self.carry_over()?;
        }
        let mut unsent: BTreeMap<DocId, Unsent> = BTreeMap::new();
        for (key, change) in self.replica.store().list(Bucket::Pending, &[])? {
            let doc = key.get(..DocId::LEN).and_then(DocId::from_slice);
            let unsent = unsent
                .entry(doc.ok_or(DeviceError::damaged("outbox"))?)
                .or_default();
            unsent.rows.push(put(Bucket::Pending, key, None));
            unsent.changes.push(change);
        }
        let mut by_space: BTreeMap<SpaceKind, Vec<(BookKey, Unsent)>> = BTreeMap::new();
        for (doc, unsent) in unsent {
            let book = self.known_document(doc)?.ok_or(DeviceError::damaged("outbox"))?;
            by_space.entry(book.space).or_default().push((book, unsent));
        }
        for (kind, documents) in by_space {
            let space = self.space(kind)?;
            if self.writing_key(&space).is_err() {
                // Removed, or no key yet: the changes wait, and syncing must go on, for it may bring the key.
                continue;
            }
            let room = self.payload_room(&space)?;
            let mut payloads = Vec::new();
            let mut puts = Vec::new();
            for (book, unsent) in documents {
                let runs = encode_runs(book.doc, book.kind.number(), book.schema, &unsent.changes, room)
                    .map_err(|_| DeviceError::Internal("run"))?;
                payloads.extend(runs.into_iter().map(|run| (Kind::CHANGE, run)));
                puts.extend(unsent.rows);
            }
            self.publish(&space, payloads, puts)?;
        }
        Ok(())
    }

    /// How many changes wait to be sealed in each space, and their bytes.
    pub(super) fn pending_by_space(&self) -> Result<BTreeMap<SpaceKind, (u64, u64)>, DeviceError> {
        let mut pending: BTreeMap<SpaceKind, (u64, u64)> = BTreeMap::new();
        for (key, change) in self.replica.store().list(Bucket::Pending, &[])? {
            let doc = key.get(..DocId::LEN).and_then(DocId::from_slice);
            let doc = doc.ok_or(DeviceError::damaged("outbox"))?;
            if let Some(book) = self.known_document(doc)? {
                let (count, bytes) = pending.entry(book.space).or_default();
                *count += 1;
                *bytes += change.len() as u64;
            }
        }
        Ok(pending)
    }

    /// Bytes of payload that fit one sealed envelope.
    pub(super) fn payload_room(&self, space: &Space) -> Result<usize, DeviceError> {
        let draft = Draft::next(&self.keys, Kind::CHANGE, &space.id(), None);
        // The header grows by at most eight bytes with the sequence number.
        let room = draft.body_room() - 8;
        Ok(room - (sealed_len(room) - room))
    }

    /// The epoch to write a space under, if this device may write now and holds its key.
    pub(super) fn writing_key(&self, space: &Space) -> Result<(EpochId, EpochKey), DeviceError> {
        let (id, membership) = (space.id(), self.membership_of(space.unit)?);
        membership.may_be_served(self.id())?;
        let epoch = membership.writing_epoch(&id).ok_or(DeviceError::NoKey)?;
        let key = self.ring.get(id.tag(), epoch).cloned();
        Ok((epoch, key.ok_or(DeviceError::NoKey)?))
    }

    /// Whether this device can write to a space now.
    pub(super) fn may_seal(&self, space: &Space) -> Result<bool, DeviceError> {
        match self.writing_key(space) {
            Ok(_) => Ok(true),
            Err(DeviceError::NoKey | DeviceError::Denied(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Seals payloads under the writing epoch and appends them to this device's feed, with `puts`, in one transaction.
    pub(super) fn publish(
        &mut self,
        space: &Space,
        payloads: Vec<(Kind, Vec<u8>)>,
        mut puts: Vec<Put>,
    ) -> Result<(), DeviceError> {
        let id = space.id();
        self.membership_of(space.unit)?.may_read(self.id(), space)?;
        let (epoch, key) = self.writing_key(space)?;
        let mut tip = self.replica.store().tip(&id, self.id())?;
        let mut envelopes = Vec::with_capacity(payloads.len());
        for (kind, payload) in payloads {
            let draft = Draft::next(&self.keys, kind, &id, tip).in_epoch(epoch);
            let body = seal_body(&draft.header().encode(), &key, &payload, &mut *self.rng);
            let envelope = draft
                .sign(&self.keys, &id, &body)
                .map_err(|_| DeviceError::Internal("sealed envelope"))?;
            tip = Some(envelope.tip());
            envelopes.push(envelope);
        }
        // Own changes are in the documents already; anything else is read back like everybody's.
        if envelopes
            .iter()
            .all(|envelope| envelope.header().kind == Kind::CHANGE)
        {
            puts.extend(self.applied_after(space, envelopes.len())?);
        }
        self.append(space, envelopes, puts)?;
        self.announce_local(space)
    }
}
