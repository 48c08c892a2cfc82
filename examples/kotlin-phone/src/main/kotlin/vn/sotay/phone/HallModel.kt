package vn.sotay.phone

import kotlinx.coroutines.CoroutineScope
import vn.sotay.Change
import vn.sotay.Handbook
import vn.sotay.Sync
import vn.sotay.VisitorView

/** The hall, as the phone that hosts it sees it. */
data class HallContent(
    /** What the others scan; null while this phone does not host, or is in no network. */
    val address: String?,
    /** The phones that are connected, by label. */
    val visitors: List<VisitorView>,
) {
    /** "26 of 28 phones have everything". */
    val complete: Int get() = visitors.count { it.complete }
}

/** Hosting, and visiting another phone that hosts. */
class HallModel(private val handbook: Handbook, scope: CoroutineScope) {
    /** What to draw. How far phones are changes with every document. */
    val screen =
        Screen(handbook, scope, { it == Change.Visitors || it is Change.Document }) {
            HallContent(handbook.sync.hosted()?.addresses?.firstOrNull(), handbook.sync.visitors())
        }

    /** Lets others connect; the address to show is in [screen] afterwards. */
    suspend fun host(listen: String = Sync.ANY_PORT): Boolean =
        screen.act {
            handbook.sync.host(listen)
            screen.refresh()
        }

    /** Ends that. */
    suspend fun stop(): Boolean =
        screen.act {
            handbook.sync.stopHosting()
            screen.refresh()
        }

    /** Stays connected to a phone that hosts, by the address that was scanned. */
    suspend fun visit(address: String): Boolean = screen.act { handbook.sync.followHost(address) }

    /** Ends that. */
    suspend fun leave(address: String): Boolean = screen.act { handbook.sync.unfollow(address) }
}
