//! What a query names outright: documents by code, type, number, year; sections by article, chapter, clause.

use super::file::{DocInfo, LabelKind, label_number};
use super::typed::{Typed, TypedQuery};
use super::words::{folded_phrase, may_abbreviate, phrase};
use crate::library::{Date, DocumentType, as_year, document_types, folded};
use crate::text::TokenKind;
use sotay_feed::IntoTree;
use std::collections::BTreeSet;
use std::ops::Range;

/// A document named by parts of its code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CodeRef {
    pub(super) number: Option<u32>,
    pub(super) year: Option<u16>,
    /// Type abbreviation, folded.
    pub(super) kind: Option<String>,
    /// The type's name, if it was written out: `quyết định` and `quy định` share an abbreviation.
    pub(super) name: Option<&'static str>,
    /// Other parts of the code, folded.
    pub(super) issuer: Vec<String>,
    /// Written as a code or with "số": no document means no result.
    pub(super) strict: bool,
    /// The words of the query that say it.
    pub(super) words: Range<usize>,
}

/// A section named by its label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LabelRef {
    pub(super) kind: LabelKind,
    pub(super) number: String,
    pub(super) words: Range<usize>,
}

/// Everything a query names.
#[derive(Clone, Debug, Default)]
pub(super) struct References {
    pub(super) codes: Vec<CodeRef>,
    pub(super) labels: Vec<LabelRef>,
    pub(super) year: Option<u16>,
    pub(super) date: Option<Date>,
    /// The words that say year and date.
    pub(super) when: Vec<usize>,
}

/// The parts of codes that occur in the index.
pub(super) struct CodeWords {
    kinds: BTreeSet<String>,
    issuers: BTreeSet<String>,
}

impl CodeWords {
    pub(super) fn of(docs: &[DocInfo]) -> Self {
        let mut kinds: BTreeSet<String> = document_types().map(|t| folded(t.abbreviation)).into_set();
        let mut issuers = BTreeSet::new();
        for doc in docs {
            if let Some((first, rest)) = doc.code.words.split_first() {
                let known_kind = kinds.contains(first) || rest.is_empty();
                if known_kind && !rest.is_empty() {
                    kinds.insert(first.clone());
                    issuers.extend(rest.iter().cloned());
                } else {
                    issuers.extend(doc.code.words.iter().cloned());
                }
            }
        }
        Self { kinds, issuers }
    }

    fn kind(&self, word: &Typed) -> bool {
        word.kind == TokenKind::Word && self.kinds.contains(&word.keys.bare)
    }

    fn issuer(&self, word: &Typed) -> bool {
        word.kind == TokenKind::Word && self.issuers.contains(&word.keys.bare)
    }
}

impl CodeRef {
    /// Whether a document is the one named.
    pub(super) fn names(&self, doc: &DocInfo) -> bool {
        let known = DocumentType::find(&doc.kind);
        let kind_fits = self.kind.as_ref().is_none_or(|kind| {
            doc.code.words.contains(kind)
                || folded(&doc.kind) == *kind
                || known.is_some_and(|t| {
                    folded(t.abbreviation) == *kind && doc.code.words.iter().all(|w| !is_kind(w))
                })
        });
        // A type given as an abbreviation may stand for either of its names.
        let name_fits = self.name.is_none_or(|name| {
            folded(&doc.kind) == folded(name)
                || known.is_none_or(|t| folded(t.abbreviation) == folded(&doc.kind) || t.name == name)
        });
        let year_fits = self
            .year
            .is_none_or(|year| doc.code.year.map_or(doc.date.year == year, |own| own == year));
        let number_fits = self.number.is_none_or(|number| doc.code.number == Some(number));
        number_fits
            && year_fits
            && kind_fits
            && name_fits
            && self.issuer.iter().all(|part| doc.code.words.contains(part))
    }
}

fn is_kind(word: &str) -> bool {
    document_types().any(|t| folded(t.abbreviation) == word)
}

/// After these a number counts things and is no document's number.
const UNITS: [&str; 14] = [
    "nam", "thang", "ngay", "nguoi", "dong", "gio", "phut", "tuoi", "lan", "phan", "ho", "quy", "tuan",
    "buoi",
];

/// Finds what the query names.
pub(super) fn find(query: &TypedQuery, codes: &CodeWords) -> References {
    let words = &query.words;
    let mut refs = References::default();
    let mut i = 0;
    while i < words.len() {
        if let Some(label) = label(words, i) {
            i = label.words.end;
            refs.labels.push(label);
        } else if let Some(date) = date(words, i) {
            refs.date = Some(date.0);
            refs.when.extend(i..date.1);
            i = date.1;
        } else if let Some(code) = code(words, i, codes, query.has_marks()) {
            i = code.words.end;
            refs.codes.push(code);
        } else {
            if let Some(year) = as_year(&words[i].keys.exact).filter(|_| words[i].is_number()) {
                refs.year = Some(year);
                let said = i > 0 && words[i - 1].keys.folded == "nam";
                refs.when.extend(i - usize::from(said)..=i);
            }
            i += 1;
        }
    }
    refs
}

fn integer(word: &Typed) -> Option<u32> {
    if word.is_number() {
        word.keys.exact.parse().ok().filter(|n| *n < 100_000)
    } else {
        None
    }
}

/// `6/7/2018`, `06-07-2018`, `ngày 6 tháng 7 năm 2018`.
fn date(words: &[Typed], i: usize) -> Option<(Date, usize)> {
    let number = |at: usize| words.get(at).and_then(integer);
    let day = |d: u32, m: u32, y: u32| {
        Date::new(
            u16::try_from(y).ok()?,
            u8::try_from(m).ok()?,
            u8::try_from(d).ok()?,
        )
    };
    let is = |at: usize, key: &str| words.get(at).is_some_and(|w| w.keys.folded == key);
    if is(i, "ngay") && is(i + 2, "thang") && is(i + 4, "nam") {
        return Some((day(number(i + 1)?, number(i + 3)?, number(i + 5)?)?, i + 6));
    }
    let after = |at: usize| {
        words
            .get(at)
            .is_some_and(|w| matches!(w.after.as_str(), "/" | "-" | "."))
    };
    if after(i) && after(i + 1) {
        return Some((day(number(i)?, number(i + 1)?, number(i + 2)?)?, i + 3));
    }
    None
}

fn code(words: &[Typed], i: usize, codes: &CodeWords, marked: bool) -> Option<CodeRef> {
    number_first(words, i, codes)
        .or_else(|| kind_first(words, i, codes))
        .or_else(|| name_first(words, i, codes, marked))
}

/// `12-HD/BTCTW`, `12 hd btctw`, `59/2023/NĐ-CP`.
fn number_first(words: &[Typed], i: usize, codes: &CodeWords) -> Option<CodeRef> {
    let mut found = CodeRef {
        number: Some(integer(&words[i])?),
        words: i..i + 1,
        ..CodeRef::default()
    };
    let mut at = i + 1;
    let tight = words[i].tight();
    if tight
        && words[i].after.contains('/')
        && let Some(year) = words.get(at).and_then(|w| as_year(&w.keys.exact))
    {
        found.year = Some(year);
        found.strict = true;
        at += 1;
    }
    let joined = at == i + 1 && tight || at > i + 1 && words[at - 1].tight();
    let kind = words
        .get(at)
        .filter(|w| codes.kind(w) && (joined || may_abbreviate(&w.raw)));
    if let Some(kind) = kind {
        found.kind = Some(kind.keys.bare.clone());
        found.strict |= joined;
        at += 1;
    } else if !(joined && words.get(at).is_some_and(|w| codes.issuer(w))) && found.year.is_none() {
        return None;
    }
    at = issuers(words, at, codes, &mut found);
    // "10/QH15": number and issuer without a type.
    (found.kind.is_some() || found.year.is_some() || !found.issuer.is_empty()).then(|| {
        found.words.end = at;
        found
    })
}

/// Takes the parts of a code that follow.
fn issuers(words: &[Typed], mut at: usize, codes: &CodeWords, found: &mut CodeRef) -> usize {
    while let Some(word) = words.get(at) {
        let tight = words[at - 1].tight();
        let part = codes.issuer(word) && (tight || may_abbreviate(&word.raw));
        // In a code written out, unknown parts belong to it as well.
        if !(part || (tight && found.strict && word.kind == TokenKind::Word)) {
            break;
        }
        found.issuer.push(word.keys.bare.clone());
        at += 1;
    }
    at
}

/// `HD 12`, `hd 12 btctw`, `NĐ 30/2020`, `nq/cb`.
fn kind_first(words: &[Typed], i: usize, codes: &CodeWords) -> Option<CodeRef> {
    let word = &words[i];
    let next = words.get(i + 1)?;
    if !codes.kind(word) || !(may_abbreviate(&word.raw) || word.tight() && codes.issuer(next)) {
        return None;
    }
    let mut found = CodeRef {
        kind: Some(word.keys.bare.clone()),
        words: i..i + 2,
        ..CodeRef::default()
    };
    let said = next.keys.folded == "so";
    let number_at = i + 1 + usize::from(said);
    if let Some(number) = words
        .get(number_at)
        .and_then(integer)
        .filter(|_| !counts(words, number_at))
    {
        found.number = Some(number);
        found.strict = said;
        found.words.end = after_number(words, number_at, codes, &mut found);
        return Some(found);
    }
    if codes.issuer(next) && (word.tight() || may_abbreviate(&next.raw)) {
        found.words.end = issuers(words, i + 1, codes, &mut found);
        return Some(found);
    }
    None
}

/// `hướng dẫn 12`, `nghị quyết số 6`, `Nghị định 59/2023/NĐ-CP`, `văn bản số 12`.
fn name_first(words: &[Typed], i: usize, codes: &CodeWords, marked: bool) -> Option<CodeRef> {
    let matches = |name: &str| {
        let wanted = if marked { phrase(name) } else { folded_phrase(name) };
        let typed = words[i..]
            .iter()
            .map(|w| if marked { &w.keys.canonical } else { &w.keys.folded });
        (typed.take(wanted.len()).eq(wanted.iter())).then_some(wanted.len())
    };
    let any_kind = matches("văn bản").map(|len| (None, len));
    let typed = document_types().flat_map(|t| t.names().map(move |name| (t, name)));
    let named = typed
        .filter_map(|(t, name)| Some((Some(t), matches(name)?)))
        .max_by_key(|(_, len)| *len);
    let (kind, len) = named.or(any_kind)?;
    let mut at = i + len;
    let said = words.get(at).is_some_and(|w| w.keys.folded == "so");
    at += usize::from(said);
    let number = number_of(words, at, said)?;
    if kind.is_none() && !said {
        return None;
    }
    let mut found = CodeRef {
        number: Some(number),
        kind: kind.map(|t| folded(t.abbreviation)),
        name: kind.map(|t| t.name),
        strict: said,
        words: i..at + 1,
        ..CodeRef::default()
    };
    found.words.end = after_number(words, at, codes, &mut found);
    Some(found)
}

/// What may follow the number of a code: a year after a slash, the type again, the issuer.
fn after_number(words: &[Typed], number_at: usize, codes: &CodeWords, found: &mut CodeRef) -> usize {
    let mut at = number_at + 1;
    if words[number_at].tight()
        && let Some(year) = words.get(at).and_then(|w| as_year(&w.keys.exact))
    {
        found.year = Some(year);
        at += 1;
    }
    if words[at - 1].tight() && words.get(at).is_some_and(|w| codes.kind(w)) {
        found.kind = words.get(at).map(|w| w.keys.bare.clone());
        found.strict = true;
        at += 1;
    }
    issuers(words, at, codes, found)
}

/// The number of a document after its type. Without "số", a number that counts things or is a year is none.
fn number_of(words: &[Typed], at: usize, said: bool) -> Option<u32> {
    let word = words.get(at)?;
    let tight = word.tight() && words.get(at + 1).is_some();
    let year = as_year(&word.keys.exact).is_some() && !tight;
    integer(word).filter(|_| said || !(counts(words, at) || year))
}

fn counts(words: &[Typed], number_at: usize) -> bool {
    let next = words.get(number_at + 1).map(|w| w.keys.folded.as_str());
    // "nghị quyết 6 năm 2024" and "hướng dẫn 12 ngày 6/6/2022" name a number and a time; "kế hoạch 5 năm" counts years.
    let time_follows =
        matches!(next, Some("nam" | "ngay")) && words.get(number_at + 2).is_some_and(Typed::is_number);
    next.is_some_and(|unit| UNITS.contains(&unit)) && !time_follows
}

/// `Điều 5`, `dieu 5a`, `khoản 2`, `chương II`, `mục 2.1`.
fn label(words: &[Typed], i: usize) -> Option<LabelRef> {
    const NAMES: [(&str, &str, LabelKind); 5] = [
        ("điều", "dieu", LabelKind::Article),
        ("khoản", "khoan", LabelKind::Clause),
        ("mục", "muc", LabelKind::Division),
        ("chương", "chuong", LabelKind::Chapter),
        ("phần", "phan", LabelKind::Part),
    ];
    let word = &words[i];
    let spelt = |with: &str, without: &str| {
        word.keys.canonical == crate::text::keys(with).canonical
            || (!word.has_marks() && word.keys.bare == without)
    };
    let (_, _, kind) = NAMES.iter().find(|(with, without, _)| spelt(with, without))?;
    let smaller = i > 0 && words[i - 1].keys.folded == "tieu" && *kind == LabelKind::Division;
    let kind = if smaller { LabelKind::Subdivision } else { *kind };
    let next = words.get(i + 1)?;
    // "hai phần ba", "2 phần 3": a fraction.
    if kind == LabelKind::Part && i > 0 && words[i - 1].is_number() {
        return None;
    }
    if word.after.contains(['.', ',', ';', ':', '?', '!']) {
        return None;
    }
    let roman = matches!(kind, LabelKind::Division | LabelKind::Chapter | LabelKind::Part);
    let mut end = i + 2;
    let number = if next.is_number() {
        let mut number = next.raw.trim_start_matches('0').to_owned();
        let shaped = number
            .split('.')
            .all(|g| !g.is_empty() && g.len() <= 3 && g.bytes().all(|b| b.is_ascii_digit()));
        if !shaped {
            return None;
        }
        // "Điều 5a": the letter belongs to the number.
        let letter = words
            .get(i + 2)
            .filter(|w| next.after.is_empty() && w.raw.chars().count() == 1);
        if let Some(letter) = letter {
            number.push_str(&letter.keys.exact);
            end += 1;
        }
        number
    } else if roman && crate::library::roman_value(&next.raw.to_uppercase()).is_some() {
        next.raw.to_uppercase()
    } else {
        return None;
    };
    Some(LabelRef {
        kind,
        number: label_number(&number),
        words: i - usize::from(smaller)..end,
    })
}

/// The documents that fit every code named.
pub(super) fn documents(refs: &References, code: &CodeRef, docs: &[DocInfo]) -> BTreeSet<i64> {
    let when = |doc: &DocInfo| {
        let year = refs
            .year
            .is_none_or(|year| doc.date.year == year || doc.code.year == Some(year));
        year && refs.date.is_none_or(|date| doc.date == date)
    };
    docs.iter()
        .filter(|doc| code.names(doc) && when(doc))
        .map(|doc| doc.id)
        .collect()
}
