package vn.sotay

import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.catch
import kotlinx.coroutines.flow.distinctUntilChanged
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

    /**
     * Keeps a connection to a phone that hosts, whatever [Platform.connectivity] says: the hall has no internet. [unfollow] ends
     * it. [once] makes one exchange with it.
     */
    suspend fun followHost(address: String) = io { raw.followHost(address) }

    /**
     * Lets other phones of the unit connect to this one: they get what they may read of what is here, hand over what they have, and
     * what one of them brings goes to all others at once. Gives the addresses to show. It pauses while the app is suspended; a
     * phone that hosts already goes on as it does.
     */
    suspend fun host(listen: String = ANY_PORT): HostView = io { raw.host(listen) }

    /** Where this phone hosts, with the addresses that it has now; null while it does not. */
    suspend fun hosted(): HostView? = io { raw.hosted() }

    /** Ends what [host] began; the phones that are connected are told. */
    suspend fun stopHosting() = io { raw.stopHosting() }

    /** The phones that are connected to this one, by label, and how far each is. [Change.Visitors] says when one came or went. */
    suspend fun visitors(): List<VisitorView> = io { raw.visitors() }

    /** The same, looked at every [interval]; the flow brings what is different from before, and ends with the handbook. */
    fun visitorsFlow(interval: Duration = 1.seconds): Flow<List<VisitorView>> =
        flow {
            while (true) {
                emit(visitors())
                delay(interval)
            }
        }.catch { error -> if (error !is SotayException.Stopped) throw error }.distinctUntilChanged()

    /** What is known of a relay, space by space. */
    suspend fun status(relay: String): List<SpaceStatus> = io { raw.status(relay) }

    /** Changes made here that no envelope holds yet. */
    suspend fun pending(): Long = io { raw.pending().toLong() }

    /** Values of syncing. */
    companion object {
        /** Every address of this phone, and any port. */
        const val ANY_PORT: String = "0.0.0.0:0"
    }
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
