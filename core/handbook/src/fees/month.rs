//! One month of fees: who owes what, who paid, who has not.

use serde::Serialize;
use sotay_feed::{InOrder, MemberId};

use super::{FeeBasis, FeeRates, FeesView};
use crate::date::Month;
use crate::ids::ser;
use crate::roster::Roll;

/// A month of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeeMonth {
    /// Which.
    pub month: Month,
    /// Name of the rates.
    pub rates: String,
    /// Everybody on the list who owes or paid something, in its order; then who paid and is not on it.
    pub members: Vec<FeeDue>,
    /// Sum of what is owed, in đồng.
    pub due: u64,
    /// Sum of what is recorded as paid, in đồng.
    pub paid: i64,
    /// Lines of this month, reversing ones included.
    pub lines: u32,
    /// Who has paid less than they owe, in the order of the list.
    #[serde(serialize_with = "ser::list")]
    pub unpaid: Vec<MemberId>,
}

/// A member's month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeeDue {
    /// Who.
    #[serde(serialize_with = "ser::id")]
    pub member: MemberId,
    /// Đồng owed.
    pub due: u32,
    /// Why.
    pub basis: FeeBasis,
    /// Đồng recorded as paid.
    pub paid: i64,
}

/// Works a month out; `roll` is the list of its first day.
pub fn fee_month(view: &FeesView, month: Month, roll: &Roll, rates: &FeeRates) -> FeeMonth {
    let of_month = || view.lines.iter().filter(|line| line.month == month);
    let paid = |member: MemberId| -> i64 {
        of_month()
            .filter(|line| line.payer == member)
            .map(|line| line.counts)
            .sum()
    };
    let mut members: Vec<FeeDue> = roll
        .lines()
        .iter()
        .map(|line| {
            let (due, basis) = rates.due(line, view.assessed_at(line.member, month));
            FeeDue {
                member: line.member,
                due,
                basis,
                paid: paid(line.member),
            }
        })
        .collect();
    let mut strangers: Vec<MemberId> = of_month().map(|line| line.payer).collect();
    strangers.in_order();
    strangers.dedup();
    strangers.retain(|member| roll.get(*member).is_none());
    members.extend(strangers.into_iter().map(|member| FeeDue {
        member,
        due: 0,
        basis: FeeBasis::NoRule,
        paid: paid(member),
    }));
    FeeMonth {
        month,
        rates: rates.name.clone(),
        due: members.iter().map(|one| u64::from(one.due)).sum(),
        paid: members.iter().map(|one| one.paid).sum(),
        lines: of_month().count() as u32,
        unpaid: members
            .iter()
            .filter(|one| one.paid < i64::from(one.due))
            .map(|one| one.member)
            .collect(),
        members,
    }
}
