//! Closed lists of the documents beside meetings, as they cross the bridge: the definitions are the engine's, only their
//! shape is repeated here. A variant that is added there and not here does not compile.

pub use sotay_engine::handbook::directive::{DirectiveKind, Issuer as DirectiveIssuer};
pub use sotay_engine::handbook::dispatch::{TransferKind as MoveKind, TransferStep as MoveStep};
pub use sotay_engine::handbook::feedback::FeedbackStatus;
pub use sotay_engine::handbook::fees::FeeBasis;
pub use sotay_engine::handbook::home::{Action as HomeActionKind, HomePhase, HomeRole};
pub use sotay_engine::handbook::rating::Column as ScoreColumn;
pub use sotay_engine::handbook::resolution::Part as ResolutionPart;
pub use sotay_engine::handbook::roster::UnitField as UnitNameKind;
pub use sotay_engine::handbook::tasks::TaskStatus;
pub use sotay_engine::paper::Sort as PageSort;
pub use sotay_engine::seal::ExternalKind as OutsideSignatureKind;
pub use sotay_engine::{OwnState as OwnFeedbackState, SealStatus};

/// How far a task is. Statuses are only ever added; the furthest one of the round counts.
#[uniffi::remote(Enum)]
pub enum TaskStatus {
    /// Given to somebody.
    Assigned,
    /// Begun.
    Doing,
    /// Reported as done.
    Done,
    /// Accepted by an officer.
    Accepted,
}

/// By what somebody pays a fee.
#[uniffi::remote(Enum)]
pub enum FeeBasis {
    /// The rate for members like them.
    Rate,
    /// The amount they were assessed at.
    Assessed,
    /// Pays nothing.
    Exempt,
    /// No rule fits.
    NoRule,
}

/// Whose points they are.
#[uniffi::remote(Enum)]
pub enum ScoreColumn {
    /// Of who is rated.
    Own,
    /// Of the committee.
    Committee,
    /// Of the body above.
    Parent,
}

/// A part of a resolution that is text.
#[uniffi::remote(Enum)]
pub enum ResolutionPart {
    /// What the branch has done so far.
    Assessment,
    /// What it wants.
    Goals,
    /// How it is carried out and checked.
    Organisation,
}

/// What a directive is about.
#[uniffi::remote(Enum)]
pub enum DirectiveKind {
    /// Who must attend, who votes, what is enough, how long meetings last.
    Policy,
    /// Fee rates.
    Fees,
    /// The criteria tree of ratings.
    Criteria,
    /// Days on which nothing is due.
    Holidays,
}

/// Where a directive comes from.
#[uniffi::remote(Enum)]
pub enum DirectiveIssuer {
    /// The body above.
    Above,
    /// The unit itself.
    Unit,
    /// It shipped with the software.
    Shipped,
}

/// Which document a page template is for.
#[uniffi::remote(Enum)]
pub enum PageSort {
    /// Minutes of a meeting.
    Minutes,
    /// What the minutes say of one item of the agenda.
    Extract,
    /// A resolution of the branch.
    Resolution,
    /// A report of a month to the upper body.
    Report,
}

/// What has become of feedback.
#[uniffi::remote(Enum)]
pub enum FeedbackStatus {
    /// The committee has read it.
    Received,
    /// It is being considered.
    Considering,
    /// It was passed up to the level above.
    PassedUp,
    /// It was answered.
    Answered,
    /// Nothing more follows.
    Closed,
}

/// Where feedback written on this phone is.
#[uniffi::remote(Enum)]
pub enum OwnFeedbackState {
    /// It waits on this phone.
    Waiting,
    /// Sealed for the committee; whether anybody has it, `acknowledged` says.
    Sent,
    /// Its writer took it back.
    Withdrawn,
}

/// Where a seal stands.
#[uniffi::remote(Enum)]
pub enum SealStatus {
    /// One of the two has not signed yet.
    Waiting,
    /// Both have signed.
    Standing,
    /// A later edition stands in its place.
    Replaced,
    /// The chair or the secretary took it back.
    Withdrawn,
}

/// An official signature made outside of this software.
#[uniffi::remote(Enum)]
pub enum OutsideSignatureKind {
    /// In a PDF.
    Pades,
    /// Beside a file.
    Cades,
    /// Some other.
    Other,
}

/// Who somebody is, for the first screen.
#[uniffi::remote(Enum)]
pub enum HomeRole {
    /// Bí thư.
    Secretary,
    /// Phó bí thư.
    Deputy,
    /// Chi ủy viên.
    Committee,
    /// Đảng viên.
    Member,
    /// Đảng viên dự bị.
    Probationary,
}

/// How far the meeting at hand is.
#[uniffi::remote(Enum)]
pub enum HomePhase {
    /// There is none.
    NoMeeting,
    /// It is prepared.
    Preparing,
    /// Members were invited.
    Convened,
    /// It was opened.
    Opened,
    /// Chair and minute-taker present the programme.
    Programme,
    /// News and documents are presented.
    Content,
    /// Members speak.
    Discussion,
    /// The chair concludes.
    Conclusion,
    /// Votes are held.
    Votes,
    /// The meeting is scored.
    Scoring,
    /// The minutes were read to the meeting.
    ReadBack,
    /// It was closed.
    Closed,
    /// Its minutes are sealed.
    Sealed,
    /// They were sent up.
    Sent,
}

/// Something to do, offered on the first screen.
#[uniffi::remote(Enum)]
pub enum HomeActionKind {
    /// Begin the next meeting.
    NewMeeting,
    /// Fill in place, day, chair and minute-taker.
    SetHeading,
    /// Prepare the agenda.
    PrepareAgenda,
    /// Invite members.
    Convene,
    /// Propose a topic.
    Propose,
    /// Check oneself in.
    CheckIn,
    /// Open the meeting.
    Open,
    /// Take attendance.
    Attendance,
    /// Take last month's tasks and the fees into the minutes.
    TakeIn,
    /// Note speeches.
    NoteSpeech,
    /// Hold a vote.
    HoldVote,
    /// Vote.
    Vote,
    /// Conclude.
    Conclude,
    /// Score the meeting.
    Score,
    /// Note that the minutes were read and approved.
    ReadBack,
    /// Close the meeting.
    Close,
    /// Settle what contradicts itself.
    Review,
    /// Make tasks of the conclusions.
    MakeTasks,
    /// Seal the minutes.
    Seal,
    /// Write the resolution.
    Resolution,
    /// Send the report up.
    Report,
    /// Record fees.
    Fees,
    /// Report on one's own tasks.
    MyTasks,
    /// Look after all tasks.
    Tasks,
    /// Answer feedback.
    AnswerFeedback,
    /// Rate.
    Rate,
    /// Keep the roster.
    Members,
    /// Read documents.
    Read,
    /// Take a quiz.
    Quiz,
    /// Send feedback.
    Feedback,
}

/// How a member moves.
#[uniffi::remote(Enum)]
pub enum MoveKind {
    /// For good: chuyển sinh hoạt chính thức.
    Official,
    /// For a time, attached to another unit: sinh hoạt tạm thời.
    Temporary,
    /// Away for a time, attached nowhere.
    Away,
}

/// A step of a move. Each unit takes its own.
#[uniffi::remote(Enum)]
pub enum MoveStep {
    /// The unit the member leaves asks for it.
    Asked,
    /// The level above recorded it, with its day.
    Recorded,
    /// The level above refused it.
    Refused,
    /// The unit the member leaves entered it in its list.
    Left,
    /// The level above tells the other unit whom to expect.
    Expected,
    /// The other unit entered the member in its list.
    Arrived,
}

/// Whose name it is.
#[uniffi::remote(Enum)]
pub enum UnitNameKind {
    /// The unit's.
    Name,
    /// That of the body above.
    Upper,
    /// That of the unit which this one became part of.
    MergedInto,
}
