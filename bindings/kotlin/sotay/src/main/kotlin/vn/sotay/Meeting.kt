package vn.sotay

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.SharingStarted
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.conflate
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.filter
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.stateIn

/** One meeting. */
class Meeting internal constructor(
    private val raw: RawMeeting,
    /** Its document id. */
    val id: String,
    private val handbook: Handbook,
) {
    /** Everything a screen needs, in one record. */
    suspend fun view(): MeetingView = io { raw.view() }

    /** The view now and after every change that may touch it; ends with the handbook. A slow collector gets the latest only. */
    fun views(): Flow<MeetingView> =
        handbook.changeBatches()
            .filter { batch -> batch.any(::touches) }
            .conflate()
            .map { view() }
            .distinctUntilChanged()

    /** [views] as state for a screen: null until the first one is read; read only while somebody collects. */
    fun state(scope: CoroutineScope): StateFlow<MeetingView?> =
        views().stateIn(scope, SharingStarted.WhileSubscribed(STATE_STOP_MS), null)

    /** Carries out commands as one change, all or nothing; gives the id of the entry each one added. */
    suspend fun apply(vararg commands: MeetingCommand): List<String?> = io { raw.apply(commands.asList()) }

    /** What contradicts itself, in words. */
    suspend fun review(language: Language = Language.VI): ReviewView = io { raw.review(language) }

    /** Settles an item of the review list by one of its options. */
    suspend fun settle(item: String, pick: String) = io { raw.settle(item, pick) }

    /** Text and SHA-256 of the minutes as they stand. */
    suspend fun minutes(): MinutesView = io { raw.minutes() }

    /** Every change, causes before effects. */
    suspend fun history(): List<HistoryLineView> = io { raw.history() }

    /** Names, roster and missed changes may touch any meeting; another meeting's changes do not. */
    private fun touches(change: Change): Boolean =
        when (change) {
            is Change.Document -> change.doc == id || change.part == DocumentPart.ROSTER
            Change.Start, Change.Names, Change.Missed, Change.Enrolled -> true
            else -> false
        }

    private companion object {
        /** A screen that turns does not begin again. */
        const val STATE_STOP_MS = 5_000L
    }
}
