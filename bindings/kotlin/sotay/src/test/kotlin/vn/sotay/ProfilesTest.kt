package vn.sotay

import java.util.stream.Stream
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.flow.toList
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.Arguments
import org.junit.jupiter.params.provider.EnumSource
import org.junit.jupiter.params.provider.MethodSource
import kotlin.experimental.xor

/** A vault that does as it is told: XOR, or an error. */
class TestVault : KeyVault {
    var refusal: Exception? = null
    val labels = HashSet<String>()

    private fun answer(label: String, data: ByteArray): ByteArray {
        refusal?.let { throw it }
        labels += label
        return ByteArray(data.size) { data[it] xor 0x5A }
    }

    override fun level() = VaultLevel.SOFTWARE

    override fun wrap(label: String, secret: ByteArray) = answer(label, secret)

    override fun unwrap(label: String, wrapped: ByteArray) = answer(label, wrapped)

    override fun destroy(label: String) {
        labels -= label
    }
}

/** Opening, making, closing profiles; vaults; panics. */
class ProfilesTest : Stage() {
    @Test
    fun `opening a profile that is not there is told`() = test {
        assertEquals("no_profile", thrown<SotayException.Input> { Handbook.open(place("nothing")) }.code)
    }

    @Test
    fun `making a profile where one is is refused`() = test {
        Handbook.create(place("p"), "P1").shutdown()
        assertEquals("profile_exists", thrown<SotayException.Input> { Handbook.create(place("p"), "P1") }.code)
    }

    @Test
    fun `a profile is the same after it was closed and opened again`() = test {
        val device =
            Handbook.create(place("p"), "P1").use { book ->
                found(book)
                begin(book).apply(speech(book, "Đồng ý với dự thảo."))
                book.device
            }
        Handbook.open(place("p")).use { again ->
            assertEquals(device, again.device)
            val meeting = again.meeting(again.branch.meetings().single().id)
            assertEquals("Đồng ý với dự thảo.", meeting.view().speeches.single().text)
        }
    }

    @Test
    fun `a folder that cannot be made is told`() = test {
        place("file").writeText("in the way")
        val told = thrown<SotayException.Storage> { Handbook.create(place("file/p"), "P1") }
        assertEquals("folder" to NextAction.CHANGE_INPUT, told.code to told.nextAction)
    }

    @Test
    fun `one profile cannot be opened twice`() = test {
        Handbook.create(place("p"), "P1").use {
            assertEquals("profile_in_use", thrown<SotayException.Storage> { Handbook.open(place("p")) }.code)
        }
        Handbook.open(place("p")).shutdown()
    }

    @Test
    fun `two profiles at once do not disturb each other`() = test {
        val one = found(phone("A"))
        val two = found(phone("B"))
        begin(one).apply(speech(one, "một"))
        assertEquals(emptyList<MeetingHeading>(), two.branch.meetings())
        assertNotEquals(one.device, two.device)
        one.shutdown()
        assertEquals("B", two.branch.card().label)
    }

    @Test
    fun `shutting down twice is fine and every later call says closed`() = test {
        val book = secretary()
        val meeting = begin(book)
        book.shutdown()
        book.shutdown()
        val calls: List<suspend () -> Any> =
            listOf(
                { meeting.view() },
                { book.branch.card() },
                { book.changes().toList() },
                { book.sync.pending() },
                { book.lowMemory() },
            )
        for (call in calls) assertEquals("stopped", thrown<SotayException.Stopped> { call() }.code)
    }

    @Test
    fun `a profile made with a vault opens with it only`() = test {
        val vault = TestVault()
        val device = Handbook.create(place("p"), "P1", Platform(vault)).use { found(it).device }
        assertEquals(3, vault.labels.size) { "device keys, the founding authority's, the database's" }
        assertEquals("vault_missing", thrown<SotayException.Vault> { Handbook.open(place("p")) }.code)
        Handbook.open(place("p"), Platform(vault)).use { assertEquals(device, it.device) }
    }

    @ParameterizedTest
    @MethodSource("refusals")
    fun `a vault that does not give the keys is told with what to do`(refusal: Exception, code: String, action: NextAction) = test {
        val vault = TestVault()
        Handbook.create(place("p"), "P1", Platform(vault)).shutdown()
        vault.refusal = refusal
        val told = thrown<SotayException.Vault> { Handbook.open(place("p"), Platform(vault)) }
        assertEquals(code to action, told.code to told.nextAction)
        vault.refusal = null
        Handbook.open(place("p"), Platform(vault)).shutdown()
    }

    @Test
    fun `a vault that refuses at creation leaves no profile behind`() = test {
        val vault = TestVault()
        vault.refusal = VaultRefusal.Locked()
        thrown<SotayException.Vault> { Handbook.create(place("p"), "P1", Platform(vault)) }
        vault.refusal = null
        Handbook.create(place("p"), "P1", Platform(vault)).shutdown()
    }

    @Test
    fun `the vault of a passphrase opens with the same passphrase only`() = test {
        val file = place("vault")
        Handbook.create(place("p"), "P1", Platform(passphraseVault(file, "bốn chữ dễ nhớ"))).shutdown()
        thrown<SotayException.Vault> { passphraseVault(file, "sai") }
        Handbook.open(place("p"), Platform(passphraseVault(file, "bốn chữ dễ nhớ"))).shutdown()
    }

    @ParameterizedTest
    @EnumSource(PanicPlace::class)
    fun `a panic inside becomes an exception and the handbook goes on`(place: PanicPlace) = test {
        val book = secretary()
        val meeting = begin(book)
        val told = thrown<SotayException.Internal> { book.provokePanic(place) }
        assertEquals(NextAction.REPORT, told.nextAction)
        meeting.apply(speech(book, "vẫn ghi được"))
        assertEquals("vẫn ghi được", meeting.view().speeches.single().text)
    }

    @Test
    fun `calls from many threads at once all succeed`() = test {
        val book = secretary()
        val meeting = begin(book)
        (0 until 8).map { number -> async(Dispatchers.Default) { meeting.apply(speech(book, "ý kiến $number")) } }.awaitAll()
        assertEquals(8, meeting.view().speeches.size)
    }

    @Test
    fun `low memory loses nothing`() = test {
        val book = secretary()
        val meeting = begin(book)
        meeting.apply(speech(book, "còn nguyên"))
        val before = meeting.minutes()
        book.lowMemory()
        assertEquals(before, meeting.minutes())
    }

    @Test
    fun `errors have texts in both languages and a next action`() = test {
        val book = secretary()
        val told = thrown<SotayException.Input> { book.meeting("00".repeat(16)).view() }
        assertEquals("no_meeting", told.code)
        assertEquals("Không có cuộc họp này. Sửa lại rồi thử lại.", told.text())
        assertEquals("There is no such meeting. Correct it and try again.", told.text(Language.EN))
        assertEquals("There is no such meeting. [no_meeting]", told.message)
    }

    @Test
    fun `ids and days that are malformed are told by name`() = test {
        val book = secretary()
        val meeting = begin(book)
        val calls: List<Pair<String, suspend () -> Any>> =
            listOf(
                "meeting" to { book.meeting("not an id") },
                "on" to { book.branch.members("30/02/2025") },
                "since" to { book.branch.addMembers(listOf(plainMember("X")), "2025-02-30") },
                "date" to { meeting.apply(MeetingCommand.SetDate("today")) },
            )
        for ((name, call) in calls) {
            val told = thrown<SotayException.Input> { call() }
            assertEquals("malformed", told.code)
            assertTrue("\"$name\"" in told.message!!) { told.message!! }
        }
    }

    companion object {
        @JvmStatic
        fun refusals(): Stream<Arguments> =
            Stream.of(
                Arguments.of(VaultRefusal.Locked(), "vault_locked", NextAction.RETRY_LATER),
                Arguments.of(VaultRefusal.Gone(), "vault_key_gone", NextAction.ENROL_AGAIN),
                Arguments.of(VaultRefusal.Forged(), "vault_forged", NextAction.ENROL_AGAIN),
                Arguments.of(VaultRefusal.Refused(), "vault_failed", NextAction.RETRY_LATER),
                Arguments.of(IllegalStateException("not declared"), "vault_failed", NextAction.RETRY_LATER),
            )
    }
}
