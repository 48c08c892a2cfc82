//! Signed snapshots: an officer's phone packs what counts in a space into few envelopes, a second officer's phone compares,
//! and a relay may then drop what both have signed for (P5.21, P17.3, decision 0188).

mod compare;
mod copies;
mod plan;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sotay_feed::{DeviceId, DocId, InOrder, MemberId, Space, SpaceKind};
use sotay_handbook::{Date, Names};
use sotay_membership::{COVER_SIGNERS, Cover, CoverId, CoverStanding, CoveredFeed, Membership, Record, rank};
use sotay_store::{Store, Stored};

pub(super) use copies::copy_put;

use super::Device;
use super::roster::today;
use crate::error::DeviceError;

/// The spaces that can be covered: those of which copies exist (P17).
pub const COVERED_SPACES: [SpaceKind; 2] = [SpaceKind::Main, SpaceKind::Committee];

/// Why a cover was not made or not signed. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum CoverError {
    /// Only a secretary or deputy signs.
    #[error("only a secretary or deputy signs snapshots")]
    NoOfficer,
    /// Only the parts of the handbook that hold documents are covered.
    #[error("only main and committee are covered")]
    Space,
    /// The day is after tomorrow.
    #[error("the day is in the future")]
    Future,
    /// Nothing that is settled and older than the day would save room: wait, or name a later day.
    #[error("there is nothing worth covering")]
    Nothing,
    /// A cover of this officer that reaches as far waits for a second signature.
    #[error("a snapshot that reaches as far waits for its second officer")]
    Waits(CoverId),
    /// There is no such cover.
    #[error("there is no such snapshot")]
    Unknown,
    /// This officer has signed it; another one has to.
    #[error("this is signed already")]
    SignedAlready,
    /// It stands on a cover that does not count: that one is signed first.
    #[error("an earlier snapshot has to be signed first")]
    Beneath(CoverId),
    /// Some of what it speaks of is not on this phone: sync first.
    #[error("{0} of the records it speaks of are not here yet")]
    NotHere(u64),
    /// This phone was not given all keys of the time it speaks of: an officer who reads all of it signs.
    #[error("this phone does not read all of what it speaks of")]
    NoKey,
    /// It says something else than the records on this phone. It must not be signed.
    #[error("the snapshot says something else than the records on this phone: do not sign it")]
    Differs(Difference),
    /// Anything that can happen to every call.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

/// Where a cover says something else than the records do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// The copies hold something else of a document than what counts in it.
    Document(#[serde(serialize_with = "crate::text_of")] DocId),
    /// Something of a phone would be dropped that has to stay, or other records are named than the phone wrote.
    Feed(#[serde(serialize_with = "crate::text_of")] DeviceId),
    /// A copy is none, or one for other keys.
    Copy,
}

/// Envelopes and what they weigh.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Weight {
    /// How many.
    pub envelopes: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Weight {
    fn add(&mut self, bytes: usize) {
        self.envelopes += 1;
        self.bytes += bytes as u64;
    }
}

/// Why a feed is not covered to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// What follows is of the chosen day or later.
    Young,
    /// What follows waits for other records, or for room.
    Waits,
    /// This phone has no key for what follows.
    NoKey,
    /// What follows is not here.
    NotHere,
    /// The phone that wrote it wrote two histories; the proof stays.
    Forked,
}

/// A cover that was made here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DraftedCover {
    /// Its identity, in hexadecimal.
    #[serde(serialize_with = "crate::text_of")]
    pub id: CoverId,
    /// Feeds that it covers.
    pub feeds: usize,
    /// What a relay may drop once a second officer has signed.
    pub drops: Weight,
    /// The copies that stand for it.
    pub copies: Weight,
    /// Feeds that would save room too and found none in this cover: the next one takes them.
    pub left: usize,
    /// How many feeds are not covered to their end, by reason.
    pub stops: BTreeMap<StopReason, usize>,
}

/// How far a cover is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CoverState {
    /// It waits for a second officer.
    Open,
    /// It counts: relays may drop what it covers.
    Counts,
    /// Two officers signed it and the word of one no longer counts, or what it stands on does not: sign again.
    Void,
    /// Others that count reach as far; nobody needs to sign it any more.
    Overtaken,
}

/// Who signed a cover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CoverSigner {
    /// The phone, in hexadecimal.
    #[serde(serialize_with = "crate::text_of")]
    pub device: DeviceId,
    /// Its holder's name, if known here.
    pub name: Option<String>,
    /// Whether the word counts.
    pub counts: bool,
}

/// A cover on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CoverLine {
    /// Its identity, in hexadecimal.
    #[serde(serialize_with = "crate::text_of")]
    pub id: CoverId,
    /// The part of the handbook.
    #[serde(serialize_with = "kind_name")]
    pub space: SpaceKind,
    /// When it was made, by its maker's clock; milliseconds since 1970 UTC.
    pub made_ms: i64,
    /// Who signed it.
    pub by: Vec<CoverSigner>,
    /// How far it is.
    pub state: CoverState,
    /// Feeds that it covers.
    pub feeds: usize,
    /// Copies that stand for what it covers.
    pub copies: usize,
    /// How many envelopes it covers beyond those of the covers it stands on.
    pub covers: u64,
    /// What is still on this phone of those.
    pub held: Weight,
    /// How many of the records that it speaks of are not here yet: copies, and ends of feeds.
    pub missing: u64,
    /// Whether this phone's holder could sign it: an officer who has not.
    pub yours: bool,
}

fn kind_name<S: serde::Serializer>(kind: &SpaceKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format!("{kind:?}").to_lowercase())
}

/// The furthest places of some covers and of all they stand on. `None` when one of them is not on record.
fn places_of<'m>(
    known: &BTreeMap<CoverId, &CoverStanding<'m>>,
    of: &BTreeSet<CoverId>,
) -> Option<BTreeMap<DeviceId, &'m CoveredFeed>> {
    let mut places: BTreeMap<DeviceId, &CoveredFeed> = BTreeMap::new();
    let (mut open, mut seen): (Vec<CoverId>, BTreeSet<CoverId>) =
        (of.iter().copied().collect(), BTreeSet::new());
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let cover = known.get(&id)?.cover;
        open.extend(&cover.previous);
        for (device, feed) in &cover.feeds {
            let held = places.entry(*device).or_insert(feed);
            if (feed.place, feed.digest) > (held.place, held.digest) {
                *held = feed;
            }
        }
    }
    Some(places)
}

/// How far a cover is, of those that are on record.
fn state_of(
    membership: &Membership,
    standing: &CoverStanding<'_>,
    furthest: &BTreeMap<DeviceId, &CoveredFeed>,
) -> CoverState {
    if standing.counts {
        return CoverState::Counts;
    }
    let reached = |(device, feed): (&DeviceId, &CoveredFeed)| {
        furthest
            .get(device)
            .is_some_and(|known| known.place.seq >= feed.place.seq)
    };
    if standing.cover.feeds.iter().all(reached) {
        return CoverState::Overtaken;
    }
    let members: BTreeSet<MemberId> = standing
        .signed_by
        .iter()
        .filter_map(|device| membership.standing(*device)?.member)
        .collect();
    if members.len() >= COVER_SIGNERS {
        CoverState::Void
    } else {
        CoverState::Open
    }
}

fn by_id<'s, 'm>(standings: &'s [CoverStanding<'m>]) -> BTreeMap<CoverId, &'s CoverStanding<'m>> {
    standings.iter().map(|standing| (standing.id, standing)).collect()
}

impl<S: Store> Device<S> {
    /// Makes a cover of what was written before a day (tomorrow: of everything up to now): copies of what counts, and this officer's signature, in one
    /// transaction. It counts once an officer of another member has signed it too ([`Device::sign_cover`]).
    ///
    /// What is not applied yet, younger, or behind a fork stays out, and so does all that follows it in its feed.
    pub fn draft_cover(
        &mut self,
        kind: SpaceKind,
        before: Date,
        now: i64,
    ) -> Result<DraftedCover, CoverError> {
        let space = self.coverable(kind)?;
        // Tomorrow: everything up to now.
        if today(now).tomorrow().is_some_and(|tomorrow| before > tomorrow) {
            return Err(CoverError::Future);
        }
        self.flush()?;
        self.absorb()?;
        let plans = self.plan_feeds(&space, before, now)?;
        self.make_cover(&space, plans, plan::Room::default(), now)
    }

    /// Signs a cover of another officer, after everything it says was compared with what is on this phone.
    pub fn sign_cover(&mut self, id: CoverId) -> Result<(), CoverError> {
        let space = self.find_cover(id)?;
        self.coverable(space.kind)?;
        self.absorb()?;
        let cover = self.signable(&space, id)?;
        self.compare(&space, &cover)?;
        let mut acts = self.begin_acts()?;
        self.sign_as_officer(&mut acts, &cover)?;
        self.commit_acts(acts, Vec::new())?;
        Ok(())
    }

    /// The covers of this unit, newest first.
    pub fn covers(&self) -> Result<Vec<CoverLine>, DeviceError> {
        let mut lines = Vec::new();
        for kind in COVERED_SPACES {
            let space = self.space(kind)?;
            if self.membership()?.may_read(self.id(), &space).is_err() {
                continue;
            }
            let standings = self.membership()?.covers(&space.id());
            for standing in &standings {
                lines.push(self.cover_line(&space, &standings, standing)?);
            }
        }
        lines.in_order_by(|a, b| (b.made_ms, b.id).cmp(&(a.made_ms, a.id)));
        Ok(lines)
    }

    /// Covers that wait for this officer's signature; none on the phone of anybody else.
    pub(super) fn covers_waiting(&self) -> Result<usize, DeviceError> {
        if !self.is_officer()? {
            return Ok(0);
        }
        let membership = self.membership()?;
        let own = membership
            .standing(self.id())
            .and_then(|standing| standing.member);
        let mut waiting = 0;
        for kind in COVERED_SPACES {
            let space = self.space(kind)?.id();
            let standings = membership.covers(&space);
            let furthest = membership.covered(&space).feeds;
            let mine = |standing: &&CoverStanding<'_>| {
                matches!(
                    state_of(membership, standing, &furthest),
                    CoverState::Open | CoverState::Void
                ) && !own.is_some_and(|own| standing.signers.contains(&own))
            };
            waiting += standings.iter().filter(mine).count();
        }
        Ok(waiting)
    }

    fn cover_line(
        &self,
        space: &Space,
        standings: &[CoverStanding<'_>],
        standing: &CoverStanding<'_>,
    ) -> Result<CoverLine, DeviceError> {
        let (id, membership, store) = (space.id(), self.membership()?, self.replica.store());
        let cover = standing.cover;
        let prior = places_of(&by_id(standings), &cover.previous).unwrap_or_default();
        let (mut covers, mut held, mut missing) = (0, Weight::default(), 0);
        for (device, feed) in &cover.feeds {
            let tip = store.tip(&id, *device)?.map_or(0, |tip| tip.seq);
            missing += u64::from(tip < feed.place.seq);
            let from = prior.get(device).map_or(1, |prior| prior.place.seq);
            let before = prior.get(device).map_or(0, |prior| prior.dropped());
            covers += feed.dropped() - before.min(feed.dropped());
            for seq in (from..feed.place.seq.min(tip)).filter(|seq| feed.drops(*seq)) {
                if let Some(stored) = store.at(&id, *device, seq)? {
                    held.add(stored.bytes.len());
                }
            }
        }
        for copy in &cover.copies {
            missing += u64::from(store.envelope(*copy)?.is_none());
        }
        let by = |device: &DeviceId| {
            let member = membership.standing(*device).and_then(|standing| standing.member);
            CoverSigner {
                device: *device,
                name: member
                    .and_then(|member| self.people.member(member))
                    .map(str::to_owned),
                counts: member.is_some_and(|member| standing.signers.contains(&member)),
            }
        };
        let own = membership
            .standing(self.id())
            .and_then(|standing| standing.member);
        Ok(CoverLine {
            id: standing.id,
            space: space.kind,
            made_ms: cover.made_ms,
            by: standing.signed_by.iter().map(by).collect(),
            state: state_of(membership, standing, &membership.covered(&id).feeds),
            feeds: cover.feeds.len(),
            copies: cover.copies.len(),
            covers,
            held,
            missing,
            yours: self.is_officer()? && !own.is_some_and(|own| standing.signers.contains(&own)),
        })
    }

    fn is_officer(&self) -> Result<bool, DeviceError> {
        let membership = self.membership()?;
        let officer = |rank: u8| (rank::SECRETARY..=rank::DEPUTY).contains(&rank);
        Ok(membership.may_be_served(self.id()).is_ok()
            && membership
                .standing(self.id())
                .is_some_and(|standing| standing.member.is_some() && officer(standing.rank)))
    }

    /// The space of a kind, if this officer may cover it.
    fn coverable(&self, kind: SpaceKind) -> Result<Space, CoverError> {
        if !COVERED_SPACES.contains(&kind) {
            return Err(CoverError::Space);
        }
        if !self.is_officer()? {
            return Err(CoverError::NoOfficer);
        }
        Ok(self.space(kind)?)
    }

    fn find_cover(&self, id: CoverId) -> Result<Space, CoverError> {
        for kind in COVERED_SPACES {
            let space = self.space(kind)?;
            let on_record = self.membership()?.covers(&space.id());
            if on_record.iter().any(|standing| standing.id == id) {
                return Ok(space);
            }
        }
        Err(CoverError::Unknown)
    }

    /// A cover, if this officer's signature is one that it lacks and all it stands on counts.
    fn signable(&self, space: &Space, id: CoverId) -> Result<Cover, CoverError> {
        let membership = self.membership()?;
        let standings = membership.covers(&space.id());
        let known = by_id(&standings);
        let standing = known.get(&id).ok_or(CoverError::Unknown)?;
        let own = membership
            .standing(self.id())
            .and_then(|standing| standing.member);
        if own.is_some_and(|own| standing.signers.contains(&own)) {
            return Err(CoverError::SignedAlready);
        }
        let counts = |id: &&CoverId| known.get(id).is_some_and(|standing| standing.counts);
        match standing.cover.previous.iter().find(|id| !counts(id)) {
            Some(beneath) => Err(CoverError::Beneath(*beneath)),
            None => Ok(standing.cover.clone()),
        }
    }

    /// Puts this phone's signature under a cover; it has to make this officer one of its signers.
    fn sign_as_officer(&self, acts: &mut super::acts::Acts, cover: &Cover) -> Result<(), CoverError> {
        let own = std::sync::Arc::clone(&self.keys);
        self.act(acts, &own, &Record::Cover(cover.clone()), &[])?;
        let member = self.home()?.member;
        let signed = acts.membership.covers(&cover.space);
        let signed = signed.iter().find(|standing| standing.id == cover.id());
        if signed.is_some_and(|standing| standing.signers.contains(&member)) {
            Ok(())
        } else {
            Err(CoverError::NoOfficer)
        }
    }

    fn stored_at(&self, space: &Space, device: DeviceId, seq: u64) -> Result<Option<Stored>, DeviceError> {
        Ok(self.replica.store().at(&space.id(), device, seq)?)
    }
}

#[cfg(test)]
mod tests;
