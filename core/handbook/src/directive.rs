//! Directives: data that changes by law or decision, published as signed files and in force from a day on.
//!
//! A file says in its field `sotay` what it is: `policy` (who counts, what is enough), `fees` (rates), `criteria` (the
//! tree of a rating), `holidays`. Of all that are known, the one in force is chosen alike on every device (decision 0036).

use std::cmp::Reverse;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::coded::coded;
use crate::date::Date;
use crate::fees::FeeRates;
use crate::limits::DIRECTIVE_BYTES_MAX;
use crate::policy::{Policy, Precedence};
use crate::rating::Criteria;

coded! {
    /// What a directive is about.
    pub enum DirectiveKind ("directive") {
        /// Who must attend, who votes, what is enough, how long meetings last.
        Policy = 0 "policy",
        /// Fee rates.
        Fees = 1 "fees",
        /// The criteria tree of ratings.
        Criteria = 2 "criteria",
        /// Days on which nothing is due.
        Holidays = 3 "holidays",
    }
}

/// Why a file is no directive. The fault is with whoever published it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectiveError {
    /// Over [`DIRECTIVE_BYTES_MAX`].
    #[error("the file has {0} bytes, {DIRECTIVE_BYTES_MAX} are allowed")]
    TooLong(usize),
    /// Not JSON of the known fields; the reason names the field.
    #[error("line {line}: {reason}")]
    Malformed {
        /// Counted from 1.
        line: usize,
        /// Which field, and what is wrong with it.
        reason: String,
    },
    /// Its field `sotay` names nothing this software knows.
    #[error("the field sotay names no kind of directive")]
    Kind,
    /// A version this software does not know.
    #[error("unknown version {0}")]
    Version(u16),
    /// A value that cannot be meant.
    #[error("the field {0} makes no sense")]
    Nonsense(&'static str),
}

impl From<serde_json::Error> for DirectiveError {
    fn from(error: serde_json::Error) -> Self {
        let text = error.to_string();
        let reason = text.split(" at line ").next().unwrap_or(&text).to_owned();
        Self::Malformed {
            line: error.line(),
            reason,
        }
    }
}

/// Reads JSON of at most [`DIRECTIVE_BYTES_MAX`].
pub(crate) fn parsed<T: DeserializeOwned>(json: &str) -> Result<T, DirectiveError> {
    if json.len() > DIRECTIVE_BYTES_MAX {
        return Err(DirectiveError::TooLong(json.len()));
    }
    Ok(serde_json::from_str(json)?)
}

/// Days on which nothing is due and nobody is expected to meet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Holidays {
    /// Name of the decision.
    pub name: String,
    /// First day on which the list holds.
    pub from: Date,
    /// The days, with what is celebrated.
    pub days: Vec<(Date, String)>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct HolidaysForm {
    #[serde(rename = "sotay")]
    _kind: String,
    version: u16,
    name: String,
    from: Date,
    days: Vec<(Date, String)>,
}

impl Holidays {
    /// Reads a published list.
    pub fn parse(json: &str) -> Result<Self, DirectiveError> {
        let form: HolidaysForm = parsed(json)?;
        if form.version != 1 {
            return Err(DirectiveError::Version(form.version));
        }
        Ok(Self {
            name: form.name,
            from: form.from,
            days: form.days,
        })
    }

    /// The list that ships with the software as an example.
    pub fn shipped() -> Self {
        Self::parse(include_str!("../data/holidays-vn-1.json")).expect("the shipped list is tested")
    }

    /// What is celebrated on a day.
    pub fn on(&self, day: Date) -> Option<&str> {
        let found = self.days.iter().find(|(holiday, _)| *holiday == day);
        found.map(|(_, name)| name.as_str())
    }
}

/// What a directive says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DirectiveContent {
    /// A policy.
    Policy(Box<Policy>),
    /// Fee rates.
    Fees(FeeRates),
    /// A criteria tree.
    Criteria(Criteria),
    /// Holidays.
    Holidays(Holidays),
}

/// A directive that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// What it says.
    pub content: DirectiveContent,
    /// SHA-256 of the file.
    pub hash: [u8; 32],
}

/// Where a directive comes from. The smaller one counts when two hold from the same day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Issuer {
    /// A body above the unit.
    Above,
    /// The unit itself.
    Unit,
    /// Shipped with the software, as an example.
    Shipped,
}

#[derive(serde::Deserialize)]
struct Head {
    sotay: String,
}

/// A directive, and who published it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// Where it comes from.
    pub issuer: Issuer,
    /// How many levels above the unit; 0 for the unit's own and for what shipped.
    pub steps: u8,
    /// What it says.
    pub directive: Directive,
}

impl Issued {
    /// One of the unit's own.
    pub fn own(directive: Directive) -> Self {
        let issuer = Issuer::Unit;
        Self {
            issuer,
            steps: 0,
            directive,
        }
    }

    /// One of the body so many levels above.
    pub fn above(steps: u8, directive: Directive) -> Self {
        let issuer = Issuer::Above;
        Self {
            issuer,
            steps,
            directive,
        }
    }

    /// What decides whether it is the one in force.
    pub fn standing(&self) -> Standing {
        Standing {
            from: self.directive.from(),
            issuer: self.issuer,
            steps: self.steps,
            hash: self.directive.hash,
        }
    }
}

/// What decides between several things of one kind that are dated and come from several levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// First day on which it holds.
    pub from: Date,
    /// Where it comes from.
    pub issuer: Issuer,
    /// How many levels above the unit.
    pub steps: u8,
    /// SHA-256 of the file.
    pub hash: [u8; 32],
}

impl Standing {
    /// The smallest of these counts: from above, the highest level first; the unit's; what shipped.
    fn level(&self) -> (Issuer, Reverse<u8>) {
        (self.issuer, Reverse(self.steps))
    }
}

impl Directive {
    /// Reads a file of any kind.
    pub fn parse(json: &str) -> Result<Self, DirectiveError> {
        let head: Head = parsed(json)?;
        let content = match DirectiveKind::from_key(&head.sotay).ok_or(DirectiveError::Kind)? {
            DirectiveKind::Policy => DirectiveContent::Policy(Box::new(Policy::directive(json)?)),
            DirectiveKind::Fees => DirectiveContent::Fees(FeeRates::parse(json)?),
            DirectiveKind::Criteria => DirectiveContent::Criteria(Criteria::parse(json)?),
            DirectiveKind::Holidays => DirectiveContent::Holidays(Holidays::parse(json)?),
        };
        Ok(Self {
            content,
            hash: Sha256::digest(json.as_bytes()).into(),
        })
    }

    /// What it is about.
    pub fn kind(&self) -> DirectiveKind {
        match self.content {
            DirectiveContent::Policy(_) => DirectiveKind::Policy,
            DirectiveContent::Fees(_) => DirectiveKind::Fees,
            DirectiveContent::Criteria(_) => DirectiveKind::Criteria,
            DirectiveContent::Holidays(_) => DirectiveKind::Holidays,
        }
    }

    /// First day on which it holds.
    pub fn from(&self) -> Date {
        match &self.content {
            DirectiveContent::Policy(policy) => policy.from,
            DirectiveContent::Fees(rates) => rates.from,
            DirectiveContent::Criteria(criteria) => criteria.from,
            DirectiveContent::Holidays(holidays) => holidays.from,
        }
    }

    /// Its name, as printed.
    pub fn name(&self) -> &str {
        match &self.content {
            DirectiveContent::Policy(policy) => &policy.name,
            DirectiveContent::Fees(rates) => &rates.name,
            DirectiveContent::Criteria(criteria) => &criteria.name,
            DirectiveContent::Holidays(holidays) => &holidays.name,
        }
    }
}

/// The one in force on a day: the latest that holds by then; of several from that day what comes from above, the highest
/// level first, then the unit's, then what shipped; then the one with the smallest hash. Before the first day of all, the
/// earliest.
///
/// Where the policy of the highest level says so ([`Precedence::Level`]), what the highest level has in force counts before
/// anything of a lower one, whatever its day.
pub fn in_force(all: &[Issued], kind: DirectiveKind, day: Date) -> Option<&Issued> {
    let of_kind = || all.iter().filter(|issued| issued.directive.kind() == kind);
    let first_of_all = || {
        of_kind().min_by_key(|issued| {
            let standing = issued.standing();
            (standing.from, standing.level(), standing.hash)
        })
    };
    holding(of_kind(), Issued::standing, precedence(all, day), day).or_else(first_of_all)
}

/// What the policy of the highest level that has one on that day says about levels.
pub fn precedence(all: &[Issued], day: Date) -> Precedence {
    let policies = all
        .iter()
        .filter(|issued| issued.directive.kind() == DirectiveKind::Policy);
    let highest = holding(policies, Issued::standing, Precedence::Level, day);
    match highest.map(|issued| &issued.directive.content) {
        Some(DirectiveContent::Policy(policy)) => policy.precedence,
        _ => Precedence::Date,
    }
}

/// Of everything that holds by a day the one that counts, whatever the order they stand in; `None` if nothing holds yet.
pub fn holding<'a, T>(
    all: impl Iterator<Item = &'a T>,
    standing: impl Fn(&T) -> Standing,
    precedence: Precedence,
    day: Date,
) -> Option<&'a T> {
    let by_then = all.filter(|one| standing(one).from <= day);
    match precedence {
        Precedence::Date => by_then.min_by_key(|one| {
            let standing = standing(one);
            (Reverse(standing.from), standing.level(), standing.hash)
        }),
        Precedence::Level => by_then.min_by_key(|one| {
            let standing = standing(one);
            (standing.level(), Reverse(standing.from), standing.hash)
        }),
    }
}

/// What ships with the software: examples that hold until something is published.
pub fn shipped() -> Vec<Issued> {
    const FILES: [&str; 5] = [
        include_str!("../data/policy-vn-1.json"),
        include_str!("../data/fees-vn-1.json"),
        include_str!("../data/fees-vn-2.json"),
        include_str!("../data/criteria-vn-1.json"),
        include_str!("../data/holidays-vn-1.json"),
    ];
    FILES
        .iter()
        .map(|json| Issued {
            issuer: Issuer::Shipped,
            steps: 0,
            directive: Directive::parse(json).expect("what ships is tested"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fees(from: &str, amount: u32) -> Directive {
        let json = format!(
            r#"{{"sotay":"fees","version":1,"name":"n","from":"{from}","rules":[{{"amount":{amount}}}]}}"#
        );
        Directive::parse(&json).unwrap()
    }

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn the_latest_directive_in_force_counts_and_then_who_issued_it_and_then_the_hash() {
        let mut all = vec![
            Issued::own(fees("2025-01-01", 1)),
            Issued::own(fees("2026-01-01", 2)),
            Issued::above(1, fees("2026-01-01", 3)),
            Issued {
                issuer: Issuer::Shipped,
                ..Issued::own(fees("2026-01-01", 4))
            },
        ];
        let of = amount;
        assert_eq!(
            [
                of(&all, "2024-06-01"),
                of(&all, "2025-12-31"),
                of(&all, "2026-01-01")
            ],
            [1, 1, 3]
        );
        all.push(Issued::above(2, fees("2026-01-01", 5)));
        assert_eq!(of(&all, "2026-03-01"), 5, "of two above, the higher");
        all.reverse();
        assert_eq!(of(&all, "2026-03-01"), 5, "the order of arrival decides nothing");
        assert!(in_force(&all, DirectiveKind::Policy, day("2026-01-01")).is_none());
    }

    fn amount(all: &[Issued], on: &str) -> u32 {
        let issued = in_force(all, DirectiveKind::Fees, day(on)).unwrap();
        match &issued.directive.content {
            DirectiveContent::Fees(rates) => rates.rules[0].amount,
            _ => panic!("fees"),
        }
    }

    #[test]
    fn where_the_policy_from_above_says_so_the_higher_level_counts_before_a_later_day() {
        let policy = |precedence: &str, from: &str| {
            let json = include_str!("../data/policy-vn-1.json");
            let json = json.replacen('{', &format!("{{\"precedence\": \"{precedence}\","), 1);
            Directive::parse(&json.replacen("2025-01-01", from, 1)).unwrap()
        };
        let mut all = vec![
            Issued::above(2, fees("2025-01-01", 1)),
            Issued::above(1, fees("2025-06-01", 2)),
            Issued::own(fees("2026-01-01", 3)),
        ];
        assert_eq!(amount(&all, "2026-02-01"), 3, "by the day, when nothing is said");
        all.push(Issued::above(1, policy("level", "2026-01-01")));
        assert_eq!(amount(&all, "2026-02-01"), 1);
        assert_eq!(amount(&all, "2025-07-01"), 2, "not before the policy holds");
        assert_eq!(amount(&all, "2024-07-01"), 1);
        // A body higher still says otherwise; a branch cannot.
        all.push(Issued::own(policy("date", "2026-01-02")));
        assert_eq!(amount(&all, "2026-02-01"), 1);
        all.push(Issued::above(3, policy("date", "2026-01-01")));
        assert_eq!(amount(&all, "2026-02-01"), 3);
        assert!(matches!(
            Directive::parse(&include_str!("../data/policy-vn-1.json").replacen(
                '{',
                "{\"precedence\": \"x\",",
                1
            )),
            Err(DirectiveError::Malformed { .. })
        ));
    }

    #[test]
    fn what_ships_is_of_every_kind_and_reads() {
        let shipped = shipped();
        for kind in DirectiveKind::ALL {
            assert!(in_force(&shipped, *kind, day("2025-05-05")).is_some(), "{kind:?}");
        }
        assert_eq!(Holidays::shipped().on(day("2025-09-02")), Some("Quốc khánh"));
    }

    #[test]
    fn a_file_of_no_kind_version_or_form_is_refused_by_field_and_line() {
        assert_eq!(
            Directive::parse(r#"{"sotay":"minutes"}"#),
            Err(DirectiveError::Kind)
        );
        let unknown = include_str!("../data/holidays-vn-1.json").replacen("\"name\"", "\"nmae\"", 1);
        match Directive::parse(&unknown) {
            Err(DirectiveError::Malformed { line: 4, reason }) => {
                assert!(reason.contains("nmae"), "{reason}")
            }
            other => panic!("{other:?}"),
        }
        let padded = |len: usize| {
            let json = include_str!("../data/holidays-vn-1.json");
            format!("{json}{}", " ".repeat(len - json.len()))
        };
        assert!(Directive::parse(&padded(DIRECTIVE_BYTES_MAX)).is_ok());
        assert_eq!(
            Directive::parse(&padded(DIRECTIVE_BYTES_MAX + 1)),
            Err(DirectiveError::TooLong(DIRECTIVE_BYTES_MAX + 1))
        );
    }
}
