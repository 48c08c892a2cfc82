//! The library of the unit, and what the holder has read of it.
//!
//! A published document travels in `broadcast` as one envelope for its manifest and one for each part of its text
//! (clause L1): the first byte of the payload says which; quizzes and broadcasts are in [`super::quizzes`]. Parts are kept by their hash, so they may come in any order
//! and twice. Reading marks travel in the holder's private space (clause L2) and are merged; nobody else sees them. The
//! search index is derived from the manifests here and can be thrown away.

use std::collections::BTreeSet;
use std::path::PathBuf;

use sotay_feed::{InOrder, Kind, Space, SpaceKind, UnitId};
use sotay_store::{Bucket, Key, Put, Store};
use sotay_study::answers::Answer;
use sotay_study::library::{
    AssembleError, Document, Hash, Manifest, PublishError, Superseded, part_hash, publish, superseded,
};
use sotay_study::reading::{MarkError, Progress, Shown};
use sotay_study::search::{Index, IndexError, Results, SearchError};

use super::Device;
use super::above::{self, Origin, origin_put};
use super::quizzes::{self, Studied};
use super::sharing::Shared;
use crate::error::DeviceError;
use crate::profile::wipe_with_logs;

pub(super) const MANIFEST: u8 = 0;
const PART: u8 = 1;
pub(super) const PROGRESS: u8 = 0;
pub(super) const PROGRESS_KEY: &[u8] = b"progress";

/// Why something about the library did not happen. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// The document is over a limit or lacks a field.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// There is no such document here.
    #[error("there is no such document on this device")]
    Unknown,
    /// Parts of it have not arrived, or do not fit.
    #[error("the document is not complete: {0}")]
    Incomplete(#[from] AssembleError),
    /// The index cannot be used; it is derived and can be deleted.
    #[error("the search index: {0}")]
    Index(#[from] IndexError),
    /// The query cannot be searched for.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// Too many reading marks.
    #[error(transparent)]
    Mark(#[from] MarkError),
    /// Anything that can happen to every call.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

/// A line of the library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LibraryEntry {
    /// Identity: code, issuer, date and content.
    pub id: Hash,
    /// Everything but the text.
    pub manifest: Manifest,
    /// Whether all parts are here.
    pub complete: bool,
    /// What other documents do to it, newest first.
    pub superseded: Vec<Superseded>,
    /// What the holder has read of it, on all devices.
    pub read: Shown,
    /// Who published it.
    pub from: Origin,
}

#[derive(Default)]
pub(super) struct Library {
    index: Option<Index>,
    /// Where the index is kept; nowhere means in memory.
    index_file: Option<IndexFile>,
    /// Documents came since the index was brought up to date.
    stale: bool,
    progress: Progress,
    pub(super) studied: Studied,
    /// What members told of documents.
    pub(super) shared: Shared,
}

impl Library {
    pub fn load<S: Store>(store: &S) -> Result<Self, DeviceError> {
        let progress = match store.get(Bucket::Study, PROGRESS_KEY)? {
            Some(bytes) => Progress::decode(&bytes).map_err(|_| DeviceError::damaged("reading marks"))?,
            None => Progress::default(),
        };
        Ok(Self {
            index: None,
            index_file: None,
            stale: true,
            progress,
            studied: Studied::load(store)?,
            shared: Shared::load(store)?,
        })
    }

    /// Forgets what memory holds and reads the store again, after a commit that failed.
    pub fn reload<S: Store>(&mut self, store: &S) -> Result<(), DeviceError> {
        let (index, index_file) = (self.index.take(), self.index_file.take());
        *self = Self::load(store)?;
        (self.index, self.index_file) = (index, index_file);
        Ok(())
    }

    /// What was read of a document of so many paragraphs.
    pub fn shown(&self, id: &Hash, paragraphs: usize) -> Shown {
        self.progress
            .shown(id, u32::try_from(paragraphs).unwrap_or(u32::MAX))
    }

    /// Takes in the payload of a publication of a unit, this one or one above; the rows to store, if it is of a form this
    /// version knows.
    pub fn learn_publication(&mut self, (unit, own): (UnitId, bool), payload: &[u8]) -> Option<Vec<Put>> {
        let (kind, bytes) = payload.split_first()?;
        let rows = match *kind {
            MANIFEST => {
                let id = Manifest::decode(bytes).ok()?.id();
                let row = put(Bucket::Library, manifest_key(&id), bytes);
                vec![row, origin_put(MANIFEST, &id, unit)]
            }
            PART => vec![put(Bucket::Library, part_key(&part_hash(bytes)), bytes)],
            above::NAME => return Some(vec![above::name_put(unit, bytes)?]),
            form => return quizzes::publication((unit, own), form, bytes),
        };
        self.stale = true;
        Some(rows)
    }

    /// Takes in the payload of a study record.
    pub fn learn_study(&mut self, payload: &[u8]) -> Option<Put> {
        let (kind, bytes) = payload.split_first()?;
        if *kind != PROGRESS {
            return self.studied.learn(*kind, bytes);
        }
        self.progress.merge(&Progress::decode(bytes).ok()?);
        Some(put(Bucket::Study, PROGRESS_KEY.to_vec(), &self.progress.encode()))
    }
}

pub(super) fn put(bucket: Bucket, key: Vec<u8>, value: &[u8]) -> Put {
    Put {
        bucket,
        key,
        value: Some(value.to_vec()),
    }
}

fn manifest_key(id: &Hash) -> Vec<u8> {
    [b"m", &id.0[..]].concat()
}

fn part_key(hash: &Hash) -> Vec<u8> {
    [b"p", &hash.0[..]].concat()
}

/// What the other documents do to one of them, newest first. Each stands with the number of levels above this unit at which
/// it was published: nobody withdraws or replaces what came from higher up.
pub(super) fn superseded_in(shelf: &[(Manifest, u8)], id: &Hash) -> Vec<Superseded> {
    let Some((own, level)) = shelf.iter().find(|(manifest, _)| manifest.id() == *id) else {
        return Vec::new();
    };
    let others = shelf
        .iter()
        .filter(|(other, by)| !other.links.is_empty() && by >= level && other.id() != *id)
        .map(|(other, _)| (other.code.as_str(), other.date, &other.links[..]));
    superseded(&own.code, &own.issuer, own.date, others)
}

/// Where the index is kept, and the key of the file, if the profile has one.
#[derive(Clone)]
struct IndexFile {
    path: PathBuf,
    key: Option<Key>,
}

impl IndexFile {
    fn open(&self) -> Result<Index, IndexError> {
        match &self.key {
            Some(key) => Index::open_keyed(&self.path, key),
            None => Index::open(&self.path),
        }
    }
}

/// Opens the index; a file that cannot be used is made anew, and where that fails too the index lives in memory.
fn open_index(file: Option<&IndexFile>) -> Result<Index, IndexError> {
    let Some(file) = file else {
        return Index::in_memory();
    };
    file.open().or_else(|error| {
        tracing::warn!(%error, "the search index is made anew");
        wipe_with_logs(&file.path);
        file.open().or_else(|_| Index::in_memory())
    })
}

impl<S: Store> Device<S> {
    /// Keeps the search index in this file from the next search on, instead of in memory. The file is derived data: it
    /// may be deleted at any time, and one that cannot be used is made anew. With a key its pages are encrypted.
    pub fn keep_index_in(&mut self, path: PathBuf, key: Option<Key>) {
        self.library.index = None;
        self.library.index_file = Some(IndexFile { path, key });
        self.library.stale = true;
    }

    /// Publishes documents to everybody in the unit. Officers only. Publishing the same again changes nothing.
    pub fn publish_documents(&mut self, documents: &[Document]) -> Result<Vec<Hash>, LibraryError> {
        let space = self.space(SpaceKind::Broadcast)?;
        self.may_publish(&space)?;
        let mut ids = Vec::with_capacity(documents.len());
        for document in documents {
            let published = publish(document)?;
            let id = document.id();
            ids.push(id);
            if self.stored(manifest_key(&id))?.is_some() {
                continue;
            }
            let parts = published.parts.iter().map(|part| tagged(PART, part));
            let payloads = parts.chain([tagged(MANIFEST, &published.manifest)]);
            let payloads = payloads.map(|payload| (Kind::PUBLICATION, payload)).collect();
            self.publish(&space, payloads, Vec::new())?;
        }
        self.absorb()?;
        Ok(ids)
    }

    pub(super) fn may_publish(&self, space: &Space) -> Result<(), DeviceError> {
        let next = self
            .replica
            .store()
            .tip(&space.id(), self.id())?
            .map_or(1, |tip| tip.seq + 1);
        let membership = self.membership()?;
        Ok(membership.may_write(self.id(), space, Kind::PUBLICATION, next)?)
    }

    /// Publishes what is kept under a row once it came, unless it is kept already.
    pub(super) fn publish_once(&mut self, row: Vec<u8>, form: u8, bytes: &[u8]) -> Result<(), DeviceError> {
        if self.stored(row)?.is_none() {
            let space = self.space(SpaceKind::Broadcast)?;
            let payload = tagged(form, bytes);
            self.publish(&space, vec![(Kind::PUBLICATION, payload)], Vec::new())?;
            self.absorb()?;
        }
        Ok(())
    }

    /// The documents of the library, newest first.
    pub fn library(&self) -> Result<Vec<LibraryEntry>, LibraryError> {
        let (shelf, origins) = (self.shelf()?, self.origins(MANIFEST)?);
        let own = self.origin(self.home()?.unit)?;
        let mut entries = Vec::with_capacity(shelf.len());
        for (manifest, _) in &shelf {
            let id = manifest.id();
            entries.push(LibraryEntry {
                id,
                complete: self.parts(manifest)?.len() == manifest.parts.len(),
                superseded: superseded_in(&shelf, &id),
                read: self.library.shown(&id, manifest.paragraphs),
                from: origins.get(&id).unwrap_or(&own).clone(),
                manifest: manifest.clone(),
            });
        }
        entries.in_order_by(|a, b| {
            (b.manifest.date, &b.manifest.code, b.id).cmp(&(a.manifest.date, &a.manifest.code, a.id))
        });
        Ok(entries)
    }

    /// A whole document.
    pub fn document(&self, id: Hash) -> Result<Document, LibraryError> {
        let manifest = self.manifest(id)?;
        Ok(manifest.assemble(&self.parts(&manifest)?)?)
    }

    /// What the holder has read of a document, on all devices.
    pub fn reading_of(&self, id: Hash) -> Result<Shown, LibraryError> {
        let manifest = self.manifest(id)?;
        Ok(self.library.shown(&id, manifest.paragraphs))
    }

    /// What is known of a document beside its text.
    pub fn manifest(&self, id: Hash) -> Result<Manifest, LibraryError> {
        let bytes = self.stored(manifest_key(&id))?.ok_or(LibraryError::Unknown)?;
        Ok(Manifest::decode(&bytes).map_err(|_| DeviceError::damaged("library"))?)
    }

    /// Searches the library. A hit names its document by the id in hexadecimal digits.
    pub fn search(&mut self, query: &str, limit: usize) -> Result<Results, LibraryError> {
        self.with_index(|index| index.search(query, limit))
    }

    /// Answers a question with sentences of the library, or honestly not at all. Documents are named as by
    /// [`Device::search`].
    pub fn ask(&mut self, question: &str) -> Result<Answer, LibraryError> {
        self.with_index(|index| index.ask(question))
    }

    /// Looks something up; an index file that turns out to be damaged is made anew once.
    fn with_index<T>(&mut self, look: impl Fn(&Index) -> Result<T, SearchError>) -> Result<T, LibraryError> {
        let found = self.index().and_then(|index| Ok(look(index)?));
        match (found, self.library.index_file.clone()) {
            (
                Err(LibraryError::Index(error) | LibraryError::Search(SearchError::Index(error))),
                Some(file),
            ) => {
                tracing::warn!(%error, "the search index is made anew");
                self.library.index = None;
                wipe_with_logs(&file.path);
                self.library.stale = true;
                Ok(look(self.index()?)?)
            }
            (found, _) => found,
        }
    }

    /// Notes how far the holder has read a document on this device, and for how many more seconds.
    pub fn read_on(&mut self, id: Hash, furthest: u32, more_seconds: u32) -> Result<Shown, LibraryError> {
        self.mark(id, |progress, device| {
            progress.read_on(id, device, furthest, more_seconds)
        })
    }

    /// Notes that the holder is done with a document.
    pub fn finish_reading(&mut self, id: Hash) -> Result<Shown, LibraryError> {
        self.mark(id, |progress, device| progress.finish(id, device))
    }

    fn mark(
        &mut self,
        id: Hash,
        mark: impl FnOnce(&mut Progress, [u8; 8]) -> Result<(), MarkError>,
    ) -> Result<Shown, LibraryError> {
        let total = self.document(id)?.paragraph_count();
        let mut progress = self.library.progress.clone();
        mark(&mut progress, *self.id().as_bytes())?;
        if progress != self.library.progress {
            let mut news = progress;
            // Only this document's marks travel; merging adds them to everything else.
            news.retain(|document| *document == id);
            let home = self.home()?;
            let space = Space::private(home.unit, home.member);
            self.publish(
                &space,
                vec![(Kind::STUDY, tagged(PROGRESS, &news.encode()))],
                Vec::new(),
            )?;
            self.absorb()?;
        }
        Ok(self.library.shown(&id, total))
    }

    pub(super) fn manifests(&self) -> Result<Vec<Manifest>, DeviceError> {
        let rows = self.replica.store().list(Bucket::Library, b"m")?;
        rows.iter()
            .map(|(_, bytes)| Manifest::decode(bytes).map_err(|_| DeviceError::damaged("library")))
            .collect()
    }

    /// The same, each with the number of levels above this unit at which it was published.
    pub(super) fn shelf(&self) -> Result<Vec<(Manifest, u8)>, DeviceError> {
        let origins = self.origins(MANIFEST)?;
        let level = |manifest: &Manifest| origins.get(&manifest.id()).map_or(0, |origin| origin.steps);
        let manifests = self.manifests()?.into_iter();
        Ok(manifests
            .map(|manifest| {
                let level = level(&manifest);
                (manifest, level)
            })
            .collect())
    }

    fn parts(&self, manifest: &Manifest) -> Result<Vec<Vec<u8>>, DeviceError> {
        let mut parts = Vec::with_capacity(manifest.parts.len());
        for part in &manifest.parts {
            parts.extend(self.stored(part_key(&part.hash))?);
        }
        Ok(parts)
    }

    pub(super) fn stored(&self, key: Vec<u8>) -> Result<Option<Vec<u8>>, DeviceError> {
        Ok(self.replica.store().get(Bucket::Library, &key)?)
    }

    /// The index, with everything in it that is complete here, and nothing else.
    fn index(&mut self) -> Result<&mut Index, LibraryError> {
        if self.library.index.is_none() {
            self.library.index = Some(open_index(self.library.index_file.as_ref())?);
        }
        if self.library.stale {
            let known: BTreeSet<String> = self
                .library
                .index
                .iter()
                .flat_map(|index| index.keys().map(str::to_owned))
                .collect();
            let (mut wanted, mut fresh) = (BTreeSet::new(), Vec::new());
            for manifest in self.manifests()? {
                // By id, not by alias: two documents may have the same one.
                let key = manifest.id().to_string();
                if !known.contains(&key) {
                    let parts = self.parts(&manifest)?;
                    if parts.len() != manifest.parts.len() {
                        continue;
                    }
                    let mut document = manifest.assemble(&parts)?;
                    document.alias = None;
                    fresh.push(document);
                }
                wanted.insert(key);
            }
            let gone: Vec<&str> = known.difference(&wanted).map(String::as_str).collect();
            let index = self
                .library
                .index
                .as_mut()
                .ok_or(DeviceError::Internal("index"))?;
            index.remove(&gone)?;
            index.add(&fresh)?;
            self.library.stale = false;
        }
        self.library
            .index
            .as_mut()
            .ok_or(DeviceError::Internal("index").into())
    }
}

pub(super) fn tagged(kind: u8, bytes: &[u8]) -> Vec<u8> {
    [&[kind], bytes].concat()
}
