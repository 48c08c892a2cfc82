//! Ratings of a year: points for the branch and for each member, by the criteria in force, in three columns side by side:
//! one's own, the committee's, the parent's (decision 0034).

mod apply;
mod criteria;
mod review;
mod view;

use std::fmt;

use serde::{Serialize, Serializer};
use sotay_feed::{DocId, MemberId};

use crate::cell::cell_struct;
use crate::coded::coded;
use crate::ids::{EntryId, parse_id};
use crate::words::Words;

pub use apply::apply;
pub use criteria::{Criteria, Level, Node, Scale};
pub use review::review;
pub use view::{Card, ColumnResult, Evidence, LeafScores, RatingView, ScorerPoints};

coded! {
    /// Whose points.
    pub enum Column ("column") {
        /// Of who is rated.
        Own = 0 "self",
        /// Of the committee.
        Committee = 1 "committee",
        /// Of the body above.
        Parent = 2 "parent",
    }
}

/// Who is rated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rated {
    /// The branch.
    Branch,
    /// A member.
    Member(MemberId),
}

const BRANCH: &str = "branch";

impl fmt::Display for Rated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rated::Branch => f.write_str(BRANCH),
            Rated::Member(member) => member.fmt(f),
        }
    }
}

impl Serialize for Rated {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Rated {
    pub(crate) fn read(text: &str) -> Option<Self> {
        if text == BRANCH {
            Some(Rated::Branch)
        } else {
            parse_id(text).map(Rated::Member)
        }
    }
}

/// Evidence as it is stored: words, and the meeting they lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EvidenceCell {
    pub rated: String,
    pub criterion: String,
    pub text: Words,
    pub meeting: Option<DocId>,
}

cell_struct!(EvidenceCell {
    rated,
    criterion,
    text,
    meeting
});

/// What can be done with ratings. Only officers may; for a member without the committee's space an officer types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Gives points for a criterion that has none below it.
    Score {
        /// Who is rated.
        rated: Rated,
        /// Key of the criterion.
        criterion: String,
        /// In which column.
        column: Column,
        /// Who gives them.
        scorer: MemberId,
        /// In hundredths; `None` takes them back.
        points: Option<u32>,
    },
    /// Says which level a column decides on, whatever its points propose.
    Decide {
        /// Who is rated.
        rated: Rated,
        /// In which column.
        column: Column,
        /// Key of the level; `None` takes it back.
        level: Option<String>,
    },
    /// Adds evidence to a criterion.
    AddEvidence {
        /// Fresh id.
        id: EntryId,
        /// Who is rated.
        rated: Rated,
        /// Key of the criterion.
        criterion: String,
        /// What shows it.
        text: Words,
        /// The meeting it was shown in.
        meeting: Option<DocId>,
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
