import Foundation
import XCTest

@testable import Sotay

private let year: Int32 = 2025

/// The documents of a year, seals, feedback, paper, and the first screen.
final class RecordsTests: Stage {
    /// A meeting with chair and minute-taker, closed, ready to be sealed.
    private func held(_ book: Handbook, _ clerk: String) async throws -> Meeting {
        let meeting = try await begin(book)
        let chair = try await me(book)
        try await meeting.apply(
            .setPlace(text: "Nhà văn hóa thôn"),
            .setChair(member: chair),
            .setClerk(member: clerk),
            .setStart(at: "2025-05-20T19:30"),
            .step(step: .opened),
            mark([chair, clerk], .present))
        try await meeting.apply(
            .addConclusion(text: "Giao đồng chí Hoa tổng vệ sinh.", deadline: "2025-06-15", responsible: [clerk]))
        try await meeting.apply(.setEnd(at: "2025-05-20T21:00"), .step(step: .closed))
        return meeting
    }

    private func exchanged(_ books: Handbook...) async throws {
        for book in books { _ = try await book.sync.once(Relay.running.address) }
    }

    func test_a_task_is_given_reported_and_accepted() async throws {
        let (secretary, deputy) = try await pair()
        let records = secretary.records
        let responsible = try await me(deputy)
        let added = try await records.changeTask(
            year, .add(what: "Tổng vệ sinh thôn", people: [responsible], deadline: "2025-06-15"))
        let id = try XCTUnwrap(added)
        try await records.changeTask(year, .report(id: id, status: .done, result: "Đã xong"))
        try await records.changeTask(year, .report(id: id, status: .accepted))
        let task = try await records.tasks(year)[0]
        XCTAssertEqual([task.id, task.what], [id, "Tổng vệ sinh thôn"])
        XCTAssertEqual(task.status, .accepted)
        XCTAssertEqual([task.deadline, task.people[0].name, task.results[0].text], ["2025-06-15", "Trần Thị Hoa", "Đã xong"])
        let told = await thrown { try await records.changeTask(year, .edit(id: "zz", what: "x")) as Any }
        XCTAssertEqual(told?.code, "malformed")
        XCTAssertEqual(told?.text(.en).contains("id"), true)
    }

    func test_conclusions_of_a_meeting_become_tasks_once() async throws {
        let (secretary, deputy) = try await pair()
        let meeting = try await held(secretary, me(deputy))
        let made = try await secretary.records.tasksOfMeeting(meeting.id)
        let again = try await secretary.records.tasksOfMeeting(meeting.id)
        XCTAssertEqual([made, again], [1, 0])
        let task = try await secretary.records.tasks(year)[0]
        XCTAssertEqual(task.meeting, meeting.id)
        XCTAssertTrue(task.overdue)
    }

    func test_fees_are_paid_reversed_and_summed() async throws {
        let (secretary, deputy) = try await pair()
        let records = secretary.records
        let payer = try await me(deputy)
        let pay = FeeCommand.pay(payer: payer, month: month, amount: 10_000, day: "2025-05-21", note: "tiền mặt")
        let lines = try await records.changeFees(year, pay, pay).compactMap { $0 }
        try await records.changeFees(year, .reverse(line: lines[1], day: "2025-05-22", note: "ghi hai lần"))
        let fees = try await records.fees(year)
        XCTAssertEqual(fees.total, 10_000)
        XCTAssertEqual(fees.lines.count, 3)
        XCTAssertEqual(fees.damaged, 0)
        XCTAssertEqual(lines.map { id in fees.lines.first { $0.id == id }?.reversedBy != nil }, [false, true])
        let may = try await records.feeMonth(month)
        XCTAssertEqual(may.month, month)
        XCTAssertEqual(may.paid, 10_000)
        XCTAssertEqual(may.members.first { $0.member.id == payer }?.paid, 10_000)
    }

    func test_ratings_have_criteria_points_levels_and_evidence() async throws {
        let (secretary, deputy) = try await pair()
        let records = secretary.records
        let (scorer, member) = (try await me(secretary), try await me(deputy))
        let rated = RatedSubject.member(id: member)
        let scale = try await records.criteria(year).member
        let leaf = try XCTUnwrap(scale.criteria.first { $0.leaf })
        try await records.changeRating(
            year, .score(rated: rated, criterion: leaf.key, column: .committee, scorer: scorer, points: leaf.points))
        try await records.changeRating(year, .decide(rated: rated, column: .committee, level: scale.levels[0].key))
        let evidence = try await records.changeRating(year, .addEvidence(rated: rated, criterion: leaf.key, text: "Giấy khen"))
        let cards = try await records.ratings(year)
        let card = try XCTUnwrap(cards.first { $0.rated == rated })
        XCTAssertEqual(card.name, "Trần Thị Hoa")
        XCTAssertEqual(card.criteria.first { $0.criterion == leaf.key }?.committee, leaf.points)
        XCTAssertEqual(card.columns.first { $0.column == .committee }?.decided, scale.levels[0].key)
        XCTAssertEqual(card.evidence.map(\.id), [evidence])
    }

    func test_a_resolution_is_written_and_issued() async throws {
        let (secretary, deputy) = try await pair()
        let records = secretary.records
        let (signer, responsible) = (try await me(secretary), try await me(deputy))
        let id = try await records.newResolution(title: "Về nhiệm vụ tháng 6")
        try await records.changeResolution(
            id,
            .setNumber(number: 5),
            .setDate(date: day),
            .setSigner(member: signer),
            .setPart(part: .goals, text: "Hoàn thành thu phí."),
            .setTask(text: "Vận động nhân dân", people: [responsible], deadline: "2025-06-30"),
            .addRecipient(label: "Đảng ủy xã"))
        try await records.issueResolution(id)
        let view = try await records.resolution(id)
        XCTAssertEqual([view.numberText, view.title, view.date], ["05-NQ/CB", "Về nhiệm vụ tháng 6", day])
        XCTAssertEqual(
            [view.signer?.name, view.tasks[0].people[0].name, view.recipients[0].label],
            ["Nguyễn Văn Bình", "Trần Thị Hoa", "Đảng ủy xã"])
        XCTAssertEqual(view.issued.count, 1)
        let all = try await records.resolutions()
        XCTAssertEqual(all.map(\.id), [id])
        let told = await thrown { try await records.changeResolution(id, .setNumber(number: 6)) }
        XCTAssertEqual(told?.code, "issued")
    }

    func test_a_report_is_proposed_sent_and_then_due_no_more() async throws {
        let (secretary, deputy) = try await pair()
        _ = try await held(secretary, me(deputy))
        let records = secretary.records
        let due = try await records.reportsDue(year)
        XCTAssertTrue(due.contains { $0.facts.month == month })
        let found = try await records.reportProposal(month)
        let proposal = try XCTUnwrap(found)
        XCTAssertEqual([proposal.revision, proposal.facts.meetings[0].present], [1, 2])
        let sent = try await records.sendReport(month)
        XCTAssertEqual(sent.revision, 1)
        let again = try await records.reportProposal(month)
        XCTAssertNil(again)
        let reports = try await records.reports(year)
        XCTAssertEqual(reports.map(\.facts.month), [month])
    }

    func test_directives_are_listed_and_what_is_none_is_refused() async throws {
        let secretary = try await secretary()
        let known = try await secretary.records.directives(on: day)
        XCTAssertEqual(Set(known.filter(\.inForce).map(\.kind)), [.policy, .fees, .criteria, .holidays])
        let told = await thrown { try await secretary.records.publishDirective(#"{"kind": "fees"}"#) }
        XCTAssertEqual(told?.code, "directive")
    }

    func test_minutes_are_sealed_by_two_phones_and_anybody_can_check_the_file() async throws {
        let (secretary, deputy) = try await pair()
        let meeting = try await held(secretary, me(deputy))
        let check = try await meeting.sealCheck()
        XCTAssertFalse(check.blocks)
        let seal = try await meeting.proposeSeal(minutes: meeting.minutes().sha256)
        try await exchanged(secretary, deputy)
        let there = try deputy.meeting(meeting.id)
        let waiting = try await there.seals().seals
        XCTAssertEqual(waiting.map(\.id), [seal])
        XCTAssertEqual(waiting.map(\.status), [.waiting])
        try await there.countersign(seal)
        let seals = try await there.seals()
        XCTAssertEqual([seals.standing, seals.seals[0].chair.name, seals.seals[0].clerk.name], [seal, "Nguyễn Văn Bình", "Trần Thị Hoa"])
        let file = try await there.sealFile()
        let unit = try await deputy.branch.card().unit
        let checked = try await sealFileChecked(file, unit: unit)
        XCTAssertTrue(checked.pinned)
        let text = try await there.sealedText(seal)
        XCTAssertEqual(checked.seals[0].text, text)
        var damaged = file
        damaged[damaged.count / 2] ^= 1
        for wrong in [Data("x".utf8), damaged] {
            let told = await thrown { try await sealFileChecked(wrong) }
            guard case .Input = told else { return XCTFail("\(String(describing: told))") }
        }
        let told = await thrown { try await there.proposeSeal(minutes: String(repeating: "00", count: 32)) }
        XCTAssertEqual(told?.code, "malformed")
    }

    func test_what_is_recorded_after_the_seal_becomes_an_addendum() async throws {
        let (secretary, deputy) = try await pair()
        let meeting = try await held(secretary, me(deputy))
        let seal = try await meeting.proposeSeal(minutes: meeting.minutes().sha256)
        try await exchanged(secretary, deputy)
        let there = try deputy.meeting(meeting.id)
        try await there.countersign(seal)
        let words = try await speech(deputy, "ghi muộn")
        let told = await thrown { try await there.apply(words) }
        XCTAssertEqual(told?.code, "sealed")
        try await there.amend(words)
        let late = try await there.seals().late
        XCTAssertEqual(late.map(\.new), [true])
        XCTAssertTrue(late[0].text.contains("ghi muộn"))
        let addendum = try await there.proposeAddendum()
        try await exchanged(deputy, secretary)
        try await meeting.countersign(addendum)
        let seals = try await meeting.seals()
        XCTAssertEqual(seals.seals.map(\.addendum), [false, true])
        XCTAssertEqual(seals.late, [])
        let minutes = try await meeting.minutes().text
        XCTAssertFalse(minutes.contains("ghi muộn"))
        try await meeting.withdrawSeal(seal)
        let standing = try await meeting.seals().standing
        XCTAssertNil(standing)
    }

    func test_feedback_with_a_name_is_answered_to_its_writer() async throws {
        let (secretary, deputy) = try await pair()
        let item = try await deputy.feedback.submit(topic: "Đường thôn", text: "Đèn đường hỏng.", named: true)
        let waiting = try await deputy.feedback.own()
        XCTAssertEqual(waiting.map(\.state), [.waiting])
        try await exchanged(deputy, secretary)
        let received = try await secretary.feedback.received()[0]
        XCTAssertEqual([received.id, received.writer?.name, received.text], [item, "Trần Thị Hoa", "Đèn đường hỏng."])
        try await secretary.feedback.answer(item, status: .answered, text: "Đã báo điện lực.")
        try await exchanged(secretary, deputy)
        let own = try await deputy.feedback.own()[0]
        XCTAssertTrue(own.named && own.acknowledged)
        XCTAssertEqual(own.answers.map(\.text), ["Đã báo điện lực."])
        let everybody = try await deputy.feedback.publicAnswers()
        XCTAssertEqual(everybody, [])
    }

    func test_feedback_without_a_name_is_answered_to_all_or_taken_back() async throws {
        let (secretary, deputy) = try await pair()
        let item = try await deputy.feedback.submit(topic: "Sinh hoạt", text: "Họp quá dài.", named: false)
        let taken = try await deputy.feedback.submit(topic: "Sinh hoạt", text: "Viết nhầm.", named: false)
        try await deputy.feedback.withdraw(taken)
        try await exchanged(deputy, secretary)
        let received = try await secretary.feedback.received()
        XCTAssertEqual(received.map(\.id), [item])
        XCTAssertNil(received[0].writer)
        let told = await thrown { try await secretary.feedback.answer(item, status: .answered, text: "Riêng") }
        XCTAssertEqual(told?.code, "nameless")
        try await secretary.feedback.answer(item, status: .answered, text: "Sẽ họp gọn.", public: true)
        let answers = try await secretary.feedback.publicAnswers()
        XCTAssertEqual(answers.map(\.text), ["Sẽ họp gọn."])
    }

    func test_documents_are_written_as_HTML_docx_and_text() async throws {
        let (secretary, deputy) = try await pair()
        let meeting = try await held(secretary, me(deputy))
        let records = secretary.records
        let resolution = try await records.newResolution(title: "Về nhiệm vụ tháng 6", meeting: meeting.id)
        try await records.sendReport(month)
        let papers: [(PaperForm) async throws -> PaperFile?] = [
            { try await meeting.paper($0) },
            { try await records.resolutionPaper(resolution, form: $0) },
            { try await records.reportPaper(month, form: $0) },
        ]
        for paper in papers {
            let (html, docx, text) = (try await paper(.html), try await paper(.docx), try await paper(.text))
            XCTAssertEqual(html?.bytes.starts(with: Data("<!DOCTYPE html>".utf8)), true)
            XCTAssertEqual(html?.extension, "html")
            XCTAssertEqual(docx?.bytes.starts(with: Data("PK".utf8)), true)
            XCTAssertNotNil(docx?.bytes.range(of: Data("word/document.xml".utf8)))
            let words = String(decoding: try XCTUnwrap(text).bytes, as: UTF8.self)
            XCTAssertTrue(words.lowercased().contains("chi bộ thôn an lạc"))
        }
        let told = await thrown { try await meeting.paper(.text, item: String(repeating: "00", count: 16)) }
        XCTAssertEqual(told?.code, "unknown")
        let none = try await records.reportPaper(month, form: .text, revision: 9)
        XCTAssertNil(none)
    }

    func test_the_diary_tells_in_words_and_the_last_action_is_undone() async throws {
        let book = try await secretary()
        let meeting = try await begin(book)
        try await meeting.apply(speech(book, "một"))
        try await meeting.apply(speech(book, "hai"))
        try await meeting.undo()
        let view = try await meeting.view()
        XCTAssertEqual(view.speeches.map(\.text), ["một"])
        let page = try await meeting.diary(count: 3)
        XCTAssertGreaterThan(page.total, 3)
        XCTAssertEqual(page.lines.map(\.undone), [false, true, false])
        XCTAssertEqual(page.lines[1].who, "Nguyễn Văn Bình")
        XCTAssertFalse(page.lines[1].did[0].isEmpty)
    }

    func test_a_file_is_noted_with_its_meeting() async throws {
        let book = try await secretary()
        let meeting = try await begin(book)
        let id = try await meeting.attachFile(
            name: "du-thao.pdf", media: "application/pdf", content: Data("%PDF-1.7".utf8), pages: 2)
        let last = try await meeting.history().last
        XCTAssertEqual(last?.what.contains(.document(doc: meeting.id, part: .attachment, id: id)), true)
    }

    func test_the_first_screen_goes_by_role_and_phase() async throws {
        let (secretary, deputy) = try await pair()
        let before = try await secretary.home()
        XCTAssertEqual(before.role, .secretary)
        XCTAssertEqual(before.phase, .noMeeting)
        XCTAssertTrue(before.actions.contains { $0.kind == .newMeeting })
        _ = try await held(secretary, me(deputy))
        let after = try await secretary.home(.en)
        XCTAssertEqual(after.phase, .closed)
        XCTAssertEqual(after.meeting?.date, day)
        XCTAssertEqual(after.actions.first { $0.kind == .seal }?.label.isEmpty, false)
        let member = try homeActions(role: .member, clerk: false, phase: .closed, language: .vi)
        XCTAssertFalse(member.contains { $0.kind == .seal })
    }

    func test_a_roster_kept_elsewhere_is_taken_over_all_or_nothing() async throws {
        let branch = try await secretary().branch
        let line = { (name: String, since: String) in NewMemberLine(member: .plain(name), since: since) }
        for (bad, code) in [(line("Lê Văn Tư", "31/12/2024"), "malformed"), (line(" ", since), "empty_name")] {
            let told = await thrown { try await branch.importMembers([line("Trần Thị Hoa", since), bad]) }
            XCTAssertEqual(told?.code, code)
        }
        let alone = try await branch.members(on: day)
        XCTAssertEqual(alone.count, 1)
        try await branch.importMembers([line("Trần Thị Hoa", since), line("Lê Văn Tư", "2025-06-01")])
        let (may, june) = (try await branch.members(on: day), try await branch.members(on: "2025-06-01"))
        XCTAssertEqual([may.count, june.count], [2, 3])
    }

    func test_a_new_phone_takes_the_place_of_a_lost_one_and_keys_are_rotated() async throws {
        let (secretary, deputy) = try await pair()
        let rotated = try await secretary.branch.rotateKeys()
        XCTAssertTrue(rotated.rekeyed.contains(.main))
        let new = try await phone("P6")
        let request = try await new.branch.joinRequest().text
        let invitation = try await secretary.branch.admit(
            request: request, member: me(deputy), rank: 3, replaces: deputy.device)
        try await new.branch.accept(invitation)
        let phones = try await secretary.branch.phones()
        XCTAssertEqual(phones.first { $0.device == deputy.device }?.state, .revoked)
        XCTAssertEqual(phones.first { $0.device == new.device }?.state, .active)
        let change = try await secretary.branch.regradePhone(new.device, rank: 4)
        XCTAssertEqual(change.devices, [new.device])
        let after = try await secretary.branch.phones()
        XCTAssertEqual(after.first { $0.device == new.device }?.rank, 4)
        let notCounted = try await secretary.branch.notCounted()
        XCTAssertEqual(notCounted, [])
    }

    func test_changes_of_the_years_documents_and_of_feedback_are_named() async throws {
        let book = try await secretary()
        var changes = try await book.changes().makeAsyncIterator()
        let first = await changes.next()
        XCTAssertEqual(first, .start)
        let own = try await me(book)
        let task = try await book.records.changeTask(year, .add(what: "Việc"))
        try await book.records.changeFees(year, .assess(member: own, from: month, amount: 5_000))
        try await book.feedback.submit(topic: "a", text: "b", named: true)
        var seen: [Change] = []
        try await until(&changes) { change in
            seen.append(change)
            return change == .feedback
        }
        let ids = { (part: DocumentPart) in
            seen.compactMap { change -> String?? in
                if case .document(_, part, let id) = change { return id }
                return nil
            }.first
        }
        XCTAssertEqual(ids(.task), task)
        XCTAssertEqual(ids(.assessment), own)
    }

    func test_a_batch_of_changes_reads_like_a_list() async throws {
        let book = try await secretary()
        let members = try await [me(book)] + book.branch.addMembers([.plain("Trần Thị Hoa"), .plain("Lê Văn Tư")], since: since)
        let meeting = try await begin(book)
        let id = meeting.id
        let marked = members.map { Change.document(doc: id, part: .attendance, id: $0) }
        let batches = Shared<[ChangeBatch]>([])
        let written = Promise<Bool>()
        let subscription = try await book.subscribe { batch in
            let every = batches.with { batches in
                batches.append(batch)
                return batches.flatMap { Array($0) }
            }
            if marked.allSatisfy(every.contains) { written.give(true) }
        }
        try await meeting.apply(mark(members, .present))
        _ = try await written.value()
        subscription.cancel()
        let all = batches.with { $0 }
        XCTAssertEqual(Array(all[0]), [.start])
        let batch = try XCTUnwrap(all.max { $0.count < $1.count })
        XCTAssertEqual(batch.last, batch[batch.count - 1])
        XCTAssertEqual(Array(batch.dropFirst()).count, batch.count - 1)
    }

    func test_a_profile_with_a_PIN_opens_with_it_only_and_counts_wrong_tries() async throws {
        let folder = place("pin")
        let pin = { (pin: String?) in Platform(pin: pin) }
        try await Handbook.create(folder, label: "P1", platform: pin("482917")).shutdown()
        let state = try await Handbook.lockState(folder)
        XCTAssertEqual([state.pin, state.encrypted, state.vault], [true, true, false])
        for (wrong, code) in [(nil, "pin_missing"), ("482918", "pin_wrong")] as [(String?, String)] {
            let told = await thrown { try await Handbook.open(folder, platform: pin(wrong)) }
            XCTAssertEqual(told?.code, code)
        }
        let left = try await Handbook.lockState(folder).triesLeft
        XCTAssertEqual(left, state.triesLeft - 1)
        let told = await thrown { try await Handbook.setPin(folder, pin: "1", platform: pin("482917")) }
        XCTAssertEqual(told?.code, "pin_short")
        try await Handbook.setPin(folder, pin: "773105", platform: pin("482917"))
        try await Handbook.open(folder, platform: pin("773105")).shutdown()
        try await Handbook.removePin(folder, platform: pin("773105"))
        try await Handbook.open(folder).shutdown()
    }

    func test_a_locked_profile_closes_until_it_is_opened_anew() async throws {
        let folder = place("locked")
        let platform = Platform(pin: "482917")
        let book = try await Handbook.create(folder, label: "P1", platform: platform)
        try book.touch()
        var changes = try await book.changes().makeAsyncIterator()
        let first = await changes.next()
        XCTAssertEqual(first, .start)
        try await book.lock()
        var seen: [Change] = []
        while let change = await changes.next() { seen.append(change) }
        XCTAssertTrue(seen.contains(.locked))
        let told = await thrown { try await book.branch.card() }
        XCTAssertEqual(told?.code, "locked")
        let touched = await thrown { try book.touch() }
        XCTAssertEqual(touched?.code, "locked")
        try await Handbook.open(folder, platform: platform).shutdown()
    }

    /// The shipped page of minutes with a line more.
    private func templateOfTheBranch(_ records: Records) async throws -> String {
        try await records.shippedPageTemplate(.minutes, since: day, name: "Mẫu của chi bộ") + "\n^ DÒNG RIÊNG\n"
    }

    private func page(of meeting: Meeting, by template: String? = nil) async throws -> String {
        String(decoding: try await meeting.paper(.text, template: template).bytes, as: UTF8.self)
    }

    func test_a_page_template_that_one_phone_publishes_makes_the_pages_of_another_from_its_day_on() async throws {
        let (secretary, deputy) = try await pair()
        let meeting = try await begin(secretary)
        let before = try await secretary.branch.newMeeting(.thematic, month: month, date: "2025-05-19")
        let source = try await templateOfTheBranch(secretary.records)
        let head = try await secretary.records.checkPageTemplate(source)
        let unpublished = try await secretary.records.pageTemplates()
        XCTAssertEqual(unpublished, [], "checked is not published")
        let published = try await secretary.records.publishPageTemplate(source)
        XCTAssertEqual(published, head)
        try await exchanged(secretary, deputy)
        func expected(_ inForce: Bool) -> PageTemplateView {
            PageTemplateView(
                sort: .minutes, name: "Mẫu của chi bộ", since: day, issuer: .unit, publisher: nil, sha256: head.sha256,
                inForce: inForce)
        }
        let known = try await deputy.records.pageTemplates(on: day)
        XCTAssertEqual(known, [expected(true)])
        let earlier = try await deputy.records.pageTemplates(on: "2025-05-19")
        XCTAssertEqual(earlier, [expected(false)])
        let text = try await page(of: deputy.meeting(meeting.id))
        XCTAssertTrue(text.contains("DÒNG RIÊNG") && text.contains("Mẫu của chi bộ (SHA-256 \(head.sha256.prefix(16))"), text)
        let old = try await page(of: deputy.meeting(before))
        XCTAssertFalse(old.contains("DÒNG RIÊNG"))

        let name = try await secretary.records.withdrawDirective(String(head.sha256.prefix(16)))
        XCTAssertEqual(name, "Mẫu của chi bộ")
        try await exchanged(secretary, deputy)
        let left = try await deputy.records.pageTemplates(on: day)
        XCTAssertEqual(left, [])
        let shipped = try await page(of: deputy.meeting(meeting.id))
        XCTAssertFalse(shipped.contains("DÒNG RIÊNG"))
        let kept = try await deputy.records.pageTemplateSource(String(head.sha256.prefix(16)))
        XCTAssertEqual(kept, source)
        let again = try await page(of: deputy.meeting(meeting.id), by: kept)
        XCTAssertTrue(again.contains("DÒNG RIÊNG"))
        let none = try await deputy.records.pageTemplateSource(String(repeating: "0", count: 64))
        XCTAssertNil(none)
    }

    func test_a_page_template_with_an_unknown_field_or_of_a_member_without_the_right_is_refused() async throws {
        let secretary = try await secretary()
        let records = secretary.records
        let source = try await templateOfTheBranch(records)
        for call in [records.checkPageTemplate, records.publishPageTemplate] {
            let told = await thrown { try await call(source + "{{ nothing_of_it }}\n") }
            XCTAssertEqual(told?.code, "page_template")
            for language in [Language.vi, .en] { XCTAssertEqual(told?.text(language).contains("nothing_of_it"), true) }
        }
        let unpublished = try await records.pageTemplates(on: day)
        XCTAssertEqual(unpublished, [])
        let member = try await phone("P4")
        try await join(secretary, member)
        let head = try await member.records.checkPageTemplate(source)
        let publishing = await thrown { try await member.records.publishPageTemplate(source) }
        guard case .NotAllowed? = publishing else { return XCTFail("\(String(describing: publishing))") }
        let withdrawing = await thrown { try await member.records.withdrawDirective(head.sha256) }
        guard case .NotAllowed? = withdrawing else { return XCTFail("\(String(describing: withdrawing))") }
        let there = try await member.records.pageTemplates(on: day)
        XCTAssertEqual(there, [])
        try await records.publishPageTemplate(source)
        try await records.withdrawDirective(head.sha256)
        let again = await thrown { try await records.publishPageTemplate(source) }
        XCTAssertEqual(again?.code, "directive_withdrawn")
        let unknown = await thrown { try await records.withdrawDirective(String(repeating: "0", count: 64)) }
        XCTAssertEqual(unknown?.code, "no_directive")
    }
}
