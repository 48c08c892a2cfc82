//! Numbers as Vietnamese documents print them.

/// A whole number with a point between thousands: `338.000`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('.');
        }
        out.push(digit);
    }
    out
}

/// `part` of `base` in percent with a decimal comma, rounded half up to two digits, zeros at the end left out:
/// `81,58 %`, `87,5 %`, `100 %`. A base of nought has no percentage: `–`.
pub fn percent(part: u64, base: u64) -> String {
    if base == 0 {
        return "–".to_owned();
    }
    // Hundredths of a percent; u128 so that no count of votes can overflow.
    let exact = (u128::from(part) * 10_000 * 2 + u128::from(base)) / (u128::from(base) * 2);
    format!("{} %", decimal(exact))
}

/// Hundredths with a decimal comma, zeros at the end left out: `8,5`.
pub fn hundredths(value: u64) -> String {
    decimal(u128::from(value))
}

fn decimal(hundredths: u128) -> String {
    let (whole, part) = (hundredths / 100, hundredths % 100);
    match (part / 10, part % 10) {
        (0, 0) => whole.to_string(),
        (tenth, 0) => format!("{whole},{tenth}"),
        _ => format!("{whole},{part:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_have_a_comma_and_no_idle_zeros() {
        assert_eq!(percent(31, 38), "81,58 %");
        assert_eq!(percent(35, 40), "87,5 %");
        assert_eq!(percent(40, 40), "100 %");
        assert_eq!(percent(1, 3), "33,33 %");
        assert_eq!(percent(2, 3), "66,67 %");
        assert_eq!(percent(1, 2000), "0,05 %");
        assert_eq!(percent(0, 38), "0 %");
        assert_eq!(percent(3, 0), "–");
        assert_eq!(percent(u64::MAX, 1), "1844674407370955161500 %");
    }

    #[test]
    fn thousands_are_parted_by_points() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(338_000), "338.000");
        assert_eq!(grouped(1_234_567), "1.234.567");
    }

    #[test]
    fn points_are_printed_in_hundredths() {
        assert_eq!(hundredths(850), "8,5");
        assert_eq!(hundredths(1000), "10");
        assert_eq!(hundredths(905), "9,05");
    }
}
