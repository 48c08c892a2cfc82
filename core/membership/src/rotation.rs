//! Which epochs of a space count, and under which one to write (P6.2, P6.3).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sotay_feed::{BoxKey, DeviceId, EnvelopeId, EpochId, Space, SpaceId, SpaceKind};

use crate::EpochRecord;
use crate::grant::rank;
use crate::judge::{Place, Source};
use crate::membership::Membership;

/// The spaces of a unit that have epochs and belong to no single member.
const SHARED: [SpaceKind; 5] = [
    SpaceKind::Main,
    SpaceKind::Committee,
    SpaceKind::Inbox,
    SpaceKind::Report,
    SpaceKind::Broadcast,
];

/// All epoch records of a unit, by space and place. Shared, because a membership is cloned before records are tried on
/// it, and boxes are most of its bytes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Epochs(BTreeMap<SpaceId, BTreeMap<EnvelopeId, (Place, Arc<EpochRecord>)>>);

impl Epochs {
    pub(crate) fn add(&mut self, place: Place, record: EpochRecord) {
        let records = self.0.entry(record.space).or_default();
        records.insert(place.id, (place, Arc::new(record)));
    }

    fn of(&self, space: &SpaceId) -> impl Iterator<Item = (&EnvelopeId, &(Place, Arc<EpochRecord>))> {
        self.0.get(space).into_iter().flatten()
    }
}

impl Membership {
    /// The space of this unit with this id: a shared one, or the private one of a member on record.
    pub fn space(&self, id: &SpaceId) -> Option<Space> {
        let unit = self.unit();
        let all = SpaceKind::ALL
            .into_iter()
            .filter(|&kind| kind != SpaceKind::Private)
            .map(|kind| Space::of(unit, kind));
        let members: BTreeSet<_> = self
            .judge()
            .rights()
            .filter_map(|(_, right)| right.member())
            .collect();
        let private = members.into_iter().map(|member| Space::private(unit, member));
        all.chain(private).find(|space| space.id() == *id)
    }

    /// Whether the writer of an epoch record could make one for its space: an officer for a shared space, the
    /// member's own devices for a private one.
    fn may_rotate(&self, place: &Place, space: &SpaceId) -> bool {
        let unit = self.unit();
        if SHARED.iter().any(|&kind| Space::of(unit, kind).id() == *space) {
            return self.judge().officer(place).is_some();
        }
        self.judge().held(place).any(|right| {
            right.rank() <= rank::MEMBER
                && right
                    .member()
                    .is_some_and(|member| Space::private(unit, member).id() == *space)
        })
    }

    fn valid_epochs(&self, space: &SpaceId) -> impl Iterator<Item = &EpochRecord> {
        self.epochs
            .of(space)
            .filter(|(_, (place, record))| self.may_rotate(place, &record.space))
            .map(|(_, (_, record))| &**record)
    }

    /// The valid epochs of a space, by envelope id. One epoch may have several records: the same key boxed to more
    /// devices.
    pub fn epochs(&self, space: &SpaceId) -> Vec<&EpochRecord> {
        self.valid_epochs(space).collect()
    }

    /// Every epoch record of a space with its writer and whether it counts. A void one must not be written under, but
    /// what others wrote under it before they knew can still be read.
    pub fn epoch_records(
        &self,
        space: &SpaceId,
    ) -> impl Iterator<Item = (EnvelopeId, DeviceId, &EpochRecord, bool)> {
        self.epochs.of(space).map(|(id, (place, record))| {
            (
                *id,
                place.device,
                &**record,
                self.may_rotate(place, &record.space),
            )
        })
    }

    /// The epoch to write under: of those whose every recipient may read the space now, the one with the greatest
    /// causal depth, then the lowest id. `None` when there is no such epoch: an officer must rotate.
    pub fn writing_epoch(&self, space: &SpaceId) -> Option<EpochId> {
        let known = self.space(space)?;
        self.deepest(space, |recipients| {
            recipients
                .iter()
                .all(|&device| self.may_read(device, &known).is_ok())
        })
    }

    /// The epoch of greatest depth, clean or not: what [`Membership::writing_epoch`] would be had nobody been removed.
    pub fn newest_epoch(&self, space: &SpaceId) -> Option<EpochId> {
        self.deepest(space, |_| true)
    }

    /// What a new epoch names as its predecessors, so that it is deeper than all: the valid epochs that no other one
    /// builds on, unless both claim to build on each other.
    pub fn epoch_heads(&self, space: &SpaceId) -> BTreeSet<EpochId> {
        let graph = self.epoch_graph(space);
        let before: BTreeMap<_, _> = graph.keys().map(|&id| (id, ancestors(id, &graph))).collect();
        let is_head = |id: &EpochId| {
            before
                .iter()
                .all(|(other, known)| !known.contains(id) || before[id].contains(other))
        };
        let heads = graph.keys().copied().filter(is_head);
        heads.take(crate::limits::EPOCH_PREVIOUS_MAX).collect()
    }

    /// Readers that may lack the key of a valid epoch, by epoch: admitted by an officer who perhaps did not know it, or
    /// set aside when it was made. Whoever holds the key boxes it to them in another record of the same epoch.
    ///
    /// An epoch older than one that the granting officer is known to have held is none of these: that officer chose
    /// what to hand over.
    pub fn lacking(&self, space: &Space) -> Vec<(EpochId, Vec<(DeviceId, BoxKey)>)> {
        let id = space.id();
        let graph = self.epoch_graph(&id);
        let records: Vec<&(Place, Arc<EpochRecord>)> =
            self.epochs.of(&id).map(|(_, record)| record).collect();
        let readers = self.readers(space);
        let mut handed: BTreeMap<DeviceId, BTreeSet<EpochId>> = BTreeMap::new();
        for &(device, _) in &readers {
            let mut known = BTreeSet::new();
            for right in self.judge().rights_of(device).filter(|right| right.active()) {
                if let Source::Grant(issued, _) = &right.source {
                    self.known_at(issued, &records, &mut BTreeSet::new(), &mut known);
                }
            }
            let before: Vec<EpochId> = known
                .iter()
                .copied()
                .filter(|epoch| graph.contains_key(epoch))
                .collect();
            known.extend(before.into_iter().flat_map(|epoch| ancestors(epoch, &graph)));
            handed.insert(device, known);
        }
        let missing = |epoch: EpochId, claims: &Claims| -> Vec<(DeviceId, BoxKey)> {
            let lacks =
                |device: &DeviceId| !claims.recipients.contains(device) && !handed[device].contains(&epoch);
            readers
                .iter()
                .filter(|(device, _)| lacks(device))
                .copied()
                .collect()
        };
        let all = graph
            .iter()
            .map(|(&epoch, claims)| (epoch, missing(epoch, claims)));
        all.filter(|(_, devices)| !devices.is_empty()).collect()
    }

    /// Epochs that a device certainly held at a place of its feed: those it made before, and those that whoever
    /// granted it certainly held at the place of the grant.
    fn known_at(
        &self,
        place: &Place,
        records: &[&(Place, Arc<EpochRecord>)],
        seen: &mut BTreeSet<(DeviceId, u64)>,
        known: &mut BTreeSet<EpochId>,
    ) {
        if !seen.insert((place.device, place.seq)) {
            return;
        }
        for (made, record) in records.iter().map(|record| (&record.0, &record.1)) {
            if made.device == place.device && made.seq < place.seq {
                known.insert(record.epoch());
            }
        }
        for right in self.judge().rights_of(place.device).filter(|right| right.issued) {
            if let Source::Grant(issued, _) = &right.source {
                self.known_at(issued, records, seen, known);
            }
        }
    }

    fn deepest(&self, space: &SpaceId, clean: impl Fn(&BTreeSet<DeviceId>) -> bool) -> Option<EpochId> {
        let graph = self.epoch_graph(space);
        let clean = graph.iter().filter(|(_, claims)| clean(&claims.recipients));
        clean
            .map(|(&id, _)| (Reverse(ancestors(id, &graph).len()), id))
            .min()
            .map(|(_, id)| id)
    }

    fn epoch_graph(&self, space: &SpaceId) -> Graph {
        let mut graph = Graph::new();
        for record in self.valid_epochs(space) {
            let claims = graph.entry(record.epoch()).or_default();
            claims.previous.extend(&record.previous);
            claims.recipients.extend(record.boxes.keys());
        }
        graph
    }
}

/// What all records of one epoch say together.
#[derive(Default)]
struct Claims {
    previous: BTreeSet<EpochId>,
    recipients: BTreeSet<DeviceId>,
}

type Graph = BTreeMap<EpochId, Claims>;

/// The known epochs before this one; their number is its depth. Unlike the longest path, a set ends even when
/// dishonest records name each other as predecessors, and invented predecessors add nothing.
fn ancestors(of: EpochId, graph: &Graph) -> BTreeSet<EpochId> {
    let mut before = BTreeSet::new();
    let mut open = vec![of];
    while let Some(epoch) = open.pop() {
        for previous in &graph[&epoch].previous {
            if *previous != of && graph.contains_key(previous) && before.insert(*previous) {
                open.push(*previous);
            }
        }
    }
    before
}
