package vn.sotay

import java.io.File
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.launch

/** The second example of `docs/EMBEDDING.md`, which is compared with it. */
suspend fun libraryStart(
    book: Handbook,
    file: File,
    voice: SpeechOutput,
    scope: CoroutineScope,
    show: (String, UInt, UInt) -> Unit,
): Pair<Answers, Reader> {
    // begin
    val published = book.library.publish(file, "02-QC/CB", "2023-01-08", "Quy chế", "Chi bộ thôn An Lạc", "Quy chế làm việc")
    val hit = book.library.search("bieu quyet").hits.first() // section, snippet, document
    val section = book.library.section(hit.document, hit.number.toInt())
    val answers = book.library.ask("biểu quyết bằng hình thức nào?") // word for word, or answers.message
    val reader = book.library.reader(published.id, voice) // from where the holder stopped reading
    val highlighted = scope.launch { reader.heard.collect { heard -> heard?.let { show(section.text, it.begin, it.end) } } }
    reader.play() // the voice calls reader.finished(utterance.number) when it has spoken
    // end
    highlighted.cancel()
    return answers to reader
}
