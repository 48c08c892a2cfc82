//! Which epochs of a space count, and under which one to write (P6.2, P6.3).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sotay_feed::{BoxKey, DeviceId, EnvelopeId, EpochId, IntoTree, Space, SpaceId, SpaceKind};

use crate::EpochRecord;
use crate::access::reads;
use crate::grant::rank;
use crate::judge::{Place, Source};
use crate::limits::EPOCH_PREVIOUS_MAX;
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
            .filter(|kind| !kind.has_subject())
            .map(|kind| Space::of(unit, kind));
        let members: BTreeSet<_> = self
            .judge()
            .rights()
            .filter_map(|(_, right)| right.member())
            .into_set();
        let private = members.into_iter().map(|member| Space::private(unit, member));
        let shown = self.guest_spaces();
        all.chain(private).chain(shown).find(|space| space.id() == *id)
    }

    /// The spaces of all documents that a guest grant on record names.
    fn guest_spaces(&self) -> impl Iterator<Item = Space> {
        let unit = self.unit();
        let scopes = self.guest_scopes(|_| true);
        scopes.into_iter().map(move |doc| Space::guest(unit, doc))
    }

    /// Whether the writer of an epoch record could make one for its space: an officer for a shared space or one that
    /// guests are shown, the member's own devices for a private one.
    fn may_rotate(&self, place: &Place, space: &SpaceId) -> bool {
        let unit = self.unit();
        if SHARED.iter().any(|&kind| Space::of(unit, kind).id() == *space)
            || self.guest_spaces().any(|shown| shown.id() == *space)
        {
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

    /// The epoch to write under: of those that nobody holds who may not read the space now, the one with the greatest
    /// causal depth, then the lowest id. `None` when there is no such epoch: an officer must rotate.
    ///
    /// Who was boxed a key is on record; who was handed it with a grant is not. So an epoch is only trusted to be
    /// without a device that is out when it, or an epoch before it, names the mark of what put the device out (see
    /// [`Membership::epoch_previous`]).
    pub fn writing_epoch(&self, space: &SpaceId) -> Option<EpochId> {
        let known = self.space(space)?;
        let (out, escrow) = (self.out(&known), self.policy().1.escrow);
        self.deepest(space, |claims, before| {
            let reads = |&device: &DeviceId| self.may_hold(device, &known, escrow);
            let answers = |marks: &BTreeSet<EpochId>| {
                let mut all = before.iter().chain([&claims]);
                all.any(|claims| !claims.previous.is_disjoint(marks))
            };
            claims.recipients.iter().all(reads) && out.iter().all(answers)
        })
    }

    /// The epoch of greatest depth, clean or not: what [`Membership::writing_epoch`] would be had nobody been removed.
    pub fn newest_epoch(&self, space: &SpaceId) -> Option<EpochId> {
        self.deepest(space, |_, _| true)
    }

    /// What a new epoch names as its predecessors: the heads, so that it is deeper than all, and marks of whatever puts
    /// devices out that read the space before, as far as no epoch names them yet: so that it is known to be without
    /// them.
    pub fn epoch_previous(&self, space: &SpaceId) -> BTreeSet<EpochId> {
        let graph = self.epoch_graph(space);
        let named = |mark: &EpochId| graph.values().any(|claims| claims.previous.contains(mark));
        let out = self
            .space(space)
            .map(|known| self.out(&known))
            .unwrap_or_default();
        let open = out.iter().filter(|marks| !marks.iter().any(named));
        // One mark of each is enough.
        let marks = open
            .filter_map(|marks| marks.first().copied())
            .take(EPOCH_PREVIOUS_MAX / 2);
        let mut previous: BTreeSet<EpochId> = marks.into_set();
        let room = EPOCH_PREVIOUS_MAX - previous.len();
        previous.extend(self.epoch_heads(space).into_iter().take(room));
        previous
    }

    /// For every right to read a space that is not in force: the marks of what ended it. An epoch made in the knowledge
    /// of one of them was not handed out under that right.
    fn out(&self, space: &Space) -> Vec<BTreeSet<EpochId>> {
        let mut ended: BTreeMap<EnvelopeId, BTreeSet<EpochId>> = BTreeMap::new();
        for (place, revoke, counts) in self.judge().revokes() {
            if counts {
                ended.entry(revoke.grant).or_default().insert(mark(&place.id));
            }
        }
        let mut out = Vec::new();
        for (id, right) in self.judge().rights() {
            let device = right.device();
            if reads(right, space).is_err() || self.may_read(device, space).is_ok() {
                continue;
            }
            let marks = if !right.issued {
                BTreeSet::from([mark(id)])
            } else if right.active() {
                let suspensions = self.suspensions(device);
                let forked = self.judge().forked(device).then(|| mark(id));
                suspensions.iter().map(mark).chain(forked).collect()
            } else {
                ended.remove(id).unwrap_or_default()
            };
            // The upper level gets no key by default: its seats count only as far as they were boxed one.
            if !marks.is_empty() && matches!(right.source, Source::Grant(..)) {
                out.push(marks);
            }
        }
        out
    }

    /// What a new epoch names as its predecessors, so that it is deeper than all: the valid epochs that no other one
    /// builds on, unless both claim to build on each other.
    pub fn epoch_heads(&self, space: &SpaceId) -> BTreeSet<EpochId> {
        let graph = self.epoch_graph(space);
        let before: BTreeMap<_, _> = graph.keys().map(|&id| (id, ancestors(id, &graph))).into_map();
        let is_head = |id: &EpochId| {
            before
                .iter()
                .all(|(other, known)| !known.contains(id) || before[id].contains(other))
        };
        let heads = graph.keys().copied().filter(is_head);
        heads.take(EPOCH_PREVIOUS_MAX).collect()
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

    /// `clean` is asked about an epoch and the ones before it.
    fn deepest(&self, space: &SpaceId, clean: impl Fn(&Claims, &[&Claims]) -> bool) -> Option<EpochId> {
        let graph = self.epoch_graph(space);
        let candidates = graph.iter().filter_map(|(&id, claims)| {
            let before = ancestors(id, &graph);
            let known: Vec<&Claims> = before.iter().map(|epoch| &graph[epoch]).collect();
            clean(claims, &known).then_some((Reverse(before.len()), id))
        });
        candidates.min().map(|(_, id)| id)
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

const MARK_CONTEXT: &str = "sotay/v1/epoch-without";

/// Stands among the predecessors of an epoch for a record that put a device out (P6.3).
fn mark(record: &EnvelopeId) -> EpochId {
    let hash = blake3::derive_key(MARK_CONTEXT, record.as_bytes());
    let mut id = [0; 8];
    id.copy_from_slice(&hash[..8]);
    EpochId::from_bytes(id)
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
