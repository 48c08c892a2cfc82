//! How well a section answers what is looked for.
//!
//! Vietnamese words are mostly two syllables, and a syllable alone says little: a syllable of the query counts in full
//! where its neighbour in the query stands beside it in the text, and less the more the two belong together in the
//! texts at hand (*cohesion*). What stands close together counts more than what is scattered over an article.

use super::file::Candidate;
use super::query::{Place, Terms};
use super::vocabulary::WordId;
use super::zone::Zone;
use sotay_feed::IntoTree;
use std::collections::BTreeSet;

/// Words within which a match is close together.
const WINDOW_WORDS: u32 = 32;
/// How much a word in the fields beside the text (type, issuer, title of the document) counts.
const META_SHARE: f32 = 0.8;
/// How much of a lone syllable's weight goes at full cohesion.
const LONE_LOSS: f32 = 0.75;
/// What a syllable is worth that stands beside none of its neighbours in the query.
const LONE_SHARE: f32 = 0.75;
/// From here on heading or title say a word of the question, and the sentence need not.
const SAID: f32 = 0.6;
/// What a number is worth without the word before it.
const LEANING: f32 = 0.2;
/// What a guess at a word is worth without its neighbour.
const LONE_GUESS: f32 = 0.35;
/// For a heading that holds nothing but what is looked for.
const WHOLE_HEAD_BONUS: f32 = 0.1;
const HEAD_BONUS: f32 = 0.22;
const RUN_BONUS: f32 = 0.12;
const COUNT_BONUS: f32 = 0.02;

/// One word or phrase of the query found in a zone.
#[derive(Clone, Copy, Debug)]
struct Found {
    slot: usize,
    quality: f32,
    from: u32,
    to: u32,
    /// Its neighbour in the query stands beside it.
    paired: bool,
}

/// What was found in the zones of one section.
pub(super) struct Finds {
    /// Number of words in the heading.
    head_words: usize,
    head: Vec<Found>,
    body: Vec<Found>,
    meta: Vec<Found>,
}

impl Finds {
    /// The slots that were found anywhere.
    pub(super) fn slots(&self) -> BTreeSet<usize> {
        let zones = [&self.head, &self.body, &self.meta];
        zones.into_iter().flatten().map(|found| found.slot).collect()
    }
}

/// How well one section fits.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Score {
    /// Share of what is looked for that is there, 0 to 1.
    pub(super) coverage: f32,
    /// Share of what is looked for that the heading says, the more the less else it says.
    pub(super) heading: f32,
    /// What results are ordered by.
    pub(super) value: f32,
    /// Whether every run that must stand together does.
    pub(super) runs: bool,
    /// The words of the body around which the match is best.
    pub(super) place: Option<(u32, u32)>,
}

/// Finds and scores. Holds a table from word to the slots it fills, so that a section is read once.
pub(super) struct Ranker<'a> {
    terms: &'a Terms,
    /// For each word of the vocabulary 0, or 1 + an index into `uses`.
    table: Vec<u16>,
    uses: Vec<Use>,
    /// How strongly slot `i` and slot `i + 1` belong together in the texts at hand.
    cohesion: Vec<f32>,
    total: f32,
}

#[derive(Default)]
struct Use {
    slots: Vec<(usize, f32)>,
    patterns: Vec<usize>,
}

impl<'a> Ranker<'a> {
    pub(super) fn new(terms: &'a Terms, vocabulary_len: usize) -> Self {
        let mut ranker = Self {
            terms,
            table: vec![0; vocabulary_len + 1],
            uses: Vec::new(),
            cohesion: vec![0.0; terms.slots.len()],
            total: terms
                .slots
                .iter()
                .map(|s| s.weight)
                .sum::<f32>()
                .max(f32::MIN_POSITIVE),
        };
        for (slot, s) in terms.slots.iter().enumerate() {
            for (id, quality) in &s.fills {
                ranker.use_of(*id).slots.push((slot, *quality));
            }
        }
        for (i, pattern) in terms.patterns.iter().enumerate() {
            for id in &pattern.words[0] {
                ranker.use_of(*id).patterns.push(i);
            }
        }
        ranker
    }

    fn use_of(&mut self, id: WordId) -> &mut Use {
        let cell = &mut self.table[id as usize];
        if *cell == 0 {
            self.uses.push(Use::default());
            *cell = self.uses.len() as u16;
        }
        &mut self.uses[*cell as usize - 1]
    }

    pub(super) fn find(&self, candidate: &Candidate) -> Finds {
        Finds {
            head_words: candidate.head.words.len(),
            head: self.zone(&candidate.head),
            body: self.zone(&candidate.body),
            meta: self.zone(&candidate.meta),
        }
    }

    fn zone(&self, zone: &Zone) -> Vec<Found> {
        let mut found = Vec::new();
        let numbers = zone.numbers.iter().map(|(at, len, id)| (*at, *at + *len, *id));
        let words = zone
            .words
            .iter()
            .enumerate()
            .map(|(at, id)| (at as u32, at as u32 + 1, *id));
        for (from, to, id) in words.chain(numbers) {
            let Some(at) = self.table.get(id as usize).filter(|at| **at > 0) else {
                continue;
            };
            let used = &self.uses[*at as usize - 1];
            found.extend(used.slots.iter().map(|(slot, quality)| Found {
                slot: *slot,
                quality: *quality,
                from,
                to,
                paired: false,
            }));
            for pattern in used.patterns.iter().map(|i| &self.terms.patterns[*i]) {
                let len = pattern.words.len() as u32;
                let fits = pattern.words[1..].iter().enumerate().all(|(i, ids)| {
                    zone.words
                        .get(from as usize + i + 1)
                        .is_some_and(|id| ids.contains(id))
                });
                if fits {
                    found.extend(pattern.covers.clone().map(|slot| Found {
                        slot,
                        quality: pattern.quality,
                        from,
                        to: if len == 1 { to } else { from + len },
                        paired: pattern.covers.len() > 1,
                    }));
                }
            }
        }
        found.sort_by_key(|f| (f.from, f.slot));
        self.pair(&mut found);
        found
    }

    /// Marks what stands beside its neighbour in the query.
    fn pair(&self, found: &mut [Found]) {
        for i in 0..found.len() {
            let Found { slot, to, .. } = found[i];
            if !self.terms.slots.get(slot + 1).is_some_and(|next| next.joined) {
                continue;
            }
            let mut j = i + 1;
            while j < found.len() && found[j].from <= to {
                if found[j].from == to && found[j].slot == slot + 1 {
                    found[i].paired = true;
                    found[j].paired = true;
                }
                j += 1;
            }
        }
    }

    /// Learns from all candidates which neighbours belong together.
    pub(super) fn learn(&mut self, all: &[Finds]) {
        let slots = self.terms.slots.len();
        let mut alone = vec![0u32; slots];
        let mut together = vec![0u32; slots];
        for finds in all {
            for zone in [&finds.head, &finds.body] {
                for (i, f) in zone.iter().enumerate() {
                    alone[f.slot] += 1;
                    let next = zone[i + 1..].iter().take_while(|g| g.from <= f.to);
                    let beside = next.into_iter().any(|g| g.from == f.to && g.slot == f.slot + 1);
                    together[f.slot] += u32::from(beside && f.slot + 1 < slots);
                }
            }
        }
        for i in 0..slots.saturating_sub(1) {
            let least = alone[i].min(alone[i + 1]).max(1);
            let joined = self.terms.slots[i + 1].joined;
            self.cohesion[i] = if joined {
                (together[i] as f32 / least as f32).min(1.0)
            } else {
                0.0
            };
        }
    }

    fn evidence(&self, f: &Found) -> f32 {
        let slot = &self.terms.slots[f.slot];
        if f.paired {
            return f.quality;
        }
        if slot.leans {
            return f.quality * LEANING;
        }
        let guess = if f.quality < slot.sure && self.terms.slots.len() > 1 {
            LONE_GUESS
        } else {
            1.0
        };
        let before = if f.slot > 0 {
            self.cohesion[f.slot - 1]
        } else {
            0.0
        };
        guess * f.quality * self.lone(f.slot) * (1.0 - LONE_LOSS * before.max(self.cohesion[f.slot]))
    }

    /// A syllable typed between others, and found without any of them, is likely part of another word.
    fn lone(&self, slot: usize) -> f32 {
        let slots = &self.terms.slots;
        let before = slot > 0 && slots[slot].joined && !slots[slot - 1].stop;
        let beside = before || slots.get(slot + 1).is_some_and(|next| next.joined && !next.stop);
        if beside { LONE_SHARE } else { 1.0 }
    }

    fn best(&self, zone: &[Found]) -> Vec<f32> {
        let mut best = vec![0.0f32; self.terms.slots.len()];
        for f in zone {
            best[f.slot] = best[f.slot].max(self.evidence(f));
        }
        best
    }

    fn weigh(&self, evidence: impl Iterator<Item = f32>) -> f32 {
        evidence
            .zip(&self.terms.slots)
            .map(|(e, s)| e * s.weight)
            .sum::<f32>()
            / self.total
    }

    pub(super) fn score(&self, finds: &Finds) -> Score {
        let (head, body, meta) = (
            self.best(&finds.head),
            self.best(&finds.body),
            self.best(&finds.meta),
        );
        let beside: Vec<f32> = head
            .iter()
            .zip(&meta)
            .map(|(h, m)| h.max(m * META_SHARE))
            .collect();
        let anywhere = self.weigh(beside.iter().zip(&body).map(|(a, b)| a.max(*b)));
        let (near, place) = self.window(&finds.body, &beside);
        let coverage = 0.4 * anywhere + 0.6 * near;
        let in_head = self.weigh(head.iter().copied());
        let told: BTreeSet<u32> = finds.head.iter().flat_map(|f| f.from..f.to).into_set();
        let whole_head = in_head * told.len() as f32 / finds.head_words.max(1) as f32;
        let run = self.longest_run(&finds.head).max(self.longest_run(&finds.body));
        let count = (finds.body.iter().filter(|f| f.paired).count() as f32).ln_1p();
        Score {
            coverage,
            heading: 0.5 * in_head + 0.5 * whole_head,
            value: coverage
                + HEAD_BONUS * in_head
                + WHOLE_HEAD_BONUS * whole_head
                + RUN_BONUS * run
                + COUNT_BONUS * count.min(2.0),
            runs: self.runs_hold(finds),
            place,
        }
    }

    /// How well one sentence of a section fits: what it holds together with the heading and the rest that is known, and
    /// what it holds of that which heading and rest do not say.
    pub(super) fn sentence(&self, section: &Finds, sentence: &Zone) -> f32 {
        let own = self.best(&self.zone(sentence));
        let (head, meta) = (self.best(&section.head), self.best(&section.meta));
        let beside: Vec<f32> = head
            .iter()
            .zip(&meta)
            .map(|(h, m)| h.max(m * META_SHARE))
            .collect();
        let together = self.weigh(beside.iter().zip(&own).map(|(b, o)| b.max(*o)));
        let alone = self.weigh(own.iter().copied());
        let (mut left, mut held) = (0.0f32, 0.0f32);
        for (slot, (said, own)) in self.terms.slots.iter().zip(beside.iter().zip(&own)) {
            if *said < SAID {
                left += slot.weight;
                held += slot.weight * own;
            }
        }
        let rest = if left > 0.0 { held / left } else { 1.0 };
        0.55 * together + 0.33 * rest + 0.12 * alone
    }

    /// The stretch of the body that holds most, together with what the heading and the other fields say.
    fn window(&self, body: &[Found], beside: &[f32]) -> (f32, Option<(u32, u32)>) {
        let mut best = (self.weigh(beside.iter().copied()), None);
        for (i, first) in body.iter().enumerate() {
            let mut held = beside.to_vec();
            let mut end = first.to;
            let mut gained = false;
            for f in body[i..]
                .iter()
                .take_while(|f| f.from < first.from + WINDOW_WORDS)
            {
                let evidence = self.evidence(f);
                if evidence > held[f.slot] {
                    held[f.slot] = evidence;
                    end = end.max(f.to);
                    gained = true;
                }
            }
            let share = self.weigh(held.into_iter());
            if share > best.0 + 1e-4 || (best.1.is_none() && gained && share >= best.0) {
                best = (share, Some((first.from, end)));
            }
        }
        best
    }

    /// The longest stretch of the query that stands in the text as typed, as a share of the query.
    fn longest_run(&self, zone: &[Found]) -> f32 {
        let mut longest = 0usize;
        for (i, f) in zone.iter().enumerate() {
            let starts = !zone[..i]
                .iter()
                .rev()
                .take_while(|g| g.to + MAX_PHRASE > f.from)
                .any(|g| follows(g, f));
            if starts {
                longest = longest.max(self.run_from(zone, i));
            }
        }
        longest as f32 / self.terms.slots.len().max(1) as f32
    }

    fn run_from(&self, zone: &[Found], i: usize) -> usize {
        let (mut length, mut at) = (1, i);
        while let Some(next) = (at + 1..zone.len())
            .take_while(|j| zone[*j].from <= zone[at].to)
            .find(|j| follows(&zone[at], &zone[*j]))
        {
            if !self.terms.slots[zone[next].slot].joined {
                break;
            }
            length += 1;
            at = next;
        }
        length
    }

    fn runs_hold(&self, finds: &Finds) -> bool {
        self.terms.runs.iter().all(|run| {
            let zones: &[&Vec<Found>] = match run.place {
                Place::Heading => &[&finds.head, &finds.meta],
                Place::Text => &[&finds.head, &finds.body],
                Place::Anywhere => &[&finds.head, &finds.body, &finds.meta],
            };
            zones.iter().any(|zone| {
                let begins = zone.iter().enumerate().filter(|(_, f)| f.slot == run.slots.start);
                begins
                    .into_iter()
                    .any(|(i, _)| self.run_from(zone, i) >= run.slots.len())
            })
        })
    }
}

/// Longest phrase that one find may span, in words.
const MAX_PHRASE: u32 = 24;

/// Whether `b` comes right after `a`, in the query and in the text; parts of one phrase share their place.
fn follows(a: &Found, b: &Found) -> bool {
    b.slot == a.slot + 1
        && (b.from == a.to || (b.from == a.from && b.to == a.to && a.paired && b.paired && a.to - a.from > 1))
}
