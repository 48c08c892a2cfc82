//! Content whose author may no longer have written it: what was applied and became void is left out again, what came late
//! stays out, and both stay on a list (P5.15).
//!
//! A change counts if its author could write at that place of the feed, or if a change that counts builds on it. So a
//! revocation can void changes that documents hold already, another one can make them count again, and a late change
//! can be needed by one that counts. Each time the document is made anew from its envelopes; a device does so when its
//! verdict on an envelope, kept in [`Bucket::Quarantine`], is no longer the one that follows from the membership.

use std::collections::{BTreeMap, BTreeSet};

use sotay_document::{Actor, Document, Run, change_links, crdt::ChangeHash};
use sotay_feed::{DeviceId, DocId, Envelope, IntoTree, Kind, MemberId, Space, SpaceKind, SpaceTag};
use sotay_handbook::Names;
use sotay_membership::{Change, Content, content};
use sotay_store::{Bucket, Budget, Put, Store, Stored};
use sotay_vault::open_body;

use super::Device;
use super::absorb::Haul;
use super::books::{BookKey, index_put, orphan_put, put};
use super::cards::NOT_NAMES;
use super::covers::copy_put;
use super::people::{People, PersonRecord};
use crate::error::DeviceError;
use crate::event::{Event, SetAside};

const PAGE: Budget = Budget {
    count: 1024,
    bytes: 4 << 20,
};
/// First byte of the keys of verdicts.
const VERDICT: u8 = b'n';

/// What was decided about an envelope that its author may not have written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Verdict {
    /// Nothing of it counts.
    LeftOut = 1,
    /// Something that counts builds on it.
    Vouched = 2,
}

fn verdict_key(tag: SpaceTag, device: DeviceId, seq: u64) -> Vec<u8> {
    [
        &[VERDICT],
        &tag.as_bytes()[..],
        &device.as_bytes()[..],
        &seq.to_be_bytes(),
    ]
    .concat()
}

pub(super) fn verdict_put(tag: SpaceTag, stored: &Stored, value: Option<(Verdict, Option<DocId>)>) -> Put {
    let value = value.map(|(verdict, doc)| {
        let doc = doc.map(|doc| doc.as_bytes().to_vec()).unwrap_or_default();
        [vec![verdict as u8], doc].concat()
    });
    put(
        Bucket::Quarantine,
        verdict_key(tag, stored.device, stored.seq),
        value,
    )
}

/// Verdicts of a space, by place.
pub(super) type Verdicts = BTreeMap<(DeviceId, u64), (Verdict, Option<DocId>)>;

/// An envelope, and the verdict on it that no longer follows.
type Misjudged = (Stored, Option<(Verdict, Option<DocId>)>);

/// Runs with whether their authors could write them, and which of them two officers vouch for.
type Judged<'m> = (&'m [(Stored, bool, Run)], &'m dyn Fn(&Stored) -> bool);

/// Everything a space holds of the documents that are made anew, and of names.
#[derive(Default)]
struct Material {
    runs: BTreeMap<DocId, Vec<(Stored, bool, Run)>>,
    people: Vec<(Stored, bool, PersonRecord)>,
}

impl<S: Store> Device<S> {
    /// The name of a member, if known here.
    pub(super) fn member_name(&self, member: MemberId) -> Option<String> {
        self.people.member(member).map(str::to_owned)
    }

    fn document_spaces(&self) -> Result<Vec<Space>, DeviceError> {
        let mut spaces = self.spaces()?;
        spaces.retain(|space| {
            !matches!(
                space.kind,
                SpaceKind::Roll | SpaceKind::Private | SpaceKind::Broadcast
            )
        });
        Ok(spaces)
    }

    pub(super) fn verdicts(&self, tag: SpaceTag) -> Result<Verdicts, DeviceError> {
        let prefix = [&[VERDICT], &tag.as_bytes()[..]].concat();
        let damaged = || DeviceError::damaged("list of what does not count");
        let read = |(key, value): (Vec<u8>, Vec<u8>)| {
            let (device, seq) = key[prefix.len()..].split_at_checked(DeviceId::LEN)?;
            let (verdict, doc) = value.split_first()?;
            let verdict = match verdict {
                1 => Verdict::LeftOut,
                2 => Verdict::Vouched,
                _ => return None,
            };
            let place = (
                DeviceId::from_slice(device)?,
                u64::from_be_bytes(seq.try_into().ok()?),
            );
            Some((place, (verdict, DocId::from_slice(doc))))
        };
        let rows = self.replica.store().list(Bucket::Quarantine, &prefix)?;
        rows.into_iter()
            .map(|row| read(row).ok_or_else(damaged))
            .collect()
    }

    /// Remembers that an envelope that just came does not count.
    pub(super) fn left_out(tag: SpaceTag, stored: &Stored, doc: Option<DocId>) -> Put {
        verdict_put(tag, stored, Some((Verdict::LeftOut, doc)))
    }

    /// Makes anew what a changed membership judges otherwise than before. Nothing changed: no write.
    pub(super) fn sweep(&mut self) -> Result<(), DeviceError> {
        // A removed phone keeps what it has; nobody asks for its judgement.
        if self.membership()?.may_be_served(self.id()).is_err() {
            return Ok(());
        }
        for space in self.document_spaces()? {
            let (docs, names) = self.misjudged(&space)?;
            if !docs.is_empty() || names {
                self.make_anew(&space, &docs, names, Vec::new())?;
            }
        }
        Ok(())
    }

    /// Documents that wait for changes which came and were left out: something that counts builds on them.
    pub(super) fn vouch(&mut self, space: &Space, docs: &BTreeSet<DocId>) -> Result<(), DeviceError> {
        let left_out: BTreeSet<DocId> = self
            .verdicts(space.id().tag())?
            .into_values()
            .filter_map(|(_, doc)| doc)
            .into_set();
        let mut waiting = BTreeSet::new();
        for doc in docs.intersection(&left_out) {
            if let Some(key) = self.known_document(*doc)?
                && (self.book(key)?.document.orphan_count() > 0 || self.holds_left_out(space, key)?)
            {
                waiting.insert(*doc);
            }
        }
        if waiting.is_empty() {
            Ok(())
        } else {
            self.make_anew(space, &waiting, false, Vec::new())
        }
    }

    /// Whether a change that was left out is in its document all the same: a copy that counts brought it.
    fn holds_left_out(&mut self, space: &Space, key: BookKey) -> Result<bool, DeviceError> {
        let id = space.id();
        for ((device, seq), (verdict, of)) in self.verdicts(id.tag())? {
            if verdict != Verdict::LeftOut || of != Some(key.doc) {
                continue;
            }
            let stored = self.replica.store().at(&id, device, seq)?;
            let run = stored.and_then(|stored| self.read_run(space, &stored));
            let document = &self.book(key)?.document;
            let mut changes = run.iter().flat_map(|run| &run.changes);
            let known =
                |raw: &Vec<u8>| change_links(raw).is_ok_and(|(hash, _)| document.provenance(&hash).is_some());
            if changes.any(known) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Documents, and whether names, with envelopes that were judged otherwise than they would be now.
    fn misjudged(&self, space: &Space) -> Result<(BTreeSet<DocId>, bool), DeviceError> {
        let (mut docs, mut names) = (BTreeSet::new(), false);
        for (stored, known) in self.misjudged_envelopes(space)? {
            match stored.kind {
                Kind::PERSON => names = true,
                Kind::CARD => names |= space.kind == SpaceKind::Main,
                Kind::CHANGE => {
                    let read = known.and_then(|(_, doc)| doc);
                    docs.extend(read.or_else(|| self.read_run(space, &stored).map(|run| run.doc)));
                }
                _ => {}
            }
        }
        Ok((docs, names))
    }

    /// Whether the author of a stored envelope could write it, as the membership of its unit is now.
    pub(super) fn stands(&self, space: &Space, stored: &Stored) -> bool {
        // Without a roll nobody is known to be removed.
        let Ok(membership) = self.membership_of(space.unit) else {
            return true;
        };
        Envelope::decode(&stored.bytes).is_ok_and(|envelope| membership.may_admit(&envelope, space).is_ok())
    }

    /// What was applied of a space, of which the verdict that is on record is no longer the one that follows.
    pub(super) fn misjudged_envelopes(&self, space: &Space) -> Result<Vec<Misjudged>, DeviceError> {
        let id = space.id();
        let verdicts = self.verdicts(id.tag())?;
        let mut suspects: BTreeMap<DeviceId, u64> = BTreeMap::new();
        for (device, seq) in self.replica.store().frontier(&id)?.iter() {
            let last = self.replica.store().at(&id, device, seq)?;
            let judged = verdicts.keys().any(|(known, _)| *known == device);
            if judged || last.is_some_and(|last| !self.stands(space, &last)) {
                suspects.insert(device, seq);
            }
        }
        let (mut misjudged, applied) = (Vec::new(), self.applied(&id)?);
        for (device, last) in suspects {
            for seq in 1..=last {
                let Some(stored) = self.replica.store().at(&id, device, seq)? else {
                    continue;
                };
                let known = verdicts.get(&(device, seq));
                if stored.arrival <= applied && self.stands(space, &stored) != known.is_none() {
                    misjudged.push((stored, known.copied()));
                }
            }
        }
        Ok(misjudged)
    }

    pub(super) fn open_stored(&self, space: &Space, stored: &Stored) -> Option<zeroize::Zeroizing<Vec<u8>>> {
        let envelope = Envelope::decode(&stored.bytes).ok()?;
        let key = self.ring.get(space.id().tag(), envelope.header().epoch)?;
        open_body(envelope.header_bytes(), key, envelope.body()).ok()
    }

    pub(super) fn read_run(&self, space: &Space, stored: &Stored) -> Option<Run> {
        Run::decode(&self.open_stored(space, stored)?).ok()
    }

    /// Documents to be read once more as a whole. None: no work.
    pub(super) fn remake(&mut self, space: &Space, docs: &BTreeSet<DocId>) -> Result<(), DeviceError> {
        if docs.is_empty() {
            Ok(())
        } else {
            self.make_anew(space, docs, false, Vec::new())
        }
    }

    /// Copies whose cover began to count or stopped. What begins to count is taken into the haul, after documents of which
    /// something was left out were made anew with it; what stops is left out of its documents.
    pub(super) fn weigh_copies(&mut self, space: &Space, haul: &mut Haul) -> Result<(), DeviceError> {
        let transitions = self.transitions(space)?;
        if transitions.is_empty() {
            return Ok(());
        }
        let left_out: BTreeSet<DocId> = self
            .verdicts(space.id().tag())?
            .into_values()
            .filter_map(|(_, doc)| doc)
            .into_set();
        let (mut docs, mut rows) = (BTreeSet::new(), Vec::new());
        for one in &transitions {
            if one.counts {
                docs.extend(one.docs.intersection(&left_out));
            } else {
                docs.extend(&one.docs);
                rows.push(copy_put(&space.id(), &one.stored, false));
            }
        }
        if !docs.is_empty() || !rows.is_empty() {
            self.make_anew(space, &docs, false, rows)?;
        }
        for one in transitions.into_iter().filter(|one| one.counts) {
            self.sort_in(space, one.stored, haul);
        }
        Ok(())
    }

    fn make_anew(
        &mut self,
        space: &Space,
        docs: &BTreeSet<DocId>,
        names: bool,
        mut puts: Vec<Put>,
    ) -> Result<(), DeviceError> {
        let material = self.gather(space, docs, names)?;
        for doc in docs {
            let runs = material.runs.get(doc).map_or(&[][..], Vec::as_slice);
            let key = match self.known_document(*doc)? {
                Some(key) => Some(key),
                None => runs.iter().find_map(|(.., run)| self.key_of(space, run)),
            };
            if let Some(key) = key {
                puts.extend(self.document_anew(space, key, runs)?);
            }
        }
        let people = if names {
            Some(self.names_anew(space, &material, &mut puts)?)
        } else {
            None
        };
        for doc in docs {
            self.books.remove(doc);
            self.images.remove(doc);
        }
        self.write(puts)?;
        if let Some(people) = people {
            self.people = people;
            self.events.push_back(Event::Names);
        }
        // Anything in these documents may be otherwise now.
        self.events.push_back(Event::Missed);
        Ok(())
    }

    /// Reads all that was applied of some documents again; the flag tells whether the author could write it.
    fn gather(&self, space: &Space, docs: &BTreeSet<DocId>, names: bool) -> Result<Material, DeviceError> {
        let (id, membership) = (space.id(), self.membership()?);
        let (mut after, applied) = (0, self.applied(&id)?);
        let (mut material, mut covered) = (Material::default(), Material::default());
        let copies = self.counting_copies(space);
        loop {
            let page = self.replica.store().since(&id, after, PAGE)?;
            after = page.upto;
            for stored in page
                .envelopes
                .into_iter()
                .filter(|stored| stored.arrival <= applied)
            {
                let counts = Envelope::decode(&stored.bytes)
                    .is_ok_and(|envelope| membership.may_admit(&envelope, space).is_ok());
                match stored.kind {
                    Kind::CHANGE => {
                        if let Some(run) = self
                            .read_run(space, &stored)
                            .filter(|run| docs.contains(&run.doc))
                        {
                            material
                                .runs
                                .entry(run.doc)
                                .or_default()
                                .push((stored, counts, run));
                        }
                    }
                    // Two officers' word stands for it, whatever became of them.
                    Kind::SNAPSHOT if copies.contains(&stored.id) => {
                        let runs = self.covered_runs(space, &stored);
                        for run in runs.into_iter().filter(|run| docs.contains(&run.doc)) {
                            let (stored, entry) = (stored.clone(), covered.runs.entry(run.doc).or_default());
                            entry.push((stored, true, run));
                        }
                    }
                    // Copied by an officer, whose word stands for it.
                    Kind::SNAPSHOT => {
                        let runs = self.stored_carried_runs(space, &stored);
                        for run in runs.into_iter().filter(|run| docs.contains(&run.doc)) {
                            let (stored, entry) = (stored.clone(), material.runs.entry(run.doc).or_default());
                            entry.push((stored, counts, run));
                        }
                        if names {
                            let names = self.stored_carried_names(space, &stored).into_iter();
                            material.people.extend(names.map(|(id, record)| {
                                let of = Stored { id, ..stored.clone() };
                                (of, counts, record)
                            }));
                        }
                    }
                    Kind::PERSON | Kind::CARD if names => {
                        let opened = self.open_stored(space, &stored);
                        if let Some(record) = opened.and_then(|body| PersonRecord::decode(&body).ok()) {
                            material.people.push((stored, counts, record));
                        }
                    }
                    _ => {}
                }
            }
            if !page.more || after >= applied {
                // What copies hold came first in its feed.
                for (doc, mut runs) in covered.runs {
                    let entry = material.runs.entry(doc).or_default();
                    runs.append(entry);
                    *entry = runs;
                }
                return Ok(material);
            }
        }
    }

    /// The rows of a document made of what counts.
    fn document_anew(
        &mut self,
        space: &Space,
        key: BookKey,
        runs: &[(Stored, bool, Run)],
    ) -> Result<Vec<Put>, DeviceError> {
        let store = self.replica.store();
        let (tag, doc) = (space.id().tag(), key.doc);
        let pending: Vec<Vec<u8>> = store
            .list(Bucket::Pending, doc.as_bytes())?
            .into_iter()
            .map(|(_, change)| change)
            .collect();
        let copies = self.counting_copies(space);
        let vouched = |stored: &Stored| copies.contains(&stored.id);
        let valid = self
            .valid_changes(space, key.doc, (runs, &vouched), &pending)?
            .valid;
        let counts = |raw: &Vec<u8>| change_links(raw).is_ok_and(|(hash, _)| valid.contains(&hash));

        let mut nonce = [0; 8];
        self.rng.fill_bytes(&mut nonce);
        let genesis = key
            .kind
            .genesis(doc, key.schema)
            .ok_or(DeviceError::Internal("genesis"))?;
        let mut document = Document::new(doc, &genesis, Actor::new(self.keys.id(), nonce))
            .map_err(|_| DeviceError::Internal("document made anew"))?;
        let mut kept: Vec<(DeviceId, Run)> = Vec::new();
        let mut puts = Vec::new();
        for (stored, may, run) in runs {
            let changes: Vec<Vec<u8>> = run.changes.iter().filter(|raw| counts(raw)).cloned().collect();
            let verdict = match (may, changes.is_empty()) {
                (true, _) => None,
                (false, true) => Some((Verdict::LeftOut, Some(doc))),
                (false, false) => Some((Verdict::Vouched, Some(doc))),
            };
            if !vouched(stored) {
                puts.push(verdict_put(tag, stored, verdict));
            }
            if verdict.is_some_and(|(verdict, _)| verdict == Verdict::LeftOut) {
                self.events.push_back(Event::SetAside {
                    envelope: stored.id,
                    device: stored.device,
                    reason: SetAside::NotAllowed,
                });
            }
            let author = match stored.kind {
                Kind::SNAPSHOT => run.actor.device(),
                _ => stored.device,
            };
            kept.push((
                author,
                Run {
                    changes,
                    ..run.clone()
                },
            ));
        }
        kept.push((
            self.keys.id(),
            Run {
                doc,
                kind: key.kind.number(),
                schema: key.schema,
                actor: document.actor(),
                changes: pending,
            },
        ));
        let applied = document.apply(kept);
        let proved = document.prove();
        for refused in applied.refused.iter().chain(&proved.refused) {
            tracing::warn!(?doc, error = %refused.error, "change refused at the gate while making a document anew");
        }
        let snapshot = match proved.fold {
            Some(fold) => fold.snapshot,
            None => document
                .save()
                .map_err(|_| DeviceError::Internal("document made anew"))?,
        };
        let store = self.replica.store();
        for bucket in [Bucket::Tail, Bucket::Orphan] {
            puts.extend(
                store
                    .list(bucket, doc.as_bytes())?
                    .into_iter()
                    .map(|(row, _)| put(bucket, row, None)),
            );
        }
        // A document in which nothing counts is as unknown as on a phone that never had anything else of it.
        let nothing = applied.admitted.is_empty() && applied.orphans.is_empty();
        puts.push(put(
            Bucket::Snapshot,
            doc.as_bytes().to_vec(),
            (!nothing).then_some(snapshot),
        ));
        puts.push(index_put(&key, !nothing));
        puts.extend(applied.orphans.iter().map(|orphan| orphan_put(doc, orphan)));
        Ok(puts)
    }

    /// P5.15 over all changes of a document. What waits to be sealed is this device's own and counts.
    fn valid_changes(
        &self,
        space: &Space,
        doc: DocId,
        (runs, vouched): Judged<'_>,
        pending: &[Vec<u8>],
    ) -> Result<Content<ChangeHash>, DeviceError> {
        let mut changes: BTreeMap<ChangeHash, Change<ChangeHash>> = BTreeMap::new();
        for (stored, may, run) in runs {
            for (hash, deps) in run.changes.iter().filter_map(|raw| change_links(raw).ok()) {
                // The same change may have come twice; the place where it counts is the one that matters.
                if *may || !changes.contains_key(&hash) {
                    let (author, seq, envelope) = (stored.device, stored.seq, Some(stored.id));
                    changes.insert(
                        hash,
                        Change {
                            author,
                            seq,
                            envelope,
                            deps,
                        },
                    );
                }
            }
        }
        let tip = self.replica.store().tip(&space.id(), self.id())?;
        let (author, seq) = (self.id(), tip.map_or(1, |tip| tip.seq + 1));
        for (hash, deps) in pending.iter().filter_map(|raw| change_links(raw).ok()) {
            changes.insert(
                hash,
                Change {
                    author,
                    seq,
                    envelope: None,
                    deps,
                },
            );
        }
        let mut sealed: BTreeSet<ChangeHash> = self.sealed_heads(doc)?.into_iter().into_set();
        // Two officers' word about a copy vouches as a seal does.
        let copied = runs.iter().filter(|(stored, ..)| vouched(stored));
        let copied = copied.flat_map(|(.., run)| &run.changes);
        sealed.extend(copied.filter_map(|raw| Some(change_links(raw).ok()?.0)));
        Ok(content(self.membership()?, space, &changes, &sealed))
    }

    /// The names as those gave them who could.
    fn names_anew(
        &self,
        space: &Space,
        material: &Material,
        puts: &mut Vec<Put>,
    ) -> Result<People, DeviceError> {
        let old = self.replica.store().list(Bucket::Person, &[])?;
        let old = old.into_iter().map(|(row, _)| row);
        let names = old.filter(|row| row.first().is_none_or(|&first| first < NOT_NAMES));
        puts.extend(names.map(|row| put(Bucket::Person, row, None)));
        let mut people = People::default();
        for (stored, may, record) in &material.people {
            let verdict = (!may).then_some((Verdict::LeftOut, None));
            puts.push(verdict_put(space.id().tag(), stored, verdict));
            if *may && self.may_have_named(stored.device, &record.subject) {
                puts.extend(people.learn(stored.id, record.clone()));
            }
        }
        Ok(people)
    }
}
