import Foundation
import Sotay

/// The library in lines; documents are named by their number in `library`.
@MainActor
struct LibraryLines {
    let handbook: Handbook

    /// Its commands.
    static let help =
        "library      publish FILE | CODE | DATE | TYPE | ISSUER | TITLE      search WORDS      ask QUESTION      read NUMBER      speak NUMBER      share NUMBER"

    /// What to print for a line that is the library's, or nil.
    func say(_ word: String, _ rest: String) async throws -> [String]? {
        switch word {
        case "library":
            return try await handbook.library.documents().enumerated().map { at, entry in
                "\(at + 1). \(entry.code) · \(entry.date) · \(entry.title) · \(entry.reading.percent)%"
            }
        case "publish": return try await publish(rest)
        case "search":
            let library = LibraryModel(handbook)
            guard let results = await library.search(rest) else { throw BadLine(library.screen.notice?.text ?? "") }
            return results.hits.map { "\($0.code) · \($0.section) · \($0.snippet)" }
        case "ask":
            let library = LibraryModel(handbook)
            guard let answers = await library.ask(rest) else { throw BadLine(library.screen.notice?.text ?? "") }
            return answers.message.map { [$0] }
                ?? answers.quotes.map { "“\($0.quote)” (\($0.section), \($0.code), \($0.date))" }
        case "read": return try await read(rest)
        case "share":
            let model = try await reading(rest)
            guard await model.share(.done) else { throw BadLine(model.screen.notice?.text ?? "") }
            return []
        case "speak": return try await speak(rest)
        default: return nil
        }
    }

    private func publish(_ rest: String) async throws -> [String] {
        let parts = rest.components(separatedBy: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        guard parts.count == 6 else { throw BadLine("publish FILE | CODE | DATE | TYPE | ISSUER | TITLE") }
        let published = try await handbook.library.publish(
            URL(fileURLWithPath: parts[0]), code: parts[1], date: parts[2], kind: parts[3], issuer: parts[4], title: parts[5])
        return ["sections: \(published.sections), paragraphs: \(published.paragraphs)"]
    }

    private func read(_ rest: String) async throws -> [String] {
        let model = try await reading(rest)
        try await model.screen.refresh()
        guard let content = model.screen.content else { throw BadLine(model.screen.notice?.text ?? "") }
        let place = content.section.place
        guard await model.turn(min(Int(place.number) + 1, content.contents.count - 1)) else {
            throw BadLine(model.screen.notice?.text ?? "")
        }
        return ["\(place.label). \(place.heading)"] + content.section.text.components(separatedBy: "\n")
            + ["read: \(model.screen.content?.entry.reading.percent ?? 0)%"]
    }

    private func speak(_ rest: String) async throws -> [String] {
        let voice = Letters()
        let model = try await reading(rest)
        guard await model.listen(voice) != nil else { throw BadLine(model.screen.notice?.text ?? "") }
        while let last = voice.said.last, try model.finished(last.number)?.state == .speaking {}
        return voice.said.map(\.text)
    }

    private func reading(_ rest: String) async throws -> ReadingModel {
        let all = try await handbook.library.documents()
        guard let number = Int(rest), all.indices.contains(number - 1) else { throw BadLine("no document \(rest); see library") }
        return ReadingModel(handbook, document: all[number - 1].id)
    }
}

/// A voice of letters: what it would say is printed.
private final class Letters: SpeechOutput, @unchecked Sendable {
    private let lock = NSLock()
    private var utterances: [Utterance] = []

    var said: [Utterance] { lock.withLock { utterances } }

    func speak(utterance: Utterance) throws {
        lock.withLock { utterances.append(utterance) }
    }

    func stop() throws {}
}
