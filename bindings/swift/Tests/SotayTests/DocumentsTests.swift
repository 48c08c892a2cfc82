import Foundation
import XCTest

@testable import Sotay

/// The documents of this binding hold, and it is as quick as they say.
final class DocumentsTests: Stage {
    private func read(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    private func between(_ text: String, _ begin: String, _ end: String) throws -> String {
        let rest = text[try XCTUnwrap(text.range(of: begin)).upperBound...]
        return String(rest[..<(try XCTUnwrap(rest.range(of: end))).lowerBound])
    }

    func test_the_quick_start_runs_as_written() async throws {
        let place = try await quickStart(folder: place("p1"), relay: Relay.running.address)
        XCTAssertEqual(place, "Nhà văn hóa thôn")
        try runs(0, as: "QuickStart")
    }

    func test_the_example_of_the_library_runs_as_written() async throws {
        let book = try await secretary()
        let file = place("quy-che.txt")
        try "Điều 1. Biểu quyết\nBiểu quyết bằng giơ tay.\n".write(to: file, atomically: true, encoding: .utf8)
        let voice = Quiet()
        let (answers, reader) = try await libraryStart(book: book, file: file, voice: voice) { _, _, _ in }
        XCTAssertEqual(answers.quotes.map(\.quote), ["Biểu quyết bằng giơ tay."])
        XCTAssertEqual(try reader.view().state, .speaking)
        try runs(1, as: "LibraryStart")
    }

    /// An example of the guide, counted from 0, is what a file of these tests runs.
    private func runs(_ number: Int, as file: String) throws {
        let source = try between(try read("bindings/swift/Tests/SotayTests/\(file).swift"), "// begin\n", "    // end")
        let examples = try read("docs/EMBEDDING.md").components(separatedBy: "```swift\n")
        let document = try XCTUnwrap(examples[number + 1].components(separatedBy: "```").first)
        let lines = { (text: String) in text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) } }
        XCTAssertEqual(lines(document), lines(source), "the example in docs/EMBEDDING.md is the one that was run")
    }

    func test_the_list_of_behaviours_and_the_tests_name_the_same() throws {
        let words = { (text: String) in text.lowercased().filter { $0.isLetter || $0.isNumber } }
        let listed = try read("bindings/BEHAVIOURS.md").split(separator: "\n").filter { $0.first?.isNumber == true }
            .map { words(String($0[($0.range(of: ". ")!.upperBound)...].prefix { $0 != "(" })) }
        var here: [String] = []
        for file in ["Profiles", "Meetings", "Sync", "Records", "Library", "People", "Units"] {
            let source = try read("bindings/swift/Tests/SotayTests/\(file)Tests.swift")
            for line in source.split(separator: "\n") where line.hasPrefix("    func test_") {
                here.append(words(String(line.dropFirst(14).prefix { $0 != "(" })))
            }
        }
        XCTAssertGreaterThanOrEqual(listed.count, 25)
        XCTAssertEqual(Set(listed).subtracting(here), [], "listed and not tested")
        XCTAssertEqual(Set(here).subtracting(listed), [], "tested and not listed")
    }

    func test_a_view_of_a_full_meeting_is_read_over_the_bridge_as_one_record() async throws {
        let book = try await secretary()
        let members = try await book.branch.addMembers((0..<59).map { .plain("Đảng viên \($0)") }, since: since)
        let meeting = try await begin(book)
        try await meeting.apply(.step(step: .opened), mark(members, .present))
        for number in 0..<12 { try await meeting.apply(speech(book, "Ý kiến thứ \(number): nhất trí với dự thảo nghị quyết.")) }
        for number in 0..<4 {
            try await meeting.apply(.addConclusion(text: "Kết luận \(number)", responsible: Array(members.prefix(3))))
        }
        let view = try await meeting.view()
        XCTAssertEqual([view.attendance.count, view.speeches.count, view.conclusions.count], [60, 12, 4])
        var times: [Duration] = []
        for _ in 0..<50 {
            let began = ContinuousClock.now
            let again = try await meeting.view()
            times.append(ContinuousClock.now - began)
            XCTAssertEqual(again, view)
        }
        print("bench: a view of 60 members, 12 speeches, 4 conclusions: median \(times.sorted()[25]), debug build")
    }

    func test_an_observed_meeting_shows_what_is_written() async throws {
        #if canImport(Observation)
            guard #available(iOS 17, macOS 14, *) else { throw XCTSkip("no Observation") }
            let book = try await secretary()
            let meeting = try await begin(book)
            let observed = await ObservedMeeting(meeting)
            let following = Task { await observed.follow() }
            while await observed.view == nil { await Task.yield() }
            try await meeting.apply(speech(book, "một"))
            while await observed.view?.speeches.count != 1 { await Task.yield() }
            try await book.shutdown()
            await following.value
            let failure = await observed.failure
            XCTAssertNil(failure)
        #endif
    }
}

/// A voice that nobody hears.
private final class Quiet: SpeechOutput {
    func speak(utterance: Utterance) throws {}
    func stop() throws {}
}
