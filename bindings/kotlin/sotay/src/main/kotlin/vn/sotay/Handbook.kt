package vn.sotay

import java.io.File
import java.util.concurrent.ConcurrentHashMap
import kotlin.time.Duration
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.buffer
import kotlinx.coroutines.flow.transform

/**
 * What the platform gives a handbook.
 *
 * @property vault wraps the phone's keys; without one they rest in the database, readable by whoever reads the app's files
 * @property connectivity tells whether there is a network; without one the network is tried
 * @property followWhenMetered whether relays are followed over a metered network
 * @property pin what a new profile gets, and what opens one that has a PIN; a profile without one passes it over
 * @property lockAfter after so long without [Handbook.touch] the profile locks itself; never, if null
 */
data class Platform(
    val vault: KeyVault? = null,
    val connectivity: Connectivity? = null,
    val followWhenMetered: Boolean = true,
    val pin: String? = null,
    val lockAfter: Duration? = null,
) {
    internal fun lockAfterMs(): ULong? = lockAfter?.inWholeMilliseconds?.coerceAtLeast(0)?.toULong()

    internal fun open(folder: File) = OpenConfig(folder.path, vault, connectivity, followWhenMetered, pin, lockAfterMs())

    internal fun create(folder: File, label: String) =
        CreateConfig(folder.path, label, vault, connectivity, followWhenMetered, pin, lockAfterMs())

    /** Without the PIN: this may be written to a log. */
    override fun toString() = "Platform(vault=${vault != null}, pin=${pin != null}, lockAfter=$lockAfter)"
}

/**
 * An opened profile: one person on one phone.
 *
 * Every method may be called from any thread, the one that draws included: what waits is `suspend` and works elsewhere. What a
 * call changed is on disk when it returns, with or without a network. A command that has begun is finished even when its
 * coroutine is cancelled; only [Sync.once] and [SyncTask.await] end early.
 *
 * All calls throw [SotayException].
 */
class Handbook private constructor(
    internal val raw: RawHandbook,
    /** This phone's id, in hexadecimal. */
    val device: String,
) : AutoCloseable {
    internal val inboxes: MutableSet<Inbox> = ConcurrentHashMap.newKeySet()

    /** The unit: members, phones, meetings. */
    val branch: Branch = Branch(told { raw.branch() })

    /** Tasks, fees, ratings, resolutions, reports, directives. */
    val records: Records = Records(told { raw.records() })

    /** What members write to the committee. */
    val feedback: Feedback = Feedback(told { raw.feedback() })

    /** Relays. */
    val sync: Sync = Sync(told { raw.sync() })

    /** Documents, search, answers, reading aloud. */
    val library: Library = Library(told { raw.library() })

    /** Quizzes and repetition. */
    val study: Study = Study(told { raw.study() })

    /** A meeting by its id. Whether there is one shows at the first call on it. */
    fun meeting(id: String): Meeting = Meeting(told { raw.meeting(id) }, id, this)

    /** The first screen: role, meeting at hand, what can be done now, what waits. */
    suspend fun home(language: Language = Language.VI): HomeView = io { raw.home(language) }

    /**
     * Changes from now on, in batches: what the engine gathered within 50 ms, and whatever else arrived while the collector was
     * busy. The first is [Change.Start] alone. The flow ends with the handbook; each collector has a subscription of its own.
     */
    fun changeBatches(): Flow<List<Change>> = batches(this)

    /** The same, one by one. */
    fun changes(): Flow<Change> = batches(this).transform { batch -> batch.forEach { emit(it) } }.buffer(0)

    /**
     * Calls a function with every batch, on one thread of the library, in order, until it is cancelled. The function may call
     * the handbook. It should return quickly; when it throws eight times in a row it is dropped.
     */
    suspend fun subscribe(listener: (List<Change>) -> Unit): Subscription =
        io { Subscription(raw.subscribe(FunctionListener(listener))) }

    /** The app left the screen and the system gives it [budget] more; then connections close by themselves. */
    suspend fun enterBackground(budget: Duration) = io { raw.enterBackground(budget.inWholeMilliseconds.coerceAtLeast(0).toULong()) }

    /** The app must not use the network now. */
    suspend fun suspendNetwork() = io { raw.suspend() }

    /** The app is in front again: followed relays are tried at once. */
    suspend fun resume() = io { raw.resume() }

    /** The phone has another network: connections move to it, pauses end. */
    suspend fun networkChanged() = io { raw.networkChanged() }

    /** The system is short of memory: open documents leave it and are read again when needed. */
    suspend fun lowMemory() = io { raw.lowMemory() }

    /** For tests of apps: panics inside, so that one sees an exception and not a crash. Nothing is lost by it. */
    suspend fun provokePanic(place: PanicPlace) = io { raw.provokePanic(place) }

    /** Locks the profile now. Later calls fail with `locked`: ask for the PIN and open it anew. Flows of changes end. */
    suspend fun lock() =
        io {
            raw.lock()
            inboxes.forEach(Inbox::close)
        }

    /** Somebody uses the app: call it for every touch of the screen. Reading and syncing do not count. */
    fun touch() = told { raw.touch() }

    /** Closes connections, finishes what was called, closes the database; a second call does nothing. Flows of changes end. */
    suspend fun shutdown() = io { end() }

    /** Same as [shutdown], waiting on the calling thread: for `use` in scripts and tests. */
    override fun close() = told { end() }

    private fun end() {
        raw.shutdown()
        inboxes.forEach(Inbox::close)
    }

    companion object {
        init {
            NativeLibrary.ensure()
        }

        /** Opens the profile in [folder]. One process at a time; a second gets `profile_in_use`. */
        suspend fun open(folder: File, platform: Platform = Platform()): Handbook =
            io { opened(openHandbook(platform.open(folder))) }

        /** Makes a new profile in [folder]; [label] is what lists call this phone, 64 bytes at most. A failure leaves nothing behind. */
        suspend fun create(folder: File, label: String, platform: Platform = Platform()): Handbook =
            io { opened(createHandbook(platform.create(folder, label))) }

        /** Makes the profile of a new branch's secretary from a pack of the level above and its code. A failure leaves nothing behind. */
        suspend fun createFromPack(
            folder: File,
            label: String,
            pack: String,
            code: String,
            platform: Platform = Platform(),
        ): Handbook = io { opened(createFromPack(platform.create(folder, label), pack, code)) }

        /** How the profile in [folder] is protected. It may be open; no PIN is needed. */
        suspend fun lockState(folder: File, platform: Platform = Platform()): LockStateView = io { lockState(platform.open(folder)) }

        /** Puts a closed profile under a PIN, or under another one; [platform] has its vault and its present PIN. */
        suspend fun setPin(folder: File, pin: String, platform: Platform = Platform()) = io { setPin(platform.open(folder), pin) }

        /** Takes the PIN of a closed profile away; the database stays encrypted. */
        suspend fun removePin(folder: File, platform: Platform = Platform()) = io { removePin(platform.open(folder)) }

        private fun opened(raw: RawHandbook) = Handbook(raw, raw.device())
    }
}
