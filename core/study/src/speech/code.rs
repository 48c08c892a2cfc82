//! Document codes: "12-HD/BTCTW" → "Hướng dẫn số mười hai của Ban Tổ chức Trung ương".

use super::data::codes::{ISSUERS, LEVELS, ORGANS, OTHER_TYPE_WORDS, STATE_ISSUERS, TYPES};
use super::number::{self, cardinal};
use super::scan::{Said, Scan, ends_with_word, leading_digits, leading_word};
use super::{Region, clean};

/// Digits in the number of a document.
const MAX_NUMBER_DIGITS: usize = 5;

/// How many words back the type of a document is looked for ("Luật Thực hiện dân chủ ở cơ sở số …").
const TYPE_WORDS: usize = 14;

/// A code as it was written.
struct Code<'a> {
    len: usize,
    number: &'a str,
    /// The letter of "12a-NQ/TW".
    letter: Option<char>,
    year: Option<&'a str>,
    /// Type and issuers.
    segments: Vec<&'a str>,
    /// NUMBER/… is the style of the state, NUMBER-… the Party's.
    state: bool,
}

/// Speaks a document code at a digit.
pub(super) fn document(scan: &mut Scan<'_>) -> bool {
    let Some(code) = parse(scan.rest()) else {
        return false;
    };
    let kind = code
        .segments
        .first()
        .and_then(|s| type_name(s))
        .filter(|_| !is_state_issuer_first(&code));
    let before = Before::of(scan, kind);
    if !is_document(&code, kind, &before) {
        return false;
    }
    let issuers = &code.segments[usize::from(kind.is_some())..];
    let kind = kind.or_else(|| implied_type(issuers));
    if before.named {
        if !before.numbered {
            scan.say(" số");
        } else if before.colon {
            drop_colon(&mut scan.out);
        }
    } else {
        if before.numbered {
            drop_number_word(&mut scan.out);
        }
        let kind = kind.unwrap_or("Văn bản");
        scan.say(&format!("{kind} số"));
    }
    let mut words = format!(" {}", cardinal(code.number, scan.region));
    if let Some(letter) = code.letter.and_then(number::letter) {
        words.push_str(&format!(" {letter}"));
    }
    if let Some(year) = code.year {
        words.push_str(&format!(" năm {}", cardinal(year, scan.region)));
    }
    if !issuers.is_empty() && !issuer_follows(&scan.lower_rest()[code.len..]) {
        words.push_str(&format!(" của {}", issuer_list(issuers, code.state, scan.region)));
    }
    scan.replace(code.len, &words, Said::Plain);
    true
}

fn parse(text: &str) -> Option<Code<'_>> {
    let number = leading_digits(text);
    let mut len = number.len();
    let mut letter = text[len..].chars().next().filter(|c| c.is_ascii_lowercase());
    if letter.is_some() && !text[len + 1..].starts_with(['-', '/']) {
        letter = None;
    }
    len += letter.map_or(0, char::len_utf8);
    let mut code = Code {
        len,
        number,
        letter,
        year: None,
        segments: Vec::new(),
        state: false,
    };
    while let Some((mark, width)) = separator(&text[code.len..]) {
        let rest = &text[code.len + width..];
        let digits = leading_digits(rest);
        if digits.len() == 4 && code.year.is_none() && code.segments.is_empty() && mark == '/' {
            code.year = Some(digits);
            code.state = true;
            code.len += width + digits.len();
            continue;
        }
        let segment = segment(rest);
        let loose = width > mark.len_utf8();
        if !is_segment(segment) || (loose && !is_known(segment)) {
            break;
        }
        code.state |= code.segments.is_empty() && mark == '/';
        code.len += width + segment.len();
        code.segments.push(segment);
    }
    (number.len() <= MAX_NUMBER_DIGITS && !code.segments.is_empty()).then_some(code)
}

/// A slash or a hyphen, with the spaces that careless typing leaves around it.
fn separator(text: &str) -> Option<(char, usize)> {
    let trimmed = text.trim_start_matches(' ');
    let mark = trimmed.chars().next().filter(|c| matches!(c, '/' | '-'))?;
    let after = trimmed[1..].trim_start_matches(' ');
    Some((mark, text.len() - after.len()))
}

/// Letters, inner full stops of "T.Ư", and the digits of "QH15".
fn segment(text: &str) -> &str {
    let mut len = leading_word(text).len();
    if text[len..].starts_with('.') && text[len + 1..].starts_with(['Ư', 'W']) {
        len += 1 + leading_word(&text[len + 1..]).len();
    }
    &text[..len + leading_digits(&text[len..]).len()]
}

fn is_segment(segment: &str) -> bool {
    let letters = without_digits(segment);
    is_known(segment)
        || (letters.len() == segment.len()
            && letters.chars().count() > 1
            && letters.chars().all(|c| c.is_uppercase() || c == '.'))
}

fn is_known(segment: &str) -> bool {
    type_name(segment).is_some() || issuer(segment, false, Region::Northern).is_some()
}

fn without_digits(segment: &str) -> &str {
    segment.trim_end_matches(|c: char| c.is_ascii_digit())
}

fn type_name(segment: &str) -> Option<&'static str> {
    TYPES
        .iter()
        .find(|(code, _)| *code == segment)
        .map(|(_, name)| *name)
}

/// "1234/CĐ-TTg" is a telegram, "15/CĐ" alone a trade union's.
fn is_state_issuer_first(code: &Code<'_>) -> bool {
    code.segments.len() == 1 && code.state && code.year.is_none() && code.segments[0] == "CĐ"
}

/// What stands before the code.
struct Before {
    /// The type of the document has been said.
    named: bool,
    /// "số" has been said.
    numbered: bool,
    /// "số:" with a colon.
    colon: bool,
}

impl Before {
    fn of(scan: &Scan<'_>, kind: Option<&str>) -> Self {
        let text = scan.lower[..scan.at].trim_end();
        let colon = text.ends_with(':');
        let text = text.trim_end_matches([':', ' ']);
        let numbered = ends_with_word(text, "số");
        let text = if numbered {
            text[..text.len() - "số".len()].trim_end()
        } else {
            text
        };
        let named = ends_with_type(text) || (numbered && type_nearby(text, kind));
        Self {
            named,
            numbered,
            colon,
        }
    }
}

fn ends_with_type(text: &str) -> bool {
    let known = |name: &str| ends_with_word(text, &clean::lower_in_place(name));
    TYPES
        .iter()
        .any(|(code, name)| known(name) || (code.chars().count() > 1 && known(code)))
        || OTHER_TYPE_WORDS.iter().any(|word| ends_with_word(text, word))
}

/// The type may stand before the title: "Pháp lệnh Người cao tuổi số 23/2000/PL-UBTVQH10".
fn type_nearby(text: &str, kind: Option<&str>) -> bool {
    let clause = text.rsplit([',', ';', '.', '(', ')']).next().unwrap_or("");
    let words: Vec<&str> = clause.split(' ').rev().take(TYPE_WORDS).collect();
    let recent: String = words.into_iter().rev().collect::<Vec<_>>().join(" ");
    let contains = |name: &str| {
        recent
            .match_indices(name)
            .any(|(at, _)| ends_with_word(&recent[..at + name.len()], name))
    };
    match kind {
        Some(name) => contains(&clean::lower_in_place(name)),
        None => contains("luật") || contains("nghị quyết"),
    }
}

/// A number and capitals are a document only with a type and an issuer, a year, or a word that says so.
fn is_document(code: &Code<'_>, kind: Option<&str>, before: &Before) -> bool {
    let issuers = &code.segments[usize::from(kind.is_some())..];
    let known = issuers
        .first()
        .is_some_and(|s| issuer(s, code.state, Region::Northern).is_some());
    match kind {
        Some(_) if !issuers.is_empty() => true,
        Some(_) => before.named || before.numbered,
        None if code.year.is_some() => known || before.named,
        None => {
            known
                && code.state
                && (before.named || before.numbered || issuers[0].starts_with("UBND") || issuers.len() > 1)
        }
    }
}

/// The National Assembly's own code names no type, an authority's letter none either.
fn implied_type(issuers: &[&str]) -> Option<&'static str> {
    match without_digits(issuers.first()?) {
        "QH" => Some("Luật"),
        "UBTVQH" => Some("Nghị quyết"),
        _ => Some("Công văn"),
    }
}

fn drop_colon(out: &mut String) {
    let kept = out.trim_end_matches([' ', ':']).len();
    out.truncate(kept);
}

fn drop_number_word(out: &mut String) {
    drop_colon(out);
    for word in ["số", "Số", "SỐ"] {
        if out.ends_with(word) {
            out.truncate(out.len() - word.len());
            return;
        }
    }
}

/// True when the text goes on to name the issuer itself ("… ngày 25/10/2017 của Ban Chấp hành Trung ương").
fn issuer_follows(after: &str) -> bool {
    let mut rest = after.trim_start_matches([' ', ',']);
    rest = rest.strip_prefix("ban hành").unwrap_or(rest).trim_start();
    if rest.starts_with("ngày") {
        loop {
            let shorter = rest
                .trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, ' ' | '/' | '-' | '.' | ','));
            let next = ["ngày", "tháng", "năm"]
                .iter()
                .find_map(|word| shorter.strip_prefix(word));
            match next {
                Some(next) => rest = next,
                None => {
                    rest = shorter;
                    break;
                }
            }
        }
    }
    ends_with_word(rest.get(.."của".len()).unwrap_or(""), "của") && rest["của".len()..].starts_with(' ')
}

/// Issuers in words: ministries are joined by "và", an authority and its parts by a pause.
fn issuer_list(segments: &[&str], state: bool, region: Region) -> String {
    let names: Vec<String> = segments
        .iter()
        .map(|s| issuer(s, state, region).unwrap_or_else(|| number::letters(without_digits(s))))
        .collect();
    let equal = names
        .iter()
        .all(|n| n.starts_with("Bộ ") || n.starts_with("Tòa") || n.starts_with("Viện"));
    match names.split_last() {
        Some((last, first)) if equal && !first.is_empty() => format!("{} và {last}", first.join(", ")),
        _ => names.join(", "),
    }
}

/// The name behind an issuer's code: whole, with a term ("QH15"), or an organ and its level ("BTC" + "TU").
fn issuer(segment: &str, state: bool, region: Region) -> Option<String> {
    let code = without_digits(segment);
    let term = &segment[code.len()..];
    let find =
        |table: &[(&str, &'static str)], code: &str| table.iter().find(|(c, _)| *c == code).map(|(_, n)| *n);
    if !term.is_empty() {
        let name = find(ISSUERS, code).filter(|_| matches!(code, "QH" | "UBTVQH"))?;
        return Some(format!("{name} khóa {}", cardinal(term, region)));
    }
    let own_style = if state { find(STATE_ISSUERS, code) } else { None };
    let whole = own_style
        .or_else(|| find(LEVELS, code))
        .or_else(|| find(ISSUERS, code))
        .or_else(|| find(ORGANS, code));
    if let Some(name) = whole {
        return Some(name.to_owned());
    }
    LEVELS.iter().find_map(|(suffix, level)| {
        let organ = find(ORGANS, code.strip_suffix(suffix)?)?;
        Some(format!("{organ} {level}"))
    })
}
