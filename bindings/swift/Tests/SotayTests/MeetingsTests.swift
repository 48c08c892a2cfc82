import Foundation
import XCTest

@testable import Sotay

/// Enrolment and a meeting, with no network.
final class MeetingsTests: Stage {
    func test_founding_a_unit_makes_this_phone_the_secretarys() async throws {
        let book = try await secretary()
        let card = try await book.branch.card()
        XCTAssertEqual([card.name, card.upper, card.memberName], ["Chi bộ thôn An Lạc", "Đảng bộ xã Đông Phong", "Nguyễn Văn Bình"])
        XCTAssertEqual(card.rank, 2)
        let told = await thrown { try await book.branch.create(name: "x", upper: "y", founder: "z") }
        XCTAssertEqual(told?.code, "already_in_unit")
    }

    func test_a_phone_without_a_unit_says_so() async throws {
        let book = try await phone()
        let told = await thrown { try await book.branch.card() }
        XCTAssertEqual(told?.code, "no_unit")
    }

    func test_a_second_phone_joins_by_text_and_both_show_the_same_code() async throws {
        let secretary = try await secretary()
        let other = try await phone("P5")
        let request = try await other.branch.joinRequest()
        let read = try await secretary.branch.readRequest(request.text)
        XCTAssertEqual(read.checkCode, request.checkCode)
        let member = try await join(secretary, other)
        let own = try await me(other)
        XCTAssertEqual(own, member)
        let phones = try await other.branch.members(on: day).map { [$0.name ?? ""] + $0.devices.map(\.label) }
        XCTAssertEqual(Set(phones), [["Nguyễn Văn Bình", "P3"], ["Trần Thị Hoa", "P5"]])
    }

    func test_an_invitation_for_another_phone_is_refused() async throws {
        let secretary = try await secretary()
        let member = try await secretary.branch.addMembers([.plain("Lê Văn Tư")], since: day)[0]
        let request = try await phone("P7").branch.joinRequest()
        let invitation = try await secretary.branch.admit(request: request.text, member: member)
        let other = try await phone("P8")
        let told = await thrown { try await other.branch.accept(invitation) }
        XCTAssertEqual(told?.code, "other_phone")
    }

    func test_damaged_and_foreign_texts_are_told_apart() async throws {
        let secretary = try await secretary()
        let request = try await phone().branch.joinRequest().text
        for (text, code) in [("hello", "other_text"), (String(request.dropLast(8)), "damaged_text")] {
            let told = await thrown { try await secretary.branch.readRequest(text) }
            XCTAssertEqual(told?.code, code)
        }
    }

    func test_a_member_may_not_do_what_officers_do() async throws {
        let secretary = try await secretary()
        let member = try await phone("P9")
        try await join(secretary, member)
        let told = await thrown { try await member.branch.addMembers([.plain("Ai đó")], since: day) }
        guard case .NotAllowed? = told else { return XCTFail("\(String(describing: told))") }
        XCTAssertEqual(told?.nextAction, .askOfficer)
    }

    func test_a_lost_phone_is_set_aside_and_removed() async throws {
        let (secretary, deputy) = try await pair()
        func states() async throws -> [String: PhoneState] {
            Dictionary(uniqueKeysWithValues: try await secretary.branch.phones().map { ($0.device, $0.state) })
        }
        var now = try await states()
        XCTAssertEqual([now[secretary.device], now[deputy.device]], [.active, .active])
        try await secretary.branch.suspendPhone(deputy.device, why: .lost)
        now = try await states()
        XCTAssertEqual(now[deputy.device], .suspended)
        try await secretary.branch.liftPhone(deputy.device)
        now = try await states()
        XCTAssertEqual(now[deputy.device], .active)
        let change = try await secretary.branch.removePhone(deputy.device, why: .lost)
        XCTAssertEqual(change.devices, [deputy.device])
        XCTAssertTrue(change.rekeyed.contains(.main))
        now = try await states()
        XCTAssertEqual([now[secretary.device], now[deputy.device]], [.active, .revoked])
        let told = await thrown { try await secretary.branch.suspendPhone(secretary.device, why: .lost) }
        XCTAssertEqual(told?.code, "own_phone")
    }

    func test_a_meeting_is_held_offline_from_attendance_to_minutes() async throws {
        let book = try await secretary()
        let others = try await book.branch.addMembers(["Trần Thị Hoa", "Lê Văn Tư"].map(NewMember.plain), since: since)
        let meeting = try await begin(book)
        let chair = try await me(book)
        try await meeting.apply(
            .setPlace(text: "Nhà văn hóa thôn"),
            .setChair(member: chair),
            .setClerk(member: others[0]),
            .setStart(at: "2025-05-20T19:30"),
            .step(step: .opened),
            mark([chair, others[0]], .present),
            mark([others[1]], .excused, "ốm"))
        let agenda = try await meeting.apply(.addAgenda(title: "Nghị quyết tháng 6"))[0]
        let motion = try await meeting.apply(
            .addSpeech(speaker: .member(id: others[0]), text: "Nhất trí.", agenda: agenda),
            .addMotion(text: "Thông qua nghị quyết", method: .hands, need: .majority, agenda: agenda))[1]!
        try await meeting.apply(
            .openVote(id: motion),
            .recordTally(motion: motion, counts: Tally(inFavour: 2, against: 0, other: 0), board: []),
            .addConclusion(text: "Giao đồng chí Hoa.", agenda: agenda, deadline: "2025-06-15", responsible: [others[0]]),
            .step(step: .closed))
        let view = try await meeting.view()
        XCTAssertEqual([view.place, view.date], ["Nhà văn hóa thôn", day])
        XCTAssertEqual(view.phase, .closed)
        XCTAssertEqual([view.counts.total, view.counts.present, view.counts.excused], [3, 2, 1])
        XCTAssertEqual(view.speeches[0].speaker?.name, "Trần Thị Hoa")
        XCTAssertEqual(view.motions[0].tallies[0].counts.inFavour, 2)
        XCTAssertEqual(view.conclusions[0].deadline, "2025-06-15")
        XCTAssertEqual(view.conclusions[0].responsible[0].name, "Trần Thị Hoa")
        let minutes = try await meeting.minutes()
        XCTAssertTrue(minutes.text.contains("Nhà văn hóa thôn"))
        XCTAssertEqual(minutes.sha256.count, 64)
        let heading = try await book.branch.meetings()[0]
        XCTAssertEqual(heading.id, meeting.id)
        XCTAssertEqual(heading.phase, .closed)
    }

    func test_commands_of_one_call_happen_all_or_not_at_all() async throws {
        let book = try await secretary()
        let meeting = try await begin(book)
        let first = try await speech(book, "không được ghi")
        let told = await thrown {
            try await meeting.apply(first, .editSpeech(id: String(repeating: "00", count: 16), text: "x"))
        }
        XCTAssertEqual(told?.code, "unknown")
        let speeches = try await meeting.view().speeches
        XCTAssertEqual(speeches, [])
    }

    func test_a_speech_of_100000_characters_is_refused_and_loses_nothing() async throws {
        let book = try await secretary()
        let meeting = try await begin(book)
        try await meeting.apply(speech(book, "đã ghi"))
        let told = await thrown { try await meeting.apply(speech(book, String(repeating: "ế", count: 100_000))) }
        XCTAssertEqual(told?.code, "text_too_long")
        XCTAssertTrue(told!.text(.en).contains("100000"))
        let texts = try await meeting.view().speeches.map(\.text)
        XCTAssertEqual(texts, ["đã ghi"])
        try await meeting.apply(speech(book, String(repeating: "ế", count: 8_000)))
    }

    func test_text_typed_in_nfd_is_kept_in_nfc() async throws {
        let book = try await secretary()
        let meeting = try await begin(book)
        let composed = "Tiếng Việt ở thôn Đoài"
        try await meeting.apply(speech(book, composed.decomposedStringWithCanonicalMapping))
        let text = try await meeting.view().speeches[0].text
        // Swift compares texts by meaning; what counts here is how it is kept.
        XCTAssertEqual(Array(text.unicodeScalars), Array(composed.precomposedStringWithCanonicalMapping.unicodeScalars))
    }

    func test_a_vote_that_is_open_keeps_its_text() async throws {
        let book = try await secretary()
        let meeting = try await begin(book)
        try await meeting.apply(.step(step: .opened), mark([me(book)], .present))
        let motion = try await meeting.apply(.addMotion(text: "A", method: .hands, need: .majority))[0]!
        try await meeting.apply(.openVote(id: motion))
        let told = await thrown { try await meeting.apply(.editMotion(id: motion, text: "B")) }
        XCTAssertEqual(told?.code, "vote_open")
    }

    func test_the_history_of_a_meeting_names_the_phone_and_the_part() async throws {
        let book = try await secretary()
        let meeting = try await begin(book)
        try await meeting.apply(speech(book, "một"))
        let last = try await meeting.history().last
        XCTAssertEqual(last?.mark.label, "P3")
        XCTAssertTrue(last!.what.contains { if case .document(_, .speech, _) = $0 { true } else { false } })
    }
}
