//! A store together with the memberships that its rolls give: what a relay, a phone and the simulator have alike.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sotay_feed::{
    DeviceId, DeviceKeys, Envelope, IntoTree, Kind, Space, SpaceId, SpaceKind, SpaceTag, UnitId,
};
use sotay_membership::{Membership, RootId};
use sotay_store::{Batch, Bucket, Budget, ForkEvidence, News, Put, Store, StoreError};

use crate::cover::HolesKnown;
use crate::fault::RefuseReason;
use crate::message::{Role, decode_space, encode_space};
use crate::quarantine::{QuarantineKey, RefusedBy, quarantined};

/// Which units a relay takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Policy {
    /// Any unit whose genesis it is given.
    Any,
    /// Any but these.
    AllBut(BTreeSet<UnitId>),
    /// These only.
    Units(BTreeSet<UnitId>),
    /// These, and every unit under one of these roots (P5.19) that is not blocked.
    Roots {
        /// The roots.
        roots: BTreeSet<RootId>,
        /// Units that are served whatever stands above them.
        units: BTreeSet<UnitId>,
        /// Units that are not served, though they may be under a root.
        blocked: BTreeSet<UnitId>,
    },
}

impl Policy {
    /// Whether a unit is served without a look at what stands above it.
    pub fn serves(&self, unit: &UnitId) -> bool {
        match self {
            Self::Any => true,
            Self::AllBut(units) => !units.contains(unit),
            Self::Units(units) | Self::Roots { units, .. } => units.contains(unit),
        }
    }

    /// The roots under which a unit would be served.
    pub(crate) fn roots(&self, unit: &UnitId) -> Option<&BTreeSet<RootId>> {
        match self {
            Self::Roots { roots, blocked, .. } => Some(roots).filter(|_| !blocked.contains(unit)),
            _ => None,
        }
    }
}

/// What a [`Gate`] is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Offered<'a> {
    /// The space.
    pub space: &'a Space,
    /// The envelope: verified, authorised and next in its feed.
    pub envelope: &'a Envelope,
    /// The device at the other end of the session, which need not be the author.
    pub from: DeviceId,
    /// Bytes of all envelopes of the space, those before this one in the same batch included.
    pub held_bytes: u64,
    /// Milliseconds since 1970.
    pub now: i64,
}

/// A relay's quotas. Asked once for each envelope that would be stored, before the commit.
pub trait Gate: Send {
    /// `Err` holds the seconds after which the same envelope would pass.
    fn allow(&mut self, offered: &Offered<'_>) -> Result<(), u32>;
}

/// Store, spaces and memberships of one relay shard or one device.
pub struct Replica<S> {
    pub(crate) store: S,
    pub(crate) role: Role,
    pub(crate) policy: Policy,
    pub(crate) spaces: BTreeMap<SpaceTag, Space>,
    pub(crate) units: BTreeMap<UnitId, Membership>,
    pub(crate) holes: HolesKnown,
    pub(crate) quarantine: BTreeMap<QuarantineKey, RefuseReason>,
    pub(crate) gate: Option<Box<dyn Gate>>,
    signer: Option<Arc<DeviceKeys>>,
    /// What is kept in memory must be read from the store before it is used.
    stale: bool,
}

impl<S> std::fmt::Debug for Replica<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            store: _,
            role,
            policy: _,
            spaces,
            units,
            holes: _,
            quarantine,
            gate: _,
            signer: _,
            stale: _,
        } = self;
        let (spaces, units, refused) = (spaces.len(), units.len(), quarantine.len());
        write!(
            f,
            "Replica({role:?}, {spaces} spaces, {units} units, {refused} quarantined)"
        )
    }
}

impl<S: Store> Replica<S> {
    /// Reads the space definitions. A device rebuilds every membership at once; a relay, which may hold hundreds of
    /// units, rebuilds one when it is first asked for.
    pub fn open(store: S, role: Role, policy: Policy) -> Result<Self, StoreError> {
        let mut replica = Self {
            store,
            role,
            policy,
            spaces: BTreeMap::new(),
            units: BTreeMap::new(),
            holes: HolesKnown::default(),
            quarantine: BTreeMap::new(),
            gate: None,
            signer: None,
            stale: true,
        };
        replica.refresh()?;
        Ok(replica)
    }

    /// Reads what is kept in memory, if the store has forgotten some of what it was made from, or at the beginning.
    fn refresh(&mut self) -> Result<(), StoreError> {
        if !self.stale {
            return Ok(());
        }
        self.units.clear();
        self.holes.forget();
        self.spaces.clear();
        self.read_spaces()?;
        self.quarantine.clear();
        if self.role == Role::Device {
            let records = quarantined(&self.store)?;
            self.quarantine = records
                .iter()
                .map(|record| (record.key(), record.reason))
                .into_map();
            for unit in self.known_units() {
                self.load_known(unit)?;
            }
        }
        self.stale = false;
        Ok(())
    }

    /// Takes note of what other processes wrote into a database that several share, see [`Store::news`]. To be called when
    /// nothing is staged. Returns the spaces that gained something, each with the arrival number up to which it was known
    /// here, and the news itself.
    pub fn note_news(&mut self) -> Result<(BTreeMap<Space, u64>, News), StoreError> {
        let news = self.store.news()?;
        if news.is_empty() {
            return Ok((BTreeMap::new(), news));
        }
        if news.anything {
            self.mark_stale();
        }
        self.take_in(&news).inspect_err(|_| self.mark_stale())?;
        let grown = news
            .spaces
            .iter()
            .filter_map(|(id, after)| Some((self.space(id)?, *after)));
        Ok((grown.collect(), news))
    }

    fn take_in(&mut self, news: &News) -> Result<(), StoreError> {
        self.refresh()?;
        let unknown = |id: &&SpaceId| !self.spaces.contains_key(&id.tag());
        if news.records.contains(&Bucket::Space) || news.spaces.keys().any(|id| unknown(&id)) {
            self.read_spaces()?;
        }
        for id in news.spaces.keys().chain(&news.forked) {
            // A fork in any space of a unit ends the device in the whole unit.
            let counts = |space: &Space| space.kind == SpaceKind::Roll || news.forked.contains(id);
            if let Some(space) = self.space(id).filter(counts) {
                self.units.remove(&space.unit);
                self.holes.forget();
            }
        }
        Ok(())
    }

    fn read_spaces(&mut self) -> Result<(), StoreError> {
        for (_, value) in self.store.list(Bucket::Space, &[])? {
            let space = decode_space(&value).map_err(|_| corrupt("a space definition"))?;
            self.spaces.insert(space.id().tag(), space);
        }
        Ok(())
    }

    /// The store lost what this replica believed stored: everything is read again before it is used again.
    pub(crate) fn mark_stale(&mut self) {
        self.stale = true;
        self.units.clear();
        self.holes.forget();
    }

    /// The store.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// The store, for what is not envelopes. Envelopes go through [`Replica::admit`] and [`Replica::append`], which
    /// keep the memberships in step.
    pub fn store_mut(&mut self) -> &mut S {
        &mut self.store
    }

    /// Gives the store back.
    pub fn into_store(self) -> S {
        self.store
    }

    /// What this replica is.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Which units are taken.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Replaces the policy. Sessions notice when they next ask.
    pub fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
    }

    /// Installs the quotas.
    pub fn set_gate(&mut self, gate: Box<dyn Gate>) {
        self.gate = Some(gate);
    }

    /// The devices whose forks are known in a space, and where their histories part. Asked with every frame, and answered from
    /// memory.
    pub(crate) fn forks_of(&self, space: &Space) -> BTreeMap<DeviceId, u64> {
        let membership = self.units.get(&space.unit);
        match membership.filter(|membership| membership.has_forks()) {
            Some(membership) => membership.forked_in(space.id().tag()).collect(),
            None => BTreeMap::new(),
        }
    }

    /// What can be proven of a space. Nearly always nothing, which costs a look into memory.
    pub(crate) fn provable(&self, space: &Space) -> Result<Vec<ForkEvidence>, StoreError> {
        if self.forks_of(space).is_empty() {
            return Ok(Vec::new());
        }
        let mut forks = self.store.forks()?;
        forks.retain(|fork| fork.space == space.id());
        Ok(forks)
    }

    /// A relay signs what it acknowledges as whole (P9.13), with the keys that its carrier proves.
    pub fn set_signer(&mut self, keys: Arc<DeviceKeys>) {
        self.signer = Some(keys);
    }

    pub(crate) fn signer(&self) -> Option<&DeviceKeys> {
        self.signer.as_deref()
    }

    /// Remembers the definition of a space; twice changes nothing.
    pub fn know_space(&mut self, space: Space) -> Result<(), StoreError> {
        self.know_spaces(&[space])
    }

    pub(crate) fn know_spaces(&mut self, spaces: &[Space]) -> Result<(), StoreError> {
        self.refresh()?;
        let new: Vec<Space> = spaces
            .iter()
            .filter(|space| !self.knows(space))
            .copied()
            .collect();
        if !new.is_empty() {
            self.store.commit(Batch {
                envelopes: Vec::new(),
                puts: new.iter().map(space_put).collect(),
                ..Batch::default()
            })?;
            for space in new {
                self.spaces.insert(space.id().tag(), space);
            }
        }
        Ok(())
    }

    pub(crate) fn knows(&self, space: &Space) -> bool {
        self.spaces.contains_key(&space.id().tag())
    }

    /// A known space by its id.
    pub fn space(&self, id: &SpaceId) -> Option<Space> {
        self.by_tag(&id.tag()).filter(|space| space.id() == *id)
    }

    /// A known space by its tag.
    pub fn by_tag(&self, tag: &SpaceTag) -> Option<Space> {
        self.spaces.get(tag).copied()
    }

    /// All known spaces, by unit and in sync order.
    pub fn spaces(&self) -> Vec<Space> {
        self.spaces
            .values()
            .copied()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    }

    /// Units of which a roll is known, by id.
    pub fn known_units(&self) -> Vec<UnitId> {
        let rolls = self.spaces.values().filter(|space| space.kind == SpaceKind::Roll);
        rolls
            .map(|space| space.unit)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    }

    /// A unit's membership: on a device of every unit whose genesis is here; on a relay of those that were asked for
    /// since it started, see [`Replica::load_unit`].
    pub fn membership(&self, unit: UnitId) -> Option<&Membership> {
        self.units.get(&unit)
    }

    /// Rebuilds a unit's membership from its roll, unless that was done. `false` when its genesis is not here.
    pub fn load_unit(&mut self, unit: UnitId) -> Result<bool, StoreError> {
        self.refresh()?;
        self.load_known(unit)
    }

    /// Forgets a unit's membership until it is asked for again: for a relay that looked at it once.
    pub fn unload_unit(&mut self, unit: UnitId) {
        if self.role == Role::Relay {
            self.units.remove(&unit);
            self.holes.forget();
        }
    }

    fn load_known(&mut self, unit: UnitId) -> Result<bool, StoreError> {
        if self.units.contains_key(&unit) {
            return Ok(true);
        }
        let roll = Space::of(unit, SpaceKind::Roll);
        if !self.knows(&roll) && !self.came_meanwhile(&roll)? {
            return Ok(false);
        }
        let Some(mut membership) = self.replay(&roll)? else {
            return Ok(false);
        };
        for fork in self.store.forks()? {
            if self.space(&fork.space).is_some_and(|space| space.unit == unit) {
                membership.note_fork(fork.space.tag(), fork.device, fork.seq);
            }
        }
        self.units.insert(unit, membership);
        Ok(true)
    }

    /// Another process may have been given a space, and its word of it be on the way.
    fn came_meanwhile(&mut self, space: &Space) -> Result<bool, StoreError> {
        let came = self.store.is_shared() && self.store.get(Bucket::Space, space.id().as_bytes())?.is_some();
        if came {
            self.spaces.insert(space.id().tag(), *space);
        }
        Ok(came)
    }

    fn replay(&self, roll: &Space) -> Result<Option<Membership>, StoreError> {
        const PAGE: Budget = Budget {
            count: 1024,
            bytes: 1024 * 1024,
        };
        let (id, mut after) = (roll.id(), 0);
        let mut membership = Membership::new(roll.unit);
        loop {
            let page = self.store.since(&id, after, PAGE)?;
            for stored in &page.envelopes {
                let envelope =
                    Envelope::decode(&stored.bytes).map_err(|_| corrupt("an envelope of a roll"))?;
                let key = if stored.kind == Kind::GENESIS {
                    Membership::founding_key(&envelope, &id).ok().map(|(_, key)| key)
                } else {
                    membership.signing_key(stored.device)
                };
                let verified = key.and_then(|key| envelope.verify(&id, &key).ok());
                let verified = verified.ok_or_else(|| corrupt("the signature of a roll record"))?;
                membership
                    .insert(&verified)
                    .map_err(|_| corrupt("a roll record"))?;
            }
            if !page.more {
                return Ok((page.upto > 0).then_some(membership));
            }
            after = page.upto;
        }
    }

    /// Devices of which an envelope of a space was refused here for good.
    pub(crate) fn given_up_feeds(&self, tag: SpaceTag) -> BTreeSet<DeviceId> {
        let from = crate::quarantine::key(RefusedBy::Us, tag, DeviceId::ZERO, 0);
        let in_space = self
            .quarantine
            .range(from..)
            .take_while(|(key, _)| key[..17] == from[..17]);
        in_space
            .filter(|(_, reason)| reason.is_final())
            .filter_map(|(key, _)| DeviceId::from_slice(&key[17..25]))
            .collect()
    }
}

pub(crate) fn space_put(space: &Space) -> Put {
    Put {
        bucket: Bucket::Space,
        key: space.id().as_bytes().to_vec(),
        value: Some(encode_space(space)),
    }
}

fn corrupt(what: &str) -> StoreError {
    StoreError::Corrupt(what.into())
}
