package vn.sotay

/** What members write to the committee, with their name or without, and what becomes of it. */
class Feedback internal constructor(private val raw: RawFeedback) {
    /**
     * Writes to the committee; gives the item's id. Without a name neither the relay nor the committee learns who wrote, and
     * nobody can answer but publicly. [nameAbove] lets the level above learn the name, should the item be passed up. With the [id] of an earlier call the same item is not written twice.
     */
    suspend fun submit(
        topic: String,
        text: String,
        named: Boolean,
        meeting: String? = null,
        nameAbove: Boolean = false,
        id: String? = null,
    ): String = io { raw.submit(NewFeedback(topic, text, named, meeting, nameAbove, id)) }

    /** Takes an item of this phone back: without a trace while it waits, otherwise the committee sees that it was taken back. */
    suspend fun withdraw(item: String) = io { raw.withdraw(item) }

    /** Sends an item of this phone again, e.g. after the relay refused it; the committee gets it once. */
    suspend fun sendAgain(item: String) = io { raw.sendAgain(item) }

    /** What was written on this phone, newest first, with what was answered. */
    suspend fun own(): List<OwnFeedbackView> = io { raw.own() }

    /** What the committee has received. The committee only. */
    suspend fun received(language: Language = Language.VI): List<FeedbackView> = io { raw.received(language) }

    /** Notes what has become of an item, and answers it if there is a [text]: its writer alone, or the whole unit. The committee only. */
    suspend fun answer(item: String, status: FeedbackStatus, text: String? = null, public: Boolean = false) =
        io { raw.answer(FeedbackAnswer(item, status, text, public)) }

    /** Answers that everybody in the unit reads, oldest first. */
    suspend fun publicAnswers(): List<FeedbackReplyView> = io { raw.publicAnswers() }

    /** Passes an item up to the level above, with its writer's name if the writer agreed. Officers only. */
    suspend fun passUp(item: String) = io { raw.passUp(item) }

    /** What this unit passed up, oldest first, and what was said of it above. Officers only. */
    suspend fun passed(): List<PassedFeedbackView> = io { raw.passed() }

    /** What the units below passed up to this one, oldest first. */
    suspend fun fromBelow(): List<PassedFeedbackView> = io { raw.fromBelow() }

    /** On the level above: says what became of an item that a unit below passed up. */
    suspend fun answerBelow(item: String, status: FeedbackStatus, text: String? = null, public: Boolean = false) =
        io { raw.answerBelow(FeedbackAnswer(item, status, text, public)) }

    /** Hands the answer from above on, to the writer or, of an item without name, to everybody. Officers only. */
    suspend fun handOn(item: String) = io { raw.handOn(item) }
}
