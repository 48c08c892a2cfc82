package vn.sotay.phone

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.StateFlow
import vn.sotay.Answers
import vn.sotay.Change
import vn.sotay.DocumentEntry
import vn.sotay.Handbook
import vn.sotay.Reader
import vn.sotay.ReaderView
import vn.sotay.SearchResults
import vn.sotay.SectionHeading
import vn.sotay.SectionView
import vn.sotay.SharedMark
import vn.sotay.SpeechOutput
import vn.sotay.StudyOverviewView

/** The library's screen. */
data class LibraryContent(
    /** The documents, newest first, with what was read of each. */
    val documents: List<DocumentEntry>,
    /** Learning: what is due today. */
    val study: StudyOverviewView,
)

/** The library: what there is, and what is looked for in it. */
class LibraryModel(private val handbook: Handbook, scope: CoroutineScope) {
    /** What to draw. */
    val screen = Screen(handbook, scope, { it == Change.Library }) { LibraryContent(handbook.library.documents(), handbook.study.overview()) }

    /** Results for what is typed, or null when the notice says why not. Cancel it when another letter is typed. */
    suspend fun search(query: String): SearchResults? {
        var results: SearchResults? = null
        screen.act { results = handbook.library.search(query) }
        return results
    }

    /** Answers to a question, or null when the notice says why not. */
    suspend fun ask(question: String): Answers? {
        var answers: Answers? = null
        screen.act { answers = handbook.library.ask(question) }
        return answers
    }
}

/** A document's screen. */
data class ReadingContent(
    /** The document, and what was read of it. */
    val entry: DocumentEntry,
    /** Its contents. */
    val contents: List<SectionHeading>,
    /** The section that is shown. */
    val section: SectionView,
    /** What the holder told the unit of it. */
    val told: SharedMark,
)

/** A document that is read, or listened to. It begins at the section where the holder stopped. */
class ReadingModel(private val handbook: Handbook, private val document: String, scope: CoroutineScope) {
    private var shown: Int? = null
    private var reader: Reader? = null

    /** What to draw. */
    val screen = Screen(handbook, scope, { it == Change.Library }) { read() }

    private suspend fun read(): ReadingContent {
        val contents = handbook.library.contents(document)
        val entry = handbook.library.documents().first { it.id == document }
        val begun = contents.indexOfLast { it.firstParagraph <= entry.reading.furthest }.coerceAtLeast(0)
        val number = shown ?: begun.also { shown = it }
        return ReadingContent(entry, contents, handbook.library.section(document, number), handbook.library.shared(document))
    }

    /** Shows another section. The one that is left was read, for so many seconds. */
    suspend fun turn(number: Int, seconds: Int = 0): Boolean =
        screen.act {
            val left = screen.shown.value.content?.section?.place
            if (left != null) handbook.library.readOn(document, (left.firstParagraph + left.paragraphs).toInt(), seconds)
            shown = number
            screen.refresh()
        }

    /** The holder is done with it. Nobody else learns that. */
    suspend fun finish(): Boolean = screen.act { handbook.library.finishReading(document); screen.refresh() }

    /** Tells the unit about it, or takes that back. */
    suspend fun share(mark: SharedMark): Boolean = screen.act { handbook.library.share(document, mark); screen.refresh() }

    /** Reads aloud from the section that is shown, or where the holder stopped; the state names the sentence to highlight. Null: the notice says why not. */
    suspend fun listen(voice: SpeechOutput): StateFlow<ReaderView>? {
        screen.act {
            val last = handbook.library.contents(document).lastIndex
            reader = handbook.library.reader(document, voice, shown?.let { it..last }).also { it.play() }
        }
        return reader?.state
    }

    /** The voice has finished an utterance. */
    fun finished(utterance: ULong) {
        reader?.finished(utterance)
    }

    /** Falls silent. */
    suspend fun rest(): Boolean = screen.act { reader?.pause() }
}
