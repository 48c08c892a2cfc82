/// Relays: one exchange at a time, or followed while the app is in front. An address is `host:port#key`.
public final class Sync: Sendable {
    private let raw: RawSync

    init(_ raw: RawSync) {
        self.raw = raw
    }

    /// An exchange in both directions from beginning to end. Cancelling the task ends it; what was stored stays.
    @discardableResult
    public func once(_ relay: String, timeout: Duration = .seconds(60)) async throws -> SyncReport {
        try await start(relay, timeout: timeout).result()
    }

    /// Begins an exchange and returns at once; it fails if it takes longer than `timeout`.
    public func start(_ relay: String, timeout: Duration = .seconds(60)) async throws -> SyncTask {
        let raw = raw
        return try await io { SyncTask(try raw.syncOnce(relay: relay, timeoutMs: timeout.milliseconds)) }
    }

    /// An exchange with the first relay of the unit's list that serves, each for at most `timeout`, from beginning to end.
    @discardableResult
    public func onceListed(timeout: Duration = .seconds(60)) async throws -> SyncReport {
        try await startListed(timeout: timeout).result()
    }

    /// Begins such an exchange and returns at once.
    public func startListed(timeout: Duration = .seconds(60)) async throws -> SyncTask {
        let raw = raw
        return try await io { SyncTask(try raw.syncListed(timeoutMs: timeout.milliseconds)) }
    }

    /// Signs the list of relays that serve the unit; an empty one says that none does. Officers only.
    public func nameRelays(_ relays: [String]) async throws {
        let raw = raw
        try await io { try raw.nameRelays(relays: relays) }
    }

    /// The relays of the list in force, in the order in which this phone tries them.
    public func namedRelays() async throws -> [String] {
        let raw = raw
        return try await io { try raw.namedRelays() }
    }

    /// Keeps a connection to the first relay of that list that serves, and to the next one when it is gone.
    public func followListed() async throws {
        let raw = raw
        try await io { try raw.followListed() }
    }

    /// Ends what `followListed` began.
    public func unfollowListed() async throws {
        let raw = raw
        try await io { try raw.unfollowListed() }
    }

    /// Keeps a connection to a relay, and comes back after every break.
    public func follow(_ relay: String) async throws {
        let raw = raw
        try await io { try raw.follow(relay: relay) }
    }

    /// Stops following a relay and closes its connection.
    public func unfollow(_ relay: String) async throws {
        let raw = raw
        try await io { try raw.unfollow(relay: relay) }
    }

    /// Keeps a connection to a phone that hosts, whatever the platform says of the internet: the hall has none. `unfollow` ends it;
    /// `once` makes one exchange with it.
    public func followHost(_ address: String) async throws {
        let raw = raw
        try await io { try raw.followHost(address: address) }
    }

    /// Lets other phones of the unit connect to this one: they get what they may read of what is here, hand over what they have, and
    /// what one of them brings goes to all others at once. Gives the addresses to show. It pauses while the app is suspended; a phone
    /// that hosts already goes on as it does.
    @discardableResult
    public func host(_ listen: String = "0.0.0.0:0") async throws -> HostView {
        let raw = raw
        return try await io { try raw.host(listen: listen) }
    }

    /// Where this phone hosts, with the addresses that it has now; nil while it does not.
    public func hosted() async throws -> HostView? {
        let raw = raw
        return try await io { try raw.hosted() }
    }

    /// Ends what `host` began; the phones that are connected are told.
    public func stopHosting() async throws {
        let raw = raw
        try await io { try raw.stopHosting() }
    }

    /// The phones that are connected to this one, by label, and how far each is. `Change.visitors` says when one came or went.
    public func visitors() async throws -> [VisitorView] {
        let raw = raw
        return try await io { try raw.visitors() }
    }

    /// The same, looked at every `interval`; the stream brings what is different from before, and ends with the handbook.
    public func visitorUpdates(every interval: Duration = .seconds(1)) -> AsyncStream<[VisitorView]> {
        AsyncStream { continuation in
            let looking = Task {
                var last: [VisitorView]?
                while !Task.isCancelled, let now = try? await visitors() {
                    if now != last { continuation.yield(now) }
                    last = now
                    try? await Task.sleep(for: interval)
                }
                continuation.finish()
            }
            continuation.onTermination = { _ in looking.cancel() }
        }
    }

    /// What is known of a relay, space by space.
    public func status(_ relay: String) async throws -> [SpaceStatus] {
        let raw = raw
        return try await io { try raw.status(relay: relay) }
    }

    /// Changes made here that no envelope holds yet.
    public func pending() async throws -> Int {
        let raw = raw
        return try await io { Int(try raw.pending()) }
    }
}

/// A running exchange.
public final class SyncTask: Sendable {
    private let raw: RawSyncTask

    init(_ raw: RawSyncTask) {
        self.raw = raw
    }

    /// How far it is.
    public func progress() throws -> SyncProgress {
        try raw.progress()
    }

    /// Ends it; waiting then throws `HandbookError.Cancelled`. What was stored, here and there, stays.
    public func cancel() {
        // It fails only by a panic inside; the exchange then ends by its time limit.
        try? raw.cancel()
    }

    /// Waits for the report. Cancelling the task that waits ends the exchange and throws `CancellationError`.
    public func result() async throws -> SyncReport {
        try await withTaskCancellationHandler {
            do {
                return try await raw.wait()
            } catch HandbookError.Cancelled where Task.isCancelled {
                throw CancellationError()
            }
        } onCancel: {
            cancel()
        }
    }
}
