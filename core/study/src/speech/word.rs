//! Words: abbreviations in full, letters by name, capitals lowered.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::data::abbreviations::{ABBREVIATIONS, AUTHORITIES, PIECES, When};
use super::data::codes::{ISSUERS, TYPES};
use super::data::context::VARIETIES;
use super::number;
use super::scan::{Said, Scan, ends_with_any, ends_with_word, leading_digits, leading_word};
use super::syllable::is_syllable;

/// Fewest digits behind capitals that make an identifier; "QL1A" and "H5N1" are names.
const IDENTIFIER_DIGITS: usize = 5;

/// Most capitals before such digits.
const IDENTIFIER_LETTERS: usize = 3;

/// How many words back, with the blank before it, the first factor of "x" stands.
const FACTOR_WORDS: usize = 4;

/// Lines of the abbreviation table by their first letter.
static BY_LETTER: LazyLock<BTreeMap<char, Vec<usize>>> = LazyLock::new(|| {
    let mut index: BTreeMap<char, Vec<usize>> = BTreeMap::new();
    for (line, (written, _, _)) in ABBREVIATIONS.iter().enumerate() {
        if let Some(first) = written.chars().next() {
            index.entry(first).or_default().push(line);
        }
    }
    index
});

/// Speaks a word that is not to be read as it is written; false for every other word.
pub(super) fn word(scan: &mut Scan<'_>) -> bool {
    month_sign(scan)
        || lettered_identifier(scan)
        || composed(scan)
        || variety(scan)
        || abbreviation(scan)
        || clause_letter(scan)
        || times_sign(scan)
        || temperature(scan)
        || with_digits(scan)
        || capitals(scan)
}

/// A run of letters without its surroundings: an abbreviation in full, letters by name, or a lowered word.
pub(super) fn spoken_alone(text: &str) -> String {
    let known = ABBREVIATIONS
        .iter()
        .find(|(written, _, when)| *written == text && *when == When::Always);
    match known {
        Some((_, spoken, _)) => (*spoken).to_owned(),
        None if is_capitals(text) && !is_syllable(text) => number::letters(text),
        None if is_capitals(text) => text.to_lowercase(),
        None => text.to_owned(),
    }
}

fn is_capitals(text: &str) -> bool {
    text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase)
}

/// "T4/2024".
fn month_sign(scan: &mut Scan<'_>) -> bool {
    let Some(digits) = scan
        .rest()
        .strip_prefix('T')
        .map(leading_digits)
        .filter(|d| (1..=2).contains(&d.len()))
    else {
        return false;
    };
    let year = scan.rest()[1 + digits.len()..]
        .strip_prefix('/')
        .map(leading_digits);
    let is_month = digits.parse().is_ok_and(|m: u32| (1..=12).contains(&m));
    if is_month && year.is_some_and(|y| y.len() == 4) {
        let name = if scan.follows(&["tháng"]) { "" } else { "tháng" };
        // The digits are left to the calendar, which now finds itself after "tháng".
        scan.say(&format!("{name} {}", number::month(digits, scan.region)));
        scan.at += 1 + digits.len();
        let year = leading_digits(&scan.rest()[1..]);
        let words = format!(" năm {}", number::cardinal(year, scan.region));
        scan.replace(1 + year.len(), &words, Said::Month);
        return true;
    }
    false
}

/// "B1234567", "GD4340123456789": the number of a passport or of an insurance card.
fn lettered_identifier(scan: &mut Scan<'_>) -> bool {
    let rest = scan.rest();
    let text = leading_word(rest);
    let digits = leading_digits(&rest[text.len()..]);
    if digits.len() < IDENTIFIER_DIGITS
        || text.len() > IDENTIFIER_LETTERS
        || !text.bytes().all(|b| b.is_ascii_uppercase())
    {
        return false;
    }
    let words = format!("{} {}", number::letters(text), number::spelled(digits));
    scan.replace(text.len() + digits.len(), &words, Said::Plain);
    true
}

/// "giống lúa BC15": letters before digits after a word for what has such names are no abbreviation.
fn variety(scan: &mut Scan<'_>) -> bool {
    let text = leading_word(scan.rest());
    let digits = leading_digits(&scan.rest()[text.len()..]);
    let named =
        scan.follows(VARIETIES) || ends_with_any(scan.list_context(|c| c.is_ascii_alphanumeric()), VARIETIES);
    if digits.is_empty() || !is_capitals(text) || !named {
        return false;
    }
    scan.replace(text.len(), &number::letters(text), Said::Plain);
    true
}

fn abbreviation(scan: &mut Scan<'_>) -> bool {
    let rest = scan.rest();
    let Some(lines) = scan.next().and_then(|c| BY_LETTER.get(&c)) else {
        return false;
    };
    let mut best: Option<(usize, &str)> = None;
    for (written, spoken, when) in lines.iter().map(|line| ABBREVIATIONS[*line]) {
        let Some(after) = rest
            .strip_prefix(written)
            .filter(|after| is_whole(written, after))
        else {
            continue;
        };
        if best.is_some_and(|(len, _)| len >= written.len()) || !applies(scan, written, when, after) {
            continue;
        }
        best = Some((written.len(), spoken));
    }
    let Some((len, spoken)) = best else { return false };
    let stop = stop_belongs(&rest[..len], spoken, &rest[len..]);
    scan.replace(len, spoken, Said::Plain);
    if let Some(joint) = stop {
        scan.out.push_str(joint);
        scan.at += 1;
    }
    true
}

fn is_whole(written: &str, after: &str) -> bool {
    // "TW4" and "CV12" put a number right behind; a letter would make another word.
    !after.starts_with(char::is_alphabetic) || written.ends_with('.')
}

fn applies(scan: &Scan<'_>, written: &str, when: When, after: &str) -> bool {
    let next = after.trim_start_matches(['.', ' ', ',', ':']);
    match when {
        When::Always => true,
        When::OutsideCapitals => !among_capitals(scan, written.len()),
        When::BeforeName => after.starts_with([' ', '.', ',']) && is_name(next),
        When::BeforeNumber => next.starts_with("số") || next.starts_with(|c: char| c.is_ascii_digit()),
        When::BeforeBody => {
            let word = leading_word(next);
            let named = ["Huyện", "Tỉnh", "Đảng", "Thành", "Thị", "Quận", "Hội đồng"]
                .iter()
                .any(|b| next.starts_with(b));
            named || ISSUERS.iter().any(|(code, _)| *code == word) || matches!(word, "TU" | "HU" | "ĐU")
        }
        When::AfterDay => {
            ends_with_word(scan.list_context(|c| c.is_ascii_digit()), "thứ")
                || ["ngày", "sáng", "chiều", "tối", "đêm", "bảy"]
                    .iter()
                    .any(|word| ends_with_word(scan.context(), word))
        }
        When::LineStart => scan.line[..scan.at].trim().is_empty(),
    }
}

/// A capitalised word or a further title.
fn is_name(text: &str) -> bool {
    let word = leading_word(text);
    let mut letters = word.chars();
    let capital = letters.next().is_some_and(char::is_uppercase);
    let further = ABBREVIATIONS
        .iter()
        .any(|(w, _, when)| *w == word && *when == When::BeforeName);
    capital && (letters.next().is_some_and(char::is_lowercase) || further || is_syllable(word))
}

/// A full stop after "TS." or "TP." is part of it; between two titles it is a pause.
fn stop_belongs(written: &str, spoken: &str, after: &str) -> Option<&'static str> {
    let next = after.strip_prefix('.')?;
    let title = ABBREVIATIONS
        .iter()
        .any(|(w, _, when)| *w == written && matches!(when, When::BeforeName | When::LineStart))
        || matches!(
            written,
            "GS" | "PGS" | "TSKH" | "TP" | "Tp" | "tp" | "đ/c" | "Đ/c" | "TT" | "QL"
        );
    if !title || !next.trim_start().starts_with(char::is_alphanumeric) {
        return None;
    }
    let word = leading_word(next.trim_start());
    let further = matches!(
        word,
        "TS" | "ThS" | "GS" | "PGS" | "TSKH" | "BS" | "KS" | "NGND" | "NGƯT" | "LS"
    );
    Some(if further && spoken.starts_with(char::is_uppercase) {
        ", "
    } else {
        " "
    })
}

/// "QP-AN", "GD&ĐT", "KT - XH": known parts joined by a sign.
fn composed(scan: &mut Scan<'_>) -> bool {
    let rest = scan.rest();
    let mut parts = Vec::new();
    let mut joints = Vec::new();
    let mut len = 0;
    loop {
        let part = leading_word(&rest[len..]);
        let Some((_, spoken)) = PIECES.iter().find(|(written, _)| *written == part) else {
            break;
        };
        parts.push(*spoken);
        len += part.len();
        let Some((joint, width)) = joint(&rest[len..]) else {
            break;
        };
        let next = leading_word(&rest[len + width..]);
        if !PIECES.iter().any(|(written, _)| *written == next) {
            break;
        }
        joints.push(joint);
        len += width;
    }
    if parts.len() < 2 || rest[len..].starts_with(char::is_alphanumeric) || rest[len..].starts_with('/') {
        return false;
    }
    let authority = AUTHORITIES
        .iter()
        .any(|word| ends_with_word(scan.context(), word));
    let mut words = String::new();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            // Two notions make one ("kinh tế xã hội"), two authorities stay two,
            // and two tasks that end alike ("công nghiệp hóa, hiện đại hóa") stay two as well.
            let bodies =
                joints[at - 1] == " " && (part.starts_with(char::is_uppercase) || part.ends_with("hóa"));
            words.push_str(if bodies { ", " } else { joints[at - 1] });
        }
        words.push_str(&if authority {
            capitalised(part)
        } else {
            (*part).to_owned()
        });
    }
    scan.replace(len, &words, Said::Plain);
    true
}

fn joint(text: &str) -> Option<(&'static str, usize)> {
    [
        (" - ", " "),
        ("- ", " "),
        (" -", " "),
        ("-", " "),
        (" & ", " và "),
        ("&", " và "),
    ]
    .into_iter()
    .find(|(sign, _)| text.starts_with(sign))
    .map(|(sign, words)| (words, sign.len()))
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |c| c.to_uppercase().chain(letters).collect())
}

/// "điểm đ", "các điểm a, b và c khoản 1".
fn clause_letter(scan: &mut Scan<'_>) -> bool {
    let text = leading_word(scan.rest());
    let mut letters = text.chars();
    let (Some(letter), None) = (letters.next(), letters.next()) else {
        return false;
    };
    let after = &scan.rest()[text.len()..];
    if !letter.is_lowercase() || after.starts_with(['/', '\'']) {
        return false;
    }
    let Some(name) = number::letter(letter) else {
        return false;
    };
    let inline = after.starts_with(')') && scan.line[..scan.at].ends_with(' ');
    if inline && !scan.follows(&["điểm", "tiết"]) {
        // "gồm: a) xây dựng; b) chỉnh đốn"
        scan.replace(text.len() + 1, &format!("{name}, "), Said::Plain);
        return true;
    }
    if !["điểm", "tiết"]
        .iter()
        .any(|word| ends_with_word(scan.list_context(is_clause_letter), word))
    {
        return false;
    }
    let closed = usize::from(after.starts_with(')'));
    scan.replace(text.len() + closed, name, Said::Plain);
    true
}

fn is_clause_letter(c: char) -> bool {
    c.is_lowercase() && number::letter(c).is_some()
}

/// The x of "2 x 3 m".
fn times_sign(scan: &mut Scan<'_>) -> bool {
    let after = scan.rest().strip_prefix(['x', 'X']).map(str::trim_start);
    let between = after.is_some_and(|a| a.starts_with(|c: char| c.is_ascii_digit()));
    // "12 tháng x 10.000đ": the first factor may have a noun.
    let before = &scan.line[..scan.at];
    let factor = before
        .rsplit(' ')
        .take(FACTOR_WORDS)
        .any(|w| w.contains(|c: char| c.is_ascii_digit()));
    let here = between && factor && before.ends_with(' ');
    if here {
        scan.replace(1, "nhân", Said::Plain);
    }
    here
}

/// The C of "37 độ C".
fn temperature(scan: &mut Scan<'_>) -> bool {
    let text = leading_word(scan.rest());
    let here = matches!(text, "C" | "F") && scan.follows(&["độ"]);
    if here {
        let name = if text == "C" { "xê" } else { "ép" };
        scan.replace(1, name, Said::Plain);
    }
    here
}

/// "A4", "H5N1", "QL10": letters before digits are named, words stay words.
fn with_digits(scan: &mut Scan<'_>) -> bool {
    let text = leading_word(scan.rest());
    if !scan.rest()[text.len()..].starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let single = text.chars().count() == 1;
    let words = match text.chars().next() {
        Some(c) if single => number::letter(c).unwrap_or(text).to_owned(),
        _ => spoken_alone(text),
    };
    scan.replace(text.len(), &words, Said::Plain);
    true
}

/// "ĐẢNG BỘ" is lowered, "GRDP" is spelt, a single capital is a name and stays unless it stands among capitals.
fn capitals(scan: &mut Scan<'_>) -> bool {
    let text = leading_word(scan.rest());
    if !is_capitals(text) {
        return false;
    }
    if text.chars().count() == 1 {
        if is_syllable(text) && among_capitals(scan, text.len()) {
            scan.replace(text.len(), &text.to_lowercase(), Said::Plain);
            return true;
        }
        return false;
    }
    let repeated = text.chars().all(|c| text.starts_with(c));
    if repeated {
        // "XXX" is a blank to be filled.
        return false;
    }
    let rest = scan.rest()[text.len()..].trim_start();
    let numbered = rest.starts_with("số") || rest.starts_with(|c: char| c.is_ascii_digit());
    let document = TYPES
        .iter()
        .find(|(code, _)| numbered && *code == text)
        .map(|(_, name)| *name);
    let authority = ISSUERS
        .iter()
        .find(|(code, _)| *code == text)
        .map(|(_, name)| *name);
    let words = match document.or(authority) {
        Some(name) if !is_syllable(text) => name.to_owned(),
        _ if is_syllable(text) || number::letters(text).is_empty() => text.to_lowercase(),
        _ => number::letters(text),
    };
    scan.replace(text.len(), &words, Said::Plain);
    true
}

/// True when the word before or after is a word in capitals, so that this one is no abbreviation.
fn among_capitals(scan: &Scan<'_>, len: usize) -> bool {
    let is_word = |text: &str| {
        text.chars().count() > 1
            && is_capitals(text)
            && is_syllable(text)
            && !ABBREVIATIONS.iter().any(|(written, _, _)| *written == text)
    };
    let before = scan.line[..scan.at].trim_end_matches([' ', ',']);
    let previous = before.rsplit(|c: char| !c.is_alphabetic()).next().unwrap_or("");
    let next = leading_word(scan.rest()[len..].trim_start_matches([' ', ',']));
    is_word(previous) || is_word(next)
}
