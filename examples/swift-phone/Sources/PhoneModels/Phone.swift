import Foundation
import Sotay

/// What a line asked for makes no sense; `message` says how it is written.
struct BadLine: Error {
    let message: String

    init(_ message: String) {
        self.message = message
    }
}

/// A phone that is spoken to in lines, one command each; `help` lists them. Screens are read from the same models that an app
/// binds its views to.
@MainActor
public final class Phone {
    private let handbook: Handbook
    private let home: HomeModel
    private let review: ReviewModel
    private let feedback: FeedbackModel
    private let hall: HallModel
    private var relays: [String: SyncModel] = [:]
    private var meeting: MeetingModel?

    /// Speaks to an opened handbook.
    public init(_ handbook: Handbook) {
        self.handbook = handbook
        home = HomeModel(handbook)
        review = ReviewModel(handbook)
        feedback = FeedbackModel(handbook)
        hall = HallModel(handbook)
    }

    /// All commands.
    public static let help = """
        found UNIT | UPPER | FOUNDER | SINCE      members [SINCE | NAME; NAME; …]
        request      admit REQUEST | NUMBER | RANK      accept INVITATION
        home      begin MONTH | DAY      place TEXT      start TIME      end TIME      chair NUMBER      clerk NUMBER
        open      close      agenda TITLE      mark STATE | NUMBERS | REASON      speech NUMBER | TEXT
        conclusion TEXT | DEADLINE | NUMBERS      view      review      minutes      sha256
        feedback [named/nameless | TOPIC | TEXT]      answer NUMBER | writer/all | TEXT      sync HOST:PORT#KEY
        host [LISTEN]      hall      visit HOST:PORT#KEY      leave HOST:PORT#KEY      quit
        \(LibraryLines.help)
        """

    /// What to print for a line: the answer and `ok`, or one line that begins with `error`.
    public func answer(_ line: String) async -> [String] {
        do {
            return try await say(line) + ["ok"]
        } catch let error as HandbookError {
            return ["error \(error.text())"]
        } catch let error as BadLine {
            return ["error \(error.message)"]
        } catch {
            return ["error \(error)"]
        }
    }

    private func say(_ line: String) async throws -> [String] {
        let words = line.split(separator: " ", maxSplits: 1)
        let rest = words.count > 1 ? words[1].trimmingCharacters(in: .whitespaces) : ""
        switch words.first ?? "" {
        case "help": return Self.help.split(separator: "\n").map(String.init)
        case "found":
            let parts = try parts(rest, 4, "found UNIT | UPPER | FOUNDER | SINCE")
            return [try await handbook.branch.create(name: parts[0], upper: parts[1], founder: parts[2], since: parts[3])]
        case "members": return try await members(rest)
        case "request": return [try await handbook.branch.joinRequest().text]
        case "admit":
            let parts = try parts(rest, 3, "admit REQUEST | NUMBER | RANK")
            guard let rank = UInt8(parts[2]) else { throw BadLine("RANK is 2, 3 or 4") }
            return [try await handbook.branch.admit(request: parts[0], member: try await number(parts[1]), rank: rank)]
        case "accept": return try await handbook.branch.accept(rest)
        case "home": return try await homeLines()
        case "begin": return try await begin(rest)
        case "place": return try await acted { await $0.apply(.setPlace(text: rest)) }
        case "start": return try await acted { await $0.apply(.setStart(at: rest)) }
        case "end": return try await acted { await $0.apply(.setEnd(at: rest)) }
        case "chair":
            let chair = try await number(rest)
            return try await acted { await $0.apply(.setChair(member: chair)) }
        case "clerk":
            let clerk = try await number(rest)
            return try await acted { await $0.apply(.setClerk(member: clerk)) }
        case "open": return try await acted { await $0.step(.opened) }
        case "close": return try await acted { await $0.step(.closed) }
        case "agenda": return try await acted { await $0.apply(.addAgenda(title: rest)) }
        case "mark": return try await mark(rest)
        case "speech":
            let parts = try parts(rest, 2, "speech NUMBER | TEXT")
            let member = try await number(parts[0])
            return try await acted { await $0.speech(member, parts[1]) }
        case "conclusion":
            let parts = try parts(rest, 3, "conclusion TEXT | DEADLINE | NUMBERS")
            let members = try await numbers(parts[2])
            let deadline = parts[1].isEmpty ? nil : parts[1]
            return try await acted { await $0.apply(.addConclusion(text: parts[0], deadline: deadline, responsible: members)) }
        case "view": return try await view()
        case "review": return try await read(review.screen).map { "\($0.severity): \($0.text)" }
        case "minutes": return try await current().minutes().text.components(separatedBy: "\n")
        case "sha256": return [try await current().minutes().sha256]
        case "feedback": return try await feedbackLines(rest)
        case "answer": return try await reply(rest)
        case "sync": return try await sync(rest)
        case "host":
            _ = try await hosting { rest.isEmpty ? await $0.host() : await $0.host(rest) }
            return [try await read(hall.screen).address].compactMap { $0 }
        case "hall":
            let content = try await read(hall.screen)
            return ["hall: \(content.complete) of \(content.visitors.count)"]
                + content.visitors.map { "\($0.label) · \($0.name ?? "?") · \($0.complete ? "complete" : "behind")" }
        case "visit": return try await hosting { await $0.visit(rest) }
        case "leave": return try await hosting { await $0.leave(rest) }
        default:
            guard let said = try await LibraryLines(handbook: handbook).say(String(words.first ?? ""), rest) else {
                throw BadLine("no such command: \(line); try help")
            }
            return said
        }
    }

    private func members(_ rest: String) async throws -> [String] {
        if !rest.isEmpty {
            let parts = try parts(rest, 2, "members SINCE | NAME; NAME; …")
            let names = parts[1].split(separator: ";").map { $0.trimmingCharacters(in: .whitespaces) }
            try await handbook.branch.addMembers(names.map(NewMember.plain), since: parts[0])
        }
        return try await handbook.branch.members().map { "\($0.number). \($0.name ?? "?")" }
    }

    private func homeLines() async throws -> [String] {
        let content = try await read(home.screen)
        let card = content.card
        let actions = content.home.actions.map(\.label).joined(separator: "; ")
        return [
            "\(card.name) · \(card.memberName ?? "?") · \(card.label) · \(content.home.role)", "review: \(content.home.reviewOpen)", "now: \(actions)",
        ]
            + content.meetings.map { "\($0.month ?? $0.date ?? $0.id) · \(words($0.phase))" }
    }

    private func feedbackLines(_ rest: String) async throws -> [String] {
        if !rest.isEmpty {
            let parts = try parts(rest, 3, "feedback named/nameless | TOPIC | TEXT")
            guard await feedback.write(topic: parts[1], text: parts[2], named: parts[0] == "named") else {
                throw BadLine(feedback.screen.notice?.text ?? "")
            }
        }
        let content = try await read(feedback.screen)
        return content.own.map { "own: \($0.topic) · \($0.state) · \($0.answers.count)" }
            + (content.received ?? []).map { "\($0.number). \($0.writer?.name ?? "-"): \($0.topic): \($0.text)" }
    }

    private func reply(_ rest: String) async throws -> [String] {
        let parts = try parts(rest, 3, "answer NUMBER | writer/all | TEXT")
        let all = try await read(feedback.screen).received ?? []
        guard let item = all.first(where: { "\($0.number)" == parts[0] }) else { throw BadLine("no item \(parts[0])") }
        guard await feedback.answer(item.id, text: parts[2], public: parts[1] == "all") else {
            throw BadLine(feedback.screen.notice?.text ?? "")
        }
        return []
    }

    private func begin(_ rest: String) async throws -> [String] {
        let parts = try parts(rest, 2, "begin MONTH | DAY")
        guard let id = await home.begin(month: parts[0], day: parts[1]) else { throw BadLine(home.screen.notice?.text ?? "") }
        meeting = try MeetingModel(handbook, id: id)
        return [id]
    }

    private static let states: [String: AttendanceState] = [
        "present": .present, "excused": .excused, "unexcused": .unexcused, "exempt": .exempt,
    ]

    private func mark(_ rest: String) async throws -> [String] {
        let parts = rest.components(separatedBy: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        guard parts.count >= 2, let state = Self.states[parts[0]] else {
            throw BadLine("mark \(Self.states.keys.sorted().joined(separator: "/")) | NUMBERS | REASON")
        }
        let members = try await numbers(parts[1])
        return try await acted { await $0.mark(members, state, reason: parts.count > 2 ? parts[2] : nil) }
    }

    private func view() async throws -> [String] {
        let content = try await read(current().screen)
        let (view, counts) = (content.view, content.view.counts)
        return [
            "\(view.month ?? view.date ?? view.id) · \(view.place ?? "-") · \(words(view.phase))",
            "attendance: \(counts.present)/\(counts.excused)/\(counts.unexcused)/\(counts.exempt) of \(counts.total)",
            "speeches: \(view.speeches.count), conclusions: \(view.conclusions.count), blocked: \(content.blocked)",
        ]
    }

    private func sync(_ relay: String) async throws -> [String] {
        let model = relays[relay] ?? SyncModel(handbook, relay: relay)
        relays[relay] = model
        guard await model.now() else { throw BadLine(model.screen.notice?.text ?? "") }
        let content = try await read(model.screen)
        return ["sync: \("\(content.mood)".uppercased()), pending: \(content.pending)"]
    }

    private func hosting(_ action: (HallModel) async -> Bool) async throws -> [String] {
        guard await action(hall) else { throw BadLine(hall.screen.notice?.text ?? "") }
        return []
    }

    private func words(_ phase: MeetingStep?) -> String {
        phase.map { "\($0)".uppercased() } ?? "-"
    }

    private func read<Content>(_ screen: Screen<Content>) async throws -> Content {
        try await screen.refresh()
        return screen.content!
    }

    private func current() throws -> MeetingModel {
        guard let meeting else { throw BadLine("no meeting yet: begin MONTH | DAY") }
        return meeting
    }

    private func acted(_ action: (MeetingModel) async -> Bool) async throws -> [String] {
        let model = try current()
        guard await action(model) else { throw BadLine(model.screen.notice?.text ?? "") }
        return []
    }

    private func number(_ text: String) async throws -> String {
        let members = try await numbers(text)
        guard members.count == 1 else { throw BadLine("one number, please: \(text)") }
        return members[0]
    }

    /// Members of `1-20 23 25`.
    private func numbers(_ text: String) async throws -> [String] {
        let all = try await handbook.branch.members()
        return try text.split(separator: " ").flatMap { word in
            let ends = try word.split(separator: "-").map { end in
                guard let number = UInt32(end) else { throw BadLine("not a number: \(word)") }
                return number
            }
            guard let first = ends.first, let last = ends.last, first <= last else { throw BadLine("not a range: \(word)") }
            return try (first...last).map { number in
                guard let member = all.first(where: { $0.number == number }) else { throw BadLine("no member \(number)") }
                return member.member
            }
        }
    }

    private func parts(_ text: String, _ count: Int, _ usage: String) throws -> [String] {
        let parts = text.components(separatedBy: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        guard parts.count == count else { throw BadLine(usage) }
        return parts
    }
}
