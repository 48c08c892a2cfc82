//! The fee ledger of a year: lines that are only ever added, and reversing lines; never an edit.
//!
//! Amounts are whole đồng. What somebody owes follows from rates that are dated data and, where it is set, from the
//! amount the member was assessed at. The ledger of a year holds what was paid for its months (decision 0035).

mod apply;
mod month;
mod rates;
mod review;
mod view;

use sotay_feed::MemberId;

use crate::cell::cell_struct;
use crate::coded::coded;
use crate::date::{Date, Month};
use crate::ids::EntryId;
use crate::words::Words;

pub use apply::apply;
pub use month::{FeeDue, FeeMonth, fee_month};
pub use rates::{FeeRates, FeeRule};
pub use review::review;
pub use view::{Assessed, FeeLine, FeesView};

coded! {
    /// Why somebody owes what they owe.
    pub enum FeeBasis ("fee_basis") {
        /// The rate for members like them.
        Rate = 0 "rate",
        /// The amount they were assessed at.
        Assessed = 1 "assessed",
        /// Pays nothing.
        Exempt = 2 "exempt",
        /// No rule fits.
        NoRule = 3 "no_rule",
    }
}

/// A line as it is stored. The key holds its hash, so no line can be written over unseen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LineCell {
    pub month: Month,
    pub payer: MemberId,
    pub amount: u32,
    pub day: Date,
    pub recorder: Option<MemberId>,
    pub reverses: Option<EntryId>,
    pub note: Option<Words>,
}

cell_struct!(LineCell {
    month,
    payer,
    amount,
    day,
    recorder,
    reverses,
    note
});

/// What can be done with the ledger. Only officers may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Records a payment.
    Pay {
        /// Fresh id.
        id: EntryId,
        /// Who paid, or for whom it was paid.
        payer: MemberId,
        /// The month it is for.
        month: Month,
        /// Đồng.
        amount: u32,
        /// The day it was paid.
        day: Date,
        /// A remark.
        note: Option<Words>,
    },
    /// Adds the line that takes another one back.
    Reverse {
        /// Fresh id.
        id: EntryId,
        /// The line that was wrong.
        line: EntryId,
        /// The day.
        day: Date,
        /// Why.
        note: Option<Words>,
    },
    /// Sets what a member pays a month, from a month on; `None` means the rate again.
    Assess {
        /// Whom.
        member: MemberId,
        /// First month.
        from: Month,
        /// Đồng a month.
        amount: Option<u32>,
    },
    /// Settles an item of the review list; reversing one of two lines is an option of it.
    Settle {
        /// The item.
        item: String,
        /// The option taken.
        pick: String,
        /// Fresh id of the choice, or of the reversing line.
        id: EntryId,
        /// The day, for a reversing line.
        day: Date,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::tests::holds;

    #[test]
    fn lines_hold() {
        holds(
            &LineCell {
                month: "2025-05".parse().unwrap(),
                payer: MemberId::from_bytes([5; 16]),
                amount: 6_000,
                day: "2025-05-05".parse().unwrap(),
                recorder: None,
                reverses: Some(EntryId::from_bytes([1; 16])),
                note: Some("nộp trùng".into()),
            },
            "821b00000196a06cb1408767323032352d303550050505050505050505050505050505051917706a323032352d30352d3035f6\
             50010101010101010101010101010101016c6ee1bb99702074 72c3b96e67"
                .replace(' ', "")
                .as_str(),
        );
    }
}
