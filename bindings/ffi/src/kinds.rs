//! Closed lists that cross the bridge as they are: the definitions are the engine's, only their shape is repeated here.
//! A variant that is added there and not here does not compile.

pub use sotay_engine::feed::SpaceKind;
pub use sotay_engine::handbook::Lang as Language;
pub use sotay_engine::handbook::meeting::{Ballot, MeetingKind, NotCounted, NoteKind};
pub use sotay_engine::handbook::meeting::{
    How as RecordedHow, Method as VoteMethod, Need as VoteNeed, Section as NarrativeSection,
    State as AttendanceState, Step as MeetingStep,
};
pub use sotay_engine::handbook::review::{ReviewKind, Severity};
pub use sotay_engine::handbook::roster::{
    Activity as MemberActivity, Role as MemberRole, RosterField, Standing as MemberStanding,
};
pub use sotay_engine::keyvault::Level as VaultLevel;
pub use sotay_engine::{Network as NetworkState, NextAction, SyncPhase};

/// Language of a message.
#[uniffi::remote(Enum)]
pub enum Language {
    /// Vietnamese.
    Vi,
    /// English.
    En,
}

/// Kind of a meeting.
#[uniffi::remote(Enum)]
pub enum MeetingKind {
    /// Họp thường kỳ.
    Regular,
    /// Họp chuyên đề.
    Thematic,
    /// Họp chi ủy.
    Committee,
    /// Họp bất thường.
    Extraordinary,
    /// Đại hội.
    Congress,
    /// Kiểm điểm cuối năm.
    YearEndReview,
    /// Kết nạp.
    Admission,
}

/// A step in the life of a meeting. Steps are only ever added; the furthest one is the phase.
#[uniffi::remote(Enum)]
pub enum MeetingStep {
    /// Invited.
    Convened,
    /// Opened; the list of members is frozen.
    Opened,
    /// The minutes were read to the meeting and approved.
    ReadBack,
    /// Ended.
    Closed,
    /// Minutes sealed.
    Sealed,
    /// Minutes sent up.
    Sent,
}

/// Whether a member was there.
#[uniffi::remote(Enum)]
pub enum AttendanceState {
    /// Not marked; never counted as absent.
    Unmarked,
    /// There.
    Present,
    /// Absent with a reason.
    Excused,
    /// Absent without one.
    Unexcused,
    /// Need not attend.
    Exempt,
    /// Away by transfer, duty or temporary leave.
    Away,
}

/// How attendance or a ballot was recorded.
#[uniffi::remote(Enum)]
pub enum RecordedHow {
    /// Called from the list.
    RollCall,
    /// The member's code was scanned.
    Qr,
    /// On the member's own phone.
    SelfCheckIn,
    /// By a helper's phone for somebody without one.
    Helper,
    /// Took part from afar.
    Online,
}

/// How a vote is held.
#[uniffi::remote(Enum)]
pub enum VoteMethod {
    /// By show of hands.
    Hands,
    /// By secret paper ballot; only totals are recorded.
    SecretPaper,
    /// By name, on phones.
    OpenElectronic,
}

/// How many votes a motion needs.
#[uniffi::remote(Enum)]
pub enum VoteNeed {
    /// More than half.
    Majority,
    /// Two thirds.
    TwoThirds,
}

/// One member's vote.
#[uniffi::remote(Enum)]
pub enum Ballot {
    /// Tán thành.
    For,
    /// Không tán thành.
    Against,
    /// Ý kiến khác.
    Other,
}

/// What a note about members is.
#[uniffi::remote(Enum)]
pub enum NoteKind {
    /// Praise.
    Praise,
    /// Reminder.
    Reminder,
}

/// A section of the narrative.
#[uniffi::remote(Enum)]
pub enum NarrativeSection {
    /// Results of last month's tasks.
    LastMonth,
    /// News and documents that were read out.
    News,
    /// Fees collected.
    Fees,
    /// Tasks of the coming month.
    NextMonth,
    /// Anything else.
    Other,
}

/// Why a ballot does not count.
#[uniffi::remote(Enum)]
pub enum NotCounted {
    /// Probationary members do not vote.
    Probationary,
    /// Temporarily attached members do not vote here.
    Attached,
    /// Not on the list of voters for another reason.
    NotEligible,
}

/// How much an item weighs.
#[uniffi::remote(Enum)]
pub enum Severity {
    /// The minutes cannot be sealed while it is open.
    Block,
    /// Should be looked at before sealing.
    Warn,
    /// Worth knowing.
    Info,
}

/// What kind of situation an item describes.
#[uniffi::remote(Enum)]
pub enum ReviewKind {
    /// Attendance of a member was marked in ways that contradict each other.
    AttendanceTwice,
    /// A member who need not attend was marked absent.
    ExemptMarkedAbsent,
    /// Somebody who is not on the list was marked.
    MarkedNotListed,
    /// Arrival or departure was noted at different times.
    TimesDiffer,
    /// The frozen list has two different lines for a member.
    RollLine,
    /// A member of the frozen list had left the unit before the meeting.
    LeftBefore,
    /// Chair or clerk was named twice, differently.
    OfficerOfMeeting,
    /// Place, day, start, end or another fact of the heading has two values.
    HeadingTwice,
    /// Tallies of one vote differ.
    TalliesDiffer,
    /// A tally has more votes than voters present.
    TallyOver,
    /// Two different ballots of one member.
    BallotsDiffer,
    /// A ballot of somebody who may not vote.
    BallotNotCounted,
    /// A motion was opened with two texts or two lists of voters.
    OpenedTwice,
    /// A motion was reworded after its vote was opened.
    MotionReworded,
    /// A deadline has two values.
    DeadlineTwice,
    /// A conclusion was rewritten twice.
    ConclusionTwice,
    /// A conclusion was removed here and edited there.
    ConclusionRemoved,
    /// An item of the agenda was removed here and edited there.
    AgendaRemoved,
    /// A note was removed here and edited there.
    NoteRemoved,
    /// Points of one scorer for one criterion have two values.
    PointsTwice,
    /// An entry of the roster was made twice, differently.
    RosterEntry,
    /// Two meetings of one period.
    MeetingsOfOnePeriod,
    /// A phone of the unit has not synced yet.
    PhoneNotSynced,
    /// The clock of a phone is off.
    ClockOff,
    /// Words or deadline of a task have two values.
    TaskTwice,
    /// A fee was recorded twice, or an assessment differently.
    FeeTwice,
    /// A number of a resolution was used twice.
    NumberTwice,
    /// Two seals hold, and neither follows the other.
    SealsCompete,
    /// Something was recorded after the minutes were sealed.
    RecordedAfterSeal,
    /// A time or day lies outside of the meeting.
    TimeOdd,
    /// A phone that had been removed wrote all the same; that is set apart.
    WrittenAfterRemoval,
    /// The unit got another name, or became part of another one.
    UnitChanged,
    /// A document was withdrawn or replaced while somebody studied it.
    StudiedWithdrawn,
}

/// Office of a member in the unit.
#[uniffi::remote(Enum)]
pub enum MemberRole {
    /// Bí thư.
    Secretary,
    /// Phó bí thư.
    Deputy,
    /// Chi ủy viên.
    CommitteeMember,
    /// Đảng viên.
    Member,
}

/// Standing of a member.
#[uniffi::remote(Enum)]
pub enum MemberStanding {
    /// Chính thức.
    Full,
    /// Dự bị.
    Probationary,
}

/// Whether and how a member takes part.
#[uniffi::remote(Enum)]
pub enum MemberActivity {
    /// Takes part as everybody does.
    Attending,
    /// Exempt from attending, for age or illness.
    Exempt,
    /// On special duty elsewhere.
    SpecialDuty,
    /// Temporarily away, attending another unit.
    Away,
    /// Being transferred; still of this unit.
    InTransfer,
    /// Transferred to another unit.
    Transferred,
    /// Removed from the list.
    Removed,
    /// Deceased.
    Deceased,
    /// Temporarily attached to this unit from another one: attends, does not vote.
    Attached,
}

/// What a roster entry is about.
#[uniffi::remote(Enum)]
pub enum RosterField {
    /// Office.
    Role,
    /// Party group.
    Group,
    /// Standing.
    Standing,
    /// Activity.
    Activity,
}

/// How well the wrapping keys of a vault are protected. Ordered from weak to strong.
#[uniffi::remote(Enum)]
pub enum VaultLevel {
    /// By software only, e.g. a passphrase.
    Software,
    /// By a trusted environment of the main processor.
    TrustedEnvironment,
    /// By a separate security chip.
    SecureElement,
}

/// What a space is for. The order of the variants is the order in which spaces are synced.
#[uniffi::remote(Enum)]
pub enum SpaceKind {
    /// Membership records of the unit; clear for its relay.
    Roll,
    /// What all members share.
    Main,
    /// Officers and committee members.
    Committee,
    /// Members write, the committee reads.
    Inbox,
    /// Officers of the unit and devices of its parent.
    Report,
    /// One member's own devices.
    Private,
    /// From an upper unit to everyone below.
    Broadcast,
    /// One meeting, as an officer's phone shows it to its guests.
    Guest,
}

/// What the platform says about the network.
#[uniffi::remote(Enum)]
pub enum NetworkState {
    /// Nothing is known: try.
    Unknown,
    /// There is none: trying would only wake the radio.
    Offline,
    /// There is one, and the person pays by the byte.
    Metered,
    /// There is one.
    Unmetered,
}

/// What an app should do about an error. It does not depend on the wording of a message.
#[uniffi::remote(Enum)]
pub enum NextAction {
    /// The same call may work later (disk freed, other program closed, network back).
    RetryLater,
    /// The input has to be changed by the person.
    ChangeInput,
    /// Somebody with a higher role has to do it.
    AskOfficer,
    /// This profile cannot go on: enrol this phone again.
    EnrolAgain,
    /// Update the app.
    Update,
    /// A mistake of this software: report it.
    Report,
}

/// Where an exchange is.
#[uniffi::remote(Enum)]
pub enum SyncPhase {
    /// No connection yet.
    Connecting,
    /// Frames go to and fro.
    Exchanging,
    /// It ended, well or not.
    Ended,
}
