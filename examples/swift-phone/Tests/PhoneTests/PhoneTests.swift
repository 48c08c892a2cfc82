import Foundation
import PhoneModels
import XCTest

/// Screens show what happens, and say what goes wrong.
final class PhoneTests: XCTestCase {
    private func phone<T: Sendable>(_ body: @MainActor @Sendable (Handbook) async throws -> T) async throws -> T {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("phone-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let handbook = try await Handbook.create(folder, label: "P1")
        let result = try await body(handbook)
        try await handbook.shutdown()
        return result
    }

    func test_a_phone_spoken_to_in_lines_holds_a_meeting() async throws {
        try await phone { handbook in
            let phone = Phone(handbook)
            func well(_ line: String) async -> [String] {
                let answer = await phone.answer(line)
                XCTAssertEqual(answer.last, "ok", "\(line): \(answer)")
                return answer.dropLast()
            }
            _ = await well("found Chi bộ thôn An Lạc | Đảng bộ xã Đông Phong | Nguyễn Văn Bình | 2025-01-01")
            let members = await well("members 2025-01-01 | Trần Thị Hoa; Lê Văn Tư")
            XCTAssertEqual(members.count, 3)
            _ = await well("begin 2025-05 | 2025-05-20")
            for line in [
                "place Nhà văn hóa thôn", "open", "mark present | 1-2", "mark excused | 3 | ốm", "speech 2 | Nhất trí.",
                "conclusion Giao đồng chí Hoa. | 2025-06-15 | 2 3", "close",
            ] { _ = await well(line) }
            let view = await well("view")
            XCTAssertEqual(
                view,
                [
                    "2025-05 · Nhà văn hóa thôn · CLOSED", "attendance: 2/1/0/0 of 3", "speeches: 1, conclusions: 1, blocked: false",
                ])
            let minutes = await well("minutes")
            XCTAssertTrue(minutes.contains { $0.contains("Giao đồng chí Hoa.") })
            let hash = await well("sha256")
            XCTAssertEqual(hash[0].count, 64)
            let review = await well("review")
            XCTAssertEqual(review, [])
            let home = await well("home")
            XCTAssertTrue(home[0].hasPrefix("Chi bộ thôn An Lạc"))
        }
    }

    func test_a_phone_spoken_to_in_lines_publishes_searches_reads_and_listens() async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("quy-che-\(UUID().uuidString).txt")
        try "Điều 1. Họp\nChi bộ họp lúc 19h30.\nĐiều 2. Biểu quyết\nBiểu quyết bằng giơ tay.\n"
            .write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        try await phone { handbook in
            let phone = Phone(handbook)
            for (line, wanted) in [
                ("publish \(file.path) | 02-QC/CB | 2023-01-08 | Quy chế | Chi bộ | Quy chế làm việc", ["sections: 2, paragraphs: 2"]),
                ("ask biểu quyết bằng hình thức nào", ["“Biểu quyết bằng giơ tay.” (Điều 2, 02-QC/CB, 2023-01-08)"]),
                ("read 1", ["Điều 1. Họp", "Chi bộ họp lúc 19h30.", "read: 50%"]),
                ("speak 1", ["Điều hai. Biểu quyết", "Biểu quyết bằng giơ tay."]),
                ("library", ["1. 02-QC/CB · 2023-01-08 · Quy chế làm việc · 100%"]),
                ("share 1", []),
            ] {
                if line.hasPrefix("publish") {
                    _ = await phone.answer("found Chi bộ thôn An Lạc | Đảng bộ xã Đông Phong | Nguyễn Văn Bình | 2025-01-01")
                }
                let answer = await phone.answer(line)
                XCTAssertEqual(answer, wanted + ["ok"], line)
            }
            let hits = await phone.answer("search bieu quyet")
            XCTAssertTrue(hits.count == 2 && hits[0].hasPrefix("02-QC/CB · Điều 2 · "), "\(hits)")
            let missing = await phone.answer("read 2")
            XCTAssertTrue(missing[0].hasPrefix("error no document 2"))
        }
    }

    func test_the_reading_screen_begins_where_one_stopped_and_shows_the_sentence_that_is_heard() async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("quy-che-\(UUID().uuidString).txt")
        try "Điều 1. Họp\nChi bộ họp.\nĐiều 2. Biểu quyết\nBằng giơ tay.\n".write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        try await phone { handbook in
            try await handbook.branch.create(name: "Chi bộ", upper: "Đảng bộ", founder: "Bình", since: "2025-01-01")
            let published = try await handbook.library.publish(
                file, code: "02-QC/CB", date: "2023-01-08", kind: "Quy chế", issuer: "Chi bộ", title: "Quy chế")
            let library = LibraryModel(handbook)
            let tooLong = await library.search(String(repeating: "a", count: 10_001))
            XCTAssertNil(tooLong)
            XCTAssertNotNil(library.screen.notice)
            let reading = ReadingModel(handbook, document: published.id)
            try await reading.screen.refresh()
            XCTAssertEqual(reading.screen.content?.section.place.label, "Điều 1")
            await reading.turn(1, seconds: 30)
            await reading.share(.done)
            let again = ReadingModel(handbook, document: published.id)
            try await again.screen.refresh()
            let content = try XCTUnwrap(again.screen.content)
            XCTAssertEqual(content.section.place.label, "Điều 2")
            XCTAssertEqual(content.told, .done)
            XCTAssertEqual(content.entry.reading.seconds, 30)
            let voice = Silent()
            let states = await reading.listen(voice)
            XCTAssertNotNil(states)
            let heard = try XCTUnwrap(try reading.finished(1)?.heard)
            let units = Array(content.section.text.utf16)[Int(heard.begin)..<Int(heard.end)]
            XCTAssertEqual(String(decoding: units, as: UTF16.self), "Bằng giơ tay.")
            await reading.rest()
            await reading.finish()
            XCTAssertEqual(reading.screen.content?.entry.reading.finished, true)
        }
    }

    func test_lines_that_make_no_sense_are_answered_with_what_is_wrong() async throws {
        try await phone { handbook in
            let phone = Phone(handbook)
            for (line, wanted) in [("dance", "error no such command"), ("view", "error no meeting yet"), ("found x", "error found UNIT"), ("home", "error ")] {
                let answer = await phone.answer(line)
                XCTAssertTrue(answer.count == 1 && answer[0].hasPrefix(wanted), "\(answer)")
            }
        }
    }

    func test_the_home_screen_shows_a_unit_as_soon_as_there_is_one_and_the_meeting_that_is_not_closed() async throws {
        try await phone { handbook in
            let home = HomeModel(handbook)
            let following = Task { await home.screen.follow() }
            while home.screen.notice == nil { await Task.yield() }
            XCTAssertEqual(home.screen.notice?.next, .changeInput)
            try await handbook.branch.create(name: "Chi bộ", upper: "Đảng bộ", founder: "Bình", since: "2025-01-01")
            while home.screen.content?.card.name != "Chi bộ" { await Task.yield() }
            let begun = await home.begin(month: "2025-05", day: "2025-05-20")
            let id = try XCTUnwrap(begun)
            while home.screen.content?.current?.id != id { await Task.yield() }
            let meeting = try MeetingModel(handbook, id: id)
            await meeting.step(.opened)
            await meeting.step(.closed)
            while home.screen.content?.current != nil { await Task.yield() }
            XCTAssertEqual(home.screen.content?.meetings.count, 1)
            following.cancel()
            await following.value
        }
    }

    func test_what_a_person_does_wrong_is_a_notice_that_goes_with_the_next_thing_done_well() async throws {
        try await phone { handbook in
            try await handbook.branch.create(name: "Chi bộ", upper: "Đảng bộ", founder: "Bình", since: "2025-01-01")
            let me = try await handbook.branch.card().member
            let begun = await HomeModel(handbook).begin(month: "2025-05", day: "2025-05-20")
            let meeting = try MeetingModel(handbook, id: try XCTUnwrap(begun))
            let tooLong = await meeting.speech(me, String(repeating: "ế", count: 100_000))
            XCTAssertFalse(tooLong)
            XCTAssertNotNil(meeting.screen.notice)
            let fits = await meeting.speech(me, "Nhất trí.")
            XCTAssertTrue(fits)
            XCTAssertNil(meeting.screen.notice)
            try await meeting.screen.refresh()
            XCTAssertEqual(meeting.screen.content?.view.speeches.map(\.text), ["Nhất trí."])
        }
    }

    func test_feedback_waits_until_it_is_sent_and_can_be_taken_back() async throws {
        try await phone { handbook in
            try await handbook.branch.create(name: "Chi bộ", upper: "Đảng bộ", founder: "Bình", since: "2025-01-01")
            let phone = Phone(handbook)
            let written = await phone.answer("feedback nameless | Sinh hoạt | Họp quá dài.")
            XCTAssertEqual(written, ["own: Sinh hoạt · waiting · 0", "ok"])
            let model = FeedbackModel(handbook)
            try await model.screen.refresh()
            let item = try XCTUnwrap(model.screen.content?.own.first)
            let answered = await model.answer("no id", text: "Sẽ họp gọn.", public: true)
            XCTAssertFalse(answered)
            XCTAssertNotNil(model.screen.notice)
            let taken = await model.withdraw(item.id)
            XCTAssertTrue(taken)
            XCTAssertNil(model.screen.notice)
            let left = await phone.answer("feedback")
            XCTAssertEqual(left, ["own: Sinh hoạt · withdrawn · 0", "ok"])
        }
    }
}

/// A voice that nobody hears.
private final class Silent: SpeechOutput {
    func speak(utterance: Utterance) throws {}
    func stop() throws {}
}
