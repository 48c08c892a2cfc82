//! Which grants hold, and up to where: the evaluation of ranked grants (P5.9–P5.12), kept up to date record by record.
//!
//! Every grant is judged in two steps, and each step looks only at steps that come before it in the order
//! (rank, step): step 0 decides whether its issuer could give it and which revocations from strictly higher ranks
//! count; step 1 adds revocations by another device of the same member, themselves judged by step 0. So there are no
//! cycles, and a change is carried on by re-judging the touched steps in ascending order, each at most once.

use std::collections::{BTreeMap, BTreeSet};

use sotay_feed::limits::SEQ_MAX;
use sotay_feed::{DeviceId, DevicePublic, DocId, EnvelopeId, MemberId, SpaceTag};

use crate::cut::Cuts;
use crate::grant::rank;
use crate::{Authority, Flags, Grant, Revoke};

/// Where a record stands in the roll: its device, number and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) device: DeviceId,
    pub(crate) seq: u64,
    pub(crate) id: EnvelopeId,
}

/// Where a right comes from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// The genesis names the device.
    Seat(Authority),
    /// The genesis names keys of a root; this stands for them (see [`crate::RootId`]).
    Root(DeviceId),
    /// A grant does, issued at this place.
    Grant(Place, Grant),
}

/// One right of one device, and what became of it.
#[derive(Debug, Clone)]
pub(crate) struct Right {
    pub(crate) source: Source,
    /// The issuer could give it.
    pub(crate) issued: bool,
    /// Cut-offs from strictly higher ranks.
    high: Cuts,
    /// All cut-offs.
    pub(crate) cuts: Cuts,
}

impl Right {
    pub(crate) fn rank(&self) -> u8 {
        match &self.source {
            Source::Root(_) => rank::ROOT,
            Source::Seat(authority) => authority.rank,
            Source::Grant(_, grant) => grant.rank,
        }
    }

    pub(crate) fn flags(&self) -> Flags {
        match &self.source {
            Source::Root(_) | Source::Seat(_) => Flags::default(),
            Source::Grant(_, grant) => grant.flags,
        }
    }

    /// The one thing a guest may be let into.
    pub(crate) fn scope(&self) -> Option<DocId> {
        match &self.source {
            Source::Root(_) | Source::Seat(_) => None,
            Source::Grant(_, grant) => grant.scope,
        }
    }

    /// An authority is a device, not a person of this unit.
    pub(crate) fn member(&self) -> Option<MemberId> {
        match &self.source {
            Source::Root(_) | Source::Seat(_) => None,
            Source::Grant(_, grant) => Some(grant.member),
        }
    }

    /// The keys of its device; the root has none.
    pub(crate) fn keys(&self) -> Option<&DevicePublic> {
        match &self.source {
            Source::Root(_) => None,
            Source::Seat(authority) => Some(&authority.keys),
            Source::Grant(_, grant) => Some(&grant.keys),
        }
    }

    /// Whose right it is.
    pub(crate) fn device(&self) -> DeviceId {
        match &self.source {
            Source::Root(seat) => *seat,
            Source::Seat(authority) => authority.keys.sign.device_id(),
            Source::Grant(_, grant) => grant.device(),
        }
    }

    /// Given by someone who could, and not revoked.
    pub(crate) fn active(&self) -> bool {
        self.issued && !self.cuts.revoked()
    }
}

/// (rank, step, right): the order of judging.
type Step = (u8, u8, EnvelopeId);

const ISSUE: u8 = 0;
const OWN: u8 = 1;

#[derive(Debug, Clone)]
pub(crate) struct Judge {
    roll: SpaceTag,
    rights: BTreeMap<EnvelopeId, Right>,
    rights_of: BTreeMap<DeviceId, BTreeSet<EnvelopeId>>,
    issued_by: BTreeMap<DeviceId, BTreeSet<EnvelopeId>>,
    revokes: BTreeMap<EnvelopeId, (Place, Revoke)>,
    revokes_of: BTreeMap<EnvelopeId, BTreeSet<EnvelopeId>>,
    revokes_by: BTreeMap<DeviceId, BTreeSet<EnvelopeId>>,
    /// First number at which a device's history parted, per space.
    forks: BTreeMap<(SpaceTag, DeviceId), u64>,
    /// Counts changes of the outcome.
    revision: u64,
}

impl Judge {
    pub(crate) fn new(roll: SpaceTag) -> Self {
        Self {
            roll,
            rights: BTreeMap::new(),
            rights_of: BTreeMap::new(),
            issued_by: BTreeMap::new(),
            revokes: BTreeMap::new(),
            revokes_of: BTreeMap::new(),
            revokes_by: BTreeMap::new(),
            forks: BTreeMap::new(),
            revision: 0,
        }
    }

    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Counts a change outside the rights that still changes what a device may do.
    pub(crate) fn touch_revision(&mut self) {
        self.revision += 1;
    }

    /// All rights by id, whatever became of them.
    pub(crate) fn rights(&self) -> impl Iterator<Item = (&EnvelopeId, &Right)> {
        self.rights.iter()
    }

    /// The rights of a device, by id.
    pub(crate) fn rights_of(&self, device: DeviceId) -> impl Iterator<Item = &Right> {
        let ids = self.rights_of.get(&device);
        ids.into_iter().flatten().map(|id| &self.rights[id])
    }

    /// Devices that any right names.
    pub(crate) fn devices(&self) -> impl Iterator<Item = DeviceId> + '_ {
        self.rights_of.keys().copied()
    }

    /// First number at which the device's history in a space parted.
    pub(crate) fn fork(&self, space: SpaceTag, device: DeviceId) -> Option<u64> {
        self.forks.get(&(space, device)).copied()
    }

    /// Whether anything is known to have parted.
    pub(crate) fn has_forks(&self) -> bool {
        !self.forks.is_empty()
    }

    /// Devices whose history in a space parted, and where.
    pub(crate) fn forks_in(&self, space: SpaceTag) -> impl Iterator<Item = (DeviceId, u64)> + '_ {
        let from = (space, DeviceId::ZERO);
        let of_space = self
            .forks
            .range(from..)
            .take_while(move |((tag, _), _)| *tag == space);
        of_space.map(|(&(_, device), &seq)| (device, seq))
    }

    /// Whether the device forked anywhere in the unit.
    pub(crate) fn forked(&self, device: DeviceId) -> bool {
        self.forks.keys().any(|&(_, forked)| forked == device)
    }

    /// Whether a right covers a place of its device's feed in a space.
    pub(crate) fn covers(
        &self,
        right: &Right,
        space: SpaceTag,
        device: DeviceId,
        seq: u64,
        id: Option<EnvelopeId>,
    ) -> bool {
        // The root acts at places that no feed reaches, and nobody else does.
        let of_root = matches!(right.source, Source::Root(_));
        right.issued
            && of_root == (seq > SEQ_MAX)
            && right.cuts.accept(space, seq, id)
            && self.fork(space, device).is_none_or(|fork| seq < fork)
    }

    /// The rights a device held at a place of the roll.
    pub(crate) fn held<'a>(&'a self, place: &'a Place) -> impl Iterator<Item = &'a Right> + 'a {
        self.rights_of(place.device)
            .filter(move |right| self.covers(right, self.roll, place.device, place.seq, Some(place.id)))
    }

    /// The highest rank a device held at a place of the roll, if it is one that decides about others (≤ 3).
    pub(crate) fn officer(&self, place: &Place) -> Option<u8> {
        let best = self.held(place).map(Right::rank).min()?;
        (best <= rank::DEPUTY).then_some(best)
    }

    pub(crate) fn add_right(&mut self, id: EnvelopeId, source: Source) {
        let right = Right {
            source,
            issued: false,
            high: Cuts::default(),
            cuts: Cuts::default(),
        };
        if let Source::Grant(place, _) = &right.source {
            self.issued_by.entry(place.device).or_default().insert(id);
        }
        let (rank, device) = (right.rank(), right.device());
        self.rights_of.entry(device).or_default().insert(id);
        self.rights.insert(id, right);
        self.settle(BTreeSet::from([(rank, ISSUE, id)]));
    }

    pub(crate) fn add_revoke(&mut self, place: Place, revoke: Revoke) {
        let target = revoke.grant;
        self.revokes_of.entry(target).or_default().insert(place.id);
        self.revokes_by.entry(place.device).or_default().insert(place.id);
        self.revokes.insert(place.id, (place, revoke));
        if let Some(right) = self.rights.get(&target) {
            let rank = right.rank();
            self.settle(BTreeSet::from([(rank, ISSUE, target), (rank, OWN, target)]));
        }
    }

    /// Two histories part at `seq`: nothing of the device counts from there on in that space.
    pub(crate) fn add_fork(&mut self, space: SpaceTag, device: DeviceId, seq: u64) {
        if self.fork(space, device).is_some_and(|known| known <= seq) {
            return;
        }
        self.forks.insert((space, device), seq);
        self.revision += 1;
        if space == self.roll {
            let mut steps = BTreeSet::new();
            self.written_by(device, (0, ISSUE), &mut steps);
            self.settle(steps);
        }
    }

    /// Judges the given steps and whatever follows from a changed outcome.
    fn settle(&mut self, mut steps: BTreeSet<Step>) {
        while let Some((rank, step, id)) = steps.pop_first() {
            let right = &self.rights[&id];
            let device = right.device();
            let (issued, high, cuts) = match step {
                ISSUE => {
                    let (issued, high) = self.judge_issue(id, right);
                    (issued, high, right.cuts.clone())
                }
                _ => (right.issued, right.high.clone(), self.judge_own(id, right)),
            };
            if (issued, &high, &cuts) == (right.issued, &right.high, &right.cuts) {
                continue;
            }
            let right = self.rights.get_mut(&id).expect("looked up above");
            (right.issued, right.high, right.cuts) = (issued, high, cuts);
            self.revision += 1;
            if step == ISSUE {
                steps.insert((rank, OWN, id));
            }
            self.written_by(device, (rank, step), &mut steps);
        }
    }

    /// The steps after `after` that look at places of this device's feed.
    fn written_by(&self, device: DeviceId, after: (u8, u8), steps: &mut BTreeSet<Step>) {
        let targets = self.revokes_by.get(&device).into_iter().flatten();
        let targets = targets.map(|revoke| self.revokes[revoke].1.grant);
        let grants = self.issued_by.get(&device).into_iter().flatten().copied();
        for id in targets.chain(grants) {
            if let Some(right) = self.rights.get(&id) {
                let later = [ISSUE, OWN].map(|step| (right.rank(), step, id));
                steps.extend(later.into_iter().filter(|&(rank, step, _)| (rank, step) > after));
            }
        }
    }

    /// P5.9, P5.10: judged by strictly higher ranks.
    fn judge_issue(&self, id: EnvelopeId, right: &Right) -> (bool, Cuts) {
        let above = |place: &Place| self.officer(place).is_some_and(|rank| rank < right.rank());
        let issued = match &right.source {
            Source::Root(_) | Source::Seat(_) => true,
            Source::Grant(place, _) => above(place),
        };
        let mut high = Cuts::default();
        if issued {
            for (place, revoke) in self.revokes_of(id) {
                if above(place) {
                    high.meet(revoke);
                }
            }
        }
        (issued, high)
    }

    /// P5.11: the same, and what the member's other devices revoked.
    fn judge_own(&self, id: EnvelopeId, right: &Right) -> Cuts {
        let mut cuts = right.high.clone();
        if right.issued
            && let Some(member) = right.member()
        {
            for (place, revoke) in self.revokes_of(id) {
                if self.is_own(id, member, right.rank(), place) {
                    cuts.meet(revoke);
                }
            }
        }
        cuts
    }

    /// Whether a place belongs to a device that holds another right of the member, of at least that rank. Only
    /// cut-offs from above count here, so two devices that revoke each other are both revoked.
    fn is_own(&self, id: EnvelopeId, member: MemberId, rank: u8, place: &Place) -> bool {
        let unforked = self
            .fork(self.roll, place.device)
            .is_none_or(|fork| place.seq < fork);
        let ids = self.rights_of.get(&place.device);
        unforked
            && ids.into_iter().flatten().any(|other| {
                let right = &self.rights[other];
                *other != id
                    && right.issued
                    && right.member() == Some(member)
                    && right.rank() <= rank
                    && right.high.accept(self.roll, place.seq, Some(place.id))
            })
    }

    /// All revocations on record, and whether each counts against its grant.
    pub(crate) fn revokes(&self) -> impl Iterator<Item = (&Place, &Revoke, bool)> {
        self.revokes.values().map(|(place, revoke)| {
            let counts = self.rights.get(&revoke.grant).is_some_and(|right| {
                let own = |member| self.is_own(revoke.grant, member, right.rank(), place);
                right.issued
                    && (self.officer(place).is_some_and(|rank| rank < right.rank())
                        || right.member().is_some_and(own))
            });
            (place, revoke, counts)
        })
    }

    fn revokes_of(&self, id: EnvelopeId) -> impl Iterator<Item = &(Place, Revoke)> {
        let ids = self.revokes_of.get(&id);
        ids.into_iter().flatten().map(|revoke| &self.revokes[revoke])
    }
}
