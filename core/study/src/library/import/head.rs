//! What the head of a text says of itself, and the report of what was understood.

use super::{Format, Report, Warning};
use crate::library::{Date, Section};
use std::collections::BTreeMap;

impl Report {
    pub(super) fn new(format: Format, sections: &[Section], warnings: Vec<Warning>) -> Self {
        let mut report = Self {
            format,
            sections: BTreeMap::new(),
            paragraphs: BTreeMap::new(),
            characters: 0,
            found_code: None,
            found_date: None,
            warnings,
        };
        for section in sections {
            *report.sections.entry(section.kind).or_default() += 1;
            for paragraph in &section.paragraphs {
                *report.paragraphs.entry(paragraph.kind).or_default() += 1;
                report.characters += paragraph.text.chars().count();
            }
        }
        report
    }
}

/// Lines from the top that are searched for code and date.
const HEAD_LINES: usize = 25;

/// The code after `Số:` in the head of a text.
pub(super) fn find_code(lines: &[String]) -> Option<String> {
    lines.iter().take(HEAD_LINES).find_map(|line| {
        let at = line
            .find("Số:")
            .or_else(|| line.find("SỐ:"))
            .or_else(|| line.find("Số "))?;
        let rest = line[at..]
            .trim_start_matches(|c: char| c.is_alphabetic())
            .trim_start_matches([':', ' ']);
        let code: String = rest
            .split(' ')
            .next()?
            .trim_end_matches([',', '.', ';'])
            .to_owned();
        let shaped = code.starts_with(|c: char| c.is_ascii_digit()) && code.contains(['/', '-']);
        shaped.then_some(code)
    })
}

/// The date of `…, ngày 25 tháng 07 năm 2016` in the head of a text.
pub(super) fn find_date(lines: &[String]) -> Option<Date> {
    lines.iter().take(HEAD_LINES).find_map(|line| {
        let words: Vec<&str> = line
            .split([' ', ',', '.', ';'])
            .filter(|w| !w.is_empty())
            .collect();
        words.windows(6).find_map(|w| match w {
            ["ngày", day, "tháng", month, "năm", year] => {
                Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
            }
            _ => None,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_date_are_found_in_the_head() {
        let lines: Vec<String> = [
            "ĐẢNG CỘNG SẢN VIỆT NAM",
            "Số: 29-QĐ/TW",
            "Hà Nội, ngày 25 tháng 07 năm 2016",
        ]
        .map(String::from)
        .to_vec();
        assert_eq!(find_code(&lines).as_deref(), Some("29-QĐ/TW"));
        assert_eq!(find_date(&lines), Date::new(2016, 7, 25));
        assert_eq!(find_code(&["Số lượng 12 người".to_owned()]), None);
        assert_eq!(find_date(&["ngày 31 tháng 02 năm 2016".to_owned()]), None);
    }
}
