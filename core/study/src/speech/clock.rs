//! Times of day: "19h30", "7g30", "08:00", "14h".

use super::data::context::SCALES;
use super::number::cardinal;
use super::scan::{Said, Scan, leading_digits, starts_with_word};

/// Speaks a time of day.
pub(super) fn time(scan: &mut Scan<'_>) -> bool {
    let rest = scan.rest();
    let hour = leading_digits(rest);
    if hour.len() > 2 || !hour.parse().is_ok_and(|h: u32| h <= 24) {
        return false;
    }
    let tail = &rest[hour.len()..];
    let Some((minute, second, used)) = colon(scan, tail).or_else(|| lettered(tail)) else {
        return false;
    };
    let mut words = format!("{} giờ", cardinal(hour, scan.region));
    if !is_zero(minute) || !is_zero(second) {
        words.push_str(&format!(" {} phút", cardinal(minute, scan.region)));
    }
    if !is_zero(second) {
        words.push_str(&format!(" {} giây", cardinal(second, scan.region)));
    }
    scan.replace(hour.len() + used, &words, Said::Time);
    true
}

/// "08:00", "19:30:15".
fn colon<'a>(scan: &Scan<'_>, tail: &'a str) -> Option<(&'a str, &'a str, usize)> {
    if scan.follows(SCALES) {
        return None;
    }
    let minute = sixty(tail.strip_prefix(':')?)?;
    let mut used = 1 + minute.len();
    let second = tail[used..].strip_prefix(':').and_then(sixty).unwrap_or("");
    if !second.is_empty() {
        used += 1 + second.len();
    }
    // "9:30 h" and "9:30'" say the hour or the minute twice.
    let doubled = ["h", " giờ", "'", " phút", "p"].iter().find(|d| {
        tail[used..]
            .strip_prefix(**d)
            .is_some_and(|after| !after.starts_with(char::is_alphanumeric))
    });
    used += doubled.map_or(0, |d| d.len());
    (!tail[used..].starts_with(|c: char| c.is_ascii_digit() || c == ':')).then_some((minute, second, used))
}

/// "19h30", "19H30'", "7g30", "19 h 30 phút", "14h".
fn lettered(tail: &str) -> Option<(&str, &str, usize)> {
    let loose = tail.strip_prefix(' ').unwrap_or(tail);
    let gap = tail.len() - loose.len();
    let sign = ["giờ", "h", "H", "g", "G"]
        .into_iter()
        .find(|s| loose.starts_with(s))?;
    if sign == "giờ" && gap > 0 {
        return None;
    }
    let after = &loose[sign.len()..];
    let spaced = after
        .strip_prefix(' ')
        .filter(|_| sign.eq_ignore_ascii_case("h"))
        .unwrap_or(after);
    if let Some(minute) = sixty(spaced).or_else(|| single_minute(spaced)) {
        let used = gap + sign.len() + (after.len() - spaced.len()) + minute.len();
        let doubled = ["'", " phút", "phút", "ph", "p", " ph"]
            .iter()
            .find(|d| {
                tail[used..]
                    .strip_prefix(**d)
                    .is_some_and(|a| !a.starts_with(char::is_alphanumeric))
            })
            .map_or(0, |d| d.len());
        // "2 h 15 hộ" counts households, and "5g35" is no weight.
        let bounded = !tail[used + doubled..].starts_with(char::is_alphanumeric);
        let tight = after.len() == spaced.len() || doubled > 0 || ends_time(&tail[used..]);
        if bounded && tight {
            return Some((minute, "", used + doubled));
        }
    }
    let alone = matches!(sign, "h" | "H") && !after.starts_with(char::is_alphanumeric);
    alone.then_some(("", "", gap + sign.len()))
}

fn sixty(text: &str) -> Option<&str> {
    let digits = leading_digits(text);
    (digits.len() == 2 && digits < "60").then_some(digits)
}

/// "8h5'" is sloppy but written; "8h5" alone is left to the reader as five minutes too.
fn single_minute(text: &str) -> Option<&str> {
    let digits = leading_digits(text);
    (digits.len() == 1).then_some(digits)
}

fn is_zero(digits: &str) -> bool {
    digits.bytes().all(|d| d == b'0')
}

/// True when what follows a number after "giờ" shows that the number was minutes.
pub(super) fn ends_time(after: &str) -> bool {
    let after = after.trim_start();
    after.is_empty()
        || after.starts_with(|c: char| !c.is_alphanumeric())
        || [
            "ngày",
            "cùng",
            "sáng",
            "chiều",
            "tối",
            "trưa",
            "đến",
            "tại",
            "thứ",
            "hôm",
            "hàng",
            "hằng",
            "đồng chí",
        ]
        .iter()
        .any(|word| starts_with_word(after, word))
}
