//! Document codes: `12-HD/BTCTW`, `59/2023/NĐ-CP`, `10/2022/QH15`.

use crate::text::{TokenKind, clean, keys, tokens};

/// The parts of a code, in the form they are compared by. Separators, case, marks and leading zeros do not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code {
    /// The running number, without leading zeros.
    pub number: Option<u32>,
    /// The year inside the code, as state documents have it.
    pub year: Option<u16>,
    /// The other parts, folded, in order: type and issuer (`["hd", "btctw"]`).
    pub words: Vec<String>,
}

/// Years that a number inside a code or query is taken for.
const YEARS: std::ops::RangeInclusive<u32> = 1930..=2099;

/// Reads a number as a year, if it lies in the span in which the documents of the library were written.
pub fn as_year(value: &str) -> Option<u16> {
    let number: u32 = value.parse().ok()?;
    (value.len() == 4 && YEARS.contains(&number)).then_some(number as u16)
}

impl Code {
    /// Reads a code. Total: what is no code gives a `Code` with words only.
    pub fn parse(text: &str) -> Self {
        let cleaned = clean(text);
        let mut code = Self::default();
        for token in tokens(&cleaned) {
            if token.kind == TokenKind::Word {
                code.words.push(keys(&token.value).bare);
            } else if code.number.is_none() {
                code.number = token.value.parse().ok();
            } else if code.year.is_none() && code.words.is_empty() {
                code.year = as_year(&token.value);
            } else {
                code.words.push(token.value.into_owned());
            }
        }
        code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_case_marks_and_leading_zeros_do_not_matter() {
        let wanted = Code::parse("05-QĐ/TU");
        for spelling in ["5-qđ/tu", "05 QD TU", "5QĐ-TU", "005/qd/tu"] {
            assert_eq!(Code::parse(spelling), wanted, "{spelling}");
        }
        assert_ne!(Code::parse("15-QĐ/TU"), wanted);
    }

    #[test]
    fn state_codes_carry_a_year() {
        let code = Code::parse("59/2023/NĐ-CP");
        assert_eq!(
            (code.number, code.year, code.words),
            (Some(59), Some(2023), vec!["nd".into(), "cp".into()])
        );
        assert_eq!(Code::parse("10/2022/QH15").words, ["qh15"]);
    }

    #[test]
    fn years_have_four_digits_and_lie_in_the_span() {
        assert_eq!(as_year("2018"), Some(2018));
        assert_eq!(
            (as_year("1929"), as_year("2100"), as_year("218"), as_year("02018")),
            (None, None, None, None)
        );
    }
}
