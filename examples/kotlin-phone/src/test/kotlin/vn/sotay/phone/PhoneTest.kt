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
}
