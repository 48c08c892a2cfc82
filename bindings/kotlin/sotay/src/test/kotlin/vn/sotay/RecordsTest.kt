package vn.sotay

import java.util.Collections
import java.util.zip.ZipInputStream
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.flow.transformWhile
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

private const val YEAR = 2025

/** The documents of a year, seals, feedback, paper, and the first screen. */
class RecordsTest : Stage() {
    /** A meeting with chair and minute-taker, closed, ready to be sealed. */
    private suspend fun held(book: Handbook, clerk: String): Meeting {
        val meeting = begin(book)
        meeting.apply(
            MeetingCommand.SetPlace("Nhà văn hóa thôn"),
            MeetingCommand.SetChair(me(book)),
            MeetingCommand.SetClerk(clerk),
            MeetingCommand.SetStart("2025-05-20T19:30"),
            MeetingCommand.Step(MeetingStep.OPENED),
            mark(listOf(me(book), clerk), AttendanceState.PRESENT),
        )
        meeting.apply(MeetingCommand.AddConclusion("Giao đồng chí Hoa tổng vệ sinh.", deadline = "2025-06-15", responsible = listOf(clerk)))
        meeting.apply(MeetingCommand.SetEnd("2025-05-20T21:00"), MeetingCommand.Step(MeetingStep.CLOSED))
        return meeting
    }

    private suspend fun exchanged(vararg books: Handbook) = books.forEach { it.sync.once(Relay.address) }

    @Test
    fun `a task is given reported and accepted`() = test {
        val (secretary, deputy) = pair()
        val records = secretary.records
        val id = records.changeTask(YEAR, TaskCommand.Add("Tổng vệ sinh thôn", listOf(me(deputy)), "2025-06-15"))!!
        records.changeTask(YEAR, TaskCommand.Report(id, TaskStatus.DONE, "Đã xong"))
        records.changeTask(YEAR, TaskCommand.Report(id, TaskStatus.ACCEPTED))
        val task = records.tasks(YEAR).single()
        assertEquals(listOf(id, "Tổng vệ sinh thôn", TaskStatus.ACCEPTED), listOf(task.id, task.what, task.status))
        assertEquals(listOf("2025-06-15", "Trần Thị Hoa", "Đã xong"), listOf(task.deadline, task.people[0].name, task.results[0].text))
        val told = thrown<SotayException.Input> { records.changeTask(YEAR, TaskCommand.Edit("zz", "x")) }
        assertTrue(told.code == "malformed" && "id" in told.text(Language.EN))
    }

    @Test
    fun `conclusions of a meeting become tasks once`() = test {
        val (secretary, deputy) = pair()
        val meeting = held(secretary, me(deputy))
        assertEquals(listOf(1, 0), List(2) { secretary.records.tasksOfMeeting(meeting.id) })
        val task = secretary.records.tasks(YEAR).single()
        assertEquals(meeting.id to true, task.meeting to task.overdue)
    }

    @Test
    fun `fees are paid reversed and summed`() = test {
        val (secretary, deputy) = pair()
        val records = secretary.records
        val pay = FeeCommand.Pay(me(deputy), MONTH, 10_000u, "2025-05-21", "tiền mặt")
        val (first, second) = records.changeFees(YEAR, pay, pay).map { it!! }
        records.changeFees(YEAR, FeeCommand.Reverse(second, "2025-05-22", "ghi hai lần"))
        val fees = records.fees(YEAR)
        assertEquals(listOf(10_000L, 3, 0u), listOf(fees.total, fees.lines.size, fees.damaged))
        val reversed = fees.lines.associate { it.id to (it.reversedBy != null) }
        assertEquals(false to true, reversed[first] to reversed[second])
        val month = records.feeMonth(MONTH)
        assertEquals(MONTH to 10_000L, month.month to month.paid)
        assertEquals(10_000L, month.members.single { it.member.id == me(deputy) }.paid)
    }

    @Test
    fun `ratings have criteria points levels and evidence`() = test {
        val (secretary, deputy) = pair()
        val records = secretary.records
        val rated = RatedSubject.Member(me(deputy))
        val scale = records.criteria(YEAR).member
        val leaf = scale.criteria.first { it.leaf }
        records.changeRating(YEAR, RatingCommand.Score(rated, leaf.key, ScoreColumn.COMMITTEE, me(secretary), leaf.points))
        records.changeRating(YEAR, RatingCommand.Decide(rated, ScoreColumn.COMMITTEE, scale.levels[0].key))
        val evidence = records.changeRating(YEAR, RatingCommand.AddEvidence(rated, leaf.key, "Giấy khen"))
        val card = records.ratings(YEAR).single { it.rated == rated }
        assertEquals("Trần Thị Hoa", card.name)
        assertEquals(leaf.points, card.criteria.single { it.criterion == leaf.key }.committee)
        assertEquals(scale.levels[0].key, card.columns.single { it.column == ScoreColumn.COMMITTEE }.decided)
        assertEquals(listOf(evidence), card.evidence.map { it.id })
    }

    @Test
    fun `a resolution is written and issued`() = test {
        val (secretary, deputy) = pair()
        val records = secretary.records
        val id = records.newResolution("Về nhiệm vụ tháng 6")
        records.changeResolution(
            id,
            ResolutionCommand.SetNumber(5u),
            ResolutionCommand.SetDate(DAY),
            ResolutionCommand.SetSigner(me(secretary)),
            ResolutionCommand.SetPart(ResolutionPart.GOALS, "Hoàn thành thu phí."),
            ResolutionCommand.SetTask("Vận động nhân dân", listOf(me(deputy)), "2025-06-30"),
            ResolutionCommand.AddRecipient("Đảng ủy xã"),
        )
        records.issueResolution(id)
        val view = records.resolution(id)
        assertEquals(listOf("05-NQ/CB", "Về nhiệm vụ tháng 6", DAY), listOf(view.numberText, view.title, view.date))
        assertEquals(
            listOf("Nguyễn Văn Bình", "Trần Thị Hoa", "Đảng ủy xã"),
            listOf(view.signer?.name, view.tasks[0].people[0].name, view.recipients[0].label),
        )
        assertEquals(1, view.issued.size)
        assertEquals(listOf(id), records.resolutions().map { it.id })
        assertEquals("issued", thrown<SotayException.Input> { records.changeResolution(id, ResolutionCommand.SetNumber(6u)) }.code)
    }

    @Test
    fun `a report is proposed sent and then due no more`() = test {
        val (secretary, deputy) = pair()
        held(secretary, me(deputy))
        val records = secretary.records
        assertTrue(MONTH in records.reportsDue(YEAR).map { it.facts.month })
        val proposal = records.reportProposal(MONTH)!!
        assertEquals(1u to 2u, proposal.revision to proposal.facts.meetings[0].present)
        assertEquals(1u, records.sendReport(MONTH).revision)
        assertNull(records.reportProposal(MONTH))
        assertEquals(listOf(MONTH), records.reports(YEAR).map { it.facts.month })
    }

    @Test
    fun `directives are listed and what is none is refused`() = test {
        val secretary = secretary()
        val known = secretary.records.directives(DAY)
        assertEquals(DirectiveKind.entries.toSet(), known.filter { it.inForce }.map { it.kind }.toSet())
        assertEquals("directive", thrown<SotayException.Input> { secretary.records.publishDirective("{\"kind\": \"fees\"}") }.code)
    }

    @Test
    fun `minutes are sealed by two phones and anybody can check the file`() = test {
        val (secretary, deputy) = pair()
        val meeting = held(secretary, me(deputy))
        assertFalse(meeting.sealCheck().blocks)
        val seal = meeting.proposeSeal(meeting.minutes().sha256)
        exchanged(secretary, deputy)
        val there = deputy.meeting(meeting.id)
        val waiting = there.seals().seals.single()
        assertEquals(seal to SealStatus.WAITING, waiting.id to waiting.status)
        there.countersign(seal)
        val seals = there.seals()
        assertEquals(
            listOf(seal, "Nguyễn Văn Bình", "Trần Thị Hoa"),
            listOf(seals.standing, seals.seals[0].chair.name, seals.seals[0].clerk.name),
        )
        val file = there.sealFile()
        val checked = sealFileChecked(file, deputy.branch.card().unit)
        assertTrue(checked.pinned)
        assertEquals(there.sealedText(seal), checked.seals[0].text)
        val damaged = file.clone().also { it[it.size / 2] = (it[it.size / 2].toInt() xor 1).toByte() }
        for (wrong in listOf("x".toByteArray(), damaged)) thrown<SotayException.Input> { sealFileChecked(wrong) }
        assertEquals("malformed", thrown<SotayException.Input> { there.proposeSeal("00".repeat(32)) }.code)
    }

    @Test
    fun `what is recorded after the seal becomes an addendum`() = test {
        val (secretary, deputy) = pair()
        val meeting = held(secretary, me(deputy))
        val seal = meeting.proposeSeal(meeting.minutes().sha256)
        exchanged(secretary, deputy)
        val there = deputy.meeting(meeting.id)
        there.countersign(seal)
        assertEquals("sealed", thrown<SotayException.Input> { there.apply(speech(deputy, "ghi muộn")) }.code)
        there.amend(speech(deputy, "ghi muộn"))
        val late = there.seals().late.single()
        assertTrue(late.new && "ghi muộn" in late.text)
        val addendum = there.proposeAddendum()
        exchanged(deputy, secretary)
        meeting.countersign(addendum)
        val seals = meeting.seals()
        assertEquals(listOf(false, true), seals.seals.map { it.addendum })
        assertEquals(emptyList<LateItemView>(), seals.late)
        assertFalse("ghi muộn" in meeting.minutes().text)
        meeting.withdrawSeal(seal)
        assertNull(meeting.seals().standing)
    }

    @Test
    fun `feedback with a name is answered to its writer`() = test {
        val (secretary, deputy) = pair()
        val item = deputy.feedback.submit("Đường thôn", "Đèn đường hỏng.", named = true)
        assertEquals(OwnFeedbackState.WAITING, deputy.feedback.own()[0].state)
        exchanged(deputy, secretary)
        val received = secretary.feedback.received().single()
        assertEquals(listOf(item, "Trần Thị Hoa", "Đèn đường hỏng."), listOf(received.id, received.writer?.name, received.text))
        secretary.feedback.answer(item, FeedbackStatus.ANSWERED, "Đã báo điện lực.")
        exchanged(secretary, deputy)
        val own = deputy.feedback.own().single()
        assertTrue(own.named && own.acknowledged)
        assertEquals(listOf("Đã báo điện lực."), own.answers.map { it.text })
        assertEquals(emptyList<FeedbackReplyView>(), deputy.feedback.publicAnswers())
    }

    @Test
    fun `feedback without a name is answered to all or taken back`() = test {
        val (secretary, deputy) = pair()
        val item = deputy.feedback.submit("Sinh hoạt", "Họp quá dài.", named = false)
        deputy.feedback.withdraw(deputy.feedback.submit("Sinh hoạt", "Viết nhầm.", named = false))
        exchanged(deputy, secretary)
        val received = secretary.feedback.received().single()
        assertEquals(item to null, received.id to received.writer)
        assertEquals("nameless", thrown<SotayException.Input> { secretary.feedback.answer(item, FeedbackStatus.ANSWERED, "Riêng") }.code)
        secretary.feedback.answer(item, FeedbackStatus.ANSWERED, "Sẽ họp gọn.", public = true)
        assertEquals(listOf("Sẽ họp gọn."), secretary.feedback.publicAnswers().map { it.text })
    }

    @Test
    fun `documents are written as HTML docx and text`() = test {
        val (secretary, deputy) = pair()
        val meeting = held(secretary, me(deputy))
        val records = secretary.records
        val resolution = records.newResolution("Về nhiệm vụ tháng 6", meeting.id)
        records.sendReport(MONTH)
        val papers =
            listOf<suspend (PaperForm) -> PaperFile>(
                { meeting.paper(it) },
                { records.resolutionPaper(resolution, it) },
                { records.reportPaper(MONTH, it)!! },
            )
        for (paper in papers) {
            val (html, docx, text) = listOf(PaperForm.HTML, PaperForm.DOCX, PaperForm.TEXT).map { paper(it) }
            assertTrue(html.bytes.decodeToString().startsWith("<!DOCTYPE html>") && html.extension == "html")
            val entries = ZipInputStream(docx.bytes.inputStream()).use { zip -> generateSequence { zip.nextEntry }.map { it.name }.toList() }
            assertTrue("word/document.xml" in entries)
            assertTrue("chi bộ thôn an lạc" in text.bytes.decodeToString().lowercase())
        }
        assertEquals("unknown", thrown<SotayException.Input> { meeting.paper(PaperForm.TEXT, "00".repeat(16)) }.code)
        assertNull(records.reportPaper(MONTH, PaperForm.TEXT, 9u))
    }

    @Test
    fun `the diary tells in words and the last action is undone`() = test {
        val book = secretary()
        val meeting = begin(book)
        meeting.apply(speech(book, "một"))
        meeting.apply(speech(book, "hai"))
        meeting.undo()
        assertEquals(listOf("một"), meeting.view().speeches.map { it.text })
        val page = meeting.diary(count = 3)
        assertTrue(page.total > 3u)
        assertEquals(listOf(false, true, false), page.lines.map { it.undone })
        assertTrue(page.lines[1].who == "Nguyễn Văn Bình" && page.lines[1].did[0].isNotEmpty())
    }

    @Test
    fun `a file is noted with its meeting`() = test {
        val meeting = begin(secretary())
        val id = meeting.attachFile("du-thao.pdf", "application/pdf", "%PDF-1.7".toByteArray(), pages = 2)
        assertTrue(Change.Document(meeting.id, DocumentPart.ATTACHMENT, id) in meeting.history().last().what)
    }

    @Test
    fun `the first screen goes by role and phase`() = test {
        val (secretary, deputy) = pair()
        val before = secretary.home()
        assertEquals(HomeRole.SECRETARY to HomePhase.NO_MEETING, before.role to before.phase)
        assertTrue(HomeActionKind.NEW_MEETING in before.actions.map { it.kind })
        held(secretary, me(deputy))
        val after = secretary.home(Language.EN)
        assertEquals(HomePhase.CLOSED to DAY, after.phase to after.meeting?.date)
        assertTrue(after.actions.single { it.kind == HomeActionKind.SEAL }.label.isNotEmpty())
        val member = homeActions(HomeRole.MEMBER, false, HomePhase.CLOSED, Language.VI)
        assertFalse(HomeActionKind.SEAL in member.map { it.kind })
    }

    @Test
    fun `a roster kept elsewhere is taken over all or nothing`() = test {
        val branch = secretary().branch
        fun line(name: String, since: String) = NewMemberLine(plainMember(name), since)
        for ((bad, code) in listOf(line("Lê Văn Tư", "31/12/2024") to "malformed", line(" ", SINCE) to "empty_name")) {
            assertEquals(code, thrown<SotayException.Input> { branch.importMembers(listOf(line("Trần Thị Hoa", SINCE), bad)) }.code)
        }
        assertEquals(1, branch.members(DAY).size)
        branch.importMembers(listOf(line("Trần Thị Hoa", SINCE), line("Lê Văn Tư", "2025-06-01")))
        assertEquals(listOf(2, 3), listOf(DAY, "2025-06-01").map { branch.members(it).size })
    }

    @Test
    fun `a new phone takes the place of a lost one and keys are rotated`() = test {
        val (secretary, deputy) = pair()
        assertTrue(SpaceKind.MAIN in secretary.branch.rotateKeys().rekeyed)
        val new = phone("P6")
        val request = new.branch.joinRequest().text
        new.branch.accept(secretary.branch.admit(request, me(deputy), rank = 3u, replaces = deputy.device))
        val states = secretary.branch.phones().associate { it.device to it.state }
        assertEquals(PhoneState.REVOKED to PhoneState.ACTIVE, states[deputy.device] to states[new.device])
        assertEquals(listOf(new.device), secretary.branch.regradePhone(new.device, rank = 4u).devices)
        assertEquals(4.toUByte(), secretary.branch.phones().single { it.device == new.device }.rank)
        assertEquals(emptyList<NotCountedView>(), secretary.branch.notCounted())
    }

    @Test
    fun `changes of the years documents and of feedback are named`() = test {
        val book = secretary()
        var task: String? = null
        val seen =
            book.changes()
                .transformWhile { change ->
                    if (change == Change.Start) {
                        task = book.records.changeTask(YEAR, TaskCommand.Add("Việc"))
                        book.records.changeFees(YEAR, FeeCommand.Assess(me(book), MONTH, 5_000u))
                        book.feedback.submit("a", "b", named = true)
                    }
                    emit(change)
                    change != Change.Feedback
                }.toList()
        val parts = seen.filterIsInstance<Change.Document>().associate { it.part to it.id }
        assertEquals(task to me(book), parts[DocumentPart.TASK] to parts[DocumentPart.ASSESSMENT])
    }

    @Test
    fun `a batch of changes reads like a list`() = test {
        val book = secretary()
        val members = listOf(me(book)) + book.branch.addMembers(listOf("Trần Thị Hoa", "Lê Văn Tư").map(::plainMember), SINCE)
        val meeting = begin(book)
        val batches = Collections.synchronizedList(ArrayList<List<Change>>())
        val subscription = book.subscribe(batches::add)
        meeting.apply(mark(members, AttendanceState.PRESENT))
        val marked = members.map { Change.Document(meeting.id, DocumentPart.ATTENDANCE, it) }
        while (synchronized(batches) { !batches.flatten().containsAll(marked) }) kotlinx.coroutines.yield()
        subscription.cancel()
        assertEquals(listOf(Change.Start), batches[0])
        val batch = batches.maxBy { it.size }
        assertEquals(batch.last(), batch[batch.size - 1])
        thrown<IndexOutOfBoundsException> { batch[batch.size] }
    }

    @Test
    fun `a profile with a PIN opens with it only and counts wrong tries`() = test {
        val folder = place("pin")
        fun pin(pin: String?) = Platform(pin = pin)
        Handbook.create(folder, "P1", pin("482917")).shutdown()
        val state = Handbook.lockState(folder)
        assertEquals(listOf(true, true, false), listOf(state.pin, state.encrypted, state.vault))
        for ((wrong, code) in listOf(null to "pin_missing", "482918" to "pin_wrong")) {
            assertEquals(code, thrown<SotayException.Vault> { Handbook.open(folder, pin(wrong)) }.code)
        }
        assertEquals(state.triesLeft - 1u, Handbook.lockState(folder).triesLeft)
        assertEquals("pin_short", thrown<SotayException.Input> { Handbook.setPin(folder, "1", pin("482917")) }.code)
        Handbook.setPin(folder, "773105", pin("482917"))
        Handbook.open(folder, pin("773105")).shutdown()
        Handbook.removePin(folder, pin("773105"))
        Handbook.open(folder).shutdown()
    }

    @Test
    fun `a locked profile closes until it is opened anew`() = test {
        val folder = place("locked")
        val platform = Platform(pin = "482917")
        val book = Handbook.create(folder, "P1", platform)
        book.touch()
        val reading = async(start = CoroutineStart.UNDISPATCHED) { book.changes().onEach { if (it == Change.Start) book.lock() }.toList() }
        val seen = reading.await()
        assertEquals(listOf(Change.Start, true), listOf(seen.first(), Change.Locked in seen))
        assertTrue("482917" !in platform.toString())
        assertEquals("locked", thrown<SotayException> { book.touch() }.code)
        assertEquals("locked", thrown<SotayException> { book.branch.card() }.code)
        Handbook.open(folder, platform).shutdown()
    }

    /** The shipped page of minutes with a line more. */
    private suspend fun templateOfTheBranch(records: Records): String =
        records.shippedPageTemplate(PageSort.MINUTES, DAY, "Mẫu của chi bộ") + "\n^ DÒNG RIÊNG\n"

    private suspend fun pageOf(meeting: Meeting, template: String? = null) = String(meeting.paper(PaperForm.TEXT, template = template).bytes)

    @Test
    fun `a page template that one phone publishes makes the pages of another from its day on`() = test {
        val (secretary, deputy) = pair()
        val meeting = begin(secretary)
        val before = secretary.branch.newMeeting(MeetingKind.THEMATIC, MONTH, "2025-05-19")
        val source = templateOfTheBranch(secretary.records)
        val head = secretary.records.checkPageTemplate(source)
        assertEquals(emptyList<PageTemplateView>(), secretary.records.pageTemplates(), "checked is not published")
        assertEquals(head, secretary.records.publishPageTemplate(source))
        exchanged(secretary, deputy)
        val expected = PageTemplateView(PageSort.MINUTES, "Mẫu của chi bộ", DAY, DirectiveIssuer.UNIT, null, head.sha256, true)
        assertEquals(listOf(expected), deputy.records.pageTemplates(DAY))
        assertEquals(listOf(expected.copy(inForce = false)), deputy.records.pageTemplates("2025-05-19"))
        val text = pageOf(deputy.meeting(meeting.id))
        assertTrue("DÒNG RIÊNG" in text && "Mẫu của chi bộ (SHA-256 ${head.sha256.take(16)}" in text) { text }
        assertFalse("DÒNG RIÊNG" in pageOf(deputy.meeting(before)))

        assertEquals("Mẫu của chi bộ", secretary.records.withdrawDirective(head.sha256.take(16)))
        exchanged(secretary, deputy)
        assertEquals(emptyList<PageTemplateView>(), deputy.records.pageTemplates(DAY))
        assertFalse("DÒNG RIÊNG" in pageOf(deputy.meeting(meeting.id)))
        val kept = deputy.records.pageTemplateSource(head.sha256.take(16))
        assertEquals(source, kept)
        assertTrue("DÒNG RIÊNG" in pageOf(deputy.meeting(meeting.id), kept))
        assertNull(deputy.records.pageTemplateSource("0".repeat(64)))
    }

    @Test
    fun `a page template with an unknown field or of a member without the right is refused`() = test {
        val secretary = secretary()
        val records = secretary.records
        val source = templateOfTheBranch(records)
        for (call in listOf(records::checkPageTemplate, records::publishPageTemplate)) {
            val told = thrown<SotayException.Input> { call("$source{{ nothing_of_it }}\n") }
            assertEquals("page_template", told.code)
            assertTrue(Language.entries.all { "nothing_of_it" in told.text(it) })
        }
        assertEquals(emptyList<PageTemplateView>(), records.pageTemplates(DAY))
        val member = phone("P4")
        join(secretary, member)
        val head = member.records.checkPageTemplate(source)
        thrown<SotayException.NotAllowed> { member.records.publishPageTemplate(source) }
        thrown<SotayException.NotAllowed> { member.records.withdrawDirective(head.sha256) }
        assertEquals(emptyList<PageTemplateView>(), member.records.pageTemplates(DAY))
        records.publishPageTemplate(source)
        records.withdrawDirective(head.sha256)
        assertEquals("directive_withdrawn", thrown<SotayException.Input> { records.publishPageTemplate(source) }.code)
        assertEquals("no_directive", thrown<SotayException.Input> { records.withdrawDirective("0".repeat(64)) }.code)
    }
}
