//! What may be missing of the feeds of a space, because two officers signed that copies hold what counted (P3.4, P9.17).

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sotay_feed::{DeviceId, Envelope, EnvelopeId, IntoTree, Kind, Space, SpaceId, SpaceKind, SpaceTag, Tip};
use sotay_membership::{CoverId, CoverStanding, CoveredFeed, Membership, kept_digest};
use sotay_store::{Budget, Dropped, Store, StoreError};

use crate::replica::Replica;

/// What the covers of a space that count say of its feeds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Holes(Arc<BTreeMap<DeviceId, CoveredFeed>>);

/// What was found of each space, at which revision of its unit's membership: asked with every batch of envelopes, and as dear
/// as officers wrote covers.
#[derive(Debug, Default)]
pub(crate) struct HolesKnown(RefCell<BTreeMap<SpaceTag, (u64, Holes)>>);

impl HolesKnown {
    /// No cover is about a roll.
    pub(crate) fn of(&self, membership: Option<&Membership>, space: &Space) -> Holes {
        let Some(membership) = membership.filter(|_| space.kind != SpaceKind::Roll) else {
            return Holes::default();
        };
        let (id, revision) = (space.id(), membership.revision());
        let mut known = self.0.borrow_mut();
        if let Some((then, holes)) = known.get(&id.tag())
            && *then == revision
        {
            return holes.clone();
        }
        let feeds = membership.covered(&id).feeds.into_iter();
        let holes = Holes(Arc::new(
            feeds.map(|(device, feed)| (device, feed.clone())).into_map(),
        ));
        known.insert(id.tag(), (revision, holes.clone()));
        holes
    }

    /// A membership that was replaced begins its revisions anew.
    pub(crate) fn forget(&self) {
        self.0.borrow_mut().clear();
    }
}

/// Whether a cover that counts names an envelope as one of its copies: two officers' word stands for it, whatever became of who
/// made it (P17.3).
pub(crate) fn is_named(membership: &Membership, space: &SpaceId, envelope: &Envelope) -> bool {
    envelope.header().kind == Kind::SNAPSHOT && membership.covered(space).copies.contains(&envelope.id())
}

impl Holes {
    /// Whether all numbers between the tip and this one may be missing.
    pub(crate) fn may_follow(&self, device: DeviceId, tip: Option<Tip>, seq: u64) -> bool {
        let tip = tip.map_or(0, |tip| tip.seq);
        let next = self.0.get(&device).and_then(|feed| feed.after(tip));
        tip < seq && next.is_some_and(|next| seq <= next)
    }

    /// Whether an envelope at the place of a cover is the one that the cover names, after what it keeps. Where nothing is
    /// missing the chain says what stands here, whatever somebody signed. `held` tells the ids that the feed holds.
    pub(crate) fn fits(
        &self,
        envelope: &Envelope,
        leaps: bool,
        held: impl Fn(u64) -> Result<Option<EnvelopeId>, StoreError>,
    ) -> Result<bool, StoreError> {
        let header = envelope.header();
        let feed = self.0.get(&header.device);
        let Some(feed) = feed.filter(|feed| feed.place.seq == header.seq) else {
            return Ok(true);
        };
        if feed.place.id == envelope.id() && holds_kept(feed, &held)? {
            return Ok(true);
        }
        if leaps {
            return Ok(false);
        }
        for seq in (1..header.seq).rev() {
            if held(seq)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Whether everything that a cover keeps of a feed before its place is held, and is what the officers saw.
pub(crate) fn holds_kept(
    feed: &CoveredFeed,
    held: impl Fn(u64) -> Result<Option<EnvelopeId>, StoreError>,
) -> Result<bool, StoreError> {
    let mut ids = Vec::new();
    for seq in feed.kept.iter() {
        match held(seq)? {
            Some(id) => ids.push(id),
            None => return Ok(false),
        }
    }
    Ok(kept_digest(&ids) == feed.digest)
}

/// What a holder may drop of a space, see [`Replica::prunable`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prunable {
    /// By feed what is covered of it, and the number from which on nothing is dropped because of a proven fork.
    feeds: BTreeMap<DeviceId, (CoveredFeed, u64)>,
    /// Covers of which nothing is left once all this is dropped.
    pub finished: BTreeSet<CoverId>,
    /// Feeds that are not here as far as the place of a cover. They come with the next session that brings them.
    pub behind: BTreeSet<DeviceId>,
    /// Feeds of which something else is held than a cover says. Nothing is dropped of them.
    pub apart: BTreeSet<DeviceId>,
}

impl<S: Store> Replica<S> {
    /// The covers of a space that count, by id. Its unit has to be loaded ([`Replica::load_unit`]).
    pub fn counting_covers(&self, space: &Space) -> BTreeSet<CoverId> {
        let covers = self.units.get(&space.unit).map(|unit| unit.covers(&space.id()));
        let counting = covers.into_iter().flatten().filter(|cover| cover.counts);
        counting.map(|cover| cover.id).into_set()
    }

    /// What may be dropped of a space by the covers named in `due` and not in `finished`, as far as they count. Nothing of a feed is, unless the place of a cover is held here, and before it exactly what the
    /// cover keeps; and nothing from the number before a proven fork on.
    pub fn prunable(
        &self,
        space: &Space,
        due: &BTreeSet<CoverId>,
        finished: &BTreeSet<CoverId>,
    ) -> Result<Prunable, StoreError> {
        let mut prunable = Prunable::default();
        let Some(membership) = self
            .units
            .get(&space.unit)
            .filter(|_| space.kind != SpaceKind::Roll)
        else {
            return Ok(prunable);
        };
        let id = space.id();
        let covers = membership.covers(&id);
        let due: Vec<&CoverStanding<'_>> = covers
            .iter()
            .filter(|cover| cover.counts && due.contains(&cover.id) && !finished.contains(&cover.id))
            .collect();
        let forks = self.forks_of(space);
        // Of every feed the furthest place that is held as its cover says.
        let mut furthest: BTreeMap<DeviceId, &CoveredFeed> = BTreeMap::new();
        let mut unfinished = BTreeSet::new();
        for standing in &due {
            for (device, feed) in &standing.cover.feeds {
                let tip = self.store.tip(&id, *device)?.map_or(0, |tip| tip.seq);
                let held = |seq| Ok(self.store.at(&id, *device, seq)?.map(|stored| stored.id));
                let reached = furthest.get(device).map_or(0, |known| known.place.seq);
                if tip < feed.place.seq {
                    prunable.behind.insert(*device);
                    unfinished.insert(standing.id);
                } else if reached < feed.place.seq {
                    if held(feed.place.seq)? == Some(feed.place.id) && holds_kept(feed, held)? {
                        furthest.insert(*device, feed);
                    } else if !superseded(&covers, *device, feed) {
                        prunable.apart.insert(*device);
                        unfinished.insert(standing.id);
                    }
                }
            }
        }
        for (device, feed) in furthest {
            let end = forks.get(&device).map_or(u64::MAX, |fork| fork.saturating_sub(1));
            prunable.feeds.insert(device, (feed.clone(), end));
        }
        let all = due.iter().map(|standing| standing.id);
        prunable.finished = all.filter(|id| !unfinished.contains(id)).into_set();
        Ok(prunable)
    }

    /// Looks through the arrivals of a space after `after`, within a budget, and drops what may be, or only counts it.
    /// `Some`: where to go on. One transaction; nothing may be staged.
    pub fn prune(
        &mut self,
        space: &Space,
        prunable: &Prunable,
        after: u64,
        budget: Budget,
        dry: bool,
    ) -> Result<(Dropped, Option<u64>), StoreError> {
        let id = space.id();
        let page = self.store.since(&id, after, budget)?;
        let next = page.more.then_some(page.upto);
        let tips: BTreeMap<DeviceId, u64> = self.store.frontier(&id)?.iter().into_map();
        let mut dropped = Dropped::default();
        let mut places = Vec::new();
        for stored in &page.envelopes {
            let stays = tips.get(&stored.device).is_some_and(|tip| stored.seq >= *tip);
            if prunable.drops(stored.device, stored.seq) && !stays {
                places.push((stored.device, stored.seq));
                dropped += Dropped {
                    envelopes: 1,
                    bytes: stored.bytes.len() as u64,
                };
            }
        }
        if !dry && !places.is_empty() {
            dropped = self.store.drop_envelopes(&id, &places)?;
        }
        Ok((dropped, next))
    }
}

impl Prunable {
    /// Whether nothing is to be dropped.
    pub fn is_empty(&self) -> bool {
        self.feeds.is_empty()
    }

    /// Whether an envelope may be dropped.
    pub fn drops(&self, device: DeviceId, seq: u64) -> bool {
        let feed = self.feeds.get(&device);
        feed.is_some_and(|(feed, end)| seq < *end && feed.drops(seq))
    }
}

/// Whether another cover that counts has a further place of the feed: then this place itself may be gone.
fn superseded(covers: &[CoverStanding<'_>], device: DeviceId, feed: &CoveredFeed) -> bool {
    let counting = covers.iter().filter(|standing| standing.counts);
    let mut further = counting.filter_map(|standing| standing.cover.feeds.get(&device));
    further.any(|other| other.place.seq > feed.place.seq)
}
