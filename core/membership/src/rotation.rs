//! Which epochs of a space count, and under which one to write (P6.2, P6.3).

use std::collections::{BTreeMap, BTreeSet};

use sotay_feed::{DeviceId, EnvelopeId, EpochId, Space, SpaceId, SpaceKind};

use crate::EpochRecord;
use crate::grant::rank;
use crate::judge::Place;
use crate::membership::Membership;

/// The spaces of a unit that have epochs and belong to no single member.
const SHARED: [SpaceKind; 5] = [
    SpaceKind::Main,
    SpaceKind::Committee,
    SpaceKind::Inbox,
    SpaceKind::Report,
    SpaceKind::Broadcast,
];

/// All epoch records of a unit, by space and place.
#[derive(Debug, Clone, Default)]
pub(crate) struct Epochs(BTreeMap<SpaceId, BTreeMap<EnvelopeId, (Place, EpochRecord)>>);

impl Epochs {
    pub(crate) fn add(&mut self, place: Place, record: EpochRecord) {
        let records = self.0.entry(record.space).or_default();
        records.insert(place.id, (place, record));
    }

    fn of(&self, space: &SpaceId) -> impl Iterator<Item = (&EnvelopeId, &(Place, EpochRecord))> {
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
            .map(|(_, (_, record))| record)
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
        self.epochs
            .of(space)
            .map(|(id, (place, record))| (*id, place.device, record, self.may_rotate(place, &record.space)))
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

    /// What a new epoch names as its predecessors: the valid epochs that no other one names.
    pub fn epoch_heads(&self, space: &SpaceId) -> BTreeSet<EpochId> {
        let named: BTreeSet<_> = self
            .valid_epochs(space)
            .flat_map(|record| &record.previous)
            .copied()
            .collect();
        let heads: BTreeSet<_> = self
            .valid_epochs(space)
            .map(EpochRecord::epoch)
            .filter(|epoch| !named.contains(epoch))
            .collect();
        heads
            .into_iter()
            .take(crate::limits::EPOCH_PREVIOUS_MAX)
            .collect()
    }

    fn deepest(&self, space: &SpaceId, clean: impl Fn(&BTreeSet<DeviceId>) -> bool) -> Option<EpochId> {
        let mut epochs: BTreeMap<EpochId, (BTreeSet<EpochId>, BTreeSet<DeviceId>)> = BTreeMap::new();
        for record in self.valid_epochs(space) {
            let (previous, recipients) = epochs.entry(record.epoch()).or_default();
            previous.extend(&record.previous);
            recipients.extend(record.boxes.keys());
        }
        epochs
            .iter()
            .filter(|(_, (_, recipients))| clean(recipients))
            .map(|(&id, _)| (std::cmp::Reverse(depth(id, &epochs)), id))
            .min()
            .map(|(_, id)| id)
    }
}

/// Number of known epochs before this one. Counting a set instead of the longest path ends even when dishonest
/// records name each other as predecessors, and invented predecessors add nothing.
fn depth(of: EpochId, epochs: &BTreeMap<EpochId, (BTreeSet<EpochId>, BTreeSet<DeviceId>)>) -> usize {
    let mut before = BTreeSet::new();
    let mut open = vec![of];
    while let Some(epoch) = open.pop() {
        for previous in &epochs[&epoch].0 {
            if *previous != of && epochs.contains_key(previous) && before.insert(*previous) {
                open.push(*previous);
            }
        }
    }
    before.len()
}
