//! Queries that name a time: "văn bản năm 2023", "5/3/2024", "nghị quyết tháng 4 năm 2024". They are asked of the dates of
//! documents when no text answers.

use super::refs::References;
use super::typed::Typed;
use crate::library::{Date, as_year};
use sotay_feed::IntoTree;
use std::collections::BTreeSet;

/// A year, a month of it, or a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Period {
    year: u16,
    month: Option<u8>,
    day: Option<u8>,
}

impl Period {
    pub(super) fn holds(&self, date: Date) -> bool {
        date.year == self.year
            && self.month.is_none_or(|month| date.month == month)
            && self.day.is_none_or(|day| date.day == day)
    }
}

/// Pairs that say no more than "documents of".
const SAID_OF_ANY: [[&str; 2]; 5] = [
    ["van", "ban"],
    ["tai", "lieu"],
    ["ban", "hanh"],
    ["phat", "hanh"],
    ["trong", "nam"],
];
const LINKS: [&str; 6] = ["ngay", "thang", "nam", "trong", "cac", "cua"];

/// The time that a query names, and the words that say it or say nothing beside it.
pub(super) fn period(words: &[Typed], refs: &References) -> Option<(Period, BTreeSet<usize>)> {
    if !refs.labels.is_empty() {
        return None;
    }
    let mut said: BTreeSet<usize> = refs.when.iter().copied().into_set();
    let mut year = refs.year;
    // Without "tháng" it would be the number and year of a document.
    let slashed = |three: &[Typed]| {
        three[0].keys.folded == "thang"
            && three[1].after.trim() == "/"
            && number_of_month(&three[1]).is_some()
    };
    if let Some(at) = words.windows(3).position(slashed)
        && let Some(named) = as_year(&words[at + 2].keys.exact)
    {
        year = Some(named);
        said = BTreeSet::from([at + 2]);
    }
    let period = match (refs.date, year) {
        (Some(date), _) => Period {
            year: date.year,
            month: Some(date.month),
            day: Some(date.day),
        },
        (None, Some(year)) => {
            let first = said.first().copied()?;
            let month = first.checked_sub(1).and_then(|at| month(words, at));
            said.extend(month.map(|_| first - 1));
            Period {
                year,
                month,
                day: None,
            }
        }
        (None, None) => return None,
    };
    for (at, pair) in words.windows(2).enumerate() {
        if SAID_OF_ANY
            .iter()
            .any(|known| pair[0].keys.folded == known[0] && pair[1].keys.folded == known[1])
        {
            said.extend([at, at + 1]);
        }
    }
    let link = |at: &usize| LINKS.contains(&words[*at].keys.folded.as_str());
    said.extend((0..words.len()).filter(link));
    Some((period, said))
}

/// The month before a year: `tháng 4/2024`, `tháng 4 năm 2024`.
fn month(words: &[Typed], at: usize) -> Option<u8> {
    let after_thang = at > 0 && words[at - 1].keys.folded == "thang";
    number_of_month(&words[at]).filter(|_| after_thang)
}

fn number_of_month(word: &Typed) -> Option<u8> {
    word.keys.exact.parse().ok().filter(|n| (1..=12).contains(n))
}

#[cfg(test)]
mod tests {
    use super::super::refs::{CodeWords, find};
    use super::super::typed::read;
    use super::super::vocabulary::Vocabulary;
    use super::*;

    fn said(query: &str) -> Option<(Period, usize)> {
        let typed = read(query, &Vocabulary::default());
        let refs = find(&typed, &CodeWords::of(&[]));
        period(&typed.words, &refs).map(|(period, said)| (period, typed.words.len() - said.len()))
    }

    fn of(year: u16, month: Option<u8>, day: Option<u8>) -> Period {
        Period { year, month, day }
    }

    #[test]
    fn a_year_a_month_and_a_day_are_read_and_what_else_is_asked_is_left() {
        assert_eq!(said("văn bản ban hành năm 2023"), Some((of(2023, None, None), 0)));
        assert_eq!(said("tháng 4/2024"), Some((of(2024, Some(4), None), 0)));
        assert_eq!(said("tháng 12 năm 2024"), Some((of(2024, Some(12), None), 0)));
        assert_eq!(said("tháng 13 năm 2024"), Some((of(2024, None, None), 1)));
        assert_eq!(said("4/2024"), None, "number and year of a document");
        assert_eq!(said("ngày 5/3/2024"), Some((of(2024, Some(3), Some(5)), 0)));
        assert_eq!(said("cây xanh năm 2024"), Some((of(2024, None, None), 2)));
        assert_eq!(said("Điều 5 năm 2024"), None);
        assert_eq!(said("cây xanh"), None);
    }

    #[test]
    fn a_period_holds_its_days_only() {
        let day = |y, m, d| Date::new(y, m, d).unwrap();
        assert!(of(2024, Some(4), None).holds(day(2024, 4, 30)));
        assert!(!of(2024, Some(4), None).holds(day(2024, 5, 1)));
        assert!(!of(2024, Some(4), Some(1)).holds(day(2024, 4, 2)));
        assert!(!of(2024, None, None).holds(day(2023, 12, 31)));
    }
}
