import Foundation
import XCTest

@testable import Sotay

let month = "2025-05"
let day = "2025-05-20"
let since = "2025-01-01"

/// How long a test waits for what must come.
let long = Duration.seconds(60)

/// The checkout.
let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

/// A real relay process; one for all tests, ended with this process.
final class Relay: @unchecked Sendable {
    static let running = Relay()
    private let process = Process()
    private let key: String
    let address: String

    private init() {
        let environment = ProcessInfo.processInfo.environment
        let library = environment["SOTAY_LIBRARY_DIR"] ?? root.appendingPathComponent("target/debug").path
        let data = FileManager.default.temporaryDirectory.appendingPathComponent("sotay-relay-\(UUID().uuidString)")
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: environment["SOTAY_RELAY"] ?? library + "/sotay-relay")
        process.arguments = ["serve", "--data", data.path, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--json"]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        do { try process.run() } catch { fatalError("the relay did not start; build it with cargo build -p sotay-relay: \(error)") }
        var line = Data()
        while line.last != UInt8(ascii: "\n"), case let byte = output.fileHandleForReading.readData(ofLength: 1), !byte.isEmpty {
            line += byte
        }
        let said = (try? JSONSerialization.jsonObject(with: line)) as? [String: Any]
        guard let key = said?["key"] as? String, let listen = said?["listen"] as? String else { fatalError("the relay said nothing") }
        (self.key, address) = (key, "\(listen)#\(key)")
        Relay.ends(process.processIdentifier)
    }

    nonisolated(unsafe) private static var pid: pid_t = 0

    private static func ends(_ started: pid_t) {
        pid = started
        atexit { kill(Relay.pid, SIGTERM) }
    }

    /// An address at which nobody ever answers: a bound socket that nobody reads, open for the rest of the run.
    func silent() -> String {
        #if os(Linux)
            let socket = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        #else
            let socket = socket(AF_INET, SOCK_DGRAM, 0)
        #endif
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                precondition(bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0)
            }
        }
        return "127.0.0.1:\(UInt16(bigEndian: address.sin_port))#\(key)"
    }
}

/// Phones in fresh folders, shut down at the end of a test.
class Stage: XCTestCase {
    private(set) var folder = FileManager.default.temporaryDirectory
    private var books: [Handbook] = []

    override func setUp() async throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("sotay-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    override func tearDown() async throws {
        for book in books { try await book.shutdown() }
        books = []
        try FileManager.default.removeItem(at: folder)
    }

    func place(_ name: String) -> URL { folder.appendingPathComponent(name) }

    func phone(_ label: String = "P1", platform: Platform = Platform()) async throws -> Handbook {
        let book = try await Handbook.create(place("\(books.count)-\(label)"), label: label, platform: platform)
        books.append(book)
        return book
    }

    func secretary() async throws -> Handbook { try await found(phone("P3")) }

    /// Secretary and deputy, each with a phone.
    func pair() async throws -> (Handbook, Handbook) {
        let secretary = try await secretary()
        let deputy = try await phone("P5")
        try await join(secretary, deputy, rank: 3)
        return (secretary, deputy)
    }
}

func found(_ book: Handbook) async throws -> Handbook {
    try await book.branch.create(
        name: "Chi bộ thôn An Lạc", upper: "Đảng bộ xã Đông Phong", founder: "Nguyễn Văn Bình", since: since)
    return book
}

/// Puts a member on the roster and admits a phone; gives the member's id.
@discardableResult
func join(_ secretary: Handbook, _ book: Handbook, name: String = "Trần Thị Hoa", rank: UInt8 = 4) async throws -> String {
    let member = try await secretary.branch.addMembers([.plain(name)], since: since)[0]
    let request = try await book.branch.joinRequest()
    try await book.branch.accept(secretary.branch.admit(request: request.text, member: member, rank: rank))
    return member
}

/// The meeting of May 2025.
func begin(_ book: Handbook) async throws -> Meeting {
    try book.meeting(try await book.branch.newMeeting(.regular, month: month, date: day))
}

func me(_ book: Handbook) async throws -> String { try await book.branch.card().member }

func speech(_ book: Handbook, _ text: String) async throws -> MeetingCommand {
    .addSpeech(speaker: .member(id: try await me(book)), text: text)
}

func mark(_ members: [String], _ state: AttendanceState, _ reason: String? = nil) -> MeetingCommand {
    .mark(members: members, state: state, how: .rollCall, reason: reason)
}

/// The error that a call must throw.
func thrown(file: StaticString = #filePath, line: UInt = #line, _ call: () async throws -> Any) async -> HandbookError? {
    do {
        _ = try await call()
        XCTFail("nothing was thrown", file: file, line: line)
    } catch let error as HandbookError {
        return error
    } catch {
        XCTFail("another error: \(error)", file: file, line: line)
    }
    return nil
}

/// Reads changes until one fits; fails when the stream ends or nothing fits in time.
func until(_ changes: inout AsyncStream<Change>.Iterator, _ fits: (Change) -> Bool) async throws {
    while let change = await changes.next() {
        if fits(change) { return }
    }
    throw Ended()
}

struct Ended: Error {}

/// A value that somebody waits for.
final class Promise<T: Sendable>: Sendable {
    private let stream: AsyncStream<T>
    private let continuation: AsyncStream<T>.Continuation

    init() {
        (stream, continuation) = AsyncStream.makeStream(of: T.self)
    }

    func give(_ value: T) { continuation.yield(value) }

    func value() async throws -> T {
        let stream = stream
        return try await withThrowingTaskGroup(of: T.self) { group in
            group.addTask {
                for await value in stream { return value }
                throw Ended()
            }
            group.addTask {
                try await Task.sleep(for: long)
                throw Ended()
            }
            defer { group.cancelAll() }
            return try await group.next()!
        }
    }
}

/// A value that threads share.
final class Shared<T>: @unchecked Sendable {
    private let lock = NSLock()
    private var value: T

    init(_ value: T) { self.value = value }

    @discardableResult
    func with<R>(_ body: (inout T) throws -> R) rethrows -> R { try lock.withLock { try body(&value) } }
}
