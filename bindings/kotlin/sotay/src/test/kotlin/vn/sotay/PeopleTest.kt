package vn.sotay

import java.io.File
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.flow.toList
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

private const val YEAR = 2025
private const val PASSPHRASE = "hoa mai vang no som"

/** Codes to scan, personal data, guests, relays that are named, and the levels. */
class PeopleTest : Stage() {
    private suspend fun member(book: Handbook, name: String = "Trần Thị Hoa"): String =
        book.branch.addMembers(listOf(plainMember(name)), SINCE).single()

    private suspend fun meet(vararg books: Handbook) = books.forEach { it.sync.once(Relay.address) }

    /** A commune, and the secretary of a branch below it with the branch's id. */
    private suspend fun levels(block: suspend (Handbook, Handbook, String) -> Unit) {
        val upper = phone("X1")
        upper.branch.create("Đảng bộ xã Đông Phong", "Đảng bộ tỉnh", "Lê Văn Cường", since = SINCE)
        val founded = upper.branch.foundBranches(listOf(NewBranch("Chi bộ thôn An Lạc", "Nguyễn Văn Bình"))).single()
        val pack = founded.packs.first()
        Handbook.createFromPack(place("branch"), "P3", pack.text, pack.code).use { block(upper, it, founded.unit) }
    }

    @Test
    fun `a phone joins by two scanned codes and a file of welcome`() = test {
        val secretary = secretary()
        val hoa = member(secretary)
        val book = phone("P5")
        val shown = book.branch.enrolment.request()
        assertEquals(shown.checkCode, secretary.branch.readRequest(shown.text.lowercase()).checkCode)
        val ticket = secretary.branch.enrolment.admit(shown.text, hoa, 3u)
        assertTrue(ticket.code.all { it in 'A'..'Z' || it in '0'..'9' || it in "-:" })
        val scanned = book.branch.enrolment.scan(ticket.code)
        assertEquals(listOf(false, null, null), listOf(scanned.shown.hall, scanned.letter, scanned.checkCode))
        assertEquals(scanned.shown, book.branch.enrolment.waiting())
        book.branch.enrolment.welcome(ticket.welcome)
        val card = book.branch.card()
        assertEquals(listOf(hoa, 3.toUByte(), scanned.shown.unit), listOf(card.member, card.rank, card.unit))
        assertNull(book.branch.enrolment.waiting())
    }

    @Test
    fun `a lost phone is replaced by a scanned code`() = test {
        val (secretary, deputy) = pair()
        val hoa = me(deputy)
        val book = phone("P6")
        val ticket = secretary.branch.enrolment.admit(book.branch.enrolment.request().text, hoa, 3u, replaces = deputy.device)
        book.branch.enrolment.scan(ticket.code)
        book.branch.enrolment.welcome(ticket.welcome)
        val states = secretary.branch.phones().filter { it.member == hoa }.associate { it.device to it.state }
        assertEquals(mapOf(deputy.device to PhoneState.REVOKED, book.device to PhoneState.ACTIVE), states)
        assertEquals(hoa, me(book))
    }

    @Test
    fun `a hall is admitted by one code and six digits`() = test {
        val secretary = secretary()
        val hall = secretary.branch.enrolment.openHall()
        assertTrue(hall.hall && hall.until!! > 0u)
        assertEquals(hall, secretary.branch.enrolment.hall())
        val books = listOf(phone("P5"), phone("P6"))
        val asked = books.map { it.branch.enrolment.scan(hall.code) }
        for (one in asked + asked) assertEquals(one.checkCode, secretary.branch.enrolment.takeLetter(one.letter!!).checkCode)
        assertEquals(listOf("P5", "P6"), secretary.branch.enrolment.requests().map { it.label })
        for ((book, one) in books zip asked) {
            assertEquals(book.device, secretary.branch.enrolment.admitInHall(one.checkCode!!, member(secretary, book.device)).device)
        }
        val welcome = secretary.branch.enrolment.hallWelcome()
        for (book in books) {
            book.branch.enrolment.welcome(welcome)
            assertEquals(book.device, book.branch.card().memberName)
        }
        secretary.branch.enrolment.closeHall()
        assertEquals("hall_not_open", thrown<SotayException.Input> { secretary.branch.enrolment.hall() }.code)
    }

    @Test
    fun `codes that are foreign or for others are refused`() = test {
        val secretary = secretary()
        val hoa = member(secretary)
        val (book, other) = phone("P5") to phone("P6")
        val ticket = secretary.branch.enrolment.admit(book.branch.enrolment.request().text, hoa)
        other.branch.enrolment.scan(ticket.code)
        suspend fun refused(code: String, call: suspend () -> Unit) = assertEquals(code, thrown<SotayException.Input> { call() }.code)
        refused("no_pass") { book.branch.enrolment.welcome(ticket.welcome) }
        refused("damaged_text") { book.branch.enrolment.scan("sotay-ticket-1:zzzz") }
        refused("other_text") { book.branch.enrolment.scan("hello") }
        refused("other_phone") { other.branch.enrolment.welcome(ticket.welcome) }
        refused("already_in_unit") { secretary.branch.enrolment.scan(ticket.code) }
        refused("hall_not_open") { secretary.branch.enrolment.admitInHall("123 456", hoa) }
    }

    @Test
    fun `what the committee knows of a member is opened with a trace and erased`() = test {
        val (secretary, deputy) = pair()
        val hoa = me(deputy)
        val personal = secretary.branch.personal
        personal.setContact(hoa, ContactView(phone = "0912 345 678", born = "1970"))
        assertEquals(listOf(hoa), personal.contacts())
        assertEquals(emptyList<AccessView>(), personal.accesses())
        assertEquals("0912 345 678", personal.openContact(hoa)?.phone)
        val access = personal.accesses().single()
        assertEquals(listOf(OpenedData.CONTACT, hoa, me(secretary)), listOf(access.what, access.member, access.by))
        assertEquals(ErasedView(2u, false), personal.erase(hoa))
        assertNull(personal.openContact(hoa))
        assertNull(secretary.branch.members().single { it.member == hoa }.name)
    }

    @Test
    fun `consents and the rule of keeping are recorded`() = test {
        val (secretary, deputy) = pair()
        val hoa = me(deputy)
        val personal = secretary.branch.personal
        personal.recordConsent(hoa, "Ảnh trên bảng tin", true, DAY)
        personal.recordConsent(hoa, "Ảnh trên bảng tin", false, "2025-06-01")
        assertEquals(listOf(true to DAY, false to "2025-06-01"), personal.consents(hoa).map { it.given to it.day })
        assertEquals(listOf(0, 2), listOf(personal.consents(me(secretary)).size, personal.consents().size))
        assertNull(personal.retention().months)
        personal.setRetention(12u)
        secretary.branch.roster(RosterCommand.SetActivity(hoa, MemberActivity.TRANSFERRED, SINCE))
        assertEquals(RetentionView(12u, listOf(hoa)), personal.retention())
    }

    @Test
    fun `own data is shown and exported under a passphrase`() = test {
        val (secretary, deputy) = pair()
        assertTrue("Trần Thị Hoa" in deputy.branch.personal.own())
        assertTrue("Name: Trần Thị Hoa" in deputy.branch.personal.own(Language.EN))
        val own = deputy.branch.personal.export(PASSPHRASE)
        for (file in listOf(own.json, own.text)) {
            val text = String(file, Charsets.ISO_8859_1)
            assertTrue(text.startsWith("age-encryption.org/v1\n"))
            assertFalse("Hoa" in text)
        }
        secretary.branch.personal.export(PASSPHRASE, me(deputy))
        assertEquals(listOf(OpenedData.EXPORT), secretary.branch.personal.accesses().map { it.what })
        assertEquals("bad_passphrase", thrown<SotayException.Input> { deputy.branch.personal.export("") }.code)
    }

    @Test
    fun `the unit names its relays and syncs with the first that serves`() = test {
        val (secretary, deputy) = pair()
        assertEquals("no_relay_named", thrown<SotayException> { secretary.sync.onceListed() }.code)
        secretary.sync.nameRelays(listOf(Relay.address))
        assertEquals(listOf(Relay.address), secretary.sync.namedRelays())
        assertTrue(secretary.sync.onceListed().envelopesOut > 0u)
        deputy.sync.once(Relay.address)
        assertEquals(listOf(Relay.address), deputy.sync.namedRelays())
        deputy.sync.followListed()
        deputy.sync.unfollowListed()
        assertEquals("bad_relay", thrown<SotayException.Input> { secretary.sync.nameRelays(listOf("relay.example.vn:7843")) }.code)
        secretary.sync.nameRelays(listOf(silentRelay()))
        val task = secretary.sync.startListed()
        task.cancel()
        thrown<SotayException.Cancelled> { task.await() }
    }

    @Test
    fun `a guest reads one meeting and nothing else`() = test {
        val secretary = secretary()
        val guest = phone("K1")
        val meeting = begin(secretary)
        meeting.apply(MeetingCommand.SetPlace("Nhà văn hóa thôn"))
        val asked = guest.branch.joinRequest().text
        val invitation = secretary.branch.admitGuest(asked, meeting.id, "Khách xã", listOf(Relay.address))
        assertEquals(listOf(Relay.address), guest.branch.accept(invitation))
        meet(secretary, guest)
        val page = guest.branch.guestPage()!!
        assertEquals(listOf(meeting.id, false, meeting.minutes().sha256), listOf(page.meeting, page.sealed, page.sha256))
        assertTrue("Nhà văn hóa thôn" in page.text)
        val line = secretary.branch.guests().single()
        assertEquals(listOf(guest.device, "Khách xã", meeting.id, true), listOf(line.device, line.name, line.meeting, line.open))
        assertEquals(emptyList<MeetingHeading>(), guest.branch.meetings())
        secretary.branch.removePhone(guest.device, RemovalReason.LEFT)
        assertFalse(secretary.branch.guests().single().open)
    }

    @Test
    fun `a branch begins with a pack of the level above`() = test {
        levels { upper, book, unit ->
            val card = book.branch.card()
            assertEquals(listOf(unit, "Chi bộ thôn An Lạc", "Đảng bộ xã Đông Phong"), listOf(card.unit, card.name, card.upper))
            assertEquals(2.toUByte(), card.rank)
            assertEquals(listOf(unit to "Chi bộ thôn An Lạc"), upper.branch.branches().map { it.unit to it.name })
            assertEquals(listOf(1.toUByte()), book.branch.levelsAbove().map { it.steps })
            meet(upper, book, upper, book)
            assertTrue(book.branch.levelsAbove().single().known)
            val other = upper.branch.foundBranches(listOf(NewBranch("Chi bộ thôn Hai", "Phạm Thị Lan"))).single()
            val folder: File = place("wrong")
            val told = thrown<SotayException.Input> { Handbook.createFromPack(folder, "P9", other.packs[0].text, other.packs[1].code) }
            assertEquals(listOf("damaged_text", false), listOf(told.code, folder.exists()))
        }
    }

    @Test
    fun `a report is opened and answered by the level above`() = test {
        levels { upper, book, unit ->
            begin(book).apply(MeetingCommand.SetPlace("Nhà văn hóa thôn"))
            val sent = book.records.sendReport(MONTH)
            assertNull(book.records.reportAnswers(YEAR).single().step)
            meet(upper, book, upper)
            assertEquals(listOf(sent.revision), upper.records.reportsOf(unit, YEAR).map { it.revision })
            assertEquals(listOf(book.device), upper.records.openReport(unit, MONTH, sent.revision).map { it.mark.device })
            assertEquals("empty", thrown<SotayException.Input> { upper.records.answerReport(unit, MONTH, sent.revision, false) }.code)
            upper.records.answerReport(unit, MONTH, sent.revision, false, "Thiếu biên bản")
            meet(upper, book)
            val answer = book.records.reportAnswers(YEAR).single()
            assertEquals(ReportStepKind.RETURNED to "Thiếu biên bản", answer.step to answer.words.last().remark)
            assertEquals(ReportStepKind.RETURNED, upper.records.reportAnswers(YEAR, unit).single().step)
        }
    }

    @Test
    fun `feedback is passed up and the answer handed on`() = test {
        levels { upper, book, unit ->
            meet(upper, book, upper, book)
            val item = book.feedback.submit("Mương", "Mương cạn.", named = true, nameAbove = true)
            meet(book)
            assertEquals(1, book.feedback.received().size)
            book.feedback.passUp(item)
            val passed = book.feedback.passed().single()
            assertEquals(listOf(item, "Nguyễn Văn Bình", null), listOf(passed.item, passed.writer, passed.status))
            meet(book, upper)
            val line = upper.feedback.fromBelow().single()
            assertEquals(listOf(unit, item, "Mương", "Mương cạn."), listOf(line.unit, line.item, line.topic, line.text))
            upper.feedback.answerBelow(item, FeedbackStatus.ANSWERED, "Xã đã giao nạo vét.")
            meet(upper, book)
            assertEquals("Xã đã giao nạo vét.", book.feedback.passed().single().replies.last().text)
            book.feedback.handOn(item)
            val answer = book.feedback.own().single().answers.mapNotNull { it.text }.single()
            assertTrue(answer.endsWith("Xã đã giao nạo vét."))
        }
    }

    @Test
    fun `a page is written by a template of ones own`() = test {
        val meeting = begin(secretary())
        meeting.apply(MeetingCommand.SetPlace("Nhà văn hóa thôn"))
        val own = "{#- sotay page minutes 1 -#}\nBIÊN BẢN RIÊNG\n"
        val text = String(meeting.paper(PaperForm.TEXT, template = own).bytes)
        assertEquals(listOf(true, false), listOf("BIÊN BẢN RIÊNG" in text, "Nhà văn hóa thôn" in text))
        for (wrong in listOf("BIÊN BẢN", "$own{{ nothing.of.it }}")) {
            assertEquals("page_template", thrown<SotayException.Input> { meeting.paper(PaperForm.TEXT, template = wrong) }.code)
        }
    }

    @Test
    fun `streams end by themselves when the profile locks itself`() = test {
        val folder = place("idle")
        val book = Handbook.create(folder, "P1", Platform(pin = "482917", lockAfter = 300.milliseconds))
        val seen = book.changes().toList()
        assertEquals(listOf(Change.Start, Change.Locked), listOf(seen.first(), seen.last()))
        book.shutdown()
        Handbook.open(folder, Platform(pin = "482917")).shutdown()
    }
}
