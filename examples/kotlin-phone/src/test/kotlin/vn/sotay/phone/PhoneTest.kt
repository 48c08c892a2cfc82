package vn.sotay.phone

import java.nio.file.Path
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.cancelChildren
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import vn.sotay.Handbook
import vn.sotay.MeetingStep
import vn.sotay.NextAction
import vn.sotay.SharedMark
import vn.sotay.SpeechOutput
import vn.sotay.Utterance

/** Screens show what happens, and say what goes wrong. */
class PhoneTest {
    @TempDir
    lateinit var folder: Path

    private fun test(block: suspend CoroutineScope.(Handbook) -> Unit) = runBlocking {
        withTimeout(60_000) {
            Handbook.create(folder.resolve("p").toFile(), "P1").use { handbook ->
                block(handbook)
                coroutineContext.cancelChildren()
            }
        }
    }

    private suspend fun Phone.well(line: String): List<String> =
        answer(line).also { assertEquals("ok", it.last()) { "$line: $it" } }.dropLast(1)

    @Test
    fun `a phone spoken to in lines holds a meeting`() = test { handbook ->
        val phone = Phone(handbook, this)
        phone.well("found Chi bộ thôn An Lạc | Đảng bộ xã Đông Phong | Nguyễn Văn Bình | 2025-01-01")
        assertEquals(3, phone.well("members 2025-01-01 | Trần Thị Hoa; Lê Văn Tư").size)
        phone.well("begin 2025-05 | 2025-05-20")
        for (line in listOf("place Nhà văn hóa thôn", "open", "mark present | 1-2", "mark excused | 3 | ốm", "speech 2 | Nhất trí.")) phone.well(line)
        phone.well("conclusion Giao đồng chí Hoa. | 2025-06-15 | 2 3")
        phone.well("close")
        assertEquals(
            listOf("2025-05 · Nhà văn hóa thôn · CLOSED", "attendance: 2/1/0/0 of 3", "speeches: 1, conclusions: 1, blocked: false"),
            phone.well("view"),
        )
        assertTrue(phone.well("minutes").any { "Giao đồng chí Hoa." in it })
        assertEquals(64, phone.well("sha256").single().length)
        assertEquals(emptyList<String>(), phone.well("review"))
        assertTrue(phone.well("home").first().startsWith("Chi bộ thôn An Lạc"))
    }

    @Test
    fun `a phone spoken to in lines publishes, searches, reads and listens`() = test { handbook ->
        val phone = Phone(handbook, this)
        phone.well("found Chi bộ thôn An Lạc | Đảng bộ xã Đông Phong | Nguyễn Văn Bình | 2025-01-01")
        val file = folder.resolve("quy-che.txt").toFile()
        file.writeText("Điều 1. Họp\nChi bộ họp lúc 19h30.\nĐiều 2. Biểu quyết\nBiểu quyết bằng giơ tay.\n")
        assertEquals(listOf("sections: 2, paragraphs: 2"), phone.well("publish ${file.path} | 02-QC/CB | 2023-01-08 | Quy chế | Chi bộ | Quy chế làm việc"))
        assertTrue(phone.well("search bieu quyet").single().startsWith("02-QC/CB · Điều 2 · "))
        assertEquals(listOf("“Biểu quyết bằng giơ tay.” (Điều 2, 02-QC/CB, 2023-01-08)"), phone.well("ask biểu quyết bằng hình thức nào"))
        assertEquals(listOf("Điều 1. Họp", "Chi bộ họp lúc 19h30.", "read: 50%"), phone.well("read 1"))
        assertEquals(listOf("Điều hai. Biểu quyết", "Biểu quyết bằng giơ tay."), phone.well("speak 1"))
        assertEquals(listOf("1. 02-QC/CB · 2023-01-08 · Quy chế làm việc · 100%"), phone.well("library"))
        phone.well("share 1")
        assertTrue(phone.answer("read 2").single().startsWith("error no document 2"))
    }

    @Test
    fun `the reading screen begins where one stopped and shows the sentence that is heard`() = test { handbook ->
        handbook.branch.create("Chi bộ", "Đảng bộ", "Bình", since = "2025-01-01")
        val file = folder.resolve("quy-che.txt").toFile().apply { writeText("Điều 1. Họp\nChi bộ họp.\nĐiều 2. Biểu quyết\nBằng giơ tay.\n") }
        val library = LibraryModel(handbook, this)
        val id = handbook.library.publish(file, "02-QC/CB", "2023-01-08", "Quy chế", "Chi bộ", "Quy chế").id
        library.screen.shown.first { it.content?.documents?.singleOrNull()?.id == id }
        assertNull(library.search("a".repeat(10_001)))
        assertNotNull(library.screen.shown.value.notice)
        val reading = ReadingModel(handbook, id, this)
        assertEquals("Điều 1", reading.screen.shown.first { it.content != null }.content!!.section.place.label)
        assertTrue(reading.turn(1, seconds = 30) && reading.share(SharedMark.DONE))
        val content = ReadingModel(handbook, id, this).screen.shown.first { it.content != null }.content!!
        assertEquals(listOf("Điều 2", SharedMark.DONE, 30UL), listOf(content.section.place.label, content.told, content.entry.reading.seconds))
        val said = ArrayList<Utterance>()
        val voice =
            object : SpeechOutput {
                override fun speak(utterance: Utterance) {
                    said += utterance
                }

                override fun stop() = Unit
            }
        val state = reading.listen(voice)!!
        assertEquals(1u to null, state.value.heard!!.let { it.section to it.sentence })
        reading.finished(said.last().number)
        val heard = state.value.heard!!
        assertEquals("Bằng giơ tay.", content.section.text.substring(heard.begin.toInt(), heard.end.toInt()))
        assertTrue(reading.rest() && reading.finish())
        assertTrue(reading.screen.shown.first { it.content?.entry?.reading?.finished == true }.content!!.entry.reading.finished)
    }

    @Test
    fun `lines that make no sense are answered with what is wrong`() = test { handbook ->
        val phone = Phone(handbook, this)
        assertTrue(phone.answer("dance").single().startsWith("error no such command"))
        assertTrue(phone.answer("view").single().startsWith("error no meeting yet"))
        assertTrue(phone.answer("found x").single().startsWith("error found UNIT"))
        assertTrue(phone.answer("home").single().startsWith("error "))
    }

    @Test
    fun `the home screen shows a unit as soon as there is one, and the meeting that is not closed`() = test { handbook ->
        val home = HomeModel(handbook, this)
        assertEquals(NextAction.CHANGE_INPUT, home.screen.shown.first { it.notice != null }.notice!!.next)
        handbook.branch.create("Chi bộ", "Đảng bộ", "Bình", since = "2025-01-01")
        home.screen.shown.first { it.content?.card?.name == "Chi bộ" }
        val id = home.begin("2025-05", "2025-05-20")
        assertEquals(id, home.screen.shown.first { it.content?.current != null }.content!!.current!!.id)
        val meeting = MeetingModel(handbook, id!!, this)
        assertTrue(meeting.step(MeetingStep.OPENED))
        assertTrue(meeting.step(MeetingStep.CLOSED))
        home.screen.shown.first { it.content?.current == null && it.content?.meetings?.size == 1 }
    }

    @Test
    fun `what a person does wrong is a notice that goes with the next thing done well`() = test { handbook ->
        handbook.branch.create("Chi bộ", "Đảng bộ", "Bình", since = "2025-01-01")
        val me = handbook.branch.card().member
        val meeting = MeetingModel(handbook, HomeModel(handbook, this).begin("2025-05", "2025-05-20")!!, this)
        assertTrue(!meeting.speech(me, "ế".repeat(100_000)))
        assertNotNull(meeting.screen.shown.value.notice)
        assertTrue(meeting.speech(me, "Nhất trí."))
        assertNull(meeting.screen.shown.value.notice)
        assertEquals("Nhất trí.", meeting.screen.shown.first { it.content?.view?.speeches?.size == 1 }.content!!.view.speeches.single().text)
    }

    @Test
    fun `feedback waits until it is sent and can be taken back`() = test { handbook ->
        val phone = Phone(handbook, this)
        phone.well("found Chi bộ thôn An Lạc | Đảng bộ xã Đông Phong | Nguyễn Văn Bình | 2025-01-01")
        val home = phone.well("home")
        assertTrue(home[0].endsWith("SECRETARY") && home[2].startsWith("now: ")) { "$home" }
        assertEquals(listOf("own: Sinh hoạt · WAITING · 0"), phone.well("feedback nameless | Sinh hoạt | Họp quá dài."))
        val model = FeedbackModel(handbook, this)
        val item = model.screen.shown.first { it.content != null }.content!!.own.single()
        assertTrue(!model.answer("no id", "Sẽ họp gọn.", public = true))
        assertNotNull(model.screen.shown.value.notice)
        assertTrue(model.withdraw(item.id))
        assertEquals(null, model.screen.shown.value.notice)
        assertEquals(listOf("own: Sinh hoạt · WITHDRAWN · 0"), phone.well("feedback"))
    }
}
