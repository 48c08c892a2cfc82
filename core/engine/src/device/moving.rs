//! Members who move between units: for good, for a time to another unit, or away for a time.
//!
//! The unit the member leaves asks; the level above records it, with its day, and tells the other unit whom to expect; each
//! unit then enters it in its own list. What was recorded above changes no list by itself: an officer of the unit does.

use std::collections::BTreeMap;

use serde::Serialize;
use sotay_feed::{InOrder, MemberId, SpaceKind, UnitId};
use sotay_handbook::dispatch::{Transfer, TransferKind, TransferStep};
use sotay_handbook::roster::{Activity, Command as Roster, Standing};
use sotay_handbook::{CommandError, Date, EntryId, What, Words};
use sotay_membership::Reason;
use sotay_store::Store;

use super::letters::TRANSFER;
use super::removal::{RemovalError, Whom};
use super::roster::{NewMember, today};
use super::{Device, KeyChange};
use crate::error::DeviceError;

const MEMBER_CONTEXT: &str = "sotay/v1/arrived-member";

/// A member's move, as one of the units has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MoveLine {
    /// The unit whose letters these are.
    #[serde(serialize_with = "crate::text_of")]
    pub unit: UnitId,
    /// The furthest step, with the facts that count.
    #[serde(flatten)]
    pub now: Transfer,
    /// Every step, in order.
    pub steps: Vec<Transfer>,
}

/// A move to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMove {
    /// Who.
    pub member: MemberId,
    /// How.
    pub kind: TransferKind,
    /// First day.
    pub from: Date,
    /// Last day of a move for a time, if known.
    pub until: Option<Date>,
    /// Where to, by name.
    pub place: Words,
}

/// What leaving did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    /// Who.
    #[serde(serialize_with = "crate::text_of")]
    pub member: MemberId,
    /// The removal of the member's phones; `None` while the day has not come, of a move for a time, and without phones.
    pub removed: Option<KeyChange>,
}

impl<S: Store> Device<S> {
    fn moves_of(&self, unit: UnitId) -> Result<Vec<MoveLine>, DeviceError> {
        let mut moves: BTreeMap<EntryId, Vec<Transfer>> = BTreeMap::new();
        for transfer in self.letters(TRANSFER, unit, |_, bytes| Transfer::decode(bytes).ok())? {
            moves.entry(transfer.id).or_default().push(transfer);
        }
        let line = |mut steps: Vec<Transfer>| {
            // Not by the clock: of two letters of one step every phone takes the same one.
            steps.in_order_by_key(|step| (step.step, step.encode()));
            let mut now = steps.last()?.clone();
            now.member = now.member.or(steps.iter().find_map(|step| step.member));
            Some(MoveLine { unit, now, steps })
        };
        let mut lines: Vec<MoveLine> = moves.into_values().filter_map(line).collect();
        lines.in_order_by_key(|line| (line.now.from, line.now.id));
        Ok(lines)
    }

    /// The moves of this unit, in and out, by their day. For officers.
    pub fn moves(&self) -> Result<Vec<MoveLine>, DeviceError> {
        let report = self.space(SpaceKind::Report)?;
        self.membership()?.may_read(self.id(), &report)?;
        self.moves_of(report.unit)
    }

    /// The moves of the units below.
    pub fn moves_below(&self) -> Result<Vec<MoveLine>, DeviceError> {
        let units = self.followed.units.keys();
        let mut all = Vec::new();
        for unit in units {
            all.extend(self.moves_of(*unit)?);
        }
        Ok(all)
    }

    fn one_move(lines: Vec<MoveLine>, id: EntryId) -> Result<MoveLine, DeviceError> {
        let found = lines.into_iter().find(|line| line.now.id == id);
        found.ok_or(CommandError::Unknown(What::Member).into())
    }

    fn write_move(&mut self, unit: UnitId, transfer: &Transfer) -> Result<(), DeviceError> {
        transfer.check()?;
        self.write_letters(unit, &[(TRANSFER, transfer.encode())])
    }

    /// Asks the level above to record that a member moves.
    pub fn ask_move(&mut self, new: &NewMove, now: i64) -> Result<EntryId, DeviceError> {
        let report = self.space(SpaceKind::Report)?;
        self.open_space(report)?;
        let roll = self.roll_at(Some(new.from))?;
        let line = roll.get(new.member).ok_or(DeviceError::NoMember)?;
        let transfer = Transfer {
            id: self.fresh_id(),
            kind: new.kind,
            step: TransferStep::Asked,
            member: Some(new.member),
            name: self.member_name(new.member).unwrap_or_default().as_str().into(),
            standing: line.standing,
            from: new.from,
            until: new.until,
            place: new.place.clone(),
            at_ms: now,
        };
        let id = transfer.id;
        self.write_move(report.unit, &transfer)?;
        Ok(id)
    }

    /// On the level above: records a move that a unit asked for, from its day or another one, and tells the unit the member
    /// moves to, if it stands below this one too.
    pub fn record_move(
        &mut self,
        id: EntryId,
        to: Option<UnitId>,
        from: Option<Date>,
        now: i64,
    ) -> Result<(), DeviceError> {
        let line = Self::one_move(self.moves_below()?, id)?;
        let asked = line.now;
        let to = to.map(|to| self.below(to)).transpose()?;
        if to == Some(line.unit) || (to.is_some() && asked.kind == TransferKind::Away) {
            return Err(CommandError::Unknown(What::Recipient).into());
        }
        let named = |device: &Self, unit: UnitId| {
            Words::from(device.followed.units.get(&unit).cloned().unwrap_or_default())
        };
        let recorded = Transfer {
            step: TransferStep::Recorded,
            member: None,
            from: from.unwrap_or(asked.from),
            place: to.map_or(asked.place.clone(), |to| named(self, to)),
            at_ms: now,
            ..asked
        };
        if let Some(to) = to {
            let expected = Transfer {
                step: TransferStep::Expected,
                place: named(self, line.unit),
                ..recorded.clone()
            };
            self.write_move(to, &expected)?;
        }
        self.write_move(line.unit, &recorded)
    }

    /// On the level above: records a move that no unit asked for, e.g. one decided there. The unit says who is meant.
    pub fn order_move(
        &mut self,
        unit: UnitId,
        to: Option<UnitId>,
        (name, standing): (Words, Standing),
        (kind, from, until): (TransferKind, Date, Option<Date>),
        now: i64,
    ) -> Result<EntryId, DeviceError> {
        let ordered = Transfer {
            id: self.fresh_id(),
            kind,
            step: TransferStep::Recorded,
            member: None,
            name,
            standing,
            from,
            until,
            place: Words::default(),
            at_ms: now,
        };
        let id = ordered.id;
        let unit = self.below(unit)?;
        self.write_move(unit, &ordered)?;
        if to.is_some() {
            self.record_move(id, to, None, now)?;
        }
        Ok(id)
    }

    /// On the level above: refuses a move that a unit asked for.
    pub fn refuse_move(&mut self, id: EntryId, now: i64) -> Result<(), DeviceError> {
        let line = Self::one_move(self.moves_below()?, id)?;
        let refused = Transfer {
            step: TransferStep::Refused,
            member: None,
            at_ms: now,
            ..line.now
        };
        self.write_move(line.unit, &refused)
    }

    /// Enters in the list that a member leaves, as recorded above. Of a move for good the member's phones are removed once
    /// the day has come: they get nothing new, and keep what is theirs. Doing it again does what was left. `member` says who
    /// is meant where the letters do not.
    pub fn leave(&mut self, id: EntryId, member: Option<MemberId>, now: i64) -> Result<Left, RemovalError> {
        let line = Self::one_move(self.moves()?, id)?;
        let transfer = &line.now;
        let away = transfer.kind == TransferKind::Away;
        let recorded = |step: TransferStep| line.steps.iter().any(|known| known.step == step);
        if !recorded(TransferStep::Recorded) && !away || transfer.step == TransferStep::Refused {
            return Err(DeviceError::from(CommandError::Unknown(What::Step)).into());
        }
        let member = transfer.member.or(member).ok_or(DeviceError::NoMember)?;
        if !recorded(TransferStep::Left) {
            let entry = |activity, from| Roster::SetActivity {
                member,
                activity,
                from,
            };
            let roll = self.roster_view()?.everybody_at(transfer.from);
            let before = roll.get(member).ok_or(DeviceError::NoMember)?.activity;
            let mut entries = vec![match transfer.kind {
                TransferKind::Official => entry(Activity::Transferred, transfer.from),
                _ => entry(Activity::Away, transfer.from),
            }];
            entries.extend(
                transfer
                    .until
                    .and_then(Date::tomorrow)
                    .map(|day| entry(before, day)),
            );
            self.roster_all(&entries, now)?;
            let left = Transfer {
                step: TransferStep::Left,
                member: Some(member),
                at_ms: now,
                ..transfer.clone()
            };
            self.write_move(line.unit, &left)?;
        }
        let over = transfer.kind == TransferKind::Official && transfer.from <= today(now);
        let removed = match over.then(|| self.revoke(Whom::Member(member), Reason::LEFT)) {
            None | Some(Err(RemovalError::NoPhone)) => None,
            Some(done) => Some(done?),
        };
        Ok(Left { member, removed })
    }

    /// Enters somebody in the list whom the level above told this unit to expect: attending, or attached until the day the
    /// move ends. Two officers who do it apart from each other enter one member.
    pub fn arrive(&mut self, id: EntryId, now: i64) -> Result<MemberId, DeviceError> {
        let line = Self::one_move(self.moves()?, id)?;
        let expected = line
            .steps
            .iter()
            .rev()
            .find(|step| step.step == TransferStep::Expected);
        let expected = expected.ok_or(CommandError::Unknown(What::Step))?.clone();
        let drawn = blake3::derive_key(
            MEMBER_CONTEXT,
            &[id.as_bytes(), &line.unit.as_bytes()[..]].concat(),
        );
        let mut member = [0; 16];
        member.copy_from_slice(&drawn[..16]);
        let member = MemberId::from_bytes(member);
        if !self.has_member(member)? {
            let new = NewMember {
                standing: expected.standing,
                activity: match expected.kind {
                    TransferKind::Official => Activity::Attending,
                    _ => Activity::Attached,
                },
                ..NewMember::named(&expected.name)
            };
            self.enter(&[(member, new, expected.from)], now)?;
            if let Some(day) = expected.until.and_then(Date::tomorrow) {
                let gone = Roster::SetActivity {
                    member,
                    activity: Activity::Transferred,
                    from: day,
                };
                self.roster(&gone, now)?;
            }
        }
        if !line.steps.iter().any(|step| step.step == TransferStep::Arrived) {
            let arrived = Transfer {
                step: TransferStep::Arrived,
                member: Some(member),
                at_ms: now,
                ..expected
            };
            self.write_move(line.unit, &arrived)?;
        }
        Ok(member)
    }
}
