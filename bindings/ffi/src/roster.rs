//! What can be done with the roster.

use sotay_engine::handbook::Words;
use sotay_engine::handbook::roster::Command as Roster;

use crate::error::{HandbookError, parse};
use crate::kinds::{MemberActivity, MemberRole, MemberStanding, RosterField};

/// One command to the roster. Only officers may. Days are first days: `2025-05-20`.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum RosterCommand {
    /// Changes the place in the list.
    SetNumber {
        /// Whose.
        member: String,
        /// The place.
        number: u32,
    },
    /// Gives an office from a day on.
    SetRole {
        /// Whom.
        member: String,
        /// The office.
        role: MemberRole,
        /// First day.
        since: String,
    },
    /// Puts into a group from a day on; none means no group.
    SetGroup {
        /// Whom.
        member: String,
        /// The group.
        group: Option<String>,
        /// First day.
        since: String,
    },
    /// MemberStanding from a day on.
    SetStanding {
        /// Whose.
        member: String,
        /// The standing.
        standing: MemberStanding,
        /// First day.
        since: String,
    },
    /// MemberActivity from a day on; transfers, removals and deaths are activities.
    SetActivity {
        /// Whose.
        member: String,
        /// The activity.
        activity: MemberActivity,
        /// First day.
        since: String,
    },
    /// Takes back an entry that was a mistake.
    Withdraw {
        /// Whose.
        member: String,
        /// What it is about.
        field: RosterField,
        /// Its first day.
        since: String,
    },
}

impl RosterCommand {
    pub(crate) fn translate(&self) -> Result<Roster, HandbookError> {
        let who = |member: &String| parse(member, "member");
        let day = |since: &String| parse(since, "since");
        Ok(match self {
            Self::SetNumber { member, number } => Roster::SetNumber {
                member: who(member)?,
                number: *number,
            },
            Self::SetRole { member, role, since } => Roster::SetRole {
                member: who(member)?,
                role: *role,
                from: day(since)?,
            },
            Self::SetGroup { member, group, since } => Roster::SetGroup {
                member: who(member)?,
                group: group.as_deref().map(Words::from),
                from: day(since)?,
            },
            Self::SetStanding {
                member,
                standing,
                since,
            } => Roster::SetStanding {
                member: who(member)?,
                standing: *standing,
                from: day(since)?,
            },
            Self::SetActivity {
                member,
                activity,
                since,
            } => Roster::SetActivity {
                member: who(member)?,
                activity: *activity,
                from: day(since)?,
            },
            Self::Withdraw { member, field, since } => Roster::Withdraw {
                member: who(member)?,
                field: *field,
                from: day(since)?,
            },
        })
    }
}
