//! Days, months and years written in digits.

use super::data::context::{COUNTED, DATE_STRONG, DATE_WEAK, DAY_WORDS, NUMBERED_IN_YEAR};
use super::number::{cardinal, month};
use super::quantity::starts_with_digit;
use super::scan::{
    Said, Scan, ends_with_any, ends_with_word, leading_digits, starts_with_any, starts_with_word,
};

/// Years that a four-digit group after a month may be.
const YEARS: std::ops::RangeInclusive<u32> = 1000..=2999;

/// Speaks a date in digits: "14/12/2021", "06-02-2017", "2026-07-21", "4/2024", "20/5".
pub(super) fn date(scan: &mut Scan<'_>) -> bool {
    days(scan) || iso(scan) || full(scan) || month_and_year(scan) || years(scan) || day_and_month(scan)
}

/// Two or three groups of digits with the same mark between, and nothing that goes on after them.
struct Groups<'a> {
    parts: Vec<&'a str>,
    mark: char,
    len: usize,
}

fn groups(text: &str) -> Option<Groups<'_>> {
    let mut parts = vec![leading_digits(text)];
    let mut len = parts[0].len();
    let mark = text[len..]
        .chars()
        .next()
        .filter(|c| matches!(c, '/' | '-' | '.'))?;
    while let Some(next) = text[len..]
        .strip_prefix(mark)
        .map(leading_digits)
        .filter(|d| !d.is_empty())
    {
        len += 1 + next.len();
        parts.push(next);
    }
    let after = &text[len..];
    let mut following = after.chars();
    let goes_on = match following.next() {
        Some(c) if c.is_alphabetic() => true,
        // "3-6/5" is no date up to the slash, "15/1.200" none at all; "1/5-5/5" and "30/4,1/5" are two.
        Some('/' | '.') => starts_with_digit(following.as_str()),
        Some('-') => mark != '/' && starts_with_digit(following.as_str()),
        Some(',') => {
            let next = leading_digits(following.as_str());
            !next.is_empty() && !following.as_str()[next.len()..].starts_with('/')
        }
        Some('%') => true,
        _ => false,
    };
    (!goes_on && (2..=3).contains(&parts.len())).then_some(Groups { parts, mark, len })
}

fn is_day(text: &str) -> bool {
    text.len() <= 2 && text.parse().is_ok_and(|d: u32| (1..=31).contains(&d))
}

fn is_month(text: &str) -> bool {
    text.len() <= 2 && text.parse().is_ok_and(|m: u32| (1..=12).contains(&m))
}

fn is_year(text: &str) -> bool {
    text.len() == 4 && text.parse().is_ok_and(|y| YEARS.contains(&y))
}

/// The first end of "15-17/5": the second one names the month.
fn days(scan: &mut Scan<'_>) -> bool {
    let rest = scan.rest();
    let first = leading_digits(rest);
    let Some(second) = rest[first.len()..].strip_prefix('-') else {
        return false;
    };
    let last = leading_digits(second);
    let Some(found) = groups(second).filter(|g| g.mark == '/') else {
        return false;
    };
    let after = &scan.lower_rest()[first.len() + 1 + found.len..];
    let ordered = first.parse::<u32>().ok() < last.parse().ok();
    if !(is_day(first) && is_day(last) && ordered && is_month(found.parts[1]))
        || starts_with_any(after, COUNTED)
    {
        return false;
    }
    let year = found.parts.get(2).copied();
    let source = first.len() + 1 + found.len;
    let named = ends_with_any(scan.list_context(is_list_digit), DAY_WORDS);
    scan.say(if named { "" } else { "ngày" });
    scan.say(&format!(" {} đến ", cardinal(first, scan.region)));
    speak_named_day(scan, source, last, found.parts[1], year);
    true
}

fn iso(scan: &mut Scan<'_>) -> bool {
    let Some(found) = groups(scan.rest()) else {
        return false;
    };
    let [year, month, day] = found.parts[..] else {
        return false;
    };
    if found.mark == '.' || !(is_year(year) && is_month(month) && is_day(day)) {
        return false;
    }
    speak_day(scan, found.len, day, month, Some(year));
    true
}

fn full(scan: &mut Scan<'_>) -> bool {
    let spaced = spaced_groups(scan.rest());
    let Some(found) = groups(scan.rest()).filter(|g| g.parts.len() == 3).or(spaced) else {
        return false;
    };
    let [day, month, year] = found.parts[..] else {
        return false;
    };
    let short_year = year.len() == 2 && found.mark != '.' && (scan.follows(DAY_WORDS) || found.mark == '/');
    if !(is_day(day) && is_month(month) && (is_year(year) || short_year)) {
        return false;
    }
    speak_day(scan, found.len, day, month, Some(year));
    true
}

/// "14 / 12 / 2021".
fn spaced_groups(text: &str) -> Option<Groups<'_>> {
    let (day, rest) = text.split_once(" / ")?;
    let (month, rest) = rest.split_once(" / ")?;
    let year = leading_digits(rest);
    let len = day.len() + month.len() + year.len() + 6;
    (is_day(day) && is_month(month) && is_year(year)).then(|| Groups {
        parts: vec![day, month, year],
        mark: '/',
        len,
    })
}

fn month_and_year(scan: &mut Scan<'_>) -> bool {
    let Some(found) = groups(scan.rest()) else {
        return false;
    };
    let [first, year] = found.parts[..] else {
        return false;
    };
    let after_month = ends_with_word(scan.list_context(is_list_digit), "tháng");
    let written = is_year(year) && (found.mark != '.' || after_month);
    let padded = first.len() == 2 && first.starts_with('0');
    let plausible = after_month || found.mark == '/' || (found.mark == '-' && padded);
    let in_year = scan.follows(NUMBERED_IN_YEAR) && first.len() <= 4 && found.mark == '/';
    if !(written && plausible && (is_month(first) || in_year)) {
        return false;
    }
    let region = scan.region;
    let words = if in_year {
        format!("{} năm {}", cardinal(first, region), cardinal(year, region))
    } else {
        let name = if scan.follows(&["tháng"]) { "" } else { "tháng " };
        format!("{name}{} năm {}", month(first, region), cardinal(year, region))
    };
    scan.replace(found.len, &words, Said::Month);
    true
}

/// "2023/2024": a school year or a season.
fn years(scan: &mut Scan<'_>) -> bool {
    let Some(found) = groups(scan.rest()) else {
        return false;
    };
    let [first, second] = found.parts[..] else {
        return false;
    };
    if found.mark != '/' || !(is_year(first) && is_year(second) && first < second) {
        return false;
    }
    let words = format!(
        "{} đến {}",
        cardinal(first, scan.region),
        cardinal(second, scan.region)
    );
    scan.replace(found.len, &words, Said::Plain);
    true
}

fn day_and_month(scan: &mut Scan<'_>) -> bool {
    let Some(found) = groups(scan.rest()) else {
        return false;
    };
    let [day, month] = found.parts[..] else {
        return false;
    };
    if !(is_day(day) && is_month(month)) {
        return false;
    }
    let after = &scan.lower_rest()[found.len..];
    let said = match found.mark {
        '/' => slashed_is_date(scan, day, month, after),
        '-' => hyphen_is_date(scan, after),
        _ => false,
    };
    if said {
        speak_day(scan, found.len, day, month, None);
    }
    said
}

fn slashed_is_date(scan: &Scan<'_>, day: &str, month: &str, after: &str) -> bool {
    let context = scan.context();
    if ends_with_any(scan.list_context(is_list_digit), DAY_WORDS) || ends_with_any(context, DATE_STRONG) {
        return true;
    }
    let counted = starts_with_any(after, COUNTED);
    let share = starts_with_any(after, &["số", "tổng số", "diện tích", "tổng", "quân số"]);
    if matches!(scan.said_in_list(), Said::Date) && !counted && !share {
        return true;
    }
    let before: String = context.trim_end_matches(',').to_owned();
    if ends_with_any(&before, &["thứ 2", "thứ 3", "thứ 4", "thứ 5", "thứ 6", "thứ 7"]) {
        return true;
    }
    // A part cannot be larger than its whole, so "30/4" alone is a day. "24/7" is round the clock.
    let larger = day.parse::<u32>().unwrap_or(0) > month.parse().unwrap_or(0) && (day, month) != ("24", "7");
    let padded = day.starts_with('0') || month.starts_with('0');
    let weak = ends_with_any(context, DATE_WEAK);
    !counted
        && !share
        && (larger || padded || weak)
        && !scan.follows(&["huyết áp", "số nhà", "ngõ", "hẻm", "ngách"])
}

/// "ngày 3-2" is the third of February, "ngày 3-6 tháng 5" are four days of May.
fn hyphen_is_date(scan: &Scan<'_>, after: &str) -> bool {
    let context = scan.context();
    let range = starts_with_word(after, "tháng") || ends_with_any(context, &["các ngày", "những ngày"]);
    let named = ends_with_any(context, DAY_WORDS) || ends_with_any(context, DATE_STRONG);
    (named && !range && !starts_with_any(after, COUNTED)) || scan.said_in_list() == Said::Date && !range
}

fn speak_day(scan: &mut Scan<'_>, source: usize, day: &str, month_digits: &str, year: Option<&str>) {
    if !ends_with_any(scan.list_context(is_list_digit), DAY_WORDS) {
        scan.say("ngày ");
    }
    speak_named_day(scan, source, day, month_digits, year);
}

fn speak_named_day(scan: &mut Scan<'_>, source: usize, day: &str, month_digits: &str, year: Option<&str>) {
    let region = scan.region;
    let mut words = format!("{} tháng {}", cardinal(day, region), month(month_digits, region));
    if let Some(year) = year {
        words.push_str(&format!(" năm {}", cardinal(year, region)));
    }
    scan.replace(source, &words, Said::Date);
}

/// Members of an enumeration of days or months before this one.
fn is_list_digit(c: char) -> bool {
    c.is_ascii_digit()
}
