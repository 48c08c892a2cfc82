//! Numbers as quantities: thousands, decimals, ordinals, units, money, ranges.

use super::clock;
use super::data::context::LISTED;
use super::data::units::{QUANTITY_NOUNS, UNITS, Unit};
use super::number::{self, cardinal};
use super::scan::{
    Said, Scan, ends_with_any, ends_with_word, leading_digits, leading_word, starts_with_any,
    starts_with_word,
};
use super::{Region, clean, word};

/// A number as it was written.
pub(super) struct Parsed<'a> {
    /// Bytes it takes in the text.
    pub len: usize,
    /// Digits before the comma, without thousands marks.
    pub whole: String,
    /// Digits after the comma.
    pub fraction: Option<&'a str>,
    /// Further groups of a version or section number ("2.1").
    pub dotted: Vec<&'a str>,
}

impl Parsed<'_> {
    /// The number in words.
    pub(super) fn words(&self, region: Region) -> String {
        let padded = self.whole.len() > 2 && self.whole.starts_with('0');
        let mut words = if padded {
            number::spelled(&self.whole)
        } else {
            cardinal(&self.whole, region)
        };
        if let Some(fraction) = self.fraction {
            words.push_str(&format!(" phẩy {}", number::fraction(fraction, region)));
        }
        for group in &self.dotted {
            words.push_str(&format!(" chấm {}", number::fraction(group, region)));
        }
        words
    }

    /// Its value, for comparison only.
    pub(super) fn value(&self) -> f64 {
        format!("{}.{}", self.whole, self.fraction.unwrap_or("0"))
            .parse()
            .unwrap_or(f64::MAX)
    }

    fn is_plain(&self) -> bool {
        self.fraction.is_none() && self.dotted.is_empty()
    }
}

/// Reads a number at the beginning of `text`; `listed` says that a comma without a space parts members of a list.
pub(super) fn parse(text: &str, listed: bool) -> Option<Parsed<'_>> {
    let first = leading_digits(text);
    if first.is_empty() {
        return None;
    }
    let mut parsed = Parsed {
        len: first.len(),
        whole: first.to_owned(),
        fraction: None,
        dotted: Vec::new(),
    };
    let groupable = first.len() <= 3 && !first.starts_with('0');
    for mark in ['.', ',', ' '] {
        let groups = thousands(&text[first.len()..], mark);
        // One group after a comma is a decimal, one after a space another number.
        if groupable && groups.len() >= if mark == '.' { 1 } else { 2 } && !(listed && mark == ',') {
            parsed.len += groups.len() * 4;
            parsed.whole.extend(groups);
            break;
        }
    }
    if let Some(digits) = text[parsed.len..].strip_prefix(',').map(leading_digits) {
        let list = listed
            || text[parsed.len + 1 + digits.len()..]
                .strip_prefix(',')
                .is_some_and(starts_with_digit);
        if !digits.is_empty() && !list {
            parsed.fraction = Some(digits);
            parsed.len += 1 + digits.len();
        }
    }
    while parsed.fraction.is_none() {
        let Some(digits) = text[parsed.len..]
            .strip_prefix('.')
            .map(leading_digits)
            .filter(|d| !d.is_empty())
        else {
            break;
        };
        parsed.dotted.push(digits);
        parsed.len += 1 + digits.len();
    }
    Some(parsed)
}

/// Groups of exactly three digits, each after `mark`.
fn thousands(mut text: &str, mark: char) -> Vec<&str> {
    let mut groups = Vec::new();
    while let Some(digits) = text
        .strip_prefix(mark)
        .map(leading_digits)
        .filter(|d| d.len() == 3)
    {
        groups.push(digits);
        text = &text[4..];
    }
    groups
}

/// True when `text` begins with an ASCII digit.
pub(super) fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// Speaks a number with its unit; at a digit this never fails, so that no digit is left.
pub(super) fn number(scan: &mut Scan<'_>) {
    let listed = ends_with_any(scan.list_context(|c| c.is_ascii_digit()), LISTED) && !is_measure(scan);
    let Some(parsed) = parse(scan.rest(), listed) else {
        scan.copy_word();
        return;
    };
    if minutes(scan, &parsed) {
        return;
    }
    let words = in_context(scan, &parsed);
    let said = Said::Number {
        value: parsed.value(),
        digits: parsed.whole.len(),
    };
    scan.replace(parsed.len, &words, said);
    unit(scan, said);
    letters(scan);
}

/// "mỗi ngày 1,5 tấn": what is measured is no list although its word may number.
fn is_measure(scan: &Scan<'_>) -> bool {
    parse(scan.rest(), false)
        .filter(|parsed| parsed.fraction.is_some())
        .is_some_and(|parsed| {
            let after = &scan.rest()[parsed.len..];
            let nouns = starts_with_any(after, QUANTITY_NOUNS)
                || starts_with_any(after, &["lần", "điểm", "giờ", "sào", "công"]);
            nouns || find_unit(after, true).is_some()
        })
}

/// "tháng 4", "thứ 4", "lần thứ 1" are not read as cardinals.
fn in_context(scan: &Scan<'_>, parsed: &Parsed<'_>) -> String {
    if parsed.is_plain() {
        let after = &scan.lower_rest()[parsed.len..];
        let listed = scan.list_context(|c| c.is_ascii_digit());
        // In "tháng 3, 4 đồng chí" the four are people.
        let member = listed.len() == scan.context().len() || ends_list(after);
        if ends_with_word(listed, "thứ") && member {
            return number::ordinal(&parsed.whole, scan.region);
        }
        let counts_months = scan.context().strip_suffix("tháng").is_some_and(|before| {
            before.trim_end().ends_with(|c: char| c.is_ascii_digit()) && starts_with_word(after, "ngày")
        });
        if ends_with_word(listed, "tháng") && member && !counts_months {
            return number::month(&parsed.whole, scan.region);
        }
    }
    parsed.words(scan.region)
}

fn ends_list(after: &str) -> bool {
    let after = after.trim_start();
    !after.starts_with(char::is_alphabetic)
        || ["và", "hoặc", "năm", "đến", "hàng", "hằng", "tuần"]
            .iter()
            .any(|word| starts_with_word(after, word))
}

/// The minutes of "19 giờ 30" and "8 giờ 00 phút".
fn minutes(scan: &mut Scan<'_>, parsed: &Parsed<'_>) -> bool {
    let hours = scan.context().strip_suffix("giờ").map(str::trim_end);
    let after_hours = hours.is_some_and(|h| h.ends_with(|c: char| c.is_ascii_digit()));
    if !(after_hours && parsed.is_plain() && parsed.whole.len() == 2 && parsed.value() < 60.0) {
        return false;
    }
    let after = &scan.lower_rest()[parsed.len..];
    let named = starts_with_word(after, "phút");
    if parsed.value() == 0.0 && (named || clock::ends_time(after)) {
        let gap = after.len() - after.trim_start().len();
        let source = parsed.len + if named { gap + "phút".len() } else { 0 };
        scan.replace(source, "", Said::Time);
        return true;
    }
    if named || !clock::ends_time(after) || after.starts_with(['\'', '%', '°', '/']) {
        return false;
    }
    let words = format!("{} phút", cardinal(&parsed.whole, scan.region));
    scan.replace(parsed.len, &words, Said::Time);
    true
}

/// The unit after the number, if one stands there.
fn unit(scan: &mut Scan<'_>, said: Said) {
    let rest = scan.rest();
    // "50K" is money, "5K" a slogan.
    let slogan = matches!(said, Said::Number { digits: 1, .. });
    let found = find_unit(rest, scan.line[..scan.at].contains(['\'', '"']));
    if let Some((source, unit)) = found.filter(|(_, unit)| !(slogan && unit.symbol == "K")) {
        scan.replace(source, &format!(" {}", unit.spoken), said);
        // "1tr5" and "19h30" put the next place right behind the unit.
        let next = leading_digits(scan.rest());
        if !next.is_empty() {
            let words = cardinal(next, scan.region);
            scan.replace(next.len(), &words, said);
        }
    }
}

/// The longest unit at the beginning of `text`, with the bytes it takes; within quotation marks a quote closes them.
fn find_unit(text: &str, quoted: bool) -> Option<(usize, &'static Unit)> {
    let loose = text.strip_prefix(' ').unwrap_or(text);
    let gap = text.len() - loose.len();
    UNITS
        .iter()
        .filter(|unit| gap == 0 || !unit.attached)
        .filter(|unit| !quoted || !unit.symbol.starts_with(['\'', '"']))
        .filter_map(|unit| Some((unit, loose.strip_prefix(unit.symbol)?)))
        .filter(|(unit, after)| bounded(unit.symbol, after))
        .max_by_key(|(unit, _)| unit.symbol.len())
        .map(|(unit, _)| (gap + unit.symbol.len(), unit))
}

fn bounded(symbol: &str, after: &str) -> bool {
    let letters = symbol.ends_with(char::is_alphanumeric);
    let abbreviation = matches!(symbol, "đ" | "Đ")
        && (after.starts_with("/c") || after.starts_with("/C") || after.starts_with(".c"));
    let fraction_of_unit = symbol == "tr" && starts_with_digit(after);
    !abbreviation && (!letters || fraction_of_unit || !after.starts_with(char::is_alphanumeric))
}

/// Letters that touch the number: "Điều 15b", "3G", "lớp 12A1", "5người".
fn letters(scan: &mut Scan<'_>) {
    let touching = leading_word(scan.rest());
    if touching.is_empty() || !scan.previous().is_some_and(|c| c.is_ascii_digit()) {
        return;
    }
    let multiplied = matches!(touching, "x" | "X") && starts_with_digit(&scan.rest()[1..]);
    let single = touching.chars().count() == 1;
    let words = match touching.chars().next() {
        _ if multiplied => "nhân".to_owned(),
        Some(c) if single => number::letter(c).unwrap_or(touching).to_owned(),
        _ => word::spoken_alone(touching),
    };
    scan.replace(touching.len(), &words, Said::Plain);
}

/// True when the dash before `target` stands between two ends of a range.
pub(super) fn continues_range(scan: &Scan<'_>, target: &str) -> bool {
    let roman = number::roman(leading_word(target)).is_some();
    let said = scan.said_just_before();
    // "thứ 2 - thứ 6", "Điều 5 - Điều 7": the word is said again.
    let word = clean::lower_in_place(leading_word(target));
    let tail = target[word.len()..].trim_start();
    if matches!(said, Said::Number { .. } | Said::Roman) && !word.is_empty() && !tail.is_empty() {
        let numeral = starts_with_digit(tail) || number::roman(leading_word(tail)).is_some();
        let before = scan.context().trim_end_matches(char::is_alphanumeric).trim_end();
        if numeral && ends_with_word(before, &word) {
            return true;
        }
    }
    match said {
        Said::Roman => roman,
        Said::Date | Said::Time | Said::Month => starts_with_digit(target),
        Said::Number { value, digits } => parse(target, false).is_some_and(|next| {
            let short_year = digits == 4 && next.whole.len() == 2 && next.is_plain();
            next.value() > value || short_year
        }),
        Said::Plain => false,
    }
}
