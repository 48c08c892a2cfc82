//! Drafts of questions made from a document: blanks for numbers, dates and names, and lists to pick from.
//!
//! Every wrong choice comes from the same document, so that nothing is invented; every draft carries its passage. A draft
//! is not a question yet: a person reads it against the passage and accepts it, or not.

use super::package::{Citation, MAX_TEXT_CHARS, Question, THOUSANDTHS, Task};
use crate::answers::sentences;
use crate::library::{Document, Hash, ParagraphKind};
use crate::text::{TokenKind, tokens};
use sotay_feed::IntoTree;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Most drafts from one document.
pub const MAX_DRAFTS: usize = 400;
/// Most drafts from one section, so that one article does not fill the quiz.
const PER_SECTION: usize = 4;
/// Wrong choices beside the right one.
const WRONG: usize = 3;
/// Fewer wrong choices than this make no question of choices.
const LEAST_WRONG: usize = 2;
/// Shorter sentences give the answer away, longer ones are not read on a phone; in characters.
const SENTENCE_CHARS: Range<usize> = 35..320;
/// What stands in the place of the answer.
const BLANK: &str = "……";

/// What a draft leaves blank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DraftKind {
    /// A number with its unit.
    Number,
    /// A date.
    Date,
    /// A name of a body, a person or a place.
    Name,
    /// Items of a list.
    List,
}

/// A question that a person has yet to accept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// What it leaves blank.
    pub kind: DraftKind,
    question: Question,
}

impl Draft {
    /// The question as it would be published: to be read against [`Citation::quote`].
    pub fn question(&self) -> &Question {
        &self.question
    }

    /// Accepts the draft after reading it, with changes if need be. The passage stays.
    pub fn accept(self, change: impl FnOnce(&mut Question)) -> Question {
        let citation = self.question.citation.clone();
        let mut question = self.question;
        change(&mut question);
        question.citation = citation;
        question
    }
}

/// Something in a sentence that can be left blank.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Blank {
    kind: DraftKind,
    range: Range<usize>,
    /// What other blanks must share to serve as wrong choices: the unit of a number.
    class: String,
}

struct Sentence {
    section: usize,
    text: String,
    blanks: Vec<Blank>,
}

/// Makes drafts from a document, in the order of its text. The seed chooses blanks and wrong choices; the same document
/// and seed give the same drafts.
pub fn drafts(document: &Document, seed: u64, limit: usize) -> Vec<Draft> {
    let sentences = read(document);
    let mut pool: BTreeMap<(DraftKind, String), BTreeSet<String>> = BTreeMap::new();
    for sentence in &sentences {
        for blank in &sentence.blanks {
            let words = sentence.text[blank.range.clone()].to_owned();
            pool.entry((blank.kind, blank.class.clone()))
                .or_default()
                .insert(words);
        }
    }
    let mut made: Vec<(usize, Draft)> = Vec::new();
    let id = document.id();
    for (i, sentence) in sentences.iter().enumerate() {
        let here = made
            .iter()
            .filter(|(section, _)| *section == sentence.section)
            .count();
        if here >= PER_SECTION || sentence.blanks.is_empty() {
            continue;
        }
        let pick = Picker { seed, salt: i as u64 };
        let first = pick.number(b"blank", sentence.blanks.len());
        // The first blank that has wrong choices enough, beginning at a chosen one.
        let tried = (0..sentence.blanks.len()).map(|k| &sentence.blanks[(first + k) % sentence.blanks.len()]);
        if let Some(draft) = tried
            .into_iter()
            .find_map(|blank| cloze(document, id, sentence, blank, &pool, &pick))
        {
            made.push((sentence.section, draft));
        }
    }
    made.extend(lists(document, id, seed));
    made.sort_by_key(|(section, _)| *section);
    made.into_iter()
        .map(|(_, draft)| draft)
        .take(limit.min(MAX_DRAFTS))
        .collect()
}

fn read(document: &Document) -> Vec<Sentence> {
    let mut found = Vec::new();
    for (section, s) in document.sections.iter().enumerate() {
        let text = s.text();
        for range in sentences(&text) {
            let sentence = &text[range];
            if SENTENCE_CHARS.contains(&sentence.chars().count()) && !sentence.ends_with(':') {
                found.push(Sentence {
                    section,
                    text: sentence.to_owned(),
                    blanks: blanks(sentence),
                });
            }
        }
    }
    found
}

/// Repeatable choice.
struct Picker {
    seed: u64,
    salt: u64,
}

impl Picker {
    fn key(&self, purpose: &[u8], text: &str) -> Hash {
        let bytes = [
            &self.seed.to_be_bytes(),
            &self.salt.to_be_bytes(),
            purpose,
            text.as_bytes(),
        ]
        .concat();
        Hash::of("sotay/v1/quiz-draft", &bytes)
    }

    fn number(&self, purpose: &[u8], below: usize) -> usize {
        let hash = self.key(purpose, "");
        usize::from(u16::from_be_bytes([hash.0[0], hash.0[1]])) % below.max(1)
    }

    /// The things in a chosen order.
    fn order(&self, mut things: Vec<String>) -> Vec<String> {
        things.sort_by_key(|thing| self.key(b"order", thing));
        things
    }
}

fn cloze(
    document: &Document,
    id: Hash,
    sentence: &Sentence,
    blank: &Blank,
    pool: &BTreeMap<(DraftKind, String), BTreeSet<String>>,
    pick: &Picker,
) -> Option<Draft> {
    let answer = sentence.text[blank.range.clone()].to_owned();
    let text = format!(
        "{}{BLANK}{}",
        &sentence.text[..blank.range.start],
        &sentence.text[blank.range.end..]
    );
    // The answer must not stand elsewhere in the question.
    if text.to_lowercase().contains(&answer.to_lowercase()) {
        return None;
    }
    let value = value_of(&answer).filter(|_| blank.kind == DraftKind::Number);
    let same = |other: &String| {
        (value.is_some() && value_of(other) == value) || other.to_lowercase() == answer.to_lowercase()
    };
    let apart = |other: &String| {
        let (a, b) = (other.to_lowercase(), answer.to_lowercase());
        !same(other) && !(blank.kind == DraftKind::Name && (a.contains(&b) || b.contains(&a)))
    };
    let others = pool.get(&(blank.kind, blank.class.clone()))?;
    let wrong: Vec<String> = others
        .iter()
        .filter(|o| apart(o) && !text.contains(o.as_str()))
        .cloned()
        .collect();
    let mut wrong = pick.order(wrong);
    wrong.truncate(WRONG);
    let task = if wrong.len() >= LEAST_WRONG {
        let right = pick.number(b"place", wrong.len() + 1);
        wrong.insert(right, answer.clone());
        Task::One {
            choices: wrong,
            right: right as u8,
        }
    } else if blank.kind == DraftKind::Number {
        // Too few numbers of its kind in the document: it is typed in.
        Task::Number {
            right: value_of(&answer)?,
            tolerance: 0,
        }
    } else {
        return None;
    };
    let label = document.citation(sentence.section);
    let question = Question {
        text: format!("Điền vào chỗ trống: {text}"),
        task,
        explanation: format!("{label} {}: “{}”", document.code, sentence.text),
        citation: Citation {
            document: id,
            section: sentence.section as u32,
            label,
            quote: sentence.text.clone(),
        },
    };
    (question.explanation.chars().count() <= MAX_TEXT_CHARS).then_some(Draft {
        kind: blank.kind,
        question,
    })
}

/// The value of a text that begins with a number, in thousandths.
fn value_of(text: &str) -> Option<i64> {
    let token = tokens(text).next().filter(|t| t.kind == TokenKind::Number)?;
    let digits = token.value.trim_end_matches('%');
    let (whole, decimals) = digits.split_once(',').unwrap_or((digits, ""));
    let decimals = format!("{decimals:0<3}");
    let thousandths: i64 = decimals.get(..3)?.parse().ok()?;
    whole
        .parse::<i64>()
        .ok()?
        .checked_mul(THOUSANDTHS)?
        .checked_add(thousandths)
}

/// Words before a number that make it a citation or a part of a date, not a quantity.
const NOT_QUANTITIES: [&str; 12] = [
    "điều", "khoản", "điểm", "mục", "chương", "số", "mẫu", "ngày", "tháng", "năm", "khóa", "khoá",
];

fn blanks(sentence: &str) -> Vec<Blank> {
    let words: Vec<_> = tokens(sentence).collect();
    let lower: Vec<String> = words.iter().map(|w| w.raw.to_lowercase()).collect();
    let mut found = Vec::new();
    let mut i = 0;
    while i < words.len() {
        if let Some(end) = date_end(&lower, &words, i) {
            let range = words[i].start..words[end - 1].end();
            found.push(Blank {
                kind: DraftKind::Date,
                range,
                class: (end - i).to_string(),
            });
            i = end;
            continue;
        }
        let quantity = words[i].kind == TokenKind::Number
            && !(i > 0 && NOT_QUANTITIES.contains(&lower[i - 1].as_str()))
            && !touches_code(sentence, &words[i]);
        if quantity && value_of(words[i].raw).is_some() {
            let percent = words[i].value.ends_with('%');
            let unit = if percent {
                "%".to_owned()
            } else {
                lower.get(i + 1).cloned().unwrap_or_default()
            };
            found.push(Blank {
                kind: DraftKind::Number,
                range: words[i].start..words[i].end(),
                class: unit,
            });
        }
        let end = name_end(sentence, &words, i);
        if end > i + 1 {
            let range = words[i].start..words[end - 1].end();
            found.push(Blank {
                kind: DraftKind::Name,
                range,
                class: String::new(),
            });
            i = end;
            continue;
        }
        i += 1;
    }
    found
}

/// A number inside a code or a date with slashes (`59/2023/NĐ-CP`, `2/9`) is no quantity.
fn touches_code(sentence: &str, word: &crate::text::Token<'_>) -> bool {
    sentence[..word.start].ends_with(['/', '-']) || sentence[word.end()..].starts_with(['/', '-'])
}

/// `ngày 01 tháng 7 năm 2023`, `ngày 07 tháng 4`: from the day's number on.
fn date_end(lower: &[String], words: &[crate::text::Token<'_>], i: usize) -> Option<usize> {
    let number = |at: usize| words.get(at).is_some_and(|w| w.kind == TokenKind::Number);
    let is = |at: usize, word: &str| lower.get(at).is_some_and(|w| w == word);
    if i == 0 || !is(i - 1, "ngày") || !number(i) || !is(i + 1, "tháng") || !number(i + 2) {
        return None;
    }
    Some(if is(i + 3, "năm") && number(i + 4) {
        i + 5
    } else {
        i + 3
    })
}

/// Words that begin the name of a body; such a name goes on in small letters.
const BODIES: [&str; 16] = [
    "Ủy ban nhân dân cấp xã",
    "Ủy ban nhân dân cấp huyện",
    "Ủy ban nhân dân cấp tỉnh",
    "Uỷ ban nhân dân cấp xã",
    "Hội đồng nhân dân cấp xã",
    "Hội đồng nhân dân",
    "Chủ tịch Ủy ban nhân dân cấp xã",
    "Ban công tác Mặt trận",
    "Ban Thanh tra nhân dân",
    "Ban Giám sát đầu tư của cộng đồng",
    "Thủ tướng Chính phủ",
    "Ủy ban Mặt trận Tổ quốc Việt Nam",
    "Trưởng thôn",
    "Tổ trưởng tổ dân phố",
    "Hội Cựu chiến binh Việt Nam",
    "Bộ trưởng Bộ Nội vụ",
];

/// The end of a name that begins at word `i`: a known body, or two or more words in capitals inside a sentence.
fn name_end(sentence: &str, words: &[crate::text::Token<'_>], i: usize) -> usize {
    let rest = &sentence[words[i].start..];
    if let Some(body) = BODIES
        .iter()
        .filter(|b| rest.starts_with(**b))
        .max_by_key(|b| b.len())
    {
        return i + body.split(' ').count();
    }
    let capital = |at: usize| {
        words.get(at).is_some_and(|w: &crate::text::Token<'_>| {
            let mut chars = w.raw.chars();
            chars.next().is_some_and(char::is_uppercase)
                && chars.clone().next().is_some()
                && chars.all(char::is_lowercase)
        })
    };
    let joined = |at: usize| sentence[words[at - 1].end()..words[at].start] == *" ";
    // The first word of a sentence is in capitals anyway.
    let begins = i > 0
        && !sentence[..words[i].start]
            .trim_end()
            .ends_with(['.', ';', ':', '“', '"', '(']);
    if !begins || !capital(i) {
        return i;
    }
    let mut end = i + 1;
    while end < words.len() && capital(end) && joined(end) {
        end += 1;
    }
    if end - i >= 2 { end } else { i }
}

/// Questions that ask which items belong to a list; the wrong ones belong to other lists of the document.
fn lists(document: &Document, id: Hash, seed: u64) -> Vec<(usize, Draft)> {
    let found: Vec<(usize, Vec<String>)> = (0..document.sections.len())
        .filter_map(|i| Some((i, items(document, i)?)))
        .collect();
    let mut made = Vec::new();
    for (at, (section, items)) in found.iter().enumerate() {
        let heading = &document.sections[*section].heading;
        let pick = Picker {
            seed,
            salt: *section as u64,
        };
        let mut right = pick.order(items.clone());
        right.truncate(LIST_RIGHT);
        let own: BTreeSet<&String> = items.iter().into_set();
        let others = found
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != at)
            .flat_map(|(_, (_, items))| items);
        let mut wrong = pick.order(others.filter(|item| !own.contains(item)).cloned().collect());
        wrong.dedup();
        wrong.truncate(LIST_WRONG);
        if heading.is_empty() || right.len() < LEAST_WRONG || wrong.len() < LEAST_WRONG {
            continue;
        }
        let quote = right[0].clone();
        let all: Vec<String> = pick.order(right.iter().chain(&wrong).cloned().collect());
        let indices: BTreeSet<u8> = all
            .iter()
            .enumerate()
            .filter(|(_, item)| right.contains(item))
            .map(|(i, _)| i as u8)
            .collect();
        let label = document.citation(*section);
        let question = Question {
            text: format!(
                "{label} {}: những nội dung nào sau đây thuộc “{heading}”?",
                document.code
            ),
            task: Task::Several {
                choices: all,
                right: indices,
            },
            explanation: format!("{label} {} nêu: “{}”", document.code, right.join("” “")),
            citation: Citation {
                document: id,
                section: *section as u32,
                label,
                quote,
            },
        };
        if question.explanation.chars().count() <= MAX_TEXT_CHARS {
            made.push((
                *section,
                Draft {
                    kind: DraftKind::List,
                    question,
                },
            ));
        }
    }
    made
}

/// Right items shown of a list.
const LIST_RIGHT: usize = 3;
/// Wrong items shown beside them.
const LIST_WRONG: usize = 2;
/// An item that can be read as a choice, in characters.
const ITEM_CHARS: Range<usize> = 12..220;

/// The items of a section's list, verbatim but for the mark: points, or clauses that are no longer than a line.
fn items(document: &Document, section: usize) -> Option<Vec<String>> {
    let section = &document.sections[section];
    for kind in [ParagraphKind::Point, ParagraphKind::Clause] {
        let of_kind = section.paragraphs.iter().filter(|p| p.kind == kind);
        let bodies = of_kind.filter_map(|p| sentences(&p.text).first().map(|r| p.text[r.clone()].to_owned()));
        let short: Vec<String> = bodies
            .filter(|t| ITEM_CHARS.contains(&t.chars().count()) && !t.ends_with(':'))
            .map(|t| t.trim_end_matches([';', '.', ',']).to_owned())
            .collect();
        if short.len() >= LIST_RIGHT {
            return Some(short);
        }
    }
    None
}

#[cfg(test)]
#[path = "draft_tests.rs"]
mod tests;
