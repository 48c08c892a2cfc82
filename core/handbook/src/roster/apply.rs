//! Changing the roster.

use sotay_document::crdt::{ObjId, ROOT, ReadDoc, Transaction};
use sotay_feed::MemberId;

use super::unit::unit_key;
use super::view::{choices, entry_key, number_key};
use super::{Activity, Command, Role, RollLine, RosterField, RosterView, Standing, review};
use crate::acting::Acting;
use crate::cell::{Cell, object, put};
use crate::claim::Devices;
use crate::date::Date;
use crate::error::{CommandError, What};
use crate::review::settle;
use crate::schema;
use crate::words::Words;

/// Carries a command out. On an error nothing must be kept of the transaction (`Document::edit` rolls it back).
pub fn apply(
    tx: &mut Transaction<'_>,
    acting: &Acting,
    devices: &Devices,
    command: &Command,
) -> Result<(), CommandError> {
    acting.must_be_officer()?;
    let lines = object(tx, &ROOT, schema::LINES).ok_or(CommandError::Damaged)?;
    let mut roster = Roster {
        tx,
        lines,
        at_ms: acting.at_ms,
    };
    match command {
        Command::Add { line, from } => roster.add(line, *from),
        Command::SetNumber { member, number } => {
            roster.known(*member)?;
            put(
                roster.tx,
                &roster.lines,
                &number_key(*member),
                acting.at_ms,
                number,
            )
        }
        Command::SetRole { member, role, from } => roster.set(*member, RosterField::Role, *from, Some(*role)),
        Command::SetGroup { member, group, from } => {
            roster.set(*member, RosterField::Group, *from, Some(line_of(group)?))
        }
        Command::SetStanding {
            member,
            standing,
            from,
        } => roster.set(*member, RosterField::Standing, *from, Some(*standing)),
        Command::SetActivity {
            member,
            activity,
            from,
        } => roster.set(*member, RosterField::Activity, *from, Some(*activity)),
        Command::Withdraw { member, field, from } => roster.withdraw(*member, *field, *from),
        Command::SetUnit { field, name, from } => {
            let name = name.as_ref().map(|name| {
                let line = name
                    .line()
                    .map_err(|e| CommandError::too_long(What::UnitName, e))?;
                if line.trim().is_empty() {
                    return Err(CommandError::Empty(What::UnitName));
                }
                Ok(Words::from(line))
            });
            let (name, key) = (name.transpose()?, unit_key(*field, *from));
            if name.is_none() && !matches!(roster.tx.get(&roster.lines, key.as_str()), Ok(Some(_))) {
                return Err(CommandError::Unknown(What::RosterEntry));
            }
            put(roster.tx, &roster.lines, &key, acting.at_ms, &name)
        }
        Command::Settle { item, pick, id } => {
            let list = review(&RosterView::read(tx, devices));
            let known = choices(tx, devices);
            settle(tx, acting, &list, &known, item, pick, *id)
        }
    }
}

fn line_of(group: &Option<Words>) -> Result<Words, CommandError> {
    let line = group
        .as_ref()
        .map(|group| group.line().map_err(|e| CommandError::too_long(What::Group, e)));
    Ok(line.transpose()?.unwrap_or_default().into())
}

struct Roster<'t, 'd> {
    tx: &'t mut Transaction<'d>,
    lines: ObjId,
    at_ms: i64,
}

impl Roster<'_, '_> {
    fn is_known(&self, member: MemberId) -> bool {
        let key = number_key(member);
        matches!(self.tx.get(&self.lines, key), Ok(Some(_)))
    }

    fn known(&self, member: MemberId) -> Result<(), CommandError> {
        if self.is_known(member) {
            Ok(())
        } else {
            Err(CommandError::Unknown(What::Member))
        }
    }

    fn add(&mut self, line: &RollLine, from: Date) -> Result<(), CommandError> {
        if self.is_known(line.member) {
            return Err(CommandError::Exists(What::Member));
        }
        put(
            self.tx,
            &self.lines,
            &number_key(line.member),
            self.at_ms,
            &line.number,
        )?;
        self.set(line.member, RosterField::Role, from, Some(line.role))?;
        if line.group.is_some() {
            self.set(line.member, RosterField::Group, from, Some(line_of(&line.group)?))?;
        }
        self.set(line.member, RosterField::Standing, from, Some(line.standing))?;
        self.set(line.member, RosterField::Activity, from, Some(line.activity))
    }

    fn set<T: Cell>(
        &mut self,
        member: MemberId,
        field: RosterField,
        from: Date,
        value: Option<T>,
    ) -> Result<(), CommandError> {
        self.known(member)?;
        put(
            self.tx,
            &self.lines,
            &entry_key(member, field, from),
            self.at_ms,
            &value,
        )
    }

    fn withdraw(&mut self, member: MemberId, field: RosterField, from: Date) -> Result<(), CommandError> {
        if !matches!(
            self.tx.get(&self.lines, entry_key(member, field, from)),
            Ok(Some(_))
        ) {
            return Err(CommandError::Unknown(What::RosterEntry));
        }
        match field {
            RosterField::Role => self.set(member, field, from, None::<Role>),
            RosterField::Group => self.set(member, field, from, None::<Words>),
            RosterField::Standing => self.set(member, field, from, None::<Standing>),
            RosterField::Activity => self.set(member, field, from, None::<Activity>),
        }
    }
}
