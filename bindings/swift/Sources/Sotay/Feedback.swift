/// What members write to the committee, with their name or without, and what becomes of it.
public final class Feedback: Sendable {
    private let raw: RawFeedback

    init(_ raw: RawFeedback) {
        self.raw = raw
    }

    /// Writes to the committee; gives the item's id. Without a name neither the relay nor the committee learns who wrote, and
    /// nobody can answer but publicly. With the id of an earlier call the same item is not written twice.
    @discardableResult
    public func submit(
        topic: String, text: String, named: Bool, meeting: String? = nil, nameAbove: Bool = false, id: String? = nil
    ) async throws -> String {
        let raw = raw
        let new = NewFeedback(topic: topic, text: text, named: named, meeting: meeting, nameAbove: nameAbove, id: id)
        return try await io { try raw.submit(new: new) }
    }

    /// Takes an item of this phone back: without a trace while it waits, otherwise the committee sees that it was taken back.
    public func withdraw(_ item: String) async throws {
        let raw = raw
        try await io { try raw.withdraw(item: item) }
    }

    /// Sends an item of this phone again, e.g. after the relay refused it; the committee gets it once.
    public func sendAgain(_ item: String) async throws {
        let raw = raw
        try await io { try raw.sendAgain(item: item) }
    }

    /// What was written on this phone, newest first, with what was answered.
    public func own() async throws -> [OwnFeedbackView] {
        let raw = raw
        return try await io { try raw.own() }
    }

    /// What the committee has received. The committee only.
    public func received(_ language: Language = .vi) async throws -> [FeedbackView] {
        let raw = raw
        return try await io { try raw.received(language: language) }
    }

    /// Notes what has become of an item, and answers it if there is a text: its writer alone, or the whole unit. The committee only.
    public func answer(_ item: String, status: FeedbackStatus, text: String? = nil, public everybody: Bool = false) async throws {
        let raw = raw
        let answer = FeedbackAnswer(item: item, status: status, text: text, public: everybody)
        try await io { try raw.answer(answer: answer) }
    }

    /// Answers that everybody in the unit reads, oldest first.
    public func publicAnswers() async throws -> [FeedbackReplyView] {
        let raw = raw
        return try await io { try raw.publicAnswers() }
    }

    /// Passes an item up to the level above, with its writer's name if the writer agreed. Officers only.
    public func passUp(_ item: String) async throws {
        let raw = raw
        try await io { try raw.passUp(item: item) }
    }

    /// What this unit passed up, oldest first, and what was said of it above. Officers only.
    public func passed() async throws -> [PassedFeedbackView] {
        let raw = raw
        return try await io { try raw.passed() }
    }

    /// What the units below passed up to this one, oldest first.
    public func fromBelow() async throws -> [PassedFeedbackView] {
        let raw = raw
        return try await io { try raw.fromBelow() }
    }

    /// On the level above: says what became of an item that a unit below passed up.
    public func answerBelow(_ item: String, status: FeedbackStatus, text: String? = nil, public everybody: Bool = false) async throws {
        let raw = raw
        let answer = FeedbackAnswer(item: item, status: status, text: text, public: everybody)
        try await io { try raw.answerBelow(answer: answer) }
    }

    /// Hands the answer from above on, to the writer or, of an item without name, to everybody. Officers only.
    public func handOn(_ item: String) async throws {
        let raw = raw
        try await io { try raw.handOn(item: item) }
    }
}
