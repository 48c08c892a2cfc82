package vn.sotay

/**
 * A call did not happen, and nothing was changed by it (an exchange with a relay that broke off keeps what it had stored).
 *
 * [message] is for logs. A screen shows [text] and offers what [nextAction] says.
 */
sealed class SotayException(
    private val detail: ErrorDetail,
    cause: Throwable?,
) : Exception("${detail.en} [${detail.code}]", cause) {
    /** Stable name for programs, e.g. `vote_open`. */
    val code: String get() = detail.code

    /** What to do next. */
    val nextAction: NextAction get() = detail.nextAction

    /** What happened and what to do next, for people. Names no member and quotes no document. */
    fun text(language: Language = Language.VI): String =
        "${errorText(detail, language)} ${nextActionText(nextAction, language)}"

    /** What was given does not fit: correct it. */
    class Input internal constructor(detail: ErrorDetail, cause: Throwable?) : SotayException(detail, cause)

    /** The role of this phone's holder does not allow it. */
    class NotAllowed internal constructor(detail: ErrorDetail, cause: Throwable?) : SotayException(detail, cause)

    /** Disk, folder or database. */
    class Storage internal constructor(detail: ErrorDetail, cause: Throwable?) : SotayException(detail, cause)

    /** The vault is locked, refuses, or lost its key. */
    class Vault internal constructor(detail: ErrorDetail, cause: Throwable?) : SotayException(detail, cause)

    /** Network or relay. */
    class Network internal constructor(detail: ErrorDetail, cause: Throwable?) : SotayException(detail, cause)

    /** The exchange was cancelled by [SyncTask.cancel]. A cancelled coroutine gets its `CancellationException` instead. */
    class Cancelled internal constructor(detail: ErrorDetail, cause: Throwable?) : SotayException(detail, cause)

    /** The handbook was shut down. */
    class Stopped internal constructor(detail: ErrorDetail, cause: Throwable?) : SotayException(detail, cause)

    /** A mistake of this software; documents were read again from disk and nothing was lost. */
    class Internal internal constructor(detail: ErrorDetail, cause: Throwable?) : SotayException(detail, cause)
}

/** The exception of this package for one of the bridge. */
internal fun HandbookException.told(): SotayException =
    when (this) {
        is HandbookException.Input -> SotayException.Input(detail, this)
        is HandbookException.NotAllowed -> SotayException.NotAllowed(detail, this)
        is HandbookException.Storage -> SotayException.Storage(detail, this)
        is HandbookException.Vault -> SotayException.Vault(detail, this)
        is HandbookException.Network -> SotayException.Network(detail, this)
        is HandbookException.Cancelled -> SotayException.Cancelled(detail, this)
        is HandbookException.Stopped -> SotayException.Stopped(detail, this)
        is HandbookException.Internal -> SotayException.Internal(detail, this)
    }

/** Lets a call throw the exceptions of this package. */
internal inline fun <T> told(call: () -> T): T =
    try {
        call()
    } catch (error: HandbookException) {
        throw error.told()
    }
