import Observation
@_exported import Sotay

/// The first screen.
public struct HomeContent: Equatable, Sendable {
    /// The unit and this phone in it.
    public let card: UnitCard
    /// The meeting that is not closed yet, if there is one.
    public let current: MeetingHeading?
    /// All meetings, newest first.
    public let meetings: [MeetingHeading]
    /// Role, phase of the meeting at hand, what can be done now, tasks, what waits.
    public let home: HomeView
}

/// The first screen: unit, role, the meeting at hand, what can be done and what waits.
@MainActor
public final class HomeModel {
    /// What to draw.
    public let screen: Screen<HomeContent>
    private let handbook: Handbook

    /// Reads nothing yet.
    public init(_ handbook: Handbook) {
        self.handbook = handbook
        screen = Screen(handbook, concerns: { if case .sync = $0 { false } else { true } }) {
            let meetings = try await handbook.branch.meetings()
            return HomeContent(
                card: try await handbook.branch.card(), current: meetings.first { !$0.isOver }, meetings: meetings,
                home: try await handbook.home())
        }
    }

    /// Begins the regular meeting of a month; gives its id, or nil when the notice says why not.
    public func begin(month: String, day: String) async -> String? {
        var id: String?
        await screen.act { id = try await handbook.branch.newMeeting(.regular, month: month, date: day) }
        return id
    }
}

extension MeetingHeading {
    /// Whether it is closed, or further.
    public var isOver: Bool {
        switch phase {
        case .closed, .sealed, .sent: true
        default: false
        }
    }
}

/// A meeting's screen.
public struct MeetingContent: Equatable, Sendable {
    /// The whole meeting.
    public let view: MeetingView
    /// Whether the minutes may not be sealed yet.
    public let blocked: Bool
}

/// The screen of one meeting, and what is done on it.
@MainActor
public final class MeetingModel {
    /// What to draw.
    public let screen: Screen<MeetingContent>
    private let meeting: Meeting

    /// Reads nothing yet.
    public init(_ handbook: Handbook, id: String) throws {
        let meeting = try handbook.meeting(id)
        self.meeting = meeting
        screen = Screen(handbook, concerns: { $0.touches(meeting: id) }) {
            MeetingContent(view: try await meeting.view(), blocked: try await meeting.review().blocks)
        }
    }

    /// Any commands, as one change.
    @discardableResult
    public func apply(_ commands: MeetingCommand...) async -> Bool {
        await screen.act { try await meeting.apply(commands) }
    }

    /// Takes a step in the meeting's life.
    @discardableResult
    public func step(_ step: MeetingStep) async -> Bool {
        await apply(.step(step: step))
    }

    /// Notes who is there and who is not.
    @discardableResult
    public func mark(_ members: [String], _ state: AttendanceState, reason: String? = nil) async -> Bool {
        await apply(.mark(members: members, state: state, how: .rollCall, reason: reason))
    }

    /// Notes what a member said.
    @discardableResult
    public func speech(_ member: String, _ text: String) async -> Bool {
        await apply(.addSpeech(speaker: .member(id: member), text: text))
    }

    /// Text and SHA-256 of the minutes as they stand.
    public func minutes() async throws -> MinutesView {
        try await meeting.minutes()
    }
}

/// The list of contradictions of all meetings.
@MainActor
public final class ReviewModel {
    /// What to draw: open items.
    public let screen: Screen<[ReviewItemView]>
    private let handbook: Handbook

    /// Reads nothing yet.
    public init(_ handbook: Handbook) {
        self.handbook = handbook
        screen = Screen(
            handbook,
            concerns: {
                switch $0 {
                case .document, .names: true
                default: false
                }
            }
        ) { try await handbook.branch.reviewAll() }
    }

    /// Settles an item by one of its options.
    @discardableResult
    public func settle(_ item: ReviewItemView, pick: String) async -> Bool {
        await screen.act { try await handbook.meeting(item.meeting).settle(item.id, pick: pick) }
    }
}

/// The screen of feedback.
public struct FeedbackContent: Equatable, Sendable {
    /// What was written on this phone, with its answers.
    public let own: [OwnFeedbackView]
    /// Answers that everybody reads.
    public let answers: [FeedbackReplyView]
    /// What the committee has received; nil for who does not sit on it.
    public let received: [FeedbackView]?
}

/// What members write to the committee.
@MainActor
public final class FeedbackModel {
    /// What to draw.
    public let screen: Screen<FeedbackContent>
    private let handbook: Handbook

    /// Reads nothing yet.
    public init(_ handbook: Handbook) {
        self.handbook = handbook
        screen = Screen(
            handbook,
            concerns: {
                switch $0 {
                case .feedback, .names, .membership: true
                default: false
                }
            }
        ) {
            FeedbackContent(
                own: try await handbook.feedback.own(), answers: try await handbook.feedback.publicAnswers(),
                received: try await received(handbook))
        }
    }

    /// Writes; with `named` false nobody learns who wrote. Says whether it is on disk: keep the text in its field until then.
    @discardableResult
    public func write(topic: String, text: String, named: Bool) async -> Bool {
        await screen.act { try await handbook.feedback.submit(topic: topic, text: text, named: named) }
    }

    /// Takes an item of one's own back.
    @discardableResult
    public func withdraw(_ item: String) async -> Bool {
        await screen.act { try await handbook.feedback.withdraw(item) }
    }

    /// Answers: the writer alone, or the whole unit.
    @discardableResult
    public func answer(_ item: String, text: String, public everybody: Bool) async -> Bool {
        await screen.act { try await handbook.feedback.answer(item, status: .answered, text: text, public: everybody) }
    }
}

private func received(_ handbook: Handbook) async throws -> [FeedbackView]? {
    do {
        return try await handbook.feedback.received()
    } catch HandbookError.NotAllowed {
        return nil
    }
}

/// How it stands with a relay; `unknown` when nothing is known, which is not the same as bad.
public enum SyncMood: Sendable {
    case unknown, behind, unsent, synced
}

/// The line about syncing.
public struct SyncContent: Equatable, Sendable {
    /// The least good of all spaces.
    public let mood: SyncMood
    /// Space by space.
    public let spaces: [SpaceStatus]
    /// Changes that are in no envelope yet.
    public let pending: Int

    init(spaces: [SpaceStatus], pending: Int) {
        self.spaces = spaces
        self.pending = pending
        let moods = spaces.map { one -> SyncMood in
            switch one.state {
            case .unknown: .unknown
            case .behind: .behind
            case .ahead: .unsent
            case .synced: .synced
            }
        }
        if moods.isEmpty || moods.contains(.unknown) {
            mood = .unknown
        } else if moods.contains(.behind) {
            mood = .behind
        } else {
            mood = pending > 0 || moods.contains(.unsent) ? .unsent : .synced
        }
    }
}

/// Syncing with one relay.
@MainActor
public final class SyncModel {
    /// What to draw.
    public let screen: Screen<SyncContent>
    private let handbook: Handbook
    private let relay: String

    /// Reads nothing yet.
    public init(_ handbook: Handbook, relay: String) {
        self.handbook = handbook
        self.relay = relay
        screen = Screen(
            handbook,
            concerns: {
                switch $0 {
                case .document, .sync: true
                default: false
                }
            }
        ) { SyncContent(spaces: try await handbook.sync.status(relay), pending: try await handbook.sync.pending()) }
    }

    /// An exchange now; cancelling the task ends it.
    @discardableResult
    public func now() async -> Bool {
        await screen.act {
            try await handbook.sync.once(relay)
            try await screen.refresh()
        }
    }
}
