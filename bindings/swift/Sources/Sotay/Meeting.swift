import Foundation

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
        let feed = try await handbook.feed()
        let (raw, id) = (raw, id)
        return AsyncThrowingStream {
            while let batches = await feed.inbox.take() {
                if batches.contains(where: { $0.contains { $0.touches(meeting: id) } }) { return try await io { try raw.view() } }
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

    /// The seals of the minutes, and what was recorded after them.
    public func seals(_ language: Language = .vi) async throws -> SealsView {
        let raw = raw
        return try await io { try raw.seals(language: language) }
    }

    /// The review list on the eve of a seal, with a warning for every phone that took part and has not handed in.
    public func sealCheck(_ language: Language = .vi) async throws -> ReviewView {
        let raw = raw
        return try await io { try raw.sealCheck(language: language) }
    }

    /// Proposes to seal the minutes that were shown (`MinutesView.sha256`), with one's own signature; the other of chair and
    /// minute-taker countersigns. Over sealed minutes this is the next edition. Gives the seal's id.
    @discardableResult
    public func proposeSeal(minutes: String) async throws -> String {
        let raw = raw
        return try await io { try raw.proposeSeal(minutes: minutes) }
    }

    /// Signs what the other of the two has proposed, if this phone holds the same records and reads the same text.
    public func countersign(_ seal: String) async throws {
        let raw = raw
        try await io { try raw.countersign(seal: seal) }
    }

    /// Takes a seal back: the chair whom it names, or the secretary.
    public func withdrawSeal(_ seal: String) async throws {
        let raw = raw
        try await io { try raw.withdrawSeal(seal: seal) }
    }

    /// Proposes to sign what was recorded after the seal as an addendum to it; gives its id.
    @discardableResult
    public func proposeAddendum() async throws -> String {
        let raw = raw
        return try await io { try raw.proposeAddendum() }
    }

    /// `apply` after the minutes were sealed; what is written waits beside the sealed text. Officers only.
    @discardableResult
    public func amend(_ commands: MeetingCommand...) async throws -> [String?] {
        let raw = raw
        return try await io { try raw.amend(commands: commands) }
    }

    /// The sealed text, as it was signed.
    public func sealedText(_ seal: String) async throws -> String {
        let raw = raw
        return try await io { try raw.sealedText(seal: seal) }
    }

    /// Everything somebody without a profile needs to check the seals: for `sealFileChecked`.
    public func sealFile() async throws -> Data {
        let raw = raw
        return try await io { try raw.sealFile() }
    }

    /// Keeps an official signature that was made elsewhere beside a seal. Officers only.
    public func attachOutsideSignature(_ seal: String, kind: OutsideSignatureKind, name: String, bytes: Data) async throws {
        let raw = raw
        try await io { try raw.attachOutsideSignature(seal: seal, kind: kind, name: name, bytes: bytes) }
    }

    /// The minutes as a file: the sealed edition, or as they stand; with `item`, the extract of that item of the agenda;
    /// with `template`, by one's own.
    public func paper(_ form: PaperForm, item: String? = nil, template: String? = nil) async throws -> PaperFile {
        let raw = raw
        return try await io { try raw.paper(form: form, item: item, source: template) }
    }

    /// A page of the diary in words, newest line first; 200 lines at most.
    public func diary(skip: UInt32 = 0, count: UInt32 = 50, language: Language = .vi) async throws -> DiaryPageView {
        let raw = raw
        return try await io { try raw.diary(skip: skip, count: count, language: language) }
    }

    /// Undoes what this phone did last and has not undone yet; refused when somebody has built on it since.
    @discardableResult
    public func undo(_ language: Language = .vi) async throws -> UndoneView {
        let raw = raw
        return try await io { try raw.undo(language: language) }
    }

    /// Takes last month's tasks and the fees into the minutes; gives how many tasks.
    @discardableResult
    public func takeIn() async throws -> Int {
        let raw = raw
        return try await io { Int(try raw.takeIn()) }
    }

    /// Notes a file that belongs to the meeting: name, type, size, pages, hash. The file stays where it is. Gives the entry's id.
    @discardableResult
    public func attachFile(name: String, media: String, content: Data, pages: UInt32 = 0) async throws -> String {
        let raw = raw
        return try await io { try raw.attachFile(name: name, media: media, content: content, pages: pages) }
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
