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

/** A function as a listener. */
internal class FunctionListener(private val function: (List<Change>) -> Unit) : ChangeListener {
    override fun onChanges(batch: List<Change>) {
        // The engine calls from one thread of its own. Left attached, it is one Java thread instead of one for every call.
        Native.detach(false)
        function(batch)
    }
}

/** Where batches wait between the engine's thread and a coroutine. */
internal class Inbox {
    private val lock = Any()
    private var waiting = ArrayList<Change>()
    private var closed = false
    private val arrived = Channel<Unit>(Channel.CONFLATED)

    /** Takes a batch of the engine; never waits. */
    fun put(batch: List<Change>) {
        synchronized(lock) {
            if (waiting.size + batch.size > CHANGES_WAITING_MAX) {
                waiting = arrayListOf(Change.Missed)
            } else {
                waiting.addAll(batch)
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
                    return waiting.also { waiting = ArrayList() }
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
