/// One meeting.
public final class Meeting: Sendable {
    /// Its document id.
    public let id: String
    private let raw: RawMeeting
    private let handbook: Handbook

    init(_ raw: RawMeeting, id: String, handbook: Handbook) {
        self.raw = raw
        self.id = id
        self.handbook = handbook
    }

    /// Everything a screen needs, in one record.
    public func view() async throws -> MeetingView {
        let raw = raw
        return try await io { try raw.view() }
    }

    /// The view now and after every change that may touch it; ends with the handbook. A slow reader gets the latest only.
    public func views() async throws -> AsyncThrowingStream<MeetingView, any Error> {
        let batches = Batches(try await handbook.changeBatches())
        let (raw, id) = (raw, id)
        return AsyncThrowingStream {
            while let batch = await batches.next() {
                if batch.contains(where: { $0.touches(meeting: id) }) { return try await io { try raw.view() } }
            }
            return nil
        }
    }

    /// Carries out commands as one change, all or nothing; gives the id of the entry each one added.
    @discardableResult
    public func apply(_ commands: MeetingCommand...) async throws -> [String?] {
        try await apply(commands)
    }

    /// The same for a list.
    @discardableResult
    public func apply(_ commands: [MeetingCommand]) async throws -> [String?] {
        let raw = raw
        return try await io { try raw.apply(commands: commands) }
    }

    /// What contradicts itself, in words.
    public func review(_ language: Language = .vi) async throws -> ReviewView {
        let raw = raw
        return try await io { try raw.review(language: language) }
    }

    /// Settles an item of the review list by one of its options.
    public func settle(_ item: String, pick: String) async throws {
        let raw = raw
        try await io { try raw.settle(item: item, pick: pick) }
    }

    /// Text and SHA-256 of the minutes as they stand.
    public func minutes() async throws -> MinutesView {
        let raw = raw
        return try await io { try raw.minutes() }
    }

    /// Every change, causes before effects.
    public func history() async throws -> [HistoryLineView] {
        let raw = raw
        return try await io { try raw.history() }
    }
}

extension Change {
    /// Names, roster and missed changes may touch any meeting; another meeting's changes do not.
    public func touches(meeting: String) -> Bool {
        switch self {
        case .document(let doc, let part, _): return doc == meeting || part == .roster
        case .start, .names, .missed, .enrolled: return true
        default: return false
        }
    }
}

/// A stream of batches that a stream of something else reads. Only that one reader calls it, one call after another.
private final class Batches: @unchecked Sendable {
    private var iterator: AsyncStream<[Change]>.Iterator

    init(_ stream: AsyncStream<[Change]>) {
        iterator = stream.makeAsyncIterator()
    }

    func next() async -> [Change]? {
        await iterator.next()
    }
}
