//! The fee ledger of a year.

use sotay_engine::handbook::fees::{self, Command, FeeLine};
use sotay_engine::handbook::{EntryId, Month, Names, Words};

use crate::call::ask;
use crate::convert::mark;
use crate::error::{HandbookError, OrFault, parse, parse_opt};
use crate::meeting_view::{ContestedField, MarkView, PersonView};
use crate::record_kinds::FeeBasis;
use crate::records::{Contested, Records, member, words};

/// A line of the ledger. Lines are never changed: a mistake is reversed by a line of its own.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct FeeLineView {
    /// Its id.
    pub id: String,
    /// The month paid for: `2025-05`.
    pub month: String,
    /// Who paid.
    pub payer: PersonView,
    /// How much, in đồng.
    pub amount: u32,
    /// The day of the payment.
    pub day: String,
    /// Who recorded it.
    pub recorder: Option<PersonView>,
    /// A remark.
    pub note: Option<String>,
    /// Which phone recorded it, when.
    pub mark: MarkView,
    /// The line that this one takes back.
    pub reverses: Option<String>,
    /// The line that takes this one back.
    pub reversed_by: Option<String>,
    /// What it adds to the sum, in đồng; negative for a reversal, 0 for what does not count.
    pub counts: i64,
}

/// The amount that a member was assessed at, from a month on.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct AssessedView {
    /// Who.
    pub member: PersonView,
    /// First month.
    pub from: String,
    /// In đồng a month; none when the assessment was ended.
    pub amount: Option<u32>,
    /// `amount`, where two phones wrote differently.
    pub contested: Vec<ContestedField>,
}

/// The ledger of a year.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct FeesView {
    /// All lines, by month.
    pub lines: Vec<FeeLineView>,
    /// All assessments.
    pub assessed: Vec<AssessedView>,
    /// What was paid in all, in đồng.
    pub total: i64,
    /// Lines that were written over after they were recorded, which no honest phone does; they do not count.
    pub damaged: u32,
}

/// What a member owes and paid for a month.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct FeeDueView {
    /// Who.
    pub member: PersonView,
    /// Owed, in đồng.
    pub due: u32,
    /// By what.
    pub basis: FeeBasis,
    /// Paid, in đồng.
    pub paid: i64,
}

/// A month of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct FeeMonthView {
    /// The month.
    pub month: String,
    /// Name of the rates in force.
    pub rates: String,
    /// Who owes what.
    pub members: Vec<FeeDueView>,
    /// Owed in all, in đồng.
    pub due: u64,
    /// Paid in all, in đồng.
    pub paid: i64,
    /// Lines of the month.
    pub lines: u32,
    /// Who owes and has not paid all.
    pub unpaid: Vec<PersonView>,
}

/// One command to the ledger. The committee only.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum FeeCommand {
    /// Records a payment.
    Pay {
        /// Who paid.
        payer: String,
        /// The month paid for: `2025-05`.
        month: String,
        /// How much, in đồng.
        amount: u32,
        /// The day of the payment.
        day: String,
        /// A remark.
        #[uniffi(default = None)]
        note: Option<String>,
        /// Id to use; with the id of an earlier call the same payment is not recorded twice.
        #[uniffi(default = None)]
        id: Option<String>,
    },
    /// Takes a line back.
    Reverse {
        /// Which.
        line: String,
        /// The day.
        day: String,
        /// Why.
        #[uniffi(default = None)]
        note: Option<String>,
        /// Id to use.
        #[uniffi(default = None)]
        id: Option<String>,
    },
    /// Assesses a member at an amount from a month on; without an amount the rates hold again.
    Assess {
        /// Whom.
        member: String,
        /// First month.
        from: String,
        /// In đồng a month.
        amount: Option<u32>,
    },
}

impl FeeCommand {
    /// The engine's form, and the id of the line it adds.
    fn translate(&self, fresh: EntryId) -> Result<(Command, Option<EntryId>), HandbookError> {
        let text = |text: &String| Words::from(text.as_str());
        Ok(match self {
            Self::Pay {
                payer,
                month,
                amount,
                day,
                note,
                id,
            } => {
                let id = parse_opt(id.as_ref(), "id")?.unwrap_or(fresh);
                let pay = Command::Pay {
                    id,
                    payer: parse(payer, "payer")?,
                    month: parse(month, "month")?,
                    amount: *amount,
                    day: parse(day, "day")?,
                    note: note.as_ref().map(text),
                };
                (pay, Some(id))
            }
            Self::Reverse { line, day, note, id } => {
                let id = parse_opt(id.as_ref(), "id")?.unwrap_or(fresh);
                let reverse = Command::Reverse {
                    id,
                    line: parse(line, "line")?,
                    day: parse(day, "day")?,
                    note: note.as_ref().map(text),
                };
                (reverse, Some(id))
            }
            Self::Assess { member, from, amount } => {
                let assess = Command::Assess {
                    member: parse(member, "member")?,
                    from: parse(from, "from")?,
                    amount: *amount,
                };
                (assess, None)
            }
        })
    }
}

fn line_view(names: &dyn Names, line: &FeeLine) -> FeeLineView {
    FeeLineView {
        id: line.id.to_string(),
        month: line.month.to_string(),
        payer: member(names, line.payer),
        amount: line.amount,
        day: line.day.to_string(),
        recorder: line.recorder.map(|id| member(names, id)),
        note: line.note.as_ref().map(words),
        mark: mark(names, &line.mark),
        reverses: line.reverses.map(|id| id.to_string()),
        reversed_by: line.reversed_by.map(|id| id.to_string()),
        counts: line.counts,
    }
}

fn ledger_view(names: &dyn Names, ledger: &fees::FeesView) -> FeesView {
    let amount = |amount: &Option<u32>| amount.map(|amount| amount.to_string()).unwrap_or_default();
    FeesView {
        lines: ledger.lines.iter().map(|line| line_view(names, line)).collect(),
        assessed: ledger
            .assessed
            .iter()
            .map(|one| AssessedView {
                member: member(names, one.member),
                from: one.from.to_string(),
                amount: one.amount.value.flatten(),
                contested: Contested::new(names).look("amount", &one.amount, amount).found(),
            })
            .collect(),
        total: ledger.total(),
        damaged: ledger.damaged,
    }
}

#[uniffi::export]
impl Records {
    /// The ledger of a year. The committee only.
    pub fn fees(&self, year: i32) -> Result<FeesView, HandbookError> {
        ask(&self.engine, move |device, _| {
            let ledger = device.fees(year).or_fault()?;
            Ok(ledger_view(device.names(), &ledger))
        })
    }

    /// A month of the ledger (`2025-05`): who owes what, who paid, who has not. The committee only.
    pub fn fee_month(&self, month: String) -> Result<FeeMonthView, HandbookError> {
        let month: Month = parse(&month, "month")?;
        ask(&self.engine, move |device, _| {
            let found = device.fee_month(month).or_fault()?;
            let names = device.names();
            Ok(FeeMonthView {
                month: found.month.to_string(),
                rates: found.rates,
                members: found
                    .members
                    .iter()
                    .map(|one| FeeDueView {
                        member: member(names, one.member),
                        due: one.due,
                        basis: one.basis,
                        paid: one.paid,
                    })
                    .collect(),
                due: found.due,
                paid: found.paid,
                lines: found.lines,
                unpaid: found.unpaid.iter().map(|&id| member(names, id)).collect(),
            })
        })
    }

    /// Carries out commands to the ledger of a year (that of the month paid for) as one change, all or nothing; gives the
    /// id of the line that each one added.
    pub fn change_fees(
        &self,
        year: i32,
        commands: Vec<FeeCommand>,
    ) -> Result<Vec<Option<String>>, HandbookError> {
        ask(&self.engine, move |device, now| {
            let mut translated = Vec::with_capacity(commands.len());
            let mut added = Vec::with_capacity(commands.len());
            for command in &commands {
                let (command, id) = command.translate(device.fresh_id())?;
                translated.push(command);
                added.push(id.map(|id| id.to_string()));
            }
            device.fee_all(year, &translated, now).or_fault()?;
            Ok(added)
        })
    }
}
