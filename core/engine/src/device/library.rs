//! The library of the unit, and what the holder has read of it.
//!
//! A published document travels in `broadcast` as one envelope for its manifest and one for each part of its text
//! (clause L1): the first byte of the payload says which. Parts are kept by their hash, so they may come in any order
//! and twice. Reading marks travel in the holder's private space (clause L2) and are merged; nobody else sees them. The
//! search index is derived from the manifests here and can be thrown away.

use std::collections::BTreeSet;

use sotay_feed::{Kind, Space, SpaceKind};
use sotay_store::{Bucket, Put, Store};
use sotay_study::answers::Answer;
use sotay_study::library::{
    AssembleError, Document, Hash, Manifest, PublishError, Superseded, part_hash, publish, superseded,
};
use sotay_study::reading::{MarkError, Progress, Shown};
use sotay_study::search::{Index, IndexError, Results, SearchError};

use super::Device;
use crate::error::DeviceError;

const MANIFEST: u8 = 0;
const PART: u8 = 1;
const PROGRESS: u8 = 0;
const PROGRESS_KEY: &[u8] = b"progress";

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
}

#[derive(Default)]
pub(super) struct Library {
    index: Option<Index>,
    /// Documents came since the index was brought up to date.
    stale: bool,
    progress: Progress,
}

impl Library {
    pub fn load<S: Store>(store: &S) -> Result<Self, DeviceError> {
        let progress = match store.get(Bucket::Study, PROGRESS_KEY)? {
            Some(bytes) => Progress::decode(&bytes).map_err(|_| DeviceError::damaged("reading marks"))?,
            None => Progress::default(),
        };
        Ok(Self {
            index: None,
            stale: true,
            progress,
        })
    }

    /// Forgets what memory holds and reads the store again, after a commit that failed.
    pub fn reload<S: Store>(&mut self, store: &S) -> Result<(), DeviceError> {
        let index = self.index.take();
        *self = Self::load(store)?;
        self.index = index;
        Ok(())
    }

    /// Takes in the payload of a publication; the row to store, if it is of a form this version knows.
    pub fn learn_publication(&mut self, payload: &[u8]) -> Option<Put> {
        let (kind, bytes) = payload.split_first()?;
        let key = match *kind {
            MANIFEST => manifest_key(&Manifest::decode(bytes).ok()?.id()),
            PART => part_key(&part_hash(bytes)),
            _ => return None,
        };
        self.stale = true;
        Some(put(Bucket::Library, key, bytes))
    }

    /// Takes in the payload of a study record.
    pub fn learn_study(&mut self, payload: &[u8]) -> Option<Put> {
        let (kind, bytes) = payload.split_first()?;
        if *kind != PROGRESS {
            return None;
        }
        self.progress.merge(&Progress::decode(bytes).ok()?);
        Some(put(Bucket::Study, PROGRESS_KEY.to_vec(), &self.progress.encode()))
    }
}

fn put(bucket: Bucket, key: Vec<u8>, value: &[u8]) -> Put {
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

impl<S: Store> Device<S> {
    /// Uses this index, e.g. one kept in a file. What it lacks is added at the next search.
    pub fn attach_index(&mut self, index: Index) {
        self.library.index = Some(index);
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

    fn may_publish(&self, space: &Space) -> Result<(), DeviceError> {
        let next = self
            .replica
            .store()
            .tip(&space.id(), self.id())?
            .map_or(1, |tip| tip.seq + 1);
        let membership = self.membership()?;
        Ok(membership.may_write(self.id(), space, Kind::PUBLICATION, next)?)
    }

    /// The documents of the library, newest first.
    pub fn library(&self) -> Result<Vec<LibraryEntry>, LibraryError> {
        let manifests = self.manifests()?;
        let mut entries = Vec::with_capacity(manifests.len());
        for manifest in &manifests {
            let id = manifest.id();
            let others = manifests
                .iter()
                .filter(|other| other.id() != id)
                .map(|other| (other.code.as_str(), other.date, &other.links[..]));
            entries.push(LibraryEntry {
                id,
                complete: self.parts(manifest)?.len() == manifest.parts.len(),
                superseded: superseded(&manifest.code, &manifest.issuer, manifest.date, others),
                read: self
                    .library
                    .progress
                    .shown(&id, u32::try_from(manifest.paragraphs).unwrap_or(u32::MAX)),
                manifest: manifest.clone(),
            });
        }
        entries.sort_by(|a, b| {
            (b.manifest.date, &b.manifest.code, b.id).cmp(&(a.manifest.date, &a.manifest.code, a.id))
        });
        Ok(entries)
    }

    /// A whole document.
    pub fn document(&self, id: Hash) -> Result<Document, LibraryError> {
        let bytes = self.stored(manifest_key(&id))?.ok_or(LibraryError::Unknown)?;
        let manifest = Manifest::decode(&bytes).map_err(|_| DeviceError::damaged("library"))?;
        Ok(manifest.assemble(&self.parts(&manifest)?)?)
    }

    /// Searches the library.
    pub fn search(&mut self, query: &str, limit: usize) -> Result<Results, LibraryError> {
        Ok(self.index()?.search(query, limit)?)
    }

    /// Answers a question with sentences of the library, or honestly not at all.
    pub fn ask(&mut self, question: &str) -> Result<Answer, LibraryError> {
        Ok(self.index()?.ask(question)?)
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
        let total = u32::try_from(total).unwrap_or(u32::MAX);
        Ok(self.library.progress.shown(&id, total))
    }

    fn manifests(&self) -> Result<Vec<Manifest>, DeviceError> {
        let rows = self.replica.store().list(Bucket::Library, b"m")?;
        rows.iter()
            .map(|(_, bytes)| Manifest::decode(bytes).map_err(|_| DeviceError::damaged("library")))
            .collect()
    }

    fn parts(&self, manifest: &Manifest) -> Result<Vec<Vec<u8>>, DeviceError> {
        let mut parts = Vec::with_capacity(manifest.parts.len());
        for part in &manifest.parts {
            parts.extend(self.stored(part_key(&part.hash))?);
        }
        Ok(parts)
    }

    fn stored(&self, key: Vec<u8>) -> Result<Option<Vec<u8>>, DeviceError> {
        Ok(self.replica.store().get(Bucket::Library, &key)?)
    }

    /// The index, with everything in it that is complete here, and nothing else.
    fn index(&mut self) -> Result<&mut Index, LibraryError> {
        if self.library.index.is_none() {
            self.library.index = Some(Index::in_memory()?);
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
                let key = manifest
                    .alias
                    .clone()
                    .unwrap_or_else(|| manifest.id().to_string());
                let parts = self.parts(&manifest)?;
                if parts.len() == manifest.parts.len() {
                    if !known.contains(&key) {
                        fresh.push(manifest.assemble(&parts)?);
                    }
                    wanted.insert(key);
                }
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

fn tagged(kind: u8, bytes: &[u8]) -> Vec<u8> {
    [&[kind], bytes].concat()
}
