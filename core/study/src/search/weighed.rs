//! The sections that fit a question, kept open so that their sentences can be weighed one by one.

use super::file::Candidate;
use super::rank::{Finds, Ranker, Score};
use super::run::Outcome;
use super::zone::Zone;
use super::{Asked, Hit, Index, IndexError, SearchError};
use std::collections::BTreeSet;

/// Sections in order, with what was looked for.
pub(crate) struct Weighed<'a> {
    index: &'a Index,
    outcome: Outcome,
    finds: Vec<Finds>,
}

impl Index {
    /// The first `limit` sections that fit a question.
    pub(crate) fn weigh(&self, question: &str, limit: usize) -> Result<Weighed<'_>, SearchError> {
        let mut outcome = self.outcome(question)?;
        outcome.sections.truncate(limit);
        let ranker = Ranker::new(&outcome.terms, self.vocabulary.len());
        let finds = outcome
            .sections
            .iter()
            .map(|(candidate, _)| ranker.find(candidate))
            .collect();
        Ok(Weighed {
            index: self,
            outcome,
            finds,
        })
    }

    /// The whole text of one of the sections, and how it is cited.
    pub(crate) fn weighed_text(&self, weighed: &Weighed<'_>, at: usize) -> Result<(String, Hit), IndexError> {
        let (candidate, score): &(Candidate, Score) = &weighed.outcome.sections[at];
        let hit = self.hit(candidate, score, None)?;
        Ok((self.file.text(candidate.section)?.text, hit))
    }
}

impl Weighed<'_> {
    pub(crate) fn sections(&self) -> usize {
        self.outcome.sections.len()
    }

    pub(crate) fn coverage(&self, at: usize) -> f32 {
        self.outcome.sections[at].1.coverage
    }

    /// The share of the telling words that the section says anywhere, each counting the same.
    pub(crate) fn words_held(&self, at: usize) -> f32 {
        let slots = &self.outcome.terms.slots;
        let telling = |slot: &usize| !slots[*slot].stop;
        let all = (0..slots.len()).filter(telling).count();
        if all == 0 {
            return 1.0;
        }
        let held = self.finds[at].slots();
        held.iter().filter(|&slot| telling(slot)).count() as f32 / all as f32
    }

    /// How much of what is looked for the section's heading says, 0 to 1.
    pub(crate) fn heading(&self, at: usize) -> f32 {
        self.outcome.sections[at].1.heading
    }

    /// The scale to weigh sentences with; made once for a question.
    pub(crate) fn scale(&self) -> Scale<'_> {
        let mut ranker = Ranker::new(&self.outcome.terms, self.index.vocabulary.len());
        ranker.learn(&self.finds);
        Scale {
            weighed: self,
            ranker,
        }
    }

    pub(crate) fn asked(&self) -> &BTreeSet<Asked> {
        &self.outcome.terms.asked
    }
}

/// Weighs sentences.
pub(crate) struct Scale<'a> {
    weighed: &'a Weighed<'a>,
    ranker: Ranker<'a>,
}

impl Scale<'_> {
    /// How well a sentence of section `at` fits, 0 to 1. Where only a document or an article was named, the first
    /// sentence of it says as much as any.
    pub(crate) fn sentence(&self, at: usize, sentence: &str) -> f32 {
        if self.weighed.outcome.terms.is_empty() {
            return 1.0;
        }
        let zone = Zone::look_up(sentence, &self.weighed.index.vocabulary);
        self.ranker.sentence(&self.weighed.finds[at], &zone)
    }
}
