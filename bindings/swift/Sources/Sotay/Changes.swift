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

/// A batch of changes, oldest first. It crosses the bridge in a few bytes a change, and a `Change` is made when it is looked at:
/// a screen that is not concerned makes none.
public struct ChangeBatch: RandomAccessCollection, Sendable {
    // As `bindings/ffi/src/changes.rs` writes them.
    private static let packedBytes = 20
    private static let atId: UInt8 = 1
    private static let other: UInt8 = 2
    private static let digits = Array("0123456789abcdef".utf8)

    private let packed: PackedChanges

    init(_ packed: PackedChanges) {
        self.packed = packed
    }

    init(_ change: Change) {
        self.init(PackedChanges(places: [], entries: Data([Self.other] + [UInt8](repeating: 0, count: Self.packedBytes - 1)), others: [change]))
    }

    /// Whether nothing comes after it.
    var last: Bool { packed.others.contains(.locked) }

    /// Always 0.
    public var startIndex: Int { 0 }

    /// How many there are.
    public var endIndex: Int { packed.entries.count / Self.packedBytes }

    /// One of them.
    public subscript(position: Int) -> Change {
        precondition(indices.contains(position), "no change \(position) in a batch of \(count)")
        return packed.entries.withUnsafeBytes { entries in
            let entry = entries[position * Self.packedBytes..<(position + 1) * Self.packedBytes]
            let at = entry.startIndex
            let number = Int(entry[at + 2]) << 8 | Int(entry[at + 3])
            if entry[at] == Self.other { return packed.others[number] }
            let place = packed.places[number]
            let id = entry[at] == Self.atId ? Self.hex(entry[(at + 4)...]) : nil
            return .document(doc: place.doc, part: place.part, id: id)
        }
    }

    private static func hex(_ bytes: Slice<UnsafeRawBufferPointer>) -> String {
        String(unsafeUninitializedCapacity: bytes.count * 2) { text in
            for (index, byte) in bytes.enumerated() {
                text[2 * index] = digits[Int(byte >> 4)]
                text[2 * index + 1] = digits[Int(byte & 15)]
            }
            return bytes.count * 2
        }
    }
}

/// A function as a listener.
final class FunctionListener: ChangeListener {
    private let function: @Sendable (ChangeBatch) throws -> Void

    init(_ function: @escaping @Sendable (ChangeBatch) throws -> Void) {
        self.function = function
    }

    func onChanges(batch: PackedChanges) throws {
        try function(ChangeBatch(batch))
    }
}

/// Where batches wait between the engine's thread and a task.
final class Inbox: @unchecked Sendable {
    private let lock = NSLock()
    private var waiting: [ChangeBatch] = []
    private var changes = 0
    private var closed = false
    private let signal: AsyncStream<Void>.Continuation
    private let arrived: AsyncStream<Void>

    init() {
        (arrived, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Takes a batch of the engine; never waits. After the one that tells of the lock a reader gets the end.
    func put(_ batch: ChangeBatch) {
        lock.withLock {
            if batch.last { closed = true }
            if changes + batch.count > changesWaitingMax {
                waiting = [ChangeBatch(.missed)]
                changes = 1
            } else {
                waiting.append(batch)
                changes += batch.count
            }
        }
        signal.yield()
    }

    /// A reader gets what is here, and then the end.
    func close() {
        lock.withLock { closed = true }
        signal.yield()
    }

    private func now() -> (batches: [ChangeBatch], closed: Bool) {
        lock.withLock {
            defer {
                waiting = []
                changes = 0
            }
            return (waiting, closed)
        }
    }

    /// Everything that arrived since the last time, at least one batch; nil at the end and in a cancelled task.
    func take() async -> [ChangeBatch]? {
        var signals = arrived.makeAsyncIterator()
        while true {
            let (batches, closed) = now()
            if !batches.isEmpty { return batches }
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

/// What a stream has taken and not given on yet. Only one reader calls it, one call after another.
actor Rest {
    private var batches: ArraySlice<ChangeBatch> = []
    private var changes: Slice<ChangeBatch>?

    /// The next batch of a feed.
    func batch(of feed: Feed) async -> ChangeBatch? {
        if batches.isEmpty {
            guard let more = await feed.inbox.take() else { return nil }
            batches = more[...]
        }
        return batches.removeFirst()
    }

    /// The next change of a feed.
    func change(of feed: Feed) async -> Change? {
        while true {
            if let next = changes?.popFirst() { return next }
            guard let more = await batch(of: feed) else { return nil }
            changes = more[...]
        }
    }
}
