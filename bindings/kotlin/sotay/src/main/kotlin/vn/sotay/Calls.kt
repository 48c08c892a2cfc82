package vn.sotay

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext

/**
 * Threads that may wait for the library at once, in the whole process. One profile answers one call after another, so more
 * would only wait.
 */
private const val CALLS_AT_ONCE = 8

private val calls = Dispatchers.IO.limitedParallelism(CALLS_AT_ONCE)

/**
 * A call of the library off the caller's thread. It lasts milliseconds and is not interrupted: when the coroutine is
 * cancelled meanwhile, what was commanded has happened and the answer is dropped.
 */
internal suspend fun <T> io(call: () -> T): T = withContext(calls) { told(call) }

/** Loads the library once and refuses one that this wrapper was not made for. */
internal object NativeLibrary {
    init {
        // The generated code compares versions only here; without it another library's functions would be called.
        uniffiEnsureInitialized()
    }

    /** Does nothing after the first time. */
    fun ensure() = Unit
}
