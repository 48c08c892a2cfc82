import Foundation

/// What the platform gives a handbook.
public struct Platform: Sendable {
    /// Wraps the phone's keys; without one they rest in the database, readable by whoever reads the app's files.
    public var vault: (any KeyVault)?
    /// Tells whether there is a network; without one the network is tried.
    public var connectivity: (any Connectivity)?
    /// Whether relays are followed over a metered network.
    public var followWhenMetered: Bool
    /// What a new profile gets, and what opens one that has a PIN; a profile without one passes it over.
    public var pin: String?
    /// After so long without `Handbook.touch()` the profile locks itself; never, if nil.
    public var lockAfter: Duration?

    /// Everything has a default.
    public init(
        vault: (any KeyVault)? = nil, connectivity: (any Connectivity)? = nil, followWhenMetered: Bool = true, pin: String? = nil,
        lockAfter: Duration? = nil
    ) {
        self.vault = vault
        self.connectivity = connectivity
        self.followWhenMetered = followWhenMetered
        self.pin = pin
        self.lockAfter = lockAfter
    }

    func open(_ folder: URL) -> OpenConfig {
        OpenConfig(
            folder: folder.path, vault: vault, connectivity: connectivity, followWhenMetered: followWhenMetered, pin: pin,
            lockAfterMs: lockAfter?.milliseconds)
    }

    func create(_ folder: URL, label: String) -> CreateConfig {
        CreateConfig(
            folder: folder.path, label: label, vault: vault, connectivity: connectivity, followWhenMetered: followWhenMetered,
            pin: pin, lockAfterMs: lockAfter?.milliseconds)
    }
}

/// An opened profile: one person on one phone.
///
/// Every method may be called from any task, the main actor's included: what waits is `async` and works elsewhere. What a call
/// changed is on disk when it returns, with or without a network. A command that has begun is finished even when its task is
/// cancelled; only `Sync.once` and `SyncTask.result` end early. Errors are `HandbookError`.
public final class Handbook: Sendable {
    /// This phone's id, in hexadecimal.
    public let device: String
    /// The unit: members, phones, meetings.
    public let branch: Branch
    /// Tasks, fees, ratings, resolutions, reports, directives.
    public let records: Records
    /// What members write to the committee.
    public let feedback: Feedback
    /// Relays.
    public let sync: Sync
    /// Documents, search, answers, reading aloud.
    public let library: Library
    /// Quizzes and repetition.
    public let study: Study
    private let raw: RawHandbook
    private let inboxes = Inboxes()

    private init(_ raw: RawHandbook) throws {
        self.raw = raw
        device = try raw.device()
        branch = Branch(try raw.branch())
        records = Records(try raw.records())
        feedback = Feedback(try raw.feedback())
        sync = Sync(try raw.sync())
        library = Library(try raw.library())
        study = Study(try raw.study())
    }

    /// Opens the profile in a folder. One process at a time; a second gets `profile_in_use`.
    public static func open(_ folder: URL, platform: Platform = Platform()) async throws -> Handbook {
        try await io { try Handbook(openHandbook(config: platform.open(folder))) }
    }

    /// Makes a new profile in a folder; `label` is what lists call this phone, 64 bytes at most. A failure leaves nothing behind.
    public static func create(_ folder: URL, label: String, platform: Platform = Platform()) async throws -> Handbook {
        try await io { try Handbook(createHandbook(config: platform.create(folder, label: label))) }
    }

    /// Makes the profile of a new branch's secretary from a pack of the level above and its code. A failure leaves nothing behind.
    public static func createFromPack(
        _ folder: URL, label: String, pack: String, code: String, platform: Platform = Platform()
    ) async throws -> Handbook {
        try await io {
            let config = platform.create(folder, label: label)
            return try Handbook(SotayFFI.createFromPack(config: config, pack: pack, code: code))
        }
    }

    /// How the profile in a folder is protected. It may be open; no PIN is needed.
    public static func lockState(_ folder: URL, platform: Platform = Platform()) async throws -> LockStateView {
        try await io { try SotayFFI.lockState(config: platform.open(folder)) }
    }

    /// Puts a closed profile under a PIN, or under another one; `platform` has its vault and its present PIN.
    public static func setPin(_ folder: URL, pin: String, platform: Platform = Platform()) async throws {
        try await io { try SotayFFI.setPin(config: platform.open(folder), pin: pin) }
    }

    /// Takes the PIN of a closed profile away; the database stays encrypted.
    public static func removePin(_ folder: URL, platform: Platform = Platform()) async throws {
        try await io { try SotayFFI.removePin(config: platform.open(folder)) }
    }

    /// A meeting by its id. Whether there is one shows at the first call on it.
    public func meeting(_ id: String) throws -> Meeting {
        Meeting(try raw.meeting(id: id), id: id, handbook: self)
    }

    /// The first screen: role, meeting at hand, what can be done now, what waits.
    public func home(_ language: Language = .vi) async throws -> HomeView {
        let raw = raw
        return try await io { try raw.home(language: language) }
    }

    /// Changes from now on, in batches: what the engine gathered within 50 ms.
    /// The first is `Change.start` alone. The stream ends with the handbook or its task, and each one has a subscription of its own.
    public func changeBatches() async throws -> AsyncStream<ChangeBatch> {
        let feed = try await feed()
        let rest = Rest()
        return AsyncStream { await rest.batch(of: feed) }
    }

    /// The same, one by one.
    public func changes() async throws -> AsyncStream<Change> {
        let feed = try await feed()
        let rest = Rest()
        return AsyncStream { await rest.change(of: feed) }
    }

    /// Calls a function with every batch, on one thread of the library, in order, until it is cancelled. The function may call
    /// the handbook. It should return quickly; when it throws eight times in a row it is dropped.
    public func subscribe(_ listener: @escaping @Sendable (ChangeBatch) throws -> Void) async throws -> Subscription {
        let raw = raw
        return try await io { Subscription(try raw.subscribe(listener: FunctionListener(listener))) }
    }

    /// A subscription that a stream reads.
    func feed() async throws -> Feed {
        let inbox = Inbox()
        inboxes.add(inbox)
        do {
            let subscription = try await subscribe(inbox.put)
            return Feed(inbox, subscription) { [inboxes] in inboxes.remove($0) }
        } catch {
            inboxes.remove(inbox)
            throw error
        }
    }

    /// Locks the profile now. Later calls fail with `locked`: ask for the PIN and open it anew. Streams of changes end.
    public func lock() async throws {
        let (raw, inboxes) = (raw, inboxes)
        try await io {
            try raw.lock()
            inboxes.close()
        }
    }

    /// Somebody uses the app: call it for every touch of the screen. Reading and syncing do not count.
    public func touch() throws {
        try raw.touch()
    }

    /// The app left the screen and the system gives it `budget` more; then connections close by themselves.
    public func enterBackground(budget: Duration) async throws {
        let raw = raw
        try await io { try raw.enterBackground(budgetMs: budget.milliseconds) }
    }

    /// The app must not use the network now.
    public func suspendNetwork() async throws {
        let raw = raw
        try await io { try raw.suspend() }
    }

    /// The app is in front again: followed relays are tried at once.
    public func resume() async throws {
        let raw = raw
        try await io { try raw.resume() }
    }

    /// The phone has another network: connections move to it, pauses end.
    public func networkChanged() async throws {
        let raw = raw
        try await io { try raw.networkChanged() }
    }

    /// The system is short of memory: open documents leave it and are read again when needed.
    public func lowMemory() async throws {
        let raw = raw
        try await io { try raw.lowMemory() }
    }

    /// For tests of apps: panics inside, so that one sees an error and not a crash. Nothing is lost by it.
    public func provokePanic(_ place: PanicPlace) async throws {
        let raw = raw
        try await io { try raw.provokePanic(place: place) }
    }

    /// Closes connections, finishes what was called, closes the database; a second call does nothing. Streams of changes end.
    public func shutdown() async throws {
        let (raw, inboxes) = (raw, inboxes)
        try await io {
            try raw.shutdown()
            inboxes.close()
        }
    }

    /// Streams that read changes now: for tests.
    var listening: Int { inboxes.count }
}

/// The inboxes of one handbook.
final class Inboxes: @unchecked Sendable {
    private let lock = NSLock()
    private var all: [ObjectIdentifier: Inbox] = [:]

    func add(_ inbox: Inbox) {
        lock.withLock { all[ObjectIdentifier(inbox)] = inbox }
    }

    func remove(_ inbox: Inbox) {
        lock.withLock { all[ObjectIdentifier(inbox)] = nil }
    }

    func close() {
        lock.withLock { Array(all.values) }.forEach { $0.close() }
    }

    var count: Int { lock.withLock { all.count } }
}

extension Duration {
    /// Whole milliseconds; 0 for what is less than nothing.
    var milliseconds: UInt64 {
        UInt64(max(0, components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000))
    }
}
