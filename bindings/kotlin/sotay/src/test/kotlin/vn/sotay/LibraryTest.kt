package vn.sotay

import java.io.File
import java.util.concurrent.CopyOnWriteArrayList
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.takeWhile
import kotlinx.coroutines.flow.toList
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

private const val QUOTE = "Mỗi quý chi bộ có một buổi sinh hoạt chuyên đề."
private const val TEXT =
    "Điều 1. Phạm vi áp dụng\n" +
        "Quy định này áp dụng cho chi bộ trực thuộc đảng ủy cơ sở. Chi bộ họp lúc 19h30 ngày 05/4.\n" +
        "Điều 5. Chất lượng sinh hoạt\n" +
        "$QUOTE Tỷ lệ đảng viên dự họp bình quân trong năm đạt từ 90% trở lên.\n"

/** Behaviours 68 to 84 of bindings/BEHAVIOURS.md. */
class LibraryTest : Stage() {
    @Test
    fun `a published file is understood and reaches another phone`() = test {
        val (secretary, deputy) = pair()
        val published = publish(secretary)
        assertEquals(listOf(2u, 2u, null), listOf(published.articles, published.paragraphs, published.foundCode))
        secretary.sync.once(Relay.address)
        deputy.sync.once(Relay.address)
        val entry = deputy.library.documents().first()
        assertEquals(listOf(published.id, "33-QĐ/TU", "2022-02-10", true), listOf(entry.id, entry.code, entry.date, entry.complete))
        assertEquals(listOf("Điều 1", "Điều 5"), deputy.library.contents(entry.id).map { it.label })
        val section = deputy.library.section(entry.id, 1)
        val first = section.sentences.first()
        assertEquals(QUOTE, section.text.substring(first.begin.toInt(), first.end.toInt()).trim())
        assertEquals(1u, section.place.firstParagraph)
    }

    @Test
    fun `search finds with and without marks and by code`() = test {
        val (book, document) = published()
        for (query in listOf("sinh hoạt chuyên đề", "sinh hoat chuyen de", "sinh hoatj chuyeen ddeef", "33-QĐ/TU điều 5", "chuyên đ")) {
            val best = book.library.search(query).hits.first()
            assertEquals(document to "Điều 5", best.document to best.section, query)
        }
        val nothing = book.library.search("?!… ---")
        assertEquals(SearchResults(emptyList(), SearchNote.NO_WORDS), nothing)
    }

    @Test
    fun `an answer stands word for word in the section it cites or is honestly not found`() = test {
        val (book, document) = published()
        val answers = book.library.ask("Tỷ lệ dự họp bình quân là bao nhiêu?")
        val quote = answers.quotes.first()
        assertTrue("90%" in quote.quote)
        assertNull(answers.message)
        assertTrue(quote.quote in book.library.section(document, quote.number.toInt()).text)
        val nothing = book.library.ask("Giá vàng hôm nay bao nhiêu?")
        assertEquals(Answers(emptyList(), "Không tìm thấy trong các văn bản trên máy"), nothing)
    }

    @Test
    fun `a query over the limit and an unknown document are told`() = test {
        val (book, _) = published()
        assertEquals(emptyList<SearchHit>(), book.library.search("a".repeat(10_000)).hits)
        assertEquals("query_too_long", thrown<SotayException.Input> { book.library.search("a".repeat(10_001)) }.code)
        assertEquals("no_document", thrown<SotayException.Input> { book.library.contents("00".repeat(32)) }.code)
        assertEquals("malformed", thrown<SotayException.Input> { book.library.contents("nonsense") }.code)
    }

    @Test
    fun `a file that cannot be published is told with its reason`() = test {
        val book = secretary()
        for ((text, code) in listOf("TỐI MẬT\nĐiều 1. Phạm vi\nNội dung.\n" to "secrecy_mark", "\n \n" to "empty_document")) {
            assertEquals(code, thrown<SotayException.Input> { publish(book, text) }.code)
        }
        val missing =
            thrown<SotayException.Input> {
                book.library.publish(place("nowhere.docx"), "1-HD/CB", "2025-01-01", "HD", "Chi bộ", "Không có")
            }
        assertEquals("file_unreadable", missing.code)
        assertEquals(emptyList<DocumentEntry>(), book.library.documents())
    }

    @Test
    fun `a member may not publish`() = test {
        val secretary = secretary()
        val member = phone("P4")
        join(secretary, member)
        thrown<SotayException.NotAllowed> { publish(member) }
    }

    @Test
    fun `a second phone reads what the first one wrote`() = test {
        val (first, second, document, _) = twoPhones()
        first.library.readOn(document, furthest = 1, moreSeconds = 60)
        meet()
        assertEquals(first.library.documents().first().reading, second.library.documents().first().reading)
        val reading = second.library.readOn(document, furthest = 2, moreSeconds = 30)
        assertEquals(ReadingView(2u, 2u, 100u, 90u, false), reading)
        assertTrue(second.library.finishReading(document).finished)
        meet()
        assertEquals(second.library.documents().first().reading, first.library.documents().first().reading)
    }

    @Test
    fun `two phones of a member agree on what is due`() = test {
        val (first, second, _, quiz) = twoPhones()
        for ((book, said) in listOf(first to false, second to true)) {
            val sheet = book.study.begin(quiz)
            book.study.handIn(sheet, listOf(QuizAnswer(sheet.questions.first().question, GivenAnswer.Truth(said))))
            meet()
        }
        assertEquals(2, first.study.attempts(quiz).size)
        assertEquals(first.study.attempts(quiz), second.study.attempts(quiz))
        assertEquals(first.study.due(), second.study.due())
        assertEquals(first.study.overview(), second.study.overview())
        assertEquals(1u, first.study.overview().questions)
    }

    @Test
    fun `what a member shares is counted and can be taken back`() = test {
        val (book, document) = published()
        assertEquals(SharedMark.WITHDRAWN, book.library.shared(document))
        book.library.share(document, SharedMark.DONE)
        assertEquals(DeliveryView(document, 1u, 1u, null), book.library.delivery().first())
        val told = book.library.readers(document).first()
        assertEquals("Nguyễn Văn Bình" to SharedMark.DONE, told.name to told.mark)
        book.library.share(document, SharedMark.WITHDRAWN)
        assertEquals(emptyList<ReaderMark>(), book.library.readers(document))
        assertEquals(0u, book.library.delivery().first().received)
    }

    @Test
    fun `a quiz is drafted and published and taken and repeated`() = test {
        val (book, document) = published()
        val drafted = book.study.draft(document)
        assertTrue(drafted.isNotEmpty())
        for (question in drafted) {
            assertTrue(question.passage.quote in book.library.section(document, question.passage.number.toInt()).text)
        }
        val quiz = book.study.publish("Kiểm tra", listOf(trueOrFalse(document)))
        val sheet = book.study.begin(quiz)
        assertEquals("Kiểm tra" to AskedKind.TRUTH, sheet.title to sheet.questions.first().kind)
        val asked = sheet.questions.first().question
        val result = book.study.handIn(sheet, listOf(QuizAnswer(asked, GivenAnswer.Truth(false))))
        assertEquals(QuizMarks(0u, 0u, 1u), result.marks)
        assertEquals(false to QUOTE, result.questions.first().right to result.questions.first().passage.quote)
        val listed = book.study.quizzes().first()
        assertEquals(listOf(quiz, 1u, 0u), listOf(listed.id, listed.attempts, listed.best?.tenths))
        val repeated = book.study.repeat(asked, GivenAnswer.Truth(true), AnswerRating.EASY)
        assertEquals(true to "Điều 5", repeated.right to repeated.passage?.section)
    }

    @Test
    fun `a quiz whose passage stands nowhere is refused`() = test {
        val (book, document) = published()
        for (question in listOf(trueOrFalse(document, "Câu này không có."), trueOrFalse("00".repeat(32)))) {
            assertEquals("quiz_citation", thrown<SotayException.Input> { book.study.publish("Kiểm tra", listOf(question)) }.code)
        }
        assertEquals(emptyList<QuizView>(), book.study.quizzes())
    }

    @Test
    fun `an exam that is not open is refused before it is begun`() = test {
        val (book, document) = published()
        val rules = ExamRules(opens = 4_000_000_000, closes = 4_000_003_600, attempts = 1u, minutes = 20u)
        val quiz = book.study.publish("Kỳ thi", listOf(trueOrFalse(document)), rules)
        assertEquals(rules, book.study.quizzes().first().rules)
        assertEquals("exam_not_yet", thrown<SotayException.Input> { book.study.begin(quiz) }.code)
    }

    @Test
    fun `broadcasts are listed in order with their links`() = test {
        val book = secretary()
        val link = WatchLinkView("VTV1", "https://vtv.vn/truyen-hinh-truc-tuyen/vtv1.htm")
        val times = listOf(4_000_003_600, 4_000_000_000)
        book.library.publishBroadcasts(times.map { NewBroadcast(it, 45u, "Buổi $it", listOf(link)) })
        val listed = book.library.broadcasts()
        assertEquals(times.sorted(), listed.map { it.start })
        assertEquals(listOf(listOf(link), AirState.NEXT, null), listed.first().let { listOf(it.links, it.state, it.recording) })
        val bad = NewBroadcast(1, 1u, "x", listOf(WatchLinkView("x", "javascript:alert(1)")))
        assertEquals("schedule_link", thrown<SotayException.Input> { book.library.publishBroadcasts(listOf(bad)) }.code)
    }

    @Test
    fun `text for a voice is in words and its sentences carry ids`() = test {
        assertEquals("họp lúc mười chín giờ ba mươi phút ngày năm tháng tư", spoken("họp lúc 19h30 ngày 05/4"))
        assertEquals("một ngàn không trăm lẻ năm hộ", spoken("1.005 hộ", SpeechRegion.SOUTHERN))
        val text = "Có 38 đảng viên. Bí thư chủ trì.\nHết."
        val sentences = spokenSentences(text)
        assertEquals(
            listOf("Có 38 đảng viên.", "Bí thư chủ trì.", "Hết."),
            sentences.map { text.substring(it.sentence.begin.toInt(), it.sentence.end.toInt()).trim() },
        )
        val ids = sentences.map { it.sentence.id }
        assertEquals(3, ids.toSet().size)
        assertEquals(ids, spokenSentences(text).map { it.sentence.id })
        assertEquals("Có ba mươi tám đảng viên.", sentences[0].spoken)
        assertTrue(sentences[1].pauseMs > sentences[0].pauseMs)
    }

    @Test
    fun `sentences are read aloud one after the other and the heard one is shown`() = test {
        val (book, document) = published()
        val voice = Voice()
        val reader = book.library.reader(document, voice)
        val shown = async { reader.state.takeWhile { it.state != ReaderState.ENDED }.toList() }
        val heard = ArrayList<HeardView?>()
        var view = reader.play()
        while (view.state == ReaderState.SPEAKING) {
            assertEquals(view, reader.state.value)
            heard += view.heard
            view = reader.finished(voice.said.last().number)
        }
        assertEquals(ReaderState.ENDED, reader.state.first { it.state == ReaderState.ENDED }.state)
        shown.await()
        assertEquals(voice.said.size, heard.size)
        assertTrue(voice.said.first().text.startsWith("Điều một"))
        val text = book.library.section(document, 0).text
        val spoken = heard.filterNotNull().filter { it.section == 0u && it.sentence != null }.map { text.substring(it.begin.toInt(), it.end.toInt()).trim() }
        assertEquals("Chi bộ họp lúc 19h30 ngày 05/4.", spoken[1])
        assertTrue(voice.said.any { "mười chín giờ ba mươi phút" in it.text })
    }

    @Test
    fun `what was heard becomes reading progress`() = test {
        val (book, document) = published()
        val voice = Voice()
        val reader = book.library.reader(document, voice)
        var view = reader.play()
        while (view.heard?.section == 0u) view = reader.finished(voice.said.last().number)
        assertEquals(1u, book.library.documents().first().reading.furthest)
        assertEquals(view.heard, reader.finished(voice.said.first().number).heard)
        reader.pause()
        assertEquals(1 to ReaderState.PAUSED, voice.stops to reader.state.value.state)
        assertEquals(1u, book.library.reader(document, voice).state.value.heard?.section)
    }

    @Test
    fun `a voice that throws pauses the reader and hurts nobody`() = test {
        val (book, document) = published()
        val voice = Voice()
        val reader = book.library.reader(document, voice)
        voice.broken = true
        assertEquals("voice_failed", thrown<SotayException.Input> { reader.play() }.code)
        assertEquals(ReaderState.PAUSED, reader.state.value.state)
        assertTrue(book.library.search("chuyên đề").hits.isNotEmpty())
        voice.broken = false
        assertEquals(ReaderState.SPEAKING, reader.play().state)
    }

    /** The regulation that the tests read, published from a file. */
    private suspend fun publish(book: Handbook, text: String = TEXT): PublishedView {
        val file: File = place("quy-dinh.txt").apply { writeText(text) }
        return book.library.publish(file, "33-QĐ/TU", "2022-02-10", "Quy định", "Tỉnh ủy Hòa Giang", "Chi bộ kiểu mẫu")
    }

    private suspend fun published(): Pair<Handbook, String> = secretary().let { it to publish(it).id }

    /** A question with its passage. */
    private fun trueOrFalse(document: String, quote: String = QUOTE) =
        QuizQuestion("Mỗi quý có một buổi chuyên đề?", QuizTask.Truth(true), PassageView("Điều 5", document, 1u, "Điều 5", quote))

    private lateinit var meeting: List<Handbook>

    /** Two phones of one member, the document and the quiz that both have. */
    private suspend fun twoPhones(): TwoPhones {
        val (secretary, document) = published()
        val quiz = secretary.study.publish("Hỏi nhanh", listOf(trueOrFalse(document)))
        val first = phone("P4")
        val second = phone("P4b")
        val member = join(secretary, first)
        first.sync.once(Relay.address)
        secretary.sync.once(Relay.address)
        second.branch.accept(secretary.branch.admit(second.branch.joinRequest().text, member))
        // The first phone learns of the second one, hands its keys over when it comes again, and each learns what the other wrote.
        meeting = listOf(secretary, first, second, first, second, first)
        return TwoPhones(first, second, document, quiz)
    }

    private data class TwoPhones(val first: Handbook, val second: Handbook, val document: String, val quiz: String)

    private suspend fun meet() = meeting.forEach { it.sync.once(Relay.address) }

    /** Keeps what it is told to say. */
    private class Voice : SpeechOutput {
        val said = CopyOnWriteArrayList<Utterance>()
        @Volatile var stops = 0
        @Volatile var broken = false

        override fun speak(utterance: Utterance) {
            check(!broken) { "the voice is broken" }
            said += utterance
        }

        override fun stop() {
            stops += 1
        }
    }
}
