package vn.sotay

import java.io.File
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.delay
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** The documents of this binding hold, and it is as quick as they say. */
class DocumentsTest : Stage() {
    private val root = File(System.getProperty("sotay.root"))

    @Test
    fun `the quick start runs as written`() = test {
        assertEquals("Nhà văn hóa thôn", quickStart(place("p1"), Relay.address))
        assertEquals(example(0), source("QuickStart"), "the quick start in docs/EMBEDDING.md is the one that was run")
    }

    @Test
    fun `the example of the library runs as written`() = test {
        val book = secretary()
        val file = place("quy-che.txt").apply { writeText("Điều 1. Biểu quyết\nBiểu quyết bằng giơ tay.\n") }
        val said = ArrayList<String>()
        val voice =
            object : SpeechOutput {
                override fun speak(utterance: Utterance) {
                    said += utterance.text
                }

                override fun stop() = Unit
            }
        val (answers, reader) = libraryStart(book, file, voice, this) { _, _, _ -> }
        assertEquals("Biểu quyết bằng giơ tay.", answers.quotes.single().quote)
        assertEquals(listOf("Điều một. Biểu quyết"), said)
        assertEquals(ReaderState.SPEAKING, reader.state.value.state)
        assertEquals(example(1), source("LibraryStart"), "the example in docs/EMBEDDING.md is the one that was run")
    }

    /** An example of the guide, counted from 0. */
    private fun example(number: Int): String =
        File(root, "docs/EMBEDDING.md").readText().split("```kotlin\n")[number + 1].substringBefore("```").trim()

    private fun source(name: String): String {
        val source = File(root, "bindings/kotlin/sotay/src/test/kotlin/vn/sotay/$name.kt").readText()
        return source.substringAfter("// begin\n").substringBefore("    // end").trimIndent().trim()
    }

    @Test
    fun `the list of behaviours and the tests name the same`() {
        val listed =
            File(root, "bindings/BEHAVIOURS.md").readLines().filter { it.firstOrNull()?.isDigit() == true }
                .map { words(it.substringAfter(". ").substringBefore(" (")) }
        val here =
            listOf(ProfilesTest::class, MeetingsTest::class, SyncTest::class, RecordsTest::class, LibraryTest::class, PeopleTest::class, UnitsTest::class)
                .flatMap { it.java.declaredMethods.toList() }
                .filter { method -> method.annotations.any { it.annotationClass.simpleName in setOf("Test", "ParameterizedTest") } }
                .map { words(it.name) }
        assertTrue(listed.size >= 25)
        assertEquals(emptySet<String>(), listed.toSet() - here.toSet()) { "listed and not tested" }
        assertEquals(emptySet<String>(), here.toSet() - listed.toSet()) { "tested and not listed" }
    }

    @Test
    fun `the wrapper and the library are one version`() {
        val pom = File(root, "bindings/kotlin/pom.xml").readText()
        assertEquals(pom.substringAfter("<version>").substringBefore("</version>"), libraryVersion())
    }

    @Test
    fun `a view of a full meeting is read over the bridge as one record`() = test {
        val book = secretary()
        val members = book.branch.addMembers(List(59) { plainMember("Đảng viên $it") }, SINCE)
        val meeting = begin(book)
        meeting.apply(MeetingCommand.Step(MeetingStep.OPENED), mark(members, AttendanceState.PRESENT))
        for (number in 0 until 12) meeting.apply(speech(book, "Ý kiến thứ $number: nhất trí với dự thảo nghị quyết."))
        for (number in 0 until 4) meeting.apply(MeetingCommand.AddConclusion("Kết luận $number", responsible = members.take(3)))
        val view = meeting.view()
        assertEquals(listOf(60, 12, 4), listOf(view.attendance.size, view.speeches.size, view.conclusions.size))
        repeat(200) { assertEquals(view, meeting.view()) }
        val nanos = LongArray(200) { val began = System.nanoTime(); meeting.view(); System.nanoTime() - began }.sorted()
        println("bench: a view of 60 members, 12 speeches, 4 conclusions: median %.2f ms, best %.2f ms".format(nanos[100] / 1e6, nanos[0] / 1e6))
    }

    @Test
    fun `ten thousand changes cross the bridge on one thread, in batches`() = test {
        val book = secretary()
        val members = book.branch.addMembers(List(500) { plainMember("Đảng viên $it") }, SINCE)
        val meeting = begin(book)
        val threads = java.util.concurrent.ConcurrentHashMap.newKeySet<Thread>()
        val subscription = book.subscribe { threads += Thread.currentThread() }
        // The first rounds are the virtual machine's: it compiles what runs often.
        repeat(4) {
            val before = subscription.stats()
            repeat(20) { turn ->
                meeting.apply(mark(members, if (turn % 2 == 1) AttendanceState.PRESENT else AttendanceState.EXCUSED))
            }
            while (subscription.stats().changes < before.changes + 10_000u) delay(10.milliseconds)
            val after = subscription.stats()
            val changes = (after.changes - before.changes).toLong()
            val each = (after.nanos - before.nanos).toDouble() / changes / 1_000
            println("bench: %.2f us a change, %d changes in %d batches".format(each, changes, (after.batches - before.batches).toLong()))
        }
        val all = subscription.stats()
        println("bench: %.2f us a change on average, %d changes on one thread".format(all.nanos.toDouble() / all.changes.toLong() / 1_000, all.changes.toLong()))
        assertEquals(1, threads.size)
        subscription.cancel()
    }

    private fun words(text: String) = text.lowercase().filter(Char::isLetterOrDigit)
}
