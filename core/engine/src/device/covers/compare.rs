//! The second officer's look: everything a cover says is compared with what this phone holds before it is signed.

use std::collections::{BTreeMap, BTreeSet};

use sotay_document::crdt::ChangeHash;
use sotay_document::{Run, change_links};
use sotay_feed::{DeviceId, DocId, Envelope, EpochId, Kind, Space};
use sotay_membership::{Cover, CoveredFeed, kept_digest};
use sotay_store::{Store, Stored};
use sotay_vault::open_body;

use super::super::Device;
use super::super::withheld::{COVERED, carried_runs};
use super::{CoverError, Difference, by_id, places_of};
use crate::error::DeviceError;

/// Changes by the key under which they are sealed, and the document they belong to.
type Changes = BTreeMap<(EpochId, ChangeHash), DocId>;

/// What comparing found, before it is said.
#[derive(Default)]
struct Found {
    missing: u64,
    unreadable: bool,
    changes: Changes,
}

/// Whether what a cover says of a feed goes on from what an earlier one says. What that one let be dropped cannot stay after all:
/// whoever lacks it would wait for it.
fn continues(feed: &CoveredFeed, earlier: &CoveredFeed) -> bool {
    let before = |seq: &u64| *seq < earlier.place.seq;
    feed.place.seq < earlier.place.seq || feed.kept.iter().take_while(before).eq(earlier.kept.iter())
}

impl<S: Store> Device<S> {
    /// Whether a cover says of this space what this phone holds.
    pub(super) fn compare(&mut self, space: &Space, cover: &Cover) -> Result<(), CoverError> {
        let prior: BTreeMap<DeviceId, CoveredFeed> = {
            let standings = self.membership()?.covers(&space.id());
            let prior = places_of(&by_id(&standings), &cover.previous).ok_or(CoverError::Unknown)?;
            prior
                .into_iter()
                .map(|(device, feed)| (device, feed.clone()))
                .collect()
        };
        let open: BTreeSet<DocId> = self.books.keys().copied().collect();
        let compared = self.compare_all(space, cover, &prior);
        self.books.retain(|doc, _| open.contains(doc));
        compared
    }

    fn compare_all(
        &mut self,
        space: &Space,
        cover: &Cover,
        prior: &BTreeMap<DeviceId, CoveredFeed>,
    ) -> Result<(), CoverError> {
        let counting: BTreeMap<DeviceId, CoveredFeed> = {
            let covered = self.membership()?.covered(&cover.space).feeds.into_iter();
            covered.map(|(device, feed)| (device, feed.clone())).collect()
        };
        let mut found = Found::default();
        for (device, feed) in &cover.feeds {
            let known = [counting.get(device), prior.get(device)];
            if !known
                .into_iter()
                .flatten()
                .all(|earlier| continues(feed, earlier))
            {
                return Err(CoverError::Differs(Difference::Feed(*device)));
            }
            self.compare_feed(space, *device, feed, prior.get(device), &mut found)?;
        }
        let mut copied = Changes::new();
        for id in &cover.copies {
            match self.replica.store().envelope(*id).map_err(DeviceError::from)? {
                Some(stored) => self.read_compared(space, &stored, &mut found, &mut copied)?,
                None => found.missing += 1,
            }
        }
        if found.missing > 0 {
            return Err(CoverError::NotHere(found.missing));
        }
        if found.unreadable {
            return Err(CoverError::NoKey);
        }
        let apart = |(key, doc): (&(EpochId, ChangeHash), &DocId), other: &Changes| {
            (other.get(key) != Some(doc)).then_some(*doc)
        };
        let differs = found.changes.iter().find_map(|one| apart(one, &copied));
        let differs = differs.or_else(|| copied.iter().find_map(|one| apart(one, &found.changes)));
        match differs {
            Some(doc) => Err(CoverError::Differs(Difference::Document(doc))),
            None => Ok(()),
        }
    }

    /// What one feed would lose, and whether everything else of it is as the cover says.
    fn compare_feed(
        &mut self,
        space: &Space,
        device: DeviceId,
        feed: &CoveredFeed,
        prior: Option<&CoveredFeed>,
        found: &mut Found,
    ) -> Result<(), CoverError> {
        let id = space.id();
        let differs = || CoverError::Differs(Difference::Feed(device));
        let fork = self
            .membership()?
            .forked_in(id.tag())
            .find(|(forked, _)| *forked == device);
        if fork.is_some_and(|(_, fork)| feed.place.seq >= fork) {
            return Err(differs());
        }
        let tip = self.replica.store().tip(&id, device).map_err(DeviceError::from)?;
        if tip.is_none_or(|tip| tip.seq < feed.place.seq) {
            found.missing += 1;
            return Ok(());
        }
        let from = prior.map_or(1, |prior| prior.place.seq);
        let at_place = self
            .stored_at(space, device, feed.place.seq)?
            .ok_or_else(differs)?;
        if at_place.id != feed.place.id {
            return Err(differs());
        }
        let mut kept = Vec::new();
        for seq in feed.kept.iter() {
            match self.stored_at(space, device, seq)? {
                Some(stored) => kept.push(stored.id),
                None => found.missing += 1,
            }
        }
        if found.missing == 0 && kept_digest(&kept) != feed.digest {
            return Err(differs());
        }
        for seq in (from..feed.place.seq).filter(|seq| feed.drops(*seq)) {
            match self.stored_at(space, device, seq)? {
                Some(stored) if stored.kind == Kind::CHANGE => self.read_dropped(space, &stored, found)?,
                Some(_) => return Err(differs()),
                None => found.missing += 1,
            }
        }
        Ok(())
    }

    fn opened_run(&self, space: &Space, envelope: &Envelope) -> Option<zeroize::Zeroizing<Vec<u8>>> {
        let key = self.ring.get(space.id().tag(), envelope.header().epoch)?;
        open_body(envelope.header_bytes(), key, envelope.body()).ok()
    }

    /// An envelope that would be dropped: each of its changes has to count and to be in its document.
    fn read_dropped(&mut self, space: &Space, stored: &Stored, found: &mut Found) -> Result<(), CoverError> {
        let differs = || CoverError::Differs(Difference::Feed(stored.device));
        let envelope = Envelope::decode(&stored.bytes).map_err(|_| differs())?;
        let epoch = envelope.header().epoch;
        if self.ring.get(space.id().tag(), epoch).is_none() {
            found.unreadable = true;
            return Ok(());
        }
        let run = self.opened_run(space, &envelope);
        let run = run
            .and_then(|payload| Run::decode(&payload).ok())
            .ok_or_else(differs)?;
        let admitted = self.membership()?.may_admit(&envelope, space).is_ok();
        let book = self.book_of(space.kind, &run)?.filter(|_| admitted);
        let book = book
            .filter(|_| run.actor.device() == stored.device)
            .ok_or_else(differs)?;
        for raw in &run.changes {
            let (hash, _) = change_links(raw).map_err(|_| differs())?;
            if self.book(book)?.document.provenance(&hash).is_none() {
                return Err(differs());
            }
            found.changes.insert((epoch, hash), run.doc);
        }
        Ok(())
    }

    /// A copy that the cover names.
    fn read_compared(
        &self,
        space: &Space,
        stored: &Stored,
        found: &mut Found,
        copied: &mut Changes,
    ) -> Result<(), CoverError> {
        let differs = || CoverError::Differs(Difference::Copy);
        let envelope = Envelope::decode(&stored.bytes).map_err(|_| differs())?;
        let epoch = envelope.header().epoch;
        let admitted = self.membership()?.may_admit(&envelope, space).is_ok();
        if stored.kind != Kind::SNAPSHOT || !admitted {
            return Err(differs());
        }
        if self.ring.get(space.id().tag(), epoch).is_none() {
            found.unreadable = true;
            return Ok(());
        }
        let payload = self.opened_run(space, &envelope).ok_or_else(differs)?;
        let runs = match payload.split_first() {
            Some((&COVERED, pieces)) => carried_runs(pieces),
            _ => None,
        };
        for run in runs.ok_or_else(differs)? {
            // The same document under another kind or schema would be set aside where it is read.
            let known = self.book_of(space.kind, &run)?;
            for raw in &run.changes {
                let (hash, _) = change_links(raw).map_err(|_| differs())?;
                if known.is_none() {
                    return Err(CoverError::Differs(Difference::Document(run.doc)));
                }
                copied.insert((epoch, hash), run.doc);
            }
        }
        Ok(())
    }
}
