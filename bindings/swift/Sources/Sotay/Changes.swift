import Foundation

/// Changes that wait for a slow reader; beyond it they are dropped and `Change.missed` stands for them.
public let changesWaitingMax = 20_000

/// A running subscription. It ends with `cancel()`, with the handbook, or when nothing refers to it any more.
public final class Subscription: Sendable {
    private let raw: RawSubscription

    init(_ raw: RawSubscription) {
        self.raw = raw
    }

    /// No call begins after this returns; one that is running comes to its end. A second call does nothing.
    public func cancel() {
        // It fails only by a panic inside, and then nothing is called either.
        try? raw.cancel()
    }

    /// What the listener was given so far.
    public func stats() throws -> SubscriptionStats {
        try raw.stats()
    }
}

/// A function as a listener.
final class FunctionListener: ChangeListener {
    private let function: @Sendable ([Change]) throws -> Void

    init(_ function: @escaping @Sendable ([Change]) throws -> Void) {
        self.function = function
    }

    func onChanges(batch: [Change]) throws {
        try function(batch)
    }
}

/// Where batches wait between the engine's thread and a task.
final class Inbox: @unchecked Sendable {
    private let lock = NSLock()
    private var waiting: [Change] = []
    private var closed = false
    private let signal: AsyncStream<Void>.Continuation
    private let arrived: AsyncStream<Void>

    init() {
        (arrived, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Takes a batch of the engine; never waits.
    func put(_ batch: [Change]) {
        lock.withLock {
            if waiting.count + batch.count > changesWaitingMax {
                waiting = [.missed]
            } else {
                waiting += batch
            }
        }
        signal.yield()
    }

    /// A reader gets what is here, and then the end.
    func close() {
        lock.withLock { closed = true }
        signal.yield()
    }

    private func now() -> (batch: [Change], closed: Bool) {
        lock.withLock {
            defer { waiting = [] }
            return (waiting, closed)
        }
    }

    /// Everything that arrived since the last time; nil at the end and in a cancelled task.
    func take() async -> [Change]? {
        var signals = arrived.makeAsyncIterator()
        while true {
            let (batch, closed) = now()
            if !batch.isEmpty { return batch }
            if closed { return nil }
            if await signals.next() == nil { return nil }
        }
    }
}

/// An inbox and its subscription: both end when the stream that reads them goes.
final class Feed: Sendable {
    let inbox: Inbox
    private let subscription: Subscription
    private let left: @Sendable (Inbox) -> Void

    init(_ inbox: Inbox, _ subscription: Subscription, left: @escaping @Sendable (Inbox) -> Void) {
        self.inbox = inbox
        self.subscription = subscription
        self.left = left
    }

    deinit {
        subscription.cancel()
        left(inbox)
    }
}
