//! Numbers, digits, Roman numerals and letters as Vietnamese words.

use super::Region;

/// Longest run of digits read as one quantity; a longer one is read digit by digit.
pub(super) const MAX_CARDINAL_DIGITS: usize = 18;

/// Decimal places up to which the part after the comma is read as one number ("chín mươi phẩy bốn mươi tám").
const MAX_FRACTION_DIGITS: usize = 3;

/// Highest Roman numeral that is recognised; parts, congresses and centuries stay far below.
const MAX_ROMAN: i32 = 89;

const DIGITS: [&str; 10] = [
    "không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín",
];

/// A run of ASCII digits as a cardinal; zero padding is not read.
pub(super) fn cardinal(digits: &str, region: Region) -> String {
    let significant = digits.trim_start_matches('0');
    if significant.is_empty() {
        return DIGITS[0].to_owned();
    }
    if significant.len() > MAX_CARDINAL_DIGITS {
        return spelled(digits);
    }
    match significant.parse() {
        Ok(value) => whole(value, region),
        Err(_) => spelled(digits),
    }
}

/// A run of ASCII digits, one by one.
pub(super) fn spelled(digits: &str) -> String {
    let names: Vec<&str> = digits
        .bytes()
        .filter(u8::is_ascii_digit)
        .map(|b| DIGITS[usize::from(b - b'0')])
        .collect();
    names.join(" ")
}

/// The digits after a decimal comma.
pub(super) fn fraction(digits: &str, region: Region) -> String {
    let padded = digits.len() > 1 && digits.starts_with('0');
    if padded || digits.len() > MAX_FRACTION_DIGITS {
        spelled(digits)
    } else {
        cardinal(digits, region)
    }
}

/// A position in an order: "nhất" and "tư" differ from the cardinals.
pub(super) fn ordinal(digits: &str, region: Region) -> String {
    match digits.trim_start_matches('0') {
        "1" => "nhất".to_owned(),
        "4" => "tư".to_owned(),
        _ => cardinal(digits, region),
    }
}

/// A calendar month: the fourth is "tháng tư".
pub(super) fn month(digits: &str, region: Region) -> String {
    if digits.trim_start_matches('0') == "4" {
        "tư".to_owned()
    } else {
        cardinal(digits, region)
    }
}

/// What stands below in a fraction: three quarters are "ba phần tư".
pub(super) fn denominator(digits: &str, region: Region) -> String {
    month(digits, region)
}

fn whole(value: u64, region: Region) -> String {
    const BILLION: u64 = 1_000_000_000;
    let mut words = Vec::new();
    let (billions, rest) = (value / BILLION, value % BILLION);
    if billions > 0 {
        words.push(whole(billions, region));
        words.push("tỷ".to_owned());
    }
    let (thousands, ones) = (rest / 1_000 % 1_000, rest % 1_000);
    for (group, name) in [
        (rest / 1_000_000, "triệu"),
        (thousands, region.thousand()),
        (ones, ""),
    ] {
        // "hai triệu năm trăm" is heard as 2.500.000; 2.000.500 is "hai triệu không nghìn năm trăm".
        if name == region.thousand() && thousands == 0 && ones > 0 && !words.is_empty() {
            words.extend([DIGITS[0].to_owned(), name.to_owned()]);
        } else if group > 0 {
            words.push(below_thousand(group as usize, !words.is_empty(), region));
            if !name.is_empty() {
                words.push(name.to_owned());
            }
        }
    }
    words.join(" ")
}

/// `inside` is set when a higher group was read: then the hundreds are read even if they are zero.
fn below_thousand(value: usize, inside: bool, region: Region) -> String {
    let (hundreds, tens, ones) = (value / 100, value / 10 % 10, value % 10);
    let mut words = Vec::new();
    if hundreds > 0 || inside {
        words.extend([DIGITS[hundreds], "trăm"]);
    }
    match tens {
        0 if ones > 0 && !words.is_empty() => words.push(region.empty_tens()),
        0 => {}
        1 => words.push("mười"),
        _ => words.extend([DIGITS[tens], "mươi"]),
    }
    match (tens, ones) {
        (_, 0) => {}
        (2.., 1) => words.push("mốt"),
        (2.., 4) => words.push("tư"),
        (1.., 5) => words.push("lăm"),
        _ => words.push(DIGITS[ones]),
    }
    words.join(" ")
}

/// The value of a well-formed upper-case Roman numeral of I, V, X and L; `None` for anything else ("IIX", "VX").
pub(super) fn roman(text: &str) -> Option<u32> {
    let mut value = 0;
    let mut highest = 0;
    for sign in text.bytes().rev() {
        let worth = match sign {
            b'I' => 1,
            b'V' => 5,
            b'X' => 10,
            b'L' => 50,
            _ => return None,
        };
        if worth < highest {
            value -= worth;
        } else {
            value += worth;
            highest = worth;
        }
        if value > MAX_ROMAN {
            return None;
        }
    }
    // Writing the value again refuses every form that nobody writes.
    let value = u32::try_from(value).ok().filter(|v| *v > 0)?;
    (written(value) == text).then_some(value)
}

fn written(mut value: u32) -> String {
    let mut text = String::new();
    for (worth, sign) in [
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ] {
        while value >= worth {
            text.push_str(sign);
            value -= worth;
        }
    }
    text
}

/// The name under which a letter is read in "điểm đ", "mã QR", "3G".
pub(super) fn letter(letter: char) -> Option<&'static str> {
    Some(match letter.to_lowercase().next()? {
        'a' => "a",
        'ă' => "á",
        'â' => "ớ",
        'b' => "bê",
        'c' => "xê",
        'd' => "dê",
        'đ' => "đê",
        'e' => "e",
        'ê' => "ê",
        'f' => "ép",
        'g' => "gờ",
        'h' => "hát",
        'i' => "i",
        'j' => "gi",
        'k' => "ca",
        'l' => "lờ",
        'm' => "mờ",
        'n' => "nờ",
        'o' => "o",
        'ô' => "ô",
        'ơ' => "ơ",
        'p' => "pê",
        'q' => "quy",
        'r' => "rờ",
        's' => "ét",
        't' => "tê",
        'u' => "u",
        'ư' => "ư",
        'v' => "vê",
        'w' => "vê kép",
        'x' => "ích",
        'y' => "y",
        'z' => "dét",
        _ => return None,
    })
}

/// Letters one by one ("GRDP" → "gờ rờ đê pê"); a D in an acronym stands for đ as often as not and is read "đê".
pub(super) fn letters(text: &str) -> String {
    let names: Vec<&str> = text
        .chars()
        .filter_map(|c| if matches!(c, 'D') { Some("đê") } else { letter(c) })
        .collect();
    names.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const N: Region = Region::Northern;

    #[test]
    fn cardinals_follow_the_rules_of_mot_tu_lam_and_linh() {
        for (digits, words) in [
            ("0", "không"),
            ("10", "mười"),
            ("11", "mười một"),
            ("14", "mười bốn"),
            ("15", "mười lăm"),
            ("21", "hai mươi mốt"),
            ("54", "năm mươi tư"),
            ("55", "năm mươi lăm"),
            ("100", "một trăm"),
            ("104", "một trăm linh bốn"),
            ("111", "một trăm mười một"),
            ("1005", "một nghìn không trăm linh năm"),
            ("2050", "hai nghìn không trăm năm mươi"),
            ("1000000", "một triệu"),
            ("1000005", "một triệu không nghìn không trăm linh năm"),
            ("2000500", "hai triệu không nghìn năm trăm"),
            ("1000500000", "một tỷ năm trăm nghìn"),
            ("2000000000", "hai tỷ"),
            ("1000000000000", "một nghìn tỷ"),
            ("0007", "bảy"),
        ] {
            assert_eq!(cardinal(digits, N), words, "{digits}");
        }
    }

    #[test]
    fn south_says_le_and_ngan() {
        assert_eq!(cardinal("1005", Region::Southern), "một ngàn không trăm lẻ năm");
    }

    #[test]
    fn a_run_past_the_limit_is_read_digit_by_digit() {
        let at_limit = "9".repeat(MAX_CARDINAL_DIGITS);
        assert!(cardinal(&at_limit, N).contains("tỷ"));
        let past = "9".repeat(MAX_CARDINAL_DIGITS + 1);
        assert_eq!(
            cardinal(&past, N),
            vec!["chín"; MAX_CARDINAL_DIGITS + 1].join(" ")
        );
    }

    #[test]
    fn every_roman_numeral_below_ninety_reads_back_and_malformed_ones_do_not() {
        for value in 1..90 {
            assert_eq!(roman(&written(value)), Some(value));
        }
        for bad in ["", "IIII", "VX", "IIX", "XLX", "IXI", "VV", "LL", "A", "Xi"] {
            assert_eq!(roman(bad), None, "{bad}");
        }
    }
}
