package vn.sotay.phone

import java.io.File
import kotlinx.coroutines.CoroutineScope
import vn.sotay.Handbook
import vn.sotay.ReaderState
import vn.sotay.SharedMark
import vn.sotay.SpeechOutput
import vn.sotay.Utterance

/** The library in lines; documents are named by their number in `library`. */
internal class LibraryLines(private val handbook: Handbook, private val scope: CoroutineScope) {
    private val library by lazy { LibraryModel(handbook, scope) }

    /** What to print for a line that is the library's, or null. */
    suspend fun say(word: String, rest: String): List<String>? =
        when (word) {
            "library" -> documents().mapIndexed { at, entry -> "${at + 1}. ${entry.code} · ${entry.date} · ${entry.title} · ${entry.reading.percent}%" }
            "publish" -> publish(rest)
            "search" -> search(rest)
            "ask" -> ask(rest)
            "read" -> read(rest)
            "share" -> reading(rest).run { if (share(SharedMark.DONE)) emptyList() else throw BadLine(screen.notice()) }
            "speak" -> speak(rest)
            else -> null
        }

    private suspend fun publish(rest: String): List<String> {
        val parts = rest.split('|').map(String::trim)
        if (parts.size != 6) throw BadLine("publish FILE | CODE | DATE | TYPE | ISSUER | TITLE")
        val (file, code, date, kind, issuer) = parts
        return handbook.library.publish(File(file), code, date, kind, issuer, parts[5]).let { listOf("sections: ${it.sections}, paragraphs: ${it.paragraphs}") }
    }

    private suspend fun search(query: String): List<String> {
        val results = library.search(query) ?: throw BadLine(library.screen.notice())
        return results.hits.map { "${it.code} · ${it.section} · ${it.snippet}" }
    }

    private suspend fun ask(question: String): List<String> {
        val answers = library.ask(question) ?: throw BadLine(library.screen.notice())
        return answers.message?.let(::listOf) ?: answers.quotes.map { "“${it.quote}” (${it.section}, ${it.code}, ${it.date})" }
    }

    private suspend fun read(rest: String): List<String> {
        val model = reading(rest)
        model.screen.refresh()
        val content = model.screen.shown.value.content ?: throw BadLine(model.screen.notice())
        val next = (content.section.place.number.toInt() + 1).coerceAtMost(content.contents.lastIndex)
        if (!model.turn(next)) throw BadLine(model.screen.notice())
        val place = content.section.place
        return listOf("${place.label}. ${place.heading}") + content.section.text.lines() + "read: ${model.screen.shown.value.content?.entry?.reading?.percent}%"
    }

    /** A voice of letters: what it would say is printed. */
    private suspend fun speak(rest: String): List<String> {
        val said = ArrayList<Utterance>()
        val voice =
            object : SpeechOutput {
                override fun speak(utterance: Utterance) {
                    said += utterance
                }

                override fun stop() = Unit
            }
        val model = reading(rest)
        val state = model.listen(voice) ?: throw BadLine(model.screen.notice())
        while (state.value.state == ReaderState.SPEAKING) model.finished(said.last().number)
        return said.map { it.text }
    }

    private suspend fun reading(rest: String): ReadingModel {
        val all = documents()
        val entry = rest.toIntOrNull()?.let { all.getOrNull(it - 1) } ?: throw BadLine("no document $rest; see library")
        return ReadingModel(handbook, entry.id, scope)
    }

    private suspend fun documents() = handbook.library.documents()

    private fun Screen<*>.notice() = shown.value.notice?.text.orEmpty()

    companion object {
        /** Its commands. */
        const val HELP = "library      publish FILE | CODE | DATE | TYPE | ISSUER | TITLE      search WORDS      ask QUESTION      read NUMBER      speak NUMBER      share NUMBER"
    }
}
