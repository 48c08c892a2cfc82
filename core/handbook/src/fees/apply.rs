//! Writing into the ledger.

use sotay_document::crdt::Transaction;
use sotay_feed::MemberId;

use super::review::REVERSE_PREFIX;
use super::view::line_key;
use super::{Command, FeesView, LineCell, review};
use crate::acting::Acting;
use crate::claim::Devices;
use crate::date::Date;
use crate::error::{CommandError, What};
use crate::ids::EntryId;
use crate::limits::{AMOUNT_MAX, FEE_LINES_MAX};
use crate::review::settle;
use crate::schema;
use crate::sheet::{Pen, at_most, line_or_none, officers_choices};
use crate::words::Words;

/// Carries a command out; `known` says who is or was on the roster. On an error nothing must be kept of the transaction
/// (`Document::edit` rolls it back).
pub fn apply(
    tx: &mut Transaction<'_>,
    acting: &Acting,
    devices: &Devices,
    known: &dyn Fn(MemberId) -> bool,
    command: &Command,
) -> Result<(), CommandError> {
    acting.must_be_officer()?;
    let view = FeesView::read(&*tx, devices);
    let mut desk = Desk {
        pen: Pen { tx, acting },
        view,
    };
    match command {
        Command::Pay { payer, .. } | Command::Assess { member: payer, .. } if !known(*payer) => {
            Err(CommandError::Unknown(What::Member))
        }
        Command::Pay {
            id,
            payer,
            month,
            amount,
            day,
            note,
        } => {
            if *amount == 0 {
                return Err(CommandError::Empty(What::Amount));
            }
            at_most(What::Amount, u64::from(*amount), u64::from(AMOUNT_MAX))?;
            let cell = LineCell {
                month: *month,
                payer: *payer,
                amount: *amount,
                day: *day,
                recorder: acting.member,
                reverses: None,
                note: line_or_none(What::Reason, note.as_ref())?,
            };
            desk.write(*id, &cell)
        }
        Command::Reverse { id, line, day, note } => desk.reverse(*id, *line, *day, note.as_ref()),
        Command::Assess { member, from, amount } => {
            at_most(
                What::Amount,
                u64::from(amount.unwrap_or(0)),
                u64::from(AMOUNT_MAX),
            )?;
            desk.pen
                .put(schema::ASSESSED, &format!("{member}/{from}"), amount)
        }
        Command::Settle { item, pick, id, day } => match pick.strip_prefix(REVERSE_PREFIX) {
            Some(line) => {
                let list = review(&desk.view);
                let item = list.get(item).ok_or(CommandError::Unknown(What::ReviewItem))?;
                if !item.options.iter().any(|option| option.pick == *pick) {
                    return Err(CommandError::Unknown(What::Choice));
                }
                let line = line.parse().map_err(|_| CommandError::Unknown(What::FeeLine))?;
                desk.reverse(*id, line, *day, None)
            }
            None => {
                let known = officers_choices(&*desk.pen.tx, devices);
                settle(desk.pen.tx, acting, &review(&desk.view), &known, item, pick, *id)
            }
        },
    }
}

struct Desk<'t, 'd, 's> {
    pen: Pen<'t, 'd, 's>,
    view: FeesView,
}

impl Desk<'_, '_, '_> {
    fn write(&mut self, id: EntryId, cell: &LineCell) -> Result<(), CommandError> {
        if self.view.line(id).is_some() {
            return Err(CommandError::Exists(What::FeeLine));
        }
        at_most(
            What::FeeLine,
            self.view.lines.len() as u64 + 1,
            FEE_LINES_MAX as u64,
        )?;
        let key = line_key(id, self.pen.acting.device, cell);
        self.pen.put(schema::LINES, &key, cell)
    }

    fn reverse(
        &mut self,
        id: EntryId,
        line: EntryId,
        day: Date,
        note: Option<&Words>,
    ) -> Result<(), CommandError> {
        let wrong = self
            .view
            .line(line)
            .filter(|wrong| wrong.reverses.is_none())
            .ok_or(CommandError::Unknown(What::FeeLine))?;
        if wrong.reversed_by.is_some() {
            return Err(CommandError::ReversedAlready);
        }
        let cell = LineCell {
            month: wrong.month,
            payer: wrong.payer,
            amount: wrong.amount,
            day,
            recorder: self.pen.acting.member,
            reverses: Some(line),
            note: line_or_none(What::Reason, note)?,
        };
        self.write(id, &cell)
    }
}
