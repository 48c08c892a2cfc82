//! Up to where a device's writing is accepted once a grant has been revoked (P5.10).

use std::collections::BTreeMap;

use sotay_feed::{EnvelopeId, IntoTree, SpaceTag};

use crate::Revoke;

/// The last accepted place of one feed. The set of accepted envelopes is "everything below `seq`, and at `seq` the one
/// with this id"; `None` accepts any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cut {
    seq: u64,
    id: Option<EnvelopeId>,
}

impl Cut {
    /// The intersection of both accepted sets: the lower cut-off wins, and two that disagree about the envelope at
    /// the same number accept neither.
    fn meet(self, other: Cut) -> Cut {
        if self.seq != other.seq {
            return if self.seq < other.seq { self } else { other };
        }
        match (self.id, other.id) {
            (Some(one), Some(two)) if one != two => Cut {
                seq: self.seq - 1,
                id: None,
            },
            (id, None) | (None, id) | (id, Some(_)) => Cut { seq: self.seq, id },
        }
    }
}

/// What all counting revocations of one grant leave of it, per space.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cuts(Option<BTreeMap<SpaceTag, Cut>>);

impl Cuts {
    /// Whether any revocation counts.
    pub(crate) fn revoked(&self) -> bool {
        self.0.is_some()
    }

    /// Adds a counting revocation.
    pub(crate) fn meet(&mut self, revoke: &Revoke) {
        let cut_at = |space: &SpaceTag| {
            revoke.cutoffs.get(space).map(|tip| Cut {
                seq: tip.seq,
                id: Some(tip.id),
            })
        };
        self.0 = Some(match self.0.take() {
            None => revoke
                .cutoffs
                .keys()
                .filter_map(|space| Some((*space, cut_at(space)?)))
                .into_map(),
            // A space that one of the two leaves out accepts nothing.
            Some(cuts) => cuts
                .into_iter()
                .filter_map(|(space, cut)| Some((space, cut.meet(cut_at(&space)?))))
                .into_map(),
        });
    }

    /// Whether the envelope at `seq` of a space is accepted. Without an id, one with the right id is assumed.
    pub(crate) fn accept(&self, space: SpaceTag, seq: u64, id: Option<EnvelopeId>) -> bool {
        let Some(cuts) = &self.0 else { return true };
        cuts.get(&space).is_some_and(|cut| {
            seq < cut.seq
                || (seq == cut.seq && cut.id.is_none_or(|wanted| id.is_none_or(|found| found == wanted)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reason;
    use proptest::prelude::*;
    use sotay_feed::Tip;

    const MAIN: SpaceTag = SpaceTag::from_bytes([1; 16]);
    const ROLL: SpaceTag = SpaceTag::from_bytes([2; 16]);

    fn id(n: u8) -> EnvelopeId {
        EnvelopeId::from_bytes([n; 32])
    }

    fn revoke(cuts: &[(SpaceTag, u64, u8)]) -> Revoke {
        Revoke {
            grant: EnvelopeId::ZERO,
            reason: Reason::NONE,
            cutoffs: cuts
                .iter()
                .map(|&(space, seq, n)| (space, Tip { seq, id: id(n) }))
                .collect(),
        }
    }

    fn cuts(revokes: &[&Revoke]) -> Cuts {
        let mut cuts = Cuts::default();
        revokes.iter().for_each(|revoke| cuts.meet(revoke));
        cuts
    }

    #[test]
    fn without_a_revocation_everything_is_accepted() {
        assert!(Cuts::default().accept(MAIN, 1 << 40, None));
    }

    #[test]
    fn the_lowest_cut_off_wins_and_unlisted_spaces_accept_nothing() {
        let cuts = cuts(&[&revoke(&[(MAIN, 5, 5), (ROLL, 2, 2)]), &revoke(&[(MAIN, 3, 3)])]);
        assert!(cuts.accept(MAIN, 3, Some(id(3))) && !cuts.accept(MAIN, 4, Some(id(4))));
        assert!(!cuts.accept(ROLL, 1, Some(id(1))));
    }

    #[test]
    fn another_envelope_at_the_cut_off_is_not_the_accepted_one() {
        let one = cuts(&[&revoke(&[(MAIN, 5, 5)])]);
        assert!(one.accept(MAIN, 5, Some(id(5))) && !one.accept(MAIN, 5, Some(id(6))));
        let torn = cuts(&[&revoke(&[(MAIN, 5, 5)]), &revoke(&[(MAIN, 5, 6)])]);
        assert!(!torn.accept(MAIN, 5, Some(id(5))) && torn.accept(MAIN, 4, Some(id(9))));
    }

    proptest! {
        #[test]
        fn revocations_combine_in_any_order_and_repetition(
            list in proptest::collection::vec(
                proptest::collection::vec((any::<bool>(), 1u64..5, 0u8..3), 0..3), 1..5),
            seed in any::<u64>(),
        ) {
            let revokes: Vec<_> = list
                .iter()
                .map(|cuts| {
                    let cuts: Vec<_> = cuts
                        .iter()
                        .map(|&(main, seq, n)| (if main { MAIN } else { ROLL }, seq, n))
                        .collect();
                    revoke(&cuts)
                })
                .collect();
            let straight: Vec<_> = revokes.iter().collect();
            let mut turned = straight.clone();
            turned.rotate_left(seed as usize % straight.len());
            turned.push(straight[seed as usize % straight.len()]);
            let (one, two) = (cuts(&straight), cuts(&turned));
            for space in [MAIN, ROLL] {
                for seq in 1..6 {
                    for n in 0..3 {
                        let accepted = straight.iter().all(|revoke| {
                            revoke.cutoffs.get(&space).is_some_and(|tip| {
                                seq < tip.seq || (seq == tip.seq && tip.id == id(n))
                            })
                        });
                        prop_assert_eq!(one.accept(space, seq, Some(id(n))), accepted);
                        prop_assert_eq!(two.accept(space, seq, Some(id(n))), accepted);
                    }
                }
            }
        }
    }
}
