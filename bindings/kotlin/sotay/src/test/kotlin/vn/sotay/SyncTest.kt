package vn.sotay

import java.util.Collections
import java.util.concurrent.CompletableFuture
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.Semaphore
import java.util.concurrent.TimeUnit
import kotlin.time.Duration.Companion.ZERO
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.produceIn
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.flow.transformWhile
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

private fun allSynced(spaces: List<SpaceStatus>) = spaces.isNotEmpty() && spaces.all { it.state is SpaceState.Synced }

private fun isPart(change: Change, part: DocumentPart) = change is Change.Document && change.part == part

private fun isSpeech(change: Change) = isPart(change, DocumentPart.SPEECH)

private fun isSynced(change: Change) = change is Change.Sync && change.state is SpaceState.Synced

/** Two phones and a real relay; changes; cancelling. */
class SyncTest : Stage() {
    @Test
    fun `two phones converge through a relay with equal minutes`() = test {
        val (secretary, deputy) = pair()
        val here = begin(secretary)
        val there = begin(deputy)
        here.apply(speech(secretary, "từ máy bí thư"))
        there.apply(speech(deputy, "từ máy phó bí thư"))
        val reports = listOf(secretary, deputy, secretary).map { it.sync.once(Relay.address) }
        assertTrue(allSynced(reports.last().spaces))
        assertTrue(reports.last().envelopesIn > 0u && reports.last().roundTrips >= 1u)
        assertEquals(setOf("từ máy bí thư", "từ máy phó bí thư"), here.view().speeches.map { it.text }.toSet())
        assertEquals(here.minutes().sha256, there.minutes().sha256)
        assertEquals(2, there.view().speeches.size)
        assertTrue(allSynced(secretary.sync.status(Relay.address)))
    }

    @Test
    fun `a contradiction is on both review lists in words and can be settled`() = test {
        val (secretary, deputy) = pair()
        val here = begin(secretary)
        val there = begin(deputy)
        val member = me(deputy)
        for (meeting in listOf(here, there)) meeting.apply(MeetingCommand.Step(MeetingStep.OPENED))
        here.apply(mark(listOf(member), AttendanceState.PRESENT))
        there.apply(mark(listOf(member), AttendanceState.UNEXCUSED))
        for (book in listOf(secretary, deputy, secretary)) book.sync.once(Relay.address)
        val vi = here.review()
        assertEquals(vi.open.map { it.id }, there.review().open.map { it.id })
        val item = vi.open.first { it.kind == ReviewKind.ATTENDANCE_TWICE }
        val other = here.review(Language.EN).open.first { it.id == item.id }
        assertTrue("Trần Thị Hoa" in item.text && item.text != other.text)
        assertEquals(here.id, secretary.branch.reviewAll().first().meeting)
        here.settle(item.id, item.options.first().pick)
        val settled = here.review().settled
        assertEquals(listOf(item.id), settled.map { it.id })
        assertTrue(settled.single().contest is ContestState.Settled)
    }

    @Test
    fun `changes begin with start and bring what another phone wrote`() = test {
        val (secretary, deputy) = pair()
        val meeting = begin(secretary)
        val changes = secretary.changes().produceIn(this)
        assertEquals(Change.Start, changes.receive())
        secretary.sync.follow(Relay.address)
        begin(deputy).apply(speech(deputy, "đang họp"))
        deputy.sync.once(Relay.address)
        while (!isSpeech(changes.receive())) continue
        assertEquals("đang họp", meeting.view().speeches.single().text)
        secretary.sync.unfollow(Relay.address)
        changes.cancel()
    }

    @Test
    fun `iterating over changes ends after the time given`() = test {
        val book = secretary()
        val meeting = begin(book)
        val seen = CopyOnWriteArrayList<Change>()
        val reading = launch { withTimeoutOrNull(1.seconds) { book.changes().collect(seen::add) } }
        meeting.apply(speech(book, "một"))
        reading.join()
        assertEquals(Change.Start, seen.first())
        assertTrue(seen.any(::isSpeech))
        assertEquals(0, book.inboxes.size) { "nothing listens any more" }
    }

    @Test
    fun `changes end with the handbook`() = test {
        val book = secretary()
        val began = CompletableDeferred<Unit>()
        val all = async { book.changes().transformWhile { emit(it); began.complete(Unit); true }.toList() }
        began.await()
        book.shutdown()
        assertEquals(Change.Start, all.await().first())
    }

    @Test
    fun `10,000 changes reach a listener in order from one thread`() = test {
        val book = secretary()
        val members = book.branch.addMembers(List(100) { plainMember("Đảng viên $it") }, SINCE)
        val meeting = begin(book)
        val threads = Collections.synchronizedSet(HashSet<Thread>())
        val marked = CopyOnWriteArrayList<List<String>>()
        val sizes = CopyOnWriteArrayList<Int>()
        val full = CompletableFuture<Unit>()
        var count = 0
        val subscription =
            book.subscribe { batch ->
                threads += Thread.currentThread()
                sizes += batch.size
                val part = batch.filter { isPart(it, DocumentPart.ATTENDANCE) }.map { (it as Change.Document).id!! }
                marked += part
                count += part.size
                if (count >= 10_000) full.complete(Unit)
            }
        repeat(100) { meeting.apply(mark(members, if (it % 2 == 1) AttendanceState.PRESENT else AttendanceState.EXCUSED)) }
        full.get(LONG.inWholeSeconds, TimeUnit.SECONDS)
        assertEquals(List(100) { members.sorted() }.flatten(), marked.flatten()) { "each change once, in order" }
        assertEquals(1, threads.size)
        val stats = subscription.stats()
        assertTrue(stats.active)
        assertEquals(sizes.size.toULong(), stats.batches)
        assertTrue(sizes.max() <= 1_000)
        val each = stats.nanos.toDouble() / stats.changes.toDouble() / 1_000
        println("bench: %.2f us a change, %d changes in %d batches on %d thread".format(each, stats.changes.toLong(), stats.batches.toLong(), threads.size))
        subscription.cancel()
    }

    @Test
    fun `a listener that throws is dropped and the handbook goes on`() = test {
        val book = secretary()
        val meeting = begin(book)
        val called = Semaphore(0)
        val subscription =
            book.subscribe {
                called.release()
                error("as asked")
            }
        var number = 0
        while (subscription.stats().active) {
            assertTrue(withContext(Dispatchers.IO) { called.tryAcquire(LONG.inWholeSeconds, TimeUnit.SECONDS) })
            meeting.apply(speech(book, "ý kiến ${number++}"))
            assertTrue(number < 200)
        }
        val changes = book.changes().produceIn(this)
        assertEquals(Change.Start, changes.receive())
        meeting.apply(speech(book, "vẫn nghe"))
        while (!isSpeech(changes.receive())) continue
        changes.cancel()
    }

    @Test
    fun `a cancelled subscription hears nothing more`() = test {
        val book = secretary()
        val meeting = begin(book)
        val heard = CopyOnWriteArrayList<List<Change>>()
        val first = CompletableDeferred<Unit>()
        val subscription =
            book.subscribe { batch ->
                heard += batch
                first.complete(Unit)
            }
        first.await()
        subscription.cancel()
        val began = subscription.stats().batches.toInt() // one that runs now comes to its end
        val changes = book.changes().produceIn(this)
        assertEquals(Change.Start, changes.receive())
        meeting.apply(speech(book, "một"))
        while (!isSpeech(changes.receive())) continue
        changes.cancel()
        assertEquals(began, heard.size)
        assertFalse(subscription.stats().active)
    }

    @Test
    fun `a listener may call the handbook and even shut it down`() = test {
        val book = secretary()
        val meeting = begin(book)
        val done = CompletableDeferred<Int>()
        val subscription =
            book.subscribe {
                kotlinx.coroutines.runBlocking {
                    val speeches = meeting.view().speeches.size
                    book.shutdown()
                    done.complete(speeches)
                }
            }
        assertEquals(0, done.await())
        thrown<SotayException.Stopped> { meeting.view() }
        subscription.cancel()
    }

    @Test
    fun `a relay that does not answer is a network error`() = test {
        val book = secretary()
        val told = thrown<SotayException.Network> { book.sync.once(silentRelay(), 300.milliseconds) }
        assertEquals("sync_timeout" to NextAction.RETRY_LATER, told.code to told.nextAction)
    }

    @Test
    fun `an address without a key is the callers mistake`() = test {
        val book = secretary()
        val address = "relay.example.vn:7843"
        val calls: List<suspend () -> Any> = listOf({ book.sync.start(address) }, { book.sync.follow(address) }, { book.sync.status(address) })
        for (call in calls) assertEquals("bad_relay", thrown<SotayException.Input> { call() }.code)
    }

    @Test
    fun `a cancelled exchange ends at once and the next one works`() = test {
        val book = secretary()
        val task = book.sync.start(silentRelay())
        assertEquals(SyncPhase.CONNECTING, task.progress().phase)
        val waiting = async(start = CoroutineStart.UNDISPATCHED) { runCatching { task.await() }.exceptionOrNull() }
        val began = TimeSource.Monotonic.markNow()
        task.cancel()
        assertEquals("cancelled", (waiting.await() as SotayException.Cancelled).code)
        assertTrue(began.elapsedNow() < 5.seconds)
        assertEquals(SyncPhase.ENDED, task.progress().phase)
        book.sync.once(Relay.address)
    }

    @Test
    fun `cancelling the awaiting task cancels the exchange`() = test {
        val book = secretary()
        val task = book.sync.start(silentRelay())
        val waiting = launch(start = CoroutineStart.UNDISPATCHED) { task.await() }
        waiting.cancelAndJoin()
        assertTrue(waiting.isCancelled)
        thrown<SotayException.Cancelled> { task.await() }
    }

    @Test
    fun `shutting down during an exchange ends it`() = test {
        val book = secretary()
        val task = book.sync.start(silentRelay())
        val waiting = async(start = CoroutineStart.UNDISPATCHED) { runCatching { task.await() }.exceptionOrNull() }
        book.shutdown()
        assertTrue(waiting.await() is SotayException.Stopped)
    }

    private class TestConnectivity : Connectivity {
        @Volatile var state = NetworkState.OFFLINE
        val asked = CompletableDeferred<Unit>()

        override fun network(): NetworkState {
            asked.complete(Unit)
            return state
        }
    }

    @Test
    fun `a relay is followed when the platform says that there is a network`() = test {
        val platform = TestConnectivity()
        val book = found(phone("P1", Platform(connectivity = platform)))
        val changes = book.changes().produceIn(this)
        book.sync.follow(Relay.address)
        platform.asked.await()
        assertTrue(book.sync.status(Relay.address).all { it.state is SpaceState.Unknown })
        platform.state = NetworkState.UNMETERED
        book.networkChanged()
        while (!isSynced(changes.receive())) continue
        changes.cancel()
    }

    @Test
    fun `after the background a followed relay is tried again`() = test {
        val (secretary, deputy) = pair()
        begin(secretary)
        val changes = secretary.changes().produceIn(this)
        secretary.sync.follow(Relay.address)
        while (!isSynced(changes.receive())) continue
        secretary.enterBackground(ZERO)
        begin(deputy).apply(speech(deputy, "khi đang ở nền"))
        deputy.sync.once(Relay.address)
        secretary.resume()
        while (!isSpeech(changes.receive())) continue
        changes.cancel()
    }

    @Test
    fun `log lines reach a sink and a sink that throws hurts nobody`() = test {
        val book = secretary()
        val lines = CompletableDeferred<List<LogLine>>()
        logTo(LogLevel.ERROR) {
            lines.complete(it)
            error("as asked")
        }
        try {
            thrown<SotayException.Internal> { book.provokePanic(PanicPlace.WORKER) }
            val first = lines.await().first()
            assertEquals(LogLevel.ERROR, first.level)
            assertTrue(first.target.startsWith("sotay_"))
            book.branch.card()
        } finally {
            logTo(LogLevel.ERROR, null)
        }
    }
}
