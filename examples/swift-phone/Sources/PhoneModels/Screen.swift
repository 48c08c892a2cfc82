import Observation
import Sotay

/// Something that a person has to be told, and what the screen offers then.
public struct Notice: Equatable, Sendable {
    /// For people.
    public let text: String
    /// What to do next.
    public let next: NextAction
}

/// One screen's state, read now and after every change that concerns it. In a SwiftUI view: `.task { await screen.follow() }`.
@MainActor
@Observable
public final class Screen<Content: Equatable & Sendable> {
    /// What to draw; nil before the first reading.
    public private(set) var content: Content?
    /// What went wrong, until the next action that succeeds.
    public private(set) var notice: Notice?
    private let handbook: Handbook
    private let concerns: @Sendable (Change) -> Bool
    private let read: @Sendable () async throws -> Content

    init(
        _ handbook: Handbook, concerns: @escaping @Sendable (Change) -> Bool, read: @escaping @Sendable () async throws -> Content
    ) {
        self.handbook = handbook
        self.concerns = concerns
        self.read = read
    }

    /// Reads now and after every change that matters, until the task is cancelled or the handbook shut down.
    public func follow() async {
        _ = await noticed {
            for await batch in try await handbook.changeBatches() {
                guard batch.contains(where: { matters($0) }) else { continue }
                _ = await noticed { try await refresh() }
            }
        }
    }

    /// Reads now: for what changes without a change, such as progress.
    public func refresh() async throws {
        let next = try await read()
        if next != content { content = next }
    }

    /// Carries out what a person asked for; what goes wrong becomes the notice. Says whether it went well.
    @discardableResult
    public func act(_ action: () async throws -> Void) async -> Bool {
        let well = await noticed(action)
        if well { notice = nil }
        return well
    }

    private func noticed(_ action: () async throws -> Void) async -> Bool {
        do {
            try await action()
            return true
        } catch let error as HandbookError {
            notice = Notice(text: error.text(), next: error.nextAction)
        } catch {
            // A cancelled task: nobody looks any more.
        }
        return false
    }

    private func matters(_ change: Change) -> Bool {
        change == .start || change == .missed || concerns(change)
    }
}
