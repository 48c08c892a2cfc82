import Foundation
import XCTest

@testable import Sotay

private let year: Int32 = 2025
private let passphrase = "hoa mai vang no som"

/// Codes to scan, personal data, guests, relays that are named, and the levels.
final class PeopleTests: Stage {
    private func member(_ book: Handbook, _ name: String = "Trần Thị Hoa") async throws -> String {
        try await book.branch.addMembers([.plain(name)], since: since)[0]
    }

    private func meet(_ books: Handbook...) async throws {
        for book in books { try await book.sync.once(Relay.running.address) }
    }

    /// A commune, and the secretary of a branch below it with the branch's id.
    private func levels(_ body: (Handbook, Handbook, String) async throws -> Void) async throws {
        let upper = try await phone("X1")
        try await upper.branch.create(name: "Đảng bộ xã Đông Phong", upper: "Đảng bộ tỉnh", founder: "Lê Văn Cường", since: since)
        let founded = try await upper.branch.foundBranches([NewBranch(name: "Chi bộ thôn An Lạc", secretary: "Nguyễn Văn Bình")])[0]
        let pack = founded.packs[0]
        let book = try await Handbook.createFromPack(place("branch"), label: "P3", pack: pack.text, code: pack.code)
        try await body(upper, book, founded.unit)
        try await book.shutdown()
    }

    func test_a_phone_joins_by_two_scanned_codes_and_a_file_of_welcome() async throws {
        let secretary = try await secretary()
        let hoa = try await member(secretary)
        let book = try await phone("P5")
        let shown = try await book.branch.enrolment.request()
        let read = try await secretary.branch.readRequest(shown.text.lowercased())
        XCTAssertEqual(read.checkCode, shown.checkCode)
        let ticket = try await secretary.branch.enrolment.admit(request: shown.text, member: hoa, rank: 3)
        XCTAssertTrue(Set(ticket.code).isSubset(of: Set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-:")))
        let scanned = try await book.branch.enrolment.scan(ticket.code)
        XCTAssertEqual([scanned.shown.hall, scanned.letter == nil, scanned.checkCode == nil], [false, true, true])
        let waiting = try await book.branch.enrolment.waiting()
        XCTAssertEqual(waiting, scanned.shown)
        try await book.branch.enrolment.welcome(ticket.welcome)
        let card = try await book.branch.card()
        XCTAssertEqual([card.member, card.unit], [hoa, scanned.shown.unit])
        XCTAssertEqual(card.rank, 3)
        let over = try await book.branch.enrolment.waiting()
        XCTAssertNil(over)
    }

    func test_a_lost_phone_is_replaced_by_a_scanned_code() async throws {
        let (secretary, deputy) = try await pair()
        let hoa = try await me(deputy)
        let book = try await phone("P6")
        let shown = try await book.branch.enrolment.request()
        let ticket = try await secretary.branch.enrolment.admit(request: shown.text, member: hoa, rank: 3, replaces: deputy.device)
        try await book.branch.enrolment.scan(ticket.code)
        try await book.branch.enrolment.welcome(ticket.welcome)
        let phones = try await secretary.branch.phones().filter { $0.member == hoa }
        XCTAssertEqual(
            Dictionary(uniqueKeysWithValues: phones.map { ($0.device, $0.state) }), [deputy.device: .revoked, book.device: .active])
        let holder = try await me(book)
        XCTAssertEqual(holder, hoa)
    }

    func test_a_hall_is_admitted_by_one_code_and_six_digits() async throws {
        let secretary = try await secretary()
        let enrolment = secretary.branch.enrolment
        let hall = try await enrolment.openHall()
        XCTAssertTrue(hall.hall)
        XCTAssertGreaterThan(try XCTUnwrap(hall.until), 0)
        let open = try await enrolment.hall()
        XCTAssertEqual(open, hall)
        let books = [try await phone("P5"), try await phone("P6")]
        var asked: [ScannedView] = []
        for book in books { asked.append(try await book.branch.enrolment.scan(hall.code)) }
        for one in asked + asked {
            let taken = try await enrolment.takeLetter(XCTUnwrap(one.letter))
            XCTAssertEqual(taken.checkCode, one.checkCode)
        }
        let waiting = try await enrolment.requests()
        XCTAssertEqual(waiting.map(\.label), ["P5", "P6"])
        for (book, one) in zip(books, asked) {
            let whom = try await member(secretary, book.device)
            let entry = try await enrolment.admitInHall(XCTUnwrap(one.checkCode), member: whom)
            XCTAssertEqual(entry.device, book.device)
        }
        let welcome = try await enrolment.hallWelcome()
        for book in books {
            try await book.branch.enrolment.welcome(welcome)
            let card = try await book.branch.card()
            XCTAssertEqual(card.memberName, book.device)
        }
        try await enrolment.closeHall()
        let told = await thrown { try await enrolment.hall() }
        XCTAssertEqual(told?.code, "hall_not_open")
    }

    func test_codes_that_are_foreign_or_for_others_are_refused() async throws {
        let secretary = try await secretary()
        let hoa = try await member(secretary)
        let (book, other) = (try await phone("P5"), try await phone("P6"))
        let shown = try await book.branch.enrolment.request()
        let ticket = try await secretary.branch.enrolment.admit(request: shown.text, member: hoa)
        try await other.branch.enrolment.scan(ticket.code)
        func refused(_ code: String, _ call: () async throws -> Any) async {
            let told = await thrown(call)
            XCTAssertEqual(told?.code, code)
        }
        await refused("no_pass") { try await book.branch.enrolment.welcome(ticket.welcome) }
        await refused("damaged_text") { try await book.branch.enrolment.scan("sotay-ticket-1:zzzz") }
        await refused("other_text") { try await book.branch.enrolment.scan("hello") }
        await refused("other_phone") { try await other.branch.enrolment.welcome(ticket.welcome) }
        await refused("already_in_unit") { try await secretary.branch.enrolment.scan(ticket.code) }
        await refused("hall_not_open") { try await secretary.branch.enrolment.admitInHall("123 456", member: hoa) }
    }

    func test_what_the_committee_knows_of_a_member_is_opened_with_a_trace_and_erased() async throws {
        let (secretary, deputy) = try await pair()
        let (hoa, own) = (try await me(deputy), try await me(secretary))
        let personal = secretary.branch.personal
        try await personal.setContact(hoa, ContactView(phone: "0912 345 678", born: "1970"))
        let (known, before) = (try await personal.contacts(), try await personal.accesses())
        XCTAssertEqual(known, [hoa])
        XCTAssertEqual(before, [])
        let contact = try await personal.openContact(hoa)
        XCTAssertEqual(contact?.phone, "0912 345 678")
        let accesses = try await personal.accesses()
        XCTAssertEqual(accesses.map(\.what), [.contact])
        XCTAssertEqual([accesses[0].member, accesses[0].by], [hoa, own])
        let erased = try await personal.erase(hoa)
        XCTAssertEqual(erased, ErasedView(cards: 2, oldNameRemains: false))
        let gone = try await personal.openContact(hoa)
        XCTAssertNil(gone)
        let line = try await secretary.branch.members().first { $0.member == hoa }
        XCTAssertNil(try XCTUnwrap(line).name)
    }

    func test_consents_and_the_rule_of_keeping_are_recorded() async throws {
        let (secretary, deputy) = try await pair()
        let (hoa, own) = (try await me(deputy), try await me(secretary))
        let personal = secretary.branch.personal
        try await personal.recordConsent(hoa, purpose: "Ảnh trên bảng tin", given: true, day: day)
        try await personal.recordConsent(hoa, purpose: "Ảnh trên bảng tin", given: false, day: "2025-06-01")
        let (hers, others, all) = (
            try await personal.consents(of: hoa), try await personal.consents(of: own), try await personal.consents()
        )
        XCTAssertEqual(hers.map(\.given), [true, false])
        XCTAssertEqual(hers.map(\.day), [day, "2025-06-01"])
        XCTAssertEqual([others.count, all.count], [0, 2])
        let none = try await personal.retention()
        XCTAssertNil(none.months)
        try await personal.setRetention(months: 12)
        try await secretary.branch.roster(.setActivity(member: hoa, activity: .transferred, since: since))
        let rule = try await personal.retention()
        XCTAssertEqual(rule, RetentionView(months: 12, due: [hoa]))
    }

    func test_own_data_is_shown_and_exported_under_a_passphrase() async throws {
        let (secretary, deputy) = try await pair()
        let (vi, en) = (try await deputy.branch.personal.own(), try await deputy.branch.personal.own(.en))
        XCTAssertTrue(vi.contains("Trần Thị Hoa"))
        XCTAssertTrue(en.contains("Name: Trần Thị Hoa"))
        let own = try await deputy.branch.personal.export(passphrase: passphrase)
        for file in [own.json, own.text] {
            XCTAssertTrue(file.starts(with: Data("age-encryption.org/v1\n".utf8)))
            XCTAssertNil(file.range(of: Data("Hoa".utf8)))
        }
        _ = try await secretary.branch.personal.export(passphrase: passphrase, member: me(deputy))
        let accesses = try await secretary.branch.personal.accesses()
        XCTAssertEqual(accesses.map(\.what), [.export])
        let told = await thrown { try await deputy.branch.personal.export(passphrase: "") }
        XCTAssertEqual(told?.code, "bad_passphrase")
    }

    func test_the_unit_names_its_relays_and_syncs_with_the_first_that_serves() async throws {
        let (secretary, deputy) = try await pair()
        let relay = Relay.running.address
        let none = await thrown { try await secretary.sync.onceListed() }
        XCTAssertEqual(none?.code, "no_relay_named")
        try await secretary.sync.nameRelays([relay])
        let named = try await secretary.sync.namedRelays()
        XCTAssertEqual(named, [relay])
        let report = try await secretary.sync.onceListed()
        XCTAssertGreaterThan(report.envelopesOut, 0)
        try await deputy.sync.once(relay)
        let known = try await deputy.sync.namedRelays()
        XCTAssertEqual(known, [relay])
        try await deputy.sync.followListed()
        try await deputy.sync.unfollowListed()
        let bad = await thrown { try await secretary.sync.nameRelays(["relay.example.vn:7843"]) }
        XCTAssertEqual(bad?.code, "bad_relay")
        try await secretary.sync.nameRelays([Relay.running.silent()])
        let task = try await secretary.sync.startListed()
        task.cancel()
        let cancelled = await thrown { try await task.result() }
        XCTAssertEqual(cancelled?.code, "cancelled")
    }

    func test_a_guest_reads_one_meeting_and_nothing_else() async throws {
        let secretary = try await secretary()
        let guest = try await phone("K1")
        let relay = Relay.running.address
        let meeting = try await begin(secretary)
        try await meeting.apply(.setPlace(text: "Nhà văn hóa thôn"))
        let asked = try await guest.branch.joinRequest()
        let invitation = try await secretary.branch.admitGuest(
            request: asked.text, meeting: meeting.id, name: "Khách xã", relays: [relay])
        let relays = try await guest.branch.accept(invitation)
        XCTAssertEqual(relays, [relay])
        try await meet(secretary, guest)
        let (read, minutes) = (try await guest.branch.guestPage(), try await meeting.minutes())
        let page = try XCTUnwrap(read)
        XCTAssertEqual([page.meeting, page.sha256], [meeting.id, minutes.sha256])
        XCTAssertFalse(page.sealed)
        XCTAssertTrue(page.text.contains("Nhà văn hóa thôn"))
        let lines = try await secretary.branch.guests()
        XCTAssertEqual(
            lines, [GuestPhoneView(device: guest.device, label: "K1", name: "Khách xã", meeting: meeting.id, open: true)])
        let meetings = try await guest.branch.meetings()
        XCTAssertEqual(meetings, [])
        try await secretary.branch.removePhone(guest.device, why: .left)
        let after = try await secretary.branch.guests()
        XCTAssertEqual(after.map(\.open), [false])
    }

    func test_a_branch_begins_with_a_pack_of_the_level_above() async throws {
        try await levels { upper, book, unit in
            let card = try await book.branch.card()
            XCTAssertEqual([card.unit, card.name, card.upper], [unit, "Chi bộ thôn An Lạc", "Đảng bộ xã Đông Phong"])
            XCTAssertEqual(card.rank, 2)
            let (below, above) = (try await upper.branch.branches(), try await book.branch.levelsAbove())
            XCTAssertEqual(below.map(\.unit), [unit])
            XCTAssertEqual(above.map(\.steps), [1])
            try await meet(upper, book, upper, book)
            let known = try await book.branch.levelsAbove()
            XCTAssertEqual(known.map(\.known), [true])
            let other = try await upper.branch.foundBranches([NewBranch(name: "Chi bộ thôn Hai", secretary: "Phạm Thị Lan")])[0]
            let folder = place("wrong")
            let told = await thrown {
                try await Handbook.createFromPack(folder, label: "P9", pack: other.packs[0].text, code: other.packs[1].code)
            }
            XCTAssertEqual(told?.code, "damaged_text")
            XCTAssertFalse(FileManager.default.fileExists(atPath: folder.path))
        }
    }

    func test_a_report_is_opened_and_answered_by_the_level_above() async throws {
        try await levels { upper, book, unit in
            try await begin(book).apply(.setPlace(text: "Nhà văn hóa thôn"))
            let sent = try await book.records.sendReport(month)
            let unknown = try await book.records.reportAnswers(year)
            XCTAssertEqual(unknown.map(\.step), [nil])
            try await meet(upper, book, upper)
            let here = try await upper.records.reports(of: unit, year)
            XCTAssertEqual(here.map(\.revision), [sent.revision])
            let opened = try await upper.records.openReport(of: unit, month: month, revision: sent.revision)
            XCTAssertEqual(opened.map(\.mark.device), [book.device])
            let told = await thrown {
                try await upper.records.answerReport(of: unit, month: month, revision: sent.revision, accepted: false)
            }
            XCTAssertEqual(told?.code, "empty")
            try await upper.records.answerReport(
                of: unit, month: month, revision: sent.revision, accepted: false, remark: "Thiếu biên bản")
            try await meet(upper, book)
            let (answers, above) = (
                try await book.records.reportAnswers(year), try await upper.records.reportAnswers(year, unit: unit)
            )
            XCTAssertEqual(answers.map(\.step), [.returned])
            XCTAssertEqual(answers[0].words.last?.remark, "Thiếu biên bản")
            XCTAssertEqual(above.map(\.step), [.returned])
        }
    }

    func test_feedback_is_passed_up_and_the_answer_handed_on() async throws {
        try await levels { upper, book, unit in
            try await meet(upper, book, upper, book)
            let item = try await book.feedback.submit(topic: "Mương", text: "Mương cạn.", named: true, nameAbove: true)
            try await meet(book)
            let received = try await book.feedback.received()
            XCTAssertEqual(received.map(\.id), [item])
            try await book.feedback.passUp(item)
            let passed = try await book.feedback.passed()
            XCTAssertEqual(passed.map(\.writer), ["Nguyễn Văn Bình"])
            XCTAssertEqual(passed.map(\.status), [nil])
            try await meet(book, upper)
            let below = try await upper.feedback.fromBelow()
            XCTAssertEqual(below.map { [$0.unit, $0.item, $0.topic, $0.text] }, [[unit, item, "Mương", "Mương cạn."]])
            try await upper.feedback.answerBelow(item, status: .answered, text: "Xã đã giao nạo vét.")
            try await meet(upper, book)
            let answered = try await book.feedback.passed()
            XCTAssertEqual(answered[0].replies.last?.text, "Xã đã giao nạo vét.")
            try await book.feedback.handOn(item)
            let own = try await book.feedback.own()
            let texts = own[0].answers.compactMap(\.text)
            XCTAssertEqual(texts.count, 1)
            XCTAssertTrue(texts[0].hasSuffix("Xã đã giao nạo vét."))
        }
    }

    func test_a_page_is_written_by_a_template_of_ones_own() async throws {
        let meeting = try await begin(secretary())
        try await meeting.apply(.setPlace(text: "Nhà văn hóa thôn"))
        let own = "{#- sotay page minutes 1 -#}\nBIÊN BẢN RIÊNG\n"
        let text = String(decoding: try await meeting.paper(.text, template: own).bytes, as: UTF8.self)
        XCTAssertTrue(text.contains("BIÊN BẢN RIÊNG") && !text.contains("Nhà văn hóa thôn"))
        for wrong in ["BIÊN BẢN", own + "{{ nothing.of.it }}"] {
            let told = await thrown { try await meeting.paper(.text, template: wrong) }
            XCTAssertEqual(told?.code, "page_template")
        }
    }

    func test_streams_end_by_themselves_when_the_profile_locks_itself() async throws {
        let folder = place("idle")
        let platform = Platform(pin: "482917", lockAfter: .milliseconds(300))
        let book = try await Handbook.create(folder, label: "P1", platform: platform)
        var seen: [Change] = []
        for await change in try await book.changes() { seen.append(change) }
        XCTAssertEqual([seen.first, seen.last], [.start, .locked])
        try await book.shutdown()
        try await Handbook.open(folder, platform: Platform(pin: "482917")).shutdown()
    }
}
