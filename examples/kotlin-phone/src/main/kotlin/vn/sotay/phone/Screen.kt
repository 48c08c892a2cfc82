package vn.sotay.phone

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch
import vn.sotay.Change
import vn.sotay.Handbook
import vn.sotay.NextAction
import vn.sotay.SotayException

/** Something that a person has to be told, and what the screen offers then. */
data class Notice(val text: String, val next: NextAction)

/** What a screen shows: nothing before the first reading, and a notice until the next action that succeeds. */
data class Shown<out T>(val content: T? = null, val notice: Notice? = null)

/**
 * One screen's state, read now and after every change that concerns it, as long as [scope] lives. In a Compose screen:
 * `val shown by screen.shown.collectAsState()`, with a view model's scope.
 */
class Screen<T>(
    handbook: Handbook,
    scope: CoroutineScope,
    private val concerns: (Change) -> Boolean,
    private val read: suspend () -> T,
) {
    private val state = MutableStateFlow(Shown<T>())

    /** What to draw. */
    val shown: StateFlow<Shown<T>> = state.asStateFlow()

    init {
        scope.launch {
            noticed { handbook.changeBatches().collect { batch -> if (batch.any(::matters)) noticed { refresh() } } }
        }
    }

    /** Reads now: for what changes without a change, such as progress. */
    suspend fun refresh() {
        val content = read()
        state.update { it.copy(content = content) }
    }

    /** Carries out what a person asked for; what goes wrong becomes the notice. Says whether it went well. */
    suspend fun act(action: suspend () -> Unit): Boolean = noticed(action).also { well -> if (well) state.update { it.copy(notice = null) } }

    private suspend fun noticed(action: suspend () -> Unit): Boolean =
        try {
            action()
            true
        } catch (error: SotayException) {
            state.update { it.copy(notice = Notice(error.text(), error.nextAction)) }
            false
        }

    private fun matters(change: Change) = change == Change.Start || change == Change.Missed || concerns(change)
}
