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

    /** The seals of the minutes, and what was recorded after them. */
    suspend fun seals(language: Language = Language.VI): SealsView = io { raw.seals(language) }

    /** The review list on the eve of a seal, with a warning for every phone that took part and has not handed in. */
    suspend fun sealCheck(language: Language = Language.VI): ReviewView = io { raw.sealCheck(language) }

    /**
     * Proposes to seal the minutes that were shown ([MinutesView.sha256]), with one's own signature; the other of chair and
     * minute-taker countersigns. Over sealed minutes this is the next edition. Gives the seal's id.
     */
    suspend fun proposeSeal(minutes: String): String = io { raw.proposeSeal(minutes) }

    /** Signs what the other of the two has proposed, if this phone holds the same records and reads the same text. */
    suspend fun countersign(seal: String) = io { raw.countersign(seal) }

    /** Takes a seal back: the chair whom it names, or the secretary. */
    suspend fun withdrawSeal(seal: String) = io { raw.withdrawSeal(seal) }

    /** Proposes to sign what was recorded after the seal as an addendum to it; gives its id. */
    suspend fun proposeAddendum(): String = io { raw.proposeAddendum() }

    /** [apply] after the minutes were sealed; what is written waits beside the sealed text. Officers only. */
    suspend fun amend(vararg commands: MeetingCommand): List<String?> = io { raw.amend(commands.asList()) }

    /** The sealed text, as it was signed. */
    suspend fun sealedText(seal: String): String = io { raw.sealedText(seal) }

    /** Everything somebody without a profile needs to check the seals: for [sealFileChecked]. */
    suspend fun sealFile(): ByteArray = io { raw.sealFile() }

    /** Keeps an official signature that was made elsewhere beside a seal. Officers only. */
    suspend fun attachOutsideSignature(seal: String, kind: OutsideSignatureKind, name: String, bytes: ByteArray) =
        io { raw.attachOutsideSignature(seal, kind, name, bytes) }

    /** The minutes as a file: the sealed edition, or as they stand; with [item], the extract of that item; with [template], by one's own. */
    suspend fun paper(form: PaperForm, item: String? = null, template: String? = null): PaperFile = io { raw.paper(form, item, template) }

    /** A page of the diary in words, newest line first; 200 lines at most. */
    suspend fun diary(skip: Int = 0, count: Int = DIARY_PAGE, language: Language = Language.VI): DiaryPageView =
        io { raw.diary(skip.coerceAtLeast(0).toUInt(), count.coerceAtLeast(0).toUInt(), language) }

    /** Undoes what this phone did last and has not undone yet; refused when somebody has built on it since. */
    suspend fun undo(language: Language = Language.VI): UndoneView = io { raw.undo(language) }

    /** Takes last month's tasks and the fees into the minutes; gives how many tasks. */
    suspend fun takeIn(): Int = io { raw.takeIn().toInt() }

    /** Notes a file that belongs to the meeting: name, type, size, pages, hash. The file stays where it is. Gives the entry's id. */
    suspend fun attachFile(name: String, media: String, content: ByteArray, pages: Int = 0): String =
        io { raw.attachFile(name, media, content, pages.coerceAtLeast(0).toUInt()) }

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

        /** Lines of a page of the diary that is not asked for otherwise. */
        const val DIARY_PAGE = 50
    }
}
