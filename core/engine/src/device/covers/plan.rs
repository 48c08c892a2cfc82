//! Making a cover: how far each feed can be covered, what is copied, and how it fits into one record.

use std::collections::{BTreeMap, BTreeSet};

use sotay_document::crdt::ChangeHash;
use sotay_document::{Actor, Run, change_links, change_time, encode_runs};
use sotay_feed::{
    DeviceId, DocId, Draft, Envelope, EnvelopeId, EpochId, InOrder, Kind, Space, SpaceKind, Tip, Verified,
};
use sotay_handbook::Date;
use sotay_membership::limits::{COVER_COPIES_MAX, COVER_FEEDS_MAX, COVER_PREVIOUS_MAX, COVER_RANGES_MAX};
use sotay_membership::{Cover, CoverId, CoveredFeed, Numbers, kept_digest};
use sotay_store::{Bucket, Store, Stored};
use sotay_vault::{open_body, seal_body};

use super::super::Device;
use super::super::books::{BookKey, orphan_key};
use super::super::roster::today;
use super::super::waiting::is_full;
use super::super::withheld::{COVERED, packed_runs};
use super::{CoverError, DraftedCover, StopReason, Weight, by_id, places_of};
use crate::error::DeviceError;

/// A change whose clock is ahead of this phone's by more than this is not believed; what follows it in its feed decides how
/// young it is.
const AHEAD_MS: i64 = 24 * 3_600_000;

/// Envelopes beyond those of a cover that waits for its second officer, for which another one is made.
const FURTHER_MIN: u64 = 16;

/// What one cover has room for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub feeds: usize,
    pub copies: usize,
    pub ranges: usize,
    /// Bytes of its body; `None`: what an envelope holds.
    pub bytes: Option<usize>,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            feeds: COVER_FEEDS_MAX,
            copies: COVER_COPIES_MAX,
            ranges: COVER_RANGES_MAX,
            bytes: None,
        }
    }
}

/// What becomes of an envelope when its feed is covered.
enum Fate {
    /// Its changes go into copies under the key they were sealed under, and it may be dropped.
    Copied(EpochId, Run),
    /// It stays.
    Kept,
    /// It stays, and so does everything after it.
    Stop(StopReason),
}

/// One envelope of a feed, in its order.
struct Step {
    seq: u64,
    id: EnvelopeId,
    bytes: usize,
    copied: Option<(EpochId, Run)>,
}

/// How far a feed could be covered.
pub(super) struct FeedPlan {
    device: DeviceId,
    /// Numbers kept before the place of an earlier cover, with their ids.
    before: Vec<(u64, EnvelopeId)>,
    steps: Vec<Step>,
    stop: Option<StopReason>,
}

/// All feeds of a space, and the covers that a new one stands on.
pub(super) struct Plans {
    previous: BTreeSet<CoverId>,
    feeds: Vec<FeedPlan>,
}

impl FeedPlan {
    /// Covers up to the last of the first `steps`; `None` when nothing would be dropped.
    fn covered(&self, steps: usize) -> Option<(CoveredFeed, &[Step])> {
        let (place, steps) = self.steps[..steps].split_last()?;
        let last = steps.iter().rposition(|step| step.copied.is_some())?;
        // The place is right behind what is dropped last: what is kept after it need not be listed.
        let (place, steps) = match steps.get(last + 1) {
            Some(next) => (next, &steps[..=last]),
            None => (place, steps),
        };
        let kept = || {
            let after = steps.iter().filter(|step| step.copied.is_none());
            let after = after.map(|step| (step.seq, step.id));
            self.before.iter().copied().chain(after)
        };
        let ids: Vec<EnvelopeId> = kept().map(|(_, id)| id).collect();
        let feed = CoveredFeed {
            place: Tip {
                seq: place.seq,
                id: place.id,
            },
            kept: Numbers::new(kept().map(|(seq, _)| seq)),
            digest: kept_digest(&ids),
        };
        Some((feed, steps))
    }

    fn drops(steps: &[Step]) -> Weight {
        let mut weight = Weight::default();
        for step in steps.iter().filter(|step| step.copied.is_some()) {
            weight.add(step.bytes);
        }
        weight
    }
}

/// Runs of one document and actor under one key, in the order of their feed.
type Grouped<'p> = BTreeMap<(EpochId, DocId, Actor), (u8, u16, Vec<&'p [u8]>)>;

fn grouped<'p>(steps: impl Iterator<Item = &'p Step>) -> Result<Grouped<'p>, DeviceError> {
    let (mut groups, mut seen) = (Grouped::new(), BTreeSet::<(EpochId, ChangeHash)>::new());
    for (epoch, run) in steps.filter_map(|step| step.copied.as_ref()) {
        for raw in &run.changes {
            let (hash, _) = change_links(raw).map_err(|_| DeviceError::Internal("change of a document"))?;
            if seen.insert((*epoch, hash)) {
                let key = (*epoch, run.doc, run.actor);
                let (.., changes) = groups.entry(key).or_insert((run.kind, run.schema, Vec::new()));
                changes.push(raw);
            }
        }
    }
    Ok(groups)
}

impl<S: Store> Device<S> {
    /// Looks at every feed of a space, from the place up to which it is covered already.
    pub(super) fn plan_feeds(&mut self, space: &Space, before: Date, now: i64) -> Result<Plans, CoverError> {
        let (id, membership) = (space.id(), self.membership()?);
        let standings = membership.covers(&id);
        let counting = || standings.iter().filter(|standing| standing.counts);
        let beneath: BTreeSet<CoverId> = counting()
            .flat_map(|one| one.cover.previous.iter().copied())
            .collect();
        let mut tips: Vec<_> = counting().filter(|one| !beneath.contains(&one.id)).collect();
        tips.in_order_by_key(|one| (-one.cover.made_ms, one.id));
        let previous: BTreeSet<CoverId> = tips.iter().take(COVER_PREVIOUS_MAX).map(|one| one.id).collect();
        let prior: BTreeMap<DeviceId, CoveredFeed> = places_of(&by_id(&standings), &previous)
            .unwrap_or_default()
            .into_iter()
            .map(|(device, feed)| (device, feed.clone()))
            .collect();
        let forks: BTreeMap<DeviceId, u64> = membership.forked_in(id.tag()).collect();
        let open: BTreeSet<DocId> = self.books.keys().copied().collect();
        let mut feeds = Vec::new();
        let frontier = self.replica.store().frontier(&id).map_err(DeviceError::from)?;
        for (device, tip) in frontier.iter() {
            let fork = forks.get(&device).copied();
            let feed = self.plan_feed(space, (device, tip), prior.get(&device), fork, (before, now))?;
            feeds.extend(feed);
        }
        // Documents that were loaded for this alone make room again.
        self.books.retain(|doc, _| open.contains(doc));
        Ok(Plans { previous, feeds })
    }

    fn plan_feed(
        &mut self,
        space: &Space,
        (device, tip): (DeviceId, u64),
        prior: Option<&CoveredFeed>,
        fork: Option<u64>,
        age: (Date, i64),
    ) -> Result<Option<FeedPlan>, DeviceError> {
        let mut before = Vec::new();
        for seq in prior.iter().flat_map(|prior| prior.kept.iter()) {
            match self.stored_at(space, device, seq)? {
                Some(stored) => before.push((seq, stored.id)),
                None => return Ok(None),
            }
        }
        let (mut steps, mut stop) = (Vec::new(), None);
        for seq in prior.map_or(1, |prior| prior.place.seq)..=tip {
            if fork.is_some_and(|fork| seq >= fork) {
                stop = Some(StopReason::Forked);
                break;
            }
            let Some(stored) = self.stored_at(space, device, seq)? else {
                stop = Some(StopReason::NotHere);
                break;
            };
            let (id, bytes) = (stored.id, stored.bytes.len());
            let copied = match self.fate(space, &stored, age)? {
                Fate::Copied(epoch, run) => Some((epoch, run)),
                Fate::Kept => None,
                Fate::Stop(reason) => {
                    stop = Some(reason);
                    break;
                }
            };
            steps.push(Step {
                seq,
                id,
                bytes,
                copied,
            });
        }
        Ok(Some(FeedPlan {
            device,
            before,
            steps,
            stop,
        }))
    }

    /// An envelope may be dropped only if every change in it counts by its author's own right and is in the document. What
    /// may still come to count is waited for; what this version cannot use stays.
    fn fate(
        &mut self,
        space: &Space,
        stored: &Stored,
        (before, now): (Date, i64),
    ) -> Result<Fate, DeviceError> {
        if stored.arrival > self.applied(&space.id())? {
            return Ok(Fate::Stop(StopReason::Waits));
        }
        if stored.kind != Kind::CHANGE {
            return Ok(Fate::Kept);
        }
        let Ok(envelope) = Envelope::decode(&stored.bytes) else {
            return Ok(Fate::Kept);
        };
        let epoch = envelope.header().epoch;
        let Some(key) = self.ring.get(space.id().tag(), epoch) else {
            return Ok(Fate::Stop(StopReason::NoKey));
        };
        let opened = open_body(envelope.header_bytes(), key, envelope.body()).ok();
        let Some(run) = opened.and_then(|payload| Run::decode(&payload).ok()) else {
            return Ok(Fate::Kept);
        };
        let written = run.changes.iter().filter_map(|raw| change_time(raw).ok());
        let believed = written.filter(|at| *at <= now + AHEAD_MS).max();
        if believed.is_some_and(|at| today(at) >= before) {
            return Ok(Fate::Stop(StopReason::Young));
        }
        if is_full(self.replica.store(), &space.id(), stored.arrival)? {
            return Ok(Fate::Stop(StopReason::Waits));
        }
        let admitted = self.membership()?.may_admit(&envelope, space).is_ok();
        let Some(book) = self.book_of(space.kind, &run)?.filter(|_| admitted) else {
            return Ok(Fate::Kept);
        };
        if run.actor.device() != stored.device {
            return Ok(Fate::Kept);
        }
        let mut all = true;
        for raw in &run.changes {
            let Ok((hash, _)) = change_links(raw) else {
                return Ok(Fate::Kept);
            };
            if self.book(book)?.document.provenance(&hash).is_some() {
                continue;
            }
            let waits = orphan_key(book.doc, &hash);
            if self.replica.store().get(Bucket::Orphan, &waits)?.is_some() {
                return Ok(Fate::Stop(StopReason::Waits));
            }
            all = false;
        }
        Ok(if all { Fate::Copied(epoch, run) } else { Fate::Kept })
    }

    /// The document that a run belongs to, if this phone knows it as what the run says it is.
    pub(super) fn book_of(&self, space: SpaceKind, run: &Run) -> Result<Option<BookKey>, DeviceError> {
        let said = BookKey::of(space, run);
        Ok(self.known_document(run.doc)?.filter(|known| Some(*known) == said))
    }

    /// Covers as many of the feeds as one cover has room for, those first that save most.
    pub(super) fn make_cover(
        &mut self,
        space: &Space,
        plans: Plans,
        room: Room,
        now: i64,
    ) -> Result<DraftedCover, CoverError> {
        let mut stops: BTreeMap<StopReason, usize> = BTreeMap::new();
        for stop in plans.feeds.iter().filter_map(|feed| feed.stop) {
            *stops.entry(stop).or_default() += 1;
        }
        let mut chosen: Vec<(&FeedPlan, usize)> = Vec::new();
        for feed in &plans.feeds {
            let mut steps = feed.steps.len();
            while feed
                .covered(steps)
                .is_some_and(|(feed, _)| feed.kept.ranges() > room.ranges)
            {
                steps /= 2;
            }
            chosen.extend(feed.covered(steps).map(|_| (feed, steps)));
        }
        let wanted = chosen.len();
        let saves = |(feed, steps): &(&FeedPlan, usize)| {
            feed.covered(*steps)
                .map_or(0, |(_, steps)| FeedPlan::drops(steps).bytes)
        };
        chosen.in_order_by_key(|one| (std::cmp::Reverse(saves(one)), one.0.device));
        chosen.truncate(room.feeds);
        let roll = self.space(SpaceKind::Roll)?;
        let record_room = Draft::next(&self.keys, Kind::COVER, &roll.id(), None).body_room() - 8;
        let record_room = room.bytes.unwrap_or(record_room);
        let (mut cover, payloads, drops) = loop {
            let parts: Vec<(DeviceId, CoveredFeed, &[Step])> = chosen
                .iter()
                .filter_map(|(feed, steps)| {
                    let (covered, steps) = feed.covered(*steps)?;
                    Some((feed.device, covered, steps))
                })
                .collect();
            if parts.is_empty() {
                return Err(CoverError::Nothing);
            }
            let steps = || parts.iter().flat_map(|(.., steps)| steps.iter());
            let payloads = self.packed_copies(space, grouped(steps())?)?;
            let mut drops = Weight::default();
            for step in steps().filter(|step| step.copied.is_some()) {
                drops.add(step.bytes);
            }
            let cover = Cover {
                space: space.id(),
                made_ms: now,
                previous: plans.previous.clone(),
                feeds: parts
                    .into_iter()
                    .map(|(device, feed, _)| (device, feed))
                    .collect(),
                copies: BTreeSet::new(),
            };
            // Each copy is an id of 32 bytes and its head; the list's head grows by at most two.
            let bytes = cover.encode().len() + payloads.len() * 34 + 2;
            if payloads.len() <= room.copies && bytes <= record_room {
                break (cover, payloads, drops);
            }
            match &mut chosen[..] {
                [(_, steps)] => *steps /= 2,
                more => {
                    let half = more.len().div_ceil(2);
                    chosen.truncate(half);
                }
            }
        };
        let copies = self.sealed_copies(space, payloads)?;
        let mut weight = Weight::default();
        for copy in &copies {
            weight.add(copy.bytes().len());
        }
        cover.copies = copies.iter().map(|copy| copy.id()).collect();
        if drops.envelopes <= weight.envelopes
            || drops.bytes <= weight.bytes + 2 * cover.encode().len() as u64
        {
            return Err(CoverError::Nothing);
        }
        if let Some(waits) = self.own_cover_as_far(&cover)? {
            return Err(CoverError::Waits(waits));
        }
        let mut acts = self.begin_acts()?;
        self.sign_as_officer(&mut acts, &cover)?;
        let drafted = DraftedCover {
            id: cover.id(),
            feeds: cover.feeds.len(),
            drops,
            copies: weight,
            left: wanted - cover.feeds.len(),
            stops,
        };
        self.commit_acts_with(acts, vec![(*space, copies)], Vec::new())?;
        Ok(drafted)
    }

    fn packed_copies(
        &self,
        space: &Space,
        groups: Grouped<'_>,
    ) -> Result<Vec<(EpochId, Vec<u8>)>, DeviceError> {
        let room = self.payload_room(space)?;
        let mut pieces: BTreeMap<EpochId, Vec<(Vec<u8>, usize)>> = BTreeMap::new();
        for ((epoch, doc, _), (kind, schema, changes)) in groups {
            // Form, head of the list, head of the piece.
            let runs = encode_runs(doc, kind, schema, &changes, room - 16);
            for run in runs.map_err(|_| DeviceError::Internal("run"))? {
                let rebuilt = Run::decode(&run).map_err(|_| DeviceError::Internal("run"))?;
                let rebuilt = rebuilt.changes.iter().map(Vec::len).sum();
                pieces.entry(epoch).or_default().push((run, rebuilt));
            }
        }
        let mut payloads = Vec::new();
        for (epoch, pieces) in pieces {
            let packed = packed_runs(COVERED, pieces, room);
            payloads.extend(packed.into_iter().map(|payload| (epoch, payload)));
        }
        Ok(payloads)
    }

    /// Each under the key that what it holds was sealed under: nobody reads more or less than before.
    fn sealed_copies(
        &mut self,
        space: &Space,
        payloads: Vec<(EpochId, Vec<u8>)>,
    ) -> Result<Vec<Verified<Envelope>>, DeviceError> {
        let id = space.id();
        let mut tip = self.replica.store().tip(&id, self.id())?;
        let mut copies = Vec::with_capacity(payloads.len());
        for (epoch, payload) in payloads {
            let key = self
                .ring
                .get(id.tag(), epoch)
                .cloned()
                .ok_or(DeviceError::NoKey)?;
            let draft = Draft::next(&self.keys, Kind::SNAPSHOT, &id, tip).in_epoch(epoch);
            let body = seal_body(&draft.header().encode(), &key, &payload, &mut *self.rng);
            let copy = draft
                .sign(&self.keys, &id, &body)
                .map_err(|_| DeviceError::Internal("sealed envelope"))?;
            tip = Some(copy.tip());
            copies.push(copy);
        }
        Ok(copies)
    }

    /// A cover that this officer signed, that waits, and that leaves little of what this one would cover.
    fn own_cover_as_far(&self, cover: &Cover) -> Result<Option<CoverId>, DeviceError> {
        let member = self.home()?.member;
        let standings = self.membership()?.covers(&cover.space);
        let as_far = |other: &Cover| {
            let beyond = cover.feeds.iter().map(|(device, feed)| {
                let known = other.feeds.get(device);
                feed.dropped() - known.map_or(0, |known| known.dropped()).min(feed.dropped())
            });
            beyond.sum::<u64>() < FURTHER_MIN
        };
        let waiting = standings
            .iter()
            .find(|one| !one.counts && one.signers.contains(&member) && as_far(one.cover));
        Ok(waiting.map(|standing| standing.id))
    }
}
