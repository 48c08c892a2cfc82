package vn.sotay

import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow

/** Relays: one exchange at a time, or followed while the app is in front. An address is `host:port#key`. */
class Sync internal constructor(private val raw: RawSync) {
    /** An exchange in both directions from beginning to end. Cancelling the coroutine ends it; what was stored stays. */
    suspend fun once(relay: String, timeout: Duration = 60.seconds): SyncReport = start(relay, timeout).await()

    /** Begins an exchange and returns at once; it fails if it takes longer than [timeout]. */
    suspend fun start(relay: String, timeout: Duration = 60.seconds): SyncTask =
        io { SyncTask(raw.syncOnce(relay, timeout.inWholeMilliseconds.coerceAtLeast(0).toULong())) }

    /** Keeps a connection to a relay, and comes back after every break. */
    suspend fun follow(relay: String) = io { raw.follow(relay) }

    /** Stops following a relay and closes its connection. */
    suspend fun unfollow(relay: String) = io { raw.unfollow(relay) }

    /** Signs the list of relays that serve the unit; an empty one says that none does. Officers only. */
    suspend fun nameRelays(relays: List<String>) = io { raw.nameRelays(relays) }

    /** The relays of the list in force, in the order in which this phone tries them. */
    suspend fun namedRelays(): List<String> = io { raw.namedRelays() }

    /** An exchange with the first relay of that list that serves, each for at most [timeout], from beginning to end. */
    suspend fun onceListed(timeout: Duration = 60.seconds): SyncReport = startListed(timeout).await()

    /** Begins such an exchange and returns at once. */
    suspend fun startListed(timeout: Duration = 60.seconds): SyncTask =
        io { SyncTask(raw.syncListed(timeout.inWholeMilliseconds.coerceAtLeast(0).toULong())) }

    /** Keeps a connection to the first relay of that list that serves, and to the next one when it is gone. */
    suspend fun followListed() = io { raw.followListed() }

    /** Ends what [followListed] began. */
    suspend fun unfollowListed() = io { raw.unfollowListed() }

    /** What is known of a relay, space by space. */
    suspend fun status(relay: String): List<SpaceStatus> = io { raw.status(relay) }

    /** Changes made here that no envelope holds yet. */
    suspend fun pending(): Long = io { raw.pending().toLong() }
}

/** A running exchange. */
class SyncTask internal constructor(private val raw: RawSyncTask) {
    /** How far it is. */
    fun progress(): SyncProgress = told { raw.progress() }

    /** How far it is, every [interval], to the end. */
    fun progressFlow(interval: Duration = 200.milliseconds): Flow<SyncProgress> =
        flow {
            while (true) {
                val now = progress()
                emit(now)
                if (now.phase == SyncPhase.ENDED) break
                delay(interval)
            }
        }

    /** Ends it; waiting then throws [SotayException.Cancelled]. What was stored, here and there, stays. */
    fun cancel() = told { raw.cancel() }

    /** Waits for the report. Cancelling the coroutine that waits ends the exchange. */
    suspend fun await(): SyncReport =
        try {
            raw.wait()
        } catch (error: HandbookException) {
            throw error.told()
        } catch (cancelled: CancellationException) {
            raw.cancel()
            throw cancelled
        }
}
