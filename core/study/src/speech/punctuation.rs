//! Everything that is neither letter nor digit: pauses, ranges, "per", signs.

use super::clean;
use super::data::context::JOINED;
use super::data::units::{PER, UNITS};
use super::quantity;
use super::scan::{Said, Scan, ends_with_word, is_letter, leading_digits, leading_word};

/// How many words back a number still makes "/" mean "per" ("triệu đồng/người/năm").
const PER_WORDS: usize = 6;

/// Speaks or drops the mark `c`.
pub(super) fn mark(scan: &mut Scan<'_>, c: char) {
    let words = match c {
        ' ' | ',' | ';' | ':' | '!' | '?' => {
            // Kept apart from `replace`: a pause does not end an enumeration.
            scan.out.push(c);
            scan.at += 1;
            return;
        }
        '.' => return full_stop(scan),
        '-' => return hyphen(scan),
        '/' => return slash(scan),
        '+' | '$' | '€' if sign(scan, c) => return,
        '(' if repeats_in_words(scan) => return,
        '\'' | '’' if between_letters(scan) => {
            scan.out.push(c);
            scan.at += c.len_utf8();
            return;
        }
        '(' | ')' | '[' | ']' | '{' | '}' | '|' | '•' | '→' | '⇒' | '▪' | '●' | '►' | '\\' => {
            ", "
        }
        '%' => " phần trăm ",
        '‰' => " phần nghìn ",
        '°' => " độ ",
        '&' => " và ",
        '@' => " a còng ",
        '+' => " cộng ",
        '=' => " bằng ",
        '<' => " nhỏ hơn ",
        '>' => " lớn hơn ",
        '≤' => " nhỏ hơn hoặc bằng ",
        '≥' => " lớn hơn hoặc bằng ",
        '≈' => " xấp xỉ ",
        '±' => " cộng trừ ",
        '~' => " khoảng ",
        '$' => " đô la ",
        '€' => " ơ rô ",
        '§' => " mục ",
        '×' => " nhân ",
        // Other signs (quotation marks, asterisks, emoji) are seen, not heard.
        _ => " ",
    };
    let quiet = words == " ";
    if quiet && !matches!(c, '_' | '*') {
        // A quotation mark inside "“đầu tàu”." leaves no gap before the full stop.
        scan.at += c.len_utf8();
        return;
    }
    scan.out.push_str(words);
    scan.at += c.len_utf8();
}

/// "./." ends a document, dots in a row are a form to fill or "and so on".
fn full_stop(scan: &mut Scan<'_>) {
    let rest = scan.rest();
    let run = rest.len() - rest.trim_start_matches(['.', '/']).len();
    if rest[..run].contains('/') {
        scan.out.push('.');
        scan.at += run;
    } else if run >= 2 {
        let after_comma = scan.out.trim_end().ends_with([',', ';']);
        let goes_on = rest[run..].trim_start().starts_with(char::is_lowercase);
        let words = match (after_comma, goes_on) {
            (true, _) => " vân vân, ",
            (false, true) => ", ",
            (false, false) => ". ",
        };
        scan.out.push_str(words);
        scan.at += run;
    } else if scan.said_just_before() != Said::Plain
        && !scan.line[..scan.at].ends_with(' ')
        && names_part(&rest[1..])
    {
        scan.out.push_str(" chấm ");
        scan.at += 1;
    } else {
        scan.out.push('.');
        scan.at += 1;
    }
}

/// The "1" of "Mục II.1", the "a" of "khoản 1.a".
fn names_part(after: &str) -> bool {
    after.starts_with(|c: char| c.is_ascii_digit()) || leading_word(after).chars().count() == 1
}

fn hyphen(scan: &mut Scan<'_>) {
    let rest = scan.rest();
    let run = rest.len() - rest.trim_start_matches('-').len();
    let (before, after) = (&scan.line[..scan.at], &rest[run..]);
    let spaced = before.ends_with(' ') && after.starts_with(' ');
    let target = after.trim_start();
    if run == 1 && quantity::continues_range(scan, target) {
        scan.out.push_str(" đến ");
    } else if run == 1
        && after.starts_with(|c: char| c.is_ascii_digit())
        && (before.is_empty() || before.ends_with([' ', '(']))
        && scan.said_just_before() == Said::Plain
    {
        scan.out.push_str(" âm ");
    } else if spaced
        || run > 1
        || (matches!(scan.said_just_before(), Said::Number { .. }) && before.ends_with(' '))
    {
        scan.out.push_str(if joins(before, target) { " " } else { ", " });
    } else if after.starts_with(char::is_alphabetic) && ends_as_written(scan) {
        scan.out.push('-');
    } else if before.ends_with(' ') && after.starts_with(char::is_alphabetic) {
        scan.out.push_str(", ");
    } else {
        scan.out.push(' ');
    }
    scan.at += run;
}

/// True when the word before was passed through: "Ê-đê" keeps its hyphen, "QR-Code" has become "quy rờ".
fn ends_as_written(scan: &Scan<'_>) -> bool {
    let word = scan.line[..scan.at]
        .rsplit(|c| !is_letter(c))
        .next()
        .unwrap_or("");
    !word.is_empty() && scan.out.ends_with(word)
}

/// "kinh tế - xã hội" is one notion and read without a pause, "Văn minh - Hiện đại" are two.
fn joins(before: &str, after: &str) -> bool {
    let before = before.trim_end();
    let last = before.rsplit([' ', ',', '(']).next().unwrap_or("");
    let lower = |c: Option<char>| c.is_some_and(char::is_lowercase);
    if lower(last.chars().next()) && before.ends_with(char::is_alphabetic) && lower(after.chars().next()) {
        return true;
    }
    let (left, right) = (before.to_lowercase(), after.to_lowercase());
    JOINED
        .iter()
        .any(|(a, b)| ends_with_word(&left, a) && right.starts_with(b))
}

fn slash(scan: &mut Scan<'_>) {
    let after = &scan.rest()[1..];
    let year = leading_digits(after).len() == 4;
    if year && (scan.said_just_before() == Said::Roman || scan.previous().is_some_and(char::is_alphabetic)) {
        // "quý IV/2024", "9 tháng/2024"
        scan.out.push_str(" năm ");
        scan.at += 1;
        return;
    }
    let target = after.trim_start();
    let lower = scan.lower[scan.lower.len() - target.len()..].to_owned();
    let unit = UNITS
        .iter()
        .filter(|u| !u.attached && u.symbol.starts_with(char::is_alphabetic))
        .filter(|u| {
            target
                .strip_prefix(u.symbol)
                .is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        })
        .max_by_key(|u| u.symbol.len());
    let per = PER.iter().any(|p| {
        lower
            .strip_prefix(p)
            .is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    });
    let skipped = scan.rest().len() - target.len();
    match unit {
        Some(unit) if !target.starts_with("đ/c") && measured(scan) => {
            scan.replace(
                skipped + unit.symbol.len(),
                &format!(" một {}", unit.spoken),
                Said::Plain,
            );
        }
        _ => {
            let words = if per && measured(scan) {
                " một "
            } else if lower.starts_with("hoặc") {
                " "
            } else {
                ", "
            };
            scan.out.push_str(words);
            scan.at += skipped;
        }
    }
}

/// True when a number stands a few words back, or the word before is itself a measure ("năng suất (tấn/ha)").
fn measured(scan: &Scan<'_>) -> bool {
    let before = &scan.line[..scan.at];
    let recent = before
        .rsplit(' ')
        .take(PER_WORDS)
        .any(|word| word.contains(|c: char| c.is_ascii_digit()));
    let word = before.rsplit([' ', '(', '/', ',']).next().unwrap_or("");
    recent
        || matches!(
            word,
            "tấn"
                | "tạ"
                | "đồng"
                | "người"
                | "triệu"
                | "lượt"
                | "lít"
                | "kg"
                | "km"
                | "đ"
                | "g"
                | "m3"
        )
}

/// "+5%", "$100", "€50", "+84".
fn sign(scan: &mut Scan<'_>, c: char) -> bool {
    let after = &scan.rest()[c.len_utf8()..];
    if !after.starts_with(|d: char| d.is_ascii_digit()) {
        return false;
    }
    if c == '+' {
        scan.out.push_str(" cộng ");
        scan.at += 1;
        return true;
    }
    let Some(parsed) = quantity::parse(after, false) else {
        return false;
    };
    let money = if c == '€' { "ơ rô" } else { "đô la" };
    let words = format!("{} {money}", parsed.words(scan.region));
    scan.replace(c.len_utf8() + parsed.len, &words, Said::Plain);
    true
}

/// "02 (hai) ngày", "150.000đ (một trăm năm mươi nghìn đồng)": what was given in words too is said once.
fn repeats_in_words(scan: &mut Scan<'_>) -> bool {
    let Some((inner, after)) = scan.lower_rest()[1..].split_once(')') else {
        return false;
    };
    let words = inner
        .trim()
        .trim_start_matches("bằng chữ")
        .trim_start_matches([':', ' '])
        .trim_end_matches('.');
    let written_already = ends_with_word(scan.context(), words);
    let said = clean::lower_in_place(scan.out.trim_end());
    if words.is_empty() || written_already || !ends_with_word(&said, words) {
        return false;
    }
    scan.at = scan.line.len() - after.len();
    true
}

/// The apostrophe of "Đắk R'lấp" and "H'Mông".
fn between_letters(scan: &Scan<'_>) -> bool {
    let mut after = scan.rest().chars();
    after.next();
    scan.previous().is_some_and(char::is_alphabetic) && !leading_word(after.as_str()).is_empty()
}
