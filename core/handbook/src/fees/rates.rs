//! Fee rates: who pays how much, who pays nothing. Data with a date, because it changes by directive.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::FeeBasis;
use crate::date::{Date, Month};
use crate::directive::{DirectiveError, parsed};
use crate::limits::AMOUNT_MAX;
use crate::roster::{Activity, RollLine, Standing};

const SHIPPED: [&str; 2] = [
    include_str!("../../data/fees-vn-1.json"),
    include_str!("../../data/fees-vn-2.json"),
];

/// The rates that hold from a day on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeeRates {
    /// Name of the directive, as printed.
    pub name: String,
    /// First day; a month is paid by the rates of its first day.
    pub from: Date,
    /// Rules; the first that fits a member holds.
    pub rules: Vec<FeeRule>,
}

/// One rule. A list that is left out fits everybody.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeeRule {
    /// Standings it is for.
    pub standings: Option<BTreeSet<Standing>>,
    /// Activities it is for.
    pub activities: Option<BTreeSet<Activity>>,
    /// Party groups it is for, as the roster writes them.
    pub groups: Option<BTreeSet<String>>,
    /// Đồng a month; 0 for who pays nothing, whatever they were assessed at.
    pub amount: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    #[serde(rename = "sotay")]
    _kind: String,
    version: u16,
    name: String,
    from: Date,
    rules: Vec<FeeRule>,
}

impl FeeRates {
    /// Reads published rates.
    pub fn parse(json: &str) -> Result<Self, DirectiveError> {
        let form: Form = parsed(json)?;
        if form.version != 1 {
            return Err(DirectiveError::Version(form.version));
        }
        let over = |rule: &&FeeRule| rule.amount > AMOUNT_MAX;
        if form.rules.is_empty() || form.rules.iter().find(over).is_some() {
            return Err(DirectiveError::Nonsense("rules"));
        }
        Ok(Self {
            name: form.name,
            from: form.from,
            rules: form.rules,
        })
    }

    /// The rates that ship with the software as examples, oldest first.
    pub fn shipped() -> Vec<Self> {
        SHIPPED
            .iter()
            .map(|json| Self::parse(json).expect("the shipped rates are tested"))
            .collect()
    }

    /// What a member owes for a month, and why.
    pub fn due(&self, line: &RollLine, assessed: Option<u32>) -> (u32, FeeBasis) {
        match self.rules.iter().find(|rule| rule.fits(line)) {
            Some(rule) if rule.amount == 0 => (0, FeeBasis::Exempt),
            rule => match (assessed, rule) {
                (Some(amount), _) => (amount, FeeBasis::Assessed),
                (None, Some(rule)) => (rule.amount, FeeBasis::Rate),
                (None, None) => (0, FeeBasis::NoRule),
            },
        }
    }

    /// Of several rates, those of a month: the latest that hold on its first day; the earliest when none does yet.
    pub fn of_month(all: &[Self], month: Month) -> Option<&Self> {
        let held = all.iter().filter(|rates| rates.from <= month.first());
        held.max_by_key(|rates| rates.from)
            .or_else(|| all.iter().min_by_key(|rates| rates.from))
    }
}

impl FeeRule {
    fn fits(&self, line: &RollLine) -> bool {
        let standing = self
            .standings
            .as_ref()
            .is_none_or(|all| all.contains(&line.standing));
        let activity = self
            .activities
            .as_ref()
            .is_none_or(|all| all.contains(&line.activity));
        let group = self.groups.as_ref().is_none_or(|all| {
            line.group
                .as_ref()
                .is_some_and(|group| all.contains(group.as_str()))
        });
        standing && activity && group
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn members_pay_by_rate_by_assessment_or_nothing() {
        let all = FeeRates::shipped();
        let rates = FeeRates::of_month(&all, "2025-05".parse().unwrap()).unwrap();
        let lines = fixture::lines();
        assert_eq!(rates.due(&lines[4], None), (6_000, FeeBasis::Rate));
        assert_eq!(rates.due(&lines[4], Some(19_000)), (19_000, FeeBasis::Assessed));
        assert_eq!(rates.due(&lines[38], Some(19_000)), (0, FeeBasis::Exempt));
        assert_eq!(rates.due(&lines[40], None), (3_000, FeeBasis::Rate));
    }

    #[test]
    fn a_month_is_paid_by_the_rates_of_its_first_day() {
        let all = FeeRates::shipped();
        let of = |month: &str| FeeRates::of_month(&all, month.parse().unwrap()).unwrap().from;
        assert_eq!(of("2025-12").to_string(), "2025-01-01");
        assert_eq!(of("2026-01").to_string(), "2026-01-01");
        assert_eq!(of("2024-01").to_string(), "2025-01-01");
    }

    #[test]
    fn rates_with_an_unknown_field_version_or_amount_are_refused_by_name() {
        let with = |from: &str, to: &str| FeeRates::parse(&SHIPPED[0].replacen(from, to, 1));
        assert!(
            matches!(with("\"amount\"", "\"amonut\""), Err(DirectiveError::Malformed { ref reason, .. }) if reason.contains("amonut"))
        );
        assert!(matches!(
            with("\"version\": 1", "\"version\": 2"),
            Err(DirectiveError::Version(2))
        ));
        let amount = |amount: u32| with("6000", &amount.to_string());
        assert!(amount(AMOUNT_MAX).is_ok());
        assert!(matches!(
            amount(AMOUNT_MAX + 1),
            Err(DirectiveError::Nonsense("rules"))
        ));
    }
}
