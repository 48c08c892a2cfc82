//! One search: what the query names, what it looks for, and the best sections.

use super::file::{Candidate, DocInfo, LabelKind};
use super::query::{Builder, Place, Reach, Run, Terms};
use super::rank::{Finds, Ranker, Score};
use super::refs::{CodeWords, References, documents, find};
use super::snippet::snippet;
use super::typed::{TypedQuery, read};
use super::when::period;
use super::zone::placed;
use super::{Index, IndexError, MAX_QUERY_CHARS, MAX_QUERY_WORDS, SearchError, newest};
use crate::library::{Date, Superseded};
use crate::text::clean;
use sotay_feed::{InOrder, IntoTree};
use std::collections::{BTreeMap, BTreeSet};

/// Less of the query than this in a section is no result.
const LEAST_COVERAGE: f32 = 0.52;
/// Results that hold less than this share of what the best one holds are left out.
const SHARE_OF_BEST: f32 = 0.7;
/// From here on a strict reading is good enough not to try a relaxed one.
const FULL: f32 = 0.82;
/// What a relaxed reading must gain to be believed.
const RELAXED_GAIN: f32 = 0.08;
/// Candidates that hold every telling word.
const ALL_LIMIT: usize = 160;
/// Candidates that hold some telling word.
const ANY_LIMIT: usize = 260;
/// With so many candidates that hold every word, the others are not looked at.
const ENOUGH: usize = 24;
/// A document that is no longer in force stands behind an equal one that is.
const NOT_IN_FORCE: f32 = 0.03;

/// One result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The document's key: its alias, or its id in hexadecimal digits.
    pub doc: String,
    /// The document's code.
    pub code: String,
    /// The document's date.
    pub date: Date,
    /// How the section is cited (`Điều 5`).
    pub section: String,
    /// Title of the document and heading of the section.
    pub title: String,
    /// The piece of the text that fits best.
    pub snippet: String,
    /// Index of the section in its document.
    pub ordinal: u32,
    /// What other documents do to this one: a banner, newest first.
    pub superseded: Vec<Superseded>,
}

/// Why there is nothing, or not everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// The query holds no letter or digit.
    NoWords,
    /// Nothing in the library fits.
    NothingFits,
    /// Words after the [`MAX_QUERY_WORDS`]th were passed over.
    WordsPassedOver,
}

/// The results of a search, best first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Results {
    /// The results.
    pub hits: Vec<Hit>,
    /// What there is to say of them.
    pub note: Option<Note>,
}

/// Sections in order, and what was looked for in them.
pub(crate) struct Outcome {
    pub(super) sections: Vec<(Candidate, Score)>,
    pub(super) terms: Terms,
    pub(super) clause: Option<String>,
    by_code: bool,
    pub(super) note: Option<Note>,
}

/// How the articles that a query names are taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Articles {
    /// As sections of that number.
    Sections,
    /// As words of a heading that cites an article of another document.
    Cited,
}

/// What a query names, settled against the index.
#[derive(Default)]
struct Settled {
    /// Sections that are left, if anything was named.
    sections: Option<BTreeSet<i64>>,
    /// Words of the query that are done with.
    consumed: BTreeSet<usize>,
    /// Words that must stand together, as they name what the index does not have.
    mention: Option<(std::ops::Range<usize>, Place)>,
    by_code: bool,
    clause: Option<String>,
    nothing: bool,
}

impl Index {
    /// Searches. `limit` is the most results wanted ([`super::DEFAULT_RESULTS`] is a fair number).
    pub fn search(&self, query: &str, limit: usize) -> Result<Results, SearchError> {
        let mut outcome = self.outcome(query)?;
        if outcome.sections.is_empty() && !outcome.by_code && outcome.note.is_none() {
            outcome = self.of_a_time(query)?.unwrap_or(outcome);
        }
        let mut hits = Vec::new();
        for (candidate, score) in outcome.sections.iter().take(limit) {
            hits.push(self.hit(candidate, score, outcome.clause.as_deref())?);
        }
        let note = if hits.is_empty() && outcome.note.is_none() {
            Some(Note::NothingFits)
        } else {
            outcome.note
        };
        Ok(Results { hits, note })
    }

    /// Everything but the texts of the results.
    pub(crate) fn outcome(&self, query: &str) -> Result<Outcome, SearchError> {
        let chars = query.chars().count();
        if chars > MAX_QUERY_CHARS {
            return Err(SearchError::QueryTooLong(chars));
        }
        let mut typed = read(query, &self.vocabulary);
        if typed.words.is_empty() {
            let note = Some(Note::NoWords);
            return Ok(Outcome {
                sections: vec![],
                terms: Terms::default(),
                clause: None,
                by_code: false,
                note,
            });
        }
        let note = (typed.words.len() > MAX_QUERY_WORDS).then_some(Note::WordsPassedOver);
        typed.words.truncate(MAX_QUERY_WORDS);
        let settled = self.settle(&typed, Articles::Sections)?;
        let outcome = self.settled_outcome(&typed, settled, note)?;
        if outcome.sections.is_empty() && !outcome.by_code {
            // No such article answers; a heading that cites it may.
            let settled = self.settle(&typed, Articles::Cited)?;
            if matches!(settled.mention, Some((_, Place::Heading))) {
                return self.settled_outcome(&typed, settled, note);
            }
        }
        Ok(outcome)
    }

    /// What is dated when the query says, if it says a time: no text speaks of it. Only for searches: an answer quotes a
    /// text that says what was asked.
    fn of_a_time(&self, query: &str) -> Result<Option<Outcome>, SearchError> {
        let typed = read(query, &self.vocabulary);
        let refs = find(&typed, &CodeWords::of(&self.docs));
        let Some((period, said)) = period(&typed.words, &refs) else {
            return Ok(None);
        };
        let dated = self.docs.iter().filter(|doc| period.holds(doc.date));
        let settled = Settled {
            sections: Some(self.file.sections_of(&dated.map(|doc| doc.id).collect())?),
            consumed: said,
            by_code: true,
            ..Settled::default()
        };
        if (0..typed.words.len()).all(|word| settled.consumed.contains(&word)) {
            return self.settled_outcome(&typed, settled, None).map(Some);
        }
        let settled = Settled {
            by_code: false,
            ..settled
        };
        self.settled_outcome(&typed, settled, None).map(Some)
    }

    fn settled_outcome(
        &self,
        typed: &TypedQuery,
        settled: Settled,
        note: Option<Note>,
    ) -> Result<Outcome, SearchError> {
        let outcome = |sections, terms| Outcome {
            sections,
            terms,
            clause: settled.clause.clone(),
            by_code: settled.by_code,
            note,
        };
        if settled.nothing || settled.sections.as_ref().is_some_and(BTreeSet::is_empty) {
            return Ok(outcome(Vec::new(), Terms::default()));
        }
        let terms = self.terms(typed, &settled, Reach::Strict);
        if terms.is_empty() {
            return Ok(outcome(self.list(&settled)?, terms));
        }
        let (sections, terms) = self.ranked(typed, &settled, terms)?;
        if sections.is_empty() && settled.by_code {
            return Ok(outcome(self.list(&settled)?, terms));
        }
        Ok(outcome(sections, terms))
    }

    fn settle(&self, typed: &TypedQuery, articles: Articles) -> Result<Settled, IndexError> {
        let refs = find(typed, &CodeWords::of(&self.docs));
        let mut settled = Settled::default();
        let named = self.settle_codes(&refs, &mut settled)?;
        self.settle_labels(typed, &refs, articles, &mut settled)?;
        if named {
            settled.consumed.extend(refs.when.iter().copied());
        }
        Ok(settled)
    }

    /// Narrows to the documents named; answers whether any were.
    fn settle_codes(&self, refs: &References, settled: &mut Settled) -> Result<bool, IndexError> {
        let mut docs: BTreeSet<i64> = BTreeSet::new();
        for code in &refs.codes {
            let found = documents(refs, code, &self.docs);
            if !found.is_empty() {
                docs.extend(found);
                settled.consumed.extend(code.words.clone());
                settled.by_code = true;
            } else if self.docs.iter().any(|doc| code.names(doc)) {
                // The document is there, but not of that year.
                settled.nothing = true;
            } else if code.strict || code.number.is_some() {
                settled.mention = Some((code.words.clone(), Place::Text));
            }
        }
        if settled.by_code {
            settled.nothing = false;
            settled.mention = None;
            settled.sections = Some(self.file.sections_of(&docs)?);
        }
        Ok(settled.by_code)
    }

    fn settle_labels(
        &self,
        typed: &TypedQuery,
        refs: &References,
        articles_as: Articles,
        settled: &mut Settled,
    ) -> Result<(), IndexError> {
        let of = |kind: LabelKind| refs.labels.iter().filter(move |l| l.kind == kind);
        let mut articles = BTreeSet::new();
        for label in of(LabelKind::Article) {
            articles.extend(self.file.labelled(label.kind, &label.number)?);
            settled.consumed.extend(label.words.clone());
        }
        if let Some(first) = of(LabelKind::Article).next() {
            let left: BTreeSet<i64> = match &settled.sections {
                Some(sections) => sections.intersection(&articles).copied().collect(),
                None => articles,
            };
            let more = (0..typed.words.len()).any(|i| !settled.consumed.contains(&i));
            if articles_as == Articles::Cited && more && !settled.by_code {
                first.words.clone().for_each(|i| {
                    settled.consumed.remove(&i);
                });
                settled.mention = Some((first.words.clone(), Place::Heading));
            } else {
                settled.sections = Some(left);
            }
        }
        for label in refs.labels.iter().filter(|l| l.kind != LabelKind::Article) {
            let labelled = self.file.labelled(label.kind, &label.number)?;
            let left: BTreeSet<i64> = match &settled.sections {
                Some(sections) => sections.intersection(&labelled).copied().collect(),
                None if label.kind == LabelKind::Clause => BTreeSet::new(),
                None => labelled,
            };
            let clause = label.kind == LabelKind::Clause;
            if clause {
                settled.clause = Some(label.number.clone());
            }
            if !left.is_empty() {
                settled.sections = Some(left);
                settled.consumed.extend(label.words.clone());
            } else if clause && settled.sections.is_some() {
                settled.consumed.extend(label.words.clone());
            }
        }
        Ok(())
    }

    fn terms(&self, typed: &TypedQuery, settled: &Settled, reach: Reach) -> Terms {
        let builder = Builder {
            query: typed,
            vocabulary: &self.vocabulary,
            lists: &self.lists,
            sections: self.sections,
            reach,
        };
        let mut terms = builder.build(&settled.consumed);
        if let Some((words, place)) = &settled.mention {
            let kept = |i: &usize| !settled.consumed.contains(i) && !builder.only_says_number(*i);
            let before = (0..words.start).filter(kept).count();
            let slots = before..(before + words.clone().filter(kept).count()).min(terms.slots.len());
            terms.slots[slots.clone()]
                .iter_mut()
                .for_each(|slot| slot.leans = false);
            terms.runs.push(Run { slots, place: *place });
        }
        terms
    }

    fn ranked(
        &self,
        typed: &TypedQuery,
        settled: &Settled,
        strict_terms: Terms,
    ) -> Result<(Vec<(Candidate, Score)>, Terms), IndexError> {
        let best =
            |ranked: &[(Candidate, Score)]| ranked.iter().map(|(_, s)| s.coverage).fold(0.0f32, f32::max);
        let mut terms = strict_terms;
        let mut ranked = self.rank(&terms, settled.sections.as_ref())?;
        if best(&ranked) < FULL {
            let relaxed_terms = self.terms(typed, settled, Reach::Relaxed);
            let relaxed = self.rank(&relaxed_terms, settled.sections.as_ref())?;
            if best(&relaxed) > best(&ranked) + RELAXED_GAIN {
                (ranked, terms) = (relaxed, relaxed_terms);
            }
        }
        let least = LEAST_COVERAGE.max(best(&ranked) * SHARE_OF_BEST);
        ranked.retain(|(_, score)| score.coverage >= least);
        let docs = self.docs_by_id();
        let date = |c: &Candidate| docs.get(&c.doc).map(|d| d.date);
        let past: BTreeSet<i64> = docs
            .values()
            .filter(|d| !self.in_force(d))
            .map(|d| d.id)
            .collect();
        for (candidate, score) in &mut ranked {
            if past.contains(&candidate.doc) {
                score.value -= NOT_IN_FORCE;
            }
        }
        ranked.in_order_by(|(a, x), (b, y)| {
            let by_date = date(b).cmp(&date(a));
            y.value
                .total_cmp(&x.value)
                .then(by_date)
                .then(a.doc.cmp(&b.doc))
                .then(a.ordinal.cmp(&b.ordinal))
        });
        Ok((ranked, terms))
    }

    fn rank(
        &self,
        terms: &Terms,
        only: Option<&BTreeSet<i64>>,
    ) -> Result<Vec<(Candidate, Score)>, IndexError> {
        let candidates = match only {
            Some(sections) => self.file.candidates(sections, self.vocabulary.len())?,
            None => self.candidates(terms)?,
        };
        let mut ranker = Ranker::new(terms, self.vocabulary.len());
        let finds: Vec<Finds> = candidates.iter().map(|c| ranker.find(c)).collect();
        ranker.learn(&finds);
        let scored = candidates
            .into_iter()
            .zip(&finds)
            .map(|(c, f)| (c, ranker.score(f)));
        Ok(scored
            .filter(|(_, score)| score.runs && score.coverage > 0.0)
            .collect())
    }

    fn candidates(&self, terms: &Terms) -> Result<Vec<Candidate>, IndexError> {
        let words = self.vocabulary.len();
        let mut found = match terms.expression(&self.vocabulary, true) {
            Some(all) => self.file.matching(&all, ALL_LIMIT, words)?,
            None => Vec::new(),
        };
        if found.len() < ENOUGH
            && let Some(any) = terms.expression(&self.vocabulary, false)
        {
            let known: BTreeSet<i64> = found.iter().map(|c| c.section).into_set();
            let more = self.file.matching(&any, ANY_LIMIT, words)?;
            found.extend(more.into_iter().filter(|c| !known.contains(&c.section)));
        }
        Ok(found)
    }

    /// What was named, with nothing more to look for: each document once, newest first; or the sections of the one.
    fn list(&self, settled: &Settled) -> Result<Vec<(Candidate, Score)>, IndexError> {
        let Some(sections) = &settled.sections else {
            return Ok(Vec::new());
        };
        let mut found = self.file.candidates(sections, self.vocabulary.len())?;
        let docs = self.docs_by_id();
        found.in_order_by_key(|c| (docs.get(&c.doc).map(|d| newest(d.date)), c.doc, c.ordinal));
        let named: BTreeSet<i64> = found.iter().map(|c| c.doc).into_set();
        let whole = named.iter().all(|doc| {
            let all = found.iter().filter(|c| c.doc == *doc).count();
            all > 1 || settled.by_code
        });
        if named.len() > 1 && settled.by_code && whole {
            let mut seen = BTreeSet::new();
            found.retain(|c| seen.insert(c.doc));
        }
        let score = Score {
            coverage: 1.0,
            heading: 0.0,
            value: 1.0,
            runs: true,
            place: None,
        };
        Ok(found.into_iter().map(|c| (c, score.clone())).collect())
    }

    pub(super) fn docs_by_id(&self) -> BTreeMap<i64, &DocInfo> {
        self.docs.iter().map(|doc| (doc.id, doc)).into_map()
    }

    pub(super) fn hit(
        &self,
        candidate: &Candidate,
        score: &Score,
        clause: Option<&str>,
    ) -> Result<Hit, IndexError> {
        let doc = self
            .docs
            .iter()
            .find(|d| d.id == candidate.doc)
            .ok_or(IndexError::Damaged)?;
        let section = self.file.text(candidate.section)?;
        let shown = if section.text.is_empty() {
            &section.heading
        } else {
            &section.text
        };
        let place = score
            .place
            .or_else(|| clause.and_then(|c| clause_place(shown, c)));
        Ok(Hit {
            doc: doc.key.clone(),
            code: doc.code_text.clone(),
            date: doc.date,
            title: title(&doc.title, &section.heading),
            snippet: snippet(shown, place),
            section: section.label,
            ordinal: candidate.ordinal,
            superseded: self.superseded(doc),
        })
    }
}

pub(super) fn title(document: &str, heading: &str) -> String {
    if heading.is_empty() {
        document.to_owned()
    } else {
        format!("{document} - {heading}")
    }
}

/// The place of the first word of a clause.
fn clause_place(text: &str, clause: &str) -> Option<(u32, u32)> {
    let mut offset = 0;
    for line in clean(text).split('\n') {
        let label = line.split(['.', ')', '-', ' ']).next();
        if label == Some(clause) {
            let at = placed(text)
                .iter()
                .find(|(_, token)| token.start >= offset)
                .map(|(position, _)| *position)?;
            return Some((at, at + 1));
        }
        offset += line.len() + 1;
    }
    None
}
