//! What identifies is read digit by digit: telephone numbers, identity and Party cards, accounts, addresses on the net.

use super::data::context::{COUNTED, DIALLED, IDENTIFIERS};
use super::data::units::{QUANTITY_NOUNS, UNITS};
use super::number;
use super::scan::{Said, Scan, ends_with_any, ends_with_word, leading_digits, starts_with_any};

/// A run of so many digits without a thousands mark is no quantity anybody writes.
const LONG_RUN: usize = 9;

/// Fewest digits that a word such as "thẻ đảng viên" makes an identifier; "mã số 12" stays a number.
const FEWEST_AFTER_WORD: usize = 4;

/// Fewest digits after a word of dialling ("gọi 113").
const FEWEST_DIALLED: usize = 3;

/// How far back, in bytes, a word such as "điện thoại" still makes a bare run of digits an identifier.
const NEAR_BYTES: usize = 60;

/// Fewest digits of such a run.
const FEWEST_NEAR: usize = 6;

/// Digits of an identifier: groups, each read without a pause.
struct Groups<'a> {
    groups: Vec<&'a str>,
    len: usize,
}

impl Groups<'_> {
    fn digits(&self) -> usize {
        self.groups
            .iter()
            .map(|g| g.bytes().filter(u8::is_ascii_digit).count())
            .sum()
    }
}

/// Speaks an identifier at a digit.
pub(super) fn number(scan: &mut Scan<'_>) -> bool {
    let found = collect(scan.rest(), false);
    let named = named(scan);
    let found = if named { collect(scan.rest(), true) } else { found };
    let identifies = (named && enough(scan, &found)) || unmistakable(scan, &found);
    if !identifies {
        return false;
    }
    let words: Vec<String> = found.groups.iter().map(|group| spell(group)).collect();
    scan.replace(found.len, &words.join(", "), Said::Plain);
    true
}

/// Groups of digits with one space, dot or hyphen between; with `lettered`, capitals may stand among the digits.
fn collect(text: &str, lettered: bool) -> Groups<'_> {
    let member = |c: char| c.is_ascii_digit() || (lettered && c.is_ascii_uppercase());
    let group = |t: &str| t.find(|c: char| !member(c)).unwrap_or(t.len());
    let mut len = group(text);
    let mut groups = vec![&text[..len]];
    while let Some(mark) = text[len..]
        .chars()
        .next()
        .filter(|c| matches!(c, ' ' | '.' | '-' | ')'))
    {
        let mut after = &text[len + mark.len_utf8()..];
        if mark == ')' {
            after = after.trim_start();
        }
        let next = &after[..group(after)];
        let complete = groups.len() == 1 && groups[0].len() >= LONG_RUN;
        let digits = next.bytes().filter(u8::is_ascii_digit).count();
        // "0227 3 831 234": one digit alone belongs to the number only if more groups follow.
        let lone = digits == 1
            && !after[next.len()..]
                .trim_start_matches([' ', '.', '-'])
                .starts_with(char::is_numeric);
        if digits == 0 || lone || digits < next.len() || next.len() > 8 || (complete && mark == ' ') {
            break;
        }
        groups.push(next);
        len = text.len() - after.len() + next.len();
    }
    Groups { groups, len }
}

/// True when the words before say that an identifier follows.
fn named(scan: &Scan<'_>) -> bool {
    let mut context = scan.context().trim_end_matches([' ', ':', '.', '(', '-']);
    for filler in ["là", "số"] {
        if ends_with_any(context, IDENTIFIERS) {
            return true;
        }
        if ends_with_word(context, filler) {
            context = context[..context.len() - filler.len()].trim_end_matches([' ', ':']);
        }
    }
    ends_with_any(context, IDENTIFIERS) || ends_with_any(context, DIALLED) || dialled(scan)
}

/// "gọi 114 hoặc 115".
fn dialled(scan: &Scan<'_>) -> bool {
    scan.follows(DIALLED) || ends_with_any(scan.list_context(|c| c.is_ascii_digit()), DIALLED)
}

fn enough(scan: &Scan<'_>, found: &Groups<'_>) -> bool {
    let padded = found.groups[0].starts_with('0') && found.groups[0].len() > 2;
    let fewest = if padded || dialled(scan) {
        FEWEST_DIALLED
    } else {
        FEWEST_AFTER_WORD
    };
    found.digits() >= fewest && !is_quantity(scan, found.len)
}

/// Without a word before: a zero in front of at least three digits, or a run too long for a quantity.
fn unmistakable(scan: &Scan<'_>, found: &Groups<'_>) -> bool {
    let first = leading_digits(scan.rest());
    let telephone = first.starts_with('0') && first.len() >= 3;
    let international = scan.line[..scan.at].ends_with('+') && first.len() >= 2 && found.digits() >= LONG_RUN;
    let long = first.len() >= LONG_RUN && !is_quantity(scan, first.len());
    let near = first.len() >= FEWEST_NEAR && !is_quantity(scan, first.len()) && word_near(scan);
    telephone || international || long || near
}

fn word_near(scan: &Scan<'_>) -> bool {
    let from = (0..=scan.at.saturating_sub(NEAR_BYTES))
        .rev()
        .find(|i| scan.lower.is_char_boundary(*i))
        .unwrap_or(0);
    let before = &scan.lower[from..scan.at];
    [
        "điện thoại",
        "đt ",
        "sđt",
        "căn cước",
        "cccd",
        "cmnd",
        "chứng minh",
        "tài khoản",
    ]
    .iter()
    .any(|w| before.contains(w))
}

/// True when what follows `len` bytes makes the number a quantity ("tài khoản 500.000 đồng").
fn is_quantity(scan: &Scan<'_>, len: usize) -> bool {
    let after = &scan.rest()[len..];
    let unit = UNITS.iter().any(|unit| {
        after
            .trim_start()
            .strip_prefix(unit.symbol)
            .is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    });
    let lower = &scan.lower_rest()[len..];
    unit && !after.starts_with(" -")
        || starts_with_any(lower, QUANTITY_NOUNS)
        || starts_with_any(lower, COUNTED)
}

/// Digits one by one, letters by their names.
fn spell(group: &str) -> String {
    let names: Vec<String> = group
        .chars()
        .filter_map(|c| {
            if c.is_ascii_digit() {
                Some(number::spelled(c.encode_utf8(&mut [0; 4])))
            } else {
                number::letter(c).map(str::to_owned)
            }
        })
        .collect();
    names.join(" ")
}

/// Speaks an address of the web or of electronic mail.
pub(super) fn address(scan: &mut Scan<'_>) -> bool {
    let rest = scan.rest();
    let token = rest
        .split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"' | '“' | '”' | ';' | ','))
        .next()
        .unwrap_or("");
    let token = token.trim_end_matches(['.', ':', '!', '?', '/']);
    if !is_address(token) {
        return false;
    }
    let bare = token
        .strip_prefix("https://")
        .or_else(|| token.strip_prefix("http://"))
        .unwrap_or(token);
    let mut words = String::new();
    for c in bare.chars() {
        match c {
            '.' => words.push_str(" chấm "),
            '@' => words.push_str(" a còng "),
            '/' => words.push_str(" gạch chéo "),
            '-' => words.push_str(" gạch ngang "),
            '_' => words.push_str(" gạch dưới "),
            ':' => words.push_str(" hai chấm "),
            _ if c.is_ascii_digit() => words.push_str(&format!(" {} ", spell(c.encode_utf8(&mut [0; 4])))),
            _ if c.is_alphabetic() => words.push(c),
            _ => words.push(' '),
        }
    }
    scan.replace(token.len(), &words, Said::Plain);
    true
}

fn is_address(token: &str) -> bool {
    const TOP: [&str; 8] = ["vn", "com", "org", "net", "gov", "edu", "info", "io"];
    if token.starts_with("http://") || token.starts_with("https://") || token.starts_with("www.") {
        return token.len() > "https://".len();
    }
    let host = token
        .rsplit('@')
        .next()
        .unwrap_or("")
        .split('/')
        .next()
        .unwrap_or("");
    let labels: Vec<&str> = host.split('.').collect();
    let plain = labels
        .iter()
        .all(|l| !l.is_empty() && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
    let top = labels
        .last()
        .is_some_and(|l| TOP.contains(&l.to_ascii_lowercase().as_str()));
    labels.len() >= 2 && plain && top && token.is_ascii()
}
