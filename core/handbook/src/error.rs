//! Why a command was not carried out. Nothing was changed then; the caller can act on the variant.

use sotay_document::TextError;
use sotay_document::crdt::AutomergeError;

use crate::coded::coded;
use crate::message::{Arg, Message};
use crate::words::TooLong;

coded! {
    /// What a command is about, for messages.
    pub enum What ("what") {
        /// A member of the unit.
        Member = 0 "member",
        /// A guest of the meeting.
        Guest = 1 "guest",
        /// An entry of the roster.
        RosterEntry = 2 "roster_entry",
        /// A party group.
        Group = 3 "group",
        /// The place of a meeting.
        Place = 4 "place",
        /// The number of the minutes.
        Number = 5 "number",
        /// A reason for absence.
        Reason = 6 "reason",
        /// An item of the agenda.
        Agenda = 7 "agenda",
        /// A speech.
        Speech = 8 "speech",
        /// A motion.
        Motion = 9 "motion",
        /// A tally of votes.
        Tally = 10 "tally",
        /// A conclusion.
        Conclusion = 11 "conclusion",
        /// A paragraph of a conclusion.
        Paragraph = 12 "paragraph",
        /// A section of the narrative.
        Narrative = 13 "narrative",
        /// A note of praise or a reminder.
        Note = 14 "note",
        /// A criterion of the score.
        Criterion = 15 "criterion",
        /// An item of the review list.
        ReviewItem = 16 "review_item",
        /// An option of a review item.
        Choice = 17 "option",
        /// A task.
        Task = 18 "task",
        /// What came of a task.
        Result = 19 "result",
        /// An amount of money.
        Amount = 20 "amount",
        /// A line of the fee ledger.
        FeeLine = 21 "fee_line",
        /// A level of a rating.
        Level = 22 "level",
        /// Evidence of a rating.
        Evidence = 23 "evidence",
        /// A title.
        Title = 24 "title",
        /// A day.
        Day = 25 "day",
        /// Somebody who gets a copy.
        Recipient = 26 "recipient",
        /// A report.
        Report = 27 "report",
        /// An item of feedback.
        Feedback = 28 "feedback",
        /// A step in the life of a meeting.
        Step = 29 "step",
        /// A mark of attendance.
        Attendance = 30 "attendance",
        /// A ballot.
        Ballot = 31 "ballot",
        /// Something without a name of its own.
        Change = 32 "change",
        /// A file that belongs to a meeting.
        Attachment = 33 "attachment",
        /// The name of a unit.
        UnitName = 34 "unit_name",
    }
}

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Guests may read only.
    #[error("guests may read only")]
    MembersOnly,
    /// Secretary, deputy or committee only.
    #[error("only the secretary, the deputy or the committee may do this")]
    OfficersOnly,
    /// There is no such thing in the document.
    #[error("there is no such {}", .0.key())]
    Unknown(What),
    /// Its id is taken.
    #[error("this {} exists already", .0.key())]
    Exists(What),
    /// A text without a visible character.
    #[error("the {} is empty", .0.key())]
    Empty(What),
    /// A text over its limit.
    #[error("the {} has {chars} characters, {limit} are allowed", .what.key())]
    TooLong {
        /// Which text.
        what: What,
        /// Characters given.
        chars: usize,
        /// Characters allowed.
        limit: usize,
    },
    /// A count over its limit.
    #[error("{count} is more than {limit} for the {}", .what.key())]
    TooMany {
        /// Of what.
        what: What,
        /// Given.
        count: u64,
        /// Allowed.
        limit: u64,
    },
    /// The vote was opened: text and voters are frozen. Changing them makes a new motion.
    #[error("the vote is open, so its text is frozen")]
    VoteOpen,
    /// The vote is not open yet.
    #[error("the vote is not open yet")]
    VoteNotOpen,
    /// A motion without a text cannot be voted on, or a vote without voters.
    #[error("there is nobody who could vote")]
    NobodyVotes,
    /// The vote is by another method: ballots by name only in an open electronic vote, tallies only in the others.
    #[error("this vote is held by another method")]
    OtherMethod,
    /// This member's ballot is recorded already.
    #[error("this member has voted already")]
    VotedAlready,
    /// It was removed.
    #[error("this {} was removed", .0.key())]
    Removed(What),
    /// The minutes are sealed; what is written now has to be an addendum.
    #[error("the minutes are sealed")]
    Sealed,
    /// Items of the review list have to be settled first.
    #[error("{} items of the review list have to be settled first", .items.len())]
    Blocked {
        /// Their ids.
        items: Vec<String>,
    },
    /// The line of the ledger was taken back already.
    #[error("the line was taken back already")]
    ReversedAlready,
    /// The resolution is issued: nothing of it changes.
    #[error("the resolution is issued")]
    Issued,
    /// This device has made nothing here that could be undone.
    #[error("there is nothing to undo")]
    NothingToUndo,
    /// Such a thing is never taken back.
    #[error("a {} cannot be undone", .0.key())]
    CannotUndo(What),
    /// Somebody has built on it since.
    #[error("the {} was changed since", .0.key())]
    ChangedSince(What),
    /// What would be sent is what was sent last.
    #[error("nothing changed since the last report")]
    NothingChanged,
    /// An item without name has nobody to answer to: answer publicly.
    #[error("an item without name can only be answered publicly")]
    Nameless,
    /// The document lacks a container of its schema: somebody removed it, or it is another document.
    #[error("the document is damaged")]
    Damaged,
    /// Automerge refused.
    #[error("the document cannot be written: {0}")]
    Crdt(#[from] AutomergeError),
}

impl CommandError {
    pub(crate) fn too_long(what: What, TooLong { chars, limit }: TooLong) -> Self {
        CommandError::TooLong { what, chars, limit }
    }

    pub(crate) fn text(what: What, error: TextError) -> Self {
        match error {
            TextError::TooLong(chars) => CommandError::TooLong {
                what,
                chars,
                limit: sotay_document::limits::TEXT_CHARS_MAX,
            },
            TextError::Write(error) => CommandError::Crdt(error),
        }
    }

    /// The reason in the words of the message catalogue.
    pub fn message(&self) -> Message {
        let about =
            |key, what: What| Message::new(key).with("what", Arg::Message(Message::new(what.message())));
        match self {
            CommandError::MembersOnly => Message::new("error.members_only"),
            CommandError::OfficersOnly => Message::new("error.officers_only"),
            CommandError::Unknown(what) => about("error.unknown", *what),
            CommandError::Exists(what) => about("error.exists", *what),
            CommandError::Empty(what) => about("error.empty", *what),
            CommandError::TooLong { what, chars, limit } => about("error.too_long", *what)
                .number("chars", *chars as u64)
                .number("limit", *limit as u64),
            CommandError::TooMany { what, count, limit } => about("error.too_many", *what)
                .number("count", *count)
                .number("limit", *limit),
            CommandError::VoteOpen => Message::new("error.vote_open"),
            CommandError::VoteNotOpen => Message::new("error.vote_not_open"),
            CommandError::NobodyVotes => Message::new("error.nobody_votes"),
            CommandError::OtherMethod => Message::new("error.other_method"),
            CommandError::VotedAlready => Message::new("error.voted_already"),
            CommandError::Removed(what) => about("error.removed", *what),
            CommandError::Sealed => Message::new("error.sealed"),
            CommandError::Blocked { items } => {
                Message::new("error.blocked").number("count", items.len() as u64)
            }
            CommandError::ReversedAlready => Message::new("error.reversed_already"),
            CommandError::Issued => Message::new("error.issued"),
            CommandError::NothingChanged => Message::new("error.nothing_changed"),
            CommandError::Nameless => Message::new("error.nameless"),
            CommandError::NothingToUndo => Message::new("error.nothing_to_undo"),
            CommandError::CannotUndo(what) => about("error.cannot_undo", *what),
            CommandError::ChangedSince(what) => about("error.changed_since", *what),
            CommandError::Damaged => Message::new("error.damaged"),
            CommandError::Crdt(_) => Message::new("error.crdt"),
        }
    }
}
