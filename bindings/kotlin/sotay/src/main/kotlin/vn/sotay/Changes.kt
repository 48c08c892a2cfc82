package vn.sotay

import com.sun.jna.Native
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow

/** Changes that wait for a slow reader; beyond it they are dropped and [Change.Missed] stands for them. */
const val CHANGES_WAITING_MAX: Int = 20_000

/** A running subscription. It ends with [cancel], with the handbook, or when nothing refers to it any more. */
class Subscription internal constructor(private val raw: RawSubscription) : AutoCloseable {
    /** No call begins after this returns; one that is running comes to its end. A second call does nothing. */
    fun cancel() = told { raw.cancel() }

    /** What the listener was given so far. */
    fun stats(): SubscriptionStats = told { raw.stats() }

    /** Same as [cancel]. */
    override fun close() = cancel()
}

/**
 * A batch of changes, oldest first. It crosses the bridge in a few bytes a change, and a [Change] is made when it is looked at:
 * a screen that is not concerned makes none.
 */
class ChangeBatch internal constructor(private val packed: PackedChanges) : AbstractList<Change>(), RandomAccess {
    private val entries = packed.entries

    override val size: Int get() = entries.size / PACKED_BYTES

    /** Whether nothing comes after it. */
    internal val last: Boolean get() = packed.others.any { it is Change.Locked }

    override fun get(index: Int): Change {
        if (index !in indices) throw IndexOutOfBoundsException("$index of $size")
        val at = index * PACKED_BYTES
        val number = (entries[at + 2].toInt() and 0xff shl 8) or (entries[at + 3].toInt() and 0xff)
        return when (entries[at].toInt()) {
            OTHER -> packed.others[number]
            else -> {
                val place = packed.places[number]
                Change.Document(place.doc, place.part, if (entries[at].toInt() == AT_ID) hex(at + 4) else null)
            }
        }
    }

    private fun hex(from: Int): String {
        val digits = CharArray(2 * ID_BYTES)
        for (byte in 0 until ID_BYTES) {
            val value = entries[from + byte].toInt()
            digits[2 * byte] = DIGITS[value shr 4 and 0xf]
            digits[2 * byte + 1] = DIGITS[value and 0xf]
        }
        return String(digits)
    }

    private companion object {
        // As `bindings/ffi/src/changes.rs` writes them.
        const val PACKED_BYTES = 20
        const val ID_BYTES = 16
        const val AT_ID = 1
        const val OTHER = 2
        const val DIGITS = "0123456789abcdef"
    }
}

/** A function as a listener. */
internal class FunctionListener(private val function: (ChangeBatch) -> Unit) : ChangeListener {
    override fun onChanges(batch: PackedChanges) {
        // The engine calls from one thread of its own. Left attached, it is one Java thread instead of one for every call.
        Native.detach(false)
        function(ChangeBatch(batch))
    }
}

/** Where batches wait between the engine's thread and a coroutine. */
internal class Inbox {
    private val lock = Any()
    private var waiting = ArrayList<List<Change>>()
    private var changes = 0
    private var closed = false
    private val arrived = Channel<Unit>(Channel.CONFLATED)

    /** Takes a batch of the engine; never waits. After the one that tells of the lock a reader gets the end. */
    fun put(batch: ChangeBatch) {
        synchronized(lock) {
            if (batch.last) closed = true
            if (changes + batch.size > CHANGES_WAITING_MAX) {
                waiting = arrayListOf(listOf(Change.Missed))
                changes = 1
            } else {
                waiting.add(batch)
                changes += batch.size
            }
        }
        arrived.trySend(Unit)
    }

    /** A reader gets what is here, and then the end. */
    fun close() {
        synchronized(lock) { closed = true }
        arrived.trySend(Unit)
    }

    /** Everything that arrived since the last time, or null at the end. */
    suspend fun take(): List<Change>? {
        while (true) {
            synchronized(lock) {
                if (waiting.isNotEmpty()) {
                    val taken = waiting
                    waiting = ArrayList()
                    changes = 0
                    return taken.singleOrNull() ?: taken.flatten()
                }
                if (closed) return null
            }
            arrived.receive()
        }
    }
}

/** Batches of a handbook as a cold flow; each collector has a subscription of its own. */
internal fun batches(handbook: Handbook): Flow<List<Change>> =
    flow {
        val inbox = Inbox()
        handbook.inboxes.add(inbox)
        try {
            io { handbook.raw.subscribe(FunctionListener(inbox::put)) }.let(::Subscription).use {
                while (true) emit(inbox.take() ?: break)
            }
        } finally {
            handbook.inboxes.remove(inbox)
        }
    }
