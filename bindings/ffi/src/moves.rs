//! Members who move between units: asked for by the unit they leave, recorded by the level above, entered by both.

use sotay_engine::MoveLine;
use sotay_engine::feed::{MemberId, UnitId};
use sotay_engine::handbook::{Date, EntryId, Words};

use crate::branch::Branch;
use crate::call::tell;
use crate::error::{HandbookError, parse, parse_opt};
use crate::kinds::MemberStanding;
use crate::phones::{KeyChangeView, key_change};
use crate::record_kinds::{MoveKind, MoveStep};
use crate::records::words;

/// A member's move, as one of the units has it.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct MoveView {
    /// The move; the same in both units.
    pub id: String,
    /// The unit whose letters these are, in hexadecimal.
    pub unit: String,
    /// How the member moves.
    pub kind: MoveKind,
    /// The furthest step taken.
    pub step: MoveStep,
    /// The member, in this unit's list; none where nobody here is meant yet.
    pub member: Option<String>,
    /// The member's name.
    pub name: String,
    /// Full or probationary.
    pub standing: MemberStanding,
    /// First day.
    pub since: String,
    /// Last day of a move for a time, if known.
    pub until: Option<String>,
    /// The other unit, by name.
    pub place: String,
    /// Every step, in order.
    pub steps: Vec<MoveStepView>,
}

/// A step of a move.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct MoveStepView {
    /// Which.
    pub step: MoveStep,
    /// When, milliseconds since 1970 UTC.
    pub at_ms: i64,
}

/// A move to ask the level above for.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct NewMove {
    /// Who.
    pub member: String,
    /// How.
    pub kind: MoveKind,
    /// First day.
    pub since: String,
    /// Last day of a move for a time, if known.
    #[uniffi(default = None)]
    pub until: Option<String>,
    /// Where to, by name.
    pub place: String,
}

/// A move that the level above decides by itself.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct OrderedMove {
    /// The unit that the member leaves.
    pub unit: String,
    /// The unit the member moves to, if it stands below this one too.
    #[uniffi(default = None)]
    pub to: Option<String>,
    /// The member's name; the unit says who is meant.
    pub name: String,
    /// Full or probationary.
    pub standing: MemberStanding,
    /// How.
    pub kind: MoveKind,
    /// First day.
    pub since: String,
    /// Last day of a move for a time, if known.
    #[uniffi(default = None)]
    pub until: Option<String>,
}

/// What leaving did.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct LeftView {
    /// Who.
    pub member: String,
    /// The removal of the member's phones; none while the day has not come, of a move for a time, and without phones.
    pub removed: Option<KeyChangeView>,
}

fn move_view(line: &MoveLine) -> MoveView {
    let now = &line.now;
    MoveView {
        id: now.id.to_string(),
        unit: line.unit.to_string(),
        kind: now.kind,
        step: now.step,
        member: now.member.map(|member| member.to_string()),
        name: words(&now.name),
        standing: now.standing,
        since: now.from.to_string(),
        until: now.until.map(|day| day.to_string()),
        place: words(&now.place),
        steps: line
            .steps
            .iter()
            .map(|step| MoveStepView {
                step: step.step,
                at_ms: step.at_ms,
            })
            .collect(),
    }
}

#[uniffi::export]
impl Branch {
    /// The moves of this unit, in and out, by their day. For officers.
    pub fn moves(&self) -> Result<Vec<MoveView>, HandbookError> {
        let all = tell(&self.engine, |device, _| device.moves())?;
        Ok(all.iter().map(move_view).collect())
    }

    /// On the level above: the moves of the units below.
    pub fn moves_below(&self) -> Result<Vec<MoveView>, HandbookError> {
        let all = tell(&self.engine, |device, _| device.moves_below())?;
        Ok(all.iter().map(move_view).collect())
    }

    /// Asks the level above to record that a member moves; gives the id of the move. Officers only.
    pub fn ask_move(&self, new: NewMove) -> Result<String, HandbookError> {
        let new = sotay_engine::NewMove {
            member: parse(&new.member, "member")?,
            kind: new.kind,
            from: parse(&new.since, "since")?,
            until: parse_opt(new.until.as_ref(), "until")?,
            place: Words::from(new.place.as_str()),
        };
        tell(&self.engine, move |device, now| device.ask_move(&new, now)).map(|id| id.to_string())
    }

    /// On the level above: records a move that a unit asked for, from its day or another one, and tells the unit the member moves
    /// to, if it stands below this one too.
    pub fn record_move(
        &self,
        id: String,
        to: Option<String>,
        since: Option<String>,
    ) -> Result<(), HandbookError> {
        let id: EntryId = parse(&id, "id")?;
        let to: Option<UnitId> = parse_opt(to.as_ref(), "to")?;
        let from: Option<Date> = parse_opt(since.as_ref(), "since")?;
        tell(&self.engine, move |device, now| {
            device.record_move(id, to, from, now)
        })
    }

    /// On the level above: records a move that no unit asked for; gives its id.
    pub fn order_move(&self, ordered: OrderedMove) -> Result<String, HandbookError> {
        let unit: UnitId = parse(&ordered.unit, "unit")?;
        let to: Option<UnitId> = parse_opt(ordered.to.as_ref(), "to")?;
        let from: Date = parse(&ordered.since, "since")?;
        let until: Option<Date> = parse_opt(ordered.until.as_ref(), "until")?;
        let who = (Words::from(ordered.name.as_str()), ordered.standing);
        let kind = ordered.kind;
        tell(&self.engine, move |device, now| {
            device.order_move(unit, to, who, (kind, from, until), now)
        })
        .map(|id| id.to_string())
    }

    /// On the level above: refuses a move that a unit asked for.
    pub fn refuse_move(&self, id: String) -> Result<(), HandbookError> {
        let id: EntryId = parse(&id, "id")?;
        tell(&self.engine, move |device, now| device.refuse_move(id, now))
    }

    /// Enters in this list that a member leaves, as recorded above. Of a move for good the member's phones are removed once the
    /// day has come; doing it again does what was left. `member` says who is meant where the letters do not. Officers only.
    pub fn leave(&self, id: String, member: Option<String>) -> Result<LeftView, HandbookError> {
        let id: EntryId = parse(&id, "id")?;
        let member: Option<MemberId> = parse_opt(member.as_ref(), "member")?;
        let left = tell(&self.engine, move |device, now| device.leave(id, member, now))?;
        Ok(LeftView {
            member: left.member.to_string(),
            removed: left.removed.map(key_change),
        })
    }

    /// Enters somebody in this list whom the level above told this unit to expect; gives the member's id. Two officers who do it
    /// apart from each other enter one member. Officers only.
    pub fn arrive(&self, id: String) -> Result<String, HandbookError> {
        let id: EntryId = parse(&id, "id")?;
        tell(&self.engine, move |device, now| device.arrive(id, now)).map(|member| member.to_string())
    }
}
