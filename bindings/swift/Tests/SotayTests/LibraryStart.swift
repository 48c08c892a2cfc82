import Foundation
import Sotay

/// The second example of `docs/EMBEDDING.md`, which is compared with it.
func libraryStart(
    book: Handbook, file: URL, voice: any SpeechOutput, show: @escaping @Sendable (String, UInt32, UInt32) -> Void
) async throws -> (Answers, Reader) {
    // begin
    let published = try await book.library.publish(
        file, code: "02-QC/CB", date: "2023-01-08", kind: "Quy chế", issuer: "Chi bộ thôn An Lạc", title: "Quy chế làm việc")
    let hit = try await book.library.search("bieu quyet").hits[0]  // section, snippet, document
    let section = try await book.library.section(hit.document, number: Int(hit.number))
    let answers = try await book.library.ask("biểu quyết bằng hình thức nào?")  // word for word, or answers.message
    let reader = try await book.library.reader(published.id, voice: voice)  // from where the holder stopped reading
    let highlighted = Task {
        for await state in reader.states() { if let heard = state.heard { show(section.text, heard.begin, heard.end) } }
    }
    try await reader.play()  // the voice calls reader.finished(utterance.number) when it has spoken
    // end
    highlighted.cancel()
    return (answers, reader)
}
