//! The rules once more, from scratch and as directly as they are written: no index, no cache, no step skipped.
//! Slow on purpose; what the incremental evaluation is compared with.

use std::collections::{BTreeMap, BTreeSet};

use sotay_feed::{DeviceId, Envelope, EnvelopeId, MemberId, SpaceTag, UnitId, Verified};
use sotay_membership::{Record, Revoke};

use crate::support::root_policy;

#[derive(Clone)]
pub struct Place {
    pub device: DeviceId,
    pub seq: u64,
    pub id: EnvelopeId,
    /// Enough keys of the root have signed it.
    root: bool,
}

#[derive(Clone)]
pub struct Holding {
    pub id: EnvelopeId,
    pub device: DeviceId,
    pub member: Option<MemberId>,
    pub rank: u8,
    /// Revocations that count, by strictly higher ranks.
    pub high: Vec<Revoke>,
    /// All that count.
    pub all: Vec<Revoke>,
}

pub struct Naive {
    roll: SpaceTag,
    forks: BTreeMap<(SpaceTag, DeviceId), u64>,
    pub held: Vec<Holding>,
}

/// Without an id: whether any envelope at all could stand at that number.
fn accepted(revokes: &[Revoke], space: SpaceTag, seq: u64, id: Option<EnvelopeId>) -> bool {
    let Some(id) = id else {
        let named = revokes
            .iter()
            .filter_map(|revoke| Some(revoke.cutoffs.get(&space)?.id));
        let mut candidates = named.chain([EnvelopeId::ZERO]);
        return candidates.any(|id| accepted(revokes, space, seq, Some(id)));
    };
    revokes.iter().all(|revoke| {
        let cut = revoke.cutoffs.get(&space);
        cut.is_some_and(|cut| seq < cut.seq || (seq == cut.seq && id == cut.id))
    })
}

impl Naive {
    /// `noted`: forks a store saw, as (space, device, seq).
    pub fn evaluate(
        unit: UnitId,
        roll: SpaceTag,
        envelopes: &[Verified<Envelope>],
        noted: &[(SpaceTag, DeviceId, u64)],
    ) -> Self {
        let mut forks = BTreeMap::new();
        let mut fork = |space: SpaceTag, device: DeviceId, seq: u64| {
            let known = forks.entry((space, device)).or_insert(seq);
            *known = seq.min(*known);
        };
        noted
            .iter()
            .for_each(|&(space, device, seq)| fork(space, device, seq));
        let mut seen: BTreeMap<(DeviceId, u64), BTreeSet<EnvelopeId>> = BTreeMap::new();
        let (mut seats, mut grants, mut revokes) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for envelope in envelopes {
            let header = envelope.header();
            let ids = seen.entry((header.device, header.seq)).or_default();
            ids.insert(envelope.id());
            if ids.len() > 1 {
                fork(roll, header.device, header.seq);
            }
            let place = Place {
                device: header.device,
                seq: header.seq,
                id: envelope.id(),
                root: false,
            };
            match Record::decode(header.kind, envelope.body()) {
                Ok((Record::Genesis(genesis), _)) => {
                    for authority in &genesis.authorities {
                        seats.insert(authority.seat(&unit), *authority);
                    }
                }
                Ok((Record::Grant(grant), _)) => drop(grants.insert(place.id, (place, grant))),
                Ok((Record::Revoke(revoke), _)) => drop(revokes.insert(place.id, (place, revoke))),
                Ok((Record::Root(act), _)) => {
                    let (context, message) = act.message(&unit);
                    let (keys, threshold) = (root_policy().keys, usize::from(root_policy().threshold));
                    let holds = act.signatures.iter().filter(|(key, signature)| {
                        keys.contains(key) && key.verify_detached(context, &message, signature)
                    });
                    if holds.count() < threshold {
                        continue;
                    }
                    let id = act.id(&unit);
                    let place = Place {
                        id,
                        root: true,
                        ..place
                    };
                    match *act.record {
                        Record::Grant(grant) => drop(grants.insert(id, (place, grant))),
                        Record::Revoke(revoke) => drop(revokes.insert(id, (place, revoke))),
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        let mut naive = Self {
            roll,
            forks,
            held: Vec::new(),
        };
        for rank in 0..=5 {
            let mut stratum = Vec::new();
            for (&id, seat) in seats.iter().filter(|(_, seat)| seat.rank == rank) {
                stratum.push((id, seat.keys.sign.device_id(), None));
            }
            for (&id, (place, grant)) in &grants {
                if grant.rank == rank && naive.may(place, rank) {
                    stratum.push((id, grant.device(), Some(grant.member)));
                }
            }
            let from = naive.held.len();
            for (id, device, member) in stratum {
                let against = revokes.values().filter(|(_, revoke)| revoke.grant == id);
                let high: Vec<_> = against
                    .filter(|(place, _)| naive.may(place, rank))
                    .map(|(_, revoke)| revoke.clone())
                    .collect();
                // `all` must stay open until the whole stratum stands: nothing of this rank is looked at before.
                naive.held.push(Holding {
                    id,
                    device,
                    member,
                    rank,
                    high,
                    all: Vec::new(),
                });
            }
            for at in from..naive.held.len() {
                let target = naive.held[at].clone();
                let own = revokes.values().filter(|(place, revoke)| {
                    revoke.grant == target.id
                        && !place.root
                        && target.member.is_some()
                        && naive.held.iter().any(|other| {
                            other.device == place.device
                                && other.member == target.member
                                && other.id != target.id
                                && accepted(&other.high, roll, place.seq, Some(place.id))
                                && naive.unforked(roll, place.device, place.seq)
                        })
                });
                let own: Vec<_> = own.map(|(_, revoke)| revoke.clone()).collect();
                naive.held[at].all = [target.high, own].concat();
            }
        }
        naive
    }

    fn unforked(&self, space: SpaceTag, device: DeviceId, seq: u64) -> bool {
        self.forks.get(&(space, device)).is_none_or(|&fork| seq < fork)
    }

    fn may(&self, place: &Place, above: u8) -> bool {
        let held = self.best(self.roll, place.device, place.seq, Some(place.id));
        let best = if place.root { Some(0) } else { held };
        best.is_some_and(|best| best < above && best <= 3)
    }

    /// The highest rank held at a place of a feed.
    pub fn best(&self, space: SpaceTag, device: DeviceId, seq: u64, id: Option<EnvelopeId>) -> Option<u8> {
        let held = self.held.iter().filter(|held| held.device == device);
        held.filter(|held| accepted(&held.all, space, seq, id) && self.unforked(space, device, seq))
            .map(|held| held.rank)
            .min()
    }
}
