//! The beginning of a line: bullets go, clause letters and numbers are named with a pause ("a) Về" → "a, Về").

use super::data::units::UNITS;
use super::number;
use super::scan::{Said, Scan, leading_digits, leading_word};

/// Bullets (the last three are the private characters of the Symbol fonts), rules and Markdown heads.
const BULLETS: &[char] = &[
    '-', '+', '*', '•', '▪', '◦', '●', '○', '■', '□', '–', '·', '‣', '➢', '➤', '⁃', '✓', '✔', '»', '#', '❖',
    '♦', '►', '▶', '∙', '_', '=', '\u{F0B7}', '\u{F0A7}', '\u{F0D8}',
];

/// Digits in one component of a clause number; "2021." at the beginning of a line is a year.
const MAX_CLAUSE_DIGITS: usize = 3;

/// How many bullets and clause marks may follow each other ("1. a) -").
const MAX_HEADS: usize = 6;

/// Speaks the bullets and clause marks at the beginning of the line.
pub(super) fn line_start(scan: &mut Scan<'_>) {
    for _ in 0..MAX_HEADS {
        scan.at += scan.rest().len() - scan.rest().trim_start().len();
        if !(bullet(scan)
            || clause_number(scan)
            || clause_letter(scan)
            || roman_head(scan)
            || section_letter(scan))
        {
            break;
        }
    }
}

fn bullet(scan: &mut Scan<'_>) -> bool {
    let Some(c) = scan.next().filter(|c| BULLETS.contains(c)) else {
        return false;
    };
    let after = &scan.rest()[c.len_utf8()..];
    if matches!(c, '-' | '+')
        && after.starts_with(|d: char| d.is_ascii_digit())
        && (c == '+' || is_measured(after))
    {
        return false;
    }
    if c == '=' && !after.starts_with('=') {
        return false;
    }
    scan.at += c.len_utf8();
    true
}

/// "-2°C" and "-5%" at the beginning of a line are below zero, "-2 đồng chí" is a bullet.
fn is_measured(text: &str) -> bool {
    let after = text
        .trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, ',' | '.'))
        .trim_start();
    after.starts_with("độ")
        || UNITS
            .iter()
            .any(|u| u.symbol.starts_with(['%', '°']) && after.starts_with(u.symbol))
}

/// "1.", "1)", "(1)", "1/", "1-", "2.1.", "1.1-", and "2.1 Mục tiêu".
fn clause_number(scan: &mut Scan<'_>) -> bool {
    let rest = scan.rest();
    let open = rest.strip_prefix('(');
    let text = open.unwrap_or(rest);
    let mut parts = vec![leading_digits(text)];
    let mut used = parts[0].len();
    while let Some(next) = text[used..]
        .strip_prefix('.')
        .map(leading_digits)
        .filter(|d| !d.is_empty())
    {
        used += 1 + next.len();
        parts.push(next);
    }
    if parts.iter().any(|p| p.is_empty() || p.len() > MAX_CLAUSE_DIGITS)
        || (parts.len() > 1 && parts[1].len() == 3)
    {
        return false;
    }
    let after = &text[used..];
    let closed = close(after, open.is_some(), &['.', ')', '/', '-', ':']);
    let bare = parts.len() > 1 && after.starts_with(' ') && starts_sentence(after);
    let Some(mark) = closed.or(bare.then_some(0)) else {
        return false;
    };
    let names: Vec<String> = parts.iter().map(|p| number::cardinal(p, scan.region)).collect();
    let source = rest.len() - after.len() + mark;
    scan.replace(source, &format!("{}, ", names.join(" chấm ")), Said::Plain);
    true
}

/// "a)", "(a)", "đ)", "b/", "c.".
fn clause_letter(scan: &mut Scan<'_>) -> bool {
    let rest = scan.rest();
    let open = rest.strip_prefix('(');
    let text = open.unwrap_or(rest);
    let word = leading_word(text);
    let mut letters = word.chars();
    let (Some(letter), None) = (letters.next(), letters.next()) else {
        return false;
    };
    let marks: &[char] = if letter.is_lowercase() {
        &[')', '.', '/', '-']
    } else {
        &[')']
    };
    let after = &text[word.len()..];
    // "đ/c", "t/h" are abbreviations; only a space may follow a slash or a full stop here.
    let Some(mark) =
        close(after, open.is_some(), marks).filter(|m| after.starts_with(')') || ends_head(&after[*m..]))
    else {
        return false;
    };
    let Some(name) = number::letter(letter) else {
        return false;
    };
    scan.replace(rest.len() - after.len() + mark, &format!("{name}, "), Said::Plain);
    true
}

/// "I-", "II.", "III)", "IV -".
fn roman_head(scan: &mut Scan<'_>) -> bool {
    let rest = scan.rest();
    let word = leading_word(rest);
    let Some(value) = number::roman(word).filter(|_| !word.contains('L')) else {
        return false;
    };
    let after = &rest[word.len()..];
    let gap = after.len() - after.trim_start().len();
    let tight = close(after, false, &['.', ')', '/', '-', ':'])
        .filter(|m| ends_head(&after[*m..]) || after.starts_with('-'));
    let loose = after.trim_start().starts_with("- ").then_some(gap + 1);
    let Some(mark) = tight.or(loose) else { return false };
    let name = number::cardinal(&value.to_string(), scan.region);
    scan.replace(word.len() + mark, &format!("{name}, "), Said::Plain);
    true
}

/// "A. PHẦN CHUNG", "B- Kết quả": a capital with a full stop is a head only before a heading in capitals ("C. Mác" is a
/// name); with a dash and a blank it always is.
fn section_letter(scan: &mut Scan<'_>) -> bool {
    let rest = scan.rest();
    let word = leading_word(rest);
    let mut letters = word.chars();
    let (Some(letter), None) = (letters.next(), letters.next()) else {
        return false;
    };
    let after = &rest[word.len()..];
    let Some(mark) = close(after, false, &['.', '-', ')', '/']) else {
        return false;
    };
    let heading = leading_word(after[mark..].trim_start());
    let in_capitals = heading.chars().count() > 1 && heading.chars().all(char::is_uppercase);
    let dashed = letter.is_uppercase() && after.starts_with("- ");
    let Some(name) = number::letter(letter).filter(|_| in_capitals || dashed) else {
        return false;
    };
    scan.replace(word.len() + mark, &format!("{name}, "), Said::Plain);
    true
}

/// Length of the mark that closes a clause number; with an opening bracket only ")" does.
fn close(after: &str, opened: bool, marks: &[char]) -> Option<usize> {
    let mark = after.chars().next()?;
    let fits = if opened {
        mark == ')'
    } else {
        marks.contains(&mark)
    };
    let next = after[mark.len_utf8()..].chars().next();
    // ".)" and ".-" are written too.
    let double = (matches!(mark, '.') && matches!(next, Some(')' | '-' | '/'))) as usize;
    let number_goes_on = matches!(mark, '.' | '/' | '-' | ':') && next.is_some_and(|c| c.is_ascii_digit());
    let code =
        matches!(mark, '/' | '-') && next.is_some_and(char::is_uppercase) && looks_like_code(&after[1..]);
    (fits && !number_goes_on && !code).then_some(mark.len_utf8() + double)
}

/// "12-HD/BTCTW", "5/NQ-HĐND": capitals joined to more capitals are a document code.
fn looks_like_code(text: &str) -> bool {
    let word = leading_word(text);
    text[word.len()..].starts_with(['/', '-'])
        || (word.chars().count() > 1
            && word.chars().all(char::is_uppercase)
            && !super::syllable::is_syllable(word))
}

fn ends_head(after: &str) -> bool {
    after.is_empty() || after.starts_with(' ')
}

fn starts_sentence(after: &str) -> bool {
    after.trim_start().chars().next().is_some_and(char::is_uppercase)
}
