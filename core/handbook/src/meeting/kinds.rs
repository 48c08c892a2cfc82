//! The closed lists of words of a meeting.

use crate::coded::coded;

coded! {
    /// Kind of a meeting.
    pub enum MeetingKind ("meeting_kind") {
        /// Họp thường kỳ.
        Regular = 0 "regular",
        /// Họp chuyên đề.
        Thematic = 1 "thematic",
        /// Họp chi ủy.
        Committee = 2 "committee",
        /// Họp bất thường.
        Extraordinary = 3 "extraordinary",
        /// Đại hội.
        Congress = 4 "congress",
        /// Kiểm điểm cuối năm.
        YearEndReview = 5 "year_end_review",
        /// Kết nạp.
        Admission = 6 "admission",
    }
}

coded! {
    /// A step in the life of a meeting. Steps are only ever added; the furthest one is the phase.
    pub enum Step ("step") {
        /// Invited.
        Convened = 0 "convened",
        /// Opened; the list of members is frozen.
        Opened = 1 "opened",
        /// The minutes were read to the meeting and approved.
        ReadBack = 2 "read_back",
        /// Ended.
        Closed = 3 "closed",
        /// Minutes sealed.
        Sealed = 4 "sealed",
        /// Minutes sent up.
        Sent = 5 "sent",
    }
}

coded! {
    /// How far an open meeting is; the furthest stage entered counts.
    pub enum Stage ("stage") {
        /// Chair, minute-taker and programme are presented.
        Programme = 0 "programme",
        /// News and documents are presented.
        Content = 1 "content",
        /// Members speak.
        Discussion = 2 "discussion",
        /// The chair concludes.
        Conclusion = 3 "conclusion",
        /// Votes are held.
        Votes = 4 "votes",
        /// The meeting is scored.
        Scoring = 5 "scoring",
    }
}

coded! {
    /// Whether a member was there.
    pub enum State ("state") {
        /// Not marked; never counted as absent.
        Unmarked = 0 "unmarked",
        /// There.
        Present = 1 "present",
        /// Absent with a reason.
        Excused = 2 "excused",
        /// Absent without one.
        Unexcused = 3 "unexcused",
        /// Need not attend.
        Exempt = 4 "exempt",
        /// Away by transfer, duty or temporary leave.
        Away = 5 "away",
    }
}

coded! {
    /// How attendance or a ballot was recorded.
    pub enum How ("how") {
        /// Called from the list.
        RollCall = 0 "roll_call",
        /// The member's code was scanned.
        Qr = 1 "qr",
        /// On the member's own phone.
        SelfCheckIn = 2 "self",
        /// By a helper's phone for somebody without one.
        Helper = 3 "helper",
        /// Took part from afar.
        Online = 4 "online",
    }
}

coded! {
    /// How a vote is held.
    pub enum Method ("method") {
        /// By show of hands.
        Hands = 0 "hands",
        /// By secret paper ballot; only totals are recorded.
        SecretPaper = 1 "secret_paper",
        /// By name, on phones.
        OpenElectronic = 2 "open_electronic",
    }
}

coded! {
    /// How many votes a motion needs.
    pub enum Need ("need") {
        /// More than half.
        Majority = 0 "majority",
        /// Two thirds.
        TwoThirds = 1 "two_thirds",
    }
}

coded! {
    /// One member's vote.
    pub enum Ballot ("ballot") {
        /// Tán thành.
        For = 0 "for",
        /// Không tán thành.
        Against = 1 "against",
        /// Ý kiến khác.
        Other = 2 "other",
    }
}

coded! {
    /// What a note about members is.
    pub enum NoteKind ("note_kind") {
        /// Praise.
        Praise = 0 "praise",
        /// Reminder.
        Reminder = 1 "reminder",
    }
}

coded! {
    /// A section of the narrative.
    pub enum Section ("section") {
        /// Results of last month's tasks.
        LastMonth = 0 "last_month",
        /// News and documents that were read out.
        News = 1 "news",
        /// Fees collected.
        Fees = 2 "fees",
        /// Tasks of the coming month.
        NextMonth = 3 "next_month",
        /// Anything else.
        Other = 4 "other",
    }
}

impl MeetingKind {
    /// The stages such a meeting goes through: only those that are scored have the last one.
    pub fn stages(self) -> &'static [Stage] {
        let scored = matches!(self, MeetingKind::Regular | MeetingKind::Thematic);
        &Stage::ALL[..Stage::ALL.len() - usize::from(!scored)]
    }

    /// Is there one a month, so that its document id follows from kind and month?
    pub fn is_monthly(self) -> bool {
        matches!(self, MeetingKind::Regular | MeetingKind::Committee)
    }
}

impl State {
    /// Absent, with or without a reason.
    pub fn is_absent(self) -> bool {
        matches!(self, State::Excused | State::Unexcused)
    }
}

impl How {
    /// Did the member's own code or phone vouch for it?
    pub fn is_own(self) -> bool {
        matches!(self, How::Qr | How::SelfCheckIn)
    }
}
