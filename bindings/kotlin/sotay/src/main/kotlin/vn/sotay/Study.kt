package vn.sotay

/** Quizzes and their repetition. Answers are private and agree on all phones of a member. */
class Study internal constructor(private val raw: RawStudy) {
    /** The quizzes of the unit, by title. */
    suspend fun quizzes(): List<QuizView> = io { raw.quizzes() }

    /** Begins an attempt: the questions in the order they are to be shown. Nothing is written until [handIn]. */
    suspend fun begin(quiz: String): QuizSheet = io { raw.begin(quiz) }

    /** Hands in the answers to a sheet; questions without one were left out. */
    suspend fun handIn(sheet: QuizSheet, answers: List<QuizAnswer>): QuizResult = io { raw.handIn(sheet, answers) }

    /** The holder's attempts at a quiz on all phones, in order of start. */
    suspend fun attempts(quiz: String): List<AttemptView> = io { raw.attempts(quiz) }

    /** The questions to repeat now, the longest overdue first. */
    suspend fun due(): List<DueQuestionView> = io { raw.due() }

    /** Notes the answer to a repeated question, and how well a right answer was [felt] to be known. */
    suspend fun repeat(question: String, given: GivenAnswer, felt: AnswerRating? = null): RepeatResult =
        io { raw.repeat(question, given, felt) }

    /** How the holder's learning stands, on all phones. */
    suspend fun overview(): StudyOverviewView = io { raw.overview() }

    /**
     * Questions drafted from a document, each with its passage, for a person to read, change and drop. The same [seed] drafts the
     * same ones. On a desktop: the library that ships inside phone apps says `publishing_left_out`.
     */
    suspend fun draft(document: String, seed: ULong = 1u, limit: Int = DRAFTS): List<QuizQuestion> =
        io { raw.draft(document, seed, count(limit)) }

    /** Publishes a quiz to everybody in the unit; gives its id. Officers only. Every passage has to stand in the library. */
    suspend fun publish(title: String, questions: List<QuizQuestion>, exam: ExamRules? = null): String =
        io { raw.publish(NewQuiz(title, questions, exam)) }

    /** Values of quizzes. */
    companion object {
        /** Questions that are drafted where no number is given. */
        const val DRAFTS: Int = 20
    }
}
