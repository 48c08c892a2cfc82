package vn.sotay

import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.map

/**
 * Reads a document aloud. How far the holder has listened becomes reading progress at the end of every section and whenever the
 * voice rests.
 *
 * The voice is the app's: on Android, `TextToSpeech.speak(utterance.text, QUEUE_FLUSH, …)` in [SpeechOutput.speak], and
 * [finished] from `UtteranceProgressListener.onDone` after the pause.
 */
class Reader internal constructor(voice: SpeechOutput, open: (SpeechOutput) -> RawReader) {
    private val watched = Watched(voice)
    private val raw = open(watched)
    private val lock = Any()
    private val shown = MutableStateFlow(told { raw.view() })

    init {
        watched.spoke = ::look
    }

    /** What the reader does and which sentence is heard: state for a screen. */
    val state: StateFlow<ReaderView> = shown.asStateFlow()

    /** The sentence that is heard, whenever it changes; null when everything was spoken. */
    val heard: Flow<HeardView?> = state.map { it.heard }.distinctUntilChanged()

    /** Speaks, from the sentence that stands highlighted. */
    suspend fun play(): ReaderView = steer { raw.play() }

    /** Falls silent; [play] begins the same sentence again. */
    suspend fun pause(): ReaderView = steer { raw.pause() }

    /** Goes to the next sentence, spoken or not. */
    suspend fun next(): ReaderView = steer { raw.next() }

    /** Goes to the sentence before. */
    suspend fun previous(): ReaderView = steer { raw.previous() }

    /**
     * The voice has finished an utterance, its pause included; the next one is spoken. It may be called from the voice's own
     * thread, which waits for milliseconds. A report about an earlier one changes nothing.
     */
    fun finished(utterance: ULong): ReaderView =
        try {
            told { raw.finished(utterance) }
        } finally {
            look()
        }

    private suspend fun steer(call: () -> ReaderView): ReaderView =
        try {
            io(call)
        } finally {
            look()
        }

    /** Two threads may look at once: what is shown last is what was true last. */
    private fun look() = synchronized(lock) { shown.value = told { raw.view() } }

    /** Tells when another sentence begins, for a voice may go on by itself. */
    private class Watched(private val voice: SpeechOutput) : SpeechOutput {
        @Volatile var spoke: () -> Unit = {}

        override fun speak(utterance: Utterance) {
            spoke()
            voice.speak(utterance)
        }

        override fun stop() = voice.stop()
    }
}
