import Foundation
import XCTest

@testable import Sotay

private let here = "127.0.0.1:0"

/// A day in Viet Nam.
private func today(_ days: Int = 0) -> String {
    let form = DateFormatter()
    form.locale = Locale(identifier: "en_US_POSIX")
    form.timeZone = TimeZone(secondsFromGMT: 7 * 3600)
    form.dateFormat = "yyyy-MM-dd"
    return form.string(from: Date().addingTimeInterval(TimeInterval(days * 86_400)))
}

private func member(_ book: Handbook, _ name: String = "Trần Thị Hoa") async throws -> String {
    try await book.branch.addMembers([.plain(name)], since: since)[0]
}

private func meet(_ books: [Handbook]) async throws {
    for book in books { try await book.sync.once(Relay.running.address) }
}

private func placeOf(_ book: Handbook) async throws -> String? { try await begin(book).view().place }

/// Hosts on the loopback; the address to connect to.
private func hosting(_ book: Handbook) async throws -> String { try await book.sync.host(here).addresses[0] }

/// Reads changes until something is so.
private func untilSo(_ changes: inout AsyncStream<Change>.Iterator, _ fits: (Change) async throws -> Bool) async throws {
    while let change = await changes.next() {
        if try await fits(change) { return }
    }
    throw Ended()
}

private func isVisitors(_ change: Change) -> Bool {
    if case .visitors = change { true } else { false }
}

private func line(_ book: Handbook, _ member: String, on day: String? = nil) async throws -> MemberView {
    let all = try await book.branch.members(on: day)
    return try XCTUnwrap(all.first { $0.member == member })
}

private func isOnList(_ book: Handbook, _ member: String, on day: String) async throws -> Bool {
    try await book.branch.members(on: day).contains { $0.member == member }
}

private func found(_ book: Handbook, _ paper: RootPaperView) async throws -> String {
    try await book.branch.root.found(paper.text, upper: "Trung ương", founder: "Vũ Thị Hà")
}

private func sign(_ paper: RootPaperView, _ keys: RootKeyView...) async throws -> RootPaperView {
    var paper = paper
    for key in keys { paper = try await Root.sign(paper.text, key: key.key, code: key.code) }
    return paper
}

/// Phones that serve phones in the hall, admission from afar and from a day on, moves between units, roots, recordings.
final class UnitsTests: Stage {
    func test_phones_in_the_hall_get_what_one_of_them_writes_through_a_phone_that_hosts() async throws {
        let (secretary, deputy) = try await pair()
        let third = try await phone("P6")
        try await join(secretary, third, name: "Phạm Văn Cường")
        let (meeting, address) = (try await begin(secretary), try await hosting(secretary))
        for book in [deputy, third] { try await book.sync.followHost(address) }
        var there = try await third.changes().makeAsyncIterator()
        var at = try await secretary.changes().makeAsyncIterator()
        try await begin(deputy).apply(.setPlace(text: "Nhà văn hóa thôn"))
        try await untilSo(&there) { _ in try await placeOf(third) == "Nhà văn hóa thôn" }
        try await untilSo(&at) { _ in try await meeting.view().place == "Nhà văn hóa thôn" }
        let (mine, theirs) = (try await meeting.minutes().sha256, try await begin(third).minutes().sha256)
        XCTAssertEqual(mine, theirs)
    }

    func test_the_host_sees_who_came_and_went_and_how_far_each_phone_is() async throws {
        let (secretary, deputy) = try await pair()
        try await begin(secretary).apply(speech(secretary, "chào các đồng chí"))
        let address = try await hosting(secretary)
        let nobody = try await secretary.sync.visitors()
        XCTAssertEqual(nobody, [])
        var changes = try await secretary.changes().makeAsyncIterator()
        try await deputy.sync.followHost(address)
        try await until(&changes, isVisitors)
        var seen: [VisitorView] = []
        for await all in secretary.sync.visitorUpdates(every: .milliseconds(50)) where !all.isEmpty && all.allSatisfy(\.complete) {
            seen = all
            break
        }
        let holder = try await me(deputy)
        XCTAssertEqual(seen.map { [$0.device, $0.label, $0.name, $0.member] }, [[deputy.device, "P5", "Trần Thị Hoa", holder]])
        XCTAssertFalse(seen[0].spaces.isEmpty)
        try await deputy.sync.unfollow(address)
        try await until(&changes, isVisitors)
        let after = try await secretary.sync.visitors()
        XCTAssertEqual(after, [])
    }

    func test_a_phone_joins_in_the_hall_through_the_host_alone() async throws {
        let secretary = try await secretary()
        let (hoa, book) = (try await member(secretary), try await phone("P5"))
        let shown = try await book.branch.enrolment.request()
        let ticket = try await secretary.branch.enrolment.admit(request: shown.text, member: hoa, rank: 3)
        try await book.branch.enrolment.scan(ticket.code)
        let address = try await hosting(secretary)
        try await book.sync.once(address)
        let (waiting, holder) = (try await book.branch.enrolment.waiting(), try await me(book))
        XCTAssertNil(waiting)
        XCTAssertEqual(holder, hoa)
        try await begin(secretary).apply(.setPlace(text: "Nhà văn hóa thôn"))
        let report = try await book.sync.once(address)
        XCTAssertTrue(report.envelopesIn > 0)
        let told = try await placeOf(book)
        XCTAssertEqual(told, "Nhà văn hóa thôn")
    }

    func test_hosting_ends_when_it_is_stopped_and_what_cannot_be_listened_on_is_told() async throws {
        let (secretary, deputy) = try await pair()
        let first = try await secretary.sync.host(here)
        XCTAssertTrue(first.addresses[0].hasPrefix("127.0.0.1:\(first.port)#"))
        let (again, asked) = (try await secretary.sync.host(here), try await secretary.sync.hosted())
        XCTAssertEqual([again, asked], [first, first])
        let taken = await thrown { try await deputy.sync.host("127.0.0.1:\(first.port)") }
        XCTAssertEqual(taken?.code, "port_in_use")
        let nothing = try await deputy.sync.hosted()
        XCTAssertNil(nothing)
        let malformed = await thrown { try await deputy.sync.host("ở đây") }
        XCTAssertEqual(malformed?.code, "malformed")
        for _ in 0..<2 { try await secretary.sync.stopHosting() }
        let after = try await secretary.sync.hosted()
        XCTAssertNil(after)
        let gone = await thrown { try await deputy.sync.once(first.addresses[0], timeout: .seconds(2)) }
        guard case .Network = gone else { return XCTFail("another error: \(String(describing: gone))") }
    }

    /// The door is open, and both know it.
    private func openDoor(_ secretary: Handbook, _ deputy: Handbook) async throws {
        let open = UnitPolicyView(keysAbove: false, fromAfar: true)
        try await secretary.branch.enrolment.setPolicy(open)
        try await meet([secretary, deputy])
        let told = try await deputy.branch.enrolment.policy()
        XCTAssertEqual(told, open)
    }

    func test_a_phone_is_admitted_from_afar_by_two_officers() async throws {
        let (secretary, deputy) = try await pair()
        try await openDoor(secretary, deputy)
        let (lan, book) = (try await member(secretary, "Phạm Thị Lan"), try await phone("P6"))
        try await meet([secretary, deputy])
        let request = try await book.branch.joinRequest()
        let word = try await deputy.branch.enrolment.endorse(request: request.text, member: lan, committee: true)
        try await book.branch.accept(secretary.branch.enrolment.admitEndorsed(word))
        let card = try await book.branch.card()
        XCTAssertEqual(card.member, lan)
        XCTAssertEqual(card.rank, 4)
        XCTAssertTrue(card.committee)
    }

    func test_admission_from_afar_needs_an_open_door_and_two_officers() async throws {
        let (secretary, deputy) = try await pair()
        let lan = try await member(secretary, "Phạm Thị Lan")
        let request = try await phone("P6").branch.joinRequest().text
        let closed = await thrown { try await deputy.branch.enrolment.endorse(request: request, member: lan) }
        XCTAssertEqual(closed?.code, "remote_closed")
        try await openDoor(secretary, deputy)
        let word = try await secretary.branch.enrolment.endorse(request: request, member: lan)
        let alone = await thrown { try await secretary.branch.enrolment.admitEndorsed(word) }
        XCTAssertEqual(alone?.code, "same_person")
        let cut = await thrown { try await secretary.branch.enrolment.admitEndorsed(String(word.dropLast(4))) }
        XCTAssertEqual(cut?.code, "damaged_text")
    }

    func test_a_phone_that_reads_from_a_day_on_gets_the_rest_when_it_is_widened() async throws {
        let secretary = try await secretary()
        let (hoa, book) = (try await member(secretary), try await phone("P5"))
        // Nothing was written under the keys between these two.
        try await secretary.branch.rotateKeys()
        let request = try await book.branch.joinRequest().text
        for day in [today(1), "hôm qua"] {
            let told = await thrown { try await secretary.branch.admit(request: request, member: hoa, readsFrom: day) }
            guard case .Input = told else { return XCTFail("another error: \(String(describing: told))") }
        }
        try await book.branch.accept(secretary.branch.admit(request: request, member: hoa, readsFrom: today()))
        let (narrow, all) = (try await book.branch.readsFrom(), try await secretary.branch.readsFrom())
        XCTAssertEqual([narrow, all], [today(), nil])
        let change = try await secretary.branch.widenPhone(book.device)
        XCTAssertEqual(change.devices, [book.device])
        try await meet([secretary, book])
        let wide = try await book.branch.readsFrom()
        XCTAssertNil(wide)
    }

    /// A level above, and the secretaries' phones of two branches below it with their ids.
    private func branches(_ body: (Handbook, [Handbook], [String]) async throws -> Void) async throws {
        let upper = try await phone("X1")
        try await upper.branch.create(name: "Đảng bộ xã Đông Phong", upper: "Đảng bộ tỉnh", founder: "Lê Văn Cường", since: since)
        let new = ["An Lạc", "Hai"].map { NewBranch(name: "Chi bộ thôn \($0)", secretary: "Nguyễn Văn Bình") }
        let founded = try await upper.branch.foundBranches(new)
        var books: [Handbook] = []
        for one in founded {
            let pack = one.packs[0]
            books.append(try await Handbook.createFromPack(place(one.unit), label: "P3", pack: pack.text, code: pack.code))
        }
        for _ in 0..<2 { try await meet([upper] + books) }
        try await body(upper, books, founded.map(\.unit))
        for book in books { try await book.shutdown() }
    }

    func test_a_member_moves_to_another_unit_for_good() async throws {
        try await branches { upper, books, units in
            let (left, right) = (books[0], books[1])
            let (hoa, book) = (try await member(left), try await phone("P5"))
            let request = try await book.branch.joinRequest().text
            try await book.branch.accept(left.branch.admit(request: request, member: hoa))
            let id = try await left.branch.moves.ask(
                NewMove(member: hoa, kind: .official, since: today(), place: "Chi bộ thôn Hai"))
            let early = await thrown { try await left.branch.moves.leave(id) }
            guard case .Input = early else { return XCTFail("another error: \(String(describing: early))") }
            try await meet([left, upper])
            let asked = try await upper.branch.moves.below()
            XCTAssertEqual(asked.map(\.id), [id])
            XCTAssertEqual(asked.map(\.name), ["Trần Thị Hoa"])
            XCTAssertEqual(asked.map(\.step), [.asked])
            try await upper.branch.moves.record(id, to: units[1])
            try await meet([upper, left, right])
            let gone = try await left.branch.moves.leave(id)
            XCTAssertEqual(gone.member, hoa)
            XCTAssertEqual(gone.removed?.devices, [book.device])
            let (arrived, again) = (try await right.branch.moves.arrive(id), try await right.branch.moves.arrive(id))
            XCTAssertEqual(arrived, again, "entering somebody twice changes nothing")
            let line = try await line(right, arrived)
            XCTAssertEqual(line.name, "Trần Thị Hoa")
            XCTAssertEqual(line.activity, .attending)
            try await meet([left, right, upper])
            let steps = try await upper.branch.moves.below()
            for (unit, step) in [(units[0], MoveStep.left), (units[1], .arrived)] {
                XCTAssertTrue(steps.contains { $0.unit == unit && $0.steps.contains { $0.step == step } })
            }
        }
    }

    func test_a_member_is_attached_for_a_time_or_away_and_a_refused_move_changes_nothing() async throws {
        try await branches { upper, books, units in
            let (left, right) = (books[0], books[1])
            var (members, moves): ([String], [String]) = ([], [])
            let asked: [(String, MoveKind, String?, String)] = [
                ("Trần Thị Hoa", .temporary, today(30), "Chi bộ thôn Hai"), ("Phạm Thị Lan", .away, nil, "đi làm xa"),
                ("Đỗ Văn Nam", .official, nil, "Chi bộ thôn Hai"),
            ]
            for (name, kind, until, place) in asked {
                let who = try await member(left, name)
                members.append(who)
                moves.append(
                    try await left.branch.moves.ask(
                        NewMove(member: who, kind: kind, since: today(), until: until, place: place)))
            }
            try await meet([left, upper])
            try await upper.branch.moves.record(moves[0], to: units[1])
            try await upper.branch.moves.refuse(moves[2])
            try await meet([upper, left, right])
            for id in moves.prefix(2) {
                let gone = try await left.branch.moves.leave(id)
                XCTAssertNil(gone.removed)
            }
            let refused = await thrown { try await left.branch.moves.leave(moves[2]) }
            guard case .Input = refused else { return XCTFail("another error: \(String(describing: refused))") }
            let arrived = try await right.branch.moves.arrive(moves[0])
            for (who, activity) in zip(members, [MemberActivity.away, .away, .attending]) {
                let now = try await line(left, who)
                XCTAssertEqual(now.activity, activity)
            }
            let (back, attached) = (try await line(left, members[0], on: today(31)), try await line(right, arrived))
            XCTAssertEqual(back.activity, .attending)
            XCTAssertEqual(attached.activity, .attached)
        }
    }

    func test_of_a_move_that_the_level_above_orders_the_unit_says_who_is_meant() async throws {
        try await branches { upper, books, units in
            let (left, right) = (books[0], books[1])
            let hoa = try await member(left)
            let id = try await upper.branch.moves.order(
                OrderedMove(
                    unit: units[0], to: units[1], name: "Trần Thị Hoa", standing: .full, kind: .official, since: today(1)))
            try await meet([upper, left, right])
            let ordered = try await left.branch.moves.all()
            XCTAssertEqual(ordered.map(\.id), [id])
            XCTAssertEqual(ordered.map(\.step), [.recorded])
            XCTAssertNil(ordered[0].member)
            let nobody = await thrown { try await left.branch.moves.leave(id) }
            XCTAssertEqual(nobody?.code, "no_member")
            let gone = try await left.branch.moves.leave(id, member: hoa)
            XCTAssertNil(gone.removed, "the day has not come")
            let (now, then) = (try await isOnList(left, hoa, on: today()), try await isOnList(left, hoa, on: today(1)))
            XCTAssertEqual([now, then], [true, false])
            let arrived = try await right.branch.moves.arrive(id)
            let line = try await line(right, arrived, on: today(1))
            XCTAssertEqual(line.name, "Trần Thị Hoa")
        }
    }

    func test_a_recording_is_announced_by_its_hash_and_only_the_published_file_is_taken_in() async throws {
        let (secretary, deputy) = try await pair()
        let (made, came, kept) = (place("thoi-su.mp4"), place("came"), place("kept.mp4"))
        let bytes = Data(String(repeating: "hinh va tieng", count: 9000).utf8)
        try bytes.write(to: made)
        let new = NewBroadcast(start: 1_800_000_000, minutes: 45, title: "Thời sự chi bộ", recording: made.path)
        try await secretary.library.publishBroadcasts([new])
        try await meet([secretary, deputy])
        let lines = try await deputy.library.broadcasts()
        let told = try XCTUnwrap(lines[0].recording)
        XCTAssertEqual([told.name, told.mediaType], ["thoi-su.mp4", "video/mp4"])
        XCTAssertEqual(told.size, 117_000)
        try FileManager.default.copyItem(at: made, to: came)
        let taken = try await deputy.library.takeInRecording(told.hash, from: came, to: kept)
        XCTAssertEqual(taken, told)
        XCTAssertEqual(try Data(contentsOf: kept), bytes)
        try Data("gia mao".utf8).write(to: came)
        let other = await thrown { try await deputy.library.takeInRecording(told.hash, from: came, to: kept) }
        XCTAssertEqual(other?.code, "other_recording")
        XCTAssertEqual(try Data(contentsOf: kept), bytes)
        let unknown = await thrown {
            try await deputy.library.takeInRecording(String(repeating: "00", count: 32), from: came, to: kept)
        }
        XCTAssertEqual(unknown?.code, "no_recording")
    }

    func test_a_unit_has_other_names_from_a_day_on_and_becomes_part_of_another_one() async throws {
        let secretary = try await secretary()
        try await secretary.branch.renameUnit(since: "2026-01-01", name: "Chi bộ liên thôn An Lạc")
        try await secretary.branch.mergeInto("Chi bộ thôn Hai", since: "2026-07-01")
        let names = try await secretary.branch.unitNames()
        for wanted in [
            UnitNameView(kind: .name, since: "2026-01-01", name: "Chi bộ liên thôn An Lạc"),
            UnitNameView(kind: .name, since: "1900-01-01", name: "Chi bộ thôn An Lạc"),
            UnitNameView(kind: .mergedInto, since: "2026-07-01", name: "Chi bộ thôn Hai"),
        ] {
            XCTAssertTrue(names.contains(wanted))
        }
        let text = try await begin(secretary).minutes().text.uppercased()
        XCTAssertTrue(text.contains("CHI BỘ THÔN AN LẠC") && !text.contains("LIÊN THÔN"))
    }

    /// Three keys, and a phone's draft for two of them.
    private func rootOf() async throws -> ([RootKeyView], Handbook, RootPaperView) {
        var keys: [RootKeyView] = []
        for _ in 0..<3 { keys.append(try await Root.makeKey()) }
        let book = try await phone("X1")
        let draft = try await book.branch.root.draft(
            "Đảng bộ tỉnh", level: .province, publicKeys: keys.map(\.publicKey), threshold: 2)
        return (keys, book, draft)
    }

    func test_a_unit_is_founded_by_two_of_three_keys_of_a_root() async throws {
        let (keys, book, draft) = try await rootOf()
        let entry = try await Root.read(draft.text).entries[0]
        guard case .found(let root, let threshold, let count) = entry.deed else { return XCTFail("another deed") }
        XCTAssertEqual([UInt32(threshold), count, draft.signed], [2, 3, 0])
        let once = try await sign(draft, keys[0])
        let twice = await thrown { try await sign(once, keys[0]) }
        XCTAssertEqual(twice?.code, "root_signed_twice")
        let few = await thrown { try await found(book, once) }
        XCTAssertEqual(few?.code, "root_quorum")
        let unit = try await found(book, sign(once, keys[1]))
        let (card, hash) = (try await book.branch.card(), try await book.branch.root.hash())
        XCTAssertEqual([card.unit, card.name, hash], [unit, "Đảng bộ tỉnh", root])
    }

    private func below(_ upper: Handbook, _ name: String) async throws -> Handbook {
        let founded = try await upper.branch.foundBranches([NewBranch(name: name, secretary: "Lê Văn An")])[0]
        let pack = founded.packs[0]
        return try await Handbook.createFromPack(place(founded.unit), label: "P1", pack: pack.text, code: pack.code)
    }

    func test_a_branch_is_moved_below_another_committee_by_a_paper_of_the_root() async throws {
        let (keys, province, draft) = try await rootOf()
        _ = try await found(province, sign(draft, keys[0], keys[1]))
        let (first, second) = (try await below(province, "Đảng ủy xã A"), try await below(province, "Đảng ủy xã B"))
        let branch = try await below(first, "Chi bộ 1")
        let books = [province, first, second, branch]
        for _ in 0..<2 { try await meet(books) }
        let unit = try await branch.branch.card().unit
        let card = try await second.branch.root.card()
        let read = try await Root.readCard(card.text)
        XCTAssertEqual(read.checkCode, card.checkCode)
        let paper = try await first.branch.root.move([unit], card: card.text)
        let parents = paper.entries.compactMap { if case .move(let parent) = $0.deed { parent } else { nil } }
        XCTAssertEqual(parents, [card.unit])
        let tooFew = try await sign(paper, keys[0]).text
        let refused = await thrown { try await first.branch.root.carry(tooFew) }
        XCTAssertEqual(refused?.code, "root_quorum")
        let signed = try await sign(paper, keys[0], keys[1]).text
        var left: [Int] = []
        let new = try await first.branch.root.carry(signed) { left.append($0) }
        XCTAssertEqual([new, left.count], [paper.entries.count, 1])
        let again = try await first.branch.root.carry(signed)
        XCTAssertEqual(again, 0)
        let (followed, nothing) = (
            try await second.branch.root.followMoved(signed), try await second.branch.root.followMoved(signed)
        )
        XCTAssertEqual([followed, nothing], [1, 0])
        for _ in 0..<3 { try await meet(books) }
        let (above, here) = (try await branch.branch.levelsAbove(), try await second.branch.branches())
        XCTAssertEqual(above.first?.unit, card.unit)
        XCTAssertEqual(here.map(\.unit), [unit])
        for book in books.dropFirst() { try await book.shutdown() }
    }
}
