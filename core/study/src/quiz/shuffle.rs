//! Shuffling that can be repeated: the same seed shows the same order on every device and in every version.

use super::package::{Package, Question, QuestionId};
use crate::library::Hash;
use sotay_feed::InOrder;

/// The order of `count` things for a seed and a purpose: things are sorted by the hash of seed, purpose and index.
fn order(seed: u64, purpose: &[u8], count: usize) -> Vec<usize> {
    let key = |i: usize| {
        let bytes = [&seed.to_be_bytes(), purpose, &(i as u64).to_be_bytes()].concat();
        Hash::of("sotay/v1/quiz-shuffle", &bytes)
    };
    let mut indices: Vec<usize> = (0..count).collect();
    indices.in_order_by_key(|i| (key(*i), *i));
    indices
}

/// A package as one attempt shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Questions in the order shown: id, and the choices' indices in the order shown.
    pub questions: Vec<(QuestionId, Vec<u8>)>,
}

impl Package {
    /// The order in which an attempt with this seed shows questions and choices.
    pub fn shown(&self, seed: u64) -> Shown {
        let questions = order(seed, b"questions", self.questions.len());
        let show = |question: &Question| {
            let id = question.id();
            let choices = order(seed, &id, question.choices().len());
            (id, choices.into_iter().map(|c| c as u8).collect())
        };
        Shown {
            questions: questions.into_iter().map(|i| show(&self.questions[i])).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::package::tests::package;
    use super::*;

    #[test]
    fn a_seed_always_gives_the_same_order_and_another_seed_another() {
        let p = package();
        assert_eq!(p.shown(7), p.shown(7));
        assert!((0..20).any(|seed| p.shown(seed) != p.shown(7)));
        // Fixed for ever: an attempt is shown again in the order in which it was made.
        assert_eq!(order(7, b"questions", 6), GOLDEN);
    }

    const GOLDEN: [usize; 6] = [2, 0, 3, 5, 1, 4];

    #[test]
    fn every_question_and_choice_is_shown_once() {
        let p = package();
        for seed in 0..50 {
            let shown = p.shown(seed);
            assert_eq!(shown.questions.len(), p.questions.len());
            for (id, choices) in shown.questions {
                let question = p.questions.iter().find(|q| q.id() == id).unwrap();
                let mut sorted = choices.clone();
                sorted.sort_unstable();
                assert_eq!(sorted, (0..question.choices().len() as u8).collect::<Vec<_>>());
            }
        }
    }
}
