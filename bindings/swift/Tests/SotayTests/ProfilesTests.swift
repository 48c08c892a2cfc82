import Foundation
import XCTest

@testable import Sotay

/// A vault that does as it is told: XOR, or an error.
final class TestVault: KeyVault, @unchecked Sendable {
    var refusal: (any Error)?
    var labels: Set<String> = []

    private func answer(_ label: String, _ data: Data) throws -> Data {
        if let refusal { throw refusal }
        labels.insert(label)
        return Data(data.map { $0 ^ 0x5A })
    }

    func level() -> VaultLevel { .software }
    func wrap(label: String, secret: Data) throws -> Data { try answer(label, secret) }
    func unwrap(label: String, wrapped: Data) throws -> Data { try answer(label, wrapped) }
    func destroy(label: String) { labels.remove(label) }
}

/// Opening, making, closing profiles; vaults; panics.
final class ProfilesTests: Stage {
    struct Undeclared: Error {}

    func test_opening_a_profile_that_is_not_there_is_told() async throws {
        let told = await thrown { try await Handbook.open(place("nothing")) }
        XCTAssertEqual(told?.code, "no_profile")
    }

    func test_making_a_profile_where_one_is_is_refused() async throws {
        try await Handbook.create(place("p"), label: "P1").shutdown()
        let told = await thrown { try await Handbook.create(place("p"), label: "P1") }
        XCTAssertEqual(told?.code, "profile_exists")
    }

    func test_a_profile_is_the_same_after_it_was_closed_and_opened_again() async throws {
        let book = try await found(Handbook.create(place("p"), label: "P1"))
        try await begin(book).apply(speech(book, "Đồng ý với dự thảo."))
        try await book.shutdown()
        let again = try await Handbook.open(place("p"))
        XCTAssertEqual(again.device, book.device)
        let meeting = try again.meeting(try await again.branch.meetings()[0].id)
        let view = try await meeting.view()
        XCTAssertEqual(view.speeches.map(\.text), ["Đồng ý với dự thảo."])
        try await again.shutdown()
    }

    func test_a_folder_that_cannot_be_made_is_told() async throws {
        try Data("in the way".utf8).write(to: place("file"))
        let told = await thrown { try await Handbook.create(place("file/p"), label: "P1") }
        guard case .Storage? = told else { return XCTFail("\(String(describing: told))") }
        XCTAssertEqual(told?.code, "folder")
        XCTAssertEqual(told?.nextAction, .changeInput)
    }

    func test_one_profile_cannot_be_opened_twice() async throws {
        let book = try await Handbook.create(place("p"), label: "P1")
        let told = await thrown { try await Handbook.open(place("p")) }
        XCTAssertEqual(told?.code, "profile_in_use")
        try await book.shutdown()
        try await Handbook.open(place("p")).shutdown()
    }

    func test_two_profiles_at_once_do_not_disturb_each_other() async throws {
        let one = try await found(phone("A"))
        let two = try await found(phone("B"))
        try await begin(one).apply(speech(one, "một"))
        let meetings = try await two.branch.meetings()
        XCTAssertEqual(meetings, [])
        XCTAssertNotEqual(one.device, two.device)
        try await one.shutdown()
        let label = try await two.branch.card().label
        XCTAssertEqual(label, "B")
    }

    func test_shutting_down_twice_is_fine_and_every_later_call_says_closed() async throws {
        let book = try await secretary()
        let meeting = try await begin(book)
        try await book.shutdown()
        try await book.shutdown()
        let calls: [() async throws -> Any] = [
            { try await meeting.view() },
            { try await book.branch.card() },
            { try await book.changes() },
            { try await book.sync.pending() },
            { try await book.lowMemory() },
        ]
        for call in calls {
            let told = await thrown(call)
            XCTAssertEqual(told?.code, "stopped")
        }
    }

    func test_a_profile_made_with_a_vault_opens_with_it_only() async throws {
        let vault = TestVault()
        let book = try await found(Handbook.create(place("p"), label: "P1", platform: Platform(vault: vault)))
        try await book.shutdown()
        XCTAssertEqual(vault.labels.count, 3, "device keys, the founding authority's, the database's")
        let told = await thrown { try await Handbook.open(place("p")) }
        XCTAssertEqual(told?.code, "vault_missing")
        let again = try await Handbook.open(place("p"), platform: Platform(vault: vault))
        XCTAssertEqual(again.device, book.device)
        try await again.shutdown()
    }

    func test_a_vault_that_does_not_give_the_keys_is_told_with_what_to_do() async throws {
        let vault = TestVault()
        try await Handbook.create(place("p"), label: "P1", platform: Platform(vault: vault)).shutdown()
        let cases: [(any Error, String, NextAction)] = [
            (VaultRefusal.Locked, "vault_locked", .retryLater),
            (VaultRefusal.Gone, "vault_key_gone", .enrolAgain),
            (VaultRefusal.Forged, "vault_forged", .enrolAgain),
            (VaultRefusal.Refused, "vault_failed", .retryLater),
            (Undeclared(), "vault_failed", .retryLater),
        ]
        for (refusal, code, action) in cases {
            vault.refusal = refusal
            let told = await thrown { try await Handbook.open(place("p"), platform: Platform(vault: vault)) }
            guard case .Vault? = told else { return XCTFail("\(String(describing: told))") }
            XCTAssertEqual(told?.code, code)
            XCTAssertEqual(told?.nextAction, action)
            vault.refusal = nil
            try await Handbook.open(place("p"), platform: Platform(vault: vault)).shutdown()
        }
    }

    func test_a_vault_that_refuses_at_creation_leaves_no_profile_behind() async throws {
        let vault = TestVault()
        vault.refusal = VaultRefusal.Locked
        let told = await thrown { try await Handbook.create(place("p"), label: "P1", platform: Platform(vault: vault)) }
        XCTAssertEqual(told?.code, "vault_locked")
        vault.refusal = nil
        try await Handbook.create(place("p"), label: "P1", platform: Platform(vault: vault)).shutdown()
    }

    func test_the_vault_of_a_passphrase_opens_with_the_same_passphrase_only() async throws {
        let file = place("vault")
        let vault = try await passphraseVault(file, passphrase: "bốn chữ dễ nhớ")
        try await Handbook.create(place("p"), label: "P1", platform: Platform(vault: vault)).shutdown()
        let told = await thrown { try await passphraseVault(file, passphrase: "sai") }
        guard case .Vault? = told else { return XCTFail("\(String(describing: told))") }
        let again = try await passphraseVault(file, passphrase: "bốn chữ dễ nhớ")
        try await Handbook.open(place("p"), platform: Platform(vault: again)).shutdown()
    }

    func test_a_panic_inside_becomes_an_exception_and_the_handbook_goes_on() async throws {
        let book = try await secretary()
        let meeting = try await begin(book)
        for (number, place) in [PanicPlace.bridge, .worker].enumerated() {
            let told = await thrown { try await book.provokePanic(place) }
            guard case .Internal? = told else { return XCTFail("\(String(describing: told))") }
            XCTAssertEqual(told?.nextAction, .report)
            try await meeting.apply(speech(book, "vẫn ghi được"))
            let count = try await meeting.view().speeches.count
            XCTAssertEqual(count, number + 1)
        }
    }

    func test_calls_from_many_threads_at_once_all_succeed() async throws {
        let book = try await secretary()
        let meeting = try await begin(book)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask { try await meeting.apply(speech(book, "ý kiến \(number)")) }
            }
            try await group.waitForAll()
        }
        let count = try await meeting.view().speeches.count
        XCTAssertEqual(count, 8)
    }

    func test_low_memory_loses_nothing() async throws {
        let book = try await secretary()
        let meeting = try await begin(book)
        try await meeting.apply(speech(book, "còn nguyên"))
        let before = try await meeting.minutes()
        try await book.lowMemory()
        let after = try await meeting.minutes()
        XCTAssertEqual(before, after)
    }

    func test_errors_have_texts_in_both_languages_and_a_next_action() async throws {
        let book = try await secretary()
        let told = await thrown { try await book.meeting(String(repeating: "00", count: 16)).view() }
        let error = try XCTUnwrap(told)
        XCTAssertEqual(error.code, "no_meeting")
        XCTAssertEqual(error.text(), "Không có cuộc họp này. Sửa lại rồi thử lại.")
        XCTAssertEqual(error.text(.en), "There is no such meeting. Correct it and try again.")
        XCTAssertEqual("\(error)", "There is no such meeting. [no_meeting]")
        XCTAssertEqual(error.localizedDescription, "Không có cuộc họp này.")
    }

    func test_ids_and_days_that_are_malformed_are_told_by_name() async throws {
        let book = try await secretary()
        let meeting = try await begin(book)
        let calls: [(String, () async throws -> Any)] = [
            ("meeting", { try book.meeting("not an id") }),
            ("on", { try await book.branch.members(on: "30/02/2025") }),
            ("since", { try await book.branch.addMembers([.plain("X")], since: "2025-02-30") }),
            ("date", { try await meeting.apply(.setDate(date: "today")) }),
        ]
        for (name, call) in calls {
            let told = await thrown(call)
            XCTAssertEqual(told?.code, "malformed")
            XCTAssertTrue("\(told!)".contains("\"\(name)\""), "\(told!)")
        }
    }
}
