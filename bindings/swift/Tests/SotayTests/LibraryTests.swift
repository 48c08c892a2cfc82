import Foundation
import XCTest

@testable import Sotay

private let quote = "Mỗi quý chi bộ có một buổi sinh hoạt chuyên đề."
private let text = """
    Điều 1. Phạm vi áp dụng
    Quy định này áp dụng cho chi bộ trực thuộc đảng ủy cơ sở. Chi bộ họp lúc 19h30 ngày 05/4.
    Điều 5. Chất lượng sinh hoạt
    \(quote) Tỷ lệ đảng viên dự họp bình quân trong năm đạt từ 90% trở lên.

    """

/// Behaviours 68 to 84 of bindings/BEHAVIOURS.md.
final class LibraryTests: Stage {
    func test_a_published_file_is_understood_and_reaches_another_phone() async throws {
        let (secretary, deputy) = try await pair()
        let published = try await publish(secretary)
        XCTAssertEqual([published.articles, published.paragraphs], [2, 2])
        XCTAssertNil(published.foundCode)
        try await secretary.sync.once(Relay.running.address)
        try await deputy.sync.once(Relay.running.address)
        let entry = try await deputy.library.documents()[0]
        XCTAssertEqual([entry.id, entry.code, entry.date], [published.id, "33-QĐ/TU", "2022-02-10"])
        XCTAssertTrue(entry.complete)
        let labels = try await deputy.library.contents(entry.id).map(\.label)
        XCTAssertEqual(labels, ["Điều 1", "Điều 5"])
        let section = try await deputy.library.section(entry.id, number: 1)
        XCTAssertEqual(piece(section.text, section.sentences[0].begin, section.sentences[0].end), quote)
        XCTAssertEqual(section.place.firstParagraph, 1)
    }

    func test_search_finds_with_and_without_marks_and_by_code() async throws {
        let (book, document) = try await published()
        for query in ["sinh hoạt chuyên đề", "sinh hoat chuyen de", "sinh hoatj chuyeen ddeef", "33-QĐ/TU điều 5", "chuyên đ"] {
            let best = try await book.library.search(query).hits.first
            XCTAssertEqual([best?.document, best?.section], [document, "Điều 5"], query)
        }
        let nothing = try await book.library.search("?!… ---")
        XCTAssertEqual(nothing, SearchResults(hits: [], note: .noWords))
    }

    func test_an_answer_stands_word_for_word_in_the_section_it_cites_or_is_honestly_not_found() async throws {
        let (book, document) = try await published()
        let answers = try await book.library.ask("Tỷ lệ dự họp bình quân là bao nhiêu?")
        let best = try XCTUnwrap(answers.quotes.first)
        XCTAssertTrue(best.quote.contains("90%"))
        XCTAssertNil(answers.message)
        let section = try await book.library.section(document, number: Int(best.number))
        XCTAssertTrue(section.text.contains(best.quote))
        let nothing = try await book.library.ask("Giá vàng hôm nay bao nhiêu?")
        XCTAssertEqual(nothing, Answers(quotes: [], message: "Không tìm thấy trong các văn bản trên máy"))
    }

    func test_a_query_over_the_limit_and_an_unknown_document_are_told() async throws {
        let (book, _) = try await published()
        let longest = try await book.library.search(String(repeating: "a", count: 10_000))
        XCTAssertEqual(longest.hits, [])
        let long = await thrown { try await book.library.search(String(repeating: "a", count: 10_001)) }
        XCTAssertEqual(long?.code, "query_too_long")
        let unknown = await thrown { try await book.library.contents(String(repeating: "00", count: 32)) }
        XCTAssertEqual(unknown?.code, "no_document")
        let malformed = await thrown { try await book.library.contents("nonsense") }
        XCTAssertEqual(malformed?.code, "malformed")
    }

    func test_a_file_that_cannot_be_published_is_told_with_its_reason() async throws {
        let book = try await secretary()
        for (text, code) in [("TỐI MẬT\nĐiều 1. Phạm vi\nNội dung.\n", "secrecy_mark"), ("\n \n", "empty_document")] {
            let refused = await thrown { try await self.publish(book, text) }
            XCTAssertEqual(refused?.code, code)
        }
        let nowhere = place("nowhere.docx")
        let missing = await thrown {
            try await book.library.publish(
                nowhere, code: "1-HD/CB", date: "2025-01-01", kind: "HD", issuer: "Chi bộ", title: "Không có")
        }
        XCTAssertEqual(missing?.code, "file_unreadable")
        let documents = try await book.library.documents()
        XCTAssertEqual(documents, [])
    }

    func test_a_member_may_not_publish() async throws {
        let secretary = try await secretary()
        let member = try await phone("P4")
        try await join(secretary, member)
        let refused = await thrown { try await self.publish(member) }
        guard case .NotAllowed = refused else { return XCTFail("another error: \(String(describing: refused))") }
    }

    func test_a_second_phone_reads_what_the_first_one_wrote() async throws {
        let two = try await twoPhones()
        try await two.first.library.readOn(two.document, furthest: 1, moreSeconds: 60)
        try await two.meet()
        let here = try await two.first.library.documents()[0].reading
        let there = try await two.second.library.documents()[0].reading
        XCTAssertEqual(here, there)
        let reading = try await two.second.library.readOn(two.document, furthest: 2, moreSeconds: 30)
        XCTAssertEqual(reading, ReadingView(furthest: 2, total: 2, percent: 100, seconds: 90, finished: false))
        let finished = try await two.second.library.finishReading(two.document)
        XCTAssertTrue(finished.finished)
        try await two.meet()
        let later = try await two.first.library.documents()[0].reading
        XCTAssertEqual(later, finished)
    }

    func test_two_phones_of_a_member_agree_on_what_is_due() async throws {
        let two = try await twoPhones()
        for (book, said) in [(two.first, false), (two.second, true)] {
            let sheet = try await book.study.begin(two.quiz)
            let answer = QuizAnswer(question: sheet.questions[0].question, given: .truth(said: said))
            try await book.study.handIn(sheet, answers: [answer])
            try await two.meet()
        }
        let attempts = try await (two.first.study.attempts(two.quiz), two.second.study.attempts(two.quiz))
        XCTAssertEqual(attempts.0.count, 2)
        XCTAssertEqual(attempts.0, attempts.1)
        let due = try await (two.first.study.due(), two.second.study.due())
        XCTAssertEqual(due.0, due.1)
        let overview = try await (two.first.study.overview(), two.second.study.overview())
        XCTAssertEqual(overview.0, overview.1)
        XCTAssertEqual(overview.0.questions, 1)
    }

    func test_what_a_member_shares_is_counted_and_can_be_taken_back() async throws {
        let (book, document) = try await published()
        let before = try await book.library.shared(document)
        XCTAssertEqual(before, .withdrawn)
        try await book.library.share(document, .done)
        let figures = try await book.library.delivery()
        XCTAssertEqual(figures, [DeliveryView(document: document, members: 1, received: 1, done: nil)])
        let told = try await book.library.readers(document)
        XCTAssertEqual(told.map(\.name), ["Nguyễn Văn Bình"])
        XCTAssertEqual(told.map(\.mark), [.done])
        try await book.library.share(document, .withdrawn)
        let after = try await book.library.readers(document)
        XCTAssertEqual(after, [])
        let none = try await book.library.delivery()[0].received
        XCTAssertEqual(none, 0)
    }

    func test_a_quiz_is_drafted_and_published_and_taken_and_repeated() async throws {
        let (book, document) = try await published()
        let drafted = try await book.study.draft(document)
        XCTAssertFalse(drafted.isEmpty)
        for question in drafted {
            let section = try await book.library.section(document, number: Int(question.passage.number))
            XCTAssertTrue(section.text.contains(question.passage.quote))
        }
        let quiz = try await book.study.publish("Kiểm tra", questions: [trueOrFalse(document)])
        let sheet = try await book.study.begin(quiz)
        XCTAssertEqual(sheet.title, "Kiểm tra")
        XCTAssertEqual(sheet.questions[0].kind, .truth)
        let asked = sheet.questions[0].question
        let result = try await book.study.handIn(sheet, answers: [QuizAnswer(question: asked, given: .truth(said: false))])
        XCTAssertEqual(result.marks, QuizMarks(tenths: 0, right: 0, total: 1))
        XCTAssertEqual(result.questions[0].right, false)
        XCTAssertEqual(result.questions[0].passage.quote, quote)
        let listed = try await book.study.quizzes()[0]
        XCTAssertEqual([listed.id], [quiz])
        XCTAssertEqual([listed.attempts, listed.best?.tenths], [1, 0])
        let repeated = try await book.study.repeat(asked, given: .truth(said: true), felt: .easy)
        XCTAssertTrue(repeated.right)
        XCTAssertEqual(repeated.passage?.section, "Điều 5")
    }

    func test_a_quiz_whose_passage_stands_nowhere_is_refused() async throws {
        let (book, document) = try await published()
        for question in [trueOrFalse(document, "Câu này không có."), trueOrFalse(String(repeating: "00", count: 32))] {
            let refused = await thrown { try await book.study.publish("Kiểm tra", questions: [question]) }
            XCTAssertEqual(refused?.code, "quiz_citation")
        }
        let quizzes = try await book.study.quizzes()
        XCTAssertEqual(quizzes, [])
    }

    func test_an_exam_that_is_not_open_is_refused_before_it_is_begun() async throws {
        let (book, document) = try await published()
        let rules = ExamRules(opens: 4_000_000_000, closes: 4_000_003_600, attempts: 1, minutes: 20)
        let quiz = try await book.study.publish("Kỳ thi", questions: [trueOrFalse(document)], exam: rules)
        let listed = try await book.study.quizzes()[0].rules
        XCTAssertEqual(listed, rules)
        let closed = await thrown { try await book.study.begin(quiz) }
        XCTAssertEqual(closed?.code, "exam_not_yet")
    }

    func test_broadcasts_are_listed_in_order_with_their_links() async throws {
        let book = try await secretary()
        let link = WatchLinkView(label: "VTV1", url: "https://vtv.vn/truyen-hinh-truc-tuyen/vtv1.htm")
        let times: [Int64] = [4_000_003_600, 4_000_000_000]
        try await book.library.publishBroadcasts(
            times.map { NewBroadcast(start: $0, minutes: 45, title: "Buổi \($0)", links: [link]) })
        let listed = try await book.library.broadcasts()
        XCTAssertEqual(listed.map(\.start), times.sorted())
        XCTAssertEqual(listed[0].links, [link])
        XCTAssertEqual(listed[0].state, .next)
        XCTAssertNil(listed[0].recording)
        let bad = NewBroadcast(start: 1, minutes: 1, title: "x", links: [WatchLinkView(label: "x", url: "javascript:alert(1)")])
        let refused = await thrown { try await book.library.publishBroadcasts([bad]) }
        XCTAssertEqual(refused?.code, "schedule_link")
    }

    func test_text_for_a_voice_is_in_words_and_its_sentences_carry_ids() throws {
        XCTAssertEqual(try spoken("họp lúc 19h30 ngày 05/4"), "họp lúc mười chín giờ ba mươi phút ngày năm tháng tư")
        XCTAssertEqual(try spoken("1.005 hộ", region: .southern), "một ngàn không trăm lẻ năm hộ")
        let text = "Có 38 đảng viên. Bí thư chủ trì.\nHết."
        let sentences = try spokenSentences(text)
        XCTAssertEqual(
            sentences.map { piece(text, $0.sentence.begin, $0.sentence.end) }, ["Có 38 đảng viên.", "Bí thư chủ trì.", "Hết."])
        let ids = sentences.map(\.sentence.id)
        XCTAssertEqual(Set(ids).count, 3)
        XCTAssertEqual(ids, try spokenSentences(text).map(\.sentence.id))
        XCTAssertEqual(sentences[0].spoken, "Có ba mươi tám đảng viên.")
        XCTAssertGreaterThan(sentences[1].pauseMs, sentences[0].pauseMs)
    }

    func test_sentences_are_read_aloud_one_after_the_other_and_the_heard_one_is_shown() async throws {
        let (book, document) = try await published()
        let voice = Voice()
        let reader = try await book.library.reader(document, voice: voice)
        let states = reader.states()
        let follower = Task { () -> [ReaderView] in
            var shown: [ReaderView] = []
            for await view in states { shown.append(view) }
            return shown
        }
        var heard: [HeardView] = []
        var view = try await reader.play()
        while view.state == .speaking {
            heard.append(try XCTUnwrap(view.heard))
            view = try reader.finished(voice.last)
        }
        let shown = await follower.value
        XCTAssertEqual(shown.last?.state, .ended)
        XCTAssertEqual(voice.said.count, heard.count)
        XCTAssertTrue(voice.said[0].text.hasPrefix("Điều một"))
        let text = try await book.library.section(document, number: 0).text
        let spoken = heard.filter { $0.section == 0 && $0.sentence != nil }.map { piece(text, $0.begin, $0.end) }
        XCTAssertEqual(spoken[1], "Chi bộ họp lúc 19h30 ngày 05/4.")
        XCTAssertTrue(voice.said.contains { $0.text.contains("mười chín giờ ba mươi phút") })
    }

    func test_what_was_heard_becomes_reading_progress() async throws {
        let (book, document) = try await published()
        let voice = Voice()
        let reader = try await book.library.reader(document, voice: voice)
        var view = try await reader.play()
        while view.heard?.section == 0 { view = try reader.finished(voice.last) }
        let furthest = try await book.library.documents()[0].reading.furthest
        XCTAssertEqual(furthest, 1)
        XCTAssertEqual(try reader.finished(voice.said[0].number).heard, view.heard)
        try await reader.pause()
        XCTAssertEqual(voice.stops, 1)
        XCTAssertEqual(try reader.view().state, .paused)
        let again = try await book.library.reader(document, voice: voice)
        XCTAssertEqual(try again.view().heard?.section, 1)
    }

    func test_a_voice_that_throws_pauses_the_reader_and_hurts_nobody() async throws {
        let (book, document) = try await published()
        let voice = Voice()
        let reader = try await book.library.reader(document, voice: voice)
        voice.broken = true
        let failed = await thrown { try await reader.play() }
        XCTAssertEqual(failed?.code, "voice_failed")
        XCTAssertEqual(try reader.view().state, .paused)
        let hits = try await book.library.search("chuyên đề").hits
        XCTAssertFalse(hits.isEmpty)
        voice.broken = false
        let view = try await reader.play()
        XCTAssertEqual(view.state, .speaking)
    }

    /// The regulation that the tests read, published from a file.
    private func publish(_ book: Handbook, _ content: String = text) async throws -> PublishedView {
        let file = place("quy-dinh.txt")
        try content.write(to: file, atomically: true, encoding: .utf8)
        return try await book.library.publish(
            file, code: "33-QĐ/TU", date: "2022-02-10", kind: "Quy định", issuer: "Tỉnh ủy Hòa Giang", title: "Chi bộ kiểu mẫu")
    }

    private func published() async throws -> (Handbook, String) {
        let book = try await secretary()
        return (book, try await publish(book).id)
    }

    private struct TwoPhones {
        let first: Handbook, second: Handbook, document: String, quiz: String
        let secretary: Handbook

        /// The first phone learns of the second one, hands its keys over when it comes again, and each learns what the other wrote.
        func meet() async throws {
            for book in [secretary, first, second, first, second, first] { try await book.sync.once(Relay.running.address) }
        }
    }

    /// Two phones of one member, the document and the quiz that both have.
    private func twoPhones() async throws -> TwoPhones {
        let (secretary, document) = try await published()
        let quiz = try await secretary.study.publish("Hỏi nhanh", questions: [trueOrFalse(document)])
        let (first, second) = (try await phone("P4"), try await phone("P4b"))
        let member = try await join(secretary, first)
        try await first.sync.once(Relay.running.address)
        try await secretary.sync.once(Relay.running.address)
        let request = try await second.branch.joinRequest()
        try await second.branch.accept(secretary.branch.admit(request: request.text, member: member))
        return TwoPhones(first: first, second: second, document: document, quiz: quiz, secretary: secretary)
    }
}

/// A question with its passage.
private func trueOrFalse(_ document: String, _ passage: String = quote) -> QuizQuestion {
    QuizQuestion(
        text: "Mỗi quý có một buổi chuyên đề?", task: .truth(right: true),
        passage: PassageView(explanation: "Điều 5", document: document, number: 1, section: "Điều 5", quote: passage))
}

/// A stretch of a text by its UTF-16 units, without blanks around it.
private func piece(_ text: String, _ begin: UInt32, _ end: UInt32) -> String {
    let units = Array(text.utf16)[Int(begin)..<Int(end)]
    return String(decoding: units, as: UTF16.self).trimmingCharacters(in: .whitespacesAndNewlines)
}

/// Keeps what it is told to say.
private final class Voice: SpeechOutput, @unchecked Sendable {
    private let lock = NSLock()
    private var utterances: [Utterance] = []
    private var silences = 0
    private var throwing = false

    var said: [Utterance] { lock.withLock { utterances } }
    var last: UInt64 { said.last?.number ?? 0 }
    var stops: Int { lock.withLock { silences } }
    var broken: Bool {
        get { lock.withLock { throwing } }
        set { lock.withLock { throwing = newValue } }
    }

    func speak(utterance: Utterance) throws {
        if broken { throw Ended() }
        lock.withLock { utterances.append(utterance) }
    }

    func stop() throws {
        lock.withLock { silences += 1 }
    }
}
