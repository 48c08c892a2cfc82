//! Answers to questions, extractive: a sentence that stands in a document, in quotes, with where it stands.
//!
//! Nothing is ever made up: an answer is a piece of the text of the section it cites, byte for byte. Below the threshold
//! the answer is that nothing was found, and the app offers to keep the question for the secretary.

mod sentences;

pub(crate) use sentences::sentences;

use crate::library::{Date, Superseded};
use crate::search::{Asked, Hit, Index, Scale, SearchError, Weighed};
use crate::text::{TokenKind, keys, number_run, tokens};
use sotay_feed::InOrder;
use std::collections::BTreeSet;

/// Most answers to one question.
pub const MAX_ANSWERS: usize = 3;
/// What is said when nothing was found.
pub const NOT_FOUND: &str = "Không tìm thấy trong các văn bản trên máy";
/// Sections that are read for an answer.
const SECTIONS: usize = 40;
/// Less of the question than this in a section is no answer.
const LEAST_SECTION: f32 = 0.62;
/// A section that says fewer of the words of the question, rare or not, speaks of something else: "bí thư" is no
/// "bí thư tỉnh ủy", however common "tỉnh ủy" is.
const LEAST_WORDS: f32 = 0.68;
/// Less than this in sentence and section together is no answer.
const LEAST_ANSWER: f32 = 0.64;
/// Answers below this share of the best one are left out.
const SHARE_OF_BEST: f32 = 0.8;
/// How much the sentence itself counts.
const SENTENCE_SHARE: f32 = 0.68;
/// How much its section counts.
const SECTION_SHARE: f32 = 0.22;
/// How much counts that the section's heading is what was asked.
const HEADING_SHARE: f32 = 0.12;
/// For a sentence that holds what was asked for: a number, a day.
const ASKED_BONUS: f32 = 0.14;
/// For a sentence no longer than it need be: of two that hold the same, the shorter one is the answer.
const BREVITY_BONUS: f32 = 0.05;
/// A short sentence, in characters.
const SHORT_CHARS: f32 = 100.0;
/// For a sentence that defines the very thing asked for.
const DEFINITION_BONUS: f32 = 0.3;
/// A quote that opens a list goes on to about this length, in bytes.
const LIST_BYTES: usize = 500;

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The sentence, verbatim in the cited section.
    pub quote: String,
    /// The document's key.
    pub doc: String,
    /// The document's code.
    pub code: String,
    /// The document's date.
    pub date: Date,
    /// How the section is cited.
    pub section: String,
    /// Index of the section in its document: the link.
    pub ordinal: u32,
    /// Title of document and section.
    pub title: String,
    /// What other documents do to this one; not empty means a banner.
    pub superseded: Vec<Superseded>,
}

/// The answers to a question, best first; none means [`NOT_FOUND`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// At most [`MAX_ANSWERS`].
    pub answers: Vec<Quote>,
}

impl Answer {
    /// Whether there is an answer.
    pub fn found(&self) -> bool {
        !self.answers.is_empty()
    }
}

struct Scored {
    value: f32,
    quote: Quote,
}

impl Index {
    /// Answers a question from the documents of the index.
    pub fn ask(&self, question: &str) -> Result<Answer, SearchError> {
        let weighed = self.weigh(question, SECTIONS)?;
        let scale = weighed.scale();
        let words = content_words(question);
        let mut scored: Vec<Scored> = Vec::new();
        for section in 0..weighed.sections() {
            if weighed.coverage(section) < LEAST_SECTION || weighed.words_held(section) < LEAST_WORDS {
                continue;
            }
            let (text, hit) = self.weighed_text(&weighed, section)?;
            if let Some((value, quote)) = best_sentence(&weighed, &scale, section, &text, &words) {
                scored.push(Scored {
                    value,
                    quote: cite(quote, hit),
                });
            }
        }
        scored.in_order_by(|a, b| b.value.total_cmp(&a.value));
        let best = scored.first().map_or(0.0, |s| s.value);
        let mut seen = BTreeSet::new();
        let answers = scored
            .into_iter()
            .filter(|s| s.value >= LEAST_ANSWER.max(best * SHARE_OF_BEST))
            .map(|s| s.quote)
            .filter(|quote| seen.insert(quote.quote.clone()))
            .take(MAX_ANSWERS)
            .collect();
        Ok(Answer { answers })
    }
}

fn cite(quote: String, hit: Hit) -> Quote {
    Quote {
        quote,
        doc: hit.doc,
        code: hit.code,
        date: hit.date,
        section: hit.section,
        ordinal: hit.ordinal,
        title: hit.title,
        superseded: hit.superseded,
    }
}

/// The canonical keys of the words of a question.
fn content_words(question: &str) -> BTreeSet<String> {
    let cleaned = crate::text::clean(question);
    tokens(&cleaned).map(|t| keys(&t.value).canonical).collect()
}

fn best_sentence(
    weighed: &Weighed<'_>,
    scale: &Scale<'_>,
    section: usize,
    text: &str,
    words: &BTreeSet<String>,
) -> Option<(f32, String)> {
    let ranges = sentences(text);
    let mut best: Option<(f32, usize)> = None;
    for (i, range) in ranges.iter().enumerate() {
        let sentence = &text[range.clone()];
        let own = scale.sentence(section, sentence);
        let value = SENTENCE_SHARE * own
            + SECTION_SHARE * weighed.coverage(section)
            + HEADING_SHARE * weighed.heading(section)
            + BREVITY_BONUS * (SHORT_CHARS / sentence.chars().count() as f32).min(1.0)
            + weighed
                .asked()
                .iter()
                .map(|asked| bonus(*asked, sentence, words))
                .sum::<f32>();
        // Of equal sentences the first is the rule, the later ones are its cases.
        if best.is_none_or(|(found, _)| value > found + 1e-4) {
            best = Some((value, i));
        }
    }
    let (value, i) = best?;
    let end = if text[ranges[i].clone()].ends_with(':') {
        list_end(text, &ranges, i)
    } else {
        ranges[i].end
    };
    Some((value, text[ranges[i].start..end].to_owned()))
}

/// What a sentence gains by holding what was asked for, or loses by lacking what can be told to be lacking.
fn bonus(asked: Asked, sentence: &str, words: &BTreeSet<String>) -> f32 {
    let held = if asked == Asked::Definition {
        defines(sentence, words)
    } else {
        holds(asked, sentence)
    };
    let sure = matches!(
        asked,
        Asked::Number | Asked::Duration | Asked::Time | Asked::Place
    );
    match (held, sure) {
        (true, _) if asked == Asked::Definition => DEFINITION_BONUS,
        (true, _) => ASKED_BONUS,
        (false, true) => -ASKED_BONUS,
        (false, false) => 0.0,
    }
}

/// Whether a sentence says what the thing asked for is: "Cơ sở là …", with nothing but the thing before the "là".
fn defines(sentence: &str, words: &BTreeSet<String>) -> bool {
    let Some((subject, _)) = sentence.split_once(" là ") else {
        return false;
    };
    let subject: Vec<String> = tokens(subject).map(|t| keys(&t.value).canonical).collect();
    let asked = words.len().saturating_sub(QUESTION_WORDS);
    !subject.is_empty()
        && subject.iter().all(|w| words.contains(w))
        && subject.len() >= MIN_SUBJECT.min(asked)
}

/// A thing named by one syllable is too little to be sure of.
const MIN_SUBJECT: usize = 2;

/// "là gì": the words of a question of definition that are not the thing.
const QUESTION_WORDS: usize = 2;

/// A sentence that opens a list is quoted with the list, as far as it is short.
fn list_end(text: &str, ranges: &[std::ops::Range<usize>], i: usize) -> usize {
    let start = ranges[i].start;
    let mut end = ranges[i].end;
    for next in &ranges[i + 1..] {
        if next.end - start > LIST_BYTES {
            break;
        }
        end = next.end;
        // The last item of a list ends with a full stop.
        if text[next.clone()].ends_with('.') {
            break;
        }
    }
    end
}

/// Whether a sentence holds the kind of thing that was asked for.
fn holds(asked: Asked, sentence: &str) -> bool {
    let lower = sentence.to_lowercase();
    let words: Vec<_> = tokens(&lower).collect();
    let values: Vec<&str> = words.iter().map(|t| t.raw).collect();
    let cites =
        |i: usize| i > 0 && matches!(values[i - 1], "điều" | "khoản" | "điểm" | "mục" | "chương" | "số");
    let vague = |i: usize| {
        let next = values.get(i + 1).copied().unwrap_or("");
        values[i] == "một" && matches!(next, "số" | "trong" | "phần" | "cách" | "bộ" | "bên" | "mặt")
    };
    let number_at = |i: usize| match words[i].kind {
        TokenKind::Number => !cites(i),
        TokenKind::Word => number_run(&values[i..]).is_some() && !vague(i),
    };
    let numbers = || (0..words.len()).filter(|i| number_at(*i));
    let has = |list: &[&str]| list.iter().any(|w| lower.contains(w));
    let unit_after = |units: &[&str]| {
        numbers().any(|i| {
            let len = number_run(&values[i..]).map_or(1, |run| run.words);
            values.get(i + len).is_some_and(|unit| units.contains(unit))
        })
    };
    match asked {
        Asked::Number => numbers().next().is_some(),
        Asked::Duration => unit_after(&["ngày", "tháng", "năm", "giờ", "phút", "tuần", "quý"]),
        Asked::Time => {
            has(&[
                "ngày ký",
                "ngày ban hành",
                "ngày công bố",
                "ngày thông qua",
                "hằng năm",
                "hàng năm",
                "hằng tháng",
                "hàng tháng",
                "mỗi tháng",
                "mỗi quý",
            ]) || values
                .windows(2)
                .enumerate()
                .any(|(i, w)| matches!(w[0], "ngày" | "tháng" | "năm" | "lúc" | "quý") && number_at(i + 1))
        }
        Asked::Place => has(&[" tại ", " ở ", "trụ sở", "địa điểm"]),
        Asked::Person => has(&[
            "chủ tịch",
            "bí thư",
            "trưởng",
            "người ",
            "ban ",
            "ủy ban",
            "đồng chí",
            "hội ",
            "cơ quan",
        ]),
        Asked::Reason => has(&[" vì ", " do ", "nhằm", "để ", "nguyên nhân"]),
        Asked::Manner => has(&["bằng ", "theo ", "hình thức", "thông qua", "qua "]),
        Asked::Definition | Asked::Any => false,
        Asked::List => {
            has(&["gồm", "sau đây", "sau:", "như sau"]) || sentence.matches([',', ';']).count() > 2
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_has_nothing_but_the_thing_before_its_verb() {
        let words = content_words("cơ sở là gì");
        assert!(defines("Cơ sở là xã, phường, thị trấn.", &words));
        assert!(!defines("Cơ sở chăm sóc người cao tuổi là nơi chăm sóc.", &words));
        assert!(!defines("Cơ sở gồm xã, phường.", &words));
    }

    #[test]
    fn sentences_that_hold_what_was_asked_for_are_known() {
        assert!(holds(Asked::Duration, "nộp nơi đến trong 30 ngày."));
        assert!(holds(Asked::Duration, "báo chi bộ trong mười lăm ngày"));
        assert!(!holds(Asked::Duration, "tổ chức ngày hội"));
        assert!(holds(Asked::Time, "có hiệu lực từ ngày 01 tháng 7 năm 2023."));
        assert!(!holds(Asked::Time, "trong những ngày qua"));
        assert!(!holds(
            Asked::Number,
            "theo quy định tại khoản 1 Điều 7, dành một số giường"
        ));
        assert!(holds(Asked::Number, "đạt bảy điểm") && !holds(Asked::Number, "đạt điểm cao"));
    }
}
