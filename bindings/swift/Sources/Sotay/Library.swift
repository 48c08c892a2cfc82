import Foundation

/// The library of the unit: documents, reading, search, answers, reading aloud, broadcasts. All of it works without a network.
public final class Library: Sendable {
    /// Results of a search that names no number.
    public static let searchResults = 20
    private let raw: RawLibrary

    init(_ raw: RawLibrary) {
        self.raw = raw
    }

    /// The documents, newest first.
    public func documents() async throws -> [DocumentEntry] {
        let raw = raw
        return try await io { try raw.documents() }
    }

    /// The contents of a document.
    public func contents(_ document: String) async throws -> [SectionHeading] {
        let raw = raw
        return try await io { try raw.contents(document: document) }
    }

    /// One section of a document, counted from 0, with the sentences that are highlighted while it is read aloud.
    public func section(_ document: String, number: Int) async throws -> SectionView {
        let raw = raw
        return try await io { try raw.section(document: document, number: count(number)) }
    }

    /// Searches, best result first. Words with or without marks, codes, articles and raw Telex or VNI keystrokes are understood;
    /// the last word may be a beginning, so it can be called while somebody types.
    public func search(_ query: String, limit: Int = Library.searchResults) async throws -> SearchResults {
        let raw = raw
        return try await io { try raw.search(query: query, limit: count(limit)) }
    }

    /// Answers a question with sentences that stand word for word in the library, or says that there is no answer.
    public func ask(_ question: String) async throws -> Answers {
        let raw = raw
        return try await io { try raw.askQuestion(question: question) }
    }

    /// Notes how many paragraphs of a document were reached on this phone, and for how many seconds more. Private.
    @discardableResult
    public func readOn(_ document: String, furthest: Int, moreSeconds: Int = 0) async throws -> ReadingView {
        let raw = raw
        return try await io { try raw.readOn(document: document, furthest: count(furthest), moreSeconds: count(moreSeconds)) }
    }

    /// Notes that the holder is done with a document. Private; see `share`.
    @discardableResult
    public func finishReading(_ document: String) async throws -> ReadingView {
        let raw = raw
        return try await io { try raw.finishReading(document: document) }
    }

    /// Tells the unit about a document, or takes it back. Only when the member asks for it.
    public func share(_ document: String, _ mark: SharedMark) async throws {
        let raw = raw
        try await io { try raw.share(document: document, mark: mark) }
    }

    /// What the holder told of a document.
    public func shared(_ document: String) async throws -> SharedMark {
        let raw = raw
        return try await io { try raw.shared(document: document) }
    }

    /// Figures of what members told, of every document and without persons.
    public func delivery() async throws -> [DeliveryView] {
        let raw = raw
        return try await io { try raw.delivery() }
    }

    /// Who told what of a document. For officers only.
    public func readers(_ document: String) async throws -> [ReaderMark] {
        let raw = raw
        return try await io { try raw.readers(document: document) }
    }

    /// A reader that speaks a document through a voice of the platform, silent until `play`. Without sections it begins where the
    /// holder stopped reading and goes to the end.
    public func reader(
        _ document: String, voice: any SpeechOutput, sections: ClosedRange<Int>? = nil, region: SpeechRegion = .northern
    ) async throws -> Reader {
        let raw = raw
        let (first, last) = (sections.map { count($0.lowerBound) }, sections.map { count($0.upperBound) })
        return try await io {
            try Reader(voice) { try raw.reader(document: document, first: first, last: last, region: region, output: $0) }
        }
    }

    /// The broadcasts of the unit, in order of time. Nothing streams or downloads by itself.
    public func broadcasts() async throws -> [BroadcastView] {
        let raw = raw
        return try await io { try raw.broadcasts() }
    }

    /// Publishes a schedule: it replaces what earlier ones say of the days from its first to its last entry. Officers only. Of a
    /// recording (a path) name, size and hash are announced; the file itself travels some other way.
    public func publishBroadcasts(_ entries: [NewBroadcast]) async throws {
        let raw = raw
        try await io { try raw.publishBroadcasts(entries: entries) }
    }

    /// Copies the file of a recording (by the hash that its broadcast names) to where the app keeps it, if every byte of it is the
    /// published one; gives what was announced of it. The platform plays it.
    @discardableResult
    public func takeInRecording(_ recording: String, from file: URL, to kept: URL) async throws -> FileView {
        let raw = raw
        return try await io { try raw.takeInRecording(recording: recording, from: file.path, to: kept.path) }
    }

    /// Reads a .docx, PDF, HTML or text file and publishes it to everybody in the unit. Officers only, on a desktop: the library
    /// that ships inside phone apps says `publishing_left_out`.
    public func publish(
        _ file: URL, code: String, date: String, kind: String, issuer: String, title: String, links: [DocumentLink] = []
    ) async throws -> PublishedView {
        let raw = raw
        let new = NewDocument(path: file.path, kind: kind, code: code, issuer: issuer, date: date, title: title, links: links)
        return try await io { try raw.publish(new: new) }
    }
}

/// A text as a voice is to speak it: numbers, dates, codes and abbreviations in words.
public func spoken(_ text: String, region: SpeechRegion = .northern) throws -> String {
    try speechText(text: text, region: region)
}

/// A text cut into sentences with stable ids, each with what is spoken.
public func spokenSentences(_ text: String, region: SpeechRegion = .northern) throws -> [SpokenSentenceView] {
    try speechSentences(text: text, region: region)
}

/// A negative number of things is none.
func count(_ number: Int) -> UInt32 { UInt32(clamping: number) }
