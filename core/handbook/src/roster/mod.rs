//! The roster: who belongs to the unit, in which role, standing and activity, from when on.
//!
//! Every entry is a register at `member/field/first day`; a change of role is a new entry with a later day, never an
//! overwriting. Names are not here: documents hold member ids only.

mod apply;
mod review;
mod unit;
mod view;

use std::collections::BTreeMap;

use serde::Serialize;
use sotay_feed::{InOrder, IntoTree, MemberId};

use crate::cell::cell_struct;
use crate::coded::coded;
use crate::date::Date;
use crate::ids::{EntryId, ser};
use crate::policy::Policy;
use crate::words::Words;

pub use apply::apply;
pub use review::review;
pub use unit::{UnitEntry, UnitField, UnitHistory};
pub use view::{Dated, RosterLine, RosterView};

coded! {
    /// Office of a member in the unit.
    pub enum Role ("role") {
        /// Bí thư.
        Secretary = 0 "secretary",
        /// Phó bí thư.
        Deputy = 1 "deputy",
        /// Chi ủy viên.
        CommitteeMember = 2 "committee_member",
        /// Đảng viên.
        Member = 3 "member",
    }
}

coded! {
    /// Standing of a member.
    pub enum Standing ("standing") {
        /// Chính thức.
        Full = 0 "full",
        /// Dự bị.
        Probationary = 1 "probationary",
    }
}

coded! {
    /// Whether and how a member takes part.
    pub enum Activity ("activity") {
        /// Takes part as everybody does.
        Attending = 0 "attending",
        /// Exempt from attending, for age or illness.
        Exempt = 1 "exempt",
        /// On special duty elsewhere.
        SpecialDuty = 2 "special_duty",
        /// Temporarily away, attending another unit.
        Away = 3 "away",
        /// Being transferred; still of this unit.
        InTransfer = 4 "in_transfer",
        /// Transferred to another unit.
        Transferred = 5 "transferred",
        /// Removed from the list.
        Removed = 6 "removed",
        /// Deceased.
        Deceased = 7 "deceased",
        /// Temporarily attached to this unit from another one: attends, does not vote.
        Attached = 8 "attached",
    }
}

impl Activity {
    /// Does somebody with this activity still belong to the unit?
    pub fn belongs(self) -> bool {
        !matches!(
            self,
            Activity::Transferred | Activity::Removed | Activity::Deceased
        )
    }
}

coded! {
    /// What a roster entry is about.
    pub enum RosterField ("roster_field") {
        /// Office.
        Role = 0 "role",
        /// Party group.
        Group = 1 "group",
        /// Standing.
        Standing = 2 "standing",
        /// Activity.
        Activity = 3 "activity",
    }
}

/// A member as the list of one day has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RollLine {
    /// Who.
    #[serde(serialize_with = "ser::id")]
    pub member: MemberId,
    /// Place in the list, as printed.
    pub number: u32,
    /// Office.
    pub role: Role,
    /// Party group, if the unit has groups.
    pub group: Option<Words>,
    /// Standing.
    pub standing: Standing,
    /// Activity.
    pub activity: Activity,
}

/// [`RollLine`] without the member, as a meeting freezes it under the member's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RollCell {
    pub number: u32,
    pub role: Role,
    pub group: Option<Words>,
    pub standing: Standing,
    pub activity: Activity,
}

cell_struct!(RollCell {
    number,
    role,
    group,
    standing,
    activity
});

impl RollCell {
    pub fn of(line: &RollLine) -> Self {
        Self {
            number: line.number,
            role: line.role,
            group: line.group.clone(),
            standing: line.standing,
            activity: line.activity,
        }
    }

    pub fn line(self, member: MemberId) -> RollLine {
        RollLine {
            member,
            number: self.number,
            role: self.role,
            group: self.group,
            standing: self.standing,
            activity: self.activity,
        }
    }
}

/// The list of one day, by number, then by member id.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Roll {
    lines: Vec<RollLine>,
}

/// Sizes of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct RollCounts {
    /// All who belong.
    pub total: u32,
    /// Full members.
    pub full: u32,
    /// Probationary members.
    pub probationary: u32,
    /// Who must attend, by policy.
    pub must_attend: u32,
    /// Who may vote, by policy.
    pub voters: u32,
}

impl Roll {
    /// Sorts the lines; of two lines about one member the first in that order stays.
    pub fn new(mut lines: Vec<RollLine>) -> Self {
        lines.in_order_by_key(|line| (line.number, line.member));
        let mut seen = std::collections::BTreeSet::new();
        lines.retain(|line| seen.insert(line.member));
        Self { lines }
    }

    /// The lines, in order.
    pub fn lines(&self) -> &[RollLine] {
        &self.lines
    }

    /// The line of a member.
    pub fn get(&self, member: MemberId) -> Option<&RollLine> {
        self.lines.iter().find(|line| line.member == member)
    }

    /// Nobody on it?
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Places in the list, to sort people by.
    pub(crate) fn numbers(&self) -> BTreeMap<MemberId, u32> {
        self.lines
            .iter()
            .map(|line| (line.member, line.number))
            .into_map()
    }

    /// Members who may vote, in order of id.
    pub fn voters(&self, policy: &Policy) -> Vec<MemberId> {
        let mut voters: Vec<MemberId> = self
            .lines
            .iter()
            .filter(|line| policy.votes(line))
            .map(|line| line.member)
            .collect();
        voters.in_order();
        voters
    }

    /// Sizes.
    pub fn counts(&self, policy: &Policy) -> RollCounts {
        let count = |of: &dyn Fn(&&RollLine) -> bool| self.lines.iter().filter(of).count() as u32;
        RollCounts {
            total: count(&|_| true),
            full: count(&|line| line.standing == Standing::Full),
            probationary: count(&|line| line.standing == Standing::Probationary),
            must_attend: count(&|line| policy.must_attend(line)),
            voters: count(&|line| policy.votes(line)),
        }
    }
}

/// What can be done with the roster. Only officers may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Adds a member.
    Add {
        /// The new line; `line.member` is drawn by the caller.
        line: RollLine,
        /// First day.
        from: Date,
    },
    /// Changes the place in the list.
    SetNumber {
        /// Whose.
        member: MemberId,
        /// The place.
        number: u32,
    },
    /// Gives an office from a day on.
    SetRole {
        /// Whom.
        member: MemberId,
        /// The office.
        role: Role,
        /// First day.
        from: Date,
    },
    /// Puts into a group from a day on; `None` means no group.
    SetGroup {
        /// Whom.
        member: MemberId,
        /// The group.
        group: Option<Words>,
        /// First day.
        from: Date,
    },
    /// Standing from a day on.
    SetStanding {
        /// Whose.
        member: MemberId,
        /// The standing.
        standing: Standing,
        /// First day.
        from: Date,
    },
    /// Activity from a day on; transfers, removals and deaths are activities.
    SetActivity {
        /// Whose.
        member: MemberId,
        /// The activity.
        activity: Activity,
        /// First day.
        from: Date,
    },
    /// Takes back an entry that was a mistake.
    Withdraw {
        /// Whose.
        member: MemberId,
        /// What it is about.
        field: RosterField,
        /// Its first day.
        from: Date,
    },
    /// The name of the unit or of the body above, or that the unit became part of another one, from a day on; `None`
    /// takes the entry back.
    SetUnit {
        /// What it is about.
        field: UnitField,
        /// The name.
        name: Option<Words>,
        /// First day.
        from: Date,
    },
    /// Settles an item of the review list.
    Settle {
        /// The item.
        item: String,
        /// The option taken.
        pick: String,
        /// Fresh id of the choice.
        id: EntryId,
    },
}
