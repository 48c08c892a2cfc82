//! Two numbers with a slash: a fraction ("một phần hai"), a count out of a total ("ba mươi lăm trên ba mươi tám").

use super::data::context::{COUNT_BEFORE, COUNTED, SCALES, SHARE_BEFORE, SHARED};
use super::number::{self, cardinal};
use super::quantity::{self, Parsed};
use super::scan::{Said, Scan, leading_digits, starts_with_any};

/// Largest denominator of a fraction of everyday speech.
const LARGEST_FRACTION: f64 = 10.0;

/// Speaks "a/b", and "a:b" after the word for a scale.
pub(super) fn share(scan: &mut Scan<'_>) -> bool {
    scale(scan) || slashed(scan)
}

fn scale(scan: &mut Scan<'_>) -> bool {
    if !scan.follows(SCALES) {
        return false;
    }
    let (first, rest) = (leading_digits(scan.rest()), scan.rest());
    // "tỷ số 3-2" is a score, "tỷ lệ 3-5%" a range.
    let score = scan.follows(&["tỷ số", "tỉ số"]);
    let Some(mark) = rest[first.len()..]
        .chars()
        .next()
        .filter(|c| *c == ':' || (*c == '-' && score))
    else {
        return false;
    };
    let Some(second) = quantity::parse(&rest[first.len() + 1..], false) else {
        return false;
    };
    let joint = if mark == ':' { "trên" } else { "" };
    let words = format!(
        "{} {joint} {}",
        cardinal(first, scan.region),
        second.words(scan.region)
    );
    scan.replace(first.len() + 1 + second.len, &words, Said::Plain);
    true
}

fn slashed(scan: &mut Scan<'_>) -> bool {
    let rest = scan.rest();
    let Some(part) = quantity::parse(rest, false) else {
        return false;
    };
    let tail = &rest[part.len..];
    let Some(gap) = ["/", " / "].into_iter().find(|g| {
        tail.strip_prefix(*g)
            .is_some_and(|t| !leading_digits(t).is_empty())
    }) else {
        return false;
    };
    let Some(total) = quantity::parse(&tail[gap.len()..], false) else {
        return false;
    };
    let source = part.len + gap.len() + total.len;
    let mut words = part.words(scan.region);
    if is_fraction(scan, &part, &total, source) {
        words.push_str(&format!(
            " phần {}",
            number::denominator(&total.whole, scan.region)
        ));
    } else {
        words.push_str(&format!(" trên {}", total.words(scan.region)));
    }
    let mut used = source;
    // "12/34/56": no date, so every further number is read on.
    while let Some(more) = rest[used..]
        .strip_prefix('/')
        .and_then(|text| quantity::parse(text, false))
    {
        words.push_str(&format!(" trên {}", more.words(scan.region)));
        used += 1 + more.len;
    }
    scan.replace(used, &words, Said::Plain);
    true
}

fn is_fraction(scan: &Scan<'_>, part: &Parsed<'_>, total: &Parsed<'_>, source: usize) -> bool {
    let (a, b) = (part.value(), total.value());
    if a >= b || a == 0.0 || part.fraction.is_some() || total.fraction.is_some() {
        return false;
    }
    // "1/100", "1/1.000".
    let decimal = a == 1.0 && matches!(total.whole.as_str(), "100" | "1000" | "10000" | "1000000");
    if b > LARGEST_FRACTION && !decimal {
        return false;
    }
    let after = &scan.lower_rest()[source..];
    let everyday = (a == 1.0 && b <= 5.0) || (a, b) == (2.0, 3.0) || (a, b) == (3.0, 4.0);
    if starts_with_any(after, COUNTED) {
        let counted_so_far = scan.follows(COUNT_BEFORE) && !scan.follows(SHARE_BEFORE);
        return everyday && !counted_so_far;
    }
    let share_before = scan.follows(SHARE_BEFORE);
    let percent_follows =
        after.trim_start().starts_with('(') && after.split(')').next().is_some_and(|t| t.contains('%'));
    if percent_follows && !share_before {
        return false;
    }
    starts_with_any(after, SHARED) || share_before || !scan.follows(COUNT_BEFORE)
}
