package vn.sotay

import java.io.File
import java.net.DatagramSocket
import java.net.InetAddress
import java.nio.file.Path
import java.util.concurrent.TimeUnit
import kotlin.reflect.KClass
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.fail
import org.junit.jupiter.api.io.TempDir

const val MONTH = "2025-05"
const val DAY = "2025-05-20"
const val SINCE = "2025-01-01"

/** How long a test waits for what must come. */
val LONG = 60.seconds

/** A real relay process; one for all tests, ended with the JVM. */
object Relay {
    private val said: Map<String, String>

    init {
        val binary = System.getenv("SOTAY_RELAY") ?: File(System.getProperty("sotay.target"), "sotay-relay").path
        val data = kotlin.io.path.createTempDirectory("sotay-relay").toFile()
        val process =
            ProcessBuilder(
                binary, "serve", "--data", data.path, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--json",
            ).redirectError(ProcessBuilder.Redirect.DISCARD).start()
        Runtime.getRuntime().addShutdownHook(
            Thread {
                process.destroy()
                process.waitFor(20, TimeUnit.SECONDS)
                data.deleteRecursively()
            },
        )
        val line = process.inputStream.bufferedReader().readLine() ?: error("the relay did not start; build it with cargo build -p sotay-relay")
        said = Regex("\"(\\w+)\":\"([^\"]*)\"").findAll(line).associate { it.groupValues[1] to it.groupValues[2] }
    }

    private val key = said.getValue("key")

    /** What phones are told. */
    val address = "${said.getValue("listen")}#$key"

    /** An address at which nobody ever answers, while the socket is open. */
    fun silent(socket: DatagramSocket) = "127.0.0.1:${socket.localPort}#$key"
}

/** Phones in fresh folders, shut down at the end of a test. */
abstract class Stage {
    @TempDir
    lateinit var folder: Path
    private val books = ArrayList<Handbook>()
    private val sockets = ArrayList<DatagramSocket>()

    @AfterEach
    fun end() {
        books.forEach(Handbook::close)
        sockets.forEach(DatagramSocket::close)
    }

    fun place(name: String): File = folder.resolve(name).toFile()

    fun silentRelay(): String = Relay.silent(DatagramSocket(0, InetAddress.getLoopbackAddress()).also(sockets::add))

    suspend fun phone(label: String = "P1", platform: Platform = Platform()): Handbook =
        Handbook.create(place("${books.size}-$label"), label, platform).also(books::add)

    suspend fun secretary(): Handbook = found(phone("P3"))

    /** Secretary and deputy, each with a phone. */
    suspend fun pair(): Pair<Handbook, Handbook> {
        val secretary = secretary()
        val deputy = phone("P5")
        join(secretary, deputy, rank = 3u)
        return secretary to deputy
    }
}

/** A test that may wait, and that ends by itself. */
fun test(block: suspend CoroutineScope.() -> Unit) = runBlocking { withTimeout(LONG * 2) { block() } }

suspend fun found(book: Handbook): Handbook {
    book.branch.create("Chi bộ thôn An Lạc", "Đảng bộ xã Đông Phong", "Nguyễn Văn Bình", since = SINCE)
    return book
}

/** Puts a member on the roster and admits a phone; gives the member's id. */
suspend fun join(secretary: Handbook, book: Handbook, name: String = "Trần Thị Hoa", rank: UByte = 4u): String {
    val member = secretary.branch.addMembers(listOf(plainMember(name)), SINCE).single()
    book.branch.accept(secretary.branch.admit(book.branch.joinRequest().text, member, rank))
    return member
}

/** The meeting of May 2025. */
suspend fun begin(book: Handbook): Meeting = book.meeting(book.branch.newMeeting(MeetingKind.REGULAR, MONTH, DAY))

suspend fun me(book: Handbook): String = book.branch.card().member

suspend fun speech(book: Handbook, text: String): MeetingCommand = MeetingCommand.AddSpeech(Who.Member(me(book)), text)

fun mark(members: List<String>, state: AttendanceState, reason: String? = null): MeetingCommand =
    MeetingCommand.Mark(members, state, RecordedHow.ROLL_CALL, reason)

/** The exception of a kind that a call must throw. */
inline fun <reified E : Throwable> thrown(call: () -> Unit): E = thrown(E::class, call)

inline fun <E : Throwable> thrown(kind: KClass<E>, call: () -> Unit): E {
    try {
        call()
    } catch (error: Throwable) {
        assertTrue(kind.isInstance(error)) { "another error: $error" }
        @Suppress("UNCHECKED_CAST")
        return error as E
    }
    fail("nothing was thrown")
}
