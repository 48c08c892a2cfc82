package vn.sotay

import java.io.File

/** The library of the unit: documents, reading, search, answers, reading aloud, broadcasts. All of it works without a network. */
class Library internal constructor(private val raw: RawLibrary) {
    /** The documents, newest first. */
    suspend fun documents(): List<DocumentEntry> = io { raw.documents() }

    /** The contents of a document. */
    suspend fun contents(document: String): List<SectionHeading> = io { raw.contents(document) }

    /** One section of a document, counted from 0, with the sentences that are highlighted while it is read aloud. */
    suspend fun section(document: String, number: Int): SectionView = io { raw.section(document, count(number)) }

    /**
     * Searches, best result first. Words with or without marks, codes, articles and raw Telex or VNI keystrokes are understood;
     * the last word may be a beginning, so it can be called while somebody types.
     */
    suspend fun search(query: String, limit: Int = SEARCH_RESULTS): SearchResults = io { raw.search(query, count(limit)) }

    /** Answers a question with sentences that stand word for word in the library, or says that there is no answer. */
    suspend fun ask(question: String): Answers = io { raw.askQuestion(question) }

    /** Notes how many paragraphs of a document were reached on this phone, and for how many [moreSeconds]. Private. */
    suspend fun readOn(document: String, furthest: Int, moreSeconds: Int = 0): ReadingView =
        io { raw.readOn(document, count(furthest), count(moreSeconds)) }

    /** Notes that the holder is done with a document. Private; see [share]. */
    suspend fun finishReading(document: String): ReadingView = io { raw.finishReading(document) }

    /** Tells the unit about a document, or takes it back. Only when the member asks for it. */
    suspend fun share(document: String, mark: SharedMark) = io { raw.share(document, mark) }

    /** What the holder told of a document. */
    suspend fun shared(document: String): SharedMark = io { raw.shared(document) }

    /** Figures of what members told, of every document and without persons. */
    suspend fun delivery(): List<DeliveryView> = io { raw.delivery() }

    /** Who told what of a document. For officers only. */
    suspend fun readers(document: String): List<ReaderMark> = io { raw.readers(document) }

    /**
     * A reader that speaks a document through a voice of the platform, silent until [Reader.play]. Without [sections] it begins
     * where the holder stopped reading and goes to the end.
     */
    suspend fun reader(
        document: String,
        voice: SpeechOutput,
        sections: IntRange? = null,
        region: SpeechRegion = SpeechRegion.NORTHERN,
    ): Reader =
        io {
            val first = sections?.let { count(it.first) }
            val last = sections?.let { count(it.last) }
            Reader(voice) { watched -> raw.reader(document, first, last, region, watched) }
        }

    /** The broadcasts of the unit, in order of time. Nothing streams or downloads by itself. */
    suspend fun broadcasts(): List<BroadcastView> = io { raw.broadcasts() }

    /**
     * Publishes a schedule: it replaces what earlier ones say of the days from its first to its last entry. Officers only. Of a
     * recording (a path) name, size and hash are announced; the file itself travels some other way.
     */
    suspend fun publishBroadcasts(entries: List<NewBroadcast>) = io { raw.publishBroadcasts(entries) }

    /**
     * Copies the file of a recording (by the hash that its broadcast names) to where the app keeps it, if every byte of it is the
     * published one; gives what was announced of it. The platform plays it.
     */
    suspend fun takeInRecording(recording: String, file: File, to: File): FileView =
        io { raw.takeInRecording(recording, file.path, to.path) }

    /**
     * Reads a .docx, PDF, HTML or text file and publishes it to everybody in the unit. Officers only, on a desktop: the library
     * that ships inside phone apps says `publishing_left_out`.
     */
    suspend fun publish(
        file: File,
        code: String,
        date: String,
        kind: String,
        issuer: String,
        title: String,
        links: List<DocumentLink> = emptyList(),
    ): PublishedView = io { raw.publish(NewDocument(file.path, kind, code, issuer, date, title, links)) }

    /** Values of the library. */
    companion object {
        /** Results of a search that names no number. */
        const val SEARCH_RESULTS: Int = 20
    }
}

/** A text as a voice is to speak it: numbers, dates, codes and abbreviations in words. */
suspend fun spoken(text: String, region: SpeechRegion = SpeechRegion.NORTHERN): String {
    NativeLibrary.ensure()
    return io { speechText(text, region) }
}

/** A text cut into sentences with stable ids, each with what is spoken. */
suspend fun spokenSentences(text: String, region: SpeechRegion = SpeechRegion.NORTHERN): List<SpokenSentenceView> {
    NativeLibrary.ensure()
    return io { speechSentences(text, region) }
}

/** A negative number of things is none. */
internal fun count(number: Int): UInt = number.coerceAtLeast(0).toUInt()
