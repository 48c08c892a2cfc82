import Sotay

/// The library's screen.
public struct LibraryContent: Equatable, Sendable {
    /// The documents, newest first, with what was read of each.
    public let documents: [DocumentEntry]
    /// Learning: what is due today.
    public let study: StudyOverviewView
}

/// The library: what there is, and what is looked for in it.
@MainActor
public final class LibraryModel {
    /// What to draw.
    public let screen: Screen<LibraryContent>
    private let handbook: Handbook

    /// Reads nothing yet.
    public init(_ handbook: Handbook) {
        self.handbook = handbook
        screen = Screen(handbook, concerns: { $0 == .library }) {
            LibraryContent(documents: try await handbook.library.documents(), study: try await handbook.study.overview())
        }
    }

    /// Results for what is typed, or nil when the notice says why not. Cancel it when another letter is typed.
    public func search(_ query: String) async -> SearchResults? {
        var results: SearchResults?
        await screen.act { results = try await handbook.library.search(query) }
        return results
    }

    /// Answers to a question, or nil when the notice says why not.
    public func ask(_ question: String) async -> Answers? {
        var answers: Answers?
        await screen.act { answers = try await handbook.library.ask(question) }
        return answers
    }
}

/// A document's screen.
public struct ReadingContent: Equatable, Sendable {
    /// The document, and what was read of it.
    public let entry: DocumentEntry
    /// Its contents.
    public let contents: [SectionHeading]
    /// The section that is shown.
    public let section: SectionView
    /// What the holder told the unit of it.
    public let told: SharedMark
}

/// A document that is read, or listened to. It begins at the section where the holder stopped.
@MainActor
public final class ReadingModel {
    /// What to draw.
    public let screen: Screen<ReadingContent>
    private let handbook: Handbook
    private let document: String
    private let place = Place()
    private var reader: Reader?

    /// Reads nothing yet.
    public init(_ handbook: Handbook, document: String) {
        self.handbook = handbook
        self.document = document
        let place = place
        screen = Screen(handbook, concerns: { $0 == .library }) {
            let contents = try await handbook.library.contents(document)
            guard let entry = try await handbook.library.documents().first(where: { $0.id == document }) else {
                throw CancellationError()
            }
            let begun = contents.lastIndex { $0.firstParagraph <= entry.reading.furthest } ?? 0
            let number = await place.keep(begun)
            return ReadingContent(
                entry: entry, contents: contents, section: try await handbook.library.section(document, number: number),
                told: try await handbook.library.shared(document))
        }
    }

    /// Shows another section. The one that is left was read, for so many seconds.
    @discardableResult
    public func turn(_ number: Int, seconds: Int = 0) async -> Bool {
        await screen.act {
            if let left = screen.content?.section.place {
                try await handbook.library.readOn(
                    document, furthest: Int(left.firstParagraph + left.paragraphs), moreSeconds: seconds)
            }
            place.shown = number
            try await screen.refresh()
        }
    }

    /// The holder is done with it. Nobody else learns that.
    @discardableResult
    public func finish() async -> Bool {
        await screen.act {
            try await handbook.library.finishReading(document)
            try await screen.refresh()
        }
    }

    /// Tells the unit about it, or takes that back.
    @discardableResult
    public func share(_ mark: SharedMark) async -> Bool {
        await screen.act {
            try await handbook.library.share(document, mark)
            try await screen.refresh()
        }
    }

    /// Reads aloud from the section that is shown, or where the holder stopped; the stream names the sentence to highlight. Nil: the notice says why not.
    public func listen(_ voice: any SpeechOutput) async -> AsyncStream<ReaderView>? {
        let well = await screen.act {
            let last = max(try await handbook.library.contents(document).count - 1, 0)
            let reader = try await handbook.library.reader(document, voice: voice, sections: place.shown.map { min($0, last)...last })
            self.reader = reader
            try await reader.play()
        }
        return well ? reader?.states() : nil
    }

    /// The voice has finished an utterance.
    @discardableResult
    public func finished(_ utterance: UInt64) throws -> ReaderView? {
        try reader?.finished(utterance)
    }

    /// Falls silent.
    @discardableResult
    public func rest() async -> Bool {
        await screen.act { try await reader?.pause() }
    }
}

/// The section that is shown.
@MainActor
private final class Place {
    var shown: Int?

    nonisolated init() {}

    func keep(_ begun: Int) -> Int {
        let number = shown ?? begun
        shown = number
        return number
    }
}
