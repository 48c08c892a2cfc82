package vn.sotay

import java.text.Normalizer
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** Enrolment and a meeting, with no network. */
class MeetingsTest : Stage() {
    @Test
    fun `founding a unit makes this phone the secretarys`() = test {
        val book = secretary()
        val card = book.branch.card()
        assertEquals(listOf("Chi bộ thôn An Lạc", "Đảng bộ xã Đông Phong", "Nguyễn Văn Bình"), listOf(card.name, card.upper, card.memberName))
        assertEquals(2.toUByte(), card.rank)
        assertEquals("already_in_unit", thrown<SotayException.Input> { book.branch.create("x", "y", "z") }.code)
    }

    @Test
    fun `a phone without a unit says so`() = test {
        val book = phone()
        assertEquals("no_unit", thrown<SotayException.Input> { book.branch.card() }.code)
    }

    @Test
    fun `a second phone joins by text and both show the same code`() = test {
        val secretary = secretary()
        val other = phone("P5")
        val request = other.branch.joinRequest()
        assertEquals(request.checkCode, secretary.branch.readRequest(request.text).checkCode)
        val member = join(secretary, other)
        assertEquals(member, other.branch.card().member)
        val phones = other.branch.members(DAY).associate { line -> line.name to line.devices.map { it.label } }
        assertEquals(mapOf("Nguyễn Văn Bình" to listOf("P3"), "Trần Thị Hoa" to listOf("P5")), phones)
    }

    @Test
    fun `an invitation for another phone is refused`() = test {
        val secretary = secretary()
        val member = secretary.branch.addMembers(listOf(plainMember("Lê Văn Tư")), DAY).single()
        val invitation = secretary.branch.admit(phone("P7").branch.joinRequest().text, member)
        val other = phone("P8")
        assertEquals("other_phone", thrown<SotayException.Input> { other.branch.accept(invitation) }.code)
    }

    @Test
    fun `damaged and foreign texts are told apart`() = test {
        val secretary = secretary()
        val request = phone().branch.joinRequest().text
        for ((text, code) in listOf("hello" to "other_text", request.dropLast(8) to "damaged_text")) {
            assertEquals(code, thrown<SotayException.Input> { secretary.branch.readRequest(text) }.code)
        }
    }

    @Test
    fun `a member may not do what officers do`() = test {
        val secretary = secretary()
        val member = phone("P9")
        join(secretary, member)
        val told = thrown<SotayException.NotAllowed> { member.branch.addMembers(listOf(plainMember("Ai đó")), DAY) }
        assertEquals(NextAction.ASK_OFFICER, told.nextAction)
    }

    @Test
    fun `a lost phone is set aside and removed`() = test {
        val (secretary, deputy) = pair()
        suspend fun states() = secretary.branch.phones().associate { it.device to it.state }
        assertEquals(PhoneState.ACTIVE to PhoneState.ACTIVE, states().let { it[secretary.device] to it[deputy.device] })
        secretary.branch.suspendPhone(deputy.device, RemovalReason.LOST)
        assertEquals(PhoneState.SUSPENDED, states()[deputy.device])
        secretary.branch.liftPhone(deputy.device)
        assertEquals(PhoneState.ACTIVE, states()[deputy.device])
        val change = secretary.branch.removePhone(deputy.device, RemovalReason.LOST)
        assertEquals(listOf(deputy.device), change.devices)
        assertTrue(SpaceKind.MAIN in change.rekeyed)
        assertEquals(PhoneState.ACTIVE to PhoneState.REVOKED, states().let { it[secretary.device] to it[deputy.device] })
        val told = thrown<SotayException.Input> { secretary.branch.suspendPhone(secretary.device, RemovalReason.LOST) }
        assertEquals("own_phone", told.code)
    }

    @Test
    fun `a meeting is held offline from attendance to minutes`() = test {
        val book = secretary()
        val others = book.branch.addMembers(listOf("Trần Thị Hoa", "Lê Văn Tư").map(::plainMember), SINCE)
        val meeting = begin(book)
        val chair = me(book)
        meeting.apply(
            MeetingCommand.SetPlace("Nhà văn hóa thôn"),
            MeetingCommand.SetChair(chair),
            MeetingCommand.SetClerk(others[0]),
            MeetingCommand.SetStart("2025-05-20T19:30"),
            MeetingCommand.Step(MeetingStep.OPENED),
            mark(listOf(chair, others[0]), AttendanceState.PRESENT),
            mark(listOf(others[1]), AttendanceState.EXCUSED, "ốm"),
        )
        val agenda = meeting.apply(MeetingCommand.AddAgenda("Nghị quyết tháng 6")).single()
        val motion =
            meeting.apply(
                MeetingCommand.AddSpeech(Who.Member(others[0]), "Nhất trí.", agenda),
                MeetingCommand.AddMotion("Thông qua nghị quyết", VoteMethod.HANDS, VoteNeed.MAJORITY, agenda),
            )[1]!!
        meeting.apply(
            MeetingCommand.OpenVote(motion),
            MeetingCommand.RecordTally(motion, Tally(2u, 0u, 0u), emptyList()),
            MeetingCommand.AddConclusion("Giao đồng chí Hoa.", agenda, "2025-06-15", listOf(others[0])),
            MeetingCommand.Step(MeetingStep.CLOSED),
        )
        val view = meeting.view()
        assertEquals(listOf("Nhà văn hóa thôn", MeetingStep.CLOSED, DAY), listOf(view.place, view.phase, view.date))
        assertEquals(listOf(3u, 2u, 1u), listOf(view.counts.total, view.counts.present, view.counts.excused))
        assertEquals("Trần Thị Hoa", view.speeches.single().speaker?.name)
        assertEquals(2u, view.motions.single().tallies.single().counts.inFavour)
        assertEquals("2025-06-15", view.conclusions.single().deadline)
        assertEquals("Trần Thị Hoa", view.conclusions.single().responsible.single().name)
        val minutes = meeting.minutes()
        assertTrue("Nhà văn hóa thôn" in minutes.text)
        assertEquals(64, minutes.sha256.length)
        val heading = book.branch.meetings().first()
        assertEquals(meeting.id to MeetingStep.CLOSED, heading.id to heading.phase)
    }

    @Test
    fun `commands of one call happen all or not at all`() = test {
        val book = secretary()
        val meeting = begin(book)
        val told =
            thrown<SotayException.Input> {
                meeting.apply(speech(book, "không được ghi"), MeetingCommand.EditSpeech("00".repeat(16), "x"))
            }
        assertEquals("unknown", told.code)
        assertEquals(emptyList<SpeechView>(), meeting.view().speeches)
    }

    @Test
    fun `a speech of 100,000 characters is refused and loses nothing`() = test {
        val book = secretary()
        val meeting = begin(book)
        meeting.apply(speech(book, "đã ghi"))
        val told = thrown<SotayException.Input> { meeting.apply(speech(book, "ế".repeat(100_000))) }
        assertEquals("text_too_long", told.code)
        assertTrue("100000" in told.text(Language.EN))
        assertEquals(listOf("đã ghi"), meeting.view().speeches.map { it.text })
        meeting.apply(speech(book, "ế".repeat(8_000)))
    }

    @Test
    fun `text typed in NFD is kept in NFC`() = test {
        val book = secretary()
        val meeting = begin(book)
        val composed = "Tiếng Việt ở thôn Đoài"
        meeting.apply(speech(book, Normalizer.normalize(composed, Normalizer.Form.NFD)))
        assertEquals(composed, meeting.view().speeches.single().text)
    }

    @Test
    fun `a vote that is open keeps its text`() = test {
        val book = secretary()
        val meeting = begin(book)
        meeting.apply(MeetingCommand.Step(MeetingStep.OPENED), mark(listOf(me(book)), AttendanceState.PRESENT))
        val motion = meeting.apply(MeetingCommand.AddMotion("A", VoteMethod.HANDS, VoteNeed.MAJORITY)).single()!!
        meeting.apply(MeetingCommand.OpenVote(motion))
        assertEquals("vote_open", thrown<SotayException.Input> { meeting.apply(MeetingCommand.EditMotion(motion, "B")) }.code)
    }

    @Test
    fun `the history of a meeting names the phone and the part`() = test {
        val book = secretary()
        val meeting = begin(book)
        meeting.apply(speech(book, "một"))
        val last = meeting.history().last()
        assertEquals("P3", last.mark.label)
        assertTrue(last.what.any { it is Change.Document && it.part == DocumentPart.SPEECH })
    }
}
