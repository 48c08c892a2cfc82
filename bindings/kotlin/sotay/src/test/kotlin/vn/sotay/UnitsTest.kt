package vn.sotay

import java.time.LocalDate
import java.time.ZoneOffset
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.channels.ReceiveChannel
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.produceIn
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

private const val HERE = "127.0.0.1:0"

/** A day in Viet Nam. */
private fun today(days: Long = 0) = LocalDate.now(ZoneOffset.ofHours(7)).plusDays(days).toString()

private suspend fun member(book: Handbook, name: String = "Trần Thị Hoa"): String =
    book.branch.addMembers(listOf(plainMember(name)), SINCE).single()

private suspend fun meet(vararg books: Handbook) = books.forEach { it.sync.once(Relay.address) }

private suspend fun placeOf(book: Handbook) = begin(book).view().place

/** Hosts on the loopback; the address to connect to. */
private suspend fun hosting(book: Handbook) = book.sync.host(HERE).addresses.first()

/** Reads changes until something is so. */
private suspend fun until(changes: ReceiveChannel<Change>, fits: suspend (Change) -> Boolean) {
    while (!fits(changes.receive())) continue
}

private suspend fun lineOf(book: Handbook, member: String, on: String? = null) = book.branch.members(on).first { it.member == member }

private suspend fun codeOf(call: suspend () -> Unit) = thrown<SotayException.Input> { call() }.code

/** Phones that serve phones in the hall, admission from afar and from a day on, moves between units, roots, recordings. */
class UnitsTest : Stage() {
    @Test
    fun `phones in the hall get what one of them writes through a phone that hosts`() = test {
        val (secretary, deputy) = pair()
        val third = phone("P6")
        join(secretary, third, "Phạm Văn Cường")
        val meeting = begin(secretary)
        val address = hosting(secretary)
        for (book in listOf(deputy, third)) book.sync.followHost(address)
        val (there, here) = listOf(third, secretary).map { it.changes().produceIn(this) }
        begin(deputy).apply(MeetingCommand.SetPlace("Nhà văn hóa thôn"))
        until(there) { placeOf(third) == "Nhà văn hóa thôn" }
        // The host passes on what it has stored before it reads it itself.
        while (meeting.view().place != "Nhà văn hóa thôn") here.receive()
        listOf(there, here).forEach { it.cancel() }
        assertEquals(meeting.minutes().sha256, begin(third).minutes().sha256)
    }

    @Test
    fun `the host sees who came and went and how far each phone is`() = test {
        val (secretary, deputy) = pair()
        begin(secretary).apply(speech(secretary, "chào các đồng chí"))
        val address = hosting(secretary)
        assertEquals(emptyList<VisitorView>(), secretary.sync.visitors())
        val changes = secretary.changes().produceIn(this)
        deputy.sync.followHost(address)
        until(changes) { it == Change.Visitors }
        val line = secretary.sync.visitorsFlow(50.milliseconds).first { all -> all.isNotEmpty() && all.all { it.complete } }.single()
        assertEquals(listOf(deputy.device, "P5", "Trần Thị Hoa", me(deputy)), listOf(line.device, line.label, line.name, line.member))
        assertTrue(line.spaces.isNotEmpty())
        deputy.sync.unfollow(address)
        until(changes) { it == Change.Visitors }
        changes.cancel()
        assertEquals(emptyList<VisitorView>(), secretary.sync.visitors())
    }

    @Test
    fun `a phone joins in the hall through the host alone`() = test {
        val secretary = secretary()
        val hoa = member(secretary)
        val book = phone("P5")
        val ticket = secretary.branch.enrolment.admit(book.branch.enrolment.request().text, hoa, 3u)
        book.branch.enrolment.scan(ticket.code)
        val address = hosting(secretary)
        book.sync.once(address)
        assertNull(book.branch.enrolment.waiting())
        assertEquals(hoa, me(book))
        begin(secretary).apply(MeetingCommand.SetPlace("Nhà văn hóa thôn"))
        assertTrue(book.sync.once(address).envelopesIn > 0u)
        assertEquals("Nhà văn hóa thôn", placeOf(book))
    }

    @Test
    fun `hosting ends when it is stopped and what cannot be listened on is told`() = test {
        val (secretary, deputy) = pair()
        val first = secretary.sync.host(HERE)
        assertTrue(first.addresses.first().startsWith("127.0.0.1:${first.port}#"))
        assertEquals(first, secretary.sync.host(HERE))
        assertEquals(first, secretary.sync.hosted())
        assertEquals("port_in_use", codeOf { deputy.sync.host("127.0.0.1:${first.port}") })
        assertNull(deputy.sync.hosted())
        assertEquals("malformed", codeOf { deputy.sync.host("ở đây") })
        repeat(2) { secretary.sync.stopHosting() }
        assertNull(secretary.sync.hosted())
        thrown<SotayException.Network> { deputy.sync.once(first.addresses.first(), 2.seconds) }
    }

    /** The door is open, and both know it. */
    private suspend fun openDoor(secretary: Handbook, deputy: Handbook) {
        secretary.branch.enrolment.setPolicy(UnitPolicyView(keysAbove = false, fromAfar = true))
        meet(secretary, deputy)
        assertEquals(UnitPolicyView(keysAbove = false, fromAfar = true), deputy.branch.enrolment.policy())
    }

    @Test
    fun `a phone is admitted from afar by two officers`() = test {
        val (secretary, deputy) = pair()
        openDoor(secretary, deputy)
        val lan = member(secretary, "Phạm Thị Lan")
        val book = phone("P6")
        meet(secretary, deputy)
        val word = deputy.branch.enrolment.endorse(book.branch.joinRequest().text, lan, committee = true)
        book.branch.accept(secretary.branch.enrolment.admitEndorsed(word))
        val card = book.branch.card()
        assertEquals(listOf(lan, 4.toUByte(), true), listOf(card.member, card.rank, card.committee))
    }

    @Test
    fun `admission from afar needs an open door and two officers`() = test {
        val (secretary, deputy) = pair()
        val lan = member(secretary, "Phạm Thị Lan")
        val request = phone("P6").branch.joinRequest().text
        assertEquals("remote_closed", codeOf { deputy.branch.enrolment.endorse(request, lan) })
        openDoor(secretary, deputy)
        val word = secretary.branch.enrolment.endorse(request, lan)
        assertEquals("same_person", codeOf { secretary.branch.enrolment.admitEndorsed(word) })
        assertEquals("damaged_text", codeOf { secretary.branch.enrolment.admitEndorsed(word.dropLast(4)) })
    }

    @Test
    fun `a phone that reads from a day on gets the rest when it is widened`() = test {
        val secretary = secretary()
        val hoa = member(secretary)
        val book = phone("P5")
        // Nothing was written under the keys between these two.
        secretary.branch.rotateKeys()
        val request = book.branch.joinRequest().text
        for (day in listOf(today(1), "hôm qua")) codeOf { secretary.branch.admit(request, hoa, readsFrom = day) }
        book.branch.accept(secretary.branch.admit(request, hoa, readsFrom = today()))
        assertEquals(listOf(today(), null), listOf(book.branch.readsFrom(), secretary.branch.readsFrom()))
        assertEquals(listOf(book.device), secretary.branch.widenPhone(book.device).devices)
        meet(secretary, book)
        assertNull(book.branch.readsFrom())
    }

    /** A level above, and the secretaries' phones of two branches below it with their ids. */
    private suspend fun branches(block: suspend (Handbook, List<Handbook>, List<String>) -> Unit) {
        val upper = phone("X1")
        upper.branch.create("Đảng bộ xã Đông Phong", "Đảng bộ tỉnh", "Lê Văn Cường", since = SINCE)
        val founded = upper.branch.foundBranches(listOf("An Lạc", "Hai").map { NewBranch("Chi bộ thôn $it", "Nguyễn Văn Bình") })
        val books = founded.map { Handbook.createFromPack(place(it.unit), "P3", it.packs.first().text, it.packs.first().code) }
        meet(upper, *books.toTypedArray(), upper, *books.toTypedArray())
        block(upper, books, founded.map { it.unit })
        books.forEach { it.shutdown() }
    }

    @Test
    fun `a member moves to another unit for good`() = test {
        branches { upper, (left, right), (here, there) ->
            val hoa = member(left)
            val book = phone("P5")
            book.branch.accept(left.branch.admit(book.branch.joinRequest().text, hoa))
            val id = left.branch.moves.ask(NewMove(hoa, MoveKind.OFFICIAL, today(), place = "Chi bộ thôn Hai"))
            codeOf { left.branch.moves.leave(id) }
            meet(left, upper)
            val asked = upper.branch.moves.below().single()
            assertEquals(listOf(id, "Trần Thị Hoa", MoveStep.ASKED), listOf(asked.id, asked.name, asked.step))
            upper.branch.moves.record(id, to = there)
            meet(upper, left, right)
            val gone = left.branch.moves.leave(id)
            assertEquals(listOf(hoa, listOf(book.device)), listOf(gone.member, gone.removed?.devices))
            val arrived = right.branch.moves.arrive(id)
            assertEquals(arrived, right.branch.moves.arrive(id), "entering somebody twice changes nothing")
            val line = lineOf(right, arrived)
            assertEquals(listOf("Trần Thị Hoa", MemberActivity.ATTENDING), listOf(line.name, line.activity))
            meet(left, right, upper)
            val steps = upper.branch.moves.below().associate { move -> move.unit to move.steps.map { it.step } }
            assertTrue(MoveStep.LEFT in steps.getValue(here) && MoveStep.ARRIVED in steps.getValue(there))
        }
    }

    @Test
    fun `a member is attached for a time or away and a refused move changes nothing`() = test {
        branches { upper, (left, right), (_, there) ->
            val (hoa, lan, nam) = listOf("Trần Thị Hoa", "Phạm Thị Lan", "Đỗ Văn Nam").map { member(left, it) }
            val attached = left.branch.moves.ask(NewMove(hoa, MoveKind.TEMPORARY, today(), today(30), "Chi bộ thôn Hai"))
            val away = left.branch.moves.ask(NewMove(lan, MoveKind.AWAY, today(), place = "đi làm xa"))
            val refused = left.branch.moves.ask(NewMove(nam, MoveKind.OFFICIAL, today(), place = "Chi bộ thôn Hai"))
            meet(left, upper)
            upper.branch.moves.record(attached, to = there)
            upper.branch.moves.refuse(refused)
            meet(upper, left, right)
            for (id in listOf(attached, away)) assertNull(left.branch.moves.leave(id).removed)
            codeOf { left.branch.moves.leave(refused) }
            val there2 = right.branch.moves.arrive(attached)
            assertEquals(
                listOf(MemberActivity.AWAY, MemberActivity.AWAY, MemberActivity.ATTENDING),
                listOf(hoa, lan, nam).map { lineOf(left, it).activity },
            )
            assertEquals(MemberActivity.ATTENDING, lineOf(left, hoa, today(31)).activity)
            assertEquals(MemberActivity.ATTACHED, lineOf(right, there2).activity)
        }
    }

    @Test
    fun `of a move that the level above orders the unit says who is meant`() = test {
        branches { upper, (left, right), (here, there) ->
            val hoa = member(left)
            val ordered = OrderedMove(here, there, "Trần Thị Hoa", MemberStanding.FULL, MoveKind.OFFICIAL, today(1))
            val id = upper.branch.moves.order(ordered)
            meet(upper, left, right)
            val line = left.branch.moves.all().single()
            assertEquals(listOf(id, MoveStep.RECORDED, null), listOf(line.id, line.step, line.member))
            assertEquals("no_member", thrown<SotayException> { left.branch.moves.leave(id) }.code)
            assertNull(left.branch.moves.leave(id, hoa).removed, "the day has not come")
            assertEquals(listOf(true, false), listOf(today(), today(1)).map { day -> left.branch.members(day).any { it.member == hoa } })
            assertEquals("Trần Thị Hoa", lineOf(right, right.branch.moves.arrive(id), today(1)).name)
        }
    }

    @Test
    fun `a recording is announced by its hash and only the published file is taken in`() = test {
        val (secretary, deputy) = pair()
        val made = place("thoi-su.mp4").apply { writeText("hinh va tieng".repeat(9000)) }
        val new = NewBroadcast(1_800_000_000, 45u, "Thời sự chi bộ", recording = made.path)
        secretary.library.publishBroadcasts(listOf(new))
        meet(secretary, deputy)
        val told = deputy.library.broadcasts().single().recording!!
        assertEquals(listOf("thoi-su.mp4", 117_000uL, "video/mp4"), listOf(told.name, told.size, told.mediaType))
        val came = made.copyTo(place("came"))
        val kept = place("kept.mp4")
        assertEquals(told, deputy.library.takeInRecording(told.hash, came, kept))
        assertArrayEquals(made.readBytes(), kept.readBytes())
        came.writeText("gia mao")
        assertEquals("other_recording", codeOf { deputy.library.takeInRecording(told.hash, came, kept) })
        assertArrayEquals(made.readBytes(), kept.readBytes())
        assertEquals("no_recording", codeOf { deputy.library.takeInRecording("00".repeat(32), came, kept) })
    }

    @Test
    fun `a unit has other names from a day on and becomes part of another one`() = test {
        val secretary = secretary()
        secretary.branch.renameUnitFrom("2026-01-01", name = "Chi bộ liên thôn An Lạc")
        secretary.branch.mergeInto("Chi bộ thôn Hai", "2026-07-01")
        val names = secretary.branch.unitNames()
        assertTrue(UnitNameView(UnitNameKind.NAME, "2026-01-01", "Chi bộ liên thôn An Lạc") in names)
        assertTrue(UnitNameView(UnitNameKind.NAME, "1900-01-01", "Chi bộ thôn An Lạc") in names)
        assertTrue(UnitNameView(UnitNameKind.MERGED_INTO, "2026-07-01", "Chi bộ thôn Hai") in names)
        val text = begin(secretary).minutes().text.uppercase()
        assertEquals(listOf(true, false), listOf("CHI BỘ THÔN AN LẠC" in text, "LIÊN THÔN" in text))
    }

    private suspend fun sign(paper: RootPaperView, vararg keys: RootKeyView) =
        keys.fold(paper) { signed, key -> Root.sign(signed.text, key.key, key.code) }

    private suspend fun foundRoot(book: Handbook, paper: RootPaperView) = book.branch.root.found(paper.text, "Trung ương", "Vũ Thị Hà")

    /** Three keys, and a phone's draft for two of them. */
    private suspend fun rootOf(): Triple<List<RootKeyView>, Handbook, RootPaperView> {
        val keys = List(3) { Root.makeKey() }
        val book = phone("X1")
        return Triple(keys, book, book.branch.root.draft("Đảng bộ tỉnh", UnitLevel.PROVINCE, keys.map { it.publicKey }, 2u))
    }

    @Test
    fun `a unit is founded by two of three keys of a root`() = test {
        val (keys, book, draft) = rootOf()
        val entry = Root.read(draft.text).entries.single()
        val deed = entry.deed as RootDeedView.Found
        assertEquals(listOf("Đảng bộ tỉnh", 2.toUByte(), 3u, 0u), listOf(entry.name, deed.threshold, deed.keys, draft.signed))
        val once = sign(draft, keys[0])
        assertEquals("root_signed_twice", codeOf { sign(once, keys[0]) })
        assertEquals("root_quorum", codeOf { foundRoot(book, once) })
        val unit = foundRoot(book, sign(once, keys[1]))
        val card = book.branch.card()
        assertEquals(listOf(unit, "Đảng bộ tỉnh", deed.root), listOf(card.unit, card.name, book.branch.root.hash()))
    }

    private suspend fun below(upper: Handbook, name: String): Handbook {
        val founded = upper.branch.foundBranches(listOf(NewBranch(name, "Lê Văn An"))).single()
        val pack = founded.packs.first()
        return Handbook.createFromPack(place(founded.unit), "P1", pack.text, pack.code)
    }

    @Test
    fun `a branch is moved below another committee by a paper of the root`() = test {
        val (keys, province, draft) = rootOf()
        foundRoot(province, sign(draft, keys[0], keys[1]))
        val (first, second) = listOf("A", "B").map { below(province, "Đảng ủy xã $it") }
        val branch = below(first, "Chi bộ 1")
        val books = arrayOf(province, first, second, branch)
        repeat(2) { meet(*books) }
        val unit = branch.branch.card().unit
        val card = second.branch.root.card()
        assertEquals(card.checkCode, Root.readCard(card.text).checkCode)
        val paper = first.branch.root.move(listOf(unit), card.text)
        assertEquals(setOf("Appoint", "Move", "Dismiss"), paper.entries.map { it.deed::class.simpleName }.toSet())
        val tooFew = sign(paper, keys[0]).text
        assertEquals("root_quorum", codeOf { first.branch.root.carry(tooFew) })
        val signed = sign(paper, keys[0], keys[1]).text
        val left = ArrayList<Int>()
        assertEquals(paper.entries.size to listOf(0), first.branch.root.carry(signed, left::add) to left)
        assertEquals(0, first.branch.root.carry(signed))
        assertEquals(listOf(1, 0), List(2) { second.branch.root.followMoved(signed) })
        repeat(3) { meet(*books) }
        assertEquals(second.branch.card().unit, branch.branch.levelsAbove().first().unit)
        assertEquals(listOf(unit), second.branch.branches().map { it.unit })
        for (book in books.drop(1)) book.shutdown()
    }
}
